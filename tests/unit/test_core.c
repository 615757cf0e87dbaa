/* SPDX-License-Identifier: Apache-2.0 */
#include "host/core.h"

#include "support/asserts.h"
#include "support/world.h"

#include <stdio.h>

#include "base/mem.h"
#include "host/inbound.h"
#include "store/reader.h"

/* An engine on a store of its own, its thread, and what it said. */
static struct {
    struct world world;
    struct loop *loop;
    struct core *core;
    struct list said; /* struct message.node */
    size_t count[REPLY_STOPPED + 1];
    int64_t decided_when_answered; /* as another connection saw the store, at the first REPLY_STORED */
    enum message_kind awaited;
    size_t awaited_count;
    bool started;
} w;

static int64_t events_on_disk(void)
{
    struct reader *r;
    struct store_counts counts;
    struct diag diag;

    diag_init(&diag, 5);
    T_OK(reader_open(w.world.dir, &r, &diag));
    T_OK(reader_counts(r, &counts));
    reader_close(r);
    diag_fini(&diag);
    return counts.events[EVENT_DECIDED];
}

static void on_reply(void *ctx, struct message *m)
{
    T_TRUE(ctx == &w);
    if (m->kind == REPLY_STORED && !w.count[REPLY_STORED])
        w.decided_when_answered = events_on_disk();
    list_add_tail(&w.said, &m->node);
    if (++w.count[m->kind] == w.awaited_count && m->kind == w.awaited)
        loop_stop(w.loop);
}

static int open_world(void **state)
{
    (void)state;
    memset(&w, 0, sizeof w);
    list_init(&w.said);
    world_open_engine(&w.world);
    T_OK(loop_new(&w.loop));
    T_OK(core_new(w.loop, w.world.engine, w.world.store, &w.world.clock, on_reply, &w, &w.core));
    return 0;
}

static void wait_for(enum message_kind kind, size_t n)
{
    w.awaited = kind;
    w.awaited_count = n;
    if (w.count[kind] < n)
        loop_run(w.loop);
    T_TRUE(w.count[kind] >= n);
}

static int close_world(void **state)
{
    struct list *n;

    (void)state;
    if (w.started && !w.count[REPLY_STOPPED]) { /* an assert struck */
        core_stop(w.core);
        w.awaited = REPLY_STOPPED;
        w.awaited_count = 1;
        loop_run(w.loop);
    }
    core_free(w.core);
    loop_free(w.loop);
    while ((n = list_pop(&w.said)) != NULL)
        message_free(container_of(n, struct message, node));
    world_close_engine(&w.world);
    return 0;
}

static void start(void)
{
    T_OK(core_start(w.core));
    w.started = true;
}

static void end(void)
{
    core_stop(w.core);
    wait_for(REPLY_STOPPED, 1);
    T_EQ(container_of(w.said.prev, struct message, node)->kind, REPLY_STOPPED);
}

static struct message *event(int64_t n)
{
    char key[24];
    struct event e = {
        .kind = EVENT_MESSAGE_RECEIVED, .contact = STR("wm1"), .account = STR("zhangsan"), .text = STR("hi")};

    (void)snprintf(key, sizeof key, "k%lld", (long long)n);
    e.dedupe = str_of(key);
    return world_inbound(&w.world, "corp", &e, 1);
}

static struct message *welcome(void)
{
    struct event e = {.kind = EVENT_CONTACT_ADDED,
                      .dedupe = STR("add"),
                      .contact = STR("wm1"),
                      .account = STR("zhangsan"),
                      .code = STR("CODE"),
                      .at_ms = WORLD_START_MS};

    return world_inbound(&w.world, "corp", &e, 1);
}

static void post(struct message *m)
{
    T_OK(core_post(w.core, m));
}

static void post_hold(void)
{
    struct message *m = message_new(OP_HOLD, sizeof *m);

    T_TRUE(m != NULL);
    post(m);
}

static const struct reply_stored *stored(size_t at)
{
    for (struct list *n = w.said.next; n != &w.said; n = n->next) {
        struct message *m = container_of(n, struct message, node);
        if (m->kind == REPLY_STORED && !at--)
            return container_of(m, struct reply_stored, m);
    }
    return NULL;
}

/* Besides the welcome, the engine may ask the platform who that is. */
static size_t welcomes_ordered(void)
{
    size_t count = 0;

    for (struct list *n = w.said.next; n != &w.said; n = n->next) {
        struct message *m = container_of(n, struct message, node);
        count += m->kind == REPLY_PERFORM && container_of(m, struct reply_perform, m)->op == CALL_WELCOME;
    }
    return count;
}

