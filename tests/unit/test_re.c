/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/re.h"
#include "support/asserts.h"

#include <time.h>

static struct re *compile(const char *pattern, bool nocase)
{
    struct re_fault fault;
    struct re *re = NULL;
    int r = re_compile(str_of(pattern), nocase, &re, &fault);

    if (r < 0)
        print_error("%s: %s at %zu\n", pattern, fault.text, fault.offset);
    T_OK(r);
    return re;
}

static int match(const char *pattern, bool nocase, const char *subject)
{
    struct re *re = compile(pattern, nocase);
    int r = re_matches(re, str_of(subject));

    re_free(re);
    return r;
}

static void patterns_match_chinese_text(void)
{
    T_EQ(match("^(退(货|款))", false, "退款怎么办"), 1);
    T_EQ(match("^退(货|款)", false, "我要退款"), 0);
    T_EQ(match("^.$", false, "你"), 1);
    T_EQ(match("abc", true, "xABCx"), 1);
    T_EQ(match("abc", false, "xABCx"), 0);
    T_EQ(match("", false, ""), 1);
    T_EQ(match("^\\w+$", false, "你好"), 1);
}

static void a_wrong_pattern_is_refused_with_its_place(void)
{
    struct re_fault fault;
    struct re *re = NULL;

    T_ERR(re_compile(STR("ab(c"), false, &re, &fault), ERR_SYNTAX);
    T_EQ(fault.offset, 4);
    T_TRUE(strstr(fault.text, "parenthesis"));
    T_ERR(re_compile(STR("a\\Cb"), false, &re, &fault), ERR_SYNTAX);
    T_ERR(re_compile(STR("\xFF"), false, &re, NULL), ERR_SYNTAX);
    T_TRUE(!re);
    re_free(NULL);
}

static void patterns_are_bounded(void)
{
    char big[RE_PATTERN_BYTES + 2], groups[RE_PATTERN_BYTES];
    struct re *re = NULL;

    memset(big, 'a', sizeof(big));
    T_OK(re_compile((struct str){big, RE_PATTERN_BYTES}, false, &re, NULL));
    re_free(re);
    T_ERR(re_compile((struct str){big, RE_PATTERN_BYTES + 1}, false, &re, NULL), ERR_TOO_BIG);
    memset(groups, '(', 51);
    memset(groups + 51, ')', 51);
    T_ERR(re_compile((struct str){groups, 102}, false, &re, NULL), ERR_SYNTAX);
    for (size_t i = 0; i < 51; i++)
        memcpy(groups + 3 * i, "(a)", 3);
    T_ERR(re_compile((struct str){groups, 153}, false, &re, NULL), ERR_TOO_BIG);
    T_OK(re_compile((struct str){groups, 150}, false, &re, NULL));
    re_free(re);
}

