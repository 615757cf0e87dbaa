/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/followup.h"

#include "base/json.h"
#include "engine/attempt.h"
#include "engine/delivery.h"
#include "engine/engine_private.h"
#include "engine/facts.h"
#include "engine/render.h"
#include "engine/settle.h"

enum { TICK_MAX = 32, TICK_ITEMS = 2000, QUERY_TRIES = 3, REMIND_MAX = 3 };
#define RECEIPT_WAIT_MS INT64_C(259200000)
#define QUERY_FIRST_MS INT64_C(60000)
#define CANCEL_AGAIN_MS INT64_C(60000)

/* Steps of a task's life in attempt_row.follow_step: polls count up from 0. */
enum { STEP_CANCEL_AGAIN = 999, STEP_CANCELLING = 1000, STEP_LAST_POLL = 1001 };

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

/* The words that went out, as the platform lists them: a task is found by them. */
static int sent_text(struct batch *b, const struct attempt_row *parent, const struct family *f, struct str *ret)
{
    const struct account *account = registry_account(&b->engine->registry, parent->account);
    struct content_row content = {0};
    struct str body, why;
    json_t *json = NULL;
    bool shared;
    int err = store_load_contents(b->engine->store, &parent->content, 1, &b->arena, &content);

    *ret = (struct str){NULL, 0};
    body = content.body;
    if (!err && f->count)
        err = facts_load(b, &f->rows[0].contact, 1);
    if (!err && !content.rendered && account && f->count &&
        render_frozen(b, &content, account, facts_person(b, f->rows[0].contact), &body, &shared, &why) != 0)
        return b->err;
    if (!err && json_parse(body, JSON_DEPTH, &json, NULL) == 0)
        *ret = batch_cstr(b, json_str(json, "text", ""));
    json_decref(json);
    return err;
}

