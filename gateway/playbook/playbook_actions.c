/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule does, and whether its accounts can: `do` with its actions, then the bot. */
#include "playbook/playbook_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bot.h"

#define ACTIONS_MAX 20

/* The call that an answer to the event is made with; CALL_OP_COUNT: there is nobody to answer. */
static enum call_op answer_op(enum event_kind on)
{
    switch (on) {
    case EVENT_CONTACT_ADDED:
    case EVENT_KF_ENTERED: return CALL_WELCOME;
    case EVENT_MESSAGE_RECEIVED:
    case EVENT_MESSAGE_FAILED:
    case EVENT_OFFICIAL_FOLLOWED:
    case EVENT_OFFICIAL_SCANNED:
    case EVENT_OFFICIAL_MENU:
    case EVENT_OFFICIAL_LOCATED: return CALL_SEND;
    default: return CALL_OP_COUNT;
    }
}

static int send_by(struct rule_reading *rd, const json_t *obj, const char *name, struct str *ret)
{
    enum call_op op = answer_op(rd->rule->on);
    size_t able = 0;
    int r = 0;

    if (op == CALL_OP_COUNT) {
        json_complainf(&rd->p->ctx, obj, "send",
                       "impossible: after `%s` no interface reaches the contact; tag the contact and send by "
                       "a broadcast",
                       event_kind_text(rd->rule->on));
        return 0;
    }
    for (size_t i = 0; r == 0 && i < rd->account_count; i++) {
        const struct world_account *a = rd->accounts[i];
        const struct kind_rule *kind = playbook_kind(rd->p, a->kind);
        bool can = kind == NULL || (kind->ops & 1u << op) != 0;

        able += can;
        if (can)
            r = playbook_use_template(rd->p, &(struct template_use){.obj = obj, .name = name, .account = a},
                                      ret);
        else if (rd->named)
            json_complainf(&rd->p->ctx, obj, "send",
                           "impossible: %.*s (%s) cannot answer `%s`; take it out of `from`",
                           STR_ARG(a->name), account_kind_text(a->kind), event_kind_text(rd->rule->on));
    }
    if (r == 0 && able == 0) /* nobody to judge it for: it must exist all the same */
        r = playbook_use_template(rd->p, &(struct template_use){.obj = obj, .name = name}, ret);
    return r;
}

static int read_action(struct rule_reading *rd, const json_t *obj, struct action *out)
{
    static const struct {
        const char *key;
        enum action_kind kind;
    } kinds[] = {
        {"send", ACTION_SEND}, {"tag", ACTION_TAG}, {"untag", ACTION_UNTAG}, {"handoff", ACTION_HANDOFF}};
    struct play *p = rd->p;
    const char *arg;

    if (!json_is_object(obj) || json_object_size(obj) != 1) {
        json_complainf(&p->ctx, obj, NULL,
                       "expected one action as {send: NAME}, {tag: NAME}, {untag: NAME} or {handoff: "
                       "NAME}; write several as a list");
        return 0;
    }
    playbook_check_keys(p, PLAYBOOK_ACTION, obj);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (json_object_get(obj, kinds[i].key) == NULL)
            continue;
        if (!playbook_name(p, obj, kinds[i].key, PLAYBOOK_TAG_BYTES, true, &arg))
            return 0;
        *out = (struct action){.kind = kinds[i].kind, .arg = str_of(arg)};
        rd->rule->action_count++;
        return kinds[i].kind == ACTION_SEND ? send_by(rd, obj, arg, &out->arg) : 0;
    }
    return 0;
}

static int read_do(struct rule_reading *rd, struct action *out)
{
    struct play *p = rd->p;
    const json_t *list = json_object_get(rd->obj, "do");
    int r = 0;

    if (list == NULL)
        return 0;
    if (!json_is_array(list) || json_array_size(list) == 0 || json_array_size(list) > ACTIONS_MAX) {
        json_complainf(&p->ctx, rd->obj, "do", "expected a list of 1 to %d actions, as [{send: welcome}]",
                       ACTIONS_MAX);
        return 0;
    }
    json_ctx_push(&p->ctx, "do");
    for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
        json_ctx_push_index(&p->ctx, i);
        r = read_action(rd, json_array_get(list, i), &out[rd->rule->action_count]);
        json_ctx_pop(&p->ctx);
    }
    json_ctx_pop(&p->ctx);
    return r;
}

