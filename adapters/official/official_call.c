/* SPDX-License-Identifier: Apache-2.0 */
/* official_call.c - one attempt.
 *
 *             .-- refused token, once; the request behind tags/get --.
 *             v                                                      |
 *   NEW --> TOKEN --granted--> SENDING --answer: judged--------------+--> CLOSING --timer closed--> done()
 *    |        '-- refused, deadline: not sent -----------------------'
 *    '-- the message can never be sent ------------------------------'
 *
 * The deadline bounds all of it: the timer in TOKEN, the HTTP client in SENDING. Only the last exchange
 * decides the outcome; those before it were refused by the platform, or only read the tags. So when it is the
 * tags that cannot be read, a mass message was certainly not sent.
 */
#include "adapters/official/official_call.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "adapters/official/official_token.h"
#include "adapters/official/official_wire.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "loop/http_client.h"
#include "loop/loop.h"
#include "rulepack/rulepack.h"

enum { CODE_NO_SUCH_TAG = 40152, URL_BYTES = 16 * 1024 };

enum call_state { CALL_NEW, CALL_TOKEN, CALL_SENDING, CALL_CLOSING };

struct official_call {
    struct list node; /* in link->calls */
    struct official_link *link;
    struct attempt_id id;
    enum call_state state;
    bool renewed;
    int64_t deadline_at_ms; /* on the loop's clock */
    struct official_ask ask;
    struct official_token_wait wait; /* linked only in TOKEN */
    uint64_t generation;             /* of the token in use */
    struct buf url;
    struct http_xfer xfer; /* with the client only in SENDING */
    struct timer timer;
    struct facts facts;
    char error[224];
};

static void call_enter(struct official_call *c, enum call_state next);

static void call_free(struct official_call *c)
{
    http_xfer_fini(&c->xfer);
    official_ask_fini(&c->ask);
    buf_wipe(&c->url);
    buf_fini(&c->url);
    mem_free(c);
}

static void on_closed(struct timer *timer)
{
    struct official_call *c = container_of(timer, struct official_call, timer);
    struct official_link *link = c->link;
    const struct adapter_host *host = link->env->host;

    list_del(&c->node);
    link->call_count--;
    host->done(host->ctx, c->id, &c->facts); /* it may call perform() or stop() */
    call_free(c);
    official_link_leave(link); /* last: it may free the adapter */
}

static void call_finish(struct official_call *c, enum outcome outcome, const char *why)
{
    c->facts.outcome = outcome;
    (void)snprintf(c->error, sizeof(c->error), "%s", why);
    c->facts.error = str_of(c->error);
    call_enter(c, CALL_CLOSING);
}

/* Everything was said: what the ask learned goes into the facts. */
static void call_finish_done(struct official_call *c)
{
    c->facts.provider_id = c->ask.provider_id;
    c->facts.data = c->ask.data;
    call_finish(c, c->ask.outcome, c->ask.fault);
}

/* Bytes have left and no clear answer came. */
static void call_finish_unclear(struct official_call *c, const char *why)
{
    call_finish(c, c->ask.preparing ? OUTCOME_NOT_SENT : OUTCOME_UNKNOWN, why);
}

static int64_t left_ms(const struct official_call *c)
{
    return c->deadline_at_ms - loop_now_ms(c->link->env->loop);
}

static void on_granted(struct official_token_wait *w, const struct official_refusal *refusal)
{
    struct official_call *c = container_of(w, struct official_call, wait);

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
    struct official_call *c = container_of(timer, struct official_call, timer);

    call_finish(c, OUTCOME_NOT_SENT, "no access token in time");
}

static void on_answer(struct http_xfer *x, enum http_end end);

