/* SPDX-License-Identifier: Apache-2.0 */
/* One row a kind: the platform it belongs to and what it does. */
#include "sandbox/event.h"

#include "base/json.h"
#include "base/mem.h"
#include "sandbox/kf.h"
#include "sandbox/must.h"
#include "sandbox/official.h"
#include "sandbox/sbxml.h"
#include "sandbox/sms.h"
#include "sandbox/wecom.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MOST_AT_ONCE = 1000000 };

struct doing {
    struct sb_model *m;
    struct sb_connection *conn;
    const json_t *spec;
    const char *customer; /* the name in the spec; "" where there is none */
    int64_t now_ms, at_ms;
    json_t *done; /* what is answered for this customer */
    struct diag *diag;
};

typedef int (*event_fn)(struct doing *d);

static const char *arg(const struct doing *d, const char *key, const char *def)
{
    return json_str(d->spec, key, def);
}

static int need(const struct doing *d, const char *key)
{
    if (arg(d, key, "")[0] != '\0')
        return 0;
    diag_addf(d->diag, NULL, 0, "%s: missing", key);
    return ERR_INVALID;
}

/* WeCom */

/* Takes `extra`. `key` names the event for good. */
static void push_wecom(struct doing *d, const char *kind, const char *event, const char *change,
                       const char *from, json_t *extra)
{
    json_t *all = sb_json("{s:s, s:s, s:I, s:s, s:s, s:s}", "ToUserName", d->conn->owner, "FromUserName",
                          "sys", "CreateTime", (json_int_t)(d->at_ms / SB_SECOND), "MsgType", "event",
                          "Event", event, "ChangeType", change);
    char *key = sb_printf("%s/%" PRId64, change, sb_model_next(d->m));
    char *inner = NULL;
    size_t n = 0;
    FILE *out = sb_must_have(open_memstream(&inner, &n));

    sb_must(json_object_update(all, extra));
    json_decref(extra);
    fputs("<xml>", out);
    sb_xml_members(out, all);
    fputs("</xml>", out);
    sb_must(fclose(out));
    json_decref(all);
    sb_model_push(d->m, d->conn, "", kind, inner, false, from, key, d->now_ms);
    mem_free(key);
}

static void push_contact(struct doing *d, const char *change, const struct sb_customer *cu, const char *code,
                         const char *source)
{
    json_t *extra = sb_json("{s:s, s:s}", "UserID", arg(d, "userid", ""), "ExternalUserID", cu->id);

    if (arg(d, "state", "")[0] != '\0')
        sb_json_set(extra, "State", sb_json("s", arg(d, "state", "")));
    if (code != NULL) {
        sb_json_set(extra, "WelcomeCode", sb_json("s", code));
        sb_json_set(d->done, "welcome_code", sb_json("s", code));
    }
    if (source != NULL)
        sb_json_set(extra, "Source", sb_json("s", source));
    push_wecom(d, "contact", "change_external_contact", change, cu->id, extra);
}

static struct sb_customer *customer_of(struct doing *d)
{
    struct sb_customer *cu = sb_corp_customer(d->m, d->conn, d->customer);

    sb_json_set(d->done, "id", sb_json("s", cu->id));
    return cu;
}

static struct sb_welcome *welcome_for(struct doing *d, struct sb_customer *cu, struct sb_follow *f)
{
    struct sb_welcome *w;

    if (!json_flag(d->spec, "welcome", true))
        return NULL;
    w = sb_welcome_issue(d->m, d->conn->corp, cu, f->member, d->now_ms);
    w->racing = json_int(d->spec, "racing", 0);
    w->done = json_flag(d->spec, "taken", false);
    return w;
}

static struct sb_follow *follow(struct doing *d, struct sb_customer *cu)
{
    struct sb_follow *f = sb_customer_add(cu, sb_corp_member(d->conn->corp, arg(d, "userid", "")), d->now_ms);

    f->lost = false;
    if (arg(d, "state", "")[0] != '\0' && f->state == NULL)
        f->state = sb_copy(arg(d, "state", ""));
    return f;
}

/* A full add after a half-add whose code was used has no code. */
static int contact_added(struct doing *d)
{
    struct sb_customer *cu;
    struct sb_follow *f;
    struct sb_welcome *w = NULL;

    if (need(d, "userid") < 0)
        return ERR_INVALID;
    cu = customer_of(d);
    f = follow(d, cu);
    if (f->half_code == NULL || !f->half_code->done)
        w = welcome_for(d, cu, f);
    f->half = false;
    push_contact(d, "add_external_contact", cu, w != NULL ? w->code : NULL, NULL);
    return 0;
}

