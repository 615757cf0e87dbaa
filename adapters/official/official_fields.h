/* SPDX-License-Identifier: Apache-2.0 */
/* official_fields.h - one way to read a push, whichever format the console was set to.
 *
 * A path is as in xml.h: "MsgId", "ScanCodeInfo/ScanResult". Of repeated elements (in JSON an array, or the
 * one object alone) it takes the first.
 *
 * Memory   texts live as long as the push; numbers of JSON become texts in its arena.
 */
#ifndef SIYU_ADAPTERS_OFFICIAL_FIELDS_H
#define SIYU_ADAPTERS_OFFICIAL_FIELDS_H

#include "adapters/official/official_push.h"

/* {NULL, 0}: absent, or no memory for it (p->starved). */
struct str official_field(struct official_push *p, const char *path);
int64_t official_field_i64(struct official_push *p, const char *path, int64_t def);

/* Repeated elements: how many, and a field of the i-th. */
size_t official_row_count(const struct official_push *p, const char *path);
struct str official_row_field(struct official_push *p, const char *path, size_t i, const char *name);

#endif
