/* SPDX-License-Identifier: Apache-2.0 */
/* The table of calls. Every call but gettoken and the webhook's carries a token; the token names an app, the
 * app a corp; the app must be one that may make this call; then the corp's frequency limit is charged.
 */
#include "sandbox/wecom.h"

#include "base/json.h"
#include "base/mem.h"
#include "sandbox/kf.h"
#include "sandbox/must.h"
#include "sandbox/token.h"

#include <string.h>

enum { MOST_THINGS = 10 * 1000 * 1000 };

static void get_token(struct sb_model *m, struct sb_corp *corp, struct sb_call *c);

struct route {
    const char *path;
    bool post;
    enum sb_kind app; /* a connection of this kind must share corp and secret with the token */
    sb_wecom_fn run;
};

static const struct route routes[] = {
    {"cgi-bin/externalcontact/send_welcome_msg", true, SB_KIND_WECOM, sb_contact_send_welcome},
    {"cgi-bin/externalcontact/add_msg_template", true, SB_KIND_WECOM, sb_task_create},
    {"cgi-bin/externalcontact/get_groupmsg_list_v2", true, SB_KIND_WECOM, sb_task_list},
    {"cgi-bin/externalcontact/get_groupmsg_task", true, SB_KIND_WECOM, sb_task_members},
    {"cgi-bin/externalcontact/get_groupmsg_send_result", true, SB_KIND_WECOM, sb_task_result},
    {"cgi-bin/externalcontact/remind_groupmsg_send", true, SB_KIND_WECOM, sb_task_remind},
    {"cgi-bin/externalcontact/cancel_groupmsg_send", true, SB_KIND_WECOM, sb_task_cancel},
    {"cgi-bin/externalcontact/get", false, SB_KIND_WECOM, sb_contact_get},
    {"cgi-bin/externalcontact/list", false, SB_KIND_WECOM, sb_contact_list},
    {"cgi-bin/externalcontact/get_follow_user_list", false, SB_KIND_WECOM, sb_contact_followers},
    {"cgi-bin/externalcontact/mark_tag", true, SB_KIND_WECOM, sb_contact_mark_tag},
    {"cgi-bin/externalcontact/get_corp_tag_list", true, SB_KIND_WECOM, sb_contact_tag_list},
    {"cgi-bin/externalcontact/groupchat/list", true, SB_KIND_WECOM, sb_contact_chat_list},
    {"cgi-bin/externalcontact/groupchat/get", true, SB_KIND_WECOM, sb_contact_chat_get},
    {"cgi-bin/message/send", true, SB_KIND_WECOM, sb_app_send},
    {"cgi-bin/kf/customer/batchget", true, SB_KIND_KF, sb_kf_customers},
    {"cgi-bin/kf/sync_msg", true, SB_KIND_KF, sb_kf_sync},
    {"cgi-bin/kf/send_msg", true, SB_KIND_KF, sb_kf_send},
    {"cgi-bin/kf/send_msg_on_event", true, SB_KIND_KF, sb_kf_send_on_event},
    {"cgi-bin/media/upload", true, SB_KIND_WECOM, sb_media_upload},
    {"cgi-bin/gettoken", false, SB_KIND_WECOM, get_token},
};

static const char webhook_path[] = "cgi-bin/webhook/send";

static const struct route *route_of(const char *path)
{
    for (size_t i = 0; i < ARRAY_LEN(routes); i++)
        if (strcmp(routes[i].path, path) == 0)
            return &routes[i];
    return NULL;
}

struct sb_corp *sb_corp_of(struct sb_model *m, const char *corp_id)
{
    struct sb_corp *corp = map_str_get(&m->corps, str_of(corp_id));

