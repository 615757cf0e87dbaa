/* SPDX-License-Identifier: Apache-2.0 */
/* Aliyun's two calls, and who may make them.
 *
 * SendSms judges the whole call before it counts anything: what is refused was sent to nobody. Templates are
 * checked by text and class where the configuration gives them; otherwise any SMS_<digits> passes as a
 * notification.
 */
#include "sandbox/sms.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/shanghai.h"
#include "sandbox/acs3.h"
#include "sandbox/must.h"
#include "sandbox/sms_send.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MOST_THINGS = 10 * 1000 * 1000 };

struct sb_sms *sb_sms_of(struct sb_model *m, const char *access_key_id)
{
    struct sb_sms *s = map_str_get(&m->smses, str_of(access_key_id));

    if (s != NULL)
        return s;
    s = sb_new(sizeof(*s));
    s->access_key_id = access_key_id;
    s->report_after_ms = 3 * SB_SECOND;
    map_str_init(&s->numbers, MOST_THINGS);
    map_str_init(&s->templates, MOST_THINGS);
    map_str_init(&s->nonces, MOST_THINGS);
    sb_must(map_str_put(&m->smses, str_of(access_key_id), s));
    return s;
}

static void number_free(struct sb_number *n)
{
    while (!list_empty(&n->details)) {
        struct sb_detail *d = container_of(n->details.next, struct sb_detail, node);

        list_del(&d->node);
        mem_free(d->phone);
        mem_free(d->biz_id);
        mem_free(d->out_id);
        mem_free(d->template_code);
        mem_free(d->content);
        mem_free(d);
    }
    mem_free(n->phone);
    mem_free(n);
}

void sb_sms_free(struct sb_sms *s)
{
    size_t at = 0;
    struct str key;
    union map_val val;

    if (s == NULL)
        return;
    while (map_str_next(&s->numbers, &at, &key, &val))
        number_free(val.p);
    for (at = 0; map_str_next(&s->templates, &at, &key, &val);)
        mem_free(val.p);
    map_str_fini(&s->numbers);
    map_str_fini(&s->templates);
    map_str_fini(&s->nonces);
    mem_free(s);
}

struct sb_number *sb_sms_number(struct sb_sms *s, const char *phone)
{
    struct sb_number *n = map_str_get(&s->numbers, str_of(phone));

    if (n != NULL)
        return n;
    n = sb_new(sizeof(*n));
    n->phone = sb_copy(phone);
    list_init(&n->details);
    sb_must(map_str_put(&s->numbers, str_of(phone), n));
    return n;
}

void sb_sms_add_template(struct sb_sms *s, const char *code, const char *text, enum sb_sms_class kind)
{
    struct sb_sms_template *t = map_str_get(&s->templates, str_of(code));

    if (t == NULL) {
        t = sb_new(sizeof(*t));
        sb_must(map_str_put(&s->templates, str_of(code), t));
    }
    *t = (struct sb_sms_template){.code = code, .text = text, .kind = kind};
    s->templates_given = true;
}

void sb_sms_reply(struct sb_model *m, struct sb_connection *conn, const char *phone, const char *content,
                  int64_t now_ms)
{
    struct str word = str_trim(str_of(content));
    char *sequence = sb_printf("%" PRId64, sb_model_next(m));
    char when[SHANGHAI_TEXT_BYTES];
    json_t *up;

    if (str_eq_nocase(word, STR("R")) || str_eq_nocase(word, STR("TD")))
        sb_sms_number(conn->sms, phone)->refused = true;
    shanghai_format(now_ms, when);
    up = sb_json("[{s:s, s:s, s:s, s:s, s:s}]", "phone_number", phone, "content", content, "send_time", when,
                 "dest_code", "1069001", "sequence_id", sequence);
    sb_model_push(m, conn, "/up", "sms.mo", sb_must_have(json_dumps(up, JSON_COMPACT)), true, phone, sequence,
                  now_ms);
    json_decref(up);
    mem_free(sequence);
}