static struct str bot_name(const void *ctx, size_t i)
{
    return str_of(((const struct plan_world *)ctx)->bots[i]->name);
}

/* The bot's own complaints, moved to the place of `with`. */
static int check_with(struct rule_reading *rd, const struct bot_ops *bot, const json_t *with)
{
    const json_t *at = json_object_get(rd->obj, "with") != NULL ? with : rd->obj;
    struct diag diag;
    int r;

    diag_init(&diag, 20);
    r = bot->check(with, &diag);
    json_ctx_push(&rd->p->ctx, "with");
    for (size_t i = 0; i < diag_count(&diag); i++) {
        char key[PLAYBOOK_NAME_BYTES];
        struct str text = str_of(diag_text(&diag, i)), head, rest;
        int line = yaml_line_of(rd->p->owned->doc, at);

        if (str_cut(text, ':', &head, &rest) && head.n < sizeof key) {
            (void)snprintf(key, sizeof key, "%.*s", STR_ARG(head));
            if (yaml_key_line(rd->p->owned->doc, with, key) > 0)
                line = yaml_key_line(rd->p->owned->doc, with, key);
        }
        diag_addf(&rd->p->diag, rd->p->ctx.file, line, "%s.%.*s", rd->p->ctx.path, STR_ARG(text));
    }
    json_ctx_pop(&rd->p->ctx);
    diag_fini(&diag);
    return r == -ENOMEM ? r : 0;
}

static void unknown_bot(struct rule_reading *rd, const char *name)
{
    const struct plan_world *w = rd->p->world;
    char hint[PLAYBOOK_HINT_BYTES];

    json_complainf(&rd->p->ctx, rd->obj, "bot", "there is no bot `%s`%s", name,
                   playbook_hint(playbook_nearest(name, bot_name, w, w->bot_count), hint));
}

static int read_bot(struct rule_reading *rd, struct action *out)
{
    const struct plan_world *w = rd->p->world;
    const json_t *with = playbook_object_at(rd->p, rd->obj, "with");
    const char *name = NULL;

    if (!playbook_name(rd->p, rd->obj, "bot", PLAYBOOK_NAME_BYTES, false, &name))
        return 0;
    if (name == NULL && json_object_get(rd->obj, "with") != NULL)
        json_complainf(&rd->p->ctx, rd->obj, "with",
                       "parameters without a bot; write `bot: NAME` beside them");
    if (name == NULL)
        return 0;
    if (answer_op(rd->rule->on) == CALL_OP_COUNT)
        json_complainf(&rd->p->ctx, rd->obj, "bot", "impossible: after `%s` no interface reaches the contact",
                       event_kind_text(rd->rule->on));
    with = with != NULL ? with : rd->p->owned->nothing;
    for (size_t i = 0; w != NULL && i < w->bot_count; i++) {
        if (strcmp(w->bots[i]->name, name) != 0)
            continue;
        out[rd->rule->action_count++] = (struct action){
            .kind = ACTION_BOT, .arg = str_of(w->bots[i]->name), .bot = w->bots[i], .with = with};
        return check_with(rd, w->bots[i], with);
    }
    if (w != NULL)
        unknown_bot(rd, name);
    return 0;
}

int playbook_read_actions(struct rule_reading *rd)
{
    size_t listed = playbook_count(json_object_get(rd->obj, "do"));
    struct action *out;
    int r;

    if (listed == 0 && json_object_get(rd->obj, "bot") == NULL) {
        json_complainf(&rd->p->ctx, rd->obj, NULL,
                       "the rule does nothing; write `do:` with actions or `bot:`");
        return 0;
    }
    out = arena_alloc(rd->p->arena, ((listed < ACTIONS_MAX ? listed : ACTIONS_MAX) + 1) * sizeof *out);
    if (out == NULL)
        return -ENOMEM;
    rd->rule->actions = out;
    r = read_do(rd, out);
    return r < 0 ? r : read_bot(rd, out);
}
