/* SPDX-License-Identifier: Apache-2.0 */
/* Which limits a send falls under. */
#include "base/err.h"
#include "limits/counter.h"

/* False when the send has no such subject, or no owner for the limit's unit. */
static bool want_of(const struct quota_send *send, const struct limit *limit, struct claim_want *ret)
{
    struct subject s = {0};
    bool is_call = limit->unit == UNIT_CALL;

    switch (limit->scope) {
    case SCOPE_ACCOUNT: s.a = send->account; break;
    case SCOPE_DOMAIN: s.a = send->domain; break;
    case SCOPE_RECIPIENT: s.b = send->contact; break;
    case SCOPE_DOMAIN_RECIPIENT: s = (struct subject){send->domain, send->contact}; break;
    case SCOPE_ACCOUNT_RECIPIENT: s = (struct subject){send->account, send->contact}; break;
    case SCOPE_GROUP: s.b = send->group; break;
    case SCOPE_TASK: s.b = send->task; break;
    }
    bool has_a = s.a != 0 || limit->scope == SCOPE_RECIPIENT || limit->scope >= SCOPE_GROUP;
    bool has_b = s.b != 0 || limit->scope == SCOPE_ACCOUNT || limit->scope == SCOPE_DOMAIN;
    *ret = (struct claim_want){.limit = limit,
                               .subject = s,
                               .owner = is_call ? send->attempt : send->delivery,
                               .units = limit->unit == UNIT_SEGMENT ? send->segments : 1};
    return has_a && has_b && ret->owner != 0;
}

static bool covers(const struct limit *limit, const struct quota_send *send)
{
    uint32_t variants = send->variants ? send->variants : VARIANTS_USUAL;

    return (limit->kinds & 1u << send->kind) && (limit->ops & 1u << send->op) &&
           (limit->classes & 1u << send->class) && !limit->advice &&
           (limit->variant == VARIANT_ALL || (variants & 1u << limit->variant));
}

static int add_wants(const struct limit *limits, size_t n, const struct quota_send *send,
                     struct claim_want *ret, size_t cap, size_t *count)
{
    for (size_t i = 0; i < n; i++) {
        struct claim_want want;

        if (!covers(&limits[i], send) || !want_of(send, &limits[i], &want))
            continue;
        if (*count == cap)
            return ERR_FULL;
        ret[(*count)++] = want;
    }
    return 0;
}

int quota_wants(const struct counter_set *s, const struct quota_send *send, struct claim_want *ret,
                size_t cap)
{
    size_t count = 0, n;
    const struct limit *limits = rulepack_limits(s->rules, &n);
    int r = add_wants(limits, n, send, ret, cap, &count);

    if (!r)
        r = add_wants(s->extra, s->extra_count, send, ret, cap, &count);
    return r ? r : (int)count;
}