static int contact_half_added(struct doing *d)
{
    struct sb_customer *cu;
    struct sb_follow *f;

    if (need(d, "userid") < 0)
        return ERR_INVALID;
    cu = customer_of(d);
    f = follow(d, cu);
    f->half = true;
    f->half_code = welcome_for(d, cu, f);
    push_contact(d, "add_half_external_contact", cu, f->half_code != NULL ? f->half_code->code : NULL, NULL);
    return 0;
}

static int contact_edited(struct doing *d)
{
    if (need(d, "userid") < 0)
        return ERR_INVALID;
    push_contact(d, "edit_external_contact", customer_of(d), NULL, NULL);
    return 0;
}

static int contact_lost(struct doing *d)
{
    struct sb_customer *cu;
    struct sb_follow *f;

    if (need(d, "userid") < 0)
        return ERR_INVALID;
    cu = customer_of(d);
    f = sb_customer_follow(cu, arg(d, "userid", ""));
    if (f != NULL)
        f->lost = true;
    push_contact(d, "del_follow_user", cu, NULL, NULL);
    return 0;
}

static int contact_deleted(struct doing *d)
{
    struct sb_customer *cu;

    if (need(d, "userid") < 0)
        return ERR_INVALID;
    cu = customer_of(d);
    sb_customer_drop(cu, sb_corp_member(d->conn->corp, arg(d, "userid", "")));
    push_contact(d, "del_external_contact", cu, NULL, json_str(d->spec, "source", NULL));
    return 0;
}

/* Somebody sent to the customer by hand: the month knows, the gateway is not told. */
static int contact_touched(struct doing *d)
{
    struct sb_customer *cu = customer_of(d);

    for (int64_t i = 0; i < json_int(d->spec, "messages", 1); i++)
        (void)sb_tally_take(&cu->month, sb_model_limit(d->m, SB_WECOM_CUSTOMER_MONTH), 1, d->now_ms);
    return 0;
}

/* groups */

static struct sb_chat *chat_of(struct doing *d)
{
    const char *owner = arg(d, "owner", "sandbox");

    return sb_corp_chat(d->m, d->conn->corp, arg(d, "chat_id", ""), owner, d->now_ms);
}

static int push_chat(struct doing *d, const char *change, json_t *extra)
{
    json_t *all = sb_json("{s:s}", "ChatId", arg(d, "chat_id", ""));

    if (extra != NULL)
        sb_must(json_object_update(all, extra));
    json_decref(extra);
    push_wecom(d, "group", "change_external_chat", change, arg(d, "chat_id", ""), all);
    return 0;
}

static int group_created(struct doing *d)
{
    if (need(d, "chat_id") < 0)
        return ERR_INVALID;
    (void)chat_of(d);
    return push_chat(d, "create", NULL);
}

static int group_dismissed(struct doing *d)
{
    if (need(d, "chat_id") < 0)
        return ERR_INVALID;
    chat_of(d)->dismissed = true;
    return push_chat(d, "dismiss", NULL);
}

static int group_moved(struct doing *d, bool in)
{
    const json_t *members = json_object_get(d->spec, "members");
    json_t *ids, *one;
    struct sb_chat *chat;
    char before[40], after[40];
    size_t i;

    if (need(d, "chat_id") < 0)
        return ERR_INVALID;
    chat = chat_of(d);
    ids = sb_must_have(json_array());
    (void)snprintf(before, sizeof(before), "%032" PRIx64, (uint64_t)chat->version);
    json_array_foreach(members, i, one)
    {
        const char *name = json_is_string(one) ? json_string_value(one) : "";

        sb_json_add(ids, sb_json("s", in ? sb_chat_join(d->m, d->conn, chat, name,
                                                        json_int(d->spec, "scene", 0), d->now_ms)
                                         : sb_chat_leave(d->m, d->conn, chat, name)));
    }
    (void)snprintf(after, sizeof(after), "%032" PRIx64, (uint64_t)chat->version);
    return push_chat(d, "update",
                     sb_json("{s:s, s:I, s:I, s:I, s:{s:o}, s:s, s:s}", "UpdateDetail",
                             in ? "add_member" : "del_member", "JoinScene",
                             (json_int_t)(in ? json_int(d->spec, "scene", 0) : 0), "QuitScene",
                             (json_int_t)(in ? 0 : json_int(d->spec, "scene", 0)), "MemChangeCnt",
                             (json_int_t)json_array_size(ids), "MemChangeList", "Item", ids, "LastMemVer",
                             before, "CurMemVer", after));
}

