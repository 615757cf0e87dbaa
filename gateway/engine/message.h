/* SPDX-License-Identifier: Apache-2.0 */
/* message.h - what the loop thread and the engine thread tell each other.
 *
 * Messages are flat and immutable after posting: plain fields, and strings in the message's own arena. Each
 * side names things by id. An op goes loop -> engine, a reply engine -> loop; a reply that answers an op
 * carries that op's id.
 *
 *     op                 answered by
 *     OP_INBOUND         REPLY_STORED, once, after the commit
 *     OP_FACTS           - (its consequences come as further replies)
 *     OP_PLAN, OP_ASK    REPLY_ANSWER, once
 *     OP_HOLD            REPLY_HELD: no REPLY_PERFORM of the sender comes after it
 *     -                  REPLY_PERFORM: an attempt that is committed in flight; host must answer OP_FACTS
 *     -                  REPLY_LIVE: a line of the live feed
 *     -                  REPLY_STOPPED: the last one, the engine thread has ended
 *
 * Errors   message_new: NULL without memory.
 * Memory   the receiver frees with message_free(), which also frees what hangs on it. The poster of an op may keep
 *          reading it: message_share() before posting, message_free() when done.
 * Threads  the node belongs to one list at a time; everything else is constant after posting.
 */
#ifndef SIYU_ENGINE_MESSAGE_H
#define SIYU_ENGINE_MESSAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "adapter.h"
#include "base/list.h"
#include "base/mem.h"
#include "playbook/plan.h"

enum message_kind {
    OP_INBOUND,
    OP_FACTS,
    OP_PLAN,
    OP_ASK,
    OP_HOLD,
    REPLY_STORED,
    REPLY_PERFORM,
    REPLY_ANSWER,
    REPLY_LIVE,
    REPLY_HELD,
    REPLY_STOPPED,
};

struct message {
    struct list node;
    enum message_kind kind;
    atomic_int refs; /* message_share() */
    struct arena arena;
};

/* An inbound event as it crosses threads; `body` is what is stored: everything below as JSON. */
struct inbound_event {
    enum event_kind kind;
    bool has_key, passive;
    unsigned char key[16];
    int64_t at_ms;
    struct str account, contact, group, text, code, handle;
    enum outcome verdict;
    struct str data; /* JSON object text, or empty */
};

struct op_inbound {
    struct message m;
    struct inbound_id id;
    struct connection_id connection;
    int64_t received_ms, received_mono_ms;
    struct inbound_event *events;
    size_t count;
    bool has_cursor;
    struct str cursor;
};

struct op_facts {
    struct message m;
    struct attempt_id id;
    struct facts facts; /* strings and items in the arena; `data` NULL: see data_text */
    struct str data_text;
};

/* Compiled playbooks take effect, all or none. They are taken. */
enum { OP_PLANS_MAX = 32 };
struct op_plan {
    struct message m;
    int64_t id;
    struct plan *plans[OP_PLANS_MAX];
    size_t count;
};

/* A question or an order from api or control socket: {"ask": "...", ...}. */
struct op_ask {
    struct message m;
    int64_t id;
    struct str request;
};

struct reply_stored {
    struct message m;
    struct inbound_id id;
    struct connection_id connection;
    struct event_id event; /* whose passive reply `content` is */
    int err;
    bool has_content;
    struct str content; /* {text, attach?}: the passive reply */
    struct str text;    /* that of `content` where it is a text alone: nobody need parse it; else empty */
};

struct reply_perform {
    struct message m;
    struct attempt_id id;
    struct connection_id connection;
    struct account_id account;
    enum call_op op;
    enum message_class class;
    struct str account_external, key, code, handle, content, params;
    int64_t deadline_mono_ms; /* judgement clock: not one byte after this */
    struct recipient *to;
    size_t count;
};

struct reply_answer {
    struct message m;
    int64_t id;
    int err;
    struct str text; /* JSON */
};

struct reply_live {
    struct message m;
    struct str text; /* JSON */
};

/* `bytes`: sizeof the struct that begins with a struct message. Zeroed but for the arena. */
void *message_new(enum message_kind kind, size_t bytes);
void message_free(struct message *m);
struct message *message_share(struct message *m);

/* A copy of `s` in the message's arena; false without memory. */
bool message_str(struct message *m, struct str s, struct str *ret);

#endif
