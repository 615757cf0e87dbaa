/* SPDX-License-Identifier: Apache-2.0 */
/* Verify: one read transaction, a list of queries that must find nothing, and two merges.
 *
 * Every query of the list gives one text a violation. Together they make the tables a bijection: each row has
 * its key, ids are unique over the three tables, and there are as many keys as rows; so each key has its row.
 */
#include <inttypes.h>
#include <stdio.h>

#include "store/reader_private.h"

/* Cells may be pruned when nothing has claimed them for a month; before that they must be there. */
#define CELL_LIFE_MS (INT64_C(31) * 86400000)

_Static_assert(STATE_QUEUED == 1 && STATE_HELD == 2 && STATE_UNKNOWN == 5 && STATE_ACCEPTED == 6 &&
                   STATE_CANCELLED == 11 && DELIVERY_STATE_COUNT == 12,
               "states in the queries below");
_Static_assert(CAUSE_PASSIVE == 29 && REPLY_PASSIVE == 1, "passive replies in the queries below");

struct verify {
    struct db *db;
    const struct verify_hooks *hooks;
    struct verify_totals totals;
    struct arena a;
};

static void complain(struct verify *v, const char *text)
{
    v->totals.violations++;
    v->hooks->violation(v->hooks->ctx, text);
}

/* ---- queries that must find nothing ---- */

#define HAS_KEY                                                                                              \
    "EXISTS (SELECT 1 FROM delivery_key k WHERE k.contact = d.contact AND k.grp = d.grp AND k.origin = "     \
    "d.origin"                                                                                               \
    " AND k.origin_kind = d.origin_kind AND k.step = d.step AND k.visit = d.visit AND k.id = d.id)"
#define IN_OPEN(id)                                                                                          \
    "EXISTS (SELECT 1 FROM open_delivery o WHERE o.state IN (0, 3, 4, 5, 6) AND o.id = " id ")"
#define IN_HISTORY(id) "EXISTS (SELECT 1 FROM history h WHERE h.id = " id ")"
#define CAMPAIGNS                                                                                            \
    "WITH RECURSIVE c(x) AS (SELECT min(campaign) FROM outbox UNION ALL SELECT (SELECT min(campaign) FROM "  \
    "outbox"                                                                                                 \
    " WHERE campaign > c.x) FROM c WHERE c.x IS NOT NULL), campaigns AS MATERIALIZED (SELECT x FROM c) "
#define IN_OUTBOX(id)                                                                                        \
    "EXISTS (SELECT 1 FROM campaigns g CROSS JOIN outbox q INDEXED BY outbox_campaign ON q.campaign = g.x"   \
    " AND q.id = " id ")"

