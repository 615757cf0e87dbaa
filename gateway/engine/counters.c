/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/counters.h"

#include <stdlib.h>

#include "engine/engine_private.h"

static int compare_keys(const void *x, const void *y)
{
    const struct counter_key *a = x, *b = y;

    if (a->limit != b->limit)
        return a->limit < b->limit ? -1 : 1;
    if (a->subject.a != b->subject.a)
        return a->subject.a < b->subject.a ? -1 : 1;
    return a->subject.b < b->subject.b ? -1 : a->subject.b > b->subject.b;
}

static size_t drop_loaded(const struct counter_set *set, struct counter_key *keys, size_t n)
{
    size_t kept = 0;

    qsort(keys, n, sizeof *keys, compare_keys);
    for (size_t i = 0; i < n; i++)
        if (!(kept && compare_keys(&keys[kept - 1], &keys[i]) == 0) && !counter_set_has(set, keys[i]))
            keys[kept++] = keys[i];
    return kept;
}

static int enter(struct batch *b, struct counter_key key, const struct counter_rows *rows)
{
    struct cell *cells = arena_alloc(&b->arena, rows->cell_count * sizeof *cells + 1);
    struct claim *open = arena_alloc(&b->arena, rows->open_count * sizeof *open + 1);

    if (!cells || !open)
        return -ENOMEM;
    for (size_t i = 0; i < rows->cell_count; i++)
        cells[i] = (struct cell){.key = key, .cell = rows->cells[i].cell, .used = rows->cells[i].used};
    for (size_t i = 0; i < rows->open_count; i++)
        open[i] = (struct claim){.owner = rows->open[i].owner, .key = key, .cell = rows->open[i].cell,
                                 .units = rows->open[i].units, .at_ms = rows->open[i].at_ms,
                                .carried = rows->open[i].carried, .open = rows->open[i].state == CLAIM_OPEN};
    return counter_set_load(b->engine->counters, key, cells, rows->cell_count, open, rows->open_count,
                            rows->opened_ms);
}

int counters_load(struct batch *b, struct counter_key *keys, size_t n)
{
    n = drop_loaded(b->engine->counters, keys, n);
    if (!n)
        return 0;
    struct counter_ref *refs = arena_alloc(&b->arena, n * sizeof *refs);
    int64_t *mins = arena_alloc(&b->arena, n * sizeof *mins);
    struct counter_rows *rows = arena_alloc(&b->arena, n * sizeof *rows);
    if (!refs || !mins || !rows)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        refs[i] = (struct counter_ref){keys[i].limit, keys[i].subject.a, keys[i].subject.b};
        const struct limit *limit = engine_limit(b->engine, keys[i].limit);
        mins[i] = limit ? quota_first_cell(b->engine->counters, limit, b->now_ms) : INT64_MIN;
    }
    int err = store_load_counters(b->engine->store, refs, mins, n, &b->arena, rows);
    for (size_t i = 0; i < n && !err; i++)
        if (engine_limit(b->engine, keys[i].limit)) /* an operator limit may be gone since the charge */
            err = enter(b, keys[i], &rows[i]);
    return err;
}

int counters_load_wants(struct batch *b, const struct claim_want *wants, size_t n)
{
    struct counter_key *keys = arena_alloc(&b->arena, n * sizeof *keys + 1);

    if (!keys)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        keys[i] = (struct counter_key){wants[i].limit->id, wants[i].subject};
    return counters_load(b, keys, n);
}

int counters_load_claims(struct batch *b, const int64_t *owners, size_t n, struct claim **ret, size_t *ret_n)
{
    struct claim_row *rows;
    size_t count;
    int err = store_load_claims(b->engine->store, owners, n, &b->arena, &rows, &count);

    if (err)
        return err;
    struct claim *claims = arena_alloc(&b->arena, count * sizeof *claims + 1);
    struct counter_key *keys = arena_alloc(&b->arena, count * sizeof *keys + 1);
    if (!claims || !keys)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        keys[i] = (struct counter_key){rows[i].key.limit, {rows[i].key.a, rows[i].key.b}};
        claims[i] = (struct claim){.owner = rows[i].owner, .key = keys[i], .cell = rows[i].cell,
                                   .units = rows[i].units, .at_ms = rows[i].at_ms,
                                   .carried = rows[i].carried, .open = true};
    }
    err = counters_load(b, keys, count);
    if (err)
        return err;
    *ret = claims;
    *ret_n = count;
    return 0;
}

size_t counters_opened_by(const struct batch *b, enum account_kind account_kind, enum event_kind kind,
                          int64_t account, int64_t contact, struct counter_key ret[COUNTERS_MAX_OPENED])
{
    size_t n, count = 0;
    const struct limit *limits = rulepack_limits(b->engine->rules, &n);

    for (size_t i = 0; i < n && count < COUNTERS_MAX_OPENED; i++)
        if (limits[i].window == WINDOW_OPENED && (limits[i].kinds & (1u << account_kind)) &&
            (limits[i].opened_by & (UINT64_C(1) << kind)))
            ret[count++] = (struct counter_key){limits[i].id, {account, contact}};
    return count;
}
