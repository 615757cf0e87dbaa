/* SPDX-License-Identifier: Apache-2.0 */
/* front_conn.c - one connection: collect a request, hand it over, write the answer, again.
 *
 *     accept -> HEAD --head judged--> BODY --whole--> ASKED --reply--+--taken at once---------> HEAD
 *                |                     |                             +--> WRITE --taken--+----> HEAD
 *                +---refused, late-----+---------------------------->+                   +last> LINGER ->
 * CLOSED
 *
 * A request's bytes stay at the front of `in` until it is answered; what the peer pipelines behind it piles
 * up to PIPELINE_BYTES, then reading pauses. Answering may happen inside the handler, so conn_drive() is a
 * loop that the answer returns into, not a recursion.
 */
#include "loop/front_conn.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

/* Of `in` while no body is expected. */
static const size_t base_bytes = HTTP_HEAD_BYTES + PIPELINE_BYTES + 2 * READ_BYTES;

static int64_t now_ms(const struct conn *c)
{
    return (int64_t)uv_now(&c->door->loop->uv);
}

static size_t request_bytes(const struct conn *c)
{
    return c->parser.head_bytes + c->parser.body_bytes;
}

/* The only place where a connection changes state; each state has its deadline. */
static void conn_enter(struct conn *c, enum conn_state next)
{
    const struct front_door_conf *conf = &c->door->conf;
    int64_t ms = 0;

    assert(c->state != CONN_CLOSED);
    c->state = next;
    switch (next) {
    case CONN_HEAD: ms = c->in.len > 0 ? conf->head_ms : conf->idle_ms; break;
    case CONN_BODY: ms = conf->body_ms; break;
    case CONN_ASKED: ms = conf->handler_ms; break;
    case CONN_WRITE: ms = conf->write_ms; break;
    case CONN_LINGER: ms = LINGER_MS; break;
    case CONN_CLOSED: break;
    }
    c->deadline_ms = now_ms(c) + ms;
}

static void on_closed(uv_handle_t *handle)
{
    struct conn *c = handle->data;
    struct front_door *door = c->door;

    buf_fini(&c->in);
    buf_fini(&c->out);
    front_door_conn_closed(door, c);
    mem_free(c);
}

void conn_close(struct conn *c)
{
    if (c->state == CONN_CLOSED)
        return;
    conn_enter(c, CONN_CLOSED);
    c->serial = 0;
    list_del(&c->ready);
    uv_close((uv_handle_t *)&c->tcp, on_closed);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    struct conn *c = handle->data;
    size_t want = READ_BYTES;

    (void)suggested;
    if (c->state == CONN_LINGER)
        buf_reset(&c->in);
    if (c->state == CONN_BODY) { /* no further than the body, so that nothing must be moved */
        want = request_bytes(c) - c->in.len;
        if (want > READ_BODY_BYTES)
            want = READ_BODY_BYTES;
    }
    if (buf_reserve(&c->in, want) < 0)
        want = 0; /* on_read() gets UV_ENOBUFS */
    *ret = uv_buf_init(want ? c->in.data + c->in.len : NULL, (unsigned)want);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct conn *c = stream->data;

    (void)buf;
    if (n == 0 || c->state == CONN_CLOSED)
        return;
    if (n < 0) {
        c->eof = true;
        c->reading = false;
        if (n != UV_EOF || (c->state != CONN_ASKED && c->state != CONN_WRITE))
            conn_close(c); /* else the peer only finished speaking: it still gets its answer */
        return;
    }
    if (c->state == CONN_HEAD && c->in.len == 0)
        c->deadline_ms = now_ms(c) + c->door->conf.head_ms;
    c->in.len += (size_t)n;
    c->in.data[c->in.len] = '\0';
    if (c->state == CONN_HEAD || c->state == CONN_BODY) {
        conn_drive(c);
    } else if (c->state != CONN_LINGER && c->in.len - request_bytes(c) >= PIPELINE_BYTES) {
        (void)uv_read_stop(stream);
        c->reading = false;
    }
}

void conn_read(struct conn *c)
{
    if (c->reading || c->eof)
        return;
    if (uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read) < 0)
        conn_close(c);
    else
        c->reading = true;
}

static void on_shutdown(uv_shutdown_t *req, int status)
{
    (void)req;
    (void)status; /* the deadline of CONN_LINGER ends it either way */
}

/* The answer is with the system. */
static void conn_answered(struct conn *c)
{
    c->serial = 0;
    c->route = NULL;
    if (c->last || c->eof) {
        if (c->eof || uv_shutdown(&c->shutdown, (uv_stream_t *)&c->tcp, on_shutdown) < 0) {
            conn_close(c);
            return;
        }
        conn_enter(c, CONN_LINGER);
    } else {
        buf_consume(&c->in, request_bytes(c));
        if (c->in.len == 0 && c->in.cap > base_bytes)
            buf_fini(&c->in);
        c->in.max = base_bytes;
        http_parse_next(&c->parser);
        conn_enter(c, CONN_HEAD);
    }
    conn_read(c);
}

