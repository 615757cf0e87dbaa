/* SPDX-License-Identifier: Apache-2.0 */
/* Counters: cells (what is used), claims (who used it), openings (since when a window is open).
 *
 *     used(cell) = sum of its claims that are not refunded          verify recomputes it
 *
 * Claims are clustered by owner, whose ids rise with time: a new claim is an append, and pruning walks from
 * the old end. */
#include "store/store_private.h"

/* No window is longer than a month, so after two nothing can bind any more. */
#define CLAIM_LIFE_MS (INT64_C(62) * 86400000)
/* A carried claim keeps the time of the first charge; its cell may be as much younger as its owner was open.
 */
#define CARRIED_LIFE_MS (INT64_C(124) * 86400000)

/* ---- load ---- */

static void bind_key(struct db_query *q, const struct counter_ref *key)
{
    db_bind(q, key->limit);
    db_bind(q, key->a);
    db_bind(q, key->b);
}

static int load_cells(struct db *db, const struct counter_ref *key, int64_t min_cell, struct arena *a,
                      struct counter_rows *ret)
{
    struct db_query *q = db_query(db, "SELECT cell, used FROM cell WHERE limit_id = ? AND a = ? AND b = ?"
                                      " AND cell >= ? ORDER BY cell");
    struct cell_row *row;
    struct vec v;

    bind_key(q, key);
    db_bind(q, min_cell);
    vec_init(&v, a, sizeof *row);
    while ((row = vec_next(&v, q)) != NULL) {
        row->key = *key;
        row->cell = db_int(q);
        row->used = db_int(q);
    }
    return vec_give(&v, db_end(q), &ret->cells, &ret->cell_count);
}

static void read_claim(struct db_query *q, struct claim_row *ret)
{
    ret->owner = db_int(q);
    ret->key.limit = (int32_t)db_int(q);
    ret->key.a = db_int(q);
    ret->key.b = db_int(q);
    ret->cell = db_int(q);
    ret->units = db_int(q);
    ret->at_ms = db_int(q);
    ret->carried = db_int(q) != 0;
    ret->state = (enum claim_state)db_int(q);
}

static int read_claims(struct db_query *q, struct vec *v)
{
    struct claim_row *row;

    while ((row = vec_next(v, q)) != NULL)
        read_claim(q, row);
    return db_end(q);
}

/* What is still open, and of an opened window also what its latest opening has counted: an event that comes late
 * may have begun the next window before the platform counted those. */
static int load_open(struct db *db, const struct counter_ref *key, struct arena *a, struct counter_rows *ret)
{
    struct db_query *q =
        db_query(db, "SELECT owner, limit_id, a, b, cell, units, at_ms, carried, state FROM claim"
                     " WHERE limit_id = ? AND a = ? AND b = ? AND state = 0");
    struct vec v;

    bind_key(q, key);
    vec_init(&v, a, sizeof(struct claim_row));
    int r = read_claims(q, &v);
    if (r == 0 && ret->opened_ms >= 0) {
        q = db_query(db, "SELECT owner, limit_id, a, b, cell, units, at_ms, carried, state FROM claim"
                         " WHERE limit_id = ? AND a = ? AND b = ? AND cell = ? AND opened = 1 AND state = 1");
        bind_key(q, key);
        db_bind(q, ret->opened_ms);
        r = read_claims(q, &v);
    }
    return vec_give(&v, r, &ret->open, &ret->open_count);
}

static int load_opening(struct db *db, const struct counter_ref *key, struct counter_rows *ret)
{
    struct db_query *q = db_query(db, "SELECT opened_ms FROM opening WHERE limit_id = ? AND a = ? AND b = ?");

    bind_key(q, key);
    ret->opened_ms = db_step(q) > 0 ? db_int(q) : -1;
    return db_end(q);
}

int counter_load(struct db *db, const struct counter_ref *key, int64_t min_cell, struct arena *a,
                 struct counter_rows *ret)
{
    int r = load_cells(db, key, min_cell, a, ret);

    if (r == 0)
        r = load_opening(db, key, ret);
    if (r == 0)
        r = load_open(db, key, a, ret);
    return r;
}

int store_load_counters(struct store *s, const struct counter_ref *keys, const int64_t *min_cell, size_t n,
                        struct arena *a, struct counter_rows *ret)
{
    struct db *db = store_reads(s);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++)
        r = counter_load(db, &keys[i], min_cell[i], a, &ret[i]);
    return r;
}

