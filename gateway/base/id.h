/* SPDX-License-Identifier: Apache-2.0 */
/* id.h - ids of everything, and the generator that makes them.
 *
 * An id is a positive int64: 41 bits of ms since 2020-01-01 UTC, then a 21 bit sequence that carries over
 * into the ms. So ids sort by time of making, and each is greater than the one before, also when the wall
 * clock steps back or a process makes more than 2^21 in one ms. 0 is "none" everywhere.
 *
 * Threads  a generator belongs to one thread.
 */
#ifndef SIYU_BASE_ID_H
#define SIYU_BASE_ID_H

#include <stdint.h>

struct event_id {
    int64_t v;
};
struct delivery_id {
    int64_t v;
};
struct attempt_id {
    int64_t v;
};
struct contact_id {
    int64_t v;
};
struct account_id {
    int64_t v;
};
struct connection_id {
    int64_t v;
};
struct inbound_id {
    int64_t v;
};
struct message_id {
    int64_t v;
};
struct group_id {
    int64_t v;
};
struct broadcast_id {
    int64_t v;
};

struct id_gen {
    int64_t last;
};

/* `last_used`: the greatest id ever stored, 0 when none; the next one is above it. */
void id_gen_init(struct id_gen *g, int64_t last_used);
int64_t id_next(struct id_gen *g, int64_t now_ms);
/* About when an id was made, in ms since 1970. */
int64_t id_time_ms(int64_t id);

#endif
