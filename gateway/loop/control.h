/* SPDX-License-Identifier: Apache-2.0 */
/* control.h - the local command channel: one line in, one line out, over a unix socket of this user only.
 *
 * The server's handler gets each line once and answers it once, at once or later, by id; an id whose client
 * has gone is forgotten. A connection carries one exchange. The client blocks: it is for the command line.
 *
 * Units    bytes, milliseconds. A line is at most CONTROL_LINE_BYTES without its newline.
 * Errors   0 or a negative err; control_open(): -EADDRINUSE when another process listens on `path` (a socket
 *          that nobody serves is replaced). control_call(): -ENOENT or -ECONNREFUSED when no gateway runs,
 *          -ETIMEDOUT, ERR_FULL for a line over the cap.
 * Memory   lines are borrowed for the call.
 * Threads  server: the loop thread; client: any.
 */
#ifndef SIYU_LOOP_CONTROL_H
#define SIYU_LOOP_CONTROL_H

#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum { CONTROL_LINE_BYTES = 4 * 1024 * 1024 };

struct loop;
struct control;
struct control_id {
    uint64_t value; /* 0 is none; never reused */
};
typedef void (*control_handler)(void *ctx, struct control_id id, struct str line);

int control_open(struct loop *loop, const char *path, control_handler handler, void *ctx,
                 struct control **ret);
/* `line` without newline; one over the cap or with a newline in it is a bug. */
void control_reply(struct control *c, struct control_id id, struct str line);
/* Removes the socket, drops clients; storage goes when the loop has closed them. NULL is a no-op. */
void control_close(struct control *c);

/* Sends `line`, gives the answer without newline, appended to `ret`. */
int control_call(const char *path, struct str line, int64_t timeout_ms, struct buf *ret);

#endif
