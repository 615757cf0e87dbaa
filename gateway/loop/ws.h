/* SPDX-License-Identifier: Apache-2.0 */
/* ws.h - WebSocket peers, text messages only, as server (upgraded by the front door) and as client.
 *
 *     ws_new -> ws_server_new* -> (on_open -> on_text* -> on_close)* -> ws_stop -> on_stopped -> ws_free
 *
 * A peer is named by an id; one that has gone is forgotten: every call with its id gives ERR_NOT_FOUND.
 * A client that ws_connect() accepted gets exactly one on_close, also when it never opened.
 * A peer that does not read is closed when its queue is full; one that is silent is pinged, then closed.
 *
 * Units    bytes, milliseconds (rounded up to seconds for pings).
 * Errors   0 or a negative err.
 * Memory   arguments are borrowed for the call.
 * Threads  the loop thread only. Client names are resolved on the thread pool.
 */
#ifndef SIYU_LOOP_WS_H
#define SIYU_LOOP_WS_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "loop/http_client.h"

struct loop;
struct ws;
struct ws_server;

struct ws_id {
    uint64_t value; /* 0 is none; never reused */
};

struct ws_events {
    void *ctx;
    void (*on_open)(void *ctx, struct ws_id id, uint64_t tag);
    void (*on_text)(void *ctx, struct ws_id id, struct str text); /* a whole message, valid UTF-8 */
    /* err 0: closed by either side in order; else why. The id is already forgotten. */
    void (*on_close)(void *ctx, struct ws_id id, uint64_t tag, int err);
};

struct ws_conf {         /* zero means the default */
    size_t max_peers;    /* servers and clients together: 4,096 */
    size_t max_message;  /* inbound; a longer one closes the peer: 256 KiB */
    size_t max_queue;    /* outbound bytes waiting for one peer: 1 MiB */
    int64_t ping_ms;     /* silence before a ping: 25,000 */
    int64_t hangup_ms;   /* silence before the peer is given up: 40,000 */
    const char *ca_file; /* NULL: the system's */
};

int ws_new(struct loop *loop, const struct ws_conf *conf, struct ws **ret);
/* Closes all peers, each with its on_close; then on_stopped(ctx), once, from the loop. */
void ws_stop(struct ws *ws, void (*on_stopped)(void *ctx), void *ctx);
/* After on_stopped. NULL is a no-op. */
void ws_free(struct ws *ws);

/* What upgraded sockets of a front door get. Lives as long as `ws`; copies `events`. */
int ws_server_new(struct ws *ws, const struct ws_events *events, struct ws_server **ret);

/* `url`: ws://host[:port]/path or wss://. `deadline_ms` for everything until on_open; 0: 10,000.
 * on_open or on_close follows from the loop, never from inside the call. */
int ws_connect(struct ws *ws, const char *url, const struct http_header *headers, size_t header_count,
               int64_t deadline_ms, const struct ws_events *events, uint64_t tag, struct ws_id *ret);

/* ERR_FULL: over max_queue; the peer is too slow and is being closed. */
int ws_send_text(struct ws *ws, struct ws_id id, struct str text);
/* Starts the closing handshake after what is queued; on_close follows. */
int ws_close(struct ws *ws, struct ws_id id);

size_t ws_peer_count(const struct ws *ws);

#endif
