/* SPDX-License-Identifier: Apache-2.0 */
/* acs3.h - ACS3-HMAC-SHA256: does this request carry the signature that its key makes?
 *
 * Signed must be: host, content-type if there is one, every x-acs-* header there is, and the body through
 * x-acs-content-sha256.
 *
 * Errors   false: any doubt.
 * Memory   borrows everything.
 * Threads  any.
 */
#ifndef SIYU_SANDBOX_ACS3_H
#define SIYU_SANDBOX_ACS3_H

#include "base/str.h"
#include "sandbox/sbcrypto.h"

#include <jansson.h>
#include <stdbool.h>

struct sb_acs3 {
    const char *method;    /* "POST" */
    const char *uri;       /* "/" */
    struct str query;      /* as sent */
    const json_t *headers; /* lower-case names, string values */
    struct str body;
};

/* The Credential of an Authorization header; empty: none. */
struct str sb_acs3_key(const char *authorization);
/* The signature of `r` under `secret` over the headers named in `signed_headers` ("a;b;c"). */
bool sb_acs3_sign(const struct sb_acs3 *r, const char *secret, struct str signed_headers,
                  char ret[SB_SHA256_HEX]);
bool sb_acs3_check(const struct sb_acs3 *r, const char *secret);

#endif
