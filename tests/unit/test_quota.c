/* SPDX-License-Identifier: Apache-2.0 */
#include "support/asserts.h"

#include "base/mem.h"
#include "base/shanghai.h"
#include "limits/quota.h"
#include "limits/window.h"

enum { S = 1000, MINUTE = 60 * S, HOUR = 60 * MINUTE, DAY = 24 * HOUR };
enum { T_SEND = 15 * S, SKEW = 5 * S, MARGIN = T_SEND + SKEW }; /* as the pack says, checked below */

#define ALL_SENDS .kinds = 1u << ACCOUNT_WECOM_KF, .ops = 1u << CALL_SEND, .classes = 1u << CLASS_BROADCAST
static const struct limit minute = {.id = 10001,
                                    .scope = SCOPE_ACCOUNT,
                                    .window = WINDOW_SLIDING,
                                    .unit = UNIT_MESSAGE,
                                    .span_ms = MINUTE,
                                    .amount = 3,
                                    ALL_SENDS};
static const struct limit large = {.id = 10002,
                                   .scope = SCOPE_DOMAIN,
                                   .window = WINDOW_SLIDING,
                                   .unit = UNIT_CALL,
                                   .span_ms = MINUTE,
                                   .amount = 1280,
                                   ALL_SENDS};
static const struct limit day = {.id = 10003,
                                 .scope = SCOPE_ACCOUNT_RECIPIENT,
                                 .window = WINDOW_DAY,
                                 .unit = UNIT_MESSAGE,
                                 .amount = 2,
                                 ALL_SENDS};
static const struct limit week = {.id = 10004,
                                  .scope = SCOPE_RECIPIENT,
                                  .window = WINDOW_WEEK,
                                  .unit = UNIT_MESSAGE,
                                  .amount = 5,
                                  ALL_SENDS};
static const struct limit month = {.id = 10005,
                                   .scope = SCOPE_DOMAIN_RECIPIENT,
                                   .window = WINDOW_MONTH,
                                   .unit = UNIT_SEGMENT,
                                   .amount = AMOUNT_DAYS_IN_MONTH,
                                   ALL_SENDS};
static const struct limit brief = {.id = 10006,
                                   .scope = SCOPE_ACCOUNT_RECIPIENT,
                                   .window = WINDOW_OPENED,
                                   .unit = UNIT_MESSAGE,
                                   .span_ms = MINUTE,
                                   .amount = 3,
                                   .alternative = 7,
                                   ALL_SENDS};
static const struct limit lasting = {.id = 10007,
                                     .scope = SCOPE_ACCOUNT_RECIPIENT,
                                     .window = WINDOW_OPENED,
                                     .unit = UNIT_MESSAGE,
                                     .span_ms = 2 * DAY,
                                     .amount = 5,
                                     .alternative = 7,
                                     ALL_SENDS};
static const struct limit gap = {.id = 10008,
                                 .scope = SCOPE_ACCOUNT,
                                 .window = WINDOW_PACE,
                                 .unit = UNIT_CALL,
                                 .span_ms = 2 * S,
                                 .amount = 1,
                                 ALL_SENDS};

static struct rulepack *rules;
static struct counter_set *set;
static struct quota_block why;
static int64_t noon; /* of 2026-01-31 */

static int open_set(void **state)
{
    struct limit all[] = {minute, large, day, week, month, brief, lasting, gap};

    (void)state;
    T_OK(shanghai_parse(STR("2026-01-31T12:00"), &noon));
    T_OK(rulepack_open(&rules, NULL));
    T_EQ(rulepack_t_send_ms(rules), T_SEND);
    T_EQ(rulepack_skew_ms(rules), SKEW);
    T_OK(counter_set_new(rules, &set));
    return counter_set_limits(set, all, ARRAY_LEN(all));
}

static int close_set(void **state)
{
    (void)state;
    counter_set_free(set);
    rulepack_close(rules);
    return 0;
}

static const struct subject who = {1, 2};

static struct counter_key key_of(const struct limit *l)
{
    return (struct counter_key){l->id, who};
}

static struct claim_want want(const struct limit *l, int64_t owner)
{
    return (struct claim_want){.limit = l, .subject = who, .owner = owner, .units = 1};
}

static void load_empty(const struct limit *l)
{
    T_OK(counter_set_load(set, key_of(l), NULL, 0, NULL, 0, -1));
}

static int charge(const struct limit *l, int64_t owner, int64_t at_ms)
{
    struct claim_want one = want(l, owner);

    return quota_charge(set, &one, 1, at_ms, &why);
}

static int64_t used(const struct limit *l, int64_t at_ms)
{
    struct quota_block usage = {0};

    T_OK(quota_usage(set, key_of(l), at_ms, &usage));
    return usage.used;
}

