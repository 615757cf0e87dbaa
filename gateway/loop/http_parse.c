/* SPDX-License-Identifier: Apache-2.0 */
/* http_parse.c - llhttp reads the head and is paused behind it; the body is a byte count.
 *
 *     HEAD --whole head, judged--> BODY --all bytes--> DONE --http_parse_next()--> HEAD
 *       +---refused---> REFUSED
 *
 * llhttp 8.1 accepts a blank before the colon, folded lines and some lone LFs: what proxies before us may
 * read otherwise is refused here.
 */
#include "loop/http_parse.h"

#include <assert.h>
#include <llhttp.h>
#include <string.h>

enum { STEP_HEAD, STEP_BODY, STEP_DONE, STEP_REFUSED };

_Static_assert(sizeof(llhttp_t) <= sizeof(((struct http_parser *)0)->llhttp),
               "http_parser.llhttp is too small");

static llhttp_t *parser_llhttp(struct http_parser *p)
{
    return (llhttp_t *)(void *)&p->llhttp;
}

const char *http_verb_name(enum http_verb verb)
{
    switch (verb) {
    case VERB_GET: return "GET";
    case VERB_HEAD: return "HEAD";
    case VERB_POST: return "POST";
    case VERB_PUT: return "PUT";
    case VERB_DELETE: return "DELETE";
    case VERB_OPTIONS: return "OPTIONS";
    }
    return "?";
}

/* 0: a method that we do not speak. */
static unsigned verb_of(unsigned method)
{
    switch (method) {
    case HTTP_GET: return VERB_GET;
    case HTTP_HEAD: return VERB_HEAD;
    case HTTP_POST: return VERB_POST;
    case HTTP_PUT: return VERB_PUT;
    case HTTP_DELETE: return VERB_DELETE;
    case HTTP_OPTIONS: return VERB_OPTIONS;
    default: return 0;
    }
}

/* The pieces of one span follow each other in the buffer, save in a folded line; that is refused later. */
static void span_extend(const struct http_parser *p, struct http_span *span, const char *at, size_t len)
{
    uint32_t from = (uint32_t)(at - p->base);

    if (span->len == 0)
        span->at = from;
    span->len = from + (uint32_t)len - span->at;
}

static int on_url(llhttp_t *l, const char *at, size_t len)
{
    struct http_parser *p = l->data;

    span_extend(p, &p->target, at, len);
    return 0;
}

static int on_field(llhttp_t *l, const char *at, size_t len)
{
    struct http_parser *p = l->data;

    if (p->in_value || p->field_count == 0) {
        if (p->field_count == HTTP_FIELDS)
            return HPE_USER;
        memset(&p->fields[p->field_count++], 0, sizeof(p->fields[0]));
        p->in_value = false;
    }
    span_extend(p, &p->fields[p->field_count - 1].name, at, len);
    return 0;
}

static int on_value(llhttp_t *l, const char *at, size_t len)
{
    struct http_parser *p = l->data;

    p->in_value = true;
    span_extend(p, &p->fields[p->field_count - 1].value, at, len);
    return 0;
}

static int on_head(llhttp_t *l)
{
    struct http_parser *p = l->data;

    p->keep_alive = l->http_minor == 1 && llhttp_should_keep_alive(l) != 0;
    p->upgrade = l->upgrade != 0;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_headers_complete = on_head,
};

void http_parse_init(struct http_parser *p)
{
    http_parse_next(p);
}

void http_parse_next(struct http_parser *p)
{
    llhttp_init(parser_llhttp(p), HTTP_REQUEST, &settings);
    parser_llhttp(p)->data = p;
    p->verb = VERB_GET;
    p->keep_alive = p->upgrade = p->expect_continue = p->in_value = false;
    p->status = 0;
    p->why = NULL;
    p->body_bytes = p->head_bytes = p->field_count = p->at = 0;
    p->target = (struct http_span){0, 0};
    p->base = NULL;
    p->step = STEP_HEAD;
}

static enum http_parse_step refuse(struct http_parser *p, int status, const char *why)
{
    p->step = STEP_REFUSED;
    p->status = status;
    p->why = why;
    p->keep_alive = p->upgrade = false;
    return HTTP_PARSE_REFUSED;
}

static struct str span_str(struct http_span span, const char *data)
{
    return (struct str){data + span.at, span.len};
}

