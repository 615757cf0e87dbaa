/* SPDX-License-Identifier: Apache-2.0 */
/* sync.h - the reader of 微信客服 messages, as wecom_sync.c reads them: page, commit, next page.
 */
#ifndef SIYU_TESTS_SIM_SYNC_H
#define SIYU_TESTS_SIM_SYNC_H

#include "engine/message.h"

struct sim;
struct sync;

struct sync *sync_new(struct sim *s);
void sync_free(struct sync *x);

/* Begins a round with the committed cursor. */
void sync_started(struct sync *x);
void sync_died(struct sync *x);
void sync_wake(struct sync *x, struct str token);
/* False: not an answer to this reader. */
bool sync_stored(struct sync *x, const struct reply_stored *r);

#endif
