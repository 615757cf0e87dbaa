/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/oracle.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/map.h"
#include "sandbox/model.h"
#include "sim/gate.h"
#include "sim/ledger.h"
#include "sim/sim.h"
#include "sim/truth.h"

struct oracle {
    struct sim *sim;
    int64_t findings;
    struct ledger ledger; /* recounts of windows */
    struct truth truth;   /* what the record must agree with */
    const struct reply_perform *order;
    bool injected;
    struct map_str shown;     /* "<to>/<text>": how often */
    struct map_str replies;   /* key of a push -> its passive reply */
    struct map_str strangers; /* openids that do not follow at present */
    struct oracle_figures figures;
};

enum { THINGS_MAX = 10000000, FINDINGS_SHOWN = 20 };

struct oracle *oracle_new(struct sim *s)
{
    struct oracle *o = mem_calloc(1, sizeof *o);

    sim_must(o != NULL, "memory");
    o->sim = s;
    ledger_init(&o->ledger, o, s->script.daily_tasks);
    truth_init(&o->truth, o, s);
    map_str_init(&o->shown, THINGS_MAX);
    map_str_init(&o->replies, THINGS_MAX);
    map_str_init(&o->strangers, THINGS_MAX);
    return o;
}

void oracle_free(struct oracle *o)
{
    union map_val v;
    struct str key;

    if (!o)
        return;
    for (size_t at = 0; map_str_next(&o->replies, &at, &key, &v);)
        mem_free(v.p);
    map_str_fini(&o->replies);
    ledger_fini(&o->ledger);
    truth_fini(&o->truth);
    map_str_fini(&o->shown);
    map_str_fini(&o->strangers);
    mem_free(o);
}

int64_t oracle_findings(const struct oracle *o)
{
    return o->findings;
}

struct oracle_figures oracle_figures(const struct oracle *o)
{
    return o->figures;
}

void oracle_findf(struct oracle *o, const char *fmt, ...)
{
    char text[512];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    sim_tracef(o->sim, "FOUND  %s", text);
    if (o->findings++ < FINDINGS_SHOWN)
        (void)fprintf(stderr, "seed %llu, %lld ms in: %s\n", (unsigned long long)o->sim->seed,
                      (long long)(sim_now(o->sim) - o->sim->start_ms), text);
}

/* ---- taken once ---- */

static void count_shown(struct oracle *o, const char *to, struct str text)
{
    char key[1024];
    int n = snprintf(key, sizeof key, "%s/%.*s", to, STR_ARG(text));
    struct str name = {key, n < (int)sizeof key ? (size_t)n : sizeof key - 1};
    union map_val *v = map_str_find(&o->shown, name);

    if (v)
        oracle_findf(o, "%s got the same words %lld times: %.*s", to, (long long)++v->i, STR_ARG(text));
    else
        sim_must(map_str_put_i64(&o->shown, name, 1) == 0, "memory");
}

/* Every text of the cast's says who is meant and why, so the same words to the same person are the same
 * message. */
static void on_taken(struct oracle *o, const struct sb_entry *e)
{
    const struct reply_perform *order = o->order;
    json_t *content = NULL;

    if (json_parse(order->content, JSON_DEPTH, &content, NULL) != 0)
        return;
    struct str text = str_of(json_str(content, "text", ""));
    for (size_t i = 0; i < order->count; i++) {
        bool named = order->count == 1;
        for (size_t k = 0; k < json_array_size(e->to) && !named; k++)
            named = str_is(order->to[i].to, json_string_value(json_array_get(e->to, k)));
        if (!named)
            continue;
        char to[160];
        (void)snprintf(to, sizeof to, "%s:%.*s", e->connection, STR_ARG(order->to[i].to));
        count_shown(o, to, text);
        truth_taken(&o->truth, order->to[i].id);
        o->figures.taken++;
    }
    json_decref(content);
}

void oracle_seen(struct oracle *o, const char *openid, const char *key, const char *text)
{
    const char *first = map_str_get(&o->replies, str_of(key));
    char to[160], *copy;

    if (first) {
        if (strcmp(first, text) != 0)
            oracle_findf(o, "push %s was answered with other words: %s, then %s", key, first, text);
        return;
    }
    copy = mem_strdup(text);
    sim_must(copy && map_str_put(&o->replies, str_of(key), copy) == 0, "memory");
    (void)snprintf(to, sizeof to, "brand:%s", openid);
    count_shown(o, to, str_of(text));
    o->figures.taken++;
}

