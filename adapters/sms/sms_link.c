/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/sms/sms_link.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/crypto.h"

enum { ALERT_AGAIN_MS = 10 * 60 * 1000, LINK_MEMORY_BYTES = 256 * 1024 };

static int keep(struct sms_link *l, struct str s, struct str *ret)
{
    char *copy = arena_str(&l->memory, s);

    *ret = (struct str){copy, copy ? s.n : 0};
    return copy ? 0 : -ENOMEM;
}

static int keep_url(struct sms_link *l, const struct sms_conf *conf)
{
    const char *url = arena_printf(&l->memory, "%.*s/", STR_ARG(conf->api_base));

    if (!url)
        return -ENOMEM;
    l->url = str_of(url);
    l->uri = str_sub(l->url, l->url.n - conf->path.n - 1, l->url.n);
    return 0;
}

int sms_link_init(struct sms_link *l, const struct adapter_env *env, const struct sms_conf *conf)
{
    bool failed;

    *l = (struct sms_link){.env = env, .sender = {.rules = env->rules}};
    list_init(&l->calls);
    arena_init(&l->memory, LINK_MEMORY_BYTES);
    failed = keep_url(l, conf) < 0;
    failed |= keep(l, conf->host, &l->host) < 0;
    failed |= keep(l, conf->access_key_id, &l->key_id) < 0;
    failed |= keep(l, conf->access_key_secret, &l->secret) < 0;
    failed |= keep(l, conf->path_key, &l->path_key) < 0;
    failed |= keep(l, conf->signature, &l->sender.signature) < 0;
    failed |= keep(l, conf->region, &l->sender.region) < 0;
    failed |= keep(l, conf->refusal_text, &l->sender.refusal_text) < 0;
    if (failed)
        sms_link_fini(l);
    return failed ? -ENOMEM : 0;
}

static void wipe(struct str secret)
{
    if (secret.n)
        crypto_wipe((char *)(uintptr_t)secret.p, secret.n); /* our own copy */
}

void sms_link_fini(struct sms_link *l)
{
    assert(l->parts == 0 && l->call_count == 0);
    wipe(l->secret);
    wipe(l->path_key);
    arena_fini(&l->memory);
    l->secret = l->path_key = (struct str){0};
}

void sms_link_open(struct sms_link *l)
{
    timer_init(l->env->loop, &l->closer);
    sms_link_enter(l);
}

void sms_link_enter(struct sms_link *l)
{
    l->parts++;
}

void sms_link_leave(struct sms_link *l)
{
    const struct adapter_host *host = l->env->host;

    assert(l->parts > 0);
    if (--l->parts == 0)
        host->stopped(host->ctx); /* last: the host may free us */
}

static void on_closer_closed(struct timer *t)
{
    sms_link_leave(container_of(t, struct sms_link, closer));
}

void sms_link_close(struct sms_link *l)
{
    assert(!l->stopping);
    l->stopping = true;
    timer_close(&l->closer, on_closer_closed);
}

void sms_link_alert(struct sms_link *l, const char *word, struct str why)
{
    const struct adapter_host *host = l->env->host;
    int64_t now_ms = clock_mono_ms(l->env->clock);
    char what[SMS_WORD_BYTES + 32];

    if (str_is(str_of(word), l->alerted_word) && now_ms < l->alerted_ms + ALERT_AGAIN_MS)
        return;
    (void)snprintf(l->alerted_word, sizeof(l->alerted_word), "%s", word);
    l->alerted_ms = now_ms;
    (void)snprintf(what, sizeof(what), "sms: refused with %s", word);
    host->alert(host->ctx, what, why);
}
