/* SPDX-License-Identifier: Apache-2.0 */
/* reader.h - query-only views of a store, while a gateway writes it or not: why, verify, API, metrics.
 *
 * A reader never writes, never checkpoints and never makes the writer wait. Each call sees one committed
 * state; reader_verify() sees one state for all its checks, and meanwhile the log cannot be shortened.
 *
 * Times, ids, rows as in rows.h.
 * Errors   0 or a negative err: ERR_NOT_FOUND, ERR_IO, ERR_CORRUPT, ERR_BUSY, -ENOMEM.
 * Memory   what a call gives lives in the arena given to it.
 * Threads  one at a time; a reader of its own for each thread.
 */
#ifndef SIYU_STORE_READER_H
#define SIYU_STORE_READER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "store/rows.h"

struct reader;

/* ERR_NOT_FOUND: no store in `dir`. ERR_STALE: made by another version. `diag` gets the sentence for people.
 */
int reader_open(const char *dir, struct reader **ret, struct diag *diag);
void reader_close(struct reader *r);

/* ---- look-up ---- */

/* Contacts that `any` names: an id, a platform's id (external_userid, openid, phone), or the whole name. Each
 * once, at most `limit`, in order of id. */
int reader_find_contact(struct reader *r, struct str any, size_t limit, struct arena *a,
                        struct contact_row **ret, size_t *ret_n);
int reader_contact_facts(struct reader *r, struct contact_id id, struct arena *a, struct contact_facts *ret);
int reader_delivery(struct reader *r, struct delivery_id id, struct arena *a, struct delivery_row *ret);
/* Newest first. */
int reader_deliveries_of_contact(struct reader *r, struct contact_id id, size_t limit, struct arena *a,
                                 struct delivery_row **ret, size_t *ret_n);
int reader_attempt(struct reader *r, struct attempt_id id, struct arena *a, struct attempt_row *ret);
int reader_content(struct reader *r, int64_t id, struct arena *a, struct content_row *ret);
/* What the delivery and its last attempt charged, in every state. */
int reader_claims_of_delivery(struct reader *r, struct delivery_id id, struct arena *a,
                              struct claim_row **ret, size_t *ret_n);
int reader_counter(struct reader *r, const struct counter_ref *key, int64_t min_cell, struct arena *a,
                   struct counter_rows *ret);
int reader_accounts(struct reader *r, struct arena *a, struct account_row **ret, size_t *ret_n);

/* Traces in the order they were written, after a place (0: from the start); ret_last is the place of the last
 * one, to go on from. The second kind gives only what concerns one delivery. */
int reader_traces_of_contact(struct reader *r, struct contact_id id, int64_t after, size_t limit,
                             struct arena *a, struct trace_row **ret, size_t *ret_n, int64_t *ret_last);
int reader_traces_of_delivery(struct reader *r, struct delivery_id id, int64_t after, size_t limit,
                              struct arena *a, struct trace_row **ret, size_t *ret_n, int64_t *ret_last);

/* ---- counts, without reading the rows ---- */

struct store_counts {
    int64_t deliveries[DELIVERY_STATE_COUNT];
    int64_t events[EVENT_UNDECIDED + 1];
    int64_t queues, open_attempts;
};
int reader_counts(struct reader *r, struct store_counts *ret);

/* ---- verify ---- */

/* What the caller knows about limits, and where complaints go. */
struct verify_hooks {
    void *ctx;
    /* The most that a cell of this limit may hold; INT64_MAX: unknown. Negative: its `used` is no sum of
     * claims (pace) and is left alone. */
    int64_t (*amount_of)(void *ctx, int32_t limit, int64_t cell);
    void (*violation)(void *ctx, const char *text);
};

struct verify_totals {
    int64_t deliveries, keys, cells, claims, attempts, items, events, undecided;
    int64_t violations;
};

/* Recomputes and cross-checks everything, in bounded memory. 0 also when violations were found. */
int reader_verify(struct reader *r, const struct verify_hooks *hooks, struct verify_totals *ret);

#endif
