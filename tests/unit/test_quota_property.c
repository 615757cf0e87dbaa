/* SPDX-License-Identifier: Apache-2.0 */
/* Random traffic against an oracle that knows nothing of our counters: it keeps every arrival at the
 * platform, at the platform's own clock, and counts every window of the real limit there.
 *
 * The "database" below is a plain array of cells and claims. A batch charges, refunds, settles; then it is
 * written, or lost with the process. SIYU_SEED=n repeats one run. */
#include "support/asserts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "base/shanghai.h"
#include "limits/quota.h"
#include "limits/window.h"

enum { S = 1000, MINUTE = 60 * S, HOUR = 60 * MINUTE, DAY = 24 * HOUR };
enum { ACCOUNTS = 2, CONTACTS = 2, RUNS = 80, STEPS = 700 };
enum { SEND_MAX = 4096, WANT_MAX = 8, OPENING_MAX = 1024 };

enum { SLIDING, BUCKETED, PER_DAY, PER_WEEK, PER_MONTH, SHORT_WINDOW, LONG_WINDOW, GAP, LIMIT_COUNT };
static const struct limit limits[LIMIT_COUNT] = {
    [SLIDING] =
        {.id = 10001, .scope = SCOPE_ACCOUNT, .window = WINDOW_SLIDING, .span_ms = MINUTE, .amount = 4},
    [BUCKETED] =
        {.id = 10002, .scope = SCOPE_DOMAIN, .window = WINDOW_SLIDING, .span_ms = 2 * MINUTE, .amount = 2000},
    [PER_DAY] = {.id = 10003, .scope = SCOPE_ACCOUNT_RECIPIENT, .window = WINDOW_DAY, .amount = 3},
    [PER_WEEK] = {.id = 10004, .scope = SCOPE_ACCOUNT, .window = WINDOW_WEEK, .amount = 25},
    [PER_MONTH] = {.id = 10005,
                   .scope = SCOPE_DOMAIN_RECIPIENT,
                   .window = WINDOW_MONTH,
                   .amount = AMOUNT_DAYS_IN_MONTH},
    [SHORT_WINDOW] = {.id = 10006,
                      .scope = SCOPE_ACCOUNT_RECIPIENT,
                      .window = WINDOW_OPENED,
                      .span_ms = MINUTE,
                      .amount = 3,
                      .alternative = 1},
    [LONG_WINDOW] = {.id = 10007,
                     .scope = SCOPE_ACCOUNT_RECIPIENT,
                     .window = WINDOW_OPENED,
                     .span_ms = 10 * MINUTE,
                     .amount = 5,
                     .alternative = 1},
    [GAP] = {.id = 10008, .scope = SCOPE_ACCOUNT, .window = WINDOW_PACE, .span_ms = 700, .amount = 1},
};

/* ---- the world ---- */

enum fate { FATE_ACCEPTED, FATE_NOT_SENT, FATE_UNKNOWN, FATE_TASK };
struct send {
    int64_t id, charged_ms, arrives_ms, answered_ms, ends_ms; /* arrives_ms < 0: never */
    enum fate fate;
    bool answered, ended;
};

struct arrival {
    int limit;
    struct subject subject;
    int64_t at_ms, platform_ms, units;
};

struct opening {
    int limit;
    struct subject subject;
    int64_t at_ms, platform_ms, heard_ms;
    bool heard;
};

struct row {
    struct claim claim; /* `open` as the store has it */
    bool used;
};

struct world {
    uint64_t random;
    int64_t now_ms, t_send_ms, skew_ms;
    int64_t offset_ms, offset_bound_ms; /* the platform's clock against ours */
    bool wanders;
    int64_t tempting_ms; /* when the limit that refused last frees */
    struct rulepack *rules;
    struct counter_set *set;

    struct cell *cells; /* the database */
    struct row *rows;
    struct opening openings[OPENING_MAX];
    size_t cell_count, cell_cap, row_count, row_cap, opening_count;

