/* SPDX-License-Identifier: Apache-2.0 */
/* counters.h - brings the quota counters that a batch is about to ask into the counter set, in one load.
 *
 * Errors   0 or a negative err. Memory: the batch's arena for the load. Threads: the engine thread.
 */
#ifndef SIYU_ENGINE_COUNTERS_H
#define SIYU_ENGINE_COUNTERS_H

#include "engine/batch.h"
#include "limits/quota.h"

/* Loads those of `keys` (reordered) that the set has not. Repeats are harmless. */
int counters_load(struct batch *b, struct counter_key *keys, size_t n);
int counters_load_wants(struct batch *b, const struct claim_want *wants, size_t n);

/* The open claims of these owners (deliveries, attempts), with their counters loaded. In the batch's arena. */
int counters_load_claims(struct batch *b, const int64_t *owners, size_t n, struct claim **ret, size_t *ret_n);

/* The event-opened limits that `kind` opens for a contact at an account: fills `ret`, returns how many. */
enum { COUNTERS_MAX_OPENED = 8 };
size_t counters_opened_by(const struct batch *b, enum account_kind account_kind, enum event_kind kind,
                          int64_t account, int64_t contact, struct counter_key ret[COUNTERS_MAX_OPENED]);

#endif
