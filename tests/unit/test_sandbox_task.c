/* SPDX-License-Identifier: Apache-2.0 */
/* Broadcast tasks and 微信客服: what needs a human's tap, and what a customer's message allows. */
#include "support/sandbox_world.h"

static const char conf[] =
    "{'connections': {"
    " 'corp': {'kind': 'wecom', 'corp_id': 'ww1', 'secret': 'S', 'token': 'T',"
    "          'aes_key': 'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY'},"
    " 'kf':   {'kind': 'wecom-kf', 'corp_id': 'ww1', 'secret': 'S', 'token': 'T', 'open_kfid': 'wk1',"
    "          'aes_key': 'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY'}},"
    " 'seed': {'members': [{'userid': 'li', 'after_ms': 10000}, {'userid': 'wang', 'confirm': 'never'}],"
    "          'customers': [{'name': 'wma', 'members': ['li'], 'tags': ['vip']},"
    "                        {'name': 'wmb', 'members': ['li', 'wang']}, {'name': 'wmc'}],"
    "          'groups': [{'chat_id': 'wr1', 'owner': 'li'}, {'chat_id': 'wr2', 'owner': 'wang'}]}}";

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

/* Gives the msgid in `ret`. */
static void task(const char *whom, char ret[80])
{
    char body[300];

    (void)snprintf(body, sizeof(body), "{%s, 'text': {'content': 'hello'}}", whom);
    T_EQ(wecom("externalcontact/add_msg_template", body), 0);
    (void)snprintf(ret, 80, "%s", json_str(world.answer, "msgid", ""));
}

static int ask(const char *op, const char *msgid, const char *more)
{
    char body[300], path[100];

    (void)snprintf(path, sizeof(path), "externalcontact/%s", op);
    (void)snprintf(body, sizeof(body), "{'msgid': '%s' %s}", msgid, more);
    return wecom(path, body);
}

static int64_t status_of(const char *msgid, const char *member, const char *customer)
{
    char more[100];
    size_t i;
    json_t *row;

    (void)snprintf(more, sizeof(more), ", 'userid': '%s'", member);
    T_EQ(ask("get_groupmsg_send_result", msgid, more), 0);
    json_array_foreach(json_object_get(world.answer, "send_list"), i, row)
    {
        if (strcmp(json_str(row, "external_userid", ""), customer) == 0)
            return json_int(row, "status", -1);
    }
    return -1;
}

static void nothing_is_sent_before_the_member_confirms(void)
{
    char msgid[80];

    open_at("2026-12-01T10:00");
    task("'sender': 'li', 'external_userid': ['wma', 'wmb', 'wmc', 'wma']", msgid);
    T_EQ(json_array_size(json_object_get(world.answer, "fail_list")), 1);
    T_EQ(json_int(world_last(world.entries), "cost", 0), 2);
    T_EQ(ask("get_groupmsg_task", msgid, ""), 41063);
    world_pass(2 * SB_SECOND);
    T_EQ(status_of(msgid, "li", "wma"), 0);
    world_pass(8 * SB_SECOND - 1);
    T_EQ(status_of(msgid, "li", "wma"), 0);
    world_pass(1);
    T_STR(json_str(world_last(world.entries), "op", ""), "task.sent");
    T_STR(json_str(world_last(world.entries), "account", ""), "li");
    T_EQ(json_int(world_last(world.entries), "cost", 0), 2);
    T_EQ(status_of(msgid, "li", "wma"), 1);
    T_EQ(ask("get_groupmsg_task", msgid, ""), 0);
    T_EQ(json_int(json_array_get(json_object_get(world.answer, "task_list"), 0), "status", 0), 2);
    world_close();
}

static void a_member_who_never_confirms_can_be_changed_by_order(void)
{
    char msgid[80];
    json_t *seed =
        json_pack("{s:[{s:s, s:s, s:i}]}", "members", "userid", "wang", "confirm", "auto", "after_ms", 0);
    struct json_ctx ctx;

    open_at("2026-12-01T10:00");
    task("'sender': 'wang', 'external_userid': ['wmb']", msgid);
    world_pass(30 * SB_DAY);
    world_login(SB_BASE_WECOM, "cgi-bin/gettoken", "corpid=ww1&corpsecret=S");
    T_EQ(status_of(msgid, "wang", "wmb"), 0);
    json_ctx_init(&ctx, NULL, NULL, NULL);
    T_OK(sb_seed_apply(world.m, seed, world.now_ms, &ctx));
    world_pass(0);
    T_EQ(status_of(msgid, "wang", "wmb"), 1);
    json_decref(seed);
    world_close();
}