/* answers */

void sb_sms_refuse(struct sb_call *c, const char *code, const char *text)
{
    c->errcode = -1;
    c->cost = 0;
    for (size_t i = 0; i < SB_ALIYUN_CODE_COUNT; i++) {
        if (strcmp(sb_aliyun_codes[i].word, code) != 0)
            continue;
        code = sb_aliyun_codes[i].word; /* constant: outlives the call */
        if (text == NULL)
            text = sb_aliyun_codes[i].text;
    }
    c->code = code;
    /* Business refusals come as 200, those of the API gateway do not. */
    if (strncmp(code, "isv.", 4) != 0 && strncmp(code, "isp.", 4) != 0)
        c->status = strstr(code, "NotFound") != NULL ? 404 : 400;
    c->answer = sb_json("{s:s, s:s, s:s}", "Code", code, "Message", text != NULL ? text : code, "RequestId",
                        "SB-REFUSED");
}

static void refuse(struct sb_call *c, enum sb_aliyun_code code)
{
    sb_sms_refuse(c, sb_aliyun_codes[code].word, NULL);
}

static json_t *accepted(struct sb_model *m, struct sb_call *c)
{
    char *id = sb_printf("SB%016" PRIX64, sb_model_random(m));

    c->errcode = 0;
    c->code = sb_aliyun_codes[SB_A_OK].word;
    c->answer = sb_json("{s:s, s:s, s:s}", "Code", "OK", "Message", "OK", "RequestId", id);
    mem_free(id);
    return c->answer;
}

/* who calls */

void sb_sms_identify(struct sb_model *m, struct sb_call *c)
{
    struct str key = sb_acs3_key(json_str(c->headers, "authorization", ""));

    for (struct list *n = m->connections.next; n != &m->connections; n = n->next) {
        struct sb_connection *conn = container_of(n, struct sb_connection, node);

        if (conn->sms == NULL || !str_is(key, conn->owner))
            continue;
        c->connection = conn;
        return;
    }
}

/* The base stands for the platform's host, so a sender may sign the path with it or without it. */
static bool signature_good(const struct sb_call *c)
{
    const char *uris[] = {"/", "/aliyun/", "/aliyun"};

    for (size_t i = 0; i < ARRAY_LEN(uris); i++) {
        struct sb_acs3 r = {.method = c->post ? "POST" : "GET",
                            .uri = uris[i],
                            .query = c->raw_query,
                            .headers = c->headers,
                            .body = c->raw};

        if (sb_acs3_check(&r, c->connection->secret))
            return true;
    }
    return false;
}

static bool date_good(const struct sb_model *m, const struct sb_call *c)
{
    struct str text = str_of(json_str(c->headers, "x-acs-date", ""));
    int64_t at_ms;

    if (!str_ends(text, STR("Z")) || shanghai_parse(str_sub(text, 0, text.n - 1), &at_ms) != 0)
        return false;
    at_ms += 8 * SB_HOUR; /* it was UTC */
    return llabs(at_ms - c->now_ms) <= sb_model_limit(m, SB_ALIYUN_DATE_SKEW)->window_ms;
}

static enum sb_aliyun_code judge_call(struct sb_model *m, struct sb_call *c)
{
    struct str nonce = str_of(json_str(c->headers, "x-acs-signature-nonce", ""));

    if (c->connection == NULL)
        return SB_A_NO_KEY;
    if (!signature_good(c) || nonce.n == 0)
        return SB_A_UNSIGNED;
    if (!date_good(m, c))
        return SB_A_EXPIRED;
    if (map_str_find(&c->connection->sms->nonces, nonce) != NULL)
        return SB_A_NONCE;
    sb_must(map_str_put_i64(&c->connection->sms->nonces, nonce, c->now_ms));
    if (strcmp(json_str(c->headers, "x-acs-version", ""), "2017-05-25") != 0)
        return SB_A_VERSION;
    return SB_A_OK;
}

