/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/ws.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "loop/front_door.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "support/asserts.h"
#include "support/peer.h"

/* A front door whose /live upgrades, and our own client against it, on one loop. */
static struct {
    struct loop *loop;
    struct front_door *door;
    struct ws *ws;
    struct ws_server *server;
    struct timer guard;
    int port;
    struct ws_id at_server, at_client;
    struct buf log; /* what happened, in order */
    const struct scene *scene;
    bool stopping;
    int upgrade_result;
} w;

/* What a test does at each event; NULL: nothing. */
struct scene {
    void (*server_open)(void);
    void (*server_text)(struct str text);
    void (*client_open)(void);
    void (*client_text)(struct str text);
    void (*server_close)(int err);
    void (*client_close)(int err);
};

static void finish(void);

static void on_server_open(void *ctx, struct ws_id id, uint64_t tag)
{
    (void)ctx;
    w.at_server = id;
    (void)buf_addf(&w.log, "server open %d;", (int)tag);
    if (w.scene->server_open)
        w.scene->server_open();
}

static void on_server_text(void *ctx, struct ws_id id, struct str text)
{
    (void)ctx;
    T_EQ(id.value, w.at_server.value);
    if (text.n < 100)
        (void)buf_addf(&w.log, "server hears %.*s;", STR_ARG(text));
    if (w.scene->server_text)
        w.scene->server_text(text);
}

static void on_server_close(void *ctx, struct ws_id id, uint64_t tag, int err)
{
    (void)ctx;
    (void)tag;
    T_EQ(id.value, w.at_server.value);
    T_ERR(ws_send_text(w.ws, id, STR("x")), ERR_NOT_FOUND);
    (void)buf_addf(&w.log, "server close %s;", err_name(err));
    if (w.scene->server_close)
        w.scene->server_close(err);
}

static void on_client_open(void *ctx, struct ws_id id, uint64_t tag)
{
    (void)ctx;
    T_EQ(id.value, w.at_client.value);
    (void)buf_addf(&w.log, "client open %d;", (int)tag);
    if (w.scene->client_open)
        w.scene->client_open();
}

static void on_client_text(void *ctx, struct ws_id id, struct str text)
{
    (void)ctx;
    (void)id;
    if (text.n < 100)
        (void)buf_addf(&w.log, "client hears %.*s;", STR_ARG(text));
    if (w.scene->client_text)
        w.scene->client_text(text);
}

static void on_client_close(void *ctx, struct ws_id id, uint64_t tag, int err)
{
    (void)ctx;
    (void)id;
    (void)tag;
    (void)buf_addf(&w.log, "client close %s;", err_name(err));
    if (w.scene->client_close)
        w.scene->client_close(err);
}

static const struct ws_events server_events = {NULL, on_server_open, on_server_text, on_server_close};
static const struct ws_events client_events = {NULL, on_client_open, on_client_text, on_client_close};

static void on_live(void *ctx, const struct http_request *r)
{
    (void)ctx;
    if (!str_is(http_request_field(r, "Authorization"), "Bearer good")) {
        http_reply_error(w.door, r->id, 401, "unauthorized", "no");
        return;
    }
    w.upgrade_result = front_door_upgrade(w.door, r->id, 7);
    if (w.upgrade_result < 0)
        http_reply_error(w.door, r->id, 400, "bad_request", "not a websocket request");
}

static void on_ws_stopped(void *ctx)
{
    (void)ctx;
    ws_free(w.ws);
}

static void on_door_stopped(void *ctx)
{
    (void)ctx;
    front_door_free(w.door);
    ws_stop(w.ws, on_ws_stopped, NULL);
}

static void finish(void)
{
    if (w.stopping)
        return;
    w.stopping = true;
    timer_close(&w.guard, NULL);
    front_door_stop(w.door, 100, on_door_stopped, NULL);
}

static void finish_on_close(int err)
{
    (void)err;
    finish();
}

static void on_guard(struct timer *t)
{
    (void)t;
    (void)buf_adds(&w.log, "TOO LATE;");
    finish();
}

static void world_open(const struct scene *scene, const struct ws_conf *conf)
{
    struct front_door_conf door = {0};

    memset(&w, 0, sizeof(w));
    w.scene = scene;
    buf_init(&w.log, 1 << 20);
    T_OK(loop_new(&w.loop));
    T_OK(ws_new(w.loop, conf, &w.ws));
    T_OK(ws_server_new(w.ws, &server_events, &w.server));
    door.ws = w.server;
    T_OK(front_door_new(w.loop, &door, &w.door));
    T_OK(front_door_route(w.door, VERB_GET, "/live", 0, on_live, NULL));
    T_OK(front_door_listen(w.door, "127.0.0.1:0"));
    w.port = front_door_port(w.door);
    timer_init(w.loop, &w.guard);
    timer_start(&w.guard, 8000, on_guard);
}

