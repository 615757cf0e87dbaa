/* SPDX-License-Identifier: Apache-2.0 */
/* A sealed text is
 *
 *     base64( AES-256-CBC( random[16] | len[4] | msg[len] | receiver | pad[1..32] ) ),  iv = key[0..15]
 *
 * The padding counts to 32, which is why OpenSSL's own (16) stays off and is done here.
 */
#include "sandbox/sbcrypto.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 32, HEAD = SB_RANDOM + 4, KEY_TEXT = 43 };

static void hex_of(const unsigned char *bytes, size_t n, char *ret)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        ret[2 * i] = digits[bytes[i] >> 4];
        ret[2 * i + 1] = digits[bytes[i] & 15];
    }
    ret[2 * n] = '\0';
}

bool sb_sha256_hex(const void *data, size_t len, char ret[SB_SHA256_HEX])
{
    unsigned char md[32];

    if (EVP_Digest(data, len, md, NULL, EVP_sha256(), NULL) != 1)
        return false;
    hex_of(md, sizeof(md), ret);
    return true;
}

bool sb_hmac_sha256_hex(const char *key, const void *data, size_t len, char ret[SB_SHA256_HEX])
{
    unsigned char md[32];
    unsigned int n = sizeof(md);

    if (HMAC(EVP_sha256(), key, (int)strlen(key), data, len, md, &n) == NULL)
        return false;
    hex_of(md, n, ret);
    return true;
}

static bool digest_items(EVP_MD_CTX *ctx, const char *const *items, size_t n, unsigned char *md)
{
    if (EVP_DigestInit_ex(ctx, EVP_sha1(), NULL) != 1)
        return false;
    for (size_t i = 0; i < n; i++)
        if (EVP_DigestUpdate(ctx, items[i], strlen(items[i])) != 1)
            return false;
    return EVP_DigestFinal_ex(ctx, md, NULL) == 1;
}

