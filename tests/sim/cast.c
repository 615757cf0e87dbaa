/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/cast.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/shanghai.h"
#include "sandbox/event.h"
#include "sandbox/model.h"
#include "sim/oracle.h"
#include "sim/sim.h"

enum { MANY = 5, PLAYBOOK_BYTES = 1 << 20 };
#define HOUR_MS INT64_C(3600000)

/* ---- the platforms ---- */

static json_t *connections(void)
{
    static const char key[] = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY";

    return json_pack("{s:{s:s,s:s,s:s,s:s,s:i,s:s}, s:{s:s,s:s,s:s,s:s,s:s,s:s}, s:{s:s,s:s}, s:{s:s,s:s},"
                     " s:{s:s,s:s,s:s,s:s,s:s,s:s,s:s}, s:{s:s,s:s,s:s,s:s,s:s}}",
                     "corp", "kind", "wecom", "corp_id", "ww1", "secret", "S", "token", "T", "agent_id", 7,
                     "aes_key", key, "kf", "kind", "wecom-kf", "corp_id", "ww1", "secret", "K", "token", "T",
                     "open_kfid", "wk1", "aes_key", key, "hall", "kind", "wecom-webhook", "key", "hall-key",
                     "club", "kind", "wecom-webhook", "key", "club-key", "brand", "kind", "official", "appid",
                     "wx1", "secret", "S", "token", "T", "aes_key", key, "mode", "safe", "account_type",
                     "service", "sms", "kind", "sms-aliyun", "access_key_id", "I", "access_key_secret", "S",
                     "signature", "品牌", "path_key", "P");
}

static json_t *tag_of_all(const struct sim *s)
{
    json_t *names = json_array();

    for (int i = 0; i < s->script.customers; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "c%d", i);
        (void)json_array_append_new(names, json_string(name));
    }
    return json_pack("[{s:s, s:s, s:i, s:o}]", "connection", "brand", "name", "vip", "id", 101, "customers",
                     names);
}

json_t *cast_platforms(const struct sim *s)
{
    json_t *people = json_array();

    for (int i = 0; i < s->script.customers; i++) {
        char name[16], phone[16];
        (void)snprintf(name, sizeof name, "c%d", i);
        (void)snprintf(phone, sizeof phone, "139%08d", i);
        (void)json_array_append_new(people, json_pack("{s:s, s:s}", "name", name, "connection", "brand"));
        (void)json_array_append_new(
            people, json_pack("{s:s, s:s, s:s}", "name", name, "connection", "sms", "id", phone));
    }
    json_t *members = json_pack("[{s:s, s:s, s:i}, {s:s, s:s, s:i}]", "userid", "zhangsan", "confirm", "auto",
                                "after_ms", 30000, "userid", "lisi", "confirm",
                                s->script.member_never_confirms ? "never" : "auto", "after_ms", 3000000);
    return json_pack("{s:o, s:{s:o, s:o, s:o}}", "connections", connections(), "seed", "members", members,
                     "customers", people, "tags", tag_of_all(s));
}

/* ---- the playbook ---- */

static void add_rules(struct buf *out)
{
    (void)buf_adds(
        out, "rules:\n"
             "  - {id: hello, on: contact.added, do: [{send: hello}, {tag: new}]}\n"
             "  - {id: enter, on: kf.entered, from: [kf], do: [{send: enter}]}\n"
             "  - {id: follow, on: official.followed, from: [brand], do: [{send: follow}]}\n"
             "  - {id: menu, on: official.menu, from: [brand], do: [{send: menu}]}\n"
             "  - {id: one, on: message.received, from: [kf, brand], keyword: {contains: [问]}, "
             "do: [{send: r0}]}\n"
             "  - {id: many, on: message.received, from: [kf, brand], keyword: {contains: [多]}, do: [");
    for (int i = 0; i < MANY; i++)
        (void)buf_addf(out, "%s{send: r%d}", i ? ", " : "", i);
    (void)buf_adds(out, "]}\n  - {id: consent, on: message.received, from: [sms], do: [{tag: opted}]}\n");
}

