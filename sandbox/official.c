/* SPDX-License-Identifier: Apache-2.0 */
/* The table of calls, tokens, followers and tags of an official account. */
#include "sandbox/official.h"

#include "base/json.h"
#include "base/mem.h"
#include "sandbox/must.h"
#include "sandbox/sbxml.h"
#include "sandbox/token.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MOST_THINGS = 10 * 1000 * 1000, FIRST_OWN_TAG = 100 };

/* state */

struct sb_official *sb_official_of(struct sb_model *m, const char *appid)
{
    struct sb_official *o = map_str_get(&m->officials, str_of(appid));

    if (o != NULL)
        return o;
    o = sb_new(sizeof(*o));
    o->appid = appid;
    o->tags = sb_must_have(json_array());
    map_str_init(&o->followers, MOST_THINGS);
    map_str_init(&o->days, MOST_THINGS);
    map_str_init(&o->jobs, MOST_THINGS);
    map_str_init(&o->mass_keys, MOST_THINGS);
    map_str_init(&o->template_keys, MOST_THINGS);
    sb_must(map_str_put(&m->officials, str_of(appid), o));
    return o;
}

void sb_official_free(struct sb_official *o)
{
    size_t at = 0;
    struct str key;
    union map_val val;

    if (o == NULL)
        return;
    sb_mass_free_all(o);
    for (size_t i = 0; i < o->order_count; i++) {
        struct sb_follower *f = o->order[i];

        mem_free(f->openid);
        mem_free(f->name);
        mem_free(f->scene);
        json_decref(f->tags);
        mem_free(f);
    }
    mem_free(o->order);
    while (map_str_next(&o->days, &at, &key, &val))
        mem_free(val.p);
    map_str_fini(&o->followers);
    map_str_fini(&o->days);
    map_str_fini(&o->template_keys);
    json_decref(o->tags);
    mem_free(o);
}

struct sb_follower *sb_official_find(const struct sb_official *o, const char *openid)
{
    return map_str_get(&o->followers, str_of(openid));
}

/* 28 characters that begin with o are an openid already. */
static char *openid_for(const char *name)
{
    char hex[SB_SHA256_HEX] = "";

    if (name[0] == 'o' &&
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == strlen(name))
        return sb_copy(name);
    if (!sb_sha256_hex(name, strlen(name), hex))
        sb_must(-1);
    return sb_printf("o%.27s", hex);
}

struct sb_follower *sb_official_follower(struct sb_model *m, struct sb_connection *conn,
                                         const char *name_or_id, int64_t now_ms)
{
    struct sb_official *o = conn->official;
    const char *known = sb_model_id_of(m, conn, name_or_id);
    char *openid = known != NULL ? sb_copy(known) : openid_for(name_or_id);
    struct sb_follower *f = sb_official_find(o, openid);

    sb_model_name(m, conn, name_or_id, openid);
    if (f == NULL) {
        f = sb_new(sizeof(*f));
        f->openid = sb_copy(openid);
        f->name = sb_copy(name_or_id);
        f->subscribed = true;
        f->since_ms = now_ms;
        f->scene = sb_copy("");
        f->tags = sb_must_have(json_array());
        sb_must(map_str_put(&o->followers, str_of(openid), f));
        if ((o->order_count & (o->order_count - 1)) == 0)
            o->order = sb_must_have(
                mem_resize(o->order, o->order_count == 0 ? 1 : 2 * o->order_count, sizeof(*o->order)));
        o->order[o->order_count++] = f;
    }
    mem_free(openid);
    return f;
}

int64_t sb_official_tag_id(struct sb_official *o, const char *name, int64_t id)
{
    size_t i;
    json_t *tag;

    json_array_foreach(o->tags, i, tag)
    {
        if (strcmp(json_str(tag, "name", ""), name) == 0)
            return json_int(tag, "id", 0);
    }
    if (id == 0)
        id = FIRST_OWN_TAG + (int64_t)json_array_size(o->tags);
    sb_json_add(o->tags, sb_json("{s:I, s:s}", "id", (json_int_t)id, "name", name));
    return id;
}

bool sb_follower_has_tag(const struct sb_follower *f, int64_t tag_id)
{
    size_t i;
    json_t *id;

    json_array_foreach(f->tags, i, id) if (json_integer_value(id) == tag_id) return true;
    return false;
}

void sb_follower_tag(struct sb_follower *f, int64_t tag_id)
{
    if (!sb_follower_has_tag(f, tag_id))
        sb_json_add(f->tags, sb_json("I", (json_int_t)tag_id));
}

