/* SPDX-License-Identifier: Apache-2.0 */
/* The door: published vectors, forged and broken envelopes, both keys, and replies that open again. */
#include <stdio.h>

#include "adapters/official/official_hook.h"
#include "adapters/official/official_say.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/mem.h"
#include "support/asserts.h"
#include "support/wxcrypt_vectors.h"

#define KEY_A "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define KEY_OWN "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"

static struct official_hook hook;
static struct official_opening opening;
static const struct wxcrypt_vector *json_push, *xml_push, *xml_reply;

static const struct wxcrypt_vector *vector(const char *name)
{
    for (size_t i = 0; i < WXCRYPT_VECTORS; i++)
        if (strcmp(wxcrypt_vectors[i].name, name) == 0)
            return &wxcrypt_vectors[i];
    fail();
    return NULL;
}

static int set_up(void **state)
{
    (void)state;
    json_push = vector("official 4.3");
    xml_push = vector("official 4.4");
    xml_reply = vector("official 4.4 reply");
    buf_init(&opening.text, OFFICIAL_PLAIN_BYTES);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    official_hook_fini(&hook);
    buf_fini(&opening.text);
    return 0;
}

static void open_door(enum official_mode mode, const char *token, const char *key, const char *previous,
                      const char *appid)
{
    struct official_conf conf = {.mode = mode,
                                 .token = str_of(token),
                                 .aes_key = str_of(key),
                                 .aes_key_previous = str_of(previous),
                                 .appid = str_of(appid),
                                 .callback_max_age_ms = 300000};

    official_hook_fini(&hook);
    T_OK(official_hook_init(&hook, &conf));
}

static void open_door_of(const struct wxcrypt_vector *v, enum official_mode mode)
{
    open_door(mode, v->token, v->aes_key, NULL, v->receiveid);
}

static int64_t ms_of(const char *timestamp)
{
    int64_t s = 0;

    T_OK(str_to_i64(str_of(timestamp), &s));
    return s * 1000;
}

static int take(const char *method, const char *query, const char *body, int64_t now_ms)
{
    struct hook_call call = {.method = str_of(method), .query = str_of(query), .body = str_of(body)};

    buf_reset(&opening.text);
    return official_hook_open(&hook, &call, now_ms, &opening);
}

/* The vector as the platform posts it, in the format its message has; `clear`: other fields of the envelope.
 */
static int take_envelope(const struct wxcrypt_vector *v, const char *signature, const char *encrypted,
                         const char *clear, int64_t now_ms)
{
    struct buf AUTO(buf_fini) query, AUTO(buf_fini) body;

    buf_init(&query, 65536);
    buf_init(&body, 1 << 20);
    T_OK(buf_addf(&query, "signature=00&timestamp=%s&nonce=%s&openid=o&encrypt_type=aes&msg_signature=%s",
                  v->timestamp, v->nonce, signature));
    T_OK(buf_addf(&body,
                  v->message[0] == '{' ? "{%s\"Encrypt\":\"%s\"}"
                                       : "<xml>%s<Encrypt><![CDATA[%s]]></Encrypt></xml>",
                  clear, encrypted));
    return take("POST", buf_cstr(&query), buf_cstr(&body), now_ms);
}

static int take_vector(const struct wxcrypt_vector *v)
{
    return take_envelope(v, v->signature, v->encrypted, "", ms_of(v->timestamp));
}

/* Signs whatever stands in Encrypt, so that it is the opening that must refuse. */
static int take_signed(const struct wxcrypt_vector *v, const char *encrypted)
{
    struct str parts[] = {str_of(v->timestamp), str_of(v->nonce), str_of(encrypted)};
    char sign[WXCRYPT_SIGN_BYTES];

    wxcrypt_sign(str_of(v->token), parts, 3, sign);
    return take_envelope(v, sign, encrypted, "", ms_of(v->timestamp));
}

