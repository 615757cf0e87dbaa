/* SPDX-License-Identifier: Apache-2.0 */
/* Build-up: ledger, loop, http, pusher's model, door, faces, control; tear-down is a chain of callbacks:
 *
 *     signal -> pusher stopped -> door stopped -> loop ends -> everything freed in reverse
 */
#include "sandbox/sandbox.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "sandbox/config.h"
#include "sandbox/control.h"
#include "sandbox/face.h"
#include "sandbox/ledger.h"
#include "sandbox/push.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { GRACE_MS = 500, LONGEST_NAP_MS = 60000 };

struct sandbox {
    json_t *conf;
    struct clock clock;
    struct sb_ledger ledger;
    struct loop *loop;
    struct http_client *http;
    struct sb_model *model;
    struct sb_pusher *pusher;
    struct front_door *door;
    struct sb_faces faces;
    struct sb_control control;
    struct timer due;
    bool listening, due_open, faces_open, stopping;
};

/* the model's sink and its alarm */

static void on_entry(void *ctx, const struct sb_entry *e)
{
    struct sandbox *s = ctx;

    sb_ledger_add(&s->ledger, e);
}

static void on_push(void *ctx, struct sb_push *p)
{
    struct sandbox *s = ctx;

    (void)sb_pusher_add(s->pusher, p); /* a full queue is logged there */
}

static void on_due(struct timer *t);

static void on_changed(void *ctx)
{
    struct sandbox *s = ctx;
    int64_t due_ms = sb_model_due_ms(s->model), wait_ms;

    if (due_ms == INT64_MAX || s->stopping) {
        timer_stop(&s->due);
        return;
    }
    wait_ms = due_ms - clock_wall_ms(&s->clock);
    if (s->clock.kind == CLOCK_KIND_SCALED)
        wait_ms /= s->clock.speed;
    if (wait_ms < 0)
        wait_ms = 0;
    timer_start(&s->due, wait_ms > LONGEST_NAP_MS ? LONGEST_NAP_MS : wait_ms + 1, on_due);
}

static void on_due(struct timer *t)
{
    struct sandbox *s = container_of(t, struct sandbox, due);

    sb_model_run(s->model, clock_wall_ms(&s->clock));
    on_changed(s);
}

/* the end */

static void on_door_stopped(void *ctx)
{
    struct sandbox *s = ctx;

    loop_stop(s->loop);
}

static void on_pusher_stopped(void *ctx)
{
    struct sandbox *s = ctx;

    front_door_stop(s->door, GRACE_MS, on_door_stopped, s);
}

static void on_signal(void *ctx, int signum)
{
    struct sandbox *s = ctx;

    (void)signum;
    if (s->stopping)
        return;
    s->stopping = true;
    timer_stop(&s->due);
    sb_pusher_stop(s->pusher, on_pusher_stopped, s);
}

static void sandbox_close(struct sandbox *s)
{
    if (s->faces_open)
        sb_faces_close(&s->faces);
    front_door_free(s->door);
    sb_pusher_free(s->pusher);
    if (s->due_open)
        timer_close(&s->due, NULL);
    if (s->http != NULL)
        http_client_free(s->http);
    if (s->loop != NULL)
        loop_free(s->loop);
    sb_model_free(s->model);
    sb_ledger_close(&s->ledger);
    json_decref(s->conf);
}

/* the beginning */

static int open_ledger(struct sandbox *s, const char *path)
{
    int r;

    if (path == NULL)
        path = json_str(s->conf, "ledger", NULL);
    r = sb_ledger_open(&s->ledger, path);
    if (r < 0)
        fprintf(stderr, "sandbox: the ledger %s cannot be used: %s\n", path, err_text(r));
    return r;
}

static int open_model(struct sandbox *s)
{
    struct sb_sink sink = {.ctx = s, .entry = on_entry, .push = on_push};
    struct diag diag;
    int r;

    diag_init(&diag, 20);
    r = sb_model_new(s->conf, (uint64_t)clock_wall_ms(&s->clock) ^ (uint64_t)clock_boot_ms() << 20, &sink,
                     clock_wall_ms(&s->clock), &s->model, &diag);
    for (size_t i = 0; i < diag_count(&diag); i++)
        fprintf(stderr, "sandbox: %s\n", diag_text(&diag, i));
    diag_fini(&diag);
    return r;
}

static int open_loop(struct sandbox *s)
{
    struct front_door_conf door = {.handler_ms = 10 * SB_MINUTE, .max_connections = 8192};
    struct http_client_conf http = {.max_per_host = SB_PUSHES_AT_ONCE, .agent = "siyu-sandbox"};
    int r = loop_new(&s->loop);

    if (r == 0)
        r = http_client_new(s->loop, &http, &s->http);
    if (r == 0)
        r = front_door_new(s->loop, &door, &s->door);
    if (r == 0) {
        timer_init(s->loop, &s->due);
        s->due_open = true;
        r = loop_on_signal(s->loop, on_signal, s);
    }
    return r;
}

