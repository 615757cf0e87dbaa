/* SPDX-License-Identifier: Apache-2.0 */
/* wecom_sync.c - one page at a time.
 *
 *   NEW --start--> IDLE --woken, poll--> TOKEN --> FETCH --page--> STORE --stored, more or woken--> TOKEN
 *                   ^ ^                   |          |               |
 *                   | '--- page is the last, stored -|---------------'
 *                   '--- any failure: again later ---'       stop: STOPPING (only from FETCH) --> CLOSING
 *
 * In IDLE the timer says when the next round begins: never for a wake-up, which enters TOKEN at once unless
 * a failure is being waited out.
 */
#include "adapters/wecom/wecom_sync.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "adapters/wecom/wecom_kf_page.h"
#include "adapters/wecom/wecom_token.h"
#include "adapters/wecom/wecom_wire.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "loop/http_client.h"
#include "rulepack/rulepack.h"

enum {
    CURSOR_BYTES = 256,
    WAKE_TOKEN_BYTES = 512,
    WAKE_TOKEN_LIFE_MS = 10 * 60 * 1000,
    PAGE_ITEMS = 500,
    FETCH_DEADLINE_MS = 20 * 1000,
    FIRST_DELAY_MS = 1000,
    DELAYS_MAX = 6, /* 1, 2, ... 64 s */
    SHORTEST_REAL_MS = 100,
    REFUSED_DELAY_MS = 10 * 60 * 1000,
    CODE_BAD_WAKE_TOKEN = 95007,
};

enum sync_state { SYNC_NEW, SYNC_IDLE, SYNC_TOKEN, SYNC_FETCH, SYNC_STORE, SYNC_STOPPING, SYNC_CLOSING };

struct wecom_sync {
    struct wecom_link *link;
    enum sync_state state;
    struct str open_kfid;
    int64_t poll_every_ms;
    char cursor[CURSOR_BYTES]; /* committed */
    char next[CURSOR_BYTES];   /* being committed */
    char wake_token[WAKE_TOKEN_BYTES];
    int64_t woken_ms;
    bool woken;       /* since the last fetch began */
    bool more;        /* the page that is being stored said so */
    bool renewed;     /* the access token, once a page */
    int failures;     /* in a row; not 0 in IDLE: one is being waited out */
    int64_t delay_ms; /* so long */
    int limit;
    struct inbound_id storing;
    struct wecom_token_wait wait;
    uint64_t generation;
    struct buf url, body;
    struct http_xfer xfer;
    struct timer timer;
};

static void sync_enter(struct wecom_sync *s, enum sync_state next);
static void on_answer(struct http_xfer *x, enum http_end end);

int wecom_sync_new(struct wecom_link *link, struct str open_kfid, int64_t poll_every_ms,
                   struct wecom_sync **ret)
{
    struct wecom_sync *s = mem_calloc(1, sizeof(*s));
    char *copy = mem_strndup(open_kfid.p, open_kfid.n);

    if (!s || !copy) {
        mem_free(s);
        mem_free(copy);
        return -ENOMEM;
    }
    s->link = link;
    s->open_kfid = str_of(copy);
    s->poll_every_ms = poll_every_ms;
    s->limit = PAGE_ITEMS;
    buf_init(&s->url, 16 * 1024);
    buf_init(&s->body, 16 * 1024);
    *ret = s;
    return 0;
}

void wecom_sync_free(struct wecom_sync *s)
{
    if (!s)
        return;
    assert(s->state == SYNC_NEW || s->state == SYNC_CLOSING);
    http_xfer_fini(&s->xfer);
    buf_wipe(&s->url);
    buf_fini(&s->url);
    buf_fini(&s->body);
    mem_free((char *)(uintptr_t)s->open_kfid.p);
    mem_free(s);
}

static void on_closed(struct timer *timer)
{
    struct wecom_sync *s = container_of(timer, struct wecom_sync, timer);

    wecom_link_leave(s->link); /* last: it may free us */
}

static void on_timer(struct timer *timer)
{
    sync_enter(container_of(timer, struct wecom_sync, timer), SYNC_TOKEN);
}

