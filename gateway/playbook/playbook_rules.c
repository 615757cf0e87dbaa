/* SPDX-License-Identifier: Apache-2.0 */
/* A rule is read in the order in which it acts: event, accounts, keywords, then what is done. Whether the
 * accounts can do it at all is judged here, in the rule pack's words. */
#include "playbook/playbook_private.h"

#include <errno.h>
#include <string.h>

#include "base/crypto.h"
#include "base/re.h"
#include "base/shanghai.h"

#define COOLDOWN_MAX_MS (365 * SHANGHAI_DAY_MS)
#define PRIORITY_MAX 1000

/* The design's events that have no source yet. */
static bool is_later_event(const char *word)
{
    return strcmp(word, "order.paid") == 0 || strcmp(word, "call.answered") == 0;
}

static struct str event_name(const void *ctx, size_t i)
{
    (void)ctx;
    return str_of(event_kind_text((enum event_kind)i));
}

static bool read_on(struct rule_reading *rd)
{
    struct json_ctx *ctx = &rd->p->ctx;
    char hint[PLAYBOOK_HINT_BYTES];
    const char *word;

    if (!playbook_name(rd->p, rd->obj, "on", PLAYBOOK_NAME_BYTES, true, &word))
        return false;
    if (is_later_event(word)) {
        json_complainf(ctx, rd->obj, "on", "event `%s` is not available in this version; take the rule out",
                       word);
        return false;
    }
    if (event_kind_of(str_of(word), &rd->rule->on) < 0) {
        struct str near = playbook_nearest(word, event_name, NULL, EVENT_KIND_COUNT);

        json_complainf(ctx, rd->obj, "on", "`%s` is no event%s", word,
                       near.n > 0 ? playbook_hint(near, hint)
                                  : "; there are contact.added, message.received, ...");
        return false;
    }
    if (rd->rule->on == EVENT_RECEIPT || rd->rule->on == EVENT_PLATFORM) {
        json_complainf(ctx, rd->obj, "on",
                       "`%s` is bookkeeping of the gateway, no rule can act on it; for a message that "
                       "failed use message.failed",
                       word);
        return false;
    }
    return true;
}

static bool hears(const struct rule_reading *rd, const struct world_account *a)
{
    const struct kind_rule *kind = playbook_kind(rd->p, a->kind);

    return kind == NULL || (kind->receives & UINT64_C(1) << rd->rule->on) != 0;
}

/* An account in `from` that never sees the event: says why, and who does. */
static void complain_deaf(const struct rule_reading *rd, const struct world_account *a)
{
    const struct kind_rule *kind = playbook_kind(rd->p, a->kind);
    char others[256];
    const char *on = event_kind_text(rd->rule->on);

    (void)playbook_who_gets(rd->p, rd->rule->on, others, sizeof others);
    if (rd->rule->on == EVENT_MESSAGE_RECEIVED && kind->no_keyword != NULL)
        json_complainf(&rd->p->ctx, rd->obj, "from", "impossible on %.*s (%s): %s", STR_ARG(a->name),
                       account_kind_text(a->kind), kind->no_keyword);
    else
        json_complainf(&rd->p->ctx, rd->obj, "from", "impossible: %.*s (%s) never gets `%s`; %s%s",
                       STR_ARG(a->name), account_kind_text(a->kind), on,
                       others[0] != '\0' ? "use " : "no configured account does", others);
}

static void add_account(struct rule_reading *rd, const struct world_account *a)
{
    for (size_t i = 0; i < rd->account_count; i++)
        if (rd->accounts[i] == a)
            return;
    if (hears(rd, a))
        rd->accounts[rd->account_count++] = a;
    else
        complain_deaf(rd, a);
}

static int read_from_names(struct rule_reading *rd, const json_t *node)
{
    const struct plan_world *w = rd->p->world;
    const struct world_account **found = arena_alloc(rd->p->arena, (w->account_count + 1) * sizeof(void *));

    if (found == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < playbook_count(node); i++) {
        const char *name = json_string_value(playbook_item(node, i));
        size_t n;

        if (name == NULL) {
            json_complainf(&rd->p->ctx, rd->obj, "from",
                           "expected names of accounts or connections, as [kf, brand]");
            continue;
        }
        n = playbook_accounts(w, name, found, w->account_count);
        if (n == 0)
            playbook_unknown_account(rd->p, rd->obj, "from", name);
        for (size_t k = 0; k < n; k++)
            add_account(rd, found[k]);
    }
    return 0;
}

