/* SPDX-License-Identifier: Apache-2.0 */
/* What customers do in WeCom. The state changes first, then the push is written from it. */
#include "sandbox/event_do.h"

#include "base/json.h"
#include "base/mem.h"
#include "sandbox/kf.h"
#include "sandbox/must.h"
#include "sandbox/sbxml.h"
#include "sandbox/wecom.h"

#include <inttypes.h>
#include <stdio.h>

/* Takes `extra`. `key` names the event for good. */
static void push_wecom(struct sb_doing *d, const char *event, const char *change, const char *from,
                       json_t *extra)
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
    sb_model_push(d->m, d->conn, "", d->kind, inner, false, from, key, d->now_ms);
    mem_free(key);
}

static void push_contact(struct sb_doing *d, const char *change, const struct sb_customer *cu,
                         const char *code, const char *source)
{
    json_t *extra = sb_json("{s:s, s:s}", "UserID", sb_doing_arg(d, "userid", ""), "ExternalUserID", cu->id);

    if (sb_doing_arg(d, "state", "")[0] != '\0')
        sb_json_set(extra, "State", sb_json("s", sb_doing_arg(d, "state", "")));
    if (code != NULL) {
        sb_json_set(extra, "WelcomeCode", sb_json("s", code));
        sb_json_set(d->done, "welcome_code", sb_json("s", code));
    }
    if (source != NULL)
        sb_json_set(extra, "Source", sb_json("s", source));
    push_wecom(d, "change_external_contact", change, cu->id, extra);
}

static struct sb_customer *customer_of(struct sb_doing *d)
{
    struct sb_customer *cu = sb_corp_customer(d->m, d->conn, d->customer);

    sb_json_set(d->done, "id", sb_json("s", cu->id));
    return cu;
}

static struct sb_welcome *welcome_for(struct sb_doing *d, struct sb_customer *cu, struct sb_follow *f)
{
    struct sb_welcome *w;

    if (!json_flag(d->spec, "welcome", true))
        return NULL;
    w = sb_welcome_issue(d->m, d->conn->corp, cu, f->member, d->now_ms);
    w->racing = json_int(d->spec, "racing", 0);
    w->done = json_flag(d->spec, "taken", false);
    return w;
}

static struct sb_follow *follow(struct sb_doing *d, struct sb_customer *cu)
{
    struct sb_follow *f =
        sb_customer_add(cu, sb_corp_member(d->conn->corp, sb_doing_arg(d, "userid", "")), d->now_ms);

    f->lost = false;
    if (sb_doing_arg(d, "state", "")[0] != '\0' && f->state == NULL)
        f->state = sb_copy(sb_doing_arg(d, "state", ""));
    return f;
}

/* A full add after a half-add whose code was used has no code. */
int sb_do_contact_added(struct sb_doing *d)
{
    struct sb_customer *cu;
    struct sb_follow *f;
    struct sb_welcome *w = NULL;

    if (sb_doing_need(d, "userid") < 0)
        return ERR_INVALID;
    cu = customer_of(d);
    f = follow(d, cu);
    if (f->half_code == NULL || !f->half_code->done)
        w = welcome_for(d, cu, f);
    f->half = false;
    push_contact(d, "add_external_contact", cu, w != NULL ? w->code : NULL, NULL);
    return 0;
}

int sb_do_contact_half_added(struct sb_doing *d)
{
    struct sb_customer *cu;
    struct sb_follow *f;

    if (sb_doing_need(d, "userid") < 0)
        return ERR_INVALID;
    cu = customer_of(d);
    f = follow(d, cu);
    f->half = true;
    f->half_code = welcome_for(d, cu, f);
    push_contact(d, "add_half_external_contact", cu, f->half_code != NULL ? f->half_code->code : NULL, NULL);
    return 0;
}

int sb_do_contact_edited(struct sb_doing *d)
{
    if (sb_doing_need(d, "userid") < 0)
        return ERR_INVALID;
    push_contact(d, "edit_external_contact", customer_of(d), NULL, NULL);
    return 0;
}

