/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/broadcast.h"

#include "base/json.h"
#include "engine/attempt.h"
#include "engine/delivery.h"
#include "engine/engine_private.h"
#include "engine/facts.h"
#include "engine/note.h"
#include "engine/render.h"
#include "journey/calendar.h"

enum { CHUNK = 500, ACTIVE_MAX = 256, SPREAD_STEPS = 100000 };
#define PAGE_RETRY_MS INT64_C(30000)
#define FULL_RETRY_MS INT64_C(10000)

/* A running expansion; what the playbook said when it began, so that a later apply changes nothing here. */
struct active {
    struct occurrence_row row; /* strings owned */
    struct account_id account;
    struct connection_id connection;
    enum account_kind kind;
    enum call_op op;
    bool to_groups;
    char *tag;
    int64_t start_ms, expires_ms; /* the spread counts from start; expiry too */
    int64_t page_asked_ms;    /* a page of a platform tag is on its way since then; 0: none */
};

struct broadcasts {
    struct map_str seen;      /* "<playbook>/<broadcast>" -> up to where its slots are dealt with */
    int64_t look_ms;          /* no slot comes before */
    struct active *active[ACTIVE_MAX];
    size_t count;
    size_t turn;              /* whose chunk is next */
};

int broadcasts_new(struct broadcasts **ret)
{
    struct broadcasts *x = mem_calloc(1, sizeof *x);

    if (!x)
        return -ENOMEM;
    map_str_init(&x->seen, 100000);
    *ret = x;
    return 0;
}

static void active_free(struct active *a)
{
    if (!a)
        return;
    mem_free((void *)(uintptr_t)a->row.name.p);
    mem_free((void *)(uintptr_t)a->row.page.p);
    mem_free((void *)(uintptr_t)a->row.plan.p);
    mem_free(a->tag);
    mem_free(a);
}

static void clear(struct broadcasts *x)
{
    for (size_t i = 0; i < x->count; i++)
        active_free(x->active[i]);
    x->count = 0;
    x->look_ms = 0;
    map_str_clear(&x->seen);
}

void broadcasts_free(struct broadcasts *x)
{
    if (!x)
        return;
    clear(x);
    map_str_fini(&x->seen);
    mem_free(x);
}

/* ---- what survives a restart ---- */

static bool own(struct str *s)
{
    char *p = mem_strndup(s->n ? s->p : "", s->n);

    *s = (struct str){p, p ? s->n : 0};
    return p != NULL;
}

static struct str plan_text(struct batch *b, const struct broadcast *x, int64_t account, int64_t start_ms)
{
    return batch_json(b, json_pack("{s:I, s:I, s:I, s:i, s:i, s:b, s:s%, s:I}", "start_ms", (json_int_t)start_ms, "account", (json_int_t)account, "connection",
                                   (json_int_t)x->connection.v, "kind", x->kind, "op", x->op, "to_groups",
                                   x->to_groups, "tag", x->tag.n ? x->tag.p : "", x->tag.n, "expires_ms",
                                   (json_int_t)x->expires_ms));
}

static int enter(struct broadcasts *x, const struct occurrence_row *row)
{
    struct active *a;
    json_t *plan = NULL;

    if (x->count == ACTIVE_MAX)
        return ERR_FULL;
    if (json_parse(row->plan, JSON_DEPTH, &plan, NULL) != 0)
        return ERR_CORRUPT;
    a = mem_calloc(1, sizeof *a);
    if (a) {
        a->row = *row;
        a->account.v = json_int(plan, "account", 0);
        a->connection.v = json_int(plan, "connection", 0);
        a->kind = (enum account_kind)json_int(plan, "kind", 0);
        a->op = (enum call_op)json_int(plan, "op", 0);
        a->to_groups = json_flag(plan, "to_groups", false);
        a->start_ms = json_int(plan, "start_ms", row->slot_ms);
        a->expires_ms = json_int(plan, "expires_ms", 0);
        a->tag = mem_strdup(json_str(plan, "tag", ""));
    }
    json_decref(plan);
    if (!a || !own(&a->row.name) || !own(&a->row.page) || !own(&a->row.plan) || !a->tag) {
        active_free(a);
        return -ENOMEM;
    }
    x->active[x->count++] = a;
    return 0;
}

int broadcasts_load(struct broadcasts *x, struct engine *e)
{
    struct arena scratch;
    struct occurrence_row *rows;
    size_t n;

    clear(x);
    map_i64_clear(&e->expanding);
    arena_init(&scratch, (size_t)64 << 20);
    int err = store_load_occurrences(e->store, &scratch, &rows, &n);
    for (size_t i = 0; i < n && !err; i++) {
        err = enter(x, &rows[i]);
        if (!err)
            err = map_i64_put_i64(&e->expanding, rows[i].id.v, 1);
    }
    arena_fini(&scratch);
    return err;
}

