/* SPDX-License-Identifier: Apache-2.0 */
/* yaml.h - YAML 1.2 (core schema) to json_t, with the line of every node and key.
 *
 * One document, mapping, list or scalar at the root. Only true and false are booleans: on, yes, no, off are
 * strings. 12:00 and 2026-12-01T10:00 are strings; integers are decimal, 0o and 0x. Quoted scalars are
 * always strings. Refused, each with its line: duplicate keys, keys that are not scalars, anchors and
 * aliases, explicit tags but !!str, NUL, integers beyond int64, a second document, depth > 32, text > 1 MiB,
 * invalid UTF-8.
 *
 * Errors   ERR_SYNTAX, ERR_TOO_DEEP, ERR_TOO_BIG, -ENOMEM; the complaint is in the diag.
 * Memory   copies `file`. The tree lives as long as the doc; json_incref what must outlive it.
 * Threads  one at a time.
 */
#ifndef SIYU_BASE_YAML_H
#define SIYU_BASE_YAML_H

#include "base/err.h"
#include "base/str.h"

#include <jansson.h>

struct yaml_doc;

int yaml_load(struct str text, const char *file, struct yaml_doc **ret, struct diag *diag);
/* Not yaml_free: libyaml has that name. */
void yaml_unload(struct yaml_doc *doc);

json_t *yaml_root(const struct yaml_doc *doc); /* borrowed; null for an empty text */
const char *yaml_file(const struct yaml_doc *doc);
/* Line of a node of this doc, by its pointer. 0: not of this doc, or true, false, null, which jansson shares;
 * yaml_key_line() finds those. */
int yaml_line_of(const struct yaml_doc *doc, const json_t *node);
/* Line where `key` of mapping `obj` stands; 0 when absent. */
int yaml_key_line(const struct yaml_doc *doc, const json_t *obj, const char *key);

#endif
