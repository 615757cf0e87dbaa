/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, crashing, refusing, migrating, failing. Processes die for real: a child is killed without a word.
 */
#include "support/temp_store.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "store/migrate.h"
#include "store/sqlite_db.h"

static struct temp_store t;

/* ---- the disk, as this process sees it ---- */

static struct {
    bool fsync_fails, full;
    int fsyncs;
} disk;

/* SQLite calls these; the executable's own definitions come first. */
int fdatasync(int fd);
ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at);

int fdatasync(int fd)
{
    disk.fsyncs++;
    if (disk.fsync_fails) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at)
{
    if (disk.full) {
        errno = ENOSPC;
        return -1;
    }
    return syscall(SYS_pwrite64, fd, p, n, at);
}

static int set_up(void **state)
{
    (void)state;
    memset(&disk, 0, sizeof disk);
    temp_open(&t);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    memset(&disk, 0, sizeof disk);
    temp_close(&t);
    return 0;
}

/* ---- a typical batch ---- */

enum { NOW = 1000000 };

static struct event_row event_of(int64_t id)
{
    struct event_row e = {.id = {id},
                          .connection = {1},
                          .has_key = true,
                          .state = EVENT_DECIDED,
                          .body = STR("{}"),
                          .at_ms = NOW};

    memcpy(e.key, &id, sizeof id);
    return e;
}

static struct delivery_row delivery_of(int64_t id)
{
    return (struct delivery_row){.id = {id},
                                 .origin = id,
                                 .contact = {id + 1},
                                 .account = {5},
                                 .lane = 1,
                                 .class = CLASS_REPLY,
                                 .op = CALL_SEND,
                                 .state = STATE_QUEUED,
                                 .due_ms = NOW,
                                 .deadline_ms = INT64_MAX};
}

static int put_event(struct store *s, int64_t id)
{
    struct event_row e = event_of(id);

    return store_put_events(s, &e, 1);
}

static int put_delivery(struct store *s, int64_t id)
{
    struct delivery_row d = delivery_of(id);
    bool isnew;

    return store_put_deliveries(s, &d, 1, &isnew);
}

static int mark_in_flight(struct store *s, int64_t id)
{
    struct delivery_change c = {.row = delivery_of(id), .was = STATE_QUEUED, .was_due_ms = NOW};
    struct attempt_row a = {.id = {id + 500}, .connection = {1}, .key = STR("k"), .next_ms = INT64_MAX};
    struct attempt_item_row item = {{id + 500}, {id}, STR("wm"), OUTCOME_PENDING, 0};
    struct claim_row claim = {.owner = id, .key = {1, 5, 0}, .cell = 7, .units = 1, .at_ms = NOW};
    struct cell_row cell = {{1, 5, 0}, 7, 1};
    struct trace_row trace = {.contact = {id + 1}, .what = STR("send"), .detail = STR("{}")};
    bool done;
    int r;

    c.row.state = STATE_IN_FLIGHT;
    r = store_put_attempts(s, &a, 1);
    if (r == 0)
        r = store_put_attempt_items(s, &item, 1);
    if (r == 0)
        r = store_put_claims(s, &claim, 1);
    if (r == 0)
        r = store_put_cells(s, &cell, 1);
    if (r == 0)
        r = store_update_deliveries(s, &c, 1, &done);
    return r == 0 ? store_put_traces(s, &trace, 1) : r;
}

/* Commits, or rolls back and returns why. */
static int batch(struct store *s, int64_t id)
{
    int r = store_begin(s);

    if (r == 0)
        r = put_event(s, id + 100);
    if (r == 0)
        r = put_delivery(s, id);
    if (r == 0)
        r = mark_in_flight(s, id);
    if (r == 0)
        r = store_commit(s);
    if (r < 0)
        store_rollback(s);
    return r;
}

static void check_batch(int64_t id, bool there)
{
    struct delivery_id ask = {id};
    struct attempt_id attempt = {id + 500};
    struct counter_ref key = {1, 5, 0};
    struct delivery_row d;
    struct attempt_row a;
    struct counter_rows c;
    int64_t last, min_cell = 0;

    T_OK(store_load_deliveries(t.s, &ask, 1, &t.a, &d));
    T_OK(store_load_attempts(t.s, &attempt, 1, &t.a, &a));
    T_OK(store_load_counters(t.s, &key, &min_cell, 1, &t.a, &c));
    T_OK(store_last_id(t.s, &last));
    T_EQ(d.id.v, there ? id : 0);
    T_EQ(a.id.v, there ? id + 500 : 0);
    T_EQ(c.cell_count, there);
    T_EQ(c.open_count, there);
    T_EQ(last, there ? id + 500 : 0);
    if (there)
        T_EQ(d.state, STATE_IN_FLIGHT);
}

