/* SPDX-License-Identifier: Apache-2.0 */
/* Walks the nodes. A body answers how it ended: at its end, or by a break or continue that the nearest loop
 * takes; outside of a loop either one ends the text. */
#include <string.h>

#include "templates/liquid_eval.h"
#include "templates/liquid_filter.h"

#define MAX_CYCLES 200

enum { FLOW_NEXT = 0, FLOW_BREAK = 1, FLOW_CONTINUE = 2 }; /* or a negative err */

static int render_body(struct lq_render *r, const struct lq_body *body);

static int render_output(struct lq_render *r, const struct lq_node *node)
{
    struct lq_value v = {.type = LQ_NIL};
    int err = lq_eval_chain(r, &node->chain, &v);

    return err < 0 ? err : lq_print(r, r->out, v);
}

static int render_assign(struct lq_render *r, const struct lq_node *node)
{
    struct lq_variable *v = &r->variables[node->slot];
    int err = lq_eval_chain(r, &node->chain, &v->value);

    if (err == 0)
        v->assigned = true;
    return err;
}

/* The body writes behind the output; what it wrote is then taken off again. */
static int capture_body(struct lq_render *r, const struct lq_body *body, struct lq_value *ret)
{
    size_t start = r->out->len;
    int flow = render_body(r, body);
    int err;

    if (flow < 0)
        return flow;
    err = lq_keep(r, str_sub(buf_str(r->out), start, r->out->len), ret);
    buf_truncate(r->out, start);
    return err < 0 ? err : flow;
}

static int render_capture(struct lq_render *r, const struct lq_node *node)
{
    struct lq_value text;
    int flow = capture_body(r, node->body, &text);

    if (flow < 0)
        return flow;
    r->variables[node->slot].value = text;
    r->variables[node->slot].assigned = true;
    return flow;
}

static int render_ifchanged(struct lq_render *r, const struct lq_node *node)
{
    struct lq_value text;
    int flow = capture_body(r, node->body, &text);
    int err;

    if (flow < 0 || (r->last_changed.p && str_eq(r->last_changed, text.s)))
        return flow;
    r->last_changed = text.s;
    err = lq_put(r, r->out, text.s);
    return err < 0 ? err : flow;
}

static int render_if(struct lq_render *r, const struct lq_node *node)
{
    for (const struct lq_branch *b = node->branches; b; b = b->next) {
        bool holds = true;
        int err = b->test ? lq_eval_tests(r, b->test, &holds) : 0;

        if (err < 0)
            return err;
        if (holds != b->negated)
            return render_body(r, b->body);
    }
    return FLOW_NEXT;
}

/* Every branch that matches is printed; an else, if none before it did. */
static int render_case(struct lq_render *r, const struct lq_node *node)
{
    struct lq_value subject, when;
    bool matched = false;
    int flow = lq_eval(r, node->subject, &subject);

    for (const struct lq_branch *b = node->branches; flow == FLOW_NEXT && b; b = b->next) {
        bool equal = !b->when && !matched;

        if (b->when) {
            flow = lq_eval(r, b->when, &when);
            if (flow == 0)
                flow = lq_spend(r, 1);
            equal = flow == 0 && lq_equal(subject, when);
            matched |= equal;
        }
        if (equal)
            flow = render_body(r, b->body);
    }
    return flow;
}

static int render_counter(struct lq_render *r, const struct lq_node *node)
{
    struct lq_variable *v = &r->variables[node->slot];
    int64_t shown;

    v->counted = true;
    shown = node->delta > 0 ? v->counter : v->counter - 1;
    v->counter += node->delta;
    return lq_print(r, r->out, lq_int(shown));
}

static int find_cycle(struct lq_render *r, struct str key, struct lq_cycle_state **ret)
{
    struct lq_cycle_state *s;

    for (s = r->cycles; s; s = s->next)
        if (str_eq(s->key, key)) {
            *ret = s;
            return 0;
        }
    if (++r->cycle_count > MAX_CYCLES)
        return lq_fail(r, ERR_TOO_BIG, "more than %d different cycles", MAX_CYCLES);
    s = lq_alloc(r, sizeof *s);
    if (!s)
        return lq_no_memory(r);
    s->key = key;
    s->next = r->cycles;
    r->cycles = *ret = s;
    return 0;
}

