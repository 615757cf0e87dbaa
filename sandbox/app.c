/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of an app to employees. A member who got too many from apps gets no more, and nobody is told: the
 * ledger's `to` says who did, `dropped` who did not. With enable_duplicate_check the same JSON within the
 * interval is answered like the first and reaches nobody.
 */
#include "sandbox/wecom.h"

#include "base/json.h"
#include "base/mem.h"
#include "sandbox/must.h"

#include <inttypes.h>
#include <string.h>

static const int64_t usual_interval_s = 1800;

static int judge(const struct sb_model *m, const struct sb_call *c)
{
    const char *type = json_str(c->body, "msgtype", ""), *to = json_str(c->body, "touser", "");
    const json_t *message = json_object_get(c->body, type);
    const char *text = json_str(message, "content", "");
    int64_t listed = 1;

    for (const char *p = to; *p != '\0'; p++)
        listed += *p == '|';
    if (json_int(c->body, "agentid", -1) != json_int(c->connection->conf, "agent_id", -1))
        return SB_W_BAD_AGENT;
    if (to[0] == '\0')
        return SB_W_ALL_INVALID;
    if (listed > sb_model_limit(m, SB_WECOM_APP_MEMBERS)->amount)
        return SB_W_BAD_ARGUMENT;
    if (!json_is_object(message))
        return SB_W_BAD_TYPE;
    if (strcmp(type, "text") != 0 && strcmp(type, "markdown") != 0)
        return 0;
    return text[0] == '\0' ? SB_W_EMPTY : 0; /* a longer text is cut, not refused */
}

static bool is_repeat(struct sb_model *m, struct sb_corp *corp, const struct sb_call *c)
{
    int64_t interval_ms = json_int(c->body, "duplicate_check_interval", usual_interval_s) * SB_SECOND;
    int64_t most_ms = sb_model_limit(m, SB_WECOM_APP_REPEAT)->window_ms;
    char digest[SB_SHA256_HEX];
    union map_val *at;
    bool repeat;

    if (json_int(c->body, "enable_duplicate_check", 0) != 1)
        return false;
    sb_must(sb_sha256_hex(c->raw.p, c->raw.n, digest) ? 0 : -1);
    at = map_str_find(&corp->said, str_of(digest));
    repeat = at != NULL && c->now_ms - at->i < (interval_ms < most_ms ? interval_ms : most_ms);
    if (!repeat)
        sb_must(map_str_put_i64(&corp->said, str_of(digest), c->now_ms));
    return repeat;
}

static bool within_limits(struct sb_model *m, struct sb_member *member, int64_t now_ms)
{
    const struct sb_limit *hour = sb_model_limit(m, SB_WECOM_APP_HOUR);

    return sb_slide_used(&member->hour, hour, now_ms) < hour->amount &&
           sb_slide_take(&member->minute, sb_model_limit(m, SB_WECOM_APP_MINUTE), now_ms) &&
           sb_slide_take(&member->hour, hour, now_ms);
}

struct sorted {
    json_t *sent, *dropped;
    char *invalid; /* "a|b" */
};

static void sort_one(struct sb_model *m, struct sb_corp *corp, const struct sb_call *c, const char *userid,
                     bool repeat, struct sorted *out)
{
    struct sb_member *member = map_str_get(&corp->members, str_of(userid));
    char *more;

    if (member == NULL) {
        more = sb_printf("%s%s%s", out->invalid, out->invalid[0] != '\0' ? "|" : "", userid);
        mem_free(out->invalid);
        out->invalid = more;
    } else if (repeat || !within_limits(m, member, c->now_ms)) {
        sb_json_add(out->dropped, sb_json("s", userid));
    } else {
        sb_json_add(out->sent, sb_json("s", userid));
    }
}

static void answer(struct sb_model *m, struct sb_call *c, const struct sorted *out)
{
    char *msgid;

    if (json_array_size(out->sent) + json_array_size(out->dropped) == 0) {
        sb_refuse(c, SB_W_ALL_INVALID);
        return;
    }
    msgid = sb_printf("app%" PRId64, sb_model_next(m));
    c->to = json_incref(out->sent);
    c->cost = (int64_t)json_array_size(out->sent);
    c->more = sb_json("{s:O}", "dropped", out->dropped);
    sb_accept(c, sb_json("{s:s, s:s, s:s, s:s}", "invaliduser", out->invalid, "invalidparty", "",
                         "invalidtag", "", "msgid", msgid));
    mem_free(msgid);
}

void sb_app_send(struct sb_model *m, struct sb_corp *corp, struct sb_call *c)
{
    int code = judge(m, c);
    struct sorted out;
    char *list, *rest, *one;
    bool repeat;

    if (code != 0) {
        sb_refuse(c, code);
        return;
    }
    out = (struct sorted){sb_must_have(json_array()), sb_must_have(json_array()), sb_copy("")};
    repeat = is_repeat(m, corp, c);
    list = rest = sb_copy(json_str(c->body, "touser", ""));
    while ((one = strsep(&rest, "|")) != NULL)
        sort_one(m, corp, c, one, repeat, &out);
    answer(m, c, &out);
    mem_free(list);
    mem_free(out.invalid);
    json_decref(out.sent);
    json_decref(out.dropped);
}
