/* SPDX-License-Identifier: Apache-2.0 */
/* Templates of any bytes: parsed, linted and rendered against data with everything in it, within small
 * limits. */
#include "templates/liquid.h"

#include <stdlib.h>

static const char data_text[] =
    "{\"contact\": {\"name\": \"小美\", \"n\": 3, \"f\": 1.5, \"none\": null, \"yes\": true},"
    " \"a\": [1, \"2\", 3.5, null, [4, [5]], {\"k\": 1}, {\"k\": \"x\"}], \"s\": \"one two  <b>three</b> "
    "&amp; \","
    " \"o\": {\"first\": 1, \"k\": {}}, \"e\": [], \"big\": 9223372036854775807}";

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static json_t *data;
    struct liquid_limits limits = liquid_limits_default();
    struct liquid_fault fault;
    struct liquid *t;
    struct diag diag;
    struct buf out;

    if (!data)
        data = json_loads(data_text, 0, NULL);
    diag_init(&diag, 3);
    buf_init(&out, 8192);
    limits.output_bytes = 4096;
    limits.scratch_bytes = (size_t)256 * 1024;
    limits.steps = 2000;
    if (liquid_parse((struct str){(const char *)bytes, n}, "fuzz", 1, &t, &diag) == 0) {
        (void)liquid_lint(t, data, &diag);
        if (liquid_render(t, data, &limits, &out, &fault) == 0 && !str_utf8_valid(buf_str(&out)))
            abort(); /* text in, text out */
        if (out.len > limits.output_bytes)
            abort();
        liquid_free(t);
    } else if (diag_errors(&diag) == 0) {
        abort(); /* a refusal names its reason */
    }
    buf_fini(&out);
    diag_fini(&diag);
    return 0;
}