static void connect_with(const char *token)
{
    const struct http_header header = {"Authorization", token};
    char url[64];

    (void)snprintf(url, sizeof(url), "ws://127.0.0.1:%d/live?x=1", w.port);
    T_OK(ws_connect(w.ws, url, &header, 1, 3000, &client_events, 9, &w.at_client));
    T_EQ(w.log.len, 0);
}

static void world_close(void)
{
    loop_free(w.loop);
    buf_fini(&w.log);
}

static void say_hello(void)
{
    T_OK(ws_send_text(w.ws, w.at_client, STR("你好")));
    T_OK(ws_send_text(w.ws, w.at_client, STR("")));
}

static void answer(struct str text)
{
    if (text.n > 0)
        T_OK(ws_send_text(w.ws, w.at_server, text));
    else
        T_OK(ws_close(w.ws, w.at_server));
}

static void an_upgraded_peer_talks_and_closes_in_order(void **state)
{
    const struct scene scene = {
        .client_open = say_hello, .server_text = answer, .client_close = finish_on_close};

    (void)state;
    world_open(&scene, NULL);
    connect_with("Bearer good");
    loop_run(w.loop);
    T_TRUE(strstr(w.log.data, "server open 7;"));
    T_TRUE(strstr(w.log.data, "client open 9;"));
    T_TRUE(strstr(w.log.data, "server hears 你好;server hears ;"));
    T_TRUE(strstr(w.log.data, "client hears 你好;"));
    T_TRUE(strstr(w.log.data, "server close OK;"));
    T_TRUE(strstr(w.log.data, "client close OK;"));
    world_close();
}

static void a_refused_upgrade_ends_the_client_once(void **state)
{
    const struct scene scene = {.client_close = finish_on_close};

    (void)state;
    world_open(&scene, NULL);
    connect_with("Bearer bad");
    loop_run(w.loop);
    T_STR(buf_cstr(&w.log), "client close ERR_CLOSED;");
    world_close();
}

static void a_port_nobody_listens_on_ends_the_client_once(void **state)
{
    const struct scene scene = {.client_close = finish_on_close};
    struct ws_id id;

    (void)state;
    world_open(&scene, NULL);
    T_OK(ws_connect(w.ws, "ws://127.0.0.1:1/", NULL, 0, 3000, &client_events, 0, &id));
    T_STR(buf_cstr(&w.log), "");
    loop_run(w.loop);
    T_EQ(strncmp(w.log.data, "client close ", 13), 0);
    T_TRUE(!strstr(w.log.data, "OK") && !strstr(w.log.data, "LATE"));
    world_close();
}

static void a_silent_server_is_given_up_at_the_deadline(void **state)
{
    static const struct peer_step steps[] = {{.answer = NULL}};
    const struct scene scene = {.client_close = finish_on_close};
    struct peer *peer;
    struct ws_id id;
    char url[64];

    (void)state;
    T_OK(peer_start(steps, 1, &peer));
    world_open(&scene, NULL);
    (void)snprintf(url, sizeof(url), "ws://127.0.0.1:%d/", peer_port(peer));
    T_OK(ws_connect(w.ws, url, NULL, 0, 100, &client_events, 0, &id));
    loop_run(w.loop);
    T_STR(buf_cstr(&w.log), "client close ERR_TIMEOUT;");
    T_TRUE(strstr(peer_request(peer, 0), "Sec-WebSocket-Key: "));
    world_close();
    peer_stop(peer);
}

static void bad_urls_are_refused_at_once(void **state)
{
    static const char *urls[] = {"http://x/", "ws://",         "ws://:80/",
                                 "ws://x:0/", "ws://x:99999/", "ws://x/\r\nA: b"};
    const struct scene scene = {0};
    struct ws_id id;

    (void)state;
    world_open(&scene, NULL);
    for (size_t i = 0; i < ARRAY_LEN(urls); i++)
        T_ERR(ws_connect(w.ws, urls[i], NULL, 0, 0, &client_events, 0, &id), ERR_INVALID);
    T_EQ(ws_peer_count(w.ws), 0);
    finish();
    loop_run(w.loop);
    world_close();
}

static char *large;
enum { LARGE = 100000 };

