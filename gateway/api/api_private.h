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
    size_t counts_open;      /* questions for metrics that the engine has not answered */
    int64_t counts_since_ms; /* since when none was answered */
    int64_t started_ms;
};

/* All are GET and have no body. Constant. */
struct api_route {
    const char *path;
    front_door_handler handler;
};
const struct api_route *api_routes(size_t *ret_n);

/* openapi.json, compiled in. */
extern const unsigned char openapi_json[];
extern const size_t openapi_json_bytes;

/* metrics.c: the whole page; `counts` is the engine's answer to {"ask": "counts"}, NULL: it gave none. */
int metrics_write(const struct api *a, const json_t *counts, struct buf *out);

/* command.c: a line of the control socket. */
void command_take(void *ctx, struct control_id id, struct str line);

#endif
