/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "adapters/wecom/wecom_attach.h"
#include "adapters/wecom/wecom_say.h"
#include "adapters/wecom/wecom_table.h"
#include "adapters/wecom/wecom_task.h"
#include "base/json.h"
#include "support/asserts.h"

static struct wecom_ask ask;
static struct content content;
static struct call call;
static json_t *attach, *params, *answer;
static struct recipient many[WECOM_TASK_CUSTOMERS + 1];
static char names[WECOM_TASK_CUSTOMERS + 1][32];

static int set_up(void **state)
{
    (void)state;
    wecom_ask_init(&ask);
    content = (struct content){.text = STR("你好")};
    call = (struct call){.account = STR("zhangsan"), .content = &content, .deadline_ms = 5000};
    attach = params = answer = NULL;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    wecom_ask_fini(&ask);
    json_decref(attach);
    json_decref(params);
    json_decref(answer);
    return 0;
}

static const struct recipient *people(size_t n)
{
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "wm%05zu", i);
        many[i] = (struct recipient){{(int64_t)i + 1}, str_of(names[i])};
    }
    return many;
}

static json_t *json(const char *text)
{
    json_t *ret = NULL;

    T_OK(json_parse(str_of(text), JSON_DEPTH, &ret, NULL));
    return ret;
}

static void attached(const char *text)
{
    json_decref(attach);
    attach = json(text);
    content.attach = attach;
}

static int begin(const struct wecom_table *table, enum call_op op, const struct recipient *to, size_t n)
{
    wecom_ask_fini(&ask);
    wecom_ask_init(&ask);
    ask.agent_id = 1000002;
    call.op = op;
    return wecom_ask_begin(&ask, table->ops, table->count, &call, to, n);
}

static int take(const char *text)
{
    json_decref(answer);
    answer = json(text);
    return wecom_ask_take(&ask, answer);
}

static const char *body(void)
{
    return buf_cstr(&ask.request.body);
}

static const struct item_result *item(size_t i)
{
    return vec_at(&ask.items, i);
}

static char long_text[8192];
static struct str text_of(size_t bytes)
{
    memset(long_text, 'a', sizeof(long_text));
    return (struct str){long_text, bytes};
}

static void a_welcome_carries_code_text_and_attachments(void **state)
{
    (void)state;
    call.code = STR("WC_0001");
    attached("[{\"link\":{\"title\":\"新人礼包\",\"url\":\"https://example.com/gift\"}},"
             "{\"image\":{\"media_id\":\"M\"}}]");
    T_OK(begin(&wecom_corp_table, CALL_WELCOME, people(1), 1));
    T_STR(ask.request.method, "POST");
    T_STR(ask.request.path, "/cgi-bin/externalcontact/send_welcome_msg");
    T_TRUE(ask.request.once);
    T_STR(body(),
          "{\"welcome_code\":\"WC_0001\",\"text\":{\"content\":\"你好\"},\"attachments\":["
          "{\"msgtype\":\"link\",\"link\":{\"title\":\"新人礼包\",\"url\":\"https://example.com/gift\"}},"
          "{\"msgtype\":\"image\",\"image\":{\"media_id\":\"M\"}}]}");
    T_EQ(take("{\"errcode\":0,\"errmsg\":\"ok\"}"), WECOM_DONE);
    T_EQ(ask.outcome, OUTCOME_ACCEPTED);
}

static void a_welcome_needs_a_code_and_something_to_say(void **state)
{
    (void)state;
    T_ERR(begin(&wecom_corp_table, CALL_WELCOME, people(1), 1), ERR_INVALID);
    T_TRUE(ask.fault[0]);
    call.code = STR("c");
    content.text = STR("");
    T_ERR(begin(&wecom_corp_table, CALL_WELCOME, people(1), 1), ERR_INVALID);
    attached("[{\"video\":{\"media_id\":\"V\"}}]");
    T_OK(begin(&wecom_corp_table, CALL_WELCOME, people(1), 1));
    T_STR(
        body(),
        "{\"welcome_code\":\"c\",\"attachments\":[{\"msgtype\":\"video\",\"video\":{\"media_id\":\"V\"}}]}");
}

