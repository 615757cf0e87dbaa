/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/official/official_conf.h"

#include "base/json.h"
#include "base/mem.h"

#define DEFAULT_API_BASE "https://api.weixin.qq.com"
#define DEFAULT_MAX_AGE "5m"

enum { AES_KEY_CHARS = 43, LONGEST_AGE_MS = 24 * 3600 * 1000 };

static const char *const known_keys[] = {
    "kind",         "appid",    "secret",           "token", "aes_key", "aes_key_previous", "mode",
    "account_type", "api_base", "callback_max_age", NULL};
static const char *const modes[] = {"plain", "compatible", "safe"};
static const char *const account_types[] = {"service", "subscription"};

/* A required, non-empty text. */
static bool read_text(const json_t *conf, const char *key, struct str *ret, struct json_ctx *ctx)
{
    const char *text = NULL;

    if (json_get_string(conf, key, &text, ctx) < 0)
        return false;
    *ret = str_of(text);
    if (ret->n == 0)
        json_complainf(ctx, conf, key, "must not be empty");
    return ret->n > 0;
}

/* One of `words`; the `def`th when it is absent. */
static bool read_word(const json_t *conf, const char *key, const char *const *words, size_t n, size_t def,
                      size_t *ret, struct json_ctx *ctx)
{
    const char *last = words[n - 1];
    const char *text = NULL;

    if (json_opt_string(conf, key, words[def], &text, ctx) < 0)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!str_is(str_of(text), words[i]))
            continue;
        *ret = i;
        return true;
    }
    if (n == 2)
        json_complainf(ctx, conf, key, "expected %s or %s", words[0], last);
    else
        json_complainf(ctx, conf, key, "expected %s, %s or %s", words[0], words[1], last);
    return false;
}

static bool read_base(const json_t *conf, struct str *ret, struct json_ctx *ctx)
{
    const char *text = NULL;
    struct str base;

    if (json_opt_string(conf, "api_base", DEFAULT_API_BASE, &text, ctx) < 0)
        return false;
    base = str_of(text);
    while (str_ends(base, STR("/")))
        base.n--;
    *ret = base;
    if ((str_starts(base, STR("https://")) || str_starts(base, STR("http://"))) &&
        str_chr(base, '?') == base.n && str_chr(base, '#') == base.n)
        return true;
    json_complainf(ctx, conf, "api_base", "expected an address such as " DEFAULT_API_BASE);
    return false;
}

/* A duration, or 0. */
static bool read_age(const json_t *conf, int64_t *ret, struct json_ctx *ctx)
{
    const json_t *value = json_object_get(conf, "callback_max_age");
    struct str text = str_of(json_is_string(value) ? json_string_value(value) : DEFAULT_MAX_AGE);
    bool typed = !value || json_is_null(value) || json_is_string(value);

    if ((json_is_integer(value) && json_integer_value(value) == 0) || str_is(text, "0")) {
        *ret = 0;
        return true;
    }
    if (typed && str_to_duration_ms(text, ret) == 0 && *ret <= LONGEST_AGE_MS)
        return true;
    json_complainf(ctx, conf, "callback_max_age",
                   "expected a duration up to 1d, such as 30s or 5m, or 0 to switch it off");
    return false;
}

static bool read_aes_key(const json_t *conf, const char *key, struct str *ret, struct json_ctx *ctx)
{
    bool good;

    if (!read_text(conf, key, ret, ctx))
        return false;
    good = ret->n == AES_KEY_CHARS;
    for (size_t i = 0; good && i < ret->n; i++) {
        char c = ret->p[i];

        good = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    }
    if (!good)
        json_complainf(ctx, conf, key, "expected the 43 letters and digits of EncodingAESKey");
    return good;
}

/* Plain pushes need no key; one that is there must be good all the same. */
static bool read_keys(struct official_conf *c, const json_t *conf, struct json_ctx *ctx)
{
    bool good = true;

    if (c->mode != OFFICIAL_PLAIN || json_object_get(conf, "aes_key"))
        good &= read_aes_key(conf, "aes_key", &c->aes_key, ctx);
    if (json_object_get(conf, "aes_key_previous"))
        good &= read_aes_key(conf, "aes_key_previous", &c->aes_key_previous, ctx);
    return good;
}

/* All of it is read, so that all complaints come at once. */
static bool read_all(struct official_conf *c, const json_t *conf, struct json_ctx *ctx)
{
    size_t mode = OFFICIAL_SAFE, type = 0;
    bool good = json_only_keys(conf, known_keys, ctx) == 0;

    good &= read_text(conf, "appid", &c->appid, ctx);
    good &= read_text(conf, "secret", &c->secret, ctx);
    good &= read_text(conf, "token", &c->token, ctx);
    good &= read_word(conf, "mode", modes, ARRAY_LEN(modes), OFFICIAL_SAFE, &mode, ctx);
    c->mode = (enum official_mode)mode;
    good &= read_keys(c, conf, ctx);
    good &= read_word(conf, "account_type", account_types, ARRAY_LEN(account_types), 0, &type, ctx);
    c->subscription = type == 1;
    good &= read_base(conf, &c->api_base, ctx);
    good &= read_age(conf, &c->callback_max_age_ms, ctx);
    return good;
}

int official_conf_read(struct official_conf *ret, const char *name, const json_t *conf, struct diag *diag)
{
    struct official_conf c = {0};
    struct json_ctx ctx;

    json_ctx_init(&ctx, diag, NULL, NULL);
    json_ctx_push(&ctx, "connections");
    json_ctx_push(&ctx, name);
    if (!read_all(&c, conf, &ctx))
        return ERR_CONFIG;
    *ret = c;
    return 0;
}
