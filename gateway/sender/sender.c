/* SPDX-License-Identifier: Apache-2.0 */
/* A round: pick queues lane by lane -> load their due rows -> load people, contents -> judge -> load counters ->
 * charge and open attempts in lane order. Every load names everything of the round at once. */
#include "sender/sender.h"

#include <stdlib.h>

#include "base/json.h"
#include "engine/attempt.h"
#include "engine/counters.h"
#include "engine/delivery.h"
#include "engine/engine_private.h"
#include "engine/note.h"
#include "engine/render.h"
#include "engine/settle.h"
#include "sender/judge.h"
#include "sender/queue.h"

enum {
    WINDOW = 64,          /* calls in flight of this process: bounds what a crash leaves unknown */
    WINDOW_BULK = 48,     /* of them for lanes 2 and 3 */
    QUEUES_MAX = 128,     /* a round */
    SHARED_MAX = 50000,   /* recipients of one call, whatever the platform takes: they sit in memory at once */
    MASS_MIN = 2,         /* mass/send takes no single recipient */
    QUANTUM = 8,          /* rows of one queue a round, where calls carry one each */
    ROUND_MAX = 2 * 10000 /* rows a round, for calls that carry many */
};

struct pick {
    struct queue *queue;
    struct account *account;
    struct delivery_row *rows;
    size_t count;
    int64_t next_ms;
    bool batched; /* one call carries many rows */
    struct candidate *candidates;
};

struct sender {
    struct engine *engine;
    struct queue_table queues;
    bool loaded; /* false: nobody knows which queues there are */
};

int sender_new(struct engine *e, struct sender **ret)
{
    struct sender *s = mem_calloc(1, sizeof *s);

    if (!s)
        return -ENOMEM;
    s->engine = e;
    queue_table_init(&s->queues);
    *ret = s;
    return 0;
}

void sender_free(struct sender *s)
{
    if (!s)
        return;
    queue_table_fini(&s->queues);
    mem_free(s);
}

int sender_load(struct sender *s)
{
    struct arena scratch;
    struct queue_row *rows;
    size_t n;

    arena_init(&scratch, (size_t)64 << 20);
    queue_table_clear(&s->queues);
    int err = store_load_queues(s->engine->store, &scratch, &rows, &n);
    for (size_t i = 0; i < n && !err; i++)
        err = queue_touch(&s->queues, rows[i].key, rows[i].next_due_ms);
    arena_fini(&scratch);
    s->loaded = !err;
    return err;
}

int64_t sender_next_ms(const struct sender *s)
{
    return queue_next_ms(&s->queues);
}

/* ---- picking ---- */

static int max_recipients(const struct account *a, enum call_op op)
{
    int max = a->rule ? a->rule->max_recipients[op] : 1;

    return max < 1 ? 1 : max > SHARED_MAX ? SHARED_MAX : max;
}

static int merge_touched(struct sender *s, struct batch *b)
{
    int err = 0;

    for (size_t i = 0; i < b->touched.count && !err; i++) {
        const struct queue_row *t = vec_at(&b->touched, i);
        err = queue_touch(&s->queues, t->key, t->next_due_ms);
    }
    b->touched.count = 0;
    return err;
}

/* How many calls this account may start now. Bulk leaves room for one call in a hurry: a provider that hangs on
 * broadcasts must not cost a welcome its 20 s. */
static int64_t room(const struct sender *s, const struct account *a, int lane)
{
    struct engine *e = s->engine;
    bool bulk = lane >= 2;
    int64_t most = a->rule && a->rule->concurrency > 0 ? a->rule->concurrency : 1;
    int64_t window = (bulk ? WINDOW_BULK : WINDOW) - e->in_flight_total;
    int64_t own = (bulk && most > 1 ? most - 1 : most) - attempt_in_flight(e, a->id);

    return own < window ? own : window;
}

/* Why the queue rests, or 0. */
static int64_t resting_until(const struct sender *s, const struct batch *b, const struct account *a)
{
    int64_t until = settle_blocked_until(s->engine, a->id);

    if (a->frozen)
        return b->now_ms + 60000;
    return until > b->now_ms ? until : 0;
}

/* Texts that differ are a call each: then no more rows are worth loading than calls may start. */
static int may_share(struct batch *b, const struct pick *p, bool *ret)
{
    int64_t id = p->rows[0].content;
    struct content_row content = {0};
    int err = 0;

    *ret = id == p->rows[p->count - 1].content;
    if (*ret)
        err = store_load_contents(b->engine->store, &id, 1, &b->arena, &content);
    if (!err && *ret)
        err = render_is_shared(b, &content, ret);
    if (err != ERR_RENDER)
        return err;
    *ret = false; /* judged row by row, where each failure is written down */
    return 0;
}

