/* SPDX-License-Identifier: Apache-2.0 */
/* The inbox: events, the keys that make a repeat recognisable, cursors of polled channels. */
#include "base/hash.h"
#include "store/store_private.h"

/* ---- repeats ---- */

/* Open addressing over positions in `keys`, so that a repeat inside one array is found without asking twice.
 */
struct seen {
    const struct inbox_key *keys;
    size_t *slots; /* position + 1 */
    size_t mask;
};

static int seen_init(struct seen *t, const struct inbox_key *keys, size_t n, struct arena *a)
{
    size_t cap = 16;

    while (cap < 2 * n)
        cap *= 2;
    *t = (struct seen){.keys = keys, .slots = arena_alloc(a, cap * sizeof *t->slots), .mask = cap - 1};
    return t->slots ? 0 : -ENOMEM;
}

static bool same_key(const struct inbox_key *x, const struct inbox_key *y)
{
    return x->connection.v == y->connection.v && memcmp(x->key, y->key, sizeof x->key) == 0;
}

/* The position of the first equal key: `i` itself when it is new. */
static size_t seen_put(struct seen *t, size_t i)
{
    size_t at = hash_bytes(t->keys[i].key, sizeof t->keys[i].key) & t->mask;

    while (t->slots[at] != 0) {
        size_t other = t->slots[at] - 1;

        if (same_key(&t->keys[other], &t->keys[i]))
            return other;
        at = (at + 1) & t->mask;
    }
    t->slots[at] = i + 1;
    return i;
}

static int find_one(struct db *db, const struct inbox_key *key, struct inbox_row *ret)
{
    struct db_query *q =
        db_query(db, "SELECT id, state, mode, reply FROM event WHERE connection = ? AND key = ?");

    *ret = (struct inbox_row){0};
    db_bind(q, key->connection.v);
    db_bind_blob(q, key->key, sizeof key->key);
    if (db_step(q) > 0) {
        ret->event.v = db_int(q);
        ret->state = (enum event_state)db_int(q);
        ret->mode = (enum reply_mode)db_int(q);
        ret->reply = db_int(q);
    }
    return db_end(q);
}

int store_find_inbox(struct store *s, const struct inbox_key *keys, size_t n, struct arena *a,
                     struct inbox_row *ret)
{
    struct db *db = store_reads(s);
    struct seen seen;
    int r = seen_init(&seen, keys, n, a);

    for (size_t i = 0; r == 0 && i < n; i++) {
        size_t first = seen_put(&seen, i);

        if (first == i)
            r = find_one(db, &keys[i], &ret[i]);
        else if (ret[first].event.v != 0)
            ret[i] = ret[first];
        else
            ret[i] = (struct inbox_row){.event.v = -(int64_t)first - 1};
    }
    return r;
}

/* ---- events ---- */

static int put_event(struct store *s, struct db *db, const struct event_row *row)
{
    struct db_query *q =
        db_query(db, "INSERT INTO event(id, connection, key, kind, state, account, contact, grp,"
                     " at_ms, received_ms, body, cause, mode, reply, crashes)"
                     " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");

    db_bind(q, row->id.v);
    db_bind(q, row->connection.v);
    db_bind_blob(q, row->has_key ? row->key : NULL, sizeof row->key);
    db_bind(q, row->kind);
    db_bind(q, row->state);
    db_bind(q, row->account.v);
    db_bind(q, row->contact.v);
    db_bind(q, row->group.v);
    db_bind(q, row->at_ms);
    db_bind(q, row->received_ms);
    db_bind_text(q, row->body);
    db_bind_text(q, row->cause);
    db_bind(q, row->mode);
    db_bind(q, row->reply);
    db_bind(q, row->crashes);
    s->tally.events[row->state]++;
    return db_run(q, NULL);
}

int store_put_events(struct store *s, const struct event_row *rows, size_t n)
{
    struct db *db = store_writes(s);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++)
        r = put_event(s, db, &rows[i]);
    return r;
}

