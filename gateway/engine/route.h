/* SPDX-License-Identifier: Apache-2.0 */
/* route.h - which rules does a text match? One pass over the text, however many rules there are.
 *
 * The text is folded once; literals of all rules (exact, prefix, contains) sit in one Aho-Corasick
 * automaton; a regex runs only when its required literal was found, under match, heap and time limits, and
 * is quarantined when it exceeds them. Hits come in the order in which they may act: priority, then exact >
 * prefix > contains > regex, then longer literal, then the rule's position.
 *
 * Errors   0 or a negative err.
 * Memory   the table owns its automaton and borrows the rules until route_table_free(); route_match()
 * allocates only in its scratch, which grows to a ceiling and is reused. Threads  a table is constant after
 * building and may be matched from any thread, each with its own scratch.
 */
#ifndef SIYU_ENGINE_ROUTE_H
#define SIYU_ENGINE_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "playbook/plan.h"

struct fold;
struct route_scratch;
struct route_table;

struct route_hit {
    const struct rule *rule;
    uint32_t order; /* position among all rules of the table */
    enum keyword_kind kind;
    struct str keyword; /* that matched, as written */
};

struct route_rule {
    const struct rule *rule;
    uint32_t order;
};

/* Only rules with keywords belong in here; rules without are matched by event kind by the caller. */
int route_table_new(const struct route_rule *rules, size_t n, const struct fold *fold,
                    struct route_table **ret, struct diag *diag);
void route_table_free(struct route_table *t);

int route_scratch_new(struct route_scratch **ret);
void route_scratch_free(struct route_scratch *s);

/* All rules whose keyword condition the text meets, each once with its best keyword, in acting order. `ret`
 * points into the scratch. A text above 2 KiB of regex subject or 64 KiB at all is cut there. A regex sees
 * the text as typed and, with fold, ignoring case and also the folded text; either may match. One that ran
 * into a limit is quarantined: skipped from then on. All regexes of a text share 8 ms of CPU time; when that
 * is used up the others are skipped for this text, and one that took a quarter of it is quarantined. */
int route_match(const struct route_table *t, struct route_scratch *s, struct str text,
                const struct route_hit **ret, size_t *ret_n);
/* How many regexes are quarantined, and the rule of the i-th of them; NULL beyond the last. */
size_t route_offenders(const struct route_table *t);
const struct rule *route_offender(const struct route_table *t, size_t i);

/* The folded text of the last match. */
struct str route_folded(const struct route_scratch *s);

/* For `check`: warns of keywords and rules that can never act, because a rule before them always takes their
 * text. `covers`: whatever happens to `b` also happens to `a`; judged by the caller. ERR_CONFIG: the table
 * cannot be built, `diag` says why. */
int route_lint(const struct route_rule *rules, size_t n, const struct fold *fold,
               bool (*covers)(const struct rule *a, const struct rule *b), struct diag *diag);
/* The usual judgement: the same event, and accounts of `b` among those of `a`. */
bool route_covers(const struct rule *a, const struct rule *b);

/* Bytes held, for the memory figure. */
size_t route_table_bytes(const struct route_table *t);

#endif
