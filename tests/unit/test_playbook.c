/* SPDX-License-Identifier: Apache-2.0 */
#include "support/asserts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/shanghai.h"
#include "bots/lottery.h"
#include "playbook/playbook_private.h"
#include "support/idle_actions.h"
#include "templates/variant.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)

static struct rulepack *rules;
static const struct bot_ops *const bots[] = {&bot_lottery};

#define ACCOUNT(n, conn, name_, conn_name, kind_, ...)                                                       \
    {                                                                                                        \
        .id = {n}, .connection = {conn}, .kind = kind_, .name = STR(name_),                                  \
        .connection_name = STR(conn_name), __VA_ARGS__                                                       \
    }
static const struct world_account accounts[] = {
    ACCOUNT(1, 101, "zhang", "corp", ACCOUNT_WECOM_MEMBER, .signature = {NULL, 0}),
    ACCOUNT(2, 101, "li", "corp", ACCOUNT_WECOM_MEMBER, .signature = {NULL, 0}),
    ACCOUNT(3, 102, "kf", "kf", ACCOUNT_WECOM_KF, .signature = {NULL, 0}),
    ACCOUNT(4, 103, "hall", "hall", ACCOUNT_WECOM_WEBHOOK, .signature = {NULL, 0}),
    ACCOUNT(5, 104, "brand", "brand", ACCOUNT_OFFICIAL, .account_type = {"service", 7}),
    ACCOUNT(6, 105, "sms", "sms", ACCOUNT_SMS, .signature = {"品牌", 6}),
    ACCOUNT(7, 106, "news", "news", ACCOUNT_OFFICIAL, .account_type = {"subscription", 12}),
};

static struct plan_world world(void)
{
    return (struct plan_world){.accounts = accounts,
                               .account_count = ARRAY_LEN(accounts),
                               .bots = bots,
                               .bot_count = 1,
                               .rules = rules};
}

/* What the compiler says of a text, one complaint a line. */
static const char *check_in(const char *text, const struct plan_world *w)
{
    static char out[8192];
    struct plan *plan = NULL;
    struct diag diag;
    size_t n = 0;
    int r;

    diag_init(&diag, 100);
    r = playbook_compile(str_of(text), "p.yaml", w, &diag, &plan);
    T_EQ(r, diag_errors(&diag) ? ERR_CONFIG : 0);
    out[0] = '\0';
    for (size_t i = 0; i < diag_count(&diag) && n < sizeof out; i++)
        n += (size_t)snprintf(out + n, sizeof out - n, "%s\n", diag_text(&diag, i));
    plan_free(plan);
    diag_fini(&diag);
    return out;
}

static const char *check(const char *text)
{
    struct plan_world w = world();

    return check_in(text, &w);
}

static struct plan *compiled(const char *text)
{
    struct plan_world w = world();
    struct plan *plan = NULL;
    struct diag diag;
    int r;

    diag_init(&diag, 100);
    r = playbook_compile(str_of(text), "p.yaml", &w, &diag, &plan);
    for (size_t i = 0; i < diag_count(&diag); i++)
        print_error("%s\n", diag_text(&diag, i));
    diag_fini(&diag);
    T_OK(r);
    return plan;
}

static void says(const char *text, const char *part)
{
    const char *got = check(text);

    if (strstr(got, part) == NULL)
        print_error("got:\n%swanted: %s\n", got, part);
    T_TRUE(strstr(got, part) != NULL);
}

#define HEAD "playbook: test\ntemplates:\n  hi: {text: 你好}\n"
#define RULE(r) HEAD "rules:\n  - " r "\n"
#define CAST(b) HEAD "broadcasts:\n  b: " b "\n"

static char *read_file(const char *path)
{
    char name[512], *text = calloc(1, 65536);
    FILE *f;

    (void)snprintf(name, sizeof name, "%s/%s", TEST_SOURCE_DIR, path);
    f = fopen(name, "r");
    assert_non_null(text);
    assert_non_null(f);
    T_TRUE(fread(text, 1, 65535, f) > 0);
    (void)fclose(f);
    return text;
}

/* ---- what a good playbook becomes ---- */

static void the_shipped_example_compiles_without_a_word(void **state)
{
    char *text = read_file("templates/playbooks/quickstart.yaml");

    (void)state;
    T_STR(check(text), "");
    T_STR(check_in(text, NULL), "");
    free(text);
}

