/* SPDX-License-Identifier: Apache-2.0 */
/* spool.h - where raw events are safe when the engine does not answer: an append-only file, fsynced on a
 * thread of its own, so that neither the loop nor the engine's disk trouble is waited for.
 *
 *     spool_write(line) -> on_safe(tag, err) on the loop; after the engine has them: spool_forget()
 *
 * At start spool_read() gives every whole line that was left; a torn last line was never acknowledged.
 *
 * Errors   0 or a negative err; ERR_FULL above SPOOL_MAX_BYTES.
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
typedef int (*spool_line_fn)(void *ctx, struct str line);

int spool_open(struct loop *loop, const char *dir, spool_safe_fn on_safe, void *ctx, struct spool **ret);
/* Before the first write. Stops at the first negative result of `each`. */
int spool_read(const char *dir, spool_line_fn each, void *ctx);
int spool_write(struct spool *s, int64_t tag, struct str line);
/* Everything written so far is in the store: empties the file when nothing else waits. */
void spool_forget(struct spool *s);
void spool_close(struct spool *s); /* NULL is a no-op; writes that wait are finished, without on_safe */

#endif
