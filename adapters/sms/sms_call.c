/* SPDX-License-Identifier: Apache-2.0 */
/* sms_call.c - one attempt.
 *
 *             .-- next page of a query --.
 *             v                          |
 *   NEW --> SENDING --answer: judged ----+--> CLOSING --timer closed--> done()
 *    '-- the message can never be sent ------'
 *
 * Each request is signed for itself: date, nonce. None is ever repeated, for Aliyun knows no idempotency key.
 * Its API gateway refuses with 4xx what its business side refuses with 200; both say why in the same words.
 * What answers with 5xx may have done anything before.
 */
#include "adapters/sms/sms_call.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "adapters/sms/sms_acs3.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/shanghai.h"
#include "loop/http_client.h"
#include "loop/loop.h"
#include "rulepack/rulepack.h"

#define FORM "application/x-www-form-urlencoded"

enum {
    UTC_TO_SHANGHAI_MS = 8 * 3600 * 1000,
    QUERY_BYTES = 6 * 1024, /* in a request line that every proxy takes; longer ones go as a form */
    HEADERS_MAX = 8,
};

enum call_state { CALL_NEW, CALL_SENDING, CALL_CLOSING };

struct sms_call {
    struct list node; /* in link->calls */
    struct sms_link *link;
    struct attempt_id id;
    enum call_state state;
    int64_t deadline_at_ms; /* on the loop's clock */
    struct sms_ask ask;
    struct buf url, authorization;
    char date[48], nonce[33];
    struct sms_signature signature;
    struct http_header headers[HEADERS_MAX];
    struct http_xfer xfer; /* with the client only in SENDING */
    struct timer timer;
    struct facts facts;
    char error[192];
};

static void call_enter(struct sms_call *c, enum call_state next);

static void call_free(struct sms_call *c)
{
    http_xfer_fini(&c->xfer);
    sms_ask_fini(&c->ask);
    buf_fini(&c->url);
    buf_fini(&c->authorization);
    mem_free(c);
}

static void on_closed(struct timer *timer)
{
    struct sms_call *c = container_of(timer, struct sms_call, timer);
    struct sms_link *link = c->link;
    const struct adapter_host *host = link->env->host;

    list_del(&c->node);
    link->call_count--;
    host->done(host->ctx, c->id, &c->facts); /* it may call perform() or stop() */
    call_free(c);
    sms_link_leave(link); /* last: it may free the adapter */
}

static void call_finish(struct sms_call *c, enum outcome outcome, const char *why)
{
    c->facts.outcome = outcome;
    c->facts.items = c->ask.items.rows;
    c->facts.item_count = c->ask.items.count;
    (void)snprintf(c->error, sizeof(c->error), "%s", why);
    c->facts.error = str_of(c->error);
    call_enter(c, CALL_CLOSING);
}

static int64_t left_ms(const struct sms_call *c)
{
    return c->deadline_at_ms - loop_now_ms(c->link->env->loop);
}

/* "2025-01-01T00:00:00Z" */
static void write_date(struct sms_call *c)
{
    struct civil t = shanghai_civil(clock_wall_ms(c->link->env->clock) - UTC_TO_SHANGHAI_MS);

    (void)snprintf(c->date, sizeof(c->date), "%04d-%02d-%02dT%02d:%02d:%02dZ", t.year, t.month, t.day, t.hour,
                   t.minute, t.second);
}

/* What is signed is what is sent: these headers, and none but them. */
static size_t list_headers(struct sms_call *c, const struct sms_acs3 *r)
{
    size_t n = 0;

    if (r->content_type)
        c->headers[n++] = (struct http_header){"Content-Type", r->content_type};
    c->headers[n++] = (struct http_header){"Host", r->host};
    c->headers[n++] = (struct http_header){"x-acs-action", r->action};
    c->headers[n++] = (struct http_header){"x-acs-version", r->version};
    c->headers[n++] = (struct http_header){"x-acs-date", r->date};
    c->headers[n++] = (struct http_header){"x-acs-signature-nonce", r->nonce};
    c->headers[n++] = (struct http_header){"x-acs-content-sha256", c->signature.body_digest};
    c->headers[n++] = (struct http_header){"Authorization", buf_cstr(&c->authorization)};
    return n;
}

static int sign_request(struct sms_call *c, const struct sms_acs3 *r)
{
    int err = sms_acs3_sign(r, c->link->secret, &c->signature);

    buf_reset(&c->authorization);
    return err < 0 ? err : sms_acs3_authorization(r, c->link->key_id, &c->signature, &c->authorization);
}

static int write_url(struct sms_call *c, struct str query)
{
    buf_reset(&c->url);
    (void)buf_add_str(&c->url, c->link->url);
    if (query.n) {
        (void)buf_addc(&c->url, '?');
        (void)buf_add_str(&c->url, query);
    }
    return buf_error(&c->url);
}

static void on_answer(struct http_xfer *x, enum http_end end);

