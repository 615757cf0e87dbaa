/* SPDX-License-Identifier: Apache-2.0 */
/* store.h - durable state, as intents in rows and arrays. No SQL is seen outside this folder.
 *
 * A batch is: store_begin, a few array loads, a few array writes, store_commit. Every array intent costs
 * O(1) prepared statements however many rows it carries, and nothing is durable before store_commit()
 * returned 0 (WAL, synchronous=FULL).
 *
 * One process holds the store for writing; a second store_open() on the same file answers ERR_LOCKED and
 * says so in plain words. Readers (reader.h) are query-only connections on other threads or processes.
 *
 * Times    ms since 1970 on the gateway's persisted clock, unless said.
 * Errors   0 or a negative err: ERR_IO, ERR_FULL (disk), ERR_CORRUPT, -ENOMEM. After any error inside a batch
 *          the caller rolls back; the store is then as before store_begin().
 *          After a failed fsync nobody knows what is on the disk: every later store_begin() is ERR_IO.
 * Memory   borrows arguments for the call. What a load returns lives in the arena given to it.
 * Threads  the engine thread only.
 */
#ifndef SIYU_STORE_STORE_H
#define SIYU_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/terms.h"
#include "store/rows.h"

struct store;

/* ---- life ---- */

/* Opens or creates <dir>/siyu.db, migrates forward, takes the writer's lock. ERR_LOCKED: another process
 * writes; ERR_STALE: made by a newer version. `diag` gets the sentence for people. */
int store_open(const char *dir, struct store **ret, struct diag *diag);
void store_close(struct store *s); /* checkpoints, marks a clean stop; NULL is a no-op */

/* True when the last writer did not store_close(). */
bool store_was_unclean(const struct store *s);

int store_begin(struct store *s);
int store_commit(struct store *s);
void store_rollback(struct store *s);
/* Moves the log into the file once it holds 256 pages (a millisecond or two); before that it does nothing, so
 * call it after each batch. A log of 64 MiB is moved by store_commit(). */
int store_checkpoint_step(struct store *s);

/* Tests: the n-th following statement, or commit, fails with ERR_IO (0: none). Counts calls: conformance. */
void store_fail_at(struct store *s, int64_t n);
bool store_fail_hit(const struct store *s);
int64_t store_calls(const struct store *s);

/* ---- facts about the installation ---- */

/* Names to ids, created where new. Same name, same id for ever. */
int store_intern_connections(struct store *s, struct connection_row *rows, size_t n); /* sets rows[i].id, .domain */
/* Sets rows[i].id. An account is its (connection, external): a changed name or kind is taken over, the rest stays. */
int store_intern_accounts(struct store *s, struct account_row *rows, size_t n);
int store_load_accounts(struct store *s, struct arena *a, struct account_row **ret, size_t *ret_n);
int store_set_account_state(struct store *s, struct account_id id, bool frozen, struct str why, int64_t at_ms);
int store_get_meta(struct store *s, const char *key, struct arena *a, struct str *ret); /* ERR_NOT_FOUND */
int store_put_meta(struct store *s, const char *key, struct str value);
/* The largest event, delivery, attempt id ever given: the id generator starts above. */
int store_last_id(struct store *s, int64_t *ret);

/* How many rows there are in each state, without reading them. */
struct state_counts {
    int64_t deliveries[DELIVERY_STATE_COUNT];
    int64_t events[EVENT_UNDECIDED + 1];
};
int store_load_counts(struct store *s, struct state_counts *ret);

/* ---- inbox ---- */

/* For each key the event that holds it, or id 0. A key that repeats an earlier one of the same array, at
 * position j, and is not stored yet: id -(j + 1). */
int store_find_inbox(struct store *s, const struct inbox_key *keys, size_t n, struct arena *a,
                     struct inbox_row *ret);
