/* SPDX-License-Identifier: Apache-2.0 */
#include "support/asserts.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "base/fold.h"
#include "base/mem.h"
#include "base/re.h"
#include "engine/route.h"
#include "engine/route_automaton.h"

#define MANY 10000

static struct fold *fold;

/* Rules that live as long as the world. */
struct router {
    struct arena arena;
    struct rule rules[MANY];
    struct route_rule route[MANY];
    size_t count;
    struct route_table *table;
    struct route_scratch *scratch;
    struct diag diag;
    const struct route_hit *hits;
    size_t hit_count;
};

static struct router *router_new(void)
{
    struct router *w = calloc(1, sizeof *w);

    assert_non_null(w);
    arena_init(&w->arena, (size_t)64 << 20);
    diag_init(&w->diag, 100);
    T_OK(route_scratch_new(&w->scratch));
    return w;
}

static void router_free(struct router *w)
{
    route_table_free(w->table);
    route_scratch_free(w->scratch);
    diag_fini(&w->diag);
    arena_fini(&w->arena);
    free(w);
}

/* A rule with one keyword; change what else it needs in the returned rule before build(). */
static struct rule *add(struct router *w, enum keyword_kind kind, const char *text)
{
    struct rule *rule = &w->rules[w->count];
    struct keyword *k = arena_alloc(&w->arena, 4 * sizeof *k);

    k[0] = (struct keyword){kind, str_of(arena_str(&w->arena, str_of(text)))};
    *rule = (struct rule){.name = str_of(arena_printf(&w->arena, "rules[%zu]", w->count)),
                          .where = str_of(arena_printf(&w->arena, "p.yaml:%zu", 10 + w->count)),
                          .on = EVENT_MESSAGE_RECEIVED,
                          .keywords = k,
                          .keyword_count = 1,
                          .fold = true};
    w->route[w->count] = (struct route_rule){rule, (uint32_t)w->count};
    w->count++;
    return rule;
}

static void also(struct rule *rule, enum keyword_kind kind, const char *text)
{
    ((struct keyword *)rule->keywords)[rule->keyword_count++] = (struct keyword){kind, str_of(text)};
}

static void build(struct router *w)
{
    int r = route_table_new(w->route, w->count, fold, &w->table, &w->diag);

    for (size_t i = 0; r < 0 && i < diag_count(&w->diag); i++)
        print_error("%s\n", diag_text(&w->diag, i));
    T_OK(r);
}

static void match(struct router *w, const char *text)
{
    T_OK(route_match(w->table, w->scratch, str_of(text), &w->hits, &w->hit_count));
}

/* "2 0": the orders of the hits. */
static const char *hits(struct router *w, const char *text)
{
    static char out[256];
    size_t n = 0;

    match(w, text);
    out[0] = '\0';
    for (size_t i = 0; i < w->hit_count && n < sizeof out; i++)
        n += (size_t)snprintf(out + n, sizeof out - n, "%s%u", i ? " " : "", w->hits[i].order);
    return out;
}

static void exact_prefix_and_contains_mean_what_they_say(void **state)
{
    struct router *w = router_new();

    (void)state;
    add(w, KEYWORD_EXACT, "抽奖");
    add(w, KEYWORD_PREFIX, "抽奖");
    add(w, KEYWORD_CONTAINS, "抽奖");
    build(w);
    T_STR(hits(w, "抽奖"), "0 1 2");
    T_STR(hits(w, "抽奖活动"), "1 2");
    T_STR(hits(w, "我要抽奖"), "2");
    T_STR(hits(w, "抽"), "");
    T_STR(hits(w, ""), "");
    router_free(w);
}

static void folding_meets_what_customers_type(void **state)
{
    struct router *w = router_new();

    (void)state;
    add(w, KEYWORD_EXACT, "抽奖");
    add(w, KEYWORD_EXACT, "VIP会员");
    build(w);
    T_STR(hits(w, "抽獎"), "0");
    T_STR(hits(w, "【抽 奖】！"), "0");
    T_STR(hits(w, "ＶＩＰ會員。"), "1");
    T_VIEW(route_folded(w->scratch), "vip会员");
    router_free(w);
}

