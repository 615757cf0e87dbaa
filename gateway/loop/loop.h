/* SPDX-License-Identifier: Apache-2.0 */
/* loop.h - the one thread that does I/O: owner of the event loop and of what wakes it.
 *
 * Build up:   loop_new -> (timers, clients, servers) -> loop_run
 * Tear down:  stop what was started, in reverse; each ending is a callback from the loop; the last one calls
 *             loop_stop(); then loop_free(), which lets the closing finish and asserts that nothing was
 * forgotten.
 *
 * Units    milliseconds; loop_now_ms() is monotonic real time since some start, never stepped, never
 * accelerated. Errors   0 or a negative err. Memory   every struct here is the caller's storage; it belongs
 * to the loop from init to the closed callback. Threads  the loop thread only, except loop_wake_send().
 */
#ifndef SIYU_LOOP_LOOP_H
#define SIYU_LOOP_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct loop;
struct loop_wake;
struct loop_deferred;

typedef void (*loop_wake_cb)(struct loop_wake *w);
typedef void (*loop_deferred_cb)(struct loop_deferred *d);
typedef void (*loop_signal_cb)(void *ctx, int signum);

int loop_new(struct loop **ret);

/* Returns after loop_stop(), or when nothing is left that could happen. */
void loop_run(struct loop *loop);

/* Ends loop_run() after this turn. Legal before loop_run(): it then returns after one turn. */
void loop_stop(struct loop *loop);

/* Runs what is deferred and what is closing to its end. A handle that is still open asserts: its owner was
 * not stopped. */
void loop_free(struct loop *loop);

int64_t loop_now_ms(const struct loop *loop);

/* SIGTERM and SIGINT go to `cb`; SIGPIPE is ignored for the whole process. At most once a loop. */
int loop_on_signal(struct loop *loop, loop_signal_cb cb, void *ctx);

/* A bell that any thread may ring. Rings coalesce: one callback for any number of them, at least one after
 * the last. An open bell keeps loop_run() running. */
struct loop_wake {
    loop_wake_cb cb, on_closed;
    union {
        uint64_t align;
        unsigned char bytes[128];
    } uv;
};
int loop_wake_init(struct loop *loop, struct loop_wake *w, loop_wake_cb cb);
void loop_wake_send(struct loop_wake *w);
/* `w` may be freed in `on_closed` (NULL: after loop_free), not before. No thread may ring any more. */
void loop_wake_close(struct loop_wake *w, loop_wake_cb on_closed);

/* Something to do once before the loop next waits for I/O, however often it was asked for: the place to
 * coalesce what many callbacks of one turn cause. */
struct loop_deferred {
    loop_deferred_cb cb;
    struct list node;
};
void loop_deferred_init(struct loop_deferred *d, loop_deferred_cb cb);
/* A second call before it ran changes nothing. Asked for from inside a deferred callback: next turn. */
void loop_defer(struct loop *loop, struct loop_deferred *d);
/* Forgets it; `d` may be freed. A no-op when not asked for. */
void loop_deferred_cancel(struct loop_deferred *d);

/* How long a ready event may have waited: the time a turn spent in callbacks. The last minute, weighed by
 * time: the longest turn of each tenth of a second counts. */
struct loop_lag {
    double max_ms, p99_ms;
};
struct loop_lag loop_lag(const struct loop *loop);

#endif
