/* SPDX-License-Identifier: Apache-2.0 */
/* The line is built in a local array, then given to the sink in one piece: no lock, no allocation. */
#include "base/log.h"

#include "base/err.h"
#include "base/shanghai.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const level_names[] = {"debug", "info", "warn", "error", "off"};

static struct {
    _Atomic int level;
    log_sink_fn sink;
    void *ctx;
} log_state = {.level = LOG_INFO};

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&log_state.level, (int)level, memory_order_relaxed);
}

bool log_enabled(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&log_state.level, memory_order_relaxed);
}

int log_parse_level(struct str name, enum log_level *ret)
{
    for (int i = LOG_DEBUG; i <= LOG_OFF; i++) {
        if (str_is(name, level_names[i])) {
            *ret = (enum log_level)i;
            return 0;
        }
    }
    return ERR_INVALID;
}

void log_set_sink(log_sink_fn sink, void *ctx)
{
    log_state.sink = sink;
    log_state.ctx = ctx;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A mainland mobile number stands alone as 1[3-9] and nine digits, perhaps with 86 in front. */
static void mask_phones(char *line)
{
    for (char *p = line; *p;) {
        size_t run = 0;

        while (is_digit(p[run]))
            run++;
        if (run == 11 && p[0] == '1' && p[1] >= '3')
            memset(p + 3, '*', 4);
        else if (run == 13 && p[0] == '8' && p[1] == '6' && p[2] == '1' && p[3] >= '3')
            memset(p + 5, '*', 4);
        p += run ? run : 1;
    }
}

struct line {
    char text[LOG_LINE_BYTES + 1]; /* and the newline */
    size_t len;
};

/* Whole characters only; leaves room for the NUL. */
static bool line_add(struct line *l, const char *p, size_t n)
{
    if (n > LOG_LINE_BYTES - 1 - l->len)
        return false;
    memcpy(l->text + l->len, p, n);
    l->len += n;
    return true;
}

static void line_add_escaped(struct line *l, struct str s)
{
    while (s.n) {
        struct str before = s;
        int32_t cp = utf8_next(&s);
        size_t n = before.n - s.n;
        bool fits = true;

        if (cp >= 0x20 && cp != 0x7F && !(cp >= 0x80 && cp < 0xA0) && cp != 0x2028 && cp != 0x2029) {
            fits = line_add(l, before.p, n);
        } else {
            char escape[5];

            for (size_t i = 0; i < n && fits; i++) {
                (void)snprintf(escape, sizeof(escape), "\\x%02x", (unsigned)(uint8_t)before.p[i]);
                fits = line_add(l, escape, 4);
            }
        }
        if (!fits)
            return;
    }
}

static void line_add_head(struct line *l, enum log_level level, const char *component)
{
    char when[SHANGHAI_TEXT_BYTES];
    char head[128];
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_REALTIME, &now);
    shanghai_format((int64_t)now.tv_sec * 1000, when);
    when[10] = 'T';
    (void)snprintf(head, sizeof(head), "ts=%s.%03u+08:00 level=%s at=%.32s ", when,
                   (unsigned)(now.tv_nsec / 1000000) % 1000, level_names[level], component);
    (void)line_add(l, head, strlen(head));
}

static void write_stderr(struct line *l)
{
    ssize_t n;

    l->text[l->len] = '\n';
    do
        n = write(STDERR_FILENO, l->text, l->len + 1);
    while (n < 0 && errno == EINTR);
    (void)n; /* a log that cannot be written has nowhere to say so */
}

static void log_writev(enum log_level level, const char *component, const char *fmt, va_list args)
    __attribute__((format(printf, 3, 0)));

static void log_writev(enum log_level level, const char *component, const char *fmt, va_list args)
{
    char text[LOG_LINE_BYTES];
    struct line l = {.len = 0};
    int saved = errno, n;

    if (level >= LOG_OFF || !log_enabled(level))
        return;
    n = vsnprintf(text, sizeof(text), fmt, args);
    if (n < 0)
        n = 0;
    line_add_head(&l, level, component);
    line_add_escaped(&l, (struct str){text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1});
    l.text[l.len] = '\0';
    mask_phones(l.text);
    if (log_state.sink)
        log_state.sink(log_state.ctx, level, l.text);
    else
        write_stderr(&l);
    errno = saved;
}

void log_write(enum log_level level, const char *component, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    log_writev(level, component, fmt, args);
    va_end(args);
}

void log_debug(const char *component, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    log_writev(LOG_DEBUG, component, fmt, args);
    va_end(args);
}

void log_info(const char *component, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    log_writev(LOG_INFO, component, fmt, args);
    va_end(args);
}

void log_warn(const char *component, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    log_writev(LOG_WARN, component, fmt, args);
    va_end(args);
}

void log_error(const char *component, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    log_writev(LOG_ERROR, component, fmt, args);
    va_end(args);
}

const char *log_secret(const char *value)
{
    return value && value[0] ? "***" : "-";
}

struct log_masked log_phone(struct str phone)
{
    struct log_masked m;

    str_mask_phone(phone, m.text);
    return m;
}
