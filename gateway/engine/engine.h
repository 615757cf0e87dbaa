/* SPDX-License-Identifier: Apache-2.0 */
/* engine.h - load, decide, write: what arrived becomes facts and deliveries, one transaction a batch.
 *
 * The engine is plain sequential code without callbacks: given the same store, ops, clock and seed it decides
 * the same. A batch runs
 *
 *     engine_begin(ops) -> engine_take -> engine_tick -> [sender_step] -> [engine_flush] -> engine_commit
 *
 * and nothing of it is visible before engine_commit() returned 0: no acknowledgement, no byte to a provider.
 * After any other error the caller calls engine_abort(): inbound ops are then answered with that error (the
 * platform resends), outcomes of attempts are kept for the next batch.
 *
 * Errors   0 or a negative err. engine_commit() failing means that durability is unknown: end the process.
 * Memory   takes the ops; gives the replies.
 * Threads  one: the engine thread.
 */
#ifndef SIYU_ENGINE_ENGINE_H
#define SIYU_ENGINE_ENGINE_H

#include "base/list.h"
#include "engine/message.h"
#include "engine/registry.h"

struct clock;
struct engine;
struct fold;
struct plan;
struct store;

struct engine_config {
    struct store *store;
    const struct rulepack *rules;
    const struct clock *clock;
    const struct fold *fold;
    uint64_t seed;
    int64_t margin_ms; /* T_send + skew, in judgement time; 0: the rule pack's */
};

int engine_new(const struct engine_config *config, struct engine **ret);
void engine_free(struct engine *e);

/* Before the first batch: connections, accounts; recovery of what an unclean stop left. */
int engine_start(struct engine *e, const struct registry_connection *conns, size_t conn_n,
                 const struct registry_account *accounts, size_t account_n);
/* Also before the first batch: what was left undecided is decided by these rules. Takes `plan`. */
int engine_apply(struct engine *e, struct plan *plan);
const struct registry *engine_registry(const struct engine *e);

/* Takes all ops of the list, also when it fails: engine_abort() answers them then. */
int engine_begin(struct engine *e, struct list *ops);
/* Each op is decided, or answered with why not. */
int engine_take(struct engine *e);
/* What time brings: broadcasts that are due, passive replies that stood, polls. Bounded work. */
int engine_tick(struct engine *e);
/* Writes what was decided so far; engine_commit() does it too, but an error here may still be aborted. */
int engine_flush(struct engine *e);
/* On success the replies of the batch are appended to `ret`. */
int engine_commit(struct engine *e, struct list *ret);
void engine_abort(struct engine *e, int err, struct list *ret);

/* When engine_tick() has something to do again, on the engine's clock; INT64_MAX: only after an op. */
int64_t engine_next_ms(const struct engine *e);

/* How many listen to the live feed: without any, no line is made. Any thread. */
void engine_listeners(struct engine *e, int n);

/* The one persisted clock: never back, forward only with the boot clock until a step is confirmed. */
int64_t engine_now_ms(const struct engine *e);

#endif
