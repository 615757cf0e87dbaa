/* SPDX-License-Identifier: Apache-2.0 */
/* list.h - intrusive doubly linked list; head and node are the same struct.
 *
 * A node is either linked in one list or points to itself. list_del() leaves it pointing to itself, so a
 * second list_del() is harmless. Walk:
 *
 *     for (struct list *n = head->next; n != head; n = n->next)
 *
 * Memory   the nodes are members of the caller's structs; use container_of().
 * Threads  one at a time.
 */
#ifndef SIYU_BASE_LIST_H
#define SIYU_BASE_LIST_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};

/* For a head and for a node that is not linked yet. */
static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}

static inline bool list_empty(const struct list *head)
{
    return head->next == head;
}

/* False for a node that is zeroed or points to itself. */
static inline bool list_linked(const struct list *node)
{
    return node->next && node->next != node;
}

static inline void list_insert_after(struct list *at, struct list *node)
{
    assert(!list_linked(node));
    node->next = at->next;
    node->prev = at;
    at->next->prev = node;
    at->next = node;
}

static inline void list_add_head(struct list *head, struct list *node)
{
    list_insert_after(head, node);
}

static inline void list_add_tail(struct list *head, struct list *node)
{
    list_insert_after(head->prev, node);
}

static inline void list_del(struct list *node)
{
    if (!list_linked(node))
        return;
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

/* NULL when empty. */
static inline struct list *list_first(const struct list *head)
{
    return list_empty(head) ? NULL : head->next;
}

static inline struct list *list_pop(struct list *head)
{
    struct list *node = list_first(head);

    if (node)
        list_del(node);
    return node;
}

/* Moves all of `from` to the end of `to`. */
static inline void list_move_all(struct list *to, struct list *from)
{
    if (list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

#endif
