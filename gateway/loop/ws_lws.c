/* SPDX-License-Identifier: Apache-2.0 */
/* ws_lws.c - the only file that knows libwebsockets, which runs on our loop.
 *
 * A server peer's request head was judged by the front door. The library gets one of our own making that
 * carries the peer's id as its path, by which the first callback finds the peer; what the client wrote
 * besides its key never reaches the library's parser.
 *
 * Debian's build closes a socket at once when a callback asks for its end, before the close frame is out. So
 * the frame is written here, and the socket ends with the peer's answer or a time-out. A time-out that is set
 * from outside is seen only when the library is served: lws_cancel_service() sees to that.
 *
 * Freeing takes two calls of lws_context_destroy(): the first closes the sockets, the second frees. Between
 * them the loop must have closed the library's own handles; they are told by their data, the context.
 */
#include <errno.h>
#include <inttypes.h>
#include <libwebsockets.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "loop/ws_private.h"

enum { WRITES_A_TURN = 16 };
/* lws_write()'s word for a close frame; the library keeps its name private since 4.0. */
enum { WRITE_CLOSE = 4 };

struct ws_lws {
    struct lws_context *context;
    struct lws_vhost *vhost;
    lws_retry_bo_t idle;
};

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len);

static const struct lws_protocols protocols[] = {
    {.name = "siyu", .callback = on_lws, .rx_buffer_size = 4096},
    {.name = NULL},
};

static void on_lws_log(int level, const char *line)
{
    (void)level;
    log_debug("ws", "%.*s", (int)strcspn(line, "\n"), line);
}

/* 0, or -1: the library closes the socket. */
static int on_established(struct lws *wsi)
{
    const struct ws *ws = lws_context_user(lws_get_context(wsi));
    struct ws_peer *p = NULL;
    char path[32];
    int64_t id;

    if (lws_hdr_copy(wsi, path, sizeof(path), WSI_TOKEN_GET_URI) > 1 &&
        str_to_i64(str_of(path + 1), &id) == 0)
        p = ws_peer_find(ws, id);
    if (!p || p->state != WS_CONNECTING)
        return -1;
    lws_set_opaque_user_data(wsi, p);
    ws_peer_opened(p, wsi);
    return 0;
}

static void on_receive(struct ws_peer *p, struct lws *wsi, const char *bytes, size_t n)
{
    bool last = lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0;

    ws_peer_heard(p, (struct str){bytes, n}, last, lws_frame_is_binary(wsi) != 0);
}

static int write_close(struct ws_peer *p, struct lws *wsi)
{
    unsigned char frame[LWS_PRE + 2];

    frame[LWS_PRE] = (unsigned char)(p->close_status >> 8);
    frame[LWS_PRE + 1] = (unsigned char)p->close_status;
    p->close_status = 0;
    return lws_write(wsi, frame + LWS_PRE, 2, (enum lws_write_protocol)WRITE_CLOSE) < 0 ? -1 : 0;
}

static int on_writable(struct ws_peer *p, struct lws *wsi)
{
    for (int i = 0; i < WRITES_A_TURN && !lws_send_pipe_choked(wsi); i++) {
        struct ws_out *out = ws_peer_next_out(p);
        int sent;

        if (!out)
            break;
        sent = lws_write(wsi, out->text, out->len, LWS_WRITE_TEXT);
        mem_free(out);
        if (sent < 0)
            return -1;
    }
    if (!list_empty(&p->out))
        lws_callback_on_writable(wsi);
    else if (p->close_status)
        return write_close(p, wsi);
    return 0;
}

static int on_handshake_headers(const struct ws_peer *p, unsigned char **at, size_t room)
{
    if (p->headers.len > room)
        return -1;
    if (p->headers.len > 0)
        memcpy(*at, p->headers.data, p->headers.len);
    *at += p->headers.len;
    return 0;
}

/* How a socket ends depends on how far it came, and one end may be told in two ways: the first counts. */
static void on_gone(struct ws_peer *p, struct lws *wsi)
{
    lws_set_opaque_user_data(wsi, NULL);
    ws_peer_gone(p);
}

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    struct ws_peer *p = wsi ? lws_get_opaque_user_data(wsi) : NULL;

    (void)user;
    if (reason == LWS_CALLBACK_ESTABLISHED)
        return on_established(wsi);
    if (!p)
        return reason == LWS_CALLBACK_HTTP ? -1 : 0; /* nothing but our own handshakes is served here */
    switch ((int)reason) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER: return on_handshake_headers(p, in, len);
    case LWS_CALLBACK_CLIENT_ESTABLISHED: ws_peer_opened(p, wsi); return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
    case LWS_CALLBACK_RECEIVE: on_receive(p, wsi, in, len); return 0;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
    case LWS_CALLBACK_SERVER_WRITEABLE: return on_writable(p, wsi);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE: p->state = WS_CLOSING; return 0;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        if (in)
            log_debug("ws", "connect failed: %.*s", (int)len, (const char *)in);
        on_gone(p, wsi);
        return 0;
    case LWS_CALLBACK_CLOSED_CLIENT_HTTP: /* before the 101 */
    case LWS_CALLBACK_CLIENT_CLOSED:
    case LWS_CALLBACK_CLOSED:
    case LWS_CALLBACK_WSI_DESTROY: on_gone(p, wsi); return 0;
    default: return 0;
    }
}

