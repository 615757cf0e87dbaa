/* SPDX-License-Identifier: Apache-2.0 */
#include "support/host_world.h"

#include "support/asserts.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "loop/timer.h"

enum { PATIENCE_MS = 20000 };

static void on_live(void *ctx, struct str line)
{
    struct host_world *w = ctx;

    (void)buf_add_str(&w->live, line);
    (void)buf_addc(&w->live, '\n');
    api_live(w->api, line);
}

static void on_ws_stopped(void *ctx)
{
    struct host_world *w = ctx;

    w->stopped = true;
    loop_stop(w->loop);
}

static void on_host_stopped(void *ctx)
{
    struct host_world *w = ctx;

    T_TRUE(!w->stopped);
    api_stop(w->api);
    ws_stop(w->ws, on_ws_stopped, w);
}

static void on_door_stopped(void *ctx)
{
    struct host_world *w = ctx;

    host_stop(w->host);
}

static void write_config(struct host_world *w, const char *connections)
{
    char path[128];

    (void)snprintf(path, sizeof path, "%s/siyu.yaml", w->dir);
    FILE *f = fopen(path, "w");
    T_TRUE(f != NULL);
    T_TRUE(fprintf(f, "data: data\ntesting: true\nconnections:\n%s", connections) > 0);
    T_EQ(fclose(f), 0);
    T_OK(config_load(path, &w->config, &w->diag));
}

static void open_plain(struct host_world *w)
{
    T_OK(rulepack_open(&w->rules, &w->diag));
    T_OK(fold_open(NULL, &w->fold));
    T_OK(store_open(w->config->data, &w->store, &w->diag));
    T_OK(engine_new(
        &(struct engine_config){
            .store = w->store, .rules = w->rules, .clock = &w->clock, .fold = w->fold, .seed = 1},
        &w->engine));
}

static void open_loop(struct host_world *w)
{
    T_OK(loop_new(&w->loop));
    T_OK(http_client_new(w->loop, NULL, &w->http));
    T_OK(ws_new(w->loop, &(struct ws_conf){0}, &w->ws));
    T_OK(api_new(&(struct api_conf){.loop = w->loop,
                                    .ws = w->ws,
                                    .clock = &w->clock,
                                    .fold = w->fold,
                                    .data = w->config->data,
                                    .testing = true},
                 &w->door, &w->api));
}

int host_world_open(struct host_world *w, const char *connections)
{
    char dir[sizeof w->dir] = "/tmp/siyu-host-XXXXXX";

    if (w->dir[0])
        memcpy(dir, w->dir, sizeof dir);
    else
        T_TRUE(mkdtemp(dir) != NULL);
    memset(w, 0, sizeof *w);
    memcpy(w->dir, dir, sizeof dir);
    clock_init_manual(&w->clock, HOST_WORLD_NOW_MS, 1000000);
    diag_init(&w->diag, 50);
    buf_init(&w->live, 1 << 20);
    write_config(w, connections);
    open_plain(w);
    open_loop(w);
    return host_new(&(struct host_conf){.loop = w->loop,
                                        .http = w->http,
                                        .door = w->door,
                                        .clock = &w->clock,
                                        .rules = w->rules,
                                        .config = w->config,
                                        .kinds = &fake_kind,
                                        .kind_count = 1,
                                        .store = w->store,
                                        .engine = w->engine,
                                        .on_live = on_live,
                                        .on_stopped = on_host_stopped,
                                        .ctx = w},
                    &w->diag, &w->host);
}

static void look_around(struct host_world *w)
{
    const struct registry *r = engine_registry(w->engine);
    union map_val v;
    int64_t key;

    w->view = (struct plan_world){.accounts = w->accounts, .rules = w->rules};
    for (size_t at = 0;
         map_i64_next(&r->accounts, &at, &key, &v) && w->view.account_count < ARRAY_LEN(w->accounts);) {
        const struct account *a = v.p;
        w->accounts[w->view.account_count++] = (struct world_account){.id = a->id,
                                                                      .connection = a->connection->id,
                                                                      .kind = a->kind,
                                                                      .name = a->name,
                                                                      .connection_name = a->connection->name,
                                                                      .account_type = STR("service")};
    }
}

static void apply(struct host_world *w, const char *playbook)
{
    struct plan *plan;
    int err = playbook_compile(str_of(playbook), "test.yaml", &w->view, &w->diag, &plan);

    for (size_t i = 0; err && i < diag_count(&w->diag); i++)
        print_error("%s\n", diag_text(&w->diag, i));
    T_OK(err);
    T_OK(engine_apply(w->engine, plan));
}

void host_world_start(struct host_world *w, const char *playbook)
{
    size_t conn_n, account_n;
    const struct registry_connection *conns = host_connections(w->host, &conn_n);
    const struct registry_account *accounts = host_accounts(w->host, &account_n);

    T_OK(engine_start(w->engine, conns, conn_n, accounts, account_n));
    look_around(w);
    if (playbook)
        apply(w, playbook);
    T_OK(api_start(w->api, w->host, &w->view));
    T_OK(front_door_listen(w->door, "127.0.0.1:0"));
    T_OK(host_start(w->host));
    w->started = true;
    api_ready(w->api, true);
}

void host_world_begin_stop(struct host_world *w)
{
    api_ready(w->api, false);
    front_door_stop(w->door, 5000, on_door_stopped, w);
}

void host_world_stop(struct host_world *w)
{
    host_world_begin_stop(w);
    loop_run(w->loop);
    T_TRUE(w->stopped);
}

