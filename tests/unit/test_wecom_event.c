/* SPDX-License-Identifier: Apache-2.0 */
/* The fixtures are the seed corpus of fuzz_wecom_event, one file each. */
#include <stdio.h>

#include "adapters/wecom/wecom_event.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/xml.h"
#include "support/asserts.h"

#define CORPUS TEST_SOURCE_DIR "/tests/fuzz/corpus/wecom_event/"
#define CUSTOMER "woAJ2GCAAAXtWyujaWJHDDGi0mAAAA"
#define GROUP "wrx7HUARsKwGRaQBVKPBTcEyzdHA4HrQ"

static struct xml_doc *xml;
static struct buf body;
static struct wecom_letter letter;

static int set_up(void **state)
{
    (void)state;
    buf_init(&body, XML_MAX_BYTES + 1);
    return xml_new(&xml);
}

static int tear_down(void **state)
{
    (void)state;
    wecom_letter_fini(&letter);
    xml_free(xml);
    buf_fini(&body);
    return 0;
}

static void load(const char *name)
{
    char path[512], chunk[4096];
    size_t n;
    FILE *f;

    (void)snprintf(path, sizeof(path), CORPUS "%s.xml", name);
    f = fopen(path, "rb");
    T_TRUE(f != NULL);
    buf_reset(&body);
    while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
        T_OK(buf_add(&body, chunk, n));
    T_EQ(fclose(f), 0);
    T_TRUE(body.len > 0);
}

static void read_text(struct str text)
{
    wecom_letter_fini(&letter);
    T_OK(wecom_letter_read(&letter, xml, text));
}

static const struct event *read_fixture(const char *name)
{
    load(name);
    read_text(buf_str(&body));
    return letter.events;
}

