/* SPDX-License-Identifier: Apache-2.0 */
/* sbcrypto.h - the platforms' side of the cryptography: callback envelopes, digests, base64.
 *
 * Written apart from the product's, so that a mistake in one of the two shows as a disagreement.
 *
 * Errors   0 or a negative errno: -EINVAL a key or argument of a wrong shape, -EBADMSG a sealed text that
 *          does not open (base64, length, padding, length field, receiver), -ENOMEM.
 * Memory   results named `ret` are given (free() them); everything else is borrowed for the call.
 * Threads  any; no shared state.
 */
#ifndef SIYU_SANDBOX_SBCRYPTO_H
#define SIYU_SANDBOX_SBCRYPTO_H

#include <stdbool.h>
#include <stddef.h>

enum { SB_SHA1_HEX = 41, SB_SHA256_HEX = 65, SB_AES_KEY = 32, SB_RANDOM = 16 };

/* Lower-case hex of a digest; false only if the library cannot digest at all. */
bool sb_sha256_hex(const void *data, size_t len, char ret[SB_SHA256_HEX]);
bool sb_hmac_sha256_hex(const char *key, const void *data, size_t len, char ret[SB_SHA256_HEX]);

/* SHA-1 over the items sorted bytewise and joined: `signature` (three items) and `msg_signature` (four). */
enum { SB_SIGN_MAX = 4 };
bool sb_sign(const char *const *items, size_t n, char ret[SB_SHA1_HEX]);

bool sb_same(const char *a, const char *b);

char *sb_base64(const void *data, size_t len);
/* Standard alphabet, padding required, no white space; loose low bits in the last character are ignored. */
int sb_unbase64(const char *text, size_t len, unsigned char **ret, size_t *ret_len);

/* The 32 bytes behind an EncodingAESKey of exactly 43 characters [A-Za-z0-9]. */
int sb_aes_key(const char *text, unsigned char ret[SB_AES_KEY]);

/* random[16] | length, big endian | msg | receiver, padded to 32, AES-256-CBC, base64. */
int sb_seal(const unsigned char key[SB_AES_KEY], const unsigned char random[SB_RANDOM], const char *receiver,
            const char *msg, size_t len, char **ret);
int sb_open(const unsigned char key[SB_AES_KEY], const char *receiver, const char *sealed, char **ret,
            size_t *ret_len);

#endif
