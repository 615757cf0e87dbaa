/* SPDX-License-Identifier: Apache-2.0 */
/* official_reply.c - a passive reply: the message in the push's own format, then the envelope around it. */
#include <stdio.h>

#include "adapters/official/official_hook.h"
#include "adapters/official/official_say.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/mem.h"

enum { REPLY_BYTES = 64 * 1024 };

static void add_xml_form(const struct official_saying *s, struct buf *out)
{
    switch (s->form) {
    case OFFICIAL_TEXT:
        xml_add_cdata(out, "MsgType", STR("text"));
        xml_add_cdata(out, "Content", str_cut_bytes(buf_str(&s->text), OFFICIAL_TEXT_BYTES));
        break;
    case OFFICIAL_NEWS:
        xml_add_cdata(out, "MsgType", STR("news"));
        xml_add_i64(out, "ArticleCount", 1);
        xml_add_open(out, "Articles");
        xml_add_open(out, "item");
        xml_add_cdata(out, "Title", s->title);
        xml_add_cdata(out, "Description", s->desc);
        xml_add_cdata(out, "PicUrl", s->picurl);
        xml_add_cdata(out, "Url", s->url);
        xml_add_close(out, "item");
        xml_add_close(out, "Articles");
        break;
    case OFFICIAL_IMAGE:
    case OFFICIAL_CARD:
        xml_add_cdata(out, "MsgType", STR("image"));
        xml_add_open(out, "Image");
        xml_add_cdata(out, "MediaId", s->media_id);
        xml_add_close(out, "Image");
        break;
    }
}

static int write_xml(const struct official_return *to, const struct official_saying *s, int64_t now_ms,
                     struct buf *out)
{
    xml_add_open(out, "xml");
    xml_add_cdata(out, "ToUserName", to->openid);
    xml_add_cdata(out, "FromUserName", to->ours);
    xml_add_i64(out, "CreateTime", now_ms / 1000);
    add_xml_form(s, out);
    xml_add_close(out, "xml");
    return buf_error(out);
}

static void add_member(struct buf *out, const char *name, struct str value)
{
    (void)buf_addc(out, ',');
    (void)official_add_string(out, name, value);
}

static void add_json_form(const struct official_saying *s, struct buf *out)
{
    switch (s->form) {
    case OFFICIAL_TEXT:
        add_member(out, "MsgType", STR("text"));
        add_member(out, "Content", str_cut_bytes(buf_str(&s->text), OFFICIAL_TEXT_BYTES));
        break;
    case OFFICIAL_NEWS:
        add_member(out, "MsgType", STR("news"));
        (void)buf_adds(out, ",\"ArticleCount\":1,\"Articles\":{\"item\":{");
        (void)official_add_string(out, "Title", s->title);
        add_member(out, "Description", s->desc);
        add_member(out, "PicUrl", s->picurl);
        add_member(out, "Url", s->url);
        (void)buf_adds(out, "}}");
        break;
    case OFFICIAL_IMAGE:
    case OFFICIAL_CARD:
        add_member(out, "MsgType", STR("image"));
        (void)buf_adds(out, ",\"Image\":{");
        (void)official_add_string(out, "MediaId", s->media_id);
        (void)buf_addc(out, '}');
        break;
    }
}

static int write_json(const struct official_return *to, const struct official_saying *s, int64_t now_ms,
                      struct buf *out)
{
    (void)buf_addc(out, '{');
    (void)official_add_string(out, "ToUserName", to->openid);
    add_member(out, "FromUserName", to->ours);
    (void)buf_addf(out, ",\"CreateTime\":%lld", (long long)(now_ms / 1000));
    add_json_form(s, out);
    return buf_addc(out, '}');
}

static int write_message(const struct official_return *to, const struct content *content, int64_t now_ms,
                         struct buf *out)
{
    struct official_saying AUTO(official_saying_fini) s;
    char fault[OFFICIAL_FAULT_BYTES] = "";
    int r = official_saying_read(&s, content, OFFICIAL_IN_REPLY, fault);

    if (r < 0)
        return r == ERR_TOO_BIG ? ERR_INVALID : r;
    return to->json ? write_json(to, &s, now_ms, out) : write_xml(to, &s, now_ms, out);
}

static int write_envelope(const struct official_hook *h, bool json, struct str encrypted, int64_t now_ms,
                          struct str nonce, struct buf *out)
{
    char timestamp[24], sign[WXCRYPT_SIGN_BYTES];
    struct str parts[] = {{0}, nonce, encrypted};

    (void)snprintf(timestamp, sizeof(timestamp), "%lld", (long long)(now_ms / 1000));
    parts[0] = str_of(timestamp);
    wxcrypt_sign(str_of(h->token), parts, ARRAY_LEN(parts), sign);
    if (json) {
        (void)buf_addc(out, '{');
        (void)official_add_string(out, "Encrypt", encrypted);
        add_member(out, "MsgSignature", str_of(sign));
        (void)buf_addf(out, ",\"TimeStamp\":%s", timestamp);
        add_member(out, "Nonce", nonce);
        return buf_addc(out, '}');
    }
    xml_add_open(out, "xml");
    xml_add_cdata(out, "Encrypt", encrypted);
    xml_add_cdata(out, "MsgSignature", str_of(sign));
    xml_add_i64(out, "TimeStamp", now_ms / 1000);
    xml_add_cdata(out, "Nonce", nonce);
    xml_add_close(out, "xml");
    return buf_error(out);
}

int official_hook_reply(const struct official_hook *h, const struct official_return *to,
                        const struct content *content, int64_t now_ms, const char *nonce,
                        const uint8_t random16[16], struct buf *out)
{
    struct buf AUTO(buf_fini) plain, AUTO(buf_fini) encrypted;
    char drawn[33];
    int r;

    buf_init(&plain, REPLY_BYTES);
    buf_init(&encrypted, 2 * REPLY_BYTES);
    if (to->key == OFFICIAL_NO_KEY)
        return write_message(to, content, now_ms, out);
    crypto_random_id(drawn);
    r = write_message(to, content, now_ms, &plain);
    if (r == 0)
        r = wxcrypt_seal(&h->keys[to->key], buf_str(&plain), str_of(h->appid), random16, &encrypted);
    if (r == 0)
        r = write_envelope(h, to->json, buf_str(&encrypted), now_ms, str_of(nonce ? nonce : drawn), out);
    return r;
}
