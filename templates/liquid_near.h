/* SPDX-License-Identifier: Apache-2.0 */
/* liquid_near.h - "did you mean": the name that a misspelt one was probably meant to be. Private to
 * templates. Threads  any. */
#ifndef SIYU_TEMPLATES_LIQUID_NEAR_H
#define SIYU_TEMPLATES_LIQUID_NEAR_H

#include "base/str.h"

struct lq_near {
    struct str wanted;
    const char *best; /* borrowed candidate, or NULL: none is near */
    size_t distance;
};

struct lq_near lq_near_begin(struct str wanted);
/* Offers one candidate; the first of the nearest wins. */
void lq_near_offer(struct lq_near *near, const char *candidate);

#endif
