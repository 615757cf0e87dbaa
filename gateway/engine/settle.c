/* SPDX-License-Identifier: Apache-2.0 */
/* One attempt's facts, item by item:
 *
 *     accepted            -> accepted (final unless a receipt can still come)
 *     task                -> awaiting_confirm, the charge stays open
 *     not sent            -> refund, queued again with back-off, or expired
 *     limited             -> held until the platform's time; refund where the rule pack says so
 *     permanent           -> failed; refund where the rule pack says so
 *     unknown             -> the same key again where the class allows it (a single-use code),
 *                            else unknown: reconciled by followup.c, never resent
 */
#include "engine/settle.h"

#include <assert.h>
#include <string.h>

#include "base/shanghai.h"
#include "engine/attempt.h"
#include "engine/broadcast.h"
#include "engine/counters.h"
#include "engine/delivery.h"
#include "engine/engine_private.h"
#include "engine/followup.h"
#include "engine/note.h"
#include "engine/profile.h"

enum { BACKOFF_MIN_MS = 1000, BACKOFF_MAX_MS = 900000, WELCOME_RETRY_MS = 150, RECOVER_CHUNK = 500, WANTS_MAX = 32 };

/* Everything one settlement looks at. */
struct settlement {
    const struct facts *facts;
    struct attempt_row *attempt;
    struct account *account; /* NULL: its connection is no longer configured */
    int64_t *refunds;
    size_t refund_count;
    struct delivery_row **used_up; /* whose window the platform calls used up */
    size_t used_up_count;
};

int64_t settle_blocked_until(const struct engine *e, struct account_id account)
{
    const union map_val *v = map_i64_find(&e->blocked, account.v);

    return v ? v->i : 0;
}

void settle_count(struct batch *b, int64_t owner)
{
    *(int64_t *)batch_row(b, &b->closings) = owner;
}

int settle_count_late(struct batch *b, const int64_t *owners, size_t n)
{
    struct claim *claims;
    size_t count;
    int err = n ? counters_load_claims(b, owners, n, &claims, &count) : 0;

    if (!err && n)
        err = quota_settle(b->engine->counters, claims, count, b->now_ms, NULL);
    for (size_t i = 0; i < n && !err; i++)
        settle_count(b, owners[i]);
    return err;
}

/* A limit that is not applied any more has no counter to give back to: its cell keeps the units, and a claim of nobody
 * stands for them. */
static int forfeit_gone(struct batch *b, struct claim *claims, size_t *n)
{
    size_t kept = 0;
    int err = 0;

    for (size_t i = 0; i < *n && !err; i++) {
        const struct claim *c = &claims[i];
        struct claim_row lost = {.key = {c->key.limit, c->key.subject.a, c->key.subject.b}, .cell = c->cell,
                                 .units = c->units, .at_ms = c->at_ms, .state = CLAIM_COUNTED};
        if (engine_limit(b->engine, c->key.limit))
            claims[kept++] = *c;
        else
            err = store_put_claims(b->engine->store, &lost, 1);
    }
    *n = kept;
    return err;
}

int settle_refund(struct batch *b, const int64_t *owners, size_t n)
{
    struct claim *claims;
    size_t count;
    int err = n ? counters_load_claims(b, owners, n, &claims, &count) : 0;

    if (!err && n)
        err = forfeit_gone(b, claims, &count);
    if (err || !n)
        return err;
    err = quota_refund(b->engine->counters, claims, count);
    for (size_t i = 0; i < n && !err; i++)
        *(int64_t *)batch_row(b, &b->refunds) = owners[i];
    return err;
}

/* Somebody else used what our counters still offer. An operator's limit is ours alone. */
int settle_use_up(struct batch *b, const struct account *account, const struct delivery_row *row)
{
    struct claim_want wants[WANTS_MAX];
    struct quota_send send = {.kind = account->kind, .op = row->op, .class = row->class,
                              .domain = account->connection->domain, .account = account->id.v,
                              .contact = row->contact.v, .delivery = row->id.v, .segments = 1,
                              .variants = account->connection->variants};
    int n = quota_wants(b->engine->counters, &send, wants, WANTS_MAX);
    int err = n < 0 ? n : 0;

    for (int i = 0; i < n && !err; i++) {
        const struct limit *l = wants[i].limit;
        struct counter_key key = {l->id, wants[i].subject};
        if (l->trust == TRUST_OPERATOR || (l->scope != SCOPE_DOMAIN_RECIPIENT && l->scope != SCOPE_ACCOUNT_RECIPIENT))
            continue;
        err = counters_load(b, &key, 1);
        if (!err)
            err = quota_close_window(b->engine->counters, key, b->now_ms);
    }
    return err;
}

