/* SPDX-License-Identifier: Apache-2.0 */
/* spool.h - where raw events are safe when the engine does not answer: an append-only file, fsynced on a
 * thread of its own, so that neither the loop nor the engine's disk trouble is waited for.
 *
 *     spool_open -> spool_next* -> spool_write(line) -> on_safe(tag, err) on the loop -> spool_forget()
 *
 * spool_next() gives the whole lines that an earlier life left; a torn last line was never acknowledged and
 * is cut off by spool_open(). After an fsync that failed nobody knows what the disk holds: what was safe
 * stays so, and every later write is refused.
 *
 * Errors   0 or a negative err; to on_safe(): ERR_FULL above SPOOL_MAX_BYTES.
 * Memory   copies lines. Threads: the loop thread; the writing thread is the spool's own.
 */
#ifndef SIYU_HOST_SPOOL_H
#define SIYU_HOST_SPOOL_H

#include <stdint.h>

#include "base/str.h"
#include "loop/loop.h"

#define SPOOL_MAX_BYTES (INT64_C(256) << 20)

struct spool;
typedef void (*spool_safe_fn)(void *ctx, int64_t tag, int err);

int spool_open(struct loop *loop, const char *dir, spool_safe_fn on_safe, void *ctx, struct spool **ret);
/* 1: the next line of an earlier life, good until the next call; 0: there is none left. */
int spool_next(struct spool *s, struct str *ret);
/* `line` without a newline in it. */
int spool_write(struct spool *s, int64_t tag, struct str line);
/* Everything written so far, and everything spool_next() gave, is in the store: empties the file. */
void spool_forget(struct spool *s);
/* A line that nobody can use: kept for people in <dir>/spool.refused.jsonl. */
int spool_set_aside(struct spool *s, struct str line);
void spool_close(struct spool *s); /* NULL is a no-op; writes that wait are finished, without on_safe */

#endif
