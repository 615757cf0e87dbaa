/* SPDX-License-Identifier: Apache-2.0 */
/* liquid_ast.h - a parsed template: bodies of nodes, nodes with expressions. Private to templates/liquid*.c.
 *
 * Names are numbered: a variable by its slot, the name of a loop by its number, so that a render keeps its
 * state in plain arrays and the template itself never changes.
 *
 * Memory   all of it lies in the template's arena.
 */
#ifndef SIYU_TEMPLATES_LIQUID_AST_H
#define SIYU_TEMPLATES_LIQUID_AST_H

#include "templates/liquid_value.h"

struct lq_expr;
struct lq_filter;

/* .key, ['key'] or [expr] */
struct lq_step {
    struct lq_step *next;
    struct str key; /* p NULL: `index` says which */
    const struct lq_expr *index;
    bool dotted;
};

enum lq_expr_kind { LQ_EXPR_LITERAL, LQ_EXPR_LOOKUP, LQ_EXPR_RANGE };

struct lq_expr {
    enum lq_expr_kind kind;
    int line;
    struct lq_value literal;
    int slot;                   /* lookup; -1: the name is what `from` yields */
    struct lq_step *steps;      /* lookup */
    const struct lq_expr *from; /* range */
    const struct lq_expr *to;
};

#define LQ_MAX_ARGS 3

struct lq_call {
    struct lq_call *next;
    const struct lq_filter *filter;
    const struct lq_expr *args[LQ_MAX_ARGS];
    size_t n;
    const struct lq_expr *allow_false; /* the one keyword there is */
};

struct lq_chain {
    const struct lq_expr *expr; /* NULL: {{ }} */
    struct lq_call *calls;
};

struct lq_test {
    struct lq_test *next; /* or, and: the rest of the chain binds first, as Liquid has it */
    bool or_next;
    bool compared;
    enum lq_compare op;
    const struct lq_expr *left, *right;
};

struct lq_body {
    struct lq_node *first;
    bool blank; /* prints nothing but white space */
};

struct lq_branch {
    struct lq_branch *next;
    struct lq_test *test;       /* if, unless, elsif; NULL: else */
    const struct lq_expr *when; /* case; NULL: else */
    bool negated;
    struct lq_body *body; /* shared by `when a, b` */
};

struct lq_expr_list {
    struct lq_expr_list *next;
    const struct lq_expr *expr;
};

struct lq_for {
    int slot, name_number;
    struct str name;
    const struct lq_expr *in, *limit, *offset, *columns;
    bool resumed, reversed; /* offset: continue */
    struct lq_body *body, *none;
};

struct lq_cycle {
    const struct lq_expr *name; /* or NULL, then `key` */
    struct str key;
    struct lq_expr_list *items;
    size_t n;
};

enum lq_node_kind {
    LQ_NODE_TEXT,
    LQ_NODE_OUTPUT,
    LQ_NODE_ASSIGN,
    LQ_NODE_CAPTURE,
    LQ_NODE_IF,
    LQ_NODE_CASE,
    LQ_NODE_FOR,
    LQ_NODE_TABLEROW,
    LQ_NODE_CYCLE,
    LQ_NODE_IFCHANGED,
    LQ_NODE_COUNTER,
    LQ_NODE_BREAK,
    LQ_NODE_CONTINUE,
};

struct lq_node {
    struct lq_node *next;
    enum lq_node_kind kind;
    int line;
    bool blank;
    struct str text;               /* text */
    struct lq_chain chain;         /* output, assign */
    int slot;                      /* assign, capture, counter */
    int delta;                     /* counter: +1 prints before, -1 after */
    struct lq_body *body;          /* capture, ifchanged */
    const struct lq_expr *subject; /* case */
    struct lq_branch *branches;    /* if, case */
    struct lq_for *loop;           /* for, tablerow */
    struct lq_cycle *cycle;
};

struct lq_name {
    struct lq_name *next;
    struct str text; /* NUL terminated */
    int number;
    bool read;    /* some expression looks it up */
    bool written; /* assign, capture, increment or decrement makes it */
};

enum { LQ_SLOT_FORLOOP, LQ_SLOT_TABLEROWLOOP }; /* numbered first in every template */

struct liquid {
    struct arena arena;
    const char *file;
    struct lq_body body;
    struct lq_name *names, *loop_names; /* the latest first */
    const struct lq_name **slots;       /* `names` by number, once parsed */
    int name_count, loop_name_count;
    bool reads_any; /* {{ [expr] }}: the name is known only when rendering */
};

#endif