static int query_params(struct batch *b, const struct attempt_row *parent, const struct family *f, json_t **ret)
{
    struct str text;
    int err = sent_text(b, parent, f, &text);

    if (err)
        return err;
    *ret = json_pack("{s:I, s:I, s:s%, s:s}", "from_ms", (json_int_t)parent->started_ms - 60000, "to_ms",
                     (json_int_t)parent->deadline_ms + 60000, "text", text.n ? text.p : "", text.n, "chat_type",
                     parent->op == CALL_GROUP_TASK ? "group" : "single");
    if (*ret && f->count)
        (void)json_object_set_new(*ret, "to", json_stringn(f->items[0].to.p, f->items[0].to.n));
    return 0;
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

/* What the task is asked next; the step moves on. */
static enum call_op next_question(struct attempt_row *parent, bool late)
{
    if (parent->follow_step >= STEP_CANCELLING) {
        parent->follow_step = STEP_LAST_POLL;
        return CALL_TASK_RESULT;
    }
    if (late) {
        parent->follow_step = STEP_CANCELLING;
        return CALL_CANCEL_TASK;
    }
    return remind_now(++parent->follow_step) ? CALL_REMIND : CALL_TASK_RESULT;
}

static int64_t task_gap_ms(const struct batch *b, const struct attempt_row *parent)
{
    switch (parent->follow_step) {
    case STEP_CANCELLING: return rulepack_t_send_ms(b->engine->rules) + poll_gap_ms(0); /* it is answered by then */
    case STEP_LAST_POLL: return CANCEL_AGAIN_MS;
    default: return poll_gap_ms(parent->follow_step);
    }
}

static int tick_task(struct batch *b, struct attempt_row *parent, const struct family *f)
{
    int64_t busy, deadline = pending_deadline(f, parent->id);

    if (!any(f, STATE_AWAITING_CONFIRM, parent->id)) {
        parent->next_ms = INT64_MAX;
        return 0;
    }
    enum call_op op = next_question(parent, b->now_ms >= deadline);
    int err = open_poll(b, parent, op, json_object(), &busy);
    if (busy && op == CALL_CANCEL_TASK)
        parent->follow_step = STEP_CANCEL_AGAIN;
    parent->next_ms = busy && op != CALL_REMIND ? busy : b->now_ms + task_gap_ms(b, parent);
    if (parent->follow_step < STEP_CANCEL_AGAIN && deadline < parent->next_ms)
        parent->next_ms = deadline;
    return err;
}

static int give_up_query(struct batch *b, struct attempt_row *parent, struct family *f)
{
    int64_t *owners = arena_alloc(&b->arena, f->count * sizeof *owners + 1);
    size_t n = 0;

    if (!owners)
        return -ENOMEM;
    parent->next_ms = INT64_MAX;
    for (size_t i = 0; i < f->count; i++)
        if (in_state(f, i, STATE_UNKNOWN, parent->id)) {
            delivery_move(b, &f->rows[i], (struct delivery_move){.to = STATE_UNKNOWN, .cause = CAUSE_NEVER_DUPLICATE,
                                                                 .final = true, .what = "unknown for good"});
            owners[n++] = f->rows[i].id.v;
        }
    return settle_count_late(b, owners, n);
}

static int tick_unknown(struct batch *b, struct attempt_row *parent, struct family *f)
{
    json_t *params = NULL;
    int64_t busy;

    if (!any(f, STATE_UNKNOWN, parent->id) || parent->follow_step >= QUERY_TRIES)
        return give_up_query(b, parent, f);
    parent->follow_step++;
    int err = query_params(b, parent, f, &params);
    if (!err)
        err = open_poll(b, parent, CALL_QUERY, params, &busy);
    if (err)
        return err;
    parent->next_ms = busy ? busy : b->now_ms + QUERY_FIRST_MS * (1 << parent->follow_step);
    return 0;
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

static int tick_one(struct batch *b, struct attempt_row *due)
{
    struct family f;
    int err = load_family(b, due->id, &f);

    if (err)
        return err;
    if (is_task(due->op) && due->outcome == OUTCOME_TASK)
        err = tick_task(b, due, &f);
    else if (due->outcome == OUTCOME_UNKNOWN)
        err = tick_unknown(b, due, &f);
    else
        tick_receipt(b, due, &f);
    *(struct attempt_row *)batch_row(b, &b->attempt_updates) = *due;
    return err;
}

int followup_tick(struct batch *b, int64_t *ret_next_ms)
{
    struct attempt_row *due;
    size_t n;
    int64_t items = 0;
    int err = store_load_due_followups(b->engine->store, b->now_ms, TICK_MAX, &b->arena, &due, &n, ret_next_ms);

    for (size_t i = 0; i < n && !err; i++) {
        if (items < TICK_ITEMS) /* a task may have 10,000 */
            err = tick_one(b, &due[i]);
        items += due[i].item_count;
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

/* What a task's or query's answer settled: whose charge comes back, whose stays, and who was served by others. */
struct verdicts {
    int64_t *refunds, *counts;
    struct delivery_row **used_up;
    size_t refund_n, count_n, used_up_n;
};

static int verdicts_init(struct batch *b, size_t n, struct verdicts *ret)
{
    *ret = (struct verdicts){.refunds = arena_alloc(&b->arena, n * sizeof(int64_t) + 1),
                             .counts = arena_alloc(&b->arena, n * sizeof(int64_t) + 1),
                             .used_up = arena_alloc(&b->arena, n * sizeof(void *) + 1)};
    return ret->refunds && ret->counts && ret->used_up ? 0 : -ENOMEM;
}

static int verdicts_settle(struct batch *b, const struct verdicts *v)
{
    int err = settle_refund(b, v->refunds, v->refund_n);

    if (!err)
        err = settle_count_late(b, v->counts, v->count_n);
    for (size_t i = 0; i < v->used_up_n && !err; i++) {
        const struct account *a = registry_account(&b->engine->registry, v->used_up[i]->account);
        err = a ? settle_use_up(b, a, v->used_up[i]) : 0;
    }
    return err;
}

static void learn(struct batch *b, struct delivery_row *row, enum delivery_state to, enum cause cause, bool refund,
                  const char *what, struct verdicts *v)
{
    delivery_move(b, row, (struct delivery_move){.to = to, .cause = cause, .final = true, .what = what});
    if (refund)
        v->refunds[v->refund_n++] = row->id.v;
    else
        v->counts[v->count_n++] = row->id.v;
}

/* wecom.md 4.5: 2 no friend any more (never sent), 3 the customer's quota was used by somebody else. */
static void learn_item(struct batch *b, struct delivery_row *row, enum outcome outcome, struct verdicts *v)
{
    switch (outcome) {
    case OUTCOME_ACCEPTED:
    case OUTCOME_DELIVERED: learn(b, row, STATE_DELIVERED, CAUSE_RECEIPT, false, "confirmed and sent", v); break;
    case OUTCOME_PERMANENT: learn(b, row, STATE_FAILED, CAUSE_NOT_A_FRIEND, true, "failed", v); break;
    case OUTCOME_LIMITED:
        learn(b, row, STATE_FAILED, CAUSE_PLATFORM_QUOTA, false, "failed", v);
        v->used_up[v->used_up_n++] = row;
        break;
    default: break;
    }
}

static int learn_task(struct batch *b, const struct attempt_row *parent, struct family *f, const struct facts *facts)
{
    /* A platform that knows no such task proves nothing about what it sent: that stays charged. */
    bool told = facts->outcome == OUTCOME_ACCEPTED || facts->outcome == OUTCOME_PERMANENT;
    struct verdicts v;
    int err = verdicts_init(b, f->count, &v);

    for (size_t i = 0; i < f->count && !err; i++) {
        const struct item_result *r = result_for(facts, f->items[i].to);
        if (!in_state(f, i, STATE_AWAITING_CONFIRM, parent->id))
            continue;
        if (r && r->outcome != OUTCOME_PENDING)
            learn_item(b, &f->rows[i], r->outcome, &v);
        else if (parent->follow_step == STEP_LAST_POLL && told)
            learn(b, &f->rows[i], STATE_EXPIRED, CAUSE_NOT_CONFIRMED, facts->outcome == OUTCOME_ACCEPTED, "expired", &v);
    }
    return err ? err : verdicts_settle(b, &v);
}

/* As long as the task lives, the member may confirm it: nobody may be given up before it is cancelled. */
static void learn_cancel(struct batch *b, struct attempt_row *parent, const struct facts *facts)
{
    if (facts->outcome == OUTCOME_ACCEPTED || facts->outcome == OUTCOME_PERMANENT)
        return;
    parent->follow_step = STEP_CANCEL_AGAIN;
    parent->next_ms = b->now_ms + CANCEL_AGAIN_MS;
    *(struct attempt_row *)batch_row(b, &b->attempt_updates) = *parent;
}

/* The platform lists the task whose answer was lost: from here on it is polled like any other. */
static void adopt_task(struct batch *b, struct attempt_row *parent, struct family *f, struct str provider_id)
{
    parent->outcome = OUTCOME_TASK;
    parent->provider_id = batch_str(b, provider_id);
    parent->follow_step = 0;
    parent->next_ms = b->now_ms + poll_gap_ms(0);
    *(struct attempt_row *)batch_row(b, &b->attempt_updates) = *parent;
    for (size_t i = 0; i < f->count; i++)
        if (in_state(f, i, STATE_UNKNOWN, parent->id))
            delivery_move(b, &f->rows[i], (struct delivery_move){.to = STATE_AWAITING_CONFIRM,
                                                                 .cause = CAUSE_INFERRED, .what = "found"});
}

static int learn_query(struct batch *b, struct attempt_row *parent, struct family *f, const struct facts *facts)
{
    bool found = facts->outcome == OUTCOME_ACCEPTED && (facts->provider_id.n || facts->item_count);
    struct verdicts v;
    int err = verdicts_init(b, f->count, &v);

    if (!err && found && is_task(parent->op) && facts->provider_id.n) {
        adopt_task(b, parent, f, facts->provider_id);
        return 0;
    }

    for (size_t i = 0; i < f->count && found && !err; i++) {
        const struct item_result *r = result_for(facts, f->items[i].to);
        bool failed = r && r->outcome == OUTCOME_PERMANENT;
        if (in_state(f, i, STATE_UNKNOWN, parent->id) && !(r && r->outcome == OUTCOME_PENDING))
            learn(b, &f->rows[i], failed ? STATE_FAILED : STATE_ACCEPTED, CAUSE_INFERRED, false, "found", &v);
    }
    return err ? err : verdicts_settle(b, &v);
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
    switch (poll->op) {
    case CALL_TASK_RESULT: return learn_task(b, parent, &f, &op->facts);
    case CALL_QUERY: return learn_query(b, parent, &f, &op->facts);
    case CALL_CANCEL_TASK: learn_cancel(b, parent, &op->facts); return 0;
    default: return 0;
    }
}
