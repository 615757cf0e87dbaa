/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/batch.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "engine/engine_private.h"
#include "limits/quota.h"

#define BATCH_MAX_BYTES ((size_t)256 << 20)
#define BATCH_MAX_ROWS 1000000

/* Every array that a flush writes, once. */
static const struct {
    size_t offset, row_bytes;
} vecs[] = {
#define V(name, type) {offsetof(struct batch, name), sizeof(type)}
    V(contacts, struct contact_row),       V(identities, struct identity_row),
    V(relations, struct relation_row),     V(tags, struct tag_row),
    V(refusals, struct refusal_row),       V(groups, struct group_row),
    V(members, struct group_member_row),   V(cooldowns, struct cooldown_row),
    V(events, struct event_row),           V(event_updates, struct event_row),
    V(cursors, struct cursor_row),         V(openings, struct opening_row),
    V(occurrences, struct occurrence_row), V(contents, struct content_row),
    V(deliveries, struct delivery_row),    V(changes, struct delivery_change),
    V(attempts, struct attempt_row),       V(attempt_updates, struct attempt_row),
    V(items, struct attempt_item_row),     V(traces, struct trace_row),
    V(refunds, int64_t),                   V(closings, int64_t),
#undef V
};
static struct vec *vec_of(const struct batch *b, size_t i)
{
    return (struct vec *)(void *)((char *)(uintptr_t)b + vecs[i].offset);
}

static void forget_rows(struct batch *b)
{
    arena_reset(&b->arena);
    for (size_t i = 0; i < ARRAY_LEN(vecs); i++)
        vec_init(vec_of(b, i), &b->arena, vecs[i].row_bytes);
    vec_init(&b->touched, &b->arena, sizeof(struct queue_row));
    map_i64_clear(&b->people);
    map_i64_clear(&b->moved);
    b->err = 0;
    b->live = 0;
}

void batch_init(struct batch *b, struct engine *e)
{
    memset(b, 0, sizeof *b);
    b->engine = e;
    arena_init(&b->arena, BATCH_MAX_BYTES);
    map_i64_init(&b->people, BATCH_MAX_ROWS);
    map_i64_init(&b->moved, BATCH_MAX_ROWS);
    list_init(&b->replies);
    buf_init(&b->note, (size_t)1 << 20);
    forget_rows(b);
}

static void drop_replies(struct batch *b)
{
    struct list *node;

    while ((node = list_pop(&b->replies)) != NULL)
        message_free(container_of(node, struct message, node));
}

void batch_fini(struct batch *b)
{
    if (!b || !b->engine)
        return;
    drop_replies(b);
    map_i64_fini(&b->moved);
    map_i64_fini(&b->people);
    buf_fini(&b->note);
    arena_fini(&b->arena);
}

int batch_begin(struct batch *b)
{
    const struct clock *clock = b->engine->clock;

    b->now_ms = engine_now_ms(b->engine);
    b->now_mono_ms = clock_mono_ms(clock);
    counter_set_now(b->engine->counters, b->now_ms);
    return store_begin(b->engine->store);
}

static bool is_opened(const struct engine *e, int32_t limit)
{
    const struct limit *l = engine_limit(e, limit);

    return l && l->window == WINDOW_OPENED;
}

/* The quota cells and claims that this batch changed. */
static int flush_counters(struct batch *b)
{
    struct store *s = b->engine->store;
    size_t n;
    const struct cell *cells = counter_set_take_dirty(b->engine->counters, &n);
    struct cell_row *rows = n ? arena_alloc(&b->arena, n * sizeof *rows) : NULL;
    if (n && !rows)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        rows[i] = (struct cell_row){.key = {cells[i].key.limit, cells[i].key.subject.a, cells[i].key.subject.b},
                                    .cell = cells[i].cell, .used = cells[i].used};
    int err = store_put_cells(s, rows, n);
    if (err)
        return err;

    const struct claim *claims = counter_set_take_claims(b->engine->counters, &n);
    struct claim_row *out = n ? arena_alloc(&b->arena, n * sizeof *out) : NULL;
    if (n && !out)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        out[i] = (struct claim_row){.owner = claims[i].owner,
                                    .key = {claims[i].key.limit, claims[i].key.subject.a, claims[i].key.subject.b},
                                    .cell = claims[i].cell, .units = claims[i].units, .at_ms = claims[i].at_ms,
                                    .carried = claims[i].carried,
                                    .opened = is_opened(b->engine, claims[i].key.limit),
                                    .state = claims[i].open ? CLAIM_OPEN : CLAIM_COUNTED};
    err = store_put_claims(s, out, n);
    (void)counter_set_take_refunds(b->engine->counters, &n); /* the store refunds by owner */
    return err;
}

