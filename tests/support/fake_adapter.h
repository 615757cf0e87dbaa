/* SPDX-License-Identifier: Apache-2.0 */
/* fake_adapter.h - a channel that does what a test says, and keeps what the host did to it.
 *
 * As an official account it takes POST /hooks/<connection>/<how> with a text as body:
 *
 *     passive  a message from one customer, which takes its reply in the answer
 *     active   a message whose reply is sent
 *     forged   refused as not authentic        odd  refused as not understood
 *
 * The body is the dedupe key too. The answer's body is the passive reply, its status 500 when it was not
 * stored.
 *
 * Memory   fakes are found by name from create() until the next fake_forget_all(); free() only marks them.
 * Threads  the loop thread.
 */
#ifndef SIYU_TESTS_FAKE_ADAPTER_H
#define SIYU_TESTS_FAKE_ADAPTER_H

#include "adapter.h"
#include "base/buf.h"
#include "host/host.h"

enum fake_mode {
    FAKE_ACCEPTS, /* each call, in the loop's next turn */
    FAKE_HOLDS,   /* until fake_release_all() */
    FAKE_REFUSES, /* perform() fails */
};

struct fake {
    enum fake_mode mode;
    void (*on_stored)(void); /* before the answer; NULL: nothing */
    size_t starts, hooks, stored, performs, dones, stops, frees;
    int stored_err;      /* the last one's */
    int64_t deadline_ms; /* of the last call */
    struct buf said;     /* "text\n" of each call that says something */
    struct buf cursor;   /* as start() was given it */
};

extern const struct adapter_ops fake_ops;
extern const struct host_kind fake_kind; /* "fake", its domain is `appid`, alone */

struct fake *fake_named(const char *name); /* asserts that it is there */
void fake_release_all(void);               /* what is held is accepted, and what comes */
void fake_done(struct fake *f, struct attempt_id id, enum outcome outcome);
void fake_alert(struct fake *f, const char *what);
void fake_forget_all(void);

#endif
