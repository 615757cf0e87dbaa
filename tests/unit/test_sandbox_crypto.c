/* SPDX-License-Identifier: Apache-2.0 */
/* The sandbox's own cryptography against the platforms' vectors: it never sees the product's. */
#include "support/asserts.h"
#include "support/wxcrypt_vectors.h"

#include "base/mem.h"
#include "sandbox/acs3.h"
#include "sandbox/sbcrypto.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const char key_text[] = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY";

static void every_vector_opens_to_its_message(void)
{
    for (size_t i = 0; i < ARRAY_LEN(wxcrypt_vectors); i++) {
        const struct wxcrypt_vector *v = &wxcrypt_vectors[i];
        unsigned char key[SB_AES_KEY];
        char *msg = NULL;
        size_t n = 0;

        T_OK(sb_aes_key(v->aes_key, key));
        T_OK(sb_open(key, v->receiveid, v->encrypted, &msg, &n));
        T_STR(msg, v->message);
        T_EQ(n, strlen(v->message));
        free(msg);
    }
}

static void every_vector_is_sealed_to_the_same_bytes(void)
{
    for (size_t i = 0; i < ARRAY_LEN(wxcrypt_vectors); i++) {
        const struct wxcrypt_vector *v = &wxcrypt_vectors[i];
        unsigned char key[SB_AES_KEY], random[SB_RANDOM];
        char *sealed = NULL;

        T_OK(sb_aes_key(v->aes_key, key));
        memcpy(random, v->random16, sizeof(random));
        T_OK(sb_seal(key, random, v->receiveid, v->message, strlen(v->message), &sealed));
        T_STR(sealed, v->encrypted);
        free(sealed);
    }
}

static void every_vector_has_its_signature(void)
{
    for (size_t i = 0; i < ARRAY_LEN(wxcrypt_vectors); i++) {
        const struct wxcrypt_vector *v = &wxcrypt_vectors[i];
        const char *items[] = {v->token, v->timestamp, v->nonce, v->encrypted};
        char hex[SB_SHA1_HEX];

        if (v->signature == NULL)
            continue;
        T_TRUE(sb_sign(items, 4, hex));
        T_STR(hex, v->signature);
    }
}

static void the_plain_signature_sorts_bytewise(void)
{
    const char *own[] = {"gw_oa_token", "1735689600", "20250101"};
    const char *official[] = {"AAAAA", "1714037059", "486452656"};
    char hex[SB_SHA1_HEX];

    T_TRUE(sb_sign(own, 3, hex));
    T_STR(hex, "f888033343dfa509ce9a6bee45d53f34e4f59600");
    T_TRUE(sb_sign(official, 3, hex));
    T_STR(hex, "899cf89e464efb63f54ddac96b0a0a235f53aa78");
}

static void a_key_must_have_43_letters_and_digits(void)
{
    unsigned char key[SB_AES_KEY];

    T_ERR(sb_aes_key("QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZW", key), -EINVAL);
    T_ERR(sb_aes_key("QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWYY", key), -EINVAL);
    T_ERR(sb_aes_key("QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZW+", key), -EINVAL);
}

static void loose_bits_in_the_last_letter_of_a_key_do_not_matter(void)
{
    unsigned char a[SB_AES_KEY], b[SB_AES_KEY];

    T_OK(sb_aes_key("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", a));
    T_OK(sb_aes_key("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFE", b));
    T_MEM(a, b, sizeof(a));
    T_HEX(a, "69b71d79f8218a39259a7a29aabb2dbafc31cb3d35db7e39ebbf3d0010831051");
}

static void what_is_not_sealed_for_us_does_not_open(void)
{
    static const char *const broken[] = {"", "AAAA", "!!!!", "UzSncTXNGODz4PjzLaDyhw==",
                                         "UzSncTXNGODz4PjzLaDyh5Xl8wiBo0pA8UVT6UAS4fRWS8rEgorG9PShIDtJuTKo"};
    unsigned char key[SB_AES_KEY];
    char *msg;
    size_t n;

    T_OK(sb_aes_key(key_text, key));
    for (size_t i = 0; i < ARRAY_LEN(broken); i++)
        T_ERR(sb_open(key, "ww1234567890abcdef", broken[i], &msg, &n), -EBADMSG);
    T_ERR(sb_open(key, "ww1234567890abcdee", wxcrypt_vectors[0].encrypted, &msg, &n), -EBADMSG);
    T_ERR(sb_open(key, "ww1234567890abcde", wxcrypt_vectors[0].encrypted, &msg, &n), -EBADMSG);
    T_ERR(sb_open(key, "", wxcrypt_vectors[0].encrypted, &msg, &n), -EBADMSG);
}

static void base64_of_all_lengths_comes_back(void)
{
    unsigned char bytes[70], *back;
    size_t n;

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(i * 37 + 5);
    for (size_t len = 1; len <= sizeof(bytes); len++) {
        char *text = sb_base64(bytes, len);

        T_OK(sb_unbase64(text, strlen(text), &back, &n));
        T_EQ(n, len);
        T_MEM(back, bytes, len);
        free(back);
        free(text);
    }
}

/* Aliyun */

static json_t *own_headers(void)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "host", "dysmsapi.aliyuncs.com", "x-acs-action",
                     "SendSms", "x-acs-content-sha256",
                     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "x-acs-date",
                     "2025-01-01T00:00:00Z", "x-acs-signature-nonce", "0123456789abcdef0123456789abcdef",
                     "x-acs-version", "2017-05-25");
}

