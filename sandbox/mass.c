/* SPDX-License-Identifier: Apache-2.0 */
/* A mass send is a job: the call only submits it.
 *
 *     SENDING --a few seconds later, all at once--> SEND_SUCCESS, MASSSENDJOBFINISH is pushed
 *
 * Who already got four in this calendar month is passed over without a word; the ledger's line "mass.sent"
 * says who got it. A key seen in the last 24 h never makes a second job.
 */
#include "sandbox/official.h"

#include "base/json.h"
#include "base/mem.h"
#include "sandbox/must.h"

#include <inttypes.h>
#include <string.h>

static const int64_t job_ms = 5 * SB_SECOND;
static const char platform_openid[] = "oSandboxMassSendPlatform0000";

struct sb_mass_job {
    struct sb_connection *connection;
    int64_t msg_id, submitted_ms;
    char *key, *own_key; /* what it is found by; clientmsgid or "" */
    json_t *openids;     /* NULL: by tag */
    int64_t tag_id;      /* 0: all */
    bool done;
};

static void job_free(struct sb_mass_job *job)
{
    mem_free(job->key);
    mem_free(job->own_key);
    json_decref(job->openids);
    mem_free(job);
}

void sb_mass_free_all(struct sb_official *o)
{
    size_t at = 0;
    struct str key;
    union map_val val;

    while (map_str_next(&o->jobs, &at, &key, &val))
        job_free(val.p);
    map_str_fini(&o->jobs);
    map_str_fini(&o->mass_keys);
}

/* the job */

struct outcome {
    json_t *sent, *skipped;
    int64_t errors;
};

static void send_one(struct sb_model *m, const struct sb_mass_job *job, struct sb_follower *f, int64_t now_ms,
                     struct outcome *out)
{
    if (f == NULL || !f->subscribed)
        out->errors++;
    else if (!job->connection->subscription &&
             !sb_tally_take(&f->month, sb_model_limit(m, SB_OFFICIAL_MASS_MONTH), 1, now_ms))
        sb_json_add(out->skipped, sb_json("s", f->openid));
    else
        sb_json_add(out->sent, sb_json("s", f->openid));
}

static void push_finish(struct sb_model *m, const struct sb_mass_job *job, const struct outcome *out,
                        int64_t now_ms)
{
    int64_t sent = (int64_t)json_array_size(out->sent), skipped = (int64_t)json_array_size(out->skipped);
    char *key = sb_printf("%" PRId64, job->msg_id);
    char *inner = sb_official_inner(
        job->connection, platform_openid, now_ms, "event",
        sb_json("{s:s, s:I, s:s, s:I, s:I, s:I, s:I}", "Event", "MASSSENDJOBFINISH", "MsgID",
                (json_int_t)job->msg_id, "Status", "send success", "TotalCount",
                (json_int_t)(sent + skipped + out->errors), "FilterCount", (json_int_t)(sent + out->errors),
                "SentCount", (json_int_t)sent, "ErrorCount", (json_int_t)out->errors));

    sb_model_push(m, job->connection, "", "official.mass_finished", inner, job->connection->json,
                  platform_openid, key, now_ms);
    mem_free(key);
}

static void write_down(struct sb_model *m, const struct sb_mass_job *job, const struct outcome *out,
                       int64_t now_ms)
{
    json_t *more = sb_json("{s:I, s:O, s:I}", "msg_id", (json_int_t)job->msg_id, "skipped", out->skipped,
                           "errors", (json_int_t)out->errors);

    sb_model_emit(m, &(struct sb_entry){.t_ms = now_ms,
                                        .connection = job->connection->name,
                                        .account = job->connection->name,
                                        .op = "mass.sent",
                                        .to = out->sent,
                                        .cost = (int64_t)json_array_size(out->sent),
                                        .key = job->own_key,
                                        .replied = true,
                                        .more = more});
    json_decref(more);
}

static void on_job(struct sb_model *m, void *ctx, int64_t now_ms)
{
    struct sb_mass_job *job = ctx;
    struct sb_official *o = job->connection->official;
    struct outcome out = {.sent = sb_must_have(json_array()), .skipped = sb_must_have(json_array())};
    size_t i;
    json_t *id;

    json_array_foreach(job->openids, i, id)
    {
        send_one(m, job, sb_official_find(o, json_string_value(id)), now_ms, &out);
    }
    for (i = 0; job->openids == NULL && i < o->order_count; i++)
        if (o->order[i]->subscribed && (job->tag_id == 0 || sb_follower_has_tag(o->order[i], job->tag_id)))
            send_one(m, job, o->order[i], now_ms, &out);
    job->done = true;
    write_down(m, job, &out, now_ms);
    push_finish(m, job, &out, now_ms);
    json_decref(out.sent);
    json_decref(out.skipped);
}

