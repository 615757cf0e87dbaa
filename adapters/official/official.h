/* SPDX-License-Identifier: Apache-2.0 */
/* official.h - a WeChat official account (服务号, 订阅号): callbacks in with passive replies, calls out.
 *
 * Configuration, beside `kind` (all strings unless said):
 *     appid, secret, token; aes_key (mode compatible and safe), aes_key_previous, mode (plain, compatible,
 *     safe; safe), account_type (service, subscription; service), api_base, callback_max_age (a duration
 *     such as 5m, its default; 0 off)
 *
 * The account of every event and every call is the connection's only one: event.account is empty.
 * Threads  the loop thread only.
 */
#ifndef SIYU_ADAPTERS_OFFICIAL_H
#define SIYU_ADAPTERS_OFFICIAL_H

#include "adapter.h"

extern const struct adapter_ops official_ops;

#endif
