/* SPDX-License-Identifier: Apache-2.0 */
/* wecom_poll.c - each poll keeps a struct poll and asks for page after page. */
#include "adapters/wecom/wecom_poll.h"

#include <errno.h>

#include "adapters/wecom/wecom_pages.h"
#include "base/json.h"

struct poll {
    struct str about; /* msgid, or external_userid */
    struct wecom_pages pages;
    int64_t counts[4]; /* result: rows by status */
};

static int poll_new(struct wecom_ask *a, const struct call *call, struct poll **ret)
{
    struct poll *p = arena_alloc(&a->memory, sizeof(*p));

    if (!p)
        return -ENOMEM;
    p->about = wecom_ask_keep(a, call->handle.n || a->to_count == 0 ? call->handle : a->to[0].to);
    if (!p->about.p)
        return -ENOMEM;
    a->data = json_object();
    a->state = p;
    *ret = p;
    return a->data ? wecom_pages_init(&p->pages, a, call->params) : -ENOMEM;
}

static int set_int(json_t *data, const char *key, int64_t v)
{
    return json_object_set_new(data, key, json_integer(v)) < 0 ? -ENOMEM : 0;
}

static int ask_status(struct wecom_ask *a, const struct poll *p)
{
    return wecom_pages_ask_task(&p->pages, a, p->about, STR(""));
}

int wecom_status_begin(struct wecom_ask *a, const struct call *call)
{
    struct poll *p = NULL;
    int r = poll_new(a, call, &p);

    if (r < 0)
        return r;
    if (call->handle.n == 0)
        return wecom_ask_refuse(a, ERR_INVALID, "the task has no msgid");
    if (json_object_set_new(a->data, "status", json_object()) < 0)
        return -ENOMEM;
    return ask_status(a, p);
}

int wecom_status_take(struct wecom_ask *a, const json_t *answer)
{
    struct poll *p = a->state;
    const json_t *rows = json_object_get(answer, "task_list");
    json_t *status = json_object_get(a->data, "status");
    int r;

    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const char *userid = json_str(row, "userid", NULL);

        if (userid && set_int(status, userid, json_int(row, "status", 0)) < 0)
            return -ENOMEM;
    }
    r = wecom_pages_next(&p->pages, a, answer);
    if (r == 1)
        return ask_status(a, p) < 0 ? -ENOMEM : WECOM_MORE;
    return r < 0 ? r : wecom_pages_add_rest(&p->pages, a);
}

static int ask_result(struct wecom_ask *a, const struct poll *p)
{
    return wecom_pages_ask_task(&p->pages, a, p->about, a->account);
}

int wecom_result_begin(struct wecom_ask *a, const struct call *call)
{
    struct poll *p = NULL;
    int r = poll_new(a, call, &p);

    if (r < 0)
        return r;
    if (call->handle.n == 0 || a->account.n == 0)
        return wecom_ask_refuse(a, ERR_INVALID, "a task's result needs its msgid and its member");
    return ask_result(a, p);
}

static int take_result_row(struct wecom_ask *a, struct poll *p, const json_t *row)
{
    static const struct {
        enum outcome outcome;
        int errcode;
    } verdicts[] = {
        {OUTCOME_PENDING, 0}, {OUTCOME_DELIVERED, 0}, {OUTCOME_PERMANENT, 2}, {OUTCOME_LIMITED, 3}};
    const char *to = json_str(row, "external_userid", json_str(row, "chat_id", NULL));
    int64_t status = json_int(row, "status", -1);

    if (!to || status < 0 || status >= (int64_t)ARRAY_LEN(verdicts))
        return 0;
    p->counts[status]++;
    return wecom_ask_result(a, str_of(to), verdicts[status].outcome, verdicts[status].errcode);
}

