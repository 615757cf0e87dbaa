/* SPDX-License-Identifier: Apache-2.0 */
/* loop.c - one uv loop. The prepare handle runs once a turn, just before the wait for I/O: there the
 * deferred callbacks run and the turn is measured.
 */
#include "loop/loop.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "loop/loop_private.h"

_Static_assert(sizeof(uv_async_t) <= sizeof(((struct loop_wake *)0)->uv), "loop_wake.uv is too small");

static void on_spin(uv_idle_t *spin)
{
    (void)spin;
}

/* Busy time of the turn that ends here: what passed, without the wait for I/O. */
static void lag_measure(struct loop *loop)
{
    uint64_t now = uv_hrtime(), idle = uv_metrics_idle_time(&loop->uv);
    uint64_t passed = now - loop->turn_ns, waited = idle - loop->idle_ns;
    uint64_t busy_us = passed > waited ? (passed - waited) / 1000 : 0;
    int64_t slot = (int64_t)(now / 1000000) / LAG_SLOT_MS;
    int64_t fresh = slot - loop->lag_slot;

    loop->turn_ns = now;
    loop->idle_ns = idle;
    if (fresh > LAG_SLOTS)
        fresh = LAG_SLOTS;
    for (int64_t i = 0; i < fresh; i++)
        loop->lag_us[(slot - i) % LAG_SLOTS] = 0;
    loop->lag_slot = slot;
    if (busy_us > UINT32_MAX)
        busy_us = UINT32_MAX;
    if (busy_us > loop->lag_us[slot % LAG_SLOTS])
        loop->lag_us[slot % LAG_SLOTS] = (uint32_t)busy_us;
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct loop *loop = container_of(prepare, struct loop, prepare);
    struct list ready;
    struct list *node;

    list_init(&ready);
    list_move_all(&ready, &loop->deferred);
    while ((node = list_pop(&ready)) != NULL) {
        struct loop_deferred *d = container_of(node, struct loop_deferred, node);

        d->cb(d);
    }
    if (list_empty(&loop->deferred))
        uv_idle_stop(&loop->spin);
    lag_measure(loop);
}

static void start_own_handles(struct loop *loop)
{
    int r;

    r = uv_prepare_init(&loop->uv, &loop->prepare);
    assert(r == 0);
    r = uv_prepare_start(&loop->prepare, on_prepare);
    assert(r == 0);
    uv_unref((uv_handle_t *)&loop->prepare);
    r = uv_idle_init(&loop->uv, &loop->spin);
    assert(r == 0);
    (void)r;
}

int loop_new(struct loop **ret)
{
    struct loop *loop = mem_calloc(1, sizeof(*loop));
    int r;

    if (!loop)
        return -ENOMEM;
    list_init(&loop->deferred);
    r = uv_loop_init(&loop->uv);
    if (r < 0) {
        mem_free(loop);
        return r;
    }
    r = uv_loop_configure(&loop->uv, UV_METRICS_IDLE_TIME);
    assert(r == 0);
    start_own_handles(loop);
    loop->turn_ns = uv_hrtime();
    loop->lag_slot = (int64_t)(loop->turn_ns / 1000000) / LAG_SLOT_MS;
    *ret = loop;
    return 0;
}

void loop_run(struct loop *loop)
{
    loop->turn_ns = uv_hrtime();
    loop->idle_ns = uv_metrics_idle_time(&loop->uv);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *loop)
{
    uv_stop(&loop->uv);
}

static void on_walk(uv_handle_t *handle, void *arg)
{
    (void)arg;
    assert(uv_is_closing(handle) && "a handle is still open: its owner was not stopped");
}

void loop_free(struct loop *loop)
{
    int r;

    if (!loop)
        return;
    while (!list_empty(&loop->deferred)) /* an unwinding that takes turns */
        (void)uv_run(&loop->uv, UV_RUN_NOWAIT);
    uv_close((uv_handle_t *)&loop->prepare, NULL);
    uv_close((uv_handle_t *)&loop->spin, NULL);
    for (int i = 0; i < loop->signal_count; i++)
        uv_close((uv_handle_t *)&loop->signals[i], NULL);
    uv_walk(&loop->uv, on_walk, NULL);
    while (uv_run(&loop->uv, UV_RUN_DEFAULT) != 0)
        ;
    r = uv_loop_close(&loop->uv);
    assert(r == 0);
    (void)r;
    mem_free(loop);
}

int64_t loop_now_ms(const struct loop *loop)
{
    (void)loop;
    return (int64_t)(uv_hrtime() / 1000000);
}

static void on_uv_signal(uv_signal_t *handle, int signum)
{
    struct loop *loop = handle->data;

    loop->on_signal(loop->signal_ctx, signum);
}

int loop_on_signal(struct loop *loop, loop_signal_cb cb, void *ctx)
{
    static const int signums[] = {SIGTERM, SIGINT};
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    assert(loop->signal_count == 0);
    if (sigaction(SIGPIPE, &ignore, NULL) < 0)
        return -errno;
    loop->on_signal = cb;
    loop->signal_ctx = ctx;
    for (size_t i = 0; i < ARRAY_LEN(signums); i++) {
        uv_signal_t *handle = &loop->signals[i];
        int r = uv_signal_init(&loop->uv, handle);

        if (r < 0)
            return r;
        loop->signal_count++;
        handle->data = loop;
        r = uv_signal_start(handle, on_uv_signal, signums[i]);
        if (r < 0)
            return r;
        uv_unref((uv_handle_t *)handle);
    }
    return 0;
}

static uv_async_t *wake_uv(struct loop_wake *w)
{
    return (uv_async_t *)(void *)&w->uv;
}

static void on_async(uv_async_t *async)
{
    struct loop_wake *w = async->data;

    w->cb(w);
}

int loop_wake_init(struct loop *loop, struct loop_wake *w, loop_wake_cb cb)
{
    int r;

    memset(w, 0, sizeof(*w));
    w->cb = cb;
    r = uv_async_init(&loop->uv, wake_uv(w), on_async);
    if (r < 0)
        return r;
    wake_uv(w)->data = w;
    return 0;
}

void loop_wake_send(struct loop_wake *w)
{
    int r = uv_async_send(wake_uv(w));

    assert(r == 0);
    (void)r;
}

static void on_wake_closed(uv_handle_t *handle)
{
    struct loop_wake *w = handle->data;

    if (w->on_closed)
        w->on_closed(w);
}

void loop_wake_close(struct loop_wake *w, loop_wake_cb on_closed)
{
    w->on_closed = on_closed;
    uv_close((uv_handle_t *)wake_uv(w), on_wake_closed);
}

void loop_deferred_init(struct loop_deferred *d, loop_deferred_cb cb)
{
    d->cb = cb;
    list_init(&d->node);
}

void loop_defer(struct loop *loop, struct loop_deferred *d)
{
    if (list_linked(&d->node))
        return;
    list_add_tail(&loop->deferred, &d->node);
    (void)uv_idle_start(&loop->spin, on_spin);
}

void loop_deferred_cancel(struct loop_deferred *d)
{
    list_del(&d->node);
}

static int compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

struct loop_lag loop_lag(const struct loop *loop)
{
    uint32_t sorted[LAG_SLOTS];

    memcpy(sorted, loop->lag_us, sizeof(sorted));
    qsort(sorted, LAG_SLOTS, sizeof(sorted[0]), compare_u32);
    return (struct loop_lag){
        .max_ms = sorted[LAG_SLOTS - 1] / 1000.0,
        .p99_ms = sorted[LAG_SLOTS - 1 - LAG_SLOTS / 100] / 1000.0,
    };
}
