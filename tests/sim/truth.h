/* SPDX-License-Identifier: Apache-2.0 */
/* truth.h - what the gateway's record must agree with: what was acknowledged, what was ordered, what was
 * taken.
 */
#ifndef SIYU_TESTS_SIM_TRUTH_H
#define SIYU_TESTS_SIM_TRUTH_H

#include "base/map.h"
#include "engine/message.h"

struct oracle;
struct sim;
struct truth_event;

struct truth {
    struct oracle *oracle;
    struct sim *sim;
    struct map_i64 deliveries;  /* delivery id -> struct truth_delivery */
    struct truth_event *events; /* acknowledged */
    size_t event_count, event_cap;
    struct map_str event_keys;
    struct map_str friends; /* "<userid>/<customer>" -> how often lost, and once more */
};

void truth_init(struct truth *t, struct oracle *o, struct sim *s);
void truth_fini(struct truth *t);

void truth_ordered(struct truth *t, struct delivery_id id, enum call_op op);
void truth_taken(struct truth *t, struct delivery_id id);
void truth_acknowledged(struct truth *t, struct connection_id connection, const struct inbound_event *e);

void truth_verify(struct truth *t);
void truth_end(struct truth *t);

#endif
