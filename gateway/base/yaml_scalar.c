/* SPDX-License-Identifier: Apache-2.0 */
#include "base/yaml_scalar.h"

#include "base/err.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_one_of(struct str s, const char *a, const char *b, const char *c)
{
    return str_is(s, a) || str_is(s, b) || str_is(s, c);
}

static size_t span(struct str s, const char *set)
{
    size_t n = 0;

    while (n < s.n && s.p[n] && strchr(set, s.p[n]))
        n++;
    return n;
}

static struct str skip(struct str s, size_t n)
{
    return str_sub(s, n, s.n);
}

static bool is_integer(struct str s)
{
    struct str digits = skip(s, s.n && (s.p[0] == '-' || s.p[0] == '+'));

    return digits.n && span(digits, "0123456789") == digits.n;
}

/* [-+]? ( . digits | digits (. digits?)? ) ([eE] [-+]? digits)? */
static bool is_real(struct str s)
{
    size_t whole, fraction = 0, exponent;

    s = skip(s, s.n && (s.p[0] == '-' || s.p[0] == '+'));
    whole = span(s, "0123456789");
    s = skip(s, whole);
    if (s.n && s.p[0] == '.') {
        fraction = span(skip(s, 1), "0123456789");
        s = skip(s, 1 + fraction);
    }
    if (whole == 0 && fraction == 0)
        return false;
    if (s.n == 0)
        return true;
    if (s.p[0] != 'e' && s.p[0] != 'E')
        return false;
    s = skip(s, 1);
    s = skip(s, s.n && (s.p[0] == '-' || s.p[0] == '+'));
    exponent = span(s, "0123456789");
    return exponent && exponent == s.n;
}

static bool is_radix(struct str s, char mark, const char *digits)
{
    return s.n > 2 && s.p[0] == '0' && s.p[1] == mark && span(skip(s, 2), digits) == s.n - 2;
}

static int finish(json_t *node, json_t **ret)
{
    if (!node)
        return -ENOMEM;
    *ret = node;
    return 0;
}

static int radix_to_json(struct str digits, unsigned bits, json_t **ret)
{
    uint64_t v = 0;

    for (size_t i = 0; i < digits.n; i++) {
        char c = digits.p[i];
        unsigned d = (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);

        if (v >> (63 - bits))
            return ERR_TOO_BIG;
        v = v << bits | d;
    }
    return finish(json_integer((json_int_t)v), ret);
}

static int integer_to_json(struct str s, json_t **ret)
{
    int64_t v;
    int r = str_to_i64(skip(s, s.p[0] == '+'), &v);

    return r < 0 ? r : finish(json_integer(v), ret);
}

static int real_to_json(struct str s, json_t **ret)
{
    char text[64];
    double v;

    if (s.n >= sizeof(text))
        return ERR_TOO_BIG;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    v = strtod(text, NULL);
    return isfinite(v) ? finish(json_real(v), ret) : ERR_TOO_BIG;
}

int yaml_scalar_to_json(struct str text, bool plain, json_t **ret)
{
    if (!str_utf8_valid(text))
        return ERR_SYNTAX;
    if (!plain)
        return finish(json_stringn_nocheck(text.p, text.n), ret);
    if (text.n == 0 || str_is(text, "~") || is_one_of(text, "null", "Null", "NULL"))
        return finish(json_null(), ret);
    if (is_one_of(text, "true", "True", "TRUE"))
        return finish(json_true(), ret);
    if (is_one_of(text, "false", "False", "FALSE"))
        return finish(json_false(), ret);
    if (is_integer(text))
        return integer_to_json(text, ret);
    if (is_radix(text, 'o', "01234567"))
        return radix_to_json(skip(text, 2), 3, ret);
    if (is_radix(text, 'x', "0123456789abcdefABCDEF"))
        return radix_to_json(skip(text, 2), 4, ret);
    if (is_real(text))
        return real_to_json(text, ret);
    return finish(json_stringn_nocheck(text.p, text.n), ret);
}
