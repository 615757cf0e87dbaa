/* SPDX-License-Identifier: Apache-2.0 */
#include "templates/liquid.h"

#include "base/mem.h"
#include "tests/support/asserts.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static struct liquid_fault fault;

static struct liquid *parse(const char *source)
{
    struct liquid *t = NULL;
    struct diag diag;
    int err;

    diag_init(&diag, 5);
    err = liquid_parse(str_of(source), "playbook.yaml", 10, &t, &diag);
    if (err < 0)
        print_error("%s: %s\n", source, diag_count(&diag) > 0 ? diag_text(&diag, 0) : err_text(err));
    diag_fini(&diag);
    assert_non_null(t);
    return t;
}

static int render_with(const char *source, const char *data, const struct liquid_limits *limits,
                       struct buf *out)
{
    struct liquid *t = parse(source);
    json_t *json = data ? json_loads(data, 0, NULL) : NULL;
    int err = liquid_render(t, json, limits, out, &fault);

    json_decref(json);
    liquid_free(t);
    return err;
}

static void check(const char *source, const char *data, const char *want)
{
    struct buf out;

    buf_init(&out, 1 << 20);
    T_OK(render_with(source, data, NULL, &out));
    T_STR(buf_cstr(&out), want);
    buf_fini(&out);
}

static void check_fault(const char *source, const char *data, const struct liquid_limits *limits, int want,
                        const char *text)
{
    struct buf out;

    buf_init(&out, 1 << 20);
    T_OK(buf_adds(&out, "before"));
    memset(&fault, 0, sizeof fault);
    T_ERR(render_with(source, data, limits, &out), want);
    T_STR(buf_cstr(&out), "before");
    if (!strstr(fault.text, text))
        T_STR(fault.text, text);
    buf_fini(&out);
}

static void check_refused(const char *source, int want, const char *text)
{
    struct liquid *t = NULL;
    struct diag diag;

    diag_init(&diag, 5);
    T_ERR(liquid_parse(str_of(source), "playbook.yaml", 10, &t, &diag), want);
    T_TRUE(t == NULL);
    T_EQ(diag_errors(&diag), 1);
    if (!strstr(diag_text(&diag, 0), text))
        T_STR(diag_text(&diag, 0), text);
    diag_fini(&diag);
}

static void a_welcome_greets_by_name_or_by_default(void)
{
    const char *source = "{{ contact.name | default: '你好' }}，欢迎来到{{ brand }}！";

    check(source, "{\"contact\": {\"name\": \"小美\"}, \"brand\": \"花店\"}", "小美，欢迎来到花店！");
    check(source, "{\"brand\": \"花店\"}", "你好，欢迎来到花店！");
    check(source, NULL, "你好，欢迎来到！");
}

static void a_customer_can_not_inject_a_tag_through_the_name(void)
{
    check("{{ name }}", "{\"name\": \"{{ secret }}{% if %}\", \"secret\": \"x\"}", "{{ secret }}{% if %}");
}

static void money_adds_up_as_on_paper(void)
{
    check("{{ 19.9 | times: 3 }} {{ 0.1 | plus: 0.2 }} {{ 100 | minus: 0.01 }}", NULL, "59.7 0.3 99.99");
    check("{{ 1.005 | times: 1000 }} {{ 1.005 | round: 2 }} {{ -2.5 | round }}", NULL, "1005.0 1.01 -3");
    check("{{ -7 | divided_by: 2 }} {{ -7 | modulo: 3 }} {{ 7.5 | modulo: -2 }}", NULL, "-4 2 -0.5");
}

static void numbers_beyond_int64_go_on_as_fractions(void)
{
    check("{{ 9223372036854775807 | plus: 1 }}", NULL, "9.223372036854776e+18");
    check("{{ x | divided_by: -1 }}", "{\"x\": -9223372036854775808}", "9.223372036854776e+18");
    check("{{ x | modulo: -1 }} {{ x | abs }}", "{\"x\": -9223372036854775808}", "0 9.223372036854776e+18");
    check("{{ '99999999999999999999' | plus: 0 }}", NULL, "9223372036854775807");
    check("{{ x | times: x }} {{ x | floor }}", "{\"x\": 1e200}", "Infinity 1.0e+200");
}

