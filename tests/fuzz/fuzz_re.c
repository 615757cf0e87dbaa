/* SPDX-License-Identifier: Apache-2.0 */
/* First line a pattern, the rest a subject: no crash, bounded time, and where the pattern matches, its
 * required literal stands in the subject.
 */
#include "base/re.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str pattern, subject;
    struct re *re = NULL;

    (void)str_cut((struct str){(const char *)data, size}, '\n', &pattern, &subject);
    if (re_compile(pattern, size & 1, &re, NULL) < 0)
        return 0;
    if (re_matches(re, subject) == 1) {
        struct str literal = re_first_literal(re);

        if (literal.n && str_find(subject, literal) == subject.n)
            abort();
    }
    re_free(re);
    return 0;
}
