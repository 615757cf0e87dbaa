/* SPDX-License-Identifier: Apache-2.0 */
/* settle.h - facts of an attempt become states of its deliveries: accepted, retried, held, failed, unknown.
 *
 * The charge follows the facts: it comes back on proof that nothing was sent, or where the rule pack says that
 * the platform did not count; an unknown outcome stays charged for good. What must not be sent twice and has no
 * clear answer becomes `unknown` and is never put back into the queue by this code.
 *
 * Errors   0 or a negative err of the store. Memory: the batch's arena. Threads: the engine thread.
 */
#ifndef SIYU_ENGINE_SETTLE_H
#define SIYU_ENGINE_SETTLE_H

#include "engine/batch.h"

struct account;

int settle_facts(struct batch *b, const struct op_facts *op);

/* A receipt's verdict on one delivery. Never regresses: delivered and failed stay. */
int settle_receipt(struct batch *b, struct delivery_row *row, enum outcome verdict, struct event_id event);

/* Ends a row that waits to be sent. One whose earlier call had no answer may have arrived: it ends unknown, counted. */
struct delivery_move;
void settle_drop(struct batch *b, struct delivery_row *row, struct delivery_move m);

/* Ban-like: the account stops at once, until a human releases it. */
void settle_freeze(struct batch *b, struct account *account, struct str why);

/* Gives back, or counts for good, what these owners (deliveries, attempts) charged. */
int settle_refund(struct batch *b, const int64_t *owners, size_t n);
void settle_count(struct batch *b, int64_t owner);
/* The same for what was open longer than a call takes (unknown, awaiting): the platform may have counted it in a window
 * that began meanwhile, which takes it over first. */
int settle_count_late(struct batch *b, const int64_t *owners, size_t n);

/* The platform says that what it allows this recipient is used up: the rest of the present window counts as used. */
int settle_use_up(struct batch *b, const struct account *account, const struct delivery_row *row);

/* Until when the account must not be called after the platform's word; 0: free. */
int64_t settle_blocked_until(const struct engine *e, struct account_id account);

/* After an unclean stop: whatever was in flight has no clear answer. One bounded piece; 1: more is left. */
int settle_recover(struct batch *b);

#endif
