/* SPDX-License-Identifier: Apache-2.0 */
/* http_client.h - HTTP/1.1 requests out, over pools of kept-alive connections.
 *
 * A start that returned 0 is answered by exactly one done(), from the loop, never from inside http_start() or
 * http_cancel(). What done() reports are facts about bytes, for callers that must not send twice:
 *
 *     HTTP_DONE      a whole answer was read: any status, redirects included (none is followed)
 *     HTTP_NOT_SENT  no byte of the request left this machine: name, connect, TLS, no free connection in time
 *     HTTP_UNKNOWN   at least one byte left and no whole answer came: perhaps processed
 *     HTTP_CANCELED  http_cancel(); `bytes_out` says whether anything had left
 *
 * send_once: the request goes out on one connection at most once. Otherwise a request on a reused connection
 * that the peer closed without a byte of answer is repeated by itself on a fresh one, which suits a GET or a
 * token fetch only.
 *
 * Units    milliseconds from http_start(); bytes.
 * Errors   0 or a negative err: UV_EINVAL-like codes for a bad URL, method or header (a CR or LF in it);
 *          ERR_FULL when conf.max_waiting transfers wait already. On failure there is no done().
 * Memory   the transfer is the caller's storage. Its request fields are borrowed until done(), its answer
 *          belongs to it from done() on: http_xfer_fini() frees it.
 * Threads  the loop thread only. Names are resolved on a thread of their own.
 */
#ifndef SIYU_LOOP_HTTP_CLIENT_H
#define SIYU_LOOP_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/str.h"

struct loop;
struct http_client;
struct http_xfer;

enum http_end { HTTP_DONE, HTTP_NOT_SENT, HTTP_UNKNOWN, HTTP_CANCELED };
typedef void (*http_done_cb)(struct http_xfer *x, enum http_end end);

struct http_header {
    const char *name, *value;
};

struct http_xfer {
    /* The request. Zero means the default. */
    const char *method;                /* "GET" when NULL */
    const char *url;                   /* http or https */
    const struct http_header *headers; /* no Content-Length */
    size_t header_count;
    struct str body;     /* sent, with its length, when not empty or when the method is POST or PUT */
    int64_t deadline_ms; /* of the whole exchange, waiting for a connection included; 30,000 */
    int64_t connect_ms;  /* name, connect and TLS; 5,000 */
    size_t max_bytes;    /* of the answer's body; 1 MiB */
    bool send_once;
    http_done_cb done;

    /* The answer, valid in and after done(). */
    int status;             /* 0: no status line came */
    int err;                /* why it did not end HTTP_DONE: ETIMEDOUT-like codes, ERR_...; else 0 */
    const char *why;        /* the same for people; static text, never NULL */
    struct buf answer;      /* body; partial after HTTP_UNKNOWN */
    char content_type[80];  /* cut; empty: none */
    int64_t date_ms;        /* Date, ms since 1970; 0: none */
    int64_t retry_after_ms; /* Retry-After, from now; -1: none */
    int64_t bytes_out;      /* header and body bytes that left or were about to; 0: surely none */
    int64_t total_ms;
    bool reused; /* an already open connection served it */

    /* The client's. */
    struct http_client *client;
    void *slot;
    struct list node;
};

struct http_client_conf { /* zero means the default */
    size_t max_total;     /* connections, and transfers at work: 256 */
    size_t max_per_host;  /* 64 */
    size_t max_waiting;   /* transfers that wait for a free place: 4,096 */
    int64_t max_idle_ms;  /* an idle connection older than this is not used again: 20,000 */
    const char *ca_file;  /* NULL: the system's */
    const char *agent;    /* User-Agent; "siyu" */
};

int http_client_new(struct loop *loop, const struct http_client_conf *conf, struct http_client **ret);
/* Asserts that no transfer is left (cancel them and wait for their done()). Closes idle connections. */
void http_client_free(struct http_client *h);

int http_start(struct http_client *h, struct http_xfer *x);
/* done(HTTP_CANCELED) follows from the loop. A no-op when `x` is not started or already ended. */
void http_cancel(struct http_client *h, struct http_xfer *x);
/* Between http_start() and done(). */
bool http_is_running(const struct http_xfer *x);
/* Frees the answer, keeps the request: `x` may be started again. Asserts that it is not running. */
void http_xfer_fini(struct http_xfer *x);

/* Started and not yet ended. */
size_t http_client_load(const struct http_client *h);

#endif
