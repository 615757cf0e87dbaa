/* SPDX-License-Identifier: Apache-2.0 */
/* sms_acs3.h - Aliyun's request signature V3, ACS3-HMAC-SHA256: pure.
 *
 *     CanonicalRequest = method, uri, query, signed headers, their names, digest of the body
 *     signature        = hex(hmac(secret, name of the method and digest of the CanonicalRequest))
 *
 * Signed are content-type where there is one, host, and x-acs-action, -content-sha256, -date,
 * -signature-nonce and -version. All of them must be sent, and no other header named x-acs-.
 *
 * Errors   ERR_TOO_BIG, -ENOMEM.
 * Memory   borrows the request; what is signed must not change until it has been sent.
 * Threads  any.
 */
#ifndef SIYU_ADAPTERS_SMS_ACS3_H
#define SIYU_ADAPTERS_SMS_ACS3_H

#include "base/buf.h"
#include "base/crypto.h"
#include "base/str.h"

enum { SMS_ACS3_HEX_BYTES = 2 * CRYPTO_SHA256_BYTES + 1, SMS_ACS3_BYTES = 256 * 1024 };

struct sms_param {
    const char *name; /* needs no encoding */
    struct str value;
};

/* Sorts `params` by name and appends them as "a=1&b=%2F", in RFC 3986 coding. */
int sms_acs3_query(struct sms_param *params, size_t n, struct buf *out);

struct sms_acs3 {
    const char *method, *uri, *host, *action, *version;
    const char *content_type; /* NULL: none */
    const char *date;         /* 2025-01-01T00:00:00Z */
    const char *nonce;        /* never used before */
    struct str query;         /* as sms_acs3_query() writes it */
    struct str body;
};

struct sms_signature {
    char body_digest[SMS_ACS3_HEX_BYTES];    /* the value of x-acs-content-sha256 */
    char request_digest[SMS_ACS3_HEX_BYTES]; /* of the CanonicalRequest */
    char signature[SMS_ACS3_HEX_BYTES];
};

/* Appends the CanonicalRequest. */
int sms_acs3_canonical(const struct sms_acs3 *r, const char *body_digest, struct buf *out);
int sms_acs3_sign(const struct sms_acs3 *r, struct str secret, struct sms_signature *ret);
/* Appends the value of the Authorization header. */
int sms_acs3_authorization(const struct sms_acs3 *r, struct str key_id, const struct sms_signature *signature,
                           struct buf *out);

#endif
