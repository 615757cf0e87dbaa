/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/registry.h"

#include <assert.h>
#include <stdio.h>

#define REGISTRY_MAX_BYTES ((size_t)64 << 20)
#define REGISTRY_MAX_ACCOUNTS 100000

int registry_init(struct registry *r, struct store *store, const struct rulepack *rules)
{
    *r = (struct registry){.store = store, .rules = rules};
    arena_init(&r->arena, REGISTRY_MAX_BYTES);
    map_i64_init(&r->connections, REGISTRY_MAX_ACCOUNTS);
    map_i64_init(&r->accounts, REGISTRY_MAX_ACCOUNTS);
    map_str_init(&r->by_external, REGISTRY_MAX_ACCOUNTS);
    map_str_init(&r->by_name, REGISTRY_MAX_ACCOUNTS);
    return 0;
}

void registry_fini(struct registry *r)
{
    if (!r)
        return;
    map_str_fini(&r->by_name);
    map_str_fini(&r->by_external);
    map_i64_fini(&r->accounts);
    map_i64_fini(&r->connections);
    arena_fini(&r->arena);
}

static bool keep(struct registry *r, struct str in, struct str *ret)
{
    char *p = arena_str(&r->arena, in);

    *ret = (struct str){p, p ? in.n : 0};
    return p != NULL;
}

static struct str external_key(int64_t connection, struct str external, char *room, size_t room_bytes)
{
    int n = snprintf(room, room_bytes, "%lld/%.*s", (long long)connection, STR_ARG(external));

    return (struct str){room, n < 0 ? 0 : (size_t)n < room_bytes ? (size_t)n : room_bytes - 1};
}

/* A row of the store becomes an account in memory, or refreshes the one that is there. */
static int enter_account(struct registry *r, const struct account_row *row)
{
    struct connection *c = registry_connection(r, row->connection);
    struct account *a = registry_account(r, row->id);
    char room[600];

    if (!c) /* its connection is not configured any more */
        return 0;
    if (a) {
        a->frozen = row->frozen;
        a->missing = false;
        return 0;
    }
    a = arena_alloc(&r->arena, sizeof *a);
    if (!a || !keep(r, row->name, &a->name) || !keep(r, row->external, &a->external))
        return -ENOMEM;
    a->id = row->id;
    a->connection = c;
    a->kind = row->kind;
    a->rule = rulepack_kind(r->rules, row->kind);
    a->frozen = row->frozen;
    if (!row->external.n)
        c->only = a;
    int err = map_i64_put(&r->accounts, a->id.v, a);
    if (!err)
        err = map_str_put(&r->by_name, a->name, a);
    if (!err)
        err = map_str_put(&r->by_external, external_key(c->id.v, a->external, room, sizeof room), a);
    return err;
}

static int enter_connection(struct registry *r, const struct registry_connection *in,
                            const struct connection_row *row)
{
    struct connection *c = arena_alloc(&r->arena, sizeof *c);

    if (!c || !keep(r, in->name, &c->name) || !keep(r, in->kind, &c->kind) ||
        !keep(r, in->platform, &c->platform) || !keep(r, in->signature, &c->signature))
        return -ENOMEM;
    c->id = row->id;
    c->domain = row->domain;
    c->account_kind = in->account_kind;
    c->variants = in->variants;
    return map_i64_put(&r->connections, c->id.v, c);
}

static const struct registry_connection *named(const struct registry_connection *conns, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(conns[i].name, name))
            return &conns[i];
    return NULL;
}

static int intern_account(struct registry *r, struct account_row *row)
{
    int err = store_intern_accounts(r->store, row, 1);

    return err ? err : enter_account(r, row);
}

static int configure_connection(struct registry *r, const struct registry_connection *in, int64_t now_ms)
{
    struct connection_row row = {.name = in->name, .kind = in->kind, .domain_name = in->domain};
    int err = store_intern_connections(r->store, &row, 1);

    if (!err)
        err = enter_connection(r, in, &row);
    if (err || !in->only)
        return err;
    struct account_row a = {.connection = row.id, .kind = in->account_kind, .name = in->name, .created_ms = now_ms};
    return intern_account(r, &a);
}

static struct connection *by_connection_name(const struct registry *r, struct str name)
{
    union map_val v;
    int64_t key;

