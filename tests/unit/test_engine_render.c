/* SPDX-License-Identifier: Apache-2.0 */
/* Words that are the same for everybody are rendered and stored once; all others for each. */
#include "base/crypto.h"
#include "support/asserts.h"
#include "support/world.h"

static struct world w;

static const char before[] = "playbook: test\n"
                             "templates:\n"
                             "  same: {text: \"会员日是周二\"}\n"
                             "  own: {text: \"收到：{{ event.text }}\"}\n"
                             "  clock: {text: \"{{ 'now' | date: '%H:%M' }}\"}\n"
                             "rules:\n"
                             "  - {on: message.received, from: [brand], keyword: {any: [会员日]}, do: [{send: same}]}\n"
                             "  - {on: message.received, from: [brand], keyword: {prefix: [说]}, do: [{send: own}]}\n"
                             "  - {on: message.received, from: [brand], keyword: {any: [几点]}, do: [{send: clock}]}\n";

static const char after[] = "playbook: test\n"
                            "templates:\n"
                            "  same: {text: \"会员日是周三\"}\n"
                            "rules:\n"
                            "  - {on: message.received, from: [brand], keyword: {any: [会员日]}, do: [{send: same}]}\n";

static int setup(void **state)
{
    (void)state;
    world_open_engine(&w);
    world_apply(&w, before);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_close_engine(&w);
    return 0;
}

/* A message that nobody has sent before, from somebody new. */
static struct event said(const char *text)
{
    static int n;
    static char key[32], who[32];

    (void)snprintf(key, sizeof key, "key%d", ++n);
    (void)snprintf(who, sizeof who, "openid%d", n);
    return (struct event){.kind = EVENT_MESSAGE_RECEIVED, .text = str_of(text), .at_ms = clock_wall_ms(&w.clock),
                          .passive = true, .dedupe = str_of(key), .contact = str_of(who)};
}

/* The content row that the last step answered `e` with; it must be there and say so. */
static int64_t content_of(const struct event *e)
{
    const struct reply_stored *r = world_stored(&w);
    struct hash128 hash = crypto_hash128(&e->dedupe, 1);
    struct inbox_key key = {.connection = r->connection};
    struct content_row content;
    struct inbox_row row;
    struct arena a;

    memcpy(key.key, hash.b, sizeof key.key);
    arena_init(&a, 65536);
    T_OK(store_find_inbox(w.store, &key, 1, &a, &row));
    T_OK(store_load_contents(w.store, &row.reply, 1, &a, &content));
    T_EQ(content.id, row.reply);
    T_TRUE(str_eq(content.body, r->content));
    arena_fini(&a);
    return row.reply;
}

static int64_t answer_to(const char *text, const char *expected)
{
    struct event e = said(text);

    world_event(&w, "brand", &e);
    T_VIEW(world_stored(&w)->content, expected);
    return content_of(&e);
}

static void the_same_words_for_all_are_stored_once(void)
{
    int64_t first = answer_to("会员日", "{\"text\":\"会员日是周二\"}");

    T_EQ(answer_to("会员日", "{\"text\":\"会员日是周二\"}"), first);
    clock_advance(&w.clock, 3600000);
    T_EQ(answer_to("会员日", "{\"text\":\"会员日是周二\"}"), first);
}

static void words_that_name_the_event_are_each_their_own(void)
{
    int64_t first = answer_to("说一", "{\"text\":\"收到：说一\"}");

    T_TRUE(answer_to("说二", "{\"text\":\"收到：说二\"}") != first);
}

static void a_text_that_tells_the_time_goes_with_the_clock(void)
{
    int64_t first = answer_to("几点", "{\"text\":\"10:00\"}");

    clock_advance(&w.clock, 60000);
    T_TRUE(answer_to("几点", "{\"text\":\"10:01\"}") != first);
}

static void a_new_playbook_has_new_words(void)
{
    (void)answer_to("会员日", "{\"text\":\"会员日是周二\"}");
    world_apply(&w, after);
    (void)answer_to("会员日", "{\"text\":\"会员日是周三\"}");
}

/* Wherever the batch that stores the words fails: the next one stores them. */
static void words_of_a_batch_that_failed_are_stored_by_the_next(void)
{
    for (int n = 1, failed = 1; failed; n++) {
        struct event e = said("会员日");
        struct message *m;
        struct list ops;

        world_apply(&w, before); /* forgets them */
        list_init(&ops);
        m = world_inbound(&w, "brand", &e, 1);
        list_add_tail(&ops, &m->node);
        failed = world_try(&w, &ops, n) != 0;
        (void)answer_to("会员日", "{\"text\":\"会员日是周二\"}");
    }
}

int main(void)
{
    struct CMUnitTest tests[] = {
        T_CASE(the_same_words_for_all_are_stored_once),
        T_CASE(words_that_name_the_event_are_each_their_own),
        T_CASE(a_text_that_tells_the_time_goes_with_the_clock),
        T_CASE(a_new_playbook_has_new_words),
        T_CASE(words_of_a_batch_that_failed_are_stored_by_the_next),
    };

    for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
        tests[i].setup_func = setup;
        tests[i].teardown_func = teardown;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
