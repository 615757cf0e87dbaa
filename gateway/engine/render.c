/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/render.h"

#include <string.h>

#include "base/json.h"
#include "engine/engine_private.h"
#include "templates/variant.h"

enum { CACHE_MAX = 64, SHARED_MAX = 64 };
#define SHARED_MS 1000 /* a text may tell the time */

/* A frozen template, parsed. Slots are reused in turn: few broadcasts run at once. */
struct frozen {
    int64_t content;
    struct variant *variant;
    json_t *vars;
    bool shared;
};

/* What everybody gets of one variant. */
struct shared {
    const struct variant *variant; /* of a plan that rules; NULL: free */
    enum account_kind kind;
    int64_t rendered_ms;
    struct rendering own; /* copies, in one piece of memory that begins with the body */
    int64_t content;      /* the row that holds it; 0: not stored yet */
};

struct render_cache {
    struct frozen slots[CACHE_MAX];
    struct shared shared[SHARED_MAX];
    size_t next, next_shared;
};

int render_cache_new(struct render_cache **ret)
{
    struct render_cache *c = mem_calloc(1, sizeof *c);

    if (!c)
        return -ENOMEM;
    *ret = c;
    return 0;
}

static void frozen_drop(struct frozen *f)
{
    variant_free(f->variant);
    json_decref(f->vars);
    *f = (struct frozen){0};
}

static void shared_drop(struct shared *s)
{
    mem_free((char *)(uintptr_t)s->own.body.p);
    *s = (struct shared){0};
}

void render_forget(struct render_cache *c)
{
    for (size_t i = 0; i < SHARED_MAX; i++)
        shared_drop(&c->shared[i]);
}

void render_cache_free(struct render_cache *c)
{
    if (!c)
        return;
    render_forget(c);
    for (size_t i = 0; i < CACHE_MAX; i++)
        frozen_drop(&c->slots[i]);
    mem_free(c);
}

const char *render_channel(enum account_kind kind)
{
    static const char *const words[ACCOUNT_KIND_COUNT] = {
        [ACCOUNT_WECOM_MEMBER] = "wecom",     [ACCOUNT_WECOM_KF] = "kf",   [ACCOUNT_WECOM_AIBOT] = "aibot",
        [ACCOUNT_WECOM_WEBHOOK] = "webhook",  [ACCOUNT_WECOM_APP] = "app", [ACCOUNT_OFFICIAL] = "official",
        [ACCOUNT_SMS] = "sms",                [ACCOUNT_MANUAL] = "manual",
    };

    return words[kind];
}

/* The channel's bounds on a text; whatever is longer would be cut or refused by the platform. */
static struct variant_rule rule_of(const struct batch *b, enum account_kind kind)
{
    const struct kind_rule *k = rulepack_kind(b->engine->rules, kind);
    struct variant_rule rule = {.attachments = kind == ACCOUNT_WECOM_MEMBER ? 9 : 0};

    if (k && k->text_max && text_unit_of(k->text_unit, &rule.text.unit) == 0)
        rule.text.max = (size_t)k->text_max;
    return rule;
}

static struct str only_text(struct batch *b, const json_t *content)
{
    const json_t *text = json_object_size(content) == 1 ? json_object_get(content, "text") : NULL;

    return batch_str(b, (struct str){json_string_value(text), json_string_length(text)});
}

static int render(struct batch *b, const struct variant *v, enum account_kind kind, const json_t *data,
                  struct rendering *ret, struct str *why)
{
    struct liquid_limits limits = liquid_limits_default();
    struct variant_rule rule = rule_of(b, kind);
    struct variant_fault fault = {{0}, {0}};
    json_t *out = NULL;

    limits.now_ms = b->now_ms;
    int err = variant_render(v, data, &rule, &limits, &out, &fault);
    if (err) {
        *why = str_of(arena_printf(&b->arena, "%s: %s", fault.part, fault.text));
        return err;
    }
    ret->text = only_text(b, out);
    ret->body = batch_json(b, out);
    return b->err;
}

/* Playbook-wide names are there for every template; the event's own names win. */
static json_t *with_vars(const json_t *data, const json_t *vars)
{
    json_t *all = vars ? json_copy((json_t *)(uintptr_t)vars) : json_object();

    if (all && json_object_update(all, (json_t *)(uintptr_t)data) != 0) {
        json_decref(all);
        return NULL;
    }
    return all;
}

/* ---- one rendering for everybody ---- */

static bool is_for_everybody(const struct variant *v)
{
    return !variant_uses(v, "contact") && !variant_uses(v, "event") && !variant_uses(v, "account");
}

static struct shared *find_shared(struct render_cache *c, const struct variant *v, enum account_kind kind)
{
    for (size_t i = 0; i < SHARED_MAX; i++)
        if (c->shared[i].variant == v && c->shared[i].kind == kind)
            return &c->shared[i];
    return NULL;
}

static bool copy_rendering(const struct rendering *r, struct rendering *ret)
{
    char *copy = mem_alloc(r->body.n + r->text.n);

    if (!copy)
        return false;
    memcpy(copy, r->body.p, r->body.n);
    if (r->text.n)
        memcpy(copy + r->body.n, r->text.p, r->text.n);
    *ret = (struct rendering){{copy, r->body.n}, {copy + r->body.n, r->text.n}};
    return true;
}

