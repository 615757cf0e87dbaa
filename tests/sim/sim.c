/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "sandbox/model.h"
#include "sim/carrier.h"
#include "sim/cast.h"
#include "sim/gate.h"
#include "sim/oracle.h"
#include "sim/post.h"
#include "sim/sync.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)
#define DRAIN_MS (6 * DAY_MS)
#define BOOT_MS 1000000

int64_t sim_now(const struct sim *s)
{
    return clock_wall_ms(&s->clock);
}

int64_t sim_platform_now(struct sim *s)
{
    int64_t now = sim_now(s) + s->skew_ms;

    if (now > s->platform_ms)
        s->platform_ms = now;
    return s->platform_ms;
}

bool sim_is_long(const struct sim *s)
{
    return s->script.acts_ms > DAY_MS;
}

void sim_must(bool ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "the simulation cannot go on: %s\n", what);
    exit(3);
}

void sim_tracef(const struct sim *s, const char *fmt, ...)
{
    char at[SHANGHAI_TEXT_BYTES];
    va_list args;

    if (!s->trace)
        return;
    shanghai_format(sim_now(s), at);
    (void)printf("%s.%03d  ", at, (int)(sim_now(s) % 1000));
    va_start(args, fmt);
    (void)vprintf(fmt, args);
    va_end(args);
    (void)printf("\n");
}

static void add(struct sim *s, int64_t delay_ms, int64_t life, moment_fn run, moment_fn drop, void *ctx)
{
    timeline_add(&s->timeline, &(struct moment){.at_ms = sim_now(s) + (delay_ms > 0 ? delay_ms : 0),
                                                .life = life,
                                                .run = run,
                                                .drop = drop ? drop : mem_free,
                                                .ctx = ctx});
}

void sim_later(struct sim *s, int64_t delay_ms, moment_fn run, moment_fn drop, void *ctx)
{
    add(s, delay_ms, 0, run, drop, ctx);
}

void sim_later_ours(struct sim *s, int64_t delay_ms, moment_fn run, moment_fn drop, void *ctx)
{
    add(s, delay_ms, s->life, run, drop, ctx);
}

/* ---- weather and script, from the seed ---- */

static void draw_weather(struct sim *s)
{
    static const int strengths[] = {0, 1, 1, 3, 3, 8};
    struct chance *c = &s->chance;
    int bad = strengths[chance_below(c, 6)];
    struct weather *w = &s->weather;

    *w = (struct weather){.skew_max_ms = 3000};
    if (!bad)
        return;
    w->cut = (int)chance_below(c, 15 * bad);
    w->lost_reply = (int)chance_below(c, 15 * bad);
    w->unreachable = (int)chance_below(c, 10 * bad);
    w->refused = (int)chance_below(c, 8 * bad);
    w->slow = (int)chance_below(c, 40 * bad);
    w->push_twice = (int)chance_below(c, 30 * bad);
    w->push_late = (int)chance_below(c, 60 * bad);
    w->push_unheard = (int)chance_below(c, 20 * bad);
    w->ack_lost = (int)chance_below(c, 20 * bad);
    w->store_fault = chance_hit(c, 500) ? (int)chance_below(c, 10 * bad) : 0;
    w->crash_in_batch = chance_hit(c, 500) ? (int)chance_below(c, 2 * bad) : 0;
    w->crash_after_commit = chance_hit(c, 500) ? (int)chance_below(c, 3 * bad) : 0;
    w->stall = chance_hit(c, 400) ? (int)chance_below(c, 5 * bad) : 0;
    w->stall_max_ms = chance_between(c, 1000, 20000);
    w->crash_every_ms = chance_hit(c, 500) ? chance_between(c, 20000, 600000) : 0;
}

static void draw_script(struct sim *s)
{
    struct chance *c = &s->chance;
    struct script *x = &s->script;

    *x = (struct script){.acts_ms = chance_between(c, 2, 40) * MINUTE_MS,
                         .acts = (int)chance_between(c, 20, 120),
                         .customers = (int)chance_between(c, 2, 15)};
    x->hall_broadcasts = chance_hit(c, 600) ? (int)chance_between(c, 1, 70) : 0;
    x->task_broadcasts = chance_hit(c, 400) ? (int)chance_between(c, 1, 4) : 0;
    x->mass_broadcasts = chance_hit(c, 400) ? (int)chance_between(c, 1, 7) : 0;
    x->sms_broadcasts = chance_hit(c, 400) ? (int)chance_between(c, 1, 3) : 0;
    x->hall_burst = chance_hit(c, 500);
    x->daily_tasks = chance_hit(c, 500);
    x->operator_limits = chance_hit(c, 200);
    x->quiet_hours = chance_hit(c, 200);
    x->member_never_confirms = chance_hit(c, 300);
    if (chance_hit(c, 40)) { /* a month of tasks: as many as a customer may get, and more */
        x->acts_ms = 35 * DAY_MS;
        x->hall_broadcasts = x->sms_broadcasts = 0;
        x->task_broadcasts = 60;
        x->broadcast_gap_ms = 12 * HOUR_MS;
        x->member_never_confirms = x->operator_limits = x->daily_tasks = false;
        s->weather.crash_every_ms = s->weather.crash_every_ms ? 2 * DAY_MS : 0;
    }
}

