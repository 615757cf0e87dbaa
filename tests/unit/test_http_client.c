/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/http_client.h"

#include <stdio.h>
#include <stdlib.h>

#include "loop/loop.h"
#include "loop/timer.h"
#include "support/asserts.h"
#include "support/peer.h"

#include "base/mem.h"

/* One loop, one client, one scripted server; transfers record their ends. */
static struct {
    struct loop *loop;
    struct http_client *http;
    struct peer *peer;
    size_t running, most_active;
} w;

struct call {
    struct http_xfer x;
    enum http_end end;
    int ends;
};

static void world_open(const struct peer_step *steps, size_t n, const struct http_client_conf *conf)
{
    memset(&w, 0, sizeof(w));
    T_OK(loop_new(&w.loop));
    T_OK(http_client_new(w.loop, conf, &w.http));
    if (n)
        T_OK(peer_start(steps, n, &w.peer));
}

static void world_close(void)
{
    http_client_free(w.http);
    loop_free(w.loop);
    peer_stop(w.peer);
}

static void on_done(struct http_xfer *x, enum http_end end)
{
    struct call *c = container_of(x, struct call, x);

    c->end = end;
    c->ends++;
    if (--w.running == 0)
        loop_stop(w.loop);
}

static void call_start(struct call *c)
{
    c->x.done = on_done;
    w.running++;
    T_OK(http_start(w.http, &c->x));
    T_EQ(c->ends, 0);
}

static void call_run(struct call *c)
{
    call_start(c);
    loop_run(w.loop);
    T_EQ(c->ends, 1);
}

static struct call post(const char *body, bool once)
{
    return (struct call){.x = {
                             .method = "POST",
                             .url = peer_url(w.peer, "/send"),
                             .body = str_of(body),
                             .send_once = once,
                             .deadline_ms = 5000,
                         }};
}

static void call_fini(struct call *c)
{
    http_xfer_fini(&c->x);
}

static void an_answer_is_read_with_its_facts(void **state)
{
    static const struct peer_step steps[] = {
        {.answer =
             "HTTP/1.1 429 Slow\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 4\r\n"
             "Date: Tue, 01 Dec 2026 02:00:00 GMT\r\nRetry-After: 7\r\n\r\nfour"}};
    const struct http_header headers[] = {{"X-Key", "v"}, {"Content-Type", "application/json"}};
    struct call c;

    (void)state;
    world_open(steps, 1, NULL);
    c = post("{\"a\":1}", true);
    c.x.headers = headers;
    c.x.header_count = 2;
    call_run(&c);
    T_EQ(c.end, HTTP_DONE);
    T_EQ(c.x.status, 429);
    T_EQ(c.x.err, 0);
    T_VIEW(buf_str(&c.x.answer), "four");
    T_STR(c.x.content_type, "application/json; charset=utf-8");
    T_EQ(c.x.date_ms, 1796090400000);
    T_EQ(c.x.retry_after_ms, 7000);
    T_EQ(c.x.bytes_out, strlen(peer_request(w.peer, 0)));
    T_TRUE(strstr(peer_request(w.peer, 0), "\r\nX-Key: v\r\n"));
    T_TRUE(strstr(peer_request(w.peer, 0), "\r\nContent-Length: 7\r\n"));
    T_TRUE(!strcasestr(peer_request(w.peer, 0), "Expect"));
    T_TRUE(strstr(peer_request(w.peer, 0), "\r\n\r\n{\"a\":1}"));
    call_fini(&c);
    world_close();
}

/* The one that matters: the peer processed the request and closed; libcurl would send it again. */
static void a_post_lost_on_a_reused_connection_is_never_repeated(void **state)
{
    static const struct peer_step steps[] = {
        {.answer = PEER_OK}, {.fate = PEER_CLOSE}, {.answer = PEER_OK, .fate = PEER_CLOSE}};
    static const char *bodies[] = {"first", "second"};
    struct call c[2];

    (void)state;
    for (int empty = 0; empty < 2; empty++) { /* without a body there is nothing to rewind */
        world_open(steps, 3, NULL);
        c[0] = post(bodies[0], true);
        call_run(&c[0]);
        T_EQ(c[0].end, HTTP_DONE);
        T_TRUE(!c[0].x.reused);
        c[1] = post(empty ? "" : bodies[1], true);
        call_run(&c[1]);
        T_EQ(c[1].end, HTTP_UNKNOWN);
        T_ERR(c[1].x.err, ERR_CLOSED);
        T_EQ(peer_requests(w.peer), 2);
        T_EQ(c[1].x.bytes_out, strlen(peer_request(w.peer, 1)));
        call_fini(&c[0]);
        call_fini(&c[1]);
        world_close();
    }
}

