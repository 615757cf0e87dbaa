/* SPDX-License-Identifier: Apache-2.0 */
/* A call judges all wants first: each finds its counter, which is brought up to now (carry.h), and asks for
 * room beside what earlier wants of the same call hold. Only then are cells and claims written, into reserved
 * room.
 */
#include "limits/quota.h"

#include <assert.h>

#include "base/err.h"
#include "base/mem.h"
#include "limits/carry.h"
#include "limits/counter.h"

enum { PACE_RETRY_MS = 50 }; /* a busy pace frees with an answer; asking more often would be no use */

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ---- judging ---- */

static int64_t used_at(struct counter *c, int64_t cell)
{
    const struct tick *t = counter_tick_at(c, cell);

    return t ? t->used : 0;
}

/* When `units` more fit into a full sliding window. */
static int64_t sliding_free_ms(struct counter_set *s, struct counter *c, int64_t excess)
{
    for (uint32_t i = 0; i < c->count; i++) {
        const struct tick *t = counter_tick(c, i);
        excess -= t->used;
        if (excess <= 0)
            return window_free_ms(c->limit, &s->margin, t->cell);
    }
    return INT64_MAX; /* more than the window ever holds */
}

/* Fills max, used and free_at_ms; true when `units` fit beside what is held. */
static bool room_sliding(struct counter_set *s, struct counter *c, int64_t amount, int64_t units,
                         struct quota_block *ret)
{
    int64_t excess = c->total + c->held + units - amount;

    ret->max = amount;
    ret->used = c->total + c->held;
    if (excess <= 0)
        return true;
    ret->free_at_ms = units > amount ? INT64_MAX : sliding_free_ms(s, c, excess);
    if (ret->free_at_ms == INT64_MAX && units <= amount) /* only this very call is in the way */
        ret->free_at_ms = s->now_ms + c->limit->span_ms + window_margin_ms(&s->margin);
    return false;
}

/* The last full window of those that now touches decides. */
static bool room_calendar(struct counter_set *s, struct counter *c, int64_t amount, int64_t units,
                          struct quota_block *ret)
{
    const struct window_cells *now = counter_set_cells(s, c->limit->window);
    bool fits = true;

    for (int64_t cell = now->last; cell >= now->first && fits; cell--) {
        ret->max = window_amount(c->limit, amount, cell);
        ret->used = used_at(c, cell) + c->held;
        fits = ret->used + units <= ret->max;
        if (!fits)
            ret->free_at_ms = units > ret->max ? INT64_MAX : window_free_ms(c->limit, &s->margin, cell);
    }
    return fits;
}

static bool room_opened(struct counter_set *s, struct counter *c, int64_t amount, int64_t units,
                        struct quota_block *ret)
{
    bool is_open = c->opened_ms >= 0 && s->now_ms + window_margin_ms(&s->margin) <
                                            window_free_ms(c->limit, &s->margin, c->opened_ms);

    ret->max = is_open ? amount : 0;
    ret->used = is_open ? used_at(c, c->opened_ms) + c->held : 0;
    ret->free_at_ms = INT64_MAX;
    return ret->used + units <= ret->max;
}

static bool room_pace(struct counter_set *s, struct counter *c, struct quota_block *ret)
{
    int64_t last = used_at(c, 0);
    bool busy = last == PACE_BUSY || c->held > 0;

    ret->max = 1;
    ret->used = busy;
    ret->free_at_ms = busy ? s->now_ms + max64(c->limit->span_ms, PACE_RETRY_MS) : last + c->limit->span_ms;
    return !busy && (!last || ret->free_at_ms <= s->now_ms);
}

static bool room(struct counter_set *s, struct counter *c, int64_t amount, int64_t units,
                 struct quota_block *ret)
{
    ret->limit = c->limit;
    ret->subject = c->key.subject;
    switch (c->limit->window) {
    case WINDOW_SLIDING: return room_sliding(s, c, amount, units, ret);
    case WINDOW_OPENED: return room_opened(s, c, amount, units, ret);
    case WINDOW_PACE: return room_pace(s, c, ret);
    default: return room_calendar(s, c, amount, units, ret);
    }
}

