/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 and hex. Own code: OpenSSL's decoder takes blanks and miscounts padding, and platform keys of 43
 * characters carry bits that strict decoders refuse.
 */
#include "base/crypto.h"

#include "base/err.h"

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char hex_digits[] = "0123456789abcdef";

int crypto_base64_encode(struct str data, struct buf *out)
{
    if (data.n > SIZE_MAX / 2 || buf_reserve(out, (data.n + 2) / 3 * 4) < 0) /* all or nothing */
        return buf_error(out) ? buf_error(out) : ERR_TOO_BIG;
    for (size_t i = 0; i < data.n; i += 3) {
        size_t n = data.n - i < 3 ? data.n - i : 3;
        uint32_t bits = 0;
        char quad[4];

        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (k < n ? (uint8_t)data.p[i + k] : 0);
        for (int k = 0; k < 4; k++)
            quad[k] = base64_digits[bits >> (18 - 6 * k) & 63];
        if (n < 3)
            quad[3] = '=';
        if (n < 2)
            quad[2] = '=';
        (void)buf_add(out, quad, sizeof(quad));
    }
    return buf_error(out);
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+')
        return 62;
    return c == '/' ? 63 : -1;
}

int crypto_base64_decode(struct str text, struct buf *out)
{
    size_t n = text.n, start = out->len;
    uint32_t bits = 0;

    for (int pad = 0; pad < 2 && n && text.n % 4 == 0 && text.p[n - 1] == '='; pad++)
        n--;
    if (n % 4 == 1)
        return ERR_SYNTAX;
    if (buf_reserve(out, n / 4 * 3 + n % 4 * 6 / 8) < 0)
        return buf_error(out);
    for (size_t i = 0; i < n; i++) {
        int v = base64_value(text.p[i]);

        if (v < 0) {
            buf_truncate(out, start);
            return ERR_SYNTAX;
        }
        bits = bits << 6 | (uint32_t)v;
        if (i % 4)
            (void)buf_addc(out, (char)(bits >> (6 - 2 * (i % 4)) & 0xFF));
    }
    return buf_error(out);
}

int crypto_hex(struct str data, struct buf *out)
{
    for (size_t i = 0; i < data.n; i++) {
        uint8_t c = (uint8_t)data.p[i];

        (void)buf_add(out, (char[]){hex_digits[c >> 4], hex_digits[c & 15]}, 2);
    }
    return buf_error(out);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int crypto_unhex(struct str text, struct buf *out)
{
    if (text.n % 2)
        return ERR_SYNTAX;
    for (size_t i = 0; i < text.n; i++)
        if (hex_value(text.p[i]) < 0)
            return ERR_SYNTAX;
    for (size_t i = 0; i < text.n; i += 2)
        (void)buf_addc(out, (char)(hex_value(text.p[i]) << 4 | hex_value(text.p[i + 1])));
    return buf_error(out);
}

void crypto_hex_to(const void *data, size_t n, char *ret)
{
    const uint8_t *p = data;

    for (size_t i = 0; i < n; i++) {
        *ret++ = hex_digits[p[i] >> 4];
        *ret++ = hex_digits[p[i] & 15];
    }
    *ret = '\0';
}