int store_put_events(struct store *s, const struct event_row *rows, size_t n); /* with inbox key where set */
/* Changes state, cause, account, contact, group, reply mode, reply, crashes. */
int store_update_events(struct store *s, const struct event_row *rows, size_t n);
/* Events stored but not decided (after an unclean stop), oldest first, then `undecided` ones, oldest first. */
int store_load_pending_events(struct store *s, size_t limit, struct arena *a, struct event_row **ret, size_t *ret_n);
/* Passive deliveries, keyed by event: what a retry is answered with is in event_row.reply. */
int store_put_cursors(struct store *s, const struct cursor_row *rows, size_t n);
int store_load_cursor(struct store *s, struct connection_id c, struct arena *a, struct str *ret); /* ERR_NOT_FOUND */

/* ---- who ---- */

/* Finds contacts by (domain, external id); 0 where none. Aliases of merged contacts lead to the winner. */
int store_find_contacts(struct store *s, const struct identity_row *ids, size_t n, struct contact_id *ret);
/* Inserts, or updates name and props where they are not absent ({NULL, 0}). */
int store_put_contacts(struct store *s, const struct contact_row *rows, size_t n);
int store_put_identities(struct store *s, const struct identity_row *rows, size_t n); /* insert or ignore */
/* All facts of the named contacts: row, identities, relations, tags, refusals. Order of ids. */
int store_load_contacts(struct store *s, const struct contact_id *ids, size_t n, struct arena *a,
                        struct contact_facts *ret);
int store_put_relations(struct store *s, const struct relation_row *rows, size_t n); /* upsert (account, contact) */
int store_put_tags(struct store *s, const struct tag_row *rows, size_t n);           /* upsert; remove=true deletes */
int store_put_refusals(struct store *s, const struct refusal_row *rows, size_t n);   /* insert or keep first; lifted=true deletes */
int store_find_groups(struct store *s, const struct group_row *keys, size_t n, struct group_id *ret);
int store_put_groups(struct store *s, const struct group_row *rows, size_t n);
int store_load_groups(struct store *s, const struct group_id *ids, size_t n, struct arena *a, struct group_row *ret);
int store_put_group_members(struct store *s, const struct group_member_row *rows, size_t n); /* left=true deletes */
int store_load_cooldowns(struct store *s, const struct cooldown_row *keys, size_t n, int64_t *ret_until_ms);
int store_put_cooldowns(struct store *s, const struct cooldown_row *rows, size_t n);

/* ---- what is said ---- */

int store_put_contents(struct store *s, const struct content_row *rows, size_t n);
int store_load_contents(struct store *s, const int64_t *ids, size_t n, struct arena *a, struct content_row *ret);

/* UNIQUE(origin_kind, origin, step, visit, contact, group). ret_new[i] = false where the key existed: that
 * row is not inserted. */
int store_put_deliveries(struct store *s, const struct delivery_row *rows, size_t n, bool *ret_new);
int store_load_deliveries(struct store *s, const struct delivery_id *ids, size_t n, struct arena *a,
                          struct delivery_row *ret); /* hot or finished; id 0 where none */
/* Changes state, cause, due, deadline, attempt, tries, hold of hot rows. A row whose state in the store is not
 * `was` is left alone and ret_done[i] = false (lost the race: reload). `final` rows move to history; there a late
 * receipt may still refine accepted and unknown ones, but nothing comes back from there. */
int store_update_deliveries(struct store *s, const struct delivery_change *changes, size_t n, bool *ret_done);

/* Queues with at least one queued or held row, with their earliest due time. Cost O(queues). */
int store_load_queues(struct store *s, struct arena *a, struct queue_row **ret, size_t *ret_n);
/* The first `limit` queued or held rows of one queue that are due at now_ms, in due order; then the due time of
 * the next one (INT64_MAX: none). */
int store_load_due(struct store *s, struct queue_key q, int64_t now_ms, size_t limit, struct arena *a,
                   struct delivery_row **ret, size_t *ret_n, int64_t *ret_next_ms);
/* Hot rows in a state (in_flight, unknown, awaiting_confirm), after an id: recovery and reconciliation. */
int store_load_in_state(struct store *s, enum delivery_state state, struct delivery_id after, size_t limit,
                        struct arena *a, struct delivery_row **ret, size_t *ret_n);
/* Unsent hot rows of a contact (queued, held): re-judged when a window opens, a refusal comes. */
int store_load_unsent_of(struct store *s, const struct contact_id *contacts, size_t n, struct arena *a,
                         struct delivery_row **ret, size_t *ret_n);
