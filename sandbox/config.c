/* SPDX-License-Identifier: Apache-2.0 */
/* Read, parse, then replace secrets in a copy, because the document keeps its nodes for line numbers. */
#include "sandbox/config.h"

#include "base/json.h"
#include "base/yaml.h"
#include "sandbox/must.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_BYTES = 1024 * 1024 };

static int read_file(const char *path, struct buf *out)
{
    char piece[4096];
    FILE *file = fopen(path, "re");
    size_t n;
    int r = 0;

    if (file == NULL)
        return -errno;
    while (r == 0 && (n = fread(piece, 1, sizeof(piece), file)) > 0)
        r = buf_add(out, piece, n);
    if (r == 0 && ferror(file))
        r = ERR_IO;
    (void)fclose(file); /* it was only read */
    return r;
}

/* The value of "${NAME}", or NULL when `text` is not of that form; "" with a complaint when it is not set. */
static const char *from_environment(const char *text, const char *path, struct diag *diag)
{
    char name[128];
    size_t n = strlen(text);
    const char *value;

    if (n < 4 || n - 3 >= sizeof(name) || strncmp(text, "${", 2) != 0 || text[n - 1] != '}')
        return NULL;
    memcpy(name, text + 2, n - 3);
    name[n - 3] = '\0';
    value = getenv(name);
    if (value == NULL)
        diag_addf(diag, path, 0, "${%s} is not set: export it before the start", name);
    return value != NULL ? value : "";
}

static json_t *from_file(const char *name, const char *path, struct diag *diag)
{
    struct buf text;
    struct str line, rest;
    json_t *value = NULL;
    int r;

    buf_init(&text, FILE_BYTES);
    r = read_file(name, &text);
    if (r < 0) {
        diag_addf(diag, path, 0, "{file: %s}: %s", name, err_text(r));
    } else {
        (void)str_cut(buf_str(&text), '\n', &line, &rest);
        line = str_trim(line);
        value = json_stringn(line.p, line.n);
    }
    buf_fini(&text);
    return value;
}

static void put_secrets(json_t *connection, const char *path, struct diag *diag)
{
    const char *key;
    json_t *value;

    json_object_foreach(connection, key, value)
    {
        const char *text =
            json_is_string(value) ? from_environment(json_string_value(value), path, diag) : NULL;
        const char *file = json_is_object(value) ? json_str(value, "file", NULL) : NULL;
        json_t *secret = text != NULL ? json_string(text) : file != NULL ? from_file(file, path, diag) : NULL;

        if (secret != NULL) /* the key exists, so the walk stays valid */
            sb_json_set(connection, key, secret);
    }
}

int sb_config_load(const char *path, json_t **ret, struct diag *diag)
{
    struct yaml_doc *doc = NULL;
    struct buf text;
    json_t *conf, *connection;
    const char *name;
    int r;

    buf_init(&text, FILE_BYTES);
    r = read_file(path, &text);
    if (r < 0)
        diag_addf(diag, path, 0, "cannot be read: %s", err_text(r));
    else
        r = yaml_load(buf_str(&text), path, &doc, diag);
    buf_fini(&text);
    if (r < 0)
        return r;
    conf = sb_must_have(json_deep_copy(yaml_root(doc)));
    yaml_unload(doc);
    json_object_foreach(json_object_get(conf, "connections"), name, connection)
    {
        put_secrets(connection, path, diag);
    }
    if (diag_errors(diag) > 0 || !json_is_object(conf)) {
        json_decref(conf);
        return ERR_CONFIG;
    }
    *ret = conf;
    return 0;
}

const char *sb_config_listen(const json_t *conf)
{
    return json_str(conf, "listen", "127.0.0.1:8700");
}