static void every_fixture_decodes(void **state)
{
    static const struct {
        const char *name;
        enum event_kind kind;
        size_t count;
        const char *account, *contact, *group, *text, *code;
    } fixtures[] = {
        {"01_change_external_contact_add_external_contact", EVENT_CONTACT_ADDED, 1, "zhangsan", CUSTOMER, "",
         "shop01", "WC_0001"},
        {"02_change_external_contact_add_half_external_contact", EVENT_CONTACT_ADDED, 1, "zhangsan", CUSTOMER,
         "", "shop01", "WC_0002"},
        {"03_change_external_contact_edit_external_contact", EVENT_PLATFORM, 1, "zhangsan", CUSTOMER, "", "",
         ""},
        {"04_change_external_contact_del_external_contact", EVENT_CONTACT_LOST, 1, "zhangsan", CUSTOMER, "",
         "", ""},
        {"05_change_external_contact_del_follow_user", EVENT_CONTACT_LOST, 1, "zhangsan", CUSTOMER, "", "",
         ""},
        {"06_change_external_contact_transfer_fail", EVENT_PLATFORM, 1, "lisi", CUSTOMER, "", "", ""},
        {"07_change_external_contact_msg_audit_approved", EVENT_PLATFORM, 1, "zhangsan", CUSTOMER, "", "",
         "WC_0003"},
        {"08_change_external_chat_create", EVENT_GROUP_CREATED, 1, "", "", GROUP, "", ""},
        {"09_change_external_chat_update_add_member", EVENT_GROUP_JOINED, 2, "", "wmCustomerA", GROUP, "",
         ""},
        {"10_change_external_chat_update_del_member", EVENT_GROUP_LEFT, 1, "", "wmCustomerA", GROUP, "", ""},
        {"11_change_external_chat_update_change_owner", EVENT_GROUP_CHANGED, 1, "", "", GROUP, "", ""},
        {"12_change_external_chat_update_change_name", EVENT_GROUP_CHANGED, 1, "", "", GROUP, "", ""},
        {"13_change_external_chat_update_change_notice", EVENT_GROUP_CHANGED, 1, "", "", GROUP, "", ""},
        {"14_change_external_chat_dismiss", EVENT_GROUP_DISMISSED, 1, "", "", GROUP, "", ""},
        {"15_change_external_tag_create_tag", EVENT_PLATFORM, 1, "", "", "", "", ""},
        {"16_change_external_tag_update_tag_group", EVENT_PLATFORM, 1, "", "", "", "", ""},
        {"17_change_external_tag_delete_tag", EVENT_PLATFORM, 1, "", "", "", "", ""},
        {"18_change_external_tag_shuffle", EVENT_PLATFORM, 1, "", "", "", "", ""},
        {"20_kf_account_auth_change", EVENT_PLATFORM, 1, "", "", "", "", ""},
        {"21_customer_acquisition_balance_low", EVENT_PLATFORM, 1, "", "", "", "", ""},
        {"22_customer_acquisition_balance_exhausted", EVENT_PLATFORM, 1, "", "", "", "", ""},
        {"23_customer_acquisition_balance_increased", EVENT_PLATFORM, 1, "", "", "", "", ""},
        {"24_customer_acquisition_link_unavailable", EVENT_PLATFORM, 1, "", "", "", "", ""},
        {"25_customer_acquisition_delete_link", EVENT_PLATFORM, 1, "", "", "", "", ""},
        {"26_customer_acquisition_quota_expire_soon", EVENT_PLATFORM, 1, "", "", "", "", ""},
        {"27_customer_acquisition_open_profile", EVENT_PLATFORM, 1, "", "", "", "", ""},
        {"28_customer_acquisition_friend_request", EVENT_PLATFORM, 1, "", "", "", "", ""},
        {"29_customer_acquisition_customer_start_chat", EVENT_PLATFORM, 1, "zhangsan", CUSTOMER, "", "", ""},
        {"30_customer_acquisition_message_from_customer", EVENT_PLATFORM, 1, "", "", "", "", ""},
        {"31_batch_job_result", EVENT_PLATFORM, 1, "", "", "", "", ""},
        {"32_message_text", EVENT_MESSAGE_RECEIVED, 1, "", "zhangsan", "", "你好", ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(fixtures); i++) {
        const struct event *e = read_fixture(fixtures[i].name);

        T_EQ(letter.count, fixtures[i].count);
        T_EQ(e->kind, fixtures[i].kind);
        T_EQ(e->at_ms, INT64_C(1767225600000));
        T_TRUE(e->dedupe.n > 0);
        T_TRUE(str_is(e->account, fixtures[i].account));
        T_TRUE(str_is(e->contact, fixtures[i].contact));
        T_TRUE(str_is(e->group, fixtures[i].group));
        T_TRUE(str_is(e->text, fixtures[i].text));
        T_TRUE(str_is(e->code, fixtures[i].code));
        T_TRUE(!letter.kf_wake);
    }
}

static void a_kf_wake_up_is_no_event(void **state)
{
    (void)state;
    read_fixture("19_kf_msg_or_event");
    T_TRUE(letter.kf_wake);
    T_EQ(letter.count, 0);
    T_VIEW(letter.kf_token, "ENCApHxnGDNAVNY4AaSJKj4Tb5mwsEMzxhFmHVGcra996NR");
    T_VIEW(letter.kf_account, "wkAJ2GCAAA0001");
}

static void data_holds_what_has_no_field_of_its_own(void **state)
{
    const json_t *data;

    (void)state;
    data = read_fixture("01_change_external_contact_add_external_contact")->data;
    T_STR(json_str(data, "change_type", ""), "add_external_contact");
    T_STR(json_str(data, "state", ""), "shop01");
    data = read_fixture("04_change_external_contact_del_external_contact")->data;
    T_STR(json_str(data, "by", ""), "member");
    T_STR(json_str(data, "source", ""), "DELETE_BY_TRANSFER");
    data = read_fixture("05_change_external_contact_del_follow_user")->data;
    T_STR(json_str(data, "by", ""), "customer");
    data = read_fixture("09_change_external_chat_update_add_member")->data;
    T_STR(json_str(data, "join_scene", ""), "3");
    T_STR(json_str(data, "last_version", ""), "9c3f97c2ada667dfb5f6d03308d963e1");
    T_STR(json_str(data, "version", ""), "71217227bbd112ecfe3a49c482195cb4");
    data = read_fixture("24_customer_acquisition_link_unavailable")->data;
    T_STR(json_str(data, "link_id", ""), "cawcdea7783d7330b4");
    T_STR(json_str(data, "body", ""), buf_cstr(&body));
    data = read_fixture("31_batch_job_result")->data;
    T_STR(json_str(data, "job_type", ""), "sync_user");
    data = read_fixture("20_kf_account_auth_change")->data;
    T_EQ(json_array_size(json_object_get(data, "kf_added")), 2);
    T_EQ(json_array_size(json_object_get(data, "kf_removed")), 1);
}

static void each_member_who_joins_is_an_event_of_his_own(void **state)
{
    const struct event *e;

    (void)state;
    e = read_fixture("09_change_external_chat_update_add_member");
    T_VIEW(e[0].contact, "wmCustomerA");
    T_VIEW(e[1].contact, "wmCustomerB");
    T_EQ(e[1].kind, EVENT_GROUP_JOINED);
    T_TRUE(!str_eq(e[0].dedupe, e[1].dedupe));
    T_TRUE(str_eq(str_sub(e[0].dedupe, 0, e[0].dedupe.n - 1), str_sub(e[1].dedupe, 0, e[1].dedupe.n - 1)));
}

static void a_join_without_names_is_a_change_of_the_group(void **state)
{
    (void)state;
    read_text(STR("<xml><MsgType>event</MsgType><Event>change_external_chat</Event><ChatId>wr1</ChatId>"
                  "<ChangeType>update</ChangeType><UpdateDetail>add_member</UpdateDetail></xml>"));
    T_EQ(letter.count, 1);
    T_EQ(letter.events[0].kind, EVENT_GROUP_CHANGED);
}

static void a_message_is_known_by_its_id_and_sender(void **state)
{
    const struct event *e;

    (void)state;
    e = read_fixture("32_message_text");
    T_VIEW(e->dedupe, "message|1234567890123456|zhangsan");
    T_TRUE(e->passive);
    T_STR(json_str(e->data, "agent_id", ""), "1000002");
    read_text(STR("<xml><FromUserName>lisi</FromUserName><CreateTime>1767225600</CreateTime><MsgType>image"
                  "</MsgType><PicUrl>http://p</PicUrl><MediaId>M</MediaId><MsgId>7</MsgId></xml>"));
    e = letter.events;
    T_EQ(e->kind, EVENT_MESSAGE_RECEIVED);
    T_EQ(e->text.n, 0);
    T_VIEW(e->dedupe, "message|7|lisi");
    T_STR(json_str(e->data, "media_id", ""), "M");
    T_STR(json_str(e->data, "msgtype", ""), "image");
}

#define ADD(fields)                                                                                          \
    "<xml><CreateTime>1</CreateTime><MsgType>event</MsgType><Event>change_external_contact</Event>"          \
    "<ChangeType>add_external_contact</ChangeType>" fields "</xml>"

/* Fifty people may be added in one second: whatever differs makes another event. */
static void whatever_differs_makes_another_event(void **state)
{
    static const char *const others[] = {
        ADD("<UserID>a</UserID><ExternalUserID>c</ExternalUserID>"),
        ADD("<UserID>b</UserID><ExternalUserID>c</ExternalUserID>"),
        ADD("<UserID>a</UserID><ExternalUserID>d</ExternalUserID>"),
        ADD("<UserID>a</UserID><ExternalUserID>c</ExternalUserID><State>x</State>"),
    };
    char keys[ARRAY_LEN(others)][512];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        read_text(str_of(others[i]));
        (void)snprintf(keys[i], sizeof(keys[i]), "%.*s", STR_ARG(letter.events[0].dedupe));
        for (size_t k = 0; k < i; k++)
            T_TRUE(strcmp(keys[i], keys[k]) != 0);
        read_text(str_of(others[i]));
        T_VIEW(letter.events[0].dedupe, keys[i]);
    }
}

