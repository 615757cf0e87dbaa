/* SPDX-License-Identifier: Apache-2.0 */
/* recovery.h - after an unclean stop: events are stored and acknowledged first, then decided one a transaction,
 * each with a crash counter that is committed before it is decided, so that an event which kills the process is
 * set aside after the third time. Ends when 60 s passed clean.
 *
 * Errors   0 or a negative err of the store. Threads: the engine thread.
 */
#ifndef SIYU_ENGINE_RECOVERY_H
#define SIYU_ENGINE_RECOVERY_H

#include "engine/batch.h"

enum { RECOVERY_CRASHES_MAX = 3 };
#define RECOVERY_CLEAN_MS INT64_C(60000)

/* One step; `ret_next_ms` is now when more is to be done. */
int recovery_tick(struct batch *b, int64_t *ret_next_ms);

#endif
