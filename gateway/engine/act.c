/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/act.h"

#include "base/hash.h"
#include "engine/delivery.h"
#include "engine/engine_private.h"
#include "engine/note.h"
#include "engine/render.h"

/* Later than this after receipt, the platform may already have given up waiting for a passive reply. */
#define PASSIVE_LATEST_MS 4000
#define CODE_LIFE_MS INT64_C(18000) /* of the platform's 20 s */
#define CODE_LATE_MAX_MS INT64_C(15000)

/* ---- collecting ---- */

static int add(struct actions *a, enum action_kind kind, struct str arg, bool literal)
{
    if (a->count == ACTIONS_MAX)
        return ERR_FULL;
    a->list[a->count++] = (struct planned_action){.kind = kind, .arg = batch_str(a->batch, arg), .literal = literal,
                                                  .plan = a->plan, .rule = a->rule};
    return a->batch->err;
}

int actions_say(struct actions *a, struct str text)
{
    return add(a, ACTION_SEND, text, true);
}

int actions_send(struct actions *a, struct str template_name)
{
    return add(a, ACTION_SEND, template_name, false);
}

int actions_tag(struct actions *a, struct str tag)
{
    return add(a, ACTION_TAG, tag, false);
}

int actions_untag(struct actions *a, struct str tag)
{
    return add(a, ACTION_UNTAG, tag, false);
}

int actions_handoff(struct actions *a, struct str pool)
{
    return add(a, ACTION_HANDOFF, pool, false);
}

static json_t *event_json(const struct incident *i)
{
    return json_pack("{s:s, s:s%, s:I}", "kind", event_kind_text(i->in->kind), "text", i->in->text.n ? i->in->text.p : "",
                     i->in->text.n, "at_ms", (json_int_t)i->in->at_ms);
}

static int look(struct batch *b, const struct incident *i, struct act_view *ret)
{
    if (ret->data)
        return 0;
    ret->contact = person_json(i->who, b->now_ms);
    ret->event = event_json(i);
    ret->data = json_pack("{s:O*, s:O*, s:{s:s%}}", "contact", ret->contact, "event", ret->event, "account", "name",
                          i->account->name.p, i->account->name.n);
    if (ret->contact && ret->event && ret->data)
        return 0;
    act_view_fini(ret);
    return -ENOMEM;
}

void act_view_fini(struct act_view *v)
{
    json_decref(v->data);
    json_decref(v->contact);
    json_decref(v->event);
    *v = (struct act_view){0};
}

/* The only chance a bot has: the same event and rule always give the same seed. */
static uint64_t seed_of(const struct engine *e, const struct incident *i, const struct rule *rule)
{
    uint64_t x = e->seed ^ (uint64_t)i->id.v * UINT64_C(0x9E3779B97F4A7C15) ^ (uint64_t)rule->key;

    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}

static int ask_bot(struct batch *b, const struct incident *i, const struct rule *rule, const struct action *action,
                   struct act_view *v, struct actions *a, struct str *why)
{
    int err = look(b, i, v);
    struct bot_facts facts = {
        .now_ms = b->now_ms, .seed = seed_of(b->engine, i, rule), .kind = i->in->kind,
        .account_kind = i->account->kind, .account = i->account->name, .contact_name = i->who->row.name,
        .text = i->in->text, .folded = rulebook_folded(b->engine->rulebook), .contact = v->contact, .event = v->event,
    };

    if (err)
        return err;
    err = action->bot->decide(&facts, action->with, a);
    if (err)
        *why = batch_cstr(b, action->bot->name);
    return err;
}

int act_collect(struct batch *b, const struct incident *i, const struct rule_hit *hit, struct act_view *v,
                struct actions *a, struct str *why)
{
    int err = 0;

    a->plan = hit->plan;
    a->rule = hit->rule;
    for (size_t k = 0; k < hit->rule->action_count && !err; k++) {
        const struct action *x = &hit->rule->actions[k];
        err = x->kind == ACTION_BOT ? ask_bot(b, i, hit->rule, x, v, a, why) : add(a, x->kind, x->arg, false);
    }
    if (err != ERR_FULL)
        return err;
    *why = STR("its rules ask for too many actions");
    return ERR_TOO_BIG; /* this event's fault; ERR_FULL would be the batch's */
}

static int render_one(struct batch *b, const struct incident *i, struct act_view *v, struct planned_action *x,
                      struct str *why)
{
    enum account_kind kind = i->account->kind;

    if (x->literal)
        x->content = render_literal(b, x->arg);
    if (x->literal || render_ready(b, x->plan, x->arg, kind, &x->content))
        return b->err;
    int err = look(b, i, v);
    return err ? err : render_template(b, x->plan, x->arg, kind, v->data, &x->content, why);
}

int act_render(struct batch *b, const struct incident *i, struct act_view *v, struct actions *a, struct str *why)
{
    int err = 0;

    for (size_t k = 0; k < a->count && !err; k++)
        if (a->list[k].kind == ACTION_SEND)
            err = render_one(b, i, v, &a->list[k], why);
    return err;
}

/* ---- carrying out ---- */

enum call_op act_op(enum account_kind kind, enum event_kind on, bool has_code)
{
    switch (kind) {
    case ACCOUNT_WECOM_MEMBER: return on == EVENT_CONTACT_ADDED && has_code ? CALL_WELCOME : CALL_OP_COUNT;
    case ACCOUNT_WECOM_KF: return has_code ? CALL_WELCOME : CALL_SEND;
    case ACCOUNT_OFFICIAL:
    case ACCOUNT_SMS:
    case ACCOUNT_WECOM_APP: return CALL_SEND;
    default: return CALL_OP_COUNT;
    }
}

