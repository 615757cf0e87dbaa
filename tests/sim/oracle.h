/* SPDX-License-Identifier: Apache-2.0 */
/* oracle.h - what must hold, judged by what the platforms saw.
 *
 *   1. what was acknowledged is in the store once, and decided at the end, with the deliveries it asks for
 *   2. each delivery, and each text to one recipient, is taken by a platform at most once
 *   3. no platform refuses by a limit that we should have known, and the windows recounted from the ledger
 * hold
 *   4. at the end everything is final, the record agrees with the ledger, and the store's own check is clean
 *
 * Findings are printed and counted.
 */
#ifndef SIYU_TESTS_SIM_ORACLE_H
#define SIYU_TESTS_SIM_ORACLE_H

#include "engine/message.h"

struct oracle;
struct sb_entry;
struct sim;

struct oracle *oracle_new(struct sim *s);
void oracle_free(struct oracle *o);
int64_t oracle_findings(const struct oracle *o);
void oracle_findf(struct oracle *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The platforms' side. Entries between begins and ends belong to the order; `injected`: refused by the
 * weather. */
void oracle_call_begins(struct oracle *o, const struct reply_perform *order, const char *connection,
                        bool injected);
void oracle_entry(struct oracle *o, const struct sb_entry *e);
void oracle_call_ends(struct oracle *o);
/* A customer wrote, which opens a turn; a follower came or left. */
void oracle_spoke(struct oracle *o, const char *customer, int64_t platform_ms);
void oracle_follows(struct oracle *o, const char *openid, bool follows);
bool oracle_is_stranger(const struct oracle *o, const char *openid);
/* The platform has a passive reply to push `key`; it shows the first one. */
void oracle_seen(struct oracle *o, const char *openid, const char *key, const char *text);

/* The gateway's side. */
void oracle_ordered(struct oracle *o, const struct reply_perform *order);
void oracle_acknowledged(struct oracle *o, const struct op_inbound *op);
/* The store's own check, of the store as it is now. */
void oracle_verify(struct oracle *o);
/* Everything, when nothing more will happen. */
void oracle_end(struct oracle *o);

struct oracle_figures {
    int64_t acknowledged, orders, taken, refused_by_limit;
};
struct oracle_figures oracle_figures(const struct oracle *o);

#endif
