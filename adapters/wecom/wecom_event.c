/* SPDX-License-Identifier: Apache-2.0 */
/* wecom_event.c - two tables do the work: which words make which event, and which elements go into its data.
 * What no table knows is kept whole as a platform event; nothing that decrypts is lost.
 */
#include "adapters/wecom/wecom_event.h"

#include <errno.h>
#include <inttypes.h>

#include "base/crypto.h"
#include "base/xml.h"

enum {
    LETTER_MEMORY_BYTES = 8 * 1024 * 1024,
    KEY_FIELD_BYTES = 256, /* ids have 64; what is longer is told apart by the digest */
};

/* NULL: whatever stands there. The first that fits wins. */
static const struct shape {
    const char *event, *change, *detail;
    enum event_kind kind;
    bool each_member;
    const char *by;
} shapes[] = {
    {"change_external_contact", "add_external_contact", NULL, EVENT_CONTACT_ADDED, false, NULL},
    {"change_external_contact", "add_half_external_contact", NULL, EVENT_CONTACT_ADDED, false, NULL},
    {"change_external_contact", "del_external_contact", NULL, EVENT_CONTACT_LOST, false, "member"},
    {"change_external_contact", "del_follow_user", NULL, EVENT_CONTACT_LOST, false, "customer"},
    {"change_external_chat", "create", NULL, EVENT_GROUP_CREATED, false, NULL},
    {"change_external_chat", "dismiss", NULL, EVENT_GROUP_DISMISSED, false, NULL},
    {"change_external_chat", "update", "add_member", EVENT_GROUP_JOINED, true, NULL},
    {"change_external_chat", "update", "del_member", EVENT_GROUP_LEFT, true, NULL},
    {"change_external_chat", "update", NULL, EVENT_GROUP_CHANGED, false, NULL},
};

static const struct {
    const char *element, *key;
} data_fields[] = {
    {"MsgType", "msgtype"},
    {"Event", "event"},
    {"ChangeType", "change_type"},
    {"State", "state"},
    {"Source", "source"},
    {"FailReason", "fail_reason"},
    {"UpdateDetail", "update_detail"},
    {"JoinScene", "join_scene"},
    {"QuitScene", "quit_scene"},
    {"LastMemVer", "last_version"},
    {"CurMemVer", "version"},
    {"Id", "id"},
    {"TagType", "tag_type"},
    {"StrategyId", "strategy_id"},
    {"LinkId", "link_id"},
    {"ChatKey", "chat_key"},
    {"ExpireTime", "expire_time"},
    {"ExpireQuotaNum", "expire_quota"},
    {"BatchJob/JobId", "job_id"},
    {"BatchJob/JobType", "job_type"},
    {"BatchJob/ErrCode", "job_errcode"},
    {"BatchJob/ErrMsg", "job_errmsg"},
    {"EventKey", "event_key"},
    {"AgentID", "agent_id"},
    {"MediaId", "media_id"},
    {"ThumbMediaId", "thumb_media_id"},
    {"Format", "format"},
    {"PicUrl", "pic_url"},
    {"Title", "title"},
    {"Description", "description"},
    {"Url", "url"},
    {"Location_X", "latitude"},
    {"Location_Y", "longitude"},
    {"Scale", "scale"},
    {"Label", "label"},
};

static bool fits(const char *want, struct str got)
{
    return !want || str_is(got, want);
}

static const struct shape *shape_of(const struct xml_doc *xml)
{
    static const struct shape platform = {NULL, NULL, NULL, EVENT_PLATFORM, false, NULL};
    struct str event = xml_get(xml, "Event"), change = xml_get(xml, "ChangeType");
    struct str detail = xml_get(xml, "UpdateDetail");

    for (size_t i = 0; i < ARRAY_LEN(shapes); i++)
        if (fits(shapes[i].event, event) && fits(shapes[i].change, change) && fits(shapes[i].detail, detail))
            return &shapes[i];
    return &platform;
}

static int add_text(json_t *data, const char *key, struct str text)
{
    return json_object_set_new(data, key, json_stringn(text.n ? text.p : "", text.n)) < 0 ? -ENOMEM : 0;
}