/* ---- URL verification: section 3 ---- */

static void url_verification_gives_echostr_as_it_came(void **state)
{
    (void)state;
    open_door(OFFICIAL_SAFE, "AAAAA", KEY_A, NULL, "wxba5fad812f8e6fb9");
    T_OK(take("GET",
              "signature=f464b24fc39322e44b38aa78f5edd27bd1441696&echostr=4375120948345356249"
              "&timestamp=1714036504&nonce=1514711492",
              "", INT64_C(1714036504000)));
    T_TRUE(opening.verification);
    T_VIEW(buf_str(&opening.text), "4375120948345356249");
    T_OK(take("GET",
              "signature=899cf89e464efb63f54ddac96b0a0a235f53aa78&echostr=1%2B2&timestamp=1714037059"
              "&nonce=486452656",
              "", INT64_C(1714037059000)));
    T_VIEW(buf_str(&opening.text), "1+2");
}

static void the_parts_are_sorted_as_texts_not_as_numbers(void **state)
{
    (void)state;
    open_door(OFFICIAL_PLAIN, "gw_oa_token", NULL, NULL, "wx1234567890abcdef");
    T_OK(take(
        "GET",
        "signature=f888033343dfa509ce9a6bee45d53f34e4f59600&timestamp=1735689600&nonce=20250101&echostr=e",
        "", INT64_C(1735689600000)));
}

static void a_forged_verification_is_refused(void **state)
{
    static const char *const queries[] = {
        "signature=f888033343dfa509ce9a6bee45d53f34e4f59601&timestamp=1735689600&nonce=20250101&echostr=e",
        "signature=&timestamp=1735689600&nonce=20250101&echostr=e",
        "timestamp=1735689600&nonce=20250101&echostr=e",
        "signature=f888033343dfa509ce9a6bee45d53f34e4f59600&nonce=20250101&echostr=e",
        "signature=f888033343dfa509ce9a6bee45d53f34e4f59600&timestamp=1735689600&nonce=20250102&echostr=e",
        "signature=f888033343dfa509ce9a6bee45d53f34e4f59600&timestamp=1735689601&nonce=20250101&echostr=e",
        "",
    };

    (void)state;
    open_door(OFFICIAL_PLAIN, "gw_oa_token", NULL, NULL, "wx1234567890abcdef");
    for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
        T_ERR(take("GET", queries[i], "", INT64_C(1735689600000)), ERR_SIGNATURE);
        T_EQ(opening.text.len, 0);
    }
    T_ERR(take("GET",
               "signature=f888033343dfa509ce9a6bee45d53f34e4f59600&timestamp=1735689600&nonce=20250101", "",
               INT64_C(1735689600000)),
          ERR_INVALID); /* nothing to echo */
    T_ERR(take("PUT", queries[0], "", INT64_C(1735689600000)), ERR_INVALID);
}

/* ---- pushes: section 4 ---- */

static void the_platforms_own_vector_opens(void **state)
{
    (void)state;
    open_door_of(json_push, OFFICIAL_SAFE);
    T_OK(
        take("POST",
             "signature=6c5c811b55cc85e0e1b54100749188c20beb3f5d&timestamp=1714112445&nonce=415670741"
             "&openid=o9AgO5Kd5ggOC-bXrbNODIiE3bGY&encrypt_type=aes"
             "&msg_signature=046e02f8204d34f8ba5fa3b1db94908f3df2e9b3",
             "{\"ToUserName\":\"gh_97417a04a28d\",\"Encrypt\":\"+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5"
             "c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcvZqzDpVzazhZv6JsXUnnR8XGT740XgXZUXQ7vJVnAG+tE8NU"
             "d4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrfMZuMcp3Fn2Pede2IuQrKEYwKSqFIZoNqJ4M8EajAsjLY2km32IIjdf8YL"
             "/P50F7mStwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSeOBrebufAlr7F9mFUPAJGj04=\"}",
             INT64_C(1714112445000)));
    T_TRUE(!opening.verification);
    T_EQ(opening.key, 0);
    T_VIEW(buf_str(&opening.text), json_push->message);
}

