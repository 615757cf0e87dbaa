/* SPDX-License-Identifier: Apache-2.0 */
#include "host/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/yaml.h"

enum { CONFIG_MAX_BYTES = 1 << 20, SECRET_MAX_BYTES = 64 * 1024, ITEMS_MAX = 4096, NAME_MAX_BYTES = 64 };

/* While a file is read: the arena that the config will own, and where complaints go. */
struct reading {
    struct config *config;
    struct arena *arena;
    struct yaml_doc *doc;
    struct json_ctx ctx;
    const char *dir; /* the file's, with its slash; "" for the working directory */
};

static const char *keep(struct reading *r, const char *s)
{
    return arena_str(r->arena, str_of(s));
}

/* Paths in the file are relative to the file. */
static const char *beside(struct reading *r, const char *path)
{
    return path[0] == '/' ? keep(r, path) : arena_printf(r->arena, "%s%s", r->dir, path);
}

static int read_file(const char *path, size_t max, struct buf *ret)
{
    char room[4096];
    ssize_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;

    if (fd < 0)
        return -errno;
    buf_init(ret, max);
    while (!err && (n = read(fd, room, sizeof room)) != 0)
        err = n > 0 ? buf_add(ret, room, (size_t)n) : errno == EINTR ? 0 : -errno;
    (void)close(fd);
    if (err)
        buf_fini(ret);
    return err;
}

int config_read_text(const char *path, struct buf *ret)
{
    return read_file(path, CONFIG_MAX_BYTES, ret);
}

/* ---- secrets ---- */

static int from_env(struct reading *r, const json_t *obj, const char *key, struct str text, struct buf *out)
{
    while (text.n) {
        size_t at = str_find(text, STR("${"));
        (void)buf_add_str(out, str_sub(text, 0, at));
        text = str_sub(text, at, text.n);
        if (!text.n)
            break;
        size_t end = str_chr(text, '}');
        if (end == text.n) {
            json_complainf(&r->ctx, obj, key, "'${' without its '}'");
            return ERR_CONFIG;
        }
        char name[128];
        int n = snprintf(name, sizeof name, "%.*s", STR_ARG(str_sub(text, 2, end - 2)));
        const char *value = n > 0 && (size_t)n < sizeof name ? getenv(name) : NULL;
        if (!value) {
            json_complainf(&r->ctx, obj, key,
                           "the environment has no variable '%s'; set it, or write the value into a "
                           "file and use {file: path}",
                           name);
            return ERR_CONFIG;
        }
        (void)buf_adds(out, value);
        text = str_sub(text, end + 1, text.n);
    }
    return buf_error(out);
}

static int from_file(struct reading *r, const json_t *obj, const char *key, const char *path, struct buf *out)
{
    struct buf text;
    const char *full = beside(r, path);
    int err = full ? read_file(full, SECRET_MAX_BYTES, &text) : -ENOMEM;

    if (err == -ENOMEM)
        return err;
    if (err) {
        json_complainf(&r->ctx, obj, key, "cannot read the file '%s': %s", full, err_text(err));
        return ERR_CONFIG;
    }
    err = buf_add_str(out, str_trim(buf_str(&text)));
    buf_fini(&text);
    return err;
}

/* A string with ${...}, or {file: path}, becomes the plain string. */
static int resolve_value(struct reading *r, const json_t *obj, const char *key, json_t **value)
{
    const char *path = json_object_size(*value) == 1 ? json_str(*value, "file", NULL) : NULL;
    bool env = json_is_string(*value) && strstr(json_string_value(*value), "${");
    struct buf text;
    int err = 0;

    if (!path && !env)
        return 0;
    buf_init(&text, SECRET_MAX_BYTES);
    err = path ? from_file(r, obj, key, path, &text)
               : from_env(r, obj, key, str_of(json_string_value(*value)), &text);
    if (!err && !str_utf8_valid(buf_str(&text))) {
        json_complainf(&r->ctx, obj, key, "%s is not UTF-8 text",
                       path ? "the file" : "the environment's value");
        err = ERR_CONFIG;
    }
    *value = err ? NULL : json_stringn(buf_cstr(&text), text.len);
    buf_fini(&text);
    return err ? err : *value ? 0 : -ENOMEM;
}

