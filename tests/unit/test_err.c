/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "support/asserts.h"

static void every_code_has_a_name_and_a_text(void)
{
    T_STR(err_name(ERR_QUOTA), "ERR_QUOTA");
    T_STR(err_text(ERR_QUOTA), "refused by a limit");
    T_STR(err_name(0), "OK");
    T_STR(err_text(0), "ok");
    T_TRUE(ERR_SYNTAX < -20000);
}

static void errno_codes_pass_through(void)
{
    T_STR(err_name(-ENOMEM), "ENOMEM");
    T_STR(err_text(-ENOENT), "No such file or directory");
}

static void an_unknown_code_still_has_words(void)
{
    T_STR(err_name(-29999), "E?");
    T_STR(err_text(-29999), "unknown error");
    T_STR(err_name(7), "E?");
}

static void a_complaint_names_file_and_line(void)
{
    struct diag d;

    diag_init(&d, 8);
    diag_addf(&d, "siyu.yaml", 12, "port %d is taken", 8600);
    diag_addf(&d, "siyu.yaml", 0, "no connection");
    diag_addf(&d, NULL, 3, "odd");
    diag_addf(&d, NULL, 0, "bare");
    T_STR(diag_text(&d, 0), "siyu.yaml:12: port 8600 is taken");
    T_STR(diag_text(&d, 1), "siyu.yaml: no connection");
    T_STR(diag_text(&d, 2), "line 3: odd");
    T_STR(diag_text(&d, 3), "bare");
    T_STR(diag_at(&d, 0)->file, "siyu.yaml");
    T_STR(diag_at(&d, 0)->what, "port 8600 is taken");
    T_EQ(diag_at(&d, 0)->line, 12);
    T_STR(diag_text(&d, 4), NULL);
    diag_fini(&d);
}

static void warnings_are_not_errors(void)
{
    struct diag d;

    diag_init(&d, 8);
    diag_warnf(&d, "a", 1, "shadowed");
    T_EQ(diag_count(&d), 1);
    T_EQ(diag_errors(&d), 0);
    T_EQ(diag_at(&d, 0)->level, DIAG_WARNING);
    T_STR(diag_text(&d, 0), "a:1: warning: shadowed");
    T_STR(diag_at(&d, 0)->what, "shadowed");
    diag_fini(&d);
}

static void what_does_not_fit_still_counts(void)
{
    struct diag d;

    diag_init(&d, 2);
    for (int i = 0; i < 5; i++)
        diag_addf(&d, NULL, 0, "%d", i);
    T_EQ(diag_count(&d), 2);
    T_EQ(d.dropped, 3);
    T_EQ(diag_errors(&d), 5);
    diag_fini(&d);
}

static void a_complaint_without_memory_still_counts(void)
{
    struct diag d;

    diag_init(&d, 4);
    mem_fail_from(1);
    diag_addf(&d, "f", 1, "x");
    mem_fail_at(0);
    T_EQ(diag_count(&d), 0);
    T_EQ(diag_errors(&d), 1);
    diag_fini(&d);
    diag_fini(NULL);
    diag_addf(NULL, "f", 1, "nobody listens");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        T_CASE(every_code_has_a_name_and_a_text),
        T_CASE(errno_codes_pass_through),
        T_CASE(an_unknown_code_still_has_words),
        T_CASE(a_complaint_names_file_and_line),
        T_CASE(warnings_are_not_errors),
        T_CASE(what_does_not_fit_still_counts),
        T_CASE(a_complaint_without_memory_still_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
