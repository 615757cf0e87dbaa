/* SPDX-License-Identifier: Apache-2.0 */
/* CanonicalRequest = method, uri, query, headers, signed names, body digest; the signature covers its digest.
 *
 * The query is taken apart, decoded, encoded afresh and sorted, so that the check does not depend on how the
 * sender happened to write it.
 */
#include "sandbox/acs3.h"

#include "base/buf.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_PARAMS = 64, MOST_BYTES = 256 * 1024 };

static const char scheme[] = "ACS3-HMAC-SHA256";

/* "name=value" out of "scheme name=value,name=value". */
static struct str part_of(const char *authorization, const char *name)
{
    struct str rest, piece, key, value;
    struct str all = str_of(authorization);

    if (!str_starts(all, str_of(scheme)))
        return (struct str){0};
    rest = str_sub(all, sizeof(scheme) - 1, all.n);
    while (str_next(&rest, ',', &piece))
        if (str_cut(str_trim(piece), '=', &key, &value) && str_is(key, name))
            return value;
    return (struct str){0};
}

struct str sb_acs3_key(const char *authorization)
{
    return part_of(authorization, "Credential");
}

/* Appends k=v, both encoded afresh. */
static int add_param(struct buf *out, struct buf *plain, struct str piece)
{
    struct str key, value;
    int r;

    (void)str_cut(piece, '=', &key, &value);
    buf_reset(plain);
    r = str_percent_decode(key, true, plain);
    if (r == 0)
        r = str_percent_encode(buf_str(plain), out);
    if (r == 0)
        r = buf_addc(out, '=');
    buf_reset(plain);
    if (r == 0)
        r = str_percent_decode(value, true, plain);
    if (r == 0)
        r = str_percent_encode(buf_str(plain), out);
    return r;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* '=' sorts below every encoded byte but '%', '-' and '.': so "k=v" texts are compared with the end of the
 * key written as the lowest byte, and it is put back afterwards. */
static int add_query(struct buf *out, struct str query)
{
    char *params[MOST_PARAMS];
    size_t n = 0;
    struct buf plain, one;
    struct str rest = query, piece;
    int r = 0;

    buf_init(&plain, MOST_BYTES);
    buf_init(&one, MOST_BYTES);
    while (r == 0 && rest.n > 0 && str_next(&rest, '&', &piece)) {
        buf_reset(&one);
        r = n < MOST_PARAMS ? add_param(&one, &plain, piece) : ERR_TOO_BIG;
        if (r == 0 && (params[n] = buf_take(&one)) == NULL)
            r = ERR_TOO_BIG;
        if (r == 0)
            *strchr(params[n++], '=') = '\1';
    }
    qsort(params, n, sizeof(*params), by_bytes);
    for (size_t i = 0; i < n; i++) {
        *strchr(params[i], '\1') = '=';
        if (r == 0 && i > 0)
            r = buf_addc(out, '&');
        if (r == 0)
            r = buf_adds(out, params[i]);
        free(params[i]);
    }
    buf_fini(&plain);
    buf_fini(&one);
    return r;
}

static bool has_name(struct str names, const char *name)
{
    struct str piece;

    while (names.n > 0 && str_next(&names, ';', &piece))
        if (str_is(piece, name))
            return true;
    return false;
}

static bool must_be_signed(const char *name)
{
    return strcmp(name, "host") == 0 || strcmp(name, "content-type") == 0 || strncmp(name, "x-acs-", 6) == 0;
}

/* Appends the block of signed headers; false: one is absent, unordered, or one that must be signed is not. */
static bool add_headers(struct buf *out, const json_t *headers, struct str names)
{
    struct str rest = names, piece, before = {0};
    const char *name;
    json_t *value;

    while (rest.n > 0 && str_next(&rest, ';', &piece)) {
        char key[80];

        if (piece.n == 0 || piece.n >= sizeof(key) || (before.n > 0 && str_cmp(before, piece) >= 0))
            return false;
        memcpy(key, piece.p, piece.n);
        key[piece.n] = '\0';
        value = json_object_get(headers, key);
        if (value == NULL)
            return false;
        (void)buf_addf(out, "%s:%.*s\n", key, STR_ARG(str_trim(str_of(json_string_value(value)))));
        before = piece;
    }
    json_object_foreach((json_t *)headers, name, value)
    {
        if (must_be_signed(name) && !has_name(names, name))
            return false;
    }
    return json_object_get(headers, "host") != NULL && buf_error(out) == 0;
}

bool sb_acs3_sign(const struct sb_acs3 *r, const char *secret, struct str signed_headers,
                  char ret[SB_SHA256_HEX])
{
    char digest[SB_SHA256_HEX];
    struct buf canonical, text;
    bool ok;

    buf_init(&canonical, MOST_BYTES);
    buf_init(&text, 256);
    (void)buf_addf(&canonical, "%s\n%s\n", r->method, r->uri);
    ok = add_query(&canonical, r->query) == 0 && buf_addc(&canonical, '\n') == 0 &&
         add_headers(&canonical, r->headers, signed_headers) &&
         buf_addf(&canonical, "\n%.*s\n", STR_ARG(signed_headers)) == 0 &&
         sb_sha256_hex(r->body.n > 0 ? r->body.p : "", r->body.n, digest) &&
         buf_adds(&canonical, digest) == 0 && sb_sha256_hex(buf_cstr(&canonical), canonical.len, digest) &&
         buf_addf(&text, "%s\n%s", scheme, digest) == 0 &&
         sb_hmac_sha256_hex(secret, buf_cstr(&text), text.len, ret);
    buf_fini(&canonical);
    buf_fini(&text);
    return ok;
}

bool sb_acs3_check(const struct sb_acs3 *r, const char *secret)
{
    const char *authorization = json_str(r->headers, "authorization", "");
    struct str given = part_of(authorization, "Signature");
    struct str names = part_of(authorization, "SignedHeaders");
    char body[SB_SHA256_HEX], right[SB_SHA256_HEX];

    return names.n > 0 && sb_sha256_hex(r->body.n > 0 ? r->body.p : "", r->body.n, body) &&
           sb_same(body, json_str(r->headers, "x-acs-content-sha256", "")) &&
           sb_acs3_sign(r, secret, names, right) && str_is(given, right);
}
