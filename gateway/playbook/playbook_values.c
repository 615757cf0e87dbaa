/* SPDX-License-Identifier: Apache-2.0 */
#include "playbook/playbook_private.h"

#include <string.h>

#include "base/shanghai.h"

static bool parse_duration(struct str text, int64_t *ret)
{
    static const struct {
        char unit;
        int64_t ms;
    } units[] = {{'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', SHANGHAI_DAY_MS}};
    int64_t n = 0;

    if (text.n < 2 || str_to_i64(str_sub(text, 0, text.n - 1), &n) < 0 || n < 0 || n > 100000)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (text.p[text.n - 1] == units[i].unit) {
            *ret = n * units[i].ms;
            return true;
        }
    }
    return false;
}

bool playbook_duration(struct play *p, const json_t *obj, const char *key, int64_t min_ms, int64_t max_ms,
                       int64_t *ret)
{
    const json_t *node = json_object_get(obj, key);
    int64_t ms = 0;

    if (node == NULL)
        return true;
    if (!json_is_string(node) || !parse_duration(str_of(json_string_value(node)), &ms)) {
        json_complainf(&p->ctx, obj, key,
                       "not a duration; write a number and s, m, h or d, as 30s, 20m, 2h, 1d");
        return false;
    }
    if (ms < min_ms || ms > max_ms) {
        json_complainf(&p->ctx, obj, key, "`%s` is out of range, from %lld s to %lld s are possible",
                       json_string_value(node), (long long)(min_ms / 1000), (long long)(max_ms / 1000));
        return false;
    }
    *ret = ms;
    return true;
}

bool playbook_time(struct play *p, const json_t *obj, const char *key, int64_t *ret)
{
    const json_t *node = json_object_get(obj, key);

    if (node == NULL)
        return true;
    if (json_is_string(node) && shanghai_parse_time(str_of(json_string_value(node)), ret) == 0)
        return true;
    json_complainf(&p->ctx, obj, key,
                   "not a time of day; write it as \"09:30\", from \"00:00\" to \"23:59\"");
    return false;
}

static struct str class_name(const void *ctx, size_t i)
{
    (void)ctx;
    return str_of(message_class_text((enum message_class)i));
}

static bool one_class(struct play *p, const json_t *obj, const json_t *node, uint32_t *ret)
{
    const char *word = json_is_string(node) ? json_string_value(node) : "";
    char hint[PLAYBOOK_HINT_BYTES];
    enum message_class class;

    if (message_class_of(str_of(word), &class) < 0) {
        struct str near = playbook_nearest(word, class_name, NULL, MESSAGE_CLASS_COUNT);

        json_complainf(&p->ctx, obj, "classes", "`%s` is no message class%s", word,
                       near.n > 0 ? playbook_hint(near, hint)
                                  : "; there are reply, transactional, journey, broadcast and staff");
        return false;
    }
    if (class == CLASS_WELCOME) {
        json_complainf(
            &p->ctx, obj, "classes",
            "a welcome is never held: its code lives 20 seconds, so it goes or ends; take `welcome` out");
        return false;
    }
    *ret |= 1u << class;
    return true;
}

bool playbook_classes(struct play *p, const json_t *obj, uint32_t *ret)
{
    const json_t *node = json_object_get(obj, "classes");
    uint32_t classes = 0;
    bool ok = true;

    if (node == NULL)
        return true;
    if (!json_is_array(node) || json_array_size(node) == 0) {
        json_complainf(&p->ctx, obj, "classes", "expected a list as [journey, broadcast]");
        return false;
    }
    for (size_t i = 0; i < json_array_size(node); i++)
        ok &= one_class(p, obj, json_array_get(node, i), &classes);
    if (ok)
        *ret = classes;
    return ok;
}

bool playbook_name(struct play *p, const json_t *obj, const char *key, size_t max, bool required,
                   const char **ret)
{
    const json_t *node = json_object_get(obj, key);
    const char *text = json_string_value(node);

    if (node == NULL) {
        if (required)
            json_complainf(&p->ctx, obj, NULL, "`%s` is missing", key);
        return !required;
    }
    if (text == NULL || text[0] == '\0') {
        json_complainf(&p->ctx, obj, key, "expected a text, got %s; put it in quotes if it is one",
                       text == NULL ? json_type_name(node) : "nothing");
        return false;
    }
    if (strlen(text) > max) {
        json_complainf(&p->ctx, obj, key, "%zu bytes are too long, at most %zu", strlen(text), max);
        return false;
    }
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) {
            json_complainf(&p->ctx, obj, key, "holds a control character; take it out");
            return false;
        }
    }
    *ret = text;
    return true;
}

/* Where a beginner writes one value, the mapping is shown. */
static const char *example_of(const char *key)
{
    static const struct {
        const char *key, *example;
    } examples[] = {
        {"keyword", "{any: [抽奖]}"},
        {"every", "{weekday: tue, at: \"12:00\"}"},
        {"to", "{contacts: {tag: NAME}} or {groups: all}"},
        {"with", "{prize: NAME}"},
        {"limits", "{recipient: {day: 2}}"},
        {"quiet_hours", "{from: \"21:00\", to: \"09:00\"}"},
        {"templates", "{welcome: {text: 您好}}"},
    };

    for (size_t i = 0; i < ARRAY_LEN(examples); i++)
        if (strcmp(key, examples[i].key) == 0)
            return examples[i].example;
    return NULL;
}

const json_t *playbook_object_at(struct play *p, const json_t *obj, const char *key)
{
    const json_t *node = json_object_get(obj, key);
    const char *example = example_of(key);

    if (node == NULL || json_is_object(node))
        return node;
    json_complainf(&p->ctx, obj, key, "expected a mapping%s%s, got %s", example != NULL ? " as " : "",
                   example != NULL ? example : "", json_type_name(node));
    return NULL;
}

size_t playbook_count(const json_t *node)
{
    return json_is_array(node) ? json_array_size(node) : node != NULL;
}

const json_t *playbook_item(const json_t *node, size_t i)
{
    return json_is_array(node) ? json_array_get(node, i) : node;
}

struct str playbook_where(struct play *p, const json_t *obj, const char *key)
{
    int line = key != NULL ? yaml_key_line(p->owned->doc, obj, key) : yaml_line_of(p->owned->doc, obj);

    return str_of(arena_printf(p->arena, "%s:%d", p->ctx.file, line));
}

struct str playbook_copy(struct play *p, const char *text)
{
    return str_of(arena_str(p->arena, str_of(text)));
}
