/* SPDX-License-Identifier: Apache-2.0 */
/* The getters of configuration: every complaint names file, line and path. */
#include "base/json.h"

#include "base/yaml.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

void json_ctx_init(struct json_ctx *c, struct diag *diag, const char *file, const struct yaml_doc *doc)
{
    *c = (struct json_ctx){.diag = diag, .file = file, .doc = doc};
}

static size_t ctx_mark(struct json_ctx *c)
{
    size_t len = strlen(c->path);

    assert(c->depth < sizeof(c->marks) / sizeof(c->marks[0]));
    c->marks[c->depth++] = len;
    return len;
}

void json_ctx_push(struct json_ctx *c, const char *key)
{
    size_t len;

    if (!c)
        return;
    len = ctx_mark(c);
    (void)snprintf(c->path + len, sizeof(c->path) - len, "%s%s", len ? "." : "", key);
}

void json_ctx_push_index(struct json_ctx *c, size_t index)
{
    size_t len;

    if (!c)
        return;
    len = ctx_mark(c);
    (void)snprintf(c->path + len, sizeof(c->path) - len, "[%zu]", index);
}

void json_ctx_pop(struct json_ctx *c)
{
    if (!c)
        return;
    assert(c->depth > 0);
    c->path[c->marks[--c->depth]] = '\0';
}

static int line_of(const struct json_ctx *c, const json_t *obj, const char *key)
{
    int line = 0;

    if (!c->doc)
        return 0;
    if (key)
        line = yaml_key_line(c->doc, obj, key);
    return line ? line : yaml_line_of(c->doc, obj);
}

