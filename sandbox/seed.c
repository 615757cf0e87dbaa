/* SPDX-License-Identifier: Apache-2.0 */
/* Connections first, so that the seeds can name them. A seed that fails half-way leaves what it made: the
 * sandbox does not start then, and over the control interface a repeat is harmless. */
#include "sandbox/seed.h"

#include "base/log.h"
#include "base/mem.h"
#include "sandbox/kf.h"
#include "sandbox/must.h"
#include "sandbox/official.h"
#include "sandbox/sms.h"
#include "sandbox/wecom.h"

#include <inttypes.h>
#include <string.h>

/* connections */

static const struct kind_row {
    const char *name, *owner_key;
    enum sb_kind kind;
} kinds[] = {
    {"wecom", "corp_id", SB_KIND_WECOM},
    {"wecom-kf", "corp_id", SB_KIND_KF},
    {"wecom-webhook", "key", SB_KIND_WEBHOOK},
    {"official", "appid", SB_KIND_OFFICIAL},
    {"sms-aliyun", "access_key_id", SB_KIND_ALIYUN},
};

static const struct kind_row *kind_of(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

static int read_mode(struct sb_connection *c, struct json_ctx *ctx)
{
    const char *mode, *format;

    if (json_opt_string(c->conf, "mode", "safe", &mode, ctx) < 0 ||
        json_opt_string(c->conf, "format", "xml", &format, ctx) < 0)
        return ERR_CONFIG;
    if (strcmp(mode, "plain") == 0)
        c->mode = SB_MODE_PLAIN;
    else if (strcmp(mode, "compatible") == 0)
        c->mode = SB_MODE_COMPATIBLE;
    else if (strcmp(mode, "safe") == 0)
        c->mode = SB_MODE_SAFE;
    else
        json_complainf(ctx, c->conf, "mode", "unknown mode \"%s\": write plain, compatible or safe", mode);
    c->json = strcmp(format, "json") == 0;
    if (!c->json && strcmp(format, "xml") != 0)
        json_complainf(ctx, c->conf, "format", "unknown format \"%s\": write xml or json", format);
    return 0;
}

/* What a callback needs. */
static int read_sealing(struct sb_connection *c, struct json_ctx *ctx)
{
    const char *text;

    if (json_get_string(c->conf, "token", &c->token, ctx) < 0)
        return ERR_CONFIG;
    if (c->kind == SB_KIND_OFFICIAL && c->mode == SB_MODE_PLAIN)
        return 0;
    if (json_get_string(c->conf, "aes_key", &text, ctx) < 0)
        return ERR_CONFIG;
    if (sb_aes_key(text, c->aes_key) < 0) {
        json_complainf(ctx, c->conf, "aes_key", "must be the 43 letters and digits of an EncodingAESKey");
        return ERR_CONFIG;
    }
    c->has_aes_key = true;
    return 0;
}

static int read_platform(struct sb_model *m, struct sb_connection *c, struct json_ctx *ctx)
{
    int r = 0;

    switch (c->kind) {
    case SB_KIND_WECOM:
    case SB_KIND_KF:
        r = json_get_string(c->conf, "secret", &c->secret, ctx);
        if (r == 0 && c->kind == SB_KIND_KF)
            r = json_get_string(c->conf, "open_kfid", &c->open_kfid, ctx);
        c->corp = sb_corp_of(m, c->owner);
        c->kf = c->kind == SB_KIND_KF ? sb_kf_new() : NULL;
        return r < 0 ? ERR_CONFIG : read_sealing(c, ctx);
    case SB_KIND_WEBHOOK: c->key = c->owner; return 0;
    case SB_KIND_OFFICIAL:
        r = json_get_string(c->conf, "secret", &c->secret, ctx);
        c->official = sb_official_of(m, c->owner);
        c->subscription = strcmp(json_str(c->conf, "account_type", "service"), "subscription") == 0;
        c->gh_id = json_str(c->conf, "gh_id", "gh_sandbox0000");
        if (r < 0 || read_mode(c, ctx) < 0)
            return ERR_CONFIG;
        return read_sealing(c, ctx);
    case SB_KIND_ALIYUN:
        r = json_get_string(c->conf, "access_key_secret", &c->secret, ctx);
        if (r == 0)
            r = json_opt_string(c->conf, "path_key", "", &c->path_key, ctx);
        c->sms = sb_sms_of(m, c->owner);
        c->sms->report_after_ms = json_int(m->conf, "report_after_ms", c->sms->report_after_ms);
        return r < 0 ? ERR_CONFIG : 0;
    }
    return ERR_CONFIG;
}

static int read_connection(struct sb_model *m, const char *name, const json_t *conf, struct json_ctx *ctx)
{
    const struct kind_row *row;
    struct sb_connection *c;
    const char *kind;

    if (json_get_string(conf, "kind", &kind, ctx) < 0)
        return ERR_CONFIG;
    row = kind_of(kind);
    if (row == NULL) {
        log_info("sandbox", "connection=%s kind=%s is not played here", name, kind);
        return 0;
    }
    c = sb_new(sizeof(*c));
    list_init(&c->node);
    list_add_tail(&m->connections, &c->node);
    c->name = name;
    c->kind = row->kind;
    c->conf = conf;
    c->secret = "";
    if (json_get_string(conf, row->owner_key, &c->owner, ctx) < 0)
        return ERR_CONFIG;
    return read_platform(m, c, ctx);
}

static int read_limits(struct sb_model *m, const json_t *limits, struct json_ctx *ctx)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)limits, name, value)
    {
        size_t i = 0;

        while (i < SB_LIMIT_COUNT && strcmp(m->limits[i].name, name) != 0)
            i++;
        if (i == SB_LIMIT_COUNT || !json_is_integer(value)) {
            json_complainf(ctx, limits, name,
                           "no such limit, or not a number: the names are in sandbox/data.h");
            return ERR_CONFIG;
        }
        if (m->limits[i].span == SB_LIFE)
            m->limits[i].window_ms = json_integer_value(value);
        else
            m->limits[i].amount = json_integer_value(value);
    }
    return 0;
}

