/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api_private.h"

#include "support/asserts.h"
#include "support/host_world.h"

#include <pthread.h>
#include <stdio.h>

#include "base/crypto.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"

#define BRAND "  brand: {kind: fake, appid: wx1}\n"
#define TOKEN "siyu_0123"

static const char good[] =
    "playbook: p\ntimezone: Asia/Shanghai\ntemplates: {prize: {text: you won}}\nrules:\n"
    "  - {on: message.received, keyword: {any: [抽奖]}, do: [{send: prize}]}\n";
static const char wrong[] =
    "playbook: q\ntimezone: Asia/Shanghai\nrules:\n  - {on: message.received, do: [{send: nothing}]}\n";
static const char shadowed[] =
    "playbook: s\ntimezone: Asia/Shanghai\ntemplates: {prize: {text: you won}}\nrules:\n"
    "  - {on: message.received, keyword: {contains: [券]}, do: [{send: prize}]}\n"
    "  - {on: message.received, keyword: {contains: [优惠券]}, priority: -1, do: [{send: prize}]}\n";

static struct host_world w;
static struct buf answer;

static void add_token(const char *token, const char *role, int64_t expires_ms)
{
    unsigned char hash[32];

    crypto_sha256(str_of(token), hash);
    T_OK(api_add_token(w.api, hash, str_of(role), expires_ms));
}

static int open_world(void **state)
{
    (void)state;
    log_set_level(LOG_OFF);
    buf_init(&answer, 1 << 20);
    T_OK(host_world_open(&w, BRAND));
    host_world_start(&w, good);
    add_token(TOKEN, "viewer", 0);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    host_world_close(&w);
    host_world_remove(&w);
    buf_fini(&answer);
    return 0;
}

static int get(const char *path, const char *token)
{
    return host_world_ask(&w, "GET", path, token, NULL, &answer);
}

static bool says(const char *text)
{
    return str_find(buf_str(&answer), str_of(text)) < answer.len;
}

/* ---- over HTTP ---- */

static void health_and_readiness_need_no_token(void)
{
    T_EQ(get("/healthz", NULL), 200);
    T_VIEW(buf_str(&answer), "{\"status\":\"alive\"}\n");
    T_EQ(get("/readyz", NULL), 200);
    T_VIEW(buf_str(&answer), "{\"status\":\"ready\"}\n");
}

static void readiness_ends_with_the_stop_and_health_does_not(void)
{
    api_ready(w.api, false);
    T_EQ(get("/readyz", NULL), 503);
    T_TRUE(says("\"code\":\"not_ready\"") && says("stopping"));
    T_EQ(get("/healthz", NULL), 200);
}

static void metrics_count_what_happened(void)
{
    T_EQ(host_world_ask(&w, "POST", "/hooks/brand/passive", NULL, "抽奖", NULL), 200);
    T_EQ(host_world_ask(&w, "POST", "/hooks/brand/forged", NULL, "x", NULL), 403);
    T_EQ(get("/metrics", NULL), 200);
    T_TRUE(says("\nsiyu_inbound_total 1\n"));
    T_TRUE(says("\nsiyu_acknowledged_total 1\n"));
    T_TRUE(says("\nsiyu_hooks_refused_total 1\n"));
    T_TRUE(says("\nsiyu_events{state=\"decided\"} 1\n"));
    T_TRUE(says("\nsiyu_deliveries{state=\"in_flight\"} 1\n"));
    T_TRUE(says("\nsiyu_engine_answers 1\n"));
    T_TRUE(says("\nsiyu_ready 1\n"));
}

/* Each family: HELP, TYPE, then its samples and nothing else of that name later. */
static void metrics_are_well_formed(void)
{
    struct str rest, line, word;

    T_EQ(get("/metrics", NULL), 200);
    rest = buf_str(&answer);
    char family[100] = "";
    while (str_next(&rest, '\n', &line)) {
        if (!line.n)
            continue;
        if (str_starts(line, STR("# HELP "))) {
            struct str name = str_sub(line, 7, line.n);
            (void)snprintf(family, sizeof family, "%.*s", STR_ARG(str_sub(name, 0, str_chr(name, ' '))));
        } else if (line.p[0] != '#') {
            T_TRUE(str_starts(line, str_of(family)));
            T_TRUE(str_cut(line, ' ', &word, &line));
            T_TRUE(line.n > 0);
        }
    }
}