/* Repeated elements as a list; nothing when there are none. */
static int add_list(json_t *data, const char *key, const struct xml_doc *xml, const char *path)
{
    json_t *list;

    if (xml_count(xml, path) == 0)
        return 0;
    list = json_array();
    if (!list || json_object_set_new(data, key, list) < 0)
        return -ENOMEM;
    for (int at = xml_first(xml, XML_ROOT, path); at >= 0; at = xml_next(xml, at)) {
        struct str text = xml_text(xml, at);

        if (json_array_append_new(list, json_stringn(text.n ? text.p : "", text.n)) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int add_data(struct wecom_letter *l, const struct xml_doc *xml, struct str body, enum event_kind kind,
                    const char *by)
{
    int r = 0;

    l->data = json_object();
    if (!l->data)
        return -ENOMEM;
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(data_fields); i++) {
        struct str text = xml_get(xml, data_fields[i].element);

        if (text.p)
            r = add_text(l->data, data_fields[i].key, text);
    }
    if (r == 0 && by)
        r = add_text(l->data, "by", str_of(by));
    if (r == 0)
        r = add_list(l->data, "kf_added", xml, "AuthAddOpenKfId");
    if (r == 0)
        r = add_list(l->data, "kf_removed", xml, "AuthDelOpenKfId");
    if (r == 0 && kind == EVENT_PLATFORM && str_utf8_valid(body))
        r = add_text(l->data, "body", body);
    return r;
}

static int64_t created_ms(const struct xml_doc *xml)
{
    int64_t s = 0;

    if (xml_get_i64(xml, "CreateTime", &s) < 0 || s < 0 || s > INT64_C(1) << 40)
        return 0;
    return s * 1000;
}

struct digest {
    char hex[33];
};

static struct digest digest_of(struct str body)
{
    struct hash128 hash = crypto_hash128(&body, 1);
    struct digest d;

    crypto_hex_to(hash.b, sizeof(hash.b), d.hex);
    return d;
}

/* All that names the event, and the digest for those that only differ elsewhere. */
static struct str event_key(struct wecom_letter *l, const struct xml_doc *xml, const struct digest *digest,
                            size_t member)
{
    static const char *const named[] = {"Event",  "ChangeType",   "UserID",    "ExternalUserID",
                                        "ChatId", "UpdateDetail", "CreateTime"};
    struct buf AUTO(buf_fini) key;
    char *copy;

    buf_init(&key, KEY_FIELD_BYTES * (ARRAY_LEN(named) + 1));
    (void)buf_adds(&key, "event");
    for (size_t i = 0; i < ARRAY_LEN(named); i++) {
        (void)buf_addc(&key, '|');
        (void)buf_add_str(&key, str_cut_bytes(xml_get(xml, named[i]), KEY_FIELD_BYTES / 2));
    }
    (void)buf_addf(&key, "|%s|%zu", digest->hex, member);
    if (buf_error(&key) < 0)
        return (struct str){0};
    copy = arena_str(&l->memory, buf_str(&key));
    return (struct str){copy, copy ? key.len : 0};
}

static int add_events(struct wecom_letter *l, size_t n)
{
    l->events = arena_alloc(&l->memory, n * sizeof(*l->events));
    l->count = n;
    return l->events ? 0 : -ENOMEM;
}

static int read_event(struct wecom_letter *l, const struct xml_doc *xml, struct str body)
{
    const struct shape *shape = shape_of(xml);
    size_t members = shape->each_member ? xml_count(xml, "MemChangeList/Item") : 0;
    /* Who came or went may be left out: then the group has changed, and we must read it again. */
    enum event_kind kind = shape->each_member && members == 0 ? EVENT_GROUP_CHANGED : shape->kind;
    int item = members ? xml_first(xml, XML_ROOT, "MemChangeList/Item") : XML_NONE;
    struct digest digest = digest_of(body);
    int r = add_data(l, xml, body, kind, shape->by);

    if (r == 0)
        r = add_events(l, members ? members : 1);
    for (size_t i = 0; r == 0 && i < l->count; i++) {
        struct event *e = &l->events[i];

        *e = (struct event){.kind = kind, .at_ms = created_ms(xml), .data = l->data};
        e->dedupe = event_key(l, xml, &digest, i);
        e->account = xml_get(xml, "UserID");
        e->contact = members ? str_trim(xml_text(xml, item)) : xml_get(xml, "ExternalUserID");
        e->group = xml_get(xml, "ChatId");
        e->text = xml_get(xml, kind == EVENT_PLATFORM ? "EventKey" : "State");
        e->code = xml_get(xml, "WelcomeCode");
        if (!e->dedupe.p)
            r = -ENOMEM;
        if (members)
            item = xml_next(xml, item);
    }
    return r;
}

static struct str message_key(struct wecom_letter *l, const struct xml_doc *xml, struct str body)
{
    struct str id = xml_get(xml, "MsgId"), from = xml_get(xml, "FromUserName");
    char *key;

    if (id.n == 0) {
        struct digest digest = digest_of(body);

        return event_key(l, xml, &digest, 0);
    }
    key = arena_printf(&l->memory, "message|%.*s|%.*s", STR_ARG(id), STR_ARG(from));
    return str_of(key);
}

static int read_message(struct wecom_letter *l, const struct xml_doc *xml, struct str body)
{
    int r = add_data(l, xml, body, EVENT_MESSAGE_RECEIVED, NULL);

    if (r == 0)
        r = add_events(l, 1);
    if (r < 0)
        return r;
    l->events[0] = (struct event){
        .kind = EVENT_MESSAGE_RECEIVED,
        .at_ms = created_ms(xml),
        .dedupe = message_key(l, xml, body),
        .contact = xml_get(xml, "FromUserName"),
        .text = xml_get(xml, "Content"),
        .passive = true,
        .data = l->data,
    };
    return l->events[0].dedupe.p ? 0 : -ENOMEM;
}

int wecom_letter_read(struct wecom_letter *l, struct xml_doc *xml, struct str body)
{
    struct str type;
    int r = xml_parse(xml, body);

    if (r < 0)
        return r;
    *l = (struct wecom_letter){0};
    arena_init(&l->memory, LETTER_MEMORY_BYTES);
    type = xml_get(xml, "MsgType");
    if (str_is(xml_get(xml, "Event"), "kf_msg_or_event")) {
        l->kf_wake = true;
        l->kf_token = xml_get(xml, "Token");
        l->kf_account = xml_get(xml, "OpenKfId");
        return 0;
    }
    if (type.n && !str_is(type, "event"))
        r = read_message(l, xml, body);
    else
        r = read_event(l, xml, body);
    if (r < 0)
        wecom_letter_fini(l);
    return r;
}

void wecom_letter_fini(struct wecom_letter *l)
{
    json_decref(l->data);
    arena_fini(&l->memory);
    *l = (struct wecom_letter){0};
}
