/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, closing, transactions, checkpoints.
 *
 *     <dir>/siyu.lock   flock()ed while open, holds the writer's pid
 *     <dir>/siyu.db     meta 'clean' is 0 while open, 1 after store_close()
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/migrate.h"
#include "store/store_private.h"

enum {
    CHECKPOINT_PAGES = 256,  /* of 4 KiB: about a millisecond */
    WAL_FORCE_PAGES = 16384, /* 64 MiB */
    PATH_BYTES = 4096,
};

static int make_path(const char *dir, const char *name, char ret[PATH_BYTES], struct diag *diag)
{
    int n = snprintf(ret, PATH_BYTES, "%s/%s", dir, name);

    if (n > 0 && n < PATH_BYTES)
        return 0;
    diag_addf(diag, NULL, 0, "data folder: the path is too long");
    return -ENAMETOOLONG;
}

static int make_dir(const char *dir, struct diag *diag)
{
    if (mkdir(dir, 0700) == 0 || errno == EEXIST)
        return 0;
    int r = -errno;
    diag_addf(diag, dir, 0, "data folder cannot be created: %s; make its parent, or set `data:`",
              err_text(r));
    return r;
}

/* ---- the writer's lock ---- */

static void complain_locked(int fd, const char *path, struct diag *diag)
{
    char pid[32];
    ssize_t n = pread(fd, pid, sizeof pid - 1, 0);

    pid[n > 0 ? n : 0] = '\0';
    pid[strcspn(pid, "\n")] = '\0';
    diag_addf(diag, path, 0,
              "another process%s%s writes to this store: stop it first, or give this gateway its own `data:` "
              "folder",
              *pid ? ", pid " : "", pid);
}

static int write_pid(int fd)
{
    char pid[32];
    int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());

    if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, (size_t)n, 0) != n)
        return -errno;
    return 0;
}

static int take_lock(const char *dir, int *ret, struct diag *diag)
{
    char path[PATH_BYTES];
    int r = make_path(dir, "siyu.lock", path, diag);
    int fd;

    if (r < 0)
        return r;
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        r = -errno;
        diag_addf(diag, path, 0, "cannot be opened: %s", err_text(r));
        return r;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        r = errno == EWOULDBLOCK ? ERR_LOCKED : -errno;
        if (r == ERR_LOCKED)
            complain_locked(fd, path, diag);
        else
            diag_addf(diag, path, 0, "cannot be locked: %s", err_text(r));
        (void)close(fd);
        return r;
    }
    r = write_pid(fd);
    if (r < 0) {
        diag_addf(diag, path, 0, "cannot be written: %s", err_text(r));
        (void)close(fd);
        return r;
    }
    *ret = fd;
    return 0;
}

/* ---- open and close ---- */

/* SQLite would create it readable for others; its -wal and -shm files take over the mode. An existing file is
 * not touched: closing any descriptor of it would drop the locks of this process's readers. */
static int make_file(const char *path, struct diag *diag)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int r = fd < 0 && errno != EEXIST ? -errno : 0;

    if (r < 0)
        diag_addf(diag, path, 0, "cannot be created: %s", err_text(r));
    if (fd >= 0)
        (void)close(fd);
    return r;
}

static int open_file(struct store *s, const char *dir, struct diag *diag)
{
    const struct migration *steps;
    const char *why = "";
    char path[PATH_BYTES];
    size_t n;
    int r = make_path(dir, "siyu.db", path, diag);

    if (r == 0)
        r = make_file(path, diag);
    if (r < 0)
        return r;
    r = db_open(path, DB_WRITE, &s->db, &why);
    if (r < 0) {
        diag_addf(diag, path, 0, "cannot be opened as a store: %s", why);
        return r;
    }
    steps = migrate_steps(&n);
    return migrate_forward(s->db, steps, n, path, diag);
}

