/* SPDX-License-Identifier: Apache-2.0 */
#include "sender/judge.h"

#include "base/json.h"
#include "engine/delivery.h"
#include "engine/engine_private.h"
#include "engine/note.h"
#include "engine/render.h"
#include "engine/settle.h"
#include "templates/variant.h"

static const struct str none = {NULL, 0};

bool judge_deadline(struct batch *b, struct delivery_row *row)
{
    if (b->now_ms < row->deadline_ms)
        return true;
    settle_drop(b, row, (struct delivery_move){.to = STATE_EXPIRED, .cause = CAUSE_DEADLINE, .what = "expired"});
    return false;
}

static void end(struct batch *b, struct candidate *c, enum delivery_state to, enum cause cause, struct str detail)
{
    settle_drop(b, c->row, (struct delivery_move){.to = to, .cause = cause, .what = delivery_state_text(to),
                                                  .detail = detail});
}

static void hold_until(struct batch *b, struct candidate *c, enum cause cause, int64_t until_ms, struct str detail)
{
    /* A message that cannot go before its deadline is looked at again at the deadline, and expires there. */
    int64_t due = until_ms < c->row->deadline_ms ? until_ms : c->row->deadline_ms;

    delivery_move(b, c->row, (struct delivery_move){.to = STATE_HELD, .cause = cause, .due_ms = due, .what = "held",
                                                    .detail = detail});
}

static bool judge_relation(struct batch *b, struct candidate *c)
{
    bool needs_friend = c->account->kind == ACCOUNT_WECOM_MEMBER || c->account->kind == ACCOUNT_OFFICIAL;

    if (!needs_friend || person_relation(c->who, c->account->id) != RELATION_LOST)
        return true;
    end(b, c, STATE_SUPPRESSED, CAUSE_NOT_A_FRIEND, none);
    return false;
}

static struct str until_note(struct batch *b, int64_t until_ms)
{
    struct note n;

    note_begin(&n, b);
    note_int(&n, "until_ms", until_ms);
    return note_end(&n);
}

bool judge_person(struct batch *b, struct candidate *c)
{
    const struct class_rule *rule = rulepack_class(b->engine->rules, c->row->class);
    int64_t quiet = rulebook_quiet_until(b->engine->rulebook, c->row->class, b->now_ms);

    if (!judge_deadline(b, c->row))
        return false;
    if (!c->to.n) {
        end(b, c, STATE_FAILED, CAUSE_NOT_REACHABLE, none);
        return false;
    }
    if (c->who && rule->marketing && person_refuses(c->who, STR("marketing"))) {
        end(b, c, STATE_SUPPRESSED, CAUSE_REFUSED_BY_CONTACT, none);
        return false;
    }
    if (c->who && !judge_relation(b, c))
        return false;
    if (quiet) {
        hold_until(b, c, CAUSE_QUIET_HOURS, quiet, until_note(b, quiet));
        return false;
    }
    return true;
}

bool judge_content(struct batch *b, struct candidate *c)
{
    struct str why = {NULL, 0};
    struct note n;

    if (c->content.rendered) {
        c->text = c->content.body;
        c->shared = true;
        return true;
    }
    int err = render_frozen(b, &c->content, c->account, c->who, &c->text, &c->shared, &why);
    if (!err)
        return true;
    note_begin(&n, b);
    note_str(&n, "why", why);
    end(b, c, STATE_FAILED, err == ERR_TOO_BIG ? CAUSE_TOO_LONG : CAUSE_RENDER, note_end(&n));
    return false;
}

void judge_alone(struct batch *b, struct candidate *c)
{
    end(b, c, STATE_FAILED, CAUSE_NOT_REACHABLE, STR("{\"why\":\"the platform's mass send takes two recipients or more\"}"));
}

static int64_t segments_of(const struct candidate *c)
{
    json_t *content = NULL;
    int64_t n = 1;

    if (c->account->kind != ACCOUNT_SMS || json_parse(c->text, JSON_DEPTH, &content, NULL) != 0)
        return 1;
    n = sms_segments(str_of(json_str(content, "text", "")), c->account->connection->signature);
    json_decref(content);
    return n > 0 ? n : 1;
}

int judge_wants(struct batch *b, struct candidate *c, int64_t delivery, int64_t attempt, struct claim_want *ret,
                size_t cap)
{
    struct quota_send send = {
        .kind = c->account->kind, .op = c->row->op, .class = c->row->class,
        .domain = c->account->connection->domain, .account = c->account->id.v, .contact = c->row->contact.v,
        .group = c->row->group.v, .delivery = delivery, .attempt = attempt,
        .segments = delivery ? segments_of(c) : 1, .variants = c->account->connection->variants,
    };

    return quota_wants(b->engine->counters, &send, ret, cap);
}

static struct str block_note(struct batch *b, const struct quota_block *k)
{
    struct note n;

    note_begin(&n, b);
    note_cstr(&n, "limit", k->limit->name);
    note_int(&n, "used", k->used);
    note_int(&n, "max", k->max);
    if (k->free_at_ms != INT64_MAX)
        note_int(&n, "until_ms", k->free_at_ms);
    note_cstr(&n, "source", k->limit->source);
    return note_end(&n);
}

bool judge_hold(struct batch *b, struct candidate *c, const struct quota_block *block)
{
    bool whole = block->limit->scope == SCOPE_ACCOUNT || block->limit->scope == SCOPE_DOMAIN;
    bool told = c->row->state == STATE_HELD && c->row->hold_limit == block->limit->id;
    enum cause cause = block->limit->window == WINDOW_PACE     ? CAUSE_PACE
                       : block->limit->window == WINDOW_OPENED ? CAUSE_NO_WINDOW
                                                               : CAUSE_LIMIT;

    if (whole && (told || cause == CAUSE_PACE))
        return true;
    c->row->hold_limit = block->limit->id;
    c->row->hold_used = block->used;
    c->row->hold_max = block->max;
    /* A full account holds its queue as a whole: the head keeps its place. */
    hold_until(b, c, cause, whole ? c->row->due_ms : block->free_at_ms, block_note(b, block));
    return whole;
}

struct str judge_charged(struct batch *b, const struct claim_want *wants, size_t n)
{
    struct quota_block k;
    struct note note;
    char text[64];

    note_begin(&note, b);
    for (size_t i = 0; i < n; i++) {
        struct counter_key key = {wants[i].limit->id, wants[i].subject};
        if (wants[i].limit->window == WINDOW_PACE ||
            quota_usage(b->engine->counters, key, b->now_ms, &k) != 0 || !k.used)
            continue;
        (void)snprintf(text, sizeof text, "%lld/%lld", (long long)k.used, (long long)k.max);
        note_cstr(&note, wants[i].limit->name, text);
    }
    return note_end(&note);
}