/* Without `from`: whoever gets the event. */
static void everybody(struct rule_reading *rd)
{
    const struct plan_world *w = rd->p->world;

    for (size_t i = 0; i < w->account_count; i++)
        if (hears(rd, &w->accounts[i]))
            rd->accounts[rd->account_count++] = &w->accounts[i];
    if (rd->account_count == 0 && w->account_count > 0)
        json_complainf(&rd->p->ctx, rd->obj, "on",
                       "no configured account gets `%s`; configure one or take the rule out",
                       event_kind_text(rd->rule->on));
}

static int read_from(struct rule_reading *rd)
{
    const json_t *node = json_object_get(rd->obj, "from");
    struct account_id *ids;
    int r;

    rd->named = node != NULL;
    if (rd->p->world == NULL)
        return 0;
    rd->accounts = arena_alloc(rd->p->arena, (rd->p->world->account_count + 1) * sizeof(void *));
    if (rd->accounts == NULL)
        return -ENOMEM;
    if (!rd->named) {
        everybody(rd);
        return 0;
    }
    r = read_from_names(rd, node);
    ids = arena_alloc(rd->p->arena, (rd->account_count + 1) * sizeof *ids);
    if (r < 0 || ids == NULL)
        return r < 0 ? r : -ENOMEM;
    for (size_t i = 0; i < rd->account_count; i++)
        ids[i] = rd->accounts[i]->id;
    rd->rule->from = ids;
    rd->rule->from_count = rd->account_count;
    return 0;
}

/* ---- keyword ---- */

static bool has_text(enum event_kind on)
{
    return on == EVENT_MESSAGE_RECEIVED || on == EVENT_OFFICIAL_MENU || on == EVENT_OFFICIAL_SCANNED ||
           on == EVENT_OFFICIAL_FOLLOWED || on == EVENT_KF_ENTERED || on == EVENT_CONTACT_ADDED;
}

static int check_regex(struct rule_reading *rd, const json_t *obj, const char *key, const char *pattern)
{
    struct re_fault fault = {0};
    struct re *re = NULL;
    int r = re_compile(str_of(pattern), rd->rule->fold, &re, &fault);

    if (r == ERR_SYNTAX)
        json_complainf(&rd->p->ctx, obj, key, "regex `%s`: %s at byte %zu", pattern, fault.text,
                       fault.offset);
    else if (r == ERR_TOO_BIG)
        json_complainf(&rd->p->ctx, obj, key, "regex is too long or has too many groups; split it");
    re_free(re);
    return r == -ENOMEM ? r : 0;
}

static int add_keyword(struct rule_reading *rd, const json_t *obj, const char *key, enum keyword_kind kind,
                       const json_t *node, struct keyword *out)
{
    const char *text = json_string_value(node);
    size_t max = kind == KEYWORD_REGEX ? RE_PATTERN_BYTES : PLAYBOOK_KEYWORD_BYTES;

    if (text == NULL || text[0] == '\0') {
        json_complainf(&rd->p->ctx, obj, key, "expected texts, got %s%s",
                       text == NULL ? json_type_name(node) : "nothing",
                       json_is_integer(node) ? "; put numbers in quotes" : "");
        return 0;
    }
    if (strlen(text) > max) {
        json_complainf(&rd->p->ctx, obj, key, "a keyword of %zu bytes is too long, at most %zu", strlen(text),
                       max);
        return 0;
    }
    out[rd->rule->keyword_count++] = (struct keyword){kind, str_of(text)};
    return kind == KEYWORD_REGEX ? check_regex(rd, obj, key, text) : 0;
}

static int read_keywords(struct rule_reading *rd, const json_t *obj)
{
    static const struct {
        const char *key;
        enum keyword_kind kind;
    } kinds[] = {{"any", KEYWORD_EXACT},
                 {"exact", KEYWORD_EXACT},
                 {"prefix", KEYWORD_PREFIX},
                 {"contains", KEYWORD_CONTAINS},
                 {"regex", KEYWORD_REGEX}};
    struct keyword *out;
    size_t total = 0;
    int r = 0;

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        total += playbook_count(json_object_get(obj, kinds[i].key));
    if (total == 0 || total > PLAYBOOK_KEYWORDS) {
        json_complainf(&rd->p->ctx, rd->obj, "keyword",
                       total == 0
                           ? "no keyword; write any, exact, prefix, contains or regex with a list of texts"
                           : "too many keywords in one rule, at most 2000; split it");
        return 0;
    }
    out = arena_alloc(rd->p->arena, total * sizeof *out);
    if (out == NULL)
        return -ENOMEM;
    rd->rule->keywords = out;
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(kinds); i++) {
        const json_t *list = json_object_get(obj, kinds[i].key);

        for (size_t k = 0; r == 0 && k < playbook_count(list); k++)
            r = add_keyword(rd, obj, kinds[i].key, kinds[i].kind, playbook_item(list, k), out);
    }
    return r;
}

