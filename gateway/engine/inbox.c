/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/inbox.h"

#include <assert.h>
#include <string.h>

#include "base/crypto.h"
#include "base/json.h"
#include "engine/delivery.h"
#include "engine/engine_private.h"
#include "engine/incident.h"
#include "engine/note.h"
#include "engine/profile.h"

enum { BODY_MAX_BYTES = 1 << 20, INFERRED_AT_ONCE = 256 };

/* One event of one op while the batch looks at it. */
struct arrival {
    const struct op_inbound *op;
    const struct inbound_event *in;
    struct inbox_row seen; /* .event 0: new */
    size_t twin;           /* index + 1 of the same event earlier in this batch */
    struct incident incident;
    struct facts_who who;
    struct facts_group group;
};

struct arrivals {
    struct arrival *list;
    size_t count;
};

/* ---- the stored body: enough to decide the event again ---- */

static void add_name(struct buf *out, const char *name)
{
    (void)buf_adds(out, out->len > 1 ? ",\"" : "\"");
    (void)buf_adds(out, name);
    (void)buf_adds(out, "\":");
}

static void add_member(struct buf *out, const char *name, struct str value)
{
    if (!value.n)
        return;
    add_name(out, name);
    (void)json_write_string(value, out);
}

static struct str body_of(struct batch *b, const struct inbound_event *in)
{
    struct buf out;
    struct str ret;

    buf_init(&out, BODY_MAX_BYTES);
    (void)buf_addc(&out, '{');
    add_member(&out, "account", in->account);
    add_member(&out, "contact", in->contact);
    add_member(&out, "group", in->group);
    add_member(&out, "text", in->text);
    add_member(&out, "code", in->code);
    add_member(&out, "handle", in->handle);
    if (in->kind == EVENT_RECEIPT)
        add_member(&out, "verdict", str_of(outcome_text(in->verdict)));
    if (in->data.n) {
        add_name(&out, "data");
        (void)buf_add_str(&out, in->data);
    }
    (void)buf_addc(&out, '}');
    ret = batch_str(b, buf_str(&out));
    if (buf_error(&out))
        b->err = buf_error(&out);
    buf_fini(&out);
    return ret;
}

static struct str member(struct batch *b, const json_t *body, const char *name)
{
    return batch_cstr(b, json_str(body, name, ""));
}

static int body_read(struct batch *b, const struct event_row *row, struct inbound_event *ret)
{
    json_t *body = NULL;
    int err = json_parse(row->body, JSON_DEPTH, &body, NULL);

    if (err)
        return ERR_CORRUPT;
    *ret = (struct inbound_event){.kind = row->kind, .at_ms = row->at_ms};
    ret->account = member(b, body, "account");
    ret->contact = member(b, body, "contact");
    ret->group = member(b, body, "group");
    ret->text = member(b, body, "text");
    ret->code = member(b, body, "code");
    ret->handle = member(b, body, "handle");
    (void)outcome_of(member(b, body, "verdict"), &ret->verdict);
    if (json_object_get(body, "data"))
        ret->data = batch_json(b, json_incref(json_object_get(body, "data")));
    json_decref(body);
    return 0;
}

/* ---- seen before? ---- */

static int gather(struct batch *b, struct op_inbound *const *ops, size_t n, struct arrivals *ret)
{
    size_t count = 0;

    for (size_t i = 0; i < n; i++)
        count += ops[i]->count;
    ret->list = arena_alloc(&b->arena, count * sizeof *ret->list + 1);
    ret->count = 0;
    if (!ret->list)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < ops[i]->count; k++)
            ret->list[ret->count++] = (struct arrival){.op = ops[i], .in = &ops[i]->events[k]};
    return 0;
}

static bool same_key(const struct arrival *x, const struct arrival *y)
{
    return y->in->has_key && x->op->connection.v == y->op->connection.v &&
           memcmp(x->in->key, y->in->key, sizeof x->in->key) == 0;
}

