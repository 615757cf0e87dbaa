/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include "base/err.h"

#include <assert.h>
#include <time.h>

enum { CLOCK_SPEED_MAX = 60 };

static int64_t read_ms(clockid_t id)
{
    struct timespec t;
    int r = clock_gettime(id, &t);

    assert(r == 0);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_boot_ms(void)
{
    return read_ms(CLOCK_BOOTTIME);
}

void clock_init_real(struct clock *c)
{
    *c = (struct clock){.kind = CLOCK_KIND_REAL, .speed = 1};
}

void clock_init_scaled(struct clock *c, int64_t start_ms, int speed, int64_t origin_ms)
{
    assert(speed >= 1 && speed <= CLOCK_SPEED_MAX);
    *c = (struct clock){
        .kind = CLOCK_KIND_SCALED, .speed = speed, .start_ms = start_ms, .origin_ms = origin_ms};
}

void clock_init_manual(struct clock *c, int64_t wall_ms, int64_t mono_ms)
{
    *c = (struct clock){.kind = CLOCK_KIND_MANUAL, .speed = 1};
    clock_set_manual(c, wall_ms, mono_ms);
}

static int64_t scaled_passed_ms(const struct clock *c)
{
    return (clock_boot_ms() - c->origin_ms) * c->speed;
}

int64_t clock_wall_ms(const struct clock *c)
{
    switch (c->kind) {
    case CLOCK_KIND_REAL: return read_ms(CLOCK_REALTIME);
    case CLOCK_KIND_SCALED: return c->start_ms + scaled_passed_ms(c);
    case CLOCK_KIND_MANUAL: break;
    }
    return atomic_load_explicit(&c->wall_ms, memory_order_relaxed);
}

int64_t clock_mono_ms(const struct clock *c)
{
    switch (c->kind) {
    case CLOCK_KIND_REAL: return clock_boot_ms();
    case CLOCK_KIND_SCALED: return c->origin_ms + scaled_passed_ms(c);
    case CLOCK_KIND_MANUAL: break;
    }
    return atomic_load_explicit(&c->mono_ms, memory_order_relaxed);
}

void clock_set_manual(struct clock *c, int64_t wall_ms, int64_t mono_ms)
{
    assert(c->kind == CLOCK_KIND_MANUAL);
    atomic_store_explicit(&c->wall_ms, wall_ms, memory_order_relaxed);
    atomic_store_explicit(&c->mono_ms, mono_ms, memory_order_relaxed);
}

void clock_advance(struct clock *c, int64_t ms)
{
    clock_set_manual(c, clock_wall_ms(c) + ms, clock_mono_ms(c) + ms);
}

static int parse_start(struct str text, int64_t *ret)
{
    return str_to_i64(text, ret) == 0 ? 0 : shanghai_parse(text, ret);
}

int clock_parse(const char *spec, struct clock *ret, const char **reterr)
{
    struct str text = str_of(spec), start, rest, speed, origin;
    int64_t start_ms, times, origin_ms;
    const char *fault = NULL;

    if (str_is(text, "real")) {
        clock_init_real(ret);
        return 0;
    }
    if (!str_cut(text, '@', &start, &rest) || !str_cut(rest, ',', &speed, &origin))
        fault = "expected \"real\" or START@SPEED,ORIGIN";
    else if (parse_start(start, &start_ms) < 0 || start_ms < 0)
        fault = "START: expected 2026-12-01T10:00 (Shanghai) or ms since 1970";
    else if (str_to_i64(speed, &times) < 0 || times < 1 || times > CLOCK_SPEED_MAX)
        fault = "SPEED: expected a whole number from 1 to 60";
    else if (str_to_i64(origin, &origin_ms) < 0 || origin_ms < 0)
        fault = "ORIGIN: expected ms of CLOCK_BOOTTIME (/proc/uptime counts it in seconds)";
    if (fault) {
        if (reterr)
            *reterr = fault;
        return ERR_SYNTAX;
    }
    clock_init_scaled(ret, start_ms, (int)times, origin_ms);
    return 0;
}

int64_t clock_real_ms(const struct clock *c, int64_t judged_ms)
{
    int speed = c->kind == CLOCK_KIND_SCALED ? c->speed : 1;

    return (judged_ms + speed - 1) / speed;
}
