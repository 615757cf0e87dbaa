/* SPDX-License-Identifier: Apache-2.0 */
/* The installation: connections and their quota domains, accounts, meta, the last id.
 *
 * An account is what the platform knows it by: (connection, external). Its name may change without its
 * limits starting anew. */
#include "store/store_private.h"

static int intern_domain(struct db *db, struct str name, int64_t *ret)
{
    struct db_query *q = db_query(db, "INSERT INTO domain(name) VALUES (?) ON CONFLICT(name) DO NOTHING");
    int r;

    db_bind_text(q, name);
    r = db_run(q, NULL);
    if (r < 0)
        return r;
    q = db_query(db, "SELECT id FROM domain WHERE name = ?");
    db_bind_text(q, name);
    return db_get_int(q, ret);
}

static int intern_connection(struct db *db, struct connection_row *row)
{
    struct db_query *q;
    int r = intern_domain(db, row->domain_name, &row->domain);

    if (r < 0)
        return r;
    q = db_query(db, "INSERT INTO connection(name, kind, domain) VALUES (?, ?, ?)"
                     " ON CONFLICT(name) DO UPDATE SET kind = excluded.kind, domain = excluded.domain"
                     " WHERE kind <> excluded.kind OR domain <> excluded.domain");
    db_bind_text(q, row->name);
    db_bind_text(q, row->kind);
    db_bind(q, row->domain);
    r = db_run(q, NULL);
    if (r < 0)
        return r;
    q = db_query(db, "SELECT id FROM connection WHERE name = ?");
    db_bind_text(q, row->name);
    return db_get_int(q, &row->id.v);
}

int store_intern_connections(struct store *s, struct connection_row *rows, size_t n)
{
    struct db *db = store_writes(s);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++)
        r = intern_connection(db, &rows[i]);
    return r;
}

static int intern_account(struct db *db, struct account_row *row)
{
    struct db_query *q = db_query(
        db, "INSERT INTO account(connection, external, kind, name, frozen, frozen_why, frozen_ms, created_ms)"
            " VALUES (?, ?, ?, ?, ?, ?, 0, ?)"
            " ON CONFLICT(connection, external) DO UPDATE SET kind = excluded.kind, name = excluded.name"
            " WHERE kind <> excluded.kind OR name <> excluded.name");
    int r;

    db_bind(q, row->connection.v);
    db_bind_text(q, row->external);
    db_bind(q, row->kind);
    db_bind_text(q, row->name);
    db_bind(q, row->frozen);
    db_bind_text(q, row->frozen_why);
    db_bind(q, row->created_ms);
    r = db_run(q, NULL);
    if (r < 0)
        return r;
    q = db_query(db, "SELECT id FROM account WHERE connection = ? AND external = ?");
    db_bind(q, row->connection.v);
    db_bind_text(q, row->external);
    return db_get_int(q, &row->id.v);
}

int store_intern_accounts(struct store *s, struct account_row *rows, size_t n)
{
    struct db *db = store_writes(s);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++)
        r = intern_account(db, &rows[i]);
    return r;
}

int accounts_load(struct db *db, struct arena *a, struct account_row **ret, size_t *ret_n)
{
    struct db_query *q =
        db_query(db, "SELECT id, connection, kind, name, external, frozen, frozen_why, created_ms"
                     " FROM account ORDER BY id");
    struct account_row *row;
    struct vec v;

    vec_init(&v, a, sizeof *row);
    while ((row = vec_next(&v, q)) != NULL) {
        row->id.v = db_int(q);
        row->connection.v = db_int(q);
        row->kind = (enum account_kind)db_int(q);
        row->name = db_text(q, a);
        row->external = db_text(q, a);
        row->frozen = db_int(q) != 0;
        row->frozen_why = db_text(q, a);
        row->created_ms = db_int(q);
    }
    return vec_give(&v, db_end(q), ret, ret_n);
}

int store_load_accounts(struct store *s, struct arena *a, struct account_row **ret, size_t *ret_n)
{
    return accounts_load(store_reads(s), a, ret, ret_n);
}

int store_set_account_state(struct store *s, struct account_id id, bool frozen, struct str why, int64_t at_ms)
{
    struct db_query *q =
        db_query(store_writes(s), "UPDATE account SET frozen = ?, frozen_why = ?, frozen_ms = ?"
                                  " WHERE id = ?");
    int64_t done = 0;
    int r;

    db_bind(q, frozen);
    db_bind_text(q, why);
    db_bind(q, at_ms);
    db_bind(q, id.v);
    r = db_run(q, &done);
    return r == 0 && done == 0 ? ERR_NOT_FOUND : r;
}

/* ---- meta ---- */

int store_get_meta(struct store *s, const char *key, struct arena *a, struct str *ret)
{
    struct db_query *q = db_query(store_reads(s), "SELECT value FROM meta WHERE key = ?");
    bool found;
    struct str value;
    int r;

    db_bind_text(q, str_of(key));
    found = db_step(q) > 0;
    value = found ? db_text(q, a) : STR("");
    r = db_end(q);
    if (r == 0 && !found)
        r = ERR_NOT_FOUND;
    if (r == 0)
        *ret = value;
    return r;
}

int store_put_meta(struct store *s, const char *key, struct str value)
{
    struct db_query *q = db_query(store_writes(s), "INSERT INTO meta(key, value) VALUES (?, ?)"
                                                   " ON CONFLICT(key) DO UPDATE SET value = excluded.value");

    db_bind_text(q, str_of(key));
    db_bind_text(q, value);
    return db_run(q, NULL);
}

int store_last_id(struct store *s, int64_t *ret)
{
    /* Each is the end of a b-tree. */
    static const char *const ends[] = {
        "SELECT coalesce(max(id), 0) FROM event",
        "SELECT coalesce(max(id), 0) FROM attempt",
        "SELECT coalesce(max(id), 0) FROM history",
        "SELECT coalesce(max(id), 0) FROM content",
        "SELECT coalesce(max(id), 0) FROM contact",
        "SELECT coalesce(max(id), 0) FROM grp",
        "SELECT coalesce(max(id), 0) FROM occurrence",
        "SELECT max((SELECT coalesce(max(id), 0) FROM open_delivery WHERE state = 0),"
        " (SELECT coalesce(max(id), 0) FROM open_delivery WHERE state = 3),"
        " (SELECT coalesce(max(id), 0) FROM open_delivery WHERE state = 4),"
        " (SELECT coalesce(max(id), 0) FROM open_delivery WHERE state = 5),"
        " (SELECT coalesce(max(id), 0) FROM open_delivery WHERE state = 6))",
        "WITH RECURSIVE c(x) AS (SELECT min(campaign) FROM outbox UNION ALL"
        " SELECT (SELECT min(campaign) FROM outbox WHERE campaign > c.x) FROM c WHERE c.x IS NOT NULL)"
        " SELECT coalesce(max((SELECT max(id) FROM outbox WHERE campaign = c.x)), 0) FROM c",
    };
    struct db *db = store_reads(s);
    int64_t last = 0;
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(ends); i++) {
        int64_t end = 0;

        r = db_get_int(db_query(db, ends[i]), &end);
        last = end > last ? end : last;
    }
    if (r == 0)
        *ret = last;
    return r;
}