static void written(void)
{
    size_t n;

    (void)counter_set_take_dirty(set, &n);
    (void)counter_set_take_claims(set, &n);
    (void)counter_set_take_refunds(set, &n);
}

/* ---- windows ---- */

static void a_sliding_unit_frees_a_span_and_a_margin_after_its_charge(void **state)
{
    (void)state;
    load_empty(&minute);
    for (int i = 0; i < 3; i++)
        T_OK(charge(&minute, i + 1, noon + i * S));
    T_ERR(charge(&minute, 4, noon + 5 * S), ERR_QUOTA);
    T_EQ(why.free_at_ms, noon + MINUTE + MARGIN);
    T_EQ(why.used, 3);
    T_EQ(why.max, 3);
    T_TRUE(why.limit->id == minute.id && why.subject.a == 1);
    T_ERR(charge(&minute, 4, why.free_at_ms - 1), ERR_QUOTA);
    T_OK(charge(&minute, 4, why.free_at_ms));
    T_ERR(charge(&minute, 5, why.free_at_ms + S - 1), ERR_QUOTA);
}

static void a_bucket_frees_when_its_last_charge_could_have(void **state)
{
    int64_t width = (MINUTE + WINDOW_BUCKETS - 1) / WINDOW_BUCKETS;
    int64_t start = noon / width * width + width;
    struct claim_want many = {.limit = &large, .subject = who, .owner = 1, .units = large.amount};

    (void)state;
    load_empty(&large);
    T_OK(quota_charge(set, &many, 1, start, &why));
    T_ERR(charge(&large, 2, start + MINUTE + MARGIN + width - 2), ERR_QUOTA);
    T_EQ(why.free_at_ms, start + width - 1 + MINUTE + MARGIN);
    T_OK(charge(&large, 2, why.free_at_ms));
}

static void a_charge_counts_on_both_sides_of_a_boundary_that_is_near(void **state)
{
    int64_t midnight = shanghai_day_start_ms(shanghai_day_index(noon) + 1);
    const struct {
        int64_t at_ms;
        size_t cells;
    } cases[] = {{midnight - MARGIN - 1, 1},
                 {midnight - MARGIN, 2},
                 {midnight - 1, 2},
                 {midnight + SKEW - 1, 2},
                 {midnight + SKEW, 1}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t n;

        (void)close_set(NULL);
        T_OK(open_set(NULL));
        load_empty(&day);
        T_OK(charge(&day, 1, cases[i].at_ms));
        const struct claim *claims = counter_set_take_claims(set, &n);
        T_EQ(n, cases[i].cells);
        T_EQ(claims[n - 1].cell, shanghai_day_index(midnight) - (i == 0));
        T_TRUE(!claims[n - 1].carried);
    }
}

static void a_month_has_as_many_units_as_days(void **state)
{
    struct claim_want january = {.limit = &month, .subject = who, .owner = 1, .units = 31}, more = january;

    (void)state;
    load_empty(&month);
    T_OK(quota_charge(set, &january, 1, noon, &why));
    T_ERR(charge(&month, 2, noon), ERR_QUOTA);
    T_EQ(why.max, 31);
    T_EQ(why.free_at_ms, shanghai_month_start_ms(shanghai_month_index(noon) + 1) + SKEW);
    T_ERR(charge(&month, 2, why.free_at_ms), ERR_NOT_LOADED);
    written(); /* and ended, as the store says */
    int64_t february = noon + 2 * (int64_t)DAY;
    load_empty(&month);
    T_ERR(quota_charge(set, &more, 1, february, &why), ERR_QUOTA);
    T_EQ(why.free_at_ms, INT64_MAX); /* it never fits */
    more.units = 28;
    T_OK(quota_charge(set, &more, 1, february, &why));
}

static void a_week_begins_on_monday(void **state)
{
    int64_t monday = shanghai_week_start_ms(shanghai_week_index(noon) + 1);

    (void)state;
    T_EQ(shanghai_weekday(monday), 1);
    load_empty(&week);
    for (int i = 0; i < 5; i++)
        T_OK(charge(&week, i + 1, noon));
    T_ERR(charge(&week, 6, noon), ERR_QUOTA);
    T_EQ(why.free_at_ms, monday + SKEW);
}

static void a_paced_account_has_one_call_out_and_a_gap_from_its_answer(void **state)
{
    struct claim out = {.owner = 1, .key = key_of(&gap), .units = 1};

    (void)state;
    load_empty(&gap);
    T_OK(charge(&gap, 1, noon));
    T_ERR(charge(&gap, 2, noon + HOUR), ERR_QUOTA); /* however long it takes */
    T_TRUE(why.free_at_ms > noon + HOUR);
    T_OK(quota_end_call(set, &out, 1, noon + HOUR));
    T_ERR(charge(&gap, 2, noon + HOUR + gap.span_ms - 1), ERR_QUOTA);
    T_EQ(why.free_at_ms, noon + HOUR + gap.span_ms);
    T_OK(charge(&gap, 2, noon + HOUR + gap.span_ms));
}