static void a_plan_has_what_the_playbook_says(void **state)
{
    struct plan *p =
        compiled("playbook: beauty\nbrand: 花间集\ntemplates:\n  hi: {text: \"{{ brand }}你好\"}\nrules:\n"
                 "  - {on: contact.added, do: [{send: hi}, {tag: new}]}\n"
                 "  - {id: draw, on: message.received, from: [kf, brand], keyword: {any: [抽奖, 我要抽奖], "
                 "prefix: 抽, fold: false}, cooldown: 1m, priority: 3, bot: lottery, with: {prize: "
                 "coupon-8}}\n");

    (void)state;
    T_VIEW(p->name, "beauty");
    T_EQ(p->rule_count, 2);
    T_EQ(p->rules[0].on, EVENT_CONTACT_ADDED);
    T_EQ(p->rules[0].from_count, 0);
    T_EQ(p->rules[0].action_count, 2);
    T_EQ(p->rules[0].actions[1].kind, ACTION_TAG);
    T_VIEW(p->rules[0].actions[1].arg, "new");
    T_VIEW(p->rules[0].name, "rules[0]");
    T_VIEW(p->rules[0].where, "p.yaml:6");
    T_VIEW(p->rules[1].name, "draw");
    T_EQ(p->rules[1].from_count, 2);
    T_EQ(p->rules[1].from[1].v, 5);
    T_EQ(p->rules[1].keyword_count, 3);
    T_EQ(p->rules[1].keywords[2].kind, KEYWORD_PREFIX);
    T_TRUE(!p->rules[1].fold);
    T_EQ(p->rules[1].cooldown_ms, MINUTE);
    T_EQ(p->rules[1].priority, 3);
    T_EQ(p->rules[1].actions[0].kind, ACTION_BOT);
    T_TRUE(p->rules[1].actions[0].bot == &bot_lottery);
    T_STR(json_str(p->rules[1].actions[0].with, "prize", NULL), "coupon-8");
    T_STR(json_str(p->vars, "brand", NULL), "花间集");
    plan_free(p);
}

static void a_connection_means_all_of_its_accounts(void **state)
{
    struct plan *p = compiled(RULE("{on: contact.added, from: corp, do: [{send: hi}]}"));

    (void)state;
    T_EQ(p->rules[0].from_count, 2);
    plan_free(p);
}

static void a_rule_keeps_its_key_when_others_come_and_go(void **state)
{
    struct plan *a = compiled(RULE("{id: x, on: contact.added, do: [{tag: a}]}"));
    struct plan *b =
        compiled(RULE("{on: contact.lost, do: [{tag: b}]}\n  - {id: x, on: contact.added, do: [{tag: a}]}"));

    (void)state;
    T_EQ(a->rules[0].key, b->rules[1].key);
    T_TRUE(b->rules[0].key != b->rules[1].key && b->rules[0].key > 0);
    T_TRUE(memcmp(a->hash, b->hash, sizeof a->hash) != 0);
    plan_free(a);
    plan_free(b);
}

static void broadcasts_resolve_sender_time_and_audience(void **state)
{
    struct plan *p = compiled(
        HEAD "broadcasts:\n"
             "  weekly: {on: corp, every: {weekday: tue, at: \"12:00\"}, spread: 20m, missed: next-slot, to: "
             "{groups: "
             "{tag: vip}}, send: hi}\n"
             "  single: {on: brand, at: 2026-12-01T10:00, to: {contacts: all}, send: hi, expires: 3h}\n"
             "  hall: {on: hall, every: {weekday: sun, at: 23:30}, to: {groups: all}, send: hi}\n"
             "  list: {on: news, at: 2026-12-01T10:00, to: {contacts: {tag: a}}, send: hi}\n");
    const struct broadcast *b = p->broadcasts;
    struct calendar_plan c = broadcast_calendar(&b[0]);
    int64_t at = 0;

    (void)state;
    T_OK(shanghai_parse(STR("2026-12-01T10:00"), &at));
    T_EQ(p->broadcast_count, 4);
    T_EQ(b[0].account.v, 0);
    T_EQ(b[0].connection.v, 101);
    T_EQ(b[0].op, CALL_GROUP_TASK);
    T_EQ(b[0].weekday, 1);
    T_EQ(b[0].at_ms, 12 * HOUR);
    T_EQ(b[0].expires_ms, 12 * HOUR);
    T_EQ(c.missed, MISSED_NEXT_SLOT);
    T_EQ(c.spread_ms, 20 * MINUTE);
    T_VIEW(b[0].tag, "vip");
    T_EQ(b[1].account.v, 5);
    T_EQ(b[1].op, CALL_MASS);
    T_EQ(b[1].at_ms, at);
    T_EQ(b[1].expires_ms, 3 * HOUR);
    T_EQ(b[1].missed, MISSED_SKIP);
    T_EQ(b[2].op, CALL_GROUP);
    T_EQ(b[2].expires_ms, 2 * HOUR); /* the rest of the day is shorter */
    T_EQ(b[3].op, CALL_MASS_TAG);    /* a subscription account sends to tags only */
    plan_free(p);
}

