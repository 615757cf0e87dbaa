/* SPDX-License-Identifier: Apache-2.0 */
/* wecom_conf.h - a connection's mapping, checked: every key, its type, and what it may hold.
 *
 * Errors   ERR_CONFIG with complaints "connections.<name>.<key>: ..."; -ENOMEM.
 * Memory   views borrow the mapping.
 * Threads  any.
 */
#ifndef SIYU_ADAPTERS_WECOM_CONF_H
#define SIYU_ADAPTERS_WECOM_CONF_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum wecom_kind { WECOM_CORP, WECOM_KF, WECOM_WEBHOOK };

struct wecom_conf {
    struct str api_base; /* without a '/' at its end */
    struct str corp_id, secret, token, aes_key;
    struct str open_kfid; /* kf */
    struct str key;       /* webhook */
    int64_t agent_id;
    int64_t callback_max_age_ms, poll_every_ms; /* 0: off */
};

int wecom_conf_read(struct wecom_conf *ret, enum wecom_kind kind, const char *name, const json_t *conf,
                    struct diag *diag);

#endif
