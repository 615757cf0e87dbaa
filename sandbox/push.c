/* SPDX-License-Identifier: Apache-2.0 */
/* WAITING --place free--> SENDING --answer--> done
 *    ^                        | to be repeated
 *    +------- RESTING <-------+   (one timer for all: the earliest)
 */
#include "sandbox/push.h"

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "sandbox/envelope.h"
#include "sandbox/must.h"
#include "sandbox/passive.h"

#include <inttypes.h>
#include <string.h>

struct parcel { /* a push on its way; the envelope lives as long as the transfer */
    struct list node;
    struct sb_pusher *owner;
    struct sb_push *push;
    struct sb_envelope envelope;
    struct http_header header;
    struct http_xfer xfer;
    int64_t started_ms; /* real */
};

struct sb_pusher {
    struct sb_pusher_conf conf;
    struct list waiting, sending, resting;
    struct sb_pusher_load load;
    struct loop_deferred kick, stopped;
    struct timer alarm;
    bool stopping;
    void (*on_stopped)(void *ctx);
    void *stopped_ctx;
};

/* judging */

static struct sb_push_verdict judge_sms(const struct sb_push *p, enum http_end end, int status,
                                        struct str body)
{
    static const int64_t again_ms[] = {SB_MINUTE, 5 * SB_MINUTE, 10 * SB_MINUTE};
    struct sb_push_verdict v = {.again_ms = -1};
    json_t *o = NULL;

    if (end == HTTP_DONE && status == 200 && json_parse(body, JSON_DEPTH, &o, NULL) == 0)
        v.acknowledged = json_is_integer(json_object_get(o, "code")) && json_int(o, "code", -1) == 0;
    json_decref(o);
    if (!v.acknowledged && p->attempts >= 1 && p->attempts <= (int)ARRAY_LEN(again_ms))
        v.again_ms = again_ms[p->attempts - 1];
    return v;
}

struct sb_push_verdict sb_push_judge(const struct sb_model *m, const struct sb_push *p, enum http_end end,
                                     int status, struct str body)
{
    struct sb_push_verdict v = {.again_ms = -1, .real_time = true};

    if (p->verify) {
        v.acknowledged = end == HTTP_DONE && status == 200 && str_is(body, p->inner);
        return v;
    }
    if (p->connection->kind == SB_KIND_ALIYUN)
        return judge_sms(p, end, status, body);
    v.acknowledged = end == HTTP_DONE && status >= 200 && status < 300;
    if ((end != HTTP_DONE || status >= 500) && p->attempts < sb_model_limit(m, SB_PUSH_ATTEMPTS)->amount)
        v.again_ms = sb_model_limit(m, SB_PUSH_ANSWER)->window_ms;
    return v;
}

/* the ledger */

static void write_push(struct sb_pusher *q, const struct parcel *c, enum http_end end, bool acknowledged)
{
    const struct sb_push *p = c->push;
    char digest[SB_SHA256_HEX];
    json_t *to = p->from[0] != '\0' ? sb_json("[s]", p->from) : sb_must_have(json_array());
    json_t *more =
        sb_json("{s:s, s:i, s:i, s:b, s:I}", "kind", p->kind, "attempt", p->attempts, "http", c->xfer.status,
                "acknowledged", acknowledged, "ms", (json_int_t)(loop_now_ms(q->conf.loop) - c->started_ms));

    sb_must(sb_sha256_hex(p->inner, strlen(p->inner), digest) ? 0 : -1);
    sb_ledger_add(q->conf.ledger, &(struct sb_entry){.t_ms = clock_wall_ms(q->conf.clock),
                                                     .connection = p->connection->name,
                                                     .account = p->connection->name,
                                                     .op = "push",
                                                     .to = to,
                                                     .key = p->key,
                                                     .errcode = acknowledged ? 0 : -1,
                                                     .replied = end == HTTP_DONE,
                                                     .body_sha256 = digest,
                                                     .more = more});
    json_decref(to);
    json_decref(more);
}