/* Unsent hot rows of a broadcast occurrence, after an id: cancel. */
int store_load_unsent_of_campaign(struct store *s, int64_t campaign, struct delivery_id after, size_t limit,
                                  struct arena *a, struct delivery_row **ret, size_t *ret_n);
/* Accepted rows of one attempt or by provider id, for receipts: (connection, provider_id) -> attempt. */
int store_find_attempts(struct store *s, const struct attempt_ref *refs, size_t n, struct attempt_id *ret);

/* ---- attempts and quotas ---- */

int store_put_attempts(struct store *s, const struct attempt_row *rows, size_t n);
int store_put_attempt_items(struct store *s, const struct attempt_item_row *rows, size_t n);
int store_update_attempts(struct store *s, const struct attempt_row *rows, size_t n); /* all result fields */
int store_load_attempts(struct store *s, const struct attempt_id *ids, size_t n, struct arena *a,
                        struct attempt_row *ret);
int store_load_attempt_items(struct store *s, struct attempt_id id, struct arena *a,
                             struct attempt_item_row **ret, size_t *ret_n);
/* Attempts that have not ended (in flight at a crash) or that ask for follow-up (next_ms <= now). */
int store_load_open_attempts(struct store *s, struct arena *a, struct attempt_row **ret, size_t *ret_n);
int store_load_due_followups(struct store *s, int64_t now_ms, size_t limit, struct arena *a,
                             struct attempt_row **ret, size_t *ret_n, int64_t *ret_next_ms);

/* For each key: its live cells (cell >= min_cell[i]), its open claims, its opened_ms (-1). Array of results. */
int store_load_counters(struct store *s, const struct counter_ref *keys, const int64_t *min_cell, size_t n,
                        struct arena *a, struct counter_rows *ret);
int store_put_cells(struct store *s, const struct cell_row *rows, size_t n);     /* upsert; used 0 deletes */
int store_put_claims(struct store *s, const struct claim_row *rows, size_t n);
int store_close_claims(struct store *s, const int64_t *owners, size_t n);        /* open -> counted for good */
int store_refund_claims(struct store *s, const int64_t *owners, size_t n);       /* open -> refunded */
int store_load_claims(struct store *s, const int64_t *owners, size_t n, struct arena *a, struct claim_row **ret,
                      size_t *ret_n); /* open ones of these owners */
int store_put_openings(struct store *s, const struct opening_row *rows, size_t n); /* latest opening per counter */
/* Deletes cells that can bind no more; bounded; 1: more is left. */
int store_prune(struct store *s, int64_t now_ms, size_t limit);

/* ---- when ---- */

int store_put_playbook(struct store *s, const struct playbook_row *row);
int store_load_playbooks(struct store *s, struct arena *a, struct playbook_row **ret, size_t *ret_n);
/* One planned run of a broadcast; UNIQUE(broadcast name, slot). ret_new as above. */
int store_put_occurrences(struct store *s, struct occurrence_row *rows, size_t n, bool *ret_new);
int store_update_occurrences(struct store *s, const struct occurrence_row *rows, size_t n);
int store_load_occurrences(struct store *s, struct arena *a, struct occurrence_row **ret, size_t *ret_n); /* not finished */
int store_last_slot(struct store *s, struct str broadcast, int64_t *ret_ms); /* ERR_NOT_FOUND */
/* Members of an audience after a cursor id, in id order: contacts of a tag that have an identity in `domain`
 * (and, for wecom.member, a live relation with some account: the row names it). */
int store_expand_contacts(struct store *s, const struct audience_query *q, int64_t after, size_t limit,
                          struct arena *a, struct audience_row **ret, size_t *ret_n);
int store_expand_groups(struct store *s, const struct audience_query *q, int64_t after, size_t limit,
                        struct arena *a, struct audience_row **ret, size_t *ret_n);

/* ---- why, and access ---- */

int store_put_traces(struct store *s, const struct trace_row *rows, size_t n);
int store_put_token(struct store *s, const struct token_row *row);
int store_load_tokens(struct store *s, struct arena *a, struct token_row **ret, size_t *ret_n);

#endif
