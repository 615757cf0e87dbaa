/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/http_parse.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "support/asserts.h"

static struct http_parser parser;

static enum http_parse_step parse(const char *text)
{
    http_parse_init(&parser);
    return http_parse(&parser, text, strlen(text));
}

static void a_request_is_read_in_place(void **state)
{
    const char *text = "POST /hooks/kf?a=1&b=%20 HTTP/1.1\r\nHost: x\r\nContent-Type:  text/xml \r\n"
                       "CONTENT-LENGTH: 4\r\nX-Empty:\r\n\r\nbodyGET / HTTP/1.1\r\n";
    size_t len = strlen(text), used;

    (void)state;
    T_EQ(parse(text), HTTP_PARSE_HEAD);
    T_EQ(parser.verb, VERB_POST);
    T_EQ(parser.body_bytes, 4);
    T_TRUE(parser.keep_alive && !parser.upgrade && !parser.expect_continue);
    T_VIEW(http_parse_path(&parser, text), "/hooks/kf");
    T_VIEW(http_parse_query(&parser, text), "a=1&b=%20");
    T_VIEW(http_parse_field(&parser, text, "content-type"), "text/xml");
    T_VIEW(http_parse_field(&parser, text, "x-empty"), "");
    T_TRUE(!http_parse_field(&parser, text, "x-none").p);
    T_EQ(http_parse(&parser, text, strlen(text)), HTTP_PARSE_DONE);
    T_VIEW(http_parse_body(&parser, text), "body");
    used = parser.head_bytes + parser.body_bytes;
    T_EQ(len - used, strlen("GET / HTTP/1.1\r\n"));
    http_parse_next(&parser);
    T_EQ(http_parse(&parser, text + used, len - used), HTTP_PARSE_MORE);
}

static void any_cut_gives_the_same_request(void **state)
{
    const char *text = "PUT /a/b?c HTTP/1.1\r\nHost: h\r\nX-Long: some value, with blanks\r\n"
                       "Content-Length: 5\r\n\r\n12345";
    size_t len = strlen(text);

    (void)state;
    for (size_t cut = 0; cut < len; cut++) {
        char *moved = malloc(len + 1); /* another address for the second piece */
        enum http_parse_step step;

        http_parse_init(&parser);
        step = http_parse(&parser, text, cut);
        T_TRUE(step == HTTP_PARSE_MORE || step == HTTP_PARSE_HEAD);
        if (step == HTTP_PARSE_HEAD)
            T_EQ(http_parse(&parser, text, cut), HTTP_PARSE_MORE);
        memcpy(moved, text, len + 1);
        if (step == HTTP_PARSE_MORE)
            T_EQ(http_parse(&parser, moved, len), HTTP_PARSE_HEAD);
        T_EQ(http_parse(&parser, moved, len), HTTP_PARSE_DONE);
        T_VIEW(http_parse_path(&parser, moved), "/a/b");
        T_VIEW(http_parse_field(&parser, moved, "X-LONG"), "some value, with blanks");
        T_VIEW(http_parse_body(&parser, moved), "12345");
        free(moved);
    }
}

