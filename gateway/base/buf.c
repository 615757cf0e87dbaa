/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include "base/err.h"
#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

enum { BUF_FIRST_CAP = 64 };

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void buf_fini(struct buf *b)
{
    if (!b)
        return;
    mem_free(b->data);
    buf_init(b, b->max);
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->err = 0;
    if (b->data)
        b->data[0] = '\0';
}

static int buf_fail(struct buf *b, int err)
{
    b->err = err;
    return err;
}

int buf_grow(struct buf *b, size_t n)
{
    size_t need, cap;
    char *data;

    if (b->err)
        return b->err;
    if (n > b->max - b->len || b->len + n == SIZE_MAX)
        return buf_fail(b, ERR_TOO_BIG);
    need = b->len + n + 1;
    if (need <= b->cap)
        return 0;
    cap = b->cap ? b->cap : BUF_FIRST_CAP;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    if (cap > b->max && b->max < SIZE_MAX)
        cap = b->max + 1;
    data = mem_realloc(b->data, cap);
    if (!data)
        return buf_fail(b, -ENOMEM);
    data[b->len] = '\0';
    b->data = data;
    b->cap = cap;
    return 0;
}

int buf_add_i64(struct buf *b, int64_t v)
{
    char digits[24], *p = digits + sizeof(digits);
    uint64_t left = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

    do
        *--p = (char)('0' + left % 10);
    while (left /= 10);
    if (v < 0)
        *--p = '-';
    return buf_add(b, p, (size_t)(digits + sizeof(digits) - p));
}

int buf_addv(struct buf *b, const char *fmt, va_list args)
{
    va_list again;
    int n, r;

    va_copy(again, args);
    n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (n < 0)
        return buf_fail(b, -EINVAL);
    r = buf_reserve(b, (size_t)n);
    if (r < 0)
        return r;
    (void)vsnprintf(b->data + b->len, (size_t)n + 1, fmt, args);
    b->len += (size_t)n;
    return 0;
}

int buf_addf(struct buf *b, const char *fmt, ...)
{
    va_list args;
    int r;

    va_start(args, fmt);
    r = buf_addv(b, fmt, args);
    va_end(args);
    return r;
}

static int buf_add_be(struct buf *b, uint64_t v, int bytes)
{
    uint8_t be[8];

    for (int i = 0; i < bytes; i++)
        be[i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
    return buf_add(b, be, (size_t)bytes);
}

int buf_add_be16(struct buf *b, uint16_t v)
{
    return buf_add_be(b, v, 2);
}

int buf_add_be32(struct buf *b, uint32_t v)
{
    return buf_add_be(b, v, 4);
}

int buf_add_be64(struct buf *b, uint64_t v)
{
    return buf_add_be(b, v, 8);
}

void buf_consume(struct buf *b, size_t n)
{
    assert(n <= b->len);
    if (n == 0)
        return;
    memmove(b->data, b->data + n, b->len - n + 1);
    b->len -= n;
}

void buf_truncate(struct buf *b, size_t len)
{
    assert(len <= b->len);
    b->len = len;
    if (b->data)
        b->data[len] = '\0';
}

char *buf_take(struct buf *b)
{
    char *data;

    if (buf_reserve(b, 0) < 0)
        return NULL;
    data = b->data;
    buf_init(b, b->max);
    return data;
}

struct str buf_str(const struct buf *b)
{
    return (struct str){buf_cstr(b), b->len};
}

const char *buf_cstr(const struct buf *b)
{
    return b->data ? b->data : "";
}

int buf_error(const struct buf *b)
{
    return b->err;
}
