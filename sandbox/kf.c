/* SPDX-License-Identifier: Apache-2.0 */
/* A log of what customers did, read by cursor, and one session a customer.
 *
 * The cursor is the number of the next item, so it stays good while old items fall off after three days.
 * The push to the gateway names nobody: it only says "come and read", with a token for sync_msg.
 */
#include "sandbox/kf.h"

#include "base/json.h"
#include "base/mem.h"
#include "sandbox/must.h"
#include "sandbox/sbxml.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MOST_THINGS = 10 * 1000 * 1000 };

struct sb_kf *sb_kf_new(void)
{
    struct sb_kf *kf = sb_new(sizeof(*kf));

    kf->first = 1;
    map_str_init(&kf->sessions, MOST_THINGS);
    map_str_init(&kf->codes, MOST_THINGS);
    map_str_init(&kf->msgids, MOST_THINGS);
    map_str_init(&kf->sync_tokens, MOST_THINGS);
    return kf;
}

void sb_kf_free(struct sb_kf *kf)
{
    size_t at = 0;
    struct str key;
    union map_val val;

    if (kf == NULL)
        return;
    while (map_str_next(&kf->sessions, &at, &key, &val)) {
        struct sb_kf_session *s = val.p;

        mem_free(s->customer);
        mem_free(s);
    }
    for (at = 0; map_str_next(&kf->codes, &at, &key, &val);) {
        struct sb_kf_code *code = val.p;

        mem_free(code->text);
        mem_free(code->customer);
        mem_free(code);
    }
    map_str_fini(&kf->sessions);
    map_str_fini(&kf->codes);
    map_str_fini(&kf->msgids);
    map_str_fini(&kf->sync_tokens);
    for (size_t i = 0; i < kf->count; i++)
        json_decref(kf->items[i].item);
    mem_free(kf->items);
    mem_free(kf);
}

static struct sb_kf_session *session_of(struct sb_kf *kf, const char *customer)
{
    struct sb_kf_session *s = map_str_get(&kf->sessions, str_of(customer));

    if (s != NULL)
        return s;
    s = sb_new(sizeof(*s));
    s->customer = sb_copy(customer);
    sb_must(map_str_put(&kf->sessions, str_of(customer), s));
    return s;
}

/* what customers do */

static void forget_old(struct sb_model *m, struct sb_kf *kf, int64_t now_ms)
{
    size_t gone = 0;

    while (gone < kf->count && now_ms - kf->items[gone].at_ms >= sb_model_limit(m, SB_KF_DATA)->window_ms)
        json_decref(kf->items[gone++].item);
    if (gone == 0)
        return;
    memmove(kf->items, kf->items + gone, (kf->count - gone) * sizeof(*kf->items));
    kf->count -= gone;
    kf->first += (int64_t)gone;
}

static void wake(struct sb_model *m, struct sb_connection *conn, int64_t now_ms)
{
    char *token = sb_printf("ENCsb%" PRId64 "%016" PRIx64, sb_model_next(m), sb_model_random(m));
    char *inner = NULL;
    size_t n = 0;
    FILE *out = sb_must_have(open_memstream(&inner, &n));

    fputs("<xml>", out);
    sb_xml_text(out, "ToUserName", conn->owner);
    sb_xml_number(out, "CreateTime", now_ms / SB_SECOND);
    sb_xml_text(out, "MsgType", "event");
    sb_xml_text(out, "Event", "kf_msg_or_event");
    sb_xml_text(out, "Token", token);
    sb_xml_text(out, "OpenKfId", conn->open_kfid);
    fputs("</xml>", out);
    sb_must(fclose(out));
    sb_must(map_str_put_i64(&conn->kf->sync_tokens, str_of(token), now_ms));
    sb_model_push(m, conn, "", "kf.news", inner, false, NULL, token, now_ms);
    mem_free(token);
}

