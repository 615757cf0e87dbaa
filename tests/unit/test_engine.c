/* SPDX-License-Identifier: Apache-2.0 */
/* Engine and sender together, on a store of their own and a clock that stands still. */
#include "support/asserts.h"
#include "support/world.h"

static struct world w;

static const char playbook[] =
    "playbook: test\n"
    "brand: 花间集\n"
    "templates:\n"
    "  welcome: {text: \"{{ contact.name | default: '您好' }}，欢迎来到{{ brand }}\"}\n"
    "  answer: {text: \"会员日是周二\"}\n"
    "  broken: {text: \"{% if event.text contains '再来' %}{% assign a = event.text | split: '' %}{% for i in a %}{% for k in a %}{% for m in a %}.{% endfor %}"
    "{% endfor %}{% endfor %}{% else %}好{% endif %}\"}\n"
    "  news: {text: \"会员日开始啦\"}\n"
    "  sale: {sms: {text: \"新店开业，拒收请回复R\", provider_template: SMS_1}}\n"
    "rules:\n"
    "  - {id: hello, on: contact.added, do: [{send: welcome}, {tag: new}]}\n"
    "  - {id: day, on: message.received, from: [kf, brand], keyword: {contains: [会员日]}, do: [{send: answer}]}\n"
    "  - {id: once, on: message.received, from: [kf], keyword: {any: [抽奖]}, cooldown: 1m, do: [{send: answer}]}\n"
    "  - {id: bad, on: message.received, from: [kf], keyword: {prefix: [坏]}, do: [{send: broken}]}\n"
    "  - {id: entered, on: kf.entered, from: [kf], do: [{send: answer}]}\n"
    "broadcasts:\n"
    "  noon: {on: hall, every: {weekday: tue, at: \"12:00\"}, missed: skip, to: {groups: all}, send: news}\n"
    "  tags: {on: corp, at: 2026-12-01T11:00, to: {contacts: {tag: new}}, send: news}\n"
    "  open: {on: sms, at: 2026-12-01T10:30, to: {contacts: {tag: opted-in}}, send: sale, expires: 4h}\n";

static int setup(void **state)
{
    (void)state;
    world_open_engine(&w);
    world_apply(&w, playbook);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_close_engine(&w);
    return 0;
}

static struct event added(const char *customer, const char *code)
{
    static char key[128];

    (void)snprintf(key, sizeof key, "add/%s/%s", customer, code);
    return (struct event){.kind = EVENT_CONTACT_ADDED, .dedupe = str_of(key), .at_ms = clock_wall_ms(&w.clock),
                          .account = STR("zhangsan"), .contact = str_of(customer), .code = str_of(code),
                          .opens_window = false};
}

static struct event said(const char *who, const char *text, const char *id)
{
    return (struct event){.kind = EVENT_MESSAGE_RECEIVED, .dedupe = str_of(id), .at_ms = clock_wall_ms(&w.clock),
                          .contact = str_of(who), .text = str_of(text)};
}

static const struct facts accepted = {.outcome = OUTCOME_ACCEPTED, .bytes_out = 100, .http = 200};
static const struct facts no_answer = {.outcome = OUTCOME_UNKNOWN, .bytes_out = 100};
static const struct facts not_sent = {.outcome = OUTCOME_NOT_SENT};

static void a_new_friend_is_welcomed_once_however_often_the_event_comes(void)
{
    struct event e = added("wm1", "CODE1");

    world_event(&w, "corp", &e);
    T_EQ(world_stored(&w)->err, 0);
    T_EQ(world_orders(&w, CALL_WELCOME), 1);
    T_VIEW(world_order(&w, CALL_WELCOME, 0)->code, "CODE1");
    world_event(&w, "corp", &e);
    T_EQ(world_stored(&w)->err, 0);
    T_EQ(world_orders(&w, CALL_WELCOME), 0);
}

static void half_add_and_full_add_are_one_friend(void)
{
    struct event half = added("wm1", "CODE1"), full = added("wm1", "CODE2");

    world_event(&w, "corp", &half);
    T_EQ(world_orders(&w, CALL_WELCOME), 1);
    full.dedupe = STR("full");
    world_event(&w, "corp", &full);
    T_EQ(world_orders(&w, CALL_WELCOME), 0);
}

