/* SPDX-License-Identifier: Apache-2.0 */
/* wecom_say.h - one text at a time: 微信客服 and the message push of internal groups.
 *
 * Attached links become lines of the text; other attachments are refused. Functions for wecom_table.c;
 * errors and memory as in wecom_wire.h.
 */
#ifndef SIYU_ADAPTERS_WECOM_SAY_H
#define SIYU_ADAPTERS_WECOM_SAY_H

#include "adapters/wecom/wecom_wire.h"

enum {
    WECOM_KF_TEXT_BYTES = 2048,
    WECOM_WEBHOOK_TEXT_BYTES = 2048,
    WECOM_WEBHOOK_MARKDOWN_BYTES = 4096,
};

/* call.account is the open_kfid, call.key the message's own msgid. */
int wecom_kf_send_begin(struct wecom_ask *a, const struct call *call);
int wecom_kf_welcome_begin(struct wecom_ask *a, const struct call *call);
int wecom_kf_take(struct wecom_ask *a, const json_t *answer);

/* The customer's name, by call.handle or the one recipient. */
int wecom_kf_detail_begin(struct wecom_ask *a, const struct call *call);
int wecom_kf_detail_take(struct wecom_ask *a, const json_t *answer);

/* content.params {"markdown": true}: markdown instead of text. */
int wecom_webhook_begin(struct wecom_ask *a, const struct call *call);

#endif
