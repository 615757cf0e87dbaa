/* SPDX-License-Identifier: Apache-2.0 */
/* liquid_filter.h - the filters by name. Private to templates/liquid*.c.
 *
 * A filter is a pure function of its input and arguments; it spends steps for each item it touches. The
 * parser has checked the number of arguments, and `args` is filled up with nil.
 */
#ifndef SIYU_TEMPLATES_LIQUID_FILTER_H
#define SIYU_TEMPLATES_LIQUID_FILTER_H

#include "templates/liquid_ast.h"
#include "templates/liquid_number.h"

typedef int (*lq_filter_fn)(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                            struct lq_value *ret);

struct lq_filter {
    const char *name;
    size_t min_args, max_args;
    lq_filter_fn run;
};

const struct lq_filter *lq_filter_of(struct str name);
/* The filter whose name is nearest, or NULL. */
const char *lq_filter_near(struct str name);

/* What several filters need. */
int lq_integer(struct lq_render *r, struct lq_value v, const char *filter, int64_t *ret);
struct lq_number lq_number_of(struct lq_value v);
struct lq_value lq_of_number(struct lq_number n);
/* The items of a filter's input: a list without its inner lists, an object as one item, nil as none. */
int lq_items(struct lq_render *r, struct lq_value in, struct lq_value *ret);
/* item[key] as Ruby has it. `none`: the item is of a kind that has no members (nil, true, 1.5). */
int lq_property(struct lq_render *r, struct lq_value item, struct lq_value key, struct lq_value *ret,
                bool *none);
/* Starts a string in r->tmp; lq_built() makes it the value. */
struct buf *lq_build(struct lq_render *r);
int lq_built(struct lq_render *r, struct lq_value *ret);
/* `n` values in scratch, to be filled. */
struct lq_value *lq_new_items(struct lq_render *r, int64_t n);
struct lq_value lq_list(const struct lq_value *items, int64_t n);

/* name, fewest and most arguments; lq_filter_<name>() lies in
 * liquid_filter_{string,encode,array,find,math,date}.c */
#define LQ_FILTERS(X)                                                                                        \
    X(abs, 0, 0)                                                                                             \
    X(append, 1, 1)                                                                                          \
    X(at_least, 1, 1)                                                                                        \
    X(at_most, 1, 1)                                                                                         \
    X(base64_decode, 0, 0)                                                                                   \
    X(base64_encode, 0, 0)                                                                                   \
    X(base64_url_safe_decode, 0, 0)                                                                          \
    X(base64_url_safe_encode, 0, 0)                                                                          \
    X(capitalize, 0, 0)                                                                                      \
    X(ceil, 0, 0)                                                                                            \
    X(compact, 0, 1)                                                                                         \
    X(concat, 1, 1)                                                                                          \
    X(date, 1, 1)                                                                                            \
    X(default, 0, 1)                                                                                         \
    X(divided_by, 1, 1)                                                                                      \
    X(downcase, 0, 0)                                                                                        \
    X(escape, 0, 0)                                                                                          \
    X(escape_once, 0, 0)                                                                                     \
    X(find, 1, 2)                                                                                            \
    X(find_index, 1, 2)                                                                                      \
    X(first, 0, 0)                                                                                           \
    X(floor, 0, 0)                                                                                           \
    X(has, 1, 2)                                                                                             \
    X(join, 0, 1)                                                                                            \
    X(last, 0, 0)                                                                                            \
    X(lstrip, 0, 0)                                                                                          \
    X(map, 1, 1)                                                                                             \
    X(minus, 1, 1)                                                                                           \
    X(modulo, 1, 1)                                                                                          \
    X(newline_to_br, 0, 0)                                                                                   \
    X(plus, 1, 1)                                                                                            \
    X(prepend, 1, 1)                                                                                         \
    X(reject, 1, 2)                                                                                          \
    X(remove, 1, 1)                                                                                          \
    X(remove_first, 1, 1)                                                                                    \
    X(remove_last, 1, 1)                                                                                     \
    X(replace, 1, 2)                                                                                         \
    X(replace_first, 1, 2)                                                                                   \
    X(replace_last, 2, 2)                                                                                    \
    X(reverse, 0, 0)                                                                                         \
    X(round, 0, 1)                                                                                           \
    X(rstrip, 0, 0)                                                                                          \
    X(size, 0, 0)                                                                                            \
    X(slice, 1, 2)                                                                                           \
    X(sort, 0, 1)                                                                                            \
    X(sort_natural, 0, 1)                                                                                    \
    X(split, 1, 1)                                                                                           \
    X(strip, 0, 0)                                                                                           \
    X(strip_html, 0, 0)                                                                                      \
    X(strip_newlines, 0, 0)                                                                                  \
    X(sum, 0, 1)                                                                                             \
    X(times, 1, 1)                                                                                           \
    X(truncate, 0, 2)                                                                                        \
    X(truncatewords, 0, 2)                                                                                   \
    X(uniq, 0, 1)                                                                                            \
    X(upcase, 0, 0)                                                                                          \
    X(url_decode, 0, 0)                                                                                      \
    X(url_encode, 0, 0)                                                                                      \
    X(where, 1, 2)

#define LQ_DECLARE(name, min, max)                                                                           \
    int lq_filter_##name(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,     \
                         struct lq_value *ret);
LQ_FILTERS(LQ_DECLARE)
#undef LQ_DECLARE

#endif
