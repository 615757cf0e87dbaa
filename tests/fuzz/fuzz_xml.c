/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a callback: no crash, bounded time, and what was read is written and read again alike. */
#include "base/xml.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int ok)
{
    if (!ok)
        abort();
}

/* Each element's text goes through the writer and comes back. */
static void rewrite(const struct xml_doc *x, struct xml_doc *again)
{
    struct buf out;

    buf_init(&out, 4 << 20);
    for (int at = XML_ROOT, n = 0; xml_name(x, at).p && n < 64; at++, n++) {
        struct str text = xml_text(x, at);

        buf_reset(&out);
        xml_add_cdata(&out, "a", text);
        if (buf_error(&out) || out.len > XML_MAX_BYTES)
            continue;
        check(xml_parse(again, buf_str(&out)) == 0);
        if (str_chr(text, '\r') == text.n) /* XML turns CR into LF on reading */
            check(str_eq(xml_text(again, XML_ROOT), text));
    }
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct xml_doc *x, *again;
    int64_t v;

    if (!x)
        check(xml_new(&x) == 0 && xml_new(&again) == 0);
    if (xml_parse(x, (struct str){(const char *)data, size}) < 0) {
        check(!xml_get(x, "a").p && xml_fault(x)[0]);
        return 0;
    }
    check(xml_name(x, XML_ROOT).n > 0);
    (void)xml_get_i64(x, "CreateTime", &v);
    (void)xml_count(x, "MemChangeList/Item");
    rewrite(x, again);
    return 0;
}
