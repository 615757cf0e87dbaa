/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/act.h"
#include "engine/delivery.h"
#include "engine/engine_private.h"
#include "engine/note.h"

static bool is_message(const struct incident *i)
{
    return i->in->kind == EVENT_MESSAGE_RECEIVED;
}

/* A rule that acted on this person (in groups: this group) a moment ago rests. Asking also starts the rest. */
static int in_cooldown(struct batch *b, const struct incident *i, const struct rule *rule, bool *ret)
{
    struct cooldown_row row = {.rule = rule->key, .group = i->group};
    int64_t until = 0;

    *ret = false;
    if (!rule->cooldown_ms)
        return 0;
    if (!i->group.v)
        row.contact = i->who->row.id;
    for (size_t k = b->cooldowns.count; k-- > 0 && !until;) {
        const struct cooldown_row *c = vec_at(&b->cooldowns, k);
        if (c->rule == row.rule && c->contact.v == row.contact.v && c->group.v == row.group.v)
            until = c->until_ms;
    }
    int err = until ? 0 : store_load_cooldowns(b->engine->store, &row, 1, &until);
    *ret = !err && b->now_ms < until;
    if (!err && !*ret) {
        row.until_ms = b->now_ms + rule->cooldown_ms;
        *(struct cooldown_row *)batch_row(b, &b->cooldowns) = row;
    }
    return err;
}

static struct trace_about about(const struct incident *i)
{
    return (struct trace_about){.contact = i->who ? i->who->row.id : (struct contact_id){0}, .group = i->group,
                                .event = i->id};
}

static void trace_hit(struct batch *b, const struct incident *i, const struct rule_hit *hit, const char *what)
{
    struct note n;

    note_begin(&n, b);
    note_str(&n, "playbook", hit->plan->name);
    note_str(&n, "rule", hit->rule->name);
    note_str(&n, "at", hit->rule->where);
    note_str(&n, "keyword", hit->keyword);
    trace_add(b, about(i), what, note_end(&n));
}

static void undecided(struct batch *b, struct incident *i, int err, struct str why)
{
    struct note n;

    i->state = EVENT_UNDECIDED;
    i->cause = str_of(arena_printf(&b->arena, "%s: %.*s", err_text(err), STR_ARG(why)));
    note_begin(&n, b);
    note_str(&n, "cause", i->cause);
    trace_add(b, about(i), "undecided", note_end(&n));
}

/* Which of the hits act: of a message only the best that does not rest, of other events all. */
static int collect(struct batch *b, const struct incident *i, const struct rule_hit *hits, size_t n,
                   struct act_view *v, struct actions *a, struct str *why)
{
    for (size_t k = 0; k < n; k++) {
        bool resting;
        int err = in_cooldown(b, i, hits[k].rule, &resting);
        if (err)
            return err;
        trace_hit(b, i, &hits[k], resting ? "cooldown" : "rule");
        err = resting ? 0 : act_collect(b, i, &hits[k], v, a, why);
        if (err)
            return err;
        if (is_message(i) && hits[k].keyword.n)
            break;
    }
    return 0;
}

/* Store trouble concerns the batch; everything else concerns this event alone. */
static bool is_batch_error(int err)
{
    return err == ERR_IO || err == ERR_FULL || err == ERR_CORRUPT || err == -ENOMEM;
}

int incident_decide(struct batch *b, struct incident *i)
{
    const struct rule_hit *hits;
    struct actions a = {.batch = b};
    struct act_view view = {0};
    struct str why = {NULL, 0};
    size_t n = 0, cooldowns = b->cooldowns.count;

    i->state = EVENT_DECIDED;
    i->mode = REPLY_NONE;
    if (!i->fires || !i->who || !i->account)
        return 0;
    int err = rulebook_match(b->engine->rulebook, i->in->kind, i->account, is_message(i) ? i->in->text : (struct str){0},
                             &hits, &n);
    if (!err && !n && is_message(i))
        trace_add(b, about(i), "no rule", (struct str){NULL, 0});
    if (!err && n)
        err = collect(b, i, hits, n, &view, &a, &why);
    if (!err && a.count)
        err = act_render(b, i, &view, &a, &why);
    if (!err)
        act_carry_out(b, i, &a);
    act_view_fini(&view);
    if (!err || is_batch_error(err))
        return err;
    b->cooldowns.count = cooldowns; /* a rule that failed does not rest */
    undecided(b, i, err, why);
    return 0;
}
