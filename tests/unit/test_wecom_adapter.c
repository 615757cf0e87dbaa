/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration, callbacks from the door to the answer, and the synchronisation of 微信客服. */
#include <stdio.h>

#include "adapters/wecom/wecom.h"
#include "base/json.h"
#include "base/log.h"
#include "base/wxcrypt.h"
#include "support/asserts.h"
#include "support/wecom_world.h"
#include "support/wxcrypt_vectors.h"

#define TOKEN "wecomGatewayTok2026"
#define AES_KEY "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY"
#define CORP_ID "ww1234567890abcdef"
#define APP                                                                                                  \
    "\"corp_id\":\"" CORP_ID "\",\"secret\":\"S\",\"token\":\"" TOKEN "\",\"aes_key\":\"" AES_KEY            \
    "\",\"api_base\":\"BASE\""
#define CORP "{\"kind\":\"wecom\",\"agent_id\":1000002," APP "}"
#define KF "{\"kind\":\"wecom-kf\",\"open_kfid\":\"wk1\",\"poll_every\":\"30s\"," APP "}"
#define KF_SILENT "{\"kind\":\"wecom-kf\",\"open_kfid\":\"wk1\",\"poll_every\":0," APP "}"

#define GETTOKEN "/cgi-bin/gettoken"
#define SYNC "/cgi-bin/kf/sync_msg"
#define EMPTY_PAGE(cursor) "{\"errcode\":0,\"next_cursor\":\"" cursor "\",\"has_more\":0,\"msg_list\":[]}"
#define MESSAGE(id, words)                                                                                   \
    "{\"msgid\":\"" id "\",\"open_kfid\":\"wk1\",\"external_userid\":\"wmA\",\"send_time\":1767225600,"      \
    "\"origin\":3,\"msgtype\":\"text\",\"text\":{\"content\":\"" words "\"}}"
#define PAGE(cursor, more, items)                                                                            \
    "{\"errcode\":0,\"next_cursor\":\"" cursor "\",\"has_more\":" more ",\"msg_list\":[" items "]}"
#define ADDED                                                                                                \
    "<xml><ToUserName>" CORP_ID "</ToUserName><FromUserName>sys</FromUserName><CreateTime>1767225600"        \
    "</CreateTime><MsgType>event</MsgType><Event>change_external_contact</Event><ChangeType>"                \
    "add_external_contact</ChangeType><UserID>zhangsan</UserID><ExternalUserID>wmA</ExternalUserID>"         \
    "<WelcomeCode>WC</WelcomeCode></xml>"
#define HELLO                                                                                                \
    "<xml><ToUserName>" CORP_ID "</ToUserName><FromUserName>lisi</FromUserName><CreateTime>1767225600"       \
    "</CreateTime><MsgType>text</MsgType><Content>hi</Content><MsgId>5</MsgId></xml>"
#define WAKE(kf, token)                                                                                      \
    "<xml><ToUserName>" CORP_ID "</ToUserName><CreateTime>1767225600</CreateTime><MsgType>event</MsgType>"   \
    "<Event>kf_msg_or_event</Event><Token>" token "</Token><OpenKfId>" kf "</OpenKfId></xml>"

static struct world w;
static size_t wanted;
static struct wxcrypt_key key;

static int set_up(void **state)
{
    (void)state;
    return wxcrypt_key_init(&key, STR(AES_KEY));
}

static int tear_down(void **state)
{
    (void)state;
    wxcrypt_key_fini(&key);
    world_close(&w);
    return 0;
}

/* A callback as the platform posts it. */
static int post_signed(int64_t id, const char *message, const char *timestamp)
{
    struct buf AUTO(buf_fini) sealed, AUTO(buf_fini) query, AUTO(buf_fini) body;
    struct hook_call call = {.id = {id}, .method = STR("POST")};
    char sign[WXCRYPT_SIGN_BYTES];
    struct str parts[3];

    buf_init(&sealed, 65536);
    buf_init(&query, 65536);
    buf_init(&body, 65536);
    T_OK(wxcrypt_seal(&key, str_of(message), STR(CORP_ID), NULL, &sealed));
    parts[0] = str_of(timestamp);
    parts[1] = STR("nonce");
    parts[2] = buf_str(&sealed);
    wxcrypt_sign(STR(TOKEN), parts, 3, sign);
    T_OK(buf_addf(&query, "msg_signature=%s&timestamp=%s&nonce=nonce", sign, timestamp));
    T_OK(buf_addf(&body, "<xml><Encrypt>%s</Encrypt></xml>", buf_cstr(&sealed)));
    call.query = buf_str(&query);
    call.body = buf_str(&body);
    return w.ops->hook(w.adapter, &call);
}

