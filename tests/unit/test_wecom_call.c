/* SPDX-License-Identifier: Apache-2.0 */
/* Attempts of the three kinds of connection against a platform on the same loop. */
#include <stdio.h>

#include "adapters/wecom/wecom.h"
#include "base/json.h"
#include "support/asserts.h"
#include "support/wecom_world.h"

#define CORP                                                                                                 \
    "{\"kind\":\"wecom\",\"corp_id\":\"ww1234567890abcdef\",\"agent_id\":1000002,\"secret\":\"S+1\","        \
    "\"token\":\"wecomGatewayTok2026\",\"aes_key\":\"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY\","         \
    "\"api_base\":\"BASE\"}"
#define WEBHOOK "{\"kind\":\"wecom-webhook\",\"key\":\"K-1\",\"api_base\":\"BASE/\"}"

#define GETTOKEN "/cgi-bin/gettoken"
#define WELCOME "/cgi-bin/externalcontact/send_welcome_msg"
#define TASK "/cgi-bin/externalcontact/add_msg_template"
#define REFUSED(code) "{\"errcode\":" #code ",\"errmsg\":\"no " #code "\"}"

static struct world w;
static const struct content hello = {.text = STR("hello")};
static const struct recipient xiaomei[] = {{{7}, STR("wmA")}};
static size_t wanted;

static int close_world(void **state)
{
    (void)state;
    world_close(&w);
    return 0;
}

static void open_corp(void)
{
    world_open(&w, &wecom_ops, CORP);
    world_start(&w, NULL);
}

static struct call welcome_call(void)
{
    return (struct call){.op = CALL_WELCOME,
                         .account = STR("zhangsan"),
                         .class = CLASS_WELCOME,
                         .content = &hello,
                         .key = STR("k1"),
                         .code = STR("WC"),
                         .deadline_ms = 5000};
}

static void perform(int64_t id, const struct call *call)
{
    T_OK(w.ops->perform(w.adapter, (struct attempt_id){id}, call, xiaomei, 1));
}

static bool has_dones(struct world *world)
{
    return world->done_count >= wanted;
}

static const struct world_done *run_one(const struct call *call)
{
    size_t before = w.done_count;

    perform((int64_t)before + 1, call);
    T_EQ(w.done_count, before); /* never from inside perform() */
    wanted = before + 1;
    world_run(&w, has_dones);
    T_EQ(w.dones[before].id.v, (int64_t)before + 1);
    return &w.dones[before];
}

static void a_welcome_goes_out_with_a_token(void **state)
{
    struct call call = welcome_call();
    const struct world_done *d;

    (void)state;
    open_corp();
    world_say(&w, GETTOKEN, WORLD_TOKEN);
    world_say(&w, WELCOME, WORLD_OK);
    d = run_one(&call);
    T_EQ(d->facts.outcome, OUTCOME_ACCEPTED);
    T_EQ(d->facts.http, 200);
    T_TRUE(d->facts.bytes_out > 0);
    T_STR(world_request(&w, GETTOKEN, 0)->query, "corpid=ww1234567890abcdef&corpsecret=S%2B1");
    T_STR(world_request(&w, WELCOME, 0)->query, "access_token=AT");
    T_STR(world_request(&w, WELCOME, 0)->body, "{\"welcome_code\":\"WC\",\"text\":{\"content\":\"hello\"}}");
}

static void many_calls_wait_for_one_token(void **state)
{
    struct call call = welcome_call();

    (void)state;
    open_corp();
    world_say(&w, GETTOKEN, WORLD_TOKEN);
    world_say(&w, WELCOME, WORLD_OK);
    for (int i = 0; i < 20; i++)
        perform(i + 1, &call);
    wanted = 20;
    world_run(&w, has_dones);
    T_EQ(world_requests(&w, GETTOKEN), 1);
    T_EQ(world_requests(&w, WELCOME), 20);
}

