/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration, and pushes from the door to the answer. */
#include <stdio.h>

#include "adapters/official/official.h"
#include "base/json.h"
#include "base/wxcrypt.h"
#include "support/asserts.h"
#include "support/wecom_world.h"
#include "support/wxcrypt_vectors.h"

#define TOKEN "gw_oa_token"
#define KEY_OWN "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
#define KEY_A "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define APPID "wx1234567890abcdef"
#define BASICS                                                                                               \
    "\"kind\":\"official\",\"appid\":\"" APPID "\",\"secret\":\"S\",\"token\":\"" TOKEN                      \
    "\",\"api_base\":\"BASE\""
#define SAFE "{" BASICS ",\"mode\":\"safe\",\"aes_key\":\"" KEY_OWN "\"}"
#define COMPATIBLE "{" BASICS ",\"mode\":\"compatible\",\"aes_key\":\"" KEY_OWN "\"}"
#define ROTATED                                                                                              \
    "{" BASICS ",\"mode\":\"safe\",\"aes_key\":\"" KEY_A "\",\"aes_key_previous\":\"" KEY_OWN "\"}"
#define PLAIN "{" BASICS ",\"mode\":\"plain\"}"
#define SUBSCRIPTION                                                                                         \
    "{\"kind\":\"official\",\"appid\":\"wx1\",\"secret\":\"S\",\"token\":\"T\",\"aes_key\":\"" KEY_A         \
    "\",\"account_type\":\"subscription\",\"callback_max_age\":\"90s\"}"
#define LOCAL                                                                                                \
    "{\"kind\":\"official\",\"appid\":\"wx1\",\"secret\":\"S\",\"token\":\"T\",\"mode\":\"plain\","          \
    "\"callback_max_age\":0,\"api_base\":\"http://127.0.0.1:8700/official/\"}"
#define NOW "1767225600"

#define XML_HEAD                                                                                             \
    "<xml><ToUserName>gh_1</ToUserName><FromUserName>oA</FromUserName><CreateTime>" NOW "</CreateTime>"
#define HELLO XML_HEAD "<MsgType>text</MsgType><Content>抽奖</Content><MsgId>5</MsgId></xml>"
#define LEFT XML_HEAD "<MsgType>event</MsgType><Event>unsubscribe</Event><EventKey></EventKey></xml>"
#define FOLLOWED                                                                                             \
    XML_HEAD "<MsgType>event</MsgType><Event>subscribe</Event><EventKey>qrscene_7</EventKey></xml>"
#define HELLO_JSON                                                                                           \
    "{\"ToUserName\":\"gh_1\",\"FromUserName\":\"oA\",\"CreateTime\":" NOW                                   \
    ",\"MsgType\":\"text\",\"Content\":"                                                                     \
    "\"抽奖\",\"MsgId\":5}"

static struct world w;

static int tear_down(void **state)
{
    (void)state;
    world_close(&w);
    return 0;
}

static void open_world(const char *conf)
{
    world_open(&w, &official_ops, conf);
    world_say(&w, "/cgi-bin/stable_token", "{\"access_token\":\"AT\",\"expires_in\":7200}");
    world_start(&w, NULL);
    w.hold = true;
}

static int post(int64_t id, const char *query, const char *body)
{
    struct hook_call call = {.id = {id}, .method = STR("POST"), .query = str_of(query), .body = str_of(body)};

    return w.ops->hook(w.adapter, &call);
}

/* A push as the platform posts it in plain mode. */
static int post_plain(int64_t id, const char *message, const char *timestamp)
{
    struct str parts[] = {str_of(timestamp), STR("nonce")};
    char sign[WXCRYPT_SIGN_BYTES], query[256];

    wxcrypt_sign(STR(TOKEN), parts, 2, sign);
    (void)snprintf(query, sizeof(query), "signature=%s&timestamp=%s&nonce=nonce&openid=oA", sign, timestamp);
    return post(id, query, message);
}