static void twins_in_one_batch_are_one_event(void)
{
    struct event e = added("wm1", "CODE1"), two[] = {e, e};

    world_events(&w, "corp", two, 2);
    T_EQ(world_orders(&w, CALL_WELCOME), 1);
}

static void an_accepted_welcome_is_final(void)
{
    struct event e = added("wm1", "CODE1");

    world_event(&w, "corp", &e);
    struct delivery_id id = world_order(&w, CALL_WELCOME, 0)->to[0].id;
    world_facts(&w, world_order(&w, CALL_WELCOME, 0)->id, &accepted);
    T_EQ(world_delivery(&w, id).state, STATE_ACCEPTED);
    T_TRUE(world_delivery(&w, id).final);
}

static void an_unanswered_welcome_is_tried_again_with_the_same_code_and_charged_once(void)
{
    struct event e = added("wm1", "CODE1");

    world_event(&w, "corp", &e);
    struct delivery_id id = world_order(&w, CALL_WELCOME, 0)->to[0].id;
    world_facts(&w, world_order(&w, CALL_WELCOME, 0)->id, &no_answer);
    T_EQ(world_orders(&w, CALL_WELCOME), 0);
    world_tick(&w, 300);
    T_EQ(world_orders(&w, CALL_WELCOME), 1);
    T_VIEW(world_order(&w, CALL_WELCOME, 0)->code, "CODE1");
    world_facts(&w, world_order(&w, CALL_WELCOME, 0)->id,
                &(struct facts){.outcome = OUTCOME_PERMANENT, .bytes_out = 100, .http = 200, .errcode = 41051});
    T_EQ(world_delivery(&w, id).state, STATE_ACCEPTED);
    T_EQ(world_delivery(&w, id).cause, CAUSE_INFERRED);
}

static void a_kf_code_that_our_unanswered_call_used_up_was_accepted(void)
{
    struct event e = {.kind = EVENT_KF_ENTERED, .dedupe = STR("enter1"), .at_ms = clock_wall_ms(&w.clock),
                      .contact = STR("wm1"), .code = STR("KFCODE1")};

    world_event(&w, "kf", &e);
    struct delivery_id id = world_order(&w, CALL_WELCOME, 0)->to[0].id;
    world_facts(&w, world_order(&w, CALL_WELCOME, 0)->id, &no_answer);
    world_tick(&w, 300);
    world_facts(&w, world_order(&w, CALL_WELCOME, 0)->id,
                &(struct facts){.outcome = OUTCOME_LIMITED, .bytes_out = 100, .http = 200, .errcode = 95001});
    T_EQ(world_delivery(&w, id).state, STATE_ACCEPTED);
    T_EQ(world_delivery(&w, id).cause, CAUSE_INFERRED);
}

static void a_code_that_somebody_else_used_fails_and_says_so(void)
{
    struct event e = added("wm1", "CODE1");

    world_event(&w, "corp", &e);
    struct delivery_id id = world_order(&w, CALL_WELCOME, 0)->to[0].id;
    world_facts(&w, world_order(&w, CALL_WELCOME, 0)->id,
                &(struct facts){.outcome = OUTCOME_PERMANENT, .bytes_out = 100, .http = 200, .errcode = 41051});
    T_EQ(world_delivery(&w, id).state, STATE_FAILED);
    T_EQ(world_delivery(&w, id).cause, CAUSE_DONE_ELSEWHERE);
}

static void a_welcome_past_its_code_expires_unsent(void)
{
    struct event e = added("wm1", "CODE1");

    world_event(&w, "corp", &e);
    struct delivery_id id = world_order(&w, CALL_WELCOME, 0)->to[0].id;
    world_facts(&w, world_order(&w, CALL_WELCOME, 0)->id, &not_sent);
    world_tick(&w, 30000);
    T_EQ(world_orders(&w, CALL_WELCOME), 0);
    T_EQ(world_delivery(&w, id).state, STATE_EXPIRED);
}

