/* SPDX-License-Identifier: Apache-2.0 */
/* Queries, and Aliyun's bodies, are forms: an object of strings. Other bodies are JSON. */
#include "sandbox/wire.h"

#include "base/json.h"
#include "sandbox/must.h"

#include <string.h>

/* "a=1&b=%20" as an object of strings; NULL: not UTF-8, or a broken escape. */
static json_t *parameters(struct str text)
{
    json_t *all = sb_must_have(json_object());
    struct str rest = text, piece, key, value;
    struct buf name, plain;
    bool good = true;

    buf_init(&name, SB_WIRE_BYTES);
    buf_init(&plain, SB_WIRE_BYTES);
    while (good && rest.n > 0 && str_next(&rest, '&', &piece)) {
        json_t *one;

        (void)str_cut(piece, '=', &key, &value);
        buf_reset(&name);
        buf_reset(&plain);
        good = str_percent_decode(key, true, &name) == 0 && str_percent_decode(value, true, &plain) == 0;
        one = good ? json_stringn(buf_cstr(&plain), plain.len) : NULL;
        good = one != NULL && str_utf8_valid(buf_str(&name)) &&
               memchr(buf_cstr(&plain), '\0', plain.len) == NULL &&
               json_object_set_new(all, buf_cstr(&name), one) == 0;
    }
    buf_fini(&name);
    buf_fini(&plain);
    if (good)
        return all;
    json_decref(all);
    return NULL;
}

/* WeChat's samples have raw control characters nowhere and duplicates never: the strict parser will do. */
static json_t *body_of(const struct sb_wire *w)
{
    json_t *body = NULL;

    if (w->body.n == 0)
        return NULL;
    if (w->base == SB_BASE_ALIYUN)
        return parameters(w->body);
    return json_parse(w->body, JSON_DEPTH, &body, NULL) == 0 ? body : NULL;
}

/* Keeps a copy of `text` alive; the copy. */
static struct str keep_text(json_t *keep, const char *name, struct str text)
{
    json_t *copy = json_stringn_nocheck(text.n > 0 ? text.p : "", text.n);

    sb_json_set(keep, name, sb_must_have(copy));
    return (struct str){json_string_value(copy), text.n};
}

bool sb_wire_call(const struct sb_wire *w, json_t *keep, struct sb_call *ret)
{
    json_t *query = parameters(w->query), *body;

    if (query == NULL || !str_utf8_valid(w->path))
        return false;
    *ret = (struct sb_call){.base = w->base, .post = w->post, .query = query, .headers = w->headers};
    sb_json_set(keep, "query", query);
    ret->raw = keep_text(keep, "raw", w->body);
    ret->raw_query = keep_text(keep, "raw_query", w->query);
    ret->path = keep_text(keep, "path", w->path).p;
    body = body_of(w);
    if (body != NULL)
        sb_json_set(keep, "body", body);
    ret->body = body;
    return true;
}