/* The same in safe mode, in the message's own format; `clear`: members beside Encrypt. */
static int post_sealed(int64_t id, const char *message, const char *clear)
{
    struct buf AUTO(buf_fini) sealed, AUTO(buf_fini) body;
    char sign[WXCRYPT_SIGN_BYTES], query[256];
    struct wxcrypt_key key;
    struct str parts[3];

    buf_init(&sealed, 65536);
    buf_init(&body, 65536);
    T_OK(wxcrypt_key_init(&key, STR(KEY_OWN)));
    T_OK(wxcrypt_seal(&key, str_of(message), STR(APPID), NULL, &sealed));
    wxcrypt_key_fini(&key);
    parts[0] = STR(NOW);
    parts[1] = STR("nonce");
    parts[2] = buf_str(&sealed);
    wxcrypt_sign(STR(TOKEN), parts, 3, sign);
    (void)snprintf(query, sizeof(query), "timestamp=" NOW "&nonce=nonce&encrypt_type=aes&msg_signature=%s",
                   sign);
    T_OK(buf_addf(&body, *message == '{' ? "{%s\"Encrypt\":\"%s\"}" : "<xml>%s<Encrypt>%s</Encrypt></xml>",
                  clear, buf_cstr(&sealed)));
    return post(id, query, buf_cstr(&body));
}

static void store(int64_t id, const char *text)
{
    const struct content reply = {.text = str_of(text)};

    w.ops->stored(w.adapter, (struct inbound_id){id}, text ? &reply : NULL, 0);
}

/* Opens the i-th answer, whose envelope is XML or JSON, into `out`. */
static void open_answer(size_t i, struct buf *out)
{
    struct str rest = str_of(w.answers[i].body), sealed;
    bool json = str_starts(rest, STR("{"));
    struct str before = json ? STR("\"Encrypt\":\"") : STR("<Encrypt><![CDATA[");
    struct wxcrypt_key key;

    T_EQ(w.answers[i].status, 200);
    T_TRUE(str_find(rest, before) < rest.n);
    sealed = str_sub(rest, str_find(rest, before) + before.n, rest.n);
    sealed = str_sub(sealed, 0, str_find(sealed, json ? STR("\"") : STR("]]>")));
    T_OK(wxcrypt_key_init(&key, STR(KEY_OWN)));
    buf_reset(out);
    T_OK(wxcrypt_open(&key, sealed, STR(APPID), out));
    wxcrypt_key_fini(&key);
}

#define REPLY(text)                                                                                          \
    "<xml><ToUserName><![CDATA[oA]]></ToUserName><FromUserName><![CDATA[gh_1]]></"                           \
    "FromUserName><CreateTime>" NOW                                                                          \
    "</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[" text "]]></Content></xml>"

static void url_verification_is_answered_at_once(void **state)
{
    struct hook_call call = {
        .id = {1},
        .method = STR("GET"),
        .query = STR("signature=f888033343dfa509ce9a6bee45d53f34e4f59600&timestamp=1735689600&nonce=20250101"
                     "&echostr=4375120948345356249"),
    };

    (void)state;
    open_world(SAFE);
    T_ERR(w.ops->hook(w.adapter, &call), ERR_STALE);
    clock_set_manual(&w.clock, INT64_C(1735689600000), 2000000);
    T_OK(w.ops->hook(w.adapter, &call));
    T_EQ(w.answer_count, 1);
    T_EQ(w.answers[0].status, 200);
    T_STR(w.answers[0].body, "4375120948345356249");
    T_EQ(w.inbound_count, 0);
}

static void the_published_push_comes_in_through_the_hook(void **state)
{
    const struct wxcrypt_vector *v = NULL;
    struct buf AUTO(buf_fini) body;

    (void)state;
    for (size_t i = 0; i < WXCRYPT_VECTORS; i++)
        if (strcmp(wxcrypt_vectors[i].name, "official 4.4") == 0)
            v = &wxcrypt_vectors[i];
    T_TRUE(v != NULL);
    buf_init(&body, 65536);
    T_OK(buf_addf(&body,
                  "<xml><ToUserName>gh_0123456789ab</ToUserName><Encrypt><![CDATA[%s]]></Encrypt></xml>",
                  v->encrypted));
    open_world(SAFE);
    clock_set_manual(&w.clock, INT64_C(1735689600000), 2000000);
    T_OK(post(1,
              "signature=f888033343dfa509ce9a6bee45d53f34e4f59600&timestamp=1735689600&nonce=20250101&openid="
              "oTest00000000000000000000001&encrypt_type=aes&msg_signature="
              "0369dadee1507613e6d27ef388f6c2be2806bba6",
              buf_cstr(&body)));
    T_EQ(w.inbounds[0].kind, EVENT_MESSAGE_RECEIVED);
    T_STR(w.inbounds[0].contact, "oTest00000000000000000000001");
    T_STR(w.inbounds[0].text, "你好");
}

