/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 and hex. Own code: OpenSSL's decoder takes blanks and miscounts padding, and platform keys of 43
 * characters carry bits that strict decoders refuse.
 */
#include "base/crypto.h"

#include "base/err.h"

#include <string.h>

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char hex_digits[] = "0123456789abcdef";

static void encode_group(const uint8_t in[3], char quad[4])
{
    quad[0] = base64_digits[in[0] >> 2];
    quad[1] = base64_digits[(in[0] & 3) << 4 | in[1] >> 4];
    quad[2] = base64_digits[(in[1] & 15) << 2 | in[2] >> 6];
    quad[3] = base64_digits[in[2] & 63];
}

int crypto_base64_encode(struct str data, struct buf *out)
{
    const uint8_t *in = (const uint8_t *)data.p;
    size_t whole = data.n / 3 * 3, rest = data.n - whole;
    char *at;

    if (data.n > SIZE_MAX / 2 || buf_reserve(out, (data.n + 2) / 3 * 4) < 0) /* all or nothing */
        return buf_error(out) ? buf_error(out) : ERR_TOO_BIG;
    at = out->data + out->len;
    for (size_t i = 0; i < whole; i += 3, at += 4)
        encode_group(in + i, at);
    if (rest) {
        encode_group((uint8_t[3]){in[whole], rest == 2 ? in[whole + 1] : 0}, at);
        memset(at + rest + 1, '=', 3 - rest);
        at += 4;
    }
    out->len = (size_t)(at - out->data);
    *at = '\0';
    return 0;
}

/* A digit's value plus one; 0: no digit. */
static const uint8_t base64_places[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};

/* The value of a digit. What is none sets bits of `wrong` above the sixth, so that a text is judged once. */
static uint32_t base64_value(char c, uint32_t *wrong)
{
    uint32_t v = base64_places[(uint8_t)c] - 1u;

    *wrong |= v;
    return v;
}

/* `n` >= 2 digits, at most four, give n - 1 bytes. */
static void decode_group(const char *in, size_t n, char *at, uint32_t *wrong)
{
    uint32_t bits = 0;

    for (size_t i = 0; i < 4; i++)
        bits = bits << 6 | (i < n ? base64_value(in[i], wrong) & 63 : 0);
    for (size_t i = 0; i + 1 < n; i++)
        at[i] = (char)(bits >> (16 - 8 * i) & 0xFF);
}

int crypto_base64_decode(struct str text, struct buf *out)
{
    size_t n = text.n, rest, bytes;
    uint32_t wrong = 0;
    const char *in = text.p;
    char *at;

    for (int pad = 0; pad < 2 && n && text.n % 4 == 0 && text.p[n - 1] == '='; pad++)
        n--;
    rest = n % 4;
    bytes = n / 4 * 3 + rest * 6 / 8;
    if (rest == 1)
        return ERR_SYNTAX;
    if (buf_reserve(out, bytes) < 0)
        return buf_error(out);
    at = out->data + out->len;
    for (const char *end = in + (n - rest); in < end; in += 4, at += 3)
        decode_group(in, 4, at, &wrong);
    if (rest)
        decode_group(in, rest, at, &wrong);
    if (wrong <= 63)
        out->len += bytes;
    out->data[out->len] = '\0';
    return wrong <= 63 ? 0 : ERR_SYNTAX;
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
