/* SPDX-License-Identifier: Apache-2.0 */
/* Keyword routing at 10, 1,000 and 10,000 rules. Peer: what a bot framework does, one PCRE2 pattern a rule,
 * JIT compiled, tried one after the other until one matches. Both see the same messages; one in two hits no
 * rule. Our side folds the text and finds every rule; the loop does neither.
 *
 *     bench_route [messages]
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/fold.h"
#include "base/mem.h"
#include "engine/route.h"

enum { RULES_MAX = 10000, TEXT_BYTES = 160, MESSAGES = 2000, LOOP_BUDGET = 2000000 };

struct bench {
    struct arena arena;
    struct fold *fold;
    struct rule *rules;
    struct route_rule *routes;
    char (*texts)[TEXT_BYTES];
    size_t rule_count, text_count;
};

struct result {
    double build_ms, ns;
    size_t bytes, hits;
};

static double now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void die(const char *what)
{
    (void)fprintf(stderr, "bench_route: %s\n", what);
    exit(1);
}

static void make_rules(struct bench *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct keyword *k = arena_alloc(&b->arena, sizeof *k);
        char *name = arena_printf(&b->arena, "r%zu", i), *word = arena_printf(&b->arena, "活动词%05zu号", i);

        if (!k || !name || !word)
            die("out of memory");
        *k = (struct keyword){KEYWORD_CONTAINS, str_of(word)};
        b->rules[i] = (struct rule){.name = str_of(name),
                                    .where = str_of(name),
                                    .on = EVENT_MESSAGE_RECEIVED,
                                    .keywords = k,
                                    .keyword_count = 1,
                                    .fold = true};
        b->routes[i] = (struct route_rule){&b->rules[i], (uint32_t)i};
    }
    b->rule_count = n;
}

/* The odd ones say something that no rule knows. */
static void make_texts(struct bench *b)
{
    for (size_t i = 0; i < b->text_count; i++) {
        size_t rule = i * 7919 % b->rule_count + (i % 2 ? RULES_MAX : 0);

        (void)snprintf(b->texts[i], TEXT_BYTES, "你好，我想参加今天的活动词%05zu号，请问怎么报名？谢谢",
                       rule);
    }
}

static struct result run_ours(const struct bench *b, size_t rounds)
{
    struct result ret = {0};
    struct route_table *table;
    struct route_scratch *scratch;
    struct diag diag;
    double start = now_ns();

    diag_init(&diag, 10);
    if (route_table_new(b->routes, b->rule_count, b->fold, &table, &diag) != 0 ||
        route_scratch_new(&scratch) != 0)
        die("the table cannot be built");
    ret.build_ms = (now_ns() - start) / 1e6;
    ret.bytes = route_table_bytes(table);
    start = now_ns();
    for (size_t i = 0; i < rounds; i++) {
        const struct route_hit *hits;
        size_t n;

        if (route_match(table, scratch, str_of(b->texts[i % b->text_count]), &hits, &n) != 0)
            die("match failed");
        ret.hits += n > 0;
    }
    ret.ns = (now_ns() - start) / (double)rounds;
    route_scratch_free(scratch);
    route_table_free(table);
    diag_fini(&diag);
    return ret;
}

static pcre2_code *compile(struct str word)
{
    char pattern[128];
    int err;
    PCRE2_SIZE at;
    int n = snprintf(pattern, sizeof pattern, "\\Q%.*s\\E", STR_ARG(word));
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)pattern, (PCRE2_SIZE)n, PCRE2_UTF | PCRE2_CASELESS, &err, &at, NULL);

    if (!code || pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) != 0)
        die("pattern cannot be compiled");
    return code;
}

static bool loop_match(pcre2_code *const *codes, size_t n, pcre2_match_data *data, const char *text)
{
    size_t length = strlen(text);

    for (size_t i = 0; i < n; i++)
        if (pcre2_jit_match(codes[i], (PCRE2_SPTR)text, length, 0, 0, data, NULL) > 0)
            return true;
    return false;
}

static struct result run_loop(const struct bench *b, size_t rounds)
{
    struct result ret = {0};
    pcre2_code **codes = mem_calloc(b->rule_count, sizeof(pcre2_code *));
    pcre2_match_data *data = pcre2_match_data_create(4, NULL);
    double start = now_ns();

    if (!codes || !data)
        die("out of memory");
    for (size_t i = 0; i < b->rule_count; i++) {
        size_t size = 0, jit = 0;

        codes[i] = compile(b->rules[i].keywords[0].text);
        (void)pcre2_pattern_info(codes[i], PCRE2_INFO_SIZE, &size);
        (void)pcre2_pattern_info(codes[i], PCRE2_INFO_JITSIZE, &jit);
        ret.bytes += size + jit;
    }
    ret.build_ms = (now_ns() - start) / 1e6;
    start = now_ns();
    for (size_t i = 0; i < rounds; i++)
        ret.hits += loop_match(codes, b->rule_count, data, b->texts[i % b->text_count]);
    ret.ns = (now_ns() - start) / (double)rounds;
    for (size_t i = 0; i < b->rule_count; i++)
        pcre2_code_free(codes[i]);
    pcre2_match_data_free(data);
    mem_free(codes);
    return ret;
}

static void show(const char *name, size_t rules, const struct result *r)
{
    (void)printf("%-10s %8zu %12.0f %10.1f %12.0f\n", name, rules, r->ns, r->build_ms,
                 (double)r->bytes / 1024);
}

/* The same number of messages hit in both, or the comparison means nothing. */
static void compare(struct bench *b, size_t rules, size_t rounds)
{
    size_t loop_rounds = LOOP_BUDGET / rules < rounds ? LOOP_BUDGET / rules : rounds;

    make_rules(b, rules);
    make_texts(b);
    struct result ours = run_ours(b, rounds), loop = run_loop(b, loop_rounds),
                  check = run_ours(b, loop_rounds);
    if (check.hits != loop.hits)
        die("the two find different things");
    show("siyu", rules, &ours);
    show("pcre2 loop", rules, &loop);
    (void)printf("ratio: the loop takes %.1f times as long at %zu rules\n", loop.ns / ours.ns, rules);
}

int main(int argc, char **argv)
{
    static const size_t sizes[] = {10, 1000, RULES_MAX};
    size_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 200000;
    struct bench b = {.rules = mem_calloc(RULES_MAX, sizeof(struct rule)),
                      .routes = mem_calloc(RULES_MAX, sizeof(struct route_rule)),
                      .texts = mem_calloc(MESSAGES, TEXT_BYTES),
                      .text_count = MESSAGES};

    arena_init(&b.arena, (size_t)64 << 20);
    if (!b.rules || !b.routes || !b.texts || fold_open(NULL, &b.fold) != 0 || rounds == 0)
        die("cannot start");
    (void)printf("%-10s %8s %12s %10s %12s\n", "", "rules", "ns/message", "build ms", "KiB");
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        compare(&b, sizes[i], rounds);
    fold_close(b.fold);
    arena_fini(&b.arena);
    mem_free(b.texts);
    mem_free(b.routes);
    mem_free(b.rules);
    return 0;
}
