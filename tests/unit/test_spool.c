/* SPDX-License-Identifier: Apache-2.0 */
#include "host/spool.h"

#include "support/asserts.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

enum { TAGS_MAX = 2000 };

/* A loop, a spool in a directory of its own, and what it answered. */
static struct {
    struct loop *loop;
    struct spool *spool;
    char dir[64];
    int64_t tags[TAGS_MAX];
    int errs[TAGS_MAX];
    size_t answered, awaited;
} w;

static const char *path_of(const char *name)
{
    static char path[128];

    (void)snprintf(path, sizeof path, "%s/%s", w.dir, name);
    return path;
}

static void on_safe(void *ctx, int64_t tag, int err)
{
    T_TRUE(ctx == &w);
    T_TRUE(w.answered < TAGS_MAX);
    w.tags[w.answered] = tag;
    w.errs[w.answered++] = err;
    if (w.answered == w.awaited)
        loop_stop(w.loop);
}

static void begin(void)
{
    w.answered = 0;
    T_OK(loop_new(&w.loop));
    T_OK(spool_open(w.loop, w.dir, on_safe, &w, &w.spool));
}

static void end(void)
{
    spool_close(w.spool);
    loop_free(w.loop);
    w.spool = NULL;
    w.loop = NULL;
}

static void wait_for(size_t n)
{
    w.awaited = n;
    if (w.answered < n)
        loop_run(w.loop);
    T_EQ(w.answered, n);
}

static void restart(void)
{
    end();
    begin();
}

static void say(int64_t tag, const char *line)
{
    T_OK(spool_write(w.spool, tag, str_of(line)));
}

static void put(const char *name, const char *text)
{
    FILE *f = fopen(path_of(name), "wb");

    T_TRUE(f != NULL);
    T_EQ(fwrite(text, 1, strlen(text), f), strlen(text));
    T_EQ(fclose(f), 0);
}

static void holds(const char *name, const char *want)
{
    char room[4096];
    FILE *f = fopen(path_of(name), "rb");

    T_TRUE(f != NULL);
    size_t n = fread(room, 1, sizeof room - 1, f);
    room[n] = '\0';
    T_EQ(fclose(f), 0);
    T_STR(room, want);
}

static void next_is(const char *want)
{
    struct str line;

    T_EQ(spool_next(w.spool, &line), 1);
    T_VIEW(line, want);
}

static void nothing_is_left(void)
{
    struct str line;

    T_EQ(spool_next(w.spool, &line), 0);
}

static int open_world(void **state)
{
    (void)state;
    memset(&w, 0, sizeof w);
    (void)snprintf(w.dir, sizeof w.dir, "/tmp/siyu-spool-XXXXXX");
    T_TRUE(mkdtemp(w.dir) != NULL);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    (void)unlink(path_of("spool.jsonl"));
    (void)unlink(path_of("spool.refused.jsonl"));
    return rmdir(w.dir);
}

static void a_line_is_in_the_file_when_it_is_told_safe(void)
{
    begin();
    say(7, "{\"a\":1}");
    wait_for(1);
    T_EQ(w.tags[0], 7);
    T_OK(w.errs[0]);
    holds("spool.jsonl", "{\"a\":1}\n");
    end();
}

static void lines_are_told_safe_in_order_each_once(void)
{
    begin();
    for (int i = 0; i < 1500; i++)
        say(i, "x");
    wait_for(1500);
    for (int i = 0; i < 1500; i++) {
        T_EQ(w.tags[i], i);
        T_OK(w.errs[i]);
    }
    end();
}

static void what_an_earlier_life_left_comes_back(void)
{
    begin();
    nothing_is_left();
    say(1, "one");
    say(2, "two");
    wait_for(2);
    restart();
    next_is("one");
    say(3, "three"); /* of this life: not given back */
    wait_for(1);
    next_is("two");
    nothing_is_left();
    end();
}

static void writes_that_wait_are_finished_by_the_close(void)
{
    begin();
    say(1, "one");
    say(2, "two");
    end();
    T_EQ(w.answered, 0);
    begin();
    next_is("one");
    next_is("two");
    end();
}

static void a_torn_last_line_is_cut_off_and_swallows_nothing(void)
{
    put("spool.jsonl", "one\ntwo\nthr");
    begin();
    next_is("one");
    next_is("two");
    nothing_is_left();
    say(4, "four");
    wait_for(1);
    holds("spool.jsonl", "one\ntwo\nfour\n");
    end();
}

