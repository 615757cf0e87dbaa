/* SPDX-License-Identifier: Apache-2.0 */
/* mailbox.h - a bounded queue of intrusive nodes from many threads to one.
 *
 * Posting hands the node over; the receiver detaches all that is there and then owns it. The receiver may
 * block in mailbox_wait() (engine thread) or be told by `wake` (loop thread; uv_async_send in a wrapper).
 * `wake` runs on the posting thread, outside the lock, when the box stops being empty or is closed; it may
 * come once too often, never once too rarely.
 *
 * Errors   ERR_FULL `max` nodes wait; ERR_CLOSED; the node is then still the caller's.
 * Memory   nodes are members of the caller's structs. fini asserts that the box is empty.
 * Threads  post, close: any. take_all, wait: the one receiver. init, fini: when nobody else uses it.
 */
#ifndef SIYU_BASE_MAILBOX_H
#define SIYU_BASE_MAILBOX_H

#include "base/list.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void (*mailbox_wake_fn)(void *ctx);

struct mailbox {
    pthread_mutex_t lock;
    pthread_cond_t ready;
    struct list nodes;
    size_t count, max;
    bool closed;
    mailbox_wake_fn wake;
    void *wake_ctx;
};

int mailbox_init(struct mailbox *m, size_t max, mailbox_wake_fn wake, void *wake_ctx); /* wake may be NULL */
void mailbox_fini(struct mailbox *m);

int mailbox_post(struct mailbox *m, struct list *node);
/* Appends what waits to `ret` in order of posting; how many. Works on a closed box too. */
size_t mailbox_take_all(struct mailbox *m, struct list *ret);
/* 1 something waits; 0 `timeout_ms` passed (negative: for ever); ERR_CLOSED closed and empty. */
int mailbox_wait(struct mailbox *m, int64_t timeout_ms);
/* No more posts; wakes the receiver. */
void mailbox_close(struct mailbox *m);
size_t mailbox_count(struct mailbox *m);

#endif
