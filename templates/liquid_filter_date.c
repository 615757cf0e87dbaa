/* SPDX-License-Identifier: Apache-2.0 */
/* `date`: what is no date passes through unchanged, as in every Liquid. */
#include "templates/liquid_date.h"
#include "templates/liquid_filter.h"

static int moment_of(const struct lq_render *r, struct lq_value in, int64_t *ret)
{
    if (in.type == LQ_INT)
        return lq_date_of_number(in.i, ret);
    if (in.type != LQ_STRING)
        return ERR_SYNTAX;
    if (str_eq_nocase(in.s, STR("now")) || str_eq_nocase(in.s, STR("today"))) {
        *ret = r->limits.now_ms / 1000;
        return 0;
    }
    return lq_date_parse(in.s, r->limits.utc_offset_s, ret);
}

int lq_filter_date(struct lq_render *r, struct lq_value in, const struct lq_value *args, size_t n,
                   struct lq_value *ret)
{
    struct str format;
    int64_t t;
    int err = lq_text(r, args[0], &format);

    (void)n;
    if (err < 0)
        return err;
    *ret = in;
    if (format.n == 0 || moment_of(r, in, &t) < 0)
        return 0;
    err = lq_date_format(t, r->limits.utc_offset_s, format, lq_build(r));
    if (err < 0)
        return lq_fail(r, err, "%s", err == ERR_TOO_BIG ? "a text gets too long" : "out of memory");
    return lq_built(r, ret);
}
