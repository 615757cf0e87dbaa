/* SPDX-License-Identifier: Apache-2.0 */
/* Values: where they come from, what lies inside them, and when two are equal. */
#include "templates/liquid_value.h"

#include <string.h>

#include "templates/liquid_number.h"

struct lq_value lq_string(struct str s)
{
    return (struct lq_value){.type = LQ_STRING, .s = s};
}

struct lq_value lq_int(int64_t i)
{
    return (struct lq_value){.type = LQ_INT, .i = i};
}

struct lq_value lq_float(double f)
{
    return (struct lq_value){.type = LQ_FLOAT, .f = f};
}

struct lq_value lq_bool(bool b)
{
    return (struct lq_value){.type = LQ_BOOL, .b = b};
}

struct lq_value lq_of_json(const json_t *json)
{
    if (!json)
        return (struct lq_value){.type = LQ_NIL};
    switch (json_typeof(json)) {
    case JSON_OBJECT: return (struct lq_value){.type = LQ_OBJECT, .json = json};
    case JSON_ARRAY: return (struct lq_value){.type = LQ_ARRAY, .json = json};
    case JSON_STRING: return lq_string((struct str){json_string_value(json), json_string_length(json)});
    case JSON_INTEGER: return lq_int(json_integer_value(json));
    case JSON_REAL: return lq_float(json_real_value(json));
    case JSON_TRUE: return lq_bool(true);
    case JSON_FALSE: return lq_bool(false);
    case JSON_NULL: break;
    }
    return (struct lq_value){.type = LQ_NIL};
}

bool lq_is_list(struct lq_value v)
{
    return v.type == LQ_LIST || v.type == LQ_ARRAY || v.type == LQ_RANGE;
}

int64_t lq_count(struct lq_value v)
{
    switch (v.type) {
    case LQ_LIST: return (int64_t)v.list.n;
    case LQ_ARRAY: return (int64_t)json_array_size(v.json);
    case LQ_RANGE:
        if (v.range.to < v.range.from)
            return 0;
        return v.range.to - v.range.from + 1; /* lq_eval() keeps both ends within 2^53 */
    default: return 0;
    }
}

struct lq_value lq_item(struct lq_value list, int64_t i)
{
    switch (list.type) {
    case LQ_LIST: return list.list.items[i];
    case LQ_ARRAY: return lq_of_json(json_array_get(list.json, (size_t)i));
    case LQ_RANGE: return lq_int(list.range.from + i);
    default: return (struct lq_value){.type = LQ_NIL};
    }
}

int lq_pair(struct lq_render *r, const char *key, const json_t *value, struct lq_value *ret)
{
    struct lq_value *pair = lq_alloc(r, 2 * sizeof *pair);

    if (!pair)
        return lq_no_memory(r);
    pair[0] = lq_string(str_of(key));
    pair[1] = lq_of_json(value);
    *ret = (struct lq_value){.type = LQ_LIST, .list = {pair, 2}};
    return 0;
}

static struct lq_value loop_member(const struct lq_loop *loop, struct str key)
{
    int64_t column = loop->columns > 0 ? loop->index % loop->columns : 0;
    bool table = loop->columns > 0;

    if (str_is(key, "index"))
        return lq_int(loop->index + 1);
    if (str_is(key, "index0"))
        return lq_int(loop->index);
    if (str_is(key, "rindex"))
        return lq_int(loop->length - loop->index);
    if (str_is(key, "rindex0"))
        return lq_int(loop->length - loop->index - 1);
    if (str_is(key, "first"))
        return lq_bool(loop->index == 0);
    if (str_is(key, "last"))
        return lq_bool(loop->index == loop->length - 1);
    if (str_is(key, "length"))
        return lq_int(loop->length);
    if (table && str_is(key, "col"))
        return lq_int(column + 1);
    if (table && str_is(key, "col0"))
        return lq_int(column);
    if (table && str_is(key, "col_first"))
        return lq_bool(column == 0);
    if (table && str_is(key, "col_last"))
        return lq_bool(column == loop->columns - 1);
    if (table && str_is(key, "row"))
        return lq_int(loop->index / loop->columns + 1);
    if (!table && str_is(key, "name"))
        return lq_string(loop->name);
    if (!table && str_is(key, "parentloop") && loop->parent)
        return (struct lq_value){.type = LQ_LOOP, .loop = loop->parent};
    return (struct lq_value){.type = LQ_NIL};
}

static int object_member(struct lq_render *r, const json_t *object, struct str key, bool dotted,
                         struct lq_value *ret)
{
    const json_t *found = json_object_getn(object, key.p, key.n);
    void *first;

    *ret = lq_of_json(found);
    if (found || !dotted)
        return 0;
    if (str_is(key, "size"))
        *ret = lq_int((int64_t)json_object_size(object));
    first = json_object_iter((json_t *)object);
    if (str_is(key, "first") && first)
        return lq_pair(r, json_object_iter_key(first), json_object_iter_value(first), ret);
    return 0;
}

static struct lq_value list_member(struct lq_value list, struct lq_value key, bool dotted)
{
    int64_t n = lq_count(list), i = -1;

    if (key.type == LQ_INT)
        i = key.i < 0 ? key.i + n : key.i;
    else if (key.type != LQ_STRING || !dotted)
        return (struct lq_value){.type = LQ_NIL};
    else if (str_is(key.s, "size"))
        return lq_int(n);
    else if (str_is(key.s, "first"))
        i = 0;
    else if (str_is(key.s, "last"))
        i = n - 1;
    return i >= 0 && i < n ? lq_item(list, i) : (struct lq_value){.type = LQ_NIL};
}