static void an_expired_token_is_fetched_once_by_all_parallel_calls(void **state)
{
    struct call call = welcome_call();

    (void)state;
    open_corp();
    world_say(&w, GETTOKEN, WORLD_TOKEN);
    world_say(&w, GETTOKEN, "{\"errcode\":0,\"access_token\":\"AT2\",\"expires_in\":7200}");
    for (int i = 0; i < 8; i++)
        world_say(&w, WELCOME, i % 2 ? REFUSED(42001) : REFUSED(40014));
    world_say(&w, WELCOME, WORLD_OK);
    for (int i = 0; i < 8; i++)
        perform(i + 1, &call);
    wanted = 8;
    world_run(&w, has_dones);
    T_EQ(world_requests(&w, GETTOKEN), 2);
    T_EQ(world_requests(&w, WELCOME), 16);
    T_STR(world_request(&w, WELCOME, 15)->query, "access_token=AT2");
    for (size_t i = 0; i < 8; i++)
        T_EQ(w.dones[i].facts.outcome, OUTCOME_ACCEPTED);
}

static void a_token_refused_twice_is_not_fetched_a_third_time(void **state)
{
    struct call call = welcome_call();
    const struct world_done *d;

    (void)state;
    open_corp();
    world_say(&w, GETTOKEN, WORLD_TOKEN);
    world_say(&w, WELCOME, REFUSED(42001));
    d = run_one(&call);
    T_EQ(d->facts.errcode, 42001);
    T_TRUE(d->facts.outcome == OUTCOME_NOT_SENT || d->facts.outcome == OUTCOME_PERMANENT);
    T_EQ(world_requests(&w, GETTOKEN), 2);
    T_EQ(world_requests(&w, WELCOME), 2);
}

static void a_late_refusal_of_the_old_token_spares_the_new_one(void **state)
{
    struct call call = welcome_call();

    (void)state;
    open_corp();
    world_say(&w, GETTOKEN, WORLD_TOKEN);
    world_say(&w, GETTOKEN, "{\"errcode\":0,\"access_token\":\"AT2\",\"expires_in\":7200}");
    world_say(&w, WELCOME, WORLD_HANG);
    world_say(&w, WELCOME, REFUSED(42001));
    world_say(&w, WELCOME, WORLD_OK);
    perform(1, &call);
    world_run_ms(&w, 100);
    perform(2, &call);
    wanted = 1;
    world_run(&w, has_dones);
    T_EQ(w.dones[0].id.v, 2);
    world_answer_hung(&w, REFUSED(42001));
    wanted = 2;
    world_run(&w, has_dones);
    T_EQ(w.dones[1].facts.outcome, OUTCOME_ACCEPTED);
    T_EQ(world_requests(&w, GETTOKEN), 2);
}

static bool has_two_tokens(struct world *world)
{
    return world_requests(world, GETTOKEN) >= 2;
}

static void an_old_token_still_serves_while_the_next_is_fetched(void **state)
{
    struct call call = welcome_call();

    (void)state;
    open_corp();
    world_say(&w, GETTOKEN, WORLD_TOKEN);
    world_say(&w, GETTOKEN, WORLD_HANG);
    world_say(&w, WELCOME, WORLD_OK);
    (void)run_one(&call);
    clock_advance(&w.clock, INT64_C(6899) * 1000);
    (void)run_one(&call);
    T_EQ(world_requests(&w, GETTOKEN), 1);
    clock_advance(&w.clock, 2000);
    T_EQ(run_one(&call)->facts.outcome, OUTCOME_ACCEPTED);
    world_run(&w, has_two_tokens);
    T_EQ(world_requests(&w, GETTOKEN), 2);
}

static void a_dead_token_is_not_used(void **state)
{
    struct call call = welcome_call();

    (void)state;
    open_corp();
    world_say(&w, GETTOKEN, WORLD_TOKEN);
    world_say(&w, GETTOKEN, "{\"errcode\":0,\"access_token\":\"AT2\",\"expires_in\":7200}");
    world_say(&w, WELCOME, WORLD_OK);
    (void)run_one(&call);
    clock_advance(&w.clock, INT64_C(7200) * 1000);
    (void)run_one(&call);
    T_STR(world_request(&w, WELCOME, 1)->query, "access_token=AT2");
}