/* ---- beginning ---- */

static struct str seen_key(struct batch *b, const struct plan *p, const struct broadcast *x)
{
    char *text = arena_printf(&b->arena, "broadcast.seen/%.*s/%.*s", STR_ARG(p->name), STR_ARG(x->name));

    return str_of(text);
}

/* A broadcast that was moved to another time is a new one: for that time nobody has looked yet. */
static int64_t timing_of(const struct broadcast *br)
{
    return br->weekly ? br->at_ms * 7 + br->weekday : br->at_ms;
}

/* Up to where this broadcast's slots are dealt with; now, when nobody ever looked at it. */
static int seen_ms(const struct broadcasts *x, struct batch *b, struct str key, const struct broadcast *br, int64_t *ret)
{
    const union map_val *v = map_str_find(&x->seen, key);
    int64_t seen, timing;
    struct str text;

    *ret = v ? v->i : b->now_ms;
    int err = v ? 0 : store_get_meta(b->engine->store, key.p, &b->arena, &text);
    if (v || err)
        return err == ERR_NOT_FOUND ? 0 : err;
    size_t space = str_chr(text, ' ');
    if (str_to_i64(str_sub(text, 0, space), &seen) != 0 || str_to_i64(str_sub(text, space + 1, text.n), &timing) != 0)
        return ERR_CORRUPT;
    if (timing == timing_of(br))
        *ret = seen;
    return 0;
}

static int remember(struct broadcasts *x, struct batch *b, struct str key, const struct broadcast *br, int64_t ms)
{
    const union map_val *v = map_str_find(&x->seen, key);
    char text[48];

    if (v && v->i == ms)
        return 0;
    int n = snprintf(text, sizeof text, "%lld %lld", (long long)ms, (long long)timing_of(br));
    int err = store_put_meta(b->engine->store, key.p, (struct str){text, (size_t)n});
    return err ? err : map_str_put_i64(&x->seen, key, ms);
}

static void tell(struct batch *b, const char *type, struct str name, const char *key, int64_t value)
{
    struct note n;

    note_begin(&n, b);
    note_cstr(&n, "type", type);
    note_str(&n, "name", name);
    note_int(&n, key, value);
    live_add(b, note_end(&n));
}

/* A send to a platform's tag needs the tag's name again when it goes out. */
static struct str frozen_content(struct batch *b, const struct plan *p, const struct broadcast *br)
{
    struct str source = render_freeze(b, p, br->template_name, br->kind);
    struct note n;

    note_begin(&n, b);
    note_splice(&n, source);
    note_str(&n, "tag", br->tag);
    return note_end(&n);
}

static int begin(struct broadcasts *x, struct batch *b, const struct plan *p, const struct broadcast *br,
                 const struct calendar_due *due)
{
    struct content_row *content = batch_row(b, &b->contents);
    struct account *only = registry_connection(&b->engine->registry, br->connection)
                               ? registry_connection(&b->engine->registry, br->connection)->only
                               : NULL;
    int64_t account = br->account.v ? br->account.v : only ? only->id.v : 0;
    struct occurrence_row row = {.id = {batch_id(b)}, .slot_ms = due->slot_ms, .spread_ms = br->spread_ms,
                                 .state = OCCURRENCE_EXPANDING, .plan = plan_text(b, br, account, due->start_ms)};
    bool fresh;

    row.name = str_of(arena_printf(&b->arena, "%.*s/%.*s", STR_ARG(p->name), STR_ARG(br->name)));
    content->id = row.content = batch_id(b);
    content->body = frozen_content(b, p, br);
    int err = b->err ? b->err : store_put_occurrences(b->engine->store, &row, 1, &fresh);
    if (!err && fresh)
        err = enter(x, &row);
    if (!err && fresh)
        err = map_i64_put_i64(&b->engine->expanding, row.id.v, 1);
    if (err || !fresh)
        return err;
    tell(b, "broadcast", row.name, "slot_ms", row.slot_ms);
    return 0;
}

static int look(struct broadcasts *x, struct batch *b, const struct plan *p, const struct broadcast *br,
                int64_t *next_ms)
{
    struct calendar_plan calendar = broadcast_calendar(br);
    struct str key = seen_key(b, p, br);
    struct calendar_due due;
    int64_t seen;
    int err = key.p ? seen_ms(x, b, key, br, &seen) : -ENOMEM;

    if (err)
        return err;
    calendar_due(&calendar, seen, b->now_ms, &due);
    bool wait = due.run && x->count == ACTIVE_MAX; /* until others are through */
    if (wait)
        due.wake_ms = b->now_ms + FULL_RETRY_MS;
    else if (due.run)
        err = begin(x, b, p, br, &due);
    if (!err && !wait)
        err = remember(x, b, key, br, due.seen_ms);
    if (due.wake_ms < *next_ms)
        *next_ms = due.wake_ms;
    return err;
}

