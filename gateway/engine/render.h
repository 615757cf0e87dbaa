/* SPDX-License-Identifier: Apache-2.0 */
/* render.h - from a playbook's template to what one recipient gets on one channel, as JSON
 * {text, attach?, provider_template?, params?}.
 *
 * A broadcast freezes its template when it begins: the source travels in the content row, so that an apply in
 * the middle changes nothing. Frozen templates are parsed once and kept for the next recipients.
 *
 * A text that names nothing of the event, its contact and its account is the same for everybody: it is rendered
 * once a second and stored once.
 *
 * Errors   ERR_NOT_FOUND no such template; ERR_RENDER, ERR_TIMEOUT, ERR_TOO_DEEP, ERR_TOO_BIG with `why`.
 * Memory   results in the batch's arena; the cache in the engine, bounded.
 * Threads  the engine thread.
 */
#ifndef SIYU_ENGINE_RENDER_H
#define SIYU_ENGINE_RENDER_H

#include <jansson.h>

#include "engine/batch.h"
#include "engine/facts.h"
#include "engine/registry.h"
#include "playbook/plan.h"

struct render_cache;

int render_cache_new(struct render_cache **ret);
void render_cache_free(struct render_cache *c);

/* `body` is the JSON for store and adapter. Where it is {text} alone, `text` is that text: nobody need parse it. */
struct rendering {
    struct str body, text;
};

/* The plans of the batch's rules are about to go, or what it stored was rolled back: keep nothing of theirs. */
void render_forget(struct render_cache *c);

/* The variant of `name` for accounts of this kind, with `data` (borrowed). */
int render_template(struct batch *b, const struct plan *plan, struct str name, enum account_kind kind,
                    const json_t *data, struct rendering *ret, struct str *why);
/* The same without data: true when everybody's rendering is at hand. */
bool render_ready(struct batch *b, const struct plan *plan, struct str name, enum account_kind kind,
                  struct rendering *ret);
/* The content row that holds `body`: everybody's where it is one of those, else a new one. */
int64_t render_store(struct batch *b, struct str body);
/* A text as it is. */
struct rendering render_literal(struct batch *b, struct str text);

/* The body of a content_row that is rendered later. */
struct str render_freeze(struct batch *b, const struct plan *plan, struct str name, enum account_kind kind);
/* Renders it for one recipient (`who` NULL: a group). ret_shared: the text does not depend on the recipient. */
int render_frozen(struct batch *b, const struct content_row *content, const struct account *account,
                  const struct person *who, struct str *ret, bool *ret_shared, struct str *why);

/* Whether the text is the same for every recipient of this content. */
int render_is_shared(struct batch *b, const struct content_row *content, bool *ret);

/* Channel word of the playbook's variants: "wecom", "kf", "official", "sms", "webhook", "aibot", "app". */
const char *render_channel(enum account_kind kind);

#endif
