/* SPDX-License-Identifier: Apache-2.0 */
/* sim.h - one simulated stretch of time: gateway, platforms and customers in one thread on one virtual clock.
 *
 *     sim_new -> sim_run -> sim_free
 *
 * The gateway is engine and sender as they are, on a store of their own (gate.h). The platforms are the
 * sandbox's model, on a clock that is some seconds off. Between them stand, in place of host and sockets, the
 * carrier of calls (carrier.h), the post of callbacks (post.h) and the reader of 微信客服 messages (sync.h),
 * which use the adapters' own pure codecs. Whatever goes wrong comes from the seed; the oracle (oracle.h)
 * judges by what the platforms saw. Equal seeds give equal traces.
 *
 * Units    ms.
 * Errors   none: what goes wrong with the product is a finding, everything else ends the process.
 * Threads  one.
 */
#ifndef SIYU_TESTS_SIM_SIM_H
#define SIYU_TESTS_SIM_SIM_H

#include "base/clock.h"
#include "sim/chance.h"
#include "sim/timeline.h"

struct fold;
struct rulepack;
struct sb_model;
struct gate;
struct carrier;
struct post;
struct sync;
struct oracle;

/* How bad it is: chances in a thousand. */
struct weather {
    int cut;         /* a call's bytes leave and never arrive */
    int lost_reply;  /* it is done, its answer never comes back */
    int unreachable; /* no connection at all */
    int refused;     /* the platform is busy */
    int slow;        /* a call takes up to the longest time allowed */
    int push_twice, push_late, push_unheard, ack_lost;
    int store_fault, crash_in_batch, crash_after_commit;
    int stall; /* the engine thread stands still after a batch */
    int64_t stall_max_ms;
    int64_t crash_every_ms; /* on average; 0: never by itself */
    int64_t skew_max_ms;
};

/* What the cast does. */
struct script {
    int64_t acts_ms; /* how long customers act */
    int acts, customers;
    int hall_broadcasts, task_broadcasts, mass_broadcasts, sms_broadcasts;
    int64_t broadcast_gap_ms;
    bool operator_limits, quiet_hours, member_never_confirms;
    bool hall_burst;  /* all of them within minutes */
    bool daily_tasks; /* the corp lets a customer get one group message a day, not a month's worth when one
                         likes */
};

struct sim {
    uint64_t seed;
    bool trace;
    struct chance chance;
    struct clock clock;
    struct timeline timeline;
    struct weather weather;
    struct script script;
    int64_t start_ms, calm_ms, end_ms; /* calm: from then on nothing goes wrong any more */
    int64_t skew_ms, platform_ms;      /* the platforms' clock never goes back */
    int64_t life;                      /* of the gateway; counts up at each start */
    const struct rulepack *rules;
    const struct fold *fold;
    struct sb_model *model;
    struct gate *gate;
    struct carrier *carrier;
    struct post *post;
    struct sync *sync;
    struct oracle *oracle;
};

/* `rules` and `fold` outlive it. */
struct sim *sim_new(uint64_t seed, bool trace, const struct rulepack *rules, const struct fold *fold);
void sim_free(struct sim *s);
/* How many findings; each has been printed. */
int64_t sim_run(struct sim *s);

int64_t sim_now(const struct sim *s);
int64_t sim_platform_now(struct sim *s);
/* Weeks, in which idle ticks and polls are rare. */
bool sim_is_long(const struct sim *s);

/* Something of the world, or something of the gateway that its death makes void. `drop` frees ctx then; NULL:
 * mem_free. `run` owns ctx. */
void sim_later(struct sim *s, int64_t delay_ms, moment_fn run, moment_fn drop, void *ctx);
void sim_later_ours(struct sim *s, int64_t delay_ms, moment_fn run, moment_fn drop, void *ctx);

void sim_tracef(const struct sim *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Ends the process where a test's own machinery fails. */
void sim_must(bool ok, const char *what);

#endif
