/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/sms/sms_inbox.h"

#include <errno.h>

#include "adapters/sms/sms_push.h"
#include "base/crypto.h"
#include "base/log.h"

enum { KEY_BYTES = 4096 };

void sms_inbox_init(struct sms_inbox *i, struct sms_link *link)
{
    i->link = link;
    map_i64_init(&i->pending, SMS_PENDING_MAX);
}

void sms_inbox_fini(struct sms_inbox *i)
{
    map_i64_fini(&i->pending);
}

static void answer_good(struct sms_inbox *i, struct inbound_id id)
{
    const struct adapter_host *host = i->link->env->host;

    host->answer(host->ctx, id, 200, "application/json", STR("{\"code\":0,\"msg\":\"接收成功\"}"));
}

static void answer_again(struct sms_inbox *i, struct inbound_id id)
{
    const struct adapter_host *host = i->link->env->host;

    host->answer(host->ctx, id, 503, "application/json", STR("{\"code\":1,\"msg\":\"try again\"}"));
}

static int check_key(const struct sms_inbox *i, struct str query)
{
    struct buf key;
    int r;

    buf_init(&key, KEY_BYTES);
    r = str_query_get(query, "key", &key);
    if (r != -ENOMEM)
        r = r == 0 && crypto_equal(buf_str(&key), i->link->path_key) ? 0 : ERR_AUTH;
    buf_wipe(&key);
    buf_fini(&key);
    return r;
}

static void deliver(struct sms_inbox *i, struct inbound_id id, const struct sms_push *p)
{
    const struct adapter_host *host = i->link->env->host;

    if (map_i64_put_i64(&i->pending, id.v, 1) == 0) {
        if (host->inbound(host->ctx, id, p->events, p->count, NULL) == 0)
            return;
        (void)map_i64_del(&i->pending, id.v);
    }
    answer_again(i, id);
}

static int take_push(struct sms_inbox *i, enum sms_push_kind kind, const struct hook_call *call)
{
    struct sms_push p;
    int r = sms_push_read(&p, kind, call->body);

    if (r < 0)
        return r;
    if (p.skipped)
        log_warn("sms", "elements of a push passed over connection=%s count=%zu", i->link->env->name,
                 p.skipped);
    if (p.count)
        deliver(i, call->id, &p);
    else
        answer_good(i, call->id);
    sms_push_fini(&p);
    return 0;
}

int sms_inbox_take(struct sms_inbox *i, const struct hook_call *call)
{
    bool report = str_is(call->path, "/report");
    int r;

    if (!report && !str_is(call->path, "/up"))
        return ERR_NOT_FOUND;
    r = check_key(i, call->query);
    if (r == 0 && !str_is(call->method, "POST"))
        r = ERR_INVALID;
    if (r == 0 && i->link->stopping)
        answer_again(i, call->id);
    else if (r == 0)
        r = take_push(i, report ? SMS_REPORT : SMS_UP, call);
    if (r != -ENOMEM)
        return r;
    answer_again(i, call->id);
    return 0;
}

void sms_inbox_stored(struct sms_inbox *i, struct inbound_id id, int err)
{
    if (!map_i64_del(&i->pending, id.v))
        return;
    if (err < 0)
        answer_again(i, id);
    else
        answer_good(i, id);
}

void sms_inbox_close(struct sms_inbox *i)
{
    union map_val val;
    int64_t id;

    for (size_t at = 0; map_i64_next(&i->pending, &at, &id, &val);)
        answer_again(i, (struct inbound_id){id});
    map_i64_clear(&i->pending);
}
