/* SPDX-License-Identifier: Apache-2.0 */
/* ARRIVED --no fault--------------------> done, answered
 *    |----delay: HELD --timer-----------> done, answered
 *    |----slow-reply: done, HELD --timer-> answered
 *    +----cut, drop-reply---------------> (done,) closed
 */
#include "sandbox/face.h"

#include "base/json.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "sandbox/must.h"
#include "sandbox/wire.h"

#include <stdio.h>
#include <string.h>

enum { UPLOAD_BYTES = 21 * 1024 * 1024 };

struct held { /* one request at work; lives on only when a timer holds it */
    struct list node;
    struct sb_faces *faces;
    struct request_id id;
    struct timer timer;
    json_t *keep;
    struct sb_call call;
    bool done;
};

static json_t *headers_of(const struct http_request *r)
{
    static const char *const names[] = {
        "host",       "content-type",          "authorization",        "x-acs-action",        "x-acs-version",
        "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256", "x-acs-security-token"};
    json_t *all = sb_must_have(json_object());

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct str value = http_request_field(r, names[i]);
        json_t *text = value.n > 0 ? json_stringn(value.p, value.n) : NULL;

        if (text != NULL)
            sb_json_set(all, names[i], text);
    }
    return all;
}

/* answers */

static void answer(struct held *h)
{
    char *text = sb_must_have(json_dumps(h->call.answer, JSON_COMPACT));

    http_reply(h->faces->door, h->id,
               &(struct http_reply){.status = h->call.status,
                                    .content_type = "application/json; charset=UTF-8",
                                    .body = str_of(text)});
    mem_free(text);
}

static void perform(struct held *h, bool replied)
{
    h->call.now_ms = clock_wall_ms(h->faces->clock);
    sb_model_call(h->faces->model, &h->call, replied);
    h->done = true;
    h->faces->changed(h->faces->ctx);
}

static void refuse(struct held *h, const struct sb_fault *fault)
{
    const char *code;
    int errcode = sb_fault_errcode(fault, &h->call, &code);

    h->call.now_ms = clock_wall_ms(h->faces->clock);
    sb_model_refuse(h->faces->model, &h->call, errcode, code);
    answer(h);
}

static void held_free(struct held *h)
{
    list_del(&h->node);
    sb_call_fini(&h->call);
    json_decref(h->keep);
    mem_free(h);
}

static void on_timer_closed(struct timer *t)
{
    held_free(container_of(t, struct held, timer));
}

static void on_timer(struct timer *t)
{
    struct held *h = container_of(t, struct held, timer);

    if (!h->done)
        perform(h, true);
    answer(h);
    list_del(&h->node);
    timer_close(t, on_timer_closed);
}

static void hold(struct held *h, int64_t ms)
{
    list_add_tail(&h->faces->held, &h->node);
    timer_init(h->faces->loop, &h->timer);
    timer_start(&h->timer, ms, on_timer);
}

/* True: a timer has it now. */
static bool meet_fate(struct held *h, const struct sb_fault *fault)
{
    switch (fault->fate) {
    case SB_FATE_NONE:
        perform(h, true);
        answer(h);
        return false;
    case SB_FATE_DELAY: hold(h, fault->ms); return true;
    case SB_FATE_SLOW_REPLY:
        perform(h, true);
        hold(h, fault->ms);
        return true;
    case SB_FATE_CUT: http_drop(h->faces->door, h->id); return false;
    case SB_FATE_DROP_REPLY:
        perform(h, false);
        http_drop(h->faces->door, h->id);
        return false;
    case SB_FATE_THROTTLE:
    case SB_FATE_BAN:
    case SB_FATE_ERROR: refuse(h, fault); return false;
    }
    return false;
}

static void handle(struct sb_faces *f, const struct http_request *r, enum sb_base base)
{
    static const size_t prefix[] = {[SB_BASE_WECOM] = sizeof("/wecom"),
                                    [SB_BASE_OFFICIAL] = sizeof("/official"),
                                    [SB_BASE_ALIYUN] = sizeof("/aliyun")}; /* with the slash behind */
    struct held *h = sb_new(sizeof(*h));
    struct sb_wire w = {.base = base,
                        .post = r->verb == VERB_POST,
                        .path = str_sub(r->path, prefix[base], r->path.n),
                        .query = r->query,
                        .body = r->body,
                        .headers = headers_of(r)};
    struct sb_fault fault;

    list_init(&h->node);
    h->faces = f;
    h->id = r->id;
    h->keep = sb_json("{s:o}", "headers", w.headers);
    if (!sb_wire_call(&w, h->keep, &h->call)) {
        http_reply_error(f->door, r->id, 400, "bad_query", "the query is not UTF-8");
        held_free(h);
        return;
    }
    h->call.now_ms = clock_wall_ms(f->clock);
    sb_model_identify(f->model, &h->call);
    sb_fault_take(&f->faults, &h->call, &fault);
    if (!meet_fate(h, &fault))
        held_free(h);
}

static void on_wecom(void *ctx, const struct http_request *r)
{
    handle(ctx, r, SB_BASE_WECOM);
}

static void on_official(void *ctx, const struct http_request *r)
{
    handle(ctx, r, SB_BASE_OFFICIAL);
}

static void on_aliyun(void *ctx, const struct http_request *r)
{
    handle(ctx, r, SB_BASE_ALIYUN);
}

int sb_faces_open(struct sb_faces *f)
{
    static const struct {
        const char *path;
        size_t cap;
        front_door_handler run;
    } routes[] = {
        {"/wecom/", SB_WIRE_BYTES, on_wecom},       {"/wecom/cgi-bin/media/upload", UPLOAD_BYTES, on_wecom},
        {"/official/", SB_WIRE_BYTES, on_official}, {"/aliyun/", SB_WIRE_BYTES, on_aliyun},
        {"/aliyun", SB_WIRE_BYTES, on_aliyun},
    };
    int r = 0;

    sb_faults_init(&f->faults);
    list_init(&f->held);
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(routes); i++)
        r = front_door_route(f->door, VERB_GET | VERB_POST, routes[i].path, routes[i].cap, routes[i].run, f);
    return r;
}

void sb_faces_close(struct sb_faces *f)
{
    for (struct list *n = f->held.next, *next = n->next; n != &f->held; n = next, next = n->next)
        timer_close(&container_of(n, struct held, node)->timer, on_timer_closed);
    sb_faults_fini(&f->faults);
}
