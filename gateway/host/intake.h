/* SPDX-License-Identifier: Apache-2.0 */
/* intake.h - inbound calls from their arrival until they are durable. Private to host/.
 *
 * A call is answered when the engine has stored it, or, when that takes more than 3.5 s, when the spool has
 * it. What is in the spool stays with the engine, or is given to it again, until it is stored: only then is
 * it forgotten. What an earlier life left in the spool comes in the same way, some at a time.
 *
 * Errors   0 or a negative err; intake_take(): ERR_FULL too many wait, the platform shall come again.
 * Memory   borrows what its conf names. Threads: the loop thread.
 */
#ifndef SIYU_HOST_INTAKE_H
#define SIYU_HOST_INTAKE_H

#include "engine/message.h"
#include "host/host.h"

struct channel;
struct intake;

struct intake_conf {
    struct host *host;
    struct loop *loop;
    const char *dir;
};

int intake_new(const struct intake_conf *conf, struct intake **ret);
void intake_free(struct intake *t); /* NULL is a no-op */

/* Gives `op` to the engine and waits for it. Takes `op` on success. */
int intake_take(struct intake *t, struct channel *c, struct op_inbound *op);
/* The engine's word on one of them. */
void intake_stored(struct intake *t, const struct reply_stored *r);
/* Every now and then: late ones go to the spool, earlier ones come out of it. */
int intake_watch(struct intake *t);

struct intake_stats {
    uint64_t taken, acknowledged, spooled;
    size_t waiting; /* not answered yet */
};
struct intake_stats intake_stats(const struct intake *t);

#endif