void host_world_close(struct host_world *w)
{
    fake_release_all();
    if (w->started && !w->stopped) /* an assert struck */
        host_world_stop(w);
    host_free(w->host);
    api_free(w->api);
    front_door_free(w->door);
    if (!w->started) {
        ws_stop(w->ws, on_ws_stopped, w);
        loop_run(w->loop);
    }
    ws_free(w->ws);
    http_client_free(w->http);
    loop_free(w->loop);
    engine_free(w->engine);
    store_close(w->store);
    fold_close(w->fold);
    rulepack_close(w->rules);
    config_free(w->config);
    buf_fini(&w->live);
    diag_fini(&w->diag);
    fake_forget_all();
    w->started = w->stopped = false;
}

static void remove_dir(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    char path[512];

    while (d && (e = readdir(d)) != NULL)
        if (e->d_name[0] != '.') {
            (void)snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
            (void)unlink(path);
        }
    if (d)
        (void)closedir(d);
    (void)rmdir(dir);
}

void host_world_remove(struct host_world *w)
{
    char path[128];

    (void)snprintf(path, sizeof path, "%s/data", w->dir);
    remove_dir(path);
    remove_dir(w->dir);
    w->dir[0] = '\0';
}

/* ---- waiting ---- */

struct waiting {
    struct timer timer;
    struct loop *loop;
    bool (*done)(void);
    int64_t until_ms;
    bool came, closed;
};

static void on_tick(struct timer *t)
{
    struct waiting *x = container_of(t, struct waiting, timer);

    x->came = x->done();
    if (x->came || loop_now_ms(x->loop) > x->until_ms)
        loop_stop(x->loop);
    else
        timer_start(t, 2, on_tick);
}

static void on_tick_closed(struct timer *t)
{
    struct waiting *x = container_of(t, struct waiting, timer);

    x->closed = true;
    loop_stop(x->loop);
}

bool host_world_until(struct host_world *w, bool (*done)(void), int64_t ms)
{
    struct waiting x = {.loop = w->loop, .done = done, .until_ms = loop_now_ms(w->loop) + ms};

    timer_init(w->loop, &x.timer);
    timer_start(&x.timer, 0, on_tick);
    while (!x.came && loop_now_ms(w->loop) <= x.until_ms) /* others end the loop, too */
        loop_run(w->loop);
    timer_close(&x.timer, on_tick_closed);
    while (!x.closed)
        loop_run(w->loop);
    return x.came;
}

/* ---- asking ---- */

struct host_asking {
    struct http_xfer x;
    struct http_header headers[1];
    char url[512], bearer[200], *body;
    bool ended;
};

static struct host_asking *asked_last; /* host_world_until() has no context */

static void on_done(struct http_xfer *x, enum http_end end)
{
    (void)end;
    container_of(x, struct host_asking, x)->ended = true;
}

struct host_asking *host_world_begin(struct host_world *w, const char *method, const char *path,
                                     const char *token, const char *body)
{
    struct host_asking *a = mem_calloc(1, sizeof *a);

    T_TRUE(a != NULL);
    (void)snprintf(a->url, sizeof a->url, "http://127.0.0.1:%d%s", front_door_port(w->door), path);
    (void)snprintf(a->bearer, sizeof a->bearer, "Bearer %s", token ? token : "");
    a->body = mem_strdup(body ? body : "");
    a->headers[0] = (struct http_header){"Authorization", a->bearer};
    a->x = (struct http_xfer){.method = method,
                              .url = a->url,
                              .headers = a->headers,
                              .header_count = token ? 1 : 0,
                              .body = str_of(a->body),
                              .deadline_ms = PATIENCE_MS,
                              .done = on_done};
    T_OK(http_start(w->http, &a->x));
    return a;
}

bool host_asking_ended(const struct host_asking *a)
{
    return a->ended;
}

static bool last_has_ended(void)
{
    return asked_last->ended;
}

int host_asking_end(struct host_world *w, struct host_asking *a, struct buf *answer)
{
    asked_last = a;
    T_TRUE(host_world_until(w, last_has_ended, PATIENCE_MS));
    int status = a->x.status;
    if (answer) {
        buf_reset(answer);
        T_OK(buf_add_str(answer, buf_str(&a->x.answer)));
    }
    http_xfer_fini(&a->x);
    mem_free(a->body);
    mem_free(a);
    return status;
}

int host_world_ask(struct host_world *w, const char *method, const char *path, const char *token,
                   const char *body, struct buf *answer)
{
    return host_asking_end(w, host_world_begin(w, method, path, token, body), answer);
}

/* ---- looking ---- */

static struct {
    bool came;
    json_t *body;
} counts;

static void on_counts(void *ctx, int64_t tag, int err, struct str text)
{
    (void)ctx, (void)tag;
    counts.came = true;
    T_OK(err);
    T_OK(json_parse(text, JSON_DEPTH, &counts.body, NULL));
}

static bool counts_came(void)
{
    return counts.came;
}

int64_t host_world_count(struct host_world *w, const char *of, const char *state)
{
    counts.came = false;
    T_OK(host_ask(w->host, STR("{\"ask\":\"counts\"}"), on_counts, NULL, 0));
    T_TRUE(host_world_until(w, counts_came, PATIENCE_MS));
    int64_t n = json_int(json_object_get(counts.body, of), state, 0);
    json_decref(counts.body);
    return n;
}

const char *host_world_file(struct host_world *w, const char *name)
{
    static char room[65536];
    char path[160];

    (void)snprintf(path, sizeof path, "%s/data/%s", w->dir, name);
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(room, 1, sizeof room - 1, f) : 0;
    room[n] = '\0';
    if (f)
        (void)fclose(f);
    return room;
}
