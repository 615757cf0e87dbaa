/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/sms/sms_wire.h"

#include <errno.h>
#include <stdio.h>

#include "adapters/sms/sms_acs3.h"
#include "adapters/sms/sms_phone.h"
#include "base/json.h"
#include "base/map.h"
#include "base/shanghai.h"
#include "rulepack/rulepack.h"

enum {
    ASK_MEMORY_BYTES = 1024 * 1024,
    TEXT_BYTES = 64 * 1024, /* of one parameter */
    NUMBERS_MAX = 1000,
    QUERY_DAYS = 3,
    ANSWER_DEPTH = 8,
};

void sms_ask_init(struct sms_ask *a, const struct sms_sender *who)
{
    *a = (struct sms_ask){.who = who, .outcome = OUTCOME_ACCEPTED};
    arena_init(&a->memory, ASK_MEMORY_BYTES);
    vec_init(&a->items, &a->memory, sizeof(struct item_result));
    buf_init(&a->params, SMS_PARAMS_BYTES);
}

void sms_ask_fini(struct sms_ask *a)
{
    json_decref(a->data);
    buf_fini(&a->params);
    arena_fini(&a->memory);
}

static int refuse(struct sms_ask *a, const char *word)
{
    a->fault = word;
    a->outcome = OUTCOME_PERMANENT;
    return ERR_INVALID;
}

static int keep(struct sms_ask *a, struct str s, struct str *ret)
{
    char *copy = arena_str(&a->memory, s);

    if (!copy)
        return -ENOMEM;
    *ret = (struct str){copy, s.n};
    return 0;
}

static int add_item(struct sms_ask *a, struct delivery_id id, struct str to, enum outcome outcome)
{
    struct item_result *item = vec_add(&a->items);
    struct str copy;

    if (!item || keep(a, to, &copy) < 0)
        return -ENOMEM;
    *item = (struct item_result){.id = id, .to = copy, .outcome = outcome};
    return 0;
}

/* ---- SendSms ---- */

/* What must be true of every message before anybody is asked to pay for it. */
static int check_content(struct sms_ask *a, const struct call *call)
{
    const struct content *c = call->content;

    if (!c || c->provider_template.n == 0)
        return refuse(a, "sms.no_template");
    if (a->who->signature.n == 0)
        return refuse(a, "sms.no_signature");
    if (rulepack_class(a->who->rules, call->class)->marketing &&
        !str_ends(str_trim(c->text), a->who->refusal_text))
        return refuse(a, "sms.no_refusal_text");
    if (c->params && !json_is_object(c->params))
        return refuse(a, "isv.INVALID_JSON_PARAM");
    return 0;
}

/* Appends the number unless it is there already: two ways to write it are one person. */
static int add_number(struct sms_ask *a, struct map_str *seen, struct str phone, struct buf *out)
{
    int r;

    if (map_str_find(seen, phone))
        return 0;
    r = map_str_put_i64(seen, phone, 1);
    if (r < 0)
        return r;
    if (a->number_count++)
        (void)buf_addc(out, ',');
    return buf_add_str(out, phone);
}

static int add_numbers(struct sms_ask *a, const struct recipient *to, size_t n, struct buf *out)
{
    struct map_str AUTO(map_str_fini) seen;
    int r = 0;

    map_str_init(&seen, NUMBERS_MAX);
    for (size_t i = 0; r == 0 && i < n; i++) {
        struct str phone;

        if (sms_phone_read(to[i].to, &phone) < 0)
            r = add_item(a, to[i].id, to[i].to, OUTCOME_PERMANENT);
        else
            r = add_number(a, &seen, phone, out);
    }
    if (r == 0 && a->number_count == 0)
        return refuse(a, "isv.MOBILE_NUMBER_ILLEGAL");
    return r;
}

static int write_send(struct sms_ask *a, const struct call *call, struct str numbers, struct str filling)
{
    struct sms_param p[6];
    size_t n = 0;

    a->action = "SendSms";
    p[n++] = (struct sms_param){"PhoneNumbers", numbers};
    p[n++] = (struct sms_param){"SignName", a->who->signature};
    p[n++] = (struct sms_param){"TemplateCode", call->content->provider_template};
    if (call->key.n)
        p[n++] = (struct sms_param){"OutId", call->key};
    if (filling.n)
        p[n++] = (struct sms_param){"TemplateParam", filling};
    if (a->who->region.n)
        p[n++] = (struct sms_param){"RegionId", a->who->region};
    return sms_acs3_query(p, n, &a->params);
}

