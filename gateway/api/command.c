/* SPDX-License-Identifier: Apache-2.0 */
/* What the command line asks of a running gateway: {"do": "apply", "files": [{"name", "text"}]} checks and
 * applies all files or none; {"do": "ask", "request": {...}} passes a question to the engine; {"do": "stall",
 * "ms"} is for tests. The answer is {"ok": true, ...} or {"ok": false, "error": ..., "complaints": [...]}. */
#include "api/api_private.h"

#include <string.h>

#include "base/crypto.h"
#include "base/json.h"
#include "base/mem.h"
#include "engine/rulebook.h"

enum { COMPLAINTS_MAX = 200 };

/* An apply on its way to the engine. */
struct applying {
    struct api *api;
    struct control_id id;
    json_t *warnings;
};

static void answer(struct api *a, struct control_id id, json_t *body)
{
    struct buf line;

    buf_init(&line, CONTROL_LINE_BYTES);
    if (a->control && body && json_write_compact(body, &line) == 0)
        control_reply(a->control, id, buf_str(&line));
    else if (a->control)
        control_reply(a->control, id, STR("{\"ok\":false,\"error\":\"no memory\"}"));
    buf_fini(&line);
    json_decref(body);
}

static void refuse(struct api *a, struct control_id id, const char *why)
{
    answer(a, id, json_pack("{s:b, s:s}", "ok", 0, "error", why));
}

static void on_applied(void *ctx, int64_t tag, int err, struct str text)
{
    struct applying *p = ctx;

    (void)tag, (void)text;
    if (err)
        refuse(p->api, p->id, err == ERR_FULL ? "too many playbooks are applied" : err_text(err));
    else
        answer(p->api, p->id, json_pack("{s:b, s:O}", "ok", 1, "complaints", p->warnings));
    json_decref(p->warnings);
    mem_free(p);
}

static json_t *texts(const struct diag *diag)
{
    json_t *all = json_array();

    for (size_t i = 0; i < diag_count(diag); i++)
        (void)json_array_append_new(all, json_string(diag_text(diag, i)));
    return all;
}

static int compile(const struct api *a, const json_t *file, struct diag *diag, struct plan **ret)
{
    struct plan *plan;
    int err = playbook_compile(str_of(json_str(file, "text", "")), json_str(file, "name", "playbook"),
                               a->world, diag, &plan);

    if (err)
        return err;
    err = rulebook_lint(plan, a->conf.fold, diag);
    if (err)
        plan_free(plan);
    else
        *ret = plan;
    return err;
}

/* All files are looked at, so that every complaint is heard. */
static int compile_all(const struct api *a, const json_t *files, struct diag *diag, struct plan **plans,
                       size_t *ret_n)
{
    size_t n = json_array_size(files);
    int worst = 0;

    *ret_n = 0;
    if (!n || n > OP_PLANS_MAX) {
        diag_addf(diag, NULL, 0, "nothing to apply: name one to %d playbook files", OP_PLANS_MAX);
        return ERR_CONFIG;
    }
    for (size_t i = 0; i < n; i++) {
        int err = compile(a, json_array_get(files, i), diag, &plans[*ret_n]);
        *ret_n += !err;
        worst = err ? err : worst;
    }
    return worst;
}

/* All files are good: from here on only the engine can refuse. */
static int hand_over(struct api *a, struct control_id id, struct plan *const *plans, size_t n,
                     const struct diag *diag)
{
    struct applying *p = mem_alloc(sizeof *p);

    if (!p) {
        for (size_t i = 0; i < n; i++)
            plan_free(plans[i]);
        return -ENOMEM;
    }
    *p = (struct applying){.api = a, .id = id, .warnings = texts(diag)};
    int err = host_apply(a->host, plans, n, on_applied, p, 0);
    if (err) {
        json_decref(p->warnings);
        mem_free(p);
    }
    return err;
}

