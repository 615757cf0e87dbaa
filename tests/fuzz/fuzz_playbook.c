/* SPDX-License-Identifier: Apache-2.0 */
/* Any text either compiles into a plan or ends in complaints; never both, never neither. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "bots/lottery.h"
#include "playbook/plan.h"
#include "support/idle_actions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct bot_ops *const bots[] = {&bot_lottery};
static const struct world_account accounts[] = {
    {.id = {1},
     .connection = {1},
     .kind = ACCOUNT_WECOM_MEMBER,
     .name = {"zhang", 5},
     .connection_name = {"corp", 4}},
    {.id = {2}, .connection = {2}, .kind = ACCOUNT_WECOM_KF, .name = {"kf", 2}, .connection_name = {"kf", 2}},
    {.id = {3},
     .connection = {3},
     .kind = ACCOUNT_WECOM_WEBHOOK,
     .name = {"hall", 4},
     .connection_name = {"hall", 4}},
    {.id = {4},
     .connection = {4},
     .kind = ACCOUNT_OFFICIAL,
     .name = {"brand", 5},
     .connection_name = {"brand", 5}},
    {.id = {5}, .connection = {5}, .kind = ACCOUNT_SMS, .name = {"sms", 3}, .connection_name = {"sms", 3}},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rulepack *rules;
    struct plan_world w = {.accounts = accounts, .account_count = 5, .bots = bots, .bot_count = 1};
    struct plan *plan = NULL;
    struct diag diag;
    int r;

    diag_init(&diag, 50);
    if (rules == NULL && rulepack_open(&rules, &diag) < 0)
        abort();
    w.rules = rules;
    r = playbook_compile((struct str){(const char *)data, size}, "fuzz.yaml", &w, &diag, &plan);
    assert((r == 0) == (plan != NULL));
    assert((r == 0) == (diag_errors(&diag) == 0));
    plan_free(plan);
    diag_fini(&diag);
    return 0;
}
