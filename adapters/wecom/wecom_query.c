/* SPDX-License-Identifier: Apache-2.0 */
/* wecom_query.c
 *
 *   LIST (single, then group: page after page) --> for each candidate: MEMBERS --> RECIPIENTS --> done
 *
 * The list names no creator for tasks that were made through the API, and other members may have got a task
 * with the same text in the same minute: so each candidate is looked into. The recipients of a group task
 * are listed only when they were sent to, so there the member decides.
 */
#include "adapters/wecom/wecom_query.h"

#include <errno.h>

#include "adapters/wecom/wecom_pages.h"
#include "base/json.h"

enum chat_type { SINGLE, GROUP };
static const char *const chat_types[] = {"single", "group"};

enum query_phase { QUERY_LIST, QUERY_MEMBERS, QUERY_RECIPIENTS };

struct candidate {
    struct str msgid;
    enum chat_type type;
};

struct query {
    enum query_phase phase;
    enum chat_type type, last_type;
    int64_t from_s, to_s;
    struct str text;     /* absent: unknown */
    struct str customer; /* empty: unknown */
    json_t *known;       /* owned by the ask's data until the end */
    json_t *matches;     /* the same, for good */
    struct wecom_pages pages;
    struct vec candidates;
    size_t at;  /* the candidate that is looked into */
    bool blind; /* there was more than a query may read */
};

static int ask_list(struct wecom_ask *a, const struct query *q)
{
    struct buf *out = &a->request.body;

    (void)wecom_ask_start(a, "POST", "/cgi-bin/externalcontact/get_groupmsg_list_v2", false);
    (void)buf_adds(out, "{");
    (void)wecom_add_string(out, "chat_type", str_of(chat_types[q->type]));
    (void)wecom_add_int(out, "start_time", q->from_s);
    (void)wecom_add_int(out, "end_time", q->to_s);
    (void)wecom_add_int(out, "limit", 100);
    if (q->pages.cursor.n)
        (void)wecom_add_string(out, "cursor", q->pages.cursor);
    return buf_adds(out, "}");
}

static const struct candidate *candidate(const struct query *q)
{
    return vec_at(&q->candidates, q->at);
}

/* Writes the request of the phase. */
static int ask_again(struct wecom_ask *a, const struct query *q)
{
    int r = 0;

    switch (q->phase) {
    case QUERY_LIST: r = ask_list(a, q); break;
    case QUERY_MEMBERS: r = wecom_pages_ask_task(&q->pages, a, candidate(q)->msgid, STR("")); break;
    case QUERY_RECIPIENTS: r = wecom_pages_ask_task(&q->pages, a, candidate(q)->msgid, a->account); break;
    }
    return r < 0 ? r : WECOM_MORE;
}

static int enter(struct wecom_ask *a, struct query *q, enum query_phase next)
{
    q->phase = next;
    wecom_pages_restart(&q->pages);
    return ask_again(a, q);
}

/* Without text, the lists of groups hold nothing to tell a task of ours by. */
static void choose_types(struct query *q, const char *only)
{
    q->type = only && str_is(str_of(only), "group") ? GROUP : SINGLE;
    q->last_type = (only && str_is(str_of(only), "single")) || !q->text.p ? SINGLE : GROUP;
}

static int read_time(struct wecom_ask *a, struct query *q, const json_t *params)
{
    int64_t from_ms = json_int(params, "from_ms", 0), to_ms = json_int(params, "to_ms", 0);

    if (from_ms <= 0 || to_ms < from_ms)
        return wecom_ask_refuse(a, ERR_INVALID, "a query needs from_ms and to_ms");
    q->from_s = from_ms / 1000;
    q->to_s = (to_ms + 999) / 1000;
    return 0;
}

static int read_subject(struct wecom_ask *a, struct query *q, const struct call *call)
{
    struct str text = str_of(json_str(call->params, "text", NULL));
    struct str customer = str_of(json_str(call->params, "to", ""));

    if (call->content)
        text = call->content->text.p ? call->content->text : STR("");
    if (text.p)
        q->text = wecom_ask_keep(a, str_trim(text));
    q->customer = wecom_ask_keep(a, customer);
    if ((text.p && !q->text.p) || !q->customer.p)
        return -ENOMEM;
    if (!text.p && (customer.n == 0 || a->account.n == 0))
        return wecom_ask_refuse(a, ERR_INVALID,
                                "a query needs the text, or a member and one of his customers");
    choose_types(q, json_str(call->params, "chat_type", NULL));
    if (!q->text.p && q->type == GROUP)
        return wecom_ask_refuse(a, ERR_INVALID, "a query for a group task needs its text");
    return 0;
}

static int make_lists(struct wecom_ask *a, struct query *q, const json_t *known)
{
    bool bad;

    a->data = json_object();
    q->matches = json_array();
    q->known = json_is_array(known) ? json_deep_copy(known) : json_array();
    /* Each call takes its value, also when it fails: both must be made. */
    bad = json_object_set_new(a->data, "matches", q->matches) < 0;
    bad |= json_object_set_new(a->data, "known", q->known) < 0;
    return bad ? -ENOMEM : 0;
}

int wecom_query_begin(struct wecom_ask *a, const struct call *call)
{
    struct query *q = arena_alloc(&a->memory, sizeof(*q));
    int r;

    if (!q)
        return -ENOMEM;
    a->state = q;
    vec_init(&q->candidates, &a->memory, sizeof(struct candidate));
    r = read_time(a, q, call->params);
    if (r == 0)
        r = read_subject(a, q, call);
    if (r == 0)
        r = make_lists(a, q, json_object_get(call->params, "known"));
    if (r == 0)
        r = enter(a, q, QUERY_LIST);
    return r < 0 ? r : 0;
}

