/* SPDX-License-Identifier: Apache-2.0 */
/* liquid_eval.h - expressions become values. Private to templates/liquid*.c. */
#ifndef SIYU_TEMPLATES_LIQUID_EVAL_H
#define SIYU_TEMPLATES_LIQUID_EVAL_H

#include "templates/liquid_ast.h"

int lq_eval(struct lq_render *r, const struct lq_expr *e, struct lq_value *ret);
/* With its filters. Never a loop object. */
int lq_eval_chain(struct lq_render *r, const struct lq_chain *chain, struct lq_value *ret);
int lq_eval_tests(struct lq_render *r, const struct lq_test *tests, bool *ret);

#endif
