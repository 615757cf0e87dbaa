/* SPDX-License-Identifier: Apache-2.0 */
/* A broadcast task has a part for each member, and a part a target for each of his customers (or groups).
 *
 *     part:    SB_UNSENT --the member taps send--> SB_SENT          (never, when he does not or it was
 * cancelled) target:  SB_UNSENT --> SB_SENT | SB_NOT_FRIEND | SB_FULL            at that tap, not at the call
 *
 * So the month's quota is counted when the member confirms, which may be another day than the call's.
 */
#include "sandbox/task.h"

#include "base/json.h"
#include "base/mem.h"
#include "sandbox/must.h"

#include <inttypes.h>
#include <string.h>

enum { MOST_MEMBERS = 1000000 };

const char *sb_target_id(const struct sb_target *t)
{
    return t->chat != NULL ? t->chat->id : t->customer->id;
}

/* the tap */

static enum sb_send_status send_to(struct sb_model *m, const struct sb_part *p, struct sb_target *t,
                                   int64_t now_ms)
{
    const struct sb_limit *limit =
        sb_model_limit(m, t->chat != NULL ? SB_WECOM_GROUP_MONTH : SB_WECOM_CUSTOMER_MONTH);
    struct sb_tally *month = t->chat != NULL ? &t->chat->month : &t->customer->month;
    const struct sb_follow *f = NULL;

    if (t->chat != NULL) {
        if (t->chat->dismissed || t->chat->owner != p->member)
            return SB_NOT_FRIEND;
    } else {
        f = sb_customer_follow(t->customer, p->member->userid);
        if (f == NULL || f->lost || f->half)
            return SB_NOT_FRIEND;
    }
    return sb_tally_take(month, limit, 1, now_ms) ? SB_SENT : SB_FULL;
}

static void part_send(struct sb_model *m, struct sb_part *p, int64_t now_ms)
{
    json_t *lists[] = {NULL, sb_must_have(json_array()), sb_must_have(json_array()),
                       sb_must_have(json_array())};
    json_t *more;

    p->sent_ms = now_ms;
    for (size_t i = 0; i < p->count; i++) {
        struct sb_target *t = &p->targets[i];

        t->status = send_to(m, p, t, now_ms);
        sb_json_add(lists[t->status], sb_json("s", sb_target_id(t)));
    }
    more = sb_json("{s:o, s:o}", "not_friend", lists[SB_NOT_FRIEND], "full", lists[SB_FULL]);
    sb_model_emit(m, &(struct sb_entry){.t_ms = now_ms,
                                        .connection = p->task->connection->name,
                                        .account = p->member->userid,
                                        .op = "task.sent",
                                        .to = lists[SB_SENT],
                                        .cost = (int64_t)json_array_size(lists[SB_SENT]),
                                        .key = p->task->msgid,
                                        .replied = true,
                                        .more = more});
    json_decref(lists[SB_SENT]);
    json_decref(more);
}

static int64_t part_due_ms(const struct sb_part *p)
{
    return p->task->created_ms + p->member->after_ms;
}

static void on_tap(struct sb_model *m, void *ctx, int64_t now_ms)
{
    struct sb_part *p = ctx;

    if (p->sent_ms == 0 && !p->task->cancelled && p->member->confirms && now_ms >= part_due_ms(p))
        part_send(m, p, now_ms);
}

static void part_await(struct sb_model *m, struct sb_part *p, int64_t now_ms)
{
    int64_t due_ms = part_due_ms(p);

    if (p->sent_ms == 0 && p->member->confirms)
        sb_model_later(m, due_ms > now_ms ? due_ms : now_ms, on_tap, p, NULL);
}

void sb_task_member_changed(struct sb_model *m, struct sb_corp *corp, struct sb_member *member,
                            int64_t now_ms)
{
    for (struct list *n = corp->task_list.next; n != &corp->task_list; n = n->next) {
        struct sb_task *task = container_of(n, struct sb_task, node);

        for (struct list *k = task->parts.next; k != &task->parts; k = k->next) {
            struct sb_part *p = container_of(k, struct sb_part, node);

            if (p->member == member)
                part_await(m, p, now_ms);
        }
    }
}

/* creation */

static void task_free(struct sb_task *task)
{
    while (!list_empty(&task->parts)) {
        struct sb_part *p = container_of(task->parts.next, struct sb_part, node);

        list_del(&p->node);
        mem_free(p->targets);
        mem_free(p);
    }
    map_str_fini(&task->by_member);
    sb_slide_fini(&task->reminders);
    json_decref(task->content);
    mem_free(task->msgid);
    mem_free(task);
}

