/* SPDX-License-Identifier: Apache-2.0 */
#include "support/world.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bots/lottery.h"
#include "host/inbound.h"
#include "support/asserts.h"

/* The cast of every engine test. */
static const struct registry_connection connections[] = {
    {.name = {"corp", 4}, .kind = {"wecom", 5}, .domain = {"wecom:ww1", 9}, .account_kind = ACCOUNT_WECOM_MEMBER,
     .platform = {"wecom", 5}},
    {.name = {"kf", 2}, .kind = {"wecom-kf", 8}, .domain = {"wecom:ww1", 9}, .account_kind = ACCOUNT_WECOM_KF,
     .platform = {"wecom", 5}, .only = true},
    {.name = {"hall", 4}, .kind = {"wecom-webhook", 13}, .domain = {"wecom:key", 9},
     .account_kind = ACCOUNT_WECOM_WEBHOOK, .platform = {"wecom", 5}, .only = true},
    {.name = {"brand", 5}, .kind = {"official", 8}, .domain = {"official:wx1", 12}, .account_kind = ACCOUNT_OFFICIAL,
     .platform = {"official", 8}, .only = true},
    {.name = {"sms", 3}, .kind = {"sms-aliyun", 10}, .domain = {"aliyun:I", 8}, .account_kind = ACCOUNT_SMS,
     .platform = {"aliyun", 6}, .signature = {"品牌", 6}, .only = true},
};
static const struct registry_account accounts[] = {
    {.name = {"zhang", 5}, .connection = {"corp", 4}, .external = {"zhangsan", 8}, .kind = ACCOUNT_WECOM_MEMBER},
};

static const struct bot_ops *const bots[] = {&bot_lottery};

static void drop_replies(struct world *w)
{
    struct list *n;

    while ((n = list_pop(&w->replies)) != NULL)
        message_free(container_of(n, struct message, node));
}

static void start(struct world *w)
{
    struct diag diag;

    diag_init(&diag, 10);
    T_OK(store_open(w->dir, &w->store, &diag));
    diag_fini(&diag);
    T_OK(engine_new(&(struct engine_config){.store = w->store, .rules = w->rules, .clock = &w->clock, .fold = w->fold,
                                            .seed = 1},
                    &w->engine));
    T_OK(engine_start(w->engine, connections, ARRAY_LEN(connections), accounts, ARRAY_LEN(accounts)));
    T_OK(sender_new(w->engine, &w->sender));
    T_OK(sender_load(w->sender));
}

void world_open_engine(struct world *w)
{
    struct diag diag;

    memset(w, 0, sizeof *w);
    list_init(&w->replies);
    (void)snprintf(w->dir, sizeof w->dir, "/tmp/siyu-world-XXXXXX");
    T_OK(mkdtemp(w->dir) ? 0 : -1);
    clock_init_manual(&w->clock, WORLD_START_MS, 1000000);
    diag_init(&diag, 10);
    T_OK(rulepack_open(&w->rules, &diag));
    diag_fini(&diag);
    T_OK(fold_open(NULL, &w->fold));
    start(w);
}

static void remove_dir(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    char path[512];

    while (d && (e = readdir(d)) != NULL)
        if (e->d_name[0] != '.') {
            (void)snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
            (void)unlink(path);
        }
    if (d)
        (void)closedir(d);
    (void)rmdir(dir);
}

void world_close_engine(struct world *w)
{
    drop_replies(w);
    sender_free(w->sender);
    engine_free(w->engine);
    store_close(w->store);
    fold_close(w->fold);
    rulepack_close(w->rules);
    remove_dir(w->dir);
}

static void copy_file(const char *from_dir, const char *to_dir, const char *name)
{
    char path[512], room[65536];
    size_t n;

    (void)snprintf(path, sizeof path, "%s/%s", from_dir, name);
    FILE *in = fopen(path, "rb");
    (void)snprintf(path, sizeof path, "%s/%s", to_dir, name);
    FILE *out = fopen(path, "wb");
    while (in && out && (n = fread(room, 1, sizeof room, in)) > 0)
        T_EQ(fwrite(room, 1, n, out), n);
    if (in)
        (void)fclose(in);
    T_OK(out && fclose(out) == 0 ? 0 : -1);
}

/* What a kill leaves is what the files hold now: the next life begins on a copy of them. */
void world_crash(struct world *w)
{
    char next[sizeof w->dir];

    drop_replies(w);
    (void)snprintf(next, sizeof next, "/tmp/siyu-world-XXXXXX");
    T_OK(mkdtemp(next) ? 0 : -1);
    copy_file(w->dir, next, "siyu.db");
    copy_file(w->dir, next, "siyu.db-wal");
    sender_free(w->sender);
    engine_free(w->engine);
    store_close(w->store);
    remove_dir(w->dir);
    memcpy(w->dir, next, sizeof next);
    start(w);
}

