/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox.h - the sandbox as a process, and its one client command.
 *
 * Errors   sandbox_run() gives an exit status: 0 ended by a signal, 2 bad configuration, clock or a taken
 *          port, each said on stderr. sandbox_say() gives 0 or a negative err: -ECONNREFUSED and the like
 * when no sandbox listens, ERR_INVALID when it refused; `ret` is its answer either way. Threads  the main
 * thread; each call has a loop of its own.
 */
#ifndef SIYU_SANDBOX_SANDBOX_H
#define SIYU_SANDBOX_SANDBOX_H

#include "base/buf.h"

struct sandbox_options {
    const char *config; /* sandbox.yaml */
    const char *ledger; /* NULL: as the configuration says, or in memory only */
    const char *clock;  /* "START@SPEED,ORIGIN"; NULL: real */
};

/* Runs until SIGTERM or SIGINT. Prints "sandbox: ready on 127.0.0.1:8700" when it listens. */
int sandbox_run(const struct sandbox_options *options);

struct sandbox_saying {
    const char *config; /* NULL: the default address */
    const char *customer, *text;
    const char *on; /* connection; NULL: where the customer is known */
};
int sandbox_say(const struct sandbox_saying *saying, struct buf *ret);

#endif