static void send_large(void)
{
    T_OK(ws_send_text(w.ws, w.at_client, (struct str){large, LARGE}));
}

static void count_large(struct str text)
{
    (void)buf_addf(&w.log, "%zu bytes;", text.n);
    finish();
}

static void messages_are_put_together_up_to_the_cap(void **state)
{
    const struct scene scene = {
        .client_open = send_large, .server_text = count_large, .client_close = finish_on_close};
    const struct ws_conf confs[] = {{.max_message = LARGE}, {.max_message = LARGE - 1}};

    (void)state;
    large = malloc(LARGE);
    memset(large, 'l', LARGE);
    world_open(&scene, &confs[0]);
    connect_with("Bearer good");
    loop_run(w.loop);
    T_TRUE(strstr(w.log.data, "100000 bytes;"));
    world_close();
    world_open(&scene, &confs[1]);
    connect_with("Bearer good");
    loop_run(w.loop);
    T_TRUE(!strstr(w.log.data, "bytes;"));
    T_TRUE(strstr(w.log.data, "server close ERR_TOO_BIG;"));
    world_close();
    free(large);
}

/* A client of raw bytes, on a thread, that upgrades and then does what `raw` says. */
struct raw {
    const char *say;
    size_t say_bytes;
    bool read_nothing;
    const char *before; /* behind the head, in the same segment */
    struct buf heard;
    int fd;
    pthread_t thread;
};

static void *raw_run(void *arg)
{
    struct raw *raw = arg;
    char head[1024];
    int n = snprintf(head, sizeof(head),
                     "GET /live HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\nConnection: Upgrade\r\n"
                     "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nX-Filler: %0500d\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n%s",
                     1, raw->before ? raw->before : "");

    buf_init(&raw->heard, 1 << 20);
    raw->fd = peer_dial(w.port);
    if (raw->fd < 0 || peer_say(raw->fd, head, (size_t)n) < 0 || peer_hear_answer(raw->fd, &raw->heard) < 0)
        return NULL;
    if (raw->say_bytes)
        (void)peer_say(raw->fd, raw->say, raw->say_bytes);
    if (!raw->read_nothing) {
        (void)peer_hear_end(raw->fd, &raw->heard);
        (void)close(raw->fd);
    }
    return NULL;
}

static void raw_finish(struct raw *raw)
{
    T_EQ(pthread_join(raw->thread, NULL), 0);
    if (raw->read_nothing)
        (void)close(raw->fd);
    buf_fini(&raw->heard);
}

static void flood(void)
{
    int r = 0;
    size_t sent = 0;
    struct str text = {large, LARGE};

    while (r == 0 && sent < 1000) {
        r = ws_send_text(w.ws, w.at_server, text);
        sent++;
    }
    T_ERR(r, ERR_FULL);
    T_TRUE(sent <= 11);
    T_ERR(ws_send_text(w.ws, w.at_server, text), ERR_NOT_FOUND);
}

static void a_reader_too_slow_for_its_queue_is_closed(void **state)
{
    const struct scene scene = {.server_open = flood, .server_close = finish_on_close};
    struct raw raw = {.read_nothing = true};

    (void)state;
    large = malloc(LARGE);
    memset(large, 'l', LARGE);
    world_open(&scene, NULL);
    T_EQ(pthread_create(&raw.thread, NULL, raw_run, &raw), 0);
    loop_run(w.loop);
    T_TRUE(strstr(w.log.data, "server close ERR_FULL;"));
    raw_finish(&raw);
    world_close();
    free(large);
}

