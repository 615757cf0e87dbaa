/* SPDX-License-Identifier: Apache-2.0 */
/* shanghai.h - civil time of Asia/Shanghai, where platforms count their days. Fixed UTC+8, no summer time.
 *
 * Units    ms since 1970 UTC. A day index counts local days since 1970-01-01; a month index is
 *          year * 12 + month - 1; a week index counts weeks that start on Monday. Years 1970 to 9999.
 * Errors   ERR_SYNTAX, ERR_INVALID (no such day or hour).
 * Threads  any.
 */
#ifndef SIYU_BASE_SHANGHAI_H
#define SIYU_BASE_SHANGHAI_H

#include "base/str.h"

#include <stdint.h>

#define SHANGHAI_DAY_MS INT64_C(86400000)
#define SHANGHAI_TEXT_BYTES 20 /* "2026-12-01 10:00:00" with its NUL */
#define SHANGHAI_TIME_BYTES 9  /* "10:00:00" with its NUL */

struct civil {
    int year, month, day; /* month 1..12 */
    int hour, minute, second;
    int weekday; /* 1 Monday .. 7 Sunday; ignored by shanghai_ms() */
};

int64_t shanghai_day_index(int64_t ms);
int64_t shanghai_week_index(int64_t ms);
int64_t shanghai_month_index(int64_t ms);
int64_t shanghai_day_start_ms(int64_t day_index);
int64_t shanghai_week_start_ms(int64_t week_index);
int64_t shanghai_month_start_ms(int64_t month_index);
int shanghai_days_in_month(int64_t month_index);
int shanghai_weekday(int64_t ms);
/* Ms since local midnight. */
int64_t shanghai_ms_of_day(int64_t ms);

struct civil shanghai_civil(int64_t ms);
int shanghai_ms(const struct civil *c, int64_t *ret);

void shanghai_format(int64_t ms, char ret[SHANGHAI_TEXT_BYTES]);
void shanghai_format_time(int64_t ms, char ret[SHANGHAI_TIME_BYTES]);
/* "YYYY-MM-DDTHH:MM[:SS]"; a blank may stand for the T. */
int shanghai_parse(struct str text, int64_t *ret);
/* "HH:MM[:SS]" as ms since midnight; "24:00" is refused. */
int shanghai_parse_time(struct str text, int64_t *ret);
/* "YYYY-MM-DD" as a day index. */
int shanghai_parse_date(struct str text, int64_t *ret);

#endif