static bool a_while_has_passed(void)
{
    return false;
}

static void metrics_do_not_wait_for_an_engine_that_is_stuck(void)
{
    host_stall_engine(w.host, 2500);
    struct host_asking *first = host_world_begin(&w, "GET", "/metrics", NULL, NULL);
    T_TRUE(!host_world_until(&w, a_while_has_passed, 1200));
    int64_t from = loop_now_ms(w.loop);
    T_EQ(get("/metrics", NULL), 200);
    T_TRUE(loop_now_ms(w.loop) - from < 500);
    T_TRUE(says("\nsiyu_engine_answers 0\n"));
    T_TRUE(!says("siyu_events{"));
    T_EQ(host_asking_end(&w, first, &answer), 200);
    T_TRUE(says("\nsiyu_engine_answers 1\n"));
}

static void the_page_says_whether_it_runs(void)
{
    T_EQ(get("/", NULL), 200);
    T_TRUE(says("运行中"));
}

static void status_is_for_those_with_a_token(void)
{
    T_EQ(get("/api/v1/status", NULL), 401);
    T_TRUE(says("{\"error\":{\"code\":\"unauthorised\",\"message\":"));
    T_EQ(get("/api/v1/status", "wrong"), 401);
    T_EQ(get("/api/v1/status?token=" TOKEN, NULL), 200);
    T_EQ(get("/api/v1/status", TOKEN), 200);
    json_t *status = NULL;
    T_OK(json_parse(buf_str(&answer), JSON_DEPTH, &status, NULL));
    T_EQ(json_int(status, "now_ms", 0), HOST_WORLD_NOW_MS);
    T_EQ(json_int(status, "in_flight", -1), 0);
    T_STR(json_string_value(json_array_get(json_object_get(status, "playbooks"), 0)), "p");
    json_decref(status);
}

static void a_token_that_has_ended_is_none(void)
{
    add_token("short", "admin", HOST_WORLD_NOW_MS + 1000);
    T_EQ(get("/api/v1/status", "short"), 200);
    clock_advance(&w.clock, 1000);
    T_EQ(get("/api/v1/status", "short"), 401);
}

static void the_feed_wants_a_token_and_a_websocket(void)
{
    T_EQ(get("/api/v1/live", NULL), 401);
    T_EQ(get("/api/v1/live", TOKEN), 426);
}

static void other_paths_and_verbs_are_refused(void)
{
    T_EQ(get("/api/v1/nothing", TOKEN), 404);
    T_EQ(host_world_ask(&w, "POST", "/healthz", NULL, "", &answer), 405);
    T_EQ(host_world_ask(&w, "POST", "/api/v1/status", TOKEN, "x", &answer), 405);
}

/* ---- the feed ---- */

static struct {
    size_t opened, closed;
    struct buf text;
} feed;

static void on_feed_open(void *ctx, struct ws_id id, uint64_t tag)
{
    (void)ctx, (void)id, (void)tag;
    feed.opened++;
}

static void on_feed_text(void *ctx, struct ws_id id, struct str text)
{
    (void)ctx, (void)id;
    (void)buf_add_str(&feed.text, text);
    (void)buf_addc(&feed.text, '\n');
}

static void on_feed_close(void *ctx, struct ws_id id, uint64_t tag, int err)
{
    (void)ctx, (void)id, (void)tag, (void)err;
    feed.closed++;
}

static bool feed_is_open(void)
{
    return feed.opened + feed.closed > 0;
}

static bool feed_told_the_delivery(void)
{
    return str_find(buf_str(&feed.text), STR("\"type\":\"delivery\"")) < feed.text.len;
}

