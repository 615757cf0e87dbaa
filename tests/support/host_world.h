/* SPDX-License-Identifier: Apache-2.0 */
/* host_world.h - a whole gateway in one process, on fake connections, free ports and a clock that the test
 * moves.
 *
 *     host_world_open -> host_world_start -> (ask, until)* -> host_world_stop -> host_world_close
 *
 * Stop and close may be followed by another open on the same directory.
 *
 * Memory   the world owns everything; the directory goes with host_world_remove(). Threads: the test's.
 */
#ifndef SIYU_TESTS_HOST_WORLD_H
#define SIYU_TESTS_HOST_WORLD_H

#include "api/api.h"
#include "base/clock.h"
#include "base/fold.h"
#include "engine/engine.h"
#include "host/host.h"
#include "store/store.h"
#include "support/fake_adapter.h"

#define HOST_WORLD_NOW_MS INT64_C(1796090400000) /* 2026-12-01 10:00:00 in Shanghai */

struct host_world {
    char dir[64];
    struct clock clock;
    struct diag diag;
    struct config *config;
    struct rulepack *rules;
    struct fold *fold;
    struct store *store;
    struct engine *engine;
    struct loop *loop;
    struct http_client *http;
    struct ws *ws;
    struct front_door *door;
    struct api *api;
    struct host *host;
    struct world_account accounts[8];
    struct plan_world view;
    struct buf live; /* lines of the live feed */
    bool started, stopped;
};

/* Everything but the threads. `connections` as in siyu.yaml, indented; what host_new() says is the result,
 * and then only host_world_close() is legal. */
int host_world_open(struct host_world *w, const char *connections);
/* Applies the playbook (NULL: none), listens, starts. */
void host_world_start(struct host_world *w, const char *playbook);
void host_world_stop(struct host_world *w);
void host_world_begin_stop(struct host_world *w); /* w->stopped says when it is done */
void host_world_close(struct host_world *w);
void host_world_remove(struct host_world *w);

/* Runs the loop until `done`, for at most `ms`; whether it came. */
bool host_world_until(struct host_world *w, bool (*done)(void), int64_t ms);

/* One request at the front door; its status. `answer` (NULL: nobody asks) is replaced. */
int host_world_ask(struct host_world *w, const char *method, const char *path, const char *token,
                   const char *body, struct buf *answer);
/* The same in two steps. */
struct host_asking;
struct host_asking *host_world_begin(struct host_world *w, const char *method, const char *path,
                                     const char *token, const char *body);
bool host_asking_ended(const struct host_asking *a);
int host_asking_end(struct host_world *w, struct host_asking *a,
                    struct buf *answer); /* waits for it, frees it */

/* The engine's counts, by asking it. */
int64_t host_world_count(struct host_world *w, const char *of, const char *state);
/* A file of the world's data directory: "" when there is none. Valid until the next call. */
const char *host_world_file(struct host_world *w, const char *name);

#endif
