/* SPDX-License-Identifier: Apache-2.0 */
/* push.h - carries pushes to the gateway, as often as the platform would.
 *
 * WeCom and official account: no answer in 5 s, no connection or a 5xx -> again, three attempts in all, the
 * next one 5 s after the one before began. Aliyun: not {"code":0} -> again after 1, 5 and 10 minutes. Every
 * attempt is a ledger line "push" with `acknowledged`; a passive reply is a line "passive". A check of the
 * callback's address is made once and acknowledged when the answer is the echo, within a second.
 *
 *     new -> add* -> stop -> on_stopped -> free
 *
 * Units    the 5 s are real time, the minutes are the platform's clock.
 * Errors   ERR_FULL from sb_pusher_add(): SB_PUSHES_MOST wait already; the push is dropped.
 * Memory   as must.h. The model, ledger and clock outlive the pusher.
 * Threads  the loop thread only.
 */
#ifndef SIYU_SANDBOX_PUSH_H
#define SIYU_SANDBOX_PUSH_H

#include "base/clock.h"
#include "loop/http_client.h"
#include "sandbox/ledger.h"
#include "sandbox/model.h"

enum { SB_PUSHES_MOST = 1000000, SB_PUSHES_AT_ONCE = 64 };

struct sb_pusher;
struct sb_pusher_conf {
    struct loop *loop;
    struct http_client *http;
    const struct clock *clock;
    struct sb_model *model;
    struct sb_ledger *ledger;
    const char *gateway; /* "http://127.0.0.1:8600" */
};

struct sb_pusher *sb_pusher_new(const struct sb_pusher_conf *conf);
/* Takes `p`. */
int sb_pusher_add(struct sb_pusher *q, struct sb_push *p);
/* Waiting ones are dropped, those on the way are cut. */
void sb_pusher_stop(struct sb_pusher *q, void (*on_stopped)(void *ctx), void *ctx);
void sb_pusher_free(struct sb_pusher *q);

struct sb_pusher_load {
    size_t waiting, sending, resting; /* resting: between two attempts */
};
struct sb_pusher_load sb_pusher_load(const struct sb_pusher *q);

/* What an answer means, apart from any socket. */
struct sb_push_verdict {
    bool acknowledged;
    int64_t again_ms; /* -1: never again; else from the start of this attempt */
    bool real_time;   /* again_ms is real time, else the platform's */
};
struct sb_push_verdict sb_push_judge(const struct sb_model *m, const struct sb_push *p, enum http_end end,
                                     int status, struct str body);

#endif