static void on_written(uv_write_t *req, int status)
{
    struct conn *c = req->handle->data;

    if (c->state == CONN_CLOSED)
        return;
    buf_reset(&c->out);
    if (status < 0) {
        conn_close(c);
        return;
    }
    conn_answered(c);
    conn_drive(c);
}

/* Writes `out` and then `body`; a large body is copied only as far as the socket does not take it at once. */
static void conn_write(struct conn *c, struct str body)
{
    uv_buf_t bufs[2], rest;
    int sent;

    if (body.n <= COPIED_BYTES && buf_add_str(&c->out, body) == 0)
        body.n = 0;
    bufs[0] = uv_buf_init(c->out.data, (unsigned)c->out.len);
    bufs[1] = (uv_buf_t){.base = (char *)(uintptr_t)body.p, .len = body.n};
    sent = uv_try_write((uv_stream_t *)&c->tcp, bufs, body.n ? 2 : 1);
    if (sent == UV_EAGAIN)
        sent = 0;
    if (sent >= 0 && (size_t)sent == c->out.len + body.n) {
        buf_reset(&c->out);
        conn_answered(c);
        return;
    }
    if (sent < 0 || buf_add_str(&c->out, body) < 0) {
        conn_close(c);
        return;
    }
    rest = uv_buf_init(c->out.data + sent, (unsigned)(c->out.len - (size_t)sent));
    conn_enter(c, CONN_WRITE);
    if (uv_write(&c->write, (uv_stream_t *)&c->tcp, &rest, 1, on_written) < 0)
        conn_close(c);
}

void conn_reply(struct conn *c, const struct http_reply *reply)
{
    bool bare = c->parser.verb == VERB_HEAD || reply->status == 204 || reply->status == 304;
    int r;

    if (c->door->stopping)
        c->last = true;
    buf_reset(&c->out);
    r = reply_head(c->door, reply, c->last, &c->out);
    if (r == ERR_INVALID) {
        conn_reply_error(c, 500, "internal", "the answer cannot be expressed in HTTP");
        return;
    }
    if (r < 0) {
        conn_close(c);
        return;
    }
    c->serial = 0;
    conn_write(c, bare ? (struct str){NULL, 0} : reply->body);
    conn_drive(c);
}

/* Refuses before a handler saw the request. Unless all of it was read, the connection cannot go on. */
static void conn_refuse(struct conn *c, int status, const char *code, const char *message)
{
    if (c->in.len < request_bytes(c))
        c->last = true;
    conn_reply_error(c, status, code, message);
}

static const char *refusal_code(int status)
{
    switch (status) {
    case 411: return "length_required";
    case 417: return "expectation_failed";
    case 431: return "headers_too_large";
    case 501: return "not_implemented";
    case 505: return "version_not_supported";
    default: return "bad_request";
    }
}

static void conn_refuse_verb(struct conn *c, unsigned verbs)
{
    char allow[64];
    struct http_header header = {"Allow", allow};
    struct http_reply reply = {.headers = &header, .header_count = 1};

    if (c->in.len < request_bytes(c))
        c->last = true;
    reply_allow(verbs | VERB_OPTIONS | (verbs & VERB_GET ? VERB_HEAD : 0), allow, sizeof(allow));
    reply.status = 204;
    if (c->parser.verb != VERB_OPTIONS) {
        reply.status = 405;
        reply.content_type = "application/json";
        reply.body = STR("{\"error\":{\"code\":\"method_not_allowed\",\"message\":\"see Allow\"}}");
    }
    conn_reply(c, &reply);
}

/* The head is whole: is there somebody to hear the body, and may it be that long? */
static void conn_judge(struct conn *c)
{
    static const char proceed[] = "HTTP/1.1 100 Continue\r\n\r\n";
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)proceed, sizeof(proceed) - 1);
    struct http_parser *p = &c->parser;
    unsigned verbs = 0;

    c->last = !p->keep_alive;
    c->route = route_find(c->door, p->verb, http_parse_path(p, c->in.data), &verbs);
    if (!c->route && verbs) {
        conn_refuse_verb(c, verbs);
    } else if (!c->route) {
        conn_refuse(c, 404, "not_found", "nothing is served at this path");
    } else if (p->body_bytes > c->route->body_cap) {
        c->last = true;
        conn_refuse(c, 413, "too_large", "the body is larger than this path accepts");
    } else {
        c->in.max = base_bytes + p->body_bytes;
        conn_enter(c, CONN_BODY);
        if (p->expect_continue && c->in.len < request_bytes(c) &&
            uv_try_write((uv_stream_t *)&c->tcp, &buf, 1) != (int)buf.len)
            conn_close(c);
    }
}

