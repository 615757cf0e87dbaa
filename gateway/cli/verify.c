/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/shanghai.h"
#include "cli/cli.h"
#include "rulepack/rulepack.h"
#include "store/reader.h"

enum { SHOWN_MAX = 100 };

struct judge {
    const struct cli *cli;
    const struct rulepack *rules;
    json_t *violations;
    size_t shown;
};

/* What a cell may hold at most. Operator limits change with playbooks: their sums are checked, their bound is
 * not. */
static int64_t amount_of(void *ctx, int32_t id, int64_t cell)
{
    const struct judge *j = ctx;
    const struct limit *l = rulepack_limit(j->rules, id);

    if (!l)
        return cell ? INT64_MAX : -1;
    if (l->window == WINDOW_PACE)
        return -1;
    return l->amount == AMOUNT_DAYS_IN_MONTH ? shanghai_days_in_month(cell) : l->amount;
}

static void on_violation(void *ctx, const char *text)
{
    struct judge *j = ctx;

    if (j->cli->json)
        (void)json_array_append_new(j->violations, json_string(text));
    else if (j->shown++ < SHOWN_MAX)
        (void)printf("%s\n", text);
}

static void tell(const struct cli *c, const struct judge *j, const struct verify_totals *t)
{
    json_t *out;

    if (!c->json) {
        (void)printf("deliveries %" PRId64 ", keys %" PRId64 ", attempts %" PRId64 ", charges %" PRId64
                     ", counters %" PRId64 ", events %" PRId64 " (undecided %" PRId64 ")\n",
                     t->deliveries, t->keys, t->attempts, t->claims, t->cells, t->events, t->undecided);
        if (t->violations)
            (void)printf("verify: %" PRId64 " violations\n", t->violations);
        else
            (void)printf("verify: clean\n");
        return;
    }
    out = json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:O}", "clean", t->violations == 0, "deliveries",
                    (json_int_t)t->deliveries, "attempts", (json_int_t)t->attempts, "claims",
                    (json_int_t)t->claims, "cells", (json_int_t)t->cells, "events", (json_int_t)t->events,
                    "undecided", (json_int_t)t->undecided, "violations", j->violations);
    cli_print_json(out);
    json_decref(out);
}

static int verify(const struct cli *c, const char *data, struct diag *diag)
{
    struct judge j = {.cli = c, .violations = json_array()};
    struct verify_hooks hooks = {&j, amount_of, on_violation};
    struct verify_totals totals = {0};
    struct rulepack *rules = NULL;
    struct reader *reader = NULL;
    int err = rulepack_open(&rules, diag);

    j.rules = rules;
    if (!err)
        err = reader_open(data, &reader, diag);
    bool opened = !err;
    if (!err)
        err = reader_verify(reader, &hooks, &totals);
    if (!err)
        tell(c, &j, &totals);
    reader_close(reader);
    rulepack_close(rules);
    json_decref(j.violations);
    if (err)
        return cli_fail(c, opened ? CLI_FOUND_WRONG : CLI_USAGE, "%s",
                        diag_count(diag) ? diag_text(diag, 0) : err_text(err));
    return totals.violations ? CLI_FOUND_WRONG : CLI_GOOD;
}

int cli_verify(const struct cli *c)
{
    struct diag diag;
    char *data = NULL;

    if (cli_data_dir(c, &data) != 0)
        return CLI_USAGE;
    diag_init(&diag, 10);
    int code = verify(c, data, &diag);
    diag_fini(&diag);
    mem_free(data);
    return code;
}
