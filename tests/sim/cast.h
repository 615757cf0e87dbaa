/* SPDX-License-Identifier: Apache-2.0 */
/* cast.h - who plays: the platforms' configuration, the operator's playbook, and what customers do.
 *
 * Every text names its cause, so that the same words to the same person can only be the same message.
 */
#ifndef SIYU_TESTS_SIM_CAST_H
#define SIYU_TESTS_SIM_CAST_H

#include <jansson.h>

#include "base/str.h"
#include "base/terms.h"

struct sim;

json_t *cast_platforms(const struct sim *s); /* a new reference */
char *cast_playbook(struct sim *s);          /* mem_free() it */
void cast_schedule(struct sim *s);

/* How many deliveries the playbook asks for; -1: that depends on what was before. */
int cast_wants(enum event_kind kind, struct str text);

#endif
