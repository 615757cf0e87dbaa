/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and answers of every op, without a network. */
#include <stdio.h>

#include "adapters/official/official_say.h"
#include "adapters/official/official_wire.h"
#include "base/json.h"
#include "support/asserts.h"

static struct official_tags tags;
static struct official_ask ask;
static struct call call;
static struct content content;
static json_t *attach, *params;
static int64_t now_ms;

static const struct recipient two[] = {{{1}, STR("oA")}, {{2}, STR("oB")}};

static int set_up(void **state)
{
    (void)state;
    official_tags_init(&tags);
    now_ms = 5000;
    official_ask_init(&ask, &tags, false, now_ms);
    attach = params = NULL;
    content = (struct content){.text = STR("你好 \"8折\"\n<a href=\"https://e.cn\">看</a>")};
    call = (struct call){.content = &content, .key = STR("k-1")};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    official_ask_fini(&ask);
    official_tags_fini(&tags);
    json_decref(attach);
    json_decref(params);
    return 0;
}

static void again(bool subscription)
{
    official_ask_fini(&ask);
    official_ask_init(&ask, &tags, subscription, now_ms);
}

static int begin(enum call_op op, size_t n)
{
    call.op = op;
    return official_ask_begin(&ask, &call, two, n);
}

static void set_attach(const char *json)
{
    json_decref(attach);
    attach = NULL;
    T_OK(json_parse(str_of(json), 8, &attach, NULL));
    content.attach = attach;
}

static void set_params(const char *json)
{
    json_decref(params);
    params = NULL;
    T_OK(json_parse(str_of(json), 8, &params, NULL));
    call.params = params;
}

static int take(const char *text)
{
    struct official_answer answer;
    int r = official_answer_read(str_of(text), &answer);

    if (r < 0)
        return r;
    r = official_ask_take(&ask, answer.json);
    official_answer_fini(&answer);
    return r;
}

static const char *body(void)
{
    return buf_cstr(&ask.request.body);
}

/* ---- messages ---- */

static void a_text_goes_out_in_raw_utf8(void **state)
{
    (void)state;
    T_OK(begin(CALL_SEND, 1));
    T_STR(ask.request.method, "POST");
    T_STR(ask.request.path, "/cgi-bin/message/custom/send");
    T_TRUE(ask.request.once);
    T_STR(body(),
          "{\"touser\":\"oA\",\"msgtype\":\"text\",\"text\":{\"content\":\"你好 \\\"8折\\\"\\n<a href="
          "\\\"https://e.cn\\\">看</a>\"}}");
    T_TRUE(strstr(body(), "\\u") == NULL);
    T_EQ(take("{\"errcode\":0,\"errmsg\":\"ok\"}"), OFFICIAL_DONE);
    T_EQ(ask.outcome, OUTCOME_ACCEPTED);
}

static void a_link_alone_is_news_with_one_article(void **state)
{
    (void)state;
    content.text = STR("");
    set_attach("[{\"link\":{\"title\":\"新人礼包\",\"url\":\"https://e.cn/"
               "a\",\"desc\":\"D\",\"picurl\":\"https://p\"}}]");
    T_OK(begin(CALL_SEND, 1));
    T_STR(body(), "{\"touser\":\"oA\",\"msgtype\":\"news\",\"news\":{\"articles\":[{\"title\":\"新人礼包\","
                  "\"description\":\"D\",\"url\":\"https://e.cn/a\",\"picurl\":\"https://p\"}]}}");
}