int sb_do_contact_lost(struct sb_doing *d)
{
    struct sb_customer *cu;
    struct sb_follow *f;

    if (sb_doing_need(d, "userid") < 0)
        return ERR_INVALID;
    cu = customer_of(d);
    f = sb_customer_follow(cu, sb_doing_arg(d, "userid", ""));
    if (f != NULL)
        f->lost = true;
    push_contact(d, "del_follow_user", cu, NULL, NULL);
    return 0;
}

int sb_do_contact_deleted(struct sb_doing *d)
{
    struct sb_customer *cu;

    if (sb_doing_need(d, "userid") < 0)
        return ERR_INVALID;
    cu = customer_of(d);
    sb_customer_drop(cu, sb_corp_member(d->conn->corp, sb_doing_arg(d, "userid", "")));
    push_contact(d, "del_external_contact", cu, NULL, json_str(d->spec, "source", NULL));
    return 0;
}

/* Somebody sent to the customer by hand: the month knows, the gateway is not told. */
int sb_do_contact_touched(struct sb_doing *d)
{
    struct sb_customer *cu = customer_of(d);

    for (int64_t i = 0; i < json_int(d->spec, "messages", 1); i++)
        (void)sb_tally_take(&cu->month, sb_model_limit(d->m, SB_WECOM_CUSTOMER_MONTH), 1, d->now_ms);
    return 0;
}

/* groups */

static struct sb_chat *chat_of(struct sb_doing *d)
{
    const char *owner = sb_doing_arg(d, "owner", "sandbox");

    return sb_corp_chat(d->m, d->conn->corp, sb_doing_arg(d, "chat_id", ""), owner, d->now_ms);
}

static int push_chat(struct sb_doing *d, const char *change, json_t *extra)
{
    json_t *all = sb_json("{s:s}", "ChatId", sb_doing_arg(d, "chat_id", ""));

    if (extra != NULL)
        sb_must(json_object_update(all, extra));
    json_decref(extra);
    push_wecom(d, "change_external_chat", change, sb_doing_arg(d, "chat_id", ""), all);
    return 0;
}

int sb_do_group_created(struct sb_doing *d)
{
    if (sb_doing_need(d, "chat_id") < 0)
        return ERR_INVALID;
    (void)chat_of(d);
    return push_chat(d, "create", NULL);
}

int sb_do_group_dismissed(struct sb_doing *d)
{
    if (sb_doing_need(d, "chat_id") < 0)
        return ERR_INVALID;
    chat_of(d)->dismissed = true;
    return push_chat(d, "dismiss", NULL);
}

static int group_moved(struct sb_doing *d, bool in)
{
    const json_t *members = json_object_get(d->spec, "members");
    json_t *ids, *one;
    struct sb_chat *chat;
    char before[40], after[40];
    size_t i;

    if (sb_doing_need(d, "chat_id") < 0)
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

int sb_do_group_joined(struct sb_doing *d)
{
    return group_moved(d, true);
}

int sb_do_group_left(struct sb_doing *d)
{
    return group_moved(d, false);
}

/* kf */

static const char *kf_customer(struct sb_doing *d)
{
    return customer_of(d)->id;
}

int sb_do_kf_message(struct sb_doing *d)
{
    if (sb_doing_need(d, "text") < 0)
        return ERR_INVALID;
    sb_kf_say(d->m, d->conn, kf_customer(d), sb_doing_arg(d, "text", ""), d->now_ms);
    return 0;
}

int sb_do_kf_enter(struct sb_doing *d)
{
    const char *code = NULL;

    sb_kf_enter(d->m, d->conn, kf_customer(d), sb_doing_arg(d, "scene", ""),
                sb_doing_arg(d, "scene_param", ""), d->now_ms, &code);
    if (code != NULL)
        sb_json_set(d->done, "welcome_code", sb_json("s", code));
    return 0;
}

int sb_do_kf_send_failed(struct sb_doing *d)
{
    if (sb_doing_need(d, "msgid") < 0)
        return ERR_INVALID;
    sb_kf_send_failed(d->m, d->conn, kf_customer(d), sb_doing_arg(d, "msgid", ""),
                      json_int(d->spec, "fail_type", 0), d->now_ms);
    return 0;
}
