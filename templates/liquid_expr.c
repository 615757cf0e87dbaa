/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions by recursive descent:
 *
 *     chain  = expr ("|" name [":" arg ("," arg)*])*          arg = expr | "allow_false" ":" expr
 *     tests  = test (("and" | "or") test)*                    test = expr [compare expr]
 *     expr   = literal | "(" expr ".." expr ")" | (name | "[" expr "]") ("." name | "[" expr "]")*
 */
#include <stdlib.h>
#include <string.h>

#include "templates/liquid_filter.h"
#include "templates/liquid_parser.h"

static int new_expr(struct lq_parser *p, struct lq_lexer *l, enum lq_expr_kind kind, struct lq_expr **ret)
{
    struct lq_expr *e = lq_new(p, sizeof *e);

    if (!e)
        return lq_parse_no_memory(p, l->line);
    e->kind = kind;
    e->line = l->line;
    *ret = e;
    return 0;
}

static bool literal_word(struct str name, struct lq_value *ret)
{
    static const struct {
        const char *name;
        struct lq_value value;
    } words[] = {
        {"nil", {.type = LQ_NIL}},    {"null", {.type = LQ_NIL}},    {"true", {.type = LQ_BOOL, .b = 1}},
        {"false", {.type = LQ_BOOL}}, {"empty", {.type = LQ_EMPTY}}, {"blank", {.type = LQ_BLANK}},
    };

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_is(name, words[i].name)) {
            *ret = words[i].value;
            return true;
        }
    return false;
}

static int literal_number(struct lq_lexer *l, struct lq_value *ret)
{
    struct lq_number n;
    int64_t i;

    if (l->token.kind == LQ_TOKEN_INT && str_to_i64(l->token.text, &i) < 0)
        return lq_complain(l->report, l->line, "number %.*s is too big",
                           STR_ARG(str_cut_bytes(l->token.text, 40)));
    n = lq_number_of_text(l->token.text);
    *ret = n.whole ? lq_int(n.i) : lq_float(n.f);
    return 0;
}

/* The token is a text, a number, or a word that nothing is taken out of. */
static int parse_literal(struct lq_parser *p, struct lq_lexer *l, struct lq_value value,
                         const struct lq_expr **ret)
{
    struct lq_expr *e = NULL;
    int err = new_expr(p, l, LQ_EXPR_LITERAL, &e);

    if (err < 0)
        return err;
    e->literal = value;
    if (value.type == LQ_STRING)
        err = lq_copy(p, value.s, l->line, &e->literal.s);
    if (err == 0)
        err = lq_lexer_next(l);
    *ret = e;
    return err;
}

static int parse_range(struct lq_parser *p, struct lq_lexer *l, const struct lq_expr **ret)
{
    struct lq_expr *e = NULL;
    int err = new_expr(p, l, LQ_EXPR_RANGE, &e);

    if (err == 0)
        err = lq_lexer_next(l);
    if (err == 0)
        err = lq_parse_expr(p, l, &e->from);
    if (err == 0 && l->token.kind != LQ_TOKEN_RANGE)
        return lq_complain(l->report, l->line, "a range is written (1..5)");
    if (err == 0)
        err = lq_lexer_next(l);
    if (err == 0)
        err = lq_parse_expr(p, l, &e->to);
    if (err == 0)
        err = lq_lexer_expect(l, ')');
    *ret = e;
    return err;
}

/* [expr]; a literal text is as good as a name. */
static int parse_bracket(struct lq_parser *p, struct lq_lexer *l, const struct lq_expr **ret)
{
    int err = lq_lexer_next(l);

    if (err == 0)
        err = lq_parse_expr(p, l, ret);
    return err < 0 ? err : lq_lexer_expect(l, ']');
}

static bool is_text(const struct lq_expr *e)
{
    return e->kind == LQ_EXPR_LITERAL && e->literal.type == LQ_STRING;
}

static int parse_step(struct lq_parser *p, struct lq_lexer *l, struct lq_step *step)
{
    int err;

    step->dotted = lq_lexer_at(l, '.');
    if (!step->dotted) {
        err = parse_bracket(p, l, &step->index);
        if (err == 0 && is_text(step->index))
            step->key = step->index->literal.s;
        return err;
    }
    err = lq_lexer_next(l);
    if (err == 0 && l->token.kind != LQ_TOKEN_NAME)
        return lq_complain(l->report, l->line, "a name is expected after \".\"; write [0] for an item");
    if (err == 0)
        err = lq_copy(p, l->token.text, l->line, &step->key);
    return err < 0 ? err : lq_lexer_next(l);
}

