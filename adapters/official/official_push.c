/* SPDX-License-Identifier: Apache-2.0 */
/* official_push.c - two tables do the work: which event is what, and which fields go into its data. What no
 * table knows is kept whole as a platform event; nothing authentic is lost.
 */
#include "adapters/official/official_push.h"

#include <errno.h>

#include "adapters/official/official_fields.h"
#include "base/json.h"
#include "base/xml.h"

#define SCENE_PREFIX "qrscene_"

enum { PUSH_MEMORY_BYTES = 8 * 1024 * 1024, PUSH_DEPTH = 16 };

/* Only these taps open a customer-service window, so only these are official.menu. */
static const struct shape {
    const char *event;
    enum event_kind kind;
    bool passive, window;
} shapes[] = {
    {"subscribe", EVENT_OFFICIAL_FOLLOWED, true, true},
    {"unsubscribe", EVENT_OFFICIAL_UNFOLLOWED, false, false},
    {"SCAN", EVENT_OFFICIAL_SCANNED, true, true},
    {"CLICK", EVENT_OFFICIAL_MENU, true, true},
    {"scancode_push", EVENT_OFFICIAL_MENU, true, true},
    {"scancode_waitmsg", EVENT_OFFICIAL_MENU, true, true},
    {"LOCATION", EVENT_OFFICIAL_LOCATED, false, false},
};

static const struct {
    const char *element, *key;
} data_fields[] = {
    {"MsgType", "msgtype"},
    {"Event", "event"},
    {"EventKey", "event_key"},
    {"Ticket", "ticket"},
    {"MsgId", "msg_id"},
    {"MsgDataId", "msg_data_id"},
    {"Idx", "article_index"},
    {"bizmsgmenuid", "menu_item"},
    {"MediaId", "media_id"},
    {"ThumbMediaId", "thumb_media_id"},
    {"MediaId16K", "media_id_16k"},
    {"PicUrl", "pic_url"},
    {"Format", "format"},
    {"Recognition", "recognition"},
    {"Title", "title"},
    {"Description", "description"},
    {"Url", "url"},
    {"Location_X", "latitude"},
    {"Location_Y", "longitude"},
    {"Latitude", "latitude"},
    {"Longitude", "longitude"},
    {"Precision", "precision"},
    {"Scale", "scale"},
    {"Label", "label"},
    {"MenuId", "menu_id"},
    {"ScanCodeInfo/ScanType", "scan_type"},
    {"ScanCodeInfo/ScanResult", "scan_result"},
    {"Status", "status"},
    {"TotalCount", "total"},
    {"FilterCount", "filtered"},
    {"SentCount", "sent"},
    {"ErrorCount", "errors"},
    {"CopyrightCheckResult/CheckState", "copyright_state"},
};

bool official_is_json(struct str body)
{
    return str_starts(str_trim(body), STR("{"));
}

static int add_text(json_t *data, const char *key, struct str text)
{
    return json_object_set_new(data, key, json_stringn(text.n ? text.p : "", text.n)) < 0 ? -ENOMEM : 0;
}

/* A new object with all the push says, owned by `p->data`. */
static json_t *new_data(struct official_push *p)
{
    json_t *data = json_object();

    if (!data || json_array_append_new(p->data, data) < 0)
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(data_fields); i++) {
        struct str text = official_field(p, data_fields[i].element);

        if (text.p && add_text(data, data_fields[i].key, text) < 0)
            return NULL;
    }
    return data;
}

static int64_t created_ms(struct official_push *p)
{
    int64_t s = official_field_i64(p, "CreateTime", 0);

    return s < 0 || s > INT64_C(1) << 40 ? 0 : s * 1000;
}

static struct str event_key(struct official_push *p)
{
    struct str at = official_field(p, "CreateTime"), event = official_field(p, "Event");
    struct str key = official_field(p, "EventKey");

    return str_of(arena_printf(&p->memory, "event|%.*s|%.*s|%.*s|%.*s", STR_ARG(p->openid), STR_ARG(at),
                               STR_ARG(event), STR_ARG(key)));
}

