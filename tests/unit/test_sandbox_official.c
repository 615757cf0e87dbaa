/* SPDX-License-Identifier: Apache-2.0 */
/* The official account's rules seen from outside: tokens, reply windows, mass sends, passive replies. */
#include "support/sandbox_world.h"

#include "sandbox/official.h"
#include "sandbox/passive.h"

static const char conf[] =
    "{'connections': {"
    " 'brand': {'kind': 'official', 'appid': 'wx1234567890abcdef', 'secret': 'S', 'token': 'gw_oa_token',"
    "           'aes_key': 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG', 'mode': 'safe',"
    "           'gh_id': 'gh_0123456789ab'},"
    " 'news':  {'kind': 'official', 'appid': 'wx2', 'secret': 'N', 'token': 'T', 'mode': 'plain',"
    "           'account_type': 'subscription', 'format': 'json'}},"
    " 'limits': {'official.tag.page': 2},"
    " 'seed': {'customers': [{'connection': 'brand', 'name': 'o{n}', 'count': 5, 'tags': ['vip']},"
    "                        {'connection': 'news', 'name': 'oreader'}],"
    "          'tags': [{'connection': 'brand', 'name': 'rest', 'id': 200}]}}";

static const char text_to[] = "'msgtype': 'text', 'text': {'content': 'hello'}";

static void login(const char *appid, const char *secret)
{
    char query[200];

    (void)snprintf(query, sizeof(query), "grant_type=client_credential&appid=%s&secret=%s", appid, secret);
    world_login(SB_BASE_OFFICIAL, "cgi-bin/token", query);
}

static void open_at(const char *when)
{
    world_open(conf, when);
    login("wx1234567890abcdef", "S");
}

static int official(const char *op, const char *body)
{
    char path[160];

    (void)snprintf(path, sizeof(path), "cgi-bin/%s", op);
    return world_call(SB_BASE_OFFICIAL, path, "access_token=$", body);
}

static int reply(const char *openid)
{
    char body[200];

    (void)snprintf(body, sizeof(body), "{'touser': '%s', %s}", openid, text_to);
    return official("message/custom/send", body);
}

/* tokens */

static void a_new_token_leaves_the_old_one_five_minutes(void)
{
    char old[80], query[120];

    open_at("2026-12-01T10:00");
    (void)snprintf(old, sizeof(old), "%s", world.token);
    login("wx1234567890abcdef", "S");
    T_TRUE(strcmp(old, world.token) != 0);
    (void)snprintf(query, sizeof(query), "access_token=%s", old);
    world_pass(5 * SB_MINUTE - 1);
    T_EQ(world_call(SB_BASE_OFFICIAL, "cgi-bin/tags/get", query, NULL), 0);
    world_pass(1);
    T_EQ(world_call(SB_BASE_OFFICIAL, "cgi-bin/tags/get", query, NULL), 42001);
    T_EQ(official("tags/get", NULL), 0);
    world_close();
}

static void stable(const char *force, char ret[80])
{
    char body[200];

    (void)snprintf(body, sizeof(body),
                   "{'grant_type': 'client_credential', 'appid': 'wx1234567890abcdef', 'secret': 'S', "
                   "'force_refresh': %s}",
                   force);
    T_EQ(world_call(SB_BASE_OFFICIAL, "cgi-bin/stable_token", "", body), 0);
    (void)snprintf(ret, 80, "%s", json_str(world.answer, "access_token", ""));
}

static void a_stable_token_stays_until_its_last_five_minutes(void)
{
    char first[80], second[80];

    open_at("2026-12-01T10:00");
    stable("false", first);
    world_pass(6899 * SB_SECOND);
    stable("false", second);
    T_STR(second, first);
    T_EQ(json_int(world.answer, "expires_in", 0), 301);
    world_pass(SB_SECOND);
    stable("false", second);
    T_TRUE(strcmp(first, second) != 0);
    (void)snprintf(world.token, sizeof(world.token), "%s", first);
    T_EQ(official("tags/get", NULL), 0);
    world_close();
}

