/* SPDX-License-Identifier: Apache-2.0 */
/* Attempts against a scripted platform. Each request is judged by the sandbox's own reading of the signature.
 */
#include <stdio.h>
#include <stdlib.h>

#include "adapters/sms/sms.h"
#include "base/json.h"
#include "sandbox/acs3.h"
#include "support/asserts.h"
#include "support/sms_world.h"

#define OK_BODY "{\"Code\":\"OK\",\"Message\":\"OK\",\"BizId\":\"9^0\"}"
#define OK_STEP world_answer("200 OK", OK_BODY)

static struct world w;
static const struct content notice = {.text = STR("订单已发货"), .provider_template = STR("SMS_1")};
static const struct recipient two[] = {{{1}, STR("13900000001")}, {{2}, STR("8613900000002")}};

static int close_world(void **state)
{
    (void)state;
    world_close(&w);
    return 0;
}

static struct call send_call(void)
{
    return (struct call){.op = CALL_SEND,
                         .class = CLASS_TRANSACTIONAL,
                         .content = &notice,
                         .key = STR("sy17"),
                         .deadline_ms = 5000};
}

static const struct world_done *run(const struct call *call, const struct recipient *to, size_t n)
{
    size_t before = w.done_count;

    T_OK(sms_aliyun_ops.perform(w.adapter, (struct attempt_id){(int64_t)before + 1}, call, to, n));
    T_EQ(w.done_count, before); /* never from inside perform() */
    world_run(&w, before + 1);
    T_EQ(w.dones[before].id.v, (int64_t)before + 1);
    return &w.dones[before];
}

static struct peer_step refusal(const char *status, const char *code, const char *message)
{
    char body[256];

    (void)snprintf(body, sizeof(body), "{\"Code\":\"%s\",\"Message\":\"%s\",\"RequestId\":\"1\"}", code,
                   message);
    return world_answer(status, body);
}

/* ---- what was sent ---- */

struct request {
    char path[64];
    struct str query, body;
    json_t *headers; /* lower-case names */
};

static void add_header(json_t *headers, struct str line)
{
    struct str name, value;
    char key[64];

    T_TRUE(str_cut(line, ':', &name, &value) && name.n < sizeof(key));
    for (size_t i = 0; i < name.n; i++)
        key[i] = (char)(name.p[i] >= 'A' && name.p[i] <= 'Z' ? name.p[i] + 32 : name.p[i]);
    key[name.n] = '\0';
    value = str_trim(value);
    T_EQ(json_object_set_new(headers, key, json_stringn(value.p, value.n)), 0);
}

static struct request request_at(size_t i)
{
    struct str text = str_of(peer_request(w.peer, i)), line, target, path;
    struct request r = {.headers = json_object()};
    size_t head = str_find(text, STR("\r\n\r\n"));

    T_TRUE(head < text.n);
    r.body = str_sub(text, head + 4, text.n);
    text = str_sub(text, 0, head);
    T_TRUE(str_next(&text, '\n', &line));
    T_TRUE(str_starts(line, STR("POST ")));
    (void)str_cut(str_sub(line, 5, line.n), ' ', &target, &line);
    (void)str_cut(target, '?', &path, &r.query);
    (void)snprintf(r.path, sizeof(r.path), "%.*s", STR_ARG(path));
    while (text.n && str_next(&text, '\n', &line))
        add_header(r.headers, str_trim(line));
    return r;
}

static bool is_signed(const struct request *r, const char *secret)
{
    struct sb_acs3 a = {
        .method = "POST", .uri = r->path, .query = r->query, .headers = r->headers, .body = r->body};

    return sb_acs3_check(&a, secret);
}

static void a_send_is_accepted_and_gives_its_biz_id(void **state)
{
    const struct peer_step steps[] = {OK_STEP};
    struct call call = send_call();
    const struct world_done *d;
    struct request r;

    (void)state;
    world_open(&w, steps, 1, "");
    d = run(&call, two, 2);
    T_EQ(d->facts.outcome, OUTCOME_ACCEPTED);
    T_EQ(d->facts.http, 200);
    T_EQ(d->facts.date_ms, INT64_C(1735689601000));
    T_TRUE(d->facts.bytes_out > 0);
    T_STR(d->provider_id, "9^0");
    T_STR(d->error, "");
    T_EQ(peer_requests(w.peer), 1);
    r = request_at(0);
    T_STR(r.path, "/");
    T_VIEW(r.query, "OutId=sy17&PhoneNumbers=13900000001%2C13900000002&SignName=%E5%93%81%E7%89%8C&"
                    "TemplateCode=SMS_1");
    T_EQ(r.body.n, 0);
    T_STR(json_str(r.headers, "x-acs-action", ""), "SendSms");
    T_STR(json_str(r.headers, "x-acs-version", ""), "2017-05-25");
    T_STR(json_str(r.headers, "x-acs-date", ""), "2025-01-01T00:00:00Z");
    T_TRUE(json_object_get(r.headers, "content-type") == NULL);
    T_TRUE(is_signed(&r, "testSecret"));
    T_TRUE(!is_signed(&r, "testSecreu"));
    json_decref(r.headers);
}