/* Jobs are known by their MsgID for good, whenever they are told of again. */
static struct str job_key(struct official_push *p, struct str msg_id)
{
    struct str event = official_field(p, "Event");

    if (msg_id.n == 0)
        return event_key(p);
    return str_of(arena_printf(&p->memory, "job|%.*s|%.*s", STR_ARG(event), STR_ARG(msg_id)));
}

static int add_events(struct official_push *p, size_t n)
{
    p->events = arena_alloc(&p->memory, n * sizeof(*p->events));
    p->count = n;
    for (size_t i = 0; p->events && i < n; i++) {
        struct event *e = &p->events[i];

        *e = (struct event){.at_ms = created_ms(p), .contact = p->openid};
        e->data = new_data(p);
        if (!e->data)
            return -ENOMEM;
    }
    return p->events ? 0 : -ENOMEM;
}

static json_t *data_of(const struct official_push *p, size_t i)
{
    return json_array_get(p->data, i);
}

/* ---- messages ---- */

static struct str message_key(struct official_push *p)
{
    struct str id = official_field(p, "MsgId");

    if (id.n == 0)
        return event_key(p);
    return str_of(arena_printf(&p->memory, "message|%.*s|%.*s", STR_ARG(id), STR_ARG(p->openid)));
}

static int read_message(struct official_push *p, struct str type)
{
    bool tap = official_field(p, "bizmsgmenuid").n > 0;
    struct event *e;
    int r = add_events(p, 1);

    if (r < 0)
        return r;
    e = &p->events[0];
    e->kind = tap ? EVENT_OFFICIAL_MENU : EVENT_MESSAGE_RECEIVED;
    e->dedupe = message_key(p);
    if (str_is(type, "text"))
        e->text = official_field(p, "Content");
    e->passive = true;
    e->opens_window = true;
    return 0;
}

/* ---- receipts ---- */

/* Whatever is no success has failed: "failed:user block", "failed: system failed". */
static int read_template_receipt(struct official_push *p)
{
    int r = add_events(p, 1);
    struct event *e;

    if (r < 0)
        return r;
    e = &p->events[0];
    e->kind = EVENT_RECEIPT;
    e->handle = official_field(p, "MsgID");
    e->dedupe = job_key(p, e->handle);
    e->verdict =
        str_is(str_trim(official_field(p, "Status")), "success") ? OUTCOME_DELIVERED : OUTCOME_PERMANENT;
    return 0;
}

/* The counts leave out whom the platform skipped, so less than all is no word on anybody. */
static enum outcome mass_verdict(struct official_push *p)
{
    struct str status = str_trim(official_field(p, "Status"));
    int64_t sent = official_field_i64(p, "SentCount", -1), total = official_field_i64(p, "TotalCount", -1);

    if (!str_is(status, "send success"))
        return OUTCOME_PERMANENT;
    return sent > 0 && sent >= total && official_field_i64(p, "ErrorCount", 0) == 0 ? OUTCOME_DELIVERED
                                                                                    : OUTCOME_PENDING;
}

/* err(20013): the number is the reason. */
static int add_reason(struct official_push *p, json_t *data)
{
    struct str status = str_trim(official_field(p, "Status"));
    int64_t code;

    if (!str_starts(status, STR("err(")) || !str_ends(status, STR(")")) ||
        str_to_i64(str_sub(status, 4, status.n - 5), &code) < 0)
        return 0;
    return json_object_set_new(data, "errcode", json_integer(code)) < 0 ? -ENOMEM : 0;
}

static int read_mass_receipt(struct official_push *p)
{
    int r = add_events(p, 1);
    struct event *e;

    if (r < 0)
        return r;
    e = &p->events[0];
    e->kind = EVENT_RECEIPT;
    e->contact = (struct str){0};
    e->handle = official_field(p, "MsgID");
    e->dedupe = job_key(p, e->handle);
    e->verdict = mass_verdict(p);
    return add_reason(p, data_of(p, 0));
}

