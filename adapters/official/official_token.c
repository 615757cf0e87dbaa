/* SPDX-License-Identifier: Apache-2.0 */
/* official_token.c - at most one fetch at a time; the timer decides about the next.
 *
 *   NEW --start--> IDLE --on_timer: somebody waits, or the token gets old--> FETCH
 *                   | ^------------- on_done: waits granted or refused -------'  |
 *                   |                                                            | stop
 *                   +--stop--> CLOSING <--on_done: cancelled-- STOPPING <--------+
 */
#include "adapters/official/official_token.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "adapters/official/official_say.h"
#include "adapters/official/official_wire.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/mem.h"
#include "loop/http_client.h"
#include "rulepack/rulepack.h"

enum {
    TOKEN_BYTES = 1024,
    OLD_PERCENT = 85, /* of its life */
    LONGEST_LIFE_S = 86400,
    REFUSED_MS = 10 * 60 * 1000,
    RETRY_MS = 15 * 1000, /* real, when a fetch failed and nobody waits */
    FETCH_DEADLINE_MS = 10 * 1000,
    ANSWER_BYTES = 64 * 1024,
};

enum token_state { TOKEN_NEW, TOKEN_IDLE, TOKEN_FETCH, TOKEN_STOPPING, TOKEN_CLOSING };

struct official_token {
    struct official_link *link;
    enum token_state state;
    struct buf url, body; /* the body holds the secret */
    char value[TOKEN_BYTES];
    uint64_t generation; /* of `value`; 0: there is none */
    uint64_t last_generation;
    int64_t old_ms, dead_ms; /* judgement time */
    int64_t asked_ms;
    struct official_refusal refusal; /* the last */
    int64_t refused_until_ms;
    struct http_xfer xfer;
    struct list waits;
    struct timer timer;
};

static int write_request(struct official_token *t, struct str appid, struct str secret)
{
    (void)buf_addf(&t->url, "%s/cgi-bin/stable_token", t->link->api_base);
    (void)buf_adds(&t->body, "{\"grant_type\":\"client_credential\",");
    (void)official_add_string(&t->body, "appid", appid);
    (void)buf_addc(&t->body, ',');
    (void)official_add_string(&t->body, "secret", secret);
    (void)buf_adds(&t->body, ",\"force_refresh\":false}");
    return buf_error(&t->url) < 0 ? buf_error(&t->url) : buf_error(&t->body);
}

int official_token_new(struct official_link *link, struct str appid, struct str secret,
                       struct official_token **ret)
{
    struct official_token *t = mem_calloc(1, sizeof(*t));
    int r;

    if (!t)
        return -ENOMEM;
    t->link = link;
    list_init(&t->waits);
    buf_init(&t->url, 16 * 1024);
    buf_init(&t->body, 16 * 1024);
    /* Growing would leave a copy of the secret behind. */
    r = buf_reserve(&t->body, 128 + 6 * (appid.n + secret.n));
    if (r == 0)
        r = write_request(t, appid, secret);
    if (r < 0)
        official_token_free(t);
    else
        *ret = t;
    return r;
}

void official_token_free(struct official_token *t)
{
    if (!t)
        return;
    assert((t->state == TOKEN_NEW || t->state == TOKEN_CLOSING) && list_empty(&t->waits));
    http_xfer_fini(&t->xfer);
    buf_wipe(&t->body);
    buf_fini(&t->body);
    buf_fini(&t->url);
    crypto_wipe(t->value, sizeof(t->value));
    mem_free(t);
}

static void on_closed(struct timer *timer)
{
    struct official_token *t = container_of(timer, struct official_token, timer);

    official_link_leave(t->link); /* last: it may free us */
}

static void on_done(struct http_xfer *x, enum http_end end);

static int fetch(struct official_token *t)
{
    static const struct http_header json[] = {{"Content-Type", "application/json"}};

    timer_stop(&t->timer);
    http_xfer_fini(&t->xfer);
    t->xfer.method = "POST";
    t->xfer.url = buf_cstr(&t->url);
    t->xfer.headers = json;
    t->xfer.header_count = ARRAY_LEN(json);
    t->xfer.body = buf_str(&t->body);
    t->xfer.deadline_ms = FETCH_DEADLINE_MS;
    t->xfer.max_bytes = ANSWER_BYTES;
    t->xfer.done = on_done;
    t->asked_ms = official_link_now_ms(t->link);
    return http_start(t->link->env->http, &t->xfer);
}

/* The only place where the state changes. A negative result: the fetch could not even start. */
static int token_enter(struct official_token *t, enum token_state next)
{
    int r = 0;

    assert(t->state != TOKEN_CLOSING);
    t->state = next;
    switch (next) {
    case TOKEN_NEW:
    case TOKEN_IDLE: break;
    case TOKEN_FETCH:
        r = fetch(t);
        if (r < 0)
            t->state = TOKEN_IDLE;
        break;
    case TOKEN_STOPPING: http_cancel(t->link->env->http, &t->xfer); break; /* -> on_done() */
    case TOKEN_CLOSING: timer_close(&t->timer, on_closed); break;
    }
    return r;
}

