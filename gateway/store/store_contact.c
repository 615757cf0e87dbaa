/* SPDX-License-Identifier: Apache-2.0 */
/* People: contacts, their identities, relations, tags, refusals, cooldowns. */
#include "store/store_private.h"

/* ---- writes ---- */

int store_put_contacts(struct store *s, const struct contact_row *rows, size_t n)
{
    struct db *db = store_writes(s);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        struct db_query *q = db_query(
            db, "INSERT INTO contact(id, name, props, created_ms)"
                " VALUES (?1, coalesce(?2, ''), coalesce(?3, '{}'), ?4)"
                " ON CONFLICT(id) DO UPDATE SET name = coalesce(?2, name), props = coalesce(?3, props)");
        db_bind(q, rows[i].id.v);
        db_bind_opt(q, rows[i].name);
        db_bind_opt(q, rows[i].props);
        db_bind(q, rows[i].created_ms);
        r = db_run(q, NULL);
    }
    return r;
}

int store_put_identities(struct store *s, const struct identity_row *rows, size_t n)
{
    struct db *db = store_writes(s);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        struct db_query *q = db_query(db, "INSERT INTO identity(domain, external, contact) VALUES (?, ?, ?)"
                                          " ON CONFLICT DO NOTHING");
        db_bind(q, rows[i].domain);
        db_bind_text(q, rows[i].external);
        db_bind(q, rows[i].contact.v);
        r = db_run(q, NULL);
    }
    return r;
}

int store_put_relations(struct store *s, const struct relation_row *rows, size_t n)
{
    struct db *db = store_writes(s);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        struct db_query *q = db_query(
            db, "INSERT INTO relation(contact, account, state, since_ms, changed_ms) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET state = excluded.state, since_ms = excluded.since_ms,"
                " changed_ms = excluded.changed_ms");
        db_bind(q, rows[i].contact.v);
        db_bind(q, rows[i].account.v);
        db_bind(q, rows[i].state);
        db_bind(q, rows[i].since_ms);
        db_bind(q, rows[i].changed_ms);
        r = db_run(q, NULL);
    }
    return r;
}

static int put_tag(struct db *db, const struct tag_row *row)
{
    struct db_query *q = db_query(
        db, "INSERT INTO tag(contact, grp, tag, source, set_ms, expires_ms) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET source = excluded.source, set_ms = excluded.set_ms,"
            " expires_ms = excluded.expires_ms");

    db_bind(q, row->contact.v);
    db_bind(q, row->group.v);
    db_bind_text(q, row->tag);
    db_bind_text(q, row->source);
    db_bind(q, row->set_ms);
    db_bind(q, row->expires_ms);
    return db_run(q, NULL);
}

static int remove_tag(struct db *db, const struct tag_row *row)
{
    struct db_query *q = db_query(db, "DELETE FROM tag WHERE contact = ? AND grp = ? AND tag = ?");

    db_bind(q, row->contact.v);
    db_bind(q, row->group.v);
    db_bind_text(q, row->tag);
    return db_run(q, NULL);
}

int store_put_tags(struct store *s, const struct tag_row *rows, size_t n)
{
    struct db *db = store_writes(s);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++)
        r = rows[i].remove ? remove_tag(db, &rows[i]) : put_tag(db, &rows[i]);
    return r;
}

static int put_refusal(struct db *db, const struct refusal_row *row)
{
    struct db_query *q = db_query(db, "INSERT INTO refusal(contact, scope, source, at_ms) VALUES (?, ?, ?, ?)"
                                      " ON CONFLICT DO NOTHING");

    db_bind(q, row->contact.v);
    db_bind_text(q, row->scope);
    db_bind_text(q, row->source);
    db_bind(q, row->at_ms);
    return db_run(q, NULL);
}

static int lift_refusal(struct db *db, const struct refusal_row *row)
{
    struct db_query *q = db_query(db, "DELETE FROM refusal WHERE contact = ? AND scope = ?");

    db_bind(q, row->contact.v);
    db_bind_text(q, row->scope);
    return db_run(q, NULL);
}

int store_put_refusals(struct store *s, const struct refusal_row *rows, size_t n)
{
    struct db *db = store_writes(s);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++)
        r = rows[i].lifted ? lift_refusal(db, &rows[i]) : put_refusal(db, &rows[i]);
    return r;
}

int store_put_cooldowns(struct store *s, const struct cooldown_row *rows, size_t n)
{
    struct db *db = store_writes(s);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        struct db_query *q =
            db_query(db, "INSERT INTO cooldown(rule, contact, grp, until_ms) VALUES (?, ?, ?, ?)"
                         " ON CONFLICT DO UPDATE SET until_ms = excluded.until_ms");
        db_bind(q, rows[i].rule);
        db_bind(q, rows[i].contact.v);
        db_bind(q, rows[i].group.v);
        db_bind(q, rows[i].until_ms);
        r = db_run(q, NULL);
    }
    return r;
}

/* ---- reads ---- */

