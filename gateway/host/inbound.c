/* SPDX-License-Identifier: Apache-2.0 */
#include "host/inbound.h"

#include <string.h>

#include "base/crypto.h"
#include "base/json.h"

static bool copy_data(struct message *m, const json_t *data, struct str *ret)
{
    struct buf text;
    bool ok = true;

    if (!data)
        return true;
    buf_init(&text, (size_t)1 << 20);
    ok = json_write_compact(data, &text) == 0 && message_str(m, buf_str(&text), ret);
    buf_fini(&text);
    return ok;
}

static bool copy_event(struct message *m, const struct event *in, struct inbound_event *out)
{
    *out = (struct inbound_event){.kind = in->kind,
                                  .has_key = in->dedupe.n > 0,
                                  .passive = in->passive,
                                  .at_ms = in->at_ms,
                                  .verdict = in->verdict};
    if (out->has_key) {
        struct hash128 key = crypto_hash128(&in->dedupe, 1);
        memcpy(out->key, key.b, sizeof out->key);
    }
    return message_str(m, in->account, &out->account) && message_str(m, in->contact, &out->contact) &&
           message_str(m, in->group, &out->group) && message_str(m, in->text, &out->text) &&
           message_str(m, in->code, &out->code) && message_str(m, in->handle, &out->handle) &&
           copy_data(m, in->data, &out->data);
}

int inbound_op(struct inbound_id id, struct connection_id connection, const struct event *events, size_t n,
               const char *cursor, int64_t now_ms, int64_t now_mono_ms, struct op_inbound **ret)
{
    struct op_inbound *op = message_new(OP_INBOUND, sizeof *op);
    bool ok = op && (op->events = arena_alloc(&op->m.arena, n * sizeof *op->events + 1)) != NULL;

    if (!op)
        return -ENOMEM;
    op->id = id;
    op->connection = connection;
    op->received_ms = now_ms;
    op->received_mono_ms = now_mono_ms;
    op->has_cursor = cursor != NULL;
    ok = ok && message_str(&op->m, str_of(cursor), &op->cursor);
    for (size_t i = 0; i < n && ok; i++)
        ok = copy_event(&op->m, &events[i], &op->events[op->count++]);
    if (!ok) {
        message_free(&op->m);
        return -ENOMEM;
    }
    *ret = op;
    return 0;
}

/* ---- the spool's form ---- */

static json_t *text(struct str s)
{
    return json_stringn(s.n ? s.p : "", s.n);
}

static json_t *event_json(const struct inbound_event *e)
{
    char key[33];

    crypto_hex_to(e->key, sizeof e->key, key);
    return json_pack("{s:s, s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o}", "kind",
                     event_kind_text(e->kind), "key", e->has_key ? key : "", "at_ms", (json_int_t)e->at_ms,
                     "account", text(e->account), "contact", text(e->contact), "group", text(e->group),
                     "text", text(e->text), "code", text(e->code), "handle", text(e->handle), "verdict",
                     outcome_text(e->verdict), "data", text(e->data));
}

int inbound_write(const struct op_inbound *op, const char *connection, struct buf *out)
{
    json_t *events = json_array();
    json_t *line;
    int err = 0;

    for (size_t i = 0; i < op->count && !err; i++)
        err = json_array_append_new(events, event_json(&op->events[i])) ? -ENOMEM : 0;
    line = json_pack("{s:s, s:I, s:o}", "connection", connection, "received_ms", (json_int_t)op->received_ms,
                     "events", events);
    if (!line)
        err = -ENOMEM;
    if (!err && op->has_cursor)
        err = json_object_set_new(line, "cursor", text(op->cursor)) ? -ENOMEM : 0;
    if (!err)
        err = json_write_compact(line, out);
    json_decref(line);
    return err;
}

/* Empty: it has none, and is never recognised again. */
static int read_key(struct str text, struct inbound_event *out)
{
    struct buf key;

    if (!text.n)
        return 0;
    buf_init(&key, 64);
    int err = crypto_unhex(text, &key);
    if (!err && key.len != sizeof out->key)
        err = ERR_SYNTAX;
    if (!err) {
        memcpy(out->key, key.data, sizeof out->key);
        out->has_key = true;
    }
    buf_fini(&key);
    return err;
}

static int read_event(struct message *m, const json_t *in, struct inbound_event *out)
{
    int err = event_kind_of(str_of(json_str(in, "kind", "")), &out->kind);

    if (!err)
        err = outcome_of(str_of(json_str(in, "verdict", "")), &out->verdict);
    if (err)
        return ERR_SYNTAX;
    err = read_key(str_of(json_str(in, "key", "")), out);
    if (err)
        return err;
    out->at_ms = json_int(in, "at_ms", 0);
    bool ok = message_str(m, str_of(json_str(in, "account", "")), &out->account) &&
              message_str(m, str_of(json_str(in, "contact", "")), &out->contact) &&
              message_str(m, str_of(json_str(in, "group", "")), &out->group) &&
              message_str(m, str_of(json_str(in, "text", "")), &out->text) &&
              message_str(m, str_of(json_str(in, "code", "")), &out->code) &&
              message_str(m, str_of(json_str(in, "handle", "")), &out->handle) &&
              message_str(m, str_of(json_str(in, "data", "")), &out->data);
    return ok ? 0 : -ENOMEM;
}

static int fill(struct op_inbound *op, const json_t *line, struct str *ret_connection)
{
    const json_t *events = json_object_get(line, "events"), *cursor = json_object_get(line, "cursor");
    size_t n = json_array_size(events);
    int err = 0;

    if (!json_is_array(events) || !json_is_string(json_object_get(line, "connection")))
        return ERR_SYNTAX;
    op->received_ms = json_int(line, "received_ms", 0);
    op->received_mono_ms = INT64_MIN; /* long ago: never a passive reply */
    op->events = arena_alloc(&op->m.arena, n * sizeof *op->events + 1);
    op->has_cursor = cursor != NULL;
    if (!op->events || !message_str(&op->m, str_of(json_str(line, "connection", "")), ret_connection) ||
        !message_str(&op->m, str_of(json_str(line, "cursor", "")), &op->cursor))
        return -ENOMEM;
    for (size_t i = 0; i < n && !err; i++)
        err = read_event(&op->m, json_array_get(events, i), &op->events[op->count++]);
    return err;
}

int inbound_read(struct str in, struct op_inbound **ret, struct str *ret_connection)
{
    struct op_inbound *op;
    json_t *line = NULL;
    int err = json_parse(in, JSON_DEPTH, &line, NULL);

    if (err)
        return err;
    op = message_new(OP_INBOUND, sizeof *op);
    err = op ? fill(op, line, ret_connection) : -ENOMEM;
    json_decref(line);
    if (err) {
        if (op)
            message_free(&op->m);
        return err;
    }
    *ret = op;
    return 0;
}
