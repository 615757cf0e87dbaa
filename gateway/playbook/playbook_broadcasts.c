/* SPDX-License-Identifier: Apache-2.0 */
#include "playbook/playbook_private.h"

#include <errno.h>
#include <string.h>

#include "base/shanghai.h"

#define HOUR_MS INT64_C(3600000)
#define SPREAD_MAX_MS SHANGHAI_DAY_MS
#define EXPIRES_MIN_MS INT64_C(60000)
#define EXPIRES_MAX_MS (7 * SHANGHAI_DAY_MS)
#define EXPIRES_LEAST_MS (2 * HOUR_MS) /* of the default */

/* One broadcast while it is read. */
struct reading {
    struct play *p;
    const json_t *obj;
    struct broadcast *b;
    const struct world_account *account; /* the sender, or one of them; NULL: not known */
    bool timed, aimed;                   /* `every` or `at`, and `to`, are understood */
};

/* ---- on ---- */

static int read_on(struct reading *rd)
{
    struct play *p = rd->p;
    const struct world_account **found;
    const char *name;
    size_t n;

    if (!playbook_name(p, rd->obj, "on", PLAYBOOK_NAME_BYTES, true, &name) || p->world == NULL)
        return 0;
    found = arena_alloc(p->arena, (p->world->account_count + 1) * sizeof(void *));
    if (found == NULL)
        return -ENOMEM;
    n = playbook_accounts(p->world, name, found, p->world->account_count);
    if (n == 0) {
        playbook_unknown_account(p, rd->obj, "on", name);
        return 0;
    }
    rd->account = found[0];
    rd->b->connection = found[0]->connection;
    rd->b->kind = found[0]->kind;
    if (n == 1)
        rd->b->account = found[0]->id;
    for (size_t i = 1; i < n; i++) {
        if (found[i]->kind != rd->b->kind) {
            json_complainf(&p->ctx, rd->obj, "on", "`%s` has accounts of different kinds; name one account",
                           name);
            break;
        }
    }
    return 0;
}

/* ---- when ---- */

static bool read_weekday(struct reading *rd, const json_t *every)
{
    static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    const char *word;

    if (!playbook_name(rd->p, every, "weekday", PLAYBOOK_NAME_BYTES, true, &word))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(days); i++) {
        if (strcmp(word, days[i]) != 0)
            continue;
        rd->b->weekday = (int)i;
        return true;
    }
    json_complainf(&rd->p->ctx, every, "weekday",
                   "`%s` is no weekday; write mon, tue, wed, thu, fri, sat or sun", word);
    return false;
}

static void read_every(struct reading *rd, const json_t *every)
{
    bool ok;

    json_ctx_push(&rd->p->ctx, "every");
    playbook_check_keys(rd->p, PLAYBOOK_EVERY, every);
    rd->b->weekly = true;
    ok = read_weekday(rd, every);
    if (json_object_get(every, "at") == NULL) {
        json_complainf(&rd->p->ctx, every, NULL, "`at` is missing; write the time of day as at: \"12:00\"");
        ok = false;
    }
    ok &= playbook_time(rd->p, every, "at", &rd->b->at_ms);
    rd->timed = ok;
    json_ctx_pop(&rd->p->ctx);
}

static void read_when(struct reading *rd)
{
    const json_t *every = json_object_get(rd->obj, "every"), *at = json_object_get(rd->obj, "at");

    if ((every == NULL) == (at == NULL)) {
        json_complainf(&rd->p->ctx, rd->obj, every != NULL ? "at" : NULL,
                       "write either `every: {weekday: tue, at: \"12:00\"}` or `at: 2026-12-01T10:00`");
        return;
    }
    if (every != NULL) {
        if (playbook_object_at(rd->p, rd->obj, "every") != NULL)
            read_every(rd, every);
        return;
    }
    rd->timed = json_is_string(at) && shanghai_parse(str_of(json_string_value(at)), &rd->b->at_ms) == 0;
    if (!rd->timed)
        json_complainf(&rd->p->ctx, rd->obj, "at",
                       "not a time; write it as 2026-12-01T10:00, in Asia/Shanghai");
}

static void read_missed(struct reading *rd)
{
    static const char *const words[] = {
        [MISSED_ONCE] = "once", [MISSED_SKIP] = "skip", [MISSED_NEXT_SLOT] = "next-slot"};
    const json_t *node = json_object_get(rd->obj, "missed");

    rd->b->missed = MISSED_SKIP; /* better not at all than at the wrong hour */
    if (node == NULL)
        return;
    for (size_t i = 0; json_is_string(node) && i < ARRAY_LEN(words); i++) {
        if (strcmp(json_string_value(node), words[i]) != 0)
            continue;
        rd->b->missed = (enum missed_policy)i;
        return;
    }
    json_complainf(&rd->p->ctx, rd->obj, "missed", "expected once, skip or next-slot");
}

static int64_t time_of_day(const struct broadcast *b)
{
    return b->weekly ? b->at_ms : shanghai_ms_of_day(b->at_ms);
}