/* seeds */

typedef int (*seed_fn)(struct sb_model *m, const json_t *spec, int64_t now_ms, struct json_ctx *ctx);

/* The connection that `spec` names; without a name the first of that kind. */
static struct sb_connection *named(struct sb_model *m, const json_t *spec, int kind, struct json_ctx *ctx)
{
    const char *name = json_str(spec, "connection", NULL);
    struct sb_connection *c = name != NULL ? sb_model_connection(m, name) : NULL;

    for (struct list *n = m->connections.next; name == NULL && c == NULL && n != &m->connections; n = n->next)
        if ((int)container_of(n, struct sb_connection, node)->kind == kind)
            c = container_of(n, struct sb_connection, node);
    if (c == NULL)
        json_complainf(ctx, spec, "connection", "no such connection: name one of `connections`");
    return c;
}

static int seed_member(struct sb_model *m, const json_t *spec, int64_t now_ms, struct json_ctx *ctx)
{
    struct sb_connection *conn = named(m, spec, SB_KIND_WECOM, ctx);
    const char *userid, *confirm;
    struct sb_member *member;

    if (conn == NULL || conn->corp == NULL || json_get_string(spec, "userid", &userid, ctx) < 0 ||
        json_opt_string(spec, "confirm", "auto", &confirm, ctx) < 0)
        return ERR_CONFIG;
    member = sb_corp_member(conn->corp, userid);
    member->confirms = strcmp(confirm, "never") != 0;
    member->after_ms = json_int(spec, "after_ms", member->after_ms);
    sb_task_member_changed(m, conn->corp, member, now_ms);
    return 0;
}

static void seed_wecom_customer(struct sb_model *m, struct sb_connection *conn, const json_t *spec,
                                const char *name, int64_t now_ms)
{
    const json_t *members = json_object_get(spec, "members"), *tags = json_object_get(spec, "tags");
    struct sb_customer *cu = sb_corp_customer(m, conn, name);
    size_t i, k;
    json_t *member, *tag;

    json_array_foreach(members, i, member)
    {
        const char *userid = json_is_string(member) ? json_string_value(member) : "";
        struct sb_follow *f = sb_customer_add(cu, sb_corp_member(conn->corp, userid), now_ms);

        json_array_foreach(tags, k, tag)
        {
            if (json_is_string(tag))
                sb_follow_tag(conn->corp, f, json_string_value(tag));
        }
    }
}

