/* SPDX-License-Identifier: Apache-2.0 */
/* attempt.h - opens an attempt: its row, its items, its deliveries in flight, and the order to the host that
 * leaves with the commit. Quotas are charged by the caller before.
 *
 * Memory   the batch's arena. Threads: the engine thread.
 */
#ifndef SIYU_ENGINE_ATTEMPT_H
#define SIYU_ENGINE_ATTEMPT_H

#include "engine/batch.h"
#include "engine/registry.h"

struct attempt_plan {
    struct attempt_id id; /* from batch_id(): it owned the charge */
    struct account *account;
    enum call_op op;
    enum message_class class;
    struct str key, code, handle;
    int64_t content;         /* its id, for the record */
    struct str content_text; /* JSON as the adapter sends it; empty: a poll */
    struct str params;       /* JSON object or empty */
    int64_t deadline_ms;     /* not a byte after this, on the gateway's clock */
    struct attempt_id parent;
    struct delivery_row **rows;
    struct str *to;          /* per row: the platform's id */
    size_t count;
    struct str charged;      /* note: limit name -> "used/max", for the trace of every row */
};
void attempt_open(struct batch *b, const struct attempt_plan *p);

/* A question to the platform (a poll, a look-up): charges its call and opens it. `busy_ms` is 0 when it is on its
 * way, else when a limit lets it. `p->id`, deadline and account's variants are filled in. */
int attempt_ask(struct batch *b, struct attempt_plan *p, int64_t *busy_ms);

/* How many calls with recipients are out, for concurrency; the sender asks. */
int64_t attempt_in_flight(const struct engine *e, struct account_id account);
void attempt_closed(struct engine *e, const struct attempt_row *row);
/* Counts anew from the store, at start and after a batch that was rolled back. */
int attempt_recount(struct engine *e, struct arena *scratch);

/* The provider key of a delivery's first attempt and of every retry that must be recognised as the same. */
struct str attempt_key(struct batch *b, int64_t id);

#endif
