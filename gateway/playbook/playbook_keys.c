/* SPDX-License-Identifier: Apache-2.0 */
/* Which keys exist, mirrored by playbook.schema.json; a test compares the two. A key of the design that waits
 * for a later version is told apart from a misspelt one. */
#include "playbook/playbook_private.h"

#include <stdio.h>
#include <string.h>

#define NEAR 3 /* edits up to here may be a slip; never more than half the word */
#define WORD_BYTES 64

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NONE ((const char *const[]){NULL})

static const struct playbook_keys all[PLAYBOOK_OBJECT_COUNT] = {
    [PLAYBOOK_TOP] = {"playbook",
                      LIST("playbook", "timezone", "brand", "vars", "sms", "templates", "rules", "broadcasts",
                           "limits", "quiet_hours"),
                      LIST("pools", "live_codes", "journeys", "segments", "surveys", "holidays", "calls",
                           "calendar", "approval", "classifiers", "moments")},
    [PLAYBOOK_TEMPLATE] = {"template",
                           LIST("text", "attach", "wecom", "kf", "official", "sms", "webhook", "aibot"),
                           LIST("app", "ab", "variants", "approval")},
    [PLAYBOOK_RULE] = {"rule",
                       LIST("id", "on", "from", "keyword", "cooldown", "priority", "do", "bot", "with"),
                       LIST("if", "when", "schedule", "segment", "group", "groups", "stop")},
    [PLAYBOOK_KEYWORD] = {"keyword", LIST("any", "exact", "prefix", "contains", "regex", "fold"), NONE},
    [PLAYBOOK_ACTION] = {"action", LIST("send", "tag", "untag", "handoff"),
                         LIST("enrol", "classify", "call", "leave", "moment", "code", "remote")},
    [PLAYBOOK_BROADCAST] = {"broadcast",
                            LIST("on", "every", "at", "spread", "missed", "to", "send", "expires"),
                            LIST("canary", "approval", "variants", "ab", "holidays", "fallback", "exclude")},
    [PLAYBOOK_EVERY] = {"every", LIST("weekday", "at"), LIST("day", "month", "rrule", "except", "holidays")},
    [PLAYBOOK_TO] = {"to", LIST("groups", "contacts"), LIST("segment", "accounts", "import")},
    [PLAYBOOK_TAGGED] = {"tagged", LIST("tag"), LIST("segment", "exclude", "name", "owner")},
    [PLAYBOOK_LIMITS] = {"limits", LIST("account", "recipient", "group"),
                         LIST("pool", "content", "campaign", "connection", "corp", "provider", "warmup",
                              "override")},
    [PLAYBOOK_LIMIT] = {"limit", LIST("gap", "minute", "hour", "day", "week", "month", "classes"), NONE},
    [PLAYBOOK_QUIET_HOURS] = {"quiet_hours", LIST("from", "to", "classes"), LIST("weekdays", "holidays")},
    [PLAYBOOK_SMS] = {"sms", LIST("refusal"), NONE},
};

const struct playbook_keys *playbook_keys(enum playbook_object object)
{
    return &all[object];
}

static bool among(const char *const *keys, const char *key)
{
    for (; *keys != NULL; keys++)
        if (strcmp(*keys, key) == 0)
            return true;
    return false;
}

static size_t least(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;

    return m < c ? m : c;
}

/* Levenshtein, over bytes. */
static size_t distance(struct str a, struct str b)
{
    size_t row[WORD_BYTES + 1];

    if (a.n > WORD_BYTES || b.n > WORD_BYTES)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t corner = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t above = row[j];

            row[j] = least(above + 1, row[j - 1] + 1, corner + (a.p[i - 1] != b.p[j - 1]));
            corner = above;
        }
    }
    return row[b.n];
}

struct str playbook_nearest(const char *word, struct str (*name_of)(const void *ctx, size_t i),
                            const void *ctx, size_t n)
{
    struct str best = {NULL, 0}, wanted = str_of(word);
    size_t least_edits = (wanted.n / 2 < NEAR ? wanted.n / 2 : NEAR) + 1;

    for (size_t i = 0; i < n; i++) {
        struct str name = name_of(ctx, i);
        size_t edits = distance(wanted, name);

        if (edits < least_edits) {
            best = name;
            least_edits = edits;
        }
    }
    return best;
}

const char *playbook_hint(struct str near, char out[PLAYBOOK_HINT_BYTES])
{
    out[0] = '\0';
    if (near.n > 0)
        (void)snprintf(out, PLAYBOOK_HINT_BYTES, ", did you mean `%.*s`?", STR_ARG(near));
    return out;
}

static struct str key_name(const void *ctx, size_t i)
{
    return str_of(((const char *const *)ctx)[i]);
}

void playbook_check_keys(struct play *p, enum playbook_object object, const json_t *obj)
{
    const struct playbook_keys *keys = playbook_keys(object);
    const char *key;
    json_t *value;
    size_t n = 0;

    while (keys->known[n] != NULL)
        n++;
    json_object_foreach((json_t *)obj, key, value)
    {
        struct str near;
        char hint[PLAYBOOK_HINT_BYTES];

        if (among(keys->known, key))
            continue;
        if (among(keys->later, key)) {
            json_complainf(&p->ctx, obj, key, "not available in this version; take it out");
            continue;
        }
        near = playbook_nearest(key, key_name, keys->known, n);
        json_complainf(&p->ctx, obj, key, "unknown key%s",
                       near.n > 0 ? playbook_hint(near, hint)
                                  : "; take it out, or see the keys in the manual");
    }
}