static void a_forced_refresh_ends_the_token_but_not_within_thirty_seconds(void)
{
    char first[80], second[80], third[80];

    open_at("2026-12-01T10:00");
    stable("false", first);
    stable("true", second);
    T_TRUE(strcmp(first, second) != 0);
    (void)snprintf(world.token, sizeof(world.token), "%s", first);
    T_EQ(official("tags/get", NULL), 42001);
    world_pass(29 * SB_SECOND);
    stable("true", third);
    T_STR(third, second);
    login("wx1234567890abcdef", "S"); /* the other kind of token touches nothing here */
    (void)snprintf(world.token, sizeof(world.token), "%s", second);
    T_EQ(official("tags/get", NULL), 0);
    world_close();
}

static void wrong_logins_and_tokens_are_told_apart(void)
{
    open_at("2026-12-01T10:00");
    T_EQ(world_call(SB_BASE_OFFICIAL, "cgi-bin/token", "grant_type=x&appid=wx2&secret=N", NULL), 40002);
    T_EQ(world_call(SB_BASE_OFFICIAL, "cgi-bin/token", "grant_type=client_credential&appid=wx9&secret=N",
                    NULL),
         40013);
    T_EQ(world_call(SB_BASE_OFFICIAL, "cgi-bin/token", "grant_type=client_credential&appid=wx2&secret=S",
                    NULL),
         40125);
    T_EQ(world_call(SB_BASE_OFFICIAL, "cgi-bin/tags/get", "access_token=x", NULL), 40001);
    T_EQ(world_call(SB_BASE_OFFICIAL, "cgi-bin/tags/get", "", NULL), 41001);
    world_close();
}

/* reply windows */

static void a_message_allows_five_replies_in_48_hours(void)
{
    open_at("2026-12-01T10:00");
    T_EQ(reply("o1"), 45015);
    world_event("{'connection': 'brand', 'kind': 'official.message', 'customer': 'o1', 'text': 'hi'}");
    for (int i = 0; i < 5; i++)
        T_EQ(reply("o1"), 0);
    T_EQ(reply("o1"), 45047);
    world_event("{'connection': 'brand', 'kind': 'official.message', 'customer': 'o1', 'text': 'hi'}");
    world_pass(48 * SB_HOUR - 1);
    login("wx1234567890abcdef", "S");
    T_EQ(reply("o1"), 0);
    world_pass(1);
    T_EQ(reply("o1"), 45015);
    T_EQ(reply("ostranger"), 40003);
    world_close();
}

static void following_scanning_and_tapping_allow_three_in_a_minute_each(void)
{
    static const char *const kinds[] = {"official.subscribe", "official.scan", "official.click"};

    open_at("2026-12-01T10:00");
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        char spec[200], openid[8];

        (void)snprintf(openid, sizeof(openid), "o%zu", k + 1);
        (void)snprintf(spec, sizeof(spec), "{'connection': 'brand', 'kind': '%s', 'customer': '%s'}",
                       kinds[k], openid);
        world_event(spec);
        for (int i = 0; i < 3; i++)
            T_EQ(reply(openid), 0);
        T_EQ(reply(openid), 45047);
        world_event(spec);
        world_pass(SB_MINUTE);
        T_EQ(reply(openid), 45015);
    }
    world_event("{'connection': 'brand', 'kind': 'official.view', 'customer': 'o4', 'key': 'http://x'}");
    T_EQ(reply("o4"), 45015);
    world_close();
}

static void who_unsubscribes_can_not_be_written_to(void)
{
    open_at("2026-12-01T10:00");
    world_event("{'connection': 'brand', 'kind': 'official.message', 'customer': 'o1', 'text': 'hi'}");
    world_event("{'connection': 'brand', 'kind': 'official.unsubscribe', 'customer': 'o1'}");
    T_EQ(reply("o1"), 45015);
    world_close();
}

