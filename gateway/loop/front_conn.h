/* SPDX-License-Identifier: Apache-2.0 */
/* front_conn.h - one connection of the front door; private to this folder. */
#ifndef SIYU_LOOP_FRONT_CONN_H
#define SIYU_LOOP_FRONT_CONN_H

#include <uv.h>

#include "base/buf.h"
#include "base/list.h"
#include "loop/front_door.h"
#include "loop/loop_private.h"
#include "loop/timer.h"

enum {
    SLOT_BITS = 16,
    READ_BYTES = 4096,                /* room offered to one read of a head */
    READ_BODY_BYTES = 65536,          /* and of a body */
    PIPELINE_BYTES = HTTP_HEAD_BYTES, /* taken in ahead while a request is being answered */
    COPIED_BYTES = 4096,              /* a body up to this size is cheaper copied than gathered */
    PIPELINE_TURN = 32,               /* requests of one connection a turn */
    LINGER_MS = 2000,
};

struct route {
    char *path;
    size_t path_len;
    bool prefix;
    unsigned verbs;
    size_t body_cap;
    front_door_handler handler;
    void *ctx;
};

struct front_door {
    struct loop *loop;
    struct front_door_conf conf;
    struct route *routes;
    size_t route_count;
    uv_tcp_t listener;
    bool listening, stopping;
    bool waiting; /* libuv holds an accepted socket, and listens no more, until there is memory for it */
    struct timer sweep, grace;
    int64_t sweep_ms;
    int open_handles; /* the storage goes with the last one */
    struct loop_deferred stopped;
    void (*on_stopped)(void *ctx);
    void *stopped_ctx;
    struct conn **slots;
    uint16_t *free_slots;
    size_t free_count;
    struct list conns;
    struct list ready; /* with requests left over from their last turn */
    struct loop_deferred run_ready;
    uint64_t serial;
    struct front_door_stats stats;
    int64_t date_s;
    char date[40];
};

enum conn_state {
    CONN_HEAD,   /* between requests, or in a head */
    CONN_BODY,   /* head judged, body incomplete */
    CONN_ASKED,  /* with the handler */
    CONN_WRITE,  /* an answer that the socket did not take at once */
    CONN_LINGER, /* answered for good: reads away what the peer still sends, lest a reset overtakes the answer
                  */
    CONN_CLOSED,
};

struct conn {
    uv_tcp_t tcp;
    struct front_door *door;
    struct list node;
    struct list ready;
    enum conn_state state;
    bool reading, driving, last, eof; /* last: close after the answer */
    uint16_t slot;
    uint64_t serial; /* of the request in CONN_ASKED; 0: none */
    int64_t deadline_ms;
    const struct route *route;
    struct http_parser parser;
    struct buf in, out;
    uv_write_t write;
    uv_shutdown_t shutdown;
    char peer[INET6_ADDRSTRLEN];
};

/* Takes the connection that the listener holds. -ENOMEM: it still does. */
int conn_accept(struct front_door *door);
/* Reads on, unless it does or the peer has ended. */
void conn_read(struct conn *c);
/* Reads, judges and hands over what is in the buffer until it is used up or somebody must be waited for. */
void conn_drive(struct conn *c);
/* The deadline of its state has passed. */
void conn_expire(struct conn *c);
void conn_close(struct conn *c);
/* The door stops: idle goes now, the rest after its answer. */
void conn_drain(struct conn *c);
/* Writes the answer of the request at work. */
void conn_reply(struct conn *c, const struct http_reply *reply);
void conn_reply_error(struct conn *c, int status, const char *code, const char *message);
/* NULL: forgotten. */
struct conn *conn_find(const struct front_door *door, struct request_id id);

/* front_route.c */
const struct route *route_find(const struct front_door *door, enum http_verb verb, struct str path,
                               unsigned *ret_verbs);
/* front_reply.c: appends the head of an answer, blank line included. */
int reply_head(struct front_door *door, const struct http_reply *reply, bool close, struct buf *out);
/* An "Allow" value for VERB_ bits. */
void reply_allow(unsigned verbs, char *ret, size_t size);

/* front_door.c */
void front_door_conn_closed(struct front_door *door, struct conn *c);

#endif
