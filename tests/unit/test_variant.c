/* SPDX-License-Identifier: Apache-2.0 */
#include "templates/variant.h"

#include "base/mem.h"
#include "base/yaml.h"
#include "tests/support/asserts.h"

#include <errno.h>

static const char playbook[] =
    "templates:\n"
    "  welcome:\n"
    "    text: \"{{ contact.name | default: '你好' }}，欢迎来到{{ brand }}\"\n"
    "    attach:\n"
    "      - link: {title: \"{{ contact.name }}的礼包\", url: \"https://example.com/g\"}\n"
    "      - miniprogram: {title: 商城, pic_media_id: M, appid: wx1, page: index}\n"
    "    sms:\n"
    "      text: \"新人礼包已到账，拒收请回复R\"\n"
    "      provider_template: SMS_1001\n"
    "      params: {name: \"{{ contact.name }}\"}\n"
    "    webhook: {text: \"**hi**\", markdown: true}\n"
    "    kf: {attach: [{image: {media_id: I}}]}\n"
    "  plain: {text: hello}\n"
    "  note: {text: hi, attach: [{file: {media_id: F}}]}\n"
    "  picture: {attach: [{image: {media_id: I}}]}\n"
    "  only-sms: {sms: {text: x}}\n"
    "  long:\n"
    "    text: |\n"
    "      first\n"
    "      {{ contact.nmae }}\n";

static struct diag diag;

static int load_set(const char *yaml, struct template_set **ret)
{
    struct yaml_doc *doc = NULL;
    struct json_ctx c;
    int err;

    diag_init(&diag, 20);
    T_OK(yaml_load(str_of(yaml), "p.yaml", &doc, &diag));
    json_ctx_init(&c, &diag, "p.yaml", doc);
    json_ctx_push(&c, "templates");
    err = template_set_new(json_object_get(yaml_root(doc), "templates"), &c, ret);
    json_ctx_pop(&c);
    yaml_unload(doc);
    return err;
}

static struct template_set *load(void)
{
    struct template_set *set = NULL;

    T_OK(load_set(playbook, &set));
    return set;
}

static json_t *render_from(const struct template_set *set, const char *name, const char *channel,
                           const struct variant_rule *rule, const char *data, int want,
                           struct variant_fault *fault)
{
    const struct variant *v = template_set_find(set, str_of(name), channel);
    json_t *json = json_loads(data, 0, NULL), *content = NULL;

    assert_non_null(v);
    T_ERR(variant_render(v, json, rule, NULL, &content, fault), want);
    json_decref(json);
    return content;
}

static void check_content(const char *name, const char *channel, const char *want)
{
    struct template_set *set = load();
    json_t *content = render_from(set, name, channel, NULL,
                                  "{\"contact\": {\"name\": \"小美\"}, \"brand\": \"花店\"}", 0, NULL);
    json_t *wanted = json_loads(want, 0, NULL);
    char *got = json_dumps(content, JSON_COMPACT);

    assert_non_null(wanted);
    if (!json_equal(content, wanted))
        T_STR(got, want);
    mem_free(got);
    json_decref(wanted);
    json_decref(content);
    template_set_free(set);
    diag_fini(&diag);
}

static void the_usual_words_serve_a_channel_without_its_own(void)
{
    check_content("welcome", "wecom",
                  "{\"text\": \"小美，欢迎来到花店\", \"attach\": ["
                  "{\"link\": {\"title\": \"小美的礼包\", \"url\": \"https://example.com/g\"}},"
                  "{\"miniprogram\": {\"title\": \"商城\", \"pic_media_id\": \"M\", \"appid\": \"wx1\","
                  " \"page\": \"index\"}}]}");
    check_content("plain", "aibot", "{\"text\": \"hello\"}");
}

static void a_channel_s_own_words_win_and_the_rest_is_inherited(void)
{
    check_content("welcome", "kf",
                  "{\"text\": \"小美，欢迎来到花店\", \"attach\": [{\"image\": {\"media_id\": \"I\"}}]}");
    check_content("welcome", "webhook",
                  "{\"text\": \"**hi**\", \"params\": {\"markdown\": true}, \"attach\": ["
                  "{\"link\": {\"title\": \"小美的礼包\", \"url\": \"https://example.com/g\"}},"
                  "{\"miniprogram\": {\"title\": \"商城\", \"pic_media_id\": \"M\", \"appid\": \"wx1\","
                  " \"page\": \"index\"}}]}");
}

static void an_sms_has_its_code_and_parameters_but_no_attachments(void)
{
    check_content("welcome", "sms",
                  "{\"text\": \"新人礼包已到账，拒收请回复R\", \"provider_template\": \"SMS_1001\","
                  " \"params\": {\"name\": \"小美\"}}");
    check_content("note", "sms", "{\"text\": \"hi\"}");
    check_content("picture", "wecom", "{\"text\": \"\", \"attach\": [{\"image\": {\"media_id\": \"I\"}}]}");
}