/* Every line ends in CR LF and none goes on in the next one. (A lone CR is refused by llhttp.) */
static bool lines_are_strict(const char *data, size_t len)
{
    const char *end = data + len;

    for (const char *p = data; (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
        if (p == data || p[-1] != '\r' || (p + 1 < end && (p[1] == ' ' || p[1] == '\t')))
            return false;
    return true;
}

/* The fields that steer the exchange, counted where a second one must not be. */
struct judged {
    size_t hosts, lengths, codings;
    bool websocket, key, version13, bad_expect;
    int err;
};

/* Of a name that judge_field() knows: most others need no look. */
static bool is_judged_length(size_t n)
{
    return n < 32 && (1u << n & (1u << 4 | 1u << 6 | 1u << 7 | 1u << 14 | 1u << 17 | 1u << 21));
}

static void judge_field(struct http_parser *p, struct judged *j, struct str name, struct str value)
{
    uint64_t n;

    value = str_trim(value);
    switch (name.n) {
    case 4: j->hosts += str_eq_nocase(name, STR("host")); break;
    case 6:
        if (str_eq_nocase(name, STR("expect"))) {
            p->expect_continue = str_eq_nocase(value, STR("100-continue"));
            j->bad_expect = !p->expect_continue;
        }
        break;
    case 7:
        if (str_eq_nocase(name, STR("upgrade")))
            j->websocket = str_eq_nocase(value, STR("websocket"));
        break;
    case 14:
        if (!str_eq_nocase(name, STR("content-length")))
            break;
        j->lengths++;
        j->err = str_to_u64(value, &n);
        if (j->err == 0)
            p->body_bytes = n;
        break;
    case 17:
        j->codings += str_eq_nocase(name, STR("transfer-encoding"));
        if (str_eq_nocase(name, STR("sec-websocket-key")))
            j->key = value.n > 0;
        break;
    case 21:
        if (str_eq_nocase(name, STR("sec-websocket-version")))
            j->version13 = str_is(value, "13");
        break;
    default: break;
    }
}

static enum http_parse_step judge_fields(struct http_parser *p, const char *data)
{
    struct judged j = {0};

    for (size_t i = 0; i < p->field_count; i++) {
        struct str name = span_str(p->fields[i].name, data);

        if (name.p[name.n - 1] == ' ') /* llhttp lets it stand nowhere else */
            return refuse(p, 400, "blank behind a header name");
        if (is_judged_length(name.n))
            judge_field(p, &j, name, span_str(p->fields[i].value, data));
    }
    if (j.codings && j.lengths)
        return refuse(p, 400, "Transfer-Encoding beside Content-Length");
    if (j.codings)
        return refuse(p, 411, "Transfer-Encoding is not accepted, send Content-Length");
    if (j.lengths > 1 || j.err < 0)
        return refuse(p, 400, "bad Content-Length");
    if (j.hosts > 1 || (j.hosts == 0 && parser_llhttp(p)->http_minor == 1))
        return refuse(p, 400, "exactly one Host is needed");
    if (j.bad_expect)
        return refuse(p, 417, "only Expect: 100-continue is known");
    p->upgrade =
        p->upgrade && j.websocket && j.key && j.version13 && p->verb == VERB_GET && p->body_bytes == 0;
    return HTTP_PARSE_HEAD;
}

static enum http_parse_step judge_head(struct http_parser *p, const char *data)
{
    const llhttp_t *l = parser_llhttp(p);
    unsigned verb = verb_of(l->method);
    struct str target = span_str(p->target, data);

    if (l->http_major != 1 || l->http_minor > 1)
        return refuse(p, 505, "only HTTP/1.1 and HTTP/1.0 are spoken");
    if (verb == 0)
        return refuse(p, 501, "method not implemented");
    if (!lines_are_strict(data, p->head_bytes))
        return refuse(p, 400, "malformed line end");
    p->verb = (enum http_verb)verb;
    if (target.n == 0 || (target.p[0] != '/' && !(verb == VERB_OPTIONS && str_is(target, "*"))))
        return refuse(p, 400, "the target must begin with /");
    if (judge_fields(p, data) == HTTP_PARSE_REFUSED)
        return HTTP_PARSE_REFUSED;
    p->step = STEP_BODY;
    return HTTP_PARSE_HEAD;
}

static enum http_parse_step parse_head(struct http_parser *p, const char *data, size_t len)
{
    llhttp_t *l = parser_llhttp(p);
    size_t seen = len < HTTP_HEAD_BYTES ? len : HTTP_HEAD_BYTES;
    llhttp_errno_t e;

    p->base = data;
    e = llhttp_execute(l, data + p->at, seen - p->at);
    p->base = NULL;
    p->at = seen;
    switch (e) {
    case HPE_OK:
        if (seen == HTTP_HEAD_BYTES)
            return refuse(p, 431, "request head too large");
        return HTTP_PARSE_MORE;
    case HPE_PAUSED: p->head_bytes = (size_t)(llhttp_get_error_pos(l) - data); return judge_head(p, data);
    case HPE_USER: return refuse(p, 431, "too many header fields");
    case HPE_PAUSED_H2_UPGRADE:
    case HPE_INVALID_VERSION: return refuse(p, 505, "only HTTP/1.1 and HTTP/1.0 are spoken");
    default: return refuse(p, 400, "malformed request");
    }
}

enum http_parse_step http_parse(struct http_parser *p, const char *data, size_t len)
{
    switch (p->step) {
    case STEP_HEAD:
        if (len == 0)
            return HTTP_PARSE_MORE;
        assert(len >= p->at);
        return parse_head(p, data, len);
    case STEP_BODY:
        if (len - p->head_bytes < p->body_bytes)
            return HTTP_PARSE_MORE;
        p->step = STEP_DONE;
        return HTTP_PARSE_DONE;
    case STEP_DONE: return HTTP_PARSE_DONE;
    default: return HTTP_PARSE_REFUSED;
    }
}

struct str http_parse_path(const struct http_parser *p, const char *data)
{
    struct str target = span_str(p->target, data);

    return str_sub(target, 0, str_chr(target, '?'));
}

struct str http_parse_query(const struct http_parser *p, const char *data)
{
    struct str target = span_str(p->target, data);
    size_t mark = str_chr(target, '?');

    return mark < target.n ? str_sub(target, mark + 1, target.n) : (struct str){NULL, 0};
}

struct str http_parse_body(const struct http_parser *p, const char *data)
{
    return (struct str){data + p->head_bytes, p->body_bytes};
}

struct str http_parse_field(const struct http_parser *p, const char *data, const char *name)
{
    struct str wanted = str_of(name);

    for (size_t i = 0; i < p->field_count; i++)
        if (str_eq_nocase(span_str(p->fields[i].name, data), wanted))
            return str_trim(span_str(p->fields[i].value, data));
    return (struct str){NULL, 0};
}
