/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - the one clock that judgements read: real, scaled or set by a test.
 *
 * real    wall = CLOCK_REALTIME, mono = CLOCK_BOOTTIME (it counts suspend, as a platform's window does).
 * scaled  "START@SPEED,ORIGIN": wall is START when CLOCK_BOOTTIME is ORIGIN ms, and runs SPEED times as
 *         fast. Two processes given the same text agree, so gateway and sandbox share a day. mono is
 *         scaled too: it is judgement time. Socket time-outs never read this clock.
 * manual  stands still until a test sets or advances it; wall may jump without mono.
 *
 * Units    ms; wall since 1970 UTC. Day and month arithmetic: shanghai.h.
 * Errors   ERR_SYNTAX, ERR_INVALID; `reterr` names the part and what was expected.
 * Threads  reading: any. clock_set_manual and clock_advance: any, not racing each other.
 */
#ifndef SIYU_BASE_CLOCK_H
#define SIYU_BASE_CLOCK_H

#include "base/shanghai.h"

#include <stdatomic.h>
#include <stdint.h>

enum clock_kind { CLOCK_KIND_REAL, CLOCK_KIND_SCALED, CLOCK_KIND_MANUAL };

struct clock {
    enum clock_kind kind;
    int speed;                        /* scaled */
    int64_t start_ms, origin_ms;      /* scaled */
    _Atomic int64_t wall_ms, mono_ms; /* manual */
};

void clock_init_real(struct clock *c);
/* speed 1..60 (asserted). */
void clock_init_scaled(struct clock *c, int64_t start_ms, int speed, int64_t origin_ms);
void clock_init_manual(struct clock *c, int64_t wall_ms, int64_t mono_ms);

/* "real", or "START@SPEED,ORIGIN"; START is "2026-12-01T10:00" in Shanghai or ms since 1970. */
int clock_parse(const char *spec, struct clock *ret, const char **reterr);

int64_t clock_wall_ms(const struct clock *c);
int64_t clock_mono_ms(const struct clock *c);

/* How long a judged time takes in real milliseconds, rounded up: what a timer may wait. */
int64_t clock_real_ms(const struct clock *c, int64_t judged_ms);

/* Manual clocks only (asserted). */
void clock_set_manual(struct clock *c, int64_t wall_ms, int64_t mono_ms);
void clock_advance(struct clock *c, int64_t ms);

/* CLOCK_BOOTTIME in ms: what ORIGIN counts. */
int64_t clock_boot_ms(void);

#endif
