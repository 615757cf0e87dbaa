/* SPDX-License-Identifier: Apache-2.0 */
#include "support/asserts.h"

#include "base/mem.h"
#include "base/terms.h"
#include "rulepack/rulepack.h"

static struct rulepack *pack;

static int open_pack(void **state)
{
    struct diag diag;

    (void)state;
    diag_init(&diag, 50);
    int r = rulepack_open(&pack, &diag);
    for (size_t i = 0; i < diag_count(&diag); i++)
        print_error("%s\n", diag_text(&diag, i));
    diag_fini(&diag);
    return r;
}

static int close_pack(void **state)
{
    (void)state;
    rulepack_close(pack);
    return 0;
}

/* ---- codes, as the pages list them ---- */

struct section {
    const char *platform, *name;
    int codes[96]; /* ended by NONE */
};
enum { NONE = -999999 };

static const struct section sections[] = {
    {"wecom",
     "1 auth",
     {40001, 40013, 40014, 42001, 41001, 41002, 41004, 40091, 48002, 50003, 50006, 48006, 60020, -1, 45009,
      45033, NONE}},
    {"wecom", "4.1 welcome", {41096, 41051, 41050, 41053, 41049, NONE}},
    {"wecom", "4.2-4.4 ways", {41041, 41045, 41054, 40098, 41091, 41055, 41058, NONE}},
    {"wecom", "4.5 tasks", {41048, 41063, 41064, 41065, 41094, 41093, NONE}},
    {"wecom", "4.6 moments", {41078, 41079, 41088, 41089, NONE}},
    {"wecom", "4.7-4.8 tags, customers", {84061, 40068, 40126, 701008, 81017, 90501, 90509, NONE}},
    {"wecom", "4.9 transfer", {40128, 40096, 40097, 40099, 40100, 40129, 40130, 40131, 40143, NONE}},
    {"wecom", "4.10-4.11", {41095, 40007, 41072, NONE}},
    {"wecom",
     "5 app, webhook",
     {81013, 86008, 86001, 86003, 40050, 93000, 93004, 93006, 93008, 45009, 40058, 40063, 44004, 45002,
      NONE}},
    {"wecom", "6 kf", {95027, 95005, 95026, 95016, 95014, 95019, 95013, 95007, 95001, 95002, 95018, 95000,
                       95004, 95008, 95009, 95030, 95031, 95011, 95012, 48007, 95017, 95023, 95032, NONE}},
    {"wecom", "7 ai bot", {853000, 846605, 846607, 846608, 846609, 45009, 45033, NONE}},
    {"wecom",
     "9 actions",
     {-1,    6000,  40014, 42001, 45009, 45033, 41063,  41079, 41096, 41051, 41050,  846608, 95002,  95013,
      41094, 41095, 41045, 41055, 40126, 40099, 40128,  95001, 95005, 41041, 84061,  84084,  40003,  40031,
      40096, 50002, 60011, 60111, 81013, 40056, 301002, 84074, 84083, 48002, 48006,  48007,  50003,  60020,
      43009, 40141, 40143, 93004, 40058, 40063, 40008,  40007, 41064, 41065, 41072,  41080,  41081,  41082,
      41088, 41089, 41090, 45002, 44004, 85002, 90207,  93000, 93006, 93008, 701008, 701099, 846000, NONE}},
    {"wecom", "10 open", {846601, 846602, 846603, 846604, 846605, 846606, 846607, 846608, 846609, NONE}},
    {"wecom.kf_fail", "6 fail_type", {0, 1, 2, 4, 5, 6, 8, 10, 11, 12, 13, NONE}},
    {"wecom.task_result", "4.5 send_list", {0, 1, 2, 3, NONE}},
    {"official",
     "2.3 tokens",
     {40001, 40125, 40013, 40002, 40164, 40243, 41004, 50004, 50007, 89503, 89501, 89506, 89507, -1, 40014,
      42001, NONE}},
    {"official", "7 customer service", {45008, 45064, 45072, 45080, 45081, 40200, 45047, 45015, NONE}},
    {"official", "8 mass", {45083, 45084, 45065, 45066, 45067, 40152, 45028, NONE}},
    {"official",
     "9 notices",
     {40037, 40036, 43004, 47003, 43101, 43019, 45009, 50002, 48004, 40003, 41030, 48001, NONE}},
    {"official", "10 tags", {45157, 45158, 45056, 45058, 45057, 45059, 45159, 40032, 49003, 40003, NONE}},
    {"official", "12 menu", {40015, 40016, 40017, 40018, 40019, 40020, 40021, 40022, 40023, 40024, 40025,
                             40026, 40027, 40028, 40119, 40120, 40054, 40055, 65301, 65309, 65317, NONE}},
    {"official",
     "13-15",
     {40007, 53503, 53504, 53505, 9410010, 9410011, 9410012, 48006, 76021, 76022, 76003, 45011, 45009, NONE}},
    {"official",
     "16 codes",
     {-1,    40001, 40002, 41002, 41004, 40003, 40004, 40005, 40006, 40009, 40010, 40011, 40012, 40118,
      40121, 40137, 40007, 40008, 40013, 40014, 41001, 42001, 40029, 40030, 40163, 41008, 42002, 42003,
      42007, 40031, 40032, 40033, 40035, 47001, 44002, 43001, 43002, 43003, 40036, 40037, 40059, 40125,
      40132, 40152, 40164, 40243, 43004, 43005, 43019, 43101, 44001, 44003, 44004, 45001, 45002, 45003,
      45004, 45005, 45006, 45007, 45008, 45009, 45011, 45015, 45028, 45047, NONE}},
    {"official", "16 codes, on", {45056, 45057, 45058, 45059, 45157, 45158, 45159,   45064,   45072, 45080,
                                  45081, 40200, 45065, 45066, 45067, 45083, 45084,   46001,   46002, 46003,
                                  46004, 47003, 48001, 48002, 48003, 48004, 48005,   48006,   48008, 49003,
                                  50001, 50002, 50005, 53503, 53504, 53505, 61004,   61007,   61450, 61451,
                                  61452, 61453, 61454, 61455, 61456, 61457, 61500,   65301,   65317, 76003,
                                  76021, 76022, 89501, 89503, 89506, 89507, 9410010, 9410012, NONE}},
    {"official.mass_result",
     "5.2 err(N)",
     {10001, 20001, 20002, 20004, 20006, 20008, 20013, 21000, 22000, 20431, NONE}},
};

