/* SPDX-License-Identifier: Apache-2.0 */
/* vec.h - a growing array of equal rows whose memory is an arena's.
 *
 * Rows stay contiguous, so a whole array goes to one store intent. Growing copies; a pointer to a row is good
 * until the next vec_add().
 *
 * Errors   vec_add: NULL when the arena is full.
 * Memory   the arena owns everything; vec_init() again after arena_reset().
 * Threads  the arena's.
 */
#ifndef SIYU_BASE_VEC_H
#define SIYU_BASE_VEC_H

#include "base/mem.h"

struct vec {
    struct arena *arena;
    void *rows;
    size_t count, cap, row_bytes;
};

static inline void vec_init(struct vec *v, struct arena *a, size_t row_bytes)
{
    *v = (struct vec){.arena = a, .row_bytes = row_bytes};
}

/* A new zeroed row at the end. */
void *vec_add(struct vec *v) __attribute__((warn_unused_result));
void *vec_at(const struct vec *v, size_t i);

#endif
