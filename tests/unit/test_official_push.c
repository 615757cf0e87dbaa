/* SPDX-License-Identifier: Apache-2.0 */
/* Messages, events and job results of both formats. */
#include "adapters/official/official_push.h"
#include "base/json.h"
#include "base/xml.h"
#include "support/asserts.h"

#define HEAD                                                                                                 \
    "<xml><ToUserName><![CDATA[gh_0123456789ab]]></ToUserName><FromUserName><![CDATA[oTest01]]></"           \
    "FromUserName>"                                                                                          \
    "<CreateTime>1735689600</CreateTime>"
#define MESSAGE(type, rest)                                                                                  \
    HEAD "<MsgType><![CDATA[" type "]]></MsgType>" rest "<MsgId>24000000000000001</MsgId></xml>"
#define EVENT(name, rest) HEAD "<MsgType>event</MsgType><Event><![CDATA[" name "]]></Event>" rest "</xml>"
#define KEY(key) "<EventKey><![CDATA[" key "]]></EventKey>"
#define JSON_HEAD                                                                                            \
    "{\"ToUserName\":\"gh_0123456789ab\",\"FromUserName\":\"oTest01\",\"CreateTime\":1735689600,"

static struct xml_doc *xml;
static struct official_push push;

static int set_up(void **state)
{
    (void)state;
    push = (struct official_push){0};
    return xml_new(&xml);
}

static int tear_down(void **state)
{
    (void)state;
    official_push_fini(&push);
    xml_free(xml);
    return 0;
}

/* Reads the next one; the first event. */
static const struct event *read_push(const char *text)
{
    official_push_fini(&push);
    T_OK(official_push_read(&push, xml, str_of(text)));
    T_TRUE(push.count > 0);
    return &push.events[0];
}

static const char *data(const char *key)
{
    return json_str(push.events[0].data, key, NULL);
}

static void a_text_message_is_received(void **state)
{
    const struct event *e = read_push(MESSAGE("text", "<Content><![CDATA[你好]]></Content>"));

    (void)state;
    T_EQ(push.count, 1);
    T_EQ(e->kind, EVENT_MESSAGE_RECEIVED);
    T_VIEW(e->contact, "oTest01");
    T_VIEW(e->text, "你好");
    T_VIEW(e->dedupe, "message|24000000000000001|oTest01");
    T_EQ(e->account.n, 0);
    T_EQ(e->at_ms, INT64_C(1735689600000));
    T_TRUE(e->passive && e->opens_window);
    T_VIEW(push.openid, "oTest01");
    T_VIEW(push.ours, "gh_0123456789ab");
    T_TRUE(!push.json);
}