/* ---- expanding ---- */

/* One call for many: spreading its recipients would make many calls of it. */
static bool goes_together(enum call_op op)
{
    return op == CALL_TASK || op == CALL_GROUP_TASK || op == CALL_MASS || op == CALL_MASS_TAG;
}

static struct delivery_row delivery_of(const struct active *a, const struct audience_row *m)
{
    int64_t spread_ms = goes_together(a->op) ? 0 : a->row.spread_ms;
    uint64_t place = ((uint64_t)(m->contact.v ? m->contact.v : m->group.v) * UINT64_C(0x9E3779B97F4A7C15)) >> 20;

    return (struct delivery_row){
        .origin_kind = ORIGIN_BROADCAST, .origin = a->row.id.v, .contact = m->contact, .group = m->group,
        .account = a->account.v ? a->account : m->account, .class = CLASS_BROADCAST, .campaign = a->row.id.v,
        .op = a->op, .state = STATE_QUEUED, .cause = CAUSE_PLANNED, .content = a->row.content,
        .due_ms = a->start_ms + calendar_spread(spread_ms, place % SPREAD_STEPS, SPREAD_STEPS),
        .deadline_ms = a->start_ms + a->expires_ms,
    };
}

static void plan_member(struct batch *b, struct active *a, const struct audience_row *m)
{
    struct delivery_row row = delivery_of(a, m);

    a->row.planned++;
    if (m->refused || !row.account.v) {
        row.state = m->refused ? STATE_SUPPRESSED : STATE_FAILED;
        row.cause = m->refused ? CAUSE_REFUSED_BY_CONTACT : CAUSE_NO_ACCOUNT;
        row.final = true;
        a->row.excluded++;
    }
    (void)delivery_plan(b, row, (struct str){NULL, 0});
}

static void finish(struct broadcasts *x, struct batch *b, size_t at)
{
    struct active *a = x->active[at];

    (void)map_i64_del(&b->engine->expanding, a->row.id.v);
    tell(b, "expanded", a->row.name, "planned", a->row.planned);
    active_free(a);
    x->active[at] = x->active[--x->count];
}

static void write_progress(struct batch *b, struct active *a, bool done)
{
    struct occurrence_row *row = batch_row(b, &b->occurrences);

    a->row.state = done ? OCCURRENCE_DONE : OCCURRENCE_EXPANDING;
    *row = a->row;
    row->name = batch_str(b, a->row.name);
    row->page = batch_str(b, a->row.page);
    row->plan = batch_str(b, a->row.plan);
}

static int expand_chunk(struct broadcasts *x, struct batch *b, size_t at)
{
    struct active *a = x->active[at];
    struct connection *c = registry_connection(&b->engine->registry, a->connection);
    struct audience_query q = {.domain = c ? c->domain : 0, .connection = a->connection, .kind = a->kind,
                               .tag = str_of(a->tag), .now_ms = b->now_ms};
    struct audience_row *rows;
    size_t n;
    int err = a->to_groups
                  ? store_expand_groups(b->engine->store, &q, a->row.cursor, CHUNK, &b->arena, &rows, &n)
                  : store_expand_contacts(b->engine->store, &q, a->row.cursor, CHUNK, &b->arena, &rows, &n);

    if (err)
        return err;
    for (size_t i = 0; i < n; i++) {
        plan_member(b, a, &rows[i]);
        a->row.cursor = a->to_groups ? rows[i].group.v : rows[i].contact.v;
    }
    write_progress(b, a, n < CHUNK);
    if (n < CHUNK)
        finish(x, b, at);
    return 0;
}

/* ---- the official account's own tags ---- */

static bool reads_pages(const struct active *a)
{
    return a->kind == ACCOUNT_OFFICIAL && !a->to_groups;
}

static int ask_page(struct batch *b, struct active *a)
{
    struct attempt_plan p = {.account = registry_account(&b->engine->registry, a->account), .op = CALL_TAG_MEMBERS,
                             .class = CLASS_BROADCAST, .key = attempt_key(b, a->row.id.v)};
    int64_t busy = 0;

    a->page_asked_ms = b->now_ms;
    if (!p.account)
        return 0;
    p.params = batch_json(b, json_pack("{s:s, s:s%}", "tag", a->tag, "next", a->row.page.n ? a->row.page.p : "",
                                       a->row.page.n));
    return attempt_ask(b, &p, &busy); /* busy: asked again after PAGE_RETRY_MS */
}

