/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/wecom/wecom_say.h"

#include <errno.h>

#include "adapters/wecom/wecom_attach.h"
#include "base/json.h"

/* Appends "msgtype":kind,kind:{"content":...}: the text and its links. */
static int add_text(struct wecom_ask *a, const struct content *content, const char *kind, size_t max)
{
    struct buf *out = &a->request.body;
    struct buf AUTO(buf_fini) text;
    int r;

    buf_init(&text, 64 * 1024);
    if (content)
        (void)buf_add_str(&text, content->text);
    r = content ? wecom_attach_as_text(a, content->attach, &text) : 0;
    if (r == 0 && buf_error(&text) == 0)
        r = wecom_ask_check_text(a, buf_str(&text), max, false);
    if (r < 0 || buf_error(&text) < 0)
        return r < 0 ? r : buf_error(&text);
    (void)wecom_add_string(out, "msgtype", str_of(kind));
    (void)buf_addf(out, ",\"%s\":{", kind);
    (void)wecom_add_string(out, "content", buf_str(&text));
    return buf_adds(out, "}");
}

static int add_key(struct wecom_ask *a, struct str key)
{
    if (key.n > 32)
        return wecom_ask_refuse(a, ERR_TOO_BIG, "a msgid has at most 32 bytes");
    return key.n ? wecom_add_string(&a->request.body, "msgid", key) : 0;
}

int wecom_kf_send_begin(struct wecom_ask *a, const struct call *call)
{
    struct buf *out = &a->request.body;
    int r;

    (void)wecom_ask_start(a, "POST", "/cgi-bin/kf/send_msg", true);
    if (a->to_count != 1)
        return wecom_ask_refuse(a, ERR_INVALID, "one message goes to one customer, not %zu", a->to_count);
    (void)buf_adds(out, "{");
    (void)wecom_add_string(out, "touser", a->to[0].to);
    (void)wecom_add_string(out, "open_kfid", a->account);
    r = add_key(a, call->key);
    if (r == 0)
        r = add_text(a, call->content, "text", WECOM_KF_TEXT_BYTES);
    return r < 0 ? r : buf_adds(out, "}");
}

int wecom_kf_welcome_begin(struct wecom_ask *a, const struct call *call)
{
    struct buf *out = &a->request.body;
    int r;

    (void)wecom_ask_start(a, "POST", "/cgi-bin/kf/send_msg_on_event", true);
    if (call->code.n == 0)
        return wecom_ask_refuse(a, ERR_INVALID, "a welcome message needs the code of the event");
    (void)buf_adds(out, "{");
    (void)wecom_add_string(out, "code", call->code);
    r = add_key(a, call->key);
    if (r == 0)
        r = add_text(a, call->content, "text", WECOM_KF_TEXT_BYTES);
    return r < 0 ? r : buf_adds(out, "}");
}

int wecom_kf_take(struct wecom_ask *a, const json_t *answer)
{
    a->provider_id = wecom_ask_keep(a, str_of(json_str(answer, "msgid", "")));
    return a->provider_id.p ? WECOM_DONE : -ENOMEM;
}

int wecom_kf_detail_begin(struct wecom_ask *a, const struct call *call)
{
    struct buf *out = &a->request.body;
    struct str who = call->handle.n || a->to_count == 0 ? call->handle : a->to[0].to;

    (void)wecom_ask_start(a, "POST", "/cgi-bin/kf/customer/batchget", false);
    if (who.n == 0)
        return wecom_ask_refuse(a, ERR_INVALID, "which customer?");
    (void)buf_adds(out, "{\"external_userid_list\":[");
    (void)json_write_string(who, out);
    return buf_adds(out, "]}");
}

int wecom_kf_detail_take(struct wecom_ask *a, const json_t *answer)
{
    const json_t *customer = json_array_get(json_object_get(answer, "customer_list"), 0);

    a->data = json_object();
    if (!a->data)
        return -ENOMEM;
    if (!json_is_object(customer)) /* in invalid_external_userid */
        return WECOM_DONE;
    if (json_object_set_new(a->data, "name", json_string(json_str(customer, "nickname", ""))) < 0)
        return -ENOMEM;
    if (json_str(customer, "unionid", NULL) &&
        json_object_set(a->data, "unionid", json_object_get(customer, "unionid")) < 0)
        return -ENOMEM;
    return WECOM_DONE;
}

int wecom_webhook_begin(struct wecom_ask *a, const struct call *call)
{
    bool markdown = call->content && json_flag(call->content->params, "markdown", false);
    int r;

    (void)wecom_ask_start(a, "POST", "/cgi-bin/webhook/send", true);
    (void)buf_adds(&a->request.body, "{");
    if (markdown)
        r = add_text(a, call->content, "markdown", WECOM_WEBHOOK_MARKDOWN_BYTES);
    else
        r = add_text(a, call->content, "text", WECOM_WEBHOOK_TEXT_BYTES);
    return r < 0 ? r : buf_adds(&a->request.body, "}");
}
