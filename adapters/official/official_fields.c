/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/official/official_fields.h"

#include "base/json.h"
#include "base/xml.h"

enum { SCALAR_BYTES = 64 };

static const json_t *first_of(const json_t *node)
{
    return json_is_array(node) ? json_array_get(node, 0) : node;
}

/* The node at `path`, an array where it is one. */
static const json_t *walk(const json_t *node, const char *path)
{
    struct str rest = str_of(path), step;

    while (node && str_next(&rest, '/', &step))
        node = json_object_getn(first_of(node), step.p, step.n);
    return node;
}

static struct str number_text(struct official_push *p, const json_t *node)
{
    struct buf AUTO(buf_fini) text;
    char *copy;

    buf_init(&text, SCALAR_BYTES);
    copy = json_write_compact(node, &text) < 0 ? NULL : arena_str(&p->memory, buf_str(&text));
    p->starved |= !copy;
    return (struct str){copy, copy ? text.len : 0};
}

static struct str scalar(struct official_push *p, const json_t *node)
{
    if (json_is_string(node))
        return (struct str){json_string_value(node), json_string_length(node)};
    if (json_is_number(node) || json_is_boolean(node))
        return number_text(p, node);
    return (struct str){0};
}

struct str official_field(struct official_push *p, const char *path)
{
    return p->json ? scalar(p, first_of(walk(p->tree, path))) : xml_get(p->xml, path);
}

int64_t official_field_i64(struct official_push *p, const char *path, int64_t def)
{
    int64_t v;

    return str_to_i64(str_trim(official_field(p, path)), &v) < 0 ? def : v;
}

size_t official_row_count(const struct official_push *p, const char *path)
{
    const json_t *node = p->json ? walk(p->tree, path) : NULL;

    if (!p->json)
        return xml_count(p->xml, path);
    return json_is_array(node) ? json_array_size(node) : json_is_object(node) ? 1 : 0;
}

struct str official_row_field(struct official_push *p, const char *path, size_t i, const char *name)
{
    const json_t *node = p->json ? walk(p->tree, path) : NULL;
    int at;

    if (p->json)
        return scalar(p, walk(json_is_array(node) ? json_array_get(node, i) : node, name));
    for (at = xml_first(p->xml, XML_ROOT, path); at >= 0 && i > 0; i--)
        at = xml_next(p->xml, at);
    return at < 0 ? (struct str){0} : xml_get_under(p->xml, at, name);
}