static void links_beside_a_text_are_lines_of_it(void **state)
{
    (void)state;
    content.text = STR("hi");
    set_attach("[{\"link\":{\"title\":\"A\",\"url\":\"https://e.cn/a\"}},{\"link\":{\"title\":\"B\",\"url\":"
               "\"https://e.cn/b\"}}]");
    T_OK(begin(CALL_SEND, 1));
    T_STR(body(),
          "{\"touser\":\"oA\",\"msgtype\":\"text\",\"text\":{\"content\":\"hi\\nA\\nhttps://e.cn/a\\nB\\n"
          "https://e.cn/b\"}}");
    again(false);
    set_attach("[{\"link\":{\"title\":\"A\",\"url\":\"https://e.cn/a\"}}]");
    T_OK(begin(CALL_SEND, 1));
    T_TRUE(strstr(body(), "\"msgtype\":\"text\",\"text\":{\"content\":\"hi\\nA\\nhttps://e.cn/a\"}") != NULL);
}

static void images_and_cards_stand_alone(void **state)
{
    (void)state;
    content.text = STR("");
    set_attach("[{\"image\":{\"media_id\":\"M1\"}}]");
    T_OK(begin(CALL_SEND, 1));
    T_STR(body(), "{\"touser\":\"oA\",\"msgtype\":\"image\",\"image\":{\"media_id\":\"M1\"}}");
    again(false);
    set_attach("[{\"miniprogram\":{\"title\":\"T\",\"appid\":\"wx9\",\"page\":\"pages/"
               "a\",\"pic_media_id\":\"P\"}}]");
    T_OK(begin(CALL_SEND, 1));
    T_STR(body(),
          "{\"touser\":\"oA\",\"msgtype\":\"miniprogrampage\",\"miniprogrampage\":{\"title\":\"T\",\"appid\":"
          "\"wx9\",\"pagepath\":\"pages/a\",\"thumb_media_id\":\"P\"}}");
    again(false);
    content.text = STR("hi");
    T_ERR(begin(CALL_SEND, 1), ERR_INVALID);
    T_TRUE(strstr(ask.fault, "own variant") != NULL);
}

static void what_the_channel_cannot_say_is_refused_with_a_reason(void **state)
{
    static const char *const wrong[] = {
        "[{\"video\":{\"media_id\":\"M\"}}]",
        "[{\"file\":{\"media_id\":\"M\"}}]",
        "[{\"image\":{\"pic_url\":\"https://p\"}}]",
        "[{\"image\":{\"media_id\":\"M\"}},{\"image\":{\"media_id\":\"N\"}}]",
        "[{\"link\":{\"title\":\"T\"}}]",
        "[{\"link\":{\"url\":\"https://e.cn\"}}]",
        "[{\"miniprogram\":{\"title\":\"T\",\"appid\":\"a\",\"page\":\"p\"}}]",
        "[{\"link\":{\"title\":\"T\",\"url\":\"u\"},\"image\":{\"media_id\":\"M\"}}]",
        "[{\"link\":7}]",
        "[7]",
        "[{}]",
    };

    (void)state;
    content.text = STR("");
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        again(false);
        set_attach(wrong[i]);
        T_ERR(begin(CALL_SEND, 1), ERR_INVALID);
        T_TRUE(ask.fault[0]);
    }
    again(false);
    set_attach("[]");
    T_ERR(begin(CALL_SEND, 1), ERR_INVALID);
    T_STR(ask.fault, "the message is empty");
}

static void a_text_has_2048_bytes_at_most(void **state)
{
    char text[3000];

    (void)state;
    memset(text, 'a', sizeof(text));
    content.text = (struct str){text, 2048};
    T_OK(begin(CALL_SEND, 1));
    again(false);
    content.text.n = 2049;
    T_ERR(begin(CALL_SEND, 1), ERR_TOO_BIG);
    T_STR(ask.fault, "the text has 2049 bytes, at most 2048 are allowed");
}

static void one_message_goes_to_one_follower(void **state)
{
    (void)state;
    T_ERR(begin(CALL_SEND, 2), ERR_INVALID);
    again(false);
    T_ERR(begin(CALL_SEND, 0), ERR_INVALID);
}

/* ---- mass messages ---- */

