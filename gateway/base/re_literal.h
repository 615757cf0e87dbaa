/* SPDX-License-Identifier: Apache-2.0 */
/* re_literal.h - finds a text that every match of a pattern must contain, by reading the pattern.
 *
 * It only ever errs to "none": groups, classes and escapes end a run of literal characters, a quantifier
 * takes its character out, and what it does not know (inline options, \Q, \x{}, verbs, a top-level "|")
 * gives the whole pattern up. Without case only CJK counts, because it has none.
 *
 * Errors   none. The pattern must be one that PCRE2 has accepted.
 * Memory   `ret` has room for RE_PATTERN_BYTES.
 * Threads  any.
 */
#ifndef SIYU_BASE_RE_LITERAL_H
#define SIYU_BASE_RE_LITERAL_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

/* Writes the longest such text and returns its length; 0: none. */
size_t re_literal_find(struct str pattern, bool nocase, char *ret);

#endif
