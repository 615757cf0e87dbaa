/* SPDX-License-Identifier: Apache-2.0 */
/* The process around the model: faces, faults, pushes, ledger and control, with a scripted gateway and a
 * client on the same loop. Nothing here waits but for what it asked: the loop runs until the awaited
 * callback. */
#include "support/asserts.h"

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "sandbox/control.h"
#include "sandbox/envelope.h"
#include "sandbox/face.h"
#include "sandbox/must.h"
#include "sandbox/push.h"
#include "sandbox/sbxml.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char conf_text[] =
    "{\"connections\":{"
    "\"corp\":{\"kind\":\"wecom\",\"corp_id\":\"ww1\",\"secret\":\"S\",\"token\":\"T\","
    "\"aes_key\":\"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY\"},"
    "\"hall\":{\"kind\":\"wecom-webhook\",\"key\":\"KEY\"},"
    "\"brand\":{\"kind\":\"official\",\"appid\":\"wx1\",\"secret\":\"S\",\"token\":\"T\",\"mode\":\"plain\"},"
    "\"half\":{\"kind\":\"official\",\"appid\":\"wx2\",\"secret\":\"S\",\"token\":\"T\",\"mode\":"
    "\"compatible\","
    "\"aes_key\":\"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY\"},"
    "\"sms\":{\"kind\":\"sms-aliyun\",\"access_key_id\":\"I\",\"access_key_secret\":\"S\",\"signature\":"
    "\"x\","
    "\"path_key\":\"P/1\"}},"
    "\"limits\":{\"push.answer\":40}}";

static struct {
    struct loop *loop;
    struct clock clock;
    struct http_client *http;
    struct front_door *door, *gateway;
    struct sb_model *model;
    struct sb_ledger ledger;
    struct sb_faces faces;
    struct sb_control control;
    struct sb_pusher *pusher;
    char gateway_url[64];
    /* the scripted gateway */
    int refuse;         /* so many pushes are answered 503 */
    const char *answer; /* else this */
    bool echo;          /* or, to a GET, its echostr */
    int asked;
    char path[200], query[400], body[4000];
    int stopped;
} t;

static void on_entry(void *ctx, const struct sb_entry *e)
{
    (void)ctx;
    sb_ledger_add(&t.ledger, e);
}

static void on_push(void *ctx, struct sb_push *p)
{
    (void)ctx;
    T_OK(sb_pusher_add(t.pusher, p));
}

static void on_changed(void *ctx)
{
    (void)ctx;
}

static void copy_view(char *to, size_t size, struct str from)
{
    (void)snprintf(to, size, "%.*s", STR_ARG(from));
}

static void on_hook(void *ctx, const struct http_request *r)
{
    bool refuse = t.refuse > 0;
    struct buf echo;

    (void)ctx;
    t.asked++;
    t.refuse -= refuse;
    copy_view(t.path, sizeof(t.path), r->path);
    copy_view(t.query, sizeof(t.query), r->query);
    copy_view(t.body, sizeof(t.body), r->body);
    if (t.echo && r->verb == VERB_GET) {
        buf_init(&echo, 400);
        T_OK(str_query_get(r->query, "echostr", &echo));
        http_reply(t.gateway, r->id, &(struct http_reply){.status = 200, .body = buf_str(&echo)});
        buf_fini(&echo);
        return;
    }
    http_reply(t.gateway, r->id,
               &(struct http_reply){.status = refuse ? 503 : 200, .body = str_of(refuse ? "" : t.answer)});
}