static int post(int64_t id, const char *message)
{
    return post_signed(id, message, "1767225600");
}

static bool has_answers(struct world *world)
{
    return world->answer_count >= wanted;
}

static void await_answers(size_t n)
{
    wanted = n;
    world_run(&w, has_answers);
}

static void open_corp(void)
{
    world_open(&w, &wecom_ops, CORP);
    world_say(&w, GETTOKEN, WORLD_TOKEN);
    world_start(&w, NULL);
}

static void url_verification_is_answered_at_once(void **state)
{
    struct hook_call call = {
        .id = {1},
        .method = STR("GET"),
        .query =
            STR("msg_signature=68f95253e7152c7a9c1587daf6dbd817ebda00e6&timestamp=1767225600&nonce=nonceA1&"
                "echostr=UzSncTXNGODz4PjzLaDyh5Xl8wiBo0pA8UVT6UAS4fRWS8rEgorG9PShIDtJuTKoQx%2FWY02%2Fi6J3"
                "%2Fij5sVMqUQ%3D%3D"),
    };

    (void)state;
    open_corp();
    T_OK(w.ops->hook(w.adapter, &call));
    T_EQ(w.answer_count, 1);
    T_EQ(w.answers[0].id.v, 1);
    T_EQ(w.answers[0].status, 200);
    T_STR(w.answers[0].body, "1616140317555161061");
}

static void an_event_is_acknowledged_when_it_is_stored(void **state)
{
    (void)state;
    open_corp();
    w.hold = true;
    T_OK(post(1, ADDED));
    T_EQ(w.inbound_count, 1);
    T_EQ(w.inbounds[0].id.v, 1);
    T_EQ(w.inbounds[0].kind, EVENT_CONTACT_ADDED);
    T_STR(w.inbounds[0].contact, "wmA");
    T_TRUE(!w.inbounds[0].has_cursor);
    world_run_ms(&w, 50);
    T_EQ(w.answer_count, 0);
    w.ops->stored(w.adapter, (struct inbound_id){1}, NULL, 0);
    T_EQ(w.answer_count, 1);
    T_EQ(w.answers[0].status, 200);
    T_STR(w.answers[0].body, "success");
    w.ops->stored(w.adapter, (struct inbound_id){1}, NULL, 0); /* forgotten */
    T_EQ(w.answer_count, 1);
}

static void what_is_not_stored_is_sent_again(void **state)
{
    (void)state;
    open_corp();
    w.store_err = ERR_IO;
    T_OK(post(1, ADDED));
    await_answers(1);
    T_EQ(w.answers[0].status, 503);
    w.inbound_err = ERR_FULL;
    T_OK(post(2, ADDED));
    T_EQ(w.answer_count, 2);
    T_EQ(w.answers[1].status, 503);
}

static void a_stale_or_forged_callback_is_refused_without_a_trace(void **state)
{
    struct hook_call call = {.method = STR("POST"), .path = STR("/report")};

    (void)state;
    open_corp();
    T_ERR(post_signed(1, ADDED, "1767225000"), ERR_STALE);
    T_ERR(w.ops->hook(w.adapter, &call), ERR_NOT_FOUND);
    call.path = STR("");
    T_TRUE(w.ops->hook(w.adapter, &call) < 0);
    T_EQ(w.inbound_count, 0);
    T_EQ(w.answer_count, 0);
    T_OK(post(2, ADDED)); /* and the door still works */
    T_EQ(w.inbound_count, 1);
}