static void read_lengths(struct reading *rd)
{
    int64_t rest = SHANGHAI_DAY_MS - time_of_day(rd->b);
    bool ok = playbook_duration(rd->p, rd->obj, "spread", 0, SPREAD_MAX_MS, &rd->b->spread_ms);

    rd->b->expires_ms = rest > EXPIRES_LEAST_MS ? rest : EXPIRES_LEAST_MS;
    if (rd->b->expires_ms < rd->b->spread_ms + EXPIRES_LEAST_MS)
        rd->b->expires_ms = rd->b->spread_ms + EXPIRES_LEAST_MS;
    ok &= playbook_duration(rd->p, rd->obj, "expires", EXPIRES_MIN_MS, EXPIRES_MAX_MS, &rd->b->expires_ms);
    if (ok && rd->b->expires_ms < rd->b->spread_ms)
        json_complainf(
            &rd->p->ctx, rd->obj, "expires",
            "shorter than `spread`: the last messages would expire before their turn; lengthen it");
}

/* ---- to ---- */

static void read_audience(struct reading *rd, const json_t *to, const char *key)
{
    const json_t *node = json_object_get(to, key);
    const char *tag;

    rd->b->to_groups = strcmp(key, "groups") == 0;
    if (json_is_string(node) && strcmp(json_string_value(node), "all") == 0) {
        rd->aimed = true;
        return;
    }
    if (!json_is_object(node)) {
        json_complainf(&rd->p->ctx, to, key, "expected `all` or {tag: NAME}, got %s",
                       json_is_string(node) ? json_string_value(node) : json_type_name(node));
        return;
    }
    json_ctx_push(&rd->p->ctx, key);
    playbook_check_keys(rd->p, PLAYBOOK_TAGGED, node);
    if (playbook_name(rd->p, node, "tag", PLAYBOOK_TAG_BYTES, true, &tag)) {
        rd->b->tag = str_of(tag);
        rd->aimed = true;
    }
    json_ctx_pop(&rd->p->ctx);
}

static void read_to(struct reading *rd)
{
    const json_t *to = playbook_object_at(rd->p, rd->obj, "to");
    bool groups, contacts;

    if (to == NULL) {
        if (json_object_get(rd->obj, "to") == NULL)
            json_complainf(&rd->p->ctx, rd->obj, NULL,
                           "`to` is missing; write to: {contacts: {tag: NAME}} or {groups: all}");
        return;
    }
    json_ctx_push(&rd->p->ctx, "to");
    playbook_check_keys(rd->p, PLAYBOOK_TO, to);
    groups = json_object_get(to, "groups") != NULL;
    contacts = json_object_get(to, "contacts") != NULL;
    if (groups == contacts)
        json_complainf(&rd->p->ctx, to, NULL, "write either groups or contacts, with `all` or {tag: NAME}");
    else
        read_audience(rd, to, groups ? "groups" : "contacts");
    json_ctx_pop(&rd->p->ctx);
}

/* ---- what the sender can do ---- */

static const char *other_way(enum account_kind kind, bool to_groups)
{
    if (kind == ACCOUNT_WECOM_WEBHOOK)
        return "a group webhook writes into its own group only; write to: {groups: all}";
    if (kind == ACCOUNT_OFFICIAL)
        return "an official account has followers, no groups; write to: {contacts: ...}";
    if (kind == ACCOUNT_SMS)
        return "SMS goes to people, not to groups; write to: {contacts: ...}";
    return to_groups ? "it reaches no groups; use a wecom connection or a group webhook"
                     : "it reaches no contacts by itself; use a wecom connection, an official account or SMS";
}

static enum call_op op_of(const struct reading *rd)
{
    switch (rd->b->kind) {
    case ACCOUNT_WECOM_MEMBER: return rd->b->to_groups ? CALL_GROUP_TASK : CALL_TASK;
    case ACCOUNT_WECOM_WEBHOOK: return rd->b->to_groups && rd->b->tag.n == 0 ? CALL_GROUP : CALL_OP_COUNT;
    case ACCOUNT_OFFICIAL:
        if (rd->b->to_groups)
            return CALL_OP_COUNT;
        return str_is(rd->account->account_type, "subscription") ? CALL_MASS_TAG : CALL_MASS;
    case ACCOUNT_SMS: return rd->b->to_groups ? CALL_OP_COUNT : CALL_SEND;
    default: return CALL_OP_COUNT;
    }
}

static void judge_sender(struct reading *rd)
{
    const struct kind_rule *kind = playbook_kind(rd->p, rd->b->kind);
    const char *why;

    if (rd->account == NULL)
        return;
    if (kind != NULL && kind->no_broadcast != NULL) {
        json_complainf(&rd->p->ctx, rd->obj, "on", "impossible on %.*s (%s): %s", STR_ARG(rd->account->name),
                       account_kind_text(rd->b->kind), kind->no_broadcast);
        return;
    }
    if (!rd->aimed)
        return;
    rd->b->op = op_of(rd);
    if (rd->b->op != CALL_OP_COUNT && (kind == NULL || (kind->ops & 1u << rd->b->op) != 0))
        return;
    why = other_way(rd->b->kind, rd->b->to_groups);
    json_complainf(&rd->p->ctx, rd->obj, "to", "impossible on %.*s (%s): %s", STR_ARG(rd->account->name),
                   account_kind_text(rd->b->kind), why);
}