static void dates_are_read_and_written_in_shanghai(void)
{
    check("{{ 0 | date: '%Y-%m-%d %H:%M:%S %z' }}", NULL, "1970-01-01 08:00:00 +0800");
    check("{{ 1764554400000 | date: '%F %T' }}", NULL, "2025-12-01 10:00:00"); /* ms */
    check("{{ '2026-12-01T10:00' | date: '%s' }}", NULL, "1796090400");
    check("{{ '2026-12-01T02:00:00Z' | date: '%s' }} {{ '2026-12-01 11:00:00+09:00' | date: '%s' }}", NULL,
          "1796090400 1796090400");
    check("{{ '2026年12月1日' | date: '%m/%d %a' }} {{ '2026/2/29' | date: '%F' }}", NULL,
          "12/01 Tue 2026/2/29");
    check("{{ 'Tue, 1 Dec 2026 10:00:00 +0800' | date: '%-m.%e %l%P|%j|%V' }}", NULL, "12. 1 10am|335|49");
    check("{{ '2027-01-01' | date: '%G-W%V-%u %U %W' }}", NULL, "2026-W53-5 00 00");
    check("{{ '2024-12-31 3:04 pm' | date: '%G-W%V %H:%M %^A %6Y %_m %-d%Q%' }}", NULL,
          "2025-W01 15:04 TUESDAY 002024 12 31%Q%");
    check("{{ 'soon' | date: '%F' }} {{ nothing | date: '%F' }}", NULL, "soon ");
}

static void now_is_the_clock_of_the_render(void)
{
    struct liquid_limits limits = liquid_limits_default();
    struct buf out;

    buf_init(&out, 1000);
    limits.now_ms = 1796090400123;
    T_OK(render_with("{{ 'now' | date: '%F %R' }}", NULL, &limits, &out));
    T_STR(buf_cstr(&out), "2026-12-01 10:00");
    buf_fini(&out);
}

static void characters_are_counted_not_bytes(void)
{
    check("{{ '你好世界' | truncate: 3, '…' }} {{ '你好世界' | slice: 1, 2 }} {{ '你好' | size }}", NULL,
          "你好… 好世 2");
    check("{{ '你好' | split: '' | reverse | join: '-' }}", NULL, "好-你");
    check("{{ 'ÀB' | downcase }}", NULL, "Àb");
}

static void break_and_continue_end_the_nearest_loop_only(void)
{
    check("{% for i in (1..3) %}{% for j in (1..3) %}{% if j == 2 %}{% break %}{% endif %}{{ i }}{{ j }} "
          "{% endfor %}{% endfor %}",
          NULL, "11 21 31 ");
    check("a{% break %}b", NULL, "a");
    check("{% for i in (1..2) %}{% capture x %}{{ i }}{% continue %}{% endcapture %}!{% endfor %}{{ x }}",
          NULL, "2");
}

static void a_loop_variable_covers_and_uncovers(void)
{
    check("{% assign i = 'x' %}{% for i in (1..2) %}{{ i }}{% assign i = 'y' %}{% endfor %}{{ i }}", NULL,
          "12y");
    check("{% for i in (1..1) %}{% assign keep = forloop %}{% endfor %}[{{ keep.index }}]", NULL, "[]");
}

static void a_plain_template_knows_it(void)
{
    struct liquid *plain = parse("hello {% raw %}{{ x }}{% endraw %}"), *other = parse("{{ x }}");

    T_TRUE(liquid_is_plain(plain));
    T_TRUE(!liquid_is_plain(other));
    liquid_free(plain);
    liquid_free(other);
    check("hello {% raw %}{{ x }}{% endraw %}", NULL, "hello {{ x }}");
}

