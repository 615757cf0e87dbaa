/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the pack strictly: an unknown key, a word that is no term, a number twice or a rule that contradicts
 * itself is a complaint, and a pack with a complaint does not load. */
#include <string.h>

#include "base/json.h"
#include "rulepack/pack.h"

static const char *const scope_texts[] = {"account",           "domain", "recipient", "domain recipient",
                                          "account recipient", "group",  "task"};
static const char *const window_texts[] = {"pace", "sliding", "day", "week", "month", "opened"};
static const char *const unit_texts[] = {"call", "message", "segment"};
static const char *const trust_texts[] = {"official", "practice", "unconfirmed"};
static const char *const variant_texts[] = {"",
                                            "official.service",
                                            "official.subscription",
                                            "wecom.send monthly",
                                            "wecom.send weekly",
                                            "wecom.send daily"};

/* ---- words ---- */

static int word_of(const json_t *obj, const char *key, const char *const *texts, size_t n,
                   struct json_ctx *at)
{
    const char *text;
    int r = json_get_string(obj, key, &text, at);

    for (size_t i = 0; i < n && !r; i++)
        if (strcmp(text, texts[i]) == 0)
            return (int)i;
    if (!r)
        json_complainf(at, obj, key, "\"%s\" is not a word of the pack", text);
    return ERR_CONFIG;
}

int pack_trust_of(const json_t *obj, struct json_ctx *at)
{
    return word_of(obj, "trust", trust_texts, ARRAY_LEN(trust_texts), at);
}

typedef int (*term_fn)(struct str text, int *ret);

static int kind_term(struct str text, int *ret)
{
    enum account_kind v;
    int r = account_kind_of(text, &v);
    *ret = r ? 0 : (int)v;
    return r;
}

int pack_op_of(struct str text, int *ret)
{
    enum call_op v;
    int r = str_is(text, "token") ? 0 : call_op_of(text, &v);
    *ret = r ? 0 : str_is(text, "token") ? CALL_OP_COUNT : (int)v;
    return r;
}

static int class_term(struct str text, int *ret)
{
    enum message_class v;
    int r = message_class_of(text, &v);
    *ret = r ? 0 : (int)v;
    return r;
}

static int event_term(struct str text, int *ret)
{
    enum event_kind v;
    int r = event_kind_of(text, &v);
    *ret = r ? 0 : (int)v;
    return r;
}

/* An array of terms as bits; absent gives `all`. */
static int bits_of(const json_t *obj, const char *key, term_fn term, uint64_t all, uint64_t *ret,
                   struct json_ctx *at)
{
    const json_t *array, *word;
    int r = json_opt_array(obj, key, &array, at), bit;
    size_t i;

    *ret = array ? 0 : all;
    json_array_foreach((json_t *)array, i, word)
    {
        if (term(str_of(json_string_value(word)), &bit) == 0) {
            *ret |= UINT64_C(1) << bit;
            continue;
        }
        json_complainf(at, obj, key, "entry %zu is not a term", i);
        r = ERR_CONFIG;
    }
    return r ? ERR_CONFIG : 0;
}

static void *rows_of(struct pack_reader *rd, const json_t *array, size_t bytes)
{
    return arena_alloc(&rd->pack->memory, json_array_size(array) * bytes + 1);
}

/* ---- limits ---- */

static int check_limit(const json_t *obj, const struct limit *l, struct json_ctx *at)
{
    bool has_span = l->window == WINDOW_PACE || l->window == WINDOW_SLIDING || l->window == WINDOW_OPENED;
    const char *wrong = NULL;

    if (has_span != (l->span_ms > 0))
        wrong = "pace, sliding and opened windows have a span_ms, the others none";
    else if (l->amount <= 0 && !(l->amount == AMOUNT_DAYS_IN_MONTH && l->window == WINDOW_MONTH))
        wrong = "the amount must be positive, or \"days in month\" in a month";
    else if ((l->window == WINDOW_OPENED) != (l->opened_by != 0))
        wrong = "opened windows, and only they, say by which events";
    else if (l->alternative && l->window != WINDOW_OPENED)
        wrong = "only opened windows are alternatives";
    else if (!l->kinds || !l->ops || !l->classes)
        wrong = "it covers nothing";
    if (!wrong)
        return 0;
    json_complainf(at, obj, NULL, "%s", wrong);
    return ERR_CONFIG;
}

