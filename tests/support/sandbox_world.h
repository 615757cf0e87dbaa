/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox_world.h - a sandbox model on a clock that only the test moves, with what it emitted.
 *
 * world_call() speaks JSON to a platform: the answer stays good until the next call. Ledger entries and
 * pushes are kept as JSON arrays: world.entries as the ledger writes them, world.pushes as {connection, kind,
 * path, inner, from, key}.
 */
#ifndef SIYU_TESTS_SANDBOX_WORLD_H
#define SIYU_TESTS_SANDBOX_WORLD_H

#include "support/asserts.h"

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/shanghai.h"
#include "sandbox/event.h"
#include "sandbox/model.h"
#include "sandbox/seed.h"
#include "sandbox/wire.h"

#include <stdio.h>

struct world {
    struct sb_model *m;
    int64_t now_ms;
    json_t *entries, *pushes;
    json_t *answer, *done; /* of the last call; of the last event */
    int status;
    char token[80];
};

static struct world world;

static inline void world_on_entry(void *ctx, const struct sb_entry *e)
{
    json_t *o = json_pack("{s:s*, s:s*, s:s*, s:O*, s:I, s:s*, s:i, s:b}", "connection", e->connection,
                          "account", e->account, "op", e->op, "to", (json_t *)e->to, "cost",
                          (json_int_t)e->cost, "key", e->key, "errcode", e->errcode, "replied", e->replied);

    (void)ctx;
    if (e->more != NULL)
        (void)json_object_update(o, (json_t *)e->more);
    (void)json_array_append_new(world.entries, o);
}

static inline void world_on_push(void *ctx, struct sb_push *p)
{
    (void)ctx;
    (void)json_array_append_new(world.pushes, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "connection",
                                                        p->connection->name, "kind", p->kind, "path", p->path,
                                                        "inner", p->inner, "from", p->from, "key", p->key));
    sb_push_free(p);
}

static inline int64_t world_at(const char *text)
{
    int64_t ms;

    T_OK(shanghai_parse(str_of(text), &ms));
    return ms;
}

/* `conf` in JSON with ' for ". */
static inline json_t *world_json(const char *text)
{
    char *copy = mem_strdup(text);
    json_t *o = NULL;
    struct json_fault fault = {0};

    for (char *p = copy; *p != '\0'; p++)
        if (*p == '\'')
            *p = '"';
    if (json_parse(str_of(copy), JSON_DEPTH, &o, &fault) < 0)
        print_error("%d:%d %s\n", fault.line, fault.column, fault.text);
    T_TRUE(o != NULL);
    mem_free(copy);
    return o;
}

static inline void world_open(const char *conf_text, const char *start)
{
    struct sb_sink sink = {.entry = world_on_entry, .push = world_on_push};
    json_t *conf = world_json(conf_text);
    struct diag diag;

    log_set_level(LOG_WARN);
    diag_init(&diag, 10);
    world = (struct world){.now_ms = world_at(start), .entries = json_array(), .pushes = json_array()};
    if (sb_model_new(conf, 1, &sink, world.now_ms, &world.m, &diag) < 0)
        print_error("%s\n", diag_count(&diag) > 0 ? diag_text(&diag, 0) : "no complaint");
    T_TRUE(world.m != NULL);
    diag_fini(&diag);
    json_decref(conf);
}

static inline void world_close(void)
{
    sb_model_free(world.m);
    json_decref(world.entries);
    json_decref(world.pushes);
    json_decref(world.answer);
    json_decref(world.done);
    world = (struct world){0};
}

static inline void world_pass(int64_t ms)
{
    world.now_ms += ms;
    sb_model_run(world.m, world.now_ms);
}

static inline int world_wire(const struct sb_wire *w)
{
    json_t *keep = json_object();
    struct sb_call call;
    int errcode;

    T_TRUE(sb_wire_call(w, keep, &call));
    call.now_ms = world.now_ms;
    sb_model_call(world.m, &call, true);
    errcode = call.errcode;
    json_decref(world.answer);
    world.answer = json_incref(call.answer);
    world.status = call.status;
    sb_call_fini(&call);
    json_decref(keep);
    return errcode;
}

/* The errcode of a call; `body` in JSON with ' for ", NULL: a GET. "$" at the end of the query is the token.
 */
static inline int world_call(enum sb_base base, const char *path, const char *query, const char *body)
{
    json_t *headers = json_object(), *o = body != NULL ? world_json(body) : NULL;
    char *text = o != NULL ? json_dumps(o, JSON_COMPACT) : NULL;
    size_t n = strlen(query);
    char full[400];
    struct sb_wire w = {.base = base, .post = body != NULL, .path = str_of(path), .headers = headers};
    int errcode;

    if (n > 0 && query[n - 1] == '$')
        (void)snprintf(full, sizeof(full), "%.*s%s", (int)(n - 1), query, world.token);
    else
        (void)snprintf(full, sizeof(full), "%s", query);
    w.query = str_of(full);
    if (text != NULL)
        w.body = str_of(text);
    errcode = world_wire(&w);
    free(text);
    json_decref(o);
    json_decref(headers);
    return errcode;
}

/* Asks for a token and keeps it for "$". */
static inline void world_login(enum sb_base base, const char *path, const char *query)
{
    T_EQ(world_call(base, path, query, NULL), 0);
    (void)snprintf(world.token, sizeof(world.token), "%s", json_str(world.answer, "access_token", "?"));
}

/* `spec` in JSON with ' for ". The first customer's answer is in world.done. */
static inline void world_event(const char *spec)
{
    json_t *o = world_json(spec), *ret = NULL;
    struct diag diag;

    diag_init(&diag, 10);
    if (sb_event(world.m, o, world.now_ms, &ret, &diag) < 0)
        print_error("%s\n", diag_count(&diag) > 0 ? diag_text(&diag, 0) : "no complaint");
    T_TRUE(ret != NULL);
    json_decref(world.done);
    world.done = json_incref(json_array_get(json_object_get(ret, "done"), 0));
    json_decref(ret);
    json_decref(o);
    diag_fini(&diag);
}

static inline const json_t *world_last(const json_t *list)
{
    T_TRUE(json_array_size(list) > 0);
    return json_array_get(list, json_array_size(list) - 1);
}

#endif
