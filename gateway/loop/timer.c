/* SPDX-License-Identifier: Apache-2.0 */
/* timer.c - uv timers that count from now, not from the start of the turn. */
#include "loop/timer.h"

#include <assert.h>
#include <string.h>

#include "loop/loop_private.h"

_Static_assert(sizeof(uv_timer_t) <= sizeof(((struct timer *)0)->uv), "timer.uv is too small");

static uv_timer_t *timer_uv(struct timer *t)
{
    return (uv_timer_t *)(void *)&t->uv;
}

static void on_timer(uv_timer_t *handle)
{
    struct timer *t = handle->data;

    t->cb(t);
}

void timer_init(struct loop *loop, struct timer *t)
{
    int r;

    memset(t, 0, sizeof(*t));
    r = uv_timer_init(&loop->uv, timer_uv(t));
    assert(r == 0);
    (void)r;
    timer_uv(t)->data = t;
}

void timer_start(struct timer *t, int64_t ms, timer_cb cb)
{
    int r;

    t->cb = cb;
    uv_update_time(timer_uv(t)->loop); /* else a long turn makes the timer early */
    r = uv_timer_start(timer_uv(t), on_timer, ms > 0 ? (uint64_t)ms : 0, 0);
    assert(r == 0); /* else it is closing: the owner's bug */
    (void)r;
}

void timer_stop(struct timer *t)
{
    (void)uv_timer_stop(timer_uv(t));
}

bool timer_is_running(const struct timer *t)
{
    return uv_is_active((const uv_handle_t *)(const void *)&t->uv) != 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct timer *t = handle->data;

    if (t->on_closed)
        t->on_closed(t);
}

void timer_close(struct timer *t, timer_cb on_closed)
{
    t->on_closed = on_closed;
    uv_close((uv_handle_t *)timer_uv(t), on_timer_closed);
}
