/* SPDX-License-Identifier: Apache-2.0 */
/* ledger.h - the windows of the platforms, recounted from their ledger by other code than theirs or ours.
 *
 * Units    ms of the platforms' clock.
 */
#ifndef SIYU_TESTS_SIM_LEDGER_H
#define SIYU_TESTS_SIM_LEDGER_H

#include "base/map.h"

struct oracle;
struct sb_entry;

enum { LEDGER_ROOMS = 8 };

/* The last sends into one group by webhook. */
struct ledger_room {
    char name[32];
    int64_t at_ms[20];
    size_t count;
};

struct ledger {
    struct oracle *oracle;
    struct ledger_room rooms[LEDGER_ROOMS];
    size_t room_count;
    struct map_str turns;   /* customer -> struct ledger_turn */
    struct map_str periods; /* "<op>/<whom>/<month or day>" -> how many */
    bool daily_tasks;
};

void ledger_init(struct ledger *l, struct oracle *o, bool daily_tasks);
void ledger_fini(struct ledger *l);
/* An entry that the platform accepted. */
void ledger_count(struct ledger *l, const struct sb_entry *e);
void ledger_turn(struct ledger *l, const char *customer, int64_t at_ms);

#endif