/* submitting */

/* The key of a call without clientmsgid is made from whom and what. */
static char *key_of(const struct sb_call *c)
{
    const char *own = json_str(c->body, "clientmsgid", "");
    char hex[SB_SHA256_HEX] = "";
    char *text;

    if (own[0] != '\0')
        return sb_printf("own:%s", own);
    text = sb_must_have(json_dumps(c->body, JSON_COMPACT | JSON_SORT_KEYS));
    if (!sb_sha256_hex(text, strlen(text), hex))
        sb_must(-1);
    mem_free(text);
    return sb_printf("digest:%s", hex);
}

/* True: the call is a repeat and is answered. */
static bool answer_repeat(struct sb_model *m, struct sb_official *o, struct sb_call *c, const char *key)
{
    const struct sb_mass_job *job = map_str_get(&o->mass_keys, str_of(key));
    int64_t age_ms = job != NULL ? c->now_ms - job->submitted_ms : 0;

    if (job == NULL || age_ms >= sb_model_limit(m, SB_OFFICIAL_CLIENTMSGID)->window_ms)
        return false;
    if (age_ms < sb_model_limit(m, SB_OFFICIAL_CLIENTMSGID_GAP)->window_ms) {
        sb_refuse(c, SB_O_SEEN_TOO_FAST);
        return true;
    }
    sb_refuse(c, SB_O_SEEN);
    sb_json_set(c->answer, "msg_id", sb_json("I", (json_int_t)job->msg_id));
    return true;
}

static int judge_content(const json_t *body)
{
    static const char *const types[] = {"mpnews", "text", "voice", "image", "mpvideo", "wxcard"};
    const char *type = json_str(body, "msgtype", "");
    const char *member =
        strcmp(type, "image") == 0 && json_object_get(body, "images") != NULL ? "images" : type;

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (strcmp(type, types[i]) != 0)
            continue;
        if (!json_is_object(json_object_get(body, member)))
            return SB_O_BAD_ARGUMENT;
        return strcmp(type, "text") == 0 && json_str(json_object_get(body, "text"), "content", "")[0] == '\0'
                   ? SB_O_EMPTY
                   : 0;
    }
    return SB_O_BAD_TYPE;
}

/* What is common to both ways; charges the calls of the minute and the day. */
static int judge_submit(struct sb_model *m, struct sb_official *o, const struct sb_call *c)
{
    int code = judge_content(c->body);

    if (code != 0)
        return code;
    if ((int64_t)strlen(json_str(c->body, "clientmsgid", "")) >
        sb_model_limit(m, SB_OFFICIAL_CLIENTMSGID_BYTES)->amount)
        return SB_O_CLIENTMSGID_LONG;
    if (!sb_block_take(&o->mass_minute, sb_model_limit(m, SB_OFFICIAL_MASS_MINUTE), c->now_ms))
        return SB_O_FREQUENCY;
    if (!sb_tally_take(&o->mass_day, sb_model_limit(m, SB_OFFICIAL_MASS_DAY), 1, c->now_ms))
        return SB_O_DAY_QUOTA;
    return 0;
}

/* Takes `openids`. */
static void submit(struct sb_model *m, struct sb_official *o, struct sb_call *c, const char *key,
                   json_t *openids, int64_t tag_id)
{
    struct sb_mass_job *job = sb_new(sizeof(*job));
    char *id;

    job->connection = c->connection;
    job->msg_id = 3000000000 + sb_model_next(m);
    job->submitted_ms = c->now_ms;
    job->key = sb_copy(key);
    job->own_key = sb_copy(json_str(c->body, "clientmsgid", ""));
    job->openids = openids;
    job->tag_id = tag_id;
    id = sb_printf("%" PRId64, job->msg_id);
    sb_must(map_str_put(&o->jobs, str_of(id), job));
    mem_free(id);
    sb_must(map_str_put(&o->mass_keys, str_of(job->key), job));
    sb_model_later(m, c->now_ms + job_ms, on_job, job, NULL);
    sb_accept(
        c, sb_json("{s:s, s:I}", "errmsg", "send job submission success", "msg_id", (json_int_t)job->msg_id));
    if (strcmp(json_str(c->body, "msgtype", ""), "mpnews") == 0)
        sb_json_set(c->answer, "msg_data_id", sb_json("I", (json_int_t)(job->msg_id + 1000000000)));
}

