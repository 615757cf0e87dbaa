/* SPDX-License-Identifier: Apache-2.0 */
/* pack.h - the loaded pack. Private to rulepack/: rulepack_read.c fills it, rulepack.c looks things up. */
#ifndef SIYU_RULEPACK_PACK_H
#define SIYU_RULEPACK_PACK_H

#include <jansson.h>

#include "base/json.h"
#include "base/mem.h"
#include "rulepack/rulepack.h"

enum { PLATFORMS_MAX = 16, OP_ANY = -1 };

struct platform {
    const char *name;
    struct code_rule unknown;
};

struct pack_code {
    int platform; /* index */
    int op;       /* enum call_op, CALL_OP_COUNT: token calls, OP_ANY */
    int code;
    struct code_rule rule;
};

struct pack_word {
    int platform;
    struct str head; /* the word, or what it begins with */
    bool is_prefix;
    struct code_rule rule;
};

struct pack_fact {
    const char *name;
    int64_t value;
};

struct rulepack {
    json_t *root; /* all texts live in it */
    struct arena memory;
    const char *version;
    int64_t t_send_ms, skew_ms;

    struct limit *limits; /* ascending ids */
    struct pack_fact *facts;
    struct platform platforms[PLATFORMS_MAX];
    struct pack_code *codes; /* ascending platform, code, op */
    struct pack_word *words;
    size_t limit_count, fact_count, platform_count, code_count, word_count;

    struct kind_rule kinds[ACCOUNT_KIND_COUNT];
    struct class_rule classes[MESSAGE_CLASS_COUNT];
    uint32_t kinds_seen, classes_seen;
};

/* Ascending order of codes, for sorting and searching. */
int pack_code_cmp(const void *a, const void *b);

struct pack_reader {
    struct rulepack *pack;
    struct json_ctx at;
    const json_t *reactions;
};

int pack_op_of(struct str text, int *ret); /* "token" is CALL_OP_COUNT */
/* The section's or limit's enum trust; negative after a complaint. */
int pack_trust_of(const json_t *obj, struct json_ctx *at);
int pack_read_codes(struct pack_reader *rd, const json_t *array);

/* Fills an empty pack from its root. ERR_CONFIG with complaints, or -ENOMEM. */
int pack_read(struct rulepack *p, struct diag *diag);

#endif
