/* SPDX-License-Identifier: Apache-2.0 */
/* sms_push.h - the bodies of Aliyun's two pushes, as events: pure.
 *
 *     SMS_REPORT  the carriers' verdicts -> EVENT_RECEIPT: handle (OutId, else BizId), contact, verdict; data
 *                 {"success", "err_code", "err_msg", "sms_size", "biz_id"}
 *     SMS_UP      what people answered -> EVENT_MESSAGE_RECEIVED: contact, text; data {"dest_code", ...}
 *
 * An element that names no mainland number is passed over and counted: one of them must not hold up the
 * others. A push of nothing else is no push of ours.
 *
 * Errors   ERR_SYNTAX not an array; ERR_INVALID no element is of use; ERR_TOO_BIG; -ENOMEM.
 * Memory   events belong to the push until fini.
 * Threads  one at a time.
 */
#ifndef SIYU_ADAPTERS_SMS_PUSH_H
#define SIYU_ADAPTERS_SMS_PUSH_H

#include "adapter.h"
#include "base/mem.h"

enum { SMS_PUSH_ELEMENTS = 8192 };
enum sms_push_kind { SMS_REPORT, SMS_UP };

struct sms_push {
    struct event *events;
    size_t count, skipped; /* none at all: an empty array */
    struct arena memory;
    json_t *json, *datas;
};

int sms_push_read(struct sms_push *p, enum sms_push_kind kind, struct str body);
void sms_push_fini(struct sms_push *p);

#endif