/* Of refused wants the one that frees last binds; of equals the first. */
static void note_block(struct quota_block *worst, const struct quota_block *block)
{
    if (!worst->limit || block->free_at_ms > worst->free_at_ms)
        *worst = *block;
}

/* Holds the want's units in its counter if they fit. 1: they do not. */
static int judge(struct counter_set *s, const struct claim_want *want, int32_t *pick, struct quota_block *ret)
{
    struct counter_key key = {want->limit->id, want->subject};
    int32_t i = COUNTER_NONE;
    int r = counter_touch(s, &key, &i);
    struct counter *c;

    *pick = COUNTER_NONE;
    if (r) {
        *ret = (struct quota_block){.limit = want->limit, .subject = want->subject};
        return r;
    }
    c = &s->counters[i];
    if (c->call != s->call) {
        c->call = s->call;
        c->held = 0;
    }
    if (!room(s, c, want->limit->amount, want->units, ret))
        return 1;
    c->held += want->units;
    *pick = i;
    return 0;
}

/* One want, or the alternatives of one owner: the first with room is picked. Returns how many wants were
 * judged, or a negative err with `worst` naming the counter. Of alternatives that all refuse an open window
 * says most. */
static int64_t judge_group(struct counter_set *s, const struct claim_want *wants, size_t n, int32_t *picks,
                           struct quota_block *worst)
{
    struct quota_block block = {0}, full = {0};
    bool found = false;
    size_t i = 0;

    do {
        int r = found ? 1 : judge(s, &wants[i], &picks[i], &block);

        if (r < 0) {
            *worst = block;
            return r;
        }
        if (found)
            picks[i] = COUNTER_NONE;
        else if (r == 0)
            found = true;
        else if (!full.limit || block.max > 0)
            full = block;
        i++;
    } while (i < n && wants[0].limit->alternative && wants[i].owner == wants[0].owner &&
             wants[i].limit->alternative == wants[0].limit->alternative);
    if (!found)
        note_block(worst, &full);
    return (int64_t)i;
}

static int judge_all(struct counter_set *s, const struct claim_want *wants, size_t n,
                     struct quota_block *reterr)
{
    struct quota_block worst = {0};
    int64_t judged = 0;

    if (n > s->pick_cap) {
        int32_t *picks = mem_resize(s->picks, n * 2, sizeof *picks);
        if (!picks)
            return -ENOMEM;
        s->picks = picks;
        s->pick_cap = n * 2;
    }
    s->call++;
    for (size_t i = 0; i < n && judged >= 0; i += (size_t)judged)
        judged = judge_group(s, wants + i, n - i, s->picks + i, &worst);
    if (!worst.limit)
        return judged < 0 ? (int)judged : 0;
    if (reterr)
        *reterr = worst;
    return judged < 0 ? (int)judged : ERR_QUOTA;
}

int quota_check(struct counter_set *s, const struct claim_want *wants, size_t n, int64_t now_ms,
                struct quota_block *reterr)
{
    counter_set_now(s, now_ms);
    return judge_all(s, wants, n, reterr);
}

/* ---- charging ---- */

/* Two cells a want, as at a boundary. */
static int reserve_charge(struct counter_set *s, size_t n)
{
    int r = counter_set_reserve(s, 2 * n, 2 * n, 0);

    for (size_t i = 0; i < n && !r; i++) {
        struct counter *c = s->picks[i] == COUNTER_NONE ? NULL : &s->counters[s->picks[i]];

        if (c) /* a want holds a unit at least */
            r = counter_reserve(c, 2, c->limit->window == WINDOW_OPENED ? (size_t)c->held : 0);
    }
    return r;
}

