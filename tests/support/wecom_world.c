/* SPDX-License-Identifier: Apache-2.0 */
#include "support/wecom_world.h"

#include <stdio.h>

#include "base/json.h"
#include "support/asserts.h"

static void check(struct world *w)
{
    if (w->until && w->until(w))
        loop_stop(w->loop);
}

static char *copy(struct str s)
{
    char *ret = mem_strndup(s.n ? s.p : "", s.n);

    T_TRUE(ret != NULL);
    return ret;
}

static void put(char *to, size_t size, struct str s)
{
    (void)snprintf(to, size, "%.*s", STR_ARG(s));
}

static struct world_script *script_of(struct world *w, struct str path)
{
    for (size_t i = 0; i < w->script_count; i++)
        if (str_is(path, w->scripts[i].path))
            return &w->scripts[i];
    return NULL;
}

static void on_request(void *ctx, const struct http_request *r)
{
    struct world *w = ctx;
    struct world_script *s = script_of(w, r->path);
    struct http_reply reply = {.status = 404, .body = STR("no script")};

    T_TRUE(w->request_count < WORLD_MAX);
    w->requests[w->request_count++] = (struct world_request){copy(r->path), copy(r->query), copy(r->body)};
    if (s && s->count) {
        size_t at = s->at < s->count ? s->at : s->count - 1;
        const char *body = s->answers[at].body;

        reply.status = s->answers[at].status;
        s->at = at + 1;
        if (body == WORLD_HANG)
            w->hung = r->id;
        if (body == WORLD_DROP)
            http_drop(w->door, r->id);
        if (body != WORLD_DROP && body != WORLD_HANG) {
            reply.body = str_of(body);
            http_reply(w->door, r->id, &reply);
        }
    } else {
        http_reply(w->door, r->id, &reply);
    }
    check(w);
}

static void on_store(struct timer *t)
{
    struct world *w = container_of(t, struct world, store);

    while (w->stored_count < w->inbound_count) {
        struct inbound_id id = w->inbounds[w->stored_count++].id;

        w->ops->stored(w->adapter, id, NULL, w->store_err);
    }
    check(w);
}

static int host_inbound(void *ctx, struct inbound_id id, const struct event *events, size_t n,
                        const char *cursor)
{
    struct world *w = ctx;
    struct world_inbound *in;

    if (w->inbound_err < 0)
        return w->inbound_err;
    T_TRUE(w->inbound_count < WORLD_MAX);
    in = &w->inbounds[w->inbound_count++];
    in->id = id;
    in->count = n;
    in->has_cursor = cursor != NULL;
    put(in->cursor, sizeof(in->cursor), str_of(cursor));
    if (n) {
        in->kind = events[0].kind;
        put(in->contact, sizeof(in->contact), events[0].contact);
        put(in->text, sizeof(in->text), events[0].text);
    }
    if (!w->hold)
        timer_start(&w->store, 0, on_store);
    check(w);
    return 0;
}

static void host_answer(void *ctx, struct inbound_id id, int status, const char *content_type,
                        struct str body)
{
    struct world *w = ctx;

    (void)content_type;
    T_TRUE(w->answer_count < WORLD_MAX);
    w->answers[w->answer_count++] = (struct world_answer){id, status, copy(body)};
    check(w);
}

static struct inbound_id host_inbound_id(void *ctx)
{
    struct world *w = ctx;

    return (struct inbound_id){1000 + ++w->last_id};
}

static void host_done(void *ctx, struct attempt_id id, const struct facts *facts)
{
    struct world *w = ctx;
    struct world_done *d;

    T_TRUE(w->done_count < WORLD_MAX);
    d = &w->dones[w->done_count++];
    d->id = id;
    d->facts = *facts;
    put(d->error, sizeof(d->error), facts->error);
    put(d->provider_id, sizeof(d->provider_id), facts->provider_id);
    for (size_t i = 0; i < facts->item_count && i < ARRAY_LEN(d->items); i++)
        d->items[i] = facts->items[i];
    d->data = json_incref((json_t *)(uintptr_t)facts->data);
    check(w);
}

static void host_alert(void *ctx, const char *what, struct str why)
{
    struct world *w = ctx;

    w->alert_count++;
    (void)snprintf(w->alert, sizeof(w->alert), "%s: %.*s", what, STR_ARG(why));
}

static void host_nudge(void *ctx, struct str account, struct str token)
{
    struct world *w = ctx;

    w->nudge_count++;
    (void)snprintf(w->nudged, sizeof(w->nudged), "%.*s %.*s", STR_ARG(account), STR_ARG(token));
}

static void host_stopped(void *ctx)
{
    struct world *w = ctx;

    T_TRUE(!w->stopped);
    w->stopped = true;
    check(w);
}

static void open_platform(struct world *w)
{
    const struct front_door_conf conf = {.handler_ms = 60000};

    T_OK(front_door_new(w->loop, &conf, &w->door));
    T_OK(front_door_route(w->door, VERB_GET | VERB_POST, "/cgi-bin/", 4 * 1024 * 1024, on_request, w));
    T_OK(front_door_listen(w->door, "127.0.0.1:0"));
    (void)snprintf(w->base, sizeof(w->base), "http://127.0.0.1:%d", front_door_port(w->door));
}

