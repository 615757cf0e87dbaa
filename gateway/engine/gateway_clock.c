/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/gateway_clock.h"

#include <stdlib.h>

#include "base/clock.h"

#define TOLERANCE_MS 5000

static void rebase(struct gateway_clock *g, int64_t now_ms)
{
    g->base_ms = now_ms;
    g->base_mono_ms = clock_mono_ms(g->clock);
}

void gateway_clock_init(struct gateway_clock *g, const struct clock *clock, int64_t saved_ms)
{
    int64_t wall = clock_wall_ms(clock);

    *g = (struct gateway_clock){.clock = clock};
    rebase(g, wall > saved_ms ? wall : saved_ms);
}

int64_t gateway_clock_now(const struct gateway_clock *g)
{
    return g->base_ms + clock_mono_ms(g->clock) - g->base_mono_ms;
}

bool gateway_clock_watch(struct gateway_clock *g)
{
    int64_t wall = clock_wall_ms(g->clock), now = gateway_clock_now(g);
    bool was = g->suspect;

    g->suspect = llabs(wall - now) > TOLERANCE_MS;
    if (!g->suspect && wall > now)
        rebase(g, wall); /* drift, not a step */
    return g->suspect && !was;
}

bool gateway_clock_confirm(struct gateway_clock *g, int64_t provider_ms)
{
    int64_t wall = clock_wall_ms(g->clock);

    if (!g->suspect || llabs(provider_ms - wall) > TOLERANCE_MS || wall <= gateway_clock_now(g))
        return false;
    rebase(g, wall);
    g->suspect = false;
    return true;
}
