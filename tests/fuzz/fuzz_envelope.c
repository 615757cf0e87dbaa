/* SPDX-License-Identifier: Apache-2.0 */
/* Two ways in: the bytes as what a peer sends (base64), and the bytes as a plaintext encrypted with the
 * right key, which reaches the checks behind the cipher. What opens must seal back to the same bytes.
 */
#include "base/crypto.h"
#include "base/wxcrypt.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t raw_key[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef";

static void check(int ok)
{
    if (!ok)
        abort();
}

static void open_and_seal(const struct wxcrypt_key *key, struct str encrypted, const uint8_t *random16)
{
    struct buf message, sealed;

    buf_init(&message, 1 << 20);
    buf_init(&sealed, 1 << 21);
    if (wxcrypt_open(key, encrypted, STR("ww"), &message) == 0 && random16) {
        check(wxcrypt_seal(key, buf_str(&message), STR("ww"), random16, &sealed) == 0);
        check(str_eq(buf_str(&sealed), encrypted));
    }
    buf_fini(&message);
    buf_fini(&sealed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct wxcrypt_key key;
    static struct crypto_aes *aes;
    struct buf cipher, coded;

    if (!aes) {
        check(wxcrypt_key_init(&key, STR("QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY")) == 0);
        check(crypto_aes_new(raw_key, &aes) == 0);
    }
    open_and_seal(&key, (struct str){(const char *)data, size}, NULL);
    if (size < 32)
        return 0;
    buf_init(&cipher, size);
    buf_init(&coded, size * 2);
    check(crypto_aes_encrypt(aes, raw_key, (struct str){(const char *)data, size / 32 * 32}, &cipher) == 0);
    check(crypto_base64_encode(buf_str(&cipher), &coded) == 0);
    open_and_seal(&key, buf_str(&coded), data);
    buf_fini(&cipher);
    buf_fini(&coded);
    return 0;
}
