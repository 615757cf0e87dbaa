/* SPDX-License-Identifier: Apache-2.0 */
/* core.h - the engine thread: takes what the loop posted, runs batches, posts what they decided.
 *
 * It starts a batch when something waits or is due, takes what has arrived by then, and commits; it never
 * waits to fill a batch. When it is idle it checkpoints in small steps. A commit that fails leaves unknown
 * what is durable: nothing more may be sent, so the process ends at once.
 *
 *     core_new -> core_start -> core_post* -> core_stop -> (on_reply ... REPLY_STOPPED) -> core_free
 *
 * An OP_HOLD among the ops is answered by REPLY_HELD: from there on outcomes and events are still taken, but
 * no call is ordered any more. So a stop can wait for the outcome of everything that was ordered.
 *
 * Errors   core_post: ERR_FULL the engine is behind, ERR_CLOSED after core_stop(); the op is still the
 * caller's. Memory   takes ops; each reply is the receiver's to message_free(). Threads  core_post: any.
 * on_reply: the loop thread. The engine and store belong to the engine thread between core_start() and
 * REPLY_STOPPED.
 */
#ifndef SIYU_HOST_CORE_H
#define SIYU_HOST_CORE_H

#include "engine/engine.h"
#include "loop/loop.h"

struct core;
struct sender;

typedef void (*core_reply_fn)(void *ctx, struct message *reply);

struct core_stats { /* read from any thread; counters only grow */
    uint64_t batches, ops, commit_us_max;
};

int core_new(struct loop *loop, struct engine *engine, struct store *store, const struct clock *clock,
             core_reply_fn on_reply, void *ctx, struct core **ret);
int core_start(struct core *c);
/* Takes `op` on success. */
int core_post(struct core *c, struct message *op);
/* Ops that are posted already are still decided; then REPLY_STOPPED. */
void core_stop(struct core *c);
/* After REPLY_STOPPED, or before core_start(). NULL is a no-op. */
void core_free(struct core *c);
struct core_stats core_stats(const struct core *c);

/* Tests: the engine thread does nothing for `ms`, as if its disk hung. */
void core_stall(struct core *c, int64_t ms);

#endif