static const struct limit *limit_named(const struct plan *p, const char *name)
{
    for (size_t i = 0; i < p->limit_count; i++)
        if (strcmp(p->limits[i].name, name) == 0)
            return &p->limits[i];
    fail_msg("no limit %s", name);
    return NULL;
}

static void limits_have_stable_numbers(void **state)
{
    struct plan *a = compiled("playbook: t\nlimits:\n  recipient: {day: 2, week: 5}\n");
    struct plan *b = compiled(
        "playbook: t\nlimits:\n  account: {gap: 5s, day: 90}\n  recipient: {gap: 2h, day: 3, classes: "
        "[broadcast]}\n  group: {hour: 1}\n");
    const struct limit *day = limit_named(b, "recipient.day"), *gap = limit_named(b, "account.gap"),
                       *rest = limit_named(b, "recipient.gap");

    (void)state;
    T_EQ(a->limit_count, 2);
    T_EQ(b->limit_count, 5);
    T_EQ(limit_named(a, "recipient.day")->id, day->id);
    T_TRUE(gap->id >= 10000 && gap->id != rest->id);
    T_EQ(day->amount, 3);
    T_EQ(day->window, WINDOW_DAY);
    T_EQ(day->scope, SCOPE_RECIPIENT);
    T_EQ(day->classes, 1u << CLASS_BROADCAST);
    T_EQ(gap->window, WINDOW_PACE);
    T_EQ(gap->span_ms, 5000);
    T_EQ(gap->classes, 1u << CLASS_JOURNEY | 1u << CLASS_BROADCAST);
    T_EQ(rest->window, WINDOW_SLIDING);
    T_EQ(rest->span_ms, 2 * HOUR);
    T_EQ(rest->amount, 1);
    T_EQ(limit_named(b, "group.hour")->span_ms, HOUR);
    T_STR(day->source, "p.yaml:4");
    plan_free(a);
    plan_free(b);
}

static void quiet_hours_are_read(void **state)
{
    struct plan *p =
        compiled("playbook: t\nquiet_hours: {from: \"21:00\", to: \"09:00\", classes: [broadcast]}\n");

    (void)state;
    T_TRUE(p->quiet.set);
    T_EQ(p->quiet.from_ms, 21 * HOUR);
    T_EQ(p->quiet.to_ms, 9 * HOUR);
    T_EQ(p->quiet.classes, 1u << CLASS_BROADCAST);
    plan_free(p);
}

static void a_template_has_a_variant_for_each_channel(void **state)
{
    struct plan *p =
        compiled("playbook: t\ntemplates:\n  hi: {text: 你好, sms: {text: 短信, provider_template: S1}}\n");

    (void)state;
    T_TRUE(template_set_has(p->templates, STR("hi")));
    T_TRUE(template_set_find(p->templates, STR("hi"), "sms") !=
           template_set_find(p->templates, STR("hi"), "kf"));
    plan_free(p);
}

/* ---- what is refused ---- */

static void an_unknown_key_is_named_with_its_place_and_the_nearest(void **state)
{
    (void)state;
    T_STR(check(RULE("{on: contact.added, colldown: 1m, do: [{tag: x}]}")),
          "p.yaml:5: rules[0].colldown: unknown key, did you mean `cooldown`?\n");
    says("playbook: t\nrule: []\n", "p.yaml:2: rule: unknown key, did you mean `rules`?");
    says("playbook: t\nfrobnicate: 1\n", "p.yaml:2: frobnicate: unknown key");
    says(RULE("{on: contact.added, do: [{sent: hi}]}"),
         "p.yaml:5: rules[0].do[0].sent: unknown key, did you mean `send`?");
    says(RULE("{on: message.received, keyword: {contain: x}, do: [{tag: x}]}"), "did you mean `contains`?");
    says(CAST("{on: hall, evry: 1, to: {groups: all}, send: hi}"),
         "broadcasts.b.evry: unknown key, did you mean `every`?");
    says("playbook: t\nlimits: {recipients: {day: 1}}\n", "did you mean `recipient`?");
    says("playbook: t\nquiet_hours: {form: \"21:00\", to: \"09:00\"}\n", "did you mean `from`?");
}

