/* SPDX-License-Identifier: Apache-2.0 */
/* idle_actions.h - the engine's side of bot.h for tests that only check bots and never let one decide.
 * Include it in one file of a program: it defines the functions.
 */
#ifndef SIYU_TESTS_IDLE_ACTIONS_H
#define SIYU_TESTS_IDLE_ACTIONS_H

#include "base/err.h"
#include "bot.h"

int actions_say(struct actions *a, struct str text)
{
    return (void)a, (void)text, ERR_STATE;
}

int actions_send(struct actions *a, struct str template_name)
{
    return (void)a, (void)template_name, ERR_STATE;
}

int actions_tag(struct actions *a, struct str tag)
{
    return (void)a, (void)tag, ERR_STATE;
}

int actions_untag(struct actions *a, struct str tag)
{
    return (void)a, (void)tag, ERR_STATE;
}

int actions_handoff(struct actions *a, struct str pool)
{
    return (void)a, (void)pool, ERR_STATE;
}

#endif
