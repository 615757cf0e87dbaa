/* SPDX-License-Identifier: Apache-2.0 */
/* SendSms: judge everything, then count everything, then remember one detail a number.
 *
 * Some seconds later the carrier reports: one push for up to a hundred numbers of a call.
 */
#include "sandbox/sms_send.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/shanghai.h"
#include "sandbox/must.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SINGLE_UNITS = 70, PART_UNITS = 67, REPORT_BATCH = 100, PHONE_DIGITS = 11 };

static const char delivered[] = "DELIVERED", blacklisted[] = "MBBLACK";

const char *sb_sms_plain_number(const char *text)
{
    static const char *const prefixes[] = {"+86", "0086", "86"};

    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        size_t n = strlen(prefixes[i]);

        if (strncmp(text, prefixes[i], n) == 0 && strlen(text) == n + PHONE_DIGITS) {
            text += n;
            break;
        }
    }
    if (strlen(text) != PHONE_DIGITS || strspn(text, "0123456789") != PHONE_DIGITS)
        return NULL;
    return text[0] == '1' && text[1] >= '3' ? text : NULL;
}

int64_t sb_sms_parts(struct str text)
{
    int64_t units = (int64_t)str_utf16_units(text);

    return units <= SINGLE_UNITS ? 1 : (units + PART_UNITS - 1) / PART_UNITS;
}

/* one call at work */

struct sending {
    struct sb_connection *connection;
    struct sb_sms *sms;
    const struct sb_sms_template *template;
    struct sb_number **numbers;
    size_t count;
    char *content;
    int64_t parts;
};

static enum sb_aliyun_code add_number(struct sending *s, const char *text, json_t *seen)
{
    const char *phone = sb_sms_plain_number(text);

    if (phone == NULL)
        return SB_A_NUMBER;
    if (json_object_get(seen, phone) != NULL)
        return SB_A_OK;
    sb_json_set(seen, phone, sb_json("b", 1));
    s->numbers[s->count++] = sb_sms_number(s->sms, phone);
    return SB_A_OK;
}

static enum sb_aliyun_code take_numbers(const struct sb_model *m, struct sending *s, const char *list)
{
    int64_t most = sb_model_limit(m, SB_ALIYUN_NUMBERS)->amount, listed = 1;
    enum sb_aliyun_code code = SB_A_OK;
    char *copy = sb_copy(list), *rest = copy, *one;
    json_t *seen = sb_must_have(json_object());

    for (const char *p = list; *p != '\0'; p++)
        listed += *p == ',';
    if (listed > most)
        code = SB_A_NUMBERS;
    else
        s->numbers = sb_new((size_t)listed * sizeof(struct sb_number *));
    while (code == SB_A_OK && (one = strsep(&rest, ",")) != NULL)
        code = add_number(s, one, seen);
    json_decref(seen);
    mem_free(copy);
    return code;
}

static bool signature_known(const struct sb_connection *conn, const char *name)
{
    size_t i;
    json_t *one;

    json_array_foreach(json_object_get(conn->conf, "signatures"), i, one)
    {
        if (json_is_string(one) && strcmp(json_string_value(one), name) == 0)
            return true;
    }
    return name[0] != '\0' && strcmp(json_str(conn->conf, "signature", ""), name) == 0;
}

static enum sb_aliyun_code find_template(struct sending *s, const char *code)
{
    static const struct sb_sms_template any = {.kind = SB_SMS_NOTICE};

    s->template = map_str_get(&s->sms->templates, str_of(code));
    if (s->template == NULL && !s->sms->templates_given && strncmp(code, "SMS_", 4) == 0 && code[4] != '\0' &&
        strspn(code + 4, "0123456789") == strlen(code + 4))
        s->template = &any;
    return s->template != NULL ? SB_A_OK : SB_A_TEMPLATE;
}

/* 【signature】text with its ${variables} filled in; SB_A_MISSING: one is not given. */
static enum sb_aliyun_code fill_in(FILE *out, const char *text, const json_t *params)
{
    const char *open, *close;

    for (; (open = strstr(text, "${")) != NULL && (close = strchr(open, '}')) != NULL; text = close + 1) {
        char *name = sb_printf("%.*s", (int)(close - open - 2), open + 2);
        const char *value = json_str(params, name, NULL);

        mem_free(name);
        if (value == NULL)
            return SB_A_MISSING;
        fprintf(out, "%.*s%s", (int)(open - text), text, value);
    }
    fputs(text, out);
    return SB_A_OK;
}

static enum sb_aliyun_code write_content(struct sending *s, const char *signature, const json_t *params)
{
    size_t n = 0;
    FILE *out = sb_must_have(open_memstream(&s->content, &n));
    enum sb_aliyun_code code = SB_A_OK;

