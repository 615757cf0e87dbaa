/* SPDX-License-Identifier: Apache-2.0 */
/* receipt.h - a platform's later word on something we sent: SMS reports, kf failures, mass-send results.
 *
 * Memory   the batch's arena. Threads: the engine thread.
 */
#ifndef SIYU_ENGINE_RECEIPT_H
#define SIYU_ENGINE_RECEIPT_H

#include "engine/incident.h"

/* Finds the attempt by (connection, handle), then the item by the contact, or all items when none is named.
 * A receipt that fits nothing is kept as an event and told in the trace of its contact. */
int receipt_learn(struct batch *b, const struct incident *i);

#endif
