/* SPDX-License-Identifier: Apache-2.0 */
/* official_call.h - one attempt: from perform() to done().
 *
 * A call that started ends in exactly one host->done(), from the loop. A message that can never be sent
 * (too long, a broken attachment) starts too and ends OUTCOME_PERMANENT without a byte out.
 *
 * Errors   official_call_start(): ERR_UNSUPPORTED the account has no such op; ERR_CLOSED the connection
 * stops; ERR_FULL too many calls at work; -ENOMEM. Then there is no done(). Memory   a call copies what it
 * needs and frees itself after done(). Threads  the loop thread only.
 */
#ifndef SIYU_ADAPTERS_OFFICIAL_CALL_H
#define SIYU_ADAPTERS_OFFICIAL_CALL_H

#include "adapters/official/official_link.h"

enum { OFFICIAL_CALLS_MAX = 4096 };

int official_call_start(struct official_link *link, struct attempt_id id, const struct call *call,
                        const struct recipient *to, size_t n);

/* Ends all calls of the link: not sent, or unknown where bytes have left. */
void official_call_cancel_all(struct official_link *link);

#endif
