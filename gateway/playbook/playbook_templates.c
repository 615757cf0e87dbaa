/* SPDX-License-Identifier: Apache-2.0 */
/* Templates are built and their variables judged once; whether a text suits a channel is judged where it is
 * used, because only there is it known who sends it. What depends on a contact is judged with a sample one.
 */
#include "playbook/playbook_private.h"

#include <errno.h>
#include <stdio.h>

#include "templates/variant.h"

#define SAMPLE_NOW_MS INT64_C(1796090400000) /* 2026-12-01T10:00: any will do */

/* The channel's word in a template; NULL: nothing is sent on this kind. */
static const char *channel_of(enum account_kind kind)
{
    switch (kind) {
    case ACCOUNT_WECOM_MEMBER: return "wecom";
    case ACCOUNT_WECOM_KF: return "kf";
    case ACCOUNT_WECOM_AIBOT: return "aibot";
    case ACCOUNT_WECOM_WEBHOOK: return "webhook";
    case ACCOUNT_OFFICIAL: return "official";
    case ACCOUNT_SMS: return "sms";
    default: return NULL;
    }
}

static void read_refusals(struct play *p)
{
    static const char *const usual[] = {"拒收请回复R", "回TD退订",   "回T退订",
                                        "退订回T",     "回复TD退订", "退订回复T"};
    const json_t *sms = playbook_object_at(p, p->root, "sms");
    const char *own = NULL;

    if (sms != NULL) {
        json_ctx_push(&p->ctx, "sms");
        playbook_check_keys(p, PLAYBOOK_SMS, sms);
        (void)playbook_name(p, sms, "refusal", PLAYBOOK_NAME_BYTES, false, &own);
        json_ctx_pop(&p->ctx);
    }
    if (own != NULL)
        p->refusals[p->refusal_count++] = str_of(own);
    for (size_t i = 0; own == NULL && i < ARRAY_LEN(usual); i++)
        p->refusals[p->refusal_count++] = str_of(usual[i]);
}

/* What every template may name. `contact` and `event` are open: contacts have properties of their own. */
static json_t *known_names(const struct play *p)
{
    json_t *known = json_pack("{s:b, s:b, s:{s:b}}", "contact", 1, "event", 1, "account", "name", 1);

    if (known != NULL && json_object_update(known, p->owned->vars) < 0) {
        json_decref(known);
        return NULL;
    }
    return known;
}

/* Says what an unset `brand` became, at the first template that speaks of it. */
static void judge_brand(struct play *p)
{
    const struct template_set *set = p->plan->templates;
    const json_t *map = json_object_get(p->root, "templates");

    for (size_t i = 0; p->brand_guessed && i < template_set_count(set); i++) {
        for (int kind = 0; kind < ACCOUNT_KIND_COUNT; kind++) {
            const char *name = template_set_name(set, i), *channel = channel_of((enum account_kind)kind);
            const struct variant *v = channel != NULL ? template_set_find(set, str_of(name), channel) : NULL;

            if (v == NULL || !variant_uses(v, "brand"))
                continue;
            diag_warnf(&p->diag, p->ctx.file, yaml_key_line(p->owned->doc, map, name),
                       "templates.%s: `brand` is not set and becomes `%s`; write `brand: NAME` at the top",
                       name, json_str(p->owned->vars, "brand", ""));
            return;
        }
    }
}

int playbook_read_templates(struct play *p)
{
    const json_t *map = playbook_object_at(p, p->root, "templates");
    json_t *known;
    int r;

    read_refusals(p);
    json_ctx_push(&p->ctx, "templates");
    r = template_set_new(map != NULL ? map : p->owned->nothing, &p->ctx, &p->plan->templates);
    json_ctx_pop(&p->ctx);
    if (r < 0)
        return r == -ENOMEM ? r : 0;
    known = known_names(p);
    if (known == NULL)
        return -ENOMEM;
    r = template_set_lint(p->plan->templates, known, &p->diag);
    json_decref(known);
    judge_brand(p);
    return r == -ENOMEM ? r : 0;
}

/* ---- one use ---- */

struct judging {
    struct play *p;
    const struct template_use *use;
    const struct variant *variant;
    const json_t *source;
    int line; /* of the template */
};