static void a_member_who_turns_away_before_his_tap_sends_nothing(void)
{
    char msgid[80];
    json_t *seed = json_pack("{s:[{s:s, s:s}]}", "members", "userid", "li", "confirm", "never");
    struct json_ctx ctx;

    open_at("2026-12-01T10:00");
    task("'sender': 'li', 'external_userid': ['wma']", msgid);
    json_ctx_init(&ctx, NULL, NULL, NULL);
    T_OK(sb_seed_apply(world.m, seed, world.now_ms, &ctx));
    world_pass(SB_HOUR);
    T_EQ(status_of(msgid, "li", "wma"), 0);
    json_decref(seed);
    world_close();
}

static void without_a_sender_the_last_who_got_the_customer_sends(void)
{
    char msgid[80];

    open_at("2026-12-01T10:00");
    task("'external_userid': ['wma', 'wmb']", msgid);
    world_pass(20 * SB_SECOND);
    T_EQ(status_of(msgid, "li", "wma"), 1);
    T_EQ(status_of(msgid, "wang", "wmb"), 0);
    world_close();
}

static void a_tag_filter_and_a_bare_sender_pick_their_customers(void)
{
    char msgid[80];

    open_at("2026-12-01T10:00");
    task("'sender': 'li', 'tag_filter': {'group_list': [{'tag_list': ['vip', 'x']}]}", msgid);
    T_EQ(json_int(world_last(world.entries), "cost", 0), 1);
    task("'sender': 'li'", msgid);
    T_EQ(json_int(world_last(world.entries), "cost", 0), 2);
    world_close();
}

/* December has 31 days: the 32nd message of the month does not arrive, the first of January does. */
static void a_customer_receives_as_many_a_month_as_it_has_days(void)
{
    char msgid[80];

    open_at("2026-12-01T10:00");
    for (int i = 0; i < 31; i++) {
        task("'sender': 'li', 'external_userid': ['wma']", msgid);
        world_pass(10 * SB_SECOND);
        T_EQ(status_of(msgid, "li", "wma"), 1);
    }
    task("'sender': 'li', 'external_userid': ['wma', 'wmb']", msgid);
    world_pass(10 * SB_SECOND);
    T_EQ(status_of(msgid, "li", "wma"), 3);
    T_EQ(status_of(msgid, "li", "wmb"), 1);
    world.now_ms = world_at("2026-12-31T23:59:55");
    world_login(SB_BASE_WECOM, "cgi-bin/gettoken", "corpid=ww1&corpsecret=S");
    task("'sender': 'li', 'external_userid': ['wma']", msgid);
    world_pass(10 * SB_SECOND); /* confirmed at 00:00:05: that is January's */
    T_EQ(status_of(msgid, "li", "wma"), 1);
    world_close();
}

static void messages_sent_by_hand_use_up_the_same_month(void)
{
    char msgid[80];

    open_at("2026-02-01T10:00");
    world_event("{'connection': 'corp', 'kind': 'contact.touched', 'customer': 'wma', 'messages': 28}");
    task("'sender': 'li', 'external_userid': ['wma']", msgid);
    world_pass(10 * SB_SECOND);
    T_EQ(status_of(msgid, "li", "wma"), 3);
    world_close();
}

static void a_customer_who_left_is_no_friend_when_the_member_confirms(void)
{
    char msgid[80];

    open_at("2026-12-01T10:00");
    task("'sender': 'li', 'external_userid': ['wma', 'wmb']", msgid);
    world_event("{'connection': 'corp', 'kind': 'contact.lost', 'userid': 'li', 'customer': 'wma'}");
    world_pass(10 * SB_SECOND);
    T_EQ(status_of(msgid, "li", "wma"), 2);
    T_EQ(status_of(msgid, "li", "wmb"), 1);
    T_EQ(wecom("externalcontact/add_msg_template",
               "{'sender': 'wang', 'external_userid': ['wma'], 'text': {'content': 'x'}}"),
         41048);
    world_close();
}

