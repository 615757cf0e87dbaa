/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/front_door.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "support/asserts.h"
#include "support/peer.h"

enum { BODY_CAP = 100000, BIG = 8 * 1024 * 1024, MAX_PENDING = 16 };

/* One connection of the client thread: says something, hears so many answers or all until the end. */
struct visit {
    const char *say;
    size_t say_bytes;   /* 0: strlen */
    bool bytewise;      /* one send a byte */
    bool half_close;    /* after saying all */
    bool leave;         /* without hearing anything */
    bool keep;          /* leave the connection open until all visits are over */
    const char *answer; /* to say after the first answer */
    int answers;        /* 0: until the end */
    struct buf heard;
    int r, fd;
};

static struct {
    struct loop *loop;
    struct front_door *door;
    struct loop_wake done;
    struct timer later;
    pthread_t thread;
    struct visit *visits;
    size_t visit_count;
    struct request_id pending[MAX_PENDING];
    size_t pending_count;
    size_t handled;
    int port;
    bool stopping, stopped, late_reply_seen;
    char *big;
} w;

static void visit_make(struct visit *v)
{
    size_t n = v->say_bytes ? v->say_bytes : strlen(v->say);

    buf_init(&v->heard, 64 * 1024 * 1024);
    v->fd = peer_dial(w.port);
    v->r = v->fd;
    for (size_t i = 0; v->r >= 0 && v->bytewise && i < n; i++)
        v->r = peer_say(v->fd, v->say + i, 1);
    if (v->r >= 0 && !v->bytewise)
        v->r = peer_say(v->fd, v->say, n);
    if (v->half_close && v->r >= 0)
        v->r = shutdown(v->fd, SHUT_WR);
    for (int i = 0; v->r >= 0 && i < v->answers; i++) {
        v->r = peer_hear_answer(v->fd, &v->heard);
        if (i == 0 && v->answer)
            v->r = peer_say(v->fd, v->answer, strlen(v->answer));
    }
    if (v->r >= 0 && v->answers == 0 && !v->leave)
        v->r = peer_hear_end(v->fd, &v->heard);
    if (!v->keep && v->fd >= 0)
        (void)close(v->fd);
}

static void *make_visits(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < w.visit_count; i++)
        visit_make(&w.visits[i]);
    for (size_t i = 0; i < w.visit_count; i++)
        if (w.visits[i].keep)
            (void)close(w.visits[i].fd);
    loop_wake_send(&w.done);
    return NULL;
}

static void on_stopped(void *ctx)
{
    T_TRUE(ctx == &w);
    w.stopped = true;
    front_door_free(w.door);
}

/* The clients are done, or one of them asked for it: whoever comes first. */
static void stop_door(void)
{
    if (!w.stopping)
        front_door_stop(w.door, 1000, on_stopped, &w);
    w.stopping = true;
}

static void on_visits_made(struct loop_wake *wake)
{
    loop_wake_close(wake, NULL);
    timer_close(&w.later, NULL);
    stop_door();
}

static void on_echo(void *ctx, const struct http_request *r)
{
    struct http_header header = {"X-Peer", "127.0.0.1"};
    struct http_reply reply = {
        .status = 200, .content_type = "text/plain", .headers = &header, .header_count = 1};
    struct buf text;

    T_VIEW(r->peer, "127.0.0.1");
    buf_init(&text, 1 << 20);
    (void)buf_addf(&text, "%s %.*s|%.*s|%.*s|%.*s|%s", http_verb_name(r->verb), STR_ARG(r->path),
                   STR_ARG(r->query), STR_ARG(r->rest), STR_ARG(r->body), (const char *)ctx);
    reply.body = buf_str(&text);
    w.handled++;
    http_reply(w.door, r->id, &reply);
    http_reply(w.door, r->id, &reply); /* the second answer is nobody's */
    buf_fini(&text);
}

static void on_later(struct timer *t)
{
    struct http_reply reply = {.status = 200, .content_type = "text/plain", .body = STR("later")};

    (void)t;
    for (size_t i = 0; i < w.pending_count; i++)
        http_reply(w.door, w.pending[i], &reply);
    w.pending_count = 0;
    w.late_reply_seen = true;
}