static bool is_known(const struct query *q, const char *msgid)
{
    for (size_t i = 0; i < json_array_size(q->known); i++)
        if (str_eq(str_of(json_string_value(json_array_get(q->known, i))), str_of(msgid)))
            return true;
    return false;
}

/* May be ours: our text, and no creator or our member as creator. */
static bool is_candidate(const struct wecom_ask *a, const struct query *q, const json_t *task)
{
    const char *msgid = json_str(task, "msgid", NULL);
    struct str text = str_of(json_str(json_object_get(task, "text"), "content", ""));
    struct str creator = str_of(json_str(task, "creator", ""));

    if (!msgid || is_known(q, msgid) || (q->text.p && !str_eq(str_trim(text), q->text)))
        return false;
    return creator.n == 0 || a->account.n == 0 || str_eq_nocase(creator, a->account);
}

static int consider(struct wecom_ask *a, struct query *q, const json_t *task)
{
    struct candidate *c;

    if (!is_candidate(a, q, task))
        return 0;
    if (q->candidates.count == WECOM_QUERY_CANDIDATES) {
        q->blind = true;
        return 0;
    }
    c = vec_add(&q->candidates);
    if (!c)
        return -ENOMEM;
    *c = (struct candidate){wecom_ask_keep(a, str_of(json_str(task, "msgid", ""))), q->type};
    return c->msgid.p ? 0 : -ENOMEM;
}

static int finish(struct wecom_ask *a, const struct query *q)
{
    size_t n = json_array_size(q->matches);

    (void)json_object_del(a->data, "known");
    if (q->blind) { /* neither proven absent nor proven the only one */
        a->outcome = OUTCOME_UNKNOWN;
        return WECOM_DONE;
    }
    if (n == 1) {
        a->provider_id = wecom_ask_keep(a, str_of(json_string_value(json_array_get(q->matches, 0))));
        if (!a->provider_id.p)
            return -ENOMEM;
    }
    return json_object_set_new(a->data, "found", json_boolean(n > 0)) < 0 ? -ENOMEM : WECOM_DONE;
}

static int look_into(struct wecom_ask *a, struct query *q, size_t at)
{
    q->at = at;
    return at == q->candidates.count ? finish(a, q) : enter(a, q, QUERY_MEMBERS);
}

static int take_list(struct wecom_ask *a, struct query *q, const json_t *answer)
{
    const json_t *tasks = json_object_get(answer, "group_msg_list");
    int r;

    for (size_t i = 0; i < json_array_size(tasks); i++) {
        r = consider(a, q, json_array_get(tasks, i));
        if (r < 0)
            return r;
    }
    r = wecom_pages_next(&q->pages, a, answer);
    q->blind |= q->pages.cut;
    if (r != 0)
        return r < 0 ? r : ask_again(a, q);
    if (q->type == q->last_type)
        return look_into(a, q, 0);
    q->type = GROUP;
    return enter(a, q, QUERY_LIST);
}

static int decide(struct wecom_ask *a, struct query *q, bool ours)
{
    struct str msgid = candidate(q)->msgid;

    if (ours && json_array_append_new(q->matches, json_stringn(msgid.p, msgid.n)) < 0)
        return -ENOMEM;
    return look_into(a, q, q->at + 1);
}

/* A task that has no members yet may still be ours: counted, so that nothing is sent twice. */
static bool has_member(const struct wecom_ask *a, const json_t *rows)
{
    if (a->account.n == 0 || json_array_size(rows) == 0)
        return true;
    for (size_t i = 0; i < json_array_size(rows); i++)
        if (str_eq_nocase(str_of(json_str(json_array_get(rows, i), "userid", "")), a->account))
            return true;
    return false;
}

static int take_members(struct wecom_ask *a, struct query *q, const json_t *answer)
{
    const json_t *rows = json_object_get(answer, "task_list");
    int r;

    if (has_member(a, rows)) {
        if (candidate(q)->type == SINGLE && q->customer.n && a->account.n && json_array_size(rows) > 0)
            return enter(a, q, QUERY_RECIPIENTS);
        return decide(a, q, true);
    }
    r = wecom_pages_next(&q->pages, a, answer);
    q->blind |= q->pages.cut;
    if (r != 0)
        return r < 0 ? r : ask_again(a, q);
    return decide(a, q, false);
}

static int take_recipients(struct wecom_ask *a, struct query *q, const json_t *answer)
{
    const json_t *rows = json_object_get(answer, "send_list");
    int r;

    for (size_t i = 0; i < json_array_size(rows); i++)
        if (str_eq(str_of(json_str(json_array_get(rows, i), "external_userid", "")), q->customer))
            return decide(a, q, true);
    r = wecom_pages_next(&q->pages, a, answer);
    q->blind |= q->pages.cut;
    if (r != 0)
        return r < 0 ? r : ask_again(a, q);
    return decide(a, q, false);
}

int wecom_query_take(struct wecom_ask *a, const json_t *answer)
{
    struct query *q = a->state;

    switch (q->phase) {
    case QUERY_LIST: return take_list(a, q, answer);
    case QUERY_MEMBERS: return take_members(a, q, answer);
    case QUERY_RECIPIENTS: return take_recipients(a, q, answer);
    }
    return ERR_STATE;
}
