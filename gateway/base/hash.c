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

uint64_t hash_bytes(const void *p, size_t n)
{
    uint8_t out[crypto_shorthash_BYTES];
    uint64_t v;
    int r = pthread_once(&hash_once, hash_draw_key);

    assert(r == 0);
    (void)crypto_shorthash(out, p, n, hash_key); /* cannot fail */
    memcpy(&v, out, sizeof(v));
    return v;
}

uint64_t hash_i64(int64_t v)
{
    return hash_bytes(&v, sizeof(v));
}