static int group_joined(struct doing *d)
{
    return group_moved(d, true);
}

static int group_left(struct doing *d)
{
    return group_moved(d, false);
}

/* kf */

static const char *kf_customer(struct doing *d)
{
    return customer_of(d)->id;
}

static int kf_message(struct doing *d)
{
    if (need(d, "text") < 0)
        return ERR_INVALID;
    sb_kf_say(d->m, d->conn, kf_customer(d), arg(d, "text", ""), d->now_ms);
    return 0;
}

static int kf_enter(struct doing *d)
{
    const char *code = NULL;

    sb_kf_enter(d->m, d->conn, kf_customer(d), arg(d, "scene", ""), arg(d, "scene_param", ""), d->now_ms,
                &code);
    if (code != NULL)
        sb_json_set(d->done, "welcome_code", sb_json("s", code));
    return 0;
}

static int kf_send_failed(struct doing *d)
{
    if (need(d, "msgid") < 0)
        return ERR_INVALID;
    sb_kf_send_failed(d->m, d->conn, kf_customer(d), arg(d, "msgid", ""), json_int(d->spec, "fail_type", 0),
                      d->now_ms);
    return 0;
}

/* official account */

static struct sb_follower *follower_of(struct doing *d)
{
    struct sb_follower *f = sb_official_follower(d->m, d->conn, d->customer, d->now_ms);

    sb_json_set(d->done, "id", sb_json("s", f->openid));
    return f;
}

/* Takes `extra`. */
static void push_official(struct doing *d, const struct sb_follower *f, const char *type, const char *key,
                          json_t *extra)
{
    char *inner = sb_official_inner(d->conn, f->openid, d->at_ms, type, extra);

    sb_model_push(d->m, d->conn, "", "official", inner, d->conn->json, f->openid, key, d->now_ms);
}

static int push_official_event(struct doing *d, const struct sb_follower *f, const char *event, json_t *extra)
{
    char *key = sb_printf("%s/%" PRId64, event, sb_model_next(d->m));
    json_t *all = sb_json("{s:s}", "Event", event);

    sb_must(json_object_update(all, extra));
    json_decref(extra);
    push_official(d, f, "event", key, all);
    mem_free(key);
    return 0;
}

static int official_message(struct doing *d)
{
    struct sb_follower *f;
    int64_t id;
    char *key;

    if (need(d, "text") < 0)
        return ERR_INVALID;
    f = follower_of(d);
    id = 24000000000000000 + sb_model_next(d->m);
    key = sb_printf("%" PRId64, id);
    sb_opened_open(&f->windows[SB_BY_MESSAGE], d->now_ms);
    push_official(d, f, "text", key,
                  sb_json("{s:s, s:I}", "Content", arg(d, "text", ""), "MsgId", (json_int_t)id));
    mem_free(key);
    return 0;
}

static int official_subscribe(struct doing *d)
{
    struct sb_follower *f = follower_of(d);
    const char *scene = arg(d, "scene", "");
    char *event_key = scene[0] != '\0' ? sb_printf("qrscene_%s", scene) : sb_copy("");
    json_t *extra = sb_json("{s:s}", "EventKey", event_key);

    f->subscribed = true;
    f->since_ms = d->now_ms;
    mem_free(f->scene);
    f->scene = sb_copy(scene);
    sb_opened_open(&f->windows[SB_BY_FOLLOW], d->now_ms);
    if (scene[0] != '\0')
        sb_json_set(extra, "Ticket", sb_json("s", "gQSandboxTicket"));
    mem_free(event_key);
    return push_official_event(d, f, "subscribe", extra);
}

static int official_unsubscribe(struct doing *d)
{
    struct sb_follower *f = follower_of(d);

    f->subscribed = false;
    for (int i = 0; i < SB_OPENER_COUNT; i++)
        sb_opened_close(&f->windows[i]);
    return push_official_event(d, f, "unsubscribe", sb_json("{s:s}", "EventKey", ""));
}

static int official_scan(struct doing *d)
{
    struct sb_follower *f = follower_of(d);

    sb_opened_open(&f->windows[SB_BY_SCAN], d->now_ms);
    return push_official_event(
        d, f, "SCAN", sb_json("{s:s, s:s}", "EventKey", arg(d, "scene", ""), "Ticket", "gQSandboxTicket"));
}

