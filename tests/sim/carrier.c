/* SPDX-License-Identifier: Apache-2.0 */
/* A trip:  order -> [leave] -> away -> [arrive: the platform decides] -> [answer] -> facts
 *                      |        |                                          |
 *                      |        +------------- deadline: unknown ----------+
 *                      +-- no connection, too late: not sent
 *
 * What the gateway does dies with it; what is away arrives.
 */
#include "sim/carrier.h"

#include <string.h>

#include "base/json.h"
#include "rulepack/rulepack.h"
#include "sandbox/model.h"
#include "sim/gate.h"
#include "sim/oracle.h"
#include "sim/sim.h"
#include "sim/wire.h"

#define CALL_MAX_MS INT64_C(15000)

struct carrier {
    struct sim *sim;
    struct wire_keeper keeper;
};

enum fate { FATE_FAIR, FATE_CUT, FATE_LOST_REPLY, FATE_UNREACHABLE, FATE_REFUSED };

struct trip {
    struct carrier *carrier;
    int refs;
    int64_t life; /* of the gateway that ordered it */
    struct reply_perform *order;
    const char *connection;
    json_t *content, *params;
    struct content view;
    struct wire wire;
    bool open, told; /* the wire is; facts are out */
    enum fate fate;
    int64_t deadline_ms, arrive_ms, answer_ms;
    struct facts facts;
};

struct carrier *carrier_new(struct sim *s)
{
    struct carrier *c = mem_calloc(1, sizeof *c);

    sim_must(c != NULL, "memory");
    c->sim = s;
    wire_keeper_init(&c->keeper, s->model, s->rules);
    return c;
}

void carrier_free(struct carrier *c)
{
    if (!c)
        return;
    wire_keeper_fini(&c->keeper);
    mem_free(c);
}

void carrier_died(struct carrier *c)
{
    wire_keeper_forget(&c->keeper);
}

static void trip_drop(void *ctx)
{
    struct trip *t = ctx;

    if (--t->refs)
        return;
    if (t->open)
        wire_fini(&t->wire);
    json_decref(t->content);
    json_decref(t->params);
    message_free(&t->order->m);
    mem_free(t);
}

static void later(struct trip *t, int64_t at_ms, bool ours, moment_fn run)
{
    struct sim *s = t->carrier->sim;
    int64_t delay = at_ms - sim_now(s);

    t->refs++;
    if (ours)
        sim_later_ours(s, delay, run, trip_drop, t);
    else
        sim_later(s, delay, run, trip_drop, t);
}

/* ---- the facts, as host.c copies them ---- */

static void tell(struct trip *t, const struct facts *f)
{
    struct op_facts *op = message_new(OP_FACTS, sizeof *op);
    struct item_result *items = op ? arena_alloc(&op->m.arena, f->item_count * sizeof *items + 1) : NULL;
    bool ok = items != NULL;
    struct buf text;

    if (t->told)
        return;
    t->told = true;
    sim_must(ok, "memory");
    op->id = t->order->id;
    op->facts = *f;
    op->facts.data = NULL;
    op->facts.items = items;
    for (size_t i = 0; i < f->item_count && ok; i++) {
        items[i] = f->items[i];
        ok = message_str(&op->m, f->items[i].to, &items[i].to);
    }
    buf_init(&text, (size_t)8 << 20);
    if (f->data)
        ok = ok && json_write_compact(f->data, &text) == 0 &&
             message_str(&op->m, buf_str(&text), &op->data_text);
    buf_fini(&text);
    ok = ok && message_str(&op->m, f->error, &op->facts.error) &&
         message_str(&op->m, f->provider_id, &op->facts.provider_id);
    sim_must(ok, "memory");
    sim_tracef(t->carrier->sim, "facts  %lld %s: %s errcode %d %.*s", (long long)t->order->id.v,
               call_op_text(t->order->op), outcome_text(f->outcome), f->errcode, STR_ARG(f->error));
    gate_post(t->carrier->sim->gate, &op->m);
}

static void tell_outcome(struct trip *t, enum outcome outcome, int64_t bytes_out, const char *why)
{
    tell(t, &(struct facts){.outcome = outcome, .bytes_out = bytes_out, .error = str_of(why)});
}

/* ---- away ---- */

static void on_answer(void *ctx)
{
    struct trip *t = ctx;

    tell(t, &t->facts);
    trip_drop(t);
}

static void on_deadline(void *ctx)
{
    struct trip *t = ctx;

    tell_outcome(t, OUTCOME_UNKNOWN, 100, "no answer in time");
    trip_drop(t);
}

/* Which code a platform that does not want to gives. */
static int refusal_of(const struct trip *t)
{
    return t->fate == FATE_REFUSED ? -1 : 0;
}

