/* SPDX-License-Identifier: Apache-2.0 */
/* gate.h - the gateway's engine thread: batches, rolled back ones, and deaths of every kind.
 *
 * A batch runs as host/core.c runs it. What it replied reaches post and carrier a moment later, unless the
 * process dies before.
 *
 * Memory   owns store, engine, sender and the folder they live in.
 */
#ifndef SIYU_TESTS_SIM_GATE_H
#define SIYU_TESTS_SIM_GATE_H

#include "engine/engine.h"

struct sim;
struct gate;
struct store;

struct gate *gate_new(struct sim *s, const char *playbook);
void gate_free(struct gate *g); /* a clean stop; NULL is a no-op */

/* Takes the op. */
void gate_post(struct gate *g, struct message *m);
bool gate_is_up(const struct gate *g);
/* When the next batch runs; INT64_MAX: the process is down. */
int64_t gate_due_ms(const struct gate *g);
void gate_run(struct gate *g);
/* kill -9, and a restart some time later. */
void gate_crash(struct gate *g, const char *where);

struct connection_id gate_connection(const struct gate *g, const char *name);
const char *gate_connection_name(const struct gate *g, struct connection_id id);
struct store *gate_store(const struct gate *g);
const char *gate_dir(const struct gate *g);
int64_t gate_batches(const struct gate *g);

#endif
