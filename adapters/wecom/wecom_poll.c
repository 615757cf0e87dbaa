/* SPDX-License-Identifier: Apache-2.0 */
/* wecom_poll.c - each poll keeps a struct poll and writes one request for the page it wants next.
 *
 *     status, result, detail   PAGES -> done
 *     query                    LIST (single, group: page after page) -> CHECK (each task that looks like
 *                              ours: is it for our member?) -> done
 *
 * The platform names no creator for tasks that were made through the API, so a query must look into each
 * task with the right text: other members may have got a task with the same text in the same minute.
 */
#include "adapters/wecom/wecom_poll.h"

#include <errno.h>

#include "base/json.h"

enum { QUERY_CANDIDATES = 64 };

enum query_phase { QUERY_LIST, QUERY_CHECK };
enum { SINGLE, GROUP, CHAT_TYPES };
static const char *const chat_types[CHAT_TYPES] = {"single", "group"};

struct poll {
    struct str about; /* msgid, or external_userid */
    struct str cursor;
    int pages;
    int64_t counts[4]; /* result: rows by status */

    /* query */
    enum query_phase phase;
    int chat_type, last_chat_type;
    int64_t from_s, to_s;
    struct str text;
    struct vec candidates; /* struct str: msgids */
    size_t checked;
    bool blind; /* there was more than a query may read */
};

static int poll_new(struct wecom_ask *a, const struct call *call, struct poll **ret)
{
    struct poll *p = arena_alloc(&a->memory, sizeof(*p));

    if (!p)
        return -ENOMEM;
    p->about = wecom_ask_keep(a, call->handle.n || a->to_count == 0 ? call->handle : a->to[0].to);
    p->cursor = wecom_ask_keep(a, str_of(json_str(call->params, "cursor", "")));
    if (!p->about.p || !p->cursor.p)
        return -ENOMEM;
    vec_init(&p->candidates, &a->memory, sizeof(struct str));
    a->data = json_object();
    a->state = p;
    *ret = p;
    return a->data ? 0 : -ENOMEM;
}

/* 1: another page is there and may be read. What may not be read any more is left to the caller. */
static int next_page(struct wecom_ask *a, struct poll *p, const json_t *answer)
{
    struct str cursor = str_of(json_str(answer, "next_cursor", ""));

    p->pages++;
    if (cursor.n == 0)
        return 0;
    p->cursor = wecom_ask_keep(a, cursor);
    if (!p->cursor.p)
        return -ENOMEM;
    if (p->pages < WECOM_POLL_PAGES)
        return 1;
    p->blind = true;
    return 0;
}

static int set_int(json_t *data, const char *key, int64_t v)
{
    return json_object_set_new(data, key, json_integer(v)) < 0 ? -ENOMEM : 0;
}

/* What a poll could not read is where the next one goes on. */
static int add_rest(struct wecom_ask *a, const struct poll *p)
{
    if (!p->blind)
        return WECOM_DONE;
    if (json_object_set_new(a->data, "next_cursor", json_stringn(p->cursor.p, p->cursor.n)) < 0)
        return -ENOMEM;
    return WECOM_DONE;
}

/* {"msgid":...,...,"limit":1000,"cursor":...} */
static int write_page(struct wecom_ask *a, const struct poll *p, const char *path, bool by_member)
{
    struct buf *out = &a->request.body;

    (void)wecom_ask_start(a, "POST", path, false);
    (void)buf_adds(out, "{");
    (void)wecom_add_string(out, "msgid", p->about);
    if (by_member)
        (void)wecom_add_string(out, "userid", a->account);
    (void)wecom_add_int(out, "limit", 1000);
    if (p->cursor.n)
        (void)wecom_add_string(out, "cursor", p->cursor);
    return buf_adds(out, "}");
}

static int write_status(struct wecom_ask *a, const struct poll *p)
{
    return write_page(a, p, "/cgi-bin/externalcontact/get_groupmsg_task", false);
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
    return write_status(a, p);
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
    r = next_page(a, p, answer);
    if (r == 1)
        return write_status(a, p) < 0 ? -ENOMEM : WECOM_MORE;
    return r < 0 ? r : add_rest(a, p);
}

