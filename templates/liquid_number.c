/* SPDX-License-Identifier: Apache-2.0 */
/* A fraction is computed as mantissa / 10^scale in 128 bits. A mantissa is below 10^19; moved by 18 places to
 * the scale of the other, or multiplied by it, it stays within 10^38, so nothing overflows. */
#include "templates/liquid_number.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define MAX_SCALE 18

struct decimal {
    __int128 mantissa;
    int scale; /* 0..2 * MAX_SCALE */
};

struct lq_number lq_number_whole(int64_t i)
{
    return (struct lq_number){.whole = true, .i = i};
}

struct lq_number lq_number_fraction(double f)
{
    return (struct lq_number){.f = f};
}

double lq_number_double(struct lq_number n)
{
    return n.whole ? (double)n.i : n.f;
}

/* Up to 17 significant digits, without trailing zeros, and the power of ten of the first one. */
static size_t shortest_digits(double f, char digits[LQ_NUMBER_BYTES], int *exponent)
{
    char text[LQ_NUMBER_BYTES];
    size_t n = 0;

    for (int precision = 14; precision <= 16; precision++) {
        (void)snprintf(text, sizeof text, "%.*e", precision, fabs(f));
        if (strtod(text, NULL) == fabs(f))
            break;
    }
    const char *e = strchr(text, 'e');

    *exponent = e ? (int)strtol(e + 1, NULL, 10) : 0;
    for (const char *p = text; *p && p != e; p++)
        if (isdigit((unsigned char)*p))
            digits[n++] = *p;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    return n;
}

size_t lq_number_format(double f, char ret[LQ_NUMBER_BYTES])
{
    char digits[LQ_NUMBER_BYTES];
    int exponent;
    size_t n;
    int len;

    if (!isfinite(f)) {
        len = snprintf(ret, LQ_NUMBER_BYTES, "%s", isnan(f) ? "NaN" : f < 0 ? "-Infinity" : "Infinity");
        return (size_t)len;
    }
    n = shortest_digits(f, digits, &exponent);
    if (exponent < -4 || exponent >= 16) {
        len = snprintf(ret, LQ_NUMBER_BYTES, "%s%c.%.*se%+03d", signbit(f) ? "-" : "", digits[0],
                       n > 1 ? (int)(n - 1) : 1, n > 1 ? digits + 1 : "0", exponent);
    } else {
        int places = (int)n - 1 - exponent;

        len = snprintf(ret, LQ_NUMBER_BYTES, "%.*f", places > 1 ? places : 1, f);
    }
    return (size_t)len;
}

static __int128 power_of_ten(int n)
{
    __int128 p = 1;

    while (n-- > 0)
        p *= 10;
    return p;
}

static bool to_decimal(struct lq_number n, struct decimal *ret)
{
    char digits[LQ_NUMBER_BYTES];
    int exponent;
    __int128 m = 0;

    if (n.whole) {
        *ret = (struct decimal){n.i, 0};
        return true;
    }
    if (!isfinite(n.f))
        return false;
    size_t len = shortest_digits(n.f, digits, &exponent);
    int scale = (int)len - 1 - exponent;

    for (size_t i = 0; i < len; i++)
        m = m * 10 + (digits[i] - '0');
    if (scale > MAX_SCALE || exponent > MAX_SCALE)
        return false;
    if (scale < 0) { /* 1200.0 came out as 12 */
        m *= power_of_ten(-scale);
        scale = 0;
    }
    *ret = (struct decimal){signbit(n.f) ? -m : m, scale};
    return true;
}

/* The nearest double: strtod rounds correctly, a division of two doubles would round twice. */
static struct lq_number of_decimal(struct decimal d)
{
    char text[64], *p = text + sizeof text - 8;
    unsigned __int128 m = d.mantissa < 0 ? -(unsigned __int128)d.mantissa : (unsigned __int128)d.mantissa;

    (void)snprintf(p, 8, "e-%d", d.scale);
    do {
        *--p = (char)('0' + (int)(m % 10));
        m /= 10;
    } while (m > 0);
    if (d.mantissa < 0)
        *--p = '-';
    return lq_number_fraction(strtod(p, NULL));
}

static void align(struct decimal *a, struct decimal *b)
{
    int scale = a->scale > b->scale ? a->scale : b->scale;

    a->mantissa *= power_of_ten(scale - a->scale);
    b->mantissa *= power_of_ten(scale - b->scale);
    a->scale = b->scale = scale;
}

/* The remainder has the sign of the divisor, as in Ruby. */
static __int128 floor_modulo(__int128 a, __int128 b)
{
    __int128 m = a % b;

    return m != 0 && (m < 0) != (b < 0) ? m + b : m;
}

static struct lq_number calculate_double(double a, enum lq_operator op, double b)
{
    double m;

    switch (op) {
    case LQ_PLUS: return lq_number_fraction(a + b);
    case LQ_MINUS: return lq_number_fraction(a - b);
    case LQ_TIMES: return lq_number_fraction(a * b);
    case LQ_DIVIDED_BY: return lq_number_fraction(a / b);
    case LQ_MODULO: break;
    }
    m = fmod(a, b);
    return lq_number_fraction(m != 0 && (m < 0) != (b < 0) ? m + b : m);
}

static struct lq_number calculate_fraction(struct lq_number a, enum lq_operator op, struct lq_number b)
{
    struct decimal x, y;

