/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/json.h"
#include "base/mem.h"
#include "host/config.h"
#include "loop/control.h"

#define ASK_TIMEOUT_MS 30000

void cli_print_json(const json_t *node)
{
    struct buf out;

    buf_init(&out, (size_t)64 << 20);
    if (node && json_write_compact(node, &out) == 0)
        (void)printf("%s\n", buf_cstr(&out));
    buf_fini(&out);
}

int cli_fail(const struct cli *c, enum cli_exit code, const char *fmt, ...)
{
    va_list args;
    struct buf text;
    json_t *node;

    buf_init(&text, 65536);
    va_start(args, fmt);
    (void)buf_addv(&text, fmt, args);
    va_end(args);
    (void)fprintf(stderr, "siyu: %s\n", buf_cstr(&text));
    if (c->json) {
        node = json_pack("{s:b, s:s}", "ok", 0, "error", buf_cstr(&text));
        cli_print_json(node);
        json_decref(node);
    }
    buf_fini(&text);
    return code;
}

void cli_complain(const struct cli *c, const struct diag *diag)
{
    json_t *all = c->json ? json_array() : NULL;
    json_t *whole;

    for (size_t i = 0; i < diag_count(diag); i++) {
        if (c->json)
            (void)json_array_append_new(all, json_string(diag_text(diag, i)));
        else
            (void)fprintf(stderr, "%s\n", diag_text(diag, i));
    }
    if (!c->json)
        return;
    whole = json_pack("{s:b, s:o}", "ok", !diag_errors(diag), "complaints", all);
    cli_print_json(whole);
    json_decref(whole);
}

int cli_data_dir(const struct cli *c, char **ret)
{
    struct config *config;
    struct diag diag;

    diag_init(&diag, 100);
    int err = config_load(c->config, &config, &diag);
    if (err) {
        cli_complain(c, &diag);
    } else {
        *ret = mem_strdup(config->data);
        err = *ret ? 0 : -ENOMEM;
        config_free(config);
    }
    diag_fini(&diag);
    return err;
}

static int call(const char *data, const json_t *request, json_t **ret)
{
    struct buf line, reply;
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/siyu.sock", data);

    buf_init(&line, CONTROL_LINE_BYTES);
    buf_init(&reply, CONTROL_LINE_BYTES);
    int err = n < 0 || (size_t)n >= sizeof path ? -ENAMETOOLONG : json_write_compact(request, &line);
    if (!err)
        err = control_call(path, buf_str(&line), ASK_TIMEOUT_MS, &reply);
    if (!err)
        err = json_parse(buf_str(&reply), JSON_DEPTH, ret, NULL);
    buf_fini(&reply);
    buf_fini(&line);
    return err;
}

int cli_ask_gateway(const struct cli *c, const json_t *request, json_t **ret)
{
    char *data = NULL;

    if (cli_data_dir(c, &data) != 0)
        return CLI_USAGE;
    int err = call(data, request, ret);
    int code = CLI_GOOD;
    if (err == ERR_FULL)
        code = cli_fail(c, CLI_USAGE, "that is more than %d MiB at once", CONTROL_LINE_BYTES >> 20);
    else if (err)
        code = cli_fail(c, CLI_UNREACHABLE,
                        "no gateway answers on %s/siyu.sock (%s); start it with `siyu run -c %s`", data,
                        err_text(err), c->config);
    mem_free(data);
    return code;
}
