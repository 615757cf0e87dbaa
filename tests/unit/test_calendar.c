/* SPDX-License-Identifier: Apache-2.0 */
#include "support/asserts.h"

#include "base/shanghai.h"
#include "journey/calendar.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY SHANGHAI_DAY_MS
#define WEEK (7 * DAY)

static int64_t at(const char *text)
{
    int64_t ms = 0;

    T_OK(shanghai_parse(str_of(text), &ms));
    return ms;
}

/* Tuesdays at noon; 2026-12-01 is a Tuesday. */
static struct calendar_plan tuesday(enum missed_policy missed)
{
    return (struct calendar_plan){
        .weekly = true, .weekday = 1, .at_ms = 12 * HOUR, .spread_ms = 20 * MINUTE, .missed = missed};
}

static struct calendar_plan once_at(const char *text, enum missed_policy missed)
{
    return (struct calendar_plan){.at_ms = at(text), .missed = missed};
}

static void a_weekly_slot_comes_every_week(void **state)
{
    struct calendar_plan p = tuesday(MISSED_SKIP);

    (void)state;
    T_EQ(calendar_next(&p, at("2026-11-30T09:00")), at("2026-12-01T12:00"));
    T_EQ(calendar_next(&p, at("2026-12-01T12:00") - 1), at("2026-12-01T12:00"));
    T_EQ(calendar_next(&p, at("2026-12-01T12:00")), at("2026-12-08T12:00"));
    T_EQ(calendar_last(&p, at("2026-12-01T12:00")), at("2026-12-01T12:00"));
    T_EQ(calendar_last(&p, at("2026-12-01T11:59")), at("2026-11-24T12:00"));
}

static void sunday_and_monday_keep_to_their_own_weeks(void **state)
{
    struct calendar_plan p = tuesday(MISSED_SKIP);

    (void)state;
    p.weekday = 6;
    T_EQ(calendar_next(&p, at("2026-12-06T13:00")), at("2026-12-13T12:00"));
    p.weekday = 0;
    p.at_ms = 0;
    T_EQ(calendar_next(&p, at("2026-12-06T23:59:59")), at("2026-12-07T00:00"));
    T_EQ(calendar_next(&p, at("2026-12-31T23:00")), at("2027-01-04T00:00"));
}

static void a_single_slot_comes_once(void **state)
{
    struct calendar_plan p = once_at("2026-12-01T10:00", MISSED_ONCE);

    (void)state;
    T_EQ(calendar_next(&p, at("2026-11-01T00:00")), at("2026-12-01T10:00"));
    T_EQ(calendar_next(&p, at("2026-12-01T10:00")), CALENDAR_NEVER);
    T_EQ(calendar_last(&p, at("2026-12-01T09:59")), -1);
    T_EQ(calendar_last(&p, at("2027-12-01T09:59")), at("2026-12-01T10:00"));
}

static void counting_agrees_with_stepping(void **state)
{
    struct calendar_plan p = tuesday(MISSED_SKIP);
    int64_t from = at("2026-01-01T00:00");

    (void)state;
    for (int64_t until = from; until < from + 60 * DAY; until += 5 * HOUR) {
        int64_t n = 0;

        for (int64_t t = calendar_next(&p, from); t <= until; t = calendar_next(&p, t))
            n++;
        T_EQ(calendar_count(&p, from, until), n);
    }
    T_EQ(calendar_count(&p, from, from - DAY), 0);
}

static void a_slot_in_time_runs_at_its_own_time(void **state)
{
    struct calendar_plan p = tuesday(MISSED_SKIP);
    struct calendar_due due;

    (void)state;
    calendar_due(&p, at("2026-11-30T00:00"), at("2026-12-01T11:59:59"), &due);
    T_TRUE(!due.run);
    T_EQ(due.wake_ms, at("2026-12-01T12:00"));
    calendar_due(&p, at("2026-11-30T00:00"), at("2026-12-01T12:19"), &due);
    T_TRUE(due.run);
    T_EQ(due.slot_ms, at("2026-12-01T12:00"));
    T_EQ(due.start_ms, due.slot_ms);
    T_EQ(due.missed, 0);
    T_EQ(due.wake_ms, at("2026-12-08T12:00"));
    calendar_due(&p, due.seen_ms, at("2026-12-01T12:19"), &due);
    T_TRUE(!due.run);
}