static void a_key_of_a_later_version_is_refused_with_its_place(void **state)
{
    (void)state;
    says("playbook: t\npools: {a: {accounts: [li]}}\n", "p.yaml:2: pools: not available in this version");
    says("playbook: t\nlive_codes: {}\n", "p.yaml:2: live_codes: not available in this version");
    says("playbook: t\njourneys: {}\n", "p.yaml:2: journeys: not available in this version");
    says(RULE("{on: contact.added, do: [{enrol: newcomer}]}"),
         "p.yaml:5: rules[0].do[0].enrol: not available in this version");
    says(RULE("{on: contact.added, do: [{classify: x}]}"), "classify: not available in this version");
    says(RULE("{on: contact.added, do: [{call: x}]}"), "call: not available in this version");
    says(RULE("{on: order.paid, do: [{tag: x}]}"),
         "p.yaml:5: rules[0].on: event `order.paid` is not available in this version");
    says(CAST("{on: hall, at: 2026-12-01T10:00, to: {groups: all}, send: hi, canary: 5}"),
         "canary: not available");
    says(CAST("{on: brand, at: 2026-12-01T10:00, to: {segment: x}, send: hi}"), "segment: not available");
    says("playbook: t\nlimits: {pool: {day: 1}}\n", "p.yaml:2: limits.pool: not available in this version");
    says("playbook: t\ntimezone: Europe/Berlin\n",
         "p.yaml:2: timezone: `Europe/Berlin` is not available in this version");
}

static void every_complaint_is_collected_in_the_order_of_lines(void **state)
{
    const char *got = check(
        "playbook: t\nquiet_hours: {from: \"25:00\", to: \"09:00\"}\nrules:\n  - {on: message.recieved}\n"
        "  - {on: contact.added}\nlimits: {group: {day: 0}}\npools: {}\n");
    int line = 0, count = 0;

    (void)state;
    for (const char *at = got; (at = strstr(at, "p.yaml:")) != NULL; count++) {
        int next = (int)strtol(at += 7, NULL, 10);

        T_TRUE(next >= line);
        line = next;
    }
    T_EQ(count, 5);
    T_EQ(line, 7);
}

static void broken_yaml_is_one_complaint_with_its_line(void **state)
{
    (void)state;
    says("playbook: t\nrules: [\n", "p.yaml:");
    says("- a\n", "expected a playbook");
    says("", "expected a playbook");
    says("playbook: t\nplaybook: u\n", "p.yaml:2:");
    says("rules: []\n", "`playbook` is missing");
}

static void a_keyword_on_a_member_is_impossible_and_the_way_is_shown(void **state)
{
    (void)state;
    says(RULE("{on: message.received, from: zhang, keyword: {any: x}, do: [{send: hi}]}"),
         "p.yaml:5: rules[0].from: impossible on zhang (wecom.member): no callback carries what a customer "
         "writes");
    says(RULE("{on: message.received, from: [zhang], keyword: {any: x}, do: [{send: hi}]}"), "微信客服");
    says(RULE("{on: message.received, from: hall, keyword: {any: x}, do: [{send: hi}]}"),
         "a group webhook only sends");
}

static void an_event_that_an_account_never_gets_is_impossible(void **state)
{
    (void)state;
    says(RULE("{on: contact.added, from: sms, do: [{send: hi}]}"),
         "rules[0].from: impossible: sms (sms) never gets `contact.added`; use zhang, li");
    says(RULE("{on: kf.entered, from: brand, do: [{send: hi}]}"), "use kf");
    says(RULE("{on: contact.lost, do: [{send: hi}]}"),
         "impossible: after `contact.lost` no interface reaches");
    says(RULE("{on: group.joined, do: [{send: hi}]}"), "impossible: after `group.joined`");
    says(RULE("{on: receipt, do: [{tag: x}]}"), "bookkeeping");
    says(RULE("{on: contact.lost, keyword: {any: x}, do: [{tag: x}]}"), "carries no text");
}

static void a_broadcast_that_a_channel_cannot_do_is_impossible(void **state)
{
    (void)state;
    says(CAST("{on: kf, at: 2026-12-01T10:00, to: {contacts: all}, send: hi}"),
         "p.yaml:5: broadcasts.b.on: impossible on kf (wecom.kf): 微信客服 may only answer");
    says(CAST("{on: hall, at: 2026-12-01T10:00, to: {contacts: all}, send: hi}"),
         "writes into its own group only");
    says(CAST("{on: hall, at: 2026-12-01T10:00, to: {groups: {tag: vip}}, send: hi}"),
         "writes into its own group only");
    says(CAST("{on: brand, at: 2026-12-01T10:00, to: {groups: all}, send: hi}"), "has followers, no groups");
    says(CAST("{on: sms, at: 2026-12-01T10:00, to: {groups: all}, send: hi}"), "SMS goes to people");
}