static void a_text_of_4000_bytes_passes_and_one_more_does_not(void **state)
{
    (void)state;
    call.code = STR("c");
    content.text = text_of(4000);
    T_OK(begin(&wecom_corp_table, CALL_WELCOME, people(1), 1));
    content.text = text_of(4001);
    T_ERR(begin(&wecom_corp_table, CALL_WELCOME, people(1), 1), ERR_TOO_BIG);
    T_STR(ask.fault, "the text has 4001 bytes, at most 4000 are allowed");
}

static void quotes_and_control_characters_stay_inside_their_string(void **state)
{
    (void)state;
    call.code = STR("c");
    content.text = STR("\"},\"x\":{\"\n\x01\\");
    T_OK(begin(&wecom_corp_table, CALL_WELCOME, people(1), 1));
    answer = json(body());
    T_STR(json_str(json_object_get(answer, "text"), "content", ""), content.text.p);
    T_EQ(json_object_size(answer), 2);
}

static void every_attachment_kind_has_its_fields(void **state)
{
    (void)state;
    call.code = STR("c");
    attached(
        "[{\"miniprogram\":{\"title\":\"t\",\"pic_media_id\":\"P\",\"appid\":\"wx1\",\"page\":\"/p.html\"}},"
        "{\"file\":{\"media_id\":\"F\"}},{\"image\":{\"pic_url\":\"U\"}},"
        "{\"link\":{\"title\":\"t\",\"picurl\":\"p\",\"desc\":\"d\",\"url\":\"u\"}}]");
    content.text = STR("");
    T_OK(begin(&wecom_corp_table, CALL_WELCOME, people(1), 1));
    T_STR(body(),
          "{\"welcome_code\":\"c\",\"attachments\":[{\"msgtype\":\"miniprogram\",\"miniprogram\":{\"title\":"
          "\"t\","
          "\"pic_media_id\":\"P\",\"appid\":\"wx1\",\"page\":\"/p.html\"}},{\"msgtype\":\"file\",\"file\":{"
          "\"media_id\":\"F\"}},{\"msgtype\":\"image\",\"image\":{\"pic_url\":\"U\"}},{\"msgtype\":\"link\","
          "\"link\":{\"title\":\"t\",\"picurl\":\"p\",\"desc\":\"d\",\"url\":\"u\"}}]}");
}

static void attachments_outside_the_rules_are_refused_with_a_reason(void **state)
{
    static const char *const wrong[] = {
        "[{\"link\":{\"title\":\"t\"}}]",
        "[{\"link\":{\"title\":\"t\",\"url\":\"\"}}]",
        "[{\"link\":{\"title\":7,\"url\":\"u\"}}]",
        "[{\"link\":{\"title\":\"t\",\"url\":\"u\",\"colour\":\"red\"}}]",
        "[{\"image\":{}}]",
        "[{\"audio\":{\"media_id\":\"M\"}}]",
        "[{\"image\":{\"media_id\":\"M\"},\"file\":{\"media_id\":\"M\"}}]",
        "[\"image\"]",
        "{\"image\":{\"media_id\":\"M\"}}",
        "[{\"file\":{\"media_id\":\"1\"}},{\"file\":{\"media_id\":\"2\"}},{\"file\":{\"media_id\":\"3\"}},"
        "{\"file\":{\"media_id\":\"4\"}},{\"file\":{\"media_id\":\"5\"}},{\"file\":{\"media_id\":\"6\"}},"
        "{\"file\":{\"media_id\":\"7\"}},{\"file\":{\"media_id\":\"8\"}},{\"file\":{\"media_id\":\"9\"}},"
        "{\"file\":{\"media_id\":\"10\"}}]",
    };

    (void)state;
    call.code = STR("c");
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        int r;

        attached(wrong[i]);
        r = begin(&wecom_corp_table, CALL_WELCOME, people(1), 1);
        T_TRUE(r == ERR_INVALID || r == ERR_TOO_BIG);
        T_TRUE(ask.fault[0]);
    }
}