/* Keeps a fresh rendering. One that says the same as the last keeps its content row. Without memory it is rendered
 * again the next time. */
static void keep_shared(struct batch *b, const struct variant *v, enum account_kind kind, const struct rendering *r)
{
    struct render_cache *c = b->engine->frozen;
    struct shared *s = find_shared(c, v, kind);
    struct rendering own;

    if (!s || !str_eq(s->own.body, r->body)) {
        if (!copy_rendering(r, &own))
            return;
        s = s ? s : &c->shared[c->next_shared++ % SHARED_MAX];
        shared_drop(s);
        *s = (struct shared){.variant = v, .kind = kind, .own = own};
    }
    s->rendered_ms = b->now_ms;
}

bool render_ready(struct batch *b, const struct plan *plan, struct str name, enum account_kind kind,
                  struct rendering *ret)
{
    const struct variant *v = template_set_find(plan->templates, name, render_channel(kind));
    const struct shared *s = v ? find_shared(b->engine->frozen, v, kind) : NULL;

    if (!s || b->now_ms - s->rendered_ms >= SHARED_MS)
        return false;
    ret->body = batch_str(b, s->own.body);
    ret->text = batch_str(b, s->own.text);
    return true;
}

int64_t render_store(struct batch *b, struct str body)
{
    struct render_cache *c = b->engine->frozen;
    struct shared *s = NULL;

    for (size_t i = 0; i < SHARED_MAX && !s; i++)
        if (c->shared[i].variant && str_eq(c->shared[i].own.body, body))
            s = &c->shared[i];
    if (s && s->content)
        return s->content;
    struct content_row *row = batch_row(b, &b->contents);
    *row = (struct content_row){.id = batch_id(b), .rendered = true, .body = body};
    if (s)
        s->content = row->id;
    return row->id;
}

int render_template(struct batch *b, const struct plan *plan, struct str name, enum account_kind kind,
                    const json_t *data, struct rendering *ret, struct str *why)
{
    const struct variant *v = template_set_find(plan->templates, name, render_channel(kind));
    json_t *all;

    *why = name;
    if (!v)
        return ERR_NOT_FOUND;
    all = with_vars(data, plan->vars);
    if (!all)
        return -ENOMEM;
    int err = render(b, v, kind, all, ret, why);
    json_decref(all);
    if (!err && is_for_everybody(v))
        keep_shared(b, v, kind, ret);
    return err;
}

struct rendering render_literal(struct batch *b, struct str text)
{
    json_t *body = json_pack("{s:s%}", "text", text.n ? text.p : "", text.n);

    return (struct rendering){.text = text, .body = batch_json(b, body)};
}

struct str render_freeze(struct batch *b, const struct plan *plan, struct str name, enum account_kind kind)
{
    const struct variant *v = template_set_find(plan->templates, name, render_channel(kind));
    json_t *empty = json_object();
    struct str out = batch_json(b, json_pack("{s:O, s:O}", "source", v ? variant_source(v) : empty, "vars",
                                             plan->vars ? plan->vars : empty));

    json_decref(empty);
    return out;
}

static int thaw(const struct content_row *content, struct frozen *f)
{
    json_t *body = NULL;
    int err = json_parse(content->body, JSON_DEPTH, &body, NULL);

    if (!err)
        err = variant_new(json_object_get(body, "source"), NULL, &f->variant);
    if (!err) {
        f->content = content->id;
        f->vars = json_incref(json_object_get(body, "vars"));
        f->shared = !variant_uses(f->variant, "contact");
    }
    json_decref(body);
    return err == ERR_SYNTAX ? ERR_CORRUPT : err;
}

static int find_frozen(struct render_cache *c, const struct content_row *content, struct frozen **ret)
{
    for (size_t i = 0; i < CACHE_MAX; i++)
        if (c->slots[i].content == content->id) {
            *ret = &c->slots[i];
            return 0;
        }
    struct frozen *f = &c->slots[c->next++ % CACHE_MAX];
    frozen_drop(f);
    int err = thaw(content, f);
    if (err)
        frozen_drop(f);
    *ret = f;
    return err;
}

int render_is_shared(struct batch *b, const struct content_row *content, bool *ret)
{
    struct frozen *f;
    int err = content->rendered ? 0 : find_frozen(b->engine->frozen, content, &f);

    if (!err)
        *ret = content->rendered || f->shared;
    return err == 0 || err == -ENOMEM ? err : ERR_RENDER;
}

int render_frozen(struct batch *b, const struct content_row *content, const struct account *account,
                  const struct person *who, struct str *ret, bool *ret_shared, struct str *why)
{
    struct rendering rendering = {{NULL, 0}, {NULL, 0}};
    struct frozen *f;
    json_t *person, *data, *all;
    int err = find_frozen(b->engine->frozen, content, &f);

    if (err)
        return err == -ENOMEM ? err : ERR_RENDER;
    person = who && !f->shared ? person_json(who, b->now_ms) : json_object();
    data = json_pack("{s:o, s:{s:s%}}", "contact", person, "account", "name", account->name.p, account->name.n);
    all = data ? with_vars(data, f->vars) : NULL;
    json_decref(data);
    if (!all)
        return -ENOMEM;
    err = render(b, f->variant, account->kind, all, &rendering, why);
    json_decref(all);
    *ret = rendering.body;
    *ret_shared = f->shared;
    return err;
}
