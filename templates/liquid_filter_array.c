/* SPDX-License-Identifier: Apache-2.0 */
/* Filters that take a list: lq_items() of the input, so a single value counts as a list of one. */
#include <string.h>

#include "templates/liquid_filter.h"

static const struct lq_value nil = {.type = LQ_NIL};

int lq_filter_first(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                    struct lq_value *ret)
{
    void *it = in.type == LQ_OBJECT ? json_object_iter((json_t *)in.json) : NULL;

    (void)args, (void)n;
    *ret = lq_count(in) > 0 ? lq_item(in, 0) : nil;
    return it ? lq_pair(r, json_object_iter_key(it), json_object_iter_value(it), ret) : 0;
}

int lq_filter_last(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                   struct lq_value *ret)
{
    (void)r, (void)args, (void)n;
    *ret = lq_count(in) > 0 ? lq_item(in, lq_count(in) - 1) : nil;
    return 0;
}

int lq_filter_size(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                   struct lq_value *ret)
{
    (void)r, (void)args, (void)n;
    if (in.type == LQ_STRING)
        *ret = lq_int((int64_t)str_code_points(in.s));
    else
        *ret = lq_int(in.type == LQ_OBJECT ? (int64_t)json_object_size(in.json) : lq_count(in));
    return 0;
}

int lq_filter_join(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                   struct lq_value *ret)
{
    struct str glue = STR(" ");
    struct lq_value items;
    int err = n > 0 ? lq_text(r, args[0], &glue) : 0;

    if (err == 0)
        err = lq_items(r, in, &items);
    (void)lq_build(r);
    for (int64_t i = 0; err == 0 && i < lq_count(items); i++) {
        if (i > 0)
            err = lq_put(r, &r->tmp, glue);
        if (err == 0)
            err = lq_print(r, &r->tmp, lq_item(items, i));
    }
    return err < 0 ? err : lq_built(r, ret);
}

int lq_filter_reverse(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                      struct lq_value *ret)
{
    struct lq_value items, *turned;
    int err = lq_items(r, in, &items);

    (void)args, (void)n;
    if (err < 0)
        return err;
    turned = lq_new_items(r, lq_count(items));
    if (!turned)
        return lq_no_memory(r);
    for (int64_t i = 0; i < lq_count(items); i++)
        turned[i] = lq_item(items, lq_count(items) - 1 - i);
    *ret = lq_list(turned, lq_count(items));
    return 0;
}

int lq_filter_concat(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                     struct lq_value *ret)
{
    struct lq_value items, *all;
    int64_t first, second;
    int err;

    (void)n;
    if (!lq_is_list(args[0]))
        return lq_fail(r, ERR_RENDER, "concat needs a list");
    err = lq_items(r, in, &items);
    second = lq_count(args[0]);
    if (err == 0)
        err = lq_spend(r, second);
    if (err < 0)
        return err;
    first = lq_count(items);
    all = lq_new_items(r, first + second);
    if (!all)
        return lq_no_memory(r);
    for (int64_t i = 0; i < first + second; i++)
        all[i] = i < first ? lq_item(items, i) : lq_item(args[0], i - first);
    *ret = lq_list(all, first + second);
    return 0;
}

/* The items and, beside them, the property of each (the item itself where no property is asked for). */
struct keyed {
    struct lq_value items;
    struct lq_value *keys;
    bool none; /* some item has no members */
};

static int key_items(struct lq_render *r, struct lq_value in, struct lq_value property, struct keyed *ret)
{
    int err = lq_items(r, in, &ret->items);

    ret->none = false;
    if (err < 0)
        return err;
    ret->keys = lq_new_items(r, lq_count(ret->items));
    if (!ret->keys)
        return lq_no_memory(r);
    for (int64_t i = 0; err == 0 && i < lq_count(ret->items); i++) {
        struct lq_value item = lq_item(ret->items, i);
        bool none = false;

        ret->keys[i] = item;
        if (property.type != LQ_NIL)
            err = lq_property(r, item, property, &ret->keys[i], &none);
        ret->none |= none;
    }
    return err;
}

int lq_filter_map(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                  struct lq_value *ret)
{
    struct keyed k;
    int err;

    (void)n;
    err = key_items(r, in, args[0], &k);
    if (err < 0)
        return err;
    if (args[0].type == LQ_NIL)
        for (int64_t i = 0; i < lq_count(k.items); i++)
            k.keys[i] = nil;
    *ret = lq_list(k.keys, lq_count(k.items));
    return 0;
}

int lq_filter_compact(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                      struct lq_value *ret)
{
    struct lq_value *kept;
    int64_t used = 0;
    struct keyed k;
    int err = key_items(r, in, args[0], &k);

    (void)n;
    *ret = nil;
    if (err < 0 || k.none)
        return err;
    kept = lq_new_items(r, lq_count(k.items));
    if (!kept)
        return lq_no_memory(r);
    for (int64_t i = 0; i < lq_count(k.items); i++)
        if (k.keys[i].type != LQ_NIL)
            kept[used++] = lq_item(k.items, i);
    *ret = lq_list(kept, used);
    return 0;
}

