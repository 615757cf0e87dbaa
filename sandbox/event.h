/* SPDX-License-Identifier: Apache-2.0 */
/* event.h - what customers do: the model changes, and the gateway is told as the platform tells it.
 *
 * A spec is {connection, kind, ...}; README.md lists the kinds. Common members: `times` pushes the same body
 * so often; `count` does it for so many customers ({n} in `customer` is 1, 2, ...), all with one CreateTime;
 * `at` is that CreateTime in ms, now otherwise.
 *
 * Errors   ERR_INVALID, ERR_NOT_FOUND with a complaint in the diag; nothing happened then, but for the
 *          customers of a burst before the one at fault.
 * Memory   `ret` is a new reference: {"done": [{"customer", "id", "welcome_code"?}]}.
 * Threads  one at a time.
 */
#ifndef SIYU_SANDBOX_EVENT_H
#define SIYU_SANDBOX_EVENT_H

#include "sandbox/model.h"

int sb_event(struct sb_model *m, const json_t *spec, int64_t now_ms, json_t **ret, struct diag *diag);

/* The customer writes `text` where he can: on the connection `on`, or (NULL) the first that takes text. */
int sb_event_say(struct sb_model *m, const char *customer, const char *text, const char *on, int64_t now_ms,
                 json_t **ret, struct diag *diag);

#endif
