/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/truth.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/shanghai.h"
#include "rulepack/rulepack.h"
#include "sim/cast.h"
#include "sim/gate.h"
#include "sim/oracle.h"
#include "sim/sim.h"
#include "store/reader.h"
#include "store/store.h"

enum { THINGS_MAX = 10000000, DELIVERIES_OF_ONE = 100000 };

struct truth_delivery {
    enum call_op op;
    int64_t orders, taken;
};

struct truth_event {
    struct inbox_key key;
    enum event_kind kind;
    char contact[96], text[64];
    int wants; /* deliveries that the playbook asks for; -1: depends on the past */
};

void truth_init(struct truth *t, struct oracle *o, struct sim *s)
{
    *t = (struct truth){.oracle = o, .sim = s};
    map_i64_init(&t->deliveries, THINGS_MAX);
    map_str_init(&t->event_keys, THINGS_MAX);
    map_str_init(&t->friends, THINGS_MAX);
}

void truth_fini(struct truth *t)
{
    union map_val v;
    int64_t key;

    for (size_t at = 0; map_i64_next(&t->deliveries, &at, &key, &v);)
        mem_free(v.p);
    map_i64_fini(&t->deliveries);
    map_str_fini(&t->event_keys);
    map_str_fini(&t->friends);
    mem_free(t->events);
}

/* ---- deliveries ---- */

static struct truth_delivery *delivery_of(struct truth *t, struct delivery_id id)
{
    struct truth_delivery *d = map_i64_get(&t->deliveries, id.v);

    if (!d) {
        d = mem_calloc(1, sizeof *d);
        sim_must(d && map_i64_put(&t->deliveries, id.v, d) == 0, "memory");
    }
    return d;
}

void truth_ordered(struct truth *t, struct delivery_id id, enum call_op op)
{
    struct truth_delivery *d = delivery_of(t, id);

    d->op = op;
    d->orders++;
}

void truth_taken(struct truth *t, struct delivery_id id)
{
    if (++delivery_of(t, id)->taken > 1)
        oracle_findf(t->oracle, "delivery %lld was taken twice", (long long)id.v);
}

/* ---- events ---- */

/* Each friendship begins with one welcome. */
static void count_friendship(struct truth *t, const struct inbound_event *e)
{
    char name[160];
    int n = snprintf(name, sizeof name, "%.*s/%.*s", STR_ARG(e->account), STR_ARG(e->contact));
    struct str key = {name, (size_t)n};
    union map_val *v = map_str_find(&t->friends, key);

    if (!v)
        sim_must(map_str_put_i64(&t->friends, key, 1 + (e->kind == EVENT_CONTACT_LOST)) == 0, "memory");
    else
        v->i += e->kind == EVENT_CONTACT_LOST;
}

/* The event by what it says, not by the key that the product made of it. */
static bool is_first(struct truth *t, struct connection_id connection, const struct inbound_event *e)
{
    char name[512];
    int n = snprintf(name, sizeof name, "%lld/%d/%lld/%.*s/%.*s/%.*s/%.*s/%.*s/%d", (long long)connection.v,
                     e->kind, (long long)e->at_ms, STR_ARG(e->account), STR_ARG(e->contact), STR_ARG(e->text),
                     STR_ARG(e->code), STR_ARG(e->handle), e->verdict);
    struct str key = {name, n < (int)sizeof name ? (size_t)n : sizeof name - 1};

    if (map_str_find(&t->event_keys, key))
        return false;
    sim_must(map_str_put_i64(&t->event_keys, key, 1) == 0, "memory");
    return true;
}

void truth_acknowledged(struct truth *t, struct connection_id connection, const struct inbound_event *e)
{
    if (!e->has_key || !is_first(t, connection, e))
        return;
    if (e->kind == EVENT_CONTACT_ADDED || e->kind == EVENT_CONTACT_LOST)
        count_friendship(t, e);
    if (t->event_count == t->event_cap) {
        t->event_cap = t->event_cap ? 2 * t->event_cap : 256;
        t->events = mem_resize(t->events, t->event_cap, sizeof *t->events);
        sim_must(t->events != NULL, "memory");
    }
    struct truth_event *x = &t->events[t->event_count++];
    *x = (struct truth_event){
        .key.connection = connection, .kind = e->kind, .wants = cast_wants(e->kind, e->text)};
    memcpy(x->key.key, e->key, sizeof x->key.key);
    (void)snprintf(x->contact, sizeof x->contact, "%.*s", STR_ARG(e->contact));
    (void)snprintf(x->text, sizeof x->text, "%.*s", STR_ARG(e->text));
}

/* ---- the store's own check ---- */

static int64_t amount_of(void *ctx, int32_t id, int64_t cell)
{
    const struct truth *t = ctx;
    const struct limit *l = rulepack_limit(t->sim->rules, id);

    if (!l) /* an operator's; cell 0 is a pace's */
        return cell ? INT64_MAX : -1;
    if (l->window == WINDOW_PACE)
        return -1;
    return l->amount == AMOUNT_DAYS_IN_MONTH ? shanghai_days_in_month(cell) : l->amount;
}

