/* SPDX-License-Identifier: Apache-2.0 */
/* wecom_pages.h - reading lists that come page by page, within bounds.
 *
 * Errors   -ENOMEM.
 * Memory   cursors are copied into the ask.
 * Threads  one at a time.
 */
#ifndef SIYU_ADAPTERS_WECOM_PAGES_H
#define SIYU_ADAPTERS_WECOM_PAGES_H

#include "adapters/wecom/wecom_wire.h"

enum { WECOM_PAGES_MAX = 32 }; /* of one list in one ask */

struct wecom_pages {
    struct str cursor; /* of the page that comes next */
    int read;
    bool cut; /* there are more pages than may be read */
};

/* From call.params {"cursor"}, else from the beginning. */
int wecom_pages_init(struct wecom_pages *p, struct wecom_ask *a, const json_t *params);
void wecom_pages_restart(struct wecom_pages *p);
/* After each page: 1 another one is there and may be read, 0 the end. */
int wecom_pages_next(struct wecom_pages *p, struct wecom_ask *a, const json_t *answer);
/* Notes in the ask's data where a later ask goes on. */
int wecom_pages_add_rest(const struct wecom_pages *p, struct wecom_ask *a);

/* Asks for the next page about a task: its members, or with `userid` the recipients of one of them. */
int wecom_pages_ask_task(const struct wecom_pages *p, struct wecom_ask *a, struct str msgid,
                         struct str userid);

#endif
