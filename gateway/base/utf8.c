/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 as Unicode's table 3-7 has it: the second byte's range shuts out overlong forms, surrogates and
 * what lies beyond U+10FFFF, so a bad piece ends as early as every other strict decoder ends it.
 */
#include "base/str.h"

#include <string.h>

struct utf8_lead {
    uint8_t len, second_min, second_max, bits;
};

static struct utf8_lead utf8_lead_of(uint8_t c)
{
    if (c >= 0xC2 && c <= 0xDF)
        return (struct utf8_lead){2, 0x80, 0xBF, 0x1F};
    if (c >= 0xE0 && c <= 0xEF)
        return (struct utf8_lead){3, c == 0xE0 ? 0xA0 : 0x80, c == 0xED ? 0x9F : 0xBF, 0x0F};
    if (c >= 0xF0 && c <= 0xF4)
        return (struct utf8_lead){4, c == 0xF0 ? 0x90 : 0x80, c == 0xF4 ? 0x8F : 0xBF, 0x07};
    return (struct utf8_lead){0, 0, 0, 0};
}

int32_t utf8_next(struct str *s)
{
    uint8_t first = (uint8_t)s->p[0];
    struct utf8_lead lead;
    int32_t cp;
    size_t i;

    if (first < 0x80) {
        s->p++;
        s->n--;
        return first;
    }
    lead = utf8_lead_of(first);
    cp = first & lead.bits;
    for (i = 1; i < lead.len && i < s->n; i++) {
        uint8_t c = (uint8_t)s->p[i];

        if (c < (i == 1 ? lead.second_min : 0x80) || c > (i == 1 ? lead.second_max : 0xBF))
            break;
        cp = cp << 6 | (c & 0x3F);
    }
    s->p += i;
    s->n -= i;
    return lead.len && i == lead.len ? cp : -1;
}

size_t utf8_put(uint32_t cp, char ret[4])
{
    if (cp < 0x80) {
        ret[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        ret[0] = (char)(0xC0 | cp >> 6);
        ret[1] = (char)(0x80 | (cp & 0x3F));
        return 2;
    }
    if (cp < 0x10000) {
        if (cp >= 0xD800 && cp <= 0xDFFF)
            return 0;
        ret[0] = (char)(0xE0 | cp >> 12);
        ret[1] = (char)(0x80 | (cp >> 6 & 0x3F));
        ret[2] = (char)(0x80 | (cp & 0x3F));
        return 3;
    }
    if (cp > 0x10FFFF)
        return 0;
    ret[0] = (char)(0xF0 | cp >> 18);
    ret[1] = (char)(0x80 | (cp >> 12 & 0x3F));
    ret[2] = (char)(0x80 | (cp >> 6 & 0x3F));
    ret[3] = (char)(0x80 | (cp & 0x3F));
    return 4;
}

static size_t ascii_head(struct str s)
{
    size_t i = 0;
    uint64_t word;

    while (s.n - i >= sizeof(word)) {
        memcpy(&word, s.p + i, sizeof(word));
        if (word & UINT64_C(0x8080808080808080))
            break;
        i += sizeof(word);
    }
    return i;
}

bool str_utf8_valid(struct str s)
{
    while (s.n) {
        s = str_sub(s, ascii_head(s), s.n);
        if (s.n && utf8_next(&s) < 0)
            return false;
    }
    return true;
}

size_t str_utf16_units(struct str s)
{
    size_t units = 0;

    while (s.n)
        units += utf8_next(&s) >= 0x10000 ? 2 : 1;
    return units;
}

size_t str_code_points(struct str s)
{
    size_t n = 0;

    for (; s.n; n++)
        (void)utf8_next(&s);
    return n;
}

struct str str_cut_bytes(struct str s, size_t max)
{
    size_t n = max, back = 0;

    if (s.n <= max)
        return s;
    /* The cut is before byte `n`; step back while that byte continues a character. */
    while (n && back < 3 && ((uint8_t)s.p[n] & 0xC0) == 0x80) {
        n--;
        back++;
    }
    if (((uint8_t)s.p[n] & 0xC0) == 0x80) /* no character is that long: the bytes were never UTF-8 */
        n = max;
    return str_sub(s, 0, n);
}