static struct ws_id listen_to_the_feed(const char *query)
{
    struct ws_events events = {.on_open = on_feed_open, .on_text = on_feed_text, .on_close = on_feed_close};
    struct ws_id id;
    char url[200];

    memset(&feed, 0, sizeof feed);
    buf_init(&feed.text, 1 << 20);
    (void)snprintf(url, sizeof url, "ws://127.0.0.1:%d/api/v1/live%s", front_door_port(w.door), query);
    T_OK(ws_connect(w.ws, url, NULL, 0, 5000, &events, 0, &id));
    T_TRUE(host_world_until(&w, feed_is_open, 6000));
    return id;
}

static void a_listener_hears_events_and_deliveries(void)
{
    (void)listen_to_the_feed("?token=" TOKEN);
    T_EQ(feed.opened, 1);
    T_EQ(host_world_ask(&w, "POST", "/hooks/brand/active", NULL, "抽奖", NULL), 200);
    T_TRUE(host_world_until(&w, feed_told_the_delivery, 5000));
    T_TRUE(str_find(buf_str(&feed.text), STR("\"type\":\"event\"")) < feed.text.len);
    struct str rest = buf_str(&feed.text), line;
    while (str_next(&rest, '\n', &line)) {
        json_t *o = NULL;
        if (line.n)
            T_OK(json_parse(line, JSON_DEPTH, &o, NULL));
        json_decref(o);
    }
    T_EQ(get("/metrics", NULL), 200);
    T_TRUE(says("\nsiyu_live_listeners 1\n"));
    host_world_stop(&w);
    T_EQ(feed.closed, 1);
    buf_fini(&feed.text);
}

static void a_listener_without_a_token_is_not_let_in(void)
{
    (void)listen_to_the_feed("?token=wrong");
    T_EQ(feed.opened, 0);
    T_EQ(feed.closed, 1);
    buf_fini(&feed.text);
}

/* ---- openapi.json ---- */

static bool serves(const char *path)
{
    size_t n;
    const struct api_route *routes = api_routes(&n);

    for (size_t i = 0; i < n; i++)
        if (strcmp(routes[i].path, path) == 0)
            return true;
    return strncmp(path, "/hooks/{connection}", 19) == 0; /* the host's */
}

static void what_is_described_is_served_and_the_other_way_round(void)
{
    size_t n;
    const struct api_route *routes = api_routes(&n);
    json_t *all = NULL, *verbs;
    const char *path;

    T_EQ(get("/openapi.json", NULL), 200);
    T_OK(json_parse(buf_str(&answer), JSON_DEPTH, &all, NULL));
    T_STR(json_str(all, "openapi", ""), "3.1.0");
    json_t *paths = json_object_get(all, "paths");
    json_object_foreach(paths, path, verbs)
    {
        if (!serves(path))
            print_error("%s is described and not served\n", path);
        T_TRUE(serves(path));
    }
    for (size_t i = 0; i < n; i++) {
        if (!json_object_get(json_object_get(paths, routes[i].path), "get"))
            print_error("%s is served and not described\n", routes[i].path);
        T_TRUE(json_object_get(json_object_get(paths, routes[i].path), "get") != NULL);
    }
    json_decref(all);
}

/* "#/components/..." of every $ref leads somewhere. */
static size_t follow(const json_t *root, const json_t *node)
{
    const json_t *v;
    const char *key;
    size_t i, broken = 0;

    json_array_foreach((json_t *)(uintptr_t)node, i, v) broken += follow(root, v);
    json_object_foreach((json_t *)(uintptr_t)node, key, v)
    {
        struct str rest = strcmp(key, "$ref") == 0 ? str_of(json_string_value(v) + 2) : STR("");
        struct str piece;
        const json_t *at = root;
        while (rest.n && str_next(&rest, '/', &piece)) {
            char *name = mem_strndup(piece.p, piece.n);
            at = json_object_get(at, name);
            mem_free(name);
        }
        broken += at == NULL;
        broken += follow(root, v);
    }
    return broken;
}

