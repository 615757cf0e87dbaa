/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of the platform: the first byte picks the question, each line of the rest is one answer to it. A
 * question must end, or ask on within its bounds. */
#include <stdlib.h>

#include "adapters/wecom/wecom_kf_page.h"
#include "adapters/wecom/wecom_table.h"
#include "base/json.h"

enum { ANSWERS_MAX = 1000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_page(const json_t *answer)
{
    struct wecom_kf_page page;

    if (wecom_kf_page_read(&page, answer) < 0)
        return;
    for (size_t i = 0; i < page.count; i++)
        if (page.events[i].dedupe.n == 0 || page.events[i].at_ms < 0 || !page.events[i].data)
            abort();
    wecom_kf_page_fini(&page);
}

static void take_all(struct wecom_ask *ask, struct str rest)
{
    struct str line;
    int r = WECOM_MORE;

    for (int i = 0; r == WECOM_MORE && i < ANSWERS_MAX && str_next(&rest, '\n', &line); i++) {
        struct wecom_answer answer;

        if (wecom_answer_read(line, &answer) < 0)
            return;
        r = wecom_ask_take(ask, answer.json);
        if (r == WECOM_MORE && ask->request.body.len + ask->request.query.len == 0)
            abort();
        read_page(answer.json);
        wecom_answer_fini(&answer);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum call_op ops[] = {CALL_TASK,  CALL_TASK_STATUS,    CALL_TASK_RESULT,
                                       CALL_QUERY, CALL_CONTACT_DETAIL, CALL_SEND};
    static const struct recipient to[] = {{{1}, STR("wmA")}, {{2}, STR("wmB")}};
    const struct content content = {.text = STR("hello")};
    struct call call = {.account = STR("zhangsan"), .handle = STR("m"), .content = &content};
    const struct wecom_table *table = &wecom_corp_table;
    struct wecom_ask ask;
    json_t *params;

    if (size == 0)
        return 0;
    call.op = ops[data[0] % ARRAY_LEN(ops)];
    if (data[0] & 0x40 && call.op >= CALL_CONTACT_DETAIL)
        table = &wecom_kf_table;
    params = json_pack("{s:i,s:i,s:[s],s:s}", "from_ms", 1000, "to_ms", 2000, "known", "k", "to", "wmB");
    call.params = params;
    wecom_ask_init(&ask);
    if (wecom_ask_begin(&ask, table->ops, table->count, &call, to, 2) == 0)
        take_all(&ask, (struct str){(const char *)data + 1, size - 1});
    wecom_ask_fini(&ask);
    json_decref(params);
    return 0;
}
