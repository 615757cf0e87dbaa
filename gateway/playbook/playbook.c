/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over the YAML tree, section by section; each complains and goes on. Templates come first, because
 * rules and broadcasts judge them for their accounts, then limits and quiet hours, because broadcasts are
 * judged against those. At the end the complaints are put in the order of their lines. */
#include "playbook/playbook_private.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "templates/variant.h"

#define ARENA_BYTES ((size_t)64 * 1024 * 1024)
#define COMPLAINTS 500
#define JUDGED_MAX 100000

/* Names that templates get from the engine. */
static bool is_taken(const char *name)
{
    static const char *const taken[] = {"contact", "event", "account", "broadcast"};

    for (size_t i = 0; i < ARRAY_LEN(taken); i++)
        if (strcmp(name, taken[i]) == 0)
            return true;
    return false;
}

/* What stands for an unset brand: the signature that customers know from SMS, else the playbook's name. */
static struct str guessed_brand(const struct play *p)
{
    for (size_t i = 0; p->world != NULL && i < p->world->account_count; i++)
        if (p->world->accounts[i].signature.n > 0)
            return p->world->accounts[i].signature;
    return p->plan->name;
}

static int read_brand(struct play *p, const json_t *vars)
{
    const char *brand = NULL;
    struct str text;

    if (!playbook_name(p, p->root, "brand", PLAYBOOK_NAME_BYTES, false, &brand))
        return 0;
    if (json_object_get(vars, "brand") != NULL) {
        if (brand != NULL)
            json_complainf(&p->ctx, p->root, "brand", "`brand` stands in `vars` as well; keep one of them");
        return 0;
    }
    p->brand_guessed = brand == NULL;
    text = brand != NULL ? str_of(brand) : guessed_brand(p);
    return json_object_set_new(p->owned->vars, "brand", json_stringn(text.n > 0 ? text.p : "", text.n)) < 0
               ? -ENOMEM
               : 0;
}

static int read_vars(struct play *p)
{
    const json_t *vars = playbook_object_at(p, p->root, "vars");
    const char *name;
    json_t *value;
    int bad = 0;

    json_ctx_push(&p->ctx, "vars");
    json_object_foreach((json_t *)vars, name, value)
    {
        if (is_taken(name))
            json_complainf(&p->ctx, vars, name,
                           "`%s` is what the gateway gives to templates; choose another name", name);
        bad |= json_object_set(p->owned->vars, name, value);
    }
    json_ctx_pop(&p->ctx);
    return bad != 0 ? -ENOMEM : read_brand(p, vars);
}

static int read_head(struct play *p)
{
    const char *name = NULL, *zone = NULL;

    playbook_check_keys(p, PLAYBOOK_TOP, p->root);
    if (playbook_name(p, p->root, "playbook", PLAYBOOK_NAME_BYTES, true, &name)) {
        p->plan->name = playbook_copy(p, name);
        if (p->plan->name.p == NULL)
            return -ENOMEM;
    }
    if (playbook_name(p, p->root, "timezone", PLAYBOOK_NAME_BYTES, false, &zone) && zone != NULL &&
        strcmp(zone, "Asia/Shanghai") != 0)
        json_complainf(&p->ctx, p->root, "timezone",
                       "`%s` is not available in this version; platforms count their days in Asia/Shanghai",
                       zone);
    return read_vars(p);
}

static int read_sections(struct play *p)
{
    static int (*const sections[])(struct play * p) = {
        read_head,           playbook_read_templates, playbook_read_limits, playbook_read_quiet_hours,
        playbook_read_rules, playbook_read_broadcasts};

    if (!json_is_object(p->root)) {
        json_complainf(&p->ctx, p->root, NULL,
                       "expected a playbook, a mapping that begins with `playbook: NAME`");
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
        int r = sections[i](p);

        if (r < 0)
            return r;
    }
    return 0;
}

