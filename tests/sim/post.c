/* SPDX-License-Identifier: Apache-2.0 */
/* A parcel is one push; a knock is one attempt to hand it over.
 *
 *     parcel -> knock -> inbound op -> stored -> answered in time: acknowledged
 *        ^        |  '-- 3.5 s without a word: spooled, acknowledged, the word comes later
 *        '--------+-- refused, too late, unheard: again after the platform's time
 */
#include "sim/post.h"

#include <stdio.h>
#include <string.h>

#include "adapters/official/official_push.h"
#include "adapters/sms/sms_push.h"
#include "adapters/wecom/wecom_event.h"
#include "base/json.h"
#include "base/map.h"
#include "base/xml.h"
#include "host/inbound.h"
#include "sandbox/model.h"
#include "sim/gate.h"
#include "sim/oracle.h"
#include "sim/sim.h"
#include "sim/sync.h"

#define SPOOL_AFTER_MS INT64_C(3500)
#define ANSWER_IN_MS INT64_C(5000)
enum { KNOCKS_MAX = 1000000, TRIES_MAX = 3, SPOOL_MAX = 4096 };

struct parcel {
    struct post *post;
    struct sb_push *push;
    int refs, tries;
    bool acknowledged;
};

struct knock {
    struct parcel *parcel; /* NULL: from the spool */
    struct op_inbound *op; /* shared with the engine */
    int64_t at_ms;
    bool spooled;
};

struct post {
    struct sim *sim;
    struct xml_doc *xml;
    int64_t last_id;
    struct map_i64 knocks;  /* inbound id -> struct knock; of this life */
    char *spool[SPOOL_MAX]; /* durable */
    size_t spool_count;
};

struct post *post_new(struct sim *s)
{
    struct post *p = mem_calloc(1, sizeof *p);

    sim_must(p != NULL && xml_new(&p->xml) == 0, "memory");
    p->sim = s;
    map_i64_init(&p->knocks, KNOCKS_MAX);
    return p;
}

static void forget_spool(struct post *p)
{
    while (p->spool_count)
        mem_free(p->spool[--p->spool_count]);
}

static void parcel_drop(void *ctx)
{
    struct parcel *x = ctx;

    if (--x->refs)
        return;
    sb_push_free(x->push);
    mem_free(x);
}

static void knock_free(struct knock *k)
{
    if (k->op)
        message_free(&k->op->m);
    if (k->parcel)
        parcel_drop(k->parcel);
    mem_free(k);
}

void post_died(struct post *p)
{
    union map_val v;
    int64_t key;

    for (size_t at = 0; map_i64_next(&p->knocks, &at, &key, &v);)
        knock_free(v.p);
    map_i64_clear(&p->knocks);
}

void post_free(struct post *p)
{
    if (!p)
        return;
    post_died(p);
    forget_spool(p);
    map_i64_fini(&p->knocks);
    xml_free(p->xml);
    mem_free(p);
}

struct inbound_id post_inbound_id(struct post *p)
{
    return (struct inbound_id){++p->last_id};
}

/* ---- in ---- */

static void on_spool(void *ctx);

struct reminder {
    struct post *post;
    int64_t id;
};

static void take_events(struct post *p, struct parcel *x, const struct event *events, size_t n)
{
    struct sim *s = p->sim;
    struct inbound_id id = post_inbound_id(p);
    struct knock *k = mem_calloc(1, sizeof *k);
    struct reminder *r = mem_alloc(sizeof *r);
    struct op_inbound *op;

    sim_must(k && r, "memory");
    sim_must(inbound_op(id, gate_connection(s->gate, x->push->connection->name), events, n, NULL, sim_now(s),
                        clock_mono_ms(&s->clock), &op) == 0,
             "an inbound op");
    *k = (struct knock){
        .parcel = x, .op = container_of(message_share(&op->m), struct op_inbound, m), .at_ms = sim_now(s)};
    x->refs++;
    sim_must(map_i64_put(&p->knocks, id.v, k) == 0, "memory");
    *r = (struct reminder){p, id.v};
    sim_later_ours(s, SPOOL_AFTER_MS, on_spool, NULL, r);
    gate_post(s->gate, &op->m);
}

