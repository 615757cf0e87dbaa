/* SPDX-License-Identifier: Apache-2.0 */
/* official_token.h - the access token of one account, from stable_token: one fetch serves all who wait.
 *
 * official_token_get() gives the token while it lives. It is fetched anew when 85 % of its life are over,
 * before anybody has to wait. Who finds none asks: -> on_granted, once, from the loop, never from inside
 * official_token_ask().
 *
 * Never forced: stable_token hands the same token to everybody who asks in its life, so two gateways on one
 * account do not take it from each other.
 *
 * Refused credentials (a code whose rule says stop) alert and are remembered for ten minutes: asking in that
 * time fails at once.
 *
 * Units    the life is judged on the adapter's clock.
 * Errors   in the refusal: what a call that got no token can say about it.
 * Memory   heap; copies its configuration and wipes it. A wait is the caller's storage.
 * Threads  the loop thread only.
 */
#ifndef SIYU_ADAPTERS_OFFICIAL_TOKEN_H
#define SIYU_ADAPTERS_OFFICIAL_TOKEN_H

#include "adapters/official/official_link.h"

struct official_refusal {
    int err; /* 0: granted */
    int errcode, http;
    int64_t retry_ms; /* from now; 0: whenever */
    char why[224];
};

struct official_token_wait;
typedef void (*official_granted_cb)(struct official_token_wait *w, const struct official_refusal *refusal);

struct official_token_wait {
    struct list node;
    official_granted_cb on_granted;
};

/* `link` is entered by start and left when stop is through. */
int official_token_new(struct official_link *link, struct str appid, struct str secret,
                       struct official_token **ret);
void official_token_start(struct official_token *t);
/* Nobody may wait any more. */
void official_token_stop(struct official_token *t);
/* Before start or after stop is through. NULL is a no-op. */
void official_token_free(struct official_token *t);

/* NULL: none that lives. Borrowed until the next turn. `ret_generation` names it for official_token_drop().
 */
const char *official_token_get(struct official_token *t, uint64_t *ret_generation);
void official_token_ask(struct official_token *t, struct official_token_wait *w);
/* Stops waiting. A no-op when `w` does not wait. */
void official_token_cancel(struct official_token_wait *w);
/* The platform refused that token. A no-op when a newer one is there. */
void official_token_drop(struct official_token *t, uint64_t generation);

#endif
