/* SPDX-License-Identifier: Apache-2.0 */
/* ws.c - peers: their life, their queues, and who is told.
 *
 *     client: ws_connect -> RESOLVING -> CONNECTING -+-> OPEN -> CLOSING -> gone (on_close)
 *     server: ws_server_adopt -----------------------+
 *
 * The library would resolve names with a blocking call, so they are resolved before it is asked. A peer ends
 * in one place, peer_end(): forgotten first, told last; its memory goes when timer and name query have let
 * go.
 */
#include "loop/ws.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "loop/ws_private.h"

enum { CLOSE_S = 5, HEADERS_BYTES = 8192, KEY_BYTES = 64, DEADLINE_MS = 10000 };
enum { STATUS_NORMAL = 1000, STATUS_NOT_TEXT = 1003, STATUS_TOO_BIG = 1009 };

struct ws_peer *ws_peer_find(const struct ws *ws, int64_t id)
{
    return map_i64_get(&ws->peers, id);
}

static void peer_release(struct ws_peer *p)
{
    if (p->resolving || p->timing)
        return;
    p->ws->remains--;
    mem_free(p);
}

static void on_deadline_closed(struct timer *t)
{
    struct ws_peer *p = container_of(t, struct ws_peer, deadline);

    p->timing = false;
    peer_release(p);
}

static void peer_drop_queue(struct ws_peer *p)
{
    struct list *n;

    while ((n = list_pop(&p->out)) != NULL)
        mem_free(container_of(n, struct ws_out, node));
    p->out_bytes = 0;
}

static void peer_end(struct ws_peer *p, int err)
{
    struct ws_events events = p->events;
    struct ws_id id = {p->id};
    uint64_t tag = p->tag;
    bool told = p->is_client || (p->state >= WS_OPEN && !list_linked(&p->opened));

    list_del(&p->opened);
    map_i64_del(&p->ws->peers, (int64_t)p->id);
    p->ws->remains++;
    peer_drop_queue(p);
    buf_fini(&p->in);
    buf_fini(&p->headers);
    if (p->socket)
        ws_lws_forget(p->socket);
    p->socket = NULL;
    if (p->resolving)
        (void)uv_cancel((uv_req_t *)&p->resolve);
    if (p->timing)
        timer_close(&p->deadline, on_deadline_closed);
    peer_release(p);
    if (told)
        events.on_close(events.ctx, id, tag, err);
}

/* Ends a peer from outside a callback of its socket; on_close follows. */
static void peer_kill(struct ws_peer *p, int err)
{
    p->err = err;
    if (p->socket)
        ws_lws_kill(p->socket);
    else
        peer_end(p, err);
}

void ws_peer_gone(struct ws_peer *p)
{
    int err = p->err;

    if (err == 0 && p->state != WS_CLOSING)
        err = ERR_CLOSED;
    p->socket = NULL; /* the library lets go by itself */
    peer_end(p, err == ERR_CANCELED ? 0 : err);
}

static void on_announce(struct loop_deferred *d)
{
    struct ws *ws = container_of(d, struct ws, announce);
    struct list *n;

    while ((n = list_pop(&ws->opened)) != NULL) {
        struct ws_peer *p = container_of(n, struct ws_peer, opened);

        p->events.on_open(p->events.ctx, (struct ws_id){p->id}, p->tag);
    }
}

void ws_peer_opened(struct ws_peer *p, struct lws *socket)
{
    p->socket = socket;
    p->state = WS_OPEN;
    if (p->timing)
        timer_stop(&p->deadline);
    list_add_tail(&p->ws->opened, &p->opened);
    loop_defer(p->ws->loop, &p->ws->announce);
}

static void peer_close(struct ws_peer *p, uint16_t status)
{
    p->state = WS_CLOSING;
    p->close_status = status;
    ws_lws_close_within(p->socket, CLOSE_S);
}

void ws_peer_heard(struct ws_peer *p, struct str piece, bool last, bool binary)
{
    struct buf whole;
    int r = binary ? ERR_UNSUPPORTED : 0;

    if (p->state == WS_CLOSING || p->err < 0)
        return;
    if (r == 0 && (p->in.len > 0 || !last || piece.n > p->in.max)) {
        r = buf_add_str(&p->in, piece);
        piece = buf_str(&p->in);
    }
    if (r < 0) {
        p->err = r;
        peer_drop_queue(p);
        peer_close(p, binary ? STATUS_NOT_TEXT : STATUS_TOO_BIG);
        return;
    }
    if (!last)
        return;
    whole = p->in; /* the callback may end the peer */
    buf_init(&p->in, p->ws->conf.max_message);
    p->events.on_text(p->events.ctx, (struct ws_id){p->id}, piece.n ? piece : STR(""));
    buf_fini(&whole);
}

struct ws_out *ws_peer_next_out(struct ws_peer *p)
{
    struct list *n = list_pop(&p->out);
    struct ws_out *out = n ? container_of(n, struct ws_out, node) : NULL;

    if (out)
        p->out_bytes -= out->len;
    return out;
}

