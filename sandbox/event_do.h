/* SPDX-License-Identifier: Apache-2.0 */
/* event_do.h - one event at work, between event.c and the files that play the customers.
 *
 * event_wecom.c      contacts, groups, 微信客服
 * event_official.c   followers, SMS, raw pushes
 *
 * Units, memory, threads: as model.h. A doer gives 0, or ERR_INVALID with a complaint in the diag.
 */
#ifndef SIYU_SANDBOX_EVENT_DO_H
#define SIYU_SANDBOX_EVENT_DO_H

#include "sandbox/model.h"

struct sb_doing {
    struct sb_model *m;
    struct sb_connection *conn;
    const json_t *spec;
    const char *kind;     /* of the event; static */
    const char *customer; /* the name in the spec; "" where there is none */
    int64_t now_ms, at_ms;
    json_t *done; /* what is answered for this customer */
    struct diag *diag;
};

typedef int (*sb_event_fn)(struct sb_doing *d);

const char *sb_doing_arg(const struct sb_doing *d, const char *key, const char *def);
/* Complains when the spec lacks `key`. */
int sb_doing_need(const struct sb_doing *d, const char *key);

int sb_do_contact_added(struct sb_doing *d);
int sb_do_contact_half_added(struct sb_doing *d);
int sb_do_contact_edited(struct sb_doing *d);
int sb_do_contact_lost(struct sb_doing *d);
int sb_do_contact_deleted(struct sb_doing *d);
int sb_do_contact_touched(struct sb_doing *d);
int sb_do_group_created(struct sb_doing *d);
int sb_do_group_dismissed(struct sb_doing *d);
int sb_do_group_joined(struct sb_doing *d);
int sb_do_group_left(struct sb_doing *d);
int sb_do_kf_message(struct sb_doing *d);
int sb_do_kf_enter(struct sb_doing *d);
int sb_do_kf_send_failed(struct sb_doing *d);

int sb_do_official_message(struct sb_doing *d);
int sb_do_official_subscribe(struct sb_doing *d);
int sb_do_official_unsubscribe(struct sb_doing *d);
int sb_do_official_scan(struct sb_doing *d);
int sb_do_official_click(struct sb_doing *d);
int sb_do_official_view(struct sb_doing *d);
int sb_do_sms_mo(struct sb_doing *d);
int sb_do_raw(struct sb_doing *d);
int sb_do_verify(struct sb_doing *d);

#endif
