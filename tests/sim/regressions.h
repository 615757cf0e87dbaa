/* SPDX-License-Identifier: Apache-2.0 */
/* regressions.h - seeds that found something, and what. They stay good only as long as the simulation draws
 * its luck in the same order; then their bug has a unit test, too.
 */
#ifndef SIYU_TESTS_SIM_REGRESSIONS_H
#define SIYU_TESTS_SIM_REGRESSIONS_H

#include <stdint.h>

static const struct {
    uint64_t seed;
    const char *found;
} regressions[] = {
    {1, "the first"},
};

#endif
