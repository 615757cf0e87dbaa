/* SPDX-License-Identifier: Apache-2.0 */
/* sender.h - the way out: which deliveries go now, within every limit, in fair order.
 *
 * Loop-free: sender_step() works inside the engine's batch, on the injected clock, and turns due deliveries into
 * attempts that are charged and in flight when the batch commits. A million queued deliveries stay in the store;
 * in memory is one entry a queue (account, lane, broadcast).
 *
 *     due -> re-check (expired? refused? still a friend? quiet hours?) -> charge, all or none -> attempt
 *                |                                                         |
 *                +-> expired, suppressed, failed                           +-> held(limit, until)
 *
 * Lanes are strict: 0 welcome, 1 replies, 2 journeys, 3 broadcasts, and a part of the in-flight window is kept for
 * lanes 0 and 1. Within a lane, queues take turns.
 *
 * Errors   0 or a negative err of the store: the batch is rolled back.
 * Threads  the engine thread.
 */
#ifndef SIYU_SENDER_SENDER_H
#define SIYU_SENDER_SENDER_H

#include <stdint.h>

struct engine;
struct sender;

int sender_new(struct engine *e, struct sender **ret);
void sender_free(struct sender *s); /* NULL is a no-op */

/* Reads which queues there are; at start and after a batch that was rolled back. */
int sender_load(struct sender *s);

/* One bounded round. Call after engine_tick(), before engine_commit(). */
int sender_step(struct sender *s);

/* When something may be sent again without a new op, on the engine's clock; INT64_MAX: never. */
int64_t sender_next_ms(const struct sender *s);

#endif