static int call_send(struct sms_call *c)
{
    struct str params = buf_str(&c->ask.params);
    bool form = params.n > QUERY_BYTES;
    struct sms_acs3 r = {.method = "POST",
                         .uri = c->link->uri.p,
                         .host = c->link->host.p,
                         .action = c->ask.action,
                         .version = SMS_API_VERSION,
                         .content_type = form ? FORM : NULL,
                         .date = c->date,
                         .nonce = c->nonce,
                         .query = form ? (struct str){0} : params,
                         .body = form ? params : (struct str){0}};
    int err;

    write_date(c);
    crypto_random_id(c->nonce);
    err = sign_request(c, &r);
    if (err == 0)
        err = write_url(c, r.query);
    if (err < 0)
        return err;
    http_xfer_fini(&c->xfer);
    c->xfer.method = r.method;
    c->xfer.url = buf_cstr(&c->url);
    c->xfer.header_count = list_headers(c, &r);
    c->xfer.headers = c->headers;
    c->xfer.body = r.body;
    c->xfer.deadline_ms = left_ms(c);
    c->xfer.max_bytes = SMS_ANSWER_BYTES;
    c->xfer.send_once = true;
    c->xfer.done = on_answer;
    return c->xfer.deadline_ms > 0 ? http_start(c->link->env->http, &c->xfer) : ERR_TIMEOUT;
}

/* The only place where a call changes state. */
static void call_enter(struct sms_call *c, enum call_state next)
{
    int r;

    assert(c->state != CALL_CLOSING);
    c->state = next;
    switch (next) {
    case CALL_NEW: break;
    case CALL_SENDING:
        r = call_send(c);
        if (r < 0) /* the request never left this machine */
            call_finish(c, OUTCOME_NOT_SENT, err_text(r));
        break;
    case CALL_CLOSING: timer_close(&c->timer, on_closed); break;
    }
}

/* From now, on the judging clock; 0: the rule has no time. */
static int64_t retry_ms(const struct sms_call *c, const struct code_rule *rule)
{
    int64_t now_ms = clock_wall_ms(c->link->env->clock);

    if (rule->retry_ms == -1)
        return shanghai_day_start_ms(shanghai_day_index(now_ms) + 1) - now_ms;
    if (rule->retry_ms == -2)
        return shanghai_month_start_ms(shanghai_month_index(now_ms) + 1) - now_ms;
    return rule->retry_ms;
}

/* Aliyun refuses a call as a whole, so what it says of one number is not true of all the others. Nothing was
 * sent: each of them may be tried in other company. */
static enum outcome verdict_of(const struct sms_call *c, const struct code_rule *rule)
{
    bool about_a_person = rule->unreachable || rule->refused;

    return about_a_person && c->ask.number_count > 1 ? OUTCOME_NOT_SENT : rule->outcome;
}

static void judge_refusal(struct sms_call *c, const struct sms_answer *a)
{
    const struct code_rule *rule = rulepack_word(c->link->env->rules, "aliyun", str_of(a->word));

    if (rule->stop)
        sms_link_alert(c->link, a->word, str_of(a->message));
    c->facts.freeze = rule->freeze;
    c->facts.retry_ms = retry_ms(c, rule);
    call_finish(c, verdict_of(c, rule), a->word);
}

static void judge_success(struct sms_call *c, const struct sms_answer *a)
{
    int r = sms_ask_take(&c->ask, a->json);

    if (r == SMS_MORE) {
        call_enter(c, CALL_SENDING);
    } else if (r == SMS_DONE) {
        c->facts.provider_id = c->ask.provider_id;
        c->facts.data = c->ask.data;
        call_finish(c, c->ask.outcome, "");
    } else {
        call_finish(c, OUTCOME_UNKNOWN, "the answer lacks what it should hold");
    }
}

static void judge_answer(struct sms_call *c)
{
    struct sms_answer a;
    int status = c->xfer.status;
    bool spoken = status == 200 || (status >= 400 && status < 500);
    int r = spoken ? sms_answer_read(buf_str(&c->xfer.answer), &a) : ERR_SYNTAX;
    bool good;

    if (r < 0) {
        call_finish(c, OUTCOME_UNKNOWN, "the answer is not one of Aliyun's");
        return;
    }
    good = str_is(str_of(a.word), "OK");
    if (good && status != 200)
        call_finish(c, OUTCOME_UNKNOWN, "the answer contradicts itself");
    else if (good)
        judge_success(c, &a);
    else
        judge_refusal(c, &a);
    sms_answer_fini(&a);
}

static void on_answer(struct http_xfer *x, enum http_end end)
{
    struct sms_call *c = container_of(x, struct sms_call, xfer);

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

int sms_call_start(struct sms_link *link, struct attempt_id id, const struct call *call,
                   const struct recipient *to, size_t n)
{
    struct sms_call *c;
    int r;

    if (link->stopping)
        return ERR_CLOSED;
    if (link->call_count >= SMS_CALLS_MAX)
        return ERR_FULL;
    c = mem_calloc(1, sizeof(*c));
    if (!c)
        return -ENOMEM;
    c->link = link;
    c->id = id;
    buf_init(&c->url, SMS_PARAMS_BYTES);
    buf_init(&c->authorization, 4096);
    sms_ask_init(&c->ask, &link->sender);
    r = sms_ask_begin(&c->ask, call, to, n);
    if (r < 0 && r != ERR_INVALID) {
        call_free(c);
        return r;
    }
    c->deadline_at_ms = loop_now_ms(link->env->loop) + call->deadline_ms;
    timer_init(link->env->loop, &c->timer);
    list_add_tail(&link->calls, &c->node);
    link->call_count++;
    sms_link_enter(link);
    if (r < 0)
        call_finish(c, OUTCOME_PERMANENT, c->ask.fault);
    else
        call_enter(c, CALL_SENDING);
    return 0;
}

void sms_call_cancel_all(struct sms_link *link)
{
    struct list *next;

    for (struct list *n = link->calls.next; n != &link->calls; n = next) {
        struct sms_call *c = container_of(n, struct sms_call, node);

        next = n->next;
        if (c->state == CALL_SENDING)
            http_cancel(link->env->http, &c->xfer); /* -> on_answer() */
    }
}