static int64_t backoff_ms(const struct delivery_row *row)
{
    int64_t ms = BACKOFF_MIN_MS;

    for (int32_t i = 1; i < row->tries && ms < BACKOFF_MAX_MS; i++)
        ms *= 2;
    if (ms > BACKOFF_MAX_MS)
        ms = BACKOFF_MAX_MS;
    return ms / 2 + (int64_t)((uint64_t)row->id.v * UINT64_C(0x9E3779B97F4A7C15) >> 33) % (ms / 2 + 1);
}

static struct str fact_note(struct batch *b, const struct settlement *s, int errcode)
{
    struct note n;

    note_begin(&n, b);
    note_int(&n, "attempt", s->attempt->id.v);
    if (errcode)
        note_int(&n, "errcode", errcode);
    if (s->facts->http && s->facts->http != 200)
        note_int(&n, "http", s->facts->http);
    note_str(&n, "error", s->facts->error);
    note_str(&n, "provider_id", s->facts->provider_id);
    return note_end(&n);
}

/* What the platform's code means; some platforms say it in words. */
static const struct code_rule *rule_of(const struct batch *b, const struct settlement *s, int errcode)
{
    const char *platform = s->account ? s->account->connection->platform.p : "";

    if (!errcode && s->facts->error.n)
        return rulepack_word(b->engine->rules, platform, s->facts->error);
    return rulepack_code(b->engine->rules, platform, s->attempt->op, errcode);
}

static void refund_later(struct settlement *s, int64_t owner)
{
    s->refunds[s->refund_count++] = owner;
}

/* What a repeat was told says nothing about the first call, which holds the charge. */
static void refund_row(struct settlement *s, const struct delivery_row *row)
{
    if (row->cause != CAUSE_NO_ANSWER)
        refund_later(s, row->id.v);
}

void settle_drop(struct batch *b, struct delivery_row *row, struct delivery_move m)
{
    m.final = true;
    if (row->cause == CAUSE_NO_ANSWER) {
        m.to = STATE_UNKNOWN;
        m.cause = CAUSE_NO_ANSWER;
        m.what = delivery_state_text(m.to);
        settle_count(b, row->id.v);
    }
    delivery_move(b, row, m);
}

/* Goes back into the queue, or ends because there is no time left for it. That an earlier call had no answer is not
 * forgotten. */
static void again(struct batch *b, const struct settlement *s, struct delivery_row *row, enum delivery_state to,
                  enum cause cause, int64_t due_ms, int errcode)
{
    struct str detail = fact_note(b, s, errcode);

    if (due_ms >= row->deadline_ms)
        settle_drop(b, row, (struct delivery_move){.to = STATE_EXPIRED, .cause = CAUSE_DEADLINE, .what = "expired",
                                                   .detail = detail});
    else
        delivery_move(b, row, (struct delivery_move){.to = to,
                                                     .cause = row->cause == CAUSE_NO_ANSWER ? CAUSE_NO_ANSWER : cause,
                                                     .due_ms = due_ms, .what = to == STATE_HELD ? "held" : "retry",
                                                     .detail = detail});
}

static void end(struct batch *b, const struct settlement *s, struct delivery_row *row, enum delivery_state to,
                enum cause cause, bool final, int errcode)
{
    delivery_move(b, row, (struct delivery_move){.to = to, .cause = cause, .final = final,
                                                 .what = delivery_state_text(to), .detail = fact_note(b, s, errcode)});
}

static void on_accepted(struct batch *b, struct settlement *s, struct delivery_row *row, enum cause cause, int errcode)
{
    bool receipt = s->account && s->account->rule->receipt && cause == CAUSE_ACCEPTED;

    if (s->attempt->op == CALL_MASS_TAG && cause == CAUSE_ACCEPTED)
        cause = CAUSE_NOT_ITEMISED; /* the platform names nobody */
    end(b, s, row, STATE_ACCEPTED, cause, !receipt, errcode);
    settle_count(b, row->id.v);
}

