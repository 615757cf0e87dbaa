/* SPDX-License-Identifier: Apache-2.0 */
/* temp_store.h - a store in a fresh folder under $TMPDIR, for unit tests.
 *
 *     temp_open -> (use, temp_reopen)* -> temp_close
 *
 * Every step asserts; a test that gets on has what it asked for.
 */
#ifndef SIYU_TESTS_TEMP_STORE_H
#define SIYU_TESTS_TEMP_STORE_H

#include "support/asserts.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/store.h"

struct temp_store {
    char dir[256];
    struct store *s;
    struct arena a;
};

static inline void temp_path(const struct temp_store *t, const char *name, char ret[512])
{
    (void)snprintf(ret, 512, "%s/%s", t->dir, name);
}

static inline void temp_open_store(struct temp_store *t)
{
    struct diag diag;

    diag_init(&diag, 8);
    int r = store_open(t->dir, &t->s, &diag);
    if (r < 0 && diag_count(&diag))
        print_error("%s\n", diag_text(&diag, 0));
    diag_fini(&diag);
    T_OK(r);
}

static inline void temp_open(struct temp_store *t)
{
    const char *base = getenv("TMPDIR");

    *t = (struct temp_store){0};
    (void)snprintf(t->dir, sizeof t->dir, "%s/siyu-test-XXXXXX", base ? base : "/tmp");
    T_TRUE(mkdtemp(t->dir) != NULL);
    arena_init(&t->a, (size_t)1 << 30);
    temp_open_store(t);
}

static inline void temp_reopen(struct temp_store *t)
{
    store_close(t->s);
    temp_open_store(t);
}

static inline void temp_close(struct temp_store *t)
{
    static const char *const names[] = {"siyu.db", "siyu.db-wal", "siyu.db-shm", "siyu.lock"};
    char path[512];

    store_close(t->s);
    arena_fini(&t->a);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        temp_path(t, names[i], path);
        (void)unlink(path);
    }
    (void)rmdir(t->dir);
}

static inline void temp_begin(struct temp_store *t)
{
    T_OK(store_begin(t->s));
}

static inline void temp_commit(struct temp_store *t)
{
    T_OK(store_commit(t->s));
}

#endif
