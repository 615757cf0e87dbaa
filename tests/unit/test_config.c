/* SPDX-License-Identifier: Apache-2.0 */
#include "host/config.h"

#include "support/asserts.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"

/* A directory with siyu.yaml and what it names; its complaints without the directory's name. */
static struct {
    char dir[64], file[96];
    struct config *config;
    struct diag diag;
} w;

#define HALL "connections:\n  hall: {kind: wecom-webhook, key: k1}\n"

static void write_file(const char *name, const char *text, size_t n)
{
    char path[128];

    (void)snprintf(path, sizeof path, "%s/%s", w.dir, name);
    FILE *f = fopen(path, "wb");
    T_TRUE(f != NULL);
    T_EQ(fwrite(text, 1, n, f), n);
    T_EQ(fclose(f), 0);
}

static int open_world(void **state)
{
    (void)state;
    memset(&w, 0, sizeof w);
    (void)snprintf(w.dir, sizeof w.dir, "/tmp/siyu-config-XXXXXX");
    T_TRUE(mkdtemp(w.dir) != NULL);
    (void)snprintf(w.file, sizeof w.file, "%s/siyu.yaml", w.dir);
    diag_init(&w.diag, 50);
    return 0;
}

static int close_world(void **state)
{
    static const char *const names[] = {"siyu.yaml", "secret.txt"};

    (void)state;
    config_free(w.config);
    diag_fini(&w.diag);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s/%s", w.dir, names[i]);
        (void)unlink(path);
    }
    T_EQ(rmdir(w.dir), 0);
    return 0;
}

static int load(const char *yaml)
{
    write_file("siyu.yaml", yaml, strlen(yaml));
    return config_load(w.file, &w.config, &w.diag);
}

/* It fails with exactly this first complaint, "line: path: what" after the file's name. */
static void refused(const char *yaml, size_t complaints, const char *first)
{
    T_ERR(load(yaml), ERR_CONFIG);
    T_EQ(diag_count(&w.diag), complaints);
    T_EQ(strncmp(diag_text(&w.diag, 0), w.file, strlen(w.file)), 0);
    T_STR(diag_text(&w.diag, 0) + strlen(w.file) + 1, first);
}

static const char *conf_of(size_t i, const char *key)
{
    return json_str(w.config->connections[i].conf, key, NULL);
}

static void everything_is_read(void)
{
    T_OK(load("listen: 0.0.0.0:80\ndata: var\nlog_level: debug\ntesting: true\nplaybooks: [a.yaml, /b.yaml]\n"
              "connections:\n  hall: {kind: wecom-webhook, key: k1}\n  corp: {kind: wecom, agent_id: 7}\n"
              "accounts:\n  zhang: {connection: corp, kind: wecom.member, userid: zhangsan}\n"));
    char path[128];
    (void)snprintf(path, sizeof path, "%s/var", w.dir);
    T_STR(w.config->data, path);
    (void)snprintf(path, sizeof path, "%s/a.yaml", w.dir);
    T_EQ(w.config->playbook_count, 2);
    T_STR(w.config->playbooks[0], path);
    T_STR(w.config->playbooks[1], "/b.yaml");
    T_STR(w.config->listen, "0.0.0.0:80");
    T_EQ(w.config->listen_line, 1);
    T_TRUE(w.config->testing);
    T_EQ(w.config->connection_count, 2);
    T_STR(w.config->connections[1].kind, "wecom");
    T_EQ(json_int(w.config->connections[1].conf, "agent_id", 0), 7);
    T_EQ(w.config->account_count, 1);
    T_STR(w.config->accounts[0].external, "zhangsan");
    T_EQ(w.config->accounts[0].kind, ACCOUNT_WECOM_MEMBER);
}

static void what_is_left_out_has_a_default(void)
{
    T_OK(load(HALL));
    T_STR(w.config->listen, "127.0.0.1:8600");
    T_STR(w.config->log_level, "info");
    T_TRUE(!w.config->testing);
    T_EQ(w.config->playbook_count, 0);
}