static void a_window_that_is_not_open_takes_nothing(void **state)
{
    (void)state;
    load_empty(&lasting);
    T_ERR(charge(&lasting, 1, noon), ERR_QUOTA);
    T_EQ(why.free_at_ms, INT64_MAX);
    T_OK(quota_open_window(set, key_of(&lasting), noon));
    T_OK(charge(&lasting, 1, noon));
    T_OK(charge(&lasting, 2, noon + lasting.span_ms - MARGIN - 1));
    T_ERR(charge(&lasting, 3, noon + lasting.span_ms - MARGIN), ERR_QUOTA);
}

/* ---- all or none ---- */

static void all_are_charged_or_none(void **state)
{
    struct claim_want both[] = {want(&minute, 9), want(&day, 9)};
    size_t n;

    (void)state;
    load_empty(&minute);
    load_empty(&day);
    T_OK(charge(&day, 1, noon));
    T_OK(charge(&day, 2, noon));
    written();
    T_ERR(quota_charge(set, both, 2, noon, &why), ERR_QUOTA);
    T_TRUE(why.limit->id == day.id);
    T_EQ(used(&minute, noon), 0);
    (void)counter_set_take_claims(set, &n);
    T_EQ(n, 0);
    (void)counter_set_take_dirty(set, &n);
    T_EQ(n, 0);
}

static void the_block_is_the_limit_that_frees_last(void **state)
{
    struct claim_want both[] = {want(&day, 9), want(&minute, 9)};

    (void)state;
    load_empty(&minute);
    load_empty(&day);
    for (int i = 0; i < 3; i++)
        T_OK(charge(&minute, 1, noon));
    for (int i = 0; i < 2; i++)
        T_OK(charge(&day, 1, noon));
    T_ERR(quota_check(set, both, 2, noon, &why), ERR_QUOTA);
    T_TRUE(why.limit->id == day.id);
    T_ERR(quota_check(set, both + 1, 1, noon, NULL), ERR_QUOTA);
}

static void wants_of_one_counter_add_up(void **state)
{
    struct claim_want four[] = {want(&minute, 1), want(&minute, 2), want(&minute, 3), want(&minute, 4)};

    (void)state;
    load_empty(&minute);
    T_ERR(quota_charge(set, four, 4, noon, &why), ERR_QUOTA);
    T_TRUE(why.free_at_ms > noon);
    T_EQ(used(&minute, noon), 0);
    T_OK(quota_charge(set, four, 3, noon, &why));
    T_EQ(used(&minute, noon), 3);
}

static void of_alternatives_the_first_with_room_is_charged(void **state)
{
    struct claim_want two[] = {want(&brief, 1), want(&lasting, 1), want(&brief, 2), want(&lasting, 2)};
    size_t n;

    (void)state;
    load_empty(&brief);
    load_empty(&lasting);
    T_OK(quota_open_window(set, key_of(&lasting), noon));
    T_OK(quota_charge(set, two, 4, noon, &why)); /* the brief one is shut */
    T_EQ(used(&lasting, noon), 2);
    T_OK(quota_open_window(set, key_of(&brief), noon));
    T_OK(quota_charge(set, two, 4, noon, &why));
    T_EQ(used(&brief, noon), 2);
    T_EQ(used(&lasting, noon), 2);
    written();
    T_OK(quota_charge(set, two, 4, noon, &why)); /* one fits here, the other there */
    const struct claim *claims = counter_set_take_claims(set, &n);
    T_EQ(n, 2);
    T_EQ(claims[0].key.limit, brief.id);
    T_EQ(claims[1].key.limit, lasting.id);
    T_OK(quota_charge(set, two, 4, noon, &why));
    T_ERR(quota_charge(set, two, 2, noon, &why), ERR_QUOTA);
    T_TRUE(why.max > 0);
    T_EQ(why.free_at_ms, INT64_MAX);
}

static void a_want_may_lower_the_amount(void **state)
{
    struct limit lowered = minute;
    struct claim_want one = {.limit = &lowered, .subject = who, .owner = 1, .units = 1};

    (void)state;
    lowered.amount = 1;
    load_empty(&minute);
    T_OK(quota_charge(set, &one, 1, noon, &why));
    T_ERR(quota_charge(set, &one, 1, noon, &why), ERR_QUOTA);
    T_OK(charge(&minute, 2, noon));
}

