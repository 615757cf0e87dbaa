/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include "base/buf.h"
#include "base/err.h"

static char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
            return false;
    return true;
}

int str_cmp(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;

    return c ? c : (a.n > b.n) - (a.n < b.n);
}

bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_eq(str_sub(s, 0, prefix.n), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.n >= suffix.n && str_eq(str_sub(s, s.n - suffix.n, suffix.n), suffix);
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str s)
{
    while (s.n && is_blank(s.p[0]))
        s = str_sub(s, 1, s.n);
    while (s.n && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

size_t str_chr(struct str s, char c)
{
    const char *at = s.n ? memchr(s.p, c, s.n) : NULL;

    return at ? (size_t)(at - s.p) : s.n;
}

size_t str_find(struct str s, struct str needle)
{
    const char *at;

    if (needle.n == 0)
        return 0;
    at = s.n ? memmem(s.p, s.n, needle.p, needle.n) : NULL;
    return at ? (size_t)(at - s.p) : s.n;
}

bool str_cut(struct str s, char sep, struct str *before, struct str *after)
{
    size_t at = str_chr(s, sep);

    *before = str_sub(s, 0, at);
    *after = str_sub(s, at + (at < s.n), s.n);
    return at < s.n;
}

bool str_next(struct str *rest, char sep, struct str *piece)
{
    if (!rest->p)
        return false;
    if (!str_cut(*rest, sep, piece, rest))
        *rest = (struct str){NULL, 0};
    return true;
}

int str_to_u64(struct str s, uint64_t *ret)
{
    uint64_t v = 0;

    if (s.n == 0)
        return ERR_SYNTAX;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return ERR_SYNTAX;
    for (size_t i = 0; i < s.n; i++)
        if (__builtin_mul_overflow(v, (uint64_t)10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
            return ERR_TOO_BIG;
    *ret = v;
    return 0;
}

int str_to_i64(struct str s, int64_t *ret)
{
    bool negative = s.n && s.p[0] == '-';
    uint64_t v;
    int r = str_to_u64(negative ? str_sub(s, 1, s.n) : s, &v);

    if (r < 0)
        return r;
    if (v > (uint64_t)INT64_MAX + negative)
        return ERR_TOO_BIG;
    *ret = negative ? (int64_t)(0 - v) : (int64_t)v;
    return 0;
}

int str_to_duration_ms(struct str s, int64_t *ret)
{
    static const struct {
        char unit;
        int64_t ms;
    } units[] = {{'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}};
    int64_t n;

    for (size_t i = 0; s.n > 1 && i < sizeof(units) / sizeof(*units); i++) {
        if (s.p[s.n - 1] != units[i].unit)
            continue;
        if (s.p[0] == '-' || str_to_i64(str_sub(s, 0, s.n - 1), &n) < 0)
            return ERR_SYNTAX;
        if (__builtin_mul_overflow(n, units[i].ms, &n))
            return ERR_TOO_BIG;
        *ret = n;
        return 0;
    }
    return ERR_SYNTAX;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int str_percent_decode(struct str in, bool plus, struct buf *out)
{
    for (size_t i = 0; i < in.n; i++) {
        char c = in.p[i];

        if (c == '%') {
            int hi = i + 2 < in.n ? hex_digit(in.p[i + 1]) : -1;
            int lo = i + 2 < in.n ? hex_digit(in.p[i + 2]) : -1;

            if (hi < 0 || lo < 0)
                return ERR_SYNTAX;
            c = (char)(hi << 4 | lo);
            i += 2;
        } else if (plus && c == '+') {
            c = ' ';
        }
        (void)buf_addc(out, c);
    }
    return buf_error(out);
}

static bool is_unreserved(char c)
{
    return (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

int str_percent_encode(struct str in, struct buf *out)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < in.n; i++) {
        uint8_t c = (uint8_t)in.p[i];

        if (is_unreserved(in.p[i]))
            (void)buf_addc(out, in.p[i]);
        else
            (void)buf_add(out, (char[]){'%', digits[c >> 4], digits[c & 15]}, 3);
    }
    return buf_error(out);
}

static bool is_plain(struct str s)
{
    return str_chr(s, '%') == s.n && str_chr(s, '+') == s.n;
}

/* Most keys are written as they are: only the others are decoded before they are compared. */
static int key_is(struct str key, const char *name, struct buf *scratch, bool *ret)
{
    int r = 0;

    *ret = is_plain(key) && str_is(key, name);
    if (is_plain(key))
        return 0;
    buf_reset(scratch);
    r = str_percent_decode(key, true, scratch);
    *ret = r == 0 && str_is(buf_str(scratch), name);
    return r == ERR_SYNTAX ? 0 : r;
}

int str_query_get(struct str query, const char *name, struct buf *ret)
{
    struct str pair, key, value;

    while (str_next(&query, '&', &pair)) {
        bool hit;
        int r;

        str_cut(pair, '=', &key, &value);
        r = key_is(key, name, ret, &hit);
        if (r < 0)
            return r;
        if (!hit)
            continue;
        buf_reset(ret);
        return is_plain(value) ? buf_add_str(ret, value) : str_percent_decode(value, true, ret);
    }
    buf_reset(ret);
    return ERR_NOT_FOUND;
}

void str_mask_phone(struct str phone, char ret[STR_PHONE_BYTES])
{
    size_t head = phone.n >= 11 ? phone.n - 8 : 0, tail = phone.n >= 7 ? 4 : 0;
    size_t at = 0;

    if (head > 8) /* not a phone number: the head must not show it all */
        head = 3;
    for (size_t i = 0; i < head; i++)
        ret[at++] = phone.p[i];
    for (int i = 0; i < 4; i++)
        ret[at++] = '*';
    for (size_t i = 0; i < tail; i++)
        ret[at++] = phone.p[phone.n - tail + i];
    ret[at] = '\0';
}