static void an_xml_push_opens(void **state)
{
    (void)state;
    open_door_of(xml_push, OFFICIAL_SAFE);
    T_OK(take_vector(xml_push));
    T_VIEW(buf_str(&opening.text), xml_push->message);
    T_EQ(opening.text.len, 271);
}

static void in_compatible_mode_only_the_sealed_part_counts(void **state)
{
    (void)state;
    open_door_of(xml_push, OFFICIAL_COMPATIBLE);
    T_OK(take_envelope(xml_push, xml_push->signature, xml_push->encrypted,
                       "<FromUserName>oMallory</FromUserName><Content>forged</Content>",
                       ms_of(xml_push->timestamp)));
    T_VIEW(buf_str(&opening.text), xml_push->message);
}

/* The plain signature does not cover the body, so it opens nothing here. */
static void an_unsealed_push_is_refused_where_sealed_ones_are_due(void **state)
{
    static const enum official_mode modes[] = {OFFICIAL_SAFE, OFFICIAL_COMPATIBLE};
    static const char plain[] =
        "signature=f888033343dfa509ce9a6bee45d53f34e4f59600&timestamp=1735689600&nonce=20250101&openid=o";
    static const char both[] = "signature=f888033343dfa509ce9a6bee45d53f34e4f59600&timestamp=1735689600"
                               "&nonce=20250101&encrypt_type=aes&msg_signature="
                               "f888033343dfa509ce9a6bee45d53f34e4f59600";

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        open_door_of(xml_push, modes[i]);
        T_ERR(take("POST", plain, xml_push->message, ms_of(xml_push->timestamp)), ERR_SIGNATURE);
        T_ERR(take("POST", both, xml_push->message, ms_of(xml_push->timestamp)), ERR_INVALID);
        T_ERR(take("POST", both, "<xml><Encrypt></Encrypt></xml>", ms_of(xml_push->timestamp)), ERR_INVALID);
        T_ERR(take("POST", both, "{\"Encrypt\":7}", ms_of(xml_push->timestamp)), ERR_INVALID);
        T_EQ(opening.text.len, 0);
    }
}

static void a_plain_push_is_what_it_says(void **state)
{
    static const char query[] =
        "signature=f888033343dfa509ce9a6bee45d53f34e4f59600&timestamp=1735689600&nonce=20250101&openid=o";

    (void)state;
    open_door(OFFICIAL_PLAIN, "gw_oa_token", NULL, NULL, "wx1234567890abcdef");
    T_OK(take("POST", query, xml_push->message, INT64_C(1735689600000)));
    T_VIEW(buf_str(&opening.text), xml_push->message);
    T_EQ(opening.key, OFFICIAL_NO_KEY);
    T_ERR(take("POST", "signature=aa&timestamp=1735689600&nonce=20250101", "<xml/>", INT64_C(1735689600000)),
          ERR_SIGNATURE);
}

static void a_flipped_character_is_refused(void **state)
{
    struct str whole = str_of(xml_push->encrypted);
    char flipped[1024];

    (void)state;
    open_door_of(xml_push, OFFICIAL_SAFE);
    for (size_t i = 0; i < whole.n; i += 7) {
        memcpy(flipped, whole.p, whole.n + 1);
        flipped[i] = flipped[i] == 'A' ? 'B' : 'A';
        T_ERR(take_envelope(xml_push, xml_push->signature, flipped, "", ms_of(xml_push->timestamp)),
              ERR_SIGNATURE);
        T_EQ(opening.text.len, 0);
    }
}

static void another_accounts_push_is_refused_though_it_is_signed(void **state)
{
    (void)state;
    open_door(OFFICIAL_SAFE, xml_push->token, xml_push->aes_key, NULL, "wx1234567890abcdee");
    T_ERR(take_vector(xml_push), ERR_CRYPTO);
    T_EQ(opening.text.len, 0);
}

