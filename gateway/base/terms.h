/* SPDX-License-Identifier: Apache-2.0 */
/* terms.h - the product's closed word lists, each with the text that API, store, console and docs use.
 *
 * A word is stored by its number, so a list only ever grows at its end.
 * Every list X has `const char *X_text(enum X)` and `int X_of(struct str, enum X *ret)` (ERR_NOT_FOUND).
 * Threads  any; all data is constant.
 */
#ifndef SIYU_BASE_TERMS_H
#define SIYU_BASE_TERMS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* What a customer or a platform did. RECEIPT: the platform's later word on something we sent. */
#define EVENT_KINDS(X)                                                                                       \
    X(EVENT_CONTACT_ADDED, "contact.added")                                                                  \
    X(EVENT_CONTACT_LOST, "contact.lost")                                                                    \
    X(EVENT_MESSAGE_RECEIVED, "message.received")                                                            \
    X(EVENT_MESSAGE_FAILED, "message.failed")                                                                \
    X(EVENT_GROUP_CREATED, "group.created")                                                                  \
    X(EVENT_GROUP_CHANGED, "group.changed")                                                                  \
    X(EVENT_GROUP_JOINED, "group.joined")                                                                    \
    X(EVENT_GROUP_LEFT, "group.left")                                                                        \
    X(EVENT_GROUP_DISMISSED, "group.dismissed")                                                              \
    X(EVENT_KF_ENTERED, "kf.entered")                                                                        \
    X(EVENT_KF_SESSION, "kf.session")                                                                        \
    X(EVENT_OFFICIAL_FOLLOWED, "official.followed")                                                          \
    X(EVENT_OFFICIAL_UNFOLLOWED, "official.unfollowed")                                                      \
    X(EVENT_OFFICIAL_SCANNED, "official.scanned")                                                            \
    X(EVENT_OFFICIAL_MENU, "official.menu")                                                                  \
    X(EVENT_OFFICIAL_LOCATED, "official.located")                                                            \
    X(EVENT_RECEIPT, "receipt")                                                                              \
    X(EVENT_PLATFORM, "platform") /* anything else: kept with its body, decided by nobody yet */

/* The promise that a message carries; decides lane, deadline and what an unknown outcome means. */
#define MESSAGE_CLASSES(X)                                                                                   \
    X(CLASS_WELCOME, "welcome")                                                                              \
    X(CLASS_REPLY, "reply")                                                                                  \
    X(CLASS_TRANSACTIONAL, "transactional")                                                                  \
    X(CLASS_JOURNEY, "journey")                                                                              \
    X(CLASS_BROADCAST, "broadcast")                                                                          \
    X(CLASS_STAFF, "staff")

#define DELIVERY_STATES(X)                                                                                   \
    X(STATE_PLANNED, "planned")                                                                              \
    X(STATE_QUEUED, "queued")                                                                                \
    X(STATE_HELD, "held")                                                                                    \
    X(STATE_IN_FLIGHT, "in_flight")                                                                          \
    X(STATE_AWAITING_CONFIRM, "awaiting_confirm")                                                            \
    X(STATE_UNKNOWN, "unknown")                                                                              \
    X(STATE_ACCEPTED, "accepted")                                                                            \
    X(STATE_DELIVERED, "delivered")                                                                          \
    X(STATE_FAILED, "failed")                                                                                \
    X(STATE_EXPIRED, "expired")                                                                              \
    X(STATE_SUPPRESSED, "suppressed")                                                                        \
    X(STATE_CANCELLED, "cancelled")

/* Why a delivery is where it is. */
#define CAUSES(X)                                                                                            \
    X(CAUSE_NONE, "none")                                                                                    \
    X(CAUSE_PLANNED, "planned")                                                                              \
    X(CAUSE_LIMIT, "limit")                                                                                  \
    X(CAUSE_PACE, "pace")                                                                                    \
    X(CAUSE_NO_WINDOW, "no open window")                                                                     \
    X(CAUSE_QUIET_HOURS, "quiet hours")                                                                      \
    X(CAUSE_REFUSED_BY_CONTACT, "refused by contact")                                                        \
    X(CAUSE_NOT_A_FRIEND, "not a friend")                                                                    \
    X(CAUSE_NOT_REACHABLE, "not reachable")                                                                  \
    X(CAUSE_DEADLINE, "deadline passed")                                                                     \
    X(CAUSE_NOT_CONFIRMED, "not confirmed")                                                                  \
    X(CAUSE_ACCEPTED, "accepted by the platform")                                                            \
    X(CAUSE_INFERRED, "inferred")                                                                            \
    X(CAUSE_NOT_ITEMISED, "not itemised")                                                                    \
    X(CAUSE_RECEIPT, "receipt")                                                                              \
    X(CAUSE_NOT_SENT, "certainly not sent")                                                                  \
    X(CAUSE_NO_ANSWER, "no clear answer")                                                                    \
    X(CAUSE_REJECTED, "rejected by the platform")                                                            \
    X(CAUSE_PLATFORM_LIMIT, "refused by a platform limit")                                                   \
    X(CAUSE_PLATFORM_QUOTA, "recipient's platform quota used elsewhere")                                     \
    X(CAUSE_UNCLEAN_STOP, "in flight at an unclean stop")                                                    \
    X(CAUSE_RENDER, "template failed")                                                                       \
    X(CAUSE_TOO_LONG, "too long for the channel")                                                            \
    X(CAUSE_KILL_SWITCH, "kill switch")                                                                      \
    X(CAUSE_NO_ACCOUNT, "no account can reach the contact")                                                  \
    X(CAUSE_CONNECTION, "connection stopped")                                                                \
    X(CAUSE_BACKOFF, "waiting to retry")                                                                     \
    X(CAUSE_DONE_ELSEWHERE, "welcomed by another app")                                                       \
    X(CAUSE_CONSENT, "signature or refusal text missing")                                                    \
    X(CAUSE_PASSIVE, "passive reply")                                                                        \
    X(CAUSE_NEVER_DUPLICATE, "not repeated without proof")