static void usage_tells_when_the_next_unit_frees(void **state)
{
    struct quota_block usage;

    (void)state;
    load_empty(&minute);
    load_empty(&day);
    load_empty(&gap);
    T_OK(quota_usage(set, key_of(&minute), noon, &usage));
    T_TRUE(usage.used == 0 && usage.max == 3 && usage.free_at_ms == noon);
    T_OK(charge(&minute, 1, noon));
    T_OK(charge(&minute, 2, noon + S));
    T_OK(charge(&day, 1, noon + S));
    T_OK(quota_usage(set, key_of(&minute), noon + S, &usage));
    T_TRUE(usage.used == 2 && usage.free_at_ms == noon + MINUTE + MARGIN);
    T_OK(quota_usage(set, key_of(&day), noon + S, &usage));
    T_TRUE(usage.used == 1 && usage.max == 2);
    T_EQ(usage.free_at_ms, shanghai_day_start_ms(shanghai_day_index(noon) + 1) + SKEW);
    T_OK(charge(&gap, 1, noon + S));
    T_OK(quota_usage(set, key_of(&gap), noon + S, &usage));
    T_TRUE(usage.used == 1 && usage.free_at_ms > noon + S);
}

/* ---- loading ---- */

static void a_counter_must_be_loaded(void **state)
{
    struct claim_want both[] = {want(&minute, 1), want(&day, 1)};

    (void)state;
    load_empty(&minute);
    T_ERR(quota_check(set, both, 2, noon, &why), ERR_NOT_LOADED);
    T_TRUE(why.limit->id == day.id && why.subject.b == 2);
    T_TRUE(!counter_set_has(set, key_of(&day)));
    T_ERR(quota_open_window(set, key_of(&brief), noon), ERR_NOT_LOADED);
    T_ERR(counter_set_load(set, (struct counter_key){77777, who}, NULL, 0, NULL, 0, -1), ERR_NOT_FOUND);
}

static void loaded_cells_count(void **state)
{
    struct cell rows[] = {{.cell = noon - S, .used = 1},
                          {.cell = noon - 2 * MINUTE, .used = 1},
                          {.cell = noon - 30 * S, .used = 1}};

    (void)state;
    T_OK(counter_set_load(set, key_of(&minute), rows, 3, NULL, 0, -1));
    T_EQ(used(&minute, noon), 2);
    rows[0].used = -1;
    T_ERR(counter_set_load(set, key_of(&minute), rows, 3, NULL, 0, -1), ERR_CORRUPT);
    T_TRUE(!counter_set_has(set, key_of(&minute)));
}

static void a_counter_that_is_loaded_twice_keeps_what_is_unwritten(void **state)
{
    (void)state;
    load_empty(&minute);
    T_OK(charge(&minute, 1, noon));
    load_empty(&minute);
    T_EQ(used(&minute, noon), 1);
    counter_set_clear(set); /* as after a transaction that failed */
    load_empty(&minute);
    T_EQ(used(&minute, noon), 0);
}

static void trim_keeps_accounts_and_forgets_people(void **state)
{
    (void)state;
    load_empty(&minute);
    for (int i = 1; i <= 500; i++)
        T_OK(counter_set_load(set, (struct counter_key){day.id, {i, i}}, NULL, 0, NULL, 0, -1));
    counter_set_trim(set);
    T_TRUE(counter_set_has(set, key_of(&minute)));
    for (int i = 1; i <= 500; i++)
        T_TRUE(!counter_set_has(set, (struct counter_key){day.id, {i, i}}));
    for (int i = 1; i <= 500; i += 2)
        T_OK(counter_set_load(set, (struct counter_key){day.id, {i, i}}, NULL, 0, NULL, 0, -1));
    for (int i = 1; i <= 500; i++)
        T_EQ(counter_set_has(set, (struct counter_key){day.id, {i, i}}), i % 2);
}

static void new_operator_limits_replace_the_old(void **state)
{
    struct limit changed = minute;

    (void)state;
    load_empty(&minute);
    T_OK(charge(&minute, 1, noon));
    written();
    changed.amount = 1;
    T_OK(counter_set_limits(set, &changed, 1));
    T_EQ(used(&minute, noon), 1); /* the cells still mean the same */
    changed.span_ms = HOUR;
    T_OK(counter_set_limits(set, &changed, 1));
    T_TRUE(!counter_set_has(set, key_of(&minute)));
    T_OK(counter_set_limits(set, NULL, 0));
    T_ERR(counter_set_load(set, key_of(&minute), NULL, 0, NULL, 0, -1), ERR_NOT_FOUND);
}

/* ---- carry-over ---- */

static struct claim open_claim(const struct limit *l, int64_t owner, int64_t cell)
{
    return (struct claim){
        .owner = owner, .key = key_of(l), .cell = cell, .units = 1, .at_ms = noon, .open = true};
}

