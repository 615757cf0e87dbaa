/* SPDX-License-Identifier: Apache-2.0 */
/* Tags that stand alone, the bodies between tags, and the life of a template.
 *
 * A body is blank when it can print nothing but white space. A block whose branches are all blank drops their
 * text, so that a block of assignments leaves no empty lines in the message. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "templates/liquid_parser.h"

#define ARENA_MAX_BYTES ((size_t)64 * 1024 * 1024) /* 256 for each byte of the longest source */

void *lq_new(struct lq_parser *p, size_t bytes)
{
    return arena_alloc(&p->t->arena, bytes);
}

int lq_parse_no_memory(struct lq_parser *p, int line)
{
    if (p->t->arena.used_bytes < p->t->arena.max_bytes / 2)
        return -ENOMEM;
    (void)lq_complain(&p->report, line, "the template is too big");
    return ERR_TOO_BIG;
}

int lq_copy(struct lq_parser *p, struct str s, int line, struct str *ret)
{
    char *copy = arena_str(&p->t->arena, s);

    if (!copy)
        return lq_parse_no_memory(p, line);
    *ret = (struct str){copy, s.n};
    return 0;
}

int lq_enter(struct lq_parser *p, int line)
{
    if (p->depth >= LIQUID_MAX_DEPTH) {
        (void)lq_complain(&p->report, line, "nested deeper than %d", LIQUID_MAX_DEPTH);
        return ERR_TOO_DEEP;
    }
    p->depth++;
    return 0;
}

void lq_leave(struct lq_parser *p)
{
    p->depth--;
}

static int number_name(struct lq_parser *p, struct lq_name **list, int *count, struct str text, int line,
                       struct lq_name **ret)
{
    struct lq_name *name;
    int err;

    for (name = *list; name; name = name->next)
        if (str_eq(name->text, text)) {
            *ret = name;
            return 0;
        }
    if (*count >= LQ_MAX_NAMES) {
        (void)lq_complain(&p->report, line, "more than %d different names", LQ_MAX_NAMES);
        return ERR_TOO_BIG;
    }
    name = lq_new(p, sizeof *name);
    if (!name)
        return lq_parse_no_memory(p, line);
    err = lq_copy(p, text, line, &name->text);
    if (err < 0)
        return err;
    name->number = (*count)++;
    name->next = *list;
    *list = *ret = name;
    return 0;
}

int lq_slot(struct lq_parser *p, struct str name, int line, enum lq_use use, int *ret)
{
    struct lq_name *found;
    int err = number_name(p, &p->t->names, &p->t->name_count, name, line, &found);

    if (err < 0)
        return err;
    found->read |= use == LQ_READ;
    found->written |= use == LQ_WRITTEN;
    *ret = found->number;
    return 0;
}

int lq_loop_number(struct lq_parser *p, struct str name, int line, int *ret)
{
    struct lq_name *found;
    int err = number_name(p, &p->t->loop_names, &p->t->loop_name_count, name, line, &found);

    if (err == 0)
        *ret = found->number;
    return err;
}

int lq_parse_target(struct lq_parser *p, const struct lq_piece *tag, struct str *rest, int *ret)
{
    struct str s = str_trim(tag->markup);
    size_t n = 0;

    while (n < s.n && (isalnum((unsigned char)s.p[n]) || s.p[n] == '_' || (s.p[n] == '-' && n > 0)))
        n++;
    if (n == 0)
        return lq_complain(&p->report, tag->line, "a name is expected after \"%.*s\"", STR_ARG(tag->name));
    *rest = str_trim(str_sub(s, n, s.n));
    return lq_slot(p, str_sub(s, 0, n), tag->line, LQ_WRITTEN, ret);
}

static int parse_output(struct lq_parser *p, const struct lq_piece *piece, struct lq_node *node)
{
    struct lq_lexer l;
    int err;

    node->kind = LQ_NODE_OUTPUT;
    if (str_trim(piece->markup).n == 0)
        return 0;
    err = lq_lexer_init(&l, piece->markup, piece->line, &p->report);
    return err < 0 ? err : lq_parse_chain(p, &l, &node->chain);
}

static int parse_assign(struct lq_parser *p, const struct lq_piece *tag, struct lq_node *node)
{
    struct lq_lexer l;
    struct str rest;
    int err = lq_parse_target(p, tag, &rest, &node->slot);

    node->kind = LQ_NODE_ASSIGN;
    node->blank = true;
    if (err == 0)
        err = lq_lexer_init(&l, rest, tag->line, &p->report);
    if (err == 0)
        err = lq_lexer_expect(&l, '=');
    return err < 0 ? err : lq_parse_chain(p, &l, &node->chain);
}

