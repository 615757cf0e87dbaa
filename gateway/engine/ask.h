/* SPDX-License-Identifier: Apache-2.0 */
/* ask.h - questions and orders to the engine from api and control socket, as JSON.
 *
 *     {"ask": "status"}                         -> counts, clock, playbooks
 *     {"ask": "counts"}                         -> rows by state
 *     {"ask": "release", "account": NAME}       a frozen account works again
 *     {"ask": "decide-again"}                   undecided events are decided once more
 *     {"ask": "unsaid", "event": ID}            the host could not write this event's passive reply any more
 *     {"ask": "token", "id", "hash", "role"}    keeps the hash of an API token
 *
 * Errors   what the asker did wrong is in the answer; a negative err concerns the whole batch.
 * Memory   the batch's arena. Threads: the engine thread.
 */
#ifndef SIYU_ENGINE_ASK_H
#define SIYU_ENGINE_ASK_H

#include "engine/batch.h"

int ask_take(struct batch *b, const struct op_ask *op);
/* Answers an op that never got so far. */
void ask_refuse(struct batch *b, int64_t id, int err, const char *why);

#endif
