/* SPDX-License-Identifier: Apache-2.0 */
/* Who has whom: a customer holds a list of follows, one a member; groups hold customers by id.
 *
 * A follow that the customer ended (`lost`) stays: the member still sees the customer, and WeCom still takes
 * calls for the pair, but nothing sent arrives. One that the member ended is gone.
 */
#include "sandbox/wecom.h"

#include "base/json.h"
#include "base/mem.h"
#include "sandbox/must.h"

#include <inttypes.h>
#include <string.h>

/* members, customers, follows */

struct sb_member *sb_corp_member(struct sb_corp *corp, const char *userid)
{
    struct sb_member *member = map_str_get(&corp->members, str_of(userid));

    if (member != NULL)
        return member;
    member = sb_new(sizeof(*member));
    member->userid = sb_copy(userid);
    member->confirms = true;
    member->after_ms = 30 * SB_SECOND;
    list_init(&member->node);
    list_add_tail(&corp->member_list, &member->node);
    sb_must(map_str_put(&corp->members, str_of(userid), member));
    return member;
}

struct sb_customer *sb_corp_find(const struct sb_corp *corp, const char *external_userid)
{
    return map_str_get(&corp->customers, str_of(external_userid));
}

/* wm... and wo... are ids already; any other name gets one that is the same in every run. */
static char *id_for(const char *name)
{
    char hex[SB_SHA256_HEX] = "";

    if (strncmp(name, "wm", 2) == 0 || strncmp(name, "wo", 2) == 0)
        return sb_copy(name);
    if (!sb_sha256_hex(name, strlen(name), hex))
        sb_must(-1);
    return sb_printf("wm%.26s", hex);
}

static struct sb_customer *customer_new(struct sb_corp *corp, const char *id, const char *name)
{
    struct sb_customer *cu = sb_new(sizeof(*cu));

    cu->id = sb_copy(id);
    cu->name = sb_copy(name);
    sb_must(map_str_put(&corp->customers, str_of(id), cu));
    if ((corp->order_count & (corp->order_count - 1)) == 0)
        corp->order = sb_must_have(mem_resize(corp->order, corp->order_count == 0 ? 1 : 2 * corp->order_count,
                                              sizeof(*corp->order)));
    corp->order[corp->order_count++] = cu;
    return cu;
}

/* A person has one id in a corp, whichever of its connections met him first. */
static const char *known_id(const struct sb_model *m, const struct sb_connection *conn, const char *name)
{
    for (struct list *n = m->connections.next; n != &m->connections; n = n->next) {
        const struct sb_connection *other = container_of(n, struct sb_connection, node);
        const char *id = other->corp == conn->corp ? sb_model_id_of(m, other, name) : NULL;

        if (id != NULL)
            return id;
    }
    return NULL;
}

struct sb_customer *sb_corp_customer(struct sb_model *m, struct sb_connection *conn, const char *name_or_id)
{
    const char *known = known_id(m, conn, name_or_id);
    char *id = known != NULL ? sb_copy(known) : id_for(name_or_id);
    struct sb_customer *cu = sb_corp_find(conn->corp, id);

    if (cu == NULL)
        cu = customer_new(conn->corp, id, name_or_id);
    sb_model_name(m, conn, name_or_id, id);
    mem_free(id);
    return cu;
}

struct sb_follow *sb_customer_follow(const struct sb_customer *cu, const char *userid)
{
    struct sb_follow *f = cu->follows;

    while (f != NULL && strcmp(f->member->userid, userid) != 0)
        f = f->next;
    return f;
}

static void follow_free(struct sb_follow *f)
{
    mem_free(f->state);
    json_decref(f->tags);
    mem_free(f);
}

void sb_customer_drop(struct sb_customer *cu, const struct sb_member *by)
{
    for (struct sb_follow **at = &cu->follows; *at != NULL; at = &(*at)->next) {
        struct sb_follow *f = *at;

        if (f->member != by)
            continue;
        *at = f->next;
        follow_free(f);
        return;
    }
}

struct sb_follow *sb_customer_add(struct sb_customer *cu, struct sb_member *by, int64_t now_ms)
{
    struct sb_follow *f = sb_customer_follow(cu, by->userid);

    if (f != NULL)
        return f;
    f = sb_new(sizeof(*f));
    f->member = by;
    f->since_ms = now_ms;
    f->tags = sb_must_have(json_array());
    f->next = cu->follows;
    cu->follows = f;
    return f;
}

static size_t tag_at(const struct sb_follow *f, const char *tag)
{
    size_t i;
    json_t *has;

    json_array_foreach(f->tags, i, has) if (strcmp(json_string_value(has), tag) == 0) return i;
    return json_array_size(f->tags);
}