static void open_all(void)
{
    struct sb_sink sink = {.entry = on_entry, .push = on_push};
    struct front_door_conf door = {0};
    json_t *conf = json_loads(conf_text, 0, NULL);
    struct diag diag;

    memset(&t, 0, sizeof(t));
    log_set_level(LOG_OFF);
    t.answer = "";
    clock_init_manual(&t.clock, 1767225600000, 0);
    diag_init(&diag, 4);
    T_OK(loop_new(&t.loop));
    T_OK(http_client_new(t.loop, NULL, &t.http));
    T_OK(front_door_new(t.loop, &door, &t.door));
    T_OK(front_door_new(t.loop, &door, &t.gateway));
    T_OK(front_door_route(t.gateway, VERB_POST | VERB_GET, "/hooks/", 100000, on_hook, NULL));
    T_OK(front_door_listen(t.gateway, "127.0.0.1:0"));
    (void)snprintf(t.gateway_url, sizeof(t.gateway_url), "http://127.0.0.1:%d", front_door_port(t.gateway));
    T_OK(sb_ledger_open(&t.ledger, NULL));
    T_OK(sb_model_new(conf, 1, &sink, clock_wall_ms(&t.clock), &t.model, &diag));
    t.pusher = sb_pusher_new(&(struct sb_pusher_conf){.loop = t.loop,
                                                      .http = t.http,
                                                      .clock = &t.clock,
                                                      .model = t.model,
                                                      .ledger = &t.ledger,
                                                      .gateway = t.gateway_url});
    t.faces = (struct sb_faces){
        .loop = t.loop, .door = t.door, .clock = &t.clock, .model = t.model, .changed = on_changed};
    t.control = (struct sb_control){.door = t.door,
                                    .clock = &t.clock,
                                    .model = t.model,
                                    .faces = &t.faces,
                                    .pusher = t.pusher,
                                    .ledger = &t.ledger,
                                    .changed = on_changed};
    T_OK(sb_faces_open(&t.faces));
    T_OK(sb_control_open(&t.control));
    T_OK(front_door_listen(t.door, "127.0.0.1:0"));
    diag_fini(&diag);
    json_decref(conf);
}

static void on_stopped(void *ctx)
{
    (void)ctx;
    if (++t.stopped == 3)
        loop_stop(t.loop);
}

static void close_all(void)
{
    sb_pusher_stop(t.pusher, on_stopped, NULL);
    front_door_stop(t.door, 0, on_stopped, NULL);
    front_door_stop(t.gateway, 0, on_stopped, NULL);
    loop_run(t.loop);
    sb_faces_close(&t.faces);
    front_door_free(t.door);
    front_door_free(t.gateway);
    sb_pusher_free(t.pusher);
    http_client_free(t.http);
    loop_free(t.loop);
    sb_model_free(t.model);
    sb_ledger_close(&t.ledger);
}

/* One request and its end. */

static struct {
    struct http_xfer xfer;
    enum http_end end;
    json_t *answer;
} asked;

static void on_done(struct http_xfer *x, enum http_end end)
{
    (void)x;
    asked.end = end;
    loop_stop(t.loop);
}

static enum http_end ask(const char *path, const char *body)
{
    char url[300];

    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", front_door_port(t.door), path);
    asked.xfer = (struct http_xfer){.method = body != NULL ? "POST" : "GET",
                                    .url = url,
                                    .body = str_of(body),
                                    .deadline_ms = 5000,
                                    .send_once = true,
                                    .done = on_done};
    T_OK(http_start(t.http, &asked.xfer));
    loop_run(t.loop);
    json_decref(asked.answer);
    asked.answer = json_loadb(buf_cstr(&asked.xfer.answer), asked.xfer.answer.len, 0, NULL);
    http_xfer_fini(&asked.xfer);
    return asked.end;
}

static void control(const char *route, const char *body)
{
    char path[100];

    (void)snprintf(path, sizeof(path), "/_sandbox/%s", route);
    T_EQ(ask(path, body), HTTP_DONE);
    T_EQ(asked.xfer.status, 200);
}

static enum http_end webhook(void)
{
    return ask("/wecom/cgi-bin/webhook/send?key=KEY", "{\"msgtype\":\"text\",\"text\":{\"content\":\"x\"}}");
}

/* The n-th line from the end. */
static json_t *line(int64_t back)
{
    const char *text = t.ledger.lines[(t.ledger.seq - back) % SB_LEDGER_KEPT];

    return json_loads(text, 0, NULL);
}

