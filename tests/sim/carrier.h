/* SPDX-License-Identifier: Apache-2.0 */
/* carrier.h - one attempt's way to a platform and its answer's way back, through bad weather.
 *
 *     order -> checked like host/channel.c -> the adapter's request -> [away] -> the model's answer -> facts
 *
 * Once bytes are away they arrive, whatever becomes of the gateway: at most T_send after the order.
 */
#ifndef SIYU_TESTS_SIM_CARRIER_H
#define SIYU_TESTS_SIM_CARRIER_H

#include "engine/message.h"

struct sim;
struct carrier;

struct carrier *carrier_new(struct sim *s);
void carrier_free(struct carrier *c);

/* Takes the order. */
void carrier_perform(struct carrier *c, struct reply_perform *order);
void carrier_died(struct carrier *c);
/* One page of sync_msg, now. NULL: refused, `reterr` says with which code. */
json_t *carrier_sync(struct carrier *c, struct str body, int *reterr);

#endif
