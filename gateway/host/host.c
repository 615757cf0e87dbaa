/* SPDX-License-Identifier: Apache-2.0 */
#include "host/host.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "host/channel.h"
#include "host/inbound.h"
#include "host/intake.h"
#include "loop/timer.h"

#define WATCH_MS 250
enum { HOOKS_MAX = 50000, ATTEMPTS_MAX = 100000, ASKS_MAX = 4096, HOOK_BODY_CAP = 1 << 20 };

/* A stop lets everything that was ordered end in the store. */
enum host_state {
    HOST_RUNNING,
    HOST_HOLDING, /* the engine is to order nothing more: -> REPLY_HELD */
    HOST_WAITING, /* calls that are out have their answers awaited, each to its deadline: -> no attempt open
                   */
    HOST_ENDING,  /* adapters end what they have begun: -> their stopped() */
    HOST_CLOSING, /* the engine takes what is left: -> REPLY_STOPPED */
    HOST_STOPPED,
};

struct asked {
    host_answer_fn done;
    void *ctx;
    int64_t tag;
};

struct host {
    struct host_conf conf;
    struct channel *channels;
    size_t channel_count;
    struct registry_connection *connections;
    struct registry_account *accounts;
    struct core *core;
    struct intake *intake;
    struct timer watch;
    bool watch_open;
    int watch_err; /* already said */
    enum host_state state;

    int64_t last_id;
    struct map_i64 hooks;    /* inbound id -> front door's request id */
    struct map_i64 attempts; /* attempt id -> struct channel, until done() */
    struct map_i64 asks;     /* id -> struct asked */
    struct list unposted;    /* struct message.node: found the engine's box full */
    struct host_stats stats;
};

/* ---- configuration ---- */

static void complain(const struct config *c, struct diag *diag, const char *section, const char *name,
                     const char *key, const char *why)
{
    char path[256];
    int n = snprintf(path, sizeof path, "%s.%s.%s", section, name, key);
    struct str at = {path, n < 0 ? 0 : (size_t)n < sizeof path ? (size_t)n : sizeof path - 1};

    diag_addf(diag, c->file, config_line(c, at), "%s: %s", path, why);
}

const struct host_kind *host_kind_of(const struct config *config, const struct config_connection *connection,
                                     const struct host_kind *kinds, size_t n, struct diag *diag)
{
    struct buf why;

    for (size_t i = 0; i < n; i++)
        if (strcmp(kinds[i].ops->kind, connection->kind) == 0)
            return &kinds[i];
    buf_init(&why, 1024);
    (void)buf_addf(&why, "no kind `%s` in this version; there %s ", connection->kind, n == 1 ? "is" : "are");
    for (size_t i = 0; i < n; i++)
        (void)buf_addf(&why, "%s%s", i ? ", " : "", kinds[i].ops->kind);
    complain(config, diag, "connections", connection->name, "kind", buf_cstr(&why));
    buf_fini(&why);
    return NULL;
}

static uint32_t variants_of(const json_t *conf)
{
    const char *type = json_str(conf, "account_type", "service");
    const char *group_send = json_str(conf, "group_send", "monthly");

    return (strcmp(type, "subscription") == 0 ? 1u << VARIANT_OFFICIAL_SUBSCRIPTION
                                              : 1u << VARIANT_OFFICIAL_SERVICE) |
           (strcmp(group_send, "weekly") == 0  ? 1u << VARIANT_WECOM_SEND_WEEKLY
            : strcmp(group_send, "daily") == 0 ? 1u << VARIANT_WECOM_SEND_DAILY
                                               : 1u << VARIANT_WECOM_SEND_MONTHLY);
}

static int describe(struct registry_connection *out, const struct config_connection *in,
                    const struct host_kind *kind)
{
    char domain[256];
    int n = snprintf(domain, sizeof domain, "%s:%s", kind->platform,
                     json_str(in->conf, kind->domain_key, in->name));
    char *copy = n > 0 && (size_t)n < sizeof domain ? mem_strdup(domain) : NULL;

    if (!copy)
        return -ENOMEM;
    *out = (struct registry_connection){.name = str_of(in->name),
                                        .kind = str_of(in->kind),
                                        .domain = str_of(copy),
                                        .account_kind = kind->account,
                                        .platform = str_of(kind->platform),
                                        .signature = str_of(json_str(in->conf, "signature", "")),
                                        .variants = variants_of(in->conf),
                                        .only = kind->only};
    return 0;
}