/* What the follower sees: a reply, or the client's "cannot serve at the moment". */
static void write_passive(struct sb_pusher *q, const struct parcel *c)
{
    const struct sb_push *p = c->push;
    json_t *reply = NULL, *to, *more;
    int64_t now_ms = clock_wall_ms(q->conf.clock);
    int r = sb_passive_read(p->connection, p->from, buf_str(&c->xfer.answer), now_ms, &reply);
    char digest[SB_SHA256_HEX];
    char *content;

    if (r == SB_P_NONE)
        return;
    to = sb_json("[s]", p->from);
    more = sb_json("{s:i, s:s, s:s}", "attempt", p->attempts, "msgtype", json_str(reply, "MsgType", ""),
                   "text", json_str(reply, "Content", ""));
    /* The content without what differs from attempt to attempt. */
    if (reply != NULL)
        (void)json_object_del(reply, "CreateTime");
    content = sb_must_have(reply != NULL ? json_dumps(reply, JSON_COMPACT | JSON_SORT_KEYS) : mem_strdup(""));
    sb_must(sb_sha256_hex(content, strlen(content), digest) ? 0 : -1);
    sb_ledger_add(q->conf.ledger, &(struct sb_entry){.t_ms = now_ms,
                                                     .connection = p->connection->name,
                                                     .account = p->connection->name,
                                                     .op = "passive",
                                                     .to = to,
                                                     .cost = 0,
                                                     .key = p->key,
                                                     .errcode = r,
                                                     .replied = true,
                                                     .body_sha256 = digest,
                                                     .more = more});
    mem_free(content);
    json_decref(to);
    json_decref(more);
    json_decref(reply);
}

/* moving */

static void parcel_free(struct parcel *c)
{
    list_del(&c->node);
    http_xfer_fini(&c->xfer);
    sb_envelope_fini(&c->envelope);
    sb_push_free(c->push);
    mem_free(c);
}

static void check_stopped(struct sb_pusher *q)
{
    if (q->stopping && list_empty(&q->sending))
        loop_defer(q->conf.loop, &q->stopped);
}

static int64_t real_ms(const struct sb_pusher *q, int64_t platform_ms)
{
    return q->conf.clock->kind == CLOCK_KIND_SCALED ? platform_ms / q->conf.clock->speed : platform_ms;
}

static void on_alarm(struct timer *t);

/* Wakes for the earliest that rests. */
static void set_alarm(struct sb_pusher *q)
{
    int64_t now_ms = loop_now_ms(q->conf.loop), least = INT64_MAX;

    for (struct list *n = q->resting.next; n != &q->resting; n = n->next) {
        int64_t due_ms = container_of(n, struct parcel, node)->push->due_ms;

        least = due_ms < least ? due_ms : least;
    }
    if (least == INT64_MAX)
        timer_stop(&q->alarm);
    else
        timer_start(&q->alarm, least > now_ms ? least - now_ms : 0, on_alarm);
}

static void on_alarm(struct timer *t)
{
    struct sb_pusher *q = container_of(t, struct sb_pusher, alarm);
    int64_t now_ms = loop_now_ms(q->conf.loop);

    for (struct list *n = q->resting.next, *next = n->next; n != &q->resting; n = next, next = n->next) {
        struct parcel *c = container_of(n, struct parcel, node);

        if (c->push->due_ms > now_ms)
            continue;
        list_del(&c->node);
        list_add_tail(&q->waiting, &c->node);
        q->load.resting--;
        q->load.waiting++;
    }
    set_alarm(q);
    loop_defer(q->conf.loop, &q->kick);
}

static void rest(struct sb_pusher *q, struct parcel *c, const struct sb_push_verdict *v)
{
    c->push->due_ms = c->started_ms + (v->real_time ? v->again_ms : real_ms(q, v->again_ms));
    list_add_tail(&q->resting, &c->node);
    q->load.resting++;
    set_alarm(q);
}

static void on_end(struct parcel *c, enum http_end end)
{
    struct sb_pusher *q = c->owner;
    struct sb_push_verdict v =
        sb_push_judge(q->conf.model, c->push, end, c->xfer.status, buf_str(&c->xfer.answer));

    write_push(q, c, end, v.acknowledged);
    if (v.acknowledged && !c->push->verify && c->push->connection->kind == SB_KIND_OFFICIAL)
        write_passive(q, c);
    http_xfer_fini(&c->xfer);
    sb_envelope_fini(&c->envelope);
    list_del(&c->node);
    q->load.sending--;
    if (v.again_ms >= 0 && !q->stopping)
        rest(q, c, &v);
    else
        parcel_free(c);
    loop_defer(q->conf.loop, &q->kick);
    check_stopped(q);
}

