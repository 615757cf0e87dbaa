/* SPDX-License-Identifier: Apache-2.0 */
/* Weekly slots are arithmetic on week numbers, so years of missed slots cost no more than one. */
#include "journey/calendar.h"

#include <assert.h>

#include "base/shanghai.h"

static int64_t slot_of_week(const struct calendar_plan *p, int64_t week)
{
    return shanghai_week_start_ms(week) + p->weekday * SHANGHAI_DAY_MS + p->at_ms;
}

/* The week of the last slot at or before `at_ms`. */
static int64_t last_week(const struct calendar_plan *p, int64_t at_ms)
{
    int64_t week = shanghai_week_index(at_ms);

    return slot_of_week(p, week) <= at_ms ? week : week - 1;
}

int64_t calendar_next(const struct calendar_plan *p, int64_t after_ms)
{
    if (p->weekly)
        return slot_of_week(p, last_week(p, after_ms) + 1);
    return p->at_ms > after_ms ? p->at_ms : CALENDAR_NEVER;
}

int64_t calendar_last(const struct calendar_plan *p, int64_t until_ms)
{
    int64_t slot = p->weekly ? slot_of_week(p, last_week(p, until_ms)) : p->at_ms;

    return slot >= 0 && slot <= until_ms ? slot : -1;
}

int64_t calendar_count(const struct calendar_plan *p, int64_t from_ms, int64_t until_ms)
{
    if (until_ms <= from_ms)
        return 0;
    if (p->weekly)
        return last_week(p, until_ms) - last_week(p, from_ms);
    return p->at_ms > from_ms && p->at_ms <= until_ms;
}

static int64_t window_ms(const struct calendar_plan *p)
{
    return p->spread_ms > CALENDAR_GRACE_MS ? p->spread_ms : CALENDAR_GRACE_MS;
}

/* The run of `slot_ms`, the last of `due` slots. */
static void begin(struct calendar_due *ret, int64_t slot_ms, int64_t start_ms, int64_t due)
{
    ret->run = true;
    ret->slot_ms = slot_ms;
    ret->start_ms = start_ms;
    ret->missed = due - 1;
    ret->seen_ms = slot_ms;
}

/* next-slot: `slot_ms` is made up for at its own time of day, until a regular slot takes its place. */
static void make_up(const struct calendar_plan *p, int64_t slot_ms, int64_t due, int64_t now_ms,
                    struct calendar_due *ret)
{
    int64_t today = slot_ms + (now_ms - slot_ms) / SHANGHAI_DAY_MS * SHANGHAI_DAY_MS;

    if (today > slot_ms && now_ms < today + window_ms(p))
        begin(ret, slot_ms, today, due);
    else
        ret->wake_ms = today + SHANGHAI_DAY_MS; /* at the latest the regular slot, a week on */
}

void calendar_due(const struct calendar_plan *p, int64_t seen_ms, int64_t now_ms, struct calendar_due *ret)
{
    int64_t due = calendar_count(p, seen_ms, now_ms);
    int64_t slot_ms = calendar_last(p, now_ms);

    *ret = (struct calendar_due){.seen_ms = seen_ms, .wake_ms = calendar_next(p, now_ms)};
    if (due == 0)
        return;
    if (now_ms < slot_ms + window_ms(p)) {
        begin(ret, slot_ms, slot_ms, due);
        return;
    }
    switch (p->missed) {
    case MISSED_ONCE: begin(ret, slot_ms, now_ms, due); break;
    case MISSED_SKIP:
        ret->missed = due;
        ret->seen_ms = slot_ms;
        break;
    case MISSED_NEXT_SLOT: make_up(p, slot_ms, due, now_ms, ret); break;
    }
}

int64_t calendar_spread(int64_t spread_ms, uint64_t i, uint64_t n)
{
    assert(i < n);
    if (spread_ms <= 0)
        return 0;
    return (int64_t)((unsigned __int128)spread_ms * i / n);
}

bool calendar_is_quiet(int64_t from_ms, int64_t to_ms, int64_t at_ms)
{
    int64_t t = shanghai_ms_of_day(at_ms);

    if (from_ms <= to_ms)
        return t >= from_ms && t < to_ms;
    return t >= from_ms || t < to_ms;
}

int64_t calendar_quiet_end(int64_t from_ms, int64_t to_ms, int64_t at_ms)
{
    int64_t day_ms = at_ms - shanghai_ms_of_day(at_ms);
    int64_t end_ms = day_ms + to_ms;

    if (!calendar_is_quiet(from_ms, to_ms, at_ms))
        return at_ms;
    return end_ms > at_ms ? end_ms : end_ms + SHANGHAI_DAY_MS;
}
