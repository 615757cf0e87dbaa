/* SPDX-License-Identifier: Apache-2.0 */
/* migrate.h - the schema as a list of steps that only go forward. Private to store/.
 *
 * A step is never edited once released: a change is a new step. Each runs in a transaction of its own with
 * its row in `migration`, so a crash leaves the version before or after it.
 *
 * Errors   ERR_STALE: the file is newer than this program; ERR_CORRUPT: not a Siyu store.
 * Threads  one at a time.
 */
#ifndef SIYU_STORE_MIGRATE_H
#define SIYU_STORE_MIGRATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "store/sqlite_db.h"

struct migration {
    int64_t version; /* 1, 2, 3, ... */
    const char *what;
    const char *sql; /* many statements */
};

/* The released steps. */
const struct migration *migrate_steps(size_t *ret_n);

/* Brings `db` to the last of `steps`. `path` is for complaints; `diag` may be NULL. */
int migrate_forward(struct db *db, const struct migration *steps, size_t n, const char *path,
                    struct diag *diag);

/* For readers: 0 if the file has exactly the last version. */
int migrate_check(struct db *db, const struct migration *steps, size_t n, const char *path,
                  struct diag *diag);

#endif
