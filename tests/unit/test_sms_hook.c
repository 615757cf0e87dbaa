/* SPDX-License-Identifier: Apache-2.0 */
/* The door for pushes, and the configuration that makes it. */
#include <stdio.h>

#include "adapters/sms/sms.h"
#include "adapters/sms/sms_conf.h"
#include "adapters/sms/sms_push.h"
#include "base/json.h"
#include "support/asserts.h"
#include "support/sms_world.h"

#define KEY "key=P%2B%2F%20%E9%94%AE"
#define REPORTS                                                                                              \
    "[{\"phone_number\":\"13900000000\",\"success\":true,\"err_code\":\"DELIVERED\",\"biz_id\":\"1^0\","     \
    "\"out_id\":\"sy1\"},{\"phone_number\":\"13900000001\",\"success\":false,\"err_code\":\"MK:0001\","      \
    "\"biz_id\":\"1^0\",\"out_id\":\"sy1\"}]"
#define GOOD "{\"code\":0,\"msg\":\"接收成功\"}"

static struct world w;
static int64_t last_id;

static int set_up(void **state)
{
    (void)state;
    last_id = 0;
    world_open(&w, NULL, 0, "");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_close(&w);
    return 0;
}

static int push(const char *path, const char *query, const char *body)
{
    struct hook_call call = {.id = {++last_id},
                             .method = STR("POST"),
                             .path = str_of(path),
                             .query = str_of(query),
                             .body = str_of(body)};

    return sms_aliyun_ops.hook(w.adapter, &call);
}

static void stored(int64_t id, int err)
{
    sms_aliyun_ops.stored(w.adapter, (struct inbound_id){id}, NULL, err);
}

static void reports_are_acknowledged_when_they_are_stored(void **state)
{
    (void)state;
    T_OK(push("/report", KEY, REPORTS));
    T_EQ(w.inbound_count, 1);
    T_EQ(w.inbounds[0].count, 2);
    T_EQ(w.inbounds[0].events[0].verdict, OUTCOME_DELIVERED);
    T_EQ(w.inbounds[0].events[1].verdict, OUTCOME_PERMANENT);
    T_STR(w.inbounds[0].events[1].contact, "13900000001");
    T_STR(w.inbounds[0].events[1].handle, "sy1");
    T_EQ(w.answer_count, 0);
    stored(1, 0);
    T_EQ(w.answer_count, 1);
    T_EQ(w.answers[0].id.v, 1);
    T_EQ(w.answers[0].status, 200);
    T_STR(w.answers[0].body, GOOD);
    T_STR(w.answers[0].content_type, "application/json");
    stored(1, 0);
    T_EQ(w.answer_count, 1);
}

static void what_people_answer_comes_in_by_the_other_path(void **state)
{
    (void)state;
    T_OK(push("/up", KEY "&x=1",
              "[{\"phone_number\":\"13900000000\",\"content\":\"R\",\"sequence_id\":\"5\"}]"));
    T_EQ(w.inbounds[0].events[0].kind, EVENT_MESSAGE_RECEIVED);
    T_STR(w.inbounds[0].events[0].text, "R");
    stored(1, 0);
    T_STR(w.answers[0].body, GOOD);
}

static void what_is_not_stored_comes_again(void **state)
{
    (void)state;
    T_OK(push("/report", KEY, REPORTS));
    stored(1, ERR_IO);
    T_EQ(w.answers[0].status, 503);
    w.inbound_err = ERR_FULL;
    T_OK(push("/report", KEY, REPORTS));
    T_EQ(w.answers[1].status, 503);
    T_EQ(w.answers[1].id.v, 2);
    stored(2, 0); /* nobody waits for it */
    T_EQ(w.answer_count, 2);
}

static void a_wrong_key_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",      "key=",       "key=P", "key=P%2B%2F%20%E9%94%AF", KEY "x", "KEY=" KEY, "a=b",
        "key=%", "key=x&" KEY, "key",   "key=p%2B%2F%20%E9%94%AE"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        T_ERR(push("/report", wrong[i], REPORTS), ERR_AUTH);
        T_ERR(push("/up", wrong[i], "[]"), ERR_AUTH);
    }
    T_EQ(w.inbound_count + w.answer_count, 0);
}

static void another_path_or_verb_is_refused(void **state)
{
    struct hook_call get = {.id = {1}, .method = STR("GET"), .path = STR("/report"), .query = STR(KEY)};

    (void)state;
    T_ERR(push("", KEY, REPORTS), ERR_NOT_FOUND);
    T_ERR(push("/reports", KEY, REPORTS), ERR_NOT_FOUND);
    T_ERR(push("/up/", KEY, REPORTS), ERR_NOT_FOUND);
    T_ERR(sms_aliyun_ops.hook(w.adapter, &get), ERR_INVALID);
    T_EQ(w.inbound_count + w.answer_count, 0);
}

static void a_body_that_is_no_push_is_refused(void **state)
{
    (void)state;
    T_ERR(push("/report", KEY, "{}"), ERR_SYNTAX);
    T_ERR(push("/report", KEY, "[{}]"), ERR_INVALID);
    T_EQ(w.answer_count, 0);
    T_OK(push("/report", KEY, "[]"));
    T_EQ(w.inbound_count, 0);
    T_STR(w.answers[0].body, GOOD);
}