static int parse_root(struct lq_parser *p, struct lq_lexer *l, struct lq_expr *e)
{
    int err;

    if (!lq_lexer_at(l, '[')) {
        err = lq_slot(p, l->token.text, l->line, LQ_READ, &e->slot);
        return err < 0 ? err : lq_lexer_next(l);
    }
    err = parse_bracket(p, l, &e->from);
    if (err == 0 && is_text(e->from))
        return lq_slot(p, e->from->literal.s, l->line, LQ_READ, &e->slot);
    e->slot = -1;
    p->t->reads_any = true;
    return err;
}

static int parse_lookup(struct lq_parser *p, struct lq_lexer *l, const struct lq_expr **ret)
{
    struct lq_expr *e = NULL;
    struct lq_step **tail;
    int err = new_expr(p, l, LQ_EXPR_LOOKUP, &e);

    if (err == 0)
        err = parse_root(p, l, e);
    if (err < 0)
        return err;
    for (tail = &e->steps; err == 0 && (lq_lexer_at(l, '.') || lq_lexer_at(l, '[')); tail = &(*tail)->next) {
        *tail = lq_new(p, sizeof **tail);
        if (!*tail)
            return lq_parse_no_memory(p, l->line);
        err = parse_step(p, l, *tail);
    }
    *ret = e;
    return err;
}

/* The mark after the token at hand, or NUL. */
static char peek_mark(const struct lq_lexer *l)
{
    struct lq_lexer ahead = *l;
    struct lq_report quiet = {0};

    ahead.report = &quiet;
    return lq_lexer_next(&ahead) == 0 && ahead.token.kind == LQ_TOKEN_MARK ? ahead.token.mark : '\0';
}

/* `empty` alone is the literal, `empty.x` a variable of that name. */
static bool stands_alone(const struct lq_lexer *l)
{
    char mark = peek_mark(l);

    return mark != '.' && mark != '[';
}

static int parse_inside(struct lq_parser *p, struct lq_lexer *l, const struct lq_expr **ret)
{
    struct lq_value value;
    int err;

    switch (l->token.kind) {
    case LQ_TOKEN_STRING: return parse_literal(p, l, lq_string(l->token.text), ret);
    case LQ_TOKEN_INT:
    case LQ_TOKEN_FLOAT:
        err = literal_number(l, &value);
        return err < 0 ? err : parse_literal(p, l, value, ret);
    case LQ_TOKEN_NAME:
        if (literal_word(l->token.text, &value) && stands_alone(l))
            return parse_literal(p, l, value, ret);
        return parse_lookup(p, l, ret);
    default: break;
    }
    if (lq_lexer_at(l, '('))
        return parse_range(p, l, ret);
    if (lq_lexer_at(l, '['))
        return parse_lookup(p, l, ret);
    if (l->token.kind == LQ_TOKEN_END)
        return lq_complain(l->report, l->line, "a value is missing at the end of the tag");
    return lq_complain(l->report, l->line, "a value is expected before \"%.*s\"",
                       STR_ARG(str_cut_bytes(l->token.text, 40)));
}

int lq_parse_expr(struct lq_parser *p, struct lq_lexer *l, const struct lq_expr **ret)
{
    int err = lq_enter(p, l->line);

    if (err < 0)
        return err;
    err = parse_inside(p, l, ret);
    lq_leave(p);
    return err;
}

static int parse_option(struct lq_parser *p, struct lq_lexer *l, struct lq_call *call)
{
    int err;

    if (strcmp(call->filter->name, "default") != 0 || !str_is(l->token.text, "allow_false"))
        return lq_complain(l->report, l->line, "filter \"%s\" has no option \"%.*s\"", call->filter->name,
                           STR_ARG(str_cut_bytes(l->token.text, 40)));
    err = lq_lexer_next(l);
    if (err == 0)
        err = lq_lexer_expect(l, ':');
    return err < 0 ? err : lq_parse_expr(p, l, &call->allow_false);
}