static int parse_counter(struct lq_parser *p, const struct lq_piece *tag, struct lq_node *node)
{
    struct str rest;
    int err = lq_parse_target(p, tag, &rest, &node->slot);

    node->kind = LQ_NODE_COUNTER;
    node->delta = str_is(tag->name, "increment") ? 1 : -1;
    if (err == 0 && rest.n > 0)
        return lq_complain(&p->report, tag->line, "\"%.*s\" takes one name", STR_ARG(tag->name));
    return err;
}

static int parse_plain(struct lq_parser *p, const struct lq_piece *tag, struct lq_node *node)
{
    node->kind = str_is(tag->name, "break") ? LQ_NODE_BREAK : LQ_NODE_CONTINUE;
    if (str_trim(tag->markup).n > 0)
        return lq_complain(&p->report, tag->line, "\"%.*s\" takes nothing", STR_ARG(tag->name));
    return 0;
}

static int parse_cycle_items(struct lq_parser *p, struct lq_lexer *l, struct lq_cycle *cycle)
{
    struct lq_expr_list **tail = &cycle->items;
    int err;

    for (;;) {
        *tail = lq_new(p, sizeof **tail);
        if (!*tail)
            return lq_parse_no_memory(p, l->line);
        err = lq_parse_expr(p, l, &(*tail)->expr);
        if (err < 0)
            return err;
        cycle->n++;
        if (lq_lexer_at(l, ':') && cycle->n == 1 && !cycle->name) {
            cycle->name = (*tail)->expr;
            cycle->n = 0;
            *tail = NULL;
        } else if (lq_lexer_at(l, ',')) {
            tail = &(*tail)->next;
        } else {
            return lq_lexer_expect_end(l);
        }
        err = lq_lexer_next(l);
        if (err < 0)
            return err;
    }
}

static int parse_cycle(struct lq_parser *p, const struct lq_piece *tag, struct lq_node *node)
{
    struct lq_lexer l;
    int err;

    node->kind = LQ_NODE_CYCLE;
    node->cycle = lq_new(p, sizeof *node->cycle);
    if (!node->cycle)
        return lq_parse_no_memory(p, tag->line);
    err = lq_copy(p, str_trim(tag->markup), tag->line, &node->cycle->key);
    if (err == 0)
        err = lq_lexer_init(&l, tag->markup, tag->line, &p->report);
    return err < 0 ? err : parse_cycle_items(p, &l, node->cycle);
}

static int parse_ifchanged(struct lq_parser *p, struct lq_cutter *c, const struct lq_piece *tag,
                           struct lq_node *node)
{
    const struct lq_block block = {"ifchanged", "endifchanged", NULL, tag->line};
    struct lq_piece stop;

    node->kind = LQ_NODE_IFCHANGED;
    node->body = lq_new(p, sizeof *node->body);
    if (!node->body)
        return lq_parse_no_memory(p, tag->line);
    return lq_parse_body(p, c, &block, node->body, &stop);
}

static int append_text(struct lq_parser *p, struct str text, int line, struct lq_node *node)
{
    node->kind = LQ_NODE_TEXT;
    node->blank = str_trim(text).n == 0;
    return lq_copy(p, text, line, &node->text);
}

static int parse_raw(struct lq_parser *p, struct lq_cutter *c, const struct lq_piece *tag,
                     struct lq_node *node)
{
    struct str text;
    int err;

    if (str_trim(tag->markup).n > 0)
        return lq_complain(&p->report, tag->line, "\"raw\" takes nothing");
    err = lq_cutter_verbatim(c, "endraw", tag->line, &text);
    if (err == 0)
        err = append_text(p, text, tag->line, node);
    node->blank = text.n == 0;
    return err;
}

static int skip_doc(struct lq_parser *p, struct lq_cutter *c, const struct lq_piece *tag)
{
    struct lq_report quiet = {0};
    struct lq_cutter inner;
    struct lq_piece piece = {.kind = LQ_PIECE_TEXT};
    struct str text;
    int err = 0;

    if (str_trim(tag->markup).n > 0)
        return lq_complain(&p->report, tag->line, "\"doc\" takes nothing");
    err = lq_cutter_verbatim(c, "enddoc", tag->line, &text);
    if (err < 0)
        return err;
    lq_cutter_init(&inner, text, tag->line, c->by_lines, &quiet);
    while (lq_cutter_next(&inner, &piece) == 0 && piece.kind != LQ_PIECE_END)
        if (piece.kind == LQ_PIECE_TAG && str_is(piece.name, "doc"))
            return lq_complain(&p->report, piece.line, "\"doc\" inside \"doc\"");
    return 0;
}

