/* SPDX-License-Identifier: Apache-2.0 */
/* The sandbox's XML: what it writes it reads, and it reads nothing else. */
#include "support/asserts.h"

#include "base/json.h"
#include "sandbox/sbxml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static json_t *read_text(const char *text)
{
    json_t *o = NULL;

    T_OK(sb_xml_read(text, strlen(text), &o));
    return o;
}

static void refused(const char *text)
{
    json_t *o = NULL;

    T_ERR(sb_xml_read(text, strlen(text), &o), -EBADMSG);
}

static void text_may_be_plain_or_cdata_or_both(void)
{
    json_t *o = read_text(
        "<xml> <A>x&lt;&#20320;&#x1F600;</A>\n<B><![CDATA[<&>]]></B><C>1<![CDATA[2]]>3</C><D></D></xml>");

    T_STR(json_str(o, "A", ""), "x<你😀");
    T_STR(json_str(o, "B", ""), "<&>");
    T_STR(json_str(o, "C", ""), "123");
    T_STR(json_str(o, "D", "?"), "");
    json_decref(o);
}

static void children_nest_and_repeats_become_arrays(void)
{
    json_t *o = read_text("<xml><Image><MediaId>M</MediaId></Image><L><I>1</I><I>2</I><I>3</I></L></xml>");

    T_STR(json_str(json_object_get(o, "Image"), "MediaId", ""), "M");
    T_EQ(json_array_size(json_object_get(json_object_get(o, "L"), "I")), 3);
    json_decref(o);
}

static void what_is_written_is_read_back(void)
{
    json_t *o = json_pack("{s:s, s:I, s:{s:[ss]}}", "Content", "a]]>b]]]>c", "CreateTime",
                          (json_int_t)1735689600, "List", "Item", "x", "y");
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    json_t *back;

    fputs("<xml>", out);
    sb_xml_members(out, o);
    fputs("</xml>", out);
    T_EQ(fclose(out), 0);
    back = read_text(text);
    T_STR(json_str(back, "Content", ""), "a]]>b]]]>c");
    T_EQ(json_int(back, "CreateTime", 0), 1735689600);
    T_STR(json_string_value(json_array_get(json_object_get(json_object_get(back, "List"), "Item"), 1)), "y");
    free(text);
    json_decref(back);
    json_decref(o);
}

static void anything_but_plain_elements_is_refused(void)
{
    static const char *const texts[] = {
        "",
        "hello",
        "<xml>",
        "<xml></xml",
        "<xml></xml>x",
        "<html></html>",
        "<xml><A></B></xml>",
        "<xml a='1'></xml>",
        "<xml><A b='1'>x</A></xml>",
        "<xml><A/></xml>",
        "<xml>text</xml>",
        "<xml>text<A>1</A></xml>",
        "<xml><A>1</A>text</xml>",
        "<xml><A>x<B>1</B></A></xml>",
        "<!DOCTYPE x><xml><A>1</A></xml>",
        "<?xml version='1.0'?><xml><A>1</A></xml>",
        "<xml><!-- c --><A>1</A></xml>",
        "<xml><A>&nbsp;</A></xml>",
        "<xml><A>&#0;</A></xml>",
        "<xml><A>&#xD800;</A></xml>",
        "<xml><A>&#99999999;</A></xml>",
        "<xml><A>&#;</A></xml>",
        "<xml><A><![CDATA[x</A></xml>",
        "<xml><A>\xff</A></xml>",
        "<xml><a><a><a><a><a><a><a><a>1</a></a></a></a></a></a></a></a></xml>",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        refused(texts[i]);
}

static void too_many_elements_are_refused(void)
{
    struct buf text;

    buf_init(&text, 4096);
    T_OK(buf_adds(&text, "<xml>"));
    for (int i = 0; i < 256; i++)
        T_OK(buf_adds(&text, "<A></A>"));
    T_OK(buf_adds(&text, "</xml>"));
    refused(buf_cstr(&text));
    buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T_CASE(text_may_be_plain_or_cdata_or_both), T_CASE(children_nest_and_repeats_become_arrays),
        T_CASE(what_is_written_is_read_back),       T_CASE(anything_but_plain_elements_is_refused),
        T_CASE(too_many_elements_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