char *sb_official_inner(const struct sb_connection *conn, const char *openid, int64_t now_ms,
                        const char *msg_type, json_t *extra)
{
    json_t *all = sb_json("{s:s, s:s, s:I, s:s}", "ToUserName", conn->gh_id, "FromUserName", openid,
                          "CreateTime", (json_int_t)(now_ms / SB_SECOND), "MsgType", msg_type);
    char *text = NULL;
    size_t n = 0;
    FILE *out;

    if (extra != NULL)
        sb_must(json_object_update(all, extra));
    json_decref(extra);
    if (conn->json) {
        text = sb_must_have(json_dumps(all, JSON_COMPACT));
    } else {
        out = sb_must_have(open_memstream(&text, &n));
        fputs("<xml>", out);
        sb_xml_members(out, all);
        fputs("</xml>", out);
        sb_must(fclose(out));
    }
    json_decref(all);
    return text;
}

/* tokens */

static void answer_token(struct sb_call *c, const struct sb_token *t, int64_t life_ms)
{
    sb_accept(c, NULL);
    json_decref(c->answer); /* this answer has no errcode */
    c->answer =
        sb_json("{s:s, s:I}", "access_token", t->text, "expires_in", (json_int_t)(life_ms / SB_SECOND));
}

/* 0: it is this account's. */
static int judge_login(struct sb_model *m, const struct sb_call *c, const json_t *args)
{
    const char *appid = json_str(args, "appid", ""), *secret = json_str(args, "secret", "");

    if (strcmp(json_str(args, "grant_type", ""), "client_credential") != 0)
        return SB_O_BAD_GRANT;
    if (appid[0] == '\0' || secret[0] == '\0')
        return appid[0] == '\0' ? SB_O_NO_APPID : SB_O_NO_SECRET;
    if (map_str_get(&m->officials, str_of(appid)) == NULL)
        return SB_O_BAD_APPID;
    return c->connection == NULL ? SB_O_BAD_SECRET : 0;
}

static void plain_token(struct sb_model *m, struct sb_official *o, struct sb_call *c)
{
    int64_t life_ms = sb_model_limit(m, SB_OFFICIAL_TOKEN)->window_ms;
    int code = judge_login(m, c, c->query);

    (void)o;
    if (code == 0 && !sb_official_take_day(m, c->connection->official, c, SB_OFFICIAL_TOKEN_DAY))
        code = SB_O_DAY_QUOTA;
    if (code != 0) {
        sb_refuse(c, code);
        return;
    }
    sb_token_end(m, c->connection, SB_TOKENS_MINTED,
                 c->now_ms + sb_model_limit(m, SB_OFFICIAL_TOKEN_OVERLAP)->window_ms);
    answer_token(c, sb_token_mint(m, c->connection, false, life_ms, c->now_ms), life_ms);
}

/* More often than every 30 s or 20 times a day, a forced refresh is an ordinary call. */
static bool may_force(struct sb_model *m, struct sb_official *o, const struct sb_call *c)
{
    if (!json_flag(c->body, "force_refresh", false) ||
        (o->forced_ms != 0 &&
         c->now_ms - o->forced_ms < sb_model_limit(m, SB_OFFICIAL_FORCE_GAP)->window_ms) ||
        !sb_tally_take(&o->forced_day, sb_model_limit(m, SB_OFFICIAL_FORCE_DAY), 1, c->now_ms))
        return false;
    o->forced_ms = c->now_ms;
    return true;
}

static void stable_token(struct sb_model *m, struct sb_official *o, struct sb_call *c)
{
    int64_t life_ms = sb_model_limit(m, SB_OFFICIAL_TOKEN)->window_ms;
    int64_t overlap_ms = sb_model_limit(m, SB_OFFICIAL_TOKEN_OVERLAP)->window_ms;
    int code = judge_login(m, c, c->body);
    struct sb_token *t;

    o = c->connection != NULL ? c->connection->official : NULL;
    if (code == 0 &&
        !sb_block_take(&o->stable_minute, sb_model_limit(m, SB_OFFICIAL_STABLE_MINUTE), c->now_ms))
        code = SB_O_FREQUENCY;
    if (code != 0) {
        sb_refuse(c, code);
        return;
    }
    if (may_force(m, o, c))
        sb_token_end(m, c->connection, SB_TOKENS_STABLE, c->now_ms);
    t = sb_token_newest(m, c->connection, true, c->now_ms);
    if (t == NULL || t->expires_ms - c->now_ms <= overlap_ms) /* renewed; the old one lives its rest */
        t = sb_token_mint(m, c->connection, true, life_ms, c->now_ms);
    answer_token(c, t, t->expires_ms - c->now_ms);
}

