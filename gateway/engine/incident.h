/* SPDX-License-Identifier: Apache-2.0 */
/* incident.h - one new event with everything that decides it, on its way through a batch.
 *
 *     inbox: seen before? store it -> learn: what it changes about people and groups -> decide: which rules
 *     act -> act: what they send, tag, say
 *
 * Memory   the batch's arena. Threads: the engine thread.
 */
#ifndef SIYU_ENGINE_INCIDENT_H
#define SIYU_ENGINE_INCIDENT_H

#include "engine/batch.h"
#include "engine/facts.h"
#include "engine/registry.h"
#include "engine/render.h"

struct incident {
    const struct inbound_event *in;
    struct connection *connection;
    struct account *account; /* NULL: the event names none (group events before their owner is known) */
    struct person *who;      /* NULL: the event names nobody */
    struct group_id group;
    struct event_id id;
    int64_t received_ms, received_mono_ms;
    bool redecided; /* stored earlier, decided now: never passive, facts already learned */
    bool fires;     /* set by learn: rules may act */
    /* set by decide */
    enum event_state state;
    struct str cause;
    enum reply_mode mode;
    int64_t reply; /* content id */
    struct rendering reply_content;
};

/* What the event says about people, groups and windows becomes true, whatever the rules do then. */
int incident_learn(struct batch *b, struct incident *i);

/* Runs the rules. A failing rule leaves the incident EVENT_UNDECIDED with its cause and returns 0; only an
 * error of the whole batch is returned. */
int incident_decide(struct batch *b, struct incident *i);

#endif