static struct sb_part *part_of(struct sb_corp *corp, struct sb_task *task, struct sb_member *member)
{
    struct sb_part *p = map_str_get(&task->by_member, str_of(member->userid));

    if (p != NULL)
        return p;
    p = sb_new(sizeof(*p));
    p->corp = corp;
    p->task = task;
    p->member = member;
    list_init(&p->node);
    list_add_tail(&task->parts, &p->node);
    sb_must(map_str_put(&task->by_member, str_of(member->userid), p));
    return p;
}

static void add_target(struct sb_corp *corp, struct sb_task *task, struct sb_member *member,
                       struct sb_target t)
{
    struct sb_part *p = part_of(corp, task, member);

    if (p->count == p->cap) {
        p->cap = p->cap == 0 ? 16 : 2 * p->cap;
        p->targets = sb_must_have(mem_resize(p->targets, p->cap, sizeof(*p->targets)));
    }
    p->targets[p->count++] = t;
}

/* The member who sends: the wanted one, else who last got this customer. NULL: nobody can. */
static struct sb_member *sender_for(const struct sb_customer *cu, const struct sb_member *wanted)
{
    struct sb_follow *f;

    if (cu == NULL)
        return NULL;
    if (wanted != NULL) {
        f = sb_customer_follow(cu, wanted->userid);
        return f != NULL && !f->half ? f->member : NULL;
    }
    for (f = cu->follows; f != NULL && f->half; f = f->next)
        ;
    return f != NULL ? f->member : NULL;
}

static void add_listed(struct sb_corp *corp, struct sb_task *task, const json_t *ids,
                       const struct sb_member *wanted, json_t *seen, json_t *failed)
{
    size_t i;
    json_t *id;

    json_array_foreach(ids, i, id)
    {
        const char *text = json_is_string(id) ? json_string_value(id) : "";
        struct sb_customer *cu = sb_corp_find(corp, text);
        struct sb_member *by = sender_for(cu, wanted);

        if (json_object_get(seen, text) != NULL)
            continue;
        sb_json_set(seen, text, sb_json("b", 1));
        if (by == NULL)
            sb_json_add(failed, sb_json("s", text));
        else
            add_target(corp, task, by, (struct sb_target){.customer = cu});
    }
}

/* Any tag of a group, in each group. */
static bool passes(const struct sb_follow *f, const json_t *groups)
{
    size_t i, k;
    json_t *group, *tag;

    json_array_foreach(groups, i, group)
    {
        bool any = false;

        json_array_foreach(json_object_get(group, "tag_list"), k, tag)
        {
            any = any || (json_is_string(tag) && sb_follow_has_tag(f, json_string_value(tag)));
        }
        if (!any)
            return false;
    }
    return true;
}

static void add_filtered(struct sb_corp *corp, struct sb_task *task, const json_t *groups,
                         const struct sb_member *wanted)
{
    for (size_t i = 0; i < corp->order_count; i++) {
        struct sb_customer *cu = corp->order[i];
        struct sb_member *by = sender_for(cu, wanted);

        if (by != NULL && passes(sb_customer_follow(cu, by->userid), groups))
            add_target(corp, task, by, (struct sb_target){.customer = cu});
    }
}

static void add_groups(struct sb_corp *corp, struct sb_task *task, const json_t *ids, struct sb_member *owner,
                       json_t *failed)
{
    size_t i;
    json_t *id;

    json_array_foreach(ids, i, id)
    {
        const char *text = json_is_string(id) ? json_string_value(id) : "";
        struct sb_chat *chat = map_str_get(&corp->chats, str_of(text));

        if (chat == NULL || chat->dismissed || chat->owner != owner)
            sb_json_add(failed, sb_json("s", text));
        else
            add_target(corp, task, owner, (struct sb_target){.chat = chat});
    }
    for (struct list *n = corp->chat_list.next; ids == NULL && n != &corp->chat_list; n = n->next) {
        struct sb_chat *chat = container_of(n, struct sb_chat, node);

        if (!chat->dismissed && chat->owner == owner)
            add_target(corp, task, owner, (struct sb_target){.chat = chat});
    }
}

static bool tags_too_many(const struct sb_model *m, const json_t *groups)
{
    size_t i;
    json_t *group;

    json_array_foreach(groups, i, group)
    {
        if ((int64_t)json_array_size(json_object_get(group, "tag_list")) >
            sb_model_limit(m, SB_WECOM_TASK_TAGS)->amount)
            return true;
    }
    return false;
}