static int flush_who(struct batch *b)
{
    struct store *s = b->engine->store;
    int err = store_put_contacts(s, b->contacts.rows, b->contacts.count);

    if (!err)
        err = store_put_identities(s, b->identities.rows, b->identities.count);
    if (!err)
        err = store_put_groups(s, b->groups.rows, b->groups.count);
    if (!err)
        err = store_put_group_members(s, b->members.rows, b->members.count);
    if (!err)
        err = store_put_relations(s, b->relations.rows, b->relations.count);
    if (!err)
        err = store_put_tags(s, b->tags.rows, b->tags.count);
    if (!err)
        err = store_put_refusals(s, b->refusals.rows, b->refusals.count);
    if (!err)
        err = store_put_cooldowns(s, b->cooldowns.rows, b->cooldowns.count);
    return err;
}

static int flush_events(struct batch *b)
{
    struct store *s = b->engine->store;
    int err = store_put_events(s, b->events.rows, b->events.count);

    if (!err)
        err = store_update_events(s, b->event_updates.rows, b->event_updates.count);
    if (!err)
        err = store_put_cursors(s, b->cursors.rows, b->cursors.count);
    if (!err)
        err = store_put_openings(s, b->openings.rows, b->openings.count);
    if (!err)
        err = store_update_occurrences(s, b->occurrences.rows, b->occurrences.count);
    return err;
}

/* A change that the store did not find as we loaded it is a bug of this process: nobody else writes. */
static int flush_changes(struct batch *b)
{
    bool *done = arena_alloc(&b->arena, b->changes.count * sizeof *done + 1);

    if (!done)
        return -ENOMEM;
    int err = store_update_deliveries(b->engine->store, b->changes.rows, b->changes.count, done);
    for (size_t i = 0; i < b->changes.count && !err; i++)
        if (!done[i])
            err = ERR_STATE;
    return err;
}

static int flush_sends(struct batch *b)
{
    struct store *s = b->engine->store;
    bool *fresh = arena_alloc(&b->arena, b->deliveries.count * sizeof *fresh + 1);

    if (!fresh)
        return -ENOMEM;
    int err = store_put_contents(s, b->contents.rows, b->contents.count);
    if (!err)
        err = store_put_deliveries(s, b->deliveries.rows, b->deliveries.count, fresh);
    if (!err)
        err = flush_changes(b);
    if (!err)
        err = store_put_attempts(s, b->attempts.rows, b->attempts.count);
    if (!err)
        err = store_put_attempt_items(s, b->items.rows, b->items.count);
    if (!err)
        err = store_update_attempts(s, b->attempt_updates.rows, b->attempt_updates.count);
    return err;
}

int batch_flush(struct batch *b)
{
    struct store *s = b->engine->store;
    int err = b->err;

    if (!err)
        err = flush_who(b);
    if (!err)
        err = flush_events(b);
    if (!err)
        err = flush_sends(b);
    if (!err)
        err = store_refund_claims(s, b->refunds.rows, b->refunds.count);
    if (!err)
        err = flush_counters(b);
    if (!err)
        err = store_close_claims(s, b->closings.rows, b->closings.count);
    if (!err)
        err = store_put_traces(s, b->traces.rows, b->traces.count);
    for (size_t i = 0; i < ARRAY_LEN(vecs); i++)
        vec_of(b, i)->count = 0;
    map_i64_clear(&b->moved);
    return err;
}

int batch_commit(struct batch *b, struct list *ret)
{
    int err = store_commit(b->engine->store);

    if (err)
        return err;
    list_move_all(ret, &b->replies);
    forget_rows(b);
    return 0;
}

void batch_abort(struct batch *b)
{
    store_rollback(b->engine->store);
    drop_replies(b);
    forget_rows(b);
}

void *batch_row(struct batch *b, struct vec *v)
{
    static _Thread_local _Alignas(max_align_t) char nowhere[1024];
    void *row = vec_add(v);

    assert(v->row_bytes <= sizeof nowhere);
    if (row)
        return row;
    b->err = -ENOMEM;
    return memset(nowhere, 0, sizeof nowhere);
}

struct str batch_str(struct batch *b, struct str s)
{
    char *p = s.n ? arena_str(&b->arena, s) : NULL;

    if (s.n && !p)
        b->err = -ENOMEM;
    return (struct str){p, p ? s.n : 0};
}

struct str batch_cstr(struct batch *b, const char *s)
{
    return batch_str(b, str_of(s));
}

struct str batch_json(struct batch *b, json_t *node)
{
    struct buf out;
    struct str ret = {NULL, 0};

    buf_init(&out, (size_t)1 << 20);
    if (node && json_write_compact(node, &out) == 0)
        ret = batch_str(b, buf_str(&out));
    else
        b->err = -ENOMEM;
    buf_fini(&out);
    json_decref(node);
    return ret;
}

int64_t batch_id(struct batch *b)
{
    return id_next(&b->engine->ids, b->now_ms);
}

void *batch_reply(struct batch *b, enum message_kind kind, size_t bytes)
{
    struct message *m = message_new(kind, bytes);

    if (!m) {
        b->err = -ENOMEM;
        return NULL;
    }
    list_add_tail(&b->replies, &m->node);
    return m;
}

void batch_touch(struct batch *b, struct queue_key key, int64_t due_ms)
{
    *(struct queue_row *)batch_row(b, &b->touched) = (struct queue_row){key, due_ms};
}
