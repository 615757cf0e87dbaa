/* SPDX-License-Identifier: Apache-2.0 */
/* Where engine and sender meet the rare: limits that go, accounts that freeze, answers that come late or
 * never. */
#include "engine/engine_private.h"
#include "limits/quota.h"
#include "store/reader.h"
#include "support/asserts.h"
#include "support/world.h"

static struct world w;

#define PLAYBOOK                                                                                             \
    "playbook: edges\n"                                                                                      \
    "templates:\n"                                                                                           \
    "  answer: {text: \"会员日是周二\"}\n"                                                             \
    "  news: {text: \"会员日开始啦\"}\n"                                                               \
    "rules:\n"                                                                                               \
    "  - {id: hello, on: contact.added, do: [{send: answer}, {tag: new}]}\n"                                 \
    "  - {id: day, on: message.received, from: [kf, brand], keyword: {contains: [会员日]}, do: [{send: "  \
    "answer}]}\n"                                                                                            \
    "  - {id: entered, on: kf.entered, from: [kf], do: [{send: answer}]}\n"

static const char playbook[] = PLAYBOOK
    "broadcasts:\n"
    "  noon: {on: hall, every: {weekday: tue, at: \"12:00\"}, missed: once, to: {groups: all}, send: news}\n"
    "  tags: {on: corp, at: 2026-12-01T11:00, to: {contacts: {tag: new}}, send: news}\n";

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

/* ---- the cast speaks ---- */

static const struct facts accepted = {.outcome = OUTCOME_ACCEPTED, .bytes_out = 100, .http = 200};
static const struct facts no_answer = {.outcome = OUTCOME_UNKNOWN, .bytes_out = 100};
static const struct facts not_sent = {.outcome = OUTCOME_NOT_SENT};

static void added(const char *customer, const char *code)
{
    char key[128];

    (void)snprintf(key, sizeof key, "add/%s/%s", customer, code);
    world_event(&w, "corp",
                &(struct event){.kind = EVENT_CONTACT_ADDED,
                                .dedupe = str_of(key),
                                .at_ms = clock_wall_ms(&w.clock),
                                .account = STR("zhangsan"),
                                .contact = str_of(customer),
                                .code = str_of(code)});
}

static void said(const char *connection, const char *who, const char *id)
{
    world_event(&w, connection,
                &(struct event){.kind = EVENT_MESSAGE_RECEIVED,
                                .dedupe = str_of(id),
                                .at_ms = clock_wall_ms(&w.clock),
                                .contact = str_of(who),
                                .text = STR("会员日")});
}

static struct attempt_id order_of(enum call_op op)
{
    T_TRUE(world_order(&w, op, 0) != NULL);
    return world_order(&w, op, 0)->id;
}

static struct delivery_id sent_with(enum call_op op)
{
    T_TRUE(world_order(&w, op, 0) != NULL);
    return world_order(&w, op, 0)->to[0].id;
}

/* Nobody confirms the task of these friends. */
static struct attempt_id task_of_two(void)
{
    added("wm1", "C1");
    world_facts(&w, order_of(CALL_WELCOME), &accepted);
    added("wm2", "C2");
    world_facts(&w, order_of(CALL_WELCOME), &accepted);
    clock_advance(&w.clock, 3600000);
    for (int i = 0; i < 50 && !world_order(&w, CALL_TASK, 0); i++)
        world_tick(&w, 1000);
    struct attempt_id id = order_of(CALL_TASK);
    world_facts(
        &w, id,
        &(struct facts){.outcome = OUTCOME_TASK, .bytes_out = 9, .http = 200, .provider_id = STR("msg1")});
    T_EQ(world_count(&w, STATE_AWAITING_CONFIRM), 2);
    return id;
}

/* ---- what is charged ---- */

static int64_t amount_of(void *ctx, int32_t limit, int64_t cell)
{
    (void)ctx, (void)limit;
    return cell == 0 ? -1 : INT64_MAX; /* cell 0 is pace */
}