static void a_task_takes_ten_thousand_and_no_more(void)
{
    json_t *ids = json_array(), *body;
    char *text;
    struct sb_wire w = {.base = SB_BASE_WECOM, .post = true};
    char query[120];

    open_at("2026-12-01T10:00");
    world_event(
        "{'connection': 'corp', 'kind': 'contact.added', 'userid': 'li', 'customer': 'wm{n}', 'count': "
        "10000}");
    for (int i = 1; i <= 10000; i++) {
        char id[16];

        (void)snprintf(id, sizeof(id), "wm%d", i);
        (void)json_array_append_new(ids, json_string(id));
    }
    body = json_pack("{s:s, s:O, s:{s:s}}", "sender", "li", "external_userid", ids, "text", "content", "x");
    (void)snprintf(query, sizeof(query), "access_token=%s", world.token);
    w.path = STR("cgi-bin/externalcontact/add_msg_template");
    w.query = str_of(query);
    text = json_dumps(body, 0);
    w.body = str_of(text);
    T_EQ(world_wire(&w), 0);
    T_EQ(json_int(world_last(world.entries), "cost", 0), 10000);
    free(text);
    (void)json_array_append_new(ids, json_string("wm10001"));
    text = json_dumps(body, 0);
    w.body = str_of(text);
    T_EQ(world_wire(&w), 40058);
    free(text);
    json_decref(ids);
    json_decref(body);
    world_close();
}

static void reminding_works_three_times_a_day_and_not_after_cancelling(void)
{
    char msgid[80];

    open_at("2026-12-01T10:00");
    task("'sender': 'wang', 'external_userid': ['wmb']", msgid);
    world_pass(2 * SB_SECOND);
    for (int i = 0; i < 3; i++)
        T_EQ(ask("remind_groupmsg_send", msgid, ""), 0);
    T_EQ(ask("remind_groupmsg_send", msgid, ""), 41094);
    world_pass(SB_DAY);
    world_login(SB_BASE_WECOM, "cgi-bin/gettoken", "corpid=ww1&corpsecret=S");
    T_EQ(ask("remind_groupmsg_send", msgid, ""), 0);
    T_EQ(ask("cancel_groupmsg_send", msgid, ""), 0);
    T_EQ(ask("cancel_groupmsg_send", msgid, ""), 41093);
    T_EQ(ask("remind_groupmsg_send", msgid, ""), 41093);
    world_close();
}

static void a_cancelled_task_is_not_sent(void)
{
    char msgid[80];

    open_at("2026-12-01T10:00");
    task("'sender': 'li', 'external_userid': ['wma']", msgid);
    world_pass(2 * SB_SECOND);
    T_EQ(ask("cancel_groupmsg_send", msgid, ""), 0);
    world_pass(SB_HOUR);
    T_EQ(status_of(msgid, "li", "wma"), 0);
    world_close();
}

static void group_tasks_go_to_the_owners_groups(void)
{
    char msgid[80];

    open_at("2026-12-01T10:00");
    task("'chat_type': 'group', 'sender': 'li', 'chat_id_list': ['wr1', 'wr2']", msgid);
    T_STR(json_string_value(json_array_get(json_object_get(world.answer, "fail_list"), 0)), "wr2");
    world_pass(2 * SB_SECOND);
    T_EQ(ask("get_groupmsg_send_result", msgid, ", 'userid': 'li'"), 0);
    T_EQ(json_array_size(json_object_get(world.answer, "send_list")), 0); /* only sent rows */
    world_pass(10 * SB_SECOND);
    T_EQ(ask("get_groupmsg_send_result", msgid, ", 'userid': 'li'"), 0);
    T_EQ(json_array_size(json_object_get(world.answer, "send_list")), 1);
    T_EQ(wecom("externalcontact/add_msg_template", "{'chat_type': 'group', 'text': {'content': 'x'}}"),
         40058);
    world_close();
}

