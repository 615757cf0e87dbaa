/* SPDX-License-Identifier: Apache-2.0 */
/* Filters that judge items by a property: `where: "paid"` keeps what has it, `where: "paid", true` what
 * equals it. An item without any members ends the search without a result, as in the reference
 * implementation. */
#include "templates/liquid_filter.h"

static int count_items(struct lq_render *r, struct lq_value list, int depth, int64_t *ret)
{
    int err = lq_spend(r, lq_count(list));

    if (depth > r->limits.depth)
        return lq_fail(r, ERR_TOO_DEEP, "the data is nested deeper than %d", r->limits.depth);
    for (int64_t i = 0; err == 0 && i < lq_count(list); i++) {
        struct lq_value item = lq_item(list, i);

        if (item.type == LQ_LIST || item.type == LQ_ARRAY)
            err = count_items(r, item, depth + 1, ret);
        else
            *ret += 1;
    }
    return err;
}

static struct lq_value *fill_items(struct lq_value list, struct lq_value *at)
{
    for (int64_t i = 0; i < lq_count(list); i++) {
        struct lq_value item = lq_item(list, i);

        if (item.type == LQ_LIST || item.type == LQ_ARRAY)
            at = fill_items(item, at);
        else
            *at++ = item;
    }
    return at;
}

int lq_items(struct lq_render *r, struct lq_value in, struct lq_value *ret)
{
    struct lq_value one = lq_list(&in, in.type == LQ_NIL ? 0 : 1);
    struct lq_value list = lq_is_list(in) ? in : one;
    struct lq_value *items;
    int64_t n = 0;
    int err = count_items(r, list, 0, &n);

    if (err < 0)
        return err;
    items = lq_new_items(r, n);
    if (!items)
        return lq_no_memory(r);
    (void)fill_items(list, items);
    *ret = lq_list(items, n);
    return 0;
}

static int text_property(struct lq_render *r, struct str text, struct lq_value key, struct lq_value *ret,
                         bool *none)
{
    struct str rest = text, one;

    if (key.type == LQ_STRING) {
        if (key.s.n == 0 || str_find(text, key.s) < text.n)
            *ret = key;
        return 0;
    }
    if (key.type == LQ_INT) {
        for (int64_t i = 0; rest.n > 0 && i <= key.i; i++) {
            one = rest;
            (void)utf8_next(&rest);
            one.n -= rest.n;
            if (i == key.i)
                *ret = lq_string(one);
        }
        return 0;
    }
    *none = key.type == LQ_NIL;
    return *none ? 0 : lq_fail(r, ERR_RENDER, "a text has no such property");
}

int lq_property(struct lq_render *r, struct lq_value item, struct lq_value key, struct lq_value *ret,
                bool *none)
{
    struct str name;
    int err;

    *ret = (struct lq_value){.type = LQ_NIL};
    *none = false;
    if (item.type == LQ_OBJECT)
        return lq_member(r, item, key, false, ret);
    if (item.type == LQ_STRING)
        return text_property(r, item.s, key, ret, none);
    if (item.type != LQ_INT) {
        *none = true;
        return 0;
    }
    if (key.type == LQ_INT) { /* Ruby reads a bit of the number */
        *ret = lq_int(key.i >= 0 && key.i < 63 ? item.i >> key.i & 1 : item.i < 0);
        return 0;
    }
    err = lq_text(r, key, &name);
    if (err < 0)
        return err;
    return lq_fail(r, ERR_RENDER, "a number has no property \"%.*s\"", STR_ARG(str_cut_bytes(name, 40)));
}

static int item_matches(struct lq_render *r, struct lq_value item, const struct lq_value *args, bool *ret,
                        bool *none)
{
    struct lq_value found;
    int err = lq_property(r, item, args[0], &found, none);

    if (err == 0)
        err = lq_spend(r, lq_bulk(found));
    *ret = args[1].type == LQ_NIL ? lq_truthy(found) : lq_equal(found, args[1]);
    return err;
}

/* The first item that matches; `at` is the number of items if none does, negative if an item stopped the
 * search. */
static int find_first(struct lq_render *r, struct lq_value in, const struct lq_value *args,
                      struct lq_value *items, int64_t *at)
{
    bool matches = false, none = false;
    int err = lq_items(r, in, items);

    for (*at = 0; err == 0 && *at < lq_count(*items); ++*at) {
        err = item_matches(r, lq_item(*items, *at), args, &matches, &none);
        if (none)
            *at = -1;
        if (none || matches)
            break;
    }
    return err;
}

int lq_filter_find(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                   struct lq_value *ret)
{
    struct lq_value items;
    int64_t at;
    int err = find_first(r, in, args, &items, &at);

    (void)n;
    *ret = (struct lq_value){.type = LQ_NIL};
    if (err == 0 && at >= 0 && at < lq_count(items))
        *ret = lq_item(items, at);
    return err;
}

int lq_filter_find_index(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                         struct lq_value *ret)
{
    struct lq_value items;
    int64_t at;
    int err = find_first(r, in, args, &items, &at);

    (void)n;
    *ret = (struct lq_value){.type = LQ_NIL};
    if (err == 0 && at >= 0 && at < lq_count(items))
        *ret = lq_int(at);
    return err;
}

int lq_filter_has(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                  struct lq_value *ret)
{
    struct lq_value items;
    int64_t at;
    int err = find_first(r, in, args, &items, &at);

    (void)n;
    *ret = (struct lq_value){.type = LQ_NIL};
    if (err == 0 && at >= 0)
        *ret = lq_bool(at < lq_count(items));
    return err;
}

static int keep_items(struct lq_render *r, struct lq_value in, const struct lq_value *args, bool wanted,
                      struct lq_value *ret)
{
    struct lq_value items, *kept;
    bool matches = false, none = false;
    int64_t n = 0;
    int err = lq_items(r, in, &items);

    if (err < 0)
        return err;
    kept = lq_new_items(r, lq_count(items));
    if (!kept)
        return lq_no_memory(r);
    for (int64_t i = 0; err == 0 && !none && i < lq_count(items); i++) {
        err = item_matches(r, lq_item(items, i), args, &matches, &none);
        if (matches == wanted)
            kept[n++] = lq_item(items, i);
    }
    *ret = none ? (struct lq_value){.type = LQ_NIL} : lq_list(kept, n);
    return err;
}

int lq_filter_where(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                    struct lq_value *ret)
{
    (void)n;
    return keep_items(r, in, args, true, ret);
}

int lq_filter_reject(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                     struct lq_value *ret)
{
    (void)n;
    return keep_items(r, in, args, false, ret);
}
