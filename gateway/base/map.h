/* SPDX-License-Identifier: Apache-2.0 */
/* map.h - hash maps with int64 or byte string keys, and a ceiling.
 *
 * Values are a pointer or an integer; the map never looks at them and frees none. A pointer to a value
 * stays good until the next put of a *new* key.
 *
 * Iteration: size_t at = 0; while (map_i64_next(&m, &at, &key, &val)) ...  in no order. Inside, deleting
 * any key and overwriting an existing one are allowed; putting a new key is not.
 *
 * Errors   -ENOMEM; ERR_FULL: `max` keys are in. The map is then unchanged.
 * Memory   copies string keys; frees them with the entry.
 * Threads  one at a time.
 */
#ifndef SIYU_BASE_MAP_H
#define SIYU_BASE_MAP_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

union map_val {
    void *p;
    int64_t i;
};

struct map_slot;
struct map {
    struct map_slot *slots;
    size_t count, used, cap, max; /* used: with the graves of deleted keys */
};
struct map_i64 {
    struct map m;
};
struct map_str {
    struct map m;
};

void map_i64_init(struct map_i64 *m, size_t max);
void map_i64_fini(struct map_i64 *m);
void map_i64_clear(struct map_i64 *m);
size_t map_i64_count(const struct map_i64 *m);
/* Adds or overwrites. */
int map_i64_put(struct map_i64 *m, int64_t key, void *p);
int map_i64_put_i64(struct map_i64 *m, int64_t key, int64_t i);
/* NULL when absent (or when NULL was put). */
void *map_i64_get(const struct map_i64 *m, int64_t key);
/* The value in place; NULL when absent. */
union map_val *map_i64_find(const struct map_i64 *m, int64_t key);
/* False when it was not there. */
bool map_i64_del(struct map_i64 *m, int64_t key);
bool map_i64_next(const struct map_i64 *m, size_t *at, int64_t *key, union map_val *val);

void map_str_init(struct map_str *m, size_t max);
void map_str_fini(struct map_str *m);
void map_str_clear(struct map_str *m);
size_t map_str_count(const struct map_str *m);
int map_str_put(struct map_str *m, struct str key, void *p);
int map_str_put_i64(struct map_str *m, struct str key, int64_t i);
void *map_str_get(const struct map_str *m, struct str key);
union map_val *map_str_find(const struct map_str *m, struct str key);
bool map_str_del(struct map_str *m, struct str key);
/* `key` points into the map. */
bool map_str_next(const struct map_str *m, size_t *at, struct str *key, union map_val *val);

#endif
