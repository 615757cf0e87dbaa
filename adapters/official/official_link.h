/* SPDX-License-Identifier: Apache-2.0 */
/* official_link.h - what the parts of one connection share: address, token, tags, calls, alerts, and the way
 * out.
 *
 *     init -> open -> (enter | leave)* -> close -> host.stopped, when the last part has left -> fini
 *
 * Parts are the token and each call. A part enters when it comes to own something that the loop still has to
 * close, and leaves from the loop as its last act.
 *
 * Units    ms. official_link_now_ms() is judgement time; timers want real time: clock_real_ms().
 * Errors   0 or a negative err.
 * Memory   the caller's storage; copies the address.
 * Threads  the loop thread only.
 */
#ifndef SIYU_ADAPTERS_OFFICIAL_LINK_H
#define SIYU_ADAPTERS_OFFICIAL_LINK_H

#include "adapter.h"
#include "adapters/official/official_tags.h"
#include "base/list.h"
#include "loop/timer.h"

struct official_token;

struct official_link {
    const struct adapter_env *env;
    char *api_base;
    bool subscription; /* the account is a 订阅号 */
    struct official_token *token;
    struct official_tags tags;
    struct list calls; /* struct official_call */
    size_t call_count;
    bool stopping;
    size_t parts;
    struct timer closer;
    int alerted_code;
    int64_t alerted_ms;
};

int official_link_init(struct official_link *l, const struct adapter_env *env, struct str api_base,
                       bool subscription);
void official_link_fini(struct official_link *l);

void official_link_open(struct official_link *l);
void official_link_enter(struct official_link *l);
void official_link_leave(struct official_link *l);
void official_link_close(struct official_link *l);

int64_t official_link_now_ms(const struct official_link *l);
/* Tells the operator, once in ten minutes for the same code. */
void official_link_alert(struct official_link *l, int code, const char *what, struct str why);

#endif