static void line_is(int64_t back, const char *op, int64_t errcode, bool replied)
{
    json_t *o = line(back);

    T_STR(json_str(o, "op", ""), op);
    T_EQ(json_int(o, "errcode", -99), errcode);
    T_EQ(json_flag(o, "replied", !replied), replied);
    json_decref(o);
}

static void a_call_is_answered_and_written_down(void)
{
    json_t *o;

    open_all();
    T_EQ(webhook(), HTTP_DONE);
    T_EQ(json_int(asked.answer, "errcode", -1), 0);
    T_EQ(t.ledger.seq, 1);
    line_is(0, "webhook/send", 0, true);
    o = line(0);
    T_STR(json_str(o, "connection", ""), "hall");
    T_EQ(json_int(o, "t_ms", 0), 1767225600000);
    T_EQ(strlen(json_str(o, "body_sha256", "")), 64);
    json_decref(o);
    close_all();
}

static void a_cut_call_leaves_no_line_and_a_dropped_reply_does(void)
{
    open_all();
    control("faults", "{\"connection\":\"hall\",\"fate\":\"cut\"}");
    control("faults", "{\"connection\":\"hall\",\"path\":\"webhook/send\",\"fate\":\"drop-reply\"}");
    T_EQ(webhook(), HTTP_UNKNOWN);
    T_EQ(t.ledger.seq, 0);
    T_EQ(webhook(), HTTP_UNKNOWN);
    T_EQ(t.ledger.seq, 1);
    line_is(0, "webhook/send", 0, false);
    T_EQ(webhook(), HTTP_DONE);
    T_EQ(t.ledger.seq, 2);
    close_all();
}

static void refusals_can_be_ordered(void)
{
    open_all();
    control("faults", "{\"connection\":\"hall\",\"fate\":\"throttle\",\"times\":2}");
    T_EQ(webhook(), HTTP_DONE);
    T_EQ(json_int(asked.answer, "errcode", 0), 45009);
    line_is(0, "webhook/send", 45009, true);
    T_EQ(webhook(), HTTP_DONE);
    control("faults", "{\"connection\":\"hall\",\"fate\":\"error\",\"errcode\":-1}");
    T_EQ(webhook(), HTTP_DONE);
    T_EQ(json_int(asked.answer, "errcode", 0), -1);
    control("faults", "{\"connection\":\"hall\",\"fate\":\"ban\"}");
    for (int i = 0; i < 3; i++) {
        T_EQ(webhook(), HTTP_DONE);
        T_EQ(json_int(asked.answer, "errcode", 0), 93004);
    }
    control("faults", "{\"fate\":\"clear\"}");
    T_EQ(webhook(), HTTP_DONE);
    T_EQ(json_int(asked.answer, "errcode", -1), 0);
    close_all();
}

/* A delayed call is judged when it is done; a slow reply was done before. */
static struct timer step;

static void on_step(struct timer *timer)
{
    clock_advance(&t.clock, 1000);
    timer_close(timer, NULL);
}

static void a_delay_moves_the_call_and_a_slow_reply_only_the_answer(void)
{
    json_t *o;

    open_all();
    control("faults", "{\"fate\":\"delay\",\"ms\":40}");
    timer_init(t.loop, &step);
    timer_start(&step, 10, on_step);
    T_EQ(webhook(), HTTP_DONE);
    o = line(0);
    T_EQ(json_int(o, "t_ms", 0), 1767225601000);
    json_decref(o);
    control("faults", "{\"fate\":\"slow-reply\",\"ms\":40}");
    timer_init(t.loop, &step);
    timer_start(&step, 10, on_step);
    T_EQ(webhook(), HTTP_DONE);
    o = line(0);
    T_EQ(json_int(o, "t_ms", 0), 1767225601000);
    json_decref(o);
    close_all();
}

