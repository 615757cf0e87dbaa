/* SPDX-License-Identifier: Apache-2.0 */
/* One table serves both kinds: open addressing, linear probing, a power of two slots, at most 3/4 used.
 *
 * A slot's hash tells its state: 0 empty, 1 the grave of a deleted key, else in use. Graves keep probe
 * chains whole and, unlike shifting back, let a walk delete as it goes; a rehash clears them.
 * An int64 key has key == NULL and stands in n; a string key is an own copy of n bytes.
 */
#include "base/map.h"

#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"

#include <errno.h>
#include <string.h>

enum { MAP_FIRST_CAP = 16 };
enum { SLOT_EMPTY = 0, SLOT_GRAVE = 1 };
#define SLOT_IN_USE (UINT64_C(1) << 63) /* the top bit: a slot's place comes from the low ones */

struct map_slot {
    uint64_t hash;
    char *key;
    uint64_t n;
    union map_val val;
};

struct map_key {
    uint64_t hash;
    const char *p; /* NULL: int64 */
    uint64_t n;
};

static struct map_key key_i64(int64_t v)
{
    return (struct map_key){hash_i64(v) | SLOT_IN_USE, NULL, (uint64_t)v};
}

static struct map_key key_str(struct str s)
{
    return (struct map_key){hash_bytes(s.p, s.n) | SLOT_IN_USE, s.n ? s.p : "", s.n};
}

static bool slot_in_use(const struct map_slot *slot)
{
    return slot->hash & SLOT_IN_USE;
}

static bool slot_is(const struct map_slot *slot, struct map_key key)
{
    return slot->hash == key.hash && slot->n == key.n && (!key.p || memcmp(slot->key, key.p, key.n) == 0);
}

static struct map_slot *map_find(const struct map *m, struct map_key key)
{
    size_t mask = m->cap - 1;

    if (m->cap == 0)
        return NULL;
    for (size_t i = key.hash & mask; m->slots[i].hash != SLOT_EMPTY; i = (i + 1) & mask)
        if (slot_is(&m->slots[i], key))
            return &m->slots[i];
    return NULL;
}

static struct map_slot *map_free_slot(struct map_slot *slots, size_t cap, uint64_t hash)
{
    size_t i = hash & (cap - 1);

    while (slot_in_use(&slots[i]))
        i = (i + 1) & (cap - 1);
    return &slots[i];
}

static int map_rehash(struct map *m, size_t cap)
{
    struct map_slot *slots = mem_calloc(cap, sizeof(*slots));

    if (!slots)
        return -ENOMEM;
    for (size_t i = 0; i < m->cap; i++)
        if (slot_in_use(&m->slots[i]))
            *map_free_slot(slots, cap, m->slots[i].hash) = m->slots[i];
    mem_free(m->slots);
    m->slots = slots;
    m->cap = cap;
    m->used = m->count;
    return 0;
}

static int map_make_room(struct map *m)
{
    size_t cap = m->cap ? m->cap : MAP_FIRST_CAP;

    if (m->count >= m->max)
        return ERR_FULL;
    if (m->cap && m->used + 1 <= m->cap / 4 * 3)
        return 0;
    while (m->count + 1 > cap / 2) /* after a rehash at most half full, so graves alone do not grow it */
        cap *= 2;
    return map_rehash(m, cap);
}

static int map_put(struct map *m, struct map_key key, union map_val val)
{
    struct map_slot *slot = map_find(m, key);
    char *copy = NULL;
    int r;

    if (slot) {
        slot->val = val;
        return 0;
    }
    r = map_make_room(m);
    if (r < 0)
        return r;
    if (key.p) {
        copy = mem_dup(key.p, key.n);
        if (!copy)
            return -ENOMEM;
    }
    slot = map_free_slot(m->slots, m->cap, key.hash);
    m->used += slot->hash == SLOT_EMPTY;
    m->count++;
    *slot = (struct map_slot){key.hash, copy, key.n, val};
    return 0;
}