/* A cycle is known by its name's value, or by how it is written; the two never meet. */
static int cycle_key(struct lq_render *r, const struct lq_cycle *cycle, struct str *ret)
{
    struct lq_value name, key;
    int err;

    if (!cycle->name) {
        *ret = cycle->key;
        return 0;
    }
    err = lq_eval(r, cycle->name, &name);
    if (err < 0)
        return err;
    buf_reset(&r->tmp);
    err = lq_put(r, &r->tmp, STR("\n"));
    if (err == 0)
        err = lq_print(r, &r->tmp, name);
    if (err == 0)
        err = lq_keep(r, buf_str(&r->tmp), &key);
    if (err == 0)
        *ret = key.s;
    return err;
}

static int render_cycle(struct lq_render *r, const struct lq_node *node)
{
    const struct lq_cycle *cycle = node->cycle;
    const struct lq_expr_list *item = cycle->items;
    struct lq_cycle_state *state = NULL;
    struct lq_value v = {.type = LQ_NIL};
    struct str key;
    int err = cycle_key(r, cycle, &key);

    if (err == 0)
        err = find_cycle(r, key, &state);
    if (err < 0)
        return err;
    for (size_t i = 0; item && i < state->at; i++)
        item = item->next;
    state->at = state->at + 1 < cycle->n ? state->at + 1 : 0;
    if (item)
        err = lq_eval(r, item->expr, &v);
    return err < 0 ? err : lq_print(r, r->out, v);
}

/* What a loop runs over: some items of a list, in either direction. */
struct span {
    struct lq_value list;
    int64_t from, n;
};

/* Members of an object become [key, value]; a text is one item; everything else is nothing. */
static int to_list(struct lq_render *r, struct lq_value v, struct lq_value *ret)
{
    struct lq_value *items;
    int64_t n = 0;
    void *it;
    int err;

    *ret = v;
    if (lq_is_list(v))
        return 0;
    *ret = (struct lq_value){.type = LQ_LIST};
    if (v.type == LQ_STRING && v.s.n > 0) {
        items = lq_new_items(r, 1);
        if (!items)
            return lq_no_memory(r);
        items[0] = v;
        *ret = lq_list(items, 1);
    }
    if (v.type != LQ_OBJECT)
        return 0;
    err = lq_spend(r, (int64_t)json_object_size(v.json));
    if (err < 0)
        return err;
    items = lq_new_items(r, (int64_t)json_object_size(v.json));
    if (!items)
        return lq_no_memory(r);
    for (it = json_object_iter((json_t *)v.json); it; it = json_object_iter_next((json_t *)v.json, it)) {
        err = lq_pair(r, json_object_iter_key(it), json_object_iter_value(it), &items[n++]);
        if (err < 0)
            return err;
    }
    *ret = lq_list(items, n);
    return 0;
}

static int loop_number(struct lq_render *r, const struct lq_expr *e, const char *name, int64_t none,
                       int64_t *ret)
{
    struct lq_value v = {.type = LQ_NIL};
    int err = e ? lq_eval(r, e, &v) : 0;

    *ret = none;
    return err < 0 || v.type == LQ_NIL ? err : lq_integer(r, v, name, ret);
}

static int find_span(struct lq_render *r, const struct lq_for *f, struct span *ret)
{
    struct lq_value v;
    int64_t count, limit;
    int err = lq_eval(r, f->in, &v);

    if (err == 0)
        err = to_list(r, v, &ret->list);
    if (err == 0)
        err = loop_number(r, f->offset, "offset", 0, &ret->from);
    if (err == 0)
        err = loop_number(r, f->limit, "limit", INT64_MAX, &limit);
    if (err < 0)
        return err;
    count = lq_count(ret->list);
    if (f->resumed)
        ret->from = r->resume[f->name_number];
    if (ret->from < 0)
        ret->from = 0;
    ret->n = ret->from < count ? count - ret->from : 0;
    if (ret->n > limit)
        ret->n = limit > 0 ? limit : 0;
    r->resume[f->name_number] = ret->from > count ? count : ret->from + ret->n;
    return 0;
}