static void what_is_certainly_unsent_goes_again_later(void)
{
    struct event e = said("wm1", "会员日", "m1");

    world_event(&w, "kf", &e);
    T_EQ(world_orders(&w, CALL_SEND), 1);
    world_facts(&w, world_order(&w, CALL_SEND, 0)->id, &not_sent);
    T_EQ(world_orders(&w, CALL_SEND), 0);
    world_tick(&w, 5000);
    T_EQ(world_orders(&w, CALL_SEND), 1);
}

static void a_reply_without_answer_is_never_sent_again(void)
{
    struct event e = said("wm1", "会员日", "m1");

    world_event(&w, "kf", &e);
    struct delivery_id id = world_order(&w, CALL_SEND, 0)->to[0].id;
    world_facts(&w, world_order(&w, CALL_SEND, 0)->id, &no_answer);
    for (int i = 0; i < 100; i++) {
        world_tick(&w, 60000);
        T_EQ(world_orders(&w, CALL_SEND), 0);
    }
    T_EQ(world_delivery(&w, id).state, STATE_UNKNOWN);
    T_TRUE(world_delivery(&w, id).final);
}

static void a_crash_in_flight_is_an_unknown_outcome_and_not_a_second_send(void)
{
    struct event e = said("wm1", "会员日", "m1");

    world_event(&w, "kf", &e);
    struct delivery_id id = world_order(&w, CALL_SEND, 0)->to[0].id;
    world_crash(&w);
    world_apply(&w, playbook);
    for (int i = 0; i < 10; i++) {
        world_tick(&w, 60000);
        T_EQ(world_orders(&w, CALL_SEND), 0);
    }
    T_EQ(world_delivery(&w, id).state, STATE_UNKNOWN);
}

static void a_crash_after_the_commit_keeps_the_event(void)
{
    struct event e = said("wm1", "会员日", "m1");

    world_event(&w, "kf", &e);
    world_crash(&w);
    world_apply(&w, playbook);
    world_event(&w, "kf", &e);
    T_EQ(world_stored(&w)->err, 0);
    T_EQ(world_orders(&w, CALL_SEND), 0);
}

static void after_an_unclean_stop_events_are_stored_first_and_decided_next(void)
{
    struct event e = said("wm1", "会员日", "m1");

    world_crash(&w);
    world_apply(&w, playbook);
    world_event(&w, "kf", &e);
    T_EQ(world_stored(&w)->err, 0);
    size_t sent = world_orders(&w, CALL_SEND);
    for (int i = 0; i < 5; i++) {
        world_tick(&w, 10);
        sent += world_orders(&w, CALL_SEND);
    }
    T_EQ(sent, 1);
}

static void after_an_unclean_stop_half_add_and_full_add_are_still_one_friend(void)
{
    struct event half = added("wm1", "CODE1"), full;
    size_t sent = 0;

    world_crash(&w);
    world_apply(&w, playbook);
    world_event(&w, "corp", &half);
    for (int i = 0; i < 5; i++) {
        sent += world_orders(&w, CALL_WELCOME);
        world_tick(&w, 10);
    }
    T_EQ(sent, 1);
    full = added("wm1", "CODE2");
    world_event(&w, "corp", &full);
    for (int i = 0; i < 5; i++) {
        T_EQ(world_orders(&w, CALL_WELCOME), 0);
        world_tick(&w, 10);
    }
}

static void one_event_that_cannot_be_decided_does_not_take_its_batch_along(void)
{
    struct event three[] = {said("wm1", "会员日", "m1"), said("wm2", "坏再来一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十", "m2"), said("wm3", "会员日", "m3")};
    struct state_counts counts;

    world_events(&w, "kf", three, 3);
    T_EQ(world_stored(&w)->err, 0);
    T_EQ(world_orders(&w, CALL_SEND), 2);
    T_OK(store_load_counts(w.store, &counts));
    T_EQ(counts.events[EVENT_UNDECIDED], 1);
    T_EQ(counts.events[EVENT_DECIDED], 2);
}

