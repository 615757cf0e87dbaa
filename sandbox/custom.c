/* SPDX-License-Identifier: Apache-2.0 */
/* What may be sent to one follower because of something he did, and template messages.
 *
 * Each kind of action opens a window of its own; a message is charged to the open one that ends soonest.
 * No window open: 45015. Windows open, but all used up: 45047.
 */
#include "sandbox/official.h"

#include "base/json.h"
#include "base/mem.h"
#include "sandbox/must.h"

#include <inttypes.h>
#include <string.h>

static const enum sb_limit_id limit_of[SB_OPENER_COUNT] = {
    [SB_BY_FOLLOW] = SB_OFFICIAL_REPLY_FOLLOW,
    [SB_BY_SCAN] = SB_OFFICIAL_REPLY_SCAN,
    [SB_BY_MENU] = SB_OFFICIAL_REPLY_MENU,
    [SB_BY_MESSAGE] = SB_OFFICIAL_REPLY_MESSAGE,
};

static int judge_content(const struct sb_model *m, const json_t *body)
{
    const char *type = json_str(body, "msgtype", "");
    const json_t *message = json_object_get(body, type);
    const char *text = json_str(message, "content", "");

    if (!json_is_object(message))
        return SB_O_BAD_TYPE;
    if (strcmp(type, "news") == 0)
        return json_array_size(json_object_get(message, "articles")) == 1 ? 0 : SB_O_ARTICLES;
    if (strcmp(type, "text") != 0)
        return 0;
    if (text[0] == '\0')
        return SB_O_EMPTY;
    return (int64_t)strlen(text) > sb_model_limit(m, SB_OFFICIAL_TEXT)->amount ? SB_O_LONG : 0;
}

static int charge_window(const struct sb_model *m, struct sb_follower *f, int64_t now_ms)
{
    bool open = false;

    for (int i = 0; i < SB_OPENER_COUNT; i++) {
        const struct sb_limit *limit = sb_model_limit(m, limit_of[i]);

        open = open || sb_opened_is_open(&f->windows[i], limit, now_ms);
        if (sb_opened_take(&f->windows[i], limit, now_ms))
            return 0;
    }
    return open ? SB_O_COUNT : SB_O_WINDOW;
}

void sb_custom_send(struct sb_model *m, struct sb_official *o, struct sb_call *c)
{
    const char *openid = json_str(c->body, "touser", "");
    struct sb_follower *f = sb_official_find(o, openid);
    int code;

    c->to = sb_json("[s]", openid);
    c->cost = 1;
    code = f == NULL ? SB_O_BAD_OPENID : judge_content(m, c->body);
    if (code == 0 && !sb_official_take_day(m, o, c, SB_OFFICIAL_CUSTOM_DAY))
        code = SB_O_DAY_QUOTA;
    if (code == 0)
        code = f->subscribed ? charge_window(m, f, c->now_ms) : SB_O_WINDOW;
    if (code != 0)
        sb_refuse(c, code);
    else
        sb_accept(c, NULL);
}

void sb_custom_typing(struct sb_model *m, struct sb_official *o, struct sb_call *c)
{
    struct sb_follower *f = sb_official_find(o, json_str(c->body, "touser", ""));

    (void)m;
    if (f == NULL)
        sb_refuse(c, SB_O_BAD_OPENID);
    else
        sb_accept(c, NULL);
}

/* templates */

struct finish { /* a template message on its way */
    struct sb_connection *connection;
    char *openid;
    int64_t msgid;
};

static void finish_free(void *ctx)
{
    struct finish *f = ctx;

    mem_free(f->openid);
    mem_free(f);
}

static void on_finish(struct sb_model *m, void *ctx, int64_t now_ms)
{
    struct finish *f = ctx;
    char *key = sb_printf("%" PRId64, f->msgid);
    char *inner = sb_official_inner(f->connection, f->openid, now_ms, "event",
                                    sb_json("{s:s, s:I, s:s}", "Event", "TEMPLATESENDJOBFINISH", "MsgID",
                                            (json_int_t)f->msgid, "Status", "success"));

    sb_model_push(m, f->connection, "", "official.template_finished", inner, f->connection->json, f->openid,
                  key, now_ms);
    mem_free(key);
    finish_free(f);
}

static bool template_known(const struct sb_connection *conn, const char *id)
{
    const json_t *ids = json_object_get(conn->conf, "templates");
    size_t i;
    json_t *one;

    json_array_foreach(ids, i,
                       one) if (json_is_string(one) && strcmp(json_string_value(one), id) == 0) return true;
    return !json_is_array(ids) && id[0] != '\0';
}

static int judge_template(struct sb_model *m, struct sb_official *o, struct sb_call *c,
                          const struct sb_follower *f)
{
    if (c->connection->subscription)
        return SB_O_NOT_ALLOWED;
    if (f == NULL)
        return SB_O_BAD_OPENID;
    if (!f->subscribed)
        return SB_O_NOT_FOLLOWER;
    if (!template_known(c->connection, json_str(c->body, "template_id", "")))
        return SB_O_BAD_TEMPLATE;
    if (!json_is_object(json_object_get(c->body, "data")))
        return SB_O_BAD_DATA;
    return sb_official_take_day(m, o, c, SB_OFFICIAL_TEMPLATE_DAY) ? 0 : SB_O_DAY_QUOTA;
}

/* The same client_msg_id for the same follower is delivered once in ten minutes; a repeat is answered like
 * the first. True: this is a repeat. */
static bool template_seen(struct sb_model *m, struct sb_official *o, const struct sb_call *c)
{
    char *key = sb_printf("%s/%s", json_str(c->body, "touser", ""), c->key);
    union map_val *at = map_str_find(&o->template_keys, str_of(key));
    bool seen = at != NULL && c->now_ms - at->i < sb_model_limit(m, SB_OFFICIAL_TEMPLATE_KEY)->window_ms;

    if (!seen)
        sb_must(map_str_put_i64(&o->template_keys, str_of(key), c->now_ms));
    mem_free(key);
    return seen;
}

void sb_template_send(struct sb_model *m, struct sb_official *o, struct sb_call *c)
{
    const char *openid = json_str(c->body, "touser", "");
    const struct sb_follower *f = sb_official_find(o, openid);
    int code = judge_template(m, o, c, f);
    struct finish *finish;
    int64_t msgid;

    c->to = sb_json("[s]", openid);
    c->key = json_str(c->body, "client_msg_id", "");
    if (code != 0) {
        sb_refuse(c, code);
        return;
    }
    msgid = 200000000 + sb_model_next(m);
    if (c->key[0] != '\0' && template_seen(m, o, c)) {
        c->more = sb_json("{s:b}", "repeat", 1);
    } else {
        c->cost = 1;
        finish = sb_new(sizeof(*finish));
        *finish = (struct finish){.connection = c->connection, .openid = sb_copy(openid), .msgid = msgid};
        sb_model_later(m, c->now_ms + SB_SECOND, on_finish, finish, finish_free);
    }
    sb_accept(c, sb_json("{s:I}", "msgid", (json_int_t)msgid));
}
