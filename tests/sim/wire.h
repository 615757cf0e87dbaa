/* SPDX-License-Identifier: Apache-2.0 */
/* wire.h - the adapters' pure codecs in front of the sandbox's model: an attempt's requests, judged as the
 * adapters judge them.
 *
 * Memory   as the codecs: what facts name belongs to the wire until wire_fini().
 */
#ifndef SIYU_TESTS_SIM_WIRE_H
#define SIYU_TESTS_SIM_WIRE_H

#include "adapter.h"
#include "adapters/official/official_wire.h"
#include "adapters/sms/sms_wire.h"
#include "adapters/wecom/wecom_wire.h"

struct rulepack;
struct sb_model;

enum wire_kind { WIRE_CORP, WIRE_KF, WIRE_WEBHOOK, WIRE_OFFICIAL, WIRE_SMS };

/* Tokens and what else an adapter keeps between calls. */
struct wire_keeper {
    struct sb_model *model;
    const struct rulepack *rules;
    char tokens[WIRE_SMS + 1][80];
    struct official_tags tags;
    uint64_t nonce;
};
void wire_keeper_init(struct wire_keeper *k, struct sb_model *m, const struct rulepack *rules);
void wire_keeper_fini(struct wire_keeper *k);
/* The gateway's process is gone, and its memory. */
void wire_keeper_forget(struct wire_keeper *k);

struct wire {
    struct wire_keeper *keeper;
    enum wire_kind kind;
    const char *connection;
    union {
        struct wecom_ask wecom;
        struct official_ask official;
        struct sms_ask sms;
    };
    struct sms_sender sender;
    bool renewed;
    char error[256];
};

enum wire_kind wire_kind_of(const char *connection);

/* 0: there is something to send. Else `ret` says what became of it without a byte. */
int wire_begin(struct wire *w, struct wire_keeper *k, const char *connection, int64_t now_ms,
               const struct call *call, const struct recipient *to, size_t n, struct facts *ret);
void wire_fini(struct wire *w);

/* All requests of the attempt, one behind the other, at the platform's time. `refusal` (0: none) is answered
 * instead of doing anything. */
void wire_exchange(struct wire *w, int64_t platform_ms, int refusal, struct facts *ret);

/* A request of the sync reader, with a token. NULL: refused, `reterr` says with which code. */
json_t *wire_sync(struct wire_keeper *k, int64_t platform_ms, struct str body, int *reterr);

#endif