    struct send sends[SEND_MAX];
    struct arrival *arrivals;
    size_t send_count, arrival_count, arrival_cap, charged, refused;
    int64_t next_id;
};
static struct world *w;

static uint64_t draw(uint64_t n)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return (w->random >> 11) % n;
}

static int64_t between(int64_t low, int64_t high)
{
    return low + (int64_t)draw((uint64_t)(high - low + 1));
}

static bool chance(int percent)
{
    return (int)draw(100) < percent;
}

/* Room for one more row. */
static void *grown(void *rows, size_t count, size_t *cap, size_t bytes)
{
    if (count < *cap)
        return rows;
    *cap = *cap ? 2 * *cap : 64;
    rows = realloc(rows, *cap * bytes);
    assert_non_null(rows);
    return rows;
}

static bool key_eq(struct counter_key a, struct counter_key b)
{
    return a.limit == b.limit && a.subject.a == b.subject.a && a.subject.b == b.subject.b;
}

static int limit_of(struct counter_key key)
{
    return key.limit - limits[0].id;
}

/* ---- the database ---- */

static int64_t opened_ms_of(struct counter_key key)
{
    int64_t latest = -1;

    for (size_t i = 0; i < w->opening_count; i++) {
        const struct opening *o = &w->openings[i];
        if (o->heard && key_eq((struct counter_key){limits[o->limit].id, o->subject}, key) &&
            o->platform_ms > latest)
            latest = o->platform_ms;
    }
    return latest;
}

static void load(struct counter_key key)
{
    struct cell cells[2048];
    struct claim claims[4096];
    size_t n = 0, claim_n = 0;
    int64_t opened = opened_ms_of(key), first = quota_first_cell(w->set, &limits[limit_of(key)], w->now_ms);

    for (size_t i = 0; i < w->cell_count; i++)
        if (key_eq(w->cells[i].key, key) && w->cells[i].cell >= first)
            cells[n++] = w->cells[i];
    for (size_t i = 0; i < w->row_count; i++) {
        const struct row *r = &w->rows[i];
        if (r->used && key_eq(r->claim.key, key) &&
            (r->claim.open || (opened >= 0 && r->claim.cell == opened)))
            claims[claim_n++] = r->claim;
    }
    assert_true(n < ARRAY_LEN(cells) && claim_n < ARRAY_LEN(claims));
    T_OK(counter_set_load(w->set, key, cells, n, claims, claim_n, opened));
}

static void put_cell(const struct cell *cell)
{
    for (size_t i = 0; i < w->cell_count; i++) {
        if (!key_eq(w->cells[i].key, cell->key) || w->cells[i].cell != cell->cell)
            continue;
        w->cells[i] = *cell;
        if (!cell->used)
            w->cells[i] = w->cells[--w->cell_count];
        return;
    }
    if (!cell->used)
        return;
    w->cells = grown(w->cells, w->cell_count, &w->cell_cap, sizeof *w->cells);
    w->cells[w->cell_count++] = *cell;
}

static void drop_claim(const struct claim *claim)
{
    for (size_t i = 0; i < w->row_count; i++) {
        struct row *r = &w->rows[i];
        if (!r->used || r->claim.owner != claim->owner || !key_eq(r->claim.key, claim->key) ||
            r->claim.cell != claim->cell || r->claim.units != claim->units)
            continue;
        r->used = false;
        return;
    }
    fail_msg("a refunded claim is not in the store");
}

static void commit(void)
{
    size_t n;
    const struct cell *cells = counter_set_take_dirty(w->set, &n);
    for (size_t i = 0; i < n; i++)
        put_cell(&cells[i]);
    const struct claim *claims = counter_set_take_claims(w->set, &n);
    for (size_t i = 0; i < n; i++) {
        w->rows = grown(w->rows, w->row_count, &w->row_cap, sizeof *w->rows);
        w->rows[w->row_count++] = (struct row){claims[i], true};
    }
    claims = counter_set_take_refunds(w->set, &n);
    for (size_t i = 0; i < n; i++)
        drop_claim(&claims[i]);
    if (chance(30))
        counter_set_trim(w->set);
}

