/* SPDX-License-Identifier: Apache-2.0 */
/* expat reports, and we keep a flat list of elements in document order and one buffer of bytes.
 *
 * An element's name and text lie in the buffer one after the other: text is only kept while an element has
 * no child, so no other bytes can come between. The first child makes its parent's text (white space) void.
 *
 * Attributes are counted before expat sees the text: it collects all of a tag before it tells us of any, and
 * its tables for their names grow for good, which would make every later text slow.
 */
#include "base/xml.h"

#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"

#include <expat.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { XML_MAX_ELEMENTS = 4096, XML_MAX_ATTRIBUTES = 64 };

struct xml_element {
    int parent; /* XML_NONE: the root */
    size_t name_at, name_len, text_at, text_len;
    bool has_children;
};

struct xml_doc {
    XML_Parser parser;
    struct xml_element *elements;
    int count, cap;
    struct buf bytes;
    int open, depth; /* while parsing: the element that is open, and how deep it lies */
    int err;
    char fault[160];
};

static void give_up(struct xml_doc *x, int err, const char *why)
{
    if (x->err)
        return;
    x->err = err;
    (void)snprintf(x->fault, sizeof(x->fault), "line %lu: %s",
                   (unsigned long)XML_GetCurrentLineNumber(x->parser), why);
    (void)XML_StopParser(x->parser, XML_FALSE);
}

static struct xml_element *add_element(struct xml_doc *x)
{
    int cap = x->cap ? x->cap * 2 : 64;
    struct xml_element *elements;

    if (x->count == x->cap) {
        elements = mem_resize(x->elements, (size_t)cap, sizeof(*elements));
        if (!elements)
            return NULL;
        x->elements = elements;
        x->cap = cap;
    }
    x->elements[x->count] = (struct xml_element){.parent = x->open};
    return &x->elements[x->count++];
}

static void drop_text_of_parent(struct xml_doc *x)
{
    struct xml_element *parent;

    if (x->open == XML_NONE)
        return;
    parent = &x->elements[x->open];
    parent->has_children = true;
    parent->text_len = 0;
}

static void on_start(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
    struct xml_doc *x = ctx;
    struct xml_element *e;

    (void)attributes;
    if (x->err)
        return;
    if (x->depth == XML_MAX_DEPTH)
        give_up(x, ERR_TOO_DEEP, err_text(ERR_TOO_DEEP));
    else if (x->count == XML_MAX_ELEMENTS)
        give_up(x, ERR_TOO_BIG, "too many elements");
    if (x->err)
        return;
    drop_text_of_parent(x);
    e = add_element(x);
    if (!e || buf_reserve(&x->bytes, strlen(name)) < 0) {
        give_up(x, -ENOMEM, err_text(-ENOMEM));
        return;
    }
    e->name_at = x->bytes.len;
    e->name_len = strlen(name);
    (void)buf_adds(&x->bytes, name); /* reserved */
    e->text_at = x->bytes.len;
    x->open = x->count - 1;
    x->depth++;
}

static void on_end(void *ctx, const XML_Char *name)
{
    struct xml_doc *x = ctx;

    (void)name;
    if (x->err)
        return;
    x->open = x->elements[x->open].parent;
    x->depth--;
}

static void on_text(void *ctx, const XML_Char *text, int len)
{
    struct xml_doc *x = ctx;
    struct xml_element *e;

    if (x->err || x->open == XML_NONE || x->elements[x->open].has_children)
        return;
    e = &x->elements[x->open];
    if (buf_add(&x->bytes, text, (size_t)len) < 0)
        give_up(x, buf_error(&x->bytes), "no memory for text");
    else
        e->text_len += (size_t)len;
}

static void on_doctype(void *ctx, const XML_Char *name, const XML_Char *sysid, const XML_Char *pubid,
                       int subset)
{
    (void)name;
    (void)sysid;
    (void)pubid;
    (void)subset;
    give_up(ctx, ERR_INVALID, "DOCTYPE is not allowed");
}

static void on_instruction(void *ctx, const XML_Char *target, const XML_Char *data)
{
    (void)target;
    (void)data;
    give_up(ctx, ERR_INVALID, "processing instructions are not allowed");
}

int xml_new(struct xml_doc **ret)
{
    static const XML_Memory_Handling_Suite memory = {mem_alloc, mem_realloc, mem_free};
    struct xml_doc *x = mem_calloc(1, sizeof(*x));

    if (!x)
        return -ENOMEM;
    buf_init(&x->bytes, XML_MAX_BYTES * 2);
    x->parser = XML_ParserCreate_MM(NULL, &memory, NULL);
    if (!x->parser) {
        xml_free(x);
        return -ENOMEM;
    }
    *ret = x;
    return 0;
}

void xml_free(struct xml_doc *x)
{
    if (!x)
        return;
    if (x->parser)
        XML_ParserFree(x->parser);
    buf_fini(&x->bytes);
    mem_free(x->elements);
    mem_free(x);
}

static void prepare(struct xml_doc *x)
{
    (void)XML_ParserReset(x->parser, NULL); /* refused only for parsers of external entities */
    (void)XML_SetHashSalt(x->parser, (unsigned long)hash_i64((int64_t)(intptr_t)x) | 1);
    XML_SetUserData(x->parser, x);
    XML_SetElementHandler(x->parser, on_start, on_end);
    XML_SetCharacterDataHandler(x->parser, on_text);
    XML_SetStartDoctypeDeclHandler(x->parser, on_doctype);
    XML_SetProcessingInstructionHandler(x->parser, on_instruction);
    buf_reset(&x->bytes);
    x->count = 0;
    x->open = XML_NONE;
    x->depth = 0;
    x->err = 0;
    x->fault[0] = '\0';
    if (XML_SetEncoding(x->parser, "UTF-8") != XML_STATUS_OK) /* forced: the declaration does not count */
        give_up(x, -ENOMEM, err_text(-ENOMEM));
}

