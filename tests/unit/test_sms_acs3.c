/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/sms/sms_acs3.h"
#include "base/mem.h"
#include "support/asserts.h"

#define EMPTY_DIGEST "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static struct buf text;

static int set_up(void **state)
{
    (void)state;
    buf_init(&text, SMS_ACS3_BYTES);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_fini(&text);
    return 0;
}

static struct sms_acs3 send_sms(void)
{
    return (struct sms_acs3){
        .method = "POST",
        .uri = "/",
        .host = "dysmsapi.aliyuncs.com",
        .action = "SendSms",
        .version = "2017-05-25",
        .date = "2025-01-01T00:00:00Z",
        .nonce = "0123456789abcdef0123456789abcdef",
        .query =
            STR("PhoneNumbers=13900000000&SignName=%E6%B5%8B%E8%AF%95%E7%AD%BE%E5%90%8D&TemplateCode=SMS_"
                "154950909&TemplateParam=%7B%22code%22%3A%221234%22%7D")};
}

static void the_official_vector_signs(void)
{
    struct sms_param params[] = {
        {"RegionId", STR("cn-shanghai")},
        {"ImageId", STR("win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd")},
    };
    struct sms_acs3 r = {.method = "POST",
                         .uri = "/",
                         .host = "ecs.cn-shanghai.aliyuncs.com",
                         .action = "RunInstances",
                         .version = "2014-05-26",
                         .date = "2023-10-26T10:22:32Z",
                         .nonce = "3156853299f313e23d1673dc12e1703d"};
    struct sms_signature s;

    T_OK(sms_acs3_query(params, ARRAY_LEN(params), &text));
    T_STR(buf_cstr(&text),
          "ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai");
    r.query = buf_str(&text);
    T_OK(sms_acs3_sign(&r, STR("YourAccessKeySecret"), &s));
    T_STR(s.body_digest, EMPTY_DIGEST);
    T_STR(s.request_digest, "7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259");
    T_STR(s.signature, "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0");
}

static void send_sms_is_canonical_to_the_byte(void)
{
    struct sms_acs3 r = send_sms();

    T_OK(sms_acs3_canonical(&r, EMPTY_DIGEST, &text));
    T_STR(buf_cstr(&text),
          "POST\n/\n"
          "PhoneNumbers=13900000000&SignName=%E6%B5%8B%E8%AF%95%E7%AD%BE%E5%90%8D&TemplateCode=SMS_154950909&"
          "TemplateParam=%7B%22code%22%3A%221234%22%7D\n"
          "host:dysmsapi.aliyuncs.com\n"
          "x-acs-action:SendSms\n"
          "x-acs-content-sha256:" EMPTY_DIGEST "\n"
          "x-acs-date:2025-01-01T00:00:00Z\n"
          "x-acs-signature-nonce:0123456789abcdef0123456789abcdef\n"
          "x-acs-version:2017-05-25\n"
          "\n"
          "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-"
          "version\n" EMPTY_DIGEST);
}

static void send_sms_signs_like_the_vendors_library(void)
{
    struct sms_acs3 r = send_sms();
    struct sms_signature s;

    T_OK(sms_acs3_sign(&r, STR("testSecret"), &s));
    T_STR(s.request_digest, "b0ee8f511d28b0543e49e5d7583229678365fb45f58814d4f9d1d6cf954b62b6");
    T_STR(s.signature, "e85e79d0c729d532650fef2f4d15ac2f9c6e045eb1d8ddc487f8c276634e4355");
    T_OK(sms_acs3_authorization(&r, STR("testId"), &s, &text));
    T_STR(
        buf_cstr(&text),
        "ACS3-HMAC-SHA256 Credential=testId,SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;"
        "x-acs-signature-nonce;x-acs-version,Signature="
        "e85e79d0c729d532650fef2f4d15ac2f9c6e045eb1d8ddc487f8c276634e4355");
}

