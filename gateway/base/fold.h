/* SPDX-License-Identifier: Apache-2.0 */
/* fold.h - folds text so that what customers type alike becomes equal bytes.
 *
 * NFKC (so full and half width meet), case folding, traditional to simplified Chinese, and no blanks,
 * punctuation, control or invisible characters (Unicode Z*, P*, Cc, Cf). Symbols and emoji stay. Invalid
 * UTF-8 becomes U+FFFD; it never fails on what a customer sent.
 *
 * Traditional to simplified works character by character, with OpenCC's t2s table read once at fold_open().
 * Whole phrases are left out on purpose: fold(a + b) must be fold(a) + fold(b), or a keyword would not be
 * found inside a longer text.
 *
 * Errors   fold_open: ERR_NOT_FOUND no OpenCC data, -ENOMEM. fold_text: ERR_TOO_BIG or -ENOMEM of `out`.
 * Memory   about 300 KiB. fold_text appends to `out`.
 * Threads  fold_open: one at a time. After that a fold never changes: any number of threads at once.
 */
#ifndef SIYU_BASE_FOLD_H
#define SIYU_BASE_FOLD_H

#include "base/buf.h"
#include "base/str.h"

struct fold;

/* `opencc_config` NULL: "t2s.json" of the system. */
int fold_open(const char *opencc_config, struct fold **ret);
void fold_close(struct fold *f);
int fold_text(const struct fold *f, struct str in, struct buf *out);

#endif