static int64_t draw_start(struct sim *s)
{
    static const char *const starts[] = {"2026-12-01T10:00", "2026-11-30T23:45", "2026-12-31T23:40",
                                         "2026-12-02T07:50", "2026-12-05T23:58", "2026-12-15T15:00"};
    int64_t at = 0;

    sim_must(shanghai_parse(str_of(starts[chance_below(&s->chance, 6)]), &at) == 0, "a start");
    return at + chance_below(&s->chance, MINUTE_MS);
}

/* ---- the platforms' side ---- */

static void on_entry(void *ctx, const struct sb_entry *e)
{
    const struct sim *s = ctx;

    oracle_entry(s->oracle, e);
}

static void on_push(void *ctx, struct sb_push *p)
{
    const struct sim *s = ctx;

    post_push(s->post, p);
}

static void open_platforms(struct sim *s)
{
    json_t *conf = cast_platforms(s);
    struct sb_sink sink = {.ctx = s, .entry = on_entry, .push = on_push};
    struct diag diag;

    diag_init(&diag, 10);
    int err = sb_model_new(conf, s->seed, &sink, sim_platform_now(s), &s->model, &diag);
    for (size_t i = 0; err && i < diag_count(&diag); i++)
        (void)fprintf(stderr, "%s\n", diag_text(&diag, i));
    diag_fini(&diag);
    json_decref(conf);
    sim_must(err == 0, "the platforms");
}

/* The platforms' clock drifts, slowly, and stays within what limits allow for. */
static void on_drift(void *ctx)
{
    struct sim *s = ctx;
    int64_t by = chance_between(&s->chance, -200, 200), most = s->weather.skew_max_ms;

    if (s->skew_ms + by <= most && s->skew_ms + by >= -most)
        s->skew_ms += by;
    sim_later(s, 30000, on_drift, timeline_keep, s);
}

static void on_lightning(void *ctx)
{
    struct sim *s = ctx;

    if (sim_now(s) >= s->calm_ms)
        return;
    if (gate_is_up(s->gate))
        gate_crash(s->gate, "out of the blue");
    sim_later(s, chance_between(&s->chance, 1, 2 * s->weather.crash_every_ms), on_lightning, timeline_keep,
              s);
}

/* ---- life ---- */

struct sim *sim_new(uint64_t seed, bool trace, const struct rulepack *rules, const struct fold *fold)
{
    struct sim *s = mem_calloc(1, sizeof *s);

    sim_must(s != NULL, "memory");
    s->seed = seed;
    s->trace = trace;
    s->rules = rules;
    s->fold = fold;
    chance_init(&s->chance, seed);
    timeline_init(&s->timeline);
    draw_weather(s);
    draw_script(s);
    s->start_ms = draw_start(s);
    s->calm_ms = s->start_ms + s->script.acts_ms + 5 * MINUTE_MS;
    s->end_ms = s->calm_ms + DRAIN_MS;
    clock_init_manual(&s->clock, s->start_ms, BOOT_MS);
    s->skew_ms = chance_between(&s->chance, -s->weather.skew_max_ms, s->weather.skew_max_ms);
    s->oracle = oracle_new(s);
    s->post = post_new(s);
    open_platforms(s);
    char *playbook = cast_playbook(s);
    s->gate = gate_new(s, playbook);
    mem_free(playbook);
    s->carrier = carrier_new(s);
    s->sync = sync_new(s);
    return s;
}

void sim_free(struct sim *s)
{
    if (!s)
        return;
    gate_free(s->gate);
    timeline_fini(&s->timeline);
    post_free(s->post);
    sync_free(s->sync);
    carrier_free(s->carrier);
    sb_model_free(s->model);
    oracle_free(s->oracle);
    mem_free(s);
}

/* ---- time ---- */

static int64_t model_due_ms(const struct sim *s)
{
    int64_t due = sb_model_due_ms(s->model);

    return due == INT64_MAX ? due : due - s->skew_ms;
}

static void run_moment(struct sim *s)
{
    struct moment m = timeline_take(&s->timeline);

    if (!m.life || m.life == s->life)
        m.run(m.ctx);
    else
        m.drop(m.ctx);
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t sim_run(struct sim *s)
{
    cast_schedule(s);
    on_drift(s);
    if (s->weather.crash_every_ms)
        sim_later(s, s->weather.crash_every_ms, on_lightning, timeline_keep, s);
    sync_started(s->sync);
    for (;;) {
        int64_t moment = timeline_next_ms(&s->timeline), gate = gate_due_ms(s->gate), model = model_due_ms(s);
        int64_t next = least(least(moment, gate), model), now = sim_now(s);
        if (next > s->end_ms)
            break;
        if (next > now)
            clock_advance(&s->clock, next - now);
        if (model <= next)
            sb_model_run(s->model, sim_platform_now(s));
        else if (moment <= next)
            run_moment(s);
        else
            gate_run(s->gate);
    }
    oracle_end(s->oracle);
    return oracle_findings(s->oracle);
}