static void seed_follower(struct sb_model *m, struct sb_connection *conn, const json_t *spec,
                          const char *name, int64_t now_ms)
{
    struct sb_follower *f = sb_official_follower(m, conn, name, now_ms);
    const json_t *tags = json_object_get(spec, "tags");
    size_t i;
    json_t *tag;

    json_array_foreach(tags, i, tag)
    {
        if (json_is_string(tag))
            sb_follower_tag(f, sb_official_tag_id(conn->official, json_string_value(tag), 0));
    }
}

static int seed_one_customer(struct sb_model *m, struct sb_connection *conn, const json_t *spec,
                             const char *name, const char *id, int64_t now_ms, struct json_ctx *ctx)
{
    if (id != NULL)
        sb_model_name(m, conn, name, id);
    switch (conn->kind) {
    case SB_KIND_WECOM:
    case SB_KIND_KF: seed_wecom_customer(m, conn, spec, name, now_ms); return 0;
    case SB_KIND_OFFICIAL: seed_follower(m, conn, spec, name, now_ms); return 0;
    case SB_KIND_ALIYUN:
        if (id == NULL)
            sb_model_name(m, conn, name, name);
        sb_sms_number(conn->sms, id != NULL ? id : name)->fails = json_str(spec, "fails", NULL);
        return 0;
    case SB_KIND_WEBHOOK: break;
    }
    json_complainf(ctx, spec, "connection", "a webhook has no customers");
    return ERR_CONFIG;
}

/* `count` makes many: {n} in the name (or at its end) is 1, 2, ... */
static int seed_customer(struct sb_model *m, const json_t *spec, int64_t now_ms, struct json_ctx *ctx)
{
    struct sb_connection *conn = named(m, spec, SB_KIND_WECOM, ctx);
    int64_t count = json_int(spec, "count", 0);
    const char *name, *mark;
    int r = 0;

    if (conn == NULL || json_get_string(spec, "name", &name, ctx) < 0)
        return ERR_CONFIG;
    if (count == 0)
        return seed_one_customer(m, conn, spec, name, json_str(spec, "id", NULL), now_ms, ctx);
    mark = strstr(name, "{n}");
    for (int64_t i = 1; r == 0 && i <= count; i++) {
        char *one = mark != NULL ? sb_printf("%.*s%" PRId64 "%s", (int)(mark - name), name, i, mark + 3)
                                 : sb_printf("%s%" PRId64, name, i);

        r = seed_one_customer(m, conn, spec, one, NULL, now_ms, ctx);
        mem_free(one);
    }
    return r;
}

static int seed_group(struct sb_model *m, const json_t *spec, int64_t now_ms, struct json_ctx *ctx)
{
    struct sb_connection *conn = named(m, spec, SB_KIND_WECOM, ctx);
    const char *id, *owner;
    struct sb_chat *chat;
    size_t i;
    json_t *member;

    if (conn == NULL || conn->corp == NULL || json_get_string(spec, "chat_id", &id, ctx) < 0 ||
        json_get_string(spec, "owner", &owner, ctx) < 0)
        return ERR_CONFIG;
    chat = sb_corp_chat(m, conn->corp, id, owner, now_ms);
    mem_free(chat->name);
    chat->name = sb_copy(json_str(spec, "name", id));
    json_array_foreach(json_object_get(spec, "members"), i, member)
    {
        if (json_is_string(member))
            sb_chat_join(m, conn, chat, json_string_value(member), 1, now_ms);
    }
    return 0;
}

static int seed_tag(struct sb_model *m, const json_t *spec, int64_t now_ms, struct json_ctx *ctx)
{
    struct sb_connection *conn = named(m, spec, SB_KIND_OFFICIAL, ctx);
    const char *name, *id;
    int64_t tag_id;
    size_t i;
    json_t *one;

    if (conn == NULL || json_get_string(spec, "name", &name, ctx) < 0)
        return ERR_CONFIG;
    if (conn->official != NULL) {
        tag_id = sb_official_tag_id(conn->official, name, json_int(spec, "id", 0));
        json_array_foreach(json_object_get(spec, "customers"), i, one)
        {
            if (json_is_string(one))
                sb_follower_tag(sb_official_follower(m, conn, json_string_value(one), now_ms), tag_id);
        }
    } else if (conn->corp != NULL) {
        id = json_str(spec, "id", name);
        sb_json_set(conn->corp->tags, id,
                    sb_json("{s:s, s:s}", "name", name, "group", json_str(spec, "group", "sandbox")));
    }
    return 0;
}

