/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as JSON: no crash, and what was read is written and read again alike. */
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    json_t *root = NULL, *again = NULL;
    struct json_fault fault;
    struct buf out;

    buf_init(&out, 8 << 20);
    if (json_parse(text, JSON_DEPTH, &root, &fault) < 0) {
        check(!root && fault.line > 0 && fault.column > 0);
    } else {
        check(json_write_compact(root, &out) == 0);
        check(json_parse(buf_str(&out), JSON_DEPTH, &again, NULL) == 0);
        check(json_equal(root, again));
    }
    buf_reset(&out);
    check(json_write_string(text, &out) == 0);
    json_decref(again);
    again = NULL;
    check(json_parse(buf_str(&out), 1, &again, NULL) == 0 || memchr(data, 0, size));
    json_decref(root);
    json_decref(again);
    buf_fini(&out);
    return 0;
}