/* followers and tags */

static void tags_get(struct sb_model *m, struct sb_official *o, struct sb_call *c)
{
    json_t *list = sb_must_have(json_array()), *tag;
    size_t i;

    (void)m;
    json_array_foreach(o->tags, i, tag)
    {
        int64_t id = json_int(tag, "id", 0), count = 0;
        json_t *one = sb_must_have(json_copy(tag));

        for (size_t k = 0; k < o->order_count; k++)
            count += o->order[k]->subscribed && sb_follower_has_tag(o->order[k], id);
        sb_json_set(one, "count", sb_json("I", (json_int_t)count));
        sb_json_add(list, one);
    }
    sb_accept(c, sb_json("{s:o}", "tags", list));
}

/* The openids behind `next` that are subscribed and have the tag (0: any), at most `most`. */
static json_t *openids(const struct sb_official *o, const char *next, int64_t tag_id, int64_t most)
{
    json_t *list = sb_must_have(json_array());
    bool on = next[0] == '\0';

    for (size_t i = 0; i < o->order_count && (int64_t)json_array_size(list) < most; i++) {
        const struct sb_follower *f = o->order[i];

        if (on && f->subscribed && (tag_id == 0 || sb_follower_has_tag(f, tag_id)))
            sb_json_add(list, sb_json("s", f->openid));
        on = on || strcmp(f->openid, next) == 0;
    }
    return list;
}

/* Takes `list`. */
static json_t *page_json(json_t *list)
{
    size_t n = json_array_size(list);
    const char *last = n > 0 ? json_string_value(json_array_get(list, n - 1)) : "";

    json_t *page = sb_json("{s:I, s:s}", "count", (json_int_t)n, "next_openid", last);

    if (n > 0)
        sb_json_set(page, "data", sb_json("{s:O}", "openid", list));
    json_decref(list);
    return page;
}

static void tag_followers(struct sb_model *m, struct sb_official *o, struct sb_call *c)
{
    int64_t id = json_int(c->body, "tagid", 0);
    bool known = false;
    size_t i;
    json_t *tag;

    json_array_foreach(o->tags, i, tag) known = known || json_int(tag, "id", 0) == id;
    if (!known) {
        sb_refuse(c, SB_O_TAG);
        return;
    }
    sb_accept(c, page_json(openids(o, json_str(c->body, "next_openid", ""), id,
                                   sb_model_limit(m, SB_OFFICIAL_TAG_PAGE)->amount)));
}

static void user_get(struct sb_model *m, struct sb_official *o, struct sb_call *c)
{
    int64_t total = 0;

    if (!sb_official_take_day(m, o, c, SB_OFFICIAL_USER_GET_DAY)) {
        sb_refuse(c, SB_O_DAY_QUOTA);
        return;
    }
    for (size_t i = 0; i < o->order_count; i++)
        total += o->order[i]->subscribed;
    sb_accept(c, page_json(openids(o, json_str(c->query, "next_openid", ""), 0,
                                   sb_model_limit(m, SB_OFFICIAL_USER_PAGE)->amount)));
    sb_json_set(c->answer, "total", sb_json("I", (json_int_t)total));
}

static void user_info(struct sb_model *m, struct sb_official *o, struct sb_call *c)
{
    const struct sb_follower *f = sb_official_find(o, json_str(c->query, "openid", ""));

    if (f == NULL || !sb_official_take_day(m, o, c, SB_OFFICIAL_USER_INFO_DAY)) {
        sb_refuse(c, f == NULL ? SB_O_BAD_OPENID : SB_O_DAY_QUOTA);
    } else if (!f->subscribed) {
        sb_accept(c, sb_json("{s:i, s:s}", "subscribe", 0, "openid", f->openid));
    } else {
        sb_accept(c, sb_json("{s:i, s:s, s:I, s:s, s:i, s:O, s:s, s:s}", "subscribe", 1, "openid", f->openid,
                             "subscribe_time", (json_int_t)(f->since_ms / SB_SECOND), "remark", "", "groupid",
                             0, "tagid_list", f->tags, "subscribe_scene",
                             f->scene[0] != '\0' ? "ADD_SCENE_QR_CODE" : "ADD_SCENE_SEARCH", "qr_scene_str",
                             f->scene));
    }
}

/* calls */

struct route {
    const char *path;
    bool post, login; /* login: no token yet */
    sb_official_fn run;
};

