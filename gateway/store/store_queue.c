/* SPDX-License-Identifier: Apache-2.0 */
/* What the sender and recovery read of deliveries: queues, what is due, what is open, what is unsent.
 *
 * A queue is a stretch (account, lane, campaign) of the clustered outbox, so asking for all queues is one
 * seek each and asking for the next due row is the start of a stretch. */
#include "store/store_private.h"

int queues_load(struct db *db, struct arena *a, struct queue_row **ret, size_t *ret_n)
{
    struct queue_key last = {{INT64_MIN}, 0, 0};
    struct queue_row *row;
    struct vec v;
    int r;

    vec_init(&v, a, sizeof *row);
    do {
        /* The whole key, so that the seek lands behind the stretch and not at its start. */
        struct db_query *q = db_query(db, "SELECT account, lane, campaign, due_ms FROM outbox"
                                          " WHERE (account, lane, campaign, due_ms, id) > (?, ?, ?, ?, ?)"
                                          " ORDER BY account, lane, campaign, due_ms, id LIMIT 1");

        db_bind(q, last.account.v);
        db_bind(q, last.lane);
        db_bind(q, last.campaign);
        db_bind(q, INT64_MAX);
        db_bind(q, INT64_MAX);
        row = vec_next(&v, q);
        if (row) {
            row->key.account.v = db_int(q);
            row->key.lane = (int)db_int(q);
            row->key.campaign = db_int(q);
            row->next_due_ms = db_int(q);
            last = row->key;
        }
        r = db_end(q);
    } while (r == 0 && row);
    return vec_give(&v, r, ret, ret_n);
}

int store_load_queues(struct store *s, struct arena *a, struct queue_row **ret, size_t *ret_n)
{
    return queues_load(store_reads(s), a, ret, ret_n);
}

int store_load_due(struct store *s, struct queue_key key, int64_t now_ms, size_t limit, struct arena *a,
                   struct delivery_row **ret, size_t *ret_n, int64_t *ret_next_ms)
{
    struct db_query *q =
        db_query(store_reads(s), "SELECT due_ms, " DELIVERY_COLUMNS " FROM outbox"
                                 " WHERE account = ? AND lane = ? AND campaign = ? ORDER BY due_ms, id");
    int64_t next = INT64_MAX;
    struct vec v;
    int r;

    db_bind(q, key.account.v);
    db_bind(q, key.lane);
    db_bind(q, key.campaign);
    vec_init(&v, a, sizeof **ret);
    while (db_step(q) > 0) {
        struct delivery_row *row;
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
        delivery_read(q, a, false, row);
    }
    r = vec_give(&v, db_end(q), ret, ret_n);
    if (r == 0)
        *ret_next_ms = next;
    return r;
}

static int read_rows(struct db_query *q, bool final, struct vec *v)
{
    struct delivery_row *row;

    while ((row = vec_next(v, q)) != NULL)
        delivery_read(q, v->arena, final, row);
    return db_end(q);
}

int store_load_in_state(struct store *s, enum delivery_state state, struct delivery_id after, size_t limit,
                        struct arena *a, struct delivery_row **ret, size_t *ret_n)
{
    struct db_query *q =
        db_query(store_reads(s), "SELECT " DELIVERY_COLUMNS
                                 " FROM open_delivery WHERE state = ? AND id > ? ORDER BY id LIMIT ?");
    struct vec v;

    assert(delivery_place_of(state, false) == PLACE_OPEN);
    db_bind(q, state);
    db_bind(q, after.v);
    db_bind(q, (int64_t)limit);
    vec_init(&v, a, sizeof **ret);
    return vec_give(&v, read_rows(q, false, &v), ret, ret_n);
}

int store_load_unsent_of(struct store *s, const struct contact_id *contacts, size_t n, struct arena *a,
                         struct delivery_row **ret, size_t *ret_n)
{
    struct db *db = store_reads(s);
    struct vec v;
    int r = 0;

    vec_init(&v, a, sizeof **ret);
    for (size_t i = 0; r == 0 && i < n; i++) {
        struct db_query *q = db_query(db, "SELECT " DELIVERY_COLUMNS
                                          " FROM outbox WHERE contact = ? AND contact <> 0 ORDER BY id");
        db_bind(q, contacts[i].v);
        r = read_rows(q, false, &v);
    }
    return vec_give(&v, r, ret, ret_n);
}

int store_load_unsent_of_campaign(struct store *s, int64_t campaign, struct delivery_id after, size_t limit,
                                  struct arena *a, struct delivery_row **ret, size_t *ret_n)
{
    struct db_query *q =
        db_query(store_reads(s), "SELECT " DELIVERY_COLUMNS " FROM outbox INDEXED BY outbox_campaign"
                                 " WHERE campaign = ? AND id > ? ORDER BY id LIMIT ?");
    struct vec v;

    db_bind(q, campaign);
    db_bind(q, after.v);
    db_bind(q, (int64_t)limit);
    vec_init(&v, a, sizeof **ret);
    return vec_give(&v, read_rows(q, false, &v), ret, ret_n);
}