static void on_violation(void *ctx, const char *text)
{
    (void)ctx;
    print_error("%s\n", text);
}

static void books_are_clean(void)
{
    struct verify_hooks hooks = {NULL, amount_of, on_violation};
    struct verify_totals totals;
    struct reader *r;
    struct diag diag;

    diag_init(&diag, 10);
    T_OK(reader_open(w.dir, &r, &diag));
    T_OK(reader_verify(r, &hooks, &totals));
    T_EQ(totals.violations, 0);
    reader_close(r);
    diag_fini(&diag);
}

/* Units of this delivery that no window has settled. */
static int64_t open_units(struct delivery_id id)
{
    struct claim_row *rows;
    struct arena a;
    size_t n;
    int64_t units = 0;

    arena_init(&a, 1 << 20);
    T_OK(store_load_claims(w.store, &id.v, 1, &a, &rows, &n));
    for (size_t i = 0; i < n; i++)
        units += rows[i].units;
    arena_fini(&a);
    return units;
}

static const char with_reply_limit[] = PLAYBOOK "limits:\n  recipient: {day: 3, classes: [reply]}\n";
static const char with_gap[] = PLAYBOOK "limits:\n  account: {gap: 5s, classes: [reply]}\n";

static void a_limit_that_is_gone_does_not_keep_an_outcome_from_being_recorded(void)
{
    world_apply(&w, with_reply_limit);
    said("kf", "wm1", "m1");
    struct attempt_id id = order_of(CALL_SEND);
    struct delivery_id to = sent_with(CALL_SEND);
    T_TRUE(open_units(to) > 0);
    world_apply(&w, playbook);
    world_facts(&w, id, &not_sent);
    T_EQ(world_delivery(&w, to).state, STATE_QUEUED);
    books_are_clean();
}

static void a_call_that_a_crash_ended_does_not_keep_its_account_busy(void)
{
    world_apply(&w, with_gap);
    said("kf", "wm1", "m1");
    T_EQ(world_orders(&w, CALL_SEND), 1);
    world_crash(&w);
    world_apply(&w, with_gap);
    said("kf", "wm2", "m2");
    size_t sent = world_orders(&w, CALL_SEND);
    for (int i = 0; i < 60 && !sent; i++) {
        world_tick(&w, 1000);
        sent += world_orders(&w, CALL_SEND);
    }
    T_EQ(sent, 1);
}

static void a_welcome_without_answer_is_remembered_when_its_repeat_was_not_sent(void)
{
    world_apply(&w, with_reply_limit);
    added("wm1", "C1");
    struct delivery_id id = sent_with(CALL_WELCOME);
    world_facts(&w, order_of(CALL_WELCOME), &no_answer);
    world_tick(&w, 300);
    world_facts(&w, order_of(CALL_WELCOME), &not_sent);
    world_tick(&w, 3000);
    world_facts(
        &w, order_of(CALL_WELCOME),
        &(struct facts){.outcome = OUTCOME_PERMANENT, .bytes_out = 100, .http = 200, .errcode = 41051});
    T_EQ(world_delivery(&w, id).state, STATE_ACCEPTED);
    T_EQ(world_delivery(&w, id).cause, CAUSE_INFERRED);
    T_EQ(open_units(id), 0);
    books_are_clean();
}

static void a_welcome_without_answer_ends_unknown_and_counted_when_its_time_is_over(void)
{
    world_apply(&w, with_reply_limit);
    added("wm1", "C1");
    struct delivery_id id = sent_with(CALL_WELCOME);
    world_facts(&w, order_of(CALL_WELCOME), &no_answer);
    world_tick(&w, 60000);
    T_EQ(world_delivery(&w, id).state, STATE_UNKNOWN);
    T_TRUE(world_delivery(&w, id).final);
    T_EQ(open_units(id), 0);
}

