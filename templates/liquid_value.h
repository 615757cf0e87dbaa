/* SPDX-License-Identifier: Apache-2.0 */
/* liquid_value.h - what a Liquid expression yields, and the state of one render. Private to
 * templates/liquid*.c.
 *
 * A value is small and passed by copy. It borrows: strings and lists from the template, from the data or from
 * the scratch arena of the render, all of which outlive it. LQ_LOOP alone points into the C stack;
 * lq_eval_chain() lets none through, so it can not be kept by assign.
 *
 * Errors   lq_fail() records the first fault with the line being rendered and returns its code; everybody
 * above only passes the code on.
 */
#ifndef SIYU_TEMPLATES_LIQUID_VALUE_H
#define SIYU_TEMPLATES_LIQUID_VALUE_H

#include "base/mem.h"
#include "templates/liquid.h"

enum lq_type {
    LQ_NIL,
    LQ_BOOL,
    LQ_INT,
    LQ_FLOAT,
    LQ_STRING,
    LQ_RANGE,  /* both ends belong to it */
    LQ_LIST,   /* built by a filter */
    LQ_ARRAY,  /* of the data */
    LQ_OBJECT, /* of the data */
    LQ_LOOP,   /* forloop, tablerowloop */
    LQ_EMPTY,  /* the words `empty` and `blank` */
    LQ_BLANK,
};

struct lq_loop {
    const struct lq_loop *parent;
    struct str name;
    int64_t index, length, columns; /* index from 0; columns 0: not a table */
};

struct lq_value {
    enum lq_type type;
    union {
        bool b;
        int64_t i;
        double f;
        struct str s;
        struct {
            int64_t from, to;
        } range;
        struct {
            const struct lq_value *items;
            size_t n;
        } list;
        const json_t *json;
        const struct lq_loop *loop;
    };
};

enum lq_compare { LQ_EQ, LQ_NE, LQ_LT, LQ_LE, LQ_GT, LQ_GE, LQ_CONTAINS };

/* A name of the template: what the loops, assign and increment made of it. */
struct lq_variable {
    bool in_loop, assigned, counted;
    struct lq_value loop_value, value;
    int64_t counter;
};

struct lq_cycle_state {
    struct lq_cycle_state *next;
    struct str key;
    size_t at;
};

struct lq_render {
    const struct liquid *t;
    const json_t *data;
    struct liquid_limits limits;
    struct arena scratch;
    struct buf *out;
    size_t out_start;
    struct buf tmp; /* a string being built; one at a time */
    int64_t steps;  /* left */
    int line;
    struct lq_variable *variables; /* by slot */
    int64_t *resume;               /* by loop name: where `offset: continue` begins */
    struct lq_cycle_state *cycles;
    size_t cycle_count;
    struct str last_changed; /* p NULL: nothing yet */
    int no_memory;           /* why the last lq_alloc() gave NULL */
    struct liquid_fault *fault;
};

int lq_fail(struct lq_render *r, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Zeroed scratch memory; NULL after lq_fail(), then return lq_no_memory(). */
void *lq_alloc(struct lq_render *r, size_t bytes);
int lq_no_memory(struct lq_render *r);
int lq_spend(struct lq_render *r, int64_t steps);
int64_t lq_bulk(struct lq_value v); /* what it costs to look through a long text: a step per KiB */

/* Building a string: reset tmp, put, keep. `b` is r->out or &r->tmp. */
int lq_put(struct lq_render *r, struct buf *b, struct str s);
int lq_keep(struct lq_render *r, struct str s, struct lq_value *ret); /* a copy in scratch */
int lq_print(struct lq_render *r, struct buf *b, struct lq_value v);
int lq_text(struct lq_render *r, struct lq_value v, struct str *ret); /* uses tmp unless `v` is a string */

struct lq_value lq_of_json(const json_t *json);
struct lq_value lq_string(struct str s);
struct lq_value lq_int(int64_t i);
struct lq_value lq_float(double f);
struct lq_value lq_bool(bool b);

bool lq_is_list(struct lq_value v); /* LIST, ARRAY or RANGE */
int64_t lq_count(struct lq_value v);
struct lq_value lq_item(struct lq_value list, int64_t i);
/* `key` as after a dot (then first, last and size work on everything that has them) or in brackets. */
int lq_member(struct lq_render *r, struct lq_value v, struct lq_value key, bool dotted, struct lq_value *ret);

bool lq_truthy(struct lq_value v);
bool lq_is_empty(struct lq_value v); /* "", [], {} */
bool lq_equal(struct lq_value a, struct lq_value b);
int lq_compare(struct lq_render *r, struct lq_value a, enum lq_compare op, struct lq_value b, bool *ret);
/* -1, 0, 1 of two numbers or two strings. False if they have no order. */
bool lq_order(struct lq_value a, struct lq_value b, int *ret);
/* [key, value] of an object's member. */
int lq_pair(struct lq_render *r, const char *key, const json_t *value, struct lq_value *ret);

#endif