static void add_templates(struct buf *out, const struct script *x)
{
    (void)buf_adds(out, "templates:\n"
                        "  hello: {text: \"hello {{ event.text }}\"}\n"
                        "  enter: {text: \"enter {{ event.text }}\"}\n"
                        "  follow: {text: \"follow {{ event.text }}\"}\n"
                        "  menu: {text: \"menu {{ event.text }}\"}\n");
    for (int i = 0; i < MANY; i++)
        (void)buf_addf(out, "  r%d: {text: \"%d {{ event.text }}\"}\n", i, i);
    for (int i = 0; i < x->hall_broadcasts; i++)
        (void)buf_addf(out, "  h%d: {text: \"hall %d\"}\n", i, i);
    for (int i = 0; i < x->task_broadcasts; i++)
        (void)buf_addf(out, "  t%d: {text: \"task %d\"}\n", i, i);
    for (int i = 0; i < x->mass_broadcasts; i++)
        (void)buf_addf(out, "  m%d: {text: \"mass %d\"}\n", i, i);
    for (int i = 0; i < x->sms_broadcasts; i++)
        (void)buf_addf(out, "  s%d: {sms: {text: \"sms %d，拒收请回复R\", provider_template: SMS_%d}}\n", i,
                       i, 1000 + i);
}

static int64_t daytime(int64_t at_ms)
{
    int64_t of_day = shanghai_ms_of_day(at_ms), day = at_ms - of_day;

    if (of_day >= 9 * HOUR_MS && of_day < 17 * HOUR_MS)
        return at_ms;
    return day + 9 * HOUR_MS + (of_day < 9 * HOUR_MS ? 0 : 24 * HOUR_MS);
}

static void add_broadcast(struct sim *s, struct buf *out, char kind, int i, const char *on, const char *to)
{
    int64_t at = s->start_ms + 60000 + chance_below(&s->chance, s->script.acts_ms);
    static const char *const missed[] = {"once", "skip"};

    if (kind == 'h' && s->script.hall_burst)
        at = s->start_ms + 60000 + (at - s->start_ms) % 180000;

    if (s->script.broadcast_gap_ms)
        at = s->start_ms + 60000 + (i + 1) * s->script.broadcast_gap_ms;
    if (kind == 's') /* promotions are taken in the daytime only */
        at = daytime(at);
    struct civil t = shanghai_civil(at);
    (void)buf_addf(
        out, "  %c%d: {on: %s, at: %04d-%02d-%02dT%02d:%02d, missed: %s, to: %s, send: %c%d, expires: %dh}\n",
        kind, i, on, t.year, t.month, t.day, t.hour, t.minute, missed[chance_below(&s->chance, 2)], to, kind,
        i, kind == 's' ? 3 : 2 + (int)chance_below(&s->chance, 10));
}

static void add_broadcasts(struct sim *s, struct buf *out)
{
    const struct script *x = &s->script;

    if (x->hall_broadcasts + x->task_broadcasts + x->mass_broadcasts + x->sms_broadcasts == 0)
        return;
    (void)buf_adds(out, "broadcasts:\n");
    for (int i = 0; i < x->hall_broadcasts; i++)
        add_broadcast(s, out, 'h', i, i % 5 ? "hall" : "club", "{groups: all}");
    for (int i = 0; i < x->task_broadcasts; i++)
        add_broadcast(s, out, 't', i, "corp", "{contacts: {tag: new}}");
    for (int i = 0; i < x->mass_broadcasts; i++)
        add_broadcast(s, out, 'm', i, "brand", "{contacts: {tag: vip}}");
    for (int i = 0; i < x->sms_broadcasts; i++)
        add_broadcast(s, out, 's', i, "sms", "{contacts: {tag: opted}}");
}

char *cast_playbook(struct sim *s)
{
    struct buf out;

    buf_init(&out, PLAYBOOK_BYTES);
    (void)buf_adds(&out, "playbook: sim\n");
    add_templates(&out, &s->script);
    add_rules(&out);
    add_broadcasts(s, &out);
    if (s->script.operator_limits)
        (void)buf_adds(&out, "limits: {account: {gap: 2s, minute: 15}, recipient: {day: 3}}\n");
    if (s->script.quiet_hours)
        (void)buf_adds(&out, "quiet_hours: {from: \"10:10\", to: \"11:00\"}\n");
    char *text = buf_take(&out);
    sim_must(text != NULL, "memory");
    return text;
}

/* ---- customers ---- */

int cast_wants(enum event_kind kind, struct str text)
{
    if (kind != EVENT_MESSAGE_RECEIVED)
        return -1;
    if (str_find(text, STR("问")) < text.n)
        return 1;
    return str_find(text, STR("多")) < text.n ? MANY : 0;
}

struct act {
    struct sim *sim;
    int number;
};