static enum message_class class_of(enum event_kind on)
{
    switch (on) {
    case EVENT_CONTACT_ADDED:
    case EVENT_KF_ENTERED:
    case EVENT_OFFICIAL_FOLLOWED: return CLASS_WELCOME;
    default: return CLASS_REPLY;
    }
}

/* On the gateway's clock, which a step of the wall clock does not move. */
static int64_t received_ms(const struct batch *b, const struct incident *i)
{
    if (i->received_mono_ms == INT64_MIN) /* in an earlier life */
        return i->received_ms;
    return b->now_ms - (b->now_mono_ms - i->received_mono_ms);
}

/* A code lives 20 s from the platform's own time of the event; what the way here took is gone already. */
static int64_t code_deadline(const struct batch *b, const struct incident *i)
{
    int64_t late = i->in->at_ms ? i->received_ms - i->in->at_ms - rulepack_skew_ms(b->engine->rules) : 0;

    if (late < 0)
        late = 0;
    return received_ms(b, i) + CODE_LIFE_MS - (late > CODE_LATE_MAX_MS ? CODE_LATE_MAX_MS : late);
}

static struct delivery_row base_row(struct batch *b, const struct incident *i, const struct planned_action *x,
                                    int32_t step)
{
    enum message_class class = class_of(i->in->kind);
    int64_t life = rulepack_class(b->engine->rules, class)->default_deadline_ms;

    return (struct delivery_row){
        .origin_kind = ORIGIN_EVENT, .origin = i->id.v, .step = step, .contact = i->who->row.id, .class = class,
        .account = i->account->id, .content = render_store(b, x->content.body), .due_ms = b->now_ms,
        .deadline_ms = life ? b->now_ms + life : INT64_MAX, .cause = CAUSE_PLANNED,
    };
}

static struct str action_note(struct batch *b, const struct planned_action *x)
{
    struct note n;

    note_begin(&n, b);
    note_str(&n, "rule", x->rule->name);
    note_str(&n, "at", x->rule->where);
    note_str(&n, x->literal ? "says" : "template", x->arg);
    return note_end(&n);
}

/* Content and mode become part of the event's own transaction and never change. */
static void reply_passively(struct batch *b, struct incident *i, const struct planned_action *x, int32_t step)
{
    struct delivery_row row = base_row(b, i, x, step);

    row.op = CALL_SEND;
    row.state = STATE_IN_FLIGHT;
    row.cause = CAUSE_PASSIVE;
    i->mode = REPLY_PASSIVE;
    i->reply = row.content;
    i->reply_content = x->content;
    struct delivery_id id = delivery_plan(b, row, action_note(b, x));
    if (engine_wait_passive(b->engine, i->id, id) != 0)
        b->err = -ENOMEM;
}

static void send_actively(struct batch *b, const struct incident *i, const struct planned_action *x, int32_t step)
{
    struct delivery_row row = base_row(b, i, x, step);

    row.op = act_op(i->account->kind, i->in->kind, i->in->code.n > 0);
    row.state = STATE_QUEUED;
    if (row.op == CALL_WELCOME) {
        row.code = i->in->code;
        row.deadline_ms = code_deadline(b, i);
    } else if (row.op == CALL_OP_COUNT) {
        row.op = CALL_SEND;
        row.state = STATE_SUPPRESSED;
        row.cause = CAUSE_NOT_REACHABLE;
        row.final = true;
    }
    (void)delivery_plan(b, row, action_note(b, x));
}

static bool may_be_passive(const struct batch *b, const struct incident *i)
{
    return i->in->passive && !i->redecided && i->mode == REPLY_NONE &&
           b->now_mono_ms - i->received_mono_ms <= PASSIVE_LATEST_MS;
}

static void hand_off(struct batch *b, const struct incident *i, const struct planned_action *x)
{
    struct note n;

    note_begin(&n, b);
    note_cstr(&n, "type", "handoff");
    note_int(&n, "contact", i->who->row.id.v);
    note_str(&n, "to", x->arg);
    struct str note = note_end(&n);
    trace_add(b, (struct trace_about){.contact = i->who->row.id, .event = i->id}, "handoff", note);
    live_add(b, note);
}

static void tag(struct batch *b, const struct incident *i, const struct planned_action *x)
{
    bool on = x->kind == ACTION_TAG;
    bool changed = on ? person_tag(b, i->who, x->arg, x->rule->name) : person_untag(b, i->who, x->arg);
    struct note n;

    if (!changed)
        return;
    note_begin(&n, b);
    note_str(&n, "tag", x->arg);
    note_str(&n, "rule", x->rule->name);
    trace_add(b, (struct trace_about){.contact = i->who->row.id, .event = i->id}, on ? "tagged" : "untagged",
              note_end(&n));
}

void act_carry_out(struct batch *b, struct incident *i, const struct actions *a)
{
    for (size_t k = 0; k < a->count; k++) {
        const struct planned_action *x = &a->list[k];
        switch (x->kind) {
        case ACTION_SEND:
            if (may_be_passive(b, i))
                reply_passively(b, i, x, (int32_t)k);
            else
                send_actively(b, i, x, (int32_t)k);
            break;
        case ACTION_TAG:
        case ACTION_UNTAG: tag(b, i, x); break;
        case ACTION_HANDOFF: hand_off(b, i, x); break;
        case ACTION_BOT: break; /* asked while collecting */
        }
    }
    if (i->mode == REPLY_NONE && a->count)
        i->mode = REPLY_ACTIVE;
}