static int read_keyword(struct rule_reading *rd)
{
    const json_t *obj = playbook_object_at(rd->p, rd->obj, "keyword");
    int r;

    rd->rule->fold = true;
    if (obj == NULL)
        return 0;
    if (!has_text(rd->rule->on))
        json_complainf(&rd->p->ctx, rd->obj, "keyword",
                       "`%s` carries no text to look for a keyword in; take it out",
                       event_kind_text(rd->rule->on));
    json_ctx_push(&rd->p->ctx, "keyword");
    playbook_check_keys(rd->p, PLAYBOOK_KEYWORD, obj);
    (void)json_opt_bool(obj, "fold", true, &rd->rule->fold, &rd->p->ctx);
    r = read_keywords(rd, obj);
    json_ctx_pop(&rd->p->ctx);
    return r;
}

/* ---- one rule ---- */

/* Survives a restart and a move in the file where the rule has an `id`. */
static int64_t rule_key(const struct plan *plan, struct str name)
{
    struct hash128 h = crypto_hash128((struct str[]){STR("rule"), plan->name, name}, 3);
    uint64_t key = 0;

    for (size_t i = 0; i < 8; i++)
        key = key << 8 | h.b[i];
    return (int64_t)(key >> 1) | 1;
}

static int read_identity(struct rule_reading *rd, size_t index, const struct rule *before)
{
    struct rule *rule = rd->rule;
    const char *id = NULL;

    (void)playbook_name(rd->p, rd->obj, "id", PLAYBOOK_NAME_BYTES, false, &id);
    rule->name = id != NULL ? str_of(id) : str_of(arena_printf(rd->p->arena, "rules[%zu]", index));
    rule->where = playbook_where(rd->p, rd->obj, NULL);
    if (rule->name.p == NULL || rule->where.p == NULL)
        return -ENOMEM;
    rule->key = rule_key(rd->p->plan, rule->name);
    for (size_t i = 0; id != NULL && i < index; i++)
        if (str_eq(before[i].name, rule->name))
            json_complainf(&rd->p->ctx, rd->obj, "id",
                           "`%s` is the id of another rule (%.*s); ids are unique", id,
                           STR_ARG(before[i].where));
    return 0;
}

static int read_rule(struct rule_reading *rd, size_t index, const struct rule *before)
{
    struct play *p = rd->p;
    int64_t priority = 0;
    int r;

    if (!json_is_object(rd->obj)) {
        json_complainf(&p->ctx, rd->obj, NULL, "expected a rule as {on: EVENT, do: [...]}, got %s",
                       json_type_name(rd->obj));
        return 0;
    }
    playbook_check_keys(p, PLAYBOOK_RULE, rd->obj);
    r = read_identity(rd, index, before);
    if (r < 0 || !read_on(rd))
        return r;
    (void)playbook_duration(p, rd->obj, "cooldown", 1000, COOLDOWN_MAX_MS, &rd->rule->cooldown_ms);
    (void)json_opt_i64_in(rd->obj, "priority", -PRIORITY_MAX, PRIORITY_MAX, 0, &priority, &p->ctx);
    rd->rule->priority = (int)priority;
    r = read_from(rd);
    if (r == 0)
        r = read_keyword(rd);
    if (r == 0)
        r = playbook_read_actions(rd);
    return r;
}

int playbook_read_rules(struct play *p)
{
    const json_t *list = json_object_get(p->root, "rules");
    struct rule *rules;
    int r = 0;

    if (list == NULL)
        return 0;
    if (!json_is_array(list)) {
        json_complainf(&p->ctx, p->root, "rules", "expected a list, got %s; begin each rule with `- `",
                       json_type_name(list));
        return 0;
    }
    rules = arena_alloc(p->arena, (json_array_size(list) + 1) * sizeof *rules);
    if (rules == NULL)
        return -ENOMEM;
    p->plan->rules = rules;
    p->plan->rule_count = json_array_size(list);
    json_ctx_push(&p->ctx, "rules");
    for (size_t i = 0; r == 0 && i < p->plan->rule_count; i++) {
        struct rule_reading rd = {.p = p, .obj = json_array_get(list, i), .rule = &rules[i]};

        json_ctx_push_index(&p->ctx, i);
        r = read_rule(&rd, i, rules);
        json_ctx_pop(&p->ctx);
    }
    json_ctx_pop(&p->ctx);
    return r;
}
