/* SPDX-License-Identifier: Apache-2.0 */
/* The only file that includes sqlite3.h.
 *
 *     db_query -> bind* -> step* -> db_end      (busy in between)
 *
 * A statement is reset in db_end(), so no read snapshot outlives an intent. */
#include "store/sqlite_db.h"

#include <assert.h>
#include <errno.h>
#include <sqlite3.h>
#include <string.h>

#include "base/err.h"
#include "base/map.h"

enum { MAX_STATEMENTS = 512 };

struct db_query {
    struct db *db;
    sqlite3_stmt *stmt;
    int err;
    int bound, column;
    bool busy, started;
};

struct db {
    sqlite3 *sqlite;
    struct map_i64 queries; /* address of the SQL literal -> struct db_query */
    struct db_query broken; /* handed out where no statement could be made */
    bool fsync_failed;
    int64_t fail_at;
    bool fail_hit;
    int64_t wal_pages, wal_tried; /* in the log; at the last checkpoint */
};

static int err_of(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE: return 0;
    case SQLITE_NOMEM: return -ENOMEM;
    case SQLITE_FULL: return ERR_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ERR_CORRUPT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return ERR_BUSY;
    case SQLITE_CONSTRAINT: return ERR_EXISTS;
    case SQLITE_INTERRUPT: return ERR_CANCELED;
    case SQLITE_TOOBIG: return ERR_TOO_BIG;
    default: return ERR_IO;
    }
}

static int judge(struct db *db, int rc)
{
    if (rc == SQLITE_IOERR_FSYNC || rc == SQLITE_IOERR_DIR_FSYNC)
        db->fsync_failed = true;
    return err_of(rc);
}

static int strike(struct db *db)
{
    if (db->fail_at == 0 || --db->fail_at > 0)
        return 0;
    db->fail_hit = true;
    return ERR_IO;
}

static int on_wal_commit(void *ctx, sqlite3 *sqlite, const char *name, int pages)
{
    struct db *db = ctx;

    (void)sqlite;
    (void)name;
    if (pages < db->wal_pages) /* the log began anew: all before is in the file */
        db->wal_tried = 0;
    db->wal_pages = pages;
    return SQLITE_OK;
}

static int set_up(struct db *db, enum db_mode mode)
{
    static const char common[] = "PRAGMA cell_size_check = ON;"
                                 "PRAGMA trusted_schema = OFF;"
                                 "PRAGMA busy_timeout = 2000;";
    static const char writer[] =
        "PRAGMA auto_vacuum = NONE;" /* counts only before the first page is written */
        "PRAGMA journal_mode = WAL;"
        "PRAGMA synchronous = FULL;"
        "PRAGMA wal_autocheckpoint = 0;"
        "PRAGMA journal_size_limit = 67108864;"
        "PRAGMA secure_delete = FAST;"
        "PRAGMA temp_store = MEMORY;"
        "PRAGMA cache_size = -32768;";
    static const char reader[] = "PRAGMA query_only = ON;"
                                 "PRAGMA temp_store = FILE;"
                                 "PRAGMA cache_size = -8192;";
    int r;

    (void)sqlite3_extended_result_codes(db->sqlite, 1);
    (void)sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    r = db_script(db, common);
    if (r == 0)
        r = db_script(db, mode == DB_WRITE ? writer : reader);
    if (r == 0 && mode == DB_WRITE)
        (void)sqlite3_wal_hook(db->sqlite, on_wal_commit, db);
    return r;
}

