/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/wecom/wecom_kf_page.h"

#include <errno.h>

#include "adapters/wecom/wecom_wire.h"
#include "base/crypto.h"
#include "base/json.h"

enum { PAGE_MEMORY_BYTES = 4 * 1024 * 1024, ORIGIN_CUSTOMER = 3 };

static struct str field(const json_t *item, const char *key)
{
    return str_of(json_str(item, key, NULL));
}

static struct str digest_key(struct wecom_kf_page *p, const json_t *item)
{
    struct buf AUTO(buf_fini) text;
    struct str whole;
    struct hash128 hash;
    char hex[33];

    buf_init(&text, WECOM_ANSWER_BYTES);
    if (json_write_sorted(item, &text) < 0)
        return (struct str){0};
    whole = buf_str(&text);
    hash = crypto_hash128(&whole, 1);
    crypto_hex_to(hash.b, sizeof(hash.b), hex);
    return str_of(arena_printf(&p->memory, "kf|digest|%s", hex));
}

static struct str item_key(struct wecom_kf_page *p, const json_t *item)
{
    struct str id = field(item, "msgid");

    if (id.n == 0 || id.n > 64)
        return digest_key(p, item);
    return str_of(arena_printf(&p->memory, "kf|%.*s", STR_ARG(id)));
}

static void read_message(struct event *e, const json_t *item)
{
    e->kind = EVENT_MESSAGE_RECEIVED;
    e->contact = field(item, "external_userid");
    e->text = field(json_object_get(item, "text"), "content");
    e->opens_window = true;
}

static void read_event(struct event *e, const json_t *item)
{
    const json_t *what = json_object_get(item, "event");
    struct str type = field(what, "event_type");

    e->contact = field(what, "external_userid");
    if (e->contact.n == 0)
        e->contact = field(item, "external_userid");
    if (str_is(type, "enter_session")) {
        e->kind = EVENT_KF_ENTERED;
        e->text = field(what, "scene");
        e->code = field(what, "welcome_code");
    } else if (str_is(type, "msg_send_fail")) {
        e->kind = EVENT_RECEIPT;
        e->handle = field(what, "fail_msgid");
        e->verdict = OUTCOME_PERMANENT;
    } else if (str_is(type, "session_status_change")) {
        e->kind = EVENT_KF_SESSION;
        e->code = field(what, "msg_code");
    }
}

/* What the event does not say in a field of its own. For events of the platform the inner object is it. */
static json_t *item_data(const json_t *item)
{
    json_t *inner = json_object_get(item, "event"), *data;

    if (!json_is_object(item)) {
        data = json_object();
        if (data && json_object_set(data, "item", (json_t *)(uintptr_t)item) < 0) {
            json_decref(data);
            return NULL;
        }
        return data;
    }
    data = json_copy(json_is_object(inner) ? inner : (json_t *)(uintptr_t)item);
    if (data && json_is_object(inner) && json_object_get(item, "open_kfid"))
        (void)json_object_set(data, "open_kfid", json_object_get(item, "open_kfid"));
    return data;
}

static int read_item(struct wecom_kf_page *p, struct event *e, const json_t *item)
{
    json_t *data = item_data(item);
    int64_t sent_s = json_int(item, "send_time", 0);

    if (!data || json_array_append_new(p->kept, data) < 0)
        return -ENOMEM;
    *e = (struct event){.kind = EVENT_PLATFORM, .data = data, .dedupe = item_key(p, item)};
    if (!e->dedupe.p)
        return -ENOMEM;
    if (sent_s > 0 && sent_s < INT64_C(1) << 40)
        e->at_ms = sent_s * 1000;
    if (str_is(field(item, "msgtype"), "event"))
        read_event(e, item);
    else if (json_int(item, "origin", 0) == ORIGIN_CUSTOMER)
        read_message(e, item);
    else
        e->contact = field(item, "external_userid");
    return 0;
}

static int read_items(struct wecom_kf_page *p, const json_t *items)
{
    size_t n = json_array_size(items);

    if (n == 0)
        return 0;
    p->events = arena_alloc(&p->memory, n * sizeof(*p->events));
    if (!p->events)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        int r = read_item(p, &p->events[i], json_array_get(items, i));

        if (r < 0)
            return r;
    }
    p->count = n;
    return 0;
}

int wecom_kf_page_read(struct wecom_kf_page *p, const json_t *answer)
{
    const json_t *items = json_object_get(answer, "msg_list");
    int r;

    if ((items && !json_is_array(items)) || json_array_size(items) > WECOM_KF_ITEMS_MAX)
        return ERR_SYNTAX;
    *p = (struct wecom_kf_page){0};
    arena_init(&p->memory, PAGE_MEMORY_BYTES);
    p->next_cursor = str_of(json_str(answer, "next_cursor", ""));
    p->has_more = json_int(answer, "has_more", 0) == 1;
    if (json_array_size(items) > 0 && p->next_cursor.n == 0) {
        wecom_kf_page_fini(p);
        return ERR_SYNTAX;
    }
    p->kept = json_array();
    r = p->kept ? read_items(p, items) : -ENOMEM;
    if (r < 0)
        wecom_kf_page_fini(p);
    return r;
}

void wecom_kf_page_fini(struct wecom_kf_page *p)
{
    json_decref(p->kept);
    arena_fini(&p->memory);
    *p = (struct wecom_kf_page){0};
}

int wecom_kf_sync_write(struct str cursor, struct str token, struct str open_kfid, int limit, struct buf *out)
{
    (void)buf_adds(out, "{");
    if (cursor.n)
        (void)wecom_add_string(out, "cursor", cursor);
    if (token.n)
        (void)wecom_add_string(out, "token", token);
    (void)wecom_add_int(out, "limit", limit);
    (void)wecom_add_int(out, "voice_format", 0);
    (void)wecom_add_string(out, "open_kfid", open_kfid);
    return buf_adds(out, "}");
}