static void a_title_of_129_bytes_is_too_long(void **state)
{
    char text[512];

    (void)state;
    call.code = STR("c");
    (void)snprintf(text, sizeof(text), "[{\"link\":{\"url\":\"u\",\"title\":\"%.*s\"}}]", 128,
                   text_of(128).p);
    attached(text);
    T_OK(begin(&wecom_corp_table, CALL_WELCOME, people(1), 1));
    (void)snprintf(text, sizeof(text), "[{\"link\":{\"url\":\"u\",\"title\":\"%.*s\"}}]", 129,
                   text_of(129).p);
    attached(text);
    T_ERR(begin(&wecom_corp_table, CALL_WELCOME, people(1), 1), ERR_TOO_BIG);
}

static void a_task_names_its_customers_and_its_member(void **state)
{
    (void)state;
    T_OK(begin(&wecom_corp_table, CALL_TASK, people(2), 2));
    T_STR(ask.request.path, "/cgi-bin/externalcontact/add_msg_template");
    T_STR(body(), "{\"chat_type\":\"single\",\"external_userid\":[\"wm00000\",\"wm00001\"],"
                  "\"sender\":\"zhangsan\",\"text\":{\"content\":\"你好\"}}");
    T_EQ(take("{\"errcode\":0,\"errmsg\":\"ok\",\"fail_list\":[\"wm00001\"],\"msgid\":\"msgGCAAA\"}"),
         WECOM_DONE);
    T_EQ(ask.outcome, OUTCOME_TASK);
    T_VIEW(ask.provider_id, "msgGCAAA");
    T_EQ(ask.items.count, 1);
    T_EQ(item(0)->id.v, 2);
    T_EQ(item(0)->outcome, OUTCOME_PERMANENT);
}

static void a_group_task_names_its_groups(void **state)
{
    (void)state;
    T_OK(begin(&wecom_corp_table, CALL_GROUP_TASK, people(1), 1));
    T_STR(body(), "{\"chat_type\":\"group\",\"chat_id_list\":[\"wm00000\"],\"sender\":\"zhangsan\","
                  "\"text\":{\"content\":\"你好\"}}");
}

static void a_task_has_bounds(void **state)
{
    (void)state;
    T_OK(begin(&wecom_corp_table, CALL_TASK, people(WECOM_TASK_CUSTOMERS), WECOM_TASK_CUSTOMERS));
    T_ERR(begin(&wecom_corp_table, CALL_TASK, people(WECOM_TASK_CUSTOMERS + 1), WECOM_TASK_CUSTOMERS + 1),
          ERR_TOO_BIG);
    T_ERR(begin(&wecom_corp_table, CALL_TASK, NULL, 0), ERR_TOO_BIG);
    T_OK(begin(&wecom_corp_table, CALL_GROUP_TASK, people(WECOM_TASK_GROUPS), WECOM_TASK_GROUPS));
    T_ERR(begin(&wecom_corp_table, CALL_GROUP_TASK, people(WECOM_TASK_GROUPS + 1), WECOM_TASK_GROUPS + 1),
          ERR_TOO_BIG);
    call.account = STR("");
    T_ERR(begin(&wecom_corp_table, CALL_TASK, people(1), 1), ERR_INVALID);
}

