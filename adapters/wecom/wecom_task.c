/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/wecom/wecom_task.h"

#include <errno.h>

#include "adapters/wecom/wecom_attach.h"
#include "base/json.h"

/* How long WeCom drops a message to employees with the same JSON: as long as we may repeat one, no longer,
 * because it would swallow intended repeats too. */
enum { DUPLICATE_CHECK_S = 120 };

/* Text and attachments, as welcome messages and tasks take them: one of the two at least. */
static int add_content(struct wecom_ask *a, const struct content *content, struct buf *out)
{
    struct str text = content ? content->text : (struct str){0};
    const json_t *attach = content ? content->attach : NULL;
    int r = wecom_ask_check_text(a, text, WECOM_TEXT_BYTES, json_array_size(attach) > 0);

    if (r < 0)
        return r;
    if (text.n) {
        (void)buf_adds(out, ",\"text\":{");
        (void)wecom_add_string(out, "content", text);
        (void)buf_adds(out, "}");
    }
    return wecom_attach_add(a, attach, out);
}

int wecom_welcome_begin(struct wecom_ask *a, const struct call *call)
{
    struct buf *out = &a->request.body;
    int r;

    (void)wecom_ask_start(a, "POST", "/cgi-bin/externalcontact/send_welcome_msg", true);
    if (call->code.n == 0)
        return wecom_ask_refuse(a, ERR_INVALID, "a welcome message needs the code of the event");
    (void)buf_adds(out, "{");
    (void)wecom_add_string(out, "welcome_code", call->code);
    r = add_content(a, call->content, out);
    return r < 0 ? r : buf_adds(out, "}");
}

static void add_recipients(struct wecom_ask *a, const char *name)
{
    struct buf *out = &a->request.body;

    (void)buf_addf(out, ",\"%s\":[", name);
    for (size_t i = 0; i < a->to_count; i++) {
        if (i)
            (void)buf_addc(out, ',');
        (void)json_write_string(a->to[i].to, out);
    }
    (void)buf_adds(out, "]");
}

int wecom_task_begin(struct wecom_ask *a, const struct call *call)
{
    struct buf *out = &a->request.body;
    bool groups = call->op == CALL_GROUP_TASK;
    size_t max = groups ? WECOM_TASK_GROUPS : WECOM_TASK_CUSTOMERS;
    int r;

    (void)wecom_ask_start(a, "POST", "/cgi-bin/externalcontact/add_msg_template", true);
    a->outcome = OUTCOME_TASK;
    if (a->account.n == 0)
        return wecom_ask_refuse(a, ERR_INVALID, "a task needs the member who is to send it");
    if (a->to_count == 0 || a->to_count > max)
        return wecom_ask_refuse(a, ERR_TOO_BIG, "a task has 1 to %zu recipients, not %zu", max, a->to_count);
    (void)buf_adds(out, "{");
    (void)wecom_add_string(out, "chat_type", groups ? STR("group") : STR("single"));
    add_recipients(a, groups ? "chat_id_list" : "external_userid");
    (void)wecom_add_string(out, "sender", a->account);
    r = add_content(a, call->content, out);
    return r < 0 ? r : buf_adds(out, "}");
}

int wecom_task_take(struct wecom_ask *a, const json_t *answer)
{
    const json_t *failed = json_object_get(answer, "fail_list");
    const char *msgid = json_str(answer, "msgid", "");

    for (size_t i = 0; i < json_array_size(failed); i++) {
        const char *to = json_string_value(json_array_get(failed, i));
        int r = to ? wecom_ask_result(a, str_of(to), OUTCOME_PERMANENT, 0) : 0;

        if (r < 0)
            return r;
    }
    a->provider_id = wecom_ask_keep(a, str_of(msgid));
    return a->provider_id.p ? WECOM_DONE : -ENOMEM;
}

static int begin_with_msgid(struct wecom_ask *a, const struct call *call, const char *path)
{
    (void)wecom_ask_start(a, "POST", path, true);
    if (call->handle.n == 0)
        return wecom_ask_refuse(a, ERR_INVALID, "the task has no msgid");
    (void)buf_adds(&a->request.body, "{");
    (void)wecom_add_string(&a->request.body, "msgid", call->handle);
    return buf_adds(&a->request.body, "}");
}

int wecom_remind_begin(struct wecom_ask *a, const struct call *call)
{
    return begin_with_msgid(a, call, "/cgi-bin/externalcontact/remind_groupmsg_send");
}

int wecom_cancel_begin(struct wecom_ask *a, const struct call *call)
{
    return begin_with_msgid(a, call, "/cgi-bin/externalcontact/cancel_groupmsg_send");
}

/* "a|b|c" */
static void add_members(struct wecom_ask *a, struct buf *joined)
{
    for (size_t i = 0; i < a->to_count; i++) {
        if (i)
            (void)buf_addc(joined, '|');
        (void)buf_add_str(joined, a->to[i].to);
    }
}

int wecom_message_begin(struct wecom_ask *a, const struct call *call)
{
    struct buf *out = &a->request.body;
    struct buf AUTO(buf_fini) words;
    int r;

    buf_init(&words, 256 * 1024);
    (void)wecom_ask_start(a, "POST", "/cgi-bin/message/send", true);
    if (a->to_count == 0 || a->to_count > WECOM_APP_MEMBERS)
        return wecom_ask_refuse(a, ERR_TOO_BIG, "a message goes to 1 to %d employees", WECOM_APP_MEMBERS);
    (void)buf_adds(out, "{");
    add_members(a, &words);
    (void)wecom_add_string(out, "touser", buf_str(&words));
    (void)wecom_add_string(out, "msgtype", STR("text"));
    (void)wecom_add_int(out, "agentid", a->agent_id);
    if (buf_error(&words) < 0)
        return buf_error(&words);
    buf_reset(&words);
    if (call->content)
        (void)buf_add_str(&words, call->content->text);
    r = call->content ? wecom_attach_as_text(a, call->content->attach, &words) : 0;
    if (r == 0)
        r = wecom_ask_check_text(a, buf_str(&words), WECOM_APP_TEXT_BYTES, false);
    if (r < 0)
        return r;
    (void)buf_adds(out, ",\"text\":{");
    (void)wecom_add_string(out, "content", buf_str(&words));
    (void)buf_adds(out, "}");
    (void)wecom_add_int(out, "enable_duplicate_check", 1);
    (void)wecom_add_int(out, "duplicate_check_interval", DUPLICATE_CHECK_S);
    return buf_adds(out, "}");
}

int wecom_message_take(struct wecom_ask *a, const json_t *answer)
{
    struct str rest = str_of(json_str(answer, "invaliduser", "")), one;

    while (str_next(&rest, '|', &one)) {
        int r = one.n ? wecom_ask_result(a, one, OUTCOME_PERMANENT, 0) : 0;

        if (r < 0)
            return r;
    }
    a->provider_id = wecom_ask_keep(a, str_of(json_str(answer, "msgid", "")));
    return a->provider_id.p ? WECOM_DONE : -ENOMEM;
}