static void who_waits_when_we_stop_is_told_to_come_again(void **state)
{
    (void)state;
    T_OK(push("/report", KEY, REPORTS));
    T_OK(push("/report", KEY, REPORTS));
    world_stop(&w);
    T_EQ(w.answer_count, 2);
    T_EQ(w.answers[0].status, 503);
    T_EQ(w.answers[1].status, 503);
}

static void after_the_stop_has_begun_nothing_comes_in(void **state)
{
    (void)state;
    w.started = false;
    sms_aliyun_ops.stop(w.adapter);
    T_OK(push("/report", KEY, REPORTS));
    T_EQ(w.inbound_count, 0);
    T_EQ(w.answers[0].status, 503);
    loop_run(w.loop);
    T_TRUE(w.stopped);
}

static void no_memory_means_come_again(void **state)
{
    int n = 0;

    (void)state;
    do {
        size_t before = w.inbound_count, answers = w.answer_count;

        mem_fail_at(++n);
        T_OK(push("/report", KEY, REPORTS));
        if (mem_fault_hit()) {
            T_EQ(w.inbound_count, before);
            T_EQ(w.answers[answers].status, 503);
        }
    } while (mem_fault_hit());
    mem_fail_at(0);
    T_EQ(w.inbound_count, 1);
    T_TRUE(n > 2);
}

/* ---- configuration ---- */

#define CONF(more)                                                                                           \
    "{\"kind\":\"sms-aliyun\",\"access_key_id\":\"I\",\"access_key_secret\":\"S\",\"signature\":\"品牌\"," \
    "\"path_key\":\"P\"" more "}"

static int read_conf(const char *text, struct sms_conf *ret, json_t **ret_json, char first[256])
{
    struct diag diag;
    int r;

    diag_init(&diag, 16);
    T_OK(json_parse(str_of(text), JSON_DEPTH, ret_json, NULL));
    r = sms_conf_read(ret, "sms", *ret_json, &diag);
    (void)snprintf(first, 256, "%s", diag_count(&diag) ? diag_text(&diag, 0) : "");
    T_EQ(diag_count(&diag) > 0, r < 0);
    diag_fini(&diag);
    return r;
}

static void a_configuration_has_defaults(void **state)
{
    struct sms_conf c;
    json_t *json = NULL;
    char first[256];

    (void)state;
    T_OK(read_conf(CONF(""), &c, &json, first));
    T_VIEW(c.api_base, "https://dysmsapi.aliyuncs.com");
    T_VIEW(c.host, "dysmsapi.aliyuncs.com");
    T_EQ(c.path.n + c.region.n, 0);
    T_VIEW(c.refusal_text, "拒收请回复R");
    json_decref(json);
    T_OK(read_conf(CONF(",\"api_base\":\"http://127.0.0.1:8700/aliyun/\",\"region\":\"cn-hangzhou\","
                        "\"refusal_text\":\"回T退订\""),
                   &c, &json, first));
    T_VIEW(c.api_base, "http://127.0.0.1:8700/aliyun");
    T_VIEW(c.host, "127.0.0.1:8700");
    T_VIEW(c.path, "/aliyun");
    T_VIEW(c.region, "cn-hangzhou");
    T_VIEW(c.refusal_text, "回T退订");
    json_decref(json);
}

static void a_wrong_configuration_is_named(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"{\"kind\":\"sms-aliyun\"}", "access_key_id"},
        {CONF(",\"signatur\":\"x\""), "signatur"},
        {CONF(",\"api_base\":\"ftp://x\""), "api_base"},
        {CONF(",\"api_base\":\"https://\""), "api_base"},
        {CONF(",\"api_base\":\"https://a@b\""), "api_base"},
        {CONF(",\"api_base\":\"https://a?b\""), "api_base"},
        {CONF(",\"api_base\":\"https://a b\""), "api_base"},
        {CONF(",\"refusal_text\":\" \""), "refusal_text"},
        {CONF(",\"region\":1"), "region"},
        {"{\"access_key_id\":\"I\",\"access_key_secret\":\"S\",\"signature\":\"【品牌】\",\"path_key\":"
         "\"P\"}",
         "connections.sms.signature: write it without 【】"},
        {"{\"access_key_id\":\"I,J\",\"access_key_secret\":\"S\",\"signature\":\"a\",\"path_key\":\"P\"}",
         "access_key_id"},
        {"{\"access_key_id\":\"I\",\"access_key_secret\":\"S\",\"signature\":\"a\",\"path_key\":\"\"}",
         "path_key"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sms_conf c;
        json_t *json = NULL;
        char first[256];

        T_ERR(read_conf(cases[i].text, &c, &json, first), ERR_CONFIG);
        if (str_find(str_of(first), str_of(cases[i].says)) == strlen(first))
            T_STR(first, cases[i].says);
        json_decref(json);
    }
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(reports_are_acknowledged_when_they_are_stored),
        CASE(what_people_answer_comes_in_by_the_other_path),
        CASE(what_is_not_stored_comes_again),
        CASE(a_wrong_key_is_refused),
        CASE(another_path_or_verb_is_refused),
        CASE(a_body_that_is_no_push_is_refused),
        CASE(who_waits_when_we_stop_is_told_to_come_again),
        CASE(after_the_stop_has_begun_nothing_comes_in),
        CASE(no_memory_means_come_again),
        cmocka_unit_test(a_configuration_has_defaults),
        cmocka_unit_test(a_wrong_configuration_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
