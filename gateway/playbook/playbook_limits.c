/* SPDX-License-Identifier: Apache-2.0 */
/* An operator limit's id is its place in the two tables, so the counters of a limit survive an apply that
 * changes its amount or adds another. */
#include "playbook/playbook_private.h"

#include <errno.h>

#include "base/shanghai.h"

#define FIRST_ID 10000
#define IDS_PER_SCOPE 10
#define GAP_MIN_MS 1000
#define GAP_MAX_MS (31 * SHANGHAI_DAY_MS)
#define AMOUNT_MAX 100000000

static const uint32_t default_classes = 1u << CLASS_JOURNEY | 1u << CLASS_BROADCAST;

static const struct {
    const char *key;
    enum limit_scope scope;
} scopes[] = {{"account", SCOPE_ACCOUNT}, {"recipient", SCOPE_RECIPIENT}, {"group", SCOPE_GROUP}};

static const struct {
    const char *key;
    enum limit_window window;
    int64_t span_ms;
} windows[] = {{"gap", WINDOW_PACE, 0}, {"minute", WINDOW_SLIDING, 60000}, {"hour", WINDOW_SLIDING, 3600000},
               {"day", WINDOW_DAY, 0},  {"week", WINDOW_WEEK, 0},          {"month", WINDOW_MONTH, 0}};

/* Every call that carries messages. */
static uint32_t sending_ops(void)
{
    return 1u << CALL_WELCOME | 1u << CALL_SEND | 1u << CALL_TASK | 1u << CALL_GROUP_TASK | 1u << CALL_GROUP |
           1u << CALL_MASS | 1u << CALL_MASS_TAG;
}

/* A gap of an account is a pace; between messages to one person or group it is a window with room for one. */
static bool read_gap(struct play *p, const json_t *obj, struct limit *limit)
{
    if (!playbook_duration(p, obj, "gap", GAP_MIN_MS, GAP_MAX_MS, &limit->span_ms))
        return false;
    limit->amount = 1;
    limit->window = limit->scope == SCOPE_ACCOUNT ? WINDOW_PACE : WINDOW_SLIDING;
    limit->unit = limit->scope == SCOPE_ACCOUNT ? UNIT_CALL : UNIT_MESSAGE;
    return true;
}

static int read_window(struct play *p, const json_t *obj, size_t scope, size_t window, uint32_t classes,
                       struct limit *out)
{
    const char *key = windows[window].key;
    struct str where = playbook_where(p, obj, key);
    struct limit limit = {.id = (int32_t)(FIRST_ID + scope * IDS_PER_SCOPE + window),
                          .name = arena_printf(p->arena, "%s.%s", scopes[scope].key, key),
                          .scope = scopes[scope].scope,
                          .window = windows[window].window,
                          .unit = UNIT_MESSAGE,
                          .trust = TRUST_OPERATOR,
                          .span_ms = windows[window].span_ms,
                          .kinds = (1u << ACCOUNT_KIND_COUNT) - 1,
                          .ops = sending_ops(),
                          .classes = classes,
                          .source = where.p,
                          .verified = ""};
    bool ok;

    if (limit.name == NULL || where.p == NULL)
        return -ENOMEM;
    if (windows[window].window == WINDOW_PACE)
        ok = read_gap(p, obj, &limit);
    else
        ok = json_get_i64_in(obj, key, 1, AMOUNT_MAX, &limit.amount, &p->ctx) == 0;
    if (ok)
        out[p->plan->limit_count++] = limit;
    return 0;
}

/* More in an hour than in a day is a slip. */
static void judge_order(struct play *p, const json_t *obj)
{
    const char *wider = NULL;
    int64_t most = 0;

    for (size_t w = ARRAY_LEN(windows); w-- > 1;) {
        int64_t amount = json_int(obj, windows[w].key, 0);

        if (amount <= 0)
            continue;
        if (wider != NULL && amount > most)
            json_complainf(&p->ctx, obj, windows[w].key,
                           "%lld is more than a whole %s allows (%lld); lower it", (long long)amount, wider,
                           (long long)most);
        wider = windows[w].key;
        most = amount;
    }
}

static int read_scope(struct play *p, const json_t *obj, size_t scope, struct limit *out)
{
    uint32_t classes = default_classes;
    int r = 0;

    playbook_check_keys(p, PLAYBOOK_LIMIT, obj);
    (void)playbook_classes(p, obj, &classes);
    for (size_t w = 0; r == 0 && w < ARRAY_LEN(windows); w++)
        if (json_object_get(obj, windows[w].key) != NULL)
            r = read_window(p, obj, scope, w, classes, out);
    judge_order(p, obj);
    return r;
}

int playbook_read_limits(struct play *p)
{
    const json_t *map = playbook_object_at(p, p->root, "limits");
    struct limit *out;
    int r = 0;

    if (map == NULL)
        return 0;
    out = arena_alloc(p->arena, ARRAY_LEN(scopes) * ARRAY_LEN(windows) * sizeof *out);
    if (out == NULL)
        return -ENOMEM;
    p->plan->limits = out;
    json_ctx_push(&p->ctx, "limits");
    playbook_check_keys(p, PLAYBOOK_LIMITS, map);
    for (size_t s = 0; r == 0 && s < ARRAY_LEN(scopes); s++) {
        const json_t *obj = playbook_object_at(p, map, scopes[s].key);

        json_ctx_push(&p->ctx, scopes[s].key);
        r = obj != NULL ? read_scope(p, obj, s, out) : 0;
        json_ctx_pop(&p->ctx);
    }
    json_ctx_pop(&p->ctx);
    return r;
}

int playbook_read_quiet_hours(struct play *p)
{
    const json_t *obj = playbook_object_at(p, p->root, "quiet_hours");
    struct quiet_hours q = {.set = true, .from_ms = -1, .to_ms = -1, .classes = default_classes};
    bool ok;

    if (obj == NULL)
        return 0;
    json_ctx_push(&p->ctx, "quiet_hours");
    playbook_check_keys(p, PLAYBOOK_QUIET_HOURS, obj);
    ok = playbook_time(p, obj, "from", &q.from_ms);
    ok &= playbook_time(p, obj, "to", &q.to_ms);
    ok &= playbook_classes(p, obj, &q.classes);
    if (ok && (q.from_ms < 0 || q.to_ms < 0))
        json_complainf(&p->ctx, obj, NULL, "write both ends, as {from: \"21:00\", to: \"09:00\"}");
    else if (ok && q.from_ms == q.to_ms)
        json_complainf(&p->ctx, obj, "to",
                       "the same as `from`: that is either never or always quiet; change one");
    else if (ok)
        p->plan->quiet = q;
    json_ctx_pop(&p->ctx);
    return 0;
}