static void a_mass_message_carries_our_key(void **state)
{
    (void)state;
    content.text = STR("会员日");
    T_OK(begin(CALL_MASS, 2));
    T_STR(ask.request.path, "/cgi-bin/message/mass/send");
    T_TRUE(ask.request.once);
    T_STR(
        body(),
        "{\"touser\":[\"oA\",\"oB\"],\"msgtype\":\"text\",\"text\":{\"content\":\"会员日\"},\"clientmsgid\":"
        "\"k-1\",\"send_ignore_reprint\":0}");
    T_EQ(take("{\"errcode\":0,\"errmsg\":\"send job submission success\",\"msg_id\":9007199254740993}"),
         OFFICIAL_DONE);
    T_VIEW(ask.provider_id, "9007199254740993");
}

static void an_image_is_sent_to_many_in_its_own_form(void **state)
{
    (void)state;
    content.text = STR("");
    set_attach("[{\"image\":{\"media_id\":\"M1\"}}]");
    T_OK(begin(CALL_MASS, 2));
    T_STR(body(), "{\"touser\":[\"oA\",\"oB\"],\"msgtype\":\"image\",\"images\":{\"media_ids\":[\"M1\"]},"
                  "\"clientmsgid\":\"k-1\",\"send_ignore_reprint\":0}");
    again(false);
    set_attach("[{\"link\":{\"title\":\"T\",\"url\":\"https://e.cn\"}}]"); /* no articles here */
    T_OK(begin(CALL_MASS, 2));
    T_TRUE(strstr(body(), "\"text\":{\"content\":\"T\\nhttps://e.cn\"}") != NULL);
    again(false);
    set_attach("[{\"miniprogram\":{\"title\":\"T\",\"appid\":\"a\",\"page\":\"p\",\"pic_media_id\":\"P\"}}]");
    T_ERR(begin(CALL_MASS, 2), ERR_INVALID);
}

static void a_mass_message_needs_two_followers_and_a_key(void **state)
{
    (void)state;
    T_ERR(begin(CALL_MASS, 1), ERR_INVALID);
    T_STR(ask.fault, "a mass message goes to 2 to 10000 followers, not to 1");
    again(false);
    call.key = STR("");
    T_ERR(begin(CALL_MASS, 2), ERR_INVALID);
    again(false);
    call.key = STR("0123456789012345678901234567890123");
    T_ERR(begin(CALL_MASS, 2), ERR_TOO_BIG);
    again(true);
    call.key = STR("k");
    T_ERR(begin(CALL_MASS, 2), ERR_INVALID);
    T_TRUE(strstr(ask.fault, "subscription") != NULL);
}

static void ten_thousand_are_one_call_and_one_more_is_none(void **state)
{
    static struct recipient many[10001];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        many[i].to = STR("oAbCdEfGhIjKlMnOpQrStUvWxYz0");
    call.op = CALL_MASS;
    T_OK(official_ask_begin(&ask, &call, many, 10000));
    again(false);
    T_ERR(official_ask_begin(&ask, &call, many, 10001), ERR_INVALID);
}

static void a_mass_answer_without_msg_id_is_none(void **state)
{
    (void)state;
    T_OK(begin(CALL_MASS, 2));
    T_ERR(take("{\"errcode\":0}"), ERR_SYNTAX);
    T_ERR(take("{\"errcode\":0,\"msg_id\":0}"), ERR_SYNTAX);
    T_ERR(take("{\"errcode\":0,\"msg_id\":null}"), ERR_SYNTAX);
    T_EQ(take("{\"errcode\":0,\"msg_id\":\"34182\"}"), OFFICIAL_DONE);
    T_VIEW(ask.provider_id, "34182");
}

#define TAGS                                                                                                 \
    "{\"tags\":[{\"id\":2,\"name\":\"星标组\",\"count\":0},{\"id\":101,\"name\":\"vip\",\"count\":7}]}"