    if (op == LQ_DIVIDED_BY || !to_decimal(a, &x) || !to_decimal(b, &y))
        return calculate_double(lq_number_double(a), op, lq_number_double(b));
    if (op == LQ_TIMES)
        return of_decimal((struct decimal){x.mantissa * y.mantissa, x.scale + y.scale});
    align(&x, &y);
    switch (op) {
    case LQ_PLUS: x.mantissa += y.mantissa; break;
    case LQ_MINUS: x.mantissa -= y.mantissa; break;
    case LQ_MODULO: x.mantissa = floor_modulo(x.mantissa, y.mantissa); break;
    case LQ_TIMES:
    case LQ_DIVIDED_BY: break;
    }
    return of_decimal(x);
}

static bool calculate_whole(int64_t a, enum lq_operator op, int64_t b, int64_t *ret)
{
    __int128 q;

    switch (op) {
    case LQ_PLUS: return !__builtin_add_overflow(a, b, ret);
    case LQ_MINUS: return !__builtin_sub_overflow(a, b, ret);
    case LQ_TIMES: return !__builtin_mul_overflow(a, b, ret);
    case LQ_MODULO: *ret = (int64_t)floor_modulo(a, b); return true;
    case LQ_DIVIDED_BY: break;
    }
    q = ((__int128)a - floor_modulo(a, b)) / b;
    *ret = (int64_t)q;
    return q >= INT64_MIN && q <= INT64_MAX;
}

int lq_number_calculate(struct lq_number a, enum lq_operator op, struct lq_number b, struct lq_number *ret)
{
    int64_t i;

    if ((op == LQ_DIVIDED_BY || op == LQ_MODULO) && lq_number_double(b) == 0)
        return ERR_INVALID;
    if (!a.whole || !b.whole)
        *ret = calculate_fraction(a, op, b);
    else if (calculate_whole(a.i, op, b.i, &i))
        *ret = lq_number_whole(i);
    else
        *ret = calculate_double((double)a.i, op, (double)b.i);
    return 0;
}

static struct lq_number whole_if_fits(double f)
{
    return f >= -0x1p63 && f < 0x1p63 ? lq_number_whole((int64_t)f) : lq_number_fraction(f);
}

struct lq_number lq_number_floor(struct lq_number n)
{
    return n.whole ? n : whole_if_fits(floor(n.f));
}

struct lq_number lq_number_ceil(struct lq_number n)
{
    return n.whole ? n : whole_if_fits(ceil(n.f));
}

struct lq_number lq_number_round(struct lq_number n, int64_t places)
{
    struct decimal d;
    int drop;

    if (!to_decimal(n, &d) || places < -MAX_SCALE)
        return places > 0 ? n : places < -MAX_SCALE ? lq_number_whole(0) : whole_if_fits(round(n.f));
    if (places >= d.scale)
        return n.whole || places > 0 ? n : whole_if_fits(n.f);
    drop = d.scale - (int)places;

    __int128 unit = power_of_ten(drop);
    __int128 half = unit / 2;
    __int128 m = (d.mantissa + (d.mantissa < 0 ? -half : half)) / unit;

    if (places > 0)
        return of_decimal((struct decimal){m, (int)places});
    m *= power_of_ten((int)-places);
    return m >= INT64_MIN && m <= INT64_MAX ? lq_number_whole((int64_t)m) : lq_number_fraction((double)m);
}

int lq_number_order(struct lq_number a, struct lq_number b)
{
    if (a.whole && b.whole)
        return (a.i > b.i) - (a.i < b.i);
    return (lq_number_double(a) > lq_number_double(b)) - (lq_number_double(a) < lq_number_double(b));
}

/* -?digits.digits, and short enough that the copy is the whole text. */
static bool text_fraction(struct str s, double *ret)
{
    char copy[64];
    size_t i = s.n > 0 && s.p[0] == '-' ? 1 : 0, dot = str_chr(s, '.');

    if (s.n >= sizeof copy || dot <= i || dot + 1 >= s.n)
        return false;
    for (; i < s.n; i++)
        if (i != dot && !isdigit((unsigned char)s.p[i]))
            return false;
    memcpy(copy, s.p, s.n);
    copy[s.n] = '\0';
    *ret = strtod(copy, NULL);
    return true;
}

struct lq_number lq_number_of_text(struct str s)
{
    double f;
    int64_t i = 0;
    size_t at;
    bool minus;

    s = str_trim(s);
    if (text_fraction(s, &f))
        return lq_number_fraction(f);
    minus = s.n > 0 && s.p[0] == '-';
    at = minus || (s.n > 0 && s.p[0] == '+') ? 1 : 0;
    for (; at < s.n && isdigit((unsigned char)s.p[at]); at++) {
        int digit = s.p[at] - '0';

        if (__builtin_mul_overflow(i, 10, &i) ||
            (minus ? __builtin_sub_overflow(i, digit, &i) : __builtin_add_overflow(i, digit, &i)))
            return lq_number_whole(minus ? INT64_MIN : INT64_MAX);
    }
    return lq_number_whole(i);
}

int lq_number_strict(struct str s, int64_t *ret)
{
    s = str_trim(s);
    if (s.n > 1 && s.p[0] == '+' && s.p[1] != '-')
        s = str_sub(s, 1, s.n - 1);
    return str_to_i64(s, ret) < 0 ? ERR_INVALID : 0;
}
