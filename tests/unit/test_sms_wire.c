/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/sms/sms_wire.h"

#include <stdio.h>

#include "adapters/sms/sms_phone.h"
#include "base/json.h"
#include "base/shanghai.h"
#include "rulepack/rulepack.h"
#include "support/asserts.h"

static struct rulepack *rules;
static struct sms_sender sender;
static struct sms_ask ask;
static json_t *params;
static struct content content;
static struct call call;

static int open_rules(void **state)
{
    struct diag diag;
    int r;

    (void)state;
    diag_init(&diag, 4);
    r = rulepack_open(&rules, &diag);
    diag_fini(&diag);
    return r;
}

static int close_rules(void **state)
{
    (void)state;
    rulepack_close(rules);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    sender =
        (struct sms_sender){.signature = STR("品牌"), .refusal_text = STR("拒收请回复R"), .rules = rules};
    content = (struct content){.text = STR("订单已发货"), .provider_template = STR("SMS_1")};
    call =
        (struct call){.op = CALL_SEND, .class = CLASS_TRANSACTIONAL, .content = &content, .key = STR("sy17")};
    sms_ask_init(&ask, &sender);
    params = NULL;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sms_ask_fini(&ask);
    json_decref(params);
    return 0;
}

/* Another try with the same call. */
static int begin_anew(const struct recipient *to, size_t n)
{
    sms_ask_fini(&ask);
    sms_ask_init(&ask, &sender);
    return sms_ask_begin(&ask, &call, to, n);
}

static const struct recipient one[] = {{{7}, STR("13900000000")}};