static int write_url(struct official_call *c, const char *token)
{
    const struct official_request *request = &c->ask.request;

    buf_reset(&c->url);
    (void)buf_addf(&c->url, "%s%s?access_token=", c->link->api_base, request->path);
    (void)str_percent_encode(str_of(token), &c->url);
    if (request->query.len) {
        (void)buf_addc(&c->url, '&');
        (void)buf_add_str(&c->url, buf_str(&request->query));
    }
    return buf_error(&c->url);
}

static int call_send(struct official_call *c)
{
    static const struct http_header json[] = {{"Content-Type", "application/json; charset=utf-8"}};
    const struct official_request *request = &c->ask.request;
    int r = write_url(c, official_token_get(c->link->token, &c->generation));

    if (r < 0)
        return r;
    http_xfer_fini(&c->xfer);
    c->xfer.method = request->method;
    c->xfer.url = buf_cstr(&c->url);
    c->xfer.headers = json;
    c->xfer.header_count = request->body.len ? ARRAY_LEN(json) : 0;
    c->xfer.body = buf_str(&request->body);
    c->xfer.deadline_ms = left_ms(c);
    c->xfer.max_bytes = OFFICIAL_ANSWER_BYTES;
    c->xfer.send_once = request->once;
    c->xfer.done = on_answer;
    return c->xfer.deadline_ms > 0 ? http_start(c->link->env->http, &c->xfer) : ERR_TIMEOUT;
}

/* With a token on to SENDING, without one wait for it. */
static void call_take_token(struct official_call *c)
{
    if (official_token_get(c->link->token, &c->generation)) {
        call_enter(c, CALL_SENDING);
    } else if (left_ms(c) <= 0) {
        call_finish(c, OUTCOME_NOT_SENT, "no time left");
    } else {
        c->wait.on_granted = on_granted;
        official_token_ask(c->link->token, &c->wait);
        timer_start(&c->timer, left_ms(c), on_deadline);
    }
}

/* The only place where a call changes state. */
static void call_enter(struct official_call *c, enum call_state next)
{
    int r;

    assert(c->state != CALL_CLOSING);
    c->state = next;
    timer_stop(&c->timer);
    switch (next) {
    case CALL_NEW: break;
    case CALL_TOKEN: call_take_token(c); break;
    case CALL_SENDING:
        r = call_send(c);
        if (r < 0) /* the request never left this machine */
            call_finish(c, OUTCOME_NOT_SENT, err_text(r));
        break;
    case CALL_CLOSING:
        official_token_cancel(&c->wait);
        timer_close(&c->timer, on_closed);
        break;
    }
}

static void finish_refused(struct official_call *c, const struct code_rule *rule,
                           const struct official_answer *a)
{
    char text[64];

    if (a->errcode == CODE_NO_SUCH_TAG)
        official_tags_forget(&c->link->tags);
    if (rule->stop) {
        (void)snprintf(text, sizeof(text), "official: refused with %d", a->errcode);
        official_link_alert(c->link, a->errcode, text, str_of(a->errmsg));
    }
    c->facts.errcode = a->errcode;
    c->facts.freeze = rule->freeze;
    c->facts.retry_ms = rule->retry_ms > 0 ? rule->retry_ms : 0;
    call_finish(c, rule->outcome, a->errmsg);
}

/* A clientmsgid that the platform knows: the first call with it was taken, and this is its msg_id. */
static void finish_repeated(struct official_call *c, const struct official_answer *a)
{
    c->facts.errcode = a->errcode;
    if (official_ask_take(&c->ask, a->json) == OFFICIAL_DONE)
        c->facts.provider_id = c->ask.provider_id;
    call_finish(c, OUTCOME_ACCEPTED, a->errmsg);
}

static void judge_refusal(struct official_call *c, const struct official_answer *a)
{
    enum call_op op = c->ask.preparing ? CALL_TAG_MEMBERS : c->ask.op;
    const struct code_rule *rule = rulepack_code(c->link->env->rules, "official", op, a->errcode);

    if (rule->renew_token && !c->renewed) {
        c->renewed = true;
        official_token_drop(c->link->token, c->generation);
        call_enter(c, CALL_TOKEN);
    } else if (rule->outcome == OUTCOME_ACCEPTED) {
        finish_repeated(c, a);
    } else if (rule->outcome == OUTCOME_UNKNOWN) {
        c->facts.errcode = a->errcode;
        call_finish_unclear(c, a->errmsg);
    } else {
        finish_refused(c, rule, a);
    }
}

