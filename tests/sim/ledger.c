/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/ledger.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/shanghai.h"
#include "sandbox/model.h"
#include "sim/oracle.h"
#include "sim/sim.h"

enum { THINGS_MAX = 1000000, TURN_SENDS = 5, MASS_SENDS = 4 };
#define TURN_MS INT64_C(172800000)
#define ROOM_MS INT64_C(60000)

struct ledger_turn {
    int64_t opened_ms, sends;
};

void ledger_init(struct ledger *l, struct oracle *o, bool daily_tasks)
{
    *l = (struct ledger){.oracle = o, .daily_tasks = daily_tasks};
    map_str_init(&l->turns, THINGS_MAX);
    map_str_init(&l->periods, THINGS_MAX);
}

void ledger_fini(struct ledger *l)
{
    union map_val v;
    struct str key;

    for (size_t at = 0; map_str_next(&l->turns, &at, &key, &v);)
        mem_free(v.p);
    map_str_fini(&l->turns);
    map_str_fini(&l->periods);
}

void ledger_turn(struct ledger *l, const char *customer, int64_t at_ms)
{
    struct ledger_turn *t = map_str_get(&l->turns, str_of(customer));

    if (!t) {
        t = mem_calloc(1, sizeof *t);
        sim_must(t && map_str_put(&l->turns, str_of(customer), t) == 0, "memory");
    }
    *t = (struct ledger_turn){.opened_ms = at_ms};
}

static struct ledger_room *room_of(struct ledger *l, const char *name)
{
    for (size_t i = 0; i < l->room_count; i++)
        if (strcmp(l->rooms[i].name, name) == 0)
            return &l->rooms[i];
    sim_must(l->room_count < LEDGER_ROOMS, "rooms");
    struct ledger_room *r = &l->rooms[l->room_count++];
    (void)snprintf(r->name, sizeof r->name, "%s", name);
    return r;
}

/* The twentieth before it must be a minute old. */
static void count_room(struct ledger *l, const struct sb_entry *e)
{
    struct ledger_room *r = room_of(l, e->connection);
    size_t place = r->count % ARRAY_LEN(r->at_ms);

    if (r->count >= ARRAY_LEN(r->at_ms) && e->t_ms - r->at_ms[place] < ROOM_MS)
        oracle_findf(l->oracle, "%s: 21 messages within %lld ms", r->name,
                     (long long)(e->t_ms - r->at_ms[place]));
    r->at_ms[place] = e->t_ms;
    r->count++;
}

static void count_turn(struct ledger *l, const struct sb_entry *e)
{
    const char *customer = json_string_value(json_array_get(e->to, 0));
    struct ledger_turn *t = map_str_get(&l->turns, str_of(customer));

    if (!t || e->t_ms - t->opened_ms >= TURN_MS)
        oracle_findf(l->oracle, "%s got a message outside any turn", customer);
    else if (++t->sends > TURN_SENDS)
        oracle_findf(l->oracle, "%s got %lld messages in one turn", customer, (long long)t->sends);
}

/* At most so many in the month, or on the day, that it was. */
static void count_period(struct ledger *l, const struct sb_entry *e, const char *what, int64_t period,
                         int64_t most)
{
    for (size_t i = 0; i < json_array_size(e->to); i++) {
        char key[200];
        const char *whom = json_string_value(json_array_get(e->to, i));
        int n = snprintf(key, sizeof key, "%s/%s/%s/%lld", e->op, whom, what, (long long)period);
        struct str name = {key, (size_t)n};
        union map_val *v = map_str_find(&l->periods, name);
        if (!v)
            sim_must(map_str_put_i64(&l->periods, name, 1) == 0, "memory");
        else if (++v->i > most)
            oracle_findf(l->oracle, "%s got %lld of %s in one %s", whom, (long long)v->i, e->op, what);
    }
}

/* Nobody else uses these quotas, so whoever is passed over was our mistake. */
static void none_left_out(struct ledger *l, const struct sb_entry *e, const char *list)
{
    size_t n = json_array_size(json_object_get(e->more, list));

    if (n)
        oracle_findf(l->oracle, "%s: %zu recipients were full for the month", e->op, n);
}

void ledger_count(struct ledger *l, const struct sb_entry *e)
{
    if (strcmp(e->op, "webhook/send") == 0) {
        count_room(l, e);
    } else if (strcmp(e->op, "kf/send_msg") == 0) {
        count_turn(l, e);
    } else if (strcmp(e->op, "task.sent") == 0) {
        int64_t month = shanghai_month_index(e->t_ms);
        count_period(l, e, "month", month, shanghai_days_in_month(month));
        if (l->daily_tasks)
            count_period(l, e, "day", shanghai_day_index(e->t_ms), 1);
        none_left_out(l, e, "full");
    } else if (strcmp(e->op, "mass.sent") == 0) {
        count_period(l, e, "month", shanghai_month_index(e->t_ms), MASS_SENDS);
        none_left_out(l, e, "skipped");
    }
}
