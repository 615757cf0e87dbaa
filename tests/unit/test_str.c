/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "support/asserts.h"

static void views_compare_by_bytes(void)
{
    T_TRUE(str_eq(STR("abc"), str_of("abc")));
    T_TRUE(!str_eq(STR("abc"), STR("abd")));
    T_TRUE(str_eq((struct str){NULL, 0}, STR("")));
    T_TRUE(str_eq_nocase(STR("Content-Type"), STR("content-type")));
    T_TRUE(!str_eq_nocase(STR("a["), STR("A{")));
    T_TRUE(str_cmp(STR("ab"), STR("abc")) < 0);
    T_TRUE(str_cmp(STR("b"), STR("abc")) > 0);
    T_TRUE(str_cmp(STR("\xFF"), STR("a")) > 0);
    T_EQ(str_cmp(STR(""), (struct str){NULL, 0}), 0);
    T_TRUE(str_of(NULL).p == NULL);
}

static void heads_tails_and_blanks(void)
{
    T_TRUE(str_starts(STR("abc"), STR("ab")));
    T_TRUE(!str_starts(STR("a"), STR("ab")));
    T_TRUE(str_ends(STR("abc"), STR("bc")));
    T_TRUE(str_ends(STR("abc"), STR("")));
    T_VIEW(str_trim(STR(" \t a b\r\n")), "a b");
    T_VIEW(str_trim(STR("  ")), "");
    T_EQ(str_find(STR("hello"), STR("ll")), 2);
    T_EQ(str_find(STR("hello"), STR("x")), 5);
    T_EQ(str_chr(STR(""), 'x'), 0);
}

static void cutting_keeps_every_piece(void)
{
    struct str a, b, rest = STR("a,,b"), piece;

    T_TRUE(str_cut(STR("k=v=w"), '=', &a, &b));
    T_VIEW(a, "k");
    T_VIEW(b, "v=w");
    T_TRUE(!str_cut(STR("kv"), '=', &a, &b));
    T_VIEW(a, "kv");
    T_EQ(b.n, 0);
    T_TRUE(str_next(&rest, ',', &piece));
    T_VIEW(piece, "a");
    T_TRUE(str_next(&rest, ',', &piece));
    T_VIEW(piece, "");
    T_TRUE(str_next(&rest, ',', &piece));
    T_VIEW(piece, "b");
    T_TRUE(!str_next(&rest, ',', &piece));
    rest = STR("x,");
    T_TRUE(str_next(&rest, ',', &piece));
    T_TRUE(str_next(&rest, ',', &piece));
    T_EQ(piece.n, 0);
    T_TRUE(!str_next(&rest, ',', &piece));
}

static void numbers_are_strict(void)
{
    static const char *const wrong[] = {"", "-", "+1", " 1", "1 ", "1x", "0x1", "--1", "1.0"};
    int64_t i = 5;
    uint64_t u;

    for (size_t k = 0; k < sizeof(wrong) / sizeof(wrong[0]); k++)
        T_ERR(str_to_i64(str_of(wrong[k]), &i), ERR_SYNTAX);
    T_EQ(i, 5);
    T_OK(str_to_i64(STR("-9223372036854775808"), &i));
    T_TRUE(i == INT64_MIN);
    T_OK(str_to_i64(STR("9223372036854775807"), &i));
    T_TRUE(i == INT64_MAX);
    T_ERR(str_to_i64(STR("9223372036854775808"), &i), ERR_TOO_BIG);
    T_ERR(str_to_i64(STR("-9223372036854775809"), &i), ERR_TOO_BIG);
    T_OK(str_to_u64(STR("18446744073709551615"), &u));
    T_TRUE(u == UINT64_MAX);
    T_ERR(str_to_u64(STR("18446744073709551616"), &u), ERR_TOO_BIG);
    T_ERR(str_to_u64(STR("-1"), &u), ERR_SYNTAX);
    T_OK(str_to_i64(STR("007"), &i));
    T_EQ(i, 7);
}

