/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/mem.h"
#include "support/asserts.h"

static void what_is_added_stands_in_order_and_ends_with_nul(void)
{
    struct buf b;

    buf_init(&b, 1000);
    T_STR(buf_cstr(&b), "");
    T_OK(buf_adds(&b, "a"));
    T_OK(buf_addc(&b, '-'));
    T_OK(buf_add_str(&b, STR("bc")));
    T_OK(buf_addf(&b, "=%d", 42));
    T_STR(b.data, "a-bc=42");
    T_VIEW(buf_str(&b), "a-bc=42");
    buf_fini(&b);
    buf_fini(NULL);
}

static void the_ceiling_holds_to_the_byte(void)
{
    struct buf b;

    buf_init(&b, 4);
    T_OK(buf_adds(&b, "1234"));
    T_ERR(buf_addc(&b, '5'), ERR_TOO_BIG);
    T_STR(b.data, "1234");
    buf_fini(&b);
}

static void the_first_error_sticks_until_reset(void)
{
    struct buf b;

    buf_init(&b, 4);
    T_ERR(buf_adds(&b, "12345"), ERR_TOO_BIG);
    T_ERR(buf_addc(&b, '1'), ERR_TOO_BIG);
    T_ERR(buf_error(&b), ERR_TOO_BIG);
    T_TRUE(!buf_take(&b));
    buf_reset(&b);
    T_OK(buf_addf(&b, "%d", 1234));
    T_ERR(buf_addf(&b, "%d", 5), ERR_TOO_BIG);
    T_STR(buf_cstr(&b), "1234");
    buf_fini(&b);
}

static void no_memory_leaves_the_contents_whole(void)
{
    char big[500] = {1};
    struct buf b;

    buf_init(&b, 1000);
    T_OK(buf_adds(&b, "kept"));
    mem_fail_at(1);
    T_ERR(buf_add(&b, big, sizeof(big)), -ENOMEM);
    T_STR(buf_cstr(&b), "kept");
    buf_fini(&b);
}

static void bytes_leave_at_both_ends(void)
{
    struct buf b;

    buf_init(&b, 1000);
    T_OK(buf_adds(&b, "0123456789"));
    buf_consume(&b, 4);
    T_STR(b.data, "456789");
    buf_truncate(&b, 2);
    T_STR(b.data, "45");
    buf_consume(&b, 2);
    T_EQ(b.len, 0);
    buf_consume(&b, 0);
    buf_fini(&b);
}

static void numbers_are_written_big_endian(void)
{
    struct buf b;

    buf_init(&b, 100);
    T_OK(buf_add_be16(&b, 0x0102));
    T_OK(buf_add_be32(&b, 0x03040506));
    T_OK(buf_add_be64(&b, 0x0708090A0B0C0D0E));
    T_EQ(b.len, 14);
    T_HEX(b.data, "0102030405060708090a0b0c0d0e");
    buf_fini(&b);
}

static void taken_data_belongs_to_the_taker(void)
{
    struct buf b;
    char *data;

    buf_init(&b, 100);
    T_OK(buf_adds(&b, "mine"));
    data = buf_take(&b);
    T_STR(data, "mine");
    mem_free(data);
    data = buf_take(&b); /* of an empty one: an empty text, not NULL */
    T_STR(data, "");
    mem_free(data);
    buf_fini(&b);
}

static void an_unbounded_size_cannot_overflow(void)
{
    struct buf b;

    buf_init(&b, SIZE_MAX);
    T_OK(buf_addc(&b, 'x'));
    T_ERR(buf_reserve(&b, SIZE_MAX - 1), ERR_TOO_BIG);
    buf_fini(&b);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        T_CASE(what_is_added_stands_in_order_and_ends_with_nul),
        T_CASE(the_ceiling_holds_to_the_byte),
        T_CASE(the_first_error_sticks_until_reset),
        T_CASE(no_memory_leaves_the_contents_whole),
        T_CASE(bytes_leave_at_both_ends),
        T_CASE(numbers_are_written_big_endian),
        T_CASE(taken_data_belongs_to_the_taker),
        T_CASE(an_unbounded_size_cannot_overflow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
