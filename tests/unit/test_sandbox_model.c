/* SPDX-License-Identifier: Apache-2.0 */
/* How the platforms count: every kind of window at its edges, and WeCom's rules seen from outside. */
#include "support/sandbox_world.h"

#include "sandbox/token.h"
#include "sandbox/window.h"

static const char conf[] =
    "{'connections': {"
    " 'corp': {'kind': 'wecom', 'corp_id': 'ww1', 'secret': 'S', 'token': 'T', 'agent_id': 7,"
    "          'aes_key': 'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY'},"
    " 'kf':   {'kind': 'wecom-kf', 'corp_id': 'ww1', 'secret': 'K', 'token': 'T', 'open_kfid': 'wk1',"
    "          'aes_key': 'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY'},"
    " 'hall': {'kind': 'wecom-webhook', 'key': 'KEY'},"
    " 'bot':  {'kind': 'wecom-aibot', 'bot_id': 'B'}},"
    " 'seed': {'members': [{'userid': 'li', 'after_ms': 1000}, {'userid': 'wang', 'confirm': 'never'}],"
    "          'customers': [{'name': 'a', 'members': ['li'], 'tags': ['vip']},"
    "                        {'name': 'b', 'members': ['li', 'wang']}, {'name': 'c'}],"
    "          'groups': [{'chat_id': 'wr1', 'owner': 'li', 'members': ['a']}]}}";

static const char text[] = "'text': {'content': 'hello'}";

static void open_at(const char *when)
{
    world_open(conf, when);
    world_login(SB_BASE_WECOM, "cgi-bin/gettoken", "corpid=ww1&corpsecret=S");
}

static int wecom(const char *op, const char *body)
{
    char path[160];

    (void)snprintf(path, sizeof(path), "cgi-bin/%s", op);
    return world_call(SB_BASE_WECOM, path, "access_token=$", body);
}

static const char *id_of(const char *name)
{
    return sb_model_id_of(world.m, sb_model_connection(world.m, "corp"), name);
}

/* windows */

static void a_sliding_minute_frees_each_place_a_minute_after_it_was_taken(void)
{
    const struct sb_limit *limit = &sb_limits[SB_WECOM_WEBHOOK_MINUTE];
    struct sb_slide s = {0};

    for (int i = 0; i < 20; i++)
        T_TRUE(sb_slide_take(&s, limit, 1000 + i * 100));
    T_TRUE(!sb_slide_take(&s, limit, 60999));
    T_TRUE(sb_slide_take(&s, limit, 61000));
    T_TRUE(!sb_slide_take(&s, limit, 61099));
    T_TRUE(sb_slide_take(&s, limit, 61100));
    T_EQ(sb_slide_used(&s, limit, 61100), 20);
    T_EQ(sb_slide_used(&s, limit, 200000), 0);
    sb_slide_fini(&s);
}

static void going_over_a_blocking_limit_shuts_it_for_a_whole_window(void)
{
    static const struct sb_limit two = {.amount = 2, .span = SB_BLOCK, .window_ms = SB_MINUTE};
    struct sb_block b = {0};

    T_TRUE(sb_block_take(&b, &two, 1000));
    T_TRUE(sb_block_take(&b, &two, 50000));
    T_TRUE(!sb_block_take(&b, &two, 59000));
    T_TRUE(!sb_block_take(&b, &two, 118999));
    T_TRUE(sb_block_take(&b, &two, 119000));
}

static void a_month_has_as_many_as_it_has_days_in_shanghai(void)
{
    const struct sb_limit *limit = &sb_limits[SB_WECOM_CUSTOMER_MONTH];
    struct sb_tally t = {0};

    T_EQ(sb_tally_left(&t, limit, world_at("2026-02-10T12:00")), 28);
    T_EQ(sb_tally_left(&t, limit, world_at("2028-02-10T12:00")), 29);
    T_EQ(sb_tally_left(&t, limit, world_at("2026-11-30T23:59:59")), 30);
    T_TRUE(sb_tally_take(&t, limit, 30, world_at("2026-11-30T23:59:59")));
    T_TRUE(!sb_tally_take(&t, limit, 1, world_at("2026-11-30T23:59:59") + 999));
    /* 2026-12-01T00:00 in Shanghai is 16:00 the day before in UTC */
    T_TRUE(sb_tally_take(&t, limit, 1, world_at("2026-12-01T00:00")));
    T_EQ(sb_tally_left(&t, limit, world_at("2026-12-31T23:59")), 30);
}