static void names_that_mean_nothing_get_a_hint(void **state)
{
    (void)state;
    says(RULE("{on: contact.added, from: zhagn, do: [{tag: x}]}"),
         "no account or connection is called `zhagn`, did you mean `zhang`?");
    says(CAST("{on: hal, at: 2026-12-01T10:00, to: {groups: all}, send: hi}"), "did you mean `hall`?");
    says(RULE("{on: contact.added, do: [{send: hii}]}"), "there is no template `hii`, did you mean `hi`?");
    says(RULE("{on: contact.add, do: [{tag: x}]}"),
         "`contact.add` is no event, did you mean `contact.added`?");
    says(RULE("{on: message.received, bot: lotery}"), "there is no bot `lotery`, did you mean `lottery`?");
}

static void without_a_configuration_names_of_accounts_are_not_judged(void **state)
{
    (void)state;
    T_STR(check_in(RULE("{on: message.received, from: whoever, keyword: {any: x}, do: [{send: hi}]}"), NULL),
          "");
    T_TRUE(strstr(check_in(RULE("{on: contact.added, do: [{send: no}]}"), NULL), "there is no template") !=
           NULL);
}

static void bad_values_are_named(void **state)
{
    (void)state;
    says(RULE("{on: contact.added, cooldown: 60, do: [{tag: x}]}"), "cooldown: not a duration");
    says(RULE("{on: contact.added, cooldown: 1x, do: [{tag: x}]}"), "cooldown: not a duration");
    says(RULE("{on: contact.added, cooldown: 9999d, do: [{tag: x}]}"), "out of range");
    says(RULE("{on: contact.added, priority: high, do: [{tag: x}]}"), "priority");
    says(RULE("{on: contact.added}"), "the rule does nothing");
    says(RULE("{on: contact.added, do: []}"), "does nothing");
    says(RULE("{on: contact.added, do: {tag: x}}"), "do: expected a list");
    says(RULE("{on: contact.added, do: [{tag: x, untag: y}]}"), "expected one action");
    says(RULE("{on: contact.added, do: [tag]}"), "expected one action");
    says(RULE("{on: contact.added, do: [{tag: x}], with: {a: 1}}"), "parameters without a bot");
    says(RULE("{on: message.received, keyword: {any: [1]}, do: [{tag: x}]}"), "put numbers in quotes");
    says(RULE("{on: message.received, keyword: {fold: true}, do: [{tag: x}]}"), "no keyword");
    says(RULE("{on: message.received, keyword: x, do: [{tag: x}]}"),
         "keyword: expected a mapping as {any: [抽奖]}, got string");
    says(RULE("{on: message.received, keyword: {regex: '退(货'}, do: [{tag: x}]}"),
         "p.yaml:5: rules[0].keyword.regex: regex `退(货`");
    says(RULE("{id: a, on: contact.added, do: [{tag: x}]}\n  - {id: a, on: contact.added, do: [{tag: x}]}"),
         "p.yaml:6: rules[1].id: `a` is the id of another rule (p.yaml:5)");
    says(RULE("{on: message.received, bot: lottery, with: {prize: x, chance: 2}}"),
         "p.yaml:5: rules[0].with.chance");
    says(RULE("{on: message.received, bot: lottery}"), "prize");
}

static void bad_broadcasts_are_named(void **state)
{
    (void)state;
    says(CAST("{on: hall, to: {groups: all}, send: hi}"), "write either `every");
    says(CAST("{on: hall, at: 2026-12-01T10:00, every: {weekday: tue, at: \"12:00\"}, to: {groups: all}, "
              "send: hi}"),
         "either");
    says(CAST("{on: hall, at: tomorrow, to: {groups: all}, send: hi}"), "at: not a time");
    says(CAST("{on: hall, at: 2026-02-30T10:00, to: {groups: all}, send: hi}"), "at: not a time");
    says(CAST("{on: hall, every: {weekday: tuesday, at: \"12:00\"}, to: {groups: all}, send: hi}"),
         "no weekday");
    says(CAST("{on: hall, every: {weekday: tue}, to: {groups: all}, send: hi}"), "`at` is missing");
    says(CAST("{on: hall, every: {weekday: tue, at: \"24:00\"}, to: {groups: all}, send: hi}"),
         "not a time of day");
    says(CAST("{on: hall, at: 2026-12-01T10:00, send: hi}"), "`to` is missing");
    says(CAST("{on: hall, at: 2026-12-01T10:00, to: {groups: some}, send: hi}"), "expected `all`");
    says(CAST("{on: hall, at: 2026-12-01T10:00, to: {groups: all, contacts: all}, send: hi}"),
         "either groups or contacts");
    says(CAST("{on: hall, at: 2026-12-01T10:00, to: {groups: all}}"), "`send` is missing");
    says(CAST("{on: hall, at: 2026-12-01T10:00, missed: never, to: {groups: all}, send: hi}"),
         "once, skip or next-slot");
    says(CAST("{on: hall, at: 2026-12-01T10:00, spread: 2h, expires: 1h, to: {groups: all}, send: hi}"),
         "shorter than `spread`");
}