    if (corp != NULL)
        return corp;
    corp = sb_new(sizeof(*corp));
    corp->corp_id = corp_id;
    map_str_init(&corp->members, MOST_THINGS);
    map_str_init(&corp->customers, MOST_THINGS);
    map_str_init(&corp->chats, MOST_THINGS);
    map_str_init(&corp->codes, MOST_THINGS);
    map_str_init(&corp->media, MOST_THINGS);
    map_str_init(&corp->frequency, MOST_THINGS);
    map_str_init(&corp->tasks, MOST_THINGS);
    map_str_init(&corp->said, MOST_THINGS);
    list_init(&corp->member_list);
    list_init(&corp->chat_list);
    list_init(&corp->task_list);
    corp->tags = sb_must_have(json_object());
    sb_must(map_str_put(&m->corps, str_of(corp_id), corp));
    return corp;
}

void sb_corp_free(struct sb_corp *corp)
{
    size_t at = 0;
    struct str key;
    union map_val val;

    if (corp == NULL)
        return;
    sb_task_free_all(corp);
    sb_contact_free(corp);
    while (map_str_next(&corp->media, &at, &key, &val)) {
        struct sb_media *media = val.p;

        mem_free(media->id);
        mem_free(media);
    }
    map_str_fini(&corp->media);
    for (at = 0; map_str_next(&corp->frequency, &at, &key, &val);)
        mem_free(val.p);
    map_str_fini(&corp->frequency);
    map_str_fini(&corp->said);
    json_decref(corp->tags);
    mem_free(corp);
}

/* who calls */

static bool shares_app(const struct sb_connection *c, const char *owner, const char *secret)
{
    return c->owner != NULL && strcmp(c->owner, owner) == 0 && strcmp(c->secret, secret) == 0;
}

/* The connection of that kind (and kf account) which the app of `t` serves; any of the app's else. */
static struct sb_connection *connection_of(const struct sb_model *m, const struct sb_token *t,
                                           enum sb_kind kind, const char *open_kfid)
{
    struct sb_connection *other = NULL;

    for (struct list *n = m->connections.next; n != &m->connections; n = n->next) {
        struct sb_connection *c = container_of(n, struct sb_connection, node);

        if (c->corp == NULL || !shares_app(c, t->owner, t->secret))
            continue;
        if (c->kind == kind && (open_kfid == NULL || strcmp(c->open_kfid, open_kfid) == 0))
            return c;
        other = c;
    }
    return other;
}

static struct sb_connection *by_login(const struct sb_model *m, const char *corp_id, const char *secret)
{
    for (struct list *n = m->connections.next; n != &m->connections; n = n->next) {
        struct sb_connection *c = container_of(n, struct sb_connection, node);

        if (c->corp != NULL && shares_app(c, corp_id, secret))
            return c;
    }
    return NULL;
}

static struct sb_connection *by_webhook_key(const struct sb_model *m, const char *key)
{
    for (struct list *n = m->connections.next; n != &m->connections; n = n->next) {
        struct sb_connection *c = container_of(n, struct sb_connection, node);

        if (c->kind == SB_KIND_WEBHOOK && strcmp(c->key, key) == 0)
            return c;
    }
    return NULL;
}

void sb_wecom_identify(struct sb_model *m, struct sb_call *c)
{
    const struct route *route = route_of(c->path);
    struct sb_token *t;

    if (strcmp(c->path, webhook_path) == 0) {
        c->connection = by_webhook_key(m, json_str(c->query, "key", ""));
    } else if (route != NULL && route->run == get_token) {
        c->connection = by_login(m, json_str(c->query, "corpid", ""), json_str(c->query, "corpsecret", ""));
    } else if (sb_token_find(m, json_str(c->query, "access_token", ""), c->now_ms, &t) != SB_TOKEN_UNKNOWN &&
               t->kind != SB_KIND_OFFICIAL) {
        c->connection = connection_of(m, t, route != NULL ? route->app : SB_KIND_WECOM,
                                      json_str(c->body, "open_kfid", NULL));
    }
}

/* judging */

static bool corp_exists(const struct sb_model *m, const char *corp_id)
{
    return map_str_get(&m->corps, str_of(corp_id)) != NULL;
}

