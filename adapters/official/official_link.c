/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/official/official_link.h"

#include <assert.h>
#include <errno.h>

#include "base/clock.h"
#include "base/mem.h"

enum { ALERT_AGAIN_MS = 10 * 60 * 1000 };

int official_link_init(struct official_link *l, const struct adapter_env *env, struct str api_base,
                       bool subscription)
{
    *l = (struct official_link){
        .env = env, .subscription = subscription, .alerted_ms = INT64_MIN / 2}; /* never */
    list_init(&l->calls);
    official_tags_init(&l->tags);
    l->api_base = mem_strndup(api_base.p, api_base.n);
    return l->api_base ? 0 : -ENOMEM;
}

void official_link_fini(struct official_link *l)
{
    assert(l->parts == 0 && l->call_count == 0);
    official_tags_fini(&l->tags);
    mem_free(l->api_base);
    l->api_base = NULL;
}

void official_link_open(struct official_link *l)
{
    timer_init(l->env->loop, &l->closer);
    official_link_enter(l);
}

void official_link_enter(struct official_link *l)
{
    l->parts++;
}

void official_link_leave(struct official_link *l)
{
    const struct adapter_host *host = l->env->host;

    assert(l->parts > 0);
    if (--l->parts == 0)
        host->stopped(host->ctx); /* last: the host may free us */
}

static void on_closer_closed(struct timer *t)
{
    official_link_leave(container_of(t, struct official_link, closer));
}

void official_link_close(struct official_link *l)
{
    assert(!l->stopping);
    l->stopping = true;
    timer_close(&l->closer, on_closer_closed);
}

int64_t official_link_now_ms(const struct official_link *l)
{
    return clock_mono_ms(l->env->clock);
}

void official_link_alert(struct official_link *l, int code, const char *what, struct str why)
{
    const struct adapter_host *host = l->env->host;
    int64_t now_ms = official_link_now_ms(l);

    if (code == l->alerted_code && now_ms < l->alerted_ms + ALERT_AGAIN_MS)
        return;
    l->alerted_code = code;
    l->alerted_ms = now_ms;
    host->alert(host->ctx, what, why);
}