static void a_slot_in_the_quiet_hours_is_seen(void **state)
{
    (void)state;
    says(HEAD "quiet_hours: {from: \"21:00\", to: \"09:00\"}\nbroadcasts:\n  b: {on: hall, every: {weekday: "
              "tue, at: \"22:00\"}, to: "
              "{groups: all}, send: hi}\n",
         "p.yaml:6: broadcasts.b.every: begins in the quiet hours and expires before they end at 09:00");
    says(HEAD "quiet_hours: {from: \"21:00\", to: \"09:00\"}\nbroadcasts:\n  b: {on: hall, every: {weekday: "
              "tue, at: \"08:00\"}, to: "
              "{groups: all}, send: hi}\n",
         "p.yaml:6: warning: broadcasts.b: begins in the quiet hours and will wait until 09:00");
}

static void bad_limits_are_named(void **state)
{
    (void)state;
    says("playbook: t\nlimits: {account: {day: -1}}\n", "limits.account.day");
    says("playbook: t\nlimits: {account: {gap: 5}}\n", "gap: not a duration");
    says("playbook: t\nlimits: {account: {hour: 9, day: 5}}\n",
         "limits.account.hour: 9 is more than a whole day allows (5)");
    says("playbook: t\nlimits: {account: {day: 5, classes: [brodcast]}}\n", "did you mean `broadcast`?");
    says("playbook: t\nlimits: {account: {day: 5, classes: [welcome]}}\n", "a welcome is never held");
    says("playbook: t\nquiet_hours: {from: \"21:00\"}\n", "write both ends");
    says("playbook: t\nquiet_hours: {from: \"21:00\", to: \"21:00\"}\n", "the same as `from`");
}

static void a_misspelt_variable_is_found(void **state)
{
    (void)state;
    says("playbook: t\nbrand: X\ntemplates:\n  hi: {text: \"{{ bradn }}\"}\n", "p.yaml:4:");
    says("playbook: t\ntemplates:\n  hi: {text: \"{{ contact.name \"}\n", "p.yaml:3:");
    T_STR(check("playbook: t\nvars: {shop: 静安店}\ntemplates:\n  hi: {text: \"{{ shop }}{{ contact.city "
                "}}{{ account.name }}\"}\n"),
          "");
    says("playbook: t\nvars: {contact: x}\n", "vars.contact: `contact` is what the gateway gives");
}

static void an_unset_brand_is_the_signature_and_is_said(void **state)
{
    (void)state;
    says("playbook: t\ntemplates:\n  hi: {text: \"{{ brand }}\"}\n",
         "p.yaml:3: warning: templates.hi: `brand` is not set and becomes `品牌`");
    T_STR(check_in("playbook: t\ntemplates:\n  hi: {text: \"{{ brand }}\"}\n", NULL),
          "p.yaml:3: warning: templates.hi: `brand` is not set and becomes `t`; write `brand: NAME` at the "
          "top\n");
    T_STR(check("playbook: t\ntemplates:\n  hi: {text: x}\n"), "");
    says("playbook: t\nbrand: a\nvars: {brand: b}\n", "keep one of them");
}

#define SMS(text, more)                                                                                      \
    "playbook: t\n" more "templates:\n  s: {sms: {text: \"" text                                             \
    "\", provider_template: S1}}\nbroadcasts:\n  b: "                                                        \
    "{on: sms, at: 2026-12-01T10:00, to: {contacts: all}, send: s}\n"