static int judge_openids(const struct sb_model *m, const struct sb_official *o, const json_t *ids)
{
    int64_t n = (int64_t)json_array_size(ids);
    size_t i;
    json_t *id;

    if (!json_is_array(ids))
        return SB_O_BAD_LIST;
    if (n < sb_model_limit(m, SB_OFFICIAL_MASS_MIN)->amount ||
        n > sb_model_limit(m, SB_OFFICIAL_MASS_MAX)->amount)
        return SB_O_BAD_LIST_SIZE;
    json_array_foreach(ids, i, id)
    {
        if (!json_is_string(id) || sb_official_find(o, json_string_value(id)) == NULL)
            return SB_O_BAD_OPENID;
    }
    return 0;
}

void sb_mass_send(struct sb_model *m, struct sb_official *o, struct sb_call *c)
{
    json_t *ids = json_object_get(c->body, "touser");
    char *key = key_of(c);
    int code;

    c->key = json_str(c->body, "clientmsgid", "");
    c->to = json_is_array(ids) ? json_incref(ids) : NULL;
    code = c->connection->subscription ? SB_O_NOT_ALLOWED : judge_submit(m, o, c);
    if (code == 0)
        code = judge_openids(m, o, ids);
    if (code != 0) {
        sb_refuse(c, code);
    } else if (!answer_repeat(m, o, c, key)) {
        c->cost = (int64_t)json_array_size(ids);
        submit(m, o, c, key, json_incref(ids), 0);
    }
    mem_free(key);
}

static bool tag_exists(const struct sb_official *o, int64_t id)
{
    size_t i;
    json_t *tag;

    json_array_foreach(o->tags, i, tag) if (json_int(tag, "id", 0) == id) return true;
    return false;
}

/* A subscription account has one a day; to all, any account has one a day and four a month. */
static int charge_account(struct sb_model *m, struct sb_official *o, const struct sb_call *c, bool all)
{
    const struct sb_limit *day = sb_model_limit(m, SB_OFFICIAL_MASS_ALL_DAY);
    const struct sb_limit *month = sb_model_limit(m, SB_OFFICIAL_MASS_ALL_MONTH);

    if (c->connection->subscription)
        return sb_tally_take(&o->mass_subscription_day, sb_model_limit(m, SB_OFFICIAL_MASS_SUBSCRIPTION_DAY),
                             1, c->now_ms)
                   ? 0
                   : SB_O_MASS_QUOTA;
    if (!all)
        return 0;
    if (sb_tally_left(&o->mass_all_month, month, c->now_ms) < 1 ||
        !sb_tally_take(&o->mass_all_day, day, 1, c->now_ms))
        return SB_O_MASS_QUOTA;
    return sb_tally_take(&o->mass_all_month, month, 1, c->now_ms) ? 0 : SB_O_MASS_QUOTA;
}

void sb_mass_sendall(struct sb_model *m, struct sb_official *o, struct sb_call *c)
{
    const json_t *filter = json_object_get(c->body, "filter");
    bool all = json_flag(filter, "is_to_all", false);
    int64_t tag_id = all ? 0 : json_int(filter, "tag_id", 0);
    char *key = key_of(c);
    char *whom = all ? sb_copy("all") : sb_printf("tag:%" PRId64, tag_id);
    int code = judge_submit(m, o, c);

    c->key = json_str(c->body, "clientmsgid", "");
    c->to = sb_json("[s]", whom);
    if (code == 0 && !json_is_object(filter))
        code = SB_O_BAD_ARGUMENT;
    if (code == 0 && !all && !tag_exists(o, tag_id))
        code = SB_O_BAD_TAG;
    if (code != 0) {
        sb_refuse(c, code);
    } else if (!answer_repeat(m, o, c, key)) {
        code = charge_account(m, o, c, all);
        if (code != 0)
            sb_refuse(c, code);
        else
            submit(m, o, c, key, NULL, tag_id);
    }
    mem_free(whom);
    mem_free(key);
}

void sb_mass_get(struct sb_model *m, struct sb_official *o, struct sb_call *c)
{
    char *id = sb_printf("%" PRId64, json_int(c->body, "msg_id", 0));
    const struct sb_mass_job *job = map_str_get(&o->jobs, str_of(id));

    (void)m;
    mem_free(id);
    if (job == NULL)
        sb_refuse(c, SB_O_BAD_MSG_ID);
    else
        sb_accept(c, sb_json("{s:I, s:s}", "msg_id", (json_int_t)job->msg_id, "msg_status",
                             job->done ? "SEND_SUCCESS" : "SENDING"));
}
