/* SPDX-License-Identifier: Apache-2.0 */
/* sms_inbox.h - pushes between the door and the answer: let in by their key, decoded, committed,
 * acknowledged.
 *
 *     POST /report?key=...   status reports
 *     POST /up?key=...       what people answered
 *
 * Aliyun repeats a push after about 1, 5 and 10 minutes unless the answer is 200 with code 0, so that is said
 * only of what is stored; else 503.
 *
 * Errors   sms_inbox_take(): negative, the push is refused and has no answer: ERR_NOT_FOUND another path,
 *          ERR_AUTH wrong key, ERR_SYNTAX, ERR_INVALID, ERR_TOO_BIG. What is our own fault is answered 503.
 * Memory   the caller's storage; copies.
 * Threads  the loop thread only.
 */
#ifndef SIYU_ADAPTERS_SMS_INBOX_H
#define SIYU_ADAPTERS_SMS_INBOX_H

#include "adapters/sms/sms_link.h"
#include "base/map.h"

enum { SMS_PENDING_MAX = 4096 };

struct sms_inbox {
    struct sms_link *link;
    struct map_i64 pending; /* inbound ids that wait for their stored() */
};

void sms_inbox_init(struct sms_inbox *i, struct sms_link *link);
void sms_inbox_fini(struct sms_inbox *i);

int sms_inbox_take(struct sms_inbox *i, const struct hook_call *call);
/* A no-op for ids that are not of a push. */
void sms_inbox_stored(struct sms_inbox *i, struct inbound_id id, int err);
/* Answers 503 to all that still wait. */
void sms_inbox_close(struct sms_inbox *i);

#endif
