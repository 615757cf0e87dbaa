/* SPDX-License-Identifier: Apache-2.0 */
/* A name means, in this order: the variable of a loop around it, what assign or capture made, a counter, the
 * data. */
#include "templates/liquid_eval.h"

#include "templates/liquid_filter.h"

#define RANGE_LIMIT (INT64_C(1) << 53) /* the length of a range must not overflow */

static struct lq_value of_slot(const struct lq_render *r, int slot)
{
    const struct lq_variable *v = &r->variables[slot];
    struct str name;

    if (v->in_loop)
        return v->loop_value;
    if (v->assigned)
        return v->value;
    if (v->counted)
        return lq_int(v->counter);
    name = r->t->slots[slot]->text;
    return lq_of_json(json_object_getn(r->data, name.p, name.n));
}

static struct lq_value of_name(const struct lq_render *r, struct str name)
{
    for (int slot = 0; slot < r->t->name_count; slot++)
        if (str_eq(r->t->slots[slot]->text, name))
            return of_slot(r, slot);
    return lq_of_json(json_object_getn(r->data, name.p, name.n));
}

static int eval_root(struct lq_render *r, const struct lq_expr *e, struct lq_value *ret)
{
    struct lq_value name;
    int err;

    *ret = (struct lq_value){.type = LQ_NIL};
    if (e->slot >= 0) {
        *ret = of_slot(r, e->slot);
        return 0;
    }
    err = lq_eval(r, e->from, &name);
    if (err == 0 && name.type == LQ_STRING) {
        err = lq_spend(r, 1 + r->t->name_count / 16);
        *ret = of_name(r, name.s);
    }
    return err;
}

static int eval_lookup(struct lq_render *r, const struct lq_expr *e, struct lq_value *ret)
{
    struct lq_value v, key;
    int err = eval_root(r, e, &v);

    for (const struct lq_step *s = e->steps; err == 0 && s; s = s->next) {
        struct lq_value from = v;

        key = lq_string(s->key);
        if (!s->key.p)
            err = lq_eval(r, s->index, &key);
        if (err == 0)
            err = lq_member(r, from, key, s->dotted, &v);
    }
    if (err == 0)
        *ret = v;
    return err;
}

/* Whole part of a number, 0 for everything that is none. */
static int64_t range_end(struct lq_value v)
{
    struct lq_number n = lq_number_whole(0);

    if (v.type == LQ_INT)
        n = lq_number_whole(v.i);
    else if (v.type == LQ_FLOAT)
        n = v.f < 0 ? lq_number_ceil(lq_number_fraction(v.f)) : lq_number_floor(lq_number_fraction(v.f));
    else if (v.type == LQ_STRING)
        n = lq_number_of_text(v.s);
    if (lq_number_order(n, lq_number_whole(RANGE_LIMIT)) > 0)
        return RANGE_LIMIT;
    if (lq_number_order(n, lq_number_whole(-RANGE_LIMIT)) < 0)
        return -RANGE_LIMIT;
    return n.whole ? n.i : (int64_t)n.f;
}

static int eval_range(struct lq_render *r, const struct lq_expr *e, struct lq_value *ret)
{
    struct lq_value from, to;
    int err = lq_eval(r, e->from, &from);

    if (err == 0)
        err = lq_eval(r, e->to, &to);
    if (err == 0)
        *ret = (struct lq_value){.type = LQ_RANGE, .range = {range_end(from), range_end(to)}};
    return err;
}

int lq_eval(struct lq_render *r, const struct lq_expr *e, struct lq_value *ret)
{
    switch (e->kind) {
    case LQ_EXPR_LITERAL: *ret = e->literal; return 0;
    case LQ_EXPR_RANGE: return eval_range(r, e, ret);
    case LQ_EXPR_LOOKUP: break;
    }
    return eval_lookup(r, e, ret);
}

static struct lq_value without_loop(struct lq_value v)
{
    return v.type == LQ_LOOP ? (struct lq_value){.type = LQ_NIL} : v;
}

static int eval_call(struct lq_render *r, const struct lq_call *call, struct lq_value in,
                     struct lq_value *ret)
{
    struct lq_value args[LQ_MAX_ARGS] = {{.type = LQ_NIL}};
    int err = lq_spend(r, 1 + lq_bulk(in));

    for (size_t i = 0; err == 0 && i < call->n; i++) {
        err = lq_eval(r, call->args[i], &args[i]);
        if (err == 0)
            args[i] = without_loop(args[i]);
    }
    if (err == 0 && call->allow_false)
        err = lq_eval(r, call->allow_false, &args[LQ_MAX_ARGS - 1]);
    return err < 0 ? err : call->filter->run(r, in, args, call->n, ret);
}

int lq_eval_chain(struct lq_render *r, const struct lq_chain *chain, struct lq_value *ret)
{
    struct lq_value v = {.type = LQ_NIL};
    int err = chain->expr ? lq_eval(r, chain->expr, &v) : 0;

    v = without_loop(v);
    for (const struct lq_call *call = chain->calls; err == 0 && call; call = call->next) {
        struct lq_value in = v;

        err = eval_call(r, call, in, &v);
    }
    if (err == 0)
        *ret = v;
    return err;
}

static int eval_test(struct lq_render *r, const struct lq_test *test, bool *ret)
{
    struct lq_value left, right;
    int err = lq_eval(r, test->left, &left);

    if (err < 0)
        return err;
    if (!test->compared) {
        *ret = lq_truthy(left);
        return 0;
    }
    err = lq_eval(r, test->right, &right);
    return err < 0 ? err : lq_compare(r, left, test->op, right, ret);
}

/* a and (b or (c and d)): from left to right, the first operand that settles the rest ends it. */
int lq_eval_tests(struct lq_render *r, const struct lq_test *tests, bool *ret)
{
    for (const struct lq_test *test = tests; test; test = test->next) {
        int err = lq_spend(r, 1);

        if (err == 0)
            err = eval_test(r, test, ret);
        if (err < 0 || !test->next || *ret == test->or_next)
            return err;
    }
    return 0;
}
