/* SPDX-License-Identifier: Apache-2.0 */
#include "templates/variant_text.h"

#include <string.h>

#include "base/err.h"

#define SMS_ONE 70  /* UTF-16 units of a message that stands alone */
#define SMS_PART 67 /* of one that is concatenated: 6 octets go to its header */

static const char *const words[] = {"bytes", "utf16", "chars"};

int text_unit_of(const char *word, enum text_unit *ret)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(word, words[i]) == 0) {
            *ret = (enum text_unit)i;
            return 0;
        }
    return ERR_NOT_FOUND;
}

const char *text_unit_word(enum text_unit unit)
{
    return words[unit];
}

size_t text_length(struct str text, enum text_unit unit)
{
    switch (unit) {
    case TEXT_BYTES: return text.n;
    case TEXT_UTF16: return str_utf16_units(text);
    case TEXT_CHARS: break;
    }
    return str_code_points(text);
}

int text_fit(struct str text, const struct text_rule *rule, struct str *ret)
{
    struct str rest = text;
    size_t used = 0;

    *ret = text;
    if (rule->max == 0 || text_length(text, rule->unit) <= rule->max)
        return 0;
    if (!rule->truncate)
        return ERR_TOO_BIG;
    while (rest.n > 0) {
        struct str one = rest;

        (void)utf8_next(&rest);
        one.n -= rest.n;
        used += text_length(one, rule->unit);
        if (used > rule->max) {
            ret->n = (size_t)(one.p - text.p);
            break;
        }
    }
    return 0;
}

static bool is_signed(struct str text)
{
    struct str close = STR("】");

    return str_starts(text, STR("【")) && str_find(text, close) < text.n;
}

size_t sms_signature_length(struct str text, struct str signature, enum text_unit unit)
{
    if (signature.n == 0 || is_signed(text))
        return 0;
    return text_length(signature, unit) + text_length(STR("【】"), unit);
}

int64_t sms_segments(struct str text, struct str signature)
{
    size_t n = text_length(text, TEXT_UTF16) + sms_signature_length(text, signature, TEXT_UTF16);

    return n <= SMS_ONE ? 1 : (int64_t)((n + SMS_PART - 1) / SMS_PART);
}
