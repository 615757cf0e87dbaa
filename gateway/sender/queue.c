/* SPDX-License-Identifier: Apache-2.0 */
#include "sender/queue.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"

void queue_table_init(struct queue_table *t)
{
    *t = (struct queue_table){0};
}

void queue_table_fini(struct queue_table *t)
{
    mem_free(t->list);
    queue_table_init(t);
}

void queue_table_clear(struct queue_table *t)
{
    t->count = 0;
}

static bool same(struct queue_key a, struct queue_key b)
{
    return a.account.v == b.account.v && a.lane == b.lane && a.campaign == b.campaign;
}

static struct queue *add(struct queue_table *t, struct queue_key key)
{
    if (t->count == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 64;
        struct queue *list = mem_resize(t->list, cap, sizeof *list);
        if (!list)
            return NULL;
        t->list = list;
        t->cap = cap;
    }
    t->list[t->count] = (struct queue){.key = key, .next_due_ms = INT64_MAX};
    return &t->list[t->count++];
}

int queue_touch(struct queue_table *t, struct queue_key key, int64_t due_ms)
{
    struct queue *q = NULL;

    for (size_t i = 0; i < t->count && !q; i++)
        if (same(t->list[i].key, key))
            q = &t->list[i];
    if (!q && !(q = add(t, key)))
        return -ENOMEM;
    if (due_ms < q->next_due_ms)
        q->next_due_ms = due_ms;
    return 0;
}

static int64_t ready_ms(const struct queue *q)
{
    return q->next_due_ms > q->blocked_ms ? q->next_due_ms : q->blocked_ms;
}

static int by_turn(const void *x, const void *y)
{
    const struct queue *a = *(struct queue *const *)x, *b = *(struct queue *const *)y;

    return a->served < b->served ? -1 : a->served > b->served;
}

size_t queue_ready(struct queue_table *t, int lane, int64_t now_ms, struct queue **ret, size_t cap)
{
    size_t n = 0;

    for (size_t i = 0; i < t->count && n < cap; i++)
        if (t->list[i].key.lane == lane && t->list[i].next_due_ms != INT64_MAX && ready_ms(&t->list[i]) <= now_ms)
            ret[n++] = &t->list[i];
    qsort(ret, n, sizeof *ret, by_turn);
    return n;
}

void queue_served(struct queue_table *t, struct queue *q, int64_t next_due_ms)
{
    q->served = ++t->turn;
    q->next_due_ms = next_due_ms;
}

void queue_feed(struct queue_table *t)
{
    for (size_t i = 0; i < t->count; i++)
        t->list[i].starved = false;
}

int64_t queue_next_ms(const struct queue_table *t)
{
    int64_t next = INT64_MAX;

    for (size_t i = 0; i < t->count; i++)
        if (!t->list[i].starved && t->list[i].next_due_ms != INT64_MAX && ready_ms(&t->list[i]) < next)
            next = ready_ms(&t->list[i]);
    return next;
}

void queue_sweep(struct queue_table *t)
{
    size_t kept = 0;

    for (size_t i = 0; i < t->count; i++)
        if (t->list[i].next_due_ms != INT64_MAX)
            t->list[kept++] = t->list[i];
    t->count = kept;
}
