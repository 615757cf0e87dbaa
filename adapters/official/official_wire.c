/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/official/official_wire.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/json.h"

enum { ASK_MEMORY_BYTES = 64 * 1024, QUERY_BYTES = 4096, ANSWER_DEPTH = 16 };

void official_ask_init(struct official_ask *a, struct official_tags *tags, bool subscription, int64_t now_ms)
{
    *a = (struct official_ask){
        .tags = tags, .subscription = subscription, .now_ms = now_ms, .outcome = OUTCOME_ACCEPTED};
    arena_init(&a->memory, ASK_MEMORY_BYTES);
    buf_init(&a->request.query, QUERY_BYTES);
    buf_init(&a->request.body, OFFICIAL_BODY_BYTES);
    buf_init(&a->message, OFFICIAL_BODY_BYTES);
}

void official_ask_fini(struct official_ask *a)
{
    json_decref(a->data);
    buf_fini(&a->request.query);
    buf_fini(&a->request.body);
    buf_fini(&a->message);
    arena_fini(&a->memory);
}

static int written(const struct official_ask *a)
{
    int r = buf_error(&a->request.body);

    return r < 0 ? r : buf_error(&a->request.query);
}

int official_ask_begin(struct official_ask *a, const struct call *call, const struct recipient *to, size_t n)
{
    int r;

    a->op = call->op;
    a->how = official_op_of(call->op);
    if (!a->how)
        return ERR_UNSUPPORTED;
    r = a->how->begin(a, call, to, n);
    return r < 0 ? r : written(a);
}

int official_ask_take(struct official_ask *a, const json_t *answer)
{
    int r = a->how->take(a, answer);

    return r == OFFICIAL_MORE && written(a) < 0 ? written(a) : r;
}

void official_ask_start(struct official_ask *a, const char *method, const char *path, bool once)
{
    a->request.method = method;
    a->request.path = path;
    a->request.once = once;
    buf_reset(&a->request.query);
    buf_reset(&a->request.body);
}

int official_ask_refuse(struct official_ask *a, int err, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(a->fault, sizeof(a->fault), fmt, args);
    va_end(args);
    return err;
}

struct str official_ask_keep(struct official_ask *a, struct str s)
{
    char *copy = arena_str(&a->memory, s);

    return (struct str){copy, copy ? s.n : 0};
}

int official_answer_read(struct str body, struct official_answer *ret)
{
    json_t *json = NULL;
    const json_t *code;
    int r = json_parse(body, ANSWER_DEPTH, &json, NULL);

    if (r < 0)
        return r == -ENOMEM ? r : ERR_SYNTAX;
    code = json_object_get(json, "errcode");
    if (!json_is_object(json) || (code && !json_is_integer(code)) || json_integer_value(code) < INT_MIN ||
        json_integer_value(code) > INT_MAX) {
        json_decref(json);
        return ERR_SYNTAX;
    }
    ret->json = json;
    ret->errcode = (int)json_integer_value(code);
    ret->errmsg = json_str(json, "errmsg", "");
    return 0;
}

void official_answer_fini(struct official_answer *a)
{
    json_decref(a->json);
    a->json = NULL;
}
