/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/xml.h"
#include "support/asserts.h"

#include <time.h>

static struct xml_doc *x;

static int open_doc(void **state)
{
    (void)state;
    return xml_new(&x);
}

static int close_doc(void **state)
{
    (void)state;
    xml_free(x);
    return 0;
}

static void an_event_is_read_by_element_names(void)
{
    T_OK(xml_parse(x, STR("<xml><ToUserName><![CDATA[ww1234567890abcdef]]></ToUserName>"
                          "<CreateTime>1767225600</CreateTime><MsgType><![CDATA[event]]></MsgType>"
                          "<ChangeType><![CDATA[add_external_contact]]></ChangeType><State></State>"
                          "<Empty/><WelcomeCode><![CDATA[]]></WelcomeCode></xml>")));
    T_VIEW(xml_get(x, "ToUserName"), "ww1234567890abcdef");
    T_VIEW(xml_get(x, "CreateTime"), "1767225600");
    T_VIEW(xml_get(x, "ChangeType"), "add_external_contact");
    T_VIEW(xml_get(x, "State"), "");
    T_VIEW(xml_get(x, "Empty"), "");
    T_VIEW(xml_get(x, "WelcomeCode"), "");
    T_TRUE(!xml_get(x, "UserID").p);
    T_TRUE(!xml_get(x, "ToUserName/Deeper").p);
    T_VIEW(xml_name(x, XML_ROOT), "xml");
}

static void bare_text_cdata_and_entities_join(void)
{
    T_OK(xml_parse(
        x, STR("<xml><a>1 &lt; <![CDATA[<b> &amp; ]]]]><![CDATA[>]]>&#20320;</a><n> 42\n</n></xml>")));
    T_VIEW(xml_get(x, "a"), "1 < <b> &amp; ]]>你");
    T_VIEW(xml_get(x, "n"), " 42\n");
}

static void numbers_are_read_strictly(void)
{
    int64_t v;

    T_OK(xml_parse(x, STR("<xml><n> 42\n</n><big>24000000000000001</big><bad>4x</bad></xml>")));
    T_OK(xml_get_i64(x, "n", &v));
    T_EQ(v, 42);
    T_OK(xml_get_i64(x, "big", &v));
    T_EQ(v, INT64_C(24000000000000001));
    T_ERR(xml_get_i64(x, "bad", &v), ERR_SYNTAX);
    T_ERR(xml_get_i64(x, "none", &v), ERR_NOT_FOUND);
}

static void nested_and_repeated_elements_keep_their_order(void)
{
    int at;

    T_OK(xml_parse(
        x, STR("<xml><BatchJob><JobId>J1</JobId></BatchJob>\n"
               "<MemChangeList> <Item>a</Item> <Other/> <Item>b</Item>\n<Item>c</Item></MemChangeList>"
               "<Item>outside</Item><Item>again</Item></xml>")));
    T_VIEW(xml_get(x, "BatchJob/JobId"), "J1");
    T_VIEW(xml_get(x, "MemChangeList"), ""); /* white space between children is no text */
    T_EQ(xml_count(x, "MemChangeList/Item"), 3);
    T_EQ(xml_count(x, "Item"), 2);
    T_EQ(xml_count(x, "None/Item"), 0);
    at = xml_first(x, XML_ROOT, "MemChangeList/Item");
    T_VIEW(xml_text(x, at), "a");
    at = xml_next(x, at);
    T_VIEW(xml_text(x, at), "b");
    at = xml_next(x, at);
    T_VIEW(xml_text(x, at), "c");
    T_EQ(xml_next(x, at), XML_NONE);
    T_EQ(xml_next(x, XML_NONE), XML_NONE);
    T_OK(xml_parse(x, STR("<xml>x<a>y<b/>z</a>w</xml>")));
    T_VIEW(xml_get(x, "a"), "");
    T_VIEW(xml_text(x, XML_ROOT), "");
}

static void children_are_walked_whatever_their_names(void)
{
    static const char *const want[] = {"a", "b", "c"};
    int at = XML_NONE, n = 0;

    T_OK(xml_parse(x, STR("<xml><l><a><deep/></a><b/><c/></l><after/></xml>")));
    while ((at = xml_child(x, xml_first(x, XML_ROOT, "l"), at)) != XML_NONE)
        T_VIEW(xml_name(x, at), want[n++]);
    T_EQ(n, 3);
    T_VIEW(xml_get_under(x, xml_first(x, XML_ROOT, "l"), "a/deep"), "");
}

