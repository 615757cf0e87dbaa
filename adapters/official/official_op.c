/* SPDX-License-Identifier: Apache-2.0 */
/* official_op.c - each op of an account: its requests, and what its answer says.
 *
 *     send, mass, query, contact detail    REQUEST -> done
 *     tag members, mass tag                name known? -> REQUEST -> done
 *                                          else TAGS   -> name known? -> REQUEST -> done
 *                                                                  else permanent
 */
#include <errno.h>
#include <string.h>

#include "adapters/official/official_say.h"
#include "adapters/official/official_wire.h"
#include "base/json.h"

enum { MASS_LEAST = 2, MASS_MOST = 10000, CLIENTMSGID_BYTES = 32 };

/* The message as one of `forms`, no longer than the platform takes. */
static int read_saying(struct official_ask *a, struct official_saying *s, const struct call *call,
                       unsigned forms)
{
    int r = official_saying_read(s, call->content, forms, a->fault);

    if (r == 0 && s->text.len > OFFICIAL_TEXT_BYTES)
        return official_ask_refuse(a, ERR_TOO_BIG, "the text has %zu bytes, at most %d are allowed",
                                   s->text.len, OFFICIAL_TEXT_BYTES);
    return r;
}

static int take_nothing(struct official_ask *a, const json_t *answer)
{
    (void)a;
    (void)answer;
    return OFFICIAL_DONE;
}

/* ---- messages ---- */

static int send_begin(struct official_ask *a, const struct call *call, const struct recipient *to, size_t n)
{
    struct buf *out = &a->request.body;
    struct official_saying AUTO(official_saying_fini) s;
    int r;

    official_ask_start(a, "POST", "/cgi-bin/message/custom/send", true);
    r = read_saying(a, &s, call, OFFICIAL_IN_CUSTOM);
    if (r == 0 && n != 1)
        r = official_ask_refuse(a, ERR_INVALID, "one message goes to one follower, not %zu", n);
    if (r < 0)
        return r;
    (void)buf_addc(out, '{');
    (void)official_add_string(out, "touser", to[0].to);
    (void)buf_addc(out, ',');
    (void)official_saying_custom(&s, out);
    return buf_addc(out, '}');
}

/* Appends `,"msgtype":...,"clientmsgid":...,"send_ignore_reprint":0}`. */
static int add_mass_message(struct official_ask *a, const struct call *call, struct buf *out)
{
    struct official_saying AUTO(official_saying_fini) s;
    int r = read_saying(a, &s, call, OFFICIAL_IN_MASS);

    if (r == 0 && call->key.n > CLIENTMSGID_BYTES)
        r = official_ask_refuse(a, ERR_TOO_BIG, "a clientmsgid has at most %d bytes", CLIENTMSGID_BYTES);
    if (r == 0 && call->key.n == 0)
        r = official_ask_refuse(a, ERR_INVALID,
                                "a mass message needs a key, so that it can never go out twice");
    if (r < 0)
        return r;
    (void)buf_addc(out, ',');
    (void)official_saying_mass(&s, out);
    (void)buf_addc(out, ',');
    (void)official_add_string(out, "clientmsgid", call->key);
    return buf_adds(out, ",\"send_ignore_reprint\":0}");
}

static int mass_begin(struct official_ask *a, const struct call *call, const struct recipient *to, size_t n)
{
    struct buf *out = &a->request.body;

    official_ask_start(a, "POST", "/cgi-bin/message/mass/send", true);
    if (a->subscription)
        return official_ask_refuse(a, ERR_INVALID,
                                   "a subscription account sends to a tag, not to a list of followers");
    if (n < MASS_LEAST || n > MASS_MOST)
        return official_ask_refuse(a, ERR_INVALID, "a mass message goes to %d to %d followers, not to %zu",
                                   MASS_LEAST, MASS_MOST, n);
    (void)buf_adds(out, "{\"touser\":[");
    for (size_t i = 0; i < n; i++) {
        if (i)
            (void)buf_addc(out, ',');
        (void)json_write_string(to[i].to, out);
    }
    (void)buf_addc(out, ']');
    return add_mass_message(a, call, out);
}