bool sb_follow_has_tag(const struct sb_follow *f, const char *tag)
{
    return tag_at(f, tag) < json_array_size(f->tags);
}

void sb_follow_tag(struct sb_corp *corp, struct sb_follow *f, const char *tag)
{
    if (json_object_get(corp->tags, tag) == NULL)
        sb_json_set(corp->tags, tag, sb_json("{s:s, s:s}", "name", tag, "group", "sandbox"));
    if (!sb_follow_has_tag(f, tag))
        sb_json_add(f->tags, sb_json("s", tag));
}

struct sb_chat *sb_corp_chat(struct sb_model *m, struct sb_corp *corp, const char *id, const char *owner,
                             int64_t now_ms)
{
    struct sb_chat *chat = map_str_get(&corp->chats, str_of(id));

    if (chat != NULL)
        return chat;
    chat = sb_new(sizeof(*chat));
    chat->id = sb_copy(id);
    chat->name = sb_copy(id);
    chat->owner = sb_corp_member(corp, owner);
    chat->since_ms = now_ms;
    chat->members = sb_must_have(json_object());
    chat->version = sb_model_next(m);
    list_init(&chat->node);
    list_add_tail(&corp->chat_list, &chat->node);
    sb_must(map_str_put(&corp->chats, str_of(id), chat));
    return chat;
}

const char *sb_chat_join(struct sb_model *m, struct sb_connection *conn, struct sb_chat *chat,
                         const char *who, int64_t scene, int64_t now_ms)
{
    const struct sb_member *member = map_str_get(&conn->corp->members, str_of(who));
    const char *id = member != NULL ? member->userid : sb_corp_customer(m, conn, who)->id;

    sb_json_set(chat->members, id,
                sb_json("{s:I, s:I}", "join_time", (json_int_t)(now_ms / SB_SECOND), "join_scene",
                        (json_int_t)scene));
    chat->version = sb_model_next(m);
    return id;
}

const char *sb_chat_leave(struct sb_model *m, struct sb_connection *conn, struct sb_chat *chat,
                          const char *who)
{
    const struct sb_member *member = map_str_get(&conn->corp->members, str_of(who));
    const char *id = member != NULL ? member->userid : sb_corp_customer(m, conn, who)->id;

    (void)json_object_del(chat->members, id);
    chat->version = sb_model_next(m);
    return id;
}

/* welcome */

struct sb_welcome *sb_welcome_issue(struct sb_model *m, struct sb_corp *corp, struct sb_customer *cu,
                                    struct sb_member *by, int64_t now_ms)
{
    struct sb_welcome *w = sb_new(sizeof(*w));

    w->code = sb_printf("WC%" PRId64 "_%016" PRIx64, sb_model_next(m), sb_model_random(m));
    w->customer = cu;
    w->member = by;
    w->issued_ms = now_ms;
    sb_must(map_str_put(&corp->codes, str_of(w->code), w));
    return w;
}

static int judge_welcome(const struct sb_model *m, const struct sb_corp *corp, const struct sb_call *c,
                         struct sb_welcome *w)
{
    if (w == NULL || c->now_ms - w->issued_ms >= sb_model_limit(m, SB_WECOM_WELCOME)->window_ms)
        return SB_W_BAD_CODE;
    if (w->done)
        return SB_W_WELCOMED;
    if (w->racing > 0) {
        w->racing--;
        return SB_W_RACING;
    }
    return sb_content_judge(m, corp, c->body, sb_model_limit(m, SB_WECOM_WELCOME_TEXT)->amount, c->now_ms);
}

void sb_contact_send_welcome(struct sb_model *m, struct sb_corp *corp, struct sb_call *c)
{
    struct sb_welcome *w;
    int code;

    c->key = json_str(c->body, "welcome_code", "");
    if (c->key[0] == '\0') {
        sb_refuse(c, SB_W_NO_CODE);
        return;
    }
    w = map_str_get(&corp->codes, str_of(c->key));
    if (w != NULL) {
        c->account = w->member->userid;
        c->to = sb_json("[s]", w->customer->id);
        c->cost = 1;
    }
    code = judge_welcome(m, corp, c, w);
    if (code != 0) {
        sb_refuse(c, code);
        return;
    }
    w->done = true;
    sb_accept(c, NULL);
}

/* reading */

static json_t *follow_json(const struct sb_corp *corp, const struct sb_follow *f)
{
    json_t *tags = sb_must_have(json_array());
    json_t *o = sb_json("{s:s, s:s, s:s, s:I, s:i, s:s}", "userid", f->member->userid, "remark", "",
                        "description", "", "createtime", (json_int_t)(f->since_ms / SB_SECOND), "add_way", 1,
                        "oper_userid", f->member->userid);
    size_t i;
    json_t *id;

    json_array_foreach(f->tags, i, id)
    {
        const json_t *tag = json_object_get(corp->tags, json_string_value(id));

        sb_json_add(tags, sb_json("{s:s, s:s, s:O, s:i}", "group_name", json_str(tag, "group", ""),
                                  "tag_name", json_str(tag, "name", ""), "tag_id", id, "type", 1));
    }
    sb_json_set(o, "tags", tags);
    if (f->state != NULL)
        sb_json_set(o, "state", sb_json("s", f->state));
    return o;
}

