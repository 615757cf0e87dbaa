/* SPDX-License-Identifier: Apache-2.0 */
/* facts.h - the people a batch speaks about: loaded once, decided on in memory, changed together with the row
 * that makes the change durable.
 *
 * Errors   0 or a negative err. ERR_NOT_LOADED where somebody forgot to load first (a bug, asserted).
 * Memory   the batch's arena.
 * Threads  the engine thread.
 */
#ifndef SIYU_ENGINE_FACTS_H
#define SIYU_ENGINE_FACTS_H

#include <jansson.h>
#include <stdbool.h>

#include "engine/batch.h"

struct person {
    struct contact_row row;
    bool asked; /* the platform was asked about them in this batch */
    struct vec identities, relations, tags, refusals; /* rows as in the store, with this batch's changes */
};

/* Finds or makes the contacts of (domain, external) pairs and loads all their facts. */
struct facts_who {
    int64_t domain;
    struct str external; /* empty: skipped */
    struct contact_id ret;
};
int facts_resolve(struct batch *b, struct facts_who *who, size_t n);

/* Loads the facts of contacts that are not loaded yet. Id 0 is skipped. */
int facts_load(struct batch *b, const struct contact_id *ids, size_t n);

struct person *facts_person(const struct batch *b, struct contact_id id); /* NULL: unknown */

/* Finds or makes groups. */
struct facts_group {
    int64_t domain;
    struct str external;
    struct account_id owner; /* 0: not known */
    struct group_id ret;
};
int facts_resolve_groups(struct batch *b, struct facts_group *groups, size_t n);

/* ---- questions ---- */
bool person_has_tag(const struct person *p, struct str tag, int64_t now_ms);
bool person_refuses(const struct person *p, struct str scope);
enum relation_state person_relation(const struct person *p, struct account_id account);
/* The id that `domain` knows the person by; empty: none. */
struct str person_external(const struct person *p, int64_t domain);

/* ---- changes: memory and row at once ---- */
void person_set_relation(struct batch *b, struct person *p, struct account_id account, enum relation_state state);
/* True when it was not set before. */
bool person_tag(struct batch *b, struct person *p, struct str tag, struct str source);
bool person_untag(struct batch *b, struct person *p, struct str tag);
bool person_refuse(struct batch *b, struct person *p, struct str scope, struct str source);

/* What a template sees as `contact`: {id, name, tags: [...], ...props}. New reference; NULL without memory. */
json_t *person_json(const struct person *p, int64_t now_ms);

#endif