static void durations_have_a_number_and_a_unit(void)
{
    static const char *const wrong[] = {"", "5", "m", "-5m", "5 m", "5M", "1h30m", "1.5h", "+5s"};
    int64_t ms = 0;

    T_OK(str_to_duration_ms(STR("30s"), &ms));
    T_EQ(ms, 30000);
    T_OK(str_to_duration_ms(STR("5m"), &ms));
    T_EQ(ms, 300000);
    T_OK(str_to_duration_ms(STR("2h"), &ms));
    T_EQ(ms, 7200000);
    T_OK(str_to_duration_ms(STR("1d"), &ms));
    T_EQ(ms, 86400000);
    T_OK(str_to_duration_ms(STR("0s"), &ms));
    T_EQ(ms, 0);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        T_ERR(str_to_duration_ms(str_of(wrong[i]), &ms), ERR_SYNTAX);
    T_ERR(str_to_duration_ms(STR("9223372036854775807d"), &ms), ERR_TOO_BIG);
}

static void percent_coding_goes_there_and_back(void)
{
    struct buf b, c;

    buf_init(&b, 100);
    buf_init(&c, 100);
    T_OK(str_percent_encode(STR("a-._~ +/=你"), &b));
    T_STR(b.data, "a-._~%20%2B%2F%3D%E4%BD%A0");
    T_OK(str_percent_decode(buf_str(&b), false, &c));
    T_STR(c.data, "a-._~ +/=你");
    buf_reset(&c);
    T_OK(str_percent_decode(STR("a+b"), false, &c));
    T_STR(c.data, "a+b");
    buf_reset(&c);
    T_OK(str_percent_decode(STR("a+b%2b"), true, &c));
    T_STR(c.data, "a b+");
    T_ERR(str_percent_decode(STR("%"), true, &c), ERR_SYNTAX);
    T_ERR(str_percent_decode(STR("%4"), true, &c), ERR_SYNTAX);
    T_ERR(str_percent_decode(STR("%4g"), true, &c), ERR_SYNTAX);
    buf_fini(&b);
    buf_fini(&c);
}

static void a_query_parameter_is_found_and_decoded(void)
{
    struct str query = STR("msg_signature=abc&echostr=UzSn%2BcT%3D%3D&empty=&flag&%6e=1&bad=%zz");
    struct buf b;

    buf_init(&b, 100);
    T_OK(str_query_get(query, "echostr", &b));
    T_STR(b.data, "UzSn+cT==");
    T_OK(str_query_get(query, "msg_signature", &b));
    T_STR(b.data, "abc");
    T_OK(str_query_get(query, "empty", &b));
    T_STR(b.data, "");
    T_OK(str_query_get(query, "flag", &b));
    T_STR(b.data, "");
    T_OK(str_query_get(query, "n", &b));
    T_STR(b.data, "1");
    T_ERR(str_query_get(query, "sign", &b), ERR_NOT_FOUND);
    T_ERR(str_query_get(query, "bad", &b), ERR_SYNTAX);
    T_ERR(str_query_get((struct str){NULL, 0}, "a", &b), ERR_NOT_FOUND);
    buf_fini(&b);
}

static void a_query_parameter_is_bounded(void)
{
    struct buf b;

    buf_init(&b, 3);
    T_ERR(str_query_get(STR("a=12345"), "a", &b), ERR_TOO_BIG);
    T_OK(str_query_get(STR("a=123"), "a", &b));
    buf_fini(&b);
}

static void phone_numbers_are_masked(void)
{
    static const char *const pairs[][2] = {
        {"13812341234", "138****1234"},
        {"+8613812341234", "+86138****1234"},
        {"02012345678", "020****5678"},
        {"12345678", "****5678"},
        {"12345", "****"},
        {"", "****"},
        {"0123456789012345678901234567890123456789", "012****6789"},
    };
    char text[STR_PHONE_BYTES];

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        str_mask_phone(str_of(pairs[i][0]), text);
        T_STR(text, pairs[i][1]);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        T_CASE(views_compare_by_bytes),
        T_CASE(heads_tails_and_blanks),
        T_CASE(cutting_keeps_every_piece),
        T_CASE(numbers_are_strict),
        T_CASE(durations_have_a_number_and_a_unit),
        T_CASE(percent_coding_goes_there_and_back),
        T_CASE(a_query_parameter_is_found_and_decoded),
        T_CASE(a_query_parameter_is_bounded),
        T_CASE(phone_numbers_are_masked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
