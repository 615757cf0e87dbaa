/* SPDX-License-Identifier: Apache-2.0 */
/* channel.h - one connection at work: its adapter, and the calls that go through it. Private to host/.
 *
 * Threads  the loop thread.
 */
#ifndef SIYU_HOST_CHANNEL_H
#define SIYU_HOST_CHANNEL_H

#include "host/host.h"

enum channel_state { CHANNEL_NEW, CHANNEL_RUNNING, CHANNEL_STOPPING, CHANNEL_STOPPED };

struct channel {
    struct host *host;
    const struct host_kind *kind;
    const char *name;
    struct connection_id id; /* set when the engine has named it */
    enum channel_state state;
    struct adapter_env env;
    struct adapter_host face; /* what the adapter calls */
    struct adapter *adapter;
};

int channel_init(struct channel *c, struct host *h, const struct config_connection *conf,
                 const struct host_kind *kind, struct diag *diag);
int channel_start(struct channel *c, const char *cursor);
void channel_stop(struct channel *c); /* a stopped() follows, or the state is CHANNEL_STOPPED at once */
void channel_fini(struct channel *c);

/* An order of the engine; answered by host_facts() once, here or later. */
void channel_perform(struct channel *c, const struct reply_perform *order);
void channel_hook(struct channel *c, const struct hook_call *call);
/* Inbound `id` is stored, or with `err` not; `r` may carry the passive reply, NULL: there is none. Not 0: the
 * adapter did not get the reply. */
int channel_stored(struct channel *c, struct inbound_id id, const struct reply_stored *r, int err);

/* ---- what a channel asks of its host (host.c) ---- */
int host_inbound(struct host *h, struct channel *c, struct inbound_id id, const struct event *events,
                 size_t n, const char *cursor);
void host_answer_hook(struct host *h, struct inbound_id id, int status, const char *content_type,
                      struct str body);
struct inbound_id host_inbound_id(struct host *h);
void host_facts(struct host *h, struct attempt_id id, const struct facts *facts);
void host_alert(struct host *h, struct channel *c, const char *what, struct str why);
void host_nudge(struct host *h, struct str account, struct str token);
void host_channel_stopped(struct host *h);

/* ---- what the intake asks ---- */
struct channel *host_channel(struct host *h, struct str name); /* NULL: none */
/* Takes the op; keeps it while the engine's box is full. */
void host_post(struct host *h, struct message *op);
/* The passive reply of `event` was not said: it goes out as an active message. */
void host_unsay(struct host *h, struct event_id event);

#endif