static void every_reference_leads_somewhere(void)
{
    json_t *all = NULL;

    T_OK(json_parse((struct str){(const char *)openapi_json, openapi_json_bytes}, JSON_DEPTH, &all, NULL));
    T_EQ(follow(all, all), 0);
    json_decref(all);
}

/* ---- the control socket; its client blocks, and so it has a thread ---- */

struct order {
    char path[128];
    struct str line;
    struct buf reply;
    int err;
    _Atomic bool ended;
};

static struct order order;

static void *call(void *arg)
{
    struct order *o = arg;

    o->err = control_call(o->path, o->line, 10000, &o->reply);
    o->ended = true;
    return NULL;
}

static bool order_has_ended(void)
{
    return order.ended;
}

/* The answer as JSON, or NULL when the gateway hung up. */
static json_t *give(const char *line)
{
    pthread_t thread;
    json_t *body = NULL;

    memset(&order, 0, sizeof order);
    (void)snprintf(order.path, sizeof order.path, "%s/siyu.sock", w.config->data);
    order.line = str_of(line);
    buf_init(&order.reply, CONTROL_LINE_BYTES);
    T_EQ(pthread_create(&thread, NULL, call, &order), 0);
    T_TRUE(host_world_until(&w, order_has_ended, 15000));
    T_EQ(pthread_join(thread, NULL), 0);
    if (!order.err)
        T_OK(json_parse(buf_str(&order.reply), JSON_DEPTH, &body, NULL));
    buf_fini(&order.reply);
    return body;
}

static void expect(const char *line, bool ok, const char *error)
{
    json_t *body = give(line);

    T_TRUE(json_is_object(body));
    T_EQ(json_flag(body, "ok", !ok), ok);
    T_STR(json_str(body, "error", NULL), error);
    json_decref(body);
}

static json_t *apply(const char *first, const char *second)
{
    json_t *files = json_pack("[{s:s, s:s}]", "name", "first.yaml", "text", first);
    struct buf line;

    if (second)
        T_EQ(json_array_append_new(files, json_pack("{s:s, s:s}", "name", "second.yaml", "text", second)), 0);
    json_t *request = json_pack("{s:s, s:o}", "do", "apply", "files", files);
    buf_init(&line, CONTROL_LINE_BYTES);
    T_OK(json_write_compact(request, &line));
    json_t *body = give(buf_cstr(&line));
    json_decref(request);
    buf_fini(&line);
    T_TRUE(body != NULL);
    return body;
}

static const char *complaint(const json_t *body, size_t i)
{
    return json_string_value(json_array_get(json_object_get(body, "complaints"), i));
}

static size_t playbooks(void)
{
    json_t *body = give("{\"do\":\"ask\",\"request\":{\"ask\":\"status\"}}");
    size_t n = json_array_size(json_object_get(body, "playbooks"));

    json_decref(body);
    return n;
}

static void rubbish_is_refused_and_hurts_nobody(void)
{
    expect("rubbish", false, "the request is not JSON");
    expect("", false, "the request is not JSON");
    expect("{}", false, "no such order");
    expect("[]", false, "no such order");
    expect("7", false, "no such order");
    expect("{\"do\":7}", false, "no such order");
    expect("{\"do\":\"rm -rf\"}", false, "no such order");
    expect("{\"do\":\"token\"}", false, "not found");
    expect("{\"do\":\"token\",\"role\":\"viewer\",\"hash\":\"zz\"}", false, "malformed input");
    expect("{\"do\":\"token\",\"role\":\"viewer\",\"hash\":\"00\"}", false, "invalid value");
    expect("{\"do\":\"apply\"}", false, "not applied");
    expect("{\"do\":\"apply\",\"files\":7}", false, "not applied");
    expect("{\"do\":\"apply\",\"files\":[7]}", false, "not applied");
    json_t *body = give("{\"do\":\"ask\"}");
    T_TRUE(!json_flag(body, "ok", true));
    json_decref(body);
    body = give("{\"do\":\"ask\",\"request\":{\"ask\":\"the impossible\"}}");
    T_TRUE(!json_flag(body, "ok", true));
    json_decref(body);
    T_EQ(get("/readyz", NULL), 200);
}

