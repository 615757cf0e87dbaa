/* SPDX-License-Identifier: Apache-2.0 */
/* One row a kind: the platform it belongs to and who plays it. */
#include "sandbox/event.h"

#include "base/json.h"
#include "base/mem.h"
#include "sandbox/event_do.h"
#include "sandbox/must.h"

#include <inttypes.h>
#include <string.h>

enum { MOST_AT_ONCE = 1000000 };

const char *sb_doing_arg(const struct sb_doing *d, const char *key, const char *def)
{
    return json_str(d->spec, key, def);
}

int sb_doing_need(const struct sb_doing *d, const char *key)
{
    if (sb_doing_arg(d, key, "")[0] != '\0')
        return 0;
    diag_addf(d->diag, NULL, 0, "%s: missing", key);
    return ERR_INVALID;
}

enum { ANY_KIND = -1 };

static const struct row {
    const char *kind;
    int platform;
    bool named; /* needs a customer */
    sb_event_fn run;
} rows[] = {
    {"contact.added", SB_KIND_WECOM, true, sb_do_contact_added},
    {"contact.half_added", SB_KIND_WECOM, true, sb_do_contact_half_added},
    {"contact.edited", SB_KIND_WECOM, true, sb_do_contact_edited},
    {"contact.lost", SB_KIND_WECOM, true, sb_do_contact_lost},
    {"contact.deleted", SB_KIND_WECOM, true, sb_do_contact_deleted},
    {"contact.touched", SB_KIND_WECOM, true, sb_do_contact_touched},
    {"group.created", SB_KIND_WECOM, false, sb_do_group_created},
    {"group.joined", SB_KIND_WECOM, false, sb_do_group_joined},
    {"group.left", SB_KIND_WECOM, false, sb_do_group_left},
    {"group.dismissed", SB_KIND_WECOM, false, sb_do_group_dismissed},
    {"kf.message", SB_KIND_KF, true, sb_do_kf_message},
    {"kf.enter", SB_KIND_KF, true, sb_do_kf_enter},
    {"kf.send_failed", SB_KIND_KF, true, sb_do_kf_send_failed},
    {"official.message", SB_KIND_OFFICIAL, true, sb_do_official_message},
    {"official.subscribe", SB_KIND_OFFICIAL, true, sb_do_official_subscribe},
    {"official.unsubscribe", SB_KIND_OFFICIAL, true, sb_do_official_unsubscribe},
    {"official.scan", SB_KIND_OFFICIAL, true, sb_do_official_scan},
    {"official.click", SB_KIND_OFFICIAL, true, sb_do_official_click},
    {"official.view", SB_KIND_OFFICIAL, true, sb_do_official_view},
    {"sms.mo", SB_KIND_ALIYUN, false, sb_do_sms_mo},
    {"raw", ANY_KIND, false, sb_do_raw},
    {"verify", ANY_KIND, false, sb_do_verify},
};

static const struct row *row_of(const char *kind)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].kind, kind) == 0)
            return &rows[i];
    return NULL;
}

static int run_one(struct sb_doing *d, const struct row *row, const char *customer, json_t *list)
{
    int r;

    d->customer = customer;
    d->done = sb_json("{s:s}", "customer", customer);
    r = row->run(d);
    sb_json_add(list, d->done);
    return r;
}

static int run_all(struct sb_doing *d, const struct row *row, json_t *list)
{
    const char *name = sb_doing_arg(d, "customer", ""), *mark = strstr(name, "{n}");
    int64_t count = json_int(d->spec, "count", 0);
    int r = 0;

    if (count == 0)
        return run_one(d, row, name, list);
    for (int64_t i = 1; r == 0 && i <= count; i++) {
        char *one = mark != NULL ? sb_printf("%.*s%" PRId64 "%s", (int)(mark - name), name, i, mark + 3)
                                 : sb_printf("%s%" PRId64, name, i);

        r = run_one(d, row, one, list);
        mem_free(one);
    }
    return r;
}

