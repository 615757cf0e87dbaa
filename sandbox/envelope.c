/* SPDX-License-Identifier: Apache-2.0 */
/* The body is NULL for a check of the address, which is a GET.
 *
 * WeCom            ?msg_signature&timestamp&nonce, sealed XML
 * official account ?signature&timestamp&nonce&openid, and unless plain &encrypt_type=aes&msg_signature
 * Aliyun           ?key=<path key>, bare JSON
 */
#include "sandbox/envelope.h"

#include "base/json.h"
#include "base/mem.h"
#include "sandbox/must.h"
#include "sandbox/sbxml.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct stamp {
    char time[24], nonce[24];
};

static struct stamp stamp_now(struct sb_model *m, int64_t now_ms)
{
    struct stamp s;

    (void)snprintf(s.time, sizeof(s.time), "%" PRId64, now_ms / SB_SECOND);
    (void)snprintf(s.nonce, sizeof(s.nonce), "%" PRIu64, sb_model_random(m) % UINT64_C(1000000000000));
    return s;
}

static char *seal(struct sb_model *m, const struct sb_push *p)
{
    unsigned char random[SB_RANDOM];
    char *sealed = NULL;
    static const char letters[] = "0123456789abcdef";

    for (size_t i = 0; i < sizeof(random); i++)
        random[i] = (unsigned char)letters[sb_model_random(m) % 16];
    sb_must(
        sb_seal(p->connection->aes_key, random, p->connection->owner, p->inner, strlen(p->inner), &sealed));
    return sealed;
}

static void sign(const struct sb_connection *conn, const struct stamp *s, const char *sealed,
                 char ret[SB_SHA1_HEX])
{
    const char *items[] = {conn->token, s->time, s->nonce, sealed};

    sb_must(sb_sign(items, sealed != NULL ? 4 : 3, ret) ? 0 : -1);
}

/* {ToUserName, Encrypt}, in compatible mode behind the members of the inner text. */
static char *wrap_json(const struct sb_push *p, const char *to, const char *sealed, bool clear)
{
    json_t *all = clear ? json_loads(p->inner, 0, NULL) : NULL;
    char *text;

    if (!json_is_object(all)) { /* a raw push may be anything */
        json_decref(all);
        all = sb_must_have(json_object());
    }
    sb_json_set(all, "ToUserName", sb_json("s", to));
    sb_json_set(all, "Encrypt", sb_json("s", sealed));
    text = sb_must_have(json_dumps(all, JSON_COMPACT));
    json_decref(all);
    return text;
}

static char *wrap_xml(const struct sb_push *p, const char *to, const char *sealed, bool clear)
{
    struct str inner = str_of(p->inner);
    char *text = NULL;
    size_t n = 0;
    FILE *out = sb_must_have(open_memstream(&text, &n));

    if (clear && str_ends(inner, STR("</xml>"))) {
        fprintf(out, "%.*s", (int)(inner.n - strlen("</xml>")), inner.p);
    } else {
        fputs("<xml>", out);
        sb_xml_text(out, "ToUserName", to);
    }
    if (p->connection->kind == SB_KIND_WECOM)
        sb_xml_text(out, "AgentID", "");
    sb_xml_text(out, "Encrypt", sealed);
    fputs("</xml>", out);
    sb_must(fclose(out));
    return text;
}

static char *wrap(const struct sb_push *p, const char *to, const char *sealed, bool clear)
{
    return p->json ? wrap_json(p, to, sealed, clear) : wrap_xml(p, to, sealed, clear);
}

/* Adds "&echostr=": what the callback's owner must answer, sealed where callbacks are. */
static void add_echo(struct sb_envelope *e, const char *echo)
{
    struct buf url;

    buf_init(&url, 4096);
    sb_must(buf_addf(&url, "%s&echostr=", e->url));
    sb_must(str_percent_encode(str_of(echo), &url));
    mem_free(e->url);
    e->url = sb_copy(buf_cstr(&url));
    buf_fini(&url);
}

static void make_wecom(struct sb_model *m, const struct sb_push *p, const char *base, int64_t now_ms,
                       struct sb_envelope *ret)
{
    struct stamp s = stamp_now(m, now_ms);
    char signature[SB_SHA1_HEX];
    char *sealed = seal(m, p);

    sign(p->connection, &s, sealed, signature);
    ret->url = sb_printf("%s?msg_signature=%s&timestamp=%s&nonce=%s", base, signature, s.time, s.nonce);
    if (p->verify)
        add_echo(ret, sealed);
    else
        ret->body = wrap(p, p->connection->owner, sealed, false);
    mem_free(sealed);
}

static void make_official(struct sb_model *m, const struct sb_push *p, const char *base, int64_t now_ms,
                          struct sb_envelope *ret)
{
    struct stamp s = stamp_now(m, now_ms);
    const struct sb_connection *conn = p->connection;
    char plain[SB_SHA1_HEX], signature[SB_SHA1_HEX];
    char *sealed;

    sign(conn, &s, NULL, plain);
    if (p->verify) {
        ret->url = sb_printf("%s?signature=%s&timestamp=%s&nonce=%s", base, plain, s.time, s.nonce);
        add_echo(ret, p->inner);
        return;
    }
    if (conn->mode == SB_MODE_PLAIN) {
        ret->url = sb_printf("%s?signature=%s&timestamp=%s&nonce=%s&openid=%s", base, plain, s.time, s.nonce,
                             p->from);
        ret->body = sb_copy(p->inner);
        return;
    }
    sealed = seal(m, p);
    sign(conn, &s, sealed, signature);
    ret->url = sb_printf("%s?signature=%s&timestamp=%s&nonce=%s&openid=%s&encrypt_type=aes&msg_signature=%s",
                         base, plain, s.time, s.nonce, p->from, signature);
    ret->body = wrap(p, conn->gh_id, sealed, conn->mode == SB_MODE_COMPATIBLE);
    mem_free(sealed);
}

void sb_envelope_make(struct sb_model *m, const struct sb_push *p, const char *gateway, int64_t now_ms,
                      struct sb_envelope *ret)
{
    const struct sb_connection *conn = p->connection;
    char *base = sb_printf("%s/hooks/%s%s", gateway, conn->name, p->path);
    struct buf key;

    ret->content_type = p->json ? "application/json" : "text/xml";
    switch (conn->kind) {
    case SB_KIND_ALIYUN:
        buf_init(&key, 1024);
        sb_must(str_percent_encode(str_of(conn->path_key), &key));
        ret->url = sb_printf("%s?key=%s", base, buf_cstr(&key));
        ret->body = sb_copy(p->inner);
        buf_fini(&key);
        break;
    case SB_KIND_OFFICIAL: make_official(m, p, base, now_ms, ret); break;
    case SB_KIND_WECOM:
    case SB_KIND_KF: make_wecom(m, p, base, now_ms, ret); break;
    case SB_KIND_WEBHOOK: /* it takes no callbacks; a raw push there shows how the gateway refuses it */
        ret->url = sb_copy(base);
        ret->body = sb_copy(p->inner);
        break;
    }
    mem_free(base);
}

void sb_envelope_fini(struct sb_envelope *e)
{
    mem_free(e->url);
    mem_free(e->body);
    *e = (struct sb_envelope){0};
}
