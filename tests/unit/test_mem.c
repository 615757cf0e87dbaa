/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "support/asserts.h"

#include <stdalign.h>

static void the_chosen_allocation_fails_once(void)
{
    char *first, *third;

    mem_fail_at(2);
    first = mem_strdup("a");
    T_TRUE(first);
    T_TRUE(!mem_alloc(8));
    T_TRUE(mem_fault_hit());
    third = mem_strdup("c");
    T_STR(third, "c");
    mem_free(first);
    mem_free(third);
}

static void a_lasting_fault_fails_all_that_follow(void)
{
    mem_fail_from(1);
    T_TRUE(!mem_calloc(1, 1));
    T_TRUE(!mem_realloc(NULL, 1));
    mem_fail_at(0);
    T_TRUE(mem_fault_hit()); /* disarming keeps the answer */
    mem_fail_at(1);
    T_TRUE(!mem_fault_hit());
    mem_fail_at(0);
}

static void a_failed_realloc_keeps_the_old_memory(void)
{
    char *p = mem_strdup("kept"), *bigger;

    mem_fail_at(1);
    bigger = mem_realloc(p, 100);
    T_TRUE(!bigger);
    T_STR(p, "kept");
    mem_free(p);
}

static void an_overflowing_size_is_refused(void)
{
    T_TRUE(!mem_resize(NULL, SIZE_MAX / 2, 3));
    T_TRUE(!mem_strndup("x", SIZE_MAX));
}

static void cleanup_frees_and_forgets(void)
{
    char *p = mem_strdup("x");

    mem_freep(&p);
    T_TRUE(!p);
    {
        AUTO(mem_freep) char *scoped = mem_strndup("abc", 2);

        T_STR(scoped, "ab");
    }
}

static void the_arena_gives_aligned_zeroed_memory(void)
{
    struct arena a;

    arena_init(&a, 1 << 20);
    for (size_t n = 0; n < 300; n++) {
        char *p = arena_alloc(&a, n);

        T_TRUE(p);
        T_EQ((uintptr_t)p % alignof(max_align_t), 0);
        for (size_t i = 0; i < n; i++)
            T_EQ(p[i], 0);
        if (n)
            memset(p, 0xAA, n);
    }
    arena_reset(&a);
    T_EQ(*(char *)arena_alloc(&a, 1), 0);
    arena_fini(&a);
}

static void the_arena_stops_at_its_ceiling(void)
{
    struct arena a;

    arena_init(&a, 64);
    T_TRUE(arena_alloc(&a, 48));
    T_TRUE(!arena_alloc(&a, 17));
    T_TRUE(arena_alloc(&a, 16));
    T_TRUE(!arena_alloc(&a, 1));
    T_TRUE(!arena_alloc(&a, SIZE_MAX));
    arena_reset(&a);
    T_TRUE(arena_alloc(&a, 64));
    arena_fini(&a);
    arena_fini(NULL);
}

static void the_arena_copies_and_prints(void)
{
    struct arena a;
    char big[9000];

    memset(big, 'x', sizeof(big));
    arena_init(&a, 1 << 20);
    T_STR(arena_str(&a, STR("text")), "text");
    T_STR(arena_str(&a, (struct str){NULL, 0}), "");
    T_STR(arena_printf(&a, "%s-%d", "a", 7), "a-7");
    T_MEM(arena_dup(&a, big, sizeof(big)), big, sizeof(big));
    T_STR(arena_str(&a, STR("after the big one")), "after the big one");
    mem_fail_from(1);
    T_TRUE(!arena_alloc(&a, 9000));
    mem_fail_at(0);
    arena_fini(&a);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        T_CASE(the_chosen_allocation_fails_once),
        T_CASE(a_lasting_fault_fails_all_that_follow),
        T_CASE(a_failed_realloc_keeps_the_old_memory),
        T_CASE(an_overflowing_size_is_refused),
        T_CASE(cleanup_frees_and_forgets),
        T_CASE(the_arena_gives_aligned_zeroed_memory),
        T_CASE(the_arena_stops_at_its_ceiling),
        T_CASE(the_arena_copies_and_prints),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
