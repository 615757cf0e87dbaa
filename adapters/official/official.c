/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/official/official.h"

#include <errno.h>

#include "adapters/official/official_call.h"
#include "adapters/official/official_conf.h"
#include "adapters/official/official_inbox.h"
#include "adapters/official/official_token.h"
#include "base/mem.h"

struct adapter {
    struct official_link link;
    struct official_inbox inbox;
};

static void official_free(struct adapter *a)
{
    if (!a)
        return;
    official_inbox_fini(&a->inbox);
    official_token_free(a->link.token);
    official_link_fini(&a->link);
    mem_free(a);
}

static int official_create(const struct adapter_env *env, const json_t *conf, struct diag *diag,
                           struct adapter **ret)
{
    struct official_conf c;
    struct adapter *a;
    int r = official_conf_read(&c, env->name, conf, diag);

    if (r < 0)
        return r;
    a = mem_calloc(1, sizeof(*a));
    if (!a)
        return -ENOMEM;
    r = official_link_init(&a->link, env, c.api_base, c.subscription);
    if (r == 0)
        r = official_inbox_init(&a->inbox, &a->link, &c);
    if (r == 0)
        r = official_token_new(&a->link, c.appid, c.secret, &a->link.token);
    if (r < 0)
        official_free(a);
    else
        *ret = a;
    return r;
}

static int official_start(struct adapter *a, const char *cursor)
{
    (void)cursor; /* the platform pushes */
    official_link_open(&a->link);
    official_token_start(a->link.token);
    return 0;
}

static int official_perform(struct adapter *a, struct attempt_id id, const struct call *call,
                            const struct recipient *to, size_t n)
{
    return official_call_start(&a->link, id, call, to, n);
}

static void official_stored(struct adapter *a, struct inbound_id id, const struct content *reply, int err)
{
    official_inbox_stored(&a->inbox, id, reply, err);
}

static int official_take_hook(struct adapter *a, const struct hook_call *call)
{
    return official_inbox_take(&a->inbox, call);
}

static void official_stop(struct adapter *a)
{
    official_link_close(&a->link);
    official_inbox_close(&a->inbox);
    official_call_cancel_all(&a->link);
    official_token_stop(a->link.token);
}

const struct adapter_ops official_ops = {
    .kind = "official",
    .create = official_create,
    .start = official_start,
    .perform = official_perform,
    .stored = official_stored,
    .hook = official_take_hook,
    .stop = official_stop,
    .free = official_free,
};
