/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/timer.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "loop/loop.h"
#include "support/asserts.h"

static struct loop *loop;
static char trace[64];

static void note(char what)
{
    size_t n = strlen(trace);

    assert_true(n + 1 < sizeof(trace));
    trace[n] = what;
    trace[n + 1] = '\0';
}

static int set_up(void **state)
{
    (void)state;
    trace[0] = '\0';
    return loop_new(&loop);
}

static int tear_down(void **state)
{
    (void)state;
    loop_free(loop);
    return 0;
}

struct named {
    struct timer timer;
    char name;
};

static void on_named(struct timer *t)
{
    note(container_of(t, struct named, timer)->name);
}

static void on_free(struct timer *t)
{
    struct named *n = container_of(t, struct named, timer);

    note('~');
    free(n);
}

static void timers_fire_in_the_order_of_their_time(void **state)
{
    struct named late = {.name = 'l'}, early = {.name = 'e'}, never = {.name = 'n'};

    (void)state;
    timer_init(loop, &late.timer);
    timer_init(loop, &early.timer);
    timer_init(loop, &never.timer);
    timer_start(&late.timer, 30, on_named);
    timer_start(&early.timer, 1, on_named);
    timer_start(&never.timer, 10, on_named);
    timer_stop(&never.timer);
    T_TRUE(timer_is_running(&late.timer) && !timer_is_running(&never.timer));
    loop_run(loop);
    T_STR(trace, "el");
    timer_close(&late.timer, NULL);
    timer_close(&early.timer, NULL);
    timer_close(&never.timer, NULL);
    loop_run(loop); /* the storage is on this stack */
}

static void a_second_start_forgets_the_first(void **state)
{
    struct named a = {.name = 'a'};
    int64_t from = loop_now_ms(loop);

    (void)state;
    timer_init(loop, &a.timer);
    timer_start(&a.timer, 5, on_named);
    timer_start(&a.timer, 40, on_named);
    loop_run(loop);
    T_STR(trace, "a");
    T_TRUE(loop_now_ms(loop) - from >= 39);
    timer_close(&a.timer, NULL);
    loop_run(loop);
}

static void on_zero(struct timer *t)
{
    static int rounds;

    note('0');
    if (++rounds < 3)
        timer_start(t, 0, on_zero); /* the next turn, not this one for ever */
    else
        timer_close(t, on_free);
    note('.');
}

static void storage_goes_in_the_closed_callback(void **state)
{
    struct named *n = calloc(1, sizeof(*n));

    (void)state;
    timer_init(loop, &n->timer);
    timer_start(&n->timer, 0, on_zero);
    T_STR(trace, "");
    loop_run(loop);
    T_STR(trace, "0.0.0.~");
}

static struct loop_deferred first, second;

static void on_second(struct loop_deferred *d)
{
    (void)d;
    note('2');
}

static void on_first(struct loop_deferred *d)
{
    static int rounds;

    note('1');
    loop_defer(loop, &second);
    loop_defer(loop, &second);
    if (++rounds < 2)
        loop_defer(loop, d);
}

static void deferred_work_runs_once_a_turn_and_keeps_the_loop_awake(void **state)
{
    (void)state;
    loop_deferred_init(&first, on_first);
    loop_deferred_init(&second, on_second);
    loop_defer(loop, &first);
    loop_defer(loop, &first);
    loop_run(loop);
    T_STR(trace, "12"
                 "12");
    loop_defer(loop, &second);
    loop_deferred_cancel(&second);
    loop_run(loop);
    T_STR(trace, "12"
                 "12");
}

static struct loop_wake bell;

static void on_bell(struct loop_wake *w)
{
    note('b');
    loop_wake_close(w, NULL);
}

static void *ring(void *arg)
{
    for (int i = 0; i < 3; i++)
        loop_wake_send(arg);
    return NULL;
}

static void another_thread_wakes_the_loop(void **state)
{
    pthread_t thread;

    (void)state;
    T_OK(loop_wake_init(loop, &bell, on_bell));
    T_EQ(pthread_create(&thread, NULL, ring, &bell), 0);
    T_EQ(pthread_join(thread, NULL), 0);
    loop_run(loop);
    T_STR(trace, "b");
}

static void on_signal(void *ctx, int signum)
{
    T_TRUE(ctx == trace);
    note(signum == SIGTERM ? 'T' : 'I');
    loop_stop(loop);
}

static void sigterm_is_a_callback(void **state)
{
    struct named idle = {.name = 'x'};

    (void)state;
    T_OK(loop_on_signal(loop, on_signal, trace));
    timer_init(loop, &idle.timer);
    timer_start(&idle.timer, 60000, on_named);
    T_EQ(kill(getpid(), SIGTERM), 0);
    loop_run(loop);
    T_EQ(kill(getpid(), SIGINT), 0);
    loop_run(loop);
    T_STR(trace, "TI");
    timer_close(&idle.timer, NULL);
    loop_run(loop);
}

static void on_busy(struct timer *t)
{
    int64_t end = loop_now_ms(loop) + 20;

    while (loop_now_ms(loop) < end)
        ;
    timer_close(t, NULL);
}

static void the_lag_is_the_longest_turn(void **state)
{
    struct named busy = {0};

    (void)state;
    T_TRUE(loop_lag(loop).max_ms < 10);
    timer_init(loop, &busy.timer);
    timer_start(&busy.timer, 5, on_busy);
    loop_run(loop);
    loop_deferred_init(&second, on_second); /* one more turn, so that the last is measured */
    loop_defer(loop, &second);
    loop_run(loop);
    T_TRUE(loop_lag(loop).max_ms >= 19);
    T_TRUE(loop_lag(loop).p99_ms < loop_lag(loop).max_ms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(timers_fire_in_the_order_of_their_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_second_start_forgets_the_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(storage_goes_in_the_closed_callback, set_up, tear_down),
        cmocka_unit_test_setup_teardown(deferred_work_runs_once_a_turn_and_keeps_the_loop_awake, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(another_thread_wakes_the_loop, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sigterm_is_a_callback, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_lag_is_the_longest_turn, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
