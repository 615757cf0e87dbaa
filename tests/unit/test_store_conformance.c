/* SPDX-License-Identifier: Apache-2.0 */
/* What every implementation of store.h must do, intent by intent. */
#include "support/temp_store.h"

static struct temp_store t;

enum { NOW = 1000000 };

static int set_up(void **state)
{
    (void)state;
    temp_open(&t);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_close(&t);
    return 0;
}

/* ---- installation ---- */

static struct connection_row corp(void)
{
    return (struct connection_row){
        .name = STR("corp"), .kind = STR("wecom"), .domain_name = STR("wecom:ww1")};
}

static struct account_row member(struct connection_id c, const char *external)
{
    return (struct account_row){.connection = c,
                                .kind = ACCOUNT_WECOM_MEMBER,
                                .name = str_of(external),
                                .external = str_of(external),
                                .created_ms = NOW};
}

static void the_same_name_gets_the_same_id_for_ever(void **state)
{
    struct connection_row rows[] = {
        corp(), {.name = STR("kf"), .kind = STR("wecom-kf"), .domain_name = STR("wecom:ww1")}};
    struct connection_row again = corp();

    (void)state;
    temp_begin(&t);
    T_OK(store_intern_connections(t.s, rows, 2));
    temp_commit(&t);
    T_TRUE(rows[0].id.v > 0 && rows[0].id.v != rows[1].id.v);
    T_EQ(rows[0].domain, rows[1].domain);

    temp_reopen(&t);
    temp_begin(&t);
    T_OK(store_intern_connections(t.s, &again, 1));
    temp_commit(&t);
    T_EQ(again.id.v, rows[0].id.v);
    T_EQ(again.domain, rows[0].domain);
}

static void a_renamed_account_keeps_its_id_and_stays_frozen(void **state)
{
    struct connection_row c = corp();
    struct account_row rows[2], *loaded, renamed;
    size_t n;

    (void)state;
    temp_begin(&t);
    T_OK(store_intern_connections(t.s, &c, 1));
    rows[0] = member(c.id, "zhangsan");
    rows[1] = member(c.id, "lisi");
    T_OK(store_intern_accounts(t.s, rows, 2));
    T_OK(store_set_account_state(t.s, rows[0].id, true, STR("banned"), NOW));
    T_ERR(store_set_account_state(t.s, (struct account_id){99}, true, STR("x"), NOW), ERR_NOT_FOUND);
    renamed = member(c.id, "zhangsan");
    renamed.name = STR("zhang");
    T_OK(store_intern_accounts(t.s, &renamed, 1));
    temp_commit(&t);

    T_EQ(renamed.id.v, rows[0].id.v);
    T_OK(store_load_accounts(t.s, &t.a, &loaded, &n));
    T_EQ(n, 2);
    T_VIEW(loaded[0].name, "zhang");
    T_TRUE(loaded[0].frozen);
    T_VIEW(loaded[0].frozen_why, "banned");
    T_TRUE(!loaded[1].frozen);
}

static void meta_is_read_back_and_overwritten(void **state)
{
    struct str v;

    (void)state;
    T_ERR(store_get_meta(t.s, "clock", &t.a, &v), ERR_NOT_FOUND);
    temp_begin(&t);
    T_OK(store_put_meta(t.s, "clock", STR("1")));
    T_OK(store_put_meta(t.s, "clock", STR("2")));
    temp_commit(&t);
    T_OK(store_get_meta(t.s, "clock", &t.a, &v));
    T_VIEW(v, "2");
}

/* ---- inbox ---- */

static struct inbox_key key_of(int64_t connection, unsigned char first)
{
    return (struct inbox_key){.connection = {connection}, .key = {first, 2, 3}};
}

static struct event_row event_of(int64_t id, struct inbox_key key, enum event_state state)
{
    struct event_row e = {.id = {id},
                          .connection = key.connection,
                          .has_key = true,
                          .kind = EVENT_MESSAGE_RECEIVED,
                          .state = state,
                          .contact = {7},
                          .at_ms = NOW,
                          .received_ms = NOW + 1,
                          .body = STR("{\"text\":\"hi\"}")};
    memcpy(e.key, key.key, sizeof e.key);
    return e;
}

static void a_repeated_key_is_found_in_the_store_and_in_the_array(void **state)
{
    struct inbox_key keys[] = {key_of(1, 1), key_of(1, 2), key_of(2, 1), key_of(1, 2), key_of(1, 1)};
    struct event_row e = event_of(50, keys[0], EVENT_DECIDED);
    struct inbox_row found[5];

    (void)state;
    e.mode = REPLY_PASSIVE;
    e.reply = 77;
    temp_begin(&t);
    T_OK(store_put_events(t.s, &e, 1));
    temp_commit(&t);

    T_OK(store_find_inbox(t.s, keys, 5, &t.a, found));
    T_EQ(found[0].event.v, 50);
    T_EQ(found[0].state, EVENT_DECIDED);
    T_EQ(found[0].mode, REPLY_PASSIVE);
    T_EQ(found[0].reply, 77);
    T_EQ(found[1].event.v, 0);
    T_EQ(found[2].event.v, 0); /* another connection */
    T_EQ(found[3].event.v, -2);
    T_EQ(found[4].event.v, 50);
}

static void many_keys_of_one_array_are_told_apart(void **state)
{
    enum { N = 600 };
    struct inbox_key keys[N];
    struct inbox_row found[N];

    (void)state;
    for (int i = 0; i < N; i++) {
        keys[i] = key_of(1, 0);
        keys[i].key[0] = (unsigned char)(i % 300);
        keys[i].key[1] = (unsigned char)(i % 300 / 256);
    }
    T_OK(store_find_inbox(t.s, keys, N, &t.a, found));
    for (int i = 0; i < N; i++)
        T_EQ(found[i].event.v, i < 300 ? 0 : -(i - 300) - 1);
}

static void the_store_refuses_a_second_event_with_the_same_key(void **state)
{
    struct event_row rows[] = {event_of(50, key_of(1, 1), EVENT_DECIDED),
                               event_of(51, key_of(1, 1), EVENT_DECIDED)};

    (void)state;
    temp_begin(&t);
    T_ERR(store_put_events(t.s, rows, 2), ERR_EXISTS);
    store_rollback(t.s);
}

static void events_without_a_key_never_collide(void **state)
{
    struct event_row rows[] = {event_of(50, key_of(1, 1), EVENT_DECIDED),
                               event_of(51, key_of(1, 1), EVENT_DECIDED)};

    (void)state;
    rows[0].has_key = rows[1].has_key = false;
    temp_begin(&t);
    T_OK(store_put_events(t.s, rows, 2));
    temp_commit(&t);
}

