/* SPDX-License-Identifier: Apache-2.0 */
/* wecom_webhook.c - the message push of one internal group. Its key is all there is: no token, nothing comes
 * in. */
#include "adapters/wecom/wecom.h"

#include <errno.h>

#include "adapters/wecom/wecom_call.h"
#include "adapters/wecom/wecom_conf.h"
#include "base/mem.h"

struct adapter {
    struct wecom_link link;
};

static void webhook_free(struct adapter *a)
{
    if (!a)
        return;
    wecom_link_fini(&a->link);
    mem_free(a);
}

static int webhook_create(const struct adapter_env *env, const json_t *conf, struct diag *diag,
                          struct adapter **ret)
{
    struct wecom_conf c;
    struct adapter *a;
    int r = wecom_conf_read(&c, WECOM_WEBHOOK, env->name, conf, diag);

    if (r < 0)
        return r;
    a = mem_calloc(1, sizeof(*a));
    if (!a)
        return -ENOMEM;
    r = wecom_link_init(&a->link, env, c.api_base, c.key);
    if (r < 0)
        mem_free(a);
    else
        *ret = a;
    return r;
}

static int webhook_start(struct adapter *a, const char *cursor)
{
    (void)cursor;
    wecom_link_open(&a->link);
    return 0;
}

static int webhook_perform(struct adapter *a, struct attempt_id id, const struct call *call,
                           const struct recipient *to, size_t n)
{
    return wecom_call_start(&a->link, &wecom_webhook_table, 0, id, call, to, n);
}

static void webhook_stored(struct adapter *a, struct inbound_id id, const struct content *reply, int err)
{
    (void)a;
    (void)id;
    (void)reply;
    (void)err; /* nothing ever comes in */
}

static void webhook_stop(struct adapter *a)
{
    wecom_link_close(&a->link);
    wecom_call_cancel_all(&a->link);
}

const struct adapter_ops wecom_webhook_ops = {
    .kind = "wecom-webhook",
    .create = webhook_create,
    .start = webhook_start,
    .perform = webhook_perform,
    .stored = webhook_stored,
    .stop = webhook_stop,
    .free = webhook_free,
};
