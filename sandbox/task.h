/* SPDX-License-Identifier: Apache-2.0 */
/* task.h - the inside of a broadcast task, for task.c and task_query.c.
 *
 * A task has a part for each member, a part a target for each of his customers (or groups).
 *
 * Units, memory, threads: as model.h. Tasks, parts and targets live as long as the corp.
 */
#ifndef SIYU_SANDBOX_TASK_H
#define SIYU_SANDBOX_TASK_H

#include "sandbox/wecom.h"

/* As get_groupmsg_send_result says it. */
enum sb_send_status { SB_UNSENT = 0, SB_SENT = 1, SB_NOT_FRIEND = 2, SB_FULL = 3 };

struct sb_target {
    struct sb_customer *customer; /* or */
    struct sb_chat *chat;
    enum sb_send_status status;
};

struct sb_part {
    struct list node;
    struct sb_corp *corp;
    struct sb_task *task;
    struct sb_member *member;
    struct sb_target *targets;
    size_t count, cap;
    int64_t sent_ms; /* 0: not yet */
};

struct sb_task {
    struct list node, parts;
    struct sb_connection *connection;
    char *msgid;
    bool group, cancelled;
    int64_t created_ms;
    json_t *content; /* {text, attachments} */
    struct sb_slide reminders;
    struct map_str by_member; /* userid -> struct sb_part; only while the task is made */
};

const char *sb_target_id(const struct sb_target *t);

#endif
