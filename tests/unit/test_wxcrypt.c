/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crypto.h"
#include "base/mem.h"
#include "base/wxcrypt.h"
#include "support/asserts.h"
#include "support/wxcrypt_vectors.h"

static const struct wxcrypt_vector *const v1 = &wxcrypt_vectors[0], *const v2 = &wxcrypt_vectors[1];

static int verify(const struct wxcrypt_vector *v, struct str encrypted, struct str signature)
{
    struct str parts[] = {str_of(v->timestamp), str_of(v->nonce), encrypted};

    return wxcrypt_verify(str_of(v->token), parts, 3, signature);
}

static int open_with(const char *aes_key, struct str encrypted, const char *receiveid, struct buf *out)
{
    struct wxcrypt_key key;
    int r;

    T_OK(wxcrypt_key_init(&key, str_of(aes_key)));
    r = wxcrypt_open(&key, encrypted, str_of(receiveid), out);
    wxcrypt_key_fini(&key);
    return r;
}

static void every_vector_verifies_and_opens(void)
{
    for (size_t i = 0; i < WXCRYPT_VECTORS; i++) {
        const struct wxcrypt_vector *v = &wxcrypt_vectors[i];
        struct buf out;

        buf_init(&out, 4096);
        if (v->signature)
            T_OK(verify(v, str_of(v->encrypted), str_of(v->signature)));
        T_OK(open_with(v->aes_key, str_of(v->encrypted), v->receiveid, &out));
        T_STR(buf_cstr(&out), v->message);
        buf_fini(&out);
    }
}

static void every_vector_seals_to_the_same_bytes(void)
{
    for (size_t i = 0; i < WXCRYPT_VECTORS; i++) {
        const struct wxcrypt_vector *v = &wxcrypt_vectors[i];
        struct wxcrypt_key key;
        struct buf out;

        buf_init(&out, 4096);
        T_OK(wxcrypt_key_init(&key, str_of(v->aes_key)));
        T_OK(
            wxcrypt_seal(&key, str_of(v->message), str_of(v->receiveid), (const uint8_t *)v->random16, &out));
        T_STR(buf_cstr(&out), v->encrypted);
        wxcrypt_key_fini(&key);
        buf_fini(&out);
    }
}

