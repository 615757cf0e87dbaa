/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api_private.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"

#define ENGINE_PATIENCE_MS 1000

static void reply_json(struct api *a, struct request_id id, int status, struct str body)
{
    http_reply(a->door, id,
               &(struct http_reply){.status = status, .content_type = "application/json", .body = body});
}

static void on_healthz(void *ctx, const struct http_request *r)
{
    reply_json(ctx, r->id, 200, STR("{\"status\":\"alive\"}\n"));
}

static void on_readyz(void *ctx, const struct http_request *r)
{
    struct api *a = ctx;

    if (a->ready)
        reply_json(a, r->id, 200, STR("{\"status\":\"ready\"}\n"));
    else
        http_reply_error(a->door, r->id, 503, "not_ready",
                         a->stopping ? "the gateway is stopping" : "the gateway is starting");
}

static void on_openapi(void *ctx, const struct http_request *r)
{
    reply_json(ctx, r->id, 200, (struct str){(const char *)openapi_json, openapi_json_bytes});
}

/* From this machine, or with a token. */
static bool may_look(struct api *a, const struct http_request *r)
{
    if (str_starts(r->peer, STR("127.")) || str_is(r->peer, "::1") || auth_allows(a->auth, r, ROLE_VIEWER))
        return true;
    http_reply_error(a->door, r->id, 401, "unauthorised",
                     "from another machine this needs a token: Authorization: Bearer ...");
    return false;
}

static void reply_metrics(struct api *a, struct request_id id, const json_t *counts)
{
    struct buf page;

    buf_init(&page, 1 << 20);
    if (metrics_write(a, counts, &page) != 0)
        http_reply_error(a->door, id, 503, "busy", "no memory for the page");
    else
        http_reply(a->door, id,
                   &(struct http_reply){.status = 200,
                                        .body = buf_str(&page),
                                        .content_type = "text/plain; version=0.0.4; charset=utf-8"});
    buf_fini(&page);
}

static void on_counts(void *ctx, int64_t tag, int err, struct str text)
{
    struct api *a = ctx;
    json_t *counts = NULL;

    a->counts_open--;
    a->counts_since_ms = loop_now_ms(a->conf.loop);
    if (!err && json_parse(text, JSON_DEPTH, &counts, NULL) != 0)
        counts = NULL;
    reply_metrics(a, (struct request_id){(uint64_t)tag}, counts);
    json_decref(counts);
}

static void on_metrics(void *ctx, const struct http_request *r)
{
    struct api *a = ctx;

    if (!may_look(a, r))
        return;
    /* An engine that has owed an answer for a second is not asked again: its trouble is to be seen, not
     * shared. */
    bool stuck = a->counts_open && loop_now_ms(a->conf.loop) - a->counts_since_ms > ENGINE_PATIENCE_MS;
    if (stuck || host_ask(a->host, STR("{\"ask\":\"counts\"}"), on_counts, a, (int64_t)r->id.value) != 0)
        reply_metrics(a, r->id, NULL);
    else if (a->counts_open++ == 0)
        a->counts_since_ms = loop_now_ms(a->conf.loop);
}

static void on_page(void *ctx, const struct http_request *r)
{
    struct api *a = ctx;
    struct host_stats s = host_stats(a->host);
    char now[SHANGHAI_TEXT_BYTES];
    struct buf page;

    if (!may_look(a, r))
        return;
    shanghai_format(clock_wall_ms(a->conf.clock), now);
    buf_init(&page, 65536);
    (void)buf_addf(&page,
                   "<!doctype html><html lang=\"zh-CN\"><meta charset=\"utf-8\"><title>Siyu 私域</title>"
                   "<h1>Siyu 私域网关</h1><p>%s · %s (Asia/Shanghai)</p>"
                   "<table><tr><td>收到事件 events acknowledged</td><td>%llu</td></tr>"
                   "<tr><td>发送调用 provider calls</td><td>%llu</td></tr>"
                   "<tr><td>在途 in flight</td><td>%zu</td></tr></table>"
                   "<p><a href=\"/metrics\">/metrics</a> · <a href=\"/readyz\">/readyz</a></p>"
                   "<p>命令行 command line: <code>siyu why</code>, <code>siyu verify</code></p></html>\n",
                   a->ready ? "运行中 ready" : "未就绪 not ready", now, (unsigned long long)s.acknowledged,
                   (unsigned long long)s.attempts, s.attempts_open);
    http_reply(a->door, r->id,
               &(struct http_reply){
                   .status = 200, .content_type = "text/html; charset=utf-8", .body = buf_str(&page)});
    buf_fini(&page);
}

/* ---- questions to the engine ---- */

static void on_engine_status(void *ctx, int64_t tag, int err, struct str text)
{
    struct api *a = ctx;
    struct request_id id = {(uint64_t)tag};

    if (err)
        http_reply_error(a->door, id, 503, "busy", err_text(err));
    else
        reply_json(a, id, 200, text);
}