static void complain(struct judging *j, const char *what)
{
    diag_addf(&j->p->diag, j->p->ctx.file, j->line, "templates.%s: %s", j->use->name, what);
}

static struct variant_rule rule_of(const struct judging *j)
{
    const struct world_account *a = j->use->account;
    const struct kind_rule *kind = playbook_kind(j->p, a->kind);
    struct variant_rule rule = {.signature = a->signature};

    if (kind == NULL || kind->text_max <= 0 || text_unit_of(kind->text_unit, &rule.text.unit) < 0)
        return rule;
    rule.text.max = (size_t)kind->text_max;
    if (a->kind == ACCOUNT_WECOM_MEMBER) { /* attachments as wecom.md section 4 has them */
        rule.attachments = 9;
        rule.link_title = (struct text_rule){TEXT_BYTES, 128, true};
        rule.link_desc = (struct text_rule){TEXT_BYTES, 512, true};
        rule.url = (struct text_rule){TEXT_BYTES, 2048, false};
        rule.miniprogram_title = (struct text_rule){TEXT_BYTES, 64, true};
    }
    return rule;
}

/* A template that speaks of what is not there renders to a gap. */
static void judge_names(struct judging *j)
{
    const char *missing = NULL;

    if (j->use->broadcast && variant_uses(j->variant, "event"))
        missing = "event";
    else if (j->use->groups && variant_uses(j->variant, "contact"))
        missing = "contact";
    if (missing != NULL)
        diag_warnf(&j->p->diag, j->p->ctx.file, j->line,
                   "templates.%s: a broadcast%s has no `%s`; what the text says of it will be empty",
                   j->use->name, j->use->groups ? " to groups" : "", missing);
}

static json_t *sample_data(const struct judging *j)
{
    json_t *data = json_pack("{s:{s:s, s:s, s:[]}, s:{s:s}, s:{s:s}}", "contact", "id", "1", "name", "小美",
                             "tags", "event", "text", "抽奖", "account", "name", "account");

    if (data != NULL && json_object_update_missing(data, j->p->owned->vars) < 0) {
        json_decref(data);
        return NULL;
    }
    return data;
}

/* Renders the message for a sample contact; NULL in `ret` when the template failed, which is complained of.
 */
static int render_sample(struct judging *j, json_t **ret)
{
    struct liquid_limits limits = liquid_limits_default();
    struct variant_rule rule = rule_of(j);
    struct variant_fault fault = {.part = ""};
    json_t *data = sample_data(j);
    int r;

    *ret = NULL;
    if (data == NULL)
        return -ENOMEM;
    limits.now_ms = SAMPLE_NOW_MS;
    r = variant_render(j->variant, data, &rule, &limits, ret, &fault);
    json_decref(data);
    if (r < 0 && r != -ENOMEM)
        diag_addf(&j->p->diag, j->p->ctx.file, j->line, "templates.%s: %s: %s on %.*s (%s)", j->use->name,
                  fault.part, fault.text, STR_ARG(j->use->account->name),
                  account_kind_text(j->use->account->kind));
    return r == -ENOMEM ? r : 0;
}

static bool has_refusal(const struct play *p, struct str text)
{
    for (size_t i = 0; i < p->refusal_count; i++)
        if (str_find(text, p->refusals[i]) < text.n)
            return true;
    return false;
}

/* 【signature】 of the text; empty: it has none. */
static struct str signature_of(struct str text)
{
    struct str open = STR("【"), close = STR("】");
    struct str rest = str_sub(text, open.n, SIZE_MAX);

    if (!str_starts(text, open))
        return (struct str){NULL, 0};
    return str_sub(rest, 0, str_find(rest, close));
}

static void judge_signature(struct judging *j, struct str text)
{
    struct str own = j->use->account->signature, in_text = signature_of(text);

    if (in_text.n == 0 && own.n == 0)
        complain(j, "an SMS needs a signature; begin it with 【...】 or set `signature` of the connection");
    else if (in_text.n > 0 && own.n > 0 && !str_eq(in_text, own))
        diag_addf(
            &j->p->diag, j->p->ctx.file, j->line,
            "templates.%s: signature 【%.*s】 is not the one of %.*s, 【%.*s】; use that, or leave it out",
            j->use->name, STR_ARG(in_text), STR_ARG(j->use->account->name), STR_ARG(own));
}