/* The open claims of a send, as the store has them. */
static size_t claims_of(int64_t owner, struct claim *ret, size_t cap)
{
    size_t n = 0;

    for (size_t i = 0; i < w->row_count; i++)
        if (w->rows[i].used && w->rows[i].claim.open && w->rows[i].claim.owner == owner) {
            assert_true(n < cap);
            ret[n++] = w->rows[i].claim;
        }
    return n;
}

static void close_claims(int64_t owner)
{
    for (size_t i = 0; i < w->row_count; i++)
        if (w->rows[i].claim.owner == owner)
            w->rows[i].claim.open = false;
}

/* What `siyu verify` does. */
static void verify(void)
{
    for (size_t i = 0; i < w->cell_count; i++) {
        const struct cell *c = &w->cells[i];
        const struct limit *l = &limits[limit_of(c->key)];
        int64_t sum = 0;

        if (l->window == WINDOW_PACE)
            continue;
        for (size_t j = 0; j < w->row_count; j++)
            if (w->rows[j].used && key_eq(w->rows[j].claim.key, c->key) && w->rows[j].claim.cell == c->cell)
                sum += w->rows[j].claim.units;
        T_EQ(c->used, sum);
    }
    for (size_t j = 0; j < w->row_count; j++) {
        const struct claim *c = &w->rows[j].claim;
        bool found = !w->rows[j].used;

        for (size_t i = 0; i < w->cell_count && !found; i++)
            found = key_eq(w->cells[i].key, c->key) && w->cells[i].cell == c->cell;
        T_TRUE(found);
    }
}

/* ---- the platform ---- */

static int64_t platform_clock(int64_t at_ms)
{
    return at_ms + w->offset_ms;
}

static void arrive(const struct send *s)
{
    for (size_t i = 0; i < w->row_count; i++) {
        const struct claim *c = &w->rows[i].claim;
        bool seen = false;

        if (!w->rows[i].used || c->owner != s->id || c->carried)
            continue;
        for (size_t j = 0; j < i; j++) /* a boundary charge has two rows for one arrival */
            seen |=
                w->rows[j].used && w->rows[j].claim.owner == s->id && key_eq(w->rows[j].claim.key, c->key);
        if (seen)
            continue;
        w->arrivals = grown(w->arrivals, w->arrival_count, &w->arrival_cap, sizeof *w->arrivals);
        w->arrivals[w->arrival_count++] = (struct arrival){limit_of(c->key), c->key.subject, s->arrives_ms,
                                                           platform_clock(s->arrives_ms), c->units};
    }
}

static bool same_counter(const struct arrival *a, const struct arrival *b)
{
    return a->limit == b->limit && a->subject.a == b->subject.a && a->subject.b == b->subject.b;
}

/* What the platform counts the arrival against: the latest opening before it. */
static const struct opening *window_of(const struct arrival *a)
{
    const struct opening *latest = NULL;

    for (size_t i = 0; i < w->opening_count; i++) {
        const struct opening *o = &w->openings[i];
        if (o->limit == a->limit && o->subject.a == a->subject.a && o->subject.b == a->subject.b &&
            o->at_ms <= a->at_ms && (!latest || o->at_ms >= latest->at_ms))
            latest = o;
    }
    return latest;
}

/* Does the platform count `b` in the window in which it judges `a`, which came last? */
static bool counts_with(const struct arrival *a, const struct arrival *b)
{
    const struct limit *l = &limits[a->limit];

    switch (l->window) {
    case WINDOW_SLIDING:
        return b->platform_ms <= a->platform_ms && b->platform_ms > a->platform_ms - l->span_ms;
    case WINDOW_OPENED: return window_of(b) == window_of(a);
    case WINDOW_PACE: return b->at_ms <= a->at_ms && b->at_ms > a->at_ms - l->span_ms;
    default: return window_cell(l->window, b->platform_ms) == window_cell(l->window, a->platform_ms);
    }
}