/* A failure: the page is asked for again, later and later. */
static void sync_later(struct wecom_sync *s, int64_t at_least_ms, const char *why)
{
    int64_t delay_ms = (int64_t)FIRST_DELAY_MS << (s->failures < DELAYS_MAX ? s->failures : DELAYS_MAX);

    s->failures++;
    s->delay_ms = delay_ms > at_least_ms ? delay_ms : at_least_ms;
    log_info("wecom", "sync_msg failed connection=%s why=\"%s\" again_in_ms=%lld", s->link->env->name, why,
             (long long)s->delay_ms);
    sync_enter(s, SYNC_IDLE);
}

static void sync_idle(struct wecom_sync *s)
{
    int64_t wait_ms = s->failures ? s->delay_ms : s->poll_every_ms, real_ms;

    if (wait_ms == 0)
        return;
    real_ms = wecom_link_real_ms(s->link, wait_ms);
    timer_start(&s->timer, real_ms > SHORTEST_REAL_MS ? real_ms : SHORTEST_REAL_MS, on_timer);
}

static void on_granted(struct wecom_token_wait *w, const struct wecom_refusal *refusal)
{
    struct wecom_sync *s = container_of(w, struct wecom_sync, wait);

    if (refusal->err < 0)
        sync_later(s, refusal->retry_ms, refusal->why);
    else
        sync_enter(s, SYNC_TOKEN);
}

static void sync_take_token(struct wecom_sync *s)
{
    if (wecom_token_get(s->link->token, &s->generation)) {
        sync_enter(s, SYNC_FETCH);
        return;
    }
    s->wait.on_granted = on_granted;
    wecom_token_ask(s->link->token, &s->wait);
}

static struct str fresh_wake_token(const struct wecom_sync *s)
{
    if (wecom_link_now_ms(s->link) - s->woken_ms >= WAKE_TOKEN_LIFE_MS)
        return (struct str){0};
    return str_of(s->wake_token);
}

static int sync_fetch(struct wecom_sync *s)
{
    static const struct http_header json[] = {{"Content-Type", "application/json"}};
    const char *token = wecom_token_get(s->link->token, &s->generation);
    int r;

    buf_reset(&s->url);
    buf_reset(&s->body);
    r = wecom_link_url(s->link, "/cgi-bin/kf/sync_msg", token, (struct str){0}, &s->url);
    if (r == 0)
        r = wecom_kf_sync_write(str_of(s->cursor), fresh_wake_token(s), s->open_kfid, s->limit, &s->body);
    if (r < 0)
        return r;
    s->woken = false;
    http_xfer_fini(&s->xfer);
    s->xfer.method = "POST";
    s->xfer.url = buf_cstr(&s->url);
    s->xfer.headers = json;
    s->xfer.header_count = ARRAY_LEN(json);
    s->xfer.body = buf_str(&s->body);
    s->xfer.deadline_ms = FETCH_DEADLINE_MS;
    s->xfer.max_bytes = WECOM_ANSWER_BYTES;
    s->xfer.done = on_answer;
    return http_start(s->link->env->http, &s->xfer);
}

/* The only place where the state changes. */
static void sync_enter(struct wecom_sync *s, enum sync_state next)
{
    int r;

    assert(s->state != SYNC_CLOSING);
    s->state = next;
    timer_stop(&s->timer);
    switch (next) {
    case SYNC_NEW: break;
    case SYNC_IDLE: sync_idle(s); break;
    case SYNC_TOKEN: sync_take_token(s); break;
    case SYNC_FETCH:
        r = sync_fetch(s);
        if (r < 0)
            sync_later(s, 0, err_text(r));
        break;
    case SYNC_STORE: break;
    case SYNC_STOPPING: http_cancel(s->link->env->http, &s->xfer); break; /* -> on_answer() */
    case SYNC_CLOSING:
        wecom_token_cancel(&s->wait);
        timer_close(&s->timer, on_closed);
        break;
    }
}

/* The page is through: another one, or the round's end. */
static void sync_next(struct wecom_sync *s)
{
    s->failures = 0;
    s->renewed = false;
    s->limit = PAGE_ITEMS;
    sync_enter(s, s->more || s->woken ? SYNC_TOKEN : SYNC_IDLE);
}

static void store_page(struct wecom_sync *s, const struct wecom_kf_page *page)
{
    const struct adapter_host *host = s->link->env->host;
    int r;

    (void)snprintf(s->next, sizeof(s->next), "%.*s", STR_ARG(page->next_cursor));
    s->more = page->has_more;
    s->storing = host->inbound_id(host->ctx);
    sync_enter(s, SYNC_STORE);
    r = host->inbound(host->ctx, s->storing, page->events, page->count, s->next);
    if (r < 0)
        sync_later(s, 0, err_text(r));
}

