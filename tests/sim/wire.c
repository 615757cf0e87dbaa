/* SPDX-License-Identifier: Apache-2.0 */
/* Every exchange: the codec's request -> the model -> the answer's text -> the codec, as wecom_call.c,
 * official_call.c and sms_call.c do it with sockets between. */
#include "sim/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/sms/sms_acs3.h"
#include "adapters/wecom/wecom_table.h"
#include "base/json.h"
#include "base/shanghai.h"
#include "rulepack/rulepack.h"
#include "sandbox/wire.h"
#include "sim/sim.h"

#define UTC_TO_SHANGHAI_MS INT64_C(28800000)
enum { EXCHANGES_MAX = 64 };

enum wire_kind wire_kind_of(const char *connection)
{
    if (strcmp(connection, "corp") == 0)
        return WIRE_CORP;
    if (strcmp(connection, "kf") == 0)
        return WIRE_KF;
    if (strcmp(connection, "brand") == 0)
        return WIRE_OFFICIAL;
    return strcmp(connection, "sms") == 0 ? WIRE_SMS : WIRE_WEBHOOK;
}

void wire_keeper_init(struct wire_keeper *k, struct sb_model *m, const struct rulepack *rules)
{
    *k = (struct wire_keeper){.model = m, .rules = rules};
    official_tags_init(&k->tags);
}

void wire_keeper_fini(struct wire_keeper *k)
{
    official_tags_fini(&k->tags);
}

void wire_keeper_forget(struct wire_keeper *k)
{
    memset(k->tokens, 0, sizeof k->tokens);
    official_tags_forget(&k->tags);
}

/* ---- one request ---- */

struct request {
    enum sb_base base;
    bool post;
    struct str path, query, body;
    json_t *headers;
    int refusal;
};

/* The answer's text, to be freed; its HTTP status. */
static char *ask_model(struct wire_keeper *k, const struct request *r, int64_t platform_ms, int *ret_status)
{
    json_t *keep = json_object(), *headers = r->headers ? r->headers : json_object();
    struct sb_wire wire = {.base = r->base,
                           .post = r->post,
                           .path = r->path,
                           .query = r->query,
                           .body = r->body,
                           .headers = headers};
    struct sb_call call;
    char *text;

    sim_must(sb_wire_call(&wire, keep, &call), "a request that no platform reads");
    call.now_ms = platform_ms;
    if (r->refusal && r->base == SB_BASE_ALIYUN)
        sb_model_refuse(k->model, &call, 0, "isp.SYSTEM_ERROR");
    else if (r->refusal)
        sb_model_refuse(k->model, &call, r->refusal, NULL);
    else
        sb_model_call(k->model, &call, true);
    *ret_status = call.status;
    text = json_dumps(call.answer, JSON_COMPACT);
    sb_call_fini(&call);
    json_decref(keep);
    if (!r->headers)
        json_decref(headers);
    sim_must(text != NULL, "an answer");
    return text;
}

static void login(struct wire_keeper *k, enum wire_kind kind, int64_t platform_ms)
{
    struct request r = {.base = SB_BASE_WECOM, .path = STR("cgi-bin/gettoken")};
    json_t *answer = NULL;
    int status;

    if (kind == WIRE_OFFICIAL)
        r = (struct request){
            .base = SB_BASE_OFFICIAL,
            .post = true,
            .path = STR("cgi-bin/stable_token"),
            .body = STR("{\"grant_type\":\"client_credential\",\"appid\":\"wx1\",\"secret\":\"S\"}")};
    else
        r.query = kind == WIRE_KF ? STR("corpid=ww1&corpsecret=K") : STR("corpid=ww1&corpsecret=S");
    char *text = ask_model(k, &r, platform_ms, &status);
    sim_must(json_parse(str_of(text), JSON_DEPTH, &answer, NULL) == 0, "a token's answer");
    (void)snprintf(k->tokens[kind], sizeof k->tokens[kind], "%s", json_str(answer, "access_token", ""));
    sim_must(k->tokens[kind][0] != '\0', "a token");
    json_decref(answer);
    free(text);
}