static void without_fold_the_text_counts_as_typed(void **state)
{
    struct router *w = router_new();

    (void)state;
    add(w, KEYWORD_CONTAINS, "C++")->fold = false;
    add(w, KEYWORD_CONTAINS, "c");
    add(w, KEYWORD_EXACT, "！")->fold = false;
    build(w);
    T_STR(hits(w, "学C++吗"), "0 1");
    T_STR(hits(w, "学c++吗"), "1");
    T_STR(hits(w, "！"), "2");
    router_free(w);
}

static void hits_come_in_acting_order(void **state)
{
    struct router *w = router_new();

    (void)state;
    add(w, KEYWORD_REGEX, "退.*款");
    add(w, KEYWORD_CONTAINS, "退");
    add(w, KEYWORD_CONTAINS, "退货");
    add(w, KEYWORD_PREFIX, "退");
    add(w, KEYWORD_EXACT, "退货退款");
    add(w, KEYWORD_REGEX, "款$")->priority = 5;
    add(w, KEYWORD_CONTAINS, "退货");
    add(w, KEYWORD_EXACT, "退货退款")->priority = -1;
    build(w);
    T_STR(hits(w, "退货退款"), "5 4 3 2 6 1 0 7");
    router_free(w);
}

static void a_rule_hits_once_with_its_best_keyword(void **state)
{
    struct router *w = router_new();
    struct rule *rule = add(w, KEYWORD_CONTAINS, "奖");

    (void)state;
    also(rule, KEYWORD_REGEX, "抽.");
    also(rule, KEYWORD_EXACT, "抽奖");
    build(w);
    match(w, "抽奖");
    T_EQ(w->hit_count, 1);
    T_EQ(w->hits[0].kind, KEYWORD_EXACT);
    T_VIEW(w->hits[0].keyword, "抽奖");
    match(w, "再抽奖");
    T_EQ(w->hit_count, 1);
    T_EQ(w->hits[0].kind, KEYWORD_CONTAINS);
    router_free(w);
}

static void a_regex_sees_the_typed_and_the_folded_text(void **state)
{
    struct router *w = router_new();

    (void)state;
    add(w, KEYWORD_REGEX, "^退(货|款)");
    add(w, KEYWORD_REGEX, "order-\\d+");
    add(w, KEYWORD_REGEX, "order-\\d+")->fold = false;
    add(w, KEYWORD_REGEX, "\\d{4}");
    build(w);
    T_STR(hits(w, "退 貨"), "0");
    T_STR(hits(w, "我要退货"), "");
    T_STR(hits(w, "ORDER-77"), "1");
    T_STR(hits(w, "order-77"), "1 2");
    T_STR(hits(w, "１２３４"), "3");
    router_free(w);
}

static void text_that_is_not_utf8_is_no_harm(void **state)
{
    struct router *w = router_new();

    (void)state;
    add(w, KEYWORD_CONTAINS, "奖");
    add(w, KEYWORD_CONTAINS, "奖")->fold = false;
    add(w, KEYWORD_REGEX, "奖")->fold = false;
    build(w);
    T_STR(hits(w, "\xe5\xa5\xff奖\xe5"), "0 1 2");
    T_STR(hits(w, "\xa5\x96\xe5\xa5"), "");
    router_free(w);
}

static void a_literal_inside_another_is_found_too(void **state)
{
    struct router *w = router_new();

    (void)state;
    add(w, KEYWORD_CONTAINS, "abcd");
    add(w, KEYWORD_CONTAINS, "bc");
    add(w, KEYWORD_CONTAINS, "c");
    add(w, KEYWORD_CONTAINS, "bcx");
    add(w, KEYWORD_EXACT, "cd");
    build(w);
    T_STR(hits(w, "abcx"), "3 1 2");
    T_STR(hits(w, "zabcdz"), "0 1 2");
    T_STR(hits(w, "cd"), "4 2");
    router_free(w);
}

static void a_keyword_that_folds_to_nothing_is_refused_with_its_place(void **state)
{
    struct router *w = router_new();

    (void)state;
    add(w, KEYWORD_EXACT, "？！");
    T_ERR(route_table_new(w->route, w->count, fold, &w->table, &w->diag), ERR_CONFIG);
    T_EQ(diag_errors(&w->diag), 1);
    T_TRUE(strstr(diag_text(&w->diag, 0), "p.yaml:10: rules[0]: keyword `？！`") != NULL);
    router_free(w);
}

