/* SPDX-License-Identifier: Apache-2.0 */
/* seed.h - the configuration: connections, changed limits, and who exists when the day begins.
 *
 * A seed is {members, customers, groups, tags, templates}, each a list; see README.md for their members. It
 * may also come later, over the control interface.
 *
 * Errors   ERR_CONFIG; the diag says what, why and how to mend. Unknown keys are errors outside
 *          `connections`, whose entries the sandbox shares with the gateway's file.
 * Memory   sb_seed() keeps pointers into m->conf; sb_seed_apply() keeps a reference to `seed`.
 * Threads  one at a time.
 */
#ifndef SIYU_SANDBOX_SEED_H
#define SIYU_SANDBOX_SEED_H

#include "base/json.h"
#include "sandbox/model.h"

/* Everything of m->conf. */
int sb_seed(struct sb_model *m, int64_t now_ms, struct diag *diag);
int sb_seed_apply(struct sb_model *m, json_t *seed, int64_t now_ms, struct json_ctx *ctx);

#endif
