/* SPDX-License-Identifier: Apache-2.0 */
#include "support/asserts.h"

#include <errno.h>
#include <stdio.h>

#include "base/mem.h"
#include "bots/lottery.h"

/* The engine's side: what the bot asked for. */
struct actions {
    char said[512], tag[64];
    int says, tags, others, fail;
};

static int copy(char *out, size_t size, struct str text)
{
    (void)snprintf(out, size, "%.*s", STR_ARG(text));
    return 0;
}

int actions_say(struct actions *a, struct str text)
{
    a->says++;
    return a->fail ? a->fail : copy(a->said, sizeof a->said, text);
}

int actions_send(struct actions *a, struct str template_name)
{
    (void)template_name;
    a->others++;
    return 0;
}

int actions_tag(struct actions *a, struct str tag)
{
    a->tags++;
    return copy(a->tag, sizeof a->tag, tag);
}

int actions_untag(struct actions *a, struct str tag)
{
    (void)tag;
    a->others++;
    return 0;
}

int actions_handoff(struct actions *a, struct str pool)
{
    (void)pool;
    a->others++;
    return 0;
}

static json_t *object(const char *text)
{
    json_error_t error;
    json_t *with = json_loads(text, 0, &error);

    if (with == NULL)
        print_error("%s: %s\n", text, error.text);
    assert_non_null(with);
    return with;
}

static struct actions drawn(const char *with_text, uint64_t seed)
{
    json_t *with = object(with_text), *contact = object("{\"name\":\"小美\",\"tags\":[]}");
    struct bot_facts facts = {.seed = seed, .kind = EVENT_MESSAGE_RECEIVED, .contact = contact};
    struct actions a = {.says = 0};

    T_OK(bot_lottery.decide(&facts, with, &a));
    json_decref(with);
    json_decref(contact);
    return a;
}

/* The complaints about `with`, one a line; "" when there are none. */
static const char *complaints(const char *with_text)
{
    static char out[1024];
    json_t *with = object(with_text);
    struct diag diag;
    size_t n = 0;
    int r;

    diag_init(&diag, 10);
    r = bot_lottery.check(with, &diag);
    T_EQ(r, diag_errors(&diag) ? ERR_CONFIG : 0);
    out[0] = '\0';
    for (size_t i = 0; i < diag_count(&diag) && n < sizeof out; i++)
        n += (size_t)snprintf(out + n, sizeof out - n, "%s\n", diag_text(&diag, i));
    diag_fini(&diag);
    json_decref(with);
    return out;
}

static void a_sure_chance_always_wins_and_tags(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 500; seed++) {
        struct actions a = drawn("{\"prize\":\"coupon-8\",\"chance\":\"100%\",\"tag\":\"中奖\"}", seed);

        T_EQ(a.says, 1);
        T_STR(a.tag, "中奖");
        T_STR(a.said, "恭喜小美中奖啦！奖品：coupon-8。请留意后续消息，我们会与您联系。");
    }
}

static void no_chance_never_wins(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 500; seed++) {
        struct actions a =
            drawn("{\"prize\":\"x\",\"chance\":\"0%\",\"tag\":\"中奖\",\"lose\":\"没中\"}", seed);

        T_EQ(a.tags, 0);
        T_STR(a.said, "没中");
    }
}

static void the_same_event_always_draws_the_same_lot(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct actions a = drawn("{\"prize\":\"x\",\"chance\":\"50%\"}", seed);
        struct actions b = drawn("{\"prize\":\"x\",\"chance\":\"50%\"}", seed);

        T_STR(a.said, b.said);
    }
}

/* 20,000 draws at 12.5 %: the standard deviation is 47, so 300 is far outside chance. Seeds in a row must do.
 */