static void a_broken_regex_is_refused_with_its_place(void **state)
{
    struct router *w = router_new();

    (void)state;
    add(w, KEYWORD_REGEX, "退(货|款");
    add(w, KEYWORD_REGEX, "[");
    T_ERR(route_table_new(w->route, w->count, fold, &w->table, &w->diag), ERR_CONFIG);
    T_EQ(diag_errors(&w->diag), 2);
    T_TRUE(strncmp(diag_text(&w->diag, 1), "p.yaml:11: rules[1]: regex", 26) == 0);
    router_free(w);
}

static int64_t cpu_us(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* No text takes more than 20 ms; with sanitizers everything is several times slower. */
#if defined(__SANITIZE_ADDRESS__)
#define BOUND_US 120000
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BOUND_US 120000
#endif
#endif
#ifndef BOUND_US
#define BOUND_US 20000
#endif

static int64_t time_of(struct router *w, const char *text)
{
    int64_t begin = cpu_us();

    match(w, text);
    return cpu_us() - begin;
}

static char *repeated(const char *piece, size_t bytes, const char *end)
{
    size_t n = strlen(piece), m = strlen(end);
    char *text = malloc(bytes + m + 1);

    assert_non_null(text);
    for (size_t i = 0; i < bytes; i++)
        text[i] = piece[i % n];
    memcpy(text + bytes, end, m + 1);
    return text;
}

static void a_hostile_regex_is_bounded_and_quarantined(void **state)
{
    static const char *const patterns[] = {"(a+)+$", "(.*)*x", "(a|aa)+$", "(.*a){20}b",
                                           "^(([a-z])+.)+[A-Z]([a-z])+$"};
    char *text = repeated("a", 2000, "!b");

    (void)state;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        struct router *w = router_new();

        add(w, KEYWORD_REGEX, patterns[i]);
        add(w, KEYWORD_CONTAINS, "ab");
        build(w);
        T_TRUE(time_of(w, text) < BOUND_US);
        T_STR(hits(w, "zab"), "1");
        router_free(w);
    }
    free(text);
}

/* Together they would take far longer than one text may, before each is quarantined by its own limit. */
static void many_hostile_regexes_share_one_budget(void **state)
{
    struct router *w = router_new();
    char *text = repeated("a", 2000, "!b"), pattern[32];

    (void)state;
    for (int i = 0; i < 2000; i++) {
        (void)snprintf(pattern, sizeof pattern, "(a+)+(%d)?$", i);
        add(w, KEYWORD_REGEX, pattern);
    }
    build(w);
    for (int i = 0; i < 3; i++)
        T_TRUE(time_of(w, text) < BOUND_US);
    T_TRUE(route_offenders(w->table) > 0);
    T_TRUE(route_offenders(w->table) < 2000);
    T_TRUE(route_offender(w->table, 0) != NULL);
    T_TRUE(route_offender(w->table, route_offenders(w->table)) == NULL);
    router_free(w);
    free(text);
}

static void a_hostile_text_is_linear_in_the_automaton(void **state)
{
    struct router *w = router_new();
    char *text = repeated("a", 200000, ""), *key = NULL;

    (void)state;
    for (size_t n = 1; n <= 400; n++) {
        key = repeated("a", n, n % 2 ? "" : "b");
        add(w, KEYWORD_CONTAINS, key);
        free(key);
    }
    build(w);
    T_TRUE(time_of(w, text) < BOUND_US);
    T_EQ(w->hit_count, 200);
    router_free(w);
    free(text);
}

static uint64_t seed = 20261201;

static uint32_t chance(uint32_t n)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % n;
}

/* Few different characters, so that keywords overlap and occur. */
static const char *random_text(char *out, size_t size, uint32_t min, uint32_t max)
{
    static const char *const pieces[] = {"抽", "奖", "獎", "退", "货", "款", "a", "B", "b",
                                         "ａ", "会", "員", "员", " ",  "，", "😀", "1", "１"};
    uint32_t n = min + chance(max - min + 1);

    out[0] = '\0';
    for (uint32_t i = 0; i < n; i++)
        (void)strncat(out, pieces[chance(sizeof pieces / sizeof *pieces)], size - strlen(out) - 1);
    return out;
}

