/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/api.h"
#include "base/fold.h"
#include "base/log.h"
#include "engine/engine.h"
#include "engine/rulebook.h"
#include "host/host.h"
#include "loop/timer.h"
#include "registry.h"
#include "store/store.h"

enum { EXIT_GOOD = 0, EXIT_BROKE = 1, EXIT_CONFIG = 2 };
/* A stop ends within 35 s: callbacks have their answer after 4 s, calls after 15 s. */
#define DRAIN_MS 10000
#define STOP_MS 34000

/* In order of building; torn down the other way round. */
struct gateway {
    const struct gateway_options *options;
    struct diag diag;
    struct config *config;
    struct rulepack *rules;
    struct fold *fold;
    struct store *store;
    struct engine *engine;
    struct loop *loop;
    struct http_client *http;
    struct ws *ws;
    struct front_door *door;
    struct api *api;
    struct host *host;
    struct plan_world world;
    struct world_account *world_accounts;
    struct timer last_call; /* running while it stops */
    bool started, stopping;
};

static int complain(struct gateway *g, int err, const char *what)
{
    for (size_t i = 0; i < diag_count(&g->diag); i++)
        (void)fprintf(stderr, "siyu: %s\n", diag_text(&g->diag, i));
    if (!diag_count(&g->diag))
        (void)fprintf(stderr, "siyu: %s: %s\n", what, err_text(err));
    return err;
}

/* ---- things without a thread ---- */

static int open_plain(struct gateway *g)
{
    enum log_level level;
    int err = config_load(g->options->config_file, &g->config, &g->diag);

    if (err)
        return complain(g, err, g->options->config_file);
    if (log_parse_level(str_of(g->config->log_level), &level) != 0) {
        diag_addf(&g->diag, g->config->file, 0, "log_level: no level '%s'; debug, info, warn, error or off",
                  g->config->log_level);
        return complain(g, ERR_CONFIG, "log_level");
    }
    log_set_level(level);
    err = rulepack_open(&g->rules, &g->diag);
    if (err)
        return complain(g, err, "rule pack");
    err = fold_open(NULL, &g->fold);
    if (err)
        return complain(g, err, "text folding (is the package opencc installed?)");
    err = store_open(g->config->data, &g->store, &g->diag);
    if (err)
        return complain(g, err, g->config->data);
    err = engine_new(
        &(struct engine_config){
            .store = g->store, .rules = g->rules, .clock = &g->options->clock, .fold = g->fold},
        &g->engine);
    return err ? complain(g, err, "engine") : 0;
}

/* ---- the loop and what lives on it ---- */

static void on_live(void *ctx, struct str line)
{
    struct gateway *g = ctx;

    api_live(g->api, line);
}

static void on_last_call_closed(struct timer *t)
{
    loop_stop(container_of(t, struct gateway, last_call)->loop);
}

static void on_ws_stopped(void *ctx)
{
    struct gateway *g = ctx;

    timer_close(&g->last_call, on_last_call_closed);
}

static void on_host_stopped(void *ctx)
{
    struct gateway *g = ctx;

    api_stop(g->api);
    ws_stop(g->ws, on_ws_stopped, g);
}

static void on_door_stopped(void *ctx)
{
    struct gateway *g = ctx;

    host_stop(g->host);
}

static void on_last_call(struct timer *t)
{
    (void)t;
    log_error("gateway", "not everything ended in time; the next start settles it");
    _Exit(EXIT_BROKE); /* what is committed is safe */
}

/* No new callbacks first, then no new calls, then the engine's last batch. A second signal ends at once. */
static void stop(struct gateway *g)
{
    g->stopping = true;
    timer_start(&g->last_call, STOP_MS, on_last_call);
    api_ready(g->api, false);
    front_door_stop(g->door, DRAIN_MS, on_door_stopped, g);
}

