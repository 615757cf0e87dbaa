/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/sms/sms_acs3.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define SCHEME "ACS3-HMAC-SHA256"

static int by_name(const void *x, const void *y)
{
    const struct sms_param *a = x, *b = y;

    return strcmp(a->name, b->name);
}

int sms_acs3_query(struct sms_param *params, size_t n, struct buf *out)
{
    if (n)
        qsort(params, n, sizeof(*params), by_name);
    for (size_t i = 0; i < n; i++) {
        (void)buf_addf(out, "%s%s=", i ? "&" : "", params[i].name);
        (void)str_percent_encode(params[i].value, out);
    }
    return buf_error(out);
}

/* The signed headers in the order of their names. A NULL value: this request has none. */
struct signed_header {
    const char *name, *value;
};
enum { SIGNED_HEADERS = 7 };

static void signed_headers(const struct sms_acs3 *r, const char *body_digest,
                           struct signed_header ret[SIGNED_HEADERS])
{
    ret[0] = (struct signed_header){"content-type", r->content_type};
    ret[1] = (struct signed_header){"host", r->host};
    ret[2] = (struct signed_header){"x-acs-action", r->action};
    ret[3] = (struct signed_header){"x-acs-content-sha256", body_digest};
    ret[4] = (struct signed_header){"x-acs-date", r->date};
    ret[5] = (struct signed_header){"x-acs-signature-nonce", r->nonce};
    ret[6] = (struct signed_header){"x-acs-version", r->version};
}

static void add_names(const struct sms_acs3 *r, struct buf *out)
{
    struct signed_header headers[SIGNED_HEADERS];
    const char *between = "";

    signed_headers(r, "", headers);
    for (size_t i = 0; i < SIGNED_HEADERS; i++) {
        if (!headers[i].value)
            continue;
        (void)buf_addf(out, "%s%s", between, headers[i].name);
        between = ";";
    }
}

int sms_acs3_canonical(const struct sms_acs3 *r, const char *body_digest, struct buf *out)
{
    struct signed_header headers[SIGNED_HEADERS];

    signed_headers(r, body_digest, headers);
    (void)buf_addf(out, "%s\n%s\n", r->method, r->uri);
    (void)buf_add_str(out, r->query);
    (void)buf_addc(out, '\n');
    for (size_t i = 0; i < SIGNED_HEADERS; i++)
        if (headers[i].value)
            (void)buf_addf(out, "%s:%.*s\n", headers[i].name, STR_ARG(str_trim(str_of(headers[i].value))));
    (void)buf_addc(out, '\n');
    add_names(r, out);
    (void)buf_addf(out, "\n%s", body_digest);
    return buf_error(out);
}

static void hex_digest(struct str data, char ret[SMS_ACS3_HEX_BYTES])
{
    uint8_t digest[CRYPTO_SHA256_BYTES];

    crypto_sha256(data, digest);
    crypto_hex_to(digest, sizeof(digest), ret);
}

int sms_acs3_sign(const struct sms_acs3 *r, struct str secret, struct sms_signature *ret)
{
    struct sms_signature s;
    struct buf AUTO(buf_fini) canonical, AUTO(buf_fini) to_sign;
    uint8_t mac[CRYPTO_SHA256_BYTES];
    int err;

    buf_init(&canonical, SMS_ACS3_BYTES);
    buf_init(&to_sign, 256);
    hex_digest(r->body, s.body_digest);
    err = sms_acs3_canonical(r, s.body_digest, &canonical);
    if (err < 0)
        return err;
    hex_digest(buf_str(&canonical), s.request_digest);
    err = buf_addf(&to_sign, SCHEME "\n%s", s.request_digest);
    if (err < 0)
        return err;
    crypto_hmac_sha256(secret, buf_str(&to_sign), mac);
    crypto_hex_to(mac, sizeof(mac), s.signature);
    *ret = s;
    return 0;
}

int sms_acs3_authorization(const struct sms_acs3 *r, struct str key_id, const struct sms_signature *signature,
                           struct buf *out)
{
    (void)buf_adds(out, SCHEME " Credential=");
    (void)buf_add_str(out, key_id);
    (void)buf_adds(out, ",SignedHeaders=");
    add_names(r, out);
    (void)buf_addf(out, ",Signature=%s", signature->signature);
    return buf_error(out);
}