static void a_template_without_words_for_a_channel_is_not_found(void)
{
    struct template_set *set = load();

    T_TRUE(template_set_find(set, STR("picture"), "sms") == NULL);
    T_TRUE(template_set_find(set, STR("only-sms"), "wecom") == NULL);
    T_TRUE(template_set_find(set, STR("only-sms"), "sms") != NULL);
    T_TRUE(template_set_find(set, STR("nobody"), "sms") == NULL);
    T_TRUE(template_set_has(set, STR("picture")) && !template_set_has(set, STR("nobody")));
    T_EQ(template_set_count(set), 6);
    T_STR(template_set_name(set, 1), "plain");
    template_set_free(set);
    diag_fini(&diag);
}

static void check_too_long(const char *name, const struct variant_rule *rule, const char *part,
                           const char *text)
{
    struct template_set *set = load();
    struct variant_fault fault = {"", ""};

    T_TRUE(render_from(set, name, "wecom", rule, "{\"contact\": {\"name\": \"小美\"}}", ERR_TOO_BIG,
                       &fault) == NULL);
    T_STR(fault.part, part);
    T_STR(fault.text, text);
    template_set_free(set);
    diag_fini(&diag);
}

static void each_part_is_held_to_its_rule_in_the_channel_s_unit(void)
{
    check_too_long("plain", &(struct variant_rule){.text = {TEXT_BYTES, 4, false}}, "text",
                   "5 bytes, at most 4 are allowed");
    check_too_long("welcome", &(struct variant_rule){.text = {TEXT_CHARS, 6, false}}, "text",
                   "7 chars, at most 6 are allowed");
    check_too_long("welcome", &(struct variant_rule){.link_title = {TEXT_BYTES, 14, false}},
                   "attach[0].link.title", "15 bytes, at most 14 are allowed");
    check_too_long("welcome", &(struct variant_rule){.url = {TEXT_BYTES, 20, false}}, "attach[0].link.url",
                   "21 bytes, at most 20 are allowed");
    check_too_long("welcome", &(struct variant_rule){.miniprogram_title = {TEXT_BYTES, 5, false}},
                   "attach[1].miniprogram.title", "6 bytes, at most 5 are allowed");
    check_too_long("welcome", &(struct variant_rule){.attachments = 1}, "attach",
                   "2 attachments, at most 1 are allowed");
    check_too_long("plain", &(struct variant_rule){.text = {TEXT_CHARS, 8, false}, .signature = STR("品牌")},
                   "text", "9 chars with the signature, at most 8 are allowed");
}

static void what_fits_exactly_passes(void)
{
    const struct variant_rule rule = {
        .text = {TEXT_CHARS, 9, false}, .signature = STR("品牌"), .attachments = 9};
    struct template_set *set = load();
    json_t *content = render_from(set, "plain", "wecom", &rule, "{}", 0, NULL);

    T_STR(json_str(content, "text", NULL), "hello");
    json_decref(content);
    template_set_free(set);
    diag_fini(&diag);
}

static void a_text_that_may_be_cut_is_cut_between_characters(void)
{
    struct text_rule rule = {TEXT_BYTES, 7, true};
    struct str got;

    T_OK(text_fit(STR("你好世界"), &rule, &got));
    T_VIEW(got, "你好");
    rule = (struct text_rule){TEXT_UTF16, 3, true};
    T_OK(text_fit(STR("ab😀c"), &rule, &got));
    T_VIEW(got, "ab");
    rule = (struct text_rule){TEXT_CHARS, 3, true};
    T_OK(text_fit(STR("ab😀c"), &rule, &got));
    T_VIEW(got, "ab😀");
    rule.truncate = false;
    T_ERR(text_fit(STR("ab😀c"), &rule, &got), ERR_TOO_BIG);
    rule.max = 0;
    T_OK(text_fit(STR("ab😀c"), &rule, &got));
}

static void fill(struct buf *b, const char *unit, int n)
{
    buf_reset(b);
    for (int i = 0; i < n; i++)
        T_OK(buf_adds(b, unit));
}

