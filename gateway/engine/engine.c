/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/ask.h"
#include "engine/attempt.h"
#include "engine/broadcast.h"
#include "engine/engine_private.h"
#include "engine/followup.h"
#include "engine/inbox.h"
#include "engine/recovery.h"
#include "engine/render.h"
#include "engine/settle.h"
#include "limits/quota.h"

#define CLOCK_SAVE_MS INT64_C(5000)
#define PRUNE_EVERY_MS INT64_C(60000)
#define PRUNE_MORE_MS INT64_C(1000)
enum { PRUNED_AT_ONCE = 200 };

int engine_new(const struct engine_config *config, struct engine **ret)
{
    struct engine *e = mem_calloc(1, sizeof *e);

    if (!e)
        return -ENOMEM;
    e->store = config->store;
    e->rules = config->rules;
    e->clock = config->clock;
    e->fold = config->fold;
    e->seed = config->seed;
    list_init(&e->kept_ops);
    list_init(&e->taken);
    list_init(&e->passive_order);
    map_i64_init(&e->passive, ENGINE_MAX_PASSIVE);
    map_i64_init(&e->blocked, 100000);
    map_i64_init(&e->in_flight, 100000);
    map_i64_init(&e->expanding, 100000);
    batch_init(&e->batch, e);
    int err = registry_init(&e->registry, e->store, e->rules);
    if (!err)
        err = counter_set_new(e->rules, &e->counters);
    if (!err)
        err = rulebook_new(e->fold, &e->rulebook);
    if (!err)
        err = broadcasts_new(&e->broadcasts);
    if (!err)
        err = render_cache_new(&e->frozen);
    if (err) {
        engine_free(e);
        return err;
    }
    *ret = e;
    return 0;
}

static void free_all(struct list *l)
{
    struct list *node;

    while ((node = list_pop(l)) != NULL)
        message_free(container_of(node, struct message, node));
}

static void forget_passive(struct engine *e)
{
    struct list *n;

    while ((n = list_first(&e->passive_order)) != NULL)
        engine_end_passive(e, container_of(n, struct passive_wait, node));
}

void engine_free(struct engine *e)
{
    if (!e)
        return;
    free_all(&e->kept_ops);
    free_all(&e->taken);
    render_cache_free(e->frozen);
    broadcasts_free(e->broadcasts);
    rulebook_free(e->rulebook);
    counter_set_free(e->counters);
    registry_fini(&e->registry);
    batch_fini(&e->batch);
    map_i64_fini(&e->expanding);
    map_i64_fini(&e->in_flight);
    map_i64_fini(&e->blocked);
    forget_passive(e);
    map_i64_fini(&e->passive);
    mem_free(e->extra_limits);
    mem_free(e);
}

const struct registry *engine_registry(const struct engine *e)
{
    return &e->registry;
}

void engine_listeners(struct engine *e, int n)
{
    atomic_store_explicit(&e->listeners, n, memory_order_relaxed);
}

int64_t engine_now_ms(const struct engine *e)
{
    return gateway_clock_now(&e->now);
}

int64_t engine_next_ms(const struct engine *e)
{
    return e->next_ms;
}

const struct limit *engine_limit(const struct engine *e, int32_t id)
{
    const struct limit *l = rulepack_limit(e->rules, id);

    for (size_t i = 0; i < e->extra_limit_count && !l; i++)
        if (e->extra_limits[i].id == id)
            l = &e->extra_limits[i];
    return l;
}

/* ---- what memory mirrors of the store ---- */

/* Passive replies that a restart found unfinished wait their 20 s anew. */
static int load_passive(struct engine *e, struct arena *scratch)
{
    struct delivery_id after = {0};
    struct delivery_row *rows;
    size_t n = 1;
    int err = 0;

    forget_passive(e);
    while (n && !err) {
        err = store_load_in_state(e->store, STATE_IN_FLIGHT, after, 1000, scratch, &rows, &n);
        for (size_t i = 0; i < n && !err; i++) {
            after = rows[i].id;
            if (rows[i].cause == CAUSE_PASSIVE)
                err = engine_wait_passive(e, (struct event_id){rows[i].origin}, rows[i].id);
        }
        if (err)
            n = 0;
    }
    return err;
}

