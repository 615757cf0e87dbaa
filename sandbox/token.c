/* SPDX-License-Identifier: Apache-2.0 */
/* All tokens by their text, and the newest of each app under "kind/stable/owner/secret". */
#include "sandbox/token.h"

#include "base/mem.h"
#include "sandbox/must.h"

#include <inttypes.h>

static char *app_key(const struct sb_connection *app, bool stable)
{
    return sb_printf("%d/%d/%s/%s", app->kind == SB_KIND_OFFICIAL, stable, app->owner, app->secret);
}

struct sb_token *sb_token_newest(struct sb_model *m, const struct sb_connection *app, bool stable,
                                 int64_t now_ms)
{
    char *key = app_key(app, stable);
    struct sb_token *t = map_str_get(&m->newest, str_of(key));

    mem_free(key);
    return t != NULL && now_ms < t->expires_ms ? t : NULL;
}

struct sb_token *sb_token_mint(struct sb_model *m, const struct sb_connection *app, bool stable,
                               int64_t life_ms, int64_t now_ms)
{
    struct sb_token *t = sb_new(sizeof(*t));
    char *key = app_key(app, stable);

    t->text = sb_printf("sbtk-%" PRId64 "-%016" PRIx64 "%016" PRIx64, sb_model_next(m), sb_model_random(m),
                        sb_model_random(m));
    t->owner = app->owner;
    t->secret = app->secret;
    t->kind = app->kind;
    t->stable = stable;
    t->expires_ms = now_ms + life_ms;
    sb_must(map_str_put(&m->tokens, str_of(t->text), t));
    sb_must(map_str_put(&m->newest, str_of(key), t));
    mem_free(key);
    return t;
}

static bool is_of(const struct sb_token *t, const struct sb_connection *app)
{
    return app == NULL || ((t->kind == SB_KIND_OFFICIAL) == (app->kind == SB_KIND_OFFICIAL) &&
                           str_is(str_of(t->owner), app->owner) && str_is(str_of(t->secret), app->secret));
}

void sb_token_end(struct sb_model *m, const struct sb_connection *app, enum sb_token_set set, int64_t at_ms)
{
    size_t at = 0;
    struct str text;
    union map_val val;

    while (map_str_next(&m->tokens, &at, &text, &val)) {
        struct sb_token *t = val.p;
        bool meant = set == SB_TOKENS_ALL || t->stable == (set == SB_TOKENS_STABLE);

        if (meant && is_of(t, app) && t->expires_ms > at_ms)
            t->expires_ms = at_ms;
    }
}

enum sb_token_state sb_token_find(struct sb_model *m, const char *text, int64_t now_ms, struct sb_token **ret)
{
    struct sb_token *t = map_str_get(&m->tokens, str_of(text));

    if (t == NULL)
        return SB_TOKEN_UNKNOWN;
    *ret = t;
    return now_ms < t->expires_ms ? SB_TOKEN_GOOD : SB_TOKEN_EXPIRED;
}

void sb_token_free(struct sb_token *t)
{
    if (t == NULL)
        return;
    mem_free(t->text);
    mem_free(t);
}
