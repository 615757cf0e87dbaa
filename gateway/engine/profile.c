/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/profile.h"

#include "base/json.h"
#include "engine/attempt.h"
#include "engine/engine_private.h"

static bool can_tell(const struct incident *i)
{
    bool kind = i->account->kind == ACCOUNT_WECOM_MEMBER || i->account->kind == ACCOUNT_WECOM_KF;
    bool speaks = i->in->kind == EVENT_CONTACT_ADDED || i->in->kind == EVENT_MESSAGE_RECEIVED ||
                  i->in->kind == EVENT_KF_ENTERED;

    return kind && speaks;
}

int profile_ask(struct batch *b, const struct incident *i)
{
    struct attempt_plan p = {.account = i->account, .op = CALL_CONTACT_DETAIL, .class = CLASS_STAFF,
                             .handle = i->in->contact};
    int64_t busy;

    if (!i->account || !i->who || i->who->row.name.n || i->who->asked || !can_tell(i))
        return 0;
    i->who->asked = true;
    return attempt_ask(b, &p, &busy); /* busy: the contact's next event asks again */
}

int profile_learn(struct batch *b, const struct attempt_row *ask, const struct op_facts *op)
{
    struct connection *c = registry_connection(&b->engine->registry, ask->connection);
    struct facts_who who = {.external = ask->provider_id};
    json_t *data = NULL;

    if (!c || op->facts.outcome != OUTCOME_ACCEPTED || json_parse(op->data_text, JSON_DEPTH, &data, NULL) != 0)
        return 0;
    struct str name = batch_cstr(b, json_str(data, "name", ""));
    json_decref(data);
    who.domain = c->domain;
    int err = name.n ? facts_resolve(b, &who, 1) : 0;
    struct person *p = err ? NULL : facts_person(b, who.ret);
    if (!p || str_eq(p->row.name, name))
        return err;
    p->row.name = name;
    *(struct contact_row *)batch_row(b, &b->contacts) = p->row;
    return 0;
}
