/* SPDX-License-Identifier: Apache-2.0 */
/* sms_link.h - what the parts of one connection share: address, credentials, alerts, and the way out.
 *
 *     init -> open -> (enter | leave)* -> close -> host.stopped, when the last part has left -> fini
 *
 * A part is a call at work, and the link itself while it is open. A part enters when it comes to own
 * something that the loop still has to close, and leaves from the loop as its last act.
 *
 * Errors   -ENOMEM, ERR_TOO_BIG.
 * Memory   copies the configuration, wipes the secrets.
 * Threads  the loop thread only.
 */
#ifndef SIYU_ADAPTERS_SMS_LINK_H
#define SIYU_ADAPTERS_SMS_LINK_H

#include "adapter.h"
#include "adapters/sms/sms_conf.h"
#include "adapters/sms/sms_wire.h"
#include "base/buf.h"
#include "base/list.h"
#include "loop/timer.h"

struct sms_link {
    const struct adapter_env *env;
    struct arena memory;
    struct str url, uri, host; /* url ends in '/', uri is its path; NUL terminated */
    struct str key_id, secret, path_key;
    struct sms_sender sender;
    struct list calls; /* struct sms_call */
    size_t call_count;
    bool stopping;
    size_t parts;
    struct timer closer;
    char alerted_word[SMS_WORD_BYTES];
    int64_t alerted_ms;
};

int sms_link_init(struct sms_link *l, const struct adapter_env *env, const struct sms_conf *conf);
void sms_link_fini(struct sms_link *l);

void sms_link_open(struct sms_link *l);
void sms_link_enter(struct sms_link *l);
void sms_link_leave(struct sms_link *l);
void sms_link_close(struct sms_link *l);

/* Tells the operator, once in ten minutes for the same word. */
void sms_link_alert(struct sms_link *l, const char *word, struct str why);

#endif
