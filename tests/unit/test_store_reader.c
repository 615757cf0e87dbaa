/* SPDX-License-Identifier: Apache-2.0 */
/* Readers beside a writer, and a verify that must notice each kind of damage. */
#include "support/temp_store.h"

#include <signal.h>
#include <sys/wait.h>

#include "store/reader.h"
#include "store/sqlite_db.h"

static struct temp_store t;
static struct reader *r;

enum { NOW = 1000000 };

static void open_reader(void)
{
    struct diag diag;

    diag_init(&diag, 4);
    int err = reader_open(t.dir, &r, &diag);
    if (err < 0 && diag_count(&diag))
        print_error("%s\n", diag_text(&diag, 0));
    diag_fini(&diag);
    T_OK(err);
}

static int set_up(void **state)
{
    (void)state;
    temp_open(&t);
    open_reader();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    reader_close(r);
    r = NULL;
    temp_close(&t);
    return 0;
}

/* ---- a small world: two contacts; deliveries 101 queued, 102 in flight, 103 accepted and final ---- */

static struct delivery_row delivery_of(int64_t id, int64_t contact)
{
    return (struct delivery_row){.id = {id},
                                 .origin_kind = ORIGIN_EVENT,
                                 .origin = 51,
                                 .step = (int32_t)id,
                                 .contact = {contact},
                                 .account = {5},
                                 .campaign = 900,
                                 .lane = 1,
                                 .class = CLASS_REPLY,
                                 .op = CALL_SEND,
                                 .state = STATE_QUEUED,
                                 .due_ms = NOW,
                                 .deadline_ms = INT64_MAX,
                                 .content = 800};
}

static void put_people(void)
{
    struct contact_row c[] = {{.id = {11}, .name = STR("小美")}, {.id = {12}, .name = STR("小丽")}};
    struct connection_row conn = {.name = STR("corp"), .kind = STR("wecom"), .domain_name = STR("wecom:ww1")};
    struct identity_row ids[2];

    T_OK(store_intern_connections(t.s, &conn, 1));
    ids[0] = (struct identity_row){conn.domain, STR("wm11"), {11}};
    ids[1] = (struct identity_row){conn.domain, STR("13800138000"), {12}};
    T_OK(store_put_contacts(t.s, c, 2));
    T_OK(store_put_identities(t.s, ids, 2));
}

static void put_events(void)
{
    struct event_row e[] = {{.id = {51},
                             .connection = {1},
                             .has_key = true,
                             .key = {1},
                             .state = EVENT_DECIDED,
                             .mode = REPLY_PASSIVE,
                             .reply = 800,
                             .body = STR("{}")},
                            {.id = {52},
                             .connection = {1},
                             .has_key = true,
                             .key = {2},
                             .state = EVENT_UNDECIDED,
                             .body = STR("{}")}};
    struct content_row c = {800, true, STR("{\"text\":\"hi\"}")};
    struct trace_row traces[] = {
        {.contact = {11}, .at_ms = 1, .event = {51}, .what = STR("event"), .detail = STR("{}")},
        {.contact = {11}, .at_ms = 2, .delivery = {101}, .what = STR("queued"), .detail = STR("{}")},
        {.contact = {11}, .at_ms = 3, .delivery = {102}, .what = STR("queued"), .detail = STR("{}")},
        {.contact = {12}, .at_ms = 4, .delivery = {103}, .what = STR("queued"), .detail = STR("{}")}};

    T_OK(store_put_contents(t.s, &c, 1));
    T_OK(store_put_events(t.s, e, 2));
    T_OK(store_put_traces(t.s, traces, 4));
}

