/* SPDX-License-Identifier: Apache-2.0 */
/* front_door.h - the HTTP/1.1 server.
 *
 *     new -> route* -> listen -> (handler -> reply)* -> stop -> on_stopped -> free
 *
 * Each request goes to the handler of its route and is answered once, from inside the handler or later, by
 * id. An id that is answered, timed out or whose peer has gone is forgotten: answering it does nothing.
 * Pipelined requests are handled one after the other, so answers keep their order. What the door refuses by
 * itself (bad syntax, caps, deadlines, unknown path or verb) has the body
 * {"error":{"code":...,"message":...}}. A GET route serves HEAD too. OPTIONS without a route is answered 204
 * with Allow.
 *
 * Units    milliseconds, bytes.
 * Errors   0 or a negative err; a taken port is UV_EADDRINUSE (-EADDRINUSE) from front_door_listen().
 * Memory   a request and its strings are borrowed until the handler returns or answers it; replies are copied
 * or written at once. Threads  the loop thread only.
 */
#ifndef SIYU_LOOP_FRONT_DOOR_H
#define SIYU_LOOP_FRONT_DOOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "loop/http_client.h"
#include "loop/http_parse.h"

struct loop;
struct front_door;
struct ws_server;

struct request_id {
    uint64_t value; /* 0 is none; never reused */
};

struct http_request {
    struct request_id id;
    enum http_verb verb;
    struct str path, query; /* as sent: not decoded */
    struct str rest;        /* of the path, behind a prefix route's prefix */
    struct str body;
    struct str peer;                  /* address in text, without port */
    bool upgrade;                     /* asks for websocket: front_door_upgrade() may answer it */
    const struct http_parser *parser; /* see http_request_field() */
    const char *data;
};
/* Empty: no such field. */
struct str http_request_field(const struct http_request *r, const char *name);

typedef void (*front_door_handler)(void *ctx, const struct http_request *r);

struct front_door_conf {    /* zero means the default */
    size_t max_connections; /* 4,096; at most 65,535 */
    size_t max_per_ip;      /* connections; no bound (behind a proxy all come from one address) */
    int64_t head_ms;        /* from the first byte, or the connect, to the whole head: 10,000 */
    int64_t body_ms;        /* from the head to the whole body: 30,000 */
    int64_t handler_ms;     /* for the handler's reply, then 504: 30,000 */
    int64_t write_ms;       /* for the peer to take the answer: 30,000 */
    int64_t idle_ms;        /* between requests: 60,000 */
    struct ws_server *ws;   /* takes upgraded sockets; may be NULL; outlives the door */
};

int front_door_new(struct loop *loop, const struct front_door_conf *conf, struct front_door **ret);
/* `verbs`: VERB_ bits. "/hooks/" serves all below it, any path without such an end, and "/", exactly itself;
 * the longest match wins. Copies `path`. Before front_door_listen(). */
int front_door_route(struct front_door *fd, unsigned verbs, const char *path, size_t body_cap,
                     front_door_handler handler, void *ctx);
/* "127.0.0.1:8600", "[::1]:8600"; port 0 picks one. */
int front_door_listen(struct front_door *fd, const char *address);
int front_door_port(const struct front_door *fd);

/* No new connections; requests at work are answered, idle peers are closed, after `grace_ms` all are.
 * Then on_stopped(ctx), once, from the loop. */
void front_door_stop(struct front_door *fd, int64_t grace_ms, void (*on_stopped)(void *ctx), void *ctx);
/* After on_stopped, or before any listen. NULL is a no-op. */
void front_door_free(struct front_door *fd);

struct http_reply {
    int status;
    const char *content_type; /* NULL: none */
    const struct http_header *headers;
    size_t header_count;
    struct str body;
};
void http_reply(struct front_door *fd, struct request_id id, const struct http_reply *reply);
/* {"error":{"code":code,"message":message}}; `code` and `message` are escaped. */
void http_reply_error(struct front_door *fd, struct request_id id, int status, const char *code,
                      const char *message);
/* Closes the peer's connection instead of answering. */
void http_drop(struct front_door *fd, struct request_id id);
/* Answers a websocket request with 101 and gives the socket to the door's ws_server, whose on_open() gets
 * `tag`. For a peer that has gone or did not ask for it: ERR_NOT_FOUND, and the request stays as it was. */
int front_door_upgrade(struct front_door *fd, struct request_id id, uint64_t tag);

struct front_door_stats {
    size_t connections;
    uint64_t accepted, refused, requests; /* refused: connections over a cap */
};
struct front_door_stats front_door_stats(const struct front_door *fd);

#endif
