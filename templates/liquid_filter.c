/* SPDX-License-Identifier: Apache-2.0 */
/* The table of filters, what several of them need, and `default`, which fits in no other file. */
#include "templates/liquid_filter.h"

#include "templates/liquid_near.h"

#define LQ_ENTRY(name, min, max) {#name, min, max, lq_filter_##name},
static const struct lq_filter filters[] = {LQ_FILTERS(LQ_ENTRY)};
#undef LQ_ENTRY

const struct lq_filter *lq_filter_of(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(filters); i++)
        if (str_is(name, filters[i].name))
            return &filters[i];
    return NULL;
}

const char *lq_filter_near(struct str name)
{
    struct lq_near near = lq_near_begin(name);

    for (size_t i = 0; i < ARRAY_LEN(filters); i++)
        lq_near_offer(&near, filters[i].name);
    return near.best;
}

int lq_integer(struct lq_render *r, struct lq_value v, const char *what, int64_t *ret)
{
    struct str text;
    int err;

    if (v.type == LQ_INT) {
        *ret = v.i;
        return 0;
    }
    err = lq_text(r, v, &text);
    if (err == 0 && (v.type != LQ_STRING || lq_number_strict(text, ret) < 0))
        return lq_fail(r, ERR_RENDER, "%s needs a whole number, not \"%.*s\"", what,
                       STR_ARG(str_cut_bytes(text, 40)));
    return err;
}

struct buf *lq_build(struct lq_render *r)
{
    buf_reset(&r->tmp);
    return &r->tmp;
}

int lq_built(struct lq_render *r, struct lq_value *ret)
{
    return lq_keep(r, buf_str(&r->tmp), ret);
}

struct lq_value *lq_new_items(struct lq_render *r, int64_t n)
{
    return lq_alloc(r, (size_t)n * sizeof(struct lq_value) + 1);
}

struct lq_value lq_list(const struct lq_value *items, int64_t n)
{
    return (struct lq_value){.type = LQ_LIST, .list = {items, (size_t)n}};
}

/* `{{ x | default: y, allow_false: true }}`: the option comes in the last argument. */
int lq_filter_default(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                      struct lq_value *ret)
{
    bool missing = lq_truthy(args[LQ_MAX_ARGS - 1]) ? in.type == LQ_NIL : !lq_truthy(in);

    (void)r;
    *ret = in;
    if (missing || lq_is_empty(in) || in.type == LQ_EMPTY || in.type == LQ_BLANK)
        *ret = n > 0 ? args[0] : lq_string(STR(""));
    return 0;
}
