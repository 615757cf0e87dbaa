/* SPDX-License-Identifier: Apache-2.0 */
/* Look-ups share the row readers of the writer's intents; only what crosses tables is said here. */
#include "store/reader.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "store/migrate.h"
#include "store/reader_private.h"

int reader_open(const char *dir, struct reader **ret, struct diag *diag)
{
    struct reader *r = mem_calloc(1, sizeof *r);
    const struct migration *steps;
    const char *why;
    char path[4096];
    size_t n;
    int err = -ENAMETOOLONG;

    if (r == NULL)
        return -ENOMEM;
    n = (size_t)snprintf(path, sizeof path, "%s/siyu.db", dir);
    if (n >= sizeof path) {
        diag_addf(diag, dir, 0, "data folder: the path is too long");
    } else if (access(path, F_OK) < 0) {
        err = ERR_NOT_FOUND;
        diag_addf(diag, dir, 0, "no store here: start `siyu run` once, or set `data:` to its folder");
    } else {
        err = db_open(path, DB_READ, &r->db, &why);
        if (err < 0)
            diag_addf(diag, path, 0, "cannot be read: %s", why);
    }
    if (err == 0) {
        steps = migrate_steps(&n);
        err = migrate_check(r->db, steps, n, path, diag);
    }
    if (err < 0) {
        reader_close(r);
        return err;
    }
    *ret = r;
    return 0;
}

void reader_close(struct reader *r)
{
    if (r == NULL)
        return;
    db_close(r->db);
    mem_free(r);
}

/* ---- contacts ---- */

int reader_find_contact(struct reader *r, struct str any, size_t limit, struct arena *a,
                        struct contact_row **ret, size_t *ret_n)
{
    struct db_query *q =
        db_query(r->db, "SELECT id, name, props, created_ms FROM contact WHERE id IN ("
                        " SELECT ?2 UNION SELECT i.contact FROM domain d JOIN identity i"
                        " ON i.domain = d.id AND i.external = ?1"
                        " UNION SELECT c.id FROM contact c WHERE c.name = ?1 AND c.name <> '')"
                        " ORDER BY id LIMIT ?3");
    struct contact_row *row;
    struct vec v;
    int64_t id = 0;

    (void)str_to_i64(any, &id); /* no number: no such id */
    db_bind_text(q, any);
    db_bind(q, id);
    db_bind(q, (int64_t)limit);
    vec_init(&v, a, sizeof *row);
    while ((row = vec_next(&v, q)) != NULL) {
        row->id.v = db_int(q);
        row->name = db_text(q, a);
        row->props = db_text(q, a);
        row->created_ms = db_int(q);
    }
    return vec_give(&v, db_end(q), ret, ret_n);
}

int reader_contact_facts(struct reader *r, struct contact_id id, struct arena *a, struct contact_facts *ret)
{
    struct contact_facts facts;
    int err = contact_facts_load(r->db, id, a, &facts);

    if (err == 0 && facts.row.id.v == 0)
        err = ERR_NOT_FOUND;
    if (err == 0)
        *ret = facts;
    return err;
}

/* ---- deliveries ---- */

int reader_delivery(struct reader *r, struct delivery_id id, struct arena *a, struct delivery_row *ret)
{
    struct delivery_row row;
    int err = delivery_find(r->db, id, a, &row);

    if (err == 0 && row.id.v == 0)
        err = ERR_NOT_FOUND;
    if (err == 0)
        *ret = row;
    return err;
}

static int ids_of_contact(struct db *db, struct contact_id id, size_t limit, struct vec *ret)
{
    struct db_query *q =
        db_query(db, "SELECT id FROM delivery_key WHERE contact = ? ORDER BY id DESC LIMIT ?");
    struct delivery_id *row;

    db_bind(q, id.v);
    db_bind(q, (int64_t)limit);
    while ((row = vec_next(ret, q)) != NULL)
        row->v = db_int(q);
    return db_end(q);
}

int reader_deliveries_of_contact(struct reader *r, struct contact_id id, size_t limit, struct arena *a,
                                 struct delivery_row **ret, size_t *ret_n)
{
    struct vec ids, rows;
    int err;

    vec_init(&ids, a, sizeof(struct delivery_id));
    vec_init(&rows, a, sizeof **ret);
    err = ids_of_contact(r->db, id, limit, &ids);
    for (size_t i = 0; err == 0 && i < ids.count; i++) {
        const struct delivery_id *ask = vec_at(&ids, i);
        struct delivery_row *row = vec_add(&rows);

        err = row ? delivery_find(r->db, *ask, a, row) : -ENOMEM;
    }
    return vec_give(&rows, err, ret, ret_n);
}

int reader_attempt(struct reader *r, struct attempt_id id, struct arena *a, struct attempt_row *ret)
{
    struct attempt_row row;
    int err = attempt_find(r->db, id, a, &row);

    if (err == 0 && row.id.v == 0)
        err = ERR_NOT_FOUND;
    if (err == 0)
        *ret = row;
    return err;
}

int reader_content(struct reader *r, int64_t id, struct arena *a, struct content_row *ret)
{
    struct content_row row;
    int err = content_find(r->db, id, a, &row);

    if (err == 0 && row.id == 0)
        err = ERR_NOT_FOUND;
    if (err == 0)
        *ret = row;
    return err;
}

int reader_claims_of_delivery(struct reader *r, struct delivery_id id, struct arena *a,
                              struct claim_row **ret, size_t *ret_n)
{
    struct delivery_row row = {0};
    struct vec v;
    int err = reader_delivery(r, id, a, &row);

    vec_init(&v, a, sizeof **ret);
    if (err == 0)
        err = claims_load(r->db, id.v, false, &v);
    if (err == 0 && row.attempt.v != 0)
        err = claims_load(r->db, row.attempt.v, false, &v);
    return vec_give(&v, err, ret, ret_n);
}

int reader_counter(struct reader *r, const struct counter_ref *key, int64_t min_cell, struct arena *a,
                   struct counter_rows *ret)
{
    return counter_load(r->db, key, min_cell, a, ret);
}

int reader_accounts(struct reader *r, struct arena *a, struct account_row **ret, size_t *ret_n)
{
    return accounts_load(r->db, a, ret, ret_n);
}

/* ---- counts ---- */

int reader_counts(struct reader *r, struct store_counts *ret)
{
    struct store_counts counts = {0};
    struct state_counts states = {{0}, {0}};
    struct queue_row *queues;
    struct arena a;
    size_t n = 0;
    int err = counts_load(r->db, &states);

    if (err == 0)
        err = db_get_int(db_query(r->db, "SELECT count(*) FROM attempt WHERE state = 0"),
                         &counts.open_attempts);
    arena_init(&a, 64 << 20);
    if (err == 0)
        err = queues_load(r->db, &a, &queues, &n);
    arena_fini(&a);
    if (err < 0)
        return err;
    memcpy(counts.deliveries, states.deliveries, sizeof counts.deliveries);
    memcpy(counts.events, states.events, sizeof counts.events);
    counts.queues = (int64_t)n;
    *ret = counts;
    return 0;
}
