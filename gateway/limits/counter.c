/* SPDX-License-Identifier: Apache-2.0 */
/* Counters live in one growing array and are found through a table of (hash, index), so a look-up costs one
 * probe and one compare. Subjects are our own ids, never a peer's bytes, so the hash needs no key.
 *
 * Trim empties the table by backward shift: it costs what the batch had loaded, not what is kept.
 */
#include "limits/counter.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

static uint32_t key_hash(const struct counter_key *key)
{
    uint64_t h = (uint64_t)key->subject.a * UINT64_C(0x9e3779b97f4a7c15);

    h ^= ((uint64_t)key->subject.b + (uint64_t)(uint32_t)key->limit * UINT64_C(0xd6e8feb86659fd93)) *
         UINT64_C(0xc2b2ae3d27d4eb4f);
    h ^= h >> 32;
    h *= UINT64_C(0xff51afd7ed558ccd);
    return (uint32_t)(h >> 32);
}

static bool key_eq(const struct counter_key *a, const struct counter_key *b)
{
    return a->limit == b->limit && a->subject.a == b->subject.a && a->subject.b == b->subject.b;
}

const struct limit *counter_set_limit(const struct counter_set *s, int32_t id)
{
    for (size_t i = 0; i < s->extra_count; i++)
        if (s->extra[i].id == id)
            return &s->extra[i];
    return rulepack_limit(s->rules, id);
}

/* ---- the table ---- */

int32_t counter_find(const struct counter_set *s, const struct counter_key *key)
{
    uint32_t hash = key_hash(key);

    if (!s->table)
        return COUNTER_NONE;
    for (uint32_t i = hash & s->mask; s->table[i].counter != COUNTER_NONE; i = (i + 1) & s->mask)
        if (s->table[i].hash == hash && key_eq(&s->counters[s->table[i].counter].key, key))
            return s->table[i].counter;
    return COUNTER_NONE;
}

static void table_put(struct table_slot *table, uint32_t mask, struct table_slot slot)
{
    uint32_t i = slot.hash & mask;

    while (table[i].counter != COUNTER_NONE)
        i = (i + 1) & mask;
    table[i] = slot;
}

static int table_grow(struct counter_set *s)
{
    uint32_t size = s->table ? (s->mask + 1) * 2 : 64;
    struct table_slot *table = mem_resize(NULL, size, sizeof *table);

    if (!table)
        return -ENOMEM;
    for (uint32_t i = 0; i < size; i++)
        table[i].counter = COUNTER_NONE;
    for (uint32_t i = 0; s->table && i <= s->mask; i++)
        if (s->table[i].counter != COUNTER_NONE)
            table_put(table, size - 1, s->table[i]);
    mem_free(s->table);
    s->table = table;
    s->mask = size - 1;
    return 0;
}

/* Closes the gap, so that no look-up ends too early. */
static void table_del(struct counter_set *s, int32_t counter)
{
    uint32_t mask = s->mask, gap = key_hash(&s->counters[counter].key) & mask;

    while (s->table[gap].counter != counter)
        gap = (gap + 1) & mask;
    for (uint32_t i = (gap + 1) & mask; s->table[i].counter != COUNTER_NONE; i = (i + 1) & mask) {
        if (((i - s->table[i].hash) & mask) < ((i - gap) & mask))
            continue; /* it would move before its own home */
        s->table[gap] = s->table[i];
        gap = i;
    }
    s->table[gap].counter = COUNTER_NONE;
    s->table_used--;
}

/* ---- counters ---- */

/* Room for `more` rows of `bytes` each; doubles. */
static int reserve_rows(void **rows, size_t count, size_t more, size_t *cap, size_t bytes)
{
    size_t want = *cap ? *cap : 8;
    void *grown;

    if (count + more <= *cap)
        return 0;
    while (want < count + more)
        want *= 2;
    grown = mem_resize(*rows, want, bytes);
    if (!grown)
        return -ENOMEM;
    *rows = grown;
    *cap = want;
    return 0;
}

static bool is_kept(const struct limit *limit)
{
    return limit->scope == SCOPE_ACCOUNT || limit->scope == SCOPE_DOMAIN;
}

static int reserve_counter(struct counter_set *s)
{
    void *rows = s->counters, *passing = s->passing;
    int r = 0;

    if (s->table_used >= COUNTERS_MAX)
        return ERR_FULL;
    if (!s->table || (s->table_used + 1) * 2 > s->mask)
        r = table_grow(s);
    if (!r && s->free == COUNTER_NONE)
        r = reserve_rows(&rows, s->counter_count, 1, &s->counter_cap, sizeof *s->counters);
    if (!r)
        r = reserve_rows(&passing, s->passing_count, 1, &s->passing_cap, sizeof *s->passing);
    s->counters = rows;
    s->passing = passing;
    return r;
}

