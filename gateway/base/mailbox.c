/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mailbox.h"

#include "base/err.h"

#include <assert.h>
#include <errno.h>
#include <time.h>

/* The only failures of these on an own, initialised mutex are bugs. */
static void lock(struct mailbox *m)
{
    int r = pthread_mutex_lock(&m->lock);

    assert(r == 0);
}

static void unlock(struct mailbox *m)
{
    int r = pthread_mutex_unlock(&m->lock);

    assert(r == 0);
}

static int init_cond(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    int r = pthread_condattr_init(&attr);

    if (r)
        return -r;
    r = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    if (r == 0)
        r = pthread_cond_init(cond, &attr);
    (void)pthread_condattr_destroy(&attr);
    return -r;
}

int mailbox_init(struct mailbox *m, size_t max, mailbox_wake_fn wake, void *wake_ctx)
{
    int r;

    *m = (struct mailbox){.max = max, .wake = wake, .wake_ctx = wake_ctx};
    list_init(&m->nodes);
    r = -pthread_mutex_init(&m->lock, NULL);
    if (r < 0)
        goto fail;
    r = init_cond(&m->ready);
    if (r == 0)
        return 0;
    (void)pthread_mutex_destroy(&m->lock);
fail:
    m->nodes.next = NULL;
    return r;
}

void mailbox_fini(struct mailbox *m)
{
    if (!m || !m->nodes.next) /* never initialised, or init failed */
        return;
    assert(list_empty(&m->nodes));
    (void)pthread_cond_destroy(&m->ready);
    (void)pthread_mutex_destroy(&m->lock);
}

static void tell_receiver(struct mailbox *m)
{
    if (m->wake)
        m->wake(m->wake_ctx);
}

int mailbox_post(struct mailbox *m, struct list *node)
{
    bool first = false;
    int r = 0;

    lock(m);
    if (m->closed) {
        r = ERR_CLOSED;
    } else if (m->count >= m->max) {
        r = ERR_FULL;
    } else {
        first = m->count == 0;
        list_add_tail(&m->nodes, node);
        m->count++;
        if (first)
            (void)pthread_cond_signal(&m->ready);
    }
    unlock(m);
    if (first)
        tell_receiver(m);
    return r;
}

size_t mailbox_take_all(struct mailbox *m, struct list *ret)
{
    size_t n;

    lock(m);
    n = m->count;
    list_move_all(ret, &m->nodes);
    m->count = 0;
    unlock(m);
    return n;
}

static struct timespec deadline_after(int64_t ms)
{
    struct timespec t;
    int r = clock_gettime(CLOCK_MONOTONIC, &t);

    assert(r == 0);
    t.tv_sec += (time_t)(ms / 1000);
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

int mailbox_wait(struct mailbox *m, int64_t timeout_ms)
{
    struct timespec deadline = deadline_after(timeout_ms < 0 ? 0 : timeout_ms);
    int r = 0;

    lock(m);
    while (m->count == 0 && !m->closed && r == 0) {
        if (timeout_ms < 0)
            r = pthread_cond_wait(&m->ready, &m->lock);
        else
            r = pthread_cond_timedwait(&m->ready, &m->lock, &deadline);
    }
    assert(r == 0 || r == ETIMEDOUT);
    if (m->count)
        r = 1;
    else
        r = m->closed ? ERR_CLOSED : 0;
    unlock(m);
    return r;
}

void mailbox_close(struct mailbox *m)
{
    lock(m);
    m->closed = true;
    (void)pthread_cond_broadcast(&m->ready);
    unlock(m);
    tell_receiver(m);
}

size_t mailbox_count(struct mailbox *m)
{
    size_t n;

    lock(m);
    n = m->count;
    unlock(m);
    return n;
}
