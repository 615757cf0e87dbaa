/* SPDX-License-Identifier: Apache-2.0 */
/* wecom_token.h - the access token of one app: one fetch serves all who wait.
 *
 * wecom_token_get() gives the token while it lives. It is fetched anew in its last 300 s, before anybody has
 * to wait. Who finds none asks: -> on_granted, once, from the loop, never from inside wecom_token_ask().
 *
 * Refused credentials (a code whose rule says stop) alert and are remembered for ten minutes: asking in that
 * time fails at once, because WeCom blocks the address that goes on with a wrong secret.
 *
 * Units    the life is judged on the adapter's clock.
 * Errors   in the refusal: what a call that got no token can say about it.
 * Memory   heap; copies its configuration and wipes it. A wait is the caller's storage.
 * Threads  the loop thread only.
 */
#ifndef SIYU_ADAPTERS_WECOM_TOKEN_H
#define SIYU_ADAPTERS_WECOM_TOKEN_H

#include "adapters/wecom/wecom_link.h"

struct wecom_token_wait;

struct wecom_refusal {
    int err; /* 0: granted */
    int errcode, http;
    int64_t retry_ms; /* from now; 0: whenever */
    char why[128];
};

typedef void (*wecom_granted_cb)(struct wecom_token_wait *w, const struct wecom_refusal *refusal);

struct wecom_token_wait {
    struct list node;
    wecom_granted_cb on_granted;
};

/* `link` is entered by start and left when stop is through. */
int wecom_token_new(struct wecom_link *link, struct str corp_id, struct str secret, struct wecom_token **ret);
void wecom_token_start(struct wecom_token *t);
/* Nobody may wait any more. */
void wecom_token_stop(struct wecom_token *t);
/* Before start or after stop is through. NULL is a no-op. */
void wecom_token_free(struct wecom_token *t);

/* NULL: none that lives. Borrowed until the next turn. `ret_generation` names it for wecom_token_drop(). */
const char *wecom_token_get(struct wecom_token *t, uint64_t *ret_generation);
void wecom_token_ask(struct wecom_token *t, struct wecom_token_wait *w);
/* Stops waiting. A no-op when `w` does not wait. */
void wecom_token_cancel(struct wecom_token_wait *w);
/* The platform refused that token. A no-op when a newer one is there. */
void wecom_token_drop(struct wecom_token *t, uint64_t generation);

#endif
