/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/gate.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "bots/lottery.h"
#include "sender/sender.h"
#include "sim/carrier.h"
#include "sim/oracle.h"
#include "sim/post.h"
#include "sim/sim.h"
#include "sim/sync.h"
#include "store/store.h"

enum { OPS_A_BATCH = 256, BATCH_MS = 1, AFTER_ABORT_MS = 200, SPIN_MAX = 2000 };
#define IDLE_MS INT64_C(30000)
#define IDLE_CALM_MS INT64_C(3600000)
#define REST_MS INT64_C(300000)

struct gate {
    struct sim *sim;
    char dir[64];
    char *playbook;
    struct store *store;
    struct engine *engine; /* NULL: down */
    struct sender *sender;
    struct list waiting; /* struct message.node */
    int64_t free_ms, last_ms,
        loop_ms; /* next batch not before; last batch; replies reach the loop in order */
    int64_t batches, spins, spin_from_ms;
};

/* The cast: one of each kind of connection, and two rooms to be noisy in. */
static const struct {
    const char *name, *kind, *domain, *platform;
    enum account_kind account_kind;
    bool only;
} connections[] = {
    {"corp", "wecom", "wecom:ww1", "wecom", ACCOUNT_WECOM_MEMBER, false},
    {"kf", "wecom-kf", "wecom:ww1", "wecom", ACCOUNT_WECOM_KF, true},
    {"hall", "wecom-webhook", "wecom:hall", "wecom", ACCOUNT_WECOM_WEBHOOK, true},
    {"club", "wecom-webhook", "wecom:club", "wecom", ACCOUNT_WECOM_WEBHOOK, true},
    {"brand", "official", "official:wx1", "official", ACCOUNT_OFFICIAL, true},
    {"sms", "sms-aliyun", "aliyun:I", "aliyun", ACCOUNT_SMS, true},
};
static const struct {
    const char *name, *userid;
} members[] = {{"zhang", "zhangsan"}, {"li", "lisi"}};
static const struct bot_ops *const bots[] = {&bot_lottery};

/* ---- the folder ---- */

