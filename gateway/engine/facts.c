/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/facts.h"

#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "engine/engine_private.h"

static struct person *person_new(struct batch *b, struct contact_row row)
{
    struct person *p = arena_alloc(&b->arena, sizeof *p);

    if (!p)
        return NULL;
    p->row = row;
    vec_init(&p->identities, &b->arena, sizeof(struct identity_row));
    vec_init(&p->relations, &b->arena, sizeof(struct relation_row));
    vec_init(&p->tags, &b->arena, sizeof(struct tag_row));
    vec_init(&p->refusals, &b->arena, sizeof(struct refusal_row));
    return map_i64_put(&b->people, row.id.v, p) == 0 ? p : NULL;
}

static bool copy_rows(struct vec *v, const void *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        void *row = vec_add(v);
        if (!row)
            return false;
        memcpy(row, (const char *)rows + i * v->row_bytes, v->row_bytes);
    }
    return true;
}

static int enter(struct batch *b, const struct contact_facts *f)
{
    struct person *p = person_new(b, f->row);

    if (!p || !copy_rows(&p->identities, f->identities, f->identity_count) ||
        !copy_rows(&p->relations, f->relations, f->relation_count) ||
        !copy_rows(&p->tags, f->tags, f->tag_count) || !copy_rows(&p->refusals, f->refusals, f->refusal_count))
        return -ENOMEM;
    return 0;
}

int facts_load(struct batch *b, const struct contact_id *ids, size_t n)
{
    struct contact_id *missing = arena_alloc(&b->arena, n * sizeof *missing + 1);
    size_t count = 0;

    if (!missing)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        if (ids[i].v && !map_i64_find(&b->people, ids[i].v)) {
            int err = map_i64_put(&b->people, ids[i].v, NULL); /* once, however often it is named */
            if (err)
                return err;
            missing[count++] = ids[i];
        }
    struct contact_facts *facts = arena_alloc(&b->arena, count * sizeof *facts + 1);
    if (!facts)
        return -ENOMEM;
    int err = count ? store_load_contacts(b->engine->store, missing, count, &b->arena, facts) : 0;
    for (size_t i = 0; i < count && !err; i++)
        if (facts[i].row.id.v)
            err = enter(b, &facts[i]);
    return err;
}

struct person *facts_person(const struct batch *b, struct contact_id id)
{
    return map_i64_get(&b->people, id.v);
}

static struct contact_id make_contact(struct batch *b, int64_t domain, struct str external)
{
    struct contact_row row = {.id = {batch_id(b)}, .props = STR("{}"), .created_ms = b->now_ms};
    struct identity_row identity = {.domain = domain, .external = external, .contact = row.id};
    struct person *p = person_new(b, row);
    struct identity_row *own = p ? vec_add(&p->identities) : NULL;

    if (!own) {
        b->err = -ENOMEM;
        return row.id;
    }
    *own = identity;
    *(struct contact_row *)batch_row(b, &b->contacts) = row;
    *(struct identity_row *)batch_row(b, &b->identities) = identity;
    return row.id;
}

/* The same stranger may be named twice in one batch. */
static struct contact_id made_before(const struct facts_who *who, size_t n, const struct facts_who *w)
{
    for (size_t i = 0; i < n; i++)
        if (who[i].ret.v && who[i].domain == w->domain && str_eq(who[i].external, w->external))
            return who[i].ret;
    return (struct contact_id){0};
}

int facts_resolve(struct batch *b, struct facts_who *who, size_t n)
{
    struct identity_row *keys = arena_alloc(&b->arena, n * sizeof *keys + 1);
    struct contact_id *ids = arena_alloc(&b->arena, n * sizeof *ids + 1);

    if (!keys || !ids)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        keys[i] = (struct identity_row){.domain = who[i].domain, .external = who[i].external};
    int err = store_find_contacts(b->engine->store, keys, n, ids);
    if (err)
        return err;
    for (size_t i = 0; i < n; i++) {
        if (!who[i].external.n)
            continue;
        who[i].ret = ids[i].v ? ids[i] : made_before(who, i, &who[i]);
        if (!who[i].ret.v)
            who[i].ret = make_contact(b, who[i].domain, who[i].external);
        ids[i] = who[i].ret;
    }
    return facts_load(b, ids, n);
}

static bool name_a_group(const struct facts_group *groups, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (groups[i].external.n)
            return true;
    return false;
}