/* Encrypts `n` raw bytes as they are: no padding, no check. */
static void seal_raw(const void *raw, size_t n, struct buf *out)
{
    struct buf AUTO(buf_fini) key, AUTO(buf_fini) cipher;
    struct crypto_aes *aes = NULL;

    buf_init(&key, 64);
    buf_init(&cipher, 65536);
    T_OK(crypto_base64_decode(STR(KEY_OWN), &key));
    T_OK(crypto_aes_new((const uint8_t *)key.data, &aes));
    T_OK(crypto_aes_encrypt(aes, (const uint8_t *)key.data, (struct str){raw, n}, &cipher));
    crypto_aes_free(aes);
    buf_reset(out);
    T_OK(crypto_base64_encode(buf_str(&cipher), out));
}

/* 16 random bytes | length | message | appid | padding, each part as the test wants it. */
static int take_raw(uint32_t length, const char *message, const char *appid, uint8_t pad, size_t total)
{
    struct buf AUTO(buf_fini) raw, AUTO(buf_fini) sealed;

    buf_init(&raw, 65536);
    buf_init(&sealed, 65536);
    T_OK(buf_adds(&raw, "0123456789abcdef"));
    T_OK(buf_add_be32(&raw, length));
    T_OK(buf_adds(&raw, message));
    T_OK(buf_adds(&raw, appid));
    while (raw.len < total)
        T_OK(buf_addc(&raw, (char)pad));
    T_EQ(raw.len, total);
    seal_raw(raw.data, raw.len, &sealed);
    return take_signed(xml_push, buf_cstr(&sealed));
}

static void a_signed_envelope_with_a_broken_inside_is_refused(void **state)
{
    static const char appid[] = "wx1234567890abcdef"; /* 18 bytes */
    struct buf AUTO(buf_fini) sealed;

    (void)state;
    open_door_of(xml_push, OFFICIAL_SAFE);
    T_OK(take_raw(20, "<xml>well made</xml>", appid, 6, 64));
    T_VIEW(buf_str(&opening.text), "<xml>well made</xml>");
    T_ERR(take_raw(400, "<xml>well made</xml>", appid, 6, 64), ERR_CRYPTO);
    T_ERR(take_raw(0xFFFFFFFF, "<xml>well made</xml>", appid, 6, 64), ERR_CRYPTO);
    T_ERR(take_raw(19, "<xml>well made</xml>", appid, 6, 64), ERR_CRYPTO);
    T_ERR(take_raw(20, "<xml>well made</xml>", appid, 0, 64), ERR_CRYPTO);
    T_ERR(take_raw(20, "<xml>well made</xml>", appid, 33, 96), ERR_CRYPTO);
    T_ERR(take_raw(20, "<xml>well made</xml>", "wx1234567890abcdee", 6, 64), ERR_CRYPTO);
    T_ERR(take_signed(xml_push, "AAAA"), ERR_CRYPTO);
    T_ERR(take_signed(xml_push, "not base64 at all"), ERR_CRYPTO);
    buf_init(&sealed, 65536);
    seal_raw("0123456789abcdef0123456789abcdef0123456789abcdef", 48, &sealed); /* 16, not 32 */
    T_ERR(take_signed(xml_push, buf_cstr(&sealed)), ERR_CRYPTO);
    T_EQ(opening.text.len, 0);
}

