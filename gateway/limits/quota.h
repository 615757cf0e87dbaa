/* SPDX-License-Identifier: Apache-2.0 */
/* quota.h - exact send quotas over counters that a batch has loaded.
 *
 * A counter is (limit, subject): "recipient.day" of contact 17. At every instant, also after kill -9, and
 * in every window as the platform counts it on arrival, on its own clock: used <= amount. We charge at our
 * commit, the platform counts up to T_send later on a clock up to `skew` off, so with margin = T_send + skew
 *   - a sliding unit frees at charge + span + margin (exact times up to 1,000 units, buckets above,
 *     the oldest charged in full);
 *   - a charge at t counts in every calendar window that [t - skew, t + margin] touches;
 *   - a calendar or opened window that begins takes over all open cost (in flight, unknown, awaiting);
 *   - a pace counter lets one call go at a time, and the gap runs from its answer;
 *   - an opened window takes charges only while now + margin lies inside it.
 * A send falls under several limits: permission is all or none. It is decided here in memory and written
 * by the batch that marks the attempt in flight, before the first byte.
 *
 * A counter consists of cells (window.h): one row (limit, subject, cell) -> used. A pace counter has cell 0
 * and `used` = when the last answer came, or PACE_BUSY. Of every charge there is a claim for each cell, so
 * that used of a cell = sum of the units of its claims that were not refunded for all cells >=
 * quota_first_cell() (pace excepted); claims of one (owner, counter, cell) add up.
 *
 * Units    provider units; times in ms of the set's persisted clock, which the caller gives. A time before
 *          the latest one counts as the latest.
 * Errors   0 or a negative err; on failure nothing is charged or given back. ERR_NOT_LOADED: load the
 * counter, ask again; this also happens to a loaded one when a calendar window begins, because only the store
 *          knows which cost is still open. ERR_FULL: too many counters.
 * Memory   borrows arguments; the set owns its cells until counter_set_clear() or counter_set_trim().
 * Threads  the engine thread that owns the set.
 */
#ifndef SIYU_LIMITS_QUOTA_H
#define SIYU_LIMITS_QUOTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rulepack/rulepack.h"

/* a: account or domain id; b: contact, group or task id; 0: not part of the scope. */
struct subject {
    int64_t a, b;
};

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
    int64_t owner; /* delivery id (message and segment units) or attempt id (call units); 0: foreign use,
                      forfeits */
    struct counter_key key;
    int64_t cell, units;
    int64_t at_ms; /* of the charge; a carried claim keeps the first one's */
    bool carried;  /* open cost taken over by a new window */
    bool open;     /* its owner has not ended; false from the start for foreign use */
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
    int64_t free_at_ms; /* when asking again makes sense; INT64_MAX: only an event opens it */
};

struct counter_set;

int counter_set_new(const struct rulepack *rules, struct counter_set **ret);
void counter_set_free(struct counter_set *s); /* NULL is a no-op */

/* Operator limits of the applied playbook, looked up by id beside the pack's. Copies. Counters of limits that
 * are gone or count otherwise than before are forgotten. Call between batches. */
int counter_set_limits(struct counter_set *s, const struct limit *extra, size_t n);

/* Keeps account- and domain-scope counters, forgets the rest. Call between batches, when all is written. */
void counter_set_trim(struct counter_set *s);
/* Forgets every counter and all that is unwritten: after a transaction that failed. */
void counter_set_clear(struct counter_set *s);

/* Begin of a batch: a kept counter whose calendar window has changed counts as not loaded from now on. */
void counter_set_now(struct counter_set *s, int64_t now_ms);

/* Enters a loaded counter. `cells`: its rows from quota_first_cell() on, maybe none. `claims`: those still
 * open on it (any cell), which a window that begins takes over; of an opened window also the ended ones of
 * its latest cell, since the platform may have counted them after the event. A pace that is busy without an open
 * claim has lost its call: its gap runs from now. opened_ms < 0: not an opened
 * window, or none opened. A counter with unwritten changes keeps its own cells. ERR_NOT_FOUND: no such limit.
 */
int counter_set_load(struct counter_set *s, struct counter_key key, const struct cell *cells, size_t n,
                     const struct claim *claims, size_t claim_n, int64_t opened_ms);
bool counter_set_has(const struct counter_set *s, struct counter_key key);
/* The oldest cell that can still bind. */
int64_t quota_first_cell(const struct counter_set *s, const struct limit *limit, int64_t now_ms);

/* An event opened (or renewed) the window at opened_ms, the platform's time of the event; an older event than
 * the latest is a no-op. The counter must be loaded. The caller stores opened_ms. */
int quota_open_window(struct counter_set *s, struct counter_key key, int64_t opened_ms);
/* The platform says that the window or quota is used up, e.g. 45047, send result 3: the rest of the present
 * cell is charged as foreign use. */
int quota_close_window(struct counter_set *s, struct counter_key key, int64_t now_ms);

/* May all `n` wants be charged at now_ms? 0, ERR_QUOTA with `reterr`, ERR_NOT_LOADED with `reterr` limit and
 * subject. Wants of one `alternative` number and owner stand together, as quota_wants() gives them, and need
 * room in one of them. Two wants of one counter add up. `reterr` may be NULL. */
int quota_check(struct counter_set *s, const struct claim_want *wants, size_t n, int64_t now_ms,
                struct quota_block *reterr);

/* Checks, then charges all or none. New claims are appended for counter_set_take_claims(). */
int quota_charge(struct counter_set *s, const struct claim_want *wants, size_t n, int64_t now_ms,
                 struct quota_block *reterr);

/* Certainly not sent: gives the units back, cell by cell, with what this batch carried for the same owners.
 * `claims`: all of the owners' open ones. The counters must be loaded. Of a cell that has freed meanwhile the
 * row is not at hand: its units are forfeited, a new claim of owner 0 stands for them. */
int quota_refund(struct counter_set *s, const struct claim *claims, size_t n);

/* Before owners that were open for longer than T_send end as counted: the platform may have counted them in a
 * calendar window that began meanwhile, so that window takes them over first. ERR_NOT_LOADED only for a
 * counter whose window changed since the claim. Not needed for ordinary answers: a no-op then. */
int quota_settle(struct counter_set *s, const struct claim *claims, size_t n, int64_t now_ms,
                 struct quota_block *reterr);

/* The call is over: a pace counter starts its gap at now_ms. A call that went down with its process may still
 * arrive, so it is over no earlier than its charge + T_send. */
int quota_end_call(struct counter_set *s, const struct claim *claims, size_t n, int64_t now_ms);

/* Of what the batch must write. Valid until the set changes; clears the marks. A claim that was charged and
 * refunded in the same batch appears in neither list. */
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
    enum call_op op; /* CALL_OP_COUNT: a token call */
    enum message_class class;
    int64_t domain, account, contact, group, task; /* 0: limits of that scope do not apply */
    int64_t delivery, attempt;                     /* one of them 0: only the other's wants */
    int64_t segments;                              /* SMS; 1 elsewhere */
    uint32_t variants;                             /* 1u << enum limit_variant; 0: the usual ones */
};
int quota_wants(const struct counter_set *s, const struct quota_send *send, struct claim_want *ret,
                size_t cap);

#endif
