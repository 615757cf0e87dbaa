/* SPDX-License-Identifier: Apache-2.0 */
/* Filters that take a text and give a text. Lengths and positions count characters; case is ASCII's. */
#include <ctype.h>
#include <string.h>

#include "templates/liquid_filter.h"

static int text_of(struct lq_render *r, struct lq_value v, struct str *ret)
{
    return lq_text(r, v, ret);
}

static int join_two(struct lq_render *r, struct lq_value first, struct lq_value second, struct lq_value *ret)
{
    struct str a, b;
    int err = text_of(r, first, &a);

    if (err == 0)
        err = text_of(r, second, &b);
    if (err == 0)
        err = lq_put(r, lq_build(r), a);
    if (err == 0)
        err = lq_put(r, &r->tmp, b);
    return err < 0 ? err : lq_built(r, ret);
}

int lq_filter_append(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                     struct lq_value *ret)
{
    (void)n;
    return join_two(r, in, args[0], ret);
}

int lq_filter_prepend(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                      struct lq_value *ret)
{
    (void)n;
    return join_two(r, args[0], in, ret);
}

/* A copy of the text with every byte mapped; the first by its own function. */
static int map_bytes(struct lq_render *r, struct lq_value in, int (*first)(int), int (*others)(int),
                     struct lq_value *ret)
{
    struct str s;
    char *copy;
    int err = text_of(r, in, &s);

    if (err < 0)
        return err;
    copy = lq_alloc(r, s.n + 1);
    if (!copy)
        return lq_no_memory(r);
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        copy[i] = c < 0x80 ? (char)(i == 0 ? first : others)(c) : s.p[i];
    }
    *ret = lq_string((struct str){copy, s.n});
    return 0;
}

int lq_filter_capitalize(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                         struct lq_value *ret)
{
    (void)args, (void)n;
    return map_bytes(r, in, toupper, tolower, ret);
}

int lq_filter_downcase(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                       struct lq_value *ret)
{
    (void)args, (void)n;
    return map_bytes(r, in, tolower, tolower, ret);
}

int lq_filter_upcase(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                     struct lq_value *ret)
{
    (void)args, (void)n;
    return map_bytes(r, in, toupper, toupper, ret);
}

static int strip_sides(struct lq_render *r, struct lq_value in, bool left, bool right, struct lq_value *ret)
{
    struct str s;
    int err = text_of(r, in, &s);

    if (err < 0)
        return err;
    while (left && s.n > 0 && isspace((unsigned char)s.p[0]))
        s = str_sub(s, 1, s.n);
    while (right && s.n > 0 && isspace((unsigned char)s.p[s.n - 1]))
        s.n--;
    *ret = lq_string(s);
    return 0;
}

int lq_filter_lstrip(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                     struct lq_value *ret)
{
    (void)args, (void)n;
    return strip_sides(r, in, true, false, ret);
}

int lq_filter_rstrip(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                     struct lq_value *ret)
{
    (void)args, (void)n;
    return strip_sides(r, in, false, true, ret);
}

int lq_filter_strip(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                    struct lq_value *ret)
{
    (void)args, (void)n;
    return strip_sides(r, in, true, true, ret);
}

/* Each \n or \r\n gives way to `with`. */
static int replace_line_ends(struct lq_render *r, struct lq_value in, struct str with, struct lq_value *ret)
{
    struct str s;
    int err = text_of(r, in, &s);

    (void)lq_build(r);
    while (err == 0 && s.n > 0) {
        size_t at = str_chr(s, '\n');
        bool found = at < s.n;
        bool carriage = found && at > 0 && s.p[at - 1] == '\r';

        err = lq_put(r, &r->tmp, str_sub(s, 0, carriage ? at - 1 : at));
        if (err == 0 && found)
            err = lq_put(r, &r->tmp, with);
        s = str_sub(s, at + 1, s.n);
    }
    return err < 0 ? err : lq_built(r, ret);
}

int lq_filter_newline_to_br(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                            struct lq_value *ret)
{
    (void)args, (void)n;
    return replace_line_ends(r, in, STR("<br />\n"), ret);
}

int lq_filter_strip_newlines(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                             struct lq_value *ret)
{
    (void)args, (void)n;
    return replace_line_ends(r, in, STR(""), ret);
}

enum replaced { REPLACE_ALL, REPLACE_FIRST, REPLACE_LAST };

static size_t find_last(struct str s, struct str needle)
{
    for (size_t at = s.n - needle.n; needle.n <= s.n; at--) {
        if (memcmp(s.p + at, needle.p, needle.n) == 0)
            return at;
        if (at == 0)
            break;
    }
    return s.n;
}

/* An empty text stands before every character and at the end. */
static int weave(struct lq_render *r, struct str s, struct str with)
{
    int err = lq_put(r, lq_build(r), with);

    while (err == 0 && s.n > 0) {
        struct str one = s;

        (void)utf8_next(&s);
        one.n -= s.n;
        err = lq_put(r, &r->tmp, one);
        if (err == 0)
            err = lq_put(r, &r->tmp, with);
    }
    return err;
}

static int replace_found(struct lq_render *r, struct str s, struct str needle, struct str with,
                         enum replaced which)
{
    bool more = true;
    int err = 0;

    (void)lq_build(r);
    while (err == 0 && more) {
        size_t at = which == REPLACE_LAST ? find_last(s, needle) : str_find(s, needle);

        if (needle.n == 0)
            at = which == REPLACE_LAST ? s.n : 0;
        else if (at == s.n)
            break;
        err = lq_put(r, &r->tmp, str_sub(s, 0, at));
        if (err == 0)
            err = lq_put(r, &r->tmp, with);
        s = str_sub(s, at + needle.n, s.n);
        more = which == REPLACE_ALL;
    }
    return err < 0 ? err : lq_put(r, &r->tmp, s);
}

static int replace_text(struct lq_render *r, struct lq_value in, struct lq_value what, struct lq_value by,
                        enum replaced which, struct lq_value *ret)
{
    struct str s, needle, with;
    int err = text_of(r, in, &s);

    if (err == 0)
        err = text_of(r, what, &needle);
    if (err == 0)
        err = text_of(r, by, &with);
    if (err < 0)
        return err;
    if (needle.n == 0 && which == REPLACE_ALL)
        err = weave(r, s, with);
    else
        err = replace_found(r, s, needle, with, which);
    return err < 0 ? err : lq_built(r, ret);
}

int lq_filter_replace(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                      struct lq_value *ret)
{
    (void)n;
    return replace_text(r, in, args[0], args[1], REPLACE_ALL, ret);
}

int lq_filter_replace_first(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                            struct lq_value *ret)
{
    (void)n;
    return replace_text(r, in, args[0], args[1], REPLACE_FIRST, ret);
}

int lq_filter_replace_last(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                           struct lq_value *ret)
{
    (void)n;
    return replace_text(r, in, args[0], args[1], REPLACE_LAST, ret);
}

int lq_filter_remove(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                     struct lq_value *ret)
{
    (void)n;
    return replace_text(r, in, args[0], args[1], REPLACE_ALL, ret);
}

int lq_filter_remove_first(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                           struct lq_value *ret)
{
    (void)n;
    return replace_text(r, in, args[0], args[1], REPLACE_FIRST, ret);
}

int lq_filter_remove_last(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                          struct lq_value *ret)
{
    (void)n;
    return replace_text(r, in, args[0], args[1], REPLACE_LAST, ret);
}