int ws_lws_open(struct ws *ws)
{
    struct ws_lws *l = mem_calloc(1, sizeof(*l));
    void *loops[1] = {&ws->loop->uv};
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = protocols,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_VALIDATE_UTF8 |
                   LWS_SERVER_OPTION_UV_NO_SIGSEGV_SIGFPE_SPIN,
        .foreign_loops = loops,
        .user = ws,
        .client_ssl_ca_filepath = ws->conf.ca_file,
        .vhost_name = "siyu",
    };

    if (!l)
        return -ENOMEM;
    ws->lws = l;
    l->idle.secs_since_valid_ping = (uint16_t)((ws->conf.ping_ms + 999) / 1000);
    l->idle.secs_since_valid_hangup = (uint16_t)((ws->conf.hangup_ms + 999) / 1000);
    info.retry_and_idle_policy = &l->idle;
    lws_set_log_level(LLL_ERR | LLL_WARN, on_lws_log);
    l->context = lws_create_context(&info);
    if (l->context)
        l->vhost = lws_create_vhost(l->context, &info);
    return l->vhost ? 0 : -ENOMEM;
}

void ws_lws_close(struct ws *ws)
{
    if (ws->lws && ws->lws->context)
        lws_context_destroy(ws->lws->context);
}

struct owned_handles {
    const struct lws_context *owner;
    size_t count;
};

static void on_walk(uv_handle_t *handle, void *arg)
{
    struct owned_handles *owned = arg;

    owned->count += handle->data == owned->owner;
}

bool ws_lws_unwind(struct ws *ws)
{
    struct owned_handles owned = {0};

    if (!ws->lws)
        return true;
    owned.owner = ws->lws->context;
    if (owned.owner)
        uv_walk(&ws->loop->uv, on_walk, &owned);
    if (owned.count > 0)
        return false;
    lws_context_destroy(ws->lws->context);
    mem_free(ws->lws);
    ws->lws = NULL;
    return true;
}

size_t ws_lws_room(void)
{
    return LWS_PRE;
}

bool ws_lws_adopt(struct ws_peer *p, int fd, struct str key)
{
    struct lws *wsi;
    char head[512];
    int n =
        snprintf(head, sizeof(head),
                 "GET /%" PRIu64 " HTTP/1.1\r\nHost: siyu\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %.*s\r\n\r\n",
                 p->id, STR_ARG(key));

    if (n < 0 || (size_t)n >= sizeof(head)) {
        (void)close(fd);
        return false;
    }
    wsi = lws_adopt_socket_vhost_readbuf(p->ws->lws->vhost, fd, head, (size_t)n);
    if (wsi && !p->socket)
        ws_lws_kill(wsi);
    return p->socket != NULL;
}

bool ws_lws_dial(struct ws_peer *p, const char *address)
{
    const struct ws_target *t = &p->target;
    bool usual_port = t->port == (t->tls ? 443 : 80);
    char host[300];
    struct lws_client_connect_info info = {
        .context = p->ws->lws->context,
        .vhost = p->ws->lws->vhost,
        .address = address,
        .port = t->port,
        .path = t->path,
        .host = host,
        .ssl_connection = t->tls ? LCCSCF_USE_SSL : 0,
        .alpn = "http/1.1",
        .local_protocol_name = protocols[0].name,
        .opaque_user_data = p,
        .retry_and_idle_policy = &p->ws->lws->idle,
        .pwsi = &p->socket,
    };

    (void)snprintf(host, sizeof(host), "%s", t->host);
    if (!usual_port)
        (void)snprintf(host, sizeof(host), "%s:%d", t->host, t->port);
    return lws_client_connect_via_info(&info) != NULL;
}

void ws_lws_forget(struct lws *socket)
{
    lws_set_opaque_user_data(socket, NULL);
}

void ws_lws_want_write(struct lws *socket)
{
    lws_callback_on_writable(socket);
}

void ws_lws_kill(struct lws *socket)
{
    lws_set_timeout(socket, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
    lws_cancel_service(lws_get_context(socket));
}

void ws_lws_close_within(struct lws *socket, int seconds)
{
    lws_set_timeout(socket, PENDING_TIMEOUT_USER_REASON_BASE, seconds);
    lws_callback_on_writable(socket);
    lws_cancel_service(lws_get_context(socket));
}
