/* SPDX-License-Identifier: Apache-2.0 */
/* Attempts and the token of an official account against a platform on the same loop. */
#include <stdio.h>

#include "adapters/official/official.h"
#include "base/json.h"
#include "support/asserts.h"
#include "support/wecom_world.h"

#define BRAND                                                                                                \
    "{\"kind\":\"official\",\"appid\":\"wx1\",\"secret\":\"S\\\"1\",\"token\":\"T\",\"mode\":\"plain\","     \
    "\"api_base\":\"BASE\"}"

#define TOKEN "/cgi-bin/stable_token"
#define SEND "/cgi-bin/message/custom/send"
#define MASS "/cgi-bin/message/mass/send"
#define SENDALL "/cgi-bin/message/mass/sendall"
#define TAGS "/cgi-bin/tags/get"
#define MEMBERS "/cgi-bin/user/tag/get"
#define FIRST "{\"access_token\":\"AT\",\"expires_in\":7200}"
#define SECOND "{\"access_token\":\"AT2\",\"expires_in\":7200}"
#define VIP "{\"tags\":[{\"id\":101,\"name\":\"vip\",\"count\":7}]}"
#define REFUSED(code) "{\"errcode\":" #code ",\"errmsg\":\"no " #code " rid: 65a-1\"}"

static struct world w;
static const struct content hello = {.text = STR("你好")};
static const struct recipient followers[] = {{{7}, STR("oA")}, {{8}, STR("oB")}};
static json_t *vip;
static size_t wanted;

static int set_up(void **state)
{
    (void)state;
    vip = json_pack("{s:s,s:s}", "tag", "vip", "next", "");
    world_open(&w, &official_ops, BRAND);
    world_start(&w, NULL);
    return vip ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    world_close(&w);
    json_decref(vip);
    return 0;
}

static struct call call_of(enum call_op op)
{
    return (struct call){.op = op,
                         .class = CLASS_REPLY,
                         .content = &hello,
                         .key = STR("k1"),
                         .params = vip,
                         .deadline_ms = 5000};
}

static size_t count_of(enum call_op op)
{
    return op == CALL_MASS ? 2 : op == CALL_SEND ? 1 : 0;
}

static void perform(int64_t id, const struct call *call)
{
    T_OK(w.ops->perform(w.adapter, (struct attempt_id){id}, call, followers, count_of(call->op)));
}

static bool has_dones(struct world *world)
{
    return world->done_count >= wanted;
}

static const struct world_done *run_call(const struct call *call)
{
    size_t before = w.done_count;

    perform((int64_t)before + 1, call);
    T_EQ(w.done_count, before); /* never from inside perform() */
    wanted = before + 1;
    world_run(&w, has_dones);
    T_EQ(w.dones[before].id.v, (int64_t)before + 1);
    return &w.dones[before];
}

static const struct world_done *run_one(enum call_op op)
{
    struct call call = call_of(op);

    return run_call(&call);
}

/* ---- messages ---- */

static void a_message_goes_out_with_a_stable_token(void **state)
{
    const struct world_done *d;

    (void)state;
    world_say(&w, TOKEN, FIRST);
    world_say(&w, SEND, WORLD_OK);
    d = run_one(CALL_SEND);
    T_EQ(d->facts.outcome, OUTCOME_ACCEPTED);
    T_EQ(d->facts.http, 200);
    T_TRUE(d->facts.bytes_out > 0);
    T_STR(world_request(&w, TOKEN, 0)->body, "{\"grant_type\":\"client_credential\",\"appid\":\"wx1\","
                                             "\"secret\":\"S\\\"1\",\"force_refresh\":false}");
    T_STR(world_request(&w, SEND, 0)->query, "access_token=AT");
    T_STR(world_request(&w, SEND, 0)->body,
          "{\"touser\":\"oA\",\"msgtype\":\"text\",\"text\":{\"content\":\"你好\"}}");
}

