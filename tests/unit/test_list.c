/* SPDX-License-Identifier: Apache-2.0 */
#include "base/list.h"
#include "base/mem.h"
#include "support/asserts.h"

struct item {
    int v;
    struct list link;
};

static struct list head;
static struct item items[4];

static int set_up(void **state)
{
    (void)state;
    list_init(&head);
    for (int i = 0; i < 4; i++) {
        items[i].v = i;
        list_init(&items[i].link);
    }
    return 0;
}

static int value_of(const struct list *node)
{
    return container_of(node, struct item, link)->v;
}

/* `want`: the values as digits. */
static void check(const struct list *list, const char *want)
{
    for (const struct list *n = list->next; n != list; n = n->next, want++)
        T_EQ(value_of(n), *want - '0');
    T_EQ(*want, 0);
}

static void nodes_stand_in_order_of_adding(void **state)
{
    (void)state;
    T_TRUE(list_empty(&head));
    T_TRUE(!list_first(&head));
    list_add_tail(&head, &items[1].link);
    list_add_tail(&head, &items[2].link);
    list_add_head(&head, &items[0].link);
    check(&head, "012");
    T_TRUE(list_linked(&items[1].link));
}

static void a_second_removal_is_harmless(void **state)
{
    (void)state;
    list_add_tail(&head, &items[0].link);
    list_add_tail(&head, &items[1].link);
    list_del(&items[0].link);
    list_del(&items[0].link);
    T_TRUE(!list_linked(&items[0].link));
    check(&head, "1");
    list_del(&(struct list){NULL, NULL}); /* a zeroed node was never linked */
}

static void popping_empties_from_the_front(void **state)
{
    (void)state;
    list_add_tail(&head, &items[3].link);
    list_add_tail(&head, &items[0].link);
    T_EQ(value_of(list_pop(&head)), 3);
    T_EQ(value_of(list_pop(&head)), 0);
    T_TRUE(!list_pop(&head));
}

static void a_whole_list_moves_to_the_end_of_another(void **state)
{
    struct list other;

    (void)state;
    list_init(&other);
    list_move_all(&head, &other);
    T_TRUE(list_empty(&head));
    list_add_tail(&other, &items[1].link);
    list_add_tail(&other, &items[2].link);
    list_move_all(&head, &other);
    check(&head, "12");
    T_TRUE(list_empty(&other));
    list_add_tail(&other, &items[3].link);
    list_move_all(&head, &other);
    check(&head, "123");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nodes_stand_in_order_of_adding, set_up),
        cmocka_unit_test_setup(a_second_removal_is_harmless, set_up),
        cmocka_unit_test_setup(popping_empties_from_the_front, set_up),
        cmocka_unit_test_setup(a_whole_list_moves_to_the_end_of_another, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