static struct lq_value span_item(const struct span *span, int64_t i, bool reversed)
{
    return lq_item(span->list, span->from + (reversed ? span->n - 1 - i : i));
}

/* The names that a loop covers while it runs. */
struct covered {
    struct lq_variable item, loop;
};

static void cover(struct lq_render *r, int slot, int loop_slot, const struct lq_loop *loop,
                  struct covered *saved)
{
    saved->item = r->variables[slot];
    saved->loop = r->variables[loop_slot];
    r->variables[loop_slot].in_loop = true;
    r->variables[loop_slot].loop_value = (struct lq_value){.type = LQ_LOOP, .loop = loop};
}

static void set_item(struct lq_render *r, int slot, struct lq_value v)
{
    r->variables[slot].in_loop = true;
    r->variables[slot].loop_value = v;
}

/* Only the covering ends: what assign did inside stays. */
static void uncover(struct lq_render *r, int slot, int loop_slot, const struct covered *saved)
{
    r->variables[slot].in_loop = saved->item.in_loop;
    r->variables[slot].loop_value = saved->item.loop_value;
    r->variables[loop_slot].in_loop = saved->loop.in_loop;
    r->variables[loop_slot].loop_value = saved->loop.loop_value;
}

static int run_for(struct lq_render *r, const struct lq_for *f, const struct span *span)
{
    const struct lq_variable *outer = &r->variables[LQ_SLOT_FORLOOP];
    struct lq_loop loop = {.name = f->name, .length = span->n};
    struct covered saved;
    int flow = FLOW_NEXT;

    if (outer->in_loop && outer->loop_value.type == LQ_LOOP)
        loop.parent = outer->loop_value.loop;
    cover(r, f->slot, LQ_SLOT_FORLOOP, &loop, &saved);
    for (; flow != FLOW_BREAK && flow >= 0 && loop.index < loop.length; loop.index++) {
        set_item(r, f->slot, span_item(span, loop.index, f->reversed));
        flow = lq_spend(r, 1);
        if (flow == 0)
            flow = render_body(r, f->body);
    }
    uncover(r, f->slot, LQ_SLOT_FORLOOP, &saved);
    return flow < 0 ? flow : FLOW_NEXT;
}

static int render_for(struct lq_render *r, const struct lq_for *f)
{
    struct span span;
    int err = find_span(r, f, &span);

    if (err < 0)
        return err;
    if (span.n > 0)
        return run_for(r, f, &span);
    return f->none ? render_body(r, f->none) : FLOW_NEXT;
}

static int put_cell(struct lq_render *r, const struct lq_loop *loop)
{
    int64_t column = loop->index % loop->columns;

    buf_reset(&r->tmp);
    if (column == 0 && loop->index > 0)
        (void)buf_addf(&r->tmp, "</tr>\n<tr class=\"row%lld\">",
                       (long long)(loop->index / loop->columns + 1));
    (void)buf_addf(&r->tmp, "<td class=\"col%lld\">", (long long)(column + 1));
    if (buf_error(&r->tmp) < 0)
        return lq_fail(r, buf_error(&r->tmp), "out of memory");
    return lq_put(r, r->out, buf_str(&r->tmp));
}

static int run_tablerow(struct lq_render *r, const struct lq_for *f, const struct span *span, int64_t columns)
{
    struct lq_loop loop = {.name = f->name, .length = span->n, .columns = columns};
    struct covered saved;
    int flow = lq_put(r, r->out, STR("<tr class=\"row1\">\n")), err;

    cover(r, f->slot, LQ_SLOT_TABLEROWLOOP, &loop, &saved);
    for (; flow != FLOW_BREAK && flow >= 0 && loop.index < loop.length; loop.index++) {
        set_item(r, f->slot, span_item(span, loop.index, false));
        flow = lq_spend(r, 1);
        if (flow == 0)
            flow = put_cell(r, &loop);
        if (flow == 0)
            flow = render_body(r, f->body);
        err = flow < 0 ? flow : lq_put(r, r->out, STR("</td>"));
        flow = err < 0 ? err : flow;
    }
    uncover(r, f->slot, LQ_SLOT_TABLEROWLOOP, &saved);
    return flow < 0 ? flow : lq_put(r, r->out, STR("</tr>\n"));
}

