/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a message: no crash, valid UTF-8 out, nothing left that folding removes, and a plain keyword
 * behind it folds as it does alone.
 */
#include "base/fold.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fold *fold;
    struct buf in, out;

    if (!fold)
        check(fold_open(NULL, &fold) == 0);
    buf_init(&in, 1 << 20);
    buf_init(&out, 1 << 21);
    (void)buf_add(&in, data, size);
    (void)buf_adds(&in, " \xE6\x8A\xBD VIP ");
    check(fold_text(fold, buf_str(&in), &out) == 0);
    check(str_utf8_valid(buf_str(&out)));
    for (size_t i = 0; i < out.len; i++)
        check(out.data[i] != ' ' && out.data[i] != '!' && (out.data[i] < 'A' || out.data[i] > 'Z'));
    check(str_ends(buf_str(&out), STR("\xE6\x8A\xBDvip")));
    buf_fini(&in);
    buf_fini(&out);
    return 0;
}
