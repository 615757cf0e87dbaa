/* SPDX-License-Identifier: Apache-2.0 */
/* wecom_kf.c - one 微信客服 account: wake-ups and sync_msg in, messages out.
 *
 * Other callbacks that reach this door are kept as platform events: the app's own events belong to the
 * `wecom` connection, whose URL the console should name.
 */
#include "adapters/wecom/wecom.h"

#include <errno.h>

#include "adapters/wecom/wecom_call.h"
#include "adapters/wecom/wecom_conf.h"
#include "adapters/wecom/wecom_inbox.h"
#include "adapters/wecom/wecom_sync.h"
#include "adapters/wecom/wecom_token.h"
#include "base/mem.h"

struct adapter {
    struct wecom_link link;
    struct wecom_inbox inbox;
    struct wecom_sync *sync;
    char *open_kfid;
};

static void kf_nudge(struct adapter *a, struct str account, struct str token)
{
    if (str_is(account, a->open_kfid))
        wecom_sync_wake(a->sync, token);
}

/* One app serves several accounts: a wake-up may be another connection's. */
static void on_wake(struct adapter *a, struct str kf_account, struct str token)
{
    const struct adapter_host *host = a->link.env->host;

    if (kf_account.n == 0 || str_is(kf_account, a->open_kfid))
        wecom_sync_wake(a->sync, token);
    else if (host->nudge)
        host->nudge(host->ctx, kf_account, token);
}

static void kf_free(struct adapter *a)
{
    if (!a)
        return;
    wecom_sync_free(a->sync);
    wecom_inbox_fini(&a->inbox);
    wecom_token_free(a->link.token);
    wecom_link_fini(&a->link);
    mem_free(a->open_kfid);
    mem_free(a);
}

static int kf_build(struct adapter *a, const struct wecom_conf *c)
{
    int r = wecom_inbox_init(&a->inbox, &a->link, c, a, on_wake);

    if (r == 0)
        r = wecom_token_new(&a->link, c->corp_id, c->secret, &a->link.token);
    if (r == 0)
        r = wecom_sync_new(&a->link, c->open_kfid, c->poll_every_ms, &a->sync);
    if (r == 0) {
        a->open_kfid = mem_strndup(c->open_kfid.p, c->open_kfid.n);
        r = a->open_kfid ? 0 : -ENOMEM;
    }
    return r;
}

static int kf_create(const struct adapter_env *env, const json_t *conf, struct diag *diag,
                     struct adapter **ret)
{
    struct wecom_conf c;
    struct adapter *a;
    int r = wecom_conf_read(&c, WECOM_KF, env->name, conf, diag);

    if (r < 0)
        return r;
    a = mem_calloc(1, sizeof(*a));
    if (!a)
        return -ENOMEM;
    r = wecom_link_init(&a->link, env, c.api_base, (struct str){0});
    if (r < 0) {
        mem_free(a);
        return r;
    }
    r = kf_build(a, &c);
    if (r < 0)
        kf_free(a);
    else
        *ret = a;
    return r;
}

static int kf_start(struct adapter *a, const char *cursor)
{
    wecom_link_open(&a->link);
    wecom_token_start(a->link.token);
    return wecom_sync_start(a->sync, cursor);
}

static int kf_perform(struct adapter *a, struct attempt_id id, const struct call *call,
                      const struct recipient *to, size_t n)
{
    struct call own = *call;

    own.account = str_of(a->open_kfid);
    return wecom_call_start(&a->link, &wecom_kf_table, 0, id, &own, to, n);
}

static void kf_stored(struct adapter *a, struct inbound_id id, const struct content *reply, int err)
{
    if (!wecom_sync_stored(a->sync, id, err))
        wecom_inbox_stored(&a->inbox, id, reply, err);
}

static int kf_hook(struct adapter *a, const struct hook_call *call)
{
    return wecom_inbox_take(&a->inbox, call);
}

static void kf_stop(struct adapter *a)
{
    wecom_link_close(&a->link);
    wecom_inbox_close(&a->inbox);
    wecom_call_cancel_all(&a->link);
    wecom_sync_stop(a->sync);
    wecom_token_stop(a->link.token);
}

const struct adapter_ops wecom_kf_ops = {
    .kind = "wecom-kf",
    .create = kf_create,
    .start = kf_start,
    .perform = kf_perform,
    .stored = kf_stored,
    .hook = kf_hook,
    .nudge = kf_nudge,
    .stop = kf_stop,
    .free = kf_free,
};
