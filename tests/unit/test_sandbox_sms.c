/* SPDX-License-Identifier: Apache-2.0 */
/* Aliyun seen from outside: who may call, what a number takes, what is reported. */
#include "support/sandbox_world.h"

#include "sandbox/acs3.h"
#include "sandbox/sms_send.h"

static const char conf[] =
    "{'connections': {"
    " 'sms': {'kind': 'sms-aliyun', 'access_key_id': 'testId', 'access_key_secret': 'testSecret',"
    "         'signature': '品牌', 'path_key': 'P'}},"
    " 'seed': {'templates': ["
    "    {'connection': 'sms', 'code': 'SMS_1', 'type': 'otp', 'text': '验证码${code}'},"
    "    {'connection': 'sms', 'code': 'SMS_2', 'type': 'notice', 'text': '订单${no}已发货'},"
    "    {'connection': 'sms', 'code': 'SMS_3', 'type': 'promotion', 'text': '上新，拒收请回复R'}],"
    "  'customers': [{'connection': 'sms', 'name': 'gone', 'id': '13900000099', 'fails': 'MK:0001'}]}}";

static const char names[] =
    "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version";

static int64_t nonce;

static void stamp(json_t *headers, const char *action)
{
    struct civil utc = shanghai_civil(world.now_ms - 8 * SB_HOUR);
    char text[64], digest[SB_SHA256_HEX];

    T_TRUE(sb_sha256_hex("", 0, digest));
    (void)json_object_set_new(headers, "host", json_string("127.0.0.1:8700"));
    (void)json_object_set_new(headers, "x-acs-action", json_string(action));
    (void)json_object_set_new(headers, "x-acs-version", json_string("2017-05-25"));
    (void)json_object_set_new(headers, "x-acs-content-sha256", json_string(digest));
    (void)snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02dZ", utc.year, utc.month, utc.day,
                   utc.hour, utc.minute, utc.second);
    (void)json_object_set_new(headers, "x-acs-date", json_string(text));
    (void)snprintf(text, sizeof(text), "n%" PRId64, nonce++);
    (void)json_object_set_new(headers, "x-acs-signature-nonce", json_string(text));
}

static void sign(json_t *headers, const char *uri, const char *query, const char *secret)
{
    struct sb_acs3 r = {.method = "POST", .uri = uri, .query = str_of(query), .headers = headers};
    char hex[SB_SHA256_HEX], text[400];

    T_TRUE(sb_acs3_sign(&r, secret, str_of(names), hex));
    (void)snprintf(text, sizeof(text), "ACS3-HMAC-SHA256 Credential=testId,SignedHeaders=%s,Signature=%s",
                   names, hex);
    (void)json_object_set_new(headers, "authorization", json_string(text));
}

static const char *send_wire(json_t *headers, const char *query)
{
    struct sb_wire w = {.base = SB_BASE_ALIYUN, .post = true, .query = str_of(query), .headers = headers};

    (void)world_wire(&w);
    return json_str(world.answer, "Code", "?");
}

/* A call as an honest client makes it; its Code. */
static const char *call(const char *action, const char *query)
{
    json_t *headers = json_object();
    const char *code;

    stamp(headers, action);
    sign(headers, "/", query, "testSecret");
    code = send_wire(headers, query);
    json_decref(headers);
    return code;
}

static const char *sms(const char *template, const char *params, const char *numbers)
{
    static char query[20000];

    (void)snprintf(
        query, sizeof(query),
        "PhoneNumbers=%s&SignName=%%E5%%93%%81%%E7%%89%%8C&TemplateCode=%s&TemplateParam=%s&OutId=job1",
        numbers, template, params);
    return call("SendSms", query);
}

static const char code_param[] = "%7B%22code%22%3A%221234%22%7D";

static void open_at(const char *when)
{
    world_open(conf, when);
}

static void a_signed_call_is_accepted_and_reported(void)
{
    const json_t *push;

    open_at("2026-12-01T10:00");
    T_STR(sms("SMS_2", "%7B%22no%22%3A%227%22%7D", "13900000000,13900000001"), "OK");
    T_TRUE(json_str(world.answer, "BizId", NULL) != NULL);
    T_EQ(json_int(world_last(world.entries), "cost", 0), 2);
    T_STR(json_str(world_last(world.entries), "key", ""), "job1");
    T_EQ(json_array_size(world.pushes), 0);
    world_pass(3 * SB_SECOND);
    push = world_last(world.pushes);
    T_STR(json_str(push, "path", ""), "/report");
    T_TRUE(strstr(json_str(push, "inner", ""), "\"out_id\":\"job1\"") != NULL);
    T_TRUE(strstr(json_str(push, "inner", ""), "\"success\":true") != NULL);
    world_close();
}

