/* SPDX-License-Identifier: Apache-2.0 */
/* loop_private.h - what the files of this folder share: the uv loop behind struct loop. */
#ifndef SIYU_LOOP_LOOP_PRIVATE_H
#define SIYU_LOOP_LOOP_PRIVATE_H

#include <uv.h>

#include "base/list.h"
#include "loop/loop.h"

/* A minute of tenths of a second. */
enum { LAG_SLOTS = 600, LAG_SLOT_MS = 100 };

struct loop {
    uv_loop_t uv;
    uv_prepare_t prepare;
    uv_idle_t spin; /* active while something is deferred, so that the loop does not sleep on it */
    uv_signal_t signals[2];
    int signal_count;
    loop_signal_cb on_signal;
    void *signal_ctx;
    struct list deferred;
    uint64_t turn_ns, idle_ns; /* at the last look */
    int64_t lag_slot;          /* number of the slot being filled */
    uint32_t lag_us[LAG_SLOTS];
};

#endif
