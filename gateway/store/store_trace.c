/* SPDX-License-Identifier: Apache-2.0 */
/* Traces, the evidence that `siyu why` reads, and the tokens of the API. */
#include "store/store_private.h"
#include "store/trace_text.h"

/* A row is read whole, so it has an end. */
enum { ROW_BYTES = 64 * 1024 };

static int put_group(struct db *db, const struct trace_row *who, size_t n, struct str entries)
{
    struct db_query *q = db_query(
        db, "INSERT INTO trace(contact, grp, last, entries) VALUES (?1, ?2,"
            " ?3 + (SELECT coalesce(max(last), 0) FROM trace WHERE contact = ?1 AND grp = ?2), ?4)");

    db_bind(q, who->contact.v);
    db_bind(q, who->group.v);
    db_bind(q, (int64_t)n);
    db_bind_text(q, entries);
    return db_run(q, NULL);
}

static bool same_person(const struct trace_row *x, const struct trace_row *y)
{
    return x->contact.v == y->contact.v && x->group.v == y->group.v;
}

/* Neighbours about the same person become one row. */
int store_put_traces(struct store *s, const struct trace_row *rows, size_t n)
{
    struct db *db = store_writes(s);
    struct buf entries;
    size_t i = 0;
    int r = 0;

    buf_init(&entries, SIZE_MAX);
    while (r == 0 && i < n) {
        size_t first = i;

        buf_reset(&entries);
        do
            r = trace_pack(&rows[i++], &entries);
        while (r == 0 && i < n && same_person(&rows[first], &rows[i]) && entries.len < ROW_BYTES);
        if (r == 0)
            r = put_group(db, &rows[first], i - first, buf_str(&entries));
    }
    buf_fini(&entries);
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