static void a_new_day_starts_with_the_open_cost(void **state)
{
    int64_t today = shanghai_day_index(noon), tomorrow = noon + DAY;
    struct claim open[] = {open_claim(&day, 5, today), open_claim(&day, 6, today),
                           open_claim(&day, 6, today + 1)};
    size_t n;

    (void)state;
    T_OK(counter_set_load(set, key_of(&day), NULL, 0, open, 2, -1));
    T_ERR(charge(&day, 7, tomorrow), ERR_QUOTA);
    const struct claim *claims = counter_set_take_claims(set, &n);
    T_EQ(n, 2);
    T_TRUE(claims[0].carried && claims[0].open && claims[0].owner == 5 && claims[0].cell == today + 1);
    T_EQ(claims[0].at_ms, noon);
    written();

    struct cell row = {.cell = today + 1, .used = 1}; /* 6 was charged in both */
    T_OK(counter_set_load(set, key_of(&day), &row, 1, open + 1, 2, -1));
    T_OK(charge(&day, 7, tomorrow));
    T_EQ(used(&day, tomorrow), 2);
}

static void foreign_use_is_not_carried(void **state)
{
    struct claim foreign = open_claim(&day, 0, shanghai_day_index(noon));

    (void)state;
    T_OK(counter_set_load(set, key_of(&day), NULL, 0, &foreign, 1, -1));
    T_EQ(used(&day, noon + DAY), 0);
}

static void a_counter_that_is_kept_is_loaded_again_for_a_new_window(void **state)
{
    int64_t midnight = shanghai_day_start_ms(shanghai_day_index(noon) + 1);

    (void)state;
    load_empty(&day);
    T_OK(charge(&day, 1, noon));
    T_OK(charge(&day, 2, midnight - MARGIN - 1));
    T_TRUE(counter_set_has(set, key_of(&day)));
    counter_set_now(set, midnight - MARGIN);
    T_TRUE(!counter_set_has(set, key_of(&day)));
    T_ERR(charge(&day, 3, midnight - MARGIN), ERR_NOT_LOADED);
    load_empty(&day); /* the store has nothing yet: this batch is not written */
    T_ERR(charge(&day, 3, midnight - MARGIN), ERR_QUOTA);
    T_EQ(why.used, 2); /* and both are still open: carried */
    T_EQ(why.free_at_ms, shanghai_day_start_ms(shanghai_day_index(midnight) + 1) + SKEW);
}

static void what_ends_late_is_carried_before_it_ends(void **state)
{
    int64_t today = shanghai_day_index(noon), tomorrow = noon + DAY;
    struct claim task = open_claim(&day, 5, today);

    (void)state;
    T_OK(quota_settle(set, &task, 1, noon + HOUR, &why)); /* same day: nothing to do, nothing to load */
    T_ERR(quota_settle(set, &task, 1, tomorrow, &why), ERR_NOT_LOADED);
    T_TRUE(why.limit->id == day.id && why.subject.a == who.a);
    T_OK(counter_set_load(set, key_of(&day), NULL, 0, &task, 1, -1));
    T_OK(quota_settle(set, &task, 1, tomorrow, &why));
    T_EQ(used(&day, tomorrow), 1);
}

static void a_renewed_window_takes_over_what_may_arrive_after_the_event(void **state)
{
    struct claim claims[] = {open_claim(&lasting, 1, noon), open_claim(&lasting, 2, noon),
                             open_claim(&lasting, 3, noon)};
    struct cell row = {.cell = noon, .used = 3};
    int64_t renewed = noon + HOUR;
    size_t n;

    (void)state;
    claims[1].open = claims[2].open = false; /* both ended before we heard of the event */
    claims[1].at_ms = renewed - MARGIN;      /* but this one may have arrived after it */
    claims[2].at_ms = renewed - MARGIN - 1;
    T_OK(counter_set_load(set, key_of(&lasting), &row, 1, claims, 3, noon));
    T_OK(quota_open_window(set, key_of(&lasting), renewed));
    T_EQ(used(&lasting, renewed), 2);
    const struct claim *carried = counter_set_take_claims(set, &n);
    T_EQ(n, 2);
    T_TRUE(carried[0].carried && carried[0].open && !carried[1].open);
    T_OK(quota_open_window(set, key_of(&lasting), noon + S)); /* an older event comes late */
    T_EQ(used(&lasting, renewed), 2);
}

/* ---- giving back ---- */

