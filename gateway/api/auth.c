/* SPDX-License-Identifier: Apache-2.0 */
#include "api/auth.h"

#include <errno.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/err.h"
#include "base/mem.h"

enum { TOKENS_MAX = 1000 };

struct auth {
    const struct clock *clock;
    struct auth_token list[TOKENS_MAX];
    size_t count;
};

int auth_new(const struct clock *clock, struct auth **ret)
{
    struct auth *a = mem_calloc(1, sizeof *a);

    if (!a)
        return -ENOMEM;
    a->clock = clock;
    *ret = a;
    return 0;
}

void auth_free(struct auth *a)
{
    mem_free(a);
}

int auth_add(struct auth *a, const struct auth_token *token)
{
    if (a->count == TOKENS_MAX)
        return ERR_FULL;
    a->list[a->count++] = *token;
    return 0;
}

int auth_role_of(struct str text, enum auth_role *ret)
{
    static const char *const words[] = {"viewer", "operator", "admin"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_is(text, words[i])) {
            *ret = (enum auth_role)i;
            return 0;
        }
    return ERR_NOT_FOUND;
}

/* Every token is compared, so that time tells nothing about which one came near. */
static bool known(const struct auth *a, struct str token, enum auth_role role)
{
    int64_t now = clock_wall_ms(a->clock);
    uint8_t hash[CRYPTO_SHA256_BYTES];
    bool found = false;

    crypto_sha256(token, hash);
    for (size_t i = 0; i < a->count; i++) {
        const struct auth_token *t = &a->list[i];
        bool same = crypto_equal((struct str){(const char *)hash, sizeof hash},
                                 (struct str){(const char *)t->hash, sizeof t->hash});
        if (same && t->role >= role && (!t->expires_ms || now < t->expires_ms))
            found = true;
    }
    return found;
}

bool auth_allows(const struct auth *a, const struct http_request *r, enum auth_role role)
{
    struct str field = http_request_field(r, "authorization");
    struct buf query;
    bool ok = false;

    if (str_starts(field, STR("Bearer ")))
        return known(a, str_trim(str_sub(field, 7, field.n)), role);
    buf_init(&query, 512);
    if (str_query_get(r->query, "token", &query) == 0)
        ok = known(a, buf_str(&query), role);
    buf_fini(&query);
    return ok;
}
