/* SPDX-License-Identifier: Apache-2.0 */
/* One wait a call:
 *
 *     ENGINE --stored--> answered, gone
 *       |  '--refused--> answered with the error, gone
 *       | 3.5 s
 *     DISK ----stored, refused: as above
 *       |  '--the spool refuses--> answered with that, gone
 *       | fsynced: answered, without a passive reply
 *     SPOOLED --stored--> gone
 *          '--refused--> given to the engine again
 *
 * The spool is emptied when no wait is in DISK or SPOOLED: a line that is only on its way to the disk must
 * not be thrown away with those before it. */
#include "host/intake.h"

#include <assert.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "host/channel.h"
#include "host/inbound.h"
#include "host/spool.h"

#define SPOOL_AFTER_MS 3500
enum { WAITING_MAX = 50000, REPLAYED_AT_ONCE = 1000, LINE_MAX_BYTES = 16 << 20 };

enum wait_state { WAIT_ENGINE, WAIT_DISK, WAIT_SPOOLED, WAIT_STATE_COUNT };

struct wait {
    struct list node; /* in order of arrival while in ENGINE */
    enum wait_state state;
    struct inbound_id id;
    struct channel *channel;
    struct op_inbound *op; /* shared with the engine */
    int64_t since_ms;
};

struct intake {
    struct intake_conf conf;
    struct spool *spool;
    struct map_i64 waits; /* inbound id -> struct wait */
    struct list order;    /* struct wait.node */
    size_t count[WAIT_STATE_COUNT];
    bool replayed; /* nothing of an earlier life is left to read */
    bool keep;     /* the file holds what is nowhere else */
    struct intake_stats stats;
};

/* ---- waits ---- */

static void wait_enter(struct intake *t, struct wait *w, enum wait_state next)
{
    assert(next > w->state);
    list_del(&w->node);
    t->count[w->state]--;
    t->count[next]++;
    w->state = next;
}

static size_t in_spool(const struct intake *t)
{
    return t->count[WAIT_DISK] + t->count[WAIT_SPOOLED];
}

static void forget_if_done(struct intake *t)
{
    if (!in_spool(t) && t->replayed && !t->keep)
        spool_forget(t->spool);
}

static void wait_free(struct intake *t, struct wait *w)
{
    bool spooled = w->state != WAIT_ENGINE;

    list_del(&w->node);
    (void)map_i64_del(&t->waits, w->id.v);
    message_free(&w->op->m);
    t->count[w->state]--;
    mem_free(w);
    if (spooled)
        forget_if_done(t);
}

static int wait_new(struct intake *t, struct channel *c, struct op_inbound *op, enum wait_state state)
{
    struct wait *w = mem_calloc(1, sizeof *w);
    int err = w ? map_i64_put(&t->waits, op->id.v, w) : -ENOMEM;

    if (err) {
        mem_free(w);
        return err;
    }
    w->state = state;
    w->id = op->id;
    w->channel = c;
    w->op = container_of(message_share(&op->m), struct op_inbound, m);
    w->since_ms = loop_now_ms(t->conf.loop);
    list_init(&w->node);
    if (state == WAIT_ENGINE)
        list_add_tail(&t->order, &w->node);
    t->count[state]++;
    host_post(t->conf.host, &op->m);
    return 0;
}

int intake_take(struct intake *t, struct channel *c, struct op_inbound *op)
{
    int err = wait_new(t, c, op, WAIT_ENGINE);

    if (!err)
        t->stats.taken++;
    return err;
}

/* ---- the engine's word ---- */

static void take_back(struct intake *t, const struct reply_stored *r)
{
    if (r->has_content && r->event.v)
        host_unsay(t->conf.host, r->event);
}

static void answer(struct intake *t, struct wait *w, const struct reply_stored *r)
{
    struct channel *c = w->channel;

    wait_free(t, w);
    if (!r->err)
        t->stats.acknowledged++;
    if (channel_stored(c, r->id, r, r->err) != 0)
        take_back(t, r);
}

/* Its platform has had an empty answer already. */
static void end_spooled(struct intake *t, struct wait *w, const struct reply_stored *r)
{
    if (r->err) {
        host_post(t->conf.host, message_share(&w->op->m));
        return;
    }
    take_back(t, r);
    wait_free(t, w);
}

static int replay_some(struct intake *t);

void intake_stored(struct intake *t, const struct reply_stored *r)
{
    struct wait *w = map_i64_get(&t->waits, r->id.v);

    if (!w)
        take_back(t, r); /* the spool refused it, and so its platform comes again */
    else if (w->state == WAIT_SPOOLED)
        end_spooled(t, w, r);
    else
        answer(t, w, r);
    (void)replay_some(t); /* what fails here fails in intake_watch() again, and is said there */
}

