/* SPDX-License-Identifier: Apache-2.0 */
/* queue.h - the sender's memory: one entry a queue, who is due, who is blocked, whose turn it is.
 *
 * Memory   owned by the table. Threads: the engine thread.
 */
#ifndef SIYU_SENDER_QUEUE_H
#define SIYU_SENDER_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "store/rows.h"

struct queue {
    struct queue_key key;
    int64_t next_due_ms;   /* INT64_MAX: empty as far as is known */
    int64_t blocked_ms;    /* a limit of the account or domain is full until then */
    bool starved;          /* waits for a call to end, not for a time */
    uint64_t served;       /* turn counter of its last service: the smallest goes first */
};

struct queue_table {
    struct queue *list;
    size_t count, cap;
    uint64_t turn;
};

void queue_table_init(struct queue_table *t);
void queue_table_fini(struct queue_table *t);
void queue_table_clear(struct queue_table *t);

/* Something is due in this queue at due_ms; makes the entry. -ENOMEM. */
int queue_touch(struct queue_table *t, struct queue_key key, int64_t due_ms);

/* The queues of a lane that may be served at now_ms, the longest waiting first; at most cap of them. */
size_t queue_ready(struct queue_table *t, int lane, int64_t now_ms, struct queue **ret, size_t cap);
void queue_served(struct queue_table *t, struct queue *q, int64_t next_due_ms);

/* A call ended: whoever waited for room may try again. */
void queue_feed(struct queue_table *t);

/* The earliest time at which any queue may be served; starved ones do not count. */
int64_t queue_next_ms(const struct queue_table *t);

/* Drops entries that are empty. Invalidates pointers. */
void queue_sweep(struct queue_table *t);

#endif
