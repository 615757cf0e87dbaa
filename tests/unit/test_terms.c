/* SPDX-License-Identifier: Apache-2.0 */
#include "base/terms.h"
#include "support/asserts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DOC_BYTES = 64 * 1024 };
static char doc[DOC_BYTES];

static void read_doc(void)
{
    FILE *file = fopen(TEST_SOURCE_DIR "/docs/DELIVERY.md", "re");
    size_t n;

    T_TRUE(file != NULL);
    n = fread(doc, 1, sizeof(doc) - 1, file);
    T_TRUE(n > 0 && n < sizeof(doc) - 1);
    doc[n] = '\0';
    T_OK(fclose(file));
}

/* The words right of "| from |" in the table of arrows, or an absent view. */
static struct str row_of(enum delivery_state from)
{
    char head[64];
    const char *table = strstr(doc, "| from | to |"), *row;

    (void)snprintf(head, sizeof(head), "\n| %s |", delivery_state_text(from));
    row = table != NULL ? strstr(table, head) : NULL;
    if (row == NULL)
        return (struct str){NULL, 0};
    row += strlen(head);
    return (struct str){row, strcspn(row, "|")};
}

static bool row_has(struct str row, enum delivery_state to)
{
    struct str word, rest = row;
    bool more = true, found = false;

    while (more && !found) {
        more = str_cut(rest, ',', &word, &rest);
        found = str_is(str_trim(word), delivery_state_text(to));
    }
    return found;
}

static void the_document_has_exactly_the_arrows_of_the_code(void **state)
{
    (void)state;
    read_doc();
    for (int from = 0; from < DELIVERY_STATE_COUNT; from++) {
        struct str row = row_of((enum delivery_state)from);

        T_TRUE(row.p != NULL);
        for (int to = 0; to < DELIVERY_STATE_COUNT; to++)
            if (row_has(row, (enum delivery_state)to) !=
                delivery_state_may_become((enum delivery_state)from, (enum delivery_state)to))
                fail_msg("docs/DELIVERY.md and the code disagree: %s -> %s",
                         delivery_state_text((enum delivery_state)from),
                         delivery_state_text((enum delivery_state)to));
    }
}

static void from_a_final_state_only_a_receipt_leads_on(void **state)
{
    (void)state;
    for (int from = 0; from < DELIVERY_STATE_COUNT; from++)
        for (int to = 0; to < DELIVERY_STATE_COUNT; to++)
            if (delivery_state_is_final((enum delivery_state)from) && from != STATE_ACCEPTED)
                T_TRUE(!delivery_state_may_become((enum delivery_state)from, (enum delivery_state)to));
    T_TRUE(delivery_state_may_become(STATE_ACCEPTED, STATE_DELIVERED));
    T_TRUE(delivery_state_may_become(STATE_ACCEPTED, STATE_FAILED));
}

static void what_was_perhaps_sent_is_never_called_unsent(void **state)
{
    (void)state;
    T_TRUE(!delivery_state_may_become(STATE_UNKNOWN, STATE_EXPIRED));
    T_TRUE(!delivery_state_may_become(STATE_UNKNOWN, STATE_HELD));
    T_TRUE(!delivery_state_may_become(STATE_UNKNOWN, STATE_SUPPRESSED));
    T_TRUE(!delivery_state_may_become(STATE_ACCEPTED, STATE_QUEUED));
}

static void every_word_is_found_by_its_text(void **state)
{
    enum delivery_state s;
    enum event_kind k;
    enum cause c;

    (void)state;
    for (int i = 0; i < DELIVERY_STATE_COUNT; i++) {
        T_OK(delivery_state_of(str_of(delivery_state_text((enum delivery_state)i)), &s));
        T_EQ(s, i);
    }
    for (int i = 0; i < EVENT_KIND_COUNT; i++) {
        T_OK(event_kind_of(str_of(event_kind_text((enum event_kind)i)), &k));
        T_EQ(k, i);
    }
    for (int i = 0; i < CAUSE_COUNT; i++) {
        T_OK(cause_of(str_of(cause_text((enum cause)i)), &c));
        T_EQ(c, i);
    }
    T_EQ(delivery_state_of(STR("sent"), &s), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_document_has_exactly_the_arrows_of_the_code),
        cmocka_unit_test(from_a_final_state_only_a_receipt_leads_on),
        cmocka_unit_test(what_was_perhaps_sent_is_never_called_unsent),
        cmocka_unit_test(every_word_is_found_by_its_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