bool sb_sign(const char *const *items, size_t n, char ret[SB_SHA1_HEX])
{
    const char *sorted[SB_SIGN_MAX] = {0};
    unsigned char md[20];
    EVP_MD_CTX *ctx;
    bool ok;

    if (n > SB_SIGN_MAX)
        return false;
    for (size_t i = 0; i < n; i++) {
        size_t at = i;

        for (; at > 0 && strcmp(sorted[at - 1], items[i]) > 0; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = items[i];
    }
    ctx = EVP_MD_CTX_new();
    if (ctx == NULL)
        return false;
    ok = digest_items(ctx, sorted, n, md);
    EVP_MD_CTX_free(ctx);
    if (ok)
        hex_of(md, sizeof(md), ret);
    return ok;
}

bool sb_same(const char *a, const char *b)
{
    size_t n = strlen(a);

    return n == strlen(b) && CRYPTO_memcmp(a, b, n) == 0;
}

char *sb_base64(const void *data, size_t len)
{
    char *text;

    if (len > INT32_MAX / 2)
        return NULL;
    text = malloc((len + 2) / 3 * 4 + 1);
    if (text != NULL)
        (void)EVP_EncodeBlock((unsigned char *)text, data, (int)len);
    return text;
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* By hand: EVP_DecodeBlock() counts the padding as data and skips white space. */
int sb_unbase64(const char *text, size_t len, unsigned char **ret, size_t *ret_len)
{
    size_t pad = 0, out = 0, want;
    uint32_t bits = 0;
    unsigned char *bytes;

    if (len == 0 || len % 4 != 0)
        return -EBADMSG;
    while (pad < 2 && text[len - 1 - pad] == '=')
        pad++;
    want = len / 4 * 3 - pad;
    bytes = malloc(want + 1);
    if (bytes == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < len - pad; i++) {
        int v = base64_value(text[i]);

        if (v < 0) {
            free(bytes);
            return -EBADMSG;
        }
        bits = bits << 6 | (uint32_t)v;
        if (i % 4 != 0)
            bytes[out++] = (unsigned char)(bits >> (6 - 2 * (i % 4)));
    }
    bytes[want] = '\0';
    *ret = bytes;
    *ret_len = want;
    return 0;
}

int sb_aes_key(const char *text, unsigned char ret[SB_AES_KEY])
{
    char padded[KEY_TEXT + 2];
    unsigned char *bytes;
    size_t n;
    int r;

    if (strlen(text) != KEY_TEXT)
        return -EINVAL;
    for (size_t i = 0; i < KEY_TEXT; i++)
        if (base64_value(text[i]) < 0 || base64_value(text[i]) > 61)
            return -EINVAL;
    memcpy(padded, text, KEY_TEXT);
    memcpy(padded + KEY_TEXT, "=", 2);
    r = sb_unbase64(padded, KEY_TEXT + 1, &bytes, &n);
    if (r < 0)
        return r == -ENOMEM ? r : -EINVAL;
    memcpy(ret, bytes, SB_AES_KEY);
    free(bytes);
    return 0;
}

/* Both directions in place; `len` is a multiple of the cipher's block. */
static int aes_cbc(const unsigned char *key, bool encrypt, unsigned char *data, size_t len)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0, tail = 0;
    bool ok;

    if (ctx == NULL)
        return -ENOMEM;
    ok = EVP_CipherInit_ex(ctx, EVP_aes_256_cbc(), NULL, key, key, encrypt) == 1 &&
         EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 && EVP_CipherUpdate(ctx, data, &n, data, (int)len) == 1 &&
         EVP_CipherFinal_ex(ctx, data + n, &tail) == 1 && (size_t)(n + tail) == len;
    EVP_CIPHER_CTX_free(ctx);
    return ok ? 0 : -EBADMSG;
}

int sb_seal(const unsigned char key[SB_AES_KEY], const unsigned char random[SB_RANDOM], const char *receiver,
            const char *msg, size_t len, char **ret)
{
    size_t id = strlen(receiver);
    size_t raw, pad;
    unsigned char *plain;
    int r;

    if (len > INT32_MAX / 4 || id > 1024)
        return -EINVAL;
    raw = HEAD + len + id;
    pad = BLOCK - raw % BLOCK;
    plain = malloc(raw + pad);
    if (plain == NULL)
        return -ENOMEM;
    memcpy(plain, random, SB_RANDOM);
    for (size_t i = 0; i < 4; i++)
        plain[SB_RANDOM + i] = (unsigned char)(len >> (24 - 8 * i));
    memcpy(plain + HEAD, msg, len);
    memcpy(plain + HEAD + len, receiver, id);
    memset(plain + raw, (int)pad, pad);
    r = aes_cbc(key, true, plain, raw + pad);
    if (r == 0 && (*ret = sb_base64(plain, raw + pad)) == NULL)
        r = -ENOMEM;
    free(plain);
    return r;
}

/* The length of the message inside `plain`, or -1. */
static long message_length(const unsigned char *plain, size_t total, const char *receiver)
{
    size_t pad = plain[total - 1];
    size_t id = strlen(receiver);
    size_t raw, len;

    if (pad < 1 || pad > BLOCK || pad > total - HEAD)
        return -1;
    for (size_t i = total - pad; i < total; i++)
        if (plain[i] != pad)
            return -1;
    raw = total - pad;
    len = (size_t)plain[SB_RANDOM] << 24 | (size_t)plain[SB_RANDOM + 1] << 16 |
          (size_t)plain[SB_RANDOM + 2] << 8 | plain[SB_RANDOM + 3];
    if (len > raw - HEAD || raw - HEAD - len != id || memcmp(plain + HEAD + len, receiver, id) != 0)
        return -1;
    return (long)len;
}

int sb_open(const unsigned char key[SB_AES_KEY], const char *receiver, const char *sealed, char **ret,
            size_t *ret_len)
{
    unsigned char *plain;
    size_t total;
    long len = -1;
    int r = sb_unbase64(sealed, strlen(sealed), &plain, &total);

    if (r < 0)
        return r;
    if (total >= BLOCK && total % 16 == 0 && aes_cbc(key, false, plain, total) == 0)
        len = message_length(plain, total, receiver);
    if (len < 0) {
        free(plain);
        return -EBADMSG;
    }
    memmove(plain, plain + HEAD, (size_t)len);
    plain[len] = '\0';
    *ret = (char *)plain;
    *ret_len = (size_t)len;
    return 0;
}
