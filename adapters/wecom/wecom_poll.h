/* SPDX-License-Identifier: Apache-2.0 */
/* wecom_poll.h - questions: what became of a task, and who is this customer.
 *
 * Parameters and results: wecom_table.h. Functions for it; errors and memory as in wecom_wire.h.
 */
#ifndef SIYU_ADAPTERS_WECOM_POLL_H
#define SIYU_ADAPTERS_WECOM_POLL_H

#include "adapters/wecom/wecom_wire.h"

int wecom_status_begin(struct wecom_ask *a, const struct call *call);
int wecom_status_take(struct wecom_ask *a, const json_t *answer);

int wecom_result_begin(struct wecom_ask *a, const struct call *call);
int wecom_result_take(struct wecom_ask *a, const json_t *answer);

int wecom_detail_begin(struct wecom_ask *a, const struct call *call);
int wecom_detail_take(struct wecom_ask *a, const json_t *answer);

#endif