/* Replies of one moment end together, in one batch instead of one each. */
int64_t engine_silence_end_ms(int64_t now_ms)
{
    return (now_ms + PASSIVE_SILENCE_MS + PASSIVE_GRAIN_MS - 1) / PASSIVE_GRAIN_MS * PASSIVE_GRAIN_MS;
}

int engine_wait_passive(struct engine *e, struct event_id event, struct delivery_id delivery)
{
    struct passive_wait *w = mem_alloc(sizeof *w);

    if (!w)
        return -ENOMEM;
    *w = (struct passive_wait){.event = event, .delivery = delivery,
                               .until_ms = engine_silence_end_ms(engine_now_ms(e))};
    int err = map_i64_put(&e->passive, event.v, w);
    if (err) {
        mem_free(w);
        return err;
    }
    list_add_tail(&e->passive_order, &w->node);
    return 0;
}

void engine_end_passive(struct engine *e, struct passive_wait *w)
{
    list_del(&w->node);
    (void)map_i64_del(&e->passive, w->event.v);
    mem_free(w);
}

static int reload(struct engine *e)
{
    struct arena scratch;

    arena_init(&scratch, (size_t)256 << 20);
    counter_set_clear(e->counters);
    render_forget(e->frozen);
    int err = registry_reload(&e->registry);
    if (!err)
        err = attempt_recount(e, &scratch);
    if (!err)
        err = load_passive(e, &scratch);
    if (!err)
        err = broadcasts_load(e->broadcasts, e);
    arena_fini(&scratch);
    e->unread = err != 0;
    return err;
}

/* ---- start ---- */

static int load_clock(struct engine *e)
{
    struct arena scratch;
    struct str text;
    int64_t saved = 0, last = 0;

    arena_init(&scratch, 65536);
    int err = store_get_meta(e->store, "clock", &scratch, &text);
    if (!err)
        err = str_to_i64(text, &saved) == 0 ? 0 : ERR_CORRUPT;
    else if (err == ERR_NOT_FOUND)
        err = 0;
    arena_fini(&scratch);
    if (!err)
        err = store_last_id(e->store, &last);
    if (err)
        return err;
    id_gen_init(&e->ids, last);
    gateway_clock_init(&e->now, e->clock, saved);
    return 0;
}

static int recover(struct engine *e)
{
    struct list replies;
    int more = 1;

    list_init(&replies);
    if (store_was_unclean(e->store))
        e->recovering_until_mono_ms = clock_mono_ms(e->clock) + RECOVERY_CLEAN_MS;
    while (more > 0) { /* open attempts exist after a clean stop too, if it ran out of time */
        more = engine_begin(e, &replies); /* no ops: the list is empty */
        if (more)
            return more;
        more = settle_recover(&e->batch);
        int err = more < 0 ? more : engine_commit(e, &replies);
        free_all(&replies);
        if (err)
            return err;
    }
    return 0;
}

int engine_start(struct engine *e, const struct registry_connection *conns, size_t conn_n,
                 const struct registry_account *accounts, size_t account_n)
{
    int err = load_clock(e);

    if (!err)
        err = store_begin(e->store);
    if (err)
        return err;
    err = registry_configure(&e->registry, conns, conn_n, accounts, account_n, engine_now_ms(e));
    if (!err)
        err = registry_webhook_groups(&e->registry, &e->ids, engine_now_ms(e));
    if (!err)
        err = store_commit(e->store);
    if (err) {
        store_rollback(e->store);
        return err;
    }
    err = reload(e);
    return err ? err : recover(e);
}

/* ---- the batch ---- */

int engine_begin(struct engine *e, struct list *ops)
{
    list_move_all(&e->taken, &e->kept_ops);
    list_move_all(&e->taken, ops);
    int err = e->unread ? reload(e) : 0;
    if (err)
        return err;
    counter_set_trim(e->counters);
    return batch_begin(&e->batch);
}

static int take_plans(struct engine *e, const struct op_plan *op)
{
    int err = 0;

    for (size_t i = 0; i < op->count && !err; i++) {
        const struct plan *p = op->plans[i];
        struct playbook_row row = {.name = p->name, .text = p->text, .file = p->file, .version = e->batch.now_ms,
                                   .applied_ms = e->batch.now_ms};
        memcpy(row.hash, p->hash, sizeof row.hash);
        err = store_put_playbook(e->store, &row);
    }
    return err;
}

