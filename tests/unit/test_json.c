/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/mem.h"
#include "support/asserts.h"

static struct diag diag;
static struct json_ctx ctx;

static int set_up(void **state)
{
    (void)state;
    diag_init(&diag, 16);
    json_ctx_init(&ctx, &diag, "siyu.yaml", NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    diag_fini(&diag);
    return 0;
}

static json_t *parse(const char *text)
{
    json_t *root = NULL;
    struct json_fault fault;
    int r = json_parse(str_of(text), JSON_DEPTH, &root, &fault);

    if (r < 0)
        print_error("%d:%d: %s\n", fault.line, fault.column, fault.text);
    T_OK(r);
    return root;
}

static void check_compact(const char *text, const char *want)
{
    json_t *root = parse(text);
    struct buf out;

    buf_init(&out, 1000);
    T_OK(json_write_compact(root, &out));
    T_STR(buf_cstr(&out), want);
    buf_fini(&out);
    json_decref(root);
}

static void writing_is_compact_raw_utf8_in_order(void **state)
{
    (void)state;
    check_compact(" { \"b\" : \"\\u4f60好/\", \"a\": [ 1 , -2.5, true, null ] } ",
                  "{\"b\":\"你好/\",\"a\":[1,-2.5,true,null]}");
    check_compact("9007199254740993", "9007199254740993");
    check_compact("\"x\"", "\"x\"");
}

static void sorted_writing_does_not_depend_on_insertion(void **state)
{
    json_t *root = parse("{\"b\":1,\"a\":{\"d\":2,\"c\":3}}");
    struct buf out;

    (void)state;
    buf_init(&out, 1000);
    T_OK(json_write_sorted(root, &out));
    T_STR(out.data, "{\"a\":{\"c\":3,\"d\":2},\"b\":1}");
    buf_fini(&out);
    json_decref(root);
}

static void writing_respects_the_ceiling(void **state)
{
    json_t *root = parse("[1,2,3]");
    struct buf out;

    (void)state;
    buf_init(&out, 4);
    T_ERR(json_write_compact(root, &out), ERR_TOO_BIG);
    buf_fini(&out);
    json_decref(root);
}

static void what_is_not_json_is_refused_with_its_place(void **state)
{
    static const char *const wrong[] = {
        "",    "{",           "[1,]",     "{\"a\":1,\"a\":2}",    "1 2",
        "tru", "\"\\ud800\"", "\"\xFF\"", "92233720368547758080", "{\"a\\u0000\":1}"};
    struct json_fault fault;
    json_t *root = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        T_ERR(json_parse(str_of(wrong[i]), JSON_DEPTH, &root, &fault), ERR_SYNTAX);
    T_ERR(json_parse((struct str){NULL, 0}, JSON_DEPTH, &root, NULL), ERR_SYNTAX);
    T_ERR(json_parse(STR("{\n \"a\": x}"), JSON_DEPTH, &root, &fault), ERR_SYNTAX);
    T_EQ(fault.line, 2);
    T_TRUE(!root);
}

static void depth_is_bounded_but_strings_do_not_count(void **state)
{
    json_t *root = NULL;

    (void)state;
    T_ERR(json_parse(STR("[[[1]]]"), 2, &root, NULL), ERR_TOO_DEEP);
    T_OK(json_parse(STR("[[1],[2],\"[[[[\\\"[[\"]"), 2, &root, NULL));
    json_decref(root);
}

static void getters_give_what_is_there(void **state)
{
    json_t *root = parse("{\"s\":\"text\",\"i\":-5,\"b\":true,\"l\":[1],\"o\":{\"k\":1}}");
    const json_t *node;
    const char *s;
    int64_t i;
    bool b;

    (void)state;
    T_OK(json_get_string(root, "s", &s, &ctx));
    T_STR(s, "text");
    T_OK(json_get_i64_in(root, "i", -5, 5, &i, &ctx));
    T_EQ(i, -5);
    T_OK(json_get_bool(root, "b", &b, &ctx));
    T_TRUE(b);
    T_OK(json_get_array(root, "l", &node, &ctx));
    T_OK(json_get_object(root, "o", &node, &ctx));
    T_EQ(diag_errors(&diag), 0);
    json_decref(root);
}

static void a_complaint_names_path_and_types(void **state)
{
    json_t *root = parse("{\"connections\":{\"corp\":{\"corp_id\":5,\"port\":70000}}}");
    const json_t *corp = json_object_get(json_object_get(root, "connections"), "corp");
    const char *s = "untouched";
    int64_t i;

    (void)state;
    json_ctx_push(&ctx, "connections");
    json_ctx_push(&ctx, "corp");
    T_ERR(json_get_string(corp, "corp_id", &s, &ctx), ERR_INVALID);
    T_STR(s, "untouched");
    T_STR(diag_text(&diag, 0), "siyu.yaml: connections.corp.corp_id: expected a string, got integer");
    T_ERR(json_get_string(corp, "secret", &s, &ctx), ERR_NOT_FOUND);
    T_STR(diag_text(&diag, 1), "siyu.yaml: connections.corp.secret: is missing, expected a string");
    T_ERR(json_get_i64_in(corp, "port", 1, 65535, &i, &ctx), ERR_INVALID);
    T_STR(diag_text(&diag, 2), "siyu.yaml: connections.corp.port: expected 1 to 65535, got 70000");
    json_ctx_push_index(&ctx, 3);
    json_complainf(&ctx, corp, NULL, "is odd");
    T_STR(diag_text(&diag, 3), "siyu.yaml: connections.corp[3]: is odd");
    json_ctx_pop(&ctx);
    T_STR(ctx.path, "connections.corp");
    json_ctx_pop(&ctx);
    T_STR(ctx.path, "connections");
    json_ctx_pop(&ctx);
    json_complainf(&ctx, root, NULL, "whole");
    T_STR(diag_text(&diag, 4), "siyu.yaml: whole");
    T_ERR(json_get_string(corp, "corp_id", &s, NULL), ERR_INVALID);
    json_decref(root);
}

static void a_path_longer_than_its_room_is_cut_and_comes_back(void **state)
{
    char key[200];

    (void)state;
    memset(key, 'k', sizeof(key) - 1);
    key[sizeof(key) - 1] = '\0';
    for (int i = 0; i < JSON_DEPTH; i++)
        json_ctx_push(&ctx, key);
    for (int i = 0; i < JSON_DEPTH; i++)
        json_ctx_pop(&ctx);
    T_STR(ctx.path, "");
}

static void optional_values_have_defaults_but_wrong_types_do_not_pass(void **state)
{
    json_t *root = parse("{\"s\":1,\"n\":null,\"i\":7}");
    const json_t *node;
    const char *s;
    int64_t i;
    bool b;

    (void)state;
    T_OK(json_opt_string(root, "absent", "def", &s, &ctx));
    T_STR(s, "def");
    T_OK(json_opt_string(root, "n", "def", &s, &ctx));
    T_STR(s, "def");
    T_ERR(json_opt_string(root, "s", "def", &s, &ctx), ERR_INVALID);
    T_OK(json_opt_i64(root, "i", 1, &i, &ctx));
    T_EQ(i, 7);
    T_ERR(json_opt_i64_in(root, "i", 8, 9, 8, &i, &ctx), ERR_INVALID);
    T_OK(json_opt_i64_in(root, "x", 8, 9, 8, &i, &ctx));
    T_EQ(i, 8);
    T_OK(json_opt_bool(root, "x", true, &b, &ctx));
    T_TRUE(b);
    T_OK(json_opt_array(root, "x", &node, &ctx));
    T_TRUE(!node);
    T_ERR(json_opt_object(root, "i", &node, &ctx), ERR_INVALID);
    json_decref(root);
}

static void unknown_keys_are_refused_with_the_nearest_name(void **state)
{
    static const char *const keys[] = {"secret", "token", "aes_key", NULL};
    json_t *root = parse("{\"secret\":1,\"tokne\":2,\"zzzzzzzz\":3}");

    (void)state;
    T_ERR(json_only_keys(root, keys, &ctx), ERR_INVALID);
    T_EQ(diag_count(&diag), 2);
    T_STR(diag_text(&diag, 0), "siyu.yaml: tokne: not available in this version, did you mean \"token\"?");
    T_STR(diag_text(&diag, 1), "siyu.yaml: zzzzzzzz: not available in this version");
    T_OK(json_object_del(root, "tokne"));
    T_OK(json_object_del(root, "zzzzzzzz"));
    T_OK(json_only_keys(root, keys, &ctx));
    json_decref(root);
}

static void answers_of_peers_are_read_leniently(void **state)
{
    json_t *root = parse("{\"errcode\":40001,\"n\":\"12\",\"s\":\"x\",\"b\":true}");

    (void)state;
    T_EQ(json_int(root, "errcode", 0), 40001);
    T_EQ(json_int(root, "absent", 0), 0);
    T_EQ(json_int(root, "n", 0), 12);
    T_EQ(json_int(root, "s", -1), -1);
    T_STR(json_str(root, "s", NULL), "x");
    T_STR(json_str(root, "errcode", "none"), "none");
    T_TRUE(json_flag(root, "b", false));
    T_STR(json_str(NULL, "s", "def"), "def");
    json_decref(root);
}

static void a_string_is_quoted_whatever_it_holds(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 100);
    T_OK(json_write_string(STR("a\"\\\n\x01你\xFF/"), &out));
    T_STR(out.data, "\"a\\\"\\\\\\n\\u0001你\xEF\xBF\xBD/\"");
    buf_fini(&out);
}

#define ROW(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ROW(writing_is_compact_raw_utf8_in_order),
        ROW(sorted_writing_does_not_depend_on_insertion),
        ROW(writing_respects_the_ceiling),
        ROW(what_is_not_json_is_refused_with_its_place),
        ROW(depth_is_bounded_but_strings_do_not_count),
        ROW(getters_give_what_is_there),
        ROW(a_complaint_names_path_and_types),
        ROW(a_path_longer_than_its_room_is_cut_and_comes_back),
        ROW(optional_values_have_defaults_but_wrong_types_do_not_pass),
        ROW(unknown_keys_are_refused_with_the_nearest_name),
        ROW(answers_of_peers_are_read_leniently),
        ROW(a_string_is_quoted_whatever_it_holds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
