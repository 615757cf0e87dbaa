/* SPDX-License-Identifier: Apache-2.0 */
/* Plans: playbooks as they were applied, and the runs of their broadcasts. */
#include "store/store_private.h"

/* ---- playbooks ---- */

int store_put_playbook(struct store *s, const struct playbook_row *row)
{
    struct db_query *q =
        db_query(store_writes(s), "INSERT INTO playbook(name, version, text, file, hash, applied_ms)"
                                  " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT(name, version) DO UPDATE SET"
                                  " text = excluded.text, file = excluded.file, hash = excluded.hash,"
                                  " applied_ms = excluded.applied_ms");

    db_bind_text(q, row->name);
    db_bind(q, row->version);
    db_bind_text(q, row->text);
    db_bind_text(q, row->file);
    db_bind_blob(q, row->hash, sizeof row->hash);
    db_bind(q, row->applied_ms);
    return db_run(q, NULL);
}

int store_load_playbooks(struct store *s, struct arena *a, struct playbook_row **ret, size_t *ret_n)
{
    struct db_query *q =
        db_query(store_reads(s), "SELECT name, version, text, file, hash, applied_ms FROM playbook p"
                                 " WHERE version = (SELECT max(version) FROM playbook"
                                 " WHERE name = p.name) ORDER BY rowid");
    struct playbook_row *row;
    struct vec v;

    vec_init(&v, a, sizeof *row);
    while ((row = vec_next(&v, q)) != NULL) {
        row->name = db_text(q, a);
        row->version = db_int(q);
        row->text = db_text(q, a);
        row->file = db_text(q, a);
        db_blob(q, row->hash, sizeof row->hash);
        row->applied_ms = db_int(q);
    }
    return vec_give(&v, db_end(q), ret, ret_n);
}

/* ---- occurrences ---- */

static int put_occurrence(struct db *db, const struct occurrence_row *row, bool *ret_new)
{
    struct db_query *q = db_query(
        db, "INSERT INTO occurrence(id, name, slot_ms, spread_ms, state, cursor, page, planned, excluded,"
            " content, plan) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT(name, slot_ms) DO NOTHING");
    int64_t done = 0;
    int r;

    db_bind(q, row->id.v);
    db_bind_text(q, row->name);
    db_bind(q, row->slot_ms);
    db_bind(q, row->spread_ms);
    db_bind(q, row->state);
    db_bind(q, row->cursor);
    db_bind_text(q, row->page);
    db_bind(q, row->planned);
    db_bind(q, row->excluded);
    db_bind(q, row->content);
    db_bind_text(q, row->plan);
    r = db_run(q, &done);
    *ret_new = done > 0;
    return r;
}

static int find_occurrence(struct db *db, const struct occurrence_row *row, struct broadcast_id *ret)
{
    struct db_query *q = db_query(db, "SELECT id FROM occurrence WHERE name = ? AND slot_ms = ?");

    db_bind_text(q, row->name);
    db_bind(q, row->slot_ms);
    return db_get_int(q, &ret->v);
}

int store_put_occurrences(struct store *s, struct occurrence_row *rows, size_t n, bool *ret_new)
{
    struct db *db = store_writes(s);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        r = put_occurrence(db, &rows[i], &ret_new[i]);
        if (r == 0 && !ret_new[i])
            r = find_occurrence(db, &rows[i], &rows[i].id);
    }
    return r;
}

static int update_occurrence(struct db *db, const struct occurrence_row *row)
{
    struct db_query *q = db_query(db, "UPDATE occurrence SET state = ?, cursor = ?, page = ?, planned = ?,"
                                      " excluded = ?, content = ? WHERE id = ?");
    int64_t done = 0;
    int r;

    db_bind(q, row->state);
    db_bind(q, row->cursor);
    db_bind_text(q, row->page);
    db_bind(q, row->planned);
    db_bind(q, row->excluded);
    db_bind(q, row->content);
    db_bind(q, row->id.v);
    r = db_run(q, &done);
    return r == 0 && done == 0 ? ERR_NOT_FOUND : r;
}

int store_update_occurrences(struct store *s, const struct occurrence_row *rows, size_t n)
{
    struct db *db = store_writes(s);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++)
        r = update_occurrence(db, &rows[i]);
    return r;
}

int store_load_occurrences(struct store *s, struct arena *a, struct occurrence_row **ret, size_t *ret_n)
{
    struct db_query *q = db_query(
        store_reads(s), "SELECT id, name, slot_ms, spread_ms, state, cursor, page, planned, excluded,"
                        " content, plan FROM occurrence WHERE state <= 2 ORDER BY id");
    struct occurrence_row *row;
    struct vec v;

    vec_init(&v, a, sizeof *row);
    while ((row = vec_next(&v, q)) != NULL) {
        row->id.v = db_int(q);
        row->name = db_text(q, a);
        row->slot_ms = db_int(q);
        row->spread_ms = db_int(q);
        row->state = (enum occurrence_state)db_int(q);
        row->cursor = db_int(q);
        row->page = db_text(q, a);
        row->planned = db_int(q);
        row->excluded = db_int(q);
        row->content = db_int(q);
        row->plan = db_text(q, a);
    }
    return vec_give(&v, db_end(q), ret, ret_n);
}

int store_last_slot(struct store *s, struct str broadcast, int64_t *ret_ms)
{
    struct db_query *q = db_query(
        store_reads(s), "SELECT slot_ms FROM occurrence WHERE name = ? ORDER BY slot_ms DESC LIMIT 1");

    db_bind_text(q, broadcast);
    return db_get_int(q, ret_ms);
}
