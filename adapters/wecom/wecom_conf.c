/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/wecom/wecom_conf.h"

#include "base/json.h"

#define DEFAULT_API_BASE "https://qyapi.weixin.qq.com"
#define DEFAULT_MAX_AGE "5m"
#define DEFAULT_POLL_EVERY "5m"

enum { AES_KEY_CHARS = 43, LONGEST_DURATION_DAYS = 30 };

static const char *const corp_keys[] = {"kind",    "corp_id",  "agent_id",         "secret",     "token",
                                        "aes_key", "api_base", "callback_max_age", "group_send", NULL};
static const char *const kf_keys[] = {"kind",      "corp_id",  "secret",           "token",      "aes_key",
                                      "open_kfid", "api_base", "callback_max_age", "poll_every", NULL};
static const char *const webhook_keys[] = {"kind", "key", "api_base", NULL};

/* A required, non-empty text. */
static int read_text(const json_t *conf, const char *key, struct str *ret, struct json_ctx *ctx)
{
    const char *text = NULL;
    int r = json_get_string(conf, key, &text, ctx);

    if (r < 0)
        return r;
    if (!*text) {
        json_complainf(ctx, conf, key, "must not be empty");
        return ERR_INVALID;
    }
    *ret = str_of(text);
    return 0;
}

static int read_base(const json_t *conf, struct str *ret, struct json_ctx *ctx)
{
    const char *text = NULL;
    struct str base;
    int r = json_opt_string(conf, "api_base", DEFAULT_API_BASE, &text, ctx);

    if (r < 0)
        return r;
    base = str_of(text);
    while (str_ends(base, STR("/")))
        base.n--;
    if (!(str_starts(base, STR("https://")) || str_starts(base, STR("http://"))) ||
        str_chr(base, '?') < base.n || str_chr(base, '#') < base.n) {
        json_complainf(ctx, conf, "api_base", "expected an address such as " DEFAULT_API_BASE);
        return ERR_INVALID;
    }
    *ret = base;
    return 0;
}

static int duration_ms(struct str text, int64_t *ret)
{
    static const struct {
        char unit;
        int64_t ms;
    } units[] = {{'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}};
    const int64_t most = (int64_t)LONGEST_DURATION_DAYS * 86400000;
    int64_t n = 0;

    for (size_t i = 0; text.n > 1 && i < sizeof(units) / sizeof(*units); i++) {
        if (text.p[text.n - 1] != units[i].unit)
            continue;
        if (str_to_i64(str_sub(text, 0, text.n - 1), &n) < 0 || n < 0 || n > most / units[i].ms)
            return ERR_INVALID;
        *ret = n * units[i].ms;
        return 0;
    }
    return ERR_INVALID;
}

/* "5m", or the number 0. */
static int read_duration(const json_t *conf, const char *key, const char *def, int64_t *ret,
                         struct json_ctx *ctx)
{
    const json_t *value = json_object_get(conf, key);
    struct str text = str_of(json_is_string(value) ? json_string_value(value) : def);

    if ((json_is_integer(value) && json_integer_value(value) == 0) || str_is(text, "0")) {
        *ret = 0;
        return 0;
    }
    if ((value && !json_is_null(value) && !json_is_string(value)) || duration_ms(text, ret) < 0) {
        json_complainf(ctx, conf, key, "expected a duration such as 30s, 5m or 2h, or 0 to switch it off");
        return ERR_INVALID;
    }
    return 0;
}

static int check_aes_key(const json_t *conf, struct str key, struct json_ctx *ctx)
{
    bool good = key.n == AES_KEY_CHARS;

    for (size_t i = 0; good && i < key.n; i++) {
        char c = key.p[i];

        good = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    }
    if (!good)
        json_complainf(ctx, conf, "aes_key", "expected the 43 letters and digits of EncodingAESKey");
    return good ? 0 : ERR_INVALID;
}

/* What every app with callbacks has. All of it is read, so that all complaints come at once. */
static int read_app(struct wecom_conf *c, const json_t *conf, struct json_ctx *ctx)
{
    bool bad = false, keyed;

    bad |= read_text(conf, "corp_id", &c->corp_id, ctx) < 0;
    bad |= read_text(conf, "secret", &c->secret, ctx) < 0;
    bad |= read_text(conf, "token", &c->token, ctx) < 0;
    keyed = read_text(conf, "aes_key", &c->aes_key, ctx) == 0;
    bad |= !keyed || check_aes_key(conf, c->aes_key, ctx) < 0;
    bad |= read_duration(conf, "callback_max_age", DEFAULT_MAX_AGE, &c->callback_max_age_ms, ctx) < 0;
    return bad ? ERR_CONFIG : 0;
}

/* Which of WeCom's rules for group messages the corp has chosen; the host makes the limits of it. */
static int check_group_send(const json_t *conf, struct json_ctx *ctx)
{
    const char *rule = NULL;
    int r = json_opt_string(conf, "group_send", "monthly", &rule, ctx);

    if (r < 0)
        return r;
    if (str_is(str_of(rule), "monthly") || str_is(str_of(rule), "weekly") || str_is(str_of(rule), "daily"))
        return 0;
    json_complainf(ctx, conf, "group_send", "expected monthly, weekly or daily, as the console says");
    return ERR_INVALID;
}

static int read_kind(struct wecom_conf *c, enum wecom_kind kind, const json_t *conf, struct json_ctx *ctx)
{
    bool bad = false;

    switch (kind) {
    case WECOM_CORP:
        bad |= json_only_keys(conf, corp_keys, ctx) < 0;
        bad |= read_app(c, conf, ctx) < 0;
        bad |= check_group_send(conf, ctx) < 0;
        bad |= json_opt_i64_in(conf, "agent_id", 0, INT32_MAX, 0, &c->agent_id, ctx) < 0;
        break;
    case WECOM_KF:
        bad |= json_only_keys(conf, kf_keys, ctx) < 0;
        bad |= read_app(c, conf, ctx) < 0;
        bad |= read_text(conf, "open_kfid", &c->open_kfid, ctx) < 0;
        bad |= read_duration(conf, "poll_every", DEFAULT_POLL_EVERY, &c->poll_every_ms, ctx) < 0;
        break;
    case WECOM_WEBHOOK:
        bad |= json_only_keys(conf, webhook_keys, ctx) < 0;
        bad |= read_text(conf, "key", &c->key, ctx) < 0;
        break;
    }
    bad |= read_base(conf, &c->api_base, ctx) < 0;
    return bad ? ERR_CONFIG : 0;
}

int wecom_conf_read(struct wecom_conf *ret, enum wecom_kind kind, const char *name, const json_t *conf,
                    struct diag *diag)
{
    struct wecom_conf c = {0};
    struct json_ctx ctx;
    int r;

    json_ctx_init(&ctx, diag, NULL, NULL);
    json_ctx_push(&ctx, "connections");
    json_ctx_push(&ctx, name);
    r = read_kind(&c, kind, conf, &ctx);
    if (r == 0)
        *ret = c;
    return r;
}
