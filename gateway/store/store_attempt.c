/* SPDX-License-Identifier: Apache-2.0 */
/* Attempts: provider calls, their recipients, their follow-ups, and the way from a receipt back to them. */
#include "store/store_private.h"

/* The order of bind_attempt() and attempt_read(). */
#define ATTEMPT_COLUMNS                                                                                      \
    "id, connection, account, op, state, class, key, body_hash, item_count, started_ms, deadline_ms, "       \
    "ended_ms, content, outcome, bytes_out, http, errcode, error, provider_id, next_ms, follow_step, "       \
    "follow, "                                                                                               \
    "parent"

/* ---- attempts ---- */

static int put_attempt(struct db *db, const struct attempt_row *row)
{
    struct db_query *q = db_query(db, "INSERT INTO attempt(" ATTEMPT_COLUMNS
                                      ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");

    db_bind(q, row->id.v);
    db_bind(q, row->connection.v);
    db_bind(q, row->account.v);
    db_bind(q, row->op);
    db_bind(q, row->state);
    db_bind(q, row->class);
    db_bind_text(q, row->key);
    db_bind_blob(q, row->body_hash, sizeof row->body_hash);
    db_bind(q, row->item_count);
    db_bind(q, row->started_ms);
    db_bind(q, row->deadline_ms);
    db_bind(q, row->ended_ms);
    db_bind(q, row->content);
    db_bind(q, row->outcome);
    db_bind(q, row->bytes_out);
    db_bind(q, row->http);
    db_bind(q, row->errcode);
    db_bind_text(q, row->error);
    db_bind_text(q, row->provider_id);
    db_bind(q, row->next_ms);
    db_bind(q, row->follow_step);
    db_bind_text(q, row->follow);
    db_bind(q, row->parent.v);
    return db_run(q, NULL);
}

int store_put_attempts(struct store *s, const struct attempt_row *rows, size_t n)
{
    struct db *db = store_writes(s);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++)
        r = put_attempt(db, &rows[i]);
    return r;
}

static int update_attempt(struct db *db, const struct attempt_row *row)
{
    struct db_query *q = db_query(
        db, "UPDATE attempt SET state = ?, ended_ms = ?, outcome = ?, bytes_out = ?, http = ?, errcode = ?,"
            " error = ?, provider_id = ?, next_ms = ?, follow_step = ?, follow = ? WHERE id = ?");
    int64_t done = 0;
    int r;

    db_bind(q, row->state);
    db_bind(q, row->ended_ms);
    db_bind(q, row->outcome);
    db_bind(q, row->bytes_out);
    db_bind(q, row->http);
    db_bind(q, row->errcode);
    db_bind_text(q, row->error);
    db_bind_text(q, row->provider_id);
    db_bind(q, row->next_ms);
    db_bind(q, row->follow_step);
    db_bind_text(q, row->follow);
    db_bind(q, row->id.v);
    r = db_run(q, &done);
    return r == 0 && done == 0 ? ERR_NOT_FOUND : r;
}

int store_update_attempts(struct store *s, const struct attempt_row *rows, size_t n)
{
    struct db *db = store_writes(s);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++)
        r = update_attempt(db, &rows[i]);
    return r;
}

void attempt_read(struct db_query *q, struct arena *a, struct attempt_row *ret)
{
    ret->id.v = db_int(q);
    ret->connection.v = db_int(q);
    ret->account.v = db_int(q);
    ret->op = (enum call_op)db_int(q);
    ret->state = (enum attempt_state)db_int(q);
    ret->class = (enum message_class)db_int(q);
    ret->key = db_text(q, a);
    db_blob(q, ret->body_hash, sizeof ret->body_hash);
    ret->item_count = db_int(q);
    ret->started_ms = db_int(q);
    ret->deadline_ms = db_int(q);
    ret->ended_ms = db_int(q);
    ret->content = db_int(q);
    ret->outcome = (enum outcome)db_int(q);
    ret->bytes_out = db_int(q);
    ret->http = (int)db_int(q);
    ret->errcode = (int)db_int(q);
    ret->error = db_text(q, a);
    ret->provider_id = db_text(q, a);
    ret->next_ms = db_int(q);
    ret->follow_step = (int)db_int(q);
    ret->follow = db_text(q, a);
    ret->parent.v = db_int(q);
}

int attempt_find(struct db *db, struct attempt_id id, struct arena *a, struct attempt_row *ret)
{
    struct db_query *q = db_query(db, "SELECT " ATTEMPT_COLUMNS " FROM attempt WHERE id = ?");

    *ret = (struct attempt_row){0};
    db_bind(q, id.v);
    if (db_step(q) > 0)
        attempt_read(q, a, ret);
    return db_end(q);
}

