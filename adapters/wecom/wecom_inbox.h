/* SPDX-License-Identifier: Apache-2.0 */
/* wecom_inbox.h - callbacks between the door and the answer: verified, decoded, committed, acknowledged.
 *
 * URL verification and wake-ups are answered at once; what carries events when they are stored: `success`,
 * the sealed passive reply, or 503 so that WeCom sends it again.
 *
 * Errors   wecom_inbox_take(): negative, the call is refused and has no answer (ERR_SIGNATURE, ERR_STALE,
 *          ERR_CRYPTO, ERR_NOT_FOUND, ERR_SYNTAX, ERR_INVALID, ...). What is our own fault is answered 503.
 * Memory   the caller's storage; copies.
 * Threads  the loop thread only.
 */
#ifndef SIYU_ADAPTERS_WECOM_INBOX_H
#define SIYU_ADAPTERS_WECOM_INBOX_H

#include "adapters/wecom/wecom_conf.h"
#include "adapters/wecom/wecom_hook.h"
#include "adapters/wecom/wecom_link.h"
#include "base/map.h"

enum { WECOM_PENDING_MAX = 4096 };

typedef void (*wecom_wake_cb)(struct adapter *a, struct str kf_account, struct str token);

struct wecom_inbox {
    struct wecom_link *link;
    struct wecom_hook hook;
    struct buf plain;
    struct map_i64 pending; /* inbound id -> struct pending */
    struct adapter *owner;
    wecom_wake_cb on_wake; /* sync_msg has something to read */
};

int wecom_inbox_init(struct wecom_inbox *i, struct wecom_link *link, const struct wecom_conf *conf,
                     struct adapter *owner, wecom_wake_cb on_wake);
void wecom_inbox_fini(struct wecom_inbox *i);

int wecom_inbox_take(struct wecom_inbox *i, const struct hook_call *call);
/* A no-op for ids that are not of a callback. */
void wecom_inbox_stored(struct wecom_inbox *i, struct inbound_id id, const struct content *reply, int err);
/* Answers 503 to all that still wait. */
void wecom_inbox_close(struct wecom_inbox *i);

#endif