static void uses_is_never_wrongly_false(void)
{
    static const char *const yes[] = {
        "{{ contact }}",
        "{{ ['contact'].name }}",
        "{{ x | append: contact.name }}",
        "{% if 1 == contact %}{% endif %}",
        "{% for i in a limit: contact.n %}{% endfor %}",
        "{{ a[contact] }}",
        "{{ [a] }}",
        "{% assign contact = 1 %}{{ contact }}",
        "{% case 1 %}{% when contact %}{% endcase %}",
        "{% liquid echo contact %}",
        "{{ (1..contact) | join }}",
        "{% cycle contact: 1, 2 %}",
    };
    static const char *const no[] = {"{{ brand }}", "{{ brand.contact }}", "{% assign contact = 1 %}",
                                     "contact", "{% comment %}{{ contact }}{% endcomment %}"};

    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        struct liquid *t = parse(yes[i]);

        T_TRUE(liquid_uses(t, "contact"));
        liquid_free(t);
    }
    for (size_t i = 0; i < ARRAY_LEN(no); i++) {
        struct liquid *t = parse(no[i]);

        T_TRUE(!liquid_uses(t, "contact"));
        liquid_free(t);
    }
}

static void check_lint(const char *source, int want, const char *text)
{
    json_t *known = json_loads("{\"contact\": {\"name\": 1, \"phone\": 1, \"tags\": []}, \"brand\": \"\","
                               " \"orders\": [{\"total\": 1}], \"event\": {}}",
                               0, NULL);
    struct liquid *t = parse(source);
    struct diag diag;

    diag_init(&diag, 5);
    T_ERR(liquid_lint(t, known, &diag), want);
    if (text)
        T_STR(diag_text(&diag, 0), text);
    else
        T_EQ(diag_count(&diag), 0);
    diag_fini(&diag);
    liquid_free(t);
    json_decref(known);
}

static void the_lint_names_the_line_and_the_likely_name(void)
{
    check_lint("hello\n{{ contact.nmae }}", ERR_NOT_FOUND,
               "playbook.yaml:11: unknown variable \"contact.nmae\"; did you mean \"contact.name\"?");
    check_lint("{{ brnad }}", ERR_NOT_FOUND,
               "playbook.yaml:10: unknown variable \"brnad\"; did you mean \"brand\"?");
    check_lint("{{ coupon }}", ERR_NOT_FOUND, "playbook.yaml:10: unknown variable \"coupon\"");
    check_lint("{{ orders[0].totl }}", ERR_NOT_FOUND,
               "playbook.yaml:10: unknown variable \"orders[].totl\"; did you mean \"orders[].total\"?");
    check_lint("{% for t in contact.tags %}{% endfor %}{{ t }}", ERR_NOT_FOUND,
               "playbook.yaml:10: unknown variable \"t\"");
    check_lint("{% if contact.phoen == 1 %}{% endif %}", ERR_NOT_FOUND,
               "playbook.yaml:10: unknown variable \"contact.phoen\"; did you mean \"contact.phone\"?");
}

static void the_lint_accepts_what_a_template_makes_itself(void)
{
    check_lint("{% assign x = brand %}{{ x.anything }}{% capture y %}{% endcapture %}{{ y }}", 0, NULL);
    check_lint("{% for o in orders %}{{ o.total }}{{ forloop.index }}{% endfor %}", 0, NULL);
    check_lint("{% increment n %}{{ n }}{{ event.whatever.there }}{{ contact.tags.size }}{{ contact.size }}",
               0, NULL);
    check_lint("{{ false | default: brand, allow_false: true }}{{ [brand] }}", 0, NULL);
}