static void a_closed_window_is_judged_by_the_rule_pack(void **state)
{
    static const int codes[] = {45015, 45047, 40003, 43004, 48002, 45009, 45011, -1};
    static const char *const answers[] = {REFUSED(45015), REFUSED(45047), REFUSED(40003), REFUSED(43004),
                                          REFUSED(48002), REFUSED(45009), REFUSED(45011), REFUSED(-1)};

    (void)state;
    world_say(&w, TOKEN, FIRST);
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        world_say(&w, SEND, answers[i]);
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        const struct world_done *d = run_one(CALL_SEND);

        T_EQ(d->facts.errcode, codes[i]);
        T_EQ(d->facts.outcome, rulepack_code(w.rules, "official", CALL_SEND, codes[i])->outcome);
        T_TRUE(!d->facts.freeze);
    }
    T_EQ(w.dones[0].facts.outcome, OUTCOME_PERMANENT);
    T_EQ(w.dones[1].facts.outcome, OUTCOME_LIMITED);
    T_STR(w.dones[0].error, "no 45015 rid: 65a-1");
    T_EQ(w.alert_count, 0);
}

static void a_banned_account_freezes_and_alerts(void **state)
{
    const struct world_done *d;

    (void)state;
    world_say(&w, TOKEN, FIRST);
    world_say(&w, SEND, REFUSED(50002));
    d = run_one(CALL_SEND);
    T_TRUE(d->facts.freeze);
    T_EQ(d->facts.outcome, OUTCOME_NOT_SENT);
    T_EQ(w.alert_count, 1);
    (void)run_one(CALL_SEND);
    T_EQ(w.alert_count, 1);
    T_STR(w.alert, "official: refused with 50002: no 50002 rid: 65a-1");
}

static void an_unknown_code_is_unknown(void **state)
{
    const struct world_done *d;

    (void)state;
    world_say(&w, TOKEN, FIRST);
    world_say(&w, SEND, REFUSED(99999));
    d = run_one(CALL_SEND);
    T_EQ(d->facts.outcome, OUTCOME_UNKNOWN);
    T_EQ(d->facts.errcode, 99999);
}

static void what_was_processed_without_an_answer_is_unknown_and_not_repeated(void **state)
{
    const struct world_done *d;

    (void)state;
    world_say(&w, TOKEN, FIRST);
    world_say(&w, SEND, WORLD_OK);
    world_say(&w, SEND, WORLD_DROP);
    (void)run_one(CALL_SEND);
    d = run_one(CALL_SEND); /* on the kept connection */
    T_EQ(d->facts.outcome, OUTCOME_UNKNOWN);
    T_TRUE(d->facts.bytes_out > 0);
    T_EQ(world_requests(&w, SEND), 2);
}

static void answers_that_are_none_are_unknown(void **state)
{
    (void)state;
    world_say(&w, TOKEN, FIRST);
    world_say_status(&w, SEND, 500, WORLD_OK);
    world_say_status(&w, SEND, 429, "");
    world_say_status(&w, SEND, 302, WORLD_OK);
    world_say(&w, SEND, "<html>");
    world_say(&w, SEND, "");
    for (int i = 0; i < 5; i++)
        T_EQ(run_one(CALL_SEND)->facts.outcome, OUTCOME_UNKNOWN);
    T_EQ(w.dones[0].facts.http, 500);
    world_say(&w, MASS, WORLD_OK); /* accepted, and as what? */
    T_EQ(run_one(CALL_MASS)->facts.outcome, OUTCOME_UNKNOWN);
}

static void no_answer_in_time_is_unknown(void **state)
{
    struct call call = call_of(CALL_SEND);

    (void)state;
    world_say(&w, TOKEN, FIRST);
    world_say(&w, SEND, WORLD_HANG);
    call.deadline_ms = 300;
    T_EQ(run_call(&call)->facts.outcome, OUTCOME_UNKNOWN);
    T_TRUE(w.dones[0].facts.bytes_out > 0);
}