static void a_welcome_without_answer_to_a_lost_friend_ends_unknown_and_counted(void)
{
    world_apply(&w, with_reply_limit);
    added("wm1", "C1");
    struct delivery_id id = sent_with(CALL_WELCOME);
    world_facts(&w, order_of(CALL_WELCOME), &no_answer);
    world_event(&w, "corp",
                &(struct event){.kind = EVENT_CONTACT_LOST,
                                .dedupe = STR("lost"),
                                .account = STR("zhangsan"),
                                .contact = STR("wm1")});
    T_EQ(world_delivery(&w, id).state, STATE_UNKNOWN);
    T_EQ(open_units(id), 0);
}

static void a_receipt_before_the_answer_counts_the_charge(void)
{
    world_apply(&w, with_reply_limit);
    said("kf", "wm1", "m1");
    struct attempt_id id = order_of(CALL_SEND);
    struct delivery_id to = sent_with(CALL_SEND);
    char key[64];
    (void)snprintf(key, sizeof key, "%.*s", STR_ARG(world_order(&w, CALL_SEND, 0)->key));
    world_event(
        &w, "kf",
        &(struct event){
            .kind = EVENT_RECEIPT, .dedupe = STR("r1"), .handle = str_of(key), .verdict = OUTCOME_DELIVERED});
    T_EQ(world_delivery(&w, to).state, STATE_DELIVERED);
    world_facts(&w, id, &accepted);
    T_EQ(world_delivery(&w, to).state, STATE_DELIVERED);
    T_EQ(open_units(to), 0);
    books_are_clean();
}

/* ---- what the platform says about windows ---- */

static void a_window_that_the_platform_calls_used_up_is_not_tried_again(void)
{
    said("kf", "wm1", "m1");
    struct delivery_id id = sent_with(CALL_SEND);
    world_facts(&w, order_of(CALL_SEND),
                &(struct facts){.outcome = OUTCOME_LIMITED, .bytes_out = 100, .http = 200, .errcode = 95001});
    T_EQ(world_delivery(&w, id).state, STATE_HELD);
    T_EQ(world_delivery(&w, id).cause, CAUSE_NO_WINDOW);
    for (int i = 0; i < 20; i++) {
        world_tick(&w, 60000);
        T_EQ(world_orders(&w, CALL_SEND), 0);
    }
    world_event(&w, "kf",
                &(struct event){.kind = EVENT_MESSAGE_RECEIVED,
                                .dedupe = STR("m2"),
                                .contact = STR("wm1"),
                                .at_ms = clock_wall_ms(&w.clock),
                                .text = STR("在吗")});
    T_EQ(world_orders(&w, CALL_SEND), 1);
    books_are_clean();
}

static void a_longer_word_of_the_platform_is_not_shortened_by_a_later_one(void)
{
    said("brand", "o1", "m1");
    struct attempt_id first = order_of(CALL_SEND);
    said("brand", "o2", "m2");
    struct attempt_id second = order_of(CALL_SEND);
    struct facts day = {.outcome = OUTCOME_LIMITED, .bytes_out = 9, .http = 200, .errcode = 45009};
    struct facts minute = {.outcome = OUTCOME_LIMITED, .bytes_out = 9, .http = 200, .errcode = 45011};

    world_facts(&w, first, &day);
    world_facts(&w, second, &minute);
    said("brand", "o3", "m3");
    for (int i = 0; i < 30; i++) {
        world_tick(&w, 60000);
        T_EQ(world_orders(&w, CALL_SEND), 0);
    }
}

/* ---- who waits and must end ---- */

static void what_a_frozen_account_owes_expires_in_its_time(void)
{
    added("wm1", "C1");
    struct delivery_id id = sent_with(CALL_WELCOME);
    world_facts(&w, order_of(CALL_WELCOME), &(struct facts){.outcome = OUTCOME_NOT_SENT, .freeze = true});
    T_EQ(world_delivery(&w, id).state, STATE_QUEUED);
    for (int i = 0; i < 10; i++)
        world_tick(&w, 30000);
    T_EQ(world_delivery(&w, id).state, STATE_EXPIRED);
}

