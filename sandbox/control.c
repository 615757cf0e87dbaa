/* SPDX-License-Identifier: Apache-2.0 */
/* Each route reads one JSON object, does one thing and answers at once. */
#include "sandbox/control.h"

#include "base/json.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "sandbox/event.h"
#include "sandbox/must.h"
#include "sandbox/seed.h"
#include "sandbox/token.h"

#include <inttypes.h>
#include <string.h>

enum { BODY_BYTES = 4 * 1024 * 1024, LEDGER_BYTES = 16 * 1024 * 1024, LEDGER_LINES = 10000 };

static bool is_local(const struct http_request *r)
{
    return str_starts(r->peer, STR("127.")) || str_is(r->peer, "::1") ||
           str_starts(r->peer, STR("::ffff:127."));
}

/* Takes `body`. */
static void answer(struct sb_control *c, const struct http_request *r, json_t *body)
{
    char *text = sb_must_have(json_dumps(body, JSON_COMPACT));

    http_reply(c->door, r->id,
               &(struct http_reply){.status = 200, .content_type = "application/json", .body = str_of(text)});
    mem_free(text);
    json_decref(body);
}

static void refuse(struct sb_control *c, const struct http_request *r, int err, const struct diag *diag)
{
    const char *text = diag_count(diag) > 0 ? diag_text(diag, 0) : err_text(err);

    http_reply_error(c->door, r->id, err == ERR_NOT_FOUND ? 404 : 400, err_name(err), text);
}

typedef int (*action)(struct sb_control *c, const struct http_request *r, json_t *spec, json_t **ret,
                      struct diag *diag);

static void run(struct sb_control *c, const struct http_request *r, action act)
{
    struct diag diag;
    json_t *spec = NULL, *ret = NULL;
    struct json_fault fault;
    int err = 0;

    diag_init(&diag, 20);
    if (!is_local(r)) {
        diag_addf(&diag, NULL, 0, "the control interface is for this machine only");
        err = ERR_AUTH;
    } else if (r->body.n > 0 && json_parse(r->body, JSON_DEPTH, &spec, &fault) < 0) {
        diag_addf(&diag, NULL, 0, "line %d: %s", fault.line, fault.text);
        err = ERR_SYNTAX;
    } else {
        if (spec == NULL)
            spec = sb_must_have(json_object());
        err = act(c, r, spec, &ret, &diag);
    }
    if (err == 0)
        answer(c, r, ret != NULL ? ret : sb_json("{s:b}", "ok", 1));
    else
        refuse(c, r, err, &diag);
    json_decref(spec);
    diag_fini(&diag);
    c->changed(c->ctx);
}

/* actions */

static int act_event(struct sb_control *c, const struct http_request *r, json_t *spec, json_t **ret,
                     struct diag *diag)
{
    (void)r;
    return sb_event(c->model, spec, clock_wall_ms(c->clock), ret, diag);
}

static int act_say(struct sb_control *c, const struct http_request *r, json_t *spec, json_t **ret,
                   struct diag *diag)
{
    (void)r;
    return sb_event_say(c->model, json_str(spec, "customer", ""), json_str(spec, "text", ""),
                        json_str(spec, "on", NULL), clock_wall_ms(c->clock), ret, diag);
}

static int act_fault(struct sb_control *c, const struct http_request *r, json_t *spec, json_t **ret,
                     struct diag *diag)
{
    (void)r;
    (void)ret;
    return sb_fault_add(&c->faces->faults, spec, diag);
}

static int seed(struct sb_control *c, json_t *all, struct diag *diag)
{
    struct json_ctx ctx;

    json_ctx_init(&ctx, diag, NULL, NULL);
    return sb_seed_apply(c->model, all, clock_wall_ms(c->clock), &ctx);
}

static int act_seed(struct sb_control *c, const struct http_request *r, json_t *spec, json_t **ret,
                    struct diag *diag)
{
    (void)r;
    (void)ret;
    return seed(c, spec, diag);
}

/* One entry of a seed's list. */
static int seed_one(struct sb_control *c, const char *list, json_t *spec, struct diag *diag)
{
    json_t *all = sb_json("{s:[O]}", list, spec);
    int r = seed(c, all, diag);

    json_decref(all);
    return r;
}

static int act_member(struct sb_control *c, const struct http_request *r, json_t *spec, json_t **ret,
                      struct diag *diag)
{
    struct buf userid;
    int err;

