/* SPDX-License-Identifier: Apache-2.0 */
/* A variant is a row of parts, one for each string: where it goes, its Liquid, and which rule of the channel
 * binds it. Rendering builds the skeleton of the attachments first and then puts every part in its place. */
#include "templates/variant.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/yaml.h"

#define ARENA_MAX_BYTES ((size_t)256 * 1024)
#define ATTACH_MAX 100 /* of any channel; its own limit is a rule */

enum part_place { PLACE_TEXT, PLACE_ATTACH, PLACE_PARAM };
enum part_bound {
    BOUND_NONE,
    BOUND_TEXT,
    BOUND_LINK_TITLE,
    BOUND_LINK_DESC,
    BOUND_URL,
    BOUND_MINIPROGRAM_TITLE
};

struct part {
    struct part *next;
    enum part_place place;
    enum part_bound bound;
    bool required;
    size_t item;            /* attachment */
    const char *kind, *key; /* attachment: its kind; attachment and parameter: the key */
    const char *path;       /* "attach[0].link.title" */
    struct liquid *t;
};

struct variant {
    struct arena arena;
    json_t *source;
    struct part *parts;
    const char **kinds; /* of the attachments */
    size_t attach_count;
    const char *provider_template; /* or NULL */
    bool has_params, markdown;
};

static const struct attach_field {
    const char *kind, *key;
    enum part_bound bound;
    bool required;
} fields[] = {
    {"link", "title", BOUND_LINK_TITLE, true},
    {"link", "url", BOUND_URL, true},
    {"link", "desc", BOUND_LINK_DESC, false},
    {"link", "picurl", BOUND_URL, false},
    {"image", "media_id", BOUND_NONE, false},
    {"image", "pic_url", BOUND_URL, false},
    {"miniprogram", "title", BOUND_MINIPROGRAM_TITLE, true},
    {"miniprogram", "pic_media_id", BOUND_NONE, true},
    {"miniprogram", "appid", BOUND_NONE, true},
    {"miniprogram", "page", BOUND_URL, true},
    {"video", "media_id", BOUND_NONE, true},
    {"file", "media_id", BOUND_NONE, true},
};

/* One variant being built. */
struct builder {
    struct variant *v;
    struct json_ctx *c;
    struct part **tail;
    bool bad; /* something was complained about */
};

static int complain(struct builder *b, const json_t *node, const char *what)
{
    json_complainf(b->c, node, NULL, "%s", what);
    b->bad = true;
    return 0;
}

/* The text of a block scalar begins on the line after its mark; only such a text ends with a line feed. */
static int first_line(const struct json_ctx *c, const json_t *text)
{
    int line = c && c->doc ? yaml_line_of(c->doc, text) : 0;
    size_t n = json_string_length(text);

    return line > 0 && n > 0 && json_string_value(text)[n - 1] == '\n' ? line + 1 : line;
}

static int parse_part(struct builder *b, const json_t *text, struct part *part)
{
    struct str source = {json_string_value(text), json_string_length(text)};
    int err;

    if (part->place == PLACE_TEXT && str_ends(source, STR("\n")))
        source.n--; /* the line feed that ends a block scalar is not meant to be sent */
    err = liquid_parse(source, b->c ? b->c->file : NULL, first_line(b->c, text), &part->t,
                       b->c ? b->c->diag : NULL);
    if (err == -ENOMEM)
        return err;
    b->bad |= err < 0;
    return 0;
}

static int add_part(struct builder *b, const json_t *text, struct part want)
{
    struct part *part;

    if (!json_is_string(text))
        return complain(b, text, "must be a text; put it in quotes");
    part = arena_dup(&b->v->arena, &want, sizeof want);
    if (!part || !want.path)
        return -ENOMEM;
    *b->tail = part;
    b->tail = &part->next;
    return parse_part(b, text, part);
}

static const struct attach_field *find_field(const char *kind, const char *key)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (strcmp(fields[i].kind, kind) == 0 && (!key || strcmp(fields[i].key, key) == 0))
            return &fields[i];
    return NULL;
}

static void check_required(struct builder *b, const json_t *body, const char *kind)
{
    bool one_is_enough = strcmp(kind, "image") == 0; /* media_id or pic_url */

    if (one_is_enough && json_object_size(body) == 0)
        (void)complain(b, body, "an image needs media_id or pic_url");
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (fields[i].required && strcmp(fields[i].kind, kind) == 0 &&
            !json_object_get(body, fields[i].key)) {
            json_complainf(b->c, body, NULL, "%s is missing", fields[i].key);
            b->bad = true;
        }
}