static void what_could_be_read_two_ways_is_refused(void **state)
{
    static const struct {
        int status;
        const char *text;
    } cases[] = {
        {400, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\nContent-Length: 3\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3, 3\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -3\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x3\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n"},
        {411, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {411, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: x\r\nX : y\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: x\r\nX: y\r\n folded\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: x\r\nX:\r\n\tfolded\r\n\r\n"},
        {400, "GET / HTTP/1.1\nHost: x\n\n"},
        {400, "GET / HTTP/1.1\r\nHost: x\rX: y\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"},
        {400, "GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n"},
        {400, "GET * HTTP/1.1\r\nHost: x\r\n\r\n"},
        {400, "GET a HTTP/1.1\r\nHost: x\r\n\r\n"},
        {400, "\x16\x03\x01\x02"},
        {400, "get / HTTP/1.1\r\nHost: x\r\n\r\n"},
        {417, "POST / HTTP/1.1\r\nHost: x\r\nExpect: 200-ok\r\nContent-Length: 1\r\n\r\n"},
        {501, "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n"},
        {501, "TRACE / HTTP/1.1\r\nHost: x\r\n\r\n"},
        {501, "PATCH / HTTP/1.1\r\nHost: x\r\n\r\n"},
        {505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
        {505, "GET / HTTP/2.0\r\nHost: x\r\n\r\n"},
        {505, "GET /\r\n\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum http_parse_step step = parse(cases[i].text);

        if (step != HTTP_PARSE_REFUSED || parser.status != cases[i].status)
            print_error("%s\n", cases[i].text);
        T_EQ(step, HTTP_PARSE_REFUSED);
        T_EQ(parser.status, cases[i].status);
        T_TRUE(!parser.keep_alive && parser.why);
        T_EQ(http_parse(&parser, cases[i].text, strlen(cases[i].text)), HTTP_PARSE_REFUSED);
    }
}

static void heads_are_bounded_in_bytes_and_fields(void **state)
{
    static char text[HTTP_HEAD_BYTES + 1024];
    int n;

    (void)state;
    n = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: x\r\nX: ");
    memset(text + n, 'y', HTTP_HEAD_BYTES - (size_t)n - 4);
    memcpy(text + HTTP_HEAD_BYTES - 4, "\r\n\r\n", 5);
    T_EQ(parse(text), HTTP_PARSE_HEAD);
    T_EQ(parser.head_bytes, HTTP_HEAD_BYTES);
    memcpy(text + HTTP_HEAD_BYTES - 4, "y\r\n\r\n", 6);
    T_EQ(parse(text), HTTP_PARSE_REFUSED);
    T_EQ(parser.status, 431);
    for (int fields = HTTP_FIELDS; fields <= HTTP_FIELDS + 1; fields++) {
        n = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: x\r\n");
        for (int i = 1; i < fields; i++)
            n += snprintf(text + n, sizeof(text) - (size_t)n, "X: y\r\n");
        (void)snprintf(text + n, sizeof(text) - (size_t)n, "\r\n");
        T_EQ(parse(text), fields == HTTP_FIELDS ? HTTP_PARSE_HEAD : HTTP_PARSE_REFUSED);
    }
    T_EQ(parser.status, 431);
}

static void connections_end_where_the_peer_says_so(void **state)
{
    (void)state;
    T_EQ(parse("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), HTTP_PARSE_HEAD);
    T_TRUE(!parser.keep_alive);
    T_EQ(parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), HTTP_PARSE_HEAD);
    T_TRUE(!parser.keep_alive);
    T_EQ(parse("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: 9\r\n\r\n"),
         HTTP_PARSE_HEAD);
    T_TRUE(parser.expect_continue);
    T_EQ(parse("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"), HTTP_PARSE_HEAD);
}

#define WS "Host: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
#define WS_KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

static void only_a_whole_websocket_handshake_asks_for_an_upgrade(void **state)
{
    (void)state;
    T_EQ(parse("GET / HTTP/1.1\r\n" WS WS_KEY "Sec-WebSocket-Version: 13\r\n\r\n"), HTTP_PARSE_HEAD);
    T_TRUE(parser.upgrade);
    T_EQ(parse("GET / HTTP/1.1\r\n" WS WS_KEY "Sec-WebSocket-Version: 8\r\n\r\n"), HTTP_PARSE_HEAD);
    T_TRUE(!parser.upgrade);
    T_EQ(parse("GET / HTTP/1.1\r\n" WS "Sec-WebSocket-Version: 13\r\n\r\n"), HTTP_PARSE_HEAD);
    T_TRUE(!parser.upgrade);
    T_EQ(parse("POST / HTTP/1.1\r\n" WS WS_KEY "Sec-WebSocket-Version: 13\r\n\r\n"), HTTP_PARSE_HEAD);
    T_TRUE(!parser.upgrade);
    T_EQ(parse("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
               "HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"),
         HTTP_PARSE_HEAD);
    T_TRUE(!parser.upgrade);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_read_in_place),
        cmocka_unit_test(any_cut_gives_the_same_request),
        cmocka_unit_test(what_could_be_read_two_ways_is_refused),
        cmocka_unit_test(heads_are_bounded_in_bytes_and_fields),
        cmocka_unit_test(connections_end_where_the_peer_says_so),
        cmocka_unit_test(only_a_whole_websocket_handshake_asks_for_an_upgrade),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
