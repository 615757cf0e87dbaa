/* SPDX-License-Identifier: Apache-2.0 */
/* counter.h - the counters of a set in memory: a table by key, the cells of each, and what is unwritten.
 *
 * Private to limits/. counter.c keeps rows and knows nothing of windows; quota.c decides.
 *
 * Whoever changes counters first reserves room for all changes (counter_set_reserve, counter_reserve), so
 * that the changes themselves can not fail half-way.
 *
 * Memory   the set owns everything. A counter is named by its index; a pointer to it is good until the next
 *          load. A pointer to a tick is good until the next new tick of its counter.
 * Threads  the engine thread that owns the set.
 */
#ifndef SIYU_LIMITS_COUNTER_H
#define SIYU_LIMITS_COUNTER_H

#include "limits/quota.h"
#include "limits/window.h"

enum {
    COUNTERS_MAX = 1 << 20,
    COUNTER_NONE = -1,
    TICKS_INSIDE = 4, /* ticks that a counter holds without memory of its own */
};

/* One cell. */
struct tick {
    int64_t cell, used;
    uint32_t epoch, dirty; /* its place in the set's dirty rows, if `epoch` is the set's */
};

struct counter {
    struct counter_key key;
    const struct limit *limit;
    struct tick *heap, inside[TICKS_INSIDE]; /* a ring in ascending order of cells; heap NULL: inside */
    uint32_t cap, head, count;
    uint32_t epoch;       /* the set's: it has unwritten cells */
    int64_t total;        /* of all ticks */
    int64_t opened_ms;    /* -1: no window was opened */
    int64_t through;      /* calendar: the open cost is in all cells up to this; THROUGH_NONE: in none yet */
    struct claim *claims; /* what a window that begins may take over: calendar, until the first touch after a
                             load; opened, all of the latest window */
    size_t claim_count, claim_cap;
    int64_t held; /* by earlier wants of the call `call` */
    uint64_t call;
    int32_t newest; /* index of its newest unwritten claim */
    int32_t next;   /* free list */
    bool loaded;
};
#define THROUGH_NONE INT64_MIN

struct table_slot {
    uint32_t hash;
    int32_t counter; /* COUNTER_NONE: free */
};

/* An unwritten claim and the next older one of the same counter. */
struct pending {
    int32_t counter, next;
};

struct counter_set {
    const struct rulepack *rules;
    struct window_margin margin;
    struct limit *extra;
    size_t extra_count;

    struct counter *counters;
    size_t counter_count, counter_cap;
    int32_t free;             /* counters that may be used again */
    struct table_slot *table; /* open addressing, linear probing; `mask` + 1 slots */
    uint32_t mask, table_used;
    int32_t *passing; /* indices of counters that trim forgets */
    size_t passing_count, passing_cap;

    struct cell *dirty;
    struct claim *claims, *refunds; /* `links` runs beside `claims` */
    struct pending *links;
    size_t dirty_count, dirty_cap, claim_count, claim_cap, link_cap, refund_count, refund_cap;
    uint32_t epoch; /* grows with every take of dirty cells */

    int32_t *picks; /* per want of a call: its counter, COUNTER_NONE: another alternative is charged */
    size_t pick_cap;
    uint64_t call;
    int64_t now_ms;               /* latest */
    struct window_cells cells[3]; /* day, week, month at now_ms */
};

/* The cells that a charge now falls into; calendar windows only. */
static inline const struct window_cells *counter_set_cells(const struct counter_set *s, enum limit_window w)
{
    return &s->cells[w - WINDOW_DAY];
}

const struct limit *counter_set_limit(const struct counter_set *s, int32_t id); /* NULL: none */

/* Index, or COUNTER_NONE; also finds one that must be loaded again. */
int32_t counter_find(const struct counter_set *s, const struct counter_key *key);
/* Finds or makes. */
int counter_make(struct counter_set *s, const struct counter_key *key, const struct limit *limit,
                 int32_t *ret);

/* Room for so many more ticks and claims of its own. */
int counter_reserve(struct counter *c, uint32_t ticks, size_t claims);
/* Room for so many more dirty cells, claims and refunds. */
int counter_set_reserve(struct counter_set *s, size_t cells, size_t claims, size_t refunds);

/* In ascending order. */
static inline struct tick *counter_tick(struct counter *c, uint32_t i)
{
    return &(c->heap ? c->heap : c->inside)[(c->head + i) & (c->cap - 1)];
}
/* NULL: no such cell. */
struct tick *counter_tick_at(struct counter *c, int64_t cell);
void counter_load_tick(struct counter *c, int64_t cell, int64_t used); /* as the store has it */
void counter_keep_claim(struct counter *c, const struct claim *claim);
void counter_drop_oldest(struct counter *c);
void counter_drop_ticks(struct counter *c);
void counter_drop_claims(struct counter *c);

/* Sets a cell, new or old, and marks it as unwritten. Reserved, as all below. */
void counter_set_used(struct counter_set *s, struct counter *c, int64_t cell, int64_t used);
void counter_add(struct counter_set *s, struct counter *c, int64_t cell, int64_t units);
/* Appends an unwritten claim of counter `i`, to be filled in. */
struct claim *counter_claim(struct counter_set *s, int32_t i);

#endif