struct naive {
    char *literal[2]; /* of keywords 0 and 1 */
    struct re *re[2];
};

static bool naive_literal(enum keyword_kind kind, struct str text, struct str literal)
{
    switch (kind) {
    case KEYWORD_EXACT: return str_eq(text, literal);
    case KEYWORD_PREFIX: return str_starts(text, literal);
    case KEYWORD_CONTAINS: return str_find(text, literal) < text.n;
    case KEYWORD_REGEX: break;
    }
    return false;
}

static bool naive_hit(const struct rule *rule, const struct naive *n, struct str typed, struct str folded)
{
    for (size_t k = 0; k < rule->keyword_count; k++) {
        enum keyword_kind kind = rule->keywords[k].kind;
        struct str text = rule->fold ? folded : typed;

        if (kind == KEYWORD_REGEX) {
            if (re_matches(n->re[k], typed) == 1 || (rule->fold && re_matches(n->re[k], folded) == 1))
                return true;
        } else if (naive_literal(kind, text, str_of(n->literal[k]))) {
            return true;
        }
    }
    return false;
}

static void naive_add(struct router *w, struct naive *n, struct rule *rule)
{
    struct buf out;

    buf_init(&out, 4096);
    for (size_t k = 0; k < rule->keyword_count; k++) {
        buf_reset(&out);
        T_OK(rule->fold ? fold_text(fold, rule->keywords[k].text, &out)
                        : buf_add_str(&out, rule->keywords[k].text));
        n->literal[k] = arena_str(&w->arena, buf_str(&out));
        if (rule->keywords[k].kind == KEYWORD_REGEX)
            T_OK(re_compile(rule->keywords[k].text, rule->fold, &n->re[k], &(struct re_fault){0}));
    }
    buf_fini(&out);
}

static const char *random_regex(char *out, size_t size)
{
    static const char *const forms[] = {"^%s", "%s$", "%s.?%s", "(%s|%s)1", "%s+b", "[ab]%s"};
    char a[64], b[64];
    const char *form = forms[chance(sizeof forms / sizeof *forms)];
    char *second;

    random_text(a, sizeof a, 1, 2);
    random_text(b, sizeof b, 1, 2);
    (void)snprintf(out, size, "%s", form);
    while ((second = strstr(out, "%s")) != NULL) {
        char tail[128];

        (void)snprintf(tail, sizeof tail, "%s", second + 2);
        (void)snprintf(second, size - (size_t)(second - out), "%s%s", a, tail);
        memcpy(a, b, sizeof a);
    }
    return out;
}

static void add_random_rule(struct router *w, struct naive *n)
{
    char text[256];
    struct rule *rule;
    struct buf out;

    buf_init(&out, 4096);
    do { /* a keyword must not fold to nothing */
        buf_reset(&out);
        T_OK(fold_text(fold, str_of(random_text(text, sizeof text, 1, 4)), &out));
    } while (out.len == 0);
    buf_fini(&out);
    if (chance(40) == 0)
        rule = add(w, KEYWORD_REGEX, random_regex(text, sizeof text));
    else
        rule = add(w, (enum keyword_kind)chance(3), text);
    rule->fold = chance(4) != 0;
    rule->priority = (int)chance(3) - 1;
    naive_add(w, n, rule);
}