    (void)ret;
    buf_init(&userid, 256);
    err = str_percent_decode(r->rest, false, &userid);
    if (err == 0 && !str_utf8_valid(buf_str(&userid)))
        err = ERR_SYNTAX;
    if (err == 0) {
        sb_json_set(spec, "userid", sb_json("s", buf_cstr(&userid)));
        err = seed_one(c, "members", spec, diag);
    }
    buf_fini(&userid);
    return err;
}

static int act_tag(struct sb_control *c, const struct http_request *r, json_t *spec, json_t **ret,
                   struct diag *diag)
{
    (void)r;
    (void)ret;
    return seed_one(c, "tags", spec, diag);
}

/* {connection?}: its tokens end now; without a name all do. */
static int act_token(struct sb_control *c, const struct http_request *r, json_t *spec, json_t **ret,
                     struct diag *diag)
{
    const char *name = json_str(spec, "connection", NULL);
    const struct sb_connection *conn = name != NULL ? sb_model_connection(c->model, name) : NULL;

    (void)r;
    (void)ret;
    if (name != NULL && conn == NULL) {
        diag_addf(diag, NULL, 0, "connection: no connection \"%s\"", name);
        return ERR_NOT_FOUND;
    }
    sb_token_end(c->model, conn, SB_TOKENS_ALL, clock_wall_ms(c->clock));
    return 0;
}

static int act_status(struct sb_control *c, const struct http_request *r, json_t *spec, json_t **ret,
                      struct diag *diag)
{
    struct sb_pusher_load load = sb_pusher_load(c->pusher);

    (void)r;
    (void)spec;
    (void)diag;
    *ret = sb_json("{s:I, s:I, s:{s:I, s:I, s:I}}", "now_ms", (json_int_t)clock_wall_ms(c->clock),
                   "ledger_seq", (json_int_t)c->ledger->seq, "pushes", "waiting", (json_int_t)load.waiting,
                   "sending", (json_int_t)load.sending, "resting", (json_int_t)load.resting);
    return 0;
}

/* routes */

static void on_event(void *ctx, const struct http_request *r)
{
    run(ctx, r, act_event);
}

static void on_say(void *ctx, const struct http_request *r)
{
    run(ctx, r, act_say);
}

static void on_fault(void *ctx, const struct http_request *r)
{
    run(ctx, r, act_fault);
}

static void on_seed(void *ctx, const struct http_request *r)
{
    run(ctx, r, act_seed);
}

static void on_member(void *ctx, const struct http_request *r)
{
    run(ctx, r, act_member);
}

static void on_tag(void *ctx, const struct http_request *r)
{
    run(ctx, r, act_tag);
}

static void on_token(void *ctx, const struct http_request *r)
{
    run(ctx, r, act_token);
}

static void on_status(void *ctx, const struct http_request *r)
{
    run(ctx, r, act_status);
}

static int64_t query_int(struct str query, const char *name, int64_t def)
{
    struct buf text;
    int64_t value;

    buf_init(&text, 64);
    if (str_query_get(query, name, &text) < 0 || str_to_i64(buf_str(&text), &value) < 0)
        value = def;
    buf_fini(&text);
    return value;
}

/* JSON lines; a reader asks again behind the last one it got until there are none. */
static void on_ledger(void *ctx, const struct http_request *r)
{
    struct sb_control *c = ctx;
    struct buf lines;

    if (!is_local(r)) {
        http_reply_error(c->door, r->id, 403, "forbidden", "the control interface is for this machine only");
        return;
    }
    buf_init(&lines, LEDGER_BYTES);
    sb_ledger_read(c->ledger, query_int(r->query, "after", 0), query_int(r->query, "limit", LEDGER_LINES),
                   &lines);
    http_reply(
        c->door, r->id,
        &(struct http_reply){.status = 200, .content_type = "application/x-ndjson", .body = buf_str(&lines)});
    buf_fini(&lines);
}

int sb_control_open(struct sb_control *c)
{
    static const struct {
        unsigned verbs;
        const char *path;
        front_door_handler run;
    } routes[] = {
        {VERB_POST, "/_sandbox/events", on_event},    {VERB_POST, "/_sandbox/say", on_say},
        {VERB_POST, "/_sandbox/faults", on_fault},    {VERB_POST, "/_sandbox/seed", on_seed},
        {VERB_POST, "/_sandbox/members/", on_member}, {VERB_POST, "/_sandbox/tags", on_tag},
        {VERB_POST, "/_sandbox/tokens", on_token},    {VERB_GET, "/_sandbox/status", on_status},
        {VERB_GET, "/_sandbox/ledger", on_ledger},
    };
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(routes); i++)
        r = front_door_route(c->door, routes[i].verbs, routes[i].path, BODY_BYTES, routes[i].run, c);
    return r;
}
