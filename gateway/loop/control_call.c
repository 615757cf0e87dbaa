/* SPDX-License-Identifier: Apache-2.0 */
/* control_call.c - the client side of the command channel: blocking, for the command line. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "loop/control.h"

static int64_t now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int wait_for(int fd, short events, int64_t end_ms)
{
    struct pollfd p = {.fd = fd, .events = events};

    for (;;) {
        int64_t left = end_ms - now_ms();
        int r = poll(&p, 1, left > 0 ? (int)(left < 1000000 ? left : 1000000) : 0);

        if (r > 0)
            return 0;
        if (r < 0 && errno != EINTR)
            return -errno;
        if (now_ms() >= end_ms)
            return -ETIMEDOUT;
    }
}

/* A connected socket. */
static int dial(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd;

    if (strlen(path) >= sizeof(addr.sun_path))
        return -ENAMETOOLONG;
    memcpy(addr.sun_path, path, strlen(path));
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
        int r = -errno;

        (void)close(fd);
        return r;
    }
    return fd;
}

static int say(int fd, struct str s, int64_t end_ms)
{
    while (s.n > 0) {
        ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);
        int r = 0;

        if (n >= 0)
            s = str_sub(s, (size_t)n, s.n);
        else if (errno == EAGAIN)
            r = wait_for(fd, POLLOUT, end_ms);
        else if (errno != EINTR)
            r = -errno;
        if (r < 0)
            return r;
    }
    return 0;
}

/* Until the newline, which is dropped. */
static int hear(int fd, struct buf *line, int64_t end_ms)
{
    char chunk[16384];

    for (;;) {
        ssize_t n = recv(fd, chunk, sizeof(chunk), 0);
        int r = 0;

        if (n == 0)
            return ERR_CLOSED;
        if (n > 0) {
            size_t end = str_chr((struct str){chunk, (size_t)n}, '\n');

            r = buf_add(line, chunk, end);
            if (r == 0 && end < (size_t)n)
                return 0;
        } else if (errno == EAGAIN) {
            r = wait_for(fd, POLLIN, end_ms);
        } else if (errno != EINTR) {
            r = -errno;
        }
        if (r < 0)
            return r;
    }
}

int control_call(const char *path, struct str line, int64_t timeout_ms, struct buf *ret)
{
    int64_t end_ms = now_ms() + timeout_ms;
    struct buf answer;
    int fd, r;

    if (line.n > CONTROL_LINE_BYTES)
        return ERR_FULL;
    fd = dial(path);
    if (fd < 0)
        return fd;
    buf_init(&answer, CONTROL_LINE_BYTES);
    r = say(fd, line, end_ms);
    if (r == 0)
        r = say(fd, STR("\n"), end_ms);
    if (r == 0)
        r = hear(fd, &answer, end_ms);
    if (r == 0)
        r = buf_add_str(ret, buf_str(&answer));
    buf_fini(&answer);
    (void)close(fd);
    return r;
}
