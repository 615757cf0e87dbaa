/* SPDX-License-Identifier: Apache-2.0 */
#include "host/host.h"

#include "support/asserts.h"
#include "support/host_world.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "rulepack/rulepack.h"
#include "store/reader.h"

#define BRAND "  brand: {kind: fake, appid: wx1}\n"

static const char playbook[] =
    "playbook: p\ntimezone: Asia/Shanghai\ntemplates: {prize: {text: you won}}\nrules:\n"
    "  - {on: message.received, keyword: {any: [抽奖]}, do: [{send: prize}]}\n";

static struct host_world w;
static struct buf answer;

static int open_world(void **state)
{
    (void)state;
    log_set_level(LOG_OFF);
    buf_init(&answer, 1 << 20);
    T_OK(host_world_open(&w, BRAND));
    return 0;
}

static int open_nothing(void **state)
{
    (void)state;
    log_set_level(LOG_OFF);
    buf_init(&answer, 1 << 20);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    host_world_close(&w);
    host_world_remove(&w);
    buf_fini(&answer);
    return 0;
}

static struct fake *brand(void)
{
    return fake_named("brand");
}

static int hook(const char *how, const char *text)
{
    char path[64];

    (void)snprintf(path, sizeof path, "/hooks/brand/%s", how);
    return host_world_ask(&w, "POST", path, NULL, text, &answer);
}

static bool something_was_performed(void)
{
    return brand()->performs > 0;
}

static bool all_that_was_performed_is_done(void)
{
    struct fake *f = brand();

    return f->performs && f->performs == f->dones && host_stats(w.host).attempts_open == 0;
}

static void on_violation(void *ctx, const char *text)
{
    (void)ctx;
    print_error("%s\n", text);
}

static int64_t no_bound(void *ctx, int32_t limit, int64_t cell)
{
    (void)ctx, (void)limit, (void)cell;
    return INT64_MAX;
}

/* What `siyu verify` would say, and the deliveries in one state. */
static int64_t verified(enum delivery_state state)
{
    struct verify_hooks hooks = {NULL, no_bound, on_violation};
    struct verify_totals totals = {0};
    struct store_counts counts;
    struct reader *r;

    T_OK(reader_open(w.config->data, &r, &w.diag));
    T_OK(reader_verify(r, &hooks, &totals));
    T_EQ(totals.violations, 0);
    T_OK(reader_counts(r, &counts));
    reader_close(r);
    return counts.deliveries[state];
}

/* ---- inbound ---- */

static void a_callback_is_answered_with_its_passive_reply_when_stored(void)
{
    host_world_start(&w, playbook);
    T_EQ(hook("passive", "抽奖"), 200);
    T_VIEW(buf_str(&answer), "you won");
    T_EQ(brand()->stored, 1);
    T_EQ(host_world_count(&w, "events", "decided"), 1);
    T_EQ(host_stats(w.host).acknowledged, 1);
}

static void a_repeat_gets_the_same_answer_and_is_no_second_event(void)
{
    host_world_start(&w, playbook);
    for (int i = 0; i < 3; i++) {
        T_EQ(hook("passive", "抽奖"), 200);
        T_VIEW(buf_str(&answer), "you won");
    }
    T_EQ(brand()->stored, 3);
    T_EQ(host_world_count(&w, "events", "decided"), 1);
}

static void what_is_not_authentic_or_not_understood_is_refused(void)
{
    host_world_start(&w, playbook);
    T_EQ(hook("forged", "x"), 403);
    T_EQ(hook("odd", "x"), 400);
    T_EQ(host_world_ask(&w, "POST", "/hooks/nobody", NULL, "x", &answer), 404);
    T_EQ(brand()->stored, 0);
    T_EQ(host_stats(w.host).refused, 2);
    T_EQ(host_world_count(&w, "events", "decided"), 0);
}

static void the_cursor_is_there_at_the_next_start(void)
{
    host_world_start(&w, playbook);
    T_STR(buf_cstr(&brand()->cursor), "");
    T_EQ(hook("passive", "hello"), 200);
    host_world_stop(&w);
    host_world_close(&w);
    T_OK(host_world_open(&w, BRAND));
    host_world_start(&w, playbook);
    T_STR(buf_cstr(&brand()->cursor), "cursor-1");
}

