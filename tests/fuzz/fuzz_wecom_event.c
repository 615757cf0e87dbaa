/* SPDX-License-Identifier: Apache-2.0 */
/* The decrypted XML of a callback. Whatever is accepted has events with dedupe keys, or is a wake-up. */
#include <stdlib.h>

#include "adapters/wecom/wecom_event.h"
#include "base/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct xml_doc *xml;
    struct wecom_letter letter;

    if (!xml && xml_new(&xml) < 0)
        abort();
    if (wecom_letter_read(&letter, xml, (struct str){(const char *)data, size}) < 0)
        return 0;
    if (letter.kf_wake != (letter.count == 0))
        abort();
    for (size_t i = 0; i < letter.count; i++)
        if (letter.events[i].dedupe.n == 0 || letter.events[i].at_ms < 0 ||
            !json_is_object(letter.events[i].data))
            abort();
    wecom_letter_fini(&letter);
    return 0;
}