/* A number beyond 32 bits, or the same as text. */
static int keep_msg_id(struct official_ask *a, const json_t *answer)
{
    const json_t *id = json_object_get(answer, "msg_id");
    char *text = NULL;

    if (json_is_integer(id) && json_integer_value(id) > 0)
        text = arena_printf(&a->memory, "%lld", (long long)json_integer_value(id));
    else if (json_is_string(id) && json_string_length(id) > 0)
        text = arena_str(&a->memory, str_of(json_string_value(id)));
    else
        return ERR_SYNTAX;
    a->provider_id = str_of(text);
    return text ? OFFICIAL_DONE : -ENOMEM;
}

/* ---- a tag's name becomes its id ---- */

static void start_tags(struct official_ask *a)
{
    official_ask_start(a, "GET", "/cgi-bin/tags/get", false);
    a->preparing = true;
}

static int keep_tag(struct official_ask *a, const struct call *call)
{
    a->tag = official_ask_keep(a, str_of(json_str(call->params, "tag", "")));
    a->next = official_ask_keep(a, str_of(json_str(call->params, "next", "")));
    if (!a->tag.p || !a->next.p)
        return -ENOMEM;
    return a->tag.n ? 0 : official_ask_refuse(a, ERR_INVALID, "which tag?");
}

/* Learns the tags and starts the op's own request; DONE: the account has no such tag. */
static int take_tags(struct official_ask *a, const json_t *answer,
                     void (*start)(struct official_ask *, int64_t))
{
    int64_t id = 0;
    int r = official_tags_learn(a->tags, answer, a->now_ms);

    if (r < 0)
        return r == ERR_FULL ? ERR_SYNTAX : r;
    a->preparing = false;
    if (official_tags_find(a->tags, a->tag, a->now_ms, &id) == 0) {
        start(a, id);
        return OFFICIAL_MORE;
    }
    a->outcome = OUTCOME_PERMANENT;
    (void)official_ask_refuse(a, 0, "the account has no tag %.*s", STR_ARG(str_cut_bytes(a->tag, 100)));
    return OFFICIAL_DONE;
}

static void begin_tag_op(struct official_ask *a, void (*start)(struct official_ask *, int64_t))
{
    int64_t id = 0;

    if (official_tags_find(a->tags, a->tag, a->now_ms, &id) == 0)
        start(a, id);
    else
        start_tags(a);
}

static void start_sendall(struct official_ask *a, int64_t id)
{
    struct buf *out = &a->request.body;

    official_ask_start(a, "POST", "/cgi-bin/message/mass/sendall", true);
    (void)buf_addf(out, "{\"filter\":{\"is_to_all\":false,\"tag_id\":%lld}", (long long)id);
    (void)buf_add_str(out, buf_str(&a->message));
}

static int mass_tag_begin(struct official_ask *a, const struct call *call, const struct recipient *to,
                          size_t n)
{
    int r = keep_tag(a, call);

    (void)to;
    (void)n; /* the platform picks them */
    if (r == 0)
        r = add_mass_message(a, call, &a->message);
    if (r == 0)
        begin_tag_op(a, start_sendall);
    return r;
}

static int mass_tag_take(struct official_ask *a, const json_t *answer)
{
    return a->preparing ? take_tags(a, answer, start_sendall) : keep_msg_id(a, answer);
}

static void start_members(struct official_ask *a, int64_t id)
{
    struct buf *out = &a->request.body;

    official_ask_start(a, "POST", "/cgi-bin/user/tag/get", false);
    (void)buf_addf(out, "{\"tagid\":%lld,", (long long)id);
    (void)official_add_string(out, "next_openid", a->next);
    (void)buf_addc(out, '}');
}

static int members_begin(struct official_ask *a, const struct call *call, const struct recipient *to,
                         size_t n)
{
    int r = keep_tag(a, call);

    (void)to;
    (void)n;
    if (r == 0)
        begin_tag_op(a, start_members);
    return r;
}