static void a_tag_is_found_by_its_name_first(void **state)
{
    (void)state;
    again(true); /* a subscription account may */
    content.text = STR("hi");
    set_params("{\"tag\":\"vip\"}");
    T_OK(begin(CALL_MASS_TAG, 0));
    T_STR(ask.request.method, "GET");
    T_STR(ask.request.path, "/cgi-bin/tags/get");
    T_TRUE(ask.preparing && !ask.request.once);
    T_EQ(take(TAGS), OFFICIAL_MORE);
    T_TRUE(!ask.preparing && ask.request.once);
    T_STR(ask.request.path, "/cgi-bin/message/mass/sendall");
    T_STR(
        body(),
        "{\"filter\":{\"is_to_all\":false,\"tag_id\":101},\"msgtype\":\"text\",\"text\":{\"content\":\"hi\"},"
        "\"clientmsgid\":\"k-1\",\"send_ignore_reprint\":0}");
    T_EQ(take("{\"errcode\":0,\"msg_id\":34182}"), OFFICIAL_DONE);
    T_VIEW(ask.provider_id, "34182");
    again(false);
    T_OK(begin(CALL_MASS_TAG, 2)); /* the name is known now */
    T_TRUE(!ask.preparing);
    T_STR(ask.request.path, "/cgi-bin/message/mass/sendall");
}

static void an_unknown_tag_is_refused_and_never_everybody(void **state)
{
    (void)state;
    set_params("{\"tag\":\"gold\"}");
    T_OK(begin(CALL_MASS_TAG, 0));
    T_EQ(take(TAGS), OFFICIAL_DONE);
    T_EQ(ask.outcome, OUTCOME_PERMANENT);
    T_STR(ask.fault, "the account has no tag gold");
    again(false);
    set_params("{}");
    T_ERR(begin(CALL_MASS_TAG, 0), ERR_INVALID);
    again(false);
    call.params = NULL;
    T_ERR(begin(CALL_TAG_MEMBERS, 0), ERR_INVALID);
}

static void what_is_known_of_tags_gets_old(void **state)
{
    int64_t id = 0;
    json_t *answer = NULL;

    (void)state;
    T_OK(json_parse(STR(TAGS), 8, &answer, NULL));
    T_ERR(official_tags_find(&tags, STR("vip"), 0, &id), ERR_NOT_FOUND);
    T_OK(official_tags_learn(&tags, answer, 1000));
    T_OK(official_tags_find(&tags, STR("vip"), 1000 + 599999, &id));
    T_EQ(id, 101);
    T_ERR(official_tags_find(&tags, STR("gold"), 1000, &id), ERR_NOT_FOUND);
    T_ERR(official_tags_find(&tags, STR("vip"), 1000 + 600000, &id), ERR_NOT_FOUND);
    T_OK(official_tags_learn(&tags, answer, 2000000));
    official_tags_forget(&tags);
    T_ERR(official_tags_find(&tags, STR("vip"), 2000000, &id), ERR_NOT_FOUND);
    json_decref(answer);
    T_ERR(official_tags_learn(&tags, NULL, 0), ERR_SYNTAX);
}

/* ---- questions ---- */

static void members_come_page_by_page(void **state)
{
    (void)state;
    set_params("{\"tag\":\"vip\",\"next\":\"oA\"}");
    T_OK(begin(CALL_TAG_MEMBERS, 0));
    T_EQ(take(TAGS), OFFICIAL_MORE);
    T_STR(ask.request.path, "/cgi-bin/user/tag/get");
    T_TRUE(!ask.request.once);
    T_STR(body(), "{\"tagid\":101,\"next_openid\":\"oA\"}");
    T_EQ(take("{\"count\":2,\"data\":{\"openid\":[\"oB\",\"oC\"]},\"next_openid\":\"oC\"}"), OFFICIAL_DONE);
    T_EQ(json_array_size(json_object_get(ask.data, "members")), 2);
    T_STR(json_str(ask.data, "next", "?"), ""); /* a short page is the last */
    again(false);
    T_OK(begin(CALL_TAG_MEMBERS, 0));
    T_EQ(take("{\"count\":0,\"next_openid\":\"\"}"), OFFICIAL_DONE);
    T_EQ(json_array_size(json_object_get(ask.data, "members")), 0);
    T_TRUE(json_is_array(json_object_get(ask.data, "members")));
    T_STR(json_str(ask.data, "next", "?"), "");
}

