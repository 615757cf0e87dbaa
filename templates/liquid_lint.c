/* SPDX-License-Identifier: Apache-2.0 */
/* The strict look at variables. What assign, capture or a counter makes anywhere is known everywhere, because
 * a loop may run its tags in another order than they are written in; a loop's own names are known in its body
 * only. */
#include <errno.h>

#include "templates/liquid_ast.h"
#include "templates/liquid_near.h"

#define SHOWN_BYTES 120 /* of a path in a complaint */

struct lint {
    const struct liquid *t;
    const json_t *known;
    struct diag *diag;
    int *covered; /* by slot: how many loops around give the name */
    bool found;
};

static void complain(struct lint *l, int line, struct str path, struct str name, const json_t *candidates)
{
    struct lq_near near = lq_near_begin(name);
    void *it = json_object_iter((json_t *)candidates);

    l->found = true;
    for (; it; it = json_object_iter_next((json_t *)candidates, it))
        lq_near_offer(&near, json_object_iter_key(it));
    diag_addf(l->diag, l->t->file, line, "unknown variable \"%.*s%.*s\"%s%.*s%s%s", STR_ARG(path),
              STR_ARG(name), near.best ? "; did you mean \"" : "", near.best ? (int)path.n : 0,
              path.n > 0 ? path.p : "", near.best ? near.best : "", near.best ? "\"?" : "");
}

static void check_expr(struct lint *l, const struct lq_expr *e);

static bool is_general(const struct lq_step *s)
{
    return s->dotted && (str_is(s->key, "size") || str_is(s->key, "first") || str_is(s->key, "last"));
}

/* Below `at`, as far as it tells what there is: an object by its members, a list by its first item. */
static void check_steps(struct lint *l, const struct lq_expr *e, const json_t *at)
{
    struct buf path;

    buf_init(&path, SHOWN_BYTES);
    (void)buf_add_str(&path, l->t->slots[e->slot]->text);
    for (const struct lq_step *s = e->steps; s && at; s = s->next) {
        const json_t *below = NULL;

        if (s->key.p && json_object_size(at) > 0) {
            below = json_object_getn(at, s->key.p, s->key.n);
            (void)buf_addc(&path, '.');
            if (!below && !is_general(s))
                complain(l, e->line, buf_str(&path), s->key, at);
            (void)buf_add_str(&path, s->key);
        } else if (!s->key.p || is_general(s)) {
            below = json_array_get(at, 0);
            (void)buf_adds(&path, "[]");
        }
        at = below;
    }
    buf_fini(&path);
}

static void check_lookup(struct lint *l, const struct lq_expr *e)
{
    const struct lq_name *name;
    const json_t *at;

    for (const struct lq_step *s = e->steps; s; s = s->next)
        if (s->index)
            check_expr(l, s->index);
    if (e->slot < 0) {
        check_expr(l, e->from);
        return;
    }
    name = l->t->slots[e->slot];
    if (name->written || l->covered[e->slot] > 0)
        return;
    at = json_object_getn(l->known, name->text.p, name->text.n);
    if (at)
        check_steps(l, e, at);
    else
        complain(l, e->line, STR(""), name->text, l->known);
}

static void check_expr(struct lint *l, const struct lq_expr *e)
{
    if (!e)
        return;
    if (e->kind == LQ_EXPR_LOOKUP) {
        check_lookup(l, e);
    } else if (e->kind == LQ_EXPR_RANGE) {
        check_expr(l, e->from);
        check_expr(l, e->to);
    }
}

static void check_chain(struct lint *l, const struct lq_chain *chain)
{
    check_expr(l, chain->expr);
    for (const struct lq_call *call = chain->calls; call; call = call->next) {
        for (size_t i = 0; i < call->n; i++)
            check_expr(l, call->args[i]);
        check_expr(l, call->allow_false);
    }
}

static void check_body(struct lint *l, const struct lq_body *body);

static void check_branches(struct lint *l, const struct lq_branch *branches)
{
    const struct lq_body *last = NULL;

    for (const struct lq_branch *b = branches; b; b = b->next) {
        for (const struct lq_test *t = b->test; t; t = t->next) {
            check_expr(l, t->left);
            check_expr(l, t->right);
        }
        check_expr(l, b->when);
        if (b->body != last) /* `when a, b` share one */
            check_body(l, b->body);
        last = b->body;
    }
}

static void check_loop(struct lint *l, const struct lq_for *f, int loop_slot)
{
    check_expr(l, f->in);
    check_expr(l, f->limit);
    check_expr(l, f->offset);
    check_expr(l, f->columns);
    l->covered[f->slot]++;
    l->covered[loop_slot]++;
    check_body(l, f->body);
    l->covered[loop_slot]--;
    l->covered[f->slot]--;
    if (f->none)
        check_body(l, f->none);
}

static void check_cycle(struct lint *l, const struct lq_cycle *cycle)
{
    check_expr(l, cycle->name);
    for (const struct lq_expr_list *item = cycle->items; item; item = item->next)
        check_expr(l, item->expr);
}

static void check_body(struct lint *l, const struct lq_body *body)
{
    for (const struct lq_node *node = body->first; node; node = node->next) {
        check_chain(l, &node->chain);
        check_expr(l, node->subject);
        check_branches(l, node->branches);
        if (node->cycle)
            check_cycle(l, node->cycle);
        if (node->loop)
            check_loop(l, node->loop, node->kind == LQ_NODE_FOR ? LQ_SLOT_FORLOOP : LQ_SLOT_TABLEROWLOOP);
        if (node->body)
            check_body(l, node->body);
    }
}

int liquid_lint(const struct liquid *t, const json_t *known, struct diag *diag)
{
    struct lint l = {.t = t, .known = known, .diag = diag};

    l.covered = mem_calloc((size_t)t->name_count, sizeof *l.covered);
    if (!l.covered)
        return -ENOMEM;
    check_body(&l, &t->body);
    mem_free(l.covered);
    return l.found ? ERR_NOT_FOUND : 0;
}

/* A name that is also made by a tag still counts: it may be read before. */
bool liquid_uses(const struct liquid *t, const char *name)
{
    if (t->reads_any)
        return true;
    for (int slot = 0; slot < t->name_count; slot++)
        if (t->slots[slot]->read && str_is(t->slots[slot]->text, name))
            return true;
    return false;
}
