/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cli/cli.h"
#include "gateway.h"

int cli_run(const struct cli *c)
{
    struct gateway_options options = {.config_file = c->config};
    const char *why;

    clock_init_real(&options.clock);
    if (c->clock && clock_parse(c->clock, &options.clock, &why) != 0) {
        (void)fprintf(stderr, "siyu: --clock: %s\n", why);
        return CLI_USAGE;
    }
    return gateway_run(&options);
}
