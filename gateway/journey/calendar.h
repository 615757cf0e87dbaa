/* SPDX-License-Identifier: Apache-2.0 */
/* calendar.h - when a planned send begins, what became of the ones that were missed, and quiet hours.
 *
 * A plan has slots: one a week or a single one. The caller remembers `seen_ms`, up to where it has dealt with
 * slots (at first: when the plan was applied, so that no older slot counts as missed), and asks
 * calendar_due() what to do now. A slot is met when that happens within its window (`spread_ms`, at least
 * CALENDAR_GRACE_MS), else it was missed:
 *
 *   skip       missed slots are given up
 *   once       the latest missed slot runs now, once, however many were missed
 *   next-slot  the latest missed slot runs at its own time of day, on the next day that offers it;
 *              a regular slot that comes first takes its place
 *
 * Everything is a pure function of its arguments, so a restart in the middle decides the same again.
 *
 * Units    ms since 1970; days, weekdays and times of day are those of Asia/Shanghai.
 * Errors   none: arguments are checked by the playbook.
 * Threads  any.
 */
#ifndef SIYU_JOURNEY_CALENDAR_H
#define SIYU_JOURNEY_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

#define CALENDAR_GRACE_MS INT64_C(600000)
#define CALENDAR_NEVER INT64_MAX

enum missed_policy { MISSED_ONCE, MISSED_SKIP, MISSED_NEXT_SLOT };

struct calendar_plan {
    bool weekly;
    int weekday;   /* 0 Monday .. 6 Sunday */
    int64_t at_ms; /* weekly: ms into the day; one-off: ms since 1970 */
    int64_t spread_ms;
    enum missed_policy missed;
};

struct calendar_due {
    bool run;         /* begin the run of `slot_ms` now */
    int64_t slot_ms;  /* with the plan's name the identity of the run: never given twice */
    int64_t start_ms; /* spreading and expiry count from here: the slot, or when a late run begins */
    int64_t missed;   /* slots given up by this decision */
    int64_t seen_ms;  /* remember this in the transaction that begins the run */
    int64_t wake_ms;  /* ask again then; CALENDAR_NEVER: nothing comes any more */
};

/* The first slot after, the last slot at or before; CALENDAR_NEVER and -1 where there is none. */
int64_t calendar_next(const struct calendar_plan *p, int64_t after_ms);
int64_t calendar_last(const struct calendar_plan *p, int64_t until_ms);
/* Slots in (from_ms, until_ms]. */
int64_t calendar_count(const struct calendar_plan *p, int64_t from_ms, int64_t until_ms);

void calendar_due(const struct calendar_plan *p, int64_t seen_ms, int64_t now_ms, struct calendar_due *ret);

/* Where recipient `i` of `n` (i < n) falls in a slot: evenly, from 0 to below spread_ms. */
int64_t calendar_spread(int64_t spread_ms, uint64_t i, uint64_t n);

/* Quiet hours from `from_ms` to `to_ms` into the day; from > to spans midnight, from == to is never quiet. */
bool calendar_is_quiet(int64_t from_ms, int64_t to_ms, int64_t at_ms);
/* When the quiet hours around `at_ms` end; `at_ms` itself when it is not quiet. */
int64_t calendar_quiet_end(int64_t from_ms, int64_t to_ms, int64_t at_ms);

#endif