/* The router finds what a loop over all rules finds, in an order where no rule stands before a better one. */
static void ten_thousand_rules_match_as_a_naive_loop_does(void **state)
{
    struct router *w = router_new();
    struct naive *naive = calloc(MANY, sizeof *naive);
    bool *expected = calloc(MANY, sizeof *expected);
    size_t total = 0;

    (void)state;
    assert_non_null(naive);
    assert_non_null(expected);
    for (size_t i = 0; i < MANY; i++)
        add_random_rule(w, &naive[i]);
    build(w);
    for (int round = 0; round < 150; round++) {
        char text[512];
        size_t want = 0;

        match(w, random_text(text, sizeof text, 0, 12));
        for (size_t i = 0; i < MANY; i++) {
            expected[i] = naive_hit(&w->rules[i], &naive[i], str_of(text), route_folded(w->scratch));
            want += expected[i];
        }
        T_EQ(w->hit_count, want);
        for (size_t i = 0; i < w->hit_count; i++) {
            T_TRUE(expected[w->hits[i].order]);
            expected[w->hits[i].order] = false; /* a second hit of it fails above */
            if (i > 0)
                T_TRUE(w->hits[i - 1].rule->priority >= w->hits[i].rule->priority);
        }
        total += want;
    }
    T_TRUE(total > 1000);
    T_EQ(route_offenders(w->table), 0);
    for (size_t i = 0; i < MANY; i++)
        for (size_t k = 0; k < 2; k++)
            re_free(naive[i].re[k]);
    free(naive);
    free(expected);
    router_free(w);
}

static void ten_thousand_rules_stay_within_a_megabyte(void **state)
{
    struct router *w = router_new();
    char text[64];
    int64_t begin, us;
    size_t found = 0;

    (void)state;
    for (uint32_t i = 0; i < MANY; i++) { /* 2 to 5 of the 3,000 usual characters */
        size_t n = 0;

        for (uint32_t k = 2 + chance(4); k > 0; k--)
            n += utf8_put(0x4e00 + chance(3000), text + n);
        text[n] = '\0';
        add(w, (enum keyword_kind)chance(3), text);
    }
    begin = cpu_us();
    build(w);
    us = cpu_us() - begin;
    print_message("10,000 rules: built in %.1f ms, %zu KiB\n", (double)us / 1000.0,
                  route_table_bytes(w->table) / 1024);
    T_TRUE(route_table_bytes(w->table) <= 1024 * 1024);
    begin = cpu_us();
    for (int i = 0; i < 100000; i++) {
        match(w, "你好，我想问一下这个面膜怎么卖？");
        found += w->hit_count;
    }
    us = cpu_us() - begin;
    print_message("one text of 16 characters: %.2f us (%zu hits)\n", (double)us / 100000.0, found);
    router_free(w);
}

static void memory_that_runs_out_is_returned_at_every_point(void **state)
{
    bool hit = true;

    (void)state;
    for (int n = 1; hit; n++) {
        struct router *w = router_new();
        int r;

        add(w, KEYWORD_CONTAINS, "抽奖");
        add(w, KEYWORD_EXACT, "抽奖")->fold = false;
        add(w, KEYWORD_REGEX, "抽.*");
        mem_fail_at(n);
        r = route_table_new(w->route, w->count, fold, &w->table, &w->diag);
        if (r == 0)
            r = route_match(w->table, w->scratch, str_of("抽奖"), &w->hits, &w->hit_count);
        hit = mem_fault_hit();
        mem_fail_at(0);
        if (hit && r == 0) /* only shrinking may do without */
            T_STR(hits(w, "抽奖"), "1 0 2");
        else
            T_EQ(r, hit ? -ENOMEM : 0);
        router_free(w);
    }
}

static size_t lint(struct router *w)
{
    T_OK(route_lint(w->route, w->count, fold, route_covers, &w->diag));
    return diag_count(&w->diag);
}

static void a_rule_that_can_never_act_is_named_with_its_taker(void **state)
{
    struct router *w = router_new();

    (void)state;
    add(w, KEYWORD_CONTAINS, "奖")->priority = 1;
    add(w, KEYWORD_EXACT, "抽獎");
    T_EQ(lint(w), 1);
    T_TRUE(strstr(diag_text(&w->diag, 0), "p.yaml:11: warning: rules[1]: can never act") != NULL);
    T_TRUE(strstr(diag_text(&w->diag, 0), "rules[0] (p.yaml:10)") != NULL);
    T_EQ(diag_errors(&w->diag), 0);
    router_free(w);
}

static void the_same_keyword_twice_is_a_conflict(void **state)
{
    struct router *w = router_new();

    (void)state;
    add(w, KEYWORD_EXACT, "抽奖");
    also(add(w, KEYWORD_EXACT, "抽 奖"), KEYWORD_EXACT, "大奖");
    T_EQ(lint(w), 1);
    T_TRUE(strstr(diag_text(&w->diag, 0), "rules[1]: a keyword can never act") != NULL);
    router_free(w);
}