static int read_amount(const json_t *obj, int64_t *ret, struct json_ctx *at)
{
    const json_t *amount = json_object_get(obj, "amount");

    *ret = AMOUNT_DAYS_IN_MONTH;
    if (json_is_string(amount) && strcmp(json_string_value(amount), "days in month") == 0)
        return 0;
    return json_get_i64(obj, "amount", ret, at);
}

static int read_words(const json_t *obj, struct limit *l, struct json_ctx *at)
{
    int scope = word_of(obj, "scope", scope_texts, ARRAY_LEN(scope_texts), at);
    int window = word_of(obj, "window", window_texts, ARRAY_LEN(window_texts), at);
    int unit = word_of(obj, "unit", unit_texts, ARRAY_LEN(unit_texts), at);
    int trust = pack_trust_of(obj, at);
    int variant = 0;

    if (json_object_get(obj, "variant"))
        variant = word_of(obj, "variant", variant_texts, ARRAY_LEN(variant_texts), at);
    if (scope < 0 || window < 0 || unit < 0 || trust < 0 || variant < 0)
        return ERR_CONFIG;
    l->scope = (enum limit_scope)scope;
    l->window = (enum limit_window)window;
    l->unit = (enum limit_unit)unit;
    l->trust = (enum trust)trust;
    l->variant = (enum limit_variant)variant;
    return 0;
}

static int read_masks(const json_t *obj, struct limit *l, struct json_ctx *at)
{
    uint64_t kinds, ops, classes;
    int r = bits_of(obj, "kinds", kind_term, 0, &kinds, at);

    if (!r)
        r = bits_of(obj, "ops", pack_op_of, 0, &ops, at);
    if (!r)
        r = bits_of(obj, "classes", class_term, (1u << MESSAGE_CLASS_COUNT) - 1, &classes, at);
    if (!r)
        r = bits_of(obj, "opened_by", event_term, 0, &l->opened_by, at);
    if (r)
        return r;
    l->kinds = (uint32_t)kinds;
    l->ops = (uint32_t)ops;
    l->classes = (uint32_t)classes;
    return 0;
}

static int read_limit(const json_t *obj, struct limit *l, struct json_ctx *at)
{
    static const char *const keys[] = {"id",      "name",   "scope",  "window",  "span_ms",   "amount",
                                       "unit",    "kinds",  "ops",    "classes", "opened_by", "alternative",
                                       "variant", "advice", "source", "trust",   "verified",  NULL};
    int64_t id, alternative;

    if (json_only_keys(obj, keys, at) || json_get_i64_in(obj, "id", 1, 9999, &id, at) ||
        json_get_string(obj, "name", &l->name, at) || read_words(obj, l, at) ||
        json_opt_i64_in(obj, "span_ms", 0, INT64_C(1) << 40, 0, &l->span_ms, at) ||
        read_amount(obj, &l->amount, at) || read_masks(obj, l, at) ||
        json_opt_i64_in(obj, "alternative", 0, 1000, 0, &alternative, at) ||
        json_opt_bool(obj, "advice", false, &l->advice, at) ||
        json_get_string(obj, "source", &l->source, at) || json_get_string(obj, "verified", &l->verified, at))
        return ERR_CONFIG;
    l->id = (int32_t)id;
    l->alternative = (int)alternative;
    return check_limit(obj, l, at);
}

static bool has_limit_name(const struct rulepack *p, const char *name)
{
    for (size_t i = 0; i < p->limit_count; i++)
        if (strcmp(p->limits[i].name, name) == 0)
            return true;
    return false;
}

static int read_limits(struct pack_reader *rd, const json_t *array)
{
    struct rulepack *p = rd->pack;
    int32_t last = 0;
    const json_t *obj;
    size_t i;
    int r = 0;

    p->limits = rows_of(rd, array, sizeof *p->limits);
    if (!p->limits)
        return -ENOMEM;
    json_array_foreach((json_t *)array, i, obj)
    {
        struct limit *l = &p->limits[p->limit_count];

        json_ctx_push_index(&rd->at, i);
        if (read_limit(obj, l, &rd->at)) {
            r = ERR_CONFIG;
        } else if (l->id <= last || has_limit_name(p, l->name)) {
            json_complainf(&rd->at, obj, "id", "ids ascend and names differ, but %d \"%s\" does not", l->id,
                           l->name);
            r = ERR_CONFIG;
        } else {
            last = l->id;
            p->limit_count++;
        }
        json_ctx_pop(&rd->at);
    }
    return r;
}

