/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "support/asserts.h"

static void a_manual_clock_stands_still_until_told(void)
{
    struct clock c;

    clock_init_manual(&c, 1000, 50);
    T_EQ(clock_wall_ms(&c), 1000);
    clock_advance(&c, 25);
    T_EQ(clock_wall_ms(&c), 1025);
    T_EQ(clock_mono_ms(&c), 75);
    clock_set_manual(&c, 5, 80); /* the wall clock stepped back */
    T_EQ(clock_wall_ms(&c), 5);
    T_EQ(clock_mono_ms(&c), 80);
}

static void the_real_clock_moves_with_the_machine(void)
{
    int64_t before = clock_boot_ms(), now;
    struct clock c;

    clock_init_real(&c);
    now = clock_mono_ms(&c);
    T_TRUE(before <= now && now <= clock_boot_ms());
    T_TRUE(clock_wall_ms(&c) > INT64_C(1700000000000));
}

static void a_scaled_clock_runs_from_its_origin(void)
{
    int64_t origin = clock_boot_ms() - 1000, boot_before, wall, boot_after;
    struct clock c;

    clock_init_scaled(&c, 5000000, 60, origin);
    boot_before = clock_boot_ms();
    wall = clock_wall_ms(&c);
    boot_after = clock_boot_ms();
    T_TRUE(wall >= 5000000 + (boot_before - origin) * 60);
    T_TRUE(wall <= 5000000 + (boot_after - origin) * 60);
    T_TRUE(clock_mono_ms(&c) - origin >= 60000);
}

static void the_option_is_read(void)
{
    struct clock c;

    T_OK(clock_parse("real", &c, NULL));
    T_EQ(c.kind, CLOCK_KIND_REAL);
    T_OK(clock_parse("2026-12-01T10:00@60,123456", &c, NULL));
    T_EQ(c.kind, CLOCK_KIND_SCALED);
    T_EQ(c.start_ms, INT64_C(1796090400000));
    T_EQ(c.speed, 60);
    T_EQ(c.origin_ms, 123456);
    T_OK(clock_parse("1796090400000@1,0", &c, NULL));
    T_EQ(c.start_ms, INT64_C(1796090400000));
}

static void a_wrong_option_is_named_by_its_part(void)
{
    static const char *const pairs[][2] = {
        {"", "expected"},     {"fast", "expected"},        {"1@1", "expected"},
        {"x@1,1", "START"},   {"2026-12-01@1,1", "START"}, {"-1@1,1", "START"},
        {"1@0,1", "SPEED"},   {"1@61,1", "SPEED"},         {"1@1.5,1", "SPEED"},
        {"1@1,-1", "ORIGIN"}, {"1@1,soon", "ORIGIN"},
    };

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        const char *fault = "";
        struct clock c;

        T_ERR(clock_parse(pairs[i][0], &c, &fault), ERR_SYNTAX);
        T_TRUE(str_starts(str_of(fault), str_of(pairs[i][1])));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        T_CASE(a_manual_clock_stands_still_until_told), T_CASE(the_real_clock_moves_with_the_machine),
        T_CASE(a_scaled_clock_runs_from_its_origin),    T_CASE(the_option_is_read),
        T_CASE(a_wrong_option_is_named_by_its_part),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
