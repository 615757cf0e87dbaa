/* SPDX-License-Identifier: Apache-2.0 */
/* store_private.h - what the intents' files share. Private to store/. */
#ifndef SIYU_STORE_PRIVATE_H
#define SIYU_STORE_PRIVATE_H

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/vec.h"
#include "store/sqlite_db.h"
#include "store/store.h"

/* Rows by state, changed by the running transaction; store_commit() adds them to the table. */
struct tally {
    int64_t deliveries[DELIVERY_STATE_COUNT];
    int64_t events[EVENT_UNDECIDED + 1];
};

enum tally_kind { TALLY_DELIVERIES, TALLY_EVENTS };

struct store {
    struct db *db;
    int lock_fd;
    bool unclean;
    int64_t calls;
    struct tally tally;
    int64_t prune_owner, prune_seq; /* the last claim that store_prune() looked at */
};

/* Every intent begins with one of these: it counts the call; a write needs a transaction. */
static inline struct db *store_reads(struct store *s)
{
    s->calls++;
    return s->db;
}

static inline struct db *store_writes(struct store *s)
{
    assert(db_in_transaction(s->db));
    s->calls++;
    return s->db;
}

/* The next row of `q` as a new row of `v` to be read into. NULL: no more, or stuck. */
static inline void *vec_next(struct vec *v, struct db_query *q)
{
    void *row;

    if (db_step(q) <= 0)
        return NULL;
    row = vec_add(v);
    if (row == NULL)
        db_stick(q, -ENOMEM);
    return row;
}

/* Gives the rows of a finished load; `r` is what db_end() said. `ret`: address of the pointer to rows. */
static inline int vec_give(const struct vec *v, int r, void *ret, size_t *ret_n)
{
    if (r < 0)
        return r;
    memcpy(ret, &v->rows, sizeof v->rows);
    *ret_n = v->count;
    return 0;
}

/* ---- rows, as the three delivery tables and other tables give them; also used by the reader ---- */

enum delivery_place { PLACE_OUTBOX, PLACE_OPEN, PLACE_HISTORY, PLACE_COUNT };

/* Where a row belongs: history holds what is final. */
enum delivery_place delivery_place_of(enum delivery_state state, bool final);

/* The columns that delivery_read() expects, in all three tables. */
#define DELIVERY_COLUMNS                                                                                     \
    "id, account, lane, campaign, due_ms, origin_kind, origin, step, visit, contact, grp, class, op, "       \
    "state, "                                                                                                \
    "cause, deadline_ms, created_ms, content, attempt, tries, hold_limit, hold_used, hold_max, code, "       \
    "changed_ms"

void delivery_read(struct db_query *q, struct arena *a, bool final, struct delivery_row *ret);
/* id 0 where none. */
int delivery_find(struct db *db, struct delivery_id id, struct arena *a, struct delivery_row *ret);

void attempt_read(struct db_query *q, struct arena *a, struct attempt_row *ret);
/* id 0 where none. */
int attempt_find(struct db *db, struct attempt_id id, struct arena *a, struct attempt_row *ret);

/* Appends the claims of one owner to `ret`, a vec of struct claim_row. */
int claims_load(struct db *db, int64_t owner, bool open_only, struct vec *ret);

int accounts_load(struct db *db, struct arena *a, struct account_row **ret, size_t *ret_n);
int counts_load(struct db *db, struct state_counts *ret);
int queues_load(struct db *db, struct arena *a, struct queue_row **ret, size_t *ret_n);
int content_find(struct db *db, int64_t id, struct arena *a, struct content_row *ret);
int counter_load(struct db *db, const struct counter_ref *key, int64_t min_cell, struct arena *a,
                 struct counter_rows *ret);
int contact_facts_load(struct db *db, struct contact_id id, struct arena *a, struct contact_facts *ret);

#endif
