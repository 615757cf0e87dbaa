/* SPDX-License-Identifier: Apache-2.0 */
/* wecom_call.c - one attempt.
 *
 *             .-- refused token, once; next page -------------.
 *             v                                               |
 *   NEW --> TOKEN --granted--> SENDING --answer: judged-------+--> CLOSING --timer closed--> done()
 *    |        |                 ^ ^ '--- 41096, a few times --|-> PAUSE --.
 *    |        |                 | '---------------------------|-----------'
 *    |        '-- refused, deadline: not sent ----------------'
 *    '-- the message can never be sent -----------------------'
 *
 * The deadline bounds all of it: the timer in TOKEN and PAUSE, the HTTP client in SENDING. Only the last
 * exchange decides the outcome; those before it were refused by the platform, so nothing was done by them.
 */
#include "adapters/wecom/wecom_call.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "adapters/wecom/wecom_token.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "loop/http_client.h"
#include "loop/loop.h"
#include "rulepack/rulepack.h"

enum {
    CODE_BEING_DISTRIBUTED = 41096, /* another app's welcome is on its way, or not: ask again */
    PAUSE_MS = 150,
    PAUSES_MAX = 5,
    URL_BYTES = 16 * 1024,
};

enum call_state { CALL_NEW, CALL_TOKEN, CALL_SENDING, CALL_PAUSE, CALL_CLOSING };

struct wecom_call {
    struct list node; /* in link->calls */
    struct wecom_link *link;
    struct attempt_id id;
    enum call_state state;
    bool renewed;
    int pauses;
    int64_t deadline_at_ms; /* on the loop's clock */
    struct wecom_ask ask;
    struct wecom_token_wait wait; /* linked only in TOKEN */
    uint64_t generation;          /* of the token in use */
    struct buf url;
    struct http_xfer xfer; /* with the client only in SENDING */
    struct timer timer;
    struct facts facts;
    char error[192];
};

static void call_enter(struct wecom_call *c, enum call_state next);

static void call_free(struct wecom_call *c)
{
    http_xfer_fini(&c->xfer);
    wecom_ask_fini(&c->ask);
    buf_wipe(&c->url);
    buf_fini(&c->url);
    mem_free(c);
}

static void on_closed(struct timer *timer)
{
    struct wecom_call *c = container_of(timer, struct wecom_call, timer);
    struct wecom_link *link = c->link;
    const struct adapter_host *host = link->env->host;

    list_del(&c->node);
    link->call_count--;
    host->done(host->ctx, c->id, &c->facts); /* it may call perform() or stop() */
    call_free(c);
    wecom_link_leave(link); /* last: it may free the adapter */
}

static void call_finish(struct wecom_call *c, enum outcome outcome, const char *why)
{
    c->facts.outcome = outcome;
    (void)snprintf(c->error, sizeof(c->error), "%s", why);
    c->facts.error = str_of(c->error);
    call_enter(c, CALL_CLOSING);
}

/* Everything was said: what the ask learned goes into the facts. */
static void call_finish_done(struct wecom_call *c)
{
    c->facts.provider_id = c->ask.provider_id;
    c->facts.items = c->ask.items.rows;
    c->facts.item_count = c->ask.items.count;
    c->facts.data = c->ask.data;
    call_finish(c, c->ask.outcome, "");
}

static int64_t left_ms(const struct wecom_call *c)
{
    return c->deadline_at_ms - loop_now_ms(c->link->env->loop);
}

static void on_granted(struct wecom_token_wait *w, const struct wecom_refusal *refusal)
{
    struct wecom_call *c = container_of(w, struct wecom_call, wait);

    if (refusal->err == 0) {
        call_enter(c, CALL_TOKEN);
        return;
    }
    c->facts.errcode = refusal->errcode;
    c->facts.http = refusal->http;
    c->facts.retry_ms = refusal->retry_ms;
    call_finish(c, OUTCOME_NOT_SENT, refusal->why);
}

