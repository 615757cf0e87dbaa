/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a push, three times: as an envelope at the door, as a plain push through the door, and opened.
 * What is accepted has events with dedupe keys, and a reply to it can be written. */
#include <stdlib.h>

#include "adapters/official/official_hook.h"
#include "adapters/official/official_push.h"

#define QUERY                                                                                                \
    "signature=f888033343dfa509ce9a6bee45d53f34e4f59600&timestamp=1735689600&nonce=20250101"                 \
    "&msg_signature=f888033343dfa509ce9a6bee45d53f34e4f59600"

static struct official_hook safe, plain;
static struct official_opening opening;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void set_up(void)
{
    struct official_conf conf = {.mode = OFFICIAL_SAFE,
                                 .token = STR("gw_oa_token"),
                                 .appid = STR("wx1234567890abcdef"),
                                 .aes_key = STR("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG")};

    if (official_hook_init(&safe, &conf) < 0)
        abort();
    conf.mode = OFFICIAL_PLAIN;
    if (official_hook_init(&plain, &conf) < 0)
        abort();
    buf_init(&opening.text, OFFICIAL_PLAIN_BYTES);
}

static void check(const struct official_push *push)
{
    const struct official_return to = {push->openid, push->ours, push->json, 0};
    const struct content content = {.text = STR("hello")};
    struct buf out;

    if (push->count == 0)
        abort();
    for (size_t i = 0; i < push->count; i++)
        if (push->events[i].dedupe.n == 0 || push->events[i].at_ms < 0 ||
            !json_is_object(push->events[i].data))
            abort();
    buf_init(&out, 1 << 20);
    if (official_hook_reply(&safe, &to, &content, 1000, NULL, NULL, &out) < 0 && push->openid.n < 1000 &&
        push->ours.n < 1000)
        abort();
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hook_call call = {.method = STR("POST"), .query = STR(QUERY), .body = {(const char *)data, size}};
    struct official_push push;

    if (!safe.token)
        set_up();
    buf_reset(&opening.text);
    if (official_hook_open(&safe, &call, 1000, &opening) == 0)
        abort(); /* the signature is of no envelope */
    buf_reset(&opening.text);
    if (official_hook_open(&plain, &call, 1000, &opening) < 0)
        return 0; /* too long */
    if (official_push_read(&push, plain.xml, buf_str(&opening.text)) < 0)
        return 0;
    check(&push);
    official_push_fini(&push);
    return 0;
}