static void on_signal(void *ctx, int signum)
{
    struct gateway *g = ctx;

    log_info("gateway", "stopping signal=%d", signum);
    if (g->stopping)
        _Exit(EXIT_BROKE);
    stop(g);
}

static int open_loop(struct gateway *g)
{
    int err = loop_new(&g->loop);

    if (err)
        return complain(g, err, "event loop");
    timer_init(g->loop, &g->last_call);
    err = loop_on_signal(g->loop, on_signal, g);
    if (!err)
        err = http_client_new(g->loop, &(struct http_client_conf){.agent = "siyu"}, &g->http);
    if (!err)
        err = ws_new(g->loop, &(struct ws_conf){0}, &g->ws);
    if (!err)
        err = api_new(&(struct api_conf){.loop = g->loop,
                                         .ws = g->ws,
                                         .clock = &g->options->clock,
                                         .fold = g->fold,
                                         .data = g->config->data,
                                         .testing = g->config->testing},
                      &g->door, &g->api);
    return err ? complain(g, err, "event loop") : 0;
}

static int open_host(struct gateway *g)
{
    size_t conn_n, account_n;
    int err = host_new(&(struct host_conf){.loop = g->loop,
                                           .http = g->http,
                                           .door = g->door,
                                           .clock = &g->options->clock,
                                           .rules = g->rules,
                                           .config = g->config,
                                           .kinds = registry_kinds,
                                           .kind_count = registry_kind_count,
                                           .store = g->store,
                                           .engine = g->engine,
                                           .on_live = on_live,
                                           .on_stopped = on_host_stopped,
                                           .ctx = g},
                       &g->diag, &g->host);

    if (err)
        return complain(g, err, "connections");
    const struct registry_connection *conns = host_connections(g->host, &conn_n);
    const struct registry_account *accounts = host_accounts(g->host, &account_n);
    err = engine_start(g->engine, conns, conn_n, accounts, account_n);
    return err ? complain(g, err, "engine start") : 0;
}

static int load_tokens(struct gateway *g)
{
    struct arena scratch;
    struct token_row *rows;
    size_t n;

    arena_init(&scratch, 1 << 20);
    int err = store_load_tokens(g->store, &scratch, &rows, &n);
    for (size_t i = 0; i < n && !err; i++)
        err = api_add_token(g->api, rows[i].hash, rows[i].role, rows[i].expires_ms);
    arena_fini(&scratch);
    return err;
}

/* ---- playbooks ---- */

static const char *account_type(const struct config *c, struct str connection)
{
    for (size_t i = 0; i < c->connection_count; i++)
        if (str_is(connection, c->connections[i].name))
            return json_string_value(json_object_get(c->connections[i].conf, "account_type"));
    return NULL;
}

/* What the engine knows before its thread runs; accounts that platforms name later are not nameable in a
 * playbook. */
static int build_world(struct gateway *g)
{
    const struct registry *r = engine_registry(g->engine);
    union map_val v;
    int64_t key;

    g->world_accounts = mem_calloc(map_i64_count(&r->accounts) + 1, sizeof *g->world_accounts);
    if (!g->world_accounts)
        return -ENOMEM;
    for (size_t at = 0; map_i64_next(&r->accounts, &at, &key, &v);) {
        const struct account *a = v.p;
        g->world_accounts[g->world.account_count++] =
            (struct world_account){.id = a->id,
                                   .connection = a->connection->id,
                                   .kind = a->kind,
                                   .name = a->name,
                                   .connection_name = a->connection->name,
                                   .signature = a->connection->signature,
                                   .account_type = str_of(account_type(g->config, a->connection->name))};
    }
    g->world.accounts = g->world_accounts;
    g->world.bots = registry_bots;
    g->world.bot_count = registry_bot_count;
    g->world.rules = g->rules;
    return 0;
}

static int apply_text(struct gateway *g, struct str text, const char *file)
{
    struct plan *plan;
    int err = playbook_compile(text, file, &g->world, &g->diag, &plan);

    if (err)
        return complain(g, err, file);
    err = rulebook_lint(plan, g->fold, &g->diag);
    if (err)
        plan_free(plan);
    else
        err = engine_apply(g->engine, plan);
    return err ? complain(g, err, file) : 0;
}