/* A request that wants a token, with the one there is. */
static char *ask_with_token(struct wire_keeper *k, enum wire_kind kind, const struct request *given,
                            int64_t platform_ms, int *ret_status)
{
    struct request r = *given;
    struct buf query;

    buf_init(&query, 65536);
    if (kind != WIRE_WEBHOOK) {
        if (!k->tokens[kind][0])
            login(k, kind, platform_ms);
        (void)buf_addf(&query, "access_token=%s%s", k->tokens[kind], r.query.n ? "&" : "");
    }
    (void)buf_add_str(&query, r.query);
    r.query = buf_str(&query);
    if (r.path.n && r.path.p[0] == '/')
        r.path = str_sub(r.path, 1, r.path.n);
    char *text = ask_model(k, &r, platform_ms, ret_status);
    buf_fini(&query);
    return text;
}

/* ---- WeCom ---- */

static int begin_wecom(struct wire *w, const struct call *call, const struct recipient *to, size_t n)
{
    const struct wecom_table *t = w->kind == WIRE_CORP ? &wecom_corp_table
                                  : w->kind == WIRE_KF ? &wecom_kf_table
                                                       : &wecom_webhook_table;
    struct call named = *call;

    if (w->kind == WIRE_KF)
        named.account = STR("wk1");
    wecom_ask_init(&w->wecom);
    int err = wecom_ask_begin(&w->wecom, t->ops, t->count, &named, to, n);
    if (err)
        (void)snprintf(w->error, sizeof w->error, "%s", w->wecom.fault);
    return err;
}

static char *send_wecom(struct wire *w, int64_t platform_ms, int refusal)
{
    const struct wecom_request *q = &w->wecom.request;
    struct str query = buf_str(&q->query);
    struct request r = {.base = SB_BASE_WECOM,
                        .post = strcmp(q->method, "POST") == 0,
                        .path = str_of(q->path),
                        .query = query,
                        .body = buf_str(&q->body),
                        .refusal = refusal};
    char key[64];
    int status;

    if (w->kind == WIRE_WEBHOOK) { /* wecom_webhook.c adds the key */
        (void)snprintf(key, sizeof key, "key=%s-key", w->connection);
        r.query = str_of(key);
    }
    return ask_with_token(w->keeper, w->kind, &r, platform_ms, &status);
}

/* True: once more. */
static bool take_wecom(struct wire *w, const char *text, struct facts *ret)
{
    struct wecom_answer a;
    bool more = false;

    if (wecom_answer_read(str_of(text), &a) != 0) {
        ret->outcome = OUTCOME_UNKNOWN;
        return false;
    }
    const struct code_rule *rule = rulepack_code(w->keeper->rules, "wecom", w->wecom.op, a.errcode);
    if (a.errcode && rule->renew_token && w->kind != WIRE_WEBHOOK && !w->renewed) {
        w->renewed = more = true;
        w->keeper->tokens[w->kind][0] = '\0';
    } else if (a.errcode) {
        ret->errcode = a.errcode;
        ret->outcome = rule->outcome;
        ret->freeze = rule->freeze;
        (void)snprintf(w->error, sizeof w->error, "%s", a.errmsg);
    } else {
        int r = wecom_ask_take(&w->wecom, a.json);
        more = r == WECOM_MORE;
        ret->outcome = r < 0 ? OUTCOME_UNKNOWN : w->wecom.outcome;
        ret->provider_id = w->wecom.provider_id;
        ret->items = w->wecom.items.rows;
        ret->item_count = w->wecom.items.count;
        ret->data = w->wecom.data;
    }
    wecom_answer_fini(&a);
    return more;
}

/* ---- official account ---- */

static int begin_official(struct wire *w, int64_t now_ms, const struct call *call, const struct recipient *to,
                          size_t n)
{
    official_ask_init(&w->official, &w->keeper->tags, false, now_ms);
    int err = official_ask_begin(&w->official, call, to, n);
    if (err)
        (void)snprintf(w->error, sizeof w->error, "%s", w->official.fault);
    return err;
}

static char *send_official(struct wire *w, int64_t platform_ms, int refusal)
{
    const struct official_request *q = &w->official.request;
    struct request r = {.base = SB_BASE_OFFICIAL,
                        .post = strcmp(q->method, "POST") == 0,
                        .path = str_of(q->path),
                        .query = buf_str(&q->query),
                        .body = buf_str(&q->body),
                        .refusal = refusal};
    int status;

    return ask_with_token(w->keeper, WIRE_OFFICIAL, &r, platform_ms, &status);
}