static void the_share_of_winners_is_the_chance(void **state)
{
    int won = 0;

    (void)state;
    for (uint64_t seed = 1000; seed < 21000; seed++) {
        struct actions a = drawn("{\"prize\":\"x\",\"chance\":\"12.5%\",\"tag\":\"t\"}", seed);

        won += a.tags;
    }
    T_TRUE(won > 2500 - 300 && won < 2500 + 300);
}

static void own_texts_are_templates(void **state)
{
    struct actions a =
        drawn("{\"prize\":\"面膜\",\"chance\":\"100%\",\"win\":\"{{contact.name}}得到{{prize}}\"}", 1);

    (void)state;
    T_STR(a.said, "小美得到面膜");
}

static void a_full_list_of_actions_is_returned(void **state)
{
    json_t *with = object("{\"prize\":\"x\"}");
    struct bot_facts facts = {.seed = 1};
    struct actions a = {.fail = ERR_FULL};

    (void)state;
    T_ERR(bot_lottery.decide(&facts, with, &a), ERR_FULL);
    json_decref(with);
}

static void good_parameters_pass_the_check(void **state)
{
    (void)state;
    T_STR(complaints("{\"prize\":\"coupon-8\"}"), "");
    T_STR(
        complaints(
            "{\"prize\":\"c\",\"chance\":\"0.0001%\",\"win\":\"{{ prize }}\",\"lose\":\"x\",\"tag\":\"t\"}"),
        "");
}

static void each_bad_parameter_is_named(void **state)
{
    (void)state;
    T_TRUE(strstr(complaints("{}"), "prize") != NULL);
    T_TRUE(strstr(complaints("{\"prize\":\"\"}"), "prize: empty") != NULL);
    T_TRUE(strstr(complaints("{\"prize\":\"x\",\"chance\":\"20\"}"), "chance: `20` is no share") != NULL);
    T_TRUE(strstr(complaints("{\"prize\":\"x\",\"chance\":\"100.1%\"}"), "chance") != NULL);
    T_TRUE(strstr(complaints("{\"prize\":\"x\",\"chance\":\"-1%\"}"), "chance") != NULL);
    T_TRUE(strstr(complaints("{\"prize\":\"x\",\"chance\":\"1.-5%\"}"), "chance") != NULL);
    T_TRUE(strstr(complaints("{\"prize\":\"x\",\"chance\":0.5}"), "a percentage as 20%") != NULL);
    T_TRUE(strstr(complaints("{\"prize\":\"x\",\"prise\":1}"), "prise") != NULL);
    T_TRUE(strstr(complaints("{\"prize\":\"x\",\"win\":\"{{ contact.name\"}"), "win: ") != NULL);
    T_TRUE(strstr(complaints("{\"prize\":\"x\",\"lose\":\"{{ prise }}\"}"), "lose: ") != NULL);
}

static void memory_that_runs_out_is_returned_at_every_point(void **state)
{
    json_t *with = object("{\"prize\":\"x\",\"chance\":\"100%\",\"tag\":\"t\"}");
    struct bot_facts facts = {.seed = 1};
    bool hit = true;

    (void)state;
    for (int n = 1; hit; n++) {
        struct actions a = {.says = 0};
        int r;

        mem_fail_at(n);
        r = bot_lottery.decide(&facts, with, &a);
        hit = mem_fault_hit();
        mem_fail_at(0);
        T_EQ(r, hit ? -ENOMEM : 0);
    }
    json_decref(with);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sure_chance_always_wins_and_tags),
        cmocka_unit_test(no_chance_never_wins),
        cmocka_unit_test(the_same_event_always_draws_the_same_lot),
        cmocka_unit_test(the_share_of_winners_is_the_chance),
        cmocka_unit_test(own_texts_are_templates),
        cmocka_unit_test(a_full_list_of_actions_is_returned),
        cmocka_unit_test(good_parameters_pass_the_check),
        cmocka_unit_test(each_bad_parameter_is_named),
        cmocka_unit_test(memory_that_runs_out_is_returned_at_every_point),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