/* A slot in the quiet hours waits for their end; it must not expire meanwhile. */
static void judge_quiet(struct reading *rd)
{
    const struct quiet_hours *q = &rd->p->plan->quiet;
    int64_t begin = shanghai_day_start_ms(1) + time_of_day(rd->b), end;
    char until[SHANGHAI_TIME_BYTES];

    if (!rd->timed || !q->set || (q->classes & 1u << CLASS_BROADCAST) == 0)
        return;
    end = calendar_quiet_end(q->from_ms, q->to_ms, begin);
    if (end == begin)
        return;
    shanghai_format_time(end, until);
    if (end - begin >= rd->b->expires_ms)
        json_complainf(
            &rd->p->ctx, rd->obj, rd->b->weekly ? "every" : "at",
            "begins in the quiet hours and expires before they end at %.5s; move it, or lengthen `expires`",
            until);
    else
        diag_warnf(&rd->p->diag, rd->p->ctx.file,
                   yaml_key_line(rd->p->owned->doc, rd->obj, rd->b->weekly ? "every" : "at"),
                   "%s: begins in the quiet hours and will wait until %.5s; move it if that is not meant",
                   rd->p->ctx.path, until);
}

/* Hours in which a provider takes promotions at all. */
static void judge_law(struct reading *rd)
{
    int64_t from_ms = 0, to_ms = 0, at_ms = time_of_day(rd->b);
    char from[SHANGHAI_TIME_BYTES], to[SHANGHAI_TIME_BYTES];

    if (!rd->timed || rd->account == NULL || rd->b->kind != ACCOUNT_SMS || rd->p->world->rules == NULL ||
        rulepack_fact(rd->p->world->rules, "aliyun.promotion.from_ms_of_day", &from_ms) < 0 ||
        rulepack_fact(rd->p->world->rules, "aliyun.promotion.to_ms_of_day", &to_ms) < 0)
        return;
    if (at_ms >= from_ms && at_ms + rd->b->spread_ms <= to_ms)
        return;
    shanghai_format_time(shanghai_day_start_ms(1) + from_ms, from);
    shanghai_format_time(shanghai_day_start_ms(1) + to_ms, to);
    json_complainf(&rd->p->ctx, rd->obj, rd->b->weekly ? "every" : "at",
                   "promotions by SMS are taken from %.5s to %.5s only, `spread` included; move it", from,
                   to);
}

static int read_broadcast(struct reading *rd, const char *name)
{
    struct play *p = rd->p;
    struct template_use use = {.obj = rd->obj, .broadcast = true};
    int r;

    rd->b->name = playbook_copy(p, name);
    rd->b->where = playbook_where(p, rd->obj, NULL);
    if (rd->b->name.p == NULL || rd->b->where.p == NULL)
        return -ENOMEM;
    if (!json_is_object(rd->obj)) {
        json_complainf(&p->ctx, rd->obj, NULL,
                       "expected a broadcast as {on: ..., at: ..., to: ..., send: ...}");
        return 0;
    }
    playbook_check_keys(p, PLAYBOOK_BROADCAST, rd->obj);
    r = read_on(rd);
    if (r < 0)
        return r;
    read_when(rd);
    read_missed(rd);
    read_lengths(rd);
    read_to(rd);
    judge_sender(rd);
    judge_quiet(rd);
    judge_law(rd);
    if (!playbook_name(p, rd->obj, "send", PLAYBOOK_NAME_BYTES, true, &use.name))
        return 0;
    use.account = rd->account;
    use.groups = rd->b->to_groups;
    return playbook_use_template(p, &use, &rd->b->template_name);
}

int playbook_read_broadcasts(struct play *p)
{
    const json_t *map = playbook_object_at(p, p->root, "broadcasts");
    struct broadcast *list;
    const char *name;
    json_t *obj;
    int r = 0;

    if (map == NULL)
        return 0;
    list = arena_alloc(p->arena, (json_object_size(map) + 1) * sizeof *list);
    if (list == NULL)
        return -ENOMEM;
    p->plan->broadcasts = list;
    json_ctx_push(&p->ctx, "broadcasts");
    json_object_foreach((json_t *)map, name, obj)
    {
        struct reading rd = {.p = p, .obj = obj, .b = &list[p->plan->broadcast_count++]};

        json_ctx_push(&p->ctx, name);
        r = read_broadcast(&rd, name);
        json_ctx_pop(&p->ctx);
        if (r < 0)
            break;
    }
    json_ctx_pop(&p->ctx);
    return r;
}

struct calendar_plan broadcast_calendar(const struct broadcast *b)
{
    return (struct calendar_plan){.weekly = b->weekly,
                                  .weekday = b->weekday,
                                  .at_ms = b->at_ms,
                                  .spread_ms = b->spread_ms,
                                  .missed = b->missed};
}
