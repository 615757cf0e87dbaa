/* SPDX-License-Identifier: Apache-2.0 */
/* window.h - how the platforms count: one small counter a kind of span.
 *
 * Each sb_*_take() counts one (or `n`) and says whether it was still within the limit; a refused take
 * changes nothing, but for a block, which shuts itself. All start as zeroed storage.
 *
 * Units    ms since 1970 on the injected clock, which may jump forward; `now_ms` never decreases a count.
 * Memory   sb_slide grows with its limit: sb_slide_fini().
 * Threads  one at a time.
 */
#ifndef SIYU_SANDBOX_WINDOW_H
#define SIYU_SANDBOX_WINDOW_H

#include "sandbox/data.h"

#include <stdbool.h>

/* The times of the last sends: exact in every window of that length. Also SB_ROLLING is counted with it
 * where a peer may ask "when was the oldest". */
struct sb_slide {
    int64_t *at;
    size_t cap, head, count;
};
bool sb_slide_take(struct sb_slide *s, const struct sb_limit *limit, int64_t now_ms);
/* How many lie in the window that ends now. */
int64_t sb_slide_used(struct sb_slide *s, const struct sb_limit *limit, int64_t now_ms);
void sb_slide_fini(struct sb_slide *s);

/* SB_BLOCK: going over shuts it for a whole window. */
struct sb_block {
    int64_t opened_ms, shut_until_ms, used;
};
bool sb_block_take(struct sb_block *b, const struct sb_limit *limit, int64_t now_ms);

/* SB_CLOCK_*, SB_CALENDAR_*, SB_DAYS_OF_MONTH, SB_ROLLING. */
struct sb_tally {
    int64_t period; /* number of the minute, day, ...; rolling: when it opened; 0 is before any */
    int64_t used;
};
int64_t sb_tally_left(const struct sb_tally *t, const struct sb_limit *limit, int64_t now_ms);
bool sb_tally_take(struct sb_tally *t, const struct sb_limit *limit, int64_t n, int64_t now_ms);

/* SB_OPENED: `limit.amount` within window_ms of what the customer did. */
struct sb_opened {
    int64_t opened_ms; /* 0: never, or closed */
    int64_t used;
};
void sb_opened_open(struct sb_opened *o, int64_t now_ms);
void sb_opened_close(struct sb_opened *o);
bool sb_opened_is_open(const struct sb_opened *o, const struct sb_limit *limit, int64_t now_ms);
bool sb_opened_take(struct sb_opened *o, const struct sb_limit *limit, int64_t now_ms);

#endif
