/* SPDX-License-Identifier: Apache-2.0 */
/* wecom_kf_page.h - one page of sync_msg: pure, from JSON to events.
 *
 *     what a customer sends      message.received (text where it is text), opens the 48 h window
 *     enter_session              kf.entered (code: welcome_code, text: scene)
 *     msg_send_fail              receipt for our msgid, verdict PERMANENT, data.fail_type
 *     session_status_change      kf.session (code: msg_code)
 *     anything else              platform, with the item in data
 *
 * All are deduped by msgid. An item that is no object or has no msgid is kept as a platform event under a
 * digest of itself. Events name no account: the connection is the account; data.open_kfid says it.
 *
 * Errors   ERR_SYNTAX: no cursor or no list where one must be; -ENOMEM.
 * Memory   borrows `answer` until wecom_kf_page_fini().
 * Threads  one at a time.
 */
#ifndef SIYU_ADAPTERS_WECOM_KF_PAGE_H
#define SIYU_ADAPTERS_WECOM_KF_PAGE_H

#include "adapter.h"
#include "base/buf.h"
#include "base/mem.h"

enum { WECOM_KF_ITEMS_MAX = 1000 }; /* of one page */

struct wecom_kf_page {
    struct str next_cursor; /* empty: unchanged */
    bool has_more;
    struct event *events;
    size_t count;
    struct arena memory;
    json_t *kept; /* list of the events' data */
};

/* `answer`: a whole one, with errcode 0. On failure there is nothing to fini. */
int wecom_kf_page_read(struct wecom_kf_page *p, const json_t *answer);
void wecom_kf_page_fini(struct wecom_kf_page *p);

/* Writes the body of the next sync_msg; empty `cursor` and `token` are left out. */
int wecom_kf_sync_write(struct str cursor, struct str token, struct str open_kfid, int limit,
                        struct buf *out);

#endif
