/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include <assert.h>
#include <pthread.h>
#include <sodium.h>
#include <string.h>

static uint8_t hash_key[crypto_shorthash_KEYBYTES];
static pthread_once_t hash_once = PTHREAD_ONCE_INIT;

static void hash_draw_key(void)
{
    int r = sodium_init();

    assert(r >= 0);
    crypto_shorthash_keygen(hash_key);
}

static void draw_once(void)
{
    int r = pthread_once(&hash_once, hash_draw_key);

    assert(r == 0);
}

uint64_t hash_bytes(const void *p, size_t n)
{
    uint8_t out[crypto_shorthash_BYTES];
    uint64_t v;

    draw_once();
    (void)crypto_shorthash(out, p, n, hash_key); /* cannot fail */
    memcpy(&v, out, sizeof(v));
    return v;
}

uint64_t hash_i64(int64_t v)
{
    uint64_t x;

    draw_once();
    memcpy(&x, hash_key, sizeof(x));
    x ^= (uint64_t)v;
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}