static void make_dir(char *ret, size_t cap)
{
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

    (void)snprintf(ret, cap, "%s/siyu-sim-XXXXXX", base);
    sim_must(mkdtemp(ret) != NULL, "mkdtemp");
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

static void copy_file(const char *from_dir, const char *to_dir, const char *name)
{
    char path[512], room[65536];
    size_t n;

    (void)snprintf(path, sizeof path, "%s/%s", from_dir, name);
    FILE *in = fopen(path, "rb");
    if (!in)
        return;
    (void)snprintf(path, sizeof path, "%s/%s", to_dir, name);
    FILE *out = fopen(path, "wb");
    while (out && (n = fread(room, 1, sizeof room, in)) > 0)
        sim_must(fwrite(room, 1, n, out) == n, "copying the store");
    (void)fclose(in);
    sim_must(out && fclose(out) == 0, "copying the store");
}

/* ---- life ---- */

static void apply(struct gate *g)
{
    struct world_account list[64];
    struct plan *plan = NULL;
    struct plan_world view = {
        .bots = bots, .bot_count = ARRAY_LEN(bots), .rules = g->sim->rules, .accounts = list};
    const struct registry *r = engine_registry(g->engine);
    union map_val v;
    int64_t key;
    struct diag diag;

    for (size_t at = 0; map_i64_next(&r->accounts, &at, &key, &v) && view.account_count < ARRAY_LEN(list);) {
        const struct account *a = v.p;
        list[view.account_count++] = (struct world_account){.id = a->id,
                                                            .connection = a->connection->id,
                                                            .kind = a->kind,
                                                            .name = a->name,
                                                            .connection_name = a->connection->name,
                                                            .signature = a->connection->signature};
    }
    diag_init(&diag, 20);
    int err = playbook_compile(str_of(g->playbook), "sim.yaml", &view, &diag, &plan);
    for (size_t i = 0; err && i < diag_count(&diag); i++)
        (void)fprintf(stderr, "%s\n", diag_text(&diag, i));
    diag_fini(&diag);
    sim_must(err == 0, "the playbook");
    sim_must(engine_apply(g->engine, plan) == 0, "applying the playbook");
}

static int start_engine(struct gate *g)
{
    struct registry_connection conns[ARRAY_LEN(connections)];
    struct registry_account accounts[ARRAY_LEN(members)];

    for (size_t i = 0; i < ARRAY_LEN(conns); i++)
        conns[i] = (struct registry_connection){
            .name = str_of(connections[i].name),
            .kind = str_of(connections[i].kind),
            .domain = str_of(connections[i].domain),
            .platform = str_of(connections[i].platform),
            .account_kind = connections[i].account_kind,
            .only = connections[i].only,
            .signature = connections[i].account_kind == ACCOUNT_SMS ? STR("品牌") : str_of(""),
            .variants = g->sim->script.daily_tasks
                            ? 1u << VARIANT_WECOM_SEND_DAILY | 1u << VARIANT_OFFICIAL_SERVICE
                            : 0};
    for (size_t i = 0; i < ARRAY_LEN(accounts); i++)
        accounts[i] = (struct registry_account){.name = str_of(members[i].name),
                                                .connection = STR("corp"),
                                                .external = str_of(members[i].userid),
                                                .kind = ACCOUNT_WECOM_MEMBER};
    return engine_start(g->engine, conns, ARRAY_LEN(conns), accounts, ARRAY_LEN(accounts));
}

static void start(struct gate *g)
{
    struct sim *s = g->sim;
    struct diag diag;

    diag_init(&diag, 10);
    int err = store_open(g->dir, &g->store, &diag);
    diag_fini(&diag);
    if (!err)
        err = engine_new(
            &(struct engine_config){
                .store = g->store, .rules = s->rules, .clock = &s->clock, .fold = s->fold, .seed = s->seed},
            &g->engine);
    if (!err)
        err = start_engine(g);
    if (!err)
        err = sender_new(g->engine, &g->sender);
    if (!err)
        err = sender_load(g->sender);
    if (err)
        oracle_findf(s->oracle, "the gateway does not start: %s", err_name(err));
    sim_must(err == 0, "starting the gateway");
    s->life++;
    g->free_ms = g->loop_ms = sim_now(s);
    apply(g);
}

static void drop_waiting(struct gate *g)
{
    struct list *n;

    while ((n = list_pop(&g->waiting)) != NULL)
        message_free(container_of(n, struct message, node));
}

static void stop(struct gate *g)
{
    drop_waiting(g);
    sender_free(g->sender);
    engine_free(g->engine);
    store_close(g->store);
    g->sender = NULL;
    g->engine = NULL;
    g->store = NULL;
}

struct gate *gate_new(struct sim *s, const char *playbook)
{
    struct gate *g = mem_calloc(1, sizeof *g);

    sim_must(g != NULL, "memory");
    g->sim = s;
    g->playbook = mem_strdup(playbook);
    list_init(&g->waiting);
    make_dir(g->dir, sizeof g->dir);
    start(g);
    return g;
}

void gate_free(struct gate *g)
{
    if (!g)
        return;
    stop(g);
    remove_dir(g->dir);
    mem_free(g->playbook);
    mem_free(g);
}

static void on_restart(void *ctx)
{
    struct gate *g = ctx;

    start(g);
    sim_tracef(g->sim, "gate   starts, life %lld", (long long)g->sim->life);
    oracle_verify(g->sim->oracle);
    post_started(g->sim->post);
    sync_started(g->sim->sync);
}

/* What a kill leaves is what the files hold now: the next life begins on a copy of them. */
void gate_crash(struct gate *g, const char *where)
{
    struct sim *s = g->sim;
    int64_t down = chance_delay(&s->chance, 2000, 30000, 200);
    char next[sizeof g->dir];

    sim_tracef(s, "gate   CRASH %s, down for %lld ms", where, (long long)down);
    make_dir(next, sizeof next);
    copy_file(g->dir, next, "siyu.db");
    copy_file(g->dir, next, "siyu.db-wal");
    stop(g);
    s->life++;
    remove_dir(g->dir);
    memcpy(g->dir, next, sizeof next);
    carrier_died(s->carrier);
    post_died(s->post);
    sync_died(s->sync);
    sim_later(s, down, on_restart, timeline_keep, g);
}

/* ---- batches ---- */

void gate_post(struct gate *g, struct message *m)
{
    if (g->engine)
        list_add_tail(&g->waiting, &m->node);
    else
        message_free(m);
}

bool gate_is_up(const struct gate *g)
{
    return g->engine != NULL;
}

/* In days and weeks where little happens an engine that is some minutes late saves most of the batches. */
static int64_t rest_ms(const struct gate *g)
{
    const struct sim *s = g->sim;

    if (sim_now(s) >= s->calm_ms + IDLE_CALM_MS)
        return IDLE_CALM_MS;
    return sim_is_long(s) && sim_now(s) >= s->start_ms + IDLE_CALM_MS ? REST_MS : 0;
}

int64_t gate_due_ms(const struct gate *g)
{
    int64_t now = sim_now(g->sim), idle, at;

    if (!g->engine)
        return INT64_MAX;
    if (!list_empty(&g->waiting))
        return g->free_ms > now ? g->free_ms : now;
    int64_t engine = engine_next_ms(g->engine), sender = sender_next_ms(g->sender);
    idle = g->last_ms + (now < g->sim->calm_ms && !sim_is_long(g->sim) ? IDLE_MS : IDLE_CALM_MS);
    at = engine < sender ? engine : sender;
    if (at != INT64_MAX)
        at += now - engine_now_ms(g->engine);
    at = at < idle ? at : idle;
    if (at < g->last_ms + rest_ms(g))
        at = g->last_ms + rest_ms(g);
    return at > g->free_ms ? at : g->free_ms;
}

struct parcel_of_replies {
    struct gate *gate;
    struct list list;
};

static void free_replies(struct list *l)
{
    struct list *n;

    while ((n = list_pop(l)) != NULL)
        message_free(container_of(n, struct message, node));
}

static void drop_replies(void *ctx)
{
    struct parcel_of_replies *p = ctx;

    free_replies(&p->list);
    mem_free(p);
}

static void deliver_one(struct gate *g, struct message *m)
{
    struct sim *s = g->sim;

    switch (m->kind) {
    case REPLY_STORED:
        if (!sync_stored(s->sync, container_of(m, struct reply_stored, m)))
            post_stored(s->post, container_of(m, struct reply_stored, m));
        break;
    case REPLY_PERFORM: carrier_perform(s->carrier, container_of(m, struct reply_perform, m)); return;
    case REPLY_ANSWER: /* the only orders there are take passive replies back */
        if (container_of(m, struct reply_answer, m)->err)
            post_unsay(s->post, (struct event_id){container_of(m, struct reply_answer, m)->id});
        break;
    default: break;
    }
    message_free(m);
}

/* The loop thread reads what the engine thread wrote. */
static void on_replies(void *ctx)
{
    struct parcel_of_replies *p = ctx;
    struct list *n;

    while ((n = list_pop(&p->list)) != NULL)
        deliver_one(p->gate, container_of(n, struct message, node));
    mem_free(p);
}

static void hand_over(struct gate *g, struct list *replies)
{
    struct sim *s = g->sim;
    struct parcel_of_replies *p;
    int64_t at = sim_now(s) + chance_delay(&s->chance, 2, 3000, sim_now(s) < s->calm_ms ? 5 : 0);

    if (list_empty(replies))
        return;
    p = mem_alloc(sizeof *p);
    sim_must(p != NULL, "memory");
    p->gate = g;
    list_init(&p->list);
    list_move_all(&p->list, replies);
    g->loop_ms = at > g->loop_ms ? at : g->loop_ms;
    sim_later_ours(s, g->loop_ms - sim_now(s), on_replies, drop_replies, p);
}

static size_t next_ops(struct gate *g, struct list *ret)
{
    struct list *n;
    size_t count = 0;

    list_init(ret);
    while (count < OPS_A_BATCH && (n = list_pop(&g->waiting)) != NULL) {
        list_add_tail(ret, n);
        count++;
    }
    return count;
}

/* A batch without ops that comes again and again at once does not get anywhere. */
static void watch_for_spins(struct gate *g, size_t ops)
{
    int64_t now = sim_now(g->sim);

    if (ops || now - g->spin_from_ms > 2 * SPIN_MAX * BATCH_MS) {
        g->spin_from_ms = now;
        g->spins = 0;
    } else if (++g->spins > SPIN_MAX) {
        oracle_findf(g->sim->oracle, "the engine spins: %d batches without ops in %lld ms", SPIN_MAX,
                     (long long)(now - g->spin_from_ms));
        sim_must(false, "spinning");
    }
}

static void abort_batch(struct gate *g, int err)
{
    struct list replies;

    list_init(&replies);
    sim_tracef(g->sim, "gate   batch rolled back: %s", err_name(err));
    engine_abort(g->engine, err, &replies);
    err = sender_load(g->sender);
    if (err)
        oracle_findf(g->sim->oracle, "reading the queues failed: %s", err_name(err));
    hand_over(g, &replies);
    g->free_ms += AFTER_ABORT_MS;
}

static void after_commit(struct gate *g, struct list *replies)
{
    struct sim *s = g->sim;
    bool calm = sim_now(s) >= s->calm_ms;

    if (!calm && chance_hit(&s->chance, s->weather.crash_after_commit)) {
        free_replies(replies);
        gate_crash(g, "after a commit");
        return;
    }
    hand_over(g, replies);
    if (!calm && chance_hit(&s->chance, s->weather.stall)) {
        int64_t ms = chance_between(&s->chance, 100, s->weather.stall_max_ms);
        sim_tracef(s, "gate   stalls for %lld ms", (long long)ms);
        g->free_ms += ms;
    }
    (void)store_checkpoint_step(g->store);
}

void gate_run(struct gate *g)
{
    struct sim *s = g->sim;
    bool calm = sim_now(s) >= s->calm_ms;
    bool faulty = !calm && chance_hit(&s->chance, s->weather.store_fault);
    bool dies = !calm && chance_hit(&s->chance, s->weather.crash_in_batch);
    struct list ops, replies;

    watch_for_spins(g, next_ops(g, &ops));
    list_init(&replies);
    g->batches++;
    g->last_ms = sim_now(s);
    g->free_ms = sim_now(s) + BATCH_MS;
    store_fail_at(g->store, faulty ? chance_between(&s->chance, 1, 80) : 0);
    int err = engine_begin(g->engine, &ops);
    if (!err)
        err = engine_take(g->engine);
    if (!err)
        err = engine_tick(g->engine);
    if (!err)
        err = sender_step(g->sender);
    bool decided = !err;
    if (decided && !dies)
        err = engine_commit(g->engine, &replies);
    store_fail_at(g->store, 0);
    if (err && !faulty)
        oracle_findf(s->oracle, "a batch failed by itself: %s", err_name(err));
    if (err && !decided)
        abort_batch(g, err);
    else if (err || dies) /* a commit that failed ends the process */
        gate_crash(g, err ? "at a commit that failed" : "in a batch");
    else
        after_commit(g, &replies);
    free_replies(&replies);
}

/* ---- look-up ---- */

struct connection_id gate_connection(const struct gate *g, const char *name)
{
    const struct registry *r = engine_registry(g->engine);
    union map_val v;
    int64_t key;

    for (size_t at = 0; map_i64_next(&r->connections, &at, &key, &v);)
        if (str_is(((struct connection *)v.p)->name, name))
            return (struct connection_id){key};
    sim_must(false, "no such connection");
    return (struct connection_id){0};
}

const char *gate_connection_name(const struct gate *g, struct connection_id id)
{
    const struct connection *c = registry_connection(engine_registry(g->engine), id);

    for (size_t i = 0; c && i < ARRAY_LEN(connections); i++)
        if (str_is(c->name, connections[i].name))
            return connections[i].name;
    sim_must(false, "no such connection");
    return "";
}

struct store *gate_store(const struct gate *g)
{
    return g->store;
}

const char *gate_dir(const struct gate *g)
{
    return g->dir;
}

int64_t gate_batches(const struct gate *g)
{
    return g->batches;
}
