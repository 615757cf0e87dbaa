/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/sms/sms_conf.h"

#include "base/json.h"
#include "base/mem.h"

#define DEFAULT_API_BASE "https://dysmsapi.aliyuncs.com"
#define DEFAULT_REFUSAL_TEXT "拒收请回复R"

static const char *const known_keys[] = {"kind",      "access_key_id", "access_key_secret",
                                         "signature", "path_key",      "api_base",
                                         "region",    "refusal_text",  NULL};

/* A non-empty text; required when `def` is NULL. */
static int read_text(const json_t *conf, const char *key, const char *def, struct str *ret,
                     struct json_ctx *ctx)
{
    const char *text = NULL;
    int r = def ? json_opt_string(conf, key, def, &text, ctx) : json_get_string(conf, key, &text, ctx);

    if (r < 0)
        return r;
    if (str_trim(str_of(text)).n == 0) {
        json_complainf(ctx, conf, key, "must not be empty");
        return ERR_INVALID;
    }
    *ret = str_of(text);
    return 0;
}

/* Visible ASCII without what would end a value in the Authorization header. */
static int check_key_id(const json_t *conf, struct str id, struct json_ctx *ctx)
{
    for (size_t i = 0; i < id.n; i++) {
        if (id.p[i] > ' ' && id.p[i] < 0x7f && id.p[i] != ',' && id.p[i] != '=')
            continue;
        json_complainf(ctx, conf, "access_key_id", "expected the letters and digits of an AccessKey ID");
        return ERR_INVALID;
    }
    return 0;
}

static int check_signature(const json_t *conf, struct str signature, struct json_ctx *ctx)
{
    if (str_find(signature, STR("【")) == signature.n && str_find(signature, STR("】")) == signature.n)
        return 0;
    json_complainf(ctx, conf, "signature", "write it without 【】: Aliyun adds them");
    return ERR_INVALID;
}

/* The name of the host is signed as it is sent, so it must be a plain one. */
static bool split_base(struct str base, struct str *ret_host, struct str *ret_path)
{
    struct str rest = str_starts(base, STR("https://"))  ? str_sub(base, 8, base.n)
                      : str_starts(base, STR("http://")) ? str_sub(base, 7, base.n)
                                                         : (struct str){0};
    size_t host = str_chr(rest, '/');

    for (size_t i = 0; i < rest.n; i++)
        if (rest.p[i] <= ' ' || rest.p[i] >= 0x7f || rest.p[i] == '?' || rest.p[i] == '#' || rest.p[i] == '@')
            return false;
    *ret_host = str_sub(rest, 0, host);
    *ret_path = str_sub(rest, host, rest.n);
    return host > 0;
}

static int read_base(struct sms_conf *c, const json_t *conf, struct json_ctx *ctx)
{
    struct str base = {0};
    int r = read_text(conf, "api_base", DEFAULT_API_BASE, &base, ctx);

    if (r < 0)
        return r;
    while (str_ends(base, STR("/")))
        base.n--;
    if (!split_base(base, &c->host, &c->path)) {
        json_complainf(ctx, conf, "api_base", "expected an address such as " DEFAULT_API_BASE);
        return ERR_INVALID;
    }
    c->api_base = base;
    return 0;
}

/* All of it is read, so that all complaints come at once. */
static int read_all(struct sms_conf *c, const json_t *conf, struct json_ctx *ctx)
{
    bool bad = json_only_keys(conf, known_keys, ctx) < 0;
    const char *region = NULL;

    bad |= read_text(conf, "access_key_id", NULL, &c->access_key_id, ctx) < 0;
    bad |= check_key_id(conf, c->access_key_id, ctx) < 0;
    bad |= read_text(conf, "access_key_secret", NULL, &c->access_key_secret, ctx) < 0;
    bad |= read_text(conf, "signature", NULL, &c->signature, ctx) < 0;
    bad |= check_signature(conf, c->signature, ctx) < 0;
    bad |= read_text(conf, "path_key", NULL, &c->path_key, ctx) < 0;
    bad |= read_text(conf, "refusal_text", DEFAULT_REFUSAL_TEXT, &c->refusal_text, ctx) < 0;
    bad |= json_opt_string(conf, "region", "", &region, ctx) < 0;
    bad |= read_base(c, conf, ctx) < 0;
    c->region = str_of(region);
    return bad ? ERR_CONFIG : 0;
}

int sms_conf_read(struct sms_conf *ret, const char *name, const json_t *conf, struct diag *diag)
{
    struct sms_conf c = {0};
    struct json_ctx ctx;
    int r;

    json_ctx_init(&ctx, diag, NULL, NULL);
    json_ctx_push(&ctx, "connections");
    json_ctx_push(&ctx, name);
    r = read_all(&c, conf, &ctx);
    if (r == 0)
        *ret = c;
    return r;
}
