/* SPDX-License-Identifier: Apache-2.0 */
/* wire.h - an HTTP request without its socket, made into a call of the model.
 *
 * Errors   false: a query, path or form that is not UTF-8, or a broken escape in the query. A body that is no
 *          JSON is no error here: the platform judges it.
 * Memory   the texts are copied into `keep`, an object that must outlive the call.
 * Threads  any.
 */
#ifndef SIYU_SANDBOX_WIRE_H
#define SIYU_SANDBOX_WIRE_H

#include "sandbox/model.h"

enum { SB_WIRE_BYTES = 8 * 1024 * 1024 };

struct sb_wire {
    enum sb_base base;
    bool post;
    struct str path, query, body; /* path below the base */
    json_t *headers;              /* lower-case names; outlives the call */
};
/* Fills the upper half of the call but now_ms. */
bool sb_wire_call(const struct sb_wire *w, json_t *keep, struct sb_call *ret);

#endif
