/* SPDX-License-Identifier: Apache-2.0 */
/* wecom_sync.h - reads the messages of one 微信客服 account, page after page.
 *
 * A wake-up starts a round; more of them during a round cause one more round. A page is fetched, its events
 * and its cursor are committed together, and only then comes the next: nothing is skipped, and what a crash
 * repeats is deduped by msgid. Without wake-ups a round starts every `poll_every_ms`, and one at the start.
 *
 * Units    ms of judgement time.
 * Errors   are waited out, 1 s growing to a minute; refused credentials alert.
 * Memory   heap; copies its configuration and the cursor.
 * Threads  the loop thread only.
 */
#ifndef SIYU_ADAPTERS_WECOM_SYNC_H
#define SIYU_ADAPTERS_WECOM_SYNC_H

#include "adapters/wecom/wecom_link.h"

struct wecom_sync;

int wecom_sync_new(struct wecom_link *link, struct str open_kfid, int64_t poll_every_ms,
                   struct wecom_sync **ret);
/* `cursor`: the last committed one, NULL: from the oldest that is kept. Enters `link`. */
int wecom_sync_start(struct wecom_sync *s, const char *cursor);
/* `token`: of the callback; empty: none. */
void wecom_sync_wake(struct wecom_sync *s, struct str token);
/* The answer to an inbound() of ours: true. Any other id: false. */
bool wecom_sync_stored(struct wecom_sync *s, struct inbound_id id, int err);
/* Leaves `link` when it is through. */
void wecom_sync_stop(struct wecom_sync *s);
/* Before start or after stop is through. NULL is a no-op. */
void wecom_sync_free(struct wecom_sync *s);

#endif