static void on_arrive(void *ctx)
{
    struct trip *t = ctx;
    struct sim *s = t->carrier->sim;

    oracle_call_begins(s->oracle, t->order, t->connection, t->fate == FATE_REFUSED);
    wire_exchange(&t->wire, sim_platform_now(s), refusal_of(t), &t->facts);
    oracle_call_ends(s->oracle);
    if (t->life == s->life && t->fate != FATE_LOST_REPLY && t->answer_ms < t->deadline_ms)
        later(t, t->answer_ms, true, on_answer);
    trip_drop(t);
}

static void on_leave(void *ctx)
{
    struct trip *t = ctx;

    if (t->fate == FATE_UNREACHABLE) {
        tell_outcome(t, OUTCOME_NOT_SENT, 0, "connection refused");
    } else {
        if (t->fate != FATE_CUT && t->arrive_ms <= t->deadline_ms)
            later(t, t->arrive_ms, false, on_arrive);
        later(t, t->deadline_ms, true, on_deadline);
    }
    trip_drop(t);
}

/* ---- the order ---- */

static enum fate draw_fate(struct sim *s)
{
    const struct weather *w = &s->weather;

    if (sim_now(s) >= s->calm_ms)
        return FATE_FAIR;
    int64_t x = chance_below(&s->chance, 1000);
    if ((x -= w->cut) < 0)
        return FATE_CUT;
    if ((x -= w->lost_reply) < 0)
        return FATE_LOST_REPLY;
    if ((x -= w->unreachable) < 0)
        return FATE_UNREACHABLE;
    return x - w->refused < 0 ? FATE_REFUSED : FATE_FAIR;
}

/* The answer of a call that is cut comes at once in half of the cases: the connection broke. */
static void plan(struct trip *t, int64_t left)
{
    struct sim *s = t->carrier->sim;
    int64_t now = sim_now(s), leave = now;
    bool slow = now < s->calm_ms && chance_hit(&s->chance, s->weather.slow);

    t->fate = draw_fate(s);
    t->deadline_ms = now + left;
    if (slow)
        leave += chance_below(&s->chance, left);
    t->arrive_ms = leave + (slow ? chance_between(&s->chance, 0, t->deadline_ms - leave)
                                 : chance_between(&s->chance, 1, 40));
    t->answer_ms = t->arrive_ms + chance_delay(&s->chance, 30, CALL_MAX_MS, slow ? 500 : 0);
    if ((t->fate == FATE_CUT || t->fate == FATE_LOST_REPLY) && chance_hit(&s->chance, 500)) {
        int64_t broken = t->arrive_ms + chance_between(&s->chance, 0, 100);
        if (broken < t->deadline_ms && broken >= leave)
            t->deadline_ms = broken; /* we know it at once */
    }
    later(t, leave, true, on_leave);
}

static int open_order(struct trip *t)
{
    const struct reply_perform *o = t->order;
    int err = o->content.n ? json_parse(o->content, JSON_DEPTH, &t->content, NULL) : 0;

    if (!err && o->params.n)
        err = json_parse(o->params, JSON_DEPTH, &t->params, NULL);
    t->view = (struct content){.text = str_of(json_str(t->content, "text", "")),
                               .attach = json_object_get(t->content, "attach"),
                               .provider_template = str_of(json_str(t->content, "provider_template", "")),
                               .params = json_object_get(t->content, "params")};
    return err;
}

void carrier_perform(struct carrier *c, struct reply_perform *order)
{
    struct sim *s = c->sim;
    struct trip *t = mem_calloc(1, sizeof *t);
    int64_t left = order->deadline_mono_ms - clock_mono_ms(&s->clock);
    struct facts facts;

    sim_must(t != NULL, "memory");
    t->carrier = c;
    t->order = order;
    t->refs = 1;
    t->life = s->life;
    t->connection = gate_connection_name(s->gate, order->connection);
    sim_must(open_order(t) == 0, "an order's content");
    struct call call = {.op = order->op,
                        .account = order->account_external,
                        .class = order->class,
                        .key = order->key,
                        .code = order->code,
                        .handle = order->handle,
                        .content = t->content ? &t->view : NULL,
                        .params = t->params,
                        .deadline_ms = left < CALL_MAX_MS ? left : CALL_MAX_MS};
    sim_tracef(s, "order  %lld %s %s on %s to %zu (first %lld) key %.*s", (long long)order->id.v,
               message_class_text(order->class), call_op_text(order->op), t->connection, order->count,
               order->count ? (long long)order->to[0].id.v : 0, STR_ARG(order->key));
    oracle_ordered(s->oracle, order);
    if (left <= 0) {
        tell_outcome(t, OUTCOME_NOT_SENT, 0, "too late for the first byte");
    } else {
        t->open = true;
        if (wire_begin(&t->wire, &c->keeper, t->connection, sim_now(s), &call, order->to, order->count,
                       &facts) != 0)
            tell(t, &facts);
        else
            plan(t, call.deadline_ms);
    }
    trip_drop(t);
}

json_t *carrier_sync(struct carrier *c, struct str body, int *reterr)
{
    return wire_sync(&c->keeper, sim_platform_now(c->sim), body, reterr);
}
