/* SPDX-License-Identifier: Apache-2.0 */
/* wecom_world.h - one WeCom adapter between a host that writes down everything and a platform that answers
 * what it was told to, path by path, all on one loop.
 *
 * The platform gives the answers of a path in order; the last one serves all that follow. What the host got
 * is in the world until world_close().
 */
#ifndef SIYU_TESTS_SUPPORT_WECOM_WORLD_H
#define SIYU_TESTS_SUPPORT_WECOM_WORLD_H

#include "adapter.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "loop/front_door.h"
#include "loop/http_client.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "rulepack/rulepack.h"

enum { WORLD_MAX = 256, WORLD_PATIENCE_MS = 10000, WORLD_WALL_S = 1767225600 };

#define WORLD_HANG ((const char *)1) /* no answer, or one by world_answer_hung() */
#define WORLD_DROP ((const char *)2) /* processed, and the connection closed */
#define WORLD_TOKEN "{\"errcode\":0,\"errmsg\":\"ok\",\"access_token\":\"AT\",\"expires_in\":7200}"
#define WORLD_OK "{\"errcode\":0,\"errmsg\":\"ok\"}"

struct world_script {
    const char *path;
    struct {
        int status;
        const char *body;
    } answers[32];
    size_t count, at;
};

struct world_request {
    char *path, *query, *body;
};

struct world_done {
    struct attempt_id id;
    struct facts facts; /* without strings and items: */
    char error[256], provider_id[64];
    struct item_result items[8];
    json_t *data;
};

struct world_inbound {
    struct inbound_id id;
    size_t count;
    enum event_kind kind; /* of the first event */
    char contact[64], text[64], cursor[64];
    bool has_cursor;
};

struct world_answer {
    struct inbound_id id;
    int status;
    char *body;
};

struct world {
    struct loop *loop;
    struct http_client *http;
    struct clock clock;
    struct rulepack *rules;
    struct adapter_host host;
    struct adapter_env env;
    const struct adapter_ops *ops;
    struct adapter *adapter;
    bool started;
    struct front_door *door;
    char base[64];

    struct world_script scripts[16];
    size_t script_count;
    struct world_request requests[WORLD_MAX];
    struct world_done dones[WORLD_MAX];
    struct world_inbound inbounds[WORLD_MAX];
    struct world_answer answers[WORLD_MAX];
    size_t request_count, done_count, inbound_count, answer_count, nudge_count, alert_count;
    char alert[256], nudged[128];
    int inbound_err; /* given back by inbound() */
    bool hold;       /* do not store what comes in by itself */
    int store_err;
    size_t stored_count;
    int64_t last_id;
    struct request_id hung; /* the last that was not answered */
    bool stopped, door_stopped, timed_out;

    bool (*until)(struct world *w);
    struct timer patience, store;
};

/* `conf` is JSON; "BASE" in it stands for the platform's address. Does not start the adapter. */
void world_open(struct world *w, const struct adapter_ops *ops, const char *conf);
void world_say(struct world *w, const char *path, const char *body);
void world_say_status(struct world *w, const char *path, int status, const char *body);
void world_answer_hung(struct world *w, const char *body);
void world_start(struct world *w, const char *cursor);
/* Runs the loop until it holds; fails the test when patience ends. */
void world_run(struct world *w, bool (*until)(struct world *w));
/* Runs the loop for some real time. */
void world_run_ms(struct world *w, int64_t ms);
/* Stops the adapter and waits for it. */
void world_stop(struct world *w);
void world_close(struct world *w);

size_t world_requests(const struct world *w, const char *path);
/* The i-th request of that path. */
const struct world_request *world_request(const struct world *w, const char *path, size_t i);

#endif
