/* SPDX-License-Identifier: Apache-2.0 */
#include "base/xml.h"

void xml_add_open(struct buf *out, const char *name)
{
    (void)buf_addc(out, '<');
    (void)buf_adds(out, name);
    (void)buf_addc(out, '>');
}

void xml_add_close(struct buf *out, const char *name)
{
    (void)buf_adds(out, "</");
    (void)buf_adds(out, name);
    (void)buf_addc(out, '>');
}

/* XML 1.0 has no way at all to write these. */
static bool is_writable(char c)
{
    return (uint8_t)c >= 0x20 || c == '\t' || c == '\n' || c == '\r';
}

/* Runs of writable bytes go in whole: this is on the way of every passive reply. */
static void add_writable(struct buf *out, struct str text)
{
    size_t from = 0;

    for (size_t i = 0; i < text.n; i++)
        if (!is_writable(text.p[i])) {
            (void)buf_add_str(out, str_sub(text, from, i - from));
            from = i + 1;
        }
    (void)buf_add_str(out, str_sub(text, from, text.n));
}

/* Where "]]>" begins; most texts hold no bracket at all. */
static size_t find_end_mark(struct str text)
{
    size_t bracket = str_chr(text, ']');

    return bracket + str_find(str_sub(text, bracket, text.n), STR("]]>"));
}

void xml_add_cdata(struct buf *out, const char *name, struct str text)
{
    (void)buf_addc(out, '<');
    (void)buf_adds(out, name);
    (void)buf_adds(out, "><![CDATA[");
    while (text.n) {
        size_t at = find_end_mark(text);
        add_writable(out, str_sub(text, 0, at));
        if (at < text.n)
            (void)buf_adds(out, "]]]]><![CDATA[>");
        text = str_sub(text, at + 3, text.n);
    }
    (void)buf_adds(out, "]]></");
    (void)buf_adds(out, name);
    (void)buf_addc(out, '>');
}

static void add_escaped(struct buf *out, char c)
{
    switch (c) {
    case '<': (void)buf_adds(out, "&lt;"); break;
    case '>': (void)buf_adds(out, "&gt;"); break;
    case '&': (void)buf_adds(out, "&amp;"); break;
    default:
        if (is_writable(c))
            (void)buf_addc(out, c);
    }
}

void xml_add_text(struct buf *out, const char *name, struct str text)
{
    xml_add_open(out, name);
    for (size_t i = 0; i < text.n; i++)
        add_escaped(out, text.p[i]);
    xml_add_close(out, name);
}

void xml_add_i64(struct buf *out, const char *name, int64_t v)
{
    xml_add_open(out, name);
    (void)buf_add_i64(out, v);
    xml_add_close(out, name);
}