static void what_waits_for_a_full_account_expires_in_its_time(void)
{
    world_apply(&w, PLAYBOOK "limits:\n  account: {month: 1, classes: [reply]}\n");
    said("kf", "wm1", "m1");
    T_EQ(world_orders(&w, CALL_SEND), 1);
    world_facts(&w, order_of(CALL_SEND), &accepted);
    said("kf", "wm2", "m2");
    T_EQ(world_orders(&w, CALL_SEND), 0);
    T_EQ(world_count(&w, STATE_HELD), 1);
    for (int i = 0; i < 49; i++) {
        T_EQ(world_count(&w, STATE_HELD), 1 - world_count(&w, STATE_EXPIRED));
        world_tick(&w, 3600000);
    }
    T_EQ(world_count(&w, STATE_EXPIRED), 1);
    T_TRUE(sender_next_ms(w.sender) > engine_now_ms(w.engine));
}

/* ---- tasks ---- */

static const struct reply_perform *next_order(int64_t step_ms, int steps)
{
    for (int i = 0; i < steps; i++) {
        world_tick(&w, step_ms);
        if (world_order(&w, CALL_OP_COUNT, 0))
            return world_order(&w, CALL_OP_COUNT, 0);
    }
    return NULL;
}

static void a_task_that_could_not_be_cancelled_is_cancelled_again_before_it_is_given_up(void)
{
    int cancels = 0;

    (void)task_of_two();
    for (int i = 0; i < 500 && world_count(&w, STATE_AWAITING_CONFIRM); i++) {
        const struct reply_perform *p = next_order(10000, 1000);
        bool cancel = p && p->op == CALL_CANCEL_TASK;
        T_TRUE(p != NULL);
        cancels += cancel;
        world_facts(&w, p->id, cancel && cancels < 4 ? &not_sent : &accepted);
        if (cancels < 4)
            T_EQ(world_count(&w, STATE_AWAITING_CONFIRM), 2);
    }
    T_EQ(cancels, 4);
    T_EQ(world_count(&w, STATE_EXPIRED), 2);
}

static void a_task_that_the_platform_no_longer_knows_ends(void)
{
    static const struct facts gone = {
        .outcome = OUTCOME_PERMANENT, .bytes_out = 9, .http = 200, .errcode = 41093};

    (void)task_of_two();
    for (int i = 0; i < 500 && world_count(&w, STATE_AWAITING_CONFIRM); i++) {
        const struct reply_perform *p = next_order(10000, 1000);
        T_TRUE(p != NULL);
        world_facts(&w, p->id, &gone);
    }
    T_EQ(world_count(&w, STATE_AWAITING_CONFIRM), 0);
    books_are_clean();
}

/* ---- after an unclean stop ---- */

static void half_add_and_full_add_are_one_friend_also_while_recovering(void)
{
    size_t sent = 0;

    world_crash(&w);
    world_apply(&w, playbook);
    added("wm1", "C1");
    sent += world_orders(&w, CALL_WELCOME);
    added("wm1", "C2");
    sent += world_orders(&w, CALL_WELCOME);
    for (int i = 0; i < 20; i++) {
        world_tick(&w, 10);
        sent += world_orders(&w, CALL_WELCOME);
    }
    T_EQ(sent, 1);
}

/* ---- broadcasts ---- */

#define AT_HALL(when) PLAYBOOK "broadcasts:\n  b: {on: hall, " when ", missed: once, to: {groups: all}, send: news}\n"

static size_t sent_to_the_hall(int64_t step_ms, int steps)
{
    size_t sent = 0;

    for (int i = 0; i < steps; i++) {
        world_tick(&w, step_ms);
        sent += world_orders(&w, CALL_GROUP);
        if (world_order(&w, CALL_GROUP, 0))
            world_facts(&w, order_of(CALL_GROUP), &accepted);
    }
    return sent;
}

