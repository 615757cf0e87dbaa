/* SPDX-License-Identifier: Apache-2.0 */
/* The trie is laid out breadth first, so the children of node i are the nodes first[i] .. first[i + 1] - 1
 * and need no pointers. Characters become dense symbols in code point order, so siblings are sorted by label.
 *
 *   label[i]       symbol on the way into i
 *   node[i].fail   the longest proper suffix of i's path that is in the trie; two flags in its top bits:
 *                  TERMINAL a literal ends here; CHAINED some proper suffix is a literal
 *
 * Literal numbers and suffix links stand in dense arrays, reached by counting flag bits before a node (rank).
 * A literal found once is done: its suffixes were reported with it. So a find costs O(text + hits).
 */
#include "engine/route_automaton.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

#define TERMINAL (1u << 31)
#define CHAINED (1u << 30)
#define FAIL_MASK (CHAINED - 1)

#define PAGE_BITS 8
#define PAGE_SIZE (1u << PAGE_BITS)
#define PAGE_COUNT (0x110000u >> PAGE_BITS)
#define SYMBOL_MAX 65535u

#define LINEAR_SEARCH 8 /* siblings up to here are looked through one by one */

struct node {
    uint32_t first, fail;
};

/* Which nodes carry a flag, and how many before. */
struct rank {
    uint64_t bits;
    uint32_t before;
};

struct automaton {
    uint16_t page[PAGE_COUNT]; /* 0: no character of it occurs */
    uint16_t *symbols;         /* pages of PAGE_SIZE; the first one is all 0 */
    size_t page_count, symbol_count;
    struct node *nodes; /* node_count + 1: the last one ends the children of the one before */
    uint16_t *labels;
    size_t node_count;
    uint32_t *root; /* child of the root, by symbol */
    struct rank *terminal, *chained;
    uint32_t *literals, *suffixes; /* by rank */
    size_t literal_count, suffix_count;
};

/* What building needs on top: the literals below each node, and the length of its path. */
struct span {
    uint32_t lo, hi, bytes;
};

struct builder {
    const struct str *literals;
    size_t n;
    struct span *spans;
    uint32_t *chain; /* nearest literal among a node's proper suffixes, 0 none */
};

static uint16_t symbol_of(const struct automaton *a, int32_t cp)
{
    if (cp < 0)
        return 0;
    return a->symbols[(uint32_t)a->page[cp >> PAGE_BITS] << PAGE_BITS | ((uint32_t)cp & (PAGE_SIZE - 1))];
}

static uint32_t child_of(const struct automaton *a, uint32_t at, uint16_t symbol)
{
    uint32_t lo = a->nodes[at].first, hi = a->nodes[at + 1].first;

    while (hi - lo > LINEAR_SEARCH) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (a->labels[mid] <= symbol)
            lo = mid;
        else
            hi = mid;
    }
    for (; lo < hi; lo++)
        if (a->labels[lo] == symbol)
            return lo;
    return 0;
}

static uint32_t step(const struct automaton *a, uint32_t at, uint16_t symbol)
{
    while (at != 0) {
        uint32_t child = child_of(a, at, symbol);

        if (child != 0)
            return child;
        at = a->nodes[at].fail & FAIL_MASK;
    }
    return a->root[symbol];
}

static uint32_t rank_of(const struct rank *r, uint32_t at)
{
    const struct rank *w = &r[at / 64];

    return w->before + (uint32_t)__builtin_popcountll(w->bits & ((UINT64_C(1) << at % 64) - 1));
}

/* The symbols of the page with `cp`; NULL without memory. */
static uint16_t *page_of(struct automaton *a, int32_t cp, size_t *cap)
{
    uint16_t *page = &a->page[cp >> PAGE_BITS];

    if (*page == 0) {
        if (a->page_count + 1 >= *cap) {
            size_t grown = *cap == 0 ? 16 : *cap * 2;
            uint16_t *p = mem_resize(a->symbols, grown, PAGE_SIZE * sizeof *p);

            if (p == NULL)
                return NULL;
            memset(p + *cap * PAGE_SIZE, 0, (grown - *cap) * PAGE_SIZE * sizeof *p);
            a->symbols = p;
            *cap = grown;
        }
        *page = (uint16_t)++a->page_count;
    }
    return &a->symbols[(size_t)*page << PAGE_BITS];
}

/* Marks every character of the literals, and counts how many there are in all. */
static int mark_characters(struct automaton *a, const struct builder *b, size_t *ret_total)
{
    size_t total = 0, cap = 0;

    for (size_t i = 0; i < b->n; i++) {
        struct str rest = b->literals[i];

        assert(rest.n > 0 && (i == 0 || str_cmp(b->literals[i - 1], rest) < 0));
        while (rest.n > 0) {
            int32_t cp = utf8_next(&rest);
            uint16_t *page;

            assert(cp >= 0);
            page = page_of(a, cp, &cap);
            if (page == NULL)
                return -ENOMEM;
            page[(uint32_t)cp & (PAGE_SIZE - 1)] = 1;
            total++;
        }
    }
    *ret_total = total;
    return 0;
}