static void judge_sms(struct judging *j, struct str text)
{
    int64_t segments = sms_segments(text, j->use->account->signature);

    judge_signature(j, text);
    if (json_str(j->source, "provider_template", NULL) == NULL)
        complain(
            j, "providers send approved SMS templates only; write `provider_template: SMS_...` under `sms`");
    if (!j->use->broadcast)
        return;
    if (!has_refusal(j->p, text))
        diag_addf(&j->p->diag, j->p->ctx.file, j->line,
                  "templates.%s: a marketing SMS must say how to refuse it; end it with %.*s", j->use->name,
                  STR_ARG(j->p->refusals[0]));
    if (segments > 1)
        diag_warnf(&j->p->diag, j->p->ctx.file, j->line,
                   "templates.%s: about %zu characters, billed as %lld SMS each; 70 with signature are one",
                   j->use->name, text_length(text, TEXT_UTF16), (long long)segments);
}

static int judge_variant(struct judging *j)
{
    struct variant_rule rule = rule_of(j);
    json_t *sample = NULL;
    size_t before = diag_errors(&j->p->diag);
    int r = variant_check(j->variant, &rule, j->p->ctx.file, j->line, &j->p->diag);

    if (r == -ENOMEM)
        return r;
    judge_names(j);
    r = diag_errors(&j->p->diag) == before ? render_sample(j, &sample) : 0;
    if (r == 0 && sample != NULL && j->use->account->kind == ACCOUNT_SMS)
        judge_sms(j, str_of(json_str(sample, "text", "")));
    json_decref(sample);
    return r;
}

static struct str template_name(const void *ctx, size_t i)
{
    void *it = json_object_iter((json_t *)ctx);

    while (i-- > 0)
        it = json_object_iter_next((json_t *)ctx, it);
    return str_of(json_object_iter_key(it));
}

static void complain_unknown(const struct judging *j, const json_t *templates)
{
    char hint[PLAYBOOK_HINT_BYTES];
    struct str near = playbook_nearest(j->use->name, template_name, templates, json_object_size(templates));

    json_complainf(&j->p->ctx, j->use->obj, "send", "there is no template `%s`%s", j->use->name,
                   near.n > 0 ? playbook_hint(near, hint) : "; write it under `templates`");
}

/* The same use was judged before. */
static int judged_before(const struct judging *j, bool *ret)
{
    const struct world_account *a = j->use->account;
    char key[512];
    int n = snprintf(key, sizeof key, "%s/%d/%d/%d/%.*s", j->use->name, (int)a->kind, j->use->broadcast,
                     j->use->groups, STR_ARG(a->signature));
    struct str k = {key, (size_t)n < sizeof key ? (size_t)n : sizeof key - 1};

    *ret = map_str_find(&j->p->judged, k) != NULL;
    return *ret ? 0 : map_str_put_i64(&j->p->judged, k, 1);
}

int playbook_use_template(struct play *p, const struct template_use *use, struct str *ret)
{
    struct judging j = {.p = p, .use = use};
    const json_t *templates = json_object_get(p->root, "templates");
    const char *channel = use->account != NULL ? channel_of(use->account->kind) : NULL;
    bool before = false;
    int r;

    *ret = str_of(use->name);
    if (json_object_get(templates, use->name) == NULL) {
        complain_unknown(&j, templates);
        return 0;
    }
    if (channel == NULL ||
        p->plan->templates == NULL) /* unknown account, or a template is complained of already */
        return 0;
    j.line = yaml_key_line(p->owned->doc, templates, use->name);
    j.variant = template_set_find(p->plan->templates, *ret, channel);
    if (j.variant == NULL) {
        json_complainf(&p->ctx, use->obj, "send",
                       "template `%s` has no text for %.*s; give it `text` or `%s: {text: ...}`", use->name,
                       STR_ARG(use->account->name), channel);
        return 0;
    }
    j.source = variant_source(j.variant);
    r = judged_before(&j, &before);
    return r < 0 || before ? r : judge_variant(&j);
}
