/* SPDX-License-Identifier: Apache-2.0 */
#include "base/re.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/re_literal.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>

enum { RE_GROUPS = 50, RE_HEAP_KIB = 1024, RE_BUDGET = 4000000, RE_LEAST_LIMIT = 500 };

struct re {
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *limits;
    char *pattern;
    size_t pattern_len;
    struct str literal; /* in literal_bytes */
    char literal_bytes[RE_PATTERN_BYTES];
};

static void *re_alloc(size_t bytes, void *ctx)
{
    (void)ctx;
    return mem_alloc(bytes);
}

static void re_dealloc(void *p, void *ctx)
{
    (void)ctx;
    mem_free(p);
}

static void re_explain(struct re_fault *fault, int code, size_t offset)
{
    if (!fault)
        return;
    fault->offset = offset;
    if (pcre2_get_error_message(code, (PCRE2_UCHAR *)fault->text, sizeof(fault->text)) < 0 &&
        fault->text[0] == '\0')
        memcpy(fault->text, "unknown", sizeof("unknown"));
}

static int re_compile_code(struct re *re, pcre2_general_context *memory, bool nocase, struct re_fault *reterr)
{
    uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C |
                       (nocase ? PCRE2_CASELESS : 0);
    pcre2_compile_context *bounds = pcre2_compile_context_create(memory);
    uint32_t captures = 0;
    size_t offset = 0;
    int code = 0;

    if (!bounds)
        return -ENOMEM;
    (void)pcre2_set_max_pattern_length(bounds, RE_PATTERN_BYTES);
    (void)pcre2_set_parens_nest_limit(bounds, RE_GROUPS);
    re->code = pcre2_compile((PCRE2_SPTR)re->pattern, re->pattern_len, options, &code, &offset, bounds);
    pcre2_compile_context_free(bounds);
    if (!re->code) {
        re_explain(reterr, code, offset);
        return code == PCRE2_ERROR_HEAP_FAILED || code == PCRE2_ERROR_NOMEMORY ? -ENOMEM : ERR_SYNTAX;
    }
    (void)pcre2_pattern_info(re->code, PCRE2_INFO_CAPTURECOUNT, &captures);
    if (captures > RE_GROUPS) {
        re_explain(reterr, PCRE2_ERROR_PARENTHESES_NEST_TOO_DEEP, 0);
        return ERR_TOO_BIG;
    }
    return 0;
}

static int re_build(struct re *re, struct str pattern, bool nocase, struct re_fault *reterr)
{
    pcre2_general_context *memory = pcre2_general_context_create(re_alloc, re_dealloc, NULL);
    int r;

    if (!memory)
        return -ENOMEM;
    re->pattern = mem_strndup(pattern.p, pattern.n);
    re->pattern_len = pattern.n;
    r = re->pattern ? re_compile_code(re, memory, nocase, reterr) : -ENOMEM;
    if (r == 0) {
        re->limits = pcre2_match_context_create(memory);
        re->match = pcre2_match_data_create(1, memory);
        r = re->limits && re->match ? 0 : -ENOMEM;
    }
    pcre2_general_context_free(memory); /* each object has copied it */
    if (r < 0)
        return r;
    (void)pcre2_set_heap_limit(re->limits, RE_HEAP_KIB);
    re->literal.p = re->literal_bytes;
    re->literal.n = re_literal_find(pattern, nocase, re->literal_bytes);
    return 0;
}

int re_compile(struct str pattern, bool nocase, struct re **ret, struct re_fault *reterr)
{
    struct re *re;
    int r;

    if (reterr)
        *reterr = (struct re_fault){.text = "out of memory"};
    if (pattern.n > RE_PATTERN_BYTES) {
        re_explain(reterr, PCRE2_ERROR_PATTERN_STRING_TOO_LONG, RE_PATTERN_BYTES);
        return ERR_TOO_BIG;
    }
    re = mem_calloc(1, sizeof(*re));
    if (!re)
        return -ENOMEM;
    r = re_build(re, pattern, nocase, reterr);
    if (r < 0) {
        re_free(re);
        return r;
    }
    *ret = re;
    return 0;
}

void re_free(struct re *re)
{
    if (!re)
        return;
    pcre2_match_data_free(re->match);
    pcre2_match_context_free(re->limits);
    pcre2_code_free(re->code);
    mem_free(re->pattern);
    mem_free(re);
}

/* PCRE2 starts its count anew at each of the n + 1 start positions. */
static uint32_t re_limit_for(size_t subject_bytes)
{
    size_t limit = RE_BUDGET / (subject_bytes + 1);

    if (limit > RE_MATCH_LIMIT)
        return RE_MATCH_LIMIT;
    return limit < RE_LEAST_LIMIT ? RE_LEAST_LIMIT : (uint32_t)limit;
}

int re_matches(struct re *re, struct str subject)
{
    int code;

    if (subject.n > RE_SUBJECT_BYTES)
        return ERR_TOO_BIG;
    (void)pcre2_set_match_limit(re->limits, re_limit_for(subject.n));
    code = pcre2_match(re->code, (PCRE2_SPTR)(subject.n ? subject.p : ""), subject.n, 0, 0, re->match,
                       re->limits);
    if (code >= 0)
        return 1;
    switch (code) {
    case PCRE2_ERROR_NOMATCH: return 0;
    case PCRE2_ERROR_NOMEMORY: return -ENOMEM;
    case PCRE2_ERROR_MATCHLIMIT:
    case PCRE2_ERROR_DEPTHLIMIT:
    case PCRE2_ERROR_HEAPLIMIT:
    case PCRE2_ERROR_RECURSELOOP: return ERR_TIMEOUT;
    default: return ERR_INVALID;
    }
}

struct str re_first_literal(const struct re *re)
{
    return re->literal;
}

struct str re_pattern(const struct re *re)
{
    return (struct str){re->pattern, re->pattern_len};
}