static void pending_events_come_stored_first_then_undecided(void **state)
{
    struct event_row rows[] = {
        event_of(50, key_of(1, 1), EVENT_UNDECIDED),
        event_of(51, key_of(1, 2), EVENT_STORED),
        event_of(52, key_of(1, 3), EVENT_DECIDED),
        event_of(53, key_of(1, 4), EVENT_STORED),
    };
    struct event_row *got;
    size_t n;

    (void)state;
    rows[0].cause = STR("bot failed");
    temp_begin(&t);
    T_OK(store_put_events(t.s, rows, 4));
    temp_commit(&t);
    T_OK(store_load_pending_events(t.s, 10, &t.a, &got, &n));
    T_EQ(n, 3);
    T_EQ(got[0].id.v, 51);
    T_EQ(got[1].id.v, 53);
    T_EQ(got[2].id.v, 50);
    T_VIEW(got[2].cause, "bot failed");
    T_VIEW(got[0].body, "{\"text\":\"hi\"}");
    T_TRUE(got[0].has_key);
    T_MEM(got[0].key, rows[1].key, 16);
    T_EQ(got[0].contact.v, 7);
    T_EQ(got[0].received_ms, NOW + 1);

    rows[1].state = EVENT_DECIDED;
    rows[1].crashes = 2;
    temp_begin(&t);
    T_OK(store_update_events(t.s, &rows[1], 1));
    temp_commit(&t);
    T_OK(store_load_pending_events(t.s, 1, &t.a, &got, &n));
    T_EQ(n, 1);
    T_EQ(got[0].id.v, 53);
}

static void a_cursor_is_overwritten_and_survives(void **state)
{
    struct cursor_row rows[] = {{{1}, STR("a")}, {{1}, STR("b")}};
    struct str c;

    (void)state;
    T_ERR(store_load_cursor(t.s, (struct connection_id){1}, &t.a, &c), ERR_NOT_FOUND);
    temp_begin(&t);
    T_OK(store_put_cursors(t.s, rows, 2));
    temp_commit(&t);
    temp_reopen(&t);
    T_OK(store_load_cursor(t.s, (struct connection_id){1}, &t.a, &c));
    T_VIEW(c, "b");
}

/* ---- who ---- */

static void put_person(int64_t id, const char *name, int64_t domain, const char *external)
{
    struct contact_row c = {.id = {id}, .name = str_of(name), .created_ms = NOW};
    struct identity_row i = {domain, str_of(external), {id}};

    temp_begin(&t);
    T_OK(store_put_contacts(t.s, &c, 1));
    T_OK(store_put_identities(t.s, &i, 1));
    temp_commit(&t);
}

static void contacts_are_found_by_domain_and_external_id(void **state)
{
    struct identity_row ask[] = {{1, STR("wm1"), {0}}, {2, STR("wm1"), {0}}, {1, STR("wm2"), {0}}};
    struct contact_id got[3];

    (void)state;
    put_person(11, "小美", 1, "wm1");
    put_person(12, "小丽", 1, "wm2");
    T_OK(store_find_contacts(t.s, ask, 3, got));
    T_EQ(got[0].v, 11);
    T_EQ(got[1].v, 0);
    T_EQ(got[2].v, 12);
}

static void an_absent_name_does_not_wipe_the_known_one(void **state)
{
    struct contact_row bare = {.id = {11}, .props = STR("{\"age\":3}")};
    struct contact_id id = {11};
    struct contact_facts f;

    (void)state;
    put_person(11, "小美", 1, "wm1");
    temp_begin(&t);
    T_OK(store_put_contacts(t.s, &bare, 1));
    temp_commit(&t);
    T_OK(store_load_contacts(t.s, &id, 1, &t.a, &f));
    T_VIEW(f.row.name, "小美");
    T_VIEW(f.row.props, "{\"age\":3}");
    T_EQ(f.row.created_ms, NOW);
}

static void all_facts_of_a_contact_are_loaded_in_the_order_asked(void **state)
{
    struct contact_id ids[] = {{12}, {99}, {11}};
    struct relation_row rel[] = {{{5}, {11}, RELATION_FRIEND, 1, 2}, {{6}, {11}, RELATION_LOST, 3, 4}};
    struct tag_row tags[] = {{.contact = {11}, .tag = STR("vip"), .source = STR("rule"), .set_ms = 5},
                             {.contact = {11}, .tag = STR("new"), .set_ms = 6, .expires_ms = 9}};
    struct refusal_row no[] = {
        {.contact = {11}, .scope = STR("marketing"), .source = STR("R"), .at_ms = 7},
        {.contact = {11}, .scope = STR("marketing"), .source = STR("later"), .at_ms = 8}};
    struct contact_facts f[3];

    (void)state;
    put_person(11, "小美", 1, "wm1");
    put_person(12, "小丽", 1, "wm2");
    temp_begin(&t);
    T_OK(store_put_relations(t.s, rel, 2));
    T_OK(store_put_tags(t.s, tags, 2));
    T_OK(store_put_refusals(t.s, no, 2));
    temp_commit(&t);

    T_OK(store_load_contacts(t.s, ids, 3, &t.a, f));
    T_EQ(f[0].row.id.v, 12);
    T_EQ(f[0].tag_count, 0);
    T_EQ(f[1].row.id.v, 0);
    T_EQ(f[2].identity_count, 1);
    T_VIEW(f[2].identities[0].external, "wm1");
    T_EQ(f[2].relation_count, 2);
    T_EQ(f[2].relations[0].account.v, 5);
    T_EQ(f[2].relations[1].state, RELATION_LOST);
    T_EQ(f[2].tag_count, 2);
    T_VIEW(f[2].tags[0].tag, "new");
    T_EQ(f[2].tags[0].expires_ms, 9);
    T_EQ(f[2].refusal_count, 1);
    T_VIEW(f[2].refusals[0].source, "R"); /* the first stays */
}

static void a_tag_is_removed_and_a_refusal_lifted(void **state)
{
    struct tag_row tag = {.contact = {11}, .tag = STR("vip")};
    struct refusal_row no = {.contact = {11}, .scope = STR("marketing")};
    struct contact_id id = {11};
    struct contact_facts f;

    (void)state;
    put_person(11, "小美", 1, "wm1");
    temp_begin(&t);
    T_OK(store_put_tags(t.s, &tag, 1));
    T_OK(store_put_refusals(t.s, &no, 1));
    tag.remove = no.lifted = true;
    T_OK(store_put_tags(t.s, &tag, 1));
    T_OK(store_put_refusals(t.s, &no, 1));
    temp_commit(&t);
    T_OK(store_load_contacts(t.s, &id, 1, &t.a, &f));
    T_EQ(f.tag_count, 0);
    T_EQ(f.refusal_count, 0);
}

static void an_identity_stays_with_its_first_contact(void **state)
{
    struct identity_row ask = {1, STR("wm1"), {0}};
    struct contact_id got;

    (void)state;
    put_person(11, "小美", 1, "wm1");
    put_person(12, "小丽", 1, "wm1");
    T_OK(store_find_contacts(t.s, &ask, 1, &got));
    T_EQ(got.v, 11);
}

