/* SPDX-License-Identifier: Apache-2.0 */
#include "store/trace_text.h"

#include <assert.h>

#include "base/err.h"

static void add_number(struct buf *out, int64_t v)
{
    (void)buf_add_i64(out, v);
    (void)buf_addc(out, '\t');
}

int trace_pack(const struct trace_row *row, struct buf *out)
{
    assert(str_chr(row->what, '\t') == row->what.n && str_chr(row->detail, '\n') == row->detail.n);
    add_number(out, row->at_ms);
    add_number(out, row->event.v);
    add_number(out, row->delivery.v);
    add_number(out, row->attempt.v);
    (void)buf_add_str(out, row->what);
    (void)buf_addc(out, '\t');
    (void)buf_add_str(out, row->detail);
    return buf_addc(out, '\n');
}

static int take_number(struct str *line, int64_t *ret)
{
    struct str digits;

    return str_cut(*line, '\t', &digits, line) ? str_to_i64(digits, ret) : ERR_SYNTAX;
}

int trace_unpack(struct str *rest, struct trace_row *ret)
{
    struct str line;
    bool ok = str_cut(*rest, '\n', &line, rest);

    ok = ok && take_number(&line, &ret->at_ms) == 0 && take_number(&line, &ret->event.v) == 0 &&
         take_number(&line, &ret->delivery.v) == 0 && take_number(&line, &ret->attempt.v) == 0;
    return ok && str_cut(line, '\t', &ret->what, &ret->detail) ? 0 : ERR_CORRUPT;
}
