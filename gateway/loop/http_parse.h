/* SPDX-License-Identifier: Apache-2.0 */
/* http_parse.h - bytes to HTTP/1.x requests; no sockets, no copies.
 *
 * The caller collects bytes in one buffer that begins with the request's first byte and calls http_parse()
 * with all of them whenever more have come; the buffer may move between calls.
 *
 *     HTTP_PARSE_MORE -> ... -> HTTP_PARSE_HEAD -> HTTP_PARSE_MORE -> ... -> HTTP_PARSE_DONE ->
 * http_parse_next
 *
 * HTTP_PARSE_HEAD comes once a request: the caller judges path and size before it reads a body.
 * HTTP_PARSE_REFUSED is final: `status` is the answer (400, 411, 417, 431, 501, 505), then the connection
 * ends. Refused are, besides bad syntax: any Transfer-Encoding, two Content-Lengths, no or two Hosts (1.1),
 * folded header lines, targets that do not begin with '/', more than HTTP_HEAD_BYTES or HTTP_FIELDS.
 *
 * Values in the query: str_query_get().
 *
 * Memory   offsets into the caller's buffer; the http_parse_*() getters give views that live as long as it.
 * Threads  none of its own.
 */
#ifndef SIYU_LOOP_HTTP_PARSE_H
#define SIYU_LOOP_HTTP_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum { HTTP_HEAD_BYTES = 16 * 1024, HTTP_FIELDS = 100 };

/* One bit each, so that a route can name several. */
enum http_verb {
    VERB_GET = 1,
    VERB_HEAD = 2,
    VERB_POST = 4,
    VERB_PUT = 8,
    VERB_DELETE = 16,
    VERB_OPTIONS = 32,
};
const char *http_verb_name(enum http_verb verb);

enum http_parse_step { HTTP_PARSE_MORE, HTTP_PARSE_HEAD, HTTP_PARSE_DONE, HTTP_PARSE_REFUSED };

struct http_span {
    uint32_t at, len;
};
struct http_field {
    struct http_span name, value;
};

struct http_parser {
    enum http_verb verb;
    bool keep_alive;      /* the peer lets the connection live on */
    bool upgrade;         /* a well-formed websocket handshake */
    bool expect_continue; /* waits for 100 before it sends the body */
    int status;           /* HTTP_PARSE_REFUSED */
    const char *why;
    size_t body_bytes; /* Content-Length, known from HTTP_PARSE_HEAD on; not bounded here */
    size_t head_bytes;
    struct http_span target;
    struct http_field fields[HTTP_FIELDS];
    size_t field_count;
    /* The parser's. */
    size_t at;
    const char *base; /* during http_parse() only */
    int step;
    bool in_value;
    union {
        uint64_t align;
        unsigned char bytes[96];
    } llhttp;
};

void http_parse_init(struct http_parser *p);
enum http_parse_step http_parse(struct http_parser *p, const char *data, size_t len);
/* After HTTP_PARSE_DONE: forgets the request. The caller drops its head_bytes + body_bytes first bytes. */
void http_parse_next(struct http_parser *p);

struct str http_parse_path(const struct http_parser *p, const char *data);
struct str http_parse_query(const struct http_parser *p, const char *data); /* without '?' */
struct str http_parse_body(const struct http_parser *p, const char *data);
/* The first field of that name, whatever its case; empty: none. */
struct str http_parse_field(const struct http_parser *p, const char *data, const char *name);

#endif
