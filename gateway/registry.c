/* SPDX-License-Identifier: Apache-2.0 */
#include "registry.h"

#include "adapters/official/official.h"
#include "adapters/sms/sms.h"
#include "adapters/wecom/wecom.h"
#include "bots/lottery.h"

const struct host_kind registry_kinds[] = {
    {&wecom_ops, "wecom", "corp_id", ACCOUNT_WECOM_MEMBER, false, false},
    {&wecom_kf_ops, "wecom", "corp_id", ACCOUNT_WECOM_KF, true, false},
    {&wecom_webhook_ops, "wecom", "key", ACCOUNT_WECOM_WEBHOOK, true, true},
    {&official_ops, "official", "appid", ACCOUNT_OFFICIAL, true, true},
    {&sms_aliyun_ops, "aliyun", "access_key_id", ACCOUNT_SMS, true, false},
};
const size_t registry_kind_count = ARRAY_LEN(registry_kinds);

const struct bot_ops *const registry_bots[] = {&bot_lottery};
const size_t registry_bot_count = ARRAY_LEN(registry_bots);