static void a_reset_after_reading_is_unknown_as_well(void **state)
{
    static const struct peer_step steps[] = {
        {.answer = PEER_OK}, {.fate = PEER_RESET}, {.answer = PEER_OK, .fate = PEER_CLOSE}};
    struct call a, b;

    (void)state;
    world_open(steps, 3, NULL);
    a = post("a", true);
    call_run(&a);
    b = post("b", true);
    call_run(&b);
    T_EQ(b.end, HTTP_UNKNOWN);
    T_EQ(peer_requests(w.peer), 2);
    call_fini(&a);
    call_fini(&b);
    world_close();
}

static void a_get_lost_on_a_reused_connection_is_repeated(void **state)
{
    static const struct peer_step steps[] = {
        {.answer = PEER_OK}, {.fate = PEER_CLOSE}, {.answer = PEER_OK, .fate = PEER_CLOSE}};
    struct call c[2] = {{.x = {.deadline_ms = 5000}}, {.x = {.deadline_ms = 5000}}};

    (void)state;
    world_open(steps, 3, NULL);
    for (int i = 0; i < 2; i++) {
        c[i].x.url = peer_url(w.peer, "/token");
        call_run(&c[i]);
        T_EQ(c[i].end, HTTP_DONE);
        call_fini(&c[i]);
    }
    T_EQ(peer_requests(w.peer), 3);
    world_close();
}

static void redirects_and_417_are_answers_not_orders(void **state)
{
    static const char *answers[] = {
        "HTTP/1.1 307 R\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 308 R\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 302 R\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 417 E\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 401 A\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n",
    };
    static const int statuses[] = {307, 308, 302, 417, 401};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct peer_step step = {.answer = answers[i]};
        char large[4096];
        struct call c;

        memset(large, 'x', sizeof(large) - 1);
        large[sizeof(large) - 1] = '\0';
        world_open(&step, 1, NULL);
        c = post(large, true);
        call_run(&c);
        T_EQ(c.end, HTTP_DONE);
        T_EQ(c.x.status, statuses[i]);
        T_EQ(peer_requests(w.peer), 1);
        call_fini(&c);
        world_close();
    }
}

static void what_cannot_connect_is_not_sent(void **state)
{
    static const struct peer_step steps[] = {{.answer = PEER_OK, .head_only = true}};
    struct call c;
    char url[64];

    (void)state;
    world_open(steps, 1, NULL);
    c = post("x", true);
    (void)snprintf(url, sizeof(url), "%s", c.x.url);
    peer_stop(w.peer);
    w.peer = NULL;
    c.x.url = url;
    call_run(&c);
    T_EQ(c.end, HTTP_NOT_SENT);
    T_ERR(c.x.err, -ECONNREFUSED);
    T_EQ(c.x.bytes_out, 0);
    call_fini(&c);
    world_close();
}

static void a_name_that_does_not_resolve_is_not_sent(void **state)
{
    struct call c = {.x = {.url = "http://no-such-host.invalid/", .deadline_ms = 8000, .send_once = true}};

    (void)state;
    world_open(NULL, 0, NULL);
    call_run(&c);
    T_EQ(c.end, HTTP_NOT_SENT);
    T_TRUE(c.x.err < 0);
    call_fini(&c);
    world_close();
}

static void a_peer_that_does_not_speak_tls_is_not_sent(void **state)
{
    static const struct peer_step steps[] = {{.answer = PEER_OK, .fate = PEER_CLOSE}};
    struct call c = {.x = {.method = "POST", .body = STR("x"), .send_once = true, .deadline_ms = 1000}};
    char url[64];

    (void)state;
    world_open(steps, 1, NULL);
    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%d/", peer_port(w.peer));
    c.x.url = url;
    c.x.connect_ms = 300;
    call_run(&c);
    T_EQ(c.end, HTTP_NOT_SENT);
    T_EQ(peer_requests(w.peer), 0);
    call_fini(&c);
    world_close();
}

