/* SPDX-License-Identifier: Apache-2.0 */
/* str.h - views of bytes that somebody else owns, numbers, UTF-8, percent coding.
 *
 * A view is not NUL terminated. {NULL, 0} means absent where a function says so, and counts as empty.
 *
 * Units    bytes, unless a name says utf16.
 * Errors   ERR_SYNTAX not a number or a bad escape; ERR_TOO_BIG does not fit.
 * Memory   borrows; a returned view points into its argument.
 * Threads  any.
 */
#ifndef SIYU_BASE_STR_H
#define SIYU_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buf;

struct str {
    const char *p;
    size_t n;
};

#define STR(lit) ((struct str){"" lit, sizeof(lit) - 1})
/* Arguments for "%.*s". */
#define STR_ARG(s) (int)(s).n, (s).n ? (s).p : ""

/* NULL gives the absent view. */
static inline struct str str_of(const char *s)
{
    return (struct str){s, s ? strlen(s) : 0};
}

/* Clamped. */
static inline struct str str_sub(struct str s, size_t from, size_t n)
{
    if (from > s.n)
        from = s.n;
    if (n > s.n - from)
        n = s.n - from;
    return (struct str){from ? s.p + from : s.p, n};
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_is(struct str a, const char *b)
{
    return str_eq(a, str_of(b));
}

bool str_eq_nocase(struct str a, struct str b); /* ASCII only */
int str_cmp(struct str a, struct str b);        /* bytewise, shorter first */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
struct str str_trim(struct str s); /* ASCII blanks, both ends */
/* Position, or s.n when absent. */
size_t str_chr(struct str s, char c);
size_t str_find(struct str s, struct str needle);
/* Splits at the first `sep`. Without one: false, all is `before`, `after` is empty. */
bool str_cut(struct str s, char sep, struct str *before, struct str *after);
/* Takes the next piece off `rest`; "a,,b" has three. False when nothing is left. Start: a non-empty `rest`.
 */
bool str_next(struct str *rest, char sep, struct str *piece);

/* All of `s` must be digits, with one leading '-' for i64. No blanks, no '+', no empty text. */
int str_to_i64(struct str s, int64_t *ret);
int str_to_u64(struct str s, uint64_t *ret);
/* "30s", "5m", "2h", "1d": digits and one unit, in ms. */
int str_to_duration_ms(struct str s, int64_t *ret);

bool str_utf8_valid(struct str s);
/* Takes one code point off `s` (n > 0). -1: invalid bytes; then one maximal bad piece is taken. */
int32_t utf8_next(struct str *s);
/* Writes 1..4 bytes, no NUL; 0 for a surrogate or beyond U+10FFFF. */
size_t utf8_put(uint32_t cp, char ret[4]);
/* Length as UTF-16, the unit of SMS segments; an invalid piece counts 1. */
size_t str_utf16_units(struct str s);
size_t str_code_points(struct str s);
/* The longest head of at most `max` bytes that does not end inside a character. */
struct str str_cut_bytes(struct str s, size_t max);

/* Append to `out`. `plus`: '+' is a blank (forms and queries). */
int str_percent_decode(struct str in, bool plus, struct buf *out);
int str_percent_encode(struct str in, struct buf *out); /* RFC 3986: all but A-Za-z0-9-._~ */
/* The first parameter `name` of "a=1&b=%20", decoded into the emptied `ret`. ERR_NOT_FOUND. */
int str_query_get(struct str query, const char *name, struct buf *ret);

#define STR_PHONE_BYTES 32
/* 138****1234; shorter numbers show less. */
void str_mask_phone(struct str phone, char ret[STR_PHONE_BYTES]);

#endif
