/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/wecom/wecom_inbox.h"

#include <errno.h>

#include "adapters/wecom/wecom_event.h"
#include "base/clock.h"
#include "base/mem.h"

enum { REPLY_BYTES = 128 * 1024 };

/* A callback whose events are being committed. */
struct pending {
    struct inbound_id id;
    bool passive; /* `member` may be replied to inside the answer */
    char member[];
};

int wecom_inbox_init(struct wecom_inbox *i, struct wecom_link *link, const struct wecom_conf *conf,
                     struct adapter *owner, wecom_wake_cb on_wake)
{
    *i = (struct wecom_inbox){.link = link, .owner = owner, .on_wake = on_wake};
    buf_init(&i->plain, WECOM_PLAIN_BYTES);
    map_i64_init(&i->pending, WECOM_PENDING_MAX);
    return wecom_hook_init(&i->hook, conf->token, conf->aes_key, conf->corp_id, conf->callback_max_age_ms);
}

static void forget_all(struct wecom_inbox *i)
{
    union map_val val;
    int64_t id;

    for (size_t at = 0; map_i64_next(&i->pending, &at, &id, &val);)
        mem_free(val.p);
    map_i64_clear(&i->pending);
}

void wecom_inbox_fini(struct wecom_inbox *i)
{
    forget_all(i);
    map_i64_fini(&i->pending);
    buf_fini(&i->plain);
    wecom_hook_fini(&i->hook);
}

static void answer(struct wecom_inbox *i, struct inbound_id id, int status, const char *type, struct str body)
{
    const struct adapter_host *host = i->link->env->host;

    host->answer(host->ctx, id, status, type, body);
}

static void answer_success(struct wecom_inbox *i, struct inbound_id id)
{
    answer(i, id, 200, "text/plain", STR("success"));
}

static void answer_again(struct wecom_inbox *i, struct inbound_id id)
{
    answer(i, id, 503, "text/plain", STR("try again"));
}

static int remember(struct wecom_inbox *i, struct inbound_id id, const struct event *e)
{
    struct str member = e->passive ? e->contact : (struct str){0};
    struct pending *p = mem_calloc(1, sizeof(*p) + member.n + 1);
    int r;

    if (!p)
        return -ENOMEM;
    p->id = id;
    p->passive = e->passive;
    for (size_t k = 0; k < member.n; k++)
        p->member[k] = member.p[k];
    r = map_i64_put(&i->pending, id.v, p);
    if (r < 0)
        mem_free(p);
    return r;
}

static struct pending *recall(struct wecom_inbox *i, struct inbound_id id)
{
    struct pending *p = map_i64_get(&i->pending, id.v);

    if (p)
        (void)map_i64_del(&i->pending, id.v);
    return p;
}

static void deliver(struct wecom_inbox *i, struct inbound_id id, const struct wecom_letter *letter)
{
    const struct adapter_host *host = i->link->env->host;

    if (remember(i, id, &letter->events[0]) == 0) {
        if (host->inbound(host->ctx, id, letter->events, letter->count, NULL) == 0)
            return;
        mem_free(recall(i, id));
    }
    answer_again(i, id);
}

static int take_letter(struct wecom_inbox *i, struct inbound_id id)
{
    struct wecom_letter letter;
    int r = wecom_letter_read(&letter, i->hook.xml, buf_str(&i->plain));

    if (r < 0)
        return r;
    if (letter.kf_wake) {
        answer_success(i, id);
        i->on_wake(i->owner, letter.kf_account, letter.kf_token);
    } else {
        deliver(i, id, &letter);
    }
    wecom_letter_fini(&letter);
    return 0;
}

int wecom_inbox_take(struct wecom_inbox *i, const struct hook_call *call)
{
    bool verification = false;
    int r;

    if (call->path.n)
        return ERR_NOT_FOUND;
    buf_reset(&i->plain);
    r = wecom_hook_open(&i->hook, call, clock_wall_ms(i->link->env->clock), &i->plain, &verification);
    if (r == 0 && verification)
        answer(i, call->id, 200, "text/plain", buf_str(&i->plain));
    else if (r == 0 && i->link->stopping)
        answer_again(i, call->id);
    else if (r == 0)
        r = take_letter(i, call->id);
    if (r != -ENOMEM)
        return r;
    answer_again(i, call->id);
    return 0;
}

static void answer_reply(struct wecom_inbox *i, const struct pending *p, struct str text)
{
    struct buf AUTO(buf_fini) body;

    buf_init(&body, REPLY_BYTES);
    if (wecom_hook_reply(&i->hook, str_of(p->member), text, clock_wall_ms(i->link->env->clock), NULL, NULL,
                         &body) < 0)
        answer_again(i, p->id);
    else
        answer(i, p->id, 200, "application/xml", buf_str(&body));
}

void wecom_inbox_stored(struct wecom_inbox *i, struct inbound_id id, const struct content *reply, int err)
{
    struct pending *p = recall(i, id);

    if (!p)
        return;
    if (err < 0)
        answer_again(i, id);
    else if (reply && reply->text.n && p->passive)
        answer_reply(i, p, reply->text);
    else
        answer_success(i, id);
    mem_free(p);
}

void wecom_inbox_close(struct wecom_inbox *i)
{
    union map_val val;
    int64_t id;

    for (size_t at = 0; map_i64_next(&i->pending, &at, &id, &val);)
        answer_again(i, (struct inbound_id){id});
    forget_all(i);
}