static int build_field(struct builder *b, const char *kind, const char *key, const json_t *value, size_t item)
{
    const struct attach_field *field = find_field(kind, key);
    int err = 0;

    json_ctx_push(b->c, key);
    if (field)
        err =
            add_part(b, value,
                     (struct part){.place = PLACE_ATTACH,
                                   .bound = field->bound,
                                   .required = field->required,
                                   .item = item,
                                   .kind = field->kind,
                                   .key = field->key,
                                   .path = arena_printf(&b->v->arena, "attach[%zu].%s.%s", item, kind, key)});
    else
        (void)complain(b, value, "not available in this version");
    json_ctx_pop(b->c);
    return err;
}

static int build_attachment(struct builder *b, const json_t *item, size_t at)
{
    void *it = json_object_iter((json_t *)item);
    const json_t *body = it ? json_object_iter_value(it) : NULL;
    const char *kind = it ? json_object_iter_key(it) : "";
    int err = 0;

    if (json_object_size(item) != 1 || !json_is_object(body) || !find_field(kind, NULL))
        return complain(b, item,
                        "an attachment is one of link, image, miniprogram, video, file: {link: {...}}");
    b->v->kinds[at] = find_field(kind, NULL)->kind;
    json_ctx_push(b->c, kind);
    check_required(b, body, kind);
    for (it = json_object_iter((json_t *)body); err == 0 && it;
         it = json_object_iter_next((json_t *)body, it))
        err = build_field(b, kind, json_object_iter_key(it), json_object_iter_value(it), at);
    json_ctx_pop(b->c);
    return err;
}

static int build_attach(struct builder *b, const json_t *attach)
{
    size_t n = json_array_size(attach);
    int err = 0;

    if (!attach)
        return 0;
    json_ctx_push(b->c, "attach");
    if (!json_is_array(attach) || n > ATTACH_MAX) {
        (void)complain(b, attach, "must be a list of at most 100 attachments");
        n = 0;
    }
    b->v->kinds = arena_alloc(&b->v->arena, n * sizeof *b->v->kinds + 1);
    if (!b->v->kinds)
        err = -ENOMEM;
    b->v->attach_count = n;
    for (size_t i = 0; err == 0 && i < n; i++) {
        json_ctx_push_index(b->c, i);
        err = build_attachment(b, json_array_get(attach, i), i);
        json_ctx_pop(b->c);
    }
    json_ctx_pop(b->c);
    return err;
}

static int build_param(struct builder *b, const char *name, const json_t *value)
{
    char *key = arena_str(&b->v->arena, str_of(name));
    int err = -ENOMEM;

    json_ctx_push(b->c, name);
    if (key)
        err = add_part(b, value,
                       (struct part){.place = PLACE_PARAM,
                                     .key = key,
                                     .path = arena_printf(&b->v->arena, "params.%s", name)});
    json_ctx_pop(b->c);
    return err;
}

static int build_params(struct builder *b, const json_t *params)
{
    int err = 0;

    if (!params)
        return 0;
    b->v->has_params = true;
    json_ctx_push(b->c, "params");
    if (!json_is_object(params))
        (void)complain(b, params, "must be a mapping of the provider template's parameters");
    for (void *it = json_object_iter((json_t *)params); err == 0 && it;
         it = json_object_iter_next((json_t *)params, it))
        err = build_param(b, json_object_iter_key(it), json_object_iter_value(it));
    json_ctx_pop(b->c);
    return err;
}

static int build_provider(struct builder *b, const json_t *source)
{
    const json_t *code = json_object_get(source, "provider_template");
    const json_t *markdown = json_object_get(source, "markdown");

    if (markdown && !json_is_boolean(markdown))
        (void)complain(b, markdown, "markdown must be true or false");
    b->v->markdown = json_is_true(markdown);
    if (!code)
        return 0;
    if (!json_is_string(code))
        return complain(b, code, "provider_template must be a text");
    b->v->provider_template = arena_str(&b->v->arena, str_of(json_string_value(code)));
    return b->v->provider_template ? 0 : -ENOMEM;
}

static int build_text(struct builder *b, const json_t *source)
{
    const json_t *text = json_object_get(source, "text");
    int err;

    if (!text && json_array_size(json_object_get(source, "attach")) > 0)
        return 0;
    if (!text)
        return complain(b, source, "a template needs a text or an attachment");
    json_ctx_push(b->c, "text");
    err = add_part(b, text, (struct part){.place = PLACE_TEXT, .bound = BOUND_TEXT, .path = "text"});
    json_ctx_pop(b->c);
    return err;
}