static void conf_complete(struct ws_conf *conf)
{
    if (conf->max_peers == 0)
        conf->max_peers = 4096;
    if (conf->max_message == 0)
        conf->max_message = 256 * 1024;
    if (conf->max_queue == 0)
        conf->max_queue = 1024 * 1024;
    if (conf->ping_ms <= 0)
        conf->ping_ms = 25000;
    if (conf->hangup_ms <= conf->ping_ms)
        conf->hangup_ms = conf->ping_ms + 15000;
}

/* Once a turn from ws_stop() on, until nothing is left that could call back. */
static void on_unwind(struct loop_deferred *d)
{
    struct ws *ws = container_of(d, struct ws, unwind);
    union map_val val;
    int64_t id;

    if (!ws->destroyed) {
        for (size_t at = 0; map_i64_next(&ws->peers, &at, &id, &val);) {
            struct ws_peer *p = val.p;

            p->err = p->err ? p->err : ERR_CANCELED;
            if (!p->socket)
                peer_end(p, 0);
        }
        ws->destroyed = true;
        ws_lws_close(ws);
    }
    if (ws->remains > 0 || map_i64_count(&ws->peers) > 0 || !ws_lws_unwind(ws))
        loop_defer(ws->loop, d);
    else if (ws->on_stopped)
        ws->on_stopped(ws->stopped_ctx);
    else
        ws_free(ws);
}

int ws_new(struct loop *loop, const struct ws_conf *conf, struct ws **ret)
{
    struct ws *ws = mem_calloc(1, sizeof(*ws));
    int r;

    if (!ws)
        return -ENOMEM;
    ws->loop = loop;
    if (conf)
        ws->conf = *conf;
    conf_complete(&ws->conf);
    list_init(&ws->servers);
    list_init(&ws->opened);
    loop_deferred_init(&ws->announce, on_announce);
    loop_deferred_init(&ws->unwind, on_unwind);
    map_i64_init(&ws->peers, ws->conf.max_peers);
    r = ws_lws_open(ws);
    if (r < 0) {
        ws_stop(ws, NULL, NULL); /* frees itself when it is unwound */
        return r;
    }
    *ret = ws;
    return 0;
}

void ws_stop(struct ws *ws, void (*on_stopped)(void *ctx), void *ctx)
{
    assert(!ws->stopping);
    ws->stopping = true;
    ws->on_stopped = on_stopped;
    ws->stopped_ctx = ctx;
    loop_defer(ws->loop, &ws->unwind); /* never inside a callback of the library */
}

void ws_free(struct ws *ws)
{
    struct list *n;

    if (!ws)
        return;
    assert(!ws->lws);
    while ((n = list_pop(&ws->servers)) != NULL)
        mem_free(container_of(n, struct ws_server, node));
    loop_deferred_cancel(&ws->announce);
    map_i64_fini(&ws->peers);
    mem_free(ws);
}

int ws_server_new(struct ws *ws, const struct ws_events *events, struct ws_server **ret)
{
    struct ws_server *server = mem_calloc(1, sizeof(*server));

    if (!server)
        return -ENOMEM;
    server->ws = ws;
    server->events = *events;
    list_init(&server->node);
    list_add_tail(&ws->servers, &server->node);
    *ret = server;
    return 0;
}

static int peer_new(struct ws *ws, const struct ws_events *events, uint64_t tag, struct ws_peer **ret)
{
    struct ws_peer *p;
    int r;

    if (ws->stopping)
        return ERR_CLOSED;
    p = mem_calloc(1, sizeof(*p));
    if (!p)
        return -ENOMEM;
    p->ws = ws;
    p->id = ++ws->last_id;
    p->tag = tag;
    p->events = *events;
    p->state = WS_CONNECTING;
    buf_init(&p->in, ws->conf.max_message);
    buf_init(&p->headers, HEADERS_BYTES);
    list_init(&p->out);
    list_init(&p->opened);
    r = map_i64_put(&ws->peers, (int64_t)p->id, p);
    if (r < 0) {
        mem_free(p);
        return r;
    }
    *ret = p;
    return 0;
}

int ws_server_adopt(struct ws_server *server, int fd, struct str key, struct str rest, uint64_t tag)
{
    struct ws_peer *p;
    int r = key.n > KEY_BYTES || rest.n > 0 ? ERR_INVALID : 0;

    if (r == 0)
        r = peer_new(server->ws, &server->events, tag, &p);
    if (r < 0) {
        (void)close(fd);
        return r;
    }
    if (ws_lws_adopt(p, fd, key))
        return 0;
    peer_end(p, ERR_STATE);
    return ERR_STATE;
}