int lq_member(struct lq_render *r, struct lq_value v, struct lq_value key, bool dotted, struct lq_value *ret)
{
    *ret = (struct lq_value){.type = LQ_NIL};
    if (v.type == LQ_OBJECT && key.type == LQ_STRING)
        return object_member(r, v.json, key.s, dotted, ret);
    if (v.type == LQ_LOOP && key.type == LQ_STRING)
        *ret = loop_member(v.loop, key.s);
    else if (lq_is_list(v))
        *ret = list_member(v, key, dotted);
    else if (v.type == LQ_STRING && dotted && key.type == LQ_STRING && str_is(key.s, "size"))
        *ret = lq_int((int64_t)str_code_points(v.s));
    return 0;
}

bool lq_truthy(struct lq_value v)
{
    return v.type != LQ_NIL && !(v.type == LQ_BOOL && !v.b);
}

bool lq_is_empty(struct lq_value v)
{
    switch (v.type) {
    case LQ_STRING: return v.s.n == 0;
    case LQ_OBJECT: return json_object_size(v.json) == 0;
    case LQ_LIST:
    case LQ_ARRAY: return lq_count(v) == 0;
    default: return false;
    }
}

static bool is_blank(struct lq_value v)
{
    if (v.type == LQ_STRING)
        return str_trim(v.s).n == 0;
    return !lq_truthy(v) || lq_is_empty(v);
}

static bool is_number(struct lq_value v)
{
    return v.type == LQ_INT || v.type == LQ_FLOAT;
}

static struct lq_number number_of(struct lq_value v)
{
    return v.type == LQ_INT ? lq_number_whole(v.i) : lq_number_fraction(v.f);
}

static bool lists_equal(struct lq_value a, struct lq_value b)
{
    if (a.type == LQ_RANGE && b.type == LQ_RANGE)
        return a.range.from == b.range.from && a.range.to == b.range.to;
    if (a.type == LQ_RANGE || b.type == LQ_RANGE || lq_count(a) != lq_count(b))
        return false;
    for (int64_t i = 0; i < lq_count(a); i++)
        if (!lq_equal(lq_item(a, i), lq_item(b, i)))
            return false;
    return true;
}

/* A list is at most one or two levels deeper than the data, whose depth its parser has bounded. */
bool lq_equal(struct lq_value a, struct lq_value b)
{
    if (a.type == LQ_EMPTY || a.type == LQ_BLANK) {
        struct lq_value word = a;

        a = b;
        b = word;
    }
    if (b.type == LQ_EMPTY)
        return a.type == LQ_EMPTY || lq_is_empty(a);
    if (b.type == LQ_BLANK)
        return a.type == LQ_BLANK || (a.type != LQ_EMPTY && is_blank(a));
    if (is_number(a) && is_number(b))
        return lq_number_order(number_of(a), number_of(b)) == 0;
    if (lq_is_list(a) && lq_is_list(b))
        return lists_equal(a, b);
    if (a.type != b.type)
        return false;
    switch (a.type) {
    case LQ_BOOL: return a.b == b.b;
    case LQ_STRING: return str_eq(a.s, b.s);
    case LQ_OBJECT: return json_equal(a.json, b.json);
    case LQ_LOOP: return a.loop == b.loop;
    default: return true;
    }
}

bool lq_order(struct lq_value a, struct lq_value b, int *ret)
{
    if (is_number(a) && is_number(b))
        *ret = lq_number_order(number_of(a), number_of(b));
    else if (a.type == LQ_STRING && b.type == LQ_STRING)
        *ret = str_cmp(a.s, b.s);
    else
        return false;
    return true;
}

static int contains(struct lq_render *r, struct lq_value a, struct lq_value b, bool *ret)
{
    struct str needle;
    int err;

    *ret = false;
    if (!lq_truthy(b))
        return 0;
    if (a.type == LQ_STRING || a.type == LQ_OBJECT) {
        err = lq_text(r, b, &needle);
        if (err < 0)
            return err;
        *ret = a.type == LQ_STRING ? needle.n == 0 || str_find(a.s, needle) < a.s.n
                                   : json_object_getn(a.json, needle.p, needle.n) != NULL;
        return 0;
    }
    if (a.type == LQ_RANGE) {
        *ret = is_number(b) && lq_number_order(lq_number_whole(a.range.from), number_of(b)) <= 0 &&
               lq_number_order(number_of(b), lq_number_whole(a.range.to)) <= 0;
        return 0;
    }
    err = lq_spend(r, lq_count(a));
    for (int64_t i = 0; err == 0 && !*ret && i < lq_count(a); i++)
        *ret = lq_equal(lq_item(a, i), b);
    return err;
}

int64_t lq_bulk(struct lq_value v)
{
    return v.type == LQ_STRING ? (int64_t)(v.s.n / 1024) : 0;
}

int lq_compare(struct lq_render *r, struct lq_value a, enum lq_compare op, struct lq_value b, bool *ret)
{
    int order = 0, err = lq_spend(r, lq_bulk(a));
    bool known;

    if (err < 0 || op == LQ_CONTAINS)
        return err < 0 ? err : contains(r, a, b, ret);
    *ret = lq_equal(a, b) == (op == LQ_EQ);
    if (op == LQ_EQ || op == LQ_NE)
        return 0;
    known = lq_order(a, b, &order);
    if (!known && (is_number(a) || a.type == LQ_STRING) && (is_number(b) || b.type == LQ_STRING))
        return lq_fail(r, ERR_RENDER,
                       "a text and a number have no order; make the text a number with `| plus: 0`");
    switch (op) {
    case LQ_LT: *ret = known && order < 0; break;
    case LQ_LE: *ret = known && order <= 0; break;
    case LQ_GT: *ret = known && order > 0; break;
    default: *ret = known && order >= 0; break;
    }
    return 0;
}
