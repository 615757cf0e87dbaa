/* SPDX-License-Identifier: Apache-2.0 */
#include "base/re_literal.h"

#include "base/re.h"

#include <string.h>

struct scan {
    struct str rest;
    bool nocase;
    char run[RE_PATTERN_BYTES];
    size_t len, last; /* bytes of the run; where its last character starts */
    char *best;
    size_t best_len;
};

static void end_run(struct scan *s)
{
    if (s->len > s->best_len) {
        memcpy(s->best, s->run, s->len);
        s->best_len = s->len;
    }
    s->len = s->last = 0;
}

static void add_char(struct scan *s, const char *p, size_t n, int32_t cp)
{
    bool has_case = cp < 0x2E80 || cp > 0x9FFF;

    if (cp < 0 || (s->nocase && has_case)) {
        end_run(s);
        return;
    }
    s->last = s->len;
    memcpy(s->run + s->len, p, n);
    s->len += n;
}

static char take(struct scan *s)
{
    char c = s->rest.p[0];

    s->rest = str_sub(s->rest, 1, s->rest.n);
    return c;
}

static bool next_is(const struct scan *s, char c)
{
    return s->rest.n && s->rest.p[0] == c;
}

static bool one_of(char c, const char *set)
{
    return c && strchr(set, c);
}

/* After "[": to behind the "]". */
static bool skip_class(struct scan *s)
{
    if (next_is(s, '^'))
        (void)take(s);
    if (next_is(s, ']'))
        (void)take(s);
    while (s->rest.n) {
        char c = take(s);

        if (c == ']')
            return true;
        if (c == '\\' && (s->rest.n == 0 || one_of(take(s), "QE")))
            return false;
        if (c == '[' && s->rest.n && one_of(s->rest.p[0], ":.=")) {
            size_t end = str_find(s->rest, STR(":]"));

            if (end == s->rest.n)
                return false;
            s->rest = str_sub(s->rest, end + 2, s->rest.n);
        }
    }
    return false;
}

/* After "(": to behind its ")". False for what could change the meaning of the rest. */
static bool skip_group(struct scan *s)
{
    size_t depth = 1;

    if (next_is(s, '*'))
        return false;
    while (s->rest.n) {
        char c = take(s);

        if (c == '?' && depth && s->rest.n && !one_of(s->rest.p[0], ":=!<>|"))
            return false; /* a lazy quantifier inside lands here too: giving up is always right */
        if (c == '\\' && (s->rest.n == 0 || one_of(take(s), "QE")))
            return false;
        if (c == '[' && !skip_class(s))
            return false;
        if (c == '(')
            depth++;
        if (c == '(' && next_is(s, '*'))
            return false;
        if (c == ')' && --depth == 0)
            return true;
    }
    return false;
}

static void skip_braces(struct scan *s)
{
    size_t end = 0;

    while (end < s->rest.n && one_of(s->rest.p[end], "0123456789, "))
        end++;
    if (end < s->rest.n && s->rest.p[end] == '}')
        s->rest = str_sub(s->rest, end + 1, s->rest.n);
}

static bool scan_escape(struct scan *s)
{
    char c = s->rest.n ? take(s) : '\0';

    if (one_of(c, "dDwWsSbBAzZhHvVRnrtfeaXKG")) {
        end_run(s);
        return true;
    }
    if (c < 0x21 || c > 0x7E || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
        return false;
    add_char(s, &c, 1, c);
    return true;
}

/* One item of the pattern. False: give up. */
static bool scan_item(struct scan *s)
{
    const char *start = s->rest.p;
    int32_t cp = utf8_next(&s->rest);

    switch (cp) {
    case '|': return false;
    case '(': end_run(s); return skip_group(s);
    case '[': end_run(s); return skip_class(s);
    case '\\': return scan_escape(s);
    case '*':
    case '?':
    case '{':
        s->len = s->last;
        end_run(s);
        if (cp == '{')
            skip_braces(s);
        return true;
    case '+':
    case '.':
    case '^':
    case '$': end_run(s); return true;
    default: add_char(s, start, (size_t)(s->rest.p - start), cp); return true;
    }
}

size_t re_literal_find(struct str pattern, bool nocase, char *ret)
{
    struct scan s = {.rest = pattern, .nocase = nocase, .best = ret};

    if (pattern.n > RE_PATTERN_BYTES)
        return 0;
    while (s.rest.n)
        if (!scan_item(&s))
            return 0;
    end_run(&s);
    return s.best_len;
}
