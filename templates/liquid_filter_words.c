/* SPDX-License-Identifier: Apache-2.0 */
/* Filters that cut a text: by characters, by words, at a separator. */
#include <ctype.h>

#include "templates/liquid_filter.h"

/* The view without its first `n` characters. */
static struct str skip_characters(struct str s, int64_t n)
{
    for (; n > 0 && s.n > 0; n--)
        (void)utf8_next(&s);
    return s;
}

static struct str head_characters(struct str s, int64_t n)
{
    return str_sub(s, 0, s.n - skip_characters(s, n).n);
}

/* Clamps offset and length to `size`. False: nothing lies there. */
static bool clamp_slice(int64_t size, int64_t *offset, int64_t *length)
{
    if (*offset < 0)
        *offset += size;
    if (*offset < 0 || *offset > size || *length < 0)
        return false;
    if (*length > size - *offset)
        *length = size - *offset;
    return true;
}

static int slice_list(struct lq_render *r, struct lq_value in, int64_t offset, int64_t length,
                      struct lq_value *ret)
{
    struct lq_value *items;
    int err = 0;

    if (!clamp_slice(lq_count(in), &offset, &length))
        length = 0;
    err = lq_spend(r, length);
    if (err < 0)
        return err;
    items = lq_new_items(r, length);
    if (!items)
        return lq_no_memory(r);
    for (int64_t i = 0; i < length; i++)
        items[i] = lq_item(in, offset + i);
    *ret = lq_list(items, length);
    return 0;
}

int lq_filter_slice(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                    struct lq_value *ret)
{
    int64_t offset, length = 1;
    struct str s;
    int err = lq_integer(r, args[0], "slice", &offset);

    (void)n;
    if (err == 0 && args[1].type != LQ_NIL)
        err = lq_integer(r, args[1], "slice", &length);
    if (err < 0)
        return err;
    if (lq_is_list(in))
        return slice_list(r, in, offset, length, ret);
    err = lq_text(r, in, &s);
    if (err < 0)
        return err;
    *ret = lq_string(STR(""));
    if (clamp_slice((int64_t)str_code_points(s), &offset, &length))
        *ret = lq_string(head_characters(skip_characters(s, offset), length));
    return 0;
}

static int put_cut(struct lq_render *r, struct str head, struct str ending, struct lq_value *ret)
{
    int err = lq_put(r, lq_build(r), head);

    if (err == 0)
        err = lq_put(r, &r->tmp, ending);
    return err < 0 ? err : lq_built(r, ret);
}

/* The arguments of both truncating filters: a count and what replaces the rest. */
static int cut_arguments(struct lq_render *r, const struct lq_value *args, size_t n, const char *filter,
                         int64_t *count, struct str *ending)
{
    int err = n > 0 ? lq_integer(r, args[0], filter, count) : 0;

    *ending = STR("...");
    return err < 0 || n < 2 ? err : lq_text(r, args[1], ending);
}

int lq_filter_truncate(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                       struct lq_value *ret)
{
    int64_t length = 50, kept;
    struct str s, ending;
    int err;

    *ret = in;
    if (in.type == LQ_NIL)
        return 0;
    err = cut_arguments(r, args, n, "truncate", &length, &ending);
    if (err == 0)
        err = lq_text(r, in, &s);
    if (err < 0)
        return err;
    *ret = lq_string(s);
    if ((int64_t)str_code_points(s) <= length)
        return 0;
    kept = length > (int64_t)str_code_points(ending) ? length - (int64_t)str_code_points(ending) : 0;
    return put_cut(r, head_characters(s, kept), ending, ret);
}

/* Takes the next word off `rest`. */
static bool next_word(struct str *rest, struct str *word)
{
    size_t n = 0;

    while (rest->n > 0 && isspace((unsigned char)rest->p[0]))
        *rest = str_sub(*rest, 1, rest->n);
    while (n < rest->n && !isspace((unsigned char)rest->p[n]))
        n++;
    *word = str_sub(*rest, 0, n);
    *rest = str_sub(*rest, n, rest->n);
    return n > 0;
}

int lq_filter_truncatewords(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                            struct lq_value *ret)
{
    int64_t words = 15;
    struct str s, rest, word, ending;
    int err;

    *ret = in;
    if (in.type == LQ_NIL)
        return 0;
    err = cut_arguments(r, args, n, "truncatewords", &words, &ending);
    if (err == 0)
        err = lq_text(r, in, &s);
    rest = err == 0 ? s : STR("");
    (void)lq_build(r);
    for (int64_t i = 0; err == 0 && i < (words > 0 ? words : 1) && next_word(&rest, &word); i++) {
        if (i > 0)
            err = lq_put(r, &r->tmp, STR(" "));
        if (err == 0)
            err = lq_put(r, &r->tmp, word);
    }
    if (err < 0)
        return err;
    *ret = lq_string(s);
    if (!next_word(&rest, &word))
        return 0;
    err = lq_put(r, &r->tmp, ending);
    return err < 0 ? err : lq_built(r, ret);
}

/* As Ruby splits: " " at runs of white space, "" between characters. */
static bool next_piece(struct str *rest, struct str separator, struct str *piece)
{
    size_t at;

    if (str_is(separator, " "))
        return next_word(rest, piece);
    if (rest->n == 0)
        return false;
    *piece = *rest;
    if (separator.n == 0) {
        (void)utf8_next(rest);
        piece->n -= rest->n;
        return true;
    }
    at = str_find(*rest, separator);
    *piece = str_sub(*rest, 0, at);
    *rest = str_sub(*rest, at + separator.n, rest->n);
    return true;
}

int lq_filter_split(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                    struct lq_value *ret)
{
    struct str s, rest, separator, piece;
    struct lq_value *items;
    int64_t count = 0, used = 0;
    int err = lq_text(r, in, &s);

    (void)n;
    if (err == 0)
        err = lq_text(r, args[0], &separator);
    if (err < 0)
        return err;
    for (rest = s; next_piece(&rest, separator, &piece);)
        count++;
    err = lq_spend(r, count);
    if (err < 0)
        return err;
    items = lq_new_items(r, count);
    if (!items)
        return lq_no_memory(r);
    for (rest = s; used < count && next_piece(&rest, separator, &piece);)
        items[used++] = lq_string(piece);
    while (used > 0 && items[used - 1].s.n == 0) /* empty pieces at the end do not count */
        used--;
    *ret = lq_list(items, used);
    return 0;
}
