/* SPDX-License-Identifier: Apache-2.0 */
/* route_automaton.h - which of many literals occur in a text? One pass, whatever their number (Aho-Corasick).
 *
 * Built over characters, not bytes: Chinese keywords then need a third of the nodes and a text a third of the
 * steps, and no keyword can be found in the middle of a character. Bytes that are not UTF-8 match nothing.
 *
 * Units    bytes; a node takes 10, a literal 4, and the table of characters some 50 KiB.
 * Errors   ERR_FULL more than 65,535 different characters; -ENOMEM.
 * Memory   keeps nothing of the literals. A find allocates only in its scan, which is reused.
 * Threads  an automaton never changes; a scan belongs to one thread at a time.
 */
#ifndef SIYU_ENGINE_ROUTE_AUTOMATON_H
#define SIYU_ENGINE_ROUTE_AUTOMATON_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct automaton;

struct automaton_hit {
    uint32_t literal; /* its index */
    uint32_t end;     /* where its first occurrence ends, in bytes */
};

/* Working memory of finds, on any automaton. */
struct automaton_scan {
    uint32_t *seen; /* per literal: the turn that found it */
    size_t seen_cap;
    uint32_t turn;
    struct automaton_hit *hits;
    size_t hit_count, hit_cap;
};

/* `literals` are sorted bytewise (str_cmp), distinct, valid UTF-8 and not empty: asserted. */
int automaton_new(const struct str *literals, size_t n, struct automaton **ret);
void automaton_free(struct automaton *a); /* NULL is a no-op */
size_t automaton_bytes(const struct automaton *a);

void automaton_scan_init(struct automaton_scan *s);
void automaton_scan_fini(struct automaton_scan *s);

/* Every literal that occurs in `text`, once, with its first occurrence: in `s->hits`, until the next find. */
int automaton_find(const struct automaton *a, struct automaton_scan *s, struct str text);

#endif
