/* SPDX-License-Identifier: Apache-2.0 */
/* official_push.h - the opened text of a push, XML or JSON, as events: pure.
 *
 *     text and other messages        message.received, open to a passive reply; only a text has text, the
 * rest says its kind in data.msgtype a tap on a message menu        official.menu with the words of the item:
 * the platform counts it as a tap subscribe, SCAN                official.followed, official.scanned; text
 * and data.scene: the scene unsubscribe                    official.unfollowed CLICK, scancode_push,
 * scancode_waitmsg   official.menu; text: the key LOCATION                       official.located
 *     TEMPLATESENDJOBFINISH, subscribe_msg_sent_event   receipt of one follower, one event for each row
 *     MASSSENDJOBFINISH              receipt of a whole mass message. Only when all were reached it says
 *                                    DELIVERED for all of them, else PENDING: who was left out nobody says
 *     anything else                  platform, with its text in data.body. Such taps open no reply window.
 *
 * Dedupe keys: messages by MsgId and sender; events by sender, time, name and key; jobs by their MsgID.
 *
 * Errors   ERR_SYNTAX and those of xml_parse(); ERR_INVALID: no sender; -ENOMEM.
 * Memory   a push borrows `xml` and `body`: events are good until the next parse or official_push_fini().
 * Threads  one at a time.
 */
#ifndef SIYU_ADAPTERS_OFFICIAL_PUSH_H
#define SIYU_ADAPTERS_OFFICIAL_PUSH_H

#include "adapter.h"
#include "base/mem.h"

struct xml_doc;

struct official_push {
    bool json;               /* of this format; so is a reply */
    struct str openid, ours; /* FromUserName, ToUserName: a reply swaps them */
    struct event *events;
    size_t count;
    json_t *tree; /* of a JSON push */
    struct xml_doc *xml;
    json_t *data; /* an array: one object for each event */
    struct arena memory;
    bool starved; /* something found no memory */
};

/* On failure there is nothing to fini. */
int official_push_read(struct official_push *p, struct xml_doc *xml, struct str body);
void official_push_fini(struct official_push *p);

/* Which of the two formats: the first byte that is no blank says. */
bool official_is_json(struct str body);

#endif
