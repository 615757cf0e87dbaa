/* SPDX-License-Identifier: Apache-2.0 */
/* A recursive descent over one cursor. An element is text or elements, never both:
 *
 *     element = "<" name ">" ( text | element* ) "</" name ">"
 *     text    = ( character | "&" entity ";" | "<![CDATA[" ... "]]>" )*
 */
#include "sandbox/sbxml.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 64 };

static const char cdata_open[] = "<![CDATA[";
static const char cdata_close[] = "]]>";

struct reader {
    const char *at, *end;
    int depth, elements;
    int err; /* the first failure; everything stops on it */
};

/* writing */

void sb_xml_text(FILE *out, const char *name, const char *text)
{
    const char *cut;

    fprintf(out, "<%s>%s", name, cdata_open);
    while ((cut = strstr(text, cdata_close)) != NULL) {
        fprintf(out, "%.*s]]%s%s", (int)(cut - text), text, cdata_close, cdata_open);
        text = cut + 2;
    }
    fprintf(out, "%s%s</%s>", text, cdata_close, name);
}

void sb_xml_number(FILE *out, const char *name, int64_t number)
{
    fprintf(out, "<%s>%" PRId64 "</%s>", name, number, name);
}

static void write_value(FILE *out, const char *name, const json_t *value)
{
    size_t i;
    json_t *item;

    if (json_is_array(value)) {
        json_array_foreach(value, i, item) write_value(out, name, item);
    } else if (json_is_object(value)) {
        fprintf(out, "<%s>", name);
        sb_xml_members(out, value);
        fprintf(out, "</%s>", name);
    } else if (json_is_integer(value)) {
        sb_xml_number(out, name, json_integer_value(value));
    } else if (json_is_string(value)) {
        sb_xml_text(out, name, json_string_value(value));
    }
}

void sb_xml_members(FILE *out, const json_t *object)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)object, name, value) write_value(out, name, value);
}

/* reading */

static json_t *fail(struct reader *r, int err)
{
    if (r->err == 0)
        r->err = err;
    return NULL;
}

static bool starts(const struct reader *r, const char *word)
{
    size_t n = strlen(word);

    return (size_t)(r->end - r->at) >= n && memcmp(r->at, word, n) == 0;
}

static void skip_space(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\r' || *r->at == '\n'))
        r->at++;
}

static bool take(struct reader *r, const char *word)
{
    if (!starts(r, word))
        return false;
    r->at += strlen(word);
    return true;
}

static bool take_name(struct reader *r, char name[NAME_MAX_BYTES])
{
    size_t n = 0;

    while (r->at < r->end && n < NAME_MAX_BYTES - 1 && (isalnum((unsigned char)*r->at) || *r->at == '_'))
        name[n++] = *r->at++;
    name[n] = '\0';
    return n > 0;
}

static void put_utf8(FILE *out, unsigned long code)
{
    if (code < 0x80) {
        fputc((int)code, out);
        return;
    }
    if (code < 0x800) {
        fputc((int)(0xC0 | code >> 6), out);
    } else {
        if (code < 0x10000) {
            fputc((int)(0xE0 | code >> 12), out);
        } else {
            fputc((int)(0xF0 | code >> 18), out);
            fputc((int)(0x80 | (code >> 12 & 63)), out);
        }
        fputc((int)(0x80 | (code >> 6 & 63)), out);
    }
    fputc((int)(0x80 | (code & 63)), out);
}