static int write_result(struct wecom_ask *a, const struct poll *p)
{
    return write_page(a, p, "/cgi-bin/externalcontact/get_groupmsg_send_result", true);
}

int wecom_result_begin(struct wecom_ask *a, const struct call *call)
{
    struct poll *p = NULL;
    int r = poll_new(a, call, &p);

    if (r < 0)
        return r;
    if (call->handle.n == 0 || a->account.n == 0)
        return wecom_ask_refuse(a, ERR_INVALID, "a task's result needs its msgid and its member");
    return write_result(a, p);
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
    return set_int(a->data, "pages", p->pages) < 0 ? -ENOMEM : add_rest(a, p);
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
    r = next_page(a, p, answer);
    if (r == 1)
        return write_result(a, p) < 0 ? -ENOMEM : WECOM_MORE;
    return r < 0 ? r : finish_result(a, p);
}

static int write_list(struct wecom_ask *a, const struct poll *p)
{
    struct buf *out = &a->request.body;

    (void)wecom_ask_start(a, "POST", "/cgi-bin/externalcontact/get_groupmsg_list_v2", false);
    (void)buf_adds(out, "{");
    (void)wecom_add_string(out, "chat_type", str_of(chat_types[p->chat_type]));
    (void)wecom_add_int(out, "start_time", p->from_s);
    (void)wecom_add_int(out, "end_time", p->to_s);
    (void)wecom_add_int(out, "limit", 100);
    if (p->cursor.n)
        (void)wecom_add_string(out, "cursor", p->cursor);
    return buf_adds(out, "}");
}

/* Is the candidate's task for our member? */
static int write_check(struct wecom_ask *a, struct poll *p)
{
    p->about = *(struct str *)vec_at(&p->candidates, p->checked);
    p->cursor = STR("");
    p->pages = 0;
    return write_status(a, p);
}

static int copy_known(struct wecom_ask *a, const json_t *known)
{
    json_t *copy = json_is_array(known) ? json_deep_copy(known) : json_array();

    return copy && json_object_set_new(a->data, "known", copy) == 0 ? 0 : -ENOMEM;
}

static void query_types(struct poll *p, const char *only)
{
    p->chat_type = SINGLE;
    p->last_chat_type = GROUP;
    if (only && str_is(str_of(only), "single"))
        p->last_chat_type = SINGLE;
    else if (only && str_is(str_of(only), "group"))
        p->chat_type = GROUP;
}

int wecom_query_begin(struct wecom_ask *a, const struct call *call)
{
    struct poll *p = NULL;
    struct str text = str_of(json_str(call->params, "text", ""));
    int64_t from_ms = json_int(call->params, "from_ms", 0), to_ms = json_int(call->params, "to_ms", 0);
    int r = poll_new(a, call, &p);

    if (r < 0)
        return r;
    if (from_ms <= 0 || to_ms < from_ms)
        return wecom_ask_refuse(a, ERR_INVALID, "a query needs from_ms and to_ms");
    if (call->content)
        text = call->content->text;
    p->text = wecom_ask_keep(a, str_trim(text));
    p->cursor = STR("");
    p->from_s = from_ms / 1000;
    p->to_s = (to_ms + 999) / 1000;
    query_types(p, json_str(call->params, "chat_type", NULL));
    if (!p->text.p || copy_known(a, json_object_get(call->params, "known")) < 0)
        return -ENOMEM;
    return write_list(a, p);
}

static bool is_known(const struct wecom_ask *a, const char *msgid)
{
    const json_t *known = json_object_get(a->data, "known");

    for (size_t i = 0; i < json_array_size(known); i++)
        if (str_eq(str_of(json_string_value(json_array_get(known, i))), str_of(msgid)))
            return true;
    return false;
}

/* A task of ours has our text and no creator, or our member as creator. */
static int consider(struct wecom_ask *a, struct poll *p, const json_t *task)
{
    const char *msgid = json_str(task, "msgid", NULL);
    struct str text = str_of(json_str(json_object_get(task, "text"), "content", ""));
    struct str creator = str_of(json_str(task, "creator", ""));
    struct str *candidate;

    if (!msgid || is_known(a, msgid) || !str_eq(str_trim(text), p->text))
        return 0;
    if (creator.n && a->account.n && !str_eq_nocase(creator, a->account))
        return 0;
    if (p->candidates.count == QUERY_CANDIDATES) {
        p->blind = true;
        return 0;
    }
    candidate = vec_add(&p->candidates);
    if (!candidate)
        return -ENOMEM;
    *candidate = wecom_ask_keep(a, str_of(msgid));
    return candidate->p ? 0 : -ENOMEM;
}

