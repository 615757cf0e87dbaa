/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mailbox.h"
#include "base/mem.h"
#include "support/asserts.h"

#include <stdatomic.h>

enum { POSTERS = 4, EACH = 5000 };

struct letter {
    int from, number;
    struct list link;
};

static struct letter letters[POSTERS][EACH];
static struct mailbox box;

static void count_wake(void *ctx)
{
    atomic_fetch_add((atomic_int *)ctx, 1);
}

static void letters_arrive_in_order_and_wake_once(void)
{
    atomic_int wakes = 0;
    struct list got;

    list_init(&got);
    T_OK(mailbox_init(&box, 10, count_wake, &wakes));
    T_EQ(mailbox_wait(&box, 0), 0);
    for (int i = 0; i < 3; i++) {
        letters[0][i].number = i;
        T_OK(mailbox_post(&box, &letters[0][i].link));
    }
    T_EQ(wakes, 1);
    T_EQ(mailbox_count(&box), 3);
    T_EQ(mailbox_wait(&box, -1), 1);
    T_EQ(mailbox_take_all(&box, &got), 3);
    for (int i = 0; i < 3; i++)
        T_EQ(container_of(list_pop(&got), struct letter, link)->number, i);
    T_EQ(mailbox_take_all(&box, &got), 0);
    mailbox_fini(&box);
}

static void a_full_box_leaves_the_letter_with_its_sender(void)
{
    struct list got;

    list_init(&got);
    T_OK(mailbox_init(&box, 1, NULL, NULL));
    T_OK(mailbox_post(&box, &letters[0][0].link));
    T_ERR(mailbox_post(&box, &letters[0][1].link), ERR_FULL);
    T_TRUE(!list_linked(&letters[0][1].link));
    T_EQ(mailbox_take_all(&box, &got), 1);
    T_TRUE(list_pop(&got));
    T_OK(mailbox_post(&box, &letters[0][1].link));
    T_EQ(mailbox_take_all(&box, &got), 1);
    T_TRUE(list_pop(&got));
    mailbox_fini(&box);
}

static void a_closed_box_can_still_be_emptied(void)
{
    atomic_int wakes = 0;
    struct list got;

    list_init(&got);
    T_OK(mailbox_init(&box, 10, count_wake, &wakes));
    T_OK(mailbox_post(&box, &letters[0][0].link));
    mailbox_close(&box);
    T_EQ(wakes, 2);
    T_ERR(mailbox_post(&box, &letters[0][1].link), ERR_CLOSED);
    T_EQ(mailbox_wait(&box, -1), 1);
    T_EQ(mailbox_take_all(&box, &got), 1);
    T_TRUE(list_pop(&got));
    T_ERR(mailbox_wait(&box, -1), ERR_CLOSED);
    mailbox_fini(&box);
}

static void *post_all(void *arg)
{
    struct letter *mine = arg;

    for (int i = 0; i < EACH; i++) {
        mine[i].number = i;
        while (mailbox_post(&box, &mine[i].link) == ERR_FULL)
            (void)sched_yield();
    }
    return NULL;
}

static void many_senders_lose_nothing_and_keep_their_order(void)
{
    pthread_t threads[POSTERS];
    int next[POSTERS] = {0}, total = 0;
    struct list got;

    list_init(&got);
    T_OK(mailbox_init(&box, 64, NULL, NULL));
    for (int t = 0; t < POSTERS; t++) {
        for (int i = 0; i < EACH; i++)
            letters[t][i].from = t;
        T_EQ(pthread_create(&threads[t], NULL, post_all, letters[t]), 0);
    }
    while (total < POSTERS * EACH) {
        struct list *n;

        T_EQ(mailbox_wait(&box, -1), 1);
        T_TRUE(mailbox_take_all(&box, &got) <= 64);
        while ((n = list_pop(&got)) != NULL) {
            const struct letter *l = container_of(n, struct letter, link);

            T_EQ(l->number, next[l->from]++);
            total++;
        }
    }
    for (int t = 0; t < POSTERS; t++)
        T_EQ(pthread_join(threads[t], NULL), 0);
    mailbox_fini(&box);
}

static void *close_box(void *arg)
{
    (void)arg;
    mailbox_close(&box);
    return NULL;
}

static void closing_wakes_one_who_waits_for_ever(void)
{
    pthread_t thread;

    T_OK(mailbox_init(&box, 1, NULL, NULL));
    T_EQ(pthread_create(&thread, NULL, close_box, NULL), 0);
    T_ERR(mailbox_wait(&box, -1), ERR_CLOSED);
    T_EQ(pthread_join(thread, NULL), 0);
    mailbox_fini(&box);
    mailbox_fini(NULL);
    mailbox_fini(&(struct mailbox){.max = 0});
}

static void waiting_ends_with_its_time(void)
{
    T_OK(mailbox_init(&box, 1, NULL, NULL));
    T_EQ(mailbox_wait(&box, 1), 0);
    mailbox_fini(&box);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        T_CASE(letters_arrive_in_order_and_wake_once), T_CASE(a_full_box_leaves_the_letter_with_its_sender),
        T_CASE(a_closed_box_can_still_be_emptied),     T_CASE(many_senders_lose_nothing_and_keep_their_order),
        T_CASE(closing_wakes_one_who_waits_for_ever),  T_CASE(waiting_ends_with_its_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