/* A caller that fails its login 2,000 times in an hour is shut out for one. */
static bool login_failed(struct sb_model *m, const char *corp_id, int64_t now_ms)
{
    static const struct sb_limit failures = {.amount = 2000, .span = SB_BLOCK, .window_ms = SB_HOUR};
    struct sb_block *b = map_str_get(&m->bad_logins, str_of(corp_id));

    if (b == NULL) {
        b = sb_new(sizeof(*b));
        sb_must(map_str_put(&m->bad_logins, str_of(corp_id), b));
    }
    return sb_block_take(b, &failures, now_ms);
}

static void get_token(struct sb_model *m, struct sb_corp *corp, struct sb_call *c)
{
    const char *corp_id = json_str(c->query, "corpid", "");
    int64_t life_ms = sb_model_limit(m, SB_WECOM_TOKEN)->window_ms;
    struct sb_token *t;

    (void)corp;
    if (corp_id[0] == '\0') {
        sb_refuse(c, SB_W_NO_CORPID);
    } else if (json_str(c->query, "corpsecret", "")[0] == '\0') {
        sb_refuse(c, SB_W_NO_SECRET);
    } else if (!corp_exists(m, corp_id)) {
        sb_refuse(c, SB_W_BAD_CORPID);
    } else if (c->connection == NULL) {
        sb_refuse(c, login_failed(m, corp_id, c->now_ms) ? SB_W_BAD_SECRET : SB_W_FREQUENCY);
    } else {
        t = sb_token_newest(m, c->connection, false, c->now_ms);
        if (t == NULL)
            t = sb_token_mint(m, c->connection, false, life_ms, c->now_ms);
        sb_accept(c, sb_json("{s:s, s:I}", "access_token", t->text, "expires_in",
                             (json_int_t)((t->expires_ms - c->now_ms) / SB_SECOND)));
    }
}

static int judge_token(struct sb_model *m, const struct sb_call *c)
{
    const char *text = json_str(c->query, "access_token", "");
    struct sb_token *t;

    if (text[0] == '\0')
        return SB_W_NO_TOKEN;
    switch (sb_token_find(m, text, c->now_ms, &t)) {
    case SB_TOKEN_GOOD: return t->kind == SB_KIND_OFFICIAL ? SB_W_BAD_TOKEN : 0;
    case SB_TOKEN_EXPIRED: return SB_W_EXPIRED_TOKEN;
    case SB_TOKEN_UNKNOWN: break;
    }
    return SB_W_BAD_TOKEN;
}

static bool within_frequency(struct sb_model *m, struct sb_corp *corp, const struct sb_call *c)
{
    struct sb_frequency *f = map_str_get(&corp->frequency, str_of(c->path));

    if (f == NULL) {
        f = sb_new(sizeof(*f));
        sb_must(map_str_put(&corp->frequency, str_of(c->path), f));
    }
    return sb_block_take(&f->minute, sb_model_limit(m, SB_WECOM_API_MINUTE), c->now_ms) &&
           sb_block_take(&f->hour, sb_model_limit(m, SB_WECOM_API_HOUR), c->now_ms);
}

static int judge_call(struct sb_model *m, const struct route *route, struct sb_call *c)
{
    int code = judge_token(m, c);

    if (code != 0)
        return code;
    if (route->run != sb_media_upload && c->connection->kind != route->app)
        return route->app == SB_KIND_KF ? SB_W_KF_NOT_GRANTED : SB_W_NOT_ALLOWED;
    if (!within_frequency(m, c->connection->corp, c))
        return SB_W_FREQUENCY;
    if (route->post && route->run != sb_media_upload && !json_is_object(c->body))
        return SB_W_BAD_ARGUMENT;
    return 0;
}

void sb_wecom_call(struct sb_model *m, struct sb_call *c)
{
    const struct route *route = route_of(c->path);
    int code;

    if (strcmp(c->path, webhook_path) == 0) {
        sb_webhook_send(m, c);
    } else if (route == NULL || (route->post && !c->post)) {
        c->status = 404;
        sb_refuse(c, SB_W_BAD_ARGUMENT);
    } else if (route->run == get_token) {
        get_token(m, NULL, c);
    } else {
        code = judge_call(m, route, c);
        if (code != 0)
            sb_refuse(c, code);
        else
            route->run(m, c->connection->corp, c);
    }
}