static void a_push_is_acknowledged_when_it_is_stored(void **state)
{
    (void)state;
    open_world(SAFE);
    T_OK(post_sealed(1, HELLO, ""));
    T_EQ(w.inbound_count, 1);
    T_EQ(w.inbounds[0].id.v, 1);
    T_TRUE(!w.inbounds[0].has_cursor);
    world_run_ms(&w, 30);
    T_EQ(w.answer_count, 0);
    store(1, NULL);
    T_EQ(w.answer_count, 1);
    T_EQ(w.answers[0].status, 200);
    T_STR(w.answers[0].body, "success");
    store(1, NULL); /* forgotten */
    T_EQ(w.answer_count, 1);
}

static void what_is_not_stored_is_sent_again(void **state)
{
    (void)state;
    open_world(SAFE);
    T_OK(post_sealed(1, HELLO, ""));
    w.ops->stored(w.adapter, (struct inbound_id){1}, NULL, ERR_IO);
    T_EQ(w.answers[0].status, 503);
    w.inbound_err = ERR_FULL;
    T_OK(post_sealed(2, HELLO, ""));
    T_EQ(w.answer_count, 2);
    T_EQ(w.answers[1].status, 503);
}

static void a_follower_gets_a_sealed_reply_inside_the_answer(void **state)
{
    struct buf AUTO(buf_fini) plain;

    (void)state;
    buf_init(&plain, 65536);
    open_world(SAFE);
    T_OK(post_sealed(1, HELLO, ""));
    store(1, "恭喜");
    open_answer(0, &plain);
    T_STR(buf_cstr(&plain), REPLY("恭喜"));
}

/* The first answer may have been lost. */
static void a_push_that_comes_again_gets_the_same_reply_sealed_anew(void **state)
{
    struct buf AUTO(buf_fini) first, AUTO(buf_fini) second;

    (void)state;
    buf_init(&first, 65536);
    buf_init(&second, 65536);
    open_world(SAFE);
    T_OK(post_sealed(1, HELLO, ""));
    T_OK(post_sealed(2, HELLO, ""));
    store(2, "恭喜");
    store(1, "恭喜");
    T_EQ(w.answers[0].id.v, 2);
    open_answer(0, &first);
    open_answer(1, &second);
    T_STR(buf_cstr(&first), REPLY("恭喜"));
    T_STR(buf_cstr(&second), REPLY("恭喜"));
    T_TRUE(strcmp(w.answers[0].body, w.answers[1].body) != 0);
}

static void json_is_answered_in_json(void **state)
{
    struct buf AUTO(buf_fini) plain;

    (void)state;
    buf_init(&plain, 65536);
    open_world(SAFE);
    T_OK(post_sealed(1, HELLO_JSON, "\"ToUserName\":\"gh_1\","));
    T_STR(w.inbounds[0].text, "抽奖");
    store(1, "恭喜");
    open_answer(0, &plain);
    T_STR(buf_cstr(&plain), "{\"ToUserName\":\"oA\",\"FromUserName\":\"gh_1\",\"CreateTime\":" NOW
                            ",\"MsgType\":\"text\",\"Content\":\"恭喜\"}");
}

static void plain_pushes_get_plain_replies(void **state)
{
    (void)state;
    open_world(PLAIN);
    T_OK(post_plain(1, HELLO, NOW));
    store(1, "恭喜");
    T_STR(w.answers[0].body, REPLY("恭喜"));
    T_OK(post_plain(2, HELLO_JSON, NOW));
    store(2, "恭喜");
    T_STR(w.answers[1].body, "{\"ToUserName\":\"oA\",\"FromUserName\":\"gh_1\",\"CreateTime\":" NOW
                             ",\"MsgType\":\"text\",\"Content\":\"恭喜\"}");
    T_ERR(post_plain(3, HELLO, "1767225000"), ERR_STALE);
}

