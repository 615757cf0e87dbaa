/* SPDX-License-Identifier: Apache-2.0 */
/* Tags with a body: if and unless, case, for and tablerow, capture. */
#include "templates/liquid_parser.h"

static int new_branch(struct lq_parser *p, struct lq_branch **tail, int line)
{
    *tail = lq_new(p, sizeof **tail);
    if (*tail)
        (*tail)->body = lq_new(p, sizeof *(*tail)->body);
    return *tail && (*tail)->body ? 0 : lq_parse_no_memory(p, line);
}

static int parse_condition(struct lq_parser *p, const struct lq_piece *tag, struct lq_branch *branch)
{
    struct lq_lexer l;
    int err = lq_lexer_init(&l, tag->markup, tag->line, &p->report);

    return err < 0 ? err : lq_parse_tests(p, &l, &branch->test);
}

static void silence_branches(struct lq_branch *branches)
{
    for (struct lq_branch *b = branches; b; b = b->next)
        lq_body_silence(b->body);
}

/* Branches behind an else are parsed and never reached. */
int lq_parse_if(struct lq_parser *p, struct lq_cutter *c, const struct lq_piece *tag, struct lq_node *node)
{
    static const char *const inner[] = {"elsif", "else", NULL};
    bool unless = str_is(tag->name, "unless");
    const struct lq_block block = {unless ? "unless" : "if", unless ? "endunless" : "endif", inner,
                                   tag->line};
    struct lq_branch **tail = &node->branches;
    struct lq_piece at = *tag;
    int err = 0;

    node->kind = LQ_NODE_IF;
    node->blank = true;
    do {
        err = new_branch(p, tail, at.line);
        if (err == 0 && !str_is(at.name, "else"))
            err = parse_condition(p, &at, *tail);
        if (err == 0)
            err = lq_parse_body(p, c, &block, (*tail)->body, &at);
        if (err < 0)
            return err;
        (*tail)->negated = unless && tail == &node->branches;
        node->blank &= (*tail)->body->blank;
        tail = &(*tail)->next;
    } while (!str_is(at.name, block.end));
    if (node->blank)
        silence_branches(node->branches);
    return 0;
}

/* `when a, b or c`: a branch for each, with one body. Gives the place for the next branch. */
static int parse_when(struct lq_parser *p, const struct lq_piece *tag, struct lq_body *body,
                      struct lq_branch ***tail)
{
    struct lq_lexer l;
    bool more = true;
    int err = lq_lexer_init(&l, tag->markup, tag->line, &p->report);

    while (err == 0 && more) {
        struct lq_branch *branch = lq_new(p, sizeof *branch);

        if (!branch)
            return lq_parse_no_memory(p, tag->line);
        branch->body = body;
        **tail = branch;
        *tail = &branch->next;
        err = lq_parse_expr(p, &l, &branch->when);
        more = err == 0 && (lq_lexer_at(&l, ',') || lq_lexer_at_name(&l, "or"));
        if (more)
            err = lq_lexer_next(&l);
    }
    return err < 0 ? err : lq_lexer_expect_end(&l);
}

static int parse_case_branch(struct lq_parser *p, const struct lq_piece *tag, struct lq_branch ***tail,
                             struct lq_body **body)
{
    int err;

    if (str_is(tag->name, "when")) {
        *body = lq_new(p, sizeof **body);
        return *body ? parse_when(p, tag, *body, tail) : lq_parse_no_memory(p, tag->line);
    }
    err = new_branch(p, *tail, tag->line);
    if (err < 0)
        return err;
    *body = (**tail)->body;
    *tail = &(**tail)->next;
    return 0;
}

/* What stands before the first when is never printed. */
int lq_parse_case(struct lq_parser *p, struct lq_cutter *c, const struct lq_piece *tag, struct lq_node *node)
{
    static const char *const inner[] = {"when", "else", NULL};
    const struct lq_block block = {"case", "endcase", inner, tag->line};
    struct lq_branch **tail = &node->branches;
    struct lq_body head = {0}, *body = &head;
    struct lq_piece at;
    struct lq_lexer l;
    int err = lq_lexer_init(&l, tag->markup, tag->line, &p->report);

    node->kind = LQ_NODE_CASE;
    node->blank = true;
    if (err == 0)
        err = lq_parse_expr(p, &l, &node->subject);
    if (err == 0)
        err = lq_lexer_expect_end(&l);
    for (;;) {
        if (err == 0)
            err = lq_parse_body(p, c, &block, body, &at);
        if (err < 0)
            return err;
        node->blank &= body->blank;
        if (str_is(at.name, block.end))
            break;
        err = parse_case_branch(p, &at, &tail, &body);
    }
    if (node->blank)
        silence_branches(node->branches);
    return 0;
}

