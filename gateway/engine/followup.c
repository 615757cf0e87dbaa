/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/followup.h"

#include "engine/attempt.h"
#include "engine/delivery.h"
#include "engine/engine_private.h"
#include "engine/settle.h"

enum { TICK_MAX = 32, QUERY_TRIES = 3, REMIND_MAX = 3 };
#define RECEIPT_WAIT_MS INT64_C(259200000)
#define QUERY_FIRST_MS INT64_C(60000)

/* Steps of a task's life in attempt_row.follow_step: polls count up from 0. */
enum { STEP_CANCELLING = 1000, STEP_LAST_POLL = 1001 };

static const int64_t poll_gaps_ms[] = {10000, 20000, 30000, 60000, 120000, 300000, 600000, 900000};
static const int remind_steps[REMIND_MAX] = {7, 12, 20}; /* about 20 min, 1.5 h, 3.5 h after creation */

bool followup_can_reconcile(const struct account *account, enum call_op op)
{
    if (op == CALL_TASK || op == CALL_GROUP_TASK || op == CALL_MASS || op == CALL_MASS_TAG)
        return true;
    return op == CALL_SEND && account && account->kind == ACCOUNT_SMS;
}

static int64_t poll_gap_ms(int step)
{
    size_t last = ARRAY_LEN(poll_gaps_ms) - 1;

    return poll_gaps_ms[step < 0 ? 0 : (size_t)step < last ? (size_t)step : last];
}

static bool is_task(enum call_op op)
{
    return op == CALL_TASK || op == CALL_GROUP_TASK;
}

void followup_plan(struct batch *b, const struct account *account, struct attempt_row *ended)
{
    ended->next_ms = INT64_MAX;
    if (!ended->item_count)
        return;
    if (ended->outcome == OUTCOME_TASK)
        ended->next_ms = b->now_ms + poll_gap_ms(0);
    else if (ended->outcome == OUTCOME_UNKNOWN && followup_can_reconcile(account, ended->op))
        ended->next_ms = b->now_ms + QUERY_FIRST_MS;
    else if (ended->outcome == OUTCOME_ACCEPTED && account && account->rule->receipt)
        ended->next_ms = b->now_ms + RECEIPT_WAIT_MS;
}

/* The parent's items with their deliveries, in one order. */
struct family {
    struct attempt_item_row *items;
    struct delivery_row *rows;
    size_t count;
};

static int load_family(struct batch *b, struct attempt_id parent, struct family *ret)
{
    int err = store_load_attempt_items(b->engine->store, parent, &b->arena, &ret->items, &ret->count);
    struct delivery_id *ids = arena_alloc(&b->arena, ret->count * sizeof *ids + 1);

    ret->rows = arena_alloc(&b->arena, ret->count * sizeof *ret->rows + 1);
    if (err)
        return err;
    if (!ids || !ret->rows)
        return -ENOMEM;
    for (size_t i = 0; i < ret->count; i++)
        ids[i] = ret->items[i].delivery;
    return ret->count ? store_load_deliveries(b->engine->store, ids, ret->count, &b->arena, ret->rows) : 0;
}

static bool in_state(const struct family *f, size_t i, enum delivery_state state, struct attempt_id parent)
{
    return f->rows[i].id.v && f->rows[i].state == state && f->rows[i].attempt.v == parent.v && !f->rows[i].final;
}

/* ---- opening questions ---- */

static int open_poll(struct batch *b, struct attempt_row *parent, enum call_op op, json_t *params, int64_t *ret_busy_ms)
{
    struct attempt_plan p = {.account = registry_account(&b->engine->registry, parent->account), .op = op,
                             .class = parent->class, .key = parent->key, .parent = parent->id,
                             .handle = parent->provider_id.n ? parent->provider_id : parent->key};

    p.params = batch_json(b, params);
    if (p.account)
        return attempt_ask(b, &p, ret_busy_ms);
    *ret_busy_ms = b->now_ms + 3600000; /* not configured at present */
    return 0;
}

static json_t *query_params(const struct attempt_row *parent, const struct family *f)
{
    json_t *p = json_pack("{s:I, s:I, s:I}", "from_ms", (json_int_t)parent->started_ms - 60000, "to_ms",
                          (json_int_t)parent->deadline_ms + 60000, "content", (json_int_t)parent->content);

    if (p && f->count)
        (void)json_object_set_new(p, "to", json_stringn(f->items[0].to.p, f->items[0].to.n));
    return p;
}