int counter_make(struct counter_set *s, const struct counter_key *key, const struct limit *limit,
                 int32_t *ret)
{
    int32_t i = counter_find(s, key);
    int r;

    if (i != COUNTER_NONE) {
        *ret = i;
        return 0;
    }
    r = reserve_counter(s);
    if (r)
        return r;
    i = s->free;
    if (i != COUNTER_NONE)
        s->free = s->counters[i].next;
    else
        i = (int32_t)s->counter_count++;
    s->counters[i] = (struct counter){.key = *key,
                                      .limit = limit,
                                      .cap = TICKS_INSIDE,
                                      .opened_ms = -1,
                                      .through = THROUGH_NONE,
                                      .newest = -1};
    table_put(s->table, s->mask, (struct table_slot){.hash = key_hash(key), .counter = i});
    s->table_used++;
    if (!is_kept(limit))
        s->passing[s->passing_count++] = i;
    *ret = i;
    return 0;
}

static void counter_fini(struct counter *c)
{
    mem_free(c->heap);
    mem_free(c->claims);
}

static void forget(struct counter_set *s, int32_t i)
{
    table_del(s, i);
    counter_fini(&s->counters[i]);
    s->counters[i] = (struct counter){.next = s->free};
    s->free = i;
}

void counter_drop_claims(struct counter *c)
{
    mem_free(c->claims);
    c->claims = NULL;
    c->claim_count = c->claim_cap = 0;
}

void counter_keep_claim(struct counter *c, const struct claim *claim)
{
    assert(c->claim_count < c->claim_cap);
    c->claims[c->claim_count++] = *claim;
}

/* ---- ticks ---- */

static int reserve_ticks(struct counter *c, uint32_t more)
{
    uint32_t cap = c->cap;
    struct tick *heap;

    if (c->count + more <= cap)
        return 0;
    while (cap < c->count + more)
        cap *= 2;
    heap = mem_resize(NULL, cap, sizeof *heap);
    if (!heap)
        return -ENOMEM;
    for (uint32_t i = 0; i < c->count; i++)
        heap[i] = *counter_tick(c, i);
    mem_free(c->heap);
    c->heap = heap;
    c->cap = cap;
    c->head = 0;
    return 0;
}

int counter_reserve(struct counter *c, uint32_t ticks, size_t claims)
{
    void *rows = c->claims;
    int r = reserve_ticks(c, ticks);

    if (!r)
        r = reserve_rows(&rows, c->claim_count, claims, &c->claim_cap, sizeof *c->claims);
    c->claims = rows;
    return r;
}

