/* SPDX-License-Identifier: Apache-2.0 */
/* ws_private.h - peers (ws.c) and their sockets at libwebsockets (ws_lws.c); private to this folder.
 *
 * ws_lws.c never includes base/err.h: a word of it is a type in OpenSSL's headers.
 */
#ifndef SIYU_LOOP_WS_PRIVATE_H
#define SIYU_LOOP_WS_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "loop/loop_private.h"
#include "loop/timer.h"
#include "loop/ws.h"

struct lws;
struct ws_lws;

enum ws_peer_state { WS_RESOLVING, WS_CONNECTING, WS_OPEN, WS_CLOSING };

struct ws {
    struct loop *loop;
    struct ws_conf conf;
    struct ws_lws *lws;   /* NULL when it is unwound */
    struct map_i64 peers; /* by id */
    struct list servers, opened;
    struct loop_deferred announce, unwind;
    uint64_t last_id;
    bool stopping, destroyed;
    size_t remains; /* peers that have ended but whose timer or name query has not */
    void (*on_stopped)(void *ctx);
    void *stopped_ctx;
};

struct ws_server {
    struct ws *ws;
    struct ws_events events;
    struct list node;
};

struct ws_out {
    struct list node;
    size_t len;
    unsigned char *text; /* with room in front, as ws_lws_room() asks */
    unsigned char bytes[];
};

struct ws_target {
    char host[256], path[2048];
    int port;
    bool tls;
};

struct ws_peer {
    struct ws *ws;
    uint64_t id, tag;
    struct ws_events events;
    enum ws_peer_state state;
    int err;
    uint16_t close_status; /* of a close frame that waits behind `out`; 0: none */
    struct lws *socket;
    struct buf in;
    struct list out;
    size_t out_bytes;
    struct list opened; /* in ws.opened until on_open has been called */
    /* A client's. */
    bool is_client, resolving, timing;
    struct timer deadline;
    uv_getaddrinfo_t resolve;
    struct ws_target target;
    struct buf headers;
};

/* Takes socket `fd`, closed also on failure. `key`: Sec-WebSocket-Key of a judged handshake; `rest`: bytes
 * already read behind its head, which must be none: nobody may speak before the 101. ERR_INVALID, ERR_STATE.
 */
int ws_server_adopt(struct ws_server *server, int fd, struct str key, struct str rest, uint64_t tag);

/* ws.c, called by ws_lws.c */
struct ws_peer *ws_peer_find(const struct ws *ws, int64_t id); /* NULL: forgotten */
void ws_peer_opened(struct ws_peer *p, struct lws *socket);
/* A piece of a message. */
void ws_peer_heard(struct ws_peer *p, struct str piece, bool last, bool binary);
/* The next text to write, to be mem_freed; NULL: none. */
struct ws_out *ws_peer_next_out(struct ws_peer *p);
/* The socket is gone. */
void ws_peer_gone(struct ws_peer *p);

/* ws_lws.c */
int ws_lws_open(struct ws *ws);
/* Closes all sockets, each with ws_peer_gone(); not inside a callback of the library. */
void ws_lws_close(struct ws *ws);
/* After ws_lws_close(), once a turn: false while the loop still closes handles of the library; frees then. */
bool ws_lws_unwind(struct ws *ws);
size_t ws_lws_room(void);
/* False: it could not be; the socket is closed or will be, and the peer has heard nothing. */
bool ws_lws_adopt(struct ws_peer *p, int fd, struct str key);
/* False likewise, unless the peer has heard of it and is forgotten. */
bool ws_lws_dial(struct ws_peer *p, const char *address);
void ws_lws_forget(struct lws *socket); /* no further callback names the peer */
void ws_lws_want_write(struct lws *socket);
void ws_lws_kill(struct lws *socket);
/* The peer has a close_status to write; whatever it answers, the socket ends after `seconds`. */
void ws_lws_close_within(struct lws *socket, int seconds);

#endif
