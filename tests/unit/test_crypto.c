/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crypto.h"
#include "base/mem.h"
#include "support/asserts.h"

static void digests_match_their_standards(void)
{
    uint8_t out[32];

    crypto_md5(STR("abc"), out);
    T_HEX(out, "900150983cd24fb0d6963f7d28e17f72");
    crypto_sha1(STR("abc"), out);
    T_HEX(out, "a9993e364706816aba3e25717850c26c9cd0d89d");
    crypto_sha256(STR("abc"), out);
    T_HEX(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    crypto_sha256((struct str){NULL, 0}, out);
    T_HEX(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void macs_match_rfc_2202_and_4231(void)
{
    struct str key = STR("Jefe"), data = STR("what do ya want for nothing?");
    char long_key[131];
    uint8_t out[32];

    crypto_hmac_sha1(key, data, out);
    T_HEX(out, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    crypto_hmac_sha256(key, data, out);
    T_HEX(out, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(long_key, 0xAA, sizeof(long_key));
    crypto_hmac_sha256((struct str){long_key, sizeof(long_key)},
                       STR("Test Using Larger Than Block-Size Key - Hash Key First"), out);
    T_HEX(out, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    crypto_hmac_sha256((struct str){NULL, 0}, (struct str){NULL, 0}, out);
    T_HEX(out, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void parts_digest_as_one_text(void)
{
    struct str parts[] = {STR("a"), STR(""), STR("bc")};
    uint8_t whole[32], split[32];

    crypto_sha256(STR("abc"), whole);
    crypto_sha256_parts(parts, 3, split);
    T_MEM(split, whole, 32);
    crypto_sha1(STR("abc"), whole);
    crypto_sha1_parts(parts, 3, split);
    T_MEM(split, whole, 20);
    crypto_md5(STR("abc"), whole);
    crypto_md5_parts(parts, 3, split);
    T_MEM(split, whole, 16);
}

static void a_dedupe_key_knows_where_its_parts_end(void)
{
    struct str a[] = {STR("ab"), STR("c")}, b[] = {STR("a"), STR("bc")};
    struct hash128 ha = crypto_hash128(a, 2), hb = crypto_hash128(b, 2), again = crypto_hash128(a, 2);

    T_TRUE(memcmp(&ha, &hb, sizeof(ha)) != 0);
    T_MEM(&ha, &again, sizeof(ha));
    /* Stored for good, so it may never change: sha256(02 00*7 "ab" 01 00*7 "c"), first half. */
    T_HEX(ha.b, "43ee655579de01ca739b3f95c1c2d3f4");
}

static void check_base64(const char *plain, const char *coded)
{
    struct buf b;

    buf_init(&b, 100);
    T_OK(crypto_base64_encode(str_of(plain), &b));
    T_STR(buf_cstr(&b), coded);
    buf_reset(&b);
    T_OK(crypto_base64_decode(str_of(coded), &b));
    T_STR(buf_cstr(&b), plain);
    buf_fini(&b);
}

static void base64_goes_there_and_back(void)
{
    check_base64("", "");
    check_base64("f", "Zg==");
    check_base64("fo", "Zm8=");
    check_base64("foo", "Zm9v");
    check_base64("foob", "Zm9vYg==");
    check_base64("fooba", "Zm9vYmE=");
    check_base64("foobar", "Zm9vYmFy");
    check_base64("\xff\xfe\xfd~?", "//79fj8=");
}

static void base64_is_lenient_about_ends_and_strict_about_letters(void)
{
    static const char *const wrong[] = {"Z",    "Zm9vZ", "Zm 9v", "Zm9v\n", "Zm9-", "Zm9_",
                                        "Z===", "====",  "=",     "Zg=a",   "Zg="};
    struct buf b;

    buf_init(&b, 100);
    T_OK(crypto_base64_decode(STR("Zh"), &b)); /* trailing bits set, no padding */
    T_STR(b.data, "f");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        T_ERR(crypto_base64_decode(str_of(wrong[i]), &b), ERR_SYNTAX);
    T_STR(b.data, "f");
    buf_fini(&b);
}

static void base64_fits_whole_or_not_at_all(void)
{
    struct buf b;

    buf_init(&b, 7);
    T_ERR(crypto_base64_encode(STR("foob"), &b), ERR_TOO_BIG);
    T_EQ(b.len, 0);
    buf_reset(&b);
    T_OK(crypto_base64_decode(STR("Zm9vYmFyeg=="), &b));
    T_STR(b.data, "foobarz");
    buf_fini(&b);
}

static void hex_goes_there_and_back(void)
{
    struct buf b;

    buf_init(&b, 100);
    T_OK(crypto_hex(STR("\x01\xAB\xff"), &b));
    T_STR(b.data, "01abff");
    buf_reset(&b);
    T_OK(crypto_unhex(STR("01aBFf"), &b));
    T_MEM(b.data, "\x01\xAB\xff", 3);
    T_ERR(crypto_unhex(STR("0"), &b), ERR_SYNTAX);
    T_ERR(crypto_unhex(STR("0g"), &b), ERR_SYNTAX);
    buf_fini(&b);
}

static void random_ids_differ(void)
{
    char a[33], b[33];

    crypto_random_id(a);
    crypto_random_id(b);
    T_EQ(strlen(a), 32);
    T_TRUE(strcmp(a, b) != 0);
    crypto_random(NULL, 0);
}

static void equality_needs_length_and_bytes(void)
{
    T_TRUE(crypto_equal(STR("abc"), STR("abc")));
    T_TRUE(!crypto_equal(STR("abc"), STR("abd")));
    T_TRUE(!crypto_equal(STR("abc"), STR("ab")));
    T_TRUE(crypto_equal((struct str){NULL, 0}, STR("")));
}

/* NIST SP 800-38A, F.2.5. */
static void aes_matches_nist(void)
{
    static const char key[] = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";
    static const char iv[] = "000102030405060708090a0b0c0d0e0f";
    static const char text[] = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51";
    static const char want[] = "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d";
    struct buf k, v, t, out, back;
    struct crypto_aes *aes;

    buf_init(&k, 32);
    buf_init(&v, 16);
    buf_init(&t, 32);
    buf_init(&out, 64);
    buf_init(&back, 64);
    T_OK(crypto_unhex(str_of(key), &k));
    T_OK(crypto_unhex(str_of(iv), &v));
    T_OK(crypto_unhex(str_of(text), &t));
    T_OK(crypto_aes_new((uint8_t *)k.data, &aes));
    for (int round = 0; round < 2;
         round++) { /* the context is reused: the second must not chain on the first */
        buf_reset(&out);
        buf_reset(&back);
        T_OK(crypto_aes_encrypt(aes, (uint8_t *)v.data, buf_str(&t), &out));
        T_EQ(out.len, 32);
        T_HEX(out.data, want);
        T_OK(crypto_aes_decrypt(aes, (uint8_t *)v.data, buf_str(&out), &back));
        T_MEM(back.data, t.data, 32);
    }
    T_ERR(crypto_aes_decrypt(aes, (uint8_t *)v.data, STR("fifteen bytes.."), &back), ERR_INVALID);
    T_OK(crypto_aes_decrypt(aes, (uint8_t *)v.data, STR(""), &back));
    crypto_aes_free(aes);
    crypto_aes_free(NULL);
    buf_fini(&k);
    buf_fini(&v);
    buf_fini(&t);
    buf_fini(&out);
    buf_fini(&back);
}

static void wiping_leaves_nothing_behind(void)
{
    struct buf b;

    buf_init(&b, 100);
    buf_wipe(&b);
    T_OK(buf_adds(&b, "secret"));
    buf_wipe(&b);
    T_EQ(b.len, 0);
    T_MEM(b.data, "\0\0\0\0\0\0", 6);
    buf_fini(&b);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        T_CASE(digests_match_their_standards),
        T_CASE(macs_match_rfc_2202_and_4231),
        T_CASE(parts_digest_as_one_text),
        T_CASE(a_dedupe_key_knows_where_its_parts_end),
        T_CASE(base64_goes_there_and_back),
        T_CASE(base64_is_lenient_about_ends_and_strict_about_letters),
        T_CASE(base64_fits_whole_or_not_at_all),
        T_CASE(hex_goes_there_and_back),
        T_CASE(random_ids_differ),
        T_CASE(equality_needs_length_and_bytes),
        T_CASE(aes_matches_nist),
        T_CASE(wiping_leaves_nothing_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