static void a_binary_message_closes_the_peer(void **state)
{
    const struct scene scene = {.server_close = finish_on_close};
    struct raw raw = {.say = "\x82\x81\0\0\0\0x", .say_bytes = 7};

    (void)state;
    world_open(&scene, NULL);
    T_EQ(pthread_create(&raw.thread, NULL, raw_run, &raw), 0);
    loop_run(w.loop);
    T_TRUE(strstr(w.log.data, "server close ERR_UNSUPPORTED;"));
    T_EQ(strncmp(raw.heard.data, "HTTP/1.1 101 ", 13), 0);
    T_TRUE(strstr(raw.heard.data, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    raw_finish(&raw);
    world_close();
}

static void text_that_is_not_utf8_closes_the_peer(void **state)
{
    const struct scene scene = {.server_close = finish_on_close};
    struct raw raw = {.say = "\x81\x82\0\0\0\0\xff\xfe", .say_bytes = 8};

    (void)state;
    world_open(&scene, NULL);
    T_EQ(pthread_create(&raw.thread, NULL, raw_run, &raw), 0);
    loop_run(w.loop);
    T_TRUE(!strstr(w.log.data, "hears"));
    T_TRUE(strstr(w.log.data, "server close ERR_CLOSED;"));
    raw_finish(&raw);
    world_close();
}

static void frames_before_the_101_are_refused(void **state)
{
    const struct scene scene = {0};
    struct raw raw = {.before = "\x81\x81"};

    (void)state;
    world_open(&scene, NULL);
    timer_start(&w.guard, 300, on_guard);
    T_EQ(pthread_create(&raw.thread, NULL, raw_run, &raw), 0);
    loop_run(w.loop);
    T_ERR(w.upgrade_result, ERR_INVALID);
    T_TRUE(!strstr(w.log.data, "open"));
    raw_finish(&raw);
    world_close();
}

static void a_silent_peer_is_pinged(void **state)
{
    const struct ws_conf conf = {.ping_ms = 1000, .hangup_ms = 2000};
    const struct scene scene = {.server_close = finish_on_close};
    struct raw raw = {0};

    (void)state;
    world_open(&scene, &conf);
    T_EQ(pthread_create(&raw.thread, NULL, raw_run, &raw), 0);
    loop_run(w.loop);
    T_TRUE(strstr(w.log.data, "server close ERR_CLOSED;")); /* it never answered with a pong */
    T_EQ(pthread_join(raw.thread, NULL), 0);
    T_TRUE(memchr(strstr(raw.heard.data, "\r\n\r\n"), 0x89, 8)); /* the ping */
    buf_fini(&raw.heard);
    world_close();
}

static void close_while_connecting(void)
{
    T_OK(ws_close(w.ws, w.at_client));
}

static void on_soon(struct timer *t)
{
    (void)t;
    close_while_connecting();
}

static void stopping_closes_every_peer_in_every_state(void **state)
{
    static const struct peer_step steps[] = {{.answer = NULL}};
    const struct scene scene = {.client_open = finish};
    struct peer *silent;
    struct ws_id id;
    char url[64];

    (void)state;
    T_OK(peer_start(steps, 1, &silent));
    world_open(&scene, NULL);
    (void)snprintf(url, sizeof(url), "ws://127.0.0.1:%d/", peer_port(silent));
    T_OK(ws_connect(w.ws, url, NULL, 0, 5000, &client_events, 1, &id));
    connect_with("Bearer good");
    T_EQ(ws_peer_count(w.ws), 2);
    loop_run(w.loop);
    T_TRUE(!strstr(w.log.data, "LATE"));
    T_TRUE(strstr(w.log.data, "server close"));
    world_close();
    peer_stop(silent);
}

static void a_client_may_be_closed_before_it_opens(void **state)
{
    static const struct peer_step steps[] = {{.answer = NULL}};
    const struct scene scene = {.client_close = finish_on_close};
    struct timer soon;
    struct peer *silent;
    char url[64];

    (void)state;
    T_OK(peer_start(steps, 1, &silent));
    world_open(&scene, NULL);
    (void)snprintf(url, sizeof(url), "ws://127.0.0.1:%d/", peer_port(silent));
    T_OK(ws_connect(w.ws, url, NULL, 0, 5000, &client_events, 1, &w.at_client));
    timer_init(w.loop, &soon);
    timer_start(&soon, 50, on_soon);
    loop_run(w.loop);
    T_STR(buf_cstr(&w.log), "client close OK;");
    timer_close(&soon, NULL);
    loop_run(w.loop);
    world_close();
    peer_stop(silent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_upgraded_peer_talks_and_closes_in_order),
        cmocka_unit_test(a_refused_upgrade_ends_the_client_once),
        cmocka_unit_test(a_port_nobody_listens_on_ends_the_client_once),
        cmocka_unit_test(a_silent_server_is_given_up_at_the_deadline),
        cmocka_unit_test(bad_urls_are_refused_at_once),
        cmocka_unit_test(messages_are_put_together_up_to_the_cap),
        cmocka_unit_test(a_reader_too_slow_for_its_queue_is_closed),
        cmocka_unit_test(a_binary_message_closes_the_peer),
        cmocka_unit_test(text_that_is_not_utf8_closes_the_peer),
        cmocka_unit_test(frames_before_the_101_are_refused),
        cmocka_unit_test(a_silent_peer_is_pinged),
        cmocka_unit_test(stopping_closes_every_peer_in_every_state),
        cmocka_unit_test(a_client_may_be_closed_before_it_opens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
