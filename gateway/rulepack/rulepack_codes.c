/* SPDX-License-Identifier: Apache-2.0 */
/* Error codes: sections of rules [[codes], "reaction", "meaning", [ops]]. A reaction is written once and
 * named by the rules that share it. */
#include <stdlib.h>
#include <string.h>

#include "rulepack/pack.h"

static int read_reaction(struct pack_reader *rd, const char *name, struct code_rule *ret)
{
    static const char *const keys[] = {"outcome",  "refund",       "renew_token", "freeze",
                                       "stop",     "close_window", "unreachable", "refused",
                                       "retry_ms", "max_retries",  NULL};
    const json_t *obj = json_object_get(rd->reactions, name);
    struct json_ctx *at = &rd->at;
    const char *outcome;
    int64_t retries;

    if (!obj) {
        json_complainf(at, NULL, NULL, "there is no reaction \"%s\"", name);
        return ERR_CONFIG;
    }
    if (json_only_keys(obj, keys, at) || json_get_string(obj, "outcome", &outcome, at) ||
        json_opt_bool(obj, "refund", false, &ret->refund, at) ||
        json_opt_bool(obj, "renew_token", false, &ret->renew_token, at) ||
        json_opt_bool(obj, "freeze", false, &ret->freeze, at) ||
        json_opt_bool(obj, "stop", false, &ret->stop, at) ||
        json_opt_bool(obj, "close_window", false, &ret->close_window, at) ||
        json_opt_bool(obj, "unreachable", false, &ret->unreachable, at) ||
        json_opt_bool(obj, "refused", false, &ret->refused, at) ||
        json_opt_i64_in(obj, "retry_ms", -2, INT64_C(1) << 40, 0, &ret->retry_ms, at) ||
        json_opt_i64_in(obj, "max_retries", 0, 1000, 0, &retries, at))
        return ERR_CONFIG;
    ret->max_retries = (int)retries;
    if (outcome_of(str_of(outcome), &ret->outcome) == 0)
        return 0;
    json_complainf(at, obj, "outcome", "\"%s\" is no outcome", outcome);
    return ERR_CONFIG;
}

/* The platform of a section, made when new; -1 when there are too many. */
static int platform_make(struct rulepack *p, const char *name)
{
    for (size_t i = 0; i < p->platform_count; i++)
        if (strcmp(p->platforms[i].name, name) == 0)
            return (int)i;
    if (p->platform_count == PLATFORMS_MAX)
        return -1;
    p->platforms[p->platform_count].name = name;
    return (int)p->platform_count++;
}

static void add_codes(struct rulepack *p, struct pack_code code, int to, uint64_t ops)
{
    for (; code.code <= to; code.code++) {
        code.op = OP_ANY;
        if (!ops)
            p->codes[p->code_count++] = code;
        for (code.op = 0; code.op <= CALL_OP_COUNT && ops; code.op++)
            if (ops & UINT64_C(1) << code.op)
                p->codes[p->code_count++] = code;
    }
}

static bool is_number(struct str s)
{
    return s.n && ((s.p[0] >= '0' && s.p[0] <= '9') || s.p[0] == '-');
}

enum { CODES_MAX = 4096, WORDS_MAX = 256, RANGE_MAX = 100 };

/* A number, "from-to", or a word that may end in '*'. */
static int add_name(struct rulepack *p, const json_t *name, struct pack_code code, uint64_t ops)
{
    struct str text = str_of(json_string_value(name)), low, high;
    int64_t from = json_integer_value(name), to = from;

    if (json_is_string(name) && !is_number(text)) {
        bool is_prefix = str_ends(text, STR("*"));
        if (!text.n || p->word_count == WORDS_MAX)
            return ERR_CONFIG;
        p->words[p->word_count++] = (struct pack_word){.platform = code.platform,
                                                       .head = str_sub(text, 0, text.n - is_prefix),
                                                       .is_prefix = is_prefix,
                                                       .rule = code.rule};
        return 0;
    }
    if (json_is_string(name) &&
        (!str_cut(text, '-', &low, &high) || str_to_i64(low, &from) || str_to_i64(high, &to)))
        return ERR_CONFIG;
    if (from < INT32_MIN || to > INT32_MAX || to < from || to - from > RANGE_MAX ||
        p->code_count + (size_t)(to - from + 1) * (CALL_OP_COUNT + 1) > CODES_MAX)
        return ERR_CONFIG;
    code.code = (int)from;
    add_codes(p, code, (int)to, ops);
    return 0;
}

