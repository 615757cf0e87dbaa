/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/official/official_hook.h"

#include <errno.h>
#include <stdio.h>

#include "adapters/official/official_push.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/mem.h"

enum { QUERY_BYTES = 16 * 1024, ENVELOPE_DEPTH = 16 };

int official_hook_init(struct official_hook *h, const struct official_conf *conf)
{
    const struct str keys[] = {conf->aes_key, conf->aes_key_previous};
    int r;

    *h = (struct official_hook){.mode = conf->mode, .max_age_ms = conf->callback_max_age_ms};
    h->token = mem_strndup(conf->token.n ? conf->token.p : "", conf->token.n);
    h->appid = mem_strndup(conf->appid.n ? conf->appid.p : "", conf->appid.n);
    r = h->token && h->appid ? xml_new(&h->xml) : -ENOMEM;
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(keys) && conf->mode != OFFICIAL_PLAIN; i++) {
        if (keys[i].n == 0)
            continue;
        r = wxcrypt_key_init(&h->keys[h->key_count], keys[i]);
        h->key_count += r == 0;
    }
    if (r < 0)
        official_hook_fini(h);
    return r;
}

void official_hook_fini(struct official_hook *h)
{
    if (!h)
        return;
    while (h->key_count > 0)
        wxcrypt_key_fini(&h->keys[--h->key_count]);
    xml_free(h->xml);
    if (h->token)
        crypto_wipe(h->token, str_of(h->token).n);
    mem_free(h->token);
    mem_free(h->appid);
    *h = (struct official_hook){0};
}

/* ---- in ---- */

/* The signed parameters of a call, decoded. */
struct signed_query {
    struct buf signature, timestamp, nonce, echostr;
};

static void query_init(struct signed_query *q)
{
    buf_init(&q->signature, QUERY_BYTES);
    buf_init(&q->timestamp, QUERY_BYTES);
    buf_init(&q->nonce, QUERY_BYTES);
    buf_init(&q->echostr, QUERY_BYTES);
}

static void query_fini(struct signed_query *q)
{
    buf_fini(&q->signature);
    buf_fini(&q->timestamp);
    buf_fini(&q->nonce);
    buf_fini(&q->echostr);
}

/* What carries no whole signature is not authentic. */
static int query_read(struct signed_query *q, struct str query, const char *signature)
{
    int r = str_query_get(query, signature, &q->signature);

    if (r == 0)
        r = str_query_get(query, "timestamp", &q->timestamp);
    if (r == 0)
        r = str_query_get(query, "nonce", &q->nonce);
    return r == 0 || r == -ENOMEM ? r : ERR_SIGNATURE;
}

static int check_age(const struct official_hook *h, struct str timestamp, int64_t now_ms)
{
    int64_t s = 0, off_ms;

    if (str_to_i64(timestamp, &s) < 0 || s < 0 || s > INT64_C(1) << 40)
        return ERR_SYNTAX;
    off_ms = now_ms / 1000 * 1000 - s * 1000;
    if (h->max_age_ms == 0)
        return 0;
    return off_ms > h->max_age_ms || -off_ms > h->max_age_ms ? ERR_STALE : 0;
}

/* `encrypted` is a signed part too where it is not empty. */
static int check_signed(const struct official_hook *h, const struct signed_query *q, struct str encrypted,
                        int64_t now_ms)
{
    struct str parts[] = {buf_str(&q->timestamp), buf_str(&q->nonce), encrypted};
    int r = wxcrypt_verify(str_of(h->token), parts, encrypted.n ? 3 : 2, buf_str(&q->signature));

    return r < 0 ? r : check_age(h, buf_str(&q->timestamp), now_ms);
}

static int open_verification(const struct official_hook *h, struct str query, int64_t now_ms,
                             struct official_opening *ret)
{
    struct signed_query AUTO(query_fini) q;
    int r;

    query_init(&q);
    r = query_read(&q, query, "signature");
    if (r == 0)
        r = str_query_get(query, "echostr", &q.echostr);
    if (r == ERR_NOT_FOUND) /* not found is a wrong path, to the host */
        r = ERR_INVALID;
    if (r == 0)
        r = check_signed(h, &q, (struct str){0}, now_ms);
    if (r == 0)
        r = buf_add_str(&ret->text, buf_str(&q.echostr));
    ret->verification = true;
    return r;
}

static int open_plain(const struct official_hook *h, const struct hook_call *call, int64_t now_ms,
                      struct official_opening *ret)
{
    struct signed_query AUTO(query_fini) q;
    int r;

    query_init(&q);
    r = query_read(&q, call->query, "signature");
    if (r == 0)
        r = check_signed(h, &q, (struct str){0}, now_ms);
    return r == 0 ? buf_add_str(&ret->text, call->body) : r;
}

/* Appends the Encrypt of an envelope. */
static int read_envelope(struct official_hook *h, struct str body, struct buf *out)
{
    json_t *tree = NULL;
    int r;

    if (official_is_json(body)) {
        r = json_parse(body, ENVELOPE_DEPTH, &tree, NULL);
        if (r == 0)
            r = buf_adds(out, json_str(tree, "Encrypt", ""));
        json_decref(tree);
    } else {
        r = xml_parse(h->xml, body);
        if (r == 0)
            r = buf_add_str(out, xml_get(h->xml, "Encrypt"));
    }
    return r == 0 && out->len == 0 ? ERR_INVALID : r;
}

static int open_sealed(struct official_hook *h, const struct hook_call *call, int64_t now_ms,
                       struct official_opening *ret)
{
    struct signed_query AUTO(query_fini) q;
    struct buf AUTO(buf_fini) encrypted;
    int r;

    query_init(&q);
    buf_init(&encrypted, 2 * OFFICIAL_PLAIN_BYTES);
    r = query_read(&q, call->query, "msg_signature");
    if (r == 0)
        r = read_envelope(h, call->body, &encrypted);
    if (r == 0)
        r = check_signed(h, &q, buf_str(&encrypted), now_ms);
    if (r < 0)
        return r;
    r = ERR_CRYPTO;
    for (int i = 0; r == ERR_CRYPTO && i < h->key_count; i++) {
        r = wxcrypt_open(&h->keys[i], buf_str(&encrypted), str_of(h->appid), &ret->text);
        ret->key = i;
    }
    return r;
}

int official_hook_open(struct official_hook *h, const struct hook_call *call, int64_t now_ms,
                       struct official_opening *ret)
{
    ret->verification = false;
    ret->key = OFFICIAL_NO_KEY;
    if (str_is(call->method, "GET"))
        return open_verification(h, call->query, now_ms, ret);
    if (!str_is(call->method, "POST"))
        return ERR_INVALID;
    return h->mode == OFFICIAL_PLAIN ? open_plain(h, call, now_ms, ret) : open_sealed(h, call, now_ms, ret);
}
