/* SPDX-License-Identifier: Apache-2.0 */
#include "host/core.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "sender/sender.h"
#include "store/store.h"

enum { OPS_WAITING_MAX = 8192, OPS_A_BATCH = 256, REPLIES_WAITING_MAX = 1 << 20, EXIT_NOT_DURABLE = 70 };
#define WAIT_MAX_MS 1000
#define RETRY_MS 200 /* after a batch that was rolled back */

struct core {
    struct engine *engine;
    struct store *store;
    const struct clock *clock;
    struct sender *sender;
    struct mailbox in, out;
    struct loop_wake wake; /* rings the loop when `out` has something */
    bool running;
    bool held; /* engine thread: nothing new goes out */
    core_reply_fn on_reply;
    void *ctx;
    pthread_t thread;
    struct list waiting; /* engine thread: taken from `in`, not yet in a batch */
    atomic_int_fast64_t stall_ms;
    atomic_uint_fast64_t batches, ops, commit_us_max;
};

static void ring(void *ctx)
{
    struct core *c = ctx;

    loop_wake_send(&c->wake);
}

static void on_wake(struct loop_wake *w)
{
    struct core *c = container_of(w, struct core, wake);
    struct list ready, *node;

    list_init(&ready);
    (void)mailbox_take_all(&c->out, &ready);
    while ((node = list_pop(&ready)) != NULL)
        c->on_reply(c->ctx, container_of(node, struct message, node));
}

int core_new(struct loop *loop, struct engine *engine, struct store *store, const struct clock *clock,
             core_reply_fn on_reply, void *ctx, struct core **ret)
{
    struct core *c = mem_calloc(1, sizeof *c);

    if (!c)
        return -ENOMEM;
    c->engine = engine;
    c->store = store;
    c->clock = clock;
    c->on_reply = on_reply;
    c->ctx = ctx;
    list_init(&c->waiting);
    int err = mailbox_init(&c->in, OPS_WAITING_MAX, NULL, NULL);
    if (err) {
        mem_free(c);
        return err;
    }
    err = mailbox_init(&c->out, REPLIES_WAITING_MAX, ring, c);
    if (err) {
        mailbox_fini(&c->in);
        mem_free(c);
        return err;
    }
    err = sender_new(engine, &c->sender);
    if (!err)
        err = sender_load(c->sender);
    if (!err)
        err = loop_wake_init(loop, &c->wake, on_wake);
    if (err) {
        sender_free(c->sender);
        mailbox_fini(&c->out);
        mailbox_fini(&c->in);
        mem_free(c);
        return err;
    }
    *ret = c;
    return 0;
}

/* ---- the engine thread ---- */

static void post_replies(struct core *c, struct list *replies)
{
    struct list *node;

    while ((node = list_pop(replies)) != NULL)
        if (mailbox_post(&c->out, node) != 0) {
            /* A million unread replies: the loop is dead, and an unanswered attempt must not be forgotten. */
            log_error("core", "the loop thread reads no replies");
            _exit(EXIT_NOT_DURABLE);
        }
}

static uint64_t now_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void commit(struct core *c, struct list *replies)
{
    uint64_t start = now_us();
    int err = engine_commit(c->engine, replies);
    uint64_t took = now_us() - start;

    if (err) {
        log_error("core", "commit failed (%s): what is durable is unknown, so nothing more is sent",
                  err_text(err));
        _exit(EXIT_NOT_DURABLE);
    }
    if (took > atomic_load_explicit(&c->commit_us_max, memory_order_relaxed))
        atomic_store_explicit(&c->commit_us_max, took, memory_order_relaxed);
}

static void run_batch(struct core *c, struct list *ops, struct list *replies)
{
    int err = engine_begin(c->engine, ops);

    if (!err)
        err = engine_take(c->engine);
    if (!err && !c->held)
        err = engine_tick(c->engine);
    if (!err && !c->held)
        err = sender_step(c->sender);
    if (!err)
        err = engine_flush(c->engine);
    if (!err) {
        commit(c, replies);
    } else {
        log_warn("core", "batch rolled back: %s", err_text(err));
        engine_abort(c->engine, err, replies);
        err = sender_load(c->sender);
        if (err)
            log_error("core", "reading the queues failed: %s", err_text(err));
        (void)usleep(RETRY_MS * 1000);
    }
    atomic_fetch_add_explicit(&c->batches, 1, memory_order_relaxed);
}

