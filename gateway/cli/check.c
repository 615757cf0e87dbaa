/* SPDX-License-Identifier: Apache-2.0 */
/* Offline: the names that a playbook may use come from the configuration file, not from a store, so ids are made
 * up here and good for checking only. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "host/config.h"
#include "playbook/plan.h"
#include "registry.h"

static const struct host_kind *kind_of(const char *name)
{
    for (size_t i = 0; i < registry_kind_count; i++)
        if (strcmp(registry_kinds[i].ops->kind, name) == 0)
            return &registry_kinds[i];
    return NULL;
}

static int64_t connection_number(const struct config *c, const char *name)
{
    for (size_t i = 0; i < c->connection_count; i++)
        if (strcmp(c->connections[i].name, name) == 0)
            return (int64_t)i + 1;
    return 0;
}

static void add(struct plan_world *w, struct world_account *list, const struct config_connection *c, int64_t number,
                enum account_kind kind, const char *name)
{
    list[w->account_count] = (struct world_account){
        .id = {(int64_t)w->account_count + 1}, .connection = {number}, .kind = kind, .name = str_of(name),
        .connection_name = str_of(c->name), .signature = str_of(json_str(c->conf, "signature", "")),
        .account_type = str_of(json_str(c->conf, "account_type", ""))};
    w->account_count++;
}

static struct world_account *build(const struct config *c, struct plan_world *w)
{
    struct world_account *list = mem_calloc(c->connection_count + c->account_count + 1, sizeof *list);

    for (size_t i = 0; list && i < c->connection_count; i++) {
        const struct host_kind *kind = kind_of(c->connections[i].kind);
        if (kind && kind->only)
            add(w, list, &c->connections[i], (int64_t)i + 1, kind->account, c->connections[i].name);
    }
    for (size_t i = 0; list && i < c->account_count; i++) {
        int64_t n = connection_number(c, c->accounts[i].connection);
        if (n)
            add(w, list, &c->connections[n - 1], n, c->accounts[i].kind, c->accounts[i].name);
    }
    w->accounts = list;
    return list;
}

static int check_file(const char *path, const struct plan_world *world, struct diag *diag)
{
    struct plan *plan = NULL;
    struct buf text;
    int err = config_read_text(path, &text);

    if (err) {
        diag_addf(diag, path, 0, "cannot be read: %s", err_text(err));
        return err;
    }
    err = playbook_compile(buf_str(&text), path, world, diag, &plan);
    plan_free(plan);
    buf_fini(&text);
    return err;
}

static int check_all(const struct cli *c, const struct plan_world *world, struct diag *diag)
{
    int worst = 0;

    for (int i = 0; i < c->argc; i++) {
        int err = check_file(c->argv[i], world, diag);
        worst = err ? err : worst;
    }
    return worst;
}

int cli_check(const struct cli *c)
{
    struct config *config = NULL;
    struct rulepack *rules = NULL;
    struct plan_world world = {.bots = registry_bots, .bot_count = registry_bot_count};
    struct world_account *accounts = NULL;
    struct diag diag;

    if (!c->argc) {
        (void)fprintf(stderr, "siyu: check needs playbook files\n");
        return CLI_USAGE;
    }
    diag_init(&diag, 500);
    int err = rulepack_open(&rules, &diag);
    bool alone = strcmp(c->config, "siyu.yaml") == 0 && access(c->config, R_OK) != 0;
    if (!err && !alone)
        err = config_load(c->config, &config, &diag);
    if (!err && config && !(accounts = build(config, &world)))
        err = -ENOMEM;
    world.rules = rules;
    if (!err)
        err = check_all(c, config ? &world : NULL, &diag);
    if (diag_count(&diag) || c->json)
        cli_complain(c, &diag);
    if (!err && !c->json)
        (void)printf("%d playbook%s: good%s\n", c->argc, c->argc == 1 ? "" : "s",
                     config ? "" : " (without a configuration: names of accounts not checked)");
    mem_free(accounts);
    config_free(config);
    rulepack_close(rules);
    diag_fini(&diag);
    return err ? CLI_FOUND_WRONG : CLI_GOOD;
}
