/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/sms/sms_push.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/json.h"
#include "support/asserts.h"

#define REPORT(phone, success, code, biz, out)                                                               \
    "{\"phone_number\":\"" phone "\",\"send_time\":\"2025-01-01 08:00:00\",\"report_time\":\"2025-01-01 "    \
    "08:00:03\",\"success\":" success ",\"err_code\":\"" code "\",\"err_msg\":\"用户接收成功\","       \
    "\"sms_size\":\"1\",\"biz_id\":\"" biz "\",\"out_id\":\"" out "\"}"
#define UP(phone, content, sequence)                                                                         \
    "{\"phone_number\":\"" phone "\",\"content\":\"" content                                                 \
    "\",\"send_time\":\"2025-01-01 08:00:05\",\"dest_code\":\"1069001\",\"sequence_id\":" sequence "}"

static struct sms_push push;

static int tear_down(void **state)
{
    (void)state;
    sms_push_fini(&push);
    return 0;
}

static int read_push(enum sms_push_kind kind, const char *text)
{
    sms_push_fini(&push);
    return sms_push_read(&push, kind, str_of(text));
}

static void copy(char *to, size_t size, struct str s)
{
    (void)snprintf(to, size, "%.*s", STR_ARG(s));
}

/* The dedupe key of the only event. */
static void key_of(enum sms_push_kind kind, const char *text, char ret[80])
{
    T_OK(read_push(kind, text));
    T_EQ(push.count, 1);
    copy(ret, 80, push.events[0].dedupe);
    T_TRUE(ret[0] != '\0');
}

static void a_report_is_a_receipt_for_one_number(void **state)
{
    const struct event *e;

    (void)state;
    T_OK(read_push(SMS_REPORT, "[" REPORT("13900000000", "true", "DELIVERED", "123^0", "sy17") "]"));
    T_EQ(push.count, 1);
    e = &push.events[0];
    T_EQ(e->kind, EVENT_RECEIPT);
    T_EQ(e->verdict, OUTCOME_DELIVERED);
    T_VIEW(e->handle, "sy17");
    T_VIEW(e->contact, "13900000000");
    T_EQ(e->at_ms, INT64_C(1735689603000));
    T_EQ(e->account.n + e->text.n, 0);
    T_TRUE(json_flag(e->data, "success", false));
    T_STR(json_str(e->data, "err_code", ""), "DELIVERED");
    T_STR(json_str(e->data, "err_msg", ""), "用户接收成功");
    T_STR(json_str(e->data, "sms_size", ""), "1");
    T_STR(json_str(e->data, "biz_id", ""), "123^0");
}

static void a_report_of_failure_is_permanent(void **state)
{
    (void)state;
    T_OK(read_push(SMS_REPORT, "[" REPORT("8613900000000", "false", "MK:0001", "123^0", "") "]"));
    T_EQ(push.events[0].verdict, OUTCOME_PERMANENT);
    T_VIEW(push.events[0].handle, "123^0"); /* no OutId: the BizId */
    T_VIEW(push.events[0].contact, "13900000000");
    T_STR(json_str(push.events[0].data, "err_code", ""), "MK:0001");
}

static void success_may_be_a_text(void **state)
{
    (void)state;
    T_OK(read_push(SMS_REPORT, "[" REPORT("13900000000", "\"true\"", "", "1", "") "," REPORT(
                                   "13900000001", "\"false\"", "", "1", "") "," REPORT("13900000002", "1", "",
                                                                                       "1", "") "]"));
    T_EQ(push.events[0].verdict, OUTCOME_DELIVERED);
    T_EQ(push.events[1].verdict, OUTCOME_PERMANENT);
    T_EQ(push.events[2].verdict, OUTCOME_PERMANENT); /* only what says so arrived */
}

static void numbers_may_stand_for_texts(void **state)
{
    (void)state;
    T_OK(read_push(SMS_REPORT,
                   "[{\"phone_number\":13900000000,\"success\":true,\"biz_id\":900619746936498440,"
                   "\"sms_size\":2}]"));
    T_VIEW(push.events[0].contact, "13900000000");
    T_VIEW(push.events[0].handle, "900619746936498440");
    T_STR(json_str(push.events[0].data, "sms_size", ""), "2");
    T_EQ(push.events[0].at_ms, 0);
}

static void a_repeated_report_has_the_same_key(void **state)
{
    static const char *const others[] = {
        "[" REPORT("13900000001", "true", "DELIVERED", "123^0", "sy17") "]",
        "[" REPORT("13900000000", "true", "DELIVERED", "124^0", "sy17") "]",
        "[" REPORT("13900000000", "true", "EXPIRED", "123^0", "sy17") "]",
    };
    char first[80], again[80];

    (void)state;
    key_of(SMS_REPORT, "[" REPORT("13900000000", "true", "DELIVERED", "123^0", "sy17") "]", first);
    key_of(SMS_REPORT, "[" REPORT("+8613900000000", "true", "DELIVERED", "123^0", "other") "]", again);
    T_STR(again, first);
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        key_of(SMS_REPORT, others[i], again);
        T_TRUE(strcmp(again, first) != 0);
    }
}