static void each_request_has_its_own_nonce_and_date(void **state)
{
    const struct peer_step steps[] = {OK_STEP};
    struct call call = send_call();
    struct request a, b;

    (void)state;
    world_open(&w, steps, 1, "/aliyun");
    (void)run(&call, two, 1);
    clock_advance(&w.clock, 3600000);
    (void)run(&call, two, 1);
    a = request_at(0);
    b = request_at(1);
    T_STR(b.path, "/aliyun/");
    T_STR(json_str(b.headers, "x-acs-date", ""), "2025-01-01T01:00:00Z");
    T_TRUE(strcmp(json_str(a.headers, "x-acs-signature-nonce", ""),
                  json_str(b.headers, "x-acs-signature-nonce", "")) != 0);
    T_TRUE(is_signed(&a, "testSecret") && is_signed(&b, "testSecret"));
    json_decref(a.headers);
    json_decref(b.headers);
}

static void a_thousand_numbers_go_as_a_signed_form(void **state)
{
    const struct peer_step steps[] = {OK_STEP};
    static struct recipient to[1000];
    static char numbers[1000][12];
    struct call call = send_call();
    struct request r;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(to); i++) {
        (void)snprintf(numbers[i], sizeof(numbers[i]), "139%08zu", i);
        to[i] = (struct recipient){{(int64_t)i + 1}, str_of(numbers[i])};
    }
    world_open(&w, steps, 1, "");
    T_EQ(run(&call, to, ARRAY_LEN(to))->facts.outcome, OUTCOME_ACCEPTED);
    T_EQ(peer_requests(w.peer), 1);
    r = request_at(0);
    T_EQ(r.query.n, 0);
    T_TRUE(str_starts(r.body, STR("OutId=sy17&PhoneNumbers=13900000000%2C13900000001%2C")));
    T_STR(json_str(r.headers, "content-type", ""), "application/x-www-form-urlencoded");
    T_TRUE(is_signed(&r, "testSecret"));
    json_decref(r.headers);
}

static void what_can_never_be_sent_leaves_no_byte(void **state)
{
    static const struct content no_way_out = {.text = STR("开业"), .provider_template = STR("SMS_1")};
    static const struct content no_template = {.text = STR("开业，拒收请回复R")};
    static const struct recipient bad[] = {{{1}, STR("12")}};
    struct call call = send_call();
    const struct world_done *d;

    (void)state;
    world_open(&w, NULL, 0, "");
    call.class = CLASS_BROADCAST;
    call.content = &no_way_out;
    d = run(&call, two, 2);
    T_EQ(d->facts.outcome, OUTCOME_PERMANENT);
    T_EQ(d->facts.bytes_out, 0);
    T_STR(d->error, "sms.no_refusal_text");
    call.content = &no_template;
    d = run(&call, two, 2);
    T_EQ(d->facts.outcome, OUTCOME_PERMANENT);
    T_STR(d->error, "sms.no_template");
    call = send_call();
    d = run(&call, bad, 1);
    T_EQ(d->facts.outcome, OUTCOME_PERMANENT);
    T_STR(d->error, "isv.MOBILE_NUMBER_ILLEGAL");
    T_EQ(d->facts.item_count, 1);
    T_EQ(d->facts.bytes_out, 0);
}

static void bad_numbers_are_items_whatever_becomes_of_the_others(void **state)
{
    const struct peer_step steps[] = {OK_STEP, {.answer = NULL, .fate = PEER_CLOSE}};
    static const struct recipient mixed[] = {{{1}, STR("12")}, {{2}, STR("13900000002")}};
    static const enum outcome ends[] = {OUTCOME_ACCEPTED, OUTCOME_UNKNOWN};
    struct call call = send_call();

    (void)state;
    world_open(&w, steps, 2, "");
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        const struct world_done *d = run(&call, mixed, 2);

        T_EQ(d->facts.outcome, ends[i]);
        T_EQ(d->facts.item_count, 1);
        T_EQ(d->items[0].id.v, 1);
        T_STR(d->items[0].to, "12");
        T_EQ(d->items[0].outcome, OUTCOME_PERMANENT);
    }
}

