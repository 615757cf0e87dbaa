/* SPDX-License-Identifier: Apache-2.0 */
/* sms_call.h - one attempt: from perform() to done().
 *
 * A call that started ends in exactly one host->done(), from the loop. A message that can never be sent
 * starts too and ends OUTCOME_PERMANENT without a byte out, with the word of sms_wire.h in facts.error.
 *
 * Errors   sms_call_start(): ERR_UNSUPPORTED another op; ERR_CLOSED the connection stops; ERR_FULL too many
 *          calls at work; -ENOMEM. Then there is no done().
 * Memory   a call copies what it needs and frees itself after done().
 * Threads  the loop thread only.
 */
#ifndef SIYU_ADAPTERS_SMS_CALL_H
#define SIYU_ADAPTERS_SMS_CALL_H

#include "adapters/sms/sms_link.h"

enum { SMS_CALLS_MAX = 4096 };

int sms_call_start(struct sms_link *link, struct attempt_id id, const struct call *call,
                   const struct recipient *to, size_t n);

/* Ends all calls of the link: not sent, or unknown where bytes have left. */
void sms_call_cancel_all(struct sms_link *link);

#endif
