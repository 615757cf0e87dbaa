/* SPDX-License-Identifier: Apache-2.0 */
/* crypto.h - digests, AES and text codings; OpenSSL stays behind this file.
 *
 * Digests of memory cannot fail but by a broken OpenSSL or no memory, which is a bug here: asserted.
 *
 * Errors   ERR_SYNTAX not base64 or hex; ERR_INVALID a length that is no multiple of the block.
 * Memory   appends to bufs; borrows its arguments. Call buf_wipe() before freeing what was secret.
 * Threads  any; a crypto_aes belongs to one thread at a time.
 */
#ifndef SIYU_BASE_CRYPTO_H
#define SIYU_BASE_CRYPTO_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRYPTO_MD5_BYTES 16
#define CRYPTO_SHA1_BYTES 20
#define CRYPTO_SHA256_BYTES 32

void crypto_md5(struct str data, uint8_t ret[CRYPTO_MD5_BYTES]);
void crypto_sha1(struct str data, uint8_t ret[CRYPTO_SHA1_BYTES]);
void crypto_sha256(struct str data, uint8_t ret[CRYPTO_SHA256_BYTES]);
/* As if the parts stood one after another. */
void crypto_sha1_parts(const struct str *parts, size_t n, uint8_t ret[CRYPTO_SHA1_BYTES]);
void crypto_sha256_parts(const struct str *parts, size_t n, uint8_t ret[CRYPTO_SHA256_BYTES]);
void crypto_md5_parts(const struct str *parts, size_t n, uint8_t ret[CRYPTO_MD5_BYTES]);
void crypto_hmac_sha1(struct str key, struct str data, uint8_t ret[CRYPTO_SHA1_BYTES]);
void crypto_hmac_sha256(struct str key, struct str data, uint8_t ret[CRYPTO_SHA256_BYTES]);

/* The first 16 bytes of sha256 of the parts, each led by its length: "ab","c" differs from "a","bc". */
struct hash128 {
    uint8_t b[16];
};
struct hash128 crypto_hash128(const struct str *parts, size_t n);

int crypto_base64_encode(struct str data, struct buf *out);
/* Padded or not; unused trailing bits may be set (43-character keys); no blanks, no other characters. */
int crypto_base64_decode(struct str text, struct buf *out);
int crypto_hex(struct str data, struct buf *out); /* lower case */
int crypto_unhex(struct str text, struct buf *out);
/* Writes 2n digits and a NUL. */
void crypto_hex_to(const void *data, size_t n, char *ret);

void crypto_random(void *ret, size_t n);
/* 32 random hex digits and a NUL. */
void crypto_random_id(char ret[33]);
/* Equal length and bytes, in time that depends only on the lengths. */
bool crypto_equal(struct str a, struct str b);
void crypto_wipe(void *p, size_t n);
void buf_wipe(struct buf *b); /* wipes the contents, then buf_reset() */

/* AES-256-CBC without padding, one context reused for many texts. */
struct crypto_aes;
int crypto_aes_new(const uint8_t key[32], struct crypto_aes **ret);
void crypto_aes_free(struct crypto_aes *a);
/* `data` is a multiple of 16 bytes. Appends the result. */
int crypto_aes_encrypt(struct crypto_aes *a, const uint8_t iv[16], struct str data, struct buf *out);
int crypto_aes_decrypt(struct crypto_aes *a, const uint8_t iv[16], struct str data, struct buf *out);

#endif