static void on_ask_later(void *ctx, const struct http_request *r)
{
    (void)ctx;
    assert_true(w.pending_count < MAX_PENDING);
    w.pending[w.pending_count++] = r->id;
    w.handled++;
    timer_start(&w.later, 30, on_later);
}

static void on_never(void *ctx, const struct http_request *r)
{
    (void)ctx;
    (void)r;
    w.handled++;
}

static void on_big(void *ctx, const struct http_request *r)
{
    struct http_reply reply = {.status = 200, .body = {w.big, BIG}};

    (void)ctx;
    http_reply(w.door, r->id, &reply);
}

static void on_split(void *ctx, const struct http_request *r)
{
    struct http_header header = {"Location", "/a\r\nSet-Cookie: x"};
    struct http_reply reply = {.status = 302, .headers = &header, .header_count = 1};

    (void)ctx;
    http_reply(w.door, r->id, &reply);
}

static void on_stop_now(void *ctx, const struct http_request *r)
{
    (void)ctx;
    stop_door();
    on_ask_later(NULL, r);
}

static void serve(const struct front_door_conf *conf, struct visit *visits, size_t n)
{
    memset(&w, 0, sizeof(w));
    T_OK(loop_new(&w.loop));
    T_OK(front_door_new(w.loop, conf, &w.door));
    T_OK(front_door_route(w.door, VERB_GET | VERB_POST, "/echo", BODY_CAP, on_echo, "exact"));
    T_OK(front_door_route(w.door, VERB_POST, "/hooks/", BODY_CAP, on_echo, "prefix"));
    T_OK(front_door_route(w.door, VERB_POST, "/hooks/sms/up", BODY_CAP, on_echo, "longer"));
    T_OK(front_door_route(w.door, VERB_GET, "/", 0, on_echo, "root"));
    T_OK(front_door_route(w.door, VERB_GET, "/later", 0, on_ask_later, NULL));
    T_OK(front_door_route(w.door, VERB_GET, "/never", 0, on_never, NULL));
    T_OK(front_door_route(w.door, VERB_GET, "/big", 0, on_big, NULL));
    T_OK(front_door_route(w.door, VERB_GET, "/split", 0, on_split, NULL));
    T_OK(front_door_route(w.door, VERB_GET, "/stop", 0, on_stop_now, NULL));
    T_OK(front_door_listen(w.door, "127.0.0.1:0"));
    w.port = front_door_port(w.door);
    timer_init(w.loop, &w.later);
    T_OK(loop_wake_init(w.loop, &w.done, on_visits_made));
    w.visits = visits;
    w.visit_count = n;
    w.big = calloc(1, BIG);
    memset(w.big, 'b', BIG);
    T_EQ(pthread_create(&w.thread, NULL, make_visits, NULL), 0);
    loop_run(w.loop);
    T_EQ(pthread_join(w.thread, NULL), 0);
    T_TRUE(w.stopped);
    loop_free(w.loop);
    free(w.big);
}

static const char *body_of(const struct visit *v)
{
    const char *text = buf_cstr(&v->heard), *end = strstr(text, "\r\n\r\n");

    return end ? end + 4 : strchr(text, '\0');
}

static int status_of(const struct visit *v)
{
    const char *text = buf_cstr(&v->heard);

    return strncmp(text, "HTTP/1.1 ", 9) == 0 ? (int)strtol(text + 9, NULL, 10) : 0;
}

static void visits_fini(struct visit *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_fini(&v[i].heard);
}

#define HOST "Host: x\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"
#define LAST(path) "GET " path " HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"

