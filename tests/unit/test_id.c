/* SPDX-License-Identifier: Apache-2.0 */
#include "base/id.h"
#include "support/asserts.h"

#define NOW INT64_C(1796090400000) /* 2026-12-01 10:00 in Shanghai */

static void ids_tell_when_they_were_made(void)
{
    struct id_gen g;

    id_gen_init(&g, 0);
    T_EQ(id_time_ms(id_next(&g, NOW)), NOW);
}

static void ids_only_ever_grow(void)
{
    struct id_gen g;
    int64_t last = 0;

    id_gen_init(&g, 0);
    for (int i = 0; i < 100000; i++) {
        int64_t id = id_next(&g, NOW + (i % 7) * 1000 - 3000); /* the wall clock jumps about */

        T_TRUE(id > last);
        last = id;
    }
}

static void more_than_a_sequence_in_one_ms_carries_over(void)
{
    struct id_gen g;
    int64_t id = 0;

    id_gen_init(&g, 0);
    for (int i = 0; i < (1 << 21) + 1; i++)
        id = id_next(&g, NOW);
    T_EQ(id_time_ms(id), NOW + 1);
    T_TRUE(id_next(&g, NOW + 1) > id);
}

static void a_restart_goes_on_above_the_last_id(void)
{
    struct id_gen before, after;
    int64_t last;

    id_gen_init(&before, 0);
    last = id_next(&before, NOW);
    id_gen_init(&after, last);
    T_TRUE(id_next(&after, NOW - 3600 * 1000) == last + 1); /* although the clock stepped back an hour */
}

static void absurd_clocks_still_give_positive_ids(void)
{
    struct id_gen g;

    id_gen_init(&g, 0);
    T_TRUE(id_next(&g, -5) > 0);
    T_TRUE(id_next(&g, 0) > 0);
    T_TRUE(id_next(&g, INT64_C(1) << 60) > 0);
    T_TRUE(id_next(&g, NOW) > 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        T_CASE(ids_tell_when_they_were_made),
        T_CASE(ids_only_ever_grow),
        T_CASE(more_than_a_sequence_in_one_ms_carries_over),
        T_CASE(a_restart_goes_on_above_the_last_id),
        T_CASE(absurd_clocks_still_give_positive_ids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