static void the_list_of_tasks_pages_through_them(void)
{
    char msgid[80], body[200];
    long long from;

    open_at("2026-12-01T10:00");
    from = world.now_ms / 1000;
    for (int i = 0; i < 3; i++)
        task("'sender': 'li'", msgid);
    (void)snprintf(body, sizeof(body),
                   "{'chat_type': 'single', 'start_time': %lld, 'end_time': %lld, 'limit': 2}", from,
                   from + 10);
    T_EQ(wecom("externalcontact/get_groupmsg_list_v2", body), 0);
    T_EQ(json_array_size(json_object_get(world.answer, "group_msg_list")), 2);
    (void)snprintf(
        body, sizeof(body),
        "{'chat_type': 'single', 'start_time': %lld, 'end_time': %lld, 'limit': 2, 'cursor': '%s'}", from,
        from + 10, json_str(world.answer, "next_cursor", ""));
    T_EQ(wecom("externalcontact/get_groupmsg_list_v2", body), 0);
    T_EQ(json_array_size(json_object_get(world.answer, "group_msg_list")), 1);
    T_STR(json_str(world.answer, "next_cursor", "x"), "");
    world_close();
}

/* kf */

static int kf_send(const char *msgid)
{
    char body[300];

    (void)snprintf(
        body, sizeof(body),
        "{'touser': 'wma', 'open_kfid': 'wk1', 'msgid': '%s', 'msgtype': 'text', 'text': {'content': "
        "'hi'}}",
        msgid);
    return wecom("kf/send_msg", body);
}

static void say(void)
{
    world_event("{'connection': 'kf', 'kind': 'kf.message', 'customer': 'wma', 'text': 'hello'}");
}

static void a_customers_turn_allows_five_within_48_hours(void)
{
    open_at("2026-12-01T10:00");
    T_EQ(kf_send("m0"), 95002);
    say();
    for (int i = 1; i <= 5; i++) {
        char id[8];

        (void)snprintf(id, sizeof(id), "m%d", i);
        T_EQ(kf_send(id), 0);
    }
    T_EQ(kf_send("m6"), 95001);
    say();
    T_EQ(kf_send("m7"), 0);
    T_STR(json_str(world_last(world.entries), "key", ""), "m7");
    T_STR(json_str(world_last(world.entries), "account", ""), "wk1");
    world_pass(48 * SB_HOUR);
    world_login(SB_BASE_WECOM, "cgi-bin/gettoken", "corpid=ww1&corpsecret=S");
    T_EQ(kf_send("m8"), 95002);
    world_close();
}

static void an_own_msgid_is_taken_once(void)
{
    open_at("2026-12-01T10:00");
    say();
    T_EQ(kf_send("same"), 0);
    T_EQ(kf_send("same"), 40058);
    T_EQ(kf_send("bad id"), 40058);
    world_close();
}

static int sync_from(const char *cursor, const char *token, int limit)
{
    char body[300];

    (void)snprintf(body, sizeof(body), "{'open_kfid': 'wk1', 'cursor': '%s', 'token': '%s', 'limit': %d}",
                   cursor, token, limit);
    return wecom("kf/sync_msg", body);
}

static void news_are_read_page_by_page_behind_a_cursor(void)
{
    char cursor[64];
    const json_t *list;

    open_at("2026-12-01T10:00");
    for (int i = 0; i < 3; i++)
        say();
    T_TRUE(strstr(json_str(world_last(world.pushes), "inner", ""), "kf_msg_or_event") != NULL);
    T_EQ(sync_from("", json_str(world_last(world.pushes), "key", ""), 2), 0);
    T_EQ(json_int(world.answer, "has_more", 0), 1);
    list = json_object_get(world.answer, "msg_list");
    T_EQ(json_array_size(list), 2);
    T_STR(json_str(json_object_get(json_array_get(list, 0), "text"), "content", ""), "hello");
    T_EQ(json_int(json_array_get(list, 0), "origin", 0), 3);
    (void)snprintf(cursor, sizeof(cursor), "%s", json_str(world.answer, "next_cursor", ""));
    T_EQ(sync_from(cursor, "", 2), 0);
    T_EQ(json_int(world.answer, "has_more", 1), 0);
    T_EQ(json_array_size(json_object_get(world.answer, "msg_list")), 1);
    T_EQ(sync_from(cursor, "stale", 2), 95007);
    T_EQ(sync_from("nonsense", "", 2), 40058);
    world_close();
}