static int set_clean(struct db *db, bool clean)
{
    struct db_query *q = db_query(db, "INSERT INTO meta(key, value) VALUES ('clean', ?)"
                                      " ON CONFLICT(key) DO UPDATE SET value = excluded.value");

    db_bind_text(q, clean ? STR("1") : STR("0"));
    return db_run(q, NULL);
}

static int mark(struct db *db, bool clean)
{
    int r = db_begin(db);

    if (r == 0)
        r = set_clean(db, clean);
    if (r == 0)
        r = db_commit(db);
    if (r < 0)
        db_rollback(db);
    return r;
}

static int note_last_stop(struct store *s)
{
    int64_t unclean = 0;
    int r = db_get_int(db_query(s->db, "SELECT count(*) FROM meta WHERE key = 'clean' AND value = '0'"),
                       &unclean);

    s->unclean = unclean != 0;
    return r == 0 ? mark(s->db, false) : r;
}

int store_open(const char *dir, struct store **ret, struct diag *diag)
{
    struct store *s = mem_calloc(1, sizeof *s);
    int r;

    if (s == NULL)
        return -ENOMEM;
    s->lock_fd = -1;
    r = make_dir(dir, diag);
    if (r == 0)
        r = take_lock(dir, &s->lock_fd, diag);
    if (r == 0)
        r = open_file(s, dir, diag);
    if (r == 0)
        r = note_last_stop(s);
    if (r < 0) {
        if (diag_errors(diag) == 0)
            diag_addf(diag, dir, 0, "store cannot be opened: %s", err_text(r));
        db_close(s->db);
        if (s->lock_fd >= 0)
            (void)close(s->lock_fd);
        mem_free(s);
        return r;
    }
    *ret = s;
    return 0;
}

void store_close(struct store *s)
{
    if (s == NULL)
        return;
    store_rollback(s);
    db_fail_at(s->db, 0);
    if (mark(s->db, true) == 0)
        (void)db_checkpoint(s->db);
    db_close(s->db);
    (void)close(s->lock_fd);
    mem_free(s);
}

bool store_was_unclean(const struct store *s)
{
    return s->unclean;
}

/* ---- transactions ---- */

static int add_tally(struct db *db, enum tally_kind kind, const int64_t *changes, size_t n)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        if (changes[i] == 0)
            continue;
        struct db_query *q = db_query(db, "INSERT INTO tally(kind, state, n) VALUES (?, ?, ?)"
                                          " ON CONFLICT DO UPDATE SET n = n + excluded.n");
        db_bind(q, kind);
        db_bind(q, (int64_t)i);
        db_bind(q, changes[i]);
        r = db_run(q, NULL);
    }
    return r;
}

int store_begin(struct store *s)
{
    s->tally = (struct tally){0};
    return db_begin(s->db);
}

int store_commit(struct store *s)
{
    int r = add_tally(s->db, TALLY_DELIVERIES, s->tally.deliveries, ARRAY_LEN(s->tally.deliveries));

    if (r == 0)
        r = add_tally(s->db, TALLY_EVENTS, s->tally.events, ARRAY_LEN(s->tally.events));
    if (r == 0)
        r = db_commit(s->db);
    if (r == 0 && db_checkpoint_backlog(s->db) > WAL_FORCE_PAGES)
        (void)db_checkpoint(s->db); /* the commit stands whatever comes of it */
    return r;
}

void store_rollback(struct store *s)
{
    db_rollback(s->db);
}

int store_checkpoint_step(struct store *s)
{
    if (db_in_transaction(s->db) || db_checkpoint_backlog(s->db) < CHECKPOINT_PAGES)
        return 0;
    return db_checkpoint(s->db);
}

/* ---- tests ---- */

void store_fail_at(struct store *s, int64_t n)
{
    db_fail_at(s->db, n);
}

bool store_fail_hit(const struct store *s)
{
    return db_fail_hit(s->db);
}

int64_t store_calls(const struct store *s)
{
    return s->calls;
}