static void segments_follow_70_and_67_with_the_signature_inside(void)
{
    struct buf b;

    buf_init(&b, 10000);
    T_EQ(sms_segments(STR(""), STR("")), 1);
    fill(&b, "字", 70);
    T_EQ(sms_segments(buf_str(&b), STR("")), 1);
    T_EQ(sms_segments(buf_str(&b), STR("品")), 2);
    fill(&b, "字", 66);
    T_EQ(sms_segments(buf_str(&b), STR("品牌")), 1);
    fill(&b, "字", 67);
    T_EQ(sms_segments(buf_str(&b), STR("品牌")), 2);
    fill(&b, "字", 134);
    T_EQ(sms_segments(buf_str(&b), STR("")), 2);
    fill(&b, "字", 135);
    T_EQ(sms_segments(buf_str(&b), STR("")), 3);
    fill(&b, "😀", 35); /* two units each */
    T_EQ(sms_segments(buf_str(&b), STR("")), 1);
    fill(&b, "😀", 36);
    T_EQ(sms_segments(buf_str(&b), STR("")), 2);
    fill(&b, "a", 66);
    T_OK(buf_adds(&b, "xxxx"));
    T_EQ(sms_segments(buf_str(&b), STR("品牌")), 2);
    buf_reset(&b);
    T_OK(buf_adds(&b, "【品牌】"));
    for (int i = 0; i < 66; i++)
        T_OK(buf_adds(&b, "a"));
    T_EQ(sms_segments(buf_str(&b), STR("品牌")), 1); /* it is signed already */
    buf_fini(&b);
}

static void a_missing_value_for_what_must_be_there_is_a_fault(void)
{
    struct template_set *set = NULL;
    struct variant_fault fault = {"", ""};

    T_OK(load_set(
        "templates:\n  a: {text: x, attach: [{link: {title: \"{{ t }}\", url: u, desc: \"{{ d }}\"}}]}\n"
        "  b: {text: \"{{ t }}\"}\n",
        &set));
    T_TRUE(render_from(set, "a", "wecom", NULL, "{}", ERR_RENDER, &fault) == NULL);
    T_STR(fault.part, "attach[0].link.title");
    T_TRUE(render_from(set, "b", "wecom", NULL, "{}", ERR_RENDER, &fault) == NULL);
    T_STR(fault.text, "nothing is left to say");
    template_set_free(set);
    diag_fini(&diag);
}

static void check_refused(const char *yaml, const char *text)
{
    struct template_set *set = NULL;

    T_TRUE(load_set(yaml, &set) < 0);
    T_TRUE(set == NULL);
    T_EQ(diag_count(&diag), 1);
    if (!strstr(diag_text(&diag, 0), text))
        T_STR(diag_text(&diag, 0), text);
    diag_fini(&diag);
}

static void a_bad_template_is_named_with_file_line_and_path(void)
{
    check_refused("templates:\n  a:\n    text: \"{{ x | upcas }}\"\n", "p.yaml:3: unknown filter \"upcas\"");
    check_refused("templates:\n  a:\n    txt: x\n", "p.yaml:3: templates.a.txt");
    check_refused("templates:\n  a: {text: 5}\n", "templates.a.text: must be a text");
    check_refused("templates:\n  a: {}\n", "p.yaml:2: templates.a: a template needs a text");
    check_refused("templates:\n  a: {text: x, attach: [{video: {}}]}\n", "media_id is missing");
    check_refused("templates:\n  a: {text: x, attach: [{image: {}}]}\n",
                  "an image needs media_id or pic_url");
    check_refused("templates:\n  a: {text: x, attach: [{voice: {}}]}\n", "an attachment is one of");
    check_refused("templates:\n  a:\n    text: x\n    attach:\n      - link: {title: t, url: u, color: c}\n",
                  "p.yaml:5: templates.a.attach[0].link.color");
    check_refused("templates:\n  a:\n    text: x\n    sms: {provider: y}\n",
                  "p.yaml:4: templates.a.sms.provider");
    check_refused("templates:\n  a:\n    sms: {provider_template: y}\n",
                  "p.yaml:3: templates.a.sms: has no text");
    check_refused("templates:\n  a: hello\n", "a template is a mapping");
    check_refused("templates:\n  a:\n    text: |\n      one\n      {% if %}\n", "p.yaml:5: ");
}

static void the_lint_complains_about_a_shared_part_once(void)
{
    struct template_set *set = load();
    json_t *known = json_loads("{\"contact\": {\"name\": 1}}", 0, NULL);

    T_ERR(template_set_lint(set, known, &diag), ERR_NOT_FOUND);
    T_EQ(diag_count(&diag), 2);
    T_STR(diag_text(&diag, 0), "p.yaml:3: unknown variable \"brand\"");
    T_STR(diag_text(&diag, 1),
          "p.yaml:20: unknown variable \"contact.nmae\"; did you mean \"contact.name\"?");
    json_decref(known);
    template_set_free(set);
    diag_fini(&diag);
}

