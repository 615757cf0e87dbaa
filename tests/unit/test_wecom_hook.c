/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "adapters/wecom/wecom_hook.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "support/asserts.h"
#include "support/wxcrypt_vectors.h"

enum { V1, V2, V3 };
static const struct wxcrypt_vector *const v = wxcrypt_vectors;
static const int64_t signed_ms = INT64_C(1767225600000);

static struct wecom_hook hook;
static struct buf plain;
static bool verification;

static int set_up(void **state)
{
    (void)state;
    buf_init(&plain, WECOM_PLAIN_BYTES);
    return wecom_hook_init(&hook, str_of(v->token), str_of(v->aes_key), str_of(v->receiveid), 300000);
}

static int tear_down(void **state)
{
    (void)state;
    wecom_hook_fini(&hook);
    buf_fini(&plain);
    return 0;
}

static void write_query(struct buf *out, const char *signature, const char *timestamp, const char *nonce)
{
    buf_reset(out);
    T_OK(buf_addf(out, "msg_signature=%s&timestamp=%s&nonce=%s", signature, timestamp, nonce));
}

static int open_get(const struct wxcrypt_vector *vector, const char *echostr, int64_t now_ms)
{
    struct buf AUTO(buf_fini) query;
    struct hook_call call = {.method = STR("GET")};

    buf_init(&query, 65536);
    write_query(&query, vector->signature, vector->timestamp, vector->nonce);
    T_OK(buf_addf(&query, "&echostr=%s", echostr));
    call.query = buf_str(&query);
    buf_reset(&plain);
    verification = false;
    return wecom_hook_open(&hook, &call, now_ms, &plain, &verification);
}

static int open_post(const char *signature, const char *timestamp, const char *nonce, const char *encrypted,
                     int64_t now_ms)
{
    struct buf AUTO(buf_fini) query, AUTO(buf_fini) body;
    struct hook_call call = {.method = STR("POST")};

    buf_init(&query, 65536);
    buf_init(&body, 1 << 20);
    write_query(&query, signature, timestamp, nonce);
    T_OK(buf_addf(&body,
                  "<xml>\n <AgentID><![CDATA[1000002]]></AgentID>\n <Encrypt><![CDATA[%s]]></Encrypt>"
                  "<ToUserName><![CDATA[%s]]></ToUserName></xml>",
                  encrypted, v->receiveid));
    call.query = buf_str(&query);
    call.body = buf_str(&body);
    buf_reset(&plain);
    verification = true;
    return wecom_hook_open(&hook, &call, now_ms, &plain, &verification);
}

static int open_vector(const struct wxcrypt_vector *vector, int64_t now_ms)
{
    return open_post(vector->signature, vector->timestamp, vector->nonce, vector->encrypted, now_ms);
}

static void url_verification_gives_the_bare_text(void **state)
{
    (void)state;
    T_OK(open_get(
        &v[V1],
        "UzSncTXNGODz4PjzLaDyh5Xl8wiBo0pA8UVT6UAS4fRWS8rEgorG9PShIDtJuTKoQx%2FWY02%2Fi6J3%2Fij5sVMqUQ"
        "%3D%3D",
        signed_ms));
    T_STR(buf_cstr(&plain), "1616140317555161061");
    T_TRUE(verification);
}

static void the_debug_page_of_the_platform_is_answered(void **state)
{
    struct wxcrypt_vector page = {0};

    (void)state;
    for (size_t i = 0; i < WXCRYPT_VECTORS; i++)
        if (v[i].signature && strcmp(v[i].signature, "1ba3cb09c0d2c2b3ed6900d37f91a6efae6cb011") == 0)
            page = v[i];
    T_TRUE(page.token);
    wecom_hook_fini(&hook);
    T_OK(wecom_hook_init(&hook, str_of(page.token), str_of(page.aes_key), str_of(page.receiveid), 0));
    T_OK(open_get(&page, page.encrypted, signed_ms));
    T_STR(buf_cstr(&plain), "94966531020182955848408");
}

static void a_plus_in_echostr_stays_a_plus(void **state)
{
    struct wxcrypt_vector made = v[V1];
    struct buf AUTO(buf_fini) sealed;
    char sign[WXCRYPT_SIGN_BYTES];
    struct str parts[3];

    (void)state;
    buf_init(&sealed, 4096);
    do { /* with random bytes in it, one of the next few has a plus */
        buf_reset(&sealed);
        T_OK(wxcrypt_seal(&hook.key, STR("echo"), str_of(v->receiveid), NULL, &sealed));
    } while (str_chr(buf_str(&sealed), '+') == sealed.len);
    parts[0] = str_of(made.timestamp);
    parts[1] = str_of(made.nonce);
    parts[2] = buf_str(&sealed);
    wxcrypt_sign(str_of(made.token), parts, 3, sign);
    made.signature = sign;
    T_OK(open_get(&made, buf_cstr(&sealed), signed_ms));
    T_STR(buf_cstr(&plain), "echo");
}

static void a_signed_event_opens(void **state)
{
    (void)state;
    T_OK(open_vector(&v[V2], signed_ms + 1000));
    T_STR(buf_cstr(&plain), v[V2].message);
    T_TRUE(!verification);
    T_OK(open_vector(&v[4], signed_ms));
    T_STR(buf_cstr(&plain), "abcdefghijklmnopqrstuvwxyz");
}

static void a_flipped_signature_digit_is_refused(void **state)
{
    char wrong[41];

    (void)state;
    for (size_t i = 0; i < 40; i++) {
        (void)snprintf(wrong, sizeof(wrong), "%s", v[V2].signature);
        wrong[i] = wrong[i] == '0' ? '1' : '0';
        T_ERR(open_post(wrong, v[V2].timestamp, v[V2].nonce, v[V2].encrypted, signed_ms), ERR_SIGNATURE);
        T_EQ(plain.len, 0);
    }
}