static int parse_for_option(struct lq_parser *p, struct lq_lexer *l, struct lq_for *f, bool table)
{
    const struct lq_expr **value = NULL;
    bool offset = false;
    int err;

    if (lq_lexer_at_name(l, "reversed") && !table) {
        f->reversed = true;
        return lq_lexer_next(l);
    }
    if (lq_lexer_at_name(l, "limit"))
        value = &f->limit;
    else if ((offset = lq_lexer_at_name(l, "offset")))
        value = &f->offset;
    else if (table && lq_lexer_at_name(l, "cols"))
        value = &f->columns;
    else
        return lq_complain(l->report, l->line, "unexpected \"%.*s\"; a loop has limit, offset and %s",
                           STR_ARG(str_cut_bytes(l->token.text, 40)), table ? "cols" : "reversed");
    err = lq_lexer_next(l);
    if (err == 0)
        err = lq_lexer_expect(l, ':');
    if (err == 0 && offset && !table && lq_lexer_at_name(l, "continue")) {
        f->resumed = true;
        return lq_lexer_next(l);
    }
    return err < 0 ? err : lq_parse_expr(p, l, value);
}

/* x in list: the loop is named "x-list", and by that name `offset: continue` finds where it stopped. */
static int parse_for_head(struct lq_parser *p, const struct lq_piece *tag, struct lq_for *f, bool table)
{
    struct lq_lexer l;
    struct str name, in;
    const char *start;
    int err = lq_lexer_init(&l, tag->markup, tag->line, &p->report);

    if (err == 0 && l.token.kind != LQ_TOKEN_NAME)
        return lq_complain(&p->report, tag->line, "a loop is written: %.*s item in list", STR_ARG(tag->name));
    name = err == 0 ? l.token.text : STR("");
    if (err == 0)
        err = lq_slot(p, name, l.line, LQ_COVERED, &f->slot);
    if (err == 0)
        err = lq_lexer_next(&l);
    if (err == 0 && !lq_lexer_at_name(&l, "in"))
        return lq_complain(&p->report, l.line, "\"in\" is missing");
    start = l.rest.p;
    if (err == 0)
        err = lq_lexer_next(&l);
    if (err == 0)
        err = lq_parse_expr(p, &l, &f->in);
    if (err < 0)
        return err;
    in = (struct str){start, (size_t)(l.rest.p - start) - l.token.text.n};
    in = str_trim(in);
    char *full = arena_printf(&p->t->arena, "%.*s-%.*s", STR_ARG(name), STR_ARG(in));

    if (!full)
        return lq_parse_no_memory(p, tag->line);
    f->name = str_of(full);
    err = lq_loop_number(p, f->name, tag->line, &f->name_number);
    while (err == 0 && l.token.kind != LQ_TOKEN_END)
        err = lq_lexer_at(&l, ',') ? lq_lexer_next(&l) : parse_for_option(p, &l, f, table);
    return err;
}

int lq_parse_for(struct lq_parser *p, struct lq_cutter *c, const struct lq_piece *tag, struct lq_node *node)
{
    static const char *const inner[] = {"else", NULL};
    bool table = str_is(tag->name, "tablerow");
    const struct lq_block block = {table ? "tablerow" : "for", table ? "endtablerow" : "endfor",
                                   table ? NULL : inner, tag->line};
    struct lq_body **body;
    struct lq_piece at;
    int err;

    node->kind = table ? LQ_NODE_TABLEROW : LQ_NODE_FOR;
    node->blank = !table;
    node->loop = lq_new(p, sizeof *node->loop);
    if (!node->loop)
        return lq_parse_no_memory(p, tag->line);
    err = parse_for_head(p, tag, node->loop, table);
    if (err < 0)
        return err;
    body = &node->loop->body;
    do {
        struct lq_body *fresh = lq_new(p, sizeof *fresh);

        if (!fresh)
            return lq_parse_no_memory(p, tag->line);
        err = lq_parse_body(p, c, &block, fresh, &at);
        if (err < 0)
            return err;
        node->blank &= fresh->blank;
        if (!*body)
            *body = fresh; /* the first else counts */
        body = &node->loop->none;
    } while (!str_is(at.name, block.end));
    if (node->blank) {
        lq_body_silence(node->loop->body);
        if (node->loop->none)
            lq_body_silence(node->loop->none);
    }
    return 0;
}

/* {% capture 'x' %} is how it was once written. */
static struct str unquote(struct str s)
{
    bool quoted = s.n >= 2 && (s.p[0] == '\'' || s.p[0] == '"') && s.p[s.n - 1] == s.p[0];

    return quoted ? str_sub(s, 1, s.n - 2) : s;
}

int lq_parse_capture(struct lq_parser *p, struct lq_cutter *c, const struct lq_piece *tag,
                     struct lq_node *node)
{
    const struct lq_block block = {"capture", "endcapture", NULL, tag->line};
    struct lq_piece stop, bare = *tag;
    struct str rest;
    int err;

    node->kind = LQ_NODE_CAPTURE;
    node->blank = true;
    bare.markup = unquote(str_trim(tag->markup));
    err = lq_parse_target(p, &bare, &rest, &node->slot);
    if (err == 0 && rest.n > 0)
        return lq_complain(&p->report, tag->line, "\"capture\" takes one name");
    if (err < 0)
        return err;
    node->body = lq_new(p, sizeof *node->body);
    return node->body ? lq_parse_body(p, c, &block, node->body, &stop) : lq_parse_no_memory(p, tag->line);
}