static int update_event(struct store *s, struct db *db, const struct event_row *row)
{
    struct db_query *q = db_query(db, "SELECT state FROM event WHERE id = ?");
    int64_t was;
    int r;

    db_bind(q, row->id.v);
    r = db_get_int(q, &was);
    if (r < 0)
        return r;
    if (was < 0 || (size_t)was >= ARRAY_LEN(s->tally.events))
        return ERR_CORRUPT;
    q = db_query(
        db, "UPDATE event SET state = ?, account = ?, contact = ?, grp = ?, cause = ?, mode = ?, reply = ?,"
            " crashes = ? WHERE id = ?");
    db_bind(q, row->state);
    db_bind(q, row->account.v);
    db_bind(q, row->contact.v);
    db_bind(q, row->group.v);
    db_bind_text(q, row->cause);
    db_bind(q, row->mode);
    db_bind(q, row->reply);
    db_bind(q, row->crashes);
    db_bind(q, row->id.v);
    s->tally.events[was]--;
    s->tally.events[row->state]++;
    return db_run(q, NULL);
}

int store_update_events(struct store *s, const struct event_row *rows, size_t n)
{
    struct db *db = store_writes(s);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++)
        r = update_event(s, db, &rows[i]);
    return r;
}

static void read_event(struct db_query *q, struct arena *a, struct event_row *ret)
{
    ret->id.v = db_int(q);
    ret->connection.v = db_int(q);
    ret->has_key = db_int(q) != 0;
    db_blob(q, ret->key, sizeof ret->key);
    ret->kind = (enum event_kind)db_int(q);
    ret->state = (enum event_state)db_int(q);
    ret->account.v = db_int(q);
    ret->contact.v = db_int(q);
    ret->group.v = db_int(q);
    ret->at_ms = db_int(q);
    ret->received_ms = db_int(q);
    ret->body = db_text(q, a);
    ret->cause = db_text(q, a);
    ret->mode = (enum reply_mode)db_int(q);
    ret->reply = db_int(q);
    ret->crashes = (int)db_int(q);
}

int store_load_pending_events(struct store *s, size_t limit, struct arena *a, struct event_row **ret,
                              size_t *ret_n)
{
    struct db_query *q = db_query(
        store_reads(s), "SELECT id, connection, key IS NOT NULL, key, kind, state, account, contact, grp,"
                        " at_ms, received_ms, body, cause, mode, reply, crashes"
                        " FROM event WHERE state <> 1 ORDER BY state, id LIMIT ?");
    struct event_row *row;
    struct vec v;

    db_bind(q, (int64_t)limit);
    vec_init(&v, a, sizeof *row);
    while ((row = vec_next(&v, q)) != NULL)
        read_event(q, a, row);
    return vec_give(&v, db_end(q), ret, ret_n);
}

/* ---- cursors ---- */

int store_put_cursors(struct store *s, const struct cursor_row *rows, size_t n)
{
    struct db *db = store_writes(s);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        struct db_query *q = db_query(db, "INSERT INTO cursor(connection, cursor) VALUES (?, ?)"
                                          " ON CONFLICT(connection) DO UPDATE SET cursor = excluded.cursor");
        db_bind(q, rows[i].connection.v);
        db_bind_text(q, rows[i].cursor);
        r = db_run(q, NULL);
    }
    return r;
}

int store_load_cursor(struct store *s, struct connection_id c, struct arena *a, struct str *ret)
{
    struct db_query *q = db_query(store_reads(s), "SELECT cursor FROM cursor WHERE connection = ?");
    struct str cursor;
    bool found;
    int r;

    db_bind(q, c.v);
    found = db_step(q) > 0;
    cursor = found ? db_text(q, a) : STR("");
    r = db_end(q);
    if (r == 0 && !found)
        r = ERR_NOT_FOUND;
    if (r == 0)
        *ret = cursor;
    return r;
}