/* ---- life ---- */

static void the_folder_and_its_files_are_for_the_owner_only(void **state)
{
    static const char *const names[] = {"siyu.db", "siyu.db-wal", "siyu.db-shm", "siyu.lock"};
    struct temp_store inner = {0};
    struct stat st;
    char path[512];

    (void)state;
    temp_path(&t, "data", path);
    memcpy(inner.dir, path, strlen(path) + 1);
    temp_open_store(&inner);
    T_OK(batch(inner.s, 1));
    T_EQ(stat(inner.dir, &st), 0);
    T_EQ(st.st_mode & 0777, 0700);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        temp_path(&inner, names[i], path);
        T_EQ(stat(path, &st), 0);
        T_EQ(st.st_mode & 0777, 0600);
    }
    temp_close(&inner);
}

static void a_clean_stop_is_told_from_an_unclean_one(void **state)
{
    (void)state;
    T_TRUE(!store_was_unclean(t.s));
    temp_reopen(&t);
    T_TRUE(!store_was_unclean(t.s));
}

/* A child opens, commits `id`, begins another batch and is killed. */
static void crash_after_commit_of(int64_t id)
{
    pid_t pid = fork();
    int status;

    T_TRUE(pid >= 0);
    if (pid == 0) {
        struct diag diag;
        struct store *s;

        diag_init(&diag, 1);
        if (store_open(t.dir, &s, &diag) < 0 || batch(s, id) < 0 || store_begin(s) < 0 ||
            put_event(s, 9000) < 0)
            _exit(1);
        (void)raise(SIGKILL);
    }
    T_EQ(waitpid(pid, &status, 0), pid);
    T_TRUE(WIFSIGNALED(status));
}

static void what_was_committed_survives_a_kill_and_nothing_else(void **state)
{
    struct inbox_key key = {.connection = {1}};
    struct inbox_row found;
    int64_t uncommitted = 9000;

    (void)state;
    store_close(t.s);
    t.s = NULL;
    crash_after_commit_of(1);
    temp_open_store(&t);
    T_TRUE(store_was_unclean(t.s));
    check_batch(1, true);
    memcpy(key.key, &uncommitted, sizeof uncommitted);
    T_OK(store_find_inbox(t.s, &key, 1, &t.a, &found));
    T_EQ(found.event.v, 0);
    temp_reopen(&t);
    T_TRUE(!store_was_unclean(t.s));
    check_batch(1, true);
}

static void a_second_writer_is_refused_in_plain_words(void **state)
{
    struct store *second = NULL;
    struct diag diag;
    char pid[32];

    (void)state;
    diag_init(&diag, 4);
    T_ERR(store_open(t.dir, &second, &diag), ERR_LOCKED);
    T_EQ(diag_count(&diag), 1);
    (void)snprintf(pid, sizeof pid, "pid %ld", (long)getpid());
    T_TRUE(strstr(diag_text(&diag, 0), pid) != NULL);
    T_TRUE(strstr(diag_text(&diag, 0), "stop it first") != NULL);
    diag_fini(&diag);
    T_TRUE(second == NULL);
    T_OK(batch(t.s, 1)); /* the first one goes on */
}

static void another_process_is_refused_until_the_first_one_closes(void **state)
{
    int status;
    pid_t pid;

    (void)state;
    pid = fork();
    T_TRUE(pid >= 0);
    if (pid == 0) {
        struct store *s;
        struct diag diag;

        diag_init(&diag, 1);
        _exit(store_open(t.dir, &s, &diag) == ERR_LOCKED ? 0 : 1);
    }
    T_EQ(waitpid(pid, &status, 0), pid);
    T_EQ(WEXITSTATUS(status), 0);
    temp_reopen(&t);
}

static void a_file_that_is_no_store_is_refused(void **state)
{
    static const char junk[] = "SQLite is not what this is, and it is long enough to be looked at twice: "
                               "............................................................";
    struct diag diag;
    char path[512];
    int fd;

    (void)state;
    store_close(t.s);
    t.s = NULL;
    temp_path(&t, "siyu.db", path);
    fd = open(path, O_WRONLY | O_TRUNC);
    T_TRUE(fd >= 0 && write(fd, junk, sizeof junk) == (ssize_t)sizeof junk);
    (void)close(fd);
    diag_init(&diag, 4);
    T_ERR(store_open(t.dir, &t.s, &diag), ERR_CORRUPT);
    T_TRUE(diag_errors(&diag) > 0);
    diag_fini(&diag);
}