static void an_employee_gets_a_sealed_reply_inside_the_answer(void **state)
{
    struct content reply = {.text = STR("hello")};
    struct buf AUTO(buf_fini) plain;
    struct str sealed;
    size_t at;

    (void)state;
    open_corp();
    buf_init(&plain, 65536);
    w.hold = true;
    T_OK(post(1, HELLO));
    w.ops->stored(w.adapter, (struct inbound_id){1}, &reply, 0);
    T_EQ(w.answers[0].status, 200);
    sealed = str_of(w.answers[0].body);
    at = str_find(sealed, STR("<Encrypt><![CDATA["));
    T_TRUE(at < sealed.n);
    sealed = str_sub(sealed, at + 18, sealed.n);
    sealed = str_sub(sealed, 0, str_find(sealed, STR("]]>")));
    T_OK(wxcrypt_open(&key, sealed, STR(CORP_ID), &plain));
    T_STR(buf_cstr(&plain), "<xml><ToUserName><![CDATA[lisi]]></ToUserName><FromUserName><![CDATA[" CORP_ID
                            "]]></FromUserName><CreateTime>1767225600</CreateTime><MsgType><![CDATA[text]]>"
                            "</MsgType><Content><![CDATA[hello]]></Content></xml>");
}

static void events_of_customers_take_no_reply(void **state)
{
    struct content reply = {.text = STR("hello")};

    (void)state;
    open_corp();
    w.hold = true;
    T_OK(post(1, ADDED));
    w.ops->stored(w.adapter, (struct inbound_id){1}, &reply, 0);
    T_STR(w.answers[0].body, "success");
}

static void stopping_answers_what_still_waits(void **state)
{
    (void)state;
    open_corp();
    w.hold = true;
    T_OK(post(1, ADDED));
    T_OK(post(2, HELLO));
    world_stop(&w);
    T_EQ(w.answer_count, 2);
    T_EQ(w.answers[0].status, 503);
    T_OK(post(3, ADDED));
    T_EQ(w.answers[2].status, 503);
    T_EQ(w.inbound_count, 2);
}

static void a_wake_up_at_the_apps_door_is_passed_on(void **state)
{
    (void)state;
    open_corp();
    T_OK(post(1, WAKE("wk1", "T1")));
    T_EQ(w.answer_count, 1);
    T_STR(w.answers[0].body, "success");
    T_EQ(w.inbound_count, 0);
    T_EQ(w.nudge_count, 1);
    T_STR(w.nudged, "wk1 T1");
}

static bool has_inbounds(struct world *world)
{
    return world->inbound_count >= wanted;
}

static void await_inbounds(size_t n)
{
    wanted = n;
    world_run(&w, has_inbounds);
}

static bool has_syncs(struct world *world)
{
    return world_requests(world, SYNC) >= wanted;
}

static void await_syncs(size_t n)
{
    wanted = n;
    world_run(&w, has_syncs);
    world_run_ms(&w, 50);
}

static void open_kf(const char *conf, const char *cursor)
{
    world_open(&w, &wecom_kf_ops, conf);
    world_say(&w, GETTOKEN, WORLD_TOKEN);
    world_start(&w, cursor);
}

static void a_start_reads_on_from_the_committed_cursor(void **state)
{
    (void)state;
    open_kf(KF_SILENT, "C0");
    world_say(&w, SYNC, PAGE("C1", "1", MESSAGE("M1", "抽奖")));
    world_say(&w, SYNC, PAGE("C2", "0", MESSAGE("M2", "b")));
    await_inbounds(2);
    world_run_ms(&w, 50);
    T_EQ(world_requests(&w, SYNC), 2);
    T_STR(world_request(&w, SYNC, 0)->query, "access_token=AT");
    T_STR(world_request(&w, SYNC, 0)->body,
          "{\"cursor\":\"C0\",\"limit\":500,\"voice_format\":0,\"open_kfid\":\"wk1\"}");
    T_STR(world_request(&w, SYNC, 1)->body,
          "{\"cursor\":\"C1\",\"limit\":500,\"voice_format\":0,\"open_kfid\":\"wk1\"}");
    T_EQ(w.inbounds[0].kind, EVENT_MESSAGE_RECEIVED);
    T_STR(w.inbounds[0].text, "抽奖");
    T_STR(w.inbounds[0].cursor, "C1");
    T_STR(w.inbounds[1].cursor, "C2");
}