int claims_load(struct db *db, int64_t owner, bool open_only, struct vec *ret)
{
    struct db_query *q =
        db_query(db, "SELECT owner, limit_id, a, b, cell, units, at_ms, carried, state FROM claim"
                     " WHERE owner = ?1 AND (?2 = 0 OR state = 0) ORDER BY seq");

    db_bind(q, owner);
    db_bind(q, open_only);
    return read_claims(q, ret);
}

int store_load_claims(struct store *s, const int64_t *owners, size_t n, struct arena *a,
                      struct claim_row **ret, size_t *ret_n)
{
    struct db *db = store_reads(s);
    struct vec v;
    int r = 0;

    vec_init(&v, a, sizeof **ret);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = claims_load(db, owners[i], true, &v);
    return vec_give(&v, r, ret, ret_n);
}

/* ---- write ---- */

static int put_cell(struct db *db, const struct cell_row *row)
{
    struct db_query *q = db_query(db, "INSERT INTO cell(limit_id, a, b, cell, used) VALUES (?, ?, ?, ?, ?)"
                                      " ON CONFLICT DO UPDATE SET used = excluded.used");

    bind_key(q, &row->key);
    db_bind(q, row->cell);
    db_bind(q, row->used);
    return db_run(q, NULL);
}

static int drop_cell(struct db *db, const struct counter_ref *key, int64_t cell)
{
    struct db_query *q = db_query(db, "DELETE FROM cell WHERE limit_id = ? AND a = ? AND b = ? AND cell = ?");

    bind_key(q, key);
    db_bind(q, cell);
    return db_run(q, NULL);
}

int store_put_cells(struct store *s, const struct cell_row *rows, size_t n)
{
    struct db *db = store_writes(s);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++)
        r = rows[i].used == 0 ? drop_cell(db, &rows[i].key, rows[i].cell) : put_cell(db, &rows[i]);
    return r;
}

/* An owner may claim the same cell again, with a new provider key: claims have numbers, not keys. */
int store_put_claims(struct store *s, const struct claim_row *rows, size_t n)
{
    struct db *db = store_writes(s);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        struct db_query *q =
            db_query(db, "INSERT INTO claim(owner, seq, limit_id, a, b, cell, units, at_ms, carried, state, opened)"
                         " VALUES (?1, (SELECT coalesce(max(seq), 0) + 1 FROM claim WHERE owner = ?1),"
                         " ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)");
        db_bind(q, rows[i].owner);
        bind_key(q, &rows[i].key);
        db_bind(q, rows[i].cell);
        db_bind(q, rows[i].units);
        db_bind(q, rows[i].at_ms);
        db_bind(q, rows[i].carried);
        db_bind(q, rows[i].state);
        db_bind(q, rows[i].opened);
        r = db_run(q, NULL);
    }
    return r;
}

static int end_claims(struct store *s, const int64_t *owners, size_t n, enum claim_state state)
{
    struct db *db = store_writes(s);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        struct db_query *q = db_query(db, "UPDATE claim SET state = ? WHERE owner = ? AND state = 0");

        db_bind(q, state);
        db_bind(q, owners[i]);
        r = db_run(q, NULL);
    }
    return r;
}

int store_close_claims(struct store *s, const int64_t *owners, size_t n)
{
    return end_claims(s, owners, n, CLAIM_COUNTED);
}

int store_refund_claims(struct store *s, const int64_t *owners, size_t n)
{
    return end_claims(s, owners, n, CLAIM_REFUNDED);
}

int store_put_openings(struct store *s, const struct opening_row *rows, size_t n)
{
    struct db *db = store_writes(s);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        struct db_query *q =
            db_query(db, "INSERT INTO opening(limit_id, a, b, opened_ms) VALUES (?, ?, ?, ?)"
                         " ON CONFLICT DO UPDATE SET opened_ms = max(opened_ms, excluded.opened_ms)");
        bind_key(q, &rows[i].key);
        db_bind(q, rows[i].opened_ms);
        r = db_run(q, NULL);
    }
    return r;
}

/* ---- prune ---- */

struct old_claim {
    int64_t owner, seq;
    struct counter_ref key;
    int64_t cell, at_ms;
    bool carried, open;
};

