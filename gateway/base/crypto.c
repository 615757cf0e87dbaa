/* SPDX-License-Identifier: Apache-2.0 */
/* Digests and the cipher are fetched once: a fetch by name in every call costs more than the digest. */
#include "base/crypto.h"

#include "base/mem.h"

#include <assert.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>

/* OpenSSL has a type of that name, which err.h's code would hide. */
#define ERR_STATE openssl_err_state
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#undef ERR_STATE

#include "base/err.h"

static struct {
    EVP_MD *md5, *sha1, *sha256;
    EVP_CIPHER *aes256_cbc;
} fetched;
static pthread_once_t fetch_once = PTHREAD_ONCE_INIT;

/* A context each thread keeps: making one costs as much as digesting a short text. */
static pthread_key_t kept_digest;

static void free_kept(void *ctx)
{
    EVP_MD_CTX_free(ctx);
}

static void fetch_all(void)
{
    fetched.md5 = EVP_MD_fetch(NULL, "MD5", NULL);
    fetched.sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
    fetched.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    fetched.aes256_cbc = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    assert(fetched.md5 && fetched.sha1 && fetched.sha256 && fetched.aes256_cbc);
    int r = pthread_key_create(&kept_digest, free_kept);
    assert(r == 0);
}

static void fetch(void)
{
    int r = pthread_once(&fetch_once, fetch_all);

    assert(r == 0);
}

static EVP_MD_CTX *digest_start(const EVP_MD *md)
{
    EVP_MD_CTX *ctx = pthread_getspecific(kept_digest);
    int ok;

    if (!ctx) {
        ctx = EVP_MD_CTX_new();
        ok = ctx && pthread_setspecific(kept_digest, ctx) == 0;
        assert(ok);
    }
    ok = EVP_DigestInit_ex2(ctx, md, NULL);
    assert(ok);
    return ctx;
}

static void digest_add(EVP_MD_CTX *ctx, const void *p, size_t n)
{
    int ok = n == 0 || EVP_DigestUpdate(ctx, p, n);

    assert(ok);
}

static void digest_end(EVP_MD_CTX *ctx, uint8_t *ret)
{
    int ok = EVP_DigestFinal_ex(ctx, ret, NULL);

    assert(ok);
}

static void digest_parts(const EVP_MD *md, const struct str *parts, size_t n, uint8_t *ret)
{
    EVP_MD_CTX *ctx = digest_start(md);

    for (size_t i = 0; i < n; i++)
        digest_add(ctx, parts[i].p, parts[i].n);
    digest_end(ctx, ret);
}

void crypto_md5_parts(const struct str *parts, size_t n, uint8_t ret[CRYPTO_MD5_BYTES])
{
    fetch();
    digest_parts(fetched.md5, parts, n, ret);
}

void crypto_sha1_parts(const struct str *parts, size_t n, uint8_t ret[CRYPTO_SHA1_BYTES])
{
    fetch();
    digest_parts(fetched.sha1, parts, n, ret);
}

void crypto_sha256_parts(const struct str *parts, size_t n, uint8_t ret[CRYPTO_SHA256_BYTES])
{
    fetch();
    digest_parts(fetched.sha256, parts, n, ret);
}

void crypto_md5(struct str data, uint8_t ret[CRYPTO_MD5_BYTES])
{
    crypto_md5_parts(&data, 1, ret);
}

void crypto_sha1(struct str data, uint8_t ret[CRYPTO_SHA1_BYTES])
{
    crypto_sha1_parts(&data, 1, ret);
}

void crypto_sha256(struct str data, uint8_t ret[CRYPTO_SHA256_BYTES])
{
    crypto_sha256_parts(&data, 1, ret);
}

static void hmac(const EVP_MD *md, struct str key, struct str data, uint8_t *ret)
{
    static const uint8_t none[1];
    const void *k = key.n ? (const void *)key.p : none, *d = data.n ? (const void *)data.p : none;
    const void *ok;

    assert(key.n <= INT_MAX);
    ok = HMAC(md, k, (int)key.n, d, data.n, ret, NULL);
    assert(ok);
}

void crypto_hmac_sha1(struct str key, struct str data, uint8_t ret[CRYPTO_SHA1_BYTES])
{
    fetch();
    hmac(fetched.sha1, key, data, ret);
}

void crypto_hmac_sha256(struct str key, struct str data, uint8_t ret[CRYPTO_SHA256_BYTES])
{
    fetch();
    hmac(fetched.sha256, key, data, ret);
}

struct hash128 crypto_hash128(const struct str *parts, size_t n)
{
    uint8_t full[CRYPTO_SHA256_BYTES];
    struct hash128 h;
    EVP_MD_CTX *ctx;

