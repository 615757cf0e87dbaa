/* SPDX-License-Identifier: Apache-2.0 */
#include "host/inbound.h"

#include "support/asserts.h"

#include "base/crypto.h"
#include "base/json.h"
#include "base/mem.h"

/* One of each kind of field; strings that JSON must escape. */
static const struct event full = {
    .kind = EVENT_MESSAGE_RECEIVED,
    .dedupe = {"msg-1", 5},
    .at_ms = 1796090400123,
    .account = {"zhangsan", 8},
    .contact = {"wm\"1\\", 5},
    .group = {"chat\n1", 6},
    .text = {"抽奖\t🎁", 11},
    .code = {"CODE", 4},
    .handle = {"h/1", 3},
    .verdict = OUTCOME_PERMANENT,
    .passive = true,
};

static struct op_inbound *op_of(const struct event *events, size_t n, const char *cursor)
{
    struct op_inbound *op;

    T_OK(inbound_op((struct inbound_id){9}, (struct connection_id){3}, events, n, cursor, 1000, 2000, &op));
    return op;
}

static struct op_inbound *through_the_spool(const struct op_inbound *op, const char *connection)
{
    struct op_inbound *back;
    struct str name;
    struct buf line;

    buf_init(&line, 1 << 20);
    T_OK(inbound_write(op, connection, &line));
    T_EQ(str_chr(buf_str(&line), '\n'), line.len);
    T_OK(inbound_read(buf_str(&line), &back, &name));
    T_VIEW(name, connection);
    buf_fini(&line);
    return back;
}

static bool same(struct str a, struct str b)
{
    return str_eq(a, b);
}

static void an_op_is_a_copy_with_the_key_hashed(void)
{
    char text[] = "抽奖";
    struct event e = full;
    e.text = str_of(text);
    json_t *data = json_pack("{s:i}", "scene", 7);
    e.data = data;
    struct op_inbound *op = op_of(&e, 1, "cursor-1");
    struct hash128 key = crypto_hash128(&e.dedupe, 1);

    memset(text, 'x', sizeof text - 1);
    json_decref(data);
    T_EQ(op->id.v, 9);
    T_EQ(op->connection.v, 3);
    T_EQ(op->received_ms, 1000);
    T_EQ(op->received_mono_ms, 2000);
    T_EQ(op->count, 1);
    T_TRUE(op->has_cursor);
    T_VIEW(op->cursor, "cursor-1");
    T_VIEW(op->events[0].text, "抽奖");
    T_VIEW(op->events[0].data, "{\"scene\":7}");
    T_TRUE(op->events[0].passive);
    T_TRUE(op->events[0].has_key);
    T_MEM(op->events[0].key, key.b, sizeof key.b);
    message_free(&op->m);
}

static void everything_comes_back_from_the_spool(void)
{
    struct event events[] = {full, {.kind = EVENT_RECEIPT, .verdict = OUTCOME_UNKNOWN}};
    json_t *data = json_pack("{s:[i,i]}", "list", 1, 2);
    events[0].data = data;
    struct op_inbound *op = op_of(events, 2, "c"), *back = through_the_spool(op, "kf");

    T_EQ(back->count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct inbound_event *a = &op->events[i], *b = &back->events[i];
        T_EQ(b->kind, a->kind);
        T_EQ(b->verdict, a->verdict);
        T_EQ(b->at_ms, a->at_ms);
        T_EQ(b->has_key, a->has_key);
        T_MEM(b->key, a->key, sizeof a->key);
        T_TRUE(same(a->account, b->account) && same(a->contact, b->contact) && same(a->group, b->group));
        T_TRUE(same(a->text, b->text) && same(a->code, b->code) && same(a->handle, b->handle));
        T_TRUE(same(a->data, b->data));
    }
    T_EQ(back->received_ms, 1000);
    T_VIEW(back->cursor, "c");
    json_decref(data);
    message_free(&op->m);
    message_free(&back->m);
}

static void what_was_spooled_is_never_answered_passively(void)
{
    struct op_inbound *op = op_of(&full, 1, NULL), *back = through_the_spool(op, "brand");

    T_TRUE(!back->events[0].passive);
    T_EQ(back->received_mono_ms, INT64_MIN);
    T_TRUE(!back->has_cursor);
    message_free(&op->m);
    message_free(&back->m);
}

static void a_cursor_without_events_comes_back(void)
{
    struct op_inbound *op = op_of(NULL, 0, ""), *back = through_the_spool(op, "kf");

    T_EQ(back->count, 0);
    T_TRUE(back->has_cursor);
    message_free(&op->m);
    message_free(&back->m);
}

static void every_kind_and_outcome_comes_back(void)
{
    for (int k = 0; k < EVENT_KIND_COUNT; k++)
        for (int v = 0; v < OUTCOME_COUNT; v++) {
            struct event e = {.kind = (enum event_kind)k, .verdict = (enum outcome)v};
            struct op_inbound *op = op_of(&e, 1, NULL), *back = through_the_spool(op, "x");
            T_EQ(back->events[0].kind, k);
            T_EQ(back->events[0].verdict, v);
            message_free(&op->m);
            message_free(&back->m);
        }
}

static void a_line_that_is_none_of_ours_is_refused(void)
{
    static const char *const lines[] = {
        "",
        "{",
        "[]",
        "7",
        "{}",
        "{}x",
        "\xff",
        "{\"connection\":\"kf\"}",
        ("{\"connection\":\"kf\",\"events\":[{\"kind\":\"message.received\",\"verdict\":\"accepted\","
         "\"key\":\"12\"}]}"),
        "{\"connection\":\"kf\",\"events\":[{}]}",
        "{\"connection\":\"kf\",\"events\":[7]}",
        "{\"connection\":\"kf\",\"events\":[{\"kind\":\"message.received\",\"verdict\":\"perhaps\"}]}",
    };

    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct op_inbound *op = NULL;
        struct str name;
        T_TRUE(inbound_read(str_of(lines[i]), &op, &name) < 0);
    }
}

static void no_memory_is_an_error_at_every_step(void)
{
    bool hit = true;
    struct op_inbound *op = NULL, *back = NULL;
    struct str name;
    struct buf line;

    for (int n = 1; hit; n++) {
        buf_init(&line, 1 << 20);
        mem_fail_at(n);
        int err = inbound_op((struct inbound_id){1}, (struct connection_id){1}, &full, 1, "c", 1, 1, &op);
        bool made = !err;
        if (!err)
            err = inbound_write(op, "kf", &line);
        if (!err)
            err = inbound_read(buf_str(&line), &back, &name);
        hit = mem_fault_hit();
        mem_fail_at(0);
        if (hit)
            T_ERR(err, -ENOMEM);
        else
            T_OK(err);
        if (made)
            message_free(&op->m);
        if (!err)
            message_free(&back->m);
        buf_fini(&line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T_CASE(an_op_is_a_copy_with_the_key_hashed),
        T_CASE(everything_comes_back_from_the_spool),
        T_CASE(what_was_spooled_is_never_answered_passively),
        T_CASE(a_cursor_without_events_comes_back),
        T_CASE(every_kind_and_outcome_comes_back),
        T_CASE(a_line_that_is_none_of_ours_is_refused),
        T_CASE(no_memory_is_an_error_at_every_step),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
