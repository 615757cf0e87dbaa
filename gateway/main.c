/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"

static const struct cli_command commands[] = {
    {"run", "[--clock real|START@SPEED,ORIGIN]", "run the gateway", cli_run},
    {"check", "FILE...", "check playbooks against the configuration, offline", cli_check},
    {"apply", "FILE...", "check playbooks and apply them in the running gateway", cli_apply},
    {"sandbox", "[--ledger FILE] [--clock ...] | say [--on CONNECTION] CUSTOMER TEXT",
     "run emulated platforms, or play a customer", cli_sandbox},
    {"why", "CONTACT|DELIVERY", "why was something sent, held or not sent", cli_why},
    {"verify", "", "recompute quotas and check every record", cli_verify},
    {"token", "create --role ROLE", "make an API token", cli_token},
    {"version", "", "print the version", cli_version},
};

static int usage(FILE *to)
{
    (void)fprintf(to, "usage: siyu COMMAND [-c siyu.yaml] [--json] ...\n\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        (void)fprintf(to, "  %-8s %s\n           %s\n", commands[i].name, commands[i].usage,
                      commands[i].what);
    return CLI_USAGE;
}

/* Options may stand anywhere; what is no option is the command's own. */
static int read_options(struct cli *c, int argc, char **argv)
{
    const struct {
        const char *name, **value;
    } options[] = {{"-c", &c->config},
                   {"--clock", &c->clock},
                   {"--ledger", &c->ledger},
                   {"--role", &c->role},
                   {"--on", &c->on}};

    for (int i = 0; i < argc; i++) {
        size_t k = 0;
        while (k < ARRAY_LEN(options) && strcmp(argv[i], options[k].name) != 0)
            k++;
        if (strcmp(argv[i], "--json") == 0) {
            c->json = true;
        } else if (k < ARRAY_LEN(options)) {
            if (++i == argc) {
                (void)fprintf(stderr, "siyu: %s needs a value\n", options[k].name);
                return CLI_USAGE;
            }
            *options[k].value = argv[i];
        } else if (argv[i][0] == '-' && argv[i][1]) {
            (void)fprintf(stderr, "siyu: no option %s\n", argv[i]);
            return CLI_USAGE;
        } else {
            c->argv[c->argc++] = argv[i];
        }
    }
    return CLI_GOOD;
}

int main(int argc, char **argv)
{
    struct cli c = {.config = "siyu.yaml"};

    if (argc < 2 || strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
        strcmp(argv[1], "-h") == 0)
        return argc < 2 ? usage(stderr) : (usage(stdout), CLI_GOOD);
    c.argv = argv + 2; /* own words move to the front */
    int code = read_options(&c, argc - 2, argv + 2);
    if (strcmp(argv[1], "--version") == 0)
        return cli_version(&c);
    for (size_t i = 0; i < ARRAY_LEN(commands) && code == CLI_GOOD; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(&c);
    if (code == CLI_GOOD) {
        (void)fprintf(stderr, "siyu: no command '%s'\n\n", argv[1]);
        code = usage(stderr);
    }
    return code;
}
