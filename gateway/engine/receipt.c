/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/receipt.h"

#include "engine/delivery.h"
#include "engine/engine_private.h"
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
        settle_receipt(b, &rows[k], i->in->verdict, i->id);
    return err;
}

int receipt_learn(struct batch *b, const struct incident *i)
{
    struct attempt_ref ref = {i->connection->id, i->in->handle};
    struct attempt_id attempt = {0};
    int err = i->in->handle.n ? store_find_attempts(b->engine->store, &ref, 1, &attempt) : 0;

    if (err)
        return err;
    if (attempt.v)
        return settle_items(b, i, attempt);
    trace_add(b, (struct trace_about){.contact = i->who ? i->who->row.id : (struct contact_id){0}, .event = i->id},
              "receipt without attempt", json_pack("{s:s%}", "handle", i->in->handle.n ? i->in->handle.p : "",
                                                   i->in->handle.n));
    return 0;
}