static void say(enum message_kind kind, struct list *replies)
{
    struct message *m = message_new(kind, sizeof *m);

    if (!m)
        abort(); /* a few bytes at the very end */
    list_add_tail(replies, &m->node);
}

/* Up to OPS_A_BATCH of what waits. The order to hold is a batch of its own: what was ordered before it is
 * out. */
static void next_ops(struct core *c, struct list *ret, struct list *replies)
{
    struct list *node;
    size_t n = 0;

    while (n < OPS_A_BATCH && (node = list_first(&c->waiting)) != NULL) {
        struct message *m = container_of(node, struct message, node);
        if (m->kind == OP_HOLD && n)
            break;
        list_del(node);
        if (m->kind == OP_HOLD) {
            message_free(m);
            c->held = true;
            say(REPLY_HELD, replies);
            break;
        }
        list_add_tail(ret, node);
        n++;
    }
    atomic_fetch_add_explicit(&c->ops, n, memory_order_relaxed);
}

static int64_t due_in_ms(const struct core *c)
{
    int64_t now = engine_now_ms(c->engine), engine = engine_next_ms(c->engine),
            sender = sender_next_ms(c->sender);
    int64_t at = engine < sender ? engine : sender;

    if (c->held)
        return WAIT_MAX_MS;
    if (at <= now)
        return 0;
    int64_t real =
        clock_real_ms(c->clock, at - now); /* compared only after scaling: the clock may run fast */
    return real < WAIT_MAX_MS ? real : WAIT_MAX_MS;
}

static void maybe_stall(struct core *c)
{
    int64_t ms = atomic_exchange(&c->stall_ms, 0);

    if (ms > 0)
        (void)usleep((useconds_t)ms * 1000);
}

static void *run(void *arg)
{
    struct core *c = arg;
    bool open = true;

    while (open || !list_empty(&c->waiting)) {
        struct list ops, replies;
        int64_t wait = list_empty(&c->waiting) ? due_in_ms(c) : 0;

        list_init(&ops);
        list_init(&replies);
        if (wait > 0 && mailbox_count(&c->in) == 0 && store_checkpoint_step(c->store) == 1)
            wait = 0;
        open = mailbox_wait(&c->in, wait) != ERR_CLOSED;
        (void)mailbox_take_all(&c->in, &c->waiting);
        maybe_stall(c);
        next_ops(c, &ops, &replies);
        if (!list_empty(&ops) || (open && (due_in_ms(c) == 0 || wait == WAIT_MAX_MS)))
            run_batch(c, &ops, &replies);
        post_replies(c, &replies);
    }
    struct list last;
    list_init(&last);
    say(REPLY_STOPPED, &last);
    post_replies(c, &last);
    return NULL;
}

/* ---- the loop's side ---- */

int core_start(struct core *c)
{
    int err = -pthread_create(&c->thread, NULL, run, c);

    c->running = err == 0;
    return err;
}

int core_post(struct core *c, struct message *op)
{
    return mailbox_post(&c->in, &op->node);
}

void core_stop(struct core *c)
{
    mailbox_close(&c->in);
}

/* The loop rings through memory of `c` until here. */
static void on_wake_closed(struct loop_wake *w)
{
    mem_free(container_of(w, struct core, wake));
}

void core_free(struct core *c)
{
    struct list rest, *node;

    if (!c)
        return;
    if (c->running)
        (void)pthread_join(c->thread, NULL);
    list_init(&rest);
    list_move_all(&rest, &c->waiting);
    (void)mailbox_take_all(&c->in, &rest);
    (void)mailbox_take_all(&c->out, &rest);
    while ((node = list_pop(&rest)) != NULL)
        message_free(container_of(node, struct message, node));
    mailbox_fini(&c->in);
    mailbox_fini(&c->out);
    sender_free(c->sender);
    loop_wake_close(&c->wake, on_wake_closed);
}

struct core_stats core_stats(const struct core *c)
{
    return (struct core_stats){.batches = atomic_load_explicit(&c->batches, memory_order_relaxed),
                               .ops = atomic_load_explicit(&c->ops, memory_order_relaxed),
                               .commit_us_max =
                                   atomic_load_explicit(&c->commit_us_max, memory_order_relaxed)};
}

void core_stall(struct core *c, int64_t ms)
{
    atomic_store(&c->stall_ms, ms);
}