static void requests_reach_the_handler_of_their_path(void **state)
{
    struct visit v[] = {
        {.say = "POST /echo?q=1 HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nbody", .answers = 1},
        {.say = "POST /hooks/kf/report HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", .answers = 1},
        {.say = "POST /hooks/sms/up HTTP/1.1\r\n" HOST "\r\n", .answers = 1},
        {.say = GET("/"), .answers = 1},
        {.say = "HEAD /echo HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"},
        {.say = "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nbyte",
         .answers = 1,
         .bytewise = true},
        {.say = "GET /echo HTTP/1.0\r\n\r\n"},
        {.say = GET("/echo"), .half_close = true},
    };

    (void)state;
    serve(NULL, v, ARRAY_LEN(v));
    T_EQ(status_of(&v[0]), 200);
    T_STR(body_of(&v[0]), "POST /echo|q=1||body|exact");
    T_TRUE(strstr(v[0].heard.data, "\r\nX-Peer: 127.0.0.1\r\n"));
    T_TRUE(strstr(v[0].heard.data, "\r\nDate: "));
    T_TRUE(!strstr(v[0].heard.data, "Connection: close"));
    T_STR(body_of(&v[1]), "POST /hooks/kf/report||kf/report||prefix");
    T_STR(body_of(&v[2]), "POST /hooks/sms/up||||longer");
    T_STR(body_of(&v[3]), "GET /||||root");
    T_STR(body_of(&v[4]), "");
    T_TRUE(strstr(v[4].heard.data, "\r\nContent-Length: 19\r\n"));
    T_STR(body_of(&v[5]), "POST /echo|||byte|exact");
    T_STR(body_of(&v[6]), "GET /echo||||exact");
    T_STR(body_of(&v[7]), "GET /echo||||exact");
    T_EQ(w.handled, 8);
    visits_fini(v, ARRAY_LEN(v));
}

