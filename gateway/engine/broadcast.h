/* SPDX-License-Identifier: Apache-2.0 */
/* broadcast.h - planned sends: when a slot comes, freeze the content, walk the audience in chunks, queue.
 *
 *     calendar says run -> occurrence (EXPANDING, cursor 0) -> chunks of deliveries -> DONE
 *
 * The occurrence's id is the origin of its deliveries, so a chunk that is expanded twice (a crash between) plans
 * nobody twice. A tag of the official account's own is read page by page from the platform; the page token is the
 * cursor then.
 *
 * Errors   0 or a negative err of the store. Memory: the batch's arena; active occurrences in the engine.
 * Threads  the engine thread.
 */
#ifndef SIYU_ENGINE_BROADCAST_H
#define SIYU_ENGINE_BROADCAST_H

#include "engine/batch.h"

struct broadcasts;

int broadcasts_new(struct broadcasts **ret);
void broadcasts_free(struct broadcasts *x);
/* Active occurrences anew from the store; at start and after a batch that was rolled back. */
int broadcasts_load(struct broadcasts *x, struct engine *e);

/* A playbook was applied: look at all slots anew. */
void broadcasts_changed(struct broadcasts *x);
/* Begins what is due and expands one chunk of what has begun. */
int broadcasts_tick(struct broadcasts *x, struct batch *b, int64_t *ret_next_ms);
/* A page of a platform tag's members came. */
int broadcasts_learn_page(struct broadcasts *x, struct batch *b, const struct attempt_row *poll,
                          const struct op_facts *op);

#endif
