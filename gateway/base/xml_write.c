/* SPDX-License-Identifier: Apache-2.0 */
#include "base/xml.h"

#include <inttypes.h>

void xml_add_open(struct buf *out, const char *name)
{
    (void)buf_addf(out, "<%s>", name);
}

void xml_add_close(struct buf *out, const char *name)
{
    (void)buf_addf(out, "</%s>", name);
}

/* XML 1.0 has no way at all to write these. */
static bool is_writable(char c)
{
    return (uint8_t)c >= 0x20 || c == '\t' || c == '\n' || c == '\r';
}

void xml_add_cdata(struct buf *out, const char *name, struct str text)
{
    (void)buf_addf(out, "<%s><![CDATA[", name);
    for (size_t i = 0; i < text.n; i++) {
        if (str_starts(str_sub(text, i, 3), STR("]]>"))) {
            (void)buf_adds(out, "]]]]><![CDATA[>");
            i += 2;
        } else if (is_writable(text.p[i])) {
            (void)buf_addc(out, text.p[i]);
        }
    }
    (void)buf_addf(out, "]]></%s>", name);
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
    (void)buf_addf(out, "<%s>%" PRId64 "</%s>", name, v, name);
}
