/* SPDX-License-Identifier: Apache-2.0 */
/* control.h - the sandbox's own interface under /_sandbox/, for tests, scripts and `siyu sandbox say`.
 *
 * Only callers on loopback are heard. Answers are JSON; a fault of the caller is a 4xx with
 * {"error":{"code","message"}}. README.md lists routes and members.
 *
 * Memory   as must.h. Everything named here outlives the control interface.
 * Threads  the loop thread only.
 */
#ifndef SIYU_SANDBOX_CONTROL_H
#define SIYU_SANDBOX_CONTROL_H

#include "base/clock.h"
#include "loop/front_door.h"
#include "sandbox/face.h"
#include "sandbox/ledger.h"
#include "sandbox/push.h"

struct sb_control {
    struct front_door *door;
    const struct clock *clock;
    struct sb_model *model;
    struct sb_faces *faces;
    struct sb_pusher *pusher;
    struct sb_ledger *ledger;
    void (*changed)(void *ctx); /* the model may have something new to do */
    void *ctx;
};

/* Adds the routes; the door does not listen yet. */
int sb_control_open(struct sb_control *c);

#endif
