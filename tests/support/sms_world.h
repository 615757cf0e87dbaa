/* SPDX-License-Identifier: Apache-2.0 */
/* sms_world.h - one SMS adapter between a host that writes down everything and a scripted platform.
 *
 * The clock stands at WORLD_WALL_MS, 2025-01-01T00:00:00Z, which is 08:00 in Shanghai. What the host got is
 * in the world until world_close().
 */
#ifndef SIYU_TESTS_SUPPORT_SMS_WORLD_H
#define SIYU_TESTS_SUPPORT_SMS_WORLD_H

#include "adapter.h"
#include "base/clock.h"
#include "base/mem.h"
#include "loop/http_client.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "rulepack/rulepack.h"
#include "support/peer.h"

enum { WORLD_MAX = 64, WORLD_EVENTS = 8, WORLD_STEPS = 16, WORLD_PATIENCE_MS = 10000 };
#define WORLD_WALL_MS INT64_C(1735689600000)

struct world_done {
    struct attempt_id id;
    struct facts facts; /* without strings and items: */
    char error[192], provider_id[64];
    struct {
        struct delivery_id id;
        char to[64];
        enum outcome outcome;
    } items[WORLD_EVENTS];
    json_t *data;
};

struct world_event {
    enum event_kind kind;
    enum outcome verdict;
    char contact[64], text[64], handle[64];
};

struct world_inbound {
    struct inbound_id id;
    size_t count;
    struct world_event events[WORLD_EVENTS];
};

struct world_reply {
    struct inbound_id id;
    int status;
    char content_type[64], body[128];
};

struct world {
    struct loop *loop;
    struct http_client *http;
    struct clock clock;
    struct rulepack *rules;
    struct adapter_host host;
    struct adapter_env env;
    struct adapter *adapter;
    struct peer *peer; /* NULL: nobody listens */
    struct peer_step steps[WORLD_STEPS];
    bool started, stopped, timed_out;

    struct world_done dones[WORLD_MAX];
    struct world_inbound inbounds[WORLD_MAX];
    struct world_reply answers[WORLD_MAX];
    size_t done_count, inbound_count, answer_count, alert_count;
    size_t wanted; /* dones that end world_run() */
    char alert[256];
    int inbound_err; /* given back by inbound() */
    struct timer patience, ear;
    size_t heard; /* requests that end world_run_heard() */
};

/* Copies `steps`; `n` 0: the platform's port is closed. `path`: of api_base. Starts the adapter. */
void world_open(struct world *w, const struct peer_step *steps, size_t n, const char *path);
/* Runs the loop until there are `dones`; fails the test when patience ends. */
void world_run(struct world *w, size_t dones);
/* Runs the loop until the platform has read `n` requests. */
void world_run_heard(struct world *w, size_t n);
/* A step that answers `status` ("200 OK"), a Date one second after the clock's, and `body`. The text is one
 * of WORLD_MAX slots that are used in turn. */
struct peer_step world_answer(const char *status, const char *body);
/* Stops the adapter and waits for it. */
void world_stop(struct world *w);
void world_close(struct world *w);

#endif
