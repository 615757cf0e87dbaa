/* SPDX-License-Identifier: Apache-2.0 */
/* route_private.h - the inside of a route table, for route*.c and nobody else.
 *
 * Every keyword of every rule is an entry. Entries are numbered in acting order, so "who acts first" is
 * "whose number (rank) is lower", and a match only has to sort numbers. Two indexes lead from a text to
 * ranks: over folded text, and over text as typed (rules with fold: false).
 */
#ifndef SIYU_ENGINE_ROUTE_PRIVATE_H
#define SIYU_ENGINE_ROUTE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "engine/route.h"
#include "engine/route_automaton.h"

struct re;

#define ROUTE_TEXT_BYTES 65536

struct route_entry {
    uint32_t rule; /* index */
    uint16_t keyword;
    uint8_t kind;
};

/* Locked by the thread that runs it: a compiled regex owns its working memory. */
struct route_regex {
    struct re *re;
    pthread_mutex_t lock;
    atomic_bool quarantined;
    uint32_t rank;
};

struct route_index {
    struct automaton *automaton;
    uint16_t *bytes; /* of each literal */
    uint32_t *first; /* where its ranks begin, and one more */
    uint32_t *ranks; /* ascending for each literal */
    size_t literal_count, rank_count;
};

struct route_table {
    const struct fold *fold;
    struct route_rule *rules;
    size_t rule_count;
    struct route_entry *entries; /* by rank */
    size_t entry_count;
    struct route_index folded, raw;
    struct route_regex *regexes; /* by rank */
    size_t regex_count;
    uint32_t *ungated; /* ranks of regexes without a literal that they need */
    size_t ungated_count;
};

/* A growing array of ranks. */
struct route_ranks {
    uint32_t *v;
    size_t n, cap;
};

int route_ranks_add(struct route_ranks *ranks, uint32_t rank);

/* Does an entry of this kind match, when its literal ends first at `end` in a text of `n` bytes? */
static inline bool route_placed(enum keyword_kind kind, size_t literal_bytes, size_t end, size_t n)
{
    switch (kind) {
    case KEYWORD_EXACT: return literal_bytes == n;
    case KEYWORD_PREFIX: return literal_bytes == end;
    case KEYWORD_CONTAINS:
    case KEYWORD_REGEX: return true;
    }
    return false;
}

/* The literal of a keyword as its index knows it, appended to the emptied `out`. A regex gives the text that
 * it needs, empty if none is known; `re` is its compiled form. */
int route_literal(const struct fold *fold, const struct rule *rule, const struct keyword *keyword,
                  const struct re *re, struct buf *out);

/* Complains about a rule at its place in the playbook. */
void route_complainf(struct diag *diag, enum diag_level level, const struct rule *rule, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
