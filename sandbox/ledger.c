/* SPDX-License-Identifier: Apache-2.0 */
/* The ring grows to its full size and then overwrites its oldest line. */
#include "sandbox/ledger.h"

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "sandbox/must.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The number of the last line of a file that exists. */
static int last_seq(FILE *file, int64_t *ret)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    int64_t seq = 0;
    int r = 0;

    while (r == 0 && (n = getline(&line, &cap, file)) > 0) {
        json_t *o = NULL;

        if (line[n - 1] != '\n' ||
            json_parse(str_trim((struct str){line, (size_t)n}), JSON_DEPTH, &o, NULL) < 0)
            r = ERR_SYNTAX;
        else
            seq = json_int(o, "seq", seq);
        json_decref(o);
    }
    free(line);
    if (r == 0)
        *ret = seq;
    return r;
}

int sb_ledger_open(struct sb_ledger *l, const char *path)
{
    int r = 0;

    *l = (struct sb_ledger){0};
    if (path == NULL)
        return 0;
    l->file = fopen(path, "a+e");
    if (l->file == NULL)
        return -errno;
    rewind(l->file);
    r = last_seq(l->file, &l->seq);
    if (r < 0)
        sb_ledger_close(l);
    return r;
}

void sb_ledger_close(struct sb_ledger *l)
{
    if (l->file != NULL && fclose(l->file) != 0)
        log_error("sandbox", "the ledger could not be closed: %s", strerror(errno));
    for (size_t i = 0; i < l->cap; i++)
        mem_free(l->lines[i]);
    mem_free(l->lines);
    *l = (struct sb_ledger){0};
}

static json_t *text_or_null(const char *text)
{
    return text != NULL ? sb_json("s", text) : sb_must_have(json_null());
}

static json_t *entry_json(const struct sb_entry *e, int64_t seq)
{
    json_t *o = sb_json("{s:I, s:I}", "seq", (json_int_t)seq, "t_ms", (json_int_t)e->t_ms);

    sb_json_set(o, "connection", text_or_null(e->connection));
    sb_json_set(o, "account", text_or_null(e->account));
    sb_json_set(o, "op", text_or_null(e->op));
    sb_json_set(o, "to", e->to != NULL ? json_incref((json_t *)e->to) : sb_must_have(json_array()));
    sb_json_set(o, "cost", sb_json("I", (json_int_t)e->cost));
    sb_json_set(o, "key", text_or_null(e->key));
    sb_json_set(o, "errcode", sb_json("i", e->errcode));
    sb_json_set(o, "replied", sb_json("b", e->replied));
    sb_json_set(o, "body_sha256", text_or_null(e->body_sha256));
    if (e->more != NULL)
        sb_must(json_object_update(o, (json_t *)e->more));
    return o;
}

static void keep(struct sb_ledger *l, char *line)
{
    size_t at = (size_t)(l->seq % SB_LEDGER_KEPT);

    if (at >= l->cap) {
        size_t cap = l->cap == 0 ? 1024 : l->cap;

        while (cap <= at)
            cap *= 2;
        l->lines = sb_must_have(mem_resize(l->lines, cap, sizeof(*l->lines)));
        memset(l->lines + l->cap, 0, (cap - l->cap) * sizeof(*l->lines));
        l->cap = cap;
    }
    mem_free(l->lines[at]);
    l->lines[at] = line;
}

void sb_ledger_add(struct sb_ledger *l, const struct sb_entry *e)
{
    json_t *o = entry_json(e, ++l->seq);
    char *line = sb_must_have(json_dumps(o, JSON_COMPACT));

    json_decref(o);
    if (l->file != NULL && (fprintf(l->file, "%s\n", line) < 0 || fflush(l->file) != 0)) {
        log_error("sandbox", "the ledger cannot be written, stopping: %s", strerror(errno));
        abort();
    }
    keep(l, line);
}

void sb_ledger_read(const struct sb_ledger *l, int64_t after, int64_t most, struct buf *out)
{
    int64_t oldest = l->seq > SB_LEDGER_KEPT ? l->seq - SB_LEDGER_KEPT : 0;

    for (int64_t seq = (after > oldest ? after : oldest) + 1; seq <= l->seq && most-- > 0; seq++) {
        const char *line = (size_t)(seq % SB_LEDGER_KEPT) < l->cap ? l->lines[seq % SB_LEDGER_KEPT] : NULL;

        if (line == NULL) /* from before this process */
            continue;
        if (out->len + strlen(line) + 1 >= out->max)
            break;
        sb_must(buf_adds(out, line));
        sb_must(buf_addc(out, '\n'));
    }
}
