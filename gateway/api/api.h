/* SPDX-License-Identifier: Apache-2.0 */
/* api.h - what people and programs ask of a running gateway: health, metrics, the live feed, orders.
 *
 *     GET /healthz            200 while the process answers at all
 *     GET /readyz             200 when events are accepted, else 503 with the reason
 *     GET /metrics            Prometheus text
 *     GET /                   a plain status page
 *     GET /openapi.json       what is here, for programs
 *     GET /api/v1/live        WebSocket: one JSON line an event, delivery, alert
 *     GET /api/v1/status      counts and the state of the engine
 *     control socket          one JSON line: {"do": "apply" | "status" | "token" | ...}
 *
 * Tokens: Authorization: Bearer T, or ?token=T where a browser cannot set headers. Without a token there are
 * health and openapi.json, and for this machine metrics and the status page.
 *
 * Memory   borrows what its conf names until api_free(). Threads: the loop thread.
 */
#ifndef SIYU_API_API_H
#define SIYU_API_API_H

#include "host/host.h"
#include "loop/control.h"
#include "loop/ws.h"
#include "playbook/plan.h"

struct api;

struct api_conf {
    struct loop *loop;
    struct ws *ws;
    const struct clock *clock;
    const struct fold *fold; /* to check playbooks with */
    const char *data;        /* directory: control socket, and what query-only readers read */
    bool testing;            /* orders that only tests give are obeyed */
};

/* Gives the front door too, with the api's routes on it: others add theirs before front_door_listen(). */
int api_new(const struct api_conf *conf, struct front_door **ret_door, struct api **ret);
/* The host is there now: opens the control socket. `world` is what playbooks may name. */
int api_start(struct api *a, struct host *host, const struct plan_world *world);
void api_stop(struct api *a);
void api_free(struct api *a); /* NULL is a no-op */

/* A token that the store knows. ERR_NOT_FOUND: no such role. */
int api_add_token(struct api *a, const unsigned char hash[32], struct str role, int64_t expires_ms);
void api_ready(struct api *a, bool ready);
/* A line of the live feed, to every peer that listens. */
void api_live(struct api *a, struct str line);

#endif