static void put_deliveries(void)
{
    struct delivery_row d[] = {delivery_of(101, 11), delivery_of(102, 11), delivery_of(103, 12)};
    struct delivery_change c[] = {{d[1], STATE_QUEUED, NOW}, {d[2], STATE_QUEUED, NOW}};
    struct attempt_row a[] = {
        {.id = {201}, .connection = {1}, .key = STR("k1"), .next_ms = INT64_MAX},
        {.id = {202}, .connection = {1}, .key = STR("k2"), .next_ms = INT64_MAX, .state = ATTEMPT_ENDED}};
    struct attempt_item_row items[] = {{{201}, {102}, STR("wm11"), OUTCOME_PENDING, 0},
                                       {{202}, {103}, STR("13800138000"), OUTCOME_ACCEPTED, 0}};
    struct claim_row claims[] = {
        {.owner = 102, .key = {1, 5, 0}, .cell = 7, .units = 1, .at_ms = NOW},
        {.owner = 103, .key = {1, 5, 0}, .cell = 7, .units = 2, .at_ms = NOW, .state = CLAIM_COUNTED},
        {.owner = 103,
         .key = {1, 5, 0},
         .cell = 8,
         .units = 2,
         .at_ms = NOW,
         .carried = true,
         .state = CLAIM_COUNTED},
        {.owner = 202, .key = {2, 5, 0}, .cell = 7, .units = 1, .at_ms = NOW, .state = CLAIM_REFUNDED},
        {.owner = 202, .key = {9, 5, 0}, .cell = 0, .units = 1, .at_ms = NOW, .state = CLAIM_COUNTED}};
    struct cell_row cells[] = {{{1, 5, 0}, 7, 3}, {{1, 5, 0}, 8, 2}, {{9, 5, 0}, 0, NOW}};
    bool done[3];

    c[0].row.state = STATE_IN_FLIGHT;
    c[0].row.attempt.v = 201;
    c[1].row.state = STATE_ACCEPTED;
    c[1].row.attempt.v = 202;
    c[1].row.final = true;
    T_OK(store_put_deliveries(t.s, d, 3, done));
    T_OK(store_update_deliveries(t.s, c, 2, done));
    T_TRUE(done[0] && done[1]);
    T_OK(store_put_attempts(t.s, a, 2));
    T_OK(store_put_attempt_items(t.s, items, 2));
    T_OK(store_put_claims(t.s, claims, 5));
    T_OK(store_put_cells(t.s, cells, 3));
}

static void put_world(void)
{
    temp_begin(&t);
    put_people();
    put_events();
    put_deliveries();
    temp_commit(&t);
}

/* ---- look-ups ---- */

static void a_contact_is_found_by_any_name_it_has(void **state)
{
    static const struct {
        const char *any;
        int64_t id;
    } cases[] = {{"11", 11}, {"wm11", 11}, {"小美", 11}, {"13800138000", 12}, {"小", 0}, {"", 0}, {"99", 0}};
    struct contact_row *rows;
    size_t n;

    (void)state;
    put_world();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        T_OK(reader_find_contact(r, str_of(cases[i].any), 10, &t.a, &rows, &n));
        T_EQ(n, cases[i].id != 0);
        if (n)
            T_EQ(rows[0].id.v, cases[i].id);
    }
}

static void two_contacts_of_one_name_are_both_given(void **state)
{
    struct contact_row twin = {.id = {13}, .name = STR("小美")}, *rows;
    size_t n;

    (void)state;
    put_world();
    temp_begin(&t);
    T_OK(store_put_contacts(t.s, &twin, 1));
    temp_commit(&t);
    T_OK(reader_find_contact(r, STR("小美"), 10, &t.a, &rows, &n));
    T_EQ(n, 2);
    T_EQ(rows[1].id.v, 13);
}

