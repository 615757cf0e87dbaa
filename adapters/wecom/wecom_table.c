/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/wecom/wecom_table.h"

#include "adapters/wecom/wecom_poll.h"
#include "adapters/wecom/wecom_query.h"
#include "adapters/wecom/wecom_say.h"
#include "adapters/wecom/wecom_task.h"

static const struct wecom_op corp_ops[] = {
    {CALL_WELCOME, wecom_welcome_begin, NULL},
    {CALL_SEND, wecom_message_begin, wecom_message_take},
    {CALL_TASK, wecom_task_begin, wecom_task_take},
    {CALL_GROUP_TASK, wecom_task_begin, wecom_task_take},
    {CALL_REMIND, wecom_remind_begin, NULL},
    {CALL_CANCEL_TASK, wecom_cancel_begin, NULL},
    {CALL_TASK_STATUS, wecom_status_begin, wecom_status_take},
    {CALL_TASK_RESULT, wecom_result_begin, wecom_result_take},
    {CALL_QUERY, wecom_query_begin, wecom_query_take},
    {CALL_CONTACT_DETAIL, wecom_detail_begin, wecom_detail_take},
};

static const struct wecom_op kf_ops[] = {
    {CALL_WELCOME, wecom_kf_welcome_begin, wecom_kf_take},
    {CALL_SEND, wecom_kf_send_begin, wecom_kf_take},
    {CALL_CONTACT_DETAIL, wecom_kf_detail_begin, wecom_kf_detail_take},
};

static const struct wecom_op webhook_ops[] = {
    {CALL_GROUP, wecom_webhook_begin, NULL},
};

const struct wecom_table wecom_corp_table = {corp_ops, ARRAY_LEN(corp_ops)};
const struct wecom_table wecom_kf_table = {kf_ops, ARRAY_LEN(kf_ops)};
const struct wecom_table wecom_webhook_table = {webhook_ops, ARRAY_LEN(webhook_ops)};
