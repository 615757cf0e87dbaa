/* SPDX-License-Identifier: Apache-2.0 */
/* profile.h - who is this? Callbacks name customers by id only; the platform is asked once for the rest.
 *
 * Nothing waits for the answer: a welcome within 20 s goes out without a name if it must.
 *
 * Errors   0 or a negative err of the store. Memory: the batch's arena. Threads: the engine thread.
 */
#ifndef SIYU_ENGINE_PROFILE_H
#define SIYU_ENGINE_PROFILE_H

#include "engine/incident.h"

/* Asks about the incident's contact when it has no name yet and the platform can tell. */
int profile_ask(struct batch *b, const struct incident *i);
int profile_learn(struct batch *b, const struct attempt_row *ask, const struct op_facts *op);

#endif