static void an_answer_over_the_cap_is_cut_off(void **state)
{
    char answer[8192];
    struct peer_step step = {.answer = answer};
    int head =
        snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n");
    struct call c;

    (void)state;
    memset(answer + head, 'x', 0x1000);
    memcpy(answer + head + 0x1000, "\r\n0\r\n\r\n", 8);
    world_open(&step, 1, NULL);
    c = post("x", true);
    c.x.max_bytes = 4000;
    call_run(&c);
    T_EQ(c.end, HTTP_UNKNOWN);
    T_ERR(c.x.err, ERR_TOO_BIG);
    T_EQ(c.x.status, 200);
    T_TRUE(c.x.answer.len <= 4000);
    c.ends = 0;
    c.x.max_bytes = 5000;
    call_run(&c);
    T_EQ(c.end, HTTP_DONE);
    T_EQ(c.x.answer.len, 4096);
    call_fini(&c);
    world_close();
}

static void endless_headers_are_cut_off(void **state)
{
    size_t n = 80 * 1024;
    char *answer = malloc(n + 64);
    struct peer_step step = {.answer = answer};
    int at = snprintf(answer, n, "HTTP/1.1 200 OK\r\n");
    struct call c;

    (void)state;
    while ((size_t)at < n)
        at += snprintf(answer + at, 64, "X-Filler: %08d\r\n", at);
    (void)snprintf(answer + at, 3, "\r\n");
    world_open(&step, 1, NULL);
    c = post("x", true);
    call_run(&c);
    T_EQ(c.end, HTTP_UNKNOWN);
    T_ERR(c.x.err, ERR_TOO_BIG);
    call_fini(&c);
    world_close();
    free(answer);
}

static void half_an_answer_is_unknown(void **state)
{
    static const char *answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "HTTP/1.1 200 OK\r\nConte",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "rubbish\r\n\r\n",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct peer_step step = {.answer = answers[i], .fate = PEER_CLOSE};
        struct call c;

        world_open(&step, 1, NULL);
        c = post("x", true);
        call_run(&c);
        T_EQ(c.end, HTTP_UNKNOWN);
        T_TRUE(c.x.err < 0);
        T_EQ(peer_requests(w.peer), 1);
        call_fini(&c);
        world_close();
    }
}