static void groups_are_found_changed_and_loaded(void **state)
{
    struct group_row g = {.id = {21}, .domain = 1, .external = STR("wr1"), .name = STR("vip"), .owner = {5}};
    struct group_row ask = {.domain = 1, .external = STR("wr1")}, got;
    struct group_member_row m[] = {{{21}, {11}, NOW, false}, {{21}, {11}, NOW, true}};
    struct group_id id;

    (void)state;
    temp_begin(&t);
    T_OK(store_put_groups(t.s, &g, 1));
    g.name = (struct str){0};
    g.dismissed = true;
    T_OK(store_put_groups(t.s, &g, 1));
    T_OK(store_put_group_members(t.s, m, 2));
    temp_commit(&t);
    T_OK(store_find_groups(t.s, &ask, 1, &id));
    T_EQ(id.v, 21);
    T_OK(store_load_groups(t.s, &id, 1, &t.a, &got));
    T_VIEW(got.name, "vip");
    T_TRUE(got.dismissed);
    T_EQ(got.owner.v, 5);
    ask.external = STR("wr2");
    T_OK(store_find_groups(t.s, &ask, 1, &id));
    T_EQ(id.v, 0);
}

static void a_cooldown_is_known_until_its_time(void **state)
{
    struct cooldown_row c[] = {{3, {11}, {0}, NOW + 60}, {3, {12}, {0}, NOW}};
    int64_t until[2];

    (void)state;
    temp_begin(&t);
    T_OK(store_put_cooldowns(t.s, c, 1));
    temp_commit(&t);
    T_OK(store_load_cooldowns(t.s, c, 2, until));
    T_EQ(until[0], NOW + 60);
    T_EQ(until[1], 0);

    temp_begin(&t);
    T_EQ(store_prune(t.s, NOW + 61, 100), 0);
    temp_commit(&t);
    T_OK(store_load_cooldowns(t.s, c, 1, until));
    T_EQ(until[0], 0);
}

/* ---- audiences ---- */

static struct audience_query everybody(int64_t domain, enum account_kind kind, struct connection_id c)
{
    return (struct audience_query){.domain = domain, .connection = c, .kind = kind, .now_ms = NOW};
}

static void an_audience_is_walked_in_id_order_without_doubles(void **state)
{
    struct audience_query q = everybody(1, ACCOUNT_OFFICIAL, (struct connection_id){1});
    struct identity_row second = {1, STR("o12b"), {12}};
    struct refusal_row no = {.contact = {13}, .scope = STR("marketing")};
    struct audience_row *rows;
    size_t n;

    (void)state;
    put_person(12, "b", 1, "o12a");
    put_person(11, "a", 1, "o11");
    put_person(13, "c", 1, "o13");
    put_person(14, "d", 2, "o14");
    temp_begin(&t);
    T_OK(store_put_identities(t.s, &second, 1));
    T_OK(store_put_refusals(t.s, &no, 1));
    temp_commit(&t);

    T_OK(store_expand_contacts(t.s, &q, 0, 2, &t.a, &rows, &n));
    T_EQ(n, 2);
    T_EQ(rows[0].contact.v, 11);
    T_EQ(rows[1].contact.v, 12);
    T_EQ(rows[0].account.v, 0);
    T_TRUE(!rows[0].refused);
    T_OK(store_expand_contacts(t.s, &q, 12, 2, &t.a, &rows, &n));
    T_EQ(n, 1);
    T_EQ(rows[0].contact.v, 13);
    T_VIEW(rows[0].external, "o13");
    T_TRUE(rows[0].refused);
    T_OK(store_expand_contacts(t.s, &q, 13, 2, &t.a, &rows, &n));
    T_EQ(n, 0);
    T_OK(store_expand_contacts(t.s, &q, 0, 10, &t.a, &rows, &n));
    T_EQ(n, 3); /* 12 has two identities and is one person */
}

static void a_tag_that_expired_does_not_count(void **state)
{
    struct audience_query q = everybody(1, ACCOUNT_OFFICIAL, (struct connection_id){1});
    struct tag_row tags[] = {{.contact = {11}, .tag = STR("vip")},
                             {.contact = {12}, .tag = STR("vip"), .expires_ms = NOW},
                             {.contact = {13}, .tag = STR("vip"), .expires_ms = NOW + 1},
                             {.contact = {14}, .tag = STR("vip")}};
    struct audience_row *rows;
    size_t n;

    (void)state;
    put_person(11, "a", 1, "o11");
    put_person(12, "b", 1, "o12");
    put_person(13, "c", 1, "o13");
    put_person(14, "d", 2, "o14");
    temp_begin(&t);
    T_OK(store_put_tags(t.s, tags, 4));
    temp_commit(&t);
    q.tag = STR("vip");
    T_OK(store_expand_contacts(t.s, &q, 0, 10, &t.a, &rows, &n));
    T_EQ(n, 2);
    T_EQ(rows[0].contact.v, 11);
    T_EQ(rows[1].contact.v, 13);
}

static void only_a_live_relation_with_a_member_of_the_connection_reaches(void **state)
{
    struct connection_row c[] = {
        corp(), {.name = STR("other"), .kind = STR("wecom"), .domain_name = STR("wecom:ww1")}};
    struct account_row m[3];
    struct relation_row rel[4];
    struct audience_row *rows;
    size_t n;

    (void)state;
    temp_begin(&t);
    T_OK(store_intern_connections(t.s, c, 2));
    m[0] = member(c[0].id, "zhang");
    m[1] = member(c[0].id, "li");
    m[2] = member(c[1].id, "wang");
    T_OK(store_intern_accounts(t.s, m, 3));
    rel[0] = (struct relation_row){m[0].id, {11}, RELATION_HALF, 1, 1};
    rel[1] = (struct relation_row){m[1].id, {11}, RELATION_FRIEND, 2, 2};
    rel[2] = (struct relation_row){m[0].id, {12}, RELATION_LOST, 1, 1};
    rel[3] = (struct relation_row){m[2].id, {13}, RELATION_FRIEND, 1, 1};
    T_OK(store_put_relations(t.s, rel, 4));
    temp_commit(&t);
    put_person(11, "a", c[0].domain, "wm11");
    put_person(12, "b", c[0].domain, "wm12");
    put_person(13, "c", c[0].domain, "wm13");

    struct audience_query q = everybody(c[0].domain, ACCOUNT_WECOM_MEMBER, c[0].id);
    T_OK(store_expand_contacts(t.s, &q, 0, 10, &t.a, &rows, &n));
    T_EQ(n, 1);
    T_EQ(rows[0].contact.v, 11);
    T_EQ(rows[0].account.v, m[1].id.v);
}

static void groups_are_walked_by_tag_and_without(void **state)
{
    struct group_row g[] = {{.id = {21}, .domain = 1, .external = STR("wr1"), .owner = {5}},
                            {.id = {22}, .domain = 1, .external = STR("wr2"), .owner = {6}},
                            {.id = {23}, .domain = 1, .external = STR("wr3"), .dismissed = true},
                            {.id = {24}, .domain = 2, .external = STR("wr4")}};
    struct tag_row tags[] = {{.group = {22}, .tag = STR("vip")}, {.group = {23}, .tag = STR("vip")}};
    struct audience_query q = everybody(1, ACCOUNT_WECOM_MEMBER, (struct connection_id){1});
    struct audience_row *rows;
    size_t n;

    (void)state;
    temp_begin(&t);
    T_OK(store_put_groups(t.s, g, 4));
    T_OK(store_put_tags(t.s, tags, 2));
    temp_commit(&t);
    T_OK(store_expand_groups(t.s, &q, 0, 10, &t.a, &rows, &n));
    T_EQ(n, 2);
    T_EQ(rows[1].group.v, 22);
    T_EQ(rows[1].account.v, 6);
    q.tag = STR("vip");
    T_OK(store_expand_groups(t.s, &q, 0, 10, &t.a, &rows, &n));
    T_EQ(n, 1);
    T_VIEW(rows[0].external, "wr2");
    T_OK(store_expand_groups(t.s, &q, 22, 10, &t.a, &rows, &n));
    T_EQ(n, 0);
}