static const struct route routes[] = {
    {"cgi-bin/token", false, true, plain_token},
    {"cgi-bin/stable_token", true, true, stable_token},
    {"cgi-bin/message/custom/send", true, false, sb_custom_send},
    {"cgi-bin/message/custom/typing", true, false, sb_custom_typing},
    {"cgi-bin/message/template/send", true, false, sb_template_send},
    {"cgi-bin/message/mass/send", true, false, sb_mass_send},
    {"cgi-bin/message/mass/sendall", true, false, sb_mass_sendall},
    {"cgi-bin/message/mass/get", true, false, sb_mass_get},
    {"cgi-bin/tags/get", false, false, tags_get},
    {"cgi-bin/user/tag/get", true, false, tag_followers},
    {"cgi-bin/user/get", false, false, user_get},
    {"cgi-bin/user/info", false, false, user_info},
};

static const struct route *route_of(const char *path)
{
    for (size_t i = 0; i < ARRAY_LEN(routes); i++)
        if (strcmp(routes[i].path, path) == 0)
            return &routes[i];
    return NULL;
}

bool sb_official_take_day(struct sb_model *m, struct sb_official *o, struct sb_call *c,
                          enum sb_limit_id limit)
{
    struct sb_tally *t = map_str_get(&o->days, str_of(c->path));

    if (t == NULL) {
        t = sb_new(sizeof(*t));
        sb_must(map_str_put(&o->days, str_of(c->path), t));
    }
    return sb_tally_take(t, sb_model_limit(m, limit), 1, c->now_ms);
}

static struct sb_connection *by_login(const struct sb_model *m, const char *appid, const char *secret)
{
    for (struct list *n = m->connections.next; n != &m->connections; n = n->next) {
        struct sb_connection *c = container_of(n, struct sb_connection, node);

        if (c->official != NULL && strcmp(c->owner, appid) == 0 && strcmp(c->secret, secret) == 0)
            return c;
    }
    return NULL;
}

void sb_official_identify(struct sb_model *m, struct sb_call *c)
{
    const struct route *route = route_of(c->path);
    const json_t *args = route != NULL && route->post ? c->body : c->query;
    struct sb_token *t;

    if (route != NULL && route->login)
        c->connection = by_login(m, json_str(args, "appid", ""), json_str(args, "secret", ""));
    else if (sb_token_find(m, json_str(c->query, "access_token", ""), c->now_ms, &t) != SB_TOKEN_UNKNOWN &&
             t->kind == SB_KIND_OFFICIAL)
        c->connection = by_login(m, t->owner, t->secret);
}

/* A body that escapes what lies outside ASCII is refused, as the platform does. */
static bool has_escapes(struct str raw)
{
    for (size_t i = 0; i + 5 < raw.n; i++) {
        if (raw.p[i] != '\\')
            continue;
        if (raw.p[i + 1] == 'u' && memcmp(raw.p + i + 2, "00", 2) != 0)
            return true;
        i++;
    }
    return false;
}

static int judge_call(struct sb_model *m, const struct route *route, const struct sb_call *c)
{
    const char *text = json_str(c->query, "access_token", "");
    struct sb_token *t;

    if (route->post && !c->post)
        return SB_O_NOT_POST;
    if (route->post && c->raw.n == 0)
        return SB_O_NO_BODY;
    if (route->post && !json_is_object(c->body))
        return SB_O_BAD_JSON;
    if (route->post && has_escapes(c->raw))
        return SB_O_ESCAPED;
    if (route->login)
        return 0;
    if (text[0] == '\0')
        return SB_O_NO_TOKEN;
    switch (sb_token_find(m, text, c->now_ms, &t)) {
    case SB_TOKEN_GOOD: return t->kind == SB_KIND_OFFICIAL ? 0 : SB_O_BAD_CREDENTIAL;
    case SB_TOKEN_EXPIRED: return SB_O_EXPIRED_TOKEN;
    case SB_TOKEN_UNKNOWN: break;
    }
    return SB_O_BAD_CREDENTIAL;
}

void sb_official_call(struct sb_model *m, struct sb_call *c)
{
    const struct route *route = route_of(c->path);
    int code;

    if (route == NULL) {
        c->status = 404;
        sb_refuse(c, SB_O_BAD_ARGUMENT);
        return;
    }
    code = judge_call(m, route, c);
    if (code != 0)
        sb_refuse(c, code);
    else
        route->run(m, c->connection != NULL ? c->connection->official : NULL, c);
}