static int official_click(struct doing *d)
{
    struct sb_follower *f = follower_of(d);

    sb_opened_open(&f->windows[SB_BY_MENU], d->now_ms);
    return push_official_event(d, f, "CLICK", sb_json("{s:s}", "EventKey", arg(d, "key", "")));
}

static int official_view(struct doing *d)
{
    return push_official_event(d, follower_of(d), "VIEW",
                               sb_json("{s:s, s:s}", "EventKey", arg(d, "key", ""), "MenuId", "400000001"));
}

/* SMS and anything else */

static int sms_mo(struct doing *d)
{
    const char *name = d->customer[0] != '\0' ? d->customer : arg(d, "phone", "");
    const char *phone = sb_model_id_of(d->m, d->conn, name);

    if (phone == NULL)
        phone = name;
    if (phone[0] == '\0')
        return need(d, "phone");
    sb_json_set(d->done, "id", sb_json("s", phone));
    sb_sms_reply(d->m, d->conn, phone, arg(d, "content", arg(d, "text", "")), d->now_ms);
    return 0;
}

static int raw(struct doing *d)
{
    const char *xml = json_str(d->spec, "xml", NULL), *json = json_str(d->spec, "json", NULL);
    static const char *const paths[] = {"", "/report", "/up"};
    const char *path = arg(d, "path", "");
    size_t i = 0;

    while (i < ARRAY_LEN(paths) && strcmp(paths[i], path) != 0)
        i++;
    if (i == ARRAY_LEN(paths) || (xml == NULL && json == NULL)) {
        diag_addf(d->diag, NULL, 0, "raw: needs xml or json, and a path of \"\", /report or /up");
        return ERR_INVALID;
    }
    sb_model_push(d->m, d->conn, paths[i], "raw", sb_copy(xml != NULL ? xml : json), xml == NULL,
                  arg(d, "from", ""), arg(d, "key", "raw"), d->now_ms);
    return 0;
}

/* the table */

enum { ANY_KIND = -1 };

static const struct row {
    const char *kind;
    int platform;
    bool named; /* needs a customer */
    event_fn run;
} rows[] = {
    {"contact.added", SB_KIND_WECOM, true, contact_added},
    {"contact.half_added", SB_KIND_WECOM, true, contact_half_added},
    {"contact.edited", SB_KIND_WECOM, true, contact_edited},
    {"contact.lost", SB_KIND_WECOM, true, contact_lost},
    {"contact.deleted", SB_KIND_WECOM, true, contact_deleted},
    {"contact.touched", SB_KIND_WECOM, true, contact_touched},
    {"group.created", SB_KIND_WECOM, false, group_created},
    {"group.joined", SB_KIND_WECOM, false, group_joined},
    {"group.left", SB_KIND_WECOM, false, group_left},
    {"group.dismissed", SB_KIND_WECOM, false, group_dismissed},
    {"kf.message", SB_KIND_KF, true, kf_message},
    {"kf.enter", SB_KIND_KF, true, kf_enter},
    {"kf.send_failed", SB_KIND_KF, true, kf_send_failed},
    {"official.message", SB_KIND_OFFICIAL, true, official_message},
    {"official.subscribe", SB_KIND_OFFICIAL, true, official_subscribe},
    {"official.unsubscribe", SB_KIND_OFFICIAL, true, official_unsubscribe},
    {"official.scan", SB_KIND_OFFICIAL, true, official_scan},
    {"official.click", SB_KIND_OFFICIAL, true, official_click},
    {"official.view", SB_KIND_OFFICIAL, true, official_view},
    {"sms.mo", SB_KIND_ALIYUN, false, sms_mo},
    {"raw", ANY_KIND, false, raw},
};

static const struct row *row_of(const char *kind)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].kind, kind) == 0)
            return &rows[i];
    return NULL;
}

static int run_one(struct doing *d, const struct row *row, const char *customer, json_t *list)
{
    int r;

    d->customer = customer;
    d->done = sb_json("{s:s}", "customer", customer);
    r = row->run(d);
    sb_json_add(list, d->done);
    return r;
}