struct channel *host_channel(struct host *h, struct str name)
{
    for (size_t i = 0; i < h->channel_count; i++)
        if (str_is(name, h->channels[i].name))
            return &h->channels[i];
    return NULL;
}

/* Adapters name the path in their complaints; where that is, only the configuration knows. */
static void pass_on(const struct config *c, const struct diag *from, struct diag *to)
{
    for (size_t i = 0; i < diag_count(from); i++) {
        struct str what = str_of(diag_at(from, i)->what);
        int line = config_line(c, str_sub(what, 0, str_chr(what, ':')));
        diag_addf(to, c->file, line, "%.*s", STR_ARG(what));
    }
}

static int add_channel(struct host *h, const struct config_connection *in, struct diag *diag)
{
    const struct host_kind *kind = host_kind_of(h->conf.config, in, h->conf.kinds, h->conf.kind_count, diag);
    struct channel *ch = &h->channels[h->channel_count];
    struct diag own;

    if (!kind)
        return ERR_CONFIG;
    ch->env = (struct adapter_env){
        .loop = h->conf.loop, .http = h->conf.http, .clock = h->conf.clock, .rules = h->conf.rules};
    diag_init(&own, 100);
    int err = channel_init(ch, h, in, kind, &own);
    if (!err)
        err = describe(&h->connections[h->channel_count++], in, kind);
    pass_on(h->conf.config, &own, diag);
    diag_fini(&own);
    return err;
}

static int check_alone(const struct host *h, struct diag *diag)
{
    int worst = 0;

    for (size_t i = 0; i < h->channel_count; i++)
        for (size_t k = 0; k < i; k++)
            if (h->channels[i].kind->alone && str_eq(h->connections[i].domain, h->connections[k].domain)) {
                complain(h->conf.config, diag, "connections", h->channels[i].name,
                         h->channels[i].kind->domain_key,
                         "another connection has it too; one account is one connection, or its limits count "
                         "twice");
                worst = ERR_CONFIG;
            }
    return worst;
}

static int add_account(struct host *h, const struct config_account *a, struct registry_account *out,
                       struct diag *diag)
{
    const struct channel *c = host_channel(h, str_of(a->connection));

    *out = (struct registry_account){.name = str_of(a->name),
                                     .connection = str_of(a->connection),
                                     .external = str_of(a->external),
                                     .kind = a->kind};
    if (!c || (!c->kind->only && c->kind->account == a->kind))
        return 0; /* without its connection: said already */
    complain(h->conf.config, diag, "accounts", a->name, "kind",
             c->kind->only ? "its connection is an account by itself; leave this one out"
                           : "a connection of that kind has other accounts");
    return ERR_CONFIG;
}

static int add_channels(struct host *h, struct diag *diag)
{
    const struct config *c = h->conf.config;
    int worst = 0, err;

    for (size_t i = 0; i < c->connection_count; i++) {
        err = add_channel(h, &c->connections[i], diag);
        worst = err ? err : worst;
    }
    err = check_alone(h, diag);
    worst = err ? err : worst;
    for (size_t i = 0; i < c->account_count; i++) {
        err = add_account(h, &c->accounts[i], &h->accounts[i], diag);
        worst = err ? err : worst;
    }
    return worst;
}

static void on_hook_request(void *ctx, const struct http_request *r);