static int begin_send(struct sms_ask *a, const struct call *call, const struct recipient *to, size_t n)
{
    struct buf AUTO(buf_fini) numbers, AUTO(buf_fini) filling;
    int r;

    buf_init(&numbers, TEXT_BYTES);
    buf_init(&filling, TEXT_BYTES);
    r = check_content(a, call);
    if (r == 0 && n > NUMBERS_MAX)
        r = refuse(a, "isv.MOBILE_COUNT_OVER_LIMIT");
    if (r == 0)
        r = add_numbers(a, to, n, &numbers);
    if (r == 0 && call->content->params)
        r = json_write_compact(call->content->params, &filling);
    if (r == 0)
        r = write_send(a, call, buf_str(&numbers), buf_str(&filling));
    return r == ERR_TOO_BIG ? refuse(a, "isv.PARAM_LENGTH_LIMIT") : r;
}

static int take_send(struct sms_ask *a, const json_t *answer)
{
    int r = keep(a, str_of(json_str(answer, "BizId", "")), &a->provider_id);

    return r < 0 ? r : SMS_DONE;
}

/* ---- QuerySendDetails ---- */

static int write_query(struct sms_ask *a)
{
    const struct sms_query *q = &a->query;
    struct civil day = shanghai_civil(shanghai_day_start_ms(q->day));
    char date[40], page[24], size[24];
    struct sms_param p[5] = {{"PhoneNumber", q->phone}};
    size_t n = 1;

    (void)snprintf(date, sizeof(date), "%04d%02d%02d", day.year, day.month, day.day);
    (void)snprintf(page, sizeof(page), "%lld", (long long)q->page);
    (void)snprintf(size, sizeof(size), "%d", SMS_DETAIL_PAGE);
    p[n++] = (struct sms_param){"SendDate", str_of(date)};
    p[n++] = (struct sms_param){"CurrentPage", str_of(page)};
    p[n++] = (struct sms_param){"PageSize", str_of(size)};
    if (a->who->region.n)
        p[n++] = (struct sms_param){"RegionId", a->who->region};
    a->action = "QuerySendDetails";
    buf_reset(&a->params);
    return sms_acs3_query(p, n, &a->params);
}

static int set_found(struct sms_ask *a, bool found)
{
    if (!a->data)
        a->data = json_object();
    return json_object_set_new(a->data, "found", json_boolean(found)) < 0 ? -ENOMEM : SMS_DONE;
}

/* The days that may hold the message, as Aliyun counts them; a request around midnight may be on either. */
static int read_days(struct sms_query *q, const json_t *params)
{
    int64_t from_ms = json_int(params, "from_ms", 0);
    int64_t to_ms = json_int(params, "to_ms", from_ms);

    if (from_ms <= 0 || to_ms < from_ms)
        return ERR_INVALID;
    q->day = shanghai_day_index(from_ms);
    q->last_day = shanghai_day_index(to_ms);
    return q->last_day - q->day < QUERY_DAYS ? 0 : ERR_INVALID;
}

static int begin_query(struct sms_ask *a, const struct call *call, const struct recipient *to, size_t n)
{
    struct sms_query *q = &a->query;
    const char *named = json_str(call->params, "to", NULL);
    struct str who = named ? str_of(named) : n ? to[0].to : (struct str){0};
    int r;

    if (call->key.n + call->handle.n == 0 || read_days(q, call->params) < 0)
        return refuse(a, "sms.incomplete_query");
    r = keep(a, who, &q->to);
    if (r == 0 && sms_phone_read(q->to, &q->phone) < 0)
        return refuse(a, "isv.MOBILE_NUMBER_ILLEGAL");
    if (r == 0)
        r = keep(a, call->key, &q->key);
    if (r == 0)
        r = keep(a, call->handle, &q->handle);
    q->page = 1;
    return r < 0 ? r : write_query(a);
}