struct deed {
    int weight;
    const char *connection, *kind;
    const char *text; /* of messages: the word, the number follows; of others what is wanted */
};

static const struct deed deeds[] = {
    {340, "kf", "kf.message", "问"},
    {120, "kf", "kf.message", "多"},
    {40, "kf", "kf.message", "你好"},
    {120, "brand", "official.message", "问"},
    {60, "brand", "official.message", "多"},
    {20, "brand", "official.message", "你好"},
    {100, "corp", "contact.added", ""},
    {30, "corp", "contact.half_added", ""},
    {25, "corp", "contact.lost", ""},
    {40, "brand", "official.subscribe", ""},
    {15, "brand", "official.unsubscribe", ""},
    {30, "brand", "official.click", "K"},
    {30, "kf", "kf.enter", ""},
    {25, "sms", "sms.mo", "好"},
    {5, "sms", "sms.mo", "R"},
};

static const struct deed *draw_deed(struct sim *s)
{
    int64_t x = chance_below(&s->chance, 1000);

    for (size_t i = 0; i < sizeof deeds / sizeof deeds[0]; i++)
        if ((x -= deeds[i].weight) < 0)
            return &deeds[i];
    return &deeds[0];
}

static void tell_oracle(struct sim *s, const char *kind, const char *id, int64_t platform_ms)
{
    if (strcmp(kind, "kf.message") == 0)
        oracle_spoke(s->oracle, id, platform_ms);
    if (strcmp(kind, "official.subscribe") == 0 || strcmp(kind, "official.unsubscribe") == 0)
        oracle_follows(s->oracle, id, strcmp(kind, "official.subscribe") == 0);
}

/* Nobody follows whom he follows already; he scans a code. */
static const char *kind_of(struct sim *s, const struct deed *d, const char *name)
{
    const char *id = sb_model_id_of(s->model, sb_model_connection(s->model, d->connection), name);
    bool stranger = id && oracle_is_stranger(s->oracle, id);

    if (strcmp(d->kind, "official.subscribe") == 0 && !stranger)
        return "official.scan";
    return strcmp(d->kind, "official.unsubscribe") == 0 && stranger ? "official.subscribe" : d->kind;
}

static void on_act(void *ctx)
{
    struct act *a = ctx;
    struct sim *s = a->sim;
    const struct deed *d = draw_deed(s);
    char name[16], text[64];
    int64_t now = sim_platform_now(s);
    json_t *ret = NULL;
    struct diag diag;
    bool is_r = strcmp(d->text, "R") == 0;

    (void)snprintf(name, sizeof name, "c%lld", (long long)chance_below(&s->chance, s->script.customers));
    const char *kind = kind_of(s, d, name);
    (void)snprintf(text, sizeof text, is_r ? "%s" : "%s #%d", d->text, a->number);
    mem_free(a);
    json_t *spec =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i}", "connection", d->connection, "kind",
                  kind, "customer", name, "text", text, "content", text, "key", text, "scene", text, "state",
                  text, "userid", chance_hit(&s->chance, 600) ? "zhangsan" : "lisi", "times",
                  chance_hit(&s->chance, 30) && strcmp(d->connection, "brand") != 0 ? 3 : 1);
    sim_tracef(s, "cast   %s %s %s %s: %s", name, d->connection, kind, json_str(spec, "userid", ""), text);
    diag_init(&diag, 5);
    int err = sb_event(s->model, spec, now, &ret, &diag);
    if (err && diag_count(&diag))
        (void)fprintf(stderr, "%s\n", diag_text(&diag, 0));
    sim_must(err == 0, "an act");
    diag_fini(&diag);
    tell_oracle(s, kind, json_str(json_array_get(json_object_get(ret, "done"), 0), "id", ""), now);
    json_decref(ret);
    json_decref(spec);
}

static void act_at(struct sim *s, int number, int64_t delay_ms)
{
    struct act *a = mem_alloc(sizeof *a);

    sim_must(a != NULL, "memory");
    *a = (struct act){s, number};
    sim_later(s, delay_ms, on_act, NULL, a);
}

/* Alone, or several within moments. */
void cast_schedule(struct sim *s)
{
    for (int i = 0; i < s->script.acts;) {
        int64_t at = chance_below(&s->chance, s->script.acts_ms);
        int together = chance_hit(&s->chance, 150) ? (int)chance_between(&s->chance, 2, 8) : 1;
        for (; together-- && i < s->script.acts; i++)
            act_at(s, i, at + chance_below(&s->chance, 3000));
    }
}