static void each_of_ten_thousand_failures_finds_its_delivery(void **state)
{
    json_t *list = json_array();

    (void)state;
    T_OK(begin(&wecom_corp_table, CALL_TASK, people(WECOM_TASK_CUSTOMERS), WECOM_TASK_CUSTOMERS));
    for (size_t i = WECOM_TASK_CUSTOMERS; i-- > 0;)
        T_EQ(json_array_append_new(list, json_string(names[i])), 0);
    T_EQ(json_array_append_new(list, json_string("stranger")), 0);
    answer = json_pack("{s:i,s:o,s:s}", "errcode", 0, "fail_list", list, "msgid", "m");
    T_EQ(wecom_ask_take(&ask, answer), WECOM_DONE);
    T_EQ(ask.items.count, WECOM_TASK_CUSTOMERS + 1);
    for (size_t i = 0; i < WECOM_TASK_CUSTOMERS; i++)
        T_EQ(item(i)->id.v, WECOM_TASK_CUSTOMERS - (int64_t)i);
    T_EQ(item(WECOM_TASK_CUSTOMERS)->id.v, 0);
    T_VIEW(item(WECOM_TASK_CUSTOMERS)->to, "stranger");
}

static void reminding_and_cancelling_name_the_task(void **state)
{
    (void)state;
    call.handle = STR("msg1");
    T_OK(begin(&wecom_corp_table, CALL_REMIND, NULL, 0));
    T_STR(ask.request.path, "/cgi-bin/externalcontact/remind_groupmsg_send");
    T_STR(body(), "{\"msgid\":\"msg1\"}");
    T_OK(begin(&wecom_corp_table, CALL_CANCEL_TASK, NULL, 0));
    T_STR(ask.request.path, "/cgi-bin/externalcontact/cancel_groupmsg_send");
    call.handle = STR("");
    T_ERR(begin(&wecom_corp_table, CALL_REMIND, NULL, 0), ERR_INVALID);
}

static void a_message_to_employees_is_checked_for_duplicates(void **state)
{
    (void)state;
    T_OK(begin(&wecom_corp_table, CALL_SEND, people(2), 2));
    T_STR(ask.request.path, "/cgi-bin/message/send");
    T_STR(body(),
          "{\"touser\":\"wm00000|wm00001\",\"msgtype\":\"text\",\"agentid\":1000002,"
          "\"text\":{\"content\":\"你好\"},\"enable_duplicate_check\":1,\"duplicate_check_interval\":120}");
    T_EQ(take("{\"errcode\":0,\"errmsg\":\"ok\",\"invaliduser\":\"wm00001\",\"msgid\":\"x\"}"), WECOM_DONE);
    T_EQ(ask.items.count, 1);
    T_EQ(item(0)->id.v, 2);
    T_VIEW(ask.provider_id, "x");
}

static void a_kf_message_has_our_msgid(void **state)
{
    (void)state;
    call.account = STR("wk1");
    call.key = STR("k-1");
    T_OK(begin(&wecom_kf_table, CALL_SEND, people(1), 1));
    T_STR(ask.request.path, "/cgi-bin/kf/send_msg");
    T_STR(body(), "{\"touser\":\"wm00000\",\"open_kfid\":\"wk1\",\"msgid\":\"k-1\",\"msgtype\":\"text\","
                  "\"text\":{\"content\":\"你好\"}}");
    T_EQ(take("{\"errcode\":0,\"errmsg\":\"ok\",\"msgid\":\"k-1\"}"), WECOM_DONE);
    T_VIEW(ask.provider_id, "k-1");
    content.text = text_of(2049);
    T_ERR(begin(&wecom_kf_table, CALL_SEND, people(1), 1), ERR_TOO_BIG);
    content.text = STR("x");
    T_ERR(begin(&wecom_kf_table, CALL_SEND, people(2), 2), ERR_INVALID);
}

static void a_kf_welcome_answers_the_code(void **state)
{
    (void)state;
    call.code = STR("EC");
    call.key = STR("k-2");
    T_OK(begin(&wecom_kf_table, CALL_WELCOME, people(1), 1));
    T_STR(ask.request.path, "/cgi-bin/kf/send_msg_on_event");
    T_STR(body(), "{\"code\":\"EC\",\"msgid\":\"k-2\",\"msgtype\":\"text\",\"text\":{\"content\":\"你好\"}}");
    call.code = STR("");
    T_ERR(begin(&wecom_kf_table, CALL_WELCOME, people(1), 1), ERR_INVALID);
}