static void what_the_door_refuses_has_a_status_and_a_reason(void **state)
{
    static const struct {
        int status;
        const char *say, *code;
    } cases[] = {
        {404, LAST("/nothing"), "not_found"},
        {404, LAST("/hooks"), "not_found"},
        {405, "PUT /echo HTTP/1.1\r\n" HOST "Content-Length: 9\r\n\r\n", "method_not_allowed"},
        {413, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 100001\r\n\r\n", "too_large"},
        {413, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551615\r\n\r\n", "too_large"},
        {411, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", "length_required"},
        {400, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
         "bad_request"},
        {501, "PATCH /echo HTTP/1.1\r\n" HOST "\r\n", "not_implemented"},
        {505, "GET / HTTP/3.0\r\n" HOST "\r\n", "version_not_supported"},
        {500, LAST("/split"), "internal"},
    };
    struct visit v[ARRAY_LEN(cases)] = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        v[i].say = cases[i].say;
    serve(NULL, v, ARRAY_LEN(v));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        T_EQ(status_of(&v[i]), cases[i].status);
        T_EQ(strncmp(body_of(&v[i]), "{\"error\":{\"code\":\"", 18), 0);
        T_EQ(strncmp(body_of(&v[i]) + 18, cases[i].code, strlen(cases[i].code)), 0);
        T_TRUE(strstr(v[i].heard.data, "\r\nConnection: close\r\n"));
    }
    T_TRUE(strstr(v[2].heard.data, "\r\nAllow: GET, HEAD, POST, OPTIONS\r\n"));
    T_EQ(w.handled, 0);
    visits_fini(v, ARRAY_LEN(v));
}

static void a_refused_request_without_a_body_keeps_the_connection(void **state)
{
    struct visit v[] = {
        {.say = GET("/nothing") "OPTIONS /echo HTTP/1.1\r\n" HOST "\r\n" GET("/echo"), .answers = 3},
        {.say = "POST /nothing HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nbody" GET("/echo"), .answers = 2},
    };

    (void)state;
    serve(NULL, v, ARRAY_LEN(v));
    T_EQ(status_of(&v[0]), 404);
    T_TRUE(strstr(v[0].heard.data, "HTTP/1.1 204 No Content\r\n"));
    T_TRUE(strstr(v[0].heard.data, "GET /echo||||exact"));
    T_TRUE(strstr(v[1].heard.data, "GET /echo||||exact"));
    visits_fini(v, ARRAY_LEN(v));
}

static void an_unread_body_does_not_swallow_the_refusal(void **state)
{
    size_t n = 4 * 1024 * 1024;
    char *say = malloc(n);
    struct visit v = {.say = say, .say_bytes = n};
    int head = snprintf(say, n, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n", n);

    (void)state;
    memset(say + head, 'x', n - (size_t)head);
    serve(NULL, &v, 1);
    T_EQ(status_of(&v), 413); /* heard although the peer was still speaking: no reset overtook it */
    visits_fini(&v, 1);
    free(say);
}

static void pipelined_answers_keep_their_order(void **state)
{
    struct visit v = {.say = GET("/later") GET("/echo?2") GET("/later") LAST("/echo?4")};
    const char *at;

    (void)state;
    serve(NULL, &v, 1);
    at = strstr(v.heard.data, "later");
    T_TRUE(at && (at = strstr(at, "GET /echo|2")) && (at = strstr(at, "later")) && strstr(at, "GET /echo|4"));
    T_EQ(w.handled, 4);
    visits_fini(&v, 1);
}

static void a_long_pipeline_is_served_in_turns(void **state)
{
    enum { MANY = 1000 };
    char *say = malloc(MANY * sizeof(GET("/echo")));
    struct visit v = {.say = say, .answers = MANY};
    size_t n = 0;

    (void)state;
    for (int i = 0; i < MANY; i++, n += strlen(GET("/echo")))
        memcpy(say + n, GET("/echo"), sizeof(GET("/echo")));
    serve(NULL, &v, 1);
    T_OK(v.r);
    T_EQ(w.handled, MANY);
    visits_fini(&v, 1);
    free(say);
}

static void a_large_body_comes_through_whole(void **state)
{
    char *say = malloc(BODY_CAP + 256);
    struct visit v = {.say = say, .answers = 2};
    int head = snprintf(say, 256, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: %d\r\n\r\n", BODY_CAP);

    (void)state;
    memset(say + head, 'y', BODY_CAP);
    memcpy(say + head + BODY_CAP, GET("/echo?after"), sizeof(GET("/echo?after")));
    serve(NULL, &v, 1);
    T_OK(v.r);
    T_EQ(strspn(body_of(&v) + strlen("POST /echo|||"), "y"), BODY_CAP);
    T_TRUE(strstr(v.heard.data, "GET /echo|after"));
    visits_fini(&v, 1);
    free(say);
}

static void a_large_answer_waits_for_a_slow_reader(void **state)
{
    struct visit v = {.say = GET("/big") LAST("/echo?next")};

    (void)state;
    serve(NULL, &v, 1);
    T_OK(v.r);
    T_EQ(strspn(body_of(&v), "b"), BIG);
    T_TRUE(strstr(body_of(&v) + BIG, "GET /echo|next"));
    visits_fini(&v, 1);
}

static void a_peer_that_waits_for_100_gets_it(void **state)
{
    struct visit v = {
        .say = "POST /echo HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n",
        .answer = "body",
        .answers = 2,
    };

    (void)state;
    serve(NULL, &v, 1);
    T_EQ(status_of(&v), 100);
    T_TRUE(strstr(v.heard.data, "POST /echo|||body|exact"));
    visits_fini(&v, 1);
}

static void each_state_has_its_deadline(void **state)
{
    const struct front_door_conf conf = {
        .head_ms = 60, .body_ms = 60, .handler_ms = 60, .idle_ms = 60, .write_ms = 60};
    struct visit v[] = {
        {.say = "GET /ec"},
        {.say = "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nbo"},
        {.say = GET("/never")},
        {.say = GET("/echo")},
        {.say = ""},
    };

    (void)state;
    serve(&conf, v, ARRAY_LEN(v));
    T_EQ(status_of(&v[0]), 408);
    T_EQ(status_of(&v[1]), 408);
    T_EQ(status_of(&v[2]), 504);
    T_EQ(status_of(&v[3]), 200); /* then closed without a word */
    T_STR(body_of(&v[3]), "GET /echo||||exact");
    T_EQ(v[4].heard.len, 0);
    for (size_t i = 0; i < ARRAY_LEN(v); i++)
        T_OK(v[i].r);
    visits_fini(v, ARRAY_LEN(v));
}

static void a_reply_to_a_peer_that_has_gone_does_nothing(void **state)
{
    struct visit v[] = {{.say = GET("/later"), .leave = true}, {.say = LAST("/later")}};

    (void)state;
    serve(NULL, v, ARRAY_LEN(v));
    T_EQ(w.handled, 2);
    T_TRUE(w.late_reply_seen);
    T_STR(body_of(&v[1]), "later");
    visits_fini(v, ARRAY_LEN(v));
}

static void connections_are_bounded_in_all_and_by_address(void **state)
{
    const struct front_door_conf total = {.max_connections = 2}, by_ip = {.max_per_ip = 2};
    const struct front_door_conf *confs[] = {&total, &by_ip};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(confs); i++) {
        struct visit v[] = {
            {.say = GET("/echo"), .answers = 1, .keep = true},
            {.say = GET("/echo"), .answers = 1, .keep = true},
            {.say = GET("/echo")},
        };

        serve(confs[i], v, ARRAY_LEN(v));
        T_EQ(status_of(&v[0]), 200);
        T_EQ(status_of(&v[1]), 200);
        T_EQ(v[2].heard.len, 0);
        T_EQ(w.handled, 2);
        visits_fini(v, ARRAY_LEN(v));
    }
}

static void a_stopping_door_answers_what_it_has_begun(void **state)
{
    struct visit v[] = {{.say = GET("/stop")}, {.say = GET("/echo"), .leave = true}};

    (void)state;
    serve(NULL, v, ARRAY_LEN(v));
    T_EQ(status_of(&v[0]), 200);
    T_STR(body_of(&v[0]), "later");
    T_TRUE(strstr(v[0].heard.data, "\r\nConnection: close\r\n"));
    T_ERR(v[1].r, -ECONNREFUSED);
    visits_fini(v, ARRAY_LEN(v));
}

static void on_free(void *ctx)
{
    front_door_free(*(struct front_door **)ctx);
}

static void a_taken_port_is_named_at_listen(void **state)
{
    struct front_door *a, *b;
    struct loop *loop;
    char address[32];

    (void)state;
    T_OK(loop_new(&loop));
    T_OK(front_door_new(loop, NULL, &a));
    T_OK(front_door_new(loop, NULL, &b));
    T_ERR(front_door_listen(a, "localhost:80"), ERR_INVALID);
    T_ERR(front_door_listen(a, "127.0.0.1:65536"), ERR_INVALID);
    T_ERR(front_door_listen(a, "127.0.0.1"), ERR_INVALID);
    T_OK(front_door_listen(a, "127.0.0.1:0"));
    (void)snprintf(address, sizeof(address), "127.0.0.1:%d", front_door_port(a));
    T_ERR(front_door_listen(b, address), -EADDRINUSE);
    front_door_stop(a, 0, on_free, &a);
    front_door_stop(b, 0, on_free, &b);
    loop_run(loop);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_reach_the_handler_of_their_path),
        cmocka_unit_test(what_the_door_refuses_has_a_status_and_a_reason),
        cmocka_unit_test(a_refused_request_without_a_body_keeps_the_connection),
        cmocka_unit_test(an_unread_body_does_not_swallow_the_refusal),
        cmocka_unit_test(pipelined_answers_keep_their_order),
        cmocka_unit_test(a_long_pipeline_is_served_in_turns),
        cmocka_unit_test(a_large_body_comes_through_whole),
        cmocka_unit_test(a_large_answer_waits_for_a_slow_reader),
        cmocka_unit_test(a_peer_that_waits_for_100_gets_it),
        cmocka_unit_test(each_state_has_its_deadline),
        cmocka_unit_test(a_reply_to_a_peer_that_has_gone_does_nothing),
        cmocka_unit_test(connections_are_bounded_in_all_and_by_address),
        cmocka_unit_test(a_stopping_door_answers_what_it_has_begun),
        cmocka_unit_test(a_taken_port_is_named_at_listen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