static void a_refund_gives_every_cell_back(void **state)
{
    int64_t before = shanghai_day_start_ms(shanghai_day_index(noon) + 1) - S;
    struct claim copy[2];
    size_t n;

    (void)state;
    load_empty(&day);
    T_OK(charge(&day, 1, before));
    const struct claim *claims = counter_set_take_claims(set, &n);
    T_EQ(n, 2);
    memcpy(copy, claims, sizeof copy);
    written();
    T_OK(quota_refund(set, copy, 2));
    const struct cell *cells = counter_set_take_dirty(set, &n);
    T_EQ(n, 2);
    T_EQ(cells[0].used + cells[1].used, 0);
    (void)counter_set_take_refunds(set, &n);
    T_EQ(n, 2);
}

static void charged_and_refunded_in_one_batch_leaves_no_row(void **state)
{
    struct claim claim = open_claim(&minute, 1, noon);
    size_t n;

    (void)state;
    load_empty(&minute);
    T_OK(charge(&minute, 1, noon));
    T_OK(charge(&minute, 2, noon));
    T_OK(quota_refund(set, &claim, 1));
    const struct claim *claims = counter_set_take_claims(set, &n);
    T_EQ(n, 1);
    T_EQ(claims[0].owner, 2);
    (void)counter_set_take_refunds(set, &n);
    T_EQ(n, 0);
    T_EQ(used(&minute, noon), 1);
}

static void a_refund_takes_what_was_carried_meanwhile(void **state)
{
    struct claim task = open_claim(&day, 5, shanghai_day_index(noon));
    size_t n;

    (void)state;
    T_OK(counter_set_load(set, key_of(&day), NULL, 0, &task, 1, -1));
    T_EQ(used(&day, noon + DAY), 1);
    T_OK(quota_refund(set, &task, 1));
    T_EQ(used(&day, noon + DAY), 0);
    const struct claim *claims = counter_set_take_claims(set, &n);
    T_EQ(n, 1); /* of the day that is over */
    T_TRUE(claims[0].owner == 0 && claims[0].cell == shanghai_day_index(noon));
    (void)counter_set_take_refunds(set, &n);
    T_EQ(n, 1);
}

static void a_refund_of_what_has_freed_is_a_forfeit(void **state)
{
    struct claim old = open_claim(&minute, 1, noon);
    size_t n;

    (void)state;
    load_empty(&minute);
    T_OK(charge(&minute, 1, noon));
    written();
    T_OK(charge(&minute, 2, noon + HOUR));
    written();
    T_OK(quota_refund(set, &old, 1));
    (void)counter_set_take_dirty(set, &n);
    T_EQ(n, 0);
    const struct claim *claims = counter_set_take_claims(set, &n);
    T_EQ(n, 1);
    T_TRUE(claims[0].owner == 0 && claims[0].cell == noon && claims[0].units == 1 && claims[0].at_ms == noon);
    T_TRUE(!claims[0].open);
    (void)counter_set_take_refunds(set, &n);
    T_EQ(n, 1);
    T_EQ(used(&minute, noon + HOUR), 1);
}

static void a_closed_window_is_full_of_foreign_use(void **state)
{
    size_t n;

    (void)state;
    load_empty(&lasting);
    T_OK(quota_close_window(set, key_of(&lasting), noon)); /* not open: nothing to close */
    T_OK(quota_open_window(set, key_of(&lasting), noon));
    T_OK(charge(&lasting, 1, noon));
    T_OK(quota_close_window(set, key_of(&lasting), noon));
    T_ERR(charge(&lasting, 2, noon), ERR_QUOTA);
    const struct claim *claims = counter_set_take_claims(set, &n);
    T_EQ(n, 2);
    T_TRUE(claims[1].owner == 0 && claims[1].units == 4 && !claims[1].open);
    T_OK(quota_close_window(set, key_of(&lasting), noon));
    T_OK(quota_open_window(set, key_of(&lasting), noon + HOUR));
    T_EQ(used(&lasting, noon + HOUR), 1); /* the open one, not the foreign ones */

    load_empty(&month);
    T_OK(quota_close_window(set, key_of(&month), noon));
    T_EQ(used(&month, noon), 31);
}

/* Its rows are not loaded any more, so each closing would charge all of it anew. */
static void a_window_that_is_over_has_nothing_to_close(void **state)
{
    size_t n;

    (void)state;
    load_empty(&lasting);
    T_OK(quota_open_window(set, key_of(&lasting), noon));
    T_OK(quota_close_window(set, key_of(&lasting), noon + lasting.span_ms));
    (void)counter_set_take_claims(set, &n);
    T_EQ(n, 0);
    T_OK(quota_close_window(set, key_of(&lasting), noon + lasting.span_ms - 1));
    (void)counter_set_take_claims(set, &n);
    T_EQ(n, 0); /* time does not go back */
}

/* ---- wants ---- */

static size_t count_named(const struct claim_want *wants, int n, const char *name)
{
    size_t found = 0;

    for (int i = 0; i < n; i++)
        found += wants[i].limit->name && strcmp(wants[i].limit->name, name) == 0;
    return found;
}