static void a_mistake_is_named_with_file_and_line(void)
{
    check_refused("a\nb {{ x | defualt: 1 }}", ERR_SYNTAX,
                  "playbook.yaml:11: unknown filter \"defualt\"; did you mean \"default\"?");
    check_refused("{% if x %}\n\n", ERR_SYNTAX, "playbook.yaml:10: \"if\" has no \"endif\"");
    check_refused("{% if x %}\n{% endfor %}{% endif %}", ERR_SYNTAX,
                  "playbook.yaml:11: unexpected tag \"endfor\" inside \"if\" of line 10");
    check_refused("{{ x", ERR_SYNTAX, "\"{{\" is not closed by \"}}\"");
    check_refused("{{ x | default： 'y' }}", ERR_SYNTAX, "full-width \"：\" inside a tag");
    check_refused("{{ 'x }}", ERR_SYNTAX, "text is not closed");
    check_refused("{% include 'footer' %}", ERR_SYNTAX, "a template stands alone");
    check_refused("{% liquid\n assign x = 1\n\n echo x |\n%}", ERR_SYNTAX,
                  "playbook.yaml:13: a filter is expected");
    check_refused("{{ 99999999999999999999 }}", ERR_SYNTAX, "is too big");
    check_refused("\xff", ERR_SYNTAX, "not valid UTF-8");
    check_refused("{% for i in (1..3) color: 1 %}{% endfor %}", ERR_SYNTAX,
                  "a loop has limit, offset and reversed");
    check_refused("{% %}", ERR_SYNTAX, "a tag without a name");
}

static struct buf repeat(const char *start, const char *piece, int n, const char *end)
{
    struct buf b;

    buf_init(&b, SIZE_MAX / 2);
    T_OK(buf_adds(&b, start));
    for (int i = 0; i < n; i++)
        T_OK(buf_adds(&b, piece));
    T_OK(buf_adds(&b, end));
    return b;
}

static void check_big(const char *start, const char *piece, int n, const char *end, int want)
{
    struct buf b = repeat(start, piece, n, end);
    struct liquid *t = NULL;

    T_ERR(liquid_parse(buf_str(&b), NULL, 1, &t, NULL), want);
    liquid_free(t);
    buf_fini(&b);
}

static void a_template_that_is_too_big_or_too_deep_is_refused(void)
{
    check_big("", "{% if x %}", 100, "", ERR_TOO_DEEP);
    check_big("{% ", "liquid ", 100, "%}", ERR_TOO_DEEP);
    check_big("{{ ", "a[", 100, " }}", ERR_TOO_DEEP);
    check_big("{{ ", "(1..", 100, " }}", ERR_TOO_DEEP);
    check_big("", "x", 300000, "", ERR_TOO_BIG);

    struct buf names;

    buf_init(&names, 1 << 20);
    for (int i = 0; i < 1001; i++)
        T_OK(buf_addf(&names, "{{ v%d }}", i));
    struct liquid *t = NULL;

    T_ERR(liquid_parse(buf_str(&names), NULL, 1, &t, NULL), ERR_TOO_BIG);
    buf_fini(&names);
}

static void the_longest_dense_template_still_parses(void)
{
    check_big("", "{{a|abs}}", 29000, "", 0);
    check_big("", "{%if a%}{%endif%}", 15000, "", 0);
    check_big("", "{{a.b.c.d.e.f.g}}", 15000, "", 0);
}

static void a_long_chain_of_conditions_needs_no_stack(void)
{
    struct buf b = repeat("{% if ", "x and ", 4000, "x %}yes{% endif %}"), out;

    buf_init(&out, 1 << 20);
    T_OK(render_with(buf_cstr(&b), "{\"x\": true}", NULL, &out));
    T_STR(buf_cstr(&out), "yes");
    buf_fini(&b);
    buf_fini(&out);
}

static void a_render_stops_at_each_of_its_limits(void)
{
    check_fault("{% for i in (1..100000) %}{% endfor %}", NULL, NULL, ERR_TIMEOUT, "more than 10000 steps");
    check_fault("{{ (1..9000000000000000) | join }}", NULL, NULL, ERR_TIMEOUT, "more than 10000 steps");
    check_fault("{% for i in (1..99) %}{% for j in (1..99) %}{{ i }}{% endfor %}{% endfor %}", NULL, NULL,
                ERR_TIMEOUT, "steps");
    check_fault(
        "{% assign x = '0123456789' %}{% for i in (1..20) %}{% assign x = x | append: x %}{% endfor %}", NULL,
        NULL, ERR_TOO_BIG, "builds more than");
    check_fault(
        "{% assign x = '0123456789abcdef' %}{% for i in (1..12) %}{% assign x = x | append: x %}{% endfor %}"
        "{{ x }}{{ x }}",
        NULL, NULL, ERR_TOO_BIG, "the text gets longer than 65536 bytes");
    check_fault("{% for i in (1..300) %}{% cycle i: 1, 2 %}{% endfor %}", NULL, NULL, ERR_TOO_BIG, "cycles");
    check_fault("{% capture x %}{% for i in (1..4000) %}01234567890123456789{% endfor %}{% endcapture %}",
                NULL, NULL, ERR_TOO_BIG, "65536 bytes");
    check_fault("{{ a | uniq }}{{ a | uniq }}", "{\"a\": [1,2]}",
                &(struct liquid_limits){100, 5000, 5, 50, 0, 0}, ERR_TIMEOUT, "steps");
}

