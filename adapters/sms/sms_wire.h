/* SPDX-License-Identifier: Apache-2.0 */
/* sms_wire.h - what one attempt asks of Aliyun, as parameters and answers: pure, no I/O.
 *
 *     init -> begin (the first request) -> take(answer) -> [take(answer) ...] -> results -> fini
 *
 *     CALL_SEND   SendSms: one request for all numbers, OutId is the call's key, provider_id the BizId. What
 * is no mainland number becomes an item PERMANENT; the others share the outcome. CALL_QUERY  QuerySendDetails
 * of the number `params.to`, on the days from `params.from_ms` to `params.to_ms`, page after page until OutId
 * is the call's key or handle. `data`: {"found": bool, "status"?: 1 waiting | 2 failed | 3 delivered,
 * "err_code"?, "receive_date"?}; one item when found. Not found is proof only as far as Aliyun's own list is
 * complete.
 *
 * Errors   begin: ERR_UNSUPPORTED another op; ERR_INVALID the message can never be sent, `fault` is the word
 *          for it: Aliyun's own, or sms.no_template, sms.no_signature, sms.no_refusal_text,
 *          sms.incomplete_query; -ENOMEM. take: ERR_SYNTAX the answer is not what the documentation says;
 *          ERR_TOO_BIG more pages than anybody reads; -ENOMEM.
 * Memory   an ask copies what it keeps of the call; results belong to it until fini.
 * Threads  one at a time.
 */
#ifndef SIYU_ADAPTERS_SMS_WIRE_H
#define SIYU_ADAPTERS_SMS_WIRE_H

#include "adapter.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/vec.h"

#define SMS_API_VERSION "2017-05-25"

enum {
    SMS_PARAMS_BYTES = 128 * 1024,      /* 1,000 numbers and a template's parameters, encoded */
    SMS_ANSWER_BYTES = 2 * 1024 * 1024, /* a page of 50 details, with their texts */
    SMS_WORD_BYTES = 96,
    SMS_DETAIL_PAGE = 50,
    SMS_DETAIL_PAGES = 40, /* that one query reads at most */
};

/* Who sends: the connection's. */
struct sms_sender {
    struct str signature, region, refusal_text;
    const struct rulepack *rules;
};

struct sms_query {
    struct str phone, to, key, handle;
    int64_t day, last_day; /* index of shanghai.h */
    int64_t page, pages_read;
};

struct sms_ask;
enum { SMS_DONE, SMS_MORE };

struct sms_ask {
    const struct sms_sender *who;
    enum call_op op;
    const char *action; /* static: "SendSms" */
    struct buf params;  /* as sms_acs3_query() writes it */
    struct arena memory;
    struct sms_query query;
    size_t number_count; /* that SendSms carries */
    const char *fault;   /* static */

    /* Results, of use after SMS_DONE; `items` already after a begin that refused. */
    enum outcome outcome;
    struct str provider_id;
    struct vec items; /* struct item_result */
    json_t *data;
};

void sms_ask_init(struct sms_ask *a, const struct sms_sender *who);
void sms_ask_fini(struct sms_ask *a);
int sms_ask_begin(struct sms_ask *a, const struct call *call, const struct recipient *to, size_t n);
/* `answer`: a whole one, whose Code is OK. */
int sms_ask_take(struct sms_ask *a, const json_t *answer);

/* The head that every answer has. */
struct sms_answer {
    json_t *json;
    char word[SMS_WORD_BYTES]; /* Code; flow control with its level: "isv.BUSINESS_LIMIT_CONTROL:minute" */
    const char *message;       /* never NULL */
};
/* ERR_SYNTAX: not an object with a Code. */
int sms_answer_read(struct str body, struct sms_answer *ret);
void sms_answer_fini(struct sms_answer *a);

#endif
