/* SPDX-License-Identifier: Apache-2.0 */
/* official_hook.h - the door for pushes: from an unverified HTTP call to the text that counts, and back.
 *
 *     GET               the answer to URL verification: echostr as it came
 *     POST, plain       `signature` over token, timestamp and nonce; the body counts
 *     POST, compatible  `msg_signature` over Encrypt too; what is inside Encrypt counts, never the clear
 * fields POST, safe        the same; there are no clear fields
 *
 * Envelope and message are XML or JSON, told by their first byte. A second, previous AES key is tried when
 * the current one does not open; a reply uses the key that did. In every mode the signed timestamp is at most
 * `max_age_ms` off the judging clock, either way, and nothing is opened before its signature was found good.
 *
 * Errors   ERR_SIGNATURE, ERR_STALE, ERR_CRYPTO; ERR_SYNTAX, ERR_INVALID not a push at all; -ENOMEM.
 * Memory   copies its configuration and wipes it.
 * Threads  one at a time.
 */
#ifndef SIYU_ADAPTERS_OFFICIAL_HOOK_H
#define SIYU_ADAPTERS_OFFICIAL_HOOK_H

#include "adapter.h"
#include "adapters/official/official_conf.h"
#include "base/buf.h"
#include "base/wxcrypt.h"
#include "base/xml.h"

enum { OFFICIAL_PLAIN_BYTES = XML_MAX_BYTES, OFFICIAL_NO_KEY = -1 };

struct official_hook {
    enum official_mode mode;
    struct wxcrypt_key keys[2];
    int key_count;
    char *token, *appid;
    int64_t max_age_ms;  /* 0: any */
    struct xml_doc *xml; /* for the envelope, then free for the message */
};

/* What one call turned out to be. */
struct official_opening {
    bool verification; /* `text` is the answer to a GET */
    int key;           /* which opened it, or OFFICIAL_NO_KEY */
    struct buf text;
};

int official_hook_init(struct official_hook *h, const struct official_conf *conf);
void official_hook_fini(struct official_hook *h);

int official_hook_open(struct official_hook *h, const struct hook_call *call, int64_t now_ms,
                       struct official_opening *ret);

/* Where a passive reply goes and how. */
struct official_return {
    struct str openid, ours;
    bool json;
    int key;
};
/* Appends the reply, sealed where the push was. `nonce` and `random16` NULL: drawn. ERR_INVALID: no message
 * of ours can say that. */
int official_hook_reply(const struct official_hook *h, const struct official_return *to,
                        const struct content *content, int64_t now_ms, const char *nonce,
                        const uint8_t random16[16], struct buf *out);

#endif