static void no_token_in_time_is_not_sent(void **state)
{
    struct call call = call_of(CALL_SEND);

    (void)state;
    world_say(&w, TOKEN, WORLD_HANG);
    call.deadline_ms = 200;
    T_EQ(run_call(&call)->facts.outcome, OUTCOME_NOT_SENT);
    T_EQ(w.dones[0].facts.bytes_out, 0);
}

static void a_message_that_can_never_be_sent_ends_without_a_byte(void **state)
{
    struct content empty = {.text = STR("")};
    struct call call = call_of(CALL_SEND);
    const struct world_done *d;

    (void)state;
    world_say(&w, TOKEN, FIRST);
    call.content = &empty;
    d = run_call(&call);
    T_EQ(d->facts.outcome, OUTCOME_PERMANENT);
    T_EQ(d->facts.bytes_out, 0);
    T_STR(d->error, "the message is empty");
    T_EQ(world_requests(&w, SEND), 0);
    call.op = CALL_WELCOME;
    T_ERR(w.ops->perform(w.adapter, (struct attempt_id){9}, &call, followers, 1), ERR_UNSUPPORTED);
}

/* ---- tokens ---- */

static void many_calls_wait_for_one_token(void **state)
{
    struct call call = call_of(CALL_SEND);

    (void)state;
    world_say(&w, TOKEN, FIRST);
    world_say(&w, SEND, WORLD_OK);
    for (int i = 0; i < 20; i++)
        perform(i + 1, &call);
    wanted = 20;
    world_run(&w, has_dones);
    T_EQ(world_requests(&w, TOKEN), 1);
    T_EQ(world_requests(&w, SEND), 20);
}

static void a_refused_token_is_fetched_once_by_all_parallel_calls(void **state)
{
    static const char *const refusals[] = {REFUSED(40001), REFUSED(40014), REFUSED(42001)};
    struct call call = call_of(CALL_SEND);

    (void)state;
    world_say(&w, TOKEN, FIRST);
    world_say(&w, TOKEN, SECOND);
    for (size_t i = 0; i < 9; i++)
        world_say(&w, SEND, refusals[i % 3]);
    world_say(&w, SEND, WORLD_OK);
    for (int i = 0; i < 9; i++)
        perform(i + 1, &call);
    wanted = 9;
    world_run(&w, has_dones);
    T_EQ(world_requests(&w, TOKEN), 2);
    T_EQ(world_requests(&w, SEND), 18);
    T_STR(world_request(&w, SEND, 17)->query, "access_token=AT2");
    for (size_t i = 0; i < 9; i++)
        T_EQ(w.dones[i].facts.outcome, OUTCOME_ACCEPTED);
}

static void a_token_refused_twice_is_not_fetched_a_third_time(void **state)
{
    const struct world_done *d;

    (void)state;
    world_say(&w, TOKEN, FIRST);
    world_say(&w, SEND, REFUSED(40001));
    d = run_one(CALL_SEND);
    T_EQ(d->facts.errcode, 40001);
    T_EQ(d->facts.outcome, OUTCOME_NOT_SENT);
    T_EQ(world_requests(&w, TOKEN), 2);
    T_EQ(world_requests(&w, SEND), 2);
    T_EQ(w.alert_count, 0);
}

static void a_late_refusal_of_the_old_token_leaves_the_new_one(void **state)
{
    struct call call = call_of(CALL_SEND);

    (void)state;
    world_say(&w, TOKEN, FIRST);
    world_say(&w, TOKEN, SECOND);
    world_say(&w, SEND, WORLD_HANG);
    world_say(&w, SEND, REFUSED(40001));
    world_say(&w, SEND, WORLD_OK);
    perform(1, &call);
    world_run_ms(&w, 100);
    perform(2, &call);
    wanted = 1;
    world_run(&w, has_dones);
    T_EQ(w.dones[0].id.v, 2);
    world_answer_hung(&w, REFUSED(40001));
    wanted = 2;
    world_run(&w, has_dones);
    T_EQ(w.dones[1].facts.outcome, OUTCOME_ACCEPTED);
    T_EQ(world_requests(&w, TOKEN), 2);
}

