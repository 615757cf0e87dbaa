/* SPDX-License-Identifier: Apache-2.0 */
/* carry.h - loads counters and brings them up to now: what has freed is forgotten, and windows that begin
 * take over open cost. Private to limits/; the public half is in quota.h.
 *
 * Errors   as quota.h.
 * Threads  the engine thread that owns the set.
 */
#ifndef SIYU_LIMITS_CARRY_H
#define SIYU_LIMITS_CARRY_H

#include "limits/counter.h"

/* The set's clock never goes back. Gives its time. */
int64_t counter_set_tell_now(struct counter_set *s, int64_t now_ms);
/* The cells that a charge now falls into; calendar windows only. */
const struct window_cells *counter_set_cells(struct counter_set *s, enum limit_window w);

/* Foreign use was counted when it was seen and has no end that could be awaited. */
bool counter_may_carry(const struct counter *c, const struct claim *claim);

/* Finds a loaded counter and brings it up to the set's now. */
int counter_touch(struct counter_set *s, const struct counter_key *key, int32_t *ret);

#endif
