/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/note.h"

#include "base/json.h"

void note_begin(struct note *n, struct batch *b)
{
    n->batch = b;
    n->out = &b->note;
    buf_reset(n->out);
    (void)buf_add(n->out, "{", 1);
}

static void key(struct note *n, const char *name)
{
    if (n->out->len > 1)
        (void)buf_add(n->out, ",", 1);
    (void)buf_add(n->out, "\"", 1);
    (void)buf_adds(n->out, name);
    (void)buf_add(n->out, "\":", 2);
}

void note_str(struct note *n, const char *name, struct str value)
{
    if (!value.n)
        return;
    key(n, name);
    (void)json_write_string(value, n->out);
}

void note_cstr(struct note *n, const char *name, const char *value)
{
    note_str(n, name, str_of(value));
}

void note_int(struct note *n, const char *name, int64_t value)
{
    key(n, name);
    (void)buf_add_i64(n->out, value);
}

void note_raw(struct note *n, const char *name, struct str json)
{
    if (!json.n)
        return;
    key(n, name);
    (void)buf_add_str(n->out, json);
}

void note_splice(struct note *n, struct str object)
{
    if (object.n <= 2)
        return;
    if (n->out->len > 1)
        (void)buf_add(n->out, ",", 1);
    (void)buf_add(n->out, object.p + 1, object.n - 2);
}

struct str note_end(struct note *n)
{
    (void)buf_add(n->out, "}", 1);
    if (buf_error(n->out)) {
        n->batch->err = buf_error(n->out);
        return (struct str){NULL, 0};
    }
    return batch_str(n->batch, buf_str(n->out));
}