/* The first place whose cell is not below `cell`. Charges mostly go to the last one or behind it. */
static uint32_t place_of(struct counter *c, int64_t cell)
{
    uint32_t low = 0, high = c->count;

    if (high && counter_tick(c, high - 1)->cell <= cell)
        return high - (counter_tick(c, high - 1)->cell == cell);
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (counter_tick(c, middle)->cell < cell)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct tick *counter_tick_at(struct counter *c, int64_t cell)
{
    uint32_t i = place_of(c, cell);

    return i < c->count && counter_tick(c, i)->cell == cell ? counter_tick(c, i) : NULL;
}

static struct tick *tick_make(struct counter *c, int64_t cell)
{
    uint32_t i = place_of(c, cell);

    if (i < c->count && counter_tick(c, i)->cell == cell)
        return counter_tick(c, i);
    assert(c->count < c->cap);
    c->count++;
    for (uint32_t j = c->count - 1; j > i; j--)
        *counter_tick(c, j) = *counter_tick(c, j - 1);
    *counter_tick(c, i) = (struct tick){.cell = cell};
    return counter_tick(c, i);
}

void counter_load_tick(struct counter *c, int64_t cell, int64_t used)
{
    tick_make(c, cell)->used += used;
    c->total += used;
}

void counter_drop_oldest(struct counter *c)
{
    assert(c->count > 0);
    c->total -= counter_tick(c, 0)->used;
    c->head = (c->head + 1) & (c->cap - 1);
    c->count--;
}

void counter_drop_ticks(struct counter *c)
{
    c->count = 0;
    c->total = 0;
}

/* ---- what is unwritten ---- */

int counter_set_reserve(struct counter_set *s, size_t cells, size_t claims, size_t refunds)
{
    void *dirty = s->dirty, *rows = s->claims, *links = s->links, *back = s->refunds;
    int r = reserve_rows(&dirty, s->dirty_count, cells, &s->dirty_cap, sizeof *s->dirty);

    if (!r)
        r = reserve_rows(&rows, s->claim_count, claims, &s->claim_cap, sizeof *s->claims);
    if (!r)
        r = reserve_rows(&links, s->claim_count, claims, &s->link_cap, sizeof *s->links);
    if (!r)
        r = reserve_rows(&back, s->refund_count, refunds, &s->refund_cap, sizeof *s->refunds);
    s->dirty = dirty;
    s->claims = rows;
    s->links = links;
    s->refunds = back;
    return r;
}

/* The one place where a tick changes. */
static void tick_write(struct counter_set *s, struct counter *c, struct tick *t, int64_t used)
{
    if (t->epoch != s->epoch) {
        assert(s->dirty_count < s->dirty_cap);
        t->epoch = s->epoch;
        t->dirty = (uint32_t)s->dirty_count++;
        s->dirty[t->dirty] = (struct cell){.key = c->key, .cell = t->cell, .dirty = true};
    }
    c->epoch = s->epoch;
    c->total += used - t->used;
    t->used = used;
    s->dirty[t->dirty].used = used;
}

void counter_set_used(struct counter_set *s, struct counter *c, int64_t cell, int64_t used)
{
    tick_write(s, c, tick_make(c, cell), used);
}

void counter_add(struct counter_set *s, struct counter *c, int64_t cell, int64_t units)
{
    struct tick *t = tick_make(c, cell);

    tick_write(s, c, t, t->used + units);
}

struct claim *counter_claim(struct counter_set *s, int32_t i)
{
    struct counter *c = &s->counters[i];

    assert(s->claim_count < s->claim_cap);
    s->links[s->claim_count] = (struct pending){.counter = i, .next = c->newest};
    c->newest = (int32_t)s->claim_count;
    return &s->claims[s->claim_count++];
}

/* ---- the set ---- */

int counter_set_new(const struct rulepack *rules, struct counter_set **ret)
{
    struct counter_set *s = mem_calloc(1, sizeof *s);

    if (!s)
        return -ENOMEM;
    s->rules = rules;
    s->margin = (struct window_margin){rulepack_t_send_ms(rules), rulepack_skew_ms(rules)};
    s->free = COUNTER_NONE;
    s->epoch = 1;
    *ret = s;
    return 0;
}

void counter_set_clear(struct counter_set *s)
{
    for (size_t i = 0; i < s->counter_count; i++)
        counter_fini(&s->counters[i]);
    s->counter_count = s->passing_count = 0;
    s->free = COUNTER_NONE;
    for (uint32_t i = 0; s->table && i <= s->mask; i++)
        s->table[i].counter = COUNTER_NONE;
    s->table_used = 0;
    s->dirty_count = s->claim_count = s->refund_count = 0;
    s->epoch++;
}

void counter_set_free(struct counter_set *s)
{
    if (!s)
        return;
    counter_set_clear(s);
    mem_free(s->counters);
    mem_free(s->table);
    mem_free(s->passing);
    mem_free(s->dirty);
    mem_free(s->claims);
    mem_free(s->links);
    mem_free(s->refunds);
    mem_free(s->picks);
    mem_free(s->extra);
    mem_free(s);
}

void counter_set_trim(struct counter_set *s)
{
    assert(!s->dirty_count && !s->claim_count && !s->refund_count);
    for (size_t i = 0; i < s->passing_count; i++)
        forget(s, s->passing[i]);
    s->passing_count = 0;
}

/* Whether rows of the one mean the same under the other. */
static bool same_cells(const struct limit *a, const struct limit *b)
{
    return a->scope == b->scope && a->window == b->window && a->span_ms == b->span_ms;
}

int counter_set_limits(struct counter_set *s, const struct limit *extra, size_t n)
{
    struct limit *copy = n ? mem_dup(extra, n * sizeof *copy) : NULL, *old = s->extra;

    assert(!s->dirty_count && !s->claim_count && !s->refund_count);
    if (n && !copy)
        return -ENOMEM;
    counter_set_trim(s);
    s->extra = copy;
    s->extra_count = n;
    for (size_t i = 0; i < s->counter_count; i++) {
        struct counter *c = &s->counters[i];
        const struct limit *limit = c->limit ? counter_set_limit(s, c->key.limit) : NULL;

        if (c->limit && (!limit || !same_cells(limit, c->limit)))
            forget(s, (int32_t)i);
        else
            c->limit = limit;
    }
    mem_free(old);
    return 0;
}

const struct cell *counter_set_take_dirty(struct counter_set *s, size_t *ret_n)
{
    *ret_n = s->dirty_count;
    s->dirty_count = 0;
    s->epoch++;
    return s->dirty;
}

/* Claims that were taken back have no units; the others close ranks. */
const struct claim *counter_set_take_claims(struct counter_set *s, size_t *ret_n)
{
    size_t n = 0;

    for (size_t i = 0; i < s->claim_count; i++) {
        s->counters[s->links[i].counter].newest = -1;
        if (s->claims[i].units)
            s->claims[n++] = s->claims[i];
    }
    s->claim_count = 0;
    *ret_n = n;
    return s->claims;
}

const struct claim *counter_set_take_refunds(struct counter_set *s, size_t *ret_n)
{
    *ret_n = s->refund_count;
    s->refund_count = 0;
    return s->refunds;
}