/* ---- deliveries ---- */

static struct delivery_row delivery_of(int64_t id, int64_t contact, int64_t due_ms)
{
    return (struct delivery_row){.id = {id},
                                 .origin_kind = ORIGIN_BROADCAST,
                                 .origin = 900,
                                 .contact = {contact},
                                 .account = {5},
                                 .class = CLASS_BROADCAST,
                                 .lane = 3,
                                 .campaign = 900,
                                 .op = CALL_TASK,
                                 .state = STATE_QUEUED,
                                 .cause = CAUSE_PLANNED,
                                 .due_ms = due_ms,
                                 .deadline_ms = INT64_MAX,
                                 .created_ms = NOW,
                                 .content = 800,
                                 .code = STR("c1"),
                                 .changed_ms = NOW};
}

static void put(const struct delivery_row *rows, size_t n, bool *isnew)
{
    temp_begin(&t);
    T_OK(store_put_deliveries(t.s, rows, n, isnew));
    temp_commit(&t);
}

static void put_one(struct delivery_row row)
{
    bool isnew;

    put(&row, 1, &isnew);
    T_TRUE(isnew);
}

static struct delivery_row get(int64_t id)
{
    struct delivery_id ask = {id};
    struct delivery_row row;

    T_OK(store_load_deliveries(t.s, &ask, 1, &t.a, &row));
    return row;
}

static bool change(struct delivery_row now, enum delivery_state was, int64_t was_due_ms)
{
    struct delivery_change c = {now, was, was_due_ms};
    bool done;

    temp_begin(&t);
    T_OK(store_update_deliveries(t.s, &c, 1, &done));
    temp_commit(&t);
    return done;
}

static bool enter(int64_t id, enum delivery_state state, bool final)
{
    struct delivery_row row = get(id);
    enum delivery_state was = row.state;

    row.state = state;
    row.final = final;
    return change(row, was, row.due_ms);
}

static void a_delivery_is_stored_whole(void **state)
{
    struct delivery_row want = delivery_of(101, 11, NOW + 5), got;

    (void)state;
    want.step = 2;
    want.visit = 3;
    want.tries = 1;
    want.hold_limit = 7;
    want.hold_used = 8;
    want.hold_max = 9;
    want.state = STATE_HELD;
    want.cause = CAUSE_LIMIT;
    want.attempt.v = 44;
    put_one(want);
    got = get(101);
    T_EQ(got.id.v, 101);
    T_EQ(got.origin_kind, want.origin_kind);
    T_EQ(got.origin, want.origin);
    T_EQ(got.step, 2);
    T_EQ(got.visit, 3);
    T_EQ(got.contact.v, 11);
    T_EQ(got.account.v, 5);
    T_EQ(got.class, CLASS_BROADCAST);
    T_EQ(got.lane, 3);
    T_EQ(got.campaign, 900);
    T_EQ(got.op, CALL_TASK);
    T_EQ(got.state, STATE_HELD);
    T_EQ(got.cause, CAUSE_LIMIT);
    T_EQ(got.due_ms, NOW + 5);
    T_TRUE(got.deadline_ms == INT64_MAX);
    T_EQ(got.created_ms, NOW);
    T_EQ(got.content, 800);
    T_EQ(got.attempt.v, 44);
    T_EQ(got.tries, 1);
    T_EQ(got.hold_limit, 7);
    T_EQ(got.hold_used, 8);
    T_EQ(got.hold_max, 9);
    T_VIEW(got.code, "c1");
    T_TRUE(!got.final);
    T_EQ(get(102).id.v, 0);
}

static void one_origin_says_one_thing_to_one_recipient_once(void **state)
{
    struct delivery_row rows[6];
    bool isnew[6];

    (void)state;
    for (int i = 0; i < 6; i++)
        rows[i] = delivery_of(101 + i, 11, NOW);
    rows[2].step = 1;
    rows[3].origin_kind = ORIGIN_API;
    rows[4].contact.v = 0;
    rows[4].group.v = 11;
    rows[5].visit = 1;
    put(rows, 6, isnew);
    T_TRUE(isnew[0]);
    T_TRUE(!isnew[1]); /* also inside one array */
    T_TRUE(isnew[2] && isnew[3] && isnew[4] && isnew[5]);
    T_EQ(get(102).id.v, 0);

    rows[1].id.v = 110;
    put(&rows[1], 1, isnew);
    T_TRUE(!isnew[0]);
    T_EQ(get(110).id.v, 0);
}

static void a_finished_delivery_still_holds_its_key(void **state)
{
    struct delivery_row again = delivery_of(102, 11, NOW);
    bool isnew;

    (void)state;
    put_one(delivery_of(101, 11, NOW));
    T_TRUE(enter(101, STATE_CANCELLED, true));
    T_TRUE(get(101).final);
    put(&again, 1, &isnew);
    T_TRUE(!isnew);
}

static void a_change_that_lost_the_race_is_left_alone(void **state)
{
    struct delivery_row row = delivery_of(101, 11, NOW);

    (void)state;
    put_one(row);
    row.state = STATE_IN_FLIGHT;
    T_TRUE(!change(row, STATE_HELD, NOW));
    T_TRUE(!change(row, STATE_QUEUED, NOW + 1)); /* it was moved meanwhile */
    T_EQ(get(101).state, STATE_QUEUED);
    T_TRUE(change(row, STATE_QUEUED, NOW));
    T_TRUE(!change(row, STATE_QUEUED, NOW));
    T_EQ(get(101).state, STATE_IN_FLIGHT);
    row.state = STATE_CANCELLED;
    row.final = true;
    T_TRUE(!change(row, STATE_QUEUED, NOW));
    T_TRUE(!change(row, STATE_UNKNOWN, NOW));
}

static void a_delivery_walks_through_its_states_and_keeps_what_it_is(void **state)
{
    struct delivery_row row;

    (void)state;
    put_one(delivery_of(101, 11, NOW));
    T_TRUE(enter(101, STATE_IN_FLIGHT, false));
    T_TRUE(enter(101, STATE_UNKNOWN, false));
    T_TRUE(enter(101, STATE_QUEUED, false));
    T_TRUE(enter(101, STATE_HELD, false));
    T_TRUE(enter(101, STATE_IN_FLIGHT, false));
    T_TRUE(enter(101, STATE_AWAITING_CONFIRM, false));
    T_TRUE(enter(101, STATE_ACCEPTED, false));
    T_TRUE(!get(101).final);
    T_TRUE(enter(101, STATE_ACCEPTED, true));
    row = get(101);
    T_TRUE(row.final);
    T_EQ(row.content, 800);
    T_EQ(row.contact.v, 11);
    T_VIEW(row.code, "c1");
    T_EQ(row.campaign, 900);
}

