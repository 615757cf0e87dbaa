/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_private.h"

int store_load_counts(struct store *s, struct state_counts *ret)
{
    struct db_query *q = db_query(store_reads(s), "SELECT kind, state, n FROM tally");
    struct state_counts counts = {{0}, {0}};

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
    int err = db_end(q);
    if (!err)
        *ret = counts;
    return err;
}
