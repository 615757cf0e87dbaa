/* SPDX-License-Identifier: Apache-2.0 */
/* gateway.h - the whole of `siyu run`: built bottom-up, run, torn down in reverse.
 *
 * Threads  the main thread becomes the loop thread.
 */
#ifndef SIYU_GATEWAY_H
#define SIYU_GATEWAY_H

#include "base/clock.h"

struct gateway_options {
    const char *config_file;
    struct clock clock;
};

/* Runs until SIGTERM or SIGINT. The exit code: 0, 1 it broke, 2 configuration. A commit that fails ends the process
 * at once with 70. */
int gateway_run(const struct gateway_options *options);

#endif
