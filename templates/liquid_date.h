/* SPDX-License-Identifier: Apache-2.0 */
/* liquid_date.h - dates as people write them, and strftime as Ruby has it. Private to templates.
 *
 * Units    seconds since 1970 UTC, years 0 to 9999; a zone is its offset in seconds.
 * Errors   ERR_SYNTAX: no date; ERR_TOO_BIG, -ENOMEM of the buffer.
 * Threads  any; no time zone of the process is read.
 */
#ifndef SIYU_TEMPLATES_LIQUID_DATE_H
#define SIYU_TEMPLATES_LIQUID_DATE_H

#include "base/buf.h"

/* "2026-12-01 10:00", "2026/12/1", "2026年12月1日", "March 14, 2016", "Mon, 14 Mar 2016 10:00:00 +0000"; all
 * digits: seconds, or ms where that many seconds would lie beyond the year 5000. What names no zone is in
 * `offset_s`. */
int lq_date_parse(struct str text, int offset_s, int64_t *ret);
int lq_date_of_number(int64_t n, int64_t *ret);
/* Appends. An unknown directive stands for itself. */
int lq_date_format(int64_t t, int offset_s, struct str format, struct buf *out);

#endif