int facts_resolve_groups(struct batch *b, struct facts_group *groups, size_t n)
{
    if (!name_a_group(groups, n))
        return 0;
    struct group_row *keys = arena_alloc(&b->arena, n * sizeof *keys + 1);
    struct group_id *ids = arena_alloc(&b->arena, n * sizeof *ids + 1);

    if (!keys || !ids)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        keys[i] = (struct group_row){.domain = groups[i].domain, .external = groups[i].external};
    int err = store_find_groups(b->engine->store, keys, n, ids);
    for (size_t i = 0; i < n && !err; i++) {
        if (!groups[i].external.n)
            continue;
        for (size_t k = 0; k < i && !ids[i].v; k++)
            if (groups[k].domain == groups[i].domain && str_eq(groups[k].external, groups[i].external))
                ids[i] = groups[k].ret;
        if (!ids[i].v) {
            struct group_row *row = batch_row(b, &b->groups);
            *row = keys[i];
            row->id = ids[i] = (struct group_id){batch_id(b)};
            row->owner = groups[i].owner;
            row->created_ms = b->now_ms;
        }
        groups[i].ret = ids[i];
    }
    return err;
}

static struct tag_row *find_tag(const struct person *p, struct str tag)
{
    for (size_t i = 0; i < p->tags.count; i++) {
        struct tag_row *t = vec_at(&p->tags, i);
        if (!t->remove && str_eq(t->tag, tag))
            return t;
    }
    return NULL;
}

bool person_has_tag(const struct person *p, struct str tag, int64_t now_ms)
{
    const struct tag_row *t = find_tag(p, tag);

    return t && (!t->expires_ms || now_ms < t->expires_ms);
}

bool person_refuses(const struct person *p, struct str scope)
{
    for (size_t i = 0; i < p->refusals.count; i++) {
        const struct refusal_row *r = vec_at(&p->refusals, i);
        if (!r->lifted && str_eq(r->scope, scope))
            return true;
    }
    return false;
}

static struct relation_row *find_relation(const struct person *p, struct account_id account)
{
    for (size_t i = 0; i < p->relations.count; i++) {
        struct relation_row *r = vec_at(&p->relations, i);
        if (r->account.v == account.v)
            return r;
    }
    return NULL;
}

enum relation_state person_relation(const struct person *p, struct account_id account)
{
    const struct relation_row *r = find_relation(p, account);

    return r ? r->state : RELATION_NONE;
}

struct str person_external(const struct person *p, int64_t domain)
{
    for (size_t i = 0; i < p->identities.count; i++) {
        const struct identity_row *id = vec_at(&p->identities, i);
        if (id->domain == domain)
            return id->external;
    }
    return (struct str){NULL, 0};
}

void person_set_relation(struct batch *b, struct person *p, struct account_id account, enum relation_state state)
{
    struct relation_row *r = find_relation(p, account);

    if (!r) {
        r = batch_row(b, &p->relations);
        *r = (struct relation_row){.account = account, .contact = p->row.id, .since_ms = b->now_ms};
    }
    if (r->state == RELATION_LOST && state != RELATION_LOST)
        r->since_ms = b->now_ms;
    r->state = state;
    r->changed_ms = b->now_ms;
    *(struct relation_row *)batch_row(b, &b->relations) = *r;
}

bool person_tag(struct batch *b, struct person *p, struct str tag, struct str source)
{
    if (person_has_tag(p, tag, b->now_ms))
        return false;
    struct tag_row row = {.contact = p->row.id, .tag = batch_str(b, tag), .source = batch_str(b, source),
                          .set_ms = b->now_ms};
    *(struct tag_row *)batch_row(b, &p->tags) = row;
    *(struct tag_row *)batch_row(b, &b->tags) = row;
    return true;
}

bool person_untag(struct batch *b, struct person *p, struct str tag)
{
    struct tag_row *t = find_tag(p, tag);

    if (!t)
        return false;
    t->remove = true;
    *(struct tag_row *)batch_row(b, &b->tags) = *t;
    return true;
}

bool person_refuse(struct batch *b, struct person *p, struct str scope, struct str source)
{
    if (person_refuses(p, scope))
        return false;
    struct refusal_row row = {.contact = p->row.id, .scope = scope, .source = batch_str(b, source),
                              .at_ms = b->now_ms};
    *(struct refusal_row *)batch_row(b, &p->refusals) = row;
    *(struct refusal_row *)batch_row(b, &b->refusals) = row;
    return true;
}

json_t *person_json(const struct person *p, int64_t now_ms)
{
    json_t *out = NULL;
    json_t *tags = json_array();
    char id[32];

    if (json_parse(p->row.props, JSON_DEPTH, &out, NULL) != 0 || !json_is_object(out)) {
        json_decref(out);
        out = json_object();
    }
    (void)snprintf(id, sizeof id, "%lld", (long long)p->row.id.v);
    int bad = json_object_set_new(out, "id", json_string(id));
    bad |= json_object_set_new(out, "name", json_stringn(p->row.name.n ? p->row.name.p : "", p->row.name.n));
    for (size_t i = 0; i < p->tags.count; i++) {
        const struct tag_row *t = vec_at(&p->tags, i);
        if (!t->remove && (!t->expires_ms || now_ms < t->expires_ms))
            bad |= json_array_append_new(tags, json_stringn(t->tag.p, t->tag.n));
    }
    bad |= json_object_set_new(out, "tags", tags);
    if (bad) {
        json_decref(out);
        return NULL;
    }
    return out;
}