/* Two months before the newest claim, so that an idle time does not make verify and prune disagree. */
static int prune_before(struct db *db, int64_t now_ms, int64_t *ret)
{
    int64_t newest = 0;
    int r = db_get_int(db_query(db, "SELECT coalesce(max(owner), 0) FROM claim"), &newest);

    if (r == 0)
        *ret = (id_time_ms(newest) < now_ms ? id_time_ms(newest) : now_ms) - CLAIM_LIFE_MS;
    return r;
}

static int oldest_claims(struct db *db, const struct store *s, size_t limit, struct vec *ret)
{
    struct db_query *q =
        db_query(db, "SELECT owner, seq, limit_id, a, b, cell, at_ms, carried, state = 0 FROM claim"
                     " WHERE (owner, seq) > (?, ?) ORDER BY owner, seq LIMIT ?");
    struct old_claim *row;

    db_bind(q, s->prune_owner);
    db_bind(q, s->prune_seq);
    db_bind(q, (int64_t)limit);
    while ((row = vec_next(ret, q)) != NULL) {
        row->owner = db_int(q);
        row->seq = db_int(q);
        row->key.limit = (int32_t)db_int(q);
        row->key.a = db_int(q);
        row->key.b = db_int(q);
        row->cell = db_int(q);
        row->at_ms = db_int(q);
        row->carried = db_int(q) != 0;
        row->open = db_int(q) != 0;
    }
    return db_end(q);
}

/* A claim goes with its cell, so what is left still adds up. Cell 0 belongs to pace, which has no window. */
static int drop_claim(struct db *db, const struct old_claim *c)
{
    struct db_query *q = db_query(db, "DELETE FROM claim WHERE owner = ? AND seq = ?");
    int r;

    db_bind(q, c->owner);
    db_bind(q, c->seq);
    r = db_run(q, NULL);
    return r == 0 && c->cell != 0 ? drop_cell(db, &c->key, c->cell) : r;
}

/* Judges one claim and moves on. 0: nothing older lies behind it, the next round starts at the old end again.
 */
static int prune_claim(struct store *s, struct db *db, const struct old_claim *c, int64_t before_ms)
{
    bool foreign = c->owner == 0;
    int r = 0;

    if ((foreign ? c->at_ms : id_time_ms(c->owner)) >= before_ms) {
        s->prune_owner = 0;
        s->prune_seq = foreign ? INT64_MAX : 0; /* after the foreign ones come the owned */
        return foreign;
    }
    s->prune_owner = c->owner;
    s->prune_seq = c->seq;
    if (!c->open && c->at_ms < before_ms - (c->carried ? CARRIED_LIFE_MS : 0))
        r = drop_claim(db, c);
    return r < 0 ? r : 1;
}

static int prune_claims(struct store *s, struct db *db, int64_t now_ms, size_t limit, struct arena *a)
{
    int64_t before_ms = 0;
    struct vec v;
    int r = prune_before(db, now_ms, &before_ms);

    vec_init(&v, a, sizeof(struct old_claim));
    if (r == 0)
        r = oldest_claims(db, s, limit, &v);
    if (r < 0)
        return r;
    for (size_t i = 0; i < v.count; i++) {
        const struct old_claim *c = vec_at(&v, i);

        r = prune_claim(s, db, c, before_ms);
        if (r <= 0)
            return r;
        if (s->prune_seq == INT64_MAX) /* jumped: what was read is not what comes next */
            return 1;
    }
    if (v.count == limit)
        return 1;
    s->prune_owner = s->prune_seq = 0;
    return 0;
}

static int prune_cooldowns(struct db *db, int64_t now_ms, size_t limit)
{
    struct db_query *q = db_query(
        db, "DELETE FROM cooldown WHERE (rule, contact, grp) IN"
            " (SELECT rule, contact, grp FROM cooldown WHERE until_ms <= ? ORDER BY until_ms LIMIT ?)");
    int64_t done = 0;
    int r;

    db_bind(q, now_ms);
    db_bind(q, (int64_t)limit);
    r = db_run(q, &done);
    return r == 0 && (size_t)done == limit ? 1 : r;
}

int store_prune(struct store *s, int64_t now_ms, size_t limit)
{
    struct db *db = store_writes(s);
    struct arena a;
    int claims, cooldowns;

    arena_init(&a, 16 << 20);
    claims = prune_claims(s, db, now_ms, limit, &a);
    arena_fini(&a);
    if (claims < 0)
        return claims;
    cooldowns = prune_cooldowns(db, now_ms, limit);
    return cooldowns == 0 ? claims : cooldowns;
}
