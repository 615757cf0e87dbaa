/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/ask.h"

#include <string.h>

#include "base/crypto.h"
#include "base/json.h"
#include "engine/delivery.h"
#include "engine/engine_private.h"

static void answer(struct batch *b, int64_t id, int err, json_t *body)
{
    struct reply_answer *r = batch_reply(b, REPLY_ANSWER, sizeof *r);
    struct str text = batch_json(b, body);

    if (!r)
        return;
    r->id = id;
    r->err = err;
    if (!message_str(&r->m, text, &r->text))
        b->err = -ENOMEM;
}

void ask_refuse(struct batch *b, int64_t id, int err, const char *why)
{
    answer(b, id, err, json_pack("{s:s, s:s}", "error", err_name(err), "message", why));
}

static json_t *status(const struct batch *b)
{
    const struct engine *e = b->engine;
    size_t n;
    const struct plan *const *plans = rulebook_plans(e->rulebook, &n);
    json_t *names = json_array();

    for (size_t i = 0; i < n; i++)
        (void)json_array_append_new(names, json_stringn(plans[i]->name.p, plans[i]->name.n));
    return json_pack("{s:I, s:b, s:b, s:I, s:o}", "now_ms", (json_int_t)b->now_ms, "clock_suspect", e->now.suspect,
                     "recovering", engine_is_recovering(e), "in_flight", (json_int_t)e->in_flight_total, "playbooks",
                     names);
}

static int tell_counts(struct batch *b, int64_t id)
{
    static const char *const event_states[] = {"stored", "decided", "undecided"};
    struct state_counts counts;
    json_t *deliveries = json_object(), *events = json_object();
    int err = store_load_counts(b->engine->store, &counts);

    for (int i = 0; !err && i < DELIVERY_STATE_COUNT; i++)
        (void)json_object_set_new(deliveries, delivery_state_text((enum delivery_state)i),
                                  json_integer(counts.deliveries[i]));
    for (size_t i = 0; !err && i < ARRAY_LEN(event_states); i++)
        (void)json_object_set_new(events, event_states[i], json_integer(counts.events[i]));
    json_t *all = json_pack("{s:o, s:o}", "deliveries", deliveries, "events", events);
    if (err)
        json_decref(all);
    else
        answer(b, id, 0, all);
    return err;
}

static int release(struct batch *b, int64_t id, const json_t *request)
{
    struct account *a = map_str_get(&b->engine->registry.by_name, str_of(json_str(request, "account", "")));

    if (!a) {
        ask_refuse(b, id, ERR_NOT_FOUND, "no account of that name");
        return 0;
    }
    int err = store_set_account_state(b->engine->store, a->id, false, STR(""), b->now_ms);
    if (err)
        return err;
    a->frozen = false;
    answer(b, id, 0, json_pack("{s:b}", "released", 1));
    return 0;
}

/* Nothing of the passive reply left this machine: it goes out as an active message. */
static int unsay(struct batch *b, int64_t id, const json_t *request)
{
    int64_t event = json_int(request, "event", 0);
    struct passive_wait *w = map_i64_get(&b->engine->passive, event);
    struct delivery_row row = {.id = {0}};
    int err = w ? store_load_deliveries(b->engine->store, &w->delivery, 1, &b->arena, &row) : 0;

    if (err)
        return err;
    if (row.id.v && row.state == STATE_IN_FLIGHT) {
        delivery_move(b, &row, (struct delivery_move){.to = STATE_QUEUED, .cause = CAUSE_PLANNED,
                                                      .due_ms = b->now_ms, .what = "passive reply came too late"});
        w->unsaid = true;
    }
    answer(b, id, 0, json_pack("{s:b}", "unsaid", 1));
    return 0;
}

static int keep_token(struct batch *b, int64_t id, const json_t *request)
{
    struct token_row row = {.id = str_of(json_str(request, "id", "")), .role = str_of(json_str(request, "role", "")),
                            .created_ms = b->now_ms, .expires_ms = json_int(request, "expires_ms", 0)};
    struct buf hash;

    buf_init(&hash, 64);
    int err = crypto_unhex(str_of(json_str(request, "hash", "")), &hash);
    if (err || hash.len != sizeof row.hash || !row.id.n) {
        ask_refuse(b, id, ERR_INVALID, "a token needs id, role and a sha256 hash");
        err = 0;
    } else {
        memcpy(row.hash, hash.data, sizeof row.hash);
        err = store_put_token(b->engine->store, &row);
        if (!err)
            answer(b, id, 0, json_pack("{s:b}", "kept", 1));
    }
    buf_fini(&hash);
    return err;
}

int ask_take(struct batch *b, const struct op_ask *op)
{
    json_t *request = NULL;
    int err = json_parse(op->request, JSON_DEPTH, &request, NULL);
    const char *ask = json_str(request, "ask", "");

    if (err) {
        ask_refuse(b, op->id, ERR_SYNTAX, "the request is not JSON");
        return err == -ENOMEM ? err : 0;
    }
    if (strcmp(ask, "status") == 0) {
        answer(b, op->id, 0, status(b));
    } else if (strcmp(ask, "counts") == 0) {
        err = tell_counts(b, op->id);
    } else if (strcmp(ask, "release") == 0) {
        err = release(b, op->id, request);
    } else if (strcmp(ask, "unsaid") == 0) {
        err = unsay(b, op->id, request);
    } else if (strcmp(ask, "token") == 0) {
        err = keep_token(b, op->id, request);
    } else if (strcmp(ask, "decide-again") == 0) {
        b->engine->decide_again = true;
        answer(b, op->id, 0, json_pack("{s:b}", "started", 1));
    } else {
        ask_refuse(b, op->id, ERR_UNSUPPORTED, "nobody here answers that");
    }
    json_decref(request);
    return err;
}