static void an_old_or_future_timestamp_is_stale_even_though_signed(void **state)
{
    int64_t at = ms_of(xml_push->timestamp);

    (void)state;
    open_door_of(xml_push, OFFICIAL_SAFE);
    T_OK(take_envelope(xml_push, xml_push->signature, xml_push->encrypted, "", at + 300000));
    T_OK(take_envelope(xml_push, xml_push->signature, xml_push->encrypted, "", at - 300000));
    T_ERR(take_envelope(xml_push, xml_push->signature, xml_push->encrypted, "", at + 301000), ERR_STALE);
    T_ERR(take_envelope(xml_push, xml_push->signature, xml_push->encrypted, "", at - 301000), ERR_STALE);
    hook.max_age_ms = 0;
    T_OK(take_envelope(xml_push, xml_push->signature, xml_push->encrypted, "", at + INT64_C(86400000)));
}

static void the_previous_key_opens_what_the_current_one_does_not(void **state)
{
    (void)state;
    open_door(OFFICIAL_SAFE, xml_push->token, KEY_A, KEY_OWN, xml_push->receiveid);
    T_OK(take_vector(xml_push));
    T_VIEW(buf_str(&opening.text), xml_push->message);
    T_EQ(opening.key, 1);
    open_door(OFFICIAL_SAFE, xml_push->token, KEY_OWN, KEY_A, xml_push->receiveid);
    T_OK(take_vector(xml_push));
    T_EQ(opening.key, 0);
    open_door(OFFICIAL_SAFE, xml_push->token, KEY_A, NULL, xml_push->receiveid);
    T_ERR(take_vector(xml_push), ERR_CRYPTO);
}

static void a_key_of_the_wrong_length_is_a_configuration_error(void **state)
{
    static const char *const wrong[] = {"abcdefghijklmnopqrstuvwxyz0123456789ABCDEF",
                                        "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct official_conf conf = {.mode = OFFICIAL_SAFE, .aes_key = str_of(wrong[i])};

        T_ERR(official_hook_init(&hook, &conf), ERR_CONFIG);
    }
}

/* ---- replies ---- */

static const struct official_return to_follower = {
    .openid = STR("oTest00000000000000000000001"), .ours = STR("gh_0123456789ab"), .json = false, .key = 0};

static void write_reply(const struct official_return *to, const struct content *content, const char *nonce,
                        const char *random16, struct buf *out)
{
    buf_reset(out);
    T_OK(official_hook_reply(&hook, to, content, INT64_C(1735689601000), nonce, (const uint8_t *)random16,
                             out));
}

static void a_sealed_reply_is_the_vector_byte_by_byte(void **state)
{
    const struct content content = {.text = STR("收到")};
    struct buf AUTO(buf_fini) out, AUTO(buf_fini) want;

    (void)state;
    buf_init(&out, 65536);
    buf_init(&want, 65536);
    open_door_of(xml_push, OFFICIAL_SAFE);
    write_reply(&to_follower, &content, xml_reply->nonce, xml_reply->random16, &out);
    T_OK(buf_addf(&want,
                  "<xml><Encrypt><![CDATA[%s]]></Encrypt><MsgSignature><![CDATA[%s]]></MsgSignature>"
                  "<TimeStamp>1735689601</TimeStamp><Nonce><![CDATA[777001]]></Nonce></xml>",
                  xml_reply->encrypted, "4c9f004060e7eca1cf258f3a672df02048728b42"));
    T_VIEW(buf_str(&out), buf_cstr(&want));
}

static void a_plain_reply_swaps_the_names_and_counts_seconds(void **state)
{
    const struct content content = {.text = STR("a ]]> b")};
    struct official_return to = to_follower;
    struct buf AUTO(buf_fini) out;

    (void)state;
    buf_init(&out, 65536);
    open_door(OFFICIAL_PLAIN, "gw_oa_token", NULL, NULL, "wx1234567890abcdef");
    to.key = OFFICIAL_NO_KEY;
    write_reply(&to, &content, NULL, NULL, &out);
    T_VIEW(buf_str(&out),
           "<xml><ToUserName><![CDATA[oTest00000000000000000000001]]></ToUserName><FromUserName><![CDATA["
           "gh_0123456789ab]]></FromUserName><CreateTime>1735689601</CreateTime><MsgType><![CDATA[text]]>"
           "</MsgType><Content><![CDATA[a ]]]]><![CDATA[> b]]></Content></xml>");
    to.json = true;
    write_reply(&to, &content, NULL, NULL, &out);
    T_VIEW(buf_str(&out),
           "{\"ToUserName\":\"oTest00000000000000000000001\",\"FromUserName\":\"gh_0123456789ab\","
           "\"CreateTime\":1735689601,\"MsgType\":\"text\",\"Content\":\"a ]]> b\"}");
}

