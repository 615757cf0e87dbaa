/* SPDX-License-Identifier: Apache-2.0 */
/* trace_text.h - several traces of one person or group as the text of one row. Private to store/.
 *
 *     at_ms \t event \t delivery \t attempt \t what \t detail \n        a line each, in the order of writing
 *
 * What happens to a person happens in groups: an event, its rule, the reply. One row for the group costs a
 * fraction of a row each.
 *
 * Errors   ERR_CORRUPT: not such a text. trace_pack() fails as struct buf does.
 * Memory   an unpacked trace borrows the text.
 * Threads  any.
 */
#ifndef SIYU_STORE_TRACE_TEXT_H
#define SIYU_STORE_TRACE_TEXT_H

#include "base/buf.h"
#include "store/rows.h"

/* `what` and `detail` hold no tab and no line end: a word or two, and compact JSON. */
int trace_pack(const struct trace_row *row, struct buf *out);

/* Takes the first line off `rest`, which is not empty. Leaves ret's contact and group alone. */
int trace_unpack(struct str *rest, struct trace_row *ret);

#endif