static bool map_del(struct map *m, struct map_key key)
{
    struct map_slot *slot = map_find(m, key);

    if (!slot)
        return false;
    mem_free(slot->key);
    *slot = (struct map_slot){.hash = SLOT_GRAVE};
    m->count--;
    return true;
}

static void map_init(struct map *m, size_t max)
{
    *m = (struct map){.max = max};
}

static void map_fini(struct map *m)
{
    for (size_t i = 0; i < m->cap; i++)
        mem_free(m->slots[i].key);
    mem_free(m->slots);
    map_init(m, m->max);
}

static void map_clear(struct map *m)
{
    for (size_t i = 0; i < m->cap; i++)
        mem_free(m->slots[i].key);
    if (m->cap)
        memset(m->slots, 0, m->cap * sizeof(*m->slots));
    m->count = m->used = 0;
}

static const struct map_slot *map_next(const struct map *m, size_t *at)
{
    while (*at < m->cap) {
        const struct map_slot *slot = &m->slots[(*at)++];

        if (slot_in_use(slot))
            return slot;
    }
    return NULL;
}

void map_i64_init(struct map_i64 *m, size_t max)
{
    map_init(&m->m, max);
}

void map_i64_fini(struct map_i64 *m)
{
    if (m)
        map_fini(&m->m);
}

void map_i64_clear(struct map_i64 *m)
{
    map_clear(&m->m);
}

size_t map_i64_count(const struct map_i64 *m)
{
    return m->m.count;
}

int map_i64_put(struct map_i64 *m, int64_t key, void *p)
{
    return map_put(&m->m, key_i64(key), (union map_val){.p = p});
}

int map_i64_put_i64(struct map_i64 *m, int64_t key, int64_t i)
{
    return map_put(&m->m, key_i64(key), (union map_val){.i = i});
}

union map_val *map_i64_find(const struct map_i64 *m, int64_t key)
{
    struct map_slot *slot = map_find(&m->m, key_i64(key));

    return slot ? &slot->val : NULL;
}

void *map_i64_get(const struct map_i64 *m, int64_t key)
{
    union map_val *val = map_i64_find(m, key);

    return val ? val->p : NULL;
}

bool map_i64_del(struct map_i64 *m, int64_t key)
{
    return map_del(&m->m, key_i64(key));
}

bool map_i64_next(const struct map_i64 *m, size_t *at, int64_t *key, union map_val *val)
{
    const struct map_slot *slot = map_next(&m->m, at);

    if (!slot)
        return false;
    *key = (int64_t)slot->n;
    *val = slot->val;
    return true;
}

void map_str_init(struct map_str *m, size_t max)
{
    map_init(&m->m, max);
}

void map_str_fini(struct map_str *m)
{
    if (m)
        map_fini(&m->m);
}

void map_str_clear(struct map_str *m)
{
    map_clear(&m->m);
}

size_t map_str_count(const struct map_str *m)
{
    return m->m.count;
}

int map_str_put(struct map_str *m, struct str key, void *p)
{
    return map_put(&m->m, key_str(key), (union map_val){.p = p});
}

int map_str_put_i64(struct map_str *m, struct str key, int64_t i)
{
    return map_put(&m->m, key_str(key), (union map_val){.i = i});
}

union map_val *map_str_find(const struct map_str *m, struct str key)
{
    struct map_slot *slot = map_find(&m->m, key_str(key));

    return slot ? &slot->val : NULL;
}

void *map_str_get(const struct map_str *m, struct str key)
{
    union map_val *val = map_str_find(m, key);

    return val ? val->p : NULL;
}

bool map_str_del(struct map_str *m, struct str key)
{
    return map_del(&m->m, key_str(key));
}

bool map_str_next(const struct map_str *m, size_t *at, struct str *key, union map_val *val)
{
    const struct map_slot *slot = map_next(&m->m, at);

    if (!slot)
        return false;
    *key = (struct str){slot->key, slot->n};
    *val = slot->val;
    return true;
}