static void a_number_is_known_behind_its_prefixes(void **state)
{
    static const struct {
        const char *text, *digits;
    } cases[] = {
        {"13900000000", "13900000000"},
        {"+8613900000000", "13900000000"},
        {"008613900000000", "13900000000"},
        {"8613900000000", "13900000000"},
        {" 19912345678 ", "19912345678"},
        {"12900000000", NULL},
        {"1390000000", NULL},
        {"139000000000", NULL},
        {"1390000000x", NULL},
        {"+85261234567", NULL},
        {"", NULL},
        {"+86", NULL},
        {"86861390000000", NULL},
        {"1064712345678", NULL},
        {"23900000000", NULL},
        {"+86 13900000000", NULL},
        {"１３９00000000", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str digits = STR("untouched");
        int r = sms_phone_read(str_of(cases[i].text), &digits);

        T_EQ(r, cases[i].digits ? 0 : ERR_INVALID);
        T_VIEW(digits, cases[i].digits ? cases[i].digits : "untouched");
    }
}

static void a_send_has_the_documented_parameters(void **state)
{
    (void)state;
    sender.signature = STR("测试签名");
    content.provider_template = STR("SMS_154950909");
    params = json_pack("{s:s}", "code", "1234");
    content.params = params;
    T_OK(sms_ask_begin(&ask, &call, one, 1));
    T_STR(ask.action, "SendSms");
    T_STR(buf_cstr(&ask.params),
          "OutId=sy17&PhoneNumbers=13900000000&SignName=%E6%B5%8B%E8%AF%95%E7%AD%BE%E5%90%8D&"
          "TemplateCode=SMS_154950909&TemplateParam=%7B%22code%22%3A%221234%22%7D");
    T_EQ(ask.items.count, 0);
    sender.region = STR("cn-hangzhou");
    content.params = NULL;
    call.key = (struct str){0};
    T_OK(begin_anew(one, 1));
    T_TRUE(str_starts(buf_str(&ask.params), STR("PhoneNumbers=13900000000&RegionId=cn-hangzhou&SignName=")));
    T_TRUE(str_find(buf_str(&ask.params), STR("TemplateParam")) == ask.params.len);
}

static void line_breaks_of_parameters_are_escaped(void **state)
{
    (void)state;
    params = json_pack("{s:s}", "t", "一\n二\"");
    content.params = params;
    T_OK(sms_ask_begin(&ask, &call, one, 1));
    T_TRUE(str_ends(buf_str(&ask.params),
                    STR("TemplateParam=%7B%22t%22%3A%22%E4%B8%80%5Cn%E4%BA%8C%5C%22%22%7D")));
}

static void a_bad_number_ends_alone(void **state)
{
    static const struct recipient to[] = {
        {{1}, STR("13900000001")}, {{2}, STR("12345")}, {{3}, STR("+8613900000003")}, {{4}, STR("")}};
    const struct item_result *items;

    (void)state;
    T_OK(sms_ask_begin(&ask, &call, to, ARRAY_LEN(to)));
    T_TRUE(str_find(buf_str(&ask.params), STR("&PhoneNumbers=13900000001%2C13900000003&")) < ask.params.len);
    T_EQ(ask.number_count, 2);
    T_EQ(ask.items.count, 2);
    items = ask.items.rows;
    T_EQ(items[0].id.v, 2);
    T_VIEW(items[0].to, "12345");
    T_EQ(items[0].outcome, OUTCOME_PERMANENT);
    T_EQ(items[1].id.v, 4);
}

static void bad_numbers_alone_are_no_call(void **state)
{
    static const struct recipient to[] = {{{1}, STR("12345")}};

    (void)state;
    T_ERR(sms_ask_begin(&ask, &call, to, 1), ERR_INVALID);
    T_STR(ask.fault, "isv.MOBILE_NUMBER_ILLEGAL");
    T_EQ(ask.items.count, 1);
    T_ERR(begin_anew(NULL, 0), ERR_INVALID);
}

static void one_person_is_named_once(void **state)
{
    static const struct recipient to[] = {{{1}, STR("13900000001")}, {{2}, STR("+8613900000001")}};

    (void)state;
    T_OK(sms_ask_begin(&ask, &call, to, 2));
    T_TRUE(str_find(buf_str(&ask.params), STR("&PhoneNumbers=13900000001&")) < ask.params.len);
}

static void a_thousand_fit_into_a_call(void **state)
{
    static struct recipient to[1001];
    static char numbers[1001][12];

    (void)state;
    for (size_t i = 0; i < 1001; i++) {
        (void)snprintf(numbers[i], sizeof(numbers[i]), "139%08zu", i);
        to[i] = (struct recipient){{(int64_t)i + 1}, str_of(numbers[i])};
    }
    T_OK(sms_ask_begin(&ask, &call, to, 1000));
    T_EQ(ask.number_count, 1000);
    T_TRUE(str_find(buf_str(&ask.params), STR("%2C13900000999&SignName")) < ask.params.len);
    T_ERR(begin_anew(to, 1001), ERR_INVALID);
    T_STR(ask.fault, "isv.MOBILE_COUNT_OVER_LIMIT");
}

static void every_message_needs_template_and_signature(void **state)
{
    (void)state;
    content.provider_template = (struct str){0};
    T_ERR(sms_ask_begin(&ask, &call, one, 1), ERR_INVALID);
    T_STR(ask.fault, "sms.no_template");
    call.content = NULL;
    T_ERR(begin_anew(one, 1), ERR_INVALID);
    T_STR(ask.fault, "sms.no_template");
    call.content = &content;
    content.provider_template = STR("SMS_1");
    sender.signature = (struct str){0};
    T_ERR(begin_anew(one, 1), ERR_INVALID);
    T_STR(ask.fault, "sms.no_signature");
    T_EQ(ask.params.len, 0);
}

static void marketing_says_how_to_refuse(void **state)
{
    static const struct {
        enum message_class class;
        const char *text;
        bool good;
    } cases[] = {
        {CLASS_BROADCAST, "开业，拒收请回复R", true},
        {CLASS_JOURNEY, "开业，拒收请回复R \n", true},
        {CLASS_BROADCAST, "开业", false},
        {CLASS_JOURNEY, "开业", false},
        {CLASS_BROADCAST, "拒收请回复R，开业", false},
        {CLASS_BROADCAST, "", false},
        {CLASS_BROADCAST, "开业，拒收请回复", false},
        {CLASS_TRANSACTIONAL, "验证码", true},
        {CLASS_REPLY, "好", true},
        {CLASS_STAFF, "", true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        call.class = cases[i].class;
        content.text = str_of(cases[i].text);
        T_EQ(begin_anew(one, 1), cases[i].good ? 0 : ERR_INVALID);
        T_STR(ask.fault, cases[i].good ? NULL : "sms.no_refusal_text");
    }
    sender.refusal_text = STR("回T退订");
    call.class = CLASS_BROADCAST;
    content.text = STR("开业，回T退订");
    T_OK(begin_anew(one, 1));
}

static void parameters_are_an_object(void **state)
{
    (void)state;
    params = json_pack("[s]", "1234");
    content.params = params;
    T_ERR(sms_ask_begin(&ask, &call, one, 1), ERR_INVALID);
    T_STR(ask.fault, "isv.INVALID_JSON_PARAM");
}

static void parameters_of_no_size_anybody_takes_are_refused(void **state)
{
    static char text[70000];

    (void)state;
    for (size_t i = 0; i < sizeof(text) - 1; i++)
        text[i] = 'x';
    params = json_pack("{s:s}", "t", text);
    content.params = params;
    T_ERR(sms_ask_begin(&ask, &call, one, 1), ERR_INVALID);
    T_STR(ask.fault, "isv.PARAM_LENGTH_LIMIT");
}

static void another_op_is_not_for_sms(void **state)
{
    (void)state;
    call.op = CALL_WELCOME;
    T_ERR(sms_ask_begin(&ask, &call, one, 1), ERR_UNSUPPORTED);
}

static void an_answer_has_a_code_or_is_none(void **state)
{
    static const char *const bad[] = {"",
                                      "{}",
                                      "[]",
                                      "{\"Code\":1}",
                                      "{\"Code\":\"\"}",
                                      "{\"Code\":\"OK\"",
                                      "<html>",
                                      "\"OK\"",
                                      "{\"code\":\"OK\"}"};
    struct sms_answer a;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        T_ERR(sms_answer_read(str_of(bad[i]), &a), ERR_SYNTAX);
    T_OK(sms_answer_read(STR("{\"Code\":\"OK\",\"Message\":\"OK\",\"BizId\":\"1^0\"}"), &a));
    T_STR(a.word, "OK");
    T_OK(sms_ask_begin(&ask, &call, one, 1));
    T_EQ(sms_ask_take(&ask, a.json), SMS_DONE);
    T_VIEW(ask.provider_id, "1^0");
    sms_answer_fini(&a);
}

static void flow_control_names_its_level(void **state)
{
    static const struct {
        const char *message, *word;
        int64_t retry_ms;
    } cases[] = {
        {"触发分钟级流控Permits:1", "isv.BUSINESS_LIMIT_CONTROL:minute", 60000},
        {"触发小时级流控Permits:5", "isv.BUSINESS_LIMIT_CONTROL:hour", 3600000},
        {"触发天级流控Permits:10", "isv.BUSINESS_LIMIT_CONTROL:day", 86400000},
        {"触发号码流控", "isv.BUSINESS_LIMIT_CONTROL", 3600000},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sms_answer a;
        char text[200];

        (void)snprintf(text, sizeof(text), "{\"Code\":\"isv.BUSINESS_LIMIT_CONTROL\",\"Message\":\"%s\"}",
                       cases[i].message);
        T_OK(sms_answer_read(str_of(text), &a));
        T_STR(a.word, cases[i].word);
        T_EQ(rulepack_word(rules, "aliyun", str_of(a.word))->outcome, OUTCOME_LIMITED);
        T_EQ(rulepack_word(rules, "aliyun", str_of(a.word))->retry_ms, cases[i].retry_ms);
        sms_answer_fini(&a);
    }
}

/* ---- QuerySendDetails ---- */

/* 2025-01-01 23:59:00 in Shanghai, and what is two minutes later. */
#define LATE_MS INT64_C(1735747140000)

static void ask_about(int64_t from_ms, int64_t to_ms)
{
    json_decref(params);
    params = json_pack("{s:I, s:I, s:s}", "from_ms", (json_int_t)from_ms, "to_ms", (json_int_t)to_ms, "to",
                       "+8613900000000");
    call = (struct call){.op = CALL_QUERY, .key = STR("sy17"), .handle = STR("123^0"), .params = params};
    T_OK(begin_anew(NULL, 0));
}

static int take(const char *text)
{
    json_t *json = NULL;
    int r;

    T_OK(json_parse(str_of(text), JSON_DEPTH, &json, NULL));
    r = sms_ask_take(&ask, json);
    json_decref(json);
    return r;
}

#define ROW(status, out_id)                                                                                  \
    "{\"PhoneNum\":\"13900000000\",\"SendStatus\":" #status                                                  \
    ",\"ErrCode\":\"DELIVERED\",\"ReceiveDate\":\"2025-01-01 23:59:30\",\"OutId\":\"" out_id "\"}"
#define PAGE(total, rows)                                                                                    \
    "{\"Code\":\"OK\",\"TotalCount\":" #total ",\"SmsSendDetailDTOs\":{\"SmsSendDetailDTO\":[" rows "]}}"

static void a_query_asks_for_the_day_in_shanghai(void **state)
{
    (void)state;
    ask_about(LATE_MS, LATE_MS);
    T_STR(ask.action, "QuerySendDetails");
    T_STR(buf_cstr(&ask.params), "CurrentPage=1&PageSize=50&PhoneNumber=13900000000&SendDate=20250101");
    ask_about(LATE_MS + 60000, LATE_MS + 60000);
    T_TRUE(str_ends(buf_str(&ask.params), STR("SendDate=20250102")));
}

static void each_status_has_its_verdict(void **state)
{
    static const struct {
        const char *page;
        enum outcome verdict;
    } cases[] = {
        {PAGE(1, ROW(1, "sy17")), OUTCOME_ACCEPTED},
        {PAGE(1, ROW(2, "sy17")), OUTCOME_PERMANENT},
        {PAGE(1, ROW(3, "sy17")), OUTCOME_DELIVERED},
        {PAGE(1, ROW(9, "sy17")), OUTCOME_PENDING},
        {PAGE(1, ROW(-1, "sy17")), OUTCOME_PENDING},
        {PAGE(2, ROW(2, "other") "," ROW(3, "sy17")), OUTCOME_DELIVERED},
        {PAGE(1, ROW(3, "123^0")), OUTCOME_DELIVERED},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct item_result *item;

        ask_about(LATE_MS, LATE_MS);
        T_EQ(take(cases[i].page), SMS_DONE);
        T_EQ(ask.outcome, OUTCOME_ACCEPTED);
        T_TRUE(json_flag(ask.data, "found", false));
        T_STR(json_str(ask.data, "err_code", ""), "DELIVERED");
        T_EQ(ask.items.count, 1);
        item = vec_at(&ask.items, 0);
        T_EQ(item->outcome, cases[i].verdict);
        T_VIEW(item->to, "+8613900000000"); /* as we were asked */
    }
}

static void messages_of_others_are_not_ours(void **state)
{
    (void)state;
    ask_about(LATE_MS, LATE_MS);
    T_EQ(take(PAGE(3, ROW(3, "sy171") "," ROW(3, "") "," ROW(3, "sy1"))), SMS_DONE);
    T_TRUE(!json_flag(ask.data, "found", true));
    T_EQ(ask.items.count, 0);
    call.key = STR("");
    call.handle = STR("sy99");
    T_OK(begin_anew(NULL, 0));
    T_EQ(take(PAGE(1, ROW(3, ""))), SMS_DONE); /* no OutId is nobody's */
    T_TRUE(!json_flag(ask.data, "found", true));
}

static void all_pages_of_both_days_are_read(void **state)
{
    (void)state;
    ask_about(LATE_MS, LATE_MS + 120000);
    T_EQ(take(PAGE(51, ROW(3, "a"))), SMS_MORE);
    T_STR(buf_cstr(&ask.params), "CurrentPage=2&PageSize=50&PhoneNumber=13900000000&SendDate=20250101");
    T_EQ(take(PAGE(51, ROW(3, "b"))), SMS_MORE);
    T_STR(buf_cstr(&ask.params), "CurrentPage=1&PageSize=50&PhoneNumber=13900000000&SendDate=20250102");
    T_EQ(take(PAGE(0, "")), SMS_DONE);
    T_TRUE(!json_flag(ask.data, "found", true));
}

static void a_query_ends_also_when_the_platform_does_not(void **state)
{
    int r = SMS_MORE, pages = 0;

    (void)state;
    ask_about(LATE_MS, LATE_MS);
    for (; r == SMS_MORE; pages++)
        r = take(PAGE(2147483647, ROW(3, "a")));
    T_ERR(r, ERR_TOO_BIG);
    T_EQ(pages, SMS_DETAIL_PAGES);
}

static void details_that_are_none_prove_nothing(void **state)
{
    static const char *const bad[] = {"{\"Code\":\"OK\"}", "{\"Code\":\"OK\",\"TotalCount\":0}",
                                      "{\"Code\":\"OK\",\"SmsSendDetailDTOs\":{\"SmsSendDetailDTO\":[]}}",
                                      PAGE(-5, ""), PAGE(99999999999, "")};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        ask_about(LATE_MS, LATE_MS);
        T_ERR(take(bad[i]), ERR_SYNTAX);
    }
    ask_about(LATE_MS, LATE_MS);
    T_EQ(take(PAGE(3, "1,null,\"x\"")), SMS_DONE);
    T_TRUE(!json_flag(ask.data, "found", true));
}

static void a_query_without_number_or_day_is_refused(void **state)
{
    static const char *const bad[] = {
        "{\"from_ms\":1735747140000}", "{\"from_ms\":1735747140000,\"to\":\"12\"}",
        "{\"to\":\"13900000000\"}", "{\"from_ms\":2,\"to_ms\":1,\"to\":\"13900000000\"}",
        "{\"from_ms\":1735747140000,\"to_ms\":1738339200000,\"to\":\"13900000000\"}"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        T_OK(json_parse(str_of(bad[i]), JSON_DEPTH, &params, NULL));
        call = (struct call){.op = CALL_QUERY, .key = STR("sy17"), .params = params};
        T_ERR(begin_anew(NULL, 0), ERR_INVALID);
        T_EQ(ask.outcome, OUTCOME_PERMANENT);
        json_decref(params);
    }
    params = json_pack("{s:I}", "from_ms", (json_int_t)LATE_MS);
    call.params = params;
    T_OK(begin_anew(one, 1)); /* the recipient says which number */
    call.key = (struct str){0};
    T_ERR(begin_anew(one, 1), ERR_INVALID);
}

static void no_memory_is_said(void **state)
{
    static const struct recipient to[] = {{{1}, STR("13900000001")}, {{2}, STR("12")}};
    int n = 0, r;

    (void)state;
    do {
        sms_ask_fini(&ask);
        sms_ask_init(&ask, &sender);
        mem_fail_at(++n);
        r = sms_ask_begin(&ask, &call, to, 2);
        T_EQ(r, mem_fault_hit() ? -ENOMEM : 0);
    } while (mem_fault_hit());
    mem_fail_at(0);
    T_TRUE(n > 3);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_number_is_known_behind_its_prefixes),
        CASE(a_send_has_the_documented_parameters),
        CASE(line_breaks_of_parameters_are_escaped),
        CASE(a_bad_number_ends_alone),
        CASE(bad_numbers_alone_are_no_call),
        CASE(one_person_is_named_once),
        CASE(a_thousand_fit_into_a_call),
        CASE(every_message_needs_template_and_signature),
        CASE(marketing_says_how_to_refuse),
        CASE(parameters_are_an_object),
        CASE(parameters_of_no_size_anybody_takes_are_refused),
        CASE(another_op_is_not_for_sms),
        CASE(an_answer_has_a_code_or_is_none),
        CASE(flow_control_names_its_level),
        CASE(a_query_asks_for_the_day_in_shanghai),
        CASE(each_status_has_its_verdict),
        CASE(messages_of_others_are_not_ours),
        CASE(all_pages_of_both_days_are_read),
        CASE(a_query_ends_also_when_the_platform_does_not),
        CASE(details_that_are_none_prove_nothing),
        CASE(a_query_without_number_or_day_is_refused),
        CASE(no_memory_is_said),
    };

    return cmocka_run_group_tests(tests, open_rules, close_rules);
}
