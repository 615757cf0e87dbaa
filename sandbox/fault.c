/* SPDX-License-Identifier: Apache-2.0 */
/* A fault that is used up stays in front of the list until the next take, so that its code can be borrowed.
 */
#include "sandbox/fault.h"

#include "base/json.h"
#include "base/mem.h"
#include "sandbox/must.h"

#include <string.h>

static const struct {
    const char *name;
    enum sb_fate fate;
} fates[] = {
    {"delay", SB_FATE_DELAY},           {"slow-reply", SB_FATE_SLOW_REPLY}, {"cut", SB_FATE_CUT},
    {"drop-reply", SB_FATE_DROP_REPLY}, {"throttle", SB_FATE_THROTTLE},     {"ban", SB_FATE_BAN},
    {"error", SB_FATE_ERROR},
};

void sb_faults_init(struct sb_faults *f)
{
    list_init(&f->list);
}

static void drop(struct sb_fault *one)
{
    list_del(&one->node);
    mem_free(one->connection);
    mem_free(one->path);
    mem_free(one->code);
    mem_free(one);
}

void sb_faults_fini(struct sb_faults *f)
{
    while (!list_empty(&f->list))
        drop(container_of(f->list.next, struct sb_fault, node));
}

static void clear(struct sb_faults *f, const char *connection, const char *path)
{
    for (struct list *n = f->list.next, *next = n->next; n != &f->list; n = next, next = n->next) {
        struct sb_fault *one = container_of(n, struct sb_fault, node);

        if ((connection[0] == '\0' || strcmp(one->connection, connection) == 0) &&
            (path[0] == '\0' || strcmp(one->path, path) == 0))
            drop(one);
    }
}

static enum sb_fate fate_of(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(fates); i++)
        if (strcmp(fates[i].name, name) == 0)
            return fates[i].fate;
    return SB_FATE_NONE;
}

int sb_fault_add(struct sb_faults *f, const json_t *spec, struct diag *diag)
{
    const char *name = json_str(spec, "fate", ""), *connection = json_str(spec, "connection", "");
    const char *path = json_str(spec, "path", "");
    enum sb_fate fate = fate_of(name);
    struct sb_fault *one;

    if (strcmp(name, "clear") == 0) {
        clear(f, connection, path);
        return 0;
    }
    if (fate == SB_FATE_NONE || json_int(spec, "ms", 0) < 0) {
        diag_addf(diag, NULL, 0,
                  "fate: \"%s\" is none of delay, slow-reply, cut, drop-reply, throttle, ban, error, clear",
                  name);
        return ERR_INVALID;
    }
    one = sb_new(sizeof(*one));
    list_init(&one->node);
    one->connection = sb_copy(connection);
    one->path = sb_copy(path);
    one->fate = fate;
    one->ms = json_int(spec, "ms", 0);
    one->times = json_int(spec, "times", fate == SB_FATE_BAN ? -1 : 1);
    one->errcode = (int)json_int(spec, "errcode", -1);
    one->code = sb_copy(json_str(spec, "code", sb_aliyun_codes[SB_A_BUSY].word));
    list_add_tail(&f->list, &one->node);
    return 0;
}

static bool matches(const struct sb_fault *one, const struct sb_call *c)
{
    const char *name = c->connection != NULL ? c->connection->name : "";

    if (one->connection[0] != '\0' && strcmp(one->connection, name) != 0)
        return false;
    return one->path[0] == '\0' || strstr(c->path, one->path) != NULL ||
           (c->base == SB_BASE_ALIYUN && strcmp(json_str(c->headers, "x-acs-action", ""), one->path) == 0);
}

void sb_fault_take(struct sb_faults *f, const struct sb_call *c, struct sb_fault *ret)
{
    *ret = (struct sb_fault){.fate = SB_FATE_NONE};
    for (struct list *n = f->list.next, *next = n->next; n != &f->list; n = next, next = n->next) {
        struct sb_fault *one = container_of(n, struct sb_fault, node);

        if (one->times == 0) {
            drop(one);
        } else if (matches(one, c)) {
            if (one->times > 0)
                one->times--;
            *ret = *one;
            return;
        }
    }
}

int sb_fault_errcode(const struct sb_fault *f, const struct sb_call *c, const char **ret_code)
{
    bool ban = f->fate == SB_FATE_BAN;
    bool webhook = c->connection != NULL && c->connection->kind == SB_KIND_WEBHOOK;

    *ret_code = f->code;
    if (f->fate == SB_FATE_ERROR)
        return f->errcode;
    *ret_code = sb_aliyun_codes[ban ? SB_A_BANNED : SB_A_THROTTLING].word;
    if (c->base == SB_BASE_OFFICIAL)
        return ban ? SB_O_BANNED : SB_O_FREQUENCY;
    if (ban)
        return webhook ? SB_W_WEBHOOK_BANNED : SB_W_ACCOUNT_BANNED;
    return f->errcode == SB_W_CONCURRENCY ? SB_W_CONCURRENCY : SB_W_FREQUENCY;
}
