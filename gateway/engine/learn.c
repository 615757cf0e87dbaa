/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/incident.h"

#include <assert.h>

#include "base/fold.h"
#include "base/json.h"
#include "engine/counters.h"
#include "engine/delivery.h"
#include "engine/engine_private.h"
#include "engine/receipt.h"
#include "engine/settle.h"

/* An SMS answer that means "no more": exact after folding, so that "R" is one and "RTX" is not. */
static bool is_refusal(struct batch *b, struct str text)
{
    static const char *const words[] = {"r", "t", "td", "n", "退订", "取消", "拒收", "不要再发", "stop", "unsubscribe"};
    struct buf folded;
    bool found = false;

    buf_init(&folded, 4096);
    if (fold_text(b->engine->fold, str_sub(text, 0, 512), &folded) == 0)
        for (size_t i = 0; i < ARRAY_LEN(words) && !found; i++)
            found = str_eq(buf_str(&folded), str_of(words[i]));
    buf_fini(&folded);
    return found;
}

/* What is unsent and must not be sent any more: to one account's lost friend, or marketing to who refused. */
static int suppress(struct batch *b, const struct incident *i, enum cause cause)
{
    struct delivery_row *rows;
    size_t n;
    int err = store_load_unsent_of(b->engine->store, &i->who->row.id, 1, &b->arena, &rows, &n);

    for (size_t k = 0; k < n && !err; k++) {
        bool marketing = rulepack_class(b->engine->rules, rows[k].class)->marketing;
        bool hit = cause == CAUSE_REFUSED_BY_CONTACT ? marketing : rows[k].account.v == i->account->id.v;
        if (hit && !map_i64_find(&b->moved, rows[k].id.v))
            settle_drop(b, &rows[k], (struct delivery_move){.to = STATE_SUPPRESSED, .cause = cause,
                                                            .what = "suppressed"});
    }
    return err;
}

/* Held for want of a window: look again now. */
static int wake_held(struct batch *b, const struct incident *i)
{
    struct delivery_row *rows;
    size_t n;
    int err = store_load_unsent_of(b->engine->store, &i->who->row.id, 1, &b->arena, &rows, &n);

    for (size_t k = 0; k < n && !err; k++)
        if (rows[k].account.v == i->account->id.v && rows[k].state == STATE_HELD &&
            rows[k].cause == CAUSE_NO_WINDOW && !map_i64_find(&b->moved, rows[k].id.v))
            delivery_move(b, &rows[k], (struct delivery_move){.to = STATE_QUEUED, .cause = CAUSE_PLANNED,
                                                              .due_ms = b->now_ms, .what = "released"});
    return err;
}

static int open_windows(struct batch *b, const struct incident *i)
{
    struct counter_key keys[COUNTERS_MAX_OPENED];
    int64_t at_ms = i->in->at_ms ? i->in->at_ms : i->received_ms;
    size_t n = counters_opened_by(b, i->account->kind, i->in->kind, i->account->id.v, i->who->row.id.v, keys);
    int err = n ? counters_load(b, keys, n) : 0;

    for (size_t k = 0; k < n && !err; k++) {
        err = quota_open_window(b->engine->counters, keys[k], at_ms);
        *(struct opening_row *)batch_row(b, &b->openings) = (struct opening_row){
            .key = {keys[k].limit, keys[k].subject.a, keys[k].subject.b}, .opened_ms = at_ms};
    }
    return err || !n ? err : wake_held(b, i);
}

static bool half_added(const struct incident *i)
{
    return str_find(i->in->data, STR("\"add_half_external_contact\"")) < i->in->data.n;
}

/* Half-add, full add and a find by reconcile are one contact.added: only the first of them fires. */
static void learn_added(struct batch *b, struct incident *i)
{
    enum relation_state was = person_relation(i->who, i->account->id);

    i->fires = was == RELATION_NONE || was == RELATION_LOST;
    if (was != RELATION_FRIEND)
        person_set_relation(b, i->who, i->account->id, half_added(i) ? RELATION_HALF : RELATION_FRIEND);
}

static int learn_lost(struct batch *b, struct incident *i)
{
    if (person_relation(i->who, i->account->id) != RELATION_LOST)
        person_set_relation(b, i->who, i->account->id, RELATION_LOST);
    return suppress(b, i, CAUSE_NOT_A_FRIEND);
}

static int learn_message(struct batch *b, struct incident *i)
{
    if (i->account->kind != ACCOUNT_SMS || !is_refusal(b, i->in->text))
        return 0;
    if (person_refuse(b, i->who, STR("marketing"), i->in->text))
        trace_add(b, (struct trace_about){.contact = i->who->row.id, .event = i->id}, "refused",
                  STR("{\"scope\":\"marketing\"}"));
    return suppress(b, i, CAUSE_REFUSED_BY_CONTACT);
}

static void learn_member(struct batch *b, const struct incident *i, bool left)
{
    if (!i->group.v || !i->who)
        return;
    *(struct group_member_row *)batch_row(b, &b->members) = (struct group_member_row){
        .group = i->group, .contact = i->who->row.id, .joined_ms = b->now_ms, .left = left};
}

static int learn_by_kind(struct batch *b, struct incident *i)
{
    switch (i->in->kind) {
    case EVENT_CONTACT_ADDED: learn_added(b, i); return 0;
    case EVENT_OFFICIAL_FOLLOWED: person_set_relation(b, i->who, i->account->id, RELATION_FRIEND); return 0;
    case EVENT_CONTACT_LOST:
    case EVENT_OFFICIAL_UNFOLLOWED: return learn_lost(b, i);
    case EVENT_MESSAGE_RECEIVED: return learn_message(b, i);
    case EVENT_GROUP_JOINED: learn_member(b, i, false); return 0;
    case EVENT_GROUP_LEFT: learn_member(b, i, true); return 0;
    default: return 0;
    }
}

int incident_learn(struct batch *b, struct incident *i)
{
    i->fires = i->account != NULL;
    if (i->in->kind == EVENT_RECEIPT) {
        i->fires = false;
        return receipt_learn(b, i);
    }
    if (!i->who || !i->account)
        return 0;
    int err = learn_by_kind(b, i);
    return err ? err : open_windows(b, i);
}
