/* SPDX-License-Identifier: Apache-2.0 */
/* A token is shown once: the gateway keeps its hash. Gateway down: it is written into the store directly. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "loop/control.h"
#include "store/store.h"

static const char *const roles[] = {"viewer", "operator", "admin"};

static bool is_role(const char *role)
{
    for (size_t i = 0; i < ARRAY_LEN(roles); i++)
        if (strcmp(role, roles[i]) == 0)
            return true;
    return false;
}

static int keep_offline(const char *data, struct token_row *row, struct diag *diag)
{
    struct store *s;
    int err = store_open(data, &s, diag);

    if (err)
        return err;
    err = store_begin(s);
    if (!err)
        err = store_put_token(s, row);
    if (!err)
        err = store_commit(s);
    else
        store_rollback(s);
    store_close(s);
    return err;
}

static int keep_online(const char *data, const struct token_row *row)
{
    struct buf line, reply;
    char path[4096], hash[65];
    int n = snprintf(path, sizeof path, "%s/siyu.sock", data);
    json_t *request, *answer = NULL;

    crypto_hex_to(row->hash, sizeof row->hash, hash);
    request = json_pack("{s:s, s:s%, s:s%, s:s}", "do", "token", "id", row->id.p, row->id.n, "role",
                        row->role.p, row->role.n, "hash", hash);
    buf_init(&line, 65536);
    buf_init(&reply, 65536);
    int err = n < 0 || (size_t)n >= sizeof path ? -ENAMETOOLONG : json_write_compact(request, &line);
    if (!err)
        err = control_call(path, buf_str(&line), 10000, &reply);
    if (!err)
        err = json_parse(buf_str(&reply), JSON_DEPTH, &answer, NULL);
    if (!err && !json_flag(answer, "ok", false))
        err = ERR_STATE;
    json_decref(answer);
    json_decref(request);
    buf_fini(&reply);
    buf_fini(&line);
    return err;
}

static int create(const struct cli *c, const char *data)
{
    char id[33], secret[33], token[80];
    struct token_row row = {.role = str_of(c->role)};
    struct clock clock;
    struct diag diag;

    crypto_random_id(id);
    crypto_random_id(secret);
    id[8] = '\0';
    (void)snprintf(token, sizeof token, "siyu_%s_%s", id, secret);
    clock_init_real(&clock);
    row.id = str_of(id);
    row.created_ms = clock_wall_ms(&clock);
    crypto_sha256(str_of(token), row.hash);
    diag_init(&diag, 10);
    int err = keep_online(data, &row);
    if (err == -ENOENT || err == -ECONNREFUSED)
        err = keep_offline(data, &row, &diag);
    int code = CLI_GOOD;
    if (err)
        code = cli_fail(c, err == -ETIMEDOUT ? CLI_UNREACHABLE : CLI_FOUND_WRONG, "token not kept: %s",
                        diag_count(&diag) ? diag_text(&diag, 0) : err_text(err));
    else
        (void)printf(c->json ? "{\"token\":\"%s\"}\n" : "%s\n", token);
    diag_fini(&diag);
    return code;
}

int cli_token(const struct cli *c)
{
    char *data = NULL;

    if (c->argc != 1 || strcmp(c->argv[0], "create") != 0 || !c->role || !is_role(c->role)) {
        (void)fprintf(stderr, "usage: siyu token create --role viewer|operator|admin\n");
        return CLI_USAGE;
    }
    if (cli_data_dir(c, &data) != 0)
        return CLI_USAGE;
    int code = create(c, data);
    mem_free(data);
    return code;
}