static void a_plain_part_that_is_too_long_is_found_before_it_is_sent(void)
{
    const struct variant_rule rule = {.text = {TEXT_BYTES, 4, false}, .attachments = 1};
    struct template_set *set = load();

    T_ERR(variant_check(template_set_find(set, STR("plain"), "kf"), &rule, "p.yaml", 13, &diag), ERR_TOO_BIG);
    T_STR(diag_text(&diag, 0), "p.yaml:13: text: 5 bytes, at most 4 are allowed");
    T_ERR(variant_check(template_set_find(set, STR("welcome"), "wecom"), &rule, "p.yaml", 2, &diag),
          ERR_TOO_BIG);
    T_STR(diag_text(&diag, 1), "p.yaml:2: attach: 2 attachments, at most 1 are allowed");
    T_OK(variant_check(template_set_find(set, STR("welcome"), "kf"), &rule, "p.yaml", 2, &diag));
    template_set_free(set);
    diag_fini(&diag);
}

static void a_frozen_variant_says_the_same_later(void)
{
    struct template_set *set = load();
    const struct variant *v = template_set_find(set, STR("welcome"), "sms");
    struct variant *again = NULL;
    json_t *a = NULL, *b = NULL, *data = json_loads("{\"contact\": {\"name\": \"小美\"}}", 0, NULL);
    char *frozen = json_dumps(variant_source(v), 0);
    json_t *thawed = json_loads(frozen, 0, NULL);

    T_OK(variant_new(thawed, NULL, &again));
    T_OK(variant_render(v, data, NULL, NULL, &a, NULL));
    T_OK(variant_render(again, data, NULL, NULL, &b, NULL));
    T_TRUE(json_equal(a, b));
    T_TRUE(variant_uses(again, "contact") && !variant_uses(again, "brand"));
    json_decref(a);
    json_decref(b);
    json_decref(data);
    json_decref(thawed);
    mem_free(frozen);
    variant_free(again);
    template_set_free(set);
    diag_fini(&diag);
}

static void a_failed_allocation_leaves_nothing_behind(void)
{
    json_t *source =
        json_loads("{\"text\": \"{{ a | upcase }}\", \"attach\": [{\"link\": {\"title\": \"{{ t }}\","
                   " \"url\": \"u\"}}], \"params\": {\"k\": \"v\"}, \"provider_template\": \"S\"}",
                   0, NULL);
    bool hit = true;

    for (int n = 1; hit; n++) {
        struct variant *v = NULL;
        json_t *content = NULL;
        int err;

        mem_fail_at(n);
        err = variant_new(source, NULL, &v);
        if (err == 0)
            err = variant_render(v, NULL, NULL, NULL, &content, NULL);
        hit = mem_fault_hit();
        mem_fail_at(0);
        T_ERR(err, hit ? -ENOMEM : ERR_RENDER); /* without a title at last */
        T_TRUE(content == NULL);
        variant_free(v);
    }
    json_decref(source);
}

static void a_failed_allocation_fails_the_set(void)
{
    json_t *templates =
        json_loads("{\"a\": {\"text\": \"x\", \"attach\": [{\"file\": {\"media_id\": \"F\"}}],"
                   " \"kf\": {\"text\": \"{{ y }}\"}}, \"b\": {\"text\": \"z\"}}",
                   0, NULL);
    bool hit = true;

    for (int n = 1; hit; n++) {
        struct template_set *set = NULL;
        int err;

        mem_fail_at(n);
        err = template_set_new(templates, NULL, &set);
        hit = mem_fault_hit();
        mem_fail_at(0);
        T_ERR(err, hit ? -ENOMEM : 0);
        template_set_free(set);
    }
    json_decref(templates);
}

static void units_have_the_rule_pack_s_words(void)
{
    enum text_unit unit;

    T_OK(text_unit_of("utf16", &unit));
    T_EQ(unit, TEXT_UTF16);
    T_STR(text_unit_word(TEXT_CHARS), "chars");
    T_ERR(text_unit_of("octets", &unit), ERR_NOT_FOUND);
    variant_free(NULL);
    template_set_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T_CASE(the_usual_words_serve_a_channel_without_its_own),
        T_CASE(a_channel_s_own_words_win_and_the_rest_is_inherited),
        T_CASE(an_sms_has_its_code_and_parameters_but_no_attachments),
        T_CASE(a_template_without_words_for_a_channel_is_not_found),
        T_CASE(each_part_is_held_to_its_rule_in_the_channel_s_unit),
        T_CASE(what_fits_exactly_passes),
        T_CASE(a_text_that_may_be_cut_is_cut_between_characters),
        T_CASE(segments_follow_70_and_67_with_the_signature_inside),
        T_CASE(a_missing_value_for_what_must_be_there_is_a_fault),
        T_CASE(a_bad_template_is_named_with_file_line_and_path),
        T_CASE(the_lint_complains_about_a_shared_part_once),
        T_CASE(a_plain_part_that_is_too_long_is_found_before_it_is_sent),
        T_CASE(a_frozen_variant_says_the_same_later),
        T_CASE(a_failed_allocation_leaves_nothing_behind),
        T_CASE(a_failed_allocation_fails_the_set),
        T_CASE(units_have_the_rule_pack_s_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
