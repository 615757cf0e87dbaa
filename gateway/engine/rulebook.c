/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/rulebook.h"

#include <assert.h>
#include <stdlib.h>

#include "base/fold.h"
#include "engine/message.h"
#include "journey/calendar.h"

enum { MAX_PLANS = 32, MAX_HITS = 64 };

struct slot {
    const struct plan *plan;
    const struct rule *rule;
};

struct rulebook {
    const struct fold *fold;
    struct plan *plans[MAX_PLANS];
    size_t plan_count;
    struct slot *slots; /* every rule of every plan; a route hit's `order` is an index in here */
    size_t slot_count;
    struct route_table *routes;
    struct route_scratch *scratch;
    struct rule_hit hits[MAX_HITS];
};

int rulebook_new(const struct fold *fold, struct rulebook **ret)
{
    struct rulebook *r = mem_calloc(1, sizeof *r);

    if (!r)
        return -ENOMEM;
    r->fold = fold;
    int err = route_scratch_new(&r->scratch);
    if (!err)
        err = route_table_new(NULL, 0, fold, &r->routes, NULL);
    if (err) {
        rulebook_free(r);
        return err;
    }
    *ret = r;
    return 0;
}

void rulebook_free(struct rulebook *r)
{
    if (!r)
        return;
    route_table_free(r->routes);
    route_scratch_free(r->scratch);
    for (size_t i = 0; i < r->plan_count; i++)
        plan_free(r->plans[i]);
    mem_free(r->slots);
    mem_free(r);
}

static size_t count_rules(struct plan *const *plans, size_t n)
{
    size_t count = 0;

    for (size_t i = 0; i < n; i++)
        count += plans[i]->rule_count;
    return count;
}

/* Lists all rules and routes those with keywords. */
static int index_rules(struct rulebook *r, struct plan *const *plans, size_t n, struct slot **ret_slots,
                       struct route_table **ret_routes)
{
    size_t count = count_rules(plans, n), at = 0, routed = 0;
    struct slot *slots = mem_calloc(count + 1, sizeof *slots);
    struct route_rule *rules = mem_calloc(count + 1, sizeof *rules);
    int err = slots && rules ? 0 : -ENOMEM;

    for (size_t i = 0; i < n && !err; i++)
        for (size_t k = 0; k < plans[i]->rule_count; k++, at++) {
            const struct rule *rule = &plans[i]->rules[k];
            slots[at] = (struct slot){plans[i], rule};
            if (rule->keyword_count)
                rules[routed++] = (struct route_rule){rule, (uint32_t)at};
        }
    if (!err)
        err = route_table_new(rules, routed, r->fold, ret_routes, NULL);
    mem_free(rules);
    if (err)
        mem_free(slots);
    else
        *ret_slots = slots;
    return err;
}

/* Where a plan of that name stands, or the end. */
static size_t place_of(struct plan *const *plans, size_t n, struct str name)
{
    size_t at = 0;

    while (at < n && !str_eq(plans[at]->name, name))
        at++;
    return at;
}

int rulebook_apply(struct rulebook *r, struct plan *const *plans, size_t n)
{
    struct plan *all[MAX_PLANS], *old[MAX_PLANS + OP_PLANS_MAX];
    struct route_table *routes;
    struct slot *slots;
    size_t count = r->plan_count, old_count = 0;

    assert(n <= OP_PLANS_MAX);
    for (size_t i = 0; i < count; i++)
        all[i] = r->plans[i];
    for (size_t i = 0; i < n; i++) {
        size_t at = place_of(all, count, plans[i]->name);
        if (at == MAX_PLANS)
            return ERR_FULL;
        if (at < count)
            old[old_count++] = all[at];
        else
            count++;
        all[at] = plans[i];
    }
    int err = index_rules(r, all, count, &slots, &routes);
    if (err)
        return err;
    route_table_free(r->routes);
    mem_free(r->slots);
    for (size_t i = 0; i < old_count; i++)
        plan_free(old[i]);
    r->routes = routes;
    r->slots = slots;
    r->slot_count = count_rules(all, count);
    r->plan_count = count;
    for (size_t i = 0; i < count; i++)
        r->plans[i] = all[i];
    return 0;
}

int rulebook_lint(const struct plan *plan, const struct fold *fold, struct diag *diag)
{
    struct route_rule *rules = mem_calloc(plan->rule_count + 1, sizeof *rules);
    size_t n = 0;

    if (!rules)
        return -ENOMEM;
    for (size_t i = 0; i < plan->rule_count; i++)
        if (plan->rules[i].keyword_count)
            rules[n++] = (struct route_rule){&plan->rules[i], (uint32_t)i};
    int err = route_lint(rules, n, fold, route_covers, diag);
    mem_free(rules);
    return err;
}

const struct plan *const *rulebook_plans(const struct rulebook *r, size_t *ret_n)
{
    *ret_n = r->plan_count;
    return (const struct plan *const *)r->plans;
}

const struct plan *rulebook_plan(const struct rulebook *r, struct str name)
{
    for (size_t i = 0; i < r->plan_count; i++)
        if (str_eq(r->plans[i]->name, name))
            return r->plans[i];
    return NULL;
}

static bool in_scope(const struct rule *rule, enum event_kind kind, const struct account *account)
{
    if (rule->on != kind)
        return false;
    for (size_t i = 0; i < rule->from_count; i++)
        if (rule->from[i].v == account->id.v)
            return true;
    return rule->from_count == 0;
}

static size_t match_keywords(struct rulebook *r, enum event_kind kind, const struct account *account,
                             struct str text, int *ret_err)
{
    const struct route_hit *hits;
    size_t n = 0, kept = 0;

    *ret_err = text.n ? route_match(r->routes, r->scratch, text, &hits, &n) : 0;
    if (*ret_err)
        return 0;
    for (size_t i = 0; i < n && kept < MAX_HITS; i++) {
        const struct slot *s = &r->slots[hits[i].order];
        if (in_scope(s->rule, kind, account))
            r->hits[kept++] = (struct rule_hit){s->plan, s->rule, hits[i].keyword};
    }
    return kept;
}

int rulebook_match(struct rulebook *r, enum event_kind kind, const struct account *account, struct str text,
                   const struct rule_hit **ret, size_t *ret_n)
{
    int err;
    size_t n = match_keywords(r, kind, account, text, &err);

    if (err)
        return err;
    for (size_t i = 0; i < r->slot_count && n < MAX_HITS; i++) {
        const struct slot *s = &r->slots[i];
        bool beaten = n > 0 && r->hits[0].keyword.n;
        if (!s->rule->keyword_count && !beaten && in_scope(s->rule, kind, account))
            r->hits[n++] = (struct rule_hit){s->plan, s->rule, {NULL, 0}};
    }
    *ret = r->hits;
    *ret_n = n;
    return 0;
}

struct str rulebook_folded(const struct rulebook *r)
{
    return route_folded(r->scratch);
}

int64_t rulebook_quiet_until(const struct rulebook *r, enum message_class class, int64_t now_ms)
{
    int64_t until = 0;

    for (size_t i = 0; i < r->plan_count; i++) {
        const struct quiet_hours *q = &r->plans[i]->quiet;
        if (!q->set || !(q->classes & (1u << class)))
            continue;
        int64_t end = calendar_quiet_end(q->from_ms, q->to_ms, now_ms);
        if (end > now_ms && end > until)
            until = end;
    }
    return until;
}
