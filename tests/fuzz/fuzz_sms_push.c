/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a push, after one byte that says of which kind. Whatever is an event has a dedupe key and the
 * number of a person. */
#include <stdlib.h>

#include "adapters/sms/sms_phone.h"
#include "adapters/sms/sms_push.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sms_push push;
    enum sms_push_kind kind;

    if (size == 0)
        return 0;
    kind = data[0] & 1 ? SMS_UP : SMS_REPORT;
    if (sms_push_read(&push, kind, (struct str){(const char *)data + 1, size - 1}) < 0)
        return 0;
    for (size_t i = 0; i < push.count; i++) {
        const struct event *e = &push.events[i];
        struct str phone;

        if (e->dedupe.n == 0 || e->at_ms < 0 || !json_is_object(e->data) ||
            e->contact.n != SMS_PHONE_DIGITS || sms_phone_read(e->contact, &phone) < 0 ||
            (e->kind == EVENT_RECEIPT) != (kind == SMS_REPORT))
            abort();
    }
    sms_push_fini(&push);
    return 0;
}