static json_t *read_conf(const struct world *w, const char *text)
{
    struct str rest = str_of(text);
    size_t at = str_find(rest, STR("BASE"));
    struct buf AUTO(buf_fini) filled;
    json_t *ret = NULL;

    buf_init(&filled, 65536);
    T_OK(buf_add_str(&filled, str_sub(rest, 0, at)));
    if (at < rest.n) {
        T_OK(buf_adds(&filled, w->base));
        T_OK(buf_add_str(&filled, str_sub(rest, at + 4, rest.n)));
    }
    T_OK(json_parse(buf_str(&filled), JSON_DEPTH, &ret, NULL));
    return ret;
}

void world_open(struct world *w, const struct adapter_ops *ops, const char *conf)
{
    struct diag diag;
    json_t *json;

    *w = (struct world){.ops = ops};
    diag_init(&diag, 16);
    T_OK(loop_new(&w->loop));
    T_OK(http_client_new(w->loop, &(struct http_client_conf){0}, &w->http));
    T_OK(rulepack_open(&w->rules, &diag));
    clock_init_manual(&w->clock, (int64_t)WORLD_WALL_S * 1000, 1000000);
    open_platform(w);
    timer_init(w->loop, &w->patience);
    timer_init(w->loop, &w->store);
    w->host = (struct adapter_host){.ctx = w,
                                    .inbound = host_inbound,
                                    .answer = host_answer,
                                    .inbound_id = host_inbound_id,
                                    .done = host_done,
                                    .alert = host_alert,
                                    .nudge = host_nudge,
                                    .stopped = host_stopped};
    w->env = (struct adapter_env){.loop = w->loop,
                                  .http = w->http,
                                  .clock = &w->clock,
                                  .rules = w->rules,
                                  .host = &w->host,
                                  .name = "corp"};
    json = read_conf(w, conf);
    T_OK(ops->create(&w->env, json, &diag, &w->adapter));
    json_decref(json);
    diag_fini(&diag);
}

void world_say_status(struct world *w, const char *path, int status, const char *body)
{
    struct world_script *s = script_of(w, str_of(path));

    if (!s) {
        T_TRUE(w->script_count < ARRAY_LEN(w->scripts));
        s = &w->scripts[w->script_count++];
        s->path = path;
    }
    T_TRUE(s->count < ARRAY_LEN(s->answers));
    s->answers[s->count].status = status;
    s->answers[s->count++].body = body;
}

void world_say(struct world *w, const char *path, const char *body)
{
    world_say_status(w, path, 200, body);
}

void world_answer_hung(struct world *w, const char *body)
{
    const struct http_reply reply = {.status = 200, .body = str_of(body)};

    http_reply(w->door, w->hung, &reply);
}

void world_start(struct world *w, const char *cursor)
{
    w->started = true;
    T_OK(w->ops->start(w->adapter, cursor));
}

static void on_patience_over(struct timer *t)
{
    struct world *w = container_of(t, struct world, patience);

    w->timed_out = true;
    loop_stop(w->loop);
}

void world_run(struct world *w, bool (*until)(struct world *w))
{
    if (until(w))
        return;
    w->timed_out = false;
    w->until = until;
    timer_start(&w->patience, WORLD_PATIENCE_MS, on_patience_over);
    loop_run(w->loop);
    timer_stop(&w->patience);
    w->until = NULL;
    T_TRUE(!w->timed_out);
}

void world_run_ms(struct world *w, int64_t ms)
{
    timer_start(&w->patience, ms, on_patience_over);
    loop_run(w->loop);
}

static bool is_stopped(struct world *w)
{
    return w->stopped;
}

void world_stop(struct world *w)
{
    w->started = false;
    w->ops->stop(w->adapter);
    T_TRUE(!w->stopped); /* never from inside stop() */
    world_run(w, is_stopped);
}

static void on_door_stopped(void *ctx)
{
    struct world *w = ctx;

    w->door_stopped = true;
    check(w);
}

static bool is_door_stopped(struct world *w)
{
    return w->door_stopped;
}

static void forget(struct world *w)
{
    for (size_t i = 0; i < w->request_count; i++) {
        mem_free(w->requests[i].path);
        mem_free(w->requests[i].query);
        mem_free(w->requests[i].body);
    }
    for (size_t i = 0; i < w->answer_count; i++)
        mem_free(w->answers[i].body);
    for (size_t i = 0; i < w->done_count; i++)
        json_decref(w->dones[i].data);
}

void world_close(struct world *w)
{
    if (w->started)
        world_stop(w);
    w->ops->free(w->adapter);
    front_door_stop(w->door, 0, on_door_stopped, w);
    world_run(w, is_door_stopped);
    front_door_free(w->door);
    http_client_free(w->http);
    timer_close(&w->patience, NULL);
    timer_close(&w->store, NULL);
    loop_free(w->loop);
    rulepack_close(w->rules);
    forget(w);
}

size_t world_requests(const struct world *w, const char *path)
{
    size_t n = 0;

    for (size_t i = 0; i < w->request_count; i++)
        n += str_is(str_of(w->requests[i].path), path);
    return n;
}

const struct world_request *world_request(const struct world *w, const char *path, size_t i)
{
    const struct world_request *found = NULL;

    for (size_t k = 0; !found && k < w->request_count; k++)
        if (str_is(str_of(w->requests[k].path), path) && i-- == 0)
            found = &w->requests[k];
    T_TRUE(found != NULL);
    return found;
}
