/* SPDX-License-Identifier: Apache-2.0 */
/* wecom_table.h - which requests an op means, for each kind of connection. Pure data over pure functions.
 *
 * What the polls give in `data`:
 *     CALL_TASK_STATUS     {"status": {userid: 0 | 2}}; `next_cursor` when there were too many pages
 *     CALL_TASK_RESULT     {"pages": n, "sent": n, "unsent": n, "lost": n, "limited": n}, `next_cursor` as
 *                          above; items: status 0 PENDING, 1 DELIVERED, 2 PERMANENT (no friend any more),
 *                          3 LIMITED (got another group message), with the status as errcode
 *     CALL_QUERY           {"found": bool, "matches": [msgid...]}; provider_id when exactly one matches
 *     CALL_CONTACT_DETAIL  {"name", "tags": [names given by `account`, or by all], "follow_user": [...], ...}
 *
 * `params` they take: polls with pages {"cursor"}; CALL_QUERY {"from_ms", "to_ms", "chat_type"?: "single" |
 * "group", "text"?, "to"?: a recipient, "known"?: [msgid...]} where `text` stands in for content and `known`
 * tasks are passed over. A query that could not see everything ends OUTCOME_UNKNOWN: it proves nothing.
 */
#ifndef SIYU_ADAPTERS_WECOM_TABLE_H
#define SIYU_ADAPTERS_WECOM_TABLE_H

#include "adapters/wecom/wecom_wire.h"

struct wecom_table {
    const struct wecom_op *ops;
    size_t count;
};

extern const struct wecom_table wecom_corp_table;
extern const struct wecom_table wecom_kf_table;
extern const struct wecom_table wecom_webhook_table;

#endif