/* From behind "<" to behind its ">", counting "=" outside quotes. */
static struct str scan_tag(struct str tag, size_t *attributes)
{
    char quote = '\0';
    size_t i = 0;

    while (i < tag.n) {
        char c = tag.p[i++];

        if (quote)
            quote = c == quote ? '\0' : quote;
        else if (c == '"' || c == '\'')
            quote = c;
        else if (c == '=')
            ++*attributes;
        else if (c == '>')
            break;
    }
    return str_sub(tag, i, tag.n);
}

/* Its last byte is the rarest in what is skipped here, and looking for one byte is much the faster. */
static struct str skip_past(struct str rest, struct str end)
{
    size_t at = 0;

    while (at < rest.n) {
        at += str_chr(str_sub(rest, at, rest.n), end.p[end.n - 1]) + 1;
        if (at <= rest.n && str_ends(str_sub(rest, 0, at), end))
            break;
    }
    return str_sub(rest, at, rest.n);
}

/* Where the text is malformed this may read on differently from expat, which then stops at that place. */
static size_t count_attributes(struct str text)
{
    size_t n = 0;

    while ((text = skip_past(text, STR("<"))).n && n <= XML_MAX_ATTRIBUTES) {
        if (str_starts(text, STR("![CDATA[")))
            text = skip_past(text, STR("]]>"));
        else if (str_starts(text, STR("!--")))
            text = skip_past(text, STR("-->"));
        else if (text.p[0] == '?')
            text = skip_past(text, STR("?>"));
        else
            text = scan_tag(text, &n);
    }
    return n;
}

static void judge(struct xml_doc *x)
{
    enum XML_Error code = XML_GetErrorCode(x->parser);

    give_up(x, code == XML_ERROR_NO_MEMORY ? -ENOMEM : ERR_SYNTAX, XML_ErrorString(code));
}

int xml_parse(struct xml_doc *x, struct str text)
{
    prepare(x);
    if (x->err)
        return x->err;
    if (text.n > XML_MAX_BYTES)
        give_up(x, ERR_TOO_BIG, err_text(ERR_TOO_BIG));
    else if (count_attributes(text) > XML_MAX_ATTRIBUTES)
        give_up(x, ERR_INVALID, "too many attributes");
    else if (XML_Parse(x->parser, text.n ? text.p : "", (int)text.n, XML_TRUE) != XML_STATUS_OK)
        judge(x);
    if (x->err) {
        x->count = 0;
        buf_reset(&x->bytes);
    }
    return x->err;
}

const char *xml_fault(const struct xml_doc *x)
{
    return x->fault;
}

static bool is_element(const struct xml_doc *x, int at)
{
    return at >= 0 && at < x->count;
}

struct str xml_name(const struct xml_doc *x, int at)
{
    if (!is_element(x, at))
        return (struct str){NULL, 0};
    return (struct str){x->bytes.data + x->elements[at].name_at, x->elements[at].name_len};
}

struct str xml_text(const struct xml_doc *x, int at)
{
    if (!is_element(x, at))
        return (struct str){NULL, 0};
    return (struct str){x->bytes.data + x->elements[at].text_at, x->elements[at].text_len};
}

int xml_child(const struct xml_doc *x, int under, int after)
{
    if (!is_element(x, under))
        return XML_NONE;
    for (int i = (after < under ? under : after) + 1; i < x->count && x->elements[i].parent >= under; i++)
        if (x->elements[i].parent == under)
            return i;
    return XML_NONE;
}

static int child_named(const struct xml_doc *x, int under, int after, struct str name)
{
    if (!is_element(x, under))
        return XML_NONE;
    for (int i = (after < under ? under : after) + 1; i < x->count && x->elements[i].parent >= under; i++) {
        const struct xml_element *e = &x->elements[i];

        if (e->parent == under && e->name_len == name.n &&
            memcmp(x->bytes.data + e->name_at, name.p, name.n) == 0)
            return i;
    }
    return XML_NONE;
}

int xml_first(const struct xml_doc *x, int under, const char *path)
{
    struct str rest = str_of(path), step;

    while (under != XML_NONE && str_next(&rest, '/', &step))
        under = child_named(x, under, XML_NONE, step);
    return is_element(x, under) ? under : XML_NONE;
}

int xml_next(const struct xml_doc *x, int at)
{
    return is_element(x, at) ? child_named(x, x->elements[at].parent, at, xml_name(x, at)) : XML_NONE;
}

struct str xml_get_under(const struct xml_doc *x, int under, const char *path)
{
    return xml_text(x, xml_first(x, under, path));
}

struct str xml_get(const struct xml_doc *x, const char *path)
{
    return xml_get_under(x, XML_ROOT, path);
}

int xml_get_i64(const struct xml_doc *x, const char *path, int64_t *ret)
{
    struct str text = xml_get(x, path);

    return text.p ? str_to_i64(str_trim(text), ret) : ERR_NOT_FOUND;
}

size_t xml_count(const struct xml_doc *x, const char *path)
{
    size_t n = 0;

    for (int at = xml_first(x, XML_ROOT, path); at != XML_NONE; at = xml_next(x, at))
        n++;
    return n;
}
