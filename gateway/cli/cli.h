/* SPDX-License-Identifier: Apache-2.0 */
/* cli.h - the command line: one file a subcommand, one way to read options, one set of exit codes.
 *
 * Every command takes `-c FILE` (default siyu.yaml) and `--json`.
 *
 * Threads  the main thread.
 */
#ifndef SIYU_CLI_CLI_H
#define SIYU_CLI_CLI_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

enum cli_exit { CLI_GOOD = 0, CLI_FOUND_WRONG = 1, CLI_USAGE = 2, CLI_UNREACHABLE = 3 };

struct cli {
    const char *config; /* -c */
    bool json;
    const char *clock;  /* --clock */
    const char *ledger; /* --ledger */
    const char *role;   /* --role */
    const char *on;     /* --on */
    int argc;           /* what is left: the command's own words */
    char **argv;
};

struct cli_command {
    const char *name, *usage, *what;
    int (*run)(const struct cli *c);
};

int cli_run(const struct cli *c);
int cli_check(const struct cli *c);
int cli_apply(const struct cli *c);
int cli_sandbox(const struct cli *c);
int cli_why(const struct cli *c);
int cli_verify(const struct cli *c);
int cli_token(const struct cli *c);
int cli_version(const struct cli *c);

/* ---- shared by commands (cli.c) ---- */

/* Says what went wrong: "siyu: ..." to stderr, with --json also {"ok": false, "error": ...} to stdout. Gives `code`. */
int cli_fail(const struct cli *c, enum cli_exit code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Complaints to stderr, or with --json as {"ok": false, "complaints": [...]} to stdout. */
void cli_complain(const struct cli *c, const struct diag *diag);
/* The data directory of the configuration; complains (CLI_USAGE). `ret` is malloc'ed. */
int cli_data_dir(const struct cli *c, char **ret);
/* One line to the running gateway: CLI_UNREACHABLE, said, when none runs. `ret`: its answer, to be decref'ed. */
int cli_ask_gateway(const struct cli *c, const json_t *request, json_t **ret);
/* Prints the node as JSON and a newline. */
void cli_print_json(const json_t *node);

#endif
