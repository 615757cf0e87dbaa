/* SPDX-License-Identifier: Apache-2.0 */
/* wecom_token.c - at most one fetch at a time; the timer decides about the next.
 *
 *   NEW --start--> IDLE --on_timer: somebody waits, or the token gets old--> FETCH
 *                   | ^------------- on_done: waits granted or refused -------'  |
 *                   |                                                            | stop
 *                   +--stop--> CLOSING <--on_done: cancelled-- STOPPING <--------+
 */
#include "adapters/wecom/wecom_token.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "adapters/wecom/wecom_wire.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/mem.h"
#include "loop/http_client.h"
#include "rulepack/rulepack.h"

enum {
    TOKEN_BYTES = 1024,
    EARLY_S = 300,
    LONGEST_LIFE_S = 86400,
    REFUSED_MS = 10 * 60 * 1000,
    RETRY_MS = 15 * 1000, /* real, when a fetch failed and nobody waits */
    FETCH_DEADLINE_MS = 10 * 1000,
    ANSWER_BYTES = 64 * 1024,
};

enum token_state { TOKEN_NEW, TOKEN_IDLE, TOKEN_FETCH, TOKEN_STOPPING, TOKEN_CLOSING };

struct wecom_token {
    struct wecom_link *link;
    enum token_state state;
    struct buf url; /* holds the secret */
    char value[TOKEN_BYTES];
    uint64_t generation; /* of `value`; 0: there is none */
    uint64_t last_generation;
    int64_t old_ms, dead_ms; /* judgement time */
    int64_t asked_ms;
    struct wecom_refusal refusal; /* the last */
    int64_t refused_until_ms;
    struct http_xfer xfer;
    struct list waits;
    struct timer timer;
};

int wecom_token_new(struct wecom_link *link, struct str corp_id, struct str secret, struct wecom_token **ret)
{
    struct wecom_token *t = mem_calloc(1, sizeof(*t));

    if (!t)
        return -ENOMEM;
    t->link = link;
    list_init(&t->waits);
    buf_init(&t->url, 16 * 1024);
    (void)buf_addf(&t->url, "%s/cgi-bin/gettoken?corpid=", link->api_base);
    (void)str_percent_encode(corp_id, &t->url);
    (void)buf_adds(&t->url, "&corpsecret=");
    (void)str_percent_encode(secret, &t->url);
    if (buf_error(&t->url) < 0) {
        wecom_token_free(t);
        return -ENOMEM;
    }
    *ret = t;
    return 0;
}

void wecom_token_free(struct wecom_token *t)
{
    if (!t)
        return;
    assert((t->state == TOKEN_NEW || t->state == TOKEN_CLOSING) && list_empty(&t->waits));
    http_xfer_fini(&t->xfer);
    buf_wipe(&t->url);
    buf_fini(&t->url);
    crypto_wipe(t->value, sizeof(t->value));
    mem_free(t);
}

static void on_closed(struct timer *timer)
{
    struct wecom_token *t = container_of(timer, struct wecom_token, timer);

    wecom_link_leave(t->link); /* last: it may free us */
}

static void on_done(struct http_xfer *x, enum http_end end);

/* The only place where the state changes. A negative result: the fetch could not even start. */
static int token_enter(struct wecom_token *t, enum token_state next)
{
    int r = 0;

    assert(t->state != TOKEN_CLOSING);
    t->state = next;
    switch (next) {
    case TOKEN_NEW:
    case TOKEN_IDLE: break;
    case TOKEN_FETCH:
        timer_stop(&t->timer);
        http_xfer_fini(&t->xfer);
        t->xfer.url = buf_cstr(&t->url);
        t->xfer.deadline_ms = FETCH_DEADLINE_MS;
        t->xfer.max_bytes = ANSWER_BYTES;
        t->xfer.done = on_done;
        t->asked_ms = wecom_link_now_ms(t->link);
        r = http_start(t->link->env->http, &t->xfer);
        if (r < 0)
            t->state = TOKEN_IDLE;
        break;
    case TOKEN_STOPPING: http_cancel(t->link->env->http, &t->xfer); break; /* -> on_done() */
    case TOKEN_CLOSING: timer_close(&t->timer, on_closed); break;
    }
    return r;
}

static void grant_all(struct wecom_token *t)
{
    struct wecom_refusal refusal = t->refusal;
    struct list ready, *node;

    list_init(&ready);
    list_move_all(&ready, &t->waits);
    while ((node = list_pop(&ready)) != NULL) {
        struct wecom_token_wait *w = container_of(node, struct wecom_token_wait, node);

        w->on_granted(w, &refusal);
    }
}

static void on_timer(struct timer *timer);

/* When the next look is due: at once for who waits, else when the token gets old or a retry is allowed. */
static void schedule(struct wecom_token *t)
{
    int64_t now_ms = wecom_link_now_ms(t->link), in_ms;

    if (t->state != TOKEN_IDLE)
        return;
    if (!list_empty(&t->waits))
        in_ms = 0;
    else if (t->refusal.err == 0)
        in_ms = wecom_link_real_ms(t->link, t->old_ms - now_ms);
    else if (now_ms < t->refused_until_ms)
        in_ms = wecom_link_real_ms(t->link, t->refused_until_ms - now_ms);
    else
        in_ms = RETRY_MS;
    timer_start(&t->timer, in_ms > 0 ? in_ms : 0, on_timer);
}

