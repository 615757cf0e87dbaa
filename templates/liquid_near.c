/* SPDX-License-Identifier: Apache-2.0 */
/* Edit distance in which two swapped neighbours are one slip. Two slips are near, one in a short name. */
#include "templates/liquid_near.h"

#include <string.h>

#define NAME_MAX_BYTES 40

struct lq_near lq_near_begin(struct str wanted)
{
    return (struct lq_near){.wanted = wanted, .distance = wanted.n < 5 ? 2 : 3};
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t distance(struct str a, struct str b)
{
    size_t rows[3][NAME_MAX_BYTES + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b.n; j++)
        above[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t *spare = before;

        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            row[j] = above[j - 1] + (a.p[i - 1] != b.p[j - 1]);
            row[j] = least(row[j], least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
        before = above;
        above = row;
        row = spare;
    }
    return above[b.n];
}

void lq_near_offer(struct lq_near *near, const char *candidate)
{
    struct str name = str_of(candidate);
    size_t d;

    if (near->wanted.n > NAME_MAX_BYTES || name.n > NAME_MAX_BYTES)
        return;
    d = distance(near->wanted, name);
    if (d < near->distance) {
        near->distance = d;
        near->best = candidate;
    }
}
