/* SPDX-License-Identifier: Apache-2.0 */
/* A file without tables is version 0; one without the table `migration` but with others is not ours. */
#include "store/migrate.h"

#include <assert.h>
#include <inttypes.h>

static int read_version(struct db *db, int64_t *ret)
{
    int64_t tables, ours;
    int r;

    r = db_get_int(db_query(db, "SELECT count(*) FROM sqlite_schema"), &tables);
    if (r == 0)
        r = db_get_int(db_query(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'migration'"), &ours);
    if (r < 0)
        return r;
    if (ours == 0) {
        *ret = 0;
        return tables == 0 ? 0 : ERR_CORRUPT;
    }
    return db_get_int(db_query(db, "SELECT coalesce(max(version), 0) FROM migration"), ret);
}

static int apply(struct db *db, const struct migration *step)
{
    struct db_query *q;
    int r = db_begin(db);

    if (r < 0)
        return r;
    r = db_script(
        db, "CREATE TABLE IF NOT EXISTS migration(version INTEGER PRIMARY KEY, what TEXT NOT NULL) STRICT");
    if (r == 0)
        r = db_script(db, step->sql);
    if (r == 0) {
        q = db_query(db, "INSERT INTO migration(version, what) VALUES (?, ?)");
        db_bind(q, step->version);
        db_bind_text(q, str_of(step->what));
        r = db_run(q, NULL);
    }
    if (r == 0)
        r = db_commit(db);
    if (r < 0)
        db_rollback(db);
    return r;
}

static int complain(int err, int64_t have, int64_t want, const char *path, struct diag *diag)
{
    if (err == ERR_STALE && have > want)
        diag_addf(diag, path, 0,
                  "made by a newer version (schema %" PRId64 ", this program knows %" PRId64
                  "): run that version, or restore an older backup",
                  have, want);
    else if (err == ERR_STALE)
        diag_addf(diag, path, 0,
                  "schema %" PRId64 " is older than this program's %" PRId64
                  ": start `siyu run` once, it migrates",
                  have, want);
    else if (err == ERR_CORRUPT)
        diag_addf(diag, path, 0,
                  "not a Siyu store, or damaged: choose another data folder or restore a backup");
    else
        diag_addf(diag, path, 0, "cannot be read or migrated: %s", err_text(err));
    return err;
}

int migrate_forward(struct db *db, const struct migration *steps, size_t n, const char *path,
                    struct diag *diag)
{
    int64_t want = steps[n - 1].version, have = 0;
    int r = read_version(db, &have);

    if (r == 0 && have > want)
        r = ERR_STALE;
    for (size_t i = 0; r == 0 && i < n; i++) {
        assert(steps[i].version == (int64_t)i + 1);
        if (steps[i].version > have)
            r = apply(db, &steps[i]);
    }
    return r < 0 ? complain(r, have, want, path, diag) : 0;
}

int migrate_check(struct db *db, const struct migration *steps, size_t n, const char *path, struct diag *diag)
{
    int64_t want = steps[n - 1].version, have = 0;
    int r = read_version(db, &have);

    if (r == 0 && have != want)
        r = ERR_STALE;
    return r < 0 ? complain(r, have, want, path, diag) : 0;
}