static int take_one(struct engine *e, struct message *m)
{
    switch (m->kind) {
    case OP_FACTS: return settle_facts(&e->batch, container_of(m, struct op_facts, m));
    case OP_PLAN: return take_plans(e, container_of(m, struct op_plan, m));
    case OP_ASK: return ask_take(&e->batch, container_of(m, struct op_ask, m));
    default: assert(0 && "op"); return ERR_STATE;
    }
}

/* Outcomes first: they free what the rest may want. One flush each group: later loads see earlier rows. */
static int take_others(struct engine *e)
{
    int err = 0;

    for (struct list *n = e->taken.next; n != &e->taken && !err; n = n->next) {
        struct message *m = container_of(n, struct message, node);
        if (m->kind == OP_INBOUND)
            continue;
        err = take_one(e, m);
        if (!err && m->kind == OP_FACTS)
            err = batch_flush(&e->batch);
    }
    return err;
}

static int take_inbound(struct engine *e)
{
    struct vec ops;
    int err = 0;

    vec_init(&ops, &e->batch.arena, sizeof(struct op_inbound *));
    for (struct list *node = e->taken.next; node != &e->taken; node = node->next) {
        struct message *m = container_of(node, struct message, node);
        if (m->kind == OP_INBOUND)
            *(struct op_inbound **)batch_row(&e->batch, &ops) = container_of(m, struct op_inbound, m);
    }
    if (ops.count)
        err = e->batch.err ? e->batch.err : inbox_take(&e->batch, ops.rows, ops.count);
    return err ? err : batch_flush(&e->batch);
}

int engine_take(struct engine *e)
{
    int err = take_others(e);
    return err ? err : take_inbound(e);
}

static void earliest(int64_t *next, int64_t ms)
{
    if (ms < *next)
        *next = ms;
}

static int save_clock(struct engine *e)
{
    char text[24];

    if (gateway_clock_watch(&e->now))
        log_warn("clock", "wall clock stepped; waiting for a provider's Date before windows reopen");
    if (e->batch.now_ms - e->saved_ms < CLOCK_SAVE_MS)
        return 0;
    int n = snprintf(text, sizeof text, "%lld", (long long)e->batch.now_ms);
    int err = store_put_meta(e->store, "clock", (struct str){text, (size_t)n});
    if (!err)
        e->saved_ms = e->batch.now_ms;
    return err;
}

/* What can bind no more leaves the store, a piece at a time. */
static int prune(struct batch *b, int64_t *ret_next_ms)
{
    struct engine *e = b->engine;

    if (b->now_ms >= e->prune_ms) {
        int more = store_prune(e->store, b->now_ms, PRUNED_AT_ONCE);
        if (more < 0)
            return more;
        e->prune_ms = b->now_ms + (more ? PRUNE_MORE_MS : PRUNE_EVERY_MS);
    }
    *ret_next_ms = e->prune_ms;
    return 0;
}

int engine_tick(struct engine *e)
{
    struct batch *b = &e->batch;
    int64_t at;
    int err = recovery_tick(b, &at);

    e->next_ms = INT64_MAX;
    earliest(&e->next_ms, at);
    if (!err)
        err = inbox_infer_passive(b, &at);
    earliest(&e->next_ms, at);
    if (!err)
        err = broadcasts_tick(e->broadcasts, b, &at);
    earliest(&e->next_ms, at);
    if (!err)
        err = followup_tick(b, &at);
    earliest(&e->next_ms, at);
    if (!err)
        err = prune(b, &at);
    earliest(&e->next_ms, at);
    if (!err)
        err = save_clock(e);
    return err ? err : batch_flush(b);
}

/* ---- its end ---- */

/* Several playbooks may set the same limit: the stricter one rules. */
static void add_limit(struct limit *all, size_t *count, const struct limit *l)
{
    for (size_t i = 0; i < *count; i++)
        if (all[i].id == l->id) {
            bool stricter = l->window == WINDOW_PACE ? l->span_ms > all[i].span_ms : l->amount < all[i].amount;
            if (stricter)
                all[i] = *l;
            return;
        }
    all[(*count)++] = *l;
}