static const char own_names[] =
    "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version";
static const char own_query[] = "PhoneNumbers=13900000000&SignName=%E6%B5%8B%E8%AF%95%E7%AD%BE%E5%90%8D&"
                                "TemplateCode=SMS_154950909&TemplateParam=%7B%22code%22%3A%221234%22%7D";
static const char own_authorization[] =
    "ACS3-HMAC-SHA256 Credential=testId,SignedHeaders="
    "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"
    "Signature=e85e79d0c729d532650fef2f4d15ac2f9c6e045eb1d8ddc487f8c276634e4355";

static void acs3_signs_the_official_vector(void)
{
    json_t *headers = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "host", "ecs.cn-shanghai.aliyuncs.com",
                                "x-acs-action", "RunInstances", "x-acs-content-sha256",
                                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                                "x-acs-date", "2023-10-26T10:22:32Z", "x-acs-signature-nonce",
                                "3156853299f313e23d1673dc12e1703d", "x-acs-version", "2014-05-26");
    struct sb_acs3 r = {.method = "POST",
                        .uri = "/",
                        .query = STR("ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&"
                                     "RegionId=cn-shanghai"),
                        .headers = headers};
    char hex[SB_SHA256_HEX];

    T_TRUE(sb_acs3_sign(&r, "YourAccessKeySecret", str_of(own_names), hex));
    T_STR(hex, "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0");
    json_decref(headers);
}

static void acs3_takes_the_query_in_any_order_and_writing(void)
{
    json_t *headers = own_headers();
    struct sb_acs3 r = {.method = "POST",
                        .uri = "/",
                        .query =
                            STR("TemplateParam={%22code%22:%221234%22}&TemplateCode=SMS_154950909&"
                                "SignName=%e6%b5%8b%E8%AF%95%E7%AD%BE%E5%90%8D&PhoneNumbers=13900000000"),
                        .headers = headers};

    (void)json_object_set_new(headers, "authorization", json_string(own_authorization));
    T_TRUE(sb_acs3_check(&r, "testSecret"));
    r.query = str_of(own_query);
    T_TRUE(sb_acs3_check(&r, "testSecret"));
    json_decref(headers);
}

static void acs3_refuses_what_was_changed_on_the_way(void)
{
    json_t *headers = own_headers();
    struct sb_acs3 r = {.method = "POST", .uri = "/", .query = str_of(own_query), .headers = headers};

    (void)json_object_set_new(headers, "authorization", json_string(own_authorization));
    T_TRUE(!sb_acs3_check(&r, "testSecreT"));
    r.method = "GET";
    T_TRUE(!sb_acs3_check(&r, "testSecret"));
    r.method = "POST";
    r.body = STR("x");
    T_TRUE(!sb_acs3_check(&r, "testSecret"));
    r.body = (struct str){0};
    r.query = STR("PhoneNumbers=13900000001");
    T_TRUE(!sb_acs3_check(&r, "testSecret"));
    r.query = str_of(own_query);
    (void)json_object_set_new(headers, "x-acs-date", json_string("2025-01-01T00:00:01Z"));
    T_TRUE(!sb_acs3_check(&r, "testSecret"));
    json_decref(headers);
}

static void acs3_compares_the_body_with_its_header(void)
{
    json_t *headers = own_headers();
    struct sb_acs3 r = {
        .method = "POST", .uri = "/", .query = str_of(own_query), .headers = headers, .body = STR("x")};
    char hex[SB_SHA256_HEX], text[400];

    T_TRUE(
        sb_acs3_sign(&r, "testSecret", str_of(own_names), hex)); /* rightly signed, over the digest of "" */
    (void)snprintf(text, sizeof(text), "ACS3-HMAC-SHA256 Credential=testId,SignedHeaders=%s,Signature=%s",
                   own_names, hex);
    (void)json_object_set_new(headers, "authorization", json_string(text));
    T_TRUE(!sb_acs3_check(&r, "testSecret"));
    json_decref(headers);
}

static void acs3_wants_every_acs_header_signed(void)
{
    json_t *headers = own_headers();
    struct sb_acs3 r = {.method = "POST", .uri = "/", .query = str_of(own_query), .headers = headers};
    char hex[SB_SHA256_HEX];

    T_TRUE(!sb_acs3_sign(&r, "testSecret", STR("host;x-acs-action"), hex));
    T_TRUE(!sb_acs3_sign(&r, "testSecret",
                         STR("x-acs-action;host;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;"
                             "x-acs-version"),
                         hex));
    (void)json_object_set_new(headers, "content-type", json_string("application/json"));
    T_TRUE(!sb_acs3_sign(&r, "testSecret", str_of(own_names), hex));
    json_decref(headers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T_CASE(every_vector_opens_to_its_message),
        T_CASE(every_vector_is_sealed_to_the_same_bytes),
        T_CASE(every_vector_has_its_signature),
        T_CASE(the_plain_signature_sorts_bytewise),
        T_CASE(a_key_must_have_43_letters_and_digits),
        T_CASE(loose_bits_in_the_last_letter_of_a_key_do_not_matter),
        T_CASE(what_is_not_sealed_for_us_does_not_open),
        T_CASE(base64_of_all_lengths_comes_back),
        T_CASE(acs3_signs_the_official_vector),
        T_CASE(acs3_takes_the_query_in_any_order_and_writing),
        T_CASE(acs3_refuses_what_was_changed_on_the_way),
        T_CASE(acs3_compares_the_body_with_its_header),
        T_CASE(acs3_wants_every_acs_header_signed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
