/* SPDX-License-Identifier: Apache-2.0 */
/* liquid_number.h - Liquid's numbers: whole, or decimal fractions that add up as on paper. Private to
 * templates.
 *
 * 10.1 minus 2.2 is 7.9. A fraction is a double; for arithmetic it becomes the shortest decimal that reads
 * back as that double, and the result becomes the nearest double again. Beyond 18 decimal places or 128 bits,
 * and for whole results beyond int64, plain double arithmetic takes over.
 *
 * Errors   ERR_INVALID: division by zero, or text that is no whole number.
 * Threads  any.
 */
#ifndef SIYU_TEMPLATES_LIQUID_NUMBER_H
#define SIYU_TEMPLATES_LIQUID_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct lq_number {
    bool whole;
    int64_t i; /* if whole */
    double f;
};

enum lq_operator { LQ_PLUS, LQ_MINUS, LQ_TIMES, LQ_DIVIDED_BY, LQ_MODULO };

#define LQ_NUMBER_BYTES 32

struct lq_number lq_number_whole(int64_t i);
struct lq_number lq_number_fraction(double f);
/* As lenient as Ruby's to_i: " 12 apples" is 12, "apples" 0; "5.1" is a fraction. */
struct lq_number lq_number_of_text(struct str s);
/* Strict: all of the text is one whole number. */
int lq_number_strict(struct str s, int64_t *ret);

double lq_number_double(struct lq_number n);
int lq_number_order(struct lq_number a, struct lq_number b); /* -1, 0, 1 */
int lq_number_calculate(struct lq_number a, enum lq_operator op, struct lq_number b, struct lq_number *ret);
/* Half away from zero, to `places` decimals; 0 or fewer give a whole number. */
struct lq_number lq_number_round(struct lq_number n, int64_t places);
struct lq_number lq_number_floor(struct lq_number n);
struct lq_number lq_number_ceil(struct lq_number n);

/* "5.0", "1.0e+20"; the shortest text that reads back as `f`. Gives its length. */
size_t lq_number_format(double f, char ret[LQ_NUMBER_BYTES]);

#endif