static void on_violation(void *ctx, const char *text)
{
    struct truth *t = ctx;

    oracle_findf(t->oracle, "verify: %s", text);
}

static struct reader *open_reader(const struct truth *t)
{
    struct reader *r = NULL;
    struct diag diag;

    diag_init(&diag, 5);
    int err = reader_open(gate_dir(t->sim->gate), &r, &diag);
    diag_fini(&diag);
    sim_must(err == 0, "the reader");
    return r;
}

void truth_verify(struct truth *t)
{
    struct reader *r = open_reader(t);
    struct verify_hooks hooks = {t, amount_of, on_violation};
    struct verify_totals totals = {0};

    sim_must(reader_verify(r, &hooks, &totals) == 0, "verify");
    reader_close(r);
}

/* ---- the end ---- */

static bool denies(const struct delivery_row *row)
{
    return row->state == STATE_FAILED || row->state == STATE_EXPIRED || row->state == STATE_SUPPRESSED ||
           row->state == STATE_CANCELLED;
}

static bool claims_success(const struct delivery_row *row)
{
    return row->state == STATE_ACCEPTED || row->state == STATE_DELIVERED;
}

static bool is_task(enum call_op op)
{
    return op == CALL_TASK || op == CALL_GROUP_TASK;
}

/* A task that was taken may still end unconfirmed, and what a receipt says comes after the taking. */
static void check_delivery(struct truth *t, struct delivery_id id, const struct truth_delivery *d,
                           const struct delivery_row *row)
{
    if (!row->id.v) {
        oracle_findf(t->oracle, "delivery %lld was ordered and is not in the store", (long long)id.v);
        return;
    }
    if (!row->final)
        oracle_findf(t->oracle, "delivery %lld (%s) is not final: %s, %s", (long long)id.v,
                     call_op_text(d->op), delivery_state_text(row->state), cause_text(row->cause));
    if (d->taken && denies(row) && !is_task(d->op) && row->cause != CAUSE_RECEIPT)
        oracle_findf(t->oracle, "delivery %lld (%s) was taken, the record says %s, %s", (long long)id.v,
                     call_op_text(d->op), delivery_state_text(row->state), cause_text(row->cause));
    if (!d->taken && claims_success(row) && row->cause != CAUSE_PASSIVE)
        oracle_findf(t->oracle, "delivery %lld (%s) was never taken, the record says %s, %s", (long long)id.v,
                     call_op_text(d->op), delivery_state_text(row->state), cause_text(row->cause));
}

static void check_deliveries(struct truth *t, struct reader *r)
{
    struct arena a;
    union map_val v;
    int64_t key;

    arena_init(&a, (size_t)64 << 20);
    for (size_t at = 0; map_i64_next(&t->deliveries, &at, &key, &v);) {
        struct delivery_row row = {.id = {0}};
        int err = reader_delivery(r, (struct delivery_id){key}, &a, &row);
        sim_must(err == 0 || err == ERR_NOT_FOUND, "a delivery");
        check_delivery(t, (struct delivery_id){key}, v.p, &row);
        arena_reset(&a);
    }
    arena_fini(&a);
}

/* What is still held, and why: by account and lane, the first row of each queue. */
static void tell_held(struct truth *t)
{
    struct store *store = gate_store(t->sim->gate);
    struct queue_row *queues;
    struct delivery_row *rows;
    struct arena a;
    size_t n, m;
    int64_t next;

    arena_init(&a, (size_t)64 << 20);
    sim_must(store_load_queues(store, &a, &queues, &n) == 0, "queues");
    for (size_t i = 0; i < n; i++) {
        sim_must(store_load_due(store, queues[i].key, INT64_MAX - 1, 1, &a, &rows, &m, &next) == 0, "due");
        if (m)
            oracle_findf(t->oracle,
                         "delivery %lld (%s) is still %s (%s, limit %d), due in %lld ms, deadline in %lld ms",
                         (long long)rows[0].id.v, call_op_text(rows[0].op),
                         delivery_state_text(rows[0].state), cause_text(rows[0].cause), rows[0].hold_limit,
                         (long long)(rows[0].due_ms - sim_now(t->sim)),
                         (long long)(rows[0].deadline_ms - sim_now(t->sim)));
    }
    arena_fini(&a);
}

static void check_counts(struct truth *t, struct reader *r)
{
    static const enum delivery_state open[] = {STATE_PLANNED, STATE_QUEUED, STATE_HELD, STATE_IN_FLIGHT,
                                               STATE_AWAITING_CONFIRM};
    struct store_counts counts;

    sim_must(reader_counts(r, &counts) == 0, "counts");
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++)
        if (counts.deliveries[open[i]])
            oracle_findf(t->oracle, "at the end %lld deliveries are %s",
                         (long long)counts.deliveries[open[i]], delivery_state_text(open[i]));
    if (counts.open_attempts)
        oracle_findf(t->oracle, "at the end %lld attempts are open", (long long)counts.open_attempts);
    if (counts.events[EVENT_STORED])
        oracle_findf(t->oracle, "at the end %lld events are not decided",
                     (long long)counts.events[EVENT_STORED]);
}

