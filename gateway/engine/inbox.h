/* SPDX-License-Identifier: Apache-2.0 */
/* inbox.h - what arrived: recognise a repeat, store the rest, decide it, and say what may be acknowledged.
 *
 * A repeat changes nothing and gets the first one's passive reply again. A repeat of an event whose reply went
 * out passively also proves that the reply had not arrived, so its waiting starts anew.
 *
 * Errors   0 or a negative err of the store: the whole batch is then rolled back.
 * Memory   the batch's arena. Threads: the engine thread.
 */
#ifndef SIYU_ENGINE_INBOX_H
#define SIYU_ENGINE_INBOX_H

#include "engine/batch.h"

/* All OP_INBOUND of a batch at once. Each gets its REPLY_STORED. */
int inbox_take(struct batch *b, struct op_inbound *const *ops, size_t n);

/* Decides events that were stored but not decided: after an unclean stop, or when a playbook was mended. One
 * bounded piece of at most `limit`; 1: more is left. */
int inbox_decide_pending(struct batch *b, size_t limit);

/* Passive replies that nobody asked for again within 20 s are accepted(inferred). */
int inbox_infer_passive(struct batch *b, int64_t *ret_next_ms);

#endif
