/* SPDX-License-Identifier: Apache-2.0 */
/* followup.h - what happens to an attempt after its answer: tasks are polled, reminded and ended, unknown
 * outcomes looked for, receipts waited for. Each question to a platform is an accounted attempt of its own
 * whose parent is the attempt it asks about.
 *
 *     task:     poll with growing gaps, remind at most 3 times; at the deadline cancel, poll once more, then
 *               whoever is still pending is expired (not confirmed) and refunded
 *     unknown:  ask the platform by the handle that exists; found -> accepted(inferred), or for a task polled
 *               on as above; not found after the last try -> unknown for good, and counted
 *     receipt:  after 72 h without one, accepted is final
 *
 * Errors   0 or a negative err of the store. Memory: the batch's arena. Threads: the engine thread.
 */
#ifndef SIYU_ENGINE_FOLLOWUP_H
#define SIYU_ENGINE_FOLLOWUP_H

#include "engine/batch.h"
#include "engine/registry.h"

bool followup_can_reconcile(const struct account *account, enum call_op op);
/* Sets next_ms of an attempt that has just ended. */
void followup_plan(struct batch *b, const struct account *account, struct attempt_row *ended);
/* A poll's facts, applied to what its parent sent. */
int followup_learn(struct batch *b, const struct attempt_row *poll, const struct op_facts *op);
/* Opens the polls that are due. `ret_next_ms`: when the next one is. */
int followup_tick(struct batch *b, int64_t *ret_next_ms);

#endif