/* Each line of an inline comment begins with its own #. */
static int check_comment(struct lq_parser *p, const struct lq_piece *tag)
{
    struct str rest = tag->markup, line;

    if (!str_next(&rest, '\n', &line))
        return 0;
    while (rest.n > 0 && str_next(&rest, '\n', &line)) {
        line = str_trim(line);
        if (line.n > 0 && line.p[0] != '#')
            return lq_complain(&p->report, tag->line, "each line of this comment must begin with #");
    }
    return 0;
}

static int unknown_tag(struct lq_parser *p, const struct lq_piece *tag, const struct lq_block *open)
{
    if (tag->name.n == 0)
        return lq_complain(&p->report, tag->line, "a tag without a name");
    if (str_is(tag->name, "include") || str_is(tag->name, "render"))
        return lq_complain(&p->report, tag->line, "tag \"%.*s\" is not available: a template stands alone",
                           STR_ARG(tag->name));
    if (open)
        return lq_complain(&p->report, tag->line, "unexpected tag \"%.*s\" inside \"%s\" of line %d",
                           STR_ARG(str_cut_bytes(tag->name, 40)), open->tag, open->line);
    return lq_complain(&p->report, tag->line, "unknown tag \"%.*s\"", STR_ARG(str_cut_bytes(tag->name, 40)));
}

struct tag_parser {
    const char *name;
    int (*alone)(struct lq_parser *p, const struct lq_piece *tag, struct lq_node *node);
    int (*block)(struct lq_parser *p, struct lq_cutter *c, const struct lq_piece *tag, struct lq_node *node);
};

static const struct tag_parser tags[] = {
    {"assign", parse_assign, NULL},
    {"break", parse_plain, NULL},
    {"capture", NULL, lq_parse_capture},
    {"case", NULL, lq_parse_case},
    {"continue", parse_plain, NULL},
    {"cycle", parse_cycle, NULL},
    {"decrement", parse_counter, NULL},
    {"echo", parse_output, NULL},
    {"for", NULL, lq_parse_for},
    {"if", NULL, lq_parse_if},
    {"ifchanged", NULL, parse_ifchanged},
    {"increment", parse_counter, NULL},
    {"raw", NULL, parse_raw},
    {"tablerow", NULL, lq_parse_for},
    {"unless", NULL, lq_parse_if},
};

static const struct tag_parser *find_tag(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(tags); i++)
        if (str_is(name, tags[i].name))
            return &tags[i];
    return NULL;
}

/* Where the next node of a body goes, and whose tags may end it. */
struct body_builder {
    struct lq_body *body;
    struct lq_node **tail;
    const struct lq_block *open;
};

static int build_body(struct lq_parser *p, struct lq_cutter *c, struct body_builder *b,
                      struct lq_piece *stop);

static int add_node(struct lq_parser *p, struct lq_cutter *c, const struct lq_piece *piece,
                    const struct tag_parser *tag, struct body_builder *b)
{
    struct lq_node *node = lq_new(p, sizeof *node);
    int err;

    if (!node)
        return lq_parse_no_memory(p, piece->line);
    node->line = piece->line;
    if (piece->kind == LQ_PIECE_TEXT)
        err = append_text(p, piece->markup, piece->line, node);
    else if (!tag)
        err = parse_output(p, piece, node);
    else
        err = tag->alone ? tag->alone(p, piece, node) : tag->block(p, c, piece, node);
    *b->tail = node;
    b->tail = &node->next;
    b->body->blank &= node->blank;
    return err;
}

/* {% liquid %}: its lines belong to the body around it, but its blocks must end inside. */
static int add_lines(struct lq_parser *p, const struct lq_piece *piece, struct body_builder *b)
{
    struct body_builder inner = *b;
    struct lq_cutter lines;
    struct lq_piece stop;
    int err = lq_enter(p, piece->line);

    if (err < 0)
        return err;
    inner.open = NULL;
    lq_cutter_init(&lines, piece->markup, piece->line, true, &p->report);
    err = build_body(p, &lines, &inner, &stop);
    b->tail = inner.tail;
    lq_leave(p);
    return err;
}