static void a_marketing_sms_carries_signature_and_refusal(void **state)
{
    (void)state;
    T_STR(check(SMS("【品牌】新品上市，拒收请回复R", "")), "");
    T_STR(check(SMS("新品上市，拒收请回复R", "")), ""); /* the connection's signature is added */
    says(SMS("【别家】新品上市，拒收请回复R", ""),
         "p.yaml:3: templates.s: signature 【别家】 is not the one of sms, 【品牌】");
    says(SMS("新品上市", ""),
         "p.yaml:3: templates.s: a marketing SMS must say how to refuse it; end it with 拒收请回复R");
    T_STR(check(SMS("新品上市，回复0000不再接收", "sms: {refusal: 回复0000不再接收}\n")), "");
    says("playbook: t\ntemplates:\n  s: {sms: {text: 新品，拒收请回复R}}\nbroadcasts:\n  b: {on: sms, at: "
         "2026-12-01T10:00, to: "
         "{contacts: all}, send: s}\n",
         "provider_template");
    says("playbook: t\ntemplates:\n  s: {sms: {text: 新品，拒收请回复R, provider_template: "
         "S}}\nbroadcasts:\n  b: {on: sms, at: "
         "2026-12-01T20:30, to: {contacts: all}, send: s}\n",
         "promotions by SMS are taken from 08:00 to 20:00 only");
}

#define TEN "一二三四五六七八九十"

static void a_long_sms_is_counted_in_segments(void **state)
{
    (void)state;
    T_STR(check(SMS(TEN TEN TEN TEN TEN "一二三四五六七八，拒收请回复R", "")),
          ""); /* 58 + 8 + 4 of 【品牌】 */
    says(SMS(TEN TEN TEN TEN TEN TEN "，拒收请回复R", ""), "billed as 2 SMS each");
}

static void a_text_too_long_for_its_channel_is_refused(void **state)
{
    struct buf text;

    (void)state;
    buf_init(&text, 65536);
    T_OK(buf_adds(&text, "playbook: t\ntemplates:\n  hi: {text: "));
    for (int i = 0; i < 700; i++)
        T_OK(buf_adds(&text, "长"));
    T_OK(buf_adds(&text, "}\nrules:\n  - {on: message.received, from: kf, do: [{send: hi}]}\n"));
    says(buf_cstr(&text), "p.yaml:3:");
    says(buf_cstr(&text), "2048");
    buf_fini(&text);
}

static void a_broadcast_knows_no_event(void **state)
{
    (void)state;
    says("playbook: t\ntemplates:\n  hi: {text: \"{{ event.text }}x\"}\nbroadcasts:\n  b: {on: hall, at: "
         "2026-12-01T10:00, to: "
         "{groups: all}, send: hi}\n",
         "p.yaml:3: warning: templates.hi: a broadcast to groups has no `event`");
    says("playbook: t\ntemplates:\n  hi: {text: \"{{ contact.name }}x\"}\nbroadcasts:\n  b: {on: hall, at: "
         "2026-12-01T10:00, to: "
         "{groups: all}, send: hi}\n",
         "has no `contact`");
}

/* ---- the schema ---- */

static bool listed(const char *const *keys, const char *key)
{
    for (; *keys != NULL; keys++)
        if (strcmp(*keys, key) == 0)
            return true;
    return false;
}

static void the_schema_has_the_same_keys(void **state)
{
    char *text = read_file("gateway/playbook/playbook.schema.json");
    json_t *schema = json_loads(text, 0, NULL);
    const json_t *defs = json_object_get(schema, "$defs");

    (void)state;
    assert_non_null(schema);
    for (int o = 0; o < PLAYBOOK_OBJECT_COUNT; o++) {
        const struct playbook_keys *keys = playbook_keys((enum playbook_object)o);
        const json_t *def = json_object_get(defs, keys->name);
        json_t *properties = json_object_get(def, "properties");
        const char *key;
        json_t *value;

        T_TRUE(json_is_false(json_object_get(def, "additionalProperties")));
        for (size_t i = 0; keys->known[i] != NULL; i++) {
            T_TRUE(json_object_get(properties, keys->known[i]) != NULL);
            T_TRUE(!listed(keys->later, keys->known[i]));
        }
        json_object_foreach(properties, key, value) T_TRUE(listed(keys->known, key));
    }
    json_decref(schema);
    free(text);
}

static void the_schema_has_the_same_events(void **state)
{
    char *text = read_file("gateway/playbook/playbook.schema.json");
    json_t *schema = json_loads(text, 0, NULL);
    json_t *on, *word;
    size_t i;

    (void)state;
    on = json_object_get(
        json_object_get(json_object_get(json_object_get(schema, "$defs"), "rule"), "properties"), "on");
    on = json_object_get(on, "enum");
    T_EQ(json_array_size(on), EVENT_KIND_COUNT - 2); /* without receipt and platform */
    json_array_foreach(on, i, word)
    {
        enum event_kind kind;

        T_OK(event_kind_of(str_of(json_string_value(word)), &kind));
    }
    json_decref(schema);
    free(text);
}