static void each_refusal_is_judged_by_its_word(void **state)
{
    static const struct {
        const char *status, *code, *message, *error;
        enum outcome outcome;
        int64_t retry_ms;
        bool alert;
    } cases[] = {
        {"200 OK", "isv.BUSINESS_LIMIT_CONTROL", "触发分钟级流控Permits:1",
         "isv.BUSINESS_LIMIT_CONTROL:minute", OUTCOME_LIMITED, 60000, false},
        {"200 OK", "isv.DAY_LIMIT_CONTROL", "", "isv.DAY_LIMIT_CONTROL", OUTCOME_LIMITED, 16 * 3600000,
         false},
        {"200 OK", "isv.MONTH_LIMIT_CONTROL", "", "isv.MONTH_LIMIT_CONTROL", OUTCOME_LIMITED,
         31 * INT64_C(86400000) - 8 * 3600000, false},
        {"200 OK", "isv.TEMPLATE_MISSING_PARAMETERS", "", "isv.TEMPLATE_MISSING_PARAMETERS",
         OUTCOME_PERMANENT, 0, false},
        {"200 OK", "isv.AMOUNT_NOT_ENOUGH", "no money", "isv.AMOUNT_NOT_ENOUGH", OUTCOME_NOT_SENT, 0, true},
        {"200 OK", "isv.NEVER_HEARD_OF", "", "isv.NEVER_HEARD_OF", OUTCOME_UNKNOWN, 0, false},
        {"400 Bad Request", "SignatureNonceUsed", "", "SignatureNonceUsed", OUTCOME_UNKNOWN, 0, false},
        {"400 Bad Request", "SignatureDoesNotMatch", "", "SignatureDoesNotMatch", OUTCOME_NOT_SENT, 0, true},
        {"404 Not Found", "InvalidAccessKeyId.NotFound", "", "InvalidAccessKeyId.NotFound", OUTCOME_NOT_SENT,
         0, true},
        {"400 Bad Request", "Throttling.User", "", "Throttling.User", OUTCOME_LIMITED, 1000, false},
        {"503 Busy", "isv.AMOUNT_NOT_ENOUGH", "", "the answer is not one of Aliyun's", OUTCOME_UNKNOWN, 0,
         false},
        {"400 Bad Request", "OK", "", "the answer contradicts itself", OUTCOME_UNKNOWN, 0, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct peer_step step = refusal(cases[i].status, cases[i].code, cases[i].message);
        struct call call = send_call();
        const struct world_done *d;

        if (i)
            world_close(&w);
        world_open(&w, &step, 1, "");
        d = run(&call, two, 1);
        T_STR(d->error, cases[i].error);
        T_EQ(d->facts.outcome, cases[i].outcome);
        T_EQ(d->facts.retry_ms, cases[i].retry_ms);
        T_EQ(w.alert_count, cases[i].alert);
    }
}

static void an_alert_is_given_once(void **state)
{
    const struct peer_step step = refusal("200 OK", "isv.OUT_OF_SERVICE", "欠费");
    struct call call = send_call();

    (void)state;
    world_open(&w, &step, 1, "");
    (void)run(&call, two, 1);
    (void)run(&call, two, 1);
    T_EQ(w.alert_count, 1);
    T_STR(w.alert, "sms: refused with isv.OUT_OF_SERVICE: 欠费");
    clock_advance(&w.clock, 10 * 60000);
    (void)run(&call, two, 1);
    T_EQ(w.alert_count, 2);
}

static void one_persons_refusal_is_not_everybodys(void **state)
{
    static const char *const words[] = {"isv.CUSTOMER_REFUSED", "isv.MOBILE_NUMBER_ILLEGAL"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        const struct peer_step step = refusal("200 OK", words[i], "");
        struct call call = send_call();

        if (i)
            world_close(&w);
        world_open(&w, &step, 1, "");
        T_EQ(run(&call, two, 1)->facts.outcome, OUTCOME_PERMANENT);
        T_EQ(run(&call, two, 2)->facts.outcome, OUTCOME_NOT_SENT);
    }
}

static void no_clear_answer_is_unknown_and_never_repeated(void **state)
{
    const struct peer_step steps[] = {
        {.answer = NULL, .fate = PEER_CLOSE},
        {.answer = NULL, .fate = PEER_RESET},
        {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 43\r\n\r\n{\"Code\":\"OK\"", .fate = PEER_CLOSE},
        world_answer("200 OK", "{}"),
        world_answer("502 Bad Gateway", OK_BODY),
        world_answer("302 Found", OK_BODY),
        world_answer("403 Forbidden", "<html/>\r\n"),
        {.answer = NULL, .fate = PEER_KEEP}, /* until the deadline */
    };
    struct call call = send_call();

    (void)state;
    world_open(&w, steps, ARRAY_LEN(steps), "");
    call.deadline_ms = 300;
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        const struct world_done *d = run(&call, two, 1);

        T_EQ(d->facts.outcome, OUTCOME_UNKNOWN);
        T_TRUE(d->facts.bytes_out > 0);
        T_TRUE(d->error[0] != '\0');
        T_EQ(peer_requests(w.peer), i + 1);
    }
}

static void a_lost_reused_connection_is_no_reason_to_send_again(void **state)
{
    const struct peer_step steps[] = {OK_STEP, {.answer = NULL, .fate = PEER_CLOSE}, OK_STEP};
    struct call call = send_call();

    (void)state;
    world_open(&w, steps, ARRAY_LEN(steps), "");
    T_EQ(run(&call, two, 1)->facts.outcome, OUTCOME_ACCEPTED);
    T_EQ(run(&call, two, 1)->facts.outcome, OUTCOME_UNKNOWN);
    T_EQ(peer_requests(w.peer), 2);
}

static void a_closed_port_means_not_sent(void **state)
{
    struct call call = send_call();
    const struct world_done *d;

    (void)state;
    world_open(&w, NULL, 0, "");
    d = run(&call, two, 1);
    T_EQ(d->facts.outcome, OUTCOME_NOT_SENT);
    T_EQ(d->facts.bytes_out, 0);
    call.deadline_ms = 0;
    d = run(&call, two, 1);
    T_EQ(d->facts.outcome, OUTCOME_NOT_SENT);
}

static void a_query_reads_on_until_it_finds(void **state)
{
    const struct peer_step steps[] = {
        world_answer("200 OK",
                     "{\"Code\":\"OK\",\"TotalCount\":51,\"SmsSendDetailDTOs\":{\"SmsSendDetailDTO\":[{"
                     "\"OutId\":\"x\"}]}}"),
        world_answer("200 OK",
                     "{\"Code\":\"OK\",\"TotalCount\":\"51\",\"SmsSendDetailDTOs\":{\"SmsSendDetailDTO\":[{"
                     "\"OutId\":\"sy17\",\"SendStatus\":3}]}}"),
    };
    json_t *params = json_pack("{s:I, s:s}", "from_ms", (json_int_t)WORLD_WALL_MS, "to", "13900000001");
    struct call call = {
        .op = CALL_QUERY, .key = STR("sy17"), .handle = STR("sy17"), .params = params, .deadline_ms = 5000};
    const struct world_done *d;
    struct request r;

    (void)state;
    world_open(&w, steps, 2, "");
    d = run(&call, NULL, 0);
    json_decref(params);
    T_STR(d->error, "");
    T_EQ(d->facts.outcome, OUTCOME_ACCEPTED);
    T_TRUE(json_flag(d->data, "found", false));
    T_EQ(d->facts.item_count, 1);
    T_STR(d->items[0].to, "13900000001");
    T_EQ(d->items[0].outcome, OUTCOME_DELIVERED);
    T_EQ(peer_requests(w.peer), 2);
    r = request_at(1);
    T_VIEW(r.query, "CurrentPage=2&PageSize=50&PhoneNumber=13900000001&SendDate=20250101");
    T_STR(json_str(r.headers, "x-acs-action", ""), "QuerySendDetails");
    T_TRUE(is_signed(&r, "testSecret"));
    json_decref(r.headers);
}

static void a_query_that_reads_nonsense_is_unknown(void **state)
{
    const struct peer_step steps[] = {OK_STEP};
    json_t *params = json_pack("{s:I, s:s}", "from_ms", (json_int_t)WORLD_WALL_MS, "to", "13900000001");
    struct call call = {.op = CALL_QUERY, .key = STR("sy17"), .params = params, .deadline_ms = 5000};

    (void)state;
    world_open(&w, steps, 1, "");
    T_EQ(run(&call, NULL, 0)->facts.outcome, OUTCOME_UNKNOWN);
    json_decref(params);
}

static void stopping_ends_every_call_first(void **state)
{
    static const struct peer_step steps[] = {{.answer = NULL, .fate = PEER_KEEP}};
    struct call call = send_call();

    (void)state;
    world_open(&w, steps, 1, "");
    for (int64_t i = 1; i <= 5; i++)
        T_OK(sms_aliyun_ops.perform(w.adapter, (struct attempt_id){i}, &call, two, 1));
    world_stop(&w);
    T_EQ(w.done_count, 5);
    for (size_t i = 0; i < 5; i++)
        T_EQ(w.dones[i].facts.outcome, w.dones[i].facts.bytes_out ? OUTCOME_UNKNOWN : OUTCOME_NOT_SENT);
}

static void stopping_after_the_first_byte_leaves_it_unknown(void **state)
{
    static const struct peer_step steps[] = {{.answer = NULL, .fate = PEER_KEEP}};
    struct call call = send_call();

    (void)state;
    world_open(&w, steps, 1, "");
    T_OK(sms_aliyun_ops.perform(w.adapter, (struct attempt_id){1}, &call, two, 1));
    world_run_heard(&w, 1);
    world_stop(&w);
    T_EQ(w.done_count, 1);
    T_EQ(w.dones[0].facts.outcome, OUTCOME_UNKNOWN);
    T_TRUE(w.dones[0].facts.bytes_out > 0);
}

static void what_cannot_start_has_no_end(void **state)
{
    const struct peer_step steps[] = {OK_STEP};
    struct call call = send_call();

    (void)state;
    world_open(&w, steps, 1, "");
    call.op = CALL_MASS;
    T_ERR(sms_aliyun_ops.perform(w.adapter, (struct attempt_id){1}, &call, two, 1), ERR_UNSUPPORTED);
    call = send_call();
    w.started = false;
    sms_aliyun_ops.stop(w.adapter);
    T_ERR(sms_aliyun_ops.perform(w.adapter, (struct attempt_id){1}, &call, two, 1), ERR_CLOSED);
    loop_run(w.loop);
    T_TRUE(w.stopped);
    T_EQ(w.done_count, 0);
}

static void every_allocation_may_fail_at_the_start(void **state)
{
    const struct peer_step steps[] = {OK_STEP};
    struct call call = send_call();
    size_t started = 0;
    bool hit = true;

    (void)state;
    world_open(&w, steps, 1, "");
    for (int n = 1; hit; n++) {
        int r;

        mem_fail_at(n);
        r = sms_aliyun_ops.perform(w.adapter, (struct attempt_id){n}, &call, two, 2);
        hit = mem_fault_hit();
        mem_fail_at(0);
        T_TRUE(r == 0 || r == -ENOMEM);
        if (r == 0)
            world_run(&w, ++started);
        if (r == 0 && hit)
            T_EQ(w.dones[started - 1].facts.outcome, OUTCOME_NOT_SENT);
    }
    T_EQ(w.done_count, started);
    T_EQ(w.dones[started - 1].facts.outcome, OUTCOME_ACCEPTED);
}

#define CASE(fn) cmocka_unit_test_teardown(fn, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_send_is_accepted_and_gives_its_biz_id),
        CASE(each_request_has_its_own_nonce_and_date),
        CASE(a_thousand_numbers_go_as_a_signed_form),
        CASE(what_can_never_be_sent_leaves_no_byte),
        CASE(bad_numbers_are_items_whatever_becomes_of_the_others),
        CASE(each_refusal_is_judged_by_its_word),
        CASE(an_alert_is_given_once),
        CASE(one_persons_refusal_is_not_everybodys),
        CASE(no_clear_answer_is_unknown_and_never_repeated),
        CASE(a_lost_reused_connection_is_no_reason_to_send_again),
        CASE(a_closed_port_means_not_sent),
        CASE(a_query_reads_on_until_it_finds),
        CASE(a_query_that_reads_nonsense_is_unknown),
        CASE(stopping_ends_every_call_first),
        CASE(stopping_after_the_first_byte_leaves_it_unknown),
        CASE(what_cannot_start_has_no_end),
        CASE(every_allocation_may_fail_at_the_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
