/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/recovery.h"

#include "base/clock.h"
#include "engine/engine_private.h"
#include "engine/inbox.h"

bool engine_is_recovering(const struct engine *e)
{
    return clock_mono_ms(e->clock) < e->recovering_until_mono_ms;
}

static int arm(struct batch *b, struct event_row *row)
{
    if (row->crashes >= RECOVERY_CRASHES_MAX) {
        row->state = EVENT_UNDECIDED;
        row->cause = STR("deciding it ended the process three times");
    } else {
        row->crashes++;
        b->engine->armed = row->id;
    }
    *(struct event_row *)batch_row(b, &b->event_updates) = *row;
    return 0;
}

int recovery_tick(struct batch *b, int64_t *ret_next_ms)
{
    struct engine *e = b->engine;
    struct event_row *rows;
    size_t n;
    int more = 0;

    *ret_next_ms = INT64_MAX;
    if (e->decide_again) { /* ordered by an operator: all at once, bounded */
        e->decide_again = false;
        more = inbox_decide_pending(b, 256);
        return more < 0 ? more : 0;
    }
    int err = store_load_pending_events(e->store, 1, &b->arena, &rows, &n);
    if (err || !n || rows[0].state != EVENT_STORED)
        return err;
    *ret_next_ms = b->now_ms;
    if (e->armed.v != rows[0].id.v)
        return arm(b, &rows[0]);
    more = inbox_decide_pending(b, 1);
    e->armed = (struct event_id){0};
    return more < 0 ? more : 0;
}