static void a_full_page_has_a_next_one(void **state)
{
    json_t *list = json_array(), *page;

    (void)state;
    for (int i = 0; i < OFFICIAL_TAG_PAGE; i++)
        T_OK(json_array_append_new(list, json_string("oX")));
    page = json_pack("{s:i,s:{s:o},s:s}", "count", OFFICIAL_TAG_PAGE, "data", "openid", list, "next_openid",
                     "oX");
    set_params("{\"tag\":\"vip\",\"next\":\"\"}");
    T_OK(begin(CALL_TAG_MEMBERS, 0));
    T_EQ(take(TAGS), OFFICIAL_MORE);
    T_EQ(official_ask_take(&ask, page), OFFICIAL_DONE);
    T_STR(json_str(ask.data, "next", "?"), "oX");
    T_EQ(json_array_size(json_object_get(ask.data, "members")), OFFICIAL_TAG_PAGE);
    json_decref(page);
    again(false);
    T_OK(begin(CALL_TAG_MEMBERS, 0));
    T_ERR(take("{\"errmsg\":\"no count\"}"), ERR_SYNTAX);
}

static void a_mass_message_is_asked_about_by_msg_id(void **state)
{
    (void)state;
    call.handle = STR("9007199254740993");
    T_OK(begin(CALL_QUERY, 0));
    T_STR(ask.request.path, "/cgi-bin/message/mass/get");
    T_STR(body(), "{\"msg_id\":9007199254740993}");
    T_TRUE(!ask.request.once);
    T_EQ(take("{\"msg_id\":9007199254740993,\"msg_status\":\"SEND_SUCCESS\"}"), OFFICIAL_DONE);
    T_VIEW(ask.provider_id, "9007199254740993");
    T_STR(json_str(ask.data, "status", ""), "SEND_SUCCESS");
    T_TRUE(json_flag(ask.data, "found", false));
    again(false);
    T_OK(begin(CALL_QUERY, 0));
    T_EQ(take("{\"msg_id\":9007199254740993,\"msg_status\":\"SEND_FAIL\"}"), OFFICIAL_DONE);
    T_EQ(ask.provider_id.n, 0); /* no proof of acceptance */
    again(false);
    call.handle = STR("k-1"); /* our own key is none of theirs */
    T_ERR(begin(CALL_QUERY, 0), ERR_INVALID);
    again(false);
    call.handle = STR("1");
    T_OK(begin(CALL_QUERY, 0));
    T_ERR(take("{\"errcode\":0}"), ERR_SYNTAX);
}

static void a_followers_detail_is_what_the_platform_still_tells(void **state)
{
    (void)state;
    call.handle = STR("o+A/1");
    T_OK(begin(CALL_CONTACT_DETAIL, 0));
    T_STR(ask.request.method, "GET");
    T_STR(ask.request.path, "/cgi-bin/user/info");
    T_STR(buf_cstr(&ask.request.query), "openid=o%2BA%2F1&lang=zh_CN");
    T_EQ(ask.request.body.len, 0);
    T_EQ(take("{\"subscribe\":1,\"openid\":\"oA\",\"unionid\":\"u1\",\"remark\":\"R\",\"tagid_list\":[101],"
              "\"nickname\":\"\"}"),
         OFFICIAL_DONE);
    T_TRUE(json_flag(ask.data, "subscribed", false));
    T_STR(json_str(ask.data, "unionid", ""), "u1");
    T_EQ(json_array_size(json_object_get(ask.data, "tagid_list")), 1);
    again(false);
    call.handle = (struct str){0};
    T_OK(begin(CALL_CONTACT_DETAIL, 1));
    T_STR(buf_cstr(&ask.request.query), "openid=oA&lang=zh_CN");
    T_EQ(take("{\"subscribe\":0,\"openid\":\"oA\"}"), OFFICIAL_DONE);
    T_TRUE(!json_flag(ask.data, "subscribed", true));
    again(false);
    T_ERR(begin(CALL_CONTACT_DETAIL, 0), ERR_INVALID);
}

