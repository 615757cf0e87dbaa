/* SPDX-License-Identifier: Apache-2.0 */
/* libyaml's events become a json_t tree. Lines are kept beside the tree: by node pointer, and for keys by
 * (mapping pointer, key). true, false and null are shared in jansson, so only their keys have lines.
 */
#include "base/yaml.h"

#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/yaml_scalar.h"

#include <assert.h>
#include <string.h>
#include <yaml.h>

enum { YAML_MAX_BYTES = 1024 * 1024, YAML_MAX_DEPTH = 32, YAML_MAX_NODES = 1024 * 1024 };

struct yaml_doc {
    json_t *root;
    char *file;
    struct map_i64 node_lines;
    struct map_str key_lines;
};

struct loader {
    yaml_parser_t parser;
    yaml_event_t event; /* the current one; deleted before the next */
    struct yaml_doc *doc;
    struct diag *diag;
    struct str text;
    int depth;
};

static int event_line(const struct loader *l)
{
    return (int)l->event.start_mark.line + 1;
}

static int complain(struct loader *l, int err, const char *what)
{
    diag_addf(l->diag, l->doc->file, event_line(l), "%s", what);
    return err;
}

static int no_memory(struct loader *l)
{
    return complain(l, -ENOMEM, "out of memory");
}

/* Marks count characters, not bytes. */
static char character_at(struct str text, size_t index)
{
    for (size_t i = 0; i < text.n; i++)
        if (((unsigned char)text.p[i] & 0xC0) != 0x80 && index-- == 0)
            return text.p[i];
    return '\0';
}

/* libyaml says where it gave up; what people mostly did there is known. */
static const char *mend_of(const char *problem, char at)
{
    static const struct {
        const char *problem, *mend;
    } known[] = {
        {"found character that cannot start any token", "; put a text that begins so in quotes"},
        {"mapping values are not allowed in this context",
         "; put a text with a colon and a space in it in quotes, and indent keys of one level alike"},
        {"block sequence entries are not allowed in this context",
         "; begin the list on a line of its own, or write it as [a, b]"},
        {"did not find expected key", "; look for quotes inside quotes and for a wrong indentation here"},
        {"did not find expected '-' indicator", "; indent the items of a list alike, each with its `-`"},
        {"did not find expected ',' or ']'",
         "; a quote or bracket before this is not closed, or a comma is missing"},
        {"did not find expected ',' or '}'",
         "; a quote or bracket before this is not closed, or a comma is missing"},
        {"could not find expected ':'", "; write `key: value`, or put a text of several lines in quotes"},
        {"found unexpected end of stream", "; a quote is not closed"},
    };

    if (at == '\t' || strstr(problem, "tab character") != NULL)
        return "; YAML is indented with spaces: put spaces in the place of the tab";
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp(problem, known[i].problem) == 0)
            return known[i].mend;
    return "";
}

static int parser_fault(struct loader *l)
{
    const yaml_parser_t *p = &l->parser;
    const char *problem = p->problem ? p->problem : "not YAML";
    int line = (int)(p->problem_mark.line ? p->problem_mark.line : p->mark.line) + 1;

    if (p->error == YAML_MEMORY_ERROR)
        return no_memory(l);
    diag_addf(l->diag, l->doc->file, line, "%s%s%s%s", problem, p->context ? ", " : "",
              p->context ? p->context : "", mend_of(problem, character_at(l->text, p->problem_mark.index)));
    return ERR_SYNTAX;
}

static int next_event(struct loader *l)
{
    yaml_event_delete(&l->event);
    return yaml_parser_parse(&l->parser, &l->event) ? 0 : parser_fault(l);
}

/* Composite key of the table of key lines. */
static int key_of(const json_t *obj, const char *key, struct buf *ret)
{
    (void)buf_add(ret, &obj, sizeof(obj));
    (void)buf_adds(ret, key);
    return buf_error(ret);
}

static int note_key_line(struct yaml_doc *doc, const json_t *obj, const char *key, int line)
{
    struct buf composite;
    int r;

    buf_init(&composite, YAML_MAX_BYTES * 4);
    r = key_of(obj, key, &composite);
    if (r == 0)
        r = map_str_put_i64(&doc->key_lines, buf_str(&composite), line);
    buf_fini(&composite);
    return r;
}