/* ---- outbound ---- */

static void an_active_reply_is_sent_once_and_its_outcome_kept(void)
{
    host_world_start(&w, playbook);
    T_EQ(hook("active", "抽奖"), 200);
    T_VIEW(buf_str(&answer), "");
    T_TRUE(host_world_until(&w, all_that_was_performed_is_done, 5000));
    T_STR(buf_cstr(&brand()->said), "you won\n");
    host_world_stop(&w);
    T_EQ(verified(STATE_ACCEPTED), 1);
}

static bool was_late(void)
{
    return host_stats(w.host).attempts_late > 0;
}

static void let_time_pass(void)
{
    clock_advance(&w.clock, 120000);
}

/* The order and the answer come in one batch: time passes between the two. */
static void an_order_that_is_too_late_is_not_performed(void)
{
    host_world_start(&w, playbook);
    brand()->on_stored = let_time_pass;
    T_EQ(hook("active", "抽奖"), 200);
    brand()->on_stored = NULL;
    T_TRUE(host_world_until(&w, was_late, 5000));
    T_STR(buf_cstr(&brand()->said), "");
    clock_advance(&w.clock, 10000); /* surely not sent: it goes again */
    T_TRUE(host_world_until(&w, all_that_was_performed_is_done, 5000));
    T_STR(buf_cstr(&brand()->said), "you won\n");
    host_world_stop(&w);
    T_EQ(verified(STATE_ACCEPTED), 1);
}

static void what_the_adapter_cannot_begin_goes_again(void)
{
    host_world_start(&w, playbook);
    brand()->mode = FAKE_REFUSES;
    T_EQ(hook("active", "抽奖"), 200);
    T_TRUE(host_world_until(&w, was_late, 5000));
    brand()->mode = FAKE_ACCEPTS;
    clock_advance(&w.clock, 10000);
    static struct fake *f;
    f = brand();
    T_TRUE(host_world_until(&w, something_was_performed, 5000));
    while (f->said.len == 0)
        T_TRUE(host_world_until(&w, something_was_performed, 50));
    T_STR(buf_cstr(&f->said), "you won\n");
    host_world_stop(&w);
    T_EQ(verified(STATE_ACCEPTED), 1);
}

static void a_word_on_an_attempt_that_nobody_knows_does_nothing(void)
{
    host_world_start(&w, playbook);
    fake_done(brand(), (struct attempt_id){4711}, OUTCOME_ACCEPTED);
    T_EQ(host_world_count(&w, "deliveries", "accepted"), 0);
}

static void an_alert_is_told_live(void)
{
    host_world_start(&w, playbook);
    fake_alert(brand(), "credentials refused");
    T_STR(buf_cstr(&w.live), "{\"type\":\"alert\",\"connection\":\"brand\",\"what\":\"credentials refused\","
                             "\"why\":\"because\"}\n");
}

/* ---- the spool ---- */

static bool spool_is_empty(void)
{
    return host_world_file(&w, "spool.jsonl")[0] == '\0';
}

/* Real seconds: the host's timers are the loop's. */
static void a_stalled_engine_does_not_keep_the_platform_waiting(void)
{
    host_world_start(&w, playbook);
    host_stall_engine(w.host, 5500);
    struct host_asking *a = host_world_begin(&w, "POST", "/hooks/brand/passive", NULL, "抽奖");
    struct host_asking *b = host_world_begin(&w, "POST", "/hooks/brand/active", NULL, "抽奖 2");
    int64_t from = loop_now_ms(w.loop);

    T_EQ(host_asking_end(&w, a, &answer), 200);
    T_VIEW(buf_str(&answer), "");
    int64_t took = loop_now_ms(w.loop) - from;
    T_TRUE(took >= 3400 && took < 4500);
    T_EQ(host_asking_end(&w, b, &answer), 200);
    T_EQ(host_stats(w.host).spooled, 2);
    T_TRUE(!spool_is_empty());
    T_TRUE(strstr(host_world_file(&w, "spool.jsonl"), "抽奖") != NULL);

    /* The engine decided a passive reply that nobody took: it is taken back and sent. */
    T_TRUE(host_world_until(&w, all_that_was_performed_is_done, 8000));
    T_STR(buf_cstr(&brand()->said), "you won\n");
    T_TRUE(host_world_until(&w, spool_is_empty, 2000));
    T_EQ(brand()->stored, 2);
    T_EQ(host_world_count(&w, "events", "decided"), 2);
    host_world_stop(&w);
    T_EQ(verified(STATE_ACCEPTED), 1);
}

