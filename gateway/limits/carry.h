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

/* Foreign use was counted when it was seen and has no end that could be awaited. */
bool counter_may_carry(const struct counter *c, const struct claim *claim);

/* Finds a loaded counter and brings it up to the set's now. */
int counter_touch(struct counter_set *s, const struct counter_key *key, int32_t *ret);

#endif
