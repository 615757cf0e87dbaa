/* SPDX-License-Identifier: Apache-2.0 */
/* rows.h - the rows that the store's intents carry. Plain data; strings are borrowed or in the load's arena.
 *
 * Units    ms since 1970; ids as in base/id.h; 0: none.
 */
#ifndef SIYU_STORE_ROWS_H
#define SIYU_STORE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "base/str.h"
#include "base/terms.h"

struct connection_row {
    struct connection_id id;
    struct str name, kind;
    struct str domain_name; /* "wecom:ww123": what shares tokens, API limits and people's ids */
    int64_t domain;         /* its id */
};

struct account_row {
    struct account_id id;
    struct connection_id connection;
    enum account_kind kind;
    struct str name;     /* configured, or "<connection>/<external>" */
    struct str external; /* the platform's id; empty: the connection is the account */
    bool frozen;
    struct str frozen_why;
    int64_t created_ms;
};

struct inbox_key {
    struct connection_id connection;
    unsigned char key[16]; /* hash128 of the adapter's dedupe key */
};

/* Who decided what about an event. */
enum event_state { EVENT_STORED, EVENT_DECIDED, EVENT_UNDECIDED };
enum reply_mode { REPLY_NONE, REPLY_PASSIVE, REPLY_ACTIVE };

struct inbox_row {
    struct event_id event; /* 0: not seen before */
    enum event_state state;
    enum reply_mode mode;
    int64_t reply; /* content id of the passive reply, 0 none */
};

struct event_row {
    struct event_id id;
    struct connection_id connection;
    bool has_key;
    unsigned char key[16];
    enum event_kind kind;
    enum event_state state;
    struct account_id account;
    struct contact_id contact;
    struct group_id group;
    int64_t at_ms, received_ms;
    struct str body;  /* JSON object: text, code, handle, data, ids: enough to decide it again */
    struct str cause; /* UNDECIDED: why */
    enum reply_mode mode;
    int64_t reply;    /* content id */
    int crashes;      /* decided N times without getting through */
};

struct cursor_row {
    struct connection_id connection;
    struct str cursor;
};

struct identity_row {
    int64_t domain;
    struct str external;
    struct contact_id contact;
};

struct contact_row {
    struct contact_id id;
    struct str name;
    struct str props; /* JSON object */
    int64_t created_ms;
};

/* One account's tie to one contact. */
enum relation_state { RELATION_NONE, RELATION_HALF, RELATION_FRIEND, RELATION_LOST };
struct relation_row {
    struct account_id account;
    struct contact_id contact;
    enum relation_state state;
    int64_t since_ms, changed_ms;
};

struct tag_row {
    struct contact_id contact; /* one of contact and group */
    struct group_id group;
    struct str tag, source;
    int64_t set_ms, expires_ms; /* 0: never */
    bool remove;
};

struct refusal_row {
    struct contact_id contact;
    struct str scope; /* "marketing" */
    struct str source;
    int64_t at_ms;
    bool lifted;
};

struct group_row {
    struct group_id id;
    int64_t domain;
    struct str external, name;
    struct account_id owner;
    bool dismissed;
    int64_t created_ms;
};

struct group_member_row {
    struct group_id group;
    struct contact_id contact;
    int64_t joined_ms;
    bool left;
};

struct cooldown_row {
    int64_t rule; /* hash of playbook and rule key */
    struct contact_id contact;
    struct group_id group;
    int64_t until_ms;
};

struct contact_facts {
    struct contact_row row; /* id 0: no such contact */
    const struct identity_row *identities;
    size_t identity_count;
    const struct relation_row *relations;
    size_t relation_count;
    const struct tag_row *tags;
    size_t tag_count;
    const struct refusal_row *refusals;
    size_t refusal_count;
};

struct content_row {
    int64_t id;
    bool rendered;   /* false: a frozen template variant, rendered for each recipient when it is sent */
    struct str body; /* JSON: {text, attach?, provider_template?, params?} */
};

