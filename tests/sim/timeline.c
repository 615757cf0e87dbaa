/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/timeline.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

void timeline_init(struct timeline *t)
{
    *t = (struct timeline){0};
}

void timeline_fini(struct timeline *t)
{
    for (size_t i = 0; i < t->count; i++)
        t->heap[i].drop(t->heap[i].ctx);
    mem_free(t->heap);
    *t = (struct timeline){0};
}

static bool before(const struct moment *a, const struct moment *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void swap(struct moment *a, struct moment *b)
{
    struct moment x = *a;

    *a = *b;
    *b = x;
}

void timeline_add(struct timeline *t, const struct moment *m)
{
    if (t->count == t->cap) {
        t->cap = t->cap ? 2 * t->cap : 256;
        t->heap = mem_resize(t->heap, t->cap, sizeof *t->heap);
        if (!t->heap)
            abort();
    }
    size_t i = t->count++;
    t->heap[i] = *m;
    t->heap[i].order = t->order++;
    for (; i && before(&t->heap[i], &t->heap[(i - 1) / 2]); i = (i - 1) / 2)
        swap(&t->heap[i], &t->heap[(i - 1) / 2]);
}

int64_t timeline_next_ms(const struct timeline *t)
{
    return t->count ? t->heap[0].at_ms : INT64_MAX;
}

struct moment timeline_take(struct timeline *t)
{
    assert(t->count);
    struct moment first = t->heap[0];
    size_t i = 0;

    t->heap[0] = t->heap[--t->count];
    for (;;) {
        size_t least = i;
        for (size_t k = 2 * i + 1; k <= 2 * i + 2 && k < t->count; k++)
            if (before(&t->heap[k], &t->heap[least]))
                least = k;
        if (least == i)
            return first;
        swap(&t->heap[i], &t->heap[least]);
        i = least;
    }
}

void timeline_keep(void *ctx)
{
    (void)ctx;
}
