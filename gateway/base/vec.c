/* SPDX-License-Identifier: Apache-2.0 */
#include "base/vec.h"

#include <assert.h>
#include <string.h>

void *vec_add(struct vec *v)
{
    if (v->count == v->cap) {
        size_t cap = v->cap ? v->cap * 2 : 16;
        void *rows = arena_alloc(v->arena, cap * v->row_bytes);

        if (!rows)
            return NULL;
        if (v->count)
            memcpy(rows, v->rows, v->count * v->row_bytes);
        v->rows = rows;
        v->cap = cap;
    }
    /* Memory of the arena is zeroed, a row that was taken back is not. */
    return memset((char *)v->rows + v->row_bytes * v->count++, 0, v->row_bytes);
}

void *vec_at(const struct vec *v, size_t i)
{
    assert(i < v->count);
    return (char *)v->rows + v->row_bytes * i;
}
