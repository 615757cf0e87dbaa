/* SPDX-License-Identifier: Apache-2.0 */
/* delivery.h - the one place where a delivery changes state, and the trace that says why.
 *
 * Every transition is legal by delivery_state_may_become() (asserted), written once a flush however often it
 * happens in it, and leaves a trace row: the store's traces are what `siyu why` tells.
 *
 * Memory   the batch's arena. Threads: the engine thread.
 */
#ifndef SIYU_ENGINE_DELIVERY_H
#define SIYU_ENGINE_DELIVERY_H

#include "engine/batch.h"

/* How a delivery moves; `row` gets the new values too. */
struct delivery_move {
    enum delivery_state to;
    enum cause cause;
    int64_t due_ms;      /* queued, held: when it is looked at again; else ignored */
    bool final;          /* goes to history */
    const char *what;    /* trace word: "held", "accepted", ... */
    struct str detail;   /* a note; empty: only state and cause */
};
void delivery_move(struct batch *b, struct delivery_row *row, struct delivery_move m);

/* A new delivery in state `row->state`; id, lane, created, changed are filled in. The id is returned. */
struct delivery_id delivery_plan(struct batch *b, struct delivery_row row, struct str detail);

/* A trace row about somebody; any id may be 0. `detail` is a note (note.h), or empty. */
struct trace_about {
    struct contact_id contact;
    struct group_id group;
    struct event_id event;
    struct delivery_id delivery;
    struct attempt_id attempt;
};
void trace_add(struct batch *b, struct trace_about about, const char *what, struct str detail);

/* Does anybody listen to the live feed, and is there room for a line? The feed is a view, not a record. */
bool live_wanted(const struct batch *b);
void live_add(struct batch *b, struct str line); /* a note */

#endif
