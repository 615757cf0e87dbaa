/* SPDX-License-Identifier: Apache-2.0 */
/* config.h - siyu.yaml: where to listen, where data lives, which connections and accounts there are.
 *
 * Every complaint names file, line, what is wrong and how to mend it; all are collected before it fails.
 * Values may be ${ENV} or {file: path}: they are resolved here, so that nobody else sees the difference, and
 * a variable that is not set is an error.
 *
 * Errors   ERR_CONFIG with complaints; -ENOENT the file is not there.
 * Memory   the config owns all it gives. Threads: one.
 */
#ifndef SIYU_HOST_CONFIG_H
#define SIYU_HOST_CONFIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "base/terms.h"

struct config_connection {
    const char *name, *kind;
    const json_t *conf; /* the mapping, secrets resolved */
};

struct config_account {
    const char *name, *connection, *external;
    enum account_kind kind;
};

struct config {
    const char *file;
    const char *listen; /* "127.0.0.1:8600" */
    int listen_line;    /* for complaints; 0: not in the file */
    const char *data;   /* directory, relative to the file's */
    const char *log_level;
    bool testing;           /* `testing: true`: orders that only tests give are obeyed */
    const char **playbooks; /* paths, relative to the file's directory */
    size_t playbook_count;
    struct config_connection *connections;
    size_t connection_count;
    struct config_account *accounts;
    size_t account_count;
    void *memory; /* private */
};

/* A whole text file of at most 1 MiB; buf_fini() it. */
int config_read_text(const char *path, struct buf *ret);

/* Where the deepest part of "connections.hall.key" that is there stands; 0: none of it. */
int config_line(const struct config *c, struct str path);

int config_load(const char *file, struct config **ret, struct diag *diag);
void config_free(struct config *c); /* NULL is a no-op */

#endif
