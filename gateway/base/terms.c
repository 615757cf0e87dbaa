/* SPDX-License-Identifier: Apache-2.0 */
#include "base/terms.h"

#include <assert.h>
#include <stddef.h>

#include "base/err.h"

#define TERMS_TEXT(id, text) text,
#define TERMS_DEFINE(list, LIST)                                                                             \
    static const char *const list##_texts[] = {LIST(TERMS_TEXT)};                                            \
    const char *list##_text(enum list v)                                                                     \
    {                                                                                                        \
        return (size_t)v < sizeof list##_texts / sizeof *list##_texts ? list##_texts[v] : "?";               \
    }                                                                                                        \
    int list##_of(struct str text, enum list *ret)                                                           \
    {                                                                                                        \
        int i = find(text, list##_texts, sizeof list##_texts / sizeof *list##_texts);                        \
        if (i < 0)                                                                                           \
            return i;                                                                                        \
        *ret = (enum list)i;                                                                                 \
        return 0;                                                                                            \
    }

static int find(struct str text, const char *const *texts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(text, str_of(texts[i])))
            return (int)i;
    return ERR_NOT_FOUND;
}

TERMS_DEFINE(event_kind, EVENT_KINDS)
TERMS_DEFINE(message_class, MESSAGE_CLASSES)
TERMS_DEFINE(delivery_state, DELIVERY_STATES)
TERMS_DEFINE(cause, CAUSES)
TERMS_DEFINE(outcome, OUTCOMES)
TERMS_DEFINE(account_kind, ACCOUNT_KINDS)
TERMS_DEFINE(call_op, CALL_OPS)
TERMS_DEFINE(origin_kind, ORIGIN_KINDS)

int message_class_lane(enum message_class c)
{
    static const int lanes[MESSAGE_CLASS_COUNT] = {
        [CLASS_WELCOME] = 0, [CLASS_REPLY] = 1,     [CLASS_TRANSACTIONAL] = 1,
        [CLASS_JOURNEY] = 2, [CLASS_BROADCAST] = 3, [CLASS_STAFF] = 1,
    };

    assert(c < MESSAGE_CLASS_COUNT);
    return lanes[c];
}

bool delivery_state_is_final(enum delivery_state s)
{
    switch (s) {
    case STATE_ACCEPTED:
    case STATE_DELIVERED:
    case STATE_FAILED:
    case STATE_EXPIRED:
    case STATE_SUPPRESSED:
    case STATE_CANCELLED: return true;
    default: return false;
    }
}

#define TO(s) (1u << (s))
bool delivery_state_may_become(enum delivery_state from, enum delivery_state to)
{
    static const unsigned unsent = TO(STATE_QUEUED) | TO(STATE_HELD) | TO(STATE_EXPIRED) |
                                   TO(STATE_SUPPRESSED) | TO(STATE_CANCELLED) | TO(STATE_FAILED);
    static const unsigned arrows[DELIVERY_STATE_COUNT] = {
        [STATE_PLANNED] = unsent,
        [STATE_QUEUED] = unsent | TO(STATE_IN_FLIGHT) | TO(STATE_UNKNOWN), /* an earlier call had no answer */
        [STATE_HELD] = unsent | TO(STATE_IN_FLIGHT) | TO(STATE_UNKNOWN),
        [STATE_IN_FLIGHT] = unsent | TO(STATE_ACCEPTED) | TO(STATE_DELIVERED) | TO(STATE_UNKNOWN) |
                            TO(STATE_AWAITING_CONFIRM),
        [STATE_AWAITING_CONFIRM] = TO(STATE_ACCEPTED) | TO(STATE_DELIVERED) | TO(STATE_FAILED) |
                                   TO(STATE_EXPIRED) | TO(STATE_CANCELLED) | TO(STATE_SUPPRESSED),
        [STATE_UNKNOWN] = TO(STATE_QUEUED) | TO(STATE_IN_FLIGHT) | TO(STATE_ACCEPTED) | TO(STATE_DELIVERED) |
                          TO(STATE_FAILED) | TO(STATE_UNKNOWN) | TO(STATE_AWAITING_CONFIRM),
        [STATE_ACCEPTED] = TO(STATE_DELIVERED) | TO(STATE_FAILED),
    };

    assert(from < DELIVERY_STATE_COUNT && to < DELIVERY_STATE_COUNT);
    return (arrows[from] & TO(to)) != 0;
}
