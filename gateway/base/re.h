/* SPDX-License-Identifier: Apache-2.0 */
/* re.h - regular expressions of operators (PCRE2, UTF-8), with every limit on.
 *
 * Compile: pattern <= 1 KiB, <= 50 captures, nested <= 50 deep, no \C, no JIT. Match: subject <= 2 KiB, heap
 * <= 1 MiB, and a limit of 20,000 steps a start position. PCRE2 counts anew at each start, so above 200 bytes
 * the limit shrinks with the subject: a match costs at most some 4 million steps (about 40 ms), whatever the
 * pattern.
 *
 * Errors   compile: ERR_SYNTAX (`reterr`: text and byte offset), ERR_TOO_BIG, -ENOMEM.
 *          match: ERR_TOO_BIG subject, ERR_TIMEOUT a limit struck: quarantine the rule.
 * Memory   heap; copies the pattern.
 * Threads  an re belongs to one thread at a time (it owns its match memory).
 */
#ifndef SIYU_BASE_RE_H
#define SIYU_BASE_RE_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

#define RE_PATTERN_BYTES 1024
#define RE_SUBJECT_BYTES 2048
#define RE_MATCH_LIMIT 20000

struct re;
struct re_fault {
    size_t offset;
    char text[160];
};

int re_compile(struct str pattern, bool nocase, struct re **ret, struct re_fault *reterr);
void re_free(struct re *re);
/* 1 matches somewhere, 0 not, negative: error. Invalid UTF-8 in the subject matches nothing there. */
int re_matches(struct re *re, struct str subject);
/* A text that every match must contain, the longest that is cheap to see; empty when none was found. */
struct str re_first_literal(const struct re *re);
struct str re_pattern(const struct re *re);

#endif
