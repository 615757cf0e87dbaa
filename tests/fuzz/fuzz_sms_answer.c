/* SPDX-License-Identifier: Apache-2.0 */
/* An answer of Aliyun, taken by a query that has asked for one page. */
#include <stdlib.h>
#include <string.h>

#include "adapters/sms/sms_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(const struct sms_answer *a)
{
    static const struct recipient to[] = {{{1}, {"13900000000", 11}}};
    static const struct sms_sender who;
    json_t *params = json_pack("{s:I}", "from_ms", (json_int_t)1735689600000);
    struct call call = {.op = CALL_QUERY, .key = {"sy17", 4}, .params = params};
    struct sms_ask ask;
    int r;

    sms_ask_init(&ask, &who);
    if (sms_ask_begin(&ask, &call, to, 1) < 0)
        abort();
    r = sms_ask_take(&ask, a->json);
    if (r == SMS_DONE && json_is_true(json_object_get(ask.data, "found")) != (ask.items.count == 1))
        abort();
    sms_ask_fini(&ask);
    json_decref(params);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sms_answer a;

    if (sms_answer_read((struct str){(const char *)data, size}, &a) < 0)
        return 0;
    if (strlen(a.word) >= SMS_WORD_BYTES || !a.message)
        abort();
    take(&a);
    sms_answer_fini(&a);
    return 0;
}
