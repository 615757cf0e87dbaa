/* SPDX-License-Identifier: Apache-2.0 */
/* sms.c - one Aliyun account: calls out, each signed for itself; pushes in. */
#include "adapters/sms/sms.h"

#include <errno.h>

#include "adapters/sms/sms_call.h"
#include "adapters/sms/sms_inbox.h"

struct adapter {
    struct sms_link link;
    struct sms_inbox inbox;
};

static void sms_free(struct adapter *a)
{
    if (!a)
        return;
    sms_inbox_fini(&a->inbox);
    sms_link_fini(&a->link);
    mem_free(a);
}

static int sms_create(const struct adapter_env *env, const json_t *conf, struct diag *diag,
                      struct adapter **ret)
{
    struct sms_conf c;
    struct adapter *a;
    int r = sms_conf_read(&c, env->name, conf, diag);

    if (r < 0)
        return r;
    a = mem_calloc(1, sizeof(*a));
    if (!a)
        return -ENOMEM;
    r = sms_link_init(&a->link, env, &c);
    if (r < 0) {
        mem_free(a);
        return r;
    }
    sms_inbox_init(&a->inbox, &a->link);
    *ret = a;
    return 0;
}

static int sms_start(struct adapter *a, const char *cursor)
{
    (void)cursor; /* Aliyun pushes */
    sms_link_open(&a->link);
    return 0;
}

static int sms_perform(struct adapter *a, struct attempt_id id, const struct call *call,
                       const struct recipient *to, size_t n)
{
    return sms_call_start(&a->link, id, call, to, n);
}

static void sms_stored(struct adapter *a, struct inbound_id id, const struct content *reply, int err)
{
    (void)reply; /* there is no passive reply */
    sms_inbox_stored(&a->inbox, id, err);
}

static int sms_hook(struct adapter *a, const struct hook_call *call)
{
    return sms_inbox_take(&a->inbox, call);
}

static void sms_stop(struct adapter *a)
{
    sms_link_close(&a->link);
    sms_inbox_close(&a->inbox);
    sms_call_cancel_all(&a->link);
}

const struct adapter_ops sms_aliyun_ops = {
    .kind = "sms-aliyun",
    .create = sms_create,
    .start = sms_start,
    .perform = sms_perform,
    .stored = sms_stored,
    .hook = sms_hook,
    .stop = sms_stop,
    .free = sms_free,
};