/* Opens an envelope with key `key_text` after its signature was found good; appends the message. */
static void open_reply(const char *token, const char *key_text, const char *appid, const json_t *envelope,
                       struct buf *out)
{
    char timestamp[24];
    struct wxcrypt_key key;
    struct str parts[3];

    (void)snprintf(timestamp, sizeof(timestamp), "%lld", (long long)json_int(envelope, "TimeStamp", 0));
    parts[0] = str_of(timestamp);
    parts[1] = str_of(json_str(envelope, "Nonce", ""));
    parts[2] = str_of(json_str(envelope, "Encrypt", ""));
    T_OK(wxcrypt_verify(str_of(token), parts, 3, str_of(json_str(envelope, "MsgSignature", ""))));
    T_OK(wxcrypt_key_init(&key, str_of(key_text)));
    buf_reset(out);
    T_OK(wxcrypt_open(&key, parts[2], str_of(appid), out));
    wxcrypt_key_fini(&key);
}

static void a_json_reply_opens_again_and_no_two_are_alike(void **state)
{
    const struct content content = {.text = STR("中奖了 \"8折\"\n恭喜")};
    struct official_return to = to_follower;
    struct buf AUTO(buf_fini) first, AUTO(buf_fini) second, AUTO(buf_fini) plain;
    json_t *a = NULL, *b = NULL;

    (void)state;
    buf_init(&first, 65536);
    buf_init(&second, 65536);
    buf_init(&plain, 65536);
    open_door_of(json_push, OFFICIAL_SAFE);
    to.json = true;
    write_reply(&to, &content, NULL, NULL, &first);
    write_reply(&to, &content, NULL, NULL, &second);
    T_OK(json_parse(buf_str(&first), 4, &a, NULL));
    T_OK(json_parse(buf_str(&second), 4, &b, NULL));
    T_TRUE(strcmp(json_str(a, "Encrypt", ""), json_str(b, "Encrypt", "")) != 0);
    T_TRUE(strcmp(json_str(a, "Nonce", ""), json_str(b, "Nonce", "")) != 0);
    open_reply("AAAAA", KEY_A, "wxba5fad812f8e6fb9", a, &plain);
    T_VIEW(buf_str(&plain),
           "{\"ToUserName\":\"oTest00000000000000000000001\",\"FromUserName\":\"gh_0123456789ab\","
           "\"CreateTime\":1735689601,\"MsgType\":\"text\",\"Content\":\"中奖了 \\\"8折\\\"\\n恭喜\"}");
    open_reply("AAAAA", KEY_A, "wxba5fad812f8e6fb9", b, &first);
    T_VIEW(buf_str(&first), buf_cstr(&plain));
    json_decref(a);
    json_decref(b);
}

static void a_reply_is_sealed_with_the_key_that_opened_the_push(void **state)
{
    const struct content content = {.text = STR("hi")};
    struct official_return to = to_follower;
    struct buf AUTO(buf_fini) out, AUTO(buf_fini) plain;
    json_t *envelope = NULL;

    (void)state;
    buf_init(&out, 65536);
    buf_init(&plain, 65536);
    open_door(OFFICIAL_SAFE, "t", KEY_A, KEY_OWN, "wx1");
    to.json = true;
    to.key = 1;
    write_reply(&to, &content, NULL, NULL, &out);
    T_OK(json_parse(buf_str(&out), 4, &envelope, NULL));
    open_reply("t", KEY_OWN, "wx1", envelope, &plain);
    json_decref(envelope);
}