void sb_contact_get(struct sb_model *m, struct sb_corp *corp, struct sb_call *c)
{
    const struct sb_customer *cu = sb_corp_find(corp, json_str(c->query, "external_userid", ""));
    json_t *follows;

    (void)m;
    if (cu == NULL || cu->follows == NULL) {
        sb_refuse(c, cu == NULL ? SB_W_BAD_CUSTOMER : SB_W_NOT_FRIEND);
        return;
    }
    follows = sb_must_have(json_array());
    for (const struct sb_follow *f = cu->follows; f != NULL; f = f->next)
        sb_json_add(follows, follow_json(corp, f));
    sb_accept(c, sb_json("{s:{s:s, s:s, s:i, s:i}, s:o}", "external_contact", "external_userid", cu->id,
                         "name", cu->name, "type", 1, "gender", 0, "follow_user", follows));
}

void sb_contact_list(struct sb_model *m, struct sb_corp *corp, struct sb_call *c)
{
    const char *userid = json_str(c->query, "userid", "");
    json_t *ids;

    (void)m;
    if (map_str_get(&corp->members, str_of(userid)) == NULL) {
        sb_refuse(c, SB_W_NO_MEMBER);
        return;
    }
    ids = sb_must_have(json_array());
    for (size_t i = 0; i < corp->order_count; i++)
        if (sb_customer_follow(corp->order[i], userid) != NULL)
            sb_json_add(ids, sb_json("s", corp->order[i]->id));
    if (json_array_size(ids) == 0) {
        json_decref(ids);
        sb_refuse(c, SB_W_NOT_FRIEND);
        return;
    }
    sb_accept(c, sb_json("{s:o}", "external_userid", ids));
}

void sb_contact_followers(struct sb_model *m, struct sb_corp *corp, struct sb_call *c)
{
    json_t *ids = sb_must_have(json_array());

    (void)m;
    for (struct list *n = corp->member_list.next; n != &corp->member_list; n = n->next)
        sb_json_add(ids, sb_json("s", container_of(n, struct sb_member, node)->userid));
    sb_accept(c, sb_json("{s:o}", "follow_user", ids));
}

/* tags */

static bool tags_exist(const struct sb_corp *corp, const json_t *ids)
{
    size_t i;
    json_t *id;

    json_array_foreach(ids, i, id)
    {
        if (!json_is_string(id) || json_object_get(corp->tags, json_string_value(id)) == NULL)
            return false;
    }
    return true;
}

void sb_contact_mark_tag(struct sb_model *m, struct sb_corp *corp, struct sb_call *c)
{
    const struct sb_customer *cu = sb_corp_find(corp, json_str(c->body, "external_userid", ""));
    const json_t *add = json_object_get(c->body, "add_tag"), *drop = json_object_get(c->body, "remove_tag");
    struct sb_follow *f;
    size_t i;
    json_t *id;

    (void)m;
    c->account = json_str(c->body, "userid", "");
    f = cu != NULL ? sb_customer_follow(cu, c->account) : NULL;
    if (f == NULL || f->half) {
        sb_refuse(c, cu == NULL ? SB_W_BAD_CUSTOMER : SB_W_NOT_FRIEND);
        return;
    }
    c->to = sb_json("[s]", cu->id);
    if (!tags_exist(corp, add) || !tags_exist(corp, drop)) {
        sb_refuse(c, SB_W_BAD_TAG);
        return;
    }
    json_array_foreach(add, i, id) sb_follow_tag(corp, f, json_string_value(id));
    json_array_foreach(drop, i, id)(void) json_array_remove(f->tags, tag_at(f, json_string_value(id)));
    sb_accept(c, NULL);
}

void sb_contact_tag_list(struct sb_model *m, struct sb_corp *corp, struct sb_call *c)
{
    json_t *groups = sb_must_have(json_object()), *list = sb_must_have(json_array());
    const char *id, *name;
    json_t *tag, *group;

    (void)m;
    json_object_foreach(corp->tags, id, tag)
    {
        name = json_str(tag, "group", "");
        group = json_object_get(groups, name);
        if (group == NULL) {
            group = sb_json("{s:s, s:s, s:[]}", "group_id", name, "group_name", name, "tag");
            sb_json_set(groups, name, group);
        }
        sb_json_add(json_object_get(group, "tag"),
                    sb_json("{s:s, s:s}", "id", id, "name", json_str(tag, "name", "")));
    }
    json_object_foreach(groups, name, group) sb_must(json_array_append(list, group));
    json_decref(groups);
    sb_accept(c, sb_json("{s:o}", "tag_group", list));
}