static void a_rolling_day_counts_from_its_first_send(void)
{
    static const struct sb_limit two = {.amount = 2, .span = SB_ROLLING, .window_ms = SB_DAY};
    int64_t t0 = world_at("2026-12-01T18:00");
    struct sb_tally t = {0};

    T_TRUE(sb_tally_take(&t, &two, 1, t0));
    T_TRUE(sb_tally_take(&t, &two, 1, t0 + 8 * SB_HOUR));
    T_TRUE(!sb_tally_take(&t, &two, 1, t0 + SB_DAY - 1));
    T_TRUE(sb_tally_take(&t, &two, 1, t0 + SB_DAY));
}

static void an_opened_window_closes_by_time_and_by_count(void)
{
    const struct sb_limit *limit = &sb_limits[SB_KF_TURN];
    struct sb_opened o = {0};

    T_TRUE(!sb_opened_take(&o, limit, 1000));
    sb_opened_open(&o, 1000);
    for (int i = 0; i < 5; i++)
        T_TRUE(sb_opened_take(&o, limit, 1000 + i));
    T_TRUE(!sb_opened_take(&o, limit, 2000));
    sb_opened_open(&o, 3000);
    T_TRUE(sb_opened_take(&o, limit, 3000 + 48 * SB_HOUR - 1));
    T_TRUE(!sb_opened_take(&o, limit, 3000 + 48 * SB_HOUR));
}

/* tokens */

static void a_token_is_the_same_until_it_expires(void)
{
    char first[80];

    open_at("2026-12-01T10:00");
    (void)snprintf(first, sizeof(first), "%s", world.token);
    world_pass(7199 * SB_SECOND);
    T_EQ(wecom("externalcontact/get_follow_user_list", NULL), 0);
    world_login(SB_BASE_WECOM, "cgi-bin/gettoken", "corpid=ww1&corpsecret=S");
    T_STR(world.token, first);
    T_EQ(json_int(world.answer, "expires_in", 0), 1);
    world_pass(SB_SECOND);
    T_EQ(wecom("externalcontact/get_follow_user_list", NULL), 42001);
    world_login(SB_BASE_WECOM, "cgi-bin/gettoken", "corpid=ww1&corpsecret=S");
    T_TRUE(strcmp(world.token, first) != 0);
    T_EQ(wecom("externalcontact/get_follow_user_list", NULL), 0);
    world_close();
}

static void a_wrong_login_says_what_is_wrong(void)
{
    open_at("2026-12-01T10:00");
    T_EQ(world_call(SB_BASE_WECOM, "cgi-bin/gettoken", "corpid=ww1&corpsecret=X", NULL), 40001);
    T_EQ(world_call(SB_BASE_WECOM, "cgi-bin/gettoken", "corpid=ww2&corpsecret=S", NULL), 40013);
    T_EQ(world_call(SB_BASE_WECOM, "cgi-bin/gettoken", "corpsecret=S", NULL), 41002);
    T_EQ(world_call(SB_BASE_WECOM, "cgi-bin/gettoken", "corpid=ww1", NULL), 41004);
    T_EQ(world_call(SB_BASE_WECOM, "cgi-bin/externalcontact/list", "access_token=nonsense", NULL), 40014);
    T_EQ(world_call(SB_BASE_WECOM, "cgi-bin/externalcontact/list", "", NULL), 41001);
    world_close();
}

static void two_thousand_wrong_logins_shut_the_door_for_an_hour(void)
{
    open_at("2026-12-01T10:00");
    for (int i = 0; i < 2000; i++)
        T_EQ(world_call(SB_BASE_WECOM, "cgi-bin/gettoken", "corpid=ww1&corpsecret=X", NULL), 40001);
    T_EQ(world_call(SB_BASE_WECOM, "cgi-bin/gettoken", "corpid=ww1&corpsecret=X", NULL), 45009);
    world_close();
}

static void an_app_may_only_make_its_own_calls(void)
{
    open_at("2026-12-01T10:00");
    T_EQ(wecom("kf/sync_msg", "{'open_kfid': 'wk1'}"), 48007);
    world_login(SB_BASE_WECOM, "cgi-bin/gettoken", "corpid=ww1&corpsecret=K");
    T_EQ(wecom("externalcontact/get_follow_user_list", NULL), 48002);
    world_close();
}

