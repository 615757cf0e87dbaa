/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"
#include "support/asserts.h"

#include <stdio.h>

enum { MANY = 5000 };

static struct str key_of(int i, char text[16])
{
    return (struct str){text, (size_t)snprintf(text, 16, "k%d", i)};
}

static void what_was_put_is_found_again(void)
{
    struct map_i64 m;

    map_i64_init(&m, SIZE_MAX);
    for (int64_t i = 0; i < MANY; i++)
        T_OK(map_i64_put_i64(&m, i * INT64_C(1000003) - 77, i));
    T_EQ(map_i64_count(&m), MANY);
    for (int64_t i = 0; i < MANY; i++)
        T_EQ(map_i64_find(&m, i * INT64_C(1000003) - 77)->i, i);
    T_TRUE(!map_i64_find(&m, 5));
    T_TRUE(!map_i64_get(&m, 5));
    map_i64_fini(&m);
}

static void a_second_put_overwrites(void)
{
    struct map_str m;
    int a, b;

    map_str_init(&m, 1);
    T_OK(map_str_put(&m, STR("key"), &a));
    T_OK(map_str_put(&m, STR("key"), &b));
    T_TRUE(map_str_get(&m, STR("key")) == &b);
    T_EQ(map_str_count(&m), 1);
    map_str_fini(&m);
}

static void keys_are_copied_and_may_hold_any_byte(void)
{
    char key[] = "a\0b";
    struct map_str m;

    map_str_init(&m, 10);
    T_OK(map_str_put_i64(&m, (struct str){key, 3}, 1));
    T_OK(map_str_put_i64(&m, (struct str){key, 1}, 2));
    T_OK(map_str_put_i64(&m, (struct str){NULL, 0}, 3));
    memset(key, 'x', sizeof(key));
    T_EQ(map_str_find(&m, (struct str){"a\0b", 3})->i, 1);
    T_EQ(map_str_find(&m, STR("a"))->i, 2);
    T_EQ(map_str_find(&m, STR(""))->i, 3);
    map_str_fini(&m);
}

static void a_full_map_refuses_new_keys_only(void)
{
    struct map_i64 m;

    map_i64_init(&m, 2);
    T_OK(map_i64_put_i64(&m, 1, 1));
    T_OK(map_i64_put_i64(&m, 2, 2));
    T_ERR(map_i64_put_i64(&m, 3, 3), ERR_FULL);
    T_OK(map_i64_put_i64(&m, 2, 22));
    T_TRUE(map_i64_del(&m, 1));
    T_OK(map_i64_put_i64(&m, 3, 3));
    map_i64_fini(&m);
}

static void deleting_and_adding_for_ever_needs_no_more_room(void)
{
    struct map_str m;
    char text[16];

    map_str_init(&m, SIZE_MAX);
    for (int i = 0; i < MANY; i++) {
        T_OK(map_str_put_i64(&m, key_of(i, text), i));
        if (i >= 4)
            T_TRUE(map_str_del(&m, key_of(i - 4, text)));
    }
    T_EQ(map_str_count(&m), 4);
    T_TRUE(m.m.cap <= 32);
    T_TRUE(m.m.used < m.m.cap); /* graves are cleared, else every put would rehash */
    T_TRUE(!map_str_del(&m, STR("k0")));
    for (int i = MANY - 4; i < MANY; i++)
        T_EQ(map_str_find(&m, key_of(i, text))->i, i);
    map_str_fini(&m);
}

static void a_walk_sees_each_key_once_and_may_delete(void)
{
    bool seen[100] = {false};
    union map_val val;
    struct map_i64 m;
    int64_t key;
    size_t at = 0;

    map_i64_init(&m, 100);
    for (int i = 0; i < 100; i++)
        T_OK(map_i64_put_i64(&m, i, i * 2));
    while (map_i64_next(&m, &at, &key, &val)) {
        T_EQ(val.i, key * 2);
        T_TRUE(!seen[key]);
        seen[key] = true;
        if (key % 2)
            T_TRUE(map_i64_del(&m, key));
    }
    T_EQ(map_i64_count(&m), 50);
    for (int i = 0; i < 100; i++)
        T_TRUE(seen[i] && (!map_i64_find(&m, i)) == i % 2);
    map_i64_clear(&m);
    at = 0;
    T_TRUE(!map_i64_next(&m, &at, &key, &val));
    map_i64_fini(&m);
}

static void string_keys_are_walked_too(void)
{
    struct map_str m;
    union map_val val;
    struct str key;
    size_t at = 0, n = 0;

    map_str_init(&m, 100);
    T_OK(map_str_put_i64(&m, STR("a"), 1));
    T_OK(map_str_put_i64(&m, STR("b"), 2));
    while (map_str_next(&m, &at, &key, &val)) {
        T_EQ(key.p[0] - 'a' + 1, val.i);
        n++;
    }
    T_EQ(n, 2);
    map_str_clear(&m);
    T_EQ(map_str_count(&m), 0);
    map_str_fini(&m);
}

static void a_put_without_memory_changes_nothing(void)
{
    bool hit = true;

    for (int n = 1; hit; n++) {
        struct map_str m;
        int r;

        map_str_init(&m, 100);
        mem_fail_at(n);
        r = map_str_put_i64(&m, STR("key"), 1);
        mem_fail_at(0);
        hit = mem_fault_hit();
        T_EQ(r, hit ? -ENOMEM : 0);
        T_EQ(map_str_count(&m), hit ? 0 : 1);
        T_TRUE(!map_str_find(&m, STR("key")) == hit);
        map_str_fini(&m);
    }
}

static void hashes_are_stable_within_a_process(void)
{
    T_TRUE(hash_bytes("abc", 3) == hash_bytes("abc", 3));
    T_TRUE(hash_bytes("abc", 3) != hash_bytes("abd", 3));
    T_TRUE(hash_i64(1) != hash_i64(2));
    (void)hash_bytes(NULL, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        T_CASE(what_was_put_is_found_again),
        T_CASE(a_second_put_overwrites),
        T_CASE(keys_are_copied_and_may_hold_any_byte),
        T_CASE(a_full_map_refuses_new_keys_only),
        T_CASE(deleting_and_adding_for_ever_needs_no_more_room),
        T_CASE(a_walk_sees_each_key_once_and_may_delete),
        T_CASE(string_keys_are_walked_too),
        T_CASE(a_put_without_memory_changes_nothing),
        T_CASE(hashes_are_stable_within_a_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