static void charge_cell(struct counter_set *s, int32_t i, const struct claim_want *want, int64_t cell)
{
    struct counter *c = &s->counters[i];
    struct claim *claim = counter_claim(s, i);

    *claim = (struct claim){.owner = want->owner,
                            .key = c->key,
                            .cell = cell,
                            .units = want->units,
                            .at_ms = s->now_ms,
                            .open = want->owner != 0};
    if (c->limit->window == WINDOW_PACE)
        counter_set_used(s, c, cell, PACE_BUSY);
    else
        counter_add(s, c, cell, want->units);
    if (c->limit->window == WINDOW_OPENED && counter_may_carry(c, claim))
        counter_keep_claim(c, claim);
}

/* A sliding cell never lies before an older one, so that the ring stays in order of freeing. */
static int64_t sliding_cell(struct counter_set *s, struct counter *c)
{
    int64_t last = c->count ? counter_tick(c, c->count - 1)->cell : INT64_MIN;

    return last >= s->now_ms ? last : window_sliding_cell(c->limit, s->now_ms);
}

static void charge(struct counter_set *s, int32_t i, const struct claim_want *want)
{
    struct counter *c = &s->counters[i];
    const struct window_cells *now;

    switch (c->limit->window) {
    case WINDOW_SLIDING: charge_cell(s, i, want, sliding_cell(s, c)); break;
    case WINDOW_OPENED: charge_cell(s, i, want, c->opened_ms); break;
    case WINDOW_PACE: charge_cell(s, i, want, 0); break;
    default:
        now = counter_set_cells(s, c->limit->window);
        for (int64_t cell = now->first; cell <= now->last; cell++)
            charge_cell(s, i, want, cell);
    }
}

int quota_charge(struct counter_set *s, const struct claim_want *wants, size_t n, int64_t now_ms,
                 struct quota_block *reterr)
{
    int r;

    counter_set_now(s, now_ms);
    r = judge_all(s, wants, n, reterr);
    if (!r)
        r = reserve_charge(s, n);
    if (r)
        return r;
    for (size_t i = 0; i < n; i++)
        if (s->picks[i] != COUNTER_NONE)
            charge(s, s->picks[i], &wants[i]);
    return 0;
}

/* ---- giving back ---- */

/* False: the cell has freed meanwhile and its row is not at hand. */
static bool give_back(struct counter_set *s, struct counter *c, int64_t cell, int64_t units)
{
    const struct tick *t = counter_tick_at(c, cell);

    if (!t)
        return c->limit->window == WINDOW_PACE;
    if (c->limit->window != WINDOW_PACE)
        counter_set_used(s, c, cell, max64(t->used - units, 0));
    else if (t->used == PACE_BUSY)
        counter_set_used(s, c, cell, max64(s->now_ms, PACE_BUSY + 1));
    return true;
}

static void forfeit(struct counter_set *s, int32_t i, const struct claim *claim)
{
    struct claim *lost = counter_claim(s, i);

    *lost = *claim;
    lost->owner = 0;
    lost->carried = lost->open = false;
}

/* Takes an unwritten claim of the owner back: `cell` given, or every one that is left. */
static bool drop_unwritten(struct counter_set *s, struct counter *c, int64_t owner, const int64_t *cell)
{
    bool found = false;

    for (int32_t i = c->newest; i >= 0; i = s->links[i].next) {
        struct claim *claim = &s->claims[i];

        if (claim->owner != owner || !claim->units || (cell && claim->cell != *cell))
            continue;
        if (!cell)
            (void)give_back(s, c, claim->cell, claim->units);
        claim->units = 0;
        found = true;
        if (cell)
            break;
    }
    return found;
}

static void forget_claims(struct counter *c, int64_t owner)
{
    size_t n = 0;

    for (size_t i = 0; i < c->claim_count; i++)
        if (c->claims[i].owner != owner)
            c->claims[n++] = c->claims[i];
    c->claim_count = n;
}

