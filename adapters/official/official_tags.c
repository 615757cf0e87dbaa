/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/official/official_tags.h"

#include <errno.h>

#include "base/err.h"
#include "base/json.h"

enum { TAGS_MAX = 1000, FRESH_MS = 10 * 60 * 1000 };

void official_tags_init(struct official_tags *t)
{
    map_str_init(&t->ids, TAGS_MAX);
    t->fresh_until_ms = INT64_MIN;
}

void official_tags_fini(struct official_tags *t)
{
    map_str_fini(&t->ids);
}

void official_tags_forget(struct official_tags *t)
{
    map_str_clear(&t->ids);
    t->fresh_until_ms = INT64_MIN;
}

static int learn_all(struct official_tags *t, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *tag = json_array_get(list, i);
        struct str name = str_of(json_str(tag, "name", ""));
        int64_t id = json_int(tag, "id", -1);

        if (name.n && id >= 0) {
            int r = map_str_put_i64(&t->ids, name, id);

            if (r < 0)
                return r;
        }
    }
    return 0;
}

int official_tags_learn(struct official_tags *t, const json_t *answer, int64_t now_ms)
{
    const json_t *list = json_object_get(answer, "tags");
    int r;

    official_tags_forget(t);
    if (!json_is_array(list))
        return ERR_SYNTAX;
    r = learn_all(t, list);
    if (r < 0)
        official_tags_forget(t);
    else
        t->fresh_until_ms = now_ms + FRESH_MS;
    return r;
}

int official_tags_find(const struct official_tags *t, struct str name, int64_t now_ms, int64_t *ret_id)
{
    const union map_val *id = now_ms < t->fresh_until_ms ? map_str_find(&t->ids, name) : NULL;

    if (!id)
        return ERR_NOT_FOUND;
    *ret_id = id->i;
    return 0;
}
