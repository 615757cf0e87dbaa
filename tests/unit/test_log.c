/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "support/asserts.h"

#include <unistd.h>

static char seen[LOG_LINE_BYTES + 1];
static int lines;

static void keep(void *ctx, enum log_level level, const char *line)
{
    (void)ctx;
    (void)level;
    lines++;
    memcpy(seen, line, strlen(line) + 1);
}

static int set_up(void **state)
{
    (void)state;
    seen[0] = '\0';
    lines = 0;
    log_set_level(LOG_INFO);
    log_set_sink(keep, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    log_set_sink(NULL, NULL);
    return 0;
}

static bool shows(const char *text)
{
    return strstr(seen, text) != NULL;
}

static void a_line_has_time_level_and_place(void **state)
{
    (void)state;
    log_info("host", "sent delivery=%d", 17);
    T_TRUE(str_starts(str_of(seen), STR("ts=20")));
    T_TRUE(shows("+08:00 level=info at=host sent delivery=17"));
    log_error("api", "x");
    T_TRUE(shows("level=error at=api x"));
}

static void quiet_levels_are_not_written(void **state)
{
    (void)state;
    log_debug("a", "hidden");
    T_EQ(lines, 0);
    log_set_level(LOG_DEBUG);
    log_debug("a", "shown");
    T_EQ(lines, 1);
    log_set_level(LOG_OFF);
    log_error("a", "hidden");
    log_write(LOG_OFF, "a", "never a level of a line");
    T_EQ(lines, 1);
}

static void secrets_and_phones_do_not_show(void **state)
{
    (void)state;
    log_info("sms", "key=%s none=%s to=%s", log_secret("hunter2"), log_secret(""),
             log_phone(STR("13812341234")).text);
    T_TRUE(shows("key=*** none=- to=138****1234"));
    log_warn("sms", "peer said 13912345678 and +8613912345678, id 1796090400000 seq 12345678901");
    T_TRUE(shows("said 139****5678 and +86139****5678, id 1796090400000 seq 12345678901"));
}

static void a_value_cannot_forge_a_line(void **state)
{
    (void)state;
    log_info("api", "name=%s", "a\nts=now level=error\x1b[0m\xE2\x80\xA8\x7f你\xFF");
    T_TRUE(shows("name=a\\x0ats=now level=error\\x1b[0m\\xe2\\x80\\xa8\\x7f你\\xff"));
}

static void a_long_line_is_cut_at_a_character(void **state)
{
    char text[2 * LOG_LINE_BYTES];

    (void)state;
    for (size_t i = 0; i + 3 < sizeof(text); i += 3)
        memcpy(text + i, "\xE4\xBD\xA0", 4);
    log_info("api", "%s", text);
    T_TRUE(strlen(seen) < LOG_LINE_BYTES && strlen(seen) > LOG_LINE_BYTES - 100);
    T_TRUE(str_utf8_valid(str_of(seen)));
}

static void stderr_gets_one_write_with_a_newline(void **state)
{
    int fds[2], saved = dup(STDERR_FILENO);
    char line[LOG_LINE_BYTES];
    ssize_t n;

    (void)state;
    T_OK(pipe(fds));
    T_TRUE(saved >= 0 && dup2(fds[1], STDERR_FILENO) >= 0);
    log_set_sink(NULL, NULL);
    log_info("api", "hello");
    T_TRUE(dup2(saved, STDERR_FILENO) >= 0);
    n = read(fds[0], line, sizeof(line));
    T_TRUE(n > 6 && memcmp(line + n - 6, "hello\n", 6) == 0);
    (void)close(saved);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

static void levels_have_names(void **state)
{
    enum log_level level;

    (void)state;
    T_OK(log_parse_level(STR("warn"), &level));
    T_EQ(level, LOG_WARN);
    T_ERR(log_parse_level(STR("loud"), &level), ERR_INVALID);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_has_time_level_and_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(quiet_levels_are_not_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(secrets_and_phones_do_not_show, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_value_cannot_forge_a_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_long_line_is_cut_at_a_character, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stderr_gets_one_write_with_a_newline, set_up, tear_down),
        cmocka_unit_test_setup_teardown(levels_have_names, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
