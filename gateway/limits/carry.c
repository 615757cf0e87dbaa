/* SPDX-License-Identifier: Apache-2.0 */
/* Who hands cost over to a window that begins. A calendar window begins with the first charge that may count
 * in it; what is open then only the store knows, so it happens once after a load:
 *
 *     loaded --first touch--> through = last window touched --a later window--> must be loaded again
 *
 * An opened window begins with an event that reaches us late, so the counter remembers the claims of its
 * latest window, ended ones too.
 */
#include "limits/carry.h"

#include <assert.h>
#include <stdlib.h>

#include "base/err.h"

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ---- loading ---- */

static int by_owner_and_cell(const void *x, const void *y)
{
    const struct claim *a = x, *b = y;

    if (a->owner != b->owner)
        return a->owner < b->owner ? -1 : 1;
    return a->cell < b->cell ? -1 : a->cell > b->cell;
}

bool counter_may_carry(const struct counter *c, const struct claim *claim)
{
    if (!claim->owner || !claim->units)
        return false;
    return window_is_calendar(c->limit->window) ? claim->open : c->limit->window == WINDOW_OPENED;
}

/* The loaded claims and those that this batch has not written yet. */
static int keep_claims(struct counter_set *s, struct counter *c, const struct claim *claims, size_t n)
{
    size_t unwritten = 0;
    int r;

    for (int32_t i = c->newest; i >= 0; i = s->links[i].next)
        unwritten++;
    counter_drop_claims(c);
    r = counter_reserve(c, 0, n + unwritten);
    if (r)
        return r;
    for (size_t i = 0; i < n; i++)
        if (counter_may_carry(c, &claims[i]))
            counter_keep_claim(c, &claims[i]);
    for (int32_t i = c->newest; i >= 0; i = s->links[i].next)
        if (counter_may_carry(c, &s->claims[i]))
            counter_keep_claim(c, &s->claims[i]);
    return 0;
}

static int keep_cells(struct counter *c, const struct cell *cells, size_t n)
{
    int r = n <= UINT32_MAX / 4 ? 0 : ERR_TOO_BIG;

    counter_drop_ticks(c);
    if (!r)
        r = counter_reserve(c, (uint32_t)n, 0);
    for (size_t i = 0; i < n && !r; i++) {
        if (cells[i].used < 0)
            r = ERR_CORRUPT;
        else
            counter_load_tick(c, cells[i].cell, cells[i].used);
    }
    return r;
}

/* Its call went down with a process that did not know the limit any more: nobody will end it, so the gap runs from
 * now. */
static int end_orphan(struct counter_set *s, struct counter *c, const struct claim *claims, size_t n)
{
    const struct tick *t = counter_tick_at(c, 0);

    for (size_t i = 0; i < n; i++)
        if (claims[i].open)
            return 0;
    if (!t || t->used != PACE_BUSY || c->newest >= 0)
        return 0;
    int r = counter_set_reserve(s, 1, 0, 0);
    if (!r)
        counter_set_used(s, c, 0, max64(s->now_ms, PACE_BUSY + 1));
    return r;
}

int counter_set_load(struct counter_set *s, struct counter_key key, const struct cell *cells, size_t n,
                     const struct claim *claims, size_t claim_n, int64_t opened_ms)
{
    const struct limit *limit = counter_set_limit(s, key.limit);
    struct counter *c;
    int32_t i;
    int r;

    if (!limit)
        return ERR_NOT_FOUND;
    r = counter_make(s, &key, limit, &i);
    if (r)
        return r;
    c = &s->counters[i];
    r = keep_claims(s, c, claims, claim_n);
    if (!r && c->epoch != s->epoch)
        r = keep_cells(c, cells, n);
    if (!r && limit->window == WINDOW_PACE)
        r = end_orphan(s, c, claims, claim_n);
    c->loaded = !r;
    c->opened_ms = max64(c->opened_ms, opened_ms);
    c->through = THROUGH_NONE;
    return r;
}

int64_t quota_first_cell(const struct counter_set *s, const struct limit *limit, int64_t now_ms)
{
    return window_first_cell(limit, &s->margin, now_ms);
}

/* ---- bringing a counter up to now ---- */

void counter_set_now(struct counter_set *s, int64_t now_ms)
{
    s->now_ms = max64(s->now_ms, now_ms);
    for (int w = WINDOW_DAY; w <= WINDOW_MONTH; w++) {
        struct window_cells *cells = &s->cells[w - WINDOW_DAY];
        if (s->now_ms < cells->from_ms || s->now_ms >= cells->until_ms)
            *cells = window_cells((enum limit_window)w, &s->margin, s->now_ms);
    }
}

static bool is_stale(const struct counter_set *s, const struct counter *c)
{
    return window_is_calendar(c->limit->window) && c->through != THROUGH_NONE &&
           c->through < counter_set_cells(s, c->limit->window)->last;
}

bool counter_set_has(const struct counter_set *s, struct counter_key key)
{
    int32_t i = counter_find(s, &key);

    return i != COUNTER_NONE && s->counters[i].loaded && !is_stale(s, &s->counters[i]);
}