static const char *const must_be_empty[] = {
    /* each delivery in exactly one table, in a state that belongs there */
    "SELECT printf('delivery %d: state %d does not belong in the outbox', id, state) FROM outbox"
    " WHERE state NOT IN (1, 2)",
    "SELECT printf('delivery %d: state %d does not belong among open ones', id, state) FROM open_delivery"
    " WHERE state NOT IN (0, 3, 4, 5, 6)",
    "SELECT printf('delivery %d: state %d in the history is not final', id, state) FROM history"
    " WHERE state NOT BETWEEN 5 AND 11",
    "SELECT printf('delivery %d: queued twice', id) FROM outbox INDEXED BY outbox_campaign"
    " GROUP BY campaign, id HAVING count(*) > 1",
    "SELECT printf('delivery %d: open in two states', id) FROM open_delivery d WHERE EXISTS"
    " (SELECT 1 FROM open_delivery o WHERE o.state IN (0, 3, 4, 5, 6) AND o.state < d.state AND o.id = d.id)",
    "SELECT printf('delivery %d: queued and open', id) FROM outbox d WHERE " IN_OPEN("d.id"),
    "SELECT printf('delivery %d: queued and final', id) FROM outbox d WHERE " IN_HISTORY("d.id"),
    "SELECT printf('delivery %d: open and final', id) FROM open_delivery d WHERE " IN_HISTORY("d.id"),
    /* each with its key */
    "SELECT printf('delivery %d (queued): its key is missing or another''s', id) FROM outbox d WHERE "
    "NOT " HAS_KEY,
    "SELECT printf('delivery %d (open): its key is missing or another''s', id) FROM open_delivery d"
    " WHERE NOT " HAS_KEY,
    "SELECT printf('delivery %d (final): its key is missing or another''s', id) FROM history d WHERE "
    "NOT " HAS_KEY,
    /* attempts */
    "SELECT printf('delivery %d: in flight without an open attempt (%d)', id, attempt) FROM open_delivery d"
    " WHERE state = 3 AND NOT (attempt = 0 AND cause = 29)"
    " AND NOT EXISTS (SELECT 1 FROM attempt WHERE id = d.attempt AND state = 0)",
    "SELECT printf('attempt %d: unknown, but delivery %d went out with it', attempt, delivery) FROM "
    "attempt_item i"
    " WHERE NOT EXISTS (SELECT 1 FROM attempt WHERE id = i.attempt)",
    CAMPAIGNS "SELECT printf('attempt %d: names delivery %d, which does not exist', attempt, delivery)"
              " FROM attempt_item i WHERE delivery <> 0 AND NOT " IN_HISTORY(
                  "i.delivery") " AND NOT " IN_OPEN("i.delivery") " AND NOT " IN_OUTBOX("i.delivery"),
    /* events */
    "SELECT printf('event %d: state %d is none', id, state) FROM event WHERE state NOT BETWEEN 0 AND 2",
    "SELECT printf('event %d: a repeat of another one', max(id)) FROM event INDEXED BY event_key"
    " WHERE key IS NOT NULL GROUP BY connection, key HAVING count(*) > 1",
    "SELECT printf('event %d: its passive reply %d is missing', id, reply) FROM event e"
    " WHERE mode = 1 AND NOT EXISTS (SELECT 1 FROM content WHERE id = e.reply)",
    /* the rows by state that metrics show */
    "SELECT printf('tally: %d deliveries in state %d, there are %d', coalesce(n, 0), s, real) FROM"
    " (SELECT state AS s, sum(m) AS real FROM (SELECT state, count(*) AS m FROM outbox GROUP BY state UNION "
    "ALL"
    " SELECT state, count(*) FROM open_delivery GROUP BY state UNION ALL"
    " SELECT state, count(*) FROM history GROUP BY state UNION ALL"
    " SELECT state, 0 FROM tally WHERE kind = 0) GROUP BY state)"
    " LEFT JOIN tally ON kind = 0 AND state = s WHERE coalesce(n, 0) <> real",
    "SELECT printf('tally: %d events in state %d, there are %d', coalesce(n, 0), s, real) FROM"
    " (SELECT state AS s, sum(m) AS real FROM (SELECT state, count(*) AS m FROM event GROUP BY state UNION "
    "ALL"
    " SELECT state, 0 FROM tally WHERE kind = 1) GROUP BY state)"
    " LEFT JOIN tally ON kind = 1 AND state = s WHERE coalesce(n, 0) <> real",
};

/* Only asked when keys and rows differ in number. */
static const char lost_keys[] =
    CAMPAIGNS "SELECT printf('key of delivery %d: there is no such delivery', id) FROM delivery_key k"
              " WHERE NOT " IN_HISTORY("k.id") " AND NOT " IN_OPEN("k.id") " AND NOT " IN_OUTBOX("k.id");

static int find_nothing(struct verify *v, const char *sql)
{
    struct db_query *q = db_query(v->db, sql);

    while (db_step(q) > 0) {
        struct str text = db_text(q, &v->a);

        if (text.n > 0)
            complain(v, text.p);
        arena_reset(&v->a);
    }
    return db_end(q);
}

/* ---- counts ---- */

static int count_rows(struct verify *v)
{
    struct {
        const char *sql;
        int64_t *ret;
    } counts[] = {
        {"SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM open_delivery)"
         " + (SELECT count(*) FROM history)",
         &v->totals.deliveries},
        {"SELECT count(*) FROM delivery_key", &v->totals.keys},
        {"SELECT count(*) FROM attempt", &v->totals.attempts},
        {"SELECT count(*) FROM attempt_item", &v->totals.items},
        {"SELECT count(*) FROM event", &v->totals.events},
        {"SELECT count(*) FROM event WHERE state <> 1", &v->totals.undecided},
    };
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(counts); i++)
        r = db_get_int(db_query(v->db, counts[i].sql), counts[i].ret);
    return r;
}

/* ---- cells against claims ---- */

struct sum {
    struct counter_ref key;
    int64_t cell, used, newest_ms;
};

static int cmp_i64(int64_t x, int64_t y)
{
    return x < y ? -1 : x > y;
}

