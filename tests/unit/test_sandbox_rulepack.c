/* SPDX-License-Identifier: Apache-2.0 */
/* The two sides of the same documents: the sandbox's own figures and codes against the product's rule pack.
 * Where they differ, one of them misread the platform, and every other test would be judged by a wrong
 * oracle.
 */
#include "support/asserts.h"

#include "base/mem.h"
#include "rulepack/rulepack.h"
#include "sandbox/data.h"

static struct rulepack *pack;

static const struct limit *limit_named(const char *name)
{
    size_t n;
    const struct limit *all = rulepack_limits(pack, &n);

    for (size_t i = 0; i < n; i++)
        if (strcmp(all[i].name, name) == 0)
            return &all[i];
    print_error("the pack has no limit %s\n", name);
    return NULL;
}

static const struct {
    enum sb_limit_id ours;
    const char *theirs;
} pairs[] = {
    {SB_WECOM_WEBHOOK_MINUTE, "wecom.webhook.minute"},
    {SB_WECOM_CUSTOMER_MONTH, "wecom.customer.month"},
    {SB_WECOM_GROUP_MONTH, "wecom.group.month"},
    {SB_WECOM_TASK_REMIND, "wecom.task.remind"},
    {SB_KF_TURN, "wecom.kf.window"},
    {SB_WECOM_API_MINUTE, "wecom.api.add_msg_template.minute"},
    {SB_WECOM_API_HOUR, "wecom.api.add_msg_template.hour"},
    {SB_WECOM_API_MINUTE, "wecom.api.send_welcome_msg.minute"},
    {SB_WECOM_API_HOUR, "wecom.api.send_welcome_msg.hour"},
    {SB_OFFICIAL_REPLY_FOLLOW, "official.custom.followed"},
    {SB_OFFICIAL_REPLY_SCAN, "official.custom.scanned"},
    {SB_OFFICIAL_REPLY_MENU, "official.custom.menu"},
    {SB_OFFICIAL_REPLY_MESSAGE, "official.custom.message"},
    {SB_OFFICIAL_CUSTOM_DAY, "official.custom.day"},
    {SB_OFFICIAL_MASS_MONTH, "official.mass.recipient.month"},
    {SB_OFFICIAL_MASS_SUBSCRIPTION_DAY, "official.mass.day"},
    {SB_OFFICIAL_MASS_DAY, "official.mass.calls.day"},
    {SB_OFFICIAL_MASS_MINUTE, "official.mass.calls.minute"},
    {SB_OFFICIAL_STABLE_MINUTE, "official.stable_token.minute"},
    {SB_OFFICIAL_USER_INFO_DAY, "official.user_info.day"},
    {SB_ALIYUN_OTP_MINUTE, "aliyun.code.minute"},
    {SB_ALIYUN_OTP_HOUR, "aliyun.code.hour"},
    {SB_ALIYUN_OTP_DAY, "aliyun.code.day"},
    {SB_ALIYUN_OTP_NUMBER_DAY, "aliyun.code.all_senders.day"},
    {SB_ALIYUN_NOTICE_DAY, "aliyun.notice.day"},
    {SB_ALIYUN_PROMO_DAY, "aliyun.promotion.day"},
};

static void amounts_are_the_same(void)
{
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        const struct sb_limit *ours = &sb_limits[pairs[i].ours];
        const struct limit *theirs = limit_named(pairs[i].theirs);

        T_TRUE(theirs != NULL);
        if (theirs->amount != (ours->span == SB_DAYS_OF_MONTH ? AMOUNT_DAYS_IN_MONTH : ours->amount))
            print_error("%s and %s\n", ours->name, theirs->name);
        T_EQ(theirs->amount, ours->span == SB_DAYS_OF_MONTH ? AMOUNT_DAYS_IN_MONTH : ours->amount);
    }
}

/* The product may count in a wider window than the platform (any 24 h for a calendar day), never a shorter.
 */