/* Only the strings of it: a page is what the platform says, a broadcast what we make of it. */
static int keep_openids(const json_t *from, json_t *to)
{
    for (size_t i = 0; i < json_array_size(from); i++) {
        json_t *openid = json_array_get(from, i);

        if (json_is_string(openid) && json_string_length(openid) > 0 && json_array_append(to, openid) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int members_take(struct official_ask *a, const json_t *answer)
{
    const json_t *page = json_object_get(json_object_get(answer, "data"), "openid");
    struct str next = str_of(json_str(answer, "next_openid", ""));
    json_t *members;

    if (a->preparing)
        return take_tags(a, answer, start_members);
    if (!json_is_integer(json_object_get(answer, "count")))
        return ERR_SYNTAX;
    if (json_array_size(page) < OFFICIAL_TAG_PAGE)
        next = STR("");
    members = json_array();
    a->data = json_pack("{s:o,s:s%}", "members", members, "next", next.p, next.n);
    if (!a->data)
        return -ENOMEM;
    return keep_openids(page, members) < 0 ? -ENOMEM : OFFICIAL_DONE;
}

/* ---- questions ---- */

static int query_begin(struct official_ask *a, const struct call *call, const struct recipient *to, size_t n)
{
    int64_t id = 0;

    (void)to;
    (void)n;
    official_ask_start(a, "POST", "/cgi-bin/message/mass/get", false);
    if (str_to_i64(call->handle, &id) < 0 || id <= 0)
        return official_ask_refuse(a, ERR_INVALID,
                                   "only a mass message that has a msg_id can be asked about");
    a->provider_id = official_ask_keep(a, call->handle);
    if (!a->provider_id.p)
        return -ENOMEM;
    return buf_addf(&a->request.body, "{\"msg_id\":%lld}", (long long)id);
}

/* A job that failed took nobody's quota, but who would have got it nobody can say: found, and no proof. */
static int query_take(struct official_ask *a, const json_t *answer)
{
    const char *status = json_str(answer, "msg_status", NULL);

    if (!status)
        return ERR_SYNTAX;
    if (strcmp(status, "SEND_FAIL") == 0)
        a->provider_id = (struct str){0};
    a->data = json_pack("{s:b,s:s}", "found", 1, "status", status);
    return a->data ? OFFICIAL_DONE : -ENOMEM;
}

static int detail_begin(struct official_ask *a, const struct call *call, const struct recipient *to, size_t n)
{
    struct str who = call->handle.n || n == 0 ? call->handle : to[0].to;

    official_ask_start(a, "GET", "/cgi-bin/user/info", false);
    if (who.n == 0)
        return official_ask_refuse(a, ERR_INVALID, "which follower?");
    (void)buf_adds(&a->request.query, "openid=");
    (void)str_percent_encode(who, &a->request.query);
    return buf_adds(&a->request.query, "&lang=zh_CN");
}

static int detail_take(struct official_ask *a, const json_t *answer)
{
    static const char *const fields[] = {"unionid",         "remark",   "subscribe_time", "tagid_list",
                                         "subscribe_scene", "qr_scene", "qr_scene_str"};

    if (!json_is_integer(json_object_get(answer, "subscribe")))
        return ERR_SYNTAX;
    a->data = json_pack("{s:b}", "subscribed", json_int(answer, "subscribe", 0) == 1);
    if (!a->data)
        return -ENOMEM;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        json_t *value = json_object_get(answer, fields[i]);

        if (value && json_object_set(a->data, fields[i], value) < 0)
            return -ENOMEM;
    }
    return OFFICIAL_DONE;
}

static const struct official_op table[] = {
    {CALL_SEND, send_begin, take_nothing},           {CALL_MASS, mass_begin, keep_msg_id},
    {CALL_MASS_TAG, mass_tag_begin, mass_tag_take},  {CALL_QUERY, query_begin, query_take},
    {CALL_TAG_MEMBERS, members_begin, members_take}, {CALL_CONTACT_DETAIL, detail_begin, detail_take},
};

const struct official_op *official_op_of(enum call_op op)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (table[i].op == op)
            return &table[i];
    return NULL;
}
