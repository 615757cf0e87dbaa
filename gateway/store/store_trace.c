/* SPDX-License-Identifier: Apache-2.0 */
/* Traces, the evidence that `siyu why` reads, and the tokens of the API. */
#include "store/store_private.h"

int store_put_traces(struct store *s, const struct trace_row *rows, size_t n)
{
    struct db *db = store_writes(s);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        struct db_query *q = db_query(
            db,
            "INSERT INTO trace(contact, grp, seq, at_ms, event, delivery, attempt, what, detail)"
            " VALUES (?1, ?2, (SELECT coalesce(max(seq), 0) + 1 FROM trace WHERE contact = ?1 AND grp = ?2),"
            " ?3, ?4, ?5, ?6, ?7, ?8)");
        db_bind(q, rows[i].contact.v);
        db_bind(q, rows[i].group.v);
        db_bind(q, rows[i].at_ms);
        db_bind(q, rows[i].event.v);
        db_bind(q, rows[i].delivery.v);
        db_bind(q, rows[i].attempt.v);
        db_bind_text(q, rows[i].what);
        db_bind_text(q, rows[i].detail);
        r = db_run(q, NULL);
    }
    return r;
}

int store_put_token(struct store *s, const struct token_row *row)
{
    struct db_query *q = db_query(
        store_writes(s), "INSERT INTO token(id, role, hash, created_ms, expires_ms) VALUES (?, ?, ?, ?, ?)"
                         " ON CONFLICT(id) DO UPDATE SET role = excluded.role, hash = excluded.hash,"
                         " created_ms = excluded.created_ms, expires_ms = excluded.expires_ms");

    db_bind_text(q, row->id);
    db_bind_text(q, row->role);
    db_bind_blob(q, row->hash, sizeof row->hash);
    db_bind(q, row->created_ms);
    db_bind(q, row->expires_ms);
    return db_run(q, NULL);
}

int store_load_tokens(struct store *s, struct arena *a, struct token_row **ret, size_t *ret_n)
{
    struct db_query *q =
        db_query(store_reads(s), "SELECT id, role, hash, created_ms, expires_ms FROM token ORDER BY id");
    struct token_row *row;
    struct vec v;

    vec_init(&v, a, sizeof *row);
    while ((row = vec_next(&v, q)) != NULL) {
        row->id = db_text(q, a);
        row->role = db_text(q, a);
        db_blob(q, row->hash, sizeof row->hash);
        row->created_ms = db_int(q);
        row->expires_ms = db_int(q);
    }
    return vec_give(&v, db_end(q), ret, ret_n);
}