static void a_wrong_secret_alerts_once_and_is_not_tried_again_for_ten_minutes(void **state)
{
    struct call call = welcome_call();
    const struct world_done *d;

    (void)state;
    open_corp();
    world_say(&w, GETTOKEN, REFUSED(40001));
    world_say(&w, GETTOKEN, WORLD_TOKEN);
    world_say(&w, WELCOME, WORLD_OK);
    d = run_one(&call);
    T_EQ(d->facts.outcome, OUTCOME_NOT_SENT);
    T_EQ(d->facts.errcode, 40001);
    T_EQ(d->facts.bytes_out, 0);
    T_EQ(d->facts.retry_ms, 600000);
    T_EQ(w.alert_count, 1);
    T_STR(w.alert, "wecom: credentials refused: no 40001");
    clock_advance(&w.clock, 599000);
    d = run_one(&call);
    T_EQ(d->facts.retry_ms, 1000);
    T_EQ(world_requests(&w, GETTOKEN), 1);
    T_EQ(w.alert_count, 1);
    clock_advance(&w.clock, 1000);
    T_EQ(run_one(&call)->facts.outcome, OUTCOME_ACCEPTED);
}

static void an_untrusted_address_alerts_with_the_message(void **state)
{
    struct call call = welcome_call();
    const struct world_done *d;

    (void)state;
    open_corp();
    world_say(&w, GETTOKEN, WORLD_TOKEN);
    world_say(&w, WELCOME,
              "{\"errcode\":60020,\"errmsg\":\"not allow to access from your ip, from ip: 1.2.3.4\"}");
    d = run_one(&call);
    T_EQ(d->facts.errcode, 60020);
    T_EQ(d->facts.outcome, OUTCOME_NOT_SENT);
    (void)run_one(&call);
    T_EQ(w.alert_count, 1);
    T_STR(w.alert, "wecom: refused with 60020: not allow to access from your ip, from ip: 1.2.3.4");
}

static void a_code_that_is_being_distributed_is_asked_again_inside_the_attempt(void **state)
{
    struct call call = welcome_call();
    const struct world_done *d;

    (void)state;
    open_corp();
    world_say(&w, GETTOKEN, WORLD_TOKEN);
    world_say(&w, WELCOME, REFUSED(41096));
    world_say(&w, WELCOME, REFUSED(41096));
    world_say(&w, WELCOME, WORLD_OK);
    d = run_one(&call);
    T_EQ(d->facts.outcome, OUTCOME_ACCEPTED);
    T_EQ(d->facts.errcode, 0);
    T_EQ(world_requests(&w, WELCOME), 3);
}

static void a_code_is_asked_for_six_times_at_most(void **state)
{
    struct call call = welcome_call();
    const struct world_done *d;

    (void)state;
    open_corp();
    world_say(&w, GETTOKEN, WORLD_TOKEN);
    world_say(&w, WELCOME, REFUSED(41096));
    d = run_one(&call);
    T_EQ(d->facts.errcode, 41096);
    T_EQ(world_requests(&w, WELCOME), 6);
    call.deadline_ms = 400; /* too little time for many */
    d = run_one(&call);
    T_EQ(d->facts.errcode, 41096);
    T_TRUE(world_requests(&w, WELCOME) <= 6 + 3);
}

static void a_welcome_of_another_app_ends_the_attempt(void **state)
{
    struct call call = welcome_call();
    const struct world_done *d;

    (void)state;
    open_corp();
    world_say(&w, GETTOKEN, WORLD_TOKEN);
    world_say(&w, WELCOME, REFUSED(41051));
    d = run_one(&call);
    T_EQ(d->facts.errcode, 41051);
    T_EQ(d->facts.outcome, rulepack_code(w.rules, "wecom", CALL_WELCOME, 41051)->outcome);
    T_STR(d->error, "no 41051");
}