static void a_late_receipt_refines_what_is_final_but_nothing_is_sent_again(void **state)
{
    (void)state;
    put_one(delivery_of(101, 11, NOW));
    put_one(delivery_of(102, 12, NOW));
    T_TRUE(enter(101, STATE_IN_FLIGHT, false));
    T_TRUE(enter(101, STATE_UNKNOWN, true));
    T_TRUE(get(101).final);
    T_TRUE(!enter(101, STATE_QUEUED, false));
    T_TRUE(enter(101, STATE_DELIVERED, true));
    T_EQ(get(101).state, STATE_DELIVERED);
    T_TRUE(enter(102, STATE_IN_FLIGHT, false));
    T_TRUE(enter(102, STATE_ACCEPTED, true));
    T_TRUE(enter(102, STATE_FAILED, true));
    T_EQ(get(102).state, STATE_FAILED);
}

static void a_held_row_is_due_again_at_its_new_time(void **state)
{
    struct queue_key key = {{5}, 3, 900};
    struct delivery_row row = delivery_of(101, 11, NOW), *due;
    int64_t next;
    size_t n;

    (void)state;
    put_one(row);
    row.state = STATE_HELD;
    row.due_ms = NOW + 100;
    T_TRUE(change(row, STATE_QUEUED, NOW));
    T_OK(store_load_due(t.s, key, NOW + 99, 10, &t.a, &due, &n, &next));
    T_EQ(n, 0);
    T_EQ(next, NOW + 100);
    T_OK(store_load_due(t.s, key, NOW + 100, 10, &t.a, &due, &n, &next));
    T_EQ(n, 1);
    T_EQ(due[0].id.v, 101);
    T_TRUE(next == INT64_MAX);
}

static void due_rows_come_in_due_order_up_to_the_limit(void **state)
{
    struct queue_key key = {{5}, 3, 900};
    struct delivery_row *due;
    int64_t next;
    size_t n;

    (void)state;
    put_one(delivery_of(101, 11, NOW + 30));
    put_one(delivery_of(102, 12, NOW + 10));
    put_one(delivery_of(103, 13, NOW + 10));
    put_one(delivery_of(104, 14, NOW + 50));
    T_TRUE(enter(103, STATE_IN_FLIGHT, false)); /* not due any more */
    T_OK(store_load_due(t.s, key, NOW + 30, 1, &t.a, &due, &n, &next));
    T_EQ(n, 1);
    T_EQ(due[0].id.v, 102);
    T_EQ(next, NOW + 30);
    T_OK(store_load_due(t.s, key, NOW + 30, 10, &t.a, &due, &n, &next));
    T_EQ(n, 2);
    T_EQ(due[1].id.v, 101);
    T_EQ(next, NOW + 50);
    key.lane = 2;
    T_OK(store_load_due(t.s, key, NOW + 30, 10, &t.a, &due, &n, &next));
    T_EQ(n, 0);
    T_TRUE(next == INT64_MAX);
}

static void queues_are_listed_with_their_earliest_time(void **state)
{
    struct delivery_row other = delivery_of(103, 13, NOW + 7), reply = delivery_of(104, 14, NOW + 8);
    struct queue_row *q;
    size_t n;

    (void)state;
    T_OK(store_load_queues(t.s, &t.a, &q, &n));
    T_EQ(n, 0);
    other.account.v = 4;
    reply.lane = 1;
    reply.campaign = 0;
    put_one(delivery_of(101, 11, NOW + 30));
    put_one(delivery_of(102, 12, NOW + 10));
    put_one(other);
    put_one(reply);
    T_OK(store_load_queues(t.s, &t.a, &q, &n));
    T_EQ(n, 3);
    T_EQ(q[0].key.account.v, 4);
    T_EQ(q[0].next_due_ms, NOW + 7);
    T_EQ(q[1].key.lane, 1);
    T_EQ(q[1].key.campaign, 0);
    T_EQ(q[2].key.campaign, 900);
    T_EQ(q[2].next_due_ms, NOW + 10);
}

static void open_rows_are_found_by_state_after_an_id(void **state)
{
    struct delivery_row *rows;
    size_t n;

    (void)state;
    for (int i = 0; i < 4; i++)
        put_one(delivery_of(101 + i, 11 + i, NOW));
    T_TRUE(enter(101, STATE_IN_FLIGHT, false));
    T_TRUE(enter(103, STATE_IN_FLIGHT, false));
    T_TRUE(enter(104, STATE_IN_FLIGHT, false));
    T_TRUE(enter(104, STATE_UNKNOWN, false));
    T_OK(store_load_in_state(t.s, STATE_IN_FLIGHT, (struct delivery_id){0}, 10, &t.a, &rows, &n));
    T_EQ(n, 2);
    T_OK(store_load_in_state(t.s, STATE_IN_FLIGHT, (struct delivery_id){101}, 10, &t.a, &rows, &n));
    T_EQ(n, 1);
    T_EQ(rows[0].id.v, 103);
    T_OK(store_load_in_state(t.s, STATE_UNKNOWN, (struct delivery_id){0}, 10, &t.a, &rows, &n));
    T_EQ(n, 1);
    T_EQ(rows[0].id.v, 104);
}

static void unsent_rows_are_found_by_contact_and_by_campaign(void **state)
{
    struct contact_id who[] = {{12}, {11}};
    struct delivery_row other = delivery_of(104, 11, NOW), *rows;
    size_t n;

    (void)state;
    other.campaign = 0;
    other.origin = 5;
    put_one(delivery_of(101, 11, NOW + 9));
    put_one(delivery_of(102, 12, NOW));
    put_one(delivery_of(103, 13, NOW));
    put_one(other);
    T_TRUE(enter(102, STATE_IN_FLIGHT, false));
    T_OK(store_load_unsent_of(t.s, who, 2, &t.a, &rows, &n));
    T_EQ(n, 2);
    T_EQ(rows[0].id.v, 101);
    T_EQ(rows[1].id.v, 104);
    T_OK(store_load_unsent_of_campaign(t.s, 900, (struct delivery_id){0}, 10, &t.a, &rows, &n));
    T_EQ(n, 2);
    T_OK(store_load_unsent_of_campaign(t.s, 900, (struct delivery_id){101}, 10, &t.a, &rows, &n));
    T_EQ(n, 1);
    T_EQ(rows[0].id.v, 103);
}

static void contents_are_loaded_in_the_order_asked(void **state)
{
    struct content_row put_rows[] = {{1, true, STR("{}")}, {2, false, STR("{\"text\":\"a\"}")}}, got[3];
    int64_t ids[] = {2, 9, 1};

    (void)state;
    temp_begin(&t);
    T_OK(store_put_contents(t.s, put_rows, 2));
    temp_commit(&t);
    T_OK(store_load_contents(t.s, ids, 3, &t.a, got));
    T_VIEW(got[0].body, "{\"text\":\"a\"}");
    T_TRUE(!got[0].rendered);
    T_EQ(got[1].id, 0);
    T_TRUE(got[2].rendered);
}

