/* SPDX-License-Identifier: Apache-2.0 */
/* Matching: literals of both indexes give ranks at once; regexes whose literal was found (or that have none)
 * run afterwards, in acting order, unless their rule has matched already, and share one budget of CPU time.
 */
#include "engine/route.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/fold.h"
#include "base/mem.h"
#include "base/re.h"
#include "engine/route_private.h"

#define FOLDED_BYTES ((size_t)1024 * 1024) /* NFKC makes some characters many */
#define REGEX_BUDGET_NS INT64_C(8000000)   /* of one text; a regex on its own ends by its step limit */
#define REGEX_DEAR_NS (REGEX_BUDGET_NS / 4)
#define SMALL_SORT 24

struct route_scratch {
    struct buf folded;
    struct automaton_scan scan;
    struct route_ranks hits, candidates;
    uint32_t *rule_seen; /* per rule: the turn that gave it a hit */
    size_t rule_cap;
    uint32_t turn;
    struct route_hit *out;
    size_t out_cap;
};

/* One text's regexes. */
struct regex_run {
    struct str typed, folded;
    int64_t spent_ns, dearest_ns;
    struct route_regex *dearest;
};

int route_ranks_add(struct route_ranks *ranks, uint32_t rank)
{
    if (ranks->n == ranks->cap) {
        size_t cap = ranks->cap == 0 ? 32 : ranks->cap * 2;
        uint32_t *v = mem_resize(ranks->v, cap, sizeof *v);

        if (v == NULL)
            return -ENOMEM;
        ranks->v = v;
        ranks->cap = cap;
    }
    ranks->v[ranks->n++] = rank;
    return 0;
}

static int by_number(const void *pa, const void *pb)
{
    uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;

    return (a > b) - (a < b);
}

static void sort_ranks(struct route_ranks *ranks)
{
    if (ranks->n > SMALL_SORT) {
        qsort(ranks->v, ranks->n, sizeof *ranks->v, by_number);
        return;
    }
    for (size_t i = 1; i < ranks->n; i++) {
        uint32_t v = ranks->v[i];
        size_t at = i;

        for (; at > 0 && ranks->v[at - 1] > v; at--)
            ranks->v[at] = ranks->v[at - 1];
        ranks->v[at] = v;
    }
}

int route_scratch_new(struct route_scratch **ret)
{
    struct route_scratch *s = mem_calloc(1, sizeof *s);

    if (s == NULL)
        return -ENOMEM;
    buf_init(&s->folded, FOLDED_BYTES);
    automaton_scan_init(&s->scan);
    *ret = s;
    return 0;
}

void route_scratch_free(struct route_scratch *s)
{
    if (s == NULL)
        return;
    buf_fini(&s->folded);
    automaton_scan_fini(&s->scan);
    mem_free(s->hits.v);
    mem_free(s->candidates.v);
    mem_free(s->rule_seen);
    mem_free(s->out);
    mem_free(s);
}

struct str route_folded(const struct route_scratch *s)
{
    return buf_str(&s->folded);
}

/* Two turns: one to know the rules that literals gave, one to give each rule once. */
static int scratch_begin(struct route_scratch *s, size_t rules)
{
    s->hits.n = 0;
    s->candidates.n = 0;
    if (rules > s->rule_cap) {
        uint32_t *p = mem_resize(s->rule_seen, rules, sizeof *p);

        if (p == NULL)
            return -ENOMEM;
        memset(p + s->rule_cap, 0, (rules - s->rule_cap) * sizeof *p);
        s->rule_seen = p;
        s->rule_cap = rules;
    }
    if (s->turn >= UINT32_MAX - 2) {
        memset(s->rule_seen, 0, s->rule_cap * sizeof *s->rule_seen);
        s->turn = 0;
    }
    s->turn += 2;
    return 0;
}

static int take_literal(const struct route_table *t, struct route_scratch *s, const struct route_index *x,
                        const struct automaton_hit *hit, size_t text_bytes)
{
    for (uint32_t i = x->first[hit->literal]; i < x->first[hit->literal + 1]; i++) {
        uint32_t rank = x->ranks[i];
        const struct route_entry *e = &t->entries[rank];
        int r = 0;

        if (e->kind == KEYWORD_REGEX) {
            r = route_ranks_add(&s->candidates, rank);
        } else if (route_placed((enum keyword_kind)e->kind, x->bytes[hit->literal], hit->end, text_bytes)) {
            s->rule_seen[e->rule] = s->turn;
            r = route_ranks_add(&s->hits, rank);
        }
        if (r < 0)
            return r;
    }
    return 0;
}

static int take_index(const struct route_table *t, struct route_scratch *s, const struct route_index *x,
                      struct str text)
{
    int r;

    if (x->automaton == NULL)
        return 0;
    r = automaton_find(x->automaton, &s->scan, text);
    for (size_t i = 0; r == 0 && i < s->scan.hit_count; i++)
        r = take_literal(t, s, x, &s->scan.hits[i], text.n);
    return r;
}

