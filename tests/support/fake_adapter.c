/* SPDX-License-Identifier: Apache-2.0 */
#include "support/fake_adapter.h"

#include "support/asserts.h"

#include "base/json.h"
#include "base/mem.h"
#include "loop/loop.h"

enum { FAKES_MAX = 4, HELD_MAX = 1000 };

struct adapter {
    struct fake face;
    char name[32];
    struct adapter_env env;
    struct loop_deferred turn;
    struct attempt_id held[HELD_MAX];
    size_t held_count;
    bool stopping;
};

static struct adapter *fakes[FAKES_MAX];

static struct adapter *adapter_of(struct fake *f)
{
    return container_of(f, struct adapter, face);
}

struct fake *fake_named(const char *name)
{
    for (size_t i = 0; i < FAKES_MAX; i++)
        if (fakes[i] && strcmp(fakes[i]->name, name) == 0)
            return &fakes[i]->face;
    print_error("no fake is called %s\n", name);
    _fail(__FILE__, __LINE__);
    return NULL;
}

void fake_forget_all(void)
{
    for (size_t i = 0; i < FAKES_MAX; i++) {
        if (!fakes[i])
            continue;
        buf_fini(&fakes[i]->face.said);
        buf_fini(&fakes[i]->face.cursor);
        mem_free(fakes[i]);
        fakes[i] = NULL;
    }
}

void fake_done(struct fake *f, struct attempt_id id, enum outcome outcome)
{
    struct facts facts = {.outcome = outcome, .bytes_out = 100, .http = 200};

    f->dones++;
    adapter_of(f)->env.host->done(adapter_of(f)->env.host->ctx, id, &facts);
}

static void end_held(struct adapter *a, enum outcome outcome)
{
    size_t n = a->held_count;

    a->held_count = 0;
    for (size_t i = 0; i < n; i++)
        fake_done(&a->face, a->held[i], outcome);
}

void fake_release_all(void)
{
    for (size_t i = 0; i < FAKES_MAX; i++) {
        if (!fakes[i])
            continue;
        fakes[i]->face.mode = FAKE_ACCEPTS;
        end_held(fakes[i], OUTCOME_ACCEPTED);
    }
}

void fake_alert(struct fake *f, const char *what)
{
    adapter_of(f)->env.host->alert(adapter_of(f)->env.host->ctx, what, STR("because"));
}

static void on_turn(struct loop_deferred *d)
{
    struct adapter *a = container_of(d, struct adapter, turn);

    if (a->face.mode == FAKE_ACCEPTS)
        end_held(a, OUTCOME_ACCEPTED);
    if (!a->stopping)
        return;
    end_held(a, OUTCOME_UNKNOWN);
    a->env.host->stopped(a->env.host->ctx);
}

static int create(const struct adapter_env *env, const json_t *conf, struct diag *diag, struct adapter **ret)
{
    struct adapter *a;
    size_t at = 0;

    if (!json_str(conf, "appid", NULL)) {
        diag_addf(diag, NULL, 0, "connections.%s.appid: is missing, expected a string", env->name);
        return ERR_CONFIG;
    }
    while (at < FAKES_MAX && fakes[at])
        at++;
    a = at < FAKES_MAX ? mem_calloc(1, sizeof *a) : NULL;
    if (!a)
        return -ENOMEM;
    a->env = *env;
    (void)snprintf(a->name, sizeof a->name, "%s", env->name);
    buf_init(&a->face.said, 65536);
    buf_init(&a->face.cursor, 65536);
    loop_deferred_init(&a->turn, on_turn);
    fakes[at] = a;
    *ret = a;
    return 0;
}

static int start(struct adapter *a, const char *cursor)
{
    a->face.starts++;
    return buf_adds(&a->face.cursor, cursor ? cursor : "");
}

static int perform(struct adapter *a, struct attempt_id id, const struct call *call,
                   const struct recipient *to, size_t n)
{
    (void)to, (void)n;
    a->face.performs++;
    a->face.deadline_ms = call->deadline_ms;
    if (a->face.mode == FAKE_REFUSES)
        return -ECONNREFUSED;
    if (call->content) {
        (void)buf_add_str(&a->face.said, call->content->text);
        (void)buf_addc(&a->face.said, '\n');
    }
    if (a->held_count == HELD_MAX)
        return ERR_FULL;
    a->held[a->held_count++] = id;
    loop_defer(a->env.loop, &a->turn);
    return 0;
}

static void stored(struct adapter *a, struct inbound_id id, const struct content *reply, int err)
{
    struct str none = {NULL, 0};

    a->face.stored++;
    a->face.stored_err = err;
    if (a->face.on_stored)
        a->face.on_stored();
    a->env.host->answer(a->env.host->ctx, id, err ? 500 : 200, "text/plain", reply ? reply->text : none);
}

static int hook(struct adapter *a, const struct hook_call *call)
{
    struct event e = {.kind = EVENT_MESSAGE_RECEIVED,
                      .dedupe = call->body,
                      .contact = STR("openid-1"),
                      .text = call->body,
                      .passive = str_is(call->path, "/passive"),
                      .opens_window = true};

    a->face.hooks++;
    if (str_is(call->path, "/forged"))
        return ERR_SIGNATURE;
    if (!str_is(call->path, "/passive") && !str_is(call->path, "/active"))
        return ERR_SYNTAX;
    return a->env.host->inbound(a->env.host->ctx, call->id, &e, 1, "cursor-1");
}

static void stop(struct adapter *a)
{
    a->face.stops++;
    a->stopping = true;
    loop_defer(a->env.loop, &a->turn);
}

static void release(struct adapter *a)
{
    if (a)
        a->face.frees++;
}

const struct adapter_ops fake_ops = {.kind = "fake",
                                     .create = create,
                                     .start = start,
                                     .perform = perform,
                                     .stored = stored,
                                     .hook = hook,
                                     .stop = stop,
                                     .free = release};
const struct host_kind fake_kind = {&fake_ops, "official", "appid", ACCOUNT_OFFICIAL, true, true};