static void a_folder_that_cannot_be_made_is_named(void **state)
{
    struct diag diag;
    struct store *s;

    (void)state;
    diag_init(&diag, 4);
    T_ERR(store_open("/nonexistent/parent/data", &s, &diag), -ENOENT);
    T_TRUE(strstr(diag_text(&diag, 0), "/nonexistent/parent/data") != NULL);
    diag_fini(&diag);
}

/* ---- migrations ---- */

static struct db *raw(void)
{
    const char *why;
    struct db *db;
    char path[512];

    temp_path(&t, "siyu.db", path);
    T_OK(db_open(path, DB_WRITE, &db, &why));
    return db;
}

static void start_over(void)
{
    char path[512];
    int fd;

    store_close(t.s);
    t.s = NULL;
    temp_path(&t, "siyu.db", path);
    fd = open(path, O_WRONLY | O_TRUNC);
    T_TRUE(fd >= 0);
    (void)close(fd);
}

static void a_store_of_version_1_is_brought_forward_with_its_rows(void **state)
{
    size_t n;
    const struct migration *steps = migrate_steps(&n);
    struct str v;
    struct db *db;

    (void)state;
    start_over();
    db = raw();
    T_OK(migrate_forward(db, steps, 1, "x", NULL));
    T_OK(db_script(db, "INSERT INTO meta(key, value) VALUES ('old', 'kept')"));
    db_close(db);

    temp_open_store(&t);
    T_OK(store_get_meta(t.s, "old", &t.a, &v));
    T_VIEW(v, "kept");
    T_OK(batch(t.s, 1));
    check_batch(1, true);
}

static void every_released_version_can_be_brought_forward(void **state)
{
    size_t n;
    const struct migration *steps = migrate_steps(&n);

    (void)state;
    for (size_t from = 1; from < n; from++) {
        struct db *db;

        start_over();
        db = raw();
        T_OK(migrate_forward(db, steps, from, "x", NULL));
        db_close(db);
        temp_open_store(&t);
        T_OK(batch(t.s, 1));
    }
}

static void a_store_of_a_newer_version_is_refused(void **state)
{
    struct diag diag;
    struct db *db;

    (void)state;
    store_close(t.s);
    t.s = NULL;
    db = raw();
    T_OK(db_script(db, "INSERT INTO migration(version, what) VALUES (999, 'the future')"));
    db_close(db);
    diag_init(&diag, 4);
    T_ERR(store_open(t.dir, &t.s, &diag), ERR_STALE);
    T_TRUE(strstr(diag_text(&diag, 0), "newer version") != NULL);
    diag_fini(&diag);
}

static void a_step_that_fails_leaves_the_version_before_it(void **state)
{
    static const struct migration good[] = {{1, "a", "CREATE TABLE a(x);"}, {2, "b", "CREATE TABLE b(x);"}};
    static const struct migration bad[] = {{1, "a", "CREATE TABLE a(x);"},
                                           {2, "b", "CREATE TABLE b(x); INSERT INTO nowhere VALUES (1);"}};
    struct db *db;
    int64_t tables;

    (void)state;
    start_over();
    db = raw();
    T_TRUE(migrate_forward(db, bad, 2, "x", NULL) < 0);
    T_OK(db_get_int(db_query(db, "SELECT count(*) FROM sqlite_schema WHERE name IN ('a', 'b')"), &tables));
    T_EQ(tables, 1);
    T_OK(migrate_forward(db, good, 2, "x", NULL));
    db_close(db);
}

/* ---- faults ---- */

static void a_batch_that_fails_anywhere_changes_nothing(void **state)
{
    bool hit = true;
    int n = 0;

    (void)state;
    while (hit) {
        int r;

        store_fail_at(t.s, ++n);
        r = batch(t.s, 1);
        hit = store_fail_hit(t.s);
        store_fail_at(t.s, 0);
        T_EQ(r, hit ? ERR_IO : 0);
        check_batch(1, !hit);
    }
    T_TRUE(n > 10); /* begin, 7 intents of one statement or more, tallies, commit */
}

static void a_batch_without_memory_changes_nothing(void **state)
{
    bool hit = true;

    (void)state;
    temp_reopen(&t); /* statements are prepared anew: each is an allocation */
    for (int n = 1; hit; n++) {
        int r;

        mem_fail_at(n);
        r = batch(t.s, 1);
        hit = mem_fault_hit();
        mem_fail_at(0);
        T_EQ(r, hit ? -ENOMEM : 0);
        check_batch(1, !hit);
    }
}

static void after_a_failed_fsync_nothing_more_is_written(void **state)
{
    (void)state;
    disk.fsync_fails = true;
    T_ERR(batch(t.s, 1), ERR_IO);
    disk.fsync_fails = false;
    T_ERR(store_begin(t.s), ERR_IO); /* what is on the disk is not known */
    T_ERR(batch(t.s, 1), ERR_IO);
}