static void other_messages_have_no_text_but_their_kind(void **state)
{
    static const char *const kinds[][4] = {
        {"image", "<PicUrl>http://p</PicUrl><MediaId>M1</MediaId>", "pic_url", "http://p"},
        {"voice", "<MediaId>M1</MediaId><Format>amr</Format>", "format", "amr"},
        {"video", "<MediaId>M1</MediaId><ThumbMediaId>T1</ThumbMediaId>", "thumb_media_id", "T1"},
        {"shortvideo", "<MediaId>M1</MediaId><ThumbMediaId>T1</ThumbMediaId>", "media_id", "M1"},
        {"location",
         "<Location_X>23.1</Location_X><Location_Y>113.3</Location_Y><Scale>20</Scale><Label>L</Label>",
         "latitude", "23.1"},
        {"link", "<Title>T</Title><Description>D</Description><Url>http://u</Url>", "url", "http://u"},
        {"miniprogrampage", "<Title>T</Title>", "title", "T"},
        {"file", "<Title>a.pdf</Title>", "title", "a.pdf"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        char text[1024];
        const struct event *e;

        (void)snprintf(text, sizeof(text),
                       HEAD
                       "<MsgType>%s</MsgType>%s<Content>not for this kind</Content><MsgId>7</MsgId></xml>",
                       kinds[i][0], kinds[i][1]);
        e = read_push(text);
        T_EQ(e->kind, EVENT_MESSAGE_RECEIVED);
        T_EQ(e->text.n, 0);
        T_TRUE(e->passive && e->opens_window);
        T_VIEW(e->dedupe, "message|7|oTest01");
        T_STR(data("msgtype"), kinds[i][0]);
        T_STR(data(kinds[i][2]), kinds[i][3]);
    }
}

/* The platform gives a tap on a message menu one minute, not two days. */
static void a_tap_on_a_message_menu_is_no_message(void **state)
{
    const struct event *e =
        read_push(MESSAGE("text", "<Content>满意</Content><bizmsgmenuid>101</bizmsgmenuid>"));

    (void)state;
    T_EQ(e->kind, EVENT_OFFICIAL_MENU);
    T_VIEW(e->text, "满意");
    T_VIEW(e->dedupe, "message|24000000000000001|oTest01");
    T_STR(data("menu_item"), "101");
}

static void a_new_follower_brings_the_scene(void **state)
{
    const struct event *e = read_push(EVENT("subscribe", KEY("qrscene_store-017") "<Ticket>gQH</Ticket>"));

    (void)state;
    T_EQ(e->kind, EVENT_OFFICIAL_FOLLOWED);
    T_VIEW(e->contact, "oTest01");
    T_VIEW(e->text, "store-017");
    T_STR(data("scene"), "store-017");
    T_STR(data("ticket"), "gQH");
    T_TRUE(e->passive && e->opens_window);
    T_VIEW(e->dedupe, "event|oTest01|1735689600|subscribe|qrscene_store-017");
    e = read_push(EVENT("subscribe", KEY("")));
    T_EQ(e->text.n, 0);
    T_STR(data("scene"), NULL);
}

static void followers_leave_scan_tap_and_move(void **state)
{
    static const struct {
        const char *text, *says;
        enum event_kind kind;
        bool passive, window;
    } pushes[] = {
        {EVENT("unsubscribe", KEY("")), "", EVENT_OFFICIAL_UNFOLLOWED, false, false},
        {EVENT("SCAN", KEY("store-017") "<Ticket>gQ</Ticket>"), "store-017", EVENT_OFFICIAL_SCANNED, true,
         true},
        {EVENT("CLICK", KEY("V1_COUPON")), "V1_COUPON", EVENT_OFFICIAL_MENU, true, true},
        {EVENT("scancode_push", KEY("K2")), "K2", EVENT_OFFICIAL_MENU, true, true},
        {EVENT("scancode_waitmsg",
               KEY("K3") "<ScanCodeInfo><ScanType>qrcode</ScanType><ScanResult>1</ScanResult>"
                         "</ScanCodeInfo>"),
         "K3", EVENT_OFFICIAL_MENU, true, true},
        {EVENT("LOCATION", "<Latitude>23.137466</Latitude><Longitude>113.352425</Longitude><Precision>119.4"
                           "</Precision>"),
         "", EVENT_OFFICIAL_LOCATED, false, false},
        /* these open no window, so they are no official.menu */
        {EVENT("VIEW", KEY("https://e.cn/") "<MenuId>9</MenuId>"), "https://e.cn/", EVENT_PLATFORM, false,
         false},
        {EVENT("view_miniprogram", KEY("pages/a")), "pages/a", EVENT_PLATFORM, false, false},
        {EVENT("pic_sysphoto", KEY("K4") "<SendPicsInfo><Count>1</Count></SendPicsInfo>"), "K4",
         EVENT_PLATFORM, false, false},
        {EVENT("location_select", KEY("K5")), "K5", EVENT_PLATFORM, false, false},
        {EVENT("user_authorization_revoke", "<OpenID>o</OpenID>"), "", EVENT_PLATFORM, false, false},
        {EVENT("kf_create_session", "<KfAccount>a@b</KfAccount>"), "", EVENT_PLATFORM, false, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pushes); i++) {
        const struct event *e = read_push(pushes[i].text);

        T_EQ(e->kind, pushes[i].kind);
        T_TRUE(str_is(e->text, pushes[i].says) || (e->text.n == 0 && !*pushes[i].says));
        T_EQ(e->passive, pushes[i].passive);
        T_EQ(e->opens_window, pushes[i].window);
        T_VIEW(e->contact, "oTest01");
        T_TRUE((data("body") != NULL) == (e->kind == EVENT_PLATFORM));
    }
    (void)read_push(pushes[4].text);
    T_STR(data("scan_result"), "1");
    (void)read_push(pushes[5].text);
    T_STR(data("longitude"), "113.352425");
}

static void two_events_of_one_second_are_two(void **state)
{
    char first[128];
    const struct event *e = read_push(EVENT("CLICK", KEY("A")));

    (void)state;
    (void)snprintf(first, sizeof(first), "%.*s", STR_ARG(e->dedupe));
    T_VIEW(read_push(EVENT("CLICK", KEY("A")))->dedupe, first);
    T_TRUE(!str_is(read_push(EVENT("CLICK", KEY("B")))->dedupe, first));
    T_TRUE(!str_is(read_push(EVENT("SCAN", KEY("A")))->dedupe, first));
}

static void a_template_message_gets_its_receipt(void **state)
{
    static const struct {
        const char *text;
        enum outcome verdict;
    } results[] = {
        {EVENT("TEMPLATESENDJOBFINISH", "<MsgID>200163836</MsgID><Status><![CDATA[success]]></Status>"),
         OUTCOME_DELIVERED},
        {EVENT("TEMPLATESENDJOBFINISH",
               "<MsgID>200163836</MsgID><Status><![CDATA[failed:user block]]></Status>"),
         OUTCOME_PERMANENT},
        {EVENT("TEMPLATESENDJOBFINISH",
               "<MsgID>200163836</MsgID><Status><![CDATA[failed: system failed]]></Status>"),
         OUTCOME_PERMANENT},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(results); i++) {
        const struct event *e = read_push(results[i].text);

        T_EQ(e->kind, EVENT_RECEIPT);
        T_EQ(e->verdict, results[i].verdict);
        T_VIEW(e->handle, "200163836");
        T_VIEW(e->contact, "oTest01");
        T_VIEW(e->dedupe, "job|TEMPLATESENDJOBFINISH|200163836");
        T_TRUE(!e->passive && !e->opens_window);
    }
}

#define MASS(status, total, filtered, sent, errors)                                                          \
    EVENT("MASSSENDJOBFINISH",                                                                               \
          "<MsgID>1000001625</MsgID><Status><![CDATA[" status "]]></Status><TotalCount>" total               \
          "</TotalCount><FilterCount>" filtered "</FilterCount><SentCount>" sent                             \
          "</SentCount><ErrorCount>" errors "</ErrorCount>")

static void a_mass_message_is_delivered_only_when_all_were_reached(void **state)
{
    const struct event *e = read_push(MASS("send success", "100", "100", "100", "0"));

    (void)state;
    T_EQ(e->kind, EVENT_RECEIPT);
    T_EQ(e->verdict, OUTCOME_DELIVERED);
    T_EQ(e->contact.n, 0);
    T_VIEW(e->handle, "1000001625");
    T_VIEW(e->dedupe, "job|MASSSENDJOBFINISH|1000001625");
    T_STR(data("total"), "100");
    T_STR(data("sent"), "100");
    T_EQ(read_push(MASS("send success", "100", "80", "75", "5"))->verdict, OUTCOME_PENDING);
    T_EQ(read_push(MASS("send success", "100", "99", "99", "0"))->verdict, OUTCOME_PENDING);
    T_EQ(read_push(MASS("send success", "0", "0", "0", "0"))->verdict, OUTCOME_PENDING);
    T_EQ(read_push(MASS("send fail", "100", "0", "0", "0"))->verdict, OUTCOME_PERMANENT);
}

static void a_refused_mass_message_says_why(void **state)
{
    const struct event *e = read_push(EVENT(
        "MASSSENDJOBFINISH",
        "<MsgID>1000001625</MsgID><Status><![CDATA[err(20013)]]></Status><TotalCount>0</"
        "TotalCount><FilterCount>0"
        "</FilterCount><SentCount>0</SentCount><ErrorCount>0</ErrorCount><CopyrightCheckResult><Count>1</"
        "Count>"
        "<ResultList><item><ArticleIdx>1</ArticleIdx><UserDeclareState>0</UserDeclareState><AuditState>2"
        "</AuditState><OriginalArticleUrl><![CDATA[u]]></OriginalArticleUrl><OriginalArticleType>1"
        "</OriginalArticleType><CanReprint>1</CanReprint><NeedReplaceContent>1</NeedReplaceContent>"
        "<NeedShowReprintSource>1</NeedShowReprintSource></item></ResultList><CheckState>2</CheckState>"
        "</CopyrightCheckResult>"));

    (void)state;
    T_EQ(e->verdict, OUTCOME_PERMANENT);
    T_EQ(json_int(e->data, "errcode", 0), 20013);
    T_STR(data("copyright_state"), "2");
}

static void each_row_of_a_notice_result_is_a_receipt(void **state)
{
    (void)state;
    (void)read_push(
        EVENT("subscribe_msg_sent_event",
              "<SubscribeMsgSentEvent><List><TemplateId>T1</TemplateId><MsgID>11</MsgID><ErrorCode>0"
              "</ErrorCode><ErrorStatus>success</ErrorStatus></List><List><TemplateId>T2</TemplateId>"
              "<MsgID>12</MsgID><ErrorCode>3</ErrorCode><ErrorStatus>refused</ErrorStatus></List>"
              "</SubscribeMsgSentEvent>"));
    T_EQ(push.count, 2);
    T_EQ(push.events[0].verdict, OUTCOME_DELIVERED);
    T_VIEW(push.events[0].handle, "11");
    T_EQ(push.events[1].verdict, OUTCOME_PERMANENT);
    T_VIEW(push.events[1].handle, "12");
    T_VIEW(push.events[1].dedupe, "job|subscribe_msg_sent_event|12");
    T_STR(json_str(push.events[1].data, "errcode", ""), "3");
    T_STR(json_str(push.events[1].data, "template", ""), "T2");
    T_VIEW(push.events[1].contact, "oTest01");
}

static void in_json_one_row_is_an_object_and_more_are_an_array(void **state)
{
    const struct event *e;

    (void)state;
    e = read_push(JSON_HEAD "\"MsgType\":\"event\",\"Event\":\"subscribe_msg_sent_event\","
                            "\"SubscribeMsgSentEvent\":{\"List\":{\"TemplateId\":\"T1\",\"MsgID\":"
                            "9007199254740993,\"ErrorCode\":0,\"ErrorStatus\":\"success\"}}}");
    T_EQ(push.count, 1);
    T_VIEW(e->handle, "9007199254740993"); /* more digits than a double has */
    T_EQ(e->verdict, OUTCOME_DELIVERED);
    (void)read_push(JSON_HEAD "\"MsgType\":\"event\",\"Event\":\"subscribe_msg_sent_event\","
                              "\"SubscribeMsgSentEvent\":{\"List\":[{\"MsgID\":\"1\",\"ErrorCode\":\"0\"},"
                              "{\"MsgID\":\"2\",\"ErrorCode\":\"5\"}]}}");
    T_EQ(push.count, 2);
    T_EQ(push.events[0].verdict, OUTCOME_DELIVERED);
    T_EQ(push.events[1].verdict, OUTCOME_PERMANENT);
    T_VIEW(push.events[1].handle, "2");
}

static void json_says_the_same_as_xml(void **state)
{
    const struct event *e =
        read_push(JSON_HEAD "\"MsgType\":\"text\",\"Content\":\"你好\",\"MsgId\":24000000000000001}");

    (void)state;
    T_TRUE(push.json);
    T_EQ(e->kind, EVENT_MESSAGE_RECEIVED);
    T_VIEW(e->text, "你好");
    T_VIEW(e->dedupe, "message|24000000000000001|oTest01");
    T_EQ(e->at_ms, INT64_C(1735689600000));
    e = read_push(JSON_HEAD
                  "\"MsgType\":\"event\",\"Event\":\"LOCATION\",\"Latitude\":23.5,\"Longitude\":113}");
    T_EQ(e->kind, EVENT_OFFICIAL_LOCATED);
    T_STR(data("latitude"), "23.5");
    T_STR(data("longitude"), "113");
    e = read_push(JSON_HEAD "\"MsgType\":\"event\",\"Event\":\"scancode_waitmsg\",\"EventKey\":\"K\","
                            "\"ScanCodeInfo\":{\"ScanType\":\"qrcode\",\"ScanResult\":\"2\"}}");
    T_EQ(e->kind, EVENT_OFFICIAL_MENU);
    T_STR(data("scan_result"), "2");
}

static void the_platforms_own_example_is_kept_whole(void **state)
{
    static const char text[] =
        "{\"ToUserName\":\"gh_97417a04a28d\",\"FromUserName\":\"o9AgO5Kd5ggOC-bXrbNODIiE3bGY\","
        "\"CreateTime\":"
        "1714112445,\"MsgType\":\"event\",\"Event\":\"debug_demo\",\"debug_str\":\"hello world\"}";
    const struct event *e = read_push(text);

    (void)state;
    T_EQ(e->kind, EVENT_PLATFORM);
    T_STR(data("event"), "debug_demo");
    T_STR(data("body"), text);
    T_VIEW(e->dedupe, "event|o9AgO5Kd5ggOC-bXrbNODIiE3bGY|1714112445|debug_demo|");
}

static void popups_with_rows_are_kept_whole(void **state)
{
    const struct event *e = read_push(EVENT(
        "subscribe_msg_popup_event",
        "<SubscribeMsgPopupEvent><List><TemplateId><![CDATA[T1]]></"
        "TemplateId><SubscribeStatusString><![CDATA["
        "accept]]></SubscribeStatusString><PopupScene>2</PopupScene></List><List><TemplateId><![CDATA[T2]]>"
        "</TemplateId><SubscribeStatusString><![CDATA[reject]]></SubscribeStatusString><PopupScene>2"
        "</PopupScene></List></SubscribeMsgPopupEvent>"));

    (void)state;
    T_EQ(push.count, 1);
    T_EQ(e->kind, EVENT_PLATFORM);
    T_TRUE(strstr(data("body"), "reject") != NULL);
}

static void what_is_no_push_is_refused(void **state)
{
    static const struct {
        const char *text;
        int err;
    } wrong[] = {
        {"", ERR_SYNTAX},
        {"<xml>", ERR_SYNTAX},
        {"{\"MsgType\":\"text\"", ERR_SYNTAX},
        {"[1]", ERR_SYNTAX},
        {"<xml><ToUserName>a</ToUserName></xml>", ERR_INVALID},
        {"{\"FromUserName\":\"o\"}", ERR_INVALID},
        {"<!DOCTYPE a [<!ENTITY b \"c\">]><xml><MsgType>&b;</MsgType></xml>", ERR_INVALID},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        T_ERR(official_push_read(&push, xml, str_of(wrong[i].text)), wrong[i].err);
}

static void an_absurd_time_is_no_time(void **state)
{
    (void)state;
    T_EQ(read_push(
             "<xml><FromUserName>o</FromUserName><CreateTime>-5</CreateTime><MsgType>text</MsgType></xml>")
             ->at_ms,
         0);
    T_EQ(read_push("{\"FromUserName\":\"o\",\"CreateTime\":9223372036854775807,\"MsgType\":\"text\"}")->at_ms,
         0);
    T_EQ(read_push("{\"FromUserName\":\"o\",\"CreateTime\":{\"a\":1},\"MsgType\":\"text\"}")->at_ms, 0);
}

static void without_memory_nothing_is_made_up(void **state)
{
    static const char *const texts[] = {
        MESSAGE("text", "<Content>hello</Content>"),
        JSON_HEAD "\"MsgType\":\"text\",\"Content\":\"hello\",\"MsgId\":24000000000000001}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        for (int n = 1; n < 1000; n++) {
            int r;

            official_push_fini(&push);
            mem_fail_at(n);
            r = official_push_read(&push, xml, str_of(texts[i]));
            if (!mem_fault_hit()) {
                T_OK(r);
                break;
            }
            mem_fail_at(0);
            T_ERR(r, -ENOMEM);
        }
        mem_fail_at(0);
        T_VIEW(push.events[0].dedupe, "message|24000000000000001|oTest01");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_text_message_is_received, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_messages_have_no_text_but_their_kind, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_tap_on_a_message_menu_is_no_message, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_new_follower_brings_the_scene, set_up, tear_down),
        cmocka_unit_test_setup_teardown(followers_leave_scan_tap_and_move, set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_events_of_one_second_are_two, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_template_message_gets_its_receipt, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_mass_message_is_delivered_only_when_all_were_reached, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_refused_mass_message_says_why, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_row_of_a_notice_result_is_a_receipt, set_up, tear_down),
        cmocka_unit_test_setup_teardown(in_json_one_row_is_an_object_and_more_are_an_array, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(json_says_the_same_as_xml, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_platforms_own_example_is_kept_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(popups_with_rows_are_kept_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_push_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_absurd_time_is_no_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_memory_nothing_is_made_up, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