static void explosive_patterns_hit_their_limit_soon(void)
{
    static const char *const patterns[] = {
        "(a+)+$", "(a|a)*$", "(a|aa)+$", "^(([a-z])+.)+[A-Z]([a-z])+$", "(.*a){12}$", "(?:a?){50}a{50}$"};
    char subject[RE_SUBJECT_BYTES];
    clock_t start = clock();

    memset(subject, 'a', sizeof(subject));
    subject[sizeof(subject) - 1] = '!';
    for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
        struct re *re = compile(patterns[i], false);
        int whole = re_matches(re, (struct str){subject, sizeof(subject)});
        int tail = re_matches(re, (struct str){subject + sizeof(subject) - 40, 40});

        T_TRUE(whole == ERR_TIMEOUT || whole == 0);
        T_TRUE(tail == ERR_TIMEOUT || tail == 0);
        re_free(re);
    }
    T_ERR(match("(a+)+$", false, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"), ERR_TIMEOUT);
    T_TRUE((clock() - start) / (CLOCKS_PER_SEC / 1000) < 5000); /* sanitizers included */
}

/* Some two steps a byte at each start: well below the limit for a chat line, in all too much for 2 KiB. */
static void the_step_limit_shrinks_with_the_subject(void)
{
    char subject[RE_SUBJECT_BYTES];
    struct re *re = compile("(?:a|b)*c$", false);

    memset(subject, 'a', sizeof(subject));
    memcpy(subject + sizeof(subject) - 2, "c!", 2);
    T_EQ(re_matches(re, (struct str){subject + sizeof(subject) - 500, 500}), 0);
    T_ERR(re_matches(re, (struct str){subject, sizeof(subject)}), ERR_TIMEOUT);
    re_free(re);
}

static void a_subject_is_bounded(void)
{
    char subject[RE_SUBJECT_BYTES + 1];
    struct re *re = compile("z", false);

    memset(subject, 'a', sizeof(subject));
    T_EQ(re_matches(re, (struct str){subject, RE_SUBJECT_BYTES}), 0);
    T_ERR(re_matches(re, (struct str){subject, RE_SUBJECT_BYTES + 1}), ERR_TOO_BIG);
    T_EQ(re_matches(re, (struct str){NULL, 0}), 0);
    re_free(re);
}

static void invalid_utf8_fails_nothing(void)
{
    T_EQ(match("a.c", false,
               "\xFF"
               "abc"),
         1);
    T_EQ(match("a.c", false,
               "a\xFF"
               "c"),
         0);
}

static void the_required_literal_is_found(void)
{
    static const char *const rows[][2] = {
        {"abc", "abc"},
        {"^退(货|款)", "退"},
        {"退(?:货|款)快点", "快点"},
        {"ab?cd", "cd"},
        {"ab+cd", "ab"},
        {"ab+?cde", "cde"},
        {"ab*c{2,3}def", "def"},
        {"你好?世界", "世界"},
        {"a\\.b\\d+wxyz", "wxyz"},
        {"a\\.bc\\d+xy", "a.bc"},
        {"[abc]+zz[^]x]q", "zz"},
        {"[[:alpha:]]]k", "]k"},
        {"(?<!x)abc", "abc"},
        {"x{,5}y", "y"},
        {"a|b", ""},
        {"(a|b)", ""},
        {"(?i)abc", ""},
        {"(?#c)abc", ""},
        {"\\Qa|b\\E", ""},
        {"\\x{4e00}abc", ""},
        {"(*UCP)abc", ""},
        {".*", ""},
        {"", ""},
        {"a?", ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct re *re = compile(rows[i][0], false);

        print_message("%s\n", rows[i][0]);
        T_VIEW(re_first_literal(re), rows[i][1]);
        T_VIEW(re_pattern(re), rows[i][0]);
        re_free(re);
    }
}

static void without_case_only_ideographs_are_literal(void)
{
    struct re *re = compile("vip会员Card卡", true);

    T_VIEW(re_first_literal(re), "会员");
    re_free(re);
}

static void compiling_without_memory_fails_cleanly(void)
{
    bool hit = true;

    for (int n = 1; hit; n++) {
        struct re *re = NULL;
        int r;

        mem_fail_at(n);
        r = re_compile(STR("^退(货|款)[a-z]+"), false, &re, NULL);
        mem_fail_at(0);
        hit = mem_fault_hit();
        T_EQ(r, hit ? -ENOMEM : 0);
        re_free(re);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        T_CASE(patterns_match_chinese_text),
        T_CASE(a_wrong_pattern_is_refused_with_its_place),
        T_CASE(patterns_are_bounded),
        T_CASE(explosive_patterns_hit_their_limit_soon),
        T_CASE(the_step_limit_shrinks_with_the_subject),
        T_CASE(a_subject_is_bounded),
        T_CASE(invalid_utf8_fails_nothing),
        T_CASE(the_required_literal_is_found),
        T_CASE(without_case_only_ideographs_are_literal),
        T_CASE(compiling_without_memory_fails_cleanly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
