/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/yaml.h"
#include "support/asserts.h"

static struct diag diag;

static int set_up(void **state)
{
    (void)state;
    diag_init(&diag, 16);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    diag_fini(&diag);
    return 0;
}

static struct yaml_doc *load(const char *text)
{
    struct yaml_doc *doc = NULL;
    int r = yaml_load(str_of(text), "p.yaml", &doc, &diag);

    if (r < 0)
        print_error("%s\n", diag_text(&diag, 0));
    T_OK(r);
    return doc;
}

static void check_json(const char *text, const char *want)
{
    struct yaml_doc *doc = load(text);
    struct buf out;

    buf_init(&out, 10000);
    T_OK(json_write_compact(yaml_root(doc), &out));
    T_STR(buf_cstr(&out), want);
    buf_fini(&out);
    yaml_unload(doc);
}

static void check_refused(struct str text, int err, const char *complaint)
{
    struct yaml_doc *doc = NULL;

    diag_fini(&diag);
    T_ERR(yaml_load(text, "p.yaml", &doc, &diag), err);
    T_TRUE(!doc);
    T_EQ(diag_errors(&diag), 1);
    T_STR(diag_text(&diag, 0), complaint);
}

static void a_playbook_becomes_json(void **state)
{
    (void)state;
    check_json("playbook: beauty-retail\n"
               "pools:\n"
               "  consultants: {accounts: [li, wang], pick: least-loaded, sticky: true}\n"
               "rules:\n"
               "  - {on: contact.added, do: [{send: welcome}, {tag: new}]}\n"
               "  - {on: message.received, keyword: {regex: ['^退(货|款)']}}\n",
               "{\"playbook\":\"beauty-retail\",\"pools\":{\"consultants\":{\"accounts\":[\"li\",\"wang\"],"
               "\"pick\":\"least-loaded\",\"sticky\":true}},\"rules\":[{\"on\":\"contact.added\",\"do\":["
               "{\"send\":\"welcome\"},{\"tag\":\"new\"}]},{\"on\":\"message.received\",\"keyword\":"
               "{\"regex\":[\"^退(货|款)\"]}}]}");
}

static void only_true_and_false_are_booleans(void **state)
{
    (void)state;
    check_json("[true, false, True, FALSE, on, off, yes, no, y, n, On, tRUE]",
               "[true,false,true,false,\"on\",\"off\",\"yes\",\"no\",\"y\",\"n\",\"On\",\"tRUE\"]");
    check_json("on: 1", "{\"on\":1}");
}

static void times_and_dates_stay_strings(void **state)
{
    (void)state;
    check_json("{at: 2026-12-01T10:00, day: 2026-12-01, t: 12:00, b: 1:30:00, v: 1.2.3, s: 20m}",
               "{\"at\":\"2026-12-01T10:00\",\"day\":\"2026-12-01\",\"t\":\"12:00\",\"b\":\"1:30:00\","
               "\"v\":\"1.2.3\",\"s\":\"20m\"}");
}

static void numbers_follow_the_core_schema(void **state)
{
    (void)state;
    check_json(
        "[0, -5, +7, 007, 0o17, 0x1F, 9223372036854775807, 0b11, 1_000, 0x, 0o8, -, +, ., 1e, 0xFg]",
        "[0,-5,7,7,15,31,9223372036854775807,\"0b11\",\"1_000\",\"0x\",\"0o8\",\"-\",\"+\",\".\",\"1e\","
        "\"0xFg\"]");
    check_json("[1.5, -.5, 1., 1e3, 1.5E-2, .inf, .nan]",
               "[1.5,-0.5,1.0,1000.0,0.014999999999999999,\".inf\",\".nan\"]");
    check_json("0x7fffffffffffffff", "9223372036854775807");
}

static void nothing_is_null(void **state)
{
    (void)state;
    check_json("[~, null, Null, NULL, nULL, '', \"~\"]", "[null,null,null,null,\"nULL\",\"\",\"~\"]");
    check_json("a:\nb: 1", "{\"a\":null,\"b\":1}");
    check_json("", "null");
    check_json("# only a comment\n", "null");
}