static int finish_result(struct wecom_ask *a, const struct poll *p)
{
    static const char *const names[] = {"unsent", "sent", "lost", "limited"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (set_int(a->data, names[i], p->counts[i]) < 0)
            return -ENOMEM;
    return set_int(a->data, "pages", p->pages.read) < 0 ? -ENOMEM : wecom_pages_add_rest(&p->pages, a);
}

int wecom_result_take(struct wecom_ask *a, const json_t *answer)
{
    struct poll *p = a->state;
    const json_t *rows = json_object_get(answer, "send_list");
    int r;

    for (size_t i = 0; i < json_array_size(rows); i++) {
        r = take_result_row(a, p, json_array_get(rows, i));
        if (r < 0)
            return r;
    }
    r = wecom_pages_next(&p->pages, a, answer);
    if (r == 1)
        return ask_result(a, p) < 0 ? -ENOMEM : WECOM_MORE;
    return r < 0 ? r : finish_result(a, p);
}

static int ask_detail(struct wecom_ask *a, const struct poll *p)
{
    struct buf *out = &a->request.query;

    (void)wecom_ask_start(a, "GET", "/cgi-bin/externalcontact/get", false);
    (void)buf_adds(out, "external_userid=");
    (void)str_percent_encode(p->about, out);
    if (p->pages.cursor.n) {
        (void)buf_adds(out, "&cursor=");
        (void)str_percent_encode(p->pages.cursor, out);
    }
    return buf_error(out);
}

int wecom_detail_begin(struct wecom_ask *a, const struct call *call)
{
    struct poll *p = NULL;
    int r = poll_new(a, call, &p);

    if (r < 0)
        return r;
    if (p->about.n == 0)
        return wecom_ask_refuse(a, ERR_INVALID, "which customer?");
    if (json_object_set_new(a->data, "tags", json_array()) < 0 ||
        json_object_set_new(a->data, "follow_user", json_array()) < 0)
        return -ENOMEM;
    return ask_detail(a, p);
}

static int copy_field(json_t *to, const json_t *from, const char *key)
{
    json_t *value = json_object_get(from, key);

    return value && json_object_set(to, key, value) < 0 ? -ENOMEM : 0;
}

static bool holds(const json_t *list, const char *text)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (str_eq(str_of(json_string_value(json_array_get(list, i))), str_of(text)))
            return true;
    return false;
}

/* The names of the tags a member gave; also into `all` when it is the member we ask for. */
static int take_tags(const json_t *follow, json_t *names, json_t *all)
{
    const json_t *tags = json_object_get(follow, "tags");

    for (size_t i = 0; i < json_array_size(tags); i++) {
        const char *name = json_str(json_array_get(tags, i), "tag_name", NULL);

        if (!name)
            continue;
        if (json_array_append_new(names, json_string(name)) < 0)
            return -ENOMEM;
        if (all && !holds(all, name) && json_array_append_new(all, json_string(name)) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int take_follow(struct wecom_ask *a, const json_t *follow)
{
    static const char *const kept[] = {"userid", "remark", "state", "add_way", "oper_userid", "createtime"};
    struct str userid = str_of(json_str(follow, "userid", ""));
    bool asked = a->account.n == 0 || str_eq_nocase(userid, a->account);
    json_t *row = json_object(), *names = json_array();
    int r = row && names ? 0 : -ENOMEM;

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(kept); i++)
        r = copy_field(row, follow, kept[i]);
    if (r == 0)
        r = take_tags(follow, names, asked ? json_object_get(a->data, "tags") : NULL);
    if (r == 0 && json_object_set(row, "tags", names) < 0)
        r = -ENOMEM;
    if (r == 0 && json_array_append(json_object_get(a->data, "follow_user"), row) < 0)
        r = -ENOMEM;
    json_decref(names);
    json_decref(row);
    return r;
}

int wecom_detail_take(struct wecom_ask *a, const json_t *answer)
{
    static const char *const kept[] = {"name", "type", "unionid", "gender", "corp_name"};
    const json_t *contact = json_object_get(answer, "external_contact");
    const json_t *follows = json_object_get(answer, "follow_user");
    struct poll *p = a->state;
    int r = json_is_object(contact) ? 0 : ERR_SYNTAX;

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(kept); i++)
        r = copy_field(a->data, contact, kept[i]);
    for (size_t i = 0; r == 0 && i < json_array_size(follows); i++)
        r = take_follow(a, json_array_get(follows, i));
    if (r == 0)
        r = wecom_pages_next(&p->pages, a, answer);
    if (r == 1)
        return ask_detail(a, p) < 0 ? -ENOMEM : WECOM_MORE;
    return r < 0 ? r : wecom_pages_add_rest(&p->pages, a);
}