static bool remind_now(int step)
{
    for (size_t i = 0; i < REMIND_MAX; i++)
        if (remind_steps[i] == step)
            return true;
    return false;
}

static int64_t pending_deadline(const struct family *f, struct attempt_id parent)
{
    int64_t earliest = INT64_MAX;

    for (size_t i = 0; i < f->count; i++)
        if (in_state(f, i, STATE_AWAITING_CONFIRM, parent) && f->rows[i].deadline_ms < earliest)
            earliest = f->rows[i].deadline_ms;
    return earliest;
}

static bool any(const struct family *f, enum delivery_state state, struct attempt_id parent)
{
    for (size_t i = 0; i < f->count; i++)
        if (in_state(f, i, state, parent))
            return true;
    return false;
}

static int tick_task(struct batch *b, struct attempt_row *parent, const struct family *f)
{
    enum call_op op = CALL_TASK_RESULT;
    int64_t busy, deadline = pending_deadline(f, parent->id);

    if (!any(f, STATE_AWAITING_CONFIRM, parent->id)) {
        parent->next_ms = INT64_MAX;
        return 0;
    }
    if (parent->follow_step < STEP_CANCELLING && b->now_ms >= deadline) {
        parent->follow_step = STEP_CANCELLING;
        op = CALL_CANCEL_TASK;
    } else if (parent->follow_step == STEP_CANCELLING) {
        parent->follow_step = STEP_LAST_POLL;
    } else if (parent->follow_step < STEP_CANCELLING) {
        parent->follow_step++;
        if (remind_now(parent->follow_step))
            op = CALL_REMIND;
    }
    int err = open_poll(b, parent, op, json_object(), &busy);
    int64_t next = b->now_ms + poll_gap_ms(parent->follow_step < STEP_CANCELLING ? parent->follow_step : 0);
    parent->next_ms = busy ? busy : next;
    if (!busy && parent->follow_step < STEP_CANCELLING && deadline < parent->next_ms && deadline > b->now_ms)
        parent->next_ms = deadline;
    return err;
}

static int give_up_query(struct batch *b, struct attempt_row *parent, struct family *f)
{
    parent->next_ms = INT64_MAX;
    for (size_t i = 0; i < f->count; i++)
        if (in_state(f, i, STATE_UNKNOWN, parent->id)) {
            delivery_move(b, &f->rows[i], (struct delivery_move){.to = STATE_UNKNOWN, .cause = CAUSE_NEVER_DUPLICATE,
                                                                 .final = true, .what = "unknown for good"});
            settle_count(b, f->rows[i].id.v);
        }
    return 0;
}

static int tick_unknown(struct batch *b, struct attempt_row *parent, struct family *f)
{
    int64_t busy;

    if (!any(f, STATE_UNKNOWN, parent->id) || parent->follow_step >= QUERY_TRIES)
        return give_up_query(b, parent, f);
    parent->follow_step++;
    int err = open_poll(b, parent, CALL_QUERY, query_params(parent, f), &busy);
    parent->next_ms = busy ? busy : b->now_ms + QUERY_FIRST_MS * (1 << parent->follow_step);
    return err;
}

/* No receipt within its time: accepted is the last word. */
static void tick_receipt(struct batch *b, struct attempt_row *parent, struct family *f)
{
    parent->next_ms = INT64_MAX;
    for (size_t i = 0; i < f->count; i++)
        if (in_state(f, i, STATE_ACCEPTED, parent->id))
            delivery_move(b, &f->rows[i], (struct delivery_move){.to = STATE_ACCEPTED, .cause = CAUSE_ACCEPTED,
                                                                 .final = true, .what = "no receipt"});
}

int followup_tick(struct batch *b, int64_t *ret_next_ms)
{
    struct attempt_row *due;
    size_t n;
    int err = store_load_due_followups(b->engine->store, b->now_ms, TICK_MAX, &b->arena, &due, &n, ret_next_ms);

    for (size_t i = 0; i < n && !err; i++) {
        struct family f;
        err = load_family(b, due[i].id, &f);
        if (err)
            break;
        if (is_task(due[i].op) && due[i].outcome == OUTCOME_TASK)
            err = tick_task(b, &due[i], &f);
        else if (due[i].outcome == OUTCOME_UNKNOWN)
            err = tick_unknown(b, &due[i], &f);
        else
            tick_receipt(b, &due[i], &f);
        *(struct attempt_row *)batch_row(b, &b->attempt_updates) = due[i];
        if (due[i].next_ms < *ret_next_ms)
            *ret_next_ms = due[i].next_ms;
    }
    return err;
}