static int finish_query(struct wecom_ask *a, const struct poll *p)
{
    const json_t *matches = json_object_get(a->data, "matches");
    size_t n = json_array_size(matches);

    (void)json_object_del(a->data, "known");
    if (p->blind) { /* neither proven absent nor proven the only one */
        a->outcome = OUTCOME_UNKNOWN;
        return WECOM_DONE;
    }
    if (n == 1) {
        a->provider_id = wecom_ask_keep(a, str_of(json_string_value(json_array_get(matches, 0))));
        if (!a->provider_id.p)
            return -ENOMEM;
    }
    return json_object_set_new(a->data, "found", json_boolean(n > 0)) < 0 ? -ENOMEM : WECOM_DONE;
}

static int next_check(struct wecom_ask *a, struct poll *p)
{
    if (p->checked == p->candidates.count)
        return finish_query(a, p);
    return write_check(a, p) < 0 ? -ENOMEM : WECOM_MORE;
}

static int take_list(struct wecom_ask *a, struct poll *p, const json_t *answer)
{
    const json_t *tasks = json_object_get(answer, "group_msg_list");
    int r;

    for (size_t i = 0; i < json_array_size(tasks); i++) {
        r = consider(a, p, json_array_get(tasks, i));
        if (r < 0)
            return r;
    }
    r = next_page(a, p, answer);
    if (r == 0 && p->chat_type < p->last_chat_type) {
        p->chat_type++;
        p->cursor = STR("");
        p->pages = 0;
        r = 1;
    }
    if (r != 0)
        return r < 0 || write_list(a, p) < 0 ? -ENOMEM : WECOM_MORE;
    p->phase = QUERY_CHECK;
    if (json_object_set_new(a->data, "matches", json_array()) < 0)
        return -ENOMEM;
    return next_check(a, p);
}

/* A task without members yet may still be ours: taken for a match, so that nothing is sent twice. */
static bool is_for_member(const struct wecom_ask *a, const json_t *rows)
{
    if (a->account.n == 0 || json_array_size(rows) == 0)
        return true;
    for (size_t i = 0; i < json_array_size(rows); i++)
        if (str_eq_nocase(str_of(json_str(json_array_get(rows, i), "userid", "")), a->account))
            return true;
    return false;
}

static int take_check(struct wecom_ask *a, struct poll *p, const json_t *answer)
{
    const json_t *rows = json_object_get(answer, "task_list");
    bool ours = is_for_member(a, rows);
    int r = ours ? 0 : next_page(a, p, answer);

    if (r != 0)
        return r < 0 || write_status(a, p) < 0 ? -ENOMEM : WECOM_MORE;
    if (ours &&
        json_array_append_new(json_object_get(a->data, "matches"), json_stringn(p->about.p, p->about.n)) < 0)
        return -ENOMEM;
    p->checked++;
    return next_check(a, p);
}

int wecom_query_take(struct wecom_ask *a, const json_t *answer)
{
    struct poll *p = a->state;

    return p->phase == QUERY_LIST ? take_list(a, p, answer) : take_check(a, p, answer);
}

static int write_detail(struct wecom_ask *a, const struct poll *p)
{
    struct buf *out = &a->request.query;

    (void)wecom_ask_start(a, "GET", "/cgi-bin/externalcontact/get", false);
    (void)buf_adds(out, "external_userid=");
    (void)str_percent_encode(p->about, out);
    if (p->cursor.n) {
        (void)buf_adds(out, "&cursor=");
        (void)str_percent_encode(p->cursor, out);
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
    return write_detail(a, p);
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
        r = next_page(a, p, answer);
    if (r == 1)
        return write_detail(a, p) < 0 ? -ENOMEM : WECOM_MORE;
    return r < 0 ? r : add_rest(a, p);
}
