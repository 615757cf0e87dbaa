/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fold.h"
#include "base/mem.h"
#include "support/asserts.h"

static struct fold *f;

static int open_fold(void **state)
{
    (void)state;
    return fold_open(NULL, &f);
}

static int close_fold(void **state)
{
    (void)state;
    fold_close(f);
    return 0;
}

static void check(const char *in, const char *want)
{
    struct buf out;

    buf_init(&out, 10000);
    T_OK(fold_text(f, str_of(in), &out));
    T_STR(buf_cstr(&out), want);
    buf_fini(&out);
}

static void case_width_and_blanks_do_not_matter(void)
{
    check("Hello, World!", "helloworld");
    check("ＶＩＰ　会员１２３！", "vip会员123");
    check("【抽奖】", "抽奖");
    check(" 抽 奖 \t\r\n", "抽奖");
    check("抽奖。", "抽奖");
    check("“抽奖”…", "抽奖");
    check("", "");
    check("！？。，", "");
}

static void traditional_meets_simplified(void)
{
    check("我要抽獎", "我要抽奖");
    check("會員優惠", "会员优惠");
    check("訂單、退貨", "订单退货");
}

static void compatible_forms_meet(void)
{
    check("①㈱ﬁ㎏", "1株fikg");
    check("ｶﾞ", "ガ");
    check("e\xCC\x81", "é");
    check("É", "é");
    check("Straße", "strasse");
    check("ΣΑΣ", "σασ");
}

static void invisible_characters_fall_out(void)
{
    check("抽\xE2\x80\x8B奖", "抽奖"); /* zero width space */
    check("抽\xEF\xBB\xBF奖", "抽奖"); /* byte order mark */
    check("a\xC2\xAD"
          "b",
          "ab");                 /* soft hyphen */
    check("❤\xEF\xB8\x8F", "❤"); /* variation selector */
    check("a\x01\x7f"
          "b",
          "ab");
}

static void symbols_and_emoji_stay(void)
{
    check("1+1=2 😀 ￥5", "1+1=2😀¥5");
    check("a|b~c`d^e<f>$", "a|b~c`d^e<f>$");
}

static void invalid_bytes_become_a_replacement(void)
{
    check("a\xFF"
          "b\xE4\xBD",
          "a\xEF\xBF\xBD"
          "b\xEF\xBF\xBD");
    check("\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

static void folding_twice_changes_nothing(void)
{
    for (uint32_t cp = 1; cp < 0x30000; cp++) {
        struct buf once, twice;
        char utf8[4];
        struct str in = {utf8, utf8_put(cp, utf8)};

        if (in.n == 0)
            continue;
        buf_init(&once, 100);
        buf_init(&twice, 100);
        T_OK(fold_text(f, in, &once));
        T_OK(fold_text(f, buf_str(&once), &twice));
        if (!str_eq(buf_str(&once), buf_str(&twice)))
            print_error("U+%04X: %s, %s\n", cp, buf_cstr(&once), buf_cstr(&twice));
        T_TRUE(str_eq(buf_str(&once), buf_str(&twice)));
        buf_fini(&once);
        buf_fini(&twice);
    }
}

/* A keyword must be found wherever it stands, so neighbours may not change how it folds. */
static void parts_fold_as_they_fold_inside_a_text(void)
{
    static const char *const parts[] = {"乾隆", "乾", "著名", "我要抽獎", "VIP",
                                        "①",    "😀",  "。",   "頭髮",     "發財"};

    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        for (size_t k = 0; k < ARRAY_LEN(parts); k++) {
            struct buf joined, apart, both;

            buf_init(&joined, 200);
            buf_init(&apart, 200);
            buf_init(&both, 200);
            T_OK(buf_addf(&both, "%s%s", parts[i], parts[k]));
            T_OK(fold_text(f, buf_str(&both), &joined));
            T_OK(fold_text(f, str_of(parts[i]), &apart));
            T_OK(fold_text(f, str_of(parts[k]), &apart));
            T_STR(buf_cstr(&joined), buf_cstr(&apart));
            buf_fini(&joined);
            buf_fini(&apart);
            buf_fini(&both);
        }
    }
}

static void the_fast_way_and_the_thorough_way_agree(void)
{
    for (uint32_t cp = 1; cp < 0x10000; cp++) {
        struct buf fast, thorough, with_emoji;
        char utf8[4];
        struct str in = {utf8, utf8_put(cp, utf8)};

        if (in.n == 0)
            continue;
        buf_init(&fast, 100);
        buf_init(&thorough, 100);
        buf_init(&with_emoji, 100);
        T_OK(fold_text(f, in, &fast));
        T_OK(buf_add_str(&with_emoji, in));
        T_OK(buf_adds(&with_emoji, "😀")); /* sends the text through utf8proc */
        T_OK(fold_text(f, buf_str(&with_emoji), &thorough));
        T_OK(buf_adds(&fast, "😀"));
        T_STR(buf_cstr(&thorough), buf_cstr(&fast));
        buf_fini(&fast);
        buf_fini(&thorough);
        buf_fini(&with_emoji);
    }
}

static void the_output_is_bounded(void)
{
    struct buf out;

    buf_init(&out, 3);
    T_OK(fold_text(f, STR("abc"), &out));
    T_ERR(fold_text(f, STR("d"), &out), ERR_TOO_BIG);
    buf_reset(&out);
    T_ERR(fold_text(f, STR("ﷺ"), &out), ERR_TOO_BIG); /* one character that unfolds to eighteen */
    buf_fini(&out);
}

static void a_missing_table_is_an_error(void)
{
    struct fold *none = NULL;

    T_ERR(fold_open("no-such-config.json", &none), ERR_NOT_FOUND);
    T_TRUE(!none);
    fold_close(NULL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        T_CASE(case_width_and_blanks_do_not_matter),
        T_CASE(traditional_meets_simplified),
        T_CASE(compatible_forms_meet),
        T_CASE(invisible_characters_fall_out),
        T_CASE(symbols_and_emoji_stay),
        T_CASE(invalid_bytes_become_a_replacement),
        T_CASE(folding_twice_changes_nothing),
        T_CASE(parts_fold_as_they_fold_inside_a_text),
        T_CASE(the_fast_way_and_the_thorough_way_agree),
        T_CASE(the_output_is_bounded),
        T_CASE(a_missing_table_is_an_error),
    };

    return cmocka_run_group_tests(tests, open_fold, close_fold);
}
