/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of the platform: the first byte picks the question, each line of the rest is one answer to it. A
 * question asks twice at most. */
#include <stdlib.h>

#include "adapters/official/official_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_all(struct official_ask *ask, struct str rest)
{
    struct str line;
    int r = OFFICIAL_MORE, asked = 1;

    while (r == OFFICIAL_MORE && str_next(&rest, '\n', &line)) {
        struct official_answer answer;

        if (official_answer_read(line, &answer) < 0)
            return;
        r = official_ask_take(ask, answer.json);
        asked += r == OFFICIAL_MORE;
        if (asked > 2 || (r == OFFICIAL_MORE && ask->request.body.len == 0))
            abort();
        official_answer_fini(&answer);
    }
    if (r == OFFICIAL_DONE && ask->outcome == OUTCOME_PERMANENT && !ask->fault[0])
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum call_op ops[] = {CALL_SEND,  CALL_MASS,        CALL_MASS_TAG,
                                       CALL_QUERY, CALL_TAG_MEMBERS, CALL_CONTACT_DETAIL};
    static const struct recipient to[] = {{{1}, STR("oA")}, {{2}, STR("oB")}};
    const struct content content = {.text = STR("hello")};
    struct call call = {.handle = STR("77"), .key = STR("k"), .content = &content};
    struct official_tags tags;
    struct official_ask ask;
    json_t *params;

    if (size == 0)
        return 0;
    params = json_pack("{s:s,s:s}", "tag", "vip", "next", "");
    call.op = ops[data[0] % ARRAY_LEN(ops)];
    call.params = params;
    official_tags_init(&tags);
    official_ask_init(&ask, &tags, false, 0);
    if (official_ask_begin(&ask, &call, to, call.op == CALL_MASS ? 2 : 1) < 0)
        abort();
    take_all(&ask, (struct str){(const char *)data + 1, size - 1});
    official_ask_fini(&ask);
    official_tags_fini(&tags);
    json_decref(params);
    return 0;
}