static void one_document_serves_many_texts(void)
{
    T_OK(xml_parse(x, STR("<xml><a>1</a></xml>")));
    T_ERR(xml_parse(x, STR("<xml><a>2</b></xml>")), ERR_SYNTAX);
    T_TRUE(!xml_get(x, "a").p); /* nothing of a broken text is shown */
    T_TRUE(strlen(xml_fault(x)) > 0);
    T_OK(xml_parse(x, STR("<xml><b>3</b></xml>")));
    T_TRUE(!xml_get(x, "a").p);
    T_VIEW(xml_get(x, "b"), "3");
    T_STR(xml_fault(x), "");
}

static void doctypes_and_instructions_are_refused(void)
{
    T_ERR(xml_parse(x, STR("<!DOCTYPE xml><xml/>")), ERR_INVALID);
    T_ERR(xml_parse(x, STR("<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><xml><a>&e;</a></xml>")),
          ERR_INVALID);
    T_ERR(xml_parse(x, STR("<!DOCTYPE l [<!ENTITY a \"lol\"><!ENTITY b \"&a;&a;&a;\">]><l>&b;</l>")),
          ERR_INVALID);
    T_ERR(xml_parse(x, STR("<?php evil ?><xml/>")), ERR_INVALID);
    T_ERR(xml_parse(x, STR("<xml><?x y?></xml>")), ERR_INVALID);
    T_ERR(xml_parse(x, STR("<xml>&unknown;</xml>")), ERR_SYNTAX);
    T_OK(xml_parse(x, STR("<?xml version=\"1.0\" encoding=\"GBK\"?><!-- c --><xml><a>你</a></xml>")));
    T_VIEW(xml_get(x, "a"), "你");
}

static void other_encodings_and_broken_bytes_are_refused(void)
{
    T_ERR(xml_parse(x, (struct str){"\xFF\xFE<\0x\0>\0", 8}), ERR_SYNTAX);
    T_ERR(xml_parse(x, STR("<xml>\xC3\x28</xml>")), ERR_SYNTAX);
    T_ERR(xml_parse(x, (struct str){"<xml>\0</xml>", 12}), ERR_SYNTAX);
    T_ERR(xml_parse(x, STR("")), ERR_SYNTAX);
    T_ERR(xml_parse(x, (struct str){NULL, 0}), ERR_SYNTAX);
    T_ERR(xml_parse(x, STR("<xml/><xml/>")), ERR_SYNTAX);
    T_ERR(xml_parse(x, STR("<xml><a>]]></a></xml>")), ERR_SYNTAX);
}

static void depth_is_bounded(void)
{
    T_OK(xml_parse(x, STR("<a><b><c><d><e><f><g><h>deep</h></g></f></e></d></c></b></a>")));
    T_VIEW(xml_get(x, "b/c/d/e/f/g/h"), "deep");
    T_ERR(xml_parse(x, STR("<a><b><c><d><e><f><g><h><i/></h></g></f></e></d></c></b></a>")), ERR_TOO_DEEP);
}

static int64_t cpu_ms(void)
{
    return (int64_t)clock() * 1000 / CLOCKS_PER_SEC;
}

static void storms_of_attributes_and_elements_end_soon(void)
{
    struct buf text;
    int64_t start = cpu_ms();

    buf_init(&text, 4 << 20);
    T_OK(buf_adds(&text, "<xml "));
    for (int i = 0; i < 100000; i++)
        T_OK(buf_addf(&text, "a%d='' ", i));
    T_OK(buf_adds(&text, "/>"));
    T_ERR(xml_parse(x, buf_str(&text)), ERR_TOO_BIG);
    buf_reset(&text);
    T_OK(buf_adds(&text, "<xml "));
    for (int i = 0; text.len < XML_MAX_BYTES - 20; i++)
        T_OK(buf_addf(&text, "a%x='' ", i));
    T_OK(buf_adds(&text, "/>"));
    T_ERR(xml_parse(x, buf_str(&text)), ERR_INVALID);
    buf_reset(&text);
    T_OK(buf_adds(&text, "<xml>"));
    for (int i = 0; i < 65; i++)
        T_OK(buf_addf(&text, "<a b%d='>'/>", i));
    T_OK(buf_adds(&text, "</xml>"));
    T_ERR(xml_parse(x, buf_str(&text)), ERR_INVALID);
    buf_reset(&text);
    T_OK(buf_adds(&text, "<xml>"));
    for (int i = 0; i < 5000; i++)
        T_OK(buf_adds(&text, "<a/>"));
    T_OK(buf_adds(&text, "</xml>"));
    T_ERR(xml_parse(x, buf_str(&text)), ERR_TOO_BIG);
    buf_fini(&text);
    T_TRUE(cpu_ms() - start < 500); /* sanitizers included */
}