/* ---- attempts ---- */

static struct attempt_row attempt_of(int64_t id, const char *key)
{
    return (struct attempt_row){.id = {id},
                                .connection = {1},
                                .account = {5},
                                .op = CALL_TASK,
                                .state = ATTEMPT_OPEN,
                                .class = CLASS_BROADCAST,
                                .key = str_of(key),
                                .body_hash = {1, 2, 3},
                                .item_count = 2,
                                .started_ms = NOW,
                                .deadline_ms = NOW + 10,
                                .content = 800,
                                .next_ms = INT64_MAX};
}

static void an_attempt_is_open_until_its_outcome_is_recorded(void **state)
{
    struct attempt_row row = attempt_of(201, "k1"), *open, got;
    struct attempt_id id = {201};
    size_t n;

    (void)state;
    temp_begin(&t);
    T_OK(store_put_attempts(t.s, &row, 1));
    temp_commit(&t);
    T_OK(store_load_open_attempts(t.s, &t.a, &open, &n));
    T_EQ(n, 1);
    T_VIEW(open[0].key, "k1");

    row.state = ATTEMPT_ENDED;
    row.ended_ms = NOW + 3;
    row.outcome = OUTCOME_TASK;
    row.bytes_out = 400;
    row.http = 200;
    row.errcode = 0;
    row.error = STR("ok");
    row.provider_id = STR("msg1");
    row.next_ms = NOW + 600;
    row.follow_step = 1;
    row.follow = STR("{}");
    temp_begin(&t);
    T_OK(store_update_attempts(t.s, &row, 1));
    temp_commit(&t);
    T_OK(store_load_open_attempts(t.s, &t.a, &open, &n));
    T_EQ(n, 0);
    T_OK(store_load_attempts(t.s, &id, 1, &t.a, &got));
    T_EQ(got.outcome, OUTCOME_TASK);
    T_EQ(got.bytes_out, 400);
    T_EQ(got.http, 200);
    T_VIEW(got.provider_id, "msg1");
    T_VIEW(got.error, "ok");
    T_EQ(got.follow_step, 1);
    T_MEM(got.body_hash, row.body_hash, 16);
    row.id.v = 999;
    temp_begin(&t);
    T_ERR(store_update_attempts(t.s, &row, 1), ERR_NOT_FOUND);
    store_rollback(t.s);
}

static void followups_come_when_they_are_due(void **state)
{
    struct attempt_row rows[] = {attempt_of(201, "k1"), attempt_of(202, "k2"), attempt_of(203, "k3")}, *due;
    int64_t next;
    size_t n;

    (void)state;
    rows[0].next_ms = NOW + 20;
    rows[1].next_ms = NOW + 10;
    temp_begin(&t);
    T_OK(store_put_attempts(t.s, rows, 3));
    temp_commit(&t);
    T_OK(store_load_due_followups(t.s, NOW, 5, &t.a, &due, &n, &next));
    T_EQ(n, 0);
    T_EQ(next, NOW + 10);
    T_OK(store_load_due_followups(t.s, NOW + 20, 1, &t.a, &due, &n, &next));
    T_EQ(n, 1);
    T_EQ(due[0].id.v, 202);
    T_EQ(next, NOW + 20);
    T_OK(store_load_due_followups(t.s, NOW + 20, 5, &t.a, &due, &n, &next));
    T_EQ(n, 2);
    T_TRUE(next == INT64_MAX);
}

static void a_receipt_finds_its_attempt_by_provider_id_or_by_our_key(void **state)
{
    struct attempt_row rows[] = {attempt_of(201, "k1"), attempt_of(202, "k2")};
    struct attempt_ref refs[] = {
        {{1}, STR("biz1")}, {{1}, STR("k2")}, {{2}, STR("k2")}, {{1}, STR("")}, {{1}, STR("x")}};
    struct attempt_id got[5];

    (void)state;
    rows[0].provider_id = STR("biz1");
    temp_begin(&t);
    T_OK(store_put_attempts(t.s, rows, 2));
    temp_commit(&t);
    T_OK(store_find_attempts(t.s, refs, 5, got));
    T_EQ(got[0].v, 201);
    T_EQ(got[1].v, 202);
    T_EQ(got[2].v, 0);
    T_EQ(got[3].v, 0);
    T_EQ(got[4].v, 0);
}

static void items_keep_their_recipient_when_the_result_comes(void **state)
{
    struct attempt_item_row rows[] = {{{201}, {102}, STR("wm2"), OUTCOME_PENDING, 0},
                                      {{201}, {101}, STR("wm1"), OUTCOME_PENDING, 0}};
    struct attempt_item_row result = {{201}, {102}, {0}, OUTCOME_PERMANENT, 40096}, *got;
    size_t n;

    (void)state;
    temp_begin(&t);
    T_OK(store_put_attempt_items(t.s, rows, 2));
    T_OK(store_put_attempt_items(t.s, &result, 1));
    temp_commit(&t);
    T_OK(store_load_attempt_items(t.s, (struct attempt_id){201}, &t.a, &got, &n));
    T_EQ(n, 2);
    T_EQ(got[0].delivery.v, 101);
    T_VIEW(got[1].to, "wm2");
    T_EQ(got[1].outcome, OUTCOME_PERMANENT);
    T_EQ(got[1].errcode, 40096);
}

/* ---- counters ---- */

static const struct counter_ref MONTH = {10, 5, 11};

static struct claim_row claim_of(int64_t owner, int64_t cell, int64_t units)
{
    return (struct claim_row){.owner = owner, .key = MONTH, .cell = cell, .units = units, .at_ms = NOW};
}

static struct counter_rows counter(int64_t min_cell)
{
    struct counter_rows rows;

    T_OK(store_load_counters(t.s, &MONTH, &min_cell, 1, &t.a, &rows));
    return rows;
}

static void a_counter_gives_live_cells_open_claims_and_its_opening(void **state)
{
    struct cell_row cells[] = {{MONTH, 7, 1}, {MONTH, 8, 2}, {{10, 5, 12}, 8, 5}};
    struct claim_row claims[] = {claim_of(301, 7, 1), claim_of(302, 8, 2)};
    struct opening_row open[] = {{MONTH, 500}, {MONTH, 400}};
    struct counter_rows rows = counter(0);

    (void)state;
    T_EQ(rows.cell_count, 0);
    T_EQ(rows.opened_ms, -1);
    claims[0].state = CLAIM_COUNTED;
    temp_begin(&t);
    T_OK(store_put_cells(t.s, cells, 3));
    T_OK(store_put_claims(t.s, claims, 2));
    T_OK(store_put_openings(t.s, open, 2));
    temp_commit(&t);
    rows = counter(8);
    T_EQ(rows.cell_count, 1);
    T_EQ(rows.cells[0].used, 2);
    T_EQ(rows.open_count, 1);
    T_EQ(rows.open[0].owner, 302);
    T_EQ(rows.open[0].units, 2);
    T_EQ(rows.opened_ms, 500); /* the latest */
    T_EQ(counter(0).cell_count, 2);
}