static bool has_two_tokens(struct world *world)
{
    return world_requests(world, TOKEN) >= 2;
}

static void at_85_percent_of_its_life_a_token_is_fetched_anew(void **state)
{
    (void)state;
    world_say(&w, TOKEN, FIRST);
    world_say(&w, TOKEN, WORLD_HANG);
    world_say(&w, SEND, WORLD_OK);
    (void)run_one(CALL_SEND);
    clock_advance(&w.clock, INT64_C(6119) * 1000);
    (void)run_one(CALL_SEND);
    T_EQ(world_requests(&w, TOKEN), 1);
    clock_advance(&w.clock, 2000);
    T_EQ(run_one(CALL_SEND)->facts.outcome, OUTCOME_ACCEPTED); /* the old one still serves */
    world_run(&w, has_two_tokens);
    T_EQ(world_requests(&w, TOKEN), 2);
}

static void a_dead_token_is_not_used(void **state)
{
    (void)state;
    world_say(&w, TOKEN, FIRST);
    world_say(&w, TOKEN, SECOND);
    world_say(&w, SEND, WORLD_OK);
    (void)run_one(CALL_SEND);
    clock_advance(&w.clock, INT64_C(7200) * 1000);
    (void)run_one(CALL_SEND);
    T_STR(world_request(&w, SEND, 1)->query, "access_token=AT2");
}

static void refused_credentials_alert_once_and_are_not_tried_for_ten_minutes(const char *answer, int code)
{
    const struct world_done *d;

    world_say(&w, TOKEN, answer);
    world_say(&w, TOKEN, FIRST);
    world_say(&w, SEND, WORLD_OK);
    d = run_one(CALL_SEND);
    T_EQ(d->facts.outcome, OUTCOME_NOT_SENT);
    T_EQ(d->facts.errcode, code);
    T_EQ(d->facts.bytes_out, 0);
    T_EQ(d->facts.retry_ms, 600000);
    T_EQ(w.alert_count, 1);
    clock_advance(&w.clock, 599000);
    d = run_one(CALL_SEND);
    T_EQ(d->facts.retry_ms, 1000);
    T_EQ(world_requests(&w, TOKEN), 1);
    T_EQ(w.alert_count, 1);
    clock_advance(&w.clock, 1000);
    T_EQ(run_one(CALL_SEND)->facts.outcome, OUTCOME_ACCEPTED);
}

static void a_wrong_secret_stops(void **state)
{
    (void)state;
    refused_credentials_alert_once_and_are_not_tried_for_ten_minutes(REFUSED(40125), 40125);
    T_STR(w.alert, "official: credentials refused: no 40125 rid: 65a-1");
}

static void the_other_word_for_a_wrong_secret_stops_too(void **state)
{
    (void)state;
    refused_credentials_alert_once_and_are_not_tried_for_ten_minutes(REFUSED(40001), 40001);
}

static void a_wrong_appid_stops(void **state)
{
    (void)state;
    refused_credentials_alert_once_and_are_not_tried_for_ten_minutes(REFUSED(40013), 40013);
}

static void a_frozen_secret_stops(void **state)
{
    (void)state;
    refused_credentials_alert_once_and_are_not_tried_for_ten_minutes(REFUSED(40243), 40243);
}

static void an_untrusted_address_is_shown_to_the_operator(void **state)
{
    (void)state;
    refused_credentials_alert_once_and_are_not_tried_for_ten_minutes(
        "{\"errcode\":40164,\"errmsg\":\"invalid ip 1.2.3.4 ipv6 ::ffff:1.2.3.4, not in whitelist rid: "
        "6-1\"}",
        40164);
    T_STR(w.alert,
          "official: credentials refused: invalid ip 1.2.3.4 ipv6 ::ffff:1.2.3.4, not in whitelist rid: "
          "6-1");
    T_STR(w.dones[0].error,
          "no access token: invalid ip 1.2.3.4 ipv6 ::ffff:1.2.3.4, not in whitelist rid: 6-1");
}