/* Takes `item`. */
static void add_item(struct sb_model *m, struct sb_connection *conn, json_t *item, int64_t now_ms)
{
    struct sb_kf *kf = conn->kf;
    char *msgid = sb_printf("kfm%" PRId64 "%016" PRIx64, sb_model_next(m), sb_model_random(m));

    forget_old(m, kf, now_ms);
    if (kf->count == kf->cap) {
        kf->cap = kf->cap == 0 ? 64 : 2 * kf->cap;
        kf->items = sb_must_have(mem_resize(kf->items, kf->cap, sizeof(*kf->items)));
    }
    sb_json_set(item, "msgid", sb_json("s", msgid));
    sb_json_set(item, "send_time", sb_json("I", (json_int_t)(now_ms / SB_SECOND)));
    kf->items[kf->count++] = (struct sb_kf_item){.at_ms = now_ms, .item = item};
    mem_free(msgid);
    wake(m, conn, now_ms);
}

void sb_kf_say(struct sb_model *m, struct sb_connection *conn, const char *customer, const char *text,
               int64_t now_ms)
{
    struct sb_kf_session *s = session_of(conn->kf, customer);

    s->spoke_ms = now_ms;
    sb_opened_open(&s->turn, now_ms);
    add_item(m, conn,
             sb_json("{s:s, s:s, s:i, s:s, s:{s:s}}", "open_kfid", conn->open_kfid, "external_userid",
                     customer, "origin", 3, "msgtype", "text", "text", "content", text),
             now_ms);
}

static const char *issue_code(struct sb_model *m, struct sb_connection *conn, const char *customer,
                              int64_t now_ms)
{
    struct sb_kf_code *code = sb_new(sizeof(*code));

    code->text = sb_printf("KFC%" PRId64 "_%016" PRIx64, sb_model_next(m), sb_model_random(m));
    code->connection = conn;
    code->customer = sb_copy(customer);
    code->issued_ms = now_ms;
    sb_must(map_str_put(&conn->kf->codes, str_of(code->text), code));
    return code->text;
}

void sb_kf_enter(struct sb_model *m, struct sb_connection *conn, const char *customer, const char *scene,
                 const char *scene_param, int64_t now_ms, const char **ret_code)
{
    struct sb_kf_session *s = session_of(conn->kf, customer);
    int64_t quiet_ms = sb_model_limit(m, SB_KF_TURN)->window_ms;
    bool welcome = (s->spoke_ms == 0 || now_ms - s->spoke_ms >= quiet_ms) &&
                   (s->welcomed_ms == 0 || now_ms - s->welcomed_ms >= quiet_ms);
    json_t *event =
        sb_json("{s:s, s:s, s:s, s:s, s:s}", "event_type", "enter_session", "open_kfid", conn->open_kfid,
                "external_userid", customer, "scene", scene, "scene_param", scene_param);
    const char *code = NULL;

    if (welcome) {
        code = issue_code(m, conn, customer, now_ms);
        sb_json_set(event, "welcome_code", sb_json("s", code));
    }
    add_item(m, conn, sb_json("{s:i, s:s, s:o}", "origin", 4, "msgtype", "event", "event", event), now_ms);
    if (ret_code != NULL)
        *ret_code = code;
}

void sb_kf_send_failed(struct sb_model *m, struct sb_connection *conn, const char *customer,
                       const char *msgid, int64_t fail_type, int64_t now_ms)
{
    add_item(m, conn,
             sb_json("{s:i, s:s, s:{s:s, s:s, s:s, s:s, s:I}}", "origin", 4, "msgtype", "event", "event",
                     "event_type", "msg_send_fail", "open_kfid", conn->open_kfid, "external_userid", customer,
                     "fail_msgid", msgid, "fail_type", (json_int_t)fail_type),
             now_ms);
}

/* sync_msg */