static void a_cell_of_nothing_is_deleted(void **state)
{
    struct cell_row cell = {MONTH, 7, 1};

    (void)state;
    temp_begin(&t);
    T_OK(store_put_cells(t.s, &cell, 1));
    cell.used = 0;
    T_OK(store_put_cells(t.s, &cell, 1));
    temp_commit(&t);
    T_EQ(counter(0).cell_count, 0);
}

static void claims_end_with_their_owner_once(void **state)
{
    struct claim_row claims[] = {claim_of(301, 7, 1), claim_of(301, 8, 1), claim_of(302, 7, 1),
                                 claim_of(301, 7, 1)};
    int64_t owners[] = {301, 302};
    struct claim_row *got;
    size_t n;

    (void)state;
    temp_begin(&t);
    T_OK(store_put_claims(t.s, claims, 4));
    temp_commit(&t);
    T_OK(store_load_claims(t.s, owners, 2, &t.a, &got, &n));
    T_EQ(n, 4);
    T_EQ(got[2].owner, 301); /* twice in one cell: two claims */
    T_EQ(got[2].cell, 7);
    temp_begin(&t);
    T_OK(store_close_claims(t.s, owners, 1));
    T_OK(store_refund_claims(t.s, owners, 2)); /* 301 is counted for good */
    temp_commit(&t);
    T_OK(store_load_claims(t.s, owners, 2, &t.a, &got, &n));
    T_EQ(n, 0);
    T_EQ(counter(0).open_count, 0);
}

static void what_can_bind_no_more_is_pruned_in_bounded_steps(void **state)
{
    int64_t day = 86400000, now = INT64_C(1800000000000);
    struct id_gen gen;
    struct claim_row claims[6];
    struct cell_row cells[6];
    int r;

    (void)state;
    id_gen_init(&gen, 0);
    for (int i = 0; i < 6; i++) {
        int64_t at = i == 5 ? now : now - (70 - i * 3) * day; /* 70, 67, 64, 61, 58, 0 days ago */
        claims[i] = claim_of(id_next(&gen, at), i + 1, 1);
        claims[i].at_ms = at;
        claims[i].state = i == 1 ? CLAIM_OPEN : CLAIM_COUNTED;
        cells[i] = (struct cell_row){MONTH, i + 1, 1};
    }
    temp_begin(&t);
    T_OK(store_put_cells(t.s, cells, 6));
    T_OK(store_put_claims(t.s, claims, 6));
    temp_commit(&t);

    temp_begin(&t);
    r = store_prune(t.s, now, 2);
    temp_commit(&t);
    T_EQ(r, 1);
    temp_begin(&t);
    r = store_prune(t.s, now, 2);
    temp_commit(&t);
    T_EQ(r, 0);
    struct counter_rows left = counter(0);
    T_EQ(left.cell_count, 4);
    T_EQ(left.cells[0].cell, 2); /* its claim is open: kept, however old */
    T_EQ(left.cells[1].cell, 4);
    T_EQ(left.open_count, 1);
}

static void foreign_and_carried_claims_are_pruned_in_their_time(void **state)
{
    int64_t day = 86400000, now = INT64_C(1800000000000);
    struct claim_row claims[] = {claim_of(0, 1, 1), claim_of(0, 2, 1), claim_of(1, 3, 1), claim_of(2, 4, 1)};
    struct cell_row cells[] = {{MONTH, 1, 1}, {MONTH, 2, 1}, {MONTH, 3, 1}, {MONTH, 4, 1}};
    struct id_gen gen;
    int more = 1;

    (void)state;
    id_gen_init(&gen, 0);
    claims[0].at_ms = now - 70 * day;
    claims[1].at_ms = now - 60 * day;
    claims[2].owner = id_next(&gen, now - 100 * day);
    claims[2].at_ms = now - 100 * day;
    claims[2].carried = true; /* into a window that may be much younger */
    claims[3].owner = id_next(&gen, now);
    claims[3].at_ms = now;
    for (int i = 0; i < 4; i++)
        claims[i].state = CLAIM_COUNTED;
    temp_begin(&t);
    T_OK(store_put_cells(t.s, cells, 4));
    T_OK(store_put_claims(t.s, claims, 4));
    temp_commit(&t);
    for (int i = 0; more == 1 && i < 20; i++) {
        temp_begin(&t);
        more = store_prune(t.s, now, 1);
        temp_commit(&t);
    }
    T_EQ(more, 0);
    T_EQ(counter(0).cell_count, 3);
    T_EQ(counter(0).cells[0].cell, 2);
}

/* ---- when, why, access ---- */

static void the_newest_version_of_each_playbook_is_loaded(void **state)
{
    struct playbook_row rows[] =
        {{.name = STR("b"), .text = STR("one"), .version = 1, .hash = {1}},
         {.name = STR("a"), .text = STR("x"), .version = 1},
         {.name = STR("b"), .text = STR("two"), .version = 2, .hash = {2}, .applied_ms = NOW}},
                        *got;
    size_t n;

    (void)state;
    temp_begin(&t);
    for (int i = 0; i < 3; i++)
        T_OK(store_put_playbook(t.s, &rows[i]));
    temp_commit(&t);
    T_OK(store_load_playbooks(t.s, &t.a, &got, &n));
    T_EQ(n, 2);
    T_VIEW(got[1].text, "two");
    T_MEM(got[1].hash, rows[2].hash, 16);
}

static void a_slot_of_a_broadcast_is_planned_once(void **state)
{
    struct occurrence_row rows[] =
        {{.id = {900}, .name = STR("day"), .slot_ms = NOW, .plan = STR("{}")},
         {.id = {901}, .name = STR("day"), .slot_ms = NOW, .plan = STR("{}")},
         {.id = {902}, .name = STR("day"), .slot_ms = NOW + 7, .plan = STR("{1}")}},
                          *got;
    bool isnew[3];
    int64_t slot;
    size_t n;

    (void)state;
    T_ERR(store_last_slot(t.s, STR("day"), &slot), ERR_NOT_FOUND);
    temp_begin(&t);
    T_OK(store_put_occurrences(t.s, rows, 3, isnew));
    temp_commit(&t);
    T_TRUE(isnew[0] && !isnew[1] && isnew[2]);
    T_EQ(rows[1].id.v, 900);
    T_OK(store_last_slot(t.s, STR("day"), &slot));
    T_EQ(slot, NOW + 7);

    rows[0].state = OCCURRENCE_DONE;
    rows[2].state = OCCURRENCE_EXPANDING;
    rows[2].cursor = 55;
    rows[2].planned = 3;
    temp_begin(&t);
    T_OK(store_update_occurrences(t.s, rows, 1));
    T_OK(store_update_occurrences(t.s, &rows[2], 1));
    temp_commit(&t);
    T_OK(store_load_occurrences(t.s, &t.a, &got, &n));
    T_EQ(n, 1);
    T_EQ(got[0].id.v, 902);
    T_EQ(got[0].cursor, 55);
    T_VIEW(got[0].plan, "{1}");
}