static int resolve(struct reading *r, const json_t *conf, const json_t **ret)
{
    json_t *copy = json_object(), *value;
    const char *key;
    int err = copy ? 0 : -ENOMEM, worst = 0;

    json_object_foreach((json_t *)(uintptr_t)conf, key, value)
    {
        json_t *plain = value;
        int bad = resolve_value(r, conf, key, &plain);
        if (bad)
            worst = bad;
        else if (json_object_set(copy, key, plain) != 0)
            err = -ENOMEM;
        if (!bad && plain != value)
            json_decref(plain);
    }
    *ret = copy;
    return err ? err : worst;
}

/* ---- sections ---- */

/* It is a part of callback addresses. */
static int check_name(struct reading *r, const json_t *all, const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

    if (n && n <= NAME_MAX_BYTES && !name[n])
        return 0;
    json_complainf(&r->ctx, all, name, "a connection's name is 1 to %d letters, digits, _ or -",
                   NAME_MAX_BYTES);
    return ERR_CONFIG;
}

static int read_connections(struct reading *r, const json_t *root)
{
    const json_t *all;
    json_t *conf;
    const char *name;
    int worst = json_get_object(root, "connections", &all, &r->ctx);

    if (worst)
        return worst;
    r->config->connections =
        arena_alloc(r->arena, (json_object_size(all) + 1) * sizeof *r->config->connections);
    if (!r->config->connections || json_object_size(all) > ITEMS_MAX)
        return -ENOMEM;
    json_ctx_push(&r->ctx, "connections");
    json_object_foreach((json_t *)(uintptr_t)all, name, conf)
    {
        struct config_connection *c = &r->config->connections[r->config->connection_count];
        int err = json_is_object(conf) ? check_name(r, all, name) : ERR_CONFIG;
        if (!json_is_object(conf))
            json_complainf(&r->ctx, all, name, "expected a mapping with `kind`, got %s",
                           json_type_name(conf));
        json_ctx_push(&r->ctx, name);
        if (!err)
            err = json_get_string(conf, "kind", &c->kind, &r->ctx);
        if (!err) {
            err = resolve(r, conf, &c->conf);
            c->name = name;
            r->config->connection_count++;
        }
        json_ctx_pop(&r->ctx);
        worst = err ? err : worst;
    }
    json_ctx_pop(&r->ctx);
    return worst;
}

static bool has_connection(const struct config *c, const char *name)
{
    for (size_t i = 0; i < c->connection_count; i++)
        if (strcmp(c->connections[i].name, name) == 0)
            return true;
    return false;
}

static int read_account(struct reading *r, const char *name, const json_t *conf, struct config_account *a)
{
    static const char *const keys[] = {"connection", "kind", "userid", "id", NULL};
    const char *kind, *external;
    int err = json_only_keys(conf, keys, &r->ctx);

    a->name = name;
    if (!err)
        err = json_get_string(conf, "connection", &a->connection, &r->ctx);
    if (!err)
        err = json_get_string(conf, "kind", &kind, &r->ctx);
    if (!err && account_kind_of(str_of(kind), &a->kind) != 0) {
        json_complainf(&r->ctx, conf, "kind", "no account kind '%s'; wecom.member is one", kind);
        err = ERR_CONFIG;
    }
    if (!err && !has_connection(r->config, a->connection)) {
        json_complainf(&r->ctx, conf, "connection", "no connection '%s'; add it under connections",
                       a->connection);
        err = ERR_CONFIG;
    }
    if (!err)
        err = json_opt_string(conf, "id", "", &external, &r->ctx);
    if (!err)
        err = json_opt_string(conf, "userid", external, &a->external, &r->ctx);
    if (!err && !a->external[0]) {
        json_complainf(&r->ctx, conf, NULL, "an account needs `userid`, the platform's id of it");
        err = ERR_CONFIG;
    }
    return err;
}