static void a_busy_token_endpoint_is_asked_again(void **state)
{
    (void)state;
    world_say(&w, TOKEN, REFUSED(-1));
    world_say(&w, TOKEN, "rubbish");
    world_say(&w, TOKEN, FIRST);
    world_say(&w, SEND, WORLD_OK);
    T_EQ(run_one(CALL_SEND)->facts.outcome, OUTCOME_NOT_SENT);
    T_EQ(w.alert_count, 0);
    clock_advance(&w.clock, 2000);
    T_EQ(run_one(CALL_SEND)->facts.outcome, OUTCOME_NOT_SENT);
    T_EQ(run_one(CALL_SEND)->facts.outcome, OUTCOME_ACCEPTED);
}

/* ---- mass messages ---- */

static void a_mass_message_comes_back_with_its_id(void **state)
{
    const struct world_done *d;

    (void)state;
    world_say(&w, TOKEN, FIRST);
    world_say(&w, MASS, "{\"errcode\":0,\"errmsg\":\"send job submission success\",\"msg_id\":3147483652}");
    d = run_one(CALL_MASS);
    T_EQ(d->facts.outcome, OUTCOME_ACCEPTED);
    T_STR(d->provider_id, "3147483652");
    T_TRUE(strstr(world_request(&w, MASS, 0)->body, "\"clientmsgid\":\"k1\"") != NULL);
}

static void a_key_the_platform_knows_was_accepted_before(void **state)
{
    const struct world_done *d;

    (void)state;
    world_say(&w, TOKEN, FIRST);
    world_say(&w, MASS, "{\"errcode\":45065,\"errmsg\":\"clientmsgid exist\",\"msg_id\":3147483652}");
    world_say(&w, MASS, "{\"errcode\":45065,\"errmsg\":\"clientmsgid exist\"}");
    d = run_one(CALL_MASS);
    T_EQ(d->facts.outcome, OUTCOME_ACCEPTED);
    T_EQ(d->facts.errcode, 45065);
    T_STR(d->provider_id, "3147483652");
    d = run_one(CALL_MASS); /* no id is no reason to doubt */
    T_EQ(d->facts.outcome, OUTCOME_ACCEPTED);
    T_STR(d->provider_id, "");
}

static void a_repeat_too_soon_waits_a_minute(void **state)
{
    const struct world_done *d;

    (void)state;
    world_say(&w, TOKEN, FIRST);
    world_say(&w, MASS, REFUSED(45066));
    d = run_one(CALL_MASS);
    T_EQ(d->facts.outcome, OUTCOME_LIMITED);
    T_EQ(d->facts.retry_ms, 60000);
}

static void a_busy_platform_leaves_a_mass_message_unknown(void **state)
{
    (void)state;
    world_say(&w, TOKEN, FIRST);
    world_say(&w, MASS, REFUSED(-1));
    T_EQ(run_one(CALL_MASS)->facts.outcome, OUTCOME_UNKNOWN);
}

static void a_tag_is_looked_up_once_and_sent_to(void **state)
{
    const struct world_done *d;

    (void)state;
    world_say(&w, TOKEN, FIRST);
    world_say(&w, TAGS, VIP);
    world_say(&w, SENDALL, "{\"errcode\":0,\"msg_id\":34182}");
    d = run_one(CALL_MASS_TAG);
    T_EQ(d->facts.outcome, OUTCOME_ACCEPTED);
    T_STR(d->provider_id, "34182");
    T_TRUE(strstr(world_request(&w, SENDALL, 0)->body, "\"filter\":{\"is_to_all\":false,\"tag_id\":101}") !=
           NULL);
    T_EQ(run_one(CALL_MASS_TAG)->facts.outcome, OUTCOME_ACCEPTED);
    T_EQ(world_requests(&w, TAGS), 1);
    T_EQ(world_requests(&w, SENDALL), 2);
    clock_advance(&w.clock, 600000);
    (void)run_one(CALL_MASS_TAG);
    T_EQ(world_requests(&w, TAGS), 2);
}