static void a_secret_comes_from_the_environment(void)
{
    T_EQ(setenv("SIYU_TEST_KEY", "s3cret", 1), 0);
    T_OK(load("connections:\n  hall: {kind: wecom-webhook, key: \"a-${SIYU_TEST_KEY}-${SIYU_TEST_KEY}\", "
              "cost: \"$5\"}\n"));
    T_STR(conf_of(0, "key"), "a-s3cret-s3cret");
    T_STR(conf_of(0, "cost"), "$5");
}

static void a_secret_comes_from_a_file_beside_the_configuration(void)
{
    write_file("secret.txt", "  from-file \n", 13);
    T_OK(load("connections:\n  hall: {kind: wecom-webhook, key: {file: secret.txt}}\n"));
    T_STR(conf_of(0, "key"), "from-file");
}

static void a_variable_that_is_not_set_is_named_with_its_line(void)
{
    refused("connections:\n  hall:\n    kind: wecom-webhook\n    key: \"${SIYU_TEST_UNSET}\"\n", 1,
            "4: connections.hall.key: the environment has no variable 'SIYU_TEST_UNSET'; set it, or write "
            "the value "
            "into a file and use {file: path}");
}

static void a_variable_without_its_end_is_no_variable(void)
{
    T_EQ(setenv("SIYU_TEST_KEY", "s3cret", 1), 0);
    refused("connections:\n  hall: {kind: x, key: \"${SIYU_TEST_KEY\"}\n", 1,
            "2: connections.hall.key: '${' without its '}'");
}

static void a_secret_file_that_is_not_there_is_named(void)
{
    char want[200];

    (void)snprintf(want, sizeof want,
                   "2: connections.hall.key: cannot read the file '%s/gone': No such file or directory",
                   w.dir);
    refused("connections:\n  hall: {kind: wecom-webhook, key: {file: gone}}\n", 1, want);
}

static void a_secret_that_is_no_text_is_refused(void)
{
    write_file("secret.txt", "\xff\xfe", 2);
    refused("connections:\n  hall: {kind: wecom-webhook, key: {file: secret.txt}}\n", 1,
            "2: connections.hall.key: the file is not UTF-8 text");
}

static void an_unknown_key_is_refused_with_the_nearest_one(void)
{
    T_ERR(load(HALL "lisen: 127.0.0.1:1\n"), ERR_CONFIG);
    T_TRUE(strstr(diag_text(&w.diag, 0), "siyu.yaml:3: ") != NULL);
    T_TRUE(strstr(diag_text(&w.diag, 0), "listen") != NULL);
}

static void all_complaints_are_heard_at_once(void)
{
    T_ERR(load("listen: nowhere\ntesting: maybe\nconnections:\n  a/b: {kind: x}\n  c: {}\naccounts:\n  d: "
               "{userid: e}\n"),
          ERR_CONFIG);
    T_EQ(diag_count(&w.diag), 5);
}

static void a_name_that_stands_twice_is_refused(void)
{
    refused(HALL "  hall: {kind: wecom-webhook, key: k2}\n", 1,
            "3: key \"hall\" stands twice, first on line 2");
}

static void accounts_and_connections_share_names(void)
{
    refused(HALL "accounts:\n  hall: {connection: hall, kind: wecom.member, userid: x}\n", 1,
            "4: accounts.hall: a connection has this name already; accounts and connections share names");
}

static void one_account_has_one_name(void)
{
    refused(HALL "accounts:\n  a: {connection: hall, kind: wecom.member, userid: x}\n"
                 "  b: {connection: hall, kind: wecom.member, userid: x}\n",
            1, "5: accounts.b: x of hall is the account 'a' already; keep one of them");
}

static void an_account_needs_a_connection_and_an_id(void)
{
    T_ERR(load(HALL "accounts:\n  a: {connection: hal, kind: wecom.member, userid: x}\n"
                    "  b: {connection: hall, kind: wecom.member}\n  c: {connection: hall, kind: wecom.boss, "
                    "userid: y}\n"),
          ERR_CONFIG);
    T_EQ(diag_count(&w.diag), 3);
    T_TRUE(strstr(diag_text(&w.diag, 0), ":4: accounts.a.connection: no connection 'hal'") != NULL);
    T_TRUE(strstr(diag_text(&w.diag, 1), ":5: accounts.b: an account needs `userid`") != NULL);
    T_TRUE(strstr(diag_text(&w.diag, 2), ":6: accounts.c.kind: no account kind 'wecom.boss'") != NULL);
}