static void acknowledge(struct parcel *x, const struct knock *k)
{
    struct sim *s = x->post->sim;
    bool calm = sim_now(s) >= s->calm_ms;

    if (sim_now(s) - k->at_ms < ANSWER_IN_MS && (calm || !chance_hit(&s->chance, s->weather.ack_lost)))
        x->acknowledged = true;
    sim_tracef(s, "post   %s %s answered%s", x->push->kind, x->push->key,
               x->acknowledged ? "" : ", but not heard");
}

static void open_wecom(struct post *p, struct parcel *x)
{
    struct wecom_letter l;

    sim_must(xml_parse(p->xml, str_of(x->push->inner)) == 0 &&
                 wecom_letter_read(&l, p->xml, str_of(x->push->inner)) == 0,
             "a WeCom push");
    if (l.kf_wake) {
        acknowledge(x, &(struct knock){.at_ms = sim_now(p->sim)});
        sync_wake(p->sim->sync, l.kf_token);
    } else {
        take_events(p, x, l.events, l.count);
    }
    wecom_letter_fini(&l);
}

static void open_official(struct post *p, struct parcel *x)
{
    struct official_push l;

    sim_must(official_push_read(&l, p->xml, str_of(x->push->inner)) == 0, "an official account's push");
    take_events(p, x, l.events, l.count);
    official_push_fini(&l);
}

static void open_sms(struct post *p, struct parcel *x)
{
    struct sms_push l;
    enum sms_push_kind kind = strcmp(x->push->path, "/up") == 0 ? SMS_UP : SMS_REPORT;

    sim_must(sms_push_read(&l, kind, str_of(x->push->inner)) == 0, "an SMS push");
    take_events(p, x, l.events, l.count);
    sms_push_fini(&l);
}

static void open_parcel(struct post *p, struct parcel *x)
{
    switch (x->push->connection->kind) {
    case SB_KIND_OFFICIAL:
        xml_parse(p->xml, str_of("<xml></xml>"));
        open_official(p, x);
        break;
    case SB_KIND_ALIYUN: open_sms(p, x); break;
    default: open_wecom(p, x);
    }
}

/* ---- the platform's patience ---- */

static void on_knock(void *ctx);

/* When the next try is, or -1. */
static int64_t again_ms(const struct parcel *x)
{
    static const int64_t aliyun[] = {SB_MINUTE, 5 * SB_MINUTE, 10 * SB_MINUTE};

    if (x->push->connection->kind == SB_KIND_ALIYUN)
        return x->tries <= (int)ARRAY_LEN(aliyun) ? aliyun[x->tries - 1] : -1;
    return x->tries < TRIES_MAX ? ANSWER_IN_MS : -1;
}

static void on_patience(void *ctx)
{
    struct parcel *x = ctx;

    if (!x->acknowledged)
        on_knock(x);
    else
        parcel_drop(x);
}

static void on_knock(void *ctx)
{
    struct parcel *x = ctx;
    struct sim *s = x->post->sim;
    bool calm = sim_now(s) >= s->calm_ms;

    x->tries++;
    sim_tracef(s, "post   %s %s try %d%s", x->push->kind, x->push->key, x->tries,
               gate_is_up(s->gate) ? "" : ", nobody there");
    if (gate_is_up(s->gate) && (calm || !chance_hit(&s->chance, s->weather.push_unheard)))
        open_parcel(x->post, x);
    int64_t again = again_ms(x);
    if (again >= 0) {
        x->refs++;
        sim_later(s, again, on_patience, parcel_drop, x);
    } else if (!x->acknowledged) {
        sim_tracef(s, "post   %s %s given up", x->push->kind, x->push->key);
    }
    parcel_drop(x);
}

/* The platform's network delivers it twice: an extra knock that nobody waits for. Not of what is answered
 * passively: there a second push after an answer that was heard would be no retry, and a retry is what proves
 * non-receipt. */
static void on_echo(void *ctx)
{
    struct parcel *x = ctx;
    bool settled = x->acknowledged && x->push->connection->kind == SB_KIND_OFFICIAL;

    if (gate_is_up(x->post->sim->gate) && !settled)
        open_parcel(x->post, x);
    parcel_drop(x);
}

void post_push(struct post *p, struct sb_push *push)
{
    struct sim *s = p->sim;
    struct parcel *x = mem_calloc(1, sizeof *x);
    bool calm = sim_now(s) >= s->calm_ms;

    sim_must(x != NULL, "memory");
    x->post = p;
    x->push = push;
    x->refs = 1;
    sim_later(s, chance_delay(&s->chance, 30, 3000, calm ? 0 : s->weather.push_late), on_knock, parcel_drop,
              x);
    if (!calm && chance_hit(&s->chance, s->weather.push_twice)) {
        x->refs++;
        sim_later(s, chance_between(&s->chance, 0, 8000), on_echo, parcel_drop, x);
    }
}