/* ---- when memory runs out ---- */

static void memory_that_runs_out_is_returned_at_every_point(void **state)
{
    const char *text =
        "playbook: t\nbrand: X\ntemplates:\n  hi: {text: \"{{ brand }}\", sms: {text: x, provider_template: "
        "S}}\n"
        "rules:\n  - {on: message.received, from: kf, keyword: {any: [a, b]}, do: [{send: hi}], bot: "
        "lottery, "
        "with: {prize: x}}\nbroadcasts:\n  b: {on: hall, at: 2026-12-01T10:00, to: {groups: all}, send: hi}\n"
        "limits: {account: {day: 5}}\n";
    struct plan_world w = world();
    bool hit = true;
    int n;

    (void)state;
    for (n = 1; hit; n++) {
        struct plan *plan = NULL;
        struct diag diag;
        int r;

        diag_init(&diag, 10);
        mem_fail_at(n);
        r = playbook_compile(str_of(text), "p.yaml", &w, &diag, &plan);
        hit = mem_fault_hit();
        mem_fail_at(0);
        if (hit && r != 0) {
            T_ERR(r, -ENOMEM);
        } else { /* a hint may do without memory, the plan may not */
            T_OK(r);
            T_EQ(plan->rules[0].action_count, 2);
            T_EQ(plan->rules[0].keyword_count, 2);
            T_EQ(plan->broadcast_count, 1);
            T_EQ(plan->limit_count, 1);
            T_TRUE(template_set_find(plan->templates, STR("hi"), "sms") != NULL);
        }
        plan_free(plan);
        diag_fini(&diag);
    }
    T_TRUE(n > 20);
}

static int setup(void **state)
{
    struct diag diag;
    int r;

    (void)state;
    diag_init(&diag, 10);
    r = rulepack_open(&rules, &diag);
    diag_fini(&diag);
    return r;
}

static int teardown(void **state)
{
    (void)state;
    rulepack_close(rules);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shipped_example_compiles_without_a_word),
        cmocka_unit_test(a_plan_has_what_the_playbook_says),
        cmocka_unit_test(a_connection_means_all_of_its_accounts),
        cmocka_unit_test(a_rule_keeps_its_key_when_others_come_and_go),
        cmocka_unit_test(broadcasts_resolve_sender_time_and_audience),
        cmocka_unit_test(limits_have_stable_numbers),
        cmocka_unit_test(quiet_hours_are_read),
        cmocka_unit_test(a_template_has_a_variant_for_each_channel),
        cmocka_unit_test(an_unknown_key_is_named_with_its_place_and_the_nearest),
        cmocka_unit_test(a_key_of_a_later_version_is_refused_with_its_place),
        cmocka_unit_test(every_complaint_is_collected_in_the_order_of_lines),
        cmocka_unit_test(broken_yaml_is_one_complaint_with_its_line),
        cmocka_unit_test(a_keyword_on_a_member_is_impossible_and_the_way_is_shown),
        cmocka_unit_test(an_event_that_an_account_never_gets_is_impossible),
        cmocka_unit_test(a_broadcast_that_a_channel_cannot_do_is_impossible),
        cmocka_unit_test(names_that_mean_nothing_get_a_hint),
        cmocka_unit_test(without_a_configuration_names_of_accounts_are_not_judged),
        cmocka_unit_test(bad_values_are_named),
        cmocka_unit_test(bad_broadcasts_are_named),
        cmocka_unit_test(a_slot_in_the_quiet_hours_is_seen),
        cmocka_unit_test(bad_limits_are_named),
        cmocka_unit_test(a_misspelt_variable_is_found),
        cmocka_unit_test(an_unset_brand_is_the_signature_and_is_said),
        cmocka_unit_test(a_marketing_sms_carries_signature_and_refusal),
        cmocka_unit_test(a_long_sms_is_counted_in_segments),
        cmocka_unit_test(a_text_too_long_for_its_channel_is_refused),
        cmocka_unit_test(a_broadcast_knows_no_event),
        cmocka_unit_test(the_schema_has_the_same_keys),
        cmocka_unit_test(the_schema_has_the_same_events),
        cmocka_unit_test(memory_that_runs_out_is_returned_at_every_point),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
