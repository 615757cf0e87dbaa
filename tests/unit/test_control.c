/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/control.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "support/asserts.h"

static struct {
    struct loop *loop;
    struct control *control;
    struct loop_wake done;
    struct timer later;
    struct control_id pending;
    char dir[64], path[96];
    char *large;
    void (*client)(void);
    struct buf heard;
    int r[4];
} w;

static void on_later(struct timer *t)
{
    (void)t;
    control_reply(w.control, w.pending, STR("later"));
    control_reply(w.control, w.pending, STR("twice is nobody's"));
}

static void on_line(void *ctx, struct control_id id, struct str line)
{
    T_TRUE(ctx == &w);
    if (str_is(line, "later")) {
        w.pending = id;
        timer_start(&w.later, 20, on_later);
    } else if (str_is(line, "large")) {
        control_reply(w.control, id, (struct str){w.large, CONTROL_LINE_BYTES});
    } else if (!str_is(line, "never")) {
        control_reply(w.control, id, line);
    }
}

static void on_done(struct loop_wake *wake)
{
    loop_wake_close(wake, NULL);
    timer_close(&w.later, NULL);
    control_close(w.control);
}

static void *client_run(void *arg)
{
    (void)arg;
    w.client();
    loop_wake_send(&w.done);
    return NULL;
}

static int set_up(void **state)
{
    (void)state;
    memset(&w, 0, sizeof(w));
    (void)snprintf(w.dir, sizeof(w.dir), "/tmp/siyu-control-XXXXXX");
    if (!mkdtemp(w.dir))
        return -1;
    (void)snprintf(w.path, sizeof(w.path), "%s/siyu.sock", w.dir);
    w.large = malloc(CONTROL_LINE_BYTES + 1);
    memset(w.large, 'l', CONTROL_LINE_BYTES + 1);
    buf_init(&w.heard, 2 * CONTROL_LINE_BYTES);
    return loop_new(&w.loop);
}

static int tear_down(void **state)
{
    (void)state;
    loop_free(w.loop);
    buf_fini(&w.heard);
    free(w.large);
    (void)unlink(w.path);
    return rmdir(w.dir);
}

static void serve(void (*client)(void))
{
    pthread_t thread;

    T_OK(control_open(w.loop, w.path, on_line, &w, &w.control));
    T_OK(loop_wake_init(w.loop, &w.done, on_done));
    timer_init(w.loop, &w.later);
    w.client = client;
    T_EQ(pthread_create(&thread, NULL, client_run, NULL), 0);
    loop_run(w.loop);
    T_EQ(pthread_join(thread, NULL), 0);
}

static void talk(void)
{
    w.r[0] = control_call(w.path, STR("{\"op\":\"回声\"}"), 5000, &w.heard);
    w.r[1] = control_call(w.path, STR("later"), 5000, &w.heard);
    w.r[2] = control_call(w.path, STR("never"), 50, &w.heard);
}

static void a_line_is_answered_at_once_or_later(void **state)
{
    struct stat st;

    (void)state;
    serve(talk);
    T_OK(w.r[0]);
    T_OK(w.r[1]);
    T_ERR(w.r[2], -ETIMEDOUT);
    T_VIEW(buf_str(&w.heard), "{\"op\":\"回声\"}later");
    T_TRUE(stat(w.path, &st) < 0); /* removed at the end */
}

static void talk_large(void)
{
    w.r[0] = control_call(w.path, (struct str){w.large, CONTROL_LINE_BYTES}, 5000, &w.heard);
    w.r[1] = control_call(w.path, STR("large"), 5000, &w.heard);
    w.r[2] = control_call(w.path, (struct str){w.large, CONTROL_LINE_BYTES + 1}, 5000, &w.heard);
}

static void lines_reach_their_cap_and_no_further(void **state)
{
    (void)state;
    serve(talk_large);
    T_OK(w.r[0]);
    T_OK(w.r[1]);
    T_ERR(w.r[2], ERR_FULL);
    T_EQ(w.heard.len, 2 * (size_t)CONTROL_LINE_BYTES);
}

static void talk_raw(void)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    size_t sent = 0;

    memcpy(addr.sun_path, w.path, strlen(w.path));
    w.r[0] = connect(fd, (struct sockaddr *)&addr, sizeof(addr));
    while (sent < 3 * (size_t)CONTROL_LINE_BYTES) { /* never a newline */
        ssize_t n = send(fd, w.large, CONTROL_LINE_BYTES, MSG_NOSIGNAL);

        if (n < 0)
            break;
        sent += (size_t)n;
    }
    w.r[1] = sent < 3 * (size_t)CONTROL_LINE_BYTES;
    (void)close(fd);
    fd = socket(AF_UNIX, SOCK_STREAM, 0); /* asks and goes */
    w.r[2] = connect(fd, (struct sockaddr *)&addr, sizeof(addr));
    (void)send(fd, "later\n", 6, MSG_NOSIGNAL);
    (void)close(fd);
    w.r[3] = control_call(w.path, STR("still here"), 5000, &w.heard);
}

static void an_endless_line_ends_its_client_only(void **state)
{
    (void)state;
    serve(talk_raw);
    T_OK(w.r[0]);
    T_EQ(w.r[1], 1);
    T_OK(w.r[2]);
    T_OK(w.r[3]);
    T_VIEW(buf_str(&w.heard), "still here");
}

/* What a killed process leaves behind: a bound socket that nobody listens on. */
static int open_stale(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    memcpy(addr.sun_path, path, strlen(path));
    return bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 ? fd : -1;
}

static void a_served_socket_is_refused_and_a_stale_one_replaced(void **state)
{
    struct control *first, *second;
    struct stat st;

    (void)state;
    T_ERR(control_call(w.path, STR("x"), 100, &w.heard), -ENOENT);
    T_OK(control_open(w.loop, w.path, on_line, &w, &first));
    T_EQ(stat(w.path, &st), 0);
    T_EQ(st.st_mode & 0777, 0600);
    T_ERR(control_open(w.loop, w.path, on_line, &w, &second), -EADDRINUSE);
    control_close(first);
    loop_run(w.loop);
    T_EQ(close(open_stale(w.path)), 0);
    T_ERR(control_call(w.path, STR("x"), 100, &w.heard), -ECONNREFUSED);
    T_OK(control_open(w.loop, w.path, on_line, &w, &second));
    control_close(second);
    loop_run(w.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_is_answered_at_once_or_later, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lines_reach_their_cap_and_no_further, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_endless_line_ends_its_client_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_served_socket_is_refused_and_a_stale_one_replaced, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
