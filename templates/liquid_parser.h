/* SPDX-License-Identifier: Apache-2.0 */
/* liquid_parser.h - what the parser's files share: one parse at work. Private to templates/liquid*.c.
 *
 * Errors   the first complaint ends the parse; the template half built is freed by its owner.
 */
#ifndef SIYU_TEMPLATES_LIQUID_PARSER_H
#define SIYU_TEMPLATES_LIQUID_PARSER_H

#include "templates/liquid_ast.h"
#include "templates/liquid_lex.h"

#define LQ_MAX_NAMES 1000

struct lq_parser {
    struct liquid *t;
    struct lq_report report;
    int depth; /* of blocks and of expressions inside each other */
    int no_memory;
};

/* Zeroed, in the template's arena; NULL: return lq_parse_no_memory(). */
void *lq_new(struct lq_parser *p, size_t bytes);
int lq_parse_no_memory(struct lq_parser *p, int line);
int lq_copy(struct lq_parser *p, struct str s, int line, struct str *ret);
/* One level deeper; ERR_TOO_DEEP. Pair with lq_leave(). */
int lq_enter(struct lq_parser *p, int line);
void lq_leave(struct lq_parser *p);

/* The number of a variable, which a tag makes, a loop covers, or an expression reads. */
enum lq_use { LQ_COVERED, LQ_WRITTEN, LQ_READ };
int lq_slot(struct lq_parser *p, struct str name, int line, enum lq_use use, int *ret);
int lq_loop_number(struct lq_parser *p, struct str name, int line, int *ret);
/* The target of assign, capture and counters: like a name, but it may begin with a digit. `rest`: what
 * follows. */
int lq_parse_target(struct lq_parser *p, const struct lq_piece *tag, struct str *rest, int *ret);

/* Each begins at the lexer's token and stops behind what it took. */
int lq_parse_expr(struct lq_parser *p, struct lq_lexer *l, const struct lq_expr **ret);
int lq_parse_chain(struct lq_parser *p, struct lq_lexer *l, struct lq_chain *ret);
int lq_parse_tests(struct lq_parser *p, struct lq_lexer *l, struct lq_test **ret);

/* Pieces up to the tag that closes the block, or to the end where `open` is NULL. A tag that the block knows
 * (else, when, its end) is not taken: it is given to the caller in `stop`. */
struct lq_block {
    const char *tag, *end;
    const char *const *inner; /* NULL ended, or NULL */
    int line;
};
int lq_parse_body(struct lq_parser *p, struct lq_cutter *c, const struct lq_block *open, struct lq_body *ret,
                  struct lq_piece *stop);
/* Tags with a body of their own. `node` is zeroed but for kind and line. */
int lq_parse_if(struct lq_parser *p, struct lq_cutter *c, const struct lq_piece *tag, struct lq_node *node);
int lq_parse_case(struct lq_parser *p, struct lq_cutter *c, const struct lq_piece *tag, struct lq_node *node);
int lq_parse_for(struct lq_parser *p, struct lq_cutter *c, const struct lq_piece *tag, struct lq_node *node);
int lq_parse_capture(struct lq_parser *p, struct lq_cutter *c, const struct lq_piece *tag,
                     struct lq_node *node);
/* Drops the text of a body that prints nothing. */
void lq_body_silence(struct lq_body *body);

#endif
