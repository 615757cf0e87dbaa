/* SPDX-License-Identifier: Apache-2.0 */
/* config.h - sandbox.yaml from disk, with its secrets put in.
 *
 * A string "${NAME}" in `connections` is that environment variable, {file: PATH} is that file's first line.
 *
 * Errors   ERR_CONFIG and what reading gives; the diag names file and line.
 * Memory   `ret` is a new reference.
 * Threads  any.
 */
#ifndef SIYU_SANDBOX_CONFIG_H
#define SIYU_SANDBOX_CONFIG_H

#include "base/err.h"

#include <jansson.h>

int sb_config_load(const char *path, json_t **ret, struct diag *diag);
/* "127.0.0.1:8700" unless it says otherwise; borrowed from `conf` (may be NULL). */
const char *sb_config_listen(const json_t *conf);

#endif