static void put_spool(const char *text)
{
    char path[160];

    (void)snprintf(path, sizeof path, "%s/data/spool.jsonl", w.dir);
    FILE *f = fopen(path, "w");
    T_TRUE(f != NULL);
    T_EQ(fwrite(text, 1, strlen(text), f), strlen(text));
    T_EQ(fclose(f), 0);
}

#define LINE(connection, key, text)                                                                          \
    "{\"connection\":\"" connection                                                                          \
    "\",\"received_ms\":1796090400000,\"events\":[{\"kind\":\"message.received\","                           \
    "\"key\":\"" key                                                                                         \
    "\",\"at_ms\":0,\"account\":\"\",\"contact\":\"openid-1\",\"group\":\"\",\"text\":\"" text               \
    "\",\"code\":\"\",\"handle\":\"\",\"verdict\":\"accepted\",\"data\":\"\"}]}\n"

static void what_a_kill_left_in_the_spool_is_decided_at_the_start(void)
{
    put_spool(LINE("brand", "00112233445566778899aabbccddeeff", "抽奖") LINE("brand", "", "x") "{\"torn");
    host_world_start(&w, playbook);
    T_TRUE(host_world_until(&w, all_that_was_performed_is_done, 5000));
    T_STR(buf_cstr(&brand()->said), "you won\n");
    T_TRUE(host_world_until(&w, spool_is_empty, 2000));
    T_EQ(host_world_count(&w, "events", "decided"), 2);
    T_EQ(brand()->stored, 0); /* its platform had its answer in the earlier life */
}

static void what_the_spool_cannot_replay_is_kept_for_people(void)
{
    put_spool(LINE("gone", "", "x") "rubbish\n" LINE("brand", "", "x"));
    host_world_start(&w, playbook);
    T_TRUE(host_world_until(&w, spool_is_empty, 5000));
    T_EQ(host_world_count(&w, "events", "decided"), 1);
    T_STR(host_world_file(&w, "spool.refused.jsonl"), LINE("gone", "", "x") "rubbish\n");
}

static bool all_is_decided(void)
{
    return host_stats(w.host).inbound_waiting == 0 && spool_is_empty();
}

static void more_than_the_engine_holds_comes_out_of_the_spool(void)
{
    char path[160];

    (void)snprintf(path, sizeof path, "%s/data/spool.jsonl", w.dir);
    FILE *f = fopen(path, "w");
    T_TRUE(f != NULL);
    for (int i = 0; i < 9000; i++)
        T_TRUE(fprintf(f, LINE("brand", "000000000000000000000000%08x", "hi"), (unsigned)i) > 0);
    T_EQ(fclose(f), 0);
    host_world_start(&w, playbook);
    T_TRUE(host_world_until(&w, all_is_decided, 60000));
    T_EQ(host_world_count(&w, "events", "decided"), 9000);
}

/* ---- the end ---- */

static bool has_stopped(void)
{
    return w.stopped;
}

static void a_stop_waits_for_what_is_in_flight(void)
{
    host_world_start(&w, playbook);
    brand()->mode = FAKE_HOLDS;
    T_EQ(hook("active", "抽奖"), 200);
    T_TRUE(host_world_until(&w, something_was_performed, 5000));
    host_world_begin_stop(&w);
    T_TRUE(!host_world_until(&w, has_stopped, 300));
    fake_release_all();
    T_TRUE(host_world_until(&w, has_stopped, 5000));
    T_EQ(brand()->dones, brand()->performs);
    T_EQ(brand()->stops, 1);
    T_EQ(brand()->frees, 0);
    T_EQ(verified(STATE_IN_FLIGHT), 0);
    T_EQ(verified(STATE_ACCEPTED), 1);
}

