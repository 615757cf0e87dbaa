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

#include <stdio.h>
#include <string.h>

enum { BODY_BYTES = 8 * 1024 * 1024, UPLOAD_BYTES = 21 * 1024 * 1024 };

struct held { /* one request at work; lives on only when a timer holds it */
    struct list node;
    struct sb_faces *faces;
    struct request_id id;
    struct timer timer;
    json_t *keep;
    struct sb_call call;
    bool done;
};

/* requests to calls */

/* "a=1&b=%20" as an object of strings; NULL: not UTF-8, or a broken escape. */
static json_t *parameters(struct str text)
{
    json_t *all = sb_must_have(json_object());
    struct str rest = text, piece, key, value;
    struct buf name, plain;
    bool good = true;

    buf_init(&name, BODY_BYTES);
    buf_init(&plain, BODY_BYTES);
    while (good && rest.n > 0 && str_next(&rest, '&', &piece)) {
        json_t *one;

        (void)str_cut(piece, '=', &key, &value);
        buf_reset(&name);
        buf_reset(&plain);
        good = str_percent_decode(key, true, &name) == 0 && str_percent_decode(value, true, &plain) == 0;
        one = good ? json_stringn(buf_cstr(&plain), plain.len) : NULL;
        good = one != NULL && str_utf8_valid(buf_str(&name)) &&
               memchr(buf_cstr(&plain), '\0', plain.len) == NULL &&
               json_object_set_new(all, buf_cstr(&name), one) == 0;
    }
    buf_fini(&name);
    buf_fini(&plain);
    if (good)
        return all;
    json_decref(all);
    return NULL;
}

/* WeChat's samples have raw control characters nowhere and duplicates never: the strict parser will do. */
static json_t *body_of(const struct sb_wire *w)
{
    json_t *body = NULL;

    if (w->body.n == 0)
        return NULL;
    if (w->base == SB_BASE_ALIYUN)
        return parameters(w->body);
    return json_parse(w->body, JSON_DEPTH, &body, NULL) == 0 ? body : NULL;
}

/* Keeps a copy of `text` alive; the copy. */
static struct str keep_text(json_t *keep, const char *name, struct str text)
{
    json_t *copy = json_stringn_nocheck(text.n > 0 ? text.p : "", text.n);

    sb_json_set(keep, name, sb_must_have(copy));
    return (struct str){json_string_value(copy), text.n};
}

bool sb_face_call(const struct sb_wire *w, json_t *keep, struct sb_call *ret)
{
    json_t *query = parameters(w->query), *body;

    if (query == NULL || !str_utf8_valid(w->path))
        return false;
    *ret = (struct sb_call){.base = w->base, .post = w->post, .query = query, .headers = w->headers};
    sb_json_set(keep, "query", query);
    ret->raw = keep_text(keep, "raw", w->body);
    ret->raw_query = keep_text(keep, "raw_query", w->query);
    ret->path = keep_text(keep, "path", w->path).p;
    body = body_of(w);
    if (body != NULL)
        sb_json_set(keep, "body", body);
    ret->body = body;
    return true;
}

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
    if (!sb_face_call(&w, h->keep, &h->call)) {
        http_reply_error(f->door, r->id, 400, "bad_query", "the query is not UTF-8");
        held_free(h);
        return;
    }
    h->call.now_ms = clock_wall_ms(f->clock);
    sb_model_identify(f->model, &h->call);
    sb_fault_take(&f->faults, &h->call, &fault);
    h->call.connection = NULL; /* found afresh when it is done */
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
        {"/wecom/", BODY_BYTES, on_wecom},       {"/wecom/cgi-bin/media/upload", UPLOAD_BYTES, on_wecom},
        {"/official/", BODY_BYTES, on_official}, {"/aliyun/", BODY_BYTES, on_aliyun},
        {"/aliyun", BODY_BYTES, on_aliyun},
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