/* One attempt's or one item's end, judged from facts (design.md section 3). */
#define OUTCOMES(X)                                                                                          \
    X(OUTCOME_ACCEPTED, "accepted")   /* the platform took it */                                             \
    X(OUTCOME_NOT_SENT, "not sent")   /* certainly not taken: refund, try again after retry_ms */            \
    X(OUTCOME_LIMITED, "limited")     /* refused by a limit until retry_ms */                                \
    X(OUTCOME_PERMANENT, "permanent") /* refused, a retry cannot help */                                     \
    X(OUTCOME_UNKNOWN, "unknown")     /* perhaps taken: stays charged, never repeated without proof */       \
    X(OUTCOME_TASK, "task")           /* taken, and a human must confirm it */                               \
    X(OUTCOME_DELIVERED, "delivered") /* an item's later word: it arrived */                                 \
    X(OUTCOME_PENDING, "pending")     /* an item's later word: nothing new yet */

#define ACCOUNT_KINDS(X)                                                                                     \
    X(ACCOUNT_WECOM_MEMBER, "wecom.member")                                                                  \
    X(ACCOUNT_WECOM_KF, "wecom.kf")                                                                          \
    X(ACCOUNT_WECOM_AIBOT, "wecom.aibot")                                                                    \
    X(ACCOUNT_WECOM_WEBHOOK, "wecom.webhook")                                                                \
    X(ACCOUNT_WECOM_APP, "wecom.app")                                                                        \
    X(ACCOUNT_OFFICIAL, "official")                                                                          \
    X(ACCOUNT_SMS, "sms")                                                                                    \
    X(ACCOUNT_MANUAL, "manual")

/* What one provider call does. The first block carries deliveries, the second asks or manages. */
#define CALL_OPS(X)                                                                                          \
    X(CALL_WELCOME, "welcome")       /* answers a single-use code */                                         \
    X(CALL_SEND, "send")             /* one message to one person now */                                     \
    X(CALL_TASK, "task")             /* WeCom group-send task to customers, a member confirms */             \
    X(CALL_GROUP_TASK, "group task") /* the same to customer groups of one owner */                          \
    X(CALL_GROUP, "group")           /* one message into one group (webhook) */                              \
    X(CALL_MASS, "mass")             /* official account, list of openids */                                 \
    X(CALL_MASS_TAG, "mass tag")     /* official account, a tag: recipients are not itemised */              \
    X(CALL_TASK_STATUS, "task status")                                                                       \
    X(CALL_TASK_RESULT, "task result")                                                                       \
    X(CALL_REMIND, "remind")                                                                                 \
    X(CALL_CANCEL_TASK, "cancel task")                                                                       \
    X(CALL_QUERY, "query") /* what became of an unknown attempt */                                           \
    X(CALL_TAG_MEMBERS, "tag members")                                                                       \
    X(CALL_CONTACT_DETAIL, "contact detail")

#define ORIGIN_KINDS(X)                                                                                      \
    X(ORIGIN_EVENT, "event")                                                                                 \
    X(ORIGIN_BROADCAST, "broadcast")                                                                         \
    X(ORIGIN_JOURNEY, "journey")                                                                             \
    X(ORIGIN_API, "api")

#define TERMS_ENUM(id, text) id,
enum event_kind { EVENT_KINDS(TERMS_ENUM) EVENT_KIND_COUNT };
enum message_class { MESSAGE_CLASSES(TERMS_ENUM) MESSAGE_CLASS_COUNT };
enum delivery_state { DELIVERY_STATES(TERMS_ENUM) DELIVERY_STATE_COUNT };
enum cause { CAUSES(TERMS_ENUM) CAUSE_COUNT };
enum outcome { OUTCOMES(TERMS_ENUM) OUTCOME_COUNT };
enum account_kind { ACCOUNT_KINDS(TERMS_ENUM) ACCOUNT_KIND_COUNT };
enum call_op { CALL_OPS(TERMS_ENUM) CALL_OP_COUNT };
enum origin_kind { ORIGIN_KINDS(TERMS_ENUM) ORIGIN_KIND_COUNT };
#undef TERMS_ENUM

#define TERMS_DECLARE(list)                                                                                  \
    const char *list##_text(enum list v);                                                                    \
    int list##_of(struct str text, enum list *ret);
TERMS_DECLARE(event_kind)
TERMS_DECLARE(message_class)
TERMS_DECLARE(delivery_state)
TERMS_DECLARE(cause)
TERMS_DECLARE(outcome)
TERMS_DECLARE(account_kind)
TERMS_DECLARE(call_op)
TERMS_DECLARE(origin_kind)
#undef TERMS_DECLARE

/* Lanes, strict with floors: 0 welcome and passive, 1 replies and transactional, 2 journeys, 3 broadcasts. */
enum { LANE_COUNT = 4 };
int message_class_lane(enum message_class c);

/* Nothing further can happen to the delivery by our own doing (a receipt may still refine `accepted`). */
bool delivery_state_is_final(enum delivery_state s);

/* True where the diagram of docs/DELIVERY.md has an arrow; every other transition is a bug. */
bool delivery_state_may_become(enum delivery_state from, enum delivery_state to);

#endif