static void skip_gives_missed_slots_up(void **state)
{
    struct calendar_plan p = tuesday(MISSED_SKIP);
    struct calendar_due due;

    (void)state;
    calendar_due(&p, at("2026-11-20T00:00"), at("2026-12-01T12:20"), &due);
    T_TRUE(!due.run);
    T_EQ(due.missed, 2);
    T_EQ(due.seen_ms, at("2026-12-01T12:00"));
    T_EQ(due.wake_ms, at("2026-12-08T12:00"));
}

static void once_runs_the_latest_missed_slot_now(void **state)
{
    struct calendar_plan p = tuesday(MISSED_ONCE);
    struct calendar_due due;
    int64_t now = at("2026-12-03T09:00");

    (void)state;
    calendar_due(&p, at("2026-11-01T00:00"), now, &due);
    T_TRUE(due.run);
    T_EQ(due.slot_ms, at("2026-12-01T12:00"));
    T_EQ(due.start_ms, now);
    T_EQ(due.missed, 4);
    calendar_due(&p, due.seen_ms, now, &due);
    T_TRUE(!due.run);
    T_EQ(due.missed, 0);
}

static void next_slot_waits_for_the_same_time_of_another_day(void **state)
{
    struct calendar_plan p = tuesday(MISSED_NEXT_SLOT);
    struct calendar_due due;
    int64_t seen = at("2026-11-25T00:00");

    (void)state;
    calendar_due(&p, seen, at("2026-12-01T18:00"), &due);
    T_TRUE(!due.run);
    T_EQ(due.seen_ms, seen);
    T_EQ(due.wake_ms, at("2026-12-02T12:00"));
    calendar_due(&p, seen, at("2026-12-02T12:00"), &due);
    T_TRUE(due.run);
    T_EQ(due.slot_ms, at("2026-12-01T12:00"));
    T_EQ(due.start_ms, at("2026-12-02T12:00"));
    calendar_due(&p, seen, at("2026-12-02T12:20"), &due); /* that one was missed as well */
    T_TRUE(!due.run);
    T_EQ(due.wake_ms, at("2026-12-03T12:00"));
}

static void a_regular_slot_takes_the_place_of_one_to_be_made_up(void **state)
{
    struct calendar_plan p = tuesday(MISSED_NEXT_SLOT);
    struct calendar_due due;
    int64_t seen = at("2026-11-25T00:00");

    (void)state;
    calendar_due(&p, seen, at("2026-12-07T15:00"), &due);
    T_EQ(due.wake_ms, at("2026-12-08T12:00"));
    calendar_due(&p, seen, at("2026-12-08T12:00"), &due);
    T_TRUE(due.run);
    T_EQ(due.slot_ms, at("2026-12-08T12:00"));
    T_EQ(due.missed, 1);
}

static void a_single_missed_slot_obeys_its_policy(void **state)
{
    struct calendar_plan p = once_at("2026-12-01T10:00", MISSED_NEXT_SLOT);
    struct calendar_due due;

    (void)state;
    calendar_due(&p, 0, at("2026-12-05T09:00"), &due);
    T_TRUE(!due.run);
    T_EQ(due.wake_ms, at("2026-12-05T10:00"));
    p.missed = MISSED_SKIP;
    calendar_due(&p, 0, at("2026-12-05T09:00"), &due);
    T_TRUE(!due.run);
    T_EQ(due.missed, 1);
    T_EQ(due.wake_ms, CALENDAR_NEVER);
    p.missed = MISSED_ONCE;
    calendar_due(&p, 0, at("2026-12-05T09:00"), &due);
    T_TRUE(due.run);
}

