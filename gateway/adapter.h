/* SPDX-License-Identifier: Apache-2.0 */
/* adapter.h - the contract between the gateway (host) and one channel.
 *
 *     create -> start -> (perform | hook | inbound)* -> stop -> host.stopped -> free
 *
 * One adapter instance holds one connection of the configuration.
 *
 *  1. Every call runs on the loop thread and returns without blocking.
 *  2. A perform() that returned 0 gets exactly one done(); an inbound() that returned 0 exactly one
 *     stored(); both later, from the loop, never from inside the call. A negative result: none.
 *  3. Both sides name things by id and may have forgotten one: the call then does nothing.
 *  4. Arguments are borrowed for the call. What must live longer is copied.
 *  5. A hook() that returned 0 is answered once with host->answer(), from inside hook() or later.
 *     A callback that carries events is answered only after its stored(): acknowledged is durable.
 *  6. After stop() each attempt in flight still gets its done(); then stopped(), once, from the loop.
 *     After stopped() the adapter makes no host call, and the host calls free().
 *  7. One perform() is one provider call as far as quotas go. It may fetch a token first; it never
 *     repeats a call whose bytes may have reached the platform, except with renewed token after the
 *     platform said that the old one was refused (then nothing was done).
 *
 * Errors   0 or a negative err. Memory as stated in 4. Threads: the loop thread only.
 */
#ifndef SIYU_ADAPTER_H
#define SIYU_ADAPTER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/id.h"
#include "base/str.h"
#include "base/terms.h"

struct adapter; /* each channel's own */
struct clock;
struct http_client;
struct loop;
struct rulepack;

/* A durable inbound fact. Empty strings: absent. All ids are the platform's. */
struct event {
    enum event_kind kind;
    struct str dedupe;  /* unique within the connection (host adds the connection); empty: never deduped */
    int64_t at_ms;      /* the platform's time of the fact; 0 unknown */
    struct str account; /* who of ours: userid, open_kfid; empty: the connection's only account */
    struct str contact; /* external_userid, openid, phone number in 11 digits */
    struct str group;   /* chat_id */
    struct str text;    /* message text; menu key, scene, or what else a rule may match */
    struct str code;    /* single-use code (welcome_code): answers within its life */
    struct str handle;  /* EVENT_RECEIPT: provider id, own key or OutId of what was sent */
    enum outcome verdict; /* EVENT_RECEIPT: what became of it; for `contact`, or for all if empty */
    bool passive;       /* the channel takes a reply inside the answer to this callback */
    bool opens_window;  /* event-opened limits: this kind of event opens one (rule pack says which) */
    const json_t *data; /* the rest, an object; borrowed; NULL: nothing */
};

/* What is said to somebody, rendered for the channel. */
struct content {
    struct str text;
    const json_t *attach; /* array as in the playbook's `attach`, or NULL */
    struct str provider_template; /* SMS template code; empty: none */
    const json_t *params; /* object: provider template parameters, or NULL */
};

/* One recipient of an attempt. */
struct recipient {
    struct delivery_id id;
    struct str to; /* the platform's id: external_userid, openid, phone, chat_id */
};

struct call {
    enum call_op op;
    struct str account;     /* the platform's id of the sending account; see struct event */
    enum message_class class;
    const struct content *content; /* NULL for polls */
    struct str key;         /* our idempotency key, <= 32 of [0-9A-Za-z_-]: msgid, clientmsgid, OutId */
    struct str code;        /* CALL_WELCOME: the code */
    struct str handle;      /* polls, reminders, queries: the provider id of what is asked about */
    int64_t deadline_ms;    /* real milliseconds left for the whole exchange */
    const json_t *params;   /* what else the op needs, or NULL */
};

struct item_result {
    struct delivery_id id; /* 0 where the answer names recipients only: then `to` */
    struct str to;
    enum outcome outcome;
    int errcode; /* the platform's, 0 none */
};

/* The facts of one attempt. Items that are not listed share the attempt's outcome. */
struct facts {
    enum outcome outcome;
    int64_t bytes_out; /* that left this machine; 0: certainly nothing */
    int64_t retry_ms;  /* LIMITED, NOT_SENT: earliest retry from now, 0 by rule pack */
    int64_t date_ms;   /* the provider's Date header, 0 none: evidence about clocks */
    int http, errcode;
    struct str error;       /* provider's code where it is a word (isv.X), or its message, for people */
    struct str provider_id; /* msgid, msg_id, BizId; empty: none */
    const struct item_result *items;
    size_t item_count;
    const json_t *data;     /* polls: what was learned, an object; NULL: nothing */
    bool freeze;            /* ban-like: the account must stop at once, a human releases */
};

/* An HTTP call from the platform, not yet verified. */
struct hook_call {
    struct inbound_id id;
    struct str method, path; /* path below /hooks/<connection>: "" or "/report" */
    struct str query, body;
};

struct adapter_host {
    void *ctx;
    /* Commits the events and the cursor together; cursor may be NULL. -> stored(). ERR_FULL: try later */
    int (*inbound)(void *ctx, struct inbound_id id, const struct event *events, size_t n, const char *cursor);
    /* Answers hook call `id`. */
    void (*answer)(void *ctx, struct inbound_id id, int status, const char *content_type, struct str body);
    /* An id for an inbound() that no hook call started (polled channels). */
    struct inbound_id (*inbound_id)(void *ctx);
    void (*done)(void *ctx, struct attempt_id id, const struct facts *facts);
    /* Something an operator must know: credentials refused, IP not trusted. `why` is for people. */
    void (*alert)(void *ctx, const char *what, struct str why);
    /* A wake-up for `account` that came in at the wrong door: the host gives it to nudge() of all adapters.
     * NULL: nobody listens. */
    void (*nudge)(void *ctx, struct str account, struct str token);
    void (*stopped)(void *ctx);
};

struct adapter_env {
    struct loop *loop;
    struct http_client *http;       /* shared; keep-alive pools per host */
    const struct clock *clock;      /* judgement time (signed timestamps, token life) */
    const struct rulepack *rules;   /* error codes -> outcome */
    const struct adapter_host *host;
    const char *name;               /* the connection's */
};

struct adapter_ops {
    const char *kind; /* the configuration's `kind`, unique */
    /* Checks all of `conf` (the connection's mapping), complaining into `diag` with the path
     * "connections.<name>.<key>"; opens nothing. `env` and what it names outlive the adapter. */
    int (*create)(const struct adapter_env *env, const json_t *conf, struct diag *diag, struct adapter **ret);
    /* `cursor`: the last committed one, NULL at first. */
    int (*start)(struct adapter *a, const char *cursor);
    /* One provider call for 1..N recipients, or a poll (n may be 0). */
    int (*perform)(struct adapter *a, struct attempt_id id, const struct call *call,
                   const struct recipient *to, size_t n);
    /* err 0: inbound `id` is durable and decided; only now acknowledge it, with `reply` (NULL: none) where
     * the channel takes a passive one. Else let the platform resend. */
    void (*stored)(struct adapter *a, struct inbound_id id, const struct content *reply, int err);
    /* An HTTP call from the platform; NULL if the channel is polled. Negative: refused, host answers 403/400. */
    int (*hook)(struct adapter *a, const struct hook_call *call);
    /* Something waits to be polled, at whichever connection holds `account`. NULL: never polled. */
    void (*nudge)(struct adapter *a, struct str account, struct str token);
    void (*stop)(struct adapter *a);
    void (*free)(struct adapter *a); /* NULL is a no-op; legal before start() and after stopped() */
};

#endif