static void a_passive_reply_is_the_same_on_each_retry_and_never_active_too(void)
{
    struct event e = said("o1", "会员日", "m1");
    char first[512];

    e.passive = true;
    world_event(&w, "brand", &e);
    T_TRUE(world_stored(&w)->has_content);
    (void)snprintf(first, sizeof first, "%.*s", STR_ARG(world_stored(&w)->content));
    T_EQ(world_orders(&w, CALL_OP_COUNT), 0);
    for (int i = 0; i < 2; i++) {
        clock_advance(&w.clock, 5000);
        world_event(&w, "brand", &e);
        T_VIEW(world_stored(&w)->content, first);
        T_EQ(world_orders(&w, CALL_OP_COUNT), 0);
    }
    T_EQ(world_count(&w, STATE_IN_FLIGHT), 1);
    world_tick(&w, 21000);
    T_EQ(world_count(&w, STATE_ACCEPTED), 1);
}

static void a_retry_starts_the_silence_after_a_passive_reply_anew(void)
{
    struct event e = said("o1", "会员日", "m1");

    e.passive = true;
    world_event(&w, "brand", &e);
    clock_advance(&w.clock, 15000);
    world_event(&w, "brand", &e);
    world_tick(&w, 15000);
    T_EQ(world_count(&w, STATE_IN_FLIGHT), 1);
    world_tick(&w, 6000);
    T_EQ(world_count(&w, STATE_ACCEPTED), 1);
}

static void a_decision_that_comes_late_answers_actively(void)
{
    struct event e = said("o1", "会员日", "m1");
    struct list ops;

    e.passive = true;
    list_init(&ops);
    list_add_tail(&ops, &world_inbound(&w, "brand", &e, 1)->node);
    clock_advance(&w.clock, 4500);
    T_OK(world_try(&w, &ops, 0));
    T_TRUE(!world_stored(&w)->has_content);
    T_EQ(world_orders(&w, CALL_SEND), 1);
}

static void a_rule_rests_for_one_person_only(void)
{
    struct event a = said("wm1", "抽奖", "m1"), b = said("wm1", "抽奖", "m2"), c = said("wm2", "抽奖", "m3");

    world_event(&w, "kf", &a);
    T_EQ(world_orders(&w, CALL_SEND), 1);
    world_event(&w, "kf", &b);
    T_EQ(world_orders(&w, CALL_SEND), 0);
    world_event(&w, "kf", &c);
    T_EQ(world_orders(&w, CALL_SEND), 1);
    clock_advance(&w.clock, 61000);
    b.dedupe = STR("m4");
    world_event(&w, "kf", &b);
    T_EQ(world_orders(&w, CALL_SEND), 1);
}

static void the_sixth_answer_to_one_message_is_held_until_the_customer_speaks_again(void)
{
    struct event five[5], more = said("wm1", "会员日", "n1");
    static const char *const ids[] = {"m1", "m2", "m3", "m4", "m5"};
    int64_t start = clock_wall_ms(&w.clock);

    for (size_t i = 0; i < 5; i++) { /* all of one moment: one window */
        five[i] = said("wm1", "会员日", ids[i]);
        world_event(&w, "kf", &five[i]);
        T_EQ(world_orders(&w, CALL_SEND), 1);
        world_facts(&w, world_order(&w, CALL_SEND, 0)->id, &accepted);
    }
    more.at_ms = start;
    world_event(&w, "kf", &more);
    T_EQ(world_orders(&w, CALL_SEND), 0);
    T_EQ(world_count(&w, STATE_HELD), 1);
    clock_advance(&w.clock, 60000);
    struct event again = said("wm1", "你好", "n2");
    world_event(&w, "kf", &again);
    size_t sent = world_orders(&w, CALL_SEND);
    world_tick(&w, 1);
    T_EQ(sent + world_orders(&w, CALL_SEND), 1);
}

static void a_weekly_broadcast_goes_out_at_its_slot_and_once(void)
{
    size_t sent = 0;

    world_tick(&w, 7190000);
    T_EQ(world_orders(&w, CALL_GROUP), 0);
    for (int i = 0; i < 600; i++) {
        world_tick(&w, 1000);
        sent += world_orders(&w, CALL_GROUP);
        if (world_order(&w, CALL_GROUP, 0))
            world_facts(&w, world_order(&w, CALL_GROUP, 0)->id, &accepted);
    }
    T_EQ(sent, 1);
    T_EQ(world_count(&w, STATE_ACCEPTED), 1);
}

