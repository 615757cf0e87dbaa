/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/sms/sms_phone.h"

#include "base/mem.h"

static struct str without_prefix(struct str text)
{
    static const struct str prefixes[] = {{"+86", 3}, {"0086", 4}, {"86", 2}};

    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
        if (text.n == prefixes[i].n + SMS_PHONE_DIGITS && str_starts(text, prefixes[i]))
            return str_sub(text, prefixes[i].n, SMS_PHONE_DIGITS);
    return text;
}

int sms_phone_read(struct str text, struct str *ret)
{
    struct str digits = without_prefix(str_trim(text));

    if (digits.n != SMS_PHONE_DIGITS || digits.p[0] != '1' || digits.p[1] < '3')
        return ERR_INVALID;
    for (size_t i = 0; i < digits.n; i++)
        if (digits.p[i] < '0' || digits.p[i] > '9')
            return ERR_INVALID;
    *ret = digits;
    return 0;
}
