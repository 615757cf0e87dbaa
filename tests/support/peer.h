/* SPDX-License-Identifier: Apache-2.0 */
/* peer.h - the other side of a connection in tests: a scripted HTTP server on a thread, and a blocking
 * client.
 *
 * The server reads one request after the other on any number of connections; the n-th request it begins to
 * read, counted over all connections, is treated as steps[n] says, the last step serves all that follow.
 * What it answers is raw text, so that a test may answer rubbish.
 *
 * Units    every blocking call gives up after PEER_PATIENCE_MS.
 * Errors   0 or negative errno. Do not assert in a thread other than the test's own: cmocka jumps.
 * Threads  the peer's own; the calls from any.
 */
#ifndef SIYU_TESTS_SUPPORT_PEER_H
#define SIYU_TESTS_SUPPORT_PEER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum { PEER_PATIENCE_MS = 10000 };

#define PEER_OK "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"

enum peer_fate {
    PEER_KEEP,  /* the connection lives on; without an answer: the request is never answered */
    PEER_CLOSE, /* orderly, after the answer */
    PEER_RESET,
};

struct peer_step {
    const char *answer; /* NULL: none */
    enum peer_fate fate;
    bool head_only;    /* acts when the head is there, without waiting for the body */
    const char *first; /* sent when the head is there, for example "HTTP/1.1 100 Continue\r\n\r\n" */
};

struct peer;
int peer_start(const struct peer_step *steps, size_t n,
               struct peer **ret); /* borrows steps until peer_stop */
void peer_stop(struct peer *p);
int peer_port(const struct peer *p);
/* "http://127.0.0.1:PORT" + path, valid until the next call. */
const char *peer_url(struct peer *p, const char *path);
size_t peer_connections(struct peer *p);
size_t peer_most_open(struct peer *p); /* connections open at the same time */
size_t peer_requests(struct peer *p);  /* heads read */
/* Head and body as received, NULL when there is no i-th; valid until peer_stop. */
const char *peer_request(struct peer *p, size_t i);

int peer_dial(int port);
int peer_say(int fd, const char *text, size_t len);
/* Appends exactly one HTTP answer: head, and Content-Length bytes. */
int peer_hear_answer(int fd, struct buf *out);
/* Appends `n` bytes. */
int peer_hear_bytes(int fd, size_t n, struct buf *out);
/* Appends all until the other side closes. */
int peer_hear_end(int fd, struct buf *out);

#endif