    fetch();
    ctx = digest_start(fetched.sha256);
    for (size_t i = 0; i < n; i++) {
        uint64_t len = parts[i].n;
        uint8_t le[8];

        for (int k = 0; k < 8; k++)
            le[k] = (uint8_t)(len >> (8 * k));
        digest_add(ctx, le, sizeof(le));
        digest_add(ctx, parts[i].p, parts[i].n);
    }
    digest_end(ctx, full);
    memcpy(h.b, full, sizeof(h.b));
    return h;
}

static void draw(void *ret, size_t n)
{
    int ok = n <= INT_MAX && RAND_bytes(ret, (int)n) == 1;

    assert(ok);
}

/* A draw costs the same for one byte and for hundreds, so small ones share it. What was given out is wiped; a
 * child process draws anew. */
enum { RANDOM_POOL = 512, RANDOM_SMALL = 64 };

static _Thread_local struct {
    uint8_t bytes[RANDOM_POOL];
    size_t left;
} random_pool;
static pthread_once_t random_once = PTHREAD_ONCE_INIT;

static void forget_pool(void)
{
    random_pool.left = 0;
}

static void guard_pool(void)
{
    int r = pthread_atfork(NULL, NULL, forget_pool);

    assert(r == 0);
}

void crypto_random(void *ret, size_t n)
{
    int r = pthread_once(&random_once, guard_pool);

    assert(r == 0);
    if (n > RANDOM_SMALL) {
        draw(ret, n);
        return;
    }
    if (random_pool.left < n) {
        draw(random_pool.bytes, RANDOM_POOL);
        random_pool.left = RANDOM_POOL;
    }
    random_pool.left -= n;
    if (n)
        memcpy(ret, random_pool.bytes + random_pool.left, n);
    crypto_wipe(random_pool.bytes + random_pool.left, n);
}

void crypto_random_id(char ret[33])
{
    uint8_t bytes[16];

    crypto_random(bytes, sizeof(bytes));
    crypto_hex_to(bytes, sizeof(bytes), ret);
}

bool crypto_equal(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || CRYPTO_memcmp(a.p, b.p, a.n) == 0);
}

void crypto_wipe(void *p, size_t n)
{
    if (n)
        OPENSSL_cleanse(p, n);
}

void buf_wipe(struct buf *b)
{
    crypto_wipe(b->data, b->cap);
    buf_reset(b);
}

struct crypto_aes {
    EVP_CIPHER_CTX *encrypt, *decrypt; /* each holds its key schedule; only the iv changes */
};

static EVP_CIPHER_CTX *cipher_new(const uint8_t key[32], int encrypting)
{
    static const uint8_t no_iv[16];
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

    if (!ctx)
        return NULL;
    if (EVP_CipherInit_ex2(ctx, fetched.aes256_cbc, key, no_iv, encrypting, NULL) != 1 ||
        EVP_CIPHER_CTX_set_padding(ctx, 0) != 1) {
        EVP_CIPHER_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

int crypto_aes_new(const uint8_t key[32], struct crypto_aes **ret)
{
    struct crypto_aes *a = mem_calloc(1, sizeof(*a));

    if (!a)
        return -ENOMEM;
    fetch();
    a->encrypt = cipher_new(key, 1);
    a->decrypt = cipher_new(key, 0);
    if (!a->encrypt || !a->decrypt) {
        crypto_aes_free(a);
        return -ENOMEM;
    }
    *ret = a;
    return 0;
}

void crypto_aes_free(struct crypto_aes *a)
{
    if (!a)
        return;
    EVP_CIPHER_CTX_free(a->encrypt);
    EVP_CIPHER_CTX_free(a->decrypt);
    mem_free(a);
}

static int cipher_run(EVP_CIPHER_CTX *ctx, const uint8_t iv[16], struct str data, struct buf *out)
{
    int n = 0, ok, r;

    if (data.n % 16 || data.n > INT_MAX)
        return ERR_INVALID;
    r = buf_reserve(out, data.n);
    if (r < 0 || data.n == 0)
        return r;
    ok = EVP_CipherInit_ex2(ctx, NULL, NULL, iv, -1, NULL) &&
         EVP_CipherUpdate(ctx, (uint8_t *)out->data + out->len, &n, (const uint8_t *)data.p, (int)data.n);
    assert(ok && (size_t)n == data.n); /* whole blocks, no padding: nothing is held back */
    out->len += data.n;
    out->data[out->len] = '\0';
    return 0;
}

int crypto_aes_encrypt(struct crypto_aes *a, const uint8_t iv[16], struct str data, struct buf *out)
{
    return cipher_run(a->encrypt, iv, data, out);
}

int crypto_aes_decrypt(struct crypto_aes *a, const uint8_t iv[16], struct str data, struct buf *out)
{
    return cipher_run(a->decrypt, iv, data, out);
}
