/* SPDX-License-Identifier: Apache-2.0 */
#include "bots/lottery.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "templates/liquid.h"

#define PARTS INT64_C(1000000) /* of certainty */
#define REPLY_BYTES ((size_t)4096)

static const char chance_default[] = "10%";
static const char win_default[] =
    "恭喜{{ contact.name | default: '您' }}中奖啦！奖品：{{ prize }}。请留意后续消息，我们会与您联系。";
static const char lose_default[] = "谢谢{{ contact.name | default: '您' }}参与，这次没有抽中，期待下次好运！";

/* "20%", "0.05%": whole percents and up to four decimals. */
static int parse_chance(struct str text, int64_t *ret)
{
    struct str whole, fraction;
    int64_t percent = 0, rest = 0;

    if (text.n == 0 || text.p[text.n - 1] != '%')
        return ERR_SYNTAX;
    if (str_cut(str_sub(text, 0, text.n - 1), '.', &whole, &fraction)) {
        if (fraction.n == 0 || fraction.n > 4 || str_to_i64(fraction, &rest) < 0 || rest < 0)
            return ERR_SYNTAX;
        for (size_t i = fraction.n; i < 4; i++)
            rest *= 10;
    }
    if (str_to_i64(whole, &percent) < 0 || percent < 0 || percent > 100)
        return ERR_SYNTAX;
    if (percent * 10000 + rest > PARTS)
        return ERR_INVALID;
    *ret = percent * 10000 + rest;
    return 0;
}

static int check_text(const json_t *with, const char *key, struct json_ctx *ctx)
{
    json_t *known = json_pack("{s:b, s:b, s:b}", "contact", 1, "event", 1, "prize", 1);
    struct liquid *t = NULL;
    struct diag diag;
    const char *text;
    int r = json_opt_string(with, key, "", &text, ctx);

    diag_init(&diag, 10);
    if (r == 0 && known == NULL)
        r = -ENOMEM;
    if (r == 0)
        r = liquid_parse(str_of(text), NULL, 0, &t, &diag);
    if (r == 0)
        r = liquid_lint(t, known, &diag);
    for (size_t i = 0; i < diag_count(&diag); i++)
        json_complainf(ctx, with, key, "%s", diag_text(&diag, i));
    liquid_free(t);
    diag_fini(&diag);
    json_decref(known);
    return r;
}

static int lottery_check(const json_t *with, struct diag *diag)
{
    static const char *const keys[] = {"prize", "chance", "win", "lose", "tag", NULL};
    static const char *const texts[] = {"win", "lose"};
    struct json_ctx ctx;
    const char *chance = chance_default, *text;
    size_t before = diag_errors(diag);
    int64_t parts;
    int r;

    json_ctx_init(&ctx, diag, NULL, NULL);
    (void)json_only_keys(with, keys, &ctx);
    r = json_get_string(with, "prize", &text, &ctx);
    if (r == 0 && text[0] == '\0')
        json_complainf(&ctx, with, "prize", "empty, name what is won");
    if (json_is_number(json_object_get(with, "chance")))
        json_complainf(&ctx, with, "chance", "a number without %%; write a percentage as 20%% or 0.5%%");
    else if (json_opt_string(with, "chance", chance_default, &chance, &ctx) == 0 &&
             parse_chance(str_of(chance), &parts) < 0)
        json_complainf(&ctx, with, "chance", "`%s` is no share; write a percentage as 20%% or 0.5%%", chance);
    r = json_opt_string(with, "tag", NULL, &text, &ctx);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        r = check_text(with, texts[i], &ctx);
        if (r == -ENOMEM)
            return r;
    }
    return diag_errors(diag) == before ? 0 : ERR_CONFIG;
}

/* The seed's bits, well mixed, as a number below PARTS. */
static int64_t draw(uint64_t seed)
{
    uint64_t x = seed + UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    x ^= x >> 31;
    return (int64_t)((unsigned __int128)x * (uint64_t)PARTS >> 64);
}

static json_t *template_data(const struct bot_facts *facts, const char *prize)
{
    json_t *data = json_object();
    int bad = data == NULL;

    bad = bad || json_object_set_new(data, "prize", json_string(prize)) < 0;
    bad = bad || (facts->contact != NULL && json_object_set(data, "contact", (json_t *)facts->contact) < 0);
    bad = bad || (facts->event != NULL && json_object_set(data, "event", (json_t *)facts->event) < 0);
    if (!bad)
        return data;
    json_decref(data);
    return NULL;
}

static int say(const struct bot_facts *facts, const char *source, const char *prize, struct actions *ret)
{
    struct liquid_limits limits = liquid_limits_default();
    json_t *data = template_data(facts, prize);
    struct liquid *t = NULL;
    struct buf text;
    int r = data == NULL ? -ENOMEM : 0;

    buf_init(&text, REPLY_BYTES);
    limits.now_ms = facts->now_ms;
    if (r == 0)
        r = liquid_parse(str_of(source), NULL, 0, &t, NULL);
    if (r == 0)
        r = liquid_render(t, data, &limits, &text, NULL);
    if (r == 0)
        r = actions_say(ret, buf_str(&text));
    liquid_free(t);
    buf_fini(&text);
    json_decref(data);
    return r;
}

static int lottery_decide(const struct bot_facts *facts, const json_t *with, struct actions *ret)
{
    const char *prize = json_str(with, "prize", ""), *tag = json_str(with, "tag", NULL);
    int64_t parts = 0;
    int r = parse_chance(str_of(json_str(with, "chance", chance_default)), &parts);

    if (r < 0)
        return r;
    if (draw(facts->seed) >= parts)
        return say(facts, json_str(with, "lose", lose_default), prize, ret);
    r = say(facts, json_str(with, "win", win_default), prize, ret);
    if (r == 0 && tag != NULL)
        r = actions_tag(ret, str_of(tag));
    return r;
}

const struct bot_ops bot_lottery = {.name = "lottery", .check = lottery_check, .decide = lottery_decide};