static void a_good_playbook_is_applied(void)
{
    json_t *body = apply(good, NULL);

    T_TRUE(json_flag(body, "ok", false));
    T_EQ(json_array_size(json_object_get(body, "complaints")), 0);
    json_decref(body);
    T_EQ(playbooks(), 1);
}

static void warnings_come_with_success(void)
{
    json_t *body = apply(good, shadowed);

    T_TRUE(json_flag(body, "ok", false));
    T_EQ(json_array_size(json_object_get(body, "complaints")), 1);
    T_TRUE(strstr(complaint(body, 0), "second.yaml:6: ") != NULL);
    T_TRUE(strstr(complaint(body, 0), "can never act") != NULL);
    json_decref(body);
    T_EQ(playbooks(), 2);
}

static void one_wrong_file_keeps_all_out(void)
{
    json_t *body = apply(shadowed, wrong);

    T_TRUE(!json_flag(body, "ok", true));
    T_STR(json_str(body, "error", NULL), "not applied");
    T_TRUE(strstr(complaint(body, json_array_size(json_object_get(body, "complaints")) - 1),
                  "second.yaml:") != NULL);
    json_decref(body);
    T_EQ(playbooks(), 1);
}

static void a_token_that_is_told_opens_the_door_and_is_kept(void)
{
    char line[300], hex[65];
    unsigned char hash[32];

    crypto_sha256(STR("new"), hash);
    crypto_hex_to(hash, sizeof hash, hex);
    (void)snprintf(line, sizeof line,
                   "{\"do\":\"token\",\"id\":\"t1\",\"role\":\"viewer\",\"hash\":\"%s\",\"expires_ms\":%lld}",
                   hex, (long long)HOST_WORLD_NOW_MS + 60000);
    T_EQ(get("/api/v1/status", "new"), 401);
    expect(line, true, NULL);
    T_EQ(get("/api/v1/status", "new"), 200);
    clock_advance(&w.clock, 60000);
    T_EQ(get("/api/v1/status", "new"), 401);

    struct arena scratch;
    struct token_row *rows;
    size_t n;
    host_world_stop(&w);
    arena_init(&scratch, 65536);
    T_OK(store_load_tokens(w.store, &scratch, &rows, &n));
    T_EQ(n, 1);
    T_MEM(rows[0].hash, hash, sizeof hash);
    T_EQ(rows[0].expires_ms, HOST_WORLD_NOW_MS + 60000);
    arena_fini(&scratch);
}

static void an_order_for_tests_is_obeyed_in_tests_only(void)
{
    expect("{\"do\":\"stall\",\"ms\":1}", true, NULL);
    w.api->conf.testing = false;
    expect("{\"do\":\"stall\",\"ms\":1}", false, "no such order");
}

#define CASE(fn)                                                                                             \
    {                                                                                                        \
#fn, t_call, open_world, close_world, (void *)(fn)                                                   \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(health_and_readiness_need_no_token),
        CASE(readiness_ends_with_the_stop_and_health_does_not),
        CASE(metrics_count_what_happened),
        CASE(metrics_are_well_formed),
        CASE(metrics_do_not_wait_for_an_engine_that_is_stuck),
        CASE(the_page_says_whether_it_runs),
        CASE(status_is_for_those_with_a_token),
        CASE(a_token_that_has_ended_is_none),
        CASE(the_feed_wants_a_token_and_a_websocket),
        CASE(other_paths_and_verbs_are_refused),
        CASE(a_listener_hears_events_and_deliveries),
        CASE(a_listener_without_a_token_is_not_let_in),
        CASE(what_is_described_is_served_and_the_other_way_round),
        CASE(every_reference_leads_somewhere),
        CASE(rubbish_is_refused_and_hurts_nobody),
        CASE(a_good_playbook_is_applied),
        CASE(warnings_come_with_success),
        CASE(one_wrong_file_keeps_all_out),
        CASE(a_token_that_is_told_opens_the_door_and_is_kept),
        CASE(an_order_for_tests_is_obeyed_in_tests_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
