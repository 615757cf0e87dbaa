/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cli/cli.h"
#include "rulepack/rulepack.h"

int cli_version(const struct cli *c)
{
    struct rulepack *rules = NULL;
    struct diag diag;
    json_t *out;

    diag_init(&diag, 10);
    const char *pack = rulepack_open(&rules, &diag) == 0 ? rulepack_version(rules) : "damaged";
    if (c->json) {
        out = json_pack("{s:s, s:s}", "version", SIYU_VERSION, "rulepack", pack);
        cli_print_json(out);
        json_decref(out);
    } else {
        (void)printf("siyu %s, rule pack %s\n", SIYU_VERSION, pack);
    }
    rulepack_close(rules);
    diag_fini(&diag);
    return CLI_GOOD;
}