static int load_rows(struct sender *s, struct batch *b, struct pick *p, int64_t calls)
{
    size_t limit = (size_t)(calls < QUANTUM ? calls : QUANTUM);
    bool shared;

    /* The first row tells whether its calls carry many. */
    int err = store_load_due(b->engine->store, p->queue->key, b->now_ms, limit, &b->arena, &p->rows, &p->count,
                             &p->next_ms);
    if (err || !p->count || max_recipients(p->account, p->rows[0].op) == 1)
        return err;
    p->batched = true;
    if (map_i64_find(&s->engine->expanding, p->queue->key.campaign)) {
        p->count = 0; /* one task for all, not one for each chunk of the audience */
        p->next_ms = b->now_ms + 200;
        return 0;
    }
    err = may_share(b, p, &shared);
    if (err || !shared)
        return err;
    limit = (size_t)max_recipients(p->account, p->rows[0].op);
    if (p->rows[0].op == CALL_MASS)
        limit++; /* one more tells whether a single one would be left over */
    return store_load_due(b->engine->store, p->queue->key, b->now_ms, limit, &b->arena, &p->rows, &p->count,
                          &p->next_ms);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* A queue that may not be served lets go what is too late, looking again at the next deadline. */
static int rest_until(struct sender *s, struct batch *b, struct queue *q, int64_t until)
{
    struct delivery_row *rows;
    int64_t next;
    size_t n;
    int err = store_load_due(s->engine->store, q->key, b->now_ms, QUANTUM, &b->arena, &rows, &n, &next);

    if (err)
        return err;
    q->blocked_ms = until;
    for (size_t i = 0; i < n; i++)
        if (judge_deadline(b, &rows[i]))
            q->blocked_ms = earlier(q->blocked_ms, rows[i].deadline_ms);
        else
            q->blocked_ms = b->now_ms; /* more of them may wait behind */
    queue_served(&s->queues, q, n ? b->now_ms : next);
    return 0;
}

/* A queue of an account that is no longer configured rests until the configuration knows it again. */
static int pick_queue(struct sender *s, struct batch *b, struct queue *q, struct pick *ret, bool *ret_picked)
{
    struct account *a = registry_account(&s->engine->registry, q->key.account);
    int64_t until = a ? resting_until(s, b, a) : b->now_ms + 60000;
    int64_t calls = a ? room(s, a, q->key.lane) : 0;

    *ret_picked = false;
    if (until)
        return rest_until(s, b, q, until);
    if (calls < 1) {
        q->starved = true;
        return 0;
    }
    *ret = (struct pick){.queue = q, .account = a};
    int err = load_rows(s, b, ret, calls);
    if (!err && !ret->count)
        queue_served(&s->queues, q, ret->next_ms);
    *ret_picked = !err && ret->count > 0;
    return err;
}

static int pick(struct sender *s, struct batch *b, struct pick *picks, size_t *ret_n)
{
    struct queue *ready[QUEUES_MAX];
    size_t rows = 0;
    int err = 0;

    *ret_n = 0;
    for (int lane = 0; lane < LANE_COUNT; lane++) {
        size_t n = queue_ready(&s->queues, lane, b->now_ms, ready, QUEUES_MAX);
        for (size_t i = 0; i < n && !err && *ret_n < QUEUES_MAX && rows < ROUND_MAX; i++) {
            bool picked;
            err = pick_queue(s, b, ready[i], &picks[*ret_n], &picked);
            if (!err && picked)
                rows += picks[(*ret_n)++].count;
        }
    }
    return err;
}

/* ---- loading what the rows name ---- */

static int load_people(struct batch *b, struct pick *picks, size_t n)
{
    size_t total = 0, at = 0;

    for (size_t i = 0; i < n; i++)
        total += picks[i].count;
    struct contact_id *ids = arena_alloc(&b->arena, total * sizeof *ids + 1);
    if (!ids)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < picks[i].count; k++)
            ids[at++] = picks[i].rows[k].contact;
    return facts_load(b, ids, total);
}

static int load_contents(struct batch *b, struct pick *p)
{
    struct content_row row = {0};
    int64_t have = 0;
    int err = 0;

    for (size_t k = 0; k < p->count && !err; k++) {
        int64_t id = p->candidates[k].row->content;
        if (id != have) /* rows of one broadcast share theirs */
            err = store_load_contents(b->engine->store, &id, 1, &b->arena, &row);
        have = id;
        p->candidates[k].content = row;
    }
    return err;
}