static void data_too_deep_to_print_is_a_fault(void)
{
    char deep[200];

    memset(deep, '[', 60);
    memset(deep + 60, ']', 60);
    deep[120] = '\0';

    char data[300];

    (void)snprintf(data, sizeof data, "{\"a\": %s}", deep);
    check_fault("{{ a }}", data, NULL, ERR_TOO_DEEP, "nested deeper than 50");
    check_fault("{{ a | uniq }}", data, NULL, ERR_TOO_DEEP, "nested deeper than 50");
}

static void a_fault_names_its_line(void)
{
    check_fault("a\n\n{{ 1 | divided_by: zero }}", NULL, NULL, ERR_RENDER, "division by zero");
    T_EQ(fault.line, 12);
    check_fault("{% if '2' > 1 %}{% endif %}", NULL, NULL, ERR_RENDER, "no order");
    check_fault("{{ '%zz' | url_decode }}", NULL, NULL, ERR_RENDER, "broken % sign");
    check_fault("{{ '/w==' | base64_decode }}", NULL, NULL, ERR_RENDER, "no text");
    check_fault("{{ x | slice: 'a' }}", NULL, NULL, ERR_RENDER, "whole number");
}

static void the_ceiling_of_the_caller_s_buffer_counts_too(void)
{
    struct buf out;

    buf_init(&out, 10);
    T_ERR(render_with("0123456789{{ 'abc' }}", NULL, NULL, &out), ERR_TOO_BIG);
    T_EQ(out.len, 0);
    buf_fini(&out);
}

static const char *const everything =
    "{% assign a = '3,1,2' | split: ',' | sort | reverse %}{% for x in a reversed %}{{ forloop.index }}{{ x "
    "}}"
    "{% cycle 'q': 'a', x %}{% ifchanged %}{{ x }}{% endifchanged %}{% endfor %}{% capture c %}{{ o }}{{ o.k "
    "}}"
    "{% endcapture %}{{ c | upcase | escape | url_encode | base64_encode | truncate: 30 }}"
    "{% case c %}{% when 'x', 'y' %}1{% else %}{% unless c == blank %}{{ list | where: 'k' | map: 'k' | "
    "join: '+' }}"
    "{% endunless %}{% endcase %}{% tablerow t in (1..3) cols: 2 %}{{ t }}{% endtablerow %}{% increment n %}"
    "{{ 'now' | date: '%c' }}{{ 1.5 | times: 3 | round: 1 }}{{ list | sort: 'k' | uniq: 'k' | size }}"
    "{% for p in o %}{{ p[0] }}={{ p | last }}{% endfor %}{{ 'a b c' | truncatewords: 2 }}"
    "{% liquid echo list | sum: 'k'\n if a contains '1'\n echo a[0] | append: a.first\n endif %}"
    "{{ list | sort_natural: 'k' | compact: 'k' | concat: a | first }}{{ '<b>x</b>' | strip_html | replace: "
    "'x', 'y' }}";
static const char *const everything_data =
    "{\"o\": {\"k\": \"v\", \"n\": [1, 2.5, null]}, \"list\": [{\"k\": 2}, {\"k\": 1}, {\"k\": 2}]}";

