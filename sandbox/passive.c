/* SPDX-License-Identifier: Apache-2.0 */
/* body -> members -> (sealed: signature, open -> members) -> judged */
#include "sandbox/passive.h"

#include "base/json.h"
#include "base/mem.h"
#include "sandbox/must.h"
#include "sandbox/sbxml.h"

#include <string.h>

static json_t *members_of(const struct sb_connection *conn, struct str text)
{
    json_t *o = NULL;
    int r = conn->json ? json_parse(text, JSON_DEPTH, &o, NULL) : sb_xml_read(text.p, text.n, &o);

    if (r == 0 && json_is_object(o))
        return o;
    json_decref(o);
    return NULL;
}

static int unseal(const struct sb_connection *conn, const json_t *envelope, json_t **ret)
{
    const char *sealed = json_str(envelope, "Encrypt", ""), *nonce = json_str(envelope, "Nonce", "");
    char *time = json_is_integer(json_object_get(envelope, "TimeStamp"))
                     ? json_dumps(json_object_get(envelope, "TimeStamp"), JSON_ENCODE_ANY)
                     : sb_copy(json_str(envelope, "TimeStamp", ""));
    const char *items[] = {conn->token, sb_must_have(time), nonce, sealed};
    char signature[SB_SHA1_HEX];
    bool same = sb_sign(items, 4, signature) && sb_same(signature, json_str(envelope, "MsgSignature", ""));
    char *inner;
    size_t n;

    mem_free(time);
    if (!same)
        return SB_P_SIGNATURE;
    if (!conn->has_aes_key || sb_open(conn->aes_key, conn->owner, sealed, &inner, &n) < 0)
        return SB_P_CLOSED;
    *ret = members_of(conn, (struct str){inner, n});
    mem_free(inner);
    return *ret != NULL ? SB_P_OK : SB_P_PARSE;
}

static bool content_good(const json_t *reply)
{
    const char *type = json_str(reply, "MsgType", "");
    const char *text = json_str(reply, "Content", "");

    if (strcmp(type, "text") == 0)
        return text[0] != '\0' && (int64_t)strlen(text) <= sb_limits[SB_OFFICIAL_TEXT].amount;
    if (strcmp(type, "image") == 0)
        return json_str(json_object_get(reply, "Image"), "MediaId", "")[0] != '\0';
    if (strcmp(type, "voice") == 0)
        return json_str(json_object_get(reply, "Voice"), "MediaId", "")[0] != '\0';
    if (strcmp(type, "video") == 0)
        return json_str(json_object_get(reply, "Video"), "MediaId", "")[0] != '\0';
    if (strcmp(type, "music") == 0)
        return json_str(json_object_get(reply, "Music"), "ThumbMediaId", "")[0] != '\0';
    if (strcmp(type, "news") == 0)
        return json_int(reply, "ArticleCount", 0) == 1 && json_object_get(reply, "Articles") != NULL;
    return strcmp(type, "transfer_customer_service") == 0;
}

/* A client that writes milliseconds into CreateTime is a known mistake: a day off is refused. */
static bool judge(const struct sb_connection *conn, const char *openid, const json_t *reply, int64_t now_ms)
{
    int64_t off_ms = json_int(reply, "CreateTime", 0) * SB_SECOND - now_ms;

    return strcmp(json_str(reply, "ToUserName", ""), openid) == 0 &&
           strcmp(json_str(reply, "FromUserName", ""), conn->gh_id) == 0 && off_ms > -SB_DAY &&
           off_ms < SB_DAY && content_good(reply);
}

int sb_passive_read(const struct sb_connection *conn, const char *openid, struct str body, int64_t now_ms,
                    json_t **ret)
{
    json_t *reply, *inner = NULL;
    bool sealed;
    int r = SB_P_OK;

    if (body.n == 0 || str_is(body, "success"))
        return SB_P_NONE;
    reply = members_of(conn, body);
    if (reply == NULL)
        return SB_P_PARSE;
    sealed = json_object_get(reply, "Encrypt") != NULL;
    if (sealed != (conn->mode == SB_MODE_SAFE) && conn->mode != SB_MODE_COMPATIBLE)
        r = SB_P_PARSE;
    else if (sealed)
        r = unseal(conn, reply, &inner);
    else
        inner = json_incref(reply);
    json_decref(reply);
    if (r == SB_P_OK && !judge(conn, openid, inner, now_ms))
        r = SB_P_PARSE;
    if (r == SB_P_OK)
        *ret = inner;
    else
        json_decref(inner);
    return r;
}
