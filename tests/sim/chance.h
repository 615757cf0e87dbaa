/* SPDX-License-Identifier: Apache-2.0 */
/* chance.h - all the luck of a simulation, from one seed.
 *
 * Threads  one at a time.
 */
#ifndef SIYU_TESTS_SIM_CHANCE_H
#define SIYU_TESTS_SIM_CHANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chance {
    uint64_t state;
};

void chance_init(struct chance *c, uint64_t seed);
uint64_t chance_draw(struct chance *c);
/* 0 .. n - 1; 0 where n is not positive. */
int64_t chance_below(struct chance *c, int64_t n);
/* low .. high, both included. */
int64_t chance_between(struct chance *c, int64_t low, int64_t high);
bool chance_hit(struct chance *c, int per_mille);
/* Mostly near `usual`, now and then up to `worst`: how long networks and people take. */
int64_t chance_delay(struct chance *c, int64_t usual, int64_t worst, int per_mille_slow);

#endif