/* ---- the word of the engine ---- */

/* As long as it takes: else the message is one that nobody ever sends. */
void post_unsay(struct post *p, struct event_id event)
{
    struct op_ask *op = message_new(OP_ASK, sizeof *op);
    char text[80];
    int n = snprintf(text, sizeof text, "{\"ask\":\"unsaid\",\"event\":%lld}", (long long)event.v);

    sim_must(op && message_str(&op->m, (struct str){text, (size_t)n}, &op->request), "memory");
    op->id = event.v;
    gate_post(p->sim->gate, &op->m);
}

static void say_passively(struct post *p, const struct knock *k, const struct reply_stored *r)
{
    json_t *body = NULL;

    /* The platform has its answer once; only that one is shown. */
    if (k->parcel->acknowledged && sim_now(p->sim) - k->at_ms < ANSWER_IN_MS &&
        json_parse(r->content, JSON_DEPTH, &body, NULL) == 0)
        oracle_seen(p->sim->oracle, k->parcel->push->from, k->parcel->push->key, json_str(body, "text", ""));
    json_decref(body);
}

static bool any_spooled(const struct post *p)
{
    union map_val v;
    int64_t key;

    for (size_t at = 0; map_i64_next(&p->knocks, &at, &key, &v);)
        if (((const struct knock *)v.p)->spooled)
            return true;
    return false;
}

/* Its platform has had an empty answer already. */
static void end_spooled(struct post *p, struct knock *k, const struct reply_stored *r)
{
    if (r->err) { /* to the engine again */
        gate_post(p->sim->gate, message_share(&k->op->m));
        return;
    }
    if (r->has_content && r->event.v)
        post_unsay(p, r->event);
    (void)map_i64_del(&p->knocks, r->id.v);
    knock_free(k);
    if (!any_spooled(p))
        forget_spool(p);
}

void post_stored(struct post *p, const struct reply_stored *r)
{
    struct knock *k = map_i64_get(&p->knocks, r->id.v);

    if (!k)
        return;
    if (k->spooled) {
        end_spooled(p, k, r);
        return;
    }
    (void)map_i64_del(&p->knocks, r->id.v);
    if (!r->err) {
        bool was = k->parcel->acknowledged;
        oracle_acknowledged(p->sim->oracle, k->op);
        acknowledge(k->parcel, k);
        if (r->has_content && !was)
            say_passively(p, k, r);
    }
    knock_free(k);
}

/* ---- the spool ---- */

static void on_spool(void *ctx)
{
    struct reminder *m = ctx;
    struct post *p = m->post;
    struct knock *k = map_i64_get(&p->knocks, m->id);
    struct buf line;

    mem_free(m);
    if (!k || k->spooled)
        return;
    buf_init(&line, (size_t)1 << 20);
    sim_must(p->spool_count < SPOOL_MAX &&
                 inbound_write(k->op, k->parcel->push->connection->name, &line) == 0 &&
                 (p->spool[p->spool_count] = mem_strndup(line.data, line.len)) != NULL,
             "the spool");
    buf_fini(&line);
    p->spool_count++;
    k->spooled = true;
    sim_tracef(p->sim, "post   %s %s spooled", k->parcel->push->kind, k->parcel->push->key);
    oracle_acknowledged(p->sim->oracle, k->op);
    acknowledge(k->parcel, k);
}

static void replay(struct post *p, const char *line)
{
    struct knock *k = mem_calloc(1, sizeof *k);
    struct op_inbound *op = NULL;
    struct str connection;
    char name[32];

    sim_must(k && inbound_read(str_of(line), &op, &connection) == 0, "the spool's line");
    (void)snprintf(name, sizeof name, "%.*s", STR_ARG(connection));
    op->id = post_inbound_id(p);
    op->connection = gate_connection(p->sim->gate, name);
    k->spooled = true;
    k->op = container_of(message_share(&op->m), struct op_inbound, m);
    sim_must(map_i64_put(&p->knocks, op->id.v, k) == 0, "memory");
    gate_post(p->sim->gate, &op->m);
}

void post_started(struct post *p)
{
    for (size_t i = 0; i < p->spool_count; i++)
        replay(p, p->spool[i]);
}
