/* SPDX-License-Identifier: Apache-2.0 */
/* official_conf.h - a connection's mapping, checked: every key, its type, and what it may hold.
 *
 * Errors   ERR_CONFIG with complaints "connections.<name>.<key>: ...".
 * Memory   views borrow the mapping.
 * Threads  any.
 */
#ifndef SIYU_ADAPTERS_OFFICIAL_CONF_H
#define SIYU_ADAPTERS_OFFICIAL_CONF_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum official_mode { OFFICIAL_PLAIN, OFFICIAL_COMPATIBLE, OFFICIAL_SAFE };

struct official_conf {
    struct str api_base; /* without a '/' at its end */
    struct str appid, secret, token;
    struct str aes_key, aes_key_previous; /* empty: none */
    enum official_mode mode;
    bool subscription;
    int64_t callback_max_age_ms; /* 0: off */
};

int official_conf_read(struct official_conf *ret, const char *name, const json_t *conf, struct diag *diag);

#endif
