/* SPDX-License-Identifier: Apache-2.0 */
/* All templates of a playbook. Each has a row of variants, one a channel and the usual one last; what a
 * channel's own mapping lacks comes from the template itself. */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "templates/variant.h"

static const char *const channels[] = {"wecom", "kf", "official", "sms", "webhook", "aibot"};
enum { CHANNEL_COUNT = ARRAY_LEN(channels), USUAL = CHANNEL_COUNT };

struct template
{
    char *name;
    struct variant *variants[CHANNEL_COUNT + 1]; /* NULL: the usual one serves */
};

struct template_set {
    struct template *items;
    size_t count;
};

/* The keys of a template that are the same for every channel. */
static int usual_source(const json_t *from, json_t **ret)
{
    json_t *source = json_object();
    bool good = source != NULL;

    if (json_object_get(from, "text"))
        good = good && json_object_set(source, "text", json_object_get(from, "text")) == 0;
    if (json_object_get(from, "attach"))
        good = good && json_object_set(source, "attach", json_object_get(from, "attach")) == 0;
    if (!good) {
        json_decref(source);
        return -ENOMEM;
    }
    *ret = source;
    return 0;
}

/* A channel's own keys over the usual ones. An SMS carries nothing but text. */
static int channel_source(const json_t *from, const char *channel, json_t **ret)
{
    json_t *source;
    int err = usual_source(from, &source);

    if (err < 0)
        return err;
    if (strcmp(channel, "sms") == 0)
        (void)json_object_del(source, "attach");
    if (json_object_get(from, channel) && json_object_update(source, json_object_get(from, channel)) < 0) {
        json_decref(source);
        return -ENOMEM;
    }
    *ret = source;
    return 0;
}

/* The own mapping is judged before it is merged: only its own nodes know their lines. */
static int check_own(const json_t *from, const char *channel, struct json_ctx *c)
{
    const json_t *own = json_object_get(from, channel);

    if (!json_is_object(own)) {
        json_complainf(c, from, channel, "must be a mapping: {text: ...}");
        return ERR_CONFIG;
    }
    if (!json_object_get(own, "text") && !json_object_get(from, "text") && !json_object_get(own, "attach")) {
        json_complainf(c, from, channel, "has no text, and neither has the template");
        return ERR_CONFIG;
    }
    return 0;
}

static int build_own(const json_t *from, const char *channel, struct json_ctx *c, struct variant **ret)
{
    json_t *source = NULL;
    int err = channel_source(from, channel, &source);

    if (err < 0)
        return err;
    err = variant_new(source, c, ret);
    json_decref(source);
    return err;
}

static int build_channel(const json_t *from, const char *channel, struct json_ctx *c, struct variant **ret)
{
    static const char *const keys[] = {"text", "attach", "provider_template", "params", "markdown", NULL};
    const json_t *own = json_object_get(from, channel);
    bool sms = strcmp(channel, "sms") == 0;
    int err = own ? check_own(from, channel, c) : 0;

    if (err < 0)
        return err;
    if (!own) /* only an SMS differs from the usual variant by itself */
        return sms && json_object_get(from, "text") && json_object_get(from, "attach")
                   ? build_own(from, channel, c, ret)
                   : 0;
    json_ctx_push(c, channel);
    err = json_only_keys(own, keys, c) < 0 ? ERR_CONFIG : build_own(from, channel, c, ret);
    json_ctx_pop(c);
    return err;
}

static bool has_channel(const json_t *from)
{
    for (size_t i = 0; i < CHANNEL_COUNT; i++)
        if (json_object_get(from, channels[i]))
            return true;
    return false;
}

static int build_usual(const json_t *from, struct json_ctx *c, struct variant **ret)
{
    json_t *source;
    int err;

    if (!json_object_get(from, "text") && !json_object_get(from, "attach") && has_channel(from))
        return 0;
    err = usual_source(from, &source);
    if (err < 0)
        return err;
    err = variant_new(source, c, ret);
    json_decref(source);
    return err;
}