static const char *const aliyun_words[] = {
    "OK",
    "isv.BUSINESS_LIMIT_CONTROL",
    "isv.DAY_LIMIT_CONTROL",
    "isv.MONTH_LIMIT_CONTROL",
    "isv.MOBILE_NUMBER_ILLEGAL",
    "isv.MOBILE_COUNT_OVER_LIMIT",
    "isv.SMS_SIGNATURE_ILLEGAL",
    "isv.SMS_SIGN_ILLEGAL",
    "isv.SIGN_STATE_ILLEGAL",
    "isv.SMS_SIGNATURE_SCENE_ILLEGAL",
    "isv.SMS_TEMPLATE_ILLEGAL",
    "isv.TEMPLATE_MISSING_PARAMETERS",
    "isv.TEMPLATE_PARAMS_ILLEGAL",
    "isv.INVALID_JSON_PARAM",
    "isv.INVALID_PARAMETERS",
    "isv.PARAM_LENGTH_LIMIT",
    "isv.PARAM_NOT_SUPPORT_URL",
    "isv.SMS_CONTENT_ILLEGAL",
    "isv.UNSUPPORTED_CONTENT",
    "isv.BLACK_KEY_CONTROL_LIMIT",
    "isv.SMS_CONTENT_MISMATCH_TEMPLATE_TYPE",
    "isv.CUSTOMER_REFUSED",
    "isv.AMOUNT_NOT_ENOUGH",
    "isv.OUT_OF_SERVICE",
    "isv.PRODUCT_UN_SUBSCRIPT",
    "isv.PRODUCT_UNSUBSCRIBE",
    "isv.ACCOUNT_NOT_EXISTS",
    "isv.ACCOUNT_ABNORMAL",
    "isv.DENY_IP_RANGE",
    "isp.RAM_PERMISSION_DENY",
    "isv.DOMESTIC_NUMBER_NOT_SUPPORTED",
    "isv.EXTEND_CODE_ERROR",
    "isp.SYSTEM_ERROR",
    "Throttling.User",
    "Throttling.Api",
    "SignatureDoesNotMatch",
    "InvalidAccessKeyId.NotFound",
    "InvalidAccessKeyId.Inactive",
    "InvalidVersion",
    "InvalidAction.NotFound",
    "InvalidTimeStamp.Expired",
    "SignatureNonceUsed",
};

static const char *const carrier_words[] = {
    "DELIVERED", "DELIVRD", "MK:0001",   "MI:0001", "NOEXIST", "MK:0005", "MK:0013", "MK:0010", "MK:0023",
    "EXPIRED",   "MBBLACK", "DBBLACK",   "TDBLACK", "TSBLACK", "LIMIT",   "MILIMIT", "BEYONDN", "KEYWORD",
    "REJECTD",   "IB:0008", "CMPPERR:8", "DB:0144", "NP:1243", "UNDELIV", "UNKNOWN",
};

