/* SPDX-License-Identifier: Apache-2.0 */
/* registry.h - the connections and accounts that exist, in memory on the engine thread.
 *
 * Connections come from the configuration; accounts from the configuration and from the platforms (a callback
 * names a member that nobody configured). The store gives the ids; the registry mirrors it and is reloaded
 * when a batch is rolled back.
 *
 * Errors   0 or a negative err.
 * Memory   owns all; a `struct account *` is good until registry_reload(), so nobody keeps one over a batch.
 * Threads  the engine thread.
 */
#ifndef SIYU_ENGINE_REGISTRY_H
#define SIYU_ENGINE_REGISTRY_H

#include "base/map.h"
#include "base/mem.h"
#include "rulepack/rulepack.h"
#include "store/store.h"

struct connection {
    struct connection_id id;
    int64_t domain;
    struct str name, kind;
    enum account_kind account_kind; /* of accounts discovered on it */
    struct str platform;            /* rule pack's name */
    struct str signature;           /* sms */
    uint32_t variants;              /* 1u << enum limit_variant; 0: the usual ones */
    struct account *only;           /* the connection is the account; NULL: it has many */
};

struct account {
    struct account_id id;
    struct connection *connection;
    enum account_kind kind;
    const struct kind_rule *rule;
    struct str name, external;
    bool frozen;
    bool missing; /* while reloading */
};

struct registry {
    struct store *store;
    const struct rulepack *rules;
    struct arena arena;
    struct map_i64 connections, accounts; /* by id */
    struct map_str by_external;           /* "<connection id>/<external>" */
    struct map_str by_name;               /* accounts and connections share one name space */
};

struct registry_connection {
    struct str name, kind, domain;
    enum account_kind account_kind;
    struct str platform, signature;
    uint32_t variants;
    bool only; /* the connection is its only account */
};

struct registry_account {
    struct str name, connection, external;
    enum account_kind kind;
};

int registry_init(struct registry *r, struct store *store, const struct rulepack *rules);
void registry_fini(struct registry *r);

/* At start, inside a batch: what the configuration names, then what the store knows besides. */
int registry_configure(struct registry *r, const struct registry_connection *conns, size_t conn_n,
                       const struct registry_account *accounts, size_t account_n, int64_t now_ms);

struct connection *registry_connection(const struct registry *r, struct connection_id id); /* NULL: none */
struct account *registry_account(const struct registry *r, struct account_id id);          /* NULL: none */

/* The account that the platform calls `external`; made, inside a batch, where it is new. Empty: the
 * connection's only account; ERR_NOT_FOUND if it has many. */
int registry_find_account(struct registry *r, struct connection *c, struct str external, int64_t now_ms,
                          struct account **ret);

/* A group webhook is an account and the one group it reaches: makes those groups, inside a batch. */
struct id_gen;
int registry_webhook_groups(struct registry *r, struct id_gen *ids, int64_t now_ms);

/* Accounts anew from the store: forgets what a rolled-back batch discovered. */
int registry_reload(struct registry *r);

#endif
