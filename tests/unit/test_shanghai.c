/* SPDX-License-Identifier: Apache-2.0 */
#include "base/shanghai.h"
#include "support/asserts.h"

#define HOUR INT64_C(3600000)

static int64_t at(const char *text)
{
    int64_t ms = -1;

    T_OK(shanghai_parse(str_of(text), &ms));
    return ms;
}

static void a_text_means_shanghai_time(void)
{
    T_EQ(at("1970-01-01T08:00"), 0);
    T_EQ(at("2026-12-01T10:00"), INT64_C(1796090400000));
    T_EQ(at("2026-01-01T08:00:01"), INT64_C(1767225601000));
    T_EQ(at("2026-01-01 08:00:01"), INT64_C(1767225601000));
}

static void what_is_no_time_is_refused(void)
{
    static const char *const malformed[] = {"",
                                            "2026-12-01",
                                            "2026-12-01T10",
                                            "2026-12-01T10:0",
                                            "2026-12-01T10:00:0",
                                            "2026-12-01T10:00Z",
                                            "26-12-01T10:00",
                                            "2026/12/01T10:00",
                                            "2026-12-01T10:00:00.5"};
    static const char *const impossible[] = {"2026-02-29T10:00", "2026-13-01T10:00", "2026-00-10T10:00",
                                             "2026-04-31T10:00", "2026-12-01T24:00", "2026-12-01T10:60",
                                             "1969-12-31T10:00"};
    int64_t ms;

    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
        T_ERR(shanghai_parse(str_of(malformed[i]), &ms), ERR_SYNTAX);
    for (size_t i = 0; i < sizeof(impossible) / sizeof(impossible[0]); i++)
        T_ERR(shanghai_parse(str_of(impossible[i]), &ms), ERR_INVALID);
    T_EQ(at("2028-02-29T00:00") > 0, 1);
}

static void a_day_turns_at_local_midnight(void)
{
    int64_t midnight = at("2026-12-01T00:00");

    T_EQ(shanghai_day_index(midnight) - shanghai_day_index(midnight - 1), 1);
    T_EQ(shanghai_day_start_ms(shanghai_day_index(midnight)), midnight);
    T_EQ(shanghai_day_start_ms(shanghai_day_index(midnight + SHANGHAI_DAY_MS - 1)), midnight);
    T_EQ(shanghai_ms_of_day(midnight + HOUR), HOUR);
    T_EQ(shanghai_day_index(-8 * HOUR), 0);
    T_EQ(shanghai_day_index(-8 * HOUR - 1), -1);
}

static void a_week_starts_on_monday(void)
{
    int64_t monday = at("2026-11-30T00:00");

    T_EQ(shanghai_weekday(monday), 1);
    T_EQ(shanghai_weekday(monday - 1), 7);
    T_EQ(shanghai_weekday(0), 4);
    T_EQ(shanghai_weekday(-8 * HOUR - 1), 3);
    T_EQ(shanghai_week_start_ms(shanghai_week_index(monday)), monday);
    T_EQ(shanghai_week_start_ms(shanghai_week_index(monday + 7 * SHANGHAI_DAY_MS - 1)), monday);
    T_EQ(shanghai_week_index(monday) - shanghai_week_index(monday - 1), 1);
}

static void months_have_their_days(void)
{
    int64_t feb = shanghai_month_index(at("2028-02-10T00:00"));

    T_EQ(feb, 2028 * 12 + 1);
    T_EQ(shanghai_days_in_month(feb), 29);
    T_EQ(shanghai_days_in_month(feb - 12), 28);
    T_EQ(shanghai_days_in_month(2100 * 12 + 1), 28);
    T_EQ(shanghai_days_in_month(2000 * 12 + 1), 29);
    T_EQ(shanghai_month_start_ms(feb), at("2028-02-01T00:00"));
    T_EQ(shanghai_month_index(at("2026-12-31T23:59:59")) + 1, shanghai_month_index(at("2027-01-01T00:00")));
}

static void every_day_for_centuries_goes_there_and_back(void)
{
    int64_t first = shanghai_day_index(at("1970-01-01T00:00"));
    int64_t last = shanghai_day_index(at("2400-12-31T00:00"));

    for (int64_t day = first; day <= last; day++) {
        struct civil c = shanghai_civil(shanghai_day_start_ms(day));
        int64_t ms;

        T_OK(shanghai_ms(&c, &ms));
        T_EQ(shanghai_day_index(ms), day);
        T_EQ(c.hour + c.minute + c.second, 0);
    }
}

static void times_are_written_for_people(void)
{
    char text[SHANGHAI_TEXT_BYTES], time[SHANGHAI_TIME_BYTES];

    shanghai_format(INT64_C(1796090400999), text);
    T_STR(text, "2026-12-01 10:00:00");
    shanghai_format_time(INT64_C(1796090400999), time);
    T_STR(time, "10:00:00");
    shanghai_format(INT64_MAX, text);
    T_STR(text, "9999-12-31 23:59:59");
    shanghai_format(-1, text);
    T_STR(text, "1970-01-01 08:00:00");
}

static void times_of_day_and_dates_are_read_alone(void)
{
    int64_t v;

    T_OK(shanghai_parse_time(STR("09:30"), &v));
    T_EQ(v, 9 * HOUR + HOUR / 2);
    T_OK(shanghai_parse_time(STR("23:59:59"), &v));
    T_EQ(v, SHANGHAI_DAY_MS - 1000);
    T_ERR(shanghai_parse_time(STR("24:00"), &v), ERR_INVALID);
    T_ERR(shanghai_parse_time(STR("9:30"), &v), ERR_SYNTAX);
    T_OK(shanghai_parse_date(STR("1970-01-02"), &v));
    T_EQ(v, 1);
    T_ERR(shanghai_parse_date(STR("1970-01-02T"), &v), ERR_SYNTAX);
    T_ERR(shanghai_parse_date(STR("2026-02-30"), &v), ERR_INVALID);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        T_CASE(a_text_means_shanghai_time),    T_CASE(what_is_no_time_is_refused),
        T_CASE(a_day_turns_at_local_midnight), T_CASE(a_week_starts_on_monday),
        T_CASE(months_have_their_days),        T_CASE(every_day_for_centuries_goes_there_and_back),
        T_CASE(times_are_written_for_people),  T_CASE(times_of_day_and_dates_are_read_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
