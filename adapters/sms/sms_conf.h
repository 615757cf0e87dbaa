/* SPDX-License-Identifier: Apache-2.0 */
/* sms_conf.h - a connection's mapping, checked: every key, its type, and what it may hold.
 *
 * Errors   ERR_CONFIG with complaints "connections.<name>.<key>: ..."; -ENOMEM.
 * Memory   views borrow the mapping.
 * Threads  any.
 */
#ifndef SIYU_ADAPTERS_SMS_CONF_H
#define SIYU_ADAPTERS_SMS_CONF_H

#include <jansson.h>

#include "base/err.h"
#include "base/str.h"

struct sms_conf {
    struct str api_base;   /* scheme, host and perhaps a path, without a '/' at its end */
    struct str host, path; /* parts of it: "dysmsapi.aliyuncs.com", "" */
    struct str access_key_id, access_key_secret;
    struct str signature, refusal_text;
    struct str path_key;
    struct str region; /* empty: none */
};

int sms_conf_read(struct sms_conf *ret, const char *name, const json_t *conf, struct diag *diag);

#endif