static void a_sync_token_lives_ten_minutes_and_news_three_days(void)
{
    char token[80];

    open_at("2026-12-01T10:00");
    say();
    (void)snprintf(token, sizeof(token), "%s", json_str(world_last(world.pushes), "key", ""));
    world_pass(10 * SB_MINUTE - 1);
    T_EQ(sync_from("", token, 10), 0);
    world_pass(1);
    T_EQ(sync_from("", token, 10), 95007);
    world_pass(3 * SB_DAY);
    world_login(SB_BASE_WECOM, "cgi-bin/gettoken", "corpid=ww1&corpsecret=S");
    T_EQ(sync_from("", "", 10), 0);
    T_EQ(json_array_size(json_object_get(world.answer, "msg_list")), 0);
    world_close();
}

static int kf_welcome(const char *code)
{
    char body[300];

    (void)snprintf(body, sizeof(body), "{'code': '%s', 'msgtype': 'text', 'text': {'content': 'hi'}}", code);
    return wecom("kf/send_msg_on_event", body);
}

static void entering_gives_a_code_for_one_message_in_twenty_seconds(void)
{
    open_at("2026-12-01T10:00");
    world_event("{'connection': 'kf', 'kind': 'kf.enter', 'customer': 'wmb', 'scene': 'card'}");
    T_EQ(kf_welcome(json_str(world.done, "welcome_code", "")), 0);
    T_EQ(kf_welcome(json_str(world.done, "welcome_code", "")), 95001);
    world_event("{'connection': 'kf', 'kind': 'kf.enter', 'customer': 'wmb', 'scene': 'card'}");
    T_TRUE(json_str(world.done, "welcome_code", NULL) == NULL); /* welcomed within 48 h */
    world_event("{'connection': 'kf', 'kind': 'kf.enter', 'customer': 'wmc'}");
    world_pass(20 * SB_SECOND);
    T_EQ(kf_welcome(json_str(world.done, "welcome_code", "")), 95002);
    say();
    world_event("{'connection': 'kf', 'kind': 'kf.enter', 'customer': 'wma'}");
    T_TRUE(json_str(world.done, "welcome_code", NULL) == NULL); /* wrote within 48 h */
    world_close();
}

static void a_customer_can_be_made_to_say_something_where_he_is_known(void)
{
    json_t *ret = NULL;
    struct diag diag;

    open_at("2026-12-01T10:00");
    diag_init(&diag, 2);
    T_ERR(sb_event_say(world.m, "wma", "hi", NULL, world.now_ms, &ret, &diag), ERR_NOT_FOUND);
    T_OK(sb_event_say(world.m, "wma", "hi", "kf", world.now_ms, &ret, &diag));
    json_decref(ret);
    T_OK(sb_event_say(world.m, "wma", "hi", NULL, world.now_ms, &ret, &diag));
    T_STR(json_str(ret, "connection", ""), "kf");
    json_decref(ret);
    diag_fini(&diag);
    world_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T_CASE(nothing_is_sent_before_the_member_confirms),
        T_CASE(a_member_who_never_confirms_can_be_changed_by_order),
        T_CASE(a_member_who_turns_away_before_his_tap_sends_nothing),
        T_CASE(without_a_sender_the_last_who_got_the_customer_sends),
        T_CASE(a_tag_filter_and_a_bare_sender_pick_their_customers),
        T_CASE(a_customer_receives_as_many_a_month_as_it_has_days),
        T_CASE(messages_sent_by_hand_use_up_the_same_month),
        T_CASE(a_customer_who_left_is_no_friend_when_the_member_confirms),
        T_CASE(a_task_takes_ten_thousand_and_no_more),
        T_CASE(reminding_works_three_times_a_day_and_not_after_cancelling),
        T_CASE(a_cancelled_task_is_not_sent),
        T_CASE(group_tasks_go_to_the_owners_groups),
        T_CASE(the_list_of_tasks_pages_through_them),
        T_CASE(a_customers_turn_allows_five_within_48_hours),
        T_CASE(an_own_msgid_is_taken_once),
        T_CASE(news_are_read_page_by_page_behind_a_cursor),
        T_CASE(a_sync_token_lives_ten_minutes_and_news_three_days),
        T_CASE(entering_gives_a_code_for_one_message_in_twenty_seconds),
        T_CASE(a_customer_can_be_made_to_say_something_where_he_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