static void an_address_is_host_and_port(void)
{
    static const char *const bad[] = {"8600",        ":8600",     "localhost:8600", "127.0.0.1:65536",
                                      "127.0.0.1:x", "[::1:8600", "1.2.3:80"};

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char yaml[200];
        (void)snprintf(yaml, sizeof yaml, "listen: \"%s\"\n" HALL, bad[i]);
        T_ERR(load(yaml), ERR_CONFIG);
    }
    T_OK(load("listen: \"[::1]:8600\"\n" HALL));
}

static void what_is_no_mapping_is_refused(void)
{
    refused("- 1\n", 1, "1: expected a mapping with `connections`");
}

static void an_empty_file_is_refused(void)
{
    refused("", 1, "1: expected a mapping with `connections`");
}

static void bad_yaml_is_refused_with_its_line(void)
{
    T_ERR(load(HALL "  : {]\n"), ERR_CONFIG);
    T_TRUE(strstr(diag_text(&w.diag, 0), "siyu.yaml:3: ") != NULL);
}

static void another_store_is_of_a_later_version(void)
{
    refused("store: postgresql://x\n" HALL, 1,
            "1: store: not available in this version; leave it out: SQLite in `data` is used");
}

static void a_file_that_is_not_there_is_said(void)
{
    T_ERR(config_load("/nowhere/siyu.yaml", &w.config, &w.diag), -ENOENT);
    T_STR(diag_text(&w.diag, 0), "/nowhere/siyu.yaml: cannot be read: No such file or directory");
}

static void a_path_of_the_file_has_a_line(void)
{
    T_OK(load("connections:\n  hall:\n    kind: wecom-webhook\n    key: k1\n"));
    T_EQ(config_line(w.config, STR("connections.hall.key")), 4);
    T_EQ(config_line(w.config, STR("connections.hall.colour")), 2);
    T_EQ(config_line(w.config, STR("nothing")), 0);
}

/* Every allocation fails once: an error, no leak (ASan), no half configuration. */
static void no_memory_is_an_error(void)
{
    bool hit = true;

    T_EQ(setenv("SIYU_TEST_KEY", "s3cret", 1), 0);
    write_file("secret.txt", "x", 1);
    T_OK(load("connections:\n  a: {kind: x, k: \"${SIYU_TEST_KEY}\", l: {file: secret.txt}}\n"));
    config_free(w.config);
    w.config = NULL;
    for (int n = 1; hit; n++) {
        mem_fail_at(n);
        int err = config_load(w.file, &w.config, NULL);
        hit = mem_fault_hit();
        mem_fail_at(0);
        if (!hit)
            T_OK(err);
        if (!err) /* only the line of a complaint was lost */
            T_STR(conf_of(0, "k"), "s3cret");
        if (!err)
            config_free(w.config);
        w.config = NULL;
    }
}

#define CASE(fn)                                                                                             \
    {                                                                                                        \
#fn, t_call, open_world, close_world, (void *)(fn)                                                   \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(everything_is_read),
        CASE(what_is_left_out_has_a_default),
        CASE(a_secret_comes_from_the_environment),
        CASE(a_secret_comes_from_a_file_beside_the_configuration),
        CASE(a_variable_that_is_not_set_is_named_with_its_line),
        CASE(a_variable_without_its_end_is_no_variable),
        CASE(a_secret_file_that_is_not_there_is_named),
        CASE(a_secret_that_is_no_text_is_refused),
        CASE(an_unknown_key_is_refused_with_the_nearest_one),
        CASE(all_complaints_are_heard_at_once),
        CASE(a_name_that_stands_twice_is_refused),
        CASE(accounts_and_connections_share_names),
        CASE(one_account_has_one_name),
        CASE(an_account_needs_a_connection_and_an_id),
        CASE(an_address_is_host_and_port),
        CASE(what_is_no_mapping_is_refused),
        CASE(an_empty_file_is_refused),
        CASE(bad_yaml_is_refused_with_its_line),
        CASE(another_store_is_of_a_later_version),
        CASE(a_file_that_is_not_there_is_said),
        CASE(a_path_of_the_file_has_a_line),
        CASE(no_memory_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
