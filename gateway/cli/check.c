/* SPDX-License-Identifier: Apache-2.0 */
/* Offline: the names that a playbook may use come from the configuration file, not from a store, so ids are
 * made up here and good for checking only. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fold.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "engine/rulebook.h"
#include "host/config.h"
#include "playbook/plan.h"
#include "registry.h"

static int64_t connection_number(const struct config *c, const char *name)
{
    for (size_t i = 0; i < c->connection_count; i++)
        if (strcmp(c->connections[i].name, name) == 0)
            return (int64_t)i + 1;
    return 0;
}

static void add(struct plan_world *w, struct world_account *list, const struct config_connection *c,
                int64_t number, enum account_kind kind, const char *name)
{
    list[w->account_count] =
        (struct world_account){.id = {(int64_t)w->account_count + 1},
                               .connection = {number},
                               .kind = kind,
                               .name = str_of(name),
                               .connection_name = str_of(c->name),
                               .signature = str_of(json_str(c->conf, "signature", "")),
                               .account_type = str_of(json_str(c->conf, "account_type", ""))};
    w->account_count++;
}

/* A kind that is not there is complained of. */
static struct world_account *build(const struct config *c, struct plan_world *w, struct diag *diag)
{
    struct world_account *list = mem_calloc(c->connection_count + c->account_count + 1, sizeof *list);

    for (size_t i = 0; list && i < c->connection_count; i++) {
        const struct host_kind *kind =
            host_kind_of(c, &c->connections[i], registry_kinds, registry_kind_count, diag);
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

/* What playbooks are checked against. */
struct checking {
    struct config *config; /* NULL: the names of accounts are not checked */
    struct rulepack *rules;
    struct fold *fold;
    struct world_account *accounts;
    struct plan_world world;
    struct diag diag;
};

static int check_text(struct checking *k, struct str text, const char *path)
{
    struct plan *plan = NULL;
    int err = playbook_compile(text, path, k->config ? &k->world : NULL, &k->diag, &plan);

    if (!err)
        err = rulebook_lint(plan, k->fold, &k->diag);
    plan_free(plan);
    return err;
}

/* Unreadable is usage, unusable is found wrong. */
static int check_file(struct checking *k, const char *path)
{
    struct buf text;
    int err = config_read_text(path, &text);

    if (err) {
        diag_addf(&k->diag, path, 0, "cannot be read: %s", err_text(err));
        return CLI_USAGE;
    }
    err = check_text(k, buf_str(&text), path);
    buf_fini(&text);
    return err ? CLI_FOUND_WRONG : CLI_GOOD;
}

/* A configuration is optional: without one where it usually lies, a playbook is checked by itself. */
static int open_config(struct checking *k, const struct cli *c)
{
    if (strcmp(c->config, "siyu.yaml") == 0 && access(c->config, F_OK) != 0)
        return 0;
    int err = config_load(c->config, &k->config, &k->diag);
    if (!err && !(k->accounts = build(k->config, &k->world, &k->diag)))
        err = -ENOMEM;
    return err ? err : diag_errors(&k->diag) ? ERR_CONFIG : 0;
}

static int open_checking(struct checking *k, const struct cli *c)
{
    int err;

    *k = (struct checking){.world = {.bots = registry_bots, .bot_count = registry_bot_count}};
    diag_init(&k->diag, 500);
    err = rulepack_open(&k->rules, &k->diag);
    if (!err)
        err = fold_open(NULL, &k->fold);
    if (!err)
        err = open_config(k, c);
    k->world.rules = k->rules;
    if (err && !diag_count(&k->diag))
        diag_addf(&k->diag, NULL, 0, "%s", err_text(err));
    return err;
}

static void close_checking(struct checking *k)
{
    mem_free(k->accounts);
    config_free(k->config);
    fold_close(k->fold);
    rulepack_close(k->rules);
    diag_fini(&k->diag);
}

int cli_check(const struct cli *c)
{
    struct checking k;

    if (!c->argc)
        return cli_fail(c, CLI_USAGE, "check needs playbook files");
    int code = open_checking(&k, c) ? CLI_USAGE : CLI_GOOD;
    bool ready = code == CLI_GOOD;
    for (int i = 0; i < c->argc && ready; i++) {
        int found = check_file(&k, c->argv[i]);
        code = found > code ? found : code;
    }
    if (diag_count(&k.diag) || c->json)
        cli_complain(c, &k.diag);
    if (code == CLI_GOOD && !c->json)
        (void)printf("%d playbook%s: good%s\n", c->argc, c->argc == 1 ? "" : "s",
                     k.config ? "" : " (without a configuration: names of accounts not checked)");
    close_checking(&k);
    return code;
}
