/* SPDX-License-Identifier: Apache-2.0 */
/* wecom_link.h - what the parts of one connection share: addresses, secrets, time, alerts, and the way out.
 *
 *     init -> open -> (enter | leave)* -> close -> host.stopped, when the last part has left -> fini
 *
 * Parts are the token, each call, the kf synchronisation. A part enters when it comes to own something that
 * the loop still has to close, and leaves from the loop as its last act.
 *
 * Units    ms. wecom_link_now_ms() is judgement time (mono); timers want real time: wecom_link_real_ms().
 * Errors   0 or a negative err.
 * Memory   copies addresses and secrets, wipes the secrets.
 * Threads  the loop thread only.
 */
#ifndef SIYU_ADAPTERS_WECOM_LINK_H
#define SIYU_ADAPTERS_WECOM_LINK_H

#include "adapter.h"
#include "base/buf.h"
#include "base/list.h"
#include "loop/timer.h"

struct wecom_token;

struct wecom_link {
    const struct adapter_env *env;
    char *api_base;
    char *key;                 /* of a webhook, in place of a token; else NULL */
    struct wecom_token *token; /* NULL: webhook */
    struct list calls;         /* struct wecom_call */
    size_t call_count;
    bool stopping;
    size_t parts;
    struct timer closer;
    int alerted_code;
    int64_t alerted_ms;
};

int wecom_link_init(struct wecom_link *l, const struct adapter_env *env, struct str api_base, struct str key);
void wecom_link_fini(struct wecom_link *l);

void wecom_link_open(struct wecom_link *l);
void wecom_link_enter(struct wecom_link *l);
void wecom_link_leave(struct wecom_link *l);
void wecom_link_close(struct wecom_link *l);

int64_t wecom_link_now_ms(const struct wecom_link *l);
/* How long `ms` of judgement time last on the loop's timers. */
int64_t wecom_link_real_ms(const struct wecom_link *l, int64_t ms);

/* Tells the operator, once in ten minutes for the same code. */
void wecom_link_alert(struct wecom_link *l, int code, const char *what, struct str why);

/* Appends api_base, `path`, the token (or the key) and `query`. */
int wecom_link_url(const struct wecom_link *l, const char *path, const char *token, struct str query,
                   struct buf *out);

#endif
