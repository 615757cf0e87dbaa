/* SPDX-License-Identifier: Apache-2.0 */
/* jansson parses by recursion and bounds it at 2048; depth is therefore judged on the text beforehand. */
#include "base/json.h"

#include <stdio.h>
#include <string.h>

static bool is_deeper(struct str text, size_t max_depth)
{
    bool in_string = false;
    size_t depth = 0;

    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '[' || c == '{') && ++depth > max_depth)
            return true;
        else if (!in_string && (c == ']' || c == '}') && depth)
            depth--;
    }
    return false;
}

static void fault_set(struct json_fault *fault, int line, int column, const char *text)
{
    if (!fault)
        return;
    *fault = (struct json_fault){.line = line > 0 ? line : 1, .column = column > 0 ? column : 1};
    (void)snprintf(fault->text, sizeof(fault->text), "%s", text);
}

int json_parse(struct str text, size_t max_depth, json_t **ret, struct json_fault *reterr)
{
    json_error_t error;
    json_t *root;

    if (is_deeper(text, max_depth)) {
        fault_set(reterr, 1, 1, err_text(ERR_TOO_DEEP));
        return ERR_TOO_DEEP;
    }
    root = json_loadb(text.n ? text.p : "", text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!root) {
        fault_set(reterr, error.line, error.column, error.text);
        return json_error_code(&error) == json_error_out_of_memory ? -ENOMEM : ERR_SYNTAX;
    }
    *ret = root;
    return 0;
}

static int write_chunk(const char *p, size_t n, void *out)
{
    return buf_add(out, p, n) < 0 ? -1 : 0;
}

static int write_node(const json_t *node, size_t flags, struct buf *out)
{
    int r = json_dump_callback(node, write_chunk, out, flags | JSON_COMPACT | JSON_ENCODE_ANY);

    if (buf_error(out))
        return buf_error(out);
    return r < 0 ? -ENOMEM : 0;
}

int json_write_compact(const json_t *node, struct buf *out)
{
    return write_node(node, 0, out);
}

int json_write_sorted(const json_t *node, struct buf *out)
{
    return write_node(node, JSON_SORT_KEYS, out);
}

static const char *short_escape(int32_t cp)
{
    switch (cp) {
    case '"': return "\\\"";
    case '\\': return "\\\\";
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    default: return NULL;
    }
}

/* The longest head of `s` that stands in JSON as it is. */
static size_t verbatim_head(struct str s)
{
    struct str rest = s;

    while (rest.n) {
        unsigned char c = (unsigned char)rest.p[0];

        if (c < 0x20 || c == '"' || c == '\\')
            break;
        if (c < 0x80)
            rest = (struct str){rest.p + 1, rest.n - 1};
        else {
            struct str before = rest;

            if (utf8_next(&rest) < 0)
                return s.n - before.n;
        }
    }
    return s.n - rest.n;
}

int json_write_string(struct str s, struct buf *out)
{
    (void)buf_addc(out, '"');
    while (s.n) {
        size_t n = verbatim_head(s);
        const char *escape;
        int32_t cp;

        (void)buf_add(out, s.p, n);
        s = str_sub(s, n, s.n);
        if (s.n == 0)
            break;
        cp = utf8_next(&s);
        escape = short_escape(cp);
        if (escape)
            (void)buf_adds(out, escape);
        else if (cp < 0)
            (void)buf_adds(out, "\xEF\xBF\xBD");
        else
            (void)buf_addf(out, "\\u%04x", (unsigned)cp);
    }
    (void)buf_addc(out, '"');
    return buf_error(out);
}

const char *json_type_name(const json_t *node)
{
    if (!node)
        return "nothing";
    switch (json_typeof(node)) {
    case JSON_OBJECT: return "object";
    case JSON_ARRAY: return "array";
    case JSON_STRING: return "string";
    case JSON_INTEGER: return "integer";
    case JSON_REAL: return "real number";
    case JSON_TRUE:
    case JSON_FALSE: return "boolean";
    case JSON_NULL: return "null";
    }
    return "nothing";
}

const char *json_str(const json_t *obj, const char *key, const char *def)
{
    const char *s = json_string_value(json_object_get(obj, key));

    return s ? s : def;
}

int64_t json_int(const json_t *obj, const char *key, int64_t def)
{
    const json_t *v = json_object_get(obj, key);
    int64_t i;

    if (json_is_integer(v))
        return json_integer_value(v);
    if (json_is_string(v) && str_to_i64((struct str){json_string_value(v), json_string_length(v)}, &i) == 0)
        return i;
    return def;
}

bool json_flag(const json_t *obj, const char *key, bool def)
{
    const json_t *v = json_object_get(obj, key);

    return json_is_boolean(v) ? json_is_true(v) : def;
}
