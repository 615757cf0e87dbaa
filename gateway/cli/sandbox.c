/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "sandbox/sandbox.h"

static int say(const struct cli *c, const char *config)
{
    struct sandbox_saying saying = {
        .config = config, .customer = c->argv[1], .text = c->argv[2], .on = c->on};
    struct buf answer;

    buf_init(&answer, 1 << 20);
    int err = sandbox_say(&saying, &answer), code = CLI_GOOD;
    if (err == ERR_INVALID)
        code = CLI_FOUND_WRONG; /* the answer says why */
    else if (err == ERR_CONFIG || err == -ENOENT)
        code = cli_fail(c, CLI_USAGE, "%s", answer.len ? buf_cstr(&answer) : err_text(err));
    else if (err)
        code = cli_fail(c, CLI_UNREACHABLE, "no sandbox answers (%s); start it with `siyu sandbox`",
                        err_text(err));
    if (answer.len && (!err || err == ERR_INVALID))
        (void)printf("%s\n", buf_cstr(&answer));
    buf_fini(&answer);
    return code;
}

int cli_sandbox(const struct cli *c)
{
    bool named = strcmp(c->config, "siyu.yaml") != 0;

    if (c->argc == 0)
        return sandbox_run(&(struct sandbox_options){
            .config = named ? c->config : "sandbox.yaml", .ledger = c->ledger, .clock = c->clock});
    if (c->argc == 3 && strcmp(c->argv[0], "say") == 0)
        return say(c, named ? c->config : NULL);
    (void)fprintf(stderr, "usage: siyu sandbox [-c sandbox.yaml] [--ledger FILE] [--clock SPEC]\n"
                          "       siyu sandbox say [--on CONNECTION] CUSTOMER TEXT\n");
    return CLI_USAGE;
}