static void a_call_is_judged_by_its_signature(void)
{
    json_t *headers = json_object();
    const char *query = "PhoneNumbers=13900000000";

    open_at("2026-12-01T10:00");
    stamp(headers, "SendSms");
    T_STR(send_wire(headers, query), "InvalidAccessKeyId.NotFound");
    T_EQ(world.status, 404);
    sign(headers, "/", query, "wrong");
    T_STR(send_wire(headers, query), "SignatureDoesNotMatch");
    T_EQ(world.status, 400);
    sign(headers, "/aliyun/", query, "testSecret");
    T_STR(send_wire(headers, query), "isv.SMS_SIGNATURE_ILLEGAL");
    T_STR(send_wire(headers, query), "SignatureNonceUsed");
    stamp(headers, "SendSms");
    world_pass(16 * SB_MINUTE);
    sign(headers, "/", query, "testSecret");
    T_STR(send_wire(headers, query), "InvalidTimeStamp.Expired");
    stamp(headers, "Nothing");
    sign(headers, "/", query, "testSecret");
    T_STR(send_wire(headers, query), "InvalidAction.NotFound");
    json_decref(headers);
    world_close();
}

static void contents_and_numbers_are_judged(void)
{
    char many[13000] = "";
    size_t n = 0;

    open_at("2026-12-01T10:00");
    T_STR(sms("SMS_9", "{}", "13900000000"), "isv.SMS_TEMPLATE_ILLEGAL");
    T_STR(sms("SMS_2", "{}", "13900000000"), "isv.TEMPLATE_MISSING_PARAMETERS");
    T_STR(sms("SMS_2", "nonsense", "13900000000"), "isv.INVALID_JSON_PARAM");
    T_STR(sms("SMS_3", "{}", "1390000000"), "isv.MOBILE_NUMBER_ILLEGAL");
    T_STR(sms("SMS_3", "{}", "12900000000"), "isv.MOBILE_NUMBER_ILLEGAL");
    T_STR(sms("SMS_3", "{}", "%2B8613900000000"), "OK");
    for (int i = 0; i < 1001; i++)
        n += (size_t)snprintf(many + n, sizeof(many) - n, "%s139%08d", i == 0 ? "" : ",", i);
    T_STR(sms("SMS_3", "{}", many), "isv.MOBILE_COUNT_OVER_LIMIT");
    many[n - 12] = '\0';
    T_STR(sms("SMS_3", "{}", many), "OK");
    T_EQ(json_array_size(json_object_get(world_last(world.entries), "to")), 1000);
    world_close();
}

static void a_long_text_costs_its_parts(void)
{
    T_EQ(sb_sms_parts(STR("【品牌】你好")), 1);
    char text[3 * 140 + 1] = "";

    for (int i = 0; i < 70; i++)
        memcpy(text + 3 * i, "测", 4);
    T_EQ(sb_sms_parts(str_of(text)), 1);
    for (int i = 70; i < 135; i++)
        memcpy(text + 3 * i, "测", 4);
    T_EQ(sb_sms_parts((struct str){text, 3 * 71}), 2);
    T_EQ(sb_sms_parts((struct str){text, 3 * 134}), 2);
    T_EQ(sb_sms_parts((struct str){text, 3 * 135}), 3);
}

static void a_code_goes_once_a_minute_five_times_an_hour_ten_times_a_day(void)
{
    int sent = 0;

    open_at("2026-12-01T10:00");
    T_STR(sms("SMS_1", code_param, "13900000000"), "OK");
    T_STR(sms("SMS_1", code_param, "13900000000"), "isv.BUSINESS_LIMIT_CONTROL");
    T_STR(json_str(world.answer, "Message", ""), "触发分钟级流控Permits:1");
    T_EQ(world.status, 200);
    world_pass(SB_MINUTE); /* minutes are natural: 10:01 */
    for (sent = 1; sent < 5; sent++, world_pass(SB_MINUTE))
        T_STR(sms("SMS_1", code_param, "13900000000"), "OK");
    T_STR(sms("SMS_1", code_param, "13900000000"), "isv.BUSINESS_LIMIT_CONTROL");
    T_STR(json_str(world.answer, "Message", ""), "触发小时级流控Permits:5");
    world.now_ms = world_at("2026-12-01T11:00");
    for (; sent < 10; sent++, world_pass(SB_MINUTE))
        T_STR(sms("SMS_1", code_param, "13900000000"), "OK");
    world.now_ms = world_at("2026-12-02T09:59");
    T_STR(sms("SMS_1", code_param, "13900000000"), "isv.BUSINESS_LIMIT_CONTROL");
    T_STR(json_str(world.answer, "Message", ""), "触发天级流控Permits:10");
    world.now_ms = world_at("2026-12-02T10:00"); /* the day runs from the first send */
    T_STR(sms("SMS_1", code_param, "13900000000"), "OK");
    world_close();
}