static int deliveries_of(struct reader *r, const char *contact, int64_t event)
{
    struct contact_row *who;
    struct delivery_row *rows;
    struct arena a;
    size_t n, m;
    int count = 0;

    arena_init(&a, (size_t)64 << 20);
    sim_must(reader_find_contact(r, str_of(contact), 8, &a, &who, &n) == 0, "a contact");
    for (size_t i = 0; i < n; i++) {
        sim_must(reader_deliveries_of_contact(r, who[i].id, DELIVERIES_OF_ONE, &a, &rows, &m) == 0,
                 "deliveries");
        for (size_t k = 0; k < m; k++)
            count += rows[k].origin_kind == ORIGIN_EVENT && rows[k].origin == event;
    }
    arena_fini(&a);
    return count;
}

static void check_event(struct truth *t, struct reader *r, const struct truth_event *e,
                        const struct inbox_row *row)
{
    if (!row->event.v) {
        oracle_findf(t->oracle, "an acknowledged %s of %s is lost", event_kind_text(e->kind), e->contact);
        return;
    }
    if (row->state != EVENT_DECIDED)
        oracle_findf(t->oracle, "event %lld is not decided", (long long)row->event.v);
    if (e->wants < 0)
        return;
    int got = deliveries_of(r, e->contact, row->event.v);
    if (got != e->wants)
        oracle_findf(t->oracle, "event %lld, %s of %s: %d deliveries instead of %d", (long long)row->event.v,
                     event_kind_text(e->kind), e->contact, got, e->wants);
}

/* Two events that share a row: one of them was taken for a repeat. */
static void check_rows(struct truth *t, struct map_i64 *taken, const struct truth_event *e, int64_t event)
{
    const struct truth_event *other = event ? map_i64_get(taken, event) : NULL;

    if (other)
        oracle_findf(t->oracle, "%s of %s (%s) was taken for a repeat of that of %s (%s)",
                     event_kind_text(e->kind), e->contact, e->text, other->contact, other->text);
    else if (event)
        sim_must(map_i64_put(taken, event, (void *)(uintptr_t)e) == 0, "memory");
}

static void check_events(struct truth *t, struct reader *r)
{
    struct map_i64 taken;
    struct arena a;

    arena_init(&a, (size_t)16 << 20);
    map_i64_init(&taken, THINGS_MAX);
    for (size_t i = 0; i < t->event_count; i++) {
        struct inbox_row row = {.event = {0}};
        sim_must(store_find_inbox(gate_store(t->sim->gate), &t->events[i].key, 1, &a, &row) == 0,
                 "the inbox");
        check_event(t, r, &t->events[i], &row);
        check_rows(t, &taken, &t->events[i], row.event.v);
        arena_reset(&a);
    }
    map_i64_fini(&taken);
    arena_fini(&a);
}

static int welcomes_of(struct reader *r, const char *contact, struct account_id account)
{
    struct contact_row *who;
    struct delivery_row *rows;
    struct arena a;
    size_t n, m;
    int count = 0;

    arena_init(&a, (size_t)64 << 20);
    sim_must(reader_find_contact(r, str_of(contact), 8, &a, &who, &n) == 0, "a contact");
    for (size_t i = 0; i < n; i++) {
        sim_must(reader_deliveries_of_contact(r, who[i].id, DELIVERIES_OF_ONE, &a, &rows, &m) == 0,
                 "deliveries");
        for (size_t k = 0; k < m; k++)
            count += rows[k].class == CLASS_WELCOME && rows[k].account.v == account.v;
    }
    arena_fini(&a);
    return count;
}

static void check_friendships(struct truth *t, struct reader *r)
{
    struct account_row *accounts;
    struct arena a;
    union map_val v;
    struct str key, userid, contact;
    size_t n;

    arena_init(&a, (size_t)16 << 20);
    sim_must(reader_accounts(r, &a, &accounts, &n) == 0, "accounts");
    for (size_t at = 0; map_str_next(&t->friends, &at, &key, &v);) {
        char name[160];
        (void)str_cut(key, '/', &userid, &contact);
        (void)snprintf(name, sizeof name, "%.*s", STR_ARG(contact));
        for (size_t i = 0; i < n; i++) {
            int welcomes = str_eq(accounts[i].external, userid) ? welcomes_of(r, name, accounts[i].id) : 0;
            if (welcomes > v.i)
                oracle_findf(t->oracle, "%.*s welcomed %s %d times in %lld friendships", STR_ARG(userid),
                             name, welcomes, (long long)v.i);
        }
    }
    arena_fini(&a);
}

void truth_end(struct truth *t)
{
    struct reader *r = open_reader(t);

    check_deliveries(t, r);
    check_counts(t, r);
    tell_held(t);
    check_events(t, r);
    check_friendships(t, r);
    reader_close(r);
}
