/* SPDX-License-Identifier: Apache-2.0 */
/* ledger.h - what the platforms did, one JSON line each, in order: the oracle of every test about limits.
 *
 *     {"seq","t_ms","connection","account","op","to":[...],"cost","key","errcode","replied","body_sha256",...}
 *
 * A line is in the file, flushed to the system, when sb_ledger_add() returns. A file that has lines already
 * is continued, and so are their numbers. The last SB_LEDGER_KEPT lines are also kept for readers.
 *
 * Errors   sb_ledger_open(): ERR_IO, ERR_SYNTAX (the file's last line is no ledger line). A line that cannot
 *          be written ends the process: a ledger with holes is worse than none.
 * Memory   as must.h; copies.
 * Threads  one at a time.
 */
#ifndef SIYU_SANDBOX_LEDGER_H
#define SIYU_SANDBOX_LEDGER_H

#include "base/buf.h"
#include "sandbox/model.h"

#include <stdio.h>

enum { SB_LEDGER_KEPT = 1 << 20 };

struct sb_ledger {
    FILE *file; /* NULL: kept in memory only */
    int64_t seq;
    char **lines; /* ring of the last ones; line `seq` is at seq % SB_LEDGER_KEPT */
    size_t cap;
};

/* `path` NULL: no file. */
int sb_ledger_open(struct sb_ledger *l, const char *path);
void sb_ledger_close(struct sb_ledger *l);
void sb_ledger_add(struct sb_ledger *l, const struct sb_entry *e);
/* Appends kept lines with seq > after, each with its newline, until `most` lines or `out` is full. */
void sb_ledger_read(const struct sb_ledger *l, int64_t after, int64_t most, struct buf *out);

#endif
