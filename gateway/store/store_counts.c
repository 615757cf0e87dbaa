/* SPDX-License-Identifier: Apache-2.0 */
/* Rows by state, from the table that store_commit() keeps. */
#include "store/store_private.h"

int counts_load(struct db *db, struct state_counts *ret)
{
    struct db_query *q = db_query(db, "SELECT kind, state, n FROM tally");
    struct state_counts counts = {{0}, {0}};
    int r;

    while (db_step(q) > 0) {
        int64_t kind = db_int(q), state = db_int(q), n = db_int(q);
        bool known = state >= 0 && (size_t)state < (kind == TALLY_DELIVERIES ? ARRAY_LEN(counts.deliveries)
                                                                             : ARRAY_LEN(counts.events));
        if (!known)
            db_stick(q, ERR_CORRUPT);
        else if (kind == TALLY_DELIVERIES)
            counts.deliveries[state] = n;
        else
            counts.events[state] = n;
    }
    r = db_end(q);
    if (r == 0)
        *ret = counts;
    return r;
}

int store_load_counts(struct store *s, struct state_counts *ret)
{
    return counts_load(store_reads(s), ret);
}