static void on_status(void *ctx, const struct http_request *r)
{
    struct api *a = ctx;

    if (!auth_allows(a->auth, r, ROLE_VIEWER)) {
        http_reply_error(
            a->door, r->id, 401, "unauthorised",
            "send a token: Authorization: Bearer ...; `siyu token create --role viewer` makes one");
        return;
    }
    int err = host_ask(a->host, STR("{\"ask\":\"status\"}"), on_engine_status, a, (int64_t)r->id.value);
    if (err)
        http_reply_error(a->door, r->id, 503, "busy", err_text(err));
}

/* ---- the live feed ---- */

static void on_live_request(void *ctx, const struct http_request *r)
{
    struct api *a = ctx;

    if (!auth_allows(a->auth, r, ROLE_VIEWER))
        http_reply_error(a->door, r->id, 401, "unauthorised",
                         "send a token: Authorization: Bearer ..., or ?token=... from a browser");
    else if (!r->upgrade)
        http_reply_error(a->door, r->id, 426, "upgrade_required", "this is a WebSocket");
    else if (a->live_count == API_LIVE_MAX)
        http_reply_error(a->door, r->id, 503, "busy", "too many listeners");
    else if (front_door_upgrade(a->door, r->id, 0) != 0)
        http_reply_error(a->door, r->id, 400, "bad_request", "not a WebSocket handshake");
}

static void on_live_open(void *ctx, struct ws_id id, uint64_t tag)
{
    struct api *a = ctx;

    (void)tag;
    if (a->live_count < API_LIVE_MAX)
        a->live[a->live_count++] = id;
    else
        (void)ws_close(a->conf.ws, id);
    host_listeners(a->host, (int)a->live_count);
}

static void on_live_text(void *ctx, struct ws_id id, struct str text)
{
    (void)ctx, (void)id, (void)text; /* the feed only speaks */
}

static void on_live_close(void *ctx, struct ws_id id, uint64_t tag, int err)
{
    struct api *a = ctx;

    (void)tag, (void)err;
    for (size_t i = 0; i < a->live_count; i++)
        if (a->live[i].value == id.value)
            a->live[i] = a->live[--a->live_count];
    host_listeners(a->host, (int)a->live_count);
}

void api_live(struct api *a, struct str line)
{
    for (size_t i = 0; i < a->live_count; i++)
        if (ws_send_text(a->conf.ws, a->live[i], line) != 0)
            a->live_dropped++; /* too slow: its on_live_close() follows */
}

/* ---- life ---- */

static const struct api_route routes[] = {
    {"/healthz", on_healthz},      {"/readyz", on_readyz},
    {"/metrics", on_metrics},      {"/", on_page},
    {"/api/v1/status", on_status}, {"/api/v1/live", on_live_request},
    {"/openapi.json", on_openapi},
};

const struct api_route *api_routes(size_t *ret_n)
{
    *ret_n = ARRAY_LEN(routes);
    return routes;
}

static int add_routes(struct api *a)
{
    int err = 0;

    for (size_t i = 0; i < ARRAY_LEN(routes) && !err; i++)
        err = front_door_route(a->door, VERB_GET, routes[i].path, 0, routes[i].handler, a);
    return err;
}

int api_new(const struct api_conf *conf, struct front_door **ret_door, struct api **ret)
{
    struct api *a = mem_calloc(1, sizeof *a);
    int err = a ? 0 : -ENOMEM;

    if (err)
        return err;
    a->conf = *conf;
    a->started_ms = loop_now_ms(conf->loop);
    err = auth_new(conf->clock, &a->auth);
    if (!err)
        err = ws_server_new(
            conf->ws,
            &(struct ws_events){
                .ctx = a, .on_open = on_live_open, .on_text = on_live_text, .on_close = on_live_close},
            &a->live_server);
    if (!err)
        err = front_door_new(conf->loop, &(struct front_door_conf){.ws = a->live_server}, &a->door);
    if (!err)
        err = add_routes(a);
    if (err) {
        front_door_free(a->door);
        auth_free(a->auth);
        mem_free(a);
        return err;
    }
    *ret_door = a->door;
    *ret = a;
    return 0;
}

int api_start(struct api *a, struct host *host, const struct plan_world *world)
{
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/siyu.sock", a->conf.data);

    a->host = host;
    a->world = world;
    if (n < 0 || (size_t)n >= sizeof path)
        return -ENAMETOOLONG;
    return control_open(a->conf.loop, path, command_take, a, &a->control);
}

void api_ready(struct api *a, bool ready)
{
    a->ready = ready;
    a->stopping = !ready;
}

void api_stop(struct api *a)
{
    control_close(a->control);
    a->control = NULL;
}

void api_free(struct api *a)
{
    if (!a)
        return;
    auth_free(a->auth);
    mem_free(a);
}

int api_add_token(struct api *a, const unsigned char hash[32], struct str role, int64_t expires_ms)
{
    struct auth_token token = {.expires_ms = expires_ms};
    int err = auth_role_of(role, &token.role);

    memcpy(token.hash, hash, sizeof token.hash);
    return err ? err : auth_add(a->auth, &token);
}