static void the_console_check_signs_without_a_body(void)
{
    static const char *const rows[][4] = {
        {"AAAAA", "1714036504", "1514711492", "f464b24fc39322e44b38aa78f5edd27bd1441696"},
        {"AAAAA", "1714037059", "486452656", "899cf89e464efb63f54ddac96b0a0a235f53aa78"},
        {"gw_oa_token", "1735689600", "20250101", "f888033343dfa509ce9a6bee45d53f34e4f59600"},
        {"AAAAA", "1714112445", "415670741", "6c5c811b55cc85e0e1b54100749188c20beb3f5d"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str parts[] = {str_of(rows[i][1]), str_of(rows[i][2])};
        char sign[WXCRYPT_SIGN_BYTES];

        wxcrypt_sign(str_of(rows[i][0]), parts, 2, sign);
        T_STR(sign, rows[i][3]);
    }
}

static void a_flipped_signature_digit_is_refused(void)
{
    char sign[WXCRYPT_SIGN_BYTES];

    for (size_t i = 0; i < 40; i++) {
        memcpy(sign, v1->signature, sizeof(sign));
        sign[i] = sign[i] == '0' ? '1' : '0';
        T_ERR(verify(v1, str_of(v1->encrypted), str_of(sign)), ERR_SIGNATURE);
    }
    T_ERR(verify(v1, str_of(v1->encrypted), STR("")), ERR_SIGNATURE);
    T_ERR(verify(v1, str_of(v1->encrypted), (struct str){v1->signature, 39}), ERR_SIGNATURE);
}

static void a_flipped_character_of_the_envelope_is_refused(void)
{
    char text[1024];
    size_t n = strlen(v2->encrypted);

    T_TRUE(n < sizeof(text));
    for (size_t i = 0; i < n; i++) {
        memcpy(text, v2->encrypted, n);
        text[i] = text[i] == 'A' ? 'B' : 'A';
        T_ERR(verify(v2, (struct str){text, n}, str_of(v2->signature)), ERR_SIGNATURE);
    }
}

static void another_receiver_is_refused(void)
{
    struct buf out;

    buf_init(&out, 4096);
    T_ERR(open_with(v2->aes_key, str_of(v2->encrypted), "ww1234567890abcdee", &out), ERR_CRYPTO);
    T_ERR(open_with(v2->aes_key, str_of(v2->encrypted), "ww1234567890abcde", &out), ERR_CRYPTO);
    T_ERR(open_with(v2->aes_key, str_of(v2->encrypted), "", &out), ERR_CRYPTO);
    T_EQ(out.len, 0);
    buf_fini(&out);
}

/* Encrypts `plain` as it is, then opens it. */
static int open_plain_for(struct str plain, const char *receiveid)
{
    static const char aes_key[] = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY";
    static const uint8_t raw[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef";
    struct buf cipher, coded, out;
    struct crypto_aes *aes;
    int r;

    buf_init(&cipher, 1000);
    buf_init(&coded, 2000);
    buf_init(&out, 1000);
    T_OK(crypto_aes_new(raw, &aes));
    T_OK(crypto_aes_encrypt(aes, raw, plain, &cipher));
    T_OK(crypto_base64_encode(buf_str(&cipher), &coded));
    r = open_with(aes_key, buf_str(&coded), receiveid, &out);
    T_EQ(out.len != 0, r == 0);
    crypto_aes_free(aes);
    buf_fini(&cipher);
    buf_fini(&coded);
    buf_fini(&out);
    return r;
}

static int open_plain(struct str plain)
{
    return open_plain_for(plain, "ww");
}

/* 16 random, length, "hi", "ww", then up to `total` bytes of value `pad`. */
static void write_plain(char *plain, size_t total, uint32_t length, uint8_t pad)
{
    memset(plain, pad, total);
    memset(plain, 'r', 16);
    for (int i = 0; i < 4; i++)
        plain[16 + i] = (char)(length >> (24 - 8 * i));
    memcpy(plain + 20, "hiww", 4);
}

static void only_whole_paddings_open(void)
{
    char plain[64];

    write_plain(plain, 32, 2, 8);
    T_OK(open_plain((struct str){plain, 32}));
    for (size_t i = 24; i < 32; i++) { /* each byte of the padding counts */
        write_plain(plain, 32, 2, 8);
        plain[i] = 7;
        T_ERR(open_plain((struct str){plain, 32}), ERR_CRYPTO);
    }
    for (int pad = 0; pad < 256; pad++) {
        write_plain(plain, 32, 2, (uint8_t)pad);
        T_ERR(open_plain((struct str){plain, 32}), pad == 8 ? 0 : ERR_CRYPTO);
    }
    write_plain(plain, 64, 2, 40); /* well formed, but longer than 32 */
    T_ERR(open_plain((struct str){plain, 64}), ERR_CRYPTO);
}

static void a_whole_block_of_padding_opens(void)
{
    char plain[64];

    memset(plain, 32, sizeof(plain));
    memset(plain, 'r', 16);
    memcpy(plain + 16,
           "\0\0\0\x0a"
           "0123456789ww",
           16);
    T_OK(open_plain((struct str){plain, 64}));
}

static void a_length_beyond_the_text_is_refused(void)
{
    static const uint32_t wrong[] = {3, 4, 5, 12, 100, 0x7FFFFFFF, 0x80000000, 0xFFFFFFEC, 0xFFFFFFFF};
    char plain[32];

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        write_plain(plain, 32, wrong[i], 8);
        T_ERR(open_plain((struct str){plain, 32}), ERR_CRYPTO);
        T_EQ(open_plain_for((struct str){plain, 32}, "") == 0, wrong[i] == 4); /* all of it is message then */
    }
}

static void text_that_is_no_envelope_is_refused(void)
{
    static const char *const wrong[] = {"", "AAAA", "not base64!",
                                        "AAAAAAAAAAAAAAAAAAAAAA==" /* one half block */};
    struct buf out;

    buf_init(&out, 1000);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        T_ERR(open_with(v1->aes_key, str_of(wrong[i]), v1->receiveid, &out), ERR_CRYPTO);
    T_ERR(open_with(v1->aes_key, str_sub(str_of(v1->encrypted), 0, 84), v1->receiveid, &out), ERR_CRYPTO);
    buf_fini(&out);
}

static void a_key_has_exactly_43_alphanumerics(void)
{
    static const char *const wrong[] = {
        "", "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZW", "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWYQ",
        "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZW=", "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZ+Y"};
    struct wxcrypt_key key;

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        T_ERR(wxcrypt_key_init(&key, str_of(wrong[i])), ERR_CONFIG);
        wxcrypt_key_fini(&key);
    }
    wxcrypt_key_fini(NULL);
}

