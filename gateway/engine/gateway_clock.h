/* SPDX-License-Identifier: Apache-2.0 */
/* gateway_clock.h - the one clock that limits read: persisted, never back.
 *
 * It advances with the monotonic clock. A wall clock that disagrees by more than 5 s is not believed until a
 * provider's Date (within 5 s of that wall clock) confirms it: a step forward must not grant a second day, a
 * step back must not reopen a window. Confirmed backward steps slow nothing down: the clock simply waits.
 *
 * Units    ms. Threads: the engine thread.
 */
#ifndef SIYU_ENGINE_GATEWAY_CLOCK_H
#define SIYU_ENGINE_GATEWAY_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct clock;

struct gateway_clock {
    const struct clock *clock;
    int64_t base_ms, base_mono_ms; /* now = base_ms + (mono - base_mono_ms) */
    bool suspect;                  /* the wall clock disagrees and nobody confirmed it */
};

/* `saved_ms`: what gateway_clock_now() last wrote to the store, 0 none. The first start believes the wall clock; a
 * later one starts at the later of the two. */
void gateway_clock_init(struct gateway_clock *g, const struct clock *clock, int64_t saved_ms);
int64_t gateway_clock_now(const struct gateway_clock *g);
/* Looks at the wall clock; true when it has just become suspect. Call about once a second. */
bool gateway_clock_watch(struct gateway_clock *g);
/* A provider said what time it is. True when a suspected wall clock is adopted. */
bool gateway_clock_confirm(struct gateway_clock *g, int64_t provider_ms);

#endif