static void in_compatible_mode_the_clear_fields_are_nothing(void **state)
{
    struct buf AUTO(buf_fini) plain;

    (void)state;
    buf_init(&plain, 65536);
    open_world(COMPATIBLE);
    T_OK(post_sealed(
        1, HELLO,
        "<ToUserName>gh_1</ToUserName><FromUserName>oMallory</FromUserName><MsgType>text</MsgType>"
        "<Content>forged</Content><MsgId>9</MsgId>"));
    T_STR(w.inbounds[0].contact, "oA");
    T_STR(w.inbounds[0].text, "抽奖");
    store(1, "恭喜");
    open_answer(0, &plain);
    T_STR(buf_cstr(&plain), REPLY("恭喜"));
    T_ERR(post_plain(2, HELLO, NOW), ERR_SIGNATURE);
    T_EQ(w.inbound_count, 1);
}

static void after_a_rotation_the_reply_uses_the_key_that_opened(void **state)
{
    struct buf AUTO(buf_fini) plain;

    (void)state;
    buf_init(&plain, 65536);
    open_world(ROTATED);
    T_OK(post_sealed(1, HELLO, ""));
    store(1, "恭喜");
    open_answer(0, &plain); /* with KEY_OWN, the previous one */
    T_STR(buf_cstr(&plain), REPLY("恭喜"));
}

static void who_left_gets_no_reply_and_who_came_does(void **state)
{
    struct buf AUTO(buf_fini) plain;

    (void)state;
    buf_init(&plain, 65536);
    open_world(SAFE);
    T_OK(post_sealed(1, LEFT, ""));
    T_EQ(w.inbounds[0].kind, EVENT_OFFICIAL_UNFOLLOWED);
    store(1, "bye");
    T_STR(w.answers[0].body, "success");
    T_OK(post_sealed(2, FOLLOWED, ""));
    T_EQ(w.inbounds[1].kind, EVENT_OFFICIAL_FOLLOWED);
    T_STR(w.inbounds[1].text, "7");
    store(2, "欢迎");
    open_answer(1, &plain);
    T_STR(buf_cstr(&plain), REPLY("欢迎"));
}

static void what_cannot_be_said_inside_an_answer_leaves_its_text(void **state)
{
    json_t *card = json_pack("[{s:{s:s,s:s,s:s,s:s}}]", "miniprogram", "title", "T", "appid", "a", "page",
                             "p", "pic_media_id", "P");
    struct content reply = {.text = STR("hi"), .attach = card};

    (void)state;
    open_world(PLAIN);
    T_OK(post_plain(1, HELLO, NOW));
    w.ops->stored(w.adapter, (struct inbound_id){1}, &reply, 0);
    T_STR(w.answers[0].body, REPLY("hi"));
    T_EQ(w.alert_count, 1);
    reply.text = STR("");
    T_OK(post_plain(2, HELLO, NOW));
    w.ops->stored(w.adapter, (struct inbound_id){2}, &reply, 0);
    T_STR(w.answers[1].body, "success");
    json_decref(card);
}

static void a_forged_push_is_refused_without_a_trace(void **state)
{
    struct hook_call call = {.method = STR("POST"), .path = STR("/report")};

    (void)state;
    open_world(SAFE);
    T_ERR(w.ops->hook(w.adapter, &call), ERR_NOT_FOUND);
    call.path = STR("");
    T_ERR(w.ops->hook(w.adapter, &call), ERR_SIGNATURE);
    T_ERR(post(1, "timestamp=" NOW "&nonce=n&msg_signature=aa", "<xml><Encrypt>AAAA</Encrypt></xml>"),
          ERR_SIGNATURE);
    T_ERR(post(1, "timestamp=" NOW "&nonce=n&msg_signature=aa", "<xml>"), ERR_SYNTAX);
    T_ERR(post_sealed(1, "<xml><Nothing/></xml>", ""), ERR_INVALID);
    T_EQ(w.inbound_count, 0);
    T_EQ(w.answer_count, 0);
    T_OK(post_sealed(2, HELLO, "")); /* and the door still works */
    T_EQ(w.inbound_count, 1);
}

static void without_memory_a_push_is_sent_again(void **state)
{
    static const char *const pushes[] = {HELLO, HELLO_JSON};
    int64_t id = 0;

    (void)state;
    open_world(PLAIN);
    for (size_t i = 0; i < ARRAY_LEN(pushes); i++) {
        bool hit = true;

        for (int n = 1; hit && n < 200; n++) {
            size_t answers = w.answer_count, inbounds = w.inbound_count;

            mem_fail_at(n);
            T_OK(post_plain(++id, pushes[i], NOW));
            hit = mem_fault_hit();
            mem_fail_at(0);
            T_EQ(w.answer_count, answers + hit);
            T_EQ(w.inbound_count, inbounds + !hit);
            if (hit)
                T_EQ(w.answers[answers].status, 503);
        }
        T_TRUE(!hit);
    }
}

