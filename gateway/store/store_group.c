/* SPDX-License-Identifier: Apache-2.0 */
/* Groups, their members, and audiences: who a broadcast reaches, walked by id. */
#include "store/store_private.h"

/* ---- groups ---- */

int store_find_groups(struct store *s, const struct group_row *keys, size_t n, struct group_id *ret)
{
    struct db *db = store_reads(s);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        struct db_query *q = db_query(db, "SELECT id FROM grp WHERE domain = ? AND external = ?");

        db_bind(q, keys[i].domain);
        db_bind_text(q, keys[i].external);
        ret[i].v = db_step(q) > 0 ? db_int(q) : 0;
        r = db_end(q);
    }
    return r;
}

int store_put_groups(struct store *s, const struct group_row *rows, size_t n)
{
    struct db *db = store_writes(s);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        struct db_query *q = db_query(
            db, "INSERT INTO grp(id, domain, external, name, owner, dismissed, created_ms)"
                " VALUES (?1, ?2, ?3, coalesce(?4, ''), ?5, ?6, ?7) ON CONFLICT(id) DO UPDATE SET"
                " name = coalesce(?4, name), owner = excluded.owner, dismissed = excluded.dismissed");
        db_bind(q, rows[i].id.v);
        db_bind(q, rows[i].domain);
        db_bind_text(q, rows[i].external);
        db_bind_opt(q, rows[i].name);
        db_bind(q, rows[i].owner.v);
        db_bind(q, rows[i].dismissed);
        db_bind(q, rows[i].created_ms);
        r = db_run(q, NULL);
    }
    return r;
}

static int load_group(struct db *db, struct group_id id, struct arena *a, struct group_row *ret)
{
    struct db_query *q =
        db_query(db, "SELECT id, domain, external, name, owner, dismissed, created_ms FROM grp"
                     " WHERE id = ?");

    *ret = (struct group_row){0};
    db_bind(q, id.v);
    if (db_step(q) > 0) {
        ret->id.v = db_int(q);
        ret->domain = db_int(q);
        ret->external = db_text(q, a);
        ret->name = db_text(q, a);
        ret->owner.v = db_int(q);
        ret->dismissed = db_int(q) != 0;
        ret->created_ms = db_int(q);
    }
    return db_end(q);
}

int store_load_groups(struct store *s, const struct group_id *ids, size_t n, struct arena *a,
                      struct group_row *ret)
{
    struct db *db = store_reads(s);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++)
        r = load_group(db, ids[i], a, &ret[i]);
    return r;
}

static int put_member(struct db *db, const struct group_member_row *row)
{
    struct db_query *q = db_query(db, "INSERT INTO group_member(grp, contact, joined_ms) VALUES (?, ?, ?)"
                                      " ON CONFLICT DO UPDATE SET joined_ms = excluded.joined_ms");

    db_bind(q, row->group.v);
    db_bind(q, row->contact.v);
    db_bind(q, row->joined_ms);
    return db_run(q, NULL);
}

static int remove_member(struct db *db, const struct group_member_row *row)
{
    struct db_query *q = db_query(db, "DELETE FROM group_member WHERE grp = ? AND contact = ?");

    db_bind(q, row->group.v);
    db_bind(q, row->contact.v);
    return db_run(q, NULL);
}

int store_put_group_members(struct store *s, const struct group_member_row *rows, size_t n)
{
    struct db *db = store_writes(s);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++)
        r = rows[i].left ? remove_member(db, &rows[i]) : put_member(db, &rows[i]);
    return r;
}

/* ---- audiences ---- */

/* Who of the connection's members can reach a contact: not frozen before frozen, full friend before half,
 * then the eldest. */
#define REACHED_BY                                                                                           \
    "(SELECT r.account FROM relation r JOIN account m ON m.id = r.account"                                   \
    " WHERE r.contact = i.contact AND r.state IN (1, 2) AND m.connection = ?3"                               \
    " ORDER BY m.frozen, r.state DESC, r.since_ms, r.account LIMIT 1)"
