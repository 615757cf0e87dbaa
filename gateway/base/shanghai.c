/* SPDX-License-Identifier: Apache-2.0 */
/* Days from civil and back by Howard Hinnant's method: years start in March, so the leap day comes last. */
#include "base/shanghai.h"

#include "base/err.h"

#include <stdbool.h>
#include <stdio.h>

#define OFFSET_MS (INT64_C(8) * 3600 * 1000)
#define LAST_MS INT64_C(253402271999999) /* end of 9999 in Shanghai */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t era = floor_div(y, 400);
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static void civil_of(int64_t days, struct civil *ret)
{
    int64_t z = days + 719468;
    int64_t era = floor_div(z, 146097);
    int64_t d = z - era * 146097;
    int64_t y = (d - d / 1460 + d / 36524 - d / 146096) / 365;
    int64_t day_of_year = d - (365 * y + y / 4 - y / 100);
    int64_t m = (5 * day_of_year + 2) / 153;

    ret->day = (int)(day_of_year - (153 * m + 2) / 5 + 1);
    ret->month = (int)(m < 10 ? m + 3 : m - 9);
    ret->year = (int)(y + era * 400 + (ret->month <= 2));
}

int64_t shanghai_day_index(int64_t ms)
{
    return floor_div(ms + OFFSET_MS, SHANGHAI_DAY_MS);
}

int64_t shanghai_week_index(int64_t ms)
{
    return floor_div(shanghai_day_index(ms) + 3, 7); /* 1970-01-01 was a Thursday */
}

int64_t shanghai_month_index(int64_t ms)
{
    struct civil c = shanghai_civil(ms);

    return (int64_t)c.year * 12 + c.month - 1;
}

int64_t shanghai_day_start_ms(int64_t day_index)
{
    return day_index * SHANGHAI_DAY_MS - OFFSET_MS;
}

int64_t shanghai_week_start_ms(int64_t week_index)
{
    return shanghai_day_start_ms(week_index * 7 - 3);
}

int64_t shanghai_month_start_ms(int64_t month_index)
{
    int64_t year = floor_div(month_index, 12);

    return shanghai_day_start_ms(days_of(year, month_index - year * 12 + 1, 1));
}

int shanghai_days_in_month(int64_t month_index)
{
    return (int)((shanghai_month_start_ms(month_index + 1) - shanghai_month_start_ms(month_index)) /
                 SHANGHAI_DAY_MS);
}

int shanghai_weekday(int64_t ms)
{
    int64_t day = shanghai_day_index(ms) + 3;

    return (int)(day - floor_div(day, 7) * 7) + 1;
}

int64_t shanghai_ms_of_day(int64_t ms)
{
    return ms - shanghai_day_start_ms(shanghai_day_index(ms));
}

struct civil shanghai_civil(int64_t ms)
{
    int64_t second = shanghai_ms_of_day(ms) / 1000;
    struct civil c = {.hour = (int)(second / 3600),
                      .minute = (int)(second / 60 % 60),
                      .second = (int)(second % 60),
                      .weekday = shanghai_weekday(ms)};

    civil_of(shanghai_day_index(ms), &c);
    return c;
}

static bool in(int v, int min, int max)
{
    return v >= min && v <= max;
}

int shanghai_ms(const struct civil *c, int64_t *ret)
{
    if (!in(c->year, 1970, 9999) || !in(c->month, 1, 12) || c->day < 1 ||
        c->day > shanghai_days_in_month((int64_t)c->year * 12 + c->month - 1) || !in(c->hour, 0, 23) ||
        !in(c->minute, 0, 59) || !in(c->second, 0, 59))
        return ERR_INVALID;
    *ret = shanghai_day_start_ms(days_of(c->year, c->month, c->day)) +
           ((c->hour * INT64_C(60) + c->minute) * 60 + c->second) * 1000;
    return 0;
}

void shanghai_format(int64_t ms, char ret[SHANGHAI_TEXT_BYTES])
{
    struct civil c = shanghai_civil(ms < 0 ? 0 : ms > LAST_MS ? LAST_MS : ms);

    (void)snprintf(ret, SHANGHAI_TEXT_BYTES, "%04u-%02u-%02u %02u:%02u:%02u", (unsigned)c.year % 10000,
                   (unsigned)c.month % 100, (unsigned)c.day % 100, (unsigned)c.hour % 100,
                   (unsigned)c.minute % 100, (unsigned)c.second % 100);
}

void shanghai_format_time(int64_t ms, char ret[SHANGHAI_TIME_BYTES])
{
    unsigned s = (unsigned)(shanghai_ms_of_day(ms) / 1000);

    (void)snprintf(ret, SHANGHAI_TIME_BYTES, "%02u:%02u:%02u", s / 3600 % 100, s / 60 % 60, s % 60);
}

/* Exactly `digits` digits off the front of `s`. */
static bool take_number(struct str *s, size_t digits, int *ret)
{
    uint64_t v;

    if (s->n < digits || str_to_u64(str_sub(*s, 0, digits), &v) < 0)
        return false;
    *s = str_sub(*s, digits, s->n);
    *ret = (int)v;
    return true;
}

static bool take_char(struct str *s, char c)
{
    if (s->n == 0 || s->p[0] != c)
        return false;
    *s = str_sub(*s, 1, s->n);
    return true;
}

static bool take_date(struct str *s, struct civil *c)
{
    return take_number(s, 4, &c->year) && take_char(s, '-') && take_number(s, 2, &c->month) &&
           take_char(s, '-') && take_number(s, 2, &c->day);
}

/* HH:MM[:SS], to the end. */
static bool take_time(struct str s, struct civil *c)
{
    if (!take_number(&s, 2, &c->hour) || !take_char(&s, ':') || !take_number(&s, 2, &c->minute))
        return false;
    if (take_char(&s, ':') && !take_number(&s, 2, &c->second))
        return false;
    return s.n == 0;
}

int shanghai_parse(struct str text, int64_t *ret)
{
    struct civil c = {0};

    if (!take_date(&text, &c) || (!take_char(&text, 'T') && !take_char(&text, ' ')) || !take_time(text, &c))
        return ERR_SYNTAX;
    return shanghai_ms(&c, ret);
}

int shanghai_parse_time(struct str text, int64_t *ret)
{
    struct civil c = {.year = 1970, .month = 1, .day = 1};
    int64_t ms;
    int r;

    if (!take_time(text, &c))
        return ERR_SYNTAX;
    r = shanghai_ms(&c, &ms);
    if (r < 0)
        return r;
    *ret = shanghai_ms_of_day(ms);
    return 0;
}

int shanghai_parse_date(struct str text, int64_t *ret)
{
    struct civil c = {0};
    int64_t ms;
    int r;

    if (!take_date(&text, &c) || text.n)
        return ERR_SYNTAX;
    r = shanghai_ms(&c, &ms);
    if (r < 0)
        return r;
    *ret = shanghai_day_index(ms);
    return 0;
}
