/* SPDX-License-Identifier: Apache-2.0 */
/* note.h - writes the small JSON objects of traces straight as text: several for every event and delivery, so they
 * are not built as trees first.
 *
 *     struct note n;
 *     note_begin(&n, b);  note_str(&n, "rule", name);  note_int(&n, "used", 3);  return note_end(&n);
 *
 * Only one note at a time: they share the batch's buffer.
 *
 * Errors   without memory the note is "" and the batch has its error.
 * Memory   the text is the batch arena's. Threads: the engine thread.
 */
#ifndef SIYU_ENGINE_NOTE_H
#define SIYU_ENGINE_NOTE_H

#include "engine/batch.h"

struct note {
    struct batch *batch;
    struct buf *out;
};

void note_begin(struct note *n, struct batch *b);
void note_str(struct note *n, const char *key, struct str value); /* an empty one is left out */
void note_cstr(struct note *n, const char *key, const char *value);
void note_int(struct note *n, const char *key, int64_t value);
void note_raw(struct note *n, const char *key, struct str json); /* JSON text; empty: left out */
void note_splice(struct note *n, struct str object);             /* the members of another note */
struct str note_end(struct note *n);

#endif
