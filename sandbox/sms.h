/* SPDX-License-Identifier: Apache-2.0 */
/* sms.h - Aliyun SMS: signed calls, flow control per number, status reports, replies (MO).
 *
 * Units, errors, memory, threads: as model.h.
 */
#ifndef SIYU_SANDBOX_SMS_H
#define SIYU_SANDBOX_SMS_H

#include "sandbox/model.h"

enum sb_sms_class { SB_SMS_OTP, SB_SMS_NOTICE, SB_SMS_PROMO };

struct sb_sms_template {
    const char *code, *text; /* text NULL: not given, not checked */
    enum sb_sms_class kind;
};

struct sb_number {
    char *phone;
    struct list details; /* the oldest first */
    struct sb_tally otp_minute, otp_hour, otp_day, otp_all_day, notice_day, promo_day;
    bool refused;      /* answered R: no promotion any more */
    const char *fails; /* the receipt's error code; NULL: delivered */
};

struct sb_detail { /* one number of one accepted call */
    struct list node;
    char *phone, *biz_id, *out_id, *template_code, *content;
    int64_t sent_ms, received_ms;
    int64_t parts;
    const char *err_code; /* NULL while waiting */
    bool delivered;
};

struct sb_sms {
    const char *access_key_id;
    struct map_str numbers, templates, nonces;
    bool templates_given;
    int64_t report_after_ms;
};

struct sb_sms *sb_sms_of(struct sb_model *m, const char *access_key_id);
void sb_sms_free(struct sb_sms *s);

void sb_sms_identify(struct sb_model *m, struct sb_call *c);
void sb_sms_call(struct sb_model *m, struct sb_call *c);
/* `text` NULL: the code's usual one. */
void sb_sms_refuse(struct sb_call *c, const char *code, const char *text);

struct sb_number *sb_sms_number(struct sb_sms *s, const char *phone); /* made when absent */
void sb_sms_add_template(struct sb_sms *s, const char *code, const char *text, enum sb_sms_class kind);
/* A person answers: pushed to the gateway, and an R ends promotions. */
void sb_sms_reply(struct sb_model *m, struct sb_connection *conn, const char *phone, const char *content,
                  int64_t now_ms);

#endif