static int read_facts(struct pack_reader *rd, const json_t *array)
{
    static const char *const keys[] = {"name", "value", "source", "trust", "verified", NULL};
    struct rulepack *p = rd->pack;
    const json_t *obj;
    size_t i;
    int r = 0;

    p->facts = rows_of(rd, array, sizeof *p->facts);
    if (!p->facts)
        return -ENOMEM;
    json_array_foreach((json_t *)array, i, obj)
    {
        struct pack_fact *f = &p->facts[p->fact_count];
        const char *text;
        int64_t other;

        json_ctx_push_index(&rd->at, i);
        if (json_only_keys(obj, keys, &rd->at) || json_get_string(obj, "name", &f->name, &rd->at) ||
            json_get_i64(obj, "value", &f->value, &rd->at) ||
            json_get_string(obj, "source", &text, &rd->at) || pack_trust_of(obj, &rd->at) < 0 ||
            json_get_string(obj, "verified", &text, &rd->at)) {
            r = ERR_CONFIG;
        } else if (rulepack_fact(p, f->name, &other) == 0) {
            json_complainf(&rd->at, obj, "name", "\"%s\" is stated twice", f->name);
            r = ERR_CONFIG;
        } else {
            p->fact_count++;
        }
        json_ctx_pop(&rd->at);
    }
    return r;
}

/* ---- kinds and classes ---- */

/* {"send": 1, "query": 0}: what the kind can do, and how many recipients one call carries. */
static int read_ops(const json_t *obj, struct kind_rule *k, struct json_ctx *at)
{
    const json_t *ops, *n;
    const char *name;
    int r = json_get_object(obj, "ops", &ops, at), op;

    if (r)
        return ERR_CONFIG;
    json_object_foreach((json_t *)ops, name, n)
    {
        if (pack_op_of(str_of(name), &op) || op >= CALL_OP_COUNT || !json_is_integer(n) ||
            json_integer_value(n) < 0 || json_integer_value(n) > INT32_MAX) {
            json_complainf(at, obj, "ops", "\"%s\" is not an operation with a number", name);
            r = ERR_CONFIG;
            continue;
        }
        k->ops |= 1u << op;
        k->max_recipients[op] = (int)json_integer_value(n);
    }
    return r;
}

static int read_kind(const json_t *obj, struct kind_rule *k, struct json_ctx *at)
{
    static const char *const keys[] = {"kind",         "receives",    "ops",      "no_keyword",
                                       "no_broadcast", "text_unit",   "text_max", "receipt",
                                       "pace_ms",      "concurrency", NULL};
    static const char *const units[] = {"bytes", "utf16", "chars"};
    int64_t text_max, pace, concurrency;
    int unit = word_of(obj, "text_unit", units, ARRAY_LEN(units), at);

    if (unit < 0 || json_only_keys(obj, keys, at) ||
        bits_of(obj, "receives", event_term, 0, &k->receives, at) || read_ops(obj, k, at) ||
        json_opt_string(obj, "no_keyword", NULL, &k->no_keyword, at) ||
        json_opt_string(obj, "no_broadcast", NULL, &k->no_broadcast, at) ||
        json_get_i64_in(obj, "text_max", 1, 1 << 20, &text_max, at) ||
        json_get_bool(obj, "receipt", &k->receipt, at) ||
        json_get_i64_in(obj, "pace_ms", 0, 1 << 30, &pace, at) ||
        json_get_i64_in(obj, "concurrency", 1, 1000, &concurrency, at))
        return ERR_CONFIG;
    k->text_unit = units[unit];
    k->text_max = (int)text_max;
    k->pace_ms = (int)pace;
    k->concurrency = (int)concurrency;
    return 0;
}