/* ---- refused by a limit ---- */

static bool is_limit(const struct sb_entry *e)
{
    static const int codes[] = {SB_W_FREQUENCY, SB_W_KF_COUNT, SB_W_KF_TIME,    SB_O_DAY_QUOTA,
                                SB_O_FREQUENCY, SB_O_WINDOW,   SB_O_MASS_QUOTA, SB_O_COUNT};
    const char *word = json_str(e->more, "code", "");

    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (e->errcode == codes[i])
            return true;
    return strcmp(word, "isv.BUSINESS_LIMIT_CONTROL") == 0 || strcmp(word, "isv.DAY_LIMIT_CONTROL") == 0;
}

/* Who has just left is refused like somebody whose window is over: nobody could know. */
static bool may_be_excused(const struct oracle *o, const struct sb_entry *e)
{
    const char *to = json_string_value(json_array_get(e->to, 0));

    if (o->order && o->order->op == CALL_WELCOME)
        return true; /* a code's life is no quota, and a used code may be our own doing */
    return e->errcode == SB_O_WINDOW && to && map_str_find(&o->strangers, str_of(to));
}

static bool carries_a_message(const char *op)
{
    static const char *const ops[] = {"externalcontact/send_welcome_msg",
                                      "externalcontact/add_msg_template",
                                      "kf/send_msg",
                                      "kf/send_msg_on_event",
                                      "webhook/send",
                                      "message/custom/send",
                                      "message/mass/send",
                                      "message/mass/sendall",
                                      "SendSms"};

    for (size_t i = 0; i < ARRAY_LEN(ops); i++)
        if (strcmp(op, ops[i]) == 0)
            return true;
    return false;
}

void oracle_entry(struct oracle *o, const struct sb_entry *e)
{
    sim_tracef(o->sim, "ledger %s %s to %s key %s: %d %s%s", e->connection ? e->connection : "?", e->op,
               e->to && json_array_size(e->to) ? json_string_value(json_array_get(e->to, 0)) : "-",
               e->key ? e->key : "-", e->errcode, json_str(e->more, "code", ""),
               o->injected ? " (injected)" : "");
    if (e->errcode == 0)
        ledger_count(&o->ledger, e);
    if (o->order && e->errcode == 0 && carries_a_message(e->op))
        on_taken(o, e);
    if (!o->injected && is_limit(e) && !may_be_excused(o, e)) {
        o->figures.refused_by_limit++;
        oracle_findf(o, "%s refused %s by a limit: %d %s", e->connection ? e->connection : "?", e->op,
                     e->errcode, json_str(e->more, "code", ""));
    }
}

void oracle_call_begins(struct oracle *o, const struct reply_perform *order, const char *connection,
                        bool injected)
{
    (void)connection;
    o->order = order;
    o->injected = injected;
}

void oracle_call_ends(struct oracle *o)
{
    o->order = NULL;
    o->injected = false;
}

void oracle_spoke(struct oracle *o, const char *customer, int64_t platform_ms)
{
    ledger_turn(&o->ledger, customer, platform_ms);
}

void oracle_follows(struct oracle *o, const char *openid, bool follows)
{
    if (follows)
        (void)map_str_del(&o->strangers, str_of(openid));
    else
        sim_must(map_str_put_i64(&o->strangers, str_of(openid), 1) == 0, "memory");
}

bool oracle_is_stranger(const struct oracle *o, const char *openid)
{
    return map_str_find(&o->strangers, str_of(openid)) != NULL;
}

/* ---- the gateway's side ---- */

void oracle_ordered(struct oracle *o, const struct reply_perform *order)
{
    o->figures.orders++;
    for (size_t i = 0; i < order->count; i++)
        truth_ordered(&o->truth, order->to[i].id, order->op);
}

void oracle_acknowledged(struct oracle *o, const struct op_inbound *op)
{
    for (size_t i = 0; i < op->count; i++) {
        truth_acknowledged(&o->truth, op->connection, &op->events[i]);
        o->figures.acknowledged++;
    }
}

void oracle_verify(struct oracle *o)
{
    truth_verify(&o->truth);
}

void oracle_end(struct oracle *o)
{
    truth_verify(&o->truth);
    truth_end(&o->truth);
}