int store_load_attempts(struct store *s, const struct attempt_id *ids, size_t n, struct arena *a,
                        struct attempt_row *ret)
{
    struct db *db = store_reads(s);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++)
        r = attempt_find(db, ids[i], a, &ret[i]);
    return r;
}

int store_load_open_attempts(struct store *s, struct arena *a, struct attempt_row **ret, size_t *ret_n)
{
    struct db_query *q =
        db_query(store_reads(s), "SELECT " ATTEMPT_COLUMNS " FROM attempt WHERE state = 0 ORDER BY id");
    struct attempt_row *row;
    struct vec v;

    vec_init(&v, a, sizeof *row);
    while ((row = vec_next(&v, q)) != NULL)
        attempt_read(q, a, row);
    return vec_give(&v, db_end(q), ret, ret_n);
}

int store_load_due_followups(struct store *s, int64_t now_ms, size_t limit, struct arena *a,
                             struct attempt_row **ret, size_t *ret_n, int64_t *ret_next_ms)
{
    struct db_query *q =
        db_query(store_reads(s), "SELECT next_ms, " ATTEMPT_COLUMNS
                                 " FROM attempt WHERE next_ms < 9223372036854775807 ORDER BY next_ms, id");
    int64_t next = INT64_MAX;
    struct vec v;
    int r;

    vec_init(&v, a, sizeof **ret);
    while (db_step(q) > 0) {
        struct attempt_row *row;
        int64_t due = db_int(q);

        if (due > now_ms || v.count == limit) {
            next = due;
            break;
        }
        row = vec_add(&v);
        if (row == NULL) {
            db_stick(q, -ENOMEM);
            break;
        }
        attempt_read(q, a, row);
    }
    r = vec_give(&v, db_end(q), ret, ret_n);
    if (r == 0)
        *ret_next_ms = next;
    return r;
}

/* ---- items ---- */

int store_put_attempt_items(struct store *s, const struct attempt_item_row *rows, size_t n)
{
    struct db *db = store_writes(s);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        struct db_query *q = db_query(
            db,
            "INSERT INTO attempt_item(attempt, delivery, recipient, outcome, errcode)"
            " VALUES (?1, ?2, coalesce(?3, ''), ?4, ?5) ON CONFLICT DO UPDATE SET"
            " recipient = coalesce(?3, recipient), outcome = excluded.outcome, errcode = excluded.errcode");
        db_bind(q, rows[i].attempt.v);
        db_bind(q, rows[i].delivery.v);
        db_bind_opt(q, rows[i].to);
        db_bind(q, rows[i].outcome);
        db_bind(q, rows[i].errcode);
        r = db_run(q, NULL);
    }
    return r;
}

int store_load_attempt_items(struct store *s, struct attempt_id id, struct arena *a,
                             struct attempt_item_row **ret, size_t *ret_n)
{
    struct db_query *q =
        db_query(store_reads(s), "SELECT delivery, recipient, outcome, errcode FROM attempt_item"
                                 " WHERE attempt = ? ORDER BY delivery");
    struct attempt_item_row *row;
    struct vec v;

    db_bind(q, id.v);
    vec_init(&v, a, sizeof *row);
    while ((row = vec_next(&v, q)) != NULL) {
        row->attempt = id;
        row->delivery.v = db_int(q);
        row->to = db_text(q, a);
        row->outcome = (enum outcome)db_int(q);
        row->errcode = (int)db_int(q);
    }
    return vec_give(&v, db_end(q), ret, ret_n);
}

/* ---- receipts ---- */

static int find_by(struct db *db, const char *sql, const struct attempt_ref *ref, struct attempt_id *ret)
{
    struct db_query *q = db_query(db, sql);

    db_bind_text(q, ref->provider_id);
    db_bind(q, ref->connection.v);
    ret->v = db_step(q) > 0 ? db_int(q) : 0;
    return db_end(q);
}

int store_find_attempts(struct store *s, const struct attempt_ref *refs, size_t n, struct attempt_id *ret)
{
    static const char by_provider[] = "SELECT id FROM attempt WHERE provider_id = ? AND provider_id <> ''"
                                      " AND connection = ? ORDER BY id DESC LIMIT 1";
    static const char by_key[] = "SELECT id FROM attempt WHERE key = ? AND key <> '' AND connection = ?"
                                 " ORDER BY id DESC LIMIT 1";
    struct db *db = store_reads(s);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        r = find_by(db, by_provider, &refs[i], &ret[i]);
        if (r == 0 && ret[i].v == 0)
            r = find_by(db, by_key, &refs[i], &ret[i]);
    }
    return r;
}
