/* SPDX-License-Identifier: Apache-2.0 */
/* wecom_call.h - one attempt: from perform() to done().
 *
 * A call that started ends in exactly one host->done(), from the loop. A message that can never be sent
 * (too long, a broken attachment) starts too and ends OUTCOME_PERMANENT without a byte out.
 *
 * Errors   wecom_call_start(): ERR_UNSUPPORTED the op is not in the table; ERR_CLOSED the connection stops;
 *          ERR_FULL too many calls at work; -ENOMEM. Then there is no done().
 * Memory   a call copies what it needs and frees itself after done().
 * Threads  the loop thread only.
 */
#ifndef SIYU_ADAPTERS_WECOM_CALL_H
#define SIYU_ADAPTERS_WECOM_CALL_H

#include "adapters/wecom/wecom_link.h"
#include "adapters/wecom/wecom_table.h"

enum { WECOM_CALLS_MAX = 4096 };

int wecom_call_start(struct wecom_link *link, const struct wecom_table *table, int64_t agent_id,
                     struct attempt_id id, const struct call *call, const struct recipient *to, size_t n);

/* Ends all calls of the link: not sent, or unknown where bytes have left. */
void wecom_call_cancel_all(struct wecom_link *link);

#endif
