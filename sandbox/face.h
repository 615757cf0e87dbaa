/* SPDX-License-Identifier: Apache-2.0 */
/* face.h - the platforms over HTTP: /wecom/, /official/ and /aliyun/ on one port.
 *
 * A request becomes a call of the model, between the faults that are ordered for it. The ledger line is
 * written before the answer leaves.
 *
 * Memory   as must.h. Door, model and clock outlive the faces.
 * Threads  the loop thread only.
 */
#ifndef SIYU_SANDBOX_FACE_H
#define SIYU_SANDBOX_FACE_H

#include "base/clock.h"
#include "loop/front_door.h"
#include "sandbox/fault.h"
#include "sandbox/model.h"

struct sb_faces {
    struct loop *loop;
    struct front_door *door;
    const struct clock *clock;
    struct sb_model *model;
    struct sb_faults faults;
    void (*changed)(void *ctx); /* the model may have something new to do */
    void *ctx;
    struct list held; /* calls that a fault delays */
};

/* Adds the routes; the door does not listen yet. Fill loop, door, clock, model, changed and ctx before. */
int sb_faces_open(struct sb_faces *f);
/* Forgets delayed calls; their timers close with the loop. */
void sb_faces_close(struct sb_faces *f);

#endif