static void a_bad_order_is_refused_with_its_reason(void)
{
    open_all();
    T_EQ(ask("/_sandbox/events", "{\"connection\":\"corp\",\"kind\":\"contact.aded\"}"), HTTP_DONE);
    T_EQ(asked.xfer.status, 400);
    T_STR(json_str(json_object_get(asked.answer, "error"), "message", ""),
          "kind: unknown kind \"contact.aded\"");
    T_EQ(ask("/_sandbox/events", "{broken"), HTTP_DONE);
    T_EQ(asked.xfer.status, 400);
    T_EQ(ask("/_sandbox/faults", "{\"fate\":\"explode\"}"), HTTP_DONE);
    T_EQ(asked.xfer.status, 400);
    T_EQ(ask("/wecom/cgi-bin/gettoken?corpid=%ff", NULL), HTTP_DONE);
    T_EQ(asked.xfer.status, 400);
    close_all();
}

static void the_ledger_is_read_behind_a_number(void)
{
    open_all();
    for (int i = 0; i < 3; i++)
        T_EQ(webhook(), HTTP_DONE);
    T_EQ(ask("/_sandbox/ledger?after=2", NULL), HTTP_DONE);
    T_EQ(json_int(asked.answer, "seq", 0), 3); /* the one line is one JSON value */
    T_EQ(ask("/_sandbox/ledger?after=3", NULL), HTTP_DONE);
    T_TRUE(asked.answer == NULL);
    close_all();
}

/* pushes */

static void on_look(struct timer *timer)
{
    struct sb_pusher_load load = sb_pusher_load(t.pusher);

    if (load.waiting + load.sending + load.resting > 0) {
        timer_start(timer, 5, on_look);
        return;
    }
    timer_close(timer, NULL);
    loop_stop(t.loop);
}

/* Until every push is delivered or given up. */
static void let_pushes_end(void)
{
    timer_init(t.loop, &step);
    timer_start(&step, 1, on_look);
    loop_run(t.loop);
}

static void push_is(int64_t back, int64_t attempt, bool acknowledged)
{
    json_t *o = line(back);

    T_STR(json_str(o, "op", ""), "push");
    T_EQ(json_int(o, "attempt", 0), attempt);
    T_EQ(json_flag(o, "acknowledged", !acknowledged), acknowledged);
    json_decref(o);
}

static void a_push_is_sealed_and_signed_for_its_connection(void)
{
    unsigned char key[SB_AES_KEY];
    json_t *envelope = NULL;
    char *inner = NULL, signature[SB_SHA1_HEX];
    size_t n;
    struct buf time, nonce, given;

    open_all();
    control("events",
            "{\"connection\":\"corp\",\"kind\":\"contact.added\",\"userid\":\"li\",\"customer\":\"wma\"}");
    let_pushes_end();
    T_EQ(t.asked, 1);
    T_STR(t.path, "/hooks/corp");
    T_OK(sb_xml_read(t.body, strlen(t.body), &envelope));
    T_STR(json_str(envelope, "ToUserName", ""), "ww1");
    T_OK(sb_aes_key("QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY", key));
    T_OK(sb_open(key, "ww1", json_str(envelope, "Encrypt", ""), &inner, &n));
    T_TRUE(strstr(inner, "add_external_contact") != NULL);
    buf_init(&time, 100);
    buf_init(&nonce, 100);
    buf_init(&given, 100);
    T_OK(str_query_get(str_of(t.query), "timestamp", &time));
    T_OK(str_query_get(str_of(t.query), "nonce", &nonce));
    T_OK(str_query_get(str_of(t.query), "msg_signature", &given));
    T_STR(buf_cstr(&time), "1767225600");
    T_TRUE(sb_sign(
        (const char *const[]){"T", buf_cstr(&time), buf_cstr(&nonce), json_str(envelope, "Encrypt", "")}, 4,
        signature));
    T_STR(buf_cstr(&given), signature);
    push_is(0, 1, true);
    buf_fini(&time);
    buf_fini(&nonce);
    buf_fini(&given);
    free(inner);
    json_decref(envelope);
    close_all();
}