static void on_done(struct http_xfer *x, enum http_end end)
{
    on_end(container_of(x, struct parcel, xfer), end);
}

static void send(struct sb_pusher *q, struct parcel *c)
{
    enum sb_limit_id answer_in = c->push->verify ? SB_PUSH_VERIFY : SB_PUSH_ANSWER;

    c->push->attempts++;
    c->started_ms = loop_now_ms(q->conf.loop);
    sb_envelope_make(q->conf.model, c->push, q->conf.gateway, clock_wall_ms(q->conf.clock), &c->envelope);
    c->header = (struct http_header){"Content-Type", c->envelope.content_type};
    c->xfer = (struct http_xfer){.method = c->envelope.body != NULL ? "POST" : "GET",
                                 .url = c->envelope.url,
                                 .headers = &c->header,
                                 .header_count = 1,
                                 .body = str_of(c->envelope.body),
                                 .deadline_ms = sb_model_limit(q->conf.model, answer_in)->window_ms,
                                 .send_once = true,
                                 .done = on_done};
    list_add_tail(&q->sending, &c->node);
    q->load.sending++;
    if (http_start(q->conf.http, &c->xfer) < 0) {
        log_warn("sandbox", "a push could not be started: connection=%s", c->push->connection->name);
        on_end(c, HTTP_NOT_SENT);
    }
}

static void on_kick(struct loop_deferred *d)
{
    struct sb_pusher *q = container_of(d, struct sb_pusher, kick);

    while (!q->stopping && q->load.sending < SB_PUSHES_AT_ONCE && !list_empty(&q->waiting)) {
        struct parcel *c = container_of(q->waiting.next, struct parcel, node);

        list_del(&c->node);
        q->load.waiting--;
        send(q, c);
    }
}

int sb_pusher_add(struct sb_pusher *q, struct sb_push *p)
{
    struct parcel *c;

    if (q->stopping || q->load.waiting + q->load.resting >= SB_PUSHES_MOST) {
        log_warn("sandbox", "a push is dropped: connection=%s kind=%s", p->connection->name, p->kind);
        sb_push_free(p);
        return ERR_FULL;
    }
    c = sb_new(sizeof(*c));
    list_init(&c->node);
    c->owner = q;
    c->push = p;
    list_add_tail(&q->waiting, &c->node);
    q->load.waiting++;
    loop_defer(q->conf.loop, &q->kick);
    return 0;
}

struct sb_pusher_load sb_pusher_load(const struct sb_pusher *q)
{
    return q->load;
}

/* life */

static void on_stop(struct loop_deferred *d)
{
    struct sb_pusher *q = container_of(d, struct sb_pusher, stopped);

    q->on_stopped(q->stopped_ctx);
}

struct sb_pusher *sb_pusher_new(const struct sb_pusher_conf *conf)
{
    struct sb_pusher *q = sb_new(sizeof(*q));

    q->conf = *conf;
    list_init(&q->waiting);
    list_init(&q->sending);
    list_init(&q->resting);
    loop_deferred_init(&q->kick, on_kick);
    loop_deferred_init(&q->stopped, on_stop);
    timer_init(conf->loop, &q->alarm);
    return q;
}

static void drop_all(struct list *list)
{
    while (!list_empty(list))
        parcel_free(container_of(list->next, struct parcel, node));
}

void sb_pusher_stop(struct sb_pusher *q, void (*on_stopped)(void *ctx), void *ctx)
{
    q->stopping = true;
    q->on_stopped = on_stopped;
    q->stopped_ctx = ctx;
    timer_stop(&q->alarm);
    drop_all(&q->waiting);
    drop_all(&q->resting);
    q->load.waiting = q->load.resting = 0;
    for (struct list *n = q->sending.next; n != &q->sending; n = n->next)
        http_cancel(q->conf.http, &container_of(n, struct parcel, node)->xfer);
    check_stopped(q);
}

static void on_alarm_closed(struct timer *t)
{
    mem_free(container_of(t, struct sb_pusher, alarm));
}

void sb_pusher_free(struct sb_pusher *q)
{
    if (q == NULL)
        return;
    loop_deferred_cancel(&q->kick);
    loop_deferred_cancel(&q->stopped);
    drop_all(&q->waiting);
    drop_all(&q->resting);
    timer_close(&q->alarm, on_alarm_closed);
}