static void without_the_tags_a_mass_message_is_certainly_not_sent(void **state)
{
    static const char *const answers[] = {WORLD_DROP, "rubbish", REFUSED(-1), REFUSED(99999)};

    (void)state;
    world_say(&w, TOKEN, FIRST);
    for (size_t i = 0; i < ARRAY_LEN(answers); i++)
        world_say(&w, TAGS, answers[i]);
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        const struct world_done *d = run_one(CALL_MASS_TAG);

        T_TRUE(d->facts.outcome == OUTCOME_NOT_SENT || d->facts.outcome == OUTCOME_LIMITED);
        T_EQ(d->facts.bytes_out, 0);
    }
    T_EQ(world_requests(&w, SENDALL), 0);
}

static void a_tag_that_is_gone_is_looked_up_again(void **state)
{
    const struct world_done *d;

    (void)state;
    world_say(&w, TOKEN, FIRST);
    world_say(&w, TAGS, VIP);
    world_say(&w, TAGS, "{\"tags\":[{\"id\":102,\"name\":\"vip\"}]}");
    world_say(&w, SENDALL, REFUSED(40152));
    world_say(&w, SENDALL, "{\"errcode\":0,\"msg_id\":1}");
    d = run_one(CALL_MASS_TAG);
    T_EQ(d->facts.outcome, OUTCOME_PERMANENT);
    T_EQ(run_one(CALL_MASS_TAG)->facts.outcome, OUTCOME_ACCEPTED);
    T_TRUE(strstr(world_request(&w, SENDALL, 1)->body, "\"tag_id\":102}") != NULL);
}

static void an_unknown_tag_ends_permanent_and_says_which(void **state)
{
    const struct world_done *d;

    (void)state;
    world_say(&w, TOKEN, FIRST);
    world_say(&w, TAGS, "{\"tags\":[]}");
    d = run_one(CALL_TAG_MEMBERS);
    T_EQ(d->facts.outcome, OUTCOME_PERMANENT);
    T_STR(d->error, "the account has no tag vip");
    T_EQ(run_one(CALL_MASS_TAG)->facts.outcome, OUTCOME_PERMANENT);
    T_EQ(world_requests(&w, TAGS), 2); /* it may have been made in between */
}

static void a_token_dies_between_the_tags_and_their_members(void **state)
{
    const struct world_done *d;

    (void)state;
    world_say(&w, TOKEN, FIRST);
    world_say(&w, TOKEN, SECOND);
    world_say(&w, TAGS, VIP);
    world_say(&w, MEMBERS, REFUSED(42001));
    world_say(&w, MEMBERS, "{\"count\":1,\"data\":{\"openid\":[\"oB\"]},\"next_openid\":\"oB\"}");
    d = run_one(CALL_TAG_MEMBERS);
    T_EQ(d->facts.outcome, OUTCOME_ACCEPTED);
    T_EQ(json_array_size(json_object_get(d->data, "members")), 1);
    T_STR(json_str(d->data, "next", "?"), "");
    T_EQ(world_requests(&w, TAGS), 1);
    T_STR(world_request(&w, MEMBERS, 1)->body, "{\"tagid\":101,\"next_openid\":\"\"}");
}