static int collect_limits(struct engine *e)
{
    size_t n, count = 0;
    const struct plan *const *plans = rulebook_plans(e->rulebook, &n);
    struct limit *all;

    for (size_t i = 0; i < n; i++)
        count += plans[i]->limit_count;
    all = mem_calloc(count + 1, sizeof *all);
    if (!all)
        return -ENOMEM;
    count = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < plans[i]->limit_count; k++)
            add_limit(all, &count, &plans[i]->limits[k]);
    int err = counter_set_limits(e->counters, all, count);
    if (err) {
        mem_free(all);
        return err;
    }
    mem_free(e->extra_limits);
    e->extra_limits = all;
    e->extra_limit_count = count;
    return 0;
}

/* The row is durable; now it rules. */
static void apply_plans(struct engine *e, struct op_plan *op, struct list *ret)
{
    struct reply_answer *r = message_new(REPLY_ANSWER, sizeof *r);
    render_forget(e->frozen);
    int err = rulebook_apply(e->rulebook, op->plans, op->count);
    if (!err) {
        op->count = 0;
        err = collect_limits(e);
        broadcasts_changed(e->broadcasts);
        e->next_ms = 0;
    }
    if (!r)
        return; /* the asker runs into its deadline */
    r->id = op->id;
    r->err = err;
    r->text = err ? STR("{\"applied\":false}") : STR("{\"applied\":true}");
    list_add_tail(ret, &r->m.node);
}

static void end_ops(struct engine *e, struct list *ret)
{
    struct list *node;

    while ((node = list_pop(&e->taken)) != NULL) {
        struct message *m = container_of(node, struct message, node);
        if (m->kind == OP_PLAN)
            apply_plans(e, container_of(m, struct op_plan, m), ret);
        message_free(m);
    }
}

int engine_flush(struct engine *e)
{
    return batch_flush(&e->batch);
}

int engine_commit(struct engine *e, struct list *ret)
{
    int err = batch_flush(&e->batch);

    if (!err)
        err = batch_commit(&e->batch, ret);
    if (!err)
        end_ops(e, ret);
    return err;
}

int engine_apply(struct engine *e, struct plan *plan)
{
    struct op_plan *op = message_new(OP_PLAN, sizeof *op);
    struct list ops, replies, *node;

    if (!op) {
        plan_free(plan);
        return -ENOMEM;
    }
    op->plans[op->count++] = plan;
    list_init(&ops);
    list_init(&replies);
    list_add_tail(&ops, &op->m.node);
    int err = engine_begin(e, &ops);
    if (!err)
        err = engine_take(e);
    if (!err)
        err = engine_commit(e, &replies);
    else
        engine_abort(e, err, &replies);
    while ((node = list_pop(&replies)) != NULL) {
        struct message *m = container_of(node, struct message, node);
        if (m->kind == REPLY_ANSWER && !err)
            err = container_of(m, struct reply_answer, m)->err;
        message_free(m);
    }
    return err;
}

static void refuse(struct message *m, int err, struct list *ret)
{
    struct reply_stored *s = NULL;
    struct reply_answer *a = NULL;

    if (m->kind == OP_INBOUND && (s = message_new(REPLY_STORED, sizeof *s)) != NULL) {
        s->id = container_of(m, struct op_inbound, m)->id;
        s->connection = container_of(m, struct op_inbound, m)->connection;
        s->err = err;
        list_add_tail(ret, &s->m.node);
    } else if (m->kind != OP_INBOUND && (a = message_new(REPLY_ANSWER, sizeof *a)) != NULL) {
        a->id = m->kind == OP_PLAN ? container_of(m, struct op_plan, m)->id : container_of(m, struct op_ask, m)->id;
        a->err = err;
        a->text = STR("{\"error\":\"the store refused\"}");
        list_add_tail(ret, &a->m.node);
    }
}

void engine_abort(struct engine *e, int err, struct list *ret)
{
    struct list *node;

    batch_abort(&e->batch);
    while ((node = list_pop(&e->taken)) != NULL) {
        struct message *m = container_of(node, struct message, node);
        if (m->kind == OP_FACTS) {
            list_add_tail(&e->kept_ops, node);
        } else {
            refuse(m, err, ret);
            message_free(m);
        }
    }
    int again = reload(e);
    if (again)
        log_error("engine", "reading the store again failed: %s", err_text(again));
}
