/* SPDX-License-Identifier: Apache-2.0 */
/* sms.h - text messages through Aliyun SMS: signed calls out, status reports and replies (MO) in.
 *
 * Configuration, beside `kind: sms-aliyun` (all strings):
 *     access_key_id, access_key_secret
 *     signature     the approved one, without its 【】; Aliyun writes it in front of each message
 *     path_key      what Aliyun must give as `?key=` with every push: pushes are not signed
 *     api_base      https://dysmsapi.aliyuncs.com
 *     region        RegionId; none
 *     refusal_text  how marketing messages must end; 拒收请回复R
 *
 * Account, contact: the connection is its only account; contacts are numbers of 11 digits.
 * Threads  the loop thread only.
 */
#ifndef SIYU_ADAPTERS_SMS_H
#define SIYU_ADAPTERS_SMS_H

#include "adapter.h"

extern const struct adapter_ops sms_aliyun_ops;

#endif
