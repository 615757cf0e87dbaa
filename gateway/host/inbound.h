/* SPDX-License-Identifier: Apache-2.0 */
/* inbound.h - events between adapter and engine: flattened for the engine's thread, and back from the spool.
 *
 * Memory   gives an op that core_post() takes or message_free() frees.
 * Threads  any.
 */
#ifndef SIYU_HOST_INBOUND_H
#define SIYU_HOST_INBOUND_H

#include "adapter.h"
#include "base/buf.h"
#include "engine/message.h"

/* A copy of everything; the dedupe key is hashed. -ENOMEM. */
int inbound_op(struct inbound_id id, struct connection_id connection, const struct event *events, size_t n,
               const char *cursor, int64_t now_ms, int64_t now_mono_ms, struct op_inbound **ret);

/* One line of JSON, enough to make the op again; appended without newline. */
int inbound_write(const struct op_inbound *op, const char *connection, struct buf *out);
/* ERR_SYNTAX: not such a line. `ret_connection` points into the op. */
int inbound_read(struct str line, struct op_inbound **ret, struct str *ret_connection);

#endif