/* However often and whenever it is asked, no slot runs twice and every slot is run or counted as missed. */
static void every_slot_is_run_or_missed_and_never_both(void **state)
{
    const int64_t steps[] = {MINUTE, 7 * MINUTE, 3 * HOUR, 26 * HOUR, 9 * DAY};
    int64_t begin = at("2026-01-01T00:00"), end = begin + 400 * DAY;

    (void)state;
    for (int policy = MISSED_ONCE; policy <= MISSED_NEXT_SLOT; policy++) {
        for (size_t s = 0; s < sizeof steps / sizeof *steps; s++) {
            struct calendar_plan p = tuesday((enum missed_policy)policy);
            int64_t seen = begin, runs = 0, missed = 0, last = -1;

            for (int64_t now = begin; now < end; now += steps[s]) {
                struct calendar_due due;

                calendar_due(&p, seen, now, &due);
                seen = due.seen_ms;
                missed += due.missed;
                if (!due.run)
                    continue;
                T_TRUE(due.slot_ms > last && due.slot_ms <= now && due.start_ms <= now);
                last = due.slot_ms;
                runs++;
            }
            T_EQ(runs + missed, calendar_count(&p, begin, seen));
        }
    }
}

static void recipients_are_spread_evenly(void **state)
{
    int64_t spread = 20 * MINUTE, before = -1;

    (void)state;
    for (uint64_t i = 0; i < 1000; i++) {
        int64_t off = calendar_spread(spread, i, 1000);

        T_TRUE(off >= 0 && off < spread);
        if (before >= 0)
            T_EQ(off - before, 1200);
        before = off;
    }
    T_EQ(calendar_spread(spread, 0, 1), 0);
    T_EQ(calendar_spread(0, 5, 10), 0);
    T_EQ(calendar_spread(DAY, UINT64_MAX - 1, UINT64_MAX), DAY - 1);
}

static void quiet_hours_span_midnight(void **state)
{
    int64_t from = 21 * HOUR, to = 9 * HOUR;

    (void)state;
    T_TRUE(!calendar_is_quiet(from, to, at("2026-12-01T20:59:59")));
    T_TRUE(calendar_is_quiet(from, to, at("2026-12-01T21:00")));
    T_TRUE(calendar_is_quiet(from, to, at("2026-12-02T08:59:59")));
    T_TRUE(!calendar_is_quiet(from, to, at("2026-12-02T09:00")));
    T_EQ(calendar_quiet_end(from, to, at("2026-12-01T22:00")), at("2026-12-02T09:00"));
    T_EQ(calendar_quiet_end(from, to, at("2026-12-02T03:00")), at("2026-12-02T09:00"));
    T_EQ(calendar_quiet_end(from, to, at("2026-12-02T12:00")), at("2026-12-02T12:00"));
}

static void quiet_hours_may_lie_inside_a_day(void **state)
{
    int64_t from = 12 * HOUR, to = 14 * HOUR;

    (void)state;
    T_TRUE(calendar_is_quiet(from, to, at("2026-12-01T13:00")));
    T_EQ(calendar_quiet_end(from, to, at("2026-12-01T13:00")), at("2026-12-01T14:00"));
    T_TRUE(!calendar_is_quiet(from, to, at("2026-12-01T14:00")));
    T_TRUE(!calendar_is_quiet(from, from, at("2026-12-01T12:00")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_weekly_slot_comes_every_week),
        cmocka_unit_test(sunday_and_monday_keep_to_their_own_weeks),
        cmocka_unit_test(a_single_slot_comes_once),
        cmocka_unit_test(counting_agrees_with_stepping),
        cmocka_unit_test(a_slot_in_time_runs_at_its_own_time),
        cmocka_unit_test(skip_gives_missed_slots_up),
        cmocka_unit_test(once_runs_the_latest_missed_slot_now),
        cmocka_unit_test(next_slot_waits_for_the_same_time_of_another_day),
        cmocka_unit_test(a_regular_slot_takes_the_place_of_one_to_be_made_up),
        cmocka_unit_test(a_single_missed_slot_obeys_its_policy),
        cmocka_unit_test(every_slot_is_run_or_missed_and_never_both),
        cmocka_unit_test(recipients_are_spread_evenly),
        cmocka_unit_test(quiet_hours_span_midnight),
        cmocka_unit_test(quiet_hours_may_lie_inside_a_day),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
