/* SPDX-License-Identifier: Apache-2.0 */
/* log.h - one line a fact: "ts=... level=info at=host sent delivery=17 cost=2".
 *
 * A line is written with one write(2), so lines of two threads never mix; it is cut at LOG_LINE_BYTES, and
 * control characters in values become \xNN, so one call is one line. What looks like a mainland phone
 * number is masked in every line as a last net; mask at the source with log_phone().
 *
 * Threads  any. log_set_level and log_set_sink: before other threads start, or in tests.
 */
#ifndef SIYU_BASE_LOG_H
#define SIYU_BASE_LOG_H

#include "base/str.h"

#include <stdarg.h>
#include <stdbool.h>

#define LOG_LINE_BYTES 2048

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_OFF };

/* Gets the whole line without its newline. */
typedef void (*log_sink_fn)(void *ctx, enum log_level level, const char *line);

void log_set_level(enum log_level level); /* default LOG_INFO */
bool log_enabled(enum log_level level);
/* "debug", "info", "warn", "error", "off". ERR_INVALID. */
int log_parse_level(struct str name, enum log_level *ret);
/* NULL puts stderr back. */
void log_set_sink(log_sink_fn sink, void *ctx);

void log_write(enum log_level level, const char *component, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void log_debug(const char *component, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_info(const char *component, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_warn(const char *component, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_error(const char *component, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* "***" for any value, "-" for NULL or "": says that a secret is there, never which. */
const char *log_secret(const char *value);

struct log_masked {
    char text[STR_PHONE_BYTES];
};
/* log_info("sms", "sent to=%s", log_phone(p).text): lives until the end of that expression. */
struct log_masked log_phone(struct str phone);

#endif
