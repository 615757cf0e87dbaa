/* SPDX-License-Identifier: Apache-2.0 */
/* timer.h - one-shot timers on the loop, embedded in the caller's struct.
 *
 *     init -> (start | stop)* -> close -> on_closed
 *
 * Units    milliseconds of real monotonic time from now; 0 means the next turn, never inside timer_start().
 * Errors   timer_init() cannot fail.
 * Memory   the caller's storage, the loop's from init until on_closed; freeing it earlier corrupts the loop.
 * Threads  the loop thread only.
 */
#ifndef SIYU_LOOP_TIMER_H
#define SIYU_LOOP_TIMER_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct timer;
typedef void (*timer_cb)(struct timer *t);

struct timer {
    timer_cb cb, on_closed;
    union {
        uint64_t align;
        unsigned char bytes[152];
    } uv;
};

void timer_init(struct loop *loop, struct timer *t);
/* Starts or starts anew: an earlier start is forgotten. `cb` may start, stop or close `t`. */
void timer_start(struct timer *t, int64_t ms, timer_cb cb);
void timer_stop(struct timer *t);
bool timer_is_running(const struct timer *t);
/* No callback but `on_closed` comes any more, once, from the loop. */
void timer_close(struct timer *t, timer_cb on_closed);

#endif
