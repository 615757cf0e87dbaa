/* SPDX-License-Identifier: Apache-2.0 */
/* ws_private.h - how the front door gives a socket away; private to this folder. */
#ifndef SIYU_LOOP_WS_PRIVATE_H
#define SIYU_LOOP_WS_PRIVATE_H

#include <stdint.h>

#include "base/str.h"
#include "loop/ws.h"

/* Takes socket `fd`, closed also on failure. `key`: Sec-WebSocket-Key of a judged handshake; `rest`: bytes
 * already read behind its head. on_open() follows from the loop, or before the call returns. */
int ws_server_adopt(struct ws_server *server, int fd, struct str key, struct str rest, uint64_t tag);

#endif