static void what_was_processed_without_an_answer_is_unknown_and_not_repeated(void **state)
{
    struct call call = welcome_call();
    const struct world_done *d;

    (void)state;
    open_corp();
    world_say(&w, GETTOKEN, WORLD_TOKEN);
    world_say(&w, WELCOME, WORLD_OK);
    world_say(&w, WELCOME, WORLD_DROP);
    (void)run_one(&call);
    d = run_one(&call); /* on the kept connection */
    T_EQ(d->facts.outcome, OUTCOME_UNKNOWN);
    T_TRUE(d->facts.bytes_out > 0);
    T_EQ(world_requests(&w, WELCOME), 2);
}

static void answers_that_are_none_are_unknown(void **state)
{
    struct call call = welcome_call();

    (void)state;
    open_corp();
    world_say(&w, GETTOKEN, WORLD_TOKEN);
    world_say_status(&w, WELCOME, 500, WORLD_OK);
    world_say_status(&w, WELCOME, 429, "");
    world_say_status(&w, WELCOME, 302, WORLD_OK);
    world_say(&w, WELCOME, "<html>");
    world_say(&w, WELCOME, "{\"errmsg\":\"ok\"}");
    for (int i = 0; i < 5; i++)
        T_EQ(run_one(&call)->facts.outcome, OUTCOME_UNKNOWN);
    T_EQ(w.dones[0].facts.http, 500);
}

static void a_deadline_without_token_is_not_sent_and_without_answer_unknown(void **state)
{
    struct call call = welcome_call();

    (void)state;
    open_corp();
    call.deadline_ms = 200;
    world_say(&w, GETTOKEN, WORLD_HANG);
    T_EQ(run_one(&call)->facts.outcome, OUTCOME_NOT_SENT);
    T_EQ(w.dones[0].facts.bytes_out, 0);
}

static void no_answer_in_time_is_unknown(void **state)
{
    struct call call = welcome_call();

    (void)state;
    open_corp();
    world_say(&w, GETTOKEN, WORLD_TOKEN);
    world_say(&w, WELCOME, WORLD_HANG);
    call.deadline_ms = 300;
    T_EQ(run_one(&call)->facts.outcome, OUTCOME_UNKNOWN);
    T_TRUE(w.dones[0].facts.bytes_out > 0);
}

static void a_platform_that_is_away_got_nothing(void **state)
{
    struct call call = welcome_call();

    (void)state;
    world_open(&w, &wecom_webhook_ops,
               "{\"kind\":\"wecom-webhook\",\"key\":\"K\",\"api_base\":\"http://127.0.0.1:1\"}");
    world_start(&w, NULL);
    call.op = CALL_GROUP;
    T_EQ(run_one(&call)->facts.outcome, OUTCOME_NOT_SENT);
    T_EQ(w.dones[0].facts.bytes_out, 0);
}

static void a_message_that_can_never_be_sent_ends_without_a_byte(void **state)
{
    struct content empty = {.text = STR("")};
    struct call call = welcome_call();
    const struct world_done *d;

    (void)state;
    open_corp();
    world_say(&w, GETTOKEN, WORLD_TOKEN);
    call.content = &empty;
    d = run_one(&call);
    T_EQ(d->facts.outcome, OUTCOME_PERMANENT);
    T_EQ(d->facts.bytes_out, 0);
    T_STR(d->error, "the message is empty");
    T_EQ(world_requests(&w, WELCOME), 0);
    call.op = CALL_MASS;
    T_ERR(w.ops->perform(w.adapter, (struct attempt_id){9}, &call, xiaomei, 1), ERR_UNSUPPORTED);
}