    fprintf(out, "【%s】", signature);
    if (s->template->text != NULL)
        code = fill_in(out, s->template->text, params);
    sb_must(fclose(out));
    return code;
}

static enum sb_aliyun_code judge_content(const struct sb_model *m, struct sending *s, const json_t *args)
{
    const char *text = json_str(args, "TemplateParam", "{}");
    enum sb_aliyun_code code;
    json_t *params = NULL;

    if (json_parse(str_of(text[0] != '\0' ? text : "{}"), JSON_DEPTH, &params, NULL) < 0 ||
        !json_is_object(params)) {
        json_decref(params);
        return SB_A_JSON;
    }
    code = write_content(s, json_str(args, "SignName", ""), params);
    json_decref(params);
    if (code == SB_A_OK &&
        (int64_t)str_utf16_units(str_of(s->content)) > sb_model_limit(m, SB_ALIYUN_TEXT)->amount)
        code = SB_A_LENGTH;
    s->parts = sb_sms_parts(str_of(s->content));
    return code;
}

/* flow control */

struct level {
    enum sb_limit_id limit;
    size_t at; /* offset of the tally in struct sb_number */
    const char *word;
};

static const struct level otp_levels[] = {
    {SB_ALIYUN_OTP_MINUTE, offsetof(struct sb_number, otp_minute), "触发分钟级流控"},
    {SB_ALIYUN_OTP_HOUR, offsetof(struct sb_number, otp_hour), "触发小时级流控"},
    {SB_ALIYUN_OTP_DAY, offsetof(struct sb_number, otp_day), "触发天级流控"},
    {SB_ALIYUN_OTP_NUMBER_DAY, offsetof(struct sb_number, otp_all_day), "触发天级流控"},
};
static const struct level notice_levels[] = {
    {SB_ALIYUN_NOTICE_DAY, offsetof(struct sb_number, notice_day), "触发天级流控"},
};
static const struct level promo_levels[] = {
    {SB_ALIYUN_PROMO_DAY, offsetof(struct sb_number, promo_day), "触发天级流控"},
};

static const struct level *levels_of(enum sb_sms_class kind, size_t *ret_count)
{
    switch (kind) {
    case SB_SMS_OTP: *ret_count = ARRAY_LEN(otp_levels); return otp_levels;
    case SB_SMS_NOTICE: *ret_count = ARRAY_LEN(notice_levels); return notice_levels;
    case SB_SMS_PROMO: break;
    }
    *ret_count = ARRAY_LEN(promo_levels);
    return promo_levels;
}

static struct sb_tally *tally_at(struct sb_number *n, const struct level *level)
{
    return (struct sb_tally *)(void *)((char *)n + level->at);
}

static enum sb_aliyun_code refuse_flow(struct sb_call *c, const char *word, int64_t permits)
{
    char *text = sb_printf("%sPermits:%" PRId64, word, permits);

    sb_sms_refuse(c, sb_aliyun_codes[SB_A_FLOW].word, text);
    mem_free(text);
    return SB_A_FLOW;
}

static enum sb_aliyun_code judge_flow(const struct sb_model *m, const struct sending *s, struct sb_call *c)
{
    size_t levels;
    const struct level *level = levels_of(s->template->kind, &levels);
    int64_t hour = shanghai_ms_of_day(c->now_ms) / SB_HOUR;

    if (s->template->kind == SB_SMS_PROMO && (hour < sb_model_limit(m, SB_ALIYUN_PROMO_FROM_HOUR)->amount ||
                                              hour >= sb_model_limit(m, SB_ALIYUN_PROMO_UNTIL_HOUR)->amount))
        return refuse_flow(c, "触发推广短信时段流控", 0);
    if (s->template->kind == SB_SMS_PROMO && s->count == 1 && s->numbers[0]->refused)
        return SB_A_REFUSED;
    for (size_t i = 0; i < s->count * levels; i++) {
        const struct sb_limit *limit = sb_model_limit(m, level[i % levels].limit);

        if (sb_tally_left(tally_at(s->numbers[i / levels], &level[i % levels]), limit, c->now_ms) < 1)
            return refuse_flow(c, level[i % levels].word, limit->amount);
    }
    return SB_A_OK;
}

static void charge_flow(const struct sb_model *m, const struct sending *s, int64_t now_ms)
{
    size_t levels;
    const struct level *level = levels_of(s->template->kind, &levels);

    for (size_t i = 0; i < s->count * levels; i++)
        (void)sb_tally_take(tally_at(s->numbers[i / levels], &level[i % levels]),
                            sb_model_limit(m, level[i % levels].limit), 1, now_ms);
}

/* reports */

struct report {
    struct sb_connection *connection;
    struct sb_detail **details;
    size_t count;
};

static void report_free(void *ctx)
{
    struct report *r = ctx;

    mem_free(r->details);
    mem_free(r);
}

