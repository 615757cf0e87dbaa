/* SPDX-License-Identifier: Apache-2.0 */
/* What a caller may ask about a task: the list, its members, their results; and reminding, cancelling.
 *
 * Right after creation the platform is still dispatching and answers 41063.
 */
#include "sandbox/task.h"

#include "base/json.h"
#include "base/mem.h"
#include "sandbox/must.h"

#include <inttypes.h>
#include <string.h>

enum { MEMBER_DONE = 2 };

struct page {
    int64_t from, most, seen;
};

/* False: the cursor or limit is none of ours. */
static bool page_of(const json_t *body, int64_t usual, int64_t most, struct page *ret)
{
    ret->from = json_int(body, "cursor", 0);
    ret->most = json_int(body, "limit", usual);
    ret->seen = 0;
    return ret->from >= 0 && ret->most >= 1 && ret->most <= most;
}

static bool page_takes(struct page *p)
{
    int64_t at = p->seen++;

    return at >= p->from && at < p->from + p->most;
}

static json_t *page_next(const struct page *p)
{
    char *text = p->seen > p->from + p->most ? sb_printf("%" PRId64, p->from + p->most) : sb_copy("");
    json_t *next = sb_json("s", text);

    mem_free(text);
    return next;
}

static struct sb_task *task_asked(struct sb_model *m, struct sb_corp *corp, struct sb_call *c)
{
    struct sb_task *task;

    c->key = json_str(c->body, "msgid", "");
    task = map_str_get(&corp->tasks, str_of(c->key));
    if (task == NULL)
        sb_refuse(c, SB_W_BAD_ARGUMENT);
    else if (c->now_ms - task->created_ms < sb_model_limit(m, SB_WECOM_TASK_DISPATCH)->window_ms)
        sb_refuse(c, SB_W_DISPATCHING);
    else
        return task;
    return NULL;
}

void sb_task_list(struct sb_model *m, struct sb_corp *corp, struct sb_call *c)
{
    const char *type = json_str(c->body, "chat_type", "");
    int64_t from_ms = json_int(c->body, "start_time", -1) * SB_SECOND;
    int64_t until_ms = json_int(c->body, "end_time", -1) * SB_SECOND;
    bool group = strcmp(type, "group") == 0;
    struct page page;
    json_t *list;

    (void)m;
    if ((!group && strcmp(type, "single") != 0) || from_ms < 0 || until_ms < from_ms ||
        until_ms - from_ms > 31 * SB_DAY || !page_of(c->body, 50, 100, &page)) {
        sb_refuse(c, SB_W_BAD_ARGUMENT);
        return;
    }
    list = sb_must_have(json_array());
    for (struct list *n = corp->task_list.next; n != &corp->task_list; n = n->next) {
        const struct sb_task *task = container_of(n, struct sb_task, node);
        json_t *o;

        if (task->group != group || task->created_ms < from_ms || task->created_ms >= until_ms + SB_SECOND ||
            !page_takes(&page))
            continue;
        o = sb_json("{s:s, s:I, s:i}", "msgid", task->msgid, "create_time",
                    (json_int_t)(task->created_ms / SB_SECOND), "create_type", 0);
        sb_must(json_object_update(o, task->content));
        sb_json_add(list, o);
    }
    sb_accept(c, sb_json("{s:o, s:o}", "group_msg_list", list, "next_cursor", page_next(&page)));
}

void sb_task_members(struct sb_model *m, struct sb_corp *corp, struct sb_call *c)
{
    struct sb_task *task = task_asked(m, corp, c);
    struct page page;
    json_t *list;

    if (task == NULL)
        return;
    if (!page_of(c->body, 500, 1000, &page)) {
        sb_refuse(c, SB_W_BAD_ARGUMENT);
        return;
    }
    list = sb_must_have(json_array());
    for (struct list *n = task->parts.next; n != &task->parts; n = n->next) {
        const struct sb_part *p = container_of(n, struct sb_part, node);
        json_t *o;

        if (!page_takes(&page))
            continue;
        o = sb_json("{s:s, s:i}", "userid", p->member->userid, "status",
                    p->sent_ms != 0 ? MEMBER_DONE : SB_UNSENT);
        if (p->sent_ms != 0)
            sb_json_set(o, "send_time", sb_json("I", (json_int_t)(p->sent_ms / SB_SECOND)));
        sb_json_add(list, o);
    }
    sb_accept(c, sb_json("{s:o, s:o}", "task_list", list, "next_cursor", page_next(&page)));
}

static const struct sb_part *part_asked(const struct sb_task *task, const char *userid)
{
    for (struct list *n = task->parts.next; n != &task->parts; n = n->next) {
        const struct sb_part *p = container_of(n, struct sb_part, node);

        if (strcmp(p->member->userid, userid) == 0)
            return p;
    }
    return NULL;
}

static json_t *result_json(const struct sb_task *task, const struct sb_part *p, const struct sb_target *t)
{
    json_t *o = sb_json("{s:s, s:s, s:i}", task->group ? "chat_id" : "external_userid", sb_target_id(t),
                        "userid", p->member->userid, "status", t->status);

    if (t->status == SB_SENT)
        sb_json_set(o, "send_time", sb_json("I", (json_int_t)(p->sent_ms / SB_SECOND)));
    return o;
}

void sb_task_result(struct sb_model *m, struct sb_corp *corp, struct sb_call *c)
{
    struct sb_task *task = task_asked(m, corp, c);
    const struct sb_part *p;
    struct page page;
    json_t *list;

    if (task == NULL)
        return;
    c->account = json_str(c->body, "userid", "");
    p = part_asked(task, c->account);
    if (p == NULL || !page_of(c->body, 500, 1000, &page)) {
        sb_refuse(c, p == NULL ? SB_W_NO_MEMBER : SB_W_BAD_ARGUMENT);
        return;
    }
    list = sb_must_have(json_array());
    for (size_t i = 0; i < p->count; i++) {
        const struct sb_target *t = &p->targets[i];

        if ((!task->group || t->status == SB_SENT) && page_takes(&page))
            sb_json_add(list, result_json(task, p, t));
    }
    sb_accept(c, sb_json("{s:o, s:o}", "send_list", list, "next_cursor", page_next(&page)));
}

void sb_task_remind(struct sb_model *m, struct sb_corp *corp, struct sb_call *c)
{
    struct sb_task *task = task_asked(m, corp, c);

    if (task == NULL)
        return;
    if (task->cancelled)
        sb_refuse(c, SB_W_CANCELLED);
    else if (!sb_slide_take(&task->reminders, sb_model_limit(m, SB_WECOM_TASK_REMIND), c->now_ms))
        sb_refuse(c, SB_W_REMINDED);
    else
        sb_accept(c, NULL);
}

void sb_task_cancel(struct sb_model *m, struct sb_corp *corp, struct sb_call *c)
{
    struct sb_task *task = task_asked(m, corp, c);

    if (task == NULL)
        return;
    if (task->cancelled) {
        sb_refuse(c, SB_W_CANCELLED);
        return;
    }
    task->cancelled = true;
    sb_accept(c, NULL);
}