/* The same event twice in one batch: the second is a repeat of the first. */
static int find_twins(struct arrivals *a)
{
    struct map_i64 first;
    int err = 0;

    map_i64_init(&first, a->count + 1);
    for (size_t i = 0; i < a->count && !err; i++) {
        int64_t head;
        if (!a->list[i].in->has_key)
            continue;
        memcpy(&head, a->list[i].in->key, sizeof head);
        const union map_val *v = map_i64_find(&first, head);
        if (v && same_key(&a->list[i], &a->list[v->i]))
            a->list[i].twin = (size_t)v->i + 1;
        else if (!v)
            err = map_i64_put_i64(&first, head, (int64_t)i);
    }
    map_i64_fini(&first);
    return err;
}

static int find_seen(struct batch *b, struct arrivals *a)
{
    struct inbox_key *keys = arena_alloc(&b->arena, a->count * sizeof *keys + 1);
    struct inbox_row *rows = arena_alloc(&b->arena, a->count * sizeof *rows + 1);
    size_t *place = arena_alloc(&b->arena, a->count * sizeof *place + 1);
    size_t n = 0;

    if (!keys || !rows || !place)
        return -ENOMEM;
    for (size_t i = 0; i < a->count; i++)
        if (a->list[i].in->has_key && !a->list[i].twin) {
            keys[n].connection = a->list[i].op->connection;
            memcpy(keys[n].key, a->list[i].in->key, sizeof keys[n].key);
            place[n++] = i;
        }
    int err = n ? store_find_inbox(b->engine->store, keys, n, &b->arena, rows) : 0;
    for (size_t i = 0; i < n && !err; i++)
        a->list[place[i]].seen = rows[i];
    return err;
}

static bool is_new(const struct arrival *a)
{
    return !a->twin && !a->seen.event.v;
}

/* ---- who is it about? ---- */

static int resolve_account(struct batch *b, struct arrival *a)
{
    struct engine *e = b->engine;
    struct incident *i = &a->incident;

    i->in = a->in;
    i->connection = registry_connection(&e->registry, a->op->connection);
    i->received_ms = a->op->received_ms;
    i->received_mono_ms = a->op->received_mono_ms;
    i->id = (struct event_id){batch_id(b)};
    if (!i->connection)
        return ERR_STATE;
    int err = registry_find_account(&e->registry, i->connection, a->in->account, b->now_ms, &i->account);
    return err == ERR_NOT_FOUND ? 0 : err;
}

static int resolve_people(struct batch *b, struct arrivals *a)
{
    struct facts_who *who = arena_alloc(&b->arena, a->count * sizeof *who + 1);
    struct facts_group *groups = arena_alloc(&b->arena, a->count * sizeof *groups + 1);

    if (!who || !groups)
        return -ENOMEM;
    for (size_t i = 0; i < a->count; i++) {
        const struct incident *x = &a->list[i].incident;
        if (!is_new(&a->list[i]))
            continue;
        who[i] = (struct facts_who){.domain = x->connection->domain, .external = x->in->contact};
        groups[i] = (struct facts_group){.domain = x->connection->domain, .external = x->in->group};
    }
    int err = facts_resolve(b, who, a->count);
    if (!err)
        err = facts_resolve_groups(b, groups, a->count);
    for (size_t i = 0; i < a->count && !err; i++) {
        a->list[i].incident.who = facts_person(b, who[i].ret);
        a->list[i].incident.group = groups[i].ret;
    }
    return err;
}

/* ---- store, learn, decide ---- */

static void write_event(struct batch *b, const struct arrival *a)
{
    const struct incident *i = &a->incident;
    struct event_row *row = batch_row(b, &b->events);

    *row = (struct event_row){.id = i->id, .connection = a->op->connection, .has_key = a->in->has_key,
                              .kind = a->in->kind, .state = i->state, .at_ms = a->in->at_ms,
                              .received_ms = i->received_ms, .body = body_of(b, a->in), .cause = i->cause,
                              .mode = i->mode, .reply = i->reply, .group = i->group};
    memcpy(row->key, a->in->key, sizeof row->key);
    if (i->account)
        row->account = i->account->id;
    if (i->who)
        row->contact = i->who->row.id;
}

