/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/receipt.h"

#include "base/json.h"
#include "engine/delivery.h"
#include "engine/engine_private.h"
#include "engine/note.h"
#include "engine/settle.h"

static bool meant(const struct incident *i, const struct attempt_item_row *item, size_t n)
{
    return !i->in->contact.n || n == 1 || str_eq(item->to, i->in->contact);
}

static int settle_items(struct batch *b, const struct incident *i, struct attempt_id attempt)
{
    struct attempt_item_row *items;
    size_t n, count = 0;
    int err = store_load_attempt_items(b->engine->store, attempt, &b->arena, &items, &n);
    struct delivery_id *ids = arena_alloc(&b->arena, n * sizeof *ids + 1);
    struct delivery_row *rows = arena_alloc(&b->arena, n * sizeof *rows + 1);

    if (err)
        return err;
    if (!ids || !rows)
        return -ENOMEM;
    for (size_t k = 0; k < n; k++)
        if (meant(i, &items[k], n))
            ids[count++] = items[k].delivery;
    err = count ? store_load_deliveries(b->engine->store, ids, count, &b->arena, rows) : 0;
    for (size_t k = 0; k < count && !err; k++)
        err = settle_receipt(b, &rows[k], i->in->verdict, i->id);
    return err;
}

/* Customer service says later that an account ran into a safety limit. */
static void judge_failure(struct batch *b, const struct incident *i)
{
    json_t *data = NULL;
    int64_t type = -1;

    if (i->in->data.n && json_parse(i->in->data, JSON_DEPTH, &data, NULL) == 0)
        type = json_int(data, "fail_type", -1);
    json_decref(data);
    if (type < 0 || !i->account || i->account->kind != ACCOUNT_WECOM_KF)
        return;
    if (rulepack_code(b->engine->rules, "wecom.kf_fail", CALL_SEND, (int)type)->freeze)
        settle_freeze(b, i->account, STR("the platform's safety limit"));
}

int receipt_learn(struct batch *b, const struct incident *i)
{
    struct attempt_ref ref = {i->connection->id, i->in->handle};
    struct attempt_id attempt = {0};
    struct note n;
    int err = i->in->handle.n ? store_find_attempts(b->engine->store, &ref, 1, &attempt) : 0;

    if (err)
        return err;
    judge_failure(b, i);
    if (attempt.v)
        return settle_items(b, i, attempt);
    note_begin(&n, b);
    note_str(&n, "handle", i->in->handle);
    trace_add(b, (struct trace_about){.contact = i->who ? i->who->row.id : (struct contact_id){0}, .event = i->id},
              "receipt without attempt", note_end(&n));
    return 0;
}