static void every_code_of_the_pages_has_a_rule(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
        const struct section *s = &sections[i];
        const struct code_rule *unknown = rulepack_code(pack, s->platform, CALL_SEND, 123456789);

        for (size_t j = 0; s->codes[j] != NONE; j++) {
            const struct code_rule *rule = rulepack_code(pack, s->platform, CALL_SEND, s->codes[j]);
            if (rule == unknown)
                print_error("%s %s: %d\n", s->platform, s->name, s->codes[j]);
            T_TRUE(rule != unknown);
            T_TRUE(rule->meaning[0] && rule->source);
        }
    }
}

static void every_word_of_the_pages_has_a_rule(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(aliyun_words); i++)
        T_TRUE(rulepack_word(pack, "aliyun", str_of(aliyun_words[i])) !=
               rulepack_word(pack, "aliyun", STR("isv.NEVER_SEEN")));
    for (size_t i = 0; i < ARRAY_LEN(carrier_words); i++)
        T_TRUE(rulepack_word(pack, "carrier", str_of(carrier_words[i])) !=
               rulepack_word(pack, "carrier", STR("XX:9999")));
}

static void an_unknown_code_is_an_unknown_outcome(void **state)
{
    (void)state;
    T_EQ(rulepack_code(pack, "wecom", CALL_TASK, 31337)->outcome, OUTCOME_UNKNOWN);
    T_EQ(rulepack_code(pack, "official", CALL_MASS, 31337)->outcome, OUTCOME_UNKNOWN);
    T_EQ(rulepack_word(pack, "aliyun", STR("isv.NEVER_SEEN"))->outcome, OUTCOME_UNKNOWN);
    T_EQ(rulepack_code(pack, "pigeon", CALL_SEND, 1)->outcome, OUTCOME_UNKNOWN);
    T_TRUE(!rulepack_code(pack, "wecom", CALL_TASK, 31337)->refund);
}

static void a_code_may_mean_something_else_for_one_operation(void **state)
{
    (void)state;
    T_EQ(rulepack_code(pack, "wecom", CALL_SEND, -1)->outcome, OUTCOME_LIMITED);
    T_EQ(rulepack_code(pack, "wecom", CALL_TASK, -1)->outcome, OUTCOME_UNKNOWN);
    T_TRUE(rulepack_code(pack, "official", CALL_SEND, 40001)->renew_token);
    T_TRUE(rulepack_code(pack, "official", CALL_OP_COUNT, 40001)->stop);
    T_TRUE(rulepack_code(pack, "wecom", CALL_SEND, 45009)->refund);
    T_TRUE(!rulepack_code(pack, "wecom", CALL_GROUP, 45009)->refund);
}

static void codes_tell_what_to_do(void **state)
{
    (void)state;
    T_TRUE(rulepack_code(pack, "wecom", CALL_TASK, 42001)->renew_token);
    T_TRUE(rulepack_code(pack, "wecom", CALL_TASK, 40001)->stop);
    T_TRUE(rulepack_code(pack, "wecom", CALL_SEND, 84061)->unreachable);
    T_TRUE(rulepack_code(pack, "wecom", CALL_SEND, 95001)->close_window);
    T_EQ(rulepack_code(pack, "wecom", CALL_WELCOME, 41096)->max_retries, 5);
    T_EQ(rulepack_code(pack, "official", CALL_MASS, 45065)->outcome, OUTCOME_ACCEPTED);
    T_EQ(rulepack_code(pack, "official", CALL_SEND, 45009)->retry_ms, -1);
    T_TRUE(rulepack_code(pack, "official", CALL_SEND, 50002)->freeze);
    T_TRUE(rulepack_word(pack, "aliyun", STR("isv.CUSTOMER_REFUSED"))->refused);
    T_EQ(rulepack_word(pack, "aliyun", STR("isv.MONTH_LIMIT_CONTROL"))->retry_ms, -2);
    T_EQ(rulepack_word(pack, "aliyun", STR("SignatureNonceUsed"))->outcome, OUTCOME_UNKNOWN);
    T_EQ(rulepack_code(pack, "wecom.task_result", CALL_TASK_RESULT, 1)->outcome, OUTCOME_DELIVERED);
    T_TRUE(!rulepack_code(pack, "wecom.task_result", CALL_TASK_RESULT, 3)->refund);
    T_TRUE(rulepack_code(pack, "wecom.task_result", CALL_TASK_RESULT, 2)->refund);
}