static int seed_template(struct sb_model *m, const json_t *spec, int64_t now_ms, struct json_ctx *ctx)
{
    struct sb_connection *conn = named(m, spec, SB_KIND_ALIYUN, ctx);
    const char *code, *text, *type;
    enum sb_sms_class kind = SB_SMS_NOTICE;

    (void)now_ms;
    if (conn == NULL || conn->sms == NULL || json_get_string(spec, "code", &code, ctx) < 0 ||
        json_opt_string(spec, "text", NULL, &text, ctx) < 0 ||
        json_opt_string(spec, "type", "notice", &type, ctx) < 0)
        return ERR_CONFIG;
    if (strcmp(type, "promotion") == 0)
        kind = SB_SMS_PROMO;
    else if (strcmp(type, "otp") == 0)
        kind = SB_SMS_OTP;
    else if (strcmp(type, "notice") != 0) {
        json_complainf(ctx, spec, "type", "unknown type \"%s\": write otp, notice or promotion", type);
        return ERR_CONFIG;
    }
    sb_sms_add_template(conn->sms, code, text, kind);
    return 0;
}

static int seed_list(struct sb_model *m, const json_t *seed, const char *key, seed_fn fn, int64_t now_ms,
                     struct json_ctx *ctx)
{
    const json_t *list;
    size_t i;
    json_t *spec;
    int r = 0;

    if (json_opt_array(seed, key, &list, ctx) < 0)
        return ERR_CONFIG;
    json_ctx_push(ctx, key);
    json_array_foreach(list, i, spec)
    {
        json_ctx_push_index(ctx, i);
        if (r == 0)
            r = fn(m, spec, now_ms, ctx);
        json_ctx_pop(ctx);
    }
    json_ctx_pop(ctx);
    return r;
}

int sb_seed_apply(struct sb_model *m, json_t *seed, int64_t now_ms, struct json_ctx *ctx)
{
    static const char *const keys[] = {"members", "customers", "groups", "tags", "templates", NULL};
    static const seed_fn fns[] = {seed_member, seed_customer, seed_group, seed_tag, seed_template};
    int r = json_only_keys(seed, keys, ctx);

    sb_must(json_array_append(m->kept, seed));
    for (size_t i = 0; r == 0 && keys[i] != NULL; i++)
        r = seed_list(m, seed, keys[i], fns[i], now_ms, ctx);
    return r;
}

/* all of it */

int sb_seed(struct sb_model *m, int64_t now_ms, struct diag *diag)
{
    static const char *const keys[] = {"listen", "ledger", "gateway",         "connections",
                                       "limits", "seed",   "report_after_ms", NULL};
    struct json_ctx ctx;
    const json_t *connections;
    json_t *seed = json_object_get(m->conf, "seed");
    const char *name;
    json_t *conf;
    int r;

    json_ctx_init(&ctx, diag, NULL, NULL);
    if (json_only_keys(m->conf, keys, &ctx) < 0 ||
        json_get_object(m->conf, "connections", &connections, &ctx) < 0)
        return ERR_CONFIG;
    json_ctx_push(&ctx, "connections");
    json_object_foreach((json_t *)connections, name, conf)
    {
        json_ctx_push(&ctx, name);
        r = read_connection(m, name, conf, &ctx);
        json_ctx_pop(&ctx);
        if (r < 0)
            return ERR_CONFIG;
    }
    json_ctx_pop(&ctx);
    json_ctx_push(&ctx, "limits");
    r = read_limits(m, json_object_get(m->conf, "limits"), &ctx);
    json_ctx_pop(&ctx);
    if (r == 0 && seed != NULL) {
        json_ctx_push(&ctx, "seed");
        r = sb_seed_apply(m, seed, now_ms, &ctx);
        json_ctx_pop(&ctx);
    }
    return r == 0 && diag_errors(diag) == 0 ? 0 : ERR_CONFIG;
}
