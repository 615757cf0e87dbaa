/* SPDX-License-Identifier: Apache-2.0 */
/* kf.h - one 微信客服 account: what customers wrote, for sync_msg, and what may be answered.
 *
 * A customer's message opens a turn: five messages within 48 h. Entering the chat by its link gives a
 * welcome code for one message within 20 s, unless the customer wrote or was welcomed in the last 48 h.
 *
 * Units, errors, memory, threads: as model.h.
 */
#ifndef SIYU_SANDBOX_KF_H
#define SIYU_SANDBOX_KF_H

#include "sandbox/wecom.h"

struct sb_kf_session {
    char *customer;
    struct sb_opened turn;
    int64_t spoke_ms, welcomed_ms; /* 0: never */
};

struct sb_kf_item {
    int64_t at_ms;
    json_t *item; /* of msg_list */
};

struct sb_kf_code {
    char *text;
    struct sb_connection *connection;
    char *customer;
    int64_t issued_ms;
    bool used;
};

struct sb_kf {
    struct map_str sessions, codes, msgids; /* msgids: own ids already used */
    struct map_str sync_tokens;             /* token -> issued_ms */
    struct sb_kf_item *items;               /* oldest first; `first` is the sequence of items[0] */
    size_t count, cap;
    int64_t first;
    struct sb_block tokenless;
};

struct sb_kf *sb_kf_new(void);
void sb_kf_free(struct sb_kf *kf);

/* The customer writes or does something; the gateway is told that there is news. */
void sb_kf_say(struct sb_model *m, struct sb_connection *conn, const char *customer, const char *text,
               int64_t now_ms);
/* `ret_code` (may be NULL) borrows the welcome code, or NULL when there is none. */
void sb_kf_enter(struct sb_model *m, struct sb_connection *conn, const char *customer, const char *scene,
                 const char *scene_param, int64_t now_ms, const char **ret_code);
void sb_kf_send_failed(struct sb_model *m, struct sb_connection *conn, const char *customer,
                       const char *msgid, int64_t fail_type, int64_t now_ms);

void sb_kf_customers(struct sb_model *m, struct sb_corp *corp, struct sb_call *c);
void sb_kf_sync(struct sb_model *m, struct sb_corp *corp, struct sb_call *c);
void sb_kf_send(struct sb_model *m, struct sb_corp *corp, struct sb_call *c);
void sb_kf_send_on_event(struct sb_model *m, struct sb_corp *corp, struct sb_call *c);

#endif