static void judge(void)
{
    for (size_t i = 0; i < w->arrival_count; i++) {
        const struct arrival *a = &w->arrivals[i];
        const struct limit *l = &limits[a->limit];
        int64_t used = 0;

        for (size_t j = 0; j < w->arrival_count; j++)
            if (same_counter(a, &w->arrivals[j]) && counts_with(a, &w->arrivals[j]))
                used += w->arrivals[j].units;
        int64_t amount = window_amount(
            l, l->amount, window_is_calendar(l->window) ? window_cell(l->window, a->platform_ms) : 0);
        if (used > amount)
            print_error("limit %d: %" PRId64 " of %" PRId64 " at the platform's %" PRId64 "\n", l->id, used,
                        amount, a->platform_ms);
        assert_true(used <= amount);
        if (l->window == WINDOW_OPENED)
            T_TRUE(window_of(a) && a->platform_ms < window_of(a)->platform_ms + l->span_ms);
    }
}

/* ---- our side ---- */

static int64_t random_units(int limit)
{
    return limit == BUCKETED ? between(1, 400) : 1;
}

static struct claim_want want(int limit, int64_t account, int64_t contact, int64_t owner)
{
    struct subject s = {account, contact};

    if (limits[limit].scope == SCOPE_ACCOUNT)
        s.b = 0;
    if (limits[limit].scope == SCOPE_DOMAIN)
        s = (struct subject){99, 0};
    if (limits[limit].scope == SCOPE_DOMAIN_RECIPIENT)
        s.a = 99;
    return (struct claim_want){
        .limit = &limits[limit], .subject = s, .owner = owner, .units = random_units(limit)};
}

static size_t add_wants(int limit, int64_t account, int64_t contact, int64_t owner, struct claim_want *ret)
{
    ret[0] = want(limit, account, contact, owner);
    if (limit != SHORT_WINDOW)
        return 1;
    ret[1] = want(LONG_WINDOW, account, contact, owner);
    return 2;
}

/* Mostly one limit alone, or the narrowest hides the others. Tasks are counted by the day on which a human
 * taps send, so only calendar limits can hold them. */
static size_t draw_wants(int64_t owner, enum fate fate, struct claim_want *ret)
{
    static const int any[] = {PER_DAY,  PER_WEEK,     PER_MONTH,    SLIDING,
                              BUCKETED, SHORT_WINDOW, SHORT_WINDOW, GAP};
    int64_t account = between(1, ACCOUNTS), contact = between(1, CONTACTS);
    uint64_t kinds = fate == FATE_TASK ? 3 : ARRAY_LEN(any);
    size_t n = 0;

    if (chance(60))
        return add_wants(any[draw(kinds)], account, contact, owner, ret);
    for (size_t i = 0; i < kinds; i++)
        if (chance(30) && (i == 0 || any[i] != any[i - 1]))
            n += add_wants(any[i], account, contact, owner, ret + n);
    return n ? n : add_wants(PER_DAY, account, contact, owner, ret);
}

static struct send draw_send(int64_t id)
{
    static const enum fate fates[] = {FATE_ACCEPTED, FATE_ACCEPTED, FATE_ACCEPTED, FATE_NOT_SENT,
                                      FATE_UNKNOWN,  FATE_UNKNOWN,  FATE_TASK,     FATE_TASK};
    struct send s = {
        .id = id, .charged_ms = w->now_ms, .fate = fates[draw(ARRAY_LEN(fates))], .arrives_ms = -1};
    int64_t latest = w->now_ms + w->t_send_ms;