static void equal_signs_outside_of_tags_are_no_attributes(void)
{
    struct buf text;

    buf_init(&text, 10000);
    T_OK(buf_adds(&text, "<xml a='x=y' b=\"'=\"><!-- <a"));
    for (int i = 0; i < 100; i++)
        T_OK(buf_adds(&text, " c='"));
    T_OK(buf_adds(&text, " --><t>"));
    for (int i = 0; i < 100; i++)
        T_OK(buf_adds(&text, "=="));
    T_OK(buf_adds(&text, "</t><![CDATA["));
    for (int i = 0; i < 100; i++)
        T_OK(buf_adds(&text, "<a b='1'>"));
    T_OK(buf_adds(&text, "]]></xml>"));
    T_OK(xml_parse(x, buf_str(&text)));
    T_EQ(xml_get(x, "t").n, 200);
    buf_fini(&text);
}

static void size_is_bounded_to_the_byte(void)
{
    struct buf text;

    buf_init(&text, XML_MAX_BYTES + 1);
    T_OK(buf_adds(&text, "<a>"));
    while (text.len < XML_MAX_BYTES - 4)
        T_OK(buf_addc(&text, 'x'));
    T_OK(buf_adds(&text, "</a>"));
    T_OK(xml_parse(x, buf_str(&text)));
    T_EQ(xml_text(x, XML_ROOT).n, XML_MAX_BYTES - 7);
    T_OK(buf_addc(&text, '\n'));
    T_ERR(xml_parse(x, buf_str(&text)), ERR_TOO_BIG);
    buf_fini(&text);
}

static void parsing_without_memory_fails_cleanly(void)
{
    bool hit = true;

    for (int n = 1; hit; n++) {
        struct xml_doc *doc = NULL;
        int r;

        mem_fail_at(n);
        r = xml_new(&doc);
        if (r == 0)
            r = xml_parse(doc, STR("<xml><a>some text</a><b><c/></b></xml>"));
        mem_fail_at(0);
        hit = mem_fault_hit();
        T_EQ(r, hit ? -ENOMEM : 0);
        xml_free(doc);
    }
}

static void what_is_written_reads_back(void)
{
    struct buf out;

    buf_init(&out, 1000);
    xml_add_open(&out, "xml");
    xml_add_cdata(&out, "A", STR("x]]>y]]>]]&<\x01你\n"));
    xml_add_text(&out, "B", STR("<a> & \"b\"\x02]]>"));
    xml_add_i64(&out, "C", INT64_MIN);
    xml_add_close(&out, "xml");
    T_OK(buf_error(&out));
    T_OK(xml_parse(x, buf_str(&out)));
    T_VIEW(xml_get(x, "A"), "x]]>y]]>]]&<你\n");
    T_VIEW(xml_get(x, "B"), "<a> & \"b\"]]>");
    T_VIEW(xml_get(x, "C"), "-9223372036854775808");
    buf_reset(&out);
    xml_add_cdata(&out, "Encrypt", STR("BASE64"));
    T_STR(out.data, "<Encrypt><![CDATA[BASE64]]></Encrypt>");
    buf_fini(&out);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        T_CASE(an_event_is_read_by_element_names),
        T_CASE(bare_text_cdata_and_entities_join),
        T_CASE(numbers_are_read_strictly),
        T_CASE(nested_and_repeated_elements_keep_their_order),
        T_CASE(children_are_walked_whatever_their_names),
        T_CASE(one_document_serves_many_texts),
        T_CASE(doctypes_and_instructions_are_refused),
        T_CASE(other_encodings_and_broken_bytes_are_refused),
        T_CASE(depth_is_bounded),
        T_CASE(storms_of_attributes_and_elements_end_soon),
        T_CASE(equal_signs_outside_of_tags_are_no_attributes),
        T_CASE(size_is_bounded_to_the_byte),
        T_CASE(parsing_without_memory_fails_cleanly),
        T_CASE(what_is_written_reads_back),
    };

    return cmocka_run_group_tests(tests, open_doc, close_doc);
}