static int build(struct builder *b, const json_t *source)
{
    static const char *const keys[] = {"text", "attach", "provider_template", "params", "markdown", NULL};
    int err = build_text(b, source);

    b->bad |= json_only_keys(source, keys, b->c) < 0;
    if (err == 0)
        err = build_attach(b, json_object_get(source, "attach"));
    if (err == 0)
        err = build_provider(b, source);
    if (err == 0)
        err = build_params(b, json_object_get(source, "params"));
    if (err < 0 || b->bad)
        return err < 0 ? err : ERR_CONFIG;
    b->v->source = json_deep_copy(source);
    return b->v->source ? 0 : -ENOMEM;
}

int variant_new(const json_t *source, struct json_ctx *c, struct variant **ret)
{
    struct json_ctx silent;
    struct builder b = {.c = c};
    int err;

    if (!c) {
        json_ctx_init(&silent, NULL, NULL, NULL);
        b.c = &silent;
    }
    b.v = mem_calloc(1, sizeof *b.v);
    if (!b.v)
        return -ENOMEM;
    b.tail = &b.v->parts;
    arena_init(&b.v->arena, ARENA_MAX_BYTES);
    err = build(&b, source);
    if (err < 0) {
        variant_free(b.v);
        return err;
    }
    *ret = b.v;
    return 0;
}

void variant_free(struct variant *v)
{
    if (!v)
        return;
    for (struct part *part = v->parts; part; part = part->next)
        liquid_free(part->t);
    json_decref(v->source);
    arena_fini(&v->arena);
    mem_free(v);
}

const json_t *variant_source(const struct variant *v)
{
    return v->source;
}

bool variant_uses(const struct variant *v, const char *name)
{
    for (const struct part *part = v->parts; part; part = part->next)
        if (liquid_uses(part->t, name))
            return true;
    return false;
}

int variant_lint(const struct variant *v, const json_t *known, struct diag *diag)
{
    int worst = 0;

    for (const struct part *part = v->parts; part; part = part->next) {
        int err = liquid_lint(part->t, known, diag);

        if (err == -ENOMEM)
            return err;
        worst = err < 0 ? err : worst;
    }
    return worst;
}

/* ---- rendering ---- */

static int fault(struct variant_fault *to, int err, const char *part, const char *why)
{
    (void)snprintf(to->part, sizeof to->part, "%s", part);
    (void)snprintf(to->text, sizeof to->text, "%s", why);
    return err;
}

static const struct text_rule *rule_of(const struct variant_rule *rule, enum part_bound bound)
{
    static const struct text_rule none = {0};

    switch (bound) {
    case BOUND_TEXT: return &rule->text;
    case BOUND_LINK_TITLE: return &rule->link_title;
    case BOUND_LINK_DESC: return &rule->link_desc;
    case BOUND_URL: return &rule->url;
    case BOUND_MINIPROGRAM_TITLE: return &rule->miniprogram_title;
    case BOUND_NONE: break;
    }
    return &none;
}

/* What is left of the limit once the signature stands in front. */
static int fit_part(const struct part *part, const struct variant_rule *rule, struct str text,
                    struct str *ret, struct variant_fault *reterr)
{
    struct text_rule r = *rule_of(rule, part->bound);
    size_t signature = part->bound == BOUND_TEXT ? sms_signature_length(text, rule->signature, r.unit) : 0;
    char why[160];

    if (r.max > 0 && signature < r.max) {
        struct text_rule left = r;

        left.max -= signature;
        if (text_fit(text, &left, ret) == 0)
            return 0;
    } else if (r.max == 0) {
        *ret = text;
        return 0;
    }
    (void)snprintf(why, sizeof why, "%zu %s%s, at most %zu are allowed",
                   text_length(text, r.unit) + signature, text_unit_word(r.unit),
                   signature > 0 ? " with the signature" : "", r.max);
    return fault(reterr, ERR_TOO_BIG, part->path, why);
}

static json_t *attach_skeleton(const struct variant *v)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < v->attach_count; i++) {
        json_t *item = json_object();

        if (json_object_set_new(item, v->kinds[i], json_object()) < 0 || json_array_append(list, item) < 0) {
            json_decref(list);
            list = NULL;
        }
        json_decref(item);
    }
    return list;
}

static int skeleton(const struct variant *v, json_t **ret)
{
    json_t *content = json_object();
    bool good = content != NULL;

    if (v->attach_count > 0)
        good = good && json_object_set_new(content, "attach", attach_skeleton(v)) == 0;
    if (v->has_params || v->markdown)
        good = good && json_object_set_new(content, "params", json_object()) == 0;
    if (v->provider_template)
        good =
            good && json_object_set_new(content, "provider_template", json_string(v->provider_template)) == 0;
    if (v->markdown)
        good = good && json_object_set_new(json_object_get(content, "params"), "markdown", json_true()) == 0;
    good = good && json_object_set_new(content, "text", json_string("")) == 0;
    if (!good) {
        json_decref(content);
        return -ENOMEM;
    }
    *ret = content;
    return 0;
}