static void an_event_is_answered_when_it_is_on_disk(void)
{
    start();
    post(event(1));
    wait_for(REPLY_STORED, 1);
    T_OK(stored(0)->err);
    T_EQ(w.decided_when_answered, 1);
    end();
}

static void every_event_is_answered_once_also_when_many_come(void)
{
    start();
    for (int64_t i = 0; i < 3000; i++)
        post(event(i));
    wait_for(REPLY_STORED, 3000);
    end();
    T_EQ(w.count[REPLY_STORED], 3000);
    T_EQ(events_on_disk(), 3000);
    T_EQ(core_stats(w.core).ops, 3000);
}

static void what_was_posted_before_the_stop_is_decided(void)
{
    for (int64_t i = 0; i < 1000; i++)
        post(event(i));
    start();
    end();
    T_EQ(w.count[REPLY_STORED], 1000);
    T_EQ(events_on_disk(), 1000);
}

static void a_stop_without_work_is_answered(void)
{
    start();
    end();
}

static void the_box_has_a_bound_and_after_the_stop_it_is_closed(void)
{
    struct message *m = event(-1);
    int64_t n = 0;

    while (n < 8192)
        post(event(n++));
    T_ERR(core_post(w.core, m), ERR_FULL);
    start();
    wait_for(REPLY_STORED, 8192);
    end();
    T_ERR(core_post(w.core, m), ERR_CLOSED);
    message_free(m);
}

static void a_batch_that_fails_is_answered_so_and_the_next_one_works(void)
{
    store_fail_at(w.world.store, 3);
    post(event(1));
    start();
    wait_for(REPLY_STORED, 1);
    T_ERR(stored(0)->err, ERR_IO);
    post(event(1));
    wait_for(REPLY_STORED, 2);
    T_OK(stored(1)->err);
    end();
    T_EQ(events_on_disk(), 1);
}

static const char welcome_rule[] = "playbook: p\ntimezone: Asia/Shanghai\ntemplates: {hello: {text: hi}}\n"
                                   "rules:\n  - {on: contact.added, do: [{send: hello}]}\n";

static void what_is_decided_is_ordered(void)
{
    world_apply(&w.world, welcome_rule);
    start();
    post(welcome());
    wait_for(REPLY_PERFORM, 1);
    T_EQ(w.count[REPLY_STORED], 1);
    end();
    T_EQ(welcomes_ordered(), 1);
}

static void after_the_hold_events_are_stored_and_nothing_is_ordered(void)
{
    world_apply(&w.world, welcome_rule);
    start();
    post_hold();
    wait_for(REPLY_HELD, 1);
    post(welcome());
    wait_for(REPLY_STORED, 1);
    T_OK(stored(0)->err);
    end();
    T_EQ(welcomes_ordered(), 0);
    T_EQ(events_on_disk(), 1);
}

static void the_hold_comes_after_what_was_ordered_before_it(void)
{
    world_apply(&w.world, welcome_rule);
    post(welcome());
    post_hold();
    start();
    wait_for(REPLY_HELD, 1);
    T_EQ(welcomes_ordered(), 1);
    end();
}

static void a_held_engine_rests(void)
{
    start();
    post_hold();
    wait_for(REPLY_HELD, 1);
    uint64_t before = core_stats(w.core).batches;
    post(event(1));
    wait_for(REPLY_STORED, 1);
    end();
    T_TRUE(core_stats(w.core).batches - before <= 3);
}

static void a_stalled_engine_answers_later(void)
{
    start();
    core_stall(w.core, 300);
    int64_t from = loop_now_ms(w.loop);
    post(event(1));
    wait_for(REPLY_STORED, 1);
    T_TRUE(loop_now_ms(w.loop) - from >= 290);
    end();
}

static void one_that_never_started_can_be_freed(void)
{
    post(event(1));
}

#define CASE(fn)                                                                                             \
    {                                                                                                        \
#fn, t_call, open_world, close_world, (void *)(fn)                                                   \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_event_is_answered_when_it_is_on_disk),
        CASE(every_event_is_answered_once_also_when_many_come),
        CASE(what_was_posted_before_the_stop_is_decided),
        CASE(a_stop_without_work_is_answered),
        CASE(the_box_has_a_bound_and_after_the_stop_it_is_closed),
        CASE(a_batch_that_fails_is_answered_so_and_the_next_one_works),
        CASE(what_is_decided_is_ordered),
        CASE(after_the_hold_events_are_stored_and_nothing_is_ordered),
        CASE(the_hold_comes_after_what_was_ordered_before_it),
        CASE(a_held_engine_rests),
        CASE(a_stalled_engine_answers_later),
        CASE(one_that_never_started_can_be_freed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