/* Compares each with each, so it spends by the square. */
int lq_filter_uniq(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                   struct lq_value *ret)
{
    struct lq_value *kept;
    int64_t used = 0;
    struct keyed k;
    int err = key_items(r, in, args[0], &k);

    (void)n;
    *ret = nil;
    if (err < 0 || k.none)
        return err;
    kept = lq_new_items(r, lq_count(k.items));
    if (!kept)
        return lq_no_memory(r);
    for (int64_t i = 0; err == 0 && i < lq_count(k.items); i++) {
        int64_t same = 0;

        while (same < used && !lq_equal(k.keys[same], k.keys[i]))
            same++;
        err = lq_spend(r, same / 64 + same * lq_bulk(k.keys[i]));
        if (same < used)
            continue;
        kept[used] = lq_item(k.items, i);
        k.keys[used++] = k.keys[i];
    }
    *ret = lq_list(kept, used);
    return err;
}

int lq_filter_sum(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                  struct lq_value *ret)
{
    struct lq_number sum = lq_number_whole(0);
    struct keyed k;
    int err = key_items(r, in, args[0], &k);

    (void)n;
    for (int64_t i = 0; err == 0 && i < lq_count(k.items); i++)
        err = lq_number_calculate(sum, LQ_PLUS, lq_number_of(k.keys[i]), &sum);
    if (err == 0)
        *ret = lq_of_number(sum);
    return err;
}

/* A stable merge sort: the comparison may fail, and equal items must not depend on the C library. */
struct sorted {
    struct lq_value item, key;
};
typedef int (*order_fn)(struct lq_render *r, struct lq_value a, struct lq_value b, int *ret);

/* nil is last */
static bool order_nil(struct lq_value a, struct lq_value b, int *ret)
{
    *ret = (a.type == LQ_NIL) - (b.type == LQ_NIL);
    return a.type == LQ_NIL || b.type == LQ_NIL;
}

static int order_values(struct lq_render *r, struct lq_value a, struct lq_value b, int *ret)
{
    if (order_nil(a, b, ret) || lq_order(a, b, ret))
        return 0;
    *ret = 0;
    return lq_equal(a, b) ? 0 : lq_fail(r, ERR_RENDER, "sort: the items have no order among each other");
}

static int fold_ascii(int c)
{
    return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

static int order_texts(struct lq_render *r, struct lq_value a, struct lq_value b, int *ret)
{
    size_t n = a.s.n < b.s.n ? a.s.n : b.s.n;

    (void)r;
    if (order_nil(a, b, ret))
        return 0;
    for (size_t i = 0; i < n; i++) {
        *ret = fold_ascii((unsigned char)a.s.p[i]) - fold_ascii((unsigned char)b.s.p[i]);
        if (*ret != 0)
            return 0;
    }
    *ret = (a.s.n > b.s.n) - (a.s.n < b.s.n);
    return 0;
}

static int merge(struct lq_render *r, struct sorted *all, int64_t n, int64_t half, struct sorted *spare,
                 order_fn order)
{
    int64_t a = 0, b = half, to;
    int c = 0, err = 0;

    memcpy(spare, all, (size_t)half * sizeof *all);
    for (to = 0; err == 0 && a < half && b < n; to++) {
        err = lq_spend(r, lq_bulk(spare[a].key));
        if (err == 0)
            err = order(r, spare[a].key, all[b].key, &c);
        all[to] = c <= 0 ? spare[a++] : all[b++];
    }
    memcpy(all + to, spare + a, (size_t)(half - a) * sizeof *all);
    return err;
}

static int sort_range(struct lq_render *r, struct sorted *all, int64_t n, struct sorted *spare,
                      order_fn order)
{
    int err;

    if (n < 2)
        return 0;
    err = sort_range(r, all, n / 2, spare, order);
    if (err == 0)
        err = sort_range(r, all + n / 2, n - n / 2, spare, order);
    return err < 0 ? err : merge(r, all, n, n / 2, spare, order);
}

static int sort_keyed(struct lq_render *r, struct keyed *k, order_fn order, struct lq_value *ret)
{
    int64_t n = lq_count(k->items);
    struct sorted *all = lq_alloc(r, 2 * (size_t)n * sizeof *all + 1);
    int err;

    if (!all)
        return lq_no_memory(r);
    for (int64_t i = 0; i < n; i++)
        all[i] = (struct sorted){lq_item(k->items, i), k->keys[i]};
    err = sort_range(r, all, n, all + n, order);
    if (err < 0)
        return err;
    for (int64_t i = 0; i < n; i++)
        k->keys[i] = all[i].item;
    *ret = lq_list(k->keys, n);
    return 0;
}

int lq_filter_sort(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                   struct lq_value *ret)
{
    struct keyed k;
    int err = key_items(r, in, args[0], &k);

    (void)n;
    *ret = nil;
    return err < 0 || k.none ? err : sort_keyed(r, &k, order_values, ret);
}

int lq_filter_sort_natural(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                           struct lq_value *ret)
{
    struct keyed k;
    int err = key_items(r, in, args[0], &k);

    (void)n;
    *ret = nil;
    for (int64_t i = 0; err == 0 && i < lq_count(k.items); i++) {
        struct str text;

        if (k.keys[i].type == LQ_NIL)
            continue;
        err = lq_text(r, k.keys[i], &text);
        if (err == 0)
            k.keys[i] = lq_string(text);
    }
    return err < 0 || k.none ? err : sort_keyed(r, &k, order_texts, ret);
}