static int judge_create(const struct sb_model *m, const struct sb_corp *corp, const struct sb_call *c)
{
    const char *type = json_str(c->body, "chat_type", "single");
    const char *sender = json_str(c->body, "sender", "");
    const json_t *ids = json_object_get(c->body, "external_userid");
    const json_t *chats = json_object_get(c->body, "chat_id_list");
    const json_t *tags = json_object_get(json_object_get(c->body, "tag_filter"), "group_list");
    bool group = strcmp(type, "group") == 0;

    if (!group && strcmp(type, "single") != 0)
        return SB_W_BAD_ARGUMENT;
    if (sender[0] != '\0' && map_str_get(&corp->members, str_of(sender)) == NULL)
        return SB_W_NO_MEMBER;
    if (group ? sender[0] == '\0' : sender[0] == '\0' && json_array_size(ids) + json_array_size(tags) == 0)
        return SB_W_BAD_ARGUMENT;
    if ((int64_t)json_array_size(ids) > sb_model_limit(m, SB_WECOM_TASK_CUSTOMERS)->amount ||
        (int64_t)json_array_size(chats) > sb_model_limit(m, SB_WECOM_TASK_GROUPS)->amount ||
        tags_too_many(m, tags))
        return SB_W_BAD_ARGUMENT;
    return sb_content_judge(m, corp, c->body, sb_model_limit(m, SB_WECOM_TASK_TEXT)->amount, c->now_ms);
}

static void fill(struct sb_corp *corp, struct sb_task *task, const json_t *body, json_t *failed)
{
    struct sb_member *wanted = map_str_get(&corp->members, str_of(json_str(body, "sender", "")));
    const json_t *ids = json_object_get(body, "external_userid");
    json_t *seen;

    if (task->group) {
        add_groups(corp, task, json_object_get(body, "chat_id_list"), wanted, failed);
    } else if (json_array_size(ids) > 0) {
        seen = sb_must_have(json_object());
        add_listed(corp, task, ids, wanted, seen, failed);
        json_decref(seen);
    } else {
        add_filtered(corp, task, json_object_get(json_object_get(body, "tag_filter"), "group_list"), wanted);
    }
}

static struct sb_task *task_new(struct sb_model *m, const struct sb_call *c)
{
    struct sb_task *task = sb_new(sizeof(*task));

    task->connection = c->connection;
    task->msgid = sb_printf("msgSB%" PRId64 "_%016" PRIx64, sb_model_next(m), sb_model_random(m));
    task->group = strcmp(json_str(c->body, "chat_type", "single"), "group") == 0;
    task->created_ms = c->now_ms;
    task->content = sb_json("{s:O?, s:O?}", "text", json_object_get(c->body, "text"), "attachments",
                            json_object_get(c->body, "attachments"));
    list_init(&task->node);
    list_init(&task->parts);
    map_str_init(&task->by_member, MOST_MEMBERS);
    return task;
}

static void start(struct sb_model *m, struct sb_corp *corp, struct sb_task *task, struct sb_call *c)
{
    c->key = task->msgid;
    c->to = sb_must_have(json_array());
    for (struct list *n = task->parts.next; n != &task->parts; n = n->next) {
        struct sb_part *p = container_of(n, struct sb_part, node);

        for (size_t i = 0; i < p->count; i++)
            sb_json_add(c->to, sb_json("s", sb_target_id(&p->targets[i])));
        part_await(m, p, c->now_ms);
    }
    c->cost = (int64_t)json_array_size(c->to);
    map_str_fini(&task->by_member);
    list_add_tail(&corp->task_list, &task->node);
    sb_must(map_str_put(&corp->tasks, str_of(task->msgid), task));
}

void sb_task_create(struct sb_model *m, struct sb_corp *corp, struct sb_call *c)
{
    int code = judge_create(m, corp, c);
    struct sb_task *task;
    json_t *failed;

    c->account = json_str(c->body, "sender", "");
    if (code != 0) {
        sb_refuse(c, code);
        return;
    }
    task = task_new(m, c);
    failed = sb_must_have(json_array());
    fill(corp, task, c->body, failed);
    if (list_empty(&task->parts)) {
        task_free(task);
        json_decref(failed);
        sb_refuse(c, SB_W_NOBODY);
        return;
    }
    start(m, corp, task, c);
    sb_accept(c, sb_json("{s:o, s:s}", "fail_list", failed, "msgid", task->msgid));
}

/* life */

void sb_task_free_all(struct sb_corp *corp)
{
    while (!list_empty(&corp->task_list)) {
        struct sb_task *task = container_of(corp->task_list.next, struct sb_task, node);

        list_del(&task->node);
        task_free(task);
    }
    map_str_fini(&corp->tasks);
}
