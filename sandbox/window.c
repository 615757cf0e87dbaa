/* SPDX-License-Identifier: Apache-2.0 */
/* A thing that happened exactly one window ago is out of the window: (now - window, now]. */
#include "sandbox/window.h"

#include "base/mem.h"
#include "base/shanghai.h"
#include "sandbox/must.h"

#include <assert.h>

static void slide_forget(struct sb_slide *s, int64_t window_ms, int64_t now_ms)
{
    while (s->count > 0 && now_ms - s->at[s->head] >= window_ms) {
        s->head = (s->head + 1) % s->cap;
        s->count--;
    }
}

static void slide_grow(struct sb_slide *s)
{
    size_t cap = s->cap == 0 ? 8 : s->cap * 2;
    int64_t *at = sb_new(cap * sizeof(*at));

    for (size_t i = 0; i < s->count; i++)
        at[i] = s->at[(s->head + i) % s->cap];
    mem_free(s->at);
    s->at = at;
    s->cap = cap;
    s->head = 0;
}

bool sb_slide_take(struct sb_slide *s, const struct sb_limit *limit, int64_t now_ms)
{
    slide_forget(s, limit->window_ms, now_ms);
    if ((int64_t)s->count >= limit->amount)
        return false;
    if (s->count == s->cap)
        slide_grow(s);
    s->at[(s->head + s->count++) % s->cap] = now_ms;
    return true;
}

int64_t sb_slide_used(struct sb_slide *s, const struct sb_limit *limit, int64_t now_ms)
{
    slide_forget(s, limit->window_ms, now_ms);
    return (int64_t)s->count;
}

void sb_slide_fini(struct sb_slide *s)
{
    mem_free(s->at);
    *s = (struct sb_slide){0};
}

bool sb_block_take(struct sb_block *b, const struct sb_limit *limit, int64_t now_ms)
{
    if (now_ms < b->shut_until_ms)
        return false;
    if (b->used == 0 || now_ms - b->opened_ms >= limit->window_ms) {
        b->opened_ms = now_ms;
        b->used = 0;
    }
    if (b->used >= limit->amount) {
        b->shut_until_ms = now_ms + limit->window_ms;
        b->used = 0;
        return false;
    }
    b->used++;
    return true;
}

static int64_t period_of(const struct sb_tally *t, const struct sb_limit *limit, int64_t now_ms)
{
    switch (limit->span) {
    case SB_CLOCK_MINUTE: return now_ms / SB_MINUTE; /* UTC+8 and UTC share their minutes and hours */
    case SB_CLOCK_HOUR: return now_ms / SB_HOUR;
    case SB_CALENDAR_DAY: return shanghai_day_index(now_ms);
    case SB_CALENDAR_MONTH:
    case SB_DAYS_OF_MONTH: return shanghai_month_index(now_ms);
    case SB_ROLLING: return t->used > 0 && now_ms - t->period < limit->window_ms ? t->period : now_ms;
    default: break;
    }
    assert(false && "this span is not a tally's");
    return 0;
}

int64_t sb_tally_left(const struct sb_tally *t, const struct sb_limit *limit, int64_t now_ms)
{
    int64_t period = period_of(t, limit, now_ms);
    int64_t most = limit->span == SB_DAYS_OF_MONTH ? shanghai_days_in_month(period) : limit->amount;
    int64_t used = t->period == period ? t->used : 0;

    return most > used ? most - used : 0;
}

bool sb_tally_take(struct sb_tally *t, const struct sb_limit *limit, int64_t n, int64_t now_ms)
{
    int64_t period = period_of(t, limit, now_ms);

    if (sb_tally_left(t, limit, now_ms) < n)
        return false;
    if (t->period != period) {
        t->period = period;
        t->used = 0;
    }
    t->used += n;
    return true;
}

void sb_opened_open(struct sb_opened *o, int64_t now_ms)
{
    o->opened_ms = now_ms;
    o->used = 0;
}

void sb_opened_close(struct sb_opened *o)
{
    *o = (struct sb_opened){0};
}

bool sb_opened_is_open(const struct sb_opened *o, const struct sb_limit *limit, int64_t now_ms)
{
    return o->opened_ms != 0 && now_ms - o->opened_ms < limit->window_ms;
}

bool sb_opened_take(struct sb_opened *o, const struct sb_limit *limit, int64_t now_ms)
{
    if (!sb_opened_is_open(o, limit, now_ms) || o->used >= limit->amount)
        return false;
    o->used++;
    return true;
}
