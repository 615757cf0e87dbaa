/* SPDX-License-Identifier: Apache-2.0 */
/* bot.h - the contract of a bot: a pure function (event, loaded facts, params) -> actions.
 *
 * A bot does no I/O, reads no clock and keeps no state between calls; what it must remember it asks
 * for as a counter or a tag. So the engine may run it again after a crash and get the same actions.
 *
 * Errors   0 or a negative err: the event is then stored undecided with that cause.
 * Memory   borrows all arguments; strings given to actions are copied by actions_*().
 * Threads  the engine thread.
 */
#ifndef SIYU_BOT_H
#define SIYU_BOT_H

#include <jansson.h>
#include <stdint.h>

#include "base/id.h"
#include "base/str.h"
#include "base/terms.h"

struct diag;
struct actions; /* collects; owned by the engine */

/* What the engine loaded before it asks. */
struct bot_facts {
    int64_t now_ms;
    uint64_t seed;       /* of this event and rule: the only source of chance */
    enum event_kind kind;
    enum account_kind account_kind;
    struct str account;  /* configured name */
    struct str contact_name;
    struct str text, folded; /* as received, and folded for matching */
    const json_t *contact;   /* object a template sees as `contact` (name, tags, ...) */
    const json_t *event;     /* object a template sees as `event` */
};

/* Adds an action. Each returns 0, ERR_FULL (too many) or -ENOMEM. */
int actions_say(struct actions *a, struct str text);             /* to the event's contact, by its channel */
int actions_send(struct actions *a, struct str template_name);   /* a playbook template */
int actions_tag(struct actions *a, struct str tag);
int actions_untag(struct actions *a, struct str tag);
int actions_handoff(struct actions *a, struct str pool);

struct bot_ops {
    const char *name; /* the playbook's `bot:` */
    /* Judges `with:`; complaints name the key. */
    int (*check)(const json_t *with, struct diag *diag);
    int (*decide)(const struct bot_facts *facts, const json_t *with, struct actions *ret);
};

#endif
