/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a gateway answers to a push. */
#include "sandbox/sbxml.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *o = NULL;

    if (sb_xml_read((const char *)data, size, &o) == 0)
        json_decref(o);
    return 0;
}