static void escaped_chinese_in_a_body_is_refused(void)
{
    char query[120];
    struct sb_wire w = {
        .base = SB_BASE_OFFICIAL,
        .post = true,
        .path = STR("cgi-bin/message/custom/send"),
        .body = STR("{\"touser\":\"o1\",\"msgtype\":\"text\",\"text\":{\"content\":\"\\u4f60\"}}")};

    open_at("2026-12-01T10:00");
    (void)snprintf(query, sizeof(query), "access_token=%s", world.token);
    w.query = str_of(query);
    T_EQ(world_wire(&w), 40033);
    w.body = STR("{broken");
    T_EQ(world_wire(&w), 47001);
    w.body = (struct str){0};
    T_EQ(world_wire(&w), 44002);
    world_close();
}

/* tags */

static void followers_of_a_tag_come_in_pages(void)
{
    open_at("2026-12-01T10:00");
    T_EQ(official("tags/get", NULL), 0);
    T_EQ(json_int(json_array_get(json_object_get(world.answer, "tags"), 0), "count", 0), 5);
    T_EQ(official("user/tag/get", "{'tagid': 100}"), 0);
    T_EQ(json_int(world.answer, "count", 0), 2);
    T_STR(json_str(world.answer, "next_openid", ""), "o2");
    T_EQ(official("user/tag/get", "{'tagid': 100, 'next_openid': 'o4'}"), 0);
    T_EQ(json_int(world.answer, "count", 0), 1);
    T_EQ(official("user/tag/get", "{'tagid': 100, 'next_openid': 'o5'}"), 0);
    T_EQ(json_int(world.answer, "count", 9), 0);
    T_EQ(official("user/tag/get", "{'tagid': 7}"), 45159);
    world_close();
}

/* mass sends */

static int mass(const char *key, const char *openids)
{
    char body[300];

    (void)snprintf(body, sizeof(body), "{'touser': [%s], %s, 'clientmsgid': '%s'}", openids, text_to, key);
    return official("message/mass/send", body);
}

/* Whom the last job reached. */
static size_t reached(void)
{
    const json_t *e = world_last(world.entries);

    T_STR(json_str(e, "op", ""), "mass.sent");
    return json_array_size(json_object_get(e, "to"));
}

static void a_follower_gets_four_a_month_and_then_nothing_is_said(void)
{
    char key[16];

    open_at("2026-11-30T20:00");
    for (int i = 0; i < 5; i++) {
        (void)snprintf(key, sizeof(key), "k%d", i);
        T_EQ(mass(key, "'o1', 'o2'"), 0);
        world_pass(5 * SB_SECOND);
        T_EQ(reached(), i < 4 ? 2 : 0);
    }
    T_EQ(mass("k5", "'o1', 'o3'"), 0);
    world_pass(5 * SB_SECOND);
    T_EQ(reached(), 1);
    world.now_ms = world_at("2026-11-30T23:59:57");
    login("wx1234567890abcdef", "S");
    T_EQ(mass("k6", "'o1', 'o2'"), 0);
    world_pass(5 * SB_SECOND); /* sent at 00:00:02: December's */
    T_EQ(reached(), 2);
    world_close();
}

static void a_job_ends_with_an_event_and_its_state_can_be_asked(void)
{
    char body[100];
    const json_t *push;

    open_at("2026-12-01T10:00");
    T_EQ(mass("k", "'o1', 'o2'"), 0);
    (void)snprintf(body, sizeof(body), "{'msg_id': %lld}", (long long)json_int(world.answer, "msg_id", 0));
    T_EQ(official("message/mass/get", body), 0);
    T_STR(json_str(world.answer, "msg_status", ""), "SENDING");
    world_pass(5 * SB_SECOND);
    push = world_last(world.pushes);
    T_TRUE(strstr(json_str(push, "inner", ""), "<![CDATA[MASSSENDJOBFINISH]]>") != NULL);
    T_TRUE(strstr(json_str(push, "inner", ""), "<SentCount>2</SentCount>") != NULL);
    T_EQ(official("message/mass/get", body), 0);
    T_STR(json_str(world.answer, "msg_status", ""), "SEND_SUCCESS");
    T_EQ(official("message/mass/get", "{'msg_id': 1}"), 40059);
    world_close();
}

