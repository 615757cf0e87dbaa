/* SPDX-License-Identifier: Apache-2.0 */
/* official_tags.h - the ids behind the names of an account's tags, as its last answer to tags/get had them.
 *
 * A name that is not there may be new: the caller asks the platform again. What is there holds for ten
 * minutes, so a tag that was deleted and made anew under another id is found again.
 *
 * Units    ms of judgement time.
 * Errors   ERR_NOT_FOUND; ERR_SYNTAX: not an answer to tags/get; -ENOMEM.
 * Memory   the caller's storage.
 * Threads  one at a time.
 */
#ifndef SIYU_ADAPTERS_OFFICIAL_TAGS_H
#define SIYU_ADAPTERS_OFFICIAL_TAGS_H

#include <jansson.h>

#include "base/map.h"

struct official_tags {
    struct map_str ids;
    int64_t fresh_until_ms;
};

void official_tags_init(struct official_tags *t);
void official_tags_fini(struct official_tags *t);

/* Takes the place of all that was known; on failure nothing is known. */
int official_tags_learn(struct official_tags *t, const json_t *answer, int64_t now_ms);
int official_tags_find(const struct official_tags *t, struct str name, int64_t now_ms, int64_t *ret_id);
void official_tags_forget(struct official_tags *t);

#endif
