/* SPDX-License-Identifier: Apache-2.0 */
/* wecom_attach.c - the table of fields says what an attachment may hold; nothing passes that is not in it. */
#include "adapters/wecom/wecom_attach.h"

#include <string.h>

#include "base/json.h"

enum { MEDIA_ID_BYTES = 512, URL_BYTES = 2048 };

static const struct attach_field {
    const char *kind, *key;
    size_t max_bytes;
    bool required;
} attach_fields[] = {
    {"image", "media_id", MEDIA_ID_BYTES, false},
    {"image", "pic_url", URL_BYTES, false},
    {"link", "title", 128, true},
    {"link", "picurl", URL_BYTES, false},
    {"link", "desc", 512, false},
    {"link", "url", URL_BYTES, true},
    {"miniprogram", "title", 64, true},
    {"miniprogram", "pic_media_id", MEDIA_ID_BYTES, true},
    {"miniprogram", "appid", 64, true},
    {"miniprogram", "page", URL_BYTES, true},
    {"video", "media_id", MEDIA_ID_BYTES, true},
    {"file", "media_id", MEDIA_ID_BYTES, true},
};

/* An attachment is an object of one key, its kind. */
static int attach_open(struct wecom_ask *a, const json_t *item, const char **ret_kind, const json_t **ret)
{
    void *at = json_object_iter((json_t *)(uintptr_t)item);

    if (!at || json_object_size(item) != 1 || !json_is_object(json_object_iter_value(at)))
        return wecom_ask_refuse(a, ERR_INVALID,
                                "an attachment must be a mapping of one kind, as in {link: {...}}");
    *ret_kind = json_object_iter_key(at);
    *ret = json_object_iter_value(at);
    return 0;
}

/* Checks one field and says whether it is there: 1, 0 or an error. */
static int field_check(struct wecom_ask *a, const struct attach_field *f, const json_t *fields)
{
    const json_t *value = json_object_get(fields, f->key);

    if (!value || (json_is_string(value) && json_string_length(value) == 0)) {
        if (f->required)
            return wecom_ask_refuse(a, ERR_INVALID, "%s needs %s", f->kind, f->key);
        return 0;
    }
    if (!json_is_string(value))
        return wecom_ask_refuse(a, ERR_INVALID, "%s.%s must be a text", f->kind, f->key);
    if (json_string_length(value) > f->max_bytes)
        return wecom_ask_refuse(a, ERR_TOO_BIG, "%s.%s has %zu bytes, at most %zu are allowed", f->kind,
                                f->key, json_string_length(value), f->max_bytes);
    return 1;
}

static int refuse_unknown(struct wecom_ask *a, const char *kind, const json_t *fields)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)fields, key, value)
    {
        bool known = false;

        for (size_t i = 0; i < ARRAY_LEN(attach_fields) && !known; i++)
            known = strcmp(attach_fields[i].kind, kind) == 0 && strcmp(attach_fields[i].key, key) == 0;
        if (!known)
            return wecom_ask_refuse(a, ERR_INVALID, "%s has no field %s", kind, key);
    }
    return 0;
}

/* Checks all fields; with `out`, writes them as the members of an object. */
static int attach_fields_check(struct wecom_ask *a, const char *kind, const json_t *fields, struct buf *out)
{
    int found = 0;
    bool known = false;

    for (size_t i = 0; i < ARRAY_LEN(attach_fields); i++) {
        const struct attach_field *f = &attach_fields[i];
        int r;

        if (strcmp(f->kind, kind) != 0)
            continue;
        known = true;
        r = field_check(a, f, fields);
        if (r < 0)
            return r;
        found += r;
        if (r > 0 && out)
            (void)wecom_add_string(out, f->key, str_of(json_str(fields, f->key, "")));
    }
    if (!known)
        return wecom_ask_refuse(a, ERR_INVALID, "WeCom has no attachment %s", kind);
    if (found == 0)
        return wecom_ask_refuse(a, ERR_INVALID, "%s is empty", kind);
    return refuse_unknown(a, kind, fields);
}

static int attach_list_check(struct wecom_ask *a, const json_t *attach)
{
    if (attach && !json_is_array(attach))
        return wecom_ask_refuse(a, ERR_INVALID, "attachments must be a list");
    if (json_array_size(attach) > WECOM_ATTACH_MAX)
        return wecom_ask_refuse(a, ERR_TOO_BIG, "%zu attachments, at most %d are allowed",
                                json_array_size(attach), WECOM_ATTACH_MAX);
    return 0;
}

int wecom_attach_add(struct wecom_ask *a, const json_t *attach, struct buf *out)
{
    int r = attach_list_check(a, attach);

    if (r < 0 || json_array_size(attach) == 0)
        return r;
    (void)buf_adds(out, ",\"attachments\":[");
    for (size_t i = 0; i < json_array_size(attach); i++) {
        const char *kind = NULL;
        const json_t *fields = NULL;

        r = attach_open(a, json_array_get(attach, i), &kind, &fields);
        if (r < 0)
            return r;
        (void)buf_adds(out, i ? ",{" : "{");
        (void)wecom_add_string(out, "msgtype", str_of(kind));
        (void)buf_addf(out, ",\"%s\":{", kind);
        r = attach_fields_check(a, kind, fields, out);
        if (r < 0)
            return r;
        (void)buf_adds(out, "}}");
    }
    return buf_adds(out, "]");
}

int wecom_attach_as_text(struct wecom_ask *a, const json_t *attach, struct buf *out)
{
    int r = attach_list_check(a, attach);

    for (size_t i = 0; r == 0 && i < json_array_size(attach); i++) {
        const char *kind = NULL;
        const json_t *fields = NULL;

        r = attach_open(a, json_array_get(attach, i), &kind, &fields);
        if (r < 0)
            return r;
        if (strcmp(kind, "link") != 0)
            return wecom_ask_refuse(
                a, ERR_INVALID, "one text message cannot carry %s; give this channel its own variant", kind);
        r = attach_fields_check(a, kind, fields, NULL);
        if (r == 0)
            r = buf_addf(out, "%s%s\n%s", out->len ? "\n" : "", json_str(fields, "title", ""),
                         json_str(fields, "url", ""));
    }
    return r;
}
