/* SPDX-License-Identifier: Apache-2.0 */
/* wecom.h - WeCom: the corp's app with its members, 微信客服, and the message push of internal groups.
 *
 *     wecom          callbacks of the app; welcome messages, broadcast tasks, messages to employees
 *     wecom-kf       one customer service account: sync_msg in, send_msg and send_msg_on_event out
 *     wecom-webhook  one group webhook: messages out
 *
 * Configuration, beside `kind` (all strings unless said):
 *     wecom          corp_id, secret, token, aes_key; agent_id (integer), api_base, callback_max_age,
 *                    group_send (monthly, weekly or daily: the host's)
 *     wecom-kf       corp_id, secret, token, aes_key, open_kfid; api_base, callback_max_age, poll_every
 *     wecom-webhook  key; api_base
 * callback_max_age (5m; 0 off) and poll_every (5m; 0 off) are durations: 30s, 5m, 2h, 1d.
 *
 * Accounts in events: the member's userid; none for what is said to the app itself, and in wecom-kf.
 * Threads  the loop thread only.
 */
#ifndef SIYU_ADAPTERS_WECOM_H
#define SIYU_ADAPTERS_WECOM_H

#include "adapter.h"

extern const struct adapter_ops wecom_ops;
extern const struct adapter_ops wecom_kf_ops;
extern const struct adapter_ops wecom_webhook_ops;

#endif
