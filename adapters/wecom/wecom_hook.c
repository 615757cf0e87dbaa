/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/wecom/wecom_hook.h"

#include <errno.h>

#include "base/crypto.h"
#include "base/mem.h"

enum { QUERY_BYTES = 16 * 1024, REPLY_TEXT_BYTES = 2048 };

int wecom_hook_init(struct wecom_hook *h, struct str token, struct str aes_key, struct str corp_id,
                    int64_t max_age_ms)
{
    int r;

    *h = (struct wecom_hook){.max_age_ms = max_age_ms};
    h->token = mem_strndup(token.n ? token.p : "", token.n);
    h->corp_id = mem_strndup(corp_id.n ? corp_id.p : "", corp_id.n);
    r = h->token && h->corp_id ? xml_new(&h->xml) : -ENOMEM;
    if (r == 0)
        r = wxcrypt_key_init(&h->key, aes_key);
    if (r < 0)
        wecom_hook_fini(h);
    return r;
}

void wecom_hook_fini(struct wecom_hook *h)
{
    if (!h)
        return;
    wxcrypt_key_fini(&h->key);
    xml_free(h->xml);
    if (h->token)
        crypto_wipe(h->token, str_of(h->token).n);
    mem_free(h->token);
    mem_free(h->corp_id);
    *h = (struct wecom_hook){0};
}

/* The four parameters of a signed call, decoded. A '+' stays one: base64 has it, blanks it has not. */
struct signed_query {
    struct buf signature, timestamp, nonce, echostr;
};

static void query_fini(struct signed_query *q)
{
    buf_fini(&q->signature);
    buf_fini(&q->timestamp);
    buf_fini(&q->nonce);
    buf_fini(&q->echostr);
}

static void query_init(struct signed_query *q)
{
    buf_init(&q->signature, QUERY_BYTES);
    buf_init(&q->timestamp, QUERY_BYTES);
    buf_init(&q->nonce, QUERY_BYTES);
    buf_init(&q->echostr, QUERY_BYTES);
}

static int query_get(struct str query, const char *name, struct buf *ret)
{
    struct str pair, key, value;

    while (str_next(&query, '&', &pair)) {
        str_cut(pair, '=', &key, &value);
        if (str_is(key, name))
            return str_percent_decode(value, false, ret);
    }
    return ERR_INVALID;
}

static int query_read(struct signed_query *q, struct str query, bool verification)
{
    int r = query_get(query, "msg_signature", &q->signature);

    if (r == 0)
        r = query_get(query, "timestamp", &q->timestamp);
    if (r == 0)
        r = query_get(query, "nonce", &q->nonce);
    if (r == 0 && verification)
        r = query_get(query, "echostr", &q->echostr);
    return r;
}

static int check_age(const struct wecom_hook *h, struct str timestamp, int64_t now_ms)
{
    int64_t s = 0, off_s;
    int r = str_to_i64(timestamp, &s);

    if (r < 0 || s < 0 || s > INT64_C(1) << 40)
        return ERR_SYNTAX;
    if (h->max_age_ms == 0)
        return 0;
    off_s = now_ms / 1000 - s;
    return off_s * 1000 > h->max_age_ms || -off_s * 1000 > h->max_age_ms ? ERR_STALE : 0;
}

static int open_signed(struct wecom_hook *h, const struct signed_query *q, struct str encrypted,
                       int64_t now_ms, struct buf *out)
{
    struct str parts[] = {buf_str(&q->timestamp), buf_str(&q->nonce), encrypted};
    int r = wxcrypt_verify(str_of(h->token), parts, ARRAY_LEN(parts), buf_str(&q->signature));

    if (r == 0)
        r = check_age(h, buf_str(&q->timestamp), now_ms);
    if (r == 0)
        r = wxcrypt_open(&h->key, encrypted, str_of(h->corp_id), out);
    return r;
}

int wecom_hook_open(struct wecom_hook *h, const struct hook_call *call, int64_t now_ms, struct buf *out,
                    bool *ret_verification)
{
    bool verification = str_is(call->method, "GET");
    struct signed_query AUTO(query_fini) q;
    struct str encrypted;
    int r;

    query_init(&q);
    if (!verification && !str_is(call->method, "POST"))
        return ERR_INVALID;
    r = query_read(&q, call->query, verification);
    if (r < 0)
        return r;
    encrypted = buf_str(&q.echostr);
    if (!verification) {
        r = xml_parse(h->xml, call->body);
        if (r < 0)
            return r;
        encrypted = xml_get(h->xml, "Encrypt");
    }
    if (encrypted.n == 0)
        return ERR_INVALID;
    r = open_signed(h, &q, encrypted, now_ms, out);
    if (r == 0)
        *ret_verification = verification;
    return r;
}

static int write_reply(const struct wecom_hook *h, struct str member, struct str text, int64_t now_ms,
                       struct buf *out)
{
    xml_add_open(out, "xml");
    xml_add_cdata(out, "ToUserName", member);
    xml_add_cdata(out, "FromUserName", str_of(h->corp_id));
    xml_add_i64(out, "CreateTime", now_ms / 1000);
    xml_add_cdata(out, "MsgType", STR("text"));
    xml_add_cdata(out, "Content", str_cut_bytes(text, REPLY_TEXT_BYTES));
    xml_add_close(out, "xml");
    return buf_error(out);
}

static int write_envelope(const struct wecom_hook *h, struct str encrypted, int64_t now_ms, const char *nonce,
                          struct buf *out)
{
    char timestamp[24], sign[WXCRYPT_SIGN_BYTES], drawn[33];
    struct str parts[3];

    crypto_random_id(drawn);
    (void)snprintf(timestamp, sizeof(timestamp), "%lld", (long long)(now_ms / 1000));
    parts[0] = str_of(timestamp);
    parts[1] = str_of(nonce ? nonce : drawn);
    parts[2] = encrypted;
    wxcrypt_sign(str_of(h->token), parts, ARRAY_LEN(parts), sign);
    xml_add_open(out, "xml");
    xml_add_cdata(out, "Encrypt", encrypted);
    xml_add_cdata(out, "MsgSignature", str_of(sign));
    xml_add_i64(out, "TimeStamp", now_ms / 1000);
    xml_add_cdata(out, "Nonce", parts[1]);
    xml_add_close(out, "xml");
    return buf_error(out);
}

int wecom_hook_reply(struct wecom_hook *h, struct str member, struct str text, int64_t now_ms,
                     const char *nonce, const uint8_t random16[16], struct buf *out)
{
    struct buf AUTO(buf_fini) plain, AUTO(buf_fini) encrypted;
    int r;

    buf_init(&plain, 64 * 1024);
    buf_init(&encrypted, 128 * 1024);
    r = write_reply(h, member, text, now_ms, &plain);
    if (r == 0)
        r = wxcrypt_seal(&h->key, buf_str(&plain), str_of(h->corp_id), random16, &encrypted);
    if (r == 0)
        r = write_envelope(h, buf_str(&encrypted), now_ms, nonce, out);
    return r;
}