/* Names are one space, and each account has one. */
static int check_account(struct reading *r, const json_t *conf, const struct config_account *a)
{
    if (has_connection(r->config, a->name)) {
        json_complainf(&r->ctx, conf, NULL,
                       "a connection has this name already; accounts and connections share names");
        return ERR_CONFIG;
    }
    for (size_t i = 0; i < r->config->account_count; i++) {
        const struct config_account *other = &r->config->accounts[i];
        if (strcmp(other->connection, a->connection) == 0 && strcmp(other->external, a->external) == 0) {
            json_complainf(&r->ctx, conf, NULL, "%s of %s is the account '%s' already; keep one of them",
                           a->external, a->connection, other->name);
            return ERR_CONFIG;
        }
    }
    return 0;
}

static int read_accounts(struct reading *r, const json_t *root)
{
    const json_t *all;
    json_t *conf;
    const char *name;
    int worst = json_opt_object(root, "accounts", &all, &r->ctx);

    if (worst || !all)
        return worst;
    r->config->accounts = arena_alloc(r->arena, (json_object_size(all) + 1) * sizeof *r->config->accounts);
    if (!r->config->accounts || json_object_size(all) > ITEMS_MAX)
        return -ENOMEM;
    json_ctx_push(&r->ctx, "accounts");
    json_object_foreach((json_t *)(uintptr_t)all, name, conf)
    {
        json_ctx_push(&r->ctx, name);
        int err = read_account(r, name, conf, &r->config->accounts[r->config->account_count]);
        if (!err)
            err = check_account(r, conf, &r->config->accounts[r->config->account_count]);
        r->config->account_count += !err;
        worst = err ? err : worst;
        json_ctx_pop(&r->ctx);
    }
    json_ctx_pop(&r->ctx);
    return worst;
}

static int read_playbooks(struct reading *r, const json_t *root)
{
    const json_t *all;
    json_t *item;
    size_t i;
    int err = json_opt_array(root, "playbooks", &all, &r->ctx);

    if (err || !all)
        return err;
    r->config->playbooks = arena_alloc(r->arena, (json_array_size(all) + 1) * sizeof *r->config->playbooks);
    if (!r->config->playbooks)
        return -ENOMEM;
    json_array_foreach((json_t *)(uintptr_t)all, i, item)
    {
        if (!json_is_string(item)) {
            json_complainf(&r->ctx, root, "playbooks", "expected a list of paths, got %s",
                           json_type_name(item));
            return ERR_CONFIG;
        }
        const char *path = beside(r, json_string_value(item));
        if (!path)
            return -ENOMEM;
        r->config->playbooks[r->config->playbook_count++] = path;
    }
    return 0;
}

static bool is_address(struct str host)
{
    char text[INET6_ADDRSTRLEN + 2];
    struct in6_addr v6;
    struct in_addr v4;

    if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
        host = str_sub(host, 1, host.n - 2);
    int n = snprintf(text, sizeof text, "%.*s", STR_ARG(host));
    return n > 0 && (size_t)n < sizeof text &&
           (inet_pton(AF_INET, text, &v4) == 1 || inet_pton(AF_INET6, text, &v6) == 1);
}

/* HOST:PORT; whether it can be listened on is seen later. */
static int check_listen(struct reading *r, const json_t *root)
{
    struct str all = str_of(r->config->listen), port = all;
    int64_t number;

    for (size_t at = str_chr(port, ':'); at < port.n; at = str_chr(port, ':'))
        port = str_sub(port, at + 1, port.n);
    r->config->listen_line = yaml_key_line(r->doc, root, "listen");
    if (port.n + 1 < all.n && is_address(str_sub(all, 0, all.n - port.n - 1)) &&
        str_to_i64(port, &number) == 0 && number >= 0 && number <= 65535)
        return 0;
    json_complainf(&r->ctx, root, "listen", "expected ADDRESS:PORT as in 127.0.0.1:8600, got '%s'",
                   r->config->listen);
    return ERR_CONFIG;
}