static void note_event(struct note *n, const struct incident *i)
{
    note_cstr(n, "kind", event_kind_text(i->in->kind));
    if (i->account)
        note_str(n, "account", i->account->name);
    note_str(n, "text", i->in->text);
}

static void tell_event(struct batch *b, const struct incident *i)
{
    struct contact_id contact = i->who ? i->who->row.id : (struct contact_id){0};
    struct note n;

    note_begin(&n, b);
    note_event(&n, i);
    trace_add(b, (struct trace_about){.contact = contact, .group = i->group, .event = i->id}, "event", note_end(&n));
    if (!live_wanted(b))
        return;
    note_begin(&n, b);
    note_cstr(&n, "type", "event");
    note_int(&n, "id", i->id.v);
    note_int(&n, "at_ms", b->now_ms);
    note_int(&n, "contact", contact.v);
    note_event(&n, i);
    live_add(b, note_end(&n));
}

static int decide_new(struct batch *b, struct arrival *a)
{
    struct incident *i = &a->incident;
    bool store_first = engine_is_recovering(b->engine);

    i->state = EVENT_STORED;
    tell_event(b, i);
    int err = incident_learn(b, i);
    if (!err && (!store_first || !i->fires)) /* where no rule may act, nothing is left for later */
        err = incident_decide(b, i);
    if (!err)
        err = profile_ask(b, i);
    write_event(b, a);
    return err;
}

/* ---- answers ---- */

static int load_reply(struct batch *b, int64_t id, struct rendering *ret)
{
    struct content_row row = {0};
    int err = id ? store_load_contents(b->engine->store, &id, 1, &b->arena, &row) : 0;

    ret->body = row.body;
    return err;
}

static void wait_again(struct batch *b, struct passive_wait *w)
{
    w->until_ms = engine_silence_end_ms(b->now_ms);
    list_del(&w->node);
    list_add_tail(&b->engine->passive_order, &w->node);
}

/* What a repeat is answered with: the first one's reply, wherever that one stands. */
static int repeat_reply(struct batch *b, const struct arrivals *all, const struct arrival *a,
                        struct rendering *ret)
{
    *ret = (struct rendering){{NULL, 0}, {NULL, 0}};
    if (a->twin) {
        const struct arrival *first = &all->list[a->twin - 1];
        if (!is_new(first))
            return repeat_reply(b, all, first, ret);
        if (first->incident.mode == REPLY_PASSIVE)
            *ret = first->incident.reply_content;
        return 0;
    }
    struct passive_wait *w = map_i64_get(&b->engine->passive, a->seen.event.v);
    if (a->seen.mode != REPLY_PASSIVE || (w && w->unsaid))
        return 0;
    if (w)
        wait_again(b, w);
    return load_reply(b, a->seen.reply, ret);
}

static int answer(struct batch *b, const struct arrivals *all, const struct op_inbound *op)
{
    struct reply_stored *r = batch_reply(b, REPLY_STORED, sizeof *r);
    struct rendering reply = {{NULL, 0}, {NULL, 0}};
    int err = 0;

    if (!r)
        return -ENOMEM;
    r->id = op->id;
    r->connection = op->connection;
    for (size_t i = 0; i < all->count && !reply.body.n && !err; i++) {
        const struct arrival *a = &all->list[i];
        if (a->op != op || !a->in->passive)
            continue;
        if (!is_new(a))
            err = repeat_reply(b, all, a, &reply);
        else if (a->incident.mode == REPLY_PASSIVE)
            reply = a->incident.reply_content;
        r->event = is_new(a) ? a->incident.id : a->seen.event;
    }
    r->has_content = reply.body.n > 0;
    if (!err && (!message_str(&r->m, reply.body, &r->content) || !message_str(&r->m, reply.text, &r->text)))
        err = -ENOMEM;
    return err;
}