static int judge_sync(struct sb_model *m, struct sb_call *c, const struct sb_kf *kf)
{
    const char *token = json_str(c->body, "token", "");
    union map_val *issued = map_str_find(&kf->sync_tokens, str_of(token));

    if (token[0] == '\0')
        return sb_block_take(&c->connection->kf->tokenless, sb_model_limit(m, SB_KF_SYNC_FREE), c->now_ms)
                   ? 0
                   : SB_W_FREQUENCY;
    if (issued == NULL || c->now_ms - issued->i >= sb_model_limit(m, SB_KF_SYNC_TOKEN)->window_ms)
        return SB_W_KF_TOKEN;
    return 0;
}

/* "c<number>"; 0: from the oldest; -1: none of ours. */
static int64_t cursor_of(const json_t *body)
{
    const char *text = json_str(body, "cursor", "");
    int64_t at;

    if (text[0] == '\0')
        return 0;
    return text[0] == 'c' && str_to_i64(str_of(text + 1), &at) == 0 && at > 0 ? at : -1;
}

void sb_kf_sync(struct sb_model *m, struct sb_corp *corp, struct sb_call *c)
{
    struct sb_kf *kf = c->connection->kf;
    int64_t most = json_int(c->body, "limit", 1000), at = cursor_of(c->body), end;
    json_t *list;
    char *next;
    int code;

    (void)corp;
    c->account = c->connection->open_kfid;
    if (strcmp(json_str(c->body, "open_kfid", ""), c->connection->open_kfid) != 0)
        code = SB_W_BAD_KFID;
    else if (at < 0 || most < 1 || most > sb_model_limit(m, SB_KF_SYNC_PAGE)->amount)
        code = SB_W_BAD_ARGUMENT;
    else
        code = judge_sync(m, c, kf);
    if (code != 0) {
        sb_refuse(c, code);
        return;
    }
    forget_old(m, kf, c->now_ms);
    end = kf->first + (int64_t)kf->count;
    at = at < kf->first ? kf->first : at > end ? end : at;
    list = sb_must_have(json_array());
    for (; at < end && (int64_t)json_array_size(list) < most; at++)
        sb_must(json_array_append(list, kf->items[at - kf->first].item));
    next = sb_printf("c%" PRId64, at);
    sb_accept(c, sb_json("{s:s, s:i, s:o}", "next_cursor", next, "has_more", at < end, "msg_list", list));
    mem_free(next);
}

/* customer/batchget */

void sb_kf_customers(struct sb_model *m, struct sb_corp *corp, struct sb_call *c)
{
    const json_t *ids = json_object_get(c->body, "external_userid_list");
    json_t *known, *unknown, *id;
    size_t i;

    if (json_array_size(ids) == 0 ||
        (int64_t)json_array_size(ids) > sb_model_limit(m, SB_KF_CUSTOMERS)->amount) {
        sb_refuse(c, SB_W_BAD_ARGUMENT);
        return;
    }
    known = sb_must_have(json_array());
    unknown = sb_must_have(json_array());
    json_array_foreach(ids, i, id)
    {
        const char *text = json_is_string(id) ? json_string_value(id) : "";
        const struct sb_customer *cu = sb_corp_find(corp, text);

        if (cu == NULL)
            sb_json_add(unknown, sb_json("s", text));
        else
            sb_json_add(known, sb_json("{s:s, s:s, s:s, s:i}", "external_userid", cu->id, "nickname",
                                       cu->name, "avatar", "", "gender", 0));
    }
    sb_accept(c, sb_json("{s:o, s:o}", "customer_list", known, "invalid_external_userid", unknown));
}

/* sending */

static bool id_is_good(const struct sb_model *m, const char *id)
{
    for (const char *p = id; *p != '\0'; p++)
        if (!isalnum((unsigned char)*p) && *p != '_' && *p != '-')
            return false;
    return (int64_t)strlen(id) <= sb_model_limit(m, SB_KF_MSGID)->amount;
}

/* Text is judged; of other kinds only that their body is there. */
static int judge_message(const struct sb_model *m, const json_t *body)
{
    const char *type = json_str(body, "msgtype", "");
    const json_t *message = json_object_get(body, type);
    const char *text = json_str(message, "content", "");

    if (!json_is_object(message))
        return SB_W_BAD_TYPE;
    if (strcmp(type, "text") != 0)
        return 0;
    if (text[0] == '\0')
        return SB_W_EMPTY;
    return (int64_t)strlen(text) > sb_model_limit(m, SB_KF_TEXT)->amount ? SB_W_LONG : 0;
}