static int parse_argument(struct lq_parser *p, struct lq_lexer *l, struct lq_call *call)
{
    if (l->token.kind == LQ_TOKEN_NAME && peek_mark(l) == ':')
        return parse_option(p, l, call);
    if (call->n >= call->filter->max_args)
        return lq_complain(l->report, l->line, "filter \"%s\" takes at most %zu argument%s",
                           call->filter->name, call->filter->max_args,
                           call->filter->max_args == 1 ? "" : "s");
    return lq_parse_expr(p, l, &call->args[call->n++]);
}

static int find_filter(const struct lq_lexer *l, struct lq_call *call)
{
    struct str name = l->token.text;
    const char *near;

    if (l->token.kind != LQ_TOKEN_NAME)
        return lq_complain(l->report, l->line, "a filter is expected after \"|\"");
    call->filter = lq_filter_of(name);
    if (call->filter)
        return 0;
    near = lq_filter_near(name);
    return lq_complain(l->report, l->line, "unknown filter \"%.*s\"%s%s%s", STR_ARG(str_cut_bytes(name, 40)),
                       near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static int parse_call(struct lq_parser *p, struct lq_lexer *l, struct lq_call *call)
{
    int err = lq_lexer_next(l);

    if (err == 0)
        err = find_filter(l, call);
    if (err == 0)
        err = lq_lexer_next(l);
    if (err == 0 && lq_lexer_at(l, ':')) {
        do {
            err = lq_lexer_next(l);
            if (err == 0)
                err = parse_argument(p, l, call);
        } while (err == 0 && lq_lexer_at(l, ','));
    }
    if (err == 0 && call->n < call->filter->min_args)
        return lq_complain(l->report, l->line, "filter \"%s\" needs %zu argument%s", call->filter->name,
                           call->filter->min_args, call->filter->min_args > 1 ? "s" : "");
    return err;
}

int lq_parse_chain(struct lq_parser *p, struct lq_lexer *l, struct lq_chain *ret)
{
    struct lq_call **tail = &ret->calls;
    int err = lq_parse_expr(p, l, &ret->expr);

    for (; err == 0 && lq_lexer_at(l, '|'); tail = &(*tail)->next) {
        *tail = lq_new(p, sizeof **tail);
        if (!*tail)
            return lq_parse_no_memory(p, l->line);
        err = parse_call(p, l, *tail);
    }
    return err < 0 ? err : lq_lexer_expect_end(l);
}

static bool compare_of(const struct lq_lexer *l, enum lq_compare *ret)
{
    static const struct {
        const char *text;
        enum lq_compare op;
    } all[] = {{"==", LQ_EQ}, {"!=", LQ_NE}, {"<>", LQ_NE}, {"<", LQ_LT},
               {"<=", LQ_LE}, {">", LQ_GT},  {">=", LQ_GE}};

    if (lq_lexer_at_name(l, "contains")) {
        *ret = LQ_CONTAINS;
        return true;
    }
    for (size_t i = 0; l->token.kind == LQ_TOKEN_COMPARE && i < ARRAY_LEN(all); i++)
        if (str_is(l->token.text, all[i].text)) {
            *ret = all[i].op;
            return true;
        }
    return false;
}

static int parse_test(struct lq_parser *p, struct lq_lexer *l, struct lq_test *test)
{
    int err = lq_parse_expr(p, l, &test->left);

    if (err < 0)
        return err;
    test->compared = compare_of(l, &test->op);
    if (!test->compared)
        return 0;
    err = lq_lexer_next(l);
    return err < 0 ? err : lq_parse_expr(p, l, &test->right);
}

int lq_parse_tests(struct lq_parser *p, struct lq_lexer *l, struct lq_test **ret)
{
    struct lq_test **tail = ret;
    bool more = true;
    int err = 0;

    while (more) {
        *tail = lq_new(p, sizeof **tail);
        if (!*tail)
            return lq_parse_no_memory(p, l->line);
        err = parse_test(p, l, *tail);
        if (err < 0)
            return err;
        (*tail)->or_next = lq_lexer_at_name(l, "or");
        more = (*tail)->or_next || lq_lexer_at_name(l, "and");
        if (more)
            err = lq_lexer_next(l);
        if (err < 0)
            return err;
        tail = &(*tail)->next;
    }
    return lq_lexer_expect_end(l);
}