static bool is_ours(const struct sms_query *q, const json_t *row)
{
    struct str out_id = str_of(json_str(row, "OutId", ""));

    return out_id.n && (str_eq(out_id, q->key) || str_eq(out_id, q->handle));
}

/* Waiting for the carrier's report: Aliyun has taken it all the same. */
static int take_row(struct sms_ask *a, const json_t *row)
{
    static const enum outcome verdicts[] = {OUTCOME_PENDING, OUTCOME_ACCEPTED, OUTCOME_PERMANENT,
                                            OUTCOME_DELIVERED};
    int64_t status = json_int(row, "SendStatus", 0);
    bool known = status >= 1 && status < (int64_t)ARRAY_LEN(verdicts);
    int r = add_item(a, (struct delivery_id){0}, a->query.to, verdicts[known ? status : 0]);

    if (r < 0)
        return r;
    json_decref(a->data);
    a->data = json_pack("{s:I, s:s, s:s}", "status", (json_int_t)status, "err_code",
                        json_str(row, "ErrCode", ""), "receive_date", json_str(row, "ReceiveDate", ""));
    return set_found(a, true);
}

static int next_page(struct sms_ask *a, int64_t total)
{
    struct sms_query *q = &a->query;

    q->pages_read++;
    if (q->page * SMS_DETAIL_PAGE < total) {
        q->page++;
    } else if (q->day < q->last_day) {
        q->day++;
        q->page = 1;
    } else {
        return set_found(a, false);
    }
    if (q->pages_read >= SMS_DETAIL_PAGES)
        return ERR_TOO_BIG;
    return write_query(a) < 0 ? -ENOMEM : SMS_MORE;
}

static int take_query(struct sms_ask *a, const json_t *answer)
{
    const json_t *rows = json_object_get(json_object_get(answer, "SmsSendDetailDTOs"), "SmsSendDetailDTO");
    int64_t total = json_int(answer, "TotalCount", -1);

    if (!json_is_array(rows) || total < 0 || total > INT32_MAX)
        return ERR_SYNTAX;
    for (size_t i = 0; i < json_array_size(rows); i++)
        if (is_ours(&a->query, json_array_get(rows, i)))
            return take_row(a, json_array_get(rows, i));
    return next_page(a, total);
}

/* ---- all asks ---- */

int sms_ask_begin(struct sms_ask *a, const struct call *call, const struct recipient *to, size_t n)
{
    a->op = call->op;
    switch (call->op) {
    case CALL_SEND: return begin_send(a, call, to, n);
    case CALL_QUERY: return begin_query(a, call, to, n);
    default: return ERR_UNSUPPORTED;
    }
}

int sms_ask_take(struct sms_ask *a, const json_t *answer)
{
    return a->op == CALL_SEND ? take_send(a, answer) : take_query(a, answer);
}

/* "触发分钟级流控Permits:1": only the message says which window is full. */
static const char *level_of(struct str message)
{
    static const struct {
        struct str sign;
        const char *level;
    } levels[] = {{{"分钟", 6}, ":minute"},   {{"小时", 6}, ":hour"}, {{"天级", 6}, ":day"},
                  {{"minute", 6}, ":minute"}, {{"hour", 4}, ":hour"}, {{"day", 3}, ":day"}};

    for (size_t i = 0; i < ARRAY_LEN(levels); i++)
        if (str_find(message, levels[i].sign) < message.n)
            return levels[i].level;
    return "";
}

int sms_answer_read(struct str body, struct sms_answer *ret)
{
    json_t *json = NULL;
    const char *code;
    bool flow;
    int r = json_parse(body, ANSWER_DEPTH, &json, NULL);

    if (r < 0)
        return r == -ENOMEM ? r : ERR_SYNTAX;
    code = json_str(json, "Code", "");
    if (!*code) {
        json_decref(json);
        return ERR_SYNTAX;
    }
    ret->json = json;
    ret->message = json_str(json, "Message", "");
    flow = str_is(str_of(code), "isv.BUSINESS_LIMIT_CONTROL");
    (void)snprintf(ret->word, sizeof(ret->word), "%s%s", code, flow ? level_of(str_of(ret->message)) : "");
    return 0;
}

void sms_answer_fini(struct sms_answer *a)
{
    json_decref(a->json);
    a->json = NULL;
}