static int number_symbols(struct automaton *a)
{
    size_t next = 0;

    for (size_t p = 0; p < PAGE_COUNT; p++) {
        uint16_t *page = &a->symbols[(size_t)a->page[p] << PAGE_BITS];

        for (size_t i = 0; a->page[p] != 0 && i < PAGE_SIZE; i++) {
            if (page[i] == 0)
                continue;
            if (next == SYMBOL_MAX)
                return ERR_FULL;
            page[i] = (uint16_t)++next;
        }
    }
    a->symbol_count = next + 1;
    return 0;
}

/* Appends the children of `at`: its literals, grouped by their next character. */
static void grow_node(struct automaton *a, struct builder *b, uint32_t at)
{
    struct span s = b->spans[at];

    a->nodes[at].first = (uint32_t)a->node_count;
    if (s.lo < s.hi && b->literals[s.lo].n == s.bytes) {
        a->nodes[at].fail |= TERMINAL;
        s.lo++;
    }
    while (s.lo < s.hi) {
        struct str rest = str_sub(b->literals[s.lo], s.bytes, SIZE_MAX);
        size_t before = rest.n;
        uint16_t symbol = symbol_of(a, utf8_next(&rest));
        uint32_t bytes = s.bytes + (uint32_t)(before - rest.n), hi = s.lo + 1;

        while (hi < s.hi && str_starts(b->literals[hi], str_sub(b->literals[s.lo], 0, bytes)))
            hi++;
        b->spans[a->node_count] = (struct span){s.lo, hi, bytes};
        a->labels[a->node_count] = symbol;
        a->node_count++;
        s.lo = hi;
    }
}

static int grow_trie(struct automaton *a, struct builder *b, size_t max_nodes)
{
    a->nodes = mem_calloc(max_nodes + 1, sizeof *a->nodes);
    a->labels = mem_calloc(max_nodes, sizeof *a->labels);
    b->spans = mem_calloc(max_nodes, sizeof *b->spans);
    if (a->nodes == NULL || a->labels == NULL || b->spans == NULL)
        return -ENOMEM;
    a->node_count = 1;
    b->spans[0] = (struct span){0, (uint32_t)b->n, 0};
    for (uint32_t at = 0; at < a->node_count; at++)
        grow_node(a, b, at);
    a->nodes[a->node_count].first = (uint32_t)a->node_count;
    return 0;
}

static int index_root(struct automaton *a)
{
    a->root = mem_calloc(a->symbol_count, sizeof *a->root);
    if (a->root == NULL)
        return -ENOMEM;
    for (uint32_t at = a->nodes[0].first; at < a->nodes[1].first; at++)
        a->root[a->labels[at]] = at;
    return 0;
}

/* Breadth first: the suffixes of a node are shorter, so theirs are known. */
static int link_suffixes(struct automaton *a, struct builder *b)
{
    b->chain = mem_calloc(a->node_count, sizeof *b->chain);
    if (b->chain == NULL)
        return -ENOMEM;
    for (uint32_t at = 1; at < a->node_count; at++) {
        for (uint32_t child = a->nodes[at].first; child < a->nodes[at + 1].first; child++) {
            uint32_t fail = step(a, a->nodes[at].fail & FAIL_MASK, a->labels[child]);

            b->chain[child] = a->nodes[fail].fail & TERMINAL ? fail : b->chain[fail];
            a->nodes[child].fail |= fail | (b->chain[child] != 0 ? CHAINED : 0);
        }
    }
    return 0;
}

static struct rank *rank_new(const struct automaton *a, uint32_t flag, size_t *ret_count)
{
    struct rank *r = mem_calloc(a->node_count / 64 + 1, sizeof *r);
    uint32_t count = 0;

    for (uint32_t at = 0; r != NULL && at < a->node_count; at++) {
        if (at % 64 == 0)
            r[at / 64].before = count;
        if (a->nodes[at].fail & flag) {
            r[at / 64].bits |= UINT64_C(1) << at % 64;
            count++;
        }
    }
    *ret_count = count;
    return r;
}

static int index_flags(struct automaton *a, const struct builder *b)
{
    a->terminal = rank_new(a, TERMINAL, &a->literal_count);
    a->chained = rank_new(a, CHAINED, &a->suffix_count);
    a->literals = mem_calloc(a->literal_count + 1, sizeof *a->literals);
    a->suffixes = mem_calloc(a->suffix_count + 1, sizeof *a->suffixes);
    if (a->terminal == NULL || a->chained == NULL || a->literals == NULL || a->suffixes == NULL)
        return -ENOMEM;
    for (uint32_t at = 0; at < a->node_count; at++) {
        if (a->nodes[at].fail & TERMINAL)
            a->literals[rank_of(a->terminal, at)] = b->spans[at].lo;
        if (a->nodes[at].fail & CHAINED)
            a->suffixes[rank_of(a->chained, at)] = b->chain[at];
    }
    return 0;
}