static void on_unknown(struct batch *b, struct settlement *s, struct delivery_row *row, int errcode)
{
    const struct class_rule *rule = rulepack_class(b->engine->rules, row->class);
    bool same_key_is_safe = row->op == CALL_WELCOME && row->code.n;

    if (rule->resend_unknown && same_key_is_safe && row->tries < rule->max_attempts &&
        b->now_ms + WELCOME_RETRY_MS < row->deadline_ms) {
        again(b, s, row, STATE_QUEUED, CAUSE_NO_ANSWER, b->now_ms + WELCOME_RETRY_MS, errcode);
        return;
    }
    bool hope = followup_can_reconcile(s->account, s->attempt->op);
    end(b, s, row, STATE_UNKNOWN, hope ? CAUSE_NO_ANSWER : CAUSE_NEVER_DUPLICATE, !hope, errcode);
    if (!hope)
        settle_count(b, row->id.v);
}

static int64_t retry_at(const struct batch *b, const struct settlement *s, const struct code_rule *code)
{
    int64_t ms = s->facts->retry_ms ? s->facts->retry_ms : code->retry_ms;

    if (ms == -1)
        return shanghai_day_start_ms(shanghai_day_index(b->now_ms) + 1);
    if (ms == -2)
        return shanghai_month_start_ms(shanghai_month_index(b->now_ms) + 1);
    return b->now_ms + (ms > 0 ? ms : 60000);
}

/* Of several words of the platform the latest time wins. */
static void block(struct batch *b, const struct account *a, int64_t until_ms)
{
    if (until_ms > settle_blocked_until(b->engine, a->id) &&
        map_i64_put_i64(&b->engine->blocked, a->id.v, until_ms) != 0)
        b->err = -ENOMEM;
}

/* The recipient's own window is used up or over, and no time brings it back: only an event does. */
static bool closes_window(struct settlement *s, struct delivery_row *row, const struct code_rule *code)
{
    if (!code->close_window || code->retry_ms || row->op != CALL_SEND || !s->account)
        return false;
    s->used_up[s->used_up_count++] = row;
    return true;
}

static void on_limited(struct batch *b, struct settlement *s, struct delivery_row *row, int errcode)
{
    const struct code_rule *code = rule_of(b, s, errcode);
    int64_t until = retry_at(b, s, code);

    if (code->refund)
        refund_row(s, row);
    else
        settle_count(b, row->id.v);
    if (closes_window(s, row, code)) {
        delivery_move(b, row, (struct delivery_move){.to = STATE_HELD, .cause = CAUSE_NO_WINDOW,
                                                     .due_ms = row->deadline_ms, .what = "held",
                                                     .detail = fact_note(b, s, errcode)});
        return;
    }
    if (code->max_retries && row->tries > code->max_retries && until < b->now_ms + backoff_ms(row))
        until = b->now_ms + backoff_ms(row); /* it said "soon" too often */
    if (s->account && !code->close_window)
        block(b, s->account, until);
    again(b, s, row, STATE_HELD, CAUSE_PLATFORM_LIMIT, until, errcode);
}

static void on_permanent(struct batch *b, struct settlement *s, struct delivery_row *row, int errcode)
{
    const struct code_rule *code = rule_of(b, s, errcode);

    (void)closes_window(s, row, code);
    if (code->refused)
        *(struct refusal_row *)batch_row(b, &b->refusals) = (struct refusal_row){
            .contact = row->contact, .scope = STR("marketing"), .source = STR("platform"), .at_ms = b->now_ms};
    if (row->cause == CAUSE_NO_ANSWER) {
        end(b, s, row, STATE_UNKNOWN, CAUSE_NO_ANSWER, true, errcode);
        settle_count(b, row->id.v);
        return;
    }
    if (code->refund)
        refund_later(s, row->id.v);
    else
        settle_count(b, row->id.v);
    end(b, s, row, STATE_FAILED,
        errcode == 41051      ? CAUSE_DONE_ELSEWHERE
        : code->unreachable   ? CAUSE_NOT_REACHABLE
        : code->close_window  ? CAUSE_PLATFORM_QUOTA
                              : CAUSE_REJECTED,
        true, errcode);
}

/* The single-use code is used up, and a call of ours had no answer: that one had got through. 95001 is 微信客服's word
 * for it. */
