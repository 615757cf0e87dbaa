/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/json.h"
#include "cli/cli.h"
#include "host/config.h"

static int add_file(const struct cli *c, json_t *files, const char *path)
{
    struct buf text;
    int err = config_read_text(path, &text);

    if (err)
        return cli_fail(c, CLI_USAGE, "%s: cannot be read: %s", path, err_text(err));
    err = json_array_append_new(files,
                                json_pack("{s:s, s:s%}", "name", path, "text", buf_cstr(&text), text.len));
    buf_fini(&text);
    return err ? cli_fail(c, CLI_USAGE, "%s: not UTF-8 text", path) : CLI_GOOD;
}

static int tell(const struct cli *c, const json_t *answer)
{
    const json_t *all = json_object_get(answer, "complaints");
    bool ok = json_flag(answer, "ok", false);

    if (c->json) {
        cli_print_json(answer);
        return ok ? CLI_GOOD : CLI_FOUND_WRONG;
    }
    for (size_t i = 0; i < json_array_size(all); i++) /* warnings come with success */
        (void)fprintf(stderr, "%s\n", json_string_value(json_array_get(all, i)));
    if (ok)
        (void)printf("applied\n");
    else
        (void)fprintf(stderr, "siyu: %s; nothing was changed\n", json_str(answer, "error", "refused"));
    return ok ? CLI_GOOD : CLI_FOUND_WRONG;
}

int cli_apply(const struct cli *c)
{
    json_t *files = json_array(), *request, *answer = NULL;
    int code = c->argc ? CLI_GOOD : cli_fail(c, CLI_USAGE, "apply needs playbook files");

    for (int i = 0; i < c->argc && code == CLI_GOOD; i++)
        code = add_file(c, files, c->argv[i]);
    request = json_pack("{s:s, s:o}", "do", "apply", "files", files);
    if (code == CLI_GOOD)
        code = cli_ask_gateway(c, request, &answer);
    if (code == CLI_GOOD)
        code = tell(c, answer);
    json_decref(answer);
    json_decref(request);
    return code;
}
