/* SPDX-License-Identifier: Apache-2.0 */
/* wecom.h - WeCom as seen by one corp: members, customers, groups, welcome codes, broadcast tasks, webhooks.
 *
 * wecom.c      the table of calls, access tokens, frequency limits
 * contact.c    customers, tags, groups, welcome messages, and what customers do
 * task.c       broadcast tasks: created by a call, confirmed (or not) by virtual members, queried
 * app.c        app messages to employees
 * webhook.c    message push to internal groups, temporary media
 * kf.c         微信客服
 *
 * Units, errors, memory, threads: as model.h.
 */
#ifndef SIYU_SANDBOX_WECOM_H
#define SIYU_SANDBOX_WECOM_H

#include "sandbox/model.h"

struct sb_member {
    struct list node;
    char *userid;
    bool confirms; /* taps send on a broadcast task ... */
    int64_t after_ms;
    struct sb_slide minute, hour; /* messages of apps */
};

struct sb_welcome;

struct sb_follow { /* a member has this customer */
    struct sb_follow *next;
    struct sb_member *member;
    char *state; /* NULL: none */
    int64_t since_ms;
    bool half;                    /* the member has not confirmed the add */
    bool lost;                    /* the customer deleted the member */
    struct sb_welcome *half_code; /* issued for the half-add; NULL: none */
    json_t *tags;
};

struct sb_customer {
    char *id, *name;
    struct sb_follow *follows; /* the latest first */
    struct sb_tally month;
};

struct sb_chat { /* a customer group */
    struct list node;
    char *id, *name;
    struct sb_member *owner;
    int64_t since_ms;
    json_t *members; /* id -> {join_time, join_scene} */
    int64_t version;
    struct sb_tally month;
    bool dismissed;
};

struct sb_welcome {
    char *code;
    struct sb_customer *customer;
    struct sb_member *member;
    int64_t issued_ms;
    bool done;
    int64_t racing; /* so many calls find it being distributed by another app */
};

struct sb_media {
    char *id;
    int64_t expires_ms;
};

struct sb_frequency {
    struct sb_block minute, hour;
};

struct sb_task;

struct sb_corp {
    const char *corp_id;
    struct map_str members, customers, chats, codes, media, frequency, tasks;
    struct map_str said; /* app messages by digest -> when; for enable_duplicate_check */
    struct list member_list, chat_list, task_list; /* as they came: answers must not depend on a hash */
    struct sb_customer **order;
    size_t order_count;
    json_t *tags; /* id -> {name, group} */
};

struct sb_corp *sb_corp_of(struct sb_model *m, const char *corp_id);
void sb_corp_free(struct sb_corp *corp);

void sb_wecom_identify(struct sb_model *m, struct sb_call *c);
void sb_wecom_call(struct sb_model *m, struct sb_call *c);

typedef void (*sb_wecom_fn)(struct sb_model *m, struct sb_corp *corp, struct sb_call *c);

/* contact.c */
struct sb_member *sb_corp_member(struct sb_corp *corp, const char *userid); /* made when absent */
struct sb_customer *sb_corp_customer(struct sb_model *m, struct sb_connection *conn, const char *name_or_id);
struct sb_customer *sb_corp_find(const struct sb_corp *corp, const char *external_userid);
struct sb_follow *sb_customer_follow(const struct sb_customer *cu, const char *userid);
struct sb_follow *sb_customer_add(struct sb_customer *cu, struct sb_member *by, int64_t now_ms);
void sb_customer_drop(struct sb_customer *cu, const struct sb_member *by);
bool sb_follow_has_tag(const struct sb_follow *f, const char *tag);
void sb_follow_tag(struct sb_corp *corp, struct sb_follow *f, const char *tag);
struct sb_chat *sb_corp_chat(struct sb_model *m, struct sb_corp *corp, const char *id, const char *owner,
                             int64_t now_ms);
/* A customer (or member) comes or goes; gives his id, borrowed from the corp. */
const char *sb_chat_join(struct sb_model *m, struct sb_connection *conn, struct sb_chat *chat,
                         const char *who, int64_t scene, int64_t now_ms);
const char *sb_chat_leave(struct sb_model *m, struct sb_connection *conn, struct sb_chat *chat,
                          const char *who);
/* A fresh code that a push may carry. */
struct sb_welcome *sb_welcome_issue(struct sb_model *m, struct sb_corp *corp, struct sb_customer *cu,
                                    struct sb_member *by, int64_t now_ms);
void sb_contact_free(struct sb_corp *corp);
void sb_contact_send_welcome(struct sb_model *m, struct sb_corp *corp, struct sb_call *c);
void sb_contact_get(struct sb_model *m, struct sb_corp *corp, struct sb_call *c);
void sb_contact_list(struct sb_model *m, struct sb_corp *corp, struct sb_call *c);
void sb_contact_followers(struct sb_model *m, struct sb_corp *corp, struct sb_call *c);
void sb_contact_mark_tag(struct sb_model *m, struct sb_corp *corp, struct sb_call *c);
void sb_contact_tag_list(struct sb_model *m, struct sb_corp *corp, struct sb_call *c);
void sb_contact_chat_list(struct sb_model *m, struct sb_corp *corp, struct sb_call *c);
void sb_contact_chat_get(struct sb_model *m, struct sb_corp *corp, struct sb_call *c);

/* task.c */
void sb_task_create(struct sb_model *m, struct sb_corp *corp, struct sb_call *c);
void sb_task_list(struct sb_model *m, struct sb_corp *corp, struct sb_call *c);
void sb_task_members(struct sb_model *m, struct sb_corp *corp, struct sb_call *c);
void sb_task_result(struct sb_model *m, struct sb_corp *corp, struct sb_call *c);
void sb_task_remind(struct sb_model *m, struct sb_corp *corp, struct sb_call *c);
void sb_task_cancel(struct sb_model *m, struct sb_corp *corp, struct sb_call *c);
/* The member's habit changed: tasks that wait for him follow it. */
void sb_task_member_changed(struct sb_model *m, struct sb_corp *corp, struct sb_member *member,
                            int64_t now_ms);
void sb_task_free_all(struct sb_corp *corp);

/* app.c */
void sb_app_send(struct sb_model *m, struct sb_corp *corp, struct sb_call *c);

/* webhook.c */
void sb_webhook_send(struct sb_model *m, struct sb_call *c);
void sb_media_upload(struct sb_model *m, struct sb_corp *corp, struct sb_call *c);
/* 0, or the refusal for text and attachments of a welcome message or a broadcast. */
int sb_content_judge(const struct sb_model *m, const struct sb_corp *corp, const json_t *body,
                     int64_t most_text, int64_t now_ms);

#endif
