/* SPDX-License-Identifier: Apache-2.0 */
#include "sender/judge.h"

#include "base/json.h"
#include "engine/delivery.h"
#include "engine/engine_private.h"
#include "engine/render.h"
#include "templates/variant.h"

static void end(struct batch *b, struct candidate *c, enum delivery_state to, enum cause cause, json_t *detail)
{
    delivery_move(b, c->row, (struct delivery_move){.to = to, .cause = cause, .final = true,
                                                    .what = delivery_state_text(to), .detail = detail});
}

static void hold_until(struct batch *b, struct candidate *c, enum cause cause, int64_t until_ms, json_t *detail)
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
    end(b, c, STATE_SUPPRESSED, CAUSE_NOT_A_FRIEND, NULL);
    return false;
}

bool judge_person(struct batch *b, struct candidate *c)
{
    const struct class_rule *rule = rulepack_class(b->engine->rules, c->row->class);
    int64_t quiet = rulebook_quiet_until(b->engine->rulebook, c->row->class, b->now_ms);

    if (b->now_ms >= c->row->deadline_ms) {
        end(b, c, STATE_EXPIRED, CAUSE_DEADLINE, NULL);
        return false;
    }
    if (!c->to.n) {
        end(b, c, STATE_FAILED, CAUSE_NOT_REACHABLE, NULL);
        return false;
    }
    if (c->who && rule->marketing && person_refuses(c->who, STR("marketing"))) {
        end(b, c, STATE_SUPPRESSED, CAUSE_REFUSED_BY_CONTACT, NULL);
        return false;
    }
    if (c->who && !judge_relation(b, c))
        return false;
    if (quiet) {
        hold_until(b, c, CAUSE_QUIET_HOURS, quiet, json_pack("{s:I}", "until_ms", (json_int_t)quiet));
        return false;
    }
    return true;
}

bool judge_content(struct batch *b, struct candidate *c)
{
    struct str why = {NULL, 0};

    if (c->content.rendered) {
        c->text = c->content.body;
        c->shared = true;
        return true;
    }
    int err = render_frozen(b, &c->content, c->account, c->who, &c->text, &c->shared, &why);
    if (!err)
        return true;
    end(b, c, STATE_FAILED, err == ERR_TOO_BIG ? CAUSE_TOO_LONG : CAUSE_RENDER,
        json_pack("{s:s%}", "why", why.n ? why.p : "", why.n));
    return false;
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

static json_t *block_detail(const struct quota_block *k)
{
    return json_pack("{s:s, s:I, s:I, s:I, s:s}", "limit", k->limit->name, "used", (json_int_t)k->used, "max",
                     (json_int_t)k->max, "until_ms", (json_int_t)k->free_at_ms, "source", k->limit->source);
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
    hold_until(b, c, cause, whole ? c->row->due_ms : block->free_at_ms, block_detail(block));
    return whole;
}

json_t *judge_charged(struct batch *b, const struct claim_want *wants, size_t n)
{
    json_t *out = json_object();
    struct quota_block k;
    char text[64];

    for (size_t i = 0; i < n; i++) {
        struct counter_key key = {wants[i].limit->id, wants[i].subject};
        if (wants[i].limit->window == WINDOW_PACE ||
            quota_usage(b->engine->counters, key, b->now_ms, &k) != 0 || !k.used)
            continue;
        (void)snprintf(text, sizeof text, "%lld/%lld", (long long)k.used, (long long)k.max);
        (void)json_object_set_new(out, wants[i].limit->name, json_string(text));
    }
    return out;
}
