/* SPDX-License-Identifier: Apache-2.0 */
#include "support/sms_world.h"

#include <stdio.h>

#include "adapters/sms/sms.h"
#include "base/json.h"
#include "support/asserts.h"

static void put(char *to, size_t size, struct str s)
{
    (void)snprintf(to, size, "%.*s", STR_ARG(s));
}

static void check(struct world *w)
{
    if (w->stopped || (w->started && w->done_count >= w->wanted))
        loop_stop(w->loop);
}

static int host_inbound(void *ctx, struct inbound_id id, const struct event *events, size_t n,
                        const char *cursor)
{
    struct world *w = ctx;
    struct world_inbound *in;

    T_TRUE(cursor == NULL && n > 0);
    if (w->inbound_err < 0)
        return w->inbound_err;
    T_TRUE(w->inbound_count < WORLD_MAX);
    in = &w->inbounds[w->inbound_count++];
    *in = (struct world_inbound){.id = id, .count = n};
    for (size_t i = 0; i < n && i < WORLD_EVENTS; i++) {
        in->events[i].kind = events[i].kind;
        in->events[i].verdict = events[i].verdict;
        put(in->events[i].contact, sizeof(in->events[i].contact), events[i].contact);
        put(in->events[i].text, sizeof(in->events[i].text), events[i].text);
        put(in->events[i].handle, sizeof(in->events[i].handle), events[i].handle);
    }
    return 0;
}

static void host_answer(void *ctx, struct inbound_id id, int status, const char *content_type,
                        struct str body)
{
    struct world *w = ctx;
    struct world_reply *a;

    T_TRUE(w->answer_count < WORLD_MAX);
    a = &w->answers[w->answer_count++];
    *a = (struct world_reply){.id = id, .status = status};
    put(a->content_type, sizeof(a->content_type), str_of(content_type));
    put(a->body, sizeof(a->body), body);
}

static void host_done(void *ctx, struct attempt_id id, const struct facts *facts)
{
    struct world *w = ctx;
    struct world_done *d;

    T_TRUE(w->done_count < WORLD_MAX);
    d = &w->dones[w->done_count++];
    *d = (struct world_done){.id = id, .facts = *facts};
    put(d->error, sizeof(d->error), facts->error);
    put(d->provider_id, sizeof(d->provider_id), facts->provider_id);
    for (size_t i = 0; i < facts->item_count && i < WORLD_EVENTS; i++) {
        d->items[i].id = facts->items[i].id;
        d->items[i].outcome = facts->items[i].outcome;
        put(d->items[i].to, sizeof(d->items[i].to), facts->items[i].to);
    }
    d->data = json_incref((json_t *)(uintptr_t)facts->data);
    check(w);
}

static void host_alert(void *ctx, const char *what, struct str why)
{
    struct world *w = ctx;

    w->alert_count++;
    (void)snprintf(w->alert, sizeof(w->alert), "%s: %.*s", what, STR_ARG(why));
}

static void host_stopped(void *ctx)
{
    struct world *w = ctx;

    T_TRUE(!w->stopped);
    w->stopped = true;
    check(w);
}

static void create(struct world *w, const char *path)
{
    char base[128];
    struct diag diag;
    json_t *conf;

    (void)snprintf(base, sizeof(base), "http://127.0.0.1:%d%s", w->peer ? peer_port(w->peer) : 1, path);
    conf = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "kind", "sms-aliyun", "access_key_id", "testId",
                     "access_key_secret", "testSecret", "signature", "品牌", "path_key", "P+/ 键", "api_base",
                     base);
    T_TRUE(conf != NULL);
    diag_init(&diag, 16);
    T_OK(sms_aliyun_ops.create(&w->env, conf, &diag, &w->adapter));
    T_EQ(diag_count(&diag), 0);
    diag_fini(&diag);
    json_decref(conf);
}

void world_open(struct world *w, const struct peer_step *steps, size_t n, const char *path)
{
    struct diag diag;

    *w = (struct world){.wanted = SIZE_MAX};
    diag_init(&diag, 16);
    T_OK(loop_new(&w->loop));
    T_OK(http_client_new(w->loop, &(struct http_client_conf){0}, &w->http));
    T_OK(rulepack_open(&w->rules, &diag));
    diag_fini(&diag);
    clock_init_manual(&w->clock, WORLD_WALL_MS, 1000000);
    T_TRUE(n <= WORLD_STEPS);
    for (size_t i = 0; i < n; i++)
        w->steps[i] = steps[i];
    if (n)
        T_OK(peer_start(w->steps, n, &w->peer));
    timer_init(w->loop, &w->patience);
    timer_init(w->loop, &w->ear);
    w->host = (struct adapter_host){.ctx = w,
                                    .inbound = host_inbound,
                                    .answer = host_answer,
                                    .done = host_done,
                                    .alert = host_alert,
                                    .stopped = host_stopped};
    w->env = (struct adapter_env){.loop = w->loop,
                                  .http = w->http,
                                  .clock = &w->clock,
                                  .rules = w->rules,
                                  .host = &w->host,
                                  .name = "sms"};
    create(w, path);
    w->started = true;
    T_OK(sms_aliyun_ops.start(w->adapter, NULL));
}

struct peer_step world_answer(const char *status, const char *body)
{
    static char slots[WORLD_MAX][1024];
    static size_t next;
    char *text = slots[next++ % WORLD_MAX];
    int n = snprintf(text, sizeof(slots[0]),
                     "HTTP/1.1 %s\r\nDate: Wed, 01 Jan 2025 00:00:01 GMT\r\nContent-Length: %zu\r\n\r\n%s",
                     status, strlen(body), body);

    T_TRUE(n > 0 && (size_t)n < sizeof(slots[0]));
    return (struct peer_step){.answer = text};
}

static void on_patience_over(struct timer *t)
{
    struct world *w = container_of(t, struct world, patience);

    w->timed_out = true;
    loop_stop(w->loop);
}

static void run(struct world *w)
{
    timer_start(&w->patience, WORLD_PATIENCE_MS, on_patience_over);
    loop_run(w->loop);
    timer_stop(&w->patience);
    T_TRUE(!w->timed_out);
}

void world_run(struct world *w, size_t dones)
{
    w->wanted = dones;
    if (w->done_count < dones)
        run(w);
    w->wanted = SIZE_MAX;
}

static void on_ear(struct timer *t)
{
    struct world *w = container_of(t, struct world, ear);

    if (peer_requests(w->peer) >= w->heard)
        loop_stop(w->loop);
    else
        timer_start(t, 1, on_ear);
}

void world_run_heard(struct world *w, size_t n)
{
    w->heard = n;
    timer_start(&w->ear, 0, on_ear);
    run(w);
}

void world_stop(struct world *w)
{
    w->started = false;
    sms_aliyun_ops.stop(w->adapter);
    T_TRUE(!w->stopped); /* never from inside stop() */
    run(w);
    T_TRUE(w->stopped);
}

void world_close(struct world *w)
{
    if (w->started)
        world_stop(w);
    sms_aliyun_ops.free(w->adapter);
    http_client_free(w->http);
    timer_close(&w->patience, NULL);
    timer_close(&w->ear, NULL);
    loop_free(w->loop);
    peer_stop(w->peer);
    rulepack_close(w->rules);
    for (size_t i = 0; i < w->done_count; i++)
        json_decref(w->dones[i].data);
}
