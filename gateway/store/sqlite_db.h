/* SPDX-License-Identifier: Apache-2.0 */
/* sqlite_db.h - one SQLite connection, its statements kept prepared. Private to store/.
 *
 * A statement is named by its SQL literal and prepared once. Using one reads like writing a message:
 *
 *     struct db_query *q = db_query(db, "SELECT cursor FROM cursor WHERE connection = ?");
 *     db_bind(q, connection);
 *     if (db_step(q) > 0)
 *         text = db_text(q, arena);
 *     return db_end(q);
 *
 * Binds and columns go left to right. The first failure sticks in the query, later calls on it do nothing,
 * and db_end() returns it; so one check at the end is enough.
 *
 * A connection of mode DB_WRITE is the only one that writes and checkpoints its file; the caller holds the
 * lock that makes this true. A failed fsync leaves unknown what is on disk, so no later transaction begins.
 *
 * Errors   ERR_IO, ERR_FULL (disk), ERR_CORRUPT, ERR_EXISTS (a unique key), ERR_BUSY, -ENOMEM.
 * Memory   bound texts are borrowed until db_end(); what a column gives lives in the arena.
 * Threads  one at a time.
 */
#ifndef SIYU_STORE_SQLITE_DB_H
#define SIYU_STORE_SQLITE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/str.h"

struct db;
struct db_query;

enum db_mode { DB_WRITE, DB_READ };

/* The file must exist for DB_READ. `reterr`: SQLite's sentence, in static memory. */
int db_open(const char *path, enum db_mode mode, struct db **ret, const char **reterr);
void db_close(struct db *db);

/* Statements without rows or parameters, parsed anew: schema, pragmas. */
int db_script(struct db *db, const char *sql);

int db_begin(struct db *db);
int db_commit(struct db *db);
void db_rollback(struct db *db); /* a no-op outside a transaction */
bool db_in_transaction(const struct db *db);

/* Never NULL. `sql` must outlive `db`: a literal. Not while the same statement is in use. */
struct db_query *db_query(struct db *db, const char *sql);
void db_bind(struct db_query *q, int64_t v);
void db_bind_text(struct db_query *q, struct str s);                /* absent: '' */
void db_bind_opt(struct db_query *q, struct str s);                 /* absent: NULL */
void db_bind_blob(struct db_query *q, const void *p, size_t bytes); /* NULL: NULL */
int db_step(struct db_query *q); /* 1: a row, 0: no more, negative: stuck */
int64_t db_int(struct db_query *q);
struct str db_text(struct db_query *q, struct arena *a);
void db_blob(struct db_query *q, void *ret, size_t bytes); /* another size is ERR_CORRUPT; NULL gives zeros */
void db_stick(struct db_query *q, int err);                /* err 0: nothing */
int db_end(struct db_query *q);

/* Runs a statement that gives no rows. ret_changes (or NULL): rows it touched. */
int db_run(struct db_query *q, int64_t *ret_changes);
/* The one integer of the first row. ERR_NOT_FOUND: no row. */
int db_get_int(struct db_query *q, int64_t *ret);

/* Pages in the write-ahead log that are not yet in the file, since the last try to move them. */
int64_t db_checkpoint_backlog(const struct db *db);
/* Moves them, as far as readers allow. Never waits. */
int db_checkpoint(struct db *db);

/* The n-th following statement, begin or commit fails with ERR_IO, once; 0: none. */
void db_fail_at(struct db *db, int64_t n);
bool db_fail_hit(const struct db *db);

#endif
