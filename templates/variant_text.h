/* SPDX-License-Identifier: Apache-2.0 */
/* variant_text.h - how long a text is in the unit of its channel, and what an SMS costs.
 *
 * Units    bytes of UTF-8, UTF-16 code units, or characters (code points).
 * Memory   a fitted text is a view of the given one.
 * Threads  any.
 */
#ifndef SIYU_TEMPLATES_VARIANT_TEXT_H
#define SIYU_TEMPLATES_VARIANT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum text_unit { TEXT_BYTES, TEXT_UTF16, TEXT_CHARS };

/* The rule pack supplies it. max 0: no limit. */
struct text_rule {
    enum text_unit unit;
    size_t max;
    bool truncate; /* cut what is too long, else refuse it */
};

/* The rule pack's words: "bytes", "utf16", "chars". ERR_NOT_FOUND. */
int text_unit_of(const char *word, enum text_unit *ret);
const char *text_unit_word(enum text_unit unit);

size_t text_length(struct str text, enum text_unit unit);
/* The text, or its longest head of whole characters if it may be cut. ERR_TOO_BIG. */
int text_fit(struct str text, const struct text_rule *rule, struct str *ret);

/* What `signature` adds to an SMS, in the rule's unit: its length and two brackets; 0 if it is empty or the
 * text begins with 【...】 itself. */
size_t sms_signature_length(struct str text, struct str signature, enum text_unit unit);
/* Messages that are billed for "【signature】text": 1 up to 70 UTF-16 units, else 67 in each. An empty SMS
 * is 1. */
int64_t sms_segments(struct str text, struct str signature);

#endif