static void a_send_falls_under_all_its_limits(void **state)
{
    struct quota_send send = {.kind = ACCOUNT_WECOM_KF,
                              .op = CALL_SEND,
                              .class = CLASS_BROADCAST,
                              .domain = 9,
                              .account = 8,
                              .contact = 7,
                              .delivery = 100,
                              .attempt = 200,
                              .segments = 3};
    struct claim_want wants[32];

    (void)state;
    int n = quota_wants(set, &send, wants, ARRAY_LEN(wants));
    T_EQ(n, 3 + 8); /* kf window, API by minute and hour; ours */
    T_EQ(count_named(wants, n, "wecom.kf.window"), 1);
    T_EQ(count_named(wants, n, "wecom.kf.window.advised"), 0);
    for (int i = 0; i < n; i++) {
        const struct claim_want *w = &wants[i];
        T_EQ(w->owner, w->limit->unit == UNIT_CALL ? 200 : 100);
        T_EQ(w->units, w->limit->unit == UNIT_SEGMENT ? 3 : 1);
        if (w->limit->scope == SCOPE_DOMAIN_RECIPIENT)
            T_TRUE(w->subject.a == 9 && w->subject.b == 7);
        if (w->limit->scope == SCOPE_RECIPIENT)
            T_TRUE(w->subject.a == 0 && w->subject.b == 7);
        if (w->limit->scope == SCOPE_ACCOUNT)
            T_TRUE(w->subject.a == 8 && w->subject.b == 0);
    }
    T_ERR(quota_wants(set, &send, wants, 4), ERR_FULL);
    send.delivery = 0; /* the attempt's own */
    T_EQ(quota_wants(set, &send, wants, ARRAY_LEN(wants)), 4);
    send.delivery = 100;
    send.attempt = 0;
    T_EQ(quota_wants(set, &send, wants, ARRAY_LEN(wants)), 7);
    send.class = CLASS_REPLY; /* platform limits only */
    T_EQ(quota_wants(set, &send, wants, ARRAY_LEN(wants)), 1);
}

static void the_account_kind_and_its_switches_choose_the_limits(void **state)
{
    struct quota_send send = {.kind = ACCOUNT_OFFICIAL,
                              .op = CALL_MASS,
                              .class = CLASS_BROADCAST,
                              .domain = 9,
                              .account = 8,
                              .contact = 7,
                              .delivery = 100,
                              .attempt = 200,
                              .segments = 1};
    struct claim_want wants[32];

    (void)state;
    int n = quota_wants(set, &send, wants, ARRAY_LEN(wants));
    T_EQ(count_named(wants, n, "official.mass.recipient.month"), 1);
    T_EQ(count_named(wants, n, "official.mass.day"), 0);
    send.variants = 1u << VARIANT_OFFICIAL_SUBSCRIPTION;
    n = quota_wants(set, &send, wants, ARRAY_LEN(wants));
    T_EQ(count_named(wants, n, "official.mass.recipient.month"), 0);
    T_EQ(count_named(wants, n, "official.mass.day"), 1);

    send.op = CALL_OP_COUNT; /* a token call */
    send.delivery = 0;
    n = quota_wants(set, &send, wants, ARRAY_LEN(wants));
    T_EQ(n, 2);
    T_EQ(count_named(wants, n, "official.stable_token.minute"), 1);

    send = (struct quota_send){.kind = ACCOUNT_WECOM_MEMBER,
                               .op = CALL_REMIND,
                               .domain = 9,
                               .account = 8,
                               .task = 55,
                               .attempt = 200};
    n = quota_wants(set, &send, wants, ARRAY_LEN(wants));
    T_EQ(n, 3);
    T_EQ(wants[0].subject.b, 55);
    send.task = 0;
    T_EQ(quota_wants(set, &send, wants, ARRAY_LEN(wants)), 2);
}

/* ---- no memory ---- */

static int load_and_charge(struct claim_want *wants, size_t n, const struct claim *open)
{
    int r = counter_set_load(set, key_of(&day), NULL, 0, open, 1, -1);

    for (size_t i = 0; i < n && !r; i++)
        if (!counter_set_has(set, (struct counter_key){wants[i].limit->id, wants[i].subject}))
            r = counter_set_load(set, (struct counter_key){wants[i].limit->id, wants[i].subject}, NULL, 0,
                                 NULL, 0, -1);
    return r ? r : quota_charge(set, wants, n, noon, &why);
}