static void a_stop_orders_nothing_that_nobody_may_send(void)
{
    host_world_start(&w, playbook);
    struct host_asking *asked[20];
    for (int i = 0; i < 20; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "抽奖 %d", i);
        asked[i] = host_world_begin(&w, "POST", "/hooks/brand/active", NULL, i ? text : "抽奖");
    }
    for (int i = 0; i < 20; i++)
        T_EQ(host_asking_end(&w, asked[i], &answer), 200);
    host_world_stop(&w);
    T_EQ(verified(STATE_IN_FLIGHT), 0);
    T_EQ(verified(STATE_UNKNOWN), 0);
}

static void a_stop_without_anything_is_a_clean_one(void)
{
    host_world_start(&w, playbook);
    host_world_stop(&w);
    host_world_close(&w);
    T_OK(host_world_open(&w, BRAND));
    T_TRUE(!store_was_unclean(w.store));
}

static void every_adapter_is_stopped_and_freed_once(void)
{
    T_OK(host_world_open(&w, BRAND "  other: {kind: fake, appid: wx2}\n"));
    host_world_start(&w, playbook);
    host_world_stop(&w);
    T_EQ(fake_named("brand")->stops, 1);
    T_EQ(fake_named("other")->stops, 1);
    host_free(w.host);
    w.host = NULL;
    T_EQ(fake_named("brand")->frees, 1);
    T_EQ(fake_named("other")->frees, 1);
}

static void one_that_never_started_can_be_freed(void)
{
    T_EQ(brand()->starts, 0);
}

/* ---- configuration ---- */

static void refused(const char *connections, size_t complaints, const char *first)
{
    T_ERR(host_world_open(&w, connections), ERR_CONFIG);
    T_EQ(diag_count(&w.diag), complaints);
    const char *file = strstr(diag_text(&w.diag, 0), "siyu.yaml:");
    T_TRUE(file != NULL);
    T_STR(file + 10, first);
}

static void what_an_adapter_refuses_has_its_line(void)
{
    refused(BRAND "  other:\n    kind: fake\n", 1,
            "5: connections.other.appid: is missing, expected a string");
}

static void a_kind_that_is_not_there_is_refused(void)
{
    refused("  other:\n    kind: telegram\n" BRAND, 1,
            "5: connections.other.kind: no kind `telegram` in this version; there is fake");
}

static void two_connections_to_one_account_are_refused(void)
{
    refused(BRAND "  other: {kind: fake, appid: wx1}\n", 1,
            "5: connections.other.appid: another connection has it too; one account is one connection, or "
            "its limits "
            "count twice");
}

static void an_account_must_suit_its_connection(void)
{
    refused(BRAND "accounts:\n  x: {connection: brand, kind: official, userid: y}\n", 1,
            "6: accounts.x.kind: its connection is an account by itself; leave this one out");
}

#define CASE(fn)                                                                                             \
    {                                                                                                        \
#fn, t_call, open_world, close_world, (void *)(fn)                                                   \
    }
#define BARE(fn)                                                                                             \
    {                                                                                                        \
#fn, t_call, open_nothing, close_world, (void *)(fn)                                                 \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_callback_is_answered_with_its_passive_reply_when_stored),
        CASE(a_repeat_gets_the_same_answer_and_is_no_second_event),
        CASE(what_is_not_authentic_or_not_understood_is_refused),
        CASE(the_cursor_is_there_at_the_next_start),
        CASE(an_active_reply_is_sent_once_and_its_outcome_kept),
        CASE(an_order_that_is_too_late_is_not_performed),
        CASE(what_the_adapter_cannot_begin_goes_again),
        CASE(a_word_on_an_attempt_that_nobody_knows_does_nothing),
        CASE(an_alert_is_told_live),
        CASE(a_stalled_engine_does_not_keep_the_platform_waiting),
        CASE(what_a_kill_left_in_the_spool_is_decided_at_the_start),
        CASE(what_the_spool_cannot_replay_is_kept_for_people),
        CASE(more_than_the_engine_holds_comes_out_of_the_spool),
        CASE(a_stop_waits_for_what_is_in_flight),
        CASE(a_stop_orders_nothing_that_nobody_may_send),
        CASE(a_stop_without_anything_is_a_clean_one),
        BARE(every_adapter_is_stopped_and_freed_once),
        CASE(one_that_never_started_can_be_freed),
        BARE(what_an_adapter_refuses_has_its_line),
        BARE(a_kind_that_is_not_there_is_refused),
        BARE(two_connections_to_one_account_are_refused),
        BARE(an_account_must_suit_its_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