static void grant_all(struct official_token *t)
{
    struct official_refusal refusal = t->refusal;
    struct list ready, *node;

    list_init(&ready);
    list_move_all(&ready, &t->waits);
    while ((node = list_pop(&ready)) != NULL) {
        struct official_token_wait *w = container_of(node, struct official_token_wait, node);

        w->on_granted(w, &refusal);
    }
}

static void on_timer(struct timer *timer);

/* When the next look is due: at once for who waits, else when the token gets old or a retry is allowed. */
static void schedule(struct official_token *t)
{
    int64_t now_ms = official_link_now_ms(t->link), in_ms = RETRY_MS;

    if (t->state != TOKEN_IDLE)
        return;
    if (!list_empty(&t->waits))
        in_ms = 0;
    else if (t->refusal.err == 0)
        in_ms = clock_real_ms(t->link->env->clock, t->old_ms > now_ms ? t->old_ms - now_ms : 0);
    else if (now_ms < t->refused_until_ms)
        in_ms = clock_real_ms(t->link->env->clock, t->refused_until_ms - now_ms);
    timer_start(&t->timer, in_ms, on_timer);
}

static void refuse(struct official_token *t, int err, int errcode, int http, const char *why)
{
    t->refusal = (struct official_refusal){.err = err, .errcode = errcode, .http = http};
    (void)snprintf(t->refusal.why, sizeof(t->refusal.why), "no access token: %s", why);
}

static void on_timer(struct timer *timer)
{
    struct official_token *t = container_of(timer, struct official_token, timer);
    int64_t now_ms = official_link_now_ms(t->link);
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

static int take_token(struct official_token *t, const struct official_answer *a)
{
    struct str value = str_of(json_str(a->json, "access_token", ""));
    int64_t life_s = json_int(a->json, "expires_in", 0);

    if (value.n == 0 || value.n >= sizeof(t->value) || life_s <= 0)
        return ERR_SYNTAX;
    if (life_s > LONGEST_LIFE_S)
        life_s = LONGEST_LIFE_S;
    (void)snprintf(t->value, sizeof(t->value), "%.*s", STR_ARG(value));
    t->generation = ++t->last_generation;
    t->dead_ms = t->asked_ms + life_s * 1000;
    t->old_ms = t->asked_ms + life_s * 10 * OLD_PERCENT;
    t->refusal = (struct official_refusal){0};
    t->refused_until_ms = 0;
    return 0;
}

static void take_refusal(struct official_token *t, const struct official_answer *a)
{
    const struct code_rule *rule = rulepack_code(t->link->env->rules, "official", CALL_OP_COUNT, a->errcode);

    refuse(t, ERR_AUTH, a->errcode, 200, a->errmsg);
    t->refusal.retry_ms = rule->stop ? REFUSED_MS : rule->retry_ms > 0 ? rule->retry_ms : 0;
    t->refused_until_ms = official_link_now_ms(t->link) + t->refusal.retry_ms;
    if (rule->stop)
        official_link_alert(t->link, a->errcode, "official: credentials refused", str_of(a->errmsg));
}

static void take_answer(struct official_token *t)
{
    struct official_answer a;
    int r = t->xfer.status == 200 ? official_answer_read(buf_str(&t->xfer.answer), &a) : ERR_SYNTAX;

    if (r < 0) {
        refuse(t, r, 0, t->xfer.status, "the answer is not a token");
        return;
    }
    if (a.errcode != 0)
        take_refusal(t, &a);
    else if (take_token(t, &a) < 0)
        refuse(t, ERR_SYNTAX, 0, 200, "the answer has no token");
    official_answer_fini(&a);
}

static void on_done(struct http_xfer *x, enum http_end end)
{
    struct official_token *t = container_of(x, struct official_token, xfer);

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

void official_token_start(struct official_token *t)
{
    assert(t->state == TOKEN_NEW);
    official_link_enter(t->link);
    timer_init(t->link->env->loop, &t->timer);
    (void)token_enter(t, TOKEN_IDLE);
    timer_start(&t->timer, 0, on_timer);
}

void official_token_stop(struct official_token *t)
{
    assert(list_empty(&t->waits));
    (void)token_enter(t, t->state == TOKEN_FETCH ? TOKEN_STOPPING : TOKEN_CLOSING);
}

const char *official_token_get(struct official_token *t, uint64_t *ret_generation)
{
    int64_t now_ms = official_link_now_ms(t->link);

    if (t->generation == 0 || now_ms >= t->dead_ms)
        return NULL;
    if (now_ms >= t->old_ms && t->state == TOKEN_IDLE && now_ms >= t->refused_until_ms)
        timer_start(&t->timer, 0, on_timer);
    *ret_generation = t->generation;
    return t->value;
}

void official_token_ask(struct official_token *t, struct official_token_wait *w)
{
    list_add_tail(&t->waits, &w->node);
    schedule(t);
}

void official_token_cancel(struct official_token_wait *w)
{
    list_del(&w->node);
}

void official_token_drop(struct official_token *t, uint64_t generation)
{
    if (t->generation != generation)
        return;
    crypto_wipe(t->value, sizeof(t->value));
    t->generation = 0;
    t->old_ms = t->dead_ms = 0;
}
