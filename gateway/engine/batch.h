/* SPDX-License-Identifier: Apache-2.0 */
/* batch.h - one transaction: what was loaded, what is to be written, who is to be told after the commit.
 *
 *     batch_begin -> (loads, decisions that append rows -> batch_flush)* -> batch_commit | batch_abort
 *
 * Deciding is memory work on rows in the arena; batch_flush() hands each array to one store intent, in an
 * order in which rows may refer to earlier ones. Replies leave only with a commit.
 *
 * Errors   0 or a negative err. A vec_add() that fails sets `err`, which batch_flush() returns.
 * Memory   everything of a batch lives in its arena and dies with batch_commit() or batch_abort().
 * Threads  the engine thread.
 */
#ifndef SIYU_ENGINE_BATCH_H
#define SIYU_ENGINE_BATCH_H

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "base/vec.h"
#include "engine/message.h"
#include "store/store.h"

struct engine;

struct batch {
    struct engine *engine;
    struct arena arena;
    int64_t now_ms, now_mono_ms;
    int err; /* the first row that found no memory */

    struct map_i64 people; /* contact id -> struct person (facts.h) */
    struct map_i64 moved;  /* delivery id -> index + 1 in changes: one change a delivery and batch */

    struct vec contacts, identities, relations, tags, refusals, groups, members, cooldowns;
    struct vec events, event_updates, cursors, openings, occurrences, contents;
    struct vec deliveries, changes, attempts, attempt_updates, items, traces;
    struct vec refunds, closings; /* int64_t owners of claims */
    struct vec touched;           /* struct queue_row: queues that got something due; outlives a flush */

    struct buf note;     /* note.h writes here */
    struct list replies; /* struct message.node, in order */
    size_t live;         /* replies of the live feed among them */
};

void batch_init(struct batch *b, struct engine *e);
void batch_fini(struct batch *b);

int batch_begin(struct batch *b);
/* Every array to the store; they are empty then. After an error only batch_abort() is legal. */
int batch_flush(struct batch *b);
/* Commits and moves the replies to `ret`. ERR_IO here is fatal for the process: what is durable is unknown. */
int batch_commit(struct batch *b, struct list *ret);
/* Rolls back and drops rows and replies. */
void batch_abort(struct batch *b);

/* A new zeroed row of one of the vecs; never NULL: without memory a scratch row that goes nowhere, and `err`. */
void *batch_row(struct batch *b, struct vec *v);
struct str batch_str(struct batch *b, struct str s);
struct str batch_cstr(struct batch *b, const char *s);
/* JSON text of `node` in the arena; steals the reference. Empty without memory. */
struct str batch_json(struct batch *b, json_t *node);
int64_t batch_id(struct batch *b);

/* Something of this queue is due at due_ms: the sender looks. */
void batch_touch(struct batch *b, struct queue_key key, int64_t due_ms);

/* A reply to be posted after the commit; NULL without memory, and `err`. */
void *batch_reply(struct batch *b, enum message_kind kind, size_t bytes);

#endif
