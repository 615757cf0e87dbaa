/* SPDX-License-Identifier: Apache-2.0 */
/* wxcrypt.h - the encrypted envelope of WeCom and official accounts.
 *
 *     plain  = 16 random bytes | be32 length | message | receiveid | 1..32 padding bytes of that value
 *     cipher = base64(AES-256-CBC(plain)), key = base64(43 characters + "="), iv = its first 16 bytes
 *     sign   = hex(sha1(the parts in byte order, joined))
 *
 * Verify before opening. Whatever is wrong inside an envelope is the same ERR_CRYPTO after the same work:
 * no oracle for padding.
 *
 * Errors   ERR_CONFIG the key is not exactly 43 of [A-Za-z0-9]; ERR_SIGNATURE; ERR_CRYPTO; ERR_TOO_BIG or
 *          -ENOMEM of `out`.
 * Memory   borrows all arguments; appends to `out` and leaves it alone on failure.
 * Threads  a key belongs to one thread at a time (it owns a cipher context).
 */
#ifndef SIYU_BASE_WXCRYPT_H
#define SIYU_BASE_WXCRYPT_H

#include "base/buf.h"
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

#define WXCRYPT_SIGN_BYTES 41 /* 40 digits and a NUL */
#define WXCRYPT_MAX_PARTS 8

struct crypto_aes;
struct wxcrypt_key {
    struct crypto_aes *aes;
    uint8_t iv[16];
};

int wxcrypt_key_init(struct wxcrypt_key *key, struct str aes_key);
void wxcrypt_key_fini(struct wxcrypt_key *key);

/* `token` and 1..7 `parts`: timestamp, nonce and, where there is one, the encrypted text. */
void wxcrypt_sign(struct str token, const struct str *parts, size_t n, char ret[WXCRYPT_SIGN_BYTES]);
/* ERR_SIGNATURE unless `signature` is theirs; constant time. */
int wxcrypt_verify(struct str token, const struct str *parts, size_t n, struct str signature);

/* `receiveid`: corp id or appid that must stand inside; empty must be empty. */
int wxcrypt_open(const struct wxcrypt_key *key, struct str encrypted, struct str receiveid, struct buf *out);
/* `random16` NULL: drawn. */
int wxcrypt_seal(const struct wxcrypt_key *key, struct str message, struct str receiveid,
                 const uint8_t random16[16], struct buf *out);

#endif
