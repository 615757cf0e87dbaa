/* SPDX-License-Identifier: Apache-2.0 */
/* quota.h - exact send quotas over counters that a batch has loaded.
 *
 * A counter is (limit, subject): "recipient.day" of contact 17. At every instant, also after kill -9, and
 * in every window as the platform counts it on arrival, on its own clock: used <= amount. We charge at our
 * commit, the platform counts up to T_send later on a clock up to `skew` off, so with margin = T_send + skew
 *   - a sliding unit frees at charge + span + margin (exact times up to 1,000 units, buckets above,
 *     the oldest charged in full);
 *   - a charge within margin of a calendar boundary counts in both windows;
 *   - a calendar or opened window that begins takes over all open cost (in flight, unknown, awaiting);
 *   - a pace counter lets one call go at a time, and the gap runs from its answer;
 *   - an opened window takes charges only while now + margin lies inside it.
 * A send falls under several limits: permission is all or none. It is decided here in memory and written
 * by the batch that marks the attempt in flight, before the first byte.
 *
 * A counter consists of cells: one row (limit, subject, cell) -> used. The cell is the day, week or month
 * index, the charge time (sliding, exact), the bucket start (sliding, bucketed), the opening time (opened);
 * a pace counter has cell 0 and `used` = when the last answer came, or PACE_BUSY.
 *
 * Units    provider units; times in ms of the set's persisted clock.
 * Errors   0 or a negative err; on failure nothing changes. ERR_NOT_LOADED: load the counter, ask again.
 * Memory   borrows arguments; the set owns its cells until counter_set_clear().
 * Threads  the engine thread that owns the set.
 */
#ifndef SIYU_LIMITS_QUOTA_H
#define SIYU_LIMITS_QUOTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rulepack/rulepack.h"

struct subject { int64_t a, b; }; /* account or domain id, contact or group id; 0: not part of the scope */

struct counter_key {
    int32_t limit;
    struct subject subject;
};

enum { PACE_BUSY = 1 }; /* a pace cell's `used` while its call is out */

/* One row of the counter table. `dirty` cells are written by the batch; used 0 deletes. */
struct cell {
    struct counter_key key;
    int64_t cell, used;
    bool dirty;
};

/* One charged amount, kept until long after it can matter: verify recomputes cells from claims. */
struct claim {
    int64_t owner;     /* delivery id (message and segment units) or attempt id (call units) */
    struct counter_key key;
    int64_t cell, units;
    bool carried;      /* open cost taken over by a new window */
};

/* What a caller wants charged. */
struct claim_want {
    const struct limit *limit;
    struct subject subject;
    int64_t owner;
    int64_t units;
};

struct quota_block {
    const struct limit *limit; /* the binding one: frees last */
    struct subject subject;
    int64_t max, used;
    int64_t free_at_ms;        /* when asking again makes sense; INT64_MAX: only an event opens it */
};

struct counter_set;

int counter_set_new(const struct rulepack *rules, struct counter_set **ret);
void counter_set_free(struct counter_set *s);

/* Operator limits of the applied playbook, looked up by id beside the pack's. Copies. */
int counter_set_limits(struct counter_set *s, const struct limit *extra, size_t n);

/* Keeps account- and domain-scope counters, forgets the rest. Call between batches, when all is written. */
void counter_set_trim(struct counter_set *s);

/* Enters a loaded counter: all its rows, maybe none, and the sum of claims still open on it (any cell),
 * which a window that begins takes over. opened_ms < 0: not an opened window, or none opened. */
int counter_set_load(struct counter_set *s, struct counter_key key, const struct cell *cells, size_t n,
                     const struct claim *open, size_t open_n, int64_t opened_ms);
bool counter_set_has(const struct counter_set *s, struct counter_key key);

/* An event opened (or renewed) the window at opened_ms. The counter must be loaded. */
int quota_open_window(struct counter_set *s, struct counter_key key, int64_t opened_ms);
/* The platform says that the window or quota is used up, e.g. 45047, send result 3. */
int quota_close_window(struct counter_set *s, struct counter_key key, int64_t now_ms);

/* May all `n` wants be charged at now_ms? 0, ERR_QUOTA with `reterr`, ERR_NOT_LOADED with `reterr` limit and
 * subject. Wants of one `alternative` group need room in one of them. Two wants of one counter add up. */
int quota_check(struct counter_set *s, const struct claim_want *wants, size_t n, int64_t now_ms,
                struct quota_block *reterr);

/* Checks, then charges all or none. New claims are appended for quota_take_claims(). */
int quota_charge(struct counter_set *s, const struct claim_want *wants, size_t n, int64_t now_ms,
                 struct quota_block *reterr);

/* Certainly not sent: gives the units back, cell by cell. The counters must be loaded. */
int quota_refund(struct counter_set *s, const struct claim *claims, size_t n);

/* The call is over: a pace counter starts its gap at now_ms. */
int quota_end_call(struct counter_set *s, const struct claim *claims, size_t n, int64_t now_ms);

/* Of what the batch must write. Valid until the next call on the set; clears the marks. */
const struct cell *counter_set_take_dirty(struct counter_set *s, size_t *ret_n);
const struct claim *counter_set_take_claims(struct counter_set *s, size_t *ret_n);
const struct claim *counter_set_take_refunds(struct counter_set *s, size_t *ret_n);

/* Used, amount and when the next unit frees, as `siyu why` and `siyu limits` show it. */
int quota_usage(struct counter_set *s, struct counter_key key, int64_t now_ms, struct quota_block *ret);

/* The wants of one delivery: every limit of the pack and the extras that covers (kind, op, class), with the
 * right subject. Call-unit wants are owned by `attempt`, message and segment ones by `delivery`. Returns the
 * count, or ERR_FULL if cap is too small. */
struct quota_send {
    enum account_kind kind;
    enum call_op op;
    enum message_class class;
    int64_t domain, account, contact, group;
    int64_t delivery, attempt; /* one of them 0: only the other's wants */
    int64_t segments;          /* SMS; 1 elsewhere */
};
int quota_wants(const struct counter_set *s, const struct quota_send *send, struct claim_want *ret, size_t cap);

#endif