    s.answered_ms = s.ends_ms = between(w->now_ms, latest);
    switch (s.fate) {
    case FATE_ACCEPTED: s.arrives_ms = chance(30) ? s.answered_ms : between(w->now_ms, s.answered_ms); break;
    case FATE_NOT_SENT: break;
    case FATE_UNKNOWN:
        s.answered_ms = latest;
        s.arrives_ms = chance(70) ? (chance(30) ? latest : between(w->now_ms, latest)) : -1;
        s.ends_ms = latest + between(0, 2 * DAY);
        break;
    case FATE_TASK:
        s.arrives_ms = chance(80) ? s.answered_ms + between(0, 2 * DAY) : -1;
        s.ends_ms = (s.arrives_ms < 0 ? s.answered_ms + 2 * DAY : s.arrives_ms) + between(0, HOUR);
        break;
    }
    return s;
}

static void lose(void)
{
    counter_set_clear(w->set);
}

static int charge(const struct claim_want *wants, size_t n)
{
    struct quota_block block;
    int r;

    while ((r = quota_charge(w->set, wants, n, w->now_ms, &block)) == ERR_NOT_LOADED)
        load((struct counter_key){block.limit->id, block.subject});
    if (r == ERR_QUOTA) {
        T_TRUE(block.free_at_ms > w->now_ms && block.used <= block.max);
        w->tempting_ms = block.free_at_ms;
    }
    return r;
}

/* A refused charge may have carried cost over, never charged. */
static void nothing_was_charged_for(int64_t owner)
{
    struct claim claims[WANT_MAX * 4];

    commit();
    T_EQ(claims_of(owner, claims, ARRAY_LEN(claims)), 0);
}

static void try_send(void)
{
    struct claim_want wants[WANT_MAX];
    struct send s = draw_send(++w->next_id);
    size_t n = draw_wants(s.id, s.fate, wants);

    if (w->send_count == SEND_MAX)
        return;
    if (charge(wants, n)) {
        w->refused++;
        nothing_was_charged_for(s.id);
        return;
    }
    w->charged++;
    if (chance(3)) { /* killed before the commit: no byte left */
        lose();
        return;
    }
    commit();
    w->sends[w->send_count++] = s;
    if (chance(3)) /* killed after it */
        lose();
}

static void load_all(const struct claim *claims, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!counter_set_has(w->set, claims[i].key))
            load(claims[i].key);
}

static void end_call(struct send *s)
{
    struct claim claims[WANT_MAX * 4];
    size_t n = claims_of(s->id, claims, ARRAY_LEN(claims));

    load_all(claims, n);
    T_OK(quota_end_call(w->set, claims, n, w->now_ms));
    commit();
    s->answered = true;
}

static void end_send(struct send *s)
{
    struct claim claims[WANT_MAX * 8];
    size_t n = claims_of(s->id, claims, ARRAY_LEN(claims));
    struct quota_block block;
    int r;

    s->ended = true;
    if (s->arrives_ms < 0 && (s->fate != FATE_UNKNOWN || chance(50))) { /* proof of absence */
        load_all(claims, n);
        T_OK(quota_refund(w->set, claims, n));
        commit();
        T_EQ(claims_of(s->id, claims, ARRAY_LEN(claims)), 0);
        return;
    }
    while ((r = quota_settle(w->set, claims, n, w->now_ms, &block)) == ERR_NOT_LOADED)
        load((struct counter_key){block.limit->id, block.subject});
    T_OK(r);
    commit();
    close_claims(s->id);
}

static void hear(struct opening *o)
{
    struct counter_key key = {limits[o->limit].id, o->subject};

    if (!counter_set_has(w->set, key))
        load(key);
    T_OK(quota_open_window(w->set, key, o->platform_ms));
    o->heard = true;
    commit();
}

static void open_window(void)
{
    struct opening o = {.limit = chance(50) ? SHORT_WINDOW : LONG_WINDOW,
                        .subject = {between(1, ACCOUNTS), between(1, CONTACTS)},
                        .at_ms = w->now_ms,
                        .platform_ms = platform_clock(w->now_ms),
                        .heard_ms = w->now_ms + (chance(50) ? 0 : between(0, 20 * S))};

    if (w->opening_count < OPENING_MAX)
        w->openings[w->opening_count++] = o;
}

