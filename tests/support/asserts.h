/* SPDX-License-Identifier: Apache-2.0 */
/* asserts.h - cmocka and a few asserts that print what they saw.
 *
 * T_OK(r)            r is not negative, else its err_text() is printed
 * T_ERR(r, ERR_X)    r is exactly that error; names are printed
 * T_EQ(got, want)    integers
 * T_STR(got, "want") C strings, NULL allowed
 * T_VIEW(got, "w")   struct str against a C string
 * T_MEM(got, want, n), T_HEX(got, "0a1b"): bytes
 *
 * T_CASE(fn) makes a row of cmocka's table from a test without arguments.
 */
#ifndef SIYU_TESTS_ASSERTS_H
#define SIYU_TESTS_ASSERTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/str.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#define T_OK(expr) t_ok((expr), #expr, __FILE__, __LINE__)
#define T_ERR(expr, want) t_err((expr), (want), #expr, __FILE__, __LINE__)
#define T_EQ(got, want) t_eq((intmax_t)(got), (intmax_t)(want), #got, __FILE__, __LINE__)
#define T_TRUE(expr) t_true(!!(expr), #expr, __FILE__, __LINE__)
#define T_STR(got, want) t_str((got), (want), #got, __FILE__, __LINE__)
#define T_VIEW(got, want) t_view((got), (want), #got, __FILE__, __LINE__)
#define T_MEM(got, want, n) t_mem((got), (want), (n), #got, __FILE__, __LINE__)
#define T_HEX(got, want) t_hex((got), (want), #got, __FILE__, __LINE__)

#define T_CASE(fn)                                                                                           \
    {                                                                                                        \
#fn, t_call, NULL, NULL, (void *)(fn)                                                                \
    }

static inline void t_call(void **state)
{
    void (*fn)(void) = (void (*)(void)) * state;

    fn();
}

static inline void t_ok(int r, const char *expr, const char *file, int line)
{
    if (r >= 0)
        return;
    print_error("%s: %s (%d, %s)\n", expr, err_name(r), r, err_text(r));
    _fail(file, line);
}

static inline void t_err(int r, int want, const char *expr, const char *file, int line)
{
    if (r == want)
        return;
    print_error("%s: %s (%d), expected %s (%d)\n", expr, r > 0 ? "positive" : err_name(r), r, err_name(want),
                want);
    _fail(file, line);
}

static inline void t_eq(intmax_t got, intmax_t want, const char *expr, const char *file, int line)
{
    if (got == want)
        return;
    print_error("%s: %" PRIdMAX ", expected %" PRIdMAX "\n", expr, got, want);
    _fail(file, line);
}

static inline void t_true(bool ok, const char *expr, const char *file, int line)
{
    if (ok)
        return;
    print_error("not true: %s\n", expr);
    _fail(file, line);
}

static inline void t_str(const char *got, const char *want, const char *expr, const char *file, int line)
{
    if (got == want || (got && want && strcmp(got, want) == 0))
        return;
    print_error("%s: \"%s\", expected \"%s\"\n", expr, got ? got : "(null)", want ? want : "(null)");
    _fail(file, line);
}

static inline void t_view(struct str got, const char *want, const char *expr, const char *file, int line)
{
    if (got.p && got.n == strlen(want) && memcmp(got.p, want, got.n) == 0)
        return;
    print_error("%s: %s\"%.*s\", expected \"%s\"\n", expr, got.p ? "" : "(absent) ", STR_ARG(got), want);
    _fail(file, line);
}

static inline void t_mem(const void *got, const void *want, size_t n, const char *expr, const char *file,
                         int line)
{
    const uint8_t *g = got, *w = want;

    for (size_t i = 0; i < n; i++) {
        if (g[i] == w[i])
            continue;
        print_error("%s: byte %zu is %02x, expected %02x\n", expr, i, g[i], w[i]);
        _fail(file, line);
    }
}

/* `want` in lower case; the length is strlen(want) / 2. */
static inline void t_hex(const void *got, const char *want, const char *expr, const char *file, int line)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *g = got;

    for (size_t i = 0; want[2 * i] && want[2 * i + 1]; i++) {
        if (digits[g[i] >> 4] == want[2 * i] && digits[g[i] & 15] == want[2 * i + 1])
            continue;
        print_error("%s: byte %zu is %02x, expected %.2s\n", expr, i, g[i], want + 2 * i);
        _fail(file, line);
    }
}

#endif