static int read_kinds(struct pack_reader *rd, const json_t *array)
{
    struct rulepack *p = rd->pack;
    const json_t *obj;
    size_t i;
    int r = 0;

    json_array_foreach((json_t *)array, i, obj)
    {
        const char *name;
        int kind;

        json_ctx_push_index(&rd->at, i);
        if (json_get_string(obj, "kind", &name, &rd->at) || kind_term(str_of(name), &kind) ||
            (p->kinds_seen & 1u << kind) || read_kind(obj, &p->kinds[kind], &rd->at)) {
            json_complainf(&rd->at, obj, "kind", "every account kind once, and nothing else");
            r = ERR_CONFIG;
        } else {
            p->kinds[kind].kind = (enum account_kind)kind;
            p->kinds_seen |= 1u << kind;
        }
        json_ctx_pop(&rd->at);
    }
    if (!r && p->kinds_seen != (1u << ACCOUNT_KIND_COUNT) - 1) {
        json_complainf(&rd->at, NULL, NULL, "an account kind is missing");
        r = ERR_CONFIG;
    }
    return r;
}

static int read_class(const json_t *obj, struct class_rule *c, struct json_ctx *at)
{
    static const char *const keys[] = {"class",        "default_deadline_ms", "resend_unknown",
                                       "max_attempts", "marketing",           NULL};
    int64_t attempts;

    if (json_only_keys(obj, keys, at) ||
        json_get_i64_in(obj, "default_deadline_ms", 0, INT64_C(1) << 40, &c->default_deadline_ms, at) ||
        json_get_bool(obj, "resend_unknown", &c->resend_unknown, at) ||
        json_get_i64_in(obj, "max_attempts", 1, 100, &attempts, at) ||
        json_get_bool(obj, "marketing", &c->marketing, at))
        return ERR_CONFIG;
    c->max_attempts = (int)attempts;
    return 0;
}

static int read_classes(struct pack_reader *rd, const json_t *array)
{
    struct rulepack *p = rd->pack;
    const json_t *obj;
    size_t i;
    int r = 0;

    json_array_foreach((json_t *)array, i, obj)
    {
        const char *name;
        int class;

        json_ctx_push_index(&rd->at, i);
        if (json_get_string(obj, "class", &name, &rd->at) || class_term(str_of(name), &class) ||
            (p->classes_seen & 1u << class) || read_class(obj, &p->classes[class], &rd->at)) {
            json_complainf(&rd->at, obj, "class", "every message class once, and nothing else");
            r = ERR_CONFIG;
        } else {
            p->classes[class].class = (enum message_class) class;
            p->classes_seen |= 1u << class;
        }
        json_ctx_pop(&rd->at);
    }
    if (!r && p->classes_seen != (1u << MESSAGE_CLASS_COUNT) - 1) {
        json_complainf(&rd->at, NULL, NULL, "a message class is missing");
        r = ERR_CONFIG;
    }
    return r;
}

/* ---- the whole ---- */

static int read_part(struct pack_reader *rd, const char *key,
                     int (*read)(struct pack_reader *rd, const json_t *array))
{
    const json_t *array;
    int r = json_get_array(rd->pack->root, key, &array, &rd->at) ? ERR_CONFIG : 0;

    if (r)
        return r;
    json_ctx_push(&rd->at, key);
    r = read(rd, array);
    json_ctx_pop(&rd->at);
    return r;
}

int pack_read(struct rulepack *p, struct diag *diag)
{
    static const char *const keys[] = {"version",   "t_send_ms", "skew_ms", "limits",  "facts",
                                       "reactions", "codes",     "kinds",   "classes", NULL};
    struct pack_reader rd = {.pack = p};

    json_ctx_init(&rd.at, diag, "rulepack.json", NULL);
    if (json_only_keys(p->root, keys, &rd.at) || json_get_string(p->root, "version", &p->version, &rd.at) ||
        json_get_i64_in(p->root, "t_send_ms", 1, 600000, &p->t_send_ms, &rd.at) ||
        json_get_i64_in(p->root, "skew_ms", 0, 600000, &p->skew_ms, &rd.at) ||
        json_get_object(p->root, "reactions", &rd.reactions, &rd.at))
        return ERR_CONFIG;

    int r = read_part(&rd, "limits", read_limits);
    if (!r)
        r = read_part(&rd, "facts", read_facts);
    if (!r)
        r = read_part(&rd, "codes", pack_read_codes);
    if (!r)
        r = read_part(&rd, "kinds", read_kinds);
    return r ? r : read_part(&rd, "classes", read_classes);
}
