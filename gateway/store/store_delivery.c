/* SPDX-License-Identifier: Apache-2.0 */
/* Deliveries: what is said, to whom, and in which of three tables it stands.
 *
 *     put -> outbox <-> open_delivery -> history        a change of state may move the row
 *                 \----------------------^
 *
 * A move copies the row inside the database, so columns that never change cannot be lost on the way. */
#include "store/store_private.h"

_Static_assert(STATE_PLANNED == 0 && STATE_IN_FLIGHT == 3 && STATE_AWAITING_CONFIRM == 4 &&
                   STATE_UNKNOWN == 5 && STATE_ACCEPTED == 6,
               "states of open_delivery");

enum delivery_place delivery_place_of(enum delivery_state state, bool final)
{
    switch (state) {
    case STATE_QUEUED:
    case STATE_HELD: return PLACE_OUTBOX;
    case STATE_PLANNED:
    case STATE_IN_FLIGHT:
    case STATE_AWAITING_CONFIRM: return PLACE_OPEN;
    case STATE_UNKNOWN:
    case STATE_ACCEPTED: return final ? PLACE_HISTORY : PLACE_OPEN;
    default: return PLACE_HISTORY;
    }
}

/* ---- contents ---- */

int store_put_contents(struct store *s, const struct content_row *rows, size_t n)
{
    struct db *db = store_writes(s);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        struct db_query *q = db_query(db, "INSERT INTO content(id, rendered, body) VALUES (?, ?, ?)");

        db_bind(q, rows[i].id);
        db_bind(q, rows[i].rendered);
        db_bind_text(q, rows[i].body);
        r = db_run(q, NULL);
    }
    return r;
}

int content_find(struct db *db, int64_t id, struct arena *a, struct content_row *ret)
{
    struct db_query *q = db_query(db, "SELECT id, rendered, body FROM content WHERE id = ?");

    *ret = (struct content_row){0};
    db_bind(q, id);
    if (db_step(q) > 0) {
        ret->id = db_int(q);
        ret->rendered = db_int(q) != 0;
        ret->body = db_text(q, a);
    }
    return db_end(q);
}

int store_load_contents(struct store *s, const int64_t *ids, size_t n, struct arena *a,
                        struct content_row *ret)
{
    struct db *db = store_reads(s);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++)
        r = content_find(db, ids[i], a, &ret[i]);
    return r;
}

/* ---- put ---- */

/* False: a delivery of this origin, step, visit and recipient exists. */
static int put_key(struct db *db, const struct delivery_row *row, bool *ret_new)
{
    struct db_query *q =
        db_query(db, "INSERT INTO delivery_key(contact, grp, origin, origin_kind, step, visit, id)"
                     " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING");
    int64_t done = 0;
    int r;

    db_bind(q, row->contact.v);
    db_bind(q, row->group.v);
    db_bind(q, row->origin);
    db_bind(q, row->origin_kind);
    db_bind(q, row->step);
    db_bind(q, row->visit);
    db_bind(q, row->id.v);
    r = db_run(q, &done);
    *ret_new = done > 0;
    return r;
}

static int put_row(struct db *db, const struct delivery_row *row)
{
    static const char *const inserts[PLACE_COUNT] = {
        [PLACE_OUTBOX] = "INSERT INTO outbox(" DELIVERY_COLUMNS
                         ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        [PLACE_OPEN] = "INSERT INTO open_delivery(" DELIVERY_COLUMNS
                       ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        [PLACE_HISTORY] = "INSERT INTO history(" DELIVERY_COLUMNS
                          ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
    };
    struct db_query *q = db_query(db, inserts[delivery_place_of(row->state, row->final)]);

    db_bind(q, row->id.v);
    db_bind(q, row->account.v);
    db_bind(q, row->lane);
    db_bind(q, row->campaign);
    db_bind(q, row->due_ms);
    db_bind(q, row->origin_kind);
    db_bind(q, row->origin);
    db_bind(q, row->step);
    db_bind(q, row->visit);
    db_bind(q, row->contact.v);
    db_bind(q, row->group.v);
    db_bind(q, row->class);
    db_bind(q, row->op);
    db_bind(q, row->state);
    db_bind(q, row->cause);
    db_bind(q, row->deadline_ms);
    db_bind(q, row->created_ms);
    db_bind(q, row->content);
    db_bind(q, row->attempt.v);
    db_bind(q, row->tries);
    db_bind(q, row->hold_limit);
    db_bind(q, row->hold_used);
    db_bind(q, row->hold_max);
    db_bind_text(q, row->code);
    db_bind(q, row->changed_ms);
    return db_run(q, NULL);
}