#define AUDIENCE_COLUMNS                                                                                     \
    "SELECT i.contact, i.external, CASE WHEN ?4 THEN " REACHED_BY " ELSE 0 END AS reached_by,"               \
    " EXISTS (SELECT 1 FROM refusal f WHERE f.contact = i.contact AND f.scope = 'marketing')"

_Static_assert(RELATION_HALF == 1 && RELATION_FRIEND == 2, "REACHED_BY");

/* ?1 domain, ?2 after, ?3 connection, ?4 a member must reach it; where tagged ?5 tag, ?6 now */
static const char of_domain[] = AUDIENCE_COLUMNS " FROM identity i INDEXED BY identity_member"
                                                 " WHERE i.domain = ?1 AND i.contact > ?2"
                                                 " AND reached_by IS NOT NULL ORDER BY i.contact";
static const char of_tag[] =
    AUDIENCE_COLUMNS " FROM tag t JOIN identity i ON i.contact = t.contact AND i.domain = ?1"
                     " WHERE t.tag = ?5 AND t.contact > ?2"
                     " AND (t.expires_ms = 0 OR t.expires_ms > ?6)"
                     " AND reached_by IS NOT NULL ORDER BY t.contact";

static void bind_tag(struct db_query *q, const struct audience_query *query)
{
    if (query->tag.n == 0)
        return;
    db_bind_text(q, query->tag);
    db_bind(q, query->now_ms);
}

static bool same_contact(const struct vec *v, int64_t contact)
{
    const struct audience_row *last = v->count ? vec_at(v, v->count - 1) : NULL;

    return last && last->contact.v == contact;
}

int store_expand_contacts(struct store *s, const struct audience_query *query, int64_t after, size_t limit,
                          struct arena *a, struct audience_row **ret, size_t *ret_n)
{
    struct db_query *q = db_query(store_reads(s), query->tag.n ? of_tag : of_domain);
    struct vec v;

    db_bind(q, query->domain);
    db_bind(q, after);
    db_bind(q, query->connection.v);
    db_bind(q, query->kind == ACCOUNT_WECOM_MEMBER);
    bind_tag(q, query);
    vec_init(&v, a, sizeof **ret);
    while (v.count < limit && db_step(q) > 0) {
        struct audience_row *row;
        int64_t contact = db_int(q);

        if (same_contact(&v, contact)) /* two phones: one message */
            continue;
        row = vec_add(&v);
        if (row == NULL) {
            db_stick(q, -ENOMEM);
            break;
        }
        row->contact.v = contact;
        row->external = db_text(q, a);
        row->account.v = db_int(q);
        row->refused = db_int(q) != 0;
    }
    return vec_give(&v, db_end(q), ret, ret_n);
}

int store_expand_groups(struct store *s, const struct audience_query *query, int64_t after, size_t limit,
                        struct arena *a, struct audience_row **ret, size_t *ret_n)
{
    static const char all[] = "SELECT g.id, g.external, g.owner FROM grp g WHERE g.domain = ?1 AND g.id > ?2"
                              " AND g.dismissed = 0 ORDER BY g.id LIMIT ?3";
    static const char tagged[] = "SELECT g.id, g.external, g.owner FROM tag t JOIN grp g ON g.id = t.grp"
                                 " WHERE t.tag = ?4 AND t.contact = 0 AND t.grp > ?2 AND g.domain = ?1"
                                 " AND g.dismissed = 0 AND (t.expires_ms = 0 OR t.expires_ms > ?5)"
                                 " ORDER BY t.grp LIMIT ?3";
    struct db_query *q = db_query(store_reads(s), query->tag.n ? tagged : all);
    struct audience_row *row;
    struct vec v;

    db_bind(q, query->domain);
    db_bind(q, after);
    db_bind(q, (int64_t)limit);
    bind_tag(q, query);
    vec_init(&v, a, sizeof *row);
    while ((row = vec_next(&v, q)) != NULL) {
        row->group.v = db_int(q);
        row->external = db_text(q, a);
        row->account.v = db_int(q);
    }
    return vec_give(&v, db_end(q), ret, ret_n);
}
