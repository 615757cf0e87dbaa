/* SPDX-License-Identifier: Apache-2.0 */
/* The pieces of a template. One pass; the line number moves with `rest`, so it is right in every complaint.
 */
#include <ctype.h>

#include "templates/liquid_lex.h"

void lq_cutter_init(struct lq_cutter *c, struct str source, int line, bool by_lines,
                    const struct lq_report *report)
{
    *c = (struct lq_cutter){.rest = source, .line = line, .by_lines = by_lines, .report = report};
}

/* Takes `n` bytes off the rest. */
static struct str cut(struct lq_cutter *c, size_t n)
{
    struct str piece = str_sub(c->rest, 0, n);

    for (size_t i = 0; i < piece.n; i++)
        c->line += piece.p[i] == '\n';
    c->rest = str_sub(c->rest, n, c->rest.n);
    return piece;
}

static struct str trim_left(struct str s)
{
    while (s.n > 0 && isspace((unsigned char)s.p[0]))
        s = str_sub(s, 1, s.n);
    return s;
}

static struct str trim_right(struct str s)
{
    while (s.n > 0 && isspace((unsigned char)s.p[s.n - 1]))
        s.n--;
    return s;
}

/* Where the next {{ or {% stands; rest.n if none does. */
static size_t find_opening(struct str s, bool tags_only)
{
    for (size_t i = 0; i + 1 < s.n; i++)
        if (s.p[i] == '{' && (s.p[i + 1] == '%' || (!tags_only && s.p[i + 1] == '{')))
            return i;
    return s.n;
}

/* Takes one {{ }} or {% %} off the rest, which begins with it. */
static int cut_delimited(struct lq_cutter *c, struct str close, struct str *ret)
{
    struct str inside = str_sub(c->rest, 2, c->rest.n);
    int line = c->line;
    size_t n;

    if (inside.n > 0 && inside.p[0] == '-')
        inside = str_sub(inside, 1, inside.n);
    n = str_find(inside, close);
    if (n == inside.n)
        return lq_complain(c->report, line, "\"%.2s\" is not closed by \"%.2s\"", c->rest.p, close.p);
    cut(c, (size_t)(inside.p - c->rest.p) + n + 2);
    inside.n = n;
    c->trim_next = n > 0 && inside.p[n - 1] == '-';
    if (c->trim_next)
        inside.n--;
    *ret = inside;
    return 0;
}

static size_t tag_name_length(struct str s)
{
    size_t n = 0;

    if (s.n > 0 && s.p[0] == '#')
        return 1;
    while (n < s.n && (isalnum((unsigned char)s.p[n]) || s.p[n] == '_'))
        n++;
    return n;
}

/* Splits "  name  markup" in place. */
static void name_tag(struct str inside, struct lq_piece *ret)
{
    struct str s = trim_left(inside);

    for (const char *p = inside.p; p < s.p; p++)
        ret->line += *p == '\n';
    ret->kind = LQ_PIECE_TAG;
    ret->name = str_sub(s, 0, tag_name_length(s));
    ret->markup = str_sub(s, ret->name.n, s.n);
}

static int next_line(struct lq_cutter *c, struct lq_piece *ret)
{
    struct str line;

    do {
        if (c->rest.n == 0)
            return 0;
        ret->line = c->line;
        line = cut(c, str_chr(c->rest, '\n') + 1);
    } while (str_trim(line).n == 0);
    name_tag(trim_right(line), ret);
    return 0;
}

static int next_delimited(struct lq_cutter *c, struct lq_piece *ret)
{
    bool tag = c->rest.p[1] == '%';
    struct str inside;
    int err;

    ret->line = c->line;
    err = cut_delimited(c, tag ? STR("%}") : STR("}}"), &inside);
    if (err < 0)
        return err;
    if (tag) {
        name_tag(inside, ret);
    } else {
        ret->kind = LQ_PIECE_OUTPUT;
        ret->markup = inside;
    }
    return 0;
}

int lq_cutter_next(struct lq_cutter *c, struct lq_piece *ret)
{
    *ret = (struct lq_piece){.line = c->line};
    if (c->by_lines)
        return next_line(c, ret);
    while (c->rest.n > 0) {
        size_t n = find_opening(c->rest, false);
        struct str text;

        if (n == 0)
            return next_delimited(c, ret);
        ret->line = c->line;
        text = cut(c, n);
        if (c->trim_next)
            text = trim_left(text);
        if (c->rest.n > 2 && c->rest.p[2] == '-')
            text = trim_right(text);
        c->trim_next = false;
        if (text.n > 0) {
            ret->kind = LQ_PIECE_TEXT;
            ret->markup = text;
            return 0;
        }
    }
    return 0;
}

/* The next tag, over everything else. */
static int next_tag(struct lq_cutter *c, struct lq_piece *ret)
{
    *ret = (struct lq_piece){.line = c->line};
    if (c->by_lines)
        return next_line(c, ret);
    cut(c, find_opening(c->rest, true));
    return c->rest.n > 0 ? next_delimited(c, ret) : 0;
}

/* Length of {%- end -%} at the start of `s`, or 0. */
static size_t closing_length(struct str s, struct str end, bool *trims)
{
    struct str t = str_sub(s, 2, s.n);

    if (t.n > 0 && t.p[0] == '-')
        t = str_sub(t, 1, t.n);
    t = trim_left(t);
    if (!str_starts(t, end))
        return 0;
    t = trim_left(str_sub(t, end.n, t.n));
    *trims = t.n > 0 && t.p[0] == '-';
    if (*trims)
        t = str_sub(t, 1, t.n);
    return str_starts(t, STR("%}")) ? (size_t)(t.p - s.p) + 2 : 0;
}

static int verbatim_lines(struct lq_cutter *c, struct str end, int line, struct str *ret)
{
    struct lq_piece piece;
    const char *start = c->rest.p;
    struct str before;

    do {
        piece = (struct lq_piece){.line = c->line};
        before = c->rest;
        (void)next_line(c, &piece);
        if (piece.kind == LQ_PIECE_END)
            return lq_complain(c->report, line, "\"%.*s\" is missing", STR_ARG(end));
    } while (!str_eq(piece.name, end));
    *ret = (struct str){start, (size_t)(before.p - start)};
    return 0;
}

int lq_cutter_verbatim(struct lq_cutter *c, const char *end, int line, struct str *ret)
{
    struct str tag = str_of(end);

    if (c->by_lines)
        return verbatim_lines(c, tag, line, ret);
    for (size_t at = 0; at < c->rest.n; at += 2) {
        bool trims = false;
        size_t n;

        at += find_opening(str_sub(c->rest, at, c->rest.n), true);
        n = closing_length(str_sub(c->rest, at, c->rest.n), tag, &trims);
        if (n > 0) {
            *ret = cut(c, at);
            cut(c, n);
            c->trim_next = trims;
            return 0;
        }
    }
    return lq_complain(c->report, line, "\"%s\" is missing", end);
}

int lq_cutter_comment(struct lq_cutter *c, int line)
{
    struct lq_piece piece;
    struct str raw;
    int err;

    for (int open = 1; open > 0;) {
        err = next_tag(c, &piece);
        if (err < 0)
            return err;
        if (piece.kind == LQ_PIECE_END)
            return lq_complain(c->report, line, "\"endcomment\" is missing");
        if (str_is(piece.name, "comment"))
            open++;
        else if (str_is(piece.name, "endcomment"))
            open--;
        else if (str_is(piece.name, "raw") && !c->by_lines)
            err = lq_cutter_verbatim(c, "endraw", piece.line, &raw);
        if (err < 0)
            return err;
    }
    return 0;
}