static int apply_all(struct gateway *g)
{
    struct buf text;
    int err = 0;

    for (size_t i = 0; i < g->config->playbook_count && !err; i++) {
        err = config_read_text(g->config->playbooks[i], &text);
        if (err) {
            diag_addf(&g->diag, g->config->file, config_line(g->config, STR("playbooks")),
                      "playbooks: %s cannot be read: %s", g->config->playbooks[i], err_text(err));
            return complain(g, err, g->config->playbooks[i]);
        }
        err = apply_text(g, buf_str(&text), g->config->playbooks[i]);
        buf_fini(&text);
    }
    for (size_t i = 0; i < diag_count(&g->diag) && !err; i++)
        log_warn("playbook", "%s", diag_text(&g->diag, i));
    return err;
}

/* The rules before the engine thread: the first thing it does may be to decide what a crash left. */
static int start(struct gateway *g)
{
    int err = build_world(g);

    if (!err)
        err = load_tokens(g);
    if (err)
        return complain(g, err, "accounts and tokens");
    err = apply_all(g);
    if (err)
        return err;
    err = api_start(g->api, g->host, &g->world);
    if (err == -EADDRINUSE)
        diag_addf(&g->diag, NULL, 0, "%s/siyu.sock: another gateway runs on this data directory",
                  g->config->data);
    if (err)
        return complain(g, err, "control socket in `data`");
    err = front_door_listen(g->door, g->config->listen);
    if (err)
        diag_addf(&g->diag, g->config->file, g->config->listen_line, "listen: %s %s; %s or change `listen`",
                  g->config->listen, err == -EADDRINUSE ? "is taken by another program" : err_text(err),
                  err == -EADDRINUSE ? "stop that" : "name an address of this machine");
    if (err)
        return complain(g, err, g->config->listen);
    g->started = true;
    err = host_start(g->host);
    if (err)
        return complain(g, err, "start");
    api_ready(g->api, true);
    log_info("gateway", "listening address=%s data=%s", g->config->listen, g->config->data);
    return 0;
}

/* ---- life ---- */

static void close_all(struct gateway *g)
{
    host_free(g->host);
    api_free(g->api);
    front_door_free(g->door);
    ws_free(g->ws);
    http_client_free(g->http);
    loop_free(g->loop);
    engine_free(g->engine);
    store_close(g->store);
    mem_free(g->world_accounts);
    fold_close(g->fold);
    rulepack_close(g->rules);
    config_free(g->config);
    diag_fini(&g->diag);
}

/* Nothing was acknowledged: ending here loses nothing, and frees more simply than undoing. */
static _Noreturn void give_up(struct gateway *g, int err)
{
    static const int to_be_configured[] = {ERR_CONFIG,    ERR_LOCKED,  ERR_STALE,      -ENOENT,
                                           -EACCES,       -EADDRINUSE, -EADDRNOTAVAIL, -EINVAL,
                                           -ENAMETOOLONG, ERR_INVALID};

    if (!g->started)
        store_close(g->store); /* a clean stop: no engine thread, no adapter has begun */
    for (size_t i = 0; i < ARRAY_LEN(to_be_configured); i++)
        if (err == to_be_configured[i])
            _Exit(EXIT_CONFIG);
    _Exit(EXIT_BROKE);
}

int gateway_run(const struct gateway_options *options)
{
    struct gateway g = {.options = options};
    int err;

    diag_init(&g.diag, 200);
    err = open_plain(&g);
    if (!err)
        err = open_loop(&g);
    if (!err)
        err = open_host(&g);
    if (!err)
        err = start(&g);
    if (err)
        give_up(&g, err);
    loop_run(g.loop);
    close_all(&g);
    return EXIT_GOOD;
}