static void other_ops_are_of_other_channels(void **state)
{
    static const enum call_op ops[] = {CALL_WELCOME,     CALL_TASK,        CALL_GROUP_TASK, CALL_GROUP,
                                       CALL_TASK_STATUS, CALL_TASK_RESULT, CALL_REMIND,     CALL_CANCEL_TASK};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ops); i++)
        T_ERR(begin(ops[i], 1), ERR_UNSUPPORTED);
}

static void an_absent_errcode_is_none(void **state)
{
    struct official_answer a;

    (void)state;
    T_OK(official_answer_read(STR("{\"access_token\":\"T\"}"), &a));
    T_EQ(a.errcode, 0);
    T_STR(a.errmsg, "");
    official_answer_fini(&a);
    T_OK(official_answer_read(STR("{\"errcode\":-1,\"errmsg\":\"system error rid: 1-2-3\"}"), &a));
    T_EQ(a.errcode, -1);
    T_STR(a.errmsg, "system error rid: 1-2-3");
    official_answer_fini(&a);
    T_ERR(official_answer_read(STR(""), &a), ERR_SYNTAX);
    T_ERR(official_answer_read(STR("<html>"), &a), ERR_SYNTAX);
    T_ERR(official_answer_read(STR("[]"), &a), ERR_SYNTAX);
    T_ERR(official_answer_read(STR("{\"errcode\":\"0\"}"), &a), ERR_SYNTAX);
    T_ERR(official_answer_read(STR("{\"errcode\":4294967296}"), &a), ERR_SYNTAX);
}

static void without_memory_no_request_is_half_written(void **state)
{
    static const enum call_op ops[] = {CALL_SEND, CALL_MASS_TAG, CALL_TAG_MEMBERS, CALL_QUERY};

    (void)state;
    set_params("{\"tag\":\"vip\"}");
    call.handle = STR("1");
    for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
        int r = -ENOMEM;

        for (int n = 1; n < 100 && r < 0; n++) {
            again(false);
            mem_fail_at(n);
            r = begin(ops[i], 1);
            if (mem_fault_hit())
                T_ERR(r, -ENOMEM);
            mem_fail_at(0);
        }
        T_OK(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_text_goes_out_in_raw_utf8, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_link_alone_is_news_with_one_article, set_up, tear_down),
        cmocka_unit_test_setup_teardown(links_beside_a_text_are_lines_of_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(images_and_cards_stand_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_the_channel_cannot_say_is_refused_with_a_reason, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_text_has_2048_bytes_at_most, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_message_goes_to_one_follower, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_mass_message_carries_our_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_image_is_sent_to_many_in_its_own_form, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_mass_message_needs_two_followers_and_a_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ten_thousand_are_one_call_and_one_more_is_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_mass_answer_without_msg_id_is_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_tag_is_found_by_its_name_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_unknown_tag_is_refused_and_never_everybody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_known_of_tags_gets_old, set_up, tear_down),
        cmocka_unit_test_setup_teardown(members_come_page_by_page, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_page_has_a_next_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_mass_message_is_asked_about_by_msg_id, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_followers_detail_is_what_the_platform_still_tells, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(other_ops_are_of_other_channels, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_absent_errcode_is_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_memory_no_request_is_half_written, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