static void refused_official(struct wire *w, const struct official_answer *a, const struct code_rule *rule,
                             struct facts *ret)
{
    ret->errcode = a->errcode;
    ret->freeze = rule->freeze;
    ret->retry_ms = rule->retry_ms > 0 ? rule->retry_ms : 0;
    ret->outcome =
        rule->outcome == OUTCOME_UNKNOWN && w->official.preparing ? OUTCOME_NOT_SENT : rule->outcome;
    if (rule->outcome == OUTCOME_ACCEPTED && official_ask_take(&w->official, a->json) == OFFICIAL_DONE)
        ret->provider_id = w->official.provider_id;
    (void)snprintf(w->error, sizeof w->error, "%s", a->errmsg);
}

static bool take_official(struct wire *w, const char *text, struct facts *ret)
{
    struct official_answer a;
    bool more = false;

    if (official_answer_read(str_of(text), &a) != 0) {
        ret->outcome = w->official.preparing ? OUTCOME_NOT_SENT : OUTCOME_UNKNOWN;
        return false;
    }
    enum call_op op = w->official.preparing ? CALL_TAG_MEMBERS : w->official.op;
    const struct code_rule *rule = rulepack_code(w->keeper->rules, "official", op, a.errcode);
    if (a.errcode && rule->renew_token && !w->renewed) {
        w->renewed = more = true;
        w->keeper->tokens[WIRE_OFFICIAL][0] = '\0';
    } else if (a.errcode) {
        refused_official(w, &a, rule, ret);
    } else {
        int r = official_ask_take(&w->official, a.json);
        more = r == OFFICIAL_MORE;
        ret->outcome = r < 0 ? OUTCOME_UNKNOWN : w->official.outcome;
        ret->provider_id = w->official.provider_id;
        ret->data = w->official.data;
    }
    official_answer_fini(&a);
    return more;
}

/* ---- SMS ---- */

static int begin_sms(struct wire *w, const struct call *call, const struct recipient *to, size_t n)
{
    w->sender = (struct sms_sender){
        .signature = STR("品牌"), .refusal_text = STR("拒收请回复R"), .rules = w->keeper->rules};
    sms_ask_init(&w->sms, &w->sender);
    int err = sms_ask_begin(&w->sms, call, to, n);
    if (err)
        (void)snprintf(w->error, sizeof w->error, "%s", w->sms.fault ? w->sms.fault : "");
    return err;
}

static json_t *sms_headers(struct wire *w, const struct sms_acs3 *q, int64_t *ret_err)
{
    struct sms_signature signature;
    struct buf authorization;

    buf_init(&authorization, 4096);
    *ret_err = sms_acs3_sign(q, STR("S"), &signature);
    if (!*ret_err)
        *ret_err = sms_acs3_authorization(q, STR("I"), &signature, &authorization);
    json_t *headers =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "host", q->host, "x-acs-action", q->action,
                  "x-acs-version", q->version, "x-acs-date", q->date, "x-acs-signature-nonce", q->nonce,
                  "x-acs-content-sha256", signature.body_digest, "authorization", buf_cstr(&authorization));
    if (q->content_type)
        (void)json_object_set_new(headers, "content-type", json_string(q->content_type));
    buf_fini(&authorization);
    (void)w;
    return headers;
}

static char *send_sms(struct wire *w, int64_t platform_ms, int refusal, int *ret_status)
{
    struct civil t = shanghai_civil(platform_ms - UTC_TO_SHANGHAI_MS);
    char date[64], nonce[40];
    int64_t err;

    (void)snprintf(date, sizeof date, "%04d-%02d-%02dT%02d:%02d:%02dZ", t.year, t.month, t.day, t.hour,
                   t.minute, t.second);
    (void)snprintf(nonce, sizeof nonce, "sim%llu", (unsigned long long)++w->keeper->nonce);
    struct sms_acs3 q = {.method = "POST",
                         .uri = "/",
                         .host = "dysmsapi.aliyuncs.com",
                         .action = w->sms.action,
                         .version = SMS_API_VERSION,
                         .date = date,
                         .nonce = nonce,
                         .query = buf_str(&w->sms.params)};
    struct request r = {
        .base = SB_BASE_ALIYUN, .post = true, .path = STR(""), .query = q.query, .refusal = refusal};
    r.headers = sms_headers(w, &q, &err);
    sim_must(!err, "signing");
    char *text = ask_model(w->keeper, &r, platform_ms, ret_status);
    json_decref(r.headers);
    return text;
}