int store_put_deliveries(struct store *s, const struct delivery_row *rows, size_t n, bool *ret_new)
{
    struct db *db = store_writes(s);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        r = put_key(db, &rows[i], &ret_new[i]);
        if (r < 0 || !ret_new[i])
            continue;
        r = put_row(db, &rows[i]);
        s->tally.deliveries[rows[i].state]++;
    }
    return r;
}

/* ---- load ---- */

void delivery_read(struct db_query *q, struct arena *a, bool final, struct delivery_row *ret)
{
    ret->id.v = db_int(q);
    ret->account.v = db_int(q);
    ret->lane = (int)db_int(q);
    ret->campaign = db_int(q);
    ret->due_ms = db_int(q);
    ret->origin_kind = (enum origin_kind)db_int(q);
    ret->origin = db_int(q);
    ret->step = (int32_t)db_int(q);
    ret->visit = (int32_t)db_int(q);
    ret->contact.v = db_int(q);
    ret->group.v = db_int(q);
    ret->class = (enum message_class)db_int(q);
    ret->op = (enum call_op)db_int(q);
    ret->state = (enum delivery_state)db_int(q);
    ret->cause = (enum cause)db_int(q);
    ret->deadline_ms = db_int(q);
    ret->created_ms = db_int(q);
    ret->content = db_int(q);
    ret->attempt.v = db_int(q);
    ret->tries = (int32_t)db_int(q);
    ret->hold_limit = (int32_t)db_int(q);
    ret->hold_used = db_int(q);
    ret->hold_max = db_int(q);
    ret->code = db_text(q, a);
    ret->changed_ms = db_int(q);
    ret->final = final;
}

/* An open delivery is looked for state by state, the usual ones first: SQLite would build a table out of
 * `state IN (...)`, which costs ten times a seek. */
static int find_open(struct db *db, struct delivery_id id, struct arena *a, struct delivery_row *ret)
{
    static const enum delivery_state states[] = {STATE_IN_FLIGHT, STATE_ACCEPTED, STATE_UNKNOWN,
                                                 STATE_AWAITING_CONFIRM, STATE_PLANNED};
    int r = 0;

    for (size_t i = 0; r == 0 && ret->id.v == 0 && i < ARRAY_LEN(states); i++) {
        struct db_query *q =
            db_query(db, "SELECT " DELIVERY_COLUMNS " FROM open_delivery WHERE state = ? AND id = ?");

        db_bind(q, states[i]);
        db_bind(q, id.v);
        if (db_step(q) > 0)
            delivery_read(q, a, false, ret);
        r = db_end(q);
    }
    return r;
}

static int find_by_id(struct db *db, const char *sql, struct delivery_id id, bool final, struct arena *a,
                      struct delivery_row *ret)
{
    struct db_query *q = db_query(db, sql);

    db_bind(q, id.v);
    if (db_step(q) > 0)
        delivery_read(q, a, final, ret);
    return db_end(q);
}

int delivery_find(struct db *db, struct delivery_id id, struct arena *a, struct delivery_row *ret)
{
    /* The outbox is searched once a campaign, not through an index of its own that every row would pay for.
     */
    static const char in_outbox[] = "WITH RECURSIVE c(x) AS (SELECT min(campaign) FROM outbox UNION ALL"
                                    " SELECT (SELECT min(campaign) FROM outbox WHERE campaign > c.x) FROM c"
                                    " WHERE c.x IS NOT NULL)"
                                    " SELECT " DELIVERY_COLUMNS
                                    " FROM c CROSS JOIN outbox INDEXED BY outbox_campaign"
                                    " ON campaign = c.x AND id = ?";
    int r;

    *ret = (struct delivery_row){0};
    r = find_open(db, id, a, ret);
    if (r == 0 && ret->id.v == 0)
        r = find_by_id(db, "SELECT " DELIVERY_COLUMNS " FROM history WHERE id = ?", id, true, a, ret);
    if (r == 0 && ret->id.v == 0)
        r = find_by_id(db, in_outbox, id, false, a, ret);
    return r;
}

int store_load_deliveries(struct store *s, const struct delivery_id *ids, size_t n, struct arena *a,
                          struct delivery_row *ret)
{
    struct db *db = store_reads(s);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++)
        r = delivery_find(db, ids[i], a, &ret[i]);
    return r;
}

/* ---- change ---- */

/* ?1..?10 are the new values of bind_values(), ?11.. the place of bind_place(). */
#define MOVED                                                                                                \
    " SELECT id, account, lane, campaign, ?3, origin_kind, origin, step, visit, contact, grp, class, op, "   \
    "?1,"                                                                                                    \
    " ?2, ?4, created_ms, content, ?5, ?6, ?7, ?8, ?9, code, ?10 FROM "
#define CHANGED                                                                                              \
    " SET state = ?1, cause = ?2, due_ms = ?3, deadline_ms = ?4, attempt = ?5, tries = ?6, hold_limit = ?7," \
    " hold_used = ?8, hold_max = ?9, changed_ms = ?10"