static void a_missed_slot_is_skipped(void)
{
    world_tick(&w, 4 * 3600000);
    world_tick(&w, 1000);
    T_EQ(world_orders(&w, CALL_GROUP), 0);
}

/* Friends of zhang who carry the tag, as a task that zhang confirms. */
static const struct reply_perform *run_task_broadcast(void)
{
    struct event a = added("wm1", "C1"), b;

    world_event(&w, "corp", &a);
    world_facts(&w, world_order(&w, CALL_WELCOME, 0)->id, &accepted);
    b = added("wm2", "C2");
    world_event(&w, "corp", &b);
    world_facts(&w, world_order(&w, CALL_WELCOME, 0)->id, &accepted);
    clock_advance(&w.clock, 3600000);
    for (int i = 0; i < 50 && !world_order(&w, CALL_TASK, 0); i++)
        world_tick(&w, 1000);
    return world_order(&w, CALL_TASK, 0);
}

static void a_task_carries_all_friends_in_one_call(void)
{
    const struct reply_perform *task = run_task_broadcast();

    T_TRUE(task != NULL);
    T_EQ(task->count, 2);
    T_VIEW(task->account_external, "zhangsan");
}

static void a_task_that_nobody_confirms_ends_not_confirmed_and_gives_its_charge_back(void)
{
    const struct reply_perform *task = run_task_broadcast();
    struct attempt_id id = task->id;
    struct delivery_id first = task->to[0].id;
    bool cancelled = false;

    world_facts(&w, id, &(struct facts){.outcome = OUTCOME_TASK, .bytes_out = 9, .http = 200, .provider_id = STR("msg1")});
    T_EQ(world_count(&w, STATE_AWAITING_CONFIRM), 2);
    for (int i = 0; i < 5000 && world_count(&w, STATE_AWAITING_CONFIRM); i++) {
        world_tick(&w, 10000);
        const struct reply_perform *poll = world_order(&w, CALL_OP_COUNT, 0);
        cancelled = cancelled || (poll && poll->op == CALL_CANCEL_TASK);
        if (poll)
            world_facts(&w, poll->id, &accepted);
    }
    T_TRUE(cancelled);
    T_EQ(world_delivery(&w, first).state, STATE_EXPIRED);
    T_EQ(world_delivery(&w, first).cause, CAUSE_NOT_CONFIRMED);
}

static void a_task_result_settles_each_recipient(void)
{
    const struct reply_perform *task = run_task_broadcast();
    struct attempt_id id = task->id;
    struct item_result items[] = {{.to = STR("wm1"), .outcome = OUTCOME_DELIVERED},
                                  {.to = STR("wm2"), .outcome = OUTCOME_LIMITED, .errcode = 3}};

    world_facts(&w, id, &(struct facts){.outcome = OUTCOME_TASK, .bytes_out = 9, .http = 200, .provider_id = STR("msg1")});
    for (int i = 0; i < 100 && !world_order(&w, CALL_TASK_RESULT, 0); i++)
        world_tick(&w, 1000);
    T_TRUE(world_order(&w, CALL_TASK_RESULT, 0) != NULL);
    T_VIEW(world_order(&w, CALL_TASK_RESULT, 0)->handle, "msg1");
    world_facts(&w, world_order(&w, CALL_TASK_RESULT, 0)->id,
                &(struct facts){.outcome = OUTCOME_ACCEPTED, .bytes_out = 9, .http = 200, .items = items, .item_count = 2});
    T_EQ(world_count(&w, STATE_DELIVERED), 1);
    T_EQ(world_count(&w, STATE_FAILED), 1);
    T_EQ(world_count(&w, STATE_AWAITING_CONFIRM), 0);
}

static void a_lost_friend_gets_nothing_that_is_still_queued(void)
{
    struct event e = added("wm1", "C1"), lost = {.kind = EVENT_CONTACT_LOST, .dedupe = STR("lost"),
                                                 .account = STR("zhangsan"), .contact = STR("wm1")};

    world_event(&w, "corp", &e);
    struct delivery_id id = world_order(&w, CALL_WELCOME, 0)->to[0].id;
    world_facts(&w, world_order(&w, CALL_WELCOME, 0)->id, &not_sent); /* back in the queue */
    world_event(&w, "corp", &lost);
    T_EQ(world_delivery(&w, id).state, STATE_SUPPRESSED);
    T_EQ(world_delivery(&w, id).cause, CAUSE_NOT_A_FRIEND);
}

