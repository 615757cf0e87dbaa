/* SPDX-License-Identifier: Apache-2.0 */
#include "host/channel.h"

#include <assert.h>

#include "base/clock.h"
#include "base/json.h"

#define CALL_MAX_MS INT64_C(15000) /* whatever the judgement clock says */

/* ---- the adapter's view of the host ---- */

static int on_inbound(void *ctx, struct inbound_id id, const struct event *events, size_t n,
                      const char *cursor)
{
    struct channel *c = ctx;

    return host_inbound(c->host, c, id, events, n, cursor);
}

static void on_answer(void *ctx, struct inbound_id id, int status, const char *content_type, struct str body)
{
    struct channel *c = ctx;

    host_answer_hook(c->host, id, status, content_type, body);
}

static struct inbound_id on_inbound_id(void *ctx)
{
    struct channel *c = ctx;

    return host_inbound_id(c->host);
}

static void on_done(void *ctx, struct attempt_id id, const struct facts *facts)
{
    struct channel *c = ctx;

    host_facts(c->host, id, facts);
}

static void on_alert(void *ctx, const char *what, struct str why)
{
    struct channel *c = ctx;

    host_alert(c->host, c, what, why);
}

static void on_nudge(void *ctx, struct str account, struct str token)
{
    struct channel *c = ctx;

    host_nudge(c->host, account, token);
}

static void on_stopped(void *ctx)
{
    struct channel *c = ctx;

    assert(c->state == CHANNEL_STOPPING);
    c->state = CHANNEL_STOPPED;
    host_channel_stopped(c->host);
}

/* ---- life ---- */

int channel_init(struct channel *c, struct host *h, const struct config_connection *conf,
                 const struct host_kind *kind, struct diag *diag)
{
    c->host = h;
    c->kind = kind;
    c->name = conf->name;
    c->state = CHANNEL_NEW;
    c->face = (struct adapter_host){.ctx = c,
                                    .inbound = on_inbound,
                                    .answer = on_answer,
                                    .inbound_id = on_inbound_id,
                                    .done = on_done,
                                    .alert = on_alert,
                                    .nudge = on_nudge,
                                    .stopped = on_stopped};
    c->env.host = &c->face;
    c->env.name = c->name;
    return kind->ops->create(&c->env, conf->conf, diag, &c->adapter);
}

int channel_start(struct channel *c, const char *cursor)
{
    int err = c->kind->ops->start(c->adapter, cursor);

    if (!err)
        c->state = CHANNEL_RUNNING;
    return err;
}

void channel_stop(struct channel *c)
{
    if (c->state == CHANNEL_RUNNING) {
        c->state = CHANNEL_STOPPING;
        c->kind->ops->stop(c->adapter);
    } else if (c->state == CHANNEL_NEW) {
        c->state = CHANNEL_STOPPED;
    }
}

void channel_fini(struct channel *c)
{
    if (!c->kind)
        return;
    assert(c->state == CHANNEL_NEW || c->state == CHANNEL_STOPPED);
    c->kind->ops->free(c->adapter);
    c->adapter = NULL;
}

/* ---- one attempt ---- */

static void not_sent(struct channel *c, struct attempt_id id, const char *why)
{
    struct facts facts = {.outcome = OUTCOME_NOT_SENT, .error = str_of(why)};

    host_facts(c->host, id, &facts);
}

/* The texts of an order or a passive reply as the adapter wants them. */
struct opened {
    json_t *content, *params;
    struct content view;
};

static int open_content(struct str text, struct opened *ret)
{
    int err = text.n ? json_parse(text, JSON_DEPTH, &ret->content, NULL) : 0;

    if (err || !text.n)
        return err;
    ret->view = (struct content){.text = str_of(json_str(ret->content, "text", "")),
                                 .attach = json_object_get(ret->content, "attach"),
                                 .provider_template = str_of(json_str(ret->content, "provider_template", "")),
                                 .params = json_object_get(ret->content, "params")};
    return 0;
}

static void close_content(struct opened *o)
{
    json_decref(o->content);
    json_decref(o->params);
}

void channel_perform(struct channel *c, const struct reply_perform *order)
{
    struct opened o = {.content = NULL};
    int64_t left = order->deadline_mono_ms - clock_mono_ms(c->env.clock);
    int64_t real = clock_real_ms(c->env.clock, left > 0 ? left : 0);
    struct call call = {.op = order->op,
                        .account = order->account_external,
                        .class = order->class,
                        .key = order->key,
                        .code = order->code,
                        .handle = order->handle,
                        .deadline_ms = real < CALL_MAX_MS ? real : CALL_MAX_MS};

    if (left <= 0 || c->state != CHANNEL_RUNNING) {
        not_sent(c, order->id, left <= 0 ? "too late for the first byte" : "connection stopped");
        return;
    }
    int err = open_content(order->content, &o);
    if (!err && order->params.n)
        err = json_parse(order->params, JSON_DEPTH, &o.params, NULL);
    if (!err) {
        call.content = o.content ? &o.view : NULL;
        call.params = o.params;
        err = c->kind->ops->perform(c->adapter, order->id, &call, order->to, order->count);
    }
    close_content(&o);
    if (err)
        not_sent(c, order->id, err_text(err));
}

void channel_hook(struct channel *c, const struct hook_call *call)
{
    int err = c->kind->ops->hook && c->state == CHANNEL_RUNNING ? c->kind->ops->hook(c->adapter, call)
                                                                : ERR_NOT_FOUND;

    if (!err)
        return;
    bool forged = err == ERR_SIGNATURE || err == ERR_CRYPTO || err == ERR_AUTH || err == ERR_STALE;
    int status = forged ? 403 : err == ERR_NOT_FOUND ? 404 : err == ERR_FULL || err == -ENOMEM ? 503 : 400;
    host_answer_hook(c->host, call->id, status, "application/json",
                     forged ? STR("{\"error\":{\"code\":\"refused\",\"message\":\"not authentic\"}}")
                            : STR("{\"error\":{\"code\":\"refused\",\"message\":\"not understood\"}}"));
}

/* A text alone, the usual reply, comes as it is. */
static int open_reply(const struct reply_stored *r, struct opened *ret)
{
    if (!r->text.n)
        return open_content(r->content, ret);
    ret->view = (struct content){.text = r->text, .provider_template = STR("")};
    return 0;
}

int channel_stored(struct channel *c, struct inbound_id id, const struct reply_stored *r, int err)
{
    struct opened o = {.content = NULL};
    bool replies = r && r->has_content;
    int unread = replies ? open_reply(r, &o) : 0;

    if (c->state == CHANNEL_STOPPED)
        unread = ERR_CLOSED;
    else
        c->kind->ops->stored(c->adapter, id, replies && !unread ? &o.view : NULL, err);
    close_content(&o);
    return unread;
}
