/* SPDX-License-Identifier: Apache-2.0 */
/* The tokens of an expression. Identifiers are ASCII: a full-width comma or colon, the commonest slip on a
 * Chinese keyboard, must be named as such and not become part of a name. */
#include "templates/liquid_lex.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

int lq_complain(const struct lq_report *to, int line, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    if (to->diag)
        diag_addv(to->diag, DIAG_ERROR, to->file, line, fmt, args);
    va_end(args);
    return ERR_SYNTAX;
}

static bool starts_name(char c)
{
    return isalpha((unsigned char)c) || c == '_';
}

static bool continues_name(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-';
}

static size_t name_length(struct str s)
{
    size_t n = 1;

    while (n < s.n && continues_name(s.p[n]))
        n++;
    return n < s.n && s.p[n] == '?' ? n + 1 : n;
}

/* `1..5` is a range, so a dot belongs to the number only before a digit. */
static size_t number_length(struct str s, bool *fraction)
{
    size_t n = s.p[0] == '-' ? 1 : 0;

    while (n < s.n && isdigit((unsigned char)s.p[n]))
        n++;
    *fraction = n + 1 < s.n && s.p[n] == '.' && isdigit((unsigned char)s.p[n + 1]);
    if (*fraction)
        for (n++; n < s.n && isdigit((unsigned char)s.p[n]);)
            n++;
    return n;
}

static size_t compare_length(struct str s)
{
    static const char *const two[] = {"==", "!=", "<>", "<=", ">="};

    for (size_t i = 0; i < sizeof two / sizeof two[0]; i++)
        if (str_starts(s, str_of(two[i])))
            return 2;
    return s.p[0] == '<' || s.p[0] == '>' ? 1 : 0;
}

static int unexpected(const struct lq_lexer *l)
{
    struct str s = l->rest, one = s;
    int32_t cp = utf8_next(&s);

    one.n -= s.n;
    if (cp == 0xff0c || cp == 0xff1a || cp == 0xff5c || cp == 0x2018 || cp == 0x2019 || cp == 0x201c ||
        cp == 0x201d)
        return lq_complain(l->report, l->line, "full-width \"%.*s\" inside a tag; type its ASCII form",
                           STR_ARG(one));
    if (cp < 0 || cp < 0x20)
        return lq_complain(l->report, l->line, "unexpected byte 0x%02x inside a tag",
                           (unsigned char)one.p[0]);
    return lq_complain(l->report, l->line, "unexpected \"%.*s\" inside a tag", STR_ARG(one));
}

static int read_string(struct lq_lexer *l)
{
    struct str body = str_sub(l->rest, 1, l->rest.n - 1);
    size_t n = str_chr(body, l->rest.p[0]);

    if (n == body.n)
        return lq_complain(l->report, l->line, "text is not closed: %.*s",
                           STR_ARG(str_cut_bytes(l->rest, 40)));
    l->token = (struct lq_token){.kind = LQ_TOKEN_STRING, .text = str_sub(body, 0, n)};
    l->rest = str_sub(body, n + 1, body.n);
    return 0;
}

static void skip_blanks(struct lq_lexer *l)
{
    while (l->rest.n > 0 && isspace((unsigned char)l->rest.p[0])) {
        if (l->rest.p[0] == '\n')
            l->line++;
        l->rest = str_sub(l->rest, 1, l->rest.n);
    }
}

int lq_lexer_next(struct lq_lexer *l)
{
    struct lq_token t = {.kind = LQ_TOKEN_END};
    bool fraction = false;
    size_t n = 0;

    skip_blanks(l);
    if (l->rest.n > 0) {
        char c = l->rest.p[0], d = l->rest.n > 1 ? l->rest.p[1] : '\0';

        if (c == '\'' || c == '"')
            return read_string(l);
        if (starts_name(c)) {
            t.kind = LQ_TOKEN_NAME;
            n = name_length(l->rest);
        } else if (isdigit((unsigned char)c) || (c == '-' && isdigit((unsigned char)d))) {
            n = number_length(l->rest, &fraction);
            t.kind = fraction ? LQ_TOKEN_FLOAT : LQ_TOKEN_INT;
        } else if (compare_length(l->rest) > 0) {
            t.kind = LQ_TOKEN_COMPARE;
            n = compare_length(l->rest);
        } else if (c == '.' && d == '.') {
            t.kind = LQ_TOKEN_RANGE;
            n = 2;
        } else if (c != '\0' && strchr(".,:|()[]=", c)) {
            t.kind = LQ_TOKEN_MARK;
            t.mark = c;
            n = 1;
        } else {
            return unexpected(l);
        }
        t.text = str_sub(l->rest, 0, n);
        l->rest = str_sub(l->rest, n, l->rest.n);
    }
    l->token = t;
    return 0;
}

int lq_lexer_init(struct lq_lexer *l, struct str markup, int line, const struct lq_report *report)
{
    *l = (struct lq_lexer){.rest = markup, .line = line, .report = report};
    return lq_lexer_next(l);
}

bool lq_lexer_at(const struct lq_lexer *l, char mark)
{
    return l->token.kind == LQ_TOKEN_MARK && l->token.mark == mark;
}

bool lq_lexer_at_name(const struct lq_lexer *l, const char *name)
{
    return l->token.kind == LQ_TOKEN_NAME && str_is(l->token.text, name);
}

static int misplaced(const struct lq_lexer *l, const char *wanted)
{
    if (l->token.kind == LQ_TOKEN_END)
        return lq_complain(l->report, l->line, "%s is missing at the end of the tag", wanted);
    return lq_complain(l->report, l->line, "%s expected before \"%.*s\"", wanted,
                       STR_ARG(str_cut_bytes(l->token.text, 40)));
}

int lq_lexer_expect(struct lq_lexer *l, char mark)
{
    char wanted[] = {'"', mark, '"', '\0'};

    return lq_lexer_at(l, mark) ? lq_lexer_next(l) : misplaced(l, wanted);
}

int lq_lexer_expect_end(struct lq_lexer *l)
{
    return l->token.kind == LQ_TOKEN_END ? 0 : misplaced(l, "the end of the tag");
}