/* The older signature covers the same canonical query: the published vector proves its order and coding. */
static void the_query_is_the_one_of_the_older_signature_too(void)
{
    struct sms_param params[] = {
        {"TemplateParam", STR("{\"customer\":\"test\"}")},
        {"Timestamp", STR("2017-07-12T02:42:19Z")},
        {"SignName", STR("阿里云短信测试专用")},
        {"SignatureNonce", STR("45e25e9b-0a6f-4070-8c85-2956eda1b466")},
        {"SignatureMethod", STR("HMAC-SHA1")},
        {"SignatureVersion", STR("1.0")},
        {"Version", STR("2017-05-25")},
        {"AccessKeyId", STR("testId")},
        {"Action", STR("SendSms")},
        {"Format", STR("XML")},
        {"OutId", STR("123")},
        {"TemplateCode", STR("SMS_71390007")},
        {"RegionId", STR("cn-hangzhou")},
        {"PhoneNumbers", STR("15300000001")},
    };
    struct buf AUTO(buf_fini) to_sign, AUTO(buf_fini) signature;
    uint8_t mac[CRYPTO_SHA1_BYTES];

    buf_init(&to_sign, 65536);
    buf_init(&signature, 256);
    T_OK(sms_acs3_query(params, ARRAY_LEN(params), &text));
    T_STR(
        buf_cstr(&text),
        "AccessKeyId=testId&Action=SendSms&Format=XML&OutId=123&PhoneNumbers=15300000001&RegionId=cn-"
        "hangzhou&"
        "SignName=%E9%98%BF%E9%87%8C%E4%BA%91%E7%9F%AD%E4%BF%A1%E6%B5%8B%E8%AF%95%E4%B8%93%E7%94%A8&"
        "SignatureMethod=HMAC-SHA1&SignatureNonce=45e25e9b-0a6f-4070-8c85-2956eda1b466&SignatureVersion=1.0&"
        "TemplateCode=SMS_71390007&TemplateParam=%7B%22customer%22%3A%22test%22%7D&"
        "Timestamp=2017-07-12T02%3A42%3A19Z&Version=2017-05-25");
    T_OK(buf_adds(&to_sign, "GET&%2F&"));
    T_OK(str_percent_encode(buf_str(&text), &to_sign));
    crypto_hmac_sha1(STR("testSecret&"), buf_str(&to_sign), mac);
    T_OK(crypto_base64_encode((struct str){(const char *)mac, sizeof(mac)}, &signature));
    T_STR(buf_cstr(&signature), "zJDF+Lrzhj/ThnlvIToysFRq6t4=");
}

static void what_rfc_3986_reserves_is_encoded(void)
{
    struct sms_param params[] = {{"b", STR("a b*c~d+e/f%")}, {"a", {0}}, {"C", STR("-_.~")}};

    T_OK(sms_acs3_query(params, ARRAY_LEN(params), &text));
    T_STR(buf_cstr(&text), "C=-_.~&a=&b=a%20b%2Ac~d%2Be%2Ff%25");
}

static void a_form_signs_its_type_and_its_digest(void)
{
    struct sms_acs3 r = send_sms();
    struct sms_signature s;

    r.body = r.query;
    r.query = (struct str){0};
    r.content_type = "application/x-www-form-urlencoded";
    T_OK(sms_acs3_sign(&r, STR("testSecret"), &s));
    T_TRUE(strcmp(s.body_digest, EMPTY_DIGEST) != 0);
    T_OK(sms_acs3_canonical(&r, s.body_digest, &text));
    T_TRUE(str_starts(buf_str(&text),
                      STR("POST\n/\n\ncontent-type:application/x-www-form-urlencoded\nhost:dysmsapi.")));
    buf_reset(&text);
    T_OK(sms_acs3_authorization(&r, STR("testId"), &s, &text));
    T_TRUE(str_find(buf_str(&text), STR("SignedHeaders=content-type;host;x-acs-action;")) < text.len);
}

static void whatever_changes_changes_the_signature(void)
{
    struct sms_acs3 changed[8];
    struct sms_signature first, s;

    for (size_t i = 0; i < ARRAY_LEN(changed); i++)
        changed[i] = send_sms();
    T_OK(sms_acs3_sign(&changed[0], STR("testSecret"), &first));
    T_OK(sms_acs3_sign(&changed[0], STR("testSecreu"), &s));
    T_TRUE(strcmp(s.signature, first.signature) != 0);
    changed[0].method = "GET";
    changed[1].uri = "/aliyun/";
    changed[2].host = "dysmsapi.aliyuncs.con";
    changed[3].action = "SendSmt";
    changed[4].date = "2025-01-01T00:00:01Z";
    changed[5].nonce = "1123456789abcdef0123456789abcdef";
    changed[6].query.n--;
    changed[7].body = STR("x");
    for (size_t i = 0; i < ARRAY_LEN(changed); i++) {
        T_OK(sms_acs3_sign(&changed[i], STR("testSecret"), &s));
        T_TRUE(strcmp(s.signature, first.signature) != 0);
    }
}

static void no_memory_is_said(void)
{
    struct sms_acs3 r = send_sms();
    struct sms_signature s;
    int n = 0, err;

    do {
        mem_fail_at(++n);
        err = sms_acs3_sign(&r, STR("testSecret"), &s);
        T_TRUE(err == 0 || err == -ENOMEM);
    } while (mem_fault_hit());
    mem_fail_at(0);
    T_TRUE(n > 2 && err == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T_CASE(the_official_vector_signs),
        T_CASE(send_sms_is_canonical_to_the_byte),
        T_CASE(send_sms_signs_like_the_vendors_library),
        T_CASE(the_query_is_the_one_of_the_older_signature_too),
        T_CASE(what_rfc_3986_reserves_is_encoded),
        T_CASE(a_form_signs_its_type_and_its_digest),
        T_CASE(whatever_changes_changes_the_signature),
        T_CASE(no_memory_is_said),
    };
    struct CMUnitTest set[ARRAY_LEN(tests)];

    for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
        set[i] = tests[i];
        set[i].setup_func = set_up;
        set[i].teardown_func = tear_down;
    }
    return cmocka_run_group_tests(set, NULL, NULL);
}