static void stopping_answers_what_still_waits(void **state)
{
    (void)state;
    open_world(SAFE);
    T_OK(post_sealed(1, HELLO, ""));
    T_OK(post_sealed(2, LEFT, ""));
    world_stop(&w);
    T_EQ(w.answer_count, 2);
    T_EQ(w.answers[0].status, 503);
    store(1, "late");
    T_EQ(w.answer_count, 2);
    T_OK(post_sealed(3, HELLO, ""));
    T_EQ(w.answers[2].status, 503);
    T_EQ(w.inbound_count, 2);
}

/* ---- configuration ---- */

static int create(const char *conf, struct diag *diag)
{
    struct adapter_env env = {.name = "brand"};
    struct adapter *a = NULL;
    json_t *json = NULL;
    int r;

    T_OK(json_parse(str_of(conf), JSON_DEPTH, &json, NULL));
    diag_init(diag, 16);
    r = official_ops.create(&env, json, diag, &a);
    json_decref(json);
    if (r == 0)
        official_ops.free(a);
    return r;
}

static void a_good_configuration_makes_an_adapter(void **state)
{
    static const char *const good[] = {
        SAFE, COMPATIBLE, ROTATED, PLAIN, SUBSCRIPTION, (LOCAL),
    };
    struct diag diag;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct str conf = str_of(good[i]);
        char text[1024];
        size_t at = str_find(conf, STR("\"BASE\""));

        (void)snprintf(text, sizeof(text), "%.*s%s%s", (int)at, conf.p, at < conf.n ? "\"http://a\"" : "",
                       at < conf.n ? conf.p + at + 6 : "");
        T_OK(create(text, &diag));
        T_EQ(diag_count(&diag), 0);
        diag_fini(&diag);
    }
    official_ops.free(NULL);
}

static void a_bad_configuration_is_told_key_by_key(void **state)
{
    static const struct {
        const char *conf, *says;
        size_t count;
    } bad[] = {
        {"{\"kind\":\"official\"}", "connections.brand.appid: ", 4},
        {"{\"kind\":\"official\",\"appid\":\"\",\"secret\":\"S\",\"token\":\"T\",\"mode\":\"plain\"}",
         "connections.brand.appid: must not be empty", 1},
        {"{\"kind\":\"official\",\"appid\":\"a\",\"secret\":\"S\",\"token\":\"T\",\"mode\":\"secret\"}",
         "connections.brand.mode: expected plain, compatible or safe", 2},
        {"{\"kind\":\"official\",\"appid\":\"a\",\"secret\":\"S\",\"token\":\"T\",\"mode\":\"plain\","
         "\"account_type\":\"enterprise\"}",
         "connections.brand.account_type: expected service or subscription", 1},
        {"{\"kind\":\"official\",\"appid\":\"a\",\"secret\":\"S\",\"token\":\"T\",\"aes_key\":"
         "\"abcdefghijklmnopqrstuvwxyz0123456789ABCDEF\"}",
         "connections.brand.aes_key: expected the 43 letters and digits of EncodingAESKey", 1},
        {"{\"kind\":\"official\",\"appid\":\"a\",\"secret\":\"S\",\"token\":\"T\",\"aes_key\":\"" KEY_A "\","
         "\"aes_key_previous\":\"abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH\"}",
         "connections.brand.aes_key_previous: expected the 43 letters and digits of EncodingAESKey", 1},
        {"{\"kind\":\"official\",\"appid\":\"a\",\"secret\":\"S\",\"token\":\"T\",\"mode\":\"plain\","
         "\"api_base\":\"ftp://a\"}",
         "connections.brand.api_base: expected an address such as https://api.weixin.qq.com", 1},
        {"{\"kind\":\"official\",\"appid\":\"a\",\"secret\":\"S\",\"token\":\"T\",\"mode\":\"plain\","
         "\"callback_max_age\":\"5\"}",
         "connections.brand.callback_max_age: expected a duration up to 1d, such as 30s or 5m, or 0 to "
         "switch it "
         "off",
         1},
        {"{\"kind\":\"official\",\"appid\":\"a\",\"secret\":\"S\",\"token\":\"T\",\"mode\":\"plain\","
         "\"callback_max_age\":\"2d\"}",
         "connections.brand.callback_max_age: ", 1},
        {"{\"kind\":\"official\",\"appid\":\"a\",\"secret\":\"S\",\"token\":\"T\",\"mode\":\"plain\","
         "\"api_bas\":\"http://a\"}",
         "connections.brand.api_bas", 1},
    };
    struct diag diag;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        bool said = false;

        T_ERR(create(bad[i].conf, &diag), ERR_CONFIG);
        for (size_t k = 0; k < diag_count(&diag); k++)
            said |= str_starts(str_of(diag_text(&diag, k)), str_of(bad[i].says));
        if (!said)
            print_error("%s: %s\n", bad[i].says, diag_text(&diag, 0));
        T_TRUE(said);
        T_EQ(diag_count(&diag), bad[i].count);
        diag_fini(&diag);
    }
}

