/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/chance.h"

void chance_init(struct chance *c, uint64_t seed)
{
    c->state = seed * UINT64_C(0xD1342543DE82EF95) + 1;
}

/* splitmix64 */
uint64_t chance_draw(struct chance *c)
{
    uint64_t z = c->state += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

int64_t chance_below(struct chance *c, int64_t n)
{
    uint64_t x = chance_draw(c);

    return n > 0 ? (int64_t)(x % (uint64_t)n) : 0;
}

int64_t chance_between(struct chance *c, int64_t low, int64_t high)
{
    return low + chance_below(c, high - low + 1);
}

bool chance_hit(struct chance *c, int per_mille)
{
    return chance_below(c, 1000) < per_mille;
}

int64_t chance_delay(struct chance *c, int64_t usual, int64_t worst, int per_mille_slow)
{
    return chance_hit(c, per_mille_slow) ? chance_between(c, usual, worst) : chance_between(c, 0, usual);
}
