/* SPDX-License-Identifier: Apache-2.0 */
/* host.h - the adapters' other half on the loop thread: hooks in, attempts out, and the engine between.
 *
 * Inbound: a hook call goes to its adapter, comes back as events, goes to the engine, and is answered when
 * those are durable. When the engine has not answered after 3.5 s the raw events go to an fsynced spool and
 * the platform gets an empty answer; they are decided later, without a passive reply. Outbound: an order of
 * the engine is checked a last time (deadline, account stopped) right before the adapter may write its first
 * byte; a miss is reported as certainly not sent.
 *
 *     host_new -> host_start -> ... -> host_stop -> on_stopped -> host_free
 *
 * Errors   0 or a negative err; host_new complains into diag.
 * Memory   borrows what its conf names until host_free().
 * Threads  the loop thread.
 */
#ifndef SIYU_HOST_HOST_H
#define SIYU_HOST_HOST_H

#include "adapter.h"
#include "host/config.h"
#include "host/core.h"
#include "loop/front_door.h"

struct host;

/* What the registry knows of an adapter besides its ops. */
struct host_kind {
    const struct adapter_ops *ops;
    const char *platform;      /* rule pack's name: "wecom", "official", "aliyun" */
    const char *domain_key;    /* the configuration key whose value names the quota domain */
    enum account_kind account; /* of what is discovered on it, or of the connection itself */
    bool only;                 /* the connection is its only account */
    bool alone; /* the quota domain is that account: two connections to it would both fill it */
};

struct host_conf {
    struct loop *loop;
    struct http_client *http;
    struct front_door *door;
    const struct clock *clock;
    const struct rulepack *rules;
    const struct config *config;
    const struct host_kind *kinds;
    size_t kind_count;
    struct store *store; /* for cursors, before the engine starts */
    struct engine *engine;
    void (*on_live)(void *ctx, struct str line);
    void (*on_stopped)(void *ctx);
    void *ctx;
};

int host_new(const struct host_conf *conf, struct diag *diag, struct host **ret);
/* The kind that is called so; NULL when there is none, which is complained of at the connection's line. */
const struct host_kind *host_kind_of(const struct config *config, const struct config_connection *connection,
                                     const struct host_kind *kinds, size_t n, struct diag *diag);
/* Starts the engine thread, replays the spool, starts the adapters. */
int host_start(struct host *h);
/* Adapters first, then the engine; on_stopped() once, from the loop. */
void host_stop(struct host *h);
void host_free(struct host *h); /* NULL is a no-op */

/* Connections and accounts as the engine wants them: arrays owned by the host. */
const struct registry_connection *host_connections(const struct host *h, size_t *ret_n);
const struct registry_account *host_accounts(const struct host *h, size_t *ret_n);

/* An order or question to the engine; done() once, from the loop, with its JSON. */
typedef void (*host_answer_fn)(void *ctx, int64_t tag, int err, struct str text);
int host_ask(struct host *h, struct str request, host_answer_fn done, void *ctx, int64_t tag);
/* Takes the plans, at most OP_PLANS_MAX, also when it fails. All take effect, or none. */
int host_apply(struct host *h, struct plan *const *plans, size_t n, host_answer_fn done, void *ctx,
               int64_t tag);

/* How many listen to on_live(): without any, the engine makes no lines. */
void host_listeners(struct host *h, int n);

struct host_stats {
    uint64_t inbound, acknowledged, refused, spooled, attempts, attempts_late;
    size_t inbound_waiting, attempts_open;
};
struct host_stats host_stats(const struct host *h);
const struct core *host_core(const struct host *h);
void host_stall_engine(struct host *h, int64_t ms); /* tests only */

#endif