static bool window_covers(const struct limit *theirs, const struct sb_limit *ours)
{
    switch (ours->span) {
    case SB_SLIDING:
    case SB_BLOCK:
    case SB_ROLLING: return theirs->window == WINDOW_SLIDING && theirs->span_ms >= ours->window_ms;
    case SB_CLOCK_MINUTE: return theirs->window == WINDOW_SLIDING && theirs->span_ms >= SB_MINUTE;
    case SB_CLOCK_HOUR: return theirs->window == WINDOW_SLIDING && theirs->span_ms >= SB_HOUR;
    case SB_CALENDAR_DAY: return theirs->window == WINDOW_DAY;
    case SB_CALENDAR_MONTH:
    case SB_DAYS_OF_MONTH: return theirs->window == WINDOW_MONTH;
    case SB_OPENED: return theirs->window == WINDOW_OPENED && theirs->span_ms <= ours->window_ms;
    case SB_SIZE:
    case SB_LIFE: break;
    }
    return false;
}

static void windows_are_no_shorter_than_the_platforms(void)
{
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        const struct sb_limit *ours = &sb_limits[pairs[i].ours];
        const struct limit *theirs = limit_named(pairs[i].theirs);

        T_TRUE(theirs != NULL);
        if (!window_covers(theirs, ours))
            print_error("%s and %s\n", ours->name, theirs->name);
        T_TRUE(window_covers(theirs, ours));
    }
}

static bool agrees(const struct code_rule *rule, enum sb_meaning meaning)
{
    switch (meaning) {
    case SB_OK: return true; /* no refusal: the pack has no row for it */
    case SB_RETRY:
        return rule->outcome == OUTCOME_NOT_SENT || rule->outcome == OUTCOME_LIMITED ||
               rule->outcome == OUTCOME_UNKNOWN || rule->outcome == OUTCOME_PENDING;
    case SB_RENEW: return rule->renew_token;
    case SB_LIMITED: return rule->outcome == OUTCOME_LIMITED;
    case SB_DONE:
        return rule->outcome == OUTCOME_ACCEPTED || rule->outcome == OUTCOME_PERMANENT ||
               rule->outcome == OUTCOME_UNKNOWN;
    case SB_REFUSED: return rule->outcome == OUTCOME_PERMANENT || rule->stop || rule->unreachable;
    case SB_BANNED: return rule->freeze || rule->stop;
    }
    return false;
}

static int judge_codes(const char *platform, const struct sb_code *codes, size_t n)
{
    int wrong = 0;

    for (size_t i = 0; i < n; i++) {
        const struct code_rule *rule = rulepack_code(pack, platform, CALL_SEND, codes[i].number);

        if (agrees(rule, codes[i].meaning))
            continue;
        wrong++;
        print_error("%s %d (%s): the pack says %s, \"%s\"\n", platform, codes[i].number, codes[i].text,
                    outcome_text(rule->outcome), rule->meaning);
    }
    return wrong;
}

static void wecom_codes_mean_the_same(void)
{
    T_EQ(judge_codes("wecom", sb_wecom_codes, sb_wecom_code_count), 0);
}

static void official_codes_mean_the_same(void)
{
    T_EQ(judge_codes("official", sb_official_codes, sb_official_code_count), 0);
}

static void aliyun_codes_mean_the_same(void)
{
    int wrong = 0;

    for (size_t i = 0; i < SB_ALIYUN_CODE_COUNT; i++) {
        const struct sb_word *w = &sb_aliyun_codes[i];
        const struct code_rule *rule = rulepack_word(pack, "aliyun", str_of(w->word));

        if (agrees(rule, w->meaning))
            continue;
        wrong++;
        print_error("aliyun %s: the pack says %s, \"%s\"\n", w->word, outcome_text(rule->outcome),
                    rule->meaning);
    }
    T_EQ(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T_CASE(amounts_are_the_same),       T_CASE(windows_are_no_shorter_than_the_platforms),
        T_CASE(wecom_codes_mean_the_same),  T_CASE(official_codes_mean_the_same),
        T_CASE(aliyun_codes_mean_the_same),
    };
    struct diag diag;
    int failed;

    diag_init(&diag, 4);
    if (rulepack_open(&pack, &diag) < 0)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    rulepack_close(pack);
    diag_fini(&diag);
    return failed;
}
