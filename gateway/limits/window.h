/* SPDX-License-Identifier: Apache-2.0 */
/* window.h - the arithmetic of limit windows: which cells a charge falls into, and when a cell frees.
 *
 * A cell is what one row of a counter counts:
 *   calendar  the index of the day, week or month in Asia/Shanghai (shanghai.h);
 *   sliding   the time of the charge; above WINDOW_EXACT units the end of the bucket that it falls into, so
 *             that in both manners a cell is the latest time at which its units were charged;
 *   opened    the time of the event that opened the window;
 *   pace      0.
 *
 * A charge at t reaches the platform within T_send and is counted there on a clock up to `skew` off:
 * somewhere in [t - skew, t + T_send + skew].
 *
 * Units    ms since 1970. Threads  any: everything is a pure function.
 */
#ifndef SIYU_LIMITS_WINDOW_H
#define SIYU_LIMITS_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "rulepack/rulepack.h"

enum {
    WINDOW_EXACT = 1000,  /* sliding limits up to this amount keep every charge's own time */
    WINDOW_BUCKETS = 128, /* larger ones this many buckets a span: under 0.8 % of the span is lost */
};

struct window_margin {
    int64_t t_send_ms, skew_ms;
};
static inline int64_t window_margin_ms(const struct window_margin *m)
{
    return m->t_send_ms + m->skew_ms;
}

static inline bool window_is_calendar(enum limit_window w)
{
    return w == WINDOW_DAY || w == WINDOW_WEEK || w == WINDOW_MONTH;
}

/* Calendar windows only (asserted). */
int64_t window_cell(enum limit_window w, int64_t at_ms);
int64_t window_start_ms(enum limit_window w, int64_t cell);

/* The calendar cells that a charge at `at_ms` may be counted in, and the times between which the answer stays
 * the same: from_ms <= at_ms < until_ms. */
struct window_cells {
    int64_t first, last;
    int64_t from_ms, until_ms;
};
struct window_cells window_cells(enum limit_window w, const struct window_margin *m, int64_t at_ms);

/* The cell of a sliding charge. */
int64_t window_sliding_cell(const struct limit *limit, int64_t at_ms);

/* When nothing charged to `cell` binds any more. A pace cell never frees by itself: INT64_MAX. */
int64_t window_free_ms(const struct limit *limit, const struct window_margin *m, int64_t cell);

/* The oldest cell that can still bind at now_ms; smaller ones need not be loaded and may be deleted. */
int64_t window_first_cell(const struct limit *limit, const struct window_margin *m, int64_t now_ms);

/* `amount` with AMOUNT_DAYS_IN_MONTH resolved for a month cell. */
int64_t window_amount(const struct limit *limit, int64_t amount, int64_t cell);

#endif