void json_complainf(struct json_ctx *c, const json_t *obj, const char *key, const char *fmt, ...)
{
    char what[512];
    va_list args;

    if (!c || !c->diag)
        return;
    va_start(args, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    diag_addf(c->diag, c->file, line_of(c, obj, key), "%s%s%s%s%s", c->path, key && c->path[0] ? "." : "",
              key ? key : "", key || c->path[0] ? ": " : "", what);
}

static bool is_absent(const json_t *v)
{
    return !v || json_is_null(v);
}

static int wrong_type(struct json_ctx *c, const json_t *obj, const char *key, const char *want)
{
    const json_t *v = json_object_get(obj, key);

    if (!v) {
        json_complainf(c, obj, key, "is missing, expected %s", want);
        return ERR_NOT_FOUND;
    }
    json_complainf(c, obj, key, "expected %s, got %s", want, json_type_name(v));
    return ERR_INVALID;
}

int json_get_string(const json_t *obj, const char *key, const char **ret, struct json_ctx *c)
{
    const json_t *v = json_object_get(obj, key);

    if (!json_is_string(v))
        return wrong_type(c, obj, key, "a string");
    *ret = json_string_value(v);
    return 0;
}

int json_get_i64(const json_t *obj, const char *key, int64_t *ret, struct json_ctx *c)
{
    const json_t *v = json_object_get(obj, key);

    if (!json_is_integer(v))
        return wrong_type(c, obj, key, "an integer");
    *ret = json_integer_value(v);
    return 0;
}

int json_get_i64_in(const json_t *obj, const char *key, int64_t min, int64_t max, int64_t *ret,
                    struct json_ctx *c)
{
    int64_t v;
    int r = json_get_i64(obj, key, &v, c);

    if (r < 0)
        return r;
    if (v < min || v > max) {
        json_complainf(c, obj, key, "expected %lld to %lld, got %lld", (long long)min, (long long)max,
                       (long long)v);
        return ERR_INVALID;
    }
    *ret = v;
    return 0;
}

int json_get_bool(const json_t *obj, const char *key, bool *ret, struct json_ctx *c)
{
    const json_t *v = json_object_get(obj, key);

    if (!json_is_boolean(v))
        return wrong_type(c, obj, key, "true or false");
    *ret = json_is_true(v);
    return 0;
}

int json_get_array(const json_t *obj, const char *key, const json_t **ret, struct json_ctx *c)
{
    const json_t *v = json_object_get(obj, key);

    if (!json_is_array(v))
        return wrong_type(c, obj, key, "a list");
    *ret = v;
    return 0;
}

int json_get_object(const json_t *obj, const char *key, const json_t **ret, struct json_ctx *c)
{
    const json_t *v = json_object_get(obj, key);

    if (!json_is_object(v))
        return wrong_type(c, obj, key, "a mapping");
    *ret = v;
    return 0;
}

int json_opt_string(const json_t *obj, const char *key, const char *def, const char **ret, struct json_ctx *c)
{
    if (!is_absent(json_object_get(obj, key)))
        return json_get_string(obj, key, ret, c);
    *ret = def;
    return 0;
}

int json_opt_i64(const json_t *obj, const char *key, int64_t def, int64_t *ret, struct json_ctx *c)
{
    if (!is_absent(json_object_get(obj, key)))
        return json_get_i64(obj, key, ret, c);
    *ret = def;
    return 0;
}

int json_opt_i64_in(const json_t *obj, const char *key, int64_t min, int64_t max, int64_t def, int64_t *ret,
                    struct json_ctx *c)
{
    if (!is_absent(json_object_get(obj, key)))
        return json_get_i64_in(obj, key, min, max, ret, c);
    *ret = def;
    return 0;
}

int json_opt_bool(const json_t *obj, const char *key, bool def, bool *ret, struct json_ctx *c)
{
    if (!is_absent(json_object_get(obj, key)))
        return json_get_bool(obj, key, ret, c);
    *ret = def;
    return 0;
}

int json_opt_array(const json_t *obj, const char *key, const json_t **ret, struct json_ctx *c)
{
    if (!is_absent(json_object_get(obj, key)))
        return json_get_array(obj, key, ret, c);
    *ret = NULL;
    return 0;
}

int json_opt_object(const json_t *obj, const char *key, const json_t **ret, struct json_ctx *c)
{
    if (!is_absent(json_object_get(obj, key)))
        return json_get_object(obj, key, ret, c);
    *ret = NULL;
    return 0;
}

enum { KEY_MAX = 32, NEAR = 2 };

/* Levenshtein distance; NEAR + 1 stands for "farther" and for long keys. */
static size_t distance(const char *a, const char *b)
{
    size_t na = strlen(a), nb = strlen(b), row[KEY_MAX + 1];

    if (na > KEY_MAX || nb > KEY_MAX)
        return NEAR + 1;
    for (size_t j = 0; j <= nb; j++)
        row[j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t replace = diagonal + (a[i - 1] != b[j - 1]);
            size_t insert = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;

            diagonal = row[j];
            row[j] = replace < insert ? replace : insert;
        }
    }
    return row[nb];
}

static const char *nearest_key(const char *key, const char *const *keys)
{
    const char *best = NULL;
    size_t least = NEAR + 1;

    for (; *keys; keys++) {
        size_t d = distance(key, *keys);

        if (d < least && d < strlen(*keys)) {
            least = d;
            best = *keys;
        }
    }
    return best;
}

static bool is_known(const char *key, const char *const *keys)
{
    for (; *keys; keys++)
        if (strcmp(key, *keys) == 0)
            return true;
    return false;
}

int json_only_keys(const json_t *obj, const char *const *keys, struct json_ctx *c)
{
    json_t *walked = (json_t *)(uintptr_t)obj; /* not changed: jansson has no const walk */
    int r = 0;

    for (void *it = json_object_iter(walked); it; it = json_object_iter_next(walked, it)) {
        const char *key = json_object_iter_key(it), *near;

        if (is_known(key, keys))
            continue;
        near = nearest_key(key, keys);
        json_complainf(c, obj, key, "not available in this version%s%s%s", near ? ", did you mean \"" : "",
                       near ? near : "", near ? "\"?" : "");
        r = ERR_INVALID;
    }
    return r;
}