static bool had_got_through(const struct delivery_row *row, enum outcome outcome, int errcode)
{
    return row->op == CALL_WELCOME && row->cause == CAUSE_NO_ANSWER && (errcode == 41051 || errcode == 95001) &&
           (outcome == OUTCOME_PERMANENT || outcome == OUTCOME_LIMITED);
}

static void settle_one(struct batch *b, struct settlement *s, struct delivery_row *row, enum outcome outcome,
                       int errcode)
{
    if (had_got_through(row, outcome, errcode)) {
        on_accepted(b, s, row, CAUSE_INFERRED, errcode);
        return;
    }
    switch (outcome) {
    case OUTCOME_ACCEPTED:
        on_accepted(b, s, row, errcode == 41051 && row->cause == CAUSE_NO_ANSWER ? CAUSE_INFERRED : CAUSE_ACCEPTED,
                    errcode);
        break;
    case OUTCOME_DELIVERED:
        end(b, s, row, STATE_DELIVERED, CAUSE_RECEIPT, true, errcode);
        settle_count(b, row->id.v);
        break;
    case OUTCOME_TASK: end(b, s, row, STATE_AWAITING_CONFIRM, CAUSE_ACCEPTED, false, errcode); break;
    case OUTCOME_NOT_SENT:
        refund_row(s, row);
        again(b, s, row, STATE_QUEUED, CAUSE_BACKOFF,
              b->now_ms + (s->facts->retry_ms > 0 ? s->facts->retry_ms : backoff_ms(row)), errcode);
        break;
    case OUTCOME_LIMITED: on_limited(b, s, row, errcode); break;
    case OUTCOME_PERMANENT: on_permanent(b, s, row, errcode); break;
    case OUTCOME_UNKNOWN:
    case OUTCOME_PENDING: on_unknown(b, s, row, errcode); break;
    case OUTCOME_COUNT: assert(0 && "outcome"); break;
    }
}

/* The item's own result where the facts have one. */
static const struct item_result *result_of(const struct facts *f, struct delivery_id id, struct str to)
{
    for (size_t i = 0; i < f->item_count; i++)
        if (f->items[i].id.v ? f->items[i].id.v == id.v : str_eq(f->items[i].to, to))
            return &f->items[i];
    return NULL;
}

static int settle_items(struct batch *b, struct settlement *s)
{
    struct attempt_item_row *items;
    size_t n;
    int err = store_load_attempt_items(b->engine->store, s->attempt->id, &b->arena, &items, &n);
    struct delivery_id *ids = arena_alloc(&b->arena, n * sizeof *ids + 1);
    struct delivery_row *rows = arena_alloc(&b->arena, n * sizeof *rows + 1);

    s->refunds = arena_alloc(&b->arena, (n + 1) * sizeof *s->refunds);
    s->used_up = arena_alloc(&b->arena, n * sizeof *s->used_up + 1);
    if (err)
        return err;
    if (!ids || !rows || !s->refunds || !s->used_up)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        ids[i] = items[i].delivery;
    err = n ? store_load_deliveries(b->engine->store, ids, n, &b->arena, rows) : 0;
    for (size_t i = 0; i < n && !err; i++) {
        const struct item_result *r = result_of(s->facts, ids[i], items[i].to);
        if (rows[i].state == STATE_IN_FLIGHT && rows[i].attempt.v == s->attempt->id.v)
            settle_one(b, s, &rows[i], r ? r->outcome : s->facts->outcome, r ? r->errcode : s->facts->errcode);
    }
    return err;
}

/* The call itself: units counted by call, and the gap that runs from the answer. */
static int settle_call(struct batch *b, struct settlement *s)
{
    struct claim *claims;
    size_t n;
    int err = counters_load_claims(b, &s->attempt->id.v, 1, &claims, &n);

    if (!err && n)
        err = quota_end_call(b->engine->counters, claims, n, b->now_ms);
    if (err)
        return err;
    if (s->facts->outcome == OUTCOME_NOT_SENT && !s->facts->bytes_out)
        refund_later(s, s->attempt->id.v);
    else
        settle_count(b, s->attempt->id.v);
    err = settle_refund(b, s->refunds, s->refund_count);
    for (size_t i = 0; i < s->used_up_count && !err; i++)
        err = settle_use_up(b, s->account, s->used_up[i]);
    return err;
}