static void a_refund_or_a_renewal_never_goes_with_an_open_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
        for (size_t j = 0; sections[i].codes[j] != NONE; j++) {
            for (int op = 0; op <= CALL_OP_COUNT; op++) {
                const struct code_rule *r =
                    rulepack_code(pack, sections[i].platform, (enum call_op)op, sections[i].codes[j]);
                bool counted = r->outcome == OUTCOME_UNKNOWN || r->outcome == OUTCOME_ACCEPTED;
                T_TRUE(!(counted && (r->refund || r->renew_token)));
                T_TRUE(!r->renew_token || r->max_retries == 1);
            }
        }
    }
}

/* ---- limits ---- */

static const struct limit *limit_named(const char *name)
{
    size_t n;
    const struct limit *l = rulepack_limits(pack, &n);

    for (size_t i = 0; i < n; i++)
        if (strcmp(l[i].name, name) == 0)
            return &l[i];
    print_error("no limit %s\n", name);
    fail();
    return NULL;
}

static void the_stated_limits_are_there(void **state)
{
    static const struct {
        const char *name;
        int64_t amount, span_ms;
        enum limit_window window;
    } stated[] = {
        {"wecom.webhook.minute", 20, 60000, WINDOW_SLIDING},
        {"wecom.customer.month", AMOUNT_DAYS_IN_MONTH, 0, WINDOW_MONTH},
        {"wecom.group.month", AMOUNT_DAYS_IN_MONTH, 0, WINDOW_MONTH},
        {"wecom.customer.week", 7, 0, WINDOW_WEEK},
        {"wecom.customer.day", 1, 0, WINDOW_DAY},
        {"wecom.task.remind", 3, 86400000, WINDOW_SLIDING},
        {"wecom.kf.window", 5, 172800000, WINDOW_OPENED},
        {"wecom.api.kf_send_msg.minute", 10000, 60000, WINDOW_SLIDING},
        {"wecom.api.add_msg_template.hour", 150000, 3600000, WINDOW_SLIDING},
        {"official.custom.message", 5, 172800000, WINDOW_OPENED},
        {"official.custom.followed", 3, 60000, WINDOW_OPENED},
        {"official.custom.day", 500000, 0, WINDOW_DAY},
        {"official.mass.recipient.month", 4, 0, WINDOW_MONTH},
        {"official.mass.day", 1, 0, WINDOW_DAY},
        {"official.mass.calls.day", 100, 0, WINDOW_DAY},
        {"official.mass.calls.minute", 60, 60000, WINDOW_SLIDING},
        {"official.stable_token.minute", 10000, 60000, WINDOW_SLIDING},
        {"aliyun.code.minute", 1, 60000, WINDOW_SLIDING},
        {"aliyun.code.hour", 5, 3600000, WINDOW_SLIDING},
        {"aliyun.code.day", 10, 86400000, WINDOW_SLIDING},
        {"aliyun.promotion.day", 50, 86400000, WINDOW_SLIDING},
        {"aliyun.send.second", 5000, 1000, WINDOW_SLIDING},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(stated); i++) {
        const struct limit *l = limit_named(stated[i].name);
        T_EQ(l->amount, stated[i].amount);
        T_EQ(l->span_ms, stated[i].span_ms);
        T_EQ(l->window, stated[i].window);
        T_TRUE(l->source[0]);
        T_TRUE(!l->advice);
        T_TRUE(l == rulepack_limit(pack, l->id));
    }
    T_TRUE(rulepack_limit(pack, 4711) == NULL);
}

static void platform_limits_bind_every_class_unless_the_platform_names_one(void **state)
{
    size_t n;
    const struct limit *l = rulepack_limits(pack, &n);

    (void)state;
    for (size_t i = 0; i < n; i++)
        if (!(l[i].kinds & 1u << ACCOUNT_SMS))
            T_EQ(l[i].classes, (1u << MESSAGE_CLASS_COUNT) - 1);
}

static void customs_are_advice_and_nothing_else_is(void **state)
{
    size_t n, advised = 0;
    const struct limit *l = rulepack_limits(pack, &n);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        T_EQ(l[i].advice, l[i].trust == TRUST_PRACTICE);
        advised += l[i].advice;
    }
    T_TRUE(advised > 0);
}

static void the_windows_that_lapse_first_are_the_first_alternatives(void **state)
{
    const struct limit *message = limit_named("official.custom.message");

    (void)state;
    T_TRUE(message->alternative != 0);
    T_TRUE(message->opened_by == UINT64_C(1) << EVENT_MESSAGE_RECEIVED);
    T_TRUE(limit_named("official.custom.followed")->id < message->id);
    T_TRUE(limit_named("official.custom.scanned")->id < message->id);
    T_EQ(limit_named("official.custom.menu")->alternative, message->alternative);
    T_EQ(limit_named("wecom.kf.window")->alternative, 0);
}