static int cmp_sum(const struct sum *x, const struct sum *y)
{
    int c = cmp_i64(x->key.limit, y->key.limit);

    if (c == 0)
        c = cmp_i64(x->key.a, y->key.a);
    if (c == 0)
        c = cmp_i64(x->key.b, y->key.b);
    return c ? c : cmp_i64(x->cell, y->cell);
}

static bool next_sum(struct db_query *q, struct sum *ret)
{
    if (db_step(q) <= 0)
        return false;
    ret->key.limit = (int32_t)db_int(q);
    ret->key.a = db_int(q);
    ret->key.b = db_int(q);
    ret->cell = db_int(q);
    ret->used = db_int(q);
    ret->newest_ms = db_int(q);
    return true;
}

static void complain_cell(struct verify *v, const struct sum *at, int64_t used, int64_t claimed,
                          const char *what)
{
    char text[256];

    (void)snprintf(text, sizeof text,
                   "counter limit %" PRId32 " of (%" PRId64 ", %" PRId64 "), cell %" PRId64
                   ": %s: used %" PRId64 ", claims add up to %" PRId64,
                   at->key.limit, at->key.a, at->key.b, at->cell, what, used, claimed);
    complain(v, text);
}

/* One cell, or one sum of claims, or both where they meet. NULL: not there. */
static void judge_cell(struct verify *v, const struct sum *cell, const struct sum *claims, int64_t live_ms)
{
    const struct sum *at = cell ? cell : claims;
    int64_t amount = v->hooks->amount_of(v->hooks->ctx, at->key.limit, at->cell);
    int64_t used = cell ? cell->used : 0, claimed = claims ? claims->used : 0;

    if (amount < 0)
        return;
    if (used > amount)
        complain_cell(v, at, used, claimed, "above its limit");
    if (used != claimed && (cell || claims->newest_ms >= live_ms))
        complain_cell(v, at, used, claimed, "does not match");
}

static int compare_cells(struct verify *v)
{
    struct db_query *cells = db_query(v->db, "SELECT limit_id, a, b, cell, used, 0 FROM cell"
                                             " ORDER BY limit_id, a, b, cell");
    struct db_query *claims = db_query(v->db, "SELECT limit_id, a, b, cell, sum(units), max(at_ms) FROM claim"
                                              " WHERE state <> 2 GROUP BY limit_id, a, b, cell"
                                              " ORDER BY limit_id, a, b, cell");
    struct sum cell, sum;
    int64_t newest_ms = 0;
    bool has_cell, has_sum;
    int r, r2;

    r = db_get_int(db_query(v->db, "SELECT coalesce(max(at_ms), 0) FROM claim"), &newest_ms);
    db_stick(cells, r);
    has_cell = next_sum(cells, &cell);
    has_sum = next_sum(claims, &sum);
    while (has_cell || has_sum) {
        int c = !has_cell ? 1 : !has_sum ? -1 : cmp_sum(&cell, &sum);

        judge_cell(v, c <= 0 ? &cell : NULL, c >= 0 ? &sum : NULL, newest_ms - CELL_LIFE_MS);
        v->totals.cells += c <= 0;
        if (c <= 0)
            has_cell = next_sum(cells, &cell);
        if (c >= 0)
            has_sum = next_sum(claims, &sum);
    }
    r = db_end(cells);
    r2 = db_end(claims);
    if (r == 0)
        r = r2;
    return r == 0 ? db_get_int(db_query(v->db, "SELECT count(*) FROM claim"), &v->totals.claims) : r;
}

/* ---- all ---- */

static int verify_all(struct verify *v)
{
    int r = count_rows(v);

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(must_be_empty); i++)
        r = find_nothing(v, must_be_empty[i]);
    if (r == 0 && v->totals.keys != v->totals.deliveries)
        r = find_nothing(v, lost_keys);
    return r == 0 ? compare_cells(v) : r;
}

int reader_verify(struct reader *r, const struct verify_hooks *hooks, struct verify_totals *ret)
{
    struct verify v = {.db = r->db, .hooks = hooks};
    int err = db_script(r->db, "BEGIN");

    if (err < 0)
        return err;
    arena_init(&v.a, 1 << 20);
    err = verify_all(&v);
    arena_fini(&v.a);
    db_rollback(r->db);
    if (err == 0)
        *ret = v.totals;
    return err;
}