/* QuerySendDetails */

static bool detail_wanted(const struct sb_detail *d, const char *date, const char *biz_id)
{
    struct civil civil = shanghai_civil(d->sent_ms);
    char day[32];

    (void)snprintf(day, sizeof(day), "%04d%02d%02d", civil.year, civil.month, civil.day);
    return strcmp(day, date) == 0 && (biz_id[0] == '\0' || strcmp(biz_id, d->biz_id) == 0);
}

static json_t *detail_json(const struct sb_detail *d)
{
    char sent[SHANGHAI_TEXT_BYTES], received[SHANGHAI_TEXT_BYTES] = "";
    int status = d->err_code == NULL ? 1 : d->delivered ? 3 : 2;

    shanghai_format(d->sent_ms, sent);
    if (d->err_code != NULL)
        shanghai_format(d->received_ms, received);
    return sb_json("{s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:s}", "PhoneNum", d->phone, "SendStatus", status,
                   "ErrCode", d->err_code != NULL ? d->err_code : "", "TemplateCode", d->template_code,
                   "Content", d->content, "SendDate", sent, "ReceiveDate", received, "OutId", d->out_id);
}

static void query_details(struct sb_model *m, struct sb_call *c, const json_t *args)
{
    int64_t size = json_int(args, "PageSize", 0), page = json_int(args, "CurrentPage", 0), seen = 0;
    const char *phone = sb_sms_plain_number(json_str(args, "PhoneNumber", ""));
    const struct sb_number *number;
    json_t *list;

    if (phone == NULL || size < 1 || size > sb_model_limit(m, SB_ALIYUN_DETAIL_PAGE)->amount || page < 1) {
        refuse(c, phone == NULL ? SB_A_NUMBER : SB_A_ARGUMENT);
        return;
    }
    list = sb_must_have(json_array());
    number = map_str_get(&c->connection->sms->numbers, str_of(phone));
    for (struct list *n = number != NULL ? number->details.next : NULL; n != NULL && n != &number->details;
         n = n->next) {
        const struct sb_detail *d = container_of(n, struct sb_detail, node);

        if (c->now_ms - d->sent_ms >= sb_model_limit(m, SB_ALIYUN_DETAIL_DAYS)->window_ms ||
            !detail_wanted(d, json_str(args, "SendDate", ""), json_str(args, "BizId", "")))
            continue;
        if (seen >= (page - 1) * size && seen < page * size)
            sb_json_add(list, detail_json(d));
        seen++;
    }
    sb_must(json_object_update_new(accepted(m, c), sb_json("{s:I, s:{s:o}}", "TotalCount", (json_int_t)seen,
                                                           "SmsSendDetailDTOs", "SmsSendDetailDTO", list)));
}

/* calls */

/* Parameters come in the query or as a form body. */
static json_t *arguments(const struct sb_call *c)
{
    json_t *args = json_is_object(c->query) ? json_copy((json_t *)c->query) : json_object();

    (void)sb_must_have(args);
    if (json_is_object(c->body))
        sb_must(json_object_update(args, (json_t *)c->body));
    return args;
}

void sb_sms_call(struct sb_model *m, struct sb_call *c)
{
    enum sb_aliyun_code code = judge_call(m, c);
    const char *action = json_str(c->headers, "x-acs-action", "");
    json_t *args;

    if (code != SB_A_OK) {
        refuse(c, code);
        return;
    }
    args = arguments(c);
    if (strcmp(action, "SendSms") == 0) {
        const char *biz_id = NULL;

        code = sb_sms_send(m, c, args, &biz_id);
        if (code == SB_A_OK)
            sb_json_set(accepted(m, c), "BizId", sb_json("s", biz_id));
        else if (c->answer == NULL)
            refuse(c, code);
    } else if (strcmp(action, "QuerySendDetails") == 0) {
        query_details(m, c, args);
    } else {
        refuse(c, SB_A_ACTION);
    }
    json_decref(args);
}
