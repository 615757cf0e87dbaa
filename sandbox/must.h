/* SPDX-License-Identifier: Apache-2.0 */
/* must.h - allocate or die.
 *
 * The sandbox is a measuring instrument: a platform that loses a fact for want of memory would blame the
 * gateway for it. So it stops instead. What a peer sends is bounded by the front door before it gets here.
 *
 * Memory   mem_free() what sb_new and sb_copy give.
 * Threads  any.
 */
#ifndef SIYU_SANDBOX_MUST_H
#define SIYU_SANDBOX_MUST_H

#include <jansson.h>
#include <stddef.h>

/* Zeroed. */
void *sb_new(size_t bytes);
char *sb_copy(const char *text);
char *sb_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* json_pack() that cannot fail; its strings must be UTF-8, which parsed JSON is. */
json_t *sb_json(const char *fmt, ...);
/* These take `value`. */
void sb_json_set(json_t *object, const char *key, json_t *value);
void sb_json_add(json_t *array, json_t *value);

/* For other calls that only fail without memory: r is 0, p is not NULL. */
void sb_must(int r);
void *sb_must_have(void *p);

#endif