static int judge_spec(const struct sb_model *m, const json_t *spec, const struct row *row, struct diag *diag)
{
    const struct sb_connection *conn = sb_model_connection(m, json_str(spec, "connection", ""));
    int64_t times = json_int(spec, "times", 1), count = json_int(spec, "count", 0);

    if (row == NULL) {
        diag_addf(diag, NULL, 0, "kind: unknown kind \"%s\"", json_str(spec, "kind", ""));
        return ERR_INVALID;
    }
    if (conn == NULL) {
        diag_addf(diag, NULL, 0, "connection: no connection \"%s\"", json_str(spec, "connection", ""));
        return ERR_NOT_FOUND;
    }
    if (row->platform != ANY_KIND && row->platform != (int)conn->kind) {
        diag_addf(diag, NULL, 0, "connection: \"%s\" has no events of kind %s", conn->name, row->kind);
        return ERR_INVALID;
    }
    if (row->named && json_str(spec, "customer", "")[0] == '\0') {
        diag_addf(diag, NULL, 0, "customer: missing");
        return ERR_INVALID;
    }
    if (times < 1 || times > MOST_AT_ONCE || count < 0 || count > MOST_AT_ONCE) {
        diag_addf(diag, NULL, 0, "times, count: must be 1 to %d", MOST_AT_ONCE);
        return ERR_INVALID;
    }
    return 0;
}

int sb_event(struct sb_model *m, const json_t *spec, int64_t now_ms, json_t **ret, struct diag *diag)
{
    const struct row *row = row_of(json_str(spec, "kind", ""));
    struct sb_doing d = {.m = m, .spec = spec, .now_ms = now_ms, .diag = diag};
    int r = judge_spec(m, spec, row, diag);
    json_t *list;

    if (r < 0)
        return r;
    sb_model_run(m, now_ms);
    d.conn = sb_model_connection(m, json_str(spec, "connection", ""));
    d.at_ms = json_int(spec, "at", now_ms);
    list = sb_must_have(json_array());
    m->push_times = json_int(spec, "times", 1);
    d.kind = row->kind;
    r = run_all(&d, row, list);
    m->push_times = 1;
    if (r < 0) {
        json_decref(list);
        return r;
    }
    *ret = sb_json("{s:o}", "done", list);
    return 0;
}

/* say */

static const char *kind_for_text(const struct sb_connection *conn)
{
    switch (conn->kind) {
    case SB_KIND_KF: return "kf.message";
    case SB_KIND_OFFICIAL: return "official.message";
    case SB_KIND_ALIYUN: return "sms.mo";
    case SB_KIND_WECOM:
    case SB_KIND_WEBHOOK: break;
    }
    return NULL;
}

/* Where the customer is known and can write. */
static const struct sb_connection *place_of(const struct sb_model *m, const char *customer)
{
    size_t i;
    json_t *known;

    json_array_foreach(json_object_get(m->people, customer), i, known)
    {
        const struct sb_connection *conn = sb_model_connection(m, json_str(known, "connection", ""));

        if (conn != NULL && kind_for_text(conn) != NULL)
            return conn;
    }
    return NULL;
}

int sb_event_say(struct sb_model *m, const char *customer, const char *text, const char *on, int64_t now_ms,
                 json_t **ret, struct diag *diag)
{
    const struct sb_connection *conn = on != NULL ? sb_model_connection(m, on) : place_of(m, customer);
    json_t *spec;
    int r;

    if (conn == NULL || kind_for_text(conn) == NULL) {
        diag_addf(diag, NULL, 0, "%s cannot write there: give --on a kf, official or sms connection",
                  customer);
        return ERR_NOT_FOUND;
    }
    spec = sb_json("{s:s, s:s, s:s, s:s, s:s}", "connection", conn->name, "kind", kind_for_text(conn),
                   "customer", customer, "text", text, "content", text);
    r = sb_event(m, spec, now_ms, ret, diag);
    if (r == 0)
        sb_json_set(*ret, "connection", sb_json("s", conn->name));
    json_decref(spec);
    return r;
}
