/* SPDX-License-Identifier: Apache-2.0 */
/* playbook_private.h - one compile of one playbook, for playbook*.c and nobody else.
 *
 * Each part reads its own section into the plan and goes on after a complaint, so that one run names all that
 * is wrong. A negative result means that going on is useless: no memory, or too much of something.
 *
 * Memory   what ends in the plan is in its arena or in its YAML tree, which the plan keeps.
 */
#ifndef SIYU_PLAYBOOK_PRIVATE_H
#define SIYU_PLAYBOOK_PRIVATE_H

#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/yaml.h"
#include "playbook/plan.h"

#define PLAYBOOK_NAME_BYTES 100
#define PLAYBOOK_TAG_BYTES 96
#define PLAYBOOK_KEYWORD_BYTES 256
#define PLAYBOOK_KEYWORDS 2000 /* of one rule */

struct owned_plan {
    struct plan plan; /* what the world sees */
    struct arena arena;
    struct yaml_doc *doc;
    json_t *vars, *nothing; /* an object each; `nothing` is empty */
};

#define PLAYBOOK_REFUSALS 8

struct play {
    const struct plan_world *world; /* NULL: names of accounts are not judged */
    struct diag diag;          /* this file's complaints, unsorted */
    struct json_ctx ctx;
    struct owned_plan *owned;
    struct plan *plan;
    struct arena *arena;
    const json_t *root;
    bool brand_guessed;                     /* nobody said what `brand` is */
    struct str refusals[PLAYBOOK_REFUSALS]; /* texts of which a marketing SMS carries one */
    size_t refusal_count;
    struct map_str judged; /* uses of templates, so that a thousand accounts of a kind cost one judgement */
};

/* ---- keys (playbook_keys.c) ---- */
enum playbook_object {
    PLAYBOOK_TOP,
    PLAYBOOK_TEMPLATE,
    PLAYBOOK_RULE,
    PLAYBOOK_KEYWORD,
    PLAYBOOK_ACTION,
    PLAYBOOK_BROADCAST,
    PLAYBOOK_EVERY,
    PLAYBOOK_TO,
    PLAYBOOK_TAGGED,
    PLAYBOOK_LIMITS,
    PLAYBOOK_LIMIT,
    PLAYBOOK_QUIET_HOURS,
    PLAYBOOK_SMS,
    PLAYBOOK_OBJECT_COUNT,
};

struct playbook_keys {
    const char *name;         /* of the definition in playbook.schema.json */
    const char *const *known; /* NULL ended */
    const char *const *later; /* of the design, not in this version */
};

const struct playbook_keys *playbook_keys(enum playbook_object object);
/* Complains about every key of `obj` that is not known. */
void playbook_check_keys(struct play *p, enum playbook_object object, const json_t *obj);
/* The name that was probably meant; {NULL, 0}: none is near. `name_of(ctx, i)`: the i-th of `n` names. */
struct str playbook_nearest(const char *word, struct str (*name_of)(const void *ctx, size_t i),
                            const void *ctx, size_t n);
/* ", did you mean `NEAR`?" or "", in `out`. */
#define PLAYBOOK_HINT_BYTES 160
const char *playbook_hint(struct str near, char out[PLAYBOOK_HINT_BYTES]);

/* ---- values (playbook_values.c) ---- */
/* Each complains and returns false when the value is not usable; absent is usable and leaves `ret` as it is.
 */
bool playbook_duration(struct play *p, const json_t *obj, const char *key, int64_t min_ms, int64_t max_ms,
                       int64_t *ret);
bool playbook_time(struct play *p, const json_t *obj, const char *key, int64_t *ret);
bool playbook_classes(struct play *p, const json_t *obj, uint32_t *ret);
/* A string of 1..max bytes without control characters; `required` complains when it is absent. */
bool playbook_name(struct play *p, const json_t *obj, const char *key, size_t max, bool required,
                   const char **ret);
/* The object or array under `key`, or NULL; complains about another type. */
const json_t *playbook_object_at(struct play *p, const json_t *obj, const char *key);
/* A scalar stands for a list of one. Returns the number of nodes; `i`-th by playbook_item(). */
size_t playbook_count(const json_t *node);
const json_t *playbook_item(const json_t *node, size_t i);
/* "file:line" of obj's key, in the arena; {NULL, 0} without memory. */
struct str playbook_where(struct play *p, const json_t *obj, const char *key);
struct str playbook_copy(struct play *p, const char *text);

/* ---- accounts (playbook_world.c) ---- */
/* The accounts that a name means: the account of that name, else all of the connection of that name. With
 * `out` NULL only counts. 0: nothing is called so. */
size_t playbook_accounts(const struct plan_world *w, const char *name, const struct world_account **out,
                         size_t max);
void playbook_unknown_account(struct play *p, const json_t *obj, const char *key, const char *name);
const struct kind_rule *playbook_kind(const struct play *p, enum account_kind kind); /* NULL: not judged */
/* "kf, brand": configured accounts that get an event; "" when there are none. */
const char *playbook_who_gets(const struct play *p, enum event_kind on, char *out, size_t size);

/* ---- rules (playbook_rules.c, playbook_actions.c) ---- */

/* One rule while it is read. */
struct rule_reading {
    struct play *p;
    const json_t *obj;
    struct rule *rule;
    const struct world_account **accounts; /* that `from` means, or all that get the event */
    size_t account_count;
    bool named; /* by `from` */
};

int playbook_read_actions(struct rule_reading *rd);

/* ---- sections ---- */
int playbook_read_templates(struct play *p);
int playbook_read_rules(struct play *p);
int playbook_read_broadcasts(struct play *p);
int playbook_read_limits(struct play *p);
int playbook_read_quiet_hours(struct play *p);

/* What a template is used for. */
struct template_use {
    const json_t *obj; /* that names it under `send` */
    const char *name;
    const struct world_account *account; /* NULL: not known */
    bool broadcast, groups;
};

/* Judges one use: the template exists, suits the account and, for marketing, carries what the law and the
 * platform ask for. Gives the name as the plan keeps it. */
int playbook_use_template(struct play *p, const struct template_use *use, struct str *ret);

#endif
