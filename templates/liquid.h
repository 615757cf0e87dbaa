/* SPDX-License-Identifier: Apache-2.0 */
/* liquid.h - Liquid templates for messages: parsed once, rendered many times.
 *
 * The language is Shopify's Liquid in its strict reading: a misspelt tag or filter, an argument too many and
 * an operator that does not exist are refused by liquid_parse(). Tags: assign, capture, if, unless, case,
 * for, tablerow, break, continue, cycle, ifchanged, increment, decrement, echo, liquid, raw, comment, doc,
 * `#`. There is no include and no render: a template sees its data and nothing else, no file, no environment.
 * While rendering, a variable that is missing is empty, so one contact without a name does not stop a
 * broadcast; liquid_lint() is what finds the misspelt one, before it is applied.
 *
 * Units    bytes of UTF-8; steps: a tag, an output, a turn of a loop, or an array item that a filter touches.
 * Errors   parse: ERR_SYNTAX, ERR_TOO_BIG, ERR_TOO_DEEP, with the reason in the diag. Render: ERR_RENDER the
 * data does not suit the template, ERR_TIMEOUT out of steps, ERR_TOO_BIG, ERR_TOO_DEEP. -ENOMEM everywhere.
 *          After a failed render `out` is as long as it was before.
 * Memory   liquid_parse() copies `source` and `file`. A render borrows everything for the call and gives back
 * its scratch memory when it returns; it takes no reference to `data`. Threads  a template never changes
 * after parse: any number of threads may render it at once, each with its own data, limits and buffer.
 */
#ifndef SIYU_TEMPLATES_LIQUID_H
#define SIYU_TEMPLATES_LIQUID_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct liquid;

/* What one render may cost and what time it is. Start from liquid_limits_default(). */
struct liquid_limits {
    size_t output_bytes;  /* default 64 KiB */
    size_t scratch_bytes; /* everything a render builds on the way; default 1 MiB */
    int64_t steps;        /* default 10,000 */
    int depth;            /* of the data that is printed or flattened; default 50 */
    int64_t now_ms;   /* wall clock for `date: "now"`; default 0, so that nothing reads a clock by itself */
    int utc_offset_s; /* zone that dates are read and written in; default 8 h, Asia/Shanghai */
};

/* Where and why a render stopped. `line` counts from the line given to liquid_parse(). */
struct liquid_fault {
    int line;
    char text[160];
};

/* Blocks may nest this deep, expressions too; a source may be this long. */
#define LIQUID_MAX_DEPTH 50
#define LIQUID_MAX_SOURCE_BYTES ((size_t)256 * 1024)

struct liquid_limits liquid_limits_default(void);

/* `file` and `line` say where the text begins, for messages; `file` may be NULL. `diag` NULL: nobody
 * wants the texts. */
int liquid_parse(struct str source, const char *file, int line, struct liquid **ret, struct diag *diag);
void liquid_free(struct liquid *t);

/* Appends to `out`. `data` is an object, or NULL for none; `limits` NULL: the defaults. */
int liquid_render(const struct liquid *t, const json_t *data, const struct liquid_limits *limits,
                  struct buf *out, struct liquid_fault *reterr);

/* Strict look at the variables. `known` is an object of the names that will exist; an object with members
 * names all that can stand below it, anything else leaves open what does. Every unknown name is an error in
 * `diag` with file:line and, where one is near, the name that was probably meant. 0, or ERR_NOT_FOUND if
 * there was one. */
int liquid_lint(const struct liquid *t, const json_t *known, struct diag *diag);

/* True if the text may depend on this top-level variable of the data; never wrongly false. */
bool liquid_uses(const struct liquid *t, const char *name);

/* True if the template has neither output nor tags: it renders to itself. */
bool liquid_is_plain(const struct liquid *t);

#endif
