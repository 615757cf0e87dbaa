/* SPDX-License-Identifier: Apache-2.0 */
/* Opening judges everything into one verdict: the bytes of the padding are compared without a branch on
 * them, and each later check yields the same error, so timing and code tell a forger nothing.
 */
#include "base/wxcrypt.h"

#include "base/crypto.h"
#include "base/err.h"

#include <assert.h>
#include <string.h>

enum { KEY_CHARS = 43, KEY_BYTES = 32, BLOCK = 32, RANDOM = 16, HEAD = RANDOM + 4 };

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

int wxcrypt_key_init(struct wxcrypt_key *key, struct str aes_key)
{
    struct buf raw;
    int r;

    *key = (struct wxcrypt_key){.aes = NULL};
    if (aes_key.n != KEY_CHARS)
        return ERR_CONFIG;
    for (size_t i = 0; i < aes_key.n; i++)
        if (!is_alphanumeric(aes_key.p[i]))
            return ERR_CONFIG;
    buf_init(&raw, KEY_BYTES);
    r = crypto_base64_decode(aes_key, &raw);
    if (r == 0) {
        assert(raw.len == KEY_BYTES);
        memcpy(key->iv, raw.data, sizeof(key->iv));
        r = crypto_aes_new((const uint8_t *)raw.data, &key->aes);
    }
    buf_wipe(&raw);
    buf_fini(&raw);
    return r;
}

void wxcrypt_key_fini(struct wxcrypt_key *key)
{
    if (!key)
        return;
    crypto_aes_free(key->aes);
    key->aes = NULL;
    crypto_wipe(key->iv, sizeof(key->iv));
}

void wxcrypt_sign(struct str token, const struct str *parts, size_t n, char ret[WXCRYPT_SIGN_BYTES])
{
    struct str sorted[WXCRYPT_MAX_PARTS];
    uint8_t digest[CRYPTO_SHA1_BYTES];
    size_t count = 0;

    assert(n < WXCRYPT_MAX_PARTS);
    for (size_t i = 0; i <= n; i++) {
        struct str part = i < n ? parts[i] : token;
        size_t at = count++;

        for (; at > 0 && str_cmp(sorted[at - 1], part) > 0; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = part;
    }
    crypto_sha1_parts(sorted, count, digest);
    crypto_hex_to(digest, sizeof(digest), ret);
}

int wxcrypt_verify(struct str token, const struct str *parts, size_t n, struct str signature)
{
    char own[WXCRYPT_SIGN_BYTES];

    wxcrypt_sign(token, parts, n, own);
    return crypto_equal(str_of(own), signature) ? 0 : ERR_SIGNATURE;
}

/* 1 when a < b, else 0; for small values, without a branch. */
static uint32_t less(uint32_t a, uint32_t b)
{
    return (a - b) >> 31;
}

/* The length of the padding at the end of a whole number of blocks, 0 when it is not well formed. */
static size_t padding_of(struct str plain)
{
    const uint8_t *last = (const uint8_t *)plain.p + plain.n - BLOCK;
    uint32_t pad = last[BLOCK - 1];
    uint32_t bad = less(pad, 1) | less(BLOCK, pad);

    for (uint32_t i = 0; i < BLOCK; i++) {
        uint32_t inside = less(BLOCK - 1 - i, pad);

        bad |= (0 - inside) & (last[i] ^ pad);
    }
    return pad & (0 - (1 ^ less(0, bad)));
}

static bool find_message(struct str plain, struct str receiveid, struct str *ret)
{
    size_t pad = padding_of(plain);
    struct str body = str_sub(plain, 0, plain.n - pad);
    const uint8_t *len = (const uint8_t *)plain.p + RANDOM;
    uint32_t n = (uint32_t)len[0] << 24 | (uint32_t)len[1] << 16 | (uint32_t)len[2] << 8 | len[3];
    bool ok = pad > 0 && body.n >= HEAD && n <= body.n - HEAD;

    *ret = str_sub(body, HEAD, ok ? n : 0);
    return crypto_equal(str_sub(body, HEAD + (ok ? (size_t)n : 0), body.n), receiveid) && ok;
}

int wxcrypt_open(const struct wxcrypt_key *key, struct str encrypted, struct str receiveid, struct buf *out)
{
    struct buf cipher, plain;
    struct str message;
    int r;

    buf_init(&cipher, encrypted.n);
    buf_init(&plain, encrypted.n);
    r = crypto_base64_decode(encrypted, &cipher);
    if (r == 0 && cipher.len >= BLOCK && cipher.len % BLOCK == 0)
        r = crypto_aes_decrypt(key->aes, key->iv, buf_str(&cipher), &plain);
    else if (r != -ENOMEM)
        r = ERR_CRYPTO;
    if (r == 0)
        r = find_message(buf_str(&plain), receiveid, &message) ? buf_add_str(out, message) : ERR_CRYPTO;
    buf_fini(&cipher);
    buf_fini(&plain);
    return r;
}

int wxcrypt_seal(const struct wxcrypt_key *key, struct str message, struct str receiveid,
                 const uint8_t random16[16], struct buf *out)
{
    uint8_t head[RANDOM];
    struct buf plain, cipher;
    size_t pad;
    int r;

    if (message.n > UINT32_MAX)
        return ERR_TOO_BIG;
    if (random16)
        memcpy(head, random16, RANDOM);
    else
        crypto_random(head, RANDOM);
    buf_init(&plain, SIZE_MAX);
    buf_init(&cipher, SIZE_MAX);
    (void)buf_add(&plain, head, RANDOM);
    (void)buf_add_be32(&plain, (uint32_t)message.n);
    (void)buf_add_str(&plain, message);
    (void)buf_add_str(&plain, receiveid);
    pad = BLOCK - plain.len % BLOCK;
    for (size_t i = 0; i < pad; i++)
        (void)buf_addc(&plain, (char)pad);
    r = buf_error(&plain);
    if (r == 0)
        r = crypto_aes_encrypt(key->aes, key->iv, buf_str(&plain), &cipher);
    if (r == 0)
        r = crypto_base64_encode(buf_str(&cipher), out);
    buf_fini(&plain);
    buf_fini(&cipher);
    return r;
}