static void a_key_that_is_not_there_is_asked_for(void **state)
{
    struct diag diag;

    (void)state;
    T_ERR(create("{\"kind\":\"official\",\"appid\":\"a\",\"secret\":\"S\",\"token\":\"T\"}", &diag),
          ERR_CONFIG);
    T_TRUE(str_starts(str_of(diag_text(&diag, 0)), STR("connections.brand.aes_key: ")));
    diag_fini(&diag);
}

static void without_memory_there_is_no_adapter_and_no_leak(void **state)
{
    struct diag diag;
    int r = -ENOMEM;

    (void)state;
    for (int n = 1; n < 200 && r < 0; n++) {
        struct adapter_env env = {.name = "brand"};
        struct adapter *a = NULL;
        json_t *json = NULL;

        T_OK(json_parse(
            STR("{\"kind\":\"official\",\"appid\":\"a\",\"secret\":\"S\",\"token\":\"T\",\"aes_key\":\"" KEY_A
                "\",\"aes_key_previous\":\"" KEY_OWN "\"}"),
            JSON_DEPTH, &json, NULL));
        diag_init(&diag, 16);
        mem_fail_at(n);
        r = official_ops.create(&env, json, &diag, &a);
        if (mem_fault_hit())
            T_ERR(r, -ENOMEM);
        mem_fail_at(0);
        if (r == 0)
            official_ops.free(a);
        diag_fini(&diag);
        json_decref(json);
    }
    T_OK(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(url_verification_is_answered_at_once, tear_down),
        cmocka_unit_test_teardown(the_published_push_comes_in_through_the_hook, tear_down),
        cmocka_unit_test_teardown(a_push_is_acknowledged_when_it_is_stored, tear_down),
        cmocka_unit_test_teardown(what_is_not_stored_is_sent_again, tear_down),
        cmocka_unit_test_teardown(a_follower_gets_a_sealed_reply_inside_the_answer, tear_down),
        cmocka_unit_test_teardown(a_push_that_comes_again_gets_the_same_reply_sealed_anew, tear_down),
        cmocka_unit_test_teardown(json_is_answered_in_json, tear_down),
        cmocka_unit_test_teardown(plain_pushes_get_plain_replies, tear_down),
        cmocka_unit_test_teardown(in_compatible_mode_the_clear_fields_are_nothing, tear_down),
        cmocka_unit_test_teardown(after_a_rotation_the_reply_uses_the_key_that_opened, tear_down),
        cmocka_unit_test_teardown(who_left_gets_no_reply_and_who_came_does, tear_down),
        cmocka_unit_test_teardown(what_cannot_be_said_inside_an_answer_leaves_its_text, tear_down),
        cmocka_unit_test_teardown(a_forged_push_is_refused_without_a_trace, tear_down),
        cmocka_unit_test_teardown(without_memory_a_push_is_sent_again, tear_down),
        cmocka_unit_test_teardown(stopping_answers_what_still_waits, tear_down),
        cmocka_unit_test(a_good_configuration_makes_an_adapter),
        cmocka_unit_test(a_bad_configuration_is_told_key_by_key),
        cmocka_unit_test(a_key_that_is_not_there_is_asked_for),
        cmocka_unit_test(without_memory_there_is_no_adapter_and_no_leak),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
