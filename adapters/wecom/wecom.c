/* SPDX-License-Identifier: Apache-2.0 */
/* wecom.c - the corp's app: callbacks in, calls out, one access token. */
#include "adapters/wecom/wecom.h"

#include <errno.h>

#include "adapters/wecom/wecom_call.h"
#include "adapters/wecom/wecom_conf.h"
#include "adapters/wecom/wecom_inbox.h"
#include "adapters/wecom/wecom_token.h"
#include "base/mem.h"

struct adapter {
    struct wecom_link link;
    struct wecom_inbox inbox;
    int64_t agent_id;
};

/* The app's own URL gets the wake-ups of its customer service accounts too. */
static void on_wake(struct adapter *a, struct str kf_account, struct str token)
{
    const struct adapter_host *host = a->link.env->host;

    if (host->nudge)
        host->nudge(host->ctx, kf_account, token);
}

static void corp_free(struct adapter *a)
{
    if (!a)
        return;
    wecom_inbox_fini(&a->inbox);
    wecom_token_free(a->link.token);
    wecom_link_fini(&a->link);
    mem_free(a);
}

static int corp_create(const struct adapter_env *env, const json_t *conf, struct diag *diag,
                       struct adapter **ret)
{
    struct wecom_conf c;
    struct adapter *a;
    int r = wecom_conf_read(&c, WECOM_CORP, env->name, conf, diag);

    if (r < 0)
        return r;
    a = mem_calloc(1, sizeof(*a));
    if (!a)
        return -ENOMEM;
    a->agent_id = c.agent_id;
    r = wecom_link_init(&a->link, env, c.api_base, (struct str){0});
    if (r < 0) {
        mem_free(a);
        return r;
    }
    r = wecom_inbox_init(&a->inbox, &a->link, &c, a, on_wake);
    if (r == 0)
        r = wecom_token_new(&a->link, c.corp_id, c.secret, &a->link.token);
    if (r < 0)
        corp_free(a);
    else
        *ret = a;
    return r;
}

static int corp_start(struct adapter *a, const char *cursor)
{
    (void)cursor; /* the platform pushes */
    wecom_link_open(&a->link);
    wecom_token_start(a->link.token);
    return 0;
}

static int corp_perform(struct adapter *a, struct attempt_id id, const struct call *call,
                        const struct recipient *to, size_t n)
{
    return wecom_call_start(&a->link, &wecom_corp_table, a->agent_id, id, call, to, n);
}

static void corp_stored(struct adapter *a, struct inbound_id id, const struct content *reply, int err)
{
    wecom_inbox_stored(&a->inbox, id, reply, err);
}

static int corp_hook(struct adapter *a, const struct hook_call *call)
{
    return wecom_inbox_take(&a->inbox, call);
}

static void corp_stop(struct adapter *a)
{
    wecom_link_close(&a->link);
    wecom_inbox_close(&a->inbox);
    wecom_call_cancel_all(&a->link);
    wecom_token_stop(a->link.token);
}

const struct adapter_ops wecom_ops = {
    .kind = "wecom",
    .create = corp_create,
    .start = corp_start,
    .perform = corp_perform,
    .stored = corp_stored,
    .hook = corp_hook,
    .stop = corp_stop,
    .free = corp_free,
};