static void a_file_of_one_torn_line_is_empty(void)
{
    put("spool.jsonl", "thr");
    begin();
    nothing_is_left();
    holds("spool.jsonl", "");
    end();
}

static void long_lines_come_back_whole(void)
{
    char *text = mem_calloc(1, 300001);

    T_TRUE(text != NULL);
    memset(text, 'x', 300000);
    begin();
    say(1, "short");
    say(2, text);
    say(3, "short");
    wait_for(3);
    restart();
    next_is("short");
    next_is(text);
    next_is("short");
    nothing_is_left();
    end();
    mem_free(text);
}

static void forgetting_empties_the_file_and_no_later_line(void)
{
    begin();
    say(1, "one");
    wait_for(1);
    spool_forget(w.spool);
    say(2, "two");
    wait_for(2);
    holds("spool.jsonl", "two\n");
    end();
}

/* A sparse file stands for one that is nearly full. */
static void the_file_has_a_bound(void)
{
    int fd = open(path_of("spool.jsonl"), O_WRONLY | O_CREAT, 0600);

    T_EQ(pwrite(fd, "\n", 1, SPOOL_MAX_BYTES - 11), 1);
    T_EQ(close(fd), 0);
    begin();
    say(1, "0123456789");
    say(2, "012345678");
    say(3, "");
    wait_for(3);
    T_ERR(w.errs[0], ERR_FULL);
    T_OK(w.errs[1]);
    T_ERR(w.errs[2], ERR_FULL);
    spool_forget(w.spool);
    say(4, "0123456789");
    wait_for(4);
    T_OK(w.errs[3]);
    end();
}

static void a_line_beyond_all_reason_is_an_error(void)
{
    struct str line;
    int fd = open(path_of("spool.jsonl"), O_WRONLY | O_CREAT, 0600);

    T_EQ(pwrite(fd, "\n", 1, 20 << 20), 1);
    T_EQ(close(fd), 0);
    begin();
    T_ERR(spool_next(w.spool, &line), ERR_TOO_BIG);
    end();
}

static void a_full_disk_is_told_and_nothing_is_called_safe(void)
{
    T_EQ(symlink("/dev/full", path_of("spool.jsonl")), 0);
    begin();
    say(1, "one");
    wait_for(1);
    say(2, "two");
    wait_for(2);
    T_ERR(w.errs[0], -ENOSPC);
    T_TRUE(w.errs[1] < 0);
    end();
}

static void a_folder_that_is_not_there_is_an_error(void)
{
    T_OK(loop_new(&w.loop));
    T_ERR(spool_open(w.loop, "/nowhere", on_safe, &w, &w.spool), -ENOENT);
    loop_free(w.loop);
}

static void what_nobody_can_use_is_kept_for_people(void)
{
    begin();
    T_OK(spool_set_aside(w.spool, STR("odd")));
    T_OK(spool_set_aside(w.spool, STR("odder")));
    holds("spool.refused.jsonl", "odd\nodder\n");
    end();
}

static void only_its_owner_may_read_it(void)
{
    struct stat st;

    begin();
    T_EQ(stat(path_of("spool.jsonl"), &st), 0);
    T_EQ(st.st_mode & 0777, 0600);
    end();
}

#define CASE(fn)                                                                                             \
    {                                                                                                        \
#fn, t_call, open_world, close_world, (void *)(fn)                                                   \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_line_is_in_the_file_when_it_is_told_safe),
        CASE(lines_are_told_safe_in_order_each_once),
        CASE(what_an_earlier_life_left_comes_back),
        CASE(writes_that_wait_are_finished_by_the_close),
        CASE(a_torn_last_line_is_cut_off_and_swallows_nothing),
        CASE(a_file_of_one_torn_line_is_empty),
        CASE(long_lines_come_back_whole),
        CASE(forgetting_empties_the_file_and_no_later_line),
        CASE(the_file_has_a_bound),
        CASE(a_line_beyond_all_reason_is_an_error),
        CASE(a_full_disk_is_told_and_nothing_is_called_safe),
        CASE(a_folder_that_is_not_there_is_an_error),
        CASE(what_nobody_can_use_is_kept_for_people),
        CASE(only_its_owner_may_read_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