static void a_callback_of_an_unknown_kind_is_kept_whole(void **state)
{
    struct str text =
        STR("<xml><MsgType>event</MsgType><Event>click</Event><EventKey>menu1</EventKey></xml>");

    (void)state;
    read_text(text);
    T_EQ(letter.events[0].kind, EVENT_PLATFORM);
    T_VIEW(letter.events[0].text, "menu1");
    T_STR(json_str(letter.events[0].data, "body", ""), text.p);
    read_text(STR("<xml/>"));
    T_EQ(letter.events[0].kind, EVENT_PLATFORM);
    T_EQ(letter.events[0].at_ms, 0);
}

static void a_doctype_is_refused(void **state)
{
    (void)state;
    T_TRUE(wecom_letter_read(&letter, xml, STR("<!DOCTYPE xml><xml></xml>")) < 0);
    T_TRUE(wecom_letter_read(&letter, xml, STR("")) < 0);
}

/* The digest of the body is taken once, whatever the number of members. */
static void a_group_full_of_members_is_read_in_bounded_memory(void **state)
{
    (void)state;
    buf_reset(&body);
    T_OK(buf_adds(&body, "<xml><MsgType>event</MsgType><Event>change_external_chat</Event><ChatId>"));
    for (int i = 0; i < 2000; i++)
        T_OK(buf_adds(&body, "longlonglong"));
    T_OK(buf_adds(&body, "</ChatId><ChangeType>update</ChangeType><UpdateDetail>add_member</UpdateDetail>"
                         "<MemChangeList>"));
    for (int i = 0; i < 4000; i++)
        T_OK(buf_addf(&body, "<Item>wm%d</Item>", i));
    T_OK(buf_adds(&body, "</MemChangeList></xml>"));
    read_text(buf_str(&body));
    T_EQ(letter.count, 4000);
    T_VIEW(letter.events[3999].contact, "wm3999");
}

static void each_failing_allocation_is_reported(void **state)
{
    bool hit = true;

    (void)state;
    load("09_change_external_chat_update_add_member");
    for (int n = 1; hit && n < 1000; n++) {
        int r;

        wecom_letter_fini(&letter);
        mem_fail_at(n);
        r = wecom_letter_read(&letter, xml, buf_str(&body));
        hit = mem_fault_hit();
        mem_fail_at(0);
        T_EQ(r, hit ? -ENOMEM : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_fixture_decodes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_kf_wake_up_is_no_event, set_up, tear_down),
        cmocka_unit_test_setup_teardown(data_holds_what_has_no_field_of_its_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_member_who_joins_is_an_event_of_his_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_join_without_names_is_a_change_of_the_group, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_message_is_known_by_its_id_and_sender, set_up, tear_down),
        cmocka_unit_test_setup_teardown(whatever_differs_makes_another_event, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_callback_of_an_unknown_kind_is_kept_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_doctype_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_group_full_of_members_is_read_in_bounded_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_failing_allocation_is_reported, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