static int run_all(struct doing *d, const struct row *row, json_t *list)
{
    const char *name = arg(d, "customer", ""), *mark = strstr(name, "{n}");
    int64_t count = json_int(d->spec, "count", 0);
    int r = 0;

    if (count == 0)
        return run_one(d, row, name, list);
    for (int64_t i = 1; r == 0 && i <= count; i++) {
        char *one = mark != NULL ? sb_printf("%.*s%" PRId64 "%s", (int)(mark - name), name, i, mark + 3)
                                 : sb_printf("%s%" PRId64, name, i);

        r = run_one(d, row, one, list);
        mem_free(one);
    }
    return r;
}

static int judge_spec(const struct sb_model *m, const json_t *spec, const struct row *row, struct diag *diag)
{
    const struct sb_connection *conn = sb_model_connection(m, json_str(spec, "connection", ""));
    int64_t times = json_int(spec, "times", 1), count = json_int(spec, "count", 0);

    if (row == NULL) {
        diag_addf(diag, NULL, 0, "kind: unknown kind \"%s\"", json_str(spec, "kind", ""));
        return ERR_INVALID;
    }
    if (conn == NULL) {
        diag_addf(diag, NULL, 0, "connection: no connection \"%s\"", json_str(spec, "connection", ""));
        return ERR_NOT_FOUND;
    }
    if (row->platform != ANY_KIND && row->platform != (int)conn->kind) {
        diag_addf(diag, NULL, 0, "connection: \"%s\" has no events of kind %s", conn->name, row->kind);
        return ERR_INVALID;
    }
    if (row->named && json_str(spec, "customer", "")[0] == '\0') {
        diag_addf(diag, NULL, 0, "customer: missing");
        return ERR_INVALID;
    }
    if (times < 1 || times > MOST_AT_ONCE || count < 0 || count > MOST_AT_ONCE) {
        diag_addf(diag, NULL, 0, "times, count: must be 1 to %d", MOST_AT_ONCE);
        return ERR_INVALID;
    }
    return 0;
}

int sb_event(struct sb_model *m, const json_t *spec, int64_t now_ms, json_t **ret, struct diag *diag)
{
    const struct row *row = row_of(json_str(spec, "kind", ""));
    struct doing d = {.m = m, .spec = spec, .now_ms = now_ms, .diag = diag};
    int r = judge_spec(m, spec, row, diag);
    json_t *list;

    if (r < 0)
        return r;
    sb_model_run(m, now_ms);
    d.conn = sb_model_connection(m, json_str(spec, "connection", ""));
    d.at_ms = json_int(spec, "at", now_ms);
    list = sb_must_have(json_array());
    m->push_times = json_int(spec, "times", 1);
    r = run_all(&d, row, list);
    m->push_times = 1;
    if (r < 0) {
        json_decref(list);
        return r;
    }
    *ret = sb_json("{s:o}", "done", list);
    return 0;
}

/* say */

static const char *kind_for_text(const struct sb_connection *conn)
{
    switch (conn->kind) {
    case SB_KIND_KF: return "kf.message";
    case SB_KIND_OFFICIAL: return "official.message";
    case SB_KIND_ALIYUN: return "sms.mo";
    case SB_KIND_WECOM:
    case SB_KIND_WEBHOOK: break;
    }
    return NULL;
}

/* Where the customer is known and can write. */
static const struct sb_connection *place_of(const struct sb_model *m, const char *customer)
{
    size_t i;
    json_t *known;

    json_array_foreach(json_object_get(m->people, customer), i, known)
    {
        const struct sb_connection *conn = sb_model_connection(m, json_str(known, "connection", ""));

        if (conn != NULL && kind_for_text(conn) != NULL)
            return conn;
    }
    return NULL;
}

int sb_event_say(struct sb_model *m, const char *customer, const char *text, const char *on, int64_t now_ms,
                 json_t **ret, struct diag *diag)
{
    const struct sb_connection *conn = on != NULL ? sb_model_connection(m, on) : place_of(m, customer);
    json_t *spec;
    int r;

    if (conn == NULL || kind_for_text(conn) == NULL) {
        diag_addf(diag, NULL, 0, "%s cannot write there: give --on a kf, official or sms connection",
                  customer);
        return ERR_NOT_FOUND;
    }
    spec = sb_json("{s:s, s:s, s:s, s:s, s:s}", "connection", conn->name, "kind", kind_for_text(conn),
                   "customer", customer, "text", text, "content", text);
    r = sb_event(m, spec, now_ms, ret, diag);
    if (r == 0)
        sb_json_set(*ret, "connection", sb_json("s", conn->name));
    json_decref(spec);
    return r;
}