static void the_deadline_in_the_middle_of_an_answer_is_unknown(void **state)
{
    static const struct peer_step steps[] = {{.answer = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"}};
    struct call c;

    (void)state;
    world_open(steps, 1, NULL);
    c = post("x", true);
    c.x.deadline_ms = 100;
    call_run(&c);
    T_EQ(c.end, HTTP_UNKNOWN);
    T_ERR(c.x.err, ERR_TIMEOUT);
    T_EQ(c.x.status, 200);
    T_TRUE(c.x.total_ms >= 90 && c.x.total_ms < 2000);
    call_fini(&c);
    world_close();
}

static void no_answer_until_the_deadline_is_unknown(void **state)
{
    static const struct peer_step steps[] = {{.answer = NULL}};
    struct call c;

    (void)state;
    world_open(steps, 1, NULL);
    c = post("x", true);
    c.x.deadline_ms = 100;
    call_run(&c);
    T_EQ(c.end, HTTP_UNKNOWN);
    T_ERR(c.x.err, ERR_TIMEOUT);
    T_EQ(c.x.status, 0);
    call_fini(&c);
    world_close();
}

static void a_continue_before_the_answer_is_passed_over(void **state)
{
    static const struct peer_step steps[] = {{.first = "HTTP/1.1 100 Continue\r\n\r\n", .answer = PEER_OK}};
    struct call c;

    (void)state;
    world_open(steps, 1, NULL);
    c = post("body", true);
    call_run(&c);
    T_EQ(c.end, HTTP_DONE);
    T_EQ(c.x.status, 200);
    T_VIEW(buf_str(&c.x.answer), "ok");
    T_EQ(peer_requests(w.peer), 1);
    call_fini(&c);
    world_close();
}

struct canceler {
    struct timer timer;
    struct call *calls;
    size_t n;
};

static void on_cancel_time(struct timer *t)
{
    struct canceler *c = container_of(t, struct canceler, timer);

    for (size_t i = 0; i < c->n; i++) {
        http_cancel(w.http, &c->calls[i].x);
        http_cancel(w.http, &c->calls[i].x); /* twice is once */
        T_EQ(c->calls[i].ends, 0);
    }
    timer_close(t, NULL);
}

static void cancelled_transfers_end_once_and_say_whether_bytes_left(void **state)
{
    static const struct peer_step steps[] = {{.answer = NULL}};
    const struct http_client_conf conf = {.max_per_host = 1};
    struct call c[2];
    struct canceler canceler = {.calls = c, .n = 2};

    (void)state;
    world_open(steps, 1, &conf);
    c[0] = post("x", true);
    c[1] = post("waits", true);
    call_start(&c[0]);
    call_start(&c[1]);
    timer_init(w.loop, &canceler.timer);
    timer_start(&canceler.timer, 50, on_cancel_time);
    loop_run(w.loop);
    for (int i = 0; i < 2; i++) {
        T_EQ(c[i].end, HTTP_CANCELED);
        T_EQ(c[i].ends, 1);
        T_ERR(c[i].x.err, ERR_CANCELED);
        T_TRUE(!http_is_running(&c[i].x));
        http_cancel(w.http, &c[i].x);
        call_fini(&c[i]);
    }
    T_EQ(peer_requests(w.peer), 1);
    T_TRUE(c[0].x.bytes_out > 0);
    T_EQ(c[1].x.bytes_out, 0);
    world_close();
}

static void a_transfer_that_waits_for_a_place_too_long_is_not_sent(void **state)
{
    static const struct peer_step steps[] = {{.answer = NULL}};
    const struct http_client_conf conf = {.max_per_host = 1, .max_waiting = 1};
    struct call c[3];

    (void)state;
    world_open(steps, 1, &conf);
    for (int i = 0; i < 3; i++)
        c[i] = post("x", true);
    c[0].x.deadline_ms = 400;
    c[1].x.deadline_ms = 100;
    call_start(&c[0]);
    call_start(&c[1]);
    c[2].x.done = on_done;
    T_ERR(http_start(w.http, &c[2].x), ERR_FULL);
    loop_run(w.loop);
    T_EQ(c[0].end, HTTP_UNKNOWN);
    T_EQ(c[1].end, HTTP_NOT_SENT);
    T_ERR(c[1].x.err, ERR_TIMEOUT);
    T_EQ(c[2].ends, 0);
    T_EQ(peer_requests(w.peer), 1);
    for (int i = 0; i < 3; i++)
        call_fini(&c[i]);
    world_close();
}

static void many_requests_share_a_bounded_pool(void **state)
{
    static const struct peer_step steps[] = {{.answer = PEER_OK}};
    const struct http_client_conf conf = {.max_total = 8, .max_per_host = 4};
    enum { MANY = 300 };
    struct call *c = calloc(MANY, sizeof(*c));
    size_t reused = 0;

    (void)state;
    world_open(steps, 1, &conf);
    for (int i = 0; i < MANY; i++) {
        c[i] = post("x", true);
        call_start(&c[i]);
    }
    T_EQ(http_client_load(w.http), MANY);
    loop_run(w.loop);
    for (int i = 0; i < MANY; i++) {
        T_EQ(c[i].end, HTTP_DONE);
        T_EQ(c[i].ends, 1);
        reused += c[i].x.reused;
        call_fini(&c[i]);
    }
    T_EQ(peer_requests(w.peer), MANY);
    T_TRUE(peer_most_open(w.peer) <= 4);
    T_EQ(reused, MANY - peer_connections(w.peer));
    T_EQ(http_client_load(w.http), 0);
    free(c);
    world_close();
}

static struct call again;

static void on_done_start_again(struct http_xfer *x, enum http_end end)
{
    struct call *c = container_of(x, struct call, x);

    c->end = end;
    c->ends++;
    call_start(&again);
    if (--w.running == 0)
        loop_stop(w.loop);
}

static void an_end_may_start_the_next_transfer(void **state)
{
    static const struct peer_step steps[] = {{.answer = PEER_OK}};
    struct call c;

    (void)state;
    world_open(steps, 1, NULL);
    c = post("x", true);
    again = post("y", true);
    c.x.done = on_done_start_again;
    w.running++;
    T_OK(http_start(w.http, &c.x));
    loop_run(w.loop);
    T_EQ(again.ends, 1);
    T_EQ(again.end, HTTP_DONE);
    T_TRUE(again.x.reused);
    call_fini(&c);
    call_fini(&again);
    world_close();
}

static void bad_requests_are_refused_at_the_start(void **state)
{
    static const char *urls[] = {"ftp://x/",    "file:///etc/passwd", "http://", "http:///x",
                                 "http://a b/", "http://a/\r\nX: y",  ""};
    const struct http_header split = {"X", "a\r\nY: b"};
    struct call c = {.x = {.done = on_done}};

    (void)state;
    world_open(NULL, 0, NULL);
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        c.x.url = urls[i];
        T_ERR(http_start(w.http, &c.x), ERR_INVALID);
    }
    c.x.url = "http://127.0.0.1:1/";
    c.x.headers = &split;
    c.x.header_count = 1;
    T_ERR(http_start(w.http, &c.x), ERR_INVALID);
    T_EQ(http_client_load(w.http), 0);
    call_fini(&c);
    world_close();
}

static void verbs_without_a_body_send_none(void **state)
{
    static const char *methods[] = {"GET", "HEAD", "DELETE", "PUT", "POST"};
    static const struct peer_step steps[] = {{.answer = "HTTP/1.1 204 N\r\n\r\n", .fate = PEER_CLOSE}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        struct call c = {.x = {.method = methods[i], .send_once = true, .deadline_ms = 5000}};

        world_open(steps, 1, NULL);
        c.x.url = peer_url(w.peer, "/v");
        call_run(&c);
        T_EQ(c.end, HTTP_DONE);
        T_EQ(c.x.status, 204);
        T_EQ(strncmp(peer_request(w.peer, 0), methods[i], strlen(methods[i])), 0);
        T_EQ(strstr(peer_request(w.peer, 0), "\r\nContent-Length: 0\r\n") != NULL, i >= 3);
        call_fini(&c);
        world_close();
    }
}

static void every_allocation_may_fail_at_the_start(void **state)
{
    static const struct peer_step steps[] = {{.answer = PEER_OK}};
    bool hit = true;

    (void)state;
    world_open(steps, 1, NULL);
    for (int n = 1; hit; n++) {
        struct call c = post("x", true);
        int r;

        c.x.done = on_done;
        mem_fail_at(n);
        r = http_start(w.http, &c.x);
        hit = mem_fault_hit();
        mem_fail_at(0);
        if (r == 0) {
            w.running++;
            loop_run(w.loop);
            T_EQ(c.ends, 1);
        } else {
            T_ERR(r, -ENOMEM);
            T_EQ(c.ends, 0);
        }
        call_fini(&c);
    }
    world_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_read_with_its_facts),
        cmocka_unit_test(a_post_lost_on_a_reused_connection_is_never_repeated),
        cmocka_unit_test(a_reset_after_reading_is_unknown_as_well),
        cmocka_unit_test(a_get_lost_on_a_reused_connection_is_repeated),
        cmocka_unit_test(redirects_and_417_are_answers_not_orders),
        cmocka_unit_test(what_cannot_connect_is_not_sent),
        cmocka_unit_test(a_name_that_does_not_resolve_is_not_sent),
        cmocka_unit_test(a_peer_that_does_not_speak_tls_is_not_sent),
        cmocka_unit_test(an_answer_over_the_cap_is_cut_off),
        cmocka_unit_test(endless_headers_are_cut_off),
        cmocka_unit_test(half_an_answer_is_unknown),
        cmocka_unit_test(the_deadline_in_the_middle_of_an_answer_is_unknown),
        cmocka_unit_test(no_answer_until_the_deadline_is_unknown),
        cmocka_unit_test(a_continue_before_the_answer_is_passed_over),
        cmocka_unit_test(cancelled_transfers_end_once_and_say_whether_bytes_left),
        cmocka_unit_test(a_transfer_that_waits_for_a_place_too_long_is_not_sent),
        cmocka_unit_test(many_requests_share_a_bounded_pool),
        cmocka_unit_test(an_end_may_start_the_next_transfer),
        cmocka_unit_test(bad_requests_are_refused_at_the_start),
        cmocka_unit_test(verbs_without_a_body_send_none),
        cmocka_unit_test(every_allocation_may_fail_at_the_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
