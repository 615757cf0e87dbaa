/* SPDX-License-Identifier: Apache-2.0 */
/* wecom_hook.h - the door for callbacks: from an unverified HTTP call to plaintext, and back for replies.
 *
 *     GET   echostr, verified and opened: the answer to URL verification
 *     POST  the envelope's Encrypt, verified and opened: the XML of the event
 *
 * Verified means: signature, then a signed timestamp at most `max_age_ms` off the judging clock (either
 * way), then the corp id inside. Nothing is opened before its signature was found good.
 *
 * Errors   ERR_SIGNATURE, ERR_STALE, ERR_CRYPTO; ERR_SYNTAX, ERR_INVALID not a callback at all; -ENOMEM.
 * Memory   copies its configuration; wipes the plain key material with it.
 * Threads  one at a time.
 */
#ifndef SIYU_ADAPTERS_WECOM_HOOK_H
#define SIYU_ADAPTERS_WECOM_HOOK_H

#include "adapter.h"
#include "base/buf.h"
#include "base/wxcrypt.h"
#include "base/xml.h"

enum { WECOM_PLAIN_BYTES = XML_MAX_BYTES };

struct wecom_hook {
    struct wxcrypt_key key;
    char *token, *corp_id;
    int64_t max_age_ms;  /* 0: any */
    struct xml_doc *xml; /* for the envelope, then free for the plaintext */
};

int wecom_hook_init(struct wecom_hook *h, struct str token, struct str aes_key, struct str corp_id,
                    int64_t max_age_ms);
void wecom_hook_fini(struct wecom_hook *h);

/* Appends the plaintext to `out`; `ret_verification` says that it is the answer to a GET. */
int wecom_hook_open(struct wecom_hook *h, const struct hook_call *call, int64_t now_ms, struct buf *out,
                    bool *ret_verification);

/* Appends the sealed envelope of a text reply to `member`. `nonce` and `random16` NULL: drawn. */
int wecom_hook_reply(struct wecom_hook *h, struct str member, struct str text, int64_t now_ms,
                     const char *nonce, const uint8_t random16[16], struct buf *out);

#endif