/* ---- kinds, classes, facts ---- */

static void every_kind_says_what_it_can_not_do(void **state)
{
    (void)state;
    for (int kind = 0; kind < ACCOUNT_KIND_COUNT; kind++) {
        const struct kind_rule *k = rulepack_kind(pack, (enum account_kind)kind);
        T_EQ(k->kind, kind);
        bool hears = k->receives & UINT64_C(1) << EVENT_MESSAGE_RECEIVED;
        T_EQ(hears, k->no_keyword == NULL);
        uint32_t broadcasts = 1u << CALL_TASK | 1u << CALL_GROUP | 1u << CALL_MASS;
        T_EQ((k->ops & broadcasts) || kind == ACCOUNT_SMS, k->no_broadcast == NULL);
        T_TRUE(k->concurrency >= 1 && k->text_max > 0);
    }
    T_EQ(rulepack_kind(pack, ACCOUNT_WECOM_MEMBER)->max_recipients[CALL_TASK], 10000);
    T_EQ(rulepack_kind(pack, ACCOUNT_WECOM_MEMBER)->max_recipients[CALL_GROUP_TASK], 2000);
    T_EQ(rulepack_kind(pack, ACCOUNT_OFFICIAL)->max_recipients[CALL_MASS], 10000);
    T_EQ(rulepack_kind(pack, ACCOUNT_SMS)->max_recipients[CALL_SEND], 1000);
    T_STR(rulepack_kind(pack, ACCOUNT_SMS)->text_unit, "utf16");
    T_TRUE(rulepack_kind(pack, ACCOUNT_SMS)->receipt);
}

static void marketing_is_never_resent_in_doubt(void **state)
{
    (void)state;
    for (int c = 0; c < MESSAGE_CLASS_COUNT; c++) {
        const struct class_rule *rule = rulepack_class(pack, (enum message_class)c);
        T_EQ(rule->class, c);
        T_TRUE(!(rule->marketing && rule->resend_unknown));
        T_EQ(rule->marketing, c == CLASS_JOURNEY || c == CLASS_BROADCAST);
    }
    T_EQ(rulepack_class(pack, CLASS_WELCOME)->default_deadline_ms, 18000);
    T_EQ(rulepack_class(pack, CLASS_WELCOME)->max_attempts, 4);
}

static void facts_are_found_by_name(void **state)
{
    int64_t v;

    (void)state;
    T_OK(rulepack_fact(pack, "wecom.welcome.life_ms", &v));
    T_EQ(v, 20000);
    T_ERR(rulepack_fact(pack, "wecom.nothing", &v), ERR_NOT_FOUND);
    T_TRUE(rulepack_t_send_ms(pack) > 10000);
    T_TRUE(rulepack_skew_ms(pack) > 0);
    T_TRUE(rulepack_version(pack)[0]);
}

static void a_pack_without_memory_does_not_open(void **state)
{
    bool hit = true;

    (void)state;
    for (int n = 1; hit && n < 200; n++) {
        struct rulepack *p = NULL;
        mem_fail_at(n);
        int r = rulepack_open(&p, NULL);
        hit = mem_fault_hit();
        mem_fail_at(0);
        if (hit)
            T_ERR(r, -ENOMEM);
        else
            T_OK(r);
        rulepack_close(p);
    }
    T_TRUE(!hit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_of_the_pages_has_a_rule),
        cmocka_unit_test(every_word_of_the_pages_has_a_rule),
        cmocka_unit_test(an_unknown_code_is_an_unknown_outcome),
        cmocka_unit_test(a_code_may_mean_something_else_for_one_operation),
        cmocka_unit_test(codes_tell_what_to_do),
        cmocka_unit_test(a_refund_or_a_renewal_never_goes_with_an_open_end),
        cmocka_unit_test(the_stated_limits_are_there),
        cmocka_unit_test(platform_limits_bind_every_class_unless_the_platform_names_one),
        cmocka_unit_test(customs_are_advice_and_nothing_else_is),
        cmocka_unit_test(the_windows_that_lapse_first_are_the_first_alternatives),
        cmocka_unit_test(every_kind_says_what_it_can_not_do),
        cmocka_unit_test(marketing_is_never_resent_in_doubt),
        cmocka_unit_test(facts_are_found_by_name),
        cmocka_unit_test(a_pack_without_memory_does_not_open),
    };
    return cmocka_run_group_tests(tests, open_pack, close_pack);
}