static void refuse(struct wecom_token *t, int err, int errcode, int http, const char *why)
{
    t->refusal = (struct wecom_refusal){.err = err, .errcode = errcode, .http = http};
    (void)snprintf(t->refusal.why, sizeof(t->refusal.why), "no access token: %s", why);
}

static void on_timer(struct timer *timer)
{
    struct wecom_token *t = container_of(timer, struct wecom_token, timer);
    int64_t now_ms = wecom_link_now_ms(t->link);
    int r;

    if (t->state != TOKEN_IDLE)
        return;
    if (t->refusal.err < 0 && now_ms < t->refused_until_ms) {
        t->refusal.retry_ms = t->refused_until_ms - now_ms;
        grant_all(t);
        schedule(t);
        return;
    }
    if (list_empty(&t->waits) && t->generation && now_ms < t->old_ms) {
        schedule(t); /* the timer came early: the judging clock has stood still */
        return;
    }
    r = token_enter(t, TOKEN_FETCH);
    if (r < 0) {
        refuse(t, r, 0, 0, err_text(r));
        grant_all(t);
        schedule(t);
    }
}

static int take_token(struct wecom_token *t, const struct wecom_answer *a)
{
    struct str value = str_of(json_str(a->json, "access_token", ""));
    int64_t life_s = json_int(a->json, "expires_in", 0), early_s = EARLY_S;

    if (value.n == 0 || value.n >= sizeof(t->value) || life_s <= 0)
        return ERR_SYNTAX;
    if (life_s > LONGEST_LIFE_S)
        life_s = LONGEST_LIFE_S;
    if (early_s > life_s / 2)
        early_s = life_s / 2;
    (void)snprintf(t->value, sizeof(t->value), "%.*s", STR_ARG(value));
    t->generation = ++t->last_generation;
    t->dead_ms = t->asked_ms + life_s * 1000;
    t->old_ms = t->dead_ms - early_s * 1000;
    t->refusal = (struct wecom_refusal){0};
    t->refused_until_ms = 0;
    return 0;
}

static void take_refusal(struct wecom_token *t, const struct wecom_answer *a)
{
    const struct code_rule *rule = rulepack_code(t->link->env->rules, "wecom", CALL_OP_COUNT, a->errcode);

    refuse(t, ERR_AUTH, a->errcode, 200, a->errmsg);
    t->refusal.retry_ms = rule->stop ? REFUSED_MS : rule->retry_ms > 0 ? rule->retry_ms : 0;
    t->refused_until_ms = wecom_link_now_ms(t->link) + t->refusal.retry_ms;
    if (rule->stop)
        wecom_link_alert(t->link, a->errcode, "wecom: credentials refused", str_of(a->errmsg));
}

static void take_answer(struct wecom_token *t)
{
    struct wecom_answer a;
    int r = t->xfer.status == 200 ? wecom_answer_read(buf_str(&t->xfer.answer), &a) : ERR_SYNTAX;

    if (r < 0) {
        refuse(t, r, 0, t->xfer.status, "the answer is not a token");
        return;
    }
    if (a.errcode != 0)
        take_refusal(t, &a);
    else if (take_token(t, &a) < 0)
        refuse(t, ERR_SYNTAX, 0, 200, "the answer has no token");
    wecom_answer_fini(&a);
}

static void on_done(struct http_xfer *x, enum http_end end)
{
    struct wecom_token *t = container_of(x, struct wecom_token, xfer);

    if (t->state == TOKEN_STOPPING) {
        (void)token_enter(t, TOKEN_CLOSING);
        return;
    }
    if (end == HTTP_DONE)
        take_answer(t);
    else
        refuse(t, x->err ? x->err : ERR_IO, 0, x->status, x->why);
    buf_wipe(&x->answer);
    (void)token_enter(t, TOKEN_IDLE);
    grant_all(t);
    schedule(t);
}

void wecom_token_start(struct wecom_token *t)
{
    assert(t->state == TOKEN_NEW);
    wecom_link_enter(t->link);
    timer_init(t->link->env->loop, &t->timer);
    (void)token_enter(t, TOKEN_IDLE);
    timer_start(&t->timer, 0, on_timer);
}

void wecom_token_stop(struct wecom_token *t)
{
    assert(list_empty(&t->waits));
    (void)token_enter(t, t->state == TOKEN_FETCH ? TOKEN_STOPPING : TOKEN_CLOSING);
}

const char *wecom_token_get(struct wecom_token *t, uint64_t *ret_generation)
{
    int64_t now_ms = wecom_link_now_ms(t->link);

    if (t->generation == 0 || now_ms >= t->dead_ms)
        return NULL;
    if (now_ms >= t->old_ms && t->state == TOKEN_IDLE && now_ms >= t->refused_until_ms)
        timer_start(&t->timer, 0, on_timer);
    *ret_generation = t->generation;
    return t->value;
}

void wecom_token_ask(struct wecom_token *t, struct wecom_token_wait *w)
{
    list_add_tail(&t->waits, &w->node);
    schedule(t);
}

void wecom_token_cancel(struct wecom_token_wait *w)
{
    list_del(&w->node);
}

void wecom_token_drop(struct wecom_token *t, uint64_t generation)
{
    if (t->generation != generation)
        return;
    crypto_wipe(t->value, sizeof(t->value));
    t->generation = 0;
    t->old_ms = t->dead_ms = 0;
}