#define AT_OUTBOX                                                                                            \
    " WHERE state = ?11 AND id = ?12 AND account = ?13 AND lane = ?14 AND campaign = ?15 AND due_ms = ?16"
#define AT_ID " WHERE state = ?11 AND id = ?12"

/* [from][to]; NULL: there is no such way. OR FAIL: the batch rolls back anyway, so SQLite need not keep what
 * a single statement would undo. */
static const char *const moves[PLACE_COUNT][PLACE_COUNT] = {
    [PLACE_OUTBOX] =
        {
            [PLACE_OUTBOX] = "UPDATE OR FAIL outbox" CHANGED AT_OUTBOX,
            [PLACE_OPEN] = "INSERT OR FAIL INTO open_delivery(" DELIVERY_COLUMNS ")" MOVED "outbox" AT_OUTBOX,
            [PLACE_HISTORY] = "INSERT OR FAIL INTO history(" DELIVERY_COLUMNS ")" MOVED "outbox" AT_OUTBOX,
        },
    [PLACE_OPEN] =
        {
            [PLACE_OUTBOX] = "INSERT OR FAIL INTO outbox(" DELIVERY_COLUMNS ")" MOVED "open_delivery" AT_ID,
            [PLACE_OPEN] = "UPDATE OR FAIL open_delivery" CHANGED AT_ID,
            [PLACE_HISTORY] = "INSERT OR FAIL INTO history(" DELIVERY_COLUMNS ")" MOVED "open_delivery" AT_ID,
        },
    [PLACE_HISTORY] =
        {
            [PLACE_HISTORY] = "UPDATE OR FAIL history" CHANGED AT_ID, /* a late receipt */
        },
};

static void bind_values(struct db_query *q, const struct delivery_row *row)
{
    db_bind(q, row->state);
    db_bind(q, row->cause);
    db_bind(q, row->due_ms);
    db_bind(q, row->deadline_ms);
    db_bind(q, row->attempt.v);
    db_bind(q, row->tries);
    db_bind(q, row->hold_limit);
    db_bind(q, row->hold_used);
    db_bind(q, row->hold_max);
    db_bind(q, row->changed_ms);
}

static void bind_place(struct db_query *q, enum delivery_place place, const struct delivery_change *c)
{
    db_bind(q, c->was);
    db_bind(q, c->row.id.v);
    if (place != PLACE_OUTBOX)
        return;
    db_bind(q, c->row.account.v);
    db_bind(q, c->row.lane);
    db_bind(q, c->row.campaign);
    db_bind(q, c->was_due_ms);
}

/* The state is asked for again so that SQLite takes the row itself, not the way round through an index. */
static int forget(struct db *db, enum delivery_place from, const struct delivery_change *c)
{
    static const char *const deletes[PLACE_COUNT] = {
        [PLACE_OUTBOX] =
            "DELETE FROM outbox WHERE state = ? AND id = ? AND account = ? AND lane = ? AND campaign = ?"
            " AND due_ms = ?",
        [PLACE_OPEN] = "DELETE FROM open_delivery WHERE state = ? AND id = ?",
    };
    struct db_query *q = db_query(db, deletes[from]);

    bind_place(q, from, c);
    return db_run(q, NULL);
}

static int change_at(struct db *db, enum delivery_place from, const struct delivery_change *c, bool *ret_done)
{
    enum delivery_place to = delivery_place_of(c->row.state, c->row.final);
    struct db_query *q;
    int64_t done = 0;
    int r;

    *ret_done = false;
    if (moves[from][to] == NULL)
        return 0;
    q = db_query(db, moves[from][to]);
    bind_values(q, &c->row);
    bind_place(q, from, c);
    r = db_run(q, &done);
    if (r < 0 || done == 0)
        return r;
    *ret_done = true;
    return from == to ? 0 : forget(db, from, c);
}

/* Accepted and unknown rows may be open or final: the change does not say. */
static int change(struct db *db, const struct delivery_change *c, bool *ret_done)
{
    int r = change_at(db, delivery_place_of(c->was, false), c, ret_done);

    if (r == 0 && !*ret_done && delivery_place_of(c->was, true) == PLACE_HISTORY)
        r = change_at(db, PLACE_HISTORY, c, ret_done);
    return r;
}

int store_update_deliveries(struct store *s, const struct delivery_change *changes, size_t n, bool *ret_done)
{
    struct db *db = store_writes(s);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        r = change(db, &changes[i], &ret_done[i]);
        if (r == 0 && ret_done[i]) {
            s->tally.deliveries[changes[i].was]--;
            s->tally.deliveries[changes[i].row.state]++;
        }
    }
    return r;
}