/* Whatever store call fails, the batch leaves nothing behind and the next one succeeds. */
static void a_batch_that_fails_anywhere_leaves_nothing_and_can_be_repeated(void)
{
    bool hit = true;
    int rounds = 0;

    for (int n = 1; hit; n++, rounds++) {
        char id[32], customer[32];
        struct list ops;
        (void)snprintf(id, sizeof id, "m%d", n);
        (void)snprintf(customer, sizeof customer, "wmf%d", n);
        struct event e = said(customer, "会员日", id);
        int64_t before = world_count(&w, STATE_IN_FLIGHT);
        list_init(&ops);
        list_add_tail(&ops, &world_inbound(&w, "kf", &e, 1)->node);
        int err = world_try(&w, &ops, n);
        hit = err != 0;
        T_EQ(world_stored(&w)->err, err);
        T_EQ(world_count(&w, STATE_IN_FLIGHT), hit ? before : before + 1);
        struct attempt_id sent = hit ? (struct attempt_id){0} : world_order(&w, CALL_SEND, 0)->id;
        world_event(&w, "kf", &e); /* the platform sends it again */
        T_EQ(world_stored(&w)->err, 0);
        T_EQ(world_orders(&w, CALL_SEND), hit);
        T_EQ(world_count(&w, STATE_IN_FLIGHT), before + 1);
        world_facts(&w, hit ? world_order(&w, CALL_SEND, 0)->id : sent, &accepted);
        T_EQ(world_count(&w, STATE_IN_FLIGHT), before);
    }
    T_TRUE(rounds > 20);
}

int main(void)
{
    struct CMUnitTest tests[] = {
        T_CASE(a_new_friend_is_welcomed_once_however_often_the_event_comes),
        T_CASE(half_add_and_full_add_are_one_friend),
        T_CASE(twins_in_one_batch_are_one_event),
        T_CASE(an_accepted_welcome_is_final),
        T_CASE(an_unanswered_welcome_is_tried_again_with_the_same_code_and_charged_once),
        T_CASE(a_kf_code_that_our_unanswered_call_used_up_was_accepted),
        T_CASE(a_code_that_somebody_else_used_fails_and_says_so),
        T_CASE(a_welcome_past_its_code_expires_unsent),
        T_CASE(what_is_certainly_unsent_goes_again_later),
        T_CASE(a_reply_without_answer_is_never_sent_again),
        T_CASE(a_crash_in_flight_is_an_unknown_outcome_and_not_a_second_send),
        T_CASE(a_crash_after_the_commit_keeps_the_event),
        T_CASE(after_an_unclean_stop_events_are_stored_first_and_decided_next),
        T_CASE(after_an_unclean_stop_half_add_and_full_add_are_still_one_friend),
        T_CASE(one_event_that_cannot_be_decided_does_not_take_its_batch_along),
        T_CASE(a_passive_reply_is_the_same_on_each_retry_and_never_active_too),
        T_CASE(a_retry_starts_the_silence_after_a_passive_reply_anew),
        T_CASE(a_decision_that_comes_late_answers_actively),
        T_CASE(a_rule_rests_for_one_person_only),
        T_CASE(the_sixth_answer_to_one_message_is_held_until_the_customer_speaks_again),
        T_CASE(a_weekly_broadcast_goes_out_at_its_slot_and_once),
        T_CASE(a_missed_slot_is_skipped),
        T_CASE(a_task_carries_all_friends_in_one_call),
        T_CASE(a_task_that_nobody_confirms_ends_not_confirmed_and_gives_its_charge_back),
        T_CASE(a_task_result_settles_each_recipient),
        T_CASE(a_lost_friend_gets_nothing_that_is_still_queued),
        T_CASE(a_batch_that_fails_anywhere_leaves_nothing_and_can_be_repeated),
    };

    for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
        tests[i].setup_func = setup;
        tests[i].teardown_func = teardown;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