static void a_key_never_makes_a_second_job_within_a_day(void)
{
    int64_t msg_id;

    open_at("2026-12-01T10:00");
    T_EQ(mass("k", "'o1', 'o2'"), 0);
    msg_id = json_int(world.answer, "msg_id", 0);
    world_pass(SB_MINUTE - 1);
    T_EQ(mass("k", "'o1', 'o2'"), 45066);
    world_pass(1);
    T_EQ(mass("k", "'o1', 'o2'"), 45065);
    T_EQ(json_int(world.answer, "msg_id", 0), msg_id);
    T_EQ(json_int(world_last(world.entries), "cost", 9), 0);
    world_pass(SB_DAY - SB_MINUTE);
    login("wx1234567890abcdef", "S");
    T_EQ(mass("k", "'o1', 'o2'"), 0);
    T_EQ(mass("0123456789012345678901234567890123456789012345678901234567890123x", "'o1', 'o2'"), 45067);
    world_close();
}

static void the_same_campaign_without_a_key_is_recognised(void)
{
    open_at("2026-12-01T10:00");
    T_EQ(mass("", "'o1', 'o2'"), 0);
    world_pass(2 * SB_MINUTE);
    T_EQ(mass("", "'o1', 'o2'"), 45065);
    T_EQ(mass("", "'o1', 'o3'"), 0);
    world_close();
}

static void lists_and_accounts_are_judged(void)
{
    open_at("2026-12-01T10:00");
    T_EQ(mass("a", "'o1'"), 40032);
    T_EQ(mass("b", "'o1', 'ostranger'"), 40003);
    T_EQ(official("message/mass/sendall", "{'filter': {'is_to_all': false, 'tag_id': 9}, 'msgtype': 'text', "
                                          "'text': {'content': 'x'}}"),
         40152);
    login("wx2", "N");
    T_EQ(mass("c", "'oreader', 'oreader'"), 48001);
    world_close();
}

static void sixty_calls_a_minute_and_a_hundred_a_day(void)
{
    char key[16];
    int n = 0;

    open_at("2026-12-01T10:00");
    for (; n < 60; n++) {
        (void)snprintf(key, sizeof(key), "k%d", n);
        T_EQ(mass(key, "'o1', 'o2'"), 0);
    }
    T_EQ(mass("over", "'o1', 'o2'"), 45011);
    world_pass(SB_MINUTE);
    for (; n < 100; n++) {
        (void)snprintf(key, sizeof(key), "k%d", n);
        T_EQ(mass(key, "'o1', 'o2'"), 0);
    }
    T_EQ(mass("over", "'o1', 'o2'"), 45009);
    world.now_ms = world_at("2026-12-02T00:00");
    login("wx1234567890abcdef", "S");
    T_EQ(mass("over", "'o1', 'o2'"), 0);
    world_close();
}

static int to_all(const char *key)
{
    char body[200];

    (void)snprintf(body, sizeof(body), "{'filter': {'is_to_all': true}, %s, 'clientmsgid': '%s'}", text_to,
                   key);
    return official("message/mass/sendall", body);
}

static void to_all_goes_once_a_day_and_four_times_a_month(void)
{
    open_at("2026-12-01T10:00");
    for (int day = 0; day < 4; day++) {
        char key[16];

        login("wx1234567890abcdef", "S");
        (void)snprintf(key, sizeof(key), "d%d", day);
        T_EQ(to_all(key), 0);
        world_pass(SB_HOUR);
        T_EQ(to_all("again"), 45028);
        world_pass(SB_DAY - SB_HOUR);
    }
    login("wx1234567890abcdef", "S");
    T_EQ(to_all("fifth"), 45028);
    world_close();
}