static void judge_answer(struct official_call *c)
{
    struct official_answer a;
    int r = c->xfer.status == 200 ? official_answer_read(buf_str(&c->xfer.answer), &a) : ERR_SYNTAX;

    if (r < 0) {
        call_finish_unclear(c, "the answer is not one of the platform's");
        return;
    }
    if (a.errcode != 0) {
        judge_refusal(c, &a);
    } else {
        r = official_ask_take(&c->ask, a.json);
        if (r == OFFICIAL_MORE)
            call_enter(c, CALL_TOKEN);
        else if (r == OFFICIAL_DONE)
            call_finish_done(c);
        else
            call_finish_unclear(c, "the answer lacks what it should hold");
    }
    official_answer_fini(&a);
}

static void on_answer(struct http_xfer *x, enum http_end end)
{
    struct official_call *c = container_of(x, struct official_call, xfer);

    /* Reading the tags in front of a message is no byte of it. */
    if (!c->ask.preparing)
        c->facts.bytes_out += x->bytes_out;
    c->facts.http = x->status;
    if (x->date_ms)
        c->facts.date_ms = x->date_ms;
    switch (end) {
    case HTTP_DONE: judge_answer(c); break;
    case HTTP_NOT_SENT: call_finish(c, OUTCOME_NOT_SENT, x->why); break;
    case HTTP_UNKNOWN: call_finish_unclear(c, x->why); break;
    case HTTP_CANCELED:
        if (x->bytes_out > 0)
            call_finish_unclear(c, "the connection stops");
        else
            call_finish(c, OUTCOME_NOT_SENT, "the connection stops");
        break;
    }
}

/* What can never be sent is a finding like any other; what we cannot do at all is not. */
static bool is_finding(int err)
{
    return err == ERR_INVALID || err == ERR_TOO_BIG;
}

int official_call_start(struct official_link *link, struct attempt_id id, const struct call *call,
                        const struct recipient *to, size_t n)
{
    struct official_call *c;
    int r;

    if (link->stopping)
        return ERR_CLOSED;
    if (link->call_count >= OFFICIAL_CALLS_MAX)
        return ERR_FULL;
    c = mem_calloc(1, sizeof(*c));
    if (!c)
        return -ENOMEM;
    c->link = link;
    c->id = id;
    buf_init(&c->url, URL_BYTES);
    official_ask_init(&c->ask, &link->tags, link->subscription, official_link_now_ms(link));
    r = official_ask_begin(&c->ask, call, to, n);
    if (r < 0 && !is_finding(r)) {
        call_free(c);
        return r;
    }
    c->deadline_at_ms = loop_now_ms(link->env->loop) + call->deadline_ms;
    timer_init(link->env->loop, &c->timer);
    list_add_tail(&link->calls, &c->node);
    link->call_count++;
    official_link_enter(link);
    if (r < 0)
        call_finish(c, OUTCOME_PERMANENT, c->ask.fault[0] ? c->ask.fault : err_text(r));
    else
        call_enter(c, CALL_TOKEN);
    return 0;
}

void official_call_cancel_all(struct official_link *link)
{
    struct list *next;

    for (struct list *n = link->calls.next; n != &link->calls; n = next) {
        struct official_call *c = container_of(n, struct official_call, node);

        next = n->next;
        if (c->state == CALL_SENDING)
            http_cancel(link->env->http, &c->xfer); /* -> on_answer() */
        else if (c->state != CALL_CLOSING)
            call_finish(c, OUTCOME_NOT_SENT, "the connection stops");
    }
}
