/* SPDX-License-Identifier: Apache-2.0 */
/* wecom_wire.c - the parts that all asks share.
 *
 * Recipients are kept sorted: a fail_list or a page of results names them by their platform id, and with
 * 10,000 of them each name must be found quickly.
 */
#include "adapters/wecom/wecom_wire.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"

enum { ASK_MEMORY_BYTES = 16 * 1024 * 1024, ANSWER_DEPTH = 16 };

void wecom_ask_init(struct wecom_ask *a)
{
    *a = (struct wecom_ask){.outcome = OUTCOME_ACCEPTED};
    arena_init(&a->memory, ASK_MEMORY_BYTES);
    vec_init(&a->items, &a->memory, sizeof(struct item_result));
    buf_init(&a->request.query, 4096);
    buf_init(&a->request.body, WECOM_BODY_BYTES);
}

void wecom_ask_fini(struct wecom_ask *a)
{
    json_decref(a->data);
    buf_fini(&a->request.query);
    buf_fini(&a->request.body);
    arena_fini(&a->memory);
}

static int by_name(const void *x, const void *y)
{
    const struct recipient *a = x, *b = y;

    return str_cmp(a->to, b->to);
}

static int keep_recipients(struct wecom_ask *a, const struct recipient *to, size_t n)
{
    if (n == 0)
        return 0;
    a->to = arena_alloc(&a->memory, n * sizeof(*a->to));
    if (!a->to)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        a->to[i] = (struct recipient){to[i].id, wecom_ask_keep(a, to[i].to)};
        if (!a->to[i].to.p)
            return -ENOMEM;
    }
    a->to_count = n;
    qsort(a->to, n, sizeof(*a->to), by_name);
    return 0;
}

int wecom_ask_begin(struct wecom_ask *a, const struct wecom_op *ops, size_t op_count, const struct call *call,
                    const struct recipient *to, size_t n)
{
    int r;

    for (size_t i = 0; i < op_count && !a->how; i++)
        if (ops[i].op == call->op)
            a->how = &ops[i];
    if (!a->how)
        return ERR_UNSUPPORTED;
    a->op = call->op;
    a->account = wecom_ask_keep(a, call->account);
    if (!a->account.p)
        return -ENOMEM;
    r = keep_recipients(a, to, n);
    if (r < 0)
        return r;
    r = a->how->begin(a, call);
    if (r == 0)
        r = buf_error(&a->request.body);
    if (r == 0)
        r = buf_error(&a->request.query);
    return r;
}

int wecom_ask_take(struct wecom_ask *a, const json_t *answer)
{
    int r = a->how->take ? a->how->take(a, answer) : WECOM_DONE;

    if (r == WECOM_MORE && (buf_error(&a->request.body) < 0 || buf_error(&a->request.query) < 0))
        return -ENOMEM;
    return r;
}

int wecom_ask_start(struct wecom_ask *a, const char *method, const char *path, bool once)
{
    a->request.method = method;
    a->request.path = path;
    a->request.once = once;
    buf_reset(&a->request.query);
    buf_reset(&a->request.body);
    return 0;
}

int wecom_ask_refuse(struct wecom_ask *a, int err, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(a->fault, sizeof(a->fault), fmt, args);
    va_end(args);
    return err;
}

struct str wecom_ask_keep(struct wecom_ask *a, struct str s)
{
    char *copy = arena_str(&a->memory, s);

    return (struct str){copy, copy ? s.n : 0};
}

static int add_result(struct wecom_ask *a, struct delivery_id id, struct str to, enum outcome outcome,
                      int errcode)
{
    struct item_result *item = vec_add(&a->items);

    if (!item || !to.p)
        return -ENOMEM;
    *item = (struct item_result){.id = id, .to = to, .outcome = outcome, .errcode = errcode};
    return 0;
}

int wecom_ask_result(struct wecom_ask *a, struct str to, enum outcome outcome, int errcode)
{
    size_t low = 0, high = a->to_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (str_cmp(a->to[middle].to, to) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == a->to_count || !str_eq(a->to[low].to, to))
        return add_result(a, (struct delivery_id){0}, wecom_ask_keep(a, to), outcome, errcode);
    for (size_t i = low; i < a->to_count && str_eq(a->to[i].to, to); i++) {
        int r = add_result(a, a->to[i].id, a->to[i].to, outcome, errcode);

        if (r < 0)
            return r;
    }
    return 0;
}

int wecom_ask_check_text(struct wecom_ask *a, struct str text, size_t max, bool may_be_empty)
{
    if (text.n == 0 && !may_be_empty)
        return wecom_ask_refuse(a, ERR_INVALID, "the message is empty");
    if (text.n > max)
        return wecom_ask_refuse(a, ERR_TOO_BIG, "the text has %zu bytes, at most %zu are allowed", text.n,
                                max);
    return 0;
}

static void add_name(struct buf *out, const char *name)
{
    if (out->len > 0 && out->data[out->len - 1] != '{')
        (void)buf_addc(out, ',');
    (void)json_write_string(str_of(name), out);
    (void)buf_addc(out, ':');
}

int wecom_add_string(struct buf *out, const char *name, struct str value)
{
    add_name(out, name);
    (void)json_write_string(value, out);
    return buf_error(out);
}

int wecom_add_int(struct buf *out, const char *name, int64_t value)
{
    add_name(out, name);
    (void)buf_addf(out, "%lld", (long long)value);
    return buf_error(out);
}

int wecom_answer_read(struct str body, struct wecom_answer *ret)
{
    json_t *json = NULL, *code;
    int r = json_parse(body, ANSWER_DEPTH, &json, NULL);

    if (r < 0)
        return r == -ENOMEM ? r : ERR_SYNTAX;
    code = json_object_get(json, "errcode");
    if (!json_is_integer(code) || json_integer_value(code) < INT_MIN || json_integer_value(code) > INT_MAX) {
        json_decref(json);
        return ERR_SYNTAX;
    }
    ret->json = json;
    ret->errcode = (int)json_integer_value(code);
    ret->errmsg = json_str(json, "errmsg", "");
    return 0;
}

void wecom_answer_fini(struct wecom_answer *a)
{
    json_decref(a->json);
    a->json = NULL;
}
