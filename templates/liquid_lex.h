/* SPDX-License-Identifier: Apache-2.0 */
/* liquid_lex.h - cuts a template into pieces, and the markup of a piece into tokens. Private to templates.
 *
 * Pieces: text, {{ output }} and {% tag %}; inside {% liquid %} each line is a tag. White space control (`-`)
 * is applied here. A piece ends at the first }} or %}, quoted or not, as in every Liquid.
 *
 * Errors   ERR_SYNTAX, after a complaint with file and line.
 * Memory   pieces and tokens are views of the source.
 */
#ifndef SIYU_TEMPLATES_LIQUID_LEX_H
#define SIYU_TEMPLATES_LIQUID_LEX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/* Where complaints about one template go. */
struct lq_report {
    const char *file;
    struct diag *diag;
};
/* Gives ERR_SYNTAX. */
int lq_complain(const struct lq_report *to, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

enum lq_piece_kind { LQ_PIECE_END, LQ_PIECE_TEXT, LQ_PIECE_OUTPUT, LQ_PIECE_TAG };

struct lq_piece {
    enum lq_piece_kind kind;
    int line;
    struct str name;   /* of a tag */
    struct str markup; /* what stands inside, or the text */
};

struct lq_cutter {
    struct str rest;
    int line;
    bool by_lines;  /* inside {% liquid %} */
    bool trim_next; /* the last piece ended with -%} or -}} */
    const struct lq_report *report;
};

void lq_cutter_init(struct lq_cutter *c, struct str source, int line, bool by_lines,
                    const struct lq_report *report);
int lq_cutter_next(struct lq_cutter *c, struct lq_piece *ret);
/* After {% raw %} or {% doc %}: all up to {% endraw %}, as it stands. */
int lq_cutter_verbatim(struct lq_cutter *c, const char *end, int line, struct str *ret);
/* After {% comment %}: past its {% endcomment %}, over nested comments and raw blocks. */
int lq_cutter_comment(struct lq_cutter *c, int line);

enum lq_token_kind {
    LQ_TOKEN_END,
    LQ_TOKEN_NAME,
    LQ_TOKEN_STRING, /* `text` without its quotes */
    LQ_TOKEN_INT,
    LQ_TOKEN_FLOAT,
    LQ_TOKEN_COMPARE, /* == != <> < <= > >= */
    LQ_TOKEN_RANGE,   /* .. */
    LQ_TOKEN_MARK,    /* one of . , : | ( ) [ ] = */
};

struct lq_token {
    enum lq_token_kind kind;
    char mark; /* LQ_TOKEN_MARK */
    struct str text;
};

struct lq_lexer {
    struct str rest;
    int line;
    struct lq_token token; /* the one to look at */
    const struct lq_report *report;
};

/* Reads the first token. */
int lq_lexer_init(struct lq_lexer *l, struct str markup, int line, const struct lq_report *report);
int lq_lexer_next(struct lq_lexer *l);
bool lq_lexer_at(const struct lq_lexer *l, char mark);
bool lq_lexer_at_name(const struct lq_lexer *l, const char *name);
/* Steps over `mark`, or complains that it is missing. */
int lq_lexer_expect(struct lq_lexer *l, char mark);
int lq_lexer_expect_end(struct lq_lexer *l);

#endif