/* Own ids must be new for this kf account. */
static int judge_id(const struct sb_model *m, struct sb_kf *kf, const char *id)
{
    if (!id_is_good(m, id))
        return SB_W_BAD_ARGUMENT;
    return id[0] != '\0' && map_str_find(&kf->msgids, str_of(id)) != NULL ? SB_W_BAD_ARGUMENT : 0;
}

static void accept_message(struct sb_model *m, struct sb_call *c)
{
    const char *own = json_str(c->body, "msgid", "");
    char *id = own[0] != '\0'
                   ? sb_copy(own)
                   : sb_printf("sb%" PRId64 "%012" PRIx64, sb_model_next(m), sb_model_random(m) >> 16);

    sb_must(map_str_put_i64(&c->connection->kf->msgids, str_of(id), c->now_ms));
    c->cost = 1;
    sb_accept(c, sb_json("{s:s}", "msgid", id));
    mem_free(id);
}

void sb_kf_send(struct sb_model *m, struct sb_corp *corp, struct sb_call *c)
{
    struct sb_kf *kf = c->connection->kf;
    const char *customer = json_str(c->body, "touser", "");
    struct sb_kf_session *s = map_str_get(&kf->sessions, str_of(customer));
    int code;

    (void)corp;
    c->account = c->connection->open_kfid;
    c->key = json_str(c->body, "msgid", "");
    c->to = sb_json("[s]", customer);
    if (strcmp(json_str(c->body, "open_kfid", ""), c->connection->open_kfid) != 0)
        code = SB_W_BAD_KFID;
    else if ((code = judge_message(m, c->body)) == 0)
        code = judge_id(m, kf, c->key);
    if (code == 0 && (s == NULL || !sb_opened_is_open(&s->turn, sb_model_limit(m, SB_KF_TURN), c->now_ms)))
        code = SB_W_KF_TIME;
    if (code == 0 && !sb_opened_take(&s->turn, sb_model_limit(m, SB_KF_TURN), c->now_ms))
        code = SB_W_KF_COUNT;
    if (code != 0)
        sb_refuse(c, code);
    else
        accept_message(m, c);
}

/* The call names no kf account: its code does. */
static struct sb_kf_code *find_code(struct sb_model *m, const struct sb_call *c, const char *text)
{
    for (struct list *n = m->connections.next; n != &m->connections; n = n->next) {
        struct sb_connection *conn = container_of(n, struct sb_connection, node);
        struct sb_kf_code *code = conn->kf != NULL && conn->corp == c->connection->corp
                                      ? map_str_get(&conn->kf->codes, str_of(text))
                                      : NULL;

        if (code != NULL)
            return code;
    }
    return NULL;
}

void sb_kf_send_on_event(struct sb_model *m, struct sb_corp *corp, struct sb_call *c)
{
    struct sb_kf_code *code;
    int refusal;

    (void)corp;
    c->key = json_str(c->body, "code", "");
    code = find_code(m, c, c->key);
    if (code != NULL) {
        c->connection = code->connection;
        c->account = c->connection->open_kfid;
        c->to = sb_json("[s]", code->customer);
    }
    if (code == NULL || c->now_ms - code->issued_ms >= sb_model_limit(m, SB_KF_WELCOME)->window_ms)
        refusal = SB_W_KF_TIME;
    else if (code->used)
        refusal = SB_W_KF_COUNT;
    else if ((refusal = judge_message(m, c->body)) == 0)
        refusal = judge_id(m, c->connection->kf, json_str(c->body, "msgid", ""));
    if (refusal != 0) {
        sb_refuse(c, refusal);
        return;
    }
    code->used = true;
    session_of(c->connection->kf, code->customer)->welcomed_ms = c->now_ms;
    accept_message(m, c);
}