/* groups */

static bool owner_wanted(const json_t *filter, const struct sb_chat *chat)
{
    const json_t *ids = json_object_get(filter, "userid_list");
    size_t i;
    json_t *id;

    json_array_foreach(ids, i, id)
    {
        if (json_is_string(id) && strcmp(json_string_value(id), chat->owner->userid) == 0)
            return true;
    }
    return json_array_size(ids) == 0;
}

void sb_contact_chat_list(struct sb_model *m, struct sb_corp *corp, struct sb_call *c)
{
    int64_t most = json_int(c->body, "limit", 0), from = json_int(c->body, "cursor", 0), seen = 0;
    json_t *list;

    (void)m;
    if (most < 1 || most > 1000) {
        sb_refuse(c, SB_W_BAD_ARGUMENT);
        return;
    }
    list = sb_must_have(json_array());
    for (struct list *n = corp->chat_list.next; n != &corp->chat_list; n = n->next) {
        const struct sb_chat *chat = container_of(n, struct sb_chat, node);

        if (chat->dismissed || !owner_wanted(json_object_get(c->body, "owner_filter"), chat) || seen++ < from)
            continue;
        if ((int64_t)json_array_size(list) == most)
            break;
        sb_json_add(list, sb_json("{s:s, s:i}", "chat_id", chat->id, "status", 0));
    }
    sb_accept(c, sb_json("{s:o}", "group_chat_list", list));
    if ((int64_t)json_array_size(list) == most && seen > from + most) {
        char *next = sb_printf("%" PRId64, from + most);

        sb_json_set(c->answer, "next_cursor", sb_json("s", next));
        mem_free(next);
    }
}

void sb_contact_chat_get(struct sb_model *m, struct sb_corp *corp, struct sb_call *c)
{
    const struct sb_chat *chat = map_str_get(&corp->chats, str_of(json_str(c->body, "chat_id", "")));
    json_t *list, *how;
    const char *id;
    char *version;

    (void)m;
    if (chat == NULL || chat->dismissed) {
        sb_refuse(c, SB_W_NOT_GROUP);
        return;
    }
    list = sb_must_have(json_array());
    json_object_foreach(chat->members, id, how)
    {
        const struct sb_customer *cu = sb_corp_find(corp, id);
        json_t *o = sb_json("{s:s, s:i, s:s}", "userid", id, "type", cu != NULL ? 2 : 1, "name",
                            cu != NULL ? cu->name : id);

        sb_must(json_object_update(o, how));
        sb_json_add(list, o);
    }
    version = sb_printf("%032" PRIx64, (uint64_t)chat->version);
    sb_accept(c, sb_json("{s:{s:s, s:s, s:s, s:I, s:o, s:[{s:s}], s:s}}", "group_chat", "chat_id", chat->id,
                         "name", chat->name, "owner", chat->owner->userid, "create_time",
                         (json_int_t)(chat->since_ms / SB_SECOND), "member_list", list, "admin_list",
                         "userid", chat->owner->userid, "member_version", version));
    mem_free(version);
}

/* life */

void sb_contact_free(struct sb_corp *corp)
{
    size_t at = 0;
    struct str key;
    union map_val val;

    for (size_t i = 0; i < corp->order_count; i++) {
        struct sb_customer *cu = corp->order[i];

        while (cu->follows != NULL)
            sb_customer_drop(cu, cu->follows->member);
        mem_free(cu->id);
        mem_free(cu->name);
        mem_free(cu);
    }
    mem_free(corp->order);
    map_str_fini(&corp->customers);
    while (!list_empty(&corp->member_list)) {
        struct sb_member *member = container_of(corp->member_list.next, struct sb_member, node);

        list_del(&member->node);
        sb_slide_fini(&member->minute);
        sb_slide_fini(&member->hour);
        mem_free(member->userid);
        mem_free(member);
    }
    map_str_fini(&corp->members);
    while (!list_empty(&corp->chat_list)) {
        struct sb_chat *chat = container_of(corp->chat_list.next, struct sb_chat, node);

        list_del(&chat->node);
        mem_free(chat->id);
        mem_free(chat->name);
        json_decref(chat->members);
        mem_free(chat);
    }
    map_str_fini(&corp->chats);
    while (map_str_next(&corp->codes, &at, &key, &val)) {
        struct sb_welcome *w = val.p;

        mem_free(w->code);
        mem_free(w);
    }
    map_str_fini(&corp->codes);
}
