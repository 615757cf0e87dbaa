/* SPDX-License-Identifier: Apache-2.0 */
/* rulepack.h - every platform number and error code that Siyu obeys, as data.
 *
 * The pack is one versioned JSON file (rulepack.json, compiled in). Each limit and each code carries its
 * source and how far it can be trusted. What is only a custom is in it as `advice`, which nobody enforces. An
 * operator lowers a limit in the playbook; raising one above an official value needs an explicit override.
 *
 * Units    limit amounts in provider units (`unit`); windows in ms.
 * Memory   the pack owns all it gives; constant after loading.
 * Threads  any, after rulepack_open().
 */
#ifndef SIYU_RULEPACK_H
#define SIYU_RULEPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "base/terms.h"

enum limit_scope {
    SCOPE_ACCOUNT,           /* one sending identity */
    SCOPE_DOMAIN,            /* quota domain: corp, appid, provider account */
    SCOPE_RECIPIENT,         /* one contact, over all accounts and channels */
    SCOPE_DOMAIN_RECIPIENT,  /* one contact as one quota domain sees it */
    SCOPE_ACCOUNT_RECIPIENT, /* one contact as one account sees it */
    SCOPE_GROUP,             /* one group */
    SCOPE_TASK,              /* one task that a human must confirm */
};

enum limit_window {
    WINDOW_PACE,    /* one call at a time, `span_ms` after the last answer */
    WINDOW_SLIDING, /* any `span_ms` */
    WINDOW_DAY,     /* calendar, Asia/Shanghai */
    WINDOW_WEEK,    /* Monday to Sunday */
    WINDOW_MONTH,
    WINDOW_OPENED, /* opened by an event of the contact, lasts `span_ms` */
};

enum limit_unit { UNIT_CALL, UNIT_MESSAGE, UNIT_SEGMENT };
enum trust { TRUST_OFFICIAL, TRUST_PRACTICE, TRUST_UNCONFIRMED, TRUST_OPERATOR };

/* What the platform applies to some accounts only, by their kind or by a switch in its console. */
enum limit_variant {
    VARIANT_ALL,              /* no condition */
    VARIANT_OFFICIAL_SERVICE, /* usual */
    VARIANT_OFFICIAL_SUBSCRIPTION,
    VARIANT_WECOM_SEND_MONTHLY, /* usual: as many group sends as the month has days */
    VARIANT_WECOM_SEND_WEEKLY,
    VARIANT_WECOM_SEND_DAILY,
};
enum { VARIANTS_USUAL = 1u << VARIANT_OFFICIAL_SERVICE | 1u << VARIANT_WECOM_SEND_MONTHLY };

enum { AMOUNT_DAYS_IN_MONTH = -1 }; /* as many as the month has days */

struct limit {
    int32_t id;       /* stable number, leads every counter key; operator limits from 10000 */
    const char *name; /* "wecom.webhook.minute" */
    enum limit_scope scope;
    enum limit_window window;
    enum limit_unit unit;
    enum trust trust;
    int64_t span_ms; /* sliding, pace, opened */
    int64_t amount;
    uint32_t kinds;     /* 1u << enum account_kind */
    uint32_t ops;       /* 1u << enum call_op; 1u << CALL_OP_COUNT: token calls */
    uint32_t classes;   /* 1u << enum message_class */
    uint64_t opened_by; /* WINDOW_OPENED: 1ull << enum event_kind */
    int alternative;    /* WINDOW_OPENED: limits with the same non-zero number are alternatives; the first
                           with room, in `id` order, is charged */
    enum limit_variant variant;
    bool advice; /* a good custom, not a rule: shown, not enforced unless an operator limit adopts it */
    const char *source, *verified; /* document as stated; date of the statement, "" unknown */
};

/* What an error code means for one call. */
struct code_rule {
    enum outcome outcome;
    bool refund;       /* LIMITED, PERMANENT: no message was counted by the platform; the call was */
    bool renew_token;  /* drop the token and ask once more */
    bool freeze;       /* ban-like */
    bool stop;         /* configuration or credentials: stop calling, alert */
    bool close_window; /* the recipient's event-opened window or quota is used up */
    bool unreachable;  /* no relation any more */
    bool refused;      /* the person wants none of this: no more marketing */
    int64_t retry_ms;  /* 0: none; -1: rest of the day; -2: rest of the month */
    int max_retries;   /* 0: as often as the deadline allows */
    const char *meaning, *source;
    enum trust trust;
};

/* What an account kind can do; the lint says so in plain words. */
struct kind_rule {
    enum account_kind kind;
    uint64_t receives;      /* 1ull << enum event_kind */
    uint32_t ops;           /* 1u << enum call_op */
    const char *no_keyword; /* why a keyword rule is impossible and the nearest way; NULL: possible */
    const char *no_broadcast;
    int max_recipients[CALL_OP_COUNT]; /* of one call; 0: the op carries none */
    const char *text_unit;             /* "bytes", "utf16", "chars" */
    int text_max;
    bool receipt;    /* accepted is not yet final: a receipt may come within 72 h */
    int pace_ms;     /* default gap between calls of one account */
    int concurrency; /* calls of one account in flight at once */
};

/* How a class treats time and doubt (reliability.md 3.3, as data). */
struct class_rule {
    enum message_class class;
    int64_t default_deadline_ms; /* from creation; 0: none of its own */
    bool resend_unknown;         /* the same key may be repeated (single-use codes, provider keys) */
    int max_attempts;
    bool marketing; /* quiet hours, refusals and operator limits bind it */
};

struct rulepack;

/* Loads the compiled-in pack. ERR_CONFIG with complaints when the data is inconsistent. */
int rulepack_open(struct rulepack **ret, struct diag *diag);
void rulepack_close(struct rulepack *p);

const char *rulepack_version(const struct rulepack *p);
const struct limit *rulepack_limits(const struct rulepack *p, size_t *ret_n);
const struct limit *rulepack_limit(const struct rulepack *p, int32_t id); /* NULL: none */
const struct kind_rule *rulepack_kind(const struct rulepack *p, enum account_kind kind);
const struct class_rule *rulepack_class(const struct rulepack *p, enum message_class class);

/* `platform`: "wecom", "official", "aliyun"; and what they say later: "wecom.kf_fail" (fail_type),
 * "wecom.task_result" (send_list status), "official.mass_result" (err(N)), "carrier" (SMS receipts, words).
 * `op`: CALL_OP_COUNT for token calls. An unknown code gives the platform's rule for unknown codes, never
 * NULL; an unknown platform a rule that says `unknown`. */
const struct code_rule *rulepack_code(const struct rulepack *p, const char *platform, enum call_op op,
                                      int code);
const struct code_rule *rulepack_word(const struct rulepack *p, const char *platform, struct str code);

/* A stated number that no counter watches: sizes, lives, deadlines ("wecom.welcome.life_ms"). ERR_NOT_FOUND.
 */
int rulepack_fact(const struct rulepack *p, const char *name, int64_t *ret);

/* The longest exchange with a provider and the largest clock difference that limits allow for. */
int64_t rulepack_t_send_ms(const struct rulepack *p);
int64_t rulepack_skew_ms(const struct rulepack *p);

#endif