static void on_deadline(struct timer *timer)
{
    struct wecom_call *c = container_of(timer, struct wecom_call, timer);

    call_finish(c, OUTCOME_NOT_SENT, "no access token in time");
}

static void on_pause_over(struct timer *timer)
{
    call_enter(container_of(timer, struct wecom_call, timer), CALL_TOKEN);
}

static void on_answer(struct http_xfer *x, enum http_end end);

static int call_send(struct wecom_call *c, const char *token)
{
    static const struct http_header json[] = {{"Content-Type", "application/json"}};
    struct wecom_request *request = &c->ask.request;
    int r;

    buf_reset(&c->url);
    r = wecom_link_url(c->link, request->path, token, buf_str(&request->query), &c->url);
    if (r < 0)
        return r;
    http_xfer_fini(&c->xfer);
    c->xfer.method = request->method;
    c->xfer.url = buf_cstr(&c->url);
    c->xfer.headers = json;
    c->xfer.header_count = request->body.len ? ARRAY_LEN(json) : 0;
    c->xfer.body = buf_str(&request->body);
    c->xfer.deadline_ms = left_ms(c);
    c->xfer.max_bytes = WECOM_ANSWER_BYTES;
    c->xfer.send_once = request->once;
    c->xfer.done = on_answer;
    return c->xfer.deadline_ms > 0 ? http_start(c->link->env->http, &c->xfer) : ERR_TIMEOUT;
}

/* With a token on to SENDING, without one wait for it. */
static void call_take_token(struct wecom_call *c)
{
    struct wecom_token *tokens = c->link->token;

    if (!tokens || wecom_token_get(tokens, &c->generation)) {
        call_enter(c, CALL_SENDING);
    } else if (left_ms(c) <= 0) {
        call_finish(c, OUTCOME_NOT_SENT, "no time left");
    } else {
        c->wait.on_granted = on_granted;
        wecom_token_ask(tokens, &c->wait);
        timer_start(&c->timer, left_ms(c), on_deadline);
    }
}

/* The only place where a call changes state. */
static void call_enter(struct wecom_call *c, enum call_state next)
{
    struct wecom_token *tokens = c->link->token;
    int r;

    assert(c->state != CALL_CLOSING);
    c->state = next;
    timer_stop(&c->timer);
    switch (next) {
    case CALL_NEW: break;
    case CALL_TOKEN: call_take_token(c); break;
    case CALL_SENDING:
        r = call_send(c, tokens ? wecom_token_get(tokens, &c->generation) : NULL);
        if (r < 0) /* the request never left this machine */
            call_finish(c, OUTCOME_NOT_SENT, err_text(r));
        break;
    case CALL_PAUSE: timer_start(&c->timer, PAUSE_MS, on_pause_over); break;
    case CALL_CLOSING:
        wecom_token_cancel(&c->wait);
        timer_close(&c->timer, on_closed);
        break;
    }
}

static void finish_refused(struct wecom_call *c, const struct code_rule *rule, const char *errmsg)
{
    char text[128];

    if (rule->stop) {
        (void)snprintf(text, sizeof(text), "wecom: refused with %d", c->facts.errcode);
        wecom_link_alert(c->link, c->facts.errcode, text, str_of(errmsg));
    }
    c->facts.freeze = rule->freeze;
    call_finish(c, rule->outcome, errmsg);
}

static void judge_refusal(struct wecom_call *c, const struct wecom_answer *a)
{
    const struct code_rule *rule = rulepack_code(c->link->env->rules, "wecom", c->ask.op, a->errcode);

    if (rule->renew_token && c->link->token && !c->renewed) {
        c->renewed = true;
        wecom_token_drop(c->link->token, c->generation);
        call_enter(c, CALL_TOKEN);
    } else if (a->errcode == CODE_BEING_DISTRIBUTED && c->ask.op == CALL_WELCOME && c->pauses < PAUSES_MAX &&
               left_ms(c) > 2 * PAUSE_MS) {
        c->pauses++;
        call_enter(c, CALL_PAUSE);
    } else {
        c->facts.errcode = a->errcode;
        finish_refused(c, rule, a->errmsg);
    }
}