static void a_subscription_account_sends_one_a_day(void)
{
    open_at("2026-12-01T23:30");
    login("wx2", "N");
    T_EQ(to_all("a"), 0);
    T_EQ(to_all("b"), 45028);
    world_pass(SB_HOUR);
    T_EQ(to_all("c"), 0);
    world_close();
}

/* templates */

static void a_template_key_is_delivered_once_in_ten_minutes(void)
{
    static const char body[] = "{'touser': 'o1', 'template_id': 'T1', 'data': {'thing1': {'value': 'x'}}, "
                               "'client_msg_id': 'c1'}";

    open_at("2026-12-01T10:00");
    T_EQ(official("message/template/send", body), 0);
    T_EQ(json_int(world_last(world.entries), "cost", 0), 1);
    T_EQ(official("message/template/send", body), 0);
    T_EQ(json_int(world_last(world.entries), "cost", 9), 0);
    world_pass(10 * SB_MINUTE);
    T_EQ(official("message/template/send", body), 0);
    T_EQ(json_int(world_last(world.entries), "cost", 0), 1);
    world_event("{'connection': 'brand', 'kind': 'official.unsubscribe', 'customer': 'o1'}");
    T_EQ(official("message/template/send", body), 43004);
    world_close();
}

/* pushes and passive replies */

static void pushes_are_xml_or_json_as_configured(void)
{
    open_at("2026-12-01T10:00");
    world_event(
        "{'connection': 'brand', 'kind': 'official.subscribe', 'customer': 'o1', 'scene': 'store-017'}");
    T_TRUE(strstr(json_str(world_last(world.pushes), "inner", ""),
                  "<EventKey><![CDATA[qrscene_store-017]]>") != NULL);
    world_event("{'connection': 'news', 'kind': 'official.message', 'customer': 'oreader', 'text': '你好'}");
    T_TRUE(strstr(json_str(world_last(world.pushes), "inner", ""), "\"Content\":\"你好\"") != NULL);
    T_TRUE(strstr(json_str(world_last(world.pushes), "inner", ""), "\"MsgId\":24000000000") != NULL);
    world_close();
}

static const char sealed_reply[] =
    "<xml><Encrypt><![CDATA[DpQeJfnf/MGZ/+GTIspwVF7dGxwINw03DhAg5nb39UbTDajdcQWXYN2FyREf3wjv8tssxxa/"
    "pFwPEtX3NH/"
    "dr4SyDpDKpcCQQsTYAjvDvpENyrooM7SHCp/M1JK0ayR9k7F/xrvbTszYRGJhbXbFmia/tedxbSfLRFy3HvKn/"
    "kUY6JqFvkZoduKNB7GSPyPVPwxF+Jm3hqjeyXHsX5oXVVYf4AtR2UndkqhBHT4n8M+eDuFxANUpeBM1AUvcU4iR2PhVPmX6MbY8Vv5t+"
    "WREjSBjfHSnHFYyJFSZVp6IjTeLZJl3nSn3ogepy9KYWi1k9wHK1h+CmEStkUtHHFCztQkummV+6FoiETXtmwqskeD5Os+vP3EIp8Ki"
    "CzQHGo/N]]></Encrypt><MsgSignature><![CDATA[4c9f004060e7eca1cf258f3a672df02048728b42]]></MsgSignature>"
    "<TimeStamp>1735689601</TimeStamp><Nonce><![CDATA[777001]]></Nonce></xml>";
static const char follower[] = "oTest00000000000000000000001";