static void a_task_comes_back_with_its_id_and_failures(void **state)
{
    struct call call = welcome_call();
    const struct world_done *d;

    (void)state;
    open_corp();
    world_say(&w, GETTOKEN, WORLD_TOKEN);
    world_say(&w, TASK, "{\"errcode\":0,\"errmsg\":\"ok\",\"fail_list\":[\"wmA\"],\"msgid\":\"msgX\"}");
    call.op = CALL_TASK;
    d = run_one(&call);
    T_EQ(d->facts.outcome, OUTCOME_TASK);
    T_STR(d->provider_id, "msgX");
    T_EQ(d->facts.item_count, 1);
    T_EQ(d->items[0].id.v, 7);
    T_EQ(d->items[0].outcome, OUTCOME_PERMANENT);
}

static void a_poll_reads_all_pages_in_one_attempt(void **state)
{
    struct call call = {
        .op = CALL_TASK_RESULT, .account = STR("zhangsan"), .handle = STR("m"), .deadline_ms = 5000};
    const struct world_done *d;

    (void)state;
    open_corp();
    world_say(&w, GETTOKEN, WORLD_TOKEN);
    world_say(
        &w, "/cgi-bin/externalcontact/get_groupmsg_send_result",
        "{\"errcode\":0,\"next_cursor\":\"C\",\"send_list\":[{\"external_userid\":\"wmA\",\"status\":1}]}");
    world_say(&w, "/cgi-bin/externalcontact/get_groupmsg_send_result",
              "{\"errcode\":0,\"send_list\":[{\"external_userid\":\"wmB\",\"status\":3}]}");
    d = run_one(&call);
    T_EQ(d->facts.outcome, OUTCOME_ACCEPTED);
    T_EQ(d->facts.item_count, 2);
    T_EQ(d->items[0].outcome, OUTCOME_DELIVERED);
    T_EQ(d->items[1].outcome, OUTCOME_LIMITED);
    T_EQ(json_int(d->data, "pages", 0), 2);
}

static void stopping_ends_every_call_once(void **state)
{
    struct call call = welcome_call();

    (void)state;
    open_corp();
    world_say(&w, GETTOKEN, WORLD_TOKEN);
    world_say(&w, WELCOME, REFUSED(41096));
    world_say(&w, WELCOME, WORLD_HANG);
    perform(1, &call);
    world_run_ms(&w, 50);
    perform(2, &call);
    world_run_ms(&w, 50);
    world_stop(&w);
    T_EQ(w.done_count, 2);
    for (size_t i = 0; i < 2; i++)
        T_EQ(w.dones[i].facts.outcome, w.dones[i].id.v == 1 ? OUTCOME_NOT_SENT : OUTCOME_UNKNOWN);
    T_ERR(w.ops->perform(w.adapter, (struct attempt_id){3}, &call, xiaomei, 1), ERR_CLOSED);
}

static void stopping_ends_calls_that_wait_for_a_token(void **state)
{
    struct call call = welcome_call();

    (void)state;
    open_corp();
    world_say(&w, GETTOKEN, WORLD_HANG);
    perform(1, &call);
    world_run_ms(&w, 50);
    world_stop(&w);
    T_EQ(w.done_count, 1);
    T_EQ(w.dones[0].facts.outcome, OUTCOME_NOT_SENT);
}

static void a_webhook_needs_its_key_only(void **state)
{
    struct call call = welcome_call();
    const struct world_done *d;

    (void)state;
    world_open(&w, &wecom_webhook_ops, WEBHOOK);
    world_start(&w, NULL);
    world_say(&w, "/cgi-bin/webhook/send", WORLD_OK);
    world_say(&w, "/cgi-bin/webhook/send", REFUSED(45009));
    world_say(&w, "/cgi-bin/webhook/send", REFUSED(93000));
    call.op = CALL_GROUP;
    T_EQ(run_one(&call)->facts.outcome, OUTCOME_ACCEPTED);
    T_STR(world_request(&w, "/cgi-bin/webhook/send", 0)->query, "key=K-1");
    d = run_one(&call);
    T_EQ(d->facts.outcome, OUTCOME_LIMITED);
    d = run_one(&call);
    T_EQ(d->facts.outcome, OUTCOME_PERMANENT);
    T_TRUE(!d->facts.freeze);
}