static void a_long_text_is_cut_between_characters(void **state)
{
    struct buf AUTO(buf_fini) text, AUTO(buf_fini) out;
    struct official_return to = to_follower;
    struct content content = {0};
    json_t *reply = NULL;

    (void)state;
    buf_init(&text, 65536);
    buf_init(&out, 65536);
    open_door(OFFICIAL_PLAIN, "t", NULL, NULL, "wx1");
    while (text.len < 3000)
        T_OK(buf_adds(&text, "好"));
    content.text = buf_str(&text);
    to.json = true;
    to.key = OFFICIAL_NO_KEY;
    write_reply(&to, &content, NULL, NULL, &out);
    T_OK(json_parse(buf_str(&out), 4, &reply, NULL));
    T_EQ(strlen(json_str(reply, "Content", "")), 2046);
    json_decref(reply);
}

static void a_link_alone_becomes_one_article_an_image_an_image(void **state)
{
    struct content content = {
        .attach = json_pack("[{s:{s:s,s:s}}]", "link", "title", "新人礼包", "url", "https://e.cn/a?b=1&c=2")};
    struct official_return to = to_follower;
    struct buf AUTO(buf_fini) out;

    (void)state;
    buf_init(&out, 65536);
    open_door(OFFICIAL_PLAIN, "t", NULL, NULL, "wx1");
    to.key = OFFICIAL_NO_KEY;
    write_reply(&to, &content, NULL, NULL, &out);
    T_TRUE(str_find(buf_str(&out),
                    STR("<MsgType><![CDATA[news]]></MsgType><ArticleCount>1</ArticleCount><Articles><item>"
                        "<Title><![CDATA[新人礼包]]></Title><Description><![CDATA[]]></Description><PicUrl>"
                        "<![CDATA[]]></PicUrl><Url><![CDATA[https://e.cn/a?b=1&c=2]]></Url></item></Articles>"
                        "</xml>")) < out.len);
    to.json = true;
    write_reply(&to, &content, NULL, NULL, &out);
    T_TRUE(str_find(buf_str(&out),
                    STR("\"MsgType\":\"news\",\"ArticleCount\":1,\"Articles\":{\"item\":{\"Title\":"
                        "\"新人礼包\",")) < out.len);
    json_decref((json_t *)(uintptr_t)content.attach);
    content.attach = json_pack("[{s:{s:s}}]", "image", "media_id", "M1");
    write_reply(&to, &content, NULL, NULL, &out);
    T_TRUE(str_find(buf_str(&out), STR("\"MsgType\":\"image\",\"Image\":{\"MediaId\":\"M1\"}}")) < out.len);
    json_decref((json_t *)(uintptr_t)content.attach);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(url_verification_gives_echostr_as_it_came, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_parts_are_sorted_as_texts_not_as_numbers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_forged_verification_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_platforms_own_vector_opens, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_xml_push_opens, set_up, tear_down),
        cmocka_unit_test_setup_teardown(in_compatible_mode_only_the_sealed_part_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_unsealed_push_is_refused_where_sealed_ones_are_due, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_plain_push_is_what_it_says, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_flipped_character_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_accounts_push_is_refused_though_it_is_signed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_signed_envelope_with_a_broken_inside_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_old_or_future_timestamp_is_stale_even_though_signed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_previous_key_opens_what_the_current_one_does_not, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_key_of_the_wrong_length_is_a_configuration_error, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_sealed_reply_is_the_vector_byte_by_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_plain_reply_swaps_the_names_and_counts_seconds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_json_reply_opens_again_and_no_two_are_alike, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_reply_is_sealed_with_the_key_that_opened_the_push, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_long_text_is_cut_between_characters, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_link_alone_becomes_one_article_an_image_an_image, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