/* One batch over `ops`, as the engine thread runs it. */
static int run(struct world *w, struct list *ops)
{
    int err;

    drop_replies(w);
    err = engine_begin(w->engine, ops);
    if (!err)
        err = engine_take(w->engine);
    if (!err)
        err = engine_tick(w->engine);
    if (!err)
        err = sender_step(w->sender);
    if (!err)
        err = engine_commit(w->engine, &w->replies);
    return err;
}

int world_try(struct world *w, struct list *ops, int64_t fail_at)
{
    store_fail_at(w->store, fail_at);
    int err = run(w, ops);
    store_fail_at(w->store, 0);
    if (err) {
        engine_abort(w->engine, err, &w->replies);
        T_OK(sender_load(w->sender));
    }
    return err;
}

static void step(struct world *w, struct message *m)
{
    struct list ops;

    list_init(&ops);
    if (m)
        list_add_tail(&ops, &m->node);
    T_OK(run(w, &ops));
}

static struct world_account *cast(struct world *w, struct world_account *ret, size_t cap, size_t *n)
{
    const struct registry *r = engine_registry(w->engine);
    union map_val v;
    int64_t key;

    *n = 0;
    for (size_t at = 0; map_i64_next(&r->accounts, &at, &key, &v) && *n < cap;) {
        const struct account *a = v.p;
        ret[(*n)++] = (struct world_account){.id = a->id, .connection = a->connection->id, .kind = a->kind,
                                             .name = a->name, .connection_name = a->connection->name,
                                             .signature = a->connection->signature};
    }
    return ret;
}

void world_apply(struct world *w, const char *playbook)
{
    struct world_account list[64];
    size_t n;
    struct op_plan *op = message_new(OP_PLAN, sizeof *op);
    struct diag diag;
    struct plan_world view = {.bots = bots, .bot_count = ARRAY_LEN(bots), .rules = w->rules};

    view.accounts = cast(w, list, ARRAY_LEN(list), &n);
    view.account_count = n;
    diag_init(&diag, 50);
    int err = playbook_compile(str_of(playbook), "test.yaml", &view, &diag, &op->plans[0]);
    for (size_t i = 0; err && i < diag_count(&diag); i++)
        (void)fprintf(stderr, "%s\n", diag_text(&diag, i));
    T_OK(err);
    diag_fini(&diag);
    op->id = 1;
    op->count = 1;
    step(w, &op->m);
}

static struct connection_id connection_named(const struct world *w, const char *name)
{
    const struct registry *r = engine_registry(w->engine);
    union map_val v;
    int64_t key;

    for (size_t at = 0; map_i64_next(&r->connections, &at, &key, &v);)
        if (str_is(((struct connection *)v.p)->name, name))
            return (struct connection_id){key};
    return (struct connection_id){0};
}

struct message *world_inbound(struct world *w, const char *connection, const struct event *e, size_t n)
{
    struct op_inbound *op;

    T_OK(inbound_op((struct inbound_id){++w->last_inbound}, connection_named(w, connection), e, n, NULL,
                    clock_wall_ms(&w->clock), clock_mono_ms(&w->clock), &op));
    return &op->m;
}

void world_events(struct world *w, const char *connection, const struct event *e, size_t n)
{
    step(w, world_inbound(w, connection, e, n));
}

void world_event(struct world *w, const char *connection, const struct event *e)
{
    world_events(w, connection, e, 1);
}

void world_facts(struct world *w, struct attempt_id id, const struct facts *f)
{
    struct op_facts *op = message_new(OP_FACTS, sizeof *op);

    op->id = id;
    op->facts = *f;
    step(w, &op->m);
}

void world_tick(struct world *w, int64_t ms)
{
    clock_advance(&w->clock, ms);
    step(w, NULL);
}

const struct reply_perform *world_order(const struct world *w, enum call_op op, size_t n)
{
    for (struct list *node = w->replies.next; node != &w->replies; node = node->next) {
        const struct message *m = container_of(node, struct message, node);
        const struct reply_perform *r = container_of(m, struct reply_perform, m);
        if (m->kind == REPLY_PERFORM && (op == CALL_OP_COUNT || r->op == op) && n-- == 0)
            return r;
    }
    return NULL;
}

size_t world_orders(const struct world *w, enum call_op op)
{
    size_t n = 0;

    while (world_order(w, op, n))
        n++;
    return n;
}

const struct reply_stored *world_stored(const struct world *w)
{
    for (struct list *node = w->replies.next; node != &w->replies; node = node->next) {
        const struct message *m = container_of(node, struct message, node);
        if (m->kind == REPLY_STORED)
            return container_of(m, struct reply_stored, m);
    }
    return NULL;
}

int64_t world_count(struct world *w, enum delivery_state state)
{
    struct state_counts counts;

    T_OK(store_load_counts(w->store, &counts));
    return counts.deliveries[state];
}

struct delivery_row world_delivery(struct world *w, struct delivery_id id)
{
    struct delivery_row row = {.id = {0}};
    struct arena a;

    arena_init(&a, 1 << 20);
    T_OK(store_load_deliveries(w->store, &id, 1, &a, &row));
    arena_fini(&a);
    return row;
}