static void judge_answer(struct wecom_call *c)
{
    struct wecom_answer a;
    int r = c->xfer.status == 200 ? wecom_answer_read(buf_str(&c->xfer.answer), &a) : ERR_SYNTAX;

    if (r < 0) {
        call_finish(c, OUTCOME_UNKNOWN, "the answer is not one of WeCom's");
        return;
    }
    if (a.errcode != 0) {
        judge_refusal(c, &a);
    } else {
        r = wecom_ask_take(&c->ask, a.json);
        if (r == WECOM_MORE)
            call_enter(c, CALL_TOKEN);
        else if (r == WECOM_DONE)
            call_finish_done(c);
        else
            call_finish(c, OUTCOME_UNKNOWN, "the answer lacks what it should hold");
    }
    wecom_answer_fini(&a);
}

static void on_answer(struct http_xfer *x, enum http_end end)
{
    struct wecom_call *c = container_of(x, struct wecom_call, xfer);

    c->facts.bytes_out += x->bytes_out;
    c->facts.http = x->status;
    if (x->date_ms)
        c->facts.date_ms = x->date_ms;
    switch (end) {
    case HTTP_DONE: judge_answer(c); break;
    case HTTP_NOT_SENT: call_finish(c, OUTCOME_NOT_SENT, x->why); break;
    case HTTP_UNKNOWN: call_finish(c, OUTCOME_UNKNOWN, x->why); break;
    case HTTP_CANCELED:
        call_finish(c, x->bytes_out > 0 ? OUTCOME_UNKNOWN : OUTCOME_NOT_SENT, "the connection stops");
        break;
    }
}

/* What can never be sent is a finding like any other; what we cannot do at all is not. */
static bool is_finding(int err)
{
    return err == ERR_INVALID || err == ERR_TOO_BIG;
}

int wecom_call_start(struct wecom_link *link, const struct wecom_table *table, int64_t agent_id,
                     struct attempt_id id, const struct call *call, const struct recipient *to, size_t n)
{
    struct wecom_call *c;
    int r;

    if (link->stopping)
        return ERR_CLOSED;
    if (link->call_count >= WECOM_CALLS_MAX)
        return ERR_FULL;
    c = mem_calloc(1, sizeof(*c));
    if (!c)
        return -ENOMEM;
    c->link = link;
    c->id = id;
    buf_init(&c->url, URL_BYTES);
    wecom_ask_init(&c->ask);
    c->ask.agent_id = agent_id;
    r = wecom_ask_begin(&c->ask, table->ops, table->count, call, to, n);
    if (r < 0 && !is_finding(r)) {
        call_free(c);
        return r;
    }
    c->deadline_at_ms = loop_now_ms(link->env->loop) + call->deadline_ms;
    timer_init(link->env->loop, &c->timer);
    list_add_tail(&link->calls, &c->node);
    link->call_count++;
    wecom_link_enter(link);
    if (r < 0)
        call_finish(c, OUTCOME_PERMANENT, c->ask.fault[0] ? c->ask.fault : err_text(r));
    else
        call_enter(c, CALL_TOKEN);
    return 0;
}

void wecom_call_cancel_all(struct wecom_link *link)
{
    struct list *next;

    for (struct list *n = link->calls.next; n != &link->calls; n = next) {
        struct wecom_call *c = container_of(n, struct wecom_call, node);

        next = n->next;
        if (c->state == CALL_SENDING)
            http_cancel(link->env->http, &c->xfer); /* -> on_answer() */
        else if (c->state != CALL_CLOSING)
            call_finish(c, OUTCOME_NOT_SENT, "the connection stops");
    }
}
