/* SPDX-License-Identifier: Apache-2.0 */
/* mem.h - allocation with a fault point, and a bump arena for things that die together.
 *
 * mem_* are malloc's with one difference: tests make the n-th allocation of their thread fail. Memory is
 * malloc's, so free() and mem_free() are interchangeable.
 *
 * An arena hands out memory by moving a pointer; everything is given back at once by arena_reset() or
 * arena_fini(). It has a ceiling: where a peer decides the size, NULL is the answer instead of growth.
 *
 * Errors   NULL: no memory, or the ceiling of the arena is reached.
 * Memory   arena_dup, arena_str, arena_printf copy; the result lives until reset or fini.
 * Threads  mem_* any; a fault is armed for the calling thread only. An arena belongs to one thread.
 */
#ifndef SIYU_BASE_MEM_H
#define SIYU_BASE_MEM_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

#define AUTO(fn) __attribute__((cleanup(fn)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

void *mem_alloc(size_t bytes) __attribute__((malloc, warn_unused_result));
void *mem_calloc(size_t n, size_t bytes) __attribute__((malloc, warn_unused_result));
void *mem_realloc(void *p, size_t bytes) __attribute__((warn_unused_result));
/* realloc(p, n * bytes) that refuses an overflow. */
void *mem_resize(void *p, size_t n, size_t bytes) __attribute__((warn_unused_result));
void *mem_dup(const void *p, size_t bytes) __attribute__((warn_unused_result));
char *mem_strdup(const char *s) __attribute__((warn_unused_result));
char *mem_strndup(const char *s, size_t n) __attribute__((warn_unused_result));
void mem_free(void *p);
/* For AUTO: `pp` is the address of any pointer got from mem_*. */
void mem_freep(void *pp);

/* The n-th allocation from now fails once (mem_fail_at) or with all that follow (mem_fail_from); 0 disarms.
 */
void mem_fail_at(int n);
void mem_fail_from(int n);
/* Did the armed fault strike since it was armed? */
bool mem_fault_hit(void);

struct arena_block;
struct arena {
    struct arena_block *blocks;
    size_t used_bytes, max_bytes;
};

void arena_init(struct arena *a, size_t max_bytes);
void arena_fini(struct arena *a);
/* Forgets all, keeps one block for reuse. */
void arena_reset(struct arena *a);
/* Zeroed, aligned for any type. */
void *arena_alloc(struct arena *a, size_t bytes);
void *arena_dup(struct arena *a, const void *p, size_t bytes);
/* A NUL terminated copy. */
char *arena_str(struct arena *a, struct str s);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