static int open_faces(struct sandbox *s)
{
    struct sb_pusher_conf pusher = {.loop = s->loop,
                                    .http = s->http,
                                    .clock = &s->clock,
                                    .model = s->model,
                                    .ledger = &s->ledger,
                                    .gateway = json_str(s->conf, "gateway", "http://127.0.0.1:8600")};
    int r;

    s->pusher = sb_pusher_new(&pusher);
    s->faces = (struct sb_faces){.loop = s->loop,
                                 .door = s->door,
                                 .clock = &s->clock,
                                 .model = s->model,
                                 .changed = on_changed,
                                 .ctx = s};
    s->control = (struct sb_control){.door = s->door,
                                     .clock = &s->clock,
                                     .model = s->model,
                                     .faces = &s->faces,
                                     .pusher = s->pusher,
                                     .ledger = &s->ledger,
                                     .changed = on_changed,
                                     .ctx = s};
    r = sb_faces_open(&s->faces);
    s->faces_open = true;
    return r == 0 ? sb_control_open(&s->control) : r;
}

static int listen_on(struct sandbox *s)
{
    const char *address = sb_config_listen(s->conf);
    int r = front_door_listen(s->door, address);

    if (r == -EADDRINUSE)
        fprintf(stderr, "sandbox: %s is taken: stop what listens there, or write another `listen`\n",
                address);
    else if (r < 0)
        fprintf(stderr, "sandbox: cannot listen on %s: %s\n", address, err_text(r));
    if (r == 0) {
        s->listening = true;
        printf("sandbox: ready on %s\n", address);
        (void)fflush(stdout);
        on_changed(s);
    }
    return r;
}

static int open_all(struct sandbox *s, const struct sandbox_options *o)
{
    int r = open_ledger(s, o->ledger);

    if (r == 0)
        r = open_loop(s);
    /* A seed emits neither lines nor pushes, so the pusher may come after the model. */
    if (r == 0)
        r = open_model(s);
    if (r == 0)
        r = open_faces(s);
    return r == 0 ? listen_on(s) : r;
}

static int read_options(struct sandbox *s, const struct sandbox_options *o)
{
    const char *why = NULL;
    struct diag diag;
    int r = 0;

    diag_init(&diag, 20);
    clock_init_real(&s->clock);
    if (o->clock != NULL)
        r = clock_parse(o->clock, &s->clock, &why);
    if (r < 0)
        fprintf(stderr, "sandbox: --clock %s: %s\n", o->clock, why);
    else
        r = sb_config_load(o->config, &s->conf, &diag);
    for (size_t i = 0; i < diag_count(&diag); i++)
        fprintf(stderr, "%s\n", diag_text(&diag, i));
    diag_fini(&diag);
    return r;
}

int sandbox_run(const struct sandbox_options *options)
{
    struct sandbox s = {0};
    int r = read_options(&s, options);

    if (r == 0)
        r = open_all(&s, options);
    if (r == 0)
        loop_run(s.loop);
    sandbox_close(&s);
    return r == 0 ? 0 : 2;
}

/* say */

struct asking {
    struct http_xfer xfer;
    struct loop *loop;
    enum http_end end;
};

static void on_said(struct http_xfer *x, enum http_end end)
{
    struct asking *a = container_of(x, struct asking, xfer);

    a->end = end;
    loop_stop(a->loop);
}

static int ask(const char *url, const char *body, struct buf *ret)
{
    struct http_header json = {"Content-Type", "application/json"};
    struct asking a = {.end = HTTP_NOT_SENT};
    struct http_client *http = NULL;
    int r = loop_new(&a.loop);

    if (r < 0)
        return r;
    a.xfer = (struct http_xfer){.method = "POST",
                                .url = url,
                                .headers = &json,
                                .header_count = 1,
                                .body = str_of(body),
                                .deadline_ms = 10000,
                                .send_once = true,
                                .done = on_said};
    r = http_client_new(a.loop, NULL, &http);
    if (r == 0)
        r = http_start(http, &a.xfer);
    if (r == 0) {
        loop_run(a.loop);
        r = a.end != HTTP_DONE ? a.xfer.err : a.xfer.status == 200 ? 0 : ERR_INVALID;
        (void)buf_add_str(ret, buf_str(&a.xfer.answer));
        http_xfer_fini(&a.xfer);
    }
    if (http != NULL)
        http_client_free(http);
    loop_free(a.loop);
    return r;
}

int sandbox_say(const struct sandbox_saying *saying, struct buf *ret)
{
    json_t *conf = NULL, *body = json_pack("{s:s, s:s, s:s*}", "customer", saying->customer, "text",
                                           saying->text, "on", saying->on);
    char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
    struct diag diag;
    struct buf url;
    int r = text != NULL ? 0 : ERR_INVALID; /* not UTF-8 */

    diag_init(&diag, 1);
    buf_init(&url, 256);
    if (r == 0 && saying->config != NULL)
        r = sb_config_load(saying->config, &conf, &diag);
    if (r == 0)
        r = buf_addf(&url, "http://%s/_sandbox/say", sb_config_listen(conf));
    if (r == 0)
        r = ask(buf_cstr(&url), text, ret);
    else if (diag_count(&diag) > 0)
        (void)buf_adds(ret, diag_text(&diag, 0));
    buf_fini(&url);
    diag_fini(&diag);
    free(text);
    json_decref(body);
    json_decref(conf);
    return r;
}