/* ---- time ---- */

/* The earliest thing that is due up to `until`, done at its own time. */
static bool next_due(int64_t until)
{
    struct send *first = NULL;
    struct opening *event = NULL;
    int64_t at = until;

    for (size_t i = 0; i < w->send_count; i++) {
        struct send *s = &w->sends[i];
        int64_t due = s->ended ? INT64_MAX : s->answered ? s->ends_ms : s->answered_ms;
        if (s->arrives_ms > 0 && s->arrives_ms < due && !s->ended)
            due = s->arrives_ms;
        if (due <= at) {
            at = due;
            first = s;
        }
    }
    for (size_t i = 0; i < w->opening_count; i++)
        if (!w->openings[i].heard && w->openings[i].heard_ms <= at) {
            at = w->openings[i].heard_ms;
            event = &w->openings[i];
        }
    if (!first && !event)
        return false;
    w->now_ms = at > w->now_ms ? at : w->now_ms;
    if (event) {
        hear(event);
    } else if (first->arrives_ms > 0 && first->arrives_ms <= at) {
        arrive(first);
        first->arrives_ms = 0; /* has arrived */
    } else if (!first->answered) {
        end_call(first);
    } else {
        end_send(first);
    }
    return true;
}

static int64_t draw_step(void)
{
    int64_t midnight = shanghai_day_start_ms(shanghai_day_index(w->now_ms) + 1);
    int64_t tempting = w->tempting_ms - w->now_ms;

    if (chance(10) && tempting > 0 && tempting < HOUR)
        return tempting;
    if (chance(8))
        return between(0, 2 * MINUTE);
    if (chance(4)) /* to just before midnight */
        return midnight - w->now_ms - between(0, chance(50) ? 25 * S : MINUTE);
    return between(0, 3 * S);
}

/* Slowly, or from one end of its bound to the other. */
static void wander(void)
{
    if (chance(20))
        w->offset_ms = chance(50) ? w->offset_bound_ms : -w->offset_bound_ms;
    w->offset_ms += between(-300, 300);
    if (w->offset_ms > w->offset_bound_ms)
        w->offset_ms = w->offset_bound_ms;
    if (w->offset_ms < -w->offset_bound_ms)
        w->offset_ms = -w->offset_bound_ms;
}

static void pass_time(void)
{
    int64_t step = draw_step(), until = w->now_ms + (step > 0 ? step : 0);

    while (next_due(until))
        ;
    w->now_ms = until;
    if (w->wanders)
        wander();
}

static void world_init(uint64_t seed)
{
    w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    T_OK(rulepack_open(&w->rules, NULL));
    T_OK(counter_set_new(w->rules, &w->set));
    T_OK(counter_set_limits(w->set, limits, LIMIT_COUNT));
    w->t_send_ms = rulepack_t_send_ms(w->rules);
    w->skew_ms = rulepack_skew_ms(w->rules);
    w->wanders = chance(50); /* inside a window the clock may not move by more than skew */
    w->offset_bound_ms = w->wanders ? w->skew_ms / 2 : w->skew_ms;
    w->offset_ms = chance(30) ? (chance(50) ? w->offset_bound_ms : -w->offset_bound_ms)
                              : between(-w->offset_bound_ms, w->offset_bound_ms);
    w->now_ms = INT64_C(1769700000000) + between(0, 40 * (int64_t)DAY); /* end of January 2026 and on */
}

static void world_fini(void)
{
    counter_set_free(w->set);
    rulepack_close(w->rules);
    free(w->cells);
    free(w->rows);
    free(w->arrivals);
    free(w);
}

static void run(uint64_t seed)
{
    world_init(seed);
    for (int step = 0; step < STEPS; step++) {
        pass_time();
        if (chance(12))
            open_window();
        for (int64_t n = between(0, 4); n > 0; n--)
            try_send();
        if (chance(2))
            lose();
        if (step % 100 == 99)
            verify();
    }
    while (next_due(INT64_MAX - 1))
        ;
    verify();
    judge();
    T_TRUE(w->charged > 100 && w->refused > 20 && w->arrival_count > 100);
    world_fini();
}

