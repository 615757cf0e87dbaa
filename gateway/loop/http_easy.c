/* SPDX-License-Identifier: Apache-2.0 */
/* http_easy.c - one request on a curl handle, and what its end means.
 *
 * Sending once. libcurl repeats a request by itself when a reused connection closes before the first byte of
 * an answer, although the peer may have processed it. Two guards, each enough for the usual case: the body
 * comes from a read callback whose rewind is refused (CURLE_SEND_FAIL_REWIND), and the hook before each
 * writing of the request refuses the second one, which also covers requests without a body.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "loop/http_private.h"

enum { HEAD_CAP = 64 * 1024, URL_CAP = 32 * 1024 };

struct http_easy *http_easy_get(struct http_client *h)
{
    struct list *node = list_pop(&h->idle_easy);
    struct http_easy *e;

    if (node)
        return container_of(node, struct http_easy, node);
    e = mem_calloc(1, sizeof(*e));
    if (!e)
        return NULL;
    list_init(&e->node);
    e->curl = curl_easy_init();
    if (!e->curl) {
        mem_free(e);
        return NULL;
    }
    h->easy_count++;
    return e;
}

void http_easy_put(struct http_client *h, struct http_easy *e)
{
    curl_easy_reset(e->curl); /* keeps its connection, in the multi's pool */
    curl_slist_free_all(e->headers);
    e->headers = NULL;
    e->body_at = e->head_bytes = 0;
    e->starts = 0;
    e->over_cap = e->final = e->head_whole = false;
    list_add_head(&h->idle_easy, &e->node);
}

void http_easy_free(struct http_easy *e)
{
    curl_easy_cleanup(e->curl);
    mem_free(e);
}

int http_url_origin(const char *url, struct str *ret)
{
    struct str s = str_of(url), scheme = STR("http://");
    size_t end;

    if (str_starts(s, STR("https://")))
        scheme = STR("https://");
    else if (!str_starts(s, scheme))
        return ERR_INVALID;
    if (s.n > URL_CAP)
        return ERR_TOO_BIG;
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f)
            return ERR_INVALID;
    end = scheme.n + strcspn(url + scheme.n, "/?#");
    if (end == scheme.n)
        return ERR_INVALID;
    *ret = str_sub(s, 0, end);
    return 0;
}

static size_t on_read(char *out, size_t size, size_t count, void *ctx)
{
    struct http_xfer *x = ctx;
    struct http_easy *e = ((struct http_slot *)x->slot)->easy;
    size_t n = size * count, left = x->body.n - e->body_at;

    if (n > left)
        n = left;
    if (n > 0)
        memcpy(out, x->body.p + e->body_at, n);
    e->body_at += n;
    return n;
}