static void conn_ask(struct conn *c)
{
    const struct http_parser *p = &c->parser;
    const struct route *route = c->route;
    struct http_request r = {
        .verb = p->verb,
        .path = http_parse_path(p, c->in.data),
        .query = http_parse_query(p, c->in.data),
        .body = http_parse_body(p, c->in.data),
        .peer = str_of(c->peer),
        .upgrade = p->upgrade,
        .parser = p,
        .data = c->in.data,
    };

    r.rest = str_sub(r.path, route->path_len, r.path.n);
    c->serial = ++c->door->serial;
    c->door->stats.requests++;
    r.id.value = c->serial << SLOT_BITS | c->slot;
    conn_enter(c, CONN_ASKED);
    route->handler(route->ctx, &r);
}

/* False: more bytes are needed. */
static bool conn_step(struct conn *c)
{
    switch (http_parse(&c->parser, c->in.data, c->in.len)) {
    case HTTP_PARSE_MORE: return false;
    case HTTP_PARSE_HEAD: conn_judge(c); return true;
    case HTTP_PARSE_DONE: conn_ask(c); return true;
    case HTTP_PARSE_REFUSED:
        c->last = true;
        conn_refuse(c, c->parser.status, refusal_code(c->parser.status), c->parser.why);
        return true;
    }
    return false;
}

void conn_drive(struct conn *c)
{
    uint64_t limit = c->door->stats.requests + PIPELINE_TURN;

    if (c->driving)
        return;
    c->driving = true;
    while ((c->state == CONN_HEAD && c->in.len > 0) || c->state == CONN_BODY) {
        if (c->door->stats.requests >= limit) {
            list_del(&c->ready);
            list_add_tail(&c->door->ready, &c->ready);
            loop_defer(c->door->loop, &c->door->run_ready);
            break;
        }
        if (!conn_step(c))
            break;
    }
    c->driving = false;
    if (c->state == CONN_HEAD && c->in.len == 0 && c->door->stopping)
        conn_close(c);
}

void conn_expire(struct conn *c)
{
    switch (c->state) {
    case CONN_HEAD:
        if (c->in.len == 0) {
            conn_close(c);
            break;
        }
        __attribute__((fallthrough));
    case CONN_BODY:
        c->last = true;
        conn_reply_error(c, 408, "timeout", "the request did not arrive in time");
        break;
    case CONN_ASKED:
        c->last = true;
        conn_reply_error(c, 504, "timeout", "no answer in time");
        break;
    case CONN_WRITE:
    case CONN_LINGER: conn_close(c); break;
    case CONN_CLOSED: break;
    }
}

void conn_drain(struct conn *c)
{
    if (c->state == CONN_HEAD && c->in.len == 0)
        conn_close(c);
}

struct conn *conn_find(const struct front_door *door, struct request_id id)
{
    size_t slot = id.value & ((1u << SLOT_BITS) - 1);
    struct conn *c = slot < door->conf.max_connections ? door->slots[slot] : NULL;

    return c && c->serial != 0 && c->serial == id.value >> SLOT_BITS && c->state == CONN_ASKED ? c : NULL;
}

/* The peer's address in text; false when it is gone already. */
static bool conn_name_peer(struct conn *c)
{
    struct sockaddr_storage addr;
    int len = sizeof(addr);

    if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&addr, &len) < 0)
        return false;
    if (addr.ss_family == AF_INET6)
        return uv_ip6_name((struct sockaddr_in6 *)&addr, c->peer, sizeof(c->peer)) == 0;
    return uv_ip4_name((struct sockaddr_in *)&addr, c->peer, sizeof(c->peer)) == 0;
}

static bool conn_is_welcome(const struct conn *c)
{
    const struct front_door *door = c->door;
    size_t same = 0;

    if (door->free_count == 0)
        return false;
    if (door->conf.max_per_ip == 0)
        return true;
    for (const struct list *n = door->conns.next; n != &door->conns; n = n->next)
        same += strcmp(container_of(n, struct conn, node)->peer, c->peer) == 0;
    return same < door->conf.max_per_ip;
}

static void on_refused_closed(uv_handle_t *handle)
{
    struct conn *c = handle->data;

    mem_free(c);
}

int conn_accept(struct front_door *door)
{
    struct conn *c = mem_calloc(1, sizeof(*c));
    int r;

    if (!c)
        return -ENOMEM;
    c->door = door;
    list_init(&c->node);
    list_init(&c->ready);
    buf_init(&c->in, base_bytes);
    buf_init(&c->out, SIZE_MAX / 2);
    http_parse_init(&c->parser);
    r = uv_tcp_init(&door->loop->uv, &c->tcp);
    assert(r == 0);
    c->tcp.data = c;
    r = uv_accept((uv_stream_t *)&door->listener, (uv_stream_t *)&c->tcp);
    if (r < 0 || !conn_name_peer(c) || !conn_is_welcome(c)) {
        door->stats.refused += r == 0;
        uv_close((uv_handle_t *)&c->tcp, on_refused_closed);
        return 0;
    }
    door->stats.accepted++;
    door->stats.connections++;
    c->slot = door->free_slots[--door->free_count];
    door->slots[c->slot] = c;
    list_add_tail(&door->conns, &c->node);
    (void)uv_tcp_nodelay(&c->tcp, 1);
    c->deadline_ms = now_ms(c) + door->conf.head_ms;
    conn_read(c);
    return 0;
}
