/* SPDX-License-Identifier: Apache-2.0 */
/* timeline.h - what happens when, in virtual time; of equal times the one that was added first.
 *
 * Units    ms of the simulation's clock.
 * Memory   a moment's context is given to its function; `drop` frees it where the moment never comes.
 *          Out of memory ends the process: this is a test.
 * Threads  one at a time.
 */
#ifndef SIYU_TESTS_SIM_TIMELINE_H
#define SIYU_TESTS_SIM_TIMELINE_H

#include <stddef.h>
#include <stdint.h>

typedef void (*moment_fn)(void *ctx);

struct moment {
    int64_t at_ms;
    uint64_t order;
    int64_t life; /* 0: the world's own; else of that life of the gateway, and void after it */
    moment_fn run, drop;
    void *ctx;
};

struct timeline {
    struct moment *heap;
    size_t count, cap;
    uint64_t order;
};

void timeline_init(struct timeline *t);
void timeline_fini(struct timeline *t);
void timeline_add(struct timeline *t, const struct moment *m);
int64_t timeline_next_ms(const struct timeline *t); /* INT64_MAX: none */
/* Only where there is one. */
struct moment timeline_take(struct timeline *t);
/* A `drop` for contexts that somebody else owns. */
void timeline_keep(void *ctx);

#endif
