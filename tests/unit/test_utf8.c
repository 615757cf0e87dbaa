/* SPDX-License-Identifier: Apache-2.0 */
#include "support/asserts.h"

static void every_code_point_goes_there_and_back(void)
{
    for (uint32_t cp = 0; cp <= 0x10FFFF; cp++) {
        char utf8[4];
        struct str s = {utf8, utf8_put(cp, utf8)};

        if (cp >= 0xD800 && cp <= 0xDFFF) {
            T_EQ(s.n, 0);
            continue;
        }
        T_EQ(utf8_next(&s), cp);
        T_EQ(s.n, 0);
    }
    T_EQ(utf8_put(0x110000, (char[4]){0}), 0);
}

static void what_is_not_utf8_is_refused(void)
{
    static const char *const wrong[] = {
        "\x80",
        "\xC0\x80",
        "\xC1\xBF",
        "\xE0\x80\x80",
        "\xED\xA0\x80",
        "\xF0\x80\x80\x80",
        "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80",
        "\xFF",
        "\xE4\xBD",
        "\xE4",
        "\xF0\x9F\x98",
        "abcdefgh\xE4\xBD",
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        T_TRUE(!str_utf8_valid(str_of(wrong[i])));
    T_TRUE(str_utf8_valid(STR("")));
    T_TRUE(str_utf8_valid(STR("plain ascii, long enough for words")));
    T_TRUE(str_utf8_valid(STR("你好，世界 😀 é")));
}

static void a_bad_piece_is_taken_as_a_whole(void)
{
    struct str s = STR("\xE4\xBD"
                       "a\xF0\x9F\x98"
                       "b\x80\x80");
    static const int32_t want[] = {-1, 'a', -1, 'b', -1, -1};

    for (size_t i = 0; i < 6; i++)
        T_EQ(utf8_next(&s), want[i]);
    T_EQ(s.n, 0);
}

static void lengths_count_in_their_units(void)
{
    T_EQ(str_utf16_units(STR("a你😀")), 4);
    T_EQ(str_code_points(STR("a你😀")), 3);
    T_EQ(str_utf16_units(STR("\xE4\xBD")), 1);
    T_EQ(str_utf16_units(STR("")), 0);
}

static void a_cut_never_falls_inside_a_character(void)
{
    struct str s = STR("a你😀b");
    static const size_t want[] = {0, 1, 1, 1, 4, 4, 4, 4, 8, 9, 9};

    for (size_t max = 0; max < 11; max++)
        T_EQ(str_cut_bytes(s, max).n, want[max]);
    T_EQ(str_cut_bytes(STR("\x80\x80\x80\x80\x80\x80"), 4).n, 4);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        T_CASE(every_code_point_goes_there_and_back), T_CASE(what_is_not_utf8_is_refused),
        T_CASE(a_bad_piece_is_taken_as_a_whole),      T_CASE(lengths_count_in_their_units),
        T_CASE(a_cut_never_falls_inside_a_character),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
