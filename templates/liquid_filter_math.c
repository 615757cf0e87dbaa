/* SPDX-License-Identifier: Apache-2.0 */
/* Filters on numbers. A text counts as the number it begins with, anything else as 0. */
#include "templates/liquid_filter.h"

struct lq_number lq_number_of(struct lq_value v)
{
    switch (v.type) {
    case LQ_INT: return lq_number_whole(v.i);
    case LQ_FLOAT: return lq_number_fraction(v.f);
    case LQ_STRING: return lq_number_of_text(v.s);
    default: return lq_number_whole(0);
    }
}

struct lq_value lq_of_number(struct lq_number n)
{
    return n.whole ? lq_int(n.i) : lq_float(n.f);
}

static int calculate(struct lq_render *r, struct lq_value a, enum lq_operator op, struct lq_value b,
                     struct lq_value *ret)
{
    struct lq_number n;

    if (lq_number_calculate(lq_number_of(a), op, lq_number_of(b), &n) < 0)
        return lq_fail(r, ERR_RENDER, "division by zero");
    *ret = lq_of_number(n);
    return 0;
}

int lq_filter_plus(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                   struct lq_value *ret)
{
    (void)n;
    return calculate(r, in, LQ_PLUS, args[0], ret);
}

int lq_filter_minus(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                    struct lq_value *ret)
{
    (void)n;
    return calculate(r, in, LQ_MINUS, args[0], ret);
}

int lq_filter_times(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                    struct lq_value *ret)
{
    (void)n;
    return calculate(r, in, LQ_TIMES, args[0], ret);
}

int lq_filter_divided_by(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                         struct lq_value *ret)
{
    (void)n;
    return calculate(r, in, LQ_DIVIDED_BY, args[0], ret);
}

int lq_filter_modulo(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                     struct lq_value *ret)
{
    (void)n;
    return calculate(r, in, LQ_MODULO, args[0], ret);
}

int lq_filter_abs(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                  struct lq_value *ret)
{
    struct lq_number x = lq_number_of(in);

    (void)args, (void)n;
    if (lq_number_double(x) < 0)
        return calculate(r, lq_int(0), LQ_MINUS, lq_of_number(x), ret);
    *ret = lq_of_number(x);
    return 0;
}

int lq_filter_ceil(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                   struct lq_value *ret)
{
    (void)r, (void)args, (void)n;
    *ret = lq_of_number(lq_number_ceil(lq_number_of(in)));
    return 0;
}

int lq_filter_floor(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                    struct lq_value *ret)
{
    (void)r, (void)args, (void)n;
    *ret = lq_of_number(lq_number_floor(lq_number_of(in)));
    return 0;
}

int lq_filter_round(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                    struct lq_value *ret)
{
    struct lq_number places = lq_number_floor(lq_number_of(args[0]));

    (void)r, (void)n;
    *ret = lq_of_number(lq_number_round(lq_number_of(in), places.whole ? places.i : 0));
    return 0;
}

int lq_filter_at_least(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                       struct lq_value *ret)
{
    struct lq_number a = lq_number_of(in), b = lq_number_of(args[0]);

    (void)r, (void)n;
    *ret = lq_of_number(lq_number_order(a, b) >= 0 ? a : b);
    return 0;
}

int lq_filter_at_most(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                      struct lq_value *ret)
{
    struct lq_number a = lq_number_of(in), b = lq_number_of(args[0]);

    (void)r, (void)n;
    *ret = lq_of_number(lq_number_order(a, b) <= 0 ? a : b);
    return 0;
}
