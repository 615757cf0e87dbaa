/* SPDX-License-Identifier: Apache-2.0 */
/* engine_private.h - the engine's own state, seen by gateway/engine and gateway/sender only.
 *
 * Memory   owned by the engine. Threads: the engine thread.
 */
#ifndef SIYU_ENGINE_ENGINE_PRIVATE_H
#define SIYU_ENGINE_ENGINE_PRIVATE_H

#include <stdatomic.h>

#include "base/id.h"
#include "engine/batch.h"
#include "engine/engine.h"
#include "engine/gateway_clock.h"
#include "engine/registry.h"
#include "engine/rulebook.h"

struct counter_set;

/* A passive reply that was written and not yet asked for again: 20 s of silence prove that it arrived. */
struct passive_wait {
    struct list node; /* in engine.passive_order: the silence is the same for all, so the first ends first */
    struct event_id event;
    struct delivery_id delivery;
    int64_t until_ms;
    bool unsaid; /* taken back, and goes out actively: a retry gets nothing */
};

enum { ENGINE_MAX_PASSIVE = 100000 };
#define PASSIVE_SILENCE_MS INT64_C(20000)
#define PASSIVE_GRAIN_MS 100

struct engine {
    struct store *store;
    const struct rulepack *rules;
    const struct clock *clock;
    const struct fold *fold;
    uint64_t seed;
    atomic_int listeners;      /* of the live feed; the loop thread sets it */
    struct gateway_clock now;
    struct id_gen ids;
    struct registry registry;
    struct counter_set *counters;
    struct rulebook *rulebook;
    struct limit *extra_limits; /* of the applied playbooks */
    size_t extra_limit_count;
    struct batch batch;

    bool unread;               /* after a rollback the store could not be read again: no batch before it is */
    struct list kept_ops;      /* outcomes of a batch that was rolled back */
    struct list taken;         /* ops of the running batch, until its end */
    struct map_i64 passive;    /* event id -> struct passive_wait */
    struct list passive_order;
    struct broadcasts *broadcasts;
    struct render_cache *frozen;
    int64_t next_ms, saved_ms;  /* next tick; when the clock was last written */
    int64_t prune_ms;           /* when the store is pruned next */
    bool decide_again;          /* somebody asked to decide the undecided once more */
    struct event_id armed;      /* its crash counter is committed: decide it in the next batch */
    int64_t recovering_until_mono_ms; /* after an unclean stop: decide one event a transaction */
    struct map_i64 blocked;    /* account id -> until when the platform wants no call */
    struct map_i64 in_flight;  /* account id -> calls with recipients that are out */
    int64_t in_flight_total;
    struct map_i64 expanding;  /* broadcast occurrence ids whose audience is not complete */
};

/* After an unclean stop, until 60 s passed clean: store first, then decide one event a transaction. */
bool engine_is_recovering(const struct engine *e);

/* Starts the silence after which a passive reply counts as accepted. */
int engine_wait_passive(struct engine *e, struct event_id event, struct delivery_id delivery);
int64_t engine_silence_end_ms(int64_t now_ms);
void engine_end_passive(struct engine *e, struct passive_wait *w);

/* A limit of the rule pack or of an applied playbook; NULL: neither. */
const struct limit *engine_limit(const struct engine *e, int32_t id);

#endif