static void a_broadcast_that_is_moved_to_a_time_gone_by_does_not_run(void)
{
    world_apply(&w, AT_HALL("every: {weekday: tue, at: \"15:00\"}"));
    T_EQ(sent_to_the_hall(600000, 6), 0);
    world_apply(&w, AT_HALL("every: {weekday: tue, at: \"10:30\"}")); /* it is 11:00 */
    T_EQ(sent_to_the_hall(1000, 20), 0);
    world_apply(&w, AT_HALL("every: {weekday: tue, at: \"15:00\"}"));
    T_EQ(sent_to_the_hall(600000, 30), 1);
}

static void a_broadcast_that_is_applied_again_runs_once(void)
{
    world_apply(&w, AT_HALL("at: 2026-12-01T10:30"));
    T_EQ(sent_to_the_hall(600000, 4), 1);
    world_apply(&w, AT_HALL("at: 2026-12-01T10:30"));
    T_EQ(sent_to_the_hall(600000, 4), 0);
    world_crash(&w);
    world_apply(&w, AT_HALL("at: 2026-12-01T10:30"));
    T_EQ(sent_to_the_hall(600000, 4), 0);
}

static void a_slot_missed_while_nobody_ran_is_made_up_for(void)
{
    world_apply(&w, AT_HALL("at: 2026-12-01T10:30"));
    world_tick(&w, 1000);
    clock_advance(&w.clock, 3600000);
    world_crash(&w);
    world_apply(&w, AT_HALL("at: 2026-12-01T10:30"));
    T_EQ(sent_to_the_hall(1000, 10), 1);
}

/* ---- passive replies ---- */

static void ask(const char *request)
{
    struct op_ask *op = message_new(OP_ASK, sizeof *op);
    struct list ops;

    op->id = 1;
    T_TRUE(message_str(&op->m, str_of(request), &op->request));
    list_init(&ops);
    list_add_tail(&ops, &op->m.node);
    T_OK(world_try(&w, &ops, 0));
}

static void a_passive_reply_that_was_taken_back_is_not_given_to_a_retry_too(void)
{
    struct event e = {.kind = EVENT_MESSAGE_RECEIVED, .dedupe = STR("p1"), .contact = STR("o1"), .passive = true,
                      .at_ms = clock_wall_ms(&w.clock), .text = STR("会员日")};
    char request[96];

    world_event(&w, "brand", &e);
    T_TRUE(world_stored(&w)->has_content);
    (void)snprintf(request, sizeof request, "{\"ask\":\"unsaid\",\"event\":%lld}", (long long)world_stored(&w)->event.v);
    ask(request);
    T_EQ(world_orders(&w, CALL_SEND), 1);
    struct attempt_id id = order_of(CALL_SEND);
    clock_advance(&w.clock, 5000);
    world_event(&w, "brand", &e);
    T_TRUE(!world_stored(&w)->has_content);
    world_tick(&w, 21000);
    T_EQ(world_count(&w, STATE_IN_FLIGHT), 1);
    world_facts(&w, id, &accepted);
    T_EQ(world_count(&w, STATE_ACCEPTED), 1);
}

/* ---- clocks ---- */

static void a_wall_clock_that_steps_back_does_not_end_welcomes(void)
{
    clock_set_manual(&w.clock, clock_wall_ms(&w.clock) - 3600000, clock_mono_ms(&w.clock));
    added("wm1", "C1");
    T_EQ(world_orders(&w, CALL_WELCOME), 1);
}

/* ---- batches that fail ---- */

static int failing_batch(int64_t again_at)
{
    struct event e = {.kind = EVENT_MESSAGE_RECEIVED,
                      .dedupe = STR("f1"),
                      .contact = STR("wm1"),
                      .at_ms = clock_wall_ms(&w.clock),
                      .text = STR("会员日")};
    struct list ops;

    list_init(&ops);
    list_add_tail(&ops, &world_inbound(&w, "kf", &e, 1)->node);
    store_fail_at(w.store, 3);
    int err = engine_begin(w.engine, &ops);
    if (!err)
        err = engine_take(w.engine);
    T_TRUE(err != 0);
    store_fail_at(w.store, again_at);
    engine_abort(w.engine, err, &w.replies);
    store_fail_at(w.store, 0);
    return err;
}