static void tokens_are_kept_by_id(void **state)
{
    struct token_row row = {.id = STR("t1"), .role = STR("admin"), .hash = {9}, .expires_ms = NOW}, *got;
    size_t n;

    (void)state;
    temp_begin(&t);
    T_OK(store_put_token(t.s, &row));
    temp_commit(&t);
    T_OK(store_load_tokens(t.s, &t.a, &got, &n));
    T_EQ(n, 1);
    T_VIEW(got[0].role, "admin");
    T_MEM(got[0].hash, row.hash, 32);
}

static void the_last_id_is_the_greatest_of_all(void **state)
{
    struct event_row e = event_of(50, key_of(1, 1), EVENT_DECIDED);
    struct attempt_row a = attempt_of(201, "k1");
    int64_t last;

    (void)state;
    T_OK(store_last_id(t.s, &last));
    T_EQ(last, 0);
    put_one(delivery_of(101, 11, NOW));
    temp_begin(&t);
    T_OK(store_put_events(t.s, &e, 1));
    temp_commit(&t);
    T_OK(store_last_id(t.s, &last));
    T_EQ(last, 101);
    temp_begin(&t);
    T_OK(store_put_attempts(t.s, &a, 1));
    temp_commit(&t);
    T_OK(store_last_id(t.s, &last));
    T_EQ(last, 201);
    put_one(delivery_of(301, 13, NOW));
    T_TRUE(enter(301, STATE_IN_FLIGHT, false));
    T_OK(store_last_id(t.s, &last));
    T_EQ(last, 301);
    T_TRUE(enter(301, STATE_ACCEPTED, true));
    T_OK(store_last_id(t.s, &last));
    T_EQ(last, 301);
}

static void an_intent_is_one_call_however_many_rows_it_carries(void **state)
{
    struct delivery_row rows[200];
    struct delivery_id ids[200];
    bool isnew[200];
    int64_t before;

    (void)state;
    for (int i = 0; i < 200; i++) {
        rows[i] = delivery_of(1000 + i, 2000 + i, NOW + i);
        ids[i] = rows[i].id;
    }
    before = store_calls(t.s);
    put(rows, 200, isnew);
    T_OK(store_load_deliveries(t.s, ids, 200, &t.a, rows));
    T_EQ(store_calls(t.s) - before, 2);
}

static void a_text_with_a_quote_or_of_many_kilobytes_comes_back(void **state)
{
    static char big[100000];
    struct str v;

    (void)state;
    memset(big, 'x', sizeof big - 1);
    memcpy(big, "'); DROP TABLE event; --", 24);
    temp_begin(&t);
    T_OK(store_put_meta(t.s, "it's", str_of(big)));
    temp_commit(&t);
    T_OK(store_get_meta(t.s, "it's", &t.a, &v));
    T_VIEW(v, big);
}

static void a_full_arena_is_an_error_not_a_crash(void **state)
{
    struct arena small;
    struct delivery_row *rows;
    int64_t next;
    size_t n;

    (void)state;
    for (int i = 0; i < 50; i++)
        put_one(delivery_of(101 + i, 11 + i, NOW));
    arena_init(&small, 2048);
    T_ERR(store_load_due(t.s, (struct queue_key){{5}, 3, 900}, NOW, 100, &small, &rows, &n, &next), -ENOMEM);
    arena_fini(&small);
    T_OK(store_load_due(t.s, (struct queue_key){{5}, 3, 900}, NOW, 100, &t.a, &rows, &n, &next));
    T_EQ(n, 50);
}

#define IN_STORE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_STORE(the_same_name_gets_the_same_id_for_ever),
        IN_STORE(a_renamed_account_keeps_its_id_and_stays_frozen),
        IN_STORE(meta_is_read_back_and_overwritten),
        IN_STORE(a_repeated_key_is_found_in_the_store_and_in_the_array),
        IN_STORE(many_keys_of_one_array_are_told_apart),
        IN_STORE(the_store_refuses_a_second_event_with_the_same_key),
        IN_STORE(events_without_a_key_never_collide),
        IN_STORE(pending_events_come_stored_first_then_undecided),
        IN_STORE(a_cursor_is_overwritten_and_survives),
        IN_STORE(contacts_are_found_by_domain_and_external_id),
        IN_STORE(an_absent_name_does_not_wipe_the_known_one),
        IN_STORE(all_facts_of_a_contact_are_loaded_in_the_order_asked),
        IN_STORE(a_tag_is_removed_and_a_refusal_lifted),
        IN_STORE(an_identity_stays_with_its_first_contact),
        IN_STORE(groups_are_found_changed_and_loaded),
        IN_STORE(a_cooldown_is_known_until_its_time),
        IN_STORE(an_audience_is_walked_in_id_order_without_doubles),
        IN_STORE(a_tag_that_expired_does_not_count),
        IN_STORE(only_a_live_relation_with_a_member_of_the_connection_reaches),
        IN_STORE(groups_are_walked_by_tag_and_without),
        IN_STORE(a_delivery_is_stored_whole),
        IN_STORE(one_origin_says_one_thing_to_one_recipient_once),
        IN_STORE(a_finished_delivery_still_holds_its_key),
        IN_STORE(a_change_that_lost_the_race_is_left_alone),
        IN_STORE(a_delivery_walks_through_its_states_and_keeps_what_it_is),
        IN_STORE(a_late_receipt_refines_what_is_final_but_nothing_is_sent_again),
        IN_STORE(a_held_row_is_due_again_at_its_new_time),
        IN_STORE(due_rows_come_in_due_order_up_to_the_limit),
        IN_STORE(queues_are_listed_with_their_earliest_time),
        IN_STORE(open_rows_are_found_by_state_after_an_id),
        IN_STORE(unsent_rows_are_found_by_contact_and_by_campaign),
        IN_STORE(contents_are_loaded_in_the_order_asked),
        IN_STORE(an_attempt_is_open_until_its_outcome_is_recorded),
        IN_STORE(followups_come_when_they_are_due),
        IN_STORE(a_receipt_finds_its_attempt_by_provider_id_or_by_our_key),
        IN_STORE(items_keep_their_recipient_when_the_result_comes),
        IN_STORE(a_counter_gives_live_cells_open_claims_and_its_opening),
        IN_STORE(a_cell_of_nothing_is_deleted),
        IN_STORE(claims_end_with_their_owner_once),
        IN_STORE(what_can_bind_no_more_is_pruned_in_bounded_steps),
        IN_STORE(foreign_and_carried_claims_are_pruned_in_their_time),
        IN_STORE(the_newest_version_of_each_playbook_is_loaded),
        IN_STORE(a_slot_of_a_broadcast_is_planned_once),
        IN_STORE(tokens_are_kept_by_id),
        IN_STORE(the_last_id_is_the_greatest_of_all),
        IN_STORE(an_intent_is_one_call_however_many_rows_it_carries),
        IN_STORE(a_text_with_a_quote_or_of_many_kilobytes_comes_back),
        IN_STORE(a_full_arena_is_an_error_not_a_crash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
