/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/delivery.h"

#include <assert.h>

#include "engine/engine_private.h"
#include "engine/note.h"

enum { LIVE_MAX = 256 };

static void tell_live(struct batch *b, const struct delivery_row *row, const char *what)
{
    const struct account *a = registry_account(&b->engine->registry, row->account);
    struct note n;

    note_begin(&n, b);
    note_cstr(&n, "type", "delivery");
    note_int(&n, "id", row->id.v);
    note_int(&n, "at_ms", b->now_ms);
    note_cstr(&n, "class", message_class_text(row->class));
    note_cstr(&n, "state", delivery_state_text(row->state));
    note_cstr(&n, "cause", cause_text(row->cause));
    note_cstr(&n, "what", what);
    if (a)
        note_str(&n, "account", a->name);
    if (row->contact.v)
        note_int(&n, "contact", row->contact.v);
    live_add(b, note_end(&n));
}

static void tell(struct batch *b, const struct delivery_row *row, const char *what, struct str detail)
{
    struct note n;

    if (live_wanted(b))
        tell_live(b, row, what);
    note_begin(&n, b);
    note_splice(&n, detail);
    note_cstr(&n, "state", delivery_state_text(row->state));
    if (row->cause != CAUSE_NONE)
        note_cstr(&n, "cause", cause_text(row->cause));
    trace_add(b, (struct trace_about){.contact = row->contact, .group = row->group, .delivery = row->id,
                                      .attempt = row->attempt},
              what, note_end(&n));
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

struct delivery_id delivery_plan(struct batch *b, struct delivery_row row, struct str detail)
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

void trace_add(struct batch *b, struct trace_about about, const char *what, struct str detail)
{
    *(struct trace_row *)batch_row(b, &b->traces) = (struct trace_row){
        .at_ms = b->now_ms, .contact = about.contact, .group = about.group, .event = about.event,
        .delivery = about.delivery, .attempt = about.attempt, .what = str_of(what),
        .detail = detail.n ? detail : STR("{}")};
}

bool live_wanted(const struct batch *b)
{
    return b->live < LIVE_MAX && atomic_load_explicit(&b->engine->listeners, memory_order_relaxed) > 0;
}

void live_add(struct batch *b, struct str line)
{
    struct reply_live *r;

    if (!live_wanted(b))
        return;
    b->live++;
    r = batch_reply(b, REPLY_LIVE, sizeof *r);
    if (r && !message_str(&r->m, line, &r->text))
        b->err = -ENOMEM;
}