static void the_facts_deliveries_and_claims_of_a_contact_are_read(void **state)
{
    struct contact_facts facts;
    struct delivery_row *rows, row;
    struct attempt_row attempt;
    struct content_row content;
    struct claim_row *claims;
    size_t n;

    (void)state;
    put_world();
    T_OK(reader_contact_facts(r, (struct contact_id){11}, &t.a, &facts));
    T_EQ(facts.identity_count, 1);
    T_ERR(reader_contact_facts(r, (struct contact_id){99}, &t.a, &facts), ERR_NOT_FOUND);
    T_OK(reader_deliveries_of_contact(r, (struct contact_id){11}, 10, &t.a, &rows, &n));
    T_EQ(n, 2);
    T_EQ(rows[0].id.v, 102); /* newest first */
    T_EQ(rows[0].state, STATE_IN_FLIGHT);
    T_EQ(rows[1].state, STATE_QUEUED);
    T_OK(reader_delivery(r, (struct delivery_id){103}, &t.a, &row));
    T_TRUE(row.final);
    T_ERR(reader_delivery(r, (struct delivery_id){999}, &t.a, &row), ERR_NOT_FOUND);
    T_OK(reader_claims_of_delivery(r, row.id, &t.a, &claims, &n));
    T_EQ(n, 4); /* two of its own, two of its attempt */
    T_EQ(claims[2].state, CLAIM_REFUNDED);
    T_OK(reader_attempt(r, row.attempt, &t.a, &attempt));
    T_VIEW(attempt.key, "k2");
    T_OK(reader_content(r, row.content, &t.a, &content));
    T_VIEW(content.body, "{\"text\":\"hi\"}");
    T_ERR(reader_content(r, 7, &t.a, &content), ERR_NOT_FOUND);
}

static void what_is_counted_for_good_is_not_refunded_later(void **state)
{
    int64_t owners[] = {102};
    struct claim_row *claims;
    size_t n;

    (void)state;
    put_world();
    temp_begin(&t);
    T_OK(store_close_claims(t.s, owners, 1));
    T_OK(store_refund_claims(t.s, owners, 1));
    temp_commit(&t);
    T_OK(reader_claims_of_delivery(r, (struct delivery_id){102}, &t.a, &claims, &n));
    T_EQ(n, 1);
    T_EQ(claims[0].state, CLAIM_COUNTED);
}

static void traces_are_read_page_by_page(void **state)
{
    struct trace_row *rows;
    int64_t at;
    size_t n;

    (void)state;
    put_world();
    T_OK(reader_traces_of_contact(r, (struct contact_id){11}, 0, 2, &t.a, &rows, &n, &at));
    T_EQ(n, 2);
    T_VIEW(rows[0].what, "event");
    T_OK(reader_traces_of_contact(r, (struct contact_id){11}, at, 2, &t.a, &rows, &n, &at));
    T_EQ(n, 1);
    T_EQ(rows[0].delivery.v, 102);
    T_OK(reader_traces_of_contact(r, (struct contact_id){11}, at, 2, &t.a, &rows, &n, &at));
    T_EQ(n, 0);
    T_OK(reader_traces_of_delivery(r, (struct delivery_id){102}, 0, 10, &t.a, &rows, &n, &at));
    T_EQ(n, 2); /* the event it came from, and its own */
    T_EQ(rows[0].event.v, 51);
    T_EQ(rows[1].delivery.v, 102);
}

static void counts_are_kept_without_reading_rows(void **state)
{
    struct store_counts c;

    (void)state;
    put_world();
    T_OK(reader_counts(r, &c));
    T_EQ(c.deliveries[STATE_QUEUED], 1);
    T_EQ(c.deliveries[STATE_IN_FLIGHT], 1);
    T_EQ(c.deliveries[STATE_ACCEPTED], 1);
    T_EQ(c.events[EVENT_DECIDED], 1);
    T_EQ(c.events[EVENT_UNDECIDED], 1);
    T_EQ(c.queues, 1);
    T_EQ(c.open_attempts, 1);
}

static void a_rolled_back_batch_leaves_no_count(void **state)
{
    struct store_counts c;

    (void)state;
    temp_begin(&t);
    put_people();
    put_events();
    store_rollback(t.s);
    put_world();
    T_OK(reader_counts(r, &c));
    T_EQ(c.events[EVENT_DECIDED], 1);
}