static void a_sealed_reply_is_opened_and_judged(void)
{
    const struct sb_connection *brand;
    json_t *got = NULL;
    char *broken = mem_strdup(sealed_reply);

    open_at("2025-01-01T08:00");
    brand = sb_model_connection(world.m, "brand");
    T_EQ(sb_passive_read(brand, follower, str_of(sealed_reply), world.now_ms, &got), SB_P_OK);
    T_STR(json_str(got, "Content", ""), "收到");
    json_decref(got);
    broken[40] = broken[40] == 'A' ? 'B' : 'A';
    T_EQ(sb_passive_read(brand, follower, str_of(broken), world.now_ms, &got), SB_P_SIGNATURE);
    T_EQ(sb_passive_read(brand, "oSomebodyElse", str_of(sealed_reply), world.now_ms, &got), SB_P_PARSE);
    T_EQ(sb_passive_read(brand, follower, STR("success"), world.now_ms, &got), SB_P_NONE);
    T_EQ(sb_passive_read(brand, follower, STR(""), world.now_ms, &got), SB_P_NONE);
    T_EQ(sb_passive_read(brand, follower, STR(" "), world.now_ms, &got), SB_P_PARSE);
    T_EQ(sb_passive_read(brand, follower, STR("{\"ok\":1}"), world.now_ms, &got), SB_P_PARSE);
    mem_free(broken);
    world_close();
}

static void a_clear_reply_is_taken_in_plain_mode_only(void)
{
    static const char body[] =
        "{\"ToUserName\":\"oreader\",\"FromUserName\":\"gh_sandbox0000\",\"CreateTime\":"
        "1735689600,\"MsgType\":\"text\",\"Content\":\"hi\"}";
    static const char millis[] =
        "{\"ToUserName\":\"oreader\",\"FromUserName\":\"gh_sandbox0000\",\"CreateTime\":"
        "1735689600000,\"MsgType\":\"text\",\"Content\":\"hi\"}";
    json_t *got = NULL;

    open_at("2025-01-01T08:00");
    T_EQ(sb_passive_read(sb_model_connection(world.m, "news"), "oreader", str_of(body), world.now_ms, &got),
         SB_P_OK);
    json_decref(got);
    T_EQ(sb_passive_read(sb_model_connection(world.m, "news"), "oreader", str_of(millis), world.now_ms, &got),
         SB_P_PARSE);
    T_EQ(sb_passive_read(sb_model_connection(world.m, "brand"), "oreader", str_of(body), world.now_ms, &got),
         SB_P_PARSE);
    world_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T_CASE(a_new_token_leaves_the_old_one_five_minutes),
        T_CASE(a_stable_token_stays_until_its_last_five_minutes),
        T_CASE(a_forced_refresh_ends_the_token_but_not_within_thirty_seconds),
        T_CASE(wrong_logins_and_tokens_are_told_apart),
        T_CASE(a_message_allows_five_replies_in_48_hours),
        T_CASE(following_scanning_and_tapping_allow_three_in_a_minute_each),
        T_CASE(who_unsubscribes_can_not_be_written_to),
        T_CASE(escaped_chinese_in_a_body_is_refused),
        T_CASE(followers_of_a_tag_come_in_pages),
        T_CASE(a_follower_gets_four_a_month_and_then_nothing_is_said),
        T_CASE(a_job_ends_with_an_event_and_its_state_can_be_asked),
        T_CASE(a_key_never_makes_a_second_job_within_a_day),
        T_CASE(the_same_campaign_without_a_key_is_recognised),
        T_CASE(lists_and_accounts_are_judged),
        T_CASE(sixty_calls_a_minute_and_a_hundred_a_day),
        T_CASE(to_all_goes_once_a_day_and_four_times_a_month),
        T_CASE(a_subscription_account_sends_one_a_day),
        T_CASE(a_template_key_is_delivered_once_in_ten_minutes),
        T_CASE(pushes_are_xml_or_json_as_configured),
        T_CASE(a_sealed_reply_is_opened_and_judged),
        T_CASE(a_clear_reply_is_taken_in_plain_mode_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
