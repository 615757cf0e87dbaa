/* SPDX-License-Identifier: Apache-2.0 */
/* wecom_event.h - the decrypted XML of a callback: pure, from text to events.
 *
 *     change_external_contact  add, add_half -> contact.added (code: WelcomeCode, text: State);
 *                              del_external_contact, del_follow_user -> contact.lost (data.by "member",
 *                              "customer")
 *     change_external_chat     create, dismiss -> group.created, group.dismissed; add_member, del_member ->
 *                              one group.joined, group.left for each member; else group.changed
 *     kf_msg_or_event          no event: a wake-up for sync_msg
 *     a member's message       message.received, of the app itself (no account), open to a passive reply
 *     anything else            platform, with its XML in data.body
 *
 * Dedupe keys: messages by MsgId and sender; events by all that names them, a digest of the XML, and the
 * member's index where one callback becomes several events.
 *
 * Errors   those of xml_parse(); -ENOMEM.
 * Memory   a letter borrows `xml` and `body`: events are good until the next parse or wecom_letter_fini().
 * Threads  one at a time.
 */
#ifndef SIYU_ADAPTERS_WECOM_EVENT_H
#define SIYU_ADAPTERS_WECOM_EVENT_H

#include "adapter.h"
#include "base/mem.h"

struct xml_doc;

struct wecom_letter {
    bool kf_wake;
    struct str kf_token, kf_account;
    struct event *events;
    size_t count;
    struct arena memory;
    json_t *data; /* of all events */
};

/* On failure there is nothing to fini. */
int wecom_letter_read(struct wecom_letter *l, struct xml_doc *xml, struct str body);
void wecom_letter_fini(struct wecom_letter *l);

#endif
