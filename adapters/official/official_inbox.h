/* SPDX-License-Identifier: Apache-2.0 */
/* official_inbox.h - pushes between the door and the answer: verified, decoded, committed, acknowledged.
 *
 * URL verification is answered at once; what carries events when they are stored: `success`, the passive
 * reply, or 503 so that the platform sends it again. A push that comes again is a call of its own: its reply
 * says the same under a new nonce.
 *
 * Errors   official_inbox_take(): negative, the call is refused and has no answer (ERR_SIGNATURE, ERR_STALE,
 *          ERR_CRYPTO, ERR_NOT_FOUND, ERR_SYNTAX, ERR_INVALID, ...). What is our own fault is answered 503.
 * Memory   the caller's storage; copies.
 * Threads  the loop thread only.
 */
#ifndef SIYU_ADAPTERS_OFFICIAL_INBOX_H
#define SIYU_ADAPTERS_OFFICIAL_INBOX_H

#include "adapters/official/official_hook.h"
#include "adapters/official/official_link.h"
#include "base/map.h"

enum { OFFICIAL_PENDING_MAX = 4096 };

struct official_inbox {
    struct official_link *link;
    struct official_hook hook;
    struct official_opening opening;
    struct map_i64 pending; /* inbound id -> struct pending */
};

int official_inbox_init(struct official_inbox *i, struct official_link *link,
                        const struct official_conf *conf);
void official_inbox_fini(struct official_inbox *i);

int official_inbox_take(struct official_inbox *i, const struct hook_call *call);
/* A no-op for ids that are not waited for. */
void official_inbox_stored(struct official_inbox *i, struct inbound_id id, const struct content *reply,
                           int err);
/* Answers 503 to all that still wait. */
void official_inbox_close(struct official_inbox *i);

#endif