static void a_regex_behind_its_own_literal_is_shadowed(void **state)
{
    struct router *w = router_new();

    (void)state;
    add(w, KEYWORD_CONTAINS, "退款");
    add(w, KEYWORD_REGEX, "我要退款\\d+元");
    T_EQ(lint(w), 1);
    router_free(w);
}

static void what_can_still_act_is_left_in_peace(void **state)
{
    struct router *w = router_new();
    static const struct account_id one = {1}, two = {2};
    struct rule *rule;

    (void)state;
    add(w, KEYWORD_CONTAINS, "奖");
    add(w, KEYWORD_CONTAINS, "抽奖"); /* longer: acts first */
    add(w, KEYWORD_EXACT, "抽奖");
    add(w, KEYWORD_PREFIX, "抽奖");
    add(w, KEYWORD_EXACT, "抽奖")->fold = false; /* shadowed: rule 2 takes the folded text */
    add(w, KEYWORD_EXACT, "领奖")->fold = false;
    add(w, KEYWORD_EXACT, "领奖");
    rule = add(w, KEYWORD_EXACT, "退");
    rule->from = &one;
    rule->from_count = 1;
    rule = add(w, KEYWORD_EXACT, "退");
    rule->from = &two;
    rule->from_count = 1;
    T_EQ(lint(w), 1);
    T_TRUE(strstr(diag_text(&w->diag, 0), "rules[4]") != NULL);
    router_free(w);
}

static void lint_is_not_quadratic(void **state)
{
    struct router *w = router_new();
    char text[32];
    int64_t begin = cpu_us();

    (void)state;
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(text, sizeof text, "关键词%d", i);
        add(w, KEYWORD_EXACT, text);
    }
    T_EQ(lint(w), 0);
    T_TRUE(cpu_us() - begin < 50 * (int64_t)BOUND_US);
    router_free(w);
}

static void an_automaton_without_literals_finds_nothing(void **state)
{
    struct automaton *a;
    struct automaton_scan scan;

    (void)state;
    automaton_scan_init(&scan);
    T_OK(automaton_new(NULL, 0, &a));
    T_OK(automaton_find(a, &scan, STR("anything 抽奖")));
    T_EQ(scan.hit_count, 0);
    automaton_free(a);
    automaton_scan_fini(&scan);
}

static int setup(void **state)
{
    (void)state;
    return fold_open(NULL, &fold);
}

static int teardown(void **state)
{
    (void)state;
    fold_close(fold);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_prefix_and_contains_mean_what_they_say),
        cmocka_unit_test(folding_meets_what_customers_type),
        cmocka_unit_test(without_fold_the_text_counts_as_typed),
        cmocka_unit_test(hits_come_in_acting_order),
        cmocka_unit_test(a_rule_hits_once_with_its_best_keyword),
        cmocka_unit_test(a_regex_sees_the_typed_and_the_folded_text),
        cmocka_unit_test(text_that_is_not_utf8_is_no_harm),
        cmocka_unit_test(a_literal_inside_another_is_found_too),
        cmocka_unit_test(a_keyword_that_folds_to_nothing_is_refused_with_its_place),
        cmocka_unit_test(a_broken_regex_is_refused_with_its_place),
        cmocka_unit_test(a_hostile_regex_is_bounded_and_quarantined),
        cmocka_unit_test(many_hostile_regexes_share_one_budget),
        cmocka_unit_test(a_hostile_text_is_linear_in_the_automaton),
        cmocka_unit_test(ten_thousand_rules_match_as_a_naive_loop_does),
        cmocka_unit_test(ten_thousand_rules_stay_within_a_megabyte),
        cmocka_unit_test(memory_that_runs_out_is_returned_at_every_point),
        cmocka_unit_test(a_rule_that_can_never_act_is_named_with_its_taker),
        cmocka_unit_test(the_same_keyword_twice_is_a_conflict),
        cmocka_unit_test(a_regex_behind_its_own_literal_is_shadowed),
        cmocka_unit_test(what_can_still_act_is_left_in_peace),
        cmocka_unit_test(lint_is_not_quadratic),
        cmocka_unit_test(an_automaton_without_literals_finds_nothing),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