int store_find_contacts(struct store *s, const struct identity_row *ids, size_t n, struct contact_id *ret)
{
    struct db *db = store_reads(s);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        struct db_query *q = db_query(db, "SELECT contact FROM identity WHERE domain = ? AND external = ?");

        db_bind(q, ids[i].domain);
        db_bind_text(q, ids[i].external);
        ret[i].v = db_step(q) > 0 ? db_int(q) : 0;
        r = db_end(q);
    }
    return r;
}

int store_load_cooldowns(struct store *s, const struct cooldown_row *keys, size_t n, int64_t *ret_until_ms)
{
    struct db *db = store_reads(s);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        struct db_query *q =
            db_query(db, "SELECT until_ms FROM cooldown WHERE rule = ? AND contact = ? AND grp = ?");

        db_bind(q, keys[i].rule);
        db_bind(q, keys[i].contact.v);
        db_bind(q, keys[i].group.v);
        ret_until_ms[i] = db_step(q) > 0 ? db_int(q) : 0;
        r = db_end(q);
    }
    return r;
}

static int load_row(struct db *db, struct contact_id id, struct arena *a, struct contact_row *ret)
{
    struct db_query *q = db_query(db, "SELECT id, name, props, created_ms FROM contact WHERE id = ?");

    db_bind(q, id.v);
    if (db_step(q) > 0) {
        ret->id.v = db_int(q);
        ret->name = db_text(q, a);
        ret->props = db_text(q, a);
        ret->created_ms = db_int(q);
    }
    return db_end(q);
}

static int load_identities(struct db *db, struct contact_id id, struct arena *a, struct contact_facts *ret)
{
    struct db_query *q =
        db_query(db, "SELECT domain, external FROM identity WHERE contact = ? ORDER BY domain, external");
    struct identity_row *row;
    struct vec v;

    db_bind(q, id.v);
    vec_init(&v, a, sizeof *row);
    while ((row = vec_next(&v, q)) != NULL) {
        row->domain = db_int(q);
        row->external = db_text(q, a);
        row->contact = id;
    }
    return vec_give(&v, db_end(q), &ret->identities, &ret->identity_count);
}

static int load_relations(struct db *db, struct contact_id id, struct arena *a, struct contact_facts *ret)
{
    struct db_query *q =
        db_query(db, "SELECT account, state, since_ms, changed_ms FROM relation WHERE contact = ?"
                     " ORDER BY account");
    struct relation_row *row;
    struct vec v;

    db_bind(q, id.v);
    vec_init(&v, a, sizeof *row);
    while ((row = vec_next(&v, q)) != NULL) {
        row->account.v = db_int(q);
        row->contact = id;
        row->state = (enum relation_state)db_int(q);
        row->since_ms = db_int(q);
        row->changed_ms = db_int(q);
    }
    return vec_give(&v, db_end(q), &ret->relations, &ret->relation_count);
}

static int load_tags(struct db *db, struct contact_id id, struct arena *a, struct contact_facts *ret)
{
    struct db_query *q =
        db_query(db, "SELECT tag, source, set_ms, expires_ms FROM tag WHERE contact = ? AND grp = 0"
                     " ORDER BY tag");
    struct tag_row *row;
    struct vec v;

    db_bind(q, id.v);
    vec_init(&v, a, sizeof *row);
    while ((row = vec_next(&v, q)) != NULL) {
        row->contact = id;
        row->tag = db_text(q, a);
        row->source = db_text(q, a);
        row->set_ms = db_int(q);
        row->expires_ms = db_int(q);
    }
    return vec_give(&v, db_end(q), &ret->tags, &ret->tag_count);
}

static int load_refusals(struct db *db, struct contact_id id, struct arena *a, struct contact_facts *ret)
{
    struct db_query *q =
        db_query(db, "SELECT scope, source, at_ms FROM refusal WHERE contact = ? ORDER BY scope");
    struct refusal_row *row;
    struct vec v;

    db_bind(q, id.v);
    vec_init(&v, a, sizeof *row);
    while ((row = vec_next(&v, q)) != NULL) {
        row->contact = id;
        row->scope = db_text(q, a);
        row->source = db_text(q, a);
        row->at_ms = db_int(q);
    }
    return vec_give(&v, db_end(q), &ret->refusals, &ret->refusal_count);
}

int contact_facts_load(struct db *db, struct contact_id id, struct arena *a, struct contact_facts *ret)
{
    int r;

    *ret = (struct contact_facts){0};
    r = load_row(db, id, a, &ret->row);
    if (r < 0 || ret->row.id.v == 0)
        return r;
    r = load_identities(db, id, a, ret);
    if (r == 0)
        r = load_relations(db, id, a, ret);
    if (r == 0)
        r = load_tags(db, id, a, ret);
    if (r == 0)
        r = load_refusals(db, id, a, ret);
    return r;
}

int store_load_contacts(struct store *s, const struct contact_id *ids, size_t n, struct arena *a,
                        struct contact_facts *ret)
{
    struct db *db = store_reads(s);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++)
        r = contact_facts_load(db, ids[i], a, &ret[i]);
    return r;
}