static struct route_regex *regex_of(const struct route_table *t, uint32_t rank)
{
    size_t lo = 0, hi = t->regex_count;

    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;

        if (t->regexes[mid].rank <= rank)
            lo = mid;
        else
            hi = mid;
    }
    return &t->regexes[lo];
}

static int64_t cpu_ns(void)
{
    struct timespec ts = {0};

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* 1 matches, 0 not, or ran into a limit; negative: no memory. */
static int run_regex(struct route_regex *x, struct regex_run *run, bool fold)
{
    int64_t begin_ns = cpu_ns(), took_ns;
    int r;

    (void)pthread_mutex_lock(&x->lock);
    r = re_matches(x->re, run->typed);
    if (r == 0 && fold)
        r = re_matches(x->re, run->folded);
    (void)pthread_mutex_unlock(&x->lock);
    took_ns = cpu_ns() - begin_ns;
    run->spent_ns += took_ns;
    if (took_ns > run->dearest_ns) {
        run->dearest_ns = took_ns;
        run->dearest = x;
    }
    if (r == ERR_TIMEOUT) {
        atomic_store(&x->quarantined, true);
        return 0;
    }
    return r;
}

static int take_regexes(const struct route_table *t, struct route_scratch *s, struct str typed)
{
    struct regex_run run = {.typed = str_cut_bytes(typed, RE_SUBJECT_BYTES),
                            .folded = str_cut_bytes(route_folded(s), RE_SUBJECT_BYTES)};

    for (size_t i = 0; i < t->ungated_count; i++)
        if (route_ranks_add(&s->candidates, t->ungated[i]) < 0)
            return -ENOMEM;
    sort_ranks(&s->candidates);
    for (size_t i = 0; i < s->candidates.n; i++) {
        const struct route_entry *e = &t->entries[s->candidates.v[i]];
        struct route_regex *x = regex_of(t, s->candidates.v[i]);
        int r;

        if (s->rule_seen[e->rule] == s->turn || atomic_load(&x->quarantined))
            continue;
        if (run.spent_ns >= REGEX_BUDGET_NS) {
            if (run.dearest_ns >= REGEX_DEAR_NS)
                atomic_store(&run.dearest->quarantined, true);
            return 0;
        }
        r = run_regex(x, &run, t->rules[e->rule].rule->fold);
        if (r == 1) {
            s->rule_seen[e->rule] = s->turn;
            r = route_ranks_add(&s->hits, s->candidates.v[i]);
        }
        if (r < 0)
            return r;
    }
    return 0;
}

/* Each rule once, with the first of its keywords in acting order. */
static int write_hits(const struct route_table *t, struct route_scratch *s, size_t *ret_n)
{
    size_t n = 0;

    if (s->hits.n > s->out_cap) {
        struct route_hit *p = mem_resize(s->out, s->hits.cap, sizeof *p);

        if (p == NULL)
            return -ENOMEM;
        s->out = p;
        s->out_cap = s->hits.cap;
    }
    sort_ranks(&s->hits);
    for (size_t i = 0; i < s->hits.n; i++) {
        const struct route_entry *e = &t->entries[s->hits.v[i]];
        const struct route_rule *rr = &t->rules[e->rule];

        if (s->rule_seen[e->rule] == s->turn + 1)
            continue;
        s->rule_seen[e->rule] = s->turn + 1;
        s->out[n++] = (struct route_hit){rr->rule, rr->order, (enum keyword_kind)e->kind,
                                         rr->rule->keywords[e->keyword].text};
    }
    *ret_n = n;
    return 0;
}

int route_match(const struct route_table *t, struct route_scratch *s, struct str text,
                const struct route_hit **ret, size_t *ret_n)
{
    struct str typed = str_cut_bytes(text, ROUTE_TEXT_BYTES);
    int r;

    buf_reset(&s->folded);
    r = fold_text(t->fold, typed, &s->folded);
    if (r == 0)
        r = scratch_begin(s, t->rule_count);
    if (r == 0)
        r = take_index(t, s, &t->folded, route_folded(s));
    if (r == 0)
        r = take_index(t, s, &t->raw, typed);
    if (r == 0 && (s->candidates.n > 0 || t->ungated_count > 0))
        r = take_regexes(t, s, typed);
    if (r == 0)
        r = write_hits(t, s, ret_n);
    if (r < 0)
        return r;
    *ret = s->out;
    return 0;
}

const struct rule *route_offender(const struct route_table *t, size_t i)
{
    for (size_t k = 0; k < t->regex_count; k++)
        if (atomic_load(&t->regexes[k].quarantined) && i-- == 0)
            return t->rules[t->entries[t->regexes[k].rank].rule].rule;
    return NULL;
}

size_t route_offenders(const struct route_table *t)
{
    size_t n = 0;

    for (size_t k = 0; k < t->regex_count; k++)
        n += atomic_load(&t->regexes[k].quarantined);
    return n;
}
