/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/message.h"

/* The largest: a page of 1,000 kf messages, or an attempt with 10,000 recipients. */
#define MESSAGE_MAX_BYTES ((size_t)16 << 20)

void *message_new(enum message_kind kind, size_t bytes)
{
    struct message *m = mem_calloc(1, bytes);

    if (!m)
        return NULL;
    list_init(&m->node);
    m->kind = kind;
    atomic_init(&m->refs, 1);
    arena_init(&m->arena, MESSAGE_MAX_BYTES);
    return m;
}

static void free_plans(struct op_plan *op)
{
    for (size_t i = 0; i < op->count; i++)
        plan_free(op->plans[i]);
}

void message_free(struct message *m)
{
    if (!m || atomic_fetch_sub(&m->refs, 1) > 1)
        return;
    if (m->kind == OP_PLAN)
        free_plans(container_of(m, struct op_plan, m));
    arena_fini(&m->arena);
    mem_free(m);
}

struct message *message_share(struct message *m)
{
    atomic_fetch_add(&m->refs, 1);
    return m;
}

bool message_str(struct message *m, struct str s, struct str *ret)
{
    char *p = NULL;

    if (s.n && !(p = arena_str(&m->arena, s)))
        return false;
    *ret = (struct str){p, s.n};
    return true;
}