static void take_page(struct wecom_sync *s, const json_t *answer)
{
    struct wecom_kf_page page;
    int r = wecom_kf_page_read(&page, answer);

    if (r < 0) {
        sync_later(s, 0, err_text(r));
        return;
    }
    if (page.next_cursor.n >= sizeof(s->next)) {
        sync_later(s, 0, "the cursor is too long");
    } else if (page.next_cursor.n && !str_is(page.next_cursor, s->cursor)) {
        store_page(s, &page);
    } else if (page.count || page.has_more) {
        sync_later(s, 0, "the cursor does not move");
    } else {
        s->more = false;
        sync_next(s);
    }
    wecom_kf_page_fini(&page);
}

static void take_refusal(struct wecom_sync *s, const struct wecom_answer *a)
{
    const struct code_rule *rule = rulepack_code(s->link->env->rules, "wecom", CALL_QUERY, a->errcode);

    if (rule->renew_token && !s->renewed) {
        s->renewed = true;
        wecom_token_drop(s->link->token, s->generation);
        sync_enter(s, SYNC_TOKEN);
    } else if (a->errcode == CODE_BAD_WAKE_TOKEN && s->wake_token[0]) {
        s->wake_token[0] = '\0';
        sync_enter(s, SYNC_TOKEN);
    } else {
        if (rule->stop)
            wecom_link_alert(s->link, a->errcode, "wecom-kf: sync_msg refused", str_of(a->errmsg));
        sync_later(s, rule->stop ? REFUSED_DELAY_MS : rule->retry_ms, a->errmsg);
    }
}

static void take_answer(struct wecom_sync *s)
{
    struct wecom_answer a;
    int r = s->xfer.status == 200 ? wecom_answer_read(buf_str(&s->xfer.answer), &a) : ERR_SYNTAX;

    if (r < 0) {
        sync_later(s, 0, "the answer is not one of WeCom's");
        return;
    }
    if (a.errcode)
        take_refusal(s, &a);
    else
        take_page(s, a.json);
    wecom_answer_fini(&a);
}

static void on_answer(struct http_xfer *x, enum http_end end)
{
    struct wecom_sync *s = container_of(x, struct wecom_sync, xfer);

    if (s->state == SYNC_STOPPING) {
        sync_enter(s, SYNC_CLOSING);
    } else if (end == HTTP_DONE) {
        take_answer(s);
    } else {
        if (x->err == ERR_TOO_BIG && s->limit > 1)
            s->limit /= 2;
        sync_later(s, 0, x->why);
    }
}

int wecom_sync_start(struct wecom_sync *s, const char *cursor)
{
    struct str committed = str_of(cursor);

    assert(s->state == SYNC_NEW);
    if (committed.n >= sizeof(s->cursor))
        return ERR_TOO_BIG;
    (void)snprintf(s->cursor, sizeof(s->cursor), "%.*s", STR_ARG(committed));
    wecom_link_enter(s->link);
    timer_init(s->link->env->loop, &s->timer);
    sync_enter(s, SYNC_IDLE);
    timer_start(&s->timer, 0, on_timer);
    return 0;
}

void wecom_sync_wake(struct wecom_sync *s, struct str token)
{
    if (s->state == SYNC_NEW || s->state == SYNC_STOPPING || s->state == SYNC_CLOSING)
        return;
    if (token.n && token.n < sizeof(s->wake_token)) {
        (void)snprintf(s->wake_token, sizeof(s->wake_token), "%.*s", STR_ARG(token));
        s->woken_ms = wecom_link_now_ms(s->link);
    }
    s->woken = true;
    if (s->state == SYNC_IDLE && s->failures == 0)
        sync_enter(s, SYNC_TOKEN);
}

bool wecom_sync_stored(struct wecom_sync *s, struct inbound_id id, int err)
{
    if (s->state != SYNC_STORE || id.v != s->storing.v)
        return false;
    s->storing.v = 0;
    if (err < 0) {
        sync_later(s, 0, err_text(err));
        return true;
    }
    (void)snprintf(s->cursor, sizeof(s->cursor), "%s", s->next);
    sync_next(s);
    return true;
}

void wecom_sync_stop(struct wecom_sync *s)
{
    sync_enter(s, s->state == SYNC_FETCH ? SYNC_STOPPING : SYNC_CLOSING);
}