static void tokens_can_be_ended_by_order(void)
{
    open_at("2026-12-01T10:00");
    sb_token_end(world.m, sb_model_connection(world.m, "corp"), SB_TOKENS_ALL, world.now_ms);
    T_EQ(wecom("externalcontact/get_follow_user_list", NULL), 42001);
    world_close();
}

/* welcome */

static int welcome(const char *code)
{
    char body[200];

    (void)snprintf(body, sizeof(body), "{'welcome_code': '%s', %s}", code, text);
    return wecom("externalcontact/send_welcome_msg", body);
}

static const char *added(const char *more)
{
    char spec[300];

    (void)snprintf(spec, sizeof(spec),
                   "{'connection': 'corp', 'kind': 'contact.added', 'userid': 'li', 'customer': 'new' %s}",
                   more);
    world_event(spec);
    return json_str(world.done, "welcome_code", NULL);
}

static void a_welcome_code_works_once(void)
{
    const char *code;

    open_at("2026-12-01T10:00");
    code = added("");
    T_EQ(welcome(code), 0);
    T_STR(json_str(world_last(world.entries), "account", ""), "li");
    T_STR(json_str(world_last(world.entries), "key", ""), code);
    T_EQ(json_int(world_last(world.entries), "cost", 0), 1);
    T_EQ(welcome(code), 41051);
    T_EQ(json_int(world_last(world.entries), "cost", 9), 0);
    T_EQ(welcome("other"), 41050);
    T_EQ(welcome(""), 41049);
    world_close();
}

static void a_welcome_code_lives_twenty_seconds(void)
{
    open_at("2026-12-01T10:00");
    world_pass(0);
    T_TRUE(added("") != NULL);
    world_pass(20 * SB_SECOND - 1);
    T_EQ(welcome(json_str(world.done, "welcome_code", "")), 0);
    T_TRUE(added(", 'times': 1") != NULL);
    world_pass(20 * SB_SECOND);
    T_EQ(welcome(json_str(world.done, "welcome_code", "")), 41050);
    world_close();
}

static void a_race_of_apps_is_said_so_and_a_lost_one_too(void)
{
    open_at("2026-12-01T10:00");
    T_TRUE(added(", 'racing': 2") != NULL);
    T_EQ(welcome(json_str(world.done, "welcome_code", "")), 41096);
    T_EQ(welcome(json_str(world.done, "welcome_code", "")), 41096);
    T_EQ(welcome(json_str(world.done, "welcome_code", "")), 0);
    T_TRUE(added(", 'taken': true") != NULL);
    T_EQ(welcome(json_str(world.done, "welcome_code", "")), 41051);
    T_TRUE(added(", 'welcome': false") == NULL);
    world_close();
}

static void a_used_half_add_code_leaves_the_full_add_without_one(void)
{
    open_at("2026-12-01T10:00");
    world_event("{'connection': 'corp', 'kind': 'contact.half_added', 'userid': 'li', 'customer': 'h'}");
    T_EQ(welcome(json_str(world.done, "welcome_code", "")), 0);
    world_event("{'connection': 'corp', 'kind': 'contact.added', 'userid': 'li', 'customer': 'h'}");
    T_TRUE(json_str(world.done, "welcome_code", NULL) == NULL);
    world_event("{'connection': 'corp', 'kind': 'contact.half_added', 'userid': 'li', 'customer': 'i'}");
    world_event("{'connection': 'corp', 'kind': 'contact.added', 'userid': 'li', 'customer': 'i'}");
    T_TRUE(json_str(world.done, "welcome_code", NULL) != NULL);
    world_close();
}

static void an_empty_or_long_welcome_does_not_use_the_code(void)
{
    char body[5000];

    open_at("2026-12-01T10:00");
    T_TRUE(added("") != NULL);
    (void)snprintf(body, sizeof(body), "{'welcome_code': '%s', 'text': {'content': ''}}",
                   json_str(world.done, "welcome_code", ""));
    T_EQ(wecom("externalcontact/send_welcome_msg", body), 44004);
    (void)snprintf(body, sizeof(body), "{'welcome_code': '%s', 'text': {'content': '%04001d'}}",
                   json_str(world.done, "welcome_code", ""), 0);
    T_EQ(wecom("externalcontact/send_welcome_msg", body), 45002);
    T_EQ(welcome(json_str(world.done, "welcome_code", "")), 0);
    world_close();
}

