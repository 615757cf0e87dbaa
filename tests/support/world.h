/* SPDX-License-Identifier: Apache-2.0 */
/* world.h - engine and sender on a temporary store and a clock that only the test moves.
 *
 *     world_open -> (world_event | world_facts | world_tick)* -> world_close
 *
 * Each step is one batch; what it replied lies in `w->replies` until the next step. A crash is world_crash():
 * memory is dropped, the store reopened as after kill -9.
 *
 * Memory   the world owns everything. Threads: the test's.
 */
#ifndef SIYU_TESTS_SUPPORT_WORLD_H
#define SIYU_TESTS_SUPPORT_WORLD_H

#include "base/clock.h"
#include "base/fold.h"
#include "engine/engine.h"
#include "sender/sender.h"
#include "store/store.h"

#define WORLD_START_MS INT64_C(1796090400000) /* 2026-12-01 10:00:00 in Shanghai, a Tuesday */

struct world {
    char dir[64];
    struct clock clock;
    struct rulepack *rules;
    struct fold *fold;
    struct store *store;
    struct engine *engine;
    struct sender *sender;
    struct list replies; /* struct message.node */
    int64_t last_inbound;
};

void world_open_engine(struct world *w);
void world_close_engine(struct world *w);
/* As kill -9 and a restart. */
void world_crash(struct world *w);
/* Compiles and applies; asserts that it is good. */
void world_apply(struct world *w, const char *playbook);

/* One event of a connection, or n of them in one call; the batch is run. */
void world_event(struct world *w, const char *connection, const struct event *e);
void world_events(struct world *w, const char *connection, const struct event *e, size_t n);
struct message *world_inbound(struct world *w, const char *connection, const struct event *e, size_t n);
/* The outcome of an attempt; the batch is run. */
void world_facts(struct world *w, struct attempt_id id, const struct facts *f);
/* Moves the clock and runs a batch. */
void world_tick(struct world *w, int64_t ms);
/* The batch's error, with the store failing at its n-th call (0: never). Nothing is asserted. */
int world_try(struct world *w, struct list *ops, int64_t fail_at);

/* The n-th order of the last step with this op (CALL_OP_COUNT: any); NULL: none. */
const struct reply_perform *world_order(const struct world *w, enum call_op op, size_t n);
size_t world_orders(const struct world *w, enum call_op op);
/* The last step's answer to the only inbound call. */
const struct reply_stored *world_stored(const struct world *w);

/* Rows in a state, from the store's own count. */
int64_t world_count(struct world *w, enum delivery_state state);
struct delivery_row world_delivery(struct world *w, struct delivery_id id);

#endif
