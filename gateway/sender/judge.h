/* SPDX-License-Identifier: Apache-2.0 */
/* judge.h - one due delivery, looked at again: may it go now, later, or never?
 *
 * Memory   the batch's arena. Threads: the engine thread.
 */
#ifndef SIYU_SENDER_JUDGE_H
#define SIYU_SENDER_JUDGE_H

#include "engine/facts.h"
#include "limits/quota.h"

enum { JUDGE_WANTS = 32 };

/* A due row on its way to an attempt. */
struct candidate {
    struct delivery_row *row;
    struct account *account;
    struct person *who;      /* NULL: a group */
    struct str to;           /* the platform's id */
    struct content_row content;
    struct str text;         /* what is sent, as JSON; set by judge_content */
    bool shared;             /* many recipients may get this very text */
    struct attempt_id attempt;
    struct claim_want wants[JUDGE_WANTS]; /* the delivery's own */
    size_t want_count;
};

/* False: its time was over, and it has ended. */
bool judge_deadline(struct batch *b, struct delivery_row *row);
/* Ends or holds the row where it must not go now. True: it may go, as far as people and hours are concerned. */
bool judge_person(struct batch *b, struct candidate *c);
/* Renders; false: the row has ended. */
bool judge_content(struct batch *b, struct candidate *c);
/* The only recipient left of a call that needs two: ends the row. */
void judge_alone(struct batch *b, struct candidate *c);
/* The wants of the delivery, and (with `attempt`) those of its call. Negative err. */
int judge_wants(struct batch *b, struct candidate *c, int64_t delivery, int64_t attempt, struct claim_want *ret,
                size_t cap);
/* Writes that `block` holds the row. True when the whole queue is held with it (account or domain). */
bool judge_hold(struct batch *b, struct candidate *c, const struct quota_block *block);
/* What the trace says about a charge: {"limit": "used/max", ...}. */
struct str judge_charged(struct batch *b, const struct claim_want *wants, size_t n);

#endif