static int on_seek(void *ctx, curl_off_t offset, int origin)
{
    struct http_xfer *x = ctx;

    if (x->send_once || origin != SEEK_SET || offset < 0 || (size_t)offset > x->body.n)
        return CURL_SEEKFUNC_FAIL;
    ((struct http_slot *)x->slot)->easy->body_at = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

/* Just before the request is written, also when curl means to write it again. */
static int on_prereq(void *ctx, char *peer, char *local, int peer_port, int local_port)
{
    struct http_easy *e = ctx;

    (void)peer;
    (void)local;
    (void)peer_port;
    (void)local_port;
    return e->starts++ == 0 ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

/* One line of the head. curl takes a connection that ends inside a head for a good end; we do not. */
static size_t on_head(char *data, size_t size, size_t count, void *ctx)
{
    struct http_easy *e = ctx;
    struct str line = {data, size * count};

    if (str_starts(line, STR("HTTP/"))) {
        e->final = !str_starts(str_sub(line, str_chr(line, ' '), line.n), STR(" 1"));
        e->head_whole = false;
    }
    e->head_whole |= e->final && str_trim(line).n == 0;
    e->head_bytes += size * count;
    e->over_cap |= e->head_bytes > HEAD_CAP;
    return e->over_cap ? 0 : size * count;
}

static size_t on_body(char *data, size_t size, size_t count, void *ctx)
{
    struct http_xfer *x = ctx;
    struct http_easy *e = ((struct http_slot *)x->slot)->easy;
    int r = buf_add(&x->answer, data, size * count);

    e->over_cap |= r == ERR_TOO_BIG;
    return r < 0 ? 0 : size * count;
}

static int add_line(struct http_easy *e, const char *line)
{
    struct curl_slist *more = curl_slist_append(e->headers, line);

    if (!more)
        return -ENOMEM;
    e->headers = more;
    return 0;
}

static int add_header(struct http_easy *e, const struct http_header *header)
{
    struct buf line;
    int r;

    if (strpbrk(header->name, "\r\n:; ") || strpbrk(header->value, "\r\n"))
        return ERR_INVALID;
    buf_init(&line, URL_CAP);
    (void)buf_adds(&line, header->name);
    (void)buf_adds(&line, header->value[0] ? ": " : ";"); /* curl's sign for an empty value */
    (void)buf_adds(&line, header->value);
    r = buf_error(&line);
    if (r == 0)
        r = add_line(e, buf_cstr(&line));
    buf_fini(&line);
    return r;
}

static int add_headers(struct http_easy *e, const struct http_xfer *x)
{
    bool typed = false;
    int r = add_line(e, "Expect:"); /* a 417 would be answered with a second request */

    for (size_t i = 0; i < x->header_count && r == 0; i++) {
        typed |= strcasecmp(x->headers[i].name, "Content-Type") == 0;
        r = add_header(e, &x->headers[i]);
    }
    if (r == 0 && !typed)
        r = add_line(e, "Content-Type:"); /* else curl invents a form */
    if (r == 0 && curl_easy_setopt(e->curl, CURLOPT_HTTPHEADER, e->headers) != CURLE_OK)
        r = -ENOMEM;
    return r;
}

/* Folds many setopt results into one. */
struct setup {
    CURL *curl;
    bool failed;
};

static void set_long(struct setup *s, CURLoption option, long value)
{
    s->failed |= curl_easy_setopt(s->curl, option, value) != CURLE_OK;
}

static void set_text(struct setup *s, CURLoption option, const char *value)
{
    s->failed |= curl_easy_setopt(s->curl, option, value) != CURLE_OK;
}

static void set_body(struct setup *s, struct http_easy *e, struct http_xfer *x)
{
    CURL *c = s->curl;
    bool has_body = x->body.n > 0 || strcmp(x->method, "POST") == 0 || strcmp(x->method, "PUT") == 0;

    if (has_body) {
        set_long(s, CURLOPT_POST, 1);
        s->failed |= curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->body.n) != CURLE_OK ||
                     curl_easy_setopt(c, CURLOPT_READFUNCTION, on_read) != CURLE_OK ||
                     curl_easy_setopt(c, CURLOPT_READDATA, x) != CURLE_OK ||
                     curl_easy_setopt(c, CURLOPT_SEEKFUNCTION, on_seek) != CURLE_OK ||
                     curl_easy_setopt(c, CURLOPT_SEEKDATA, x) != CURLE_OK;
    }
    if (strcmp(x->method, "HEAD") == 0)
        set_long(s, CURLOPT_NOBODY, 1);
    else if (strcmp(x->method, has_body ? "POST" : "GET") != 0)
        set_text(s, CURLOPT_CUSTOMREQUEST, x->method);
    if (x->send_once)
        s->failed |= curl_easy_setopt(c, CURLOPT_PREREQFUNCTION, on_prereq) != CURLE_OK ||
                     curl_easy_setopt(c, CURLOPT_PREREQDATA, e) != CURLE_OK;
}

static void set_answer(struct setup *s, struct http_easy *e, struct http_xfer *x)
{
    s->failed |= curl_easy_setopt(s->curl, CURLOPT_WRITEFUNCTION, on_body) != CURLE_OK ||
                 curl_easy_setopt(s->curl, CURLOPT_WRITEDATA, x) != CURLE_OK ||
                 curl_easy_setopt(s->curl, CURLOPT_HEADERFUNCTION, on_head) != CURLE_OK ||
                 curl_easy_setopt(s->curl, CURLOPT_HEADERDATA, e) != CURLE_OK ||
                 curl_easy_setopt(s->curl, CURLOPT_PRIVATE, x) != CURLE_OK;
}

static void set_transport(struct setup *s, const struct http_client *h, const struct http_xfer *x,
                          int64_t left_ms)
{
    set_text(s, CURLOPT_URL, x->url);
    set_text(s, CURLOPT_PROTOCOLS_STR, "http,https");
    set_long(s, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    set_long(s, CURLOPT_FOLLOWLOCATION, 0);
    set_text(s, CURLOPT_PROXY, ""); /* none, whatever the environment says */
    set_long(s, CURLOPT_NETRC, CURL_NETRC_IGNORED);
    set_long(s, CURLOPT_NOSIGNAL, 1);
    set_long(s, CURLOPT_TCP_NODELAY, 1);
    set_long(s, CURLOPT_TIMEOUT_MS, left_ms);
    set_long(s, CURLOPT_CONNECTTIMEOUT_MS, x->connect_ms < left_ms ? x->connect_ms : left_ms);
    set_long(s, CURLOPT_MAXAGE_CONN, (long)((h->conf.max_idle_ms + 999) / 1000));
    set_long(s, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    set_text(s, CURLOPT_USERAGENT, h->agent);
    if (h->ca_file)
        set_text(s, CURLOPT_CAINFO, h->ca_file);
}

int http_easy_setup(struct http_client *h, struct http_easy *e, struct http_xfer *x, int64_t left_ms)
{
    struct setup s = {.curl = e->curl};
    int r;

    set_transport(&s, h, x, left_ms);
    set_body(&s, e, x);
    set_answer(&s, e, x);
    r = add_headers(e, x);
    return r < 0 ? r : s.failed ? -ENOMEM : 0;
}

int64_t http_easy_bytes_out(const struct http_easy *e)
{
    long head = 0;

    (void)curl_easy_getinfo(e->curl, CURLINFO_REQUEST_SIZE, &head);
    /* The body by what curl has taken: its own count of the body is lost when it tries to repeat. */
    return head == 0 ? 0 : head + (int64_t)e->body_at;
}

static int err_of(const struct http_easy *e, CURLcode code)
{
    long os = 0;

    switch (code) {
    case CURLE_OK: return 0;
    case CURLE_OUT_OF_MEMORY: return -ENOMEM;
    case CURLE_OPERATION_TIMEDOUT: return ERR_TIMEOUT;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL: return ERR_INVALID;
    case CURLE_COULDNT_RESOLVE_HOST: return ERR_NOT_FOUND;
    case CURLE_PEER_FAILED_VERIFICATION: return ERR_AUTH;
    case CURLE_WEIRD_SERVER_REPLY: return ERR_SYNTAX;
    case CURLE_COULDNT_CONNECT:
        (void)curl_easy_getinfo(e->curl, CURLINFO_OS_ERRNO, &os);
        return os > 0 ? -(int)os : ERR_IO;
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_ABORTED_BY_CALLBACK: return ERR_CLOSED;
    default: return e->over_cap ? ERR_TOO_BIG : ERR_IO;
    }
}

static int64_t date_of(CURL *curl)
{
    struct curl_header *date;
    time_t t;

    if (curl_easy_header(curl, "Date", 0, CURLH_HEADER, -1, &date) != CURLHE_OK)
        return 0;
    t = curl_getdate(date->value, NULL);
    return t > 0 ? (int64_t)t * 1000 : 0;
}

static int64_t retry_after_of(CURL *curl)
{
    struct curl_header *header;
    curl_off_t seconds = 0;

    if (curl_easy_header(curl, "Retry-After", 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return -1;
    (void)curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &seconds); /* reads a date as well */
    return seconds > 0 ? (int64_t)seconds * 1000 : 0;
}

static void read_answer(struct http_easy *e, struct http_xfer *x)
{
    const char *type = NULL;
    long status = 0, connects = 0;
    curl_off_t total_us = 0;

    (void)curl_easy_getinfo(e->curl, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(e->curl, CURLINFO_NUM_CONNECTS, &connects);
    (void)curl_easy_getinfo(e->curl, CURLINFO_TOTAL_TIME_T, &total_us);
    (void)curl_easy_getinfo(e->curl, CURLINFO_CONTENT_TYPE, &type);
    x->status = status >= 200 ? (int)status : 0; /* not "100 Continue" */
    x->bytes_out = http_easy_bytes_out(e);
    x->reused = connects == 0 && x->bytes_out > 0;
    if (type) {
        struct str cut = str_cut_bytes(str_of(type), sizeof(x->content_type) - 1);

        memcpy(x->content_type, cut.p, cut.n);
        x->content_type[cut.n] = '\0';
    }
    if (x->status) {
        x->date_ms = date_of(e->curl);
        x->retry_after_ms = retry_after_of(e->curl);
    }
}

enum http_end http_easy_judge(struct http_easy *e, struct http_xfer *x, CURLcode code)
{
    read_answer(e, x);
    x->err = err_of(e, code);
    x->why = e->over_cap ? "answer larger than the cap" : curl_easy_strerror(code);
    if (code == CURLE_OK && !e->head_whole) {
        x->err = ERR_CLOSED;
        x->why = "the answer ended inside its head";
    }
    if (x->err == 0)
        return HTTP_DONE;
    return x->bytes_out == 0 ? HTTP_NOT_SENT : HTTP_UNKNOWN;
}