static void a_failing_gateway_is_asked_three_times_in_all(void)
{
    open_all();
    t.refuse = 2;
    control("events",
            "{\"connection\":\"corp\",\"kind\":\"contact.added\",\"userid\":\"li\",\"customer\":\"wma\"}");
    let_pushes_end();
    T_EQ(t.asked, 3);
    push_is(2, 1, false);
    push_is(1, 2, false);
    push_is(0, 3, true);
    t.refuse = 9;
    control("events",
            "{\"connection\":\"corp\",\"kind\":\"contact.added\",\"userid\":\"li\",\"customer\":\"wmb\"}");
    let_pushes_end();
    T_EQ(t.asked, 6);
    push_is(0, 3, false);
    close_all();
}

static void a_passive_reply_is_written_down_with_its_text(void)
{
    json_t *o;

    open_all();
    t.answer =
        "<xml><ToUserName><![CDATA[o1]]></ToUserName><FromUserName><![CDATA[gh_sandbox0000]]></FromUserName>"
        "<CreateTime>1767225600</CreateTime><MsgType><![CDATA[text]]></MsgType>"
        "<Content><![CDATA[您好]]></Content></xml>";
    control("events",
            "{\"connection\":\"brand\",\"kind\":\"official.message\",\"customer\":\"o1\",\"text\":\"hi\"}");
    let_pushes_end();
    T_TRUE(strstr(t.query, "openid=o1") != NULL && strstr(t.query, "msg_signature") == NULL);
    T_TRUE(strstr(t.body, "<Content><![CDATA[hi]]></Content>") != NULL);
    line_is(0, "passive", 0, true);
    o = line(0);
    T_STR(json_str(o, "text", ""), "您好");
    json_decref(o);
    t.answer = "<html>oops</html>";
    control("events",
            "{\"connection\":\"brand\",\"kind\":\"official.message\",\"customer\":\"o1\",\"text\":\"hi\"}");
    let_pushes_end();
    line_is(0, "passive", -40002, true);
    t.answer = "success";
    control("events",
            "{\"connection\":\"brand\",\"kind\":\"official.message\",\"customer\":\"o1\",\"text\":\"hi\"}");
    let_pushes_end();
    line_is(0, "push", 0, true);
    close_all();
}

static void compatible_mode_carries_both_texts(void)
{
    open_all();
    control("events",
            "{\"connection\":\"half\",\"kind\":\"official.message\",\"customer\":\"o1\",\"text\":\"hi\"}");
    let_pushes_end();
    T_TRUE(strstr(t.query, "encrypt_type=aes&msg_signature=") != NULL);
    T_TRUE(strstr(t.body, "<Content><![CDATA[hi]]></Content>") != NULL);
    T_TRUE(strstr(t.body, "<Encrypt><![CDATA[") != NULL);
    close_all();
}

static void a_callback_address_is_checked_by_its_echo(void)
{
    struct buf echo;
    char *text = NULL;
    unsigned char key[SB_AES_KEY];
    size_t n;

    open_all();
    control("events", "{\"connection\":\"corp\",\"kind\":\"verify\"}");
    let_pushes_end();
    push_is(0, 1, false); /* the scripted gateway answers nothing */
    buf_init(&echo, 400);
    T_OK(str_query_get(str_of(t.query), "echostr", &echo));
    T_OK(sb_aes_key("QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY", key));
    T_OK(sb_open(key, "ww1", buf_cstr(&echo), &text, &n));
    T_EQ(strspn(text, "0123456789"), n);
    t.echo = true;
    control("events", "{\"connection\":\"brand\",\"kind\":\"verify\"}");
    let_pushes_end();
    push_is(0, 1, true);
    T_EQ(ask("/_sandbox/events", "{\"connection\":\"hall\",\"kind\":\"verify\"}"), HTTP_DONE);
    T_EQ(asked.xfer.status, 400);
    free(text);
    buf_fini(&echo);
    close_all();
}

static void an_sms_push_carries_the_path_key(void)
{
    open_all();
    t.answer = "{\"code\":0,\"msg\":\"ok\"}";
    control("events",
            "{\"connection\":\"sms\",\"kind\":\"sms.mo\",\"phone\":\"13900000000\",\"content\":\"R\"}");
    let_pushes_end();
    T_STR(t.path, "/hooks/sms/up");
    T_STR(t.query, "key=P%2F1");
    push_is(0, 1, true);
    close_all();
}

