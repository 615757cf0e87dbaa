/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/official/official_inbox.h"

#include <errno.h>
#include <string.h>

#include "adapters/official/official_push.h"
#include "base/clock.h"
#include "base/mem.h"

enum { ANSWER_BYTES = 128 * 1024 };

/* A push whose events are being committed. */
struct pending {
    struct inbound_id id;
    bool passive;
    struct official_return to; /* its texts are in `names` */
    char names[];
};

int official_inbox_init(struct official_inbox *i, struct official_link *link,
                        const struct official_conf *conf)
{
    *i = (struct official_inbox){.link = link};
    buf_init(&i->opening.text, OFFICIAL_PLAIN_BYTES);
    map_i64_init(&i->pending, OFFICIAL_PENDING_MAX);
    return official_hook_init(&i->hook, conf);
}

static void forget_all(struct official_inbox *i)
{
    union map_val val;
    int64_t id;

    for (size_t at = 0; map_i64_next(&i->pending, &at, &id, &val);)
        mem_free(val.p);
    map_i64_clear(&i->pending);
}

void official_inbox_fini(struct official_inbox *i)
{
    forget_all(i);
    map_i64_fini(&i->pending);
    buf_fini(&i->opening.text);
    official_hook_fini(&i->hook);
}

static void answer(struct official_inbox *i, struct inbound_id id, int status, const char *type,
                   struct str body)
{
    const struct adapter_host *host = i->link->env->host;

    host->answer(host->ctx, id, status, type, body);
}

static void answer_success(struct official_inbox *i, struct inbound_id id)
{
    answer(i, id, 200, "text/plain", STR("success"));
}

static void answer_again(struct official_inbox *i, struct inbound_id id)
{
    answer(i, id, 503, "text/plain", STR("try again"));
}

static struct str put_name(char **at, struct str name)
{
    struct str ret = {*at, name.n};

    if (name.n)
        memcpy(*at, name.p, name.n);
    *at += name.n;
    return ret;
}

static int remember(struct official_inbox *i, struct inbound_id id, const struct official_push *push)
{
    struct pending *p = mem_calloc(1, sizeof(*p) + push->openid.n + push->ours.n);
    char *at = p ? p->names : NULL;
    int r;

    if (!p)
        return -ENOMEM;
    p->id = id;
    p->passive = push->events[0].passive;
    p->to.openid = put_name(&at, push->openid);
    p->to.ours = put_name(&at, push->ours);
    p->to.json = push->json;
    p->to.key = i->opening.key;
    r = map_i64_put(&i->pending, id.v, p);
    if (r < 0)
        mem_free(p);
    return r;
}

static struct pending *recall(struct official_inbox *i, struct inbound_id id)
{
    struct pending *p = map_i64_get(&i->pending, id.v);

    if (p)
        (void)map_i64_del(&i->pending, id.v);
    return p;
}

static int take_push(struct official_inbox *i, struct inbound_id id)
{
    const struct adapter_host *host = i->link->env->host;
    struct official_push push;
    int r = official_push_read(&push, i->hook.xml, buf_str(&i->opening.text));

    if (r < 0)
        return r;
    r = remember(i, id, &push);
    if (r == 0) {
        r = host->inbound(host->ctx, id, push.events, push.count, NULL);
        if (r < 0)
            mem_free(recall(i, id));
    }
    official_push_fini(&push);
    if (r < 0)
        answer_again(i, id);
    return 0;
}

int official_inbox_take(struct official_inbox *i, const struct hook_call *call)
{
    int r;

    if (call->path.n)
        return ERR_NOT_FOUND;
    buf_reset(&i->opening.text);
    r = official_hook_open(&i->hook, call, clock_wall_ms(i->link->env->clock), &i->opening);
    if (r == 0 && i->opening.verification)
        answer(i, call->id, 200, "text/plain", buf_str(&i->opening.text));
    else if (r == 0 && i->link->stopping)
        answer_again(i, call->id);
    else if (r == 0)
        r = take_push(i, call->id);
    if (r != -ENOMEM)
        return r;
    answer_again(i, call->id);
    return 0;
}

/* What the channel cannot say inside an answer (a mini-program card) leaves the text of it, or nothing. */
static int write_reply(struct official_inbox *i, const struct pending *p, const struct content *reply,
                       struct buf *out)
{
    const struct content text = {.text = reply->text};
    int64_t now_ms = clock_wall_ms(i->link->env->clock);
    int r = official_hook_reply(&i->hook, &p->to, reply, now_ms, NULL, NULL, out);

    if (r != ERR_INVALID)
        return r;
    official_link_alert(i->link, 0, "official: a passive reply holds a text, one link or one image",
                        reply->text.n ? STR("only its text was sent") : STR("nothing was sent"));
    if (reply->text.n == 0)
        return ERR_INVALID;
    buf_reset(out);
    return official_hook_reply(&i->hook, &p->to, &text, now_ms, NULL, NULL, out);
}

static void answer_reply(struct official_inbox *i, const struct pending *p, const struct content *reply)
{
    struct buf AUTO(buf_fini) body;
    int r;

    buf_init(&body, ANSWER_BYTES);
    r = write_reply(i, p, reply, &body);
    if (r == ERR_INVALID)
        answer_success(i, p->id);
    else if (r < 0)
        answer_again(i, p->id);
    else
        answer(i, p->id, 200, p->to.json ? "application/json" : "application/xml", buf_str(&body));
}

void official_inbox_stored(struct official_inbox *i, struct inbound_id id, const struct content *reply,
                           int err)
{
    struct pending *p = recall(i, id);

    if (!p)
        return;
    if (err < 0)
        answer_again(i, id);
    else if (reply && p->passive && (reply->text.n || json_array_size(reply->attach)))
        answer_reply(i, p, reply);
    else
        answer_success(i, id);
    mem_free(p);
}

void official_inbox_close(struct official_inbox *i)
{
    union map_val val;
    int64_t id;

    for (size_t at = 0; map_i64_next(&i->pending, &at, &id, &val);)
        answer_again(i, (struct inbound_id){id});
    forget_all(i);
}