static bool take_sms(struct wire *w, const char *text, int status, struct facts *ret)
{
    struct sms_answer a;
    bool more = false;

    ret->items = w->sms.items.rows;
    ret->item_count = w->sms.items.count;
    if (sms_answer_read(str_of(text), &a) != 0) {
        ret->outcome = OUTCOME_UNKNOWN;
        return false;
    }
    if (strcmp(a.word, "OK") == 0 && status == 200) {
        int r = sms_ask_take(&w->sms, a.json);
        more = r == SMS_MORE;
        ret->outcome = r < 0 ? OUTCOME_UNKNOWN : w->sms.outcome;
        ret->provider_id = w->sms.provider_id;
        ret->data = w->sms.data;
        ret->items = w->sms.items.rows;
        ret->item_count = w->sms.items.count;
    } else {
        const struct code_rule *rule = rulepack_word(w->keeper->rules, "aliyun", str_of(a.word));
        bool about_a_person = rule->unreachable || rule->refused;
        ret->outcome = about_a_person && w->sms.number_count > 1 ? OUTCOME_NOT_SENT : rule->outcome;
        ret->retry_ms = rule->retry_ms > 0 ? rule->retry_ms : 0;
        ret->freeze = rule->freeze;
        (void)snprintf(w->error, sizeof w->error, "%s", a.word);
    }
    sms_answer_fini(&a);
    return more;
}

/* ---- all ---- */

int wire_begin(struct wire *w, struct wire_keeper *k, const char *connection, int64_t now_ms,
               const struct call *call, const struct recipient *to, size_t n, struct facts *ret)
{
    int err;

    *w = (struct wire){.keeper = k, .kind = wire_kind_of(connection), .connection = connection};
    switch (w->kind) {
    case WIRE_OFFICIAL: err = begin_official(w, now_ms, call, to, n); break;
    case WIRE_SMS: err = begin_sms(w, call, to, n); break;
    default: err = begin_wecom(w, call, to, n);
    }
    if (!err)
        return 0;
    bool finding = err == ERR_INVALID || err == ERR_TOO_BIG;
    *ret =
        (struct facts){.outcome = finding ? OUTCOME_PERMANENT : OUTCOME_NOT_SENT, .error = str_of(w->error)};
    return err;
}

void wire_fini(struct wire *w)
{
    switch (w->kind) {
    case WIRE_OFFICIAL: official_ask_fini(&w->official); break;
    case WIRE_SMS: sms_ask_fini(&w->sms); break;
    default: wecom_ask_fini(&w->wecom);
    }
}

void wire_exchange(struct wire *w, int64_t platform_ms, int refusal, struct facts *ret)
{
    bool more = true;
    int rounds = 0;

    *ret = (struct facts){.bytes_out = 100, .http = 200, .date_ms = platform_ms / 1000 * 1000};
    while (more && ++rounds < EXCHANGES_MAX) {
        int status = 200;
        char *text = w->kind == WIRE_SMS        ? send_sms(w, platform_ms, refusal, &status)
                     : w->kind == WIRE_OFFICIAL ? send_official(w, platform_ms, refusal)
                                                : send_wecom(w, platform_ms, refusal);
        more = w->kind == WIRE_SMS        ? take_sms(w, text, status, ret)
               : w->kind == WIRE_OFFICIAL ? take_official(w, text, ret)
                                          : take_wecom(w, text, ret);
        free(text);
    }
    ret->error = str_of(w->error);
}

json_t *wire_sync(struct wire_keeper *k, int64_t platform_ms, struct str body, int *reterr)
{
    struct request r = {
        .base = SB_BASE_WECOM, .post = true, .path = STR("cgi-bin/kf/sync_msg"), .body = body};
    json_t *answer = NULL;

    for (int i = 0; i < 2 && !answer; i++) {
        int status;
        char *text = ask_with_token(k, WIRE_KF, &r, platform_ms, &status);
        sim_must(json_parse(str_of(text), JSON_DEPTH, &answer, NULL) == 0, "a page's answer");
        free(text);
        *reterr = (int)json_int(answer, "errcode", -1);
        if (*reterr) {
            json_decref(answer);
            answer = NULL;
        }
        if (*reterr == 40014 || *reterr == 42001)
            k->tokens[WIRE_KF][0] = '\0';
    }
    return answer;
}