static void memory_that_could_not_be_read_again_is_read_before_the_next_batch(void)
{
    for (int64_t n = 1; n < 12; n++) {
        char id[32];
        (void)failing_batch(n);
        (void)snprintf(id, sizeof id, "m%lld", (long long)n);
        said("kf", "wm1", id);
        T_EQ(world_orders(&w, CALL_SEND), 1);
        world_facts(&w, order_of(CALL_SEND), &accepted);
        clock_advance(&w.clock, 60000);
    }
}

static void queues_that_could_not_be_read_are_read_before_the_next_round(void)
{
    said("kf", "wm1", "m1");
    world_facts(&w, order_of(CALL_SEND), &not_sent);
    store_fail_at(w.store, 1);
    T_TRUE(sender_load(w.sender) != 0);
    store_fail_at(w.store, 0);
    world_tick(&w, 5000);
    T_EQ(world_orders(&w, CALL_SEND), 1);
}

static void rolled_back_batches_leave_no_memory_behind(void)
{
    char name[64];

    for (int i = 0; i < 2000; i++) {
        (void)snprintf(name, sizeof name, "member-of-the-staff-with-a-long-userid-%d", i);
        world_event(&w, "corp",
                    &(struct event){.kind = EVENT_CONTACT_LOST,
                                    .dedupe = str_of(name),
                                    .account = str_of(name),
                                    .contact = STR("wm1")});
    }
    for (int i = 0; i < 300; i++)
        (void)failing_batch(0);
    said("kf", "wm1", "m1");
    T_EQ(world_orders(&w, CALL_SEND), 1);
}

int main(void)
{
    struct CMUnitTest tests[] = {
        T_CASE(a_limit_that_is_gone_does_not_keep_an_outcome_from_being_recorded),
        T_CASE(a_call_that_a_crash_ended_does_not_keep_its_account_busy),
        T_CASE(a_welcome_without_answer_is_remembered_when_its_repeat_was_not_sent),
        T_CASE(a_welcome_without_answer_ends_unknown_and_counted_when_its_time_is_over),
        T_CASE(a_welcome_without_answer_to_a_lost_friend_ends_unknown_and_counted),
        T_CASE(a_receipt_before_the_answer_counts_the_charge),
        T_CASE(a_window_that_the_platform_calls_used_up_is_not_tried_again),
        T_CASE(a_longer_word_of_the_platform_is_not_shortened_by_a_later_one),
        T_CASE(what_a_frozen_account_owes_expires_in_its_time),
        T_CASE(what_waits_for_a_full_account_expires_in_its_time),
        T_CASE(a_task_that_could_not_be_cancelled_is_cancelled_again_before_it_is_given_up),
        T_CASE(a_task_that_the_platform_no_longer_knows_ends),
        T_CASE(half_add_and_full_add_are_one_friend_also_while_recovering),
        T_CASE(a_broadcast_that_is_moved_to_a_time_gone_by_does_not_run),
        T_CASE(a_broadcast_that_is_applied_again_runs_once),
        T_CASE(a_slot_missed_while_nobody_ran_is_made_up_for),
        T_CASE(a_passive_reply_that_was_taken_back_is_not_given_to_a_retry_too),
        T_CASE(a_wall_clock_that_steps_back_does_not_end_welcomes),
        T_CASE(memory_that_could_not_be_read_again_is_read_before_the_next_batch),
        T_CASE(queues_that_could_not_be_read_are_read_before_the_next_round),
        T_CASE(rolled_back_batches_leave_no_memory_behind),
    };

    for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
        tests[i].setup_func = setup;
        tests[i].teardown_func = teardown;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