/* Gives back what the upper bounds took too much. A failed shrink keeps the larger block. */
static void trim(struct automaton *a)
{
    struct node *nodes = mem_resize(a->nodes, a->node_count + 1, sizeof *nodes);
    uint16_t *labels = mem_resize(a->labels, a->node_count, sizeof *labels);
    uint16_t *symbols = mem_resize(a->symbols, a->page_count + 1, PAGE_SIZE * sizeof *symbols);

    a->nodes = nodes != NULL ? nodes : a->nodes;
    a->labels = labels != NULL ? labels : a->labels;
    a->symbols = symbols != NULL ? symbols : a->symbols;
}

static int build(struct automaton *a, struct builder *b)
{
    size_t total = 0;
    int r = mark_characters(a, b, &total);

    if (r == 0 && a->symbols == NULL) /* no literal at all: one page without symbols */
        r = (a->symbols = mem_calloc(PAGE_SIZE, sizeof *a->symbols)) == NULL ? -ENOMEM : 0;
    if (r == 0)
        r = total + 1 < FAIL_MASK ? number_symbols(a) : ERR_TOO_BIG;
    if (r == 0)
        r = grow_trie(a, b, total + 1);
    if (r == 0)
        r = index_root(a);
    if (r == 0)
        r = link_suffixes(a, b);
    if (r == 0)
        r = index_flags(a, b);
    if (r == 0)
        trim(a);
    return r;
}

int automaton_new(const struct str *literals, size_t n, struct automaton **ret)
{
    struct builder b = {.literals = literals, .n = n};
    struct automaton *a = mem_calloc(1, sizeof *a);
    int r = a == NULL ? -ENOMEM : build(a, &b);

    mem_free(b.spans);
    mem_free(b.chain);
    if (r < 0) {
        automaton_free(a);
        return r;
    }
    *ret = a;
    return 0;
}

void automaton_free(struct automaton *a)
{
    if (a == NULL)
        return;
    mem_free(a->symbols);
    mem_free(a->nodes);
    mem_free(a->labels);
    mem_free(a->root);
    mem_free(a->terminal);
    mem_free(a->chained);
    mem_free(a->literals);
    mem_free(a->suffixes);
    mem_free(a);
}

size_t automaton_bytes(const struct automaton *a)
{
    return sizeof *a + (a->page_count + 1) * PAGE_SIZE * sizeof *a->symbols +
           (a->node_count + 1) * sizeof *a->nodes + a->node_count * sizeof *a->labels +
           a->symbol_count * sizeof *a->root + 2 * (a->node_count / 64 + 1) * sizeof *a->terminal +
           (a->literal_count + 1) * sizeof *a->literals + (a->suffix_count + 1) * sizeof *a->suffixes;
}

void automaton_scan_init(struct automaton_scan *s)
{
    *s = (struct automaton_scan){0};
}

void automaton_scan_fini(struct automaton_scan *s)
{
    mem_free(s->seen);
    mem_free(s->hits);
    automaton_scan_init(s);
}

/* A new turn: nothing is seen yet. */
static int scan_begin(struct automaton_scan *s, size_t literals)
{
    s->hit_count = 0;
    if (literals > s->seen_cap) {
        uint32_t *p = mem_resize(s->seen, literals, sizeof *p);

        if (p == NULL)
            return -ENOMEM;
        memset(p + s->seen_cap, 0, (literals - s->seen_cap) * sizeof *p);
        s->seen = p;
        s->seen_cap = literals;
    }
    if (++s->turn == 0) {
        memset(s->seen, 0, s->seen_cap * sizeof *s->seen);
        s->turn = 1;
    }
    return 0;
}

static int scan_add(struct automaton_scan *s, uint32_t literal, uint32_t end)
{
    if (s->hit_count == s->hit_cap) {
        size_t cap = s->hit_cap == 0 ? 16 : s->hit_cap * 2;
        struct automaton_hit *p = mem_resize(s->hits, cap, sizeof *p);

        if (p == NULL)
            return -ENOMEM;
        s->hits = p;
        s->hit_cap = cap;
    }
    s->hits[s->hit_count++] = (struct automaton_hit){literal, end};
    return 0;
}

/* Reports the literals that end at `at`, until one that was reported before. */
static int report(const struct automaton *a, struct automaton_scan *s, uint32_t at, uint32_t end)
{
    for (;;) {
        uint32_t flags = a->nodes[at].fail;

        if (flags & TERMINAL) {
            uint32_t literal = a->literals[rank_of(a->terminal, at)];
            int r;

            if (s->seen[literal] == s->turn)
                return 0;
            s->seen[literal] = s->turn;
            r = scan_add(s, literal, end);
            if (r < 0)
                return r;
        }
        if (!(flags & CHAINED))
            return 0;
        at = a->suffixes[rank_of(a->chained, at)];
    }
}

int automaton_find(const struct automaton *a, struct automaton_scan *s, struct str text)
{
    struct str rest = text;
    uint32_t at = 0;
    int r = scan_begin(s, a->literal_count);

    while (r == 0 && rest.n > 0) {
        uint16_t symbol = symbol_of(a, utf8_next(&rest));

        at = symbol == 0 ? 0 : step(a, at, symbol);
        if (a->nodes[at].fail & (TERMINAL | CHAINED))
            r = report(a, s, at, (uint32_t)(text.n - rest.n));
    }
    return r;
}