static void unused_bits_of_the_last_key_character_do_not_matter(void)
{
    struct buf out;

    buf_init(&out, 4096);
    T_OK(open_with("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFE", str_of(wxcrypt_vectors[8].encrypted),
                   wxcrypt_vectors[8].receiveid, &out));
    buf_fini(&out);
}

static void two_seals_of_one_message_differ(void)
{
    struct wxcrypt_key key;
    struct buf a, b, back;

    buf_init(&a, 1000);
    buf_init(&b, 1000);
    buf_init(&back, 1000);
    T_OK(wxcrypt_key_init(&key, str_of(v1->aes_key)));
    T_OK(wxcrypt_seal(&key, STR("hello"), STR("ww"), NULL, &a));
    T_OK(wxcrypt_seal(&key, STR("hello"), STR("ww"), NULL, &b));
    T_TRUE(!str_eq(buf_str(&a), buf_str(&b)));
    T_OK(wxcrypt_open(&key, buf_str(&b), STR("ww"), &back));
    T_STR(back.data, "hello");
    wxcrypt_key_fini(&key);
    buf_fini(&a);
    buf_fini(&b);
    buf_fini(&back);
}

static void opening_without_memory_fails_cleanly(void)
{
    struct wxcrypt_key key;
    bool hit = true;

    T_OK(wxcrypt_key_init(&key, str_of(v1->aes_key)));
    for (int n = 1; hit; n++) {
        struct buf out;
        int r;

        buf_init(&out, 1000);
        mem_fail_at(n);
        r = wxcrypt_open(&key, str_of(v1->encrypted), str_of(v1->receiveid), &out);
        mem_fail_at(0);
        hit = mem_fault_hit();
        T_EQ(r, hit ? -ENOMEM : 0);
        T_STR(buf_cstr(&out), hit ? "" : v1->message);
        buf_fini(&out);
    }
    wxcrypt_key_fini(&key);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        T_CASE(every_vector_verifies_and_opens),
        T_CASE(every_vector_seals_to_the_same_bytes),
        T_CASE(the_console_check_signs_without_a_body),
        T_CASE(a_flipped_signature_digit_is_refused),
        T_CASE(a_flipped_character_of_the_envelope_is_refused),
        T_CASE(another_receiver_is_refused),
        T_CASE(only_whole_paddings_open),
        T_CASE(a_whole_block_of_padding_opens),
        T_CASE(a_length_beyond_the_text_is_refused),
        T_CASE(text_that_is_no_envelope_is_refused),
        T_CASE(a_key_has_exactly_43_alphanumerics),
        T_CASE(unused_bits_of_the_last_key_character_do_not_matter),
        T_CASE(two_seals_of_one_message_differ),
        T_CASE(opening_without_memory_fails_cleanly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