static void a_full_disk_refuses_and_recovers(void **state)
{
    (void)state;
    disk.full = true;
    T_ERR(batch(t.s, 1), ERR_FULL);
    check_batch(1, false);
    disk.full = false;
    T_OK(batch(t.s, 1));
    check_batch(1, true);
}

static void each_commit_is_synced_before_it_returns(void **state)
{
    int before;

    (void)state;
    T_OK(batch(t.s, 1));
    before = disk.fsyncs;
    T_OK(batch(t.s, 2));
    T_TRUE(disk.fsyncs > before);
}

/* ---- size ---- */

static void put_many(int64_t first, int64_t count)
{
    static struct delivery_row rows[1000];
    static bool isnew[1000];

    for (int64_t at = 0; at < count; at += 1000) {
        for (int64_t i = 0; i < 1000; i++) {
            rows[i] = delivery_of(first + at + i);
            rows[i].account.v = 1 + (at + i) % 10;
            rows[i].due_ms = NOW + at + i;
        }
        temp_begin(&t);
        T_OK(store_put_deliveries(t.s, rows, 1000, isnew));
        temp_commit(&t);
    }
}

static int64_t wal_bytes(void)
{
    struct stat st;
    char path[512];

    temp_path(&t, "siyu.db-wal", path);
    return stat(path, &st) == 0 ? st.st_size : 0;
}

static void the_log_stays_small_when_it_is_moved_in_steps(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        int r;

        put_many(1000 + i * 1000, 1000);
        do {
            r = store_checkpoint_step(t.s);
            T_OK(r);
        } while (r == 1);
    }
    T_TRUE(wal_bytes() < 4 << 20);
}

static void a_log_that_nobody_moves_is_moved_at_64_mib(void **state)
{
    static char body[1 << 20];

    (void)state;
    memset(body, 'x', sizeof body - 1);
    for (int i = 1; i <= 150; i++) {
        struct content_row c = {i, true, str_of(body)};

        temp_begin(&t);
        T_OK(store_put_contents(t.s, &c, 1));
        temp_commit(&t);
    }
    T_TRUE(wal_bytes() < 70 << 20);
}

static double ms_now(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* Judged against reading all rows in the same run, so that a slow machine does not matter. */
static void queues_are_listed_without_reading_the_rows(void **state)
{
    struct delivery_row *rows;
    struct queue_row *queues;
    double scan, list = 1e9;
    int64_t next;
    size_t n;

    (void)state;
    put_many(1000, 50000);
    temp_reopen(&t);
    scan = ms_now();
    for (int64_t account = 1; account <= 10; account++)
        T_OK(store_load_due(t.s, (struct queue_key){{account}, 1, 0}, INT64_MAX - 1, 10000, &t.a, &rows, &n,
                            &next));
    scan = ms_now() - scan;
    for (int i = 0; i < 3; i++) {
        double start = ms_now();

        T_OK(store_load_queues(t.s, &t.a, &queues, &n));
        list = ms_now() - start < list ? ms_now() - start : list;
    }
    T_EQ(n, 10);
    T_EQ(queues[9].next_due_ms, NOW + 9);
    print_message("50,000 rows: queues listed in %.3f ms, rows read in %.1f ms\n", list, scan);
    T_TRUE(list < scan / 20);
}

#define IN_STORE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_STORE(the_folder_and_its_files_are_for_the_owner_only),
        IN_STORE(a_clean_stop_is_told_from_an_unclean_one),
        IN_STORE(what_was_committed_survives_a_kill_and_nothing_else),
        IN_STORE(a_second_writer_is_refused_in_plain_words),
        IN_STORE(another_process_is_refused_until_the_first_one_closes),
        IN_STORE(a_file_that_is_no_store_is_refused),
        IN_STORE(a_folder_that_cannot_be_made_is_named),
        IN_STORE(a_store_of_version_1_is_brought_forward_with_its_rows),
        IN_STORE(every_released_version_can_be_brought_forward),
        IN_STORE(a_store_of_a_newer_version_is_refused),
        IN_STORE(a_step_that_fails_leaves_the_version_before_it),
        IN_STORE(a_batch_that_fails_anywhere_changes_nothing),
        IN_STORE(a_batch_without_memory_changes_nothing),
        IN_STORE(after_a_failed_fsync_nothing_more_is_written),
        IN_STORE(a_full_disk_refuses_and_recovers),
        IN_STORE(each_commit_is_synced_before_it_returns),
        IN_STORE(the_log_stays_small_when_it_is_moved_in_steps),
        IN_STORE(a_log_that_nobody_moves_is_moved_at_64_mib),
        IN_STORE(queues_are_listed_without_reading_the_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
