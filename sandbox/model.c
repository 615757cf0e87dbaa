/* SPDX-License-Identifier: Apache-2.0 */
/* What all platforms share: who is connected, what comes later, what is told to the ledger and the gateway.
 *
 * A call is identified, judged by its platform's file, and only then written down, so the ledger's order is
 * the order in which the platform did things.
 */
#include "sandbox/model.h"

#include "base/json.h"
#include "base/mem.h"
#include "sandbox/kf.h"
#include "sandbox/must.h"
#include "sandbox/official.h"
#include "sandbox/seed.h"
#include "sandbox/sms.h"
#include "sandbox/token.h"
#include "sandbox/wecom.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

enum { MOST_OWNERS = 1000, MOST_TOKENS = 1000000 };

const struct sb_limit *sb_model_limit(const struct sb_model *m, enum sb_limit_id id)
{
    return &m->limits[id];
}

struct sb_connection *sb_model_connection(const struct sb_model *m, const char *name)
{
    for (struct list *n = m->connections.next; n != &m->connections; n = n->next) {
        struct sb_connection *c = container_of(n, struct sb_connection, node);

        if (strcmp(c->name, name) == 0)
            return c;
    }
    return NULL;
}

/* splitmix64: small, seedable, and good enough for tokens that guard nothing. */
uint64_t sb_model_random(struct sb_model *m)
{
    uint64_t z = m->random += 0x9E3779B97F4A7C15u;

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

int64_t sb_model_next(struct sb_model *m)
{
    return ++m->sequence;
}

void sb_model_emit(struct sb_model *m, const struct sb_entry *e)
{
    m->sink.entry(m->sink.ctx, e);
}

/* pushes */

void sb_model_push(struct sb_model *m, struct sb_connection *conn, const char *path, const char *kind,
                   char *inner, bool json, const char *from, const char *key, int64_t now_ms)
{
    for (int64_t i = 0; i < m->push_times; i++) {
        struct sb_push *p = sb_new(sizeof(*p));

        list_init(&p->node);
        p->connection = conn;
        p->path = path;
        p->kind = kind;
        p->inner = sb_copy(inner);
        p->json = json;
        p->from = sb_copy(from != NULL ? from : "");
        p->key = sb_copy(key != NULL ? key : "");
        p->due_ms = now_ms;
        m->sink.push(m->sink.ctx, p);
    }
    mem_free(inner);
}

void sb_model_verify(struct sb_model *m, struct sb_connection *conn, int64_t now_ms)
{
    struct sb_push *p = sb_new(sizeof(*p));

    list_init(&p->node);
    p->connection = conn;
    p->path = "";
    p->kind = "verify";
    p->inner = sb_printf("%" PRIu64, sb_model_random(m));
    p->verify = true;
    p->from = sb_copy("");
    p->key = sb_copy(p->inner);
    p->due_ms = now_ms;
    m->sink.push(m->sink.ctx, p);
}

void sb_push_free(struct sb_push *p)
{
    if (p == NULL)
        return;
    mem_free(p->inner);
    mem_free(p->from);
    mem_free(p->key);
    mem_free(p);
}

/* people */

static void name_add(struct sb_model *m, const struct sb_connection *conn, const char *name, const char *id)
{
    json_t *list = json_object_get(m->people, name);
    size_t i;
    json_t *known;

    if (list == NULL) {
        list = sb_must_have(json_array());
        sb_json_set(m->people, name, list);
    }
    json_array_foreach(list, i, known) if (strcmp(json_str(known, "connection", ""), conn->name) == 0) return;
    sb_json_add(list, sb_json("{s:s, s:s}", "connection", conn->name, "id", id));
}

void sb_model_name(struct sb_model *m, const struct sb_connection *conn, const char *name, const char *id)
{
    name_add(m, conn, name, id);
    if (strcmp(name, id) != 0)
        name_add(m, conn, id, id);
}

const char *sb_model_id_of(const struct sb_model *m, const struct sb_connection *conn, const char *name)
{
    size_t i;
    json_t *known;

    json_array_foreach(json_object_get(m->people, name), i, known)
    {
        if (strcmp(json_str(known, "connection", ""), conn->name) == 0)
            return json_str(known, "id", NULL);
    }
    return NULL;
}

/* later */

void sb_model_later(struct sb_model *m, int64_t at_ms, sb_later_fn run, void *ctx, void (*drop)(void *ctx))
{
    struct sb_later *l = sb_new(sizeof(*l));
    struct list *at = m->later.prev;

    *l = (struct sb_later){.at_ms = at_ms, .run = run, .ctx = ctx, .drop = drop};
    list_init(&l->node);
    while (at != &m->later && container_of(at, struct sb_later, node)->at_ms > at_ms)
        at = at->prev;
    list_insert_after(at, &l->node);
}

int64_t sb_model_due_ms(const struct sb_model *m)
{
    return list_empty(&m->later) ? INT64_MAX : container_of(m->later.next, struct sb_later, node)->at_ms;
}

void sb_model_run(struct sb_model *m, int64_t now_ms)
{
    while (sb_model_due_ms(m) <= now_ms) {
        struct sb_later *l = container_of(m->later.next, struct sb_later, node);
        struct sb_later now = *l;

        list_del(&l->node);
        mem_free(l);
        now.run(m, now.ctx, now_ms);
    }
}

/* calls */

void sb_model_identify(struct sb_model *m, struct sb_call *c)
{
    c->connection = NULL;
    switch (c->base) {
    case SB_BASE_WECOM: sb_wecom_identify(m, c); break;
    case SB_BASE_OFFICIAL: sb_official_identify(m, c); break;
    case SB_BASE_ALIYUN: sb_sms_identify(m, c); break;
    }
}

static void call_write_down(struct sb_model *m, const struct sb_call *c, bool replied)
{
    char digest[SB_SHA256_HEX] = "";
    const char *name = c->connection != NULL ? c->connection->name : NULL;
    struct sb_entry e = {.t_ms = c->now_ms,
                         .connection = name,
                         .account = c->account != NULL ? c->account : name,
                         .op = c->op,
                         .to = c->to,
                         .cost = c->cost,
                         .key = c->key,
                         .errcode = c->errcode,
                         .replied = replied,
                         .more = c->more};

    if (sb_sha256_hex(c->raw.p != NULL ? c->raw.p : "", c->raw.n, digest))
        e.body_sha256 = digest;
    sb_model_emit(m, &e);
}

/* Without "cgi-bin/": "externalcontact/send_welcome_msg". */
static const char *op_of(const struct sb_call *c)
{
    static const char prefix[] = "cgi-bin/";

    if (c->base == SB_BASE_ALIYUN)
        return json_str(c->headers, "x-acs-action", "?");
    return strncmp(c->path, prefix, sizeof(prefix) - 1) == 0 ? c->path + sizeof(prefix) - 1 : c->path;
}

static void call_note_code(struct sb_call *c)
{
    if (c->code == NULL || strcmp(c->code, sb_aliyun_codes[SB_A_OK].word) == 0)
        return;
    if (c->more == NULL)
        c->more = sb_must_have(json_object());
    sb_json_set(c->more, "code", sb_json("s", c->code));
}

void sb_model_call(struct sb_model *m, struct sb_call *c, bool replied)
{
    sb_model_run(m, c->now_ms);
    c->op = op_of(c);
    c->status = 200;
    sb_model_identify(m, c);
    switch (c->base) {
    case SB_BASE_WECOM: sb_wecom_call(m, c); break;
    case SB_BASE_OFFICIAL: sb_official_call(m, c); break;
    case SB_BASE_ALIYUN: sb_sms_call(m, c); break;
    }
    call_note_code(c);
    call_write_down(m, c, replied);
}

void sb_model_refuse(struct sb_model *m, struct sb_call *c, int errcode, const char *code)
{
    sb_model_run(m, c->now_ms);
    c->op = op_of(c);
    c->status = 200;
    sb_model_identify(m, c);
    if (c->base == SB_BASE_ALIYUN)
        sb_sms_refuse(c, code != NULL ? code : sb_aliyun_codes[SB_A_BUSY].word, NULL);
    else
        sb_refuse(c, errcode);
    call_note_code(c);
    call_write_down(m, c, true);
}

void sb_call_fini(struct sb_call *c)
{
    json_decref(c->answer);
    json_decref(c->to);
    json_decref(c->more);
    c->answer = c->to = c->more = NULL;
}

void sb_accept(struct sb_call *c, json_t *extra)
{
    c->errcode = 0;
    c->answer = sb_json("{s:i, s:s}", "errcode", 0, "errmsg", "ok");
    if (extra != NULL) {
        sb_must(json_object_update(c->answer, extra));
        json_decref(extra);
    }
}

void sb_refuse(struct sb_call *c, int errcode)
{
    const char *text = c->base == SB_BASE_WECOM ? sb_wecom_text(errcode) : sb_official_text(errcode);

    c->errcode = errcode;
    c->cost = 0;
    c->answer = sb_json("{s:i, s:s}", "errcode", errcode, "errmsg", text);
}

/* life */

int sb_model_new(const json_t *conf, uint64_t seed, const struct sb_sink *sink, int64_t now_ms,
                 struct sb_model **ret, struct diag *diag)
{
    struct sb_model *m = sb_new(sizeof(*m));
    int r;

    m->conf = sb_must_have(json_deep_copy(conf));
    memcpy(m->limits, sb_limits, sizeof(m->limits));
    m->sink = *sink;
    m->random = seed;
    m->people = sb_must_have(json_object());
    m->kept = sb_must_have(json_array());
    m->push_times = 1;
    list_init(&m->connections);
    list_init(&m->later);
    map_str_init(&m->corps, MOST_OWNERS);
    map_str_init(&m->officials, MOST_OWNERS);
    map_str_init(&m->smses, MOST_OWNERS);
    map_str_init(&m->bad_logins, MOST_TOKENS);
    map_str_init(&m->tokens, MOST_TOKENS);
    map_str_init(&m->newest, MOST_TOKENS);
    r = sb_seed(m, now_ms, diag);
    if (r < 0) {
        sb_model_free(m);
        return r;
    }
    *ret = m;
    return 0;
}

static void free_values(struct map_str *map, void (*free_one)(void *))
{
    size_t at = 0;
    struct str key;
    union map_val val;

    while (map_str_next(map, &at, &key, &val))
        free_one(val.p);
    map_str_fini(map);
}

static void free_corp(void *p)
{
    sb_corp_free(p);
}

static void free_official(void *p)
{
    sb_official_free(p);
}

static void free_sms(void *p)
{
    sb_sms_free(p);
}

static void free_token(void *p)
{
    sb_token_free(p);
}

static void free_later(struct sb_model *m)
{
    while (!list_empty(&m->later)) {
        struct sb_later *l = container_of(m->later.next, struct sb_later, node);

        list_del(&l->node);
        if (l->drop != NULL)
            l->drop(l->ctx);
        mem_free(l);
    }
}

void sb_model_free(struct sb_model *m)
{
    if (m == NULL)
        return;
    free_later(m);
    while (!list_empty(&m->connections)) {
        struct sb_connection *c = container_of(m->connections.next, struct sb_connection, node);

        list_del(&c->node);
        sb_kf_free(c->kf);
        sb_slide_fini(&c->webhook);
        mem_free(c);
    }
    free_values(&m->corps, free_corp);
    free_values(&m->officials, free_official);
    free_values(&m->smses, free_sms);
    free_values(&m->bad_logins, mem_free);
    free_values(&m->tokens, free_token);
    map_str_fini(&m->newest);
    json_decref(m->people);
    json_decref(m->kept);
    json_decref(m->conf);
    mem_free(m);
}