static int read_notice_receipts(struct official_push *p)
{
    static const char path[] = "SubscribeMsgSentEvent/List";
    int r = add_events(p, official_row_count(p, path));

    for (size_t i = 0; r == 0 && i < p->count; i++) {
        struct event *e = &p->events[i];
        struct str code = str_trim(official_row_field(p, path, i, "ErrorCode"));

        e->kind = EVENT_RECEIPT;
        e->handle = official_row_field(p, path, i, "MsgID");
        e->dedupe = job_key(p, e->handle);
        e->verdict = str_is(code, "0") ? OUTCOME_DELIVERED : OUTCOME_PERMANENT;
        r = add_text(data_of(p, i), "errcode", code);
        if (r == 0)
            r = add_text(data_of(p, i), "status", official_row_field(p, path, i, "ErrorStatus"));
        if (r == 0)
            r = add_text(data_of(p, i), "template", official_row_field(p, path, i, "TemplateId"));
    }
    return r;
}

/* ---- events ---- */

static const struct shape *shape_of(const struct official_push *p, struct str event)
{
    static const struct shape platform = {NULL, EVENT_PLATFORM, false, false};

    for (size_t i = 0; p->openid.n && i < ARRAY_LEN(shapes); i++)
        if (str_is(event, shapes[i].event))
            return &shapes[i];
    return &platform;
}

static int read_event(struct official_push *p, struct str event, struct str body)
{
    const struct shape *shape = shape_of(p, event);
    struct str key = official_field(p, "EventKey"), prefix = STR(SCENE_PREFIX);
    struct event *e;
    int r = add_events(p, 1);

    if (r < 0)
        return r;
    e = &p->events[0];
    e->kind = shape->kind;
    e->dedupe = event_key(p);
    e->text = key;
    e->passive = shape->passive;
    e->opens_window = shape->window;
    if (e->kind == EVENT_OFFICIAL_FOLLOWED && str_starts(key, prefix))
        e->text = str_sub(key, prefix.n, key.n - prefix.n);
    if ((e->kind == EVENT_OFFICIAL_FOLLOWED || e->kind == EVENT_OFFICIAL_SCANNED) && e->text.n)
        r = add_text(data_of(p, 0), "scene", e->text);
    if (e->kind == EVENT_PLATFORM && str_utf8_valid(body))
        r = add_text(data_of(p, 0), "body", body);
    return r;
}

static int read_any(struct official_push *p, struct str body)
{
    struct str type = official_field(p, "MsgType"), event = official_field(p, "Event");

    p->openid = official_field(p, "FromUserName");
    p->ours = official_field(p, "ToUserName");
    if (type.n == 0)
        return ERR_INVALID;
    if (!str_is(type, "event") && p->openid.n)
        return read_message(p, type);
    if (str_is(event, "TEMPLATESENDJOBFINISH"))
        return read_template_receipt(p);
    if (str_is(event, "MASSSENDJOBFINISH"))
        return read_mass_receipt(p);
    if (str_is(event, "subscribe_msg_sent_event") && official_row_count(p, "SubscribeMsgSentEvent/List"))
        return read_notice_receipts(p);
    return read_event(p, event, body);
}

static int parse(struct official_push *p, struct str body)
{
    int r;

    if (!p->json)
        return xml_parse(p->xml, body);
    r = json_parse(body, PUSH_DEPTH, &p->tree, NULL);
    return r == 0 && !json_is_object(p->tree) ? ERR_SYNTAX : r;
}

int official_push_read(struct official_push *p, struct xml_doc *xml, struct str body)
{
    int r;

    *p = (struct official_push){.json = official_is_json(body), .xml = xml, .data = json_array()};
    arena_init(&p->memory, PUSH_MEMORY_BYTES);
    r = p->data ? parse(p, body) : -ENOMEM;
    if (r == 0)
        r = read_any(p, body);
    for (size_t i = 0; r == 0 && i < p->count; i++)
        p->starved |= !p->events[i].dedupe.p;
    if (r == 0 && p->starved)
        r = -ENOMEM;
    if (r < 0)
        official_push_fini(p);
    return r;
}

void official_push_fini(struct official_push *p)
{
    json_decref(p->data);
    json_decref(p->tree);
    arena_fini(&p->memory);
    *p = (struct official_push){0};
}