/* ---- into the spool ---- */

static void on_safe(void *ctx, int64_t tag, int err)
{
    struct intake *t = ctx;
    struct wait *w = map_i64_get(&t->waits, tag);

    if (!w)
        return; /* the engine was faster after all */
    struct channel *c = w->channel;
    struct inbound_id id = w->id;
    if (err) {
        log_warn("host", "the spool refuses an event: %s", err_text(err));
        wait_free(t, w);
    } else {
        t->stats.spooled++;
        wait_enter(t, w, WAIT_SPOOLED);
    }
    (void)channel_stored(c, id, NULL, err);
}

static int send_to_disk(struct intake *t, struct wait *w)
{
    struct buf line;

    buf_init(&line, LINE_MAX_BYTES);
    int err = inbound_write(w->op, w->channel->name, &line);
    if (!err)
        err = spool_write(t->spool, w->id.v, buf_str(&line));
    buf_fini(&line);
    if (!err)
        wait_enter(t, w, WAIT_DISK);
    return err;
}

/* One that cannot be written does not keep the others from it. */
static int spool_late(struct intake *t)
{
    int64_t now = loop_now_ms(t->conf.loop);
    int worst = 0;

    for (struct list *n = t->order.next, *next; n != &t->order; n = next) {
        struct wait *w = container_of(n, struct wait, node);
        if (now - w->since_ms < SPOOL_AFTER_MS)
            break;
        next = n->next;
        int err = send_to_disk(t, w);
        worst = err ? err : worst;
    }
    return worst;
}

/* ---- out of the spool ---- */

static void set_aside(struct intake *t, struct str line, const char *why)
{
    int err = spool_set_aside(t->spool, line);

    log_error("host", "a spooled event cannot be replayed: %s; it is kept in spool%s.jsonl", why,
              err ? "" : ".refused");
    t->keep = t->keep || err;
}

static int replay_line(struct intake *t, struct str line)
{
    struct op_inbound *op;
    struct str connection;
    int err = inbound_read(line, &op, &connection);

    if (err == -ENOMEM)
        return err;
    struct channel *c = err ? NULL : host_channel(t->conf.host, connection);
    if (!c) {
        set_aside(t, line, err ? err_text(err) : "its connection is not configured any more");
        if (!err)
            message_free(&op->m);
        return 0;
    }
    op->id = host_inbound_id(t->conf.host);
    op->connection = c->id;
    err = wait_new(t, c, op, WAIT_SPOOLED);
    if (err)
        message_free(&op->m);
    return err;
}

static int replay_some(struct intake *t)
{
    struct str line;
    int more = 1, err = 0;

    while (!t->replayed && more == 1 && !err && in_spool(t) < REPLAYED_AT_ONCE &&
           map_i64_count(&t->waits) < WAITING_MAX) {
        more = spool_next(t->spool, &line);
        if (more == 1)
            err = line.n ? replay_line(t, line) : 0;
        else
            t->replayed = true;
        if (more < 0 || err) {
            t->keep = true; /* the next start tries again */
            err = err ? err : more;
        }
    }
    if (t->replayed && !more)
        forget_if_done(t);
    return err;
}

int intake_watch(struct intake *t)
{
    int late = spool_late(t);
    int replay = replay_some(t);

    return late ? late : replay;
}

/* ---- life ---- */

int intake_new(const struct intake_conf *conf, struct intake **ret)
{
    struct intake *t = mem_calloc(1, sizeof *t);

    if (!t)
        return -ENOMEM;
    t->conf = *conf;
    map_i64_init(&t->waits, WAITING_MAX);
    list_init(&t->order);
    int err = spool_open(conf->loop, conf->dir, on_safe, t, &t->spool);
    if (err) {
        mem_free(t);
        return err;
    }
    *ret = t;
    return 0;
}

void intake_free(struct intake *t)
{
    union map_val v;
    int64_t key;

    if (!t)
        return;
    spool_close(t->spool);
    for (size_t at = 0; map_i64_next(&t->waits, &at, &key, &v);) {
        struct wait *w = v.p;
        message_free(&w->op->m);
        mem_free(w);
    }
    map_i64_fini(&t->waits);
    mem_free(t);
}

struct intake_stats intake_stats(const struct intake *t)
{
    struct intake_stats s = t->stats;

    s.waiting = t->count[WAIT_ENGINE] + t->count[WAIT_DISK];
    return s;
}