static void sms_pushes_are_repeated_after_1_5_and_10_minutes(void)
{
    static const int64_t minutes[] = {1, 5, 10, -1};
    struct sb_connection sms = {.kind = SB_KIND_ALIYUN}, corp = {.kind = SB_KIND_WECOM};
    struct sb_push p = {.connection = &sms};
    struct sb_push_verdict v;
    struct sb_model m = {0};

    memcpy(m.limits, sb_limits, sizeof(m.limits));
    for (p.attempts = 1; p.attempts <= 4; p.attempts++) {
        v = sb_push_judge(&m, &p, HTTP_DONE, 200, STR("{\"code\":\"0\"}"));
        T_TRUE(!v.acknowledged && !v.real_time);
        T_EQ(v.again_ms, minutes[p.attempts - 1] < 0 ? -1 : minutes[p.attempts - 1] * SB_MINUTE);
    }
    p.attempts = 1;
    T_TRUE(sb_push_judge(&m, &p, HTTP_DONE, 200, STR("{\"code\":0}")).acknowledged);
    T_TRUE(!sb_push_judge(&m, &p, HTTP_DONE, 500, STR("{\"code\":0}")).acknowledged);
    p.connection = &corp;
    v = sb_push_judge(&m, &p, HTTP_DONE, 403, STR(""));
    T_TRUE(!v.acknowledged && v.again_ms == -1);
    v = sb_push_judge(&m, &p, HTTP_UNKNOWN, 0, STR(""));
    T_TRUE(!v.acknowledged && v.real_time && v.again_ms == 5000);
    p.attempts = 3;
    T_EQ(sb_push_judge(&m, &p, HTTP_NOT_SENT, 0, STR("")).again_ms, -1);
}

/* the ledger's file */

static void a_ledger_continues_its_file(void)
{
    char path[] = "/tmp/siyu-ledger-XXXXXX";
    int fd = mkstemp(path);
    struct sb_ledger l;
    struct sb_entry e = {.t_ms = 5, .op = "x", .replied = true};
    struct buf lines;

    T_TRUE(fd >= 0);
    (void)close(fd);
    buf_init(&lines, 10000);
    T_OK(sb_ledger_open(&l, path));
    sb_ledger_add(&l, &e);
    sb_ledger_add(&l, &e);
    sb_ledger_close(&l);
    T_OK(sb_ledger_open(&l, path));
    sb_ledger_add(&l, &e);
    T_EQ(l.seq, 3);
    sb_ledger_read(&l, 0, 10, &lines); /* older ones are in the file only */
    T_TRUE(strncmp(buf_cstr(&lines), "{\"seq\":3,\"t_ms\":5,", 18) == 0);
    sb_ledger_close(&l);
    buf_fini(&lines);
    T_EQ(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T_CASE(a_call_is_answered_and_written_down),
        T_CASE(a_cut_call_leaves_no_line_and_a_dropped_reply_does),
        T_CASE(refusals_can_be_ordered),
        T_CASE(a_delay_moves_the_call_and_a_slow_reply_only_the_answer),
        T_CASE(a_bad_order_is_refused_with_its_reason),
        T_CASE(the_ledger_is_read_behind_a_number),
        T_CASE(a_push_is_sealed_and_signed_for_its_connection),
        T_CASE(a_failing_gateway_is_asked_three_times_in_all),
        T_CASE(a_passive_reply_is_written_down_with_its_text),
        T_CASE(compatible_mode_carries_both_texts),
        T_CASE(a_callback_address_is_checked_by_its_echo),
        T_CASE(an_sms_push_carries_the_path_key),
        T_CASE(sms_pushes_are_repeated_after_1_5_and_10_minutes),
        T_CASE(a_ledger_continues_its_file),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    json_decref(asked.answer);
    return failed;
}
