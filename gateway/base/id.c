/* SPDX-License-Identifier: Apache-2.0 */
#include "base/id.h"

#include <assert.h>

enum { ID_SEQUENCE_BITS = 21 };
#define ID_EPOCH_MS INT64_C(1577836800000) /* 2020-01-01 UTC: 41 bits last until 2089 */
#define ID_LAST_MS ((INT64_C(1) << 41) - 1)

void id_gen_init(struct id_gen *g, int64_t last_used)
{
    assert(last_used >= 0);
    g->last = last_used;
}

int64_t id_next(struct id_gen *g, int64_t now_ms)
{
    int64_t ms = now_ms - ID_EPOCH_MS;
    int64_t id;

    if (ms < 0)
        ms = 0;
    if (ms > ID_LAST_MS)
        ms = ID_LAST_MS;
    id = ms << ID_SEQUENCE_BITS;
    if (id <= g->last)
        id = g->last + 1;
    g->last = id;
    return id;
}

int64_t id_time_ms(int64_t id)
{
    return (id >> ID_SEQUENCE_BITS) + ID_EPOCH_MS;
}