static void a_failed_allocation_fails_the_parse_and_nothing_else(void)
{
    bool hit = true;

    for (int n = 1; hit; n++) {
        struct liquid *t = NULL;
        int err;

        mem_fail_at(n);
        err = liquid_parse(str_of(everything), "p.yaml", 1, &t, NULL);
        hit = mem_fault_hit();
        mem_fail_at(0);
        T_ERR(err, hit ? -ENOMEM : 0);
        T_EQ(t != NULL, !hit);
        liquid_free(t);
    }
}

static void a_failed_allocation_fails_the_render_and_nothing_else(void)
{
    struct liquid *t = parse(everything);
    json_t *data = json_loads(everything_data, 0, NULL);
    struct buf good;
    bool hit = true;
    int rounds = 0;

    assert_non_null(data);
    buf_init(&good, 1 << 20);
    T_OK(liquid_render(t, data, NULL, &good, &fault));
    T_TRUE(good.len > 100);
    for (int n = 1; hit; n++, rounds++) {
        struct buf out;
        int err;

        buf_init(&out, 1 << 20);
        mem_fail_at(n);
        err = liquid_render(t, data, NULL, &out, &fault);
        hit = mem_fault_hit();
        mem_fail_at(0);
        T_ERR(err, hit ? -ENOMEM : 0);
        T_STR(buf_cstr(&out), hit ? "" : buf_cstr(&good));
        buf_fini(&out);
    }
    T_TRUE(rounds > 3);
    buf_fini(&good);
    json_decref(data);
    liquid_free(t);
}

static void *render_often(void *arg)
{
    const struct liquid *t = arg;
    json_t *data = json_loads(everything_data, 0, NULL);
    struct buf first, out;
    bool same = true;

    buf_init(&first, 1 << 20);
    buf_init(&out, 1 << 20);
    same = liquid_render(t, data, NULL, &first, NULL) == 0;
    for (int i = 0; same && i < 200; i++) {
        buf_reset(&out);
        same = liquid_render(t, data, NULL, &out, NULL) == 0 && str_eq(buf_str(&out), buf_str(&first));
    }
    buf_fini(&first);
    buf_fini(&out);
    json_decref(data);
    return same ? arg : NULL;
}

static void threads_may_render_one_template_at_once(void)
{
    struct liquid *t = parse(everything);
    pthread_t threads[4];
    void *result;

    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        T_EQ(pthread_create(&threads[i], NULL, render_often, t), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        T_EQ(pthread_join(threads[i], &result), 0);
        T_TRUE(result == t);
    }
    liquid_free(t);
}

static void every_ending_accepts_null(void)
{
    liquid_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T_CASE(a_welcome_greets_by_name_or_by_default),
        T_CASE(a_customer_can_not_inject_a_tag_through_the_name),
        T_CASE(money_adds_up_as_on_paper),
        T_CASE(numbers_beyond_int64_go_on_as_fractions),
        T_CASE(dates_are_read_and_written_in_shanghai),
        T_CASE(now_is_the_clock_of_the_render),
        T_CASE(characters_are_counted_not_bytes),
        T_CASE(break_and_continue_end_the_nearest_loop_only),
        T_CASE(a_loop_variable_covers_and_uncovers),
        T_CASE(a_plain_template_knows_it),
        T_CASE(uses_is_never_wrongly_false),
        T_CASE(the_lint_names_the_line_and_the_likely_name),
        T_CASE(the_lint_accepts_what_a_template_makes_itself),
        T_CASE(a_mistake_is_named_with_file_and_line),
        T_CASE(a_template_that_is_too_big_or_too_deep_is_refused),
        T_CASE(the_longest_dense_template_still_parses),
        T_CASE(a_long_chain_of_conditions_needs_no_stack),
        T_CASE(a_render_stops_at_each_of_its_limits),
        T_CASE(data_too_deep_to_print_is_a_fault),
        T_CASE(a_fault_names_its_line),
        T_CASE(the_ceiling_of_the_caller_s_buffer_counts_too),
        T_CASE(a_failed_allocation_fails_the_parse_and_nothing_else),
        T_CASE(a_failed_allocation_fails_the_render_and_nothing_else),
        T_CASE(threads_may_render_one_template_at_once),
        T_CASE(every_ending_accepts_null),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
