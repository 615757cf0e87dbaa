/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "adapters/wecom/wecom_kf_page.h"
#include "adapters/wecom/wecom_pages.h"
#include "adapters/wecom/wecom_table.h"
#include "base/json.h"
#include "support/asserts.h"

static struct wecom_ask ask;
static struct call call;
static struct content content;
static json_t *params, *answer;

static int set_up(void **state)
{
    (void)state;
    wecom_ask_init(&ask);
    content = (struct content){.text = STR("周二会员日")};
    call = (struct call){.account = STR("zhangsan"), .handle = STR("msg1"), .deadline_ms = 5000};
    params = answer = NULL;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    wecom_ask_fini(&ask);
    json_decref(params);
    json_decref(answer);
    return 0;
}

static json_t *json(const char *text)
{
    json_t *ret = NULL;

    T_OK(json_parse(str_of(text), JSON_DEPTH, &ret, NULL));
    return ret;
}

static int begin(enum call_op op, const struct recipient *to, size_t n)
{
    wecom_ask_fini(&ask);
    wecom_ask_init(&ask);
    call.op = op;
    return wecom_ask_begin(&ask, wecom_corp_table.ops, wecom_corp_table.count, &call, to, n);
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

static void check_data(const char *want)
{
    struct buf AUTO(buf_fini) got;

    buf_init(&got, 65536);
    T_OK(json_write_compact(ask.data, &got));
    T_STR(buf_cstr(&got), want);
}

static void a_status_is_read_page_by_page(void **state)
{
    (void)state;
    T_OK(begin(CALL_TASK_STATUS, NULL, 0));
    T_STR(ask.request.path, "/cgi-bin/externalcontact/get_groupmsg_task");
    T_TRUE(!ask.request.once);
    T_STR(body(), "{\"msgid\":\"msg1\",\"limit\":1000}");
    T_EQ(take("{\"errcode\":0,\"next_cursor\":\"C1\",\"task_list\":[{\"userid\":\"zhangsan\",\"status\":2,"
              "\"send_time\":1552536375}]}"),
         WECOM_MORE);
    T_STR(body(), "{\"msgid\":\"msg1\",\"limit\":1000,\"cursor\":\"C1\"}");
    T_EQ(take("{\"errcode\":0,\"next_cursor\":\"\",\"task_list\":[{\"userid\":\"lisi\",\"status\":0}]}"),
         WECOM_DONE);
    check_data("{\"status\":{\"zhangsan\":2,\"lisi\":0}}");
}

static void a_result_says_what_became_of_each_customer(void **state)
{
    static const struct recipient to[] = {{{11}, STR("wmA")}, {{12}, STR("wmB")}, {{13}, STR("wmC")}};

    (void)state;
    T_OK(begin(CALL_TASK_RESULT, to, 3));
    T_STR(ask.request.path, "/cgi-bin/externalcontact/get_groupmsg_send_result");
    T_STR(body(), "{\"msgid\":\"msg1\",\"userid\":\"zhangsan\",\"limit\":1000}");
    T_EQ(take("{\"errcode\":0,\"next_cursor\":\"C\",\"send_list\":["
              "{\"external_userid\":\"wmC\",\"userid\":\"zhangsan\",\"status\":1,\"send_time\":1},"
              "{\"external_userid\":\"wmB\",\"status\":0}]}"),
         WECOM_MORE);
    T_EQ(take("{\"errcode\":0,\"send_list\":[{\"external_userid\":\"wmA\",\"status\":2},"
              "{\"chat_id\":\"wrX\",\"status\":3},{\"external_userid\":\"wmZ\",\"status\":9},{\"status\":1},"
              "7]}"),
         WECOM_DONE);
    T_EQ(ask.items.count, 4);
    T_EQ(item(0)->id.v, 13);
    T_EQ(item(0)->outcome, OUTCOME_DELIVERED);
    T_EQ(item(1)->id.v, 12);
    T_EQ(item(1)->outcome, OUTCOME_PENDING);
    T_EQ(item(2)->id.v, 11);
    T_EQ(item(2)->outcome, OUTCOME_PERMANENT);
    T_EQ(item(2)->errcode, 2);
    T_VIEW(item(3)->to, "wrX");
    T_EQ(item(3)->outcome, OUTCOME_LIMITED);
    T_EQ(item(3)->errcode, 3);
    check_data("{\"unsent\":1,\"sent\":1,\"lost\":1,\"limited\":1,\"pages\":2}");
}

static void endless_pages_end_and_say_where_to_go_on(void **state)
{
    int pages = 1;

    (void)state;
    T_OK(begin(CALL_TASK_RESULT, NULL, 0));
    while (take("{\"errcode\":0,\"next_cursor\":\"C\",\"send_list\":[]}") == WECOM_MORE)
        pages++;
    T_EQ(pages, WECOM_PAGES_MAX);
    T_STR(json_str(ask.data, "next_cursor", ""), "C");
    params = json("{\"cursor\":\"C\"}");
    call.params = params;
    T_OK(begin(CALL_TASK_RESULT, NULL, 0));
    T_STR(body(), "{\"msgid\":\"msg1\",\"userid\":\"zhangsan\",\"limit\":1000,\"cursor\":\"C\"}");
}

static void begin_query(const char *text)
{
    call.handle = STR("");
    call.content = &content;
    json_decref(params);
    params = json(text);
    call.params = params;
    T_OK(begin(CALL_QUERY, NULL, 0));
}

#define TASKS(list) "{\"errcode\":0,\"next_cursor\":\"\",\"group_msg_list\":[" list "]}"
#define TASK(id, text) "{\"msgid\":\"" id "\",\"create_time\":\"1\",\"text\":{\"content\":\"" text "\"}}"
#define MEMBER(userid) "{\"errcode\":0,\"task_list\":[{\"userid\":\"" userid "\",\"status\":0}]}"

static void a_query_finds_the_task_of_our_member(void **state)
{
    (void)state;
    begin_query("{\"from_ms\":1767225600500,\"to_ms\":1767225660500,\"chat_type\":\"single\"}");
    T_STR(ask.request.path, "/cgi-bin/externalcontact/get_groupmsg_list_v2");
    T_STR(body(),
          "{\"chat_type\":\"single\",\"start_time\":1767225600,\"end_time\":1767225661,\"limit\":100}");
    T_EQ(take(TASKS(TASK("m1", "周二会员日") "," TASK("m2", "别的") "," TASK("m3", "周二会员日 "))),
         WECOM_MORE);
    T_STR(ask.request.path, "/cgi-bin/externalcontact/get_groupmsg_task");
    T_STR(body(), "{\"msgid\":\"m1\",\"limit\":1000}");
    T_EQ(take(MEMBER("lisi")), WECOM_MORE);
    T_STR(body(), "{\"msgid\":\"m3\",\"limit\":1000}");
    T_EQ(take(MEMBER("ZhangSan")), WECOM_DONE);
    check_data("{\"matches\":[\"m3\"],\"found\":true}");
    T_VIEW(ask.provider_id, "m3");
    T_EQ(ask.outcome, OUTCOME_ACCEPTED);
}

static void a_query_that_saw_everything_proves_absence(void **state)
{
    (void)state;
    begin_query("{\"from_ms\":1000,\"to_ms\":2000}");
    T_EQ(take(TASKS(TASK("m2", "别的"))), WECOM_MORE);
    T_STR(body(), "{\"chat_type\":\"group\",\"start_time\":1,\"end_time\":2,\"limit\":100}");
    T_EQ(take(TASKS("")), WECOM_DONE);
    check_data("{\"matches\":[],\"found\":false}");
    T_EQ(ask.provider_id.n, 0);
    T_EQ(ask.outcome, OUTCOME_ACCEPTED);
}

static void a_query_that_saw_too_much_proves_nothing(void **state)
{
    int r;

    (void)state;
    begin_query("{\"from_ms\":1000,\"to_ms\":2000,\"chat_type\":\"single\"}");
    do {
        r = take("{\"errcode\":0,\"next_cursor\":\"C\",\"group_msg_list\":[]}");
    } while (r == WECOM_MORE);
    T_EQ(r, WECOM_DONE);
    T_EQ(ask.outcome, OUTCOME_UNKNOWN);
    T_TRUE(!json_object_get(ask.data, "found"));
}

static void a_query_passes_over_tasks_that_are_known_or_of_others(void **state)
{
    (void)state;
    begin_query("{\"from_ms\":1000,\"to_ms\":2000,\"chat_type\":\"single\",\"known\":[\"m1\"]}");
    T_EQ(take(TASKS(TASK("m1", "周二会员日") ",{\"msgid\":\"m4\",\"creator\":\"lisi\",\"text\":{\"content\":"
                                             "\"周二会员日\"}}")),
         WECOM_DONE);
    check_data("{\"matches\":[],\"found\":false}");
}

static void two_tasks_of_ours_are_found_but_not_told_apart(void **state)
{
    (void)state;
    begin_query("{\"from_ms\":1000,\"to_ms\":2000,\"chat_type\":\"single\"}");
    T_EQ(take(TASKS(TASK("m1", "周二会员日") "," TASK("m2", "周二会员日"))), WECOM_MORE);
    T_EQ(take(MEMBER("zhangsan")), WECOM_MORE);
    T_EQ(take("{\"errcode\":0,\"task_list\":[]}"), WECOM_DONE); /* being dispatched: may be ours */
    check_data("{\"matches\":[\"m1\",\"m2\"],\"found\":true}");
    T_EQ(ask.provider_id.n, 0);
}

static void a_customer_tells_tasks_of_one_member_apart(void **state)
{
    (void)state;
    call.content = NULL; /* the text is not known */
    json_decref(params);
    params = json("{\"from_ms\":1000,\"to_ms\":2000,\"to\":\"wmB\"}");
    call.params = params;
    T_OK(begin(CALL_QUERY, NULL, 0));
    T_EQ(take(TASKS(TASK("m1", "x") "," TASK("m2", "y"))), WECOM_MORE);
    T_EQ(take(MEMBER("zhangsan")), WECOM_MORE);
    T_STR(ask.request.path, "/cgi-bin/externalcontact/get_groupmsg_send_result");
    T_STR(body(), "{\"msgid\":\"m1\",\"userid\":\"zhangsan\",\"limit\":1000}");
    T_EQ(take("{\"errcode\":0,\"next_cursor\":\"C\",\"send_list\":[{\"external_userid\":\"wmA\",\"status\":0}"
              "]}"),
         WECOM_MORE);
    T_EQ(take("{\"errcode\":0,\"send_list\":[]}"), WECOM_MORE);
    T_STR(body(), "{\"msgid\":\"m2\",\"limit\":1000}");
    T_EQ(take(MEMBER("zhangsan")), WECOM_MORE);
    T_EQ(take("{\"errcode\":0,\"send_list\":[{\"external_userid\":\"wmB\",\"status\":0}]}"), WECOM_DONE);
    check_data("{\"matches\":[\"m2\"],\"found\":true}");
    T_VIEW(ask.provider_id, "m2");
}

static void a_query_needs_a_time_and_something_to_look_for(void **state)
{
    static const char *const wrong[] = {
        "{}",
        "{\"from_ms\":2000,\"to_ms\":1000,\"text\":\"x\"}",
        "{\"from_ms\":1000,\"to_ms\":2000}",
        "{\"from_ms\":1000,\"to_ms\":2000,\"to\":\"wrA\",\"chat_type\":\"group\"}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        json_decref(params);
        params = json(wrong[i]);
        call.params = params;
        T_ERR(begin(CALL_QUERY, NULL, 0), ERR_INVALID);
        T_TRUE(ask.fault[0]);
    }
}

static void a_contact_comes_with_name_tags_and_followers(void **state)
{
    (void)state;
    call.handle = STR("wm A&b");
    T_OK(begin(CALL_CONTACT_DETAIL, NULL, 0));
    T_STR(ask.request.method, "GET");
    T_STR(ask.request.path, "/cgi-bin/externalcontact/get");
    T_STR(buf_cstr(&ask.request.query), "external_userid=wm%20A%26b");
    T_EQ(take("{\"errcode\":0,\"external_contact\":{\"external_userid\":\"wm\",\"name\":\"小美\",\"type\":1},"
              "\"next_cursor\":\"N\",\"follow_user\":[{\"userid\":\"lisi\",\"tags\":[{\"tag_name\":\"旧\"}]}]"
              "}"),
         WECOM_MORE);
    T_STR(buf_cstr(&ask.request.query), "external_userid=wm%20A%26b&cursor=N");
    T_EQ(take("{\"errcode\":0,\"external_contact\":{\"name\":\"小美\"},\"follow_user\":[{\"userid\":"
              "\"zhangsan\","
              "\"add_way\":1,\"state\":\"shop01\",\"tags\":[{\"tag_name\":\"vip\",\"tag_id\":\"et1\","
              "\"type\":1}]}]}"),
         WECOM_DONE);
    T_STR(json_str(ask.data, "name", ""), "小美");
    T_EQ(json_array_size(json_object_get(ask.data, "tags")), 1);
    T_STR(json_string_value(json_array_get(json_object_get(ask.data, "tags"), 0)), "vip");
    T_EQ(json_array_size(json_object_get(ask.data, "follow_user")), 2);
}

static void a_contact_without_contact_is_malformed(void **state)
{
    (void)state;
    T_OK(begin(CALL_CONTACT_DETAIL, NULL, 0));
    T_ERR(take("{\"errcode\":0}"), ERR_SYNTAX);
}

static struct wecom_kf_page page;

static void read_page(const char *text)
{
    json_decref(answer);
    answer = json(text);
    T_OK(wecom_kf_page_read(&page, answer));
}

static void a_customers_message_opens_the_window(void **state)
{
    (void)state;
    read_page("{\"errcode\":0,\"next_cursor\":\"C2\",\"has_more\":1,\"msg_list\":["
              "{\"msgid\":\"M1\",\"open_kfid\":\"wk1\",\"external_userid\":\"wmA\",\"send_time\":1767225600,"
              "\"origin\":3,\"msgtype\":\"text\",\"text\":{\"content\":\"抽奖\",\"menu_id\":\"7\"}},"
              "{\"msgid\":\"M2\",\"external_userid\":\"wmA\",\"origin\":3,\"msgtype\":\"image\","
              "\"image\":{\"media_id\":\"I\"}},"
              "{\"msgid\":\"M3\",\"external_userid\":\"wmA\",\"origin\":5,\"msgtype\":\"text\","
              "\"text\":{\"content\":\"人工\"}}]}");
    T_VIEW(page.next_cursor, "C2");
    T_TRUE(page.has_more);
    T_EQ(page.count, 3);
    T_EQ(page.events[0].kind, EVENT_MESSAGE_RECEIVED);
    T_VIEW(page.events[0].dedupe, "kf|M1");
    T_VIEW(page.events[0].text, "抽奖");
    T_VIEW(page.events[0].contact, "wmA");
    T_EQ(page.events[0].at_ms, INT64_C(1767225600000));
    T_TRUE(page.events[0].opens_window && !page.events[0].passive);
    T_EQ(page.events[0].account.n, 0);
    T_STR(json_str(page.events[0].data, "open_kfid", ""), "wk1");
    T_EQ(page.events[1].kind, EVENT_MESSAGE_RECEIVED);
    T_EQ(page.events[1].text.n, 0);
    T_TRUE(page.events[1].opens_window);
    T_EQ(page.events[2].kind, EVENT_PLATFORM);
    T_TRUE(!page.events[2].opens_window);
    wecom_kf_page_fini(&page);
}

static void kf_events_become_ours(void **state)
{
    (void)state;
    read_page(
        "{\"errcode\":0,\"next_cursor\":\"C\",\"msg_list\":["
        "{\"msgid\":\"E1\",\"send_time\":1,\"origin\":4,\"msgtype\":\"event\",\"event\":{\"event_type\":"
        "\"enter_session\",\"open_kfid\":\"wk1\",\"external_userid\":\"wmA\",\"scene\":\"card\","
        "\"scene_param\":\"p\",\"welcome_code\":\"WC\"}},"
        "{\"msgid\":\"E2\",\"msgtype\":\"event\",\"origin\":4,\"event\":{\"event_type\":\"msg_send_fail\","
        "\"external_userid\":\"wmA\",\"fail_msgid\":\"k-1\",\"fail_type\":13}},"
        "{\"msgid\":\"E3\",\"msgtype\":\"event\",\"origin\":4,\"event\":{\"event_type\":"
        "\"session_status_change\",\"external_userid\":\"wmA\",\"change_type\":3,\"msg_code\":\"MC\"}},"
        "{\"msgid\":\"E4\",\"msgtype\":\"event\",\"origin\":4,\"event\":{\"event_type\":\"user_recall_msg\","
        "\"external_userid\":\"wmA\",\"recall_msgid\":\"M1\"}}]}");
    T_EQ(page.events[0].kind, EVENT_KF_ENTERED);
    T_VIEW(page.events[0].code, "WC");
    T_VIEW(page.events[0].text, "card");
    T_VIEW(page.events[0].contact, "wmA");
    T_STR(json_str(page.events[0].data, "scene_param", ""), "p");
    T_EQ(page.events[1].kind, EVENT_RECEIPT);
    T_VIEW(page.events[1].handle, "k-1");
    T_EQ(page.events[1].verdict, OUTCOME_PERMANENT);
    T_EQ(json_int(page.events[1].data, "fail_type", 0), 13);
    T_EQ(page.events[2].kind, EVENT_KF_SESSION);
    T_VIEW(page.events[2].code, "MC");
    T_EQ(json_int(page.events[2].data, "change_type", 0), 3);
    T_EQ(page.events[3].kind, EVENT_PLATFORM);
    T_VIEW(page.events[3].contact, "wmA");
    wecom_kf_page_fini(&page);
}

static void a_broken_item_does_not_take_its_page_along(void **state)
{
    (void)state;
    read_page(
        "{\"errcode\":0,\"next_cursor\":\"C\",\"has_more\":0,\"msg_list\":[7,null,{},{\"msgtype\":\"event\"},"
        "{\"msgid\":\"M\",\"origin\":3,\"msgtype\":\"text\",\"text\":5}]}");
    T_EQ(page.count, 5);
    for (size_t i = 0; i < 4; i++) {
        T_EQ(page.events[i].kind, EVENT_PLATFORM);
        T_TRUE(str_starts(page.events[i].dedupe, STR("kf|digest|")));
    }
    T_EQ(page.events[4].kind, EVENT_MESSAGE_RECEIVED);
    wecom_kf_page_fini(&page);
}

static void a_page_without_cursor_is_malformed(void **state)
{
    (void)state;
    answer = json("{\"errcode\":0,\"msg_list\":[{\"msgid\":\"M\"}]}");
    T_ERR(wecom_kf_page_read(&page, answer), ERR_SYNTAX);
    json_decref(answer);
    answer = json("{\"errcode\":0,\"next_cursor\":\"C\",\"msg_list\":{}}");
    T_ERR(wecom_kf_page_read(&page, answer), ERR_SYNTAX);
}

static void a_sync_leaves_out_what_it_lacks(void **state)
{
    struct buf AUTO(buf_fini) out;

    (void)state;
    buf_init(&out, 1024);
    T_OK(wecom_kf_sync_write(STR(""), STR(""), STR("wk1"), 500, &out));
    T_STR(buf_cstr(&out), "{\"limit\":500,\"voice_format\":0,\"open_kfid\":\"wk1\"}");
    buf_reset(&out);
    T_OK(wecom_kf_sync_write(STR("C"), STR("T"), STR("wk1"), 1, &out));
    T_STR(buf_cstr(&out),
          "{\"cursor\":\"C\",\"token\":\"T\",\"limit\":1,\"voice_format\":0,\"open_kfid\":\"wk1\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_status_is_read_page_by_page, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_result_says_what_became_of_each_customer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(endless_pages_end_and_say_where_to_go_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_query_finds_the_task_of_our_member, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_query_that_saw_everything_proves_absence, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_query_that_saw_too_much_proves_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_query_passes_over_tasks_that_are_known_or_of_others, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(two_tasks_of_ours_are_found_but_not_told_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_customer_tells_tasks_of_one_member_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_query_needs_a_time_and_something_to_look_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_contact_comes_with_name_tags_and_followers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_contact_without_contact_is_malformed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_customers_message_opens_the_window, set_up, tear_down),
        cmocka_unit_test_setup_teardown(kf_events_become_ours, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_broken_item_does_not_take_its_page_along, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_page_without_cursor_is_malformed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_sync_leaves_out_what_it_lacks, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
