/* SPDX-License-Identifier: Apache-2.0 */
#include "api/auth.h"

#include "support/asserts.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/crypto.h"

#define NOW_MS INT64_C(1796090400000)

static struct {
    struct clock clock;
    struct auth *auth;
} w;

static int open_world(void **state)
{
    (void)state;
    clock_init_manual(&w.clock, NOW_MS, 1000);
    T_OK(auth_new(&w.clock, &w.auth));
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    auth_free(w.auth);
    return 0;
}

static void add(const char *token, enum auth_role role, int64_t expires_ms)
{
    struct auth_token t = {.role = role, .expires_ms = expires_ms};

    crypto_sha256(str_of(token), t.hash);
    T_OK(auth_add(w.auth, &t));
}

/* A request with this query and these header lines. */
static bool allows(const char *query, const char *lines, enum auth_role role)
{
    struct http_parser parser;
    char text[4096];
    int n = snprintf(text, sizeof text, "GET /api%s HTTP/1.1\r\nHost: x\r\n%s\r\n", query, lines);

    http_parse_init(&parser);
    T_EQ(http_parse(&parser, text, (size_t)n), HTTP_PARSE_HEAD);
    struct http_request r = {.parser = &parser, .data = text, .query = http_parse_query(&parser, text)};
    return auth_allows(w.auth, &r, role);
}

static bool bearer(const char *token, enum auth_role role)
{
    char line[600];

    (void)snprintf(line, sizeof line, "Authorization: Bearer %s\r\n", token);
    return allows("", line, role);
}

static void a_known_token_is_let_in_and_no_other(void)
{
    add("siyu_1", ROLE_VIEWER, 0);
    add("siyu_2", ROLE_VIEWER, 0);
    T_TRUE(bearer("siyu_1", ROLE_VIEWER));
    T_TRUE(bearer("siyu_2", ROLE_VIEWER));
    T_TRUE(bearer("  siyu_2 ", ROLE_VIEWER));
    T_TRUE(!bearer("siyu_3", ROLE_VIEWER));
    T_TRUE(!bearer("siyu_", ROLE_VIEWER));
    T_TRUE(!bearer("siyu_11", ROLE_VIEWER));
    T_TRUE(!bearer("", ROLE_VIEWER));
}

static void without_tokens_nobody_is_let_in(void)
{
    T_TRUE(!bearer("", ROLE_VIEWER));
    T_TRUE(!allows("", "", ROLE_VIEWER));
    T_TRUE(!allows("?token=", "", ROLE_VIEWER));
}

static void a_role_may_what_the_lower_ones_may(void)
{
    static const char *const tokens[] = {"viewer", "operator", "admin"};

    for (int i = ROLE_VIEWER; i <= ROLE_ADMIN; i++)
        add(tokens[i], (enum auth_role)i, 0);
    for (int has = ROLE_VIEWER; has <= ROLE_ADMIN; has++)
        for (int needs = ROLE_VIEWER; needs <= ROLE_ADMIN; needs++)
            T_EQ(bearer(tokens[has], (enum auth_role)needs), has >= needs);
}

static void a_token_ends_with_its_time(void)
{
    add("short", ROLE_ADMIN, NOW_MS + 1000);
    add("ever", ROLE_ADMIN, 0);
    T_TRUE(bearer("short", ROLE_VIEWER));
    clock_advance(&w.clock, 999);
    T_TRUE(bearer("short", ROLE_VIEWER));
    clock_advance(&w.clock, 1);
    T_TRUE(!bearer("short", ROLE_VIEWER));
    T_TRUE(bearer("ever", ROLE_VIEWER));
}

static void the_query_serves_where_headers_cannot_be_set(void)
{
    add("siyu_1", ROLE_VIEWER, 0);
    T_TRUE(allows("?token=siyu_1", "", ROLE_VIEWER));
    T_TRUE(allows("?a=b&token=siyu%5f1", "", ROLE_VIEWER));
    T_TRUE(!allows("?token=siyu_2", "", ROLE_VIEWER));
    T_TRUE(!allows("?tokens=siyu_1", "", ROLE_VIEWER));
}

static void a_wrong_header_is_not_mended_by_the_query(void)
{
    add("siyu_1", ROLE_VIEWER, 0);
    T_TRUE(!allows("?token=siyu_1", "Authorization: Bearer wrong\r\n", ROLE_VIEWER));
}

static void other_schemes_are_no_token(void)
{
    add("siyu_1", ROLE_VIEWER, 0);
    T_TRUE(!allows("", "Authorization: Basic siyu_1\r\n", ROLE_VIEWER));
    T_TRUE(!allows("", "Authorization: siyu_1\r\n", ROLE_VIEWER));
    T_TRUE(!allows("", "Authorization: Bearersiyu_1\r\n", ROLE_VIEWER));
}

static void there_is_a_ceiling(void)
{
    struct auth_token t = {.role = ROLE_VIEWER};

    for (int i = 0; i < 1000; i++)
        T_OK(auth_add(w.auth, &t));
    T_ERR(auth_add(w.auth, &t), ERR_FULL);
}

static void roles_have_words(void)
{
    enum auth_role role = ROLE_VIEWER;

    T_OK(auth_role_of(STR("admin"), &role));
    T_EQ(role, ROLE_ADMIN);
    T_ERR(auth_role_of(STR("god"), &role), ERR_NOT_FOUND);
    T_ERR(auth_role_of(STR(""), &role), ERR_NOT_FOUND);
}

#define CASE(fn)                                                                                             \
    {                                                                                                        \
#fn, t_call, open_world, close_world, (void *)(fn)                                                   \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_known_token_is_let_in_and_no_other),
        CASE(without_tokens_nobody_is_let_in),
        CASE(a_role_may_what_the_lower_ones_may),
        CASE(a_token_ends_with_its_time),
        CASE(the_query_serves_where_headers_cannot_be_set),
        CASE(a_wrong_header_is_not_mended_by_the_query),
        CASE(other_schemes_are_no_token),
        CASE(there_is_a_ceiling),
        CASE(roles_have_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
