/* SPDX-License-Identifier: Apache-2.0 */
/* post.h - callbacks: from the model's push to the gateway's inbox and the acknowledgement back, as often as
 * the platform tries; and the host's spool, for when the engine does not answer.
 *
 * Memory   owns what is on its way.
 */
#ifndef SIYU_TESTS_SIM_POST_H
#define SIYU_TESTS_SIM_POST_H

#include "engine/message.h"

struct sb_push;
struct sim;
struct post;

struct post *post_new(struct sim *s);
void post_free(struct post *p);

/* Takes the push. */
void post_push(struct post *p, struct sb_push *push);
void post_stored(struct post *p, const struct reply_stored *r);
void post_died(struct post *p);
void post_started(struct post *p);

/* The passive reply of this event was not written any more. The order's answer carries the event's id. */
void post_unsay(struct post *p, struct event_id event);

struct inbound_id post_inbound_id(struct post *p);

#endif