static void links_become_lines_where_a_message_is_one_text(void **state)
{
    (void)state;
    call.account = STR("wk1");
    attached("[{\"link\":{\"title\":\"新人礼包\",\"url\":\"https://e/g\"}}]");
    T_OK(begin(&wecom_kf_table, CALL_SEND, people(1), 1));
    answer = json(body());
    T_STR(json_str(json_object_get(answer, "text"), "content", ""), "你好\n新人礼包\nhttps://e/g");
    attached("[{\"image\":{\"media_id\":\"M\"}}]");
    T_ERR(begin(&wecom_kf_table, CALL_SEND, people(1), 1), ERR_INVALID);
}

static void a_webhook_speaks_text_or_markdown(void **state)
{
    (void)state;
    T_OK(begin(&wecom_webhook_table, CALL_GROUP, people(1), 1));
    T_STR(ask.request.path, "/cgi-bin/webhook/send");
    T_STR(body(), "{\"msgtype\":\"text\",\"text\":{\"content\":\"你好\"}}");
    content.text = text_of(2049);
    T_ERR(begin(&wecom_webhook_table, CALL_GROUP, people(1), 1), ERR_TOO_BIG);
    params = json("{\"markdown\":true}");
    content.params = params;
    T_OK(begin(&wecom_webhook_table, CALL_GROUP, people(1), 1));
    content.text = STR("**x**");
    T_OK(begin(&wecom_webhook_table, CALL_GROUP, people(1), 1));
    T_STR(body(), "{\"msgtype\":\"markdown\",\"markdown\":{\"content\":\"**x**\"}}");
}

static void an_op_that_the_channel_lacks_is_refused(void **state)
{
    (void)state;
    T_ERR(begin(&wecom_corp_table, CALL_MASS, people(1), 1), ERR_UNSUPPORTED);
    T_ERR(begin(&wecom_kf_table, CALL_TASK, people(1), 1), ERR_UNSUPPORTED);
    T_ERR(begin(&wecom_webhook_table, CALL_SEND, people(1), 1), ERR_UNSUPPORTED);
}

static void an_answer_has_an_errcode_or_is_none(void **state)
{
    static const char *const none[] = {"",     "{}", "[]",    "{\"errcode\":\"0\"}",     "{\"errcode\":1.5}",
                                       "null", "ok", "{\"er", "{\"errcode\":9999999999}"};
    struct wecom_answer a;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        T_ERR(wecom_answer_read(str_of(none[i]), &a), ERR_SYNTAX);
    T_OK(wecom_answer_read(STR("{\"errcode\":-1,\"errmsg\":\"system busy\",\"more\":[1]}"), &a));
    T_EQ(a.errcode, -1);
    T_STR(a.errmsg, "system busy");
    wecom_answer_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_welcome_carries_code_text_and_attachments, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_welcome_needs_a_code_and_something_to_say, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_text_of_4000_bytes_passes_and_one_more_does_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(quotes_and_control_characters_stay_inside_their_string, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(every_attachment_kind_has_its_fields, set_up, tear_down),
        cmocka_unit_test_setup_teardown(attachments_outside_the_rules_are_refused_with_a_reason, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_title_of_129_bytes_is_too_long, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_task_names_its_customers_and_its_member, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_group_task_names_its_groups, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_task_has_bounds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_of_ten_thousand_failures_finds_its_delivery, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reminding_and_cancelling_name_the_task, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_message_to_employees_is_checked_for_duplicates, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_kf_message_has_our_msgid, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_kf_welcome_answers_the_code, set_up, tear_down),
        cmocka_unit_test_setup_teardown(links_become_lines_where_a_message_is_one_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_webhook_speaks_text_or_markdown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_op_that_the_channel_lacks_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_answer_has_an_errcode_or_is_none, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
