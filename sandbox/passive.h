/* SPDX-License-Identifier: Apache-2.0 */
/* passive.h - judges what the gateway answered to a push of an official account, as WeChat does.
 *
 * "success" and nothing are no reply. Anything else must be a reply in the connection's mode: sealed and
 * signed in safe mode, addressed back to the follower, of a kind that exists.
 *
 * Errors   the platform library's numbers: -40001 signature, -40002 not a reply, -40007 does not open.
 * Memory   `ret` is a new reference to the reply's members.
 * Threads  any.
 */
#ifndef SIYU_SANDBOX_PASSIVE_H
#define SIYU_SANDBOX_PASSIVE_H

#include "sandbox/model.h"

enum { SB_P_OK = 0, SB_P_NONE = 1, SB_P_SIGNATURE = -40001, SB_P_PARSE = -40002, SB_P_CLOSED = -40007 };

int sb_passive_read(const struct sb_connection *conn, const char *openid, struct str body, int64_t now_ms,
                    json_t **ret);

#endif
