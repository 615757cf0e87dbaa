/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/sms/sms_push.h"

#include <errno.h>

#include "adapters/sms/sms_phone.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/shanghai.h"

enum { PUSH_MEMORY_BYTES = 8 * 1024 * 1024, PUSH_DEPTH = 8 };

/* A text, or a number as one: older pushes have numbers where newer ones have texts. */
static int field(struct sms_push *p, const json_t *element, const char *key, struct str *ret)
{
    const json_t *value = json_object_get(element, key);
    char *text;

    *ret = str_of(json_is_string(value) ? json_string_value(value) : "");
    if (!json_is_integer(value))
        return 0;
    text = arena_printf(&p->memory, "%lld", (long long)json_integer_value(value));
    if (!text)
        return -ENOMEM;
    *ret = str_of(text);
    return 0;
}

static int64_t time_of(const json_t *element, const char *key)
{
    int64_t ms;

    return shanghai_parse(str_of(json_str(element, key, "")), &ms) < 0 ? 0 : ms;
}

/* "<lead>:<digest of the parts>" */
static int digest_key(struct sms_push *p, const char *lead, const struct str *parts, size_t n,
                      struct str *ret)
{
    struct hash128 hash = crypto_hash128(parts, n);
    char hex[2 * sizeof(hash.b) + 1], *key;

    crypto_hex_to(hash.b, sizeof(hash.b), hex);
    key = arena_printf(&p->memory, "%s:%s", lead, hex);
    if (!key)
        return -ENOMEM;
    *ret = str_of(key);
    return 0;
}

static int give_data(struct sms_push *p, struct event *e, const json_t *element, const char *const *keys,
                     size_t n)
{
    json_t *data = json_object();

    e->data = data;
    if (!data || json_array_append_new(p->datas, data) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        struct str value;

        if (!json_object_get(element, keys[i]))
            continue;
        if (field(p, element, keys[i], &value) < 0 ||
            json_object_set_new(data, keys[i], json_stringn(value.p, value.n)) < 0)
            return -ENOMEM;
    }
    return 0;
}

static bool arrived(const json_t *element)
{
    const json_t *success = json_object_get(element, "success");

    return json_is_true(success) ||
           (json_is_string(success) && str_is(str_of(json_string_value(success)), "true"));
}

static int read_report(struct sms_push *p, const json_t *element, struct event *e)
{
    static const char *const kept[] = {"err_code", "err_msg", "sms_size", "biz_id"};
    struct str biz_id, out_id, err_code;
    bool good = arrived(element);
    int r = field(p, element, "biz_id", &biz_id);

    if (r == 0)
        r = field(p, element, "out_id", &out_id);
    if (r == 0)
        r = field(p, element, "err_code", &err_code);
    if (r == 0)
        r = give_data(p, e, element, kept, ARRAY_LEN(kept));
    if (r < 0)
        return r;
    e->kind = EVENT_RECEIPT;
    e->handle = out_id.n ? out_id : biz_id;
    e->verdict = good ? OUTCOME_DELIVERED : OUTCOME_PERMANENT;
    e->at_ms = time_of(element, "report_time");
    if (json_object_set_new((json_t *)(uintptr_t)e->data, "success", json_boolean(good)) < 0)
        return -ENOMEM;
    return digest_key(p, "report", (const struct str[]){biz_id.n ? biz_id : out_id, e->contact, err_code}, 3,
                      &e->dedupe);
}

static int read_up(struct sms_push *p, const json_t *element, struct event *e)
{
    static const char *const kept[] = {"dest_code", "sequence_id", "sign_name"};
    struct str content, sequence;
    int r = field(p, element, "content", &content);

    if (r == 0)
        r = field(p, element, "sequence_id", &sequence);
    if (r == 0)
        r = give_data(p, e, element, kept, ARRAY_LEN(kept));
    if (r < 0)
        return r;
    e->kind = EVENT_MESSAGE_RECEIVED;
    e->text = content;
    e->at_ms = time_of(element, "send_time");
    if (sequence.n)
        return digest_key(p, "up", &sequence, 1, &e->dedupe);
    return digest_key(p, "up",
                      (const struct str[]){e->contact, content, str_of(json_str(element, "send_time", "")),
                                           str_of(json_str(element, "dest_code", ""))},
                      4, &e->dedupe);
}

static int read_element(struct sms_push *p, enum sms_push_kind kind, const json_t *element)
{
    struct event *e = &p->events[p->count];
    struct str phone, contact;
    int r = field(p, element, "phone_number", &phone);

    if (r < 0)
        return r;
    if (sms_phone_read(phone, &contact) < 0) {
        p->skipped++;
        return 0;
    }
    *e = (struct event){.contact = contact};
    r = kind == SMS_REPORT ? read_report(p, element, e) : read_up(p, element, e);
    if (r == 0)
        p->count++;
    return r;
}

static int read_elements(struct sms_push *p, enum sms_push_kind kind)
{
    size_t n = json_array_size(p->json);
    int r = 0;

    if (!json_is_array(p->json))
        return ERR_SYNTAX;
    if (n > SMS_PUSH_ELEMENTS)
        return ERR_TOO_BIG;
    p->datas = json_array();
    p->events = arena_alloc(&p->memory, (n + 1) * sizeof(*p->events));
    if (!p->datas || !p->events)
        return -ENOMEM;
    for (size_t i = 0; r == 0 && i < n; i++)
        r = read_element(p, kind, json_array_get(p->json, i));
    return r == 0 && n > 0 && p->count == 0 ? ERR_INVALID : r;
}

int sms_push_read(struct sms_push *p, enum sms_push_kind kind, struct str body)
{
    int r;

    *p = (struct sms_push){0};
    arena_init(&p->memory, PUSH_MEMORY_BYTES);
    r = json_parse(body, PUSH_DEPTH, &p->json, NULL);
    if (r == 0)
        r = read_elements(p, kind);
    if (r < 0)
        sms_push_fini(p);
    return r == ERR_TOO_DEEP ? ERR_SYNTAX : r;
}

void sms_push_fini(struct sms_push *p)
{
    json_decref(p->datas);
    json_decref(p->json);
    arena_fini(&p->memory);
    *p = (struct sms_push){0};
}