static int place_part(const struct part *part, json_t *content, struct str text)
{
    json_t *into = content;
    const char *key = "text";

    if (part->place == PLACE_ATTACH) {
        into = json_array_get(json_object_get(content, "attach"), part->item);
        into = json_object_get(into, part->kind);
        key = part->key;
    } else if (part->place == PLACE_PARAM) {
        into = json_object_get(content, "params");
        key = part->key;
    }
    return json_object_set_new(into, key, json_stringn(text.p ? text.p : "", text.n)) < 0 ? -ENOMEM : 0;
}

/* What every part of one rendering needs. */
struct job {
    const json_t *data;
    const struct variant_rule *rule;
    const struct liquid_limits *limits;
    struct buf text; /* of the part at hand */
    struct variant_fault *fault;
};

static int render_part(struct job *job, const struct part *part, json_t *content)
{
    struct liquid_fault why = {0};
    char text[200];
    struct str fitted;
    int err;

    buf_reset(&job->text);
    err = liquid_render(part->t, job->data, job->limits, &job->text, &why);
    if (err < 0) {
        (void)snprintf(text, sizeof text, "line %d: %s", why.line, why.text);
        return fault(job->fault, err, part->path, text);
    }
    err = fit_part(part, job->rule, buf_str(&job->text), &fitted, job->fault);
    if (err < 0)
        return err;
    if (!str_utf8_valid(fitted))
        return fault(job->fault, ERR_RENDER, part->path, "the data is not valid UTF-8");
    if (fitted.n == 0 && part->required)
        return fault(job->fault, ERR_RENDER, part->path, "is empty");
    if (fitted.n == 0 && part->place == PLACE_ATTACH)
        return 0;
    return place_part(part, content, fitted) < 0 ? fault(job->fault, -ENOMEM, part->path, "out of memory")
                                                 : 0;
}

static int check_whole(const struct variant *v, const struct variant_rule *rule, const json_t *content,
                       struct variant_fault *reterr)
{
    char why[80];

    if (rule->attachments > 0 && v->attach_count > rule->attachments) {
        (void)snprintf(why, sizeof why, "%zu attachments, at most %zu are allowed", v->attach_count,
                       rule->attachments);
        return fault(reterr, ERR_TOO_BIG, "attach", why);
    }
    if (json_string_length(json_object_get(content, "text")) == 0 && v->attach_count == 0 &&
        !v->provider_template)
        return fault(reterr, ERR_RENDER, "text", "nothing is left to say");
    return 0;
}

int variant_render(const struct variant *v, const json_t *data, const struct variant_rule *rule,
                   const struct liquid_limits *limits, json_t **ret, struct variant_fault *reterr)
{
    static const struct variant_rule no_rule = {0};
    struct variant_fault ignored;
    struct job job = {data, rule ? rule : &no_rule, limits, {0}, reterr ? reterr : &ignored};
    json_t *content = NULL;
    int err = skeleton(v, &content);

    if (err < 0)
        return fault(job.fault, err, "", "out of memory");
    buf_init(&job.text, SIZE_MAX / 2); /* the render's own limit is the ceiling */
    for (const struct part *part = v->parts; err == 0 && part; part = part->next)
        err = render_part(&job, part, content);
    buf_fini(&job.text);
    if (err == 0)
        err = check_whole(v, job.rule, content, job.fault);
    if (err < 0) {
        json_decref(content);
        return err;
    }
    *ret = content;
    return 0;
}

int variant_check(const struct variant *v, const struct variant_rule *rule, const char *file, int line,
                  struct diag *diag)
{
    struct variant_fault why;
    struct str fitted;
    struct buf text;
    int worst = 0, err;

    buf_init(&text, SIZE_MAX / 2);
    for (const struct part *part = v->parts; worst != -ENOMEM && part; part = part->next) {
        if (!liquid_is_plain(part->t))
            continue;
        buf_reset(&text);
        err = liquid_render(part->t, NULL, NULL, &text, NULL);
        if (err == 0)
            err = fit_part(part, rule, buf_str(&text), &fitted, &why);
        else
            (void)fault(&why, err, part->path, err_text(err));
        if (err < 0 && err != -ENOMEM)
            diag_addf(diag, file, line, "%s: %s", why.part, why.text);
        worst = err < 0 ? err : worst;
    }
    buf_fini(&text);
    if (rule->attachments > 0 && v->attach_count > rule->attachments) {
        diag_addf(diag, file, line, "attach: %zu attachments, at most %zu are allowed", v->attach_count,
                  rule->attachments);
        worst = worst < 0 ? worst : ERR_TOO_BIG;
    }
    return worst;
}