int host_new(const struct host_conf *conf, struct diag *diag, struct host **ret)
{
    struct host *h = mem_calloc(1, sizeof *h);

    if (!h)
        return -ENOMEM;
    h->conf = *conf;
    list_init(&h->unposted);
    map_i64_init(&h->hooks, HOOKS_MAX);
    map_i64_init(&h->attempts, ATTEMPTS_MAX);
    map_i64_init(&h->asks, ASKS_MAX);
    h->channels = mem_calloc(conf->config->connection_count + 1, sizeof *h->channels);
    h->connections = mem_calloc(conf->config->connection_count + 1, sizeof *h->connections);
    h->accounts = mem_calloc(conf->config->account_count + 1, sizeof *h->accounts);
    int err = h->channels && h->connections && h->accounts ? add_channels(h, diag) : -ENOMEM;
    if (!err)
        err =
            front_door_route(conf->door, VERB_GET | VERB_POST, "/hooks/", HOOK_BODY_CAP, on_hook_request, h);
    if (err) {
        host_free(h);
        return err;
    }
    timer_init(conf->loop, &h->watch);
    h->watch_open = true;
    *ret = h;
    return 0;
}

const struct registry_connection *host_connections(const struct host *h, size_t *ret_n)
{
    *ret_n = h->channel_count;
    return h->connections;
}

const struct registry_account *host_accounts(const struct host *h, size_t *ret_n)
{
    *ret_n = h->conf.config->account_count;
    return h->accounts;
}

static int remember_asker(struct host *h, host_answer_fn done, void *ctx, int64_t tag, int64_t *ret_id)
{
    struct asked *a = mem_alloc(sizeof *a);

    if (!a)
        return -ENOMEM;
    *a = (struct asked){done, ctx, tag};
    *ret_id = ++h->last_id;
    int err = map_i64_put(&h->asks, *ret_id, a);
    if (err)
        mem_free(a);
    return err;
}

/* ---- inbound ---- */

struct inbound_id host_inbound_id(struct host *h)
{
    return (struct inbound_id){++h->last_id};
}

static void on_hook_request(void *ctx, const struct http_request *r)
{
    struct host *h = ctx;
    size_t slash = str_chr(r->rest, '/');
    struct channel *c = host_channel(h, str_sub(r->rest, 0, slash));
    struct hook_call call = {.id = host_inbound_id(h),
                             .method = str_of(http_verb_name(r->verb)),
                             .path = str_sub(r->rest, slash, r->rest.n),
                             .query = r->query,
                             .body = r->body};

    if (!c || h->state != HOST_RUNNING) {
        http_reply_error(h->conf.door, r->id, c ? 503 : 404, c ? "stopping" : "not_found",
                         c ? "the gateway is stopping" : "no connection of that name has a callback here");
        return;
    }
    if (map_i64_put_i64(&h->hooks, call.id.v, (int64_t)r->id.value) != 0) {
        http_reply_error(h->conf.door, r->id, 503, "busy", "too many callbacks at once");
        return;
    }
    channel_hook(c, &call);
}

void host_answer_hook(struct host *h, struct inbound_id id, int status, const char *content_type,
                      struct str body)
{
    const union map_val *v = map_i64_find(&h->hooks, id.v);
    struct request_id request;

    if (!v)
        return;
    request.value = (uint64_t)v->i;
    (void)map_i64_del(&h->hooks, id.v);
    if (status >= 400)
        h->stats.refused++;
    http_reply(h->conf.door, request,
               &(struct http_reply){.status = status, .content_type = content_type, .body = body});
}

int host_inbound(struct host *h, struct channel *c, struct inbound_id id, const struct event *events,
                 size_t n, const char *cursor)
{
    struct op_inbound *op;
    int err = h->state != HOST_RUNNING
                  ? ERR_CLOSED
                  : inbound_op(id, c->id, events, n, cursor, clock_wall_ms(h->conf.clock),
                               clock_mono_ms(h->conf.clock), &op);
    if (err)
        return err;
    err = intake_take(h->intake, c, op);
    if (err)
        message_free(&op->m);
    return err;
}

static void on_unsaid(void *ctx, int64_t event, int err, struct str text)
{
    (void)text;
    if (err) /* the batch was rolled back */
        host_unsay(ctx, (struct event_id){event});
}

