/* SPDX-License-Identifier: Apache-2.0 */
/* A keyword is shadowed when every text that it matches is matched by a keyword of a rule that acts before.
 * To find that rule, the keyword's own literal is looked up like a text: what is found in it is found in each
 * of those texts as well, at the same place if both begin the text. */
#include "engine/route_private.h"

#include "base/fold.h"
#include "base/mem.h"
#include "base/re.h"

struct lint {
    const struct route_table *table;
    bool (*covers)(const struct rule *a, const struct rule *b);
    struct diag *diag;
    struct automaton_scan scan;
    struct buf literal;
};

/* Is every text that a `kind` keyword with this literal matches matched by `other` as well? */
static bool always_taken(enum keyword_kind kind, enum keyword_kind other, size_t other_bytes,
                         const struct automaton_hit *hit, size_t n)
{
    switch (kind) {
    case KEYWORD_EXACT: return other != KEYWORD_REGEX && route_placed(other, other_bytes, hit->end, n);
    case KEYWORD_PREFIX:
        return other == KEYWORD_CONTAINS || (other == KEYWORD_PREFIX && other_bytes == hit->end);
    case KEYWORD_CONTAINS:
    case KEYWORD_REGEX: return other == KEYWORD_CONTAINS;
    }
    return false;
}

/* The first rule before `rank` that takes all its texts, as index and through this index; NULL: none. */
static const struct rule *taker_in(struct lint *l, const struct route_index *x, uint32_t rank,
                                   struct str text)
{
    const struct route_table *t = l->table;
    const struct route_entry *e = &t->entries[rank];
    const struct rule *rule = t->rules[e->rule].rule, *best = NULL;
    uint32_t best_rank = rank;

    for (size_t h = 0; h < l->scan.hit_count; h++) {
        const struct automaton_hit *hit = &l->scan.hits[h];

        for (uint32_t i = x->first[hit->literal]; i < x->first[hit->literal + 1]; i++) {
            uint32_t other = x->ranks[i];
            const struct route_entry *o = &t->entries[other];

            if (other >= best_rank)
                break;
            if (o->rule != e->rule &&
                always_taken((enum keyword_kind)e->kind, (enum keyword_kind)o->kind, x->bytes[hit->literal],
                             hit, text.n) &&
                l->covers(t->rules[o->rule].rule, rule)) {
                best = t->rules[o->rule].rule;
                best_rank = other;
                break;
            }
        }
    }
    return best;
}

static const struct route_regex *regex_of(const struct route_table *t, uint32_t rank)
{
    for (size_t i = 0; i < t->regex_count; i++)
        if (t->regexes[i].rank == rank)
            return &t->regexes[i];
    return NULL;
}

static int find_taker(struct lint *l, uint32_t rank, const struct rule **ret)
{
    const struct route_table *t = l->table;
    const struct route_entry *e = &t->entries[rank];
    const struct rule *rule = t->rules[e->rule].rule;
    const struct keyword *k = &rule->keywords[e->keyword];
    const struct route_regex *x = k->kind == KEYWORD_REGEX ? regex_of(t, rank) : NULL;
    int r;

    *ret = NULL;
    buf_reset(&l->literal);
    r = route_literal(t->fold, rule, k, x != NULL ? x->re : NULL, &l->literal);
    if (r == 0 && !rule->fold && t->raw.automaton != NULL) {
        r = automaton_find(t->raw.automaton, &l->scan, buf_str(&l->literal));
        *ret = r == 0 ? taker_in(l, &t->raw, rank, buf_str(&l->literal)) : NULL;
    }
    if (r < 0 || *ret != NULL || t->folded.automaton == NULL)
        return r;
    if (!rule->fold) { /* what is there as typed is there folded, too */
        char *typed = mem_strndup(buf_cstr(&l->literal), l->literal.len);
        struct str text = {typed, l->literal.len};

        buf_reset(&l->literal);
        r = typed == NULL ? -ENOMEM : fold_text(t->fold, text, &l->literal);
        mem_free(typed);
    }
    if (r == 0)
        r = automaton_find(t->folded.automaton, &l->scan, buf_str(&l->literal));
    if (r == 0)
        *ret = taker_in(l, &t->folded, rank, buf_str(&l->literal));
    return r;
}

/* Names the taker and, for a rule without any keyword left, the whole rule. */
static int lint_rule(struct lint *l, const struct rule *rule, const uint32_t *ranks, size_t n)
{
    const struct rule **takers = mem_calloc(n + 1, sizeof(const struct rule *));
    size_t taken = 0;
    int r = takers == NULL ? -ENOMEM : 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        r = find_taker(l, ranks[i], &takers[i]);
        taken += takers != NULL && takers[i] != NULL;
    }
    for (size_t i = 0; r == 0 && i < n; i++) {
        const struct keyword *k = &rule->keywords[l->table->entries[ranks[i]].keyword];

        if (takers[i] != NULL)
            route_complainf(
                l->diag, DIAG_WARNING, rule,
                "%s: every text with `%.*s` goes to %.*s (%.*s) first; raise `priority` here, or narrow "
                "the keyword there",
                taken == n ? "can never act" : "a keyword can never act", STR_ARG(k->text),
                STR_ARG(takers[i]->name), STR_ARG(takers[i]->where));
    }
    mem_free((void *)takers);
    return r;
}

/* Ranks by rule: counting sort over the entries. */
static int lint_rules(struct lint *l)
{
    const struct route_table *t = l->table;
    uint32_t *first = mem_calloc(t->rule_count + 2, sizeof *first);
    uint32_t *ranks = mem_calloc(t->entry_count + 1, sizeof *ranks);
    int r = first == NULL || ranks == NULL ? -ENOMEM : 0;

    for (size_t i = 0; r == 0 && i < t->entry_count; i++)
        first[t->entries[i].rule + 2]++;
    for (size_t i = 2; r == 0 && i < t->rule_count + 2; i++)
        first[i] += first[i - 1];
    for (uint32_t i = 0; r == 0 && i < t->entry_count; i++)
        ranks[first[t->entries[i].rule + 1]++] = i;
    for (size_t i = 0; r == 0 && i < t->rule_count; i++)
        r = lint_rule(l, t->rules[i].rule, &ranks[first[i]], first[i + 1] - first[i]);
    mem_free(first);
    mem_free(ranks);
    return r;
}

int route_lint(const struct route_rule *rules, size_t n, const struct fold *fold,
               bool (*covers)(const struct rule *a, const struct rule *b), struct diag *diag)
{
    struct route_table *table = NULL;
    struct lint l = {.covers = covers, .diag = diag};
    int r = route_table_new(rules, n, fold, &table, diag);

    if (r < 0)
        return r;
    l.table = table;
    automaton_scan_init(&l.scan);
    buf_init(&l.literal, ROUTE_TEXT_BYTES);
    r = lint_rules(&l);
    buf_fini(&l.literal);
    automaton_scan_fini(&l.scan);
    route_table_free(table);
    return r;
}

static bool among(const struct rule *a, struct account_id id)
{
    for (size_t i = 0; i < a->from_count; i++)
        if (a->from[i].v == id.v)
            return true;
    return false;
}

bool route_covers(const struct rule *a, const struct rule *b)
{
    if (a->on != b->on)
        return false;
    if (a->from_count == 0)
        return true;
    if (b->from_count == 0)
        return false;
    for (size_t i = 0; i < b->from_count; i++)
        if (!among(a, b->from[i]))
            return false;
    return true;
}
