/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of data.h, once as data. */
#include "sandbox/data.h"

#define ROW(id, name, amount, span, window, source) [SB_##id] = {name, amount, span, window, source},
const struct sb_limit sb_limits[SB_LIMIT_COUNT] = {SB_LIMITS(ROW)};
#undef ROW

#define ROW(id, number, meaning, text) {number, meaning, text},
const struct sb_code sb_wecom_codes[] = {SB_WECOM_CODES(ROW)};
const struct sb_code sb_official_codes[] = {SB_OFFICIAL_CODES(ROW)};
#undef ROW

#define ROW(id, meaning, word, text) [SB_##id] = {meaning, word, text},
const struct sb_word sb_aliyun_codes[SB_ALIYUN_CODE_COUNT] = {SB_ALIYUN_CODES(ROW)};
#undef ROW

const size_t sb_wecom_code_count = sizeof(sb_wecom_codes) / sizeof(sb_wecom_codes[0]);
const size_t sb_official_code_count = sizeof(sb_official_codes) / sizeof(sb_official_codes[0]);

static const char *text_of(const struct sb_code *codes, size_t n, int number)
{
    for (size_t i = 0; i < n; i++)
        if (codes[i].number == number)
            return codes[i].text;
    return "unknown error";
}

const char *sb_wecom_text(int number)
{
    return text_of(sb_wecom_codes, sb_wecom_code_count, number);
}

const char *sb_official_text(int number)
{
    return text_of(sb_official_codes, sb_official_code_count, number);
}