static void one_number_over_its_limit_refuses_the_whole_call(void)
{
    open_at("2026-12-01T10:00");
    T_STR(sms("SMS_1", code_param, "13900000000"), "OK");
    T_STR(sms("SMS_1", code_param, "13900000001,13900000000"), "isv.BUSINESS_LIMIT_CONTROL");
    T_EQ(json_int(world_last(world.entries), "cost", 9), 0);
    T_STR(json_str(world_last(world.entries), "code", ""), "isv.BUSINESS_LIMIT_CONTROL");
    T_STR(sms("SMS_1", code_param, "13900000001"), "OK"); /* it was not counted */
    world_close();
}

static void promotions_rest_from_eight_to_eight(void)
{
    open_at("2026-12-01T07:59:59");
    T_STR(sms("SMS_3", "{}", "13900000000"), "isv.BUSINESS_LIMIT_CONTROL");
    world_pass(SB_SECOND);
    T_STR(sms("SMS_3", "{}", "13900000000"), "OK");
    world.now_ms = world_at("2026-12-01T20:00");
    T_STR(sms("SMS_3", "{}", "13900000000"), "isv.BUSINESS_LIMIT_CONTROL");
    T_STR(sms("SMS_2", "%7B%22no%22%3A%227%22%7D", "13900000000"), "OK");
    world_close();
}

static void an_answer_of_r_is_pushed_and_ends_promotions(void)
{
    open_at("2026-12-01T10:00");
    world_event("{'connection': 'sms', 'kind': 'sms.mo', 'phone': '13900000000', 'content': 'R'}");
    T_STR(json_str(world_last(world.pushes), "path", ""), "/up");
    T_TRUE(strstr(json_str(world_last(world.pushes), "inner", ""), "\"content\":\"R\"") != NULL);
    T_STR(sms("SMS_3", "{}", "13900000000"), "isv.CUSTOMER_REFUSED");
    T_STR(sms("SMS_2", "%7B%22no%22%3A%227%22%7D", "13900000000"), "OK");
    T_STR(sms("SMS_3", "{}", "13900000000,13900000001"),
          "OK"); /* among others it is the carrier who refuses */
    world_pass(3 * SB_SECOND);
    T_TRUE(strstr(json_str(world_last(world.pushes), "inner", ""), "\"err_code\":\"MBBLACK\"") != NULL);
    world_close();
}

static void details_can_be_asked_by_number_and_day(void)
{
    const json_t *row;

    open_at("2026-12-01T10:00");
    T_STR(sms("SMS_3", "{}", "13900000099"), "OK");
    T_STR(call("QuerySendDetails", "PhoneNumber=13900000099&SendDate=20261201&PageSize=10&CurrentPage=1"),
          "OK");
    row = json_array_get(
        json_object_get(json_object_get(world.answer, "SmsSendDetailDTOs"), "SmsSendDetailDTO"), 0);
    T_EQ(json_int(row, "SendStatus", 0), 1);
    T_STR(json_str(row, "OutId", ""), "job1");
    world_pass(3 * SB_SECOND);
    T_STR(call("QuerySendDetails", "PhoneNumber=13900000099&SendDate=20261201&PageSize=10&CurrentPage=1"),
          "OK");
    row = json_array_get(
        json_object_get(json_object_get(world.answer, "SmsSendDetailDTOs"), "SmsSendDetailDTO"), 0);
    T_EQ(json_int(row, "SendStatus", 0), 2);
    T_STR(json_str(row, "ErrCode", ""), "MK:0001");
    T_STR(call("QuerySendDetails", "PhoneNumber=13900000099&SendDate=20261202&PageSize=10&CurrentPage=1"),
          "OK");
    T_EQ(json_int(world.answer, "TotalCount", 9), 0);
    T_STR(call("QuerySendDetails", "PhoneNumber=13900000099&SendDate=20261202&PageSize=51&CurrentPage=1"),
          "isv.INVALID_PARAMETERS");
    world_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T_CASE(a_signed_call_is_accepted_and_reported),
        T_CASE(a_call_is_judged_by_its_signature),
        T_CASE(contents_and_numbers_are_judged),
        T_CASE(a_long_text_costs_its_parts),
        T_CASE(a_code_goes_once_a_minute_five_times_an_hour_ten_times_a_day),
        T_CASE(one_number_over_its_limit_refuses_the_whole_call),
        T_CASE(promotions_rest_from_eight_to_eight),
        T_CASE(an_answer_of_r_is_pushed_and_ends_promotions),
        T_CASE(details_can_be_asked_by_number_and_day),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