static void what_a_person_answers_is_a_message(void **state)
{
    const struct event *e;

    (void)state;
    T_OK(read_push(SMS_UP, "[" UP("+8613900000000", "R", "\"77\"") "]"));
    e = &push.events[0];
    T_EQ(e->kind, EVENT_MESSAGE_RECEIVED);
    T_VIEW(e->contact, "13900000000");
    T_VIEW(e->text, "R");
    T_EQ(e->at_ms, INT64_C(1735689605000));
    T_TRUE(!e->passive && e->account.n == 0);
    T_STR(json_str(e->data, "dest_code", ""), "1069001");
}

static void a_message_is_known_by_its_sequence(void **state)
{
    char text[80], number[80], other[80];

    (void)state;
    key_of(SMS_UP, "[" UP("13900000000", "R", "\"77\"") "]", text);
    key_of(SMS_UP, "[" UP("13900000000", "R", "77") "]", number);
    T_STR(number, text);
    key_of(SMS_UP, "[" UP("13900000000", "R", "\"78\"") "]", other);
    T_TRUE(strcmp(other, text) != 0);
}

static void a_message_without_sequence_is_known_by_what_it_is(void **state)
{
    char first[80], again[80];

    (void)state;
    key_of(SMS_UP, "[" UP("13900000000", "R", "null") "]", first);
    key_of(SMS_UP, "[" UP("13900000000", "R", "\"\"") "]", again);
    T_STR(again, first);
    key_of(SMS_UP, "[" UP("13900000001", "R", "null") "]", again);
    T_TRUE(strcmp(again, first) != 0);
    key_of(SMS_UP, "[" UP("13900000000", "T", "null") "]", again);
    T_TRUE(strcmp(again, first) != 0);
}

static void one_useless_element_does_not_hold_up_the_others(void **state)
{
    (void)state;
    T_OK(read_push(SMS_UP, "[1,null,{},{\"phone_number\":\"1064712345678\",\"content\":\"x\"}," UP(
                               "13900000000", "好", "1") "]"));
    T_EQ(push.count, 1);
    T_EQ(push.skipped, 4);
    T_VIEW(push.events[0].text, "好");
}

static void what_is_no_push_is_refused(void **state)
{
    static const struct {
        const char *text;
        int err;
    } cases[] = {
        {"", ERR_SYNTAX},     {"{}", ERR_SYNTAX},    {"\"x\"", ERR_SYNTAX},
        {"[", ERR_SYNTAX},    {"[{}]", ERR_INVALID}, {"[[[[[[[[[[[]]]]]]]]]]]", ERR_SYNTAX},
        {"[1]", ERR_INVALID},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        T_ERR(read_push(SMS_REPORT, cases[i].text), cases[i].err);
        T_ERR(read_push(SMS_UP, cases[i].text), cases[i].err);
    }
    T_OK(read_push(SMS_UP, "[]"));
    T_EQ(push.count + push.skipped, 0);
}

static void a_push_is_bounded(void **state)
{
    struct buf AUTO(buf_fini) text;

    (void)state;
    buf_init(&text, 4 * 1024 * 1024);
    T_OK(buf_adds(&text, "["));
    for (int i = 0; i < SMS_PUSH_ELEMENTS; i++)
        T_OK(buf_addf(&text, "%s" UP("13900000000", "x", "%d"), i ? "," : "", i));
    T_OK(buf_adds(&text, "]"));
    T_OK(read_push(SMS_UP, buf_cstr(&text)));
    T_EQ(push.count, SMS_PUSH_ELEMENTS);
    buf_truncate(&text, text.len - 1);
    T_OK(buf_adds(&text, ",1]"));
    T_ERR(read_push(SMS_UP, buf_cstr(&text)), ERR_TOO_BIG);
}

static void no_memory_is_said(void **state)
{
    static const char *const texts[] = {"[" REPORT("13900000000", "true", "DELIVERED", "123^0", "sy17") "]",
                                        "[" UP("13900000000", "R", "77") "]"};

    (void)state;
    for (int kind = SMS_REPORT; kind <= SMS_UP; kind++) {
        int n = 0, r;

        do {
            sms_push_fini(&push);
            mem_fail_at(++n);
            r = sms_push_read(&push, (enum sms_push_kind)kind, str_of(texts[kind]));
            T_EQ(r, mem_fault_hit() ? -ENOMEM : 0);
        } while (mem_fault_hit());
        mem_fail_at(0);
        T_TRUE(n > 1);
    }
}

#define CASE(fn) cmocka_unit_test_teardown(fn, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_report_is_a_receipt_for_one_number),
        CASE(a_report_of_failure_is_permanent),
        CASE(success_may_be_a_text),
        CASE(numbers_may_stand_for_texts),
        CASE(a_repeated_report_has_the_same_key),
        CASE(what_a_person_answers_is_a_message),
        CASE(a_message_is_known_by_its_sequence),
        CASE(a_message_without_sequence_is_known_by_what_it_is),
        CASE(one_useless_element_does_not_hold_up_the_others),
        CASE(what_is_no_push_is_refused),
        CASE(a_push_is_bounded),
        CASE(no_memory_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