/* ---- beside a writer ---- */

static void a_reader_sees_only_what_is_committed(void **state)
{
    struct delivery_row row;

    (void)state;
    temp_begin(&t);
    put_people();
    put_events();
    put_deliveries();
    T_ERR(reader_delivery(r, (struct delivery_id){101}, &t.a, &row), ERR_NOT_FOUND);
    temp_commit(&t);
    T_OK(reader_delivery(r, (struct delivery_id){101}, &t.a, &row));
}

static void a_reader_cannot_write(void **state)
{
    const char *why;
    struct db *db;
    char path[512];

    (void)state;
    temp_path(&t, "siyu.db", path);
    T_OK(db_open(path, DB_READ, &db, &why));
    T_TRUE(db_script(db, "DELETE FROM meta") < 0);
    db_close(db);
}

static void a_store_that_does_not_exist_is_said_so(void **state)
{
    struct reader *none = NULL;
    struct diag diag;

    (void)state;
    diag_init(&diag, 4);
    T_ERR(reader_open("/nonexistent", &none, &diag), ERR_NOT_FOUND);
    T_TRUE(strstr(diag_text(&diag, 0), "no store here") != NULL);
    diag_fini(&diag);
}

/* ---- verify ---- */

struct seen {
    int count;
    char texts[4096];
};

static int64_t amount_of(void *ctx, int32_t limit, int64_t cell)
{
    (void)ctx;
    (void)cell;
    return limit == 9 ? -1 : limit == 1 ? 3 : INT64_MAX;
}

static void on_violation(void *ctx, const char *text)
{
    struct seen *seen = ctx;

    size_t used = strlen(seen->texts);

    seen->count++;
    (void)snprintf(seen->texts + used, sizeof seen->texts - used, "%s\n", text);
}

static struct seen verify(struct verify_totals *totals)
{
    struct seen seen = {0};
    struct verify_hooks hooks = {&seen, amount_of, on_violation};

    T_OK(reader_verify(r, &hooks, totals));
    T_EQ(totals->violations, seen.count);
    return seen;
}

static void a_sound_store_is_clean(void **state)
{
    struct verify_totals totals;
    struct seen seen;

    (void)state;
    put_world();
    seen = verify(&totals);
    T_STR(seen.texts, "");
    T_EQ(totals.deliveries, 3);
    T_EQ(totals.keys, 3);
    T_EQ(totals.cells, 3);
    T_EQ(totals.claims, 5);
    T_EQ(totals.attempts, 2);
    T_EQ(totals.items, 2);
    T_EQ(totals.events, 2);
    T_EQ(totals.undecided, 1);
}

static void an_empty_store_is_clean(void **state)
{
    struct verify_totals totals;

    (void)state;
    T_EQ(verify(&totals).count, 0);
}

static void a_passive_reply_needs_no_attempt(void **state)
{
    struct delivery_row d = delivery_of(104, 12);
    struct verify_totals totals;
    bool isnew;

    (void)state;
    put_world();
    d.state = STATE_IN_FLIGHT;
    d.cause = CAUSE_PASSIVE;
    temp_begin(&t);
    T_OK(store_put_deliveries(t.s, &d, 1, &isnew));
    temp_commit(&t);
    T_EQ(verify(&totals).count, 0);
}

static void damage(const char *sql)
{
    const char *why;
    struct db *db;
    char path[512];

    temp_path(&t, "siyu.db", path);
    T_OK(db_open(path, DB_WRITE, &db, &why));
    T_OK(db_script(db, sql));
    db_close(db);
}