static void keep_cursor(struct batch *b, const struct op_inbound *op)
{
    if (op->has_cursor)
        *(struct cursor_row *)batch_row(b, &b->cursors) =
            (struct cursor_row){.connection = op->connection, .cursor = op->cursor};
}

int inbox_take(struct batch *b, struct op_inbound *const *ops, size_t n)
{
    struct arrivals all;
    int err = gather(b, ops, n, &all);

    if (!err)
        err = find_twins(&all);
    if (!err)
        err = find_seen(b, &all);
    for (size_t i = 0; i < all.count && !err; i++)
        if (is_new(&all.list[i]))
            err = resolve_account(b, &all.list[i]);
    if (!err)
        err = resolve_people(b, &all);
    for (size_t i = 0; i < all.count && !err; i++)
        if (is_new(&all.list[i]))
            err = decide_new(b, &all.list[i]);
    for (size_t i = 0; i < n && !err; i++) {
        keep_cursor(b, ops[i]);
        err = answer(b, &all, ops[i]);
    }
    return err;
}

/* ---- later ---- */

static int decide_row(struct batch *b, struct event_row *row)
{
    struct inbound_event *in = arena_alloc(&b->arena, sizeof *in);
    struct incident i = {.in = in, .id = row->id, .received_ms = row->received_ms, .redecided = true,
                         .received_mono_ms = INT64_MIN, .group = row->group, .fires = true};

    if (!in)
        return -ENOMEM;
    int err = body_read(b, row, in);
    i.connection = registry_connection(&b->engine->registry, row->connection);
    i.account = registry_account(&b->engine->registry, row->account);
    i.who = facts_person(b, row->contact);
    if (!err)
        err = incident_decide(b, &i);
    if (err == ERR_CORRUPT) {
        i.state = EVENT_UNDECIDED;
        i.cause = STR("stored body is damaged");
        err = 0;
    }
    row->state = i.state;
    row->cause = i.cause;
    row->mode = i.mode;
    row->reply = i.reply;
    *(struct event_row *)batch_row(b, &b->event_updates) = *row;
    return err;
}

int inbox_decide_pending(struct batch *b, size_t limit)
{
    struct event_row *rows;
    size_t n;
    int err = store_load_pending_events(b->engine->store, limit, &b->arena, &rows, &n);
    struct contact_id *who = arena_alloc(&b->arena, n * sizeof *who + 1);

    if (err)
        return err;
    if (!who)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        who[i] = rows[i].contact;
    err = facts_load(b, who, n);
    for (size_t i = 0; i < n && !err; i++)
        err = decide_row(b, &rows[i]);
    return err ? err : n == limit;
}

static int infer(struct batch *b, const struct delivery_id *ids, size_t n)
{
    struct delivery_row *rows = arena_alloc(&b->arena, n * sizeof *rows + 1);
    int err = rows ? store_load_deliveries(b->engine->store, ids, n, &b->arena, rows) : -ENOMEM;

    for (size_t i = 0; i < n && !err; i++)
        if (rows[i].id.v && rows[i].state == STATE_IN_FLIGHT)
            delivery_move(b, &rows[i], (struct delivery_move){.to = STATE_ACCEPTED, .cause = CAUSE_INFERRED,
                                                              .final = true, .what = "accepted"});
    return err;
}

int inbox_infer_passive(struct batch *b, int64_t *ret_next_ms)
{
    struct engine *e = b->engine;
    struct delivery_id ids[INFERRED_AT_ONCE];
    struct list *node;
    size_t n = 0;

    *ret_next_ms = INT64_MAX;
    while ((node = list_first(&e->passive_order)) != NULL) {
        struct passive_wait *w = container_of(node, struct passive_wait, node);
        if (b->now_ms < w->until_ms || n == INFERRED_AT_ONCE) {
            *ret_next_ms = w->until_ms;
            break;
        }
        if (!w->unsaid)
            ids[n++] = w->delivery;
        engine_end_passive(e, w); /* a batch that fails loads them again */
    }
    return infer(b, ids, n);
}