static int render_tablerow(struct lq_render *r, const struct lq_for *f)
{
    struct lq_value columns = {.type = LQ_NIL};
    struct span span;
    int64_t n;
    int err = find_span(r, f, &span);

    if (err == 0 && f->columns)
        err = lq_eval(r, f->columns, &columns);
    if (err < 0)
        return err;
    n = span.n;
    if (columns.type == LQ_FLOAT && columns.f >= 1 && columns.f < 1e9)
        n = (int64_t)columns.f;
    else if (columns.type != LQ_NIL)
        err = lq_integer(r, columns, "cols", &n);
    return err < 0 ? err : run_tablerow(r, f, &span, n > 0 ? n : 1);
}

static int render_node(struct lq_render *r, const struct lq_node *node)
{
    switch (node->kind) {
    case LQ_NODE_TEXT: return lq_put(r, r->out, node->text);
    case LQ_NODE_OUTPUT: return render_output(r, node);
    case LQ_NODE_ASSIGN: return render_assign(r, node);
    case LQ_NODE_CAPTURE: return render_capture(r, node);
    case LQ_NODE_IF: return render_if(r, node);
    case LQ_NODE_CASE: return render_case(r, node);
    case LQ_NODE_FOR: return render_for(r, node->loop);
    case LQ_NODE_TABLEROW: return render_tablerow(r, node->loop);
    case LQ_NODE_CYCLE: return render_cycle(r, node);
    case LQ_NODE_IFCHANGED: return render_ifchanged(r, node);
    case LQ_NODE_COUNTER: return render_counter(r, node);
    case LQ_NODE_BREAK: return FLOW_BREAK;
    case LQ_NODE_CONTINUE: return FLOW_CONTINUE;
    }
    return FLOW_NEXT;
}

static int render_body(struct lq_render *r, const struct lq_body *body)
{
    int flow = FLOW_NEXT;

    for (const struct lq_node *node = body->first; flow == FLOW_NEXT && node; node = node->next) {
        r->line = node->line;
        flow = lq_spend(r, 1);
        if (flow == 0)
            flow = render_node(r, node);
    }
    return flow;
}

struct liquid_limits liquid_limits_default(void)
{
    return (struct liquid_limits){
        .output_bytes = (size_t)64 * 1024,
        .scratch_bytes = (size_t)1024 * 1024,
        .steps = 10000,
        .depth = 50,
        .utc_offset_s = 8 * 3600,
    };
}

static int render_all(struct lq_render *r)
{
    const struct liquid *t = r->t;

    r->variables = lq_alloc(r, (size_t)t->name_count * sizeof *r->variables);
    if (!r->variables)
        return lq_no_memory(r);
    r->resume = lq_alloc(r, (size_t)t->loop_name_count * sizeof *r->resume + 1);
    if (!r->resume)
        return lq_no_memory(r);
    return render_body(r, &t->body);
}

int liquid_render(const struct liquid *t, const json_t *data, const struct liquid_limits *limits,
                  struct buf *out, struct liquid_fault *reterr)
{
    struct liquid_fault ignored;
    struct lq_render r = {
        .t = t,
        .data = data,
        .limits = limits ? *limits : liquid_limits_default(),
        .out = out,
        .out_start = out->len,
        .fault = reterr ? reterr : &ignored,
    };
    int flow;

    r.steps = r.limits.steps;
    arena_init(&r.scratch, r.limits.scratch_bytes);
    buf_init(&r.tmp, r.limits.scratch_bytes);
    flow = render_all(&r);
    buf_fini(&r.tmp);
    arena_fini(&r.scratch);
    if (flow >= 0)
        return 0;
    buf_truncate(out, r.out_start);
    return flow;
}

bool liquid_is_plain(const struct liquid *t)
{
    for (const struct lq_node *node = t->body.first; node; node = node->next)
        if (node->kind != LQ_NODE_TEXT)
            return false;
    return true;
}
