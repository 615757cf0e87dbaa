/* SPDX-License-Identifier: Apache-2.0 */
/* variant.h - the message of one template for one channel, and the set of all templates of a playbook.
 *
 *     welcome:
 *       text: "{{ contact.name }}，欢迎"                    the usual words
 *       attach: [{link: {title: ..., url: ...}}]           link, image, miniprogram, video, file
 *       sms: {text: ..., provider_template: SMS_1, params: {name: "{{ contact.name }}"}}
 *       webhook: {text: ..., markdown: true}               a channel's own words: what it lacks comes from
 * above
 *
 * Channels are wecom, kf, official, sms, webhook, aibot. An SMS inherits the text but no attachments. Every
 * string is Liquid. What is rendered is plain: an adapter escapes it for its wire.
 *
 * Units    a text_rule says which.
 * Errors   building: ERR_CONFIG once all complaints are in the context's diag, -ENOMEM. Rendering: those of
 *          liquid_render(), and ERR_TOO_BIG where a part breaks a rule of the channel; `reterr` names the
 * part. Memory   copies everything; what variant_render() gives is the caller's. Threads  constant once
 * built: any number may render; variant_source() belongs to one thread (json_t).
 */
#ifndef SIYU_TEMPLATES_VARIANT_H
#define SIYU_TEMPLATES_VARIANT_H

#include "base/json.h"
#include "templates/liquid.h"
#include "templates/variant_text.h"

struct variant;

/* The limits of one channel as the rule pack has them; 0 and empty: none. */
struct variant_rule {
    struct text_rule text, link_title, link_desc, url, miniprogram_title;
    size_t attachments;
    struct str signature; /* SMS: counted with its brackets into the text's length */
};

struct variant_fault {
    char part[64]; /* "text", "attach[0].link.title" */
    char text[200];
};

/* `source`: {text, attach?, provider_template?, params?, markdown?}. `c` may be NULL. */
int variant_new(const json_t *source, struct json_ctx *c, struct variant **ret);
void variant_free(struct variant *v);

/* Gives a new object {text, attach?, provider_template?, params?}; `markdown: true` becomes params.markdown,
 * for the adapter. `rule` may be NULL, `data` too. */
int variant_render(const struct variant *v, const json_t *data, const struct variant_rule *rule,
                   const struct liquid_limits *limits, json_t **ret, struct variant_fault *reterr);

/* What variant_new() takes: to freeze a broadcast's words, and build them again later. Borrowed. */
const json_t *variant_source(const struct variant *v);
/* True if any part may depend on this top-level variable; else all recipients can share one rendering. */
bool variant_uses(const struct variant *v, const char *name);
int variant_lint(const struct variant *v, const json_t *known, struct diag *diag);
/* Complains about what can be judged before rendering: plain parts that are too long, too many attachments.
 * ERR_TOO_BIG. `file` and `line` say where, for complaints. */
int variant_check(const struct variant *v, const struct variant_rule *rule, const char *file, int line,
                  struct diag *diag);

struct template_set;

/* `templates`: the playbook's mapping, name -> template. Complains about every bad one, then ERR_CONFIG (or
 * the error of a part that cannot be parsed). */
int template_set_new(const json_t *templates, struct json_ctx *c, struct template_set **ret);
void template_set_free(struct template_set *set);

size_t template_set_count(const struct template_set *set);
const char *template_set_name(const struct template_set *set, size_t i);
/* The channel's own variant or the usual one; NULL: no such template, or it has no text for this channel. */
const struct variant *template_set_find(const struct template_set *set, struct str name, const char *channel);
bool template_set_has(const struct template_set *set, struct str name);
/* Strict look at the variables of every variant. ERR_NOT_FOUND if one is unknown. */
int template_set_lint(const struct template_set *set, const json_t *known, struct diag *diag);

#endif
