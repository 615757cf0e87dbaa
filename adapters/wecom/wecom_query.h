/* SPDX-License-Identifier: Apache-2.0 */
/* wecom_query.h - was a task created of which we had no answer?
 *
 * A task is ours when it was created in the time asked about, has our text (where it is known), is given to
 * our member and, where a customer is named, goes to him. It takes the text or a customer to ask. Parameters
 * and results: wecom_table.h. Errors and memory as in wecom_wire.h.
 */
#ifndef SIYU_ADAPTERS_WECOM_QUERY_H
#define SIYU_ADAPTERS_WECOM_QUERY_H

#include "adapters/wecom/wecom_wire.h"

enum { WECOM_QUERY_CANDIDATES = 64 };

int wecom_query_begin(struct wecom_ask *a, const struct call *call);
int wecom_query_take(struct wecom_ask *a, const json_t *answer);

#endif
