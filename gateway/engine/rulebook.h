/* SPDX-License-Identifier: Apache-2.0 */
/* rulebook.h - the applied playbooks, ready for deciding: which rules does an event meet, which limits,
 * quiet hours, templates and broadcasts are in force.
 *
 * A rulebook is replaced as a whole when a playbook is applied; deliveries already planned keep the content
 * they were planned with.
 *
 * Errors   0 or a negative err. Memory: owns its plans. Threads: the engine thread.
 */
#ifndef SIYU_ENGINE_RULEBOOK_H
#define SIYU_ENGINE_RULEBOOK_H

#include "engine/registry.h"
#include "engine/route.h"
#include "playbook/plan.h"

struct rulebook;

struct rule_hit {
    const struct plan *plan;
    const struct rule *rule;
    struct str keyword; /* that matched; empty: the rule has none */
};

int rulebook_new(const struct fold *fold, struct rulebook **ret);
void rulebook_free(struct rulebook *r);

/* Each replaces the plan of the same name, or is added: all or none. Takes the plans on success. ERR_FULL: too many
 * playbooks. */
int rulebook_apply(struct rulebook *r, struct plan *const *plans, size_t n);
const struct plan *const *rulebook_plans(const struct rulebook *r, size_t *ret_n);
const struct plan *rulebook_plan(const struct rulebook *r, struct str name); /* NULL: none */

/* The rules that `kind` at `account` with `text` meets, in acting order; `ret` is good until the next call. A
 * message meets its keyword rules, or, where none matches, the rules without keyword. */
int rulebook_match(struct rulebook *r, enum event_kind kind, const struct account *account, struct str text,
                   const struct rule_hit **ret, size_t *ret_n);
/* The text of the last match, folded; empty when no keyword was looked for. */
struct str rulebook_folded(const struct rulebook *r);

/* For `check` and `apply`: warns of rules of the plan that can never act, complains of keywords that cannot be matched
 * (ERR_CONFIG). */
int rulebook_lint(const struct plan *plan, const struct fold *fold, struct diag *diag);

/* When quiet hours that bind `class` end, if now_ms lies in them; 0: it does not. */
int64_t rulebook_quiet_until(const struct rulebook *r, enum message_class class, int64_t now_ms);

#endif