static int note_line(struct yaml_doc *doc, const json_t *node, int line)
{
    if (json_is_boolean(node) || json_is_null(node))
        return 0;
    return map_i64_put_i64(&doc->node_lines, (int64_t)(intptr_t)node, line);
}

static int load_node(struct loader *l, json_t **ret);

static const char *anchor_of(const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_SCALAR_EVENT: return (const char *)e->data.scalar.anchor;
    case YAML_SEQUENCE_START_EVENT: return (const char *)e->data.sequence_start.anchor;
    case YAML_MAPPING_START_EVENT: return (const char *)e->data.mapping_start.anchor;
    default: return NULL;
    }
}

static const char *tag_of(const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_SCALAR_EVENT: return (const char *)e->data.scalar.tag;
    case YAML_SEQUENCE_START_EVENT: return (const char *)e->data.sequence_start.tag;
    case YAML_MAPPING_START_EVENT: return (const char *)e->data.mapping_start.tag;
    default: return NULL;
    }
}

static int check_plainness(struct loader *l)
{
    const char *tag = tag_of(&l->event);

    if (l->event.type == YAML_ALIAS_EVENT || anchor_of(&l->event))
        return complain(l, ERR_SYNTAX, "anchors and aliases are not supported, write the value out");
    if (tag && (strcmp(tag, YAML_STR_TAG) != 0 || l->event.type != YAML_SCALAR_EVENT))
        return complain(l, ERR_SYNTAX, "tags are not supported, quote the value to make it a string");
    return 0;
}

static int load_scalar(struct loader *l, json_t **ret)
{
    struct str text = {(const char *)l->event.data.scalar.value, l->event.data.scalar.length};
    bool plain = l->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !l->event.data.scalar.tag;
    int r;

    if (memchr(text.p, '\0', text.n))
        return complain(l, ERR_SYNTAX, "a NUL character is not allowed");
    r = yaml_scalar_to_json(text, plain, ret);
    if (r == -ENOMEM)
        return no_memory(l);
    if (r == ERR_TOO_BIG)
        return complain(l, ERR_SYNTAX, "the number is too big for 64 bits, quote it to make it a string");
    return r < 0 ? complain(l, r, "not a valid text") : 0;
}

static int load_list(struct loader *l, json_t **ret)
{
    json_t *list = json_array(), *item;
    int r = list ? 0 : no_memory(l);

    while (r == 0 && (r = next_event(l)) == 0 && l->event.type != YAML_SEQUENCE_END_EVENT) {
        r = load_node(l, &item);
        if (r == 0 && json_array_append_new(list, item) < 0)
            r = no_memory(l);
    }
    if (r < 0)
        json_decref(list);
    else
        *ret = list;
    return r;
}

/* The current event is the key; gives a copy. */
static int load_key(struct loader *l, json_t *obj, char **ret)
{
    const char *key = (const char *)l->event.data.scalar.value;
    int r = check_plainness(l), line;
    char *copy;

    if (r < 0)
        return r;
    if (l->event.type != YAML_SCALAR_EVENT)
        return complain(l, ERR_SYNTAX,
                        "a key must be a simple text; put a text that begins with { or [ in quotes");
    if (key[0] == '\0' || strlen(key) != l->event.data.scalar.length)
        return complain(l, ERR_SYNTAX, "a key must not be empty or hold a NUL character");
    line = event_line(l);
    if (json_object_get(obj, key)) {
        diag_addf(l->diag, l->doc->file, line, "key \"%s\" stands twice, first on line %d", key,
                  yaml_key_line(l->doc, obj, key));
        return ERR_SYNTAX;
    }
    copy = mem_strdup(key);
    if (!copy)
        return no_memory(l);
    r = note_key_line(l->doc, obj, copy, line);
    if (r < 0) {
        mem_free(copy);
        return no_memory(l);
    }
    *ret = copy;
    return 0;
}

static int load_pair(struct loader *l, json_t *obj)
{
    json_t *value;
    char *key;
    int r = load_key(l, obj, &key);

    if (r < 0)
        return r;
    r = next_event(l);
    if (r == 0)
        r = load_node(l, &value);
    if (r == 0 && json_object_set_new(obj, key, value) < 0)
        r = no_memory(l);
    mem_free(key);
    return r;
}

