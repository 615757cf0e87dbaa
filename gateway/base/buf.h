/* SPDX-License-Identifier: Apache-2.0 */
/* buf.h - growable bytes with a ceiling.
 *
 *     data is NUL terminated from the first reserve or add on;  len < cap;  len <= max
 *
 * The first failure sticks in `err` and every later add does nothing, so a caller writes a whole message
 * and checks once: buf_error(). A failed add changes nothing else: what was there stays whole.
 *
 * Errors   -ENOMEM; ERR_TOO_BIG: `max` would be passed. Also returned by each add.
 * Memory   copies what is added. buf_take() gives the data away (mem_free it).
 * Threads  one at a time.
 */
#ifndef SIYU_BASE_BUF_H
#define SIYU_BASE_BUF_H

#include "base/str.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buf {
    char *data;
    size_t len, cap, max;
    int err;
};

void buf_init(struct buf *b, size_t max);
/* Frees; `b` is then as after buf_init with the same max. NULL is a no-op. */
void buf_fini(struct buf *b);
/* Empties and clears the error; keeps the memory. */
void buf_reset(struct buf *b);
/* buf_reserve() where the room is not there yet. */
int buf_grow(struct buf *b, size_t n);

/* Room for `n` more bytes. */
static inline int buf_reserve(struct buf *b, size_t n)
{
    bool fits = b->err == 0 && n < b->cap - b->len && n <= b->max - b->len;

    return fits ? 0 : buf_grow(b, n);
}

/* Inline: a message is written in many small pieces, and nearly all of them fit. */
static inline int buf_add(struct buf *b, const void *p, size_t n)
{
    int r = buf_reserve(b, n);

    if (r < 0)
        return r;
    if (n)
        memcpy(b->data + b->len, p, n);
    b->len += n;
    b->data[b->len] = '\0';
    return 0;
}

static inline int buf_adds(struct buf *b, const char *s)
{
    return buf_add(b, s, strlen(s));
}

static inline int buf_addc(struct buf *b, char c)
{
    return buf_add(b, &c, 1);
}

static inline int buf_add_str(struct buf *b, struct str s)
{
    return buf_add(b, s.p, s.n);
}

int buf_add_i64(struct buf *b, int64_t v); /* decimal */
int buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int buf_addv(struct buf *b, const char *fmt, va_list args) __attribute__((format(printf, 2, 0)));
int buf_add_be16(struct buf *b, uint16_t v);
int buf_add_be32(struct buf *b, uint32_t v);
int buf_add_be64(struct buf *b, uint64_t v);

/* Drops `n` <= len bytes from the front, or from the end. */
void buf_consume(struct buf *b, size_t n);
void buf_truncate(struct buf *b, size_t len);

/* Gives the NUL terminated data and leaves `b` empty. NULL after an error or without memory. */
char *buf_take(struct buf *b);
/* The contents as a view, valid until the next change. */
struct str buf_str(const struct buf *b);
/* Never NULL: "" while nothing was added. */
const char *buf_cstr(const struct buf *b);
int buf_error(const struct buf *b);

#endif