/* A half-built one is given, too: plan_free() takes it. */
static int owned_new(struct str text, const char *file, struct owned_plan **ret)
{
    struct owned_plan *o = mem_calloc(1, sizeof *o);
    struct hash128 hash = crypto_hash128(&text, 1);

    if (o == NULL)
        return -ENOMEM;
    arena_init(&o->arena, ARENA_BYTES);
    o->vars = json_object();
    o->nothing = json_object();
    o->plan.vars = o->vars;
    o->plan.file = str_of(arena_str(&o->arena, str_of(file)));
    o->plan.text = (struct str){arena_str(&o->arena, text), text.n};
    memcpy(o->plan.hash, hash.b, sizeof o->plan.hash);
    *ret = o;
    return o->vars == NULL || o->nothing == NULL || o->plan.file.p == NULL || o->plan.text.p == NULL ? -ENOMEM
                                                                                                     : 0;
}

void plan_free(struct plan *plan)
{
    struct owned_plan *o = plan != NULL ? container_of(plan, struct owned_plan, plan) : NULL;

    if (o == NULL)
        return;
    template_set_free(plan->templates);
    json_decref(o->vars);
    json_decref(o->nothing);
    yaml_unload(o->doc);
    arena_fini(&o->arena);
    mem_free(o);
}

static int by_line(const void *pa, const void *pb)
{
    const struct diag_item *a = *(const struct diag_item *const *)pa,
                           *b = *(const struct diag_item *const *)pb;

    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    return (a > b) - (a < b); /* as they were found */
}

/* Said already, at the same line. */
static bool is_repeated(const struct diag_item *const *sorted, size_t i)
{
    for (size_t k = i; k-- > 0 && sorted[k]->line == sorted[i]->line;)
        if (strcmp(sorted[k]->text, sorted[i]->text) == 0)
            return true;
    return false;
}

/* Complaints in the order of the file; what several accounts complain of alike is said once. */
static int hand_over(const struct diag *from, struct diag *to)
{
    size_t n = diag_count(from);
    const struct diag_item **sorted = mem_calloc(n + 1, sizeof(const struct diag_item *));

    if (sorted == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        sorted[i] = diag_at(from, i);
    qsort((void *)sorted, n, sizeof(const struct diag_item *), by_line);
    for (size_t i = 0; i < n; i++) {
        if (is_repeated(sorted, i))
            continue;
        if (sorted[i]->level == DIAG_ERROR)
            diag_addf(to, sorted[i]->file, sorted[i]->line, "%s", sorted[i]->what);
        else
            diag_warnf(to, sorted[i]->file, sorted[i]->line, "%s", sorted[i]->what);
    }
    if (from->dropped > 0)
        diag_addf(to, NULL, 0, "and %zu more complaints", from->dropped);
    mem_free((void *)sorted);
    return 0;
}

static int compile(struct play *p, struct str text, const char *file)
{
    int r = owned_new(text, file, &p->owned);

    p->plan = p->owned != NULL ? &p->owned->plan : NULL;
    if (r < 0)
        return r;
    p->arena = &p->owned->arena;
    r = yaml_load(p->plan->text, file, &p->owned->doc, &p->diag);
    if (r < 0)
        return r;
    p->root = yaml_root(p->owned->doc);
    json_ctx_init(&p->ctx, &p->diag, file, p->owned->doc);
    return read_sections(p);
}

int playbook_compile(struct str text, const char *file, const struct plan_world *world, struct diag *diag,
                     struct plan **ret)
{
    struct play p = {.world = world};
    int r, handed;

    diag_init(&p.diag, COMPLAINTS);
    map_str_init(&p.judged, JUDGED_MAX);
    r = compile(&p, text, file);
    if (r == 0 && diag_errors(&p.diag) > 0)
        r = ERR_CONFIG;
    handed = hand_over(&p.diag, diag);
    map_str_fini(&p.judged);
    diag_fini(&p.diag);
    if (r == ERR_SYNTAX || r == ERR_TOO_DEEP || r == ERR_TOO_BIG)
        r = ERR_CONFIG;
    if (r == 0)
        r = handed;
    if (r < 0) {
        plan_free(p.plan);
        return r;
    }
    *ret = p.plan;
    return 0;
}
