/* SPDX-License-Identifier: Apache-2.0 */
#include "limits/window.h"

#include <assert.h>

#include "base/shanghai.h"

int64_t window_cell(enum limit_window w, int64_t at_ms)
{
    assert(window_is_calendar(w));
    if (w == WINDOW_DAY)
        return shanghai_day_index(at_ms);
    return w == WINDOW_WEEK ? shanghai_week_index(at_ms) : shanghai_month_index(at_ms);
}

int64_t window_start_ms(enum limit_window w, int64_t cell)
{
    assert(window_is_calendar(w));
    if (w == WINDOW_DAY)
        return shanghai_day_start_ms(cell);
    return w == WINDOW_WEEK ? shanghai_week_start_ms(cell) : shanghai_month_start_ms(cell);
}

/* A boundary at B: the new cell counts from B - margin on, the old one until B + skew. */
struct window_cells window_cells(enum limit_window w, const struct window_margin *m, int64_t at_ms)
{
    int64_t margin = window_margin_ms(m);
    struct window_cells ret = {.first = window_cell(w, at_ms - m->skew_ms),
                               .last = window_cell(w, at_ms + margin)};
    int64_t start = window_start_ms(w, ret.last);

    if (ret.first == ret.last) {
        ret.from_ms = start + m->skew_ms;
        ret.until_ms = window_start_ms(w, ret.last + 1) - margin;
    } else {
        ret.from_ms = start - margin;
        ret.until_ms = start + m->skew_ms;
    }
    return ret;
}

int64_t window_sliding_cell(const struct limit *limit, int64_t at_ms)
{
    int64_t width = (limit->span_ms + WINDOW_BUCKETS - 1) / WINDOW_BUCKETS;

    if (limit->amount <= WINDOW_EXACT || width <= 1)
        return at_ms;
    return (at_ms / width + 1) * width - 1; /* at_ms is never before 1970 */
}

int64_t window_free_ms(const struct limit *limit, const struct window_margin *m, int64_t cell)
{
    switch (limit->window) {
    case WINDOW_SLIDING: return cell + limit->span_ms + window_margin_ms(m);
    case WINDOW_OPENED: return cell + limit->span_ms;
    case WINDOW_PACE: return INT64_MAX;
    default: return window_start_ms(limit->window, cell + 1) + m->skew_ms;
    }
}

int64_t window_first_cell(const struct limit *limit, const struct window_margin *m, int64_t now_ms)
{
    switch (limit->window) {
    case WINDOW_SLIDING: return now_ms - limit->span_ms - window_margin_ms(m) + 1;
    case WINDOW_OPENED: return now_ms - limit->span_ms + 1;
    case WINDOW_PACE: return 0;
    default: return window_cell(limit->window, now_ms - m->skew_ms);
    }
}

int64_t window_amount(const struct limit *limit, int64_t amount, int64_t cell)
{
    if (amount != AMOUNT_DAYS_IN_MONTH)
        return amount;
    assert(limit->window == WINDOW_MONTH);
    return shanghai_days_in_month(cell);
}
