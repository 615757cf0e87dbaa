/* SPDX-License-Identifier: Apache-2.0 */
/* What a render spends: steps, scratch memory, output bytes. Every budget is checked here and nowhere else.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "templates/liquid_number.h"
#include "templates/liquid_value.h"

int lq_fail(struct lq_render *r, int err, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    r->fault->line = r->line;
    (void)vsnprintf(r->fault->text, sizeof r->fault->text, fmt, args);
    va_end(args);
    return err;
}

/* The arena rounds up to whole cells of 16. */
static bool scratch_is_full(const struct lq_render *r, size_t bytes)
{
    return bytes > r->scratch.max_bytes || bytes + 16 > r->scratch.max_bytes - r->scratch.used_bytes;
}

void *lq_alloc(struct lq_render *r, size_t bytes)
{
    void *p = arena_alloc(&r->scratch, bytes);

    if (!p)
        r->no_memory = scratch_is_full(r, bytes) ? ERR_TOO_BIG : -ENOMEM;
    return p;
}

int lq_no_memory(struct lq_render *r)
{
    if (r->no_memory == ERR_TOO_BIG)
        return lq_fail(r, ERR_TOO_BIG, "the template builds more than %zu bytes on the way",
                       r->limits.scratch_bytes);
    return lq_fail(r, -ENOMEM, "out of memory");
}

int lq_spend(struct lq_render *r, int64_t steps)
{
    if (steps > r->steps)
        return lq_fail(r, ERR_TIMEOUT, "the template needs more than %lld steps", (long long)r->limits.steps);
    r->steps -= steps;
    return 0;
}

int lq_put(struct lq_render *r, struct buf *b, struct str s)
{
    int err;

    if (b == r->out && s.n > r->limits.output_bytes - (b->len - r->out_start))
        return lq_fail(r, ERR_TOO_BIG, "the text gets longer than %zu bytes", r->limits.output_bytes);
    err = buf_add_str(b, s);
    if (err == ERR_TOO_BIG)
        return lq_fail(r, err, "a text gets longer than %zu bytes", b->max);
    return err < 0 ? lq_fail(r, err, "out of memory") : 0;
}

int lq_keep(struct lq_render *r, struct str s, struct lq_value *ret)
{
    char *copy = lq_alloc(r, s.n + 1);

    if (!copy)
        return lq_no_memory(r);
    if (s.n > 0)
        memcpy(copy, s.p, s.n);
    *ret = lq_string((struct str){copy, s.n});
    return 0;
}

static int print_deep(struct lq_render *r, struct buf *b, struct lq_value v, bool quoted, int depth);

static int print_list(struct lq_render *r, struct buf *b, struct lq_value v, bool quoted, int depth)
{
    int err = lq_spend(r, lq_count(v));

    if (err == 0 && quoted)
        err = lq_put(r, b, STR("["));
    for (int64_t i = 0; err == 0 && i < lq_count(v); i++) {
        if (quoted && i > 0)
            err = lq_put(r, b, STR(", "));
        if (err == 0)
            err = print_deep(r, b, lq_item(v, i), quoted, depth + 1);
    }
    if (err == 0 && quoted)
        err = lq_put(r, b, STR("]"));
    return err;
}

/* {"a"=>1}, as the reference implementation shows a hash: an author sees what went wrong. */
static int print_object(struct lq_render *r, struct buf *b, const json_t *object, int depth)
{
    int err = lq_spend(r, (int64_t)json_object_size(object));
    void *it = json_object_iter((json_t *)object);

    if (err == 0)
        err = lq_put(r, b, STR("{"));
    for (bool first = true; err == 0 && it; it = json_object_iter_next((json_t *)object, it), first = false) {
        if (!first)
            err = lq_put(r, b, STR(", "));
        if (err == 0)
            err = print_deep(r, b, lq_string(str_of(json_object_iter_key(it))), true, depth + 1);
        if (err == 0)
            err = lq_put(r, b, STR("=>"));
        if (err == 0)
            err = print_deep(r, b, lq_of_json(json_object_iter_value(it)), true, depth + 1);
    }
    return err < 0 ? err : lq_put(r, b, STR("}"));
}

static int print_quoted(struct lq_render *r, struct buf *b, struct str s)
{
    int err = lq_put(r, b, STR("\""));

    if (err == 0)
        err = lq_put(r, b, s);
    return err < 0 ? err : lq_put(r, b, STR("\""));
}

static int print_deep(struct lq_render *r, struct buf *b, struct lq_value v, bool quoted, int depth)
{
    char text[2 * LQ_NUMBER_BYTES];
    size_t n = 0;

    if (depth > r->limits.depth)
        return lq_fail(r, ERR_TOO_DEEP, "the data is nested deeper than %d", r->limits.depth);
    switch (v.type) {
    case LQ_STRING: return quoted ? print_quoted(r, b, v.s) : lq_put(r, b, v.s);
    case LQ_LIST:
    case LQ_ARRAY: return print_list(r, b, v, quoted, depth);
    case LQ_OBJECT: return print_object(r, b, v.json, depth);
    case LQ_BOOL: return lq_put(r, b, v.b ? STR("true") : STR("false"));
    case LQ_INT: n = (size_t)snprintf(text, sizeof text, "%lld", (long long)v.i); break;
    case LQ_FLOAT: n = lq_number_format(v.f, text); break;
    case LQ_RANGE:
        n = (size_t)snprintf(text, sizeof text, "%lld..%lld", (long long)v.range.from, (long long)v.range.to);
        break;
    case LQ_NIL: return quoted ? lq_put(r, b, STR("nil")) : 0;
    case LQ_LOOP:
    case LQ_EMPTY:
    case LQ_BLANK: break;
    }
    return lq_put(r, b, (struct str){text, n});
}

int lq_print(struct lq_render *r, struct buf *b, struct lq_value v)
{
    return print_deep(r, b, v, false, 0);
}

int lq_text(struct lq_render *r, struct lq_value v, struct str *ret)
{
    struct lq_value kept;
    int err;

    if (v.type == LQ_STRING) {
        *ret = v.s;
        return 0;
    }
    buf_reset(&r->tmp);
    err = lq_print(r, &r->tmp, v);
    if (err == 0)
        err = lq_keep(r, buf_str(&r->tmp), &kept);
    if (err == 0)
        *ret = kept.s;
    return err;
}