/* Never refused for want of room: it would be a message that nobody ever sends. */
void host_unsay(struct host *h, struct event_id event)
{
    struct op_ask *op = message_new(OP_ASK, sizeof *op);
    char request[80];
    int n = snprintf(request, sizeof request, "{\"ask\":\"unsaid\",\"event\":%lld}", (long long)event.v);
    int err = op && message_str(&op->m, (struct str){request, (size_t)n}, &op->request) ? 0 : -ENOMEM;

    if (!err)
        err = remember_asker(h, on_unsaid, h, event.v, &op->id);
    if (!err) {
        host_post(h, &op->m);
        return;
    }
    log_error("host", "passive reply of event %lld was not written and not taken back: %s", (long long)event.v,
              err_text(err));
    if (op)
        message_free(&op->m);
}

/* ---- attempts ---- */

static void on_perform(struct host *h, const struct reply_perform *r)
{
    struct channel *c = NULL;

    for (size_t i = 0; i < h->channel_count && !c; i++)
        if (h->channels[i].id.v == r->connection.v)
            c = &h->channels[i];
    assert(c); /* the registry only knows configured connections */
    h->stats.attempts++;
    if (map_i64_put(&h->attempts, r->id.v, c) != 0)
        log_warn("host", "too many calls at once"); /* only the count suffers */
    channel_perform(c, r);
}

static bool copy_facts(struct op_facts *op, const struct facts *f)
{
    struct item_result *items = arena_alloc(&op->m.arena, f->item_count * sizeof *items + 1);
    struct buf text;
    bool ok = items != NULL;

    op->facts = *f;
    op->facts.data = NULL;
    op->facts.items = items;
    for (size_t i = 0; i < f->item_count && ok; i++) {
        items[i] = f->items[i];
        ok = message_str(&op->m, f->items[i].to, &items[i].to);
    }
    ok = ok && message_str(&op->m, f->error, &op->facts.error) &&
         message_str(&op->m, f->provider_id, &op->facts.provider_id);
    if (!ok || !f->data)
        return ok;
    buf_init(&text, (size_t)8 << 20);
    ok = json_write_compact(f->data, &text) == 0 && message_str(&op->m, buf_str(&text), &op->data_text);
    buf_fini(&text);
    return ok;
}

void host_facts(struct host *h, struct attempt_id id, const struct facts *facts)
{
    struct op_facts *op = message_new(OP_FACTS, sizeof *op);

    (void)map_i64_del(&h->attempts, id.v);
    if (!op || !copy_facts(op, facts)) {
        /* Without the facts the engine takes the attempt for unanswered at the next start: safe, and said. */
        log_error("host", "no memory for the outcome of attempt %lld", (long long)id.v);
        if (op)
            message_free(&op->m);
        return;
    }
    op->id = id;
    if (facts->outcome == OUTCOME_NOT_SENT && !facts->bytes_out)
        h->stats.attempts_late++;
    host_post(h, &op->m);
}

/* In order: what comes later must not overtake what waits. */
void host_post(struct host *h, struct message *op)
{
    if (!list_empty(&h->unposted) || core_post(h->core, op) != 0)
        list_add_tail(&h->unposted, &op->node);
}

static void post_again(struct host *h)
{
    struct list *n;

    while ((n = list_pop(&h->unposted)) != NULL)
        if (core_post(h->core, container_of(n, struct message, node)) != 0) {
            list_add_head(&h->unposted, n);
            return;
        }
}

void host_alert(struct host *h, struct channel *c, const char *what, struct str why)
{
    json_t *line = json_pack("{s:s, s:s, s:s, s:s%}", "type", "alert", "connection", c->name, "what", what,
                             "why", why.n ? why.p : "", why.n);
    struct buf text;

    log_warn("host", "alert connection=%s what=\"%s\" why=\"%.*s\"", c->name, what, STR_ARG(why));
    buf_init(&text, 65536);
    if (line && json_write_compact(line, &text) == 0)
        h->conf.on_live(h->conf.ctx, buf_str(&text));
    buf_fini(&text);
    json_decref(line);
}

/* Only the adapter of that account knows it: all are told. */
void host_nudge(struct host *h, struct str account, struct str token)
{
    for (size_t i = 0; i < h->channel_count; i++) {
        struct channel *c = &h->channels[i];
        if (c->kind->ops->nudge && c->state == CHANNEL_RUNNING)
            c->kind->ops->nudge(c->adapter, account, token);
    }
}