static void the_next_page_waits_until_the_last_is_stored(void **state)
{
    (void)state;
    open_kf(KF_SILENT, NULL);
    w.hold = true;
    world_say(&w, SYNC, PAGE("C1", "1", MESSAGE("M1", "a")));
    world_say(&w, SYNC, PAGE("C2", "0", MESSAGE("M2", "b")));
    await_inbounds(1);
    world_run_ms(&w, 100);
    T_EQ(world_requests(&w, SYNC), 1);
    w.ops->stored(w.adapter, w.inbounds[0].id, NULL, 0);
    await_inbounds(2);
    T_STR(w.inbounds[1].cursor, "C2");
}

static void a_page_that_is_not_stored_is_read_again(void **state)
{
    (void)state;
    open_kf(KF_SILENT, "C0");
    w.store_err = ERR_IO;
    world_say(&w, SYNC, PAGE("C1", "0", MESSAGE("M1", "a")));
    await_inbounds(1);
    await_syncs(1);
    w.store_err = 0;
    await_inbounds(2);
    T_STR(world_request(&w, SYNC, 1)->body,
          "{\"cursor\":\"C0\",\"limit\":500,\"voice_format\":0,\"open_kfid\":\"wk1\"}");
}

static void wake_ups_during_a_round_cause_one_more(void **state)
{
    (void)state;
    open_kf(KF_SILENT, "C0");
    world_say(&w, SYNC, EMPTY_PAGE("C0"));
    await_syncs(1);
    world_say(&w, SYNC, PAGE("C1", "0", MESSAGE("M1", "a")));
    world_say(&w, SYNC, EMPTY_PAGE("C1"));
    for (int i = 0; i < 5; i++)
        T_OK(post(1 + i, WAKE("wk1", "T9")));
    T_EQ(w.answer_count, 5);
    await_syncs(3);
    world_run_ms(&w, 100);
    T_EQ(world_requests(&w, SYNC), 3);
    T_EQ(w.inbound_count, 1);
    T_STR(world_request(&w, SYNC, 1)->body,
          "{\"cursor\":\"C0\",\"token\":\"T9\",\"limit\":500,\"voice_format\":0,\"open_kfid\":\"wk1\"}");
}

static void a_nudge_is_a_wake_up_for_the_right_account(void **state)
{
    (void)state;
    open_kf(KF_SILENT, "C0");
    world_say(&w, SYNC, EMPTY_PAGE("C0"));
    await_syncs(1);
    w.ops->nudge(w.adapter, STR("wk2"), STR("T"));
    world_run_ms(&w, 50);
    T_EQ(world_requests(&w, SYNC), 1);
    w.ops->nudge(w.adapter, STR("wk1"), STR("T"));
    await_syncs(2);
    T_OK(post(1, WAKE("wk2", "T2")));
    T_STR(w.nudged, "wk2 T2");
}

static void a_refused_wake_token_is_left_out(void **state)
{
    (void)state;
    open_kf(KF_SILENT, "C0");
    world_say(&w, SYNC, EMPTY_PAGE("C0"));
    await_syncs(1);
    world_say(&w, SYNC, "{\"errcode\":95007,\"errmsg\":\"invalid token\"}");
    world_say(&w, SYNC, PAGE("C1", "0", MESSAGE("M1", "a")));
    T_OK(post(1, WAKE("wk1", "T9")));
    await_inbounds(1);
    T_STR(world_request(&w, SYNC, 2)->body,
          "{\"cursor\":\"C0\",\"limit\":500,\"voice_format\":0,\"open_kfid\":\"wk1\"}");
}

static void an_old_wake_token_is_not_used(void **state)
{
    (void)state;
    open_kf(KF_SILENT, "C0");
    world_say_status(&w, SYNC, 502, "");
    world_say(&w, SYNC, EMPTY_PAGE("C0"));
    T_OK(post(1, WAKE("wk1", "T9")));
    await_syncs(1);
    clock_advance(&w.clock, 600000);
    await_syncs(2);
    T_STR(world_request(&w, SYNC, 1)->body,
          "{\"cursor\":\"C0\",\"limit\":500,\"voice_format\":0,\"open_kfid\":\"wk1\"}");
}

