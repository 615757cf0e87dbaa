/* SPDX-License-Identifier: Apache-2.0 */
/* yaml_scalar.h - what a scalar of YAML 1.2's core schema means.
 *
 * A plain null, ~ or nothing is null; true and false (also True, TRUE) are booleans; decimal, 0o and 0x are
 * integers; 1.5 and 1e3 are reals. All else, and all that is quoted, is a string. JSON has no .inf and .nan:
 * they stay strings.
 *
 * Errors   ERR_TOO_BIG an integer beyond int64 or a real beyond double; ERR_SYNTAX not UTF-8; -ENOMEM.
 * Threads  any.
 */
#ifndef SIYU_BASE_YAML_SCALAR_H
#define SIYU_BASE_YAML_SCALAR_H

#include "base/str.h"

#include <jansson.h>
#include <stdbool.h>

/* Gives a new reference. */
int yaml_scalar_to_json(struct str text, bool plain, json_t **ret);

#endif