static void quoted_scalars_are_strings(void **state)
{
    (void)state;
    check_json("['1', \"true\", !!str 5, \"\\u4f60\\n\"]", "[\"1\",\"true\",\"5\",\"你\\n\"]");
    check_json("t: |\n  a\n  1\n", "{\"t\":\"a\\n1\\n\"}");
}

static void every_node_and_key_has_its_line(void **state)
{
    struct yaml_doc *doc = load("a: x\nb:\n  - 1\n  - {c: true}\n\nd:\n  e: y\n");
    const json_t *root = yaml_root(doc), *b = json_object_get(root, "b"), *d = json_object_get(root, "d");

    (void)state;
    T_EQ(yaml_line_of(doc, root), 1);
    T_EQ(yaml_line_of(doc, json_object_get(root, "a")), 1);
    T_EQ(yaml_line_of(doc, json_array_get(b, 0)), 3);
    T_EQ(yaml_line_of(doc, json_array_get(b, 1)), 4);
    T_EQ(yaml_key_line(doc, json_array_get(b, 1), "c"), 4);
    T_EQ(yaml_key_line(doc, root, "b"), 2);
    T_EQ(yaml_key_line(doc, root, "d"), 6);
    T_EQ(yaml_key_line(doc, d, "e"), 7);
    T_EQ(yaml_key_line(doc, d, "f"), 0);
    T_EQ(yaml_line_of(doc, json_true()), 0);
    T_STR(yaml_file(doc), "p.yaml");
    yaml_unload(doc);
    yaml_unload(NULL);
}

static void complaints_of_getters_name_the_line(void **state)
{
    struct yaml_doc *doc = load("connections:\n  corp:\n    kind: wecom\n    corp_id: 5\n");
    const json_t *corp = json_object_get(json_object_get(yaml_root(doc), "connections"), "corp");
    struct json_ctx ctx;
    const char *s;

    (void)state;
    json_ctx_init(&ctx, &diag, yaml_file(doc), doc);
    json_ctx_push(&ctx, "connections");
    json_ctx_push(&ctx, "corp");
    T_ERR(json_get_string(corp, "corp_id", &s, &ctx), ERR_INVALID);
    T_STR(diag_text(&diag, 0), "p.yaml:4: connections.corp.corp_id: expected a string, got integer");
    T_ERR(json_get_string(corp, "secret", &s, &ctx), ERR_NOT_FOUND);
    T_STR(diag_text(&diag, 1), "p.yaml:3: connections.corp.secret: is missing, expected a string");
    yaml_unload(doc);
}

static void what_is_ambiguous_or_dangerous_is_refused(void **state)
{
    (void)state;
    check_refused(STR("a: 1\nb: 2\na: 3\n"), ERR_SYNTAX, "p.yaml:3: key \"a\" stands twice, first on line 1");
    check_refused(STR("a: &x 1\n"), ERR_SYNTAX,
                  "p.yaml:1: anchors and aliases are not supported, write the value out");
    check_refused(STR("a: 1\nb: *x\n"), ERR_SYNTAX,
                  "p.yaml:2: anchors and aliases are not supported, write the value out");
    check_refused(STR("a: 1\n---\nb: 2\n"), ERR_SYNTAX,
                  "p.yaml:2: a second document, only one is allowed in a file");
    check_refused(STR("\n? [a]\n: 1\n"), ERR_SYNTAX,
                  "p.yaml:2: a key must be a simple text; put a text that begins with { or [ in quotes");
    check_refused(STR("'': 1\n"), ERR_SYNTAX, "p.yaml:1: a key must not be empty or hold a NUL character");
    check_refused(STR("a: \"x\\0y\"\n"), ERR_SYNTAX, "p.yaml:1: a NUL character is not allowed");
    check_refused(STR("a: !!int '5'\n"), ERR_SYNTAX,
                  "p.yaml:1: tags are not supported, quote the value to make it a string");
    check_refused(STR("a: 9223372036854775808\n"), ERR_SYNTAX,
                  "p.yaml:1: the number is too big for 64 bits, quote it to make it a string");
    check_refused(STR("a: 0x8000000000000000\n"), ERR_SYNTAX,
                  "p.yaml:1: the number is too big for 64 bits, quote it to make it a string");
    check_refused(STR("a: \xFF\n"), ERR_SYNTAX, "p.yaml:1: not UTF-8, save the file with that encoding");
}

