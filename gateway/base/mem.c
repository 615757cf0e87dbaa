/* SPDX-License-Identifier: Apache-2.0 */
/* The fault point counts down in the thread that armed it, so a test with helper threads stays exact.
 *
 * An arena is a chain of blocks, newest first; each serves from its front. A request larger than a block
 * gets a block of its own. arena_reset() keeps the largest block that does not dwarf a normal one.
 */
#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local struct {
    int left; /* 0: not armed */
    bool forever, hit;
} fault;

static bool fault_strikes(void)
{
    if (fault.left == 0)
        return false;
    if (fault.left > 1) {
        fault.left--;
        return false;
    }
    fault.hit = true;
    if (!fault.forever)
        fault.left = 0;
    errno = ENOMEM;
    return true;
}

static void fault_arm(int n, bool forever)
{
    assert(n >= 0);
    fault.left = n;
    fault.forever = forever;
    fault.hit = fault.hit && n == 0; /* disarming keeps the answer */
}

void mem_fail_at(int n)
{
    fault_arm(n, false);
}

void mem_fail_from(int n)
{
    fault_arm(n, true);
}

bool mem_fault_hit(void)
{
    return fault.hit;
}

void *mem_alloc(size_t bytes)
{
    return fault_strikes() ? NULL : malloc(bytes ? bytes : 1);
}

void *mem_calloc(size_t n, size_t bytes)
{
    return fault_strikes() ? NULL : calloc(n ? n : 1, bytes ? bytes : 1);
}

void *mem_realloc(void *p, size_t bytes)
{
    return fault_strikes() ? NULL : realloc(p, bytes ? bytes : 1);
}

void *mem_resize(void *p, size_t n, size_t bytes)
{
    size_t total;

    if (__builtin_mul_overflow(n, bytes, &total))
        return NULL;
    return mem_realloc(p, total);
}

void *mem_dup(const void *p, size_t bytes)
{
    void *copy = mem_alloc(bytes);

    if (copy && bytes)
        memcpy(copy, p, bytes);
    return copy;
}

char *mem_strdup(const char *s)
{
    return mem_dup(s, strlen(s) + 1);
}

char *mem_strndup(const char *s, size_t n)
{
    char *copy;

    if (n == SIZE_MAX)
        return NULL;
    copy = mem_alloc(n + 1);
    if (!copy)
        return NULL;
    if (n)
        memcpy(copy, s, n);
    copy[n] = '\0';
    return copy;
}

void mem_free(void *p)
{
    free(p);
}

void mem_freep(void *pp)
{
    void *p;

    memcpy(&p, pp, sizeof(p)); /* pp is char **, struct x **, ...: no aliasing through void ** */
    free(p);
    memset(pp, 0, sizeof(p));
}

enum { ARENA_BLOCK_BYTES = 4096 - 64 };

struct arena_block {
    struct arena_block *next;
    size_t used, cap;
    alignas(max_align_t) char bytes[];
};

void arena_init(struct arena *a, size_t max_bytes)
{
    *a = (struct arena){.max_bytes = max_bytes};
}

static void arena_drop(struct arena_block *block)
{
    while (block) {
        struct arena_block *next = block->next;

        mem_free(block);
        block = next;
    }
}

void arena_fini(struct arena *a)
{
    if (!a)
        return;
    arena_drop(a->blocks);
    arena_init(a, a->max_bytes);
}

void arena_reset(struct arena *a)
{
    struct arena_block *keep = a->blocks;

    a->used_bytes = 0;
    if (!keep)
        return;
    if (keep->cap > ARENA_BLOCK_BYTES) {
        arena_fini(a);
        return;
    }
    arena_drop(keep->next);
    keep->next = NULL;
    keep->used = 0;
}

static struct arena_block *arena_add_block(struct arena *a, size_t bytes)
{
    size_t cap = bytes > ARENA_BLOCK_BYTES ? bytes : ARENA_BLOCK_BYTES;
    struct arena_block *block;

    if (cap > SIZE_MAX - sizeof(*block))
        return NULL;
    block = mem_alloc(sizeof(*block) + cap);
    if (!block)
        return NULL;
    block->next = a->blocks;
    block->used = 0;
    block->cap = cap;
    a->blocks = block;
    return block;
}

void *arena_alloc(struct arena *a, size_t bytes)
{
    size_t need = (bytes + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    struct arena_block *block = a->blocks;
    void *p;

    if (need < bytes || need > a->max_bytes - a->used_bytes)
        return NULL;
    if (!block || need > block->cap - block->used)
        block = arena_add_block(a, need);
    if (!block)
        return NULL;
    p = block->bytes + block->used;
    block->used += need;
    a->used_bytes += need;
    return memset(p, 0, need);
}

void *arena_dup(struct arena *a, const void *p, size_t bytes)
{
    void *copy = arena_alloc(a, bytes);

    if (copy && bytes)
        memcpy(copy, p, bytes);
    return copy;
}

char *arena_str(struct arena *a, struct str s)
{
    char *copy = s.n < SIZE_MAX ? arena_alloc(a, s.n + 1) : NULL; /* zeroed: ends with NUL */

    if (copy && s.n)
        memcpy(copy, s.p, s.n);
    return copy;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n >= 0)
        text = arena_alloc(a, (size_t)n + 1);
    if (!text)
        return NULL;
    va_start(args, fmt);
    (void)vsnprintf(text, (size_t)n + 1, fmt, args);
    va_end(args);
    return text;
}