static void a_burst_of_adds_shares_one_create_time_and_each_is_pushed_again(void)
{
    size_t with_time = 0;

    open_at("2026-12-01T10:00");
    world_event("{'connection': 'corp', 'kind': 'contact.added', 'userid': 'li', 'customer': 'x{n}',"
                " 'count': 50, 'times': 3, 'at': 1767225600000}");
    T_EQ(json_array_size(world.pushes), 150);
    for (size_t i = 0; i < 150; i++)
        with_time += strstr(json_str(json_array_get(world.pushes, i), "inner", ""),
                            "<CreateTime>1767225600</CreateTime>") != NULL;
    T_EQ(with_time, 150);
    T_STR(json_str(json_array_get(world.pushes, 0), "inner", "a"),
          json_str(json_array_get(world.pushes, 2), "inner", "b"));
    T_TRUE(strcmp(json_str(json_array_get(world.pushes, 2), "inner", ""),
                  json_str(json_array_get(world.pushes, 3), "inner", "")) != 0);
    world_close();
}

/* webhook */

static void a_webhook_takes_twenty_a_sliding_minute(void)
{
    open_at("2026-12-01T10:00");
    for (int i = 0; i < 20; i++) {
        T_EQ(world_call(SB_BASE_WECOM, "cgi-bin/webhook/send", "key=KEY",
                        "{'msgtype': 'text', 'text': "
                        "{'content': 'x'}}"),
             0);
        world_pass(SB_SECOND);
    }
    T_EQ(world_call(SB_BASE_WECOM, "cgi-bin/webhook/send", "key=KEY",
                    "{'msgtype': 'text', 'text': {'content': "
                    "'x'}}"),
         45009);
    world_pass(40 * SB_SECOND);
    T_EQ(world_call(SB_BASE_WECOM, "cgi-bin/webhook/send", "key=KEY",
                    "{'msgtype': 'text', 'text': {'content': "
                    "'x'}}"),
         0);
    T_EQ(world_call(SB_BASE_WECOM, "cgi-bin/webhook/send", "key=KEY",
                    "{'msgtype': 'text', 'text': {'content': "
                    "'x'}}"),
         45009);
    T_EQ(world_call(SB_BASE_WECOM, "cgi-bin/webhook/send", "key=NO", "{}"), 93000);
    world_close();
}

/* reading */

static void customers_and_groups_can_be_read(void)
{
    char query[200];

    open_at("2026-12-01T10:00");
    T_EQ(world_call(SB_BASE_WECOM, "cgi-bin/externalcontact/list", "userid=li&access_token=$", NULL), 0);
    T_EQ(json_array_size(json_object_get(world.answer, "external_userid")), 2);
    (void)snprintf(query, sizeof(query), "external_userid=%s&access_token=$", id_of("a"));
    T_EQ(world_call(SB_BASE_WECOM, "cgi-bin/externalcontact/get", query, NULL), 0);
    T_STR(json_str(json_object_get(world.answer, "external_contact"), "name", ""), "a");
    T_EQ(wecom("externalcontact/groupchat/list", "{'limit': 10}"), 0);
    T_EQ(json_array_size(json_object_get(world.answer, "group_chat_list")), 1);
    T_EQ(wecom("externalcontact/groupchat/get", "{'chat_id': 'wr1'}"), 0);
    T_EQ(wecom("externalcontact/groupchat/get", "{'chat_id': 'wr2'}"), 90501);
    T_EQ(world_call(SB_BASE_WECOM, "cgi-bin/externalcontact/list", "userid=nobody&access_token=$", NULL),
         60111);
    world_close();
}

static void tags_are_marked_on_a_friend_only(void)
{
    char body[300];

    open_at("2026-12-01T10:00");
    (void)snprintf(body, sizeof(body), "{'userid': 'li', 'external_userid': '%s', 'add_tag': ['vip']}",
                   id_of("b"));
    T_EQ(wecom("externalcontact/mark_tag", body), 0);
    (void)snprintf(body, sizeof(body), "{'userid': 'li', 'external_userid': '%s', 'add_tag': ['none']}",
                   id_of("b"));
    T_EQ(wecom("externalcontact/mark_tag", body), 40068);
    (void)snprintf(body, sizeof(body), "{'userid': 'li', 'external_userid': '%s', 'add_tag': ['vip']}",
                   id_of("c"));
    T_EQ(wecom("externalcontact/mark_tag", body), 84061);
    world_close();
}