static void an_expired_access_token_is_renewed(void **state)
{
    (void)state;
    open_kf(KF_SILENT, "C0");
    world_say(&w, GETTOKEN, "{\"errcode\":0,\"access_token\":\"AT2\",\"expires_in\":7200}");
    world_say(&w, SYNC, "{\"errcode\":42001,\"errmsg\":\"expired\"}");
    world_say(&w, SYNC, PAGE("C1", "0", MESSAGE("M1", "a")));
    await_inbounds(1);
    T_STR(world_request(&w, SYNC, 1)->query, "access_token=AT2");
}

static void a_cursor_that_does_not_move_is_no_endless_loop(void **state)
{
    (void)state;
    open_kf(KF_SILENT, "C0");
    world_say(&w, SYNC, "{\"errcode\":0,\"next_cursor\":\"C0\",\"has_more\":1,\"msg_list\":[]}");
    await_syncs(1);
    world_run_ms(&w, 300);
    T_EQ(world_requests(&w, SYNC), 1);
}

static void an_empty_page_with_a_new_cursor_is_committed_and_followed(void **state)
{
    (void)state;
    open_kf(KF_SILENT, "C0");
    world_say(&w, SYNC, "{\"errcode\":0,\"next_cursor\":\"C1\",\"has_more\":1,\"msg_list\":[]}");
    world_say(&w, SYNC, EMPTY_PAGE("C1"));
    await_syncs(2);
    T_EQ(w.inbound_count, 1);
    T_EQ(w.inbounds[0].count, 0);
    T_STR(w.inbounds[0].cursor, "C1");
}

static void stopping_a_synchronisation_at_any_point_is_clean(void **state)
{
    (void)state;
    open_kf(KF, "C0");
    world_say(&w, SYNC, WORLD_HANG);
    await_syncs(1);
    world_stop(&w);
    world_close(&w);
    open_kf(KF, "C0");
    w.hold = true;
    world_say(&w, SYNC, PAGE("C1", "0", MESSAGE("M1", "a")));
    await_inbounds(1);
    world_stop(&w);
    w.ops->stored(w.adapter, w.inbounds[0].id, NULL, 0); /* too late, and harmless */
    world_close(&w);
    open_kf(KF, "C0");
}

static void a_kf_account_speaks_for_itself(void **state)
{
    static const struct recipient to[] = {{{7}, STR("wmA")}};
    struct content content = {.text = STR("hi")};
    struct call call = {.op = CALL_SEND, .content = &content, .key = STR("k1"), .deadline_ms = 5000};

    (void)state;
    open_kf(KF_SILENT, "C0");
    world_say(&w, SYNC, EMPTY_PAGE("C0"));
    world_say(&w, "/cgi-bin/kf/send_msg", "{\"errcode\":95001,\"errmsg\":\"over 5\"}");
    T_OK(w.ops->perform(w.adapter, (struct attempt_id){1}, &call, to, 1));
    world_run_ms(&w, 200);
    T_EQ(w.done_count, 1);
    T_EQ(w.dones[0].facts.errcode, 95001);
    T_STR(world_request(&w, "/cgi-bin/kf/send_msg", 0)->body,
          "{\"touser\":\"wmA\",\"open_kfid\":\"wk1\",\"msgid\":\"k1\",\"msgtype\":\"text\",\"text\":{"
          "\"content\":"
          "\"hi\"}}");
}

static int create(const struct adapter_ops *ops, const char *text, struct diag *diag)
{
    struct adapter *a = NULL;
    json_t *conf = NULL;
    int r;

    diag_init(diag, 16);
    T_OK(json_parse(str_of(text), JSON_DEPTH, &conf, NULL));
    r = ops->create(&w.env, conf, diag, &a);
    json_decref(conf);
    if (r == 0)
        ops->free(a);
    return r;
}

