/* SPDX-License-Identifier: Apache-2.0 */
/* What followers of an official account do, answers to SMS, and pushes that a test writes itself. */
#include "sandbox/event_do.h"

#include "base/json.h"
#include "base/mem.h"
#include "sandbox/must.h"
#include "sandbox/official.h"
#include "sandbox/sms.h"

#include <inttypes.h>
#include <string.h>

static struct sb_follower *follower_of(struct sb_doing *d)
{
    struct sb_follower *f = sb_official_follower(d->m, d->conn, d->customer, d->now_ms);

    sb_json_set(d->done, "id", sb_json("s", f->openid));
    return f;
}

/* Takes `extra`. */
static void push_official(struct sb_doing *d, const struct sb_follower *f, const char *type, const char *key,
                          json_t *extra)
{
    char *inner = sb_official_inner(d->conn, f->openid, d->at_ms, type, extra);

    sb_model_push(d->m, d->conn, "", d->kind, inner, d->conn->json, f->openid, key, d->now_ms);
}

static int push_official_event(struct sb_doing *d, const struct sb_follower *f, const char *event,
                               json_t *extra)
{
    char *key = sb_printf("%s/%" PRId64, event, sb_model_next(d->m));
    json_t *all = sb_json("{s:s}", "Event", event);

    sb_must(json_object_update(all, extra));
    json_decref(extra);
    push_official(d, f, "event", key, all);
    mem_free(key);
    return 0;
}

int sb_do_official_message(struct sb_doing *d)
{
    struct sb_follower *f;
    int64_t id;
    char *key;

    if (sb_doing_need(d, "text") < 0)
        return ERR_INVALID;
    f = follower_of(d);
    id = 24000000000000000 + sb_model_next(d->m);
    key = sb_printf("%" PRId64, id);
    sb_opened_open(&f->windows[SB_BY_MESSAGE], d->now_ms);
    push_official(d, f, "text", key,
                  sb_json("{s:s, s:I}", "Content", sb_doing_arg(d, "text", ""), "MsgId", (json_int_t)id));
    mem_free(key);
    return 0;
}

int sb_do_official_subscribe(struct sb_doing *d)
{
    struct sb_follower *f = follower_of(d);
    const char *scene = sb_doing_arg(d, "scene", "");
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

int sb_do_official_unsubscribe(struct sb_doing *d)
{
    struct sb_follower *f = follower_of(d);

    f->subscribed = false;
    for (int i = 0; i < SB_OPENER_COUNT; i++)
        sb_opened_close(&f->windows[i]);
    return push_official_event(d, f, "unsubscribe", sb_json("{s:s}", "EventKey", ""));
}

int sb_do_official_scan(struct sb_doing *d)
{
    struct sb_follower *f = follower_of(d);

    sb_opened_open(&f->windows[SB_BY_SCAN], d->now_ms);
    return push_official_event(
        d, f, "SCAN",
        sb_json("{s:s, s:s}", "EventKey", sb_doing_arg(d, "scene", ""), "Ticket", "gQSandboxTicket"));
}

int sb_do_official_click(struct sb_doing *d)
{
    struct sb_follower *f = follower_of(d);

    sb_opened_open(&f->windows[SB_BY_MENU], d->now_ms);
    return push_official_event(d, f, "CLICK", sb_json("{s:s}", "EventKey", sb_doing_arg(d, "key", "")));
}

int sb_do_official_view(struct sb_doing *d)
{
    return push_official_event(
        d, follower_of(d), "VIEW",
        sb_json("{s:s, s:s}", "EventKey", sb_doing_arg(d, "key", ""), "MenuId", "400000001"));
}

/* SMS and anything else */

int sb_do_sms_mo(struct sb_doing *d)
{
    const char *name = d->customer[0] != '\0' ? d->customer : sb_doing_arg(d, "phone", "");
    const char *phone = sb_model_id_of(d->m, d->conn, name);

    if (phone == NULL)
        phone = name;
    if (phone[0] == '\0')
        return sb_doing_need(d, "phone");
    sb_json_set(d->done, "id", sb_json("s", phone));
    sb_sms_reply(d->m, d->conn, phone, sb_doing_arg(d, "content", sb_doing_arg(d, "text", "")), d->now_ms);
    return 0;
}

int sb_do_raw(struct sb_doing *d)
{
    const char *xml = json_str(d->spec, "xml", NULL), *json = json_str(d->spec, "json", NULL);
    static const char *const paths[] = {"", "/report", "/up"};
    const char *path = sb_doing_arg(d, "path", "");
    size_t i = 0;

    while (i < ARRAY_LEN(paths) && strcmp(paths[i], path) != 0)
        i++;
    if (i == ARRAY_LEN(paths) || (xml == NULL && json == NULL)) {
        diag_addf(d->diag, NULL, 0, "raw: needs xml or json, and a path of \"\", /report or /up");
        return ERR_INVALID;
    }
    sb_model_push(d->m, d->conn, paths[i], "raw", sb_copy(xml != NULL ? xml : json), xml == NULL,
                  sb_doing_arg(d, "from", ""), sb_doing_arg(d, "key", "raw"), d->now_ms);
    return 0;
}

int sb_do_verify(struct sb_doing *d)
{
    if (d->conn->token == NULL) {
        diag_addf(d->diag, NULL, 0, "verify: \"%s\" has no callback token", d->conn->name);
        return ERR_INVALID;
    }
    sb_model_verify(d->m, d->conn, d->now_ms);
    return 0;
}