static void questions_answer_with_data(void **state)
{
    struct call call = call_of(CALL_QUERY);
    const struct world_done *d;

    (void)state;
    world_say(&w, TOKEN, FIRST);
    world_say(&w, "/cgi-bin/message/mass/get", "{\"msg_id\":77,\"msg_status\":\"SEND_SUCCESS\"}");
    world_say(&w, "/cgi-bin/message/mass/get", REFUSED(40059));
    world_say(&w, "/cgi-bin/user/info", "{\"subscribe\":1,\"openid\":\"oA\",\"remark\":\"R\"}");
    call.handle = STR("77");
    d = run_call(&call);
    T_EQ(d->facts.outcome, OUTCOME_ACCEPTED);
    T_STR(d->provider_id, "77");
    T_STR(json_str(d->data, "status", ""), "SEND_SUCCESS");
    d = run_call(&call);
    T_EQ(d->facts.outcome, OUTCOME_PERMANENT);
    T_STR(d->provider_id, "");
    call = call_of(CALL_CONTACT_DETAIL);
    call.handle = STR("oA");
    d = run_call(&call);
    T_STR(json_str(d->data, "remark", ""), "R");
    T_STR(world_request(&w, "/cgi-bin/user/info", 0)->query, "access_token=AT&openid=oA&lang=zh_CN");
}

/* ---- the end ---- */

static void stopping_ends_every_call(void **state)
{
    struct call call = call_of(CALL_SEND);

    (void)state;
    world_say(&w, TOKEN, FIRST);
    world_say(&w, SEND, WORLD_OK);
    world_say(&w, SEND, WORLD_HANG);
    (void)run_one(CALL_SEND);
    perform(2, &call);
    world_run_ms(&w, 50);
    perform(3, &call);
    world_stop(&w);
    T_EQ(w.done_count, 3);
    T_EQ(w.dones[1].facts.outcome == OUTCOME_UNKNOWN || w.dones[2].facts.outcome == OUTCOME_UNKNOWN, true);
    T_ERR(w.ops->perform(w.adapter, (struct attempt_id){4}, &call, followers, 1), ERR_CLOSED);
}

static void stopping_while_the_token_is_awaited_sends_nothing(void **state)
{
    struct call call = call_of(CALL_SEND);

    (void)state;
    world_say(&w, TOKEN, WORLD_HANG);
    perform(1, &call);
    perform(2, &call);
    world_run_ms(&w, 50);
    world_stop(&w);
    T_EQ(w.done_count, 2);
    T_EQ(w.dones[0].facts.outcome, OUTCOME_NOT_SENT);
    T_EQ(w.dones[0].facts.bytes_out, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_message_goes_out_with_a_stable_token, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_closed_window_is_judged_by_the_rule_pack, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_banned_account_freezes_and_alerts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_unknown_code_is_unknown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_processed_without_an_answer_is_unknown_and_not_repeated,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(answers_that_are_none_are_unknown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_answer_in_time_is_unknown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_token_in_time_is_not_sent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_message_that_can_never_be_sent_ends_without_a_byte, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(many_calls_wait_for_one_token, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_refused_token_is_fetched_once_by_all_parallel_calls, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_token_refused_twice_is_not_fetched_a_third_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_late_refusal_of_the_old_token_leaves_the_new_one, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(at_85_percent_of_its_life_a_token_is_fetched_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_dead_token_is_not_used, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wrong_secret_stops, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_other_word_for_a_wrong_secret_stops_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wrong_appid_stops, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_frozen_secret_stops, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_untrusted_address_is_shown_to_the_operator, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_busy_token_endpoint_is_asked_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_mass_message_comes_back_with_its_id, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_key_the_platform_knows_was_accepted_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_repeat_too_soon_waits_a_minute, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_busy_platform_leaves_a_mass_message_unknown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_tag_is_looked_up_once_and_sent_to, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_the_tags_a_mass_message_is_certainly_not_sent, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_tag_that_is_gone_is_looked_up_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_unknown_tag_ends_permanent_and_says_which, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_token_dies_between_the_tags_and_their_members, set_up, tear_down),
        cmocka_unit_test_setup_teardown(questions_answer_with_data, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stopping_ends_every_call, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stopping_while_the_token_is_awaited_sends_nothing, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
