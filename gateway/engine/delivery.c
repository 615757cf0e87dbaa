/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/delivery.h"

#include <assert.h>

#include "engine/engine_private.h"

enum { LIVE_MAX = 256 };

static json_t *state_detail(const struct delivery_row *row, json_t *detail)
{
    if (!detail)
        detail = json_object();
    (void)json_object_set_new(detail, "state", json_string(delivery_state_text(row->state)));
    if (row->cause != CAUSE_NONE)
        (void)json_object_set_new(detail, "cause", json_string(cause_text(row->cause)));
    return detail;
}

static void tell(struct batch *b, const struct delivery_row *row, const char *what, json_t *detail)
{
    struct account *a = registry_account(&b->engine->registry, row->account);
    json_t *live = json_pack("{s:s, s:I, s:I, s:s, s:s, s:s, s:s, s:s%}", "type", "delivery", "id",
                             (json_int_t)row->id.v, "at_ms", (json_int_t)b->now_ms, "class",
                             message_class_text(row->class), "state", delivery_state_text(row->state), "cause",
                             cause_text(row->cause), "what", what, "account", a ? a->name.p : "",
                             a ? a->name.n : (size_t)0);

    if (live && row->contact.v)
        (void)json_object_set_new(live, "contact", json_integer(row->contact.v));
    live_add(b, live);
    trace_add(b, (struct trace_about){.contact = row->contact, .group = row->group, .delivery = row->id,
                                      .attempt = row->attempt},
              what, state_detail(row, detail));
}

void delivery_move(struct batch *b, struct delivery_row *row, struct delivery_move m)
{
    union map_val *moved = map_i64_find(&b->moved, row->id.v);
    struct delivery_change *change;

    assert(delivery_state_may_become(row->state, m.to) || row->state == m.to);
    if (moved) {
        change = vec_at(&b->changes, (size_t)moved->i);
    } else {
        change = batch_row(b, &b->changes);
        change->was = row->state;
        change->was_due_ms = row->due_ms;
        if (map_i64_put_i64(&b->moved, row->id.v, (int64_t)b->changes.count - 1) != 0)
            b->err = -ENOMEM;
    }
    if (m.to == STATE_QUEUED || m.to == STATE_HELD) {
        row->due_ms = m.due_ms;
        batch_touch(b, (struct queue_key){row->account, row->lane, row->campaign}, m.due_ms);
    }
    row->state = m.to;
    row->cause = m.cause;
    row->final = m.final;
    row->changed_ms = b->now_ms;
    change->row = *row;
    tell(b, row, m.what, m.detail);
}

struct delivery_id delivery_plan(struct batch *b, struct delivery_row row, json_t *detail)
{
    row.id = (struct delivery_id){batch_id(b)};
    row.lane = message_class_lane(row.class);
    row.created_ms = row.changed_ms = b->now_ms;
    row.code = batch_str(b, row.code);
    *(struct delivery_row *)batch_row(b, &b->deliveries) = row;
    if (row.state == STATE_QUEUED || row.state == STATE_HELD)
        batch_touch(b, (struct queue_key){row.account, row.lane, row.campaign}, row.due_ms);
    tell(b, &row, "planned", detail);
    return row.id;
}

void trace_add(struct batch *b, struct trace_about about, const char *what, json_t *detail)
{
    struct trace_row *t = batch_row(b, &b->traces);

    *t = (struct trace_row){.at_ms = b->now_ms, .contact = about.contact, .group = about.group,
                            .event = about.event, .delivery = about.delivery, .attempt = about.attempt,
                            .what = str_of(what)};
    t->detail = detail ? batch_json(b, detail) : STR("{}");
}

void live_add(struct batch *b, json_t *line)
{
    struct reply_live *r;

    if (b->live++ >= LIVE_MAX || !line) {
        json_decref(line);
        return;
    }
    struct str text = batch_json(b, line);
    r = batch_reply(b, REPLY_LIVE, sizeof *r);
    if (r && !message_str(&r->m, text, &r->text))
        b->err = -ENOMEM;
}