/* One field wrong at a time, each in a store of its own. */
static void each_kind_of_damage_is_found(void **state)
{
    static const struct {
        const char *sql, *text;
    } cases[] = {
        {"UPDATE outbox SET state = 3", "does not belong in the outbox"},
        {"UPDATE open_delivery SET state = 1", "does not belong among open ones"},
        {"UPDATE history SET state = 1", "is not final"},
        {"INSERT INTO outbox SELECT id, account, lane, campaign, due_ms + 1, origin_kind, origin, step, "
         "visit, contact,"
         " grp, class, op, state, cause, deadline_ms, created_ms, content, attempt, tries, hold_limit, "
         "hold_used,"
         " hold_max, code, changed_ms FROM outbox",
         "delivery 101: queued twice"},
        {"INSERT INTO open_delivery SELECT id, account, lane, campaign, due_ms, origin_kind, origin, step, "
         "visit,"
         " contact, grp, class, op, 5, cause, deadline_ms, created_ms, content, attempt, tries, hold_limit, "
         "hold_used,"
         " hold_max, code, changed_ms FROM open_delivery",
         "delivery 102: open in two states"},
        {"INSERT INTO open_delivery SELECT id, account, lane, campaign, due_ms, origin_kind, origin, step, "
         "visit,"
         " contact, grp, class, op, 5, cause, deadline_ms, created_ms, content, attempt, tries, hold_limit, "
         "hold_used,"
         " hold_max, code, changed_ms FROM outbox",
         "delivery 101: queued and open"},
        {"INSERT INTO history SELECT * FROM outbox", "delivery 101: queued and final"},
        {"INSERT INTO history SELECT * FROM open_delivery", "delivery 102: open and final"},
        {"DELETE FROM delivery_key WHERE id = 101", "delivery 101 (queued): its key is missing"},
        {"UPDATE delivery_key SET id = 7 WHERE id = 102", "delivery 102 (open): its key is missing"},
        {"UPDATE history SET step = 7", "delivery 103 (final): its key is missing"},
        {"DELETE FROM outbox; UPDATE tally SET n = 0 WHERE state = 1 AND kind = 0",
         "key of delivery 101: there is no such delivery"},
        {"DELETE FROM open_delivery; UPDATE tally SET n = 0 WHERE state = 3 AND kind = 0",
         "names delivery 102"},
        {"UPDATE attempt SET state = 1 WHERE id = 201", "delivery 102: in flight without an open attempt"},
        {"DELETE FROM attempt WHERE id = 202", "attempt 202: unknown"},
        {"UPDATE event SET state = 9 WHERE id = 52", "event 52: state 9 is none"},
        {"DELETE FROM content", "event 51: its passive reply 800 is missing"},
        {"UPDATE tally SET n = n + 1 WHERE kind = 0 AND state = 1",
         "tally: 2 deliveries in state 1, there are 1"},
        {"UPDATE tally SET n = 5 WHERE kind = 1 AND state = 1", "tally: 5 events in state 1, there are 1"},
        {"UPDATE cell SET used = 2 WHERE limit_id = 1 AND cell = 7", "used 2, claims add up to 3"},
        {"UPDATE cell SET used = 4 WHERE limit_id = 1 AND cell = 7", "above its limit"},
        {"UPDATE claim SET units = 2 WHERE owner = 102", "used 3, claims add up to 4"},
        {"UPDATE claim SET state = 2 WHERE owner = 102", "used 3, claims add up to 2"},
        {"UPDATE claim SET state = 0 WHERE owner = 202", "limit 2 of (5, 0), cell 7: does not match: used 0"},
        {"DELETE FROM cell WHERE limit_id = 1 AND cell = 8", "used 0, claims add up to 2"},
        {"INSERT INTO cell VALUES (3, 1, 1, 1, 1)", "used 1, claims add up to 0"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct verify_totals totals;
        struct seen seen;

        T_EQ(set_up(state), 0);
        put_world();
        damage(cases[i].sql);
        seen = verify(&totals);
        if (seen.count == 0 || strstr(seen.texts, cases[i].text) == NULL)
            print_error("%s\n  gave %d: %s\n", cases[i].sql, seen.count, seen.texts);
        T_TRUE(seen.count > 0);
        T_TRUE(strstr(seen.texts, cases[i].text) != NULL);
        T_EQ(tear_down(state), 0);
    }
}

static int64_t wal_bytes(void)
{
    struct stat st;
    char path[512];

    temp_path(&t, "siyu.db-wal", path);
    return stat(path, &st) == 0 ? st.st_size : 0;
}

static void a_killed_gateways_store_is_verified_without_it(void **state)
{
    struct verify_totals totals;
    int64_t log_bytes;
    int status;
    pid_t pid;

    (void)state;
    reader_close(r);
    r = NULL;
    store_close(t.s);
    t.s = NULL;
    pid = fork();
    T_TRUE(pid >= 0);
    if (pid == 0) {
        temp_open_store(&t);
        put_world();
        (void)raise(SIGKILL);
    }
    T_EQ(waitpid(pid, &status, 0), pid);
    T_TRUE(WIFSIGNALED(status));
    log_bytes = wal_bytes();
    T_TRUE(log_bytes > 0);
    open_reader();
    T_EQ(verify(&totals).count, 0);
    T_EQ(totals.deliveries, 3);
    reader_close(r);
    r = NULL;
    T_EQ(wal_bytes(), log_bytes); /* moving it into the file is the writer's */
}

static void a_cleanly_closed_store_is_verified(void **state)
{
    struct verify_totals totals;

    (void)state;
    put_world();
    reader_close(r);
    store_close(t.s);
    t.s = NULL;
    open_reader();
    T_EQ(verify(&totals).count, 0);
    T_EQ(totals.deliveries, 3);
}

static void a_pruned_store_is_clean(void **state)
{
    int64_t day = 86400000, now = INT64_C(1800000000000);
    struct verify_totals totals;
    struct id_gen gen;

    (void)state;
    id_gen_init(&gen, 0);
    temp_begin(&t);
    for (int i = 0; i < 80; i++) { /* a month's cell each 31 days, a claim a day */
        int64_t at = now - (100 - i) * day;
        struct claim_row claim = {.owner = id_next(&gen, at),
                                  .key = {2, 1, 1},
                                  .cell = at / (31 * day),
                                  .units = 1,
                                  .at_ms = at,
                                  .state = CLAIM_COUNTED};
        T_OK(store_put_claims(t.s, &claim, 1));
    }
    temp_commit(&t);
    damage(
        "INSERT INTO cell SELECT limit_id, a, b, cell, sum(units) FROM claim GROUP BY limit_id, a, b, cell");
    T_EQ(verify(&totals).count, 0);
    for (int more = 1; more == 1;) {
        temp_begin(&t);
        more = store_prune(t.s, now, 7);
        temp_commit(&t);
        T_OK(more);
        T_EQ(verify(&totals).count, 0); /* also half-way */
    }
    T_TRUE(totals.claims < 80);
}

#define IN_STORE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_STORE(a_contact_is_found_by_any_name_it_has),
        IN_STORE(two_contacts_of_one_name_are_both_given),
        IN_STORE(the_facts_deliveries_and_claims_of_a_contact_are_read),
        IN_STORE(what_is_counted_for_good_is_not_refunded_later),
        IN_STORE(traces_are_read_page_by_page),
        IN_STORE(counts_are_kept_without_reading_rows),
        IN_STORE(a_rolled_back_batch_leaves_no_count),
        IN_STORE(a_reader_sees_only_what_is_committed),
        IN_STORE(a_reader_cannot_write),
        IN_STORE(a_store_that_does_not_exist_is_said_so),
        IN_STORE(a_sound_store_is_clean),
        IN_STORE(an_empty_store_is_clean),
        IN_STORE(a_passive_reply_needs_no_attempt),
        cmocka_unit_test(each_kind_of_damage_is_found),
        IN_STORE(a_killed_gateways_store_is_verified_without_it),
        IN_STORE(a_cleanly_closed_store_is_verified),
        IN_STORE(a_pruned_store_is_clean),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