static void broken_yaml_is_refused_with_its_line(void **state)
{
    (void)state;
    check_refused(
        STR("a: 1\nb: [1, 2\nc: 3\n"), ERR_SYNTAX,
        "p.yaml:3: did not find expected ',' or ']', while parsing a flow sequence; a quote or bracket "
        "before this is not closed, or a comma is missing");
    check_refused(STR("a: 1\n\tb: 2\n"), ERR_SYNTAX,
                  "p.yaml:2: found a tab character that violates indentation, while scanning a plain scalar; "
                  "YAML is indented with spaces: put spaces in the place of the tab");
}

static void what_beginners_write_is_answered_with_its_mend(void **state)
{
    static const struct {
        const char *text, *mend;
    } cases[] = {
        {"templates:\n  欢迎:\n\ttext: 你好\n", "put spaces in the place of the tab"},
        {"text: @小美\n", "put a text that begins so in quotes"},
        {"text: 价格: 9\n", "put a text with a colon and a space in it in quotes"},
        {"any: - 抽奖\n", "begin the list on a line of its own"},
        {"text: \"你好，{{ a | default: \"x\" }}\"\n", "look for quotes inside quotes"},
        {"do: [{send: hello]\n", "a quote or bracket before this is not closed"},
        {"text: {{ a }}，你好\n", "put a text that begins with { or [ in quotes"},
        {"text: \"你好\n", "a quote is not closed"},
    };
    struct yaml_doc *doc;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        diag_fini(&diag);
        T_ERR(yaml_load(str_of(cases[i].text), "p.yaml", &doc, &diag), ERR_SYNTAX);
        if (!strstr(diag_text(&diag, 0), cases[i].mend))
            fail_msg("%s: %s", cases[i].text, diag_text(&diag, 0));
    }
}

static void depth_and_size_are_bounded(void **state)
{
    struct buf text;

    (void)state;
    buf_init(&text, 3 << 20);
    for (int i = 0; i < 33; i++)
        T_OK(buf_addc(&text, '['));
    check_refused(buf_str(&text), ERR_TOO_DEEP, "p.yaml:1: nested too deeply");
    buf_reset(&text);
    for (int i = 0; i < 100000; i++)
        T_OK(buf_addc(&text, '['));
    check_refused(buf_str(&text), ERR_TOO_DEEP, "p.yaml:1: nested too deeply");
    buf_reset(&text);
    while (text.len <= 1 << 20)
        T_OK(buf_adds(&text, "a text that is repeated "));
    check_refused(buf_str(&text), ERR_TOO_BIG, "p.yaml:1: more than 1 MiB");
    buf_fini(&text);
}

static void loading_without_memory_fails_cleanly(void **state)
{
    bool hit = true;

    (void)state;
    for (int n = 1; hit; n++) {
        struct yaml_doc *doc = NULL;
        int r;

        diag_fini(&diag);
        mem_fail_at(n);
        r = yaml_load(STR("a: 1\nb: {c: [x, y]}\n"), "p.yaml", &doc, &diag);
        mem_fail_at(0);
        hit = mem_fault_hit();
        T_EQ(r, hit ? -ENOMEM : 0);
        yaml_unload(doc);
    }
}

#define ROW(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ROW(a_playbook_becomes_json),
        ROW(only_true_and_false_are_booleans),
        ROW(times_and_dates_stay_strings),
        ROW(numbers_follow_the_core_schema),
        ROW(nothing_is_null),
        ROW(quoted_scalars_are_strings),
        ROW(every_node_and_key_has_its_line),
        ROW(complaints_of_getters_name_the_line),
        ROW(what_is_ambiguous_or_dangerous_is_refused),
        ROW(broken_yaml_is_refused_with_its_line),
        ROW(what_beginners_write_is_answered_with_its_mend),
        ROW(depth_and_size_are_bounded),
        ROW(loading_without_memory_fails_cleanly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