/* "ws://host[:port][/path]" */
static int parse_url(const char *url, struct ws_target *ret)
{
    struct str rest = str_of(url), host, path;
    size_t slash;
    int64_t port;

    ret->tls = str_starts(rest, STR("wss://"));
    if (!ret->tls && !str_starts(rest, STR("ws://")))
        return ERR_INVALID;
    for (size_t i = 0; i < rest.n; i++)
        if ((unsigned char)rest.p[i] <= ' ' || rest.p[i] == 0x7f)
            return ERR_INVALID;
    rest = str_sub(rest, ret->tls ? 6 : 5, rest.n);
    slash = str_chr(rest, '/');
    path = slash < rest.n ? str_sub(rest, slash, rest.n) : STR("/");
    host = str_sub(rest, 0, slash);
    ret->port = ret->tls ? 443 : 80;
    if (str_cut(host, ':', &host, &rest)) {
        if (str_to_i64(rest, &port) < 0 || port < 1 || port > 65535)
            return ERR_INVALID;
        ret->port = (int)port;
    }
    if (host.n == 0 || host.n >= sizeof(ret->host) || path.n >= sizeof(ret->path))
        return ERR_INVALID;
    memcpy(ret->host, host.p, host.n);
    memcpy(ret->path, path.p, path.n);
    return 0;
}

static int add_headers(struct buf *out, const struct http_header *headers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strpbrk(headers[i].name, "\r\n: ") || strpbrk(headers[i].value, "\r\n"))
            return ERR_INVALID;
        (void)buf_addf(out, "%s: %s\r\n", headers[i].name, headers[i].value);
    }
    return buf_error(out);
}

static void peer_dial(struct ws_peer *p, const char *address)
{
    struct ws *ws = p->ws;
    int64_t id = (int64_t)p->id;

    p->state = WS_CONNECTING;
    if (ws_lws_dial(p, address))
        return;
    p = ws_peer_find(ws, id); /* a failure may already have ended it */
    if (p) {
        p->socket = NULL;
        peer_end(p, ERR_IO);
    }
}

static const struct addrinfo *preferred(const struct addrinfo *all)
{
    for (const struct addrinfo *a = all; a; a = a->ai_next)
        if (a->ai_family == AF_INET)
            return a;
    return all;
}

static void on_resolved(uv_getaddrinfo_t *req, int status, struct addrinfo *all)
{
    struct ws_peer *p = req->data;
    const struct addrinfo *a = preferred(all);
    char address[INET6_ADDRSTRLEN];

    p->resolving = false;
    if (!ws_peer_find(p->ws, (int64_t)p->id))
        peer_release(p);
    else if (status < 0 || !a || uv_ip_name(a->ai_addr, address, sizeof(address)) < 0)
        peer_end(p, status < 0 ? status : ERR_NOT_FOUND);
    else
        peer_dial(p, address);
    uv_freeaddrinfo(all);
}

static void on_deadline(struct timer *t)
{
    peer_kill(container_of(t, struct ws_peer, deadline), ERR_TIMEOUT);
}

int ws_connect(struct ws *ws, const char *url, const struct http_header *headers, size_t header_count,
               int64_t deadline_ms, const struct ws_events *events, uint64_t tag, struct ws_id *ret)
{
    static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct ws_target target = {0};
    struct ws_peer *p;
    int r = parse_url(url, &target);

    if (r < 0)
        return r;
    r = peer_new(ws, events, tag, &p);
    if (r < 0)
        return r;
    p->target = target;
    p->resolve.data = p;
    r = add_headers(&p->headers, headers, header_count);
    if (r == 0)
        r = uv_getaddrinfo(&ws->loop->uv, &p->resolve, on_resolved, p->target.host, NULL, &hints);
    if (r < 0) {
        peer_end(p, r); /* not yet a client: nobody is told */
        return r;
    }
    p->state = WS_RESOLVING;
    p->is_client = p->resolving = p->timing = true;
    timer_init(ws->loop, &p->deadline);
    timer_start(&p->deadline, deadline_ms > 0 ? deadline_ms : DEADLINE_MS, on_deadline);
    *ret = (struct ws_id){p->id};
    return 0;
}

int ws_send_text(struct ws *ws, struct ws_id id, struct str text)
{
    struct ws_peer *p = ws_peer_find(ws, (int64_t)id.value);
    struct ws_out *out;

    if (!p || p->state != WS_OPEN || p->err < 0)
        return ERR_NOT_FOUND;
    if (text.n > ws->conf.max_queue - p->out_bytes) {
        peer_kill(p, ERR_FULL);
        return ERR_FULL;
    }
    out = mem_alloc(sizeof(*out) + ws_lws_room() + text.n);
    if (!out)
        return -ENOMEM;
    list_init(&out->node);
    out->text = out->bytes + ws_lws_room();
    out->len = text.n;
    if (text.n > 0)
        memcpy(out->text, text.p, text.n);
    list_add_tail(&p->out, &out->node);
    p->out_bytes += text.n;
    ws_lws_want_write(p->socket);
    return 0;
}

int ws_close(struct ws *ws, struct ws_id id)
{
    struct ws_peer *p = ws_peer_find(ws, (int64_t)id.value);

    if (!p || p->state == WS_CLOSING || p->err < 0)
        return ERR_NOT_FOUND;
    if (p->state != WS_OPEN) {
        peer_kill(p, ERR_CANCELED);
        return 0;
    }
    peer_close(p, STATUS_NORMAL);
    return 0;
}

size_t ws_peer_count(const struct ws *ws)
{
    return map_i64_count(&ws->peers);
}
