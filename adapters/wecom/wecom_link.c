/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/wecom/wecom_link.h"

#include <assert.h>
#include <errno.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/mem.h"

enum { ALERT_AGAIN_MS = 10 * 60 * 1000 };

int wecom_link_init(struct wecom_link *l, const struct adapter_env *env, struct str api_base, struct str key)
{
    *l = (struct wecom_link){.env = env};
    list_init(&l->calls);
    l->api_base = mem_strndup(api_base.p, api_base.n);
    if (key.n)
        l->key = mem_strndup(key.p, key.n);
    if (l->api_base && (l->key || key.n == 0))
        return 0;
    wecom_link_fini(l);
    return -ENOMEM;
}

void wecom_link_fini(struct wecom_link *l)
{
    assert(l->parts == 0 && l->call_count == 0);
    if (l->key)
        crypto_wipe(l->key, str_of(l->key).n);
    mem_free(l->key);
    mem_free(l->api_base);
    l->key = l->api_base = NULL;
}

void wecom_link_open(struct wecom_link *l)
{
    timer_init(l->env->loop, &l->closer);
    wecom_link_enter(l);
}

void wecom_link_enter(struct wecom_link *l)
{
    l->parts++;
}

void wecom_link_leave(struct wecom_link *l)
{
    const struct adapter_host *host = l->env->host;

    assert(l->parts > 0);
    if (--l->parts == 0)
        host->stopped(host->ctx); /* last: the host may free us */
}

static void on_closer_closed(struct timer *t)
{
    wecom_link_leave(container_of(t, struct wecom_link, closer));
}

void wecom_link_close(struct wecom_link *l)
{
    assert(!l->stopping);
    l->stopping = true;
    timer_close(&l->closer, on_closer_closed);
}

int64_t wecom_link_now_ms(const struct wecom_link *l)
{
    return clock_mono_ms(l->env->clock);
}

int64_t wecom_link_real_ms(const struct wecom_link *l, int64_t ms)
{
    return clock_real_ms(l->env->clock, ms);
}

void wecom_link_alert(struct wecom_link *l, int code, const char *what, struct str why)
{
    const struct adapter_host *host = l->env->host;
    int64_t now_ms = wecom_link_now_ms(l);

    if (code == l->alerted_code && now_ms < l->alerted_ms + ALERT_AGAIN_MS)
        return;
    l->alerted_code = code;
    l->alerted_ms = now_ms;
    host->alert(host->ctx, what, why);
}

int wecom_link_url(const struct wecom_link *l, const char *path, const char *token, struct str query,
                   struct buf *out)
{
    (void)buf_addf(out, "%s%s?%s=", l->api_base, path, l->key ? "key" : "access_token");
    (void)str_percent_encode(str_of(l->key ? l->key : token), out);
    if (query.n) {
        (void)buf_addc(out, '&');
        (void)buf_add_str(out, query);
    }
    return buf_error(out);
}