static int load_group(struct batch *b, struct candidate *c)
{
    struct group_row group = {0};
    int err = store_load_groups(b->engine->store, &c->row->group, 1, &b->arena, &group);

    if (!err && group.id.v && !group.dismissed)
        c->to = group.external;
    return err;
}

static int make_candidates(struct batch *b, struct pick *p)
{
    int err = 0;

    p->candidates = arena_alloc(&b->arena, p->count * sizeof *p->candidates);
    if (!p->candidates)
        return -ENOMEM;
    for (size_t k = 0; k < p->count && !err; k++) {
        struct candidate *c = &p->candidates[k];
        c->row = &p->rows[k];
        c->account = p->account;
        c->who = facts_person(b, c->row->contact);
        if (c->row->group.v)
            err = load_group(b, c);
        else if (c->who)
            c->to = person_external(c->who, p->account->connection->domain);
    }
    return err ? err : load_contents(b, p);
}

/* Who may go at all; the rest is ended or held. Keeps order. */
static void judge_all(struct batch *b, struct pick *p)
{
    size_t kept = 0;

    for (size_t k = 0; k < p->count; k++)
        if (judge_person(b, &p->candidates[k]) && judge_content(b, &p->candidates[k]))
            p->candidates[kept++] = p->candidates[k];
    p->count = kept;
}

static int load_wants(struct batch *b, struct pick *p)
{
    int err = 0;

    for (size_t k = 0; k < p->count && !err; k++) {
        struct candidate *c = &p->candidates[k];
        bool repeat = c->row->cause == CAUSE_NO_ANSWER; /* same key: charged already */
        c->attempt = (struct attempt_id){batch_id(b)};
        int n = repeat ? 0 : judge_wants(b, c, c->row->id.v, 0, c->wants, JUDGE_WANTS / 2);
        int m = n < 0 ? n : judge_wants(b, c, 0, c->attempt.v, c->wants + n, JUDGE_WANTS - (size_t)n);
        if (n < 0 || m < 0)
            return n < 0 ? n : m;
        c->want_count = (size_t)(p->batched ? n : n + m);
        err = counters_load_wants(b, c->wants, (size_t)(n + m));
    }
    return err;
}

/* ---- charging and opening ---- */

static int64_t start_deadline(const struct batch *b, const struct candidate *c)
{
    int64_t end = b->now_ms + rulepack_t_send_ms(b->engine->rules);

    return c->row->deadline_ms < end ? c->row->deadline_ms : end;
}

/* What only this kind of call needs. */
static struct str params_of(struct batch *b, const struct candidate *c)
{
    json_t *content = NULL;
    struct note n;

    if (c->row->op != CALL_MASS_TAG || json_parse(c->content.body, JSON_DEPTH, &content, NULL) != 0)
        return (struct str){NULL, 0};
    note_begin(&n, b);
    note_cstr(&n, "tag", json_str(content, "tag", ""));
    json_decref(content);
    return note_end(&n);
}

static void open_attempt(struct batch *b, struct candidate *first, struct delivery_row **rows, struct str *to,
                         size_t n, struct attempt_id id, struct str charged)
{
    /* The key of a delivery's first call stays its key: a repeat is recognised by it. */
    int64_t key = n == 1 ? first->row->id.v : id.v;

    attempt_open(b, &(struct attempt_plan){
                        .id = id, .account = first->account, .op = first->row->op, .class = first->row->class,
                        .key = attempt_key(b, key), .code = first->row->code, .content = first->row->content,
                        .content_text = first->text, .params = params_of(b, first), .deadline_ms = start_deadline(b, first), .rows = rows,
                        .to = to, .count = n, .charged = charged});
}

/* The rest of the queue waits: for a time, or (block NULL, or a paced account's call is out) for an answer. Who cannot
 * wait that long is looked at when its time is over. */
static void rest_queue(const struct batch *b, struct pick *p, const struct quota_block *block)
{
    p->next_ms = b->now_ms;
    if (!block || (block->limit->window == WINDOW_PACE && block->used == PACE_BUSY)) {
        p->queue->starved = true;
        return;
    }
    p->queue->blocked_ms = block->free_at_ms;
    for (size_t i = 0; i < p->count; i++)
        if (p->candidates[i].row->state != STATE_IN_FLIGHT)
            p->queue->blocked_ms = earlier(p->queue->blocked_ms, p->candidates[i].row->deadline_ms);
}