static json_t *report_json(const struct sb_detail *d)
{
    char sent[SHANGHAI_TEXT_BYTES], received[SHANGHAI_TEXT_BYTES];
    char *size = sb_printf("%" PRId64, d->parts);
    json_t *o;

    shanghai_format(d->sent_ms, sent);
    shanghai_format(d->received_ms, received);
    o = sb_json("{s:s, s:s, s:s, s:b, s:s, s:s, s:s, s:s, s:s}", "phone_number", d->phone, "send_time", sent,
                "report_time", received, "success", d->delivered, "err_code", d->err_code, "err_msg",
                d->delivered ? "用户接收成功" : "发送失败", "sms_size", size, "biz_id", d->biz_id, "out_id",
                d->out_id);
    mem_free(size);
    return o;
}

static void on_report(struct sb_model *m, void *ctx, int64_t now_ms)
{
    struct report *r = ctx;
    json_t *list = sb_must_have(json_array());

    for (size_t i = 0; i < r->count; i++) {
        struct sb_detail *d = r->details[i];
        const struct sb_number *number = sb_sms_number(r->connection->sms, d->phone);

        d->received_ms = now_ms;
        if (d->err_code == NULL) /* else known since it was sent */
            d->err_code = number->fails != NULL ? number->fails : delivered;
        d->delivered = d->err_code == delivered;
        sb_json_add(list, report_json(d));
        if (json_array_size(list) < REPORT_BATCH && i + 1 < r->count)
            continue;
        sb_model_push(m, r->connection, "/report", "sms.report", sb_must_have(json_dumps(list, JSON_COMPACT)),
                      true, d->phone, d->biz_id, now_ms);
        sb_must(json_array_clear(list));
    }
    json_decref(list);
    report_free(r);
}

static const char *remember(struct sb_model *m, const struct sending *s, const struct sb_call *c,
                            const char *template_code)
{
    struct report *r = sb_new(sizeof(*r));
    char *biz_id = sb_printf("%" PRId64 "%" PRId64 "^0", c->now_ms, sb_model_next(m));

    r->connection = s->connection;
    r->count = s->count;
    r->details = sb_new(s->count * sizeof(struct sb_detail *));
    for (size_t i = 0; i < s->count; i++) {
        struct sb_detail *d = sb_new(sizeof(*d));

        d->phone = sb_copy(s->numbers[i]->phone);
        d->biz_id = sb_copy(biz_id);
        d->out_id = sb_copy(c->key);
        d->template_code = sb_copy(template_code);
        d->content = sb_copy(s->content);
        d->sent_ms = c->now_ms;
        d->parts = s->parts;
        if (s->template->kind == SB_SMS_PROMO && s->numbers[i]->refused)
            d->err_code = blacklisted;
        list_init(&d->node);
        list_add_tail(&s->numbers[i]->details, &d->node);
        r->details[i] = d;
    }
    mem_free(biz_id);
    sb_model_later(m, c->now_ms + s->sms->report_after_ms, on_report, r, report_free);
    return r->details[0]->biz_id;
}

static void write_to(struct sb_call *c, const struct sending *s)
{
    c->to = sb_must_have(json_array());
    for (size_t i = 0; i < s->count; i++)
        sb_json_add(c->to, sb_json("s", s->numbers[i]->phone));
    c->cost = s->parts * (int64_t)s->count;
}

static enum sb_aliyun_code judge(struct sb_model *m, struct sb_call *c, const json_t *args, struct sending *s)
{
    enum sb_aliyun_code code = take_numbers(m, s, json_str(args, "PhoneNumbers", ""));

    if (code == SB_A_OK && !signature_known(s->connection, json_str(args, "SignName", "")))
        code = SB_A_SIGNATURE;
    if (code == SB_A_OK)
        code = find_template(s, json_str(args, "TemplateCode", ""));
    if (code == SB_A_OK)
        code = judge_content(m, s, args);
    write_to(c, s);
    if (code == SB_A_OK &&
        (int64_t)str_code_points(str_of(c->key)) > sb_model_limit(m, SB_ALIYUN_OUT_ID)->amount)
        code = SB_A_LENGTH;
    return code == SB_A_OK ? judge_flow(m, s, c) : code;
}

enum sb_aliyun_code sb_sms_send(struct sb_model *m, struct sb_call *c, const json_t *args,
                                const char **ret_biz_id)
{
    struct sending s = {.connection = c->connection, .sms = c->connection->sms};
    enum sb_aliyun_code code;

    c->key = json_str(args, "OutId", "");
    code = judge(m, c, args, &s);
    if (code == SB_A_OK) {
        charge_flow(m, &s, c->now_ms);
        *ret_biz_id = remember(m, &s, c, json_str(args, "TemplateCode", ""));
    }
    mem_free(s.numbers);
    mem_free(s.content);
    return code;
}