void settle_freeze(struct batch *b, struct account *account, struct str why)
{
    struct note n;

    if (account->frozen)
        return;
    account->frozen = true;
    if (store_set_account_state(b->engine->store, account->id, true, why, b->now_ms) != 0)
        b->err = ERR_IO;
    note_begin(&n, b);
    note_cstr(&n, "type", "frozen");
    note_str(&n, "account", account->name);
    note_str(&n, "why", why);
    live_add(b, note_end(&n));
}

static void freeze(struct batch *b, const struct settlement *s)
{
    char why[64];
    int n = snprintf(why, sizeof why, "platform code %d", s->facts->errcode);

    if (s->account)
        settle_freeze(b, s->account, (struct str){why, (size_t)n});
}

static void close_attempt(struct batch *b, struct settlement *s)
{
    struct attempt_row *a = s->attempt;
    const struct facts *f = s->facts;

    a->state = ATTEMPT_ENDED;
    a->ended_ms = b->now_ms;
    a->outcome = f->outcome;
    a->bytes_out = f->bytes_out;
    a->http = f->http;
    a->errcode = f->errcode;
    a->error = f->error;
    if (f->provider_id.n)
        a->provider_id = f->provider_id;
    followup_plan(b, s->account, a);
    *(struct attempt_row *)batch_row(b, &b->attempt_updates) = *a;
    attempt_closed(b->engine, a);
}

int settle_facts(struct batch *b, const struct op_facts *op)
{
    struct attempt_row *attempt = arena_alloc(&b->arena, sizeof *attempt);
    struct settlement s = {.facts = &op->facts, .attempt = attempt};

    if (!attempt)
        return -ENOMEM;
    int err = store_load_attempts(b->engine->store, &op->id, 1, &b->arena, attempt);
    if (err || !attempt->id.v || attempt->state == ATTEMPT_ENDED)
        return err; /* somebody asked twice: the first word stands */
    if (op->facts.date_ms && gateway_clock_confirm(&b->engine->now, op->facts.date_ms)) {
        b->now_ms = engine_now_ms(b->engine);
        counter_set_now(b->engine->counters, b->now_ms);
    }
    s.account = registry_account(&b->engine->registry, attempt->account);
    err = settle_items(b, &s);
    if (!err)
        err = settle_call(b, &s);
    if (!err && attempt->parent.v)
        err = followup_learn(b, attempt, op);
    if (!err && attempt->op == CALL_TAG_MEMBERS)
        err = broadcasts_learn_page(b->engine->broadcasts, b, attempt, op);
    if (!err && attempt->op == CALL_CONTACT_DETAIL)
        err = profile_learn(b, attempt, op);
    if (err)
        return err;
    if (op->facts.freeze)
        freeze(b, &s);
    close_attempt(b, &s);
    return 0;
}

int settle_receipt(struct batch *b, struct delivery_row *row, enum outcome verdict, struct event_id event)
{
    bool ok = verdict == OUTCOME_DELIVERED || verdict == OUTCOME_ACCEPTED;
    enum delivery_state to = ok ? STATE_DELIVERED : STATE_FAILED;
    /* A receipt may overtake the answer to its own call. */
    bool open = row->state == STATE_IN_FLIGHT || row->state == STATE_UNKNOWN || row->state == STATE_AWAITING_CONFIRM;
    struct note n;
    int err = 0;

    if (!row->id.v || verdict == OUTCOME_PENDING || !delivery_state_may_become(row->state, to))
        return 0;
    if (open && !row->final)
        err = settle_count_late(b, &row->id.v, 1);
    note_begin(&n, b);
    note_int(&n, "event", event.v);
    delivery_move(b, row, (struct delivery_move){.to = to, .cause = CAUSE_RECEIPT, .final = true, .what = "receipt",
                                                 .detail = note_end(&n)});
    return err;
}

/* Nobody knows whether it arrived: treated like an attempt without an answer. */
int settle_recover(struct batch *b)
{
    struct attempt_row *open;
    size_t n;
    int err = store_load_open_attempts(b->engine->store, &b->arena, &open, &n);

    for (size_t i = 0; i < n && i < RECOVER_CHUNK && !err; i++) {
        struct op_facts op = {.id = open[i].id,
                              .facts = {.outcome = OUTCOME_UNKNOWN, .bytes_out = 1, .error = STR("unclean stop")}};
        err = settle_facts(b, &op);
    }
    return err ? err : n > RECOVER_CHUNK;
}