static void a_call_that_is_too_old_or_from_the_future_is_refused(void **state)
{
    (void)state;
    T_OK(open_vector(&v[V2], signed_ms + 300000));
    T_ERR(open_vector(&v[V2], signed_ms + 301000), ERR_STALE);
    T_OK(open_vector(&v[V2], signed_ms - 300000));
    T_ERR(open_vector(&v[V2], signed_ms - 301000), ERR_STALE);
    T_ERR(open_vector(&v[V2], 0), ERR_STALE);
    hook.max_age_ms = 0;
    T_OK(open_vector(&v[V2], 0));
}

static void the_age_is_judged_after_the_signature(void **state)
{
    (void)state;
    T_ERR(open_post(v[V2].signature, "1767225601", v[V2].nonce, v[V2].encrypted, signed_ms + 301000),
          ERR_SIGNATURE);
}

static void an_envelope_for_another_corp_is_refused(void **state)
{
    (void)state;
    wecom_hook_fini(&hook);
    T_OK(wecom_hook_init(&hook, str_of(v->token), str_of(v->aes_key), STR("ww0000000000000000"), 300000));
    T_ERR(open_vector(&v[V2], signed_ms), ERR_CRYPTO);
}

static void what_is_no_callback_is_refused(void **state)
{
    struct hook_call call = {.method = STR("PUT")};

    (void)state;
    T_ERR(wecom_hook_open(&hook, &call, signed_ms, &plain, &verification), ERR_INVALID);
    call.method = STR("POST");
    T_ERR(wecom_hook_open(&hook, &call, signed_ms, &plain, &verification), ERR_INVALID);
    call.query = STR("msg_signature=a&timestamp=1&nonce=%zz");
    T_ERR(wecom_hook_open(&hook, &call, signed_ms, &plain, &verification), ERR_SYNTAX);
    call.query = STR("msg_signature=a&timestamp=1&nonce=b");
    call.body = STR("<!DOCTYPE x [<!ENTITY a 'b'>]><xml><Encrypt>&a;</Encrypt></xml>");
    T_ERR(wecom_hook_open(&hook, &call, signed_ms, &plain, &verification), ERR_INVALID);
    call.body = STR("<xml><ToUserName>x</ToUserName></xml>");
    T_ERR(wecom_hook_open(&hook, &call, signed_ms, &plain, &verification), ERR_INVALID);
    call.body = STR("not xml");
    T_ERR(wecom_hook_open(&hook, &call, signed_ms, &plain, &verification), ERR_SYNTAX);
}

/* What stands between <name><![CDATA[ and ]]>, or between <name> and </name>. */
static struct str between(const struct buf *xml, const char *open, const char *close)
{
    struct str text = buf_str(xml);
    size_t at = str_find(text, str_of(open));

    T_TRUE(at < text.n);
    text = str_sub(text, at + strlen(open), text.n);
    return str_sub(text, 0, str_find(text, str_of(close)));
}

static void a_reply_is_sealed_as_the_vector_says(void **state)
{
    struct buf AUTO(buf_fini) out;
    struct str parts[3], sign;

    (void)state;
    buf_init(&out, 65536);
    T_OK(wecom_hook_reply(&hook, STR("zhangsan"), STR("你好"), INT64_C(1767225601000), "nonceC3",
                          (const uint8_t *)"0123456789abcdef", &out));
    T_VIEW(between(&out, "<Encrypt><![CDATA[", "]]>"), v[V3].encrypted);
    T_VIEW(between(&out, "<TimeStamp>", "</TimeStamp>"), "1767225601");
    T_VIEW(between(&out, "<Nonce><![CDATA[", "]]>"), "nonceC3");
    sign = between(&out, "<MsgSignature><![CDATA[", "]]>");
    parts[0] = STR("1767225601");
    parts[1] = STR("nonceC3");
    parts[2] = str_of(v[V3].encrypted);
    T_OK(wxcrypt_verify(str_of(v->token), parts, 3, sign));
}

static void each_failing_allocation_is_reported(void **state)
{
    bool hit = true;

    (void)state;
    for (int n = 1; hit && n < 1000; n++) {
        int r;

        buf_fini(&plain);
        mem_fail_at(n);
        {
            struct hook_call call = {.method = STR("POST")};
            struct buf query, body;

            buf_init(&query, 65536);
            buf_init(&body, 65536);
            (void)buf_addf(&query, "msg_signature=%s&timestamp=%s&nonce=%s", v[V2].signature, v[V2].timestamp,
                           v[V2].nonce);
            (void)buf_addf(&body, "<xml><Encrypt>%s</Encrypt></xml>", v[V2].encrypted);
            call.query = buf_str(&query);
            call.body = buf_str(&body);
            r = buf_error(&query) < 0 || buf_error(&body) < 0
                    ? -ENOMEM
                    : wecom_hook_open(&hook, &call, signed_ms, &plain, &verification);
            hit = mem_fault_hit();
            mem_fail_at(0);
            buf_fini(&query);
            buf_fini(&body);
        }
        T_EQ(r, hit ? -ENOMEM : 0);
    }
    T_STR(buf_cstr(&plain), v[V2].message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(url_verification_gives_the_bare_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_debug_page_of_the_platform_is_answered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_plus_in_echostr_stays_a_plus, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_signed_event_opens, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_flipped_signature_digit_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_call_that_is_too_old_or_from_the_future_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_age_is_judged_after_the_signature, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_envelope_for_another_corp_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_callback_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_reply_is_sealed_as_the_vector_says, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_failing_allocation_is_reported, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