static void apply(struct api *a, struct control_id id, const json_t *request)
{
    struct plan *plans[OP_PLANS_MAX];
    struct diag diag;
    size_t n;

    diag_init(&diag, COMPLAINTS_MAX);
    int err = compile_all(a, json_object_get(request, "files"), &diag, plans, &n);
    if (err) {
        for (size_t i = 0; i < n; i++)
            plan_free(plans[i]);
        answer(a, id,
               json_pack("{s:b, s:s, s:o}", "ok", 0, "error", "not applied", "complaints", texts(&diag)));
    } else {
        err = hand_over(a, id, plans, n, &diag);
        if (err)
            refuse(a, id, err_text(err));
    }
    diag_fini(&diag);
}

static void on_engine(void *ctx, int64_t tag, int err, struct str text)
{
    struct api *a = ctx;
    json_t *body = NULL;

    if (json_parse(text, JSON_DEPTH, &body, NULL) != 0)
        body = json_object();
    (void)json_object_set_new(body, "ok", json_boolean(!err));
    answer(a, (struct control_id){(uint64_t)tag}, body);
}

static void ask(struct api *a, struct control_id id, const json_t *request)
{
    struct buf text;

    buf_init(&text, 65536);
    int err = json_write_compact(json_object_get(request, "request"), &text);
    if (!err)
        err = host_ask(a->host, buf_str(&text), on_engine, a, (int64_t)id.value);
    if (err)
        refuse(a, id, err_text(err));
    buf_fini(&text);
}

/* A token on its way into the store. */
struct keeping {
    struct api *api;
    struct control_id id;
    struct auth_token token;
};

static void on_kept(void *ctx, int64_t tag, int err, struct str text)
{
    struct keeping *k = ctx;

    (void)tag, (void)text;
    if (!err)
        err = auth_add(k->api->auth, &k->token);
    if (err)
        refuse(k->api, k->id, err_text(err));
    else
        answer(k->api, k->id, json_pack("{s:b}", "ok", 1));
    mem_free(k);
}

static int keep(struct api *a, struct control_id id, const json_t *request)
{
    struct keeping *k = mem_calloc(1, sizeof *k);
    struct buf hash, text;
    int err = k ? auth_role_of(str_of(json_str(request, "role", "")), &k->token.role) : -ENOMEM;

    buf_init(&hash, 64);
    buf_init(&text, 4096);
    if (!err)
        err = crypto_unhex(str_of(json_str(request, "hash", "")), &hash);
    if (!err && hash.len != sizeof k->token.hash)
        err = ERR_INVALID;
    if (!err)
        err = json_write_compact(request, &text);
    if (!err) {
        k->api = a;
        k->id = id;
        k->token.expires_ms = json_int(request, "expires_ms", 0);
        memcpy(k->token.hash, hash.data, sizeof k->token.hash);
        err = host_ask(a->host, buf_str(&text), on_kept, k, 0);
    }
    if (err)
        mem_free(k);
    buf_fini(&text);
    buf_fini(&hash);
    return err;
}

/* The engine reads the same object: its `ask` is "token". */
static void token(struct api *a, struct control_id id, json_t *request)
{
    int err = json_object_set_new(request, "ask", json_string("token")) ? -ENOMEM : keep(a, id, request);

    if (err)
        refuse(a, id, err_text(err));
}

void command_take(void *ctx, struct control_id id, struct str line)
{
    struct api *a = ctx;
    json_t *request = NULL;
    int err = json_parse(line, JSON_DEPTH, &request, NULL);
    const char *what = json_str(request, "do", "");

    if (err) {
        refuse(a, id, "the request is not JSON");
    } else if (strcmp(what, "apply") == 0) {
        apply(a, id, request);
    } else if (strcmp(what, "token") == 0) {
        token(a, id, request);
    } else if (strcmp(what, "ask") == 0) {
        ask(a, id, request);
    } else if (strcmp(what, "stall") == 0 && a->conf.testing) {
        host_stall_engine(a->host, json_int(request, "ms", 0));
        answer(a, id, json_pack("{s:b}", "ok", 1));
    } else {
        refuse(a, id, "no such order");
    }
    json_decref(request);
}