/* ---- questions ---- */

static void forget_asker(struct host *h, int64_t id)
{
    mem_free(map_i64_get(&h->asks, id));
    (void)map_i64_del(&h->asks, id);
}

int host_ask(struct host *h, struct str request, host_answer_fn done, void *ctx, int64_t tag)
{
    struct op_ask *op = message_new(OP_ASK, sizeof *op);
    int err = op && message_str(&op->m, request, &op->request) ? 0 : -ENOMEM;

    if (!err)
        err = remember_asker(h, done, ctx, tag, &op->id);
    if (!err) {
        err = core_post(h->core, &op->m);
        if (err)
            forget_asker(h, op->id);
    }
    if (err && op)
        message_free(&op->m);
    return err;
}

int host_apply(struct host *h, struct plan *const *plans, size_t n, host_answer_fn done, void *ctx,
               int64_t tag)
{
    struct op_plan *op = message_new(OP_PLAN, sizeof *op);

    assert(n <= OP_PLANS_MAX);
    if (!op) {
        for (size_t i = 0; i < n; i++)
            plan_free(plans[i]);
        return -ENOMEM;
    }
    for (size_t i = 0; i < n; i++)
        op->plans[op->count++] = plans[i];
    int err = remember_asker(h, done, ctx, tag, &op->id);
    if (!err) {
        err = core_post(h->core, &op->m);
        if (err)
            forget_asker(h, op->id);
    }
    if (err)
        message_free(&op->m);
    return err;
}

static void on_engine_answer(struct host *h, const struct reply_answer *r)
{
    struct asked *a = map_i64_get(&h->asks, r->id);

    if (!a)
        return;
    struct asked copy = *a;
    forget_asker(h, r->id);
    copy.done(copy.ctx, copy.tag, r->err, r->text);
}

/* ---- replies of the engine ---- */

static void host_enter(struct host *h, enum host_state next);

static void on_reply(void *ctx, struct message *m)
{
    struct host *h = ctx;
    enum message_kind kind = m->kind;

    switch (kind) {
    case REPLY_STORED: intake_stored(h->intake, container_of(m, struct reply_stored, m)); break;
    case REPLY_PERFORM: on_perform(h, container_of(m, struct reply_perform, m)); break;
    case REPLY_ANSWER: on_engine_answer(h, container_of(m, struct reply_answer, m)); break;
    case REPLY_LIVE: h->conf.on_live(h->conf.ctx, container_of(m, struct reply_live, m)->text); break;
    default: break;
    }
    message_free(m);
    if (kind == REPLY_HELD)
        host_enter(h, HOST_WAITING);
    else if (kind == REPLY_STOPPED)
        host_enter(h, HOST_STOPPED);
}

static void end_when_answered(struct host *h)
{
    if (h->state == HOST_WAITING && !map_i64_count(&h->attempts))
        host_enter(h, HOST_ENDING);
}

/* Every outcome is with the engine: it may end. */
static void close_when_quiet(struct host *h)
{
    if (h->state != HOST_ENDING || !list_empty(&h->unposted))
        return;
    for (size_t i = 0; i < h->channel_count; i++)
        if (h->channels[i].state != CHANNEL_STOPPED)
            return;
    host_enter(h, HOST_CLOSING);
}

void host_channel_stopped(struct host *h)
{
    close_when_quiet(h);
}

static void on_watch(struct timer *t)
{
    struct host *h = container_of(t, struct host, watch);

    int err = intake_watch(h->intake);

    if (err && err != h->watch_err)
        log_error("host", "late events do not get to or from the spool: %s", err_text(err));
    h->watch_err = err;
    post_again(h);
    end_when_answered(h);
    close_when_quiet(h);
    timer_start(&h->watch, WATCH_MS, on_watch);
}

/* ---- life ---- */

static int start_channel(struct host *h, struct channel *c)
{
    struct arena scratch;
    struct str cursor = {NULL, 0};

    arena_init(&scratch, 65536);
    int err = store_load_cursor(h->conf.store, c->id, &scratch, &cursor);
    if (err == ERR_NOT_FOUND)
        err = 0;
    if (!err)
        err = channel_start(c, cursor.p);
    arena_fini(&scratch);
    return err;
}

