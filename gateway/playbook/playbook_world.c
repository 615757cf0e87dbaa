/* SPDX-License-Identifier: Apache-2.0 */
#include "playbook/playbook_private.h"

#include <stdio.h>

size_t playbook_accounts(const struct plan_world *w, const char *name, const struct world_account **out,
                         size_t max)
{
    size_t n = 0;

    for (size_t i = 0; i < w->account_count; i++) {
        if (!str_is(w->accounts[i].name, name))
            continue;
        if (max > 0)
            out[0] = &w->accounts[i];
        return 1;
    }
    for (size_t i = 0; i < w->account_count; i++) {
        if (!str_is(w->accounts[i].connection_name, name))
            continue;
        if (n < max)
            out[n] = &w->accounts[i];
        n++;
    }
    return n;
}

/* Names of accounts, then of their connections. */
static struct str sender_name(const void *ctx, size_t i)
{
    const struct plan_world *w = ctx;

    return i < w->account_count ? w->accounts[i].name : w->accounts[i - w->account_count].connection_name;
}

void playbook_unknown_account(struct play *p, const json_t *obj, const char *key, const char *name)
{
    struct str near = playbook_nearest(name, sender_name, p->world, 2 * p->world->account_count);
    char hint[PLAYBOOK_HINT_BYTES];

    json_complainf(&p->ctx, obj, key, "no account or connection is called `%s`%s", name,
                   near.n > 0 ? playbook_hint(near, hint)
                              : "; names come from `connections` and `accounts` of siyu.yaml");
}

const struct kind_rule *playbook_kind(const struct play *p, enum account_kind kind)
{
    return p->world != NULL && p->world->rules != NULL ? rulepack_kind(p->world->rules, kind) : NULL;
}

const char *playbook_who_gets(const struct play *p, enum event_kind on, char *out, size_t size)
{
    size_t n = 0;

    out[0] = '\0';
    for (size_t i = 0; i < p->world->account_count && n < size; i++) {
        const struct world_account *a = &p->world->accounts[i];
        const struct kind_rule *kind = playbook_kind(p, a->kind);

        if (kind != NULL && (kind->receives & UINT64_C(1) << on) != 0)
            n += (size_t)snprintf(out + n, size - n, "%s%.*s", n > 0 ? ", " : "", STR_ARG(a->name));
    }
    return out;
}