static int load_mapping(struct loader *l, json_t **ret)
{
    json_t *obj = json_object();
    int r = obj ? 0 : no_memory(l);

    while (r == 0 && (r = next_event(l)) == 0 && l->event.type != YAML_MAPPING_END_EVENT)
        r = load_pair(l, obj);
    if (r < 0)
        json_decref(obj);
    else
        *ret = obj;
    return r;
}

static int load_node(struct loader *l, json_t **ret)
{
    int line = event_line(l), r = check_plainness(l);
    json_t *node = NULL;

    if (r < 0)
        return r;
    if (++l->depth > YAML_MAX_DEPTH)
        return complain(l, ERR_TOO_DEEP, "nested too deeply");
    if (l->event.type == YAML_SEQUENCE_START_EVENT)
        r = load_list(l, &node);
    else if (l->event.type == YAML_MAPPING_START_EVENT)
        r = load_mapping(l, &node);
    else
        r = load_scalar(l, &node);
    l->depth--;
    if (r < 0)
        return r;
    if (note_line(l->doc, node, line) < 0) {
        json_decref(node);
        return no_memory(l);
    }
    *ret = node;
    return 0;
}

static int load_document(struct loader *l)
{
    int r = next_event(l); /* stream start */

    if (r == 0)
        r = next_event(l);
    if (r < 0)
        return r;
    if (l->event.type == YAML_STREAM_END_EVENT) {
        l->doc->root = json_null();
        return 0;
    }
    assert(l->event.type == YAML_DOCUMENT_START_EVENT);
    r = next_event(l);
    if (r == 0)
        r = load_node(l, &l->doc->root);
    if (r == 0)
        r = next_event(l); /* document end */
    if (r == 0)
        r = next_event(l);
    if (r == 0 && l->event.type != YAML_STREAM_END_EVENT)
        return complain(l, ERR_SYNTAX, "a second document, only one is allowed in a file");
    return r;
}

static int load_text(struct yaml_doc *doc, struct str text, struct diag *diag)
{
    struct loader l = {.doc = doc, .diag = diag, .text = text};
    int r;

    if (text.n > YAML_MAX_BYTES)
        return complain(&l, ERR_TOO_BIG, "more than 1 MiB");
    if (!str_utf8_valid(text))
        return complain(&l, ERR_SYNTAX, "not UTF-8, save the file with that encoding");
    if (!yaml_parser_initialize(&l.parser))
        return no_memory(&l);
    yaml_parser_set_encoding(&l.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&l.parser, (const unsigned char *)(text.n ? text.p : ""), text.n);
    r = load_document(&l);
    yaml_event_delete(&l.event);
    yaml_parser_delete(&l.parser);
    return r;
}

int yaml_load(struct str text, const char *file, struct yaml_doc **ret, struct diag *diag)
{
    struct yaml_doc *doc = mem_calloc(1, sizeof(*doc));
    int r;

    if (!doc)
        return -ENOMEM;
    map_i64_init(&doc->node_lines, YAML_MAX_NODES);
    map_str_init(&doc->key_lines, YAML_MAX_NODES);
    doc->file = mem_strdup(file ? file : "");
    r = doc->file ? load_text(doc, text, diag) : -ENOMEM;
    if (r < 0) {
        yaml_unload(doc);
        return r;
    }
    *ret = doc;
    return 0;
}

void yaml_unload(struct yaml_doc *doc)
{
    if (!doc)
        return;
    json_decref(doc->root);
    map_i64_fini(&doc->node_lines);
    map_str_fini(&doc->key_lines);
    mem_free(doc->file);
    mem_free(doc);
}

json_t *yaml_root(const struct yaml_doc *doc)
{
    return doc->root;
}

const char *yaml_file(const struct yaml_doc *doc)
{
    return doc->file;
}

int yaml_line_of(const struct yaml_doc *doc, const json_t *node)
{
    const union map_val *line = map_i64_find(&doc->node_lines, (int64_t)(intptr_t)node);

    return line ? (int)line->i : 0;
}

int yaml_key_line(const struct yaml_doc *doc, const json_t *obj, const char *key)
{
    const union map_val *line = NULL;
    struct buf composite;

    buf_init(&composite, YAML_MAX_BYTES * 4);
    if (key_of(obj, key, &composite) == 0)
        line = map_str_find(&doc->key_lines, buf_str(&composite));
    buf_fini(&composite);
    return line ? (int)line->i : 0;
}