struct delivery_row {
    struct delivery_id id;
    enum origin_kind origin_kind;
    int64_t origin; /* event id, occurrence id, run id, API message id */
    int32_t step, visit;
    struct contact_id contact;
    struct group_id group;
    struct account_id account;
    enum message_class class;
    int lane;
    int64_t campaign; /* occurrence id, or 0 */
    enum call_op op;
    enum delivery_state state;
    enum cause cause;
    int64_t due_ms, deadline_ms, created_ms; /* deadline INT64_MAX: none */
    int64_t content;
    struct attempt_id attempt; /* the last */
    int32_t tries;
    int32_t hold_limit; /* limit id, with state held */
    int64_t hold_used, hold_max;
    struct str code; /* single-use code; empty: none */
    bool final;
    int64_t changed_ms;
};

struct delivery_change {
    struct delivery_row row;  /* the new values; id, account, lane, campaign and old due identify it */
    enum delivery_state was;
    int64_t was_due_ms;
};

struct queue_key {
    struct account_id account;
    int lane;
    int64_t campaign;
};

struct queue_row {
    struct queue_key key;
    int64_t next_due_ms;
};

enum attempt_state { ATTEMPT_OPEN, ATTEMPT_ENDED };

struct attempt_row {
    struct attempt_id id;
    struct connection_id connection;
    struct account_id account;
    enum call_op op;
    enum attempt_state state;
    enum message_class class;
    struct str key;          /* provider idempotency key */
    unsigned char body_hash[16];
    int64_t item_count;
    int64_t started_ms, deadline_ms, ended_ms;
    int64_t content;
    /* facts */
    enum outcome outcome;
    int64_t bytes_out;
    int http, errcode;
    struct str error, provider_id;
    /* follow-up: polls, reminders, reconciliation */
    int64_t next_ms;         /* INT64_MAX: none */
    int follow_step;
    struct str follow;       /* JSON: what is known so far */
    struct attempt_id parent; /* a poll's subject */
};

struct attempt_item_row {
    struct attempt_id attempt;
    struct delivery_id delivery;
    struct str to;
    enum outcome outcome;
    int errcode;
};

struct attempt_ref {
    struct connection_id connection;
    struct str provider_id; /* provider id or own key */
};

struct counter_ref {
    int32_t limit;
    int64_t a, b;
};

struct cell_row {
    struct counter_ref key;
    int64_t cell, used;
};

enum claim_state { CLAIM_OPEN, CLAIM_COUNTED, CLAIM_REFUNDED };

struct claim_row {
    int64_t owner;
    struct counter_ref key;
    int64_t cell, units, at_ms;
    bool carried;
    bool opened; /* its cell is an event-opened window's; put only */
    enum claim_state state;
};

struct counter_rows {
    const struct cell_row *cells;
    size_t cell_count;
    const struct claim_row *open; /* and, of an opened window, what its latest opening has counted */
    size_t open_count;
    int64_t opened_ms;
};

struct opening_row {
    struct counter_ref key;
    int64_t opened_ms;
};

struct playbook_row {
    struct str name, text, file;
    unsigned char hash[16];
    int64_t version, applied_ms;
};

enum occurrence_state { OCCURRENCE_PLANNED, OCCURRENCE_EXPANDING, OCCURRENCE_EXPANDED, OCCURRENCE_DONE,
                        OCCURRENCE_MISSED, OCCURRENCE_CANCELLED };
struct occurrence_row {
    struct broadcast_id id;
    struct str name; /* the broadcast's */
    int64_t slot_ms, spread_ms;
    enum occurrence_state state;
    int64_t cursor;  /* audience: last expanded id */
    struct str page; /* audience of a platform tag: next page token */
    int64_t planned, excluded;
    int64_t content;
    struct str plan; /* JSON: the broadcast as it was when planned */
};

struct audience_query {
    int64_t domain;
    struct connection_id connection;
    enum account_kind kind;
    struct str tag; /* empty: everybody */
    int64_t now_ms; /* a tag that has expired by then does not count */
};

struct audience_row {
    struct contact_id contact;
    struct group_id group;
    struct account_id account; /* who can reach it; 0: the connection's account */
    struct str external;
    bool refused; /* marketing */
};

struct trace_row {
    int64_t at_ms;
    struct contact_id contact;
    struct group_id group;
    struct event_id event;
    struct delivery_id delivery;
    struct attempt_id attempt;
    struct str what;   /* "event", "rule", "send", "held", "charged", "outcome", "suppressed", ... */
    struct str detail; /* JSON object on one line */
};

struct token_row {
    struct str id, role;
    unsigned char hash[32];
    int64_t created_ms, expires_ms;
};

#endif