/* The engine has given every connection its number. */
static void name_channels(struct host *h)
{
    const struct registry *r = engine_registry(h->conf.engine);
    union map_val v;
    int64_t key;

    for (size_t at = 0; map_i64_next(&r->connections, &at, &key, &v);) {
        struct channel *c = host_channel(h, ((struct connection *)v.p)->name);
        if (c)
            c->id.v = key;
    }
}

int host_start(struct host *h)
{
    int err = core_new(h->conf.loop, h->conf.engine, h->conf.store, h->conf.clock, on_reply, h, &h->core);

    if (!err)
        err = intake_new(&(struct intake_conf){.host = h, .loop = h->conf.loop, .dir = h->conf.config->data},
                         &h->intake);
    name_channels(h);
    for (size_t i = 0; i < h->channel_count && !err; i++)
        err = start_channel(h, &h->channels[i]); /* reads cursors: the engine thread must not run yet */
    if (!err)
        err = intake_watch(h->intake); /* what is spooled comes first */
    if (!err)
        err = core_start(h->core);
    if (!err)
        timer_start(&h->watch, WATCH_MS, on_watch);
    return err;
}

/* The only place where a host changes state. */
static void host_enter(struct host *h, enum host_state next)
{
    struct message *hold = next == HOST_HOLDING ? message_new(OP_HOLD, sizeof *hold) : NULL;

    assert(next == h->state + 1);
    h->state = next;
    switch (next) {
    case HOST_RUNNING: break;
    case HOST_HOLDING:
        if (hold)
            host_post(h, hold);
        else
            host_enter(h, HOST_WAITING); /* what is ordered meanwhile ends as unanswered */
        break;
    case HOST_WAITING: end_when_answered(h); break;
    case HOST_ENDING:
        for (size_t i = 0; i < h->channel_count; i++)
            channel_stop(&h->channels[i]);
        close_when_quiet(h); /* none was running */
        break;
    case HOST_CLOSING: core_stop(h->core); break;
    case HOST_STOPPED:
        timer_stop(&h->watch);
        h->conf.on_stopped(h->conf.ctx); /* last */
        break;
    }
}

void host_stop(struct host *h)
{
    host_enter(h, HOST_HOLDING);
}

static void on_watch_closed(struct timer *t)
{
    mem_free(container_of(t, struct host, watch));
}

void host_free(struct host *h)
{
    struct list *n;
    union map_val v;
    int64_t key;

    if (!h)
        return;
    intake_free(h->intake);
    while ((n = list_pop(&h->unposted)) != NULL)
        message_free(container_of(n, struct message, node));
    core_free(h->core);
    for (size_t at = 0; map_i64_next(&h->asks, &at, &key, &v);)
        mem_free(v.p);
    for (size_t i = 0; h->channels && i < h->channel_count; i++) {
        channel_fini(&h->channels[i]);
        mem_free((void *)(uintptr_t)h->connections[i].domain.p);
    }
    map_i64_fini(&h->asks);
    map_i64_fini(&h->attempts);
    map_i64_fini(&h->hooks);
    mem_free(h->channels);
    mem_free(h->connections);
    mem_free(h->accounts);
    if (h->watch_open)
        timer_close(&h->watch, on_watch_closed);
    else
        mem_free(h);
}

struct host_stats host_stats(const struct host *h)
{
    struct host_stats s = h->stats;
    struct intake_stats in = h->intake ? intake_stats(h->intake) : (struct intake_stats){.taken = 0};

    s.inbound = in.taken;
    s.acknowledged = in.acknowledged;
    s.spooled = in.spooled;
    s.inbound_waiting = in.waiting;
    s.attempts_open = map_i64_count(&h->attempts);
    return s;
}

const struct core *host_core(const struct host *h)
{
    return h->core;
}

void host_stall_engine(struct host *h, int64_t ms)
{
    core_stall(h->core, ms);
}

void host_listeners(struct host *h, int n)
{
    engine_listeners(h->conf.engine, n);
}