/* [[codes], "reaction", "meaning", [ops]] */
static int read_rule(struct pack_reader *rd, const json_t *row, struct pack_code code)
{
    const json_t *names = json_array_get(row, 0), *ops_array = json_array_get(row, 3), *item;
    const char *reaction = json_string_value(json_array_get(row, 1));
    uint64_t ops = 0;
    size_t i;
    int r, bit;

    code.rule.meaning = json_string_value(json_array_get(row, 2));
    if (!json_is_array(names) || !reaction || !code.rule.meaning) {
        json_complainf(&rd->at, NULL, NULL, "a rule is [[codes], \"reaction\", \"meaning\", [ops]]");
        return ERR_CONFIG;
    }
    r = read_reaction(rd, reaction, &code.rule);
    json_array_foreach((json_t *)ops_array, i, item)
    {
        if (pack_op_of(str_of(json_string_value(item)), &bit))
            r = ERR_CONFIG;
        else
            ops |= UINT64_C(1) << bit;
    }
    json_array_foreach((json_t *)names, i, item) if (!r) r = add_name(rd->pack, item, code, ops);
    if (r)
        json_complainf(&rd->at, NULL, NULL, "a code, a range or an operation is wrong");
    return r;
}

static int read_section(struct pack_reader *rd, const json_t *obj)
{
    static const char *const keys[] = {"platform", "section", "source", "trust",
                                       "verified", "unknown", "rules",  NULL};
    struct pack_code code = {0};
    const char *platform, *text, *unknown;
    const json_t *rules, *row;
    int r = 0, trust;
    size_t i;

    if (json_only_keys(obj, keys, &rd->at) || json_get_string(obj, "platform", &platform, &rd->at) ||
        json_get_string(obj, "section", &text, &rd->at) ||
        json_get_string(obj, "source", &code.rule.source, &rd->at) ||
        json_get_string(obj, "verified", &text, &rd->at) ||
        json_opt_string(obj, "unknown", NULL, &unknown, &rd->at) ||
        json_get_array(obj, "rules", &rules, &rd->at))
        return ERR_CONFIG;
    trust = pack_trust_of(obj, &rd->at);
    code.platform = platform_make(rd->pack, platform);
    if (trust < 0 || code.platform < 0)
        return ERR_CONFIG;
    code.rule.trust = (enum trust)trust;
    if (unknown) {
        rd->pack->platforms[code.platform].unknown = code.rule;
        rd->pack->platforms[code.platform].unknown.meaning = "unknown code";
        r = read_reaction(rd, unknown, &rd->pack->platforms[code.platform].unknown);
    }
    json_array_foreach((json_t *)rules, i, row)
    {
        json_ctx_push_index(&rd->at, i);
        if (read_rule(rd, row, code))
            r = ERR_CONFIG;
        json_ctx_pop(&rd->at);
    }
    return r;
}

static int check_codes(struct pack_reader *rd)
{
    struct rulepack *p = rd->pack;
    int r = 0;

    qsort(p->codes, p->code_count, sizeof *p->codes, pack_code_cmp);
    for (size_t i = 1; i < p->code_count; i++) {
        if (pack_code_cmp(&p->codes[i - 1], &p->codes[i]) != 0)
            continue;
        json_complainf(&rd->at, NULL, NULL, "code %d of %s is there twice", p->codes[i].code,
                       p->platforms[p->codes[i].platform].name);
        r = ERR_CONFIG;
    }
    for (size_t i = 0; i < p->platform_count; i++) {
        if (p->platforms[i].unknown.meaning)
            continue;
        json_complainf(&rd->at, NULL, NULL, "%s says nothing about unknown codes", p->platforms[i].name);
        r = ERR_CONFIG;
    }
    return r;
}

int pack_read_codes(struct pack_reader *rd, const json_t *array)
{
    const json_t *obj;
    size_t i;
    int r = 0;

    rd->pack->codes = arena_alloc(&rd->pack->memory, CODES_MAX * sizeof *rd->pack->codes);
    rd->pack->words = arena_alloc(&rd->pack->memory, WORDS_MAX * sizeof *rd->pack->words);
    if (!rd->pack->codes || !rd->pack->words)
        return -ENOMEM;
    json_array_foreach((json_t *)array, i, obj)
    {
        json_ctx_push_index(&rd->at, i);
        if (read_section(rd, obj))
            r = ERR_CONFIG;
        json_ctx_pop(&rd->at);
    }
    return r ? r : check_codes(rd);
}
