/* SPDX-License-Identifier: Apache-2.0 */
#include "rulepack/rulepack.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "rulepack/pack.h"

/* Made from rulepack.json at build time. */
extern const unsigned char rulepack_json[];
extern const size_t rulepack_json_bytes;

enum { PACK_MAX_BYTES = 1 << 20 };

int rulepack_open(struct rulepack **ret, struct diag *diag)
{
    struct rulepack *p = mem_calloc(1, sizeof *p);
    struct json_fault fault;
    int r;

    if (!p)
        return -ENOMEM;
    arena_init(&p->memory, PACK_MAX_BYTES);
    r = json_parse((struct str){(const char *)rulepack_json, rulepack_json_bytes}, JSON_DEPTH, &p->root,
                   &fault);
    if (r == ERR_SYNTAX || r == ERR_TOO_DEEP) {
        diag_addf(diag, "rulepack.json", fault.line, "%s", fault.text);
        r = ERR_CONFIG;
    }
    if (!r)
        r = pack_read(p, diag);
    if (r) {
        rulepack_close(p);
        return r;
    }
    *ret = p;
    return 0;
}

void rulepack_close(struct rulepack *p)
{
    if (!p)
        return;
    arena_fini(&p->memory);
    json_decref(p->root);
    mem_free(p);
}

const char *rulepack_version(const struct rulepack *p)
{
    return p->version;
}

const struct limit *rulepack_limits(const struct rulepack *p, size_t *ret_n)
{
    *ret_n = p->limit_count;
    return p->limits;
}

static int by_id(const void *key, const void *row)
{
    int32_t id = *(const int32_t *)key;
    const struct limit *l = row;

    return id < l->id ? -1 : id > l->id;
}

const struct limit *rulepack_limit(const struct rulepack *p, int32_t id)
{
    return bsearch(&id, p->limits, p->limit_count, sizeof *p->limits, by_id);
}

const struct kind_rule *rulepack_kind(const struct rulepack *p, enum account_kind kind)
{
    assert(kind < ACCOUNT_KIND_COUNT);
    return &p->kinds[kind];
}

const struct class_rule *rulepack_class(const struct rulepack *p, enum message_class class)
{
    assert(class < MESSAGE_CLASS_COUNT);
    return &p->classes[class];
}

/* ---- codes ---- */

int pack_code_cmp(const void *x, const void *y)
{
    const struct pack_code *a = x, *b = y;

    if (a->platform != b->platform)
        return a->platform < b->platform ? -1 : 1;
    if (a->code != b->code)
        return a->code < b->code ? -1 : 1;
    return a->op < b->op ? -1 : a->op > b->op;
}

static int platform_of(const struct rulepack *p, const char *name)
{
    for (size_t i = 0; i < p->platform_count; i++)
        if (strcmp(p->platforms[i].name, name) == 0)
            return (int)i;
    return -1;
}

static const struct code_rule *unknown_of(const struct rulepack *p, int platform)
{
    static const struct code_rule unheard_of = {
        .outcome = OUTCOME_UNKNOWN, .meaning = "unknown platform", .source = "", .trust = TRUST_UNCONFIRMED};

    return platform < 0 ? &unheard_of : &p->platforms[platform].unknown;
}

const struct code_rule *rulepack_code(const struct rulepack *p, const char *platform, enum call_op op,
                                      int code)
{
    struct pack_code key = {.platform = platform_of(p, platform), .op = (int)op, .code = code};
    const struct pack_code *found = NULL;

    if (key.platform >= 0)
        found = bsearch(&key, p->codes, p->code_count, sizeof *p->codes, pack_code_cmp);
    if (key.platform >= 0 && !found) {
        key.op = OP_ANY;
        found = bsearch(&key, p->codes, p->code_count, sizeof *p->codes, pack_code_cmp);
    }
    return found ? &found->rule : unknown_of(p, key.platform);
}

const struct code_rule *rulepack_word(const struct rulepack *p, const char *platform, struct str code)
{
    int at = platform_of(p, platform);
    const struct pack_word *best = NULL;

    for (size_t i = 0; i < p->word_count; i++) {
        const struct pack_word *w = &p->words[i];

        if (w->platform != at || !(w->is_prefix ? str_starts(code, w->head) : str_eq(code, w->head)))
            continue;
        if (!best || w->head.n > best->head.n)
            best = w;
    }
    return best ? &best->rule : unknown_of(p, at);
}

int rulepack_fact(const struct rulepack *p, const char *name, int64_t *ret)
{
    for (size_t i = 0; i < p->fact_count; i++) {
        if (strcmp(p->facts[i].name, name) != 0)
            continue;
        *ret = p->facts[i].value;
        return 0;
    }
    return ERR_NOT_FOUND;
}

int64_t rulepack_t_send_ms(const struct rulepack *p)
{
    return p->t_send_ms;
}

int64_t rulepack_skew_ms(const struct rulepack *p)
{
    return p->skew_ms;
}
