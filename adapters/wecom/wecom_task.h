/* SPDX-License-Identifier: Apache-2.0 */
/* wecom_task.h - what the corp's app says: welcome messages, broadcast tasks, messages to employees.
 *
 * A task is not a message: the member it is given to must tap send. Functions for wecom_table.c; errors and
 * memory as in wecom_wire.h.
 */
#ifndef SIYU_ADAPTERS_WECOM_TASK_H
#define SIYU_ADAPTERS_WECOM_TASK_H

#include "adapters/wecom/wecom_wire.h"

enum {
    WECOM_TEXT_BYTES = 4000,
    WECOM_TASK_CUSTOMERS = 10000,
    WECOM_TASK_GROUPS = 2000,
    WECOM_APP_TEXT_BYTES = 2048,
    WECOM_APP_MEMBERS = 1000,
};

int wecom_welcome_begin(struct wecom_ask *a, const struct call *call);

/* CALL_TASK and CALL_GROUP_TASK; recipients of the answer's fail_list become PERMANENT items. */
int wecom_task_begin(struct wecom_ask *a, const struct call *call);
int wecom_task_take(struct wecom_ask *a, const json_t *answer);

int wecom_remind_begin(struct wecom_ask *a, const struct call *call);
int wecom_cancel_begin(struct wecom_ask *a, const struct call *call);

/* To employees, with the platform's own check for duplicates. */
int wecom_message_begin(struct wecom_ask *a, const struct call *call);
int wecom_message_take(struct wecom_ask *a, const json_t *answer);

#endif