static struct active *by_key(struct broadcasts *x, struct batch *b, struct str key, size_t *ret_at)
{
    for (size_t i = 0; i < x->count; i++)
        if (str_eq(attempt_key(b, x->active[i]->row.id.v), key)) {
            *ret_at = i;
            return x->active[i];
        }
    return NULL;
}

static int plan_page(struct batch *b, struct active *a, const json_t *members)
{
    struct connection *c = registry_connection(&b->engine->registry, a->connection);
    size_t n = json_array_size(members);
    struct facts_who *who = arena_alloc(&b->arena, n * sizeof *who + 1);

    if (!who)
        return -ENOMEM;
    for (size_t i = 0; i < n && c; i++)
        who[i] = (struct facts_who){.domain = c->domain,
                                    .external = batch_cstr(b, json_string_value(json_array_get(members, i)))};
    int err = c ? facts_resolve(b, who, n) : 0;
    for (size_t i = 0; i < n && !err; i++) {
        struct person *p = facts_person(b, who[i].ret);
        if (p)
            plan_member(b, a, &(struct audience_row){.contact = who[i].ret, .account = a->account,
                                                     .refused = person_refuses(p, STR("marketing"))});
    }
    return err;
}

int broadcasts_learn_page(struct broadcasts *x, struct batch *b, const struct attempt_row *poll,
                          const struct op_facts *op)
{
    size_t at = 0;
    struct active *a = by_key(x, b, poll->key, &at);
    json_t *data = NULL;
    struct str next;

    if (!a)
        return 0;
    if (op->facts.outcome != OUTCOME_ACCEPTED || json_parse(op->data_text, JSON_DEPTH, &data, NULL) != 0)
        return 0; /* asked again after PAGE_RETRY_MS */
    int err = plan_page(b, a, json_object_get(data, "members"));
    next = str_of(json_str(data, "next", ""));
    bool done = !next.n || json_array_size(json_object_get(data, "members")) == 0;
    if (!err) {
        mem_free((void *)(uintptr_t)a->row.page.p);
        a->row.page = next;
        err = own(&a->row.page) ? 0 : -ENOMEM;
    }
    json_decref(data);
    if (err)
        return err;
    a->page_asked_ms = 0;
    write_progress(b, a, done);
    if (done)
        finish(x, b, at);
    return 0;
}

void broadcasts_changed(struct broadcasts *x)
{
    x->look_ms = 0;
    map_str_clear(&x->seen); /* a time may have changed */
}

static int look_at_all(struct broadcasts *x, struct batch *b)
{
    size_t n;
    const struct plan *const *plans = rulebook_plans(b->engine->rulebook, &n);
    int err = 0;

    if (b->now_ms < x->look_ms)
        return 0;
    x->look_ms = CALENDAR_NEVER;
    for (size_t i = 0; i < n && !err; i++)
        for (size_t k = 0; k < plans[i]->broadcast_count && !err; k++)
            err = look(x, b, plans[i], &plans[i]->broadcasts[k], &x->look_ms);
    return err;
}

/* Pages that are due are asked for; an expansion that outlives its messages ends. */
static int tend(struct broadcasts *x, struct batch *b)
{
    int err = 0;

    for (size_t i = x->count; i-- > 0 && !err;) {
        struct active *a = x->active[i];
        if (b->now_ms >= a->start_ms + a->expires_ms) {
            write_progress(b, a, true);
            finish(x, b, i);
        } else if (reads_pages(a) && (!a->page_asked_ms || b->now_ms - a->page_asked_ms > PAGE_RETRY_MS)) {
            err = ask_page(b, a);
        }
    }
    return err;
}

/* One chunk a batch, of each in turn: a small broadcast does not wait for a big one. 1: there is more. */
static int expand_one(struct broadcasts *x, struct batch *b)
{
    for (size_t i = 0; i < x->count; i++) {
        size_t at = x->turn++ % x->count;
        if (reads_pages(x->active[at]))
            continue;
        int err = expand_chunk(x, b, at);
        return err ? err : 1;
    }
    return 0;
}

int broadcasts_tick(struct broadcasts *x, struct batch *b, int64_t *ret_next_ms)
{
    int err = look_at_all(x, b);

    if (!err)
        err = tend(x, b);
    int more = err ? err : expand_one(x, b);
    *ret_next_ms = more ? b->now_ms : x->look_ms;
    if (x->count && b->now_ms + PAGE_RETRY_MS < *ret_next_ms)
        *ret_next_ms = b->now_ms + PAGE_RETRY_MS;
    return more < 0 ? more : 0;
}