static void no_window_is_ever_passed(void **state)
{
    const char *given = getenv("SIYU_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);

    (void)state;
    for (uint64_t i = 0; i < (given ? 1 : RUNS); i++) {
        uint64_t one = given ? seed : i < RUNS / 2 ? i + 1 : seed + i;
        printf("seed %" PRIu64 "\n", one);
        run(one);
    }
}

/* ---- usage ---- */

/* Excess demand for `length_ms`, one unit each `step_ms`: what is charged. */
static int64_t charged_in(const struct limit *limit, int64_t length_ms, int64_t step_ms)
{
    struct claim_want one = {.limit = limit, .subject = {1, 0}, .owner = 1, .units = 1};
    int64_t charged = 0, start = INT64_C(1770000000000);
    struct quota_block block;
    size_t n;

    world_init(1);
    w->now_ms = start;
    T_OK(counter_set_limits(w->set, limit, 1));
    T_OK(counter_set_load(w->set, (struct counter_key){limit->id, one.subject}, NULL, 0, NULL, 0, -1));
    for (; w->now_ms < start + length_ms; w->now_ms += step_ms) {
        int r;
        while ((r = quota_charge(w->set, &one, 1, w->now_ms, &block)) == 0) {
            charged++;
            one.owner++;
            T_OK(quota_end_call(w->set, &(struct claim){.key = {limit->id, one.subject}}, 1, w->now_ms));
        }
        if (r == ERR_NOT_LOADED)
            T_OK(
                counter_set_load(w->set, (struct counter_key){limit->id, one.subject}, NULL, 0, NULL, 0, -1));
        (void)counter_set_take_dirty(w->set, &n);
        (void)counter_set_take_claims(w->set, &n);
    }
    world_fini();
    return charged;
}

static void a_full_limit_is_used_to_99_percent_of_what_the_margin_leaves(void **state)
{
    static const struct limit exact = {
        .id = 10001, .scope = SCOPE_ACCOUNT, .window = WINDOW_SLIDING, .span_ms = MINUTE, .amount = 20};
    static const struct limit bucketed = {
        .id = 10001, .scope = SCOPE_ACCOUNT, .window = WINDOW_SLIDING, .span_ms = MINUTE, .amount = 10000};
    static const struct limit hourly = {
        .id = 10001, .scope = SCOPE_ACCOUNT, .window = WINDOW_SLIDING, .span_ms = HOUR, .amount = 15000};
    static const struct limit pace = {
        .id = 10001, .scope = SCOPE_ACCOUNT, .window = WINDOW_PACE, .span_ms = S, .amount = 1};
    const int64_t margin = 20 * S, cycle = MINUTE + margin;

    (void)state;
    T_TRUE(charged_in(&exact, 100 * cycle, 10) * 100 >= 99 * 100 * exact.amount);
    T_TRUE(charged_in(&bucketed, 50 * cycle, 10) * 100 >= 99 * 50 * bucketed.amount);
    T_TRUE(charged_in(&hourly, 10 * (HOUR + margin), 100) * 100 >= 99 * 10 * hourly.amount);
    T_TRUE(charged_in(&pace, 1000 * S, 10) * 100 >= 99 * 1000);
}

static void a_day_is_used_up_but_for_the_boundary(void **state)
{
    static const struct limit day = {
        .id = 10001, .scope = SCOPE_ACCOUNT, .window = WINDOW_DAY, .amount = 500};

    (void)state;
    T_TRUE(charged_in(&day, 20 * (int64_t)DAY, 10 * S) >= 20 * day.amount);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_window_is_ever_passed),
        cmocka_unit_test(a_full_limit_is_used_to_99_percent_of_what_the_margin_leaves),
        cmocka_unit_test(a_day_is_used_up_but_for_the_boundary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