static bool ends_block(const struct lq_block *open, struct str name)
{
    if (!open)
        return false;
    if (str_is(name, open->end))
        return true;
    for (const char *const *inner = open->inner; inner && *inner; inner++)
        if (str_is(name, *inner))
            return true;
    return false;
}

static int add_tag(struct lq_parser *p, struct lq_cutter *c, const struct lq_piece *piece,
                   struct body_builder *b)
{
    const struct tag_parser *tag = find_tag(piece->name);

    if (tag)
        return add_node(p, c, piece, tag, b);
    if (str_is(piece->name, "liquid"))
        return add_lines(p, piece, b);
    if (str_is(piece->name, "comment"))
        return lq_cutter_comment(c, piece->line);
    if (str_is(piece->name, "doc"))
        return skip_doc(p, c, piece);
    if (str_is(piece->name, "#"))
        return check_comment(p, piece);
    return unknown_tag(p, piece, b->open);
}

static int build_body(struct lq_parser *p, struct lq_cutter *c, struct body_builder *b, struct lq_piece *stop)
{
    struct lq_piece piece;
    int err;

    for (;;) {
        err = lq_cutter_next(c, &piece);
        if (err < 0)
            return err;
        if (piece.kind == LQ_PIECE_END)
            break;
        if (piece.kind == LQ_PIECE_TAG && ends_block(b->open, piece.name)) {
            *stop = piece;
            return 0;
        }
        err = piece.kind == LQ_PIECE_TAG ? add_tag(p, c, &piece, b) : add_node(p, c, &piece, NULL, b);
        if (err < 0)
            return err;
    }
    if (b->open)
        return lq_complain(&p->report, b->open->line, "\"%s\" has no \"%s\"", b->open->tag, b->open->end);
    return 0;
}

int lq_parse_body(struct lq_parser *p, struct lq_cutter *c, const struct lq_block *open, struct lq_body *ret,
                  struct lq_piece *stop)
{
    struct body_builder b = {ret, &ret->first, open};
    int err = lq_enter(p, open ? open->line : c->line);

    if (err < 0)
        return err;
    ret->blank = true;
    err = build_body(p, c, &b, stop);
    lq_leave(p);
    return err;
}

void lq_body_silence(struct lq_body *body)
{
    struct lq_node **at = &body->first;

    while (*at)
        if ((*at)->kind == LQ_NODE_TEXT)
            *at = (*at)->next;
        else
            at = &(*at)->next;
}

static int number_slots(struct lq_parser *p)
{
    struct liquid *t = p->t;

    t->slots = lq_new(p, (size_t)t->name_count * sizeof(struct lq_name *));
    if (!t->slots)
        return lq_parse_no_memory(p, 0);
    for (const struct lq_name *name = t->names; name; name = name->next)
        t->slots[name->number] = name;
    return 0;
}

static int parse_all(struct lq_parser *p, struct str source, int line)
{
    struct lq_cutter c;
    struct lq_piece stop;
    int slot, err;

    p->t->file = p->report.file ? arena_str(&p->t->arena, str_of(p->report.file)) : NULL;
    if (p->report.file && !p->t->file)
        return -ENOMEM;
    err = lq_slot(p, STR("forloop"), line, LQ_COVERED, &slot);
    if (err == 0)
        err = lq_slot(p, STR("tablerowloop"), line, LQ_COVERED, &slot);
    if (err < 0)
        return err;
    lq_cutter_init(&c, source, line, false, &p->report);
    err = lq_parse_body(p, &c, NULL, &p->t->body, &stop);
    return err < 0 ? err : number_slots(p);
}

int liquid_parse(struct str source, const char *file, int line, struct liquid **ret, struct diag *diag)
{
    struct lq_parser p = {.report = {file, diag}};
    int err;

    if (source.n > LIQUID_MAX_SOURCE_BYTES) {
        (void)lq_complain(&p.report, line, "a template of %zu bytes; at most %zu", source.n,
                          LIQUID_MAX_SOURCE_BYTES);
        return ERR_TOO_BIG;
    }
    if (!str_utf8_valid(source))
        return lq_complain(&p.report, line, "the template is not valid UTF-8");
    p.t = mem_calloc(1, sizeof *p.t);
    if (!p.t)
        return -ENOMEM;
    arena_init(&p.t->arena, ARENA_MAX_BYTES);
    err = parse_all(&p, source, line);
    if (err < 0) {
        liquid_free(p.t);
        return err;
    }
    *ret = p.t;
    return 0;
}

void liquid_free(struct liquid *t)
{
    if (!t)
        return;
    arena_fini(&t->arena);
    mem_free(t);
}
