/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/attempt.h"

#include <string.h>

#include "base/crypto.h"
#include "engine/counters.h"
#include "engine/delivery.h"
#include "engine/engine_private.h"
#include "engine/note.h"

enum { WANTS_MAX = 32 };

static int count_out(struct engine *e, struct account_id account, int64_t by)
{
    union map_val *v = map_i64_find(&e->in_flight, account.v);

    e->in_flight_total += by;
    if (!v)
        return map_i64_put_i64(&e->in_flight, account.v, by);
    v->i += by;
    return 0;
}

int64_t attempt_in_flight(const struct engine *e, struct account_id account)
{
    const union map_val *v = map_i64_find(&e->in_flight, account.v);

    return v ? v->i : 0;
}

void attempt_closed(struct engine *e, const struct attempt_row *row)
{
    if (row->item_count)
        (void)count_out(e, row->account, -1); /* the entry is there: opening made it */
}

int attempt_recount(struct engine *e, struct arena *scratch)
{
    struct attempt_row *open;
    size_t n;
    int err = store_load_open_attempts(e->store, scratch, &open, &n);

    map_i64_clear(&e->in_flight);
    e->in_flight_total = 0;
    for (size_t i = 0; i < n && !err; i++)
        if (open[i].item_count)
            err = count_out(e, open[i].account, 1);
    return err;
}

static bool copy_recipients(struct reply_perform *r, const struct attempt_plan *p)
{
    r->to = arena_alloc(&r->m.arena, p->count * sizeof *r->to + 1);
    if (!r->to)
        return false;
    for (size_t i = 0; i < p->count; i++) {
        r->to[i].id = p->rows[i]->id;
        if (!message_str(&r->m, p->to[i], &r->to[i].to))
            return false;
    }
    r->count = p->count;
    return true;
}

static void order(struct batch *b, const struct attempt_plan *p)
{
    struct reply_perform *r = batch_reply(b, REPLY_PERFORM, sizeof *r);

    if (!r)
        return;
    r->id = p->id;
    r->connection = p->account->connection->id;
    r->account = p->account->id;
    r->op = p->op;
    r->class = p->class;
    r->deadline_mono_ms = b->now_mono_ms + (p->deadline_ms - b->now_ms);
    if (!message_str(&r->m, p->account->external, &r->account_external) || !message_str(&r->m, p->key, &r->key) ||
        !message_str(&r->m, p->code, &r->code) || !message_str(&r->m, p->handle, &r->handle) ||
        !message_str(&r->m, p->content_text, &r->content) || !message_str(&r->m, p->params, &r->params) ||
        !copy_recipients(r, p))
        b->err = -ENOMEM;
}

static void write_row(struct batch *b, const struct attempt_plan *p)
{
    struct attempt_row *row = batch_row(b, &b->attempts);
    struct hash128 hash = crypto_hash128(&p->content_text, 1);

    *row = (struct attempt_row){.id = p->id, .connection = p->account->connection->id, .account = p->account->id,
                                .op = p->op, .state = ATTEMPT_OPEN, .class = p->class, .key = p->key,
                                .item_count = (int64_t)p->count, .started_ms = b->now_ms,
                                .deadline_ms = p->deadline_ms, .content = p->content, .next_ms = INT64_MAX,
                                .provider_id = p->handle, .parent = p->parent};
    memcpy(row->body_hash, hash.b, sizeof row->body_hash);
}

static struct str charge_note(struct batch *b, const struct attempt_plan *p)
{
    struct note n;

    note_begin(&n, b);
    note_cstr(&n, "op", call_op_text(p->op));
    note_raw(&n, "charged", p->charged);
    return note_end(&n);
}

void attempt_open(struct batch *b, const struct attempt_plan *p)
{
    struct str detail = charge_note(b, p);

    write_row(b, p);
    for (size_t i = 0; i < p->count; i++) {
        struct delivery_row *row = p->rows[i];
        enum cause cause = row->cause == CAUSE_NO_ANSWER ? CAUSE_NO_ANSWER : CAUSE_NONE;

        *(struct attempt_item_row *)batch_row(b, &b->items) = (struct attempt_item_row){
            .attempt = p->id, .delivery = row->id, .to = p->to[i], .outcome = OUTCOME_PENDING};
        row->attempt = p->id;
        row->tries++;
        delivery_move(b, row, (struct delivery_move){.to = STATE_IN_FLIGHT, .cause = cause, .what = "charged",
                                                     .detail = detail});
    }
    if (p->count && count_out(b->engine, p->account->id, 1) != 0)
        b->err = -ENOMEM;
    order(b, p);
}

int attempt_ask(struct batch *b, struct attempt_plan *p, int64_t *busy_ms)
{
    struct claim_want wants[WANTS_MAX];
    struct quota_block block;

    *busy_ms = 0;
    p->id = (struct attempt_id){batch_id(b)};
    p->deadline_ms = b->now_ms + rulepack_t_send_ms(b->engine->rules);
    struct quota_send send = {.kind = p->account->kind, .op = p->op, .class = p->class,
                              .domain = p->account->connection->domain, .account = p->account->id.v,
                              .task = p->parent.v, .attempt = p->id.v, .variants = p->account->connection->variants};
    int n = quota_wants(b->engine->counters, &send, wants, WANTS_MAX);
    int err = n < 0 ? n : counters_load_wants(b, wants, (size_t)n);
    if (!err)
        err = quota_charge(b->engine->counters, wants, (size_t)n, b->now_ms, &block);
    if (err == ERR_QUOTA) {
        *busy_ms = block.free_at_ms;
        return 0;
    }
    if (!err)
        attempt_open(b, p);
    return err;
}

struct str attempt_key(struct batch *b, int64_t id)
{
    char text[24];

    (void)snprintf(text, sizeof text, "sy%lld", (long long)id);
    return batch_cstr(b, text);
}
