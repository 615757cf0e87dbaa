/* SPDX-License-Identifier: Apache-2.0 */
/* front_reply.c - the text of answers. */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "loop/front_conn.h"

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
    };

    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Status";
}

/* Formatted once a second: it costs more than the rest of a head. */
static const char *date_now(struct front_door *door)
{
    time_t now = time(NULL);
    struct tm tm;

    if (now != door->date_s && gmtime_r(&now, &tm) &&
        strftime(door->date, sizeof(door->date), "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0)
        door->date_s = now;
    return door->date;
}

/* The fixed parts are put together on the stack: a few bytes at a time through a struct buf cost more. */
enum { FIXED_BYTES = 160 };

static char *put(char *at, const char *text)
{
    return stpcpy(at, text);
}

static char *put_number(char *at, size_t n)
{
    char digits[24];
    size_t i = sizeof(digits);

    do
        digits[--i] = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    return mempcpy(at, digits + i, sizeof(digits) - i);
}

static void add_field(struct buf *out, const char *name, const char *value)
{
    (void)buf_adds(out, name);
    (void)buf_add(out, ": ", 2);
    (void)buf_adds(out, value);
    (void)buf_add(out, "\r\n", 2);
}

static int add_fields(struct buf *out, const struct http_reply *reply)
{
    for (size_t i = 0; i < reply->header_count; i++) {
        const struct http_header *h = &reply->headers[i];

        if (strpbrk(h->name, "\r\n: ") || strpbrk(h->value, "\r\n"))
            return ERR_INVALID; /* a value that would begin a line of its own */
        add_field(out, h->name, h->value);
    }
    return 0;
}

int reply_head(struct front_door *door, const struct http_reply *reply, bool close, struct buf *out)
{
    char fixed[FIXED_BYTES], *at;
    int r;

    assert(reply->status >= 200 && reply->status <= 599);
    at = put_number(put(fixed, "HTTP/1.1 "), (size_t)reply->status);
    at = put(put(at, " "), reason_of(reply->status));
    at = put(put(put(at, "\r\nDate: "), date_now(door)), "\r\n");
    (void)buf_add(out, fixed, (size_t)(at - fixed));
    if (reply->content_type)
        add_field(out, "Content-Type", reply->content_type);
    r = add_fields(out, reply);
    if (r < 0)
        return r;
    at = fixed;
    if (reply->status != 204 && reply->status != 304)
        at = put(put_number(put(at, "Content-Length: "), reply->body.n), "\r\n");
    at = put(at, close ? "Connection: close\r\n\r\n" : "\r\n");
    (void)buf_add(out, fixed, (size_t)(at - fixed));
    return buf_error(out);
}

void reply_allow(unsigned verbs, char *ret, size_t size)
{
    size_t n = 0;

    ret[0] = '\0';
    for (unsigned bit = VERB_GET; bit <= VERB_OPTIONS; bit <<= 1)
        if ((verbs & bit) && n < size)
            n += (size_t)snprintf(ret + n, size - n, "%s%s", n ? ", " : "",
                                  http_verb_name((enum http_verb)bit));
}

void conn_reply_error(struct conn *c, int status, const char *code, const char *message)
{
    struct buf body;
    struct http_reply reply = {.status = status, .content_type = "application/json"};

    buf_init(&body, 4096);
    (void)buf_adds(&body, "{\"error\":{\"code\":");
    (void)json_write_string(str_of(code), &body);
    (void)buf_adds(&body, ",\"message\":");
    (void)json_write_string(str_of(message), &body);
    (void)buf_adds(&body, "}}");
    reply.body = buf_error(&body) ? STR("{\"error\":{\"code\":\"internal\"}}") : buf_str(&body);
    conn_reply(c, &reply);
    buf_fini(&body);
}
