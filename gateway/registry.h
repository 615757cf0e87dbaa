/* SPDX-License-Identifier: Apache-2.0 */
/* registry.h - the one list of adapters and bots that this program is built with.
 *
 * Threads  any; all data is constant.
 */
#ifndef SIYU_REGISTRY_H
#define SIYU_REGISTRY_H

#include "bot.h"
#include "host/host.h"

extern const struct host_kind registry_kinds[];
extern const size_t registry_kind_count;
extern const struct bot_ops *const registry_bots[];
extern const size_t registry_bot_count;

#endif