static void a_charge_without_memory_changes_nothing(void **state)
{
    struct claim_want wants[40];
    struct claim open = open_claim(&day, 5, shanghai_day_index(noon) - 1);
    bool hit = true;

    (void)state;
    for (int i = 0; i < 40; i++) { /* enough to make every array grow */
        wants[i] = want(&minute, i + 10);
        wants[i].subject.a = i + 10;
    }
    wants[0] = want(&day, 10);
    for (int n = 1; hit && n < 200; n++) {
        size_t charged = 0, count;

        counter_set_free(set);
        struct limit all[] = {minute, day};
        T_OK(counter_set_new(rules, &set));
        T_OK(counter_set_limits(set, all, 2));
        mem_fail_at(n);
        int r = load_and_charge(wants, 40, &open);
        hit = mem_fault_hit();
        mem_fail_at(0);
        T_EQ(r, hit ? -ENOMEM : 0);
        const struct claim *claims = counter_set_take_claims(set, &count);
        for (size_t i = 0; i < count; i++)
            charged += !claims[i].carried;
        T_EQ(charged, hit ? 0 : 40);
        T_OK(load_and_charge(wants, 0, &open)); /* and the set still works */
    }
    T_TRUE(!hit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_sliding_unit_frees_a_span_and_a_margin_after_its_charge, open_set,
                                        close_set),
        cmocka_unit_test_setup_teardown(a_bucket_frees_when_its_last_charge_could_have, open_set, close_set),
        cmocka_unit_test_setup_teardown(a_charge_counts_on_both_sides_of_a_boundary_that_is_near, open_set,
                                        close_set),
        cmocka_unit_test_setup_teardown(a_month_has_as_many_units_as_days, open_set, close_set),
        cmocka_unit_test_setup_teardown(a_week_begins_on_monday, open_set, close_set),
        cmocka_unit_test_setup_teardown(a_paced_account_has_one_call_out_and_a_gap_from_its_answer, open_set,
                                        close_set),
        cmocka_unit_test_setup_teardown(a_window_that_is_not_open_takes_nothing, open_set, close_set),
        cmocka_unit_test_setup_teardown(all_are_charged_or_none, open_set, close_set),
        cmocka_unit_test_setup_teardown(the_block_is_the_limit_that_frees_last, open_set, close_set),
        cmocka_unit_test_setup_teardown(wants_of_one_counter_add_up, open_set, close_set),
        cmocka_unit_test_setup_teardown(of_alternatives_the_first_with_room_is_charged, open_set, close_set),
        cmocka_unit_test_setup_teardown(a_want_may_lower_the_amount, open_set, close_set),
        cmocka_unit_test_setup_teardown(usage_tells_when_the_next_unit_frees, open_set, close_set),
        cmocka_unit_test_setup_teardown(a_counter_must_be_loaded, open_set, close_set),
        cmocka_unit_test_setup_teardown(loaded_cells_count, open_set, close_set),
        cmocka_unit_test_setup_teardown(a_counter_that_is_loaded_twice_keeps_what_is_unwritten, open_set,
                                        close_set),
        cmocka_unit_test_setup_teardown(trim_keeps_accounts_and_forgets_people, open_set, close_set),
        cmocka_unit_test_setup_teardown(new_operator_limits_replace_the_old, open_set, close_set),
        cmocka_unit_test_setup_teardown(a_new_day_starts_with_the_open_cost, open_set, close_set),
        cmocka_unit_test_setup_teardown(foreign_use_is_not_carried, open_set, close_set),
        cmocka_unit_test_setup_teardown(a_counter_that_is_kept_is_loaded_again_for_a_new_window, open_set,
                                        close_set),
        cmocka_unit_test_setup_teardown(what_ends_late_is_carried_before_it_ends, open_set, close_set),
        cmocka_unit_test_setup_teardown(a_renewed_window_takes_over_what_may_arrive_after_the_event, open_set,
                                        close_set),
        cmocka_unit_test_setup_teardown(a_refund_gives_every_cell_back, open_set, close_set),
        cmocka_unit_test_setup_teardown(charged_and_refunded_in_one_batch_leaves_no_row, open_set, close_set),
        cmocka_unit_test_setup_teardown(a_refund_takes_what_was_carried_meanwhile, open_set, close_set),
        cmocka_unit_test_setup_teardown(a_refund_of_what_has_freed_is_a_forfeit, open_set, close_set),
        cmocka_unit_test_setup_teardown(a_closed_window_is_full_of_foreign_use, open_set, close_set),
        cmocka_unit_test_setup_teardown(a_window_that_is_over_has_nothing_to_close, open_set, close_set),
        cmocka_unit_test_setup_teardown(a_send_falls_under_all_its_limits, open_set, close_set),
        cmocka_unit_test_setup_teardown(the_account_kind_and_its_switches_choose_the_limits, open_set,
                                        close_set),
        cmocka_unit_test_setup_teardown(a_charge_without_memory_changes_nothing, open_set, close_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