static void a_banned_robot_freezes_its_account(void **state)
{
    struct call call = welcome_call();

    (void)state;
    world_open(&w, &wecom_webhook_ops, WEBHOOK);
    world_start(&w, NULL);
    world_say(&w, "/cgi-bin/webhook/send", REFUSED(93004));
    call.op = CALL_GROUP;
    T_TRUE(run_one(&call)->facts.freeze);
}

static void each_failing_allocation_leaves_no_call_behind(void **state)
{
    struct call call = welcome_call();
    bool hit = true;

    (void)state;
    open_corp();
    world_say(&w, GETTOKEN, WORLD_TOKEN);
    world_say(&w, WELCOME, WORLD_OK);
    (void)run_one(&call);
    for (int n = 1; hit && n < 100; n++) {
        int r;

        mem_fail_at(n);
        r = w.ops->perform(w.adapter, (struct attempt_id){100 + n}, &call, xiaomei, 1);
        hit = mem_fault_hit();
        mem_fail_at(0);
        T_TRUE(r == 0 || (hit && r == -ENOMEM));
        wanted = w.done_count + (r == 0);
        world_run(&w, has_dones);
        if (r == 0)
            T_EQ(w.dones[w.done_count - 1].facts.outcome, hit ? OUTCOME_NOT_SENT : OUTCOME_ACCEPTED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_welcome_goes_out_with_a_token, close_world),
        cmocka_unit_test_teardown(many_calls_wait_for_one_token, close_world),
        cmocka_unit_test_teardown(an_expired_token_is_fetched_once_by_all_parallel_calls, close_world),
        cmocka_unit_test_teardown(a_token_refused_twice_is_not_fetched_a_third_time, close_world),
        cmocka_unit_test_teardown(a_late_refusal_of_the_old_token_spares_the_new_one, close_world),
        cmocka_unit_test_teardown(an_old_token_still_serves_while_the_next_is_fetched, close_world),
        cmocka_unit_test_teardown(a_dead_token_is_not_used, close_world),
        cmocka_unit_test_teardown(a_wrong_secret_alerts_once_and_is_not_tried_again_for_ten_minutes,
                                  close_world),
        cmocka_unit_test_teardown(an_untrusted_address_alerts_with_the_message, close_world),
        cmocka_unit_test_teardown(a_code_that_is_being_distributed_is_asked_again_inside_the_attempt,
                                  close_world),
        cmocka_unit_test_teardown(a_code_is_asked_for_six_times_at_most, close_world),
        cmocka_unit_test_teardown(a_welcome_of_another_app_ends_the_attempt, close_world),
        cmocka_unit_test_teardown(what_was_processed_without_an_answer_is_unknown_and_not_repeated,
                                  close_world),
        cmocka_unit_test_teardown(answers_that_are_none_are_unknown, close_world),
        cmocka_unit_test_teardown(a_deadline_without_token_is_not_sent_and_without_answer_unknown,
                                  close_world),
        cmocka_unit_test_teardown(no_answer_in_time_is_unknown, close_world),
        cmocka_unit_test_teardown(a_platform_that_is_away_got_nothing, close_world),
        cmocka_unit_test_teardown(a_message_that_can_never_be_sent_ends_without_a_byte, close_world),
        cmocka_unit_test_teardown(a_task_comes_back_with_its_id_and_failures, close_world),
        cmocka_unit_test_teardown(a_poll_reads_all_pages_in_one_attempt, close_world),
        cmocka_unit_test_teardown(stopping_ends_every_call_once, close_world),
        cmocka_unit_test_teardown(stopping_ends_calls_that_wait_for_a_token, close_world),
        cmocka_unit_test_teardown(a_webhook_needs_its_key_only, close_world),
        cmocka_unit_test_teardown(a_banned_robot_freezes_its_account, close_world),
        cmocka_unit_test_teardown(each_failing_allocation_leaves_no_call_behind, close_world),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