static int build_template(const json_t *from, struct json_ctx *c, struct template *t)
{
    static const char *const keys[] = {"text", "attach",  "wecom", "kf", "official",
                                       "sms",  "webhook", "aibot", NULL};
    int worst, err;

    if (!json_is_object(from)) {
        json_complainf(c, from, NULL, "a template is a mapping: {text: ...}");
        return ERR_CONFIG;
    }
    if (json_object_size(from) == 0) {
        json_complainf(c, from, NULL, "a template needs a text or an attachment");
        return ERR_CONFIG;
    }
    if (json_only_keys(from, keys, c) < 0)
        return ERR_CONFIG;
    worst = build_usual(from, c, &t->variants[USUAL]);
    if (worst < 0)
        return worst; /* a channel would only repeat it */
    for (size_t i = 0; worst != -ENOMEM && i < CHANNEL_COUNT; i++) {
        err = build_channel(from, channels[i], c, &t->variants[i]);
        worst = err < 0 ? err : worst;
    }
    return worst;
}

static int build_set(struct template_set *set, const json_t *templates, struct json_ctx *c)
{
    void *it = json_object_iter((json_t *)templates);
    int worst = 0;

    for (; it; it = json_object_iter_next((json_t *)templates, it)) {
        struct template *t = &set->items[set->count++];
        int err;

        t->name = mem_strdup(json_object_iter_key(it));
        if (!t->name)
            return -ENOMEM;
        json_ctx_push(c, t->name);
        err = build_template(json_object_iter_value(it), c, t);
        json_ctx_pop(c);
        if (err == -ENOMEM)
            return err;
        worst = err < 0 ? err : worst;
    }
    return worst;
}

int template_set_new(const json_t *templates, struct json_ctx *c, struct template_set **ret)
{
    struct json_ctx silent;
    struct template_set *set = mem_calloc(1, sizeof *set);
    int err;

    if (!set)
        return -ENOMEM;
    json_ctx_init(&silent, NULL, NULL, NULL);
    set->items = mem_calloc(json_object_size(templates), sizeof *set->items);
    err = set->items ? build_set(set, templates, c ? c : &silent) : -ENOMEM;
    if (err < 0) {
        template_set_free(set);
        return err;
    }
    *ret = set;
    return 0;
}

void template_set_free(struct template_set *set)
{
    if (!set)
        return;
    for (size_t i = 0; set->items && i < set->count; i++) {
        for (size_t k = 0; k <= USUAL; k++)
            variant_free(set->items[i].variants[k]);
        mem_free(set->items[i].name);
    }
    mem_free(set->items);
    mem_free(set);
}

size_t template_set_count(const struct template_set *set)
{
    return set->count;
}

const char *template_set_name(const struct template_set *set, size_t i)
{
    return set->items[i].name;
}

static const struct template *find(const struct template_set *set, struct str name)
{
    for (size_t i = 0; i < set->count; i++)
        if (str_is(name, set->items[i].name))
            return &set->items[i];
    return NULL;
}

bool template_set_has(const struct template_set *set, struct str name)
{
    return find(set, name) != NULL;
}

const struct variant *template_set_find(const struct template_set *set, struct str name, const char *channel)
{
    const struct template *t = find(set, name);
    const struct variant *usual = t ? t->variants[USUAL] : NULL;

    for (size_t i = 0; t && i < CHANNEL_COUNT; i++)
        if (strcmp(channels[i], channel) == 0 && t->variants[i])
            return t->variants[i];
    if (usual && strcmp(channel, "sms") == 0 && !json_object_get(variant_source(usual), "text"))
        return NULL;
    return usual;
}

/* A part that several variants share is complained about once. */
static void add_new(struct diag *to, const struct diag *from)
{
    for (size_t i = 0; i < diag_count(from); i++) {
        const struct diag_item *item = diag_at(from, i);
        bool known = false;

        for (size_t k = 0; k < diag_count(to); k++)
            known |= strcmp(diag_text(to, k), item->text) == 0;
        if (!known)
            diag_addf(to, item->file, item->line, "%s", item->what);
    }
}

static int lint_variant(const struct variant *v, const json_t *known, struct diag *diag)
{
    struct diag found;
    int err;

    diag_init(&found, 100);
    err = variant_lint(v, known, &found);
    if (diag)
        add_new(diag, &found);
    diag_fini(&found);
    return err;
}

int template_set_lint(const struct template_set *set, const json_t *known, struct diag *diag)
{
    int worst = 0;

    for (size_t i = 0; i < set->count; i++)
        for (size_t k = 0; k <= USUAL; k++) {
            const struct variant *v = set->items[i].variants[k];
            int err = v ? lint_variant(v, known, diag) : 0;

            if (err == -ENOMEM)
                return err;
            worst = err < 0 ? err : worst;
        }
    return worst;
}
