/* SPDX-License-Identifier: Apache-2.0 */
/* json.h - bounded parsing, compact writing, and typed getters whose complaints name the path.
 *
 * Two manners of reading. Configuration: json_get_* (required) and json_opt_* (with a default) complain to
 * a context, "siyu.yaml:12: connections.corp.corp_id: expected a string, got integer". Answers of peers:
 * json_str, json_int, json_flag take what is there or the default, and judge nothing.
 *
 * Errors   ERR_NOT_FOUND a required key is absent; ERR_INVALID wrong type or range; ERR_SYNTAX not JSON;
 *          ERR_TOO_DEEP; -ENOMEM. Duplicate keys and numbers beyond int64 are ERR_SYNTAX.
 * Memory   what a getter returns is borrowed from its object.
 * Threads  a json_t belongs to one thread at a time, reading included (jansson counts references).
 */
#ifndef SIYU_BASE_JSON_H
#define SIYU_BASE_JSON_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <jansson.h>
#include <stdbool.h>

struct yaml_doc;

#define JSON_DEPTH 32 /* enough for everything we speak */

struct json_fault {
    int line, column; /* from 1 */
    char text[160];
};

/* One value, nothing after it. Gives a new reference. `reterr` may be NULL. */
int json_parse(struct str text, size_t max_depth, json_t **ret, struct json_fault *reterr);
/* Appends without blanks, raw UTF-8, keys in order of insertion (sorted: by name, for hashes). */
int json_write_compact(const json_t *node, struct buf *out);
int json_write_sorted(const json_t *node, struct buf *out);
/* Appends `s` as a quoted JSON string; invalid UTF-8 becomes U+FFFD. */
int json_write_string(struct str s, struct buf *out);

/* Where complaints go, and the path of the object that is being read. */
struct json_ctx {
    struct diag *diag;          /* NULL: nobody wants texts */
    const char *file;           /* NULL: none */
    const struct yaml_doc *doc; /* for line numbers; NULL: none */
    size_t depth, marks[JSON_DEPTH + 1];
    char path[256]; /* cut when longer */
};
void json_ctx_init(struct json_ctx *c, struct diag *diag, const char *file, const struct yaml_doc *doc);
/* Go one key or index down and back up; pair them. */
void json_ctx_push(struct json_ctx *c, const char *key);
void json_ctx_push_index(struct json_ctx *c, size_t index);
void json_ctx_pop(struct json_ctx *c);
/* A complaint about obj's `key` (NULL: about obj itself), with path, file and line. `c` may be NULL. */
void json_complainf(struct json_ctx *c, const json_t *obj, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Required. `c` may be NULL. A string that holds a NUL can not exist. */
int json_get_string(const json_t *obj, const char *key, const char **ret, struct json_ctx *c);
int json_get_i64(const json_t *obj, const char *key, int64_t *ret, struct json_ctx *c);
int json_get_i64_in(const json_t *obj, const char *key, int64_t min, int64_t max, int64_t *ret,
                    struct json_ctx *c);
int json_get_bool(const json_t *obj, const char *key, bool *ret, struct json_ctx *c);
int json_get_array(const json_t *obj, const char *key, const json_t **ret, struct json_ctx *c);
int json_get_object(const json_t *obj, const char *key, const json_t **ret, struct json_ctx *c);
/* Optional: absent or null gives `def` (NULL for arrays and objects). */
int json_opt_string(const json_t *obj, const char *key, const char *def, const char **ret,
                    struct json_ctx *c);
int json_opt_i64(const json_t *obj, const char *key, int64_t def, int64_t *ret, struct json_ctx *c);
int json_opt_i64_in(const json_t *obj, const char *key, int64_t min, int64_t max, int64_t def, int64_t *ret,
                    struct json_ctx *c);
int json_opt_bool(const json_t *obj, const char *key, bool def, bool *ret, struct json_ctx *c);
int json_opt_array(const json_t *obj, const char *key, const json_t **ret, struct json_ctx *c);
int json_opt_object(const json_t *obj, const char *key, const json_t **ret, struct json_ctx *c);
/* Complains about every key of `obj` that is not in `keys` (NULL ended), naming the nearest. ERR_INVALID. */
int json_only_keys(const json_t *obj, const char *const *keys, struct json_ctx *c);

/* Answers of peers: the value if it is there with that type, else `def`. `obj` may be NULL. */
const char *json_str(const json_t *obj, const char *key, const char *def);
int64_t json_int(const json_t *obj, const char *key, int64_t def); /* "12" counts as 12 */
bool json_flag(const json_t *obj, const char *key, bool def);
const char *json_type_name(const json_t *node); /* "string", "integer", ...; "nothing" for NULL */

#endif
