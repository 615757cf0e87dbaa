/* SPDX-License-Identifier: Apache-2.0 */
/* sms_send.h - SendSms: content, flow control per number, and the reports that follow.
 *
 * Units, errors, memory, threads: as model.h.
 */
#ifndef SIYU_SANDBOX_SMS_SEND_H
#define SIYU_SANDBOX_SMS_SEND_H

#include "sandbox/sms.h"

/* The eleven digits inside `text`, behind +86, 0086 or 86; NULL: not a mainland mobile number. */
const char *sb_sms_plain_number(const char *text);
/* How many parts are billed for a text with its signature. */
int64_t sb_sms_parts(struct str text);

/* All or nothing. Sets c->to, key and cost. SB_A_OK: `ret_biz_id` lives as long as the model. Any other:
 * refused, and c->answer may be set already, where the usual text does not do. */
enum sb_aliyun_code sb_sms_send(struct sb_model *m, struct sb_call *c, const json_t *args,
                                const char **ret_biz_id);

#endif