/* ---- answers ---- */

static const struct item_result *result_for(const struct facts *f, struct str to)
{
    for (size_t i = 0; i < f->item_count; i++)
        if (str_eq(f->items[i].to, to))
            return &f->items[i];
    return NULL;
}

/* wecom.md 4.5: 2 no friend any more (never sent), 3 the customer's quota was used by somebody else. */
static int learn_item(struct batch *b, struct delivery_row *row, const struct item_result *r, int64_t *refund)
{
    switch (r->outcome) {
    case OUTCOME_ACCEPTED:
    case OUTCOME_DELIVERED:
        delivery_move(b, row, (struct delivery_move){.to = STATE_DELIVERED, .cause = CAUSE_RECEIPT, .final = true,
                                                     .what = "confirmed and sent"});
        settle_count(b, row->id.v);
        return 0;
    case OUTCOME_PERMANENT:
        *refund = row->id.v;
        delivery_move(b, row, (struct delivery_move){.to = STATE_FAILED, .cause = CAUSE_NOT_A_FRIEND, .final = true,
                                                     .what = "failed", .detail = json_pack("{s:i}", "status", r->errcode)});
        return 0;
    case OUTCOME_LIMITED:
        delivery_move(b, row, (struct delivery_move){.to = STATE_FAILED, .cause = CAUSE_PLATFORM_QUOTA, .final = true,
                                                     .what = "failed", .detail = json_pack("{s:i}", "status", r->errcode)});
        settle_count(b, row->id.v);
        return 0;
    default: return 0;
    }
}

static void expire_pending(struct batch *b, struct delivery_row *row, int64_t *refund)
{
    *refund = row->id.v;
    delivery_move(b, row, (struct delivery_move){.to = STATE_EXPIRED, .cause = CAUSE_NOT_CONFIRMED, .final = true,
                                                 .what = "expired"});
}

static int learn_task(struct batch *b, const struct attempt_row *parent, struct family *f, const struct facts *facts)
{
    int64_t *refunds = arena_alloc(&b->arena, f->count * sizeof *refunds + 1);
    size_t n = 0;

    if (!refunds)
        return -ENOMEM;
    for (size_t i = 0; i < f->count; i++) {
        const struct item_result *r = result_for(facts, f->items[i].to);
        int64_t refund = 0;
        if (!in_state(f, i, STATE_AWAITING_CONFIRM, parent->id))
            continue;
        if (r && r->outcome != OUTCOME_PENDING)
            (void)learn_item(b, &f->rows[i], r, &refund);
        else if (parent->follow_step == STEP_LAST_POLL && facts->outcome == OUTCOME_ACCEPTED)
            expire_pending(b, &f->rows[i], &refund);
        if (refund)
            refunds[n++] = refund;
    }
    return settle_refund(b, refunds, n);
}

static void learn_query(struct batch *b, const struct attempt_row *parent, struct family *f, const struct facts *facts)
{
    bool found = facts->outcome == OUTCOME_ACCEPTED && (facts->provider_id.n || facts->item_count);

    for (size_t i = 0; i < f->count && found; i++) {
        const struct item_result *r = result_for(facts, f->items[i].to);
        bool failed = r && r->outcome == OUTCOME_PERMANENT;
        if (!in_state(f, i, STATE_UNKNOWN, parent->id) || (r && r->outcome == OUTCOME_PENDING))
            continue;
        delivery_move(b, &f->rows[i], (struct delivery_move){.to = failed ? STATE_FAILED : STATE_ACCEPTED,
                                                             .cause = CAUSE_INFERRED, .final = true, .what = "found"});
        settle_count(b, f->rows[i].id.v);
    }
}

int followup_learn(struct batch *b, const struct attempt_row *poll, const struct op_facts *op)
{
    struct attempt_row *parent = arena_alloc(&b->arena, sizeof *parent);
    struct family f;

    if (!parent)
        return -ENOMEM;
    int err = store_load_attempts(b->engine->store, &poll->parent, 1, &b->arena, parent);
    if (!err && parent->id.v)
        err = load_family(b, parent->id, &f);
    if (err || !parent->id.v)
        return err;
    if (poll->op == CALL_TASK_RESULT)
        return learn_task(b, parent, &f, &op->facts);
    if (poll->op == CALL_QUERY)
        learn_query(b, parent, &f, &op->facts);
    return 0;
}