/* Calls that carry one row each. */
static int send_singles(struct sender *s, struct batch *b, struct pick *p)
{
    for (size_t k = 0; k < p->count; k++) {
        struct candidate *c = &p->candidates[k];
        struct quota_block block;
        if (room(s, p->account, p->queue->key.lane) < 1) {
            rest_queue(b, p, NULL);
            return 0;
        }
        int err = quota_charge(b->engine->counters, c->wants, c->want_count, b->now_ms, &block);
        if (err == ERR_QUOTA && judge_hold(b, c, &block)) {
            rest_queue(b, p, &block);
            return 0;
        }
        if (err && err != ERR_QUOTA)
            return err;
        if (!err)
            open_attempt(b, c, &c->row, &c->to, 1, c->attempt, judge_charged(b, c->wants, c->want_count));
    }
    return 0;
}

/* The rows from `at` on that go into one call: same text, each with its own permission. `ret_block` has a limit when
 * it holds all that follow. */
static int gather_shared(struct batch *b, struct pick *p, size_t at, struct delivery_row **rows, struct str *to,
                         size_t *ret_n, size_t *ret_next, struct quota_block *ret_block)
{
    struct candidate *first = &p->candidates[at];
    size_t n = 0, k = at, max = (size_t)max_recipients(p->account, first->row->op);

    ret_block->limit = NULL;

    if (first->row->op == CALL_MASS && p->count - at == max + 1)
        max--; /* leaves two for the next call */
    for (; k < p->count && n < max; k++) {
        struct candidate *c = &p->candidates[k];
        struct quota_block block;
        if (c != first && (!first->shared || !str_eq(c->text, first->text) || c->row->op != first->row->op))
            break;
        int err = quota_charge(b->engine->counters, c->wants, c->want_count, b->now_ms, &block);
        if (err && err != ERR_QUOTA)
            return err;
        if (err && judge_hold(b, c, &block)) {
            *ret_block = block;
            break;
        }
        if (err)
            continue;
        rows[n] = c->row;
        to[n++] = c->to;
    }
    *ret_n = n;
    *ret_next = k;
    return 0;
}

static bool alone(const struct pick *p, size_t at)
{
    return p->candidates[at].row->op == CALL_MASS && p->count - at < MASS_MIN;
}

static int send_shared(struct sender *s, struct batch *b, struct pick *p)
{
    struct delivery_row **rows = arena_alloc(&b->arena, p->count * sizeof *rows + 1);
    struct str *to = arena_alloc(&b->arena, p->count * sizeof *to + 1);

    if (!rows || !to)
        return -ENOMEM;
    for (size_t at = 0; at < p->count;) {
        struct candidate *first = &p->candidates[at];
        struct claim_want call[JUDGE_WANTS];
        struct quota_block block, full;
        size_t n, next;
        if (alone(p, at)) {
            judge_alone(b, first);
            return 0;
        }
        if (room(s, p->account, p->queue->key.lane) < 1) {
            rest_queue(b, p, NULL);
            return 0;
        }
        int wants = judge_wants(b, first, 0, first->attempt.v, call, JUDGE_WANTS);
        int err = wants < 0 ? wants : quota_check(b->engine->counters, call, (size_t)wants, b->now_ms, &block);
        if (err == ERR_QUOTA && judge_hold(b, first, &block)) {
            rest_queue(b, p, &block);
            return 0;
        }
        if (!err)
            err = gather_shared(b, p, at, rows, to, &n, &next, &full);
        if (!err && n)
            err = quota_charge(b->engine->counters, call, (size_t)wants, b->now_ms, &block);
        if (err)
            return err;
        if (n)
            open_attempt(b, first, rows, to, n, first->attempt, judge_charged(b, call, (size_t)wants));
        if (full.limit) {
            rest_queue(b, p, &full);
            return 0;
        }
        at = next;
        rows += n;
        to += n;
    }
    return 0;
}

int sender_step(struct sender *s)
{
    struct batch *b = &s->engine->batch;
    struct pick *picks = arena_alloc(&b->arena, QUEUES_MAX * sizeof *picks);
    size_t n = 0;
    int err = s->loaded ? 0 : sender_load(s);

    if (!err)
        err = merge_touched(s, b);
    queue_feed(&s->queues);
    if (!picks)
        return -ENOMEM;
    if (!err)
        err = pick(s, b, picks, &n);
    if (!err)
        err = load_people(b, picks, n);
    for (size_t i = 0; i < n && !err; i++) {
        struct pick *p = &picks[i];
        err = make_candidates(b, p);
        if (!err)
            judge_all(b, p);
        if (!err)
            err = load_wants(b, p);
        if (!err)
            err = p->batched ? send_shared(s, b, p) : send_singles(s, b, p);
        if (!err)
            queue_served(&s->queues, p->queue, p->next_ms);
    }
    queue_sweep(&s->queues);
    return err ? err : merge_touched(s, b);
}
