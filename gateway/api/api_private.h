/* SPDX-License-Identifier: Apache-2.0 */
/* api_private.h - shared by the files of api/ only. Threads: the loop thread. */
#ifndef SIYU_API_API_PRIVATE_H
#define SIYU_API_API_PRIVATE_H

#include "api/api.h"
#include "api/auth.h"

enum { API_LIVE_MAX = 64 };

struct api {
    struct api_conf conf;
    struct front_door *door;
    struct control *control;
    struct ws_server *live_server;
    struct ws_id live[API_LIVE_MAX];
    size_t live_count;
    struct auth *auth;
    struct host *host;
    const struct plan_world *world;
    bool ready, stopping;
    uint64_t live_dropped;
    int64_t started_ms;
};

/* metrics.c: the whole page; `counts` is the engine's answer to {"ask": "counts"}. */
int metrics_write(const struct api *a, const json_t *counts, struct buf *out);

/* command.c: a line of the control socket. */
void command_take(void *ctx, struct control_id id, struct str line);

#endif