static int read_top(struct reading *r, const json_t *root)
{
    static const char *const keys[] = {"listen",      "data",     "log_level", "testing", "playbooks",
                                       "connections", "accounts", "store",     NULL};
    const char *data = "./data";
    int err = json_only_keys(root, keys, &r->ctx);
    int bad = json_opt_string(root, "listen", "127.0.0.1:8600", &r->config->listen, &r->ctx);

    if (!bad)
        bad = check_listen(r, root);
    err = bad ? bad : err;
    bad = json_opt_string(root, "data", "./data", &data, &r->ctx);
    err = bad ? bad : err;
    bad = json_opt_string(root, "log_level", "info", &r->config->log_level, &r->ctx);
    err = bad ? bad : err;
    bad = json_opt_bool(root, "testing", false, &r->config->testing, &r->ctx);
    err = bad ? bad : err;
    if (json_object_get(root, "store")) {
        json_complainf(&r->ctx, root, "store",
                       "not available in this version; leave it out: SQLite in `data` is used");
        err = ERR_CONFIG;
    }
    r->config->data = data ? beside(r, data) : NULL;
    return err ? err : r->config->data ? 0 : -ENOMEM;
}

static int read_all(struct reading *r)
{
    const json_t *root = yaml_root(r->doc);
    int worst, err;

    if (!json_is_object(root)) {
        diag_addf(r->ctx.diag, r->config->file, 1, "expected a mapping with `connections`");
        return ERR_CONFIG;
    }
    worst = read_top(r, root);
    err = read_connections(r, root);
    worst = err ? err : worst;
    err = read_accounts(r, root);
    worst = err ? err : worst;
    err = read_playbooks(r, root);
    return err ? err : worst;
}

/* ---- life ---- */

struct memory {
    struct arena arena;
    struct yaml_doc *doc;
};

int config_line(const struct config *c, struct str path)
{
    const struct memory *m = c->memory;
    const json_t *at = yaml_root(m->doc);
    struct str piece;
    int line = 0;

    while (at && str_next(&path, '.', &piece)) {
        char *key = mem_strndup(piece.p, piece.n);
        int found = key ? yaml_key_line(m->doc, at, key) : 0;
        line = found ? found : line;
        at = key ? json_object_get(at, key) : NULL;
        mem_free(key);
    }
    return line;
}

int config_load(const char *file, struct config **ret, struct diag *diag)
{
    struct config *c = mem_calloc(1, sizeof *c);
    struct memory *m = mem_calloc(1, sizeof *m);
    struct reading r = {.config = c};
    const char *slash = strrchr(file, '/');
    struct buf text;
    int err = c && m ? read_file(file, CONFIG_MAX_BYTES, &text) : -ENOMEM;

    if (err) {
        diag_addf(diag, file, 0, "cannot be read: %s", err_text(err));
        mem_free(c);
        mem_free(m);
        return err;
    }
    arena_init(&m->arena, (size_t)16 << 20);
    c->memory = m;
    r.arena = &m->arena;
    c->file = keep(&r, file);
    r.dir = slash ? arena_str(&m->arena, (struct str){file, (size_t)(slash - file) + 1}) : "";
    err = c->file && r.dir ? yaml_load(buf_str(&text), file, &m->doc, diag) : -ENOMEM;
    buf_fini(&text);
    r.doc = m->doc;
    json_ctx_init(&r.ctx, diag, c->file, m->doc);
    if (!err)
        err = read_all(&r);
    if (err) {
        config_free(c);
        return err == -ENOMEM ? err : ERR_CONFIG;
    }
    *ret = c;
    return 0;
}

void config_free(struct config *c)
{
    struct memory *m = c ? c->memory : NULL;

    if (!c)
        return;
    for (size_t i = 0; i < c->connection_count; i++)
        json_decref((json_t *)(uintptr_t)c->connections[i].conf);
    yaml_unload(m->doc);
    arena_fini(&m->arena);
    mem_free(m);
    mem_free(c);
}