int quota_refund(struct counter_set *s, const struct claim *claims, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!counter_set_has(s, claims[i].key))
            return ERR_NOT_LOADED;
    int r = counter_set_reserve(s, n + s->claim_count, n, n);
    if (r)
        return r;
    for (size_t i = 0; i < n; i++) {
        int32_t at = counter_find(s, &claims[i].key);
        struct counter *c = &s->counters[at];

        if (!give_back(s, c, claims[i].cell, claims[i].units))
            forfeit(s, at, &claims[i]);
        if (!drop_unwritten(s, c, claims[i].owner, &claims[i].cell))
            s->refunds[s->refund_count++] = claims[i];
    }
    for (size_t i = 0; i < n; i++) {
        struct counter *c = &s->counters[counter_find(s, &claims[i].key)];

        (void)drop_unwritten(s, c, claims[i].owner, NULL);
        forget_claims(c, claims[i].owner);
    }
    return 0;
}

int quota_end_call(struct counter_set *s, const struct claim *claims, size_t n, int64_t now_ms)
{
    counter_set_now(s, now_ms);
    for (size_t i = 0; i < n; i++) {
        const struct limit *limit = counter_set_limit(s, claims[i].key.limit);

        if (limit && limit->window == WINDOW_PACE && !counter_set_has(s, claims[i].key))
            return ERR_NOT_LOADED;
    }
    int r = counter_set_reserve(s, n, 0, 0);
    for (size_t i = 0; i < n && !r; i++) {
        int32_t counter = counter_find(s, &claims[i].key);

        if (counter != COUNTER_NONE && s->counters[counter].limit->window == WINDOW_PACE)
            (void)give_back(s, &s->counters[counter], claims[i].cell, claims[i].units);
    }
    return r;
}

/* ---- what the platform tells ---- */

/* The cell that the platform speaks of, and what is left in it. */
static int64_t present_cell(struct counter_set *s, struct counter *c, int64_t *ret_left)
{
    int64_t cell = c->opened_ms, used;

    if (c->limit->window == WINDOW_SLIDING)
        cell = sliding_cell(s, c);
    else if (c->limit->window != WINDOW_OPENED)
        cell = window_cell(c->limit->window, s->now_ms);
    used = c->limit->window == WINDOW_SLIDING ? c->total : used_at(c, cell);
    *ret_left = window_amount(c->limit, c->limit->amount, cell) - used;
    return cell;
}

int quota_close_window(struct counter_set *s, struct counter_key key, int64_t now_ms)
{
    struct claim_want rest = {.subject = key.subject};
    int32_t i = COUNTER_NONE;
    int64_t cell;
    int r;

    counter_set_now(s, now_ms);
    r = counter_touch(s, &key, &i);
    if (r)
        return r;
    struct counter *c = &s->counters[i];
    bool over = c->opened_ms < quota_first_cell(s, c->limit, s->now_ms); /* or never opened; its row is not at hand */
    if (c->limit->window == WINDOW_PACE || (c->limit->window == WINDOW_OPENED && over))
        return 0;
    cell = present_cell(s, c, &rest.units);
    if (rest.units <= 0)
        return 0;
    r = counter_set_reserve(s, 1, 1, 0);
    if (!r)
        r = counter_reserve(c, 1, 0);
    if (!r)
        charge_cell(s, i, &rest, cell);
    return r;
}

/* When the oldest of what is used frees; an opened window and a pace answer for themselves. */
static int64_t next_free_ms(struct counter_set *s, struct counter *c, const struct quota_block *usage)
{
    if (usage->used == 0 && usage->max > 0)
        return s->now_ms;
    if (c->limit->window == WINDOW_SLIDING)
        return window_free_ms(c->limit, &s->margin, counter_tick(c, 0)->cell);
    if (window_is_calendar(c->limit->window))
        return window_free_ms(c->limit, &s->margin, counter_set_cells(s, c->limit->window)->first);
    return usage->free_at_ms;
}

int quota_usage(struct counter_set *s, struct counter_key key, int64_t now_ms, struct quota_block *ret)
{
    struct quota_block usage = {0};
    int32_t i = COUNTER_NONE;
    int r;

    counter_set_now(s, now_ms);
    r = counter_touch(s, &key, &i);
    if (r)
        return r;
    struct counter *c = &s->counters[i];
    c->held = 0;
    (void)room(s, c, c->limit->amount, 1, &usage);
    usage.free_at_ms = next_free_ms(s, c, &usage);
    *ret = usage;
    return 0;
}