static void an_app_writes_to_members_thirty_times_a_minute(void)
{
    static const char body[] =
        "{'touser': 'li|wang|nobody', 'agentid': 7, 'msgtype': 'text', 'text': {'content': "
        "'x'}}";
    static const char once[] =
        "{'touser': 'wang', 'agentid': 7, 'msgtype': 'text', 'text': {'content': 'x'}, "
        "'enable_duplicate_check': 1, 'duplicate_check_interval': 120}";

    open_at("2026-12-01T10:00");
    for (int i = 0; i < 30; i++) {
        T_EQ(wecom("message/send", body), 0);
        T_STR(json_str(world.answer, "invaliduser", ""), "nobody");
        T_EQ(json_int(world_last(world.entries), "cost", 0), 2);
    }
    T_EQ(wecom("message/send", body), 0); /* dropped without a word */
    T_EQ(json_int(world_last(world.entries), "cost", 9), 0);
    world_pass(SB_MINUTE);
    T_EQ(wecom("message/send", once), 0);
    T_EQ(json_int(world_last(world.entries), "cost", 0), 1);
    world_pass(119 * SB_SECOND);
    T_EQ(wecom("message/send", once), 0);
    T_EQ(json_int(world_last(world.entries), "cost", 9), 0);
    world_pass(SB_SECOND);
    T_EQ(wecom("message/send", once), 0);
    T_EQ(json_int(world_last(world.entries), "cost", 0), 1);
    T_EQ(wecom("message/send", "{'touser': 'x', 'agentid': 7, 'msgtype': 'text', 'text': {'content': 'x'}}"),
         81013);
    T_EQ(wecom("message/send", "{'touser': 'li', 'agentid': 8, 'msgtype': 'text', 'text': {'content': 'x'}}"),
         301002);
    world_close();
}

static void kf_customers_can_be_looked_up(void)
{
    char body[200];

    open_at("2026-12-01T10:00");
    world_login(SB_BASE_WECOM, "cgi-bin/gettoken", "corpid=ww1&corpsecret=K");
    (void)snprintf(body, sizeof(body), "{'external_userid_list': ['%s', 'wmnobody']}", id_of("a"));
    T_EQ(wecom("kf/customer/batchget", body), 0);
    T_STR(json_str(json_array_get(json_object_get(world.answer, "customer_list"), 0), "nickname", ""), "a");
    T_EQ(json_array_size(json_object_get(world.answer, "invalid_external_userid")), 1);
    world_close();
}

static void equal_seeds_give_equal_days(void)
{
    char first[40];

    open_at("2026-12-01T10:00");
    (void)snprintf(first, sizeof(first), "%s", added(""));
    world_close();
    open_at("2026-12-01T10:00");
    T_STR(added(""), first);
    world_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T_CASE(a_sliding_minute_frees_each_place_a_minute_after_it_was_taken),
        T_CASE(going_over_a_blocking_limit_shuts_it_for_a_whole_window),
        T_CASE(a_month_has_as_many_as_it_has_days_in_shanghai),
        T_CASE(a_rolling_day_counts_from_its_first_send),
        T_CASE(an_opened_window_closes_by_time_and_by_count),
        T_CASE(a_token_is_the_same_until_it_expires),
        T_CASE(a_wrong_login_says_what_is_wrong),
        T_CASE(two_thousand_wrong_logins_shut_the_door_for_an_hour),
        T_CASE(an_app_may_only_make_its_own_calls),
        T_CASE(tokens_can_be_ended_by_order),
        T_CASE(a_welcome_code_works_once),
        T_CASE(a_welcome_code_lives_twenty_seconds),
        T_CASE(a_race_of_apps_is_said_so_and_a_lost_one_too),
        T_CASE(a_used_half_add_code_leaves_the_full_add_without_one),
        T_CASE(an_empty_or_long_welcome_does_not_use_the_code),
        T_CASE(a_burst_of_adds_shares_one_create_time_and_each_is_pushed_again),
        T_CASE(a_webhook_takes_twenty_a_sliding_minute),
        T_CASE(customers_and_groups_can_be_read),
        T_CASE(tags_are_marked_on_a_friend_only),
        T_CASE(an_app_writes_to_members_thirty_times_a_minute),
        T_CASE(kf_customers_can_be_looked_up),
        T_CASE(equal_seeds_give_equal_days),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