static void check_complaint(const struct adapter_ops *ops, const char *text, const char *path)
{
    struct diag diag;
    bool found = false;

    T_TRUE(create(ops, text, &diag) < 0);
    T_TRUE(diag_errors(&diag) > 0);
    for (size_t i = 0; i < diag_count(&diag); i++)
        found |= str_starts(str_of(diag_text(&diag, i)), str_of(path));
    T_TRUE(found);
    diag_fini(&diag);
}

#define WITH(extra) "{\"kind\":\"wecom\",\"corp_id\":\"c\",\"secret\":\"s\",\"token\":\"t\"" extra "}"
#define GOOD_KEY ",\"aes_key\":\"" AES_KEY "\""

static void every_configuration_fault_is_named_with_its_path(void **state)
{
    struct diag diag;

    (void)state;
    open_corp();
    T_OK(create(&wecom_ops, WITH(GOOD_KEY), &diag));
    diag_fini(&diag);
    check_complaint(&wecom_ops, WITH(""), "connections.corp.aes_key");
    check_complaint(&wecom_ops, WITH(",\"aes_key\":\"short\""), "connections.corp.aes_key");
    check_complaint(&wecom_ops, WITH(GOOD_KEY ",\"corp\":\"x\""), "connections.corp.corp");
    check_complaint(&wecom_ops, WITH(GOOD_KEY ",\"callback_max_age\":\"soon\""),
                    "connections.corp.callback_max_age");
    check_complaint(&wecom_ops, WITH(GOOD_KEY ",\"api_base\":\"qyapi\""), "connections.corp.api_base");
    check_complaint(&wecom_ops, WITH(GOOD_KEY ",\"group_send\":\"often\""), "connections.corp.group_send");
    check_complaint(&wecom_ops, WITH(GOOD_KEY ",\"agent_id\":\"x\""), "connections.corp.agent_id");
    check_complaint(&wecom_kf_ops, "{\"kind\":\"wecom-kf\"," APP "}", "connections.corp.open_kfid");
    check_complaint(&wecom_webhook_ops, "{\"kind\":\"wecom-webhook\",\"key\":\"\"}", "connections.corp.key");
    T_TRUE(create(&wecom_ops, "{\"kind\":\"wecom\"}", &diag) < 0);
    T_TRUE(diag_errors(&diag) >= 4); /* all at once */
    diag_fini(&diag);
}

static void each_failing_allocation_leaves_no_adapter_behind(void **state)
{
    bool hit = true;

    (void)state;
    open_corp();
    for (int n = 1; hit && n < 300; n++) {
        struct adapter *a = NULL;
        json_t *conf = NULL;
        int r;

        T_OK(json_parse(STR("{\"kind\":\"wecom-kf\",\"open_kfid\":\"wk1\"," APP "}"), JSON_DEPTH, &conf,
                        NULL));
        T_EQ(json_object_del(conf, "api_base"), 0);
        mem_fail_at(n);
        r = wecom_kf_ops.create(&w.env, conf, NULL, &a);
        hit = mem_fault_hit();
        mem_fail_at(0);
        T_EQ(r, hit ? -ENOMEM : 0);
        wecom_kf_ops.free(a);
        json_decref(conf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(url_verification_is_answered_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_event_is_acknowledged_when_it_is_stored, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_stored_is_sent_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stale_or_forged_callback_is_refused_without_a_trace, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_employee_gets_a_sealed_reply_inside_the_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(events_of_customers_take_no_reply, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stopping_answers_what_still_waits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wake_up_at_the_apps_door_is_passed_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_start_reads_on_from_the_committed_cursor, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_next_page_waits_until_the_last_is_stored, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_page_that_is_not_stored_is_read_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wake_ups_during_a_round_cause_one_more, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_nudge_is_a_wake_up_for_the_right_account, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_refused_wake_token_is_left_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_old_wake_token_is_not_used, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_expired_access_token_is_renewed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cursor_that_does_not_move_is_no_endless_loop, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_empty_page_with_a_new_cursor_is_committed_and_followed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(stopping_a_synchronisation_at_any_point_is_clean, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_kf_account_speaks_for_itself, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_configuration_fault_is_named_with_its_path, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_failing_allocation_leaves_no_adapter_behind, set_up, tear_down),
    };

    log_set_level(LOG_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