static void carry(struct counter_set *s, int32_t i, const struct claim *from, int64_t units, int64_t cell)
{
    struct claim *carried = counter_claim(s, i);

    *carried = *from;
    carried->cell = cell;
    carried->units = units;
    carried->carried = true;
    counter_add(s, &s->counters[i], cell, units);
}

/* `rows` are one owner's, in ascending order of cells. Those of its last cell before `cell` come along,
 * unless it is in `cell` already. */
static void carry_owner(struct counter_set *s, int32_t i, const struct claim *rows, size_t n, int64_t cell)
{
    const struct claim *last = NULL;
    int64_t units = 0;

    for (size_t j = 0; j < n && rows[j].cell <= cell; j++) {
        if (rows[j].cell == cell)
            return;
        units = last && last->cell == rows[j].cell ? units + rows[j].units : rows[j].units;
        last = &rows[j];
    }
    if (last)
        carry(s, i, last, units, cell);
}

static void carry_all(struct counter_set *s, int32_t i, int64_t cell)
{
    struct counter *c = &s->counters[i];

    for (size_t from = 0, to; from < c->claim_count; from = to) {
        to = from + 1;
        while (to < c->claim_count && c->claims[to].owner == c->claims[from].owner)
            to++;
        carry_owner(s, i, c->claims + from, to - from, cell);
    }
}

static int roll(struct counter_set *s, int32_t i)
{
    struct counter *c = &s->counters[i];
    const struct window_cells *now = counter_set_cells(s, c->limit->window);
    int r;

    if (is_stale(s, c))
        return ERR_NOT_LOADED;
    if (c->through != THROUGH_NONE)
        return 0;
    r = counter_set_reserve(s, 2, 2 * c->claim_count, 0);
    if (!r)
        r = counter_reserve(c, 2, 0);
    if (r)
        return r;
    if (c->claim_count)
        qsort(c->claims, c->claim_count, sizeof *c->claims, by_owner_and_cell);
    for (int64_t cell = now->first; cell <= now->last; cell++)
        carry_all(s, i, cell);
    while (c->count && counter_tick(c, 0)->cell < now->first)
        counter_drop_oldest(c);
    counter_drop_claims(c);
    c->through = now->last;
    return 0;
}

static void drop_freed(struct counter *c, int64_t up_to)
{
    while (c->count && counter_tick(c, 0)->cell <= up_to)
        counter_drop_oldest(c);
}

int counter_touch(struct counter_set *s, const struct counter_key *key, int32_t *ret)
{
    int32_t i = counter_find(s, key);
    struct counter *c;

    if (i == COUNTER_NONE || !s->counters[i].loaded)
        return ERR_NOT_LOADED;
    *ret = i;
    c = &s->counters[i];
    if (window_is_calendar(c->limit->window))
        return roll(s, i);
    if (c->limit->window == WINDOW_SLIDING)
        drop_freed(c, s->now_ms - c->limit->span_ms - window_margin_ms(&s->margin));
    return 0;
}

int quota_settle(struct counter_set *s, const struct claim *claims, size_t n, int64_t now_ms,
                 struct quota_block *reterr)
{
    counter_set_now(s, now_ms);
    for (size_t i = 0; i < n; i++) {
        const struct limit *limit = counter_set_limit(s, claims[i].key.limit);
        int32_t counter;

        if (!limit || !window_is_calendar(limit->window) ||
            claims[i].cell >= window_cell(limit->window, s->now_ms + s->margin.skew_ms))
            continue;
        int r = counter_touch(s, &claims[i].key, &counter);
        if (r && reterr)
            *reterr = (struct quota_block){.limit = limit, .subject = claims[i].key.subject};
        if (r)
            return r;
    }
    return 0;
}

/* Arrivals from opened_ms on count in the new window: of what was charged, all that is still open, and what
 * ended before the event reached us but may have arrived after it happened. */
int quota_open_window(struct counter_set *s, struct counter_key key, int64_t opened_ms)
{
    int32_t i = counter_find(s, &key);
    struct counter *c;
    int r;

    if (i == COUNTER_NONE || !s->counters[i].loaded)
        return ERR_NOT_LOADED;
    c = &s->counters[i];
    assert(c->limit->window == WINDOW_OPENED);
    if (opened_ms <= c->opened_ms)
        return 0;
    r = counter_set_reserve(s, 1, c->claim_count, 0);
    if (!r)
        r = counter_reserve(c, 1, 0);
    if (r)
        return r;
    size_t n = 0;
    for (size_t j = 0; j < c->claim_count; j++) {
        struct claim *claim = &c->claims[j];

        if (claim->cell != c->opened_ms ||
            !(claim->open || claim->at_ms + window_margin_ms(&s->margin) >= opened_ms))
            continue;
        carry(s, i, claim, claim->units, opened_ms);
        c->claims[n] = *claim;
        c->claims[n].carried = true;
        c->claims[n++].cell = opened_ms;
    }
    c->claim_count = n;
    c->opened_ms = opened_ms;
    return 0;
}