static bool take_number_entity(struct reader *r, FILE *out)
{
    int base = take(r, "x") ? 16 : 10;
    unsigned long code = 0;
    int digits = 0;

    for (; r->at < r->end && *r->at != ';' && digits < 8; r->at++, digits++) {
        int c = tolower((unsigned char)*r->at);
        int v = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;

        if (v >= base)
            return false;
        code = code * (unsigned long)base + (unsigned long)v;
    }
    if (digits == 0 || !take(r, ";") || code == 0 || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
        return false;
    put_utf8(out, code);
    return true;
}

static bool take_entity(struct reader *r, FILE *out)
{
    static const struct {
        const char *name;
        char c;
    } known[] = {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (take(r, known[i].name)) {
            fputc(known[i].c, out);
            return true;
        }
    return take(r, "&#") && take_number_entity(r, out);
}

static bool take_cdata(struct reader *r, FILE *out)
{
    const char *close = memmem(r->at, (size_t)(r->end - r->at), cdata_close, strlen(cdata_close));

    if (close == NULL)
        return false;
    fwrite(r->at, 1, (size_t)(close - r->at), out);
    r->at = close + strlen(cdata_close);
    return true;
}

static bool take_text(struct reader *r, FILE *out)
{
    while (r->at < r->end && !starts(r, "</")) {
        if (take(r, cdata_open)) {
            if (!take_cdata(r, out))
                return false;
        } else if (*r->at == '&') {
            if (!take_entity(r, out))
                return false;
        } else if (*r->at == '<') {
            return false;
        } else {
            fputc(*r->at++, out);
        }
    }
    return true;
}

static json_t *read_text(struct reader *r)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    json_t *value = NULL;
    bool ok;

    if (out == NULL)
        return fail(r, -ENOMEM);
    ok = take_text(r, out);
    if (fclose(out) != 0)
        fail(r, -ENOMEM);
    else if (ok && memchr(text, '\0', n) == NULL)
        value = json_stringn(text, n);
    free(text);
    return value != NULL ? value : fail(r, -EBADMSG);
}

/* A second element of one name turns the member into an array. Takes `value`. */
static bool add_member(struct reader *r, json_t *object, const char *name, json_t *value)
{
    json_t *old = json_object_get(object, name);

    if (old == NULL)
        return json_object_set_new(object, name, value) == 0;
    if (!json_is_array(old)) {
        json_t *list = json_pack("[O]", old);

        if (list == NULL || json_object_set_new(object, name, list) != 0) {
            json_decref(value);
            fail(r, -ENOMEM);
            return false;
        }
        old = list;
    }
    return json_array_append_new(old, value) == 0;
}

static json_t *read_content(struct reader *r, const char *name);

static bool read_child(struct reader *r, json_t *object)
{
    char name[NAME_MAX_BYTES];
    json_t *value;

    if (!take(r, "<") || !take_name(r, name) || !take(r, ">")) {
        fail(r, -EBADMSG);
        return false;
    }
    value = read_content(r, name);
    if (value == NULL)
        return false;
    if (!add_member(r, object, name, value)) {
        fail(r, -ENOMEM);
        return false;
    }
    return true;
}

static json_t *read_children(struct reader *r)
{
    json_t *object = json_object();

    if (object == NULL)
        return fail(r, -ENOMEM);
    for (skip_space(r); r->at < r->end && !starts(r, "</"); skip_space(r))
        if (!read_child(r, object)) {
            json_decref(object);
            return NULL;
        }
    return object;
}

/* From behind <name> to behind </name>. */
static json_t *read_content(struct reader *r, const char *name)
{
    char closing[NAME_MAX_BYTES];
    const char *text_from = r->at;
    json_t *value;

    if (++r->depth > SB_XML_DEPTH || ++r->elements > SB_XML_ELEMENTS)
        return fail(r, -EBADMSG);
    skip_space(r);
    if (r->at < r->end && *r->at == '<' && !starts(r, "</") && !starts(r, cdata_open)) {
        value = read_children(r);
    } else {
        r->at = text_from;
        value = read_text(r);
    }
    if (value != NULL &&
        (!take(r, "</") || !take_name(r, closing) || strcmp(closing, name) != 0 || !take(r, ">"))) {
        json_decref(value);
        value = fail(r, -EBADMSG);
    }
    r->depth--;
    return value;
}

int sb_xml_read(const char *text, size_t len, json_t **ret)
{
    struct reader r = {.at = text, .end = text + len};
    char name[NAME_MAX_BYTES];
    json_t *root;

    if (len > SB_XML_BYTES)
        return -EBADMSG;
    skip_space(&r);
    if (!take(&r, "<") || !take_name(&r, name) || strcmp(name, "xml") != 0 || !take(&r, ">"))
        return -EBADMSG;
    root = read_content(&r, name);
    skip_space(&r);
    if (root == NULL || !json_is_object(root) || r.at != r.end) {
        json_decref(root);
        return r.err != 0 ? r.err : -EBADMSG;
    }
    *ret = root;
    return 0;
}