    for (size_t at = 0; map_i64_next(&r->connections, &at, &key, &v);)
        if (str_eq(((struct connection *)v.p)->name, name))
            return v.p;
    return NULL;
}

int registry_configure(struct registry *r, const struct registry_connection *conns, size_t conn_n,
                       const struct registry_account *accounts, size_t account_n, int64_t now_ms)
{
    int err = 0;

    for (size_t i = 0; i < conn_n && !err; i++) {
        assert(named(conns, conn_n, conns[i].name) == &conns[i]);
        err = configure_connection(r, &conns[i], now_ms);
    }
    for (size_t i = 0; i < account_n && !err; i++) {
        struct connection *c = by_connection_name(r, accounts[i].connection);
        if (!c)
            return ERR_CONFIG;
        struct account_row row = {.connection = c->id, .kind = accounts[i].kind, .name = accounts[i].name,
                                  .external = accounts[i].external, .created_ms = now_ms};
        err = intern_account(r, &row);
    }
    return err ? err : registry_reload(r);
}

struct connection *registry_connection(const struct registry *r, struct connection_id id)
{
    return map_i64_get(&r->connections, id.v);
}

struct account *registry_account(const struct registry *r, struct account_id id)
{
    return map_i64_get(&r->accounts, id.v);
}

int registry_find_account(struct registry *r, struct connection *c, struct str external, int64_t now_ms,
                          struct account **ret)
{
    char room[600], name[600];
    struct account *a = c->only;

    if (!a && !external.n)
        return ERR_NOT_FOUND;
    if (!a)
        a = map_str_get(&r->by_external, external_key(c->id.v, external, room, sizeof room));
    if (!a) {
        int n = snprintf(name, sizeof name, "%.*s/%.*s", STR_ARG(c->name), STR_ARG(external));
        struct account_row row = {.connection = c->id, .kind = c->account_kind, .external = external,
                                  .name = {name, n < 0 ? 0 : (size_t)n}, .created_ms = now_ms};
        if (n < 0 || (size_t)n >= sizeof name)
            return ERR_TOO_BIG;
        int err = intern_account(r, &row);
        if (err)
            return err;
        a = registry_account(r, row.id);
        assert(a);
    }
    *ret = a;
    return 0;
}

int registry_webhook_groups(struct registry *r, struct id_gen *ids, int64_t now_ms)
{
    union map_val v;
    int64_t key;
    int err = 0;

    for (size_t at = 0; !err && map_i64_next(&r->accounts, &at, &key, &v);) {
        const struct account *a = v.p;
        struct group_row row = {.domain = a->connection->domain, .external = a->name, .name = a->name,
                                .owner = a->id, .created_ms = now_ms};
        if (a->kind != ACCOUNT_WECOM_WEBHOOK)
            continue;
        err = store_find_groups(r->store, &row, 1, &row.id);
        if (err || row.id.v)
            continue;
        row.id.v = id_next(ids, now_ms);
        err = store_put_groups(r->store, &row, 1);
    }
    return err;
}

/* What a rolled-back batch had discovered is not in the store. */
static void forget_missing(struct registry *r)
{
    char room[600];
    union map_val v;
    int64_t key;

    for (size_t at = 0; map_i64_next(&r->accounts, &at, &key, &v);) {
        const struct account *a = v.p;
        if (!a->missing)
            continue;
        (void)map_str_del(&r->by_name, a->name);
        (void)map_str_del(&r->by_external, external_key(a->connection->id.v, a->external, room, sizeof room));
        (void)map_i64_del(&r->accounts, key);
    }
}

int registry_reload(struct registry *r)
{
    struct arena scratch;
    struct account_row *rows;
    union map_val v;
    int64_t key;
    size_t n;

    arena_init(&scratch, REGISTRY_MAX_BYTES);
    int err = store_load_accounts(r->store, &scratch, &rows, &n);
    for (size_t at = 0; !err && map_i64_next(&r->accounts, &at, &key, &v);)
        ((struct account *)v.p)->missing = true;
    for (size_t i = 0; i < n && !err; i++)
        err = enter_account(r, &rows[i]);
    arena_fini(&scratch);
    if (!err)
        forget_missing(r);
    return err;
}
