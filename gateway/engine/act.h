/* SPDX-License-Identifier: Apache-2.0 */
/* act.h - what rules and bots ask for becomes rows: collect, render, then carry out.
 *
 * Everything that can fail because of a playbook or a bot (a template that does not render, a bot's error)
 * happens in collecting and rendering, before anything is changed; carrying out only fails as a whole batch.
 * Texts themselves are render.h's.
 *
 * Memory   the batch's arena. Threads: the engine thread.
 */
#ifndef SIYU_ENGINE_ACT_H
#define SIYU_ENGINE_ACT_H

#include "bot.h"
#include "engine/incident.h"
#include "engine/render.h"
#include "engine/rulebook.h"

enum { ACTIONS_MAX = 32 };

struct planned_action {
    enum action_kind kind;
    struct str arg;          /* template, tag, pool; what a bot says */
    bool literal;            /* ACTION_SEND: arg is the text itself */
    const struct plan *plan;
    const struct rule *rule;
    struct rendering content; /* set by act_render */
};

struct actions {
    struct batch *batch;
    const struct plan *plan; /* whose rule is collecting */
    const struct rule *rule;
    size_t count;
    struct planned_action list[ACTIONS_MAX];
};

/* What templates and bots see. Built once an incident, when the first of them looks; zeroed before. */
struct act_view {
    json_t *data; /* {contact, event, account} */
    json_t *contact, *event;
};
void act_view_fini(struct act_view *v);

/* Appends the rule's actions, bots asked. `why` gets the reason for people. */
int act_collect(struct batch *b, const struct incident *i, const struct rule_hit *hit, struct act_view *v,
                struct actions *a, struct str *why);
/* Renders every send for the incident's channel. */
int act_render(struct batch *b, const struct incident *i, struct act_view *v, struct actions *a, struct str *why);
/* Tags, deliveries, the passive reply. */
void act_carry_out(struct batch *b, struct incident *i, const struct actions *a);

/* The provider call that answers or reaches somebody: by account kind, and whether a single-use code is there.
 * CALL_OP_COUNT: this account cannot. */
enum call_op act_op(enum account_kind kind, enum event_kind on, bool has_code);

#endif
