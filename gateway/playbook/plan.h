/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h - a checked playbook as the engine uses it: names resolved, templates parsed, rules compiled.
 *
 * A plan is built off the engine thread by playbook_compile() and handed over whole; from then on it is
 * constant. Several playbooks may be applied at once; each is a plan of its own.
 *
 * Memory   the plan owns everything it points to; strings live as long as it does.
 * Threads  any, once built.
 */
#ifndef SIYU_PLAYBOOK_PLAN_H
#define SIYU_PLAYBOOK_PLAN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/id.h"
#include "base/str.h"
#include "base/terms.h"
#include "journey/calendar.h"
#include "rulepack/rulepack.h"

struct bot_ops;
struct template_set;

enum keyword_kind { KEYWORD_EXACT, KEYWORD_PREFIX, KEYWORD_CONTAINS, KEYWORD_REGEX }; /* in rank order */

struct keyword {
    enum keyword_kind kind;
    struct str text; /* as written */
};

enum action_kind { ACTION_SEND, ACTION_TAG, ACTION_UNTAG, ACTION_HANDOFF, ACTION_BOT };

struct action {
    enum action_kind kind;
    struct str arg;            /* template, tag, pool */
    const struct bot_ops *bot; /* ACTION_BOT */
    const json_t *with;
};

struct rule {
    int64_t key;     /* stable hash of playbook name and rule position or `id` */
    struct str name; /* `id:` or "rules[3]"; with file:line in `where` */
    struct str where;
    enum event_kind on;
    const struct account_id *from; /* accounts; from_count 0: every account whose kind can receive it */
    size_t from_count;
    const struct keyword *keywords; /* count 0: no keyword condition */
    size_t keyword_count;
    bool fold;           /* keyword: {fold: true}, the default */
    int priority;        /* `priority:`, higher first; default 0 */
    int64_t cooldown_ms; /* per person (per group in groups) */
    const struct action *actions;
    size_t action_count;
};

struct broadcast {
    struct str name, where;
    struct account_id account; /* 0: `on` names a connection with many accounts */
    struct connection_id connection;
    enum account_kind kind;
    enum call_op op;
    bool weekly;
    int weekday;   /* 0 Monday .. 6 Sunday */
    int64_t at_ms; /* weekly: ms into the day, Asia/Shanghai; one-off: ms since 1970 */
    int64_t spread_ms;
    int64_t expires_ms; /* after the run's start; default: end of the slot's day, at least 2 h */
    enum missed_policy missed;
    bool to_groups;
    struct str tag; /* empty: everybody */
    struct str template_name;
};

/* The broadcast's slots, for calendar_due(). */
struct calendar_plan broadcast_calendar(const struct broadcast *b);

struct quiet_hours {
    bool set;
    int64_t from_ms, to_ms; /* into the day; from > to spans midnight */
    uint32_t classes;       /* 1u << class that it binds; default journey and broadcast */
};

struct plan {
    struct str name, file, text;
    unsigned char hash[16];
    struct template_set *templates;
    const struct rule *rules;
    size_t rule_count;
    const struct broadcast *broadcasts;
    size_t broadcast_count;
    const struct limit *limits; /* operator limits, ids from 10000, classes as the playbook says */
    size_t limit_count;
    struct quiet_hours quiet;
    const json_t *vars; /* playbook-wide template variables (`brand: ...`) */
};

/* What names in a playbook may refer to. */
struct world_account {
    struct account_id id;
    struct connection_id connection;
    enum account_kind kind;
    struct str name, connection_name;
    struct str signature;    /* sms: 【...】 text, to judge length and refusal text */
    struct str account_type; /* official: "service" or "subscription" */
};

struct plan_world {
    const struct world_account *accounts;
    size_t account_count;
    const struct bot_ops *const *bots;
    size_t bot_count;
    const struct rulepack *rules;
};

/* Parses, checks and resolves one playbook. Every complaint of the file is collected in `diag` as
 * "file:line: what, why, how to mend"; ERR_CONFIG when there is any. A key of the design that this version
 * does not implement is refused as `not available in this version`. `world` NULL: names of accounts are not
 * checked against a configuration (`siyu check` of a playbook alone). */
int playbook_compile(struct str text, const char *file, const struct plan_world *world, struct diag *diag,
                     struct plan **ret);
void plan_free(struct plan *p); /* NULL is a no-op */

#endif