int db_open(const char *path, enum db_mode mode, struct db **ret, const char **reterr)
{
    int flags = SQLITE_OPEN_NOMUTEX | (mode == DB_WRITE ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
    struct db *db = mem_calloc(1, sizeof *db);
    int rc, r;

    if (db == NULL) {
        *reterr = err_text(-ENOMEM);
        return -ENOMEM;
    }
    /* Counting its memory costs SQLite a lock each time. Only the first open has an effect. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    map_i64_init(&db->queries, MAX_STATEMENTS);
    db->broken.db = db;
    rc = sqlite3_open_v2(path, &db->sqlite, flags, NULL);
    r = err_of(rc);
    if (r == 0)
        r = set_up(db, mode);
    if (r < 0) {
        *reterr = sqlite3_errstr(db->sqlite ? sqlite3_extended_errcode(db->sqlite) : rc);
        db_close(db);
        return r;
    }
    *ret = db;
    return 0;
}

void db_close(struct db *db)
{
    union map_val v;
    int64_t key;
    size_t at = 0;

    if (db == NULL)
        return;
    while (map_i64_next(&db->queries, &at, &key, &v)) {
        struct db_query *q = v.p;

        (void)sqlite3_finalize(q->stmt);
        mem_free(q);
    }
    map_i64_fini(&db->queries);
    (void)sqlite3_close(db->sqlite);
    mem_free(db);
}

int db_script(struct db *db, const char *sql)
{
    return judge(db, sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL));
}

/* ---- transactions ---- */

int db_begin(struct db *db)
{
    assert(!db_in_transaction(db));
    if (db->fsync_failed)
        return ERR_IO;
    return db_run(db_query(db, "BEGIN IMMEDIATE"), NULL);
}

int db_commit(struct db *db)
{
    assert(db_in_transaction(db));
    return db_run(db_query(db, "COMMIT"), NULL);
}

void db_rollback(struct db *db)
{
    int64_t armed = db->fail_at;

    if (!db_in_transaction(db)) /* SQLite rolls back by itself when the disk is full */
        return;
    db->fail_at = 0;
    (void)db_run(db_query(db, "ROLLBACK"), NULL); /* fails only if it is rolled back already */
    db->fail_at = armed;
}

bool db_in_transaction(const struct db *db)
{
    return !sqlite3_get_autocommit(db->sqlite);
}

/* ---- statements ---- */

static int prepare(struct db *db, const char *sql, struct db_query **ret)
{
    struct db_query *q = mem_calloc(1, sizeof *q);
    int r;

    if (q == NULL)
        return -ENOMEM;
    q->db = db;
    r = judge(db, sqlite3_prepare_v3(db->sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT, &q->stmt, NULL));
    if (r == 0)
        r = map_i64_put(&db->queries, (int64_t)(intptr_t)sql, q);
    if (r < 0) {
        (void)sqlite3_finalize(q->stmt);
        mem_free(q);
        return r;
    }
    *ret = q;
    return 0;
}

struct db_query *db_query(struct db *db, const char *sql)
{
    struct db_query *q = map_i64_get(&db->queries, (int64_t)(intptr_t)sql);
    int r = 0;

    if (q == NULL)
        r = prepare(db, sql, &q);
    if (r < 0) {
        q = &db->broken;
        q->err = r;
    }
    assert(!q->busy || q == &db->broken);
    q->busy = true;
    return q;
}

static void bound(struct db_query *q, int rc)
{
    if (rc != SQLITE_OK)
        q->err = err_of(rc);
}

void db_bind(struct db_query *q, int64_t v)
{
    if (q->err == 0)
        bound(q, sqlite3_bind_int64(q->stmt, ++q->bound, v));
}

void db_bind_opt(struct db_query *q, struct str s)
{
    if (q->err == 0)
        bound(q, sqlite3_bind_text64(q->stmt, ++q->bound, s.p, s.n, SQLITE_STATIC, SQLITE_UTF8));
}

void db_bind_text(struct db_query *q, struct str s)
{
    db_bind_opt(q, s.p ? s : STR(""));
}

void db_bind_blob(struct db_query *q, const void *p, size_t bytes)
{
    if (q->err == 0)
        bound(q, sqlite3_bind_blob64(q->stmt, ++q->bound, p, bytes, SQLITE_STATIC));
}

int db_step(struct db_query *q)
{
    int rc;

    if (q->err == 0 && !q->started) {
        assert(q->bound == sqlite3_bind_parameter_count(q->stmt));
        q->started = true;
        q->err = strike(q->db);
    }
    if (q->err < 0)
        return q->err;
    q->column = 0;
    rc = sqlite3_step(q->stmt);
    if (rc == SQLITE_ROW)
        return 1;
    q->err = judge(q->db, rc);
    return q->err;
}

int64_t db_int(struct db_query *q)
{
    return q->err < 0 ? 0 : sqlite3_column_int64(q->stmt, q->column++);
}

struct str db_text(struct db_query *q, struct arena *a)
{
    const unsigned char *text;
    struct str s;

    if (q->err < 0)
        return STR("");
    text = sqlite3_column_text(q->stmt, q->column);
    s = (struct str){(const char *)text, (size_t)sqlite3_column_bytes(q->stmt, q->column)};
    q->column++;
    if (s.n == 0)
        return STR("");
    s.p = arena_str(a, s);
    if (s.p == NULL)
        q->err = -ENOMEM;
    return s.p ? s : STR("");
}

void db_blob(struct db_query *q, void *ret, size_t bytes)
{
    const void *p;
    size_t n;

    memset(ret, 0, bytes);
    if (q->err < 0)
        return;
    p = sqlite3_column_blob(q->stmt, q->column);
    n = (size_t)sqlite3_column_bytes(q->stmt, q->column);
    q->column++;
    if (n == bytes)
        memcpy(ret, p, bytes);
    else if (n > 0)
        q->err = ERR_CORRUPT;
}

void db_stick(struct db_query *q, int err)
{
    if (q->err == 0)
        q->err = err;
}

int db_end(struct db_query *q)
{
    int err = q->err;

    assert(q->busy);
    if (q->stmt)
        (void)sqlite3_reset(q->stmt); /* repeats the step's error */
    q->err = 0;
    q->bound = 0;
    q->busy = q->started = false;
    return err;
}

int db_run(struct db_query *q, int64_t *ret_changes)
{
    int r = db_step(q);

    assert(r <= 0);
    r = db_end(q);
    if (r == 0 && ret_changes)
        *ret_changes = sqlite3_changes64(q->db->sqlite);
    return r;
}

int db_get_int(struct db_query *q, int64_t *ret)
{
    bool found = db_step(q) > 0;
    int64_t v = found ? db_int(q) : 0;
    int r = db_end(q);

    if (r < 0)
        return r;
    if (!found)
        return ERR_NOT_FOUND;
    *ret = v;
    return 0;
}

/* ---- checkpoints ---- */

int64_t db_checkpoint_backlog(const struct db *db)
{
    return db->wal_pages - db->wal_tried;
}

int db_checkpoint(struct db *db)
{
    int rc = sqlite3_wal_checkpoint_v2(db->sqlite, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

    db->wal_tried = db->wal_pages; /* what a reader still holds is tried again after more has been written */
    return rc == SQLITE_BUSY ? 0 : judge(db, rc);
}

/* ---- faults ---- */

void db_fail_at(struct db *db, int64_t n)
{
    db->fail_at = n;
    db->fail_hit = false;
}

bool db_fail_hit(const struct db *db)
{
    return db->fail_hit;
}
